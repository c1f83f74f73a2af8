/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle_joblib.c: files that joblib wrote: their arrays are read, and every cut of them fails. */
#include <functionfuse/pickle.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"

static const char *const files[] = {"joblib-0.17-p3", "joblib-1.0-p3", "joblib-1.2-p3",
                                    "joblib-1.6-p0",  "joblib-1.6-p1", "joblib-1.6-p2",
                                    "joblib-1.6-p4"};
static const struct ff_load_options options = {.struct_size = sizeof options,
                                               .flags = FF_LOAD_JOBLIB};

static const char *path_of(const char *name)
{
    static char path[512];
    (void)snprintf(path, sizeof path, TEST_DATA "/pickle/%s.joblib", name);
    return path;
}

static void read_array(struct ff_value root, const char *key, const char *descr,
                       const int64_t *shape, int32_t ndim, void *out)
{
    struct ff_error e = FF_ERROR_INIT;
    const struct ff_array *a = ff_array(ff_get(root, key), &e);
    ck_assert_msg(a != NULL, "%s: %s", key, e.message);
    ck_assert_str_eq(a->descr, descr);
    ck_assert_int_eq(a->ndim, ndim);
    ck_assert_mem_eq(a->shape, shape, (size_t)ndim * sizeof *shape);
    ck_assert_int_eq(ff_array_read(a, NULL, out, NULL, NULL, &e), FF_OK);
}

static void check_values(struct ff_value root)
{
    static const int64_t two[] = {2, 3}, one[] = {1}, three[] = {3}, none[] = {0, 3},
                         pair[] = {2};
    double c[6];
    int32_t f[6];
    uint8_t raw[64];
    int64_t end = 0;
    read_array(root, "c", "<f8", two, 2, c);
    read_array(root, "f", "<i4", two, 2, f);
    for (int i = 0; i < 6; i++) {
        ck_assert_double_eq(c[i], i);
        ck_assert_int_eq(f[i], i);
    }
    read_array(root, "s", "[('a', '<i4'), ('b', '<f8')]", one, 1, raw);
    ck_assert_mem_eq(raw, "\1\0\0\0\0\0\0\0\0\0\4\x40", 12);
    read_array(root, "z", "<f8", none, 2, raw);
    read_array(root, "u", "<U2", pair, 1, raw);
    ck_assert_mem_eq(raw, "a\0\0\0b\0\0\0c\0\0\0\0\0\0\0", 16);
    read_array(root, "t", "<M8[D]", one, 1, raw);
    read_array(root, "be", ">i2", three, 1, raw);
    ck_assert_mem_eq(raw, "\0\0\0\1\0\2", 6);
    ck_assert_str_eq(ff_class_name(ff_get(root, "o")), "numpy.ndarray");
    ck_assert_int_eq(ff_int64(ff_get(root, "end"), &end, NULL), FF_OK);
    ck_assert_int_eq(end, 7);
}

START_TEST(joblib_files_of_each_version_give_their_arrays)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc = ff_pickle_open(path_of(files[i]), &options, NULL, &e);
        ck_assert_msg(doc != NULL, "%s: %s", files[i], e.message);
        check_values(ff_doc_root(doc));
        ff_doc_free(doc);
    }
}
END_TEST

START_TEST(joblib_file_that_is_compressed_is_the_same)
{
    struct ff_pickle_file *f = ff_pickle_file_open(path_of("joblib-1.6-zlib"), 0, NULL);
    const struct ff_pickle_part *part = ff_pickle_file_part(f, 0);
    ck_assert_str_eq(ff_pickle_file_form(f), "zlib");
    struct ff_doc *doc =
        ff_pickle_load(part->data, part->size_bytes, NULL, NULL, &options, NULL, NULL);
    check_values(ff_doc_root(doc));
    ff_doc_free(doc);
    ck_assert_ptr_null(ff_pickle_file_part(f, 1));
    ff_pickle_file_close(f);
}
END_TEST

static int count(void *ctx, const struct ff_scanned_global *g)
{
    *(uint64_t *)ctx += g->count;
    return 0;
}

START_TEST(joblib_scan_agrees_with_load_at_every_cut_and_bend)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct ff_pickle_file *f = ff_pickle_file_open(path_of(files[i]), 0, NULL);
        const struct ff_pickle_part *part = ff_pickle_file_part(f, 0);
        uint64_t globals = 0;
        const struct ff_scan scan = {
            .struct_size = sizeof scan, .ctx = &globals, .global = count};
        ck_assert_int_eq(
            ff_pickle_scan(part->data, part->size_bytes, &options, &scan, NULL, NULL),
            FF_OK);
        ck_assert_uint_ge(globals, 20); /* those of the pickle inside, too */
        for (size_t size = 0; size < 2 * part->size_bytes; size++) {
            size_t n = size < part->size_bytes ? size : part->size_bytes;
            uint8_t *copy = malloc(n + 1);
            memcpy(copy, part->data, n);
            if (size >= n && n == part->size_bytes) {
                copy[size - n] ^= (uint8_t)(1u << (size % 8));
            }
            int walked = ff_pickle_scan(copy, n, &options, NULL, NULL, NULL);
            struct ff_doc *doc =
                ff_pickle_load(copy, n, NULL, NULL, &options, NULL, NULL);
            ck_assert_msg((walked == FF_OK) == (doc != NULL), "%s: %zu", files[i], size);
            ck_assert(n == part->size_bytes || !doc);
            ff_doc_free(doc);
            free(copy);
        }
        ff_pickle_file_close(f);
    }
}
END_TEST

/* The strides of (0, 2^62, 2^62) and of (2^31, 2^31) do not fit into 64 bits. */
START_TEST(joblib_array_whose_shape_lies_overflows_nothing)
{
#define WRAPPER(shape)                                                                   \
    "\x80\3cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\5\0\0\0shape" shape         \
    "X\5\0\0\0orderX\1\0\0\0CX\5\0\0\0dtypecnumpy\ndtype\nX\2\0\0\0f8"                   \
    "\x89\x88\x87R(K\3X\1\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tbub."
    static const struct {
        const char *data;
        size_t size;
        const char *says;
    } cases[] = {
#define HUGE_EDGE "\x8a\10\0\0\0\0\0\0\0\x40"
        {WRAPPER("K\0" HUGE_EDGE HUGE_EDGE "\x87"),
         sizeof WRAPPER("K\0" HUGE_EDGE HUGE_EDGE "\x87") - 1, "2^63"},
        {WRAPPER("\x8a\5\0\0\0\x80\0\x8a\5\0\0\0\x80\0\x86"),
         sizeof WRAPPER("\x8a\5\0\0\0\x80\0\x8a\5\0\0\0\x80\0\x86") - 1, "cut off"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *doc =
            ff_pickle_load(cases[i].data, cases[i].size, NULL, NULL, &options, NULL, &e);
        ck_assert_ptr_null(doc);
        ck_assert_int_eq(e.code, FF_E_CORRUPT);
        ck_assert_msg(strstr(e.message, cases[i].says) != NULL, "%s", e.message);
    }
}
END_TEST

START_TEST(joblib_file_as_a_plain_pickle_is_corrupt)
{
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_ptr_null(ff_pickle_open(path_of("joblib-1.6-p4"), NULL, NULL, &e));
    ck_assert_int_eq(e.code, FF_E_CORRUPT);
}
END_TEST

RUN_TESTS("pickle_joblib", joblib_array_whose_shape_lies_overflows_nothing,
          joblib_files_of_each_version_give_their_arrays,
          joblib_file_that_is_compressed_is_the_same,
          joblib_scan_agrees_with_load_at_every_cut_and_bend,
          joblib_file_as_a_plain_pickle_is_corrupt)
