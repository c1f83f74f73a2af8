/* SPDX-License-Identifier: Apache-2.0 */
/* dataset.c: what the object header of the data set says (Specification IV.A.2.b to m). */
#include "hdf.h"

#include "core/base/alloc.h"
#include "core/base/checked.h"

enum {
    MESSAGE_SPACE = 0x01,
    MESSAGE_TYPE = 0x03,
    MESSAGE_OLD_FILL = 0x04,
    MESSAGE_FILL = 0x05,
    MESSAGE_EXTERNAL = 0x07,
    MESSAGE_LAYOUT = 0x08,
    MESSAGE_FILTERS = 0x0b,
    MESSAGE_ATTRIBUTE = 0x0c,
    FLAG_SHARED = 2,
    SPACE_HAS_MOST = 1,
    LAYOUT_COMPACT = 0,
    LAYOUT_CONTIGUOUS = 1,
    LAYOUT_CHUNKED = 2,
    LAYOUT_VIRTUAL = 3,
    SLAB_BYTES = 4 << 20
};

struct parts {
    const struct hdf_file *file;
    struct hdf_dataset *out;
    bool has_space, has_layout;
    unsigned layout_class;
    uint64_t address, placed_bytes;
    size_t inline_bytes, fill_bytes;
    unsigned chunk_ndim; /* with the element's size as the last */
    uint64_t chunk[FF_MAX_NDIM + 1];
    uint64_t most[FF_MAX_NDIM]; /* the largest shape; UINT64_MAX: no end */
    struct hdf_index_place index;
};

static int damaged(const struct parts *p, struct ff_error *e, const char *what)
{
    return hdf_damaged(p->file, e, what);
}

static int on_space(struct parts *p, struct hdf_cursor c, struct ff_error *e)
{
    unsigned version = (unsigned)hdf_take(&c, 1);
    unsigned kind, flags;

    p->out->ndim = (uint32_t)hdf_take(&c, 1);
    flags = (unsigned)hdf_take(&c, 1);
    kind = (unsigned)hdf_take(&c, 1);
    (void)hdf_take(&c, version == 1 ? 4 : 0);
    if (version < 1 || version > 2 || p->out->ndim > FF_MAX_NDIM) {
        return damaged(p, e, "a data space");
    }
    if (version == 2 && kind == 2) {
        return ff_fail(e, FF_E_UNSUPPORTED, p->file->name, "a null data space");
    }
    for (uint32_t i = 0; i < p->out->ndim; i++) {
        if (!ff_u64_to_i64(hdf_take(&c, 8), &p->out->shape[i])) {
            return damaged(p, e, "a shape");
        }
    }
    for (uint32_t i = 0; i < p->out->ndim; i++) {
        p->most[i] =
            flags & SPACE_HAS_MOST ? hdf_take(&c, 8) : (uint64_t)p->out->shape[i];
        if (p->most[i] < (uint64_t)p->out->shape[i]) {
            return damaged(p, e, "a shape");
        }
    }
    p->has_space = true;
    return c.bad ? damaged(p, e, "a data space") : FF_OK;
}

static int keep_fill(struct parts *p, struct hdf_cursor *c, uint64_t size_bytes,
                     struct ff_error *e)
{
    const uint8_t *value = hdf_take_bytes(c, size_bytes);

    if (!value) {
        return damaged(p, e, "a fill value");
    }
    ff_free(p->out->fill);
    p->out->fill = size_bytes ? ff_memdup(value, (size_t)size_bytes) : NULL;
    p->fill_bytes = (size_t)size_bytes;
    return size_bytes && !p->out->fill
               ? ff_fail(e, FF_E_NO_MEMORY, p->file->name, "out of memory")
               : FF_OK;
}

static int on_fill(struct parts *p, struct hdf_cursor c, struct ff_error *e)
{
    unsigned version = (unsigned)hdf_take(&c, 1), flags;
    uint64_t size_bytes;
    bool there;

    if (version == 3) {
        flags = (unsigned)hdf_take(&c, 1);
        there = flags & 0x20;
    } else {
        (void)hdf_take(&c, 2);
        there = hdf_take(&c, 1) != 0;
    }
    size_bytes = there ? hdf_take(&c, 4) : 0;
    return keep_fill(p, &c, size_bytes > INT32_MAX ? 0 : size_bytes, e); /* -1: none */
}

static int on_chunked_3(struct parts *p, struct hdf_cursor *c, struct ff_error *e)
{
    p->chunk_ndim = (unsigned)hdf_take(c, 1);
    p->index.kind = HDF_INDEX_BTREE1;
    p->index.address = hdf_take(c, 8);
    for (unsigned i = 0; i < p->chunk_ndim && i <= FF_MAX_NDIM; i++) {
        p->chunk[i] = hdf_take(c, 4);
    }
    return c->bad ? damaged(p, e, "a layout") : FF_OK;
}

static int on_chunked_4(struct parts *p, struct hdf_cursor *c, struct ff_error *e)
{
    static const uint8_t parameter_bytes[] = {0, 0, 0, 1, 5, 6};
    unsigned flags = (unsigned)hdf_take(c, 1), width;

    p->chunk_ndim = (unsigned)hdf_take(c, 1);
    width = (unsigned)hdf_take(c, 1);
    for (unsigned i = 0; i < p->chunk_ndim && i <= FF_MAX_NDIM; i++) {
        p->chunk[i] = hdf_take(c, width <= 8 ? width : 0);
    }
    p->index.kind = (enum hdf_index)hdf_take(c, 1);
    if (p->index.kind < HDF_INDEX_SINGLE || p->index.kind > HDF_INDEX_BTREE2 ||
        (flags & 1)) {
        return ff_fail(e, FF_E_UNSUPPORTED, p->file->name,
                       "a chunk index of kind %d, flags %u", (int)p->index.kind, flags);
    }
    if (p->index.kind == HDF_INDEX_SINGLE && (flags & 2)) {
        p->index.single_bytes = hdf_take(c, 8);
        p->index.single_skipped = (uint32_t)hdf_take(c, 4);
    }
    (void)hdf_take_bytes(c, parameter_bytes[p->index.kind]);
    p->index.address = hdf_take(c, 8);
    return c->bad ? damaged(p, e, "a layout") : FF_OK;
}

static int on_compact(struct parts *p, struct hdf_cursor *c, struct ff_error *e)
{
    const uint8_t *data;

    p->inline_bytes = (size_t)hdf_take(c, 2);
    data = hdf_take_bytes(c, p->inline_bytes);
    if (!data) {
        return damaged(p, e, "a layout");
    }
    ff_free(p->out->inline_data);
    p->out->inline_data = ff_memdup(data, p->inline_bytes);
    return p->out->inline_data
               ? FF_OK
               : ff_fail(e, FF_E_NO_MEMORY, p->file->name, "out of memory");
}

static int on_layout(struct parts *p, struct hdf_cursor c, struct ff_error *e)
{
    unsigned version = (unsigned)hdf_take(&c, 1);

    p->layout_class = (unsigned)hdf_take(&c, 1);
    if (p->has_layout) {
        return damaged(p, e, "two layouts");
    }
    p->has_layout = true;
    if (version < 3 || version > 4) {
        return ff_fail(e, FF_E_UNSUPPORTED, p->file->name, "a layout of version %u",
                       version);
    }
    switch (p->layout_class) {
    case LAYOUT_COMPACT:
        return on_compact(p, &c, e);
    case LAYOUT_CONTIGUOUS:
        p->address = hdf_take(&c, 8);
        p->placed_bytes = hdf_take(&c, 8);
        return c.bad ? damaged(p, e, "a layout") : FF_OK;
    case LAYOUT_CHUNKED:
        return version == 3 ? on_chunked_3(p, &c, e) : on_chunked_4(p, &c, e);
    case LAYOUT_VIRTUAL:
        return ff_fail(e, FF_E_UNSAFE, p->file->name,
                       "a virtual data set: its elements lie in other files");
    default:
        return damaged(p, e, "a layout");
    }
}

/* Only filters whose code is in this plugin: others are plugins of libhdf5 that a file would
 * make it load. */
static int one_filter(struct parts *p, struct hdf_cursor *c, unsigned version,
                      struct ff_error *e)
{
    struct hdf_filter *f = &p->out->filters[p->out->filter_count];
    uint64_t name_bytes, values;
    const uint8_t *name;

    f->id = (unsigned)hdf_take(c, 2);
    name_bytes = version == 1 || f->id >= 256 ? hdf_take(c, 2) : 0;
    (void)hdf_take(c, 2);
    values = hdf_take(c, 2);
    name = hdf_take_bytes(c, name_bytes);
    f->value = values ? (unsigned)hdf_take(c, 4) : 0;
    (void)hdf_take_bytes(c, values ? 4 * (values - 1) : 0);
    (void)hdf_take_bytes(c, version == 1 && values % 2 ? 4 : 0);
    if (c->bad) {
        return damaged(p, e, "a filter");
    }
    if (f->id < HDF_DEFLATE || f->id > HDF_FLETCHER32) {
        ff_fail(e, FF_E_UNSUPPORTED, p->file->name,
                "compressed with the HDF5 filter %u (%.*s); only deflate, shuffle and "
                "fletcher32 are read",
                f->id, (int)(name_bytes < 40 ? name_bytes : 40),
                name_bytes ? (const char *)name : "no name");
        ff_error_fix(e, "h5repack -f NONE makes a file that is read");
        return FF_E_UNSUPPORTED;
    }
    p->out->filter_count++;
    return FF_OK;
}

static int on_filters(struct parts *p, struct hdf_cursor c, struct ff_error *e)
{
    unsigned version = (unsigned)hdf_take(&c, 1), count = (unsigned)hdf_take(&c, 1);
    int rc = FF_OK;

    (void)hdf_take(&c, version == 1 ? 6 : 0);
    if (version < 1 || version > 2 || count + p->out->filter_count > HDF_FILTERS_MAX) {
        return damaged(p, e, "filters");
    }
    for (unsigned i = 0; rc == FF_OK && i < count; i++) {
        rc = one_filter(p, &c, version, e);
    }
    return rc;
}

/* Only our own one matters, and what is wrong with another does not. */
static int on_attribute(struct parts *p, struct hdf_cursor c, struct ff_error *e)
{
    unsigned version = (unsigned)hdf_take(&c, 1);
    uint64_t name_bytes, type_bytes, space_bytes;
    uint64_t pad = version == 1 ? 7 : 0;
    const char *name;
    char *text;

    (void)hdf_take(&c, 1);
    name_bytes = hdf_take(&c, 2);
    type_bytes = hdf_take(&c, 2);
    space_bytes = hdf_take(&c, 2);
    (void)hdf_take(&c, version == 3 ? 1 : 0);
    name = (const char *)hdf_take_bytes(&c, (name_bytes + pad) & ~pad);
    (void)hdf_take_bytes(&c, (type_bytes + pad) & ~pad);
    (void)hdf_take_bytes(&c, (space_bytes + pad) & ~pad);
    if (c.bad || name_bytes != sizeof HDF_EDGES_NAME ||
        memcmp(name, HDF_EDGES_NAME, sizeof HDF_EDGES_NAME) != 0) {
        return FF_OK;
    }
    text = ff_strndup((const char *)c.at, hdf_left(&c));
    if (!text) {
        return ff_fail(e, FF_E_NO_MEMORY, p->file->name, "out of memory");
    }
    ff_free(p->out->edges);
    p->out->edges = text;
    return FF_OK;
}

static int on_type(struct parts *p, unsigned flags, struct hdf_cursor c,
                   struct ff_error *e)
{
    if (flags & FLAG_SHARED) {
        return ff_fail(e, FF_E_UNSUPPORTED, p->file->name, "a committed datatype");
    }
    if (p->out->dtype) {
        return damaged(p, e, "two datatypes");
    }
    return hdf_dtype_decode(&c, p->file->name, &p->out->dtype, e);
}

static int on_message(void *ctx, unsigned type, unsigned flags, struct hdf_cursor c,
                      struct ff_error *e)
{
    struct parts *p = ctx;

    switch (type) {
    case MESSAGE_SPACE:
        return on_space(p, c, e);
    case MESSAGE_TYPE:
        return on_type(p, flags, c, e);
    case MESSAGE_OLD_FILL:
        return p->out->fill || flags & FLAG_SHARED ? FF_OK
                                                   : keep_fill(p, &c, hdf_take(&c, 4), e);
    case MESSAGE_FILL:
        return flags & FLAG_SHARED ? FF_OK : on_fill(p, c, e);
    case MESSAGE_EXTERNAL:
        return ff_fail(e, FF_E_UNSAFE, p->file->name,
                       "external storage: its elements lie in other files");
    case MESSAGE_LAYOUT:
        return on_layout(p, c, e);
    case MESSAGE_FILTERS:
        return on_filters(p, c, e);
    case MESSAGE_ATTRIBUTE:
        return flags & FLAG_SHARED ? FF_OK : on_attribute(p, c, e);
    default:
        return FF_OK;
    }
}

/* Slabs of whole rows, so that a data set without chunks is read like one with them. */
static void choose_slab(struct hdf_dataset *d)
{
    uint64_t row;

    for (uint32_t i = 0; i < d->ndim; i++) {
        d->chunk[i] = d->shape[i] > 0 ? d->shape[i] : 1;
    }
    if (d->ndim && d->total_bytes > SLAB_BYTES) {
        row = d->total_bytes / (uint64_t)d->shape[0];
        d->chunk[0] = row < SLAB_BYTES ? (int64_t)(SLAB_BYTES / row) : 1;
    }
}

static bool grid_of(struct hdf_dataset *d)
{
    uint64_t chunk_bytes = d->dtype->item_bytes, count = 1;

    for (uint32_t i = 0; i < d->ndim; i++) {
        if (d->chunk[i] < 1 ||
            !ff_mul_u64(chunk_bytes, (uint64_t)d->chunk[i], &chunk_bytes)) {
            return false;
        }
        d->grid[i] = d->shape[i] / d->chunk[i] + (d->shape[i] % d->chunk[i] != 0);
        if (!ff_mul_u64(count, (uint64_t)d->grid[i], &count)) {
            return false;
        }
    }
    d->chunk_bytes = chunk_bytes;
    d->chunk_count = count;
    return chunk_bytes <= INT64_MAX;
}

static int placed(struct parts *p, uint64_t address, uint64_t size_bytes,
                  struct ff_error *e)
{
    p->out->layout = HDF_PLACED;
    p->out->base = address;
    if (address != HDF_UNDEFINED && !hdf_in_file(p->file, address, size_bytes)) {
        return damaged(p, e, "its elements lie behind its end");
    }
    return FF_OK;
}

static int settle_whole(struct parts *p, struct ff_error *e)
{
    struct hdf_dataset *d = p->out;

    choose_slab(d);
    if (!grid_of(d)) {
        return damaged(p, e, "a shape");
    }
    if (p->layout_class == LAYOUT_CONTIGUOUS) {
        return p->address != HDF_UNDEFINED && p->placed_bytes < d->total_bytes
                   ? damaged(p, e, "fewer elements than its shape says")
                   : placed(p, p->address, d->total_bytes, e);
    }
    d->layout = HDF_INLINE;
    return p->inline_bytes < d->total_bytes
               ? damaged(p, e, "fewer elements than its shape says")
               : FF_OK;
}

/* Indexes that count cells count those that the data set may grow to. */
static bool cells_of(struct parts *p)
{
    const struct hdf_dataset *d = p->out;
    bool grows = false;

    for (uint32_t i = 0; i < d->ndim; i++) {
        uint64_t edge = (uint64_t)d->chunk[i], most = p->most[i];

        p->index.cells[i] =
            most == UINT64_MAX ? UINT64_MAX : most / edge + (most % edge != 0);
        grows = grows || p->index.cells[i] != (uint64_t)d->grid[i];
    }
    return grows;
}

static int settle_chunked(struct parts *p, struct ff_error *e)
{
    struct hdf_dataset *d = p->out;
    uint64_t size_bytes;
    bool grows;

    d->chunked = true;
    if (p->chunk_ndim != d->ndim + 1 || d->ndim == 0 ||
        p->chunk[d->ndim] != d->dtype->item_bytes) {
        return damaged(p, e, "chunks that do not fit its shape");
    }
    for (uint32_t i = 0; i < d->ndim; i++) {
        d->chunk[i] = p->chunk[i] <= INT64_MAX ? (int64_t)p->chunk[i] : 0;
    }
    if (!grid_of(d) || d->chunk_bytes > UINT32_MAX) {
        return damaged(p, e, "chunks that do not fit its shape");
    }
    grows = cells_of(p);
    if (p->index.kind == HDF_INDEX_IMPLICIT && d->filter_count) {
        return damaged(p, e, "an index without sizes");
    }
    if (grows || (p->index.kind != HDF_INDEX_IMPLICIT &&
                  !(p->index.kind == HDF_INDEX_SINGLE && d->filter_count == 0))) {
        d->layout = HDF_TABLE;
        return hdf_index_read(p->file, &p->index, d, e);
    }
    return ff_mul_u64(d->chunk_count, d->chunk_bytes, &size_bytes)
               ? placed(p, p->index.address, size_bytes, e)
               : damaged(p, e, "chunks that do not fit its shape");
}

static int settle(struct parts *p, struct ff_error *e)
{
    struct hdf_dataset *d = p->out;

    if (!p->has_space || !p->has_layout || !d->dtype ||
        !ff_product(d->ndim, d->shape, d->dtype->item_bytes, &d->total_bytes)) {
        return damaged(p, e, "no shape, datatype or layout");
    }
    if (d->fill && p->fill_bytes != d->dtype->item_bytes) {
        return damaged(p, e, "a fill value of another size");
    }
    return p->layout_class == LAYOUT_CHUNKED ? settle_chunked(p, e) : settle_whole(p, e);
}

/* Edges that are too long for an attribute stand in a data set of their own. */
static int read_long_edges(const struct hdf_file *f, uint64_t root,
                           struct hdf_dataset *out, struct ff_error *e)
{
    struct hdf_dataset own = {0};
    struct parts p = {.file = f, .out = &own};
    uint64_t address;
    uint8_t *text = NULL;
    int rc = hdf_find(f, root, HDF_EDGES_NAME, &address, e);

    rc = rc ? rc : hdf_header_each(f, address, on_message, &p, e);
    if (rc == FF_OK && own.dtype && own.dtype->kind == 'S' && own.ndim == 0 &&
        p.layout_class == LAYOUT_CONTIGUOUS) {
        rc = hdf_read_new(f, p.address, (size_t)own.dtype->item_bytes, &text, e);
        out->edges = rc ? NULL : ff_strndup((char *)text, (size_t)own.dtype->item_bytes);
        rc = rc || out->edges ? rc : ff_fail(e, FF_E_NO_MEMORY, f->name, "out of memory");
        ff_free(text);
    }
    hdf_dataset_free(&own);
    return rc == FF_E_NOT_FOUND ? FF_OK : rc;
}

int hdf_dataset_read(const struct hdf_file *f, struct hdf_dataset *out,
                     struct ff_error *e)
{
    struct parts p = {.file = f, .out = out};
    uint64_t root, address;
    int rc = hdf_superblock(f, &root, e);

    rc = rc ? rc : hdf_find(f, root, HDF_DATASET, &address, e);
    if (rc == FF_E_NOT_FOUND) {
        return ff_fail(e, FF_E_CORRUPT, f->name, "an HDF5 file without a data set '%s'",
                       HDF_DATASET);
    }
    rc = rc ? rc : hdf_header_each(f, address, on_message, &p, e);
    rc = rc ? rc : settle(&p, e);
    return rc || out->edges ? rc : read_long_edges(f, root, out, e);
}

void hdf_dataset_free(struct hdf_dataset *d)
{
    ff_dtype_free(d->dtype);
    ff_free(d->entries);
    ff_free(d->inline_data);
    ff_free(d->fill);
    ff_free(d->edges);
    *d = (struct hdf_dataset){0};
}
