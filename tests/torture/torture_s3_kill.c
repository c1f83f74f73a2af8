/* SPDX-License-Identifier: Apache-2.0 */
/* torture_s3_kill: SIGKILL before and after each request of each scenario: the server kills who asks,
 * and answers no more. Then, an hour later, the invariants on the store as the server holds it.
 * Needs the server of faults: ../servers/with.sh fault THIS. Some of the requests, chosen by
 * FF_SEED; with FF_LONG each of them. */
#include "s3_stage.h"

enum { SAMPLED = 37, TIMEOUT_S = 60 };

static bool one_kill(struct s3_stage *g, const char *fault, unsigned at,
                     enum child_end *end, char *why)
{
    struct expect x;
    bool ok;

    *end = child_wait(s3_stage_start(g, fault, at), TIMEOUT_S);
    s3_stage_off();
    s3_pass_an_hour();
    ok = *end == CHILD_OK || *end == CHILD_KILLED ||
         say(why, "it ended %s %s", child_end_name[*end], g->result->why);
    ok = (*end != CHILD_OK || outcome_check(g->scenario, &g->result->outcome, why)) && ok;
    expect_outcome(g->scenario, &g->result->outcome, &x);
    return s3_stage_look(g, &x, why) && ok;
}

static void kill_everywhere(const struct scenario *s, const char *fault)
{
    static struct s3_stage g;
    bool opened = s3_stage_open(&g, s);
    unsigned at, stride = s3_stride(SAMPLED, &at), killed = 0, wrong = 0;
    enum child_end end = CHILD_KILLED;

    for (; opened && end == CHILD_KILLED; at += stride) {
        char why[TEXT_BYTES] = "";

        if (!one_kill(&g, fault, at, &end, why)) {
            wrong++;
            tap_note("%s: %s at request %u, step %d: %s", s->name, fault, at,
                     g.result->outcome.steps, why);
        }
        killed += end == CHILD_KILLED;
    }
    (void)tap_ok(opened && !wrong && end == CHILD_OK,
                 "%s: %s at %u of about %u requests%s%s", s->name, fault, killed,
                 at - stride, opened ? "" : ": ", opened ? "" : g.result->why);
}

int main(void)
{
    for (size_t i = 0; i < scenario_count; i++) {
        if (s3_can(&scenarios[i])) {
            kill_everywhere(&scenarios[i], "kill_before");
            kill_everywhere(&scenarios[i], "kill_after");
        }
    }
    return tap_end();
}
