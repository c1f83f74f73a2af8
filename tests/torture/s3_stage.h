/* SPDX-License-Identifier: Apache-2.0 */
/* s3_stage.h: actions of scenarios on the server of faults, at $FF_S3_URL. A store is a prefix of its
 * bucket; all set-ups are an hour old when an action begins. */
#ifndef FF_TORTURE_S3_STAGE_H
#define FF_TORTURE_S3_STAGE_H

#include "runner.h"

struct s3_stage {
    const struct scenario *scenario;
    char before[PATH_BYTES], root[PATH_BYTES]; /* storages as JSON */
    char prefix[64];                           /* of the root */
    unsigned id, runs;
    struct result *result; /* shared; `mutating`: the action has ended */
};

/* False: there is no server, or the set-up failed (say why: result->why). */
bool s3_stage_open(struct s3_stage *, const struct scenario *);
/* The action on a fresh copy of the store, in a child, with a fault of the server at its at-th
 * request. */
pid_t s3_stage_start(struct s3_stage *, const char *fault, unsigned at);
/* Behind the last fault. Nothing that the action has sent gets through any more. */
void s3_stage_off(void);
/* An hour goes by, for the server and for every client. */
void s3_pass_an_hour(void);
/* The invariants, in a child. */
bool s3_stage_look(struct s3_stage *, const struct expect *, char *why);
/* Whether an intent of the first workflow is there. */
bool s3_has_intent(const struct s3_stage *);
/* Whether its steps can be done on S3. */
bool s3_can(const struct scenario *);
/* With FF_LONG each request; else some of them, the first of which FF_SEED chooses. */
unsigned s3_stride(unsigned sampled, unsigned *first);

#endif
