/* SPDX-License-Identifier: Apache-2.0 */
/* put.c: encoded objects into the store. On a local medium one at a time, on the thread that made
 * it; on others a window of them in one batch, so that the network has many under way.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

struct putting {
    struct ff_batch batch; /* first */
    struct zarr_put *puts;
    uint64_t count, given;
    int code;
    struct ff_error error;
    atomic_flag failed;
};

static int from_memory(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *call, struct ff_error *e)
{
    (void)call;
    (void)e;
    memcpy(dst, (const char *)ctx + offset, size_bytes);
    return FF_OK;
}

static struct ff_io *next(struct ff_batch *batch)
{
    struct putting *all = (struct putting *)(void *)batch;

    return all->given < all->count ? &all->puts[all->given++].io : NULL;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct putting *all = (struct putting *)(void *)batch;

    (void)io;
    if (code && !atomic_flag_test_and_set(&all->failed)) {
        all->code = code;
        if (e) {
            all->error = *e;
        }
    }
    return code != FF_OK;
}

void zarr_put_init(struct zarr_put *p, const struct zarr_writer *w, const int64_t *index,
                   ff_read_at *source, const void *ctx, size_t size_bytes)
{
    zarr_key(&w->meta, w->name, index, p->name);
    p->io = (struct ff_io){.struct_size = FF_SIZE(ff_io, flags),
                           .op = FF_PUT,
                           .name = p->name,
                           .size_bytes = size_bytes,
                           .source = source ? source : from_memory,
                           .source_ctx = (void *)(uintptr_t)ctx,
                           .if_match = "",
                           .flags = FF_IO_UNSEEN};
}

int zarr_puts_run(const struct zarr_writer *w, struct zarr_put *puts, uint64_t count,
                  const struct ff_call *call, struct ff_error *e)
{
    struct putting all = {
        .puts = puts, .count = count, .error = FF_ERROR_INIT, .failed = ATOMIC_FLAG_INIT};
    int rc;

    all.batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                  .width = w->local ? 1 : 0,
                                  .next = next,
                                  .done = done};
    rc = w->objects->run(w->objects, &all.batch, call, e);
    if (rc == FF_OK && all.code) {
        rc = all.code;
        if (e && !e->code) {
            *e = all.error;
        }
        (void)ff_fail(e, rc, w->name, "a chunk cannot be written");
    }
    return rc;
}

int zarr_writer_put(const struct zarr_writer *w, const int64_t *index, const void *data,
                    size_t size_bytes, const struct ff_call *call, struct ff_error *e)
{
    struct zarr_put put;

    zarr_put_init(&put, w, index, NULL, data, size_bytes);
    return zarr_puts_run(w, &put, 1, call, e);
}
