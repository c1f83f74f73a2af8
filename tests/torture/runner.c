/* SPDX-License-Identifier: Apache-2.0 */
/* runner.c: one action of a scenario in a child. */
#include "runner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void (*stage_hook)(enum moment, struct result *);

enum { TIMEOUT_S = 60 };

struct job {
    struct stage *stage;
    const struct fault_rule *rule;
    const struct expect *expect;
    unsigned flags;
};

/* ---- set-up ---- */

static bool set_up(void *ctx)
{
    const struct job *j = ctx;
    char root[PATH_BYTES + 8];

    (void)snprintf(root, sizeof root, "%s/store", j->stage->before);
    return setup_run(root, j->stage->scenario, j->stage->result->why);
}

bool stage_open(struct stage *g, const struct scenario *s)
{
    struct job j = {.stage = g};

    memset(g, 0, sizeof *g);
    g->scenario = s;
    g->log_fd = scratch_log();
    g->result = shared_memory(sizeof *g->result);
    if (!scratch_make(g->folder, "torture") || g->log_fd < 0 || !g->result) {
        return false;
    }
    (void)snprintf(g->before, sizeof g->before, "%.400s/before", g->folder);
    (void)snprintf(g->world, sizeof g->world, "%.400s/world", g->folder);
    (void)snprintf(g->root, sizeof g->root, "%.400s/world/store", g->folder);
    return mkdir(g->before, 0777) == 0 && in_child(set_up, &j, TIMEOUT_S) == CHILD_OK;
}

void stage_close(struct stage *g)
{
    scratch_remove(g->folder);
    (void)close(g->log_fd);
    g->log_fd = -1;
}

/* ---- the action ---- */

static void keep_counts(struct result *r, const struct faultsys *f, const char *world)
{
    size_t skip = strncmp(f->dropped, world, strlen(world)) ? 0 : strlen(world);

    memcpy(r->dropped, f->dropped + skip, sizeof f->dropped - skip);
    r->calls = f->calls;
    r->mutating = f->mutating;
    r->syncs = f->syncs;
    r->fired = f->fired;
    r->log_failed = f->log_failed;
    r->call_count = f->calls < TRACE_MAX ? (size_t)f->calls : TRACE_MAX;
}

static void hook(enum moment when, struct result *r)
{
    if (stage_hook) {
        stage_hook(when, r);
    }
}

static bool act(void *ctx)
{
    const struct job *j = ctx;
    struct stage *g = j->stage;
    struct result *r = g->result;
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client c;

    faultsys_init(&f, &ff_sys_posix);
    f.log_fd = g->log_fd;
    f.trace = r->trace;
    f.trace_max = TRACE_MAX;
    r->fds_before = open_fds();
    if (!client_begin(&c, &f.table, &e)) {
        return say(r->why, "open: %d %s: %s", e.code, e.place, e.message);
    }
    faultsys_arm(&f, j->rule);
    hook(BEFORE_ACTION, r);
    if (client_switch(&c, g->root, &r->outcome.error)) {
        action_run(&c, g->root, g->scenario, &f, &r->outcome);
    } else {
        r->outcome.code = r->outcome.error.code;
    }
    hook(AFTER_ACTION, r);
    keep_counts(r, &f, g->world);
    faultsys_disarm(&f);
    client_close(&c);
    hook(AFTER_CLOSE, r);
    r->fds_after = open_fds();
    f.trace = NULL;
    faultsys_free(&f);
    return true;
}

static bool prepare(struct stage *g)
{
    memset(g->result, 0, sizeof *g->result);
    scratch_remove(g->world);
    return (scratch_copy(g->before, g->world) && !ftruncate(g->log_fd, 0) &&
            !lseek(g->log_fd, 0, SEEK_SET)) ||
           say(g->result->why, "no scratch folder");
}

enum child_end stage_run(struct stage *g, const struct fault_rule *rule)
{
    struct job j = {.stage = g, .rule = rule};

    return prepare(g) ? in_child(act, &j, TIMEOUT_S) : CHILD_BAD;
}

void stop_self(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    (void)kill(getpid(), SIGSTOP);
}

enum child_end stage_run_around(struct stage *g, const struct fault_rule *rule,
                                bool (*between)(void *ctx), void *ctx,
                                enum child_end *other)
{
    struct job j = {.stage = g, .rule = rule};
    siginfo_t info;
    pid_t pid;

    *other = CHILD_BAD;
    if (!prepare(g)) {
        return CHILD_BAD;
    }
    pid = child_start(act, &j);
    memset(&info, 0, sizeof info);
    while (waitid(P_PID, (id_t)pid, &info, WSTOPPED | WEXITED | WNOWAIT) < 0 &&
           errno == EINTR) {
    }
    if (info.si_code == CLD_STOPPED) {
        *other = in_child(between, ctx, TIMEOUT_S);
        (void)kill(pid, SIGCONT);
    }
    return child_wait(pid, TIMEOUT_S);
}

/* ---- what it left ---- */

static bool check(void *ctx)
{
    const struct job *j = ctx;

    return invariants_hold(j->stage->root, j->expect, j->flags, j->stage->result->why);
}

bool stage_check(struct stage *g, enum child_end end, unsigned flags, char *why)
{
    struct expect x;
    struct job j = {.stage = g, .expect = &x, .flags = flags};
    struct result *r = g->result;
    bool ok = end == CHILD_OK || end == CHILD_KILLED;
    enum child_end checked;

    if (!ok) {
        (void)say(why, "the run ended %s (step %d, code %d %s)", child_end_name[end],
                  r->outcome.steps, r->outcome.code, r->outcome.error.message);
    }
    if (end == CHILD_OK) {
        ok = ok && (flags & CHECK_RUN || outcome_check(g->scenario, &r->outcome, why));
        ok = ok &&
             (!(flags & CHECK_TOLD) || outcome_is_told(g->scenario, &r->outcome, why));
        if (r->fds_after != r->fds_before || r->log_failed) {
            ok = say(why, "%d descriptors before, %d after", r->fds_before, r->fds_after);
        }
    }
    if (flags & CHECK_RUN) {
        return ok;
    }
    expect_outcome(g->scenario, &r->outcome, &x);
    checked = in_child(check, &j, TIMEOUT_S);
    if (checked != CHILD_OK) {
        ok = say(why, "the check ended %s", child_end_name[checked]);
    }
    if (*r->why) {
        (void)say(why, "%s", r->why);
    }
    return ok;
}
