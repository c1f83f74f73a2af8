/* SPDX-License-Identifier: Apache-2.0 */
#include <functionfuse/functionfuse.h>
#include <functionfuse/plugin.h>
#include <string.h>
#include <unistd.h>

#include "core/array.h"
#include "run.h"

static char path[] = "/tmp/ff_test_npyXXXXXX";

static int to_file(void *ctx, const void *data, size_t size_bytes)
{
    return fwrite(data, 1, size_bytes, ctx) == size_bytes ? 0 : 1;
}

static void write_file(const void *data, size_t size_bytes)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, size_bytes, f), size_bytes);
    ck_assert_int_eq(fclose(f), 0);
}

static void make_path(void)
{
    int fd;
    (void)snprintf(path, sizeof path, "/tmp/ff_test_npyXXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

static void save(const struct ff_array *a)
{
    struct ff_error e = FF_ERROR_INIT;
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(ff_npy_write(a, to_file, f, NULL, &e), FF_OK);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(array_written_as_npy_is_read_back)
{
    static const struct {
        int32_t ndim;
        int64_t shape[4];
    } rows[] = {{0, {0}},       {1, {7}},    {2, {5, 3}},
                {3, {4, 1, 6}}, {2, {0, 3}}, {4, {2, 3, 4, 5}}};
    int16_t data[120], out[120];
    make_path();
    for (int i = 0; i < 120; i++) {
        data[i] = (int16_t)(i * 3);
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_array *a = ff_array_from_memory("<i2", rows[i].ndim, rows[i].shape,
                                                  data, &e),
                        *b;
        int64_t n = 1;
        save(a);
        b = ff_npy_open(path, FF_CHUNK_AUTO, NULL, 0, &e);
        ck_assert_msg(b != NULL, "%s", e.message);
        ck_assert_int_eq(b->ndim, rows[i].ndim);
        ck_assert_str_eq(b->descr, "<i2");
        for (int k = 0; k < b->ndim; k++) {
            ck_assert_int_eq(b->shape[k], rows[i].shape[k]);
            n *= b->shape[k];
        }
        ck_assert_int_eq(ff_array_read(b, NULL, out, NULL, NULL, &e), FF_OK);
        ck_assert_int_eq(memcmp(out, data, (size_t)n * 2), 0);
        ff_array_free(a);
        ff_array_free(b);
    }
    (void)unlink(path);
}
END_TEST

START_TEST(fortran_order_is_read_with_any_region)
{
    static const char header[] =
        "\x93NUMPY\x01\x00\x76\x00"
        "{'descr': '<i4', 'fortran_order': True, 'shape': (3, 4), }";
    static const int64_t start[2] = {1, 0}, count[2] = {2, 2}, step[2] = {1, 3};
    char file[128 + 48];
    struct ff_error e = FF_ERROR_INIT;
    struct ff_region r = {start, count, step};
    struct ff_array *a;
    int32_t out[4];
    make_path();
    memset(file, ' ', sizeof file);
    memcpy(file, header, sizeof header - 1);
    file[127] = '\n';
    for (int32_t i = 0; i < 3; i++) {
        for (int32_t j = 0; j < 4; j++) {
            int32_t v = i * 10 + j;
            memcpy(file + 128 + 4 * (j * 3 + i), &v, 4);
        }
    }
    write_file(file, sizeof file);
    a = ff_npy_open(path, FF_CHUNK_NONE, NULL, 0, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    ck_assert_int_eq(ff_array_read(a, &r, out, NULL, NULL, &e), FF_OK);
    ck_assert_int_eq(out[0], 10);
    ck_assert_int_eq(out[1], 13);
    ck_assert_int_eq(out[2], 20);
    ck_assert_int_eq(out[3], 23);
    ff_array_free(a);
    (void)unlink(path);
}
END_TEST

START_TEST(image_can_be_read_at_any_offset)
{
    static const int64_t shape[3] = {3, 4, 5};
    struct ff_error e = FF_ERROR_INIT;
    uint8_t whole[400], part[400];
    uint16_t data[60];
    uint64_t size = 0;
    struct ff_array *a;
    for (int i = 0; i < 60; i++) {
        data[i] = (uint16_t)(i * 257 + 1);
    }
    a = ff_array_from_memory("<u2", 3, shape, data, &e);
    ck_assert_int_eq(ff_npy_service.size(a, &size, &e), FF_OK);
    ck_assert_uint_eq(size, 128 + 120);
    ck_assert_int_eq(ff_npy_service.read(a, 0, whole, (size_t)size, NULL, &e), FF_OK);
    ck_assert_int_eq(memcmp(whole + 128, data, 120), 0);
    for (size_t from = 0; from < size; from += 3) {
        for (size_t n = 0; n <= size - from; n += 7) {
            ck_assert_int_eq(ff_npy_service.read(a, from, part, n, NULL, &e), FF_OK);
            ck_assert_int_eq(memcmp(part, whole + from, n), 0);
        }
    }
    ck_assert_int_eq(ff_npy_service.read(a, size - 1, part, 2, NULL, &e), FF_E_USAGE);
    ff_array_free(a);
}
END_TEST

#define HEAD "\x93NUMPY\x01\x00"

START_TEST(damaged_files_are_refused_by_code)
{
    static const struct {
        const char *name, *text;
        size_t size;
        int code;
    } rows[] = {
#define ROW(name, text, code) {name, text, sizeof text - 1, code}
        ROW("empty", "", FF_E_CORRUPT),
        ROW("not npy", "PK\x03\x04 something else", FF_E_CORRUPT),
        ROW("version 9", "\x93NUMPY\x09\x00\x10\x00{}xxxxxxxxxx", FF_E_CORRUPT),
        ROW("header past the end", HEAD "\xff\x7f{'descr'", FF_E_CORRUPT),
        ROW("no shape", HEAD "\x2a\x00{'descr': '<f4', 'fortran_order': False, }",
            FF_E_CORRUPT),
        ROW("no dictionary", HEAD "\x04\x00[1, ]", FF_E_CORRUPT),
        ROW("objects",
            HEAD
            "\x39\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), } 12345678",
            FF_E_UNSUPPORTED),
        ROW("too short for its shape",
            HEAD
            "\x3a\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }  1234",
            FF_E_CORRUPT),
        ROW("negative axis",
            HEAD
            "\x3a\x00{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), } 1234",
            FF_E_CORRUPT),
        ROW("shape overflows",
            HEAD "\x50\x00{'descr': '<f4', 'fortran_order': False, "
                 "'shape': (4611686018427387904, 4), }   ",
            FF_E_CORRUPT),
    };
    make_path();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        write_file(rows[i].text, rows[i].size);
        ck_assert_msg(ff_npy_open(path, FF_CHUNK_AUTO, NULL, 0, &e) == NULL, "%s",
                      rows[i].name);
        ck_assert_msg(e.code == rows[i].code, "%s: %d %s", rows[i].name, e.code,
                      e.message);
    }
    (void)unlink(path);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    struct ff_error e = FF_ERROR_INIT, f = FF_ERROR_INIT;
    ck_assert_ptr_null(ff_npy_open("/no/such/file.npy", FF_CHUNK_AUTO, NULL, 0, &e));
    ck_assert_int_eq(e.code, FF_E_NOT_FOUND);
    ck_assert_ptr_null(ff_npy_open("/tmp", FF_CHUNK_AUTO, NULL, 0, &f));
    ck_assert_int_eq(f.code, FF_E_USAGE);
}
END_TEST

START_TEST(structured_dtype_survives)
{
    static const int64_t n[1] = {2};
    static const char descr[] = "[('a', '<i4'), ('b', '|S3'), ('c', '<f8', (2,))]";
    struct ff_error e = FF_ERROR_INIT;
    char data[46];
    struct ff_array *a, *b;
    memset(data, 7, sizeof data);
    make_path();
    a = ff_array_from_memory(descr, 1, n, data, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    ck_assert_uint_eq(a->itemsize_bytes, 23);
    save(a);
    b = ff_npy_open(path, FF_CHUNK_NONE, NULL, 0, &e);
    ck_assert_msg(b != NULL, "%s", e.message);
    ck_assert_str_eq(b->descr, descr);
    ff_array_free(a);
    ff_array_free(b);
    (void)unlink(path);
}
END_TEST

RUN_TESTS("npy", array_written_as_npy_is_read_back, fortran_order_is_read_with_any_region,
          image_can_be_read_at_any_offset, damaged_files_are_refused_by_code,
          what_is_no_file_is_refused, structured_dtype_survives)
