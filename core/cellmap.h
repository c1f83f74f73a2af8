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
/* Runs of 16 slots for 64 bytes of memory, each run somewhere. */
static inline size_t ff_cellmap_start(const struct ff_cellmap *map, uint64_t key)
{
    uint64_t run = ((key >> 14) + map->seed) * 0x9e3779b97f4a7c15u;
    return (size_t)((run >> 20 & ~(uint64_t)15) + (key >> 10 & 15));
}
/* Where the key is, or would be; only when there are slots. */
static inline struct ff_cellmap_slot *ff_cellmap_slot(const struct ff_cellmap *map,
                                                      uint64_t key)
{
    size_t mask = map->slot_count - 1;
    size_t at = ff_cellmap_start(map, key) & mask;
    while (map->slot[at].key && map->slot[at].key != key) {
        at = (at + 1) & mask;
    }
    return &map->slot[at];
}
/* The value's place, or NULL. `key` is not 0. */
static inline uint64_t *ff_cellmap_find(const struct ff_cellmap *map, uint64_t key)
{
    if (map->slot_count == 0) {
        return NULL;
    }
    struct ff_cellmap_slot *slot = ff_cellmap_slot(map, key);
    return slot->key ? &slot->value : NULL;
}
/* The value's place, made with value 0 when there is none; valid until the next put. NULL
 * = no memory. */
uint64_t *ff_cellmap_put(struct ff_cellmap *map, uint64_t key);

#endif
