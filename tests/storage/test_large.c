/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks that come and go in pieces: of every size at the edges of the pieces, on pools of one and
 * of several threads, damaged anywhere, replaced while they are read, failing on their way. */
#include <fcntl.h>
#include <functionfuse/pickle.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fixture.h"

enum {
    MIB = 1 << 20,
    FIRST = MIB,     /* of a read */
    PIECE = 4 * MIB, /* the ones behind it */
    DIGEST = 20,
    INTS = 600000
};

static const char one_thread[] = "{\"threads\": 1, \"durability\": \"none\", "
                                 "\"plugins\": {\"enable\": [\"memory\", \"fault\"]}}";
static const char four_threads[] = "{\"threads\": 4, \"durability\": \"none\", "
                                   "\"plugins\": {\"enable\": [\"memory\", \"fault\"]}}";

static int count_bytes(void *ctx, const void *data, size_t size_bytes)
{
    (void)data;
    *(size_t *)ctx += size_bytes;
    return 0;
}

static struct ff_doc *blob(size_t size_bytes, unsigned seed)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    unsigned char *data = malloc(size_bytes);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < size_bytes; i++) {
        data[i] = (unsigned char)(i % 251 + i / MIB + seed);
    }
    (void)ff_doc_set_root(d, ff_new_bytes(d, data, size_bytes, &e), &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    free(data);
    return d;
}

/* How many bytes a task has beside those of its value. */
static size_t overhead(void)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = blob(2 * MIB, 0);
    size_t size = 0;
    ck_assert_int_eq(ff_pickle_dump(ff_doc_root(d), NULL, count_bytes, &size, &e), FF_OK);
    ff_doc_free(d);
    return size - 2 * MIB + DIGEST;
}

static void save_blob(struct fixture *f, size_t size_bytes, unsigned seed)
{
    struct ff_doc *d = blob(size_bytes, seed);
    CHECK_OK(ff_save(f->storage, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
}

static void expect_blob(struct fixture *f, size_t size_bytes, unsigned seed)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", "a", NULL, &e);
    struct ff_doc *wanted = blob(size_bytes, seed);
    const void *a, *b;
    size_t m, n;
    ck_assert_msg(d != NULL, "%zu: %s: %s", size_bytes, e.place, e.message);
    ck_assert_int_eq(ff_bytes(ff_doc_root(d), &a, &m, &e), FF_OK);
    ck_assert_int_eq(ff_bytes(ff_doc_root(wanted), &b, &n, &e), FF_OK);
    ck_assert_uint_eq(m, size_bytes);
    ck_assert_msg(m == n && memcmp(a, b, n) == 0, "%zu: other bytes", size_bytes);
    ff_doc_free(wanted);
    ff_doc_free(d);
}

static void each_size(const char *config, enum where where, size_t step)
{
    static const size_t task_bytes[] = {FIRST - 1,
                                        FIRST,
                                        FIRST + 1,
                                        FIRST + DIGEST,
                                        FIRST + DIGEST + 1,
                                        FIRST + PIECE,
                                        FIRST + PIECE + 1,
                                        FIRST + PIECE + DIGEST,
                                        FIRST + 3 * PIECE - 1,
                                        FIRST + 3 * PIECE + 1};
    struct fixture f;
    size_t more = overhead();
    fixture_open(&f, where, config);
    for (size_t i = 0; i < COUNT_OF(task_bytes); i += step) {
        size_t size = task_bytes[i] - more;
        save_blob(&f, size, (unsigned)i);
        expect_blob(&f, size, (unsigned)i);
    }
    fixture_close(&f);
}

START_TEST(task_of_any_number_of_pieces_reads_as_saved)
{
    each_size(four_threads, ON_FILE, 1);
    each_size(one_thread, ON_FILE, 3);
    each_size(four_threads, ON_MEMORY, 3);
    each_size(one_thread, ON_MEMORY, 3);
}
END_TEST

/* ---- a value that is encoded bit by bit ---- */

static struct ff_doc *ints(void)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value list = ff_new_list(d, &e);
    for (int i = 0; i < INTS; i++) {
        (void)ff_append(d, list, ff_new_int(d, (int64_t)i << 8, &e), &e);
    }
    (void)ff_doc_set_root(d, list, &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    return d;
}

static void save_ints(const char *config, enum where where)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *wanted = ints(), *d;
    struct ff_value item;
    struct fixture f;
    int64_t n = 0;
    fixture_open(&f, where, config);
    CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(wanted), NULL, ee));
    d = ff_read_task(f.storage, "run", "a", NULL, &e);
    ck_assert_msg(d != NULL, "%s: %s", e.place, e.message);
    ck_assert_uint_eq(ff_length(ff_doc_root(d)), INTS);
    for (size_t i = 0; i < INTS; i++) {
        ck_assert(!ff_item(ff_doc_root(d), i, NULL, &item, &e) &&
                  !ff_int64(item, &n, &e));
        ck_assert_int_eq(n, (int64_t)i << 8);
    }
    ff_doc_free(d);
    ff_doc_free(wanted);
    fixture_close(&f);
}

START_TEST(value_of_many_small_ones_reads_as_saved)
{
    save_ints(one_thread, ON_FILE);
    save_ints(four_threads, ON_FILE);
    save_ints(four_threads, ON_FAULT_OVER_MEMORY);
}
END_TEST

/* ---- damage ---- */

START_TEST(damage_in_any_piece_is_told_before_it_is_parsed)
{
    static const long at[] = {1,         FIRST - 1,     FIRST,
                              FIRST + 1, FIRST + PIECE, FIRST + 2 * PIECE - 1,
                              -DIGEST,   -DIGEST - 1,   -1};
    static const struct timespec long_ago[2]; /* or it would be taken for half written */
    struct fixture f;
    char path[256];
    fixture_open(&f, ON_FILE, four_threads);
    (void)snprintf(path, sizeof path, "%s/store/run/a", f.folder);
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        FILE *file;
        int was;
        save_blob(&f, FIRST + 2 * PIECE, 7);
        file = fopen(path, "r+b");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, at[i], at[i] < 0 ? SEEK_END : SEEK_SET), 0);
        was = fgetc(file);
        ck_assert_int_eq(fseek(file, -1, SEEK_CUR), 0);
        ck_assert_int_ne(fputc(was ^ 1, file), EOF);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(utimensat(AT_FDCWD, path, long_ago, 0), 0);
        CHECK_CODE(ff_read_task(f.storage, "run", "a", NULL, ee) ? 0 : ee->code,
                   FF_E_CORRUPT);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(task_above_max_bytes_is_refused_after_its_first_piece)
{
    struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, max_bytes),
                                .max_bytes = FIRST + PIECE};
    struct fixture f;
    fixture_open(&f, ON_FILE, four_threads);
    save_blob(&f, FIRST + PIECE, 1); /* and a digest */
    CHECK_CODE(ff_read_task(f.storage, "run", "a", &o, ee) ? 0 : ee->code, FF_E_LIMIT);
    o.max_bytes += MIB;
    ff_doc_free(ff_read_task(f.storage, "run", "a", &o, NULL));
    fixture_close(&f);
}
END_TEST

/* ---- others at work ---- */

struct replacing {
    struct fixture *f;
    struct ff_doc *values[2];
    atomic_int stop, failed;
};

static void *replace(void *ctx)
{
    struct replacing *r = ctx;
    for (unsigned i = 0; !atomic_load(&r->stop); i++) {
        struct ff_error e = FF_ERROR_INIT;
        if (ff_save(r->f->storage, "run", "a", ff_doc_root(r->values[i % 2]), NULL, &e)) {
            atomic_store(&r->failed, e.code);
        }
    }
    return NULL;
}

/* All of one value: its first byte tells which one. */
static void expect_either(struct replacing *r)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(r->f->storage, "run", "a", NULL, &e);
    const void *got, *wanted;
    size_t m, n;
    ck_assert_msg(d != NULL, "%s: %s", e.place, e.message);
    ck_assert_int_eq(ff_bytes(ff_doc_root(d), &got, &m, &e), FF_OK);
    ck_assert_int_eq(ff_bytes(ff_doc_root(r->values[*(const unsigned char *)got % 2]),
                              &wanted, &n, &e),
                     FF_OK);
    ck_assert_msg(m == n && memcmp(got, wanted, n) == 0, "torn");
    ff_doc_free(d);
}

static void read_while_replaced(enum where where)
{
    struct fixture f;
    struct replacing r = {
        .f = &f, .values = {blob(FIRST + 2 * PIECE, 0), blob(FIRST + 2 * PIECE, 1)}};
    pthread_t other;
    fixture_open(&f, where, four_threads);
    save_blob(&f, FIRST + 2 * PIECE, 0);
    ck_assert_int_eq(pthread_create(&other, NULL, replace, &r), 0);
    for (int i = 0; i < 3; i++) {
        expect_either(&r);
    }
    atomic_store(&r.stop, 1);
    ck_assert_int_eq(pthread_join(other, NULL), 0);
    ck_assert_int_eq(atomic_load(&r.failed), 0);
    ff_doc_free(r.values[0]);
    ff_doc_free(r.values[1]);
    fixture_close(&f);
}

START_TEST(task_that_is_replaced_meanwhile_is_read_whole)
{
    read_while_replaced(ON_FILE);
    read_while_replaced(ON_MEMORY);
}
END_TEST

/* ---- a medium that fails on the way ---- */

static void fail_at(struct fixture *f, const char *op, int k, const struct ff_doc *d)
{
    char json[640];
    struct ff_storage *s;
    struct ff_error e = FF_ERROR_INIT;
    (void)snprintf(
        json, sizeof json,
        "{\"kind\": \"fault\", \"options\": {\"inner\": %s, \"rules\": [{\"op\": "
        "\"%s\", \"fail_at\": %d, \"code\": \"no-space\"}]}}",
        f->json, op, k);
    s = ff_storage_factory(f->host, json, &e);
    ck_assert_msg(s != NULL, "%s", e.message);
    if (d) {
        CHECK_CODE(ff_save(s, "run", "a", ff_doc_root(d), NULL, ee), FF_E_NO_SPACE);
    } else {
        CHECK_CODE(ff_read_task(s, "run", "a", NULL, ee) ? 0 : ee->code, FF_E_NO_SPACE);
    }
    ff_storage_close(s);
    expect_blob(f, FIRST + 2 * PIECE, 3);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(failure_of_any_piece_is_that_of_the_save_or_read)
{
    static const char *const configs[] = {one_thread, four_threads};
    struct ff_doc *d = ints();
    for (size_t i = 0; i < COUNT_OF(configs); i++) {
        struct fixture f;
        fixture_open(&f, ON_FILE, configs[i]);
        save_blob(&f, FIRST + 2 * PIECE, 3);
        for (int k = 1; k <= 4; k++) { /* 2.9 MiB, and the digest */
            fail_at(&f, "append", k, d);
        }
        for (int k = 1; k <= 3; k++) {
            fail_at(&f, "get", k, NULL);
        }
        fixture_close(&f);
    }
    ff_doc_free(d);
}
END_TEST

RUN_TESTS("storage_large", task_of_any_number_of_pieces_reads_as_saved,
          value_of_many_small_ones_reads_as_saved,
          damage_in_any_piece_is_told_before_it_is_parsed,
          task_above_max_bytes_is_refused_after_its_first_piece,
          task_that_is_replaced_meanwhile_is_read_whole,
          failure_of_any_piece_is_that_of_the_save_or_read)
