/* SPDX-License-Identifier: Apache-2.0 */
/* layout.c: arrays whose chunks nobody chose, in those that the configuration asks for. They are
 * laid out when they are saved: no array knows its host before. */
#include "core/layout.h"

#include "core/array_own.h"
#include "core/host.h"

static int differs(const struct ff_host *host, struct ff_value v)
{
    const struct ff_array *a = ff_kind(v) == FF_ARRAY ? ff_array(v, NULL) : NULL;
    return (ff_host_inlines(host) || ff_host_chunk_bytes(host) != FF_AUTO_CHUNK_BYTES) &&
           a && (a->flags & FF_ARRAY_AUTO) && ff_array_is_ours(a);
}

static int inner_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                      const int64_t *dst_strides, const struct ff_call *call,
                      struct ff_error *e)
{
    const struct ff_array *inner = ((const struct ff_own_array *)a)->inner;
    return inner->read(inner, r, dst, dst_strides, call, e);
}

static void finish_inner(struct ff_own_array *o)
{
    ff_array_free(o->inner);
}

static struct ff_array *rechunk(const struct ff_array *whole, const int64_t *chunk,
                                struct ff_error *e)
{
    const struct ff_own_array *w = (const struct ff_own_array *)whole;
    struct ff_array_spec s = {.descr = whole->descr,
                              .ndim = whole->ndim,
                              .shape = whole->shape,
                              .chunk = chunk,
                              .strides = whole->data ? whole->strides : NULL,
                              .options = whole->options};
    struct ff_own_array *o = ff_own_new(&s, e);
    if (!o) {
        return NULL;
    }
    o->pub.flags = whole->flags & ~FF_ARRAY_AUTO;
    o->pub.data = whole->data;
    o->inner = ff_array_ref(whole);
    o->finish = finish_inner;
    if (w->fill && chunk && !(whole->flags & FF_ARRAY_SERIAL)) {
        o->fill = w->fill; /* it is asked for the new chunks, each once */
        o->pub.ctx = whole->ctx;
        o->pub.read = whole->read;
    } else if (whole->read) {
        o->pub.read = inner_read;
    }
    return &o->pub;
}

static struct ff_array *laid_out(const struct ff_host *host, const struct ff_array *a,
                                 struct ff_error *e)
{
    int64_t chunk[FF_MAX_NDIM];
    if (!a || (e && e->code)) {
        return NULL;
    }
    if (ff_host_inlines(host) && !a->options) { /* options are for a serializer */
        return rechunk(a, NULL, e);
    }
    ff_chunk_sized(a->ndim, a->shape, a->itemsize_bytes, ff_host_chunk_bytes(host),
                   chunk);
    return rechunk(a, chunk, e);
}

int ff_layout_keep(ff_keep *keep, struct ff_saving *s, struct ff_value v,
                   struct ff_new_pid *pid, struct ff_error *e)
{
    const struct ff_host *host = s->storage->host;
    struct ff_doc *doc;
    int rc;
    if (!differs(host, v)) {
        return keep(s, v, pid, e);
    }
    doc = ff_doc_new(e);
    v = ff_new_array_take(doc, laid_out(host, ff_array(v, e), e), e);
    rc = v.doc ? keep(s, v, pid, e) : FF_E_NO_MEMORY;
    ff_doc_free(doc);
    return rc;
}
