/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c: arrays that are pushed piece by piece: whole chunks go straight to the
 * serializer (ff.push/1), parts of chunks are gathered here until the chunk is whole. */
#include "core/storage.h"

#include <pthread.h>

#include "core/array_own.h"
#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/region.h"
#include "core/parts.h"

struct ff_writer {
    struct ff_saving *saving;
    const struct ff_loaded_serializer *by;
    const struct ff_push *push;
    struct ff_pushing *pushing;
    struct ff_own_array *like; /* its shape[0] is a large number for a stream */
    int is_stream;
    int64_t stream_length;
    char uuid[FF_UUID_LENGTH + 1];
    pthread_mutex_t lock; /* for all below */
    struct ff_parts parts;
    uint8_t *done; /* a bit a chunk; NULL for a stream */
    uint64_t chunk_count, done_count;
    int failed; /* the code of the first failure: the writer can only be aborted */
};

#define STREAM_LENGTH (INT64_MAX / 4)

static uint64_t axis_chunks(const struct ff_own_array *o, int i)
{
    return o->pub.edges
               ? (uint64_t)o->pub.edge_count[i]
               : (uint64_t)((o->pub.shape[i] + o->pub.chunk[i] - 1) / o->pub.chunk[i]);
}

/* ---- opening ---- */

static int choose(struct ff_writer *w, struct ff_error *e)
{
    const struct ff_loaded_serializer *by[16];
    struct ff_storage *st = w->saving->storage;
    const char *class_name = ff_array_class(&w->like->pub);
    int n =
        ff_registry_for_class(st->host, class_name, (const char *const *)st->serializers,
                              st->serializer_count, by, 16, e);
    for (int i = 0; i < n; i++) {
        w->push = ff_call_query(by[i], FF_PUSH_1);
        w->by = by[i];
        if (w->push) {
            return FF_OK;
        }
    }
    if (n < 0) {
        return n;
    }
    (void)ff_fail(e, FF_E_PLUGIN, NULL, "no enabled serializer takes %s piece by piece",
                  class_name);
    ff_error_fix(e, "see ff plugin list");
    return FF_E_PLUGIN;
}

static int describe(struct ff_writer *w, const struct ff_array *like, struct ff_error *e)
{
    struct ff_array_spec s = {like->descr, like->ndim,       like->shape, like->chunk,
                              like->edges, like->edge_count, NULL,        like->options};
    int64_t chunk[FF_MAX_NDIM];
    w->is_stream = like->ndim > 0 && like->shape[0] < 0;
    if (like->flags & FF_ARRAY_AUTO && !like->edges && like->ndim <= FF_MAX_NDIM) {
        ff_chunk_sized(like->ndim, like->shape, like->itemsize_bytes,
                       ff_host_chunk_bytes(w->saving->storage->host), chunk);
        s.chunk = chunk;
    }
    if (!like->chunk || like->ndim == 0) {
        return ff_fail(e, FF_E_USAGE, NULL, "an array that is pushed has chunks");
    }
    w->like = ff_own_new(&s, e);
    if (!w->like) {
        return e->code;
    }
    if (w->is_stream) {
        if (like->edges) {
            return ff_fail(e, FF_E_USAGE, NULL, "a stream has regular chunks");
        }
        return FF_OK;
    }
    w->chunk_count = 1;
    for (int i = 0; i < like->ndim; i++) {
        if (!ff_mul_u64(w->chunk_count, axis_chunks(w->like, i), &w->chunk_count)) {
            return ff_fail(e, FF_E_USAGE, NULL, "too many chunks");
        }
    }
    w->done = ff_calloc((size_t)(w->chunk_count / 8 + 1), 1);
    return w->done ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
}

static int begin(struct ff_writer *w, struct ff_error *e)
{
    struct ff_saving *s = w->saving;
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra),
                         .version = w->by->desc->version,
                         .name = w->uuid};
    int rc = ff_uuid4(ff_host_sys(s->storage->host), w->uuid);
    rc = rc ? ff_fail(e, FF_E_IO, NULL, "no random bytes") : FF_OK;
    rc = rc ? rc : ff_saving_owns(s, w->by->desc->name, w->by->desc->version, w->uuid, e);
    if (rc) {
        return rc;
    }
    rc = w->push->begin(w->by->inst, &w->like->pub, &s->bigdata->pub, &pid, &w->pushing,
                        &s->call, e);
    if (rc) {
        ff_saving_take_back(s);
    } else if (w->is_stream) {
        ((int64_t *)(uintptr_t)w->like->pub.shape)[0] = STREAM_LENGTH;
    }
    return rc;
}

struct ff_writer *ff_writer_open(struct ff_saving *s, const struct ff_array *like,
                                 struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_writer *w;
    e = e ? e : &local;
    if (e->code) {
        return NULL;
    }
    if (!s || !like) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no save, or no description");
        return NULL;
    }
    if (ff_storage_check(s->storage, e)) {
        return NULL;
    }
    w = ff_calloc(1, sizeof *w);
    if (!w || ff_vec_append(&s->writers, &w)) {
        ff_free(w);
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&w->lock, NULL);
    w->saving = s;
    w->parts.max_bytes = ff_host_memory_bytes(s->storage->host);
    if (describe(w, like, e) || choose(w, e) || begin(w, e)) {
        (void)ff_at_task(e->code, s->workflow, s->task, e);
        ff_writer_abort(w);
        return NULL;
    }
    return w;
}

/* ---- closing ---- */

static void forget(struct ff_writer *w)
{
    struct ff_saving *s = w->saving;
    struct ff_writer **all = s->writers.items;
    for (size_t i = 0; i < s->writers.count; i++) {
        if (all[i] == w) {
            all[i] = all[s->writers.count - 1];
            ff_vec_pop(&s->writers);
            break;
        }
    }
    ff_parts_clear(&w->parts);
    ff_array_free(&w->like->pub);
    ff_free(w->done);
    (void)pthread_mutex_destroy(&w->lock);
    ff_free(w);
}

void ff_writer_abort(struct ff_writer *w)
{
    if (w->pushing) {
        w->push->abort(w->by->inst, w->pushing);
    }
    forget(w);
}

/* ---- which chunks are there ---- */

static uint64_t number_of(const struct ff_writer *w, const int64_t *index)
{
    uint64_t n = 0;
    for (int i = 0; i < w->like->pub.ndim; i++) {
        n = n * (i ? axis_chunks(w->like, i) : 1) + (uint64_t)index[i];
    }
    return n;
}

static int twice(struct ff_error *e)
{
    return ff_fail(e, FF_E_USAGE, NULL, "an element was pushed twice");
}

static int take_done(struct ff_writer *w, uint64_t number, struct ff_error *e)
{
    if (w->is_stream) {
        return FF_OK;
    }
    if (w->done[number / 8] & (1u << (number % 8))) {
        return twice(e);
    }
    w->done[number / 8] |= (uint8_t)(1u << (number % 8));
    w->done_count++;
    return FF_OK;
}

/* ---- pushing ---- */

struct piece {
    const char *data;
    int64_t strides[FF_MAX_NDIM];
};

static struct piece piece_at(const struct ff_writer *w, const struct ff_grid_iter *it,
                             const char *data, const int64_t *strides)
{
    struct piece p = {data, {0}};
    for (int i = 0; i < w->like->pub.ndim; i++) {
        p.data += it->place[i] * strides[i];
        p.strides[i] = strides[i];
    }
    return p;
}

static int put_whole(struct ff_writer *w, const struct ff_grid_iter *it,
                     struct piece from, uint64_t number, struct ff_error *e)
{
    const struct ff_array *like = &w->like->pub;
    size_t axes = (size_t)like->ndim;
    int64_t packed[FF_MAX_NDIM];
    uint64_t bytes;
    void *copy = NULL;
    int rc;
    (void)pthread_mutex_lock(&w->lock);
    rc = ff_parts_find(&w->parts, number) ? twice(e) : take_done(w, number, e);
    (void)pthread_mutex_unlock(&w->lock);
    if (!rc && !ff_strides_are_c(axes, it->count, like->itemsize_bytes, from.strides)) {
        if (!ff_strides_c(axes, it->count, like->itemsize_bytes, packed, &bytes) ||
            !(copy = ff_aligned_alloc((size_t)bytes))) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
        (void)ff_copy_strided(axes, it->count, (size_t)like->itemsize_bytes, copy, packed,
                              from.data, from.strides);
        from.data = copy;
    }
    rc = rc ? rc
            : w->push->put(w->by->inst, w->pushing, it->at, from.data, &w->saving->call,
                           e);
    ff_aligned_free(copy);
    return rc;
}

/* Under the lock. *whole is set when the chunk is complete; it is then out of the table.
 */
static int add_part(struct ff_writer *w, const struct ff_grid_iter *it,
                    const struct ff_region *r, struct piece from, uint64_t number,
                    struct ff_partial **whole, struct ff_error *e)
{
    const struct ff_array *like = &w->like->pub;
    int64_t first[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    struct ff_partial *p = ff_parts_find(&w->parts, number);
    uint8_t *to;
    if (!p && !w->is_stream && (w->done[number / 8] & (1u << (number % 8)))) {
        return twice(e);
    }
    p = p ? p
          : ff_parts_add(&w->parts, number, like->ndim, it->at, it->count,
                         like->itemsize_bytes, e);
    if (!p) {
        return e->code;
    }
    (void)ff_strides_c((size_t)like->ndim, p->count, like->itemsize_bytes, strides, NULL);
    to = p->data;
    for (int i = 0; i < like->ndim; i++) {
        first[i] = r->start[i] + it->place[i] - it->start[i];
        to += first[i] * strides[i];
    }
    if (!ff_partial_mark(p, first, it->take)) {
        return twice(e);
    }
    (void)ff_copy_strided((size_t)like->ndim, it->take, (size_t)like->itemsize_bytes, to,
                          strides, from.data, from.strides);
    if (p->filled == p->elements) {
        ff_parts_take(&w->parts, p);
        *whole = p;
        return take_done(w, number, e);
    }
    return FF_OK;
}

static int put_part(struct ff_writer *w, const struct ff_grid_iter *it,
                    const struct ff_region *r, struct piece from, uint64_t number,
                    struct ff_error *e)
{
    struct ff_partial *whole = NULL;
    int rc;
    (void)pthread_mutex_lock(&w->lock);
    rc = add_part(w, it, r, from, number, &whole, e);
    (void)pthread_mutex_unlock(&w->lock);
    if (whole) {
        rc = rc ? rc
                : w->push->put(w->by->inst, w->pushing, whole->index, whole->data,
                               &w->saving->call, e);
        ff_partial_free(whole);
    }
    return rc;
}

static int push_chunks(struct ff_writer *w, const struct ff_region *r, const char *data,
                       const int64_t *strides, struct ff_error *e)
{
    struct ff_grid_iter it;
    int rc = FF_OK;
    for (ff_grid_begin(&it, w->like, r); !rc && ff_grid_next(&it);) {
        struct piece from = piece_at(w, &it, data, strides);
        uint64_t number = number_of(w, it.at);
        size_t bytes = sizeof(int64_t) * (size_t)w->like->pub.ndim;
        if (ff_cancelled(&w->saving->call)) {
            rc = ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
        } else if (memcmp(it.take, it.count, bytes) == 0) {
            rc = put_whole(w, &it, from, number, e);
        } else {
            rc = put_part(w, &it, r, from, number, e);
        }
    }
    return rc;
}

static int check_push(struct ff_writer *w, const struct ff_region *r, struct ff_error *e)
{
    const struct ff_array *like = &w->like->pub;
    if (!r->start || !r->count ||
        !ff_region_check((size_t)like->ndim, like->shape, r->start, r->count, NULL)) {
        return ff_fail(e, FF_E_USAGE, NULL, "the region lies outside of the array");
    }
    if (w->is_stream && r->start[0] != w->stream_length) {
        return ff_fail(e, FF_E_USAGE, NULL, "a stream goes on at %lld, not at %lld",
                       (long long)w->stream_length, (long long)r->start[0]);
    }
    for (int i = 1; w->is_stream && i < like->ndim; i++) {
        if (r->start[i] != 0 || r->count[i] != like->shape[i]) {
            return ff_fail(e, FF_E_USAGE, NULL, "a stream is pushed in whole rows");
        }
    }
    return FF_OK;
}

int ff_writer_push(struct ff_writer *w, const int64_t *start, const int64_t *count,
                   const void *data, const int64_t *strides, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_region r = {start, count, NULL};
    int64_t packed[FF_MAX_NDIM];
    int rc;
    e = e ? e : &local;
    if (!w || e->code) {
        return e->code ? e->code : ff_fail(e, FF_E_USAGE, NULL, "no writer");
    }
    if (ff_storage_check(w->saving->storage, e)) {
        return e->code; /* forked: nothing of it is touched */
    }
    rc = w->failed ? ff_fail(e, w->failed, NULL, "an earlier push failed")
                   : check_push(w, &r, e);
    if (!rc && !strides) {
        (void)ff_strides_c((size_t)w->like->pub.ndim, count, w->like->pub.itemsize_bytes,
                           packed, NULL);
        strides = packed;
    }
    rc = rc ? rc : push_chunks(w, &r, data, strides, e);
    if (!rc && w->is_stream) {
        w->stream_length += count[0];
    }
    if (rc) {
        (void)pthread_mutex_lock(&w->lock);
        w->failed = w->failed ? w->failed : rc;
        (void)pthread_mutex_unlock(&w->lock);
        (void)ff_at_task(rc, w->saving->workflow, w->saving->task, e);
    }
    return rc;
}

/* ---- finishing ---- */

/* A stream's last chunks are padded; they must hold all rows that came. */
static int put_rest(struct ff_writer *w, struct ff_error *e)
{
    int rc = FF_OK;
    for (size_t i = 0; i < FF_PARTS_BUCKETS; i++) {
        for (struct ff_partial *p = w->parts.bucket[i]; p && !rc; p = p->next) {
            rc = w->push->put(w->by->inst, w->pushing, p->index, p->data,
                              &w->saving->call, e);
        }
    }
    return rc;
}

static int check_whole(const struct ff_writer *w, struct ff_error *e)
{
    uint64_t missing = w->chunk_count - w->done_count;
    if (missing) {
        (void)ff_fail(e, FF_E_USAGE, NULL,
                      "%llu of %llu chunks are missing elements that were never pushed",
                      (unsigned long long)missing, (unsigned long long)w->chunk_count);
        return FF_E_USAGE;
    }
    return FF_OK;
}

struct ff_value ff_writer_finish(struct ff_writer *w, struct ff_doc *doc,
                                 struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_value v = {NULL, 0};
    struct ff_pushing *pushing;
    int rc;
    e = e ? e : &local;
    if (!w) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no writer");
        return v;
    }
    if (ff_storage_check(w->saving->storage, NULL)) {
        (void)ff_storage_check(w->saving->storage, e);
        return v; /* forked: the parent goes on with it */
    }
    rc = e->code;
    rc = rc || !w->failed ? rc : ff_fail(e, w->failed, NULL, "an earlier push failed");
    rc = rc ? rc : w->is_stream ? put_rest(w, e) : check_whole(w, e);
    if (!rc) {
        pushing = w->pushing;
        w->pushing = NULL;
        rc = w->push->finish(w->by->inst, pushing,
                             w->is_stream ? w->stream_length : w->like->pub.shape[0],
                             &w->saving->call, e);
    }
    if (!rc) {
        v = ff_new_persistent(doc, w->by->desc->name, w->by->desc->version, w->uuid, e);
    } else {
        (void)ff_at_task(rc, w->saving->workflow, w->saving->task, e);
    }
    if (w->pushing) {
        w->push->abort(w->by->inst, w->pushing);
        w->pushing = NULL;
    }
    forget(w);
    return v;
}
