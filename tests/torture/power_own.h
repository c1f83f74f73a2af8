/* SPDX-License-Identifier: Apache-2.0 */
/* power_own.h: one state that a power cut may leave: power.c chooses them, power_state.c makes
 * them. */
#ifndef FF_TORTURE_POWER_OWN_H
#define FF_TORTURE_POWER_OWN_H

#include "replay.h"

enum { PENDING_MAX = 256, MODES = 4 };

/* What an unsynced file may hold. */
enum mode { ABSENT, PRESENT, ZERO, TORN };

struct power_state {
    struct replay *replay;
    size_t pending[PENDING_MAX], pending_count; /* changes of names, by number */
    bool chosen[PENDING_MAX];                   /* those that are there */
    enum mode mode[NODE_MAX];
    uint64_t torn_seed;
    struct replay_names names[NODE_MAX]; /* of each folder */
    uint8_t *tree;                       /* all of it, flat */
    size_t tree_bytes;
};

bool power_state_init(struct power_state *, struct replay *);
bool power_is_unsynced(const struct replay_node *);
/* Fills `tree` as chosen; equal states have equal trees. */
void power_flatten(struct power_state *);
/* Writes a tree out into an empty folder. */
void power_write(const struct power_state *, const char *folder);

#endif
