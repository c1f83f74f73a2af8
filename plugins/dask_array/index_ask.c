/* SPDX-License-Identifier: Apache-2.0 */
/* index_ask.c: chunk indexes that only other programs write (extensible arrays, version 2
 * B-trees), through libhdf5. Its 1.10 looks each chunk up by a linear scan, so the time grows
 * with the square of the count; hence the limit.
 */
#include "hdf.h"

#include <hdf5.h>
#include <stdlib.h>

#include "core/base/alloc.h"

enum { ASKED_MAX = 65536 };

static int by_chunk(const void *a, const void *b)
{
    uint64_t x = ((const struct hdf_entry *)a)->chunk;
    uint64_t y = ((const struct hdf_entry *)b)->chunk;

    return x < y ? -1 : x > y;
}

static int one_chunk(struct hdf_io *io, hid_t set, hid_t space, hsize_t i,
                     const struct hdf_file *f, const struct hdf_dataset *d,
                     struct hdf_entry *out)
{
    hsize_t first[FF_MAX_NDIM], size_bytes = 0;
    haddr_t address = 0;
    unsigned skipped = 0;

    if (H5Dget_chunk_info(set, space, i, first, &skipped, &address, &size_bytes) < 0) {
        return hdf_outcome(io, false, FF_E_CORRUPT, f->name, "the index of its chunks");
    }
    out->chunk = 0;
    for (uint32_t k = 0; k < d->ndim; k++) {
        if (first[k] >= (uint64_t)d->shape[k]) {
            return hdf_damaged(f, io->error, "the index of its chunks");
        }
        out->chunk = out->chunk * (uint64_t)d->grid[k] + first[k] / (uint64_t)d->chunk[k];
    }
    out->address = address;
    out->size_bytes = (uint32_t)size_bytes;
    out->skipped = skipped;
    return size_bytes > UINT32_MAX || !hdf_in_file(f, address, size_bytes) ||
                   (d->filter_count == 0 && size_bytes != d->chunk_bytes)
               ? hdf_damaged(f, io->error, "the index of its chunks")
               : FF_OK;
}

static int all_chunks(struct hdf_io *io, hid_t set, hid_t space, const struct hdf_file *f,
                      struct hdf_dataset *d)
{
    struct ff_error *e = io->error;
    hsize_t count = 0;
    int rc = FF_OK;

    if (space < 0 || H5Dget_num_chunks(set, space, &count) < 0) {
        return hdf_outcome(io, false, FF_E_CORRUPT, f->name, "the index of its chunks");
    }
    if (count > ASKED_MAX || count > d->chunk_count) {
        return ff_fail(e, FF_E_LIMIT, f->name,
                       "%llu chunks in an index that libhdf5 has to look up, at most %d",
                       (unsigned long long)count, ASKED_MAX);
    }
    d->entries = ff_calloc((size_t)count, sizeof *d->entries);
    if (!d->entries) {
        return ff_fail(e, FF_E_NO_MEMORY, f->name, "no memory for the table of chunks");
    }
    for (hsize_t i = 0; rc == FF_OK && i < count; i++) {
        rc = ff_cancelled(f->call) ? ff_fail(e, FF_E_CANCELLED, f->name, "cancelled")
                                   : one_chunk(io, set, space, i, f, d, &d->entries[i]);
    }
    d->entry_count = (size_t)count;
    qsort(d->entries, d->entry_count, sizeof *d->entries, by_chunk);
    for (size_t i = 1; rc == FF_OK && i < d->entry_count; i++) {
        if (d->entries[i].chunk == d->entries[i - 1].chunk) {
            rc = hdf_damaged(f, io->error, "the index of its chunks");
        }
    }
    return rc;
}

static int ask(struct hdf_io *io, const struct hdf_file *f, struct hdf_dataset *d)
{
    hid_t list = hdf_access_list(io);
    hid_t file = list < 0 ? -1 : H5Fopen(f->name, H5F_ACC_RDONLY, list);
    hid_t set = file < 0 ? -1 : H5Dopen2(file, HDF_DATASET, H5P_DEFAULT);
    hid_t space = set < 0 ? -1 : H5Dget_space(set);
    int rc = all_chunks(io, set, space, f, d);

    (void)H5Sclose(space);
    (void)H5Dclose(set);
    if (file >= 0) {
        (void)hdf_io_close(io, file);
    } else {
        hdf_io_drop_driver(io);
    }
    (void)H5Pclose(list);
    return rc;
}

int hdf_index_ask(struct hdf_inst *inst, const struct hdf_file *f, struct hdf_dataset *d,
                  struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct hdf_io *io = hdf_io_new(f->files);
    struct hdf_quiet quiet;
    int rc = io ? hdf_enter(inst, &quiet, e)
                : ff_fail(e, FF_E_NO_MEMORY, f->name, "out of memory");

    if (rc) {
        hdf_io_free(io);
        return rc;
    }
    io->file = f->file;
    io->call = f->call;
    io->error = &own;
    rc = ask(io, f, d);
    hdf_leave(inst, &quiet);
    hdf_io_free(io);
    if (rc) {
        ff_error_copy(e, &own);
    }
    return rc;
}
