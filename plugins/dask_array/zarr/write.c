/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: elements into objects. Every chunk of the shape is written, whatever it holds; the
 * metadata comes last.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

enum {
    LOCAL_GROUP_BYTES = 1 << 20,
    REMOTE_GROUP_BYTES = 32 << 20, /* under way at once, for each thread */
    GROUP_MAX = 32
};

struct fill {
    struct zarr_writer *writer;
    const struct ff_array *array;
    const struct zarr_array *kin; /* whose objects are moved, or NULL */
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

/* ---- encoding ---- */

/* Objects that are put together: one on a local medium. */
struct window {
    const struct fill *f;
    uint8_t *scratch; /* for encoding; then the slots */
    uint64_t size, count;
    struct zarr_put *puts;
    struct zarr_rows *rows;
};

/* A chunk's plain bytes, then what its chain needs. */
static size_t chunk_scratch(const struct zarr_meta *m)
{
    return (m->chain.most_bytes[0] + 63) / 64 * 64 + 2 * zarr_chain_spare(&m->chain);
}

/* The most that an object has, stored. */
static size_t object_most(const struct zarr_meta *m)
{
    size_t n =
        m->sharded ? m->shards.outer.most_bytes[0] : m->chain.most_bytes[m->chain.count];

    return (n + 63) / 64 * 64;
}

static uint8_t *slot_of(const struct window *w)
{
    const struct zarr_meta *m = &w->f->writer->meta;

    return w->scratch + chunk_scratch(m) + w->count * object_most(m);
}

static int encode_box(const struct fill *f, const struct zarr_box *b, uint8_t *scratch,
                      const uint8_t **out, size_t *out_bytes, struct ff_error *e)
{
    const struct zarr_meta *m = &f->writer->meta;
    size_t plain_bytes = (m->chain.most_bytes[0] + 63) / 64 * 64;
    int rc = zarr_box_read(m, f->array, b, scratch, f->call, e);

    return rc ? rc
              : zarr_chain_encode(&m->chain, scratch, scratch + plain_bytes, out,
                                  out_bytes, f->writer->name, e);
}

/* One that waits for others has to leave the scratch memory. */
static int encode_chunk(struct window *w, const int64_t *index, const uint8_t **out,
                        size_t *out_bytes, struct ff_error *e)
{
    struct zarr_box b;
    int rc;

    zarr_box_at(&w->f->writer->meta, index, &b);
    rc = encode_box(w->f, &b, w->scratch, out, out_bytes, e);
    if (rc == FF_OK && w->size > 1) {
        memcpy(slot_of(w), *out, *out_bytes);
        *out = slot_of(w);
    }
    return rc;
}

/* All chunks of a shard one behind the other, then the index. */
static int build_shard(const struct window *w, const int64_t *index, uint8_t *shard,
                       struct zarr_entry *entries, size_t *size_bytes, struct ff_error *e)
{
    const struct zarr_meta *m = &w->f->writer->meta;
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
        rc = encode_box(w->f, &b, w->scratch, &out, &out_bytes, e);
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

static int encode_shard(struct window *w, const int64_t *index, const uint8_t **out,
                        size_t *out_bytes, struct ff_error *e)
{
    const struct zarr_writer *writer = w->f->writer;
    struct zarr_entry *entries =
        ff_realloc_array(NULL, (size_t)writer->meta.shards.count, sizeof *entries);
    int rc = entries ? build_shard(w, index, slot_of(w), entries, out_bytes, e)
                     : ff_fail(e, FF_E_NO_MEMORY, writer->name, "out of memory");

    *out = slot_of(w);
    ff_free(entries);
    return rc;
}

static int take_scratch(struct window *w, struct ff_error *e)
{
    const struct zarr_writer *writer = w->f->writer;
    const struct zarr_meta *m = &writer->meta;
    size_t slots = w->size > 1 || m->sharded ? (size_t)w->size * object_most(m) : 0;

    if (!w->scratch) {
        w->scratch = writer->inst->pool->borrow(writer->inst->host,
                                                chunk_scratch(m) + slots, w->f->call, e);
    }
    return w->scratch ? FF_OK : e && e->code ? e->code : FF_E_NO_MEMORY;
}

static int flush(struct window *w, struct ff_error *e)
{
    int rc =
        w->count ? zarr_puts_run(w->f->writer, w->puts, w->count, w->f->call, e) : FF_OK;

    w->count = 0;
    return rc;
}

static void index_of(const struct zarr_writer *w, uint64_t object, int64_t *index)
{
    for (uint32_t i = w->meta.ndim; i-- > 0;) {
        index[i] = (int64_t)(object % (uint64_t)w->grid[i]);
        object /= (uint64_t)w->grid[i];
    }
}

static int add_object(struct window *w, uint64_t object, struct ff_error *e)
{
    const struct zarr_writer *writer = w->f->writer;
    const struct zarr_meta *m = &writer->meta;
    struct zarr_rows *rows = &w->rows[w->count];
    struct zarr_put *put = &w->puts[w->count];
    int64_t index[FF_MAX_NDIM] = {0};
    const uint8_t *out = NULL;
    size_t out_bytes = 0;
    int rc;

    index_of(writer, object, index);
    if (zarr_rows_fit(rows, m, w->f->array, index)) {
        zarr_put_init(put, writer, index, zarr_rows_read, rows, (size_t)m->chunk_bytes);
        w->count++;
        return FF_OK;
    }
    rc = take_scratch(w, e);
    rc = rc           ? rc
         : m->sharded ? encode_shard(w, index, &out, &out_bytes, e)
                      : encode_chunk(w, index, &out, &out_bytes, e);
    if (rc == FF_OK) {
        zarr_put_init(put, writer, index, NULL, out, out_bytes);
        w->count++;
    }
    return rc;
}

static int write_objects(const struct fill *f, uint64_t begin, uint64_t end,
                         struct ff_error *e)
{
    struct window w = {.f = f, .size = f->writer->local ? 1 : end - begin};
    int rc = FF_OK;

    w.puts = ff_realloc_array(NULL, (size_t)w.size, sizeof *w.puts);
    w.rows = ff_realloc_array(NULL, (size_t)w.size, sizeof *w.rows);
    if (!w.puts || !w.rows) {
        rc = ff_fail(e, FF_E_NO_MEMORY, f->writer->name, "out of memory");
    }
    for (uint64_t i = begin; rc == FF_OK && i < end; i++) {
        rc = add_object(&w, i, e);
        if (rc == FF_OK && w.count == w.size) {
            rc = flush(&w, e);
        }
    }
    rc = rc ? rc : flush(&w, e);
    if (w.scratch) {
        f->writer->inst->pool->give_back(f->writer->inst->host, w.scratch);
    }
    ff_free(w.puts);
    ff_free(w.rows);
    return rc;
}

/* ---- moving ---- */

static int put_moved(const struct fill *f, const struct zarr_moving *all, uint64_t begin,
                     uint64_t count, struct ff_error *e)
{
    const struct zarr_writer *w = f->writer;
    struct zarr_put *puts = ff_realloc_array(NULL, (size_t)count, sizeof *puts);
    uint64_t here = 0;
    int rc = puts ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, w->name, "out of memory");

    for (uint64_t i = 0; rc == FF_OK && i < count; i++) {
        int64_t index[FF_MAX_NDIM] = {0};

        index_of(w, begin + i, index);
        if (all[i].code == FF_OK) {
            zarr_put_init(&puts[here++], w, index, NULL, all[i].data,
                          (size_t)all[i].io.size_bytes);
        }
    }
    rc = rc || !here ? rc : zarr_puts_run(w, puts, here, f->call, e);
    ff_free(puts);
    return rc;
}

static int move_all(const struct fill *f, struct zarr_moving *all, uint64_t begin,
                    uint64_t count, struct ff_error *e)
{
    struct hdf_inst *inst = f->writer->inst;
    size_t most = object_most(&f->writer->meta);
    uint8_t *data = inst->pool->borrow(inst->host, (size_t)count * most, f->call, e);
    int rc;

    if (!data) {
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    for (uint64_t i = 0; i < count; i++) {
        int64_t index[FF_MAX_NDIM] = {0};

        index_of(f->writer, begin + i, index);
        zarr_moving_init(&all[i], f->kin, index, data + i * most, most);
    }
    rc = zarr_moving_get(f->kin, all, count, f->call, e);
    rc = rc ? rc : put_moved(f, all, begin, count, e);
    inst->pool->give_back(inst->host, data);
    return rc;
}

/* What is not there, because it is fill, is written from its elements. */
static int move_objects(const struct fill *f, uint64_t begin, uint64_t end,
                        struct ff_error *e)
{
    struct zarr_moving *all = ff_realloc_array(NULL, (size_t)(end - begin), sizeof *all);
    int rc = all ? move_all(f, all, begin, end - begin, e)
                 : ff_fail(e, FF_E_NO_MEMORY, f->writer->name, "out of memory");

    for (uint64_t i = begin; rc == FF_OK && i < end; i++) {
        if (all[i - begin].code == FF_E_NOT_FOUND) {
            rc = write_objects(f, i, i + 1, e);
        }
    }
    ff_free(all);
    return rc;
}

static uint64_t object_bytes(const struct zarr_meta *m)
{
    return m->chunk_bytes * (m->sharded ? m->shards.count : 1);
}

static int write_group(void *ctx, uint64_t group, struct ff_error *e)
{
    const struct fill *f = ctx;
    struct zarr_writer *w = f->writer;
    uint64_t begin = group * f->per_group, end = begin + f->per_group, done, bytes;
    int rc;

    end = end < w->object_count ? end : w->object_count;
    if (ff_cancelled(f->call)) {
        return ff_fail(e, FF_E_CANCELLED, w->name, "cancelled");
    }
    rc = (f->kin ? move_objects : write_objects)(f, begin, end, e);
    if (rc == FF_OK) {
        bytes = (end - begin) * object_bytes(&w->meta);
        done = atomic_fetch_add(&w->done_bytes, bytes);
        ff_progress(f->call, done + bytes, w->object_count * object_bytes(&w->meta));
    }
    return rc;
}

/* How many objects one work item has. */
static uint64_t group_size(const struct zarr_writer *w, const struct zarr_array *kin)
{
    bool local = w->local && (!kin || kin->local);
    uint64_t wanted = local ? LOCAL_GROUP_BYTES : REMOTE_GROUP_BYTES;
    uint64_t n = wanted / object_bytes(&w->meta);

    if (!local && n > w->object_count / w->inst->host->threads) {
        n = w->object_count / w->inst->host->threads;
    }
    return n < 1 ? 1 : n < GROUP_MAX ? n : GROUP_MAX;
}

int zarr_writer_fill(struct zarr_writer *w, const struct ff_array *a,
                     const struct ff_call *call, struct ff_error *e)
{
    struct fill f = {w, a, zarr_kin(w, a), call, 1};

    if (w->stream) {
        return ff_fail(e, FF_E_USAGE, w->name, "the length of axis 0 is not known");
    }
    if (w->object_count == 0) {
        return FF_OK;
    }
    if (!a->data && !a->read) {
        return ff_fail(e, FF_E_USAGE, w->name, "a description without elements");
    }
    f.per_group = group_size(w, f.kin);
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
