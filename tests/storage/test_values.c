/* SPDX-License-Identifier: Apache-2.0 */
/* Values of unusual shape through a whole store: very deep, cyclic, without dimension,
 * without elements, larger than memory. */
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#include "hostile.h"

enum { DEPTH = 100000 };

static void save_root(struct fixture *f, const char *task, struct ff_doc *d,
                      struct ff_value v)
{
    struct ff_error e = FF_ERROR_INIT;
    (void)ff_save(f->storage, "run", task, v, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s: %s", where_names[f->where], e.place,
                  e.message);
    ff_doc_free(d);
}

static struct ff_doc *read_back(struct fixture *f, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", task, NULL, &e);
    ck_assert_msg(d != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
    return d;
}

struct text {
    size_t size_bytes;
    char first[4096];
};

static int keep_text(void *ctx, const char *data, size_t size_bytes)
{
    struct text *t = ctx;
    if (t->size_bytes + size_bytes < sizeof t->first) {
        memcpy(t->first + t->size_bytes, data, size_bytes);
        t->first[t->size_bytes + size_bytes] = '\0';
    }
    t->size_bytes += size_bytes;
    return 0;
}

/* ---- deep ---- */

enum nest { IN_LISTS, IN_DICTS, IN_TUPLES, NESTS };

static struct ff_value wrap(struct ff_doc *d, struct ff_value v, int how,
                            struct ff_error *e)
{
    struct ff_value out;
    if (how == IN_TUPLES) {
        return ff_new_tuple(d, &v, 1, e);
    }
    out = how == IN_LISTS ? ff_new_list(d, e) : ff_new_dict(d, e);
    (void)(how == IN_LISTS ? ff_append(d, out, v, e) : ff_set(d, out, "k", v, e));
    return out;
}

static struct ff_value inside(struct ff_value v)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_value child;
    ck_assert_msg(ff_item(v, 0, NULL, &child, &e) == FF_OK, "%s", e.message);
    return child;
}

/* What looks for every object of a serializer. */
static void pinned(struct fixture *f)
{
    struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, call),
                                .flags = FF_READ_PIN};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", "deep", &o, &e);
    ck_assert_msg(d != NULL, "%s: %s", e.place, e.message);
    ff_doc_free(d);
    d = ff_task_info(f->storage, "run", "deep", &e);
    ck_assert_msg(d != NULL, "%s: %s", e.place, e.message);
    ck_assert_uint_eq(ff_length(ff_get(ff_doc_root(d), "persistent")), 1);
    ff_doc_free(d);
}

/* An array stands at the very end: a serializer is called there. */
static void deep(struct fixture *f)
{
    for (int how = 0; how < NESTS; how++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *sampled = sample(4), *d = ff_doc_new(&e), *r;
        struct ff_value v = ff_import(d, ff_get(ff_doc_root(sampled), "field"), &e), w;
        struct text shown = {0}, json = {0};
        for (int i = 0; i < DEPTH; i++) {
            v = wrap(d, v, how, &e);
        }
        ck_assert_msg(e.code == FF_OK, "%s", e.message);
        ff_doc_free(sampled);
        save_root(f, "deep", d, v);
        r = read_back(f, "deep");
        w = ff_doc_root(r);
        for (int i = 0; i < DEPTH; i++) {
            w = inside(w);
        }
        expect_elements(ff_array(w, &e), 4);
        CHECK_OK(ff_show(ff_doc_root(r), 0, 0, keep_text, &shown, ee));
        ck_assert_uint_le(shown.size_bytes, 64 << 10);
        CHECK_OK(ff_to_json(ff_doc_root(r), keep_text, &json, ee));
        ck_assert_uint_gt(json.size_bytes, 2 * DEPTH);
        ck_assert_int_eq(ff_equal(ff_doc_root(r), ff_doc_root(r), 0, &e), 1);
        CHECK_OK(ff_verify(f->storage, "run", "deep", 1, NULL, NULL, ee));
        CHECK_OK(ff_save(f->storage, "run", "deep", ff_doc_root(r), NULL, ee));
        ff_doc_free(r);
        pinned(f);
        CHECK_OK(ff_remove_task(f->storage, "run", "deep", ee));
        ck_assert_int_eq(count_orphans(f, 0), 0);
    }
}

START_TEST(value_nested_100000_deep_is_saved_read_and_freed)
{
    struct fixture f;
    for (int where = ON_FILE; where <= ON_MEMORY; where++) {
        fixture_open(&f, (enum where)where, NULL);
        deep(&f);
        fixture_close(&f);
    }
}
END_TEST

/* What cannot be opened 100,000 deep is told as quickly. */
START_TEST(failure_far_down_a_deep_value_is_told)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *sampled = sample(4), *d = ff_doc_new(&e), *r;
    struct ff_value v = ff_import(d, ff_get(ff_doc_root(sampled), "field"), &e);
    struct fixture f;
    fixture_open(&f, ON_FILE, NULL);
    for (int i = 0; i < DEPTH; i++) {
        v = wrap(d, v, IN_LISTS, &e);
    }
    ff_doc_free(sampled);
    save_root(&f, "deep", d, v);
    r = read_back(&f, "deep");
    v = ff_doc_root(r);
    CHECK_OK(ff_remove_task(f.storage, "run", "deep", ee));
    for (int i = 0; i < DEPTH; i++) {
        v = inside(v);
    }
    ck_assert_ptr_null(ff_array(v, &e));
    expect_said("deep", &e, &(struct said){FF_E_STALE, "run/deep", "No such", 1});
    ff_doc_free(r);
    fixture_close(&f);
}
END_TEST

/* ---- cycles ---- */

static void cyclic(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e), *r;
    struct ff_value list = ff_new_list(d, &e), dict = ff_new_dict(d, &e), w;
    struct text shown = {0}, json = {0};
    (void)ff_append(d, list, list, &e);
    (void)ff_append(d, list, dict, &e);
    (void)ff_set(d, dict, "me", dict, &e);
    (void)ff_set(d, dict, "list", list, &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    save_root(f, "cycle", d, list);
    r = read_back(f, "cycle");
    w = ff_doc_root(r);
    ck_assert_uint_eq(ff_length(w), 2);
    ck_assert_int_eq(ff_same(inside(w), w), 1);
    ck_assert_int_eq(ff_item(w, 1, NULL, &dict, &e), FF_OK);
    ck_assert_int_eq(ff_same(ff_get(dict, "me"), dict), 1);
    ck_assert_int_eq(ff_same(ff_get(dict, "list"), w), 1);
    CHECK_OK(ff_show(w, 0, 0, keep_text, &shown, ee));
    ck_assert_ptr_nonnull(strstr(shown.first, "<ref #"));
    CHECK_OK(ff_to_json(w, keep_text, &json, ee));
    d = ff_doc_new(&e);
    list = ff_from_json(d, json.first, json.size_bytes, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", json.first, e.message);
    ck_assert_int_eq(ff_same(inside(list), list), 1);
    ck_assert_int_eq(ff_equal(list, w, 0, &e), 1);
    ff_doc_free(d);
    CHECK_OK(ff_save(f->storage, "run", "again", w, NULL, ee));
    ff_doc_free(ff_task_info(f->storage, "run", "again", &e));
    ck_assert_int_eq(e.code, FF_OK);
    ff_doc_free(r);
}

START_TEST(value_that_holds_itself_is_saved_read_shown_and_written_as_json)
{
    on_each(cyclic);
}
END_TEST

/* ---- arrays of unusual shapes ---- */

struct shape {
    int32_t ndim;
    uint32_t chunking;
    int64_t shape[4];
};

static struct ff_array *array_of(const struct shape *s)
{
    static const float data[24] = {0.5f, 1, 2, 3};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = s->chunking,
                                .ndim = s->ndim,
                                .descr = "<f4",
                                .shape = s->shape,
                                .data = data};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *a = ff_array_new(&p, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    return a;
}

static void odd_shapes(struct fixture *f)
{
    static const struct shape rows[] = {
        {0, 0, {0}},
        {0, FF_CHUNK_AUTO, {0}},
        {0, FF_CHUNK_NONE, {0}},
        {1, FF_CHUNK_AUTO, {0}},
        {1, FF_CHUNK_NONE, {0}},
        {2, FF_CHUNK_AUTO, {0, 5}},
        {2, FF_CHUNK_NONE, {0, 5}},
        {2, FF_CHUNK_AUTO, {5, 0}},
        {3, FF_CHUNK_AUTO, {2, 0, 3}},
        {3, FF_CHUNK_NONE, {2, 0, 3}},
        {4, FF_CHUNK_AUTO, {1, 1, 1, 1}},
        {2, FF_CHUNK_AUTO, {0, INT64_C(1) << 40}},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *d = ff_doc_new(&e), *r;
        const struct ff_array *a;
        float out[4] = {-1, -1, -1, -1};
        save_root(f, "odd", d, ff_new_array_take(d, array_of(&rows[i]), &e));
        r = read_back(f, "odd");
        a = ff_array(ff_doc_root(r), &e);
        ck_assert_msg(a && a->ndim == rows[i].ndim, "%s, row %zu: %s: %s",
                      where_names[f->where], i, e.place, e.message);
        ck_assert_int_eq(memcmp(a->shape, rows[i].shape, (size_t)a->ndim * 8), 0);
        ck_assert_msg(ff_array_read(a, NULL, out, NULL, NULL, &e) == FF_OK, "row %zu: %s",
                      i, e.message);
        /* one element, or none */
        ck_assert_msg(out[0] == (a->ndim == 0 || a->ndim == 4 ? 0.5f : -1.0f),
                      "row %zu: %g", i, (double)out[0]);
        ck_assert_msg(out[1] == -1.0f, "row %zu", i);
        ff_doc_free(r);
        CHECK_OK(ff_verify(f->storage, NULL, NULL, 1, NULL, NULL, ee));
    }
    CHECK_OK(ff_remove_task(f->storage, "run", "odd", ee));
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(arrays_without_dimensions_or_elements_are_kept)
{
    on_each(odd_shapes);
}
END_TEST

/* ---- larger than memory ---- */

#define WIDE  INT64_C(4096)
#define ROWS  (INT64_C(65536))
#define BYTES (ROWS * WIDE * 4)

static int fill_rows(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                     const struct ff_call *call, struct ff_error *e)
{
    uint32_t *out = dst;
    (void)ctx, (void)call, (void)e;
    for (int64_t i = start[0]; i < start[0] + count[0]; i++) {
        for (int64_t j = start[1]; j < start[1] + count[1]; j++) {
            *out++ = (uint32_t)(i * WIDE + j);
        }
    }
    return FF_OK;
}

static struct ff_doc *huge(void)
{
    static const int64_t shape[2] = {ROWS, WIDE};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_AUTO,
                                .ndim = 2,
                                .descr = "<u4",
                                .shape = shape,
                                .fill = fill_rows};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    (void)ff_doc_set_root(d, ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
    return d;
}

/* Sanitizers keep what was freed, and shadows of all: no bound holds for them. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define PEAK_MIB INT_MAX
#else
#define PEAK_MIB 200
#endif

static int peak_mib(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (int)(usage.ru_maxrss / 1024);
}

static int stream_huge(void *ctx)
{
    const struct fixture *f = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host =
        new_host("{\"memory\": \"8 MiB\", \"durability\": \"none\"}", &e);
    struct ff_storage *s = ff_storage_factory(host, f->json, &e);
    struct ff_doc *d = huge();
    int64_t step = ROWS / 64;
    uint32_t *out = malloc((size_t)(step * WIDE * 4));
    const struct ff_array *a;
    int before = peak_mib(), after;
    (void)ff_save(s, "run", "huge", ff_doc_root(d), NULL, &e);
    ff_doc_free(d);
    d = ff_read_task(s, "run", "huge", NULL, &e);
    a = ff_array(ff_doc_root(d), &e);
    for (int64_t i = 0; i < ROWS && !e.code; i += step) {
        int64_t start[2] = {i, 0}, count[2] = {step, WIDE};
        struct ff_region region = {start, count, NULL};
        (void)ff_array_read(a, &region, out, NULL, NULL, &e);
        for (int64_t k = 0; k < step * WIDE && !e.code; k += 1021) {
            if (out[k] != (uint32_t)(i * WIDE + k)) {
                (void)ff_fail(&e, FF_E_OTHER, NULL, "element %lld of row %lld",
                              (long long)k, (long long)i);
            }
        }
    }
    free(out);
    ff_doc_free(d);
    ff_storage_close(s);
    ff_host_close(host);
    after = peak_mib();
    if (e.code || after >= PEAK_MIB) {
        (void)fprintf(stderr, "%d MiB, then %d MiB; %s: %s\n", before, after, e.place,
                      e.message);
        return 1;
    }
    return 0;
}

START_TEST(array_larger_than_the_budget_streams_through_it)
{
    struct fixture f;
    fixture_open(&f, ON_FILE, NULL);
    ck_assert_int_eq(BYTES, INT64_C(1) << 30);
    ck_assert_int_eq(in_child(stream_huge, &f, 55), 0);
    fixture_close(&f);
}
END_TEST

/* ---- larger than all memory, at once ---- */

/* 2^60 bytes, by strides of 0: more than any memory or file. In a pickle it streams until the
 * medium is full; a chunk is held in memory, and is refused. Nothing is left. */
static int save_too_large(void *ctx)
{
    static const int64_t shape[2] = {INT64_C(1) << 30, INT64_C(1) << 28},
                         strides[2] = {0};
    static const float element = 1;
    static const struct {
        const char *name;
        const int64_t *chunk;
        uint32_t chunking;
        struct said said;
    } rows[] = {
        {"in the pickle", NULL, FF_CHUNK_NONE, {FF_E_NO_SPACE, "run/a", "too large", 1}},
        {"in one chunk", shape, 0, {FF_E_LIMIT, "run/a#field", "bytes", 1}}};
    const struct rlimit most = {4 << 20, 4 << 20}; /* or it would fill the disk */
    struct fixture *f = ctx;
    struct ff_error e = FF_ERROR_INIT;
    EXPECT(setrlimit(RLIMIT_FSIZE, &most) == 0,
           &e); /* a storage asks when it is opened */
    struct ff_host *host = new_host(NULL, &e);
    struct ff_storage *s = ff_storage_factory(host, f->json, &e);
    EXPECT(s, &e);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                    .chunking = rows[i].chunking,
                                    .chunk = rows[i].chunk,
                                    .ndim = 2,
                                    .descr = "<f4",
                                    .shape = shape,
                                    .strides = strides,
                                    .data = &element};
        struct ff_doc *d;
        struct ff_value v;
        e = (struct ff_error)FF_ERROR_INIT;
        d = ff_doc_new(&e);
        v = ff_new_dict(d, &e);
        (void)ff_set(d, v, "field", ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
        EXPECT(e.code == FF_OK, &e);
        (void)ff_save(s, "run", "a", v, NULL, &e);
        EXPECT(e.code == rows[i].said.code && strcmp(e.place, rows[i].said.place) == 0 &&
                   strstr(e.message, rows[i].said.cause) && e.fix[0],
               &e);
        ff_doc_free(d);
    }
    ff_storage_close(s);
    ff_host_close(host);
    return 0;
}

START_TEST(array_that_no_memory_can_hold_is_told_with_its_place)
{
    struct fixture f;
    fixture_open(&f, ON_FILE, NULL);
    ck_assert_int_eq(in_child(save_too_large, &f, 50), 0);
    ck_assert_int_eq(ff_file_exists(f.storage, "run", "a", NULL), 0);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("values", value_nested_100000_deep_is_saved_read_and_freed,
          failure_far_down_a_deep_value_is_told,
          value_that_holds_itself_is_saved_read_shown_and_written_as_json,
          arrays_without_dimensions_or_elements_are_kept,
          array_larger_than_the_budget_streams_through_it,
          array_that_no_memory_can_hold_is_told_with_its_place)
