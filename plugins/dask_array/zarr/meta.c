/* SPDX-License-Identifier: Apache-2.0 */
/* meta.c: what both formats' metadata come to, and the names of chunks. */
#include "zarr/zarr.h"

#include <errno.h>
#include <inttypes.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/checked.h"
#include "core/base/region.h"

void zarr_meta_free(struct zarr_meta *m)
{
    ff_dtype_free(m->dtype);
    ff_free(m->fill);
    ff_free(m->edges);
    m->dtype = NULL;
    m->fill = NULL;
    m->edges = NULL;
}

int zarr_meta_attributes(const struct zarr_reader *r, struct ff_value attributes,
                         struct zarr_meta *m)
{
    struct ff_value edges = zarr_get(r, attributes, ZARR_EDGES);
    int complete = 0;
    struct ff_buf text;
    int rc;

    if (r->values->boolean(zarr_get(r, attributes, ZARR_COMPLETE), &complete, NULL) ==
        0) {
        m->complete = complete;
    }
    if (r->values->kind(edges) != FF_LIST) {
        return FF_OK;
    }
    ff_buf_init(&text, ZARR_TEXT_MAX);
    rc = zarr_json_print(r, edges, &text);
    rc = rc == FF_OK && ff_buf_append_byte(&text, '\0')
             ? ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory")
             : rc;
    m->edges = rc ? NULL : (char *)ff_buf_steal(&text, NULL);
    ff_buf_free(&text);
    for (char *from = m->edges, *to = from; from;
         from++) { /* as hdf_edges_parse wants it */
        *to = *from;
        to += *from != ' ' && *from != '\n';
        if (*from == '\0') {
            break;
        }
    }
    return rc;
}

/* Chunks of nothing, of an axis of nothing. */
static int check_grid(const struct zarr_reader *r, struct zarr_meta *m, int64_t *chunk)
{
    for (uint32_t i = 0; i < m->ndim; i++) {
        if (chunk[i] < 1 && m->shape[i] > 0) {
            return zarr_damaged(r, "a chunk without elements");
        }
        chunk[i] = chunk[i] < 1 ? 1 : chunk[i];
    }
    return FF_OK;
}

static int plan_shards(const struct zarr_reader *r, struct zarr_meta *m)
{
    struct zarr_shards *s = &m->shards;
    uint64_t total;

    s->count = 1;
    for (uint32_t i = 0; i < m->ndim; i++) {
        if (m->object[i] % m->chunk[i]) {
            return zarr_damaged(r, "a shard that is not made of whole chunks");
        }
        s->grid[i] = m->object[i] / m->chunk[i];
    }
    if (!ff_product(m->ndim, s->grid, 1, &s->count) || s->count > (uint64_t)1 << 26) {
        return ff_fail(r->error, FF_E_LIMIT, r->place,
                       "a shard of more than 67108864 chunks");
    }
    s->index_bytes = (size_t)s->count * 16 + (s->crc32c ? 4 : 0);
    if (!ff_mul_u64(s->count, m->chain.most_bytes[m->chain.count], &total) ||
        !ff_add_u64(total, s->index_bytes, &total)) {
        return ff_fail(r->error, FF_E_LIMIT, r->place, "shards larger than 8 EiB");
    }
    return zarr_chain_plan(&s->outer, total, r->place, r->error);
}

int zarr_meta_finish(const struct zarr_reader *r, struct zarr_meta *m)
{
    uint64_t total, count;
    int rc = check_grid(r, m, m->object);

    rc = rc ? rc : check_grid(r, m, m->chunk);
    if (rc) {
        return rc;
    }
    if (!ff_product(m->ndim, m->chunk, 1, &m->chunk_items) ||
        !ff_mul_u64(m->chunk_items, m->dtype->item_bytes, &m->chunk_bytes) ||
        !ff_product(m->ndim, m->shape, m->dtype->item_bytes, &total) ||
        !ff_grid_count(m->ndim, m->shape, m->object, &count) || total > INT64_MAX ||
        m->chunk_bytes > INT64_MAX / 4) {
        return ff_fail(r->error, FF_E_CORRUPT, r->place,
                       "damaged metadata: an array larger than 8 EiB");
    }
    rc = m->chain.vlen ? FF_OK
                       : zarr_chain_plan(&m->chain, m->chunk_bytes, r->place, r->error);
    if (rc == FF_OK && m->chain.vlen && m->sharded) {
        rc = ff_fail(r->error, FF_E_UNSUPPORTED, r->place,
                     "shards of items of variable length are not known here");
    }
    return rc || !m->sharded ? rc : plan_shards(r, m);
}

void zarr_key(const struct zarr_meta *m, const char *array, const int64_t *index,
              char out[ZARR_KEY_BYTES])
{
    char *at = out, *end = out + ZARR_KEY_BYTES;

    at += snprintf(at, ZARR_NAME_BYTES, "%s/%s", array, m->prefixed ? "c" : "");
    for (uint32_t i = 0; i < m->ndim; i++) { /* 21 characters at most, each */
        if (i || m->prefixed) {
            *at++ = m->separator;
        }
        at += snprintf(at, (size_t)(end - at), "%" PRId64, index[i]);
    }
    if (m->ndim == 0 && !m->prefixed) {
        (void)snprintf(at, (size_t)(end - at), "0");
    }
}
