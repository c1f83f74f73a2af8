/* SPDX-License-Identifier: Apache-2.0 */
/* views_dtype.c: numpy.dtype objects as descriptions. Their state is that of numpy's
 * arraydescr_reduce (numpy/_core/src/multiarray/descriptor.c), versions 0 to 4. Recursion is
 * bounded by FF_DTYPE_MAX_DEPTH, work by NODES_MAX: types are shared, so a small stream can
 * spell a huge tree. */
#include "core/views.h"

#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/doc.h"

#define NODES_MAX 1024

/* Members of the state. */
enum { VERSION, ENDIAN, SUBARRAY, NAMES, FIELDS, ITEMSIZE, ALIGNMENT, FLAGS, METADATA };

#define FLAG_HAS_OBJECTS 0x01
#define FLAG_ALIGNED     0x80

struct walk {
    int left;   /* nodes that may still be made */
    bool plain; /* see ff_view_dtype */
};

static int parse(struct ff_value v, int depth, struct walk *w, struct ff_dtype **out);

static struct ff_value item(struct ff_value v, size_t i)
{
    struct ff_value found = {NULL, 0};
    (void)ff_item(v, i, NULL, &found, NULL);
    return found;
}

/* Version 2 has no flags, 1 has its names in the fields under -1, 0 no version either. */
static struct ff_value member(struct ff_value state, int which)
{
    size_t count = ff_length(state);
    struct ff_value fields;
    if (count >= 7) {
        return item(state, (size_t)which);
    }
    fields = item(state, count == 6 ? 3 : 2);
    switch (which) {
    case VERSION:
        return count == 6 ? item(state, 0) : FF_NOTHING;
    case ENDIAN:
    case SUBARRAY:
        return item(state, (size_t)which - (count == 5));
    case NAMES:
        return ff_kind(fields) == FF_DICT
                   ? ff_get_item(fields, ff_value_of(state.doc, ff_cell_of_int(-1)))
                   : fields;
    case FIELDS:
        return fields;
    case ITEMSIZE:
        return item(state, count - 2);
    default:
        return FF_NOTHING;
    }
}

static bool is_true(struct ff_value v)
{
    int value = 0;
    int64_t n;
    return (ff_boolean(v, &value, NULL) == FF_OK && value) ||
           ff_form_int(v, 1, INT64_MAX, &n);
}

/* "f8" -> 'f', 8. */
static bool parse_code(struct ff_value v, char *kind, uint64_t *count)
{
    const char *text;
    size_t size;
    if (ff_kind(v) != FF_STR || ff_str(v, &text, &size, NULL) || size < 2 || size > 12) {
        return false;
    }
    *kind = text[0];
    *count = 0;
    for (size_t i = 1; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *count = 10 * *count + (uint64_t)(text[i] - '0');
    }
    return true;
}

static bool parse_endian(struct ff_value v, char *endian)
{
    const char *text;
    size_t size;
    if (ff_kind(v) != FF_STR || ff_str(v, &text, &size, NULL) || size != 1) {
        return false;
    }
    *endian = text[0];
    return strchr("<>|=", *endian) && *endian;
}

/* (metadata, (unit, multiplier, denominator, event)): numpy/_core/src/multiarray/datetime.c */
static int set_unit(struct ff_dtype *d, struct ff_value state)
{
    struct ff_value unit = item(member(state, METADATA), 1);
    char name[8] = {0};
    int64_t multiplier, one;
    size_t size = ff_view_payload(item(unit, 0), (uint8_t *)name, sizeof name - 1);
    if (ff_kind(unit) != FF_TUPLE || size >= sizeof name || ff_length(unit) < 3 ||
        !ff_form_int(item(unit, 1), 1, INT32_MAX, &multiplier) ||
        !ff_form_int(item(unit, 2), 1, 1, &one)) {
        return 1;
    }
    return ff_dtype_set_unit(d, strcmp(name, "generic") ? name : "",
                             (uint32_t)multiplier);
}

static int parse_simple(struct ff_value code, struct ff_value state,
                        struct ff_dtype **out)
{
    char kind, endian;
    uint64_t count;
    int64_t itemsize;
    int rc;
    if (!parse_code(code, &kind, &count) ||
        !parse_endian(member(state, ENDIAN), &endian) ||
        !ff_form_int(member(state, ITEMSIZE), -1, INT32_MAX, &itemsize)) {
        return 1;
    }
    count *= kind == 'U' ? 4 : 1;
    if (itemsize >= 0 && (uint64_t)itemsize != count) {
        return 1;
    }
    rc = ff_dtype_new(kind, endian, count, out);
    if (!rc && (*out)->byte_order != '|' && endian == '|') {
        rc = 1;
    }
    if (!rc && (kind == 'M' || kind == 'm')) {
        rc = set_unit(*out, state);
    }
    return rc;
}

static int parse_shape(struct ff_value v, int64_t *shape, size_t *ndim)
{
    if (ff_kind(v) == FF_INT) {
        *ndim = 1;
        return ff_form_int(v, 0, INT32_MAX, shape) ? 0 : 1;
    }
    *ndim = ff_length(v);
    if (ff_kind(v) != FF_TUPLE || *ndim > FF_DTYPE_MAX_NDIM) {
        return 1;
    }
    for (size_t i = 0; i < *ndim; i++) {
        if (!ff_form_int(item(v, i), 0, INT32_MAX, &shape[i])) {
            return 1;
        }
    }
    return 0;
}

static int parse_subarray(struct ff_value subarray, int depth, struct walk *w,
                          struct ff_dtype **out)
{
    int64_t shape[FF_DTYPE_MAX_NDIM];
    size_t ndim;
    int rc;
    if (ff_kind(subarray) != FF_TUPLE || ff_length(subarray) != 2 ||
        parse_shape(item(subarray, 1), shape, &ndim)) {
        return 1;
    }
    rc = parse(item(subarray, 0), depth + 1, w, out);
    return rc ? rc : ff_dtype_set_shape(*out, ndim, shape);
}

/* NUL-ended, owned; NULL with *rc set. */
static char *copy_text(struct ff_value v, int *rc)
{
    const char *text;
    size_t size;
    char *copy;
    *rc = 1;
    if (ff_kind(v) != FF_STR || ff_str(v, &text, &size, NULL) || memchr(text, 0, size)) {
        return NULL;
    }
    copy = ff_strndup(text, size);
    *rc = copy ? 0 : -ENOMEM;
    return copy;
}

static int add_field(struct ff_dtype *d, struct ff_value name, struct ff_value field,
                     int depth, struct walk *w)
{
    struct ff_dtype *type = NULL;
    char *name_text = NULL, *title = NULL;
    int64_t offset;
    int rc = 1;
    if (ff_kind(field) != FF_TUPLE || ff_length(field) < 2 || ff_length(field) > 3 ||
        !ff_form_int(item(field, 1), 0, INT32_MAX, &offset)) {
        return 1;
    }
    name_text = copy_text(name, &rc);
    if (!rc && ff_length(field) == 3) {
        w->plain = false;
        title = copy_text(item(field, 2), &rc);
    }
    rc = rc ? rc : parse(item(field, 0), depth + 1, w, &type);
    if (!rc) {
        rc = ff_dtype_add_field(d, name_text, title, (uint64_t)offset, type);
    } else {
        ff_dtype_free(type);
    }
    ff_free(name_text);
    ff_free(title);
    return rc;
}

static int parse_struct(struct ff_value state, int depth, struct walk *w,
                        struct ff_dtype **out)
{
    struct ff_value names = member(state, NAMES), fields = member(state, FIELDS);
    int64_t itemsize;
    int rc;
    if ((ff_kind(names) != FF_TUPLE && ff_kind(names) != FF_LIST) ||
        ff_kind(fields) != FF_DICT ||
        !ff_form_int(member(state, ITEMSIZE), 0, INT32_MAX, &itemsize)) {
        return 1;
    }
    rc = ff_dtype_new_struct((uint64_t)itemsize, out);
    for (size_t i = 0; i < ff_length(names) && !rc; i++) {
        struct ff_value name = item(names, i);
        rc = add_field(*out, name, ff_get_item(fields, name), depth, w);
    }
    return rc;
}

static bool holds_more(struct ff_value state)
{
    struct ff_value metadata = item(member(state, METADATA), 0);
    int64_t flags = 0, version;
    (void)ff_form_int(member(state, FLAGS), INT64_MIN, INT64_MAX, &flags);
    if ((flags & FLAG_ALIGNED) || !ff_form_int(member(state, VERSION), 3, 4, &version)) {
        return true;
    }
    return version == 4 && !(ff_kind(metadata) == FF_NONE ||
                             (ff_kind(metadata) == FF_DICT && ff_length(metadata) == 0));
}

static bool check_form(const struct ff_form *f)
{
    int64_t version, flags = 0;
    size_t count = ff_length(f->state);
    if (f->instance || f->arg_count < 1 || f->arg_count > 3 || f->list_items.doc ||
        f->dict_items.doc || ff_kind(f->state) != FF_TUPLE || count < 5 || count > 9) {
        return false;
    }
    return (count == 5 || ff_form_int(member(f->state, VERSION), (int64_t)count - 5,
                                      (int64_t)count - 5, &version)) &&
           (count < 8 ||
            (ff_form_int(member(f->state, FLAGS), INT32_MIN, INT32_MAX, &flags) &&
             !(flags & FLAG_HAS_OBJECTS)));
}

static int parse(struct ff_value v, int depth, struct walk *w, struct ff_dtype **out)
{
    struct ff_form f;
    int rc;
    *out = NULL;
    if (depth > FF_DTYPE_MAX_DEPTH || w->left-- <= 0 || !ff_form_of(v, &f) ||
        strcmp(f.name, "numpy.dtype") != 0 || !check_form(&f)) {
        return 1;
    }
    if (holds_more(f.state) || is_true(ff_form_arg(&f, 1)) ||
        ff_kind(ff_form_arg(&f, 0)) != FF_STR) {
        w->plain = false;
    }
    if (ff_kind(member(f.state, SUBARRAY)) != FF_NONE) {
        rc = parse_subarray(member(f.state, SUBARRAY), depth, w, out);
    } else if (ff_kind(member(f.state, NAMES)) != FF_NONE) {
        rc = parse_struct(f.state, depth, w, out);
    } else {
        rc = parse_simple(ff_form_arg(&f, 0), f.state, out);
    }
    if (rc) {
        ff_dtype_free(*out);
        *out = NULL;
    }
    return rc == 0 || rc == -ENOMEM ? rc : 1;
}

int ff_view_dtype(struct ff_value v, struct ff_dtype **out, bool *plain)
{
    struct walk w = {NODES_MAX, true};
    int rc = parse(v, 0, &w, out);
    if (plain) {
        *plain = w.plain;
    }
    return rc;
}

bool ff_form_is_dtype(const struct ff_form *f)
{
    struct ff_dtype *d;
    int rc = ff_view_dtype(f->self, &d, NULL);
    ff_dtype_free(d);
    return rc == 0;
}
