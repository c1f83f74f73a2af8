/* SPDX-License-Identifier: Apache-2.0 */
/* open.c: a stored array as an ff_array. It holds its file open, so what it reads stays what
 * it was when its task is replaced or removed.
 */
#include "hdf.h"

#include <errno.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"

void hdf_array_free(struct hdf_array *a)
{
    if (a->file.file) {
        a->file.files->close(a->file.files, a->file.file);
    }
    hdf_dataset_free(&a->set);
    ff_free(a->edge_block);
    ff_free(a->descr);
    ff_free(a);
}

static void array_release(struct ff_array *array)
{
    hdf_array_free((struct hdf_array *)array);
}

static int print_descr(struct hdf_array *a, struct ff_error *e)
{
    struct ff_buf text;
    int rc;

    ff_buf_init(&text, FF_DTYPE_MAX_TEXT_BYTES);
    rc = ff_dtype_print(a->set.dtype, FF_DTYPE_PLAIN, &text);
    rc = rc ? rc : ff_buf_append_byte(&text, '\0');
    a->descr = (char *)ff_buf_steal(&text, NULL);
    ff_buf_free(&text);
    if (rc == -EOPNOTSUPP) {
        return ff_fail(e, FF_E_UNSUPPORTED, a->name,
                       "its datatype has no description in numpy: members overlap or "
                       "stand out of order");
    }
    return rc ? ff_fail(e, FF_E_NO_MEMORY, a->name, "no memory for its datatype") : FF_OK;
}

/* What dask had, when it was kept and fits. */
static void show_edges(struct hdf_array *a)
{
    const struct hdf_dataset *d = &a->set;
    const int64_t *at;

    if (!d->edges ||
        !hdf_edges_parse(d->edges, d->ndim, d->shape, a->edge_count, &a->edge_block)) {
        return;
    }
    at = a->edge_block;
    for (uint32_t i = 0; i < d->ndim; i++) {
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

static int show(struct hdf_array *a, struct ff_error *e)
{
    int rc = print_descr(a, e);

    memcpy(a->chunk, a->set.chunk, sizeof a->chunk);
    a->array.struct_size = FF_SIZE(ff_array, query);
    a->array.ndim = (int32_t)a->set.ndim;
    a->array.itemsize_bytes = a->set.dtype->item_bytes;
    a->array.descr = a->descr;
    a->array.shape = a->set.shape;
    a->array.chunk = a->chunk;
    show_edges(a);
    return rc;
}

int hdf_file_open(struct hdf_inst *inst, const char *name, int mode,
                  const struct ff_protocols *protocols, struct hdf_array **out,
                  const struct ff_call *call, struct ff_error *e)
{
    struct hdf_array *a = ff_calloc(1, sizeof *a);
    struct hdf_file *f;
    int rc;

    if (!a) {
        return ff_fail(e, FF_E_NO_MEMORY, name, "out of memory");
    }
    f = &a->file;
    a->inst = inst;
    (void)snprintf(a->name, sizeof a->name, "%s", name);
    a->array.read = hdf_array_read;
    a->array.release = array_release;
    f->name = a->name;
    f->call = call;
    f->files = protocols->find(protocols, NULL, FF_FILES_1);
    rc = f->files
             ? f->files->open(f->files, name, mode, &f->file, call, e)
             : ff_fail(e, FF_E_UNSUPPORTED, a->name, "the protocol has no " FF_FILES_1);
    f->file = rc ? NULL : f->file;
    rc = rc ? rc : f->files->size(f->files, f->file, &f->size_bytes, e);
    rc = rc ? rc : hdf_dataset_read(f, &a->set, e);
    rc = rc ? rc : show(a, e);
    f->call = NULL;
    if (rc) {
        hdf_array_free(a);
        return rc;
    }
    *out = a;
    return FF_OK;
}

int hdf_array_open(struct hdf_inst *inst, const struct ff_pid *pid,
                   const struct ff_protocols *protocols, struct ff_array **out,
                   const struct ff_call *call, struct ff_error *e)
{
    struct hdf_array *a;
    int rc = hdf_file_open(inst, pid->name, FF_OPEN_READ, protocols, &a, call, e);

    if (rc == FF_OK) {
        *out = &a->array;
    }
    return rc;
}
