/* SPDX-License-Identifier: Apache-2.0 */
/* Zarr arrays from files to a medium that has objects alone, and back: where grid and codecs are
 * the same, stored chunks are moved as they are; and pushed chunks of an irregular grid. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

enum { ROWS = 37, COLUMNS = 53, COUNT = ROWS * COLUMNS };

static const char *const forms[] = {
    "{}",
    "{\"compressor\": \"none\"}",
    "{\"compressor\": \"gzip\"}",
    "{\"format\": 3}",
    "{\"format\": 3, \"compressor\": \"none\"}",
    "{\"format\": 3, \"compressor\": \"zstd\", \"shard\": [20, 40]}",
};
enum { FORMS = sizeof forms / sizeof *forms };

static float pattern[COUNT];

struct two {
    struct fixture f;
    struct ff_storage *objects; /* memory without ff.files/1 */
};

static void open_two(struct two *t, const char *form)
{
    struct ff_error e = FF_ERROR_INIT;
    char config[512], json[256];

    (void)snprintf(
        config, sizeof config,
        "{\"durability\": \"none\", \"plugins\": {\"enable\": [\"memory\"], \"options\": "
        "{\"HDFSerializer\": {\"zarr\": %s}}}}",
        form);
    fixture_open(&t->f, ON_FILE, config);
    (void)snprintf(
        json, sizeof json,
        "{\"kind\": \"memory\", \"options\": {\"name\": \"%s\", \"files\": false}}",
        t->f.folder);
    t->objects = ff_storage_factory(t->f.host, json, &e);
    (void)ff_new_workflow(t->objects, "run", &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
}

static void close_two(struct two *t)
{
    ff_storage_close(t->objects);
    fixture_close(&t->f);
}

static struct ff_array *describe(const void *data, const int64_t *const *edges,
                                 const int64_t *edge_count)
{
    static const int64_t shape[2] = {ROWS, COLUMNS}, chunk[2] = {10, 20};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunk = edges ? NULL : chunk,
                                .edges = edges,
                                .edge_count = edge_count,
                                .data = data};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *a = ff_array_new(&p, &e);

    ck_assert_msg(a != NULL, "%s", e.message);
    return a;
}

static void save(struct ff_storage *s)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(d, describe(pattern, NULL, NULL), &e);

    (void)ff_save(s, "run", "a", v, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    ff_doc_free(d);
}

static void expect(struct ff_storage *s, const char *task, const float *wanted)
{
    static float out[COUNT];
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(s, "run", task, NULL, &e);
    const struct ff_array *a = ff_array(ff_doc_root(d), &e);

    (void)ff_array_read(a, NULL, out, NULL, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    ck_assert_mem_eq(out, wanted, sizeof out);
    ff_doc_free(d);
}

static int keep_usage(void *ctx, const struct ff_usage *u)
{
    struct ff_usage *out = ctx;

    if (u->task[0]) {
        *out = *u;
    }
    return 0;
}

static struct ff_usage usage(struct ff_storage *s, const char *task)
{
    struct ff_usage u = {.struct_size = 0};

    CHECK_OK(ff_usage(s, "run", task, keep_usage, &u, ee));
    ck_assert_uint_gt(u.bigdata_bytes, 0);
    return u;
}

static void copy(struct ff_storage *from, struct ff_storage *to, const char *task)
{
    int how = 0;

    CHECK_OK(ff_copy_task(from, "run", "a", to, "run", task, NULL, &how, ee));
    ck_assert_int_eq(how, FF_COPY_ANEW);
}

/* Path of what the only array on files has. */
static void path_of(const struct two *t, const char *name, char *out, size_t size)
{
    char group[128];
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(group, sizeof group, "%s/store/run/bigdata/dask_arrays", t->f.folder);
    dir = opendir(group);
    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && strchr(entry->d_name, '-')) {
            (void)snprintf(out, size, "%s/%s/%s", group, entry->d_name, name);
        }
    }
    (void)closedir(dir);
}

static void store(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file && fwrite(data, 1, size, file) == size, "%s", path);
    (void)fclose(file);
}

START_TEST(zarr_copy_to_the_same_layout_reads_back)
{
    struct ff_usage here, there;
    struct two t;

    open_two(&t, forms[_i]);
    save(t.f.storage);
    copy(t.f.storage, t.objects, "a");
    expect(t.objects, "a", pattern);
    here = usage(t.f.storage, "a");
    there = usage(t.objects, "a");
    ck_assert_uint_eq(here.bigdata_bytes, there.bigdata_bytes);
    ck_assert_uint_eq(here.objects, there.objects);
    copy(t.objects, t.f.storage, "b");
    expect(t.f.storage, "b", pattern);
    ck_assert_int_eq(count_orphans(&t.f, 0), 0);
    close_two(&t);
}
END_TEST

/* A chunk of blosc that it did not compress: a head, and the bytes as they are. Encoded again it
 * would be smaller. */
static void store_plainly(const char *path)
{
    static const unsigned char head[16] = {2, 1,    2, 4, 0x20, 3,    0,
                                           0, 0x20, 3, 0, 0,    0x30, 3};
    unsigned char chunk[16 + 800];

    memcpy(chunk, head, sizeof head);
    for (size_t row = 0; row < 10; row++) {
        memcpy(chunk + 16 + row * 80, pattern + row * COLUMNS, 80);
    }
    store(path, chunk, sizeof chunk);
}

START_TEST(zarr_copy_moves_stored_chunks_untouched)
{
    uint64_t encoded_bytes;
    char path[400];
    struct two t;

    open_two(&t, "{}");
    save(t.f.storage);
    encoded_bytes = usage(t.f.storage, "a").bigdata_bytes;
    path_of(&t, "0.0", path, sizeof path);
    store_plainly(path);
    expect(t.f.storage, "a", pattern);
    ck_assert_uint_gt(usage(t.f.storage, "a").bigdata_bytes, encoded_bytes);
    copy(t.f.storage, t.objects, "a");
    expect(t.objects, "a", pattern);
    ck_assert_uint_eq(usage(t.objects, "a").bigdata_bytes,
                      usage(t.f.storage, "a").bigdata_bytes);
    copy(t.objects, t.f.storage, "b");
    expect(t.f.storage, "b", pattern);
    ck_assert_uint_eq(usage(t.f.storage, "b").bigdata_bytes,
                      usage(t.f.storage, "a").bigdata_bytes);
    close_two(&t);
}
END_TEST

START_TEST(zarr_copy_of_absent_chunks_writes_fill)
{
    static float wanted[COUNT];
    char path[400];
    struct two t;

    open_two(&t, "{}");
    save(t.f.storage);
    path_of(&t, ".zattrs", path, sizeof path);
    store(path, "{}", 2);
    path_of(&t, "0.1", path, sizeof path);
    ck_assert_int_eq(unlink(path), 0);
    memcpy(wanted, pattern, sizeof wanted);
    for (size_t row = 0; row < 10; row++) {
        memset(wanted + row * COLUMNS + 20, 0, 20 * sizeof *wanted);
    }
    copy(t.f.storage, t.objects, "a");
    expect(t.objects, "a", wanted);
    close_two(&t);
}
END_TEST

START_TEST(zarr_copy_of_a_chunk_too_large_is_corrupt)
{
    static const char junk[64 << 10];
    char path[400];
    struct two t;

    open_two(&t, "{\"compressor\": \"none\"}");
    save(t.f.storage);
    path_of(&t, "0.1", path, sizeof path);
    store(path, junk, sizeof junk);
    CHECK_CODE(
        ff_copy_task(t.f.storage, "run", "a", t.objects, "run", "a", NULL, NULL, ee),
        FF_E_CORRUPT);
    ck_assert_int_eq(ff_file_exists(t.objects, "run", "a", NULL), 0);
    close_two(&t);
}
END_TEST

/* ---- pushed ---- */

static struct ff_writer *writer_of(struct ff_saving *s)
{
    static const int64_t rows[] = {7, 20, 10}, columns[] = {13, 40};
    static const int64_t *const edges[] = {rows, columns};
    static const int64_t counts[] = {3, 2};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *like = describe(NULL, edges, counts);
    struct ff_writer *w = ff_writer_open(s, like, &e);

    ck_assert_msg(w != NULL, "%s: %s", e.place, e.message);
    ff_array_free(like);
    return w;
}

static void push(struct ff_writer *w, int64_t begin, int64_t end, struct ff_error *e)
{
    int64_t start[2] = {begin, 0}, count[2] = {end - begin, COLUMNS};

    (void)ff_writer_push(w, start, count, pattern + begin * COLUMNS, NULL, e);
}

START_TEST(zarr_pushed_irregular_chunks_read_back)
{
    struct ff_error e = FF_ERROR_INIT;
    struct two t;

    open_two(&t, forms[_i]);
    for (int where = 0; where < 2; where++) {
        struct ff_storage *s = where ? t.objects : t.f.storage;
        struct ff_saving *saving = ff_saving_begin(s, "run", "a", NULL, &e);
        struct ff_writer *w = writer_of(saving);
        struct ff_doc *d = ff_doc_new(&e);
        const struct ff_array *a;

        push(w, 30, ROWS, &e);
        push(w, 0, 3, &e);
        push(w, 3, 30, &e);
        (void)ff_saving_commit(saving, ff_writer_finish(w, d, &e), &e);
        ff_doc_free(d);
        ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
        expect(s, "a", pattern);
        d = ff_read_task(s, "run", "a", NULL, &e);
        a = ff_array(ff_doc_root(d), &e);
        ck_assert_int_eq(a->edge_count[0], 3);
        ck_assert_int_eq(a->edges[0][1], 20);
        ck_assert_int_eq(a->edges[1][1], 40);
        ff_doc_free(d);
    }
    ck_assert_int_eq(count_orphans(&t.f, 0), 0);
    close_two(&t);
}
END_TEST

START_TEST(zarr_pushed_irregular_chunks_that_are_not_all_are_refused)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_saving *saving;
    struct ff_writer *w;
    struct ff_doc *d = ff_doc_new(&e);
    struct two t;

    open_two(&t, forms[_i]);
    saving = ff_saving_begin(t.f.storage, "run", "a", NULL, &e);
    w = writer_of(saving);
    push(w, 0, 30, &e);
    ck_assert_int_eq(e.code, FF_OK);
    (void)ff_saving_commit(saving, ff_writer_finish(w, d, &e), &e);
    ck_assert_int_eq(e.code, FF_E_USAGE);
    ff_doc_free(d);
    ck_assert_int_eq(ff_file_exists(t.f.storage, "run", "a", NULL), 0);
    close_two(&t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zarr_copy");
    TCase *c = tcase_create("zarr_copy");
    SRunner *runner;
    int failed;

    for (int i = 0; i < COUNT; i++) {
        pattern[i] = (float)(i % 100);
    }
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, zarr_copy_to_the_same_layout_reads_back, 0, FORMS);
    tcase_add_test(c, zarr_copy_moves_stored_chunks_untouched);
    tcase_add_test(c, zarr_copy_of_absent_chunks_writes_fill);
    tcase_add_test(c, zarr_copy_of_a_chunk_too_large_is_corrupt);
    tcase_add_loop_test(c, zarr_pushed_irregular_chunks_read_back, 0, FORMS);
    tcase_add_loop_test(c, zarr_pushed_irregular_chunks_that_are_not_all_are_refused, 0,
                        FORMS);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
