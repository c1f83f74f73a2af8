/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pickle_hostile.c: pickles that are made to cost. Each is loaded, scanned, shown, dumped
 * in a process of its own that may have 256 MiB of address space and 2 s of processor time; what
 * only is big or deep has to pass. A family is measured at growing sizes: memory stays below
 * max(64 MiB, 48 n), and what it takes grows with n.
 */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/doc.h"
#include "core/pickle/pickle.h"
#include "run.h"

enum {
    ADDRESS_SPACE = 256 << 20,
    SECONDS = 2,
    LEAST_BUDGET = 64 << 20,
    MILLION = 1000000
};

/* ---- inputs: a head, a unit many times, a tail ---- */

struct input {
    const char *what;
    const char *head;
    size_t head_size;
    const char *unit;
    size_t unit_size, times;
    const char *tail;
    size_t tail_size;
    int code;
};
#define C(what, head, unit, times, tail, code)                                           \
    {                                                                                    \
        what, head, sizeof(head) - 1, unit, sizeof(unit) - 1, times, tail,               \
            sizeof(tail) - 1, code                                                       \
    }

#define K16   "0123456789abcdef"
#define K256  K16 K16 K16 K16 K16 K16 K16 K16 K16 K16 K16 K16 K16 K16 K16 K16
#define K1024 K256 K256 K256 K256
#define K4096 K1024 K1024 K1024 K1024
#define D16   "7123456789012345"
#define D256  D16 D16 D16 D16 D16 D16 D16 D16 D16 D16 D16 D16 D16 D16 D16 D16
#define D4096                                                                            \
    D256 D256 D256 D256 D256 D256 D256 D256 D256 D256 D256 D256 D256 D256 D256 D256

static const struct input inputs[] = {
    C("ten million marks", "", "(", 10 * MILLION, ".", FF_E_CORRUPT),
    C("marks closed again", "N", "(0", MILLION, ".", FF_OK),
    C("ten million duplicates", "(N", "2", 10 * MILLION, "t.", FF_OK),
    C("four million empty lists", "", "]", 4 * MILLION, ".", FF_OK),
    C("four million empty dicts", "", "}", 4 * MILLION, ".", FF_OK),
    C("four million empty sets", "", "\x8f", 4 * MILLION, ".", FF_OK),
    C("a list of lists", "](", "]", 4 * MILLION, "e.", FF_OK),
    C("tuples a million deep", ")", "\x85", MILLION, ".", FF_OK),
    C("a key of a million tuples in each other", "})", "\x85", MILLION, "Ns.", FF_OK),
    C("a key of a million parts", "}(", "N", MILLION, "tNs.", FF_OK),
    C("a key that is a graph of 2^200 paths", "})", "2\x86", 200, "Ns.", FF_OK),
    C("two keys that are such graphs", "}(",
      ")2\x86"
      "2\x86"
      "2\x86"
      "2\x86"
      "N",
      1000, "u.", FF_OK),
    C("an index of the memo that is far", "N", "r\xff\xff\xff\xff", 1, ".", FF_OK),
    C("many far indices", "N", "r\0\0\0\x7f", MILLION, ".", FF_OK),
    C("an index of PUT that is no number of C", "N", "p9", 400, "\n.", FF_E_CORRUPT),
    C("a length of 2^62", "", "\x96\0\0\0\0\0\0\0\x40", 1, ".", FF_E_CORRUPT),
    C("bytes of 2^62", "", "\x8e\0\0\0\0\0\0\0\x40", 1, ".", FF_E_CORRUPT),
    C("text of 2^62", "", "\x8d\0\0\0\0\0\0\0\x40", 1, ".", FF_E_CORRUPT),
    C("a frame of 2^62", "\x80\4", "\x95\0\0\0\0\0\0\0\x40", 1, "N.", FF_E_CORRUPT),
    C("a string of 4 GiB", "", "T\xff\xff\xff\xff", 1, ".", FF_E_CORRUPT),
    C("an integer of -1 bytes", "", "\x8b\xff\xff\xff\xff", 1, ".", FF_E_CORRUPT),
    C("a decimal of a million digits", "L", "9", MILLION, "L\n.", FF_E_LIMIT),
    C("an INT of a million digits", "I", "9", MILLION, "\n.", FF_E_LIMIT),
    C("a decimal of 4300 digits", "L", "9", 4300, "L\n.", FF_OK),
    C("a float of a million digits", "F", "9", 300, "\n.", FF_OK),
    C("integers of no bytes", "(", "\x8a\0", MILLION, "t.", FF_OK),
    C("a bytearray of 2^31 that is called for", "cbuiltins\nbytearray\nJ\xff\xff\xff\x7f",
      "\x85R", 1, ".", FF_OK),
    C("operator.mul", "coperator\nmul\nVaaaaaaaa\nJ\0\xe1\xf5\5\x86", "R", 1, ".", FF_OK),
    C("a call of a call of a call", "cm\nC\n", ")R", MILLION, ".", FF_OK),
    C("states of states", "cm\nC\n)\x81", "cm\nC\n)\x81", 100000, "", FF_E_CORRUPT),
    C("a million states", "cm\nC\n)\x81", "Nb", MILLION, ".", FF_OK),
    C("a million calls dropped", "", "cm\nC\n)R0", MILLION / 4, "N.", FF_OK),
    C("a million calls left", "", "cm\nC\n)R", MILLION / 4, "N.", FF_OK),
    C("a long text in a million keys", "}X\0\20\0\0" K4096 "q\0000(", "h\0\x85N", MILLION,
      "u.", FF_OK),
    C("a long global in a million keys", "}c" K4096 "\na\nq\0000(", "h\0\x85N", MILLION,
      "u.", FF_OK),
    C("long bytes of Python 2 a million times a key",
      "}c_codecs\nencode\nX\0\20\0\0" K4096 "X\6\0\0\0latin1\x86Rq\0000(", "h\0N",
      MILLION, "u.", FF_OK),
    C("Decimals of many digits",
      "}cdecimal\nDecimal\nq\0000X\0\20\0\0" D4096 "\x85q\0010(", "h\0h\1RN", MILLION / 4,
      "u.", FF_E_LIMIT),
    C("Fractions of many digits",
      "}cfractions\nFraction\nq\0000X\0\20\0\0" D4096 "\x85q\0010(", "h\0h\1RN",
      MILLION / 4, "u.", FF_E_LIMIT),
    C("a million persistent ids", "(", "Pabc\n", MILLION, "t.", FF_OK),
    C("a bytearray that grows", "\x96\0\0\0\0\0\0\0\0", "K\7a", MILLION, ".", FF_OK),
    C("a bytearray that is set", "\x96\0\4\0\0\0\0\0\0" K1024, "K\7K\7s", MILLION, ".",
      FF_OK),
    C("frames of nothing", "\x80\4", "\x95\0\0\0\0\0\0\0\0", MILLION, "N.", FF_OK),
    C("a frame in a frame", "\x80\4", "\x95\x20\0\0\0\0\0\0\0", 2,
      "NNNNNNNNNNNNNNNNNNNNN.", FF_E_CORRUPT),
    C("a frame that cuts an argument", "\x80\4", "\x95\2\0\0\0\0\0\0\0X\1\0\0\0a", 1, ".",
      FF_E_CORRUPT),
    C("a frame that hides a global", "\x80\4\x95\3\0\0\0\0\0\0\0", "N0cos\nsystem\n", 1,
      ".", FF_E_CORRUPT),
    C("lines without an end", "(", "V", 10 * MILLION, "", FF_E_CORRUPT),
    C("escapes", "V", "\\u1234", MILLION, "\n.", FF_OK),
};

static char *bytes_of(const struct input *in, size_t times, size_t *size)
{
    *size = in->head_size + in->unit_size * times + in->tail_size;
    char *data = malloc(*size + 1);
    ck_assert_ptr_nonnull(data);
    memcpy(data, in->head, in->head_size);
    for (size_t i = 0; i < times; i++) {
        memcpy(data + in->head_size + i * in->unit_size, in->unit, in->unit_size);
    }
    memcpy(data + *size - in->tail_size, in->tail, in->tail_size);
    return data;
}

/* ---- what is done with each ---- */

static int sink(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    (void)data;
    (void)e;
    *(size_t *)ctx += size;
    return FF_OK;
}

static int text_sink(void *ctx, const char *text, size_t size)
{
    (void)text;
    *(size_t *)ctx += size;
    return *(size_t *)ctx > ADDRESS_SPACE ? FF_E_LIMIT : FF_OK;
}

static void use(const struct ff_doc *doc)
{
    size_t written = 0, shown = 0, json = 0;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_write_options options = {
        .protocol = 4, .write = sink, .write_ctx = &written};
    int code = ff_pickle_write(ff_doc_root(doc), &options, &e);
    ck_assert_msg(code == FF_OK || code == FF_E_UNSUPPORTED, "%s", e.message);
    ck_assert_int_eq(ff_show(ff_doc_root(doc), 0, 0, text_sink, &shown, NULL), FF_OK);
    ck_assert_uint_le(shown, 80 << 10);
    (void)ff_to_json(ff_doc_root(doc), text_sink, &json, NULL);
    (void)ff_view(ff_doc_root(doc));
    (void)ff_array(ff_doc_root(doc), NULL);
}

/* In a process of its own; its status is what ck_assert made of it. */
static void run_limited(const char *data, size_t size, int expected)
{
    struct ff_error e = FF_ERROR_INIT, scan_error = FF_ERROR_INIT;
    struct ff_doc *doc = NULL;
    int code = ff_pickle_read(data, size, NULL, NULL, NULL, NULL, &doc, NULL, &e);
    int scanned = ff_pickle_scan(data, size, NULL, NULL, NULL, &scan_error);
    if (doc) {
        use(doc);
    }
    ff_doc_free(doc);
    bool told = code == FF_OK || strstr(e.message, "pickle, offset ");
    if (code != expected || !told || (code == FF_OK && scanned != FF_OK)) {
        (void)fprintf(stderr, "code %d (%s), scan %d (%s)\n", code, e.message, scanned,
                      scan_error.message);
        _exit(1);
    }
    _exit(0);
}

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define BOUNDED 0 /* the sanitizers need address space and time of their own */
#else
#define BOUNDED 1
#endif

static void limit(void)
{
    const struct rlimit space = {ADDRESS_SPACE, ADDRESS_SPACE}, cpu = {SECONDS, SECONDS};
    if (BOUNDED && !getenv("VALGRIND_OPTS") &&
        (setrlimit(RLIMIT_AS, &space) || setrlimit(RLIMIT_CPU, &cpu))) {
        _exit(2);
    }
}

static void check(const char *what, const char *data, size_t size, int expected)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        limit();
        run_limited(data, size, expected);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(status == 0, "%s: status %x", what, (unsigned)status);
}

START_TEST(hostile_input_costs_little_and_harmless_input_passes)
{
    size_t size;
    char *data = bytes_of(&inputs[_i], inputs[_i].times, &size);
    check(inputs[_i].what, data, size, inputs[_i].code);
    free(data);
}
END_TEST

/* Integers that are all the same to Python's own hash: k (2^61 - 1). */
START_TEST(hostile_keys_of_one_hash_take_linear_time)
{
    enum { KEYS = 200000 }; /* of 9 bytes */
    struct ff_buf in;
    ff_buf_init(&in, SIZE_MAX / 2);
    ck_assert_int_eq(ff_buf_append(&in, "}(", 2), 0);
    for (uint64_t k = 1; k <= KEYS; k++) {
        /* k 2^61 - k: the bits above 64 are k / 8, less the borrow */
        uint64_t low = (k << 61) - k;
        uint8_t code[12] = {0x8a, 9};
        memcpy(code + 2, &low, sizeof low);
        code[10] = (uint8_t)((k >> 3) - ((k << 61) < k));
        code[11] = 'N';
        ck_assert_int_eq(ff_buf_append(&in, code, sizeof code), 0);
    }
    ck_assert_int_eq(ff_buf_append(&in, "u.", 2), 0);
    check("hash flooding", (const char *)in.data, in.length_bytes, FF_OK);
    ff_buf_free(&in);
}
END_TEST

/* Text of Python 2 that is looked up among ascending text of Python 3, which needs no index. */
START_TEST(hostile_text_of_both_pythons_takes_linear_time)
{
    enum { KEYS = 100000 };
    struct ff_buf in;
    ff_buf_init(&in, SIZE_MAX / 2);
    ck_assert_int_eq(ff_buf_append(&in, "}(", 2), 0);
    for (int k = 0; k < KEYS; k++) {
        ck_assert_int_eq(ff_buf_append(&in, "X\6\0\0\0", 5), 0);
        ck_assert_int_eq(ff_buf_printf(&in, "%06dN", k), 0);
    }
    ck_assert_int_eq(ff_buf_append(&in, "u(", 2), 0);
    for (int k = 0; k < KEYS; k++) {
        ck_assert_int_eq(ff_buf_printf(&in, "U\6%06dN", KEYS - 1 - k % 2), 0);
    }
    ck_assert_int_eq(ff_buf_append(&in, "u.", 2), 0);
    check("two Pythons", (const char *)in.data, in.length_bytes, FF_OK);
    ff_buf_free(&in);
}
END_TEST

/* Far indices of the memo: one after the other, and multiples of what a table might be spread by. */
START_TEST(hostile_indices_of_the_memo_take_linear_time)
{
    static const uint32_t steps[] = {1, 16, 1 << 10, 1 << 14, 5000};
    enum { PUTS = 200000 };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        struct ff_buf in;
        ff_buf_init(&in, SIZE_MAX / 2);
        ck_assert_int_eq(ff_buf_append(&in, "N", 1), 0);
        for (uint32_t k = 0; k < PUTS; k++) {
            uint32_t index = 0x70000000 + k * steps[i];
            uint8_t put[5] = {'r', (uint8_t)index, (uint8_t)(index >> 8),
                              (uint8_t)(index >> 16), (uint8_t)(index >> 24)};
            ck_assert_int_eq(ff_buf_append(&in, put, sizeof put), 0);
        }
        ck_assert_int_eq(ff_buf_append(&in, ".", 1), 0);
        check("far indices", (const char *)in.data, in.length_bytes, FF_OK);
        ff_buf_free(&in);
    }
}
END_TEST

/* An integer is brought into the form that it shares with Decimals: all its factors five are taken
 * out, from 5^7041 one by one. */
START_TEST(hostile_keys_that_are_powers_of_five_take_little_time)
{
    enum { KEYS = 4000, POWER = 7041, BYTES = 2046 };
    struct ff_buf in;
    uint8_t key[5 + BYTES + 1] = {0x8b, BYTES & 0xff, BYTES >> 8};
    uint8_t *number = key + 5;
    number[0] = 1;
    key[sizeof key - 1] = 'N';
    for (int power = 0; power < POWER; power++) {
        unsigned carry = 0;
        for (size_t i = 0; i < BYTES; i++) {
            carry += 5u * number[i];
            number[i] = (uint8_t)carry;
            carry >>= 8;
        }
    }
    ck_assert_int_eq(number[BYTES - 1] & 0x80, 0);
    ff_buf_init(&in, SIZE_MAX / 2);
    ck_assert_int_eq(ff_buf_append(&in, "}(", 2), 0);
    for (int i = 0; i < KEYS; i++) {
        ck_assert_int_eq(ff_buf_append(&in, key, sizeof key), 0);
    }
    ck_assert_int_eq(ff_buf_append(&in, "u.", 2), 0);
    check("powers of five", (const char *)in.data, in.length_bytes, FF_OK);
    ff_buf_free(&in);
}
END_TEST

/* Lists of lists twice over: 2^60 paths, never expanded. */
START_TEST(hostile_laughter_is_shown_and_written_as_references)
{
    char data[1024];
    size_t used = 0;
    memcpy(data, "]q\0", 3);
    used = 3;
    for (int i = 0; i < 60; i++) {
        const char level[] = {']',     'q', (char)(i + 1), '(', 'h',
                              (char)i, 'h', (char)i,       'e'};
        memcpy(data + used, level, sizeof level);
        used += sizeof level;
    }
    data[used++] = '.';
    check("billion laughs", data, used, FF_OK);
}
END_TEST

START_TEST(every_program_of_one_byte_has_a_verdict)
{
    for (unsigned first = 0; first < 256; first++) {
        const char program[2] = {(char)first, '.'};
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc;
        for (size_t size = 1; size <= 2; size++) {
            int code =
                ff_pickle_read(program, size, NULL, NULL, NULL, NULL, &doc, NULL, &e);
            bool one = size == 2 && strchr(")]}N\x88\x89\x8f\x97", (int)first) && first;
            ck_assert_msg(code == (one ? FF_OK : FF_E_CORRUPT), "%02x: %d", first, code);
            ff_doc_free(doc);
            e = (struct ff_error)FF_ERROR_INIT;
        }
    }
}
END_TEST

/* ---- budgets, each with its own error ---- */

START_TEST(each_budget_is_settable_and_says_what_is_over)
{
    static const char list[] =
        "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
        "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]].";
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    struct ff_load_options options = {.struct_size = sizeof options, .max_bytes = 1500};
    ck_assert_int_eq(
        ff_pickle_read(list, sizeof list - 1, NULL, NULL, &options, NULL, &doc, NULL, &e),
        FF_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "pickle, offset "));
    ck_assert_ptr_nonnull(strstr(e.message, "EMPTY_LIST"));
    ck_assert_ptr_nonnull(strstr(e.message, "1500 bytes"));

    static const char keys[] = "}(K\1K\2K\3\x87NK\2K\3K\4\x87NK\1K\2K\3\x87Nu.";
    e = (struct ff_error)FF_ERROR_INIT;
    options = (struct ff_load_options){.struct_size = sizeof options, .max_steps = 5};
    ck_assert_int_eq(
        ff_pickle_read(keys, sizeof keys - 1, NULL, NULL, &options, NULL, &doc, NULL, &e),
        FF_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "pickle, offset "));
    ck_assert_ptr_nonnull(strstr(e.message, "SETITEMS"));
}
END_TEST

/* ---- growth ---- */

struct cost {
    double seconds;
    uint64_t bytes;
    int code;
};

static struct cost cost_of(const struct input *in, size_t times)
{
    size_t size;
    char *data = bytes_of(in, times, &size);
    struct timespec begin, end;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    struct cost cost;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin), 0);
    cost.code = ff_pickle_read(data, size, NULL, NULL, NULL, NULL, &doc, NULL, &e);
    cost.bytes = doc ? doc->used_bytes : 0;
    ff_doc_free(doc);
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end), 0);
    cost.seconds = (double)(end.tv_sec - begin.tv_sec) +
                   1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    uint64_t most =
        48 * (uint64_t)size > LEAST_BUDGET ? 48 * (uint64_t)size : LEAST_BUDGET;
    ck_assert_uint_le(cost.bytes, most);
    free(data);
    return cost;
}

/* Eight times the input takes at most 24 times as long, and never 64 times, as squares do. */
START_TEST(cost_grows_with_the_size_of_the_input)
{
    const struct input *in = &inputs[_i];
    size_t most = in->times < MILLION ? in->times : MILLION;
    if (in->times < 100000) {
        return; /* it is about a length or an index, not about many */
    }
    struct cost small = cost_of(in, most / 8), big = cost_of(in, most);
    double least = small.seconds > 0.002 ? small.seconds : 0.002;
    ck_assert_msg(!BOUNDED || big.seconds < 24 * least, "%s: %.4f s, then %.4f s",
                  in->what, small.seconds, big.seconds);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pickle_hostile");
    TCase *tcase = tcase_create("pickle_hostile");
    int count = (int)COUNT_OF(inputs);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, hostile_input_costs_little_and_harmless_input_passes, 0,
                        count);
    tcase_add_loop_test(tcase, cost_grows_with_the_size_of_the_input, 0, count);
    tcase_add_test(tcase, hostile_keys_that_are_powers_of_five_take_little_time);
    tcase_add_test(tcase, hostile_keys_of_one_hash_take_linear_time);
    tcase_add_test(tcase, hostile_text_of_both_pythons_takes_linear_time);
    tcase_add_test(tcase, hostile_indices_of_the_memo_take_linear_time);
    tcase_add_test(tcase, hostile_laughter_is_shown_and_written_as_references);
    tcase_add_test(tcase, every_program_of_one_byte_has_a_verdict);
    tcase_add_test(tcase, each_budget_is_settable_and_says_what_is_over);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
