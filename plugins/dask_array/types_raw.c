/* SPDX-License-Identifier: Apache-2.0 */
/* types_raw.c: a datatype message as numpy has it, by h5py's conventions (Specification
 * IV.A.2.d; h5py/h5t.pyx). Recursion is bounded by FF_DTYPE_MAX_DEPTH.
 */
#include "hdf.h"

#include <errno.h>

#include "core/base/alloc.h"

enum {
    CLASS_FIXED = 0,
    CLASS_FLOAT = 1,
    CLASS_STRING = 3,
    CLASS_OPAQUE = 5,
    CLASS_COMPOUND = 6,
    CLASS_ENUM = 8,
    CLASS_ARRAY = 10,
    MEMBERS_MAX = 4096
};

static const char *const class_names[] = {
    "a fixed-point number",
    "a floating-point number",
    "a time",
    "a string",
    "a bit field",
    "opaque bytes",
    "a compound",
    "a reference",
    "an enumeration",
    "variable-length elements",
    "an array",
    "a complex number",
};

struct decoder {
    const char *place;
    struct ff_error *error;
};

struct head {
    unsigned class, version;
    uint32_t bits;
    uint64_t size_bytes;
};

static int decode(const struct decoder *, struct hdf_cursor *, unsigned depth,
                  struct ff_dtype **);

static int refused(const struct decoder *d, const struct head *h, const char *what)
{
    const char *name = h->class < sizeof class_names / sizeof class_names[0]
                           ? class_names[h->class]
                           : "a datatype of the future";

    return ff_fail(d->error, FF_E_UNSUPPORTED, d->place,
                   "the elements are %s of %llu bytes (%s): numpy has no such dtype",
                   name, (unsigned long long)h->size_bytes, what);
}

static int corrupt(const struct decoder *d)
{
    return ff_fail(d->error, FF_E_CORRUPT, d->place, "damaged HDF5 file: a datatype");
}

/* What a function of dtype.h returned, as an error. */
static int check(const struct decoder *d, int rc)
{
    if (rc == -ENOMEM) {
        return ff_fail(d->error, FF_E_NO_MEMORY, d->place, "no memory for a dtype");
    }
    return rc < 0 ? corrupt(d) : FF_OK;
}

static int decode_fixed(const struct decoder *d, struct hdf_cursor *c,
                        const struct head *h, struct ff_dtype **out)
{
    unsigned offset = (unsigned)hdf_take(c, 2), precision = (unsigned)hdf_take(c, 2);
    uint64_t n = h->size_bytes;

    if (offset != 0 || precision != 8 * n || (n != 1 && n != 2 && n != 4 && n != 8)) {
        return refused(d, h, "packed bits");
    }
    return check(d,
                 ff_dtype_new(h->bits & 8 ? 'i' : 'u', h->bits & 1 ? '>' : '<', n, out));
}

/* offset, precision, place and size of exponent and mantissa, bias, place of the sign */
static bool float_is(const uint8_t *p, uint64_t n, uint32_t bits)
{
    static const uint8_t known[][14] = {
        {2, 0, 0, 16, 0, 10, 5, 0, 10, 15, 0, 0, 0, 15},
        {4, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0, 31},
        {8, 0, 0, 64, 0, 52, 11, 0, 52, 0xff, 3, 0, 0, 63},
        {16, 0, 0, 80, 0, 64, 15, 0, 64, 0xff, 0x3f, 0, 0, 79}, /* of the x87 */
    };

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (n == known[i][0] && memcmp(p, known[i] + 1, 12) == 0 &&
            (bits >> 8 & 0xff) == known[i][13] && !(bits & 0x40)) {
            return n != 16 || !(bits & 1);
        }
    }
    return false;
}

static int decode_float(const struct decoder *d, struct hdf_cursor *c,
                        const struct head *h, struct ff_dtype **out)
{
    const uint8_t *properties = hdf_take_bytes(c, 12);

    if (!properties) {
        return corrupt(d);
    }
    if (!float_is(properties, h->size_bytes, h->bits)) {
        return refused(d, h, "not an IEEE format");
    }
    return check(d, ff_dtype_new('f', h->bits & 1 ? '>' : '<', h->size_bytes, out));
}

/* h5py.opaque_dtype: the tag "NUMPY:<M8[ns]". */
static int decode_opaque(const struct decoder *d, struct hdf_cursor *c,
                         const struct head *h, struct ff_dtype **out)
{
    size_t tag_bytes = h->bits & 0xff;
    const uint8_t *tag = hdf_take_bytes(c, tag_bytes);
    size_t length = tag ? strnlen((const char *)tag, tag_bytes) : 0;

    if (!tag) {
        return corrupt(d);
    }
    if (length > 6 && memcmp(tag, "NUMPY:", 6) == 0 &&
        ff_dtype_parse((const char *)tag + 6, length - 6, out, NULL) == 0) {
        if ((*out)->item_bytes == h->size_bytes && strchr("MmU", (*out)->kind)) {
            return FF_OK;
        }
        ff_dtype_free(*out);
    }
    return check(d, ff_dtype_new('V', '|', h->size_bytes, out));
}

/* r and i of one float type: complex, as h5py has it. */
static bool is_complex(const struct ff_dtype *s)
{
    const struct ff_dtype_field *f = s->fields;

    return s->field_count == 2 && strcmp(f[0].name, "r") == 0 &&
           strcmp(f[1].name, "i") == 0 && f[0].type->kind == 'f' &&
           f[0].type->ndim == 0 && f[0].type->item_bytes >= 4 &&
           ff_dtype_equal(f[0].type, f[1].type) && f[0].offset_bytes == 0 &&
           f[1].offset_bytes == f[0].type->item_bytes &&
           s->element_bytes == 2 * f[0].type->item_bytes;
}

/* A name with its NUL; before version 3, padded to a multiple of 8. */
static const char *take_name(struct hdf_cursor *c, unsigned version)
{
    const char *name = (const char *)c->at;
    size_t length = c->bad ? 0 : strnlen(name, hdf_left(c));

    if (length == hdf_left(c)) {
        c->bad = true;
        return NULL;
    }
    length += 1;
    return hdf_take_bytes(c, version < 3 ? (length + 7) / 8 * 8 : length) ? name : NULL;
}

static unsigned offset_width(uint64_t size_bytes)
{
    unsigned width = 1;

    while (width < 4 && size_bytes >> (8 * width)) {
        width++;
    }
    return width;
}

static int decode_member(const struct decoder *d, struct hdf_cursor *c,
                         const struct head *h, unsigned depth, struct ff_dtype *s)
{
    const char *name = take_name(c, h->version);
    uint64_t offset = hdf_take(c, h->version < 3 ? 4 : offset_width(h->size_bytes));
    int64_t shape[4];
    size_t ndim = 0;
    struct ff_dtype *type = NULL;
    int rc;

    if (h->version == 1) { /* its own array notation */
        ndim = (size_t)hdf_take(c, 1);
        (void)hdf_take_bytes(c, 11);
        for (size_t i = 0; i < 4; i++) {
            shape[i] = (int64_t)hdf_take(c, 4);
        }
    }
    if (!name || c->bad || ndim > 4) {
        return corrupt(d);
    }
    rc = decode(d, c, depth + 1, &type);
    if (rc == FF_OK) {
        rc = check(d, ff_dtype_set_shape(type, ndim, shape));
        if (rc) {
            ff_dtype_free(type);
            return rc;
        }
        rc = check(d, ff_dtype_add_field(s, name, NULL, offset, type));
    }
    return rc;
}

static int decode_compound(const struct decoder *d, struct hdf_cursor *c,
                           const struct head *h, unsigned depth, struct ff_dtype **out)
{
    unsigned count = h->bits & 0xffff;
    struct ff_dtype *s = NULL;
    int rc = count > MEMBERS_MAX ? corrupt(d)
                                 : check(d, ff_dtype_new_struct(h->size_bytes, &s));

    for (unsigned i = 0; rc == FF_OK && i < count; i++) {
        rc = decode_member(d, c, h, depth, s);
    }
    if (rc == FF_OK && is_complex(s)) {
        rc = check(d,
                   ff_dtype_new('c', s->fields[0].type->byte_order, h->size_bytes, out));
        ff_dtype_free(s);
        return rc;
    }
    if (rc) {
        ff_dtype_free(s);
        return rc;
    }
    *out = s;
    return FF_OK;
}

/* FALSE = 0, TRUE = 1 of one byte: bool; any other: its integers. */
static int decode_enum(const struct decoder *d, struct hdf_cursor *c,
                       const struct head *h, unsigned depth, struct ff_dtype **out)
{
    unsigned count = h->bits & 0xffff;
    int rc = decode(d, c, depth + 1, out);
    bool boolean = rc == FF_OK && count == 2 && (*out)->item_bytes == 1;
    const uint8_t *values;

    for (unsigned i = 0; rc == FF_OK && i < count; i++) {
        const char *name = take_name(c, h->version);

        boolean = boolean && name && strcmp(name, i ? "TRUE" : "FALSE") == 0;
    }
    if (rc) {
        return rc;
    }
    values = hdf_take_bytes(c, count * (*out)->item_bytes);
    if (!values) {
        ff_dtype_free(*out);
        return corrupt(d);
    }
    if (boolean && values[0] == 0 && values[1] == 1) {
        ff_dtype_free(*out);
        return check(d, ff_dtype_new('b', '|', 1, out));
    }
    return FF_OK;
}

static int decode_array(const struct decoder *d, struct hdf_cursor *c,
                        const struct head *h, unsigned depth, struct ff_dtype **out)
{
    size_t ndim = (size_t)hdf_take(c, 1);
    int64_t shape[FF_MAX_NDIM];
    int rc;

    (void)hdf_take_bytes(c, h->version < 3 ? 3 : 0);
    for (size_t i = 0; i < ndim && i < FF_MAX_NDIM; i++) {
        shape[i] = (int64_t)hdf_take(c, 4);
    }
    (void)hdf_take_bytes(c, h->version < 3 ? 4 * (uint64_t)ndim : 0); /* permutations */
    if (c->bad || ndim == 0 || ndim > FF_MAX_NDIM) {
        return corrupt(d);
    }
    rc = decode(d, c, depth + 1, out);
    if (rc == FF_OK) {
        rc = check(d, ff_dtype_set_shape(*out, ndim, shape));
        if (rc) {
            ff_dtype_free(*out);
        }
    }
    return rc;
}

static int decode_class(const struct decoder *d, struct hdf_cursor *c,
                        const struct head *h, unsigned depth, struct ff_dtype **out)
{
    switch (h->class) {
    case CLASS_FIXED:
        return decode_fixed(d, c, h, out);
    case CLASS_FLOAT:
        return decode_float(d, c, h, out);
    case CLASS_STRING:
        return check(d, ff_dtype_new('S', '|', h->size_bytes, out));
    case CLASS_OPAQUE:
        return decode_opaque(d, c, h, out);
    case CLASS_COMPOUND:
        return decode_compound(d, c, h, depth, out);
    case CLASS_ENUM:
        return decode_enum(d, c, h, depth, out);
    case CLASS_ARRAY:
        return decode_array(d, c, h, depth, out);
    default:
        return refused(d, h, "not something of a fixed size by itself");
    }
}

static int decode(const struct decoder *d, struct hdf_cursor *c, unsigned depth,
                  struct ff_dtype **out)
{
    unsigned first = (unsigned)hdf_take(c, 1);
    struct head h = {first & 15, first >> 4, 0, 0};
    int rc;

    *out = NULL;
    h.bits = (uint32_t)hdf_take(c, 3);
    h.size_bytes = hdf_take(c, 4);
    if (c->bad || depth > FF_DTYPE_MAX_DEPTH || h.version < 1 || h.size_bytes == 0) {
        return corrupt(d);
    }
    rc = decode_class(d, c, &h, depth, out);
    if (rc == FF_OK && (c->bad || (*out)->item_bytes != h.size_bytes)) {
        ff_dtype_free(*out);
        rc = corrupt(d);
    }
    if (rc) {
        *out = NULL;
    }
    return rc;
}

int hdf_dtype_decode(struct hdf_cursor *c, const char *place, struct ff_dtype **out,
                     struct ff_error *e)
{
    struct decoder d = {place, e};

    return decode(&d, c, 0, out);
}
