/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles that numpy, pandas, scikit-learn and cloudpickle wrote
 * (tests/data/pickle/make_streams.py): read, shown, looked into, and written back as they
 * were. */
#include "view_help.h"

#include <functionfuse/diff.h>
#include <functionfuse/view.h>

#include "run.h"

static const char *const streams[] = {
    "numpy-1.24.4-p4",     "numpy-1.24.4-p5",  "numpy-2.3.5-p4",
    "numpy-2.3.5-p5",      "numpy-2.4.6-p4",   "numpy-2.4.6-p5",
    "pandas-1.5.3-p4",     "pandas-1.5.3-p5",  "pandas-2.3.3-p4",
    "pandas-2.3.3-p5",     "pandas-3.0.0-p4",  "pandas-3.0.0-p5",
    "sklearn-1.3.2-p4",    "sklearn-1.3.2-p5", "cloudpickle-3.1.3-p4",
    "cloudpickle-3.1.3-p5"};
enum { NUMPY_END = 6, PANDAS_END = 12 };

static char *read_stream(size_t i, size_t *size)
{
    char path[512];
    (void)snprintf(path, sizeof path, DATA_DIR "/pickle/%s.pkl", streams[i]);
    return help_file(path, size);
}

static struct ff_doc *load(size_t i)
{
    struct ff_error e = FF_ERROR_INIT;
    size_t size;
    char *data = read_stream(i, &size);
    struct ff_doc *doc = ff_pickle_load(data, size, data, free, NULL, NULL, &e);
    ck_assert_msg(doc != NULL, "%s: %s", streams[i], e.message);
    return doc;
}

static int write_bytes(void *ctx, const void *data, size_t size)
{
    return ff_buf_append(ctx, data, size);
}

START_TEST(stream_is_written_back_byte_for_byte)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf out;
    size_t size;
    char *data = read_stream((size_t)_i, &size);
    struct ff_doc *doc = ff_pickle_load(data, size, NULL, NULL, NULL, NULL, &e);
    ck_assert_msg(doc != NULL, "%s: %s", streams[_i], e.message);
    ff_buf_init(&out, SIZE_MAX / 2);
    ck_assert_int_eq(ff_pickle_dump(ff_doc_root(doc), NULL, write_bytes, &out, &e),
                     FF_OK);
    ck_assert_uint_eq(out.length_bytes, size);
    ck_assert_mem_eq(out.data, data, size);
    ff_buf_free(&out);
    ff_doc_free(doc);
    free(data);
}
END_TEST

static int say_path(void *ctx, const struct ff_difference *d)
{
    (void)fprintf(stderr, "%s: %s, kind %d\n", (const char *)ctx, d->path, d->kind);
    return FF_OK;
}

/* JSON says all of it: what is read back differs nowhere (a NaN from itself neither). */
START_TEST(stream_is_shown_and_goes_through_json)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i), *again;
    struct ff_buf shown;
    uint64_t differences = 0;
    char *json = help_json(ff_doc_root(doc));
    ff_buf_init(&shown, SIZE_MAX / 2);
    ck_assert_int_eq(ff_show(ff_doc_root(doc), 0, 0, help_write, &shown, &e), FF_OK);
    ck_assert_uint_gt(shown.length_bytes, 40);
    ff_buf_free(&shown);
    again = help_doc(json);
    ck_assert_int_eq(ff_diff(ff_doc_root(doc), ff_doc_root(again), NULL, say_path,
                             (void *)(uintptr_t)streams[_i], &differences, &e),
                     FF_OK);
    ck_assert_msg(differences == 0, "%s", streams[_i]);
    free(json);
    ff_doc_free(again);
    ff_doc_free(doc);
}
END_TEST

/* ---- small files, large texts ---- */

/* A pickle: `before`, `size` times a digit, `after`, and what `unit` calls so many times, as a list. */
static struct ff_doc *many_of(const char *before, size_t size, const char *after,
                              const char *unit, size_t times)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf in;
    struct ff_doc *doc;
    ff_buf_init(&in, SIZE_MAX / 2);
    ck_assert_int_eq(ff_buf_append_text(&in, before), 0);
    for (size_t i = 0; i < size; i++) {
        ck_assert_int_eq(ff_buf_append_byte(&in, '1'), 0);
    }
    ck_assert_int_eq(ff_buf_append_text(&in, after), 0);
    for (size_t i = 0; i < times; i++) {
        ck_assert_int_eq(ff_buf_append_text(&in, unit), 0);
    }
    ck_assert_int_eq(ff_buf_append_text(&in, "l."), 0);
    doc = ff_pickle_load(in.data, in.length_bytes, NULL, NULL, NULL, NULL, &e);
    ck_assert_msg(doc != NULL, "%s: %s", before, e.message);
    ff_buf_free(&in);
    return doc;
}

/* Objects whose view says all of them, and whose arguments are the same. */
START_TEST(arguments_that_are_shared_are_written_once)
{
    static const struct {
        const char *before, *after, *unit;
    } rows[] = {
        {"cdecimal\nDecimal\np1\n0V", "\n\x85p2\n0(", "g1\ng2\nR"},
        {"cpathlib\nPosixPath\np1\n0V", "\n\x85p2\n0(", "g1\ng2\nR"},
        {"cbuiltins\nset\np1\n0(V", "\nl\x85p2\n0(", "g1\ng2\nR"},
        {"carray\narray\np1\n0(Vb\n(V", "\nltp2\n0(", "g1\ng2\nR"},
        {"V", "\np1\n0(", "g1\n"},
    };
    enum { SIZE = 10000, TIMES = 5000 };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_doc *doc = many_of(rows[i].before, SIZE, rows[i].after, rows[i].unit,
                                     TIMES),
                      *again;
        char *json = help_json(ff_doc_root(doc)), *twice;
        ck_assert_msg(strlen(json) < SIZE + 200 * TIMES, "%s: %zu", rows[i].before,
                      strlen(json));
        again = help_doc(json);
        twice = help_json(ff_doc_root(again));
        ck_assert_str_eq(json, twice);
        free(json);
        free(twice);
        ff_doc_free(doc);
        ff_doc_free(again);
    }
}
END_TEST

START_TEST(text_that_grows_beyond_its_document_is_a_limit)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf text;
    struct ff_doc *doc = many_of("cm\n", 60000, "\np1\n0(", "g1\n", 3000);
    ff_buf_init(&text, 1 << 30);
    ck_assert_int_eq(ff_to_json(ff_doc_root(doc), help_write, &text, &e), FF_E_LIMIT);
    ck_assert_int_eq(e.code, FF_E_LIMIT);
    ck_assert_ptr_nonnull(strstr(e.message, "bytes of JSON"));
    ck_assert_uint_lt(text.length_bytes, 80 << 20);
    ff_buf_free(&text);
    ff_doc_free(doc);
}
END_TEST

/* ---- numpy ---- */

START_TEST(numpy_values_have_their_views)
{
    static const struct {
        const char *name, *descr; /* NULL: no array */
        int view;
    } rows[] = {
        {"f8", "<f8", FF_VIEW_NDARRAY},
        {"fortran", "<i8", FF_VIEW_NDARRAY},
        {"axes", "<i2", FF_VIEW_NDARRAY},
        {"strided", "<i8", FF_VIEW_NDARRAY},
        {"big", ">i4", FF_VIEW_NDARRAY},
        {"text", "<U2", FF_VIEW_NDARRAY},
        {"bytes", "|S2", FF_VIEW_NDARRAY},
        {"dates", "<M8[D]", FF_VIEW_NDARRAY},
        {"record", "[('a', '<i4'), ('b', '<f8', (2,))]", FF_VIEW_NDARRAY},
        {"objects", NULL, FF_VIEW_OBJECT_ARRAY},
        {"scalar", "<f8", FF_VIEW_SCALAR},
        {"day", "<M8[D]", FF_VIEW_SCALAR},
        {"dtype", NULL, FF_VIEW_DTYPE},
        {"masked", NULL, FF_VIEW_NONE},
        {"generator", NULL, FF_VIEW_NONE},
        {"array", "<f8", FF_VIEW_ARRAY},
    };
    struct ff_doc *doc = load((size_t)_i);
    struct ff_value root = ff_doc_root(doc), strings = ff_get(root, "strings");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_value v = ff_get(root, rows[i].name);
        const struct ff_array *a = ff_array(v, NULL);
        ck_assert_msg(ff_view(v) == rows[i].view, "%s %s: view %d", streams[_i],
                      rows[i].name, ff_view(v));
        ck_assert_msg(!a == !rows[i].descr, "%s %s", streams[_i], rows[i].name);
        if (a) {
            ck_assert_str_eq(a->descr, rows[i].descr);
        }
    }
    ck_assert_int_eq(ff_view(strings), FF_VIEW_NONE); /* StringDType is not understood */
    ff_doc_free(doc);
}
END_TEST

/* transpose(1, 0, 2) of 0 .. 23 in (2, 3, 4): numpy 2.3 and later write it in its order. */
START_TEST(numpy_order_of_axes_is_kept)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    const struct ff_array *a = ff_array(ff_get(ff_doc_root(doc), "axes"), &e);
    int16_t all[24];
    ck_assert_int_eq(a->shape[0] * 100 + a->shape[1] * 10 + a->shape[2], 324);
    ck_assert_int_eq(ff_array_read(a, NULL, all, NULL, NULL, &e), FF_OK);
    for (int i = 0; i < 24; i++) {
        ck_assert_int_eq(all[i], i / 4 % 2 * 12 + i / 8 * 4 + i % 4);
    }
    ff_doc_free(doc);
}
END_TEST

START_TEST(numpy_objects_are_a_list)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    struct ff_value items;
    int32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    ck_assert_int_eq(
        ff_object_array(ff_get(ff_doc_root(doc), "objects"), &ndim, shape, &items, &e),
        FF_OK);
    ck_assert_int_eq(ndim, 1);
    ck_assert_int_eq(shape[0], 3);
    ck_assert_uint_eq(ff_length(items), 3);
    ff_doc_free(doc);
}
END_TEST

/* ---- pandas ---- */

START_TEST(pandas_numeric_column_is_an_array)
{
    static const double x[] = {0.5, 1.5, 2.5}, y[] = {4.5, 5.5, 6.5};
    static const int64_t n[] = {1, 2, 3};
    static const struct {
        const char *name, *descr;
        const void *wanted;
    } columns[] = {{"x", "<f8", x}, {"y", "<f8", y}, {"n", "<i8", n}};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    struct ff_array *kept[3];
    for (size_t i = 0; i < 3; i++) {
        kept[i] = ff_column(ff_get(ff_doc_root(doc), "df"), columns[i].name, &e);
        ck_assert_msg(kept[i] != NULL, "%s: %s", streams[_i], e.message);
    }
    ff_doc_free(doc); /* a column keeps what it lies in */
    for (size_t i = 0; i < 3; i++) {
        uint8_t elements[24];
        ck_assert_str_eq(kept[i]->descr, columns[i].descr);
        ck_assert_int_eq(kept[i]->ndim, 1);
        ck_assert_int_eq(kept[i]->shape[0], 3);
        ck_assert_int_eq(ff_array_read(kept[i], NULL, elements, NULL, NULL, &e), FF_OK);
        ck_assert_mem_eq(elements, columns[i].wanted, sizeof elements);
        ff_array_free(kept[i]);
    }
}
END_TEST

START_TEST(pandas_dates_are_an_array)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    struct ff_array *when = ff_column(ff_get(ff_doc_root(doc), "df"), "when", &e);
    int64_t times[3];
    ck_assert_msg(when != NULL, "%s: %s", streams[_i], e.message);
    ck_assert_msg(strncmp(when->descr, "<M8[", 4) == 0, "%s", when->descr);
    ck_assert_int_eq(ff_array_read(when, NULL, times, NULL, NULL, &e), FF_OK);
    ck_assert_int_eq(times[2] - times[1], times[1] - times[0]);
    ck_assert_int_eq(times[0] % 1577836800, 0); /* 2020-01-01 in some unit */
    ff_array_free(when);
    ff_doc_free(doc);
}
END_TEST

START_TEST(pandas_column_of_objects_is_given_as_it_is)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    struct ff_value df = ff_get(ff_doc_root(doc), "df"), values, items, name;
    int32_t ndim;
    int64_t row, shape[FF_MAX_NDIM];
    const char *text;
    size_t size;
    ck_assert_ptr_null(ff_column(df, "name", &e));
    ck_assert_int_eq(e.code, FF_E_TYPE);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_column_values(df, "name", &values, &row, &e), FF_OK);
    ck_assert_int_eq(ff_object_array(values, &ndim, shape, &items, &e), FF_OK);
    ck_assert_int_eq(row, ndim == 2 ? 0 : -1);
    ck_assert_int_eq(ff_item(items, 2, NULL, &name, &e), FF_OK);
    ck_assert_int_eq(ff_str(name, &text, &size, &e), FF_OK);
    ck_assert_mem_eq(text, "c", 1);
    /* of a class of its own */
    ck_assert_int_eq(ff_column_values(df, "kind", &values, &row, &e), FF_OK);
    ck_assert_int_eq(row, -1);
    ck_assert_int_eq(ff_view(values), FF_VIEW_NONE);
    ck_assert_ptr_null(ff_column(df, "kind", &e));
    ck_assert_int_eq(e.code, FF_E_TYPE);
    ff_doc_free(doc);
}
END_TEST

START_TEST(pandas_labels_are_given)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    struct ff_value df = ff_get(ff_doc_root(doc), "df"), axis;
    struct ff_value series = ff_get(ff_doc_root(doc), "series");
    struct ff_labels labels;
    ck_assert_int_eq(ff_axis(df, 1, &axis, &e), FF_OK);
    ck_assert_int_eq(ff_labels(axis, &labels, &e), FF_OK);
    ck_assert_uint_eq(labels.length, 6);
    ck_assert_int_eq(ff_view(labels.labels), FF_VIEW_OBJECT_ARRAY);
    ck_assert_int_eq(ff_kind(labels.name), FF_NONE);
    ck_assert_int_eq(ff_axis(df, 0, &axis, &e), FF_OK);
    ck_assert_int_eq(ff_labels(axis, &labels, &e), FF_OK);
    ck_assert_uint_eq(labels.length, 3);
    ck_assert_ptr_null(labels.labels.doc);
    ck_assert_int_eq(labels.start * 10 + labels.step, 1);
    ck_assert_int_eq(ff_axis(series, 0, &axis, &e), FF_OK);
    ck_assert_int_eq(ff_labels(axis, &labels, &e), FF_OK);
    ck_assert_int_eq(ff_view(labels.labels), FF_VIEW_NDARRAY);
    ck_assert_int_eq(ff_axis(series, 1, &axis, &e), FF_E_USAGE);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_axis(ff_get(ff_doc_root(doc), "many"), 0, &axis, &e), FF_OK);
    ck_assert_int_eq(ff_labels(axis, &labels, &e), FF_E_TYPE); /* a MultiIndex */
    ff_doc_free(doc);
}
END_TEST

START_TEST(pandas_series_is_its_one_column)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    struct ff_value series = ff_get(ff_doc_root(doc), "series");
    struct ff_array *values = ff_column(series, NULL, &e);
    double two[2];
    ck_assert_msg(values != NULL, "%s", e.message);
    ck_assert_int_eq(ff_array_read(values, NULL, two, NULL, NULL, &e), FF_OK);
    ck_assert_double_eq(two[1], 2.0);
    ff_array_free(values);
    ck_assert_ptr_null(ff_column(series, "s", &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_column(ff_get(ff_doc_root(doc), "df"), "missing", &e));
    ck_assert_int_eq(e.code, FF_E_NOT_FOUND);
    ff_doc_free(doc);
}
END_TEST

START_TEST(pandas_blocks_are_reached_by_path)
{
    static const char *const paths[] = {
        "['df']._mgr.blocks[0]",     "df._mgr.axes[0]",
        "df._mgr.blocks[1].values",  "series._mgr.blocks[0]",
        "series._mgr.axes[0].name",  "series._mgr.blocks[0].values",
        "labelled._mgr.axes[1].data"};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = load((size_t)_i);
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct ff_value v = ff_path(ff_doc_root(doc), paths[i], &e);
        ck_assert_msg(v.doc != NULL, "%s %s: %s", streams[_i], paths[i], e.message);
    }
    ff_doc_free(doc);
}
END_TEST

START_TEST(cloudpickle_is_opaque)
{
    struct ff_doc *doc = load((size_t)_i);
    struct ff_value root = ff_doc_root(doc);
    ck_assert_int_eq(ff_view(ff_get(root, "f")), FF_VIEW_NONE);
    ck_assert_int_eq(ff_view(ff_get(root, "C")), FF_VIEW_NONE);
    ck_assert_int_eq(ff_kind(ff_get(root, "f")), FF_OBJECT);
    ff_doc_free(doc);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams");
    TCase *tcase = tcase_create("streams");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, arguments_that_are_shared_are_written_once);
    tcase_add_test(tcase, text_that_grows_beyond_its_document_is_a_limit);
    tcase_add_loop_test(tcase, stream_is_written_back_byte_for_byte, 0,
                        COUNT_OF(streams));
    tcase_add_loop_test(tcase, stream_is_shown_and_goes_through_json, 0,
                        COUNT_OF(streams));
    tcase_add_loop_test(tcase, numpy_values_have_their_views, 0, NUMPY_END);
    tcase_add_loop_test(tcase, numpy_order_of_axes_is_kept, 0, NUMPY_END);
    tcase_add_loop_test(tcase, numpy_objects_are_a_list, 0, NUMPY_END);
    tcase_add_loop_test(tcase, pandas_numeric_column_is_an_array, NUMPY_END, PANDAS_END);
    tcase_add_loop_test(tcase, pandas_dates_are_an_array, NUMPY_END, PANDAS_END);
    tcase_add_loop_test(tcase, pandas_column_of_objects_is_given_as_it_is, NUMPY_END,
                        PANDAS_END);
    tcase_add_loop_test(tcase, pandas_labels_are_given, NUMPY_END, PANDAS_END);
    tcase_add_loop_test(tcase, pandas_series_is_its_one_column, NUMPY_END, PANDAS_END);
    tcase_add_loop_test(tcase, pandas_blocks_are_reached_by_path, NUMPY_END, PANDAS_END);
    tcase_add_loop_test(tcase, cloudpickle_is_opaque, PANDAS_END + 2, COUNT_OF(streams));
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
