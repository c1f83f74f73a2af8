/* SPDX-License-Identifier: Apache-2.0 */
/* torture_errno: every system call of every scenario fails with each of its errors, once and
 * from then on, and every transfer is short. FF_LONG=1: all of them; else as many as fit. */
#include <stdlib.h>

#include "errnos.h"
#include "runner.h"

enum { POINTS_MAX = 1 << 18, SECONDS = 25, TOLD_MAX = 20 };

struct point {
    uint16_t scenario;
    uint16_t call;
    int16_t err;
    bool sticky;
};

static struct point points[POINTS_MAX];
static uint32_t order[POINTS_MAX];
static size_t point_count;

static void add(size_t scenario, size_t call, int err, bool sticky)
{
    if (point_count < POINTS_MAX) {
        points[point_count] = (struct point){.scenario = (uint16_t)scenario,
                                             .call = (uint16_t)call,
                                             .err = (int16_t)err,
                                             .sticky = sticky};
        order[point_count] = (uint32_t)point_count;
        point_count++;
    }
}

static bool can_be_short(int op)
{
    return op == OP_READ || op == OP_WRITE || op == OP_PREAD || op == OP_PWRITE ||
           op == OP_PREADV || op == OP_PWRITEV || op == OP_GETRANDOM;
}

static void add_points(size_t scenario, const struct result *r)
{
    for (size_t call = 1; call <= r->call_count; call++) {
        int op = r->trace[call - 1];

        for (int i = 0; i < ERRNOS_MAX && errnos[op][i]; i++) {
            add(scenario, call, errnos[op][i], false);
            if (!errno_is_passing(errnos[op][i])) {
                add(scenario, call, errnos[op][i], true);
            }
        }
        if (can_be_short(op)) {
            add(scenario, call, FAULT_SHORT, false);
            add(scenario, call, FAULT_SHORT, true);
        }
    }
}

/* Without faults: everything ends as wanted. */
static void plain_run(struct stage *g, size_t scenario)
{
    const struct fault_rule none = {0};
    char why[TEXT_BYTES] = "";
    enum child_end end = stage_run(g, &none);
    const struct outcome *o = &g->result->outcome;
    bool ok = stage_check(g, end, CHECK_SAVE, why);

    if (o->steps && o->code != g->scenario->action[o->steps - 1].want) {
        ok = say(why, "step %d: %d %s: %s", o->steps, o->code, o->error.place,
                 o->error.message);
    }
    (void)stage_run(g, &none);
    add_points(scenario, g->result);
    (void)tap_ok(ok, "%s: %zu calls, %llu mutating, %llu syncs: %s", g->scenario->name,
                 g->result->call_count, (unsigned long long)g->result->mutating,
                 (unsigned long long)g->result->syncs, why);
}

static bool is_sync(int op)
{
    return op == OP_FSYNC || op == OP_FDATASYNC || op == OP_SYNCFS;
}

/* A success in spite of a failed sync is one only if a power cut agrees. */
static bool is_durable(struct stage *g, const struct point *p, char *why)
{
    const struct power_limits limits = {.until_s = now_s() + 10,
                                        .each_cut = 16,
                                        .only_end = true,
                                        .stop_at_first = true,
                                        .seed = torture_seed()};
    struct power_result out;

    if (g->result->outcome.code || !is_sync(g->result->trace[p->call - 1])) {
        return true;
    }
    power_check(g->scenario, g->world, g->before, g->log_fd, &limits, &out);
    return out.violations == 0 || say(why, "a power cut afterwards: %s", out.why);
}

static bool run_point(struct stage *g, const struct point *p, char *why)
{
    const struct fault_rule rule = {
        .fail_at = p->call, .err = p->err, .sticky = p->sticky};
    enum child_end end = stage_run(g, &rule);
    int op = g->result->trace[p->call - 1];
    bool lie = errno_is_lie(op, p->err) && strncmp(g->scenario->name, "gc", 2) != 0;
    bool durable = is_durable(g, p, why);

    return stage_check(g, end, lie ? CHECK_RUN : CHECK_TOLD, why) && durable;
}

static void tell(const struct stage *g, const struct point *p, const char *why)
{
    tap_note("%s: call %u (%s) %s %s: %s", g->scenario->name, p->call,
             fault_op_name[g->result->trace[p->call - 1]],
             p->err == FAULT_SHORT ? "short" : strerrorname_np(p->err),
             p->sticky ? "from then on" : "once", why);
}

static void run_points(struct stage *stages)
{
    struct rng rng = {torture_seed()};
    double until = torture_until(SECONDS);
    size_t ran = 0, failed[64] = {0}, tried[64] = {0}, told = 0;

    rng_shuffle(&rng, order, point_count);
    for (; ran < point_count && now_s() < until; ran++) {
        const struct point *p = &points[order[ran]];
        char why[TEXT_BYTES] = "";

        tried[p->scenario]++;
        if (!run_point(&stages[p->scenario], p, why)) {
            failed[p->scenario]++;
            if (told++ < TOLD_MAX || torture_long()) {
                tell(&stages[p->scenario], p, why);
            }
        }
    }
    for (size_t i = 0; i < scenario_count; i++) {
        (void)tap_ok(failed[i] == 0, "%s: %zu faults, %zu wrong", scenarios[i].name,
                     tried[i], failed[i]);
    }
    tap_note("ran %zu of %zu points", ran, point_count);
}

/* `torture_errno NAME CALL ERRNO [sticky]` runs one point again. */
static int again(char **argv, int argc)
{
    static struct stage g;
    struct point p = {.call = (uint16_t)atoi(argv[2]),
                      .err = (int16_t)atoi(argv[3]),
                      .sticky = argc > 4};
    char why[TEXT_BYTES] = "";

    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, argv[1]) == 0 && stage_open(&g, &scenarios[i])) {
            bool ok = run_point(&g, &p, why);

            tell(&g, &p, why);
            tap_note("ended %d: %s: %s", g.result->outcome.code,
                     g.result->outcome.error.place, g.result->outcome.error.message);
            for (size_t c = 0; c < g.result->call_count; c++) {
                tap_note("%zu %s", c + 1, fault_op_name[g.result->trace[c]]);
            }
            stage_close(&g);
            return !ok;
        }
    }
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct stage stages[64];

    if (argc >= 4) {
        return again(argv, argc);
    }
    for (size_t i = 0; i < scenario_count; i++) {
        if (!stage_open(&stages[i], &scenarios[i])) {
            (void)tap_ok(false, "%s: %s", scenarios[i].name, stages[i].result->why);
        }
        plain_run(&stages[i], i);
    }
    run_points(stages);
    for (size_t i = 0; i < scenario_count; i++) {
        stage_close(&stages[i]);
    }
    return tap_end();
}
