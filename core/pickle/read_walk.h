/* SPDX-License-Identifier: Apache-2.0 */
/* read_walk.h: what is below a value that was read, for what a stream throws away. */
#ifndef FF_CORE_READ_WALK_H
#define FF_CORE_READ_WALK_H

#include "read.h"

/* Each container and object once. */
struct ff_read_walk {
    struct ff_reader *r;
    struct ff_cellmap seen;
    struct ff_vec waiting; /* uint64_t */
    uint64_t charged;
    size_t counted; /* of `seen`, as steps of a search */
    int failed;
};

void ff_read_walk_begin(struct ff_read_walk *w, struct ff_reader *r);
/* Frees it; `failed`. */
int ff_read_walk_end(struct ff_read_walk *w);
bool ff_read_may_hold_calls(uint64_t cell);
/* The cell waits, unless it was seen or holds no calls. */
void ff_read_walk_to(struct ff_read_walk *w, uint64_t cell);
/* The same for what a container or object is made of. */
void ff_read_walk_parts(struct ff_read_walk *w, uint64_t cell);
/* Takes the last one that waits. */
uint64_t ff_read_walk_next(struct ff_read_walk *w);
/* Everything below what waits is seen. */
void ff_read_walk_all(struct ff_read_walk *w);
/* Counts steps of looking for what contains itself; false when there were too many. */
bool ff_read_search(struct ff_reader *r, size_t steps);
/* Whether this search, and those before it, were not too long. */
bool ff_read_walk_may_go_on(struct ff_read_walk *w);
/* Whether `part` is somewhere below `whole`; not searched for ever: false then. */
bool ff_read_walk_contains(struct ff_reader *r, uint64_t whole, uint64_t part,
                           int *failed);

/* A call that nobody keeps: a part of the object whose setter it is, else an effect
 * (read_dropped.c). */
int ff_read_keep_call(struct ff_reader *r, uint64_t call);
bool ff_read_is_setter(const struct ff_reader *r, const struct ff_object_node *);
int ff_read_keep_effect(struct ff_reader *r, uint64_t cell);

#endif
