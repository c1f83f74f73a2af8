/* SPDX-License-Identifier: Apache-2.0 */
/* write_scalar.c: numbers, text and bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "write.h"

void ff_write_store(uint8_t *to, uint64_t value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = (uint8_t)(value >> (8 * i));
    }
}

static int long_bytes(struct ff_dumper *d, const uint8_t *bytes, size_t size);

int ff_write_int(struct ff_dumper *d, int64_t value)
{
    char text[32];
    if (value < INT32_MIN || value > INT32_MAX) {
        uint8_t bytes[8];
        ff_write_store(bytes, (uint64_t)value, 8);
        return long_bytes(d, bytes, 8);
    }
    if (d->protocol == 0) {
        (void)snprintf(text, sizeof text, "I%lld\n", (long long)value);
        return ff_write_text(d, text);
    }
    uint8_t *to = ff_write_room(d, 5);
    if (!to) {
        return FF_E_NO_MEMORY;
    }
    size_t size = value < 0 || value > UINT16_MAX ? 4 : value > UINT8_MAX ? 2 : 1;
    to[0] = size == 4 ? FF_OP_BININT : size == 2 ? FF_OP_BININT2 : FF_OP_BININT1;
    ff_write_store(to + 1, (uint64_t)value, size);
    ff_write_done(d, 1 + size);
    return FF_OK;
}

/* Divide by 10^9, in place; the remainder. */
static uint32_t divide(uint32_t *words, size_t count)
{
    uint64_t rest = 0;
    for (size_t i = count; i-- > 0;) {
        rest = rest << 32 | words[i];
        words[i] = (uint32_t)(rest / 1000000000u);
        rest %= 1000000000u;
    }
    return (uint32_t)rest;
}

/* Protocols 0 and 1: decimal. The time grows with the square of the size, as in CPython. */
static int long_decimal(struct ff_dumper *d, const uint8_t *bytes, size_t size)
{
    bool negative = (bytes[size - 1] & 0x80) != 0;
    size_t count = size / 4 + 1;
    uint32_t *words = ff_calloc(count, sizeof *words);
    char *text = ff_malloc(3 * size + 32);
    if (!words || !text) {
        ff_free(words);
        ff_free(text);
        return ff_write_no_memory(d);
    }
    unsigned carry = negative;
    for (size_t i = 0; i < 4 * count; i++) {
        unsigned byte = i < size ? bytes[i] : negative ? 0xffu : 0u;
        byte = (negative ? (~byte & 0xffu) : byte) + carry;
        carry = byte >> 8;
        words[i / 4] |= (byte & 0xffu) << (8 * (i % 4));
    }
    size_t at = 3 * size + 32;
    text[--at] = 0;
    text[--at] = '\n';
    text[--at] = 'L';
    while (count) {
        uint32_t nine = divide(words, count);
        while (count && words[count - 1] == 0) {
            count--;
        }
        for (int i = 0; i < 9 && (nine || count); i++) {
            text[--at] = (char)('0' + nine % 10);
            nine /= 10;
        }
    }
    if (negative) {
        text[--at] = '-';
    }
    text[--at] = FF_OP_LONG;
    int failed = ff_write_text(d, text + at);
    ff_free(words);
    ff_free(text);
    return failed;
}

static int long_bytes(struct ff_dumper *d, const uint8_t *bytes, size_t size)
{
    while (size > 1 && (bytes[size - 1] == 0 || bytes[size - 1] == 0xff) &&
           (bytes[size - 1] & 0x80) == (bytes[size - 2] & 0x80)) {
        size--;
    }
    if (d->protocol < 2) {
        return long_decimal(d, bytes, size);
    }
    uint8_t header[5] = {FF_OP_LONG1, (uint8_t)size};
    if (size > UINT8_MAX) {
        header[0] = FF_OP_LONG4;
        ff_write_store(header + 1, size, 4);
    }
    int failed = ff_write_bytes(d, header, size > UINT8_MAX ? 5 : 2);
    return failed ? failed : ff_write_bytes(d, bytes, size);
}

int ff_write_bigint(struct ff_dumper *d, uint64_t cell)
{
    size_t size;
    const uint8_t *bytes = ff_code_payload(ff_cell_code(cell), &size);
    return long_bytes(d, bytes, size);
}

/* repr(float): the shortest digits that read back as the same, an exponent when the point
 * would be far away. `text` of 40 bytes. */
static void python_repr(double value, char *text)
{
    char digits[40];
    if (isnan(value) || isinf(value)) {
        (void)snprintf(text, 40, "%s", isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 0; precision < 18; precision++) {
        (void)snprintf(digits, sizeof digits, "%.*e", precision, value);
        if (strtod(digits, NULL) == value) {
            break;
        }
    }
    char *e = strchr(digits, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10), count = 0;
    char only[24];
    for (const char *p = digits; p < e; p++) {
        if (*p >= '0' && *p <= '9') {
            only[count++] = *p;
        }
    }
    while (count > 1 && only[count - 1] == '0') {
        count--;
    }
    char *to = text;
    if (digits[0] == '-') {
        *to++ = '-';
    }
    if (exponent < -4 || exponent >= 16) {
        *to++ = only[0];
        if (count > 1) {
            *to++ = '.';
            memcpy(to, only + 1, (size_t)count - 1);
            to += count - 1;
        }
        (void)snprintf(to, 8, "e%c%02u", exponent < 0 ? 0x2d : 0x2b,
                       (unsigned)abs(exponent) % 1000u);
        return;
    }
    if (exponent < 0) {
        to += snprintf(to, 8, "0.%.*s", -exponent - 1, "000");
    }
    for (int i = 0; i < count || i <= exponent; i++) {
        *to++ = i < count ? only[i] : '0';
        if (i == exponent) {
            *to++ = '.';
        }
    }
    if (to[-1] == '.') {
        *to++ = '0';
    }
    *to = 0;
}

int ff_write_float(struct ff_dumper *d, uint64_t cell)
{
    if (d->protocol) {
        return ff_write_bytes(d, ff_cell_code(cell), 9);
    }
    char text[40];
    python_repr(ff_cell_float(cell), text);
    int failed = ff_write_op(d, FF_OP_FLOAT);
    failed = failed ? failed : ff_write_text(d, text);
    return failed ? failed : ff_write_op(d, '\n');
}

/* ---- text ---- */

static uint32_t next_char(const uint8_t *p, size_t *at)
{
    uint8_t c = p[*at];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    uint32_t value = n == 1 ? c : c & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        value = value << 6 | (p[*at + i] & 0x3fu);
    }
    *at += n;
    return value;
}

static bool escaped(uint32_t c)
{
    return c > 0xff || c == '\\' || c == 0 || c == '\n' || c == '\r' || c == 0x1a;
}

int ff_write_escaped(struct ff_dumper *d, const void *text, size_t size_bytes)
{
    for (size_t at = 0; at < size_bytes;) {
        uint32_t c = next_char(text, &at);
        uint8_t *to = ff_write_room(d, 12);
        if (!to) {
            return FF_E_NO_MEMORY;
        }
        if (!escaped(c)) {
            *to = (uint8_t)c;
            ff_write_done(d, 1);
        } else {
            ff_write_done(d,
                          (size_t)(c > 0xffff ? snprintf((char *)to, 12, "\\U%08x", c)
                                              : snprintf((char *)to, 12, "\\u%04x", c)));
        }
    }
    return FF_OK;
}

static int unicode_line(struct ff_dumper *d, const uint8_t *text, size_t size)
{
    int failed = ff_write_op(d, FF_OP_UNICODE);
    failed = failed ? failed : ff_write_escaped(d, text, size);
    return failed ? failed : ff_write_op(d, '\n');
}

int ff_write_str(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    size_t size;
    const uint8_t *text = ff_code_payload(ff_cell_code(cell), &size);
    uint8_t header[9];
    size_t n = 1;
    int failed;
    if (d->protocol == 0) {
        failed = unicode_line(d, text, size);
        return failed ? failed : ff_write_memoize(d, cell, scratch);
    }
    if (size <= UINT8_MAX && d->protocol >= 4) {
        header[0] = FF_OP_SHORT_BINUNICODE;
    } else if (size <= UINT32_MAX) {
        header[0] = FF_OP_BINUNICODE;
        n = 4;
    } else if (d->protocol >= 4) {
        header[0] = FF_OP_BINUNICODE8;
        n = 8;
    } else {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "a str over 4 GiB needs protocol 4, not %u", d->protocol);
    }
    ff_write_store(header + 1, size, n);
    failed = ff_write_payload(d, header, 1 + n, text, size);
    return failed ? failed : ff_write_memoize(d, cell, scratch);
}

/* Python 2's str, as it was. */
int ff_write_str2(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    uint64_t raw = ff_tag(cell) == FF_TAG_DECODED2
                       ? ((const struct ff_decoded *)ff_cell_node(cell))->raw
                       : cell;
    size_t size;
    const uint8_t *data = ff_code_payload(ff_cell_code(raw), &size);
    uint8_t header[5] = {FF_OP_SHORT_BINSTRING, (uint8_t)size};
    if (size > UINT8_MAX) {
        header[0] = FF_OP_BINSTRING;
        ff_write_store(header + 1, size, 4);
    }
    int failed = ff_write_payload(d, header, size > UINT8_MAX ? 5 : 2, data, size);
    return failed ? failed : ff_write_memoize(d, cell, scratch);
}

/* ---- bytes ---- */

size_t ff_write_bytes_header(uint32_t protocol, uint64_t size_bytes, uint8_t header[9])
{
    size_t n = size_bytes <= UINT8_MAX ? 1 : size_bytes <= UINT32_MAX ? 4 : 8;
    if (n == 8 && protocol < 4) {
        return 0;
    }
    header[0] = n == 1 ? FF_OP_SHORT_BINBYTES : n == 4 ? FF_OP_BINBYTES : FF_OP_BINBYTES8;
    ff_write_store(header + 1, size_bytes, n);
    return 1 + n;
}

/* Text of one character, which is one object wherever it stands. */
static uint64_t one_character(struct ff_dumper *d, uint8_t byte)
{
    uint8_t utf8[2] = {byte, 0};
    size_t size = 1;
    if (byte >= 0x80) {
        utf8[0] = (uint8_t)(0xc0 | byte >> 6);
        utf8[1] = (uint8_t)(0x80 | (byte & 0x3f));
        size = 2;
    }
    const uint64_t *known = d->doc->singles;
    return known && known[byte] ? known[byte]
                                : ff_doc_built_scalar(d->own, FF_TAG_STR, utf8, size);
}

static uint64_t latin1(struct ff_dumper *d, const uint8_t *data, size_t size)
{
    if (size == 1) {
        return one_character(d, *data);
    }
    struct ff_latin1_node *text = ff_doc_alloc(d->own, sizeof *text);
    if (!text) {
        return 0;
    }
    *text = (struct ff_latin1_node){data, size};
    return ff_cell(FF_TAG_LATIN1, text);
}

/* Before protocol 3: _codecs.encode(text, "latin1"), or bytes(). */
static int old_bytes(struct ff_dumper *d, uint64_t cell, const uint8_t *data, size_t size)
{
    struct ff_doc *own = ff_write_own(d);
    if (!own) {
        return FF_E_NO_MEMORY;
    }
    if (size == 0) {
        return ff_write_instead(d, cell,
                                ff_make_call(d, ff_make_global(d, "builtins", "bytes"),
                                             ff_make_tuple(d, NULL, 0), 0));
    }
    uint64_t args[2] = {latin1(d, data, size), ff_make_text(d, "latin1")};
    if (!args[0] || !args[1]) {
        return ff_write_no_memory(d);
    }
    return ff_write_instead(d, cell,
                            ff_make_call(d, ff_make_global(d, "_codecs", "encode"),
                                         ff_make_tuple(d, args, 2), 0));
}

/* Before protocol 5: bytearray(bytes), or bytearray(). */
static int old_bytearray(struct ff_dumper *d, uint64_t cell, const uint8_t *data,
                         size_t size)
{
    struct ff_doc *own = ff_write_own(d);
    uint64_t bytes = own && size ? ff_doc_scalar(own, FF_TAG_BYTES, data, size) : 0;
    if (!own || (size && !bytes)) {
        return ff_write_no_memory(d);
    }
    return ff_write_instead(d, cell,
                            ff_make_call(d, ff_make_global(d, "builtins", "bytearray"),
                                         ff_make_tuple(d, &bytes, size ? 1 : 0), 0));
}

static bool is_writable(uint64_t cell)
{
    const struct ff_buffer_node *buffer = ff_cell_node(cell);
    return ff_tag(cell) == FF_TAG_BYTEARRAY ||
           (ff_tag(cell) == FF_TAG_BUFFER && !buffer->base && !buffer->frozen);
}

int ff_write_binary(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    const uint8_t *data;
    size_t size;
    uint8_t header[9];
    (void)ff_cell_bytes(cell, &data, &size);
    if (is_writable(cell) && d->protocol < 5) {
        return old_bytearray(d, cell, data, size);
    }
    if (d->protocol < 3) {
        return old_bytes(d, cell, data, size);
    }
    size_t n = ff_write_bytes_header(d->protocol, size, header);
    if (is_writable(cell)) {
        header[0] = FF_OP_BYTEARRAY8;
        ff_write_store(header + 1, size, 8);
        n = 9;
    }
    if (n == 0) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "bytes over 4 GiB need protocol 4, not %u", d->protocol);
    }
    int failed = ff_write_payload(d, header, n, data, size);
    if (!failed && ff_tag(cell) == FF_TAG_BYTEARRAY &&
        ((const struct ff_blob *)ff_cell_node(cell))->readonly) {
        failed = ff_write_op(d, FF_OP_READONLY_BUFFER);
    }
    return failed ? failed : ff_write_memoize(d, cell, scratch);
}
