/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/name.h"

#include <string.h>

#include "run.h"

#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

START_TEST(name_rules)
{
    static const struct {
        const char *name, *reason; /* a part of it */
    } rows[] = {
        {"wave", NULL},
        {"a b:c#d[e]%", NULL},
        {"größe", NULL},
        {"\xf0\x9f\x98\x80", NULL},
        {HUNDRED HUNDRED, NULL},
        {"a..b", NULL},
        {"bigdata2", NULL},
        {NULL, "empty"},
        {"", "empty"},
        {HUNDRED HUNDRED "x", "200"},
        {".", "dot"},
        {"..", "dot"},
        {".hidden", "dot"},
        {"a/b", "'/'"},
        {"/", "'/'"},
        {"a\nb", "control"},
        {"a\x7f", "control"},
        {"a\xc2\x85", "control"},
        {"a\xc2\x9f", "control"},
        {"a\xc2\xa0", NULL},
        {"a\x1b[31m", "control"},
        {"a\xff", "UTF-8"},
        {"a\xc0\xaf", "UTF-8"},
        {"a\xed\xa0\x80", "UTF-8"},
        {"a\xf4\x90\x80\x80", "UTF-8"},
        {"a\xe2\x82", "UTF-8"},
        {"bigdata", "big data"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int kind = FF_NAME_WORKFLOW; kind <= FF_NAME_TASK; kind++) {
            const char *reason = ff_name_check(rows[i].name, (enum ff_name_kind)kind);

            ck_assert_msg(rows[i].reason ? reason && strstr(reason, rows[i].reason)
                                         : !reason,
                          "row %zu: %s", i, reason ? reason : "good");
        }
    }
}
END_TEST

START_TEST(utf8_next_decodes_or_takes_one_byte)
{
    static const struct {
        const char *text;
        size_t length, step;
        unsigned point;
    } rows[] = {
        {"a", 1, 1, 'a'},
        {"\xc3\xa9", 2, 2, 0xe9},
        {"\xe2\x82\xac", 3, 3, 0x20ac},
        {"\xf0\x9f\x98\x80", 4, 4, 0x1f600},
        {"\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff},
        {"\xe2\x82\xac", 2, 1, 0xdce2},
        {"\x80", 1, 1, 0xdc80},
        {"\xc1\x81", 2, 1, 0xdcc1},
        {"\xe0\x80\x80", 3, 1, 0xdce0},
        {"\xed\xbf\xbf", 3, 1, 0xdced},
        {"\xf5\x80\x80\x80", 4, 1, 0xdcf5},
        {"\xc3(", 2, 1, 0xdcc3},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned point;
        size_t step = ff_utf8_next(rows[i].text, rows[i].length, &point);

        ck_assert_msg(step == rows[i].step && point == rows[i].point, "row %zu: %x", i,
                      point);
    }
    ck_assert(ff_utf8_valid("", 0));
    ck_assert(ff_utf8_valid("a\xc3\xa9", 3));
    ck_assert(!ff_utf8_valid("a\xc3\xa9", 2));
}
END_TEST

START_TEST(object_names_have_parts_and_no_way_out)
{
    static const char *const good[] = {"a",     "wf/t",  ".zgroup",
                                       "a/..b", "a/...", "\xc3\xa9/x"};
    static const char *const bad[] = {"",       "/a",   "a/",      "a//b",
                                      ".",      "..",   "a/..",    "./a",
                                      "../a/b", "a\nb", "a\x7f/b", "\xc3/a"};

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        ck_assert_msg(ff_is_object_name(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ck_assert_msg(!ff_is_object_name(bad[i]), "row %zu: %s", i, bad[i]);
    }
}
END_TEST

START_TEST(nearest_finds_what_was_meant)
{
    static const char *const choices[] = {"file", "S3",    "endpoint_url",
                                          "anon", HUNDRED, NULL};
    static const char *const none[] = {NULL};
    static const char *const equals[] = {"cat", "bat", NULL};
    static const struct {
        const char *word, *nearest;
    } rows[] = {
        {"file", "file"},
        {"fiel", "file"},
        {"files", "file"},
        {"s3", "S3"},
        {"endpont_url", "endpoint_url"},
        {"endpointurl", "endpoint_url"},
        {"gcs", NULL},
        {"http", NULL},
        {"", NULL},
        {"x", NULL},
        {"Anno", "anon"},
        {HUNDRED, NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *found = ff_nearest(rows[i].word, choices);

        ck_assert_msg(rows[i].nearest ? found && strcmp(found, rows[i].nearest) == 0
                                      : !found,
                      "'%s' gave %s", rows[i].word, found ? found : "nothing");
    }
    ck_assert_ptr_null(ff_nearest("file", none));
    ck_assert_str_eq(ff_nearest("rat", equals), "cat");
    ck_assert_str_eq(ff_nearest("bta", equals), "bat");
}
END_TEST

RUN_TESTS("base_name", object_names_have_parts_and_no_way_out, name_rules,
          utf8_next_decodes_or_takes_one_byte, nearest_finds_what_was_meant)
