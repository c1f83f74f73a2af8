/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: opening an array of items of their own lengths: U or S of the longest. */
#include "zarr/store.h"

#include "core/base/alloc.h"

struct search {
    const struct zarr_array *a;
    const struct ff_call *call;
    int64_t grid[FF_MAX_NDIM];
    _Atomic(uint64_t) longest;
};

static int look_at(void *ctx, uint64_t object, struct ff_error *e)
{
    struct search *s = ctx;
    const struct zarr_meta *m = &s->a->meta;
    int64_t index[FF_MAX_NDIM];
    struct zarr_doc doc;
    uint8_t *plain = NULL;
    size_t plain_bytes;
    uint64_t longest = 0, before;
    char key[ZARR_KEY_BYTES];
    int rc;

    for (uint32_t i = m->ndim; i-- > 0;) {
        index[i] = (int64_t)(object % (uint64_t)s->grid[i]);
        object /= (uint64_t)s->grid[i];
    }
    zarr_key(m, s->a->name, index, key);
    if (strlen(key) >= sizeof doc.name) {
        return ff_fail(e, FF_E_LIMIT, s->a->name, "text of too many axes");
    }
    zarr_doc_init(&doc, "", "");
    (void)snprintf(doc.name, sizeof doc.name, "%s", key);
    rc = zarr_docs_get(s->a->objects, &doc, 1, s->call, e);
    if (rc == FF_OK && doc.code == FF_OK) {
        rc = zarr_vlen_decode(&m->chain, doc.text.data, doc.text.length_bytes, &plain,
                              &plain_bytes, key, e);
        rc = rc ? rc
                : zarr_vlen_measure(m->chain.vlen, plain, plain_bytes, m->chunk_items,
                                    &longest, key, e);
    }
    before = atomic_load(&s->longest);
    while (longest > before &&
           !atomic_compare_exchange_weak(&s->longest, &before, longest)) {
    }
    ff_free(plain);
    zarr_docs_free(&doc, 1);
    return rc;
}

int zarr_vlen_open(struct zarr_array *a, const struct ff_call *call, struct ff_error *e)
{
    struct zarr_meta *m = &a->meta;
    struct zarr_reader r = {a->inst->values, a->document, e};
    struct search s = {.a = a, .call = call};
    uint64_t count = 0, width;
    int rc = FF_OK;

    for (uint32_t i = 0; i < m->ndim; i++) {
        s.grid[i] = m->shape[i] ? (m->shape[i] - 1) / m->object[i] + 1 : 0;
    }
    if (ff_grid_count(m->ndim, m->shape, m->object, &count) && count) {
        rc = a->inst->pool->for_each(a->inst->host, count, look_at, &s, call, e);
    }
    if (rc) {
        return rc;
    }
    width = atomic_load(&s.longest) ? atomic_load(&s.longest) : 1;
    ff_dtype_free(m->dtype);
    m->dtype = NULL;
    if (width > FF_DTYPE_MAX_ITEM_BYTES / 4 ||
        ff_dtype_new(m->chain.vlen == ZARR_UTF8 ? 'U' : 'S', '=',
                     m->chain.vlen == ZARR_UTF8 ? 4 * width : width, &m->dtype)) {
        return ff_fail(e, FF_E_LIMIT, a->name, "an item of %llu characters",
                       (unsigned long long)width);
    }
    return zarr_meta_finish(&r, m);
}
