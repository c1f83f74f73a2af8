/* SPDX-License-Identifier: Apache-2.0 */
/* push.c: ff.push/1, an array whose chunks arrive one by one. */
#include "hdf.h"

#include "core/base/alloc.h"
#include "core/base/region.h"
#include "zarr/push.h"

struct ff_pushing {
    struct zarr_pushing *zarr; /* then the rest is not used */
    struct hdf_writer *writer;
    uint64_t expected;            /* chunks; 0 for a stream */
    int64_t *starts[FF_MAX_NDIM]; /* irregular: where each chunk begins, and the end */
    int64_t counts[FF_MAX_NDIM];  /* chunks on each axis; 0 = no bound */
};

static void pushing_free(struct ff_pushing *p)
{
    for (size_t i = 0; i < FF_MAX_NDIM; i++) {
        ff_free(p->starts[i]);
    }
    ff_free(p);
}

static int keep_edges(struct ff_pushing *p, const struct ff_array *like,
                      struct ff_error *e)
{
    p->expected = 1;
    for (int i = 0; i < like->ndim; i++) {
        int64_t count = like->edge_count[i], at = 0;

        p->starts[i] = ff_realloc_array(NULL, (size_t)count + 1, sizeof **p->starts);
        if (!p->starts[i]) {
            return ff_fail(e, FF_E_NO_MEMORY, p->writer->place, "out of memory");
        }
        for (int64_t k = 0; k < count; k++) {
            p->starts[i][k] = at;
            at += like->edges[i][k];
        }
        p->starts[i][count] = at;
        p->counts[i] = count;
        p->expected *= (uint64_t)count;
        if (at != like->shape[i]) {
            return ff_fail(e, FF_E_USAGE, p->writer->place,
                           "the chunks of axis %d do not add up to its length", i);
        }
    }
    return FF_OK;
}

static int prepare(struct ff_pushing *p, const struct ff_array *like, struct ff_error *e)
{
    const struct hdf_plan *plan = &p->writer->plan;

    if (!like->edges) {
        p->expected = plan->stream ? 0 : plan->chunk_count;
        for (uint32_t i = 0; i < plan->ndim; i++) {
            p->counts[i] =
                plan->shape[i] < 0 ? INT64_MAX / plan->chunk[i] : plan->grid[i];
        }
        return FF_OK;
    }
    if (plan->through_index) {
        ff_fail(e, FF_E_UNSUPPORTED, p->writer->place,
                "irregular chunks that are pushed cannot be compressed");
        ff_error_fix(e, "choose regular chunks, or compression none");
        return FF_E_UNSUPPORTED;
    }
    return keep_edges(p, like, e);
}

static int push_begin(void *inst, const struct ff_array *like,
                      const struct ff_protocols *protocols, struct ff_pid *pid,
                      struct ff_pushing **out, const struct ff_call *call,
                      struct ff_error *e)
{
    struct ff_pushing *p = ff_calloc(1, sizeof *p);
    bool zarr = zarr_is_chosen(inst, like, protocols);
    int rc;

    if (!p) {
        return ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory");
    }
    rc = zarr ? zarr_push_begin(inst, like, protocols, pid->name, &p->zarr, call, e)
              : hdf_writer_open(inst, like, protocols, pid->name, call, &p->writer, e);

    if (rc == FF_DECLINED) {
        rc = ff_fail(e, FF_E_UNSUPPORTED, pid->name,
                     "elements of dtype %.200s, or no chunks",
                     like->descr ? like->descr : "?");
    }
    if (rc) {
        ff_free(p);
        return rc;
    }
    rc = zarr ? FF_OK : prepare(p, like, e);
    if (rc) {
        hdf_writer_abort(p->writer);
        pushing_free(p);
        return rc;
    }
    *out = p;
    return FF_OK;
}

/* The box of elements that a pushed chunk holds. */
static int box_of(const struct ff_pushing *p, const int64_t *index, int64_t *start,
                  int64_t *count, bool *clipped, struct ff_error *e)
{
    const struct hdf_plan *plan = &p->writer->plan;

    *clipped = false;
    for (uint32_t i = 0; i < plan->ndim; i++) {
        if (index[i] < 0 || index[i] >= p->counts[i]) {
            return ff_fail(e, FF_E_USAGE, p->writer->place,
                           "there is no chunk %lld on axis %u", (long long)index[i], i);
        }
        if (p->starts[i]) {
            start[i] = p->starts[i][index[i]];
            count[i] = p->starts[i][index[i] + 1] - start[i];
            continue;
        }
        start[i] = index[i] * plan->chunk[i];
        count[i] = plan->chunk[i];
        if (plan->shape[i] >= 0 && plan->shape[i] - start[i] < count[i]) {
            count[i] = plan->shape[i] - start[i];
            *clipped = true;
        }
    }
    return FF_OK;
}

static int put_regular(struct ff_pushing *p, const int64_t *index, const int64_t *count,
                       bool clipped, const void *data, const struct ff_call *call,
                       struct ff_error *e)
{
    struct hdf_writer *w = p->writer;
    const struct hdf_plan *plan = &w->plan;
    size_t room = hdf_filter_room(plan->chunk_bytes), whole = clipped ? room : 0;
    size_t size_bytes = whole + (plan->options.level ? 2 * room : 0);
    int64_t from[FF_MAX_NDIM], to[FF_MAX_NDIM];
    struct hdf_scratch *s = size_bytes ? hdf_scratch_take(w->inst, size_bytes, e) : NULL;
    int rc;

    if (size_bytes && !s) {
        return FF_E_NO_MEMORY;
    }
    if (clipped) {
        memset(s->data, 0, (size_t)plan->chunk_bytes);
        (void)ff_strides_c(plan->ndim, count, plan->item_bytes, from, NULL);
        (void)ff_strides_c(plan->ndim, plan->chunk, plan->item_bytes, to, NULL);
        (void)ff_copy_strided(plan->ndim, count, (size_t)plan->item_bytes, s->data, to,
                              data, from);
        data = s->data;
    }
    rc = hdf_writer_chunk(w, index, data, s ? s->data + whole : NULL, call, e);
    if (s) {
        hdf_scratch_give(w->inst, s);
    }
    return rc;
}

/* A box of elements into stored chunk part->chunk: row by row to its place. */
static int put_part(struct hdf_writer *w, const struct ff_chunk_part *part,
                    const char *data, const int64_t *strides, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct hdf_plan *p = &w->plan;
    int64_t stored[FF_MAX_NDIM], at[FF_MAX_NDIM] = {0};
    uint64_t run = p->item_bytes, base = 0;
    uint32_t axes = p->ndim;
    bool more = true;
    int rc = FF_OK;

    (void)ff_strides_c(p->ndim, p->chunk, p->item_bytes, stored, NULL);
    while (axes > 0 && stored[axes - 1] == (int64_t)run &&
           strides[axes - 1] == (int64_t)run) {
        run *= (uint64_t)part->count[--axes];
    }
    for (uint32_t i = 0; i < p->ndim; i++) {
        base = base * (uint64_t)p->grid[i] + (uint64_t)part->chunk[i];
    }
    base = w->base + base * p->chunk_bytes;
    for (uint32_t i = 0; i < p->ndim; i++) {
        base += (uint64_t)(part->first[i] * stored[i]);
        data += part->place[i] * strides[i];
    }
    while (rc == FF_OK && more) {
        uint64_t offset = base;
        const char *row = data;

        for (uint32_t i = 0; i < axes; i++) {
            offset += (uint64_t)(at[i] * stored[i]);
            row += at[i] * strides[i];
        }
        rc = w->files->write(w->files, w->file, offset, row, (size_t)run, call, e);
        more = false;
        for (uint32_t i = axes; i-- > 0 && !more;) {
            more = ++at[i] < part->count[i];
            at[i] = more ? at[i] : 0;
        }
    }
    return rc;
}

static int put_irregular(struct ff_pushing *p, const int64_t *start, const int64_t *count,
                         const void *data, const struct ff_call *call, struct ff_error *e)
{
    const struct hdf_plan *plan = &p->writer->plan;
    struct ff_chunk_iter it;
    int64_t strides[FF_MAX_NDIM];
    int rc = FF_OK;

    (void)ff_strides_c(plan->ndim, count, plan->item_bytes, strides, NULL);
    if (!ff_chunk_iter_init(&it, plan->ndim, plan->shape, plan->chunk, start, count,
                            NULL)) {
        return ff_fail(e, FF_E_USAGE, p->writer->place, "a chunk outside of the shape");
    }
    while (rc == FF_OK && ff_chunk_iter_next(&it)) {
        rc = put_part(p->writer, &it.part, data, strides, call, e);
    }
    return rc;
}

static int push_put(void *inst, struct ff_pushing *p, const int64_t *index,
                    const void *data, const struct ff_call *call, struct ff_error *e)
{
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    bool clipped;
    int rc;

    (void)inst;
    if (p->zarr) {
        return zarr_push_put(p->zarr, index, data, call, e);
    }
    rc = box_of(p, index, start, count, &clipped, e);
    if (rc) {
        return rc;
    }
    rc = p->starts[0] ? put_irregular(p, start, count, data, call, e)
                      : put_regular(p, index, count, clipped, data, call, e);
    if (rc == FF_OK) {
        atomic_fetch_add(&p->writer->chunks_put, 1);
    }
    return rc;
}

static void push_abort(void *inst, struct ff_pushing *p)
{
    (void)inst;
    if (p->zarr) {
        zarr_push_abort(p->zarr);
    } else {
        hdf_writer_abort(p->writer);
    }
    pushing_free(p);
}

/* How many chunks a stream of this length has. */
static uint64_t stream_chunks(const struct hdf_plan *p, int64_t length)
{
    uint64_t count = length > 0 ? (uint64_t)((length - 1) / p->chunk[0] + 1) : 0;

    for (uint32_t i = 1; i < p->ndim; i++) {
        count *= (uint64_t)p->grid[i];
    }
    return count;
}

static int push_finish(void *inst, struct ff_pushing *p, int64_t shape0,
                       const struct ff_call *call, struct ff_error *e)
{
    struct hdf_writer *w = p->writer;
    uint64_t put, expected;
    int rc;

    if (p->zarr) {
        rc = zarr_push_finish(p->zarr, shape0, call, e);
        pushing_free(p);
        return rc;
    }
    put = atomic_load(&w->chunks_put);
    expected = w->plan.stream ? stream_chunks(&w->plan, shape0) : p->expected;
    if (put != expected || (w->plan.stream && shape0 < 0)) {
        rc = ff_fail(
            e, FF_E_USAGE, w->place, "%llu chunks came, a length of %lld needs %llu",
            (unsigned long long)put, (long long)shape0, (unsigned long long)expected);
        push_abort(inst, p);
        return rc;
    }
    rc = hdf_writer_finish(w, shape0, call, e);
    pushing_free(p);
    return rc;
}

const struct ff_push hdf_push = {.struct_size = FF_SIZE(ff_push, abort),
                                 .begin = push_begin,
                                 .put = push_put,
                                 .finish = push_finish,
                                 .abort = push_abort};
