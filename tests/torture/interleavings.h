/* SPDX-License-Identifier: Apache-2.0 */
/* interleavings.h: what one process does while another is stopped in the middle of its work, and
 * how both may end. */
#ifndef FF_TORTURE_INTERLEAVINGS_H
#define FF_TORTURE_INTERLEAVINGS_H

#include "torture.h"

struct interleaving {
    const char *name;
    struct scenario first;     /* is stopped */
    struct step second[STEPS]; /* runs meanwhile */
    bool sampled;              /* only some of the calls, but with FF_LONG */
    bool every_call;           /* stopped before each call, not only mutating ones */
    bool no_locks, age;        /* intents are known by their age */
    bool hide_intents;         /* of the second: the bite */
    bool must_fail;            /* the first, when stopped before its commit */
    int codes[3];              /* how else the first may end */
    /* what the store may hold, as the steps of a scenario whose states all count */
    int allowed[WORKFLOWS][TASKS][3];
    bool may_lack[WORKFLOWS];
};

extern const struct interleaving interleavings[];
extern const size_t interleaving_count;

void interleaving_expect(const struct interleaving *, struct expect *);
/* Whether the first may end with this failure. */
bool interleaving_may_end(const struct interleaving *, int code);

#endif
