/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c: big data from one storage to another as it is, chunk by chunk and never decoded.
 * Right where both protocols have the same key: a serializer finds there what it would have
 * written. What it shares with others (zarr's group) must be the same on both sides. */
#include "core/storage.h"

#include <pthread.h>

#include "core/base/alloc.h"

#define SHARED_MAX_BYTES (64u << 10)

struct part {
    char *name; /* ff_free */
    uint64_t size_bytes;
};

struct transfer {
    struct ff_batch batch; /* first */
    struct ff_bigdata *from, *to;
    const char *uuid, *fresh;
    struct ff_vec parts; /* struct part */
    size_t next, prefix_bytes;
    const struct ff_call *call;
    pthread_mutex_t lock;  /* guards `error` */
    struct ff_error error; /* of the first item that failed */
    int only_shared, no_memory;
};

/* One object on its way. */
struct going {
    struct ff_io io;
    struct ff_object source;
    char name[FF_PLACE_BYTES];
};

static int add_part(void *ctx, const struct ff_io *io)
{
    struct transfer *t = ctx;
    size_t n = 0;
    int is_shared = !ff_owner_of(io->name, &n);
    struct part part = {NULL, io->object_bytes};
    if (io->is_folder || is_shared != t->only_shared) {
        return 0;
    }
    part.name = ff_strdup(io->name);
    if (!part.name || ff_vec_append(&t->parts, &part)) {
        ff_free(part.name);
        t->no_memory = 1;
        return 1;
    }
    return 0;
}

static int list_parts(struct transfer *t, struct ff_bigdata *b, const char *prefix,
                      int only_shared, struct ff_error *e)
{
    int rc;
    t->only_shared = only_shared;
    rc = b->objects->list(b->objects, prefix, only_shared, add_part, t, NULL, t->call, e);
    return t->no_memory ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory") : rc;
}

static void parts_clear(struct ff_vec *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        ff_free(((struct part *)ff_vec_at(parts, i))->name);
    }
    ff_vec_free(parts);
}

/* ---- what is shared ---- */

/* 1: both have the object and it is the same; 0: not; < 0: an error code. */
static int is_same(struct transfer *t, const struct part *p, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    uint64_t there = 0, size = p->size_bytes;
    char *both;
    int rc = ff_head(t->to->objects, p->name, &there, NULL, t->call, &own);
    if (rc == FF_E_NOT_FOUND || (!rc && (there != size || size > SHARED_MAX_BYTES))) {
        return 0;
    }
    both = ff_malloc(2 * (size_t)size + 1);
    rc = rc ? rc : both ? FF_OK : FF_E_NO_MEMORY;
    rc = rc ? rc
            : ff_get_bytes(t->from->objects, p->name, 0, both, size, NULL, t->call, e);
    rc = rc ? rc
            : ff_get_bytes(t->to->objects, p->name, 0, both + size, size, NULL, t->call,
                           e);
    if (!rc) {
        rc = memcmp(both, both + size, (size_t)size) == 0;
    } else if (!e->code) {
        ff_error_copy(e, &own);
        rc = ff_fail(e, rc, p->name, "out of memory");
    }
    ff_free(both);
    return rc;
}

static int put_shared(struct transfer *t, const struct part *p, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_object source = {.objects = t->from->objects};
    int rc;
    (void)snprintf(source.name, sizeof source.name, "%s", p->name);
    rc = ff_put_bytes(t->to->objects, p->name, p->size_bytes, ff_object_read, &source,
                      t->call, &own);
    if (rc == FF_E_CONFLICT) { /* another save was faster: is it the same? */
        rc = is_same(t, p, e);
        return rc == 1 ? FF_OK : rc == 0 ? FF_DECLINED : rc;
    }
    if (rc) {
        ff_error_copy(e, &own);
    }
    return rc;
}

/* Beside what goes over: nothing there yet, or the same as here. */
static int agree(struct transfer *t, const char *group, struct ff_error *e)
{
    struct ff_vec here;
    size_t there;
    int rc = list_parts(t, t->to, group, 1, e);
    there = t->parts.count;
    parts_clear(&t->parts);
    rc = rc ? rc : list_parts(t, t->from, group, 1, e);
    here = t->parts;
    ff_vec_init(&t->parts, sizeof(struct part), FF_MAX_NAMES);
    if (!rc && there && there != here.count) {
        rc = FF_DECLINED;
    }
    for (size_t i = 0; !rc && i < here.count; i++) {
        const struct part *p = ff_vec_at(&here, i);
        int same = there ? is_same(t, p, e) : 1;
        rc = same < 0 ? same : !same ? FF_DECLINED : there ? FF_OK : put_shared(t, p, e);
    }
    parts_clear(&here);
    return rc;
}

/* ---- the objects ---- */

static void fail_item(struct transfer *t, const struct ff_error *e)
{
    (void)pthread_mutex_lock(&t->lock);
    ff_error_copy(&t->error, e);
    (void)pthread_mutex_unlock(&t->lock);
}

static struct ff_io *next(struct ff_batch *batch)
{
    struct transfer *t = (struct transfer *)(void *)batch;
    const struct part *p = ff_vec_at(&t->parts, t->next);
    struct going *g = p ? ff_calloc(1, sizeof *g) : NULL;
    if (!p) {
        return NULL;
    }
    if (!g || strlen(p->name) >= sizeof g->source.name) {
        struct ff_error own = FF_ERROR_INIT;
        (void)ff_fail(&own, g ? FF_E_LIMIT : FF_E_NO_MEMORY, p->name,
                      g ? "the name is too long" : "out of memory");
        fail_item(t, &own);
        ff_free(g);
        return NULL;
    }
    t->next++;
    g->source.objects = t->from->objects;
    (void)snprintf(g->source.name, sizeof g->source.name, "%s", p->name);
    (void)snprintf(g->name, sizeof g->name, "%.*s%s%s", (int)t->prefix_bytes, p->name,
                   t->fresh, p->name + t->prefix_bytes + FF_UUID_LENGTH);
    g->io = (struct ff_io){.struct_size = FF_SIZE(ff_io, flags),
                           .op = FF_PUT,
                           .name = g->name,
                           .user = g,
                           .size_bytes = p->size_bytes,
                           .source = ff_object_read,
                           .source_ctx = &g->source,
                           .if_match = "",
                           .flags = FF_IO_UNSEEN};
    return &g->io;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct transfer *t = (struct transfer *)(void *)batch;
    if (code) {
        fail_item(t, e);
    }
    ff_free(io->user);
    return code != FF_OK;
}

static int put_all(struct transfer *t, struct ff_error *e)
{
    const struct ff_objects *objects = t->to->objects;
    int rc;
    t->batch = (struct ff_batch){
        .struct_size = FF_SIZE(ff_batch, done), .ctx = t, .next = next, .done = done};
    rc = objects->run(objects, &t->batch, t->call, e);
    if (!rc && t->error.code) {
        ff_error_copy(e, &t->error);
        rc = t->error.code;
    }
    return rc;
}

/* All that the uuid owns, with sizes: one file of its name, or what lies in a folder of it. */
static int find_parts(struct transfer *t, struct ff_error *e)
{
    struct ff_vec names;
    struct part one = {NULL, 0};
    size_t n = 0;
    int rc;
    ff_vec_init(&names, sizeof(char *), FF_MAX_NAMES);
    rc = ff_owned_names(t->from, t->uuid, &names, t->call, e);
    if (!rc && names.count) {
        const char *first = *(char **)ff_vec_at(&names, 0);
        t->prefix_bytes = (size_t)(ff_owner_of(first, &n) - first);
        one.name = ff_strndup(first, t->prefix_bytes + FF_UUID_LENGTH + 1);
        rc = one.name ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    if (!rc && one.name && one.name[t->prefix_bytes + FF_UUID_LENGTH]) {
        rc = list_parts(t, t->from, one.name, 0, e);
    } else if (!rc && one.name) {
        rc = ff_head(t->from->objects, one.name, &one.size_bytes, NULL, t->call, e);
        if (!rc && !ff_vec_append(&t->parts, &one)) {
            one.name = NULL; /* taken */
        }
    }
    ff_free(one.name);
    ff_names_clear(&names);
    return rc;
}

static int agree_on_shared(struct transfer *t, struct ff_error *e)
{
    const struct part *first = ff_vec_at(&t->parts, 0);
    struct ff_vec owned = t->parts;
    char group[FF_PLACE_BYTES];
    int rc;
    if (!t->prefix_bytes) {
        return FF_OK; /* beside nothing */
    }
    (void)snprintf(group, sizeof group, "%.*s", (int)t->prefix_bytes, first->name);
    ff_vec_init(&t->parts, sizeof(struct part), FF_MAX_NAMES);
    rc = agree(t, group, e);
    t->parts = owned;
    return rc;
}

int ff_owned_transfer(struct ff_bigdata *from, const char *uuid, struct ff_bigdata *to,
                      const char *fresh, const struct ff_call *call, struct ff_error *e)
{
    struct transfer t = {
        .from = from, .to = to, .uuid = uuid, .fresh = fresh, .call = call};
    struct ff_error own = FF_ERROR_INIT;
    int rc;
    if (strcmp(ff_storage_key(from->storage), ff_storage_key(to->storage)) != 0) {
        return FF_DECLINED;
    }
    if (pthread_mutex_init(&t.lock, NULL)) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    ff_vec_init(&t.parts, sizeof(struct part), FF_MAX_NAMES);
    rc = find_parts(&t, &own);
    rc = rc ? rc : t.parts.count ? agree_on_shared(&t, &own) : FF_E_NOT_FOUND;
    rc = rc ? rc : put_all(&t, &own);
    parts_clear(&t.parts);
    (void)pthread_mutex_destroy(&t.lock);
    if (rc == FF_E_NOT_FOUND) {
        return ff_fail(e, FF_E_STALE, NULL,
                       "its big data %s was replaced or removed meanwhile: read again",
                       uuid);
    }
    if (rc < 0) {
        ff_error_copy(e, &own);
    }
    return rc;
}
