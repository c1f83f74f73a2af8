/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays as zarr: on files where the options say so, and on a medium that has objects alone. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

enum { ROWS = 37, COLUMNS = 53, MOST = 64 << 10 };

static const char *const forms[] = {
    "{}",
    "{\"compressor\": \"none\"}",
    "{\"format\": 3}",
    "{\"format\": 3, \"compressor\": \"none\"}",
    "{\"format\": 3, \"compressor\": \"zstd\", \"shard\": [20, 40]}",
    "{\"format\": 3, \"compressor\": \"none\", \"shard\": 8192}",
};
enum { FORMS = sizeof forms / sizeof *forms };

static const struct {
    const char *descr;
    size_t item_bytes;
} dtypes[] = {
    {"|b1", 1},
    {"|i1", 1},
    {"|u1", 1},
    {"<i2", 2},
    {">u4", 4},
    {"<i8", 8},
    {"<f2", 2},
    {">f4", 4},
    {"<f8", 8},
    {"<c8", 8},
    {"<c16", 16},
    {"|S5", 5},
    {"|V7", 7},
    {"<U4", 16},
    {"<M8[ns]", 8},
    {"<m8[10us]", 8},
    {"[('a', '<i4'), ('b', '<f8')]", 12},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

/* Where a test runs: on files, or (objects) on memory without ff.files/1. */
static void zarr_open(struct fixture *f, const char *form, int objects)
{
    char config[512];

    (void)snprintf(
        config, sizeof config,
        "{\"durability\": \"none\", \"plugins\": {\"enable\": [\"memory\"], \"options\": "
        "{\"HDFSerializer\": {\"zarr\": %s}}}}",
        form);
    fixture_open(f, objects ? ON_MEMORY : ON_FILE, config);
    if (objects) {
        ff_storage_close(f->storage);
        (void)snprintf(
            f->json, sizeof f->json,
            "{\"kind\": \"memory\", \"options\": {\"name\": \"%s\", \"files\": false}}",
            f->folder);
        f->storage = fixture_again(f);
        CHECK_OK(ff_new_workflow(f->storage, "run", ee));
    }
}

static unsigned char pattern[MOST];

static void make_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++) {
        pattern[i] = (unsigned char)(i * 7 + i / 251);
    }
}

static void save(struct fixture *f, const char *task, const char *descr,
                 const int64_t *const *edges, const int64_t *edge_count)
{
    static const int64_t shape[2] = {ROWS, COLUMNS}, chunk[2] = {10, 20};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = descr,
                                .shape = shape,
                                .chunk = edges ? NULL : chunk,
                                .edges = edges,
                                .edge_count = edge_count,
                                .data = pattern};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(d, ff_array_new(&p, &e), &e);

    (void)ff_save(f->storage, "run", task, v, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s: %s", descr, e.place, e.message);
    ff_doc_free(d);
}

static struct ff_doc *open_task(struct fixture *f, const char *task,
                                const struct ff_array **a)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", task, NULL, &e);

    *a = ff_array(ff_doc_root(d), &e);
    ck_assert_msg(*a != NULL, "%s: %s", e.place, e.message);
    return d;
}

static int read_part(const struct ff_array *a, const int64_t *start, const int64_t *count,
                     const int64_t *step, unsigned char *out, struct ff_error *e)
{
    struct ff_region r = {start, count, step};

    memset(out, 0xee, MOST);
    return ff_array_read(a, &r, out, NULL, NULL, e);
}

/* The region as memory has it. */
static void expect_part(const struct ff_array *a, const int64_t *start,
                        const int64_t *count, const int64_t *step)
{
    static unsigned char out[MOST];
    struct ff_error e = FF_ERROR_INIT;
    size_t item = a->itemsize_bytes;
    const unsigned char *at = out;

    ck_assert_msg(read_part(a, start, count, step, out, &e) == FF_OK, "%s: %s: %s",
                  a->descr, e.place, e.message);
    for (int64_t i = 0; i < count[0]; i++) {
        for (int64_t j = 0; j < count[1]; j++, at += item) {
            int64_t row = start[0] + i * step[0], column = start[1] + j * step[1];

            ck_assert_msg(
                memcmp(at, pattern + (size_t)(row * COLUMNS + column) * item, item) == 0,
                "%s: (%d, %d)", a->descr, (int)row, (int)column);
        }
    }
}

static void expect_all(const struct ff_array *a)
{
    expect_part(a, (int64_t[]){0, 0}, (int64_t[]){ROWS, COLUMNS}, (int64_t[]){1, 1});
    expect_part(a, (int64_t[]){0, 20}, (int64_t[]){10, 20}, (int64_t[]){1, 1});
    expect_part(a, (int64_t[]){11, 3}, (int64_t[]){1, 2}, (int64_t[]){1, 1});
    expect_part(a, (int64_t[]){1, 0}, (int64_t[]){12, 7}, (int64_t[]){3, 8});
    expect_part(a, (int64_t[]){5, 5}, (int64_t[]){2, 2}, (int64_t[]){31, 40});
    expect_part(a, (int64_t[]){0, 0}, (int64_t[]){0, 5}, (int64_t[]){1, 1});
}

START_TEST(zarr_each_dtype_reads_back)
{
    for (int objects = 0; objects < 2; objects++) {
        struct fixture f;

        zarr_open(&f, forms[_i], objects);
        for (int i = 0; i < DTYPES; i++) {
            const struct ff_array *a;
            struct ff_doc *d;

            save(&f, "a", dtypes[i].descr, NULL, NULL);
            d = open_task(&f, "a", &a);
            ck_assert_str_eq(a->descr, dtypes[i].descr);
            ck_assert_int_eq(a->chunk[0], 10);
            ck_assert_int_eq(a->chunk[1], 20);
            expect_all(a);
            ff_doc_free(d);
        }
        ck_assert_int_eq(count_orphans(&f, 0), 0);
        CHECK_OK(ff_remove_task(f.storage, "run", "a", ee));
        ck_assert_int_eq(count_orphans(&f, 0), 0);
        fixture_close(&f);
    }
}
END_TEST

START_TEST(zarr_irregular_chunks_survive)
{
    static const int64_t rows[] = {7, 20, 10}, columns[] = {13, 40};
    static const int64_t *const edges[] = {rows, columns};
    static const int64_t counts[] = {3, 2};
    const struct ff_array *a;
    struct fixture f;
    struct ff_doc *d;

    zarr_open(&f, forms[_i], 0);
    save(&f, "a", "<f4", edges, counts);
    d = open_task(&f, "a", &a);
    ck_assert_ptr_nonnull(a->edges);
    ck_assert_int_eq(a->edge_count[0], 3);
    ck_assert_mem_eq(a->edges[0], rows, sizeof rows);
    ck_assert_mem_eq(a->edges[1], columns, sizeof columns);
    expect_all(a);
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

/* ---- pushed ---- */

static int push_rows(struct ff_writer *w, int64_t begin, int64_t end, struct ff_error *e)
{
    int64_t start[2] = {begin, 0}, count[2] = {end - begin, COLUMNS};

    return ff_writer_push(w, start, count, pattern + (size_t)(begin * COLUMNS) * 4, NULL,
                          e);
}

static void push_all(struct fixture *f, int stream)
{
    int64_t shape[2] = {stream ? -1 : ROWS, COLUMNS}, chunk[2] = {10, 20};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunk = chunk};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_saving *s = ff_saving_begin(f->storage, "run", "a", NULL, &e);
    struct ff_array *like = ff_array_new(&p, &e);
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_writer *w = ff_writer_open(s, like, &e);

    for (int64_t row = 0; row < ROWS; row += 9) {
        (void)push_rows(w, row, row + 9 < ROWS ? row + 9 : ROWS, &e);
    }
    (void)ff_saving_commit(s, ff_writer_finish(w, d, &e), &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    ff_array_free(like);
    ff_doc_free(d);
}

START_TEST(zarr_pushed_chunks_read_back)
{
    for (int i = 0; i < 4; i++) {
        const struct ff_array *a;
        struct fixture f;
        struct ff_doc *d;

        zarr_open(&f, forms[_i], i / 2);
        push_all(&f, i % 2);
        d = open_task(&f, "a", &a);
        ck_assert_int_eq(a->shape[0], ROWS);
        expect_all(a);
        ff_doc_free(d);
        fixture_close(&f);
    }
}
END_TEST

/* ---- damage ---- */

/* The folder of the only array. */
static void array_folder(const struct fixture *f, char *out, size_t size)
{
    char group[128];
    struct dirent *entry;
    DIR *dir;

    (void)snprintf(group, sizeof group, "%s/store/run/bigdata/dask_arrays", f->folder);
    dir = opendir(group);
    ck_assert_ptr_nonnull(dir);
    out[0] = '\0';
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] != '.' && strchr(entry->d_name, '-')) {
            (void)snprintf(out, size, "%s/%s", group, entry->d_name);
        }
    }
    (void)closedir(dir);
    ck_assert(out[0] != '\0');
}

static size_t load(const char *path, unsigned char *data, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t n;

    ck_assert_msg(file != NULL, "%s", path);
    n = fread(data, 1, size, file);
    (void)fclose(file);
    return n;
}

static void store(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_msg(file && fwrite(data, 1, size, file) == size, "%s", path);
    (void)fclose(file);
}

static const char *first_chunk(int form)
{
    return form < 2 ? "0.0" : "c/0/0";
}

static void expect_code(struct fixture *f, int code, const char *named)
{
    static unsigned char out[MOST];
    struct ff_error e = FF_ERROR_INIT;
    const struct ff_array *a;
    struct ff_doc *d = open_task(f, "a", &a);
    int rc = read_part(a, (int64_t[]){0, 0}, (int64_t[]){ROWS, COLUMNS}, NULL, out, &e);

    ck_assert_msg(rc == code, "%d, not %d, %s: %s", rc, code, e.place, e.message);
    if (code) {
        ck_assert_msg(strstr(e.place, named) != NULL, "%s: %s", e.place, e.message);
    }
    ff_doc_free(d);
}

START_TEST(zarr_damaged_chunk_is_named)
{
    static unsigned char data[MOST];
    char folder[256], path[300];
    struct fixture f;
    size_t size;

    zarr_open(&f, forms[_i], 0);
    save(&f, "a", "<f4", NULL, NULL);
    array_folder(&f, folder, sizeof folder);
    (void)snprintf(path, sizeof path, "%s/%s", folder, first_chunk(_i));
    size = load(path, data, sizeof data);
    for (size_t cut = 0; cut < size; cut += size / 40 + 1) {
        store(path, data, cut);
        expect_code(&f, FF_E_CORRUPT, first_chunk(_i));
    }
    data[size] = 0;
    store(path, data, size + 1);
    expect_code(&f, FF_E_CORRUPT, first_chunk(_i));
    for (size_t at = 0; _i >= 2 && at < size; at += size / 50 + 1) { /* crc32c */
        data[at] ^= 0x10;
        store(path, data, size);
        expect_code(&f, FF_E_CORRUPT, first_chunk(_i));
        data[at] ^= 0x10;
    }
    store(path, data, size);
    expect_code(&f, FF_OK, "");
    fixture_close(&f);
}
END_TEST

START_TEST(zarr_missing_chunk_is_an_error_where_all_were_written)
{
    char folder[256], path[300];
    struct fixture f;

    zarr_open(&f, forms[_i], 0);
    save(&f, "a", "<f4", NULL, NULL);
    array_folder(&f, folder, sizeof folder);
    (void)snprintf(path, sizeof path, "%s/%s", folder, first_chunk(_i));
    ck_assert_int_eq(unlink(path), 0);
    expect_code(&f, FF_E_CORRUPT, first_chunk(_i));
    CHECK_CODE(ff_verify(f.storage, "run", "a", 1, NULL, NULL, ee), FF_E_CORRUPT);
    fixture_close(&f);
}
END_TEST

START_TEST(zarr_missing_chunk_of_others_is_fill)
{
    static unsigned char out[MOST], zero[80];
    struct ff_error e = FF_ERROR_INIT;
    const struct ff_array *a;
    char folder[256], path[300];
    struct fixture f;
    struct ff_doc *d;

    zarr_open(&f, "{}", 0);
    save(&f, "a", "<f4", NULL, NULL);
    array_folder(&f, folder, sizeof folder);
    (void)snprintf(path, sizeof path, "%s/.zattrs", folder);
    store(path, "{\"mine\": NaN, \"$ref\": 1}", 24);
    (void)snprintf(path, sizeof path, "%s/0.1", folder);
    ck_assert_int_eq(unlink(path), 0);
    d = open_task(&f, "a", &a);
    ck_assert_int_eq(
        read_part(a, (int64_t[]){0, 0}, (int64_t[]){10, COLUMNS}, NULL, out, &e), FF_OK);
    ck_assert_mem_eq(out, pattern, 80);
    ck_assert_mem_eq(out + 80, zero, 80);
    ck_assert_mem_eq(out + 160, pattern + 160, 52);
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

START_TEST(zarr_lazy_read_of_what_was_removed_is_stale)
{
    static unsigned char out[MOST];
    for (int objects = 0; objects < 2; objects++) {
        struct ff_error e = FF_ERROR_INIT;
        const struct ff_array *a;
        struct fixture f;
        struct ff_doc *d;

        zarr_open(&f, forms[_i], objects);
        save(&f, "a", "<f4", NULL, NULL);
        d = open_task(&f, "a", &a);
        save(&f, "a", "<f8", NULL, NULL);
        ck_assert_int_eq(
            read_part(a, (int64_t[]){0, 0}, (int64_t[]){ROWS, COLUMNS}, NULL, out, &e),
            FF_E_STALE);
        ff_doc_free(d);
        fixture_close(&f);
    }
}
END_TEST

START_TEST(zarr_bad_options_are_refused)
{
    static const char *const bad[] = {
        "1",
        "{\"compresor\": \"zstd\"}",
        "{\"compressor\": \"lzo\"}",
        "{\"compressor\": 3}",
        "{\"format\": 4}",
        "{\"level\": 10}",
        "{\"compressor\": \"none\", \"level\": 1}",
        "{\"compressor\": \"zstd\", \"shuffle\": \"byte\"}",
        "{\"shuffle\": \"nibble\"}",
        "{\"shard\": -1}",
        "{\"shard\": [0]}",
    };
    struct fixture f;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 1,
                                .descr = "<f4",
                                .shape = (int64_t[]){4},
                                .chunk = (int64_t[]){2},
                                .data = pattern};
    struct ff_doc *d;

    zarr_open(&f, bad[_i], 0);
    d = ff_doc_new(&e);
    (void)ff_save(f.storage, "run", "a", ff_new_array_take(d, ff_array_new(&p, &e), &e),
                  NULL, &e);
    ck_assert_int_ne(e.code, FF_OK);
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zarr");
    TCase *c = tcase_create("zarr");
    SRunner *runner;
    int failed;

    make_pattern();
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, zarr_each_dtype_reads_back, 0, FORMS);
    tcase_add_loop_test(c, zarr_irregular_chunks_survive, 0, FORMS);
    tcase_add_loop_test(c, zarr_pushed_chunks_read_back, 0, FORMS);
    tcase_add_loop_test(c, zarr_damaged_chunk_is_named, 0, FORMS);
    tcase_add_loop_test(c, zarr_missing_chunk_is_an_error_where_all_were_written, 0,
                        FORMS);
    tcase_add_test(c, zarr_missing_chunk_of_others_is_fill);
    tcase_add_loop_test(c, zarr_lazy_read_of_what_was_removed_is_stale, 0, FORMS);
    tcase_add_loop_test(c, zarr_bad_options_are_refused, 0, 11);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
