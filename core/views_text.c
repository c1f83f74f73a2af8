/* SPDX-License-Identifier: Apache-2.0 */
/* views_text.c: the canonical text of what has one, as Python's str gives it. */
#include "core/views.h"

#include <errno.h>
#include <string.h>

#include "core/number.h"

static int append_value(struct ff_value v, struct ff_buf *out)
{
    const char *text;
    size_t size;
    uint8_t scratch[8];
    const uint8_t *bytes;
    char number[FF_DOUBLE_TEXT_BYTES];
    double real;
    switch (ff_kind(v)) {
    case FF_NONE:
        return ff_buf_append_text(out, "None");
    case FF_INT:
        if (ff_int_bytes(v, scratch, &bytes, &size, NULL)) {
            return 1;
        }
        return size > FF_INT_TEXT_MAX_BYTES ? ff_int_hex(bytes, size, out)
                                            : ff_int_text(bytes, size, out);
    case FF_FLOAT:
        (void)ff_real(v, &real, NULL);
        return ff_buf_append(out, number, ff_double_text(real, number));
    case FF_STR:
        return ff_str(v, &text, &size, NULL) ? 1 : ff_buf_append(out, text, size);
    default:
        return 1;
    }
}

/* "+01:00", "-00:00:01", "+00:00:00.000001" */
static int append_offset(const struct ff_timedelta *t, struct ff_buf *out)
{
    int64_t us = (t->days * 86400 + t->seconds) * 1000000 + t->microseconds;
    char sign = us < 0 ? '-' : '+';
    int rc;
    us = us < 0 ? -us : us;
    rc = ff_buf_printf(out, "%c%02d:%02d", sign, (int)(us / 3600000000),
                       (int)(us / 60000000 % 60));
    if (!rc && us % 60000000) {
        rc = ff_buf_printf(out, ":%02d", (int)(us / 1000000 % 60));
    }
    if (!rc && us % 1000000) {
        rc = ff_buf_printf(out, ".%06d", (int)(us % 1000000));
    }
    return rc;
}

/* Without an offset a zone has no text here, and so has no date in it. */
static int append_zone(struct ff_value zone, struct ff_buf *out)
{
    struct ff_zone z;
    if (!zone.doc) {
        return 0;
    }
    return ff_view_zone(zone, &z) && z.has_offset ? append_offset(&z.offset, out) : 1;
}

static int append_zone_name(struct ff_value v, struct ff_buf *out)
{
    struct ff_zone z;
    if (!ff_view_zone(v, &z)) {
        return 1;
    }
    return z.name ? ff_buf_append(out, z.name, z.name_bytes)
                  : append_offset(&z.offset, out);
}

static int append_datetime(struct ff_value v, struct ff_buf *out)
{
    struct ff_datetime d;
    int rc = 0;
    if (!ff_view_datetime(v, &d)) {
        return 1;
    }
    if (d.view != FF_VIEW_TIME) {
        rc = ff_buf_printf(out, "%04d-%02d-%02d", d.year, d.month, d.day);
    }
    if (!rc && d.view == FF_VIEW_DATETIME) {
        rc = ff_buf_append_byte(out, 'T');
    }
    if (!rc && d.view != FF_VIEW_DATE) {
        rc = ff_buf_printf(out, "%02d:%02d:%02d", d.hour, d.minute, d.second);
    }
    if (!rc && d.microsecond) {
        rc = ff_buf_printf(out, ".%06d", d.microsecond);
    }
    return rc ? rc : append_zone(d.zone, out);
}

static int append_timedelta(struct ff_value v, struct ff_buf *out)
{
    struct ff_timedelta d;
    int rc = 0;
    if (!ff_view_timedelta(v, &d)) {
        return 1;
    }
    if (d.days) {
        rc = ff_buf_printf(out, "%lld day%s, ", (long long)d.days,
                           d.days == 1 || d.days == -1 ? "" : "s");
    }
    rc = rc ? rc
            : ff_buf_printf(out, "%d:%02d:%02d", (int)(d.seconds / 3600),
                            (int)(d.seconds / 60 % 60), (int)(d.seconds % 60));
    return rc || !d.microseconds ? rc : ff_buf_printf(out, ".%06d", (int)d.microseconds);
}

static int append_timezone(struct ff_value v, struct ff_buf *out)
{
    struct ff_timedelta offset;
    struct ff_value name;
    int rc;
    if (!ff_view_timezone(v, &offset, &name)) {
        return 1;
    }
    rc = append_offset(&offset, out);
    if (!rc && name.doc) {
        rc = ff_buf_append_byte(out, ' ');
        rc = rc ? rc : append_value(name, out);
    }
    return rc;
}

static int append_uuid(struct ff_value v, struct ff_buf *out)
{
    uint8_t bytes[16];
    int rc = ff_view_uuid(v, bytes) ? 0 : 1;
    for (int i = 0; i < 16 && !rc; i++) {
        rc = ff_buf_printf(out, "%s%02x",
                           i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    }
    return rc;
}

/* Parts as the constructor joins them: one that is absolute begins anew. */
static int append_path(const struct ff_form *f, struct ff_buf *out)
{
    char separator = strstr(f->name, "Windows") ? '\\' : '/';
    size_t start = out->length_bytes;
    int rc = 0;
    for (size_t i = 0; i < f->arg_count && !rc; i++) {
        const char *text;
        size_t size;
        if (ff_str(ff_form_arg(f, i), &text, &size, NULL)) {
            return 1;
        }
        if (size && text[0] == separator) {
            out->length_bytes = start;
        } else if (out->length_bytes > start &&
                   out->data[out->length_bytes - 1] != (uint8_t)separator) {
            rc = ff_buf_append_byte(out, (uint8_t)separator);
        }
        rc = rc ? rc : ff_buf_append(out, text, size);
    }
    return rc;
}

static int append_complex(struct ff_value v, struct ff_buf *out)
{
    double re, im;
    char text[FF_DOUBLE_TEXT_BYTES];
    int rc;
    if (!ff_view_complex(v, &re, &im)) {
        return 1;
    }
    rc = ff_buf_append(out, text, ff_double_text(re, text));
    (void)ff_double_text(im, text);
    if (!rc && text[0] != '-') {
        rc = ff_buf_append_byte(out, '+');
    }
    rc = rc ? rc : ff_buf_append_text(out, text);
    return rc ? rc : ff_buf_append_byte(out, 'j');
}

/* The arguments with something between them. */
static int append_args(const struct ff_form *f, const char *between, struct ff_buf *out)
{
    int rc = 0;
    for (size_t i = 0; i < f->arg_count && !rc; i++) {
        rc = i ? ff_buf_append_text(out, between) : 0;
        rc = rc ? rc : append_value(ff_form_arg(f, i), out);
    }
    return rc;
}

static int append_call(const struct ff_form *f, const char *name, struct ff_buf *out)
{
    int rc = ff_buf_printf(out, "%s(", name);
    rc = rc ? rc : append_args(f, ", ", out);
    return rc ? rc : ff_buf_append_byte(out, ')');
}

static int append_dtype(struct ff_value v, struct ff_buf *out)
{
    struct ff_dtype *d;
    int rc = ff_view_dtype(v, &d, NULL);
    if (!rc) {
        rc = ff_dtype_print(d, FF_DTYPE_PLAIN, out);
        ff_dtype_free(d);
    }
    return rc == -ENOMEM || rc == -E2BIG ? rc : rc ? 1 : 0;
}

static int append_view(struct ff_value v, const struct ff_form *f, struct ff_buf *out)
{
    switch (ff_view(v)) {
    case FF_VIEW_DATE:
    case FF_VIEW_TIME:
    case FF_VIEW_DATETIME:
        return append_datetime(v, out);
    case FF_VIEW_TIMEDELTA:
        return append_timedelta(v, out);
    case FF_VIEW_TIMEZONE:
        return append_timezone(v, out);
    case FF_VIEW_ZONE:
        return append_zone_name(v, out);
    case FF_VIEW_DECIMAL:
        return append_args(f, "", out);
    case FF_VIEW_FRACTION:
        return append_args(f, "/", out);
    case FF_VIEW_UUID:
        return append_uuid(v, out);
    case FF_VIEW_PATH:
        return append_path(f, out);
    case FF_VIEW_COMPLEX:
        return append_complex(v, out);
    case FF_VIEW_RANGE:
        return append_call(f, "range", out);
    case FF_VIEW_SLICE:
        return append_call(f, "slice", out);
    case FF_VIEW_DTYPE:
        return append_dtype(v, out);
    default:
        return 1;
    }
}

int ff_view_text(struct ff_value v, struct ff_buf *out)
{
    struct ff_form f;
    size_t start = out->length_bytes;
    int rc = ff_form_of(v, &f) ? append_view(v, &f, out) : append_zone_name(v, out);
    if (rc) {
        out->length_bytes = start;
    }
    return rc;
}
