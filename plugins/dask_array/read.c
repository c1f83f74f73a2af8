/* SPDX-License-Identifier: Apache-2.0 */
/* read.c: regions of a stored array into the caller's memory. The chunks that a region touches
 * are read on the pool, each on its own; of a raw chunk, only what is needed.
 */
#include "hdf.h"

#include "core/base/checked.h"
#include "core/base/region.h"

enum {
    PARALLEL_BYTES = 256 << 10, /* smaller reads stay on this thread */
    GROUP_BYTES = 1 << 20,
    NEAR_BYTES = 64 << 10,      /* a span this short is read whole, holes and all */
    HOLES_FACTOR = 4,           /* so is one that is not mostly holes */
    ROW_BYTES = 4096,           /* rows this long are read in place, */
    ROW_PAST_BYTES = 256 << 10, /* this long where the region does not fit the caches */
    SPANS_MAX = 512,
    PIECE_BYTES = 1 << 20, /* others by way of memory that stays in a cache */
    PAST_BYTES = 8 << 20,  /* a region this large does not fit the caches */
    BOMB_FACTOR = 1100     /* deflate makes at most 1032 bytes of one */
};

struct job {
    const struct hdf_array *a;
    const struct ff_region *region;
    char *dst;
    const int64_t *dst_strides;
    const struct ff_call *call;
    int64_t first[FF_MAX_NDIM]; /* the touched part of the grid */
    int64_t count[FF_MAX_NDIM];
    uint64_t chunk_count, per_group;
    int64_t strides[FF_MAX_NDIM]; /* within a chunk */
    bool past;                    /* the caches: see ff_copy_strided_past() */
};

/* What one read of a chunk's part needs. */
struct piece {
    const struct job *job;
    const struct hdf_entry *entry;
    const int64_t *count; /* of the axes that are read together: from `axis` on */
    uint32_t axis;
    int64_t src_strides[FF_MAX_NDIM], dst_strides[FF_MAX_NDIM];
    uint64_t span_bytes, needed_bytes;
    uint32_t run_axis; /* from here on both sides are one run */
    uint64_t run_bytes;
};

int hdf_raw_read(const struct hdf_array *a, const struct hdf_entry *entry,
                 uint64_t offset, void *dst, size_t size_bytes,
                 const struct ff_call *call, struct ff_error *e)
{
    if (a->set.layout == HDF_INLINE) {
        memcpy(dst, a->set.inline_data + entry->address + offset, size_bytes);
        return FF_OK;
    }
    return a->file.files->read(a->file.files, a->file.file, entry->address + offset, dst,
                               size_bytes, call, e);
}

static void describe_run(struct piece *p, uint32_t ndim)
{
    p->run_axis = ndim;
    p->run_bytes = p->job->a->set.dtype->item_bytes;
    while (p->run_axis > p->axis &&
           p->src_strides[p->run_axis - 1] == (int64_t)p->run_bytes &&
           p->dst_strides[p->run_axis - 1] == (int64_t)p->run_bytes) {
        p->run_axis--;
        p->run_bytes *= (uint64_t)p->count[p->run_axis];
    }
}

/* The first byte to the last, and how many of them are wanted, of the axes from `axis` on. */
static void measure(struct piece *p, uint32_t ndim)
{
    uint64_t item = p->job->a->set.dtype->item_bytes;

    p->needed_bytes = item;
    p->span_bytes = item;
    for (uint32_t i = p->axis; i < ndim; i++) {
        p->needed_bytes *= (uint64_t)p->count[i];
        p->span_bytes += (uint64_t)((p->count[i] - 1) * p->src_strides[i]);
    }
}

static int read_rows(const struct piece *p, uint64_t offset, char *dst,
                     struct ff_error *e)
{
    const struct job *j = p->job;
    const struct ff_files *files = j->a->file.files;
    struct ff_span spans[SPANS_MAX];
    int64_t at[FF_MAX_NDIM] = {0};
    uint64_t rows = p->needed_bytes / p->run_bytes;
    int rc = FF_OK;

    for (uint64_t row = 0; rc == FF_OK && row < rows;) {
        size_t n = 0;

        for (; n < SPANS_MAX && row < rows; n++, row++) {
            char *to = dst;

            for (uint32_t i = p->axis; i < p->run_axis; i++) {
                to += at[i] * p->dst_strides[i];
            }
            spans[n] = (struct ff_span){to, (size_t)p->run_bytes};
            for (uint32_t i = p->run_axis; i-- > p->axis && ++at[i] == p->count[i];) {
                at[i] = 0;
            }
        }
        rc = files->read_spans(files, j->a->file.file, p->entry->address + offset, spans,
                               n, j->call, e);
        offset += n * p->run_bytes;
    }
    return rc;
}

static void copy_out(const struct job *j, uint32_t ndim, const int64_t *count, char *dst,
                     const int64_t *dst_strides, const void *src,
                     const int64_t *src_strides)
{
    size_t item_bytes = (size_t)j->a->set.dtype->item_bytes;

    (void)(j->past ? ff_copy_strided_past : ff_copy_strided)(
        ndim, count, item_bytes, dst, dst_strides, src, src_strides);
}

/* A few rows of the first axis at a time. */
static int read_and_copy(const struct piece *p, uint64_t offset, char *dst, uint32_t ndim,
                         struct ff_error *e)
{
    const struct hdf_array *a = p->job->a;
    const int64_t *count = p->count + p->axis, *src_strides = p->src_strides + p->axis;
    uint64_t step = (uint64_t)src_strides[0];
    uint64_t row_bytes = p->span_bytes - (uint64_t)(count[0] - 1) * step;
    int64_t rows = step < PIECE_BYTES ? (int64_t)(PIECE_BYTES / step) : 1;
    int64_t part[FF_MAX_NDIM];
    struct hdf_scratch *s;
    int rc = FF_OK;

    rows = rows < count[0] ? rows : count[0];
    s = hdf_scratch_take(a->inst, (size_t)((uint64_t)(rows - 1) * step + row_bytes), e);
    if (!s) {
        return FF_E_NO_MEMORY;
    }
    memcpy(part, count, (ndim - p->axis) * sizeof *part);
    for (int64_t i = 0; rc == FF_OK && i < count[0]; i += rows) {
        part[0] = rows < count[0] - i ? rows : count[0] - i;
        rc = hdf_raw_read(a, p->entry, offset + (uint64_t)i * step, s->data,
                          (size_t)((uint64_t)(part[0] - 1) * step + row_bytes),
                          p->job->call, e);
        if (rc == FF_OK) {
            copy_out(p->job, ndim - p->axis, part, dst + i * p->dst_strides[p->axis],
                     p->dst_strides + p->axis, s->data, src_strides);
        }
    }
    hdf_scratch_give(a->inst, s);
    return rc;
}

static int read_piece(const struct piece *p, uint64_t offset, char *dst, uint32_t ndim,
                      struct ff_error *e)
{
    bool dense = p->needed_bytes == p->span_bytes;

    if (p->run_bytes == p->needed_bytes) {
        return hdf_raw_read(p->job->a, p->entry, offset, dst, (size_t)p->run_bytes,
                            p->job->call, e);
    }
    if (dense && p->run_bytes >= (p->job->past ? ROW_PAST_BYTES : ROW_BYTES) &&
        p->job->a->set.layout != HDF_INLINE) {
        return read_rows(p, offset, dst, e);
    }
    return read_and_copy(p, offset, dst, ndim, e);
}

/* Axes before `axis` are walked one by one, the others read together: as many as do not make
 * the span mostly holes. */
static int read_raw(const struct job *j, const struct hdf_entry *entry,
                    const struct ff_chunk_part *part, char *dst, struct ff_error *e)
{
    uint32_t ndim = j->a->set.ndim;
    struct piece p = {.job = j, .entry = entry, .count = part->count};
    int64_t at[FF_MAX_NDIM] = {0};
    uint64_t base = 0;
    bool more = true;
    int rc = FF_OK;

    for (uint32_t i = 0; i < ndim; i++) {
        int64_t step = j->region->step ? j->region->step[i] : 1;

        p.src_strides[i] = step * j->strides[i];
        p.dst_strides[i] = j->dst_strides[i];
        base += (uint64_t)(part->first[i] * j->strides[i]);
    }
    for (measure(&p, ndim); p.axis < ndim && p.span_bytes > NEAR_BYTES &&
                            p.span_bytes / HOLES_FACTOR > p.needed_bytes;
         measure(&p, ndim)) {
        p.axis++;
    }
    describe_run(&p, ndim);
    while (rc == FF_OK && more) {
        uint64_t offset = base;
        char *to = dst;

        for (uint32_t i = 0; i < p.axis; i++) {
            offset += (uint64_t)(at[i] * p.src_strides[i]);
            to += at[i] * p.dst_strides[i];
        }
        rc = read_piece(&p, offset, to, ndim, e);
        more = false;
        for (uint32_t i = p.axis; i-- > 0 && !more;) {
            more = ++at[i] < part->count[i];
            at[i] = more ? at[i] : 0;
        }
    }
    return rc;
}

int hdf_chunk_decode(const struct hdf_array *a, const struct hdf_entry *entry,
                     struct hdf_scratch *s, const uint8_t **plain,
                     const struct ff_call *call, struct ff_error *e)
{
    size_t room = hdf_filter_room(a->set.chunk_bytes);
    int rc =
        entry->size_bytes <= room
            ? hdf_raw_read(a, entry, 0, s->data, entry->size_bytes, call, e)
            : ff_fail(e, FF_E_CORRUPT, a->name, "a chunk of %u bytes", entry->size_bytes);

    return rc ? rc
              : hdf_filter_decode(&a->set, entry, s->data, s->data + room, plain, a->name,
                                  e);
}

/* Whether so few bytes can have become a chunk: before memory is taken for one. */
static bool can_be(const struct hdf_array *a, const struct hdf_entry *entry)
{
    return a->set.chunk_bytes / BOMB_FACTOR <= (uint64_t)entry->size_bytes + 64;
}

static int read_filtered(const struct job *j, const struct hdf_entry *entry,
                         const struct ff_chunk_part *part, char *dst, struct ff_error *e)
{
    const struct hdf_array *a = j->a;
    const uint8_t *plain;
    int64_t strides[FF_MAX_NDIM];
    struct hdf_scratch *s;
    int rc;

    if (!can_be(a, entry)) {
        return ff_fail(e, FF_E_CORRUPT, a->name, "a chunk of %u bytes",
                       entry->size_bytes);
    }
    s = hdf_scratch_take(a->inst, 2 * hdf_filter_room(a->set.chunk_bytes), e);
    if (!s) {
        return FF_E_NO_MEMORY;
    }
    rc = hdf_chunk_decode(a, entry, s, &plain, j->call, e);
    if (rc == FF_OK) {
        for (uint32_t i = 0; i < a->set.ndim; i++) {
            plain += part->first[i] * j->strides[i];
            strides[i] = j->strides[i] * (j->region->step ? j->region->step[i] : 1);
        }
        copy_out(j, a->set.ndim, part->count, dst, j->dst_strides, plain, strides);
    }
    hdf_scratch_give(a->inst, s);
    return rc;
}

/* A chunk that was never written. */
static int read_fill(const struct job *j, const struct ff_chunk_part *part, char *dst,
                     struct ff_error *e)
{
    const struct hdf_dataset *d = &j->a->set;
    int64_t none[FF_MAX_NDIM] = {0};
    struct hdf_scratch *s = hdf_scratch_take(j->a->inst, (size_t)d->dtype->item_bytes, e);

    if (!s) {
        return FF_E_NO_MEMORY;
    }
    if (d->fill) {
        memcpy(s->data, d->fill, (size_t)d->dtype->item_bytes);
    } else {
        memset(s->data, 0, (size_t)d->dtype->item_bytes);
    }
    (void)ff_copy_strided(d->ndim, part->count, (size_t)d->dtype->item_bytes, dst,
                          j->dst_strides, s->data, none);
    hdf_scratch_give(j->a->inst, s);
    return FF_OK;
}

static int read_part(const struct job *j, const struct ff_chunk_part *part,
                     struct ff_error *e)
{
    const struct hdf_dataset *d = &j->a->set;
    struct hdf_entry entry = {0};
    uint64_t chunk = 0;
    char *dst = j->dst;

    for (uint32_t i = 0; i < d->ndim; i++) {
        chunk = chunk * (uint64_t)d->grid[i] + (uint64_t)part->chunk[i];
        dst += part->place[i] * j->dst_strides[i];
    }
    if (d->layout == HDF_INLINE) {
        entry.address = chunk * d->chunk_bytes;
    } else if (!hdf_entry_of(d, chunk, &entry)) {
        return read_fill(j, part, dst, e);
    }
    return d->filter_count ? read_filtered(j, &entry, part, dst, e)
                           : read_raw(j, &entry, part, dst, e);
}

static int read_group(void *ctx, uint64_t group, struct ff_error *e)
{
    const struct job *j = ctx;
    const struct hdf_dataset *d = &j->a->set;
    uint64_t end = (group + 1) * j->per_group;
    int rc = FF_OK;

    end = end < j->chunk_count ? end : j->chunk_count;
    if (ff_cancelled(j->call)) {
        return ff_fail(e, FF_E_CANCELLED, j->a->name, "cancelled");
    }
    for (uint64_t i = group * j->per_group; rc == FF_OK && i < end; i++) {
        struct ff_chunk_part part;
        uint64_t rest = i;

        for (uint32_t k = d->ndim; k-- > 0;) {
            part.chunk[k] = j->first[k] + (int64_t)(rest % (uint64_t)j->count[k]);
            rest /= (uint64_t)j->count[k];
        }
        if (ff_chunk_intersect(d->ndim, d->chunk, j->region->start, j->region->count,
                               j->region->step, &part)) {
            rc = read_part(j, &part, e);
        }
    }
    return rc;
}

/* The chunks between the first and the last that the region touches. False: none. */
static bool plan_job(struct job *j, uint64_t *total_bytes)
{
    const struct hdf_dataset *d = &j->a->set;

    j->chunk_count = 1;
    *total_bytes = d->dtype->item_bytes;
    for (uint32_t i = 0; i < d->ndim; i++) {
        int64_t step = j->region->step ? j->region->step[i] : 1;
        int64_t last = j->region->start[i] + (j->region->count[i] - 1) * step;

        if (j->region->count[i] == 0) {
            return false;
        }
        j->first[i] = j->region->start[i] / d->chunk[i];
        j->count[i] = last / d->chunk[i] - j->first[i] + 1;
        j->chunk_count *= (uint64_t)j->count[i];
        *total_bytes *= (uint64_t)j->region->count[i];
    }
    return true;
}

int hdf_array_read(const struct ff_array *array, const struct ff_region *region,
                   void *dst, const int64_t *dst_strides, const struct ff_call *call,
                   struct ff_error *e)
{
    const struct hdf_array *a = (const struct hdf_array *)array;
    const struct hdf_dataset *d = &a->set;
    struct job j = {.a = a,
                    .region = region,
                    .dst = dst,
                    .dst_strides = dst_strides,
                    .call = call,
                    .per_group = 1};
    uint64_t total_bytes, groups;
    int rc = FF_OK;

    if (!ff_region_check(d->ndim, d->shape, region->start, region->count, region->step)) {
        return ff_fail(e, FF_E_USAGE, a->name, "a region outside of the shape");
    }
    if (!plan_job(&j, &total_bytes)) {
        return FF_OK;
    }
    (void)ff_strides_c(d->ndim, d->chunk, d->dtype->item_bytes, j.strides, NULL);
    if (d->chunk_bytes < GROUP_BYTES) {
        j.per_group = GROUP_BYTES / d->chunk_bytes;
    }
    groups = (j.chunk_count - 1) / j.per_group + 1;
    j.past = total_bytes >= PAST_BYTES;
    if (groups > 1 && total_bytes >= PARALLEL_BYTES) {
        return a->inst->pool->for_each(a->inst->host, groups, read_group, &j, call, e);
    }
    for (uint64_t i = 0; rc == FF_OK && i < groups; i++) {
        rc = read_group(&j, i, e);
    }
    return rc;
}
