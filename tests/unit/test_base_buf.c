/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/buf.h"

#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "run.h"

START_TEST(buf_appends_in_order)
{
    struct ff_buf b;

    ff_buf_init(&b, 1000);
    ck_assert_str_eq(ff_buf_text(&b), "");
    ck_assert_int_eq(ff_buf_append_text(&b, "one"), 0);
    ck_assert_int_eq(ff_buf_append_byte(&b, ','), 0);
    ck_assert_int_eq(ff_buf_printf(&b, "%d-%s", 2, "two"), 0);
    ck_assert_int_eq(ff_buf_append(&b, NULL, 0), 0);
    ck_assert_str_eq(ff_buf_text(&b), "one,2-two");
    ck_assert_uint_eq(b.length_bytes, 9);
    ff_buf_clear(&b);
    ck_assert_str_eq(ff_buf_text(&b), "");
    ff_buf_free(&b);
    ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(buf_at_maximum_refuses_and_keeps)
{
    struct ff_buf b;

    ff_buf_init(&b, 10);
    ck_assert_int_eq(ff_buf_append_text(&b, "0123456"), 0);
    ck_assert_int_eq(ff_buf_append_text(&b, "abcd"), -E2BIG);
    ck_assert_int_eq(ff_buf_printf(&b, "%s", "abcd"), -E2BIG);
    ck_assert_int_eq(ff_buf_reserve(&b, SIZE_MAX), -E2BIG);
    ck_assert_str_eq(ff_buf_text(&b), "0123456");
    ck_assert_int_eq(ff_buf_append_text(&b, "abc"), 0);
    ck_assert_int_eq(ff_buf_append_byte(&b, 'd'), -E2BIG);
    ck_assert_str_eq(ff_buf_text(&b), "0123456abc");
    ff_buf_free(&b);
}
END_TEST

START_TEST(buf_without_memory_keeps)
{
    struct ff_buf b;

    ff_buf_init(&b, SIZE_MAX);
    ck_assert_int_eq(ff_buf_append_text(&b, "kept"), 0);
    ck_assert_int_eq(ff_buf_reserve(&b, SIZE_MAX / 2), -ENOMEM);
    ck_assert_str_eq(ff_buf_text(&b), "kept");
    ff_buf_free(&b);
}
END_TEST

START_TEST(buf_reserve_then_added_counts)
{
    struct ff_buf b;

    ff_buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < 1000; i++) {
        ck_assert_int_eq(ff_buf_reserve(&b, 37), 0);
        memset(b.data + b.length_bytes, (int)(i % 256), 37);
        ff_buf_added(&b, 37);
    }
    for (unsigned i = 0; i < 37000; i++) {
        ck_assert_uint_eq(b.data[i], i / 37 % 256);
    }
    ff_buf_free(&b);
}
END_TEST

START_TEST(buf_steal_leaves_empty)
{
    struct ff_buf b;
    size_t length = 9;
    uint8_t *data;

    ff_buf_init(&b, 100);
    ck_assert_ptr_null(ff_buf_steal(&b, &length));
    ck_assert_uint_eq(length, 0);
    ck_assert_int_eq(ff_buf_append_text(&b, "mine"), 0);
    data = ff_buf_steal(&b, &length);
    ck_assert_uint_eq(length, 4);
    ck_assert_str_eq((char *)data, "mine");
    ck_assert_uint_eq(b.max_bytes, 100);
    ck_assert_int_eq(ff_buf_append_text(&b, "new"), 0);
    ck_assert_str_eq((char *)data, "mine");
    ff_free(data);
    ff_buf_free(&b);
}
END_TEST

RUN_TESTS("base_buf", buf_appends_in_order, buf_at_maximum_refuses_and_keeps,
          buf_without_memory_keeps, buf_reserve_then_added_counts, buf_steal_leaves_empty)
