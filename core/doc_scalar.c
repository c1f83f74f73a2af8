/* SPDX-License-Identifier: Apache-2.0 */
/* doc_scalar.c: scalars as pickle opcodes: how long they are, what they hold, new ones.
 */
#include <string.h>

#include "doc.h"

enum { EMPTY_TEXT = 256, EMPTY_BYTES, SINGLES }; /* what CPython has once each */

static uint64_t load_le(const uint8_t *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) {
        value = value << 8 | p[i];
    }
    return value;
}

/* Bytes of the length behind the opcode. */
static size_t length_bytes(uint8_t code)
{
    switch (code) {
    case 0x8c: /* SHORT_BINUNICODE */
    case 'C':  /* SHORT_BINBYTES */
    case 'U':  /* SHORT_BINSTRING */
    case 0x8a: /* LONG1 */
        return 1;
    case 0x8d: /* BINUNICODE8 */
    case 0x8e: /* BINBYTES8 */
        return 8;
    default: /* BINUNICODE, BINBYTES, BINSTRING, LONG4 */
        return 4;
    }
}

const uint8_t *ff_code_payload(const uint8_t *code, size_t *size_bytes)
{
    if (length_bytes(*code) == 1) {
        *size_bytes = code[1];
        return code + 2;
    }
    size_t n = length_bytes(*code);
    *size_bytes = (size_t)load_le(code + 1, n);
    return code + 1 + n;
}

struct scalar_codes {
    uint8_t in1, in4, in8; /* 0 = there is none */
};

static struct scalar_codes codes_of(unsigned tag)
{
    switch (tag) {
    case FF_TAG_STR:
        return (struct scalar_codes){0x8c, 'X', 0x8d};
    case FF_TAG_BYTES:
        return (struct scalar_codes){'C', 'B', 0x8e};
    case FF_TAG_BIGINT:
        return (struct scalar_codes){0x8a, 0x8b, 0};
    default:
        return (struct scalar_codes){'U', 'T', 0};
    }
}

uint64_t ff_doc_scalar_room(struct ff_doc *doc, unsigned tag, size_t size_bytes,
                            uint8_t **room)
{
    struct scalar_codes codes = codes_of(tag);
    size_t n = size_bytes <= UINT8_MAX ? 1 : size_bytes <= INT32_MAX ? 4 : 8;
    uint8_t code = n == 1 ? codes.in1 : n == 4 ? codes.in4 : codes.in8;
    if (!code || size_bytes > SIZE_MAX / 2) {
        return 0;
    }
    uint8_t *at = ff_doc_alloc(doc, 1 + n + size_bytes);
    if (!at) {
        return 0;
    }
    at[0] = code;
    for (size_t i = 0; i < n; i++) {
        at[1 + i] = (uint8_t)(size_bytes >> (8 * i));
    }
    *room = at + 1 + n;
    return ff_cell(tag, at);
}

uint64_t ff_doc_scalar(struct ff_doc *doc, unsigned tag, const void *data,
                       size_t size_bytes)
{
    uint8_t *room;
    uint64_t cell = ff_doc_scalar_room(doc, tag, size_bytes, &room);
    if (cell && size_bytes) {
        memcpy(room, data, size_bytes);
    }
    return cell;
}

/* Which of them it is: text of one character below 256, and what is empty; else SINGLES. */
static size_t single(unsigned tag, const uint8_t *data, size_t size_bytes)
{
    bool latin1 = size_bytes == 2 && (data[0] & 0xfe) == 0xc2;
    if (size_bytes == 0) {
        return tag == FF_TAG_BYTES ? EMPTY_BYTES : EMPTY_TEXT;
    }
    if (tag != FF_TAG_STR || size_bytes > 2 || (size_bytes == 2 && !latin1)) {
        return SINGLES;
    }
    return latin1 ? (size_t)(data[0] & 3) << 6 | (data[1] & 0x3f) : data[0];
}

uint64_t ff_doc_built_scalar(struct ff_doc *doc, unsigned tag, const void *data,
                             size_t size_bytes)
{
    size_t at = single(tag, data, size_bytes);
    if (at == SINGLES) {
        return ff_doc_scalar(doc, tag, data, size_bytes);
    }
    if (!doc->singles) {
        doc->singles = ff_doc_alloc(doc, SINGLES * sizeof *doc->singles);
        if (!doc->singles) {
            return 0;
        }
        memset(doc->singles, 0, SINGLES * sizeof *doc->singles);
    }
    if (!doc->singles[at]) {
        doc->singles[at] = ff_doc_scalar(doc, tag, data, size_bytes);
    }
    return doc->singles[at];
}

uint64_t ff_doc_int(struct ff_doc *doc, int64_t value)
{
    if (value >= FF_INLINE_INT_MIN && value <= FF_INLINE_INT_MAX) {
        return ff_cell_of_int(value);
    }
    uint8_t bytes[8];
    for (size_t i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    }
    return ff_doc_scalar(doc, FF_TAG_BIGINT, bytes, 8);
}

uint64_t ff_doc_int_bytes(struct ff_doc *doc, const uint8_t *bytes, size_t size_bytes)
{
    while (size_bytes > 1 &&
           (bytes[size_bytes - 1] == 0 || bytes[size_bytes - 1] == 0xff) &&
           (bytes[size_bytes - 1] & 0x80) == (bytes[size_bytes - 2] & 0x80)) {
        size_bytes--;
    }
    if (size_bytes > 8) {
        return ff_doc_scalar(doc, FF_TAG_BIGINT, bytes, size_bytes);
    }
    uint64_t value = load_le(bytes, size_bytes);
    if (size_bytes > 0 && size_bytes < 8 && (bytes[size_bytes - 1] & 0x80)) {
        value |= UINT64_MAX << (8 * size_bytes);
    }
    return ff_doc_int(doc, (int64_t)value);
}

uint64_t ff_doc_float(struct ff_doc *doc, double value)
{
    uint8_t *at = ff_doc_alloc(doc, 9);
    if (!at) {
        return 0;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    at[0] = 'G';
    for (size_t i = 0; i < 8; i++) {
        at[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    return ff_cell(FF_TAG_FLOAT, at);
}

double ff_cell_float(uint64_t cell)
{
    const uint8_t *p = ff_cell_code(cell) + 1;
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 8 | p[i];
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool ff_cell_text(uint64_t cell, const char **text, size_t *size_bytes)
{
    if (ff_tag(cell) == FF_TAG_DECODED2) {
        cell = ((const struct ff_decoded *)ff_cell_node(cell))->text;
    }
    if (ff_tag(cell) != FF_TAG_STR && ff_tag(cell) != FF_TAG_STR2) {
        return false;
    }
    *text = (const char *)ff_code_payload(ff_cell_code(cell), size_bytes);
    return true;
}

bool ff_cell_is(uint64_t cell, const char *text)
{
    const char *mine;
    size_t size;
    return ff_cell_text(cell, &mine, &size) && size == strlen(text) &&
           memcmp(mine, text, size) == 0;
}

bool ff_cell_bytes(uint64_t cell, const uint8_t **data, size_t *size_bytes)
{
    if (ff_tag(cell) == FF_TAG_BYTEARRAY) {
        const struct ff_blob *blob = ff_cell_node(cell);
        *data = blob->data;
        *size_bytes = blob->size_bytes;
        return true;
    }
    if (ff_tag(cell) == FF_TAG_BUFFER) {
        const struct ff_buffer_node *buffer = ff_cell_node(cell);
        *data = buffer->data;
        *size_bytes = buffer->size_bytes;
        return buffer->given;
    }
    if (ff_tag(cell) != FF_TAG_BYTES && ff_tag(cell) != FF_TAG_BYTES2) {
        return false;
    }
    *data = ff_code_payload(ff_cell_code(cell), size_bytes);
    return true;
}
