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
    uint64_t allocations, leaks;
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
/* The same; when it stops itself (SIGSTOP), `between` runs in another child before it goes
 * on. Its end is *other; CHILD_BAD when it never stopped. */
enum child_end stage_run_around(struct stage *, const struct fault_rule *,
                                bool (*between)(void *ctx), void *ctx,
                                enum child_end *other);
/* For fault_rule.on_stop. */
void stop_self(void *ctx, int fd);
/* With what it left: the outcome, descriptors and the invariants, in another child. */
bool stage_check(struct stage *, enum child_end, unsigned flags, char *why);

/* What a program does in the child around the action, or NULL. */
enum moment { BEFORE_ACTION, AFTER_ACTION, AFTER_CLOSE };
extern void (*stage_hook)(enum moment, struct result *);

#endif
