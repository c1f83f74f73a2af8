/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/dtype.h"

#include <string.h>

#include "core/base/alloc.h"
#include "run.h"

/* Which byte of the result each byte comes from, for one item: written out by hand. */
static const struct {
    const char *text;
    size_t item_bytes;
    uint8_t from[48];
} rows[] = {
    {">i2", 2, {1, 0}},
    {">f4", 4, {3, 2, 1, 0}},
    {">M8[ns]", 8, {7, 6, 5, 4, 3, 2, 1, 0}},
    {">c8", 8, {3, 2, 1, 0, 7, 6, 5, 4}},
    {">f16", 16, {15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
    {">U2", 8, {3, 2, 1, 0, 7, 6, 5, 4}},
    {"<u4", 4, {0, 1, 2, 3}},
    {"|S3", 3, {0, 1, 2}},
    {"('>u2', (3,))", 6, {1, 0, 3, 2, 5, 4}},
    {"[('a', '>u2'), ('b', '<u4'), ('c', '|S1'), ('d', '>u4')]",
     11,
     {1, 0, 2, 3, 4, 5, 6, 10, 9, 8, 7}},
    {"[('p', '|V1'), ('s', [('x', '>u2'), ('', '|V1'), ('y', '>u2', (2,))], (2,)), ('z', "
     "'|u1')]",
     16,
     {0, 2, 1, 3, 5, 4, 7, 6, 9, 8, 10, 12, 11, 14, 13, 15}},
    {"[('s', [('x', '>u2'), ('y', '|u1')], (2,))]", 6, {1, 0, 2, 4, 3, 5}},
    {"[('e', '>u4', (0,)), ('a', '>u2')]", 2, {1, 0}},
};

enum { ITEMS = 5 };

START_TEST(swap_reverses_what_is_foreign)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_dtype *d;
        size_t item_bytes = rows[i].item_bytes, total = item_bytes * ITEMS;
        uint8_t *data = ff_malloc(total);

        ck_assert_int_eq(ff_dtype_parse(rows[i].text, strlen(rows[i].text), &d, NULL), 0);
        ck_assert_uint_eq(d->item_bytes, item_bytes);
        for (size_t k = 0; k < total; k++) {
            data[k] = (uint8_t)k;
        }
        ff_dtype_swap(d, data, ITEMS);
        for (size_t k = 0; k < total; k++) {
            size_t base = k / item_bytes * item_bytes;

            ck_assert_msg(data[k] == (uint8_t)(base + rows[i].from[k % item_bytes]),
                          "%s byte %zu", rows[i].text, k);
        }
        ff_dtype_swap(d, data, ITEMS);
        for (size_t k = 0; k < total; k++) {
            ck_assert_uint_eq(data[k], (uint8_t)k);
        }
        ff_free(data);
        ff_dtype_free(d);
    }
}
END_TEST

START_TEST(make_native_leaves_nothing_to_swap)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_dtype *d;

        ck_assert_int_eq(ff_dtype_parse(rows[i].text, strlen(rows[i].text), &d, NULL), 0);
        ck_assert_int_eq(ff_dtype_is_native(d), strchr(rows[i].text, '>') == NULL);
        ff_dtype_make_native(d);
        ck_assert(ff_dtype_is_native(d));
        ff_dtype_free(d);
    }
}
END_TEST

START_TEST(swap_words_of_odd_size_does_nothing)
{
    uint8_t data[6] = {1, 2, 3, 4, 5, 6};
    static const uint8_t same[6] = {1, 2, 3, 4, 5, 6};

    ff_swap_words(data, 1, 6);
    ff_swap_words(data, 3, 2);
    ff_swap_words(data, 0, 6);
    ck_assert_mem_eq(data, same, 6);
}
END_TEST

RUN_TESTS("base_dtype_swap", swap_reverses_what_is_foreign,
          make_native_leaves_nothing_to_swap, swap_words_of_odd_size_does_nothing)
