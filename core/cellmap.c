/* SPDX-License-Identifier: Apache-2.0 */
/* cellmap.c: see cellmap.h. Linear probing, at most half full. */
#include "cellmap.h"

#include "core/base/alloc.h"

#define FIRST_SLOTS 64u

void ff_cellmap_init(struct ff_cellmap *map)
{
    *map = (struct ff_cellmap){0};
    /* addresses are random already; this keeps tables of one process apart */
    map->seed = (uint64_t)(uintptr_t)map * 0x9e3779b97f4a7c15u;
}

void ff_cellmap_free(struct ff_cellmap *map)
{
    ff_free(map->slot);
    ff_cellmap_init(map);
}

/* Runs of 8 slots for 64 bytes of memory, each run somewhere. */
static size_t start_of(const struct ff_cellmap *map, uint64_t key)
{
    uint64_t run = ((key >> 14) + map->seed) * 0x9e3779b97f4a7c15u;
    run = (run ^ run >> 32) * 0xbf58476d1ce4e5b9u;
    return (size_t)((run >> 24 & ~(uint64_t)7) + (key >> 11 & 7));
}

static struct ff_cellmap_slot *slot_of(const struct ff_cellmap *map, uint64_t key)
{
    size_t mask = map->slot_count - 1;
    size_t at = start_of(map, key) & mask;
    while (map->slot[at].key && map->slot[at].key != key) {
        at = (at + 1) & mask;
    }
    return &map->slot[at];
}

uint64_t *ff_cellmap_find(const struct ff_cellmap *map, uint64_t key)
{
    if (map->slot_count == 0) {
        return NULL;
    }
    struct ff_cellmap_slot *slot = slot_of(map, key);
    return slot->key ? &slot->value : NULL;
}

static int grow(struct ff_cellmap *map)
{
    struct ff_cellmap bigger = *map;
    bigger.slot_count = map->slot_count ? map->slot_count * 2 : FIRST_SLOTS;
    bigger.slot = ff_calloc(bigger.slot_count, sizeof *bigger.slot);
    if (!bigger.slot) {
        return -1;
    }
    for (size_t i = 0; i < map->slot_count; i++) {
        if (map->slot[i].key) {
            *slot_of(&bigger, map->slot[i].key) = map->slot[i];
        }
    }
    ff_free(map->slot);
    *map = bigger;
    return 0;
}

uint64_t *ff_cellmap_put(struct ff_cellmap *map, uint64_t key)
{
    if (map->used * 2 >= map->slot_count && grow(map)) {
        return NULL;
    }
    struct ff_cellmap_slot *slot = slot_of(map, key);
    if (!slot->key) {
        slot->key = key;
        slot->value = 0;
        map->used++;
    }
    return &slot->value;
}
