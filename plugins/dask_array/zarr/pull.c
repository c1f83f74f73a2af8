/* SPDX-License-Identifier: Apache-2.0 */
/* pull.c: objects into the caller's memory: raw chunks at once where they fit, others by way of
 * scratch memory. Chunks, and shards of a local medium, are decoded as soon as they are there;
 * shards of others when all of a group are, on all threads: whoever calls done() for one may be
 * who waits for the next.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

struct pulling {
    struct ff_batch batch; /* first */
    const struct zarr_job *job;
    struct zarr_pull *pulls;
    uint64_t count, given;
};

char *zarr_part_dst(const struct zarr_job *j, const struct ff_chunk_part *part)
{
    char *dst = j->dst;

    for (uint32_t i = 0; i < j->a->meta.ndim; i++) {
        dst += part->place[i] * j->dst_strides[i];
    }
    return dst;
}

/* Whether the caller's memory takes the whole chunk as it is stored. */
bool zarr_part_fits(const struct zarr_job *j, const struct ff_chunk_part *part)
{
    const struct zarr_meta *m = &j->a->meta;

    if (j->check) {
        return false;
    }
    for (uint32_t i = 0; i < m->ndim; i++) {
        bool steps = j->region->step && j->region->step[i] != 1;

        if (part->count[i] != m->chunk[i] ||
            (m->chunk[i] > 1 && (steps || j->dst_strides[i] != j->strides[i]))) {
            return false;
        }
    }
    return true;
}

/* `first` is the part's first element. */
static void copy_from(const struct zarr_job *j, const struct ff_chunk_part *part,
                      const uint8_t *first)
{
    const struct zarr_meta *m = &j->a->meta;
    int64_t strides[FF_MAX_NDIM];

    if (j->check) {
        return;
    }
    for (uint32_t i = 0; i < m->ndim; i++) {
        strides[i] = j->strides[i] * (j->region->step ? j->region->step[i] : 1);
    }
    (void)(j->past ? ff_copy_strided_past : ff_copy_strided)(
        m->ndim, part->count, (size_t)m->dtype->item_bytes, zarr_part_dst(j, part),
        j->dst_strides, first, strides);
}

static void copy_out(const struct zarr_job *j, const struct ff_chunk_part *part,
                     const uint8_t *plain)
{
    for (uint32_t i = 0; i < j->a->meta.ndim; i++) {
        plain += part->first[i] * j->strides[i];
    }
    copy_from(j, part, plain);
}

int zarr_fill_out(const struct zarr_job *j, const struct ff_chunk_part *part,
                  struct ff_error *e)
{
    const struct zarr_meta *m = &j->a->meta;
    int64_t none[FF_MAX_NDIM] = {0};
    uint8_t *zero =
        m->fill || j->check ? NULL : ff_calloc(1, (size_t)m->dtype->item_bytes);

    if (j->check) {
        return FF_OK;
    }
    if (!m->fill && !zero) {
        return ff_fail(e, FF_E_NO_MEMORY, j->a->name, "out of memory");
    }
    (void)ff_copy_strided(m->ndim, part->count, (size_t)m->dtype->item_bytes,
                          zarr_part_dst(j, part), j->dst_strides, zero ? zero : m->fill,
                          none);
    ff_free(zero);
    return FF_OK;
}

static int vlen_out(const struct zarr_job *j, const struct ff_chunk_part *part,
                    const char *place, const uint8_t *data, size_t size_bytes,
                    struct ff_error *e)
{
    const struct zarr_meta *m = &j->a->meta;
    uint64_t longest, item = m->dtype->item_bytes;
    uint8_t *plain = NULL, *items = NULL;
    size_t plain_bytes;
    int rc =
        zarr_vlen_decode(&m->chain, data, size_bytes, &plain, &plain_bytes, place, e);

    rc = rc ? rc
            : zarr_vlen_measure(m->chain.vlen, plain, plain_bytes, m->chunk_items,
                                &longest, place, e);
    if (rc == FF_OK && longest > (m->chain.vlen == ZARR_UTF8 ? item / 4 : item)) {
        rc = ff_fail(e, FF_E_STALE, place, "was written meanwhile: read again");
    }
    if (rc == FF_OK) {
        items = ff_malloc((size_t)m->chunk_bytes);
        rc = items ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, place, "no memory for a chunk");
    }
    if (rc == FF_OK) {
        zarr_vlen_spread(m->chain.vlen, plain, plain_bytes, m->chunk_items, item, items);
        copy_out(j, part, items);
    }
    ff_free(items);
    ff_free(plain);
    return rc;
}

size_t zarr_chunk_spare(const struct zarr_array *a)
{
    return a->meta.chain.vlen ? 0 : 2 * zarr_chain_spare(&a->meta.chain);
}

int zarr_chunk_out(const struct zarr_job *j, const struct ff_chunk_part *part,
                   const char *place, const uint8_t *data, size_t size_bytes,
                   uint8_t *spare, struct ff_error *e)
{
    const struct zarr_meta *m = &j->a->meta;
    uint8_t *dst = NULL;
    const uint8_t *plain;
    int rc;

    if (m->chain.vlen) {
        return vlen_out(j, part, place, data, size_bytes, e);
    }
    if (zarr_part_fits(j, part)) {
        dst = (uint8_t *)zarr_part_dst(j, part);
    }
    rc = zarr_chain_plausible(&m->chain, size_bytes, place, e);
    rc =
        rc ? rc
           : zarr_chain_decode(&m->chain, data, size_bytes, spare, dst, &plain, place, e);
    if (rc == FF_OK && plain != dst) {
        copy_out(j, part, plain);
    }
    return rc;
}

/* ---- one object ---- */

/* The bytes of a raw chunk from the part's first element to its last. */
static void take_range(struct zarr_pull *p)
{
    const struct zarr_job *j = p->job;
    const struct zarr_meta *m = &j->a->meta;
    uint64_t begin = 0, end = m->dtype->item_bytes;

    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t step = j->region->step ? j->region->step[i] : 1;

        begin += (uint64_t)(p->part.first[i] * j->strides[i]);
        end += (uint64_t)((p->part.first[i] + (p->part.count[i] - 1) * step) *
                          j->strides[i]);
    }
    p->ranged = end - begin < m->chunk_bytes / 2;
    if (p->ranged) {
        p->io.offset_bytes = begin;
        p->io.size_bytes = end - begin;
    }
}

static void *pull_buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct zarr_pull *p = (struct zarr_pull *)(void *)io;
    const struct zarr_array *a = p->job->a;
    const struct zarr_meta *m = &a->meta;
    size_t spare = p->shard || p->ranged ? 0 : zarr_chunk_spare(a);
    size_t room = ((size_t)size_bytes + 63) / 64 * 64;

    if (!p->shard && !p->ranged && !m->chain.vlen) {
        p->code = zarr_chain_plausible(&m->chain, size_bytes, p->name, &p->error);
        p->in_place = m->chain.count == 0 && zarr_part_fits(p->job, &p->part);
    }
    if (p->shard && size_bytes > m->shards.outer.most_bytes[m->shards.outer.count]) {
        p->code = ff_fail(&p->error, FF_E_CORRUPT, p->name, "a damaged shard: too large");
    }
    if (p->code) {
        return NULL;
    }
    if (p->in_place) {
        return zarr_part_dst(p->job, &p->part);
    }
    p->scratch = size_bytes > SIZE_MAX / 4
                     ? NULL
                     : hdf_scratch_take(a->inst, room + spare + 1, &p->error);
    p->data = p->scratch ? p->scratch->data : NULL;
    p->spare = p->scratch ? p->data + room : NULL;
    return p->data;
}

void zarr_pull_whole(struct zarr_pull *p, const struct zarr_job *j,
                     const struct ff_chunk_part *part, bool shard)
{
    memset(p, 0, offsetof(struct zarr_pull, error));
    p->error = (struct ff_error)FF_ERROR_INIT;
    p->job = j;
    p->part = *part;
    p->shard = shard;
    zarr_key(&j->a->meta, j->a->name, part->chunk, p->name);
    p->io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                           .op = FF_GET,
                           .name = p->name,
                           .size_bytes = FF_ANY_SIZE,
                           .buffer = pull_buffer};
    if (!shard && j->a->meta.chain.count == 0 && !j->a->meta.chain.vlen && !j->check) {
        take_range(p);
    }
}

/* A range of a raw chunk, whose object must have a chunk's size. */
static int range_out(struct zarr_pull *p)
{
    const struct zarr_meta *m = &p->job->a->meta;

    if (p->io.object_bytes != m->chunk_bytes) {
        return ff_fail(
            &p->error, FF_E_CORRUPT, p->name, "a damaged chunk: %llu bytes, not %llu",
            (unsigned long long)p->io.object_bytes, (unsigned long long)m->chunk_bytes);
    }
    copy_from(p->job, &p->part, p->data);
    return FF_OK;
}

static void pull_decode(struct zarr_pull *p)
{
    size_t size_bytes = (size_t)p->io.size_bytes;

    if (p->code == FF_OK && !p->in_place) {
        p->code = p->shard    ? zarr_shard_out(p->job, &p->part, p->name, p->data,
                                               size_bytes, &p->error)
                  : p->ranged ? range_out(p)
                              : zarr_chunk_out(p->job, &p->part, p->name, p->data,
                                               size_bytes, p->spare, &p->error);
    }
    if (p->scratch) {
        hdf_scratch_give(p->job->a->inst, p->scratch);
        p->scratch = NULL;
    }
}

/* ---- many ---- */

static struct ff_io *next(struct ff_batch *batch)
{
    struct pulling *all = (struct pulling *)(void *)batch;

    return all->given < all->count ? &all->pulls[all->given++].io : NULL;
}

static void note(struct zarr_pull *p, int code, const struct ff_error *e)
{
    if (code && !p->code) {
        p->code = code;
        if (e && !p->error.code) {
            p->error = *e;
        }
    }
}

void zarr_pull_end(struct zarr_pull *p, int code, const struct ff_error *e)
{
    note(p, code, e);
    pull_decode(p);
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    const struct pulling *all = (struct pulling *)(void *)batch;
    struct zarr_pull *p = (struct zarr_pull *)(void *)io;

    note(p, code, e);
    if (all->job->a->local || p->code) {
        pull_decode(p);
    }
    return p->code && p->code != FF_E_NOT_FOUND;
}

static int decode_one(void *ctx, uint64_t i, struct ff_error *e)
{
    (void)e;
    pull_decode(&((struct pulling *)ctx)->pulls[i]);
    return FF_OK;
}

int zarr_pulls_run(const struct zarr_job *j, struct zarr_pull *pulls, uint64_t count,
                   struct ff_error *e)
{
    const struct zarr_array *a = j->a;
    struct pulling all = {.job = j, .pulls = pulls, .count = count};
    int rc;

    all.batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                  .width = a->local ? 1 : 0,
                                  .next = next,
                                  .done = done};
    rc = a->objects->run(a->objects, &all.batch, j->call, e);
    if (!a->local) {
        int ran = a->inst->pool->for_each(a->inst->host, all.given, decode_one, &all,
                                          NULL, rc ? NULL : e);

        rc = rc ? rc : ran;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct zarr_pull *p = &pulls[i];

        if (p->scratch) { /* for_each did not come to it */
            hdf_scratch_give(a->inst, p->scratch);
            p->scratch = NULL;
        }
        if (rc == FF_OK && p->code && p->code != FF_E_NOT_FOUND) {
            rc = p->code;
            if (e && !e->code) {
                *e = p->error;
            }
            (void)ff_fail(e, rc, p->name, "cannot be read");
        }
    }
    return rc;
}
