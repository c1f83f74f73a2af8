/* SPDX-License-Identifier: Apache-2.0 */
/* json_read_array.c: tags of arrays, numpy's scalars and dtypes, and .npy files. */
#include "core/json_read.h"

#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/dtype.h"
#include "core/base/region.h"

static int no_memory(struct ff_json_reader *r)
{
    return ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory");
}

/* ---- dtypes ---- */

/* The caller frees *out. */
static int read_dtype(struct ff_json_reader *r, uint32_t node, bool simple,
                      struct ff_dtype **out)
{
    const char *text, *why = "not understood";
    size_t size;
    int rc = ff_json_want(r, node, '"', "a dtype: \"<f8\"");
    *out = NULL;
    if (rc || !(text = ff_json_string(&r->tree, node, &r->scratch, &size))) {
        return rc ? rc : no_memory(r);
    }
    rc = ff_dtype_parse(text, size, out, &why);
    if (rc == -ENOMEM) {
        return no_memory(r);
    }
    if (rc || (simple && ((*out)->structured || (*out)->ndim))) {
        ff_dtype_free(*out);
        *out = NULL;
        return ff_json_fail_at(&r->tree, ff_json_node(&r->tree, node)->at, FF_E_USAGE,
                               r->error, "not a dtype%s: %s",
                               simple ? " of one simple type" : "",
                               rc ? why : "structured");
    }
    return FF_OK;
}

/* ({}, (unit, multiplier, 1, 1)): the metadata of M8 and m8. */
static uint64_t unit_cell(struct ff_json_reader *r, uint32_t node,
                          const struct ff_dtype *d)
{
    const char *unit = d->unit[0] ? d->unit : "generic";
    uint64_t cells[4] = {ff_doc_scalar(r->doc, FF_TAG_BYTES, unit, strlen(unit)),
                         ff_cell_of_int((int64_t)d->unit_multiplier), ff_cell_of_int(1),
                         ff_cell_of_int(1)};
    struct ff_value dict = ff_new_dict(r->doc, r->error);
    uint64_t pair[2] = {dict.cell, cells[0] ? ff_json_tuple(r, node, cells, 4) : 0};
    return pair[0] && pair[1] ? ff_json_tuple(r, node, pair, 2) : 0;
}

/* What numpy.dtype.__reduce__ gives for a simple type. */
static uint64_t dtype_cell(struct ff_json_reader *r, uint32_t node,
                           const struct ff_dtype *d)
{
    bool flexible = strchr("SUV", d->kind) != NULL, dates = strchr("Mm", d->kind) != NULL;
    char code[24];
    uint64_t state[9] = {ff_cell_of_int(dates ? 4 : 3),
                         0,
                         FF_TAG_NONE,
                         FF_TAG_NONE,
                         FF_TAG_NONE,
                         ff_cell_of_int(-1),
                         ff_cell_of_int(-1),
                         ff_cell_of_int(0),
                         0};
    uint64_t args[3] = {0, FF_TAG_FALSE, FF_TAG_TRUE}, cell;
    int size = snprintf(code, sizeof code, "%c%llu", d->kind,
                        (unsigned long long)d->element_bytes / (d->kind == 'U' ? 4 : 1));
    if (flexible) {
        state[5] = ff_cell_of_int((int64_t)d->element_bytes);
        state[6] = ff_cell_of_int(d->kind == 'U' ? 4 : 1);
        state[7] = ff_cell_of_int(d->kind == 'U' ? 8 : 0);
    }
    args[0] = ff_doc_scalar(r->doc, FF_TAG_STR, code, (size_t)size);
    state[1] = ff_doc_scalar(r->doc, FF_TAG_STR, &d->byte_order, 1);
    state[8] = dates ? unit_cell(r, node, d) : FF_TAG_NONE;
    if (!args[0] || !state[1] || !state[8]) {
        (void)ff_json_full(r, node);
        return 0;
    }
    cell = ff_json_call(r, node, "numpy", "dtype", args, 3);
    if (cell) {
        struct ff_object_node *o = ff_cell_node(cell);
        o->state = ff_json_tuple(r, node, state, dates ? 9 : 8);
        o->stage = FF_STAGE_STATE;
        cell = o->state ? cell : 0;
    }
    return cell;
}

int ff_json_make_dtype(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    struct ff_dtype *d;
    uint64_t cell;
    int rc = read_dtype(r, value, true, &d);
    if (rc) {
        return rc;
    }
    cell = dtype_cell(r, object, d);
    ff_dtype_free(d);
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}

int ff_json_make_scalar(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    static const char *const names[] = {"dtype", "data", NULL};
    struct ff_dtype *d;
    uint64_t cells[2], cell;
    uint32_t dtype, data;
    int rc = ff_json_want(r, value, '{', "an object");
    rc = rc ? rc : ff_json_check_members(r, value, names);
    if (rc) {
        return rc;
    }
    dtype = ff_json_member(&r->tree, value, "dtype");
    data = ff_json_member(&r->tree, value, "data");
    if (!dtype || !data) {
        return ff_json_wrong(r, value, "dtype and data are needed");
    }
    rc = read_dtype(r, dtype, true, &d);
    if (rc) {
        return rc;
    }
    cells[0] = dtype_cell(r, dtype, d);
    rc = cells[0] ? ff_json_base64(r, data) : r->error->code;
    if (!rc && r->scratch.length_bytes != d->item_bytes) {
        rc = ff_json_wrong(r, data, "more or fewer bytes than the dtype has");
    }
    ff_dtype_free(d);
    if (rc) {
        return rc;
    }
    cells[1] =
        ff_doc_scalar(r->doc, FF_TAG_BYTES, r->scratch.data, r->scratch.length_bytes);
    if (!cells[1]) {
        return ff_json_full(r, data);
    }
    cell = ff_json_call(r, object, "numpy.core.multiarray", "scalar", cells, 2);
    return cell ? ff_json_set(r, object, cell) : r->error->code;
}

/* ---- arrays ---- */

static int read_shape(struct ff_json_reader *r, uint32_t node, int64_t min,
                      int64_t *shape, int32_t *ndim)
{
    int rc = ff_json_want(r, node, '[', "a list of integers");
    if (rc) {
        return rc;
    }
    if (ff_json_node(&r->tree, node)->count > FF_MAX_NDIM) {
        return ff_json_wrong(r, node, "more than 32 axes");
    }
    *ndim = 0;
    for (uint32_t n = ff_json_child(&r->tree, node, 0); n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        rc = ff_json_number(r, n, min, INT64_MAX, &shape[(*ndim)++]);
    }
    return rc;
}

struct description {
    struct ff_dtype *dtype;
    int64_t shape[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    int32_t ndim;
    uint64_t size_bytes;
    uint32_t data;
};

static int describe(struct ff_json_reader *r, uint32_t value, struct description *d)
{
    static const char *const names[] = {"dtype", "shape", "order", "data", NULL};
    uint32_t dtype, shape, order;
    int rc = ff_json_want(r, value, '{', "an object");
    rc = rc ? rc : ff_json_check_members(r, value, names);
    if (rc) {
        return rc;
    }
    dtype = ff_json_member(&r->tree, value, "dtype");
    shape = ff_json_member(&r->tree, value, "shape");
    order = ff_json_member(&r->tree, value, "order");
    d->data = ff_json_member(&r->tree, value, "data");
    if (!dtype || !shape || !d->data) {
        return ff_json_wrong(r, value, "dtype, shape and data are needed");
    }
    if (order && !ff_json_is(&r->tree, order, "C") && !ff_json_is(&r->tree, order, "F")) {
        return ff_json_wrong(r, order, "here should be \"C\" or \"F\"");
    }
    rc = read_shape(r, shape, 0, d->shape, &d->ndim);
    rc = rc ? rc : read_dtype(r, dtype, false, &d->dtype);
    bool fortran = order && ff_json_is(&r->tree, order, "F");
    if (!rc && !(fortran ? ff_strides_f : ff_strides_c)((size_t)d->ndim, d->shape,
                                                        d->dtype->item_bytes, d->strides,
                                                        &d->size_bytes)) {
        rc = ff_json_wrong(r, shape, "the array has more bytes than can be");
    }
    return rc;
}

/* Takes `array`, also on failure. */
static int set_array(struct ff_json_reader *r, uint32_t object, struct ff_array *array)
{
    struct ff_value v =
        array ? ff_new_array_take(r->doc, array, r->error) : (struct ff_value){NULL, 0};
    if (!v.cell) {
        return r->error->code ? r->error->code : no_memory(r);
    }
    return ff_json_set(r, object, v.cell);
}

static struct ff_array *new_array(struct ff_json_reader *r, const struct description *d)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = d->ndim,
                                .shape = d->shape,
                                .strides = d->strides,
                                .release = ff_free};
    struct ff_array *array = NULL;
    struct ff_buf descr;
    p.ctx = ff_memdup(r->scratch.data, r->scratch.length_bytes);
    p.data = p.ctx;
    ff_buf_init(&descr, FF_DTYPE_MAX_TEXT_BYTES);
    if (!p.ctx || ff_dtype_print(d->dtype, FF_DTYPE_PLAIN, &descr)) {
        ff_free(p.ctx);
        (void)no_memory(r);
    } else {
        p.descr = ff_buf_text(&descr);
        array = ff_array_new(&p, r->error);
    }
    ff_buf_free(&descr);
    return array;
}

int ff_json_make_ndarray(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    struct description d = {NULL, {0}, {0}, 0, 0, 0};
    int rc = describe(r, value, &d);
    rc = rc ? rc : ff_json_base64(r, d.data);
    if (!rc && r->scratch.length_bytes != d.size_bytes) {
        rc = ff_json_fail_at(&r->tree, ff_json_node(&r->tree, d.data)->at, FF_E_USAGE,
                             r->error, "%zu bytes of data where dtype and shape say %llu",
                             r->scratch.length_bytes, (unsigned long long)d.size_bytes);
    }
    rc = rc ? rc : set_array(r, object, new_array(r, &d));
    ff_dtype_free(d.dtype);
    return rc;
}

/* ---- .npy files ---- */

/* Beside the folder or below it: relative, no part "..", no control characters. */
static bool is_inside(const char *path, size_t size)
{
    if (size == 0 || path[0] == '/') {
        return false;
    }
    for (size_t from = 0, i = 0; i <= size; i++) {
        if (i == size || path[i] == '/') {
            if (i - from == 2 && memcmp(path + from, "..", 2) == 0) {
                return false;
            }
            from = i + 1;
        } else if ((unsigned char)path[i] < 0x20) {
            return false;
        }
    }
    return true;
}

static int join_path(struct ff_json_reader *r, uint32_t value, struct ff_buf *path)
{
    const char *name;
    size_t size;
    int rc = ff_json_want(r, value, '"', "the name of a .npy file");
    if (rc || !(name = ff_json_string(&r->tree, value, &r->scratch, &size))) {
        return rc ? rc : no_memory(r);
    }
    if (!r->folder) {
        return ff_json_wrong(r, value, "there is no folder whose files may be opened");
    }
    if (!is_inside(name, size)) {
        return ff_json_wrong(r, value,
                             "a file beside the text is meant: a relative name "
                             "without \"..\"");
    }
    if (ff_buf_append_text(path, r->folder[0] ? r->folder : ".") ||
        ff_buf_append_byte(path, '/') || ff_buf_append(path, name, size)) {
        return no_memory(r);
    }
    return FF_OK;
}

/* "chunks": [..], "auto" (also when it is missing), null: inline. */
static int read_chunks(struct ff_json_reader *r, uint32_t node, uint32_t *chunking,
                       int64_t *chunk, int32_t *ndim)
{
    *chunking = FF_CHUNK_AUTO;
    *ndim = 0;
    if (!node || ff_json_is(&r->tree, node, "auto")) {
        return FF_OK;
    }
    *chunking = ff_json_type(&r->tree, node) == 'n' ? FF_CHUNK_NONE : 0;
    if (*chunking) {
        return FF_OK;
    }
    if (ff_json_type(&r->tree, node) != '[') {
        return ff_json_wrong(r, node, "here should be a list, \"auto\" or null");
    }
    return read_shape(r, node, 1, chunk, ndim);
}

int ff_json_make_npy(struct ff_json_reader *r, uint32_t object, uint32_t value)
{
    static const char *const names[] = {"$npy", "chunks", NULL};
    uint32_t chunking;
    int64_t chunk[FF_MAX_NDIM];
    int32_t ndim;
    struct ff_buf path;
    int rc = ff_json_check_members(r, object, names);
    ff_buf_init(&path, 1 << 16);
    rc = rc ? rc
            : read_chunks(r, ff_json_member(&r->tree, object, "chunks"), &chunking, chunk,
                          &ndim);
    rc = rc ? rc : join_path(r, value, &path);
    if (!rc) {
        struct ff_array *array = ff_npy_open(ff_buf_text(&path), chunking,
                                             ndim ? chunk : NULL, ndim, r->error);
        rc = array ? set_array(r, object, array) : r->error->code;
    }
    ff_buf_free(&path);
    return rc;
}
