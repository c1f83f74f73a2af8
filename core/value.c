/* SPDX-License-Identifier: Apache-2.0 */
/* value.c: looking at values: kinds, typed access, items, parts. */
#include <math.h>
#include <string.h>

#include "core/array.h"
#include "core/views.h"
#include "doc.h"

static const uint8_t kind_of_tag[FF_TAG_COUNT] = {
    [FF_TAG_NONE] = FF_NONE,
    [FF_TAG_FALSE] = FF_BOOL,
    [FF_TAG_TRUE] = FF_BOOL,
    [FF_TAG_INT] = FF_INT,
    [FF_TAG_BIGINT] = FF_INT,
    [FF_TAG_FLOAT] = FF_FLOAT,
    [FF_TAG_STR] = FF_STR,
    [FF_TAG_BYTES] = FF_BYTES,
    [FF_TAG_STR2] = FF_STR,
    [FF_TAG_BYTES2] = FF_BYTES,
    [FF_TAG_DECODED2] = FF_STR,
    [FF_TAG_BYTEARRAY] = FF_BYTEARRAY,
    [FF_TAG_LIST] = FF_LIST,
    [FF_TAG_TUPLE] = FF_TUPLE,
    [FF_TAG_DICT] = FF_DICT,
    [FF_TAG_SET] = FF_SET,
    [FF_TAG_FROZENSET] = FF_FROZENSET,
    [FF_TAG_GLOBAL] = FF_GLOBAL,
    [FF_TAG_OBJECT] = FF_OBJECT,
    [FF_TAG_ARRAY] = FF_ARRAY,
    [FF_TAG_NATIVE] = FF_NATIVE,
    [FF_TAG_PERSISTENT] = FF_PERSISTENT,
    [FF_TAG_BUFFER] = FF_BUFFER,
    [FF_TAG_EXTENSION] = FF_EXTENSION,
};

static const char *const kind_name[] = {
    "absent",    "None",  "bool",   "int",        "float",  "str",       "bytes",
    "bytearray", "list",  "tuple",  "dict",       "set",    "frozenset", "global",
    "object",    "array", "native", "persistent", "buffer", "extension"};

int ff_kind(struct ff_value v)
{
    unsigned tag = ff_tag(v.cell);
    return tag < FF_TAG_COUNT ? kind_of_tag[tag] : FF_ABSENT;
}

const char *ff_kind_name(int kind)
{
    return kind >= 0 && (size_t)kind < sizeof kind_name / sizeof *kind_name
               ? kind_name[kind]
               : "unknown";
}

int ff_same(struct ff_value a, struct ff_value b)
{
    return a.doc == b.doc && a.cell == b.cell && a.cell != 0;
}

static int wrong_kind(struct ff_value v, const char *wanted, struct ff_error *e)
{
    return ff_fail(e, FF_E_TYPE, NULL, "the value is of kind %s, not %s",
                   ff_kind_name(ff_kind(v)), wanted);
}

int ff_boolean(struct ff_value v, int *out, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    unsigned tag = ff_tag(v.cell);
    if (tag != FF_TAG_TRUE && tag != FF_TAG_FALSE) {
        return wrong_kind(v, "bool", e);
    }
    *out = tag == FF_TAG_TRUE;
    return FF_OK;
}

/* BIGINT that is minimal or not: its value when it fits into 8 bytes and a sign. */
static bool small_int(uint64_t cell, uint64_t *bits, bool *negative)
{
    size_t size;
    const uint8_t *p = ff_code_payload(ff_cell_code(cell), &size);
    uint8_t fill = size && (p[size - 1] & 0x80) ? 0xff : 0;
    *bits = fill ? UINT64_MAX : 0;
    *negative = fill != 0;
    for (size_t i = size; i-- > 8;) {
        if (p[i] != fill) {
            return false;
        }
    }
    for (size_t i = size < 8 ? size : 8; i-- > 0;) {
        *bits = *bits << 8 | p[i];
    }
    return true;
}

int ff_int64(struct ff_value v, int64_t *out, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    uint64_t bits;
    bool negative;
    switch (ff_tag(v.cell)) {
    case FF_TAG_INT:
        *out = ff_cell_int(v.cell);
        return FF_OK;
    case FF_TAG_BIGINT:
        if (!small_int(v.cell, &bits, &negative) || (bits >> 63 != 0) != negative) {
            return ff_fail(e, FF_E_TYPE, NULL, "the integer does not fit into 64 bits");
        }
        *out = (int64_t)bits;
        return FF_OK;
    default:
        return wrong_kind(v, "int", e);
    }
}

int ff_uint64(struct ff_value v, uint64_t *out, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    bool negative = true;
    if (ff_tag(v.cell) == FF_TAG_INT) {
        *out = (uint64_t)ff_cell_int(v.cell);
        negative = ff_cell_int(v.cell) < 0;
    } else if (ff_tag(v.cell) != FF_TAG_BIGINT) {
        return wrong_kind(v, "int", e);
    } else if (!small_int(v.cell, out, &negative)) {
        negative = true;
    }
    if (negative) {
        return ff_fail(e, FF_E_TYPE, NULL, "the integer is negative or over 64 bits");
    }
    return FF_OK;
}

int ff_int_bytes(struct ff_value v, uint8_t scratch[8], const uint8_t **bytes,
                 size_t *size_bytes, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (ff_tag(v.cell) == FF_TAG_BIGINT) {
        *bytes = ff_code_payload(ff_cell_code(v.cell), size_bytes);
        return FF_OK;
    }
    if (ff_tag(v.cell) != FF_TAG_INT) {
        return wrong_kind(v, "int", e);
    }
    for (size_t i = 0; i < 8; i++) {
        scratch[i] = (uint8_t)((uint64_t)ff_cell_int(v.cell) >> (8 * i));
    }
    *bytes = scratch;
    *size_bytes = 8;
    return FF_OK;
}

int ff_real(struct ff_value v, double *out, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (ff_tag(v.cell) == FF_TAG_FLOAT) {
        *out = ff_cell_float(v.cell);
        return FF_OK;
    }
    int64_t i;
    int failed = ff_int64(v, &i, e);
    if (!failed) {
        *out = (double)i;
        /* 2^63 is what INT64_MAX rounds to, and does not convert back */
        if (*out >= 9223372036854775808.0 || (int64_t)*out != i) {
            return ff_fail(e, FF_E_TYPE, NULL,
                           "a double does not hold the integer exactly");
        }
    }
    return failed;
}

int ff_str(struct ff_value v, const char **text, size_t *size_bytes, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (!text || !size_bytes) {
        return ff_fail(e, FF_E_USAGE, NULL, "no place for the text and its size");
    }
    return ff_cell_text(v.cell, text, size_bytes) ? FF_OK : wrong_kind(v, "str", e);
}

int ff_bytes(struct ff_value v, const void **data, size_t *size_bytes, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    const uint8_t *found;
    if (!data || !size_bytes) {
        return ff_fail(e, FF_E_USAGE, NULL, "no place for the bytes and their size");
    }
    if (!ff_cell_bytes(v.cell, &found, size_bytes)) {
        return wrong_kind(v, "bytes", e);
    }
    *data = found;
    return FF_OK;
}

size_t ff_length(struct ff_value v)
{
    switch (ff_tag(v.cell)) {
    case FF_TAG_LIST:
    case FF_TAG_TUPLE:
    case FF_TAG_DICT:
    case FF_TAG_SET:
    case FF_TAG_FROZENSET:
        return ((const struct ff_seq *)ff_cell_node(v.cell))->count;
    default:
        return 0;
    }
}

int ff_item(struct ff_value v, size_t i, struct ff_value *key, struct ff_value *value,
            struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    size_t count = ff_length(v);
    if (i >= count) {
        return ff_fail(e, FF_E_NOT_FOUND, NULL, "no item %zu: a %s of %zu", i,
                       ff_kind_name(ff_kind(v)), count);
    }
    const struct ff_seq *seq = ff_cell_node(v.cell);
    bool dict = ff_tag(v.cell) == FF_TAG_DICT;
    if (key) {
        *key = dict ? ff_value_of(v.doc, seq->cells[2 * i]) : FF_NOTHING;
    }
    if (value) {
        *value = ff_value_of(v.doc, seq->cells[dict ? 2 * i + 1 : i]);
    }
    return FF_OK;
}

struct ff_value ff_get(struct ff_value v, const char *key)
{
    if (ff_tag(v.cell) != FF_TAG_DICT || !key) {
        return FF_NOTHING;
    }
    int64_t at = ff_seq_find_text(v.doc, v.cell, key, strlen(key));
    const struct ff_seq *seq = ff_cell_node(v.cell);
    return at < 0 ? FF_NOTHING : ff_value_of(v.doc, seq->cells[2 * (size_t)at + 1]);
}

struct ff_value ff_get_item(struct ff_value v, struct ff_value key)
{
    if (ff_tag(v.cell) != FF_TAG_DICT || !key.cell) {
        return FF_NOTHING;
    }
    int64_t at = ff_seq_find(v.doc, v.cell, key, NULL);
    const struct ff_seq *seq = ff_cell_node(v.cell);
    return at < 0 ? FF_NOTHING : ff_value_of(v.doc, seq->cells[2 * (size_t)at + 1]);
}

static uint64_t extra_part(const struct ff_object_more *more, int part)
{
    switch (part) {
    case FF_PART_KWARGS:
        return more->kwargs;
    case FF_PART_LIST_ITEMS:
        return more->list_items;
    case FF_PART_DICT_ITEMS:
        return more->dict_items;
    case FF_PART_SETTER:
        return more->setter;
    default:
        return 0;
    }
}

struct ff_value ff_part(struct ff_value v, int part)
{
    if (ff_tag(v.cell) != FF_TAG_OBJECT) {
        return FF_NOTHING;
    }
    const struct ff_object_node *o = ff_cell_node(v.cell);
    uint64_t cell = part == FF_PART_CALLABLE ? o->callable
                    : part == FF_PART_ARGS   ? o->args
                    : part == FF_PART_STATE  ? o->state
                    : o->more                ? extra_part(o->more, part)
                                             : 0;
    return cell ? ff_value_of(v.doc, cell) : FF_NOTHING;
}

const struct ff_array *ff_array(struct ff_value v, struct ff_error *e)
{
    if (e && e->code) {
        return NULL;
    }
    if (ff_tag(v.cell) == FF_TAG_PERSISTENT) {
        v = ff_resolve(v, NULL, e);
    }
    switch (ff_tag(v.cell)) {
    case FF_TAG_ARRAY:
        return ((const struct ff_array_node *)ff_cell_node(v.cell))->array;
    case FF_TAG_OBJECT:
        return ff_view_array(v, e);
    default:
        (void)wrong_kind(v, "array", e);
        return NULL;
    }
}

void *ff_native(struct ff_value v, const char *class_name)
{
    if (ff_tag(v.cell) == FF_TAG_PERSISTENT) {
        v = ff_resolve(v, NULL, NULL);
    }
    if (ff_tag(v.cell) != FF_TAG_NATIVE || !class_name) {
        return NULL;
    }
    const struct ff_native_node *n = ff_cell_node(v.cell);
    return strcmp(n->box->class_name, class_name) == 0 ? n->box->thing : NULL;
}
