/* SPDX-License-Identifier: Apache-2.0 */
/* region.h: boxes of n-dimensional arrays: strides, copying between layouts, which chunks
 * of a grid a region touches. Shapes, starts and counts are in elements, strides in
 * bytes; axis 0 is the slowest in C order. */
#ifndef FF_BASE_REGION_H
#define FF_BASE_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FF_REGION_MAX_NDIM 32

/* The strides of a packed array in C or Fortran order, and its size. `total_bytes` may be
 * NULL. False on overflow, a negative axis, or more than FF_REGION_MAX_NDIM axes. Axes of
 * 0 count as 1 in the strides, as numpy has it. */
bool ff_strides_c(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                  int64_t *strides, uint64_t *total_bytes);
bool ff_strides_f(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                  int64_t *strides, uint64_t *total_bytes);
/* Packed in C order: the memory is one run without holes. */
bool ff_strides_are_c(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                      const int64_t *strides);

/* Copies count[0] x count[1] x ... items. Strides may be negative; a source stride of 0
 * repeats (all 0: fills with one item). Source and destination must not overlap. False
 * when ndim is too large. Nothing is copied when an axis is 0 or less. */
bool ff_copy_strided(size_t ndim, const int64_t *count, size_t item_bytes, void *dst,
                     const int64_t *dst_strides, const void *src,
                     const int64_t *src_strides);
/* The same, past the caches: for a part of a destination that is much larger than they are,
 * which would otherwise be fetched only to be overwritten, and drive out the source. */
bool ff_copy_strided_past(size_t ndim, const int64_t *count, size_t item_bytes, void *dst,
                          const int64_t *dst_strides, const void *src,
                          const int64_t *src_strides);

/* Whether start, count, step (NULL: all 1) is a region of `shape`: start >= 0, count >=
 * 0, step >= 1, the last element inside (a count of 0 goes with any start). */
bool ff_region_check(size_t ndim, const int64_t *shape, const int64_t *start,
                     const int64_t *count, const int64_t *step);

/* The elements of a region that lie in one chunk of a regular grid. */
struct ff_chunk_part {
    int64_t chunk[FF_REGION_MAX_NDIM]; /* the chunk's place in the grid */
    int64_t first[FF_REGION_MAX_NDIM]; /* first element taken, counted from the chunk's
                                          corner */
    int64_t
        count[FF_REGION_MAX_NDIM]; /* how many on each axis; the step is the region's */
    int64_t place[FF_REGION_MAX_NDIM]; /* where the first goes, counted in the region */
};

/* Fills `part` for the chunk at part->chunk. True when the chunk holds any element of the
 * region. The region must have passed ff_region_check, and every chunk_shape be >= 1. */
bool ff_chunk_intersect(size_t ndim, const int64_t *chunk_shape, const int64_t *start,
                        const int64_t *count, const int64_t *step,
                        struct ff_chunk_part *part);

/* Visits each chunk that holds an element of the region once, in C order of the grid.
 * Members are private, but `part` is the result. */
struct ff_chunk_iter {
    size_t ndim;
    const int64_t *chunk_shape, *start, *count, *step;
    bool begun, done;
    struct ff_chunk_part part;
};

/* Borrows the arrays until the last ff_chunk_iter_next. False when the arguments are no
 * region of the shape, a chunk axis is below 1, or there are too many axes. */
bool ff_chunk_iter_init(struct ff_chunk_iter *it, size_t ndim, const int64_t *shape,
                        const int64_t *chunk_shape, const int64_t *start,
                        const int64_t *count, const int64_t *step);
bool ff_chunk_iter_next(struct ff_chunk_iter *it);

/* Chunks on all axes together; false on overflow or a bad argument. */
bool ff_grid_count(size_t ndim, const int64_t *shape, const int64_t *chunk_shape,
                   uint64_t *chunk_count);

#endif
