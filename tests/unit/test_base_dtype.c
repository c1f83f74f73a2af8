/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/dtype.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "run.h"

/* What numpy 2.4.6 writes into a .npy header for a dtype, its descr as json.dumps has it,
 * its itemsize and its fields' offsets. */
static const struct {
    const char *python, *json;
    uint64_t item_bytes, offsets[10];
} numpy_rows[] = {
    {"'|b1'", "\"|b1\"", 1, {0}},
    {"'|i1'", "\"|i1\"", 1, {0}},
    {"'|u1'", "\"|u1\"", 1, {0}},
    {"'<i2'", "\"<i2\"", 2, {0}},
    {"'>i2'", "\">i2\"", 2, {0}},
    {"'<u4'", "\"<u4\"", 4, {0}},
    {"'>u8'", "\">u8\"", 8, {0}},
    {"'<i8'", "\"<i8\"", 8, {0}},
    {"'<f2'", "\"<f2\"", 2, {0}},
    {"'>f4'", "\">f4\"", 4, {0}},
    {"'<f8'", "\"<f8\"", 8, {0}},
    {"'<f16'", "\"<f16\"", 16, {0}},
    {"'<c8'", "\"<c8\"", 8, {0}},
    {"'>c16'", "\">c16\"", 16, {0}},
    {"'<c32'", "\"<c32\"", 32, {0}},
    {"'|S5'", "\"|S5\"", 5, {0}},
    {"'|S0'", "\"|S0\"", 0, {0}},
    {"'<U4'", "\"<U4\"", 16, {0}},
    {"'>U3'", "\">U3\"", 12, {0}},
    {"'<U0'", "\"<U0\"", 0, {0}},
    {"'|V3'", "\"|V3\"", 3, {0}},
    {"'|V0'", "\"|V0\"", 0, {0}},
    {"'<M8'", "\"<M8\"", 8, {0}},
    {"'<M8[ns]'", "\"<M8[ns]\"", 8, {0}},
    {"'>M8[D]'", "\">M8[D]\"", 8, {0}},
    {"'<m8[10us]'", "\"<m8[10us]\"", 8, {0}},
    {"'<m8[as]'", "\"<m8[as]\"", 8, {0}},
    {"'<M8[Y]'", "\"<M8[Y]\"", 8, {0}},
    {"'<m8[25s]'", "\"<m8[25s]\"", 8, {0}},
    {"[('a', '<i4'), ('b', '|S5', (2, 3)), ('c', '|V3')]",
     "[[\"a\", \"<i4\"], [\"b\", \"|S5\", [2, 3]], [\"c\", \"|V3\"]]",
     37,
     {0, 4, 34}},
    {"[('x', '<f8'), ('y', '>u2')]", "[[\"x\", \"<f8\"], [\"y\", \">u2\"]]", 10, {0, 8}},
    {"[(('title', 'name'), '<f4')]", "[[[\"title\", \"name\"], \"<f4\"]]", 4, {0}},
    {"[('n', [('p', '<i2'), ('q', [('r', '<f8', (4,)), ('s', '|b1')], (2, 2))]), ('t', "
     "'<M8[ms]')]",
     "[[\"n\", [[\"p\", \"<i2\"], [\"q\", [[\"r\", \"<f8\", [4]], [\"s\", \"|b1\"]], [2, "
     "2]]]], [\"t\", \"<M8[ms]\"]]",
     142,
     {0, 134}},
    {"[(\"it's\", '<i4'), ('say \"x\"', '<i4'), ('both \\' and \"', '<i4'), "
     "('back\\\\slash', '<i4'), ('tab\\tnl\\n', '<i4'), ('\xc3\xa9', '<i4'), "
     "('\xce\xbb\xe2\x86\x92', '<i4'), ('\xf0\x9f\x98\x80', '<i4'), "
     "('\\x01\\x7f\\x85\\xa0\\xad', '<i4'), ('\\u2028', '<i4')]",
     "[[\"it's\", \"<i4\"], [\"say \\\"x\\\"\", \"<i4\"], [\"both ' and \\\"\", "
     "\"<i4\"], [\"back\\\\slash\", \"<i4\"], [\"tab\\tnl\\n\", \"<i4\"], [\"\\u00e9\", "
     "\"<i4\"], [\"\\u03bb\\u2192\", \"<i4\"], [\"\\ud83d\\ude00\", \"<i4\"], "
     "[\"\\u0001\\u007f\\u0085\\u00a0\\u00ad\", \"<i4\"], [\"\\u2028\", \"<i4\"]]",
     40,
     {0, 4, 8, 12, 16, 20, 24, 28, 32, 36}},
    {"[('a', '<i4', (1,))]", "[[\"a\", \"<i4\", [1]]]", 4, {0}},
    {"[('a', '<i4', (0, 3))]", "[[\"a\", \"<i4\", [0, 3]]]", 0, {0}},
    {"[('u', '<U7'), ('v', '<c8', (2,))]",
     "[[\"u\", \"<U7\"], [\"v\", \"<c8\", [2]]]",
     44,
     {0, 28}},
    {"[('a', '|i1'), ('', '|V7'), ('b', '<f8'), ('c', '<i2'), ('', '|V6')]",
     "[[\"a\", \"|i1\"], [\"\", \"|V7\"], [\"b\", \"<f8\"], [\"c\", \"<i2\"], [\"\", "
     "\"|V6\"]]",
     24,
     {0, 8, 16}},
    {"[('', '|V4'), ('a', '<i4'), ('', '|V8'), ('b', '<f8'), ('', '|V8')]",
     "[[\"\", \"|V4\"], [\"a\", \"<i4\"], [\"\", \"|V8\"], [\"b\", \"<f8\"], [\"\", "
     "\"|V8\"]]",
     32,
     {4, 16}},
    {"[('', '|V8')]", "[[\"\", \"|V8\"]]", 8, {0}},
    {"[]", "[]", 0, {0}},
    {"[('s', [('a', '|i1'), ('', '|V7'), ('b', '<f8')], (3,))]",
     "[[\"s\", [[\"a\", \"|i1\"], [\"\", \"|V7\"], [\"b\", \"<f8\"]], [3]]]",
     48,
     {0}},
    {"[('f0', [('a', '<i4')])]", "[[\"f0\", [[\"a\", \"<i4\"]]]]", 4, {0}},
};

static struct ff_dtype *parsed(const char *text)
{
    const char *why;
    struct ff_dtype *d;
    int rc = ff_dtype_parse(text, strlen(text), &d, &why);

    ck_assert_msg(rc == 0, "%s: %s", text, why);
    ck_assert_ptr_null(why);
    return d;
}

static void assert_prints(const struct ff_dtype *d, enum ff_dtype_style style,
                          const char *text)
{
    struct ff_buf out;

    ff_buf_init(&out, 1 << 20);
    ck_assert_int_eq(ff_dtype_print(d, style, &out), 0);
    ck_assert_str_eq(ff_buf_text(&out), text);
    ff_buf_free(&out);
}

START_TEST(dtype_of_numpy_is_read_and_printed_alike)
{
    for (size_t i = 0; i < COUNT_OF(numpy_rows); i++) {
        struct ff_dtype *d = parsed(numpy_rows[i].python),
                        *j = parsed(numpy_rows[i].json), *c;

        ck_assert_uint_eq(d->item_bytes, numpy_rows[i].item_bytes);
        for (size_t k = 0; k < d->field_count; k++) {
            ck_assert_uint_eq(d->fields[k].offset_bytes, numpy_rows[i].offsets[k]);
        }
        assert_prints(d, FF_DTYPE_PYTHON, numpy_rows[i].python);
        assert_prints(d, FF_DTYPE_JSON, numpy_rows[i].json);
        ck_assert(ff_dtype_equal(d, j));
        ck_assert_int_eq(ff_dtype_clone(d, &c), 0);
        ck_assert(ff_dtype_equal(d, c));
        ff_dtype_free(d);
        ff_dtype_free(j);
        ff_dtype_free(c);
    }
}
END_TEST

START_TEST(dtype_other_notation_becomes_numpys)
{
    static const char *const rows[][2] = {
        {"f4", "<f4"},
        {"=f4", "<f4"},
        {"|f4", "<f4"},
        {">i1", "|i1"},
        {"<b1", "|b1"},
        {"a5", "|S5"},
        {"'<i4'", "<i4"},
        {"<M8[generic]", "<M8"},
        {"<m8[1ns]", "<m8[ns]"},
        {" [ ( \"a\" , '<i4' , ) , ] ", "[('a', '<i4')]"},
        {"[('a','<i4',2)]", "[('a', '<i4', (2,))]"},
        {"[('a','<i4',())]", "[('a', '<i4')]"},
        {"[('a','<i4',(2L,3L))]", "[('a', '<i4', (2, 3))]"},
        {"[('', '<i4', (2,)), ('b', '<i4')]", "[('', '|V8'), ('b', '<i4')]"},
        {"[('', [('x', '<i4')]), ('b', '<i4')]", "[('', [('x', '<i4')]), ('b', '<i4')]"},
        {"('<i4', (2,))", "('<i4', (2,))"},
        {"('<i4', 2)", "('<i4', (2,))"},
        {"[[\"t\", [[\"x\", \"<i4\"]], [2]]]", "[('t', [('x', '<i4')], (2,))]"},
        {"[('q', ('<i4', (2,)), (3,))]", "[('q', '<i4', (3, 2))]"},
        {"[('\\u03bb\\U0001f600\\x41', '<i4')]", "[('\xce\xbb\xf0\x9f\x98\x80"
                                                 "A', '<i4')]"},
        {"[('\\r\\U000e0001', '<i4')]", "[('\\r\\U000e0001', '<i4')]"},
        {"[(\"\\ud83d\\ude00\", '<i4')]", "[('\xf0\x9f\x98\x80', '<i4')]"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_dtype *d = parsed(rows[i][0]);

        assert_prints(d, FF_DTYPE_PLAIN, rows[i][1]);
        ff_dtype_free(d);
    }
}
END_TEST

START_TEST(dtype_malformed_is_refused)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {
        {"", -EINVAL},
        {"<", -EINVAL},
        {"<f", -EINVAL},
        {"<f3", -EINVAL},
        {"<i16", -EINVAL},
        {"<b2", -EINVAL},
        {"<x4", -EINVAL},
        {"<f4x", -EINVAL},
        {"<f4 ", -EINVAL},
        {"<M4", -EINVAL},
        {"<M8[", -EINVAL},
        {"<M8[]", -EINVAL},
        {"<M8[xs]", -EINVAL},
        {"<M8[0s]", -EINVAL},
        {"<M8[us/10]", -EINVAL},
        {"<M8[nanosecondss]", -EINVAL},
        {"<f4[ns]", -EINVAL},
        {"'<f4", -EINVAL},
        {"'<f4\"", -EINVAL},
        {"'<f4' x", -EINVAL},
        {"O", -EOPNOTSUPP},
        {"|O8", -EOPNOTSUPP},
        {"[('a', '|O')]", -EOPNOTSUPP},
        {"|S2147483648", -EOVERFLOW},
        {"|S99999999999999999999999", -EOVERFLOW},
        {"<U536870912", -EOVERFLOW},
        {"[('a', '|S2147483647'), ('b', '|S1')]", -EOVERFLOW},
        {"[('a', '|S65536', (65536, 65536))]", -EOVERFLOW},
        {"[", -EINVAL},
        {"[(", -EINVAL},
        {"[('a'", -EINVAL},
        {"[('a', '<i4'", -EINVAL},
        {"[('a', '<i4')", -EINVAL},
        {"[('a', '<i4'),,]", -EINVAL},
        {"[('a', '<i4') ('b', '<i4')]", -EINVAL},
        {"[('a', '<i4'))", -EINVAL},
        {"[('a' '<i4')]", -EINVAL},
        {"[('a', '<i4', (2,), 3)]", -EINVAL},
        {"[('a', '<i4', (-2,))]", -EINVAL},
        {"[('a', '<i4', (2, 3]]", -EINVAL},
        {"[(('t',), '<i4')]", -EINVAL},
        {"[(('t', 'n', 'x'), '<i4')]", -EINVAL},
        {"[('a', '<i4'), ('a', '<i4')]", -EINVAL},
        {"[(('t', 'a'), '<i4'), ('t', '<i4')]", -EINVAL},
        {"[(('t', 't'), '<i4')]", -EINVAL},
        {"[('a\\x00b', '<i4')]", -EINVAL},
        {"[('\\ud800', '<i4')]", -EINVAL},
        {"[('\\ud83dx', '<i4')]", -EINVAL},
        {"[('\\ud83d\\u0041', '<i4')]", -EINVAL},
        {"[('\\q', '<i4')]", -EINVAL},
        {"[('\\x4', '<i4')]", -EINVAL},
        {"[('\\UFFFFFFFF', '<i4')]", -EINVAL},
        {"[('\\", -EINVAL},
        {"[('\xff', '<i4')]", -EINVAL},
        {"{'a': 1}", -EINVAL},
        {"('<i4')", -EINVAL},
        {"('<i4', (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1))",
         -E2BIG},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *why = NULL;
        struct ff_dtype *d = (struct ff_dtype *)&why;
        int rc = ff_dtype_parse(rows[i].text, strlen(rows[i].text), &d, &why);

        ck_assert_msg(rc == rows[i].code, "%s gave %d (%s)", rows[i].text, rc, why);
        ck_assert_ptr_null(d);
        ck_assert_ptr_nonnull(why);
    }
}
END_TEST

/* n structs, one within the other */
static int parse_nested(unsigned depth)
{
    struct ff_dtype *d;
    struct ff_buf text;
    int rc;

    ff_buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < depth; i++) {
        ck_assert_int_eq(ff_buf_append_text(&text, "[('a', "), 0);
    }
    ck_assert_int_eq(ff_buf_append_text(&text, "'<i4'"), 0);
    for (unsigned i = 0; i < depth; i++) {
        ck_assert_int_eq(ff_buf_append_text(&text, ")]"), 0);
    }
    rc = ff_dtype_parse(ff_buf_text(&text), text.length_bytes, &d, NULL);
    ck_assert(rc || d->depth == depth);
    ff_dtype_free(d);
    ff_buf_free(&text);
    return rc;
}

START_TEST(dtype_too_deep_or_long_is_refused)
{
    struct ff_dtype *d;
    char *spaces = ff_calloc(FF_DTYPE_MAX_TEXT_BYTES + 1, 1);

    ck_assert_int_eq(parse_nested(FF_DTYPE_MAX_DEPTH), 0);
    ck_assert_int_eq(parse_nested(FF_DTYPE_MAX_DEPTH + 1), -E2BIG);
    ck_assert_int_eq(parse_nested(5000), -E2BIG);
    memset(spaces, '(', FF_DTYPE_MAX_TEXT_BYTES + 1);
    ck_assert_int_eq(ff_dtype_parse(spaces, FF_DTYPE_MAX_TEXT_BYTES, &d, NULL), -E2BIG);
    ck_assert_int_eq(ff_dtype_parse(spaces, FF_DTYPE_MAX_TEXT_BYTES + 1, &d, NULL),
                     -E2BIG);
    ff_free(spaces);
}
END_TEST

/* Every prefix and every change of one byte: nothing but a code may come of it. */
START_TEST(dtype_damaged_text_never_harms)
{
    for (size_t i = 0; i < COUNT_OF(numpy_rows); i++) {
        size_t length = strlen(numpy_rows[i].python);

        for (size_t at = 0; at < length; at++) {
            for (unsigned c = 0; c < 256; c += 3) {
                char *text = ff_memdup(numpy_rows[i].python, length);
                struct ff_dtype *d;

                text[at] = (char)c;
                (void)ff_dtype_parse(text, length, &d, NULL);
                ff_dtype_free(d);
                (void)ff_dtype_parse(text, at, &d, NULL);
                ff_dtype_free(d);
                ff_free(text);
            }
        }
    }
}
END_TEST

START_TEST(dtype_built_by_hand_prints)
{
    struct ff_dtype *d, *f;

    ck_assert_int_eq(ff_dtype_new_struct(16, &d), 0);
    ck_assert_int_eq(ff_dtype_new('M', '>', 8, &f), 0);
    ck_assert_int_eq(ff_dtype_set_unit(f, "us", 10), 0);
    ck_assert_int_eq(ff_dtype_add_field(d, "when", "a title", 4, f), 0);
    assert_prints(d, FF_DTYPE_PLAIN,
                  "[('', '|V4'), (('a title', 'when'), '>M8[10us]'), ('', '|V4')]");
    ff_dtype_free(d);
}
END_TEST

START_TEST(dtype_field_that_does_not_fit_is_refused)
{
    struct ff_dtype *d, *f;

    ck_assert_int_eq(ff_dtype_new_struct(8, &d), 0);
    ck_assert_int_eq(ff_dtype_new('i', '=', 8, &f), 0);
    ck_assert_int_eq(ff_dtype_add_field(d, "a", NULL, 1, f), -EINVAL);
    ck_assert_int_eq(ff_dtype_new('i', '=', 8, &f), 0);
    ck_assert_int_eq(ff_dtype_add_field(d, "a", NULL, UINT64_MAX, f), -EINVAL);
    ck_assert_int_eq(ff_dtype_new('i', '=', 8, &f), 0);
    ck_assert_int_eq(ff_dtype_set_unit(f, "ns", 1), -EINVAL);
    ck_assert_int_eq(ff_dtype_add_field(d, "a", NULL, 0, f), 0);
    ck_assert_int_eq(ff_dtype_new('c', '=', 4, &f), -EINVAL);
    ck_assert_ptr_null(f);
    ck_assert_int_eq(ff_dtype_new('i', '\0', 4, &f), -EINVAL);
    ff_dtype_free(d);
    ff_dtype_free(NULL);
}
END_TEST

START_TEST(dtype_built_too_deep_is_refused)
{
    struct ff_dtype *d, *outer;
    int rc = ff_dtype_new('i', '=', 4, &d);

    for (unsigned depth = 1; rc == 0; depth++) {
        ck_assert_int_eq(ff_dtype_new_struct(4, &outer), 0);
        rc = ff_dtype_add_field(outer, "a", NULL, 0, d);
        ck_assert_int_eq(rc, depth > FF_DTYPE_MAX_DEPTH ? -E2BIG : 0);
        d = outer;
    }
    ff_dtype_free(d);
}
END_TEST

START_TEST(dtype_shape_out_of_range_is_refused)
{
    static const int64_t ones[FF_DTYPE_MAX_NDIM] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                                    1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const int64_t large = 1 << 29, negative = -1, endless = (int64_t)INT32_MAX + 1;
    struct ff_dtype *d, *empty;

    ck_assert_int_eq(ff_dtype_new('i', '=', 4, &d), 0);
    ck_assert_int_eq(ff_dtype_new('S', '=', 0, &empty), 0);
    ck_assert_int_eq(ff_dtype_set_shape(d, 1, &large), -EOVERFLOW);
    ck_assert_int_eq(ff_dtype_set_shape(d, 1, &negative), -EOVERFLOW);
    ck_assert_int_eq(ff_dtype_set_shape(empty, 1, &endless), -EOVERFLOW);
    ck_assert_int_eq(ff_dtype_set_shape(d, FF_DTYPE_MAX_NDIM, ones), 0);
    ck_assert_int_eq(ff_dtype_set_shape(d, 1, ones), -E2BIG);
    ck_assert_uint_eq(d->item_bytes, 4);
    ff_dtype_free(d);
    ff_dtype_free(empty);
}
END_TEST

START_TEST(dtype_overlapping_fields_have_no_text)
{
    struct ff_dtype *d, *f;
    struct ff_buf out;

    ff_buf_init(&out, 100);
    ck_assert_int_eq(ff_buf_append_text(&out, "kept"), 0);
    ck_assert_int_eq(ff_dtype_new_struct(8, &d), 0);
    ck_assert_int_eq(ff_dtype_new('i', '=', 4, &f), 0);
    ck_assert_int_eq(ff_dtype_add_field(d, "a", NULL, 0, f), 0);
    ck_assert_int_eq(ff_dtype_new('i', '=', 4, &f), 0);
    ck_assert_int_eq(ff_dtype_add_field(d, "b", NULL, 2, f), 0);
    ck_assert_int_eq(ff_dtype_print(d, FF_DTYPE_PLAIN, &out), -EOPNOTSUPP);
    ck_assert_str_eq(ff_buf_text(&out), "kept");
    ff_buf_free(&out);
    ff_dtype_free(d);
}
END_TEST

START_TEST(dtype_differences_are_seen)
{
    static const char *const rows[] = {
        "<i4",
        ">i4",
        "<u4",
        "<i8",
        "<M8[ns]",
        "<M8[2ns]",
        "<M8",
        "('<i4', (1,))",
        "[]",
        "|V0",
        "[('a', '<i4')]",
        "[('b', '<i4')]",
        "[(('t', 'a'), '<i4')]",
        "[('a', '>i4')]",
        "[('a', '<i4'), ('', '|V4')]",
        "[('', '|V4'), ('a', '<i4')]",
        "[('a', '<i4', (1,))]",
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t j = 0; j < COUNT_OF(rows); j++) {
            struct ff_dtype *a = parsed(rows[i]), *b = parsed(rows[j]);

            ck_assert_msg(ff_dtype_equal(a, b) == (i == j), "%s %s", rows[i], rows[j]);
            ff_dtype_free(a);
            ff_dtype_free(b);
        }
    }
}
END_TEST

RUN_TESTS("base_dtype", dtype_of_numpy_is_read_and_printed_alike,
          dtype_other_notation_becomes_numpys, dtype_malformed_is_refused,
          dtype_too_deep_or_long_is_refused, dtype_damaged_text_never_harms,
          dtype_built_by_hand_prints, dtype_field_that_does_not_fit_is_refused,
          dtype_built_too_deep_is_refused, dtype_shape_out_of_range_is_refused,
          dtype_overlapping_fields_have_no_text, dtype_differences_are_seen)
