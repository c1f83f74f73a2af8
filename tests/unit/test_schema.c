/* SPDX-License-Identifier: Apache-2.0 */
/* The options of plugins against the JSON Schema of a descriptor: place, what is expected, and
 * the nearest name. */
#include "core/schema.h"

#include <functionfuse/functionfuse.h>

#include "run.h"

#define SCHEMA                                                                           \
    "{\"type\": \"object\", \"additionalProperties\": false, \"required\": [\"path\"], " \
    "\"properties\": {\"path\": {\"type\": \"string\", \"description\": \"a folder\"}, " \
    "\"level\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 9, \"default\": "   \
    "4}, "                                                                               \
    "\"ratio\": {\"type\": \"number\", \"maximum\": 0.5}, "                              \
    "\"mode\": {\"enum\": [\"fast\", 2, null, true]}, \"on\": {\"type\": \"boolean\"}, " \
    "\"inner\": {\"type\": \"object\", \"properties\": {\"deep\": {\"type\": "           \
    "\"array\"}}}, "                                                                     \
    "\"none\": {\"type\": \"null\"}, \"any\": {}}}"

static const char *const good[] = {
    "{\"path\": \"x\"}",
    "{\"path\": \"\", \"level\": 1, \"ratio\": -3, \"on\": false, \"none\": null}",
    "{\"path\": \"x\", \"level\": 9, \"ratio\": 0.5, \"mode\": 2, \"any\": [1]}",
    "{\"path\": \"x\", \"mode\": null, \"any\": {\"a\": 1}}",
    "{\"path\": \"x\", \"mode\": true, \"inner\": {\"deep\": [], \"other\": 1}}",
};

START_TEST(options_that_fit_are_taken)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = ff_doc_new(&e);
        struct ff_value v = ff_from_json(doc, good[i], strlen(good[i]), NULL, &e);

        ck_assert_msg(ff_schema_check(SCHEMA, v, &e) == FF_OK, "%s: %s", e.place,
                      e.message);
        ff_doc_free(doc);
    }
}
END_TEST

static const struct {
    const char *options, *place, *message, *fix;
} bad[] = {
    {"{}", "options", "\"path\" is missing", ""},
    {"[]", "options", "kind list; expected: an object", ""},
    {"{\"path\": 1}", "options.path", "kind int; expected: a string", ""},
    {"{\"path\": \"x\", \"level\": 10}", "options.level",
     "is 10; expected: an integer from 1 to 9", ""},
    {"{\"path\": \"x\", \"level\": 0}", "options.level", "is 0", ""},
    {"{\"path\": \"x\", \"level\": 3.5}", "options.level", "kind float", ""},
    {"{\"path\": \"x\", \"level\": true}", "options.level", "kind bool", ""},
    {"{\"path\": \"x\", \"level\": 123456789012345678901234567890}", "options.level",
     "expected: an integer from 1 to 9", ""},
    {"{\"path\": \"x\", \"ratio\": 0.75}", "options.ratio",
     "is 0.75; expected: a number up to 0.5", ""},
    {"{\"path\": \"x\", \"mode\": \"fats\"}", "options.mode",
     "is \"fats\"; expected: \"fast\", 2, null, true", ""},
    {"{\"path\": \"x\", \"mode\": 1}", "options.mode", "is 1", ""},
    {"{\"path\": \"x\", \"mode\": 2.0}", "options.mode", "expected: \"fast\", 2", ""},
    {"{\"path\": \"x\", \"on\": 1}", "options.on", "expected: true or false", ""},
    {"{\"path\": \"x\", \"none\": 0}", "options.none", "expected: null", ""},
    {"{\"path\": \"x\", \"inner\": {\"deep\": \"secret\"}}", "options.inner.deep",
     "is of kind str; expected: an array", ""},
    {"{\"path\": \"x\", \"levl\": 1}", "options", "no option \"levl\"",
     "\"level\" may be meant"},
    {"{\"path\": \"x\", \"quite different\": 1}", "options", "no option",
     "there are: path, level, ratio, mode"},
};

START_TEST(options_that_do_not_fit_are_told_where_and_what_is_expected)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = ff_doc_new(&e);
        struct ff_value v =
            ff_from_json(doc, bad[i].options, strlen(bad[i].options), NULL, &e);

        ck_assert_int_eq(ff_schema_check(SCHEMA, v, &e), FF_E_USAGE);
        ck_assert_str_eq(e.place, bad[i].place);
        ck_assert_msg(strstr(e.message, bad[i].message), "%s", e.message);
        ck_assert_msg(strstr(e.fix, bad[i].fix), "%s", e.fix);
        ck_assert_msg(!strstr(e.message, "secret"), "%s", e.message);
        ff_doc_free(doc);
    }
}
END_TEST

START_TEST(no_options_are_as_an_empty_object)
{
    static const char free_of[] = "{\"properties\": {\"a\": {\"type\": \"string\"}}}";
    struct ff_error e = FF_ERROR_INIT;

    ck_assert_int_eq(ff_schema_check(NULL, (struct ff_value){NULL, 0}, &e), FF_OK);
    ck_assert_int_eq(ff_schema_check(free_of, (struct ff_value){NULL, 0}, &e), FF_OK);
    ck_assert_int_eq(ff_schema_check(SCHEMA, (struct ff_value){NULL, 0}, &e), FF_E_USAGE);
}
END_TEST

static const struct {
    const char *schema, *place, *message;
} wrong[] = {
    {"", "", ""},
    {"{", "", ""},
    {"[]", "options", "no JSON object"},
    {"{\"type\": \"text\"}", "options", "\"type\""},
    {"{\"type\": [\"string\"]}", "options", "\"type\""},
    {"{\"properties\": []}", "options", "\"properties\""},
    {"{\"properties\": {\"a\": {\"properties\": {\"b\": 1}}}}", "options.a.b",
     "no JSON object"},
    {"{\"properties\": {\"a\": {\"minimum\": \"1\"}}}", "options.a", "\"minimum\""},
    {"{\"maximum\": true}", "options", "\"maximum\""},
    {"{\"required\": \"a\"}", "options", "\"required\""},
    {"{\"required\": [1]}", "options", "\"required\""},
    {"{\"enum\": []}", "options", "\"enum\""},
    {"{\"description\": 1}", "options", "\"description\""},
    {"{\"additionalProperties\": {}}", "options", "\"additionalProperties\""},
    {"{\"pattern\": \"a*\"}", "options", "\"pattern\" is not a keyword"},
};

START_TEST(schema_that_is_none_is_refused)
{
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct ff_error e = FF_ERROR_INIT;

        ck_assert_int_eq(ff_schema_verify(wrong[i].schema, &e), FF_E_PLUGIN);
        ck_assert_msg(strstr(e.place, wrong[i].place), "%s", e.place);
        ck_assert_msg(strstr(e.message, wrong[i].message), "%s", e.message);
    }
}
END_TEST

START_TEST(schema_that_is_one_is_taken)
{
    struct ff_error e = FF_ERROR_INIT;

    ck_assert_msg(ff_schema_verify(SCHEMA, &e) == FF_OK, "%s: %s", e.place, e.message);
    ck_assert_int_eq(ff_schema_verify(NULL, &e), FF_OK);
    ck_assert_int_eq(ff_schema_verify("{}", &e), FF_OK);
}
END_TEST

RUN_TESTS("schema", options_that_fit_are_taken,
          options_that_do_not_fit_are_told_where_and_what_is_expected,
          no_options_are_as_an_empty_object, schema_that_is_none_is_refused,
          schema_that_is_one_is_taken)
