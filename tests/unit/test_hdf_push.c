/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_push.c: ff.push/1, ff.verify/1 and ff.explain/1 of plugins/dask_array. */
#include "hdf_stub.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/region.h"

static const struct ff_push *push_of(const struct stub *s)
{
    return s->serializer->query(s->inst, FF_PUSH_1);
}

static struct ff_pid pid_of(const char *name)
{
    return (struct ff_pid){
        .struct_size = FF_SIZE(ff_pid, extra), .version = "0.0.0", .name = name};
}

/* The chunk whose box is start, count, packed. */
static unsigned char *cut(const struct stub_array *a, const int64_t *start,
                          const int64_t *count)
{
    int64_t strides[FF_MAX_NDIM];
    const unsigned char *src = a->data;
    uint64_t total_bytes;
    unsigned char *out;

    ck_assert(ff_strides_c((size_t)a->array.ndim, count, a->array.itemsize_bytes, strides,
                           &total_bytes));
    out = malloc(total_bytes + 1);
    for (int i = 0; i < a->array.ndim; i++) {
        src += start[i] * a->strides[i];
    }
    ck_assert(ff_copy_strided((size_t)a->array.ndim, count, a->array.itemsize_bytes, out,
                              strides, src, a->strides));
    return out;
}

struct feeder {
    struct stub *s;
    struct ff_pushing *pushing;
    const struct stub_array *a;
    const int64_t *edges[2]; /* or NULL */
    int64_t counts[2];
    int64_t first, step;
    int code;
};

static void box_at(const struct feeder *f, int axis, int64_t index, int64_t *start,
                   int64_t *count)
{
    *start = index * f->a->chunk[axis];
    *count = f->a->chunk[axis];
    if (f->edges[axis]) {
        *start = 0;
        for (int64_t i = 0; i < index; i++) {
            *start += f->edges[axis][i];
        }
        *count = f->edges[axis][index];
    } else if (f->a->shape[axis] - *start < *count) {
        *count = f->a->shape[axis] - *start;
    }
}

/* Every step-th chunk, from the last to the first. */
static void *feed(void *ctx)
{
    struct feeder *f = ctx;

    for (int64_t i = f->counts[0] * f->counts[1] - 1 - f->first; i >= 0 && !f->code;
         i -= f->step) {
        struct ff_error e = FF_ERROR_INIT;
        int64_t index[2] = {i / f->counts[1], i % f->counts[1]}, start[2], count[2];
        unsigned char *data;

        box_at(f, 0, index[0], &start[0], &count[0]);
        box_at(f, 1, index[1], &start[1], &count[1]);
        data = cut(f->a, start, count);
        f->code = push_of(f->s)->put(f->s->inst, f->pushing, index, data, NULL, &e);
        free(data);
    }
    return NULL;
}

static void feed_by_two(const struct feeder *model)
{
    struct feeder both[2] = {*model, *model};
    pthread_t other;

    both[0].step = both[1].step = 2;
    both[1].first = 1;
    ck_assert_int_eq(pthread_create(&other, NULL, feed, &both[1]), 0);
    (void)feed(&both[0]);
    pthread_join(other, NULL);
    ck_assert_int_eq(both[0].code, FF_OK);
    ck_assert_int_eq(both[1].code, FF_OK);
}

static void check_same(struct stub *s, const char *name, const struct stub_array *a)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = pid_of(name);
    const struct ff_verifier *verifier = s->serializer->query(s->inst, FF_VERIFY_1);
    uint64_t total_bytes;
    struct ff_array *got = stub_unpickle(s, name, &e);
    unsigned char *data;

    ck_assert_msg(got != NULL, "%s", e.message);
    ck_assert_mem_eq(got->shape, a->shape, 2 * sizeof(int64_t));
    data = stub_read_all(got, &total_bytes, &e);
    ck_assert_ptr_nonnull(data);
    ck_assert_uint_eq(total_bytes, a->total_bytes);
    ck_assert(memcmp(data, a->data, total_bytes) == 0);
    free(data);
    got->release(got);
    ck_assert_int_eq(verifier->verify(s->inst, &pid, &s->protocols, 1, NULL, &e), FF_OK);
}

static const struct {
    int64_t shape[2], chunk[2];
    const char *options;
    int stream, irregular;
} pushes[] = {
    {{37, 53}, {10, 20}, NULL, 0, 0},
    {{40, 40}, {10, 20}, NULL, 0, 0},
    {{37, 53}, {10, 20}, "{\"compression\": \"deflate\"}", 0, 0},
    {{37, 53}, {10, 20}, NULL, 1, 0},
    {{40, 40}, {10, 20}, "{\"compression\": \"deflate\"}", 1, 0},
    {{31, 20}, {1, 20}, NULL, 1, 0},
    {{100, 7}, {50, 4}, NULL, 0, 1},
};

START_TEST(push_from_two_threads_is_equal)
{
    const int64_t *edges[2] = {(int64_t[]){30, 50, 20}, (int64_t[]){3, 4}};
    struct stub s;
    struct stub_array a;
    struct ff_array like;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = pid_of("x");
    struct feeder f = {.s = &s, .a = &a};
    int64_t rows, shape[2], edge_count[2] = {3, 2};

    stub_open(&s, NULL, NULL);
    rows = pushes[_i].shape[0];
    /* a stream's last chunk comes whole */
    shape[0] = pushes[_i].stream ? (rows + pushes[_i].chunk[0] - 1) /
                                       pushes[_i].chunk[0] * pushes[_i].chunk[0]
                                 : rows;
    shape[1] = pushes[_i].shape[1];
    stub_array_make(&a, "<i4", 4, 2, shape, pushes[_i].chunk);
    like = a.array;
    like.data = NULL;
    like.options = pushes[_i].options;
    for (int i = 0; i < 2; i++) {
        f.counts[i] = (shape[i] - 1) / a.chunk[i] + 1;
    }
    if (pushes[_i].irregular) {
        like.edges = edges;
        like.edge_count = edge_count;
        memcpy(f.edges, edges, sizeof edges);
        f.counts[0] = 3;
        f.counts[1] = 2;
    }
    if (pushes[_i].stream) {
        shape[0] = -1;
        like.shape = shape;
    }
    ck_assert_msg(push_of(&s)->begin(s.inst, &like, &s.protocols, &pid, &f.pushing, NULL,
                                     &e) == FF_OK,
                  "%s", e.message);
    feed_by_two(&f);
    ck_assert_msg(push_of(&s)->finish(s.inst, f.pushing, rows, NULL, &e) == FF_OK, "%s",
                  e.message);
    a.shape[0] = rows;
    a.total_bytes = (uint64_t)(rows * a.shape[1] * 4);
    check_same(&s, "x", &a);
    ck_assert_int_eq(stub_open_files(), 0);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

static struct ff_pushing *begin(struct stub *s, const struct ff_array *like)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = pid_of("x");
    struct ff_pushing *p = NULL;

    ck_assert_int_eq(push_of(s)->begin(s->inst, like, &s->protocols, &pid, &p, NULL, &e),
                     FF_OK);
    return p;
}

START_TEST(push_incomplete_is_usage_and_leaves_nothing)
{
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT, own = FF_ERROR_INIT;
    struct ff_pushing *p;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<i4", 4, 1, (int64_t[]){10}, (int64_t[]){4});
    p = begin(&s, &a.array);
    ck_assert_int_eq(push_of(&s)->put(s.inst, p, (int64_t[]){1}, a.data, NULL, &e),
                     FF_OK);
    ck_assert_int_eq(push_of(&s)->put(s.inst, p, (int64_t[]){3}, a.data, NULL, &e),
                     FF_E_USAGE);
    ck_assert_int_eq(push_of(&s)->finish(s.inst, p, 10, NULL, &own), FF_E_USAGE);
    ck_assert_msg(strstr(own.message, "1 chunks came") != NULL, "%s", own.message);
    ck_assert(!stub_exists(&s, "x"));
    p = begin(&s, &a.array);
    push_of(&s)->abort(s.inst, p);
    ck_assert(!stub_exists(&s, "x"));
    ck_assert_int_eq(stub_open_files(), 0);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(push_stream_without_chunks_is_empty)
{
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pushing *p;
    struct ff_array *got;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<i4", 4, 2, (int64_t[]){8, 3}, (int64_t[]){4, 3});
    a.shape[0] = -1;
    p = begin(&s, &a.array);
    ck_assert_int_eq(push_of(&s)->finish(s.inst, p, 0, NULL, &e), FF_OK);
    got = stub_unpickle(&s, "x", &e);
    ck_assert_ptr_nonnull(got);
    ck_assert_int_eq(got->shape[0], 0);
    ck_assert_int_eq(got->shape[1], 3);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(push_irregular_compressed_is_unsupported)
{
    const int64_t *edges[1] = {(int64_t[]){3, 4, 3}};
    struct stub s;
    struct stub_array a;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = pid_of("x");
    struct ff_pushing *p = NULL;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<i4", 4, 1, (int64_t[]){10}, (int64_t[]){4});
    a.array.edges = edges;
    a.array.edge_count = (int64_t[]){3};
    a.array.options = "{\"compression\": \"deflate\"}";
    ck_assert_int_eq(
        push_of(&s)->begin(s.inst, &a.array, &s.protocols, &pid, &p, NULL, &e),
        FF_E_UNSUPPORTED);
    ck_assert(e.fix[0]);
    ck_assert(!stub_exists(&s, "x"));
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

START_TEST(push_each_failing_call_leaves_nothing)
{
    enum { CHUNKS = 60, NEVER = 100000 };
    struct stub s;
    struct stub_array a;
    long n;

    stub_open(&s, NULL, NULL);
    stub_array_make(&a, "<i4", 4, 1, (int64_t[]){CHUNKS * 4}, (int64_t[]){4});
    a.shape[0] = -1;
    for (n = 1; n < NEVER; n++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_pid pid = pid_of("x");
        struct ff_pushing *p = NULL;
        int rc;

        stub_fail_at(n, FF_E_IO);
        rc = push_of(&s)->begin(s.inst, &a.array, &s.protocols, &pid, &p, NULL, &e);
        for (int64_t i = 0; rc == FF_OK && i < CHUNKS; i++) {
            rc = push_of(&s)->put(s.inst, p, &i, a.data + 16 * i, NULL, &e);
            if (rc) {
                push_of(&s)->abort(s.inst, p);
            }
        }
        rc = rc ? rc : push_of(&s)->finish(s.inst, p, CHUNKS * 4, NULL, &e);
        ck_assert_int_eq(stub_open_files(), 0);
        if (rc == FF_OK) {
            break;
        }
        ck_assert_msg(rc == FF_E_IO && e.code == rc, "call %ld: %d %s", n, rc, e.message);
        ck_assert_msg(!stub_exists(&s, "x"), "call %ld left a file", n);
    }
    ck_assert_int_gt(n, CHUNKS);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

static int gather(void *ctx, const char *text, size_t size_bytes)
{
    strncat(ctx, text, size_bytes);
    return 0;
}

START_TEST(explain_names_the_file_and_the_data_set)
{
    struct stub s;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pid pid = pid_of("a\"b");
    const struct ff_explain *explain;
    char text[1000] = "";

    stub_open(&s, NULL, NULL);
    explain = s.serializer->query(s.inst, FF_EXPLAIN_1);
    ck_assert_int_eq(explain->explain(s.inst, &pid, &s.protocols, gather, text, NULL, &e),
                     FF_OK);
    ck_assert_str_eq(text, "import h5py, dask.array\n"
                           "f = h5py.File(\"a\\\"b\", \"r\")\n"
                           "d = f[\"dask_arrays\"]\n"
                           "a = dask.array.from_array(d, chunks=d.chunks or -1)\n");
    ck_assert_ptr_null(s.serializer->query(s.inst, "ff.nothing/1"));
    stub_close(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf_push");
    TCase *c = tcase_create("push");
    SRunner *runner;
    int failed;

    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, push_from_two_threads_is_equal, 0,
                        sizeof pushes / sizeof pushes[0]);
    tcase_add_test(c, push_incomplete_is_usage_and_leaves_nothing);
    tcase_add_test(c, push_stream_without_chunks_is_empty);
    tcase_add_test(c, push_irregular_compressed_is_unsupported);
    tcase_add_test(c, push_each_failing_call_leaves_nothing);
    tcase_add_test(c, explain_names_the_file_and_the_data_set);
    suite_add_tcase(suite, c);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
