/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration may say, where it is found, how it is edited. */
#include "core/config.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "host_help.h"
#include "run.h"

static struct ff_config *load(const char *json, struct ff_error *e)
{
    struct ff_config *c = NULL;

    (void)ff_config_load(&ff_sys_posix, NULL, json, &c, e);
    return c;
}

static const struct {
    const char *json, *message, *fix;
} wrong[] = {
    {"", "line 1, column 0: ", ""},
    {"{", "line 1, column 1: ", ""},
    {"{\n  \"threads\": 1,\n  \"memory\" 5\n}", "line 3, column 1", ""},
    {"{\"threads\": 1, \"threads\": 2}", "duplicate object key", ""},
    {"[]", "the whole: an object is expected, not an array", ""},
    {"5", "the whole: an object is expected, not an integer", ""},
    {"{\"plugin\": {}}", "/plugin: there is no such key", "did you mean \"plugins\"?"},
    {"{\"xyzzyx\": 1}", "/xyzzyx: there is no such key", "ff(1)"},
    {"{\"a/b~c\": 1}", "/a~1b~0c: there is no such key", ""},
    {"{\"plugins\": []}", "/plugins: an object is expected, not an array", ""},
    {"{\"plugins\": {\"enabel\": []}}", "/plugins/enabel: ", "did you mean \"enable\"?"},
    {"{\"plugins\": {\"enable\": \"x\"}}",
     "/plugins/enable: an array of strings is expected, not a string", ""},
    {"{\"plugins\": {\"enable\": [\"a\", 2]}}",
     "/plugins/enable/1: a string is expected, not an integer", ""},
    {"{\"plugins\": {\"disable\": [\"\"]}}", "/plugins/disable/0: a name", ""},
    {"{\"plugins\": {\"path\": [\"lib\"]}}", "/plugins/path/0: an absolute path", ""},
    {"{\"plugins\": {\"options\": {\"a\": 1}}}",
     "/plugins/options/a: an object is expected, not an integer", ""},
    {"{\"plugins\": {\"options\": []}}", "/plugins/options: an object", ""},
    {"{\"storages\": {\"lab\": \"x\"}}", "/storages/lab: an object is expected", ""},
    {"{\"default\": 7}", "/default: a string is expected, not an integer", ""},
    {"{\"default\": \"lab\"}", "/default: there is no such member", "./lab"},
    {"{\"threads\": 0}", "/threads: 1 to 4096", ""},
    {"{\"threads\": 5000}", "/threads: 1 to 4096", ""},
    {"{\"threads\": 1.5}", "/threads: an integer is expected, not a fraction", ""},
    {"{\"threads\": true}", "/threads: an integer is expected, not true", ""},
    {"{\"memory\": 0}", "/memory: more than 0", ""},
    {"{\"memory\": -1}", "/memory: more than 0", ""},
    {"{\"memory\": \"much\"}", "/memory: more than 0", ""},
    {"{\"memory\": \"99999999999999999999\"}", "/memory: more than 0", ""},
    {"{\"memory\": \"99999999999 TiB\"}", "/memory: more than 0", ""},
    {"{\"memory\": null}", "/memory: a number of bytes", ""},
    {"{\"arrays\": []}", "/arrays: an object is expected, not an array", ""},
    {"{\"arrays\": {\"chunk\": 1}}", "/arrays/chunk: ", "did you mean \"chunks\"?"},
    {"{\"arrays\": {\"chunks\": \"big\"}}", "/arrays/chunks: \"auto\", or 1 byte", ""},
    {"{\"arrays\": {\"chunks\": 0}}", "/arrays/chunks: \"auto\", or 1 byte", ""},
    {"{\"arrays\": {\"chunks\": \"2GiB\"}}", "/arrays/chunks: \"auto\", or 1 byte", ""},
    {"{\"arrays\": {\"chunks\": [64, 64]}}", "/arrays/chunks: \"auto\", a size", ""},
    {"{\"arrays\": {\"inline\": 1}}", "/arrays/inline: true or false", ""},
    {"{\"durability\": \"ful\"}", "/durability: \"full\" or \"none\"", ""},
    {"{\"durability\": 1}", "/durability: a string", ""},
};

START_TEST(wrong_text_is_named_with_its_place)
{
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_config *c = load(wrong[i].json, &e);

        ck_assert_int_eq(e.code, FF_E_USAGE);
        ck_assert_msg(strstr(e.message, wrong[i].message), "%s: \"%s\" has no \"%s\"",
                      wrong[i].json, e.message, wrong[i].message);
        ck_assert_msg(strstr(e.fix, wrong[i].fix), "%s: \"%s\"", wrong[i].json, e.fix);
        ck_assert_str_eq(e.place, "the configuration");
        ff_config_free(c);
    }
}
END_TEST

START_TEST(good_text_is_taken)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_config *c;

    ck_assert_int_eq(setenv("HOME", "/home/me", 1), 0);
    c = load(
        "{\"plugins\": {\"path\": [\"/a\", \"~/b\", \"~\"], \"enable\": [\"x\", \"y\"],"
        " \"disable\": [\"z\"], \"require\": [\"x\"], \"owners\": [\"0\", \"root\"],"
        " \"probe\": true,"
        " \"options\": {\"x\": {\"deep\": {\"key\": \"kept\"}, \"n\": 0.1}}},"
        " \"storages\": {\"lab\": {\"kind\": \"S3\", \"options\": {\"path\": \"/b\","
        " \"s3fs\": {\"key\": \"AK\", \"secret\": \"SK\", \"endpoint_url\": \"u\"}}}},"
        " \"default\": \"lab\", \"threads\": 3, \"memory\": \"64 KiB\","
        " \"durability\": \"none\", \"arrays\": {\"chunks\": \"1 MiB\", \"inline\": "
        "true}}",
        &e);
    ck_assert_msg(!e.code, "%s", e.message);
    ck_assert_str_eq(c->plugin_path[0], "/a");
    ck_assert_str_eq(c->plugin_path[1], "/home/me/b");
    ck_assert_str_eq(c->plugin_path[2], "/home/me");
    ck_assert_ptr_null(c->plugin_path[3]);
    ck_assert_int_eq(ff_list_find(c->enable, "y"), 1);
    ck_assert_int_eq(ff_list_find(c->enable, "z"), -1);
    ck_assert_str_eq(c->disable[0], "z");
    ck_assert_str_eq(c->require[0], "x");
    ck_assert_str_eq(c->owners[1], "root");
    ck_assert_int_eq(c->probe, 1);
    ck_assert_str_eq(ff_named_find(&c->options, "x")->json,
                     "{\"deep\":{\"key\":\"kept\"},\"n\":0.10000000000000001}");
    ck_assert_str_eq(
        ff_named_find(&c->storages, "lab")->json,
        "{\"kind\":\"S3\",\"options\":{\"path\":\"/b\",\"s3fs\":{\"key\":\"AK\","
        "\"secret\":\"SK\",\"endpoint_url\":\"u\"}}}");
    ck_assert_str_eq(
        ff_named_find(&c->storages, "lab")->redacted,
        "{\"kind\":\"S3\",\"options\":{\"path\":\"/b\",\"s3fs\":{\"key\":\"***\","
        "\"secret\":\"***\",\"endpoint_url\":\"u\"}}}");
    ck_assert_ptr_null(ff_named_find(&c->storages, "la"));
    ck_assert_str_eq(c->default_storage, "lab");
    ck_assert_uint_eq(c->threads, 3);
    ck_assert_uint_eq(c->memory_bytes, 65536);
    ck_assert_int_eq(c->durability, FF_DURABILITY_NONE);
    ck_assert_uint_eq(c->chunk_bytes, 1 << 20);
    ck_assert_int_eq(c->inlines, 1);
    ff_config_free(c);
}
END_TEST

START_TEST(empty_object_says_nothing)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_config *c = load("{}", &e);

    ck_assert_int_eq(e.code, FF_OK);
    ck_assert_ptr_null(c->enable[0]);
    ck_assert_uint_eq(c->threads, 0);
    ck_assert_uint_eq(c->memory_bytes, 0);
    ck_assert_int_eq(c->durability, -1);
    ck_assert_uint_eq(c->chunk_bytes, 0);
    ck_assert_int_eq(c->inlines, 0);
    ck_assert_ptr_null(c->default_storage);
    ck_assert_str_eq(c->origin, "options");
    ff_config_free(c);
}
END_TEST

START_TEST(sizes_are_read_with_units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } rows[] = {{"7", 7},
                {"1B", 1},
                {"2KiB", 2048},
                {"3 mib", 3 << 20},
                {"4GiB", UINT64_C(4) << 30},
                {"5TiB", UINT64_C(5) << 40},
                {"6KB", 6000},
                {"7MB", 7000000},
                {"8GB", UINT64_C(8000000000)},
                {"9TB", UINT64_C(9000000000000)},
                {"", 0},
                {"x", 0},
                {"1 x", 0},
                {"-1", 0},
                {"1.5GiB", 0}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_msg(ff_config_bytes(rows[i].text) == rows[i].bytes, "%s", rows[i].text);
    }
}
END_TEST

/* Write `text` as home/rest, with the folders between. */
static void put(const struct stage *s, const char *rest, const char *text)
{
    char command[400], path[256];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", s->home, rest);
    (void)snprintf(command, sizeof command, "mkdir -p $(dirname '%s')", path);
    ck_assert_int_eq(system(command), 0);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    (void)fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

/* What a lookup finds, told by its number of threads; 0 = nothing. */
static uint32_t found(const char *path)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_config *c = NULL;
    uint32_t threads;

    ck_assert_int_eq(ff_config_load(&ff_sys_posix, path, NULL, &c, &e), FF_OK);
    threads = c->threads;
    ff_config_free(c);
    return threads;
}

START_TEST(lookup_takes_the_first_that_is_named)
{
    struct stage stage;
    char path[128];

    stage_open(&stage);
    ck_assert_uint_eq(found(NULL), 0);
    put(&stage, ".config/functionfuse/config.json", "{\"threads\": 1}");
    ck_assert_uint_eq(found(NULL), 1);
    put(&stage, "xdg/functionfuse/config.json", "{\"threads\": 2}");
    (void)snprintf(path, sizeof path, "%s/xdg", stage.home);
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", path, 1), 0);
    ck_assert_uint_eq(found(NULL), 2);
    put(&stage, "env.json", "{\"threads\": 3}");
    (void)snprintf(path, sizeof path, "%s/env.json", stage.home);
    ck_assert_int_eq(setenv("FF_CONFIG", path, 1), 0);
    ck_assert_uint_eq(found(NULL), 3);
    put(&stage, "arg.json", "{\"threads\": 4}");
    (void)snprintf(path, sizeof path, "%s/arg.json", stage.home);
    ck_assert_uint_eq(found(path), 4);
    ck_assert_uint_eq(found(""), 0);
    stage_close(&stage);
}
END_TEST

START_TEST(lookup_in_the_current_folder_finds_nothing)
{
    struct stage stage;

    stage_open(&stage);
    put(&stage, "config.json", "{\"threads\": 5}");
    put(&stage, "functionfuse/config.json", "{\"threads\": 6}");
    ck_assert_int_eq(setenv("XDG_CONFIG_HOME", ".", 1), 0); /* relative: not valid */
    ck_assert_int_eq(chdir(stage.home), 0);
    ck_assert_uint_eq(found(NULL), 0);
    stage_close(&stage);
}
END_TEST

START_TEST(named_file_that_is_missing_is_an_error)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_config *c = NULL;
    struct stage stage;

    stage_open(&stage);
    ck_assert_int_eq(
        ff_config_load(&ff_sys_posix, stage_path(&stage, "none.json"), NULL, &c, &e),
        FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(e.place, "none.json"));
    ff_config_free(c);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_config_load(&ff_sys_posix, stage.dir, NULL, &c, &e), FF_E_IO);
    ff_config_free(c);
    stage_close(&stage);
}
END_TEST

START_TEST(broken_file_is_named_with_line_and_column)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_config *c = NULL;
    struct stage stage;

    stage_open(&stage);
    stage_write(&stage, "c.json", "{\n \"threads\": x\n}");
    ck_assert_int_eq(
        ff_config_load(&ff_sys_posix, stage_path(&stage, "c.json"), NULL, &c, &e),
        FF_E_USAGE);
    ck_assert_str_eq(e.place, stage_path(&stage, "c.json"));
    ck_assert_ptr_nonnull(strstr(e.message, "line 2, column 13"));
    ff_config_free(c);
    stage_close(&stage);
}
END_TEST

static void check_edit(const char *old, const char *name, int on, const char *expected)
{
    struct ff_error e = FF_ERROR_INIT;
    char *text = ff_config_edit("f", old, old ? strlen(old) : 0,
                                &(struct ff_config_change){.name = name, .on = on}, &e);

    ck_assert_msg(text != NULL, "%s", e.message);
    ck_assert_str_eq(text, expected);
    ff_free(text);
}

START_TEST(edit_moves_the_name_and_keeps_the_rest)
{
    struct ff_error e = FF_ERROR_INIT;

    check_edit(NULL, "a", 1,
               "{\n  \"plugins\": {\n    \"enable\": [\n      \"a\"\n    ]\n  }\n}");
    check_edit(
        "{\"threads\": 2, \"plugins\": {\"enable\": [\"b\"], \"disable\": [\"a\"]}}", "a",
        1,
        "{\n  \"threads\": 2,\n  \"plugins\": {\n    \"enable\": [\n      \"b\",\n"
        "      \"a\"\n    ],\n    \"disable\": []\n  }\n}");
    check_edit("{\"plugins\": {\"enable\": [\"a\"]}}", "a", 1,
               "{\n  \"plugins\": {\n    \"enable\": [\n      \"a\"\n    ]\n  }\n}");
    check_edit("{\"plugins\": {\"enable\": [\"a\", \"b\", \"a\"]}}", "a", 0,
               "{\n  \"plugins\": {\n    \"enable\": [\n      \"b\"\n    ],\n"
               "    \"disable\": [\n      \"a\"\n    ]\n  }\n}");
    ck_assert_ptr_null(ff_config_edit(
        "f", "{\"x\": 1}", 8, &(struct ff_config_change){.name = "a", .on = 1}, &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
}
END_TEST

START_TEST(quote_escapes_what_json_wants)
{
    struct ff_buf text;

    ff_buf_init(&text, 100);
    ck_assert_int_eq(ff_config_quote(&text, "a\"b\\c\n\xc3\xa4"), 0);
    ck_assert_str_eq(ff_buf_text(&text), "\"a\\\"b\\\\c\\u000a\xc3\xa4\"");
    ff_buf_free(&text);
}
END_TEST

START_TEST(secrets_are_found_by_their_names)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_config *c =
        load("{\"storages\": {\"a\": {\"Password\": \"x\", \"list\": [{\"token\": 5}],"
             " \"aws_secret_access_key\": \"y\", \"keys\": [1, 2], \"plain\": \"z\"}}}",
             &e);

    ck_assert_str_eq(
        ff_named_find(&c->storages, "a")->redacted,
        "{\"Password\":\"***\",\"list\":[{\"token\":\"***\"}],"
        "\"aws_secret_access_key\":\"***\",\"keys\":\"***\",\"plain\":\"z\"}");
    ff_config_free(c);
}
END_TEST

RUN_TESTS("config", wrong_text_is_named_with_its_place, good_text_is_taken,
          empty_object_says_nothing, sizes_are_read_with_units,
          lookup_takes_the_first_that_is_named,
          lookup_in_the_current_folder_finds_nothing,
          named_file_that_is_missing_is_an_error,
          broken_file_is_named_with_line_and_column,
          edit_moves_the_name_and_keeps_the_rest, quote_escapes_what_json_wants,
          secrets_are_found_by_their_names)
