/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: how an array will be stored. */
#include "zarr/store.h"

#include <errno.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"

void zarr_writer_free(struct zarr_writer *w)
{
    zarr_meta_free(&w->meta);
    ff_free(w->edges);
    ff_free(w);
}

static int plan_dtype(struct zarr_meta *m, const struct ff_array *a, const char *place,
                      struct ff_error *e)
{
    const char *why = "it does not fit the size of an element";
    int rc = ff_dtype_parse(a->descr, strlen(a->descr), &m->dtype, &why);

    if (rc == -ENOMEM) {
        return ff_fail(e, FF_E_NO_MEMORY, place, "no memory for a dtype");
    }
    if (rc == -EOPNOTSUPP) {
        return FF_DECLINED;
    }
    if (rc || m->dtype->item_bytes != a->itemsize_bytes) {
        return ff_fail(e, FF_E_USAGE, place, "the dtype %.200s: %s", a->descr, why);
    }
    return m->dtype->ndim || m->dtype->item_bytes == 0 ? FF_DECLINED : FF_OK;
}

/* Format 3 has no byte order within its types: `bytes` says it once for all. */
static bool has_order(const struct ff_dtype *d, char order)
{
    for (size_t i = 0; i < d->field_count; i++) {
        if (has_order(d->fields[i].type, order)) {
            return true;
        }
    }
    return !d->structured && d->byte_order == order;
}

static int check_type3(const struct zarr_writer *w)
{
    struct ff_buf text;
    int rc;

    ff_buf_init(&text, FF_DTYPE_MAX_TEXT_BYTES);
    rc = zarr_type3_print(w->meta.dtype, &text);
    ff_buf_free(&text);
    /* zarr-python reads structs little-endian, whatever `bytes` says */
    return rc || (has_order(w->meta.dtype, '>') &&
                  (w->meta.dtype->structured || has_order(w->meta.dtype, '<')))
               ? FF_DECLINED
               : FF_OK;
}

static int plan_grid(struct zarr_writer *w, const struct ff_array *a, struct ff_error *e)
{
    struct zarr_meta *m = &w->meta;
    bool ok = true;

    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t length = a->shape[i];

        m->shape[i] = length;
        m->order[i] = i;
        w->stream = w->stream || length < 0;
        m->chunk[i] = a->chunk[i] < 1 ? 1 : a->chunk[i];
        if (length > 0 && m->chunk[i] > length) {
            m->chunk[i] = length;
        }
        ok = ok && length >= (i == 0 ? -1 : 0);
    }
    memcpy(m->object, m->chunk, sizeof m->object);
    if (!ok || (w->stream && a->edges)) {
        return ff_fail(e, FF_E_USAGE, w->name, "a shape that is none");
    }
    return FF_OK;
}

/* As many chunks as fit the bytes: whole rows of the last axes first. */
static void shard_of_bytes(struct zarr_meta *m, int64_t most_bytes)
{
    int64_t n = (int64_t)m->dtype->item_bytes;

    for (uint32_t i = 0; i < m->ndim; i++) {
        n = n > INT64_MAX / m->chunk[i] ? INT64_MAX : n * m->chunk[i];
    }
    for (uint32_t i = m->ndim; i-- > 0 && n <= most_bytes / 2;) {
        int64_t chunks =
            m->shape[i] > 0 ? (m->shape[i] - 1) / m->chunk[i] + 1 : INT64_MAX;
        int64_t more = most_bytes / n < chunks ? most_bytes / n : chunks;

        m->object[i] = more * m->chunk[i];
        n *= more;
        if (more < chunks) {
            break;
        }
    }
}

static int plan_shards(struct zarr_writer *w, const struct zarr_options *o,
                       struct ff_error *e)
{
    struct zarr_meta *m = &w->meta;

    if (m->ndim == 0 || w->formats != 1u << 3 || (!o->shard_ndim && !o->shard_bytes)) {
        return FF_OK;
    }
    if (o->shard_ndim && o->shard_ndim != m->ndim) {
        return ff_fail(e, FF_E_USAGE, w->name, "a shard of %u axes, an array of %u",
                       o->shard_ndim, m->ndim);
    }
    if (!o->shard_ndim) {
        shard_of_bytes(m, o->shard_bytes);
    }
    for (uint32_t i = 0; i < o->shard_ndim; i++) {
        m->object[i] = (o->shard[i] - 1) / m->chunk[i] * m->chunk[i] + m->chunk[i];
        if (o->shard[i] % m->chunk[i] && m->shape[i] >= o->shard[i]) {
            return ff_fail(e, FF_E_USAGE, w->name,
                           "a shard of %lld on axis %u is not made of chunks of %lld",
                           (long long)o->shard[i], i, (long long)m->chunk[i]);
        }
    }
    m->sharded = true;
    m->shards.crc32c = true;
    return FF_OK;
}

/* The options that HDF5 has too. */
static void take_deflate(const struct hdf_options *o, struct zarr_options *zarr)
{
    if (!o->chosen) {
        return;
    }
    zarr->step_count = 0;
    if (o->level && o->shuffle) {
        zarr->step[zarr->step_count++] = (struct zarr_codec){.kind = ZARR_SHUFFLE};
    }
    if (o->level) {
        zarr->step[zarr->step_count++] =
            (struct zarr_codec){.kind = ZARR_ZLIB, .level = o->level};
    }
}

static void plan_chain(struct zarr_writer *w, const struct zarr_options *o)
{
    struct zarr_chain *c = &w->meta.chain;
    uint64_t item = w->meta.dtype->item_bytes;

    for (unsigned i = 0; i < o->step_count; i++) {
        c->step[c->count] = o->step[i];
        c->step[c->count].item_bytes =
            item < 256 ? (unsigned)item : 1; /* blosc counts so */
        c->count++;
    }
    if (w->formats == 1u << 3) {
        c->step[c->count++] = (struct zarr_codec){.kind = ZARR_CRC32C};
    }
}

/* The plan's numbers for a stream are those of one row of objects. */
static int count_objects(struct zarr_writer *w, struct ff_error *e)
{
    struct zarr_meta *m = &w->meta;
    uint64_t total;

    for (uint32_t i = 0; i < m->ndim; i++) {
        w->grid[i] = m->shape[i] < 1 ? 0 : (m->shape[i] - 1) / m->object[i] + 1;
    }
    if (!w->stream && (!ff_product(m->ndim, w->grid, 1, &w->object_count) ||
                       !ff_product(m->ndim, w->grid, m->chunk_bytes, &total) ||
                       total > INT64_MAX / 4)) {
        return ff_fail(e, FF_E_LIMIT, w->name, "an array larger than 2 EiB");
    }
    return FF_OK;
}

/* blosc and lz4 count in 31 bits. */
static int check_chunk(const struct zarr_writer *w, struct ff_error *e)
{
    const struct zarr_meta *m = &w->meta;
    bool narrow = m->chain.count && (m->chain.step[0].kind == ZARR_BLOSC ||
                                     m->chain.step[0].kind == ZARR_LZ4);

    if (narrow && m->chunk_bytes > INT32_MAX - 1024) {
        ff_fail(e, FF_E_LIMIT, w->name, "a chunk of %llu bytes: %s has room for 2 GiB",
                (unsigned long long)m->chunk_bytes,
                zarr_codec_of(m->chain.step[0].kind)->name);
        ff_error_fix(e, "choose smaller chunks");
        return FF_E_LIMIT;
    }
    return FF_OK;
}

static int finish_plan(struct zarr_writer *w, struct ff_error *e)
{
    struct zarr_meta *m = &w->meta;
    struct zarr_reader r = {w->inst->values, w->name, e};
    int64_t length = m->shape[0];
    int rc;

    m->separator = '.';
    m->format = w->formats & 1u << 3 ? 3 : 2;
    if (w->formats == 1u << 3) {
        m->separator = '/';
        m->prefixed = true;
    }
    m->shape[0] = w->stream ? 1 : length;
    rc = zarr_meta_finish(&r, m);
    m->shape[0] = length;
    if (rc == FF_E_CORRUPT) {
        rc = FF_E_LIMIT;
    }
    rc = rc ? rc : check_chunk(w, e);
    return rc ? rc : count_objects(w, e);
}

static int read_options(const struct zarr_writer *w, const struct ff_array *a,
                        struct hdf_options *o, struct ff_error *e)
{
    *o = w->inst->options;
    return hdf_options_parse(w->inst->values, a->options, o, e);
}

static int make_plan(struct zarr_writer *w, const struct ff_array *a,
                     const struct ff_call *call, struct ff_error *e)
{
    struct hdf_options o;
    int rc = read_options(w, a, &o, e);

    take_deflate(&o, &o.zarr);
    if (rc == FF_OK && (a->ndim < 0 || a->ndim > FF_MAX_NDIM || !a->descr)) {
        return ff_fail(e, FF_E_USAGE, w->name, "an array without a description");
    }
    if (rc || (a->ndim > 0 && !a->chunk)) {
        return rc ? rc : FF_DECLINED;
    }
    w->meta.ndim = (uint32_t)a->ndim;
    rc = plan_dtype(&w->meta, a, w->name, e);
    rc = rc ? rc : plan_grid(w, a, e);
    rc = rc ? rc : hdf_edges_print(a, &w->edges, e);
    rc = rc ? rc
            : zarr_group_ready(w->inst, w->objects, o.zarr.format, &w->formats, call, e);
    rc = rc || !(w->formats & 1u << 3) ? rc : check_type3(w);
    rc = rc ? rc : plan_shards(w, &o.zarr, e);
    if (rc == FF_OK) {
        plan_chain(w, &o.zarr);
    }
    return rc ? rc : finish_plan(w, e);
}

int zarr_writer_open(struct hdf_inst *inst, const struct ff_array *a,
                     const struct ff_protocols *protocols, const char *uuid,
                     const struct ff_call *call, struct zarr_writer **out,
                     struct ff_error *e)
{
    struct zarr_writer *w = ff_calloc(1, sizeof *w);
    int rc;

    if (!w) {
        return ff_fail(e, FF_E_NO_MEMORY, uuid, "out of memory");
    }
    w->inst = inst;
    w->objects = protocols->find(protocols, NULL, FF_OBJECTS_1);
    w->local = protocols->find(protocols, NULL, FF_FILES_1) != NULL;
    (void)snprintf(w->name, sizeof w->name, ZARR_GROUP "/%.80s", uuid);
    rc = make_plan(w, a, call, e);
    if (rc) {
        zarr_writer_free(w);
        return rc;
    }
    *out = w;
    return FF_OK;
}
