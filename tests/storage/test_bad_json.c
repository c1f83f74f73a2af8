/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a storage, and of the configuration, that is wrong: the place, the cause, and
 * what was meant. */
#include <string.h>

#include "hostile.h"

static const struct {
    const char *json;
    struct said said;
    const char *fix;
} jsons[] = {
    {"{\"kind\": \"fiel\"}", {FF_E_USAGE, "storage", "file", 1}, "\"file\""},
    {"{\"kind\": \"fiel\"}", {FF_E_USAGE, "storage", "memory", 1}, "did you mean"},
    {"{\"kind\": \"File\"}", {FF_E_USAGE, "storage", "File", 1}, "\"file\""},
    {"{\"kind\": \"zzzzzzzz\"}", {FF_E_USAGE, "storage", "file", 1}, "install"},
    {"{\"kind\": \"\"}", {FF_E_USAGE, "storage", "there are", 1}, ""},
    {"{\"kind\": 7}", {FF_E_USAGE, "storage", "\"kind\"", 1}, "\"kind\""},
    {"{\"options\": {}}", {FF_E_USAGE, "storage", "\"kind\"", 1}, "\"kind\""},
    {"{\"kind\": \"file\", \"options\": []}",
     {FF_E_USAGE, "storage", "\"options\"", 1},
     "options"},
    {"{\"kind\": \"file\", \"option\": {}}",
     {FF_E_USAGE, "storage", "\"option\"; did you mean \"options\"", 1},
     "options"},
    {"[]", {FF_E_USAGE, "storage", "object", 1}, "kind"},
    {"7", {FF_E_USAGE, "storage", "object", 1}, "kind"},
    {"null", {FF_E_USAGE, "storage", "object", 1}, "kind"},
    {"", {FF_E_USAGE, "line 1, column 1", NULL, 1}, ""},
    {"{\"kind\": \"file\",\n \"options\": {\"path\" \"x\"}}",
     {FF_E_USAGE, "line 2, column 21", NULL, 1},
     ""},
    {"{\"kind\": \"file\"", {FF_E_USAGE, "line 1, column", NULL, 1}, ""},
    {"{\"kind\": \"file\"} x", {FF_E_USAGE, "line 1, column 18", NULL, 1}, ""},
    {"{'kind': 'file'}", {FF_E_USAGE, "line 1, column 2", NULL, 1}, ""},
    {"{\"kind\": \"file\", \"options\": {\"path\": 7}}",
     {FF_E_USAGE, "options.path", "a string", 1},
     ""},
    {"{\"kind\": \"file\", \"options\": {}}", {FF_E_USAGE, "options", "path", 1}, ""},
    {"{\"kind\": \"file\", \"options\": {\"path\": \"\"}}",
     {FF_E_USAGE, NULL, NULL, 1},
     ""},
    {"{\"kind\": \"file\", \"options\": {\"path\": \"a\\u0000b\"}}",
     {FF_E_USAGE, "options", NULL, 1},
     ""},
    {"{\"kind\": \"file\", \"options\": {\"path\": \"x\", \"pth\": \"y\"}}",
     {FF_E_USAGE, "options", "pth", 1},
     "path"},
};

START_TEST(storage_json_that_is_wrong_is_told_with_its_place)
{
    struct ff_error ok = FF_ERROR_INIT;
    struct ff_host *host =
        new_host("{\"plugins\": {\"enable\": [\"memory\", \"fault\"]}}", &ok);
    for (size_t i = 0; i < COUNT_OF(jsons); i++) {
        struct ff_error e = FF_ERROR_INIT;
        ck_assert_ptr_null(ff_storage_factory(host, jsons[i].json, &e));
        expect_said(jsons[i].json, &e, &jsons[i].said);
        ck_assert_msg(strstr(e.fix, jsons[i].fix), "%s: fix: %s", jsons[i].json, e.fix);
    }
    CHECK_CODE(ff_storage_factory(host, NULL, ee) ? 0 : ee->code, FF_E_USAGE);
    ff_host_close(host);
}
END_TEST

START_TEST(configuration_that_is_wrong_opens_no_host)
{
    static const struct {
        const char *json;
        struct said said;
    } rows[] = {
        {"{\"threads\": 1,\n}", {FF_E_USAGE, NULL, "line 2, column", 1}},
        {"{\"thread\": 1}", {FF_E_USAGE, NULL, "thread", 1}},
        {"{\"threads\": \"1\"}", {FF_E_USAGE, NULL, "integer", 1}},
        {"{\"memory\": \"lots\"}", {FF_E_USAGE, NULL, "memory", 1}},
        {"{\"durability\": \"half\"}", {FF_E_USAGE, NULL, "full", 1}},
        {"{\"storages\": {\"a\": {\"kind\": 7}}, \"default\": \"b\"}",
         {FF_E_USAGE, NULL, "default", 1}},
        {"{\"plugins\": {\"require\": [\"nosuch\"]}}", {FF_E_PLUGIN, NULL, NULL, 1}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        ck_assert_ptr_null(new_host(rows[i].json, &e));
        ck_assert_msg(e.place[0], "%s: no place: %s", rows[i].json, e.message);
        expect_said(rows[i].json, &e, &rows[i].said);
    }
}
END_TEST

RUN_TESTS("bad_json", storage_json_that_is_wrong_is_told_with_its_place,
          configuration_that_is_wrong_opens_no_host)
