/* SPDX-License-Identifier: Apache-2.0 */
/* array_own.h: how the host's own arrays are laid out; for core/array*.c and core/npy*.c.
 */
#ifndef FF_CORE_ARRAY_OWN_H
#define FF_CORE_ARRAY_OWN_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "core/array.h"

/* What all kinds share. The kind is in `pub.read`; `pub.ctx` is the kind's own. */
struct ff_own_array {
    struct ff_array pub; /* first: a pointer to one is a pointer to the other */
    atomic_uint refs;
    struct ff_doc *home;          /* ff_array_set_home */
    const int64_t *const *bounds; /* with edges: for each axis where its chunks end */
    void (*finish)(struct ff_own_array *); /* the kind's part of the end, or NULL */
    void *owner;                           /* released last */
    void (*owner_release)(void *);
    const char *place;    /* the owner's: where reads fail, or NULL */
    pid_t pid;            /* with an owner: the process whose files it reads */
    pthread_mutex_t lock; /* FF_ARRAY_SERIAL */
    const void *origin;
    char origin_name[128];
    int (*fill)(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                const struct ff_call *, struct ff_error *);
    void (*release_ctx)(void *);
    struct ff_array *inner; /* wrap: the plugin's; slice: the whole */
    int64_t first[FF_MAX_NDIM], step[FF_MAX_NDIM]; /* slice */
};

/* A description to copy. chunk NULL: inline. */
struct ff_array_spec {
    const char *descr;
    int32_t ndim;
    const int64_t *shape, *chunk;
    const int64_t *const *edges;
    const int64_t *edge_count;
    const int64_t *strides;
    const char *options;
};

/* A checked copy with one reference, flags 0, no read. The spec is borrowed. FF_E_USAGE.
 */
struct ff_own_array *ff_own_new(const struct ff_array_spec *, struct ff_error *);
/* The chunk shape of about 4 MiB: whole trailing axes while they fit. */
void ff_chunk_auto(int32_t ndim, const int64_t *shape, uint64_t itemsize_bytes,
                   int64_t *chunk);

/* The chunks that a region touches, in C order of the grid, regular or not. */
struct ff_grid_iter {
    const struct ff_own_array *array;
    const struct ff_region *region;
    int64_t first[FF_MAX_NDIM], last[FF_MAX_NDIM], at[FF_MAX_NDIM];
    int begun;
    /* the chunk: its box, and the part of the region in it, counted in the region */
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    int64_t place[FF_MAX_NDIM], take[FF_MAX_NDIM];
};
/* The array has a chunk grid; the region has been checked. */
void ff_grid_begin(struct ff_grid_iter *, const struct ff_own_array *,
                   const struct ff_region *);
/* 0 at the end. Chunks that a step jumps over are left out. */
int ff_grid_next(struct ff_grid_iter *);

#endif
