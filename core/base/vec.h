/* SPDX-License-Identifier: Apache-2.0 */
/* vec.h: items of one size that grow, up to a maximum that is given at the start.
 * Pointers to items are valid until the next push. */
#ifndef FF_BASE_VEC_H
#define FF_BASE_VEC_H

#include <stddef.h>

struct ff_vec {
    void *items;
    size_t count;
    size_t capacity_count;
    size_t item_bytes;
    size_t max_count;
};

void ff_vec_init(struct ff_vec *v, size_t item_bytes, size_t max_count);
/* 0, -ENOMEM, or -E2BIG when max_count would be passed. */
int ff_vec_reserve(struct ff_vec *v, size_t extra_count);
/* A new item at the end, all bytes zero; NULL as ff_vec_reserve fails: at the maximum
 * when count == max_count, else no memory. */
void *ff_vec_push(struct ff_vec *v);
int ff_vec_append(struct ff_vec *v,
                  const void *item); /* a copy of item; as ff_vec_reserve */
void *ff_vec_at(const struct ff_vec *v, size_t index); /* NULL when there is none */
void *ff_vec_last(const struct ff_vec *v);             /* NULL when there is none */
void ff_vec_pop(struct ff_vec *v);                     /* nothing when empty */
/* Gives the items to the caller (ff_free) and leaves `v` empty. `count` may be NULL. */
void *ff_vec_steal(struct ff_vec *v, size_t *count);
void ff_vec_clear(struct ff_vec *v);
void ff_vec_free(struct ff_vec *v); /* as after ff_vec_init */

#endif
