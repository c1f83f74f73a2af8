/* SPDX-License-Identifier: Apache-2.0 */
/* test_value.c: documents, builders, accessors, keys, equality, import, lazy objects. */
#include <math.h>
#include <string.h>

#include "core/doc.h"
#include "core/base/buf.h"
#include "run.h"

static struct ff_doc *doc;
static struct ff_error e;

static void begin(void)
{
    e = (struct ff_error)FF_ERROR_INIT;
    doc = ff_doc_new(&e);
    ck_assert_ptr_nonnull(doc);
}

static void end(void)
{
    ff_doc_free(doc);
    doc = NULL;
}

static struct ff_value loaded(const char *bytes, size_t size, struct ff_doc **out)
{
    ck_assert_int_eq(ff_pickle_read(bytes, size, NULL, NULL, NULL, NULL, out, NULL, NULL),
                     FF_OK);
    return ff_doc_root(*out);
}

START_TEST(int_of_any_size_comes_back)
{
    static const int64_t numbers[] = {0,
                                      1,
                                      -1,
                                      255,
                                      -256,
                                      INT64_MAX,
                                      INT64_MIN,
                                      (int64_t)1 << 55,
                                      -((int64_t)1 << 55),
                                      ((int64_t)1 << 55) - 1};
    begin();
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        int64_t back;
        struct ff_value v = ff_new_int(doc, numbers[i], &e);
        ck_assert_int_eq(ff_int64(v, &back, &e), FF_OK);
        ck_assert_int_eq(back, numbers[i]);
    }
    const uint8_t nine[] = {0, 0, 0, 0, 0, 0, 0, 0, 1};
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    int64_t small;
    struct ff_value big = ff_new_int_bytes(doc, nine, 9, &e);
    ck_assert_int_eq(ff_int_bytes(big, scratch, &bytes, &size, &e), FF_OK);
    ck_assert_uint_eq(size, 9);
    ck_assert_mem_eq(bytes, nine, 9);
    ck_assert_int_eq(ff_int64(big, &small, &e), FF_E_TYPE);
    end();
}
END_TEST

START_TEST(uint64_of_the_upper_half_fits_and_negative_does_not)
{
    const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    uint64_t back = 0;
    begin();
    ck_assert_int_eq(ff_uint64(ff_new_int_bytes(doc, bytes, 9, &e), &back, &e), FF_OK);
    ck_assert(back == UINT64_MAX);
    ck_assert_int_eq(ff_uint64(ff_new_int(doc, -1, &e), &back, &e), FF_E_TYPE);
    end();
}
END_TEST

START_TEST(error_that_is_set_makes_every_call_do_nothing)
{
    begin();
    ff_fail(&e, FF_E_IO, NULL, "before");
    ck_assert_int_eq((int)ff_new_list(doc, &e).cell, 0);
    ck_assert_int_eq(ff_append(doc, FF_NOTHING, FF_NOTHING, &e), FF_E_IO);
    ck_assert_str_eq(e.message, "before");
    end();
}
END_TEST

START_TEST(builder_with_an_item_of_another_document_fails)
{
    begin();
    struct ff_doc *other = ff_doc_new(NULL);
    struct ff_value list = ff_new_list(doc, &e);
    ck_assert_int_eq(ff_append(doc, list, ff_new_int(other, 1, NULL), &e), FF_E_USAGE);
    ff_doc_free(other);
    end();
}
END_TEST

START_TEST(builder_on_a_document_that_was_read_fails)
{
    struct ff_doc *read;
    begin();
    struct ff_value list = loaded("].", 2, &read);
    ck_assert_int_eq(ff_append(read, list, ff_new_none(read), &e), FF_E_USAGE);
    ff_doc_free(read);
    end();
}
END_TEST

START_TEST(text_that_is_not_utf8_fails)
{
    begin();
    ck_assert_int_eq((int)ff_new_str(doc, "\xc0\x80", 2, &e).cell, 0);
    ck_assert_int_eq(e.code, FF_E_USAGE);
    end();
}
END_TEST

/* Pairs of keys as pickles, and whether Python has them equal. */
static const struct {
    const char *a;
    size_t a_size;
    const char *b;
    size_t b_size;
    int equal;
} keys[] = {
/* 2024: month, day, hour; seconds east of Greenwich */
#define AT(date, offset)                                                                 \
    "cdatetime\ndatetime\n(C\12\7\xe8" date "\0\0\0\0\0"                                 \
    "cdatetime\ntimezone\n(cdatetime\ntimedelta\n(K\0" offset "K\0tRtRtR."
#define DECIMAL(text) "cdecimal\nDecimal\n(V" text "\ntR."
#define K(a, b, equal)                                                                   \
    {                                                                                    \
        a, sizeof(a) - 1, b, sizeof(b) - 1, equal                                        \
    }
    K("K\1.", "I01\n.", 1),
    K("K\1.", "G?\xf0\0\0\0\0\0\0.", 1),
    K("K\0.", "G\x80\0\0\0\0\0\0\0.", 1),
    K("\x8a\7\1\0\0\0\0\0\x20.", "GC@\0\0\0\0\0\0.", 0), /* 2**53 + 1, 2.0**53 */
    K("\x8a\7\0\0\0\0\0\0\x20.", "GC@\0\0\0\0\0\0.", 1),
    K("\x8a\11\0\0\0\0\0\0\0\0\1.", "GC\xf0\0\0\0\0\0\0.", 1), /* 2**64 */
    K("\x8a\11\1\0\0\0\0\0\0\0\1.", "GC\xf0\0\0\0\0\0\0.", 0),
    K("G\x7f\xf8\0\0\0\0\0\0.", "G\x7f\xf8\0\0\0\0\0\0.", 0),
    K("X\1\0\0\0a.", "C\1a.", 0),
    K("X\1\0\0\0a.", "U\1a.", 1),
    K("(K\1X\1\0\0\0at.", "(G?\xf0\0\0\0\0\0\0X\1\0\0\0at.", 1),
    K("(K\1K\2\x91.", "(K\2I01\n\x91.", 1),
    K("(K\1K\2\x91.", "(K\2K\3\x91.", 0),
    K("cdecimal\nDecimal\n(S'1.0'\ntR.", "K\1.", 1),
    K("cdecimal\nDecimal\n(S'0.5'\ntR.", "cfractions\nFraction\n(K\1K\2tR.", 1),
    K("cdecimal\nDecimal\n(S'0.1'\ntR.", "G?\xb9\x99\x99\x99\x99\x99\x9a.", 0),
    K("cbuiltins\ncomplex\n(G@\0\0\0\0\0\0\0G\0\0\0\0\0\0\0\0tR.", "K\2.", 1),
    /* bytes as protocols 0 to 2 spell them */
    K("c_codecs\nencode\n(V\xe9\nVlatin1\ntR.", "C\1\xe9.", 1),
    K("c__builtin__\nbytes\n)R.", "C\0.", 1),
    K("c_codecs\nencode\n(Va\nVlatin1\ntR.", "Va\n.", 0),
    /* 13:00 at +01:00, 12:00 at UTC with a fold, and 13:00 at UTC */
    K(AT("\1\1\15", "M\x10\x0e"), AT("\x81\1\14", "K\0"), 1),
    K(AT("\1\1\15", "M\x10\x0e"), AT("\1\1\15", "K\0"), 0),
    /* UUID(int=5) in protocols 0 and 2 */
    K("ccopy_reg\n_reconstructor\n(cuuid\nUUID\nc__builtin__\nobject\nNtR(dVint\nI5\nsb.",
      "\x80\2cuuid\nUUID\n)\x81}Vint\nK\5sb.", 1),
    K(DECIMAL("10000000000000000001"), "L10000000000000000001L\n.", 1),
    K(DECIMAL("10000000000000000001"), "L10000000000000000002L\n.", 0),
    K(DECIMAL("1E+23"), "L100000000000000000000000L\n.", 1),
    K(DECIMAL("1E+23"), "F1e23\n.", 0),
    K(DECIMAL("Infinity"), "Finf\n.", 1),
    K(DECIMAL("sNaN"), DECIMAL("sNaN"), 0),
    K("cfractions\nFraction\n(V1/3\ntR.", "cfractions\nFraction\n(K\1K\3tR.", 1),
    K("cfractions\nFraction\n(K\2K\6tR.", "cfractions\nFraction\n(K\1K\3tR.", 1),
    K("cfractions\nFraction\n(K\1L18446744073709551616L\ntR.",
      "F5.421010862427522e-20\n.", 1),
    K("cbuiltins\nrange\n(K\0K\3K\2tR.", "cbuiltins\nrange\n(K\0K\4K\2tR.", 1),
    K("cbuiltins\nrange\n(K\0K\3K\2tR.", "cbuiltins\nrange\n(K\0K\5K\2tR.", 0),
    K("cpathlib\nPosixPath\n(Va\nVb\ntR.", "cpathlib\nPurePosixPath\n(Va/b\ntR.", 1),
    K("cpathlib\nPureWindowsPath\n(VC:\\\nVa\ntR.",
      "cpathlib\nPureWindowsPath\n(VC:\nVa\ntR.", 0),
    K("c__builtin__\nbytes\n((lI1\natR.", "c__builtin__\nbytes\n((lI2\natR.", 0),
    K("cx\nY\n.", "cx\nY\n.", 1),
    K("cx\nY\n)R.", "cx\nY\n)R.", 0),
#undef K
#undef DECIMAL
#undef AT
};

START_TEST(keys_are_equal_as_python_has_them)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct ff_doc *a, *b;
        struct ff_value x = loaded(keys[i].a, keys[i].a_size, &a);
        struct ff_value y = loaded(keys[i].b, keys[i].b_size, &b);
        begin();
        struct ff_value dict = ff_new_dict(doc, &e);
        ck_assert_int_eq(
            ff_set_item(doc, dict, ff_import(doc, x, &e), ff_new_none(doc), &e), FF_OK);
        ck_assert_msg((ff_get_item(dict, y).cell != 0) == keys[i].equal, "pair %zu", i);
        end();
        ff_doc_free(a);
        ff_doc_free(b);
    }
}
END_TEST

START_TEST(dict_with_equal_keys_keeps_the_first_key_and_the_last_value)
{
    struct ff_doc *read;
    struct ff_value key, value;
    int64_t number = 0;
    begin();
    struct ff_value dict = loaded("}(K\1K\5G?\xf0\0\0\0\0\0\0K\6u.", 19, &read);
    ck_assert_uint_eq(ff_length(dict), 1);
    ck_assert_int_eq(ff_item(dict, 0, &key, &value, &e), FF_OK);
    ck_assert_int_eq(ff_kind(key), FF_INT);
    ck_assert_int_eq(ff_int64(value, &number, &e), FF_OK);
    ck_assert_int_eq(number, 6);
    ff_doc_free(read);
    end();
}
END_TEST

/* Few, ascending, and mixed: each way of finding a key. */
START_TEST(dict_of_many_keys_finds_each)
{
    static const size_t counts[] = {3, 9, 100, 5000};
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        for (int descending = 0; descending < 2; descending++) {
            begin();
            struct ff_value dict = ff_new_dict(doc, &e);
            for (size_t i = 0; i < counts[c]; i++) {
                int64_t n = (int64_t)(descending ? counts[c] - i : i) * 3;
                ff_set_item(doc, dict, ff_new_int(doc, n, &e), ff_new_int(doc, n, &e),
                            &e);
            }
            ck_assert_int_eq(e.code, FF_OK);
            ck_assert_uint_eq(ff_length(dict), counts[c]);
            for (size_t i = 1; i < counts[c]; i++) {
                int64_t back = -1;
                struct ff_value found =
                    ff_get_item(dict, ff_new_float(doc, (double)(3 * i), &e));
                ck_assert_int_eq(ff_int64(found, &back, &e), FF_OK);
                ck_assert_int_eq(back, (int64_t)(3 * i));
                ck_assert(
                    !ff_get_item(dict, ff_new_int(doc, (int64_t)(3 * i + 1), &e)).cell);
            }
            end();
        }
    }
}
END_TEST

START_TEST(key_that_is_not_hashable_fails_with_type)
{
    begin();
    struct ff_value dict = ff_new_dict(doc, &e);
    ck_assert_int_eq(ff_set_item(doc, dict, ff_new_list(doc, &e), ff_new_none(doc), &e),
                     FF_E_TYPE);
    ck_assert_uint_eq(ff_length(dict), 0);
    end();
}
END_TEST

START_TEST(import_keeps_identity_and_cycles)
{
    struct ff_doc *read;
    struct ff_value first, second, inner;
    begin();
    struct ff_value list = loaded("]q\0(h\0h\0]q\1h\1e.", 16, &read);
    struct ff_value copy = ff_import(doc, list, &e);
    ff_doc_free(read);
    ck_assert_uint_eq(ff_length(copy), 4);
    ff_item(copy, 0, NULL, &first, &e);
    ff_item(copy, 2, NULL, &second, &e);
    ff_item(copy, 3, NULL, &inner, &e);
    ck_assert_int_eq(ff_same(first, copy), 1);
    ck_assert_int_eq(ff_same(second, inner), 1);
    ck_assert_int_eq(ff_same(second, copy), 0);
    end();
}
END_TEST

static int append_bytes(void *ctx, const void *data, size_t size_bytes)
{
    return ff_buf_append(ctx, data, size_bytes);
}

/* A call that is dropped, and an item for a class. */
START_TEST(import_keeps_what_the_pickle_did_beside_its_value)
{
    static const char stream[] = "\x80\2cm\nC\nq\0)Rq\1"
                                 "0h\0K\5a0N.";
    static const char want[] = "\x80\2N"
                               "cm\nC\nq\0)Rq\1"
                               "0h\0K\5a0.";
    struct ff_dump_options options = {.struct_size = sizeof options, .protocol = 2};
    struct ff_doc *read;
    struct ff_buf out;
    begin();
    struct ff_value copy = ff_import(doc, loaded(stream, sizeof stream - 1, &read), &e);
    ff_doc_free(read);
    ff_buf_init(&out, SIZE_MAX / 2);
    ck_assert_int_eq(ff_pickle_dump(copy, &options, append_bytes, &out, &e), FF_OK);
    ck_assert_uint_eq(out.length_bytes, sizeof want - 1);
    ck_assert_mem_eq(out.data, want, sizeof want - 1);
    ff_buf_free(&out);
    end();
}
END_TEST

START_TEST(equal_graphs_with_cycles_end)
{
    struct ff_doc *a, *b, *c;
    struct ff_value x = loaded("]q\0(h\0K\1e.", 10, &a),
                    y = loaded("]q\0(h\0K\1e.", 10, &b);
    struct ff_value z = loaded("]q\0(h\0K\2e.", 10, &c);
    ck_assert_int_eq(ff_equal(x, y, 0, NULL), 1);
    ck_assert_int_eq(ff_equal(x, z, 0, NULL), 0);
    begin();
    ck_assert_int_eq(ff_equal(x, y, 1, &e), 0);
    ck_assert_int_eq(e.code, FF_E_LIMIT);
    end();
    ff_doc_free(a);
    ff_doc_free(b);
    ff_doc_free(c);
}
END_TEST

START_TEST(class_name_is_what_type_would_name)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *name;
    } classes[] = {
#define N(bytes, name) {bytes, sizeof(bytes) - 1, name}
        N("}.", "builtins.dict"),
        N("N.", "builtins.NoneType"),
        N("cdask.array.core\nArray\n)\x81.", "dask.array.core.Array"),
        N("cdask.array.core\nArray\n)R.", "dask.array.core.Array"),
        N("cx\nfunction\n)R.", ""),
        N("c__builtin__\nset\n(]tR.", "builtins.set"),
        N("ccopy_reg\n_reconstructor\n(cx\nY\nc__builtin__\nobject\nNtR.", "x.Y"),
        N("cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0tR.",
          "numpy.ndarray"),
#undef N
    };
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        struct ff_doc *read;
        struct ff_value v = loaded(classes[i].bytes, classes[i].size, &read);
        ck_assert_str_eq(ff_class_name(v), classes[i].name);
        ff_doc_free(read);
    }
}
END_TEST

static int freed;
static void count_free(void *thing)
{
    (void)thing;
    freed++;
}

START_TEST(native_is_released_once_however_often_it_is_shared)
{
    int thing;
    begin();
    freed = 0;
    struct ff_doc *other = ff_doc_new(&e);
    struct ff_value v = ff_new_native_take(doc, "acme.Wave", &thing, count_free, &e);
    struct ff_value copy = ff_import(other, v, &e);
    ck_assert_ptr_eq(ff_native(copy, "acme.Wave"), &thing);
    ck_assert_ptr_null(ff_native(copy, "acme.Other"));
    end();
    ck_assert_int_eq(freed, 0);
    ff_doc_free(other);
    ck_assert_int_eq(freed, 1);
    ck_assert_int_eq((int)ff_new_native_take(NULL, "x", &thing, count_free, NULL).cell,
                     0);
    ck_assert_int_eq(freed, 2);
}
END_TEST

/* ---- lazy objects ---- */

static int opened, released;

static int open_object(void *ctx, struct ff_value v, struct ff_doc **made,
                       struct ff_value *object, const struct ff_call *call,
                       struct ff_error *error)
{
    const char *serializer, *version, *name;
    (void)ctx;
    (void)call;
    ck_assert_int_eq(ff_persistent(v, &serializer, &version, &name, NULL, error), FF_OK);
    ck_assert_str_eq(serializer, "S");
    ck_assert_str_eq(version, "1");
    ck_assert_str_eq(name, "u");
    opened++;
    *made = ff_doc_new(error);
    *object = ff_new_native_take(*made, "x.Y", &opened, count_free, error);
    return FF_OK;
}

static void release_resolver(void *ctx)
{
    (void)ctx;
    released++;
}

START_TEST(persistent_is_opened_once_and_lives_as_long_as_what_was_imported)
{
    static const char bytes[] = "](X\1\0\0\0SX\1\0\0\0"
                                "1X\1\0\0\0u\x86\x86q\0Qh\0Qe.";
    struct ff_resolver resolver = {open_object, release_resolver, NULL};
    struct ff_doc *read;
    struct ff_value first, second;
    opened = released = freed = 0;
    begin();
    ck_assert_int_eq(ff_pickle_read(bytes, sizeof bytes - 1, NULL, NULL, NULL, &resolver,
                                    &read, NULL, &e),
                     FF_OK);
    struct ff_value list = ff_doc_root(read);
    ff_item(list, 0, NULL, &first, &e);
    ff_item(list, 1, NULL, &second, &e);
    ck_assert_int_eq(ff_same(first, second), 1);
    struct ff_value object = ff_resolve(first, NULL, &e);
    ck_assert_int_eq(ff_kind(object), FF_NATIVE);
    ck_assert_int_eq(ff_same(ff_resolve(first, NULL, &e), object), 1);
    ck_assert_int_eq(opened, 1);
    ck_assert_int_eq(ff_same(ff_doc_origin(object), first), 1);
    struct ff_value lazy = ff_import(doc, second, &e),
                    native = ff_import(doc, object, &e);
    ff_doc_free(read);
    ck_assert_int_eq(released, 0);
    ck_assert_ptr_nonnull(ff_native(lazy, "x.Y"));
    ck_assert_int_eq(opened, 1);
    ck_assert_int_eq(ff_same(ff_doc_origin(native), ff_doc_origin(lazy)), 1);
    ck_assert_int_eq(freed, 0);
    end();
    ck_assert_int_eq(released, 1);
    ck_assert_int_eq(freed, 1);
}
END_TEST

RUN_TESTS("value", int_of_any_size_comes_back,
          uint64_of_the_upper_half_fits_and_negative_does_not,
          error_that_is_set_makes_every_call_do_nothing,
          builder_with_an_item_of_another_document_fails,
          builder_on_a_document_that_was_read_fails, text_that_is_not_utf8_fails,
          keys_are_equal_as_python_has_them,
          dict_with_equal_keys_keeps_the_first_key_and_the_last_value,
          dict_of_many_keys_finds_each, key_that_is_not_hashable_fails_with_type,
          import_keeps_identity_and_cycles,
          import_keeps_what_the_pickle_did_beside_its_value, equal_graphs_with_cycles_end,
          class_name_is_what_type_would_name,
          native_is_released_once_however_often_it_is_shared,
          persistent_is_opened_once_and_lives_as_long_as_what_was_imported)
