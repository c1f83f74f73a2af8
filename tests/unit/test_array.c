/* SPDX-License-Identifier: Apache-2.0 */
#include <functionfuse/functionfuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "core/array_own.h"
#include "run.h"

/* Element (i, j, k) of the test's field. */
static int32_t field(int64_t i, int64_t j, int64_t k)
{
    return (int32_t)(i * 10000 + j * 100 + k);
}

static int fill_field(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                      const struct ff_call *call, struct ff_error *e)
{
    int32_t *out = dst;
    (void)call;
    (void)e;
    atomic_fetch_add((atomic_int *)ctx, 1);
    for (int64_t i = 0; i < count[0]; i++) {
        for (int64_t j = 0; j < count[1]; j++) {
            for (int64_t k = 0; k < count[2]; k++) {
                *out++ = field(start[0] + i, start[1] + j, start[2] + k);
            }
        }
    }
    return FF_OK;
}

static const int64_t shape[3] = {7, 10, 11};

static struct ff_array *lazy_field(const int64_t *chunk, const int64_t *const *edges,
                                   const int64_t *edge_count, atomic_int *calls)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 3,
                                .descr = "<i4",
                                .shape = shape,
                                .chunk = chunk,
                                .edges = edges,
                                .edge_count = edge_count,
                                .fill = fill_field,
                                .ctx = calls};
    struct ff_array *a = ff_array_new(&p, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    return a;
}

static void expect_region(const struct ff_array *a, const int64_t *start,
                          const int64_t *count, const int64_t *step)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_region r = {start, count, step};
    int32_t out[7 * 10 * 11], *at = out;
    ck_assert_int_eq(ff_array_read(a, &r, out, NULL, NULL, &e), FF_OK);
    for (int64_t i = 0; i < count[0]; i++) {
        for (int64_t j = 0; j < count[1]; j++) {
            for (int64_t k = 0; k < count[2]; k++) {
                ck_assert_int_eq(*at++, field(start[0] + i * (step ? step[0] : 1),
                                              start[1] + j * (step ? step[1] : 1),
                                              start[2] + k * (step ? step[2] : 1)));
            }
        }
    }
}

static void expect_many_regions(const struct ff_array *a)
{
    unsigned seed = 1;
    for (int round = 0; round < 300; round++) {
        int64_t start[3], count[3], step[3];
        for (int i = 0; i < 3; i++) {
            seed = seed * 1103515245u + 12345u;
            start[i] = (int64_t)((seed >> 8) % (unsigned)shape[i]);
            step[i] = (int64_t)((seed >> 16) % 3) + 1;
            count[i] = (shape[i] - 1 - start[i]) / step[i] + 1;
            count[i] = (int64_t)((seed >> 20) % (unsigned)(count[i] + 1));
        }
        for (int i = 0; i < 3 && round % 2 == 0;
             i++) { /* without steps it may reach out */
            int64_t most = shape[i] - start[i];
            count[i] = count[i] < most ? count[i] : most;
        }
        expect_region(a, start, count, round % 2 ? step : NULL);
    }
}

START_TEST(callback_gives_any_region_with_steps)
{
    static const int64_t chunk[3] = {2, 4, 5};
    atomic_int calls = 0;
    struct ff_array *a = lazy_field(chunk, NULL, NULL, &calls);
    expect_many_regions(a);
    ff_array_free(a);
}
END_TEST

START_TEST(callback_with_irregular_chunks_gives_any_region)
{
    static const int64_t e0[] = {3, 1, 3}, e1[] = {10}, e2[] = {0, 6, 5};
    static const int64_t *const edges[3] = {e0, e1, e2};
    static const int64_t counts[3] = {3, 1, 3};
    atomic_int calls = 0;
    struct ff_array *a = lazy_field(NULL, edges, counts, &calls);
    ck_assert_int_eq(a->chunk[0], 3);
    ck_assert_int_eq(a->chunk[2], 6);
    expect_many_regions(a);
    ff_array_free(a);
}
END_TEST

START_TEST(callback_is_asked_only_for_chunks_that_are_touched)
{
    static const int64_t chunk[3] = {1, 10, 11}, start[3] = {3, 0, 0},
                         count[3] = {1, 10, 11};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_region r = {start, count, NULL};
    atomic_int calls = 0;
    uint64_t touched = 0, all = 0;
    struct ff_array *a = lazy_field(chunk, NULL, NULL, &calls);
    expect_region(a, start, count, NULL);
    ck_assert_int_eq(calls, 1);
    ck_assert_int_eq(ff_array_chunks_touched(a, &r, &touched, &all, &e), FF_OK);
    ck_assert_uint_eq(touched, 1);
    ck_assert_uint_eq(all, 7);
    ff_array_free(a);
}
END_TEST

START_TEST(slice_of_a_slice_reads_the_whole_array)
{
    static const int64_t chunk[3] = {2, 4, 5};
    static const int64_t s1[3] = {1, 0, 2}, c1[3] = {3, 5, 9}, t1[3] = {2, 2, 1};
    static const int64_t s2[3] = {1, 1, 0}, c2[3] = {2, 2, 3}, t2[3] = {1, 2, 4};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_region r1 = {s1, c1, t1}, r2 = {s2, c2, t2};
    int32_t out[12], *at = out;
    atomic_int calls = 0;
    struct ff_array *a = lazy_field(chunk, NULL, NULL, &calls);
    struct ff_array *b = ff_array_slice(a, &r1, &e), *c = ff_array_slice(b, &r2, &e);
    ff_array_free(a);
    ff_array_free(b);
    ck_assert_int_eq(ff_array_read(c, NULL, out, NULL, NULL, &e), FF_OK);
    for (int64_t i = 0; i < 2; i++) {
        for (int64_t j = 0; j < 2; j++) {
            for (int64_t k = 0; k < 3; k++) {
                ck_assert_int_eq(*at++,
                                 field(1 + 2 * (1 + i), 2 * (1 + 2 * j), 2 + 4 * k));
            }
        }
    }
    ff_array_free(c);
}
END_TEST

START_TEST(memory_with_negative_strides_is_read)
{
    static const int32_t data[4] = {1, 2, 3, 4};
    static const int64_t n[1] = {4}, back[1] = {-4};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = 1,
                                .descr = "<i4",
                                .shape = n,
                                .data = data + 3,
                                .strides = back};
    struct ff_array *a = ff_array_new(&p, &e);
    int32_t out[4];
    ck_assert_int_eq(ff_array_read(a, NULL, out, NULL, NULL, &e), FF_OK);
    ck_assert_int_eq(out[0], 4);
    ck_assert_int_eq(out[3], 1);
    ck_assert_ptr_null(a->chunk);
    ck_assert_str_eq(ff_array_class(a), "numpy.ndarray");
    ff_array_free(a);
}
END_TEST

static void count_release(void *ctx)
{
    ++*(int *)ctx;
}

START_TEST(bad_descriptions_are_refused_and_released)
{
    static const int64_t two[2] = {2, 3}, minus[2] = {2, -3}, huge[2] = {INT64_MAX, 3},
                         zero_chunk[2] = {0, 1}, stream[1] = {-1};
    static const int64_t e0[] = {1, 2}, e1[] = {3};
    static const int64_t *const edges[2] = {e0, e1};
    static const int64_t edge_count[2] = {2, 1};
    static const struct {
        const char *name, *descr;
        int32_t ndim;
        const int64_t *shape, *chunk;
        const int64_t *const *edges;
        int data;
    } rows[] = {
        {"no such dtype", "<q9", 2, two, two, NULL, 1},
        {"objects", "|O", 2, two, two, NULL, 1},
        {"too many axes", "<f4", 33, two, NULL, NULL, 1},
        {"negative axis", "<f4", 2, minus, two, NULL, 1},
        {"too many bytes", "<f4", 2, huge, two, NULL, 1},
        {"chunk of zero", "<f4", 2, two, zero_chunk, NULL, 1},
        {"edges do not add up", "<f4", 2, two, NULL, edges, 1},
        {"stream with data", "<f4", 1, stream, two, NULL, 1},
        {"no dtype", NULL, 2, two, two, NULL, 1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        int released = 0;
        struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                    .ndim = rows[i].ndim,
                                    .descr = rows[i].descr,
                                    .shape = rows[i].shape,
                                    .chunk = rows[i].chunk,
                                    .edges = rows[i].edges,
                                    .edge_count = rows[i].edges ? edge_count : NULL,
                                    .data = rows[i].data ? "" : NULL,
                                    .ctx = &released,
                                    .release = count_release};
        ck_assert_msg(ff_array_new(&p, &e) == NULL, "%s", rows[i].name);
        ck_assert_msg(e.code == FF_E_USAGE, "%s: %d", rows[i].name, e.code);
        ck_assert_msg(released == 1, "%s: released %d times", rows[i].name, released);
    }
}
END_TEST

START_TEST(region_outside_is_refused)
{
    static const int64_t start[3] = {0, 0, 10}, count[3] = {1, 1, 2},
                         chunk[3] = {2, 4, 5};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_region r = {start, count, NULL};
    atomic_int calls = 0;
    int32_t out[2];
    struct ff_array *a = lazy_field(chunk, NULL, NULL, &calls);
    ck_assert_int_eq(ff_array_read(a, &r, out, NULL, NULL, &e), FF_E_USAGE);
    ck_assert_int_eq(ff_array_read(a, &r, out, NULL, NULL, &e), FF_E_USAGE);
    ck_assert_int_eq(calls, 0);
    ff_array_free(a);
}
END_TEST

START_TEST(auto_chunk_is_about_four_mebibytes)
{
    static const struct {
        int32_t ndim;
        int64_t shape[3], chunk[3];
        uint64_t item;
    } rows[] = {
        {1, {100}, {100}, 8},
        {2, {16384, 16384}, {64, 16384}, 4},
        {3, {12, 90, 180}, {12, 90, 180}, 4},
        {1, {1ll << 40}, {4 << 20}, 1},
        {2, {3, 1ll << 40}, {1, 1 << 20}, 4},
        {2, {-1, 1024}, {1024, 1024}, 4},
        {2, {0, 0}, {1, 1}, 4},
        {1, {5}, {1}, 8 << 20},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t chunk[FF_MAX_NDIM];
        ff_chunk_auto(rows[i].ndim, rows[i].shape, rows[i].item, chunk);
        for (int k = 0; k < rows[i].ndim; k++) {
            ck_assert_msg(chunk[k] == rows[i].chunk[k], "row %zu axis %d: %lld", i, k,
                          (long long)chunk[k]);
        }
    }
}
END_TEST

/* A plugin's array that notices two readers at once. */
static atomic_int inside, collisions;

static int alone(const struct ff_array *a, const struct ff_region *r, void *dst,
                 const int64_t *strides, const struct ff_call *call, struct ff_error *e)
{
    (void)a, (void)r, (void)dst, (void)strides, (void)call, (void)e;
    if (atomic_fetch_add(&inside, 1) != 0) {
        atomic_fetch_add(&collisions, 1);
    }
    for (volatile int i = 0; i < 1000; i++) {
    }
    atomic_fetch_sub(&inside, 1);
    return FF_OK;
}

static void *read_often(void *ctx)
{
    static const int64_t start[1] = {0}, count[1] = {1};
    struct ff_region r = {start, count, NULL};
    char out[1];
    for (int i = 0; i < 2000; i++) {
        struct ff_error e = FF_ERROR_INIT;
        (void)ff_array_read(ctx, &r, out, NULL, NULL, &e);
    }
    return NULL;
}

START_TEST(serial_array_is_read_by_one_thread_at_a_time)
{
    static const int64_t one[1] = {1};
    static struct ff_array plugin = {.struct_size = FF_SIZE(ff_array, query),
                                     .flags = FF_ARRAY_SERIAL,
                                     .ndim = 1,
                                     .itemsize_bytes = 1,
                                     .descr = "|u1",
                                     .shape = one,
                                     .chunk = one,
                                     .read = alone};
    struct ff_error e = FF_ERROR_INIT;
    int released = 0;
    struct ff_array *a = ff_array_wrap_take(&plugin, &released, count_release, &e);
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&t[i], NULL, read_often, a), 0);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(t[i], NULL);
    }
    ck_assert_int_eq(atomic_load(&collisions), 0);
    ff_array_free(a);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(plugin_array_that_contradicts_itself_is_refused)
{
    static const int64_t one[1] = {1};
    static struct ff_array plugin = {.struct_size = FF_SIZE(ff_array, query),
                                     .ndim = 1,
                                     .itemsize_bytes = 8,
                                     .descr = "|u1",
                                     .shape = one,
                                     .read = alone};
    struct ff_error e = FF_ERROR_INIT;
    int released = 0;
    ck_assert_ptr_null(ff_array_wrap_take(&plugin, &released, count_release, &e));
    ck_assert_int_eq(e.code, FF_E_PLUGIN);
    ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(references_keep_an_array)
{
    static const int64_t chunk[3] = {2, 4, 5}, start[3] = {0}, count[3] = {1, 1, 1};
    atomic_int calls = 0;
    struct ff_array *a = lazy_field(chunk, NULL, NULL, &calls), *b = ff_array_ref(a);
    ff_array_free(a);
    expect_region(b, start, count, NULL);
    ff_array_free(b);
    ff_array_free(NULL);
    ck_assert_ptr_null(ff_array_ref(NULL));
}
END_TEST

RUN_TESTS("array", callback_gives_any_region_with_steps,
          callback_with_irregular_chunks_gives_any_region,
          callback_is_asked_only_for_chunks_that_are_touched,
          slice_of_a_slice_reads_the_whole_array, memory_with_negative_strides_is_read,
          bad_descriptions_are_refused_and_released, region_outside_is_refused,
          auto_chunk_is_about_four_mebibytes,
          serial_array_is_read_by_one_thread_at_a_time,
          plugin_array_that_contradicts_itself_is_refused, references_keep_an_array)
