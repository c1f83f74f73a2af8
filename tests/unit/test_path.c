/* SPDX-License-Identifier: Apache-2.0 */
/* The language of paths. */
#include "view_help.h"

#include "run.h"

static const char value[] =
    "{\"field\":[10,20,[30]],\"a\":{\"b\":{\"$tuple\":[1,2,3]},\"it's\":4,\"\\n\":5,\"\":"
    "6},"
    "\"é\":7,\"n\":{\"$dict\":[[3,\"three\"],[-1,\"minus\"]]},\"args\":8,"
    "\"o\":{\"$object\":{\"how\":\"newobj\",\"callable\":{\"$global\":[\"m\",\"C\"]},"
    "\"args\":[9],"
    "\"list\":[\"x\",\"y\"],\"dict\":{\"k\":11},\"state\":{\"attr\":12,\"state\":13}}},"
    "\"s\":{\"$object\":{\"how\":\"newobj\",\"callable\":{\"$global\":[\"m\",\"S\"]},"
    "\"args\":[],"
    "\"state\":{\"$tuple\":[null,{\"slot\":14}]}}},"
    "\"od\":{\"$ordered_dict\":[[\"k\",15]]},\"dq\":{\"$deque\":{\"maxlen\":1,\"items\":["
    "16]}},"
    "\"c\":{\"$counter\":[[\"w\",17]]},\"sl\":{\"$slice\":[18,null,null]},\"\\u0000z\":"
    "19}";

static const struct {
    const char *path, *json;
} good[] = {
    {"field[0]", "10"},
    {"field[-1][0]", "30"},
    {"['field'][1]", "20"},
    {"[\"field\"]", "[10,20,[30]]"},
    {"a.b[2]", "3"},
    {"a['it\\'s']", "4"},
    {"a[\"it's\"]", "4"},
    {"a['\\n']", "5"},
    {"a['\\x0a']", "5"},
    {"a['']", "6"},
    {"é", "7"},
    {"['\\u00e9']", "7"},
    {"n[3]", "\"three\""},
    {"n[-1]", "\"minus\""},
    {"args", "8"},
    {"o.attr", "12"},
    {"o.state", "13"},
    {"o.args[0]", "9"},
    {"o['k']", "11"},
    {"o.k", "11"},
    {"o[1]", "\"y\""},
    {"o.items", "[\"x\",\"y\"]"},
    {"s.slot", "14"},
    {"s.state[1].slot", "14"},
    {"od['k']", "15"},
    {"od.k", "15"},
    {"dq[0]", "16"},
    {"c.w", "17"},
    {"sl.start", "18"},
    {"['\\x00z']", "19"},
    {".field[0]", "10"},
};

START_TEST(path_that_is_there_is_found)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = help_doc(value);
    struct ff_value v = ff_path(ff_doc_root(doc), good[_i].path, &e);
    char *json;
    ck_assert_msg(v.doc != NULL, "%s: %s", good[_i].path, e.message);
    json = help_json(v);
    ck_assert_msg(strcmp(json, good[_i].json) == 0, "%s: %s", good[_i].path, json);
    free(json);
    ff_doc_free(doc);
}
END_TEST

START_TEST(path_that_is_empty_is_the_value)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = help_doc("[1]");
    ck_assert(ff_same(ff_path(ff_doc_root(doc), "", &e), ff_doc_root(doc)));
    ff_doc_free(doc);
}
END_TEST

static const struct {
    const char *path;
    int code;
    const char *part; /* of the message */
} bad[] = {
    {"nothing", FF_E_NOT_FOUND, "nothing is not there"},
    {"field[3]", FF_E_NOT_FOUND, "field[3] is not there: field is a list"},
    {"field[-4]", FF_E_NOT_FOUND, "field[-4]"},
    {"field.x", FF_E_NOT_FOUND, "field.x is not there"},
    {"field['0']", FF_E_NOT_FOUND, "is a list"},
    {"a.b[0].c", FF_E_NOT_FOUND, "a.b[0] is a int"},
    {"o.zz", FF_E_NOT_FOUND, "object of m.C"},
    {"o['attr']", FF_E_NOT_FOUND, "o['attr']"},
    {"field[", FF_E_USAGE, "column 7"},
    {"field[1", FF_E_USAGE, "column 8: here should be a ']'"},
    {"field[x]", FF_E_USAGE, "column 7"},
    {"field[']", FF_E_USAGE, "not closed"},
    {"field]", FF_E_USAGE, "column 6"},
    {"a..b", FF_E_USAGE, "column 3"},
    {"a.", FF_E_USAGE, "column 3"},
    {"field[1]b", FF_E_USAGE, "column 9"},
    {"a['\\q']", FF_E_USAGE, "escape"},
    {"a['\\x4']", FF_E_USAGE, "hex"},
    {"a[99999999999999999999]", FF_E_USAGE, "too large"},
    {"\xff", FF_E_USAGE, "UTF-8"},
};

START_TEST(path_that_is_wrong_says_where)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = help_doc(value);
    ck_assert_ptr_null(ff_path(ff_doc_root(doc), bad[_i].path, &e).doc);
    ck_assert_msg(e.code == bad[_i].code, "%s: %d %s", bad[_i].path, e.code, e.message);
    ck_assert_msg(strstr(e.message, bad[_i].part) != NULL, "%s: %s", bad[_i].path,
                  e.message);
    ff_doc_free(doc);
}
END_TEST

START_TEST(arguments_that_are_absent_are_refused)
{
    struct ff_error e = FF_ERROR_INIT, f = FF_ERROR_INIT;
    struct ff_value nothing = {NULL, 0};
    struct ff_doc *doc = help_doc("1");
    ck_assert_ptr_null(ff_path(nothing, "a", &e).doc);
    ck_assert_int_eq(e.code, FF_E_TYPE);
    ck_assert_ptr_null(ff_path(ff_doc_root(doc), NULL, &f).doc);
    ck_assert_int_eq(f.code, FF_E_USAGE);
    ck_assert_ptr_null(ff_path(ff_doc_root(doc), "", &f).doc);
    ff_doc_free(doc);
}
END_TEST

START_TEST(path_of_any_length_is_walked)
{
    size_t depth = 20000;
    char *json = malloc(2 * depth + 2), *path = malloc(3 * depth + 1);
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc;
    for (size_t i = 0; i < depth; i++) {
        json[i] = '[';
        json[2 * depth - i] = ']';
        memcpy(path + 3 * i, "[0]", 3);
    }
    json[depth] = '1';
    json[2 * depth + 1] = '\0';
    path[3 * depth] = '\0';
    doc = help_doc(json);
    ck_assert_int_eq(ff_kind(ff_path(ff_doc_root(doc), path, &e)), FF_INT);
    free(json);
    free(path);
    ff_doc_free(doc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path");
    TCase *tcase = tcase_create("path");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, path_that_is_there_is_found, 0, COUNT_OF(good));
    tcase_add_test(tcase, path_that_is_empty_is_the_value);
    tcase_add_loop_test(tcase, path_that_is_wrong_says_where, 0, COUNT_OF(bad));
    tcase_add_test(tcase, arguments_that_are_absent_are_refused);
    tcase_add_test(tcase, path_of_any_length_is_walked);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
