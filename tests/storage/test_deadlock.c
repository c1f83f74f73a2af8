/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to wait for oneself, or for each other: a serializer that runs one call at a time, holds a
 * lock group around its library, and whose arrays are read by one thread at a time. A test that
 * waits for ever is ended by Check. */
#include <functionfuse/plugin.h>
#include <pthread.h>
#include <stdlib.h>

#include "fixture.h"

enum { SIDE = 64, ELEMENTS = SIDE * SIDE, ROUNDS = 20 };

/* ---- the serializer, of this program ---- */

#define GROUP "libserial"

static const struct ff_host_services *given; /* one host at a time in these tests */
static int in_library;

/* What needs the lock group: it shows when two are in it. */
static int use_library(struct ff_error *e)
{
    const struct ff_lock_group *groups = given->query(given, FF_LOCK_GROUP_1);
    int code = groups->enter(given, GROUP, e);
    if (!code) {
        ck_assert_int_eq(in_library++, 0);
        in_library--;
        groups->leave(given, GROUP);
    }
    return code;
}

static int source(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                  const struct ff_call *call, struct ff_error *e)
{
    (void)call, (void)e;
    memcpy(dst, (const char *)ctx + offset, size_bytes);
    return FF_OK;
}

static int serial_pickle(void *inst, struct ff_value v, const struct ff_protocols *p,
                         struct ff_pid *pid, const struct ff_call *call,
                         struct ff_error *e)
{
    const struct ff_values *values = given->query(given, FF_VALUES_1);
    const struct ff_array *a = values->array(v, e);
    static const int64_t start[2] = {0, 0}, count[2] = {SIDE, SIDE},
                         strides[2] = {SIDE * (int64_t)sizeof(float), sizeof(float)};
    const struct ff_region all = {start, count, NULL};
    float *all_of_it = malloc(ELEMENTS * sizeof(float));
    int code;
    (void)inst;
    code =
        a && all_of_it ? a->read(a, &all, all_of_it, strides, call, e) : FF_E_NO_MEMORY;
    code = code ? code : use_library(e);
    code = code ? code
                : ff_put_bytes(p->find(p, NULL, FF_OBJECTS_1), pid->name,
                               ELEMENTS * sizeof(float), source, all_of_it, call, e);
    free(all_of_it);
    return code;
}

static int serial_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                       const int64_t *strides, const struct ff_call *call,
                       struct ff_error *e)
{
    int code = use_library(e);
    for (int64_t i = 0; i < r->count[0] && !code; i++) {
        for (int64_t j = 0; j < r->count[1] && !code; j++) {
            int64_t at = (r->start[0] + i * (r->step ? r->step[0] : 1)) * SIDE +
                         r->start[1] + j * (r->step ? r->step[1] : 1);
            code = ff_object_read(a->ctx, (uint64_t)at * sizeof(float),
                                  (char *)dst + i * strides[0] + j * strides[1],
                                  sizeof(float), call, e);
        }
    }
    return code;
}

static void serial_release(struct ff_array *a)
{
    free(a->ctx);
    free(a);
}

static int serial_unpickle(void *inst, const struct ff_pid *pid,
                           const struct ff_protocols *p, struct ff_doc *out,
                           struct ff_value *object, const struct ff_call *call,
                           struct ff_error *e)
{
    static const int64_t shape[2] = {SIDE, SIDE}, chunk[2] = {8, SIDE};
    const struct ff_values *values = given->query(given, FF_VALUES_1);
    struct ff_array *a = calloc(1, sizeof *a);
    struct ff_object *o = NULL;
    uint64_t size;
    int code =
        ff_object_open(p->find(p, NULL, FF_OBJECTS_1), pid->name, &o, &size, call, e);
    (void)inst;
    if (code || !a) {
        free(a);
        return code ? code : FF_E_NO_MEMORY;
    }
    *a = (struct ff_array){.struct_size = FF_SIZE(ff_array, release),
                           .flags = FF_ARRAY_SERIAL,
                           .ndim = 2,
                           .itemsize_bytes = sizeof(float),
                           .descr = "<f4",
                           .shape = shape,
                           .chunk = chunk,
                           .ctx = o,
                           .read = serial_read,
                           .release = serial_release};
    *object = values->new_array_take(out, a, e);
    return object->doc ? FF_OK : FF_E_NO_MEMORY;
}

static int serial_create(const struct ff_host_services *host, struct ff_value options,
                         void **inst, struct ff_error *e)
{
    (void)options, (void)inst, (void)e;
    given = host;
    return FF_OK;
}

static const struct ff_serializer *describe(void)
{
    static const char *const classes[] = {"dask.array.core.Array", NULL};
    static const struct ff_serializer serial = {
        .struct_size = FF_SIZE(ff_serializer, query),
        .abi = FF_ABI,
        .serializer_class = classes,
        .name = "serial",
        .version = "1",
        .lock_group = GROUP,
        .threads = FF_THREADS_ONE,
        .create = serial_create,
        .pickle = serial_pickle,
        .unpickle = serial_unpickle,
    };
    return &serial;
}

/* ---- stores ---- */

struct stores {
    struct fixture f; /* its storage is the first */
    struct ff_storage *by_serial, *by_hdf;
};

static struct ff_storage *open_by(struct fixture *f, const char *serializer)
{
    struct ff_error e = FF_ERROR_INIT;
    char json[256];
    struct ff_storage *s;
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"memory\", \"options\": {\"name\": \"%s of %s\"}}",
                   serializer, f->folder);
    s = ff_storage_factory(f->host, json, &e);
    (void)ff_new_workflow(s, "run", &e);
    (void)ff_register_persistent_serializers(s, &serializer, 1, &e);
    ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
    return s;
}

static void stores_open(struct stores *s)
{
    fixture_open(&s->f, ON_MEMORY,
                 "{\"plugins\": {\"enable\": [\"memory\"]}, \"threads\": 4, "
                 "\"memory\": \"1 MiB\"}");
    CHECK_OK(ff_register_static(s->f.host, describe, NULL, ee));
    s->by_serial = open_by(&s->f, "serial");
    s->by_hdf = open_by(&s->f, "HDFSerializer");
}

static void stores_close(struct stores *s)
{
    ff_storage_close(s->by_serial);
    ff_storage_close(s->by_hdf);
    fixture_close(&s->f);
}

static int fill(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                const struct ff_call *call, struct ff_error *e)
{
    const struct ff_region r = {start, count, NULL};
    float *out = dst;
    if (ctx) { /* another array's elements, on this thread of the pool */
        return ff_array_read(ctx, &r, dst, NULL, call, e);
    }
    for (int64_t i = start[0]; i < start[0] + count[0]; i++) {
        for (int64_t j = start[1]; j < start[1] + count[1]; j++) {
            *out++ = (float)(i * SIDE + j);
        }
    }
    return FF_OK;
}

/* from NULL: elements that are counted; else those of that array. */
static void save_new(struct ff_storage *s, const char *task, const struct ff_array *from)
{
    static const int64_t shape[2] = {SIDE, SIDE}, chunk[2] = {8, 16};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunk = chunk,
                                .fill = fill,
                                .ctx = (void *)(uintptr_t)from};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(d, ff_array_new(&p, &e), &e);
    (void)ff_save(s, "run", task, v, NULL, &e);
    ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
    ff_doc_free(d);
}

static void check_elements(struct ff_storage *s, const char *task)
{
    static _Thread_local float out[ELEMENTS];
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(s, "run", task, NULL, &e);
    (void)ff_array_read(ff_array(ff_doc_root(d), &e), NULL, out, NULL, NULL, &e);
    ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
    for (int i = 0; i < ELEMENTS; i++) {
        ck_assert(out[i] == (float)i);
    }
    ff_doc_free(d);
}

/* A lazy array of one store becomes a task of another. */
static void carry(struct ff_storage *from, const char *task, struct ff_storage *to,
                  const char *as)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(from, "run", task, NULL, &e);
    (void)ff_save(to, "run", as, ff_doc_root(d), NULL, &e);
    ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
    ff_doc_free(d);
}

/* ---- the tests ---- */

/* pickle() of the one call at a time reads what unpickle() of the same serializer gave. */
START_TEST(serial_serializer_saves_its_own_lazy_array_again)
{
    struct stores s;
    struct ff_storage *other;
    stores_open(&s);
    other = fixture_again(&s.f);
    CHECK_OK(ff_register_persistent_serializers(other, (const char *const[]){"serial"}, 1,
                                                ee));
    save_new(s.by_serial, "a", NULL);
    carry(s.by_serial, "a", s.by_serial, "b"); /* a copy on the medium */
    carry(s.by_serial, "a", other, "c");       /* read and written anew */
    check_elements(s.by_serial, "b");
    check_elements(other, "c");
    ff_storage_close(other);
    stores_close(&s);
}
END_TEST

struct carrier {
    struct stores *s;
    int number; /* odd: to HDF5 */
};

static void *carry_often(void *ctx)
{
    const struct carrier *c = ctx;
    struct ff_storage *from = c->number % 2 ? c->s->by_serial : c->s->by_hdf;
    struct ff_storage *to = c->number % 2 ? c->s->by_hdf : c->s->by_serial;
    char task[16];
    (void)snprintf(task, sizeof task, "carried %d", c->number);
    for (int i = 0; i < ROUNDS; i++) {
        carry(from, "a", to, task);
        check_elements(to, task);
    }
    return NULL;
}

/* Each holds its own lock and reads what needs the other's, both at once. */
START_TEST(two_lock_groups_save_each_others_arrays)
{
    struct stores s;
    struct carrier c[4];
    pthread_t thread[4];
    stores_open(&s);
    save_new(s.by_serial, "a", NULL);
    save_new(s.by_hdf, "a", NULL);
    for (int i = 0; i < 4; i++) {
        c[i] = (struct carrier){&s, i};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, carry_often, &c[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    }
    stores_close(&s);
}
END_TEST

/* The callback runs on threads of the pool, and its read needs the pool, its budget and locks. */
static void pull_from(struct ff_storage *from, struct ff_storage *to)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(from, "run", "a", NULL, &e);
    const struct ff_array *a = ff_array(ff_doc_root(d), &e);
    ck_assert_msg(a != NULL, "%s: %s", e.place, e.message);
    for (int i = 0; i < ROUNDS; i++) {
        save_new(to, "pulled", a);
        check_elements(to, "pulled");
    }
    ff_doc_free(d);
}

START_TEST(source_that_is_pulled_by_pool_threads_reads_stored_arrays)
{
    struct stores s;
    stores_open(&s);
    save_new(s.by_serial, "a", NULL);
    save_new(s.by_hdf, "a", NULL);
    pull_from(s.by_serial, s.by_hdf);
    pull_from(s.by_hdf, s.by_hdf);
    pull_from(s.by_hdf, s.by_serial);
    pull_from(s.by_serial, s.by_serial);
    stores_close(&s);
}
END_TEST

RUN_TESTS("deadlock", serial_serializer_saves_its_own_lazy_array_again,
          two_lock_groups_save_each_others_arrays,
          source_that_is_pulled_by_pool_threads_reads_stored_arrays)
