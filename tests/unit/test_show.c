/* SPDX-License-Identifier: Apache-2.0 */
/* The tree for people. */
#include "view_help.h"

#include "run.h"

static const struct {
    const char *json, *shown;
} table[] = {
    {"null", "None\n"},
    {"true", "True\n"},
    {"-12", "-12\n"},
    {"1e100", "1e+100\n"},
    {"\"a\\n\\u001b[31m\\u202e\\u009b\"", "\"a\\n\\u001b[31m\\u202e\\u009b\"\n"},
    {"{\"$bytes\":\"AP8=\"}", "bytes 2: 00ff\n"},
    {"[]", "[]\n"},
    {"{}", "{}\n"},
    {"{\"$tuple\":[]}", "()\n"},
    {"{\"$tuple\":[1]}", "(1,)\n"},
    {"{\"$set\":[1,2]}", "set {1, 2}\n"},
    {"{\"$frozenset\":[1,2]}", "frozenset {1, 2}\n"},
    {"[1,\"a\",null]", "[1, \"a\", None]\n"},
    {"{\"a\":[1,[2]]}", "{\n  \"a\": [\n    1\n    [2]\n  ]\n}\n"},
    {"{\"$dict\":[[{\"$tuple\":[1,2]},[[]]],[{\"$date\":\"2024-01-01\"},1]]}",
     "{\n  (1, 2): [\n    []\n  ]\n  date 2024-01-01: 1\n}\n"},
    {"{\"$ordered_dict\":[[\"a\",1]]}", "OrderedDict {\"a\": 1}\n"},
    {"{\"$deque\":{\"maxlen\":5,\"items\":[1]}}", "deque 5 [1]\n"},
    {"{\"$decimal\":\"1.50\"}", "Decimal 1.50\n"},
    {"{\"$fraction\":\"1/3\"}", "Fraction 1/3\n"},
    {"{\"$complex\":[1,-2]}", "complex 1.0-2.0j\n"},
    {"{\"$range\":[1,10,2]}", "range(1, 10, 2)\n"},
    {"{\"$uuid\":\"00000000-0000-0000-0000-000000000005\"}",
     "UUID 00000000-0000-0000-0000-000000000005\n"},
    {"{\"$path\":\"/a\\u001b\"}", "PosixPath /a?\n"},
    {"{\"$global\":[\"a.b\",\"C\"]}", "<a.b.C>\n"},
    {"{\"$dtype\":\"<f8\"}", "dtype <f8\n"},
    {"{\"$scalar\":{\"dtype\":\"<f4\",\"data\":\"AADAPw==\"}}", "scalar <f4 1.5\n"},
    {"{\"$scalar\":{\"dtype\":\">i2\",\"data\":\"//4=\"}}", "scalar >i2 -2\n"},
    {"{\"$ndarray\":{\"dtype\":\"<i2\",\"shape\":[2],\"data\":\"AQACAA==\"}}",
     "ndarray <i2 (2,)\n"},
    {"{\"$persistent\":{\"serializer\":\"S\",\"version\":\"0.0.0\",\"name\":\"n\"}}",
     "<S 0.0.0 n>\n"},
    {"{\"$object\":{\"how\":\"newobj\",\"callable\":{\"$global\":[\"acme\",\"Wave\"]},"
     "\"args\":[],"
     "\"state\":{\"x\":[[1]]}}}",
     "acme.Wave {\n  state: {\n    \"x\": [\n      [1]\n    ]\n  }\n}\n"},
    {"{\"$object\":{\"callable\":{\"$global\":[\"acme\",\"make\"]},\"args\":[1]}}",
     "<acme.make> {\n  args: (1,)\n}\n"},
    {"{\"x\":{\"$id\":1,\"$value\":[1]},\"y\":{\"$ref\":1}}",
     "{\n  \"x\": #1 [1]\n  \"y\": <ref #1>\n}\n"},
    {"{\"$value\":null,\"$effects\":[[\"call\",{\"$object\":{\"callable\":{\"$global\":["
     "\"m\",\"C\"]},\"args\":[1]}}],[\"set\",{\"$global\":[\"m\",\"D\"]},\"a\",[]]]}",
     "None\ncalled, dropped: m.C {\n  args: (1,)\n}\nset in: <m.D>\n  key: \"a\"\n"
     "  value: []\n"},
    {"{\"$id\":1,\"$value\":[{\"$ref\":1}]}", "#1 [\n  <ref #1>\n]\n"},
};

START_TEST(value_is_shown_as_its_tree)
{
    struct ff_doc *doc = help_doc(table[_i].json);
    char *text = help_show(ff_doc_root(doc), 0, 0);
    ck_assert_str_eq(text, table[_i].shown);
    free(text);
    ff_doc_free(doc);
}
END_TEST

START_TEST(array_is_shown_without_elements)
{
    static const char json[] =
        "{\"field\":{\"$npy\":\"coads_sst.npy\",\"chunks\":[1,90,180]}}";
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    char *text = help_show(ff_from_json(doc, json, sizeof json - 1, DATA_DIR, &e), 0, 0);
    ck_assert_str_eq(text,
                     "{\n  \"field\": array <f4 (12, 90, 180) chunks (1, 90, 180)\n}\n");
    free(text);
    ff_doc_free(doc);
}
END_TEST

static int count_chunks(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                        const struct ff_call *call, struct ff_error *e)
{
    (void)start, (void)call, (void)e;
    ++*(int *)ctx;
    memset(dst, 0, (size_t)count[0]);
    return FF_OK;
}

START_TEST(array_that_is_shown_is_not_asked_for_elements)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    int chunks = 0;
    char elements[8];
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 1,
                                .descr = "|u1",
                                .shape = (int64_t[]){8},
                                .chunk = (int64_t[]){4},
                                .fill = count_chunks,
                                .ctx = &chunks};
    struct ff_value v = ff_new_array_take(doc, ff_array_new(&p, &e), &e);
    char *text = help_show(v, 0, 0);
    ck_assert_str_eq(text, "array |u1 (8,) chunks (4,)\n");
    ck_assert_int_eq(chunks, 0);
    ck_assert_int_eq(ff_array_read(ff_array(v, &e), NULL, elements, NULL, NULL, &e), 0);
    ck_assert_int_eq(chunks, 2);
    free(text);
    ff_doc_free(doc);
}
END_TEST

START_TEST(document_that_was_read_knows_what_it_shares)
{
    struct ff_doc *doc = help_golden("file-numpy1", "shared");
    char *text = help_show(ff_doc_root(doc), 0, 0);
    ck_assert_str_eq(text, "{\n  \"x\": #1 [\"shared\"]\n  \"y\": <ref #1>\n}\n");
    free(text);
    ff_doc_free(doc);
}
END_TEST

START_TEST(text_that_is_long_is_cut_with_its_size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    char *long_text = calloc(1, 5001), *text;
    memset(long_text, 'x', 5000);
    text = help_show(ff_new_str(doc, long_text, SIZE_MAX, &e), 0, 0);
    ck_assert_uint_lt(strlen(text), 230);
    ck_assert_ptr_nonnull(strstr(text, "xx\"... 5000 bytes\n"));
    free(long_text);
    free(text);
    ff_doc_free(doc);
}
END_TEST

START_TEST(output_is_never_longer_than_its_budget)
{
    static const size_t budgets[] = {1, 5, 6, 10, 100, 1000};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value list = ff_new_list(doc, &e);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(ff_append(doc, list, ff_new_int(doc, i, &e), &e), FF_OK);
    }
    for (size_t i = 0; i < COUNT_OF(budgets); i++) {
        char *text = help_show(list, budgets[i], 0);
        size_t room = budgets[i] < 5 ? 5 : budgets[i];
        ck_assert_uint_le(strlen(text), room);
        ck_assert_str_eq(text + strlen(text) - 4, "...\n");
        free(text);
    }
    ff_doc_free(doc);
}
END_TEST

START_TEST(tree_that_is_deep_is_cut_at_its_depth)
{
    struct ff_doc *doc = help_doc("[[[[[[1]]]]]]");
    char *text = help_show(ff_doc_root(doc), 0, 2);
    ck_assert_str_eq(text, "[\n  [\n    [...]\n  ]\n]\n");
    free(text);
    ff_doc_free(doc);
}
END_TEST

/* Without references this would be 2^60 lines. */
START_TEST(tree_that_shares_is_never_unfolded)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_new_list(doc, &e);
    char *text;
    for (int i = 0; i < 60; i++) {
        struct ff_value outer = ff_new_list(doc, &e);
        ck_assert_int_eq(ff_append(doc, outer, v, &e), FF_OK);
        ck_assert_int_eq(ff_append(doc, outer, v, &e), FF_OK);
        v = outer;
    }
    text = help_show(v, 0, 1000);
    ck_assert_uint_lt(strlen(text), 20000);
    ck_assert_ptr_null(strstr(text, "..."));
    free(text);
    ff_doc_free(doc);
}
END_TEST

START_TEST(arguments_that_are_absent_are_refused)
{
    struct ff_error e = FF_ERROR_INIT, f = FF_ERROR_INIT;
    struct ff_value nothing = {NULL, 0};
    struct ff_doc *doc = help_doc("1");
    ck_assert_int_eq(ff_show(nothing, 0, 0, help_write, NULL, &e), FF_E_TYPE);
    ck_assert_int_eq(ff_show(ff_doc_root(doc), 0, 0, NULL, NULL, &f), FF_E_USAGE);
    ck_assert_int_eq(ff_show(ff_doc_root(doc), 0, 0, help_write, NULL, &f), FF_E_USAGE);
    ff_doc_free(doc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("show");
    TCase *tcase = tcase_create("show");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, value_is_shown_as_its_tree, 0, COUNT_OF(table));
    tcase_add_test(tcase, array_is_shown_without_elements);
    tcase_add_test(tcase, array_that_is_shown_is_not_asked_for_elements);
    tcase_add_test(tcase, document_that_was_read_knows_what_it_shares);
    tcase_add_test(tcase, text_that_is_long_is_cut_with_its_size);
    tcase_add_test(tcase, output_is_never_longer_than_its_budget);
    tcase_add_test(tcase, tree_that_is_deep_is_cut_at_its_depth);
    tcase_add_test(tcase, tree_that_shares_is_never_unfolded);
    tcase_add_test(tcase, arguments_that_are_absent_are_refused);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
