/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: raw chunks straight from the array's memory: the bytes of rows as they are asked for. */
#include "zarr/store.h"

enum { SHORT_BYTES = 64 /* shorter rows are gathered first */ };

static void measure(struct zarr_rows *r, const struct zarr_meta *m,
                    const struct ff_array *a)
{
    r->m = m;
    r->a = a;
    r->axes = m->ndim;
    r->run_bytes = m->dtype->item_bytes;
    while (r->axes > 0 && a->strides[r->axes - 1] == (int64_t)r->run_bytes) {
        r->run_bytes *= (uint64_t)m->chunk[--r->axes];
    }
}

bool zarr_rows_fit(struct zarr_rows *r, const struct zarr_meta *m,
                   const struct ff_array *a, const int64_t *index)
{
    if (m->sharded || m->chain.count || !a->data) {
        return false;
    }
    zarr_box_at(m, index, &r->box);
    measure(r, m, a);
    return !r->box.clipped && r->run_bytes >= SHORT_BYTES;
}

static const char *row_at(const struct zarr_rows *r, uint64_t row)
{
    const char *at = r->a->data;

    for (uint32_t i = r->m->ndim; i-- > 0;) {
        int64_t index = r->box.start[i];

        if (i < r->axes) {
            index += (int64_t)(row % (uint64_t)r->m->chunk[i]);
            row /= (uint64_t)r->m->chunk[i];
        }
        at += index * r->a->strides[i];
    }
    return at;
}

int zarr_rows_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                   const struct ff_call *call, struct ff_error *e)
{
    const struct zarr_rows *r = ctx;
    char *to = dst;

    (void)call;
    (void)e;
    while (size_bytes) {
        uint64_t row = offset / r->run_bytes, skip = offset % r->run_bytes;
        size_t n = (size_t)(r->run_bytes - skip);

        n = n < size_bytes ? n : size_bytes;
        memcpy(to, row_at(r, row) + skip, n);
        to += n;
        offset += n;
        size_bytes -= n;
    }
    return FF_OK;
}
