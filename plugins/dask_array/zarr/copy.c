/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: an array that stands in another store as it is to stand here: its stored chunks are
 * moved, never decoded.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

/* Its address is the id: only this very code asks for it, and knows what it gets. */
static const char kin_id[] = "HDFSerializer: a stored zarr array";

const void *zarr_array_query(const struct ff_array *array, const char *interface_id)
{
    return interface_id == kin_id ? array : NULL;
}

/* ---- whether ---- */

static bool same_steps(const struct zarr_chain *a, const struct zarr_chain *b)
{
    bool same = a->count == b->count && !a->vlen && !b->vlen;

    for (unsigned i = 0; same && i < a->count; i++) {
        const struct zarr_codec *x = &a->step[i], *y = &b->step[i];

        same = x->kind == y->kind && x->kind != ZARR_DELTA && x->in_front == y->in_front;
        if (x->kind == ZARR_BLOSC) { /* a chunk's own head says the rest */
            same = same && x->shuffle == y->shuffle &&
                   strcmp(x->compressor, y->compressor) == 0;
        } else if (x->kind == ZARR_SHUFFLE) {
            same = same && x->item_bytes == y->item_bytes;
        }
    }
    return same;
}

static bool same_shards(const struct zarr_meta *a, const struct zarr_meta *b)
{
    const struct zarr_shards *x = &a->shards, *y = &b->shards;

    return a->sharded == b->sharded &&
           (!a->sharded ||
            (x->at_start == y->at_start && x->crc32c == y->crc32c &&
             x->big_endian == y->big_endian && same_steps(&x->outer, &y->outer)));
}

/* Elements have one dtype already: the writer's is the array's. */
static bool same_layout(const struct zarr_meta *a, const struct zarr_meta *b)
{
    size_t axes = a->ndim * sizeof *a->shape;

    return a->ndim == b->ndim && memcmp(a->shape, b->shape, axes) == 0 &&
           memcmp(a->object, b->object, axes) == 0 &&
           memcmp(a->chunk, b->chunk, axes) == 0 &&
           memcmp(a->order, b->order, a->ndim * sizeof *a->order) == 0 &&
           a->chunk_bytes == b->chunk_bytes && same_steps(&a->chain, &b->chain) &&
           same_shards(a, b);
}

const struct zarr_array *zarr_kin(const struct zarr_writer *w, const struct ff_array *a)
{
    const struct zarr_array *kin =
        FF_HAS(a, ff_array, query) ? a->query(a, kin_id) : NULL;
    int64_t none[FF_MAX_NDIM] = {0};
    struct ff_region nothing = {none, none, NULL};

    /* whoever holds the array may refuse to read: in a child of fork() */
    return kin && a->ndim && same_layout(&kin->meta, &w->meta) &&
                   a->read(a, &nothing, none, none, NULL, NULL) == FF_OK
               ? kin
               : NULL;
}

/* ---- how ---- */

struct getting {
    struct ff_batch batch; /* first */
    struct zarr_moving *all;
    uint64_t count, given;
    int code;
    struct ff_error error;
    atomic_flag failed;
};

static void *buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct zarr_moving *m = (struct zarr_moving *)(void *)io;

    m->data = size_bytes <= m->most_bytes ? m->data : NULL;
    return m->data;
}

static struct ff_io *next(struct ff_batch *batch)
{
    struct getting *g = (struct getting *)(void *)batch;

    return g->given < g->count ? &g->all[g->given++].io : NULL;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct getting *g = (struct getting *)(void *)batch;
    struct zarr_moving *m = (struct zarr_moving *)(void *)io;

    m->code = code;
    if (!code || code == FF_E_NOT_FOUND || atomic_flag_test_and_set(&g->failed)) {
        return m->code && m->code != FF_E_NOT_FOUND;
    }
    if (!m->data) {
        (void)ff_fail(&g->error, FF_E_CORRUPT, m->name, "a damaged chunk: too large");
    } else if (e) {
        g->error = *e;
    }
    g->code = g->error.code ? g->error.code : code;
    return 1;
}

void zarr_moving_init(struct zarr_moving *m, const struct zarr_array *kin,
                      const int64_t *index, uint8_t *data, size_t most_bytes)
{
    zarr_key(&kin->meta, kin->name, index, m->name);
    m->io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                           .op = FF_GET,
                           .name = m->name,
                           .size_bytes = FF_ANY_SIZE,
                           .buffer = buffer};
    m->data = data;
    m->most_bytes = most_bytes;
    m->code = FF_E_CANCELLED;
}

int zarr_moving_get(const struct zarr_array *kin, struct zarr_moving *all, uint64_t count,
                    const struct ff_call *call, struct ff_error *e)
{
    struct getting g = {
        .all = all, .count = count, .error = FF_ERROR_INIT, .failed = ATOMIC_FLAG_INIT};
    int rc;

    g.batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                .width = kin->local ? 1 : 0,
                                .next = next,
                                .done = done};
    rc = kin->objects->run(kin->objects, &g.batch, call, e);
    if (rc == FF_OK && g.code) {
        rc = g.code;
        if (e && !e->code) {
            *e = g.error;
        }
        (void)ff_fail(e, rc, kin->name, "a chunk cannot be read");
    }
    return rc;
}
