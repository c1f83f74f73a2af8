/* SPDX-License-Identifier: Apache-2.0 */
/* torture_kill: SIGKILL before each mutating call of each scenario, and behind the last.
 * Then the invariants; gc leaves no orphan, and finds nothing the second time. */
#include <signal.h>
#include <unistd.h>

#include "runner.h"

static void die(void *ctx, int fd)
{
    (void)ctx;
    (void)fd;
    (void)kill(getpid(), SIGKILL);
}

static void kill_everywhere(const struct scenario *s)
{
    static struct stage g;
    uint64_t killed = 0, wrong = 0;
    enum child_end end = CHILD_KILLED;
    bool opened = stage_open(&g, s);

    for (uint64_t at = 1; opened && end == CHILD_KILLED; at++) {
        const struct fault_rule rule = {.stop_at = at, .on_stop = die};
        char why[TEXT_BYTES] = "";

        end = stage_run(&g, &rule);
        killed += end == CHILD_KILLED;
        if (!stage_check(&g, end, CHECK_SAVE, why)) {
            wrong++;
            tap_note("%s: killed before mutating call %llu, step %d: %s", s->name,
                     (unsigned long long)at, g.result->outcome.steps, why);
        }
    }
    (void)tap_ok(opened && wrong == 0 && end == CHILD_OK,
                 "%s: killed at %llu points, %llu wrong %s", s->name,
                 (unsigned long long)killed, (unsigned long long)wrong, g.result->why);
    stage_close(&g);
}

int main(void)
{
    for (size_t i = 0; i < scenario_count; i++) {
        kill_everywhere(&scenarios[i]);
    }
    return tap_end();
}
