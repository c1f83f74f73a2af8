/* SPDX-License-Identifier: Apache-2.0 */
/* filling.c: ff.draft.fill/1, an array that several processes fill. From the start it is one
 * HDF5 file with a place for every chunk, in a folder of its own; whoever is attached writes
 * chunks to their places. In the end the file gets a pid's name, too, by a copy on the medium.
 * On files that is a hard link: what is linked, nobody attaches to any more (ff.files/1).
 */
#include "hdf.h"

#include "core/base/region.h"
#include "zarr/store.h"

enum { NAME_BYTES = 80 };

static void name_of(const char *uuid, char name[NAME_BYTES])
{
    (void)snprintf(name, NAME_BYTES, HDF_FILLING "/%.36s", uuid);
}

static struct hdf_array *array_of(struct ff_filling *filling)
{
    return (struct hdf_array *)(void *)filling;
}

/* ---- begin ---- */

static int refuse(const char *name, const char *why, const char *fix, struct ff_error *e)
{
    ff_fail(e, FF_E_UNSUPPORTED, name, "several processes fill %s", why);
    ff_error_fix(e, "%s, or save it by one process", fix);
    return FF_E_UNSUPPORTED;
}

static int check_like(const struct hdf_inst *inst, const struct ff_array *like,
                      const struct ff_protocols *protocols, const char *name,
                      struct ff_error *e)
{
    if (!protocols->find(protocols, NULL, FF_FILES_1)) {
        return refuse(name, "files: the protocol has no " FF_FILES_1, "use a file store",
                      e);
    }
    if (zarr_is_chosen(inst, like, protocols)) {
        return refuse(name, "HDF5 files, and zarr is chosen", "choose HDF5", e);
    }
    if (like->edges) {
        return refuse(name, "arrays of regular chunks", "choose such", e);
    }
    if (like->ndim > 0 && like->shape[0] < 0) {
        return refuse(name, "arrays whose length is known", "say it", e);
    }
    return FF_OK;
}

static int fill_begin(void *inst, const struct ff_array *like,
                      const struct ff_protocols *protocols, const char *uuid,
                      const struct ff_call *call, struct ff_error *e)
{
    struct hdf_writer *w;
    char name[NAME_BYTES];
    int rc = check_like(inst, like, protocols, uuid, e);

    name_of(uuid, name);
    rc = rc ? rc : hdf_writer_open(inst, like, protocols, name, call, &w, e);
    if (rc == FF_DECLINED) {
        return refuse(uuid, "arrays with chunks, of a dtype that HDF5 has", "choose such",
                      e);
    }
    if (rc) {
        return rc;
    }
    if (w->plan.through_index || !w->plan.chunked) {
        rc = w->plan.options.level
                 ? refuse(uuid, "arrays that are not compressed",
                          "choose \"compression\": \"none\"", e)
                 : refuse(uuid, "arrays that have elements", "fill another", e);
        hdf_writer_abort(w);
        return rc;
    }
    return hdf_writer_finish(w, -1, call, e);
}

/* ---- chunks ---- */

static int fill_attach(void *inst, const char *uuid, const struct ff_protocols *protocols,
                       struct ff_filling **out, const struct ff_array **like,
                       const struct ff_call *call, struct ff_error *e)
{
    struct hdf_array *a;
    char name[NAME_BYTES];
    int rc;

    name_of(uuid, name);
    rc = hdf_file_open(inst, name, FF_OPEN_ATTACH, protocols, &a, call, e);
    if (rc) {
        return rc;
    }
    if (!a->set.chunked || a->set.layout != HDF_PLACED || a->array.edges ||
        a->set.base == HDF_UNDEFINED) {
        rc = ff_fail(e, FF_E_CORRUPT, name, "it has no places for chunks");
        hdf_array_free(a);
        return rc;
    }
    *out = (struct ff_filling *)(void *)a;
    *like = &a->array;
    return FF_OK;
}

static int write_chunk(const struct hdf_array *a, uint64_t chunk, const void *data,
                       const struct ff_call *call, struct ff_error *e)
{
    const struct hdf_dataset *d = &a->set;

    return a->file.files->write(a->file.files, a->file.file,
                                d->base + chunk * d->chunk_bytes, data,
                                (size_t)d->chunk_bytes, call, e);
}

/* A chunk at an end of the array: it is stored whole, with zeros behind the elements. */
static int write_padded(const struct hdf_array *a, uint64_t chunk, const int64_t *count,
                        const void *data, const struct ff_call *call, struct ff_error *e)
{
    const struct hdf_dataset *d = &a->set;
    uint64_t item_bytes = d->dtype->item_bytes;
    int64_t from[FF_MAX_NDIM], to[FF_MAX_NDIM];
    struct hdf_scratch *s = hdf_scratch_take(a->inst, (size_t)d->chunk_bytes, e);
    int rc;

    if (!s) {
        return FF_E_NO_MEMORY;
    }
    memset(s->data, 0, (size_t)d->chunk_bytes);
    (void)ff_strides_c(d->ndim, count, item_bytes, from, NULL);
    (void)ff_strides_c(d->ndim, d->chunk, item_bytes, to, NULL);
    (void)ff_copy_strided(d->ndim, count, (size_t)item_bytes, s->data, to, data, from);
    rc = write_chunk(a, chunk, s->data, call, e);
    hdf_scratch_give(a->inst, s);
    return rc;
}

static int fill_put(void *inst, struct ff_filling *filling, const int64_t *index,
                    const void *data, const struct ff_call *call, struct ff_error *e)
{
    const struct hdf_array *a = array_of(filling);
    const struct hdf_dataset *d = &a->set;
    int64_t count[FF_MAX_NDIM];
    bool clipped = false;
    uint64_t chunk = 0;

    (void)inst;
    for (uint32_t i = 0; i < d->ndim; i++) {
        if (index[i] < 0 || index[i] >= d->grid[i]) {
            return ff_fail(e, FF_E_USAGE, a->name, "there is no chunk %lld on axis %u",
                           (long long)index[i], i);
        }
        chunk = chunk * (uint64_t)d->grid[i] + (uint64_t)index[i];
        count[i] = d->shape[i] - index[i] * d->chunk[i];
        clipped = clipped || count[i] < d->chunk[i];
        count[i] = count[i] < d->chunk[i] ? count[i] : d->chunk[i];
    }
    return clipped ? write_padded(a, chunk, count, data, call, e)
                   : write_chunk(a, chunk, data, call, e);
}

static int fill_end(void *inst, struct ff_filling *taken, const struct ff_call *call,
                    struct ff_error *e)
{
    struct hdf_array *a = array_of(taken);
    int rc = a->file.files->finish(a->file.files, a->file.file, call, e);

    (void)inst;
    a->file.file = NULL;
    hdf_array_free(a);
    return rc;
}

static void fill_abort(void *inst, struct ff_filling *taken)
{
    (void)inst;
    hdf_array_free(array_of(taken));
}

/* ---- the end ---- */

static const struct ff_objects *objects_of(const struct ff_protocols *protocols)
{
    return protocols->find(protocols, NULL, FF_OBJECTS_1);
}

static int fill_finish(void *inst, const char *uuid, const struct ff_protocols *protocols,
                       struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;
    char name[NAME_BYTES];

    (void)inst;
    name_of(uuid, name);
    memset(&one, 0, sizeof one);
    one.io.from = name;
    one.io.if_match = "";
    return ff_one_run(objects_of(protocols), &one, FF_COPY, pid->name, call, e);
}

static int fill_remove(void *inst, const char *uuid, const struct ff_protocols *protocols,
                       const struct ff_call *call, struct ff_error *e)
{
    char name[NAME_BYTES];

    (void)inst;
    name_of(uuid, name);
    return ff_remove_object(objects_of(protocols), name, call, e);
}

const struct ff_fill hdf_fill = {.struct_size = FF_SIZE(ff_fill, remove),
                                 .begin = fill_begin,
                                 .attach = fill_attach,
                                 .put = fill_put,
                                 .end = fill_end,
                                 .abort = fill_abort,
                                 .finish = fill_finish,
                                 .remove = fill_remove};
