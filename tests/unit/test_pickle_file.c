/* SPDX-License-Identifier: Apache-2.0 */
/* test_pickle_file.c: files that hold pickles and lie: nothing hides behind an end, sizes and places
 * are checked, and what is decompressed has a limit. */
#include <functionfuse/pickle.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/word.h"
#include "run.h"

#define NONE "\x80\4N."

/* Opens what `b` holds, which is freed. */
static struct ff_pickle_file *open_bytes(struct ff_buf *b, uint64_t max_bytes,
                                         struct ff_error *e)
{
    char path[] = "pickle-file-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, b->data, b->length_bytes), (ssize_t)b->length_bytes);
    struct ff_pickle_file *f = ff_pickle_file_open(path, max_bytes, e);
    (void)close(fd);
    (void)unlink(path);
    ff_buf_free(b);
    return f;
}

static void check_fails(struct ff_buf *b, uint64_t max_bytes, int code, const char *says)
{
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_ptr_null(open_bytes(b, max_bytes, &e));
    ck_assert_int_eq(e.code, code);
    ck_assert_msg(strstr(e.message, says) != NULL, "%s", e.message);
}

static void check_holds(struct ff_buf *b, size_t parts, size_t size_bytes)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pickle_file *f = open_bytes(b, 0, &e);
    ck_assert_msg(f != NULL, "%s", e.message);
    for (size_t i = 0; i < parts; i++) {
        ck_assert_uint_eq(ff_pickle_file_part(f, i)->size_bytes, size_bytes);
    }
    ck_assert_ptr_null(ff_pickle_file_part(f, parts));
    ff_pickle_file_close(f);
}

static void add(struct ff_buf *b, const void *data, size_t size)
{
    ck_assert(!ff_buf_append(b, data, size));
}

/* windowBits of zlib: 31 gzip, 15 zlib, -15 raw. */
static void add_deflated(struct ff_buf *b, const void *data, size_t size, int bits)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    uint8_t out[8192];
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_out = out;
    z.avail_out = sizeof out;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    add(b, out, sizeof out - z.avail_out);
    (void)deflateEnd(&z);
}

START_TEST(gzip_members_behind_zeros_are_read_as_python_reads_them)
{
    struct ff_buf b;
    ff_buf_init(&b, 1 << 16);
    add_deflated(&b, NONE, 4, 31);
    add(&b, "\0\0\0\0\0", 5);
    add_deflated(&b, NONE, 4, 31);
    add(&b, "\0", 1);
    check_holds(&b, 1, 8);
}
END_TEST

START_TEST(bytes_behind_the_compressed_are_refused)
{
    static const int bits[] = {31, 15};
    static const char *const more[] = {"x", "\x1f", "\x1f\x8a", "PK"};
    for (size_t i = 0; i < COUNT_OF(bits) * COUNT_OF(more); i++) {
        struct ff_buf b;
        ff_buf_init(&b, 1 << 16);
        add_deflated(&b, NONE, 4, bits[i % 2]);
        add(&b, more[i / 2], strlen(more[i / 2]));
        check_fails(&b, 0, FF_E_CORRUPT, "follow");
    }
}
END_TEST

START_TEST(decompressed_bytes_have_a_limit)
{
    static const char zeros[100000];
    struct ff_buf b;
    ff_buf_init(&b, 1 << 20);
    add_deflated(&b, zeros, sizeof zeros, 31);
    check_fails(&b, sizeof zeros - 1, FF_E_LIMIT, "allowed");
    ff_buf_init(&b, 1 << 20);
    add_deflated(&b, zeros, sizeof zeros, 31);
    struct ff_pickle_file *f = open_bytes(&b, sizeof zeros, NULL);
    ck_assert_uint_eq(ff_pickle_file_part(f, 0)->size_bytes, sizeof zeros);
    ff_pickle_file_close(f);
}
END_TEST

/* ---- zip ---- */

struct lie {
    const char *says; /* NULL: it opens */
    unsigned method, entries;
    int more_packed, more_size; /* than there is */
    uint64_t directory;         /* where it says that is; 0 = the truth */
    int wide;                   /* zip64 */
};

static void add_number(struct ff_buf *b, uint64_t n, size_t size)
{
    uint8_t bytes[8];
    ff_store_le64(bytes, n);
    add(b, bytes, size);
}

static void add_numbers(struct ff_buf *b, size_t size, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        add_number(b, 0, size);
    }
}

/* One member a.pkl, and a directory that names it `entries` times (APPNOTE 4.3). */
static void add_zip(struct ff_buf *b, const struct lie *lie)
{
    add(b, "PK\3\4", 4);
    add_numbers(b, 2, 11);
    add_number(b, 5, 4);
    add(b, "a.pkl", 5);
    size_t begin = b->length_bytes;
    if (lie->method == 8) {
        add_deflated(b, NONE, 4, -15);
    } else {
        add(b, NONE, 4);
    }
    uint64_t packed = b->length_bytes - begin, directory = b->length_bytes;
    for (unsigned i = 0; i < lie->entries; i++) {
        add(b, "PK\1\2", 4);
        add_numbers(b, 2, 3);
        add_number(b, lie->method, 2);
        add_numbers(b, 4, 2);
        add_number(b, packed + (uint64_t)(int64_t)lie->more_packed, 4);
        add_number(b, 4 + (uint64_t)(int64_t)lie->more_size, 4);
        add_number(b, 5, 4);
        add_numbers(b, 2, 7);
        add(b, "a.pkl", 5);
    }
    uint64_t bytes = b->length_bytes - directory, end = b->length_bytes;
    directory = lie->directory ? lie->directory : directory;
    if (lie->wide) {
        add(b, "PK\6\6", 4);
        add_numbers(b, 4, 9);
        add_number(b, bytes, 8);
        add_number(b, directory, 8);
        add(b, "PK\6\7\0\0\0\0", 8);
        add_number(b, end, 8);
        add_numbers(b, 4, 1);
    }
    add(b, "PK\5\6", 4);
    add_numbers(b, 4, 2);
    add_number(b, lie->wide ? UINT32_MAX : bytes, 4);
    add_number(b, lie->wide ? UINT32_MAX : directory, 4);
    add_numbers(b, 2, 1);
}

START_TEST(zip_that_lies_is_refused)
{
    static const struct lie lies[] = {
        {NULL, 0, 1, 0, 0, 0, 0},
        {NULL, 8, 1, 0, 0, 0, 0},
        {NULL, 0, 1, 0, 0, 0, 1},
        {"another size", 0, 1, 0, 1, 0, 0},
        {"another size", 8, 1, 0, -1, 0, 0},
        {"another size", 0, 1, 1, 0, 0, 0},
        {"follow", 8, 1, 1, 0, 0, 0},
        {"outside", 0, 1, 1000, 0, 0, 0},
        {"overlap", 0, 200, 0, 0, 0, 0},
        {"overlap", 8, 200, 0, 0, 0, 0},
        {"outside", 0, 1, 0, 0, 0x7ffffff0, 0},
        {"outside", 0, 1, 0, 0, UINT64_MAX - 100, 1},
        {"outside", 0, 1, 0, 0, (uint64_t)1 << 62, 1},
        {"another method", 9, 1, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(lies); i++) {
        struct ff_buf b;
        ff_buf_init(&b, 1 << 16);
        add_zip(&b, &lies[i]);
        if (lies[i].says) {
            check_fails(&b, 0, lies[i].method == 9 ? FF_E_UNSUPPORTED : FF_E_CORRUPT,
                        lies[i].says);
        } else {
            check_holds(&b, lies[i].entries, 4);
        }
    }
}
END_TEST

START_TEST(empty_file_is_an_empty_pickle)
{
    struct ff_buf b;
    ff_buf_init(&b, 1);
    struct ff_pickle_file *f = open_bytes(&b, 0, NULL);
    const struct ff_pickle_part *part = ff_pickle_file_part(f, 0);
    ck_assert_int_eq(ff_pickle_scan(part->data, part->size_bytes, NULL, NULL, NULL, NULL),
                     FF_E_CORRUPT);
    ff_pickle_file_close(f);
}
END_TEST

RUN_TESTS("pickle_file", gzip_members_behind_zeros_are_read_as_python_reads_them,
          bytes_behind_the_compressed_are_refused, decompressed_bytes_have_a_limit,
          zip_that_lies_is_refused, empty_file_is_an_empty_pickle)
