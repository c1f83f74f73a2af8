/* SPDX-License-Identifier: Apache-2.0 */
/* cellmap.h: a hash table from cells, or addresses, to numbers. Neighbours in memory are
 * neighbours in the table: the writer meets values in about the order in which they lie.
 */
#ifndef FF_CORE_CELLMAP_H
#define FF_CORE_CELLMAP_H

#include <stddef.h>
#include <stdint.h>

struct ff_cellmap {
    struct ff_cellmap_slot {
        uint64_t key; /* 0 = free */
        uint64_t value;
    } * slot;
    size_t slot_count; /* 0 or a power of two */
    size_t used;
    uint64_t seed;
};

void ff_cellmap_init(struct ff_cellmap *map);
void ff_cellmap_free(struct ff_cellmap *map);
/* The value's place, or NULL. `key` is not 0. */
uint64_t *ff_cellmap_find(const struct ff_cellmap *map, uint64_t key);
/* The value's place, made with value 0 when there is none; valid until the next put. NULL
 * = no memory. */
uint64_t *ff_cellmap_put(struct ff_cellmap *map, uint64_t key);

#endif
