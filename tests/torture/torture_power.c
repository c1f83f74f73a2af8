/* SPDX-License-Identifier: Apache-2.0 */
/* torture_power: what a power cut may leave at each moment of each scenario; and the model
 * shown to bite: without any one sync, with a sync behind the rename it belongs before, and
 * with a gc that does not settle, it finds a violation. */
#include <stdlib.h>

#include "runner.h"

enum { SECONDS = 25, BITE_SECONDS = 30, EACH_CUT = 256, EACH_CUT_LONG = 16384 };

static bool record(struct stage *g, const struct fault_rule *rule,
                   struct power_result *out)
{
    enum child_end end = stage_run(g, rule);

    memset(out, 0, sizeof *out);
    return (end == CHILD_OK && !g->result->log_failed) ||
           say(out->why, "the run ended %s", child_end_name[end]);
}

static void check_scenario(const struct scenario *s, double seconds)
{
    static struct stage g;
    const struct fault_rule none = {0};
    const struct power_limits limits = {.until_s = torture_until(seconds),
                                        .each_cut =
                                            torture_long() ? EACH_CUT_LONG : EACH_CUT,
                                        .seed = torture_seed()};
    struct power_result out = {0};
    bool ok = stage_open(&g, s) && record(&g, &none, &out);

    if (ok) {
        power_check(s, g.world, g.before, g.log_fd, &limits, &out);
    }
    (void)tap_ok(ok && out.violations == 0 && out.cuts > 0,
                 "%s: %zu cuts, %zu states, %zu distinct%s, %zu wrong %s", s->name,
                 out.cuts, out.states, out.distinct, out.complete ? ", all of them" : "",
                 out.violations, out.why);
    stage_close(&g);
}

/* ---- does it bite ---- */

/* Syncs whose loss no power cut can show though they made something durable, with the
 * reason: what they sync, below the folder of the root (NULL: any), in that step. */
static const struct {
    const char *scenario, *path;
    size_t first, last;
    const char *reason;
} exceptions[] = {
    {"if absent", NULL, 4, 8, "the save that they are for ends in a conflict"},
    {"save after a kill", "/store/w0", 1, 3,
     "the next commit syncs the same folder before anything relies on it"},
};

static const char *excepted(const struct stage *g, size_t sync)
{
    for (size_t i = 0; i < sizeof exceptions / sizeof exceptions[0]; i++) {
        if (strcmp(exceptions[i].scenario, g->scenario->name) == 0 &&
            sync >= exceptions[i].first && sync <= exceptions[i].last &&
            (!exceptions[i].path ||
             strcmp(exceptions[i].path, g->result->dropped) == 0)) {
            return exceptions[i].reason;
        }
    }
    return NULL;
}

static bool finds(struct stage *g, const struct fault_rule *rule,
                  struct power_result *out)
{
    const struct power_limits limits = {.until_s = now_s() + 30,
                                        .each_cut = EACH_CUT,
                                        .stop_at_first = true,
                                        .seed = torture_seed()};

    if (!record(g, rule, out)) {
        return false;
    }
    power_check(g->scenario, g->world, g->before, g->log_fd, &limits, out);
    return out->ended && out->violations > 0;
}

static void bite(struct stage *g, size_t sync)
{
    struct fault_rule rule = {.drop_sync = sync};
    struct power_result out;
    bool found = finds(g, &rule, &out);
    const char *how = "without", *reason;

    if (!found) { /* two that do the same: either is enough */
        rule.drop_twin = true;
        found = finds(g, &rule, &out);
        how = "without it and its twin";
    }
    reason = found ? NULL : excepted(g, sync);
    (void)tap_ok(found || reason, "%s: %s, sync %zu of %s: %s", g->scenario->name, how,
                 sync, g->result->dropped,
                 reason  ? reason
                 : found ? out.why
                         : "nothing was found");
}

/* The task's own bytes are synced behind the rename, not before it. */
static void bite_order(struct stage *g, size_t sync)
{
    const struct fault_rule rule = {.late_sync = sync};
    struct power_result out;
    bool found = finds(g, &rule, &out);

    (void)tap_ok(found, "%s: sync %zu, of %s, behind the rename: %s", g->scenario->name,
                 sync, g->result->dropped, found ? out.why : "nothing was found");
}

/* Each sync that makes something durable is left out. */
static void bite_scenario(const struct scenario *s, double until)
{
    static struct stage g;
    const struct fault_rule none = {0};
    struct power_result out;
    bool works[SYNCS_MAX] = {false};
    size_t syncs = 0, idle = 0, late = 0;

    if (stage_open(&g, s) && record(&g, &none, &out)) {
        syncs = power_syncs(g.world, g.before, g.log_fd, works);
    }
    for (size_t i = 1; i <= syncs && i < SYNCS_MAX; i++) {
        idle += !works[i - 1];
        late += works[i - 1] && now_s() > until;
        if (works[i - 1] && now_s() <= until) {
            bite(&g, i);
            if (strstr(g.result->dropped, "/.ff-tmp-") &&
                strcmp(s->name, "if absent") != 0) {
                bite_order(&g, i);
            }
        }
    }
    tap_note("%s: %zu syncs, %zu of them with nothing to do, %zu left for a longer run",
             s->name, syncs, idle, late);
    stage_close(&g);
}

/* `torture_power NAME log` shows what a scenario does to the file system. */
static int show_log(const char *name)
{
    static struct stage g;
    const struct fault_rule none = {0};
    struct power_result out;

    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0 && stage_open(&g, &scenarios[i]) &&
            record(&g, &none, &out)) {
            power_show(g.world, g.before, g.log_fd);
            stage_close(&g);
        }
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    size_t first = (size_t)(torture_seed() % scenario_count);
    double until;

    if (argc > 2) {
        return show_log(argv[1]);
    }
    for (size_t i = 0; i < scenario_count; i++) {
        if (argc < 2 || strcmp(argv[1], scenarios[i].name) == 0) {
            check_scenario(&scenarios[i], SECONDS / (double)scenario_count);
        }
    }
    until = argc > 1 ? 1e30 : torture_until(BITE_SECONDS);
    for (size_t i = 0; i < scenario_count; i++) {
        const struct scenario *s = &scenarios[(first + i) % scenario_count];

        if (argc < 2 || strcmp(argv[1], s->name) == 0) {
            bite_scenario(s, until);
        }
    }
    return tap_end();
}
