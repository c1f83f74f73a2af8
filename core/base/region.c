/* SPDX-License-Identifier: Apache-2.0 */
/* region.c: strides, and the chunks of a regular grid that a region touches. */
#include "region.h"

#include "checked.h"

static bool stride_step(int64_t axis, uint64_t *stride_bytes)
{
    int64_t fits;

    return axis >= 0 &&
           ff_mul_u64(*stride_bytes, axis ? (uint64_t)axis : 1, stride_bytes) &&
           ff_u64_to_i64(*stride_bytes, &fits);
}

static bool strides_total(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                          uint64_t *total_bytes)
{
    uint64_t unused;

    return ff_product(ndim, shape, item_bytes, total_bytes ? total_bytes : &unused);
}

bool ff_strides_c(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                  int64_t *strides, uint64_t *total_bytes)
{
    uint64_t stride_bytes = item_bytes;

    if (ndim > FF_REGION_MAX_NDIM || item_bytes > INT64_MAX) {
        return false;
    }
    for (size_t i = ndim; i-- > 0;) {
        strides[i] = (int64_t)stride_bytes;
        if (!stride_step(shape[i], &stride_bytes)) {
            return false;
        }
    }
    return strides_total(ndim, shape, item_bytes, total_bytes);
}

bool ff_strides_f(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                  int64_t *strides, uint64_t *total_bytes)
{
    uint64_t stride_bytes = item_bytes;

    if (ndim > FF_REGION_MAX_NDIM || item_bytes > INT64_MAX) {
        return false;
    }
    for (size_t i = 0; i < ndim; i++) {
        strides[i] = (int64_t)stride_bytes;
        if (!stride_step(shape[i], &stride_bytes)) {
            return false;
        }
    }
    return strides_total(ndim, shape, item_bytes, total_bytes);
}

bool ff_strides_are_c(size_t ndim, const int64_t *shape, uint64_t item_bytes,
                      const int64_t *strides)
{
    int64_t packed[FF_REGION_MAX_NDIM];
    uint64_t total_bytes;

    if (!ff_strides_c(ndim, shape, item_bytes, packed, &total_bytes)) {
        return false;
    }
    for (size_t i = 0; i < ndim && total_bytes > 0; i++) {
        if (shape[i] > 1 && strides[i] != packed[i]) {
            return false;
        }
    }
    return true;
}

bool ff_region_check(size_t ndim, const int64_t *shape, const int64_t *start,
                     const int64_t *count, const int64_t *step)
{
    for (size_t i = 0; i < ndim; i++) {
        int64_t last, stride = step ? step[i] : 1;

        if (start[i] < 0 || count[i] < 0 || stride < 1) {
            return false;
        }
        if (count[i] > 0 && (!ff_mul_i64(count[i] - 1, stride, &last) ||
                             !ff_add_i64(start[i], last, &last) || last >= shape[i])) {
            return false;
        }
    }
    return true;
}

/* What one axis of a region looks like. */
struct axis {
    int64_t chunk, start, count, step;
};

/* The part of `axis` that begins at the region's element `place`. */
static void part_at(const struct axis *axis, int64_t place, size_t i,
                    struct ff_chunk_part *part)
{
    int64_t element = axis->start + place * axis->step;
    int64_t first = element % axis->chunk;
    int64_t in_chunk = (axis->chunk - first - 1) / axis->step + 1;
    int64_t left = axis->count - place;

    part->chunk[i] = element / axis->chunk;
    part->first[i] = first;
    part->count[i] = in_chunk < left ? in_chunk : left;
    part->place[i] = place;
}

bool ff_chunk_intersect(size_t ndim, const int64_t *chunk_shape, const int64_t *start,
                        const int64_t *count, const int64_t *step,
                        struct ff_chunk_part *part)
{
    for (size_t i = 0; i < ndim; i++) {
        struct axis axis = {chunk_shape[i], start[i], count[i], step ? step[i] : 1};
        int64_t corner, wanted = part->chunk[i], place = 0;

        if (wanted < 0 || !ff_mul_i64(wanted, axis.chunk, &corner)) {
            return false;
        }
        if (corner > axis.start) {
            place = (corner - axis.start - 1) / axis.step + 1;
        }
        if (place >= axis.count) {
            return false;
        }
        part_at(&axis, place, i, part);
        if (part->chunk[i] != wanted) {
            part->chunk[i] = wanted;
            return false;
        }
    }
    return true;
}

static void iter_part_at(struct ff_chunk_iter *it, size_t i, int64_t place)
{
    struct axis axis = {it->chunk_shape[i], it->start[i], it->count[i],
                        it->step ? it->step[i] : 1};

    part_at(&axis, place, i, &it->part);
}

bool ff_chunk_iter_init(struct ff_chunk_iter *it, size_t ndim, const int64_t *shape,
                        const int64_t *chunk_shape, const int64_t *start,
                        const int64_t *count, const int64_t *step)
{
    *it = (struct ff_chunk_iter){.ndim = ndim,
                                 .chunk_shape = chunk_shape,
                                 .start = start,
                                 .count = count,
                                 .step = step,
                                 .done = true};
    if (ndim > FF_REGION_MAX_NDIM || !ff_region_check(ndim, shape, start, count, step)) {
        return false;
    }
    for (size_t i = 0; i < ndim; i++) {
        if (chunk_shape[i] < 1) {
            return false;
        }
    }
    it->done = false;
    for (size_t i = 0; i < ndim; i++) {
        it->done = it->done || count[i] == 0;
    }
    return true;
}

bool ff_chunk_iter_next(struct ff_chunk_iter *it)
{
    if (it->done) {
        return false;
    }
    for (size_t i = it->ndim; it->begun && i-- > 0;) {
        int64_t place = it->part.place[i] + it->part.count[i];

        if (place < it->count[i]) {
            iter_part_at(it, i, place);
            return true;
        }
        iter_part_at(it, i, 0);
    }
    if (it->begun) {
        it->done = true;
        return false;
    }
    it->begun = true;
    for (size_t i = 0; i < it->ndim; i++) {
        iter_part_at(it, i, 0);
    }
    return true;
}

bool ff_grid_count(size_t ndim, const int64_t *shape, const int64_t *chunk_shape,
                   uint64_t *chunk_count)
{
    uint64_t product = 1;
    bool empty = false;

    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] < 0 || chunk_shape[i] < 1) {
            return false;
        }
        empty = empty || shape[i] == 0;
    }
    for (size_t i = 0; i < ndim && !empty; i++) {
        uint64_t axis = (uint64_t)((shape[i] - 1) / chunk_shape[i] + 1);

        if (!ff_mul_u64(product, axis, &product)) {
            return false;
        }
    }
    *chunk_count = empty ? 0 : product;
    return true;
}
