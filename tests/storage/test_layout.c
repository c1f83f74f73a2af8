/* SPDX-License-Identifier: Apache-2.0 */
/* "arrays" of the configuration: how arrays are saved whose chunks nobody chose. */
#include <string.h>

#include "fixture.h"

enum { ROWS = 40, COLUMNS = 25 };

static const struct {
    const char *config;
    int64_t chunk[2]; /* {0}: inline */
} rows[] = {
    {"{}", {ROWS, COLUMNS}},
    {"{\"arrays\": {\"chunks\": \"auto\"}}", {ROWS, COLUMNS}},
    {"{\"arrays\": {\"chunks\": 1000}}", {10, COLUMNS}},
    {"{\"arrays\": {\"chunks\": 40}}", {1, 10}},
    {"{\"arrays\": {\"inline\": true}}", {0, 0}},
    {"{\"arrays\": {\"chunks\": 1000, \"inline\": true}}", {0, 0}},
};

static const int64_t shape[] = {ROWS, COLUMNS};
static float elements[ROWS * COLUMNS];

static int fill(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                const struct ff_call *call, struct ff_error *e)
{
    float *to = dst;
    (void)call, (void)e;
    ++*(int *)ctx;
    for (int64_t i = 0; i < count[0]; i++) {
        memcpy(to + i * count[1], elements + (start[0] + i) * COLUMNS + start[1],
               (size_t)count[1] * sizeof *to);
    }
    return FF_OK;
}

enum source { MEMORY, CALLBACK, SERIAL_CALLBACK, SLICE, SOURCES };

static struct ff_array *source_new(enum source source, int *filled, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunking = FF_CHUNK_AUTO,
                                .ctx = filled};
    struct ff_region all = {(int64_t[]){0, 0}, shape, NULL};
    struct ff_array *a, *slice;
    if (source == MEMORY || source == SLICE) {
        p.data = elements;
    } else {
        p.fill = fill;
        p.flags = source == SERIAL_CALLBACK ? FF_ARRAY_SERIAL : 0;
    }
    a = ff_array_new(&p, e);
    if (source != SLICE) {
        return a;
    }
    slice = ff_array_slice(a, &all, e);
    ff_array_free(a);
    return slice;
}

static void expect_stored(struct fixture *f, const int64_t *chunk)
{
    struct ff_error e = FF_ERROR_INIT;
    float got[ROWS * COLUMNS] = {0};
    struct ff_doc *d = ff_read_task(f->storage, "run", "a", NULL, &e);
    const struct ff_array *a = ff_array(ff_doc_root(d), &e);
    ck_assert_msg(a != NULL, "%s: %s", e.place, e.message);
    if (chunk[0]) {
        ck_assert_ptr_nonnull(a->chunk);
        ck_assert_int_eq(a->chunk[0], chunk[0]);
        ck_assert_int_eq(a->chunk[1], chunk[1]);
    } else {
        ck_assert_ptr_null(a->chunk);
    }
    ck_assert_int_eq(ff_array_read(a, NULL, got, NULL, NULL, &e), FF_OK);
    ck_assert_mem_eq(got, elements, sizeof got);
    ff_doc_free(d);
}

static void save_each(const char *config, const int64_t *chunk)
{
    for (int s = 0; s < SOURCES; s++) {
        struct ff_error e = FF_ERROR_INIT;
        struct fixture f;
        int filled = 0;
        struct ff_doc *d = ff_doc_new(&e);
        struct ff_value v =
            ff_new_array_take(d, source_new((enum source)s, &filled, &e), &e);
        fixture_open(&f, ON_FILE, config);
        CHECK_OK(ff_save(f.storage, "run", "a", v, NULL, ee));
        expect_stored(&f, chunk);
        if (s == CALLBACK && chunk[0]) { /* each of the chunks that were stored, once */
            ck_assert_int_eq(filled, (ROWS / (int)chunk[0]) *
                                         ((COLUMNS - 1) / (int)chunk[1] + 1));
        }
        ck_assert_int_eq(e.code, FF_OK);
        ff_doc_free(d);
        fixture_close(&f);
    }
}

START_TEST(automatic_chunks_are_the_configurations)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        save_each(rows[i].config, rows[i].chunk);
    }
}
END_TEST

/* What the program chose stands, and so does what came out of a store. */
START_TEST(chosen_chunks_stay)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_doc *d = sample(3);
    fixture_open(&f, ON_FILE, "{\"arrays\": {\"chunks\": 40, \"inline\": true}}");
    CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
    for (int again = 0; again < 2; again++) {
        const struct ff_array *a;
        d = ff_read_task(f.storage, "run", "a", NULL, &e);
        a = ff_array(ff_get(ff_doc_root(d), "field"), &e);
        ck_assert_msg(a != NULL && a->chunk != NULL, "%s", e.message);
        ck_assert_int_eq(a->chunk[0], 2);
        ck_assert_int_eq(a->chunk[1], 10);
        CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee));
        ff_doc_free(d);
    }
    expect_sample_at(&f, "run", "a", 3);
    fixture_close(&f);
}
END_TEST

/* What is pushed has chunks in any case. */
START_TEST(pushed_array_has_chunks_of_the_size_that_is_configured)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunking = FF_CHUNK_AUTO};
    struct ff_array *like = ff_array_new(&p, &e);
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_saving *s;
    struct ff_writer *w;
    struct ff_value v;
    fixture_open(&f, ON_FILE, "{\"arrays\": {\"chunks\": 1000, \"inline\": true}}");
    s = ff_saving_begin(f.storage, "run", "a", NULL, &e);
    w = ff_writer_open(s, like, &e);
    ck_assert_msg(w != NULL, "%s", e.message);
    CHECK_OK(ff_writer_push(w, (int64_t[]){0, 0}, shape, elements, NULL, ee));
    v = ff_writer_finish(w, d, &e);
    ck_assert_msg(v.doc != NULL, "%s", e.message);
    CHECK_OK(ff_saving_commit(s, v, ee));
    expect_stored(&f, (int64_t[]){10, COLUMNS});
    ff_doc_free(d);
    ff_array_free(like);
    fixture_close(&f);
}
END_TEST

static void count_up(void)
{
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        elements[i] = (float)i;
    }
}

int main(void)
{
    const TTest *const tests[] = {automatic_chunks_are_the_configurations,
                                  chosen_chunks_stay,
                                  pushed_array_has_chunks_of_the_size_that_is_configured};
    count_up();
    return run_tests("layout", tests, COUNT_OF(tests));
}
