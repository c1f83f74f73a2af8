/* SPDX-License-Identifier: Apache-2.0 */
/* create.c: the HDF5 file of an array, made by libhdf5: shape, type, layout and attributes.
 * The caller holds the lock group.
 *
 * Without filters the chunks are allocated at once in the format of HDF5 1.10, whose implicit
 * index puts chunk i at base + i * size: elements go there by plain writes. With filters, and
 * where the length grows, it is the format that every HDF5 reads: a version 1 B-tree.
 */
#include "hdf.h"

#include <hdf5.h>

enum { ATTRIBUTE_MAX = 60000, ALIGNMENT_BYTES = 4096, PARTS = 3 };

static bool set_text_attribute(hid_t set, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), attribute = -1;
    bool ok = type >= 0 && space >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0;

    if (ok) {
        attribute = H5Acreate2(set, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
        ok = attribute >= 0 && H5Awrite(attribute, type, text) >= 0;
        ok = attribute >= 0 && H5Aclose(attribute) >= 0 && ok;
    }
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    return ok;
}

/* What is too long for an attribute. */
static bool set_text_dataset(hid_t file, const char *name, const char *text)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR), set = -1;
    bool ok = type >= 0 && space >= 0 && H5Tset_size(type, strlen(text) + 1) >= 0;

    if (ok) {
        set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        ok = set >= 0 && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, text) >= 0;
        ok = set >= 0 && H5Dclose(set) >= 0 && ok;
    }
    (void)H5Sclose(space);
    (void)H5Tclose(type);
    return ok;
}

static bool set_attributes(hid_t file, hid_t set, const struct hdf_plan *p)
{
    bool ok = true;

    if (hdf_dtype_has_text(p->dtype)) {
        ok = set_text_attribute(set, HDF_DESCR_NAME, p->descr);
    }
    if (ok && p->edges) {
        ok = strlen(p->edges) < ATTRIBUTE_MAX
                 ? set_text_attribute(set, HDF_EDGES_NAME, p->edges)
                 : set_text_dataset(file, HDF_EDGES_NAME, p->edges);
    }
    return ok;
}

static hid_t make_space(const struct hdf_plan *p)
{
    hsize_t shape[FF_MAX_NDIM], most[FF_MAX_NDIM];

    if (p->ndim == 0) {
        return H5Screate(H5S_SCALAR);
    }
    for (uint32_t i = 0; i < p->ndim; i++) {
        shape[i] = most[i] = (hsize_t)p->shape[i];
        if (p->shape[i] < p->chunk[i]) { /* no chunk is longer than its axis may become */
            most[i] = (hsize_t)p->chunk[i];
        }
    }
    if (p->stream) {
        shape[0] = 0;
        most[0] = H5S_UNLIMITED;
    }
    return H5Screate_simple((int)p->ndim, shape, most);
}

static hid_t make_create_list(const struct hdf_plan *p)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[FF_MAX_NDIM];
    bool ok = list >= 0 && H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0 &&
              H5Pset_obj_track_times(list, 0) >= 0;

    for (uint32_t i = 0; i < p->ndim; i++) {
        chunk[i] = (hsize_t)p->chunk[i];
    }
    if (ok && p->chunked) {
        ok = H5Pset_chunk(list, (int)p->ndim, chunk) >= 0;
    }
    if (ok && !p->through_index) {
        ok = H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY) >= 0;
    }
    if (ok && p->through_index && p->options.level) {
        ok = (!p->options.shuffle || H5Pset_shuffle(list) >= 0) &&
             H5Pset_deflate(list, (unsigned)p->options.level) >= 0;
    }
    if (!ok) {
        (void)H5Pclose(list);
    }
    return ok ? list : -1;
}

static hid_t make_file(struct hdf_io *io, const struct hdf_plan *p, const char *name)
{
    hid_t list = hdf_access_list(io), file = -1;
    H5F_libver_t low =
        p->through_index || !p->chunked ? H5F_LIBVER_EARLIEST : H5F_LIBVER_V110;
    bool ok = list >= 0 && H5Pset_libver_bounds(list, low, H5F_LIBVER_V110) >= 0;

    if (ok && !p->through_index) {
        ok = H5Pset_alignment(list, ALIGNMENT_BYTES, ALIGNMENT_BYTES) >= 0;
    }
    if (ok) {
        file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, list);
    }
    (void)H5Pclose(list);
    if (file < 0) {
        hdf_io_drop_driver(io);
    }
    return file;
}

/* Chunks come whole and once: a cache of them would be one copy more. */
static hid_t make_dataset(hid_t file, const struct hdf_plan *p)
{
    hid_t parts[PARTS] = {hdf_dtype_make(p->dtype), make_space(p), make_create_list(p)};
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS), set = -1;

    if (parts[0] >= 0 && parts[1] >= 0 && parts[2] >= 0 && access >= 0 &&
        H5Pset_chunk_cache(access, 0, 0, 1.0) >= 0) {
        set = H5Dcreate2(file, HDF_DATASET, parts[0], parts[1], H5P_DEFAULT, parts[2],
                         access);
    }
    (void)H5Tclose(parts[0]);
    (void)H5Sclose(parts[1]);
    (void)H5Pclose(parts[2]);
    (void)H5Pclose(access);
    return set;
}

int hdf_create(struct hdf_io *io, const struct hdf_plan *p, const char *place,
               int64_t *file, int64_t *dataset)
{
    hid_t f = make_file(io, p, place);
    hid_t set = f >= 0 ? make_dataset(f, p) : -1;
    bool ok = set >= 0 && set_attributes(f, set, p);
    int rc = hdf_outcome(io, ok, FF_E_OTHER, place, "cannot make the HDF5 file");

    if (rc) {
        (void)H5Dclose(set);
        if (f >= 0) {
            (void)hdf_io_close(io, f);
        }
        return rc;
    }
    *file = f;
    *dataset = set;
    return FF_OK;
}
