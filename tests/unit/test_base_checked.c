/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/checked.h"

#include "run.h"

START_TEST(checked_in_range_gives_result)
{
    uint64_t u;
    int64_t i;
    size_t z;

    ck_assert(ff_add_u64(UINT64_MAX - 1, 1, &u) && u == UINT64_MAX);
    ck_assert(ff_mul_u64(UINT64_MAX / 5, 5, &u) && u == UINT64_MAX);
    ck_assert(ff_add_i64(INT64_MAX, -1, &i) && i == INT64_MAX - 1);
    ck_assert(ff_sub_i64(INT64_MIN, -1, &i) && i == INT64_MIN + 1);
    ck_assert(ff_mul_i64(INT64_MIN / 2, 2, &i) && i == INT64_MIN);
    ck_assert(ff_add_size(SIZE_MAX - 1, 1, &z) && z == SIZE_MAX);
    ck_assert(ff_mul_size(SIZE_MAX / 3, 3, &z) && z == SIZE_MAX);
    ck_assert(ff_u64_to_size(7, &z) && z == 7);
    ck_assert(ff_u64_to_i64(INT64_MAX, &i) && i == INT64_MAX);
    ck_assert(ff_i64_to_u64(INT64_MAX, &u) && u == INT64_MAX);
}
END_TEST

START_TEST(checked_out_of_range_fails)
{
    uint64_t u;
    int64_t i;
    size_t z;

    ck_assert(!ff_add_u64(UINT64_MAX, 1, &u));
    ck_assert(!ff_mul_u64(UINT64_MAX / 2, 3, &u));
    ck_assert(!ff_add_i64(INT64_MAX, 1, &i));
    ck_assert(!ff_sub_i64(INT64_MIN, 1, &i));
    ck_assert(!ff_mul_i64(INT64_MIN, -1, &i));
    ck_assert(!ff_add_size(SIZE_MAX, 1, &z));
    ck_assert(!ff_mul_size(SIZE_MAX / 2, 3, &z));
    ck_assert(!ff_u64_to_i64((uint64_t)INT64_MAX + 1, &i));
    ck_assert(!ff_i64_to_u64(-1, &u));
}
END_TEST

START_TEST(product_of_shape)
{
    static const struct {
        size_t ndim;
        int64_t shape[3];
        uint64_t item, result;
        bool ok;
    } rows[] = {
        {0, {0}, 8, 8, true},
        {1, {5}, 4, 20, true},
        {3, {2, 3, 4}, 1, 24, true},
        {3, {INT64_MAX, INT64_MAX, 0}, 8, 0, true},
        {3, {0, INT64_MAX, INT64_MAX}, 8, 0, true},
        {2, {INT64_MAX, 3}, 1, 0, false},
        {2, {-1, 3}, 1, 0, false},
        {2, {0, -1}, 1, 0, false},
        {2, {2, 3}, UINT64_MAX, 0, false},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t out = 77;
        bool ok = ff_product(rows[i].ndim, rows[i].shape, rows[i].item, &out);

        ck_assert_msg(ok == rows[i].ok, "row %zu", i);
        ck_assert_msg(!ok || out == rows[i].result, "row %zu", i);
    }
}
END_TEST

RUN_TESTS("base_checked", checked_in_range_gives_result, checked_out_of_range_fails,
          product_of_shape)
