/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_fault.c: each call of the medium fails once; files cut short and with flipped bits.
 * The error comes through, nothing stays open, nothing is left behind, nothing crashes.
 */
#include "hdf_stub.h"

#include <check.h>
#include <stdlib.h>

static const struct {
    const char *options;
    int ndim;
    int64_t shape[2], chunk[2];
} arrays[] = {
    {NULL, 2, {30, 40}, {8, 9}},
    {NULL, 1, {400000}, {100000}},
    {NULL, 0, {0}, {0}},
    {"{\"compression\": \"deflate\"}", 2, {60, 40}, {8, 3}},
};
enum { ARRAYS = sizeof arrays / sizeof arrays[0], NEVER = 100000 };

static void make(struct stub_array *a, int i)
{
    stub_array_make(a, "<f4", 4, arrays[i].ndim, arrays[i].shape, arrays[i].chunk);
    a->array.options = arrays[i].options;
}

START_TEST(pickle_each_failing_call_leaves_nothing)
{
    struct stub s;
    struct stub_array a;
    long n;

    stub_open(&s, NULL, NULL);
    make(&a, _i);
    for (n = 1; n < NEVER; n++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc;

        stub_fail_at(n, FF_E_NO_SPACE);
        rc = stub_pickle(&s, &a.array, "x", NULL, &e);
        ck_assert_int_eq(stub_open_files(), 0);
        if (rc == FF_OK) {
            break;
        }
        ck_assert_msg(rc == FF_E_NO_SPACE, "call %ld: %d %s", n, rc, e.message);
        ck_assert_int_eq(e.code, FF_E_NO_SPACE);
        ck_assert_str_eq(e.message, "the test asked for it");
        ck_assert_msg(!stub_exists(&s, "x"), "call %ld left a file", n);
    }
    ck_assert_int_gt(n, 5);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(read_each_failing_call_says_so)
{
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT;
    long n;

    stub_open(&s, NULL, NULL);
    make(&a, _i);
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &e), FF_OK);
    for (n = 1; n < NEVER; n++) {
        struct ff_error own = FF_ERROR_INIT;
        struct ff_array *got;
        unsigned char *data = NULL;
        uint64_t total_bytes;

        stub_fail_at(n, FF_E_IO);
        got = stub_unpickle(&s, "x", &own);
        if (got) {
            data = stub_read_all(got, &total_bytes, &own);
            got->release(got);
        }
        ck_assert_int_eq(stub_open_files(), 0);
        if (data) {
            free(data);
            break;
        }
        ck_assert_int_eq(own.code, FF_E_IO);
    }
    ck_assert_int_gt(n, 3);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

static int cancelled_now;

static int is_cancelled(const struct ff_call *call)
{
    (void)call;
    return cancelled_now;
}

START_TEST(pickle_and_read_cancelled_stop)
{
    struct ff_call call = {.struct_size = FF_SIZE(ff_call, cancelled),
                           .cancelled = is_cancelled};
    struct ff_error e = FF_ERROR_INIT, own = FF_ERROR_INIT;
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    int64_t start[2] = {0, 0};
    struct ff_region region = {start, NULL, NULL};

    stub_open(&s, NULL, NULL);
    make(&a, _i);
    region.count = a.shape;
    cancelled_now = 1;
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", &call, &e), FF_E_CANCELLED);
    ck_assert(!stub_exists(&s, "x"));
    ck_assert_int_eq(stub_pickle(&s, &a.array, "x", NULL, &own), FF_OK);
    got = stub_unpickle(&s, "x", &own);
    ck_assert_int_eq(got->read(got, &region, a.data, a.strides, &call, &own),
                     FF_E_CANCELLED);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

/* Opens and reads whatever the file is now; 1 = it was refused, with a code and words. */
static int try_to_read(struct stub *s, const char *name)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *got = stub_unpickle(s, name, &e);
    int64_t start[FF_MAX_NDIM] = {0}, count[FF_MAX_NDIM], strides[FF_MAX_NDIM] = {0};
    struct ff_region region = {start, count, NULL};
    static unsigned char dst[1 << 16];

    if (got && got->itemsize_bytes <= sizeof dst) {
        for (int i = 0; i < got->ndim; i++) {
            ck_assert_int_ge(got->shape[i], 0);
            ck_assert_int_ge(got->chunk[i], 1);
            count[i] = got->shape[i] < 50 ? got->shape[i] : 50;
        }
        (void)got->read(got, &region, dst, strides, NULL, &e);
    }
    if (got) {
        got->release(got);
    }
    ck_assert_int_eq(stub_open_files(), 0);
    ck_assert(got || e.code);
    ck_assert(!e.code || e.message[0]);
    return e.code != FF_OK;
}

static void make_file(struct stub *s, int i, unsigned char **data, size_t *size_bytes)
{
    struct ff_error e = FF_ERROR_INIT;
    struct stub_array a;

    make(&a, i);
    ck_assert_int_eq(stub_pickle(s, &a.array, "good", NULL, &e), FF_OK);
    *data = stub_load(s, "good", size_bytes);
    stub_array_free(&a);
}

START_TEST(unpickle_cut_short_is_corrupt)
{
    struct stub s;
    unsigned char *data;
    size_t size_bytes;

    stub_open(&s, NULL, NULL);
    make_file(&s, _i, &data, &size_bytes);
    for (size_t n = 0; n < size_bytes; n += n < 6000 ? 7 : size_bytes / 50 + 1) {
        struct ff_error e = FF_ERROR_INIT;

        stub_store(&s, "cut", data, n);
        ck_assert_ptr_null(stub_unpickle(&s, "cut", &e));
        ck_assert_msg(e.code == FF_E_CORRUPT, "at %zu: %d %s", n, e.code, e.message);
    }
    free(data);
    stub_close(&s);
}
END_TEST

START_TEST(unpickle_flipped_bits_never_crash)
{
    enum { ROUNDS = 1000, METADATA_BYTES = 4096 };
    struct stub s;
    unsigned char *good, *bad;
    size_t size_bytes, kept_bytes;
    uint64_t random = 7;
    int refused = 0;

    stub_open(&s, NULL, NULL);
    make_file(&s, _i, &good, &size_bytes);
    kept_bytes = size_bytes < METADATA_BYTES ? size_bytes : METADATA_BYTES;
    bad = malloc(size_bytes);
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(bad, good, size_bytes);
        for (int k = 0; k <= i % 4; k++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bad[(random >> 33) % kept_bytes] = (unsigned char)(random >> 20);
        }
        /* large files: what is behind the metadata is a hole */
        stub_store(&s, "bad", bad, size_bytes > 100000 ? 100000 : size_bytes);
        refused += try_to_read(&s, "bad");
    }
    ck_assert_int_gt(refused, 0);
    free(good);
    free(bad);
    stub_close(&s);
}
END_TEST

START_TEST(unpickle_no_hdf5_is_corrupt)
{
    static const char *const contents[] = {"", "x", "hello, this is a text file\n",
                                           "\211HDF\r\n\032\n"};
    struct stub s;

    stub_open(&s, NULL, NULL);
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct ff_error e = FF_ERROR_INIT;

        stub_store(&s, "x", contents[i], strlen(contents[i]));
        ck_assert_ptr_null(stub_unpickle(&s, "x", &e));
        ck_assert_int_eq(e.code, FF_E_CORRUPT);
    }
    ck_assert_ptr_null(stub_unpickle(&s, "absent", &(struct ff_error)FF_ERROR_INIT));
    stub_close(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf_fault");
    TCase *c = tcase_create("fault");
    SRunner *runner;
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, pickle_each_failing_call_leaves_nothing, 0, ARRAYS);
    tcase_add_loop_test(c, read_each_failing_call_says_so, 0, ARRAYS);
    tcase_add_loop_test(c, pickle_and_read_cancelled_stop, 0, ARRAYS);
    tcase_add_loop_test(c, unpickle_cut_short_is_corrupt, 0, ARRAYS);
    tcase_add_loop_test(c, unpickle_flipped_bits_never_crash, 0, ARRAYS);
    tcase_add_test(c, unpickle_no_hdf5_is_corrupt);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
