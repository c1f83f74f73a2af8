/* SPDX-License-Identifier: Apache-2.0 */
/* dtype_print.c: the tree as text, as numpy's _array_descr and Python's repr or
 * json.dumps write it. */
#include "dtype.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "name.h"

/* Code points above ASCII that Python's repr escapes: not all that Unicode calls not
 * printable (unassigned ones are left out), and Python reads either form. */
static bool is_escaped(unsigned point)
{
    static const unsigned ranges[][2] = {
        {0x80, 0xa0},       {0xad, 0xad},     {0x61c, 0x61c},   {0x1680, 0x1680},
        {0x180e, 0x180e},   {0x2000, 0x200f}, {0x2028, 0x202f}, {0x205f, 0x206f},
        {0x3000, 0x3000},   {0xe000, 0xf8ff}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
        {0xe0000, 0x10ffff}};

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (point >= ranges[i][0] && point <= ranges[i][1]) {
            return true;
        }
    }
    return point < 0x20 || point == 0x7f;
}

static const char *short_escape(unsigned point, char quote)
{
    switch (point) {
    case '\\':
        return "\\\\";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    case '\'':
        return quote == '\'' ? "\\'" : NULL;
    case '"':
        return quote == '"' ? "\\\"" : NULL;
    default:
        return NULL;
    }
}

static int print_escaped(unsigned point, enum ff_dtype_style style, struct ff_buf *out)
{
    if (style == FF_DTYPE_JSON && point > 0xffff) {
        unsigned rest = point - 0x10000;

        return ff_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (rest >> 10),
                             0xdc00 + (rest & 0x3ff));
    }
    if (point > 0xffff) {
        return ff_buf_printf(out, "\\U%08x", point);
    }
    if (point > 0xff || style == FF_DTYPE_JSON) {
        return ff_buf_printf(out, "\\u%04x", point);
    }
    return ff_buf_printf(out, "\\x%02x", point);
}

/* Python's repr takes " only for a text with ' and without ". */
static char pick_quote(const char *text, enum ff_dtype_style style)
{
    bool doubled = strchr(text, '\'') && !strchr(text, '"');

    return style == FF_DTYPE_JSON || doubled ? '"' : '\'';
}

static int print_string(const char *text, enum ff_dtype_style style, struct ff_buf *out)
{
    char quote = pick_quote(text, style);
    int rc = ff_buf_append_byte(out, (uint8_t)quote);

    while (*text && rc == 0) {
        unsigned point;
        size_t step = ff_utf8_next(text, strnlen(text, 4), &point);
        const char *escape = short_escape(point, quote);

        if (escape) {
            rc = ff_buf_append_text(out, escape);
        } else if (style == FF_DTYPE_JSON ? point < 0x20 || point > 0x7e
                                          : is_escaped(point)) {
            rc = print_escaped(point, style, out);
        } else {
            rc = ff_buf_append(out, text, step);
        }
        text += step;
    }
    return rc ? rc : ff_buf_append_byte(out, (uint8_t)quote);
}

static int print_simple(const struct ff_dtype *d, bool quoted, char quote,
                        struct ff_buf *out)
{
    const char *mark = quoted ? (quote == '"' ? "\"" : "'") : "";
    uint64_t size = d->kind == 'U' ? d->element_bytes / 4 : d->element_bytes;
    int rc = ff_buf_printf(out, "%s%c%c%" PRIu64, mark, d->byte_order, d->kind, size);

    if (rc == 0 && d->unit[0] && d->unit_multiplier != 1) {
        rc = ff_buf_printf(out, "[%" PRIu32 "%s]", d->unit_multiplier, d->unit);
    } else if (rc == 0 && d->unit[0]) {
        rc = ff_buf_printf(out, "[%s]", d->unit);
    }
    return rc ? rc : ff_buf_append_text(out, mark);
}

static int print_shape(const struct ff_dtype *d, enum ff_dtype_style style,
                       struct ff_buf *out)
{
    bool json = style == FF_DTYPE_JSON;
    int rc = ff_buf_append_text(out, json ? ", [" : ", (");

    for (uint32_t i = 0; i < d->ndim && rc == 0; i++) {
        rc = ff_buf_printf(out, "%s%" PRId64, i ? ", " : "", d->shape[i]);
    }
    if (rc == 0) {
        rc = ff_buf_append_text(out, json ? "]" : d->ndim == 1 ? ",)" : ")");
    }
    return rc;
}

static int print_element(const struct ff_dtype *d, enum ff_dtype_style style,
                         struct ff_buf *out);

static int print_name(const struct ff_dtype_field *f, enum ff_dtype_style style,
                      struct ff_buf *out)
{
    bool json = style == FF_DTYPE_JSON;
    int rc = 0;

    if (f->title) {
        rc = ff_buf_append_text(out, json ? "[" : "(");
        rc = rc ? rc : print_string(f->title, style, out);
        rc = rc ? rc : ff_buf_append_text(out, ", ");
    }
    rc = rc ? rc : print_string(f->name, style, out);
    if (f->title && rc == 0) {
        rc = ff_buf_append_text(out, json ? "]" : ")");
    }
    return rc;
}

static int print_field(const struct ff_dtype_field *f, enum ff_dtype_style style,
                       struct ff_buf *out)
{
    bool json = style == FF_DTYPE_JSON;
    int rc = ff_buf_append_text(out, json ? "[" : "(");

    rc = rc ? rc : print_name(f, style, out);
    rc = rc ? rc : ff_buf_append_text(out, ", ");
    rc = rc ? rc : print_element(f->type, style, out);
    if (f->type->ndim && rc == 0) {
        rc = print_shape(f->type, style, out);
    }
    return rc ? rc : ff_buf_append_text(out, json ? "]" : ")");
}

static int print_padding(uint64_t bytes, enum ff_dtype_style style, struct ff_buf *out)
{
    return ff_buf_printf(out,
                         style == FF_DTYPE_JSON ? "[\"\", \"|V%" PRIu64 "\"]"
                                                : "('', '|V%" PRIu64 "')",
                         bytes);
}

static int print_fields(const struct ff_dtype *d, enum ff_dtype_style style,
                        struct ff_buf *out)
{
    uint64_t at = 0;
    int rc = ff_buf_append_text(out, "[");

    for (size_t i = 0; i < d->field_count && rc == 0; i++) {
        const struct ff_dtype_field *f = &d->fields[i];

        if (f->offset_bytes < at) {
            return -EOPNOTSUPP;
        }
        rc = i ? ff_buf_append_text(out, ", ") : 0;
        if (f->offset_bytes > at && rc == 0) {
            rc = print_padding(f->offset_bytes - at, style, out);
            rc = rc ? rc : ff_buf_append_text(out, ", ");
        }
        rc = rc ? rc : print_field(f, style, out);
        at = f->offset_bytes + f->type->item_bytes;
    }
    if (d->element_bytes > at && rc == 0) {
        rc = d->field_count ? ff_buf_append_text(out, ", ") : 0;
        rc = rc ? rc : print_padding(d->element_bytes - at, style, out);
    }
    return rc ? rc : ff_buf_append_text(out, "]");
}

/* The type without its own shape. */
static int print_element(const struct ff_dtype *d, enum ff_dtype_style style,
                         struct ff_buf *out)
{
    if (d->structured) {
        return print_fields(d, style, out);
    }
    return print_simple(d, style != FF_DTYPE_PLAIN, style == FF_DTYPE_JSON ? '"' : '\'',
                        out);
}

int ff_dtype_print(const struct ff_dtype *d, enum ff_dtype_style style,
                   struct ff_buf *out)
{
    bool json = style == FF_DTYPE_JSON;
    size_t before = out->length_bytes;
    int rc;

    if (style == FF_DTYPE_PLAIN && (d->structured || d->ndim)) {
        style = FF_DTYPE_PYTHON;
    }
    rc = d->ndim ? ff_buf_append_text(out, json ? "[" : "(") : 0;
    rc = rc ? rc : print_element(d, style, out);
    if (d->ndim && rc == 0) {
        rc = print_shape(d, style, out);
        rc = rc ? rc : ff_buf_append_text(out, json ? "]" : ")");
    }
    if (rc < 0) {
        out->length_bytes = before;
    }
    return rc;
}
