/* SPDX-License-Identifier: Apache-2.0 */
/* vec.c: items of one size that grow. */
#include "vec.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "checked.h"

enum { FIRST_COUNT = 8 };

void ff_vec_init(struct ff_vec *v, size_t item_bytes, size_t max_count)
{
    *v = (struct ff_vec){.item_bytes = item_bytes, .max_count = max_count};
}

int ff_vec_reserve(struct ff_vec *v, size_t extra_count)
{
    size_t need, capacity;
    void *items;

    if (extra_count <= v->capacity_count - v->count) {
        return 0;
    }
    if (!ff_add_size(v->count, extra_count, &need) || need > v->max_count) {
        return -E2BIG;
    }
    capacity = v->capacity_count < FIRST_COUNT / 2 ? FIRST_COUNT / 2 : v->capacity_count;
    capacity = capacity > v->max_count / 2 ? v->max_count : capacity * 2;
    capacity = capacity < need ? need : capacity;
    items = ff_realloc_array(v->items, capacity, v->item_bytes);
    if (!items) {
        return -ENOMEM;
    }
    v->items = items;
    v->capacity_count = capacity;
    return 0;
}

static void *item_at(const struct ff_vec *v, size_t index)
{
    return (uint8_t *)v->items + index * v->item_bytes;
}

void *ff_vec_push(struct ff_vec *v)
{
    void *item;

    if (ff_vec_reserve(v, 1)) {
        return NULL;
    }
    item = item_at(v, v->count++);
    memset(item, 0, v->item_bytes);
    return item;
}

int ff_vec_append(struct ff_vec *v, const void *item)
{
    int rc = ff_vec_reserve(v, 1);

    if (rc == 0) {
        memcpy(item_at(v, v->count++), item, v->item_bytes);
    }
    return rc;
}

void *ff_vec_at(const struct ff_vec *v, size_t index)
{
    return index < v->count ? item_at(v, index) : NULL;
}

void *ff_vec_last(const struct ff_vec *v)
{
    return v->count ? item_at(v, v->count - 1) : NULL;
}

void ff_vec_pop(struct ff_vec *v)
{
    v->count -= v->count > 0;
}

void *ff_vec_steal(struct ff_vec *v, size_t *count)
{
    void *items = v->items;

    if (count) {
        *count = v->count;
    }
    ff_vec_init(v, v->item_bytes, v->max_count);
    return items;
}

void ff_vec_clear(struct ff_vec *v)
{
    v->count = 0;
}

void ff_vec_free(struct ff_vec *v)
{
    ff_free(v->items);
    ff_vec_init(v, v->item_bytes, v->max_count);
}
