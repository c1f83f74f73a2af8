/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c: see parts.h. */
#include "core/parts.h"

#include "core/base/alloc.h"
#include "core/base/checked.h"

struct ff_partial *ff_parts_find(const struct ff_parts *t, uint64_t number)
{
    struct ff_partial *p = t->bucket[number % FF_PARTS_BUCKETS];
    while (p && p->number != number) {
        p = p->next;
    }
    return p;
}

static struct ff_partial *part_new(int ndim, const int64_t *count,
                                   uint64_t itemsize_bytes)
{
    uint64_t elements, bytes;
    struct ff_partial *p;
    if (!ff_product((size_t)ndim, count, 1, &elements) ||
        !ff_mul_u64(elements, itemsize_bytes, &bytes)) {
        return NULL;
    }
    p = ff_calloc(1, sizeof *p + (size_t)(elements / 8 + 1));
    if (!p || !(p->data = ff_aligned_alloc((size_t)bytes))) {
        ff_free(p);
        return NULL;
    }
    memset(p->data, 0, (size_t)bytes);
    p->there = (uint8_t *)(p + 1);
    p->elements = elements;
    p->size_bytes = bytes;
    return p;
}

struct ff_partial *ff_parts_add(struct ff_parts *t, uint64_t number, int ndim,
                                const int64_t *index, const int64_t *count,
                                uint64_t itemsize_bytes, struct ff_error *e)
{
    struct ff_partial *p, **bucket = &t->bucket[number % FF_PARTS_BUCKETS];
    uint64_t bytes;
    if (!ff_product((size_t)ndim, count, itemsize_bytes, &bytes) ||
        !ff_add_u64(bytes, t->held_bytes, &bytes) || bytes > t->max_bytes) {
        (void)ff_fail(e, FF_E_LIMIT, NULL,
                      "unfinished chunks take more than the memory budget of %llu bytes",
                      (unsigned long long)t->max_bytes);
        ff_error_fix(e, "push whole chunks, or raise \"memory\"");
        return NULL;
    }
    p = part_new(ndim, count, itemsize_bytes);
    if (!p) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory for a chunk");
        return NULL;
    }
    memcpy(p->index, index, (size_t)ndim * sizeof *index);
    memcpy(p->count, count, (size_t)ndim * sizeof *count);
    p->ndim = ndim;
    p->number = number;
    p->next = *bucket;
    *bucket = p;
    t->held_bytes = bytes;
    return p;
}

void ff_parts_take(struct ff_parts *t, struct ff_partial *p)
{
    struct ff_partial **at = &t->bucket[p->number % FF_PARTS_BUCKETS];
    while (*at != p) {
        at = &(*at)->next;
    }
    *at = p->next;
    t->held_bytes -= p->size_bytes;
}

void ff_partial_free(struct ff_partial *p)
{
    ff_aligned_free(p->data);
    ff_free(p);
}

void ff_parts_clear(struct ff_parts *t)
{
    for (size_t i = 0; i < FF_PARTS_BUCKETS; i++) {
        while (t->bucket[i]) {
            struct ff_partial *p = t->bucket[i];
            ff_parts_take(t, p);
            ff_partial_free(p);
        }
    }
}

/* One run along the last axis, from element `at` on. */
static int mark_run(struct ff_partial *p, uint64_t at, int64_t count)
{
    for (int64_t k = 0; k < count; k++, at++) {
        if (p->there[at / 8] & (1u << (at % 8))) {
            return 0;
        }
        p->there[at / 8] |= (uint8_t)(1u << (at % 8));
    }
    p->filled += (uint64_t)count;
    return 1;
}

int ff_partial_mark(struct ff_partial *p, const int64_t *first, const int64_t *count)
{
    int64_t at[FF_MAX_NDIM] = {0};
    int last = p->ndim - 1, axis;
    do {
        uint64_t element = 0;
        for (int i = 0; i < p->ndim; i++) {
            element = element * (uint64_t)p->count[i] +
                      (uint64_t)(first[i] + (i < last ? at[i] : 0));
        }
        if (!mark_run(p, element, count[last])) {
            return 0;
        }
        for (axis = last - 1; axis >= 0 && ++at[axis] == count[axis]; axis--) {
            at[axis] = 0;
        }
    } while (axis >= 0);
    return 1;
}
