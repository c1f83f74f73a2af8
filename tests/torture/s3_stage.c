/* SPDX-License-Identifier: Apache-2.0 */
/* s3_stage.c: see s3_stage.h. */
#include "s3_stage.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "../s3/fault_ask.h"

enum { TIMEOUT_S = 60, NAMES_BYTES = 1 << 16, FIRST_BELOW = 12 };

static bool ask(const char *command)
{
    char answer[64];

    return fault_ask(answer, sizeof answer, "%s", command);
}

/* ---- time: the server's, and that of all clients ---- */

static _Atomic int64_t *passed_s; /* shared */
static int64_t begun_s;           /* of it, when this process began */
static struct ff_sys sys;

static int later(const struct ff_sys *self, clockid_t clock, struct timespec *out)
{
    int rc = ff_sys_posix.clock_gettime(&ff_sys_posix, clock, out);
    int64_t passed = atomic_load(passed_s);

    (void)self;
    out->tv_sec += clock == CLOCK_REALTIME ? passed : passed - begun_s;
    return rc;
}

void s3_pass_an_hour(void)
{
    if (ask("!clock 3600")) {
        atomic_fetch_add(passed_s, 3600);
    }
}

/* ---- the medium ---- */

/* "{... "path": "/test/PREFIX" ...": PREFIX */
static void prefix_of(const char *root, char prefix[64])
{
    const char *at = strstr(root, "/test/");

    (void)snprintf(prefix, 64, "%.*s", at ? (int)strcspn(at + 6, "\"") : 0,
                   at ? at + 6 : "");
}

static const char *uuid_in(const char *name)
{
    const char *at = strstr(name, "/bigdata/");

    at = at ? at + strlen("/bigdata/") : NULL;
    if (at && !strncmp(at, "dask_arrays/", 12)) {
        at += 12;
    }
    return at && strspn(at, "0123456789abcdef-") == 36 ? at : NULL;
}

/* As the server holds them. A marker of a workflow is no leftover. */
static void count(const char *root, size_t *bigdata, size_t *private_names)
{
    static char names[NAMES_BYTES];
    char prefix[64], last[40] = "", *save = NULL;

    prefix_of(root, prefix);
    *bigdata = *private_names = 0;
    if (!fault_ask(names, sizeof names, "!keys %s/", prefix)) {
        *private_names = SIZE_MAX;
        return;
    }
    for (char *name = strtok_r(names, " ", &save); name;
         name = strtok_r(NULL, " ", &save)) {
        const char *uuid = uuid_in(name), *end = strrchr(name, '/');

        *private_names += strstr(name, ".ff-") ||
                          (strstr(name, "/.ff/") && end && strcmp(end, "/workflow"));
        if (uuid && strncmp(uuid, last, 36)) {
            ++*bigdata;
            (void)snprintf(last, sizeof last, "%.36s", uuid);
        }
    }
}

static int stray(const char *root, const struct step *s)
{
    static const char *const name[] = {
        "bigdata/dask_arrays/0f0e0d0c-0b0a-4a0b-8c0d-0e0f00010203/0.0",
        "bigdata/.ff/intent-00112233445566778899aabbccddeeff"};
    char prefix[64], answer[64];

    prefix_of(root, prefix);
    return fault_ask(answer, sizeof answer, "!put %s/%s/%s %s", prefix,
                     workflow_name(s->w), name[s->kind == STEP_LEFTOVER],
                     "6f70656e20300a" /* open 0 */)
               ? FF_OK
               : FF_E_IO;
}

static const struct medium on_s3 = {count, stray, &sys};

/* ---- a stage ---- */

static void json_of(char json[PATH_BYTES], const char *prefix)
{
    (void)snprintf(json, PATH_BYTES,
                   "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/%s\", \"s3fs\": "
                   "{\"endpoint_url\": \"http://127.0.0.1:%u\", \"key\": \"ffkey\", "
                   "\"secret\": \"ffsecretffsecret\"}}}",
                   prefix, fault_port());
}

static bool set_up(void *ctx)
{
    const struct s3_stage *g = ctx;

    begun_s = atomic_load(passed_s);
    return setup_run(g->before, g->scenario, g->result->why);
}

bool s3_stage_open(struct s3_stage *g, const struct scenario *s)
{
    static unsigned id;
    char prefix[64];

    memset(g, 0, sizeof *g);
    if (!medium) {
        medium = &on_s3;
        sys = ff_sys_posix;
        sys.clock_gettime = later;
        passed_s = shared_memory(sizeof *passed_s);
    }
    g->scenario = s;
    g->id = ++id;
    g->result = shared_memory(sizeof *g->result);
    (void)snprintf(prefix, sizeof prefix, "torture%d.%u", (int)getpid(), g->id);
    json_of(g->before, prefix);
    return g->result && passed_s && in_child(set_up, g, TIMEOUT_S) == CHILD_OK;
}

void s3_stage_off(void)
{
    (void)ask("!off");
}

struct job {
    struct s3_stage *stage;
    const struct expect *expect;
    const char *fault;
    unsigned at;
};

static bool act(void *ctx)
{
    const struct job *j = ctx;
    struct result *r = j->stage->result;
    struct faultsys f;
    struct client c;
    char answer[64];

    faultsys_init(&f, &ff_sys_posix);
    begun_s = atomic_load(passed_s);
    if (!fault_ask(answer, sizeof answer, "!victim %d", (int)getpid()) ||
        !fault_ask(answer, sizeof answer, "!arm %s ANY 1000000 %u", j->fault, j->at) ||
        strcmp(answer, "ok") != 0) {
        return say(r->why, "the server of faults: %s", answer);
    }
    if (client_open(&c, j->stage->root, NULL, &r->outcome.error)) {
        action_run(&c, j->stage->root, j->stage->scenario, &f, &r->outcome);
    } else {
        r->outcome.code = r->outcome.error.code;
    }
    r->mutating = 1;
    client_close(&c);
    faultsys_free(&f);
    return true;
}

pid_t s3_stage_start(struct s3_stage *g, const char *fault, unsigned at)
{
    struct job j = {.stage = g, .fault = fault, .at = at};
    char before[64], answer[64];

    memset(g->result, 0, sizeof *g->result);
    prefix_of(g->before, before);
    (void)snprintf(g->prefix, sizeof g->prefix, "%.40s.%u", before, ++g->runs);
    json_of(g->root, g->prefix);
    (void)fault_ask(answer, sizeof answer, "!copy %s/ %s/", before, g->prefix);
    s3_pass_an_hour();
    return child_start(act, &j);
}

static bool look(void *ctx)
{
    const struct job *j = ctx;

    begun_s = atomic_load(passed_s);
    return invariants_hold(j->stage->root, j->expect, CHECK_SAVE, j->stage->result->why);
}

bool s3_stage_look(struct s3_stage *g, const struct expect *x, char *why)
{
    struct job j = {.stage = g, .expect = x};
    enum child_end end = in_child(look, &j, TIMEOUT_S);

    return end == CHILD_OK ||
           say(why, "the check ended %s: %s", child_end_name[end], g->result->why);
}

bool s3_has_intent(const struct s3_stage *g)
{
    static char names[NAMES_BYTES];

    return fault_ask(names, sizeof names, "!keys %s/%s/bigdata/.ff/", g->prefix,
                     workflow_name(0)) &&
           strstr(names, "intent-");
}

bool s3_can(const struct scenario *s)
{
    for (int i = 0; i < STEPS; i++) {
        if (s->action[i].kind == STEP_OTHERS || s->action[i].kind == STEP_KILLED) {
            return false;
        }
    }
    return true;
}

unsigned s3_stride(unsigned sampled, unsigned *first)
{
    *first = torture_long() ? 1 : (unsigned)(torture_seed() % FIRST_BELOW) + 1;
    return torture_long() ? 1 : sampled;
}
