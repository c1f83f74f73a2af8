/* SPDX-License-Identifier: Apache-2.0 */
/* torture_malloc: every allocation of every scenario fails, once and from then on: those of our
 * own objects, and those of the libraries below them. Where libhdf5 is out of memory the process
 * may die (mallocshim.h says how): then only the store must be whole, as after a kill. */
#include <dlfcn.h>
#include <stdlib.h>

#include "mallocshim.h"
#include "runner.h"

enum { POINTS_MAX = 1 << 18, SECONDS = 30, TOLD_MAX = 60, SCENARIOS_MAX = 64 };

static ff_shim_arm_fn *arm;
static ff_shim_disarm_fn *disarm;
static ff_shim_live_fn *live;
static const char *const whose_name[FF_SHIM_KINDS] = {"our", "any", "libhdf5's"};

struct point {
    uint16_t scenario;
    bool sticky;
    uint8_t whose; /* enum ff_shim_whose */
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
        arm(now.number, now.sticky, (enum ff_shim_whose)now.whose);
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

static void add_points(size_t scenario, int by, uint64_t count)
{
    for (uint64_t i = 1; i <= count; i++) {
        for (int sticky = 0; sticky < 2 && point_count < POINTS_MAX; sticky++) {
            points[point_count] = (struct point){.scenario = (uint16_t)scenario,
                                                 .sticky = sticky,
                                                 .whose = (uint8_t)by,
                                                 .number = (uint32_t)i};
            order[point_count] = (uint32_t)point_count;
            point_count++;
        }
    }
}

/* A step that forks has a process without the shim's orders. */
static bool has_child(const struct scenario *s)
{
    for (int i = 0; i < STEPS && s->action[i].kind; i++) {
        if (s->action[i].kind == STEP_KILLED) {
            return true;
        }
    }
    return false;
}

static bool check_run(struct stage *g, enum child_end end, char *why)
{
    bool theirs = now.whose == FF_SHIM_HDF5, ok;

    if (theirs && (end == CHILD_CRASHED || end == CHILD_BAD)) {
        end = CHILD_KILLED;
    }
    ok = stage_check(g, end, 0, why);
    if (end == CHILD_OK && !theirs && g->result->leaks) {
        ok = say(why, "%llu blocks were not freed", (unsigned long long)g->result->leaks);
    }
    return ok;
}

static void plain_run(struct stage *g, size_t scenario)
{
    const struct fault_rule none = {0};
    char why[TEXT_BYTES] = "";
    uint64_t count[FF_SHIM_KINDS];
    bool ok = true;

    for (int by = 0; by < FF_SHIM_KINDS; by++) {
        enum child_end end;

        now = (struct point){.whose = (uint8_t)by};
        end = stage_run(g, &none);
        count[by] = g->result->allocations;
        ok = check_run(g, end, why) && ok;
        add_points(scenario, by, has_child(g->scenario) ? 0 : count[by]);
    }
    (void)tap_ok(ok && count[FF_SHIM_OURS] > 0,
                 "%s: %llu allocations of ours, %llu with libraries', %llu of libhdf5 %s",
                 g->scenario->name, (unsigned long long)count[FF_SHIM_OURS],
                 (unsigned long long)count[FF_SHIM_ANY_BUT_HDF5],
                 (unsigned long long)count[FF_SHIM_HDF5], why);
}

static void tell(const struct stage *g, const struct point *p, const char *why)
{
    tap_note("%s: %s allocation %u %s: %s", g->scenario->name, whose_name[p->whose],
             p->number, p->sticky ? "from then on" : "once", why);
}

static size_t failed[SCENARIOS_MAX][FF_SHIM_KINDS], tried[SCENARIOS_MAX][FF_SHIM_KINDS];

static void run_points(struct stage *stages)
{
    const struct fault_rule none = {0};
    struct rng rng = {torture_seed()};
    double until = torture_until(SECONDS);
    size_t ran = 0, told = 0;

    rng_shuffle(&rng, order, point_count);
    for (; ran < point_count && now_s() < until; ran++) {
        const struct point *p = &points[order[ran]];
        struct stage *g = &stages[p->scenario];
        char why[TEXT_BYTES] = "";

        now = *p;
        tried[p->scenario][p->whose]++;
        if (!check_run(g, stage_run(g, &none), why)) {
            failed[p->scenario][p->whose]++;
            if (told++ < TOLD_MAX || torture_long()) {
                tell(g, p, why);
            }
        }
    }
    for (size_t i = 0; i < scenario_count * FF_SHIM_KINDS; i++) {
        size_t s = i / FF_SHIM_KINDS, by = i % FF_SHIM_KINDS;

        (void)tap_ok(failed[s][by] == 0, "%s: %zu of %s allocations fail, %zu wrong",
                     scenarios[s].name, tried[s][by], whose_name[by], failed[s][by]);
    }
    tap_note("ran %zu of %zu points", ran, point_count);
}

/* `torture_malloc NAME NUMBER our|any|hdf5 once|on` runs one point again. */
static int again(struct stage *stages, char **argv)
{
    const struct fault_rule none = {0};
    char why[TEXT_BYTES] = "";

    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, argv[1]) == 0) {
            struct stage *g = &stages[i];
            bool ok;

            now = (struct point){.number = (uint32_t)atoi(argv[2]),
                                 .whose = strcmp(argv[3], "our") == 0 ? FF_SHIM_OURS
                                          : strcmp(argv[3], "any") == 0
                                              ? FF_SHIM_ANY_BUT_HDF5
                                              : FF_SHIM_HDF5,
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
