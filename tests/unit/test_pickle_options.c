/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle_options.c: the public ways to load and dump a pickle, and what each option does. */
#include <functionfuse/pickle.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "run.h"

#define LIT(text) (text), sizeof(text) - 1

static struct ff_doc *load(const void *data, size_t size,
                           const struct ff_load_options *options, struct ff_error *e)
{
    return ff_pickle_load(data, size, NULL, NULL, options, NULL, e);
}

static int to_buf(void *ctx, const void *data, size_t size)
{
    return ff_buf_append(ctx, data, size);
}

static void check_dump(struct ff_doc *doc, const struct ff_dump_options *options,
                       const void *wanted, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf out;
    ff_buf_init(&out, SIZE_MAX / 2);
    ck_assert_msg(!ff_pickle_dump(ff_doc_root(doc), options, to_buf, &out, &e), "%s",
                  e.message);
    ck_assert_uint_eq(out.length_bytes, size);
    ck_assert_mem_eq(out.data, wanted, size);
    ff_buf_free(&out);
}

static void check_bytes(struct ff_value v, const char *wanted)
{
    const void *data;
    size_t size;
    ck_assert_int_eq(ff_bytes(v, &data, &size, NULL), FF_OK);
    ck_assert_uint_eq(size, strlen(wanted));
    ck_assert_mem_eq(data, wanted, size);
}

static struct ff_value item(struct ff_value v, size_t i)
{
    struct ff_value out = {NULL, 0};
    ck_assert_int_eq(ff_item(v, i, NULL, &out, NULL), FF_OK);
    return out;
}

/* ---- options ---- */

START_TEST(options_without_size_or_with_unknown_flags_are_refused)
{
    struct ff_load_options sizeless = {.max_bytes = 1},
                           flags = {.struct_size = sizeof flags, .flags = 1u << 30},
                           strings = {.struct_size = sizeof strings, .py2_strings = 4};
    const struct ff_load_options *const bad[] = {&sizeless, &flags, &strings};
    for (size_t i = 0; i < 3; i++) {
        struct ff_error e = FF_ERROR_INIT;
        ck_assert_ptr_null(load("N.", 2, bad[i], &e));
        ck_assert_int_eq(e.code, FF_E_USAGE);
    }
    struct ff_doc *doc = load("N.", 2, NULL, NULL);
    struct ff_dump_options dumps[] = {
        {.protocol = 2},
        {.struct_size = sizeof *dumps, .flags = 4, .protocol = 2},
        {.struct_size = sizeof *dumps, .protocol = 6}};
    for (size_t i = 0; i < 3; i++) {
        struct ff_buf out;
        ff_buf_init(&out, 100);
        ck_assert_int_eq(ff_pickle_dump(ff_doc_root(doc), &dumps[i], to_buf, &out, NULL),
                         FF_E_USAGE);
        ff_buf_free(&out);
    }
    ck_assert_int_eq(ff_pickle_dump(ff_doc_root(doc), NULL, NULL, NULL, NULL),
                     FF_E_USAGE);
    ff_doc_free(doc);
}
END_TEST

START_TEST(budget_of_memory_and_of_keys_end_a_load)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_load_options memory = {.struct_size = sizeof memory, .max_bytes = 1000};
    struct ff_load_options steps = {.struct_size = sizeof steps, .max_steps = 3};
    static char lists[2000];
    memset(lists, ']', sizeof lists);
    ck_assert_ptr_null(load(lists, sizeof lists, &memory, &e));
    ck_assert_int_eq(e.code, FF_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "EMPTY_LIST"));
    e = (struct ff_error)FF_ERROR_INIT;
    /* {(1, (2, (3, 4))): None}: three tuples and what is in them */
    ck_assert_ptr_null(load(LIT("\x80\2}K\1K\2K\3K\4\x86\x86\x86Ns."), &steps, &e));
    ck_assert_int_eq(e.code, FF_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "3 steps"));
}
END_TEST

/* The memo of CPython counts an index once: 1025 is put first, then 1 to 1024, then MEMOIZE comes
 * to 1025, which is there, and stays. */
START_TEST(memoize_counts_an_index_once_that_was_far)
{
    struct ff_buf b;
    ff_buf_init(&b, 1 << 16);
    ck_assert(!ff_buf_append(&b, "\x80\4(Nr\1\4\0\0", 9));
    for (unsigned i = 1; i <= 1024; i++) {
        const uint8_t put[] = {'N', 'r', (uint8_t)i, (uint8_t)(i >> 8), 0, 0};
        ck_assert(!ff_buf_append(&b, put, sizeof put));
    }
    /* both to 1025; then that of 1025 is the result */
    ck_assert(!ff_buf_append(&b, "K\1\x94K\2\x94lj\1\4\0\0.", 13));
    ck_assert(!ff_buf_append(&b, "NNNNNNNNNNNNNNNNNNNN", 20)); /* room for a fast loop */
    struct ff_doc *doc = load((const char *)b.data, b.length_bytes, NULL, NULL);
    int64_t got = 0;
    ck_assert_int_eq(ff_int64(ff_doc_root(doc), &got, NULL), FF_OK);
    ck_assert_int_eq(got, 2);
    ff_doc_free(doc);
    ff_buf_free(&b);
}
END_TEST

START_TEST(frames_that_nest_load_only_when_lax)
{
    static const char nested[] = "\x80\4\x95\xb\0\0\0\0\0\0\0\x95\2\0\0\0\0\0\0\0N.";
    struct ff_load_options lax = {.struct_size = sizeof lax, .flags = FF_LOAD_LAX_FRAMES};
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_ptr_null(load(LIT(nested), NULL, &e));
    ck_assert_int_eq(e.code, FF_E_CORRUPT);
    struct ff_doc *doc = load(LIT(nested), &lax, NULL);
    ck_assert_int_eq(ff_kind(ff_doc_root(doc)), FF_NONE);
    ff_doc_free(doc);
}
END_TEST

START_TEST(python2_strings_are_read_as_the_encoding_says)
{
    static const struct {
        uint32_t as;
        int ascii, latin1, utf8;
    } cases[] = {{FF_PY2_ASCII, FF_STR, FF_BYTES, FF_BYTES},
                 {FF_PY2_LATIN1, FF_STR, FF_STR, FF_STR},
                 {FF_PY2_UTF8, FF_STR, FF_BYTES, FF_STR},
                 {FF_PY2_BYTES, FF_BYTES, FF_BYTES, FF_BYTES}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ff_load_options o = {.struct_size = sizeof o, .py2_strings = cases[i].as};
        struct ff_doc *doc = load(LIT("U\1aU\1\xe9U\2\xc3\xa9\x87."), &o, NULL);
        ck_assert_int_eq(ff_kind(item(ff_doc_root(doc), 0)), cases[i].ascii);
        ck_assert_int_eq(ff_kind(item(ff_doc_root(doc), 1)), cases[i].latin1);
        ck_assert_int_eq(ff_kind(item(ff_doc_root(doc), 2)), cases[i].utf8);
        ff_doc_free(doc);
    }
}
END_TEST

/* ---- buffers ---- */

#define BUFFERS                                                                          \
    "\x80\5\x97\x97\x98\x86\x94." /* as CPython writes: a buffer is in no memo */

static int take_buffer(void *ctx, const struct ff_pickle_buffer *b)
{
    ck_assert_int_eq(ff_buf_append(ctx, b->data, b->size_bytes), 0);
    return ff_buf_append_byte(ctx, b->readonly ? '!' : '.');
}

static int refuse_buffer(void *ctx, const struct ff_pickle_buffer *b)
{
    (void)ctx;
    (void)b;
    return FF_E_NO_SPACE;
}

START_TEST(buffers_that_are_given_can_be_read_and_go_out_again)
{
    const struct ff_pickle_buffer given[] = {{"abc", 3, 0, 0}, {"de", 2, 0, 0}};
    struct ff_load_options o = {
        .struct_size = sizeof o, .buffers = given, .buffer_count = 2};
    struct ff_doc *doc = load(LIT(BUFFERS), &o, NULL);
    struct ff_value root = ff_doc_root(doc);
    ck_assert_int_eq(ff_kind(item(root, 0)), FF_BUFFER);
    check_bytes(item(root, 0), "abc");
    check_bytes(item(root, 1), "de");

    struct ff_buf taken;
    ff_buf_init(&taken, 100);
    struct ff_dump_options out = {.struct_size = sizeof out,
                                  .protocol = FF_PROTOCOL_DEFAULT,
                                  .buffer = take_buffer,
                                  .buffer_ctx = &taken};
    /* CPython memoizes no buffer: the tuple alone */
    check_dump(doc, &out, LIT("\x80\5\x95\6\0\0\0\0\0\0\0\x97\x97\x98\x86\x94."));
    ck_assert_str_eq(ff_buf_text(&taken), "abc.de!");
    ff_buf_free(&taken);
    out.buffer = refuse_buffer;
    struct ff_buf none;
    ff_buf_init(&none, 100);
    ck_assert_int_eq(ff_pickle_dump(root, &out, to_buf, &none, NULL), FF_E_NO_SPACE);
    ff_buf_free(&none);
    ff_doc_free(doc);
}
END_TEST

START_TEST(buffers_that_nobody_takes_are_written_in_band)
{
    const struct ff_pickle_buffer given[] = {{"abc", 3, 0, 0}, {"de", 2, 1, 0}};
    struct ff_load_options o = {
        .struct_size = sizeof o, .buffers = given, .buffer_count = 2};
    struct ff_doc *doc = load(LIT("\x80\5\x97\x97\x86."), &o, NULL);
    check_dump(doc, NULL,
               LIT("\x80\5\x95\x15\0\0\0\0\0\0\0\x96\3\0\0\0\0\0\0\0abc\x94"
                   "C\2de\x94\x86\x94."));
    struct ff_dump_options four = {.struct_size = sizeof four, .protocol = 3};
    check_dump(
        doc, &four,
        LIT("\x80\3cbuiltins\nbytearray\nq\0C\3abcq\1\x85q\2Rq\3C\2deq\4\x86q\5."));
    ff_doc_free(doc);
}
END_TEST

START_TEST(buffers_that_are_too_few_or_not_there)
{
    const struct ff_pickle_buffer given[] = {{"abc", 3, 0, 0}};
    struct ff_load_options o = {
        .struct_size = sizeof o, .buffers = given, .buffer_count = 1};
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_ptr_null(load(LIT(BUFFERS), &o, &e));
    ck_assert_int_eq(e.code, FF_E_CORRUPT);
    struct ff_doc *doc = load(LIT(BUFFERS), NULL, NULL);
    const void *data;
    size_t size;
    ck_assert_int_eq(ff_bytes(item(ff_doc_root(doc), 0), &data, &size, NULL), FF_E_TYPE);
    check_dump(doc, NULL, LIT("\x80\5\x95\6\0\0\0\0\0\0\0\x97\x97\x98\x86\x94."));
    ff_doc_free(doc);
}
END_TEST

/* ---- extensions ---- */

START_TEST(extension_codes_that_are_known_become_globals)
{
    static const struct ff_extension known[] = {{300, 0, "acme", "Wave"}};
    static const char both[] = "\x80\2\x83\x2c\1\x82\5\x86q\0.";
    struct ff_load_options o = {
        .struct_size = sizeof o, .extensions = known, .extension_count = 1};
    const char *module, *name;
    struct ff_doc *doc = load(LIT(both), &o, NULL);
    ck_assert_int_eq(ff_global(item(ff_doc_root(doc), 0), &module, &name, NULL), FF_OK);
    ck_assert_str_eq(module, "acme");
    ck_assert_str_eq(name, "Wave");
    ck_assert_int_eq(ff_kind(item(ff_doc_root(doc), 1)), FF_EXTENSION);
    check_dump(doc, NULL, LIT(both));
    struct ff_doc *copy = ff_doc_new(NULL);
    ff_doc_set_root(copy, ff_import(copy, ff_doc_root(doc), NULL), NULL);
    struct ff_dump_options two = {.struct_size = sizeof two, .protocol = 2};
    check_dump(copy, &two, LIT(both));
    ff_doc_free(copy);
    ff_doc_free(doc);
}
END_TEST

/* ---- files, dumps ---- */

START_TEST(file_is_mapped_and_its_faults_have_their_codes)
{
    char path[] = "/tmp/ff_options_XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "C\3abc.rest", 10), 10);
    (void)close(fd);
    size_t used = 0;
    struct ff_doc *doc = ff_pickle_open(path, NULL, &used, NULL);
    ck_assert_uint_eq(used, 6);
    check_bytes(ff_doc_root(doc), "abc");
    ff_doc_free(doc);
    ck_assert_int_eq(truncate(path, 0), 0);
    static const struct {
        const char *path;
        int code;
    } bad[] = {{NULL, FF_E_CORRUPT},
               {"/nowhere/at/all", FF_E_NOT_FOUND},
               {"/tmp", FF_E_USAGE},
               {"/dev/null", FF_E_USAGE}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ff_error e = FF_ERROR_INIT;
        ck_assert_ptr_null(
            ff_pickle_open(bad[i].path ? bad[i].path : path, NULL, NULL, &e));
        ck_assert_int_eq(e.code, bad[i].code);
        ck_assert_str_eq(e.place, bad[i].path ? bad[i].path : path);
    }
    (void)unlink(path);
}
END_TEST

START_TEST(dump_compact_has_a_memo_only_where_shared)
{
    struct ff_doc *doc = load(LIT("\x80\4](\x8c\1a\x94h\0\x8c\1be."), NULL, NULL);
    struct ff_dump_options o = {
        .struct_size = sizeof o, .flags = FF_DUMP_COMPACT, .protocol = 2};
    check_dump(doc, &o, LIT("\x80\2](X\1\0\0\0aq\0h\0X\1\0\0\0be."));
    ff_doc_free(doc);
}
END_TEST

RUN_TESTS("pickle_options", memoize_counts_an_index_once_that_was_far,
          options_without_size_or_with_unknown_flags_are_refused,
          budget_of_memory_and_of_keys_end_a_load, frames_that_nest_load_only_when_lax,
          python2_strings_are_read_as_the_encoding_says,
          buffers_that_are_given_can_be_read_and_go_out_again,
          buffers_that_nobody_takes_are_written_in_band,
          buffers_that_are_too_few_or_not_there,
          extension_codes_that_are_known_become_globals,
          file_is_mapped_and_its_faults_have_their_codes,
          dump_compact_has_a_memo_only_where_shared)
