/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: elements into objects. Every chunk of the shape is written, whatever it holds; the
 * metadata comes last.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

enum { LOCAL_GROUP_BYTES = 1 << 20 };

struct fill {
    struct zarr_writer *writer;
    const struct ff_array *array;
    const struct ff_call *call;
    uint64_t per_group; /* objects in one work item */
};

void zarr_box_at(const struct zarr_meta *m, const int64_t *index, struct zarr_box *b)
{
    b->clipped = b->outside = false;
    for (uint32_t i = 0; i < m->ndim; i++) {
        b->start[i] = index[i] * m->chunk[i];
        b->count[i] = m->shape[i] - b->start[i];
        b->outside = b->outside || b->count[i] <= 0;
        if (b->count[i] < m->chunk[i]) {
            b->clipped = true;
        } else {
            b->count[i] = m->chunk[i];
        }
    }
}

int zarr_box_read(const struct zarr_meta *m, const struct ff_array *a,
                  const struct zarr_box *b, uint8_t *dst, const struct ff_call *call,
                  struct ff_error *e)
{
    struct ff_region region = {b->start, b->count, NULL};
    int64_t strides[FF_MAX_NDIM];
    const char *from = a->data;

    (void)ff_strides_c(m->ndim, m->chunk, m->dtype->item_bytes, strides, NULL);
    if (b->clipped) {
        memset(dst, 0, (size_t)m->chunk_bytes);
    }
    if (!from) {
        return a->read(a, &region, dst, strides, call, e);
    }
    for (uint32_t i = 0; i < m->ndim; i++) {
        from += b->start[i] * a->strides[i];
    }
    (void)ff_copy_strided(m->ndim, b->count, (size_t)m->dtype->item_bytes, dst, strides,
                          from, a->strides);
    return FF_OK;
}

/* ---- putting ---- */

static int from_memory(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *call, struct ff_error *e)
{
    (void)call;
    (void)e;
    memcpy(dst, (const char *)ctx + offset, size_bytes);
    return FF_OK;
}

static int put(const struct zarr_writer *w, const int64_t *index, ff_read_at *source,
               void *ctx, size_t size_bytes, const struct ff_call *call,
               struct ff_error *e)
{
    char key[ZARR_KEY_BYTES];

    zarr_key(&w->meta, w->name, index, key);
    return ff_put_bytes(w->objects, key, size_bytes, source, ctx, call, e);
}

int zarr_writer_put(const struct zarr_writer *w, const int64_t *index, const void *data,
                    size_t size_bytes, const struct ff_call *call, struct ff_error *e)
{
    return put(w, index, from_memory, (void *)(uintptr_t)data, size_bytes, call, e);
}

/* A raw chunk straight from the array's memory: the bytes of rows as they are asked for. */
struct rows {
    const struct zarr_meta *m;
    const struct ff_array *a;
    struct zarr_box box;
    uint32_t axes;      /* before these axes, elements are one run in memory */
    uint64_t run_bytes; /* of it */
};

static void rows_of(struct rows *r, const struct zarr_meta *m, const struct ff_array *a)
{
    r->m = m;
    r->a = a;
    r->axes = m->ndim;
    r->run_bytes = m->dtype->item_bytes;
    while (r->axes > 0 && a->strides[r->axes - 1] == (int64_t)r->run_bytes) {
        r->run_bytes *= (uint64_t)m->chunk[--r->axes];
    }
}

static const char *row_at(const struct rows *r, uint64_t row)
{
    const char *at = r->a->data;

    for (uint32_t i = r->m->ndim; i-- > 0;) {
        int64_t index = r->box.start[i];

        if (i < r->axes) {
            index += (int64_t)(row % (uint64_t)r->m->chunk[i]);
            row /= (uint64_t)r->m->chunk[i];
        }
        at += index * r->a->strides[i];
    }
    return at;
}

static int from_rows(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                     const struct ff_call *call, struct ff_error *e)
{
    const struct rows *r = ctx;
    char *to = dst;

    (void)call;
    (void)e;
    while (size_bytes) {
        uint64_t row = offset / r->run_bytes, skip = offset % r->run_bytes;
        size_t n = (size_t)(r->run_bytes - skip);

        n = n < size_bytes ? n : size_bytes;
        memcpy(to, row_at(r, row) + skip, n);
        to += n;
        offset += n;
        size_bytes -= n;
    }
    return FF_OK;
}

/* ---- encoding ---- */

static int write_chunk(const struct fill *f, const int64_t *index, uint8_t *scratch,
                       struct ff_error *e)
{
    const struct zarr_writer *w = f->writer;
    const struct zarr_meta *m = &w->meta;
    size_t plain_bytes = (m->chain.most_bytes[0] + 63) / 64 * 64, size_bytes = 0;
    const uint8_t *out = NULL;
    struct zarr_box b;
    int rc;

    zarr_box_at(m, index, &b);
    rc = zarr_box_read(m, f->array, &b, scratch, f->call, e);
    rc = rc ? rc
            : zarr_chain_encode(&m->chain, scratch, scratch + plain_bytes, &out,
                                &size_bytes, w->name, e);
    return rc ? rc : zarr_writer_put(w, index, out, size_bytes, f->call, e);
}

static bool is_plain(const struct fill *f)
{
    return f->writer->meta.chain.count == 0 && f->array->data;
}

/* FF_DECLINED: this chunk has to be gathered. */
static int write_rows(const struct fill *f, const int64_t *index, struct ff_error *e)
{
    const struct zarr_meta *m = &f->writer->meta;
    struct rows r;

    zarr_box_at(m, index, &r.box);
    rows_of(&r, m, f->array);
    if (r.box.clipped || r.run_bytes < 64) {
        return FF_DECLINED;
    }
    return put(f->writer, index, from_rows, &r, (size_t)m->chunk_bytes, f->call, e);
}

/* All chunks of a shard one behind the other, then the index. */
static int build_shard(const struct fill *f, const int64_t *index, uint8_t *scratch,
                       uint8_t *shard, struct zarr_entry *entries, size_t *size_bytes,
                       struct ff_error *e)
{
    const struct zarr_meta *m = &f->writer->meta;
    size_t plain_bytes = (m->chain.most_bytes[0] + 63) / 64 * 64;
    int rc = FF_OK;

    *size_bytes = 0;
    for (uint64_t n = 0; rc == FF_OK && n < m->shards.count; n++) {
        int64_t chunk[FF_MAX_NDIM];
        uint64_t rest = n;
        const uint8_t *out;
        size_t out_bytes;
        struct zarr_box b;

        for (uint32_t i = m->ndim; i-- > 0;) {
            chunk[i] = index[i] * m->shards.grid[i] +
                       (int64_t)(rest % (uint64_t)m->shards.grid[i]);
            rest /= (uint64_t)m->shards.grid[i];
        }
        zarr_box_at(m, chunk, &b);
        entries[n] = (struct zarr_entry){ZARR_EMPTY, ZARR_EMPTY};
        if (b.outside) {
            continue;
        }
        rc = zarr_box_read(m, f->array, &b, scratch, f->call, e);
        rc = rc ? rc
                : zarr_chain_encode(&m->chain, scratch, scratch + plain_bytes, &out,
                                    &out_bytes, f->writer->name, e);
        if (rc == FF_OK) {
            memcpy(shard + *size_bytes, out, out_bytes);
            entries[n] = (struct zarr_entry){*size_bytes, out_bytes};
            *size_bytes += out_bytes;
        }
    }
    zarr_index_print(m, entries, shard + *size_bytes);
    *size_bytes += m->shards.index_bytes;
    return rc;
}

static int write_shard(const struct fill *f, const int64_t *index, uint8_t *scratch,
                       struct ff_error *e)
{
    const struct zarr_meta *m = &f->writer->meta;
    struct zarr_entry *entries =
        ff_realloc_array(NULL, (size_t)m->shards.count, sizeof *entries);
    size_t chunk_bytes =
        (m->chain.most_bytes[0] + 63) / 64 * 64 + 2 * zarr_chain_spare(&m->chain);
    uint8_t *shard = scratch + chunk_bytes;
    size_t size_bytes = 0;
    int rc = entries ? build_shard(f, index, scratch, shard, entries, &size_bytes, e)
                     : ff_fail(e, FF_E_NO_MEMORY, f->writer->name, "out of memory");

    rc = rc ? rc : zarr_writer_put(f->writer, index, shard, size_bytes, f->call, e);
    ff_free(entries);
    return rc;
}

static size_t scratch_bytes(const struct zarr_meta *m)
{
    size_t n = (m->chain.most_bytes[0] + 63) / 64 * 64 + 2 * zarr_chain_spare(&m->chain);

    return n + (m->sharded ? m->shards.outer.most_bytes[0] : 0);
}

static int write_object(const struct fill *f, uint64_t object, uint8_t **scratch,
                        struct ff_error *e)
{
    struct zarr_writer *w = f->writer;
    int64_t index[FF_MAX_NDIM];
    int rc = FF_DECLINED;

    for (uint32_t i = w->meta.ndim; i-- > 0;) {
        index[i] = (int64_t)(object % (uint64_t)w->grid[i]);
        object /= (uint64_t)w->grid[i];
    }
    if (!w->meta.sharded && is_plain(f)) {
        rc = write_rows(f, index, e);
    }
    if (rc == FF_DECLINED && !*scratch) {
        *scratch =
            w->inst->pool->borrow(w->inst->host, scratch_bytes(&w->meta), f->call, e);
        if (!*scratch) {
            return e && e->code ? e->code : FF_E_NO_MEMORY;
        }
    }
    if (rc == FF_DECLINED) {
        rc = w->meta.sharded ? write_shard(f, index, *scratch, e)
                             : write_chunk(f, index, *scratch, e);
    }
    return rc;
}

static int write_group(void *ctx, uint64_t group, struct ff_error *e)
{
    const struct fill *f = ctx;
    struct zarr_writer *w = f->writer;
    uint64_t begin = group * f->per_group, end = begin + f->per_group, done, bytes;
    uint8_t *scratch = NULL;
    int rc = FF_OK;

    end = end < w->object_count ? end : w->object_count;
    if (ff_cancelled(f->call)) {
        return ff_fail(e, FF_E_CANCELLED, w->name, "cancelled");
    }
    for (uint64_t i = begin; rc == FF_OK && i < end; i++) {
        rc = write_object(f, i, &scratch, e);
    }
    if (scratch) {
        w->inst->pool->give_back(w->inst->host, scratch);
    }
    if (rc == FF_OK) {
        bytes = w->meta.chunk_bytes * (w->meta.sharded ? w->meta.shards.count : 1);
        done = atomic_fetch_add(&w->done_bytes, (end - begin) * bytes);
        ff_progress(f->call, done + (end - begin) * bytes, w->object_count * bytes);
    }
    return rc;
}

int zarr_writer_fill(struct zarr_writer *w, const struct ff_array *a,
                     const struct ff_call *call, struct ff_error *e)
{
    struct fill f = {w, a, call, 1};
    uint64_t size_bytes = w->meta.chunk_bytes;

    if (w->stream) {
        return ff_fail(e, FF_E_USAGE, w->name, "the length of axis 0 is not known");
    }
    if (w->object_count == 0) {
        return FF_OK;
    }
    if (!a->data && !a->read) {
        return ff_fail(e, FF_E_USAGE, w->name, "a description without elements");
    }
    if (w->local && !w->meta.sharded && size_bytes < LOCAL_GROUP_BYTES) {
        f.per_group = LOCAL_GROUP_BYTES / size_bytes;
    }
    return w->inst->pool->for_each(w->inst->host, (w->object_count - 1) / f.per_group + 1,
                                   write_group, &f, call, e);
}

/* ---- the metadata ---- */

static int put_doc(const struct zarr_writer *w, const char *name,
                   int (*print)(const struct zarr_writer *, struct ff_buf *),
                   struct ff_buf *text, const struct ff_call *call, struct ff_error *e)
{
    char key[ZARR_NAME_BYTES + 16];
    int rc = print(w, text);

    (void)snprintf(key, sizeof key, "%s/%s", w->name, name);
    return rc ? ff_fail(e, FF_E_NO_MEMORY, key, "no memory for the metadata")
              : zarr_put_text(w->objects, key, ff_buf_text(text), text->length_bytes, "",
                              call, e);
}

int zarr_writer_finish(struct zarr_writer *w, int64_t length, const struct ff_call *call,
                       struct ff_error *e)
{
    bool second = w->formats & 1u << 2, third = w->formats & 1u << 3;
    struct ff_buf attributes, array2, array3;
    int rc = FF_OK;

    ff_buf_init(&attributes, ZARR_TEXT_MAX);
    ff_buf_init(&array2, ZARR_TEXT_MAX);
    ff_buf_init(&array3, ZARR_TEXT_MAX);
    if (w->stream) {
        w->meta.shape[0] = length;
    }
    if (second) {
        rc = put_doc(w, ".zattrs", zarr_print_attributes, &attributes, call, e);
        rc = rc ? rc : put_doc(w, ".zarray", zarr_print2, &array2, call, e);
    }
    if (rc == FF_OK && third) {
        rc = put_doc(w, "zarr.json", zarr_print3, &array3, call, e);
    }
    rc = rc ? rc
            : zarr_group_add(w, second ? ff_buf_text(&array2) : NULL,
                             second ? ff_buf_text(&attributes) : NULL,
                             third ? ff_buf_text(&array3) : NULL, call, e);
    ff_buf_free(&attributes);
    ff_buf_free(&array2);
    ff_buf_free(&array3);
    zarr_writer_free(w);
    return rc;
}

int zarr_pickle(struct hdf_inst *inst, const struct ff_array *a,
                const struct ff_protocols *protocols, const char *uuid,
                const struct ff_call *call, struct ff_error *e)
{
    struct zarr_writer *w;
    int rc = zarr_writer_open(inst, a, protocols, uuid, call, &w, e);

    if (rc) {
        return rc;
    }
    rc = zarr_writer_fill(w, a, call, e);
    if (rc) {
        zarr_writer_free(w);
        return rc;
    }
    return zarr_writer_finish(w, -1, call, e);
}
