/* SPDX-License-Identifier: Apache-2.0 */
/* test_diff.c: where two values differ: one line a place. */
#include <functionfuse/diff.h>
#include <functionfuse/pickle.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/buf.h"
#include "run.h"

static int on_difference(void *ctx, const struct ff_difference *d)
{
    static const char *const signs[] = {"", "-", "+", "t", "v", "e"};
    int rc = ff_buf_printf(ctx, "%s%s", signs[d->kind], d->path);
    if (d->kind == FF_DIFF_ELEMENTS) {
        rc = rc ? rc
                : ff_buf_printf(ctx, "(%llu at %lld by %g)", (unsigned long long)d->count,
                                (long long)d->first[0], d->largest);
    }
    return rc ? rc : ff_buf_append_byte(ctx, ' ');
}

static void check(struct ff_value a, struct ff_value b, const char *name,
                  const char *want)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf out;
    uint64_t count = 0;
    ff_buf_init(&out, 1 << 20);
    int rc = ff_diff(a, b, NULL, on_difference, &out, &count, &e);
    ck_assert_msg(rc == FF_OK, "%s: %s", name, e.message);
    ck_assert_msg(strcmp(ff_buf_text(&out), want) == 0, "%s: %s", name,
                  ff_buf_text(&out));
    ck_assert_msg(!*want == !count, "%s: %llu", name, (unsigned long long)count);
    ff_buf_free(&out);
}

struct difference {
    const char *a, *b, *want;
};

static const struct difference cases[] = {
    {"1", "1", ""},
    {"1", "2", "v "},
    {"1", "1.0", "t "},
    {"1", "true", "t "},
    {"null", "null", ""},
    {"\"a\"", "\"b\"", "v "},
    {"[1, 2]", "[1, 3, 4]", "v[1] +[2] "},
    {"[1, 2, 3]", "[1]", "-[1] -[2] "},
    {"{\"a\": 1, \"b\": {\"c\": [0, 1]}}", "{\"b\": {\"c\": [0, 2]}, \"d\": 4}",
     "-a vb.c[1] +d "},
    {"{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}", ""},
    {"{\"a b\": 1}", "{\"a b\": 2}", "v['a b'] "},
    {"[[], {}]", "[{}, []]", "t[0] t[1] "},
    {"[1.5]", "[2.5]", "v[0] "},
};

START_TEST(diff_of_plain_values_names_each_place)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_doc *x = ff_doc_new(NULL), *y = ff_doc_new(NULL);
        struct ff_value a = ff_from_json(x, cases[i].a, strlen(cases[i].a), NULL, NULL);
        struct ff_value b = ff_from_json(y, cases[i].b, strlen(cases[i].b), NULL, NULL);
        check(a, b, cases[i].a, cases[i].want);
        check(a, a, cases[i].a, "");
        ff_doc_free(x);
        ff_doc_free(y);
    }
}
END_TEST

struct stream {
    const char *name, *a;
    size_t a_bytes;
    const char *b;
    size_t b_bytes;
    const char *want;
};
#define S(text) (text), sizeof(text) - 1

#define NAN_          "G\x7f\xf8\0\0\0\0\0\0"
#define MEMBER(value) "ca\nE\nK" value "\x85R"
#define SHOWN(value)  "a.E {   args: (" value ",) }"

static const struct stream streams[] = {
    {"keys by Python's equality", S("\x80\2}K\1K\5s."),
     S("\x80\2}G\x3f\xf0\0\0\0\0\0\0K\6s."), "v[1] "},
    {"a key that is NaN", S("\x80\2}" NAN_ "K\1s."), S("\x80\2}" NAN_ "K\1s."), ""},
    {"of another value", S("\x80\2}" NAN_ "K\1s."), S("\x80\2}" NAN_ "K\2s."), "v[nan] "},
    {"keys that are members of an enum",
     S("\x80\2}(" MEMBER("\1") "K\1" MEMBER("\2") "K\2u."),
     S("\x80\2}(" MEMBER("\1") "K\1" MEMBER("\2") "K\3u."), "v[" SHOWN("2") "] "},
    {"keys behind others", S("\x80\2}(" MEMBER("\1") "K\1K\7NK\1Nu."),
     S("\x80\2}(K\1NK\7N" MEMBER("\1") "K\1u."), ""},
    {"a call that is dropped", S("\x80\4cm\nC\n)R0N."), S("\x80\4N."), "-<effects>[0] "},
    {"another one", S("\x80\4cm\nC\n)R0N."), S("\x80\4cm\nC\nK\1\x85R0N."),
     "t<effects>[0] "},
    {"the same", S("\x80\4cm\nC\n)R0N."), S("\x80\4cm\nC\n)R0N."), ""},
    {"an item more for what is not of the value", S("\x80\4cm\nC\nK\5a0N."),
     S("\x80\4cm\nC\n(K\5K\6e0N."), "+<effects>[1] "},
    {"another item for it", S("\x80\4cm\nC\nK\5a0N."), S("\x80\4cm\nC\nK\6a0N."),
     "v<effects>[0] "},
    {"an item that is added, and not appended", S("\x80\4cm\nC\nK\5a0N."),
     S("\x80\4cm\nC\n(K\5\x90"
       "0N."),
     "t<effects>[0] "},
    {"a member less", S("\x80\2}(" MEMBER("\1") "K\1" MEMBER("\2") "K\2u."),
     S("\x80\2}" MEMBER("\2") "K\2s."), "-[" SHOWN("1") "] "},
    {"another member", S("\x80\2}" MEMBER("\1") "K\1s."),
     S("\x80\2}" MEMBER("\2") "K\1s."), "-[" SHOWN("1") "] +[" SHOWN("2") "] "},
    {"NaN in tuples in sets", S("\x80\4\x8f(" NAN_ "K\1\x86" NAN_ "K\2\x86\x90."),
     S("\x80\4\x8f(" NAN_ "K\1\x86" NAN_ "K\3\x86\x90."), "-[(nan, 2)] +[(nan, 3)] "},
    {"NaN in frozensets in keys", S("\x80\4}((" NAN_ "\x91K\1u."),
     S("\x80\4}((" NAN_ "\x91K\2u."), "v[frozenset {nan}] "},
    {"sets", S("\x80\4\x8f(K\1K\2\x90."), S("\x80\4\x8f(K\2K\3\x90."), "-[1] +[3] "},
    {"NaN is NaN", S("G\x7f\xf8\0\0\0\0\0\0."), S("G\x7f\xf8\0\0\0\0\0\1."), ""},
    {"cycles", S("]q\0(h\0K\1e."), S("]q\0(h\0K\2e."), "v[1] "},
    {"a cycle of another length", S("]q\0h\0a."), S("]q\0]h\0aa."), ""},
    {"bytes and str", S("C\1a."), S("\x80\2X\1\0\0\0a."), "t "},
    {"objects by class", S("\x80\2ca\nB\n)\x81."), S("\x80\2ca\nC\n)\x81."), "t "},
    {"objects by state", S("\x80\2ca\nB\n)\x81}X\1\0\0\0xK\1sb."),
     S("\x80\2ca\nB\n)\x81}X\1\0\0\0xK\2sb."), "vx "},
    {"objects by arguments", S("\x80\2ca\nB\nK\1\x85R."), S("\x80\2ca\nB\nK\2\x85R."),
     "v<args>[0] "},
    {"an object without state", S("\x80\2ca\nB\n)\x81]b."), S("\x80\2ca\nB\n)\x81."),
     "- "},
    {"dates",
     S("\x80\3"
       "cdatetime\ndate\nC\4\7\xe8\1\1\x85R."),
     S("\x80\3"
       "cdatetime\ndate\nC\4\7\xe8\1\2\x85R."),
     "v "},
    {"globals", S("cos\nsystem\n."), S("cos\npopen\n."), "v "},
    {"extension codes", S("\x80\2\x82\5."), S("\x80\2\x82\6."), "v "},
};

START_TEST(diff_of_pickles_knows_keys_cycles_and_objects)
{
    for (size_t i = 0; i < COUNT_OF(streams); i++) {
        const struct stream *s = &streams[i];
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *x = ff_pickle_load(s->a, s->a_bytes, NULL, NULL, NULL, NULL, &e);
        struct ff_doc *y = ff_pickle_load(s->b, s->b_bytes, NULL, NULL, NULL, NULL, &e);
        ck_assert_msg(!e.code, "%s: %s", s->name, e.message);
        check(ff_doc_root(x), ff_doc_root(y), s->name, s->want);
        check(ff_doc_root(x), ff_doc_root(x), s->name, "");
        ff_doc_free(x);
        ff_doc_free(y);
    }
}
END_TEST

static struct ff_value array_of(struct ff_doc *doc, const char *descr, int32_t ndim,
                                const int64_t *shape, const void *data)
{
    return ff_new_array_take(doc, ff_array_from_memory(descr, ndim, shape, data, NULL),
                             NULL);
}

START_TEST(diff_of_arrays_tells_how_many_where_and_by_how_much)
{
    static double x[3000000], y[3000000];
    static const int64_t shape[] = {3, 1000000}, flat[] = {3000000};
    struct ff_doc *doc = ff_doc_new(NULL);
    struct ff_value a = array_of(doc, "<f8", 2, shape, x),
                    b = array_of(doc, "<f8", 2, shape, y);
    x[5] = y[5] = (double)NAN;
    x[6] = 0.0;
    y[6] = -0.0;
    check(a, b, "equal", "");
    y[1000007] = 1.5;
    y[2999999] = -4;
    check(a, b, "two", "e(2 at 1 by 4) ");
    y[9] = (double)NAN;
    check(a, b, "NaN", "e(3 at 0 by nan) ");
    check(a, array_of(doc, "<f8", 1, flat, y), "shape", "t ");
    check(a, array_of(doc, "<i8", 2, shape, y), "dtype", "t ");
    static const int64_t four[] = {4}, none[] = {0};
    check(array_of(doc, ">i2", 1, four, "\0\1\0\2\0\3\0\4"),
          array_of(doc, ">i2", 1, four, "\0\1\1\2\0\3\0\5"), "big endian",
          "e(2 at 1 by 256) ");
    check(array_of(doc, "|S2", 1, four, "aabbccdd"),
          array_of(doc, "|S2", 1, four, "aabbcxdd"), "text", "e(1 at 2 by nan) ");
    check(array_of(doc, "|u1", 1, none, "a"), array_of(doc, "|u1", 1, none, "b"), "empty",
          "");
    ff_doc_free(doc);
}
END_TEST

static int stop(void *ctx, const struct ff_difference *d)
{
    (void)d;
    return ++*(int *)ctx == 2 ? 1 : 0;
}

START_TEST(diff_stops_fails_and_is_budgeted)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *x = ff_doc_new(NULL);
    struct ff_value a = ff_from_json(x, "[1, 2, 3, 4]", 12, NULL, NULL);
    struct ff_value b = ff_from_json(x, "[5, 6, 7, 8]", 12, NULL, NULL);
    struct ff_diff_options few = {.struct_size = sizeof few, .max_steps = 3};
    int told = 0;
    ck_assert_int_eq(ff_diff(a, b, NULL, stop, &told, NULL, &e), 1);
    ck_assert_int_eq(told, 2);
    ck_assert_int_eq(ff_diff(a, b, &few, NULL, NULL, NULL, &e), FF_E_LIMIT);
    ck_assert_str_eq(e.place, "#[2]");
    few.struct_size = 0;
    ck_assert_int_eq(ff_diff(a, b, &few, NULL, NULL, NULL, NULL), FF_E_USAGE);
    ck_assert_int_eq(ff_diff(a, (struct ff_value){NULL, 0}, NULL, NULL, NULL, NULL, NULL),
                     FF_E_USAGE);
    ff_doc_free(x);
}
END_TEST

/* {key: {key: ... leaf}}, the key once in the memo. */
static struct ff_doc *load_nested(size_t key_bytes, size_t depth, const char *leaf)
{
    uint32_t size = (uint32_t)key_bytes;
    struct ff_buf b;
    ff_buf_init(&b, 1 << 24);
    ck_assert(!ff_buf_append(&b, "\x80\4}X", 4) && !ff_buf_append(&b, &size, 4));
    for (size_t i = 0; i < key_bytes; i++) {
        ck_assert(!ff_buf_append_byte(&b, 'k'));
    }
    ck_assert(!ff_buf_append_byte(&b, 0x94));
    for (size_t i = 0; i < depth; i++) {
        ck_assert(!ff_buf_append(&b, "}h\0", 3));
    }
    ck_assert(!ff_buf_append_text(&b, leaf));
    for (size_t i = 0; i <= depth; i++) {
        ck_assert(!ff_buf_append_byte(&b, 's'));
    }
    ck_assert(!ff_buf_append_byte(&b, '.'));
    struct ff_doc *doc =
        ff_pickle_load(b.data, b.length_bytes, NULL, NULL, NULL, NULL, NULL);
    ff_buf_free(&b);
    ck_assert_ptr_nonnull(doc);
    return doc;
}

static int path_size(void *ctx, const struct ff_difference *d)
{
    *(size_t *)ctx = strlen(d->path);
    return 0;
}

START_TEST(diff_of_a_long_key_in_the_depth_keeps_its_path_short)
{
    enum { KEY = 1 << 18, DEPTH = 4000 }; /* 1 GiB of path, were it kept */
    struct ff_doc *x = load_nested(KEY, DEPTH, "N"), *y = load_nested(KEY, DEPTH, ")");
    struct ff_diff_options few = {.struct_size = sizeof few, .max_steps = 400000};
    struct ff_error e = FF_ERROR_INIT;
    struct rusage used;
    size_t size = 0;
    ck_assert_int_eq(
        ff_diff(ff_doc_root(x), ff_doc_root(y), &few, path_size, &size, NULL, &e),
        FF_E_LIMIT); /* 256 steps a key */
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &used), 0);
    ck_assert_int_lt(used.ru_maxrss, 256 << 10); /* KiB */
    ff_doc_free(x);
    ff_doc_free(y);
    x = load_nested(100, DEPTH, "N");
    y = load_nested(100, DEPTH, ")");
    ck_assert_int_eq(
        ff_diff(ff_doc_root(x), ff_doc_root(y), NULL, path_size, &size, NULL, NULL),
        FF_OK);
    ck_assert_uint_ge(size, 4095);
    ck_assert_uint_le(size, 4096);
    ff_doc_free(x);
    ff_doc_free(y);
}
END_TEST

/* [L, L, ...] and [M1, M2, ...]: each pair is another one. */
START_TEST(diff_of_shared_parts_is_budgeted_by_what_it_looks_at)
{
    enum { COUNT = 300 };
    static const char *const inner[] = {"](K\1K\2K\3K\4e", "}(K\1NK\2NK\3Nu",
                                        "B\0\0\1\0"};
    static char blob[65536];
    const struct ff_diff_options few = {.struct_size = sizeof few,
                                        .max_steps = 3 * COUNT};
    for (size_t i = 0; i < COUNT_OF(inner); i++) {
        struct ff_doc *docs[2];
        for (size_t of = 0; of < 2; of++) {
            bool blobs = i == 2;
            struct ff_buf b;
            ff_buf_init(&b, 1 << 24);
            ck_assert(!ff_buf_append(&b, "\x80\4](", 4));
            if (blobs) {
                ck_assert(!ff_buf_append(&b, inner[i], 5) &&
                          !ff_buf_append(&b, blob, sizeof blob));
            } else {
                ck_assert(
                    !ff_buf_append_text(&b, of && !blobs ? i ? "}" : "]" : inner[i]));
            }
            ck_assert(!ff_buf_append_byte(&b, 0x94));
            for (size_t k = 0; k < COUNT; k++) {
                ck_assert(of && !blobs ? !ff_buf_append_byte(&b, i ? '}' : ']')
                                       : !ff_buf_append(&b, "h\0", 2));
            }
            ck_assert(!ff_buf_append_text(&b, "e."));
            docs[of] =
                ff_pickle_load(b.data, b.length_bytes, NULL, NULL, NULL, NULL, NULL);
            ck_assert_ptr_nonnull(docs[of]);
            ff_buf_free(&b);
        }
        ck_assert_int_eq(ff_diff(ff_doc_root(docs[0]), ff_doc_root(docs[1]), &few, NULL,
                                 NULL, NULL, NULL),
                         FF_E_LIMIT);
        ff_doc_free(docs[0]);
        ff_doc_free(docs[1]);
    }
}
END_TEST

START_TEST(diff_of_deep_values_does_not_recur)
{
    enum { DEPTH = 300000 };
    char *deep = malloc(2 * DEPTH + 3);
    memset(deep, ']', DEPTH);
    deep[DEPTH] = 'N';
    memset(deep + DEPTH + 1, 'a', DEPTH);
    deep[2 * DEPTH + 1] = '.';
    struct ff_doc *x = ff_pickle_load(deep, 2 * DEPTH + 2, NULL, NULL, NULL, NULL, NULL);
    deep[DEPTH] = ')';
    struct ff_doc *y = ff_pickle_load(deep, 2 * DEPTH + 2, NULL, NULL, NULL, NULL, NULL);
    uint64_t count = 0;
    ck_assert_int_eq(
        ff_diff(ff_doc_root(x), ff_doc_root(y), NULL, NULL, NULL, &count, NULL), FF_OK);
    ck_assert_uint_eq(count, 1);
    ff_doc_free(x);
    ff_doc_free(y);
    free(deep);
}
END_TEST

RUN_TESTS("diff", diff_of_a_long_key_in_the_depth_keeps_its_path_short,
          diff_of_shared_parts_is_budgeted_by_what_it_looks_at,
          diff_of_plain_values_names_each_place,
          diff_of_pickles_knows_keys_cycles_and_objects,
          diff_of_arrays_tells_how_many_where_and_by_how_much,
          diff_stops_fails_and_is_budgeted, diff_of_deep_values_does_not_recur)
