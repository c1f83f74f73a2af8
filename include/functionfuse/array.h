/* SPDX-License-Identifier: Apache-2.0 */
/*
 * array.h: an n-dimensional array that may be larger than memory. Shared by programs and
 * plugins.
 *
 * An array is a description (dtype, shape, chunk grid) and a way to read any region of
 * it. Whoever makes one fills the struct; whoever reads one calls `read`. Elements in
 * memory, elements that a callback computes, and elements in a store look the same.
 */
#ifndef FUNCTIONFUSE_ARRAY_H
#define FUNCTIONFUSE_ARRAY_H

#include "error.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FF_MAX_NDIM 32 /* as HDF5 and numpy 1 */

/* One running call, given to everything that takes time. NULL is allowed: no
 * cancellation, no deadline. Valid until the function that it was given to returns; any
 * thread may use it meanwhile. Use the helpers ff_cancelled() and ff_progress(). */
struct ff_call {
    uint32_t struct_size, flags;
    void *ctx; /* the caller's */
    int (*cancelled)(
        const struct ff_call *); /* 1 = stop soon; poll at least each 100 ms */
    void (*progress)(const struct ff_call *, uint64_t done_bytes, uint64_t total_bytes);
    /* total 0 = not known */
    int (*cancel_fd)(const struct ff_call *); /* readable when cancelled, or -1 */
    int64_t (*deadline_ns)(
        const struct ff_call *); /* CLOCK_MONOTONIC; INT64_MAX = none */
};

/* 1: stop soon, with FF_E_CANCELLED; 0, also without a call. The deadline is not looked at. */
static inline int ff_cancelled(const struct ff_call *c)
{
    return FF_HAS(c, ff_call, cancelled) ? c->cancelled(c) : 0;
}
/* Tell how far it is, if anybody listens: both count up within one call, total 0 = not
 * known. */
static inline void ff_progress(const struct ff_call *c, uint64_t done, uint64_t total)
{
    if (FF_HAS(c, ff_call, progress)) {
        c->progress(c, done, total);
    }
}

/* A box of elements: start[i], start[i] + step[i], ... (count[i] of them) on each axis.
 * start >= 0, count >= 0, step >= 1; the last one lies within the shape. Borrowed. */
struct ff_region {
    const int64_t *start;
    const int64_t *count;
    const int64_t *step; /* NULL = 1 on each axis */
};

#define FF_ARRAY_SERIAL                                                                  \
    1u /* read() must not run on two threads at once; the host sees to it */
#define FF_ARRAY_CONSTANT 2u /* `data` never changes while the array lives */
#define FF_ARRAY_AUTO                                                                    \
    4u /* `chunk` was nobody's choice: who saves it may take others, or none */

/* Members with `shape`, `chunk` and `edges` are in elements, in C order of axes (the last
 * axis varies fastest). Everything that a member points to belongs to the array and lives
 * until release(). */
struct ff_array {
    uint32_t struct_size, flags; /* FF_ARRAY_* */
    int32_t ndim;                /* 0 .. FF_MAX_NDIM */
    uint32_t reserved;           /* 0 */
    uint64_t itemsize_bytes;
    const char *descr; /* dtype as numpy's `descr` in a .npy header, without quotes when
                          it is simple: "<f4", ">i8", "|S5", "<U4", "<M8[ns]",
                          "[('a', '<i4'), ('b', '<f8', (3,))]" */
    const int64_t
        *shape; /* ndim; shape[0] = -1: a stream whose length is not known yet */
    const int64_t *chunk; /* ndim; the stored chunk, the largest edge of each axis; NULL =
                             not chunked, an inline value */
    const int64_t *const
        *edges; /* irregular grid: for each axis its chunk sizes, which add up
                   to shape[axis]; NULL = regular, as `chunk` says */
    const int64_t *edge_count; /* with edges: how many for each axis */
    const void *data;          /* the first element when all lie in memory, else NULL */
    const int64_t
        *strides;        /* with data: bytes from an element to the next on each axis */
    const char *options; /* what the saver asks of the serializer, JSON object, or NULL:
                            {"compression": "deflate", "level": 4, "shuffle": true} */
    void *ctx;           /* the maker's */

    /* Copy `region` to dst; dst_strides are bytes per axis of the destination. Whole or
     * failed: never short. Any thread, many at a time, unless FF_ARRAY_SERIAL. FF_E_USAGE
     * outside of the shape; FF_E_STALE; FF_E_CORRUPT; FF_E_IO; FF_E_CANCELLED. NULL only
     * where a description without elements is asked for. */
    int (*read)(const struct ff_array *, const struct ff_region *region, void *dst,
                const int64_t *dst_strides, const struct ff_call *, struct ff_error *);
    /* The last call. Any thread. NULL = nothing to do. */
    void (*release)(struct ff_array *);
    /* Optional powers of this array by id, or NULL. */
    const void *(*query)(const struct ff_array *, const char *interface_id);
};

#ifdef __cplusplus
}
#endif
#endif
