/* SPDX-License-Identifier: Apache-2.0 */
/* types3.c: format 3's data types, as zarr-python names them (zarr/core/dtype/npy). Those that
 * numpy does not have (bfloat16 ...) are bytes. Recursion is bounded by FF_DTYPE_MAX_DEPTH.
 */
#include "zarr/zarr.h"

#include <errno.h>
#include <stdlib.h>

#include "core/base/buf.h"

static const struct {
    const char *name;
    char kind;
    uint8_t size_bytes;
} simple[] = {
    {"bool", 'b', 1},
    {"int8", 'i', 1},
    {"int16", 'i', 2},
    {"int32", 'i', 4},
    {"int64", 'i', 8},
    {"uint8", 'u', 1},
    {"uint16", 'u', 2},
    {"uint32", 'u', 4},
    {"uint64", 'u', 8},
    {"float16", 'f', 2},
    {"float32", 'f', 4},
    {"float64", 'f', 8},
    {"complex64", 'c', 8},
    {"complex128", 'c', 16},
    {"complex_float32", 'c', 8},
    {"complex_float64", 'c', 16},
    {"bfloat16", 'V', 2},
    {"float8_e4m3", 'V', 1},
    {"float8_e5m2", 'V', 1},
    {"float8_e4m3fn", 'V', 1},
    {"float8_e3m4", 'V', 1},
    {"float8_e4m3fnuz", 'V', 1},
    {"float8_e5m2fnuz", 'V', 1},
    {"float8_e4m3b11fnuz", 'V', 1},
};

static const struct {
    const char *name;
    char kind;
} sized[] = {
    {"fixed_length_utf32", 'U'},
    {"null_terminated_bytes", 'S'},
    {"raw_bytes", 'V'},
};

struct typing {
    const struct zarr_reader *r;
    bool vlen; /* met a type of variable length */
};

static int refused(const struct typing *t, const char *name, const char *what)
{
    return ff_fail(t->r->error, FF_E_UNSUPPORTED, t->r->place, "its data type '%.60s' %s",
                   name, what);
}

static int made(const struct typing *t, int rc)
{
    return rc == 0 ? FF_OK
           : rc == -ENOMEM
               ? ff_fail(t->r->error, FF_E_NO_MEMORY, t->r->place, "out of memory")
               : zarr_damaged(t->r, "data_type");
}

static int read_simple(const struct typing *t, const char *name, struct ff_dtype **out)
{
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (strcmp(name, simple[i].name) == 0) {
            return made(t, ff_dtype_new(simple[i].kind, '<', simple[i].size_bytes, out));
        }
    }
    if (name[0] == 'r' && name[1] >= '1' && name[1] <= '9') { /* r24 */
        char *end;
        unsigned long bits = strtoul(name + 1, &end, 10);

        if (*end == '\0' && bits % 8 == 0 && bits / 8 <= FF_DTYPE_MAX_ITEM_BYTES) {
            return made(t, ff_dtype_new('V', '|', bits / 8, out));
        }
    }
    return refused(t, name, "is not known here");
}

static int read_sized(const struct typing *t, char kind, struct ff_value config,
                      struct ff_dtype **out)
{
    int64_t size;
    int rc = zarr_int(t->r, zarr_get(t->r, config, "length_bytes"), "length_bytes", 0,
                      FF_DTYPE_MAX_ITEM_BYTES, &size);

    return rc ? rc : made(t, ff_dtype_new(kind, '<', (uint64_t)size, out));
}

static int read_time(const struct typing *t, char kind, struct ff_value config,
                     struct ff_dtype **out)
{
    char unit[16];
    int64_t scale;
    int rc = zarr_text(t->r, zarr_get(t->r, config, "unit"), "unit", unit, sizeof unit);

    rc = rc ? rc : zarr_int_or(t->r, config, "scale_factor", 1, INT32_MAX, 1, &scale);
    rc = rc ? rc : made(t, ff_dtype_new(kind, '<', 8, out));
    if (rc == FF_OK && strcmp(unit, "generic") != 0) {
        rc = made(t, ff_dtype_set_unit(*out, strcmp(unit, "\xce\xbcs") == 0 ? "us" : unit,
                                       (uint32_t)scale));
        if (rc) {
            ff_dtype_free(*out);
        }
    }
    return rc;
}

static int read_type(struct typing *, struct ff_value, unsigned depth,
                     struct ff_dtype **out);

/* [name, type], or {"name": ..., "data_type": ...} */
static int read_field(struct typing *t, struct ff_value field, unsigned depth, char *name,
                      size_t size, struct ff_dtype **type)
{
    const struct ff_values *v = t->r->values;
    struct ff_value key, first = {NULL, 0}, second = {NULL, 0};
    int rc = FF_OK;

    if (v->kind(field) == FF_LIST && v->length(field) == 2) {
        rc = v->item(field, 0, &key, &first, t->r->error);
        rc = rc ? rc : v->item(field, 1, &key, &second, t->r->error);
    } else {
        first = zarr_get(t->r, field, "name");
        second = zarr_get(t->r, field, "data_type");
    }
    rc = rc ? rc : zarr_text(t->r, first, "a field's name", name, size);
    return rc ? rc : read_type(t, second, depth + 1, type);
}

static int add_field(const struct typing *t, const char *name, struct ff_dtype *type,
                     struct ff_dtype **whole)
{
    struct ff_dtype *larger;
    uint64_t offset = (*whole)->element_bytes;
    int rc = made(t, ff_dtype_new_struct(offset + type->item_bytes, &larger));

    for (size_t i = 0; rc == FF_OK && i < (*whole)->field_count; i++) {
        const struct ff_dtype_field *f = &(*whole)->fields[i];
        struct ff_dtype *copy;

        rc = made(t, ff_dtype_clone(f->type, &copy));
        rc = rc ? rc
                : made(t,
                       ff_dtype_add_field(larger, f->name, NULL, f->offset_bytes, copy));
    }
    if (rc) {
        ff_dtype_free(type);
        ff_dtype_free(larger);
        return rc;
    }
    rc = made(t, ff_dtype_add_field(larger, name, NULL, offset, type));
    ff_dtype_free(*whole);
    *whole = larger;
    return rc;
}

/* Packed, one behind the other. */
static int read_struct(struct typing *t, struct ff_value config, unsigned depth,
                       struct ff_dtype **out)
{
    const struct ff_values *v = t->r->values;
    struct ff_value fields = zarr_get(t->r, config, "fields");
    int rc = v->kind(fields) == FF_LIST && depth < FF_DTYPE_MAX_DEPTH &&
                     v->length(fields) <= 4096
                 ? made(t, ff_dtype_new_struct(0, out))
                 : zarr_damaged(t->r, "a structured data_type");

    if (rc) {
        return rc;
    }
    for (size_t i = 0; rc == FF_OK && i < v->length(fields); i++) {
        struct ff_value key, field;
        struct ff_dtype *type = NULL;
        char name[256];

        rc = v->item(fields, i, &key, &field, t->r->error);
        rc = rc ? rc : read_field(t, field, depth, name, sizeof name, &type);
        rc = rc ? rc : add_field(t, name, type, out);
    }
    if (rc) {
        ff_dtype_free(*out);
        *out = NULL;
    }
    return rc;
}

static int read_type(struct typing *t, struct ff_value value, unsigned depth,
                     struct ff_dtype **out)
{
    struct ff_value config;
    char name[64];
    int rc = zarr_extension(t->r, value, "data_type", name, sizeof name, &config);

    *out = NULL;
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < sizeof sized / sizeof sized[0]; i++) {
        if (strcmp(name, sized[i].name) == 0) {
            return read_sized(t, sized[i].kind, config, out);
        }
    }
    if (strcmp(name, "numpy.datetime64") == 0 || strcmp(name, "numpy.timedelta64") == 0) {
        return read_time(t, name[6] == 'd' ? 'M' : 'm', config, out);
    }
    if (strcmp(name, "struct") == 0 || strcmp(name, "structured") == 0) {
        return read_struct(t, config, depth, out);
    }
    if (strcmp(name, "string") == 0 || strcmp(name, "variable_length_utf8") == 0 ||
        strcmp(name, "bytes") == 0 || strcmp(name, "variable_length_bytes") == 0) {
        t->vlen = true;
        return depth ? refused(t, name, "in a struct is not known here")
                     : made(t, ff_dtype_new('V', '|', 1, out));
    }
    return read_simple(t, name, out);
}

int zarr_type3_read(const struct zarr_reader *r, struct ff_value value,
                    struct zarr_meta *out)
{
    struct typing t = {r, false};
    int rc = read_type(&t, value, 0, &out->dtype);

    if (rc == FF_OK && out->dtype->item_bytes == 0) {
        rc = ff_fail(r->error, FF_E_UNSUPPORTED, r->place, "elements of no bytes");
    }
    return rc;
}

void zarr_type_big_endian(struct ff_dtype *d)
{
    if (d->byte_order == '<') {
        d->byte_order = '>';
    }
    for (size_t i = 0; i < d->field_count; i++) {
        zarr_type_big_endian(d->fields[i].type);
    }
}

/* ---- writing ---- */

static int print_time(const struct ff_dtype *d, struct ff_buf *out)
{
    return ff_buf_printf(out,
                         "{\"name\": \"numpy.%s\", \"configuration\": {\"unit\": \"%s\", "
                         "\"scale_factor\": %u}}",
                         d->kind == 'M' ? "datetime64" : "timedelta64",
                         d->unit[0] ? d->unit : "generic", (unsigned)d->unit_multiplier);
}

static int print_text(const char *text, struct ff_buf *out)
{
    int rc = ff_buf_append_byte(out, '"');

    for (; rc == 0 && *text; text++) {
        rc = (unsigned char)*text < 0x20     ? ff_buf_printf(out, "\\u%04x", *text)
             : *text == '"' || *text == '\\' ? ff_buf_printf(out, "\\%c", *text)
                                             : ff_buf_append_byte(out, (uint8_t)*text);
    }
    return rc ? rc : ff_buf_append_byte(out, '"');
}

/* As zarr-python 3.1 spells it; 3.4 reads it too. */
static int print_struct(const struct ff_dtype *d, struct ff_buf *out)
{
    uint64_t offset = 0;
    int rc = ff_buf_append_text(
        out, "{\"name\": \"structured\", \"configuration\": {\"fields\": [");

    for (size_t i = 0; rc == 0 && i < d->field_count; i++) {
        const struct ff_dtype_field *f = &d->fields[i];

        if (f->offset_bytes != offset || f->title || f->type->structured) {
            return -EOPNOTSUPP;
        }
        offset += f->type->item_bytes;
        rc = ff_buf_append_text(out, i ? ", [" : "[");
        rc = rc ? rc : print_text(f->name, out);
        rc = rc ? rc : ff_buf_append_text(out, ", ");
        rc = rc ? rc : zarr_type3_print(f->type, out);
        rc = rc ? rc : ff_buf_append_byte(out, ']');
    }
    if (rc == 0 && offset != d->element_bytes) {
        return -EOPNOTSUPP; /* padding */
    }
    return rc ? rc : ff_buf_append_text(out, "]}}");
}

int zarr_type3_print(const struct ff_dtype *d, struct ff_buf *out)
{
    if (d->ndim) {
        return -EOPNOTSUPP;
    }
    if (d->structured) {
        return print_struct(d, out);
    }
    if (d->kind == 'M' || d->kind == 'm') {
        return print_time(d, out);
    }
    for (size_t i = 0; i < sizeof sized / sizeof sized[0]; i++) {
        if (d->kind == sized[i].kind) {
            return ff_buf_printf(
                out, "{\"name\": \"%s\", \"configuration\": {\"length_bytes\": %llu}}",
                sized[i].name, (unsigned long long)d->item_bytes);
        }
    }
    for (size_t i = 0; i < sizeof simple / sizeof simple[0]; i++) {
        if (d->kind == simple[i].kind && d->item_bytes == simple[i].size_bytes) {
            return ff_buf_printf(out, "\"%s\"", simple[i].name);
        }
    }
    return -EOPNOTSUPP;
}
