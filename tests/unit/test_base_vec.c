/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/vec.h"

#include <errno.h>
#include <stdint.h>

#include "core/base/alloc.h"
#include "run.h"

struct item {
    int64_t number;
    char letter;
};

START_TEST(vec_pushes_zeroed_items_in_order)
{
    struct ff_vec v;

    ff_vec_init(&v, sizeof(struct item), 1000);
    for (int i = 0; i < 1000; i++) {
        struct item *item = ff_vec_push(&v);

        ck_assert_ptr_nonnull(item);
        ck_assert(item->number == 0 && item->letter == 0);
        item->number = i;
        item->letter = 'x';
    }
    for (size_t i = 0; i < 1000; i++) {
        ck_assert_int_eq(((struct item *)ff_vec_at(&v, i))->number, (int64_t)i);
    }
    ff_vec_free(&v);
    ck_assert_ptr_null(v.items);
}
END_TEST

START_TEST(vec_at_maximum_refuses)
{
    struct ff_vec v;
    int number = 5;

    ff_vec_init(&v, sizeof number, 3);
    ck_assert_int_eq(ff_vec_append(&v, &number), 0);
    ck_assert_int_eq(ff_vec_append(&v, &number), 0);
    ck_assert_int_eq(ff_vec_append(&v, &number), 0);
    ck_assert_int_eq(ff_vec_append(&v, &number), -E2BIG);
    ck_assert_ptr_null(ff_vec_push(&v));
    ck_assert_int_eq(ff_vec_reserve(&v, SIZE_MAX), -E2BIG);
    ck_assert_uint_eq(v.count, 3);
    ff_vec_free(&v);
}
END_TEST

START_TEST(vec_without_memory_keeps)
{
    struct ff_vec v;
    int number = 5;

    ff_vec_init(&v, sizeof number, SIZE_MAX);
    ck_assert_int_eq(ff_vec_append(&v, &number), 0);
    ck_assert_int_eq(ff_vec_reserve(&v, SIZE_MAX / 8), -ENOMEM);
    ck_assert_int_eq(ff_vec_reserve(&v, SIZE_MAX / 2), -ENOMEM);
    ck_assert_int_eq(*(int *)ff_vec_last(&v), 5);
    ff_vec_free(&v);
}
END_TEST

START_TEST(vec_outside_gives_null)
{
    struct ff_vec v;
    int number = 7;

    ff_vec_init(&v, sizeof number, 9);
    ck_assert_ptr_null(ff_vec_last(&v));
    ck_assert_ptr_null(ff_vec_at(&v, 0));
    ff_vec_pop(&v);
    ck_assert_uint_eq(v.count, 0);
    ck_assert_int_eq(ff_vec_append(&v, &number), 0);
    ck_assert_ptr_null(ff_vec_at(&v, 1));
    ff_vec_pop(&v);
    ck_assert_ptr_null(ff_vec_last(&v));
    ff_vec_free(&v);
}
END_TEST

START_TEST(vec_steal_leaves_empty)
{
    struct ff_vec v;
    size_t count;
    int number = 7, *items;

    ff_vec_init(&v, sizeof number, 9);
    ck_assert_int_eq(ff_vec_append(&v, &number), 0);
    items = ff_vec_steal(&v, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(items[0], 7);
    ck_assert_uint_eq(v.count, 0);
    ff_free(items);
    ff_vec_clear(&v);
    ff_vec_free(&v);
}
END_TEST

RUN_TESTS("base_vec", vec_pushes_zeroed_items_in_order, vec_at_maximum_refuses,
          vec_without_memory_keeps, vec_outside_gives_null, vec_steal_leaves_empty)
