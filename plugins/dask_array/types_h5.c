/* SPDX-License-Identifier: Apache-2.0 */
/* types_h5.c: libhdf5's types for numpy's, as h5py makes them (h5py/h5t.pyx, py_create). The
 * caller holds the lock group. Recursion is bounded by FF_DTYPE_MAX_DEPTH.
 */
#include "hdf.h"

#include <float.h>
#include <hdf5.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"

static bool is_x87(void)
{
    return sizeof(long double) == 16 && LDBL_MANT_DIG == 64;
}

bool hdf_dtype_storable(const struct ff_dtype *d)
{
    bool wide = (d->kind == 'f' && d->element_bytes == 16) || d->element_bytes == 0 ||
                (d->kind == 'c' && d->element_bytes == 32);

    if (d->item_bytes == 0 || (wide && (!is_x87() || d->byte_order != '<'))) {
        return false;
    }
    for (size_t i = 0; i < d->field_count; i++) {
        if (!hdf_dtype_storable(d->fields[i].type)) {
            return false;
        }
    }
    return !d->structured || d->field_count > 0;
}

bool hdf_dtype_has_text(const struct ff_dtype *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        if (hdf_dtype_has_text(d->fields[i].type)) {
            return true;
        }
    }
    return d->kind == 'U';
}

static hid_t make_integer(const struct ff_dtype *d)
{
    hid_t type = H5Tcopy(d->kind == 'i' ? H5T_STD_I8LE : H5T_STD_U8LE);

    if (type >= 0 && H5Tset_size(type, d->element_bytes) >= 0 &&
        H5Tset_precision(type, 8 * d->element_bytes) >= 0 &&
        H5Tset_order(type, d->byte_order == '>' ? H5T_ORDER_BE : H5T_ORDER_LE) >= 0) {
        return type;
    }
    (void)H5Tclose(type);
    return -1;
}

static hid_t make_half(void)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32LE);

    if (type >= 0 && H5Tset_fields(type, 15, 10, 5, 0, 10) >= 0 &&
        H5Tset_size(type, 2) >= 0 && H5Tset_ebias(type, 15) >= 0) {
        return type;
    }
    (void)H5Tclose(type);
    return -1;
}

static hid_t make_float(uint64_t size_bytes, char byte_order)
{
    hid_t type = size_bytes == 2   ? make_half()
                 : size_bytes == 4 ? H5Tcopy(H5T_IEEE_F32LE)
                 : size_bytes == 8 ? H5Tcopy(H5T_IEEE_F64LE)
                                   : H5Tcopy(H5T_NATIVE_LDOUBLE);

    if (type >= 0 && byte_order == '>' && H5Tset_order(type, H5T_ORDER_BE) < 0) {
        (void)H5Tclose(type);
        type = -1;
    }
    return type;
}

static hid_t make_bool(void)
{
    static const int8_t no = 0, yes = 1;
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);

    if (type >= 0 && H5Tenum_insert(type, "FALSE", &no) >= 0 &&
        H5Tenum_insert(type, "TRUE", &yes) >= 0) {
        return type;
    }
    (void)H5Tclose(type);
    return -1;
}

static hid_t make_complex(const struct ff_dtype *d)
{
    uint64_t half = d->element_bytes / 2;
    hid_t part = make_float(half, d->byte_order);
    hid_t type = part >= 0 ? H5Tcreate(H5T_COMPOUND, d->element_bytes) : -1;
    bool ok = type >= 0 && H5Tinsert(type, "r", 0, part) >= 0 &&
              H5Tinsert(type, "i", half, part) >= 0;

    (void)H5Tclose(part);
    if (!ok) {
        (void)H5Tclose(type);
    }
    return ok ? type : -1;
}

static hid_t make_string(const struct ff_dtype *d)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && H5Tset_size(type, d->element_bytes) >= 0 &&
        H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0) {
        return type;
    }
    (void)H5Tclose(type);
    return -1;
}

/* M, m and U: h5py.opaque_dtype, which h5py reads back as the dtype in the tag. */
static hid_t make_opaque(const struct ff_dtype *d)
{
    struct ff_dtype plain = *d;
    struct ff_buf text;
    hid_t type = H5Tcreate(H5T_OPAQUE, d->element_bytes);
    bool ok = type >= 0;

    ff_buf_init(&text, 256);
    plain.ndim = 0;
    plain.item_bytes = d->element_bytes;
    if (ok && d->kind != 'V') {
        ok = ff_buf_append_text(&text, "NUMPY:") == 0 &&
             ff_dtype_print(&plain, FF_DTYPE_PLAIN, &text) == 0 &&
             H5Tset_tag(type, ff_buf_text(&text)) >= 0;
    }
    ff_buf_free(&text);
    if (!ok) {
        (void)H5Tclose(type);
    }
    return ok ? type : -1;
}

static hid_t make_struct(const struct ff_dtype *d)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, d->element_bytes);
    bool ok = type >= 0;

    for (size_t i = 0; ok && i < d->field_count; i++) {
        hid_t member = hdf_dtype_make(d->fields[i].type);

        ok = member >= 0 &&
             H5Tinsert(type, d->fields[i].name, d->fields[i].offset_bytes, member) >= 0;
        (void)H5Tclose(member);
    }
    if (!ok) {
        (void)H5Tclose(type);
    }
    return ok ? type : -1;
}

static hid_t make_element(const struct ff_dtype *d)
{
    if (d->structured) {
        return make_struct(d);
    }
    switch (d->kind) {
    case 'b':
        return make_bool();
    case 'i':
    case 'u':
        return make_integer(d);
    case 'f':
        return make_float(d->element_bytes, d->byte_order);
    case 'c':
        return make_complex(d);
    case 'S':
        return make_string(d);
    default:
        return make_opaque(d);
    }
}

int64_t hdf_dtype_make(const struct ff_dtype *d)
{
    hsize_t shape[FF_DTYPE_MAX_NDIM];
    hid_t element = make_element(d), type;

    if (d->ndim == 0 || element < 0) {
        return element;
    }
    for (uint32_t i = 0; i < d->ndim; i++) {
        shape[i] = (hsize_t)d->shape[i];
    }
    type = H5Tarray_create2(element, d->ndim, shape);
    (void)H5Tclose(element);
    return type;
}
