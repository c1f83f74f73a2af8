/* SPDX-License-Identifier: Apache-2.0 */
/* open.c: a stored array as an ff_array. Format 3 stands before 2 where both are, as in
 * zarr-python.
 */
#include "zarr/store.h"

#include <errno.h>

#include "core/base/alloc.h"

enum { DOC3, DOC2, ATTRIBUTES, DOCS };

static void array_release(struct ff_array *array)
{
    struct zarr_array *a = (struct zarr_array *)array;

    zarr_meta_free(&a->meta);
    ff_free(a->edge_block);
    ff_free(a->descr);
    ff_free(a);
}

static int read_meta(struct zarr_array *a, struct zarr_doc docs[DOCS], struct ff_error *e)
{
    bool third = docs[DOC3].code == FF_OK;
    const struct zarr_doc *doc = &docs[third ? DOC3 : DOC2];
    struct zarr_reader r = {a->inst->values, a->document, e};

    if (doc->code) {
        return ff_fail(e, FF_E_NOT_FOUND, a->name, "there is no such array");
    }
    (void)snprintf(a->document, sizeof a->document, "%s", doc->name);
    (void)snprintf(a->tag, sizeof a->tag, "%s", doc->tag);
    return third ? zarr_meta3(&r, &doc->text, &a->meta)
                 : zarr_meta2(&r, &doc->text,
                              docs[ATTRIBUTES].code ? NULL : &docs[ATTRIBUTES].text,
                              &a->meta);
}

static int load_meta(struct zarr_array *a, const struct ff_call *call, struct ff_error *e)
{
    struct zarr_doc docs[DOCS];
    int rc;

    zarr_doc_init(&docs[DOC3], a->name, "zarr.json");
    zarr_doc_init(&docs[DOC2], a->name, ".zarray");
    zarr_doc_init(&docs[ATTRIBUTES], a->name, ".zattrs");
    rc = zarr_docs_get(a->objects, docs, DOCS, call, e);
    rc = rc ? rc : read_meta(a, docs, e);
    zarr_docs_free(docs, DOCS);
    return rc;
}

static int print_descr(struct zarr_array *a, struct ff_error *e)
{
    struct ff_buf text;
    int rc;

    ff_buf_init(&text, FF_DTYPE_MAX_TEXT_BYTES);
    rc = ff_dtype_print(a->meta.dtype, FF_DTYPE_PLAIN, &text);
    rc = rc ? rc : ff_buf_append_byte(&text, '\0');
    a->descr = (char *)ff_buf_steal(&text, NULL);
    ff_buf_free(&text);
    if (rc == -EOPNOTSUPP) {
        return ff_fail(e, FF_E_UNSUPPORTED, a->name, "its dtype has no description");
    }
    return rc ? ff_fail(e, FF_E_NO_MEMORY, a->name, "no memory for its dtype") : FF_OK;
}

/* What dask had, when it was kept and fits. */
static void show_edges(struct zarr_array *a)
{
    const struct zarr_meta *m = &a->meta;
    const int64_t *at;

    if (!m->edges ||
        !hdf_edges_parse(m->edges, m->ndim, m->shape, a->edge_count, &a->edge_block)) {
        return;
    }
    at = a->edge_block;
    for (uint32_t i = 0; i < m->ndim; i++) {
        a->edges[i] = at;
        a->chunk[i] = 0;
        for (int64_t k = 0; k < a->edge_count[i]; k++) {
            a->chunk[i] = at[k] > a->chunk[i] ? at[k] : a->chunk[i];
        }
        at += a->edge_count[i];
    }
    a->array.edges = a->edges;
    a->array.edge_count = a->edge_count;
}

static int show(struct zarr_array *a, struct ff_error *e)
{
    int rc = print_descr(a, e);

    memcpy(a->chunk, a->meta.chunk, sizeof a->chunk);
    a->array.struct_size = FF_SIZE(ff_array, query);
    a->array.ndim = (int32_t)a->meta.ndim;
    a->array.itemsize_bytes = a->meta.dtype->item_bytes;
    a->array.descr = a->descr;
    a->array.shape = a->meta.shape;
    a->array.chunk = a->chunk;
    show_edges(a);
    return rc;
}

int zarr_array_open(struct hdf_inst *inst, const struct ff_pid *pid,
                    const struct ff_protocols *protocols, struct ff_array **out,
                    const struct ff_call *call, struct ff_error *e)
{
    struct zarr_array *a = ff_calloc(1, sizeof *a);
    int rc;

    if (!a) {
        return ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory");
    }
    a->inst = inst;
    a->objects = protocols->find(protocols, NULL, FF_OBJECTS_1);
    a->local = protocols->find(protocols, NULL, FF_FILES_1) != NULL;
    (void)snprintf(a->name, sizeof a->name, ZARR_GROUP "/%.80s", pid->name);
    a->array.read = zarr_array_read;
    a->array.query = zarr_array_query;
    a->array.release = array_release;
    rc = load_meta(a, call, e);
    rc = rc || !a->meta.chain.vlen ? rc : zarr_vlen_open(a, call, e);
    rc = rc ? rc : show(a, e);
    if (rc) {
        array_release(&a->array);
        return rc;
    }
    *out = &a->array;
    return FF_OK;
}
