/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle.c: reading, against CPython's verdicts; writing, byte for byte; attacks. */
#include "core/pickle/pickle.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/base/buf.h"
#include "run.h"

static int to_buf(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    return ff_buf_append(ctx, data, size) ? ff_fail(e, FF_E_NO_MEMORY, NULL, "full")
                                          : FF_OK;
}

static int load(const void *data, size_t size, int py2, struct ff_doc **doc, size_t *used,
                struct ff_error *e)
{
    struct ff_load_options options = {.struct_size = sizeof options,
                                      .py2_strings = (uint32_t)py2};
    return ff_pickle_read(data, size, NULL, NULL, &options, NULL, doc, used, e);
}

static int dump(struct ff_value v, uint32_t protocol, struct ff_buf *out)
{
    struct ff_write_options options = {
        .protocol = protocol, .write = to_buf, .write_ctx = out};
    ff_buf_clear(out);
    return ff_pickle_write(v, &options, NULL);
}

/* The code of reading these bytes. */
static int verdict(const void *data, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = NULL;
    int code = load(data, size, FF_PY2_ASCII, &doc, NULL, &e);
    ck_assert_int_eq(code, e.code);
    ck_assert((code == FF_OK) == (doc != NULL));
    ff_doc_free(doc);
    return code;
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s", path);
    ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(*size + 1);
    ck_assert_uint_eq(fread(data, 1, *size, f), *size);
    (void)fclose(f);
    return data;
}

/* ---- verdicts ---- */

struct case_of {
    const char *bytes;
    size_t size;
    int code;
};
#define C(text, code)                                                                    \
    {                                                                                    \
        text, sizeof(text) - 1, code                                                     \
    }

static const struct case_of cases[] = {
    C("", FF_E_CORRUPT),
    C(".", FF_E_CORRUPT),
    C("N", FF_E_CORRUPT),
    C("N.", FF_OK),
    C("N.garbage", FF_OK),
    C("\xff.", FF_E_CORRUPT),
    C("NK\5.", FF_OK),
    C("N(.", FF_E_CORRUPT),
    C("N(0.", FF_OK),
    C("0N.", FF_E_CORRUPT),
    C("1N.", FF_E_CORRUPT),
    C("N(2.", FF_E_CORRUPT),
    C("]2a.", FF_OK),
    C("t.", FF_E_CORRUPT),
    /* numbers as text */
    C("I010\n.", FF_OK),
    C("I0x10\n.", FF_OK),
    C("I1_000\n.", FF_OK),
    C("I 7 \n.", FF_OK),
    C("I\0\n.", FF_OK),
    C("I\0X\n.", FF_OK),
    C("L\0\n.", FF_E_CORRUPT),
    C("c\xed\xa0\x80\nx\n.", FF_E_CORRUPT),
    C("I\n.", FF_E_CORRUPT),
    C("I42L\n.", FF_E_CORRUPT),
    C("I42", FF_E_CORRUPT),
    C("L5\n.", FF_OK),
    C("L5LL\n.", FF_E_CORRUPT),
    C("L010L\n.", FF_E_CORRUPT),
    C("L\n.", FF_E_CORRUPT),
    C("L5L\r\n.", FF_E_CORRUPT),
    C("Fnan\n.", FF_OK),
    C("F1e400\n.", FF_E_CORRUPT),
    C("F 1.5\n.", FF_E_CORRUPT),
    C("F1_0\n.", FF_E_CORRUPT),
    C("F0x1p3\n.", FF_E_CORRUPT),
    C("F.5\n.", FF_OK),
    C("F1.\n.", FF_OK),
    C("\x8a\0.", FF_OK),
    C("\x8b\xff\xff\xff\xff.", FF_E_CORRUPT),
    /* text */
    C("S'a'b'\n.", FF_OK),
    C("S'a\n.", FF_E_CORRUPT),
    C("S'\\x4'\n.", FF_E_CORRUPT),
    C("S'\\q'\n.", FF_OK),
    C("V\\u00\n.", FF_E_CORRUPT),
    C("V\\ud83d\n.", FF_OK),
    C("V\\U00110000\n.", FF_E_CORRUPT),
    C("X\3\0\0\0\xed\xa0\x80.", FF_OK),
    C("X\1\0\0\0\xff.", FF_E_CORRUPT),
    C("X\2\0\0\0\xc0\x80.", FF_E_CORRUPT),
    C("X\4\0\0\0\xf4\x90\x80\x80.", FF_E_CORRUPT),
    C("T\xff\xff\xff\xff.", FF_E_CORRUPT),
    /* the memo */
    C("Np0\n0g0\n.", FF_OK),
    C("h\0.", FF_E_CORRUPT),
    C("Np-1\n.", FF_E_CORRUPT),
    C("Np0x1\n.", FF_E_CORRUPT),
    C("K\1q\1K\2\x94h\0.", FF_E_CORRUPT),
    C("K\1q\1K\2\x94(h\1t.", FF_OK),
    /* frames */
    C("\x80\4\x95\3\0\0\0\0\0\0\0K\5.", FF_OK),
    C("\x80\4\x95\2\0\0\0\0\0\0\0K\5.", FF_OK),
    C("\x80\4\x95\1\0\0\0\0\0\0\0K\5.", FF_E_CORRUPT),
    C("\x80\4\x95\x9\0\0\0\0\0\0\0K\5.", FF_E_CORRUPT),
    C("\x80\4\x95\xc\0\0\0\0\0\0\0\x95\3\0\0\0\0\0\0\0K\5.", FF_E_CORRUPT),
    C("\x80\6N.", FF_E_CORRUPT),
    C("N\x80\2.", FF_OK),
    /* containers */
    C("N(e.", FF_OK),
    C("N(K\1e.", FF_E_CORRUPT),
    C("}(Nu.", FF_E_CORRUPT),
    C("(Nd.", FF_E_CORRUPT),
    C("}]Ns.", FF_E_CORRUPT),
    C("\x8f(]\x90.", FF_E_CORRUPT),
    C("}(]NK\1Nu.", FF_E_CORRUPT),
    C("](K\0K\1u.", FF_E_CORRUPT),
    C("}K\1a.", FF_E_CORRUPT),
    C("](K\1\x90.", FF_E_CORRUPT),
    C("N}b.", FF_E_CORRUPT),
    C("NNb.", FF_OK),
    C("](NNtb.", FF_E_CORRUPT),
    C("]K\0b.", FF_E_CORRUPT),
    /* globals and calls */
    C("c\n\n.", FF_E_CORRUPT),
    C("cbuiltins\r\nint\r\n.", FF_E_CORRUPT),
    C("C\2osC\4name\x93.", FF_E_CORRUPT),
    C("cbuiltins\nint\n]R.", FF_E_CORRUPT),
    C("cbuiltins\nint\n)R.", FF_OK),
    C("N)R.", FF_E_CORRUPT),
    C("cbuiltins\nint\n]\x81.", FF_E_CORRUPT),
    C("(cbuiltins\nint\nK\7o.", FF_OK),
    C("(o.", FF_E_CORRUPT),
    C("(ibuiltins\nlist\n.", FF_OK),
    C("\x82\0.", FF_E_CORRUPT),
    C("\x84\xff\xff\xff\xff.", FF_E_CORRUPT),
    C("C\1a\x98.", FF_OK),
    C("N\x98.", FF_E_CORRUPT),
    C("\x96\xff\xff\xff\xff\xff\xff\xff\x7f.", FF_E_CORRUPT),
    C("\x8e\0\0\0\0\0\0\0\x80.", FF_E_CORRUPT),
};

START_TEST(read_each_case_gives_its_verdict)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int code = verdict(cases[i].bytes, cases[i].size);
        ck_assert_msg(code == cases[i].code, "case %zu (%.20s): %d", i, cases[i].bytes,
                      code);
    }
}
END_TEST

START_TEST(read_each_prefix_of_a_pickle_fails)
{
    static const char whole[] =
        "\x80\4\x95\x21\0\0\0\0\0\0\0}\x94(\x8c\1a\x94K\1\x8c\1b\x94]\x94"
        "(K\2M\0\3G?\xf0\0\0\0\0\0\0eu.";
    ck_assert_int_eq(verdict(whole, sizeof whole - 1), FF_OK);
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        ck_assert_int_eq(verdict(whole, n), FF_E_CORRUPT);
    }
}
END_TEST

START_TEST(read_failure_names_offset_and_opcode)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    ck_assert_int_eq(load("NN\x86R.", 5, 0, &doc, NULL, &e), FF_E_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.message, "offset 3, REDUCE"));
}
END_TEST

/* ---- byte for byte ---- */

static void check_again(const uint8_t *data, size_t size, const char *what)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    size_t used;
    struct ff_buf out;
    ff_buf_init(&out, SIZE_MAX / 2);
    ck_assert_msg(!load(data, size, FF_PY2_ASCII, &doc, &used, &e), "%s: %s", what,
                  e.message);
    ck_assert_int_eq(dump(ff_doc_root(doc), (uint32_t)ff_doc_protocol(doc), &out), FF_OK);
    ck_assert_msg(out.length_bytes == used && memcmp(out.data, data, used) == 0,
                  "%s: not the same bytes", what);
    ff_buf_free(&out);
    ff_doc_free(doc);
}

static int count_pid(void *ctx, const struct ff_scanned_pid *pid)
{
    ck_assert_str_eq(pid->serializer, "HDFSerializer");
    ck_assert_str_eq(pid->version, "0.0.0");
    ck_assert_uint_eq(strlen(pid->name), 36);
    ck_assert_uint_eq(pid->string_count, 3);
    ++*(size_t *)ctx;
    return 0;
}

static void check_golden(const char *store, const char *task, size_t pids)
{
    char path[512];
    size_t size, found = 0, used = 0;
    (void)snprintf(path, sizeof path, TEST_DATA "/golden/%s/file/golden/%s", store, task);
    uint8_t *data = read_file(path, &size);
    check_again(data, size, path);
    const struct ff_scan scan = {
        .struct_size = sizeof scan, .ctx = &found, .persistent = count_pid};
    ck_assert_int_eq(ff_pickle_scan(data, size, NULL, &scan, &used, NULL), FF_OK);
    ck_assert_uint_eq(found, pids);
    ck_assert_uint_eq(used + 20, size);
    free(data);
}

START_TEST(golden_tasks_come_back_the_same_and_show_their_ids)
{
    static const char *const plain[] = {"bytes",     "containers", "dates", "floats",
                                        "ids",       "ints",       "text",  "numbers",
                                        "recursive", "shared",     "numpy"};
    static const char *const arrays[] = {"array_S5",
                                         "array_bool",
                                         "array_c16",
                                         "array_f2",
                                         "array_f4_2d",
                                         "array_f8_1d",
                                         "array_i2_3d",
                                         "array_i8_be",
                                         "array_irregular",
                                         "array_nan_inf_f8",
                                         "array_scalar_0d",
                                         "array_struct",
                                         "twice"};
    static const char *const stores[] = {"file-numpy1", "file-numpy2"};
    for (size_t s = 0; s < 2; s++) {
        for (size_t i = 0; i < COUNT_OF(plain); i++) {
            check_golden(stores[s], plain[i], 0);
        }
        for (size_t i = 0; i < COUNT_OF(arrays); i++) {
            check_golden(stores[s], arrays[i], 1);
        }
        check_golden(stores[s], "nested", 4);
    }
}
END_TEST

/* ---- every protocol ---- */

START_TEST(write_in_each_protocol_reads_back_equal)
{
    struct ff_doc *doc, *again;
    struct ff_buf out;
    static const char list[] =
        "\x80\4](\x8c\2\xc3\xa9\x88\x89NK\1J\xff\xff\xff\xff\x8a\x9\0\0\0"
        "\0\0\0\0\0\1G?\xf0\0\0\0\0\0\0(K\1K\2K\3K\4t)}\x8c\1k]se.";
    ff_buf_init(&out, SIZE_MAX / 2);
    ck_assert_int_eq(load(list, sizeof list - 1, 0, &doc, NULL, NULL), FF_OK);
    for (uint32_t p = 0; p <= 5; p++) {
        ck_assert_int_eq(dump(ff_doc_root(doc), p, &out), FF_OK);
        ck_assert_int_eq(load(out.data, out.length_bytes, 0, &again, NULL, NULL), FF_OK);
        ck_assert_int_eq(ff_doc_protocol(again), (int)p);
        ck_assert_int_eq(ff_equal(ff_doc_root(doc), ff_doc_root(again), 0, NULL), 1);
        ff_doc_free(again);
    }
    ff_buf_free(&out);
    ff_doc_free(doc);
}
END_TEST

/* ---- persistent ids ---- */

static int keep_natives(void *ctx, struct ff_value v, const struct ff_dumper *d,
                        struct ff_new_pid *pid, struct ff_error *e)
{
    (void)d;
    (void)e;
    if (ff_kind(v) != FF_NATIVE) {
        return FF_DECLINED;
    }
    int n = ++*(int *)ctx;
    (void)snprintf(pid->serializer, sizeof pid->serializer, "HDFSerializer");
    (void)snprintf(pid->version, sizeof pid->version, "0.0.0");
    (void)snprintf(pid->name, sizeof pid->name, "uuid-%d", n);
    return FF_OK;
}

/* The bytes that the Python package writes for [a, b], and a third item that is a again. */
START_TEST(write_asks_once_for_each_object_and_shares_the_strings)
{
    static const char expected[] =
        "\x80\4\x95\x48\0\0\0\0\0\0\0]\x94(\x8c\rHDFSerializer\x94\x8c\5"
        "0.0.0\x94\x8c\6uuid-1\x94\x86\x94\x86\x94Qh\1h\2\x8c\6uuid-"
        "2\x94\x86\x94\x86\x94Q"
        "h\5Qe.";
    int asked = 0;
    struct ff_buf out;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value list = ff_new_list(doc, &e);
    struct ff_value a = ff_new_native_take(doc, "x.A", &asked, NULL, &e);
    struct ff_value b = ff_new_native_take(doc, "x.A", &asked, NULL, &e);
    ff_append(doc, list, a, &e);
    ff_append(doc, list, b, &e);
    ff_append(doc, list, a, &e);
    ff_buf_init(&out, SIZE_MAX / 2);
    struct ff_write_options options = {.protocol = 4,
                                       .persistent = keep_natives,
                                       .ctx = &asked,
                                       .write = to_buf,
                                       .write_ctx = &out};
    ck_assert_int_eq(ff_pickle_write(list, &options, &e), FF_OK);
    ck_assert_int_eq(asked, 2);
    ck_assert_uint_eq(out.length_bytes - 11, sizeof expected - 1 - 11);
    ck_assert_mem_eq(out.data + 11, expected + 11, sizeof expected - 1 - 11);
    ff_buf_free(&out);
    ff_doc_free(doc);
}
END_TEST

START_TEST(write_native_that_nobody_keeps_fails_with_its_place)
{
    int thing = 0;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf out;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value dict = ff_new_dict(doc, &e), list = ff_new_list(doc, &e);
    ff_append(doc, list, ff_new_none(doc), &e);
    ff_append(doc, list, ff_new_native_take(doc, "acme.Wave", &thing, NULL, &e), &e);
    ff_set(doc, dict, "traces", list, &e);
    ff_buf_init(&out, SIZE_MAX / 2);
    struct ff_write_options options = {.protocol = 4, .write = to_buf, .write_ctx = &out};
    ck_assert_int_eq(ff_pickle_write(dict, &options, &e), FF_E_UNSUPPORTED);
    ck_assert_str_eq(e.place, "#traces[1]");
    ck_assert_ptr_nonnull(strstr(e.message, "acme.Wave"));
    ff_buf_free(&out);
    ff_doc_free(doc);
}
END_TEST

/* ---- attacks: under 256 MiB of address space and 2 s ---- */

static int repeated(const char *head, size_t head_size, const char *unit,
                    size_t unit_size, size_t times, const char *tail, size_t tail_size)
{
    size_t size = head_size + unit_size * times + tail_size;
    char *data = malloc(size);
    memcpy(data, head, head_size);
    for (size_t i = 0; i < times; i++) {
        memcpy(data + head_size + i * unit_size, unit, unit_size);
    }
    memcpy(data + head_size + unit_size * times, tail, tail_size);
    struct timespec begin, end;
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &begin), 0);
    int code = verdict(data, size);
    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &end), 0);
    ck_assert_int_lt(end.tv_sec - begin.tv_sec, 20);
    free(data);
    return code;
}
#define REPEATED(head, unit, times, tail)                                                \
    repeated(head, sizeof(head) - 1, unit, sizeof(unit) - 1, times, tail,                \
             sizeof(tail) - 1)

START_TEST(attack_far_memo_index_costs_nothing)
{
    ck_assert_int_eq(verdict("Nr\xff\xff\xff\xff.", 7), FF_OK);
    ck_assert_int_eq(verdict("Nr\xff\xff\xff\xff"
                             "0j\xff\xff\xff\xff.",
                             13),
                     FF_OK);
    ck_assert_int_eq(REPEATED("N", "r\0\0\0\x7f", 100000, "."), FF_OK);
}
END_TEST

START_TEST(attack_depth_is_read_compared_and_written)
{
    ck_assert_int_eq(REPEATED(")", "\x85", 1000000, "."), FF_OK);
    ck_assert_int_eq(REPEATED("})", "\x85", 1000000, "Ns."), FF_OK);
    ck_assert_int_eq(REPEATED("})", "2\x86", 200, "Ns."), FF_OK);
    ck_assert_int_eq(REPEATED("(", "(", 1000000, "."), FF_E_CORRUPT);
}
END_TEST

START_TEST(attack_empty_containers_stay_within_the_budget)
{
    ck_assert_int_eq(REPEATED("", "]", 1000000, "."), FF_OK);
    ck_assert_int_eq(REPEATED("", "}", 1000000, "."), FF_OK);
    ck_assert_int_eq(REPEATED("", "\x8f", 1000000, "."), FF_OK);
    ck_assert_int_eq(REPEATED("(N", "2", 1000000, "t."), FF_OK);
}
END_TEST

START_TEST(attack_long_decimal_fails_with_limit)
{
    ck_assert_int_eq(REPEATED("L", "9", 1000000, "L\n."), FF_E_LIMIT);
    ck_assert_int_eq(REPEATED("L", "9", 4300, "L\n."), FF_OK);
}
END_TEST

START_TEST(attack_self_containing_frozenset_as_key_ends)
{
    static const char cycle[] = "}cbuiltins\nfrozenset\n]q\0\x85Rq\1h\0h\1a0Ns.";
    (void)verdict(cycle, sizeof cycle - 1);
    static const char tuple[] = "}]q\0h\0\x85q\1a0h\1Ns.";
    ck_assert_int_eq(verdict(tuple, sizeof tuple - 1), FF_E_CORRUPT);
}
END_TEST

START_TEST(load_over_its_budget_fails_with_limit)
{
    struct ff_load_options options = {.struct_size = sizeof options, .max_bytes = 1000};
    struct ff_doc *doc;
    char many[1000];
    memset(many, ']', sizeof many);
    ck_assert_int_eq(
        ff_pickle_read(many, sizeof many, NULL, NULL, &options, NULL, &doc, NULL, NULL),
        FF_E_LIMIT);
    ck_assert_ptr_null(doc);
}
END_TEST

RUN_TESTS("pickle", read_each_case_gives_its_verdict, read_each_prefix_of_a_pickle_fails,
          read_failure_names_offset_and_opcode,
          golden_tasks_come_back_the_same_and_show_their_ids,
          write_in_each_protocol_reads_back_equal,
          write_asks_once_for_each_object_and_shares_the_strings,
          write_native_that_nobody_keeps_fails_with_its_place,
          attack_far_memo_index_costs_nothing, attack_depth_is_read_compared_and_written,
          attack_empty_containers_stay_within_the_budget,
          attack_long_decimal_fails_with_limit,
          attack_self_containing_frozenset_as_key_ends,
          load_over_its_budget_fails_with_limit)
