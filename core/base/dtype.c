/* SPDX-License-Identifier: Apache-2.0 */
/* dtype.c: the tree: building, comparing, byte order. Recursion is bounded: no tree is
 * deeper than FF_DTYPE_MAX_DEPTH. */
#include "dtype.h"

#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "checked.h"

enum { FIELDS_MAX = 65536 };

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
static const char native_order = '<';
#else
static const char native_order = '>';
#endif

static bool size_fits(char kind, uint64_t bytes)
{
    switch (kind) {
    case 'b':
        return bytes == 1;
    case 'i':
    case 'u':
        return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
    case 'f':
        return bytes == 2 || bytes == 4 || bytes == 8 || bytes == 16;
    case 'c':
        return bytes == 8 || bytes == 16 || bytes == 32;
    case 'M':
    case 'm':
        return bytes == 8;
    case 'U':
        return bytes % 4 == 0;
    case 'S':
    case 'V':
        return true;
    default:
        return false;
    }
}

static bool has_order(char kind, uint64_t element_bytes)
{
    return kind == 'U' || (element_bytes > 1 && strchr("iufcMm", kind));
}

int ff_dtype_new(char kind, char byte_order, uint64_t element_bytes,
                 struct ff_dtype **out)
{
    struct ff_dtype *d;

    *out = NULL;
    if (!strchr("<>=|", byte_order) || !byte_order || !size_fits(kind, element_bytes)) {
        return -EINVAL;
    }
    if (element_bytes > FF_DTYPE_MAX_ITEM_BYTES) {
        return -EOVERFLOW;
    }
    d = ff_calloc(1, sizeof *d);
    if (!d) {
        return -ENOMEM;
    }
    d->kind = kind;
    d->unit_multiplier = 1;
    d->element_bytes = d->item_bytes = element_bytes;
    d->byte_order = byte_order == '<' || byte_order == '>' ? byte_order : native_order;
    d->byte_order = has_order(kind, element_bytes) ? d->byte_order : '|';
    *out = d;
    return 0;
}

int ff_dtype_set_unit(struct ff_dtype *d, const char *unit, uint32_t multiplier)
{
    static const char units[][4] = {"",  "Y",  "M",  "W",  "D",  "h",  "m",
                                    "s", "ms", "us", "ns", "ps", "fs", "as"};

    if ((d->kind != 'M' && d->kind != 'm') || multiplier == 0 || multiplier > INT32_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i]) == 0) {
            memcpy(d->unit, units[i], sizeof units[i]);
            d->unit_multiplier = multiplier;
            return 0;
        }
    }
    return -EINVAL;
}

int ff_dtype_new_struct(uint64_t element_bytes, struct ff_dtype **out)
{
    int rc = ff_dtype_new('V', '|', element_bytes, out);

    if (rc == 0) {
        (*out)->structured = true;
        (*out)->depth = 1;
    }
    return rc;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Names and titles are keys of one dictionary in numpy. */
static bool has_key(const struct ff_dtype *d, const char *key)
{
    for (size_t i = 0; i < d->field_count; i++) {
        if (strcmp(d->fields[i].name, key) == 0 || same_text(d->fields[i].title, key)) {
            return true;
        }
    }
    return false;
}

static int check_field(const struct ff_dtype *d, const char *name, const char *title,
                       uint64_t offset_bytes, const struct ff_dtype *type)
{
    uint64_t end;

    if (!d->structured || d->ndim > 0 || has_key(d, name) || same_text(name, title) ||
        (title && has_key(d, title)) ||
        !ff_add_u64(offset_bytes, type->item_bytes, &end) || end > d->element_bytes) {
        return -EINVAL;
    }
    if (type->depth >= FF_DTYPE_MAX_DEPTH || d->field_count >= FIELDS_MAX) {
        return -E2BIG;
    }
    return 0;
}

static void field_clear(struct ff_dtype_field *f)
{
    ff_free(f->name);
    ff_free(f->title);
    ff_dtype_free(f->type);
}

/* Room for one more; the array grows at each power of two. */
static int reserve_field(struct ff_dtype *d)
{
    size_t count = d->field_count;
    struct ff_dtype_field *fields = d->fields;

    if ((count & (count - 1)) == 0) {
        fields = ff_realloc_array(d->fields, count ? 2 * count : 1, sizeof *fields);
        if (!fields) {
            return -ENOMEM;
        }
        d->fields = fields;
    }
    return 0;
}

int ff_dtype_add_field(struct ff_dtype *d, const char *name, const char *title,
                       uint64_t offset_bytes, struct ff_dtype *type)
{
    struct ff_dtype_field f = {.offset_bytes = offset_bytes, .type = type};
    int rc = check_field(d, name, title, offset_bytes, type);

    if (rc == 0) {
        f.name = ff_strdup(name);
        f.title = title ? ff_strdup(title) : NULL;
        rc = !f.name || (title && !f.title) ? -ENOMEM : reserve_field(d);
    }
    if (rc < 0) {
        field_clear(&f);
        return rc;
    }
    d->fields[d->field_count++] = f;
    d->depth = type->depth >= d->depth ? type->depth + 1 : d->depth;
    return 0;
}

int ff_dtype_set_shape(struct ff_dtype *d, size_t ndim, const int64_t *shape)
{
    uint64_t item_bytes;
    int64_t *joined;

    if (ndim == 0) {
        return 0;
    }
    if (ndim > FF_DTYPE_MAX_NDIM - d->ndim) {
        return -E2BIG;
    }
    if (!ff_product(ndim, shape, d->item_bytes, &item_bytes) ||
        item_bytes > FF_DTYPE_MAX_ITEM_BYTES) {
        return -EOVERFLOW;
    }
    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] > INT32_MAX) {
            return -EOVERFLOW;
        }
    }
    joined = ff_realloc_array(NULL, ndim + d->ndim, sizeof *joined);
    if (!joined) {
        return -ENOMEM;
    }
    memcpy(joined, shape, ndim * sizeof *joined);
    if (d->ndim) {
        memcpy(joined + ndim, d->shape, d->ndim * sizeof *joined);
    }
    ff_free(d->shape);
    d->shape = joined;
    d->ndim += (uint32_t)ndim;
    d->item_bytes = item_bytes;
    return 0;
}

static int clone_fields(const struct ff_dtype *d, struct ff_dtype *copy)
{
    int rc = 0;

    for (size_t i = 0; i < d->field_count && rc == 0; i++) {
        const struct ff_dtype_field *f = &d->fields[i];
        struct ff_dtype *type;

        rc = ff_dtype_clone(f->type, &type);
        if (rc == 0) {
            rc = ff_dtype_add_field(copy, f->name, f->title, f->offset_bytes, type);
        }
    }
    return rc;
}

int ff_dtype_clone(const struct ff_dtype *d, struct ff_dtype **out)
{
    struct ff_dtype *copy = ff_calloc(1, sizeof *copy);
    int rc = -ENOMEM;

    *out = NULL;
    if (copy) {
        *copy = *d;
        copy->shape = NULL;
        copy->fields = NULL;
        copy->field_count = 0;
        copy->ndim = 0;
        copy->item_bytes = d->element_bytes;
        rc = clone_fields(d, copy);
    }
    if (rc == 0) {
        rc = ff_dtype_set_shape(copy, d->ndim, d->shape);
    }
    if (rc < 0) {
        ff_dtype_free(copy);
        return rc;
    }
    *out = copy;
    return 0;
}

void ff_dtype_free(struct ff_dtype *d)
{
    if (!d) {
        return;
    }
    for (size_t i = 0; i < d->field_count; i++) {
        field_clear(&d->fields[i]);
    }
    ff_free(d->fields);
    ff_free(d->shape);
    ff_free(d);
}

bool ff_dtype_equal(const struct ff_dtype *a, const struct ff_dtype *b)
{
    if (a->kind != b->kind || a->byte_order != b->byte_order ||
        strcmp(a->unit, b->unit) || a->unit_multiplier != b->unit_multiplier ||
        a->element_bytes != b->element_bytes || a->structured != b->structured ||
        a->field_count != b->field_count || a->ndim != b->ndim ||
        (a->ndim && memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape))) {
        return false;
    }
    for (size_t i = 0; i < a->field_count; i++) {
        const struct ff_dtype_field *f = &a->fields[i], *g = &b->fields[i];

        if (f->offset_bytes != g->offset_bytes || strcmp(f->name, g->name) ||
            !same_text(f->title, g->title) || !ff_dtype_equal(f->type, g->type)) {
            return false;
        }
    }
    return true;
}

bool ff_dtype_is_native(const struct ff_dtype *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        if (!ff_dtype_is_native(d->fields[i].type)) {
            return false;
        }
    }
    return d->byte_order == '|' || d->byte_order == native_order;
}

void ff_dtype_make_native(struct ff_dtype *d)
{
    for (size_t i = 0; i < d->field_count; i++) {
        ff_dtype_make_native(d->fields[i].type);
    }
    d->byte_order = d->byte_order == '|' ? '|' : native_order;
}
