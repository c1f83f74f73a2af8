/* SPDX-License-Identifier: Apache-2.0 */
/* values.c: values that can be told apart to the last element. */
#include "torture.h"

#define A_ROWS  48
#define A_COLS  64
#define A_CHUNK 32 /* of rows: 8 KiB a chunk, two blocks of a file system */
#define B_COUNT 300
#define B_CHUNK 200

static float a_element(int arrays, int64_t i)
{
    return (float)(arrays * 100000 + (int)i);
}

static int64_t b_element(int arrays, int64_t i)
{
    return (int64_t)arrays * 1000003 - i;
}

/* ---- building ---- */

static int fill_a(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                  const struct ff_call *call, struct ff_error *e)
{
    int arrays = (int)(intptr_t)ctx;
    float *out = dst;

    (void)call;
    (void)e;
    for (int64_t r = 0; r < count[0]; r++) {
        for (int64_t c = 0; c < count[1]; c++) {
            *out++ = a_element(arrays, (start[0] + r) * A_COLS + start[1] + c);
        }
    }
    return FF_OK;
}

static int fill_b(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                  const struct ff_call *call, struct ff_error *e)
{
    int64_t *out = dst;

    (void)call;
    (void)e;
    for (int64_t i = 0; i < count[0]; i++) {
        out[i] = b_element((int)(intptr_t)ctx, start[0] + i);
    }
    return FF_OK;
}

static const int64_t a_shape[] = {A_ROWS, A_COLS}, a_chunk[] = {A_CHUNK, A_COLS};
static const int64_t b_shape[] = {B_COUNT}, b_chunk[] = {B_CHUNK};

static struct ff_array *array_a(int arrays, bool elements, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = a_shape,
                                .chunk = a_chunk,
                                .fill = elements ? fill_a : NULL,
                                .ctx = (void *)(intptr_t)arrays};

    return ff_array_new(&p, e);
}

static struct ff_array *array_b(int arrays, bool elements, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 1,
                                .descr = "<i8",
                                .shape = b_shape,
                                .chunk = b_chunk,
                                .fill = elements ? fill_b : NULL,
                                .ctx = (void *)(intptr_t)arrays};

    return ff_array_new(&p, e);
}

static void text_of(int v, char text[64])
{
    (void)snprintf(text, 64, "value %d, plain %d", v, v / 100);
}

/* The value with these two in it; absent ones are left out. */
static void build(struct ff_doc *doc, int v, struct ff_value a, struct ff_value b,
                  struct ff_error *e)
{
    struct ff_value root = ff_new_dict(doc, e), list = ff_new_list(doc, e);
    char text[64];

    text_of(v, text);
    (void)ff_set(doc, root, "n", ff_new_int(doc, v, e), e);
    (void)ff_set(doc, root, "text", ff_new_str(doc, text, SIZE_MAX, e), e);
    for (int i = 0; i < 40; i++) {
        (void)ff_append(doc, list, ff_new_int(doc, (int64_t)v * i, e), e);
    }
    (void)ff_set(doc, root, "list", list, e);
    if (a.doc) {
        (void)ff_set(doc, root, "a", a, e);
        (void)ff_set(doc, root, "b", b, e);
    }
    (void)ff_doc_set_root(doc, root, e);
}

static struct ff_doc *done(struct ff_doc *doc, const struct ff_error *e)
{
    if (e->code) {
        ff_doc_free(doc);
        doc = NULL;
    }
    return doc;
}

struct ff_doc *value_new(int v, struct ff_error *e)
{
    struct ff_doc *doc = ff_doc_new(e);
    struct ff_value a = {NULL, 0}, b = {NULL, 0};

    if (VALUE_ARRAYS(v)) {
        a = ff_new_array_take(doc, array_a(v % 100, true, e), e);
        b = ff_new_array_take(doc, array_b(v % 100, true, e), e);
    }
    build(doc, v, a, b, e);
    return done(doc, e);
}

struct ff_doc *value_edit(struct ff_doc *read, int v, struct ff_error *e)
{
    struct ff_doc *doc = ff_doc_new(e);
    struct ff_value a = ff_get(ff_doc_root(read), "a"),
                    b = ff_get(ff_doc_root(read), "b");

    build(doc, v, ff_import(doc, a, e), ff_import(doc, b, e), e);
    return done(doc, e);
}

int value_push(struct ff_storage *storage, const char *workflow, const char *task, int v,
               struct ff_error *e)
{
    struct ff_array *like = array_a(v % 100, false, e), *all = array_b(v % 100, true, e);
    struct ff_saving *saving = ff_saving_begin(storage, workflow, task, NULL, e);
    struct ff_writer *w = ff_writer_open(saving, like, e);
    struct ff_doc *doc = ff_doc_new(e);
    struct ff_value a;
    int rc;

    for (int64_t row = 0; row < A_ROWS && w; row += 24) {
        const int64_t start[] = {row, 0}, count[] = {24, A_COLS};
        float part[24 * A_COLS];

        (void)fill_a((void *)(intptr_t)(v % 100), start, count, part, NULL, NULL);
        (void)ff_writer_push(w, start, count, part, NULL, e);
    }
    a = ff_writer_finish(w, doc, e);
    build(doc, v, a, ff_new_array_take(doc, all, e), e);
    rc = ff_saving_commit(saving, ff_doc_root(doc), e);
    ff_doc_free(doc);
    ff_array_free(like);
    return rc;
}

/* ---- reading ---- */

int value_number(struct ff_value root)
{
    int64_t n = NO_VALUE;

    return ff_int64(ff_get(root, "n"), &n, NULL) == FF_OK && n >= 0 && n < 100000
               ? (int)n
               : NO_VALUE;
}

static int wrong(struct ff_error *e, const char *what, int64_t i)
{
    return ff_fail(e, WRONG, what, "element %lld is wrong", (long long)i);
}

static int read_a(struct ff_value value, int arrays, struct ff_error *e)
{
    static const int64_t start[] = {5, 3}, count[] = {20, 30}, step[] = {2, 2};
    const struct ff_region part = {start, count, step};
    const struct ff_array *array = ff_array(value, e);
    float all[A_ROWS * A_COLS];
    int rc = array ? ff_array_read(array, NULL, all, NULL, NULL, e) : e->code;

    for (int64_t i = 0; rc == FF_OK && i < A_ROWS * A_COLS; i++) {
        rc = all[i] == a_element(arrays, i) ? FF_OK : wrong(e, "a", i);
    }
    rc = rc ? rc : ff_array_read(array, &part, all, NULL, NULL, e);
    for (int64_t i = 0; rc == FF_OK && i < count[0] * count[1]; i++) {
        int64_t at = (start[0] + i / count[1] * 2) * A_COLS + start[1] + i % count[1] * 2;

        rc = all[i] == a_element(arrays, at) ? FF_OK : wrong(e, "part of a", i);
    }
    return rc;
}

static int read_b(struct ff_value value, int arrays, struct ff_error *e)
{
    const struct ff_array *array = ff_array(value, e);
    int64_t all[B_COUNT];
    int rc = array ? ff_array_read(array, NULL, all, NULL, NULL, e) : e->code;

    for (int64_t i = 0; rc == FF_OK && i < B_COUNT; i++) {
        rc = all[i] == b_element(arrays, i) ? FF_OK : wrong(e, "b", i);
    }
    return rc;
}

int value_read(struct ff_value root, int v, struct ff_error *e)
{
    int rc = FF_OK;

    if (VALUE_ARRAYS(v)) {
        rc = read_a(ff_get(root, "a"), v % 100, e);
        rc = rc ? rc : read_b(ff_get(root, "b"), v % 100, e);
    }
    return rc;
}

bool value_is(struct ff_value root, int v, char *why)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_value list = ff_get(root, "list");
    const char *got = "";
    size_t size = 0;
    char text[64];

    text_of(v, text);
    if (value_number(root) != v || ff_length(root) != (size_t)(VALUE_ARRAYS(v) ? 5 : 3) ||
        ff_str(ff_get(root, "text"), &got, &size, &e) || size != strlen(text) ||
        memcmp(got, text, size) != 0 || ff_length(list) != 40) {
        return say(why, "plain parts are not those of value %d", v);
    }
    for (size_t i = 0; i < 40; i++) {
        struct ff_value item;
        int64_t n = -1;

        if (ff_item(list, i, NULL, &item, &e) || ff_int64(item, &n, &e) ||
            n != (int64_t)v * (int64_t)i) {
            return say(why, "list[%zu] is not that of value %d", i, v);
        }
    }
    return value_read(root, v, &e) == FF_OK ||
           say(why, "arrays of value %d: %d %s: %s", v, e.code, e.place, e.message);
}
