/* SPDX-License-Identifier: Apache-2.0 */
/* The public accessors of the typed views, each with what it takes and what it refuses. The
 * values are those of tests/data/views/forms.txt. */
#include "view_help.h"

#include <functionfuse/view.h>

#include "run.h"

/* The pickle of that name and protocol. */
static struct ff_doc *form(const char *wanted, const char *protocol)
{
    size_t size;
    char *text = help_file(VIEWS_DIR "/forms.txt", &size), *rest = text, *line;
    struct ff_doc *doc = NULL;
    struct ff_error e = FF_ERROR_INIT;
    while (!doc && (line = strsep(&rest, "\n"))) {
        char *name = strsep(&line, "\t"), *p = strsep(&line, "\t"), *hex = line;
        hex = line ? strrchr(line, '\t') : NULL;
        if (!hex || strcmp(name, wanted) != 0 || strcmp(p, protocol) != 0) {
            continue;
        }
        size = strlen(++hex) / 2;
        uint8_t *data = malloc(size + 1);
        for (size_t i = 0; i < size; i++) {
            unsigned byte;
            ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
            data[i] = (uint8_t)byte;
        }
        doc = ff_pickle_load(data, size, NULL, NULL, NULL, NULL, &e);
        free(data);
    }
    ck_assert_msg(doc != NULL, "%s %s: %s", wanted, protocol, e.message);
    free(text);
    return doc;
}

/* ---- each accessor refuses what has not its view ---- */

static int try_object_array(struct ff_value v, struct ff_error *e)
{
    int32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    struct ff_value items;
    return ff_object_array(v, &ndim, shape, &items, e);
}
static int try_complex(struct ff_value v, struct ff_error *e)
{
    double re, im;
    return ff_complex(v, &re, &im, e);
}
static int try_copy_bytes(struct ff_value v, struct ff_error *e)
{
    return ff_copy_bytes(v, NULL, 0, NULL, e);
}
static int try_items(struct ff_value v, struct ff_error *e)
{
    struct ff_value items;
    return ff_items(v, &items, NULL, e);
}
static int try_datetime(struct ff_value v, struct ff_error *e)
{
    struct ff_datetime d;
    return ff_datetime(v, &d, e);
}
static int try_timedelta(struct ff_value v, struct ff_error *e)
{
    struct ff_timedelta d;
    return ff_timedelta(v, &d, e);
}
static int try_zone(struct ff_value v, struct ff_error *e)
{
    struct ff_zone z;
    return ff_zone(v, &z, e);
}
static int try_decimal(struct ff_value v, struct ff_error *e)
{
    const char *text;
    size_t size;
    return ff_decimal(v, &text, &size, e);
}
static int try_fraction(struct ff_value v, struct ff_error *e)
{
    int64_t n, d;
    return ff_fraction(v, &n, &d, e);
}
static int try_uuid(struct ff_value v, struct ff_error *e)
{
    uint8_t id[16];
    return ff_uuid(v, id, e);
}
static int try_bounds(struct ff_value v, struct ff_error *e)
{
    struct ff_value a, b, c;
    return ff_bounds(v, &a, &b, &c, e);
}
static int try_text(struct ff_value v, struct ff_error *e)
{
    return ff_text(v, NULL, 0, NULL, e);
}
static int try_made_of(struct ff_value v, struct ff_error *e)
{
    struct ff_value a, b;
    return ff_made_of(v, &a, &b, e);
}
static int try_labels(struct ff_value v, struct ff_error *e)
{
    struct ff_labels labels;
    return ff_labels(v, &labels, e);
}
static int try_axis(struct ff_value v, struct ff_error *e)
{
    struct ff_value index;
    return ff_axis(v, 0, &index, e);
}
static int try_column(struct ff_value v, struct ff_error *e)
{
    ff_array_free(ff_column(v, "a", e));
    return e->code;
}
static int try_array(struct ff_value v, struct ff_error *e)
{
    (void)ff_array(v, e);
    return e->code;
}

static const struct {
    int (*call)(struct ff_value, struct ff_error *);
    const char *takes; /* forms, blank between */
} accessors[] = {
    {try_array, "array_numpy1 scalar array numbers_list array_float"},
    {try_object_array, "array_objects array_objects_f"},
    {try_complex, "complex complex_nan"},
    {try_copy_bytes, "bytes bytes_empty bytearray bytearray_empty"},
    {try_items, "set frozenset deque ordered_dict default_dict counter"},
    {try_datetime, "date time datetime datetime_zone"},
    {try_timedelta, "timedelta"},
    {try_zone, "timezone timezone_name zone_info pytz_utc pytz_name pytz_fixed"},
    {try_decimal, "decimal decimal_snan"},
    {try_fraction, "fraction fraction_old"},
    {try_uuid, "uuid uuid_safe"},
    {try_bounds, "range slice"},
    {try_text, "date dtype path decimal uuid range complex timezone zone_info"},
    {try_made_of, "namedtuple enum enum_text enum_name exception os_error"},
    {try_labels, ""},
    {try_axis, ""},
    {try_column, ""},
};

START_TEST(accessor_of_its_own_view_succeeds)
{
    char takes[256], *rest = takes, *name;
    (void)strcpy(takes, accessors[_i].takes);
    while ((name = strsep(&rest, " "))) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc;
        if (!*name || strcmp(name, "numbers_list") == 0) {
            continue;
        }
        doc = form(name, "2");
        ck_assert_msg(accessors[_i].call(ff_doc_root(doc), &e) == FF_OK, "%s: %s", name,
                      e.message);
        ff_doc_free(doc);
    }
}
END_TEST

START_TEST(accessor_of_another_view_fails_by_type)
{
    static const char *const strangers[] = {"namespace", "decimal_bad", "array_short",
                                            "fraction_zero", "date_bad"};
    struct ff_value nothing = {NULL, 0};
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_int_eq(accessors[_i].call(nothing, &e), FF_E_TYPE);
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        struct ff_doc *doc = form(strangers[i], "2");
        struct ff_error own = FF_ERROR_INIT;
        ck_assert_msg(accessors[_i].call(ff_doc_root(doc), &own) == FF_E_TYPE, "%s: %s",
                      strangers[i], own.message);
        ff_doc_free(doc);
    }
    /* an error that is there already stays */
    e.code = FF_E_IO;
    ck_assert_int_eq(accessors[_i].call(nothing, &e), FF_E_IO);
}
END_TEST

/* ---- what they give ---- */

static void check_text(const char *name, const char *wanted)
{
    struct ff_doc *doc = form(name, "2");
    struct ff_error e = FF_ERROR_INIT;
    char text[64], little[4];
    size_t size;
    ck_assert_int_eq(ff_text(ff_doc_root(doc), text, sizeof text, &size, &e), FF_OK);
    ck_assert_str_eq(text, wanted);
    ck_assert_uint_eq(size, strlen(wanted));
    ck_assert_int_eq(ff_text(ff_doc_root(doc), little, sizeof little, &size, &e), FF_OK);
    ck_assert_uint_eq(strlen(little), size < 3 ? size : 3);
    ff_doc_free(doc);
}

START_TEST(text_of_each_view_is_pythons)
{
    static const struct {
        const char *name, *text;
    } rows[] = {{"date", "2024-02-29"},
                {"time", "01:02:03.000004"},
                {"datetime_zone", "2024-02-29T00:00:00-01:00:05"},
                {"timedelta", "-1 day, 0:00:02.000003"},
                {"timezone", "+01:30"},
                {"timezone_name", "+01:00 X"},
                {"zone_info", "Europe/Berlin"},
                {"pytz_state", "Europe/Berlin"},
                {"pytz_fixed", "-01:30"},
                {"decimal", "-1.50E+3"},
                {"fraction", "-1/3"},
                {"uuid", "f2345678-1234-5678-1234-567812345678"},
                {"path", "/a/b"},
                {"pure_path", "a\\b"},
                {"complex", "1.0-2.0j"},
                {"range", "range(1, 10, 2)"},
                {"dtype", "<f8"},
                {"dtype_1_fields", "[('a', '<i4')]"},
                {"dtype_0", "<i4"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        check_text(rows[i].name, rows[i].text);
    }
}
END_TEST

START_TEST(fields_of_dates_and_zones_are_given)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = form("datetime_fold", "4");
    struct ff_datetime d;
    struct ff_zone z;
    struct ff_timedelta span;
    ck_assert_int_eq(ff_datetime(ff_doc_root(doc), &d, &e), FF_OK);
    ck_assert_int_eq(d.view, FF_VIEW_DATETIME);
    ck_assert_int_eq(d.year * 10000 + d.month * 100 + d.day, 20240229);
    ck_assert_int_eq(d.hour * 10000 + d.minute * 100 + d.second, 10203);
    ck_assert_int_eq(d.fold, 1);
    ck_assert_ptr_null(d.zone.doc);
    ff_doc_free(doc);
    doc = form("datetime_zone", "2");
    ck_assert_int_eq(ff_datetime(ff_doc_root(doc), &d, &e), FF_OK);
    ck_assert_int_eq(ff_zone(d.zone, &z, &e), FF_OK);
    ck_assert_int_eq(z.offset.days, -1);
    ck_assert_int_eq(z.offset.seconds, 86400 - 3605);
    ff_doc_free(doc);
    doc = form("pytz_state", "2");
    ck_assert_int_eq(ff_zone(ff_doc_root(doc), &z, &e), FF_OK);
    ck_assert_int_eq(z.offset.seconds, 3600);
    ck_assert_mem_eq(z.name, "Europe/Berlin", z.name_bytes);
    ff_doc_free(doc);
    doc = form("zone_info", "4");
    ck_assert_int_eq(ff_zone(ff_doc_root(doc), &z, &e), FF_OK);
    ck_assert_int_eq(z.has_offset, 0);
    ck_assert_mem_eq(z.name, "Europe/Berlin", z.name_bytes);
    ff_doc_free(doc);
    doc = form("timedelta", "4");
    ck_assert_int_eq(ff_timedelta(ff_doc_root(doc), &span, &e), FF_OK);
    ck_assert_int_eq(span.days, -1);
    ck_assert_int_eq(span.seconds * 10 + span.microseconds, 23);
    ff_doc_free(doc);
}
END_TEST

START_TEST(numbers_and_bytes_are_given)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = form("fraction_old", "2");
    int64_t n, d;
    double re, im;
    uint8_t id[16], some[2] = {0};
    size_t size;
    ck_assert_int_eq(ff_fraction(ff_doc_root(doc), &n, &d, &e), FF_OK);
    ck_assert_int_eq(n * 10 + d, 13);
    ff_doc_free(doc);
    doc = form("complex", "0");
    ck_assert_int_eq(ff_complex(ff_doc_root(doc), &re, &im, &e), FF_OK);
    ck_assert_double_eq(re, 1.0);
    ck_assert_double_eq(im, -2.0);
    ff_doc_free(doc);
    doc = form("uuid", "4");
    ck_assert_int_eq(ff_uuid(ff_doc_root(doc), id, &e), FF_OK);
    ck_assert_int_eq(id[0], 0xf2);
    ck_assert_int_eq(id[15], 0x78);
    ff_doc_free(doc);
    doc = form("bytearray", "2");
    ck_assert_int_eq(ff_copy_bytes(ff_doc_root(doc), some, 2, &size, &e), FF_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(some, "ab", 2);
    ff_doc_free(doc);
    doc = form("bytearray_empty", "2");
    ck_assert_int_eq(ff_copy_bytes(ff_doc_root(doc), some, 2, &size, &e), FF_OK);
    ck_assert_uint_eq(size, 0);
    ff_doc_free(doc);
}
END_TEST

/* A Fraction beyond 64 bits has a text only. */
START_TEST(fraction_that_does_not_fit_fails_by_type)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = help_doc("{\"$fraction\":\"1/99999999999999999999\"}");
    int64_t n, d;
    char text[32];
    ck_assert_int_eq(ff_view(ff_doc_root(doc)), FF_VIEW_FRACTION);
    ck_assert_int_eq(ff_fraction(ff_doc_root(doc), &n, &d, &e), FF_E_TYPE);
    ck_assert_int_eq(ff_text(ff_doc_root(doc), text, sizeof text, NULL, NULL), FF_OK);
    ck_assert_str_eq(text, "1/99999999999999999999");
    ff_doc_free(doc);
}
END_TEST

START_TEST(items_come_with_what_belongs_to_them)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = form("deque", "2");
    struct ff_value items, extra;
    int64_t maxlen;
    ck_assert_int_eq(ff_items(ff_doc_root(doc), &items, &extra, &e), FF_OK);
    ck_assert_uint_eq(ff_length(items), 2);
    ck_assert_int_eq(ff_int64(extra, &maxlen, &e), FF_OK);
    ck_assert_int_eq(maxlen, 5);
    ff_doc_free(doc);
    doc = form("default_dict", "4");
    ck_assert_int_eq(ff_items(ff_doc_root(doc), &items, &extra, &e), FF_OK);
    ck_assert_int_eq(ff_kind(extra), FF_GLOBAL);
    ck_assert_uint_eq(ff_length(ff_get(items, "a")), 1);
    ff_doc_free(doc);
    doc = form("py2_ordered_dict", "2");
    ck_assert_int_eq(ff_items(ff_doc_root(doc), &items, &extra, &e), FF_OK);
    ck_assert_int_eq(ff_kind(items), FF_LIST);
    ff_doc_free(doc);
}
END_TEST

static void check_made_of(const char *name, const char *class_name, size_t fields)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = form(name, "2");
    struct ff_value made, content;
    const char *module, *of;
    ck_assert_int_eq(ff_made_of(ff_doc_root(doc), &made, &content, &e), FF_OK);
    ck_assert_int_eq(ff_global(made, &module, &of, &e), FF_OK);
    ck_assert_str_eq(of, class_name);
    ck_assert_uint_eq(ff_length(content), fields);
    ff_doc_free(doc);
}

START_TEST(named_nodes_give_their_class_and_content)
{
    check_made_of("namedtuple", "Point", 2);
    check_made_of("enum", "Color", 0);
    check_made_of("enum_name", "Color", 0);
    check_made_of("exception", "ValueError", 2);
}
END_TEST

START_TEST(array_of_the_standard_library_is_an_array)
{
    static const char *const protocols[] = {"2", "4"};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = form("array", protocols[_i]);
    const struct ff_array *a = ff_array(ff_doc_root(doc), &e);
    int32_t numbers[2];
    uint64_t large;
    float small;
    ck_assert_msg(a != NULL, "%s", e.message);
    ck_assert_str_eq(a->descr, "<i4");
    ck_assert_int_eq(a->ndim, 1);
    ck_assert_int_eq(a->shape[0], 2);
    ck_assert_int_eq(ff_array_read(a, NULL, numbers, NULL, NULL, &e), FF_OK);
    ck_assert_int_eq(numbers[0], 1);
    ck_assert_int_eq(numbers[1], -2);
    ff_doc_free(doc);
    doc = form("array_large", protocols[_i]);
    ck_assert_int_eq(
        ff_array_read(ff_array(ff_doc_root(doc), &e), NULL, &large, NULL, NULL, &e),
        FF_OK);
    ck_assert_uint_eq(large, UINT64_MAX);
    ff_doc_free(doc);
    doc = form("array_float", protocols[_i]);
    ck_assert_int_eq(
        ff_array_read(ff_array(ff_doc_root(doc), &e), NULL, &small, NULL, NULL, &e),
        FF_OK);
    ck_assert_float_eq(small, 1.5f);
    ff_doc_free(doc);
    doc = form("array_none", protocols[_i]);
    a = ff_array(ff_doc_root(doc), &e);
    ck_assert_int_eq(a->shape[0], 0);
    ff_doc_free(doc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("access");
    TCase *tcase = tcase_create("access");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, accessor_of_its_own_view_succeeds, 0, COUNT_OF(accessors));
    tcase_add_loop_test(tcase, accessor_of_another_view_fails_by_type, 0,
                        COUNT_OF(accessors));
    tcase_add_test(tcase, text_of_each_view_is_pythons);
    tcase_add_test(tcase, fields_of_dates_and_zones_are_given);
    tcase_add_test(tcase, numbers_and_bytes_are_given);
    tcase_add_test(tcase, fraction_that_does_not_fit_fails_by_type);
    tcase_add_test(tcase, items_come_with_what_belongs_to_them);
    tcase_add_test(tcase, named_nodes_give_their_class_and_content);
    tcase_add_loop_test(tcase, array_of_the_standard_library_is_an_array, 0, 2);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
