/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in and out: the mapping of docs/json.md. */
#include "view_help.h"

#include <locale.h>

#include "core/number.h"
#include "core/doc.h"
#include "run.h"

/* Texts that come back byte for byte. */
static const char *const same[] = {
    "null",
    "true",
    "[]",
    "{}",
    "0",
    "-1",
    "9223372036854775808",
    "-170141183460469231731687303715884105729",
    "1606938044258990275541962092341162602522202993782792835301376",
    "1.0",
    "-0.0",
    "1e+16",
    "5e-324",
    "1.7976931348623157e+308",
    "0.1",
    "{\"$float\":\"nan\"}",
    "{\"$float\":\"-inf\"}",
    "{\"$float\":\"0xfff8000000000001\"}",
    "\"\"",
    "\"a\\u0000\\n\\\"\\\\\\u001b\"",
    "\"日本\xf0\x9f\x98\x80\"",
    "\"\\ud800\"",
    "\"\\udfff\\ud800\"",
    "{\"$str\":\"7aC97bKA\"}",
    "{\"a\":[1,{\"b\":null}],\"\":2}",
    "{\"$dict\":[[1,2],[\"$a\",3]]}",
    "{\"$dict\":[[{\"$tuple\":[1,2]},[]]]}",
    "{\"$tuple\":[]}",
    "{\"$tuple\":[1,{\"$tuple\":[2]}]}",
    "{\"$set\":[1,\"a\"]}",
    "{\"$frozenset\":[{\"$frozenset\":[]}]}",
    "{\"$bytes\":\"AP8=\"}",
    "{\"$bytearray\":\"\"}",
    "{\"$complex\":[1.5,{\"$float\":\"nan\"}]}",
    "{\"$range\":[0,10,-1]}",
    "{\"$slice\":[null,1,null]}",
    "{\"$date\":\"2024-02-29\"}",
    "{\"$time\":\"23:59:59.999999\"}",
    "{\"$datetime\":\"9999-12-31T00:00:00-23:59\"}",
    "{\"$timezone\":\"-00:00:00.000001\"}",
    "{\"$timedelta\":[-999999999,0,0]}",
    "{\"$decimal\":\"-1.50E+3\"}",
    "{\"$decimal\":\"NaN\"}",
    "{\"$fraction\":\"-7/3\"}",
    "{\"$uuid\":\"f2345678-1234-5678-1234-567812345678\"}",
    "{\"$path\":\"/a/b\"}",
    "{\"$ordered_dict\":[[\"b\",1],[2,[]]]}",
    "{\"$ordered_dict\":[]}",
    "{\"$counter\":[[\"a\",2]]}",
    "{\"$defaultdict\":{\"factory\":{\"$global\":[\"builtins\",\"list\"]},\"items\":[[1,"
    "2]]}}",
    "{\"$deque\":{\"maxlen\":null,\"items\":[1]}}",
    "{\"$global\":[\"a.b\",\"C.d\"]}",
    "[{\"a key of more than sixty-four bytes, as the paths of files in deep folders "
    "are\":1}]",
    "{\"$extension\":240}",
    "{\"$dtype\":\">u2\"}",
    "{\"$dtype\":\"<M8[25us]\"}",
    "{\"$dtype\":\"<U3\"}",
    "{\"$scalar\":{\"dtype\":\"<f4\",\"data\":\"AADAPw==\"}}",
    "{\"$ndarray\":{\"dtype\":\"<i2\",\"shape\":[2],\"data\":\"AQACAA==\"}}",
    "{\"$ndarray\":{\"dtype\":\"<i2\",\"shape\":[2,2],\"order\":\"F\",\"data\":"
    "\"AQACAAMABAA=\"}}",
    "{\"$ndarray\":{\"dtype\":\"[('a', '<i2'), ('b', '|S2')]\",\"shape\":[1],\"data\":"
    "\"AQACAA==\"}}",
    "{\"$ndarray\":{\"dtype\":\"<f8\",\"shape\":[0,3],\"data\":\"\"}}",
    "{\"$persistent\":{\"serializer\":\"S\",\"version\":\"0.0.0\",\"name\":\"n\"}}",
    "{\"$persistent\":{\"id\":[1,\"x\"]}}",
    "{\"$object\":{\"callable\":{\"$global\":[\"m\",\"C\"]},\"args\":[]}}",
    "{\"$object\":{\"how\":\"newobj\",\"callable\":{\"$global\":[\"m\",\"C\"]},\"args\":["
    "1],"
    "\"list\":[1],\"dict\":{\"a\":2},\"state\":{\"x\":3}}}",
    "{\"$object\":{\"how\":\"newobj_ex\",\"callable\":{\"$global\":[\"m\",\"C\"]},"
    "\"args\":[],"
    "\"kwargs\":{\"k\":1},\"state\":null,\"setter\":{\"$global\":[\"m\",\"s\"]}}}",
    "{\"$object\":{\"callable\":{\"$global\":[\"m\",\"C\"]},\"args\":[],\"state\":1,"
    "\"then\":"
    "[[\"append\",1],[\"set\",2,[3]],[\"build\",{\"a\":1}],[\"call\",{\"$global\":[\"m\","
    "\"f\"]},"
    "4]]}}",
    /* shared things, and cycles */
    "[{\"$id\":1,\"$value\":[]},{\"$ref\":1}]",
    "{\"$id\":1,\"$value\":[{\"$ref\":1}]}",
    "{\"$id\":1,\"$value\":{\"a\":{\"$ref\":1}}}",
    "{\"$id\":1,\"$value\":{\"$tuple\":[[{\"$ref\":1}]]}}",
    "{\"$id\":1,\"$value\":{\"$object\":{\"how\":\"newobj\",\"callable\":{\"$global\":["
    "\"m\","
    "\"C\"]},\"args\":[],\"state\":{\"me\":{\"$ref\":1}}}}}",
    "{\"$id\":1,\"$value\":{\"$object\":{\"callable\":{\"$global\":[\"m\",\"f\"]},"
    "\"args\":[[{\"$ref\":1}]],\"outer_args\":[{\"$tuple\":[[{\"$ref\":1}]]},"
    "{\"$tuple\":[2]}]}}}",
    "[{\"$id\":1,\"$value\":{\"$id\":2,\"$value\":[]}},{\"$ref\":1}]",
    /* what the pickle did beside its value */
    "{\"$value\":null,\"$effects\":[[\"call\",{\"$object\":{\"callable\":{\"$global\":["
    "\"m\",\"C\"]},\"args\":[]}}]]}",
    "{\"$value\":{\"$id\":1,\"$value\":[]},\"$effects\":[[\"append\",{\"$global\":[\"m\","
    "\"C\"]},{\"$ref\":1}],[\"set\",{\"$global\":[\"m\",\"D\"]},{\"$id\":2,\"$value\":{"
    "\"$tuple\":[5]}},{\"$ref\":2}],[\"add\",{\"$extension\":240},1],[\"build\",{"
    "\"$extension\":240},{\"a\":1}]]}",
};

static int is_different_on_purpose(const char *json)
{
    return strstr(json, "$id\":2") != NULL; /* two names for one thing become one */
}

START_TEST(json_that_is_written_reads_back_the_same)
{
    struct ff_doc *doc = help_doc(same[_i]);
    char *json = help_json(ff_doc_root(doc));
    if (!is_different_on_purpose(same[_i])) {
        ck_assert_str_eq(json, same[_i]);
    }
    free(json);
    ff_doc_free(doc);
}
END_TEST

/* Texts whose written form is another. */
static const char *const other[][2] = {
    {" [ 1 , 2 ] ", "[1,2]"},
    {"-0", "0"},
    {"1E2", "100.0"},
    {"\"\\u0041\\/\\ud83d\\ude00\"", "\"A/\xf0\x9f\x98\x80\""},
    {"{\"$str\":\"YQ==\"}", "\"a\""},
    {"{\"$int\":\"-0xff\"}", "-255"},
    {"{\"$complex\":[1,2]}", "{\"$complex\":[1.0,2.0]}"},
    {"{\"$dict\":[[\"a\",1]]}", "{\"a\":1}"},
    {"{\"$dict\":[]}", "{}"},
    {"{\"$set\":[1,1.0,true]}", "{\"$set\":[1]}"},
    {"{\"$fraction\":\"5\"}", "{\"$fraction\":\"5/1\"}"},
    {"{\"$deque\":{\"items\":[]}}", "{\"$deque\":{\"maxlen\":null,\"items\":[]}}"},
    {"{\"$uuid\":\"F2345678-1234-5678-1234-567812345678\"}",
     "{\"$uuid\":\"f2345678-1234-5678-1234-567812345678\"}"},
    {"{\"$id\":7,\"$value\":1}", "1"},
};

START_TEST(json_of_other_spellings_is_understood)
{
    struct ff_doc *doc = help_doc(other[_i][0]);
    char *json = help_json(ff_doc_root(doc));
    ck_assert_str_eq(json, other[_i][1]);
    free(json);
    ff_doc_free(doc);
}
END_TEST

static const struct {
    const char *json;
    int code;
    const char *place, *part; /* of the message */
} bad[] = {
    {"[{\"$value\":1,\"$effects\":[]}]", FF_E_USAGE, "line 1, column 2",
     "of the whole text"},
    {"{\"$effects\":[]}", FF_E_USAGE, "line 1, column 1", "without $value"},
    {"{\"$value\":1,\"$effects\":[[\"call\",1,2]]}", FF_E_USAGE, "line 1, column 25",
     "no effect"},
    {"{\"$value\":1,\"$effects\":[[\"run\",1]]}", FF_E_USAGE, "line 1, column 25",
     "no effect"},
    {"{\"$value\":1,\"$effects\":[[]]}", FF_E_USAGE, "line 1, column 25", "no effect"},
    {"{\"$value\":1,\"$effects\":[[\"call\",{\"$object\":{\"callable\":{\"$global\":["
     "\"m\","
     "\"C\"]},\"args\":[]}}],[\"append\",[],1]]}",
     FF_E_USAGE, "line 1, column 91", ""},
    {"{\"$value\":1,\"$effects\":[[\"append\",[],1]]}", FF_E_USAGE, "line 1, column 25",
     "beside the value"},
    {"", FF_E_USAGE, "line 1, column 1", "ends"},
    {"[1,]", FF_E_USAGE, "line 1, column 4", "']'"},
    {"[1 2]", FF_E_USAGE, "line 1, column 4", "'2'"},
    {"{\"a\":1,}", FF_E_USAGE, "line 1, column 8", "name"},
    {"{\n  \"é\": tru }", FF_E_USAGE, "line 2, column 8", "'t'"},
    {"{a:1}", FF_E_USAGE, "line 1, column 2", "quotes"},
    {"01", FF_E_USAGE, "line 1, column 2", "leading zero"},
    {"1.", FF_E_USAGE, "line 1, column 3", "digit"},
    {"+1", FF_E_USAGE, "line 1, column 1", "'+'"},
    {".5", FF_E_USAGE, "line 1, column 1", "'.'"},
    {"NaN", FF_E_USAGE, "line 1, column 1", "'N'"},
    {"Infinity", FF_E_USAGE, "line 1, column 1", "'I'"},
    {"1e400", FF_E_USAGE, "line 1, column 1", "largest double"},
    {"1 1", FF_E_USAGE, "line 1, column 3", "end"},
    {"\"a", FF_E_USAGE, "line 1, column 3", "within a string"},
    {"\"\t\"", FF_E_USAGE, "line 1, column 2", "0x09"},
    {"\"\xff\"", FF_E_USAGE, "line 1, column 2", "UTF-8"},
    {"\"\xed\xa0\x80\"", FF_E_USAGE, "line 1, column 2", "UTF-8"},
    {"\"\\x\"", FF_E_USAGE, "line 1, column 3", "'x'"},
    {"\"\\u12g4\"", FF_E_USAGE, "line 1, column 6", "hex"},
    {"\xef\xbb\xbf[]", FF_E_USAGE, "line 1, column 1", "byte order mark"},
    {"[//x\n1]", FF_E_USAGE, "line 1, column 2", "'/'"},
    {"{\"a\":1,\"a\":2}", FF_E_USAGE, "line 1, column 8", "twice"},
    {"{\"a\":1,\"\\u0061\":2}", FF_E_USAGE, "line 1, column 8", "twice"},
    {"{\"$dict\":[[1,2],[1.0,3]]}", FF_E_USAGE, "line 1, column 17", "twice"},
    {"{\"$dict\":[[[],1]]}", FF_E_USAGE, "line 1, column 11", ""},
    {"{\"$dict\":[[1]]}", FF_E_USAGE, "line 1, column 11", "[key, value]"},
    {"{\"$tupel\":[]}", FF_E_USAGE, "line 1, column 2", "$tuple meant"},
    {"{\"$tuple\":1}", FF_E_USAGE, "line 1, column 11", "a list"},
    {"{\"$tuple\":[],\"x\":1}", FF_E_USAGE, "line 1, column 1", "no other"},
    {"{\"x\":1,\"$y\":1}", FF_E_USAGE, "line 1, column 8", "no such tag"},
    {"{\"$ref\":1}", FF_E_USAGE, "line 1, column 9", "$id"},
    {"[{\"$id\":1,\"$value\":1},{\"$id\":1,\"$value\":2}]", FF_E_USAGE,
     "line 1, column 30", "twice"},
    {"{\"$id\":1}", FF_E_USAGE, "line 1, column 1", "$value"},
    {"{\"$value\":1}", FF_E_USAGE, "line 1, column 2", "$id"},
    {"{\"$bytes\":\"A\"}", FF_E_USAGE, "line 1, column 11", "base64"},
    {"{\"$bytes\":\"A===\"}", FF_E_USAGE, "line 1, column 11", "base64"},
    {"{\"$float\":\"1\"}", FF_E_USAGE, "line 1, column 11", "nan"},
    {"{\"$int\":\"12\"}", FF_E_USAGE, "line 1, column 9", "hex"},
    {"{\"$str\":\"/w==\"}", FF_E_USAGE, "line 1, column 9", "UTF-8"},
    {"{\"$date\":\"2023-02-29\"}", FF_E_USAGE, "line 1, column 10", "date"},
    {"{\"$time\":\"1:2:3\"}", FF_E_USAGE, "line 1, column 10", "time"},
    {"{\"$datetime\":\"2024-01-01T00:00:00Z\"}", FF_E_USAGE, "line 1, column 14", "date"},
    {"{\"$timezone\":\"+24:00\"}", FF_E_USAGE, "line 1, column 14", "zone"},
    {"{\"$timedelta\":[0,86400,0]}", FF_E_USAGE, "line 1, column 18", "not possible"},
    {"{\"$decimal\":\"1,5\"}", FF_E_USAGE, "line 1, column 13", "decimal"},
    {"{\"$fraction\":\"1/0\"}", FF_E_USAGE, "line 1, column 14", "fraction"},
    {"{\"$uuid\":\"f2345678\"}", FF_E_USAGE, "line 1, column 10", "UUID"},
    {"{\"$range\":[1,2]}", FF_E_USAGE, "line 1, column 11", "three"},
    {"{\"$object\":{\"callable\":1}}", FF_E_USAGE, "line 1, column 12", "args"},
    {"{\"$object\":{\"callable\":1,\"args\":{}}}", FF_E_USAGE, "line 1, column 33",
     "tuple"},
    {"{\"$object\":{\"callable\":1,\"args\":[],\"x\":1}}", FF_E_USAGE,
     "line 1, column 36", "belong"},
    {"{\"$object\":{\"callable\":1,\"args\":[],\"then\":[[]]}}", FF_E_USAGE,
     "line 1, column 44", "step"},
    {"{\"$object\":{\"callable\":1,\"args\":[],\"how\":\"x\"}}", FF_E_USAGE,
     "line 1, column 42", "way"},
    {"{\"$ndarray\":{\"dtype\":\"<i4\",\"shape\":[2],\"data\":\"AAAA\"}}", FF_E_USAGE,
     "line 1, column 47", "3 bytes"},
    {"{\"$ndarray\":{\"dtype\":\"|O\",\"shape\":[2],\"data\":\"\"}}", FF_E_USAGE,
     "line 1, column 22", "dtype"},
    {"{\"$ndarray\":{\"dtype\":\"<i4\",\"shape\":[4611686018427387904,8],\"data\":\"\"}}",
     FF_E_USAGE, "line 1, column 36", "more bytes"},
    {"{\"$array\":{}}", FF_E_UNSUPPORTED, "line 1, column 1", "describes"},
    {"{\"$native\":\"x\"}", FF_E_UNSUPPORTED, "line 1, column 1", "describes"},
    {"{\"$npy\":\"x.npy\"}", FF_E_USAGE, "line 1, column 9", "no folder"},
};

START_TEST(json_that_is_wrong_is_refused_with_its_place)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_from_json(doc, bad[_i].json, strlen(bad[_i].json), NULL, &e);
    ck_assert_msg(v.doc == NULL, "%s was accepted", bad[_i].json);
    ck_assert_uint_eq(doc->effects.count,
                      0); /* or what is saved from it would call them */
    ck_assert_msg(e.code == bad[_i].code, "%s: %d %s", bad[_i].json, e.code, e.message);
    ck_assert_msg(strcmp(e.place, bad[_i].place) == 0, "%s: %s", bad[_i].json, e.place);
    ck_assert_msg(strstr(e.message, bad[_i].part) != NULL, "%s: %s", bad[_i].json,
                  e.message);
    ff_doc_free(doc);
}
END_TEST

START_TEST(npy_file_beside_the_text_is_opened)
{
    static const struct {
        const char *json;
        int64_t chunk;
    } good[] = {{"{\"$npy\":\"coads_sst.npy\",\"chunks\":[1,90,180]}", 1},
                {"{\"$npy\":\"./coads_sst.npy\",\"chunks\":\"auto\"}", 12},
                {"{\"$npy\":\"coads_sst.npy\"}", 12},
                {"{\"$npy\":\"coads_sst.npy\",\"chunks\":null}", 0}};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = ff_doc_new(&e);
        struct ff_value v =
            ff_from_json(doc, good[i].json, strlen(good[i].json), DATA_DIR, &e);
        const struct ff_array *a = ff_array(v, &e);
        ck_assert_msg(a != NULL, "%s: %s", good[i].json, e.message);
        ck_assert_int_eq(a->shape[1], 90);
        ck_assert_int_eq(a->chunk ? a->chunk[0] : 0, good[i].chunk);
        ff_doc_free(doc);
    }
}
END_TEST

START_TEST(npy_file_elsewhere_is_refused)
{
    static const char *const names[] = {
        "../data/coads_sst.npy", "/etc/passwd", "a/../../x", "", "..", "a\\u0000b"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = ff_doc_new(&e);
        char json[100];
        (void)snprintf(json, sizeof json, "{\"$npy\":\"%s\"}", names[i]);
        ck_assert_ptr_null(ff_from_json(doc, json, strlen(json), DATA_DIR, &e).doc);
        ck_assert_int_eq(e.code, FF_E_USAGE);
        ff_doc_free(doc);
    }
}
END_TEST

/* [[[...]]] and {"$tuple": [{"$tuple": ...}]}, as deep as memory allows */
START_TEST(json_of_any_depth_is_read_and_written)
{
    static const char *const open[] = {"[", "{\"a\":", "{\"$tuple\":[",
                                       "{\"$set\":[{\"$tuple\":["};
    static const char *const close[] = {"]", "}", "]}", "]}]}"};
    size_t depth = 100000, n = strlen(open[_i]), m = strlen(close[_i]);
    char *json = malloc(depth * (n + m) + 8), *p = json, *back;
    struct ff_doc *doc;
    if (_i == 3) {
        depth = 1; /* a set holds no set */
    }
    for (size_t i = 0; i < depth; i++, p += n) {
        memcpy(p, open[_i], n);
    }
    *p++ = '1';
    for (size_t i = 0; i < depth; i++, p += m) {
        memcpy(p, close[_i], m);
    }
    *p = '\0';
    doc = help_doc(json);
    back = help_json(ff_doc_root(doc));
    ck_assert_str_eq(back, json);
    free(back);
    free(json);
    ff_doc_free(doc);
}
END_TEST

/* 2^60 leaves when it is unfolded, a few lines as it is. */
START_TEST(shared_values_are_never_unfolded)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_new_tuple(doc, NULL, 0, &e);
    char *json;
    for (int i = 0; i < 60; i++) {
        struct ff_value two[] = {v, v};
        v = ff_new_tuple(doc, two, 2, &e);
    }
    json = help_json(v);
    ck_assert_uint_lt(strlen(json), 5000);
    free(json);
    ff_doc_free(doc);
}
END_TEST

START_TEST(long_text_that_is_shared_is_written_once)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    char text[2000];
    struct ff_value v, list = ff_new_list(doc, &e);
    char *json;
    memset(text, 'x', sizeof text);
    v = ff_new_str(doc, text, sizeof text, &e);
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(ff_append(doc, list, v, &e), FF_OK);
    }
    json = help_json(list);
    ck_assert_uint_lt(strlen(json), 20000);
    free(json);
    ff_doc_free(doc);
}
END_TEST

START_TEST(integer_of_many_digits_is_exact)
{
    size_t digits = _i ? 4299 : 9000;
    char *json = malloc(digits + 3), *back, *again;
    struct ff_doc *doc, *second;
    json[0] = '-';
    memset(json + 1, '7', digits);
    json[digits + 1] = '\0';
    doc = help_doc(json);
    back = help_json(ff_doc_root(doc));
    ck_assert_int_eq(strncmp(back, "{\"$int\":\"-0x", 12) == 0, _i == 0);
    second = help_doc(back);
    ck_assert_int_eq(ff_equal(ff_doc_root(doc), ff_doc_root(second), 0, NULL), 1);
    again = help_json(ff_doc_root(second));
    ck_assert_str_eq(back, again);
    free(json);
    free(back);
    free(again);
    ff_doc_free(doc);
    ff_doc_free(second);
}
END_TEST

START_TEST(integer_of_too_many_digits_is_refused)
{
    size_t digits = FF_INT_PARSE_MAX_DIGITS + 1;
    char *json = malloc(digits);
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    memset(json, '7', digits);
    ck_assert_ptr_null(ff_from_json(doc, json, digits, NULL, &e).doc);
    ck_assert_int_eq(e.code, FF_E_LIMIT);
    free(json);
    ff_doc_free(doc);
}
END_TEST

static int refuse(void *ctx, const char *text, size_t size_bytes)
{
    (void)text;
    (void)size_bytes;
    return *(int *)ctx;
}

START_TEST(writing_ends_when_the_callback_fails)
{
    static const int codes[][2] = {{FF_E_NO_SPACE, FF_E_NO_SPACE}, {1, FF_E_OTHER}};
    for (size_t i = 0; i < 2; i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = help_doc("[1]");
        int code = codes[i][0];
        ck_assert_int_eq(ff_to_json(ff_doc_root(doc), refuse, &code, &e), codes[i][1]);
        ck_assert_int_eq(e.code, codes[i][1]);
        ff_doc_free(doc);
    }
}
END_TEST

START_TEST(absent_arguments_are_usage)
{
    struct ff_error e = FF_ERROR_INIT, f = FF_ERROR_INIT, g = FF_ERROR_INIT;
    struct ff_value nothing = {NULL, 0};
    struct ff_doc *doc = help_doc("1");
    struct ff_buf text;
    ff_buf_init(&text, 100);
    ck_assert_int_eq(ff_to_json(nothing, help_write, &text, &e), FF_E_TYPE);
    ck_assert_int_eq(ff_to_json(ff_doc_root(doc), NULL, NULL, &f), FF_E_USAGE);
    ck_assert_int_eq(ff_to_json(ff_doc_root(doc), help_write, &text, &f), FF_E_USAGE);
    ck_assert_ptr_null(ff_from_json(NULL, "1", 1, NULL, &g).doc);
    ck_assert_int_eq(g.code, FF_E_USAGE);
    ff_buf_free(&text);
    ff_doc_free(doc);
}
END_TEST

START_TEST(golden_tasks_come_back_equal)
{
    static const char *const tasks[] = {"dates",  "containers", "text",  "ints",   "ids",
                                        "shared", "recursive",  "numpy", "numbers"};
    static const char *const stores[] = {"file-numpy1", "file-numpy2"};
    for (size_t i = 0; i < 2 * COUNT_OF(tasks); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = help_golden(stores[i % 2], tasks[i / 2]), *back;
        char *json = help_json(ff_doc_root(doc));
        back = help_doc(json);
        ck_assert_msg(ff_equal(ff_doc_root(doc), ff_doc_root(back), 0, &e) == 1, "%s: %s",
                      tasks[i / 2], e.message);
        free(json);
        ff_doc_free(doc);
        ff_doc_free(back);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tcase = tcase_create("json");
    SRunner *runner = srunner_create(suite);
    int failed;
    (void)setlocale(LC_ALL,
                    "de_DE.UTF-8"); /* a comma in numbers, where it is installed */
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, json_that_is_written_reads_back_the_same, 0,
                        COUNT_OF(same));
    tcase_add_loop_test(tcase, json_of_other_spellings_is_understood, 0, COUNT_OF(other));
    tcase_add_loop_test(tcase, json_that_is_wrong_is_refused_with_its_place, 0,
                        COUNT_OF(bad));
    tcase_add_test(tcase, npy_file_beside_the_text_is_opened);
    tcase_add_test(tcase, npy_file_elsewhere_is_refused);
    tcase_add_loop_test(tcase, json_of_any_depth_is_read_and_written, 0, 4);
    tcase_add_test(tcase, shared_values_are_never_unfolded);
    tcase_add_test(tcase, long_text_that_is_shared_is_written_once);
    tcase_add_loop_test(tcase, integer_of_many_digits_is_exact, 0, 2);
    tcase_add_test(tcase, integer_of_too_many_digits_is_refused);
    tcase_add_test(tcase, writing_ends_when_the_callback_fails);
    tcase_add_test(tcase, absent_arguments_are_usage);
    tcase_add_test(tcase, golden_tasks_come_back_equal);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
