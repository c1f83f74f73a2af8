/* SPDX-License-Identifier: Apache-2.0 */
/* push.c: an array whose chunks arrive one by one. Each becomes an object; those of a shard are
 * kept, encoded, until the shard has all of them.
 */
#include "zarr/push.h"

#include <pthread.h>

#include "core/base/alloc.h"

struct shard {
    struct shard *next;
    int64_t index[FF_MAX_NDIM];
    uint64_t have, expected;
    struct zarr_entry *entries;
    struct ff_buf bytes;
};

struct zarr_pushing {
    struct zarr_writer *writer;
    struct zarr_gather *gather;  /* irregular chunks, or NULL */
    uint64_t expected;           /* chunks; 0 for a stream */
    int64_t counts[FF_MAX_NDIM]; /* chunks on each axis */
    pthread_mutex_t lock;
    struct shard *shards; /* under the lock */
};

static void shard_free(struct shard *s)
{
    ff_free(s->entries);
    ff_buf_free(&s->bytes);
    ff_free(s);
}

static void pushing_free(struct zarr_pushing *p)
{
    while (p->shards) {
        struct shard *s = p->shards;

        p->shards = s->next;
        shard_free(s);
    }
    zarr_gather_free(p->gather);
    (void)pthread_mutex_destroy(&p->lock);
    ff_free(p);
}

void zarr_push_abort(struct zarr_pushing *p)
{
    zarr_writer_free(p->writer);
    pushing_free(p);
}

static void count_chunks(struct zarr_pushing *p)
{
    const struct zarr_meta *m = &p->writer->meta;

    p->expected = p->writer->stream ? 0 : 1;
    for (uint32_t i = 0; i < m->ndim; i++) {
        p->counts[i] = m->shape[i] < 0    ? INT64_MAX / m->object[i]
                       : m->shape[i] == 0 ? 0
                                          : (m->shape[i] - 1) / m->chunk[i] + 1;
        p->expected *= (uint64_t)p->counts[i];
    }
}

int zarr_push_begin(struct hdf_inst *inst, const struct ff_array *like,
                    const struct ff_protocols *protocols, const char *uuid,
                    struct zarr_pushing **out, const struct ff_call *call,
                    struct ff_error *e)
{
    struct zarr_pushing *p = ff_calloc(1, sizeof *p);
    int rc = p && pthread_mutex_init(&p->lock, NULL) == 0
                 ? zarr_writer_open(inst, like, protocols, uuid, call, &p->writer, e)
                 : ff_fail(e, FF_E_NO_MEMORY, uuid, "out of memory");

    if (rc) {
        ff_free(p);
        return rc;
    }
    rc = p->writer->edges ? zarr_gather_new(p->writer, like, &p->gather, e) : FF_OK;
    if (rc) {
        zarr_push_abort(p);
        return rc;
    }
    count_chunks(p);
    *out = p;
    return FF_OK;
}

/* ---- shards ---- */

/* How many of its chunks will come; of a stream, the last one may get fewer. */
static uint64_t chunks_in(const struct zarr_pushing *p, const int64_t *shard)
{
    const struct zarr_meta *m = &p->writer->meta;
    uint64_t count = 1;

    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t left = p->counts[i] - shard[i] * m->shards.grid[i];

        count *= (uint64_t)(left < m->shards.grid[i] ? left : m->shards.grid[i]);
    }
    return count;
}

static struct shard *shard_new(const struct zarr_pushing *p, const int64_t *index)
{
    const struct zarr_meta *m = &p->writer->meta;
    struct shard *s = ff_calloc(1, sizeof *s);
    size_t count = (size_t)m->shards.count;

    if (!s) {
        return NULL;
    }
    s->entries = ff_realloc_array(NULL, count, sizeof *s->entries);
    if (!s->entries) {
        ff_free(s);
        return NULL;
    }
    memset(s->entries, 0xff, count * sizeof *s->entries);
    memcpy(s->index, index, m->ndim * sizeof *index);
    ff_buf_init(&s->bytes, SIZE_MAX / 2);
    s->expected = chunks_in(p, index);
    return s;
}

/* Under the lock: the shard with this chunk added, when that makes it whole. */
static int add_to(struct zarr_pushing *p, const int64_t *index, uint64_t entry,
                  const uint8_t *data, size_t size_bytes, struct shard **whole)
{
    const struct zarr_meta *m = &p->writer->meta;
    struct shard **at = &p->shards, *s;

    while (*at && memcmp((*at)->index, index, m->ndim * sizeof *index) != 0) {
        at = &(*at)->next;
    }
    if (!*at) {
        *at = shard_new(p, index);
    }
    s = *at;
    if (!s) {
        return FF_E_NO_MEMORY;
    }
    if (s->entries[entry].offset != ZARR_EMPTY) {
        return FF_E_USAGE;
    }
    s->entries[entry] = (struct zarr_entry){s->bytes.length_bytes, size_bytes};
    if (ff_buf_append(&s->bytes, data, size_bytes)) {
        return FF_E_NO_MEMORY;
    }
    if (++s->have == s->expected) {
        *at = s->next;
        *whole = s;
    }
    return FF_OK;
}

static int put_shard(const struct zarr_writer *w, struct shard *s,
                     const struct ff_call *call, struct ff_error *e)
{
    size_t index_bytes = w->meta.shards.index_bytes;

    if (ff_buf_reserve(&s->bytes, index_bytes)) {
        return ff_fail(e, FF_E_NO_MEMORY, w->name, "no memory for a shard");
    }
    zarr_index_print(&w->meta, s->entries, s->bytes.data + s->bytes.length_bytes);
    ff_buf_added(&s->bytes, index_bytes);
    return zarr_writer_put(w, s->index, s->bytes.data, s->bytes.length_bytes, call, e);
}

static int put_in_shard(struct zarr_pushing *p, const int64_t *index, const uint8_t *data,
                        size_t size_bytes, const struct ff_call *call, struct ff_error *e)
{
    const struct zarr_meta *m = &p->writer->meta;
    int64_t shard[FF_MAX_NDIM] = {0};
    struct shard *whole = NULL;
    uint64_t entry = 0;
    int rc;

    for (uint32_t i = 0; i < m->ndim; i++) {
        shard[i] = index[i] / m->shards.grid[i];
        entry = entry * (uint64_t)m->shards.grid[i] +
                (uint64_t)(index[i] % m->shards.grid[i]);
    }
    (void)pthread_mutex_lock(&p->lock);
    rc = add_to(p, shard, entry, data, size_bytes, &whole);
    (void)pthread_mutex_unlock(&p->lock);
    if (rc) {
        return ff_fail(e, rc, p->writer->name,
                       rc == FF_E_USAGE ? "a chunk came twice" : "no memory for a shard");
    }
    if (whole) {
        rc = put_shard(p->writer, whole, call, e);
        shard_free(whole);
    }
    return rc;
}

/* ---- chunks ---- */

static int box_of(const struct zarr_pushing *p, const int64_t *index, int64_t *count,
                  bool *clipped, struct ff_error *e)
{
    const struct zarr_meta *m = &p->writer->meta;

    *clipped = false;
    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t left = m->shape[i] < 0 ? INT64_MAX : m->shape[i];

        if (index[i] < 0 || index[i] >= p->counts[i]) {
            return ff_fail(e, FF_E_USAGE, p->writer->name,
                           "there is no chunk %lld on axis %u", (long long)index[i], i);
        }
        left -= index[i] * m->chunk[i];
        count[i] = left < m->chunk[i] ? left : m->chunk[i];
        *clipped = *clipped || left < m->chunk[i];
    }
    return FF_OK;
}

static void pad(const struct zarr_meta *m, const int64_t *count, const void *data,
                uint8_t *dst)
{
    int64_t from[FF_MAX_NDIM], to[FF_MAX_NDIM];

    memset(dst, 0, (size_t)m->chunk_bytes);
    (void)ff_strides_c(m->ndim, count, m->dtype->item_bytes, from, NULL);
    (void)ff_strides_c(m->ndim, m->chunk, m->dtype->item_bytes, to, NULL);
    (void)ff_copy_strided(m->ndim, count, (size_t)m->dtype->item_bytes, dst, to, data,
                          from);
}

/* A whole chunk, padded: encoded, and put. */
static int put_plain(void *ctx, const int64_t *index, const void *plain,
                     const struct ff_call *call, struct ff_error *e)
{
    struct zarr_pushing *p = ctx;
    struct zarr_writer *w = p->writer;
    const struct zarr_meta *m = &w->meta;
    struct hdf_scratch *s =
        hdf_scratch_take(w->inst, 2 * zarr_chain_spare(&m->chain) + 1, e);
    const uint8_t *out;
    size_t size_bytes;
    int rc;

    if (!s) {
        return FF_E_NO_MEMORY;
    }
    rc = zarr_chain_encode(&m->chain, plain, s->data, &out, &size_bytes, w->name, e);
    if (rc == FF_OK) {
        rc = m->sharded ? put_in_shard(p, index, out, size_bytes, call, e)
                        : zarr_writer_put(w, index, out, size_bytes, call, e);
    }
    hdf_scratch_give(w->inst, s);
    if (rc == FF_OK) {
        atomic_fetch_add(&w->chunks_put, 1);
    }
    return rc;
}

int zarr_push_put(struct zarr_pushing *p, const int64_t *index, const void *data,
                  const struct ff_call *call, struct ff_error *e)
{
    const struct zarr_meta *m = &p->writer->meta;
    int64_t count[FF_MAX_NDIM];
    struct hdf_scratch *s;
    bool clipped;
    int rc;

    if (p->gather) {
        return zarr_gather_add(p->gather, index, data, put_plain, p, call, e);
    }
    rc = box_of(p, index, count, &clipped, e);
    if (rc || !clipped) {
        return rc ? rc : put_plain(p, index, data, call, e);
    }
    s = hdf_scratch_take(p->writer->inst, m->chain.most_bytes[0], e);
    if (!s) {
        return FF_E_NO_MEMORY;
    }
    pad(m, count, data, s->data);
    rc = put_plain(p, index, s->data, call, e);
    hdf_scratch_give(p->writer->inst, s);
    return rc;
}

/* How many chunks a stream of this length has. */
static uint64_t stream_chunks(const struct zarr_pushing *p, int64_t length)
{
    const struct zarr_meta *m = &p->writer->meta;
    uint64_t count = length > 0 ? (uint64_t)((length - 1) / m->chunk[0] + 1) : 0;

    for (uint32_t i = 1; i < m->ndim; i++) {
        count *= (uint64_t)p->counts[i];
    }
    return count;
}

int zarr_push_finish(struct zarr_pushing *p, int64_t shape0, const struct ff_call *call,
                     struct ff_error *e)
{
    struct zarr_writer *w = p->writer;
    uint64_t put = atomic_load(&w->chunks_put);
    uint64_t expected = w->stream ? stream_chunks(p, shape0) : p->expected;
    int rc = FF_OK;

    if (put != expected || (w->stream && shape0 < 0)) {
        rc = ff_fail(
            e, FF_E_USAGE, w->name, "%llu chunks came, a length of %lld needs %llu",
            (unsigned long long)put, (long long)shape0, (unsigned long long)expected);
    }
    for (struct shard *s = p->shards; rc == FF_OK && s; s = s->next) {
        rc = put_shard(w, s, call, e);
    }
    pushing_free(p);
    if (rc) {
        zarr_writer_free(w);
        return rc;
    }
    return zarr_writer_finish(w, shape0, call, e);
}
