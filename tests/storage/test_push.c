/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that are pushed: any regions, any thread, streams. */
#include <pthread.h>
#include <string.h>

#include "fixture.h"

static struct ff_array *describe(const int64_t *shape, const int64_t *chunk,
                                 const int64_t *const *edges, const int64_t *edge_count)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = shape,
                                .chunk = chunk,
                                .edges = edges,
                                .edge_count = edge_count};
    struct ff_array *a = ff_array_new(&p, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    return a;
}

static int push(struct ff_writer *w, int64_t row, int64_t column, int64_t rows,
                int64_t columns, struct ff_error *e)
{
    int64_t start[2] = {row, column}, count[2] = {rows, columns};
    int32_t data[4096];
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            data[i * columns + j] = (int32_t)((row + i) * 1000 + column + j);
        }
    }
    return ff_writer_push(w, start, count, data, NULL, e);
}

static void expect_saved(struct fixture *f, int64_t rows, int64_t columns)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", "pushed", NULL, &e);
    const struct ff_array *a = ff_array(ff_doc_root(d), &e);
    int32_t data[4096];
    ck_assert_msg(a != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
    ck_assert_int_eq(a->shape[0], rows);
    ck_assert_int_eq(a->shape[1], columns);
    ck_assert_int_eq(ff_array_read(a, NULL, data, NULL, NULL, &e), FF_OK);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            if (data[i * columns + j] != (int32_t)(i * 1000 + j)) {
                ck_abort_msg("(%d, %d) is %d", (int)i, (int)j, data[i * columns + j]);
            }
        }
    }
    ff_doc_free(d);
}

static struct ff_saving *begin(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_saving *s = ff_saving_begin(f->storage, "run", "pushed", NULL, &e);
    ck_assert_msg(s != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
    return s;
}

static void commit(struct ff_saving *s, struct ff_writer *w)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_writer_finish(w, d, &e);
    (void)ff_saving_commit(s, v, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    ff_doc_free(d);
}

static void any_order(struct fixture *f)
{
    static const int64_t shape[2] = {7, 11}, chunk[2] = {3, 4};
    static const int64_t e0[] = {1, 4, 2}, e1[] = {5, 6};
    static const int64_t *const edges[2] = {e0, e1};
    static const int64_t edge_count[2] = {3, 2};
    for (int irregular = 0; irregular < 2; irregular++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_array *like = irregular ? describe(shape, NULL, edges, edge_count)
                                          : describe(shape, chunk, NULL, NULL);
        struct ff_saving *s = begin(f);
        struct ff_writer *w = ff_writer_open(s, like, &e);
        ck_assert_msg(w != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
        (void)push(w, 5, 0, 2, 11, &e);
        (void)push(w, 0, 9, 5, 2, &e);
        (void)push(w, 0, 0, 5, 1, &e);
        (void)push(w, 0, 1, 3, 8, &e);
        (void)push(w, 3, 1, 2, 8, &e);
        ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
        commit(s, w);
        ff_array_free(like);
        expect_saved(f, 7, 11);
        ck_assert_int_eq(count_orphans(f, 0), 0);
    }
}

START_TEST(regions_in_any_order_make_the_array)
{
    on_each(any_order);
}
END_TEST

static void stream(struct fixture *f)
{
    static const int64_t shape[2] = {-1, 5}, chunk[2] = {4, 5};
    static const int rows[] = {0, 1, 3, 4, 5, 13};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_array *like = describe(shape, chunk, NULL, NULL);
        struct ff_saving *s = begin(f);
        struct ff_writer *w = ff_writer_open(s, like, &e);
        ck_assert_msg(w != NULL, "%s: %s", e.place, e.message);
        for (int64_t row = 0; row < rows[i];) {
            int64_t n = row % 3 + 1 < rows[i] - row ? row % 3 + 1 : rows[i] - row;
            ck_assert_int_eq(push(w, row, 0, n, 5, &e), FF_OK);
            row += n;
        }
        commit(s, w);
        ff_array_free(like);
        expect_saved(f, rows[i], 5);
    }
}

START_TEST(stream_of_any_length_is_kept)
{
    on_each(stream);
}
END_TEST

struct job {
    struct ff_writer *w;
    int64_t first;
};

static void *push_rows(void *ctx)
{
    struct job *job = ctx;
    struct ff_error e = FF_ERROR_INIT;
    for (int64_t row = job->first; row < 64; row += 4) {
        (void)push(job->w, row, 0, 1, 64, &e);
    }
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    return NULL;
}

static void threads(struct fixture *f)
{
    static const int64_t shape[2] = {64, 64}, chunk[2] = {3, 10};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *like = describe(shape, chunk, NULL, NULL);
    struct ff_saving *s = begin(f);
    struct ff_writer *w = ff_writer_open(s, like, &e);
    struct job jobs[4];
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){w, i};
        ck_assert_int_eq(pthread_create(&t[i], NULL, push_rows, &jobs[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(t[i], NULL);
    }
    commit(s, w);
    ff_array_free(like);
    expect_saved(f, 64, 64);
}

START_TEST(regions_from_many_threads_make_the_array)
{
    on_each(threads);
}
END_TEST

static void wrong(struct fixture *f)
{
    static const int64_t shape[2] = {6, 5}, chunk[2] = {4, 5}, flow[2] = {-1, 5};
    struct ff_error e = FF_ERROR_INIT, twice = FF_ERROR_INIT, late = FF_ERROR_INIT;
    struct ff_array *like = describe(shape, chunk, NULL, NULL);
    struct ff_array *stream_like = describe(flow, chunk, NULL, NULL);
    struct ff_saving *s = begin(f);
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_writer *w = ff_writer_open(s, like, &e);
    (void)push(w, 0, 0, 2, 5, &e);
    ck_assert_int_eq(e.code, FF_OK);
    ck_assert_int_eq(push(w, 1, 0, 1, 5, &twice), FF_E_USAGE);
    ck_assert_ptr_null(ff_writer_finish(w, d, &late).doc);
    ck_assert_int_eq(late.code, FF_E_USAGE);

    w = ff_writer_open(s, like, &e); /* elements that never come */
    (void)push(w, 0, 0, 4, 5, &e);
    ck_assert_int_eq(e.code, FF_OK);
    late = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_writer_finish(w, d, &late).doc);
    ck_assert_int_eq(late.code, FF_E_USAGE);

    w = ff_writer_open(s, stream_like, &e); /* a stream with a gap */
    late = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(push(w, 1, 0, 1, 5, &late), FF_E_USAGE);

    w = ff_writer_open(s, like, &e); /* outside */
    late = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(push(w, 5, 0, 2, 5, &late), FF_E_USAGE);
    ff_saving_abort(s); /* with writers open */
    ff_doc_free(d);
    ff_array_free(like);
    ff_array_free(stream_like);
    ck_assert_int_eq(ff_file_exists(f->storage, "run", "pushed", &e), 0);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(what_is_pushed_wrongly_is_refused_and_leaves_nothing)
{
    on_each(wrong);
}
END_TEST

START_TEST(parts_of_chunks_stay_within_the_memory_budget)
{
    static const int64_t shape[2] = {4096, 1024}, chunk[2] = {4096, 1};
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_array *like = describe(shape, chunk, NULL, NULL);
    struct ff_saving *s;
    struct ff_writer *w;
    fixture_open(&f, ON_FILE, "{\"memory\": \"1MiB\"}");
    s = begin(&f);
    w = ff_writer_open(s, like, &e);
    ck_assert_msg(w != NULL, "%s", e.message);
    ck_assert_int_eq(push(w, 0, 0, 1, 1024, &e), FF_E_LIMIT);
    ff_saving_abort(s);
    ff_array_free(like);
    fixture_close(&f);
}
END_TEST

/* Where the medium, or the serializer, says its own place: it follows the task's. */
START_TEST(push_that_fails_says_the_task_and_what_is_in_it)
{
    static const int64_t shape[2] = {6, 5}, chunk[2] = {2, 5};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = shape,
                                .chunk = chunk,
                                .options = "{\"compression\": \"gold\"}"};
    struct ff_array *odd = ff_array_new(&p, &e),
                    *like = describe(shape, chunk, NULL, NULL);
    struct fixture f;
    struct ff_saving *s;
    struct ff_writer *w;
    fixture_open(&f, ON_FILE, NULL);
    ck_assert_msg(odd != NULL, "%s", e.message);
    s = begin(&f);
    ck_assert_ptr_null(ff_writer_open(s, odd, &e));
    ck_assert_msg(strncmp(e.place, "run/pushed: ", 12) == 0, "%s", e.place);
    e = (struct ff_error)FF_ERROR_INIT;
    w = ff_writer_open(s, like, &e);
    ck_assert_msg(w != NULL, "%s: %s", e.place, e.message);
    ck_assert_int_eq(push(w, 5, 0, 2, 5, &e), FF_E_USAGE);
    ck_assert_str_eq(e.place, "run/pushed");
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_writer_finish(w, NULL, &e).doc);
    ck_assert_str_eq(e.place, "run/pushed");
    ff_saving_abort(s);
    ff_array_free(odd);
    ff_array_free(like);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("push", regions_in_any_order_make_the_array, stream_of_any_length_is_kept,
          regions_from_many_threads_make_the_array,
          what_is_pushed_wrongly_is_refused_and_leaves_nothing,
          push_that_fails_says_the_task_and_what_is_in_it,
          parts_of_chunks_stay_within_the_memory_budget)
