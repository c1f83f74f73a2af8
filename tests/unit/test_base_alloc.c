/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/alloc.h"

#include <stdint.h>
#include <string.h>

#include "run.h"

START_TEST(alloc_size_zero_gives_memory)
{
    void *a = ff_malloc(0), *b = ff_calloc(0, 8), *c = ff_realloc_array(NULL, 0, 8);
    void *d = ff_memdup(NULL, 0), *e = ff_aligned_alloc(0);

    ck_assert(a && b && c && d && e);
    ff_free(a);
    ff_free(b);
    ff_free(c);
    ff_free(d);
    ff_aligned_free(e);
    ff_free(NULL);
}
END_TEST

START_TEST(alloc_size_that_overflows_gives_null)
{
    char *old = ff_strdup("kept");
    volatile size_t huge = SIZE_MAX;

    ck_assert_ptr_null(ff_calloc(huge, 2));
    ck_assert_ptr_null(ff_realloc_array(old, huge / 2 + 1, 2));
    ck_assert_str_eq(old, "kept");
    ck_assert_ptr_null(ff_malloc(huge / 2));
    ff_free(old);
}
END_TEST

START_TEST(calloc_gives_zeros)
{
    unsigned char *a = ff_calloc(100, 3);

    for (int i = 0; i < 300; i++) {
        ck_assert_uint_eq(a[i], 0);
    }
    ff_free(a);
}
END_TEST

START_TEST(strndup_cuts_and_ends)
{
    static const char raw[3] = {'a', 'b', 'c'};
    char *a = ff_strndup("abcdef", 3), *b = ff_strndup("ab", 3), *c = ff_strndup(raw, 3);

    ck_assert_str_eq(a, "abc");
    ck_assert_str_eq(b, "ab");
    ck_assert_str_eq(c, "abc");
    ff_free(a);
    ff_free(b);
    ff_free(c);
}
END_TEST

START_TEST(aligned_begins_where_promised)
{
    static const struct {
        size_t size, align;
    } rows[] = {{1, 64},
                {1000, 64},
                {(2u << 20) - 1, 64},
                {2u << 20, 2u << 20},
                {(5u << 20) + 3, 2u << 20}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned char *a = ff_aligned_alloc(rows[i].size);

        ck_assert_ptr_nonnull(a);
        ck_assert_uint_eq((uintptr_t)a % rows[i].align, 0);
        memset(a, 0xff, rows[i].size);
        ff_aligned_free(a);
    }
}
END_TEST

RUN_TESTS("base_alloc", alloc_size_zero_gives_memory,
          alloc_size_that_overflows_gives_null, calloc_gives_zeros, strndup_cuts_and_ends,
          aligned_begins_where_promised)
