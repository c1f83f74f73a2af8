/* SPDX-License-Identifier: Apache-2.0 */
/* stub_host.c: see stub_host.h. */
#include "stub_host.h"

#include <dlfcn.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

#include "case.h"
#include "core/base/alloc.h"

/* ---- values: a cell is the address of a json_t; keys of dicts have their own list ---- */

#define DOC ((const struct ff_doc *)(const void *)"jansson")

static struct ff_value wrap(json_t *json)
{
    return (struct ff_value){json ? DOC : NULL, (uint64_t)(uintptr_t)json};
}

static json_t *unwrap(struct ff_value v)
{
    return v.doc ? (json_t *)(uintptr_t)v.cell : NULL;
}

static int stub_kind(struct ff_value v)
{
    json_t *json = unwrap(v);

    if (!json) {
        return FF_ABSENT;
    }
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return FF_DICT;
    case JSON_ARRAY:
        return FF_LIST;
    case JSON_STRING:
        return FF_STR;
    case JSON_INTEGER:
        return FF_INT;
    case JSON_REAL:
        return FF_FLOAT;
    case JSON_TRUE:
    case JSON_FALSE:
        return FF_BOOL;
    default:
        return FF_NONE;
    }
}

static int stub_str(struct ff_value v, const char **text, size_t *size,
                    struct ff_error *e)
{
    json_t *json = unwrap(v);

    if (!json_is_string(json)) {
        return ff_fail(e, FF_E_TYPE, NULL, "not a string");
    }
    *text = json_string_value(json);
    *size = json_string_length(json);
    return FF_OK;
}

static int stub_int64(struct ff_value v, int64_t *out, struct ff_error *e)
{
    *out = json_integer_value(unwrap(v));
    return json_is_integer(unwrap(v)) ? FF_OK
                                      : ff_fail(e, FF_E_TYPE, NULL, "not an integer");
}

static int stub_boolean(struct ff_value v, int *out, struct ff_error *e)
{
    *out = json_is_true(unwrap(v));
    return json_is_boolean(unwrap(v)) ? FF_OK
                                      : ff_fail(e, FF_E_TYPE, NULL, "not a boolean");
}

static size_t stub_length(struct ff_value v)
{
    json_t *json = unwrap(v);

    return json_is_object(json) ? json_object_size(json) : json_array_size(json);
}

static struct ff_value stub_get(struct ff_value v, const char *key)
{
    return wrap(json_object_get(unwrap(v), key));
}

/* The values of keys: jansson has text only. */
static struct ff_value key_value(const char *key)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static json_t *keys; /* never freed before the end: one a spelling */
    json_t *found;

    pthread_mutex_lock(&lock);
    keys = keys ? keys : json_object();
    found = json_object_get(keys, key);
    if (!found) {
        found = json_string(key);
        (void)json_object_set_new(keys, key, found);
    }
    pthread_mutex_unlock(&lock);
    return wrap(found);
}

static int stub_item(struct ff_value v, size_t i, struct ff_value *key,
                     struct ff_value *value, struct ff_error *e)
{
    json_t *json = unwrap(v);
    void *iter;

    if (i >= stub_length(v)) {
        return ff_fail(e, FF_E_USAGE, NULL, "no item %zu", i);
    }
    if (!json_is_object(json)) {
        if (value) {
            *value = wrap(json_array_get(json, i));
        }
        return FF_OK;
    }
    iter = json_object_iter(json);
    while (i--) {
        iter = json_object_iter_next(json, iter);
    }
    if (key) {
        *key = key_value(json_object_iter_key(iter));
    }
    if (value) {
        *value = wrap(json_object_iter_value(iter));
    }
    return FF_OK;
}

static const struct ff_values values = {
    .struct_size = FF_SIZE(ff_values, set_item),
    .kind = stub_kind,
    .boolean = stub_boolean,
    .int64 = stub_int64,
    .str = stub_str,
    .length = stub_length,
    .item = stub_item,
    .get = stub_get,
};

/* ---- the pool: two threads ---- */

struct work {
    int (*fn)(void *, uint64_t, struct ff_error *);
    void *ctx;
    uint64_t count;
    atomic_ullong at;
    pthread_mutex_t lock;
    int code;
    struct ff_error error;
};

static void *work_on(void *arg)
{
    struct work *w = arg;
    uint64_t i;

    while ((i = atomic_fetch_add(&w->at, 1)) < w->count) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = w->fn(w->ctx, i, &e);

        if (rc) {
            pthread_mutex_lock(&w->lock);
            w->error = w->code ? w->error : e;
            w->code = w->code ? w->code : rc;
            pthread_mutex_unlock(&w->lock);
            atomic_store(&w->at, w->count);
        }
    }
    return NULL;
}

static int for_each(const struct ff_host_services *host, uint64_t count,
                    int (*fn)(void *, uint64_t, struct ff_error *), void *ctx,
                    const struct ff_call *call, struct ff_error *e)
{
    struct work w = {.fn = fn, .ctx = ctx, .count = count};
    pthread_t other;
    int started;

    (void)host;
    (void)call;
    atomic_init(&w.at, 0);
    pthread_mutex_init(&w.lock, NULL);
    started = pthread_create(&other, NULL, work_on, &w) == 0;
    (void)work_on(&w);
    if (started) {
        pthread_join(other, NULL);
    }
    pthread_mutex_destroy(&w.lock);
    if (w.code && e && !e->code) {
        *e = w.error;
    }
    return w.code;
}

static void *borrow(const struct ff_host_services *host, size_t size,
                    const struct ff_call *call, struct ff_error *e)
{
    void *memory = aligned_alloc(4096, (size + 4095) / 4096 * 4096);

    (void)host;
    (void)call;
    if (!memory) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no scratch memory");
    }
    return memory;
}

static void give_back(const struct ff_host_services *host, void *memory)
{
    (void)host;
    free(memory);
}

static const struct ff_pool pool = {
    .struct_size = FF_SIZE(ff_pool, give_back),
    .for_each = for_each,
    .borrow = borrow,
    .give_back = give_back,
};

/* ---- the opener ---- */

static struct stub_host *host_of(const struct ff_host_services *services)
{
    return (struct stub_host *)services->ctx;
}

static int open_storage(const struct ff_host_services *services, struct ff_value storage,
                        const struct ff_protocol **out, void **inst, struct ff_error *e)
{
    struct stub_host *host = host_of(services);
    const char *kind = "";
    size_t length;
    int rc = stub_str(stub_get(storage, "kind"), &kind, &length, e);

    for (size_t i = 0; !rc && i < host->plugin_count; i++) {
        *out = host->plugins[i];
        if (!strcmp((*out)->kind, kind)) {
            return (*out)->create(services, stub_get(storage, "options"), inst, e);
        }
    }
    return rc ? rc : ff_fail(e, FF_E_USAGE, kind, "no such protocol");
}

static void close_storage(const struct ff_host_services *services,
                          const struct ff_protocol *protocol, void *inst)
{
    (void)services;
    protocol->destroy(inst);
}

static const struct ff_opener opener = {
    .struct_size = FF_SIZE(ff_opener, close),
    .open = open_storage,
    .close = close_storage,
};

/* ---- the host ---- */

static int clock_gettime_shifted(const struct ff_sys *sys, clockid_t clock,
                                 struct timespec *out)
{
    const struct stub_host *host =
        (const void *)((const char *)sys - offsetof(struct stub_host, sys));
    int rc = ff_sys_posix.clock_gettime(&ff_sys_posix, clock, out);

    if (clock == CLOCK_REALTIME || clock == CLOCK_BOOTTIME) {
        out->tv_sec += (time_t)(atomic_load(&host->clock_shift_ns) / 1000000000);
    }
    return rc;
}

static void log_nothing(const struct ff_host_services *services, int level,
                        const char *text)
{
    (void)services;
    (void)level;
    (void)text;
}

static const void *query(const struct ff_host_services *services, const char *id)
{
    if (!strcmp(id, FF_VALUES_1)) {
        return &values;
    }
    if (!strcmp(id, FF_POOL_1)) {
        return &pool;
    }
    if (!strcmp(id, FF_OPEN_1)) {
        return &opener;
    }
    return strcmp(id, FF_SYS_1) ? NULL : &host_of(services)->sys;
}

void stub_host_init(struct stub_host *host, const char *const *files, size_t count)
{
    *host = (struct stub_host){.sys = ff_sys_posix};
    host->sys.clock_gettime = clock_gettime_shifted;
    host->services =
        (struct ff_host_services){.struct_size = FF_SIZE(ff_host_services, query),
                                  .abi = FF_ABI,
                                  .threads = 2,
                                  .version = "0.1.0",
                                  .ctx = host,
                                  .log = log_nothing,
                                  .query = query};
    for (size_t i = 0; i < count && i < STUB_MAX_PLUGINS; i++) {
        union {
            void *symbol;
            const struct ff_protocol *(*describe)(void);
        } u;
        void *file = dlopen(files[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

        CASE_MSG(file != NULL, "%s", file ? "" : dlerror());
        u.symbol = dlsym(file, "ff_protocol_describe");
        CASE_MSG(u.symbol != NULL, "%s exports no ff_protocol_describe", files[i]);
        host->plugins[host->plugin_count++] = u.describe();
        dlclose(file);
    }
}

int stub_host_open(struct stub_host *host, const char *json,
                   const struct ff_protocol **out, void **inst, struct ff_error *e)
{
    json_error_t where;
    json_t *root = json_loads(json, 0, &where);
    int rc;

    CASE_MSG(root != NULL, "%s: %s", json, root ? "" : where.text);
    rc = open_storage(&host->services, wrap(root), out, inst, e);
    json_decref(root); /* options are borrowed for create() only */
    return rc;
}
