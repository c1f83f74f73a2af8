/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/region.h"

#include <string.h>

#include "run.h"

START_TEST(strides_are_as_in_numpy)
{
    static const struct {
        size_t ndim;
        int64_t shape[3], c[3], f[3];
        uint64_t total;
    } rows[] = {
        {0, {0}, {0}, {0}, 8},
        {1, {5}, {8}, {8}, 40},
        {3, {2, 3, 4}, {96, 32, 8}, {8, 16, 48}, 192},
        {3, {2, 0, 4}, {32, 32, 8}, {8, 16, 16}, 0},
        {3, {0, 3, 4}, {96, 32, 8}, {8, 8, 24}, 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t c[3], f[3];
        uint64_t total_c, total_f;

        ck_assert(ff_strides_c(rows[i].ndim, rows[i].shape, 8, c, &total_c));
        ck_assert(ff_strides_f(rows[i].ndim, rows[i].shape, 8, f, &total_f));
        ck_assert_uint_eq(total_c, rows[i].total);
        ck_assert_uint_eq(total_f, rows[i].total);
        for (size_t k = 0; k < rows[i].ndim; k++) {
            ck_assert_int_eq(c[k], rows[i].c[k]);
            ck_assert_int_eq(f[k], rows[i].f[k]);
        }
        ck_assert(ff_strides_are_c(rows[i].ndim, rows[i].shape, 8, c));
        ck_assert(ff_strides_are_c(rows[i].ndim, rows[i].shape, 8, f) ==
                  (rows[i].ndim < 2 || rows[i].total == 0));
    }
}
END_TEST

START_TEST(strides_are_c_ignores_axes_of_one)
{
    static const int64_t shape[3] = {1, 3, 1}, strides[3] = {-5, 8, 999};

    ck_assert(ff_strides_are_c(3, shape, 8, strides));
}
END_TEST

START_TEST(strides_that_overflow_are_refused)
{
    static const struct {
        size_t ndim;
        int64_t shape[3];
        uint64_t item;
    } rows[] = {
        {2, {INT64_MAX, 2}, 1},
        {3, {1 << 30, 1 << 30, 1 << 30}, 1},
        {1, {INT64_MAX / 4 + 1}, 4},
        {1, {-1}, 4},
        {2, {0, -1}, 4},
        {1, {1}, UINT64_MAX},
        {2, {INT64_MAX, INT64_MAX}, 8},
    };
    int64_t many[FF_REGION_MAX_NDIM + 1], strides[FF_REGION_MAX_NDIM + 1];

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert(
            !ff_strides_c(rows[i].ndim, rows[i].shape, rows[i].item, strides, NULL));
        ck_assert(
            !ff_strides_f(rows[i].ndim, rows[i].shape, rows[i].item, strides, NULL));
    }
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = 1;
    }
    ck_assert(ff_strides_c(FF_REGION_MAX_NDIM, many, 1, strides, NULL));
    ck_assert(!ff_strides_c(FF_REGION_MAX_NDIM + 1, many, 1, strides, NULL));
    ck_assert(!ff_strides_f(FF_REGION_MAX_NDIM + 1, many, 1, strides, NULL));
}
END_TEST

START_TEST(region_inside_or_not)
{
    static const struct {
        int64_t shape, start, count, step;
        bool ok;
    } rows[] = {
        {10, 0, 10, 1, true},
        {10, 9, 1, 1, true},
        {10, 0, 4, 3, true},
        {10, 0, 0, 1, true},
        {0, 0, 0, 1, true},
        {10, 11, 0, 1, true},
        {INT64_MAX, INT64_MAX - 1, 1, INT64_MAX, true},
        {10, 0, 11, 1, false},
        {10, 10, 1, 1, false},
        {10, -1, 2, 1, false},
        {10, 0, -1, 1, false},
        {10, 0, 5, 3, false},
        {10, 0, 1, 0, false},
        {10, 5, 2, -1, false},
        {10, 1, INT64_MAX, INT64_MAX, false},
        {10, 1, 2, INT64_MAX, false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_msg(ff_region_check(1, &rows[i].shape, &rows[i].start, &rows[i].count,
                                      &rows[i].step) == rows[i].ok,
                      "row %zu", i);
    }
    ck_assert(ff_region_check(1, &rows[0].shape, &rows[0].start, &rows[0].count, NULL));
    ck_assert(ff_region_check(0, NULL, NULL, NULL, NULL));
}
END_TEST

enum {
    SIDE = 13 /* of the square that the naive marking covers */
};

/* Marks the elements of a part; false when one lies elsewhere than said. */
static bool mark_part(const struct ff_chunk_part *p, const int64_t *chunk_shape,
                      const int64_t *start, const int64_t *step, int seen[SIDE][SIDE])
{
    for (int64_t i = 0; i < p->count[0]; i++) {
        for (int64_t j = 0; j < p->count[1]; j++) {
            int64_t in[2] = {p->first[0] + i * step[0], p->first[1] + j * step[1]};
            int64_t y = p->chunk[0] * chunk_shape[0] + in[0];
            int64_t x = p->chunk[1] * chunk_shape[1] + in[1];

            if (in[0] >= chunk_shape[0] || in[1] >= chunk_shape[1] ||
                y != start[0] + (p->place[0] + i) * step[0] ||
                x != start[1] + (p->place[1] + j) * step[1]) {
                return false;
            }
            seen[y][x]++;
        }
    }
    return p->count[0] > 0 && p->count[1] > 0;
}

static bool same_when_asked_for(const struct ff_chunk_part *p, const int64_t *chunk_shape,
                                const int64_t *start, const int64_t *count,
                                const int64_t *step)
{
    struct ff_chunk_part again = {.chunk = {p->chunk[0], p->chunk[1]}};

    return ff_chunk_intersect(2, chunk_shape, start, count, step, &again) &&
           memcmp(again.first, p->first, 16) == 0 &&
           memcmp(again.count, p->count, 16) == 0 &&
           memcmp(again.place, p->place, 16) == 0;
}

/* Each element of the region in one part, none of the others, the chunks in order. */
static bool check_parts(const int64_t *chunk_shape, const int64_t *start,
                        const int64_t *count, const int64_t *step)
{
    static const int64_t shape[2] = {SIDE, SIDE};
    int seen[SIDE][SIDE] = {{0}};
    int64_t before = -1;
    bool good = true;
    struct ff_chunk_iter it;

    ck_assert(ff_chunk_iter_init(&it, 2, shape, chunk_shape, start, count, step));
    while (ff_chunk_iter_next(&it)) {
        int64_t number = it.part.chunk[0] * SIDE + it.part.chunk[1];

        good = good && number > before &&
               mark_part(&it.part, chunk_shape, start, step, seen) &&
               same_when_asked_for(&it.part, chunk_shape, start, count, step);
        before = number;
    }
    for (int64_t i = 0; i < count[0]; i++) {
        for (int64_t j = 0; j < count[1]; j++) {
            good = seen[start[0] + i * step[0]][start[1] + j * step[1]]-- == 1 && good;
        }
    }
    for (size_t i = 0; i < SIDE * SIDE; i++) {
        good = good && seen[i / SIDE][i % SIDE] == 0;
    }
    return good;
}

START_TEST(chunk_iter_visits_each_element_once)
{
    for (int64_t chunk = 1; chunk <= SIDE + 2; chunk++) {
        for (int64_t start = 0; start < SIDE; start++) {
            for (int64_t step = 1; step < SIDE; step += 2) {
                for (int64_t n = 0; n == 0 || start + (n - 1) * step < SIDE; n++) {
                    int64_t chunks[2] = {chunk, 4}, starts[2] = {start, 1};
                    int64_t counts[2] = {n, 5}, steps[2] = {step, 2};

                    ck_assert(check_parts(chunks, starts, counts, steps));
                }
            }
        }
    }
}
END_TEST

START_TEST(chunk_intersect_outside_is_false)
{
    static const int64_t chunk = 4, start = 5, count = 2, step = 6;
    static const struct {
        int64_t chunk;
        bool hit;
    } rows[] = {{0, false}, {1, true},   {2, true},
                {3, false}, {-1, false}, {INT64_MAX, false}};
    static const int64_t far_step = 20, many = 3;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_chunk_part part = {.chunk = {rows[i].chunk}};

        ck_assert_msg(ff_chunk_intersect(1, &chunk, &start, &count, &step, &part) ==
                          rows[i].hit,
                      "row %zu", i);
    }
    for (int64_t i = 0; i < 14; i++) { /* elements 5, 25, 45 */
        struct ff_chunk_part part = {.chunk = {i}};
        bool hit = ff_chunk_intersect(1, &chunk, &start, &many, &far_step, &part);

        ck_assert(hit == (i == 1 || i == 6 || i == 11));
        ck_assert_int_eq(part.chunk[0], i);
    }
}
END_TEST

START_TEST(chunk_iter_of_scalar_visits_once)
{
    struct ff_chunk_iter it;

    ck_assert(ff_chunk_iter_init(&it, 0, NULL, NULL, NULL, NULL, NULL));
    ck_assert(ff_chunk_iter_next(&it));
    ck_assert(!ff_chunk_iter_next(&it));
    ck_assert(!ff_chunk_iter_next(&it));
}
END_TEST

START_TEST(chunk_iter_bad_arguments_are_refused)
{
    static const int64_t shape = 10, chunk = 3, bad_chunk = 0, start = 0, count = 10,
                         over = 11;
    struct ff_chunk_iter it;

    ck_assert(!ff_chunk_iter_init(&it, 1, &shape, &bad_chunk, &start, &count, NULL));
    ck_assert(!ff_chunk_iter_next(&it));
    ck_assert(!ff_chunk_iter_init(&it, 1, &shape, &chunk, &start, &over, NULL));
    ck_assert(!ff_chunk_iter_next(&it));
    ck_assert(
        !ff_chunk_iter_init(&it, FF_REGION_MAX_NDIM + 1, NULL, NULL, NULL, NULL, NULL));
    ck_assert(!ff_chunk_iter_next(&it));
}
END_TEST

START_TEST(grid_count_rounds_up)
{
    static const int64_t shape[2] = {10, 7}, chunk[2] = {3, 7}, zero[2] = {10, 0};
    static const int64_t huge[3] = {INT64_MAX, INT64_MAX, INT64_MAX}, ones[3] = {1, 1, 1};
    uint64_t count;

    ck_assert(ff_grid_count(2, shape, chunk, &count) && count == 4);
    ck_assert(ff_grid_count(2, zero, chunk, &count) && count == 0);
    ck_assert(ff_grid_count(0, NULL, NULL, &count) && count == 1);
    ck_assert(!ff_grid_count(2, shape, zero, &count));
    ck_assert(!ff_grid_count(3, huge, ones, &count));
}
END_TEST

RUN_TESTS("base_region", strides_are_as_in_numpy, strides_are_c_ignores_axes_of_one,
          strides_that_overflow_are_refused, region_inside_or_not,
          chunk_iter_visits_each_element_once, chunk_intersect_outside_is_false,
          chunk_iter_of_scalar_visits_once, chunk_iter_bad_arguments_are_refused,
          grid_count_rounds_up)
