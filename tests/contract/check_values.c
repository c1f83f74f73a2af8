/* SPDX-License-Identifier: Apache-2.0 */
/* check_values.c: values to store: arrays of each dtype and odd shape where the class is one of
 * arrays, what the author gave, else an object of the class. */
#include "check.h"

#include <functionfuse/diff.h>
#include <functionfuse/pickle.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHAPES = 8 };

static const struct {
    const char *descr;
    uint32_t item_bytes;
} dtypes[] = {
    {"<f8", 8},     {"<f4", 4},    {"<f2", 2},
    {"|b1", 1},     {"|u1", 1},    {"<i2", 2},
    {">i4", 4},     {"<u8", 8},    {"<c16", 16},
    {">f8", 8},     {"|S5", 5},    {"<U3", 12},
    {"<M8[ns]", 8}, {"<m8[s]", 8}, {"[('a', '<i4'), ('b', '<f8')]", 12},
};
enum { DTYPES = sizeof dtypes / sizeof *dtypes };

static const struct {
    int32_t ndim;
    int64_t shape[4], chunk[4];
} shapes[SHAPES] = {
    {0, {0}, {0}},           {1, {0}, {1}},
    {1, {1}, {1}},           {1, {1000}, {300}},
    {2, {40, 50}, {16, 50}}, {3, {3, 0, 2}, {1, 1, 2}},
    {2, {1, 77}, {1, 77}},   {4, {5, 4, 3, 2}, {2, 3, 2, 2}},
};

static uint64_t random_state;

void check_seed(uint64_t stream)
{
    const char *seed = getenv("FF_SEED");

    random_state = (seed ? strtoull(seed, NULL, 10) : 0) * 1000003 + stream;
}

uint64_t check_random(void)
{
    uint64_t z = random_state +=
        0x9e3779b97f4a7c15u; /* splitmix64, of Sebastiano Vigna */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static const char *class_name(void)
{
    return check.facts.first_class[check.serializer];
}

static bool is_chunked(void)
{
    return strcmp(class_name(), "dask.array.core.Array") == 0;
}

static bool is_array(void)
{
    return is_chunked() || strcmp(class_name(), "numpy.ndarray") == 0;
}

int values_count(void)
{
    return check.value_count + (is_array() ? DTYPES + SHAPES - 1 : 1);
}

/* ---- arrays ---- */

/* Any bits where any are an element: NaN with a payload, -0.0 and infinity are among them. */
static void fill(uint8_t *data, size_t size, const char *descr)
{
    static const double odd[] = {-0.0, 1e308 * 10, 5e-324};

    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)check_random();
        if (strcmp(descr, "|b1") == 0) {
            data[i] &= 1;
        } else if (descr[1] == 'S') {
            data[i] = (uint8_t)('a' + data[i] % 26);
        } else if (descr[1] == 'U') {
            data[i] = i % 4 == 0 ? (uint8_t)('a' + data[i] % 26) : 0;
        }
    }
    if (strcmp(descr, "<f8") == 0 && size >= sizeof odd) {
        memcpy(data, odd, sizeof odd);
    }
}

static struct ff_value make_array(struct ff_doc *doc, int dtype, int shape, char *text,
                                  size_t text_bytes, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = shapes[shape].ndim,
                                .descr = dtypes[dtype].descr,
                                .shape = shapes[shape].shape,
                                .release = free};
    size_t size = dtypes[dtype].item_bytes;
    uint8_t *data;

    for (int i = 0; i < p.ndim; i++) {
        size *= (size_t)p.shape[i];
    }
    data = malloc(size + 1);
    CASE_ASSERT(data != NULL);
    fill(data, size, p.descr);
    p.data = p.ctx = data;
    p.chunking = is_chunked() ? 0 : FF_CHUNK_NONE;
    p.chunk = is_chunked() ? shapes[shape].chunk : NULL;
    (void)snprintf(text, text_bytes, "an array of %s with %d axes, %zu bytes", p.descr,
                   (int)p.ndim, size);
    return ff_new_array_take(doc, ff_array_new(&p, e), e);
}

/* ---- what the author gave ---- */

static const char *suffix_of(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot : "";
}

static struct ff_value from_json(struct ff_doc *doc, const char *path, struct ff_error *e)
{
    static char text[1 << 20];
    FILE *in = fopen(path, "rb");
    size_t n = in ? fread(text, 1, sizeof text, in) : 0;

    CASE_MSG(in, "%s: cannot be read", path);
    (void)fclose(in);
    return ff_from_json(doc, text, n, NULL, e);
}

static struct ff_value from_file(struct ff_doc *doc, const char *path, struct ff_error *e)
{
    if (strcmp(suffix_of(path), ".npy") == 0) {
        return ff_new_array_take(
            doc,
            ff_npy_open(path, is_chunked() ? FF_CHUNK_AUTO : FF_CHUNK_NONE, NULL, 0, e),
            e);
    }
    if (strcmp(suffix_of(path), ".json") == 0) {
        return from_json(doc, path, e);
    }
    /* the document stays until the case ends: what is imported may share of it */
    return ff_import(doc, ff_doc_root(ff_pickle_open(path, NULL, NULL, e)), e);
}

static struct ff_value make_object(struct ff_doc *doc, struct ff_error *e)
{
    const char *name = class_name(), *dot = strrchr(name, '.');
    char module[256];

    (void)snprintf(module, sizeof module, "%.*s", dot ? (int)(dot - name) : 8,
                   dot ? name : "builtins");
    return ff_new_object(doc, ff_new_global(doc, module, dot ? dot + 1 : name, e),
                         ff_new_tuple(doc, NULL, 0, e), (struct ff_value){NULL, 0}, e);
}

struct ff_value values_make(struct ff_doc *doc, int i, char *text, size_t size)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the random numbers */
    struct ff_error e = FF_ERROR_INIT;
    struct ff_value v;
    int k = i - check.value_count;

    (void)pthread_mutex_lock(&lock);
    check_seed((uint64_t)i); /* the same each time */
    if (k < 0) {
        (void)snprintf(text, size, "%s", check.values[i]);
        v = from_file(doc, check.values[i], &e);
    } else if (!is_array()) {
        (void)snprintf(text, size, "an object of %s without anything", class_name());
        v = make_object(doc, &e);
    } else {
        int shape = k < SHAPES ? k : 4, dtype = k < SHAPES ? 0 : k - SHAPES + 1;

        v = make_array(doc, dtype, shape, text, size, &e);
    }
    (void)pthread_mutex_unlock(&lock);
    CASE_MSG(!e.code, "%s: %s%s%s (%d)", text, SAYS(e.code, e));
    return v;
}

/* ---- comparing ---- */

static size_t array_bytes(const struct ff_array *a)
{
    size_t size = (size_t)a->itemsize_bytes;

    for (int i = 0; i < a->ndim; i++) {
        size *= (size_t)a->shape[i];
    }
    return size;
}

static const char *arrays_differ(const struct ff_array *a, const struct ff_array *b,
                                 struct ff_error *e)
{
    size_t size = array_bytes(a);
    const char *found = NULL;
    void *x, *y;

    if (a->ndim != b->ndim ||
        memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) != 0) {
        return "the shape";
    }
    if (strcmp(a->descr, b->descr) != 0) {
        return "the dtype";
    }
    x = malloc(size + 1);
    y = malloc(size + 1);
    CASE_ASSERT(x && y);
    memset(x, 0, size + 1);
    memset(y, 0xFF, size + 1);
    (void)ff_array_read(a, NULL, x, NULL, NULL, NULL);
    front_arm();
    (void)ff_array_read(b, NULL, y, NULL, NULL, e);
    front_disarm();
    if (!(e && e->code) && memcmp(x, y, size) != 0) {
        found = "the elements, bit by bit";
    }
    free(x);
    free(y);
    return found;
}

static int note_difference(void *ctx, const struct ff_difference *d)
{
    (void)snprintf(ctx, 200, "\"%.150s\"", d->path);
    return 1;
}

const char *values_differ(struct ff_value a, struct ff_value b, struct ff_error *e)
{
    static _Thread_local char where[200];
    struct ff_value opened = ff_resolve(b, NULL, e);
    const struct ff_array *left = ff_array(a, NULL), *right;

    if (e && e->code) {
        return NULL;
    }
    if (left) {
        right = ff_array(opened, e);
        return right ? arrays_differ(left, right, e) : "it is no array";
    }
    where[0] = '\0';
    (void)ff_diff(a, opened, NULL, note_difference, where, NULL, e);
    return where[0] ? where : NULL;
}

int values_save(int i, const char *task, const struct ff_call *call, struct ff_error *e)
{
    struct ff_save_options options = {.struct_size = FF_SIZE(ff_save_options, call),
                                      .protocol = FF_PROTOCOL_DEFAULT,
                                      .call = call};
    struct ff_doc *doc = ff_doc_new(NULL);
    char text[200];
    int code = ff_save(store.storage, "wf", task, values_make(doc, i, text, sizeof text),
                       &options, e);

    ff_doc_free(doc);
    return code;
}

int values_read_back(int i, const char *task, const struct ff_call *call,
                     const char **differ, struct ff_error *e)
{
    struct ff_read_options options = {.struct_size = FF_SIZE(ff_read_options, call),
                                      .call = call};
    struct ff_doc *read = ff_read_task(store.storage, "wf", task, &options, e);
    struct ff_doc *doc = ff_doc_new(NULL);
    char text[200];

    *differ = values_differ(values_make(doc, i, text, sizeof text), ff_doc_root(read), e);
    ff_doc_free(doc);
    ff_doc_free(read);
    return e->code;
}
