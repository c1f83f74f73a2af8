/* SPDX-License-Identifier: Apache-2.0 */
/* views_numpy.c: numpy arrays and scalars where they lie. Forms: array_reduce and
 * array_reduce_ex of numpy/_core/src/multiarray/methods.c, _frombuffer of
 * numpy/_core/numeric.py, gentype_reduce of scalartypes.c.src. */
#include "core/views.h"

#include <errno.h>
#include <string.h>

#include "core/array.h"
#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/region.h"
#include "core/doc.h"

static struct ff_value item(struct ff_value v, size_t i)
{
    struct ff_value found = FF_NOTHING;
    (void)ff_item(v, i, NULL, &found, NULL);
    return found;
}

/* Strides, and whether the data is as long as it must be. */
static bool lay_out(struct ff_ndarray *a, bool fortran)
{
    size_t ndim = (size_t)a->ndim, length;
    const void *data;
    bool ok = fortran ? ff_strides_f(ndim, a->shape, a->dtype->item_bytes, a->strides,
                                     &a->size_bytes)
                      : ff_strides_c(ndim, a->shape, a->dtype->item_bytes, a->strides,
                                     &a->size_bytes);
    if (!ok || ff_view_payload(a->data, NULL, 0) != a->size_bytes) {
        return false;
    }
    a->fortran =
        fortran && !ff_strides_are_c(ndim, a->shape, a->dtype->item_bytes, a->strides);
    if (ff_kind(a->data) == FF_BYTES || ff_kind(a->data) == FF_BYTEARRAY ||
        ff_kind(a->data) == FF_BUFFER) {
        (void)ff_bytes(a->data, &data, &length, NULL);
        a->bytes = data;
    }
    return true;
}

static int take_dtype(struct ff_value v, struct ff_ndarray *a)
{
    bool plain;
    int rc = ff_view_dtype(v, &a->dtype, &plain);
    a->plain = a->plain && plain;
    return rc;
}

/* _reconstruct(class, (0,), b"b") and the state (version, shape, dtype, fortran, data); the
 * version is missing from numpy's first years. */
static int from_state(const struct ff_form *f, struct ff_ndarray *a)
{
    struct ff_value kind = ff_form_arg(f, 0);
    size_t first = ff_length(f->state) == 5 ? 1 : 0;
    const char *name;
    int fortran, rc;
    if (f->instance || f->arg_count != 3 || f->list_items.doc || f->dict_items.doc ||
        ff_kind(kind) != FF_GLOBAL || ff_kind(f->state) != FF_TUPLE ||
        (ff_length(f->state) != 4 && ff_length(f->state) != 5) ||
        !ff_view_shape(item(f->state, first), &a->ndim, a->shape)) {
        return 1;
    }
    if (ff_boolean(item(f->state, first + 2), &fortran, NULL)) {
        int64_t number;
        if (!ff_form_int(item(f->state, first + 2), 0, 1, &number)) {
            return 1;
        }
        fortran = (int)number;
    }
    name = ff_class_name(f->self);
    if (strncmp(name, "numpy.", 6) != 0) {
        return 1;
    }
    a->plain = strcmp(name, "numpy.ndarray") == 0;
    a->data = item(f->state, first + 3);
    rc = take_dtype(item(f->state, first + 1), a);
    return rc ? rc : lay_out(a, fortran) ? 0 : 1;
}

/* The axes of an array that lies in C order in another order of its axes. */
static bool permute(struct ff_value order, struct ff_ndarray *a)
{
    int64_t shape[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    uint64_t seen = 0;
    if (ff_kind(order) != FF_TUPLE || ff_length(order) != (size_t)a->ndim) {
        return false;
    }
    for (int32_t i = 0; i < a->ndim; i++) {
        int64_t axis;
        if (!ff_form_int(item(order, (size_t)i), 0, a->ndim - 1, &axis) ||
            (seen & (uint64_t)1 << axis)) {
            return false;
        }
        seen |= (uint64_t)1 << axis;
        shape[i] = a->shape[axis];
        strides[i] = a->strides[axis];
    }
    memcpy(a->shape, shape, sizeof shape[0] * (size_t)a->ndim);
    memcpy(a->strides, strides, sizeof strides[0] * (size_t)a->ndim);
    return true;
}

/* _frombuffer(data, dtype, shape, "C" | "F" | "K", axes) */
static int from_buffer(const struct ff_form *f, struct ff_ndarray *a)
{
    const char *order;
    size_t size;
    int rc;
    if (!ff_form_is_call(f) || f->arg_count < 4 || f->arg_count > 5 ||
        ff_str(ff_form_arg(f, 3), &order, &size, NULL) || size != 1 || !*order ||
        !strchr("CFK", *order) || !ff_view_shape(ff_form_arg(f, 2), &a->ndim, a->shape)) {
        return 1;
    }
    a->data = ff_form_arg(f, 0);
    rc = take_dtype(ff_form_arg(f, 1), a);
    if (rc || !lay_out(a, *order == 'F')) {
        return rc ? rc : 1;
    }
    if (*order == 'K') {
        a->plain = false;
        return permute(ff_form_arg(f, 4), a) ? 0 : 1;
    }
    return f->arg_count == 4 || ff_kind(ff_form_arg(f, 4)) == FF_NONE ? 0 : 1;
}

static int from_scalar(const struct ff_form *f, struct ff_ndarray *a)
{
    int rc;
    if (!ff_form_is_call(f) || f->arg_count != 2) {
        return 1;
    }
    a->data = ff_form_arg(f, 1);
    rc = take_dtype(ff_form_arg(f, 0), a);
    return rc ? rc : lay_out(a, false) ? 0 : 1;
}

static int parse(const struct ff_form *f, struct ff_ndarray *a)
{
    const char *function = strrchr(f->name, '.');
    struct ff_buf text;
    int rc = 1;
    memset(a, 0, sizeof *a);
    a->plain = true;
    a->view = FF_VIEW_NDARRAY;
    if (strcmp(function, "._reconstruct") == 0) {
        rc = from_state(f, a);
    } else if (strcmp(function, "._frombuffer") == 0) {
        rc = from_buffer(f, a);
    } else if (strcmp(function, ".scalar") == 0) {
        a->view = FF_VIEW_SCALAR;
        rc = from_scalar(f, a);
    } else if (strncmp(f->name, "array.", 6) == 0) {
        rc = ff_array_form(f, a);
    }
    if (!rc && a->dtype->structured) { /* not all have a description */
        ff_buf_init(&text, FF_DTYPE_MAX_TEXT_BYTES);
        rc = ff_dtype_print(a->dtype, FF_DTYPE_PLAIN, &text);
        ff_buf_free(&text);
    }
    if (rc) {
        ff_ndarray_clear(a);
    }
    return rc == 0 || rc == -ENOMEM ? rc : 1;
}

void ff_ndarray_clear(struct ff_ndarray *a)
{
    ff_dtype_free(a->dtype);
    a->dtype = NULL;
}

int ff_view_ndarray(struct ff_value v, struct ff_ndarray *out)
{
    struct ff_form f;
    if (!ff_form_of(v, &f) ||
        (strncmp(f.name, "numpy.", 6) != 0 && strncmp(f.name, "array.", 6) != 0)) {
        return 1;
    }
    return parse(&f, out);
}

void ff_ndarray_bytes(const struct ff_ndarray *a, uint8_t *out, size_t size)
{
    if (ff_kind(a->data) == FF_LIST) {
        ff_array_numbers(a, out, size);
    } else {
        (void)ff_view_payload(a->data, out, size);
    }
}

static bool fits(const struct ff_form *f, int view)
{
    struct ff_ndarray a;
    bool ok = parse(f, &a) == 0 && a.view == view;
    ff_ndarray_clear(&a);
    return ok;
}

bool ff_form_is_ndarray(const struct ff_form *f)
{
    return fits(f, FF_VIEW_NDARRAY);
}

bool ff_form_is_array(const struct ff_form *f)
{
    return fits(f, FF_VIEW_ARRAY);
}

bool ff_form_is_scalar(const struct ff_form *f)
{
    return fits(f, FF_VIEW_SCALAR);
}

/* ---- as an array of the library ---- */

static struct ff_array *no_memory(struct ff_error *e)
{
    (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    return NULL;
}

static struct ff_array *make(const struct ff_ndarray *a, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = a->ndim,
                                .shape = a->shape,
                                .strides = a->strides,
                                .data = a->bytes};
    struct ff_array *made;
    struct ff_buf descr;
    if (!a->bytes) {
        p.ctx = ff_malloc((size_t)a->size_bytes);
        if (!p.ctx) {
            return no_memory(e);
        }
        ff_ndarray_bytes(a, p.ctx, (size_t)a->size_bytes);
        p.data = p.ctx;
        p.release = ff_free;
    }
    ff_buf_init(&descr, FF_DTYPE_MAX_TEXT_BYTES);
    if (ff_dtype_print(a->dtype, FF_DTYPE_PLAIN, &descr)) {
        ff_buf_free(&descr);
        ff_free(p.ctx);
        return no_memory(e);
    }
    p.descr = ff_buf_text(&descr);
    made = ff_array_new(&p, e);
    ff_buf_free(&descr);
    return made;
}

const struct ff_array *ff_view_array(struct ff_value v, struct ff_error *e)
{
    const struct ff_array *kept;
    struct ff_array *made;
    struct ff_ndarray a;
    int rc;
    if (e && e->code) {
        return NULL;
    }
    kept = v.doc ? ff_doc_kept_array(v.doc, v.cell) : NULL;
    if (kept) {
        return kept;
    }
    rc = ff_view_ndarray(v, &a);
    if (rc) {
        (void)ff_fail(e, rc < 0 ? FF_E_NO_MEMORY : FF_E_TYPE, NULL, "%s",
                      rc < 0 ? "out of memory"
                             : "the object is no array that is understood");
        return NULL;
    }
    made = make(&a, e);
    ff_ndarray_clear(&a);
    if (!made) {
        return NULL;
    }
    ff_array_set_home(made, ff_doc_mutable(v.doc));
    kept = ff_doc_keep_array(v.doc, v.cell, made);
    return kept ? kept : no_memory(e);
}
