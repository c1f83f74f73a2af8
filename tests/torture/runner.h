/* SPDX-License-Identifier: Apache-2.0 */
/* runner.h: one action of a scenario in a child, with a rule of faults, and what came of
 * it. */
#ifndef FF_TORTURE_RUNNER_H
#define FF_TORTURE_RUNNER_H

#include "torture.h"

#define TRACE_MAX 8192

/* Written by the child. */
struct result {
    struct outcome outcome;
    uint64_t calls, mutating, syncs, fired;
    size_t call_count; /* of trace */
    uint8_t trace[TRACE_MAX];
    int fds_before, fds_after;
    bool log_failed;
    char dropped[256]; /* below the world */
    char why[TEXT_BYTES];
};

/* A scenario's place: the folder that holds "store", and the store as its set-up made it. */
struct stage {
    const struct scenario *scenario;
    char folder[PATH_BYTES]; /* of all of it */
    char before[PATH_BYTES], world[PATH_BYTES], root[PATH_BYTES];
    int log_fd;            /* what the last run recorded */
    struct result *result; /* shared */
};

bool stage_open(struct stage *, const struct scenario *);
void stage_close(struct stage *);
/* The action in a child; then nothing has been checked yet. */
enum child_end stage_run(struct stage *, const struct fault_rule *);
/* With what it left: the outcome, descriptors and the invariants, in another child. */
bool stage_check(struct stage *, enum child_end, unsigned flags, char *why);

/* How the arms of a run can be changed: called in the child before the action. */
extern void (*stage_arm)(bool on);

#endif
