/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_roundtrip.c: what plugins/dask_array writes, it reads back the same. */
#include "hdf_stub.h"

#include <check.h>
#include <stdlib.h>

#include "core/base/region.h"

static const struct {
    const char *descr;
    uint64_t item_bytes;
} dtypes[] = {
    {"|b1", 1},
    {"|i1", 1},
    {"|u1", 1},
    {"<i2", 2},
    {">i4", 4},
    {"<u8", 8},
    {"<f2", 2},
    {">f4", 4},
    {"<f8", 8},
    {"<c8", 8},
    {">c16", 16},
    {"|S5", 5},
    {"|V7", 7},
    {"<U4", 16},
    {">U3", 12},
    {"<M8[ns]", 8},
    {">m8[10us]", 8},
    {"<M8[D]", 8},
    {"[('a', '<i4'), ('b', '<f8', (3,))]", 28},
    {"[('a', '|i1'), ('', '|V7'), ('b', '<f8')]", 16},
    {"[('n', [('p', '>i2'), ('s', '|S3')]), ('u', '<U2'), ('t', '<M8[ms]')]", 21},
};

static const struct {
    int ndim;
    int64_t shape[4], chunk[4];
} grids[] = {
    {0, {0}, {0}},
    {1, {1001}, {100}},
    {1, {5}, {5}},
    {1, {7}, {100}},
    {1, {0}, {0}},
    {2, {37, 53}, {10, 20}},
    {2, {100, 6}, {7, 6}},
    {3, {3, 0, 2}, {3, 0, 2}},
    {4, {4, 6, 5, 3}, {3, 6, 2, 1}},
};

static const char *const options[] = {
    NULL,
    "{\"compression\": \"none\"}",
    "{\"compression\": \"deflate\"}",
    "{\"compression\": \"deflate\", \"level\": 1, \"shuffle\": false}",
};

enum {
    DTYPES = sizeof dtypes / sizeof dtypes[0],
    GRIDS = sizeof grids / sizeof grids[0],
    OPTIONS = sizeof options / sizeof options[0]
};

static void check_same(struct stub *s, const struct stub_array *a, const char *name)
{
    struct ff_error e = FF_ERROR_INIT;
    uint64_t total_bytes;
    unsigned char *data;
    struct ff_array *got = stub_unpickle(s, name, &e);

    ck_assert_msg(got != NULL, "%s: %s", a->array.descr, e.message);
    ck_assert_str_eq(got->descr, a->array.descr);
    ck_assert_int_eq(got->ndim, a->array.ndim);
    for (int i = 0; i < got->ndim; i++) {
        ck_assert_int_eq(got->shape[i], a->shape[i]);
    }
    data = stub_read_all(got, &total_bytes, &e);
    ck_assert_msg(data != NULL, "%s: %s", a->array.descr, e.message);
    ck_assert_uint_eq(total_bytes, a->total_bytes);
    ck_assert_msg(memcmp(data, a->data, total_bytes) == 0, "%s %s", a->array.descr, name);
    free(data);
    got->release(got);
}

START_TEST(roundtrip_each_dtype_and_grid_is_equal)
{
    struct stub s;
    char name[32];

    stub_open(&s, NULL, NULL);
    for (int g = 0; g < GRIDS; g++) {
        struct ff_error e = FF_ERROR_INIT;
        struct stub_array a;
        int rc;

        stub_array_make(&a, dtypes[_i].descr, dtypes[_i].item_bytes, grids[g].ndim,
                        grids[g].shape, grids[g].chunk);
        for (int o = 0; o < OPTIONS; o++) {
            (void)snprintf(name, sizeof name, "g%d-%d", g, o);
            a.array.options = options[o];
            rc = stub_pickle(&s, &a.array, name, NULL, &e);
            ck_assert_msg(rc == FF_OK, "%s: %s", name, e.message);
            check_same(&s, &a, name);
        }
        stub_array_free(&a);
    }
    ck_assert_int_eq(stub_open_files(), 0);
    stub_close(&s);
}
END_TEST

/* The source as `read` only. */
static const struct stub_array *under;

static int callback_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                         const int64_t *dst_strides, const struct ff_call *call,
                         struct ff_error *e)
{
    const unsigned char *src = under->data;

    (void)call;
    (void)e;
    for (int i = 0; i < a->ndim; i++) {
        src += r->start[i] * under->strides[i];
    }
    ck_assert(ff_copy_strided((size_t)a->ndim, r->count, a->itemsize_bytes, dst,
                              dst_strides, src, under->strides));
    return FF_OK;
}

START_TEST(roundtrip_callback_source_is_equal)
{
    struct stub s;
    struct stub_array a;
    struct ff_array lazy;
    struct ff_error e = FF_ERROR_INIT;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<i4", 4, 2, (int64_t[]){301, 203}, (int64_t[]){100, 64});
    under = &a;
    lazy = a.array;
    lazy.data = NULL;
    lazy.strides = NULL;
    lazy.read = callback_read;
    for (int o = 0; o < OPTIONS; o++) {
        char name[32];

        (void)snprintf(name, sizeof name, "c%d", o);
        lazy.options = options[o];
        ck_assert_int_eq(stub_pickle(&s, &lazy, name, NULL, &e), FF_OK);
        check_same(&s, &a, name);
    }
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

/* Rows of 8 KiB and of 1.2 MiB, several to a piece and each by itself, into and out of strided
 * memory. */
static const struct {
    int64_t rows, columns, wide, chunk[2];
} long_rows[] = {
    {300, 5000, 5600, {128, 2048}},
    {700, 5000, 5600, {640, 2048}},
    {5, 700000, 700001, {2, 300000}},
};

START_TEST(roundtrip_long_rows_and_strides_are_equal)
{
    int64_t rows = long_rows[_i].rows, columns = long_rows[_i].columns;
    int64_t wide_columns = long_rows[_i].wide;
    struct stub s;
    struct stub_array wide, a;
    struct ff_array view, *got;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_region region = {(int64_t[]){0, 0}, (int64_t[]){rows, columns}, NULL};
    unsigned char *out;

    stub_open(&s, NULL, NULL);
    stub_array_make(&wide, "<f4", 4, 2, (int64_t[]){rows, wide_columns},
                    (int64_t[]){1, 1});
    stub_array_make(&a, "<f4", 4, 2, (int64_t[]){rows, columns}, long_rows[_i].chunk);
    view = a.array;
    view.data = wide.data;
    view.strides = wide.strides;
    ck_assert_int_eq(stub_pickle(&s, &view, "rows", NULL, &e), FF_OK);
    got = stub_unpickle(&s, "rows", &e);
    ck_assert_ptr_nonnull(got);
    out = calloc(1, wide.total_bytes);
    ck_assert_int_eq(got->read(got, &region, out, wide.strides, NULL, &e), FF_OK);
    for (int64_t i = 0; i < rows; i++) {
        ck_assert_mem_eq(out + i * wide.strides[0], wide.data + i * wide.strides[0],
                         (size_t)(4 * columns));
        ck_assert_int_eq(out[i * wide.strides[0] + 4 * columns], 0);
    }
    free(out);
    got->release(got);
    stub_array_free(&a);
    stub_array_free(&wide);
    stub_close(&s);
}
END_TEST

static uint64_t random_state = 42;

static int64_t random_below(int64_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(random_state >> 33) % n;
}

static void check_region(const struct ff_array *got, const struct stub_array *a)
{
    struct ff_error e = FF_ERROR_INIT;
    int64_t start[3], count[3], step[3], to[3], from[3];
    const unsigned char *src = a->data;
    uint64_t total_bytes;
    unsigned char *x, *y;

    for (int i = 0; i < 3; i++) {
        start[i] = random_below(a->shape[i]);
        step[i] = 1 + random_below(4) * random_below(2) * random_below(30);
        count[i] = 1 + random_below((a->shape[i] - start[i] - 1) / step[i] + 1);
        src += start[i] * a->strides[i];
        from[i] = step[i] * a->strides[i];
    }
    ck_assert(ff_strides_c(3, count, a->array.itemsize_bytes, to, &total_bytes));
    x = calloc(1, total_bytes);
    y = calloc(1, total_bytes);
    ck_assert(ff_copy_strided(3, count, a->array.itemsize_bytes, y, to, src, from));
    ck_assert_int_eq(
        got->read(got, &(struct ff_region){start, count, step}, x, to, NULL, &e), FF_OK);
    ck_assert_msg(memcmp(x, y, total_bytes) == 0,
                  "start %d %d %d count %d %d %d step %d %d %d", (int)start[0],
                  (int)start[1], (int)start[2], (int)count[0], (int)count[1],
                  (int)count[2], (int)step[0], (int)step[1], (int)step[2]);
    free(x);
    free(y);
}

START_TEST(read_random_regions_are_equal)
{
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    struct ff_error e = FF_ERROR_INIT;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<f8", 8, 3, (int64_t[]){40, 90, 170}, (int64_t[]){16, 64, 100});
    a.array.options = options[_i];
    ck_assert_int_eq(stub_pickle(&s, &a.array, "r", NULL, &e), FF_OK);
    got = stub_unpickle(&s, "r", &e);
    ck_assert_ptr_nonnull(got);
    for (int i = 0; i < 150; i++) {
        check_region(got, &a);
    }
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(read_one_month_reads_no_other_chunk)
{
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    struct ff_error e = FF_ERROR_INIT;
    static unsigned char out[90 * 180 * 4];
    uint64_t before;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<f4", 4, 3, (int64_t[]){12, 90, 180}, (int64_t[]){1, 90, 180});
    ck_assert_int_eq(stub_pickle(&s, &a.array, "sst", NULL, &e), FF_OK);
    got = stub_unpickle(&s, "sst", &e);
    before = stub_read_bytes();
    ck_assert_int_eq(got->read(got,
                               &(struct ff_region){(int64_t[]){6, 0, 0},
                                                   (int64_t[]){1, 90, 180}, NULL},
                               out, a.strides, NULL, &e),
                     FF_OK);
    ck_assert_uint_eq(stub_read_bytes() - before, sizeof out);
    ck_assert_mem_eq(out, a.data + 6 * a.strides[0], sizeof out);
    before = stub_read_bytes();
    ck_assert_int_eq(
        got->read(got,
                  &(struct ff_region){(int64_t[]){3, 10, 20}, (int64_t[]){1, 1, 5}, NULL},
                  out, a.strides, NULL, &e),
        FF_OK);
    ck_assert_uint_eq(stub_read_bytes() - before, 20);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(read_outside_of_the_shape_is_usage)
{
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    struct ff_error e = FF_ERROR_INIT;
    int32_t out[10];

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<i4", 4, 1, (int64_t[]){5}, (int64_t[]){2});
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_OK);
    got = stub_unpickle(&s, "x", &e);
    ck_assert_int_eq(got->read(got,
                               &(struct ff_region){(int64_t[]){3}, (int64_t[]){3}, NULL},
                               out, (int64_t[]){4}, NULL, &e),
                     FF_E_USAGE);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(roundtrip_irregular_chunks_keeps_them)
{
    static int64_t many[30000];
    const int64_t *edges[2] = {(int64_t[]){30, 50, 20}, (int64_t[]){3, 4}};
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    struct ff_error e = FF_ERROR_INIT;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<f4", 4, 2, (int64_t[]){100, 7}, (int64_t[]){50, 4});
    a.array.edges = edges;
    a.array.edge_count = (int64_t[]){3, 2};
    for (int o = 0; o < OPTIONS; o++) {
        char name[32];

        (void)snprintf(name, sizeof name, "e%d", o);
        a.array.options = options[o];
        ck_assert_int_eq(stub_pickle(&s, &a.array, name, NULL, &e), FF_OK);
        check_same(&s, &a, name);
        got = stub_unpickle(&s, name, &e);
        ck_assert_ptr_nonnull(got->edges);
        ck_assert_mem_eq(got->edge_count, a.array.edge_count, 2 * sizeof(int64_t));
        ck_assert_mem_eq(got->edges[0], edges[0], 3 * sizeof(int64_t));
        ck_assert_mem_eq(got->edges[1], edges[1], 2 * sizeof(int64_t));
        ck_assert_int_eq(got->chunk[0], 50);
        got->release(got);
    }
    stub_array_free(&a);

    for (int i = 0; i < 30000; i++) { /* too long for an attribute */
        many[i] = 1 + i % 2;
    }
    edges[0] = many;
    stub_array_make(&a, "|u1", 1, 1, (int64_t[]){45000}, (int64_t[]){2});
    a.array.edges = edges;
    a.array.edge_count = (int64_t[]){30000};
    ck_assert_int_eq(stub_pickle(&s, &a.array, "long", NULL, &e), FF_OK);
    check_same(&s, &a, "long");
    got = stub_unpickle(&s, "long", &e);
    ck_assert_ptr_nonnull(got->edges);
    ck_assert_mem_eq(got->edges[0], many, sizeof many);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(pickle_regular_edges_are_not_kept)
{
    const int64_t *edges[1] = {(int64_t[]){4, 4, 2}};
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    struct ff_error e = FF_ERROR_INIT;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<f4", 4, 1, (int64_t[]){10}, (int64_t[]){4});
    a.array.edges = edges;
    a.array.edge_count = (int64_t[]){3};
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_OK);
    got = stub_unpickle(&s, "x", &e);
    ck_assert_ptr_null(got->edges);
    ck_assert_int_eq(got->chunk[0], 4);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(pickle_what_it_cannot_keep_is_declined)
{
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "|O", 8, 1, (int64_t[]){4}, (int64_t[]){2});
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_DECLINED);
    a.array.descr = "|S0";
    a.array.itemsize_bytes = 0;
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_DECLINED);
    a.array.descr = "<f8";
    a.array.itemsize_bytes = 8;
    a.array.chunk = NULL;
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_DECLINED);
    ck_assert_int_eq(e.code, FF_OK);
    ck_assert(!stub_exists(&s, "x"));
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(pickle_wrong_options_name_them)
{
    static const struct {
        const char *options, *said, *fix;
        int code;
    } wrong[] = {
        {"{\"compresion\": \"deflate\"}", "compresion", "'compression' may be meant",
         FF_E_USAGE},
        {"{\"compression\": \"defalte\"}", "defalte", "'deflate' may be meant",
         FF_E_USAGE},
        {"{\"compression\": \"quux\"}", "quux", "none, deflate", FF_E_USAGE},
        {"{\"level\": 3}", "compression", "", FF_E_USAGE},
        {"{\"compression\": \"deflate\", \"level\": 10}", "10", "", FF_E_USAGE},
        {"{\"compression\": 3}", "", "", FF_E_TYPE},
        {"{\"shuffle\": true}", "shuffle", "", FF_E_USAGE},
    };
    struct stub s;
    struct stub_array a;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<f4", 4, 1, (int64_t[]){10}, (int64_t[]){4});
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ff_error e = FF_ERROR_INIT;

        a.array.options = wrong[i].options;
        ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), wrong[i].code);
        ck_assert_msg(strstr(e.message, wrong[i].said) != NULL, "%s", e.message);
        ck_assert_msg(strstr(e.fix, wrong[i].fix) != NULL, "%s", e.fix);
        ck_assert(!stub_exists(&s, "x"));
    }
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(pickle_instance_options_compress)
{
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT;
    size_t plain_bytes, packed_bytes;

    stub_open(&s, NULL, "{\"compression\": \"deflate\", \"level\": 9}");
    stub_array_make(&a, "<f4", 4, 1, (int64_t[]){100000}, (int64_t[]){4000});
    memset(a.data, 7, a.total_bytes);
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_OK);
    free(stub_load(&s, "x", &packed_bytes));
    a.array.options = "{\"compression\": \"none\"}";
    ck_assert_int_eq(stub_pickle(&s, &a.array, "y", NULL, &e), FF_OK);
    free(stub_load(&s, "y", &plain_bytes));
    ck_assert_uint_lt(packed_bytes, plain_bytes / 10);
    check_same(&s, &a, "x");
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf_roundtrip");
    TCase *c = tcase_create("roundtrip");
    SRunner *runner;
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, roundtrip_each_dtype_and_grid_is_equal, 0, DTYPES);
    tcase_add_test(c, roundtrip_callback_source_is_equal);
    tcase_add_loop_test(c, roundtrip_long_rows_and_strides_are_equal, 0,
                        sizeof long_rows / sizeof *long_rows);
    tcase_add_loop_test(c, read_random_regions_are_equal, 0, OPTIONS);
    tcase_add_test(c, read_one_month_reads_no_other_chunk);
    tcase_add_test(c, read_outside_of_the_shape_is_usage);
    tcase_add_test(c, roundtrip_irregular_chunks_keeps_them);
    tcase_add_test(c, pickle_regular_edges_are_not_kept);
    tcase_add_test(c, pickle_what_it_cannot_keep_is_declined);
    tcase_add_test(c, pickle_wrong_options_name_them);
    tcase_add_test(c, pickle_instance_options_compress);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
