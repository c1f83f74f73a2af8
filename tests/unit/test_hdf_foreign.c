/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_foreign.c: files that libhdf5 writes by itself: every layout, chunk index and
 * filter that is read, and everything that is refused.
 */
#include "hdf_stub.h"

#include <check.h>
#include <hdf5.h>
#include <stdlib.h>

enum { ROWS = 50, COLUMNS = 30, ITEMS = ROWS * COLUMNS };

static int32_t elements[ITEMS];

static void fill_elements(void)
{
    for (int i = 0; i < ITEMS; i++) {
        elements[i] = i * 7 - 3000;
    }
}

static hid_t make_file(const struct stub *s, const char *name, int latest)
{
    char path[512];
    hid_t list = H5Pcreate(H5P_FILE_ACCESS), file;

    (void)snprintf(path, sizeof path, "%s/%s", s->folder, name);
    if (latest) {
        ck_assert_int_ge(H5Pset_libver_bounds(list, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST),
                         0);
    }
    file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, list);
    ck_assert_int_ge(file, 0);
    H5Pclose(list);
    return file;
}

static const struct {
    const char *name;
    int latest, unlimited_axes, layout; /* H5D_* */
    int deflate, shuffle, fletcher32, whole;
} layouts[] = {
    {"contiguous", 0, 0, H5D_CONTIGUOUS, 0, 0, 0, 0},
    {"contiguous, latest", 1, 0, H5D_CONTIGUOUS, 0, 0, 0, 0},
    {"compact", 0, 0, H5D_COMPACT, 0, 0, 0, 0},
    {"compact, latest", 1, 0, H5D_COMPACT, 0, 0, 0, 0},
    {"version 1 B-tree", 0, 0, H5D_CHUNKED, 0, 0, 0, 0},
    {"version 1 B-tree, all filters", 0, 0, H5D_CHUNKED, 1, 1, 1, 0},
    {"version 1 B-tree, fletcher32", 0, 1, H5D_CHUNKED, 0, 0, 1, 0},
    {"version 1 B-tree, shuffle", 0, 2, H5D_CHUNKED, 0, 1, 0, 0},
    {"single chunk", 1, 0, H5D_CHUNKED, 0, 0, 0, 1},
    {"single chunk, filters", 1, 0, H5D_CHUNKED, 1, 1, 1, 1},
    {"fixed array", 1, 0, H5D_CHUNKED, 0, 0, 0, 0},
    {"fixed array, filters", 1, 0, H5D_CHUNKED, 1, 1, 1, 0},
    {"extensible array", 1, 1, H5D_CHUNKED, 0, 0, 0, 0},
    {"extensible array, filters", 1, 1, H5D_CHUNKED, 1, 0, 1, 0},
    {"version 2 B-tree", 1, 2, H5D_CHUNKED, 0, 0, 0, 0},
    {"version 2 B-tree, filters", 1, 2, H5D_CHUNKED, 1, 1, 0, 0},
};

static hid_t list_for(int i, const hsize_t *chunk)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    ck_assert_int_ge(H5Pset_layout(list, (H5D_layout_t)layouts[i].layout), 0);
    if (layouts[i].layout == H5D_CHUNKED) {
        ck_assert_int_ge(H5Pset_chunk(list, 2, chunk), 0);
    }
    if (layouts[i].shuffle) {
        ck_assert_int_ge(H5Pset_shuffle(list), 0);
    }
    if (layouts[i].deflate) {
        ck_assert_int_ge(H5Pset_deflate(list, 3), 0);
    }
    if (layouts[i].fletcher32) {
        ck_assert_int_ge(H5Pset_fletcher32(list), 0);
    }
    return list;
}

static void write_dataset(hid_t file, int i, const hsize_t *chunk)
{
    hsize_t shape[2] = {ROWS, COLUMNS}, most[2] = {ROWS, COLUMNS};
    hid_t space, list = list_for(i, chunk), set;

    for (int axis = 0; axis < layouts[i].unlimited_axes; axis++) {
        most[axis] = H5S_UNLIMITED;
    }
    space = H5Screate_simple(2, shape, most);
    set = H5Dcreate2(file, "dask_arrays", H5T_STD_I32LE, space, H5P_DEFAULT, list,
                     H5P_DEFAULT);
    ck_assert_int_ge(set, 0);
    ck_assert_int_ge(
        H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements), 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(list);
}

START_TEST(unpickle_each_layout_is_equal)
{
    hsize_t chunk[2] = {7, 4};
    struct stub s;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *got;
    uint64_t total_bytes;
    unsigned char *data;
    hid_t file;

    stub_open(&s, NULL, NULL);
    fill_elements();
    if (layouts[_i].whole) {
        chunk[0] = ROWS;
        chunk[1] = COLUMNS;
    }
    file = make_file(&s, "x", layouts[_i].latest);
    write_dataset(file, _i, chunk);
    H5Fclose(file);
    got = stub_unpickle(&s, "x", &e);
    ck_assert_msg(got != NULL, "%s: %s", layouts[_i].name, e.message);
    data = stub_read_all(got, &total_bytes, &e);
    ck_assert_msg(data != NULL, "%s: %s", layouts[_i].name, e.message);
    ck_assert_uint_eq(total_bytes, sizeof elements);
    ck_assert_msg(memcmp(data, elements, sizeof elements) == 0, "%s", layouts[_i].name);
    free(data);
    got->release(got);
    stub_close(&s);
}
END_TEST

/* Many chunks, one element each: B-trees with inner nodes, arrays with pages; and data sets that
 * may grow, whose indexes count cells that are not there yet. */
static const struct {
    const char *name;
    int latest, fletcher32, early, ndim;
    hsize_t shape[3], most[3];
} many[] = {
    {"version 1 B-tree", 0, 0, 0, 1, {5000}, {5000}},
    {"version 1 B-tree, filter", 0, 1, 0, 1, {5000}, {5000}},
    {"version 1 B-tree that grows", 0, 0, 0, 2, {60, 50}, {H5S_UNLIMITED, 70}},
    {"fixed array", 1, 0, 0, 1, {5000}, {5000}},
    {"fixed array, filter", 1, 1, 0, 1, {5000}, {5000}},
    {"fixed array that grows", 1, 0, 0, 2, {60, 50}, {100, 70}},
    {"fixed array that grows, filter", 1, 1, 0, 3, {6, 50, 9}, {6, 70, 10}},
    {"implicit", 1, 0, 1, 2, {60, 50}, {60, 50}},
    {"implicit that grows", 1, 0, 1, 2, {60, 50}, {100, 70}},
    {"extensible array", 1, 0, 0, 1, {5000}, {H5S_UNLIMITED}},
    {"extensible array with pages", 1, 0, 0, 1, {140000}, {H5S_UNLIMITED}},
    {"extensible array with pages, filter", 1, 1, 0, 1, {140000}, {H5S_UNLIMITED}},
    {"extensible array, second axis", 1, 0, 0, 2, {60, 50}, {70, H5S_UNLIMITED}},
    {"extensible array, third axis", 1, 1, 0, 3, {6, 9, 50}, {7, 9, H5S_UNLIMITED}},
    {"version 2 B-tree", 1, 0, 0, 2, {110, 100}, {H5S_UNLIMITED, H5S_UNLIMITED}},
    {"version 2 B-tree, filter", 1, 1, 0, 2, {110, 100}, {H5S_UNLIMITED, H5S_UNLIMITED}},
};

static void write_many(const struct stub *s, int i, const int32_t *values)
{
    hsize_t chunk[3] = {1, 1, 1};
    hid_t file = make_file(s, "x", many[i].latest);
    hid_t space = H5Screate_simple(many[i].ndim, many[i].shape, many[i].most);
    hid_t list = H5Pcreate(H5P_DATASET_CREATE), set;

    ck_assert_int_ge(H5Pset_chunk(list, many[i].ndim, chunk), 0);
    if (many[i].fletcher32) {
        ck_assert_int_ge(H5Pset_fletcher32(list), 0);
    }
    if (many[i].early) {
        ck_assert_int_ge(H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY), 0);
    }
    set = H5Dcreate2(file, "dask_arrays", H5T_STD_I32LE, space, H5P_DEFAULT, list,
                     H5P_DEFAULT);
    ck_assert_int_ge(
        H5Dwrite(set, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(set);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
}

START_TEST(unpickle_many_chunks_are_equal)
{
    struct stub s;
    struct ff_error e = FF_ERROR_INIT;
    size_t count = 1;
    int32_t *values;
    struct ff_array *got;
    uint64_t total_bytes;
    unsigned char *data;

    stub_open(&s, NULL, NULL);
    for (int k = 0; k < many[_i].ndim; k++) {
        count *= (size_t)many[_i].shape[k];
    }
    values = malloc(count * sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (size_t i = 0; i < count; i++) {
        values[i] = 3 * (int32_t)i - 7;
    }
    write_many(&s, _i, values);
    got = stub_unpickle(&s, "x", &e);
    ck_assert_msg(got != NULL, "%s: %s", many[_i].name, e.message);
    data = stub_read_all(got, &total_bytes, &e);
    ck_assert_msg(data != NULL, "%s: %s", many[_i].name, e.message);
    ck_assert_uint_eq(total_bytes, count * sizeof *values);
    ck_assert_msg(memcmp(data, values, total_bytes) == 0, "%s", many[_i].name);
    free(data);
    free(values);
    got->release(got);
    stub_close(&s);
}
END_TEST

START_TEST(read_chunk_never_written_is_the_fill_value)
{
    hsize_t shape = 100, chunk = 10, first = 20;
    struct stub s;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = {
        .struct_size = FF_SIZE(ff_pid, extra), .version = "0.0.0", .name = "x"};
    const struct ff_verifier *verifier;
    int32_t fill = -7, values[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, *data;
    struct ff_array *got;
    uint64_t total_bytes;
    hid_t file, space = H5Screate_simple(1, &shape, NULL), list, set, part;

    stub_open(&s, NULL, NULL);
    file = make_file(&s, "x", _i);
    list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &chunk);
    H5Pset_fill_value(list, H5T_NATIVE_INT32, &fill);
    set = H5Dcreate2(file, "dask_arrays", H5T_STD_I32LE, space, H5P_DEFAULT, list,
                     H5P_DEFAULT);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, NULL, &chunk, NULL);
    part = H5Screate_simple(1, &chunk, NULL);
    ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_INT32, part, space, H5P_DEFAULT, values),
                     0);
    H5Dclose(set);
    H5Sclose(part);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
    got = stub_unpickle(&s, "x", &e);
    ck_assert_msg(got != NULL, "%s", e.message);
    data = (int32_t *)(void *)stub_read_all(got, &total_bytes, &e);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(data[i], i >= 20 && i < 30 ? values[i - 20] : -7);
    }
    free(data);
    got->release(got);
    verifier = s.serializer->query(s.inst, FF_VERIFY_1);
    ck_assert_int_eq(verifier->verify(s.inst, &pid, &s.protocols, 0, NULL, &e),
                     FF_E_CORRUPT);
    ck_assert_msg(strstr(e.message, "9 of 10") != NULL, "%s", e.message);
    stub_close(&s);
}
END_TEST

static void expect(struct stub *s, int code, const char *said)
{
    struct ff_error e = FF_ERROR_INIT;

    ck_assert_ptr_null(stub_unpickle(s, "x", &e));
    ck_assert_msg(e.code == code, "%d: %s", e.code, e.message);
    ck_assert_msg(strstr(e.message, said) != NULL, "%s", e.message);
    ck_assert_int_eq(stub_open_files(), 0);
}

START_TEST(unpickle_links_are_unsafe)
{
    struct stub s;
    hid_t file;

    stub_open(&s, NULL, NULL);
    file = make_file(&s, "x", _i);
    ck_assert_int_ge(H5Lcreate_external("/etc/passwd", "/data", file, "dask_arrays",
                                        H5P_DEFAULT, H5P_DEFAULT),
                     0);
    H5Fclose(file);
    expect(&s, FF_E_UNSAFE, "external");
    file = make_file(&s, "x", _i);
    ck_assert_int_ge(
        H5Lcreate_soft("/other", file, "dask_arrays", H5P_DEFAULT, H5P_DEFAULT), 0);
    H5Fclose(file);
    expect(&s, FF_E_UNSAFE, "soft");
    file = make_file(&s, "x", _i);
    H5Fclose(file);
    expect(&s, FF_E_CORRUPT, "without a data set");
    stub_close(&s);
}
END_TEST

static void one_dataset(const struct stub *s, hid_t type, hid_t list)
{
    hsize_t shape = 10;
    hid_t file = make_file(s, "x", 0), space = H5Screate_simple(1, &shape, NULL);
    hid_t set =
        H5Dcreate2(file, "dask_arrays", type, space, H5P_DEFAULT, list, H5P_DEFAULT);

    ck_assert_int_ge(set, 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Fclose(file);
}

START_TEST(unpickle_external_storage_is_unsafe)
{
    struct stub s;
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    stub_open(&s, NULL, NULL);
    ck_assert_int_ge(H5Pset_external(list, "/etc/passwd", 0, 40), 0);
    one_dataset(&s, H5T_STD_I32LE, list);
    H5Pclose(list);
    expect(&s, FF_E_UNSAFE, "external storage");
    stub_close(&s);
}
END_TEST

START_TEST(unpickle_virtual_is_unsafe)
{
    hsize_t shape = 10;
    struct stub s;
    hid_t space = H5Screate_simple(1, &shape, NULL), list = H5Pcreate(H5P_DATASET_CREATE);

    stub_open(&s, NULL, NULL);
    ck_assert_int_ge(H5Pset_virtual(list, space, "/etc/other.h5", "/data", space), 0);
    one_dataset(&s, H5T_STD_I32LE, list);
    H5Sclose(space);
    H5Pclose(list);
    expect(&s, FF_E_UNSAFE, "virtual");
    stub_close(&s);
}
END_TEST

START_TEST(unpickle_unknown_filter_is_unsupported)
{
    hsize_t chunk = 5;
    struct stub s;
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);

    stub_open(&s, NULL, NULL);
    H5Pset_chunk(list, 1, &chunk);
    ck_assert_int_ge(H5Pset_scaleoffset(list, H5Z_SO_INT, 0), 0);
    one_dataset(&s, H5T_STD_I32LE, list);
    H5Pclose(list);
    expect(&s, FF_E_UNSUPPORTED, "filter 6");
    stub_close(&s);
}
END_TEST

START_TEST(unpickle_types_without_dtype_are_unsupported)
{
    struct stub s;
    hid_t text = H5Tcopy(H5T_C_S1), list = H5Tvlen_create(H5T_STD_I32LE);
    hid_t packed = H5Tcopy(H5T_STD_I32LE);

    stub_open(&s, NULL, NULL);
    H5Tset_size(text, H5T_VARIABLE);
    one_dataset(&s, text, H5P_DEFAULT);
    expect(&s, FF_E_UNSUPPORTED, "variable-length");
    one_dataset(&s, list, H5P_DEFAULT);
    expect(&s, FF_E_UNSUPPORTED, "variable-length");
    one_dataset(&s, H5T_STD_REF_OBJ, H5P_DEFAULT);
    expect(&s, FF_E_UNSUPPORTED, "reference");
    one_dataset(&s, H5T_STD_B8LE, H5P_DEFAULT);
    expect(&s, FF_E_UNSUPPORTED, "bit field");
    H5Tset_precision(packed, 12);
    one_dataset(&s, packed, H5P_DEFAULT);
    expect(&s, FF_E_UNSUPPORTED, "packed bits");
    H5Tclose(packed);
    H5Tclose(list);
    H5Tclose(text);
    stub_close(&s);
}
END_TEST

/* The library's errors are neither printed nor left: the program's own handling stays. */
static herr_t own_handler(hid_t stack, void *ctx)
{
    (void)stack;
    *(int *)ctx += 1;
    return 0;
}

START_TEST(pickle_leaves_the_programs_hdf5_alone)
{
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT;
    H5E_auto2_t function = NULL;
    void *ctx = NULL;
    int errors = 0;
    hid_t file;

    stub_open(&s, NULL, NULL);
    file = make_file(&s, "mine", 0);
    H5Eset_auto2(H5E_DEFAULT, own_handler, &errors);
    stub_array_make(&a, "<f4", 4, 1, (int64_t[]){10}, (int64_t[]){4});
    ck_assert_int_eq(stub_pickle(&s, &a.array, "y", NULL, &e), FF_OK);
    H5Eget_auto2(H5E_DEFAULT, &function, &ctx);
    ck_assert(function == own_handler && ctx == &errors);
    ck_assert_int_eq(errors, 0);
    ck_assert_int_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 1);
    ck_assert_int_ge(H5Fclose(file), 0);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf_foreign");
    TCase *c = tcase_create("foreign");
    SRunner *runner;
    int failed;

    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, unpickle_each_layout_is_equal, 0,
                        sizeof layouts / sizeof layouts[0]);
    tcase_add_loop_test(c, unpickle_many_chunks_are_equal, 0,
                        sizeof many / sizeof many[0]);
    tcase_add_loop_test(c, read_chunk_never_written_is_the_fill_value, 0, 2);
    tcase_add_loop_test(c, unpickle_links_are_unsafe, 0, 2);
    tcase_add_test(c, unpickle_external_storage_is_unsafe);
    tcase_add_test(c, unpickle_virtual_is_unsafe);
    tcase_add_test(c, unpickle_unknown_filter_is_unsupported);
    tcase_add_test(c, unpickle_types_without_dtype_are_unsupported);
    tcase_add_test(c, pickle_leaves_the_programs_hdf5_alone);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
