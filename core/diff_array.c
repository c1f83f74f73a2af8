/* SPDX-License-Identifier: Apache-2.0 */
/* diff_array.c: where the elements of two arrays differ, piece by piece. */
#include "core/diff.h"

#include <math.h>
#include <stdbool.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/dtype.h"

#define PIECE_BYTES ((size_t)4 << 20)

struct pieces {
    const struct ff_array *a, *b;
    const struct ff_call *call;
    struct ff_difference *out;
    struct ff_dtype *dtype;
    bool numbers; /* real ones of a size that C has */
    int32_t axis; /* pieces are of this axis; those before it are one by one */
    int64_t rows; /* of it at once */
    uint8_t *x, *y;
    size_t item_bytes;
};

/* The axis behind which all fits into a piece. */
static int choose_pieces(struct pieces *p)
{
    size_t row = p->item_bytes, next;
    p->axis = p->a->ndim - 1;
    while (p->axis > 0 && ff_mul_size(row, (size_t)p->a->shape[p->axis], &next) &&
           next <= PIECE_BYTES) {
        row = next;
        p->axis--;
    }
    p->rows = row < PIECE_BYTES ? (int64_t)(PIECE_BYTES / row) : 1;
    if (p->axis >= 0 && p->rows > p->a->shape[p->axis]) {
        p->rows = p->a->shape[p->axis];
    }
    p->x = ff_malloc(row * (size_t)p->rows);
    p->y = ff_malloc(row * (size_t)p->rows);
    return p->x && p->y ? FF_OK : FF_E_NO_MEMORY;
}

static double number(const struct pieces *p, const uint8_t *item)
{
    union {
        uint8_t bytes[8];
        int8_t i1;
        int16_t i2;
        int32_t i4;
        int64_t i8;
        uint16_t u2;
        uint32_t u4;
        uint64_t u8;
        float f4;
        double f8;
    } v = {{0}};
    memcpy(v.bytes, item, p->item_bytes);
    switch (p->dtype->kind) {
    case 'f':
        return p->item_bytes == 4 ? (double)v.f4 : v.f8;
    case 'i':
        return p->item_bytes == 1   ? v.i1
               : p->item_bytes == 2 ? v.i2
               : p->item_bytes == 4 ? v.i4
                                    : (double)v.i8;
    default:
        return p->item_bytes == 1   ? v.bytes[0]
               : p->item_bytes == 2 ? v.u2
               : p->item_bytes == 4 ? v.u4
                                    : (double)v.u8;
    }
}

/* Element i of the piece that begins at `start`. */
static void note(struct pieces *p, const int64_t *start, const int64_t *count, size_t i,
                 double distance)
{
    struct ff_difference *out = p->out;
    if (out->count++ == 0) {
        size_t rest = i;
        for (int32_t axis = p->a->ndim - 1; axis >= 0; axis--) {
            out->first[axis] = start[axis] + (int64_t)(rest % (size_t)count[axis]);
            rest /= (size_t)count[axis];
        }
        out->largest = distance;
    } else if (isnan(distance) || distance > out->largest) {
        out->largest = isnan(out->largest) ? out->largest : distance;
    }
}

static void compare(struct pieces *p, const int64_t *start, const int64_t *count)
{
    size_t items = 1;
    for (int32_t i = 0; i < p->a->ndim; i++) {
        items *= (size_t)count[i];
    }
    if (memcmp(p->x, p->y, items * p->item_bytes) == 0) {
        return;
    }
    if (p->numbers && !ff_dtype_is_native(p->dtype)) {
        ff_dtype_swap(p->dtype, p->x, items);
        ff_dtype_swap(p->dtype, p->y, items);
    }
    for (size_t i = 0; i < items; i++) {
        const uint8_t *x = p->x + i * p->item_bytes, *y = p->y + i * p->item_bytes;
        if (memcmp(x, y, p->item_bytes) != 0) {
            double u = p->numbers ? number(p, x) : 0, v = p->numbers ? number(p, y) : 0;
            bool same =
                p->numbers && p->dtype->kind == 'f' && (u == v || (isnan(u) && isnan(v)));
            if (!same) {
                note(p, start, count, i, p->numbers ? fabs(u - v) : (double)NAN);
            }
        }
    }
}

/* Move on by a piece. False: that was the last. */
static bool next_piece(const struct pieces *p, int64_t *start, int64_t *count)
{
    for (int32_t axis = p->axis; axis >= 0; axis--) {
        start[axis] += count[axis];
        if (start[axis] < p->a->shape[axis]) {
            int64_t left = p->a->shape[axis] - start[axis];
            count[axis] = axis < p->axis ? 1 : left < p->rows ? left : p->rows;
            return true;
        }
        start[axis] = 0;
        count[axis] = axis < p->axis ? 1 : p->rows;
    }
    return false;
}

static int run(struct pieces *p, struct ff_error *e)
{
    int64_t start[FF_MAX_NDIM] = {0}, count[FF_MAX_NDIM];
    int rc = FF_OK;
    for (int32_t i = 0; i < p->a->ndim; i++) {
        count[i] = i < p->axis ? 1 : i == p->axis ? p->rows : p->a->shape[i];
    }
    do {
        const struct ff_region region = {start, count, NULL};
        const struct ff_region *part = p->a->ndim ? &region : NULL;
        rc = ff_array_read(p->a, part, p->x, NULL, p->call, e);
        rc = rc ? rc : ff_array_read(p->b, part, p->y, NULL, p->call, e);
        if (!rc) {
            compare(p, start, count);
        }
    } while (!rc && next_piece(p, start, count));
    return rc;
}

static bool is_number(const struct ff_dtype *d)
{
    size_t n = (size_t)d->item_bytes;
    return (d->kind == 'f' && (n == 4 || n == 8)) ||
           ((d->kind == 'i' || d->kind == 'u' || d->kind == 'b') &&
            (n == 1 || n == 2 || n == 4 || n == 8));
}

int ff_diff_elements(const struct ff_array *a, const struct ff_array *b,
                     const struct ff_call *call, struct ff_difference *out,
                     struct ff_error *e)
{
    struct pieces p = {.a = a,
                       .b = b,
                       .call = call,
                       .out = out,
                       .item_bytes = (size_t)a->itemsize_bytes};
    int rc = FF_OK;
    out->count = 0;
    out->ndim = a->ndim;
    for (int32_t i = 0; i < a->ndim; i++) {
        if (a->shape[i] == 0) {
            return FF_OK;
        }
    }
    if (!p.item_bytes) {
        return FF_OK;
    }
    p.numbers =
        !ff_dtype_parse(a->descr, strlen(a->descr), &p.dtype, NULL) && is_number(p.dtype);
    if (choose_pieces(&p)) {
        rc = ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to compare arrays");
    }
    rc = rc ? rc : run(&p, e);
    ff_free(p.x);
    ff_free(p.y);
    ff_dtype_free(p.dtype);
    return rc;
}
