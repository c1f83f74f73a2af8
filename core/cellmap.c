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
            *ff_cellmap_slot(&bigger, map->slot[i].key) = map->slot[i];
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
    struct ff_cellmap_slot *slot = ff_cellmap_slot(map, key);
    if (!slot->key) {
        slot->key = key;
        slot->value = 0;
        map->used++;
    }
    return &slot->value;
}
