/* SPDX-License-Identifier: Apache-2.0 */
/* Views of well-known classes, in every spelling of tests/data/views/forms.txt. */
#include "view_help.h"

#include "core/views.h"
#include "run.h"

static const char *const view_names[] = {
    [FF_VIEW_NONE] = "none",
    [FF_VIEW_NDARRAY] = "ndarray",
    [FF_VIEW_SCALAR] = "scalar",
    [FF_VIEW_DTYPE] = "dtype",
    [FF_VIEW_COMPLEX] = "complex",
    [FF_VIEW_BYTES] = "bytes",
    [FF_VIEW_SET] = "set",
    [FF_VIEW_DATE] = "date",
    [FF_VIEW_TIME] = "time",
    [FF_VIEW_DATETIME] = "datetime",
    [FF_VIEW_TIMEDELTA] = "timedelta",
    [FF_VIEW_TIMEZONE] = "timezone",
    [FF_VIEW_DECIMAL] = "decimal",
    [FF_VIEW_FRACTION] = "fraction",
    [FF_VIEW_UUID] = "uuid",
    [FF_VIEW_RANGE] = "range",
    [FF_VIEW_SLICE] = "slice",
    [FF_VIEW_ORDERED_DICT] = "ordered_dict",
    [FF_VIEW_DEFAULT_DICT] = "default_dict",
    [FF_VIEW_DEQUE] = "deque",
    [FF_VIEW_COUNTER] = "counter",
    [FF_VIEW_PATH] = "path",
    [FF_VIEW_NAMEDTUPLE] = "namedtuple",
    [FF_VIEW_ENUM] = "enum",
    [FF_VIEW_EXCEPTION] = "exception",
    [FF_VIEW_ARRAY] = "array",
    [FF_VIEW_OBJECT_ARRAY] = "object_array",
    [FF_VIEW_ZONE] = "zone",
    [FF_VIEW_INDEX] = "index",
    [FF_VIEW_SERIES] = "series",
    [FF_VIEW_DATAFRAME] = "dataframe",
};

static struct ff_doc *load_hex(const char *hex, struct ff_error *e)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = malloc(size + 1);
    struct ff_doc *doc;
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        data[i] = (uint8_t)byte;
    }
    doc = ff_pickle_load(data, size, NULL, NULL, NULL, NULL, e);
    free(data);
    return doc;
}

/* The JSON is what is expected, and read back it gives the same JSON. */
static void check_json(const char *name, const char *wanted, struct ff_value v)
{
    char *json = help_json(v), *again;
    struct ff_doc *doc;
    if (strcmp(wanted, "*") != 0) {
        ck_assert_msg(strcmp(json, wanted) == 0, "%s: %s instead of %s", name, json,
                      wanted);
    } else {
        ck_assert_msg(strncmp(json, "{\"$object\":", 11) == 0, "%s: %s", name, json);
    }
    doc = help_doc(json);
    again = help_json(ff_doc_root(doc));
    ck_assert_str_eq(json, again);
    free(json);
    free(again);
    ff_doc_free(doc);
}

START_TEST(form_of_each_class_and_protocol_is_viewed)
{
    size_t size, lines = 0;
    char *text = help_file(VIEWS_DIR "/forms.txt", &size), *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        char *name = strsep(&line, "\t"), *protocol = strsep(&line, "\t");
        char *view = strsep(&line, "\t"), *json = strsep(&line, "\t");
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc;
        if (!line) {
            continue;
        }
        doc = load_hex(line, &e);
        ck_assert_msg(doc != NULL, "%s %s: %s", name, protocol, e.message);
        ck_assert_msg(strcmp(view_names[ff_view(ff_doc_root(doc))], view) == 0,
                      "%s %s: %s instead of %s", name, protocol,
                      view_names[ff_view(ff_doc_root(doc))], view);
        check_json(name, json, ff_doc_root(doc));
        ff_doc_free(doc);
        lines++;
    }
    ck_assert_uint_ge(lines, 250);
    free(text);
}
END_TEST

START_TEST(fold_and_zone_of_a_date_are_told)
{
    static const char *const hex[] = {
        "8004952a000000000000008c086461746574696d65948c086461746574696d65949394430a07e88"
        "21d01020300000094859452942e"};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load_hex(hex[0], &e);
    struct ff_datetime d;
    ck_assert_ptr_nonnull(doc);
    ck_assert(ff_view_datetime(ff_doc_root(doc), &d));
    ck_assert_int_eq(d.fold, 1);
    ck_assert_int_eq(d.month, 2);
    ck_assert_ptr_null(d.zone.doc);
    ff_doc_free(doc);
}
END_TEST

/* ---- numpy ---- */

static const char *const stores[] = {"file-numpy1", "file-numpy2"};

struct wanted_array {
    const char *name, *descr;
    int32_t ndim;
    int64_t shape[2];
};

static void check_array(struct ff_value root, const struct wanted_array *w)
{
    struct ff_error e = FF_ERROR_INIT;
    const struct ff_array *a = ff_array(ff_get(root, w->name), &e);
    ck_assert_msg(a != NULL, "%s: %s", w->name, e.message);
    ck_assert_str_eq(a->descr, w->descr);
    ck_assert_int_eq(a->ndim, w->ndim);
    for (int32_t i = 0; i < w->ndim; i++) {
        ck_assert_int_eq(a->shape[i], w->shape[i]);
    }
    ck_assert_ptr_null(a->chunk);
    ck_assert_ptr_eq(a, ff_array(ff_get(root, w->name), &e));
}

START_TEST(golden_numpy_gives_arrays)
{
    static const struct wanted_array arrays[] = {
        {"f8", "<f8", 2, {2, 3}},
        {"F", "<i8", 2, {2, 3}},
        {"scalar", "<f4", 0, {0}},
        {"i", "<i8", 0, {0}},
        {"dt", "<M8[D]", 0, {0}},
        {"s", "<U2", 1, {2}},
        {"rec", "[('x', '<i4'), ('y', '<f8', (2,))]", 1, {2}},
        {"empty", "<f8", 2, {0, 3}},
        {"big", "<f8", 1, {20000}},
    };
    struct ff_doc *doc = help_golden(stores[_i], "numpy");
    struct ff_error e = FF_ERROR_INIT;
    for (size_t i = 0; i < COUNT_OF(arrays); i++) {
        check_array(ff_doc_root(doc), &arrays[i]);
    }
    ck_assert_int_eq(ff_view(ff_get(ff_doc_root(doc), "obj")), FF_VIEW_OBJECT_ARRAY);
    ck_assert_ptr_null(ff_array(ff_get(ff_doc_root(doc), "obj"), &e));
    ck_assert_int_eq(e.code, FF_E_TYPE);
    ff_doc_free(doc);
}
END_TEST

START_TEST(golden_elements_are_read_in_their_order)
{
    struct ff_doc *doc = help_golden(stores[_i], "numpy");
    struct ff_value root = ff_doc_root(doc);
    struct ff_error e = FF_ERROR_INIT;
    int64_t whole[6], start[] = {1, 1}, count[] = {1, 2}, part[2];
    static const int64_t wanted[] = {0, 1, 2, 3, 4, 5};
    double real;
    struct ff_region region = {start, count, NULL};
    const struct ff_array *a = ff_array(ff_get(root, "F"), &e);
    ck_assert_int_eq(ff_array_read(a, NULL, whole, NULL, NULL, &e), FF_OK);
    ck_assert_mem_eq(whole, wanted, sizeof wanted);
    ck_assert_int_eq(ff_array_read(a, &region, part, NULL, NULL, &e), FF_OK);
    ck_assert_int_eq(part[0], 4);
    ck_assert_int_eq(part[1], 5);
    a = ff_array(ff_get(root, "big"), &e);
    start[0] = 19999;
    count[0] = 1;
    ck_assert_int_eq(ff_array_read(a, &region, &real, NULL, NULL, &e), FF_OK);
    ck_assert_double_eq(real, 19999.0);
    ff_doc_free(doc);
}
END_TEST

START_TEST(array_that_is_referred_to_keeps_its_document)
{
    struct ff_doc *doc = help_golden(stores[_i], "numpy");
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *mine, *slice;
    int64_t start[] = {1, 0}, count[] = {1, 3};
    struct ff_region region = {start, count, NULL};
    double row[3];
    mine = ff_array_ref(ff_array(ff_get(ff_doc_root(doc), "f8"), &e));
    ff_doc_free(doc);
    slice = ff_array_slice(mine, &region, &e);
    ff_array_free(mine);
    ck_assert_int_eq(ff_array_read(slice, NULL, row, NULL, NULL, &e), FF_OK);
    ck_assert_double_eq(row[2], 5.0);
    ff_array_free(slice);
}
END_TEST

START_TEST(array_of_a_built_document_outlives_it)
{
    struct ff_doc *doc =
        help_doc("{\"$scalar\":{\"dtype\":\"<i4\",\"data\":\"BwAAAA==\"}}");
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *mine = ff_array_ref(ff_array(ff_doc_root(doc), &e));
    int32_t seven = 0;
    ff_doc_free(doc);
    ck_assert_int_eq(ff_array_read(mine, NULL, &seven, NULL, NULL, &e), FF_OK);
    ck_assert_int_eq(seven, 7);
    ff_array_free(mine);
}
END_TEST

/* A dtype that holds itself a thousand million times must not be unfolded. */
START_TEST(dtype_that_unfolds_without_end_is_no_view)
{
    char *json = malloc(1 << 16), *again;
    size_t at = 0;
    struct ff_doc *doc;
    at += (size_t)sprintf(json + at, "[{\"$id\":1,\"$value\":{\"$dtype\":\"<i4\"}}");
    for (int i = 2; i < 30; i++) {
        at += (size_t)sprintf(
            json + at,
            ",{\"$id\":%d,\"$value\":{\"$object\":{\"callable\":{\"$global\":[\"numpy\","
            "\"dtype\"]},\"args\":[\"V8\",false,true],\"state\":{\"$tuple\":[3,\"|\","
            "null,"
            "{\"$tuple\":[\"a\",\"b\"]},{\"a\":{\"$tuple\":[{\"$ref\":%d},0]},\"b\":{\"$"
            "tuple\":"
            "[{\"$ref\":%d},0]}},2147483647,1,16]}}}}",
            i, i - 1, i - 1);
    }
    (void)sprintf(json + at, "]");
    doc = help_doc(json);
    for (size_t i = 0; i < ff_length(ff_doc_root(doc)); i++) {
        struct ff_value v;
        ck_assert_int_eq(ff_item(ff_doc_root(doc), i, NULL, &v, NULL), FF_OK);
        ck_assert_int_eq(ff_view(v), i < 10 ? FF_VIEW_DTYPE : FF_VIEW_NONE);
    }
    again = help_json(ff_doc_root(doc));
    free(again);
    free(json);
    ff_doc_free(doc);
}
END_TEST

START_TEST(value_that_is_no_object_has_no_view)
{
    struct ff_value nothing = {NULL, 0};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = help_doc("[1]");
    ck_assert_int_eq(ff_view(nothing), FF_VIEW_NONE);
    ck_assert_int_eq(ff_view(ff_doc_root(doc)), FF_VIEW_NONE);
    ck_assert_ptr_null(ff_view_array(ff_doc_root(doc), &e));
    ck_assert_int_eq(e.code, FF_E_TYPE);
    ff_doc_free(doc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("views");
    TCase *tcase = tcase_create("views");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, form_of_each_class_and_protocol_is_viewed);
    tcase_add_test(tcase, fold_and_zone_of_a_date_are_told);
    tcase_add_loop_test(tcase, golden_numpy_gives_arrays, 0, 2);
    tcase_add_loop_test(tcase, golden_elements_are_read_in_their_order, 0, 2);
    tcase_add_loop_test(tcase, array_that_is_referred_to_keeps_its_document, 0, 2);
    tcase_add_test(tcase, array_of_a_built_document_outlives_it);
    tcase_add_test(tcase, dtype_that_unfolds_without_end_is_no_view);
    tcase_add_test(tcase, value_that_is_no_object_has_no_view);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
