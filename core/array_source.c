/* SPDX-License-Identifier: Apache-2.0 */
/* array_source.c: where the elements of the host's arrays come from: memory, a callback,
 * a part of another array, a plugin. */
#include "core/array_own.h"

#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/region.h"

static const struct ff_own_array *own(const struct ff_array *a)
{
    return (const struct ff_own_array *)a;
}

/* ---- chunks of a grid ---- */

static int64_t chunk_at(const struct ff_own_array *o, int axis, int64_t element)
{
    int64_t low = 0, high;
    if (!o->bounds) {
        return element / o->pub.chunk[axis];
    }
    high = o->pub.edge_count[axis] - 1;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (o->bounds[axis][mid] <= element) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static void chunk_box(const struct ff_own_array *o, int axis, int64_t index,
                      int64_t *start, int64_t *end)
{
    int64_t shape = o->pub.shape[axis];
    if (o->bounds) {
        *end = o->bounds[axis][index];
        *start = *end - o->pub.edges[axis][index];
        return;
    }
    *start = index * o->pub.chunk[axis];
    *end = shape - *start < o->pub.chunk[axis] ? shape : *start + o->pub.chunk[axis];
}

void ff_grid_begin(struct ff_grid_iter *it, const struct ff_own_array *o,
                   const struct ff_region *r)
{
    memset(it, 0, sizeof *it);
    it->array = o;
    it->region = r;
    for (int i = 0; i < o->pub.ndim; i++) {
        int64_t step = r->step ? r->step[i] : 1;
        if (r->count[i] == 0) {
            it->begun = -1;
            return;
        }
        it->first[i] = it->at[i] = chunk_at(o, i, r->start[i]);
        it->last[i] = chunk_at(o, i, r->start[i] + (r->count[i] - 1) * step);
    }
}

static int advance(struct ff_grid_iter *it)
{
    for (int i = it->array->pub.ndim - 1; i >= 0; i--) {
        if (it->at[i] < it->last[i]) {
            it->at[i]++;
            return 1;
        }
        it->at[i] = it->first[i];
    }
    return 0;
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return a <= 0 ? 0 : (a - 1) / b + 1;
}

static int intersect(struct ff_grid_iter *it)
{
    const struct ff_region *r = it->region;
    for (int i = 0; i < it->array->pub.ndim; i++) {
        int64_t step = r->step ? r->step[i] : 1, end, k0, k1;
        chunk_box(it->array, i, it->at[i], &it->start[i], &end);
        it->count[i] = end - it->start[i];
        k0 = ceil_div(it->start[i] - r->start[i], step);
        k1 = ceil_div(end - r->start[i], step);
        k1 = k1 < r->count[i] ? k1 : r->count[i];
        if (k1 <= k0) {
            return 0;
        }
        it->place[i] = k0;
        it->take[i] = k1 - k0;
    }
    return 1;
}

int ff_grid_next(struct ff_grid_iter *it)
{
    do {
        if (it->begun < 0 || (it->begun && !advance(it))) {
            it->begun = -1;
            return 0;
        }
        it->begun = 1;
    } while (!intersect(it));
    return 1;
}

int ff_array_chunks_touched(const struct ff_array *a, const struct ff_region *r,
                            uint64_t *touched, uint64_t *all, struct ff_error *e)
{
    static const int64_t zeros[FF_MAX_NDIM];
    struct ff_region whole = {zeros, a ? a->shape : NULL, NULL};
    struct ff_grid_iter it;
    if (e && e->code) {
        return e->code;
    }
    if (!ff_array_is_ours(a) || (a->ndim && a->shape[0] < 0)) {
        return ff_fail(e, FF_E_USAGE, NULL, "not an array with a known shape");
    }
    r = r ? r : &whole;
    if (!ff_region_check((size_t)a->ndim, a->shape, r->start, r->count, r->step)) {
        return ff_fail(e, FF_E_USAGE, NULL, "the region lies outside of the array");
    }
    *touched = *all = 1;
    if (!a->chunk) {
        return FF_OK;
    }
    *touched = 0;
    for (ff_grid_begin(&it, own(a), r); ff_grid_next(&it);) {
        ++*touched;
    }
    for (int i = 0; i < a->ndim; i++) {
        *all *=
            (uint64_t)(a->edges ? a->edge_count[i] : ceil_div(a->shape[i], a->chunk[i]));
    }
    return FF_OK;
}

/* ---- memory ---- */

static int memory_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                       const int64_t *dst_strides, const struct ff_call *call,
                       struct ff_error *e)
{
    const char *from = a->data;
    int64_t strides[FF_MAX_NDIM];
    (void)call;
    for (int i = 0; i < a->ndim; i++) {
        from += r->start[i] * a->strides[i];
        strides[i] = a->strides[i] * (r->step ? r->step[i] : 1);
    }
    return ff_copy_strided((size_t)a->ndim, r->count, (size_t)a->itemsize_bytes, dst,
                           dst_strides, from, strides)
               ? FF_OK
               : ff_fail(e, FF_E_USAGE, NULL, "too many axes");
}

/* ---- a callback ---- */

static int packed(const struct ff_array *a, const struct ff_grid_iter *it,
                  const int64_t *dst_strides)
{
    for (int i = 0; i < a->ndim; i++) {
        if (it->take[i] != it->count[i] ||
            (it->region->step && it->region->step[i] != 1)) {
            return 0;
        }
    }
    return ff_strides_are_c((size_t)a->ndim, it->count, a->itemsize_bytes, dst_strides);
}

static int fill_part(const struct ff_array *a, const struct ff_grid_iter *it, char *dst,
                     const int64_t *dst_strides, const struct ff_call *call,
                     struct ff_error *e)
{
    int64_t strides[FF_MAX_NDIM];
    uint64_t bytes;
    char *scratch, *from;
    int rc;
    if (!ff_strides_c((size_t)a->ndim, it->count, a->itemsize_bytes, strides, &bytes) ||
        !(scratch = ff_aligned_alloc((size_t)bytes))) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory for one chunk");
    }
    rc = own(a)->fill(a->ctx, it->start, it->count, scratch, call, e);
    from = scratch;
    for (int i = 0; i < a->ndim; i++) {
        int64_t step = it->region->step ? it->region->step[i] : 1;
        from += (it->region->start[i] + it->place[i] * step - it->start[i]) * strides[i];
        strides[i] *= step;
    }
    if (!rc) {
        (void)ff_copy_strided((size_t)a->ndim, it->take, (size_t)a->itemsize_bytes, dst,
                              dst_strides, from, strides);
    }
    ff_aligned_free(scratch);
    return rc;
}

static int fill_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                     const int64_t *dst_strides, const struct ff_call *call,
                     struct ff_error *e)
{
    struct ff_grid_iter it;
    int rc = FF_OK, serial = (a->flags & FF_ARRAY_SERIAL) != 0;
    if (serial) {
        (void)pthread_mutex_lock(&((struct ff_own_array *)(uintptr_t)a)->lock);
    }
    for (ff_grid_begin(&it, own(a), r); !rc && ff_grid_next(&it);) {
        char *to = dst;
        for (int i = 0; i < a->ndim; i++) {
            to += it.place[i] * dst_strides[i];
        }
        if (ff_cancelled(call)) {
            rc = ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
        } else if (packed(a, &it, dst_strides)) {
            rc = own(a)->fill(a->ctx, it.start, it.count, to, call, e);
        } else {
            rc = fill_part(a, &it, to, dst_strides, call, e);
        }
    }
    if (serial) {
        (void)pthread_mutex_unlock(&((struct ff_own_array *)(uintptr_t)a)->lock);
    }
    if (rc && e && !e->code) {
        rc = ff_fail(e, rc < 0 ? rc : FF_E_OTHER, NULL, "the program's callback failed");
    }
    return rc;
}

/* ---- making one ---- */

static void finish_ctx(struct ff_own_array *o)
{
    if (o->release_ctx) {
        o->release_ctx(o->pub.ctx);
    }
}

static int choose_chunk(const struct ff_array_params *p, int64_t *chunk,
                        struct ff_array_spec *s, struct ff_error *e)
{
    struct ff_array_spec bare = {p->descr, p->ndim, p->shape, NULL,
                                 NULL,     NULL,    NULL,     NULL};
    struct ff_own_array *probe;
    if (p->chunking == FF_CHUNK_NONE) {
        return FF_OK;
    }
    s->chunk = chunk;
    if (p->edges && !p->chunking) {
        for (int i = 0; i < p->ndim && i < FF_MAX_NDIM; i++) {
            chunk[i] = 1;
            for (int64_t k = 0; k < p->edge_count[i]; k++) {
                chunk[i] = p->edges[i][k] > chunk[i] ? p->edges[i][k] : chunk[i];
            }
        }
        s->edges = p->edges;
        s->edge_count = p->edge_count;
    } else if (p->chunk && !p->chunking) {
        s->chunk = p->chunk;
    } else {
        probe =
            ff_own_new(&bare, e); /* knows the itemsize, refuses what makes no sense */
        if (!probe) {
            return FF_E_USAGE;
        }
        ff_chunk_auto(p->ndim, p->shape, probe->pub.itemsize_bytes, chunk);
        ff_array_free(&probe->pub);
    }
    return FF_OK;
}

static int is_automatic(const struct ff_array_params *p)
{
    return p->chunking == FF_CHUNK_AUTO || (!p->chunking && !p->chunk && !p->edges);
}

static struct ff_own_array *from_params(const struct ff_array_params *p,
                                        struct ff_error *e)
{
    int64_t chunk[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    struct ff_array_spec s = {p->descr, p->ndim, p->shape,   NULL,
                              NULL,     NULL,    p->strides, p->options};
    struct ff_own_array *o;
    if (choose_chunk(p, chunk, &s, e) || !(o = ff_own_new(&s, e))) {
        return NULL;
    }
    if (p->data && !p->strides) {
        struct ff_own_array *unstrided = o;
        (void)ff_strides_c((size_t)p->ndim, p->shape, o->pub.itemsize_bytes, strides,
                           NULL);
        s.strides = strides;
        o = ff_own_new(&s, e);
        ff_array_free(&unstrided->pub);
    }
    if (o && is_automatic(p)) {
        o->pub.flags = FF_ARRAY_AUTO;
    }
    return o;
}

static int params_make_sense(const struct ff_array_params *p, struct ff_error *e)
{
    if (p->ndim > 0 && p->ndim <= FF_MAX_NDIM && p->shape && p->shape[0] < 0 &&
        (p->data || p->fill)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "a stream has no elements beforehand");
        return 0;
    }
    if (p->fill && p->chunking == FF_CHUNK_NONE) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "a callback fills chunks: say which");
        return 0;
    }
    return 1;
}

struct ff_array *ff_array_new(const struct ff_array_params *p, struct ff_error *e)
{
    struct ff_own_array *o = NULL;
    if (!p) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no parameters");
        return NULL;
    }
    if (!(e && e->code) && params_make_sense(p, e)) {
        o = from_params(p, e);
    }
    if (!o) {
        if (p->release) {
            p->release(p->ctx);
        }
        return NULL;
    }
    o->pub.flags |= p->flags;
    o->pub.ctx = p->ctx;
    o->pub.data = p->data;
    o->fill = p->fill;
    o->release_ctx = p->release;
    o->finish = finish_ctx;
    o->pub.read = p->data ? memory_read : p->fill ? fill_read : NULL;
    return &o->pub;
}

struct ff_array *ff_array_from_memory(const char *descr, int32_t ndim,
                                      const int64_t *shape, const void *data,
                                      struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_AUTO,
                                .ndim = ndim,
                                .descr = descr,
                                .shape = shape,
                                .data = data ? data : ""};
    return ff_array_new(&p, e);
}

/* ---- a part of another ---- */

static int slice_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                      const int64_t *dst_strides, const struct ff_call *call,
                      struct ff_error *e)
{
    const struct ff_own_array *o = own(a);
    int64_t start[FF_MAX_NDIM], step[FF_MAX_NDIM];
    struct ff_region whole = {start, r->count, step};
    for (int i = 0; i < a->ndim; i++) {
        start[i] = o->first[i] + r->start[i] * o->step[i];
        step[i] = o->step[i] * (r->step ? r->step[i] : 1);
    }
    return o->inner->read(o->inner, &whole, dst, dst_strides, call, e);
}

static void finish_inner(struct ff_own_array *o)
{
    ff_array_free(o->inner);
}

struct ff_array *ff_array_slice(const struct ff_array *whole, const struct ff_region *r,
                                struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options)};
    struct ff_own_array *o;
    if (e && e->code) {
        return NULL;
    }
    if (!ff_array_is_ours(whole) || !whole->read || !r ||
        !ff_region_check((size_t)whole->ndim, whole->shape, r->start, r->count,
                         r->step)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "the region lies outside of the array");
        return NULL;
    }
    p.ndim = whole->ndim;
    p.descr = whole->descr;
    p.shape = r->count;
    p.chunking = whole->chunk ? FF_CHUNK_AUTO : FF_CHUNK_NONE;
    o = from_params(&p, e);
    if (!o) {
        return NULL;
    }
    for (int i = 0; i < p.ndim; i++) {
        o->first[i] = r->start[i];
        o->step[i] = r->step ? r->step[i] : 1;
    }
    o->inner = ff_array_ref(whole);
    o->finish = finish_inner;
    o->pub.read = slice_read;
    return &o->pub;
}

/* ---- a plugin's ---- */

static int forked(const struct ff_own_array *o, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_FORKED, o->place,
                  "the array was opened by process %ld, before fork()", (long)o->pid);
    ff_error_fix(e, "open a host in the child process, and read the task with it");
    return FF_E_FORKED;
}

static int wrap_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                     const int64_t *dst_strides, const struct ff_call *call,
                     struct ff_error *e)
{
    struct ff_own_array *o = (struct ff_own_array *)(uintptr_t)a;
    int rc;
    if (!ff_region_check((size_t)a->ndim, a->shape, r->start, r->count, r->step)) {
        return ff_fail(e, FF_E_USAGE, NULL, "the region lies outside of the array");
    }
    if (o->pid && o->pid != getpid()) {
        return forked(o, e);
    }
    if (a->flags & FF_ARRAY_SERIAL) {
        (void)pthread_mutex_lock(&o->lock);
    }
    rc = o->inner->read(o->inner, r, dst, dst_strides, call, e);
    if (a->flags & FF_ARRAY_SERIAL) {
        (void)pthread_mutex_unlock(&o->lock);
    }
    if (rc > 0 || (rc && e && !e->code)) {
        rc = ff_fail(e, FF_E_PLUGIN, NULL,
                     "a plugin's array failed with %d and no reason", rc);
    }
    if (rc && o->place) {
        ff_error_at(e, e && e->place[0] ? ": " : "");
        ff_error_at(e, o->place);
    }
    return rc;
}

static const void *wrap_query(const struct ff_array *a, const char *interface_id)
{
    const struct ff_array *inner = own(a)->inner;
    return FF_HAS(inner, ff_array, query) ? inner->query(inner, interface_id) : NULL;
}

struct ff_array *ff_array_wrap_take(struct ff_array *a, void *owner,
                                    void (*release)(void *), struct ff_error *e)
{
    struct ff_own_array *o = NULL;
    if (FF_HAS(a, ff_array, read) && (a->ndim == 0 || (a->shape && a->shape[0] >= 0))) {
        struct ff_array_spec s = {a->descr, a->ndim,       a->shape, a->chunk,
                                  a->edges, a->edge_count, NULL,     a->options};
        o = ff_own_new(&s, e);
        if (o && o->pub.itemsize_bytes != a->itemsize_bytes) {
            ff_array_free(&o->pub);
            o = NULL;
        }
    }
    if (!o) {
        (void)ff_fail(e, FF_E_PLUGIN, NULL,
                      "the array that the plugin gave contradicts itself");
        ff_array_free(a);
        if (release) {
            release(owner);
        }
        return NULL;
    }
    o->pub.flags = a->flags;
    o->pub.read = wrap_read;
    o->pub.query = wrap_query;
    o->inner = a;
    o->finish = finish_inner;
    o->owner = owner;
    o->owner_release = release;
    return &o->pub;
}
