/* SPDX-License-Identifier: Apache-2.0 */
/* views_array.c: array.array, and numpy's arrays of objects. Forms: array_array___reduce_ex__
 * and its table of machine formats in CPython's Modules/arraymodule.c; array_reduce of numpy's
 * multiarray/methods.c, which lists objects in C order whatever the array's order is. */
#include <string.h>

#include "core/base/checked.h"
#include "core/doc.h"
#include "core/views.h"

/* One character of a str. */
static char letter(struct ff_value v)
{
    const char *text;
    size_t size;
    return ff_kind(v) == FF_STR && ff_str(v, &text, &size, NULL) == FF_OK && size == 1
               ? *text
               : 0;
}

/* As numpy describes them; UTF-16 (18, 19) it cannot. */
static const char *const machine_format[] = {
    "|u1", "|i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">u4", "<i4", ">i4", "<u8",
    ">u8", "<i8", ">i8", "<f4", ">f4", "<f8", ">f8", NULL,  NULL,  "<U1", ">U1"};

static int set_dtype(const char *descr, struct ff_ndarray *a)
{
    return ff_dtype_parse(descr, strlen(descr), &a->dtype, NULL);
}

/* _array_reconstructor(array.array, type, machine format, bytes) */
static int from_machine(const struct ff_form *f, struct ff_ndarray *a)
{
    static const char types[] = "bBuwhHiIlLqQfd";
    int64_t format;
    char type = letter(ff_form_arg(f, 1));
    size_t size = ff_view_payload(ff_form_arg(f, 3), NULL, 0);
    int kind = ff_kind(ff_form_arg(f, 3)), rc;
    if (f->arg_count != 4 || !ff_form_is_global(ff_form_arg(f, 0), "array.array") ||
        !type || !strchr(types, type) ||
        !ff_form_int(ff_form_arg(f, 2), 0,
                     (int64_t)(sizeof machine_format / sizeof *machine_format) - 1,
                     &format) ||
        !machine_format[format] || kind == FF_STR || size == SIZE_MAX) {
        return 1;
    }
    rc = set_dtype(machine_format[format], a);
    if (rc || size % a->dtype->item_bytes != 0) {
        return rc ? rc : 1;
    }
    a->data = ff_form_arg(f, 3);
    a->shape[0] = (int64_t)(size / a->dtype->item_bytes);
    a->size_bytes = size;
    if (kind == FF_BYTES || kind == FF_BYTEARRAY) {
        const void *bytes = NULL;
        (void)ff_bytes(a->data, &bytes, &size, NULL);
        a->bytes = bytes;
    }
    return 0;
}

/* What the machine that wrote a list had is not said: long is taken as 8 bytes. */
static const struct {
    char type;
    const char *descr;
    int64_t min, max;
} number_types[] = {
    {'b', "|i1", INT8_MIN, INT8_MAX},
    {'B', "|u1", 0, UINT8_MAX},
    {'h', "<i2", INT16_MIN, INT16_MAX},
    {'H', "<u2", 0, UINT16_MAX},
    {'i', "<i4", INT32_MIN, INT32_MAX},
    {'I', "<u4", 0, UINT32_MAX},
    {'l', "<i8", INT64_MIN, INT64_MAX},
    {'L', "<u8", 0, -1},
    {'q', "<i8", INT64_MIN, INT64_MAX},
    {'Q', "<u8", 0, -1},
    {'f', "<f4", 0, 0},
    {'d', "<f8", 0, 0},
};

/* The number as its bytes, little endian. */
static bool encode(struct ff_value v, size_t type, uint8_t out[8])
{
    int64_t number;
    uint64_t bits;
    double real;
    float small;
    if (number_types[type].min == 0 && number_types[type].max == 0) {
        if (ff_kind(v) != FF_FLOAT || ff_real(v, &real, NULL)) {
            return false;
        }
        small = (float)real;
        memcpy(out, number_types[type].type == 'd' ? (void *)&real : (void *)&small,
               number_types[type].type == 'd' ? 8 : 4);
        return true;
    }
    if (number_types[type].max == -1) {
        if (ff_kind(v) != FF_INT || ff_uint64(v, &bits, NULL)) {
            return false;
        }
    } else if (ff_form_int(v, number_types[type].min, number_types[type].max, &number)) {
        bits = (uint64_t)number;
    } else {
        return false;
    }
    memcpy(out, &bits, 8);
    return true;
}

/* array.array(type, [numbers]): protocols 0 to 2, and Python 2. */
static int from_numbers(const struct ff_form *f, struct ff_ndarray *a)
{
    size_t type = 0;
    struct ff_value list = ff_form_arg(f, 1), item;
    char wanted = letter(ff_form_arg(f, 0));
    int rc;
    while (type < sizeof number_types / sizeof *number_types &&
           number_types[type].type != wanted) {
        type++;
    }
    if (f->arg_count != 2 || ff_kind(list) != FF_LIST ||
        type == sizeof number_types / sizeof *number_types) {
        return 1;
    }
    rc = set_dtype(number_types[type].descr, a);
    for (size_t i = 0; i < ff_length(list) && !rc; i++) {
        uint8_t bytes[8];
        (void)ff_item(list, i, NULL, &item, NULL);
        rc = encode(item, type, bytes) ? 0 : 1;
    }
    if (rc) {
        return rc;
    }
    a->data = list;
    a->shape[0] = (int64_t)ff_length(list);
    a->size_bytes = ff_length(list) * a->dtype->item_bytes;
    return 0;
}

void ff_array_numbers(const struct ff_ndarray *a, uint8_t *out, size_t size)
{
    size_t type = 0, width = (size_t)a->dtype->item_bytes, at = 0;
    while (number_types[type].descr[1] != a->dtype->kind ||
           number_types[type].descr[2] != (char)('0' + width)) {
        type++;
    }
    for (size_t i = 0; i < ff_length(a->data) && at + width <= size; i++, at += width) {
        uint8_t bytes[8];
        struct ff_value item = FF_NOTHING;
        (void)ff_item(a->data, i, NULL, &item, NULL);
        if (!encode(item, type, bytes)) {
            memset(bytes, 0, sizeof bytes);
        }
        memcpy(out + at, bytes, width);
    }
}

int ff_array_form(const struct ff_form *f, struct ff_ndarray *a)
{
    int rc;
    a->view = FF_VIEW_ARRAY;
    a->ndim = 1;
    if (!ff_form_is_call(f)) {
        return 1;
    }
    rc = strcmp(f->name, "array.array") == 0 ? from_numbers(f, a) : from_machine(f, a);
    if (!rc) {
        a->strides[0] = (int64_t)a->dtype->item_bytes;
    }
    return rc;
}

/* ---- arrays of objects ---- */

bool ff_view_shape(struct ff_value tuple, int32_t *ndim, int64_t *shape)
{
    if (ff_kind(tuple) != FF_TUPLE || ff_length(tuple) > FF_MAX_NDIM) {
        return false;
    }
    *ndim = (int32_t)ff_length(tuple);
    for (int32_t i = 0; i < *ndim; i++) {
        struct ff_value axis = FF_NOTHING;
        (void)ff_item(tuple, (size_t)i, NULL, &axis, NULL);
        if (!ff_form_int(axis, 0, INT64_MAX, &shape[i])) {
            return false;
        }
    }
    return true;
}

/* numpy.dtype("O8") or "O4", nothing more. */
static bool is_object_dtype(struct ff_value v)
{
    struct ff_form f;
    const char *text;
    size_t size;
    struct ff_value code;
    if (!ff_form_of(v, &f) || strcmp(f.name, "numpy.dtype") != 0) {
        return false;
    }
    code = ff_form_arg(&f, 0);
    return ff_kind(code) == FF_STR && ff_str(code, &text, &size, NULL) == FF_OK &&
           size <= 2 && size > 0 && text[0] == 'O';
}

static bool parse_objects(const struct ff_form *f, int32_t *ndim, int64_t *shape,
                          struct ff_value *items)
{
    struct ff_value part[5] = {FF_NOTHING};
    size_t count = ff_length(f->state);
    uint64_t total = 1;
    if (f->instance || f->arg_count != 3 || f->list_items.doc || f->dict_items.doc ||
        ff_kind(ff_form_arg(f, 0)) != FF_GLOBAL || ff_kind(f->state) != FF_TUPLE ||
        (count != 4 && count != 5) || strncmp(ff_class_name(f->self), "numpy.", 6) != 0) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        (void)ff_item(f->state, i, NULL, &part[i + 5 - count], NULL);
    }
    if (!ff_view_shape(part[1], ndim, shape) || !is_object_dtype(part[2]) ||
        ff_kind(part[4]) != FF_LIST) {
        return false;
    }
    for (int32_t i = 0; i < *ndim; i++) {
        if (!ff_mul_u64(total, (uint64_t)shape[i], &total)) {
            return false;
        }
    }
    *items = part[4];
    return ff_length(*items) == total;
}

bool ff_form_is_objects(const struct ff_form *f)
{
    int32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    struct ff_value items;
    return parse_objects(f, &ndim, shape, &items);
}

bool ff_view_objects(struct ff_value v, int32_t *ndim, int64_t *shape,
                     struct ff_value *items)
{
    struct ff_form f;
    return ff_view(v) == FF_VIEW_OBJECT_ARRAY && ff_form_of(v, &f) &&
           parse_objects(&f, ndim, shape, items);
}
