/* SPDX-License-Identifier: Apache-2.0 */
/* memory_files.c: ff.files/1 of the protocol "memory". */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "memory.h"

struct ff_file {
    struct mem_blob *blob;
    char *name; /* from the root */
    int mode;   /* enum ff_open_mode */
};

/* Under the store's lock. Takes `name` when it makes the file. */
static int open_locked(const struct mem_inst *inst, char *name, struct ff_file *f)
{
    struct mem_store *s = inst->store;
    char *key;
    size_t index;
    bool there = mem_find(s, name, &index);
    int rc;

    if (f->mode != FF_OPEN_CREATE) {
        if (!there) {
            return FF_E_NOT_FOUND;
        }
        if (f->mode == FF_OPEN_ATTACH && mem_is_shared(s, mem_at(s, index)->blob)) {
            return FF_E_CONFLICT;
        }
        f->blob = mem_blob_ref(mem_at(s, index)->blob);
        f->blob->attached += f->mode == FF_OPEN_ATTACH;
        return FF_OK;
    }
    if (there) {
        return FF_E_EXISTS;
    }
    key = ff_strdup(name);
    f->blob = key ? mem_blob_new(0, mem_now_ns(inst)) : NULL;
    rc = f->blob ? mem_insert(s, index, key, f->blob) : FF_E_NO_MEMORY;
    if (rc) {
        mem_blob_unref(f->blob);
        ff_free(key);
        return rc;
    }
    mem_blob_ref(f->blob);
    return FF_OK;
}

static int mem_open(const struct ff_files *self, const char *name, int mode,
                    struct ff_file **out, const struct ff_call *call, struct ff_error *e)
{
    const struct mem_inst *inst = MEM_OF(self, files)->inst;
    struct ff_file *f;
    char *full;
    int rc = mem_check_call(inst, call, e);

    if (rc) {
        return rc;
    }
    if (mode < FF_OPEN_READ || mode > FF_OPEN_ATTACH) {
        return ff_fail(e, FF_E_USAGE, name, "unknown mode %d", mode);
    }
    full = mem_full_name(MEM_OF(self, files), name, e);
    if (!full) {
        return e && e->code ? e->code : FF_E_USAGE;
    }
    f = ff_calloc(1, sizeof *f);
    if (f) {
        f->mode = mode;
        pthread_mutex_lock(&inst->store->lock);
        rc = open_locked(inst, full, f);
        pthread_mutex_unlock(&inst->store->lock);
    }
    if (!f || rc) {
        rc = f ? rc : FF_E_NO_MEMORY;
        ff_free(f);
        ff_free(full);
        return ff_fail(e, rc, name, "%s",
                       rc == FF_E_EXISTS      ? "a file of this name is there"
                       : rc == FF_E_NOT_FOUND ? "no such file"
                       : rc == FF_E_CONFLICT  ? "it was copied, and shares its bytes"
                                              : "no memory for one more file");
    }
    f->name = full;
    *out = f;
    return FF_OK;
}

static int sum_spans(const struct ff_span *spans, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if (!ff_add_size(*total, spans[i].size_bytes, total)) {
            return FF_E_USAGE;
        }
    }
    return FF_OK;
}

static int mem_read_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                          const struct ff_span *spans, size_t count,
                          const struct ff_call *call, struct ff_error *e)
{
    size_t total, at;
    int rc = mem_check_call(MEM_OF(self, files)->inst, call, e);

    if (rc) {
        return rc;
    }
    if (sum_spans(spans, count, &total)) {
        return ff_fail(e, FF_E_USAGE, f->name, "spans larger than memory");
    }
    pthread_rwlock_rdlock(&f->blob->lock);
    at = f->blob->bytes.length_bytes;
    if (offset > at || total > at - offset) {
        rc = ff_fail(e, FF_E_CORRUPT, f->name,
                     "ends after %zu bytes: no %zu bytes at %llu", at, total,
                     (unsigned long long)offset);
    }
    at = (size_t)offset;
    for (size_t i = 0; !rc && i < count; i++) {
        if (spans[i].size_bytes) {
            memcpy(spans[i].data, f->blob->bytes.data + at, spans[i].size_bytes);
        }
        at += spans[i].size_bytes;
    }
    pthread_rwlock_unlock(&f->blob->lock);
    return rc;
}

static int mem_read(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                    void *dst, size_t size_bytes, const struct ff_call *call,
                    struct ff_error *e)
{
    struct ff_span span = {dst, size_bytes};

    return mem_read_spans(self, f, offset, &span, 1, call, e);
}

/* Under the blob's lock. */
static int set_size(struct mem_blob *blob, uint64_t size_bytes)
{
    size_t old = blob->bytes.length_bytes, size;

    if (!ff_u64_to_size(size_bytes, &size) ||
        (size > old && ff_buf_reserve(&blob->bytes, size - old))) {
        return FF_E_NO_MEMORY;
    }
    if (size > old) {
        memset(blob->bytes.data + old, 0, size - old);
    }
    blob->bytes.length_bytes = size;
    return FF_OK;
}

static void touch(const struct mem_inst *inst, struct mem_blob *blob)
{
    blob->version++;
    blob->mtime_ns = mem_now_ns(inst);
}

static int check_writable(const struct ff_file *f, struct ff_error *e)
{
    return f->mode == FF_OPEN_READ
               ? ff_fail(e, FF_E_USAGE, f->name, "was opened for reading only")
               : FF_OK;
}

static int mem_write_spans(const struct ff_files *self, struct ff_file *f,
                           uint64_t offset, const struct ff_span *spans, size_t count,
                           const struct ff_call *call, struct ff_error *e)
{
    const struct mem_inst *inst = MEM_OF(self, files)->inst;
    size_t total, at = (size_t)offset;
    uint64_t end;
    int rc = mem_check_call(inst, call, e);

    rc = rc ? rc : check_writable(f, e);
    if (rc) {
        return rc;
    }
    if (sum_spans(spans, count, &total) || !ff_add_u64(offset, total, &end)) {
        return ff_fail(e, FF_E_USAGE, f->name, "the bytes end beyond 2^64");
    }
    pthread_rwlock_wrlock(&f->blob->lock);
    if (total && end > f->blob->bytes.length_bytes && set_size(f->blob, end)) {
        rc = ff_fail(e, FF_E_NO_SPACE, f->name, "no memory for %llu bytes",
                     (unsigned long long)end);
    }
    for (size_t i = 0; !rc && i < count; i++) {
        if (spans[i].size_bytes) {
            memcpy(f->blob->bytes.data + at, spans[i].data, spans[i].size_bytes);
        }
        at += spans[i].size_bytes;
    }
    touch(inst, f->blob);
    pthread_rwlock_unlock(&f->blob->lock);
    return rc;
}

static int mem_write(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                     const void *src, size_t size_bytes, const struct ff_call *call,
                     struct ff_error *e)
{
    union {
        const void *from;
        void *data;
    } piece = {src}; /* a span is for both directions */
    struct ff_span span = {piece.data, size_bytes};

    return mem_write_spans(self, f, offset, &span, 1, call, e);
}

static int mem_size(const struct ff_files *self, struct ff_file *f, uint64_t *size_bytes,
                    struct ff_error *e)
{
    (void)self;
    (void)e;
    pthread_rwlock_rdlock(&f->blob->lock);
    *size_bytes = f->blob->bytes.length_bytes;
    pthread_rwlock_unlock(&f->blob->lock);
    return FF_OK;
}

static int mem_resize(const struct ff_files *self, struct ff_file *f, uint64_t size_bytes,
                      int reserve, struct ff_error *e)
{
    int rc = check_writable(f, e);

    (void)reserve; /* memory is always there at once */
    if (rc) {
        return rc;
    }
    pthread_rwlock_wrlock(&f->blob->lock);
    rc = set_size(f->blob, size_bytes);
    touch(MEM_OF(self, files)->inst, f->blob);
    pthread_rwlock_unlock(&f->blob->lock);
    return rc ? ff_fail(e, FF_E_NO_SPACE, f->name, "no memory for %llu bytes",
                        (unsigned long long)size_bytes)
              : FF_OK;
}

static void file_free(struct mem_store *s, struct ff_file *f)
{
    pthread_mutex_lock(&s->lock);
    f->blob->attached -= f->mode == FF_OPEN_ATTACH;
    pthread_mutex_unlock(&s->lock);
    mem_blob_unref(f->blob);
    ff_free(f->name);
    ff_free(f);
}

static int mem_finish(const struct ff_files *self, struct ff_file *f,
                      const struct ff_call *call, struct ff_error *e)
{
    int rc = mem_check_call(MEM_OF(self, files)->inst, call, e);

    if (rc) {
        MEM_OF(self, files)->files.close(self, f);
    } else {
        file_free(MEM_OF(self, files)->inst->store, f);
    }
    return rc;
}

static void mem_close(const struct ff_files *self, struct ff_file *f)
{
    struct mem_store *s = MEM_OF(self, files)->inst->store;
    size_t index;

    if (f->mode == FF_OPEN_CREATE) {
        pthread_mutex_lock(&s->lock);
        if (mem_find(s, f->name, &index) && mem_at(s, index)->blob == f->blob) {
            mem_erase(s, index);
        }
        pthread_mutex_unlock(&s->lock);
    }
    file_free(s, f);
}

static int mem_remove(const struct ff_files *self, const char *name,
                      const struct ff_call *call, struct ff_error *e)
{
    const struct mem_bound *b = MEM_OF(self, files);

    return ff_remove_object(&b->objects, name, call, e);
}

const struct ff_files mem_files = {
    .struct_size = FF_SIZE(ff_files, remove),
    .open = mem_open,
    .read = mem_read,
    .read_spans = mem_read_spans,
    .write = mem_write,
    .write_spans = mem_write_spans,
    .size = mem_size,
    .resize = mem_resize,
    .finish = mem_finish,
    .close = mem_close,
    .remove = mem_remove,
};
