/* SPDX-License-Identifier: Apache-2.0 */
/* torture_interleave: one process is stopped before each of its calls in turn, while another
 * does its work; both end well, and the invariants hold. */
#include <dirent.h>
#include <sys/stat.h>
#include <time.h>

#include "interleavings.h"
#include "runner.h"

struct between {
    struct stage *stage;
    const struct step *steps; /* what the other process does */
    struct fault_rule rule;   /* of its calls */
    bool age;                 /* intents look as if nobody had touched them for an hour */
};

/* Back to an hour ago. */
static void age_intents(const char *root)
{
    const struct timespec times[2] = {{time(NULL) - 3600, 0}, {time(NULL) - 3600, 0}};
    char path[PATH_BYTES * 2];
    struct dirent *d;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%s/%s", root, workflow_name(0));
    dir = opendir(path);
    while (dir && (d = readdir(dir))) {
        if (strncmp(d->d_name, ".ff-tmp-", 8) == 0) {
            (void)utimensat(dirfd(dir), d->d_name, times, 0);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

static bool do_between(void *ctx)
{
    const struct between *b = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client c;
    bool ok;

    if (b->age) {
        age_intents(b->stage->root);
    }
    faultsys_init(&f, &ff_sys_posix);
    faultsys_arm(&f, &b->rule);
    ok = client_open(&c, b->stage->root, &f.table, &e);
    for (int i = 0; ok && i < STEPS && b->steps[i].kind; i++) {
        int rc = step_run(&c, b->stage->root, &b->steps[i], NULL, &e);

        ok = rc == FF_OK || rc == FF_E_NOT_FOUND || rc == FF_E_CONFLICT;
        if (!ok) {
            (void)say(b->stage->result->why, "the other: %d %s: %s", rc, e.place,
                      e.message);
        }
        e = (struct ff_error)FF_ERROR_INIT;
    }
    client_close(&c);
    faultsys_free(&f);
    return ok;
}

struct looking {
    struct stage *stage;
    struct expect expect;
};

static bool look(void *ctx)
{
    const struct looking *l = ctx;

    return invariants_hold(l->stage->root, &l->expect, CHECK_SAVE, l->stage->result->why);
}

static bool may_end(const struct interleaving *in, const struct stage *g, uint64_t at,
                    uint64_t commit_at, char *why)
{
    int code = g->result->outcome.code;

    if (code == FF_OK) {
        return !in->must_fail || at > commit_at ||
               say(why, "success, but its workflow was gone before the commit");
    }
    return interleaving_may_end(in, code) ||
           say(why, "ended %d: %s: %s", code, g->result->outcome.error.place,
               g->result->outcome.error.message);
}

/* Which mutating call is the commit: the last rename. */
static uint64_t find_commit(struct stage *g)
{
    const struct fault_rule none = {0};
    uint64_t found = 0, mutating = 0;

    (void)stage_run(g, &none);
    for (size_t i = 0; i < g->result->call_count; i++) {
        int op = g->result->trace[i];

        mutating += fault_is_mutating(op);
        found = op == OP_RENAMEAT2 ? mutating : found;
    }
    return found;
}

static bool one_interleaving(struct stage *g, const struct interleaving *in, uint64_t at,
                             uint64_t commit_at, bool *stopped, char *why)
{
    const struct fault_rule rule = {.stop_at = at,
                                    .stop_any = in->every_call,
                                    .on_stop = stop_self,
                                    .no_locks = in->no_locks};
    struct between b = {
        .stage = g,
        .steps = in->second,
        .rule = {.no_locks = in->no_locks, .hide_intents = in->hide_intents},
        .age = in->age};
    struct looking l = {.stage = g};
    enum child_end other, end = stage_run_around(g, &rule, do_between, &b, &other);
    bool ok;

    *stopped = g->result->fired > 0;
    if (!*stopped) {
        return true;
    }
    ok = end == CHILD_OK || say(why, "it ended %s", child_end_name[end]);
    ok = (other == CHILD_OK || say(why, "the other ended %s", child_end_name[other])) &&
         ok;
    ok = may_end(in, g, at, commit_at, why) && ok;
    interleaving_expect(in, &l.expect);
    ok = in_child(look, &l, 60) == CHILD_OK && ok;
    return ok || say(why, "%s", g->result->why);
}

static void interleave(const struct interleaving *in)
{
    static struct stage g;
    uint64_t commit_at = 0, wrong = 0, tried = 0;
    uint64_t stride = in->sampled && !torture_long() ? 4 : 1;
    bool opened = stage_open(&g, &in->first), stopped = opened;

    if (opened && in->must_fail) {
        commit_at = find_commit(&g);
    }
    for (uint64_t at = torture_seed() % stride + 1; stopped; at += stride) {
        char why[TEXT_BYTES] = "";

        tried++;
        if (!one_interleaving(&g, in, at, commit_at, &stopped, why)) {
            if (!in->hide_intents) {
                tap_note("%s: at call %llu: %s", in->name, (unsigned long long)at, why);
            }
            wrong++;
        }
    }
    (void)tap_ok(opened && tried > 3 && (wrong > 0) == in->hide_intents,
                 "%s: %llu calls, %llu wrong%s", in->name, (unsigned long long)tried,
                 (unsigned long long)wrong, in->hide_intents ? ", as is to be" : "");
    stage_close(&g);
}

int main(void)
{
    for (size_t i = 0; i < interleaving_count; i++) {
        interleave(&interleavings[i]);
    }
    return tap_end();
}
