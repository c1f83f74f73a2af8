/* SPDX-License-Identifier: Apache-2.0 */
/* array.c: the host's arrays: a checked description, references, and reading a region.
 * Where elements come from is in array_source.c and npy.c. */
#include "core/array_own.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/dtype.h"
#include "core/base/region.h"

static void own_release(struct ff_array *a)
{
    ff_array_free(a);
}

static struct ff_own_array *own_of(const struct ff_array *a)
{
    return (struct ff_own_array *)(uintptr_t)a;
}

int ff_array_is_ours(const struct ff_array *a)
{
    return FF_HAS(a, ff_array, release) && a->release == own_release;
}

void ff_chunk_auto(int32_t ndim, const int64_t *shape, uint64_t itemsize_bytes,
                   int64_t *chunk)
{
    ff_chunk_sized(ndim, shape, itemsize_bytes, FF_AUTO_CHUNK_BYTES, chunk);
}

void ff_chunk_sized(int32_t ndim, const int64_t *shape, uint64_t itemsize_bytes,
                    uint64_t chunk_bytes, int64_t *chunk)
{
    uint64_t bytes = itemsize_bytes ? itemsize_bytes : 1;
    for (int32_t i = ndim - 1; i >= 0; i--) {
        uint64_t room = bytes < chunk_bytes ? chunk_bytes / bytes : 1;
        uint64_t axis = shape[i] > 0 ? (uint64_t)shape[i] : 1;
        if (shape[i] < 0) { /* a stream: as much as fits */
            axis = room;
        }
        chunk[i] = (int64_t)(axis < room ? axis : room);
        bytes *= (uint64_t)chunk[i];
    }
}

static int parse_itemsize(const char *descr, uint64_t *itemsize, struct ff_error *e)
{
    struct ff_dtype *d = NULL;
    const char *why = "no dtype";
    int rc = descr ? ff_dtype_parse(descr, strlen(descr), &d, &why) : -EINVAL;
    if (rc == -ENOMEM) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    if (rc) {
        return ff_fail(e, FF_E_USAGE, NULL, "not a dtype: %.100s: %s", descr ? descr : "",
                       why ? why : "not understood");
    }
    *itemsize = d->item_bytes;
    ff_dtype_free(d);
    return FF_OK;
}

static int check_axis_edges(const struct ff_array_spec *s, int32_t axis,
                            struct ff_error *e)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < s->edge_count[axis]; i++) {
        int64_t edge = s->edges[axis][i];
        if (edge < 0 || edge > s->chunk[axis] || !ff_add_i64(sum, edge, &sum)) {
            return ff_fail(e, FF_E_USAGE, NULL, "chunk %lld of axis %d: bad size %lld",
                           (long long)i, (int)axis, (long long)edge);
        }
    }
    if (sum != s->shape[axis]) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "the chunks of axis %d add up to %lld, its length is %lld",
                       (int)axis, (long long)sum, (long long)s->shape[axis]);
    }
    return FF_OK;
}

static int check_spec(const struct ff_array_spec *s, uint64_t itemsize,
                      struct ff_error *e)
{
    uint64_t bytes = itemsize;
    for (int32_t i = 0; i < s->ndim; i++) {
        int64_t n = s->shape[i] < 0 && i == 0 ? 0 : s->shape[i];
        if (n < 0) {
            return ff_fail(e, FF_E_USAGE, NULL, "axis %d: length %lld", (int)i,
                           (long long)n);
        }
        if (n && !ff_mul_u64(bytes, (uint64_t)n, &bytes)) {
            return ff_fail(e, FF_E_USAGE, NULL, "the array has more bytes than 2^63");
        }
        if (s->chunk && s->chunk[i] < 1) {
            return ff_fail(e, FF_E_USAGE, NULL, "axis %d: chunk of %lld", (int)i,
                           (long long)s->chunk[i]);
        }
        if (s->edges && check_axis_edges(s, i, e)) {
            return FF_E_USAGE;
        }
    }
    return bytes <= INT64_MAX
               ? FF_OK
               : ff_fail(e, FF_E_USAGE, NULL, "the array has more bytes than 2^63");
}

/* One block holds everything that the description points to. */
struct block {
    char *at;
    size_t size_bytes; /* first pass: counted; second: not used */
};

static void *block_take(struct block *b, const void *data, size_t size_bytes)
{
    size_t rounded = (size_bytes + 7) & ~(size_t)7;
    void *place = b->at;
    b->size_bytes += rounded;
    if (!place) {
        return NULL;
    }
    if (data && size_bytes) {
        memcpy(place, data, size_bytes);
    }
    b->at += rounded;
    return place;
}

static void take_edges(struct block *b, const struct ff_array_spec *s,
                       struct ff_own_array *o)
{
    size_t n = (size_t)s->ndim;
    int64_t *counts = block_take(b, s->edge_count, n * sizeof *counts);
    int64_t **edges = block_take(b, NULL, n * sizeof *edges);
    int64_t **bounds = block_take(b, NULL, n * sizeof *bounds);
    for (size_t i = 0; i < n; i++) {
        size_t bytes = (size_t)s->edge_count[i] * sizeof(int64_t);
        int64_t *copy = block_take(b, s->edges[i], bytes),
                *sums = block_take(b, NULL, bytes);
        int64_t sum = 0;
        if (!o) {
            continue;
        }
        for (int64_t k = 0; k < s->edge_count[i]; k++) {
            sums[k] = sum += copy[k];
        }
        edges[i] = copy;
        bounds[i] = sums;
    }
    if (o) {
        o->pub.edge_count = counts;
        o->pub.edges = (const int64_t *const *)edges;
        o->bounds = (const int64_t *const *)bounds;
    }
}

static void take_all(struct block *b, const struct ff_array_spec *s,
                     struct ff_own_array *o)
{
    size_t axes = (size_t)s->ndim * sizeof(int64_t);
    const char *descr = block_take(b, s->descr, strlen(s->descr) + 1);
    const int64_t *shape = block_take(b, s->shape, axes);
    const int64_t *chunk = s->chunk ? block_take(b, s->chunk, axes) : NULL;
    const int64_t *strides = s->strides ? block_take(b, s->strides, axes) : NULL;
    const char *options =
        s->options ? block_take(b, s->options, strlen(s->options) + 1) : NULL;
    if (s->edges) {
        take_edges(b, s, o);
    }
    if (o) {
        o->pub.descr = descr;
        o->pub.shape = shape;
        o->pub.chunk = chunk;
        o->pub.strides = strides;
        o->pub.options = options;
    }
}

struct ff_own_array *ff_own_new(const struct ff_array_spec *s, struct ff_error *e)
{
    struct block count = {NULL, 0}, fill = {NULL, 0};
    struct ff_own_array *o;
    uint64_t itemsize = 0;
    if (s->ndim < 0 || s->ndim > FF_MAX_NDIM || (s->ndim && !s->shape)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "%d axes: 0 to %d are possible", (int)s->ndim,
                      FF_MAX_NDIM);
        return NULL;
    }
    if (parse_itemsize(s->descr, &itemsize, e) || check_spec(s, itemsize, e)) {
        return NULL;
    }
    take_all(&count, s, NULL);
    o = ff_calloc(1, sizeof *o + count.size_bytes);
    if (!o) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    fill.at = (char *)(o + 1);
    take_all(&fill, s, o);
    o->pub.struct_size = FF_SIZE(ff_array, query);
    o->pub.ndim = s->ndim;
    o->pub.itemsize_bytes = itemsize;
    o->pub.release = own_release;
    atomic_init(&o->refs, 1);
    (void)pthread_mutex_init(&o->lock, NULL);
    return o;
}

struct ff_array *ff_array_ref(const struct ff_array *a)
{
    if (!ff_array_is_ours(a)) {
        return NULL;
    }
    (void)ff_doc_ref(own_of(a)->home);
    atomic_fetch_add_explicit(&own_of(a)->refs, 1, memory_order_relaxed);
    return &own_of(a)->pub;
}

void ff_array_free(struct ff_array *a)
{
    struct ff_own_array *o = own_of(a);
    if (!a) {
        return;
    }
    if (!ff_array_is_ours(a)) {
        if (FF_HAS(a, ff_array, release)) {
            a->release(a);
        }
        return;
    }
    struct ff_doc *home = o->home;
    if (atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) != 1) {
        ff_doc_free(home);
        return;
    }
    if (o->finish) {
        o->finish(o);
    }
    if (o->owner_release) {
        o->owner_release(o->owner);
    }
    (void)pthread_mutex_destroy(&o->lock);
    ff_free(o);
}

void ff_array_set_home(struct ff_array *a, struct ff_doc *home)
{
    if (ff_array_is_ours(a)) {
        own_of(a)->home = home;
    }
}

int ff_array_keep(struct ff_array *a, void *owner, void (*release)(void *),
                  const char *place)
{
    struct ff_own_array *o = own_of(a);
    if (!ff_array_is_ours(a) || o->owner_release) {
        release(owner);
        return 0;
    }
    o->owner = owner;
    o->owner_release = release;
    o->place = place;
    o->pid = getpid();
    return 1;
}

void ff_array_set_origin(struct ff_array *a, const void *owner, const char *name)
{
    struct ff_own_array *o = own_of(a);
    if (ff_array_is_ours(a)) {
        o->origin = owner;
        (void)snprintf(o->origin_name, sizeof o->origin_name, "%s", name);
    }
}

const char *ff_array_origin(const struct ff_array *a, const void **owner)
{
    *owner = ff_array_is_ours(a) ? own_of(a)->origin : NULL;
    return *owner ? own_of(a)->origin_name : NULL;
}

const char *ff_array_class(const struct ff_array *a)
{
    return a && a->chunk ? "dask.array.core.Array" : "numpy.ndarray";
}

int ff_array_read(const struct ff_array *a, const struct ff_region *region, void *dst,
                  const int64_t *strides, const struct ff_call *call, struct ff_error *e)
{
    static const int64_t zeros[FF_MAX_NDIM];
    struct ff_region all = {zeros, a ? a->shape : NULL, NULL};
    int64_t packed[FF_MAX_NDIM];
    size_t n;
    if (e && e->code) {
        return e->code;
    }
    if (!FF_HAS(a, ff_array, read)) {
        return ff_fail(e, FF_E_USAGE, NULL, "this array has no elements to read");
    }
    n = (size_t)a->ndim;
    region = region ? region : &all;
    if (!ff_region_check(n, a->shape, region->start, region->count, region->step)) {
        return ff_fail(e, FF_E_USAGE, NULL, "the region lies outside of the array");
    }
    if (!strides) {
        if (!ff_strides_c(n, region->count, a->itemsize_bytes, packed, NULL)) {
            return ff_fail(e, FF_E_USAGE, NULL, "the region has more bytes than 2^63");
        }
        strides = packed;
    }
    return a->read(a, region, dst, strides, call, e);
}
