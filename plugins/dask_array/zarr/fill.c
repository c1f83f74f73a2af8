/* SPDX-License-Identifier: Apache-2.0 */
/* fill.c: fill values, in every spelling that is known: numbers, "NaN" and "Infinity", the bits
 * of a float as "0x7fc00000", pairs for complex, base64 or lists of integers for bytes, a dict
 * for structs.
 */
#include "zarr/zarr.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/name.h"

static int fill_type(const struct zarr_reader *, struct ff_value, const struct ff_dtype *,
                     unsigned depth, uint8_t *out);

static int wrong(const struct zarr_reader *r)
{
    return zarr_damaged(r, "fill_value");
}

/* Little-endian to where it goes. */
static void place(const struct ff_dtype *d, uint64_t bits, size_t size_bytes,
                  uint8_t *out)
{
    for (size_t i = 0; i < size_bytes; i++) {
        out[d->byte_order == '>' ? size_bytes - 1 - i : i] =
            (uint8_t)(i < 8 ? bits >> 8 * i : 0);
    }
}

/* Digits of any length that fit 64 bits, with or without a sign. */
static int fill_int(const struct zarr_reader *r, struct ff_value value,
                    const struct ff_dtype *d, uint8_t *out)
{
    struct ff_buf text;
    char *end = NULL;
    uint64_t bits = 0;
    int kind = r->values->kind(value), rc;

    if (kind == FF_BOOL) {
        int on = 0;

        rc = r->values->boolean(value, &on, NULL);
        place(d, (uint64_t)on, (size_t)d->item_bytes, out);
        return rc ? wrong(r) : FF_OK;
    }
    if (kind != FF_INT && kind != FF_FLOAT) {
        return wrong(r);
    }
    ff_buf_init(&text, 4096);
    rc = zarr_json_print(r, value, &text);
    if (rc == FF_OK) {
        const char *digits = ff_buf_text(&text);

        errno = 0;
        bits = *digits == '-' ? (uint64_t)strtoll(digits, &end, 10)
                              : strtoull(digits, &end, 10);
        /* 0.0 for an integer, as numpy's own functions leave it */
        rc = errno || (*end && strcmp(end, ".0") != 0) ? wrong(r) : FF_OK;
    }
    ff_buf_free(&text);
    place(d, bits, (size_t)d->item_bytes, out);
    return rc;
}

static uint64_t half_of(double x)
{
    uint64_t sign = signbit(x) ? 0x8000 : 0;
    int exponent;
    double m = frexp(fabs(x), &exponent);

    if (isnan(x)) {
        return sign | 0x7e00;
    }
    if (fabs(x) >= 65520) {
        return sign | 0x7c00;
    }
    if (fabs(x) < 0x1p-14) {
        return sign | (uint64_t)lrint(fabs(x) * 0x1p24);
    }
    return sign + ((uint64_t)(exponent + 14) << 10) + (uint64_t)lrint((m * 2 - 1) * 1024);
}

static void place_real(const struct ff_dtype *d, double x, size_t size_bytes,
                       uint8_t *out)
{
    float f4 = (float)x;
    uint64_t bits = 0;

    if (size_bytes == 2) {
        bits = half_of(x);
    } else if (size_bytes == 4) {
        memcpy(&bits, &f4, sizeof f4);
    } else if (size_bytes == 8) {
        memcpy(&bits, &x, sizeof x);
    }
    place(d, bits, size_bytes, out);
#if defined __x86_64__
    if (size_bytes == 16 && d->byte_order != '>') {
        long double f16 = (long double)x;

        memcpy(out, &f16, 10);
    }
#endif
}

static int fill_real(const struct zarr_reader *r, struct ff_value value,
                     const struct ff_dtype *d, size_t size_bytes, uint8_t *out)
{
    static const struct {
        const char *name;
        double value;
    } words[] = {{"NaN", (double)NAN},
                 {"Infinity", (double)INFINITY},
                 {"-Infinity", -(double)INFINITY}};
    struct ff_error own = FF_ERROR_INIT;
    char text[40], *end;
    double x;

    if (r->values->real(value, &x, &own) == FF_OK) {
        place_real(d, x, size_bytes, out);
        return FF_OK;
    }
    if (zarr_text(r, value, "fill_value", text, sizeof text)) {
        return FF_E_CORRUPT;
    }
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(text, words[i].name) == 0) {
            place_real(d, words[i].value, size_bytes, out);
            return FF_OK;
        }
    }
    if (text[0] != '0' || text[1] != 'x') {
        return wrong(r);
    }
    errno = 0;
    place(d, strtoull(text + 2, &end, 16), size_bytes, out);
    return errno || *end || end == text + 2 ? wrong(r) : FF_OK;
}

static int fill_complex(const struct zarr_reader *r, struct ff_value value,
                        const struct ff_dtype *d, uint8_t *out)
{
    size_t half = (size_t)d->item_bytes / 2;
    struct ff_value key, part;
    int rc = FF_OK;

    if (r->values->kind(value) != FF_LIST) { /* zarr 2 writes 0 too */
        return fill_real(r, value, d, half, out);
    }
    if (r->values->length(value) != 2) {
        return wrong(r);
    }
    for (size_t i = 0; rc == FF_OK && i < 2; i++) {
        rc = r->values->item(value, i, &key, &part, r->error);
        rc = rc ? rc : fill_real(r, part, d, half, out + i * half);
    }
    return rc;
}

static int base64_digit(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* As much as fits: zarr-python has written too few bytes for a struct. */
static int fill_base64(const struct zarr_reader *r, const char *text, size_t size,
                       uint64_t item_bytes, uint8_t *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    uint64_t at = 0;

    while (size && text[size - 1] == '=') {
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        int digit = base64_digit(text[i]);

        if (digit < 0) {
            return wrong(r);
        }
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (at == item_bytes) {
                return wrong(r);
            }
            out[at++] = (uint8_t)(bits >> have);
        }
    }
    return FF_OK;
}

static int fill_bytes(const struct zarr_reader *r, struct ff_value value,
                      const struct ff_dtype *d, uint8_t *out)
{
    const char *text;
    size_t size;
    int kind = r->values->kind(value), rc = FF_OK;

    if (kind == FF_STR) {
        rc = r->values->str(value, &text, &size, r->error);
        return rc ? rc : fill_base64(r, text, size, d->item_bytes, out);
    }
    if (kind != FF_LIST) { /* 0 */
        return kind == FF_INT || kind == FF_FLOAT ? FF_OK : wrong(r);
    }
    if (r->values->length(value) > d->item_bytes) {
        return wrong(r);
    }
    for (size_t i = 0; rc == FF_OK && i < r->values->length(value); i++) {
        struct ff_value key, item;
        int64_t byte = 0;

        rc = r->values->item(value, i, &key, &item, r->error);
        rc = rc ? rc : zarr_int(r, item, "fill_value", 0, 255, &byte);
        out[i] = (uint8_t)byte;
    }
    return rc;
}

static int fill_text(const struct zarr_reader *r, struct ff_value value,
                     const struct ff_dtype *d, uint8_t *out)
{
    const char *text;
    size_t size, at = 0;

    if (r->values->kind(value) == FF_INT) { /* 0 */
        return FF_OK;
    }
    if (r->values->str(value, &text, &size, NULL)) {
        return wrong(r);
    }
    for (size_t i = 0; i < size; at += 4) {
        unsigned point;

        i += ff_utf8_next(text + i, size - i, &point);
        if (at + 4 > d->item_bytes) {
            return wrong(r);
        }
        place(d, point, 4, out + at);
    }
    return FF_OK;
}

static int fill_time(const struct zarr_reader *r, struct ff_value value,
                     const struct ff_dtype *d, uint8_t *out)
{
    char text[8];

    if (r->values->kind(value) == FF_INT) {
        return fill_int(r, value, d, out);
    }
    if (zarr_text(r, value, "fill_value", text, sizeof text)) {
        return FF_E_CORRUPT;
    }
    place(d, (uint64_t)1 << 63, 8, out);
    return strcmp(text, "NaT") == 0 ? FF_OK : wrong(r);
}

static int fill_struct(const struct zarr_reader *r, struct ff_value value,
                       const struct ff_dtype *d, unsigned depth, uint8_t *out)
{
    int rc = FF_OK;

    if (r->values->kind(value) != FF_DICT) {
        return fill_bytes(r, value, d, out);
    }
    for (size_t i = 0; rc == FF_OK && i < d->field_count; i++) {
        const struct ff_dtype_field *f = &d->fields[i];
        struct ff_value part = zarr_get(r, value, f->name);

        if (!zarr_null(r, part)) {
            rc = fill_type(r, part, f->type, depth + 1, out + f->offset_bytes);
        }
    }
    return rc;
}

static int fill_type(const struct zarr_reader *r, struct ff_value value,
                     const struct ff_dtype *d, unsigned depth, uint8_t *out)
{
    if (d->ndim || depth > FF_DTYPE_MAX_DEPTH) {
        return fill_bytes(r, value, d, out);
    }
    switch (d->kind) {
    case 'b':
    case 'i':
    case 'u':
        return fill_int(r, value, d, out);
    case 'f':
        return fill_real(r, value, d, (size_t)d->item_bytes, out);
    case 'c':
        return fill_complex(r, value, d, out);
    case 'M':
    case 'm':
        return fill_time(r, value, d, out);
    case 'U':
        return fill_text(r, value, d, out);
    default:
        return d->structured ? fill_struct(r, value, d, depth, out)
                             : fill_bytes(r, value, d, out);
    }
}

/* bfloat16: the upper half of a float, to the nearest. Nothing else knows numbers here. */
static int fill_bfloat16(const struct zarr_reader *r, struct ff_value value, uint8_t *out)
{
    struct ff_dtype f4 = {.kind = 'f', .byte_order = '<', .item_bytes = 4};
    uint8_t whole[4] = {0}; /* a release build cannot see that it is filled */
    uint32_t bits;
    int rc = fill_real(r, value, &f4, 4, whole);

    memcpy(&bits, whole, sizeof bits);
    bits += rc || (bits & 0x7fffffff) > 0x7f800000 ? 0 : 0x7fff + (bits >> 16 & 1);
    out[0] = (uint8_t)(bits >> 16);
    out[1] = (uint8_t)(bits >> 24);
    return rc;
}

/* No character, no byte, nothing: what an empty item is. */
static int check_vlen(const struct zarr_reader *r, struct ff_value value)
{
    const char *text = "";
    size_t size = 0;

    if (r->values->kind(value) == FF_STR) {
        (void)r->values->str(value, &text, &size, NULL);
    }
    return size ? ff_fail(r->error, FF_E_UNSUPPORTED, r->place,
                          "a fill value of variable length that is not empty")
                : FF_OK;
}

int zarr_fill_read(const struct zarr_reader *r, struct ff_value value,
                   struct zarr_meta *m)
{
    bool number = r->values->kind(value) == FF_FLOAT || r->values->kind(value) == FF_INT;

    if (zarr_null(r, value)) {
        return FF_OK;
    }
    if (m->chain.vlen) {
        return check_vlen(r, value);
    }
    m->fill = ff_calloc(1, (size_t)m->dtype->item_bytes);
    if (!m->fill) {
        return ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory");
    }
    if (m->dtype->kind == 'V' && !m->dtype->structured && m->dtype->item_bytes == 2 &&
        (number || r->values->kind(value) == FF_STR)) {
        struct ff_error own = FF_ERROR_INIT;
        struct zarr_reader quiet = {r->values, r->place, &own};

        if (fill_bytes(&quiet, value, m->dtype, m->fill) == FF_OK && !number) {
            return FF_OK;
        }
        return fill_bfloat16(r, value, m->fill);
    }
    return fill_type(r, value, m->dtype, 0, m->fill);
}

/* Zero, as each type spells it. */
int zarr_fill_print(const struct ff_dtype *d, int format, struct ff_buf *out)
{
    int rc;

    switch (d->kind) {
    case 'b':
        return ff_buf_append_text(out, "false");
    case 'f':
        return ff_buf_append_text(out, "0.0");
    case 'c':
        return ff_buf_append_text(out, "[0.0, 0.0]");
    case 'U':
    case 'S':
        return ff_buf_append_text(out, "\"\"");
    case 'V':
        if (format == 2) {
            return ff_buf_append_text(out, "null");
        }
        rc = ff_buf_append_byte(out, '"');
        for (uint64_t i = 0; rc == 0 && i < (d->item_bytes + 2) / 3; i++) {
            rc = ff_buf_append_text(out, i < d->item_bytes / 3    ? "AAAA"
                                         : d->item_bytes % 3 == 1 ? "AA=="
                                                                  : "AAA=");
        }
        return rc ? rc : ff_buf_append_byte(out, '"');
    default:
        return ff_buf_append_byte(out, '0');
    }
}
