/* SPDX-License-Identifier: Apache-2.0 */
/* torture_malloc: every allocation of every scenario fails, once and from then on: first those
 * of our own objects, then those of the libraries below them too. */
#include <dlfcn.h>
#include <stdlib.h>

#include "mallocshim.h"
#include "runner.h"

enum { POINTS_MAX = 1 << 18, SECONDS = 40, TOLD_MAX = 20, SCENARIOS_MAX = 64 };

static ff_shim_arm_fn *arm;
static ff_shim_disarm_fn *disarm;
static ff_shim_live_fn *live;

struct point {
    uint16_t scenario;
    bool sticky, ours;
    uint32_t number;
};

static struct point points[POINTS_MAX];
static uint32_t order[POINTS_MAX];
static size_t point_count;
static struct point now; /* of the run in hand */

static void hook(enum moment when, struct result *r)
{
    switch (when) {
    case BEFORE_ACTION:
        arm(now.number, now.sticky, now.ours);
        break;
    case AFTER_ACTION:
        disarm(&r->allocations, &r->fired);
        break;
    default:
        r->leaks = live();
    }
}

static bool find_shim(void)
{
    *(void **)&arm = dlsym(RTLD_DEFAULT, "ff_shim_arm");
    *(void **)&disarm = dlsym(RTLD_DEFAULT, "ff_shim_disarm");
    *(void **)&live = dlsym(RTLD_DEFAULT, "ff_shim_live");
    return arm && disarm && live;
}

/* Once in this process, so that the children find plugins loaded and libraries begun. */
static bool warm_up(const struct stage *g)
{
    struct ff_error e = FF_ERROR_INIT;
    struct outcome out = {0};
    struct faultsys f;
    struct client c;
    bool ok = scratch_copy(g->before, g->world);

    faultsys_init(&f, &ff_sys_posix);
    ok = ok && client_open(&c, g->root, NULL, &e);
    if (ok) {
        action_run(&c, g->root, g->scenario, &f, &out);
        client_close(&c);
    }
    faultsys_free(&f);
    return ok && out.code == FF_OK;
}

static void add_points(size_t scenario, bool ours, uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        for (int sticky = 0; sticky < 2 && point_count < POINTS_MAX; sticky++) {
            points[point_count] = (struct point){.scenario = (uint16_t)scenario,
                                                 .sticky = sticky,
                                                 .ours = ours,
                                                 .number = (uint32_t)i};
            order[point_count] = (uint32_t)point_count;
            point_count++;
        }
    }
}

static bool check_run(struct stage *g, enum child_end end, char *why)
{
    const struct result *r = g->result;
    bool ok = stage_check(g, end, 0, why);

    if (end == CHILD_OK && r->leaks) {
        ok = say(why, "%llu blocks were not freed", (unsigned long long)r->leaks);
    }
    return ok;
}

static void plain_run(struct stage *g, size_t scenario)
{
    const struct fault_rule none = {0};
    char why[TEXT_BYTES] = "";
    uint64_t count[2];
    bool ok = true;

    for (int ours = 0; ours < 2; ours++) {
        enum child_end end;

        now = (struct point){.ours = ours};
        end = stage_run(g, &none);
        count[ours] = g->result->allocations;
        ok = check_run(g, end, why) && ok;
        add_points(scenario, ours, count[ours]);
    }
    (void)tap_ok(ok && count[1] > 0, "%s: %llu allocations, %llu of them ours %s",
                 g->scenario->name, (unsigned long long)count[0],
                 (unsigned long long)count[1], why);
}

static void tell(const struct stage *g, const struct point *p, const char *why)
{
    tap_note("%s: %s allocation %u %s: %s", g->scenario->name, p->ours ? "our" : "any",
             p->number, p->sticky ? "from then on" : "once", why);
}

static void run_points(struct stage *stages)
{
    const struct fault_rule none = {0};
    struct rng rng = {torture_seed()};
    double until = torture_until(SECONDS);
    size_t ran = 0, told = 0, failed[2][SCENARIOS_MAX] = {{0}},
           tried[2][SCENARIOS_MAX] = {{0}};

    rng_shuffle(&rng, order, point_count);
    for (; ran < point_count && now_s() < until; ran++) {
        const struct point *p = &points[order[ran]];
        struct stage *g = &stages[p->scenario];
        char why[TEXT_BYTES] = "";

        now = *p;
        tried[p->ours][p->scenario]++;
        if (!check_run(g, stage_run(g, &none), why)) {
            failed[p->ours][p->scenario]++;
            if (told++ < TOLD_MAX || torture_long()) {
                tell(g, p, why);
            }
        }
    }
    for (size_t i = 0; i < 2 * scenario_count; i++) {
        size_t s = i / 2, ours = i % 2;

        (void)tap_ok(failed[ours][s] == 0, "%s: %zu of %s allocations fail, %zu wrong",
                     scenarios[s].name, tried[ours][s], ours ? "our" : "any",
                     failed[ours][s]);
    }
    tap_note("ran %zu of %zu points", ran, point_count);
}

/* `torture_malloc NAME NUMBER any|our once|on` runs one point again. */
static int again(struct stage *stages, char **argv)
{
    const struct fault_rule none = {0};
    char why[TEXT_BYTES] = "";

    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, argv[1]) == 0) {
            struct stage *g = &stages[i];
            bool ok;

            now = (struct point){.number = (uint32_t)atoi(argv[2]),
                                 .ours = strcmp(argv[3], "our") == 0,
                                 .sticky = strcmp(argv[4], "on") == 0};
            ok = check_run(g, stage_run(g, &none), why);
            tell(g, &now, why);
            tap_note("ended %d: %s: %s", g->result->outcome.code,
                     g->result->outcome.error.place, g->result->outcome.error.message);
            return !ok;
        }
    }
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct stage stages[SCENARIOS_MAX];
    int code;

    if (!find_shim()) {
        tap_skip("allocations", "mallocshim.so is not preloaded");
        return tap_end();
    }
    for (size_t i = 0; i < scenario_count; i++) {
        if (!stage_open(&stages[i], &scenarios[i])) {
            (void)tap_ok(false, "%s: %s", scenarios[i].name, stages[i].result->why);
        }
    }
    if (!warm_up(&stages[2])) {
        (void)tap_ok(false, "the warming up");
    }
    stage_hook = hook;
    for (size_t i = 0; argc < 5 && i < scenario_count; i++) {
        plain_run(&stages[i], i);
    }
    if (argc < 5) {
        run_points(stages);
    }
    code = argc < 5 ? tap_end() : again(stages, argv);
    for (size_t i = 0; i < scenario_count; i++) {
        stage_close(&stages[i]);
    }
    return code;
}
