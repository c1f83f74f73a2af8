/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c: how an array will be stored, and the writer that stores it. */
#include "hdf.h"

#include <errno.h>
#include <hdf5.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/region.h"

/* HDF5 keeps a chunk's size in 32 bits. */
static int check_chunk(struct hdf_plan *p, const char *place, struct ff_error *e)
{
    if (p->chunk_bytes > UINT32_MAX) {
        ff_fail(e, FF_E_LIMIT, place,
                "a chunk of %llu bytes: HDF5 has room for 4294967295",
                (unsigned long long)p->chunk_bytes);
        ff_error_fix(e, "choose smaller chunks");
        return FF_E_LIMIT;
    }
    return FF_OK;
}

static int plan_grid(struct hdf_plan *p, const struct ff_array *a, const char *place,
                     struct ff_error *e)
{
    uint64_t total;
    bool ok = true;

    for (uint32_t i = 0; i < p->ndim; i++) {
        int64_t length = a->shape[i];

        p->shape[i] = length;
        p->stream = p->stream || length < 0;
        p->chunk[i] = a->chunk[i] < 1 ? 1 : a->chunk[i];
        if (length > 0 && p->chunk[i] > length) {
            p->chunk[i] = length;
        }
        p->grid[i] = length < 1 ? 0 : (length - 1) / p->chunk[i] + 1;
        ok = ok && length >= (i == 0 ? -1 : 0);
    }
    if (!ok || (p->stream && a->edges)) {
        return ff_fail(e, FF_E_USAGE, place, "a shape that is none");
    }
    ok = ff_product(p->ndim, p->chunk, p->item_bytes, &p->chunk_bytes) &&
         (p->stream ||
          (ff_product(p->ndim, p->shape, p->item_bytes, &total) &&
           ff_product(p->ndim, p->grid, p->chunk_bytes, &total) &&
           ff_product(p->ndim, p->grid, 1, &p->chunk_count) && total <= INT64_MAX));
    return ok ? FF_OK : ff_fail(e, FF_E_LIMIT, place, "an array larger than 8 EiB");
}

static bool has_elements(const struct hdf_plan *p)
{
    for (uint32_t i = 0; i < p->ndim; i++) {
        if (p->shape[i] == 0) {
            return false;
        }
    }
    return true;
}

static int plan_dtype(struct hdf_plan *p, const struct ff_array *a, const char *place,
                      struct ff_error *e)
{
    const char *why = "it does not fit the size of an element";
    int rc = ff_dtype_parse(a->descr, strlen(a->descr), &p->dtype, &why);

    if (rc == -ENOMEM) {
        return ff_fail(e, FF_E_NO_MEMORY, place, "no memory for a dtype");
    }
    if (rc == -EOPNOTSUPP) {
        return FF_DECLINED;
    }
    if (rc || p->dtype->item_bytes != a->itemsize_bytes) {
        return ff_fail(e, FF_E_USAGE, place, "the dtype %.200s: %s", a->descr, why);
    }
    return hdf_dtype_storable(p->dtype) ? FF_OK : FF_DECLINED;
}

static int plan_make(struct hdf_writer *w, const struct ff_array *a, struct ff_error *e)
{
    struct hdf_plan *p = &w->plan;
    int rc;

    if (a->ndim < 0 || a->ndim > FF_MAX_NDIM || !a->descr) {
        return ff_fail(e, FF_E_USAGE, w->place, "an array without a description");
    }
    if (a->ndim > 0 && !a->chunk) {
        return FF_DECLINED;
    }
    p->ndim = (uint32_t)a->ndim;
    p->descr = a->descr;
    p->item_bytes = a->itemsize_bytes;
    p->options = w->inst->options;
    rc = plan_dtype(p, a, w->place, e);
    rc = rc ? rc : hdf_options_parse(w->inst->values, a->options, &p->options, e);
    rc = rc ? rc : plan_grid(p, a, w->place, e);
    rc = rc ? rc : hdf_edges_print(a, &p->edges, e);
    p->chunked = p->ndim > 0;
    p->through_index =
        p->stream || (p->chunked && (p->options.level || !has_elements(p)));
    return rc || !p->chunked ? rc : check_chunk(p, w->place, e);
}

static void writer_free(struct hdf_writer *w)
{
    ff_dtype_free(w->plan.dtype);
    ff_free(w->plan.edges);
    hdf_io_free(w->io);
    ff_free(w);
}

/* Where the elements go, from the file itself, as a reader will see it. */
static int find_base(struct hdf_writer *w, const struct ff_call *call, struct ff_error *e)
{
    struct hdf_file file = {w->files, w->file, call, 0, w->place};
    struct hdf_dataset set = {0};
    int rc = w->files->size(w->files, w->file, &file.size_bytes, e);

    rc = rc ? rc : hdf_dataset_read(&file, &set, e);
    if (rc == FF_OK && (set.layout != HDF_PLACED ||
                        (w->plan.chunked && set.chunk_bytes != w->plan.chunk_bytes))) {
        rc = ff_fail(e, FF_E_UNSUPPORTED, w->place,
                     "this libhdf5 does not place chunks one behind the other");
    }
    w->base = set.base;
    hdf_dataset_free(&set);
    return rc;
}

/* Closes what libhdf5 has open. A stream gets its length. Under the lock. */
static int close_library(struct hdf_writer *w, int64_t length)
{
    hsize_t shape[FF_MAX_NDIM];
    bool ok = true;

    for (uint32_t i = 0; i < w->plan.ndim; i++) {
        shape[i] = (hsize_t)w->plan.shape[i];
    }
    if (w->plan.stream && length >= 0) {
        shape[0] = (hsize_t)length;
        ok = H5Dset_extent(w->h5_dataset, shape) >= 0;
    }
    ok = H5Dclose(w->h5_dataset) >= 0 && ok;
    ok = hdf_io_close(w->io, w->h5_file) && ok;
    w->h5_file = w->h5_dataset = -1;
    return hdf_outcome(w->io, ok, FF_E_OTHER, w->place, "cannot close the HDF5 file");
}

int hdf_writer_library(struct hdf_writer *w,
                       int (*work)(struct hdf_writer *, const void *ctx), const void *ctx,
                       const struct ff_call *call, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct hdf_quiet quiet;
    int rc = hdf_enter(w->inst, &quiet, e);

    if (rc) {
        return rc;
    }
    w->io->call = call;
    w->io->error = &own;
    if (w->io->failed) {
        own = w->io->first;
        rc = w->io->failed;
    } else {
        rc = work(w, ctx);
        w->io->first = own;
    }
    w->io->call = NULL;
    w->io->error = NULL;
    hdf_leave(w->inst, &quiet);
    if (rc) {
        ff_error_copy(e, &own);
    }
    return rc;
}

static int begin(struct hdf_writer *w, const void *ctx)
{
    int rc = hdf_create(w->io, &w->plan, w->place, &w->h5_file, &w->h5_dataset);

    (void)ctx;
    return rc || w->plan.through_index ? rc : close_library(w, -1);
}

static int end(struct hdf_writer *w, const void *ctx)
{
    return close_library(w, *(const int64_t *)ctx);
}

static int open_file(struct hdf_writer *w, const struct ff_call *call, struct ff_error *e)
{
    int rc;

    w->io = hdf_io_new(w->files);
    if (!w->io) {
        return ff_fail(e, FF_E_NO_MEMORY, w->place, "out of memory");
    }
    rc = w->files->open(w->files, w->place, FF_OPEN_CREATE, &w->file, call, e);
    w->io->file = w->file;
    return rc;
}

int hdf_writer_open(struct hdf_inst *inst, const struct ff_array *a,
                    const struct ff_protocols *protocols, const char *name,
                    const struct ff_call *call, struct hdf_writer **out,
                    struct ff_error *e)
{
    struct hdf_writer *w = ff_calloc(1, sizeof *w);
    int rc;

    if (!w) {
        return ff_fail(e, FF_E_NO_MEMORY, name, "out of memory");
    }
    w->inst = inst;
    w->h5_file = w->h5_dataset = -1;
    (void)snprintf(w->place, sizeof w->place, "%s", name);
    w->files = protocols->find(protocols, NULL, FF_FILES_1);
    rc = w->files ? plan_make(w, a, e)
                  : ff_fail(e, FF_E_UNSUPPORTED, name, "the protocol has no " FF_FILES_1);
    rc = rc ? rc : open_file(w, call, e);
    if (rc) {
        writer_free(w);
        return rc;
    }
    rc = hdf_writer_library(w, begin, NULL, call, e);
    rc = rc || w->plan.through_index ? rc : find_base(w, call, e);
    if (rc) {
        hdf_writer_abort(w);
        return rc;
    }
    *out = w;
    return FF_OK;
}

int hdf_writer_finish(struct hdf_writer *w, int64_t length, const struct ff_call *call,
                      struct ff_error *e)
{
    int rc = w->h5_file >= 0 ? hdf_writer_library(w, end, &length, call, e) : FF_OK;

    if (rc) {
        hdf_writer_abort(w);
        return rc;
    }
    rc = w->files->finish(w->files, w->file, call, e);
    writer_free(w);
    return rc;
}

/* What is written from here on is thrown away: the medium need not see it. */
void hdf_writer_abort(struct hdf_writer *w)
{
    int64_t none = -1;

    if (w->h5_file >= 0) {
        w->io->dead = true;
        w->io->failed = 0;
        (void)hdf_writer_library(w, end, &none, NULL, NULL);
        w->io->held = w->io->held || w->h5_file >= 0;
    }
    w->files->close(w->files, w->file);
    writer_free(w);
}
