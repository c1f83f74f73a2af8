/* SPDX-License-Identifier: Apache-2.0 */
/* shard.c: chunks within a shard, and its index: u64 offset and size of each chunk, both 2^64-1
 * where there is none (Format 3, codecs/sharding-indexed).
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

enum { WHOLE_BYTES = 256 << 10 /* a shard this small is read at once */ };

static uint64_t get_u64(const uint8_t *p, bool big_endian)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++) {
        n |= (uint64_t)p[big_endian ? 7 - i : i] << 8 * i;
    }
    return n;
}

int zarr_index_read(const struct zarr_meta *m, const uint8_t *stored,
                    uint64_t shard_bytes, struct zarr_entry *out, const char *place,
                    struct ff_error *e)
{
    const struct zarr_shards *s = &m->shards;
    size_t plain_bytes = (size_t)s->count * 16;
    uint8_t sum[4];

    if (s->crc32c) {
        zarr_checksum(ZARR_CRC32C, stored, plain_bytes, sum);
        if (memcmp(sum, stored + plain_bytes, sizeof sum) != 0) {
            return ff_fail(e, FF_E_CORRUPT, place,
                           "a damaged shard: its index's checksum is wrong");
        }
    }
    for (uint64_t i = 0; i < s->count; i++, stored += 16) {
        struct zarr_entry n = {get_u64(stored, s->big_endian),
                               get_u64(stored + 8, s->big_endian)};

        if ((n.offset != ZARR_EMPTY || n.size_bytes != ZARR_EMPTY) &&
            (n.offset > shard_bytes || n.size_bytes > shard_bytes - n.offset)) {
            return ff_fail(e, FF_E_CORRUPT, place,
                           "a damaged shard: its index leads out of it");
        }
        out[i] = n;
    }
    return FF_OK;
}

void zarr_index_print(const struct zarr_meta *m, const struct zarr_entry *entries,
                      uint8_t *out)
{
    uint8_t *at = out;

    for (uint64_t i = 0; i < m->shards.count; i++) {
        for (int k = 0; k < 8; k++) {
            at[k] = (uint8_t)(entries[i].offset >> 8 * k);
            at[8 + k] = (uint8_t)(entries[i].size_bytes >> 8 * k);
        }
        at += 16;
    }
    if (m->shards.crc32c) {
        zarr_checksum(ZARR_CRC32C, out, (size_t)(at - out), at);
    }
}

/* ---- the chunks of a shard that a region touches ---- */

struct walk {
    const struct zarr_job *job;
    const struct ff_chunk_part *shard;
    int64_t first[FF_MAX_NDIM], count[FF_MAX_NDIM]; /* chunks, in the array's grid */
    uint64_t chunk_count;
};

static void walk_begin(struct walk *w, const struct zarr_job *j,
                       const struct ff_chunk_part *shard)
{
    const struct zarr_meta *m = &j->a->meta;

    w->job = j;
    w->shard = shard;
    w->chunk_count = 1;
    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t step = j->region->step ? j->region->step[i] : 1;
        int64_t begin = shard->chunk[i] * m->object[i] + shard->first[i];
        int64_t last = begin + (shard->count[i] - 1) * step;

        w->first[i] = begin / m->chunk[i];
        w->count[i] = last / m->chunk[i] - w->first[i] + 1;
        w->chunk_count *= (uint64_t)w->count[i];
    }
}

/* The n-th of them, and its place in the index. False: the region steps over it. */
static bool walk_at(const struct walk *w, uint64_t n, struct ff_chunk_part *part,
                    uint64_t *entry)
{
    const struct zarr_job *j = w->job;
    const struct zarr_meta *m = &j->a->meta;

    for (uint32_t i = m->ndim; i-- > 0;) {
        part->chunk[i] = w->first[i] + (int64_t)(n % (uint64_t)w->count[i]);
        n /= (uint64_t)w->count[i];
    }
    *entry = 0;
    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t inside = part->chunk[i] - w->shard->chunk[i] * m->shards.grid[i];

        *entry = *entry * (uint64_t)m->shards.grid[i] + (uint64_t)inside;
    }
    return ff_chunk_intersect(m->ndim, m->chunk, j->region->start, j->region->count,
                              j->region->step, part);
}

bool zarr_shard_is_sparse(const struct zarr_job *j, const struct ff_chunk_part *shard)
{
    const struct zarr_meta *m = &j->a->meta;
    struct walk w;

    walk_begin(&w, j, shard);
    return m->shards.outer.count == 0 && w.chunk_count < m->shards.count / 2 &&
           m->chunk_bytes * m->shards.count > WHOLE_BYTES;
}

/* What lies in an entry's bytes. */
static int entry_out(const struct zarr_job *j, const struct ff_chunk_part *part,
                     const char *shard, uint64_t number, const uint8_t *data,
                     size_t size_bytes, uint8_t *spare, struct ff_error *e)
{
    char place[ZARR_KEY_BYTES + 32];

    (void)snprintf(place, sizeof place, "%s: chunk %llu", shard,
                   (unsigned long long)number);
    return zarr_chunk_out(j, part, place, data, size_bytes, spare, e);
}

static int missing_in(const struct zarr_job *j, const struct ff_chunk_part *part,
                      const char *shard, uint64_t number, struct ff_error *e)
{
    return j->a->meta.complete ? ff_fail(e, FF_E_CORRUPT, shard,
                                         "chunk %llu is missing: all were written",
                                         (unsigned long long)number)
                               : zarr_fill_out(j, part, e);
}

static int chunks_out(const struct zarr_job *j, const struct ff_chunk_part *shard,
                      const char *place, const uint8_t *data,
                      const struct zarr_entry *entries, struct ff_error *e)
{
    const struct zarr_array *a = j->a;
    struct hdf_scratch *s = hdf_scratch_take(a->inst, zarr_chunk_spare(a) + 1, e);
    struct walk w;
    int rc = s ? FF_OK : FF_E_NO_MEMORY;

    walk_begin(&w, j, shard);
    for (uint64_t n = 0; rc == FF_OK && n < w.chunk_count; n++) {
        struct ff_chunk_part part;
        uint64_t i;

        if (!walk_at(&w, n, &part, &i)) {
            continue;
        }
        rc = entries[i].offset == ZARR_EMPTY
                 ? missing_in(j, &part, place, i, e)
                 : entry_out(j, &part, place, i, data + entries[i].offset,
                             (size_t)entries[i].size_bytes, s->data, e);
    }
    if (s) {
        hdf_scratch_give(a->inst, s);
    }
    return rc;
}

/* Steps around the whole shard. */
static int unwrap(const struct zarr_job *j, const char *place, const uint8_t **data,
                  size_t *size_bytes, uint8_t **own, struct ff_error *e)
{
    const struct zarr_chain *outer = &j->a->meta.shards.outer;
    int rc;

    *own = NULL;
    if (outer->count == 0) {
        return FF_OK;
    }
    rc = zarr_vlen_decode(outer, *data, *size_bytes, own, size_bytes, place, e);
    *data = *own;
    return rc;
}

int zarr_shard_out(const struct zarr_job *j, const struct ff_chunk_part *shard,
                   const char *place, const uint8_t *data, size_t size_bytes,
                   struct ff_error *e)
{
    const struct zarr_shards *s = &j->a->meta.shards;
    struct zarr_entry *entries = NULL;
    uint8_t *own;
    int rc = unwrap(j, place, &data, &size_bytes, &own, e);

    if (rc == FF_OK && size_bytes < s->index_bytes) {
        rc = ff_fail(e, FF_E_CORRUPT, place, "a damaged shard: shorter than its index");
    }
    if (rc == FF_OK) {
        entries = ff_realloc_array(NULL, (size_t)s->count, sizeof *entries);
        rc = entries ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, place, "out of memory");
    }
    rc = rc ? rc
            : zarr_index_read(&j->a->meta,
                              s->at_start ? data : data + size_bytes - s->index_bytes,
                              size_bytes, entries, place, e);
    rc = rc ? rc : chunks_out(j, shard, place, data, entries, e);
    ff_free(entries);
    ff_free(own);
    return rc;
}

/* ---- few chunks of a shard: its index first ---- */

static int load_index(const struct zarr_job *j, const char *key,
                      struct zarr_entry *entries, struct ff_error *e)
{
    const struct zarr_meta *m = &j->a->meta;
    const struct zarr_shards *s = &m->shards;
    struct ff_error own = FF_ERROR_INIT;
    uint64_t size_bytes = 0;
    uint8_t *stored;
    int rc = ff_head(j->a->objects, key, &size_bytes, NULL, j->call, &own);

    if (rc) {
        if (rc != FF_E_NOT_FOUND && e && !e->code) {
            *e = own;
        }
        return rc;
    }
    if (size_bytes < s->index_bytes || size_bytes > s->outer.most_bytes[0]) {
        return ff_fail(e, FF_E_CORRUPT, key, "a damaged shard: %llu bytes cannot be one",
                       (unsigned long long)size_bytes);
    }
    stored = ff_malloc(s->index_bytes);
    rc = stored ? ff_get_bytes(j->a->objects, key,
                               s->at_start ? 0 : size_bytes - s->index_bytes, stored,
                               s->index_bytes, NULL, j->call, e)
                : ff_fail(e, FF_E_NO_MEMORY, key, "out of memory");
    rc = rc ? rc : zarr_index_read(m, stored, size_bytes, entries, key, e);
    ff_free(stored);
    return rc;
}

/* One entry's bytes, as a pull of a range. */
static void pull_entry(struct zarr_pull *p, const struct zarr_job *j,
                       const struct ff_chunk_part *part, const char *key,
                       const struct zarr_entry *entry)
{
    zarr_pull_whole(p, j, part, false);
    (void)snprintf(p->name, sizeof p->name, "%s", key);
    p->ranged = false;
    p->io.offset_bytes = entry->offset;
    p->io.size_bytes = entry->size_bytes;
}

static int pull_some(const struct zarr_job *j, const struct ff_chunk_part *shard,
                     const char *key, const struct zarr_entry *entries,
                     struct zarr_pull *pulls, struct ff_error *e)
{
    uint64_t count = 0;
    struct walk w;
    int rc = FF_OK;

    walk_begin(&w, j, shard);
    for (uint64_t n = 0; rc == FF_OK && n < w.chunk_count; n++) {
        struct ff_chunk_part part;
        uint64_t i;

        if (!walk_at(&w, n, &part, &i)) {
            continue;
        }
        if (entries[i].offset == ZARR_EMPTY) {
            rc = missing_in(j, &part, key, i, e);
        } else {
            pull_entry(&pulls[count++], j, &part, key, &entries[i]);
        }
    }
    rc = rc || count == 0 ? rc : zarr_pulls_run(j, pulls, count, e);
    for (uint64_t n = 0; rc == FF_OK && n < count; n++) {
        if (pulls[n].code) { /* it went after its index was read */
            rc = ff_fail(e, FF_E_STALE, key, "was replaced or removed: read again");
        }
    }
    return rc;
}

int zarr_shard_pick(const struct zarr_job *j, const struct ff_chunk_part *shard,
                    struct ff_error *e)
{
    const struct zarr_meta *m = &j->a->meta;
    struct zarr_entry *entries =
        ff_realloc_array(NULL, (size_t)m->shards.count, sizeof *entries);
    char key[ZARR_KEY_BYTES];
    struct zarr_pull *pulls;
    struct walk w;
    int rc;

    walk_begin(&w, j, shard);
    pulls = ff_realloc_array(NULL, (size_t)w.chunk_count, sizeof *pulls);
    zarr_key(m, j->a->name, shard->chunk, key);
    rc = entries && pulls ? load_index(j, key, entries, e)
                          : ff_fail(e, FF_E_NO_MEMORY, key, "out of memory");
    rc = rc ? rc : pull_some(j, shard, key, entries, pulls, e);
    ff_free(pulls);
    ff_free(entries);
    return rc;
}
