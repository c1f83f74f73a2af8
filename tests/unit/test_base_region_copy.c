/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/region.h"

#include <string.h>

#include "core/base/alloc.h"
#include "run.h"

enum { ROUNDS = 20000, MAX_AXES = 5 };

/* Knuth's MMIX generator: the same rounds on every run */
static uint64_t next_random(uint64_t *state, uint64_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 33) % below;
}

/* A layout of `count` items in memory of its own: axes in any order, gaps between items,
 * some axes backwards; for a source some axes may repeat. */
struct layout {
    int64_t strides[MAX_AXES];
    uint8_t *memory, *first;
    size_t size_bytes;
};

static void make_layout(struct layout *l, size_t ndim, const int64_t *count,
                        size_t item_bytes, bool repeats, uint64_t *state)
{
    size_t order[MAX_AXES] = {0};
    int64_t stride = (int64_t)(item_bytes + next_random(state, 3) / 2 * 3), start = 0;

    for (size_t i = 0; i < ndim; i++) {
        size_t j = next_random(state, i + 1);

        order[i] = order[j];
        order[j] = i;
    }
    for (size_t i = 0; i < ndim; i++) {
        size_t axis = order[i];

        if (repeats && next_random(state, 6) == 0) {
            l->strides[axis] = 0;
            continue;
        }
        l->strides[axis] = stride;
        stride = stride * (count[axis] ? count[axis] : 1) +
                 (int64_t)(next_random(state, 4) / 3 * item_bytes);
        if (next_random(state, 3) == 0) {
            start += count[axis] ? l->strides[axis] * (count[axis] - 1) : 0;
            l->strides[axis] = -l->strides[axis];
        }
    }
    l->size_bytes = (size_t)stride + item_bytes;
    l->memory = ff_malloc(l->size_bytes);
    l->first = l->memory + start;
    for (size_t i = 0; i < l->size_bytes; i++) {
        l->memory[i] = (uint8_t)next_random(state, 256);
    }
}

static void copy_naively(size_t ndim, const int64_t *count, size_t item_bytes,
                         uint8_t *dst, const int64_t *dst_strides, const uint8_t *src,
                         const int64_t *src_strides)
{
    if (ndim == 0) {
        memcpy(dst, src, item_bytes);
        return;
    }
    for (int64_t i = 0; i < count[0]; i++) {
        copy_naively(ndim - 1, count + 1, item_bytes, dst + i * dst_strides[0],
                     dst_strides + 1, src + i * src_strides[0], src_strides + 1);
    }
}

static void check_round(size_t ndim, const int64_t *count, size_t item_bytes,
                        uint64_t *state)
{
    struct layout src, dst;
    uint8_t *expected, *before;

    make_layout(&src, ndim, count, item_bytes, true, state);
    make_layout(&dst, ndim, count, item_bytes, false, state);
    expected = ff_memdup(dst.memory, dst.size_bytes);
    before = ff_memdup(dst.memory, dst.size_bytes);
    copy_naively(ndim, count, item_bytes, expected + (dst.first - dst.memory),
                 dst.strides, src.first, src.strides);
    ck_assert(ff_copy_strided(ndim, count, item_bytes, dst.first, dst.strides, src.first,
                              src.strides));
    ck_assert(memcmp(expected, dst.memory, dst.size_bytes) == 0);
    memcpy(dst.memory, before, dst.size_bytes);
    ck_assert(ff_copy_strided_past(ndim, count, item_bytes, dst.first, dst.strides,
                                   src.first, src.strides));
    ck_assert(memcmp(expected, dst.memory, dst.size_bytes) == 0);
    ff_free(before);
    ff_free(expected);
    ff_free(src.memory);
    ff_free(dst.memory);
}

START_TEST(copy_any_layout_is_as_item_by_item)
{
    static const size_t sizes[] = {1, 2, 3, 4, 5, 8, 12, 16, 24};
    uint64_t state = 1;

    for (int round = 0; round < ROUNDS; round++) {
        size_t ndim = next_random(&state, MAX_AXES + 1);
        int64_t count[MAX_AXES];

        for (size_t i = 0; i < ndim; i++) {
            count[i] = (int64_t)next_random(&state, 40) == 0
                           ? 0
                           : 1 + (int64_t)next_random(&state, 6);
        }
        check_round(ndim, count, sizes[next_random(&state, COUNT_OF(sizes))], &state);
    }
}
END_TEST

START_TEST(copy_large_planes_is_as_item_by_item)
{
    static const size_t sizes[] = {1, 2, 3, 4, 8, 16, 70};
    uint64_t state = 2;

    for (int round = 0; round < 200; round++) {
        int64_t count[3] = {1 + (int64_t)next_random(&state, 150),
                            1 + (int64_t)next_random(&state, 150),
                            1 + (int64_t)next_random(&state, 3)};

        check_round(3, count, sizes[next_random(&state, COUNT_OF(sizes))], &state);
    }
}
END_TEST

START_TEST(copy_of_nothing_touches_nothing)
{
    static const int64_t zero[2] = {3, 0}, negative[2] = {3, -1}, some[2] = {3, 3},
                         strides[2] = {4, 4};

    ck_assert(ff_copy_strided(2, zero, 4, NULL, strides, NULL, strides));
    ck_assert(ff_copy_strided(2, negative, 4, NULL, strides, NULL, strides));
    ck_assert(ff_copy_strided(2, some, 0, NULL, strides, NULL, strides));
}
END_TEST

START_TEST(copy_with_no_axes_takes_one_item)
{
    uint32_t dst = 0, src = 7;

    ck_assert(ff_copy_strided(0, NULL, 4, &dst, NULL, &src, NULL));
    ck_assert_uint_eq(dst, 7);
}
END_TEST

START_TEST(copy_with_too_many_axes_is_refused)
{
    int64_t ones[FF_REGION_MAX_NDIM + 1];
    uint8_t dst = 0, src = 7;

    for (size_t i = 0; i < COUNT_OF(ones); i++) {
        ones[i] = 1;
    }
    ck_assert(!ff_copy_strided(FF_REGION_MAX_NDIM + 1, ones, 1, &dst, ones, &src, ones));
    ck_assert_uint_eq(dst, 0);
    ck_assert(ff_copy_strided(FF_REGION_MAX_NDIM, ones, 1, &dst, ones, &src, ones));
    ck_assert_uint_eq(dst, 7);
}
END_TEST

START_TEST(copy_from_stride_zero_fills)
{
    static const size_t sizes[] = {1, 3, 4, 16, 50, 20000};

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int64_t count[2] = {100, 13}, zero[2] = {0, 0}, strides[2];
        uint8_t *item = ff_malloc(sizes[i]), *dst = ff_malloc(1300 * sizes[i]);

        ck_assert(ff_strides_c(2, count, sizes[i], strides, NULL));
        for (size_t k = 0; k < sizes[i]; k++) {
            item[k] = (uint8_t)(k * 7 + 1);
        }
        ck_assert(ff_copy_strided(2, count, sizes[i], dst, strides, item, zero));
        for (size_t k = 0; k < 1300; k++) {
            ck_assert(memcmp(dst + k * sizes[i], item, sizes[i]) == 0);
        }
        ff_free(item);
        ff_free(dst);
    }
}
END_TEST

RUN_TESTS("base_region_copy", copy_any_layout_is_as_item_by_item,
          copy_large_planes_is_as_item_by_item, copy_of_nothing_touches_nothing,
          copy_with_no_axes_takes_one_item, copy_with_too_many_axes_is_refused,
          copy_from_stride_zero_fills)
