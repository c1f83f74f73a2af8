/* SPDX-License-Identifier: Apache-2.0 */
/* test_address.c: addresses, slices and the numbers of options: text in, names and regions out. */
#include "tools/address.h"
#include "tools/cli.h"

#include "../unit/run.h"

struct address_case {
    const char *text;
    int form;
    const char *storage, *workflow, *task, *path; /* NULL: none */
    int is_pattern;
};

static const struct address_case good[] = {
    {"a/b", FF_ADDRESS_INSIDE, NULL, "a", "b", NULL, 0},
    {"lab:a/b", FF_ADDRESS_INSIDE, "lab", "a", "b", NULL, 0},
    {"./lab:a/b#x.y[2]", FF_ADDRESS_INSIDE, "./lab", "a", "b", "x.y[2]", 0},
    {"/data/lab:a/b#x[0:2,::3]", FF_ADDRESS_INSIDE, "/data/lab", "a", "b", "x[0:2,::3]",
     0},
    {"a/b#x:y", FF_ADDRESS_INSIDE, NULL, "a", "b", "x:y", 0},
    {"a/b[1:2]", FF_ADDRESS_INSIDE, NULL, "a", "b", "[1:2]", 0},
    {"a/b#", FF_ADDRESS_INSIDE, NULL, "a", "b", "", 0},
    {"@s.json:a/b", FF_ADDRESS_INSIDE, "@s.json", "a", "b", NULL, 0},
    {"{\"kind\": \"file\", \"options\": {\"path\": \"a}:\\\"/#\"}}:w/t",
     FF_ADDRESS_INSIDE, "{\"kind\": \"file\", \"options\": {\"path\": \"a}:\\\"/#\"}}",
     "w", "t", NULL, 0},
    {"{\"a\": \"\\\\\"}:w/t", FF_ADDRESS_INSIDE, "{\"a\": \"\\\\\"}", "w", "t", NULL, 0},
    {"a%3Ab/c%2fd%23%5B%25", FF_ADDRESS_TASK, NULL, "a:b", "c/d#[%", NULL, 0},
    {"d%3Ar:a/b", FF_ADDRESS_TASK, "d:r", "a", "b", NULL, 0},
    {"", FF_ADDRESS_PATTERN, NULL, NULL, NULL, NULL, 0},
    {"lab:", FF_ADDRESS_PATTERN, "lab", NULL, NULL, NULL, 0},
    {"a", FF_ADDRESS_PATTERN, NULL, "a", NULL, NULL, 0},
    {"a/b*", FF_ADDRESS_PATTERN, NULL, "a", "b*", NULL, 1},
    {"a/b[a-z]", FF_ADDRESS_PATTERN, NULL, "a", "b[a-z]", NULL, 1},
    {"a/b%2A", FF_ADDRESS_PATTERN, NULL, "a", "b*", NULL, 0},
    {"a/b%2Ac*%25", FF_ADDRESS_PATTERN, NULL, "a", "b[*]c*%", NULL, 1},
    {"lab:a", FF_ADDRESS_WORKFLOW, "lab", "a", NULL, NULL, 0},
};

static void check_text(const char *got, const char *want)
{
    if (want) {
        ck_assert_ptr_nonnull(got);
        ck_assert_str_eq(got, want);
    } else {
        ck_assert_ptr_null(got);
    }
}

START_TEST(address_well_formed_gives_its_parts)
{
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        const struct address_case *c = &good[i];
        struct ff_error e = FF_ERROR_INIT;
        struct ff_address a;
        int rc = ff_address_parse(&a, c->text, (enum ff_address_form)c->form, &e);
        ck_assert_msg(rc == FF_OK, "%s: %s", c->text, e.message);
        check_text(a.storage, c->storage);
        check_text(a.workflow, c->workflow);
        check_text(a.task, c->task);
        check_text(a.path, c->path);
        ck_assert_msg(a.is_pattern == c->is_pattern, "%s", c->text);
        ff_address_free(&a);
    }
}
END_TEST

START_TEST(address_malformed_is_refused)
{
    static const struct {
        const char *text;
        int form;
    } bad[] = {
        {"", FF_ADDRESS_TASK},        {"a", FF_ADDRESS_TASK},
        {"a/", FF_ADDRESS_TASK},      {"/b", FF_ADDRESS_TASK},
        {"a/b/c", FF_ADDRESS_INSIDE}, {"a/b#x", FF_ADDRESS_TASK},
        {"a/b[0]", FF_ADDRESS_TASK},  {"a/b#x", FF_ADDRESS_PATTERN},
        {"a/b", FF_ADDRESS_WORKFLOW}, {"a/b%", FF_ADDRESS_TASK},
        {"a/b%4", FF_ADDRESS_TASK},   {"a/b%zz", FF_ADDRESS_TASK},
        {"a/b%00", FF_ADDRESS_TASK},  {"a%/b", FF_ADDRESS_TASK},
        {":a/b", FF_ADDRESS_TASK},    {"{\"kind\": 1:a/b", FF_ADDRESS_TASK},
        {"{}a/b", FF_ADDRESS_TASK},   {"a/*%", FF_ADDRESS_PATTERN},
        {"s%:a/b", FF_ADDRESS_TASK},  {"/data/lab/a/b", FF_ADDRESS_PATTERN},
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_address a;
        int rc = ff_address_parse(&a, bad[i].text, (enum ff_address_form)bad[i].form, &e);
        ck_assert_msg(rc == FF_E_USAGE, "%s: %d", bad[i].text, rc);
        ck_assert_int_eq(e.code, FF_E_USAGE);
        ck_assert(e.message[0] && e.fix[0]);
        ff_address_free(&a);
    }
}
END_TEST

START_TEST(address_printed_is_read_back)
{
    char text[64];
    struct ff_error e = FF_ERROR_INIT;
    struct ff_address a;
    ck_assert_str_eq(ff_address_print("a:b", "c/d#[%", text, sizeof text),
                     "a%3Ab/c%2Fd%23%5B%25");
    ck_assert_int_eq(ff_address_parse(&a, text, FF_ADDRESS_TASK, &e), FF_OK);
    ck_assert_str_eq(a.workflow, "a:b");
    ck_assert_str_eq(a.task, "c/d#[%");
    ff_address_free(&a);
}
END_TEST

START_TEST(address_printed_into_a_small_buffer_is_cut)
{
    char text[12];
    for (size_t size = 1; size <= sizeof text; size++) {
        memset(text, 'x', sizeof text);
        (void)ff_address_print("abc:", "def:", text, size);
        ck_assert_uint_lt(strlen(text), size);
    }
}
END_TEST

/* ---- slices: what numpy gives for the same text ---- */

struct slice_case {
    const char *text;
    int32_t ndim;
    int64_t shape[3];
    int64_t start[3], count[3], step[3];
    unsigned char dropped[3];
};

static const struct slice_case slices[] = {
    {"0", 1, {5}, {0}, {1}, {1}, {1}},
    {"-1", 1, {5}, {4}, {1}, {1}, {1}},
    {":", 1, {5}, {0}, {5}, {1}, {0}},
    {"...", 1, {5}, {0}, {5}, {1}, {0}},
    {"1:3", 1, {5}, {1}, {2}, {1}, {0}},
    {"-3:-1", 1, {5}, {2}, {2}, {1}, {0}},
    {"::2", 1, {5}, {0}, {3}, {2}, {0}},
    {"1::2", 1, {5}, {1}, {2}, {2}, {0}},
    {"::9", 1, {5}, {0}, {1}, {1}, {0}},
    {"3:1", 1, {5}, {0}, {0}, {1}, {0}},
    {"9:", 1, {5}, {0}, {0}, {1}, {0}},
    {"-9:2", 1, {5}, {0}, {2}, {1}, {0}},
    {":-9", 1, {5}, {0}, {0}, {1}, {0}},
    {"::9223372036854775807", 1, {5}, {0}, {1}, {1}, {0}},
    {" 1 : 3 , 0 ", 2, {5, 4}, {1, 0}, {2, 1}, {1, 1}, {0, 1}},
    {"2", 2, {5, 4}, {2, 0}, {1, 4}, {1, 1}, {1, 0}},
    {"...,1", 3, {5, 4, 3}, {0, 0, 1}, {5, 4, 1}, {1, 1, 1}, {0, 0, 1}},
    {"1,...,-1", 3, {5, 4, 3}, {1, 0, 2}, {1, 4, 1}, {1, 1, 1}, {1, 0, 1}},
    {"0,1,2,...", 3, {5, 4, 3}, {0, 1, 2}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}},
    {"...", 0, {0}, {0}, {0}, {0}, {0}},
    {":", 1, {0}, {0}, {0}, {1}, {0}},
};

START_TEST(slice_gives_the_region_of_numpy)
{
    for (size_t i = 0; i < COUNT_OF(slices); i++) {
        const struct slice_case *c = &slices[i];
        struct ff_error e = FF_ERROR_INIT;
        struct ff_selection s;
        int rc = ff_selection_parse(&s, c->text, strlen(c->text), c->ndim, c->shape, &e);
        ck_assert_msg(rc == FF_OK, "[%s]: %s", c->text, e.message);
        for (int32_t k = 0; k < c->ndim; k++) {
            ck_assert_msg(s.start[k] == c->start[k] && s.count[k] == c->count[k] &&
                              s.step[k] == c->step[k] && s.dropped[k] == c->dropped[k],
                          "[%s] axis %d: %lld %lld %lld %d", c->text, (int)k,
                          (long long)s.start[k], (long long)s.count[k],
                          (long long)s.step[k], s.dropped[k]);
        }
    }
}
END_TEST

START_TEST(slice_malformed_is_refused)
{
    static const char *const bad[] = {
        "",
        "5",
        "-6",
        "a",
        "1:2:0",
        "1:2:-1",
        "1:2:3:4",
        "0,0,0",
        ",",
        "1,",
        "...,...",
        "0,0,...,0",
        "1.5",
        "None",
        "1 2",
        "--1",
        "+1",
        "0x1",
        "99999999999999999999",
        "....",
        "[0]",
    };
    static const int64_t shape[] = {5, 4};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_selection s;
        int rc = ff_selection_parse(&s, bad[i], strlen(bad[i]), 2, shape, &e);
        ck_assert_msg(rc == FF_E_USAGE, "[%s] was taken", bad[i]);
    }
}
END_TEST

START_TEST(path_with_a_bracket_at_its_end_is_split_there)
{
    ck_assert_int_eq(ff_selection_split("field[0]"), 5);
    ck_assert_int_eq(ff_selection_split("a[1][2:3]"), 4);
    ck_assert_int_eq(ff_selection_split("[0]"), 0);
    ck_assert_int_eq(ff_selection_split("a['b']"), -1);
    ck_assert_int_eq(ff_selection_split("a[0].b"), -1);
    ck_assert_int_eq(ff_selection_split("a"), -1);
    ck_assert_int_eq(ff_selection_split("]"), -1);
    ck_assert_int_eq(ff_selection_split(""), -1);
}
END_TEST

/* ---- numbers of options ---- */

START_TEST(size_with_a_unit_is_in_bytes)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {{"0", 0},
                 {"4096", 4096},
                 {"1K", 1024},
                 {"256M", UINT64_C(256) << 20},
                 {"256 MiB", UINT64_C(256) << 20},
                 {"2G", UINT64_C(2) << 30},
                 {"5kB", 5000}};
    static const char *const bad[] = {"",     "M",         "-1", "1X",
                                      "1.5G", "99999999T", "1 ", " 1"};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_error e = FF_ERROR_INIT;
        uint64_t bytes = 0;
        ck_assert_int_eq(ff_cli_parse_size(cases[i].text, &bytes, &e), FF_OK);
        ck_assert_uint_eq(bytes, cases[i].bytes);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ff_error e = FF_ERROR_INIT;
        uint64_t bytes;
        ck_assert_msg(ff_cli_parse_size(bad[i], &bytes, &e) == FF_E_USAGE, "%s", bad[i]);
    }
}
END_TEST

START_TEST(duration_with_a_unit_is_in_nanoseconds)
{
    static const struct {
        const char *text;
        int64_t ns;
    } cases[] = {{"0", 0},
                 {"0s", 0},
                 {"90s", INT64_C(90000000000)},
                 {"24h", INT64_C(86400000000000)},
                 {"7d", INT64_C(604800000000000)}};
    static const char *const bad[] = {"", "24", "h", "-1h", "1w", "999999999d"};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_error e = FF_ERROR_INIT;
        int64_t ns = -1;
        ck_assert_int_eq(ff_cli_parse_duration(cases[i].text, &ns, &e), FF_OK);
        ck_assert_int_eq(ns, cases[i].ns);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct ff_error e = FF_ERROR_INIT;
        int64_t ns;
        ck_assert_msg(ff_cli_parse_duration(bad[i], &ns, &e) == FF_E_USAGE, "%s", bad[i]);
    }
}
END_TEST

START_TEST(word_misspelt_gives_the_nearest)
{
    static const char *const names[] = {"show", "verify", "get", "put", "rm"};
    ck_assert_str_eq(ff_cli_nearest("shwo", names, COUNT_OF(names)), "show");
    ck_assert_str_eq(ff_cli_nearest("verfy", names, COUNT_OF(names)), "verify");
    ck_assert_str_eq(ff_cli_nearest("gte", names, COUNT_OF(names)), "get");
    ck_assert_ptr_null(ff_cli_nearest("frobnicate", names, COUNT_OF(names)));
    ck_assert_ptr_null(ff_cli_nearest("", names, COUNT_OF(names)));
    ck_assert_ptr_null(
        ff_cli_nearest("a-word-that-is-longer-than-any-name", names, COUNT_OF(names)));
}
END_TEST

RUN_TESTS("cli_address", address_well_formed_gives_its_parts,
          address_malformed_is_refused, address_printed_is_read_back,
          address_printed_into_a_small_buffer_is_cut, slice_gives_the_region_of_numpy,
          slice_malformed_is_refused, path_with_a_bracket_at_its_end_is_split_there,
          size_with_a_unit_is_in_bytes, duration_with_a_unit_is_in_nanoseconds,
          word_misspelt_gives_the_nearest)
