/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: elements into a file. Raw chunks go to their places by plain positional writes on
 * the pool; filtered ones are compressed on the pool and handed to libhdf5 one by one.
 */
#include "hdf.h"

#include <hdf5.h>

#include "core/base/region.h"

enum { GROUP_BYTES = 1 << 20, ROW_BYTES = 4096 };

struct fill {
    struct hdf_writer *writer;
    const struct ff_array *array;
    const struct ff_call *call;
    uint64_t per_group; /* chunks in one work item */
    bool packed;        /* the array's memory is laid out as the file is */
};

/* The elements of one chunk. */
struct box {
    int64_t index[FF_MAX_NDIM], start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    bool clipped;
};

static void box_of(const struct hdf_plan *p, uint64_t chunk, struct box *b)
{
    b->clipped = false;
    for (uint32_t i = p->ndim; i-- > 0;) {
        uint64_t grid = (uint64_t)p->grid[i];

        b->index[i] = (int64_t)(chunk % grid);
        chunk /= grid;
        b->start[i] = b->index[i] * p->chunk[i];
        b->count[i] = p->shape[i] - b->start[i];
        if (b->count[i] < p->chunk[i]) {
            b->clipped = true;
        } else {
            b->count[i] = p->chunk[i];
        }
    }
}

static const char *memory_at(const struct ff_array *a, const struct box *b)
{
    const char *at = a->data;

    for (int i = 0; i < a->ndim; i++) {
        at += b->start[i] * a->strides[i];
    }
    return at;
}

static int read_box(const struct fill *f, const struct box *b, unsigned char *dst,
                    struct ff_error *e)
{
    const struct hdf_plan *p = &f->writer->plan;
    struct ff_region region = {b->start, b->count, NULL};
    int64_t strides[FF_MAX_NDIM];

    (void)ff_strides_c(p->ndim, p->chunk, p->item_bytes, strides, NULL);
    if (b->clipped) {
        memset(dst, 0, (size_t)p->chunk_bytes);
    }
    if (f->array->data) {
        (void)ff_copy_strided(p->ndim, b->count, (size_t)p->item_bytes, dst, strides,
                              memory_at(f->array, b), f->array->strides);
        return FF_OK;
    }
    return f->array->read(f->array, &region, dst, strides, f->call, e);
}

static int write_at(const struct hdf_writer *w, uint64_t chunk, const void *data,
                    uint64_t size_bytes, const struct ff_call *call, struct ff_error *e)
{
    return w->files->write(w->files, w->file, w->base + chunk * w->plan.chunk_bytes, data,
                           (size_t)size_bytes, call, e);
}

/* Memory and file agree: the chunks of this group are one run of both. */
static int write_packed(const struct fill *f, uint64_t first, uint64_t count,
                        struct ff_error *e)
{
    const struct hdf_plan *p = &f->writer->plan;
    uint64_t total_bytes =
        (uint64_t)p->shape[0] * (p->chunk_bytes / (uint64_t)p->chunk[0]);
    uint64_t begin = first * p->chunk_bytes, end = begin + count * p->chunk_bytes;

    end = end < total_bytes ? end : total_bytes;
    return write_at(f->writer, first, (const char *)f->array->data + begin, end - begin,
                    f->call, e);
}

/* Rows of a chunk that lie in one piece in memory and in the file. */
struct run {
    uint64_t size_bytes;
    uint32_t axes; /* those before it */
};

static struct run run_of(const struct fill *f, const struct box *b)
{
    const struct hdf_plan *p = &f->writer->plan;
    struct run run = {p->item_bytes, p->ndim};

    while (run.axes > 0 && f->array->strides[run.axes - 1] == (int64_t)run.size_bytes) {
        run.size_bytes *= (uint64_t)b->count[--run.axes];
    }
    return run;
}

static const char *row_at(const struct fill *f, const struct box *b,
                          const struct run *run, uint64_t row)
{
    const char *at = memory_at(f->array, b);

    for (uint32_t i = run->axes; i-- > 0; row /= (uint64_t)b->count[i]) {
        at += (int64_t)(row % (uint64_t)b->count[i]) * f->array->strides[i];
    }
    return at;
}

/* As many rows at a time as `scratch` holds. A file lets in one writer at a time: while one
 * writes, the others gather, and what a writer takes is in the cache. Long rows are written
 * from where they lie. */
static int write_rows(const struct fill *f, uint64_t chunk, const struct box *b,
                      const struct run *run, unsigned char *scratch, struct ff_error *e)
{
    const struct hdf_writer *w = f->writer;
    uint64_t rows = w->plan.chunk_bytes / run->size_bytes;
    uint64_t offset = w->base + chunk * w->plan.chunk_bytes;
    uint64_t at_once = run->size_bytes < GROUP_BYTES ? GROUP_BYTES / run->size_bytes : 1;
    int rc = FF_OK;

    for (uint64_t row = 0, n; rc == FF_OK && row < rows; row += n) {
        const void *from = at_once > 1 ? scratch : (const void *)row_at(f, b, run, row);

        n = rows - row < at_once ? rows - row : at_once;
        for (uint64_t i = 0; at_once > 1 && i < n; i++) {
            memcpy(scratch + i * run->size_bytes, row_at(f, b, run, row + i),
                   (size_t)run->size_bytes);
        }
        rc = w->files->write(w->files, w->file, offset + row * run->size_bytes, from,
                             (size_t)(n * run->size_bytes), f->call, e);
    }
    return rc;
}

static int gather(const struct fill *f, uint64_t first, uint64_t count,
                  unsigned char *scratch, struct ff_error *e)
{
    struct hdf_writer *w = f->writer;
    int rc = FF_OK;

    for (uint64_t i = 0; rc == FF_OK && i < count; i++) {
        struct box b;

        box_of(&w->plan, first + i, &b);
        rc = read_box(f, &b, scratch + i * w->plan.chunk_bytes, e);
    }
    return rc ? rc : write_at(w, first, scratch, count * w->plan.chunk_bytes, f->call, e);
}

static int write_gathered(const struct fill *f, uint64_t first, uint64_t count,
                          struct ff_error *e)
{
    struct hdf_writer *w = f->writer;
    uint64_t size_bytes = count * w->plan.chunk_bytes;
    struct run run = {0, 0};
    bool in_rows = false;
    struct box b;
    unsigned char *scratch;
    int rc;

    if (f->array->data && count == 1) {
        box_of(&w->plan, first, &b);
        run = run_of(f, &b);
        in_rows = !b.clipped && run.size_bytes >= ROW_BYTES;
    }
    scratch = w->inst->pool->borrow(
        w->inst->host, (size_t)(in_rows ? GROUP_BYTES : size_bytes), f->call, e);
    if (!scratch) {
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    rc = in_rows ? write_rows(f, first, &b, &run, scratch, e)
                 : gather(f, first, count, scratch, e);
    w->inst->pool->give_back(w->inst->host, scratch);
    return rc;
}

static int write_raw(const struct fill *f, uint64_t first, uint64_t count,
                     struct ff_error *e)
{
    return f->packed ? write_packed(f, first, count, e)
                     : write_gathered(f, first, count, e);
}

static int write_filtered(const struct fill *f, uint64_t first, uint64_t count,
                          struct ff_error *e)
{
    struct hdf_writer *w = f->writer;
    size_t room = hdf_filter_room(w->plan.chunk_bytes);
    unsigned char *scratch = w->inst->pool->borrow(w->inst->host, 3 * room, f->call, e);
    int rc = FF_OK;

    if (!scratch) {
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    for (uint64_t i = 0; rc == FF_OK && i < count; i++) {
        struct box b;

        box_of(&w->plan, first + i, &b);
        rc = read_box(f, &b, scratch, e);
        rc = rc ? rc : hdf_writer_chunk(w, b.index, scratch, scratch + room, f->call, e);
    }
    w->inst->pool->give_back(w->inst->host, scratch);
    return rc;
}

static int write_group(void *ctx, uint64_t group, struct ff_error *e)
{
    const struct fill *f = ctx;
    struct hdf_writer *w = f->writer;
    uint64_t first = group * f->per_group, count = w->plan.chunk_count - first, done;
    int rc;

    count = count < f->per_group ? count : f->per_group;
    if (ff_cancelled(f->call)) {
        return ff_fail(e, FF_E_CANCELLED, w->place, "cancelled");
    }
    rc = w->plan.through_index ? write_filtered(f, first, count, e)
                               : write_raw(f, first, count, e);
    if (rc == FF_OK) {
        done = atomic_fetch_add(&w->done_bytes, count * w->plan.chunk_bytes);
        ff_progress(f->call, done + count * w->plan.chunk_bytes,
                    w->plan.chunk_count * w->plan.chunk_bytes);
    }
    return rc;
}

/* Whether each chunk is whole rows of the array, and memory is packed. */
static bool is_packed(const struct hdf_plan *p, const struct ff_array *a)
{
    if (!a->data || !ff_strides_are_c(p->ndim, p->shape, p->item_bytes, a->strides)) {
        return false;
    }
    for (uint32_t i = 1; i < p->ndim; i++) {
        if (p->chunk[i] != p->shape[i]) {
            return false;
        }
    }
    return p->ndim > 0;
}

int hdf_writer_fill(struct hdf_writer *w, const struct ff_array *a,
                    const struct ff_call *call, struct ff_error *e)
{
    struct fill f = {w, a, call, 1, is_packed(&w->plan, a)};
    uint64_t size_bytes = w->plan.chunk_bytes;

    if (w->plan.stream) {
        return ff_fail(e, FF_E_USAGE, w->place, "the length of axis 0 is not known");
    }
    if (w->plan.chunk_count == 0) {
        return FF_OK;
    }
    if (!a->data && !a->read) {
        return ff_fail(e, FF_E_USAGE, w->place, "a description without elements");
    }
    f.per_group = size_bytes < GROUP_BYTES ? GROUP_BYTES / size_bytes : 1;
    return w->inst->pool->for_each(w->inst->host,
                                   (w->plan.chunk_count - 1) / f.per_group + 1,
                                   write_group, &f, call, e);
}

struct chunk_write {
    const int64_t *index;
    const void *data;
    size_t size_bytes;
    uint32_t skipped;
};

static int give_chunk(struct hdf_writer *w, const void *ctx)
{
    const struct chunk_write *c = ctx;
    hsize_t first[FF_MAX_NDIM], shape[FF_MAX_NDIM];
    bool ok = true;

    for (uint32_t i = 0; i < w->plan.ndim; i++) {
        first[i] = (hsize_t)(c->index[i] * w->plan.chunk[i]);
        shape[i] = (hsize_t)w->plan.shape[i];
    }
    if (w->plan.stream && (int64_t)first[0] + w->plan.chunk[0] > w->extent) {
        w->extent = (int64_t)first[0] + w->plan.chunk[0];
        shape[0] = (hsize_t)w->extent;
        ok = H5Dset_extent(w->h5_dataset, shape) >= 0;
    }
    ok = ok && H5Dwrite_chunk(w->h5_dataset, H5P_DEFAULT, c->skipped, first,
                              c->size_bytes, c->data) >= 0;
    return hdf_outcome(w->io, ok, FF_E_OTHER, w->place, "cannot write a chunk");
}

int hdf_writer_chunk(struct hdf_writer *w, const int64_t *index, const void *packed,
                     uint8_t *spare, const struct ff_call *call, struct ff_error *e)
{
    const struct hdf_plan *p = &w->plan;
    struct chunk_write c = {index, packed, (size_t)p->chunk_bytes, 0};
    const uint8_t *out = packed;
    uint64_t chunk = 0;
    int rc = FF_OK;

    if (!p->through_index) {
        for (uint32_t i = 0; i < p->ndim; i++) {
            chunk = chunk * (uint64_t)p->grid[i] + (uint64_t)index[i];
        }
        return write_at(w, chunk, packed, p->chunk_bytes, call, e);
    }
    if (p->options.level) {
        rc = hdf_filter_encode(&p->options, p->item_bytes, packed, c.size_bytes, spare,
                               spare + hdf_filter_room(p->chunk_bytes), &out,
                               &c.size_bytes, &c.skipped, w->place, e);
        c.data = out;
    }
    return rc ? rc : hdf_writer_library(w, give_chunk, &c, call, e);
}
