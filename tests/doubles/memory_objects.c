/* SPDX-License-Identifier: Apache-2.0 */
/* memory_objects.c: ff.objects/1 of the protocol "memory". No callback is called with a
 * lock held. */
#include <string.h>

#include "core/base/alloc.h"
#include "memory.h"

/* What an operation needs of an entry, after the store's lock is gone. */
struct found {
    struct mem_blob *blob; /* a reference, or NULL */
    uint64_t stamp;
};

static void tag_of(const struct found *f, uint64_t version, char *tag, size_t size)
{
    (void)snprintf(tag, size, "%llx.%llx", (unsigned long long)f->stamp,
                   (unsigned long long)version);
}

/* The blob's facts into the item. */
static void describe(struct found *f, struct ff_io *io)
{
    pthread_rwlock_rdlock(&f->blob->lock);
    io->object_bytes = f->blob->bytes.length_bytes;
    io->mtime_ns = f->blob->mtime_ns;
    tag_of(f, f->blob->version, io->tag, sizeof io->tag);
    pthread_rwlock_unlock(&f->blob->lock);
}

static int look_up(struct mem_store *s, const char *full, struct found *out,
                   struct ff_error *e)
{
    size_t index;
    bool there;

    pthread_mutex_lock(&s->lock);
    there = mem_find(s, full, &index);
    if (there) {
        out->blob = mem_blob_ref(mem_at(s, index)->blob);
        out->stamp = mem_at(s, index)->stamp;
    }
    pthread_mutex_unlock(&s->lock);
    return there ? FF_OK : ff_fail(e, FF_E_NOT_FOUND, full, "no such object");
}

/* Under the store's lock: whether the condition holds for what is there now. */
static bool allowed(const struct mem_store *s, bool there, size_t index,
                    const char *if_match)
{
    struct found f;
    char tag[80];

    if (!if_match) {
        return true;
    }
    if (!there || !*if_match) {
        return !there && !*if_match;
    }
    f = (struct found){mem_at(s, index)->blob, mem_at(s, index)->stamp};
    pthread_rwlock_rdlock(&f.blob->lock);
    tag_of(&f, f.blob->version, tag, sizeof tag);
    pthread_rwlock_unlock(&f.blob->lock);
    return !strcmp(tag, if_match);
}

/* Bind a name to a blob (both are taken), as the item's condition allows. */
static int publish(struct mem_store *s, struct ff_io *io, char *full,
                   struct mem_blob *blob, struct ff_error *e)
{
    struct mem_blob *old = blob; /* who is not needed at the end */
    struct found f = {blob, 0};
    size_t index;
    bool there, attached;
    int rc = FF_OK;

    pthread_mutex_lock(&s->lock);
    there = mem_find(s, full, &index);
    attached = blob->attached > 0;
    if (attached || !allowed(s, there, index, io->if_match)) {
        rc = FF_E_CONFLICT;
    } else if (there) {
        old = mem_at(s, index)->blob;
        mem_at(s, index)->blob = blob;
        mem_at(s, index)->stamp = ++s->stamp;
    } else {
        rc = mem_insert(s, index, full, blob);
    }
    if (!rc) {
        f.stamp = mem_at(s, index)->stamp;
        describe(&f, io);
    }
    pthread_mutex_unlock(&s->lock);
    if (rc) {
        (void)ff_fail(e, rc, full,
                      rc != FF_E_CONFLICT ? "no memory for one more object"
                      : attached          ? "somebody is attached to it, and may write"
                                          : "it is not as the condition wants it");
    }
    if (rc || there) {
        mem_blob_unref(old);
        ff_free(full);
    }
    return rc;
}

static int put(const struct mem_bound *b, struct ff_io *io, char *full,
               const struct ff_call *call, struct ff_error *e)
{
    size_t size = (size_t)io->size_bytes;
    struct mem_blob *blob =
        io->size_bytes <= SIZE_MAX / 2 ? mem_blob_new(size, mem_now_ns(b->inst)) : NULL;
    int rc = blob ? FF_OK
                  : ff_fail(e, FF_E_NO_MEMORY, full, "no memory for %llu bytes",
                            (unsigned long long)io->size_bytes);

    if (!rc && size) {
        rc = io->source(io->source_ctx, 0, blob->bytes.data, size, call, e);
    }
    if (rc) {
        mem_blob_unref(blob);
        ff_free(full);
        return rc;
    }
    return publish(b->inst->store, io, full, blob, e);
}

static int copy(const struct mem_bound *b, struct ff_io *io, char *full,
                struct ff_error *e)
{
    char *from = mem_full_name(b, io->from, e);
    struct found f = {NULL, 0};
    int rc = from ? look_up(b->inst->store, from, &f, e) : FF_E_USAGE;

    ff_free(from);
    if (rc) {
        ff_free(full);
        return rc;
    }
    return publish(b->inst->store, io, full, f.blob, e);
}

static int get(struct ff_io *io, struct mem_blob *blob, struct ff_error *e)
{
    uint64_t begin =
        io->offset_bytes < io->object_bytes ? io->offset_bytes : io->object_bytes;
    uint64_t left = io->object_bytes - begin;
    size_t size = (size_t)(io->size_bytes < left ? io->size_bytes : left);
    void *dst = io->buffer(io, size);
    int rc = FF_OK;

    if (!dst && size) {
        return ff_fail(e, FF_E_NO_MEMORY, io->name, "no buffer for %zu bytes", size);
    }
    pthread_rwlock_rdlock(&blob->lock);
    if (blob->bytes.length_bytes < begin + size) {
        rc = ff_fail(e, FF_E_CORRUPT, io->name, "was made shorter while it was read");
    } else if (size) {
        memcpy(dst, blob->bytes.data + begin, size);
    }
    pthread_rwlock_unlock(&blob->lock);
    io->size_bytes = size;
    return rc;
}

static int look(const struct mem_bound *b, struct ff_io *io, const char *full,
                struct ff_error *e)
{
    struct found f = {NULL, 0};
    int rc = look_up(b->inst->store, full, &f, e);

    if (!rc) {
        describe(&f, io);
        rc = io->op == FF_GET ? get(io, f.blob, e) : FF_OK;
        mem_blob_unref(f.blob);
    }
    return rc;
}

/* Absent is no failure, unless a certain object was to be removed. */
static int remove_one(struct mem_store *s, const struct ff_io *io, const char *full,
                      struct ff_error *e)
{
    size_t index;
    bool there, good;

    pthread_mutex_lock(&s->lock);
    there = mem_find(s, full, &index);
    good = allowed(s, there, index, io->if_match);
    if (good && there) {
        mem_erase(s, index);
    }
    pthread_mutex_unlock(&s->lock);
    return good ? FF_OK
                : ff_fail(e, FF_E_CONFLICT, full, "it is not as the condition wants it");
}

static int one(const struct mem_bound *b, struct ff_io *io, const struct ff_call *call,
               struct ff_error *e)
{
    char *full;
    int rc = mem_check_call(b->inst, call, e);

    if (rc) {
        return rc;
    }
    full = mem_full_name(b, io->name, e);
    if (!full) {
        return e->code;
    }
    switch (io->op) {
    case FF_PUT:
        return put(b, io, full, call, e); /* takes the name */
    case FF_COPY:
        return copy(b, io, full, e);
    case FF_GET:
    case FF_HEAD:
        rc = look(b, io, full, e);
        break;
    case FF_REMOVE:
        rc = remove_one(b->inst->store, io, full, e);
        break;
    default:
        rc = ff_fail(e, FF_E_UNSUPPORTED, full, "unknown operation %d", (int)io->op);
    }
    ff_free(full);
    return rc;
}

static int mem_run(const struct ff_objects *self, struct ff_batch *batch,
                   const struct ff_call *call, struct ff_error *e)
{
    const struct mem_bound *b = MEM_OF(self, objects);
    struct ff_io *io;
    int rc, stop = 0;

    while (!stop && (rc = mem_check_call(b->inst, call, e)) == FF_OK &&
           (io = batch->next(batch))) {
        struct ff_error own = FF_ERROR_INIT;
        int code = one(b, io, call, &own);

        stop = batch->done(batch, io, code, code ? &own : NULL);
    }
    return stop ? FF_OK : rc;
}

static int mem_sync(const struct ff_objects *self, const struct ff_call *call,
                    struct ff_error *e)
{
    return mem_check_call(MEM_OF(self, objects)->inst, call, e);
}

/* ---- list: what is there at one moment, told afterwards ---- */

struct listed {
    char *name;
    struct found found; /* no blob: a folder */
};

static void listed_free(struct ff_vec *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct listed *l = ff_vec_at(all, i);

        ff_free(l->name);
        mem_blob_unref(l->found.blob);
    }
    ff_vec_free(all);
}

static int listed_add(struct ff_vec *all, const char *name, size_t length,
                      const struct mem_entry *entry)
{
    struct listed *l = ff_vec_push(all);

    if (!l || !(l->name = ff_strndup(name, length))) {
        return FF_E_NO_MEMORY;
    }
    if (entry) {
        l->found = (struct found){mem_blob_ref(entry->blob), entry->stamp};
    }
    return FF_OK;
}

/* Under the store's lock. */
static int collect(const struct mem_store *s, const char *full, size_t skip,
                   int one_level, struct ff_vec *all)
{
    size_t full_bytes = strlen(full), i;
    int rc = FF_OK;

    (void)mem_find(s, full, &i);
    for (; !rc && i < s->entries.count; i++) {
        const struct mem_entry *entry = mem_at(s, i);
        const struct listed *last = ff_vec_last(all);
        const char *name, *slash;
        size_t length;

        if (strncmp(entry->name, full, full_bytes)) {
            break;
        }
        name = entry->name + skip;
        length = strlen(name);
        slash = one_level ? strchr(entry->name + full_bytes, '/') : NULL;
        if (slash) {
            length = (size_t)(slash - name);
            /* names of one folder are neighbours */
            if (last && !last->found.blob && !strncmp(last->name, name, length) &&
                !last->name[length]) {
                continue;
            }
        }
        rc = listed_add(all, name, length, slash ? NULL : entry);
    }
    return rc;
}

static int tell(const struct ff_vec *all, int (*each)(void *, const struct ff_io *),
                void *ctx)
{
    int rc = 0;

    for (size_t i = 0; !rc && i < all->count; i++) {
        struct listed *l = ff_vec_at(all, i);
        struct ff_io io = {.struct_size = FF_SIZE(ff_io, is_folder), .name = l->name};

        if (l->found.blob) {
            describe(&l->found, &io);
        }
        io.is_folder = !l->found.blob;
        rc = each(ctx, &io);
    }
    return rc;
}

static int mem_list(const struct ff_objects *self, const char *prefix, int one_level,
                    int (*each)(void *, const struct ff_io *), void *ctx, int64_t *now_ns,
                    const struct ff_call *call, struct ff_error *e)
{
    const struct mem_bound *b = MEM_OF(self, objects);
    struct mem_store *s = b->inst->store;
    size_t folder_bytes = strlen(b->folder), prefix_bytes = strlen(prefix);
    char *full;
    struct ff_vec all;
    int rc = mem_check_call(b->inst, call, e);

    if (rc) {
        return rc;
    }
    full = ff_calloc(1, folder_bytes + prefix_bytes + 1);
    if (!full) {
        return ff_fail(e, FF_E_NO_MEMORY, prefix, "no memory for its name");
    }
    memcpy(full, b->folder, folder_bytes);
    memcpy(full + folder_bytes, prefix, prefix_bytes);
    ff_vec_init(&all, sizeof(struct listed), SIZE_MAX / 64);
    pthread_mutex_lock(&s->lock);
    if (now_ns) {
        *now_ns = mem_now_ns(b->inst);
    }
    rc = collect(s, full, folder_bytes, one_level, &all);
    pthread_mutex_unlock(&s->lock);
    rc = rc ? ff_fail(e, rc, prefix, "no memory for the list") : tell(&all, each, ctx);
    listed_free(&all);
    ff_free(full);
    return rc;
}

const struct ff_objects mem_objects = {
    .struct_size = FF_SIZE(ff_objects, sync),
    .run = mem_run,
    .list = mem_list,
    .sync = mem_sync,
};
