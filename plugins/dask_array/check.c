/* SPDX-License-Identifier: Apache-2.0 */
/* check.c: ff.verify/1 and ff.explain/1. */
#include "hdf.h"

#include "core/base/buf.h"
#include "zarr/store.h"

struct check {
    struct hdf_array *a;
    const struct ff_call *call;
};

static int check_chunk(void *ctx, uint64_t i, struct ff_error *e)
{
    const struct check *c = ctx;
    const struct hdf_dataset *d = &c->a->set;
    struct hdf_inst *inst = c->a->inst;
    size_t room = hdf_filter_room(d->chunk_bytes);
    struct hdf_entry entry;
    struct hdf_scratch *s;
    const uint8_t *plain;
    int rc = FF_OK;

    if (!hdf_entry_of(d, i, &entry)) {
        return FF_OK;
    }
    s = hdf_scratch_take(inst, 2 * room, e);
    if (!s) {
        return FF_E_NO_MEMORY;
    }
    if (d->filter_count) {
        rc = hdf_chunk_decode(c->a, &entry, s, &plain, c->call, e);
    } else {
        uint64_t size_bytes = d->chunk_bytes;

        if (!d->chunked && d->total_bytes - i * d->chunk_bytes < size_bytes) {
            size_bytes = d->total_bytes - i * d->chunk_bytes;
        }
        rc = hdf_raw_read(c->a, &entry, 0, s->data, (size_t)size_bytes, c->call, e);
    }
    hdf_scratch_give(inst, s);
    return rc;
}

static int verify(void *inst, const struct ff_pid *pid,
                  const struct ff_protocols *protocols, int deep,
                  const struct ff_call *call, struct ff_error *e)
{
    struct ff_array *array = NULL;
    struct check c = {NULL, call};
    const struct hdf_dataset *d;
    int rc = hdf_open_any(inst, pid, protocols, &array, call, e);

    if (rc) {
        return rc;
    }
    if (array->read == zarr_array_read) {
        rc = zarr_array_check((struct zarr_array *)array, deep, call, e);
        array->release(array);
        return rc;
    }
    c.a = (struct hdf_array *)array;
    d = &c.a->set;
    if ((d->layout == HDF_TABLE && d->entry_count < d->chunk_count) ||
        (d->layout == HDF_PLACED && d->base == HDF_UNDEFINED && d->chunk_count)) {
        rc = ff_fail(e, FF_E_CORRUPT, pid->name, "%llu of %llu chunks were never written",
                     (unsigned long long)(d->chunk_count - d->entry_count),
                     (unsigned long long)d->chunk_count);
    }
    if (rc == FF_OK && deep && d->layout != HDF_INLINE && d->chunk_count) {
        rc = c.a->inst->pool->for_each(c.a->inst->host, d->chunk_count, check_chunk, &c,
                                       call, e);
    }
    array->release(array);
    return rc;
}

const struct ff_verifier hdf_verifier = {.struct_size = FF_SIZE(ff_verifier, verify),
                                         .verify = verify};

/* Python's spelling of a path: its quotes and backslashes are escaped. */
static int print_path(struct ff_buf *out, const char *path)
{
    int rc = 0;

    for (; *path && rc == 0; path++) {
        rc = *path == '"' || *path == '\\' ? ff_buf_append_byte(out, '\\') : 0;
        rc = rc ? rc : ff_buf_append_byte(out, (uint8_t)*path);
    }
    return rc;
}

/* Where the array lies, for people, and whether it is zarr. */
static int locate(const struct ff_pid *pid, const struct ff_protocols *protocols,
                  char *path, size_t size, bool *zarr, const struct ff_call *call,
                  struct ff_error *e)
{
    const struct ff_objects *objects = protocols->find(protocols, NULL, FF_OBJECTS_1);
    const struct ff_locate *where = protocols->find(protocols, NULL, FF_LOCATE_1);
    struct ff_error own = FF_ERROR_INIT;
    char name[ZARR_NAME_BYTES];

    *zarr =
        objects && ff_head(objects, pid->name, NULL, NULL, call, &own) == FF_E_NOT_FOUND;
    (void)snprintf(name, sizeof name, "%s%.80s", *zarr ? ZARR_GROUP "/" : "", pid->name);
    (void)snprintf(path, size, "%s", name);
    return where ? where->where(where, name, path, size, e) : FF_OK;
}

static int explain(void *inst, const struct ff_pid *pid,
                   const struct ff_protocols *protocols,
                   int (*write)(void *ctx, const char *text, size_t size_bytes),
                   void *ctx, const struct ff_call *call, struct ff_error *e)
{
    static const char *const first[] = {
        "import h5py, dask.array\nf = h5py.File(\"",
        "import zarr, dask.array\nd = zarr.open_array(\""};
    static const char *const last[] = {
        "\", \"r\")\n"
        "d = f[\"" HDF_DATASET "\"]\n"
        "a = dask.array.from_array(d, chunks=d.chunks or -1)\n",
        "\", mode=\"r\")\n"
        "a = dask.array.from_array(d, chunks=d.chunks or -1)\n"};
    char path[4096];
    struct ff_buf text;
    bool zarr;
    int rc = locate(pid, protocols, path, sizeof path, &zarr, call, e);

    (void)inst;
    if (rc) {
        return rc;
    }
    ff_buf_init(&text, 4 * sizeof path);
    rc = ff_buf_append_text(&text, first[zarr]);
    rc = rc ? rc : print_path(&text, path);
    rc = rc ? rc : ff_buf_append_text(&text, last[zarr]);
    rc = rc ? ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory")
            : write(ctx, (const char *)text.data, text.length_bytes);
    ff_buf_free(&text);
    return rc;
}

const struct ff_explain hdf_explain = {.struct_size = FF_SIZE(ff_explain, explain),
                                       .explain = explain};
