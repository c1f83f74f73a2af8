/* SPDX-License-Identifier: Apache-2.0 */
/* gather.c: pushed chunks of an irregular grid. What is stored has a regular one, so each stored
 * chunk is kept in memory, plain, from its first element to its last.
 */
#include "zarr/push.h"

#include <pthread.h>

#include "core/base/alloc.h"

struct pending {
    struct pending *next;
    int64_t index[FF_MAX_NDIM];
    uint64_t missing; /* elements */
    uint8_t *plain;
};

struct zarr_gather {
    const struct zarr_writer *writer;
    int64_t *starts[FF_MAX_NDIM]; /* where each pushed chunk begins, and the end */
    int64_t counts[FF_MAX_NDIM];
    pthread_mutex_t lock;
    struct pending *pending; /* under the lock */
};

/* What is pushed, and the part of it that lies in one stored chunk. */
struct piece {
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    int64_t first[FF_MAX_NDIM], last[FF_MAX_NDIM], at[FF_MAX_NDIM]; /* stored chunks */
    const char *data;
};

static void pending_free(struct pending *p)
{
    if (p) {
        ff_free(p->plain);
        ff_free(p);
    }
}

void zarr_gather_free(struct zarr_gather *g)
{
    if (!g) {
        return;
    }
    while (g->pending) {
        struct pending *p = g->pending;

        g->pending = p->next;
        pending_free(p);
    }
    for (size_t i = 0; i < FF_MAX_NDIM; i++) {
        ff_free(g->starts[i]);
    }
    (void)pthread_mutex_destroy(&g->lock);
    ff_free(g);
}

static int keep_starts(struct zarr_gather *g, const struct ff_array *like, uint32_t axis,
                       struct ff_error *e)
{
    int64_t count = like->edge_count[axis], at = 0;

    g->starts[axis] = ff_realloc_array(NULL, (size_t)count + 1, sizeof *g->starts[axis]);
    if (!g->starts[axis]) {
        return ff_fail(e, FF_E_NO_MEMORY, g->writer->name, "out of memory");
    }
    for (int64_t k = 0; k < count; k++) {
        g->starts[axis][k] = at;
        at += like->edges[axis][k];
    }
    g->starts[axis][count] = at;
    g->counts[axis] = count;
    return at == like->shape[axis]
               ? FF_OK
               : ff_fail(e, FF_E_USAGE, g->writer->name,
                         "the chunks of axis %u do not add up to its length", axis);
}

int zarr_gather_new(const struct zarr_writer *w, const struct ff_array *like,
                    struct zarr_gather **out, struct ff_error *e)
{
    struct zarr_gather *g = ff_calloc(1, sizeof *g);
    int rc = FF_OK;

    if (!g || pthread_mutex_init(&g->lock, NULL)) {
        ff_free(g);
        return ff_fail(e, FF_E_NO_MEMORY, w->name, "out of memory");
    }
    g->writer = w;
    for (uint32_t i = 0; rc == FF_OK && i < w->meta.ndim; i++) {
        rc = keep_starts(g, like, i, e);
    }
    if (rc) {
        zarr_gather_free(g);
        return rc;
    }
    *out = g;
    return FF_OK;
}

/* ---- one stored chunk ---- */

static struct pending *pending_new(const struct zarr_meta *m, const int64_t *index)
{
    struct pending *p = ff_calloc(1, sizeof *p);
    struct zarr_box box;

    if (!p) {
        return NULL;
    }
    p->plain = ff_calloc(1, (size_t)m->chunk_bytes);
    if (!p->plain) {
        ff_free(p);
        return NULL;
    }
    memcpy(p->index, index, m->ndim * sizeof *index);
    zarr_box_at(m, index, &box);
    p->missing = 1;
    for (uint32_t i = 0; i < m->ndim; i++) {
        p->missing *= (uint64_t)box.count[i];
    }
    return p;
}

/* The elements that both have; gives how many. */
static uint64_t copy_shared(const struct zarr_meta *m, const struct piece *piece,
                            struct pending *p)
{
    int64_t from[FF_MAX_NDIM], to[FF_MAX_NDIM], count[FF_MAX_NDIM];
    const char *src = piece->data;
    uint8_t *dst = p->plain;
    uint64_t shared = 1;

    (void)ff_strides_c(m->ndim, piece->count, m->dtype->item_bytes, from, NULL);
    (void)ff_strides_c(m->ndim, m->chunk, m->dtype->item_bytes, to, NULL);
    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t begin = p->index[i] * m->chunk[i], end = begin + m->chunk[i];
        int64_t low = begin > piece->start[i] ? begin : piece->start[i];
        int64_t high = piece->start[i] + piece->count[i];

        high = high < end ? high : end;
        count[i] = high - low;
        src += (low - piece->start[i]) * from[i];
        dst += (low - begin) * to[i];
        shared *= (uint64_t)count[i];
    }
    (void)ff_copy_strided(m->ndim, count, (size_t)m->dtype->item_bytes, dst, to, src,
                          from);
    return shared;
}

/* Under the lock: *whole is the chunk at piece->at when nothing is missing of it any more. */
static int add_to(struct zarr_gather *g, const struct piece *piece,
                  struct pending **whole)
{
    const struct zarr_meta *m = &g->writer->meta;
    struct pending **at = &g->pending, *p;
    uint64_t shared;

    while (*at && memcmp((*at)->index, piece->at, m->ndim * sizeof *piece->at) != 0) {
        at = &(*at)->next;
    }
    if (!*at) {
        *at = pending_new(m, piece->at);
    }
    p = *at;
    if (!p) {
        return FF_E_NO_MEMORY;
    }
    shared = copy_shared(m, piece, p);
    if (shared > p->missing) {
        return FF_E_USAGE;
    }
    p->missing -= shared;
    if (!p->missing) {
        *at = p->next;
        *whole = p;
    }
    return FF_OK;
}

/* ---- one pushed chunk ---- */

/* FF_DECLINED: it has no elements. */
static int piece_at(const struct zarr_gather *g, const int64_t *index, const void *data,
                    struct piece *piece, struct ff_error *e)
{
    const struct zarr_meta *m = &g->writer->meta;
    int rc = FF_OK;

    piece->data = data;
    for (uint32_t i = 0; i < m->ndim; i++) {
        if (index[i] < 0 || index[i] >= g->counts[i]) {
            return ff_fail(e, FF_E_USAGE, g->writer->name,
                           "there is no chunk %lld on axis %u", (long long)index[i], i);
        }
        piece->start[i] = g->starts[i][index[i]];
        piece->count[i] = g->starts[i][index[i] + 1] - piece->start[i];
        piece->first[i] = piece->at[i] = piece->start[i] / m->chunk[i];
        piece->last[i] = (piece->start[i] + piece->count[i] - 1) / m->chunk[i];
        rc = piece->count[i] ? rc : FF_DECLINED;
    }
    return rc;
}

/* The next stored chunk that it touches. */
static bool next_touched(struct piece *piece, uint32_t ndim)
{
    for (uint32_t i = ndim; i-- > 0;) {
        if (piece->at[i]++ < piece->last[i]) {
            return true;
        }
        piece->at[i] = piece->first[i];
    }
    return false;
}

int zarr_gather_add(struct zarr_gather *g, const int64_t *index, const void *data,
                    zarr_put_plain *put, void *ctx, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct zarr_meta *m = &g->writer->meta;
    struct piece piece;
    int rc = piece_at(g, index, data, &piece, e);

    if (rc) {
        return rc == FF_DECLINED ? FF_OK : rc;
    }
    do {
        struct pending *whole = NULL;

        (void)pthread_mutex_lock(&g->lock);
        rc = add_to(g, &piece, &whole);
        (void)pthread_mutex_unlock(&g->lock);
        if (rc) {
            return ff_fail(e, rc, g->writer->name,
                           rc == FF_E_USAGE ? "a chunk came twice"
                                            : "no memory for a chunk");
        }
        rc = whole ? put(ctx, whole->index, whole->plain, call, e) : FF_OK;
        pending_free(whole);
    } while (rc == FF_OK && next_touched(&piece, m->ndim));
    return rc;
}
