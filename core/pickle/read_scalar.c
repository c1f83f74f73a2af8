/* SPDX-License-Identifier: Apache-2.0 */
/* read_scalar.c: opcodes that push a scalar, and those of the memo. */
#include <string.h>

#include "read.h"

int ff_op_none(struct ff_reader *r)
{
    return ff_read_push(r, FF_TAG_NONE);
}

int ff_op_newtrue(struct ff_reader *r)
{
    return ff_read_push(r, FF_TAG_TRUE);
}

int ff_op_newfalse(struct ff_reader *r)
{
    return ff_read_push(r, FF_TAG_FALSE);
}

int ff_op_binint1(struct ff_reader *r)
{
    return ff_read_push(r, ff_cell_of_int(r->arg[0]));
}

int ff_op_binint2(struct ff_reader *r)
{
    return ff_read_push(r, ff_cell_of_int((int64_t)ff_read_u64(r->arg, 2)));
}

int ff_op_binint(struct ff_reader *r)
{
    return ff_read_push(r, ff_cell_of_int((int32_t)(uint32_t)ff_read_u64(r->arg, 4)));
}

/* LONG1, LONG4: inline when it fits, whatever its length. */
int ff_op_longs(struct ff_reader *r)
{
    size_t size = r->arg_bytes;
    const uint8_t *p = r->arg;
    while (size > 1 && (p[size - 1] == 0 || p[size - 1] == 0xff) &&
           (p[size - 1] & 0x80) == (p[size - 2] & 0x80)) {
        size--;
    }
    if (size > 7) {
        return ff_read_push(r, ff_cell(FF_TAG_BIGINT, r->op));
    }
    uint64_t value = ff_read_u64(p, size);
    if (size && (p[size - 1] & 0x80)) {
        value |= UINT64_MAX << (8 * size);
    }
    return ff_read_push(r, ff_cell_of_int((int64_t)value));
}

int ff_op_binfloat(struct ff_reader *r)
{
    return ff_read_push(r, ff_cell(FF_TAG_FLOAT, r->op));
}

int ff_op_unicode(struct ff_reader *r)
{
    if (!ff_utf8_check(r->arg, r->arg_bytes)) {
        return ff_read_fail(r, FF_E_CORRUPT, "the text is not UTF-8");
    }
    return ff_read_push(r, ff_cell(FF_TAG_STR, r->op));
}

int ff_op_bytes(struct ff_reader *r)
{
    return ff_read_push(r, ff_cell(FF_TAG_BYTES, r->op));
}

int ff_op_bytearray(struct ff_reader *r)
{
    struct ff_blob *blob = ff_doc_alloc(r->doc, sizeof *blob);
    if (blob) {
        *blob = (struct ff_blob){r->arg, r->arg_bytes, false, 0};
    }
    return ff_read_push_node(r, FF_TAG_BYTEARRAY, blob);
}

/* ---- Python 2's str ---- */

/* Latin-1 as UTF-8, in the arena. */
static uint64_t latin1_text(struct ff_reader *r, const uint8_t *data, size_t size)
{
    size_t wide = 0;
    for (size_t i = 0; i < size; i++) {
        wide += data[i] >> 7;
    }
    uint64_t cell = ff_doc_scalar(r->doc, FF_TAG_STR, data, size);
    if (!cell || !wide) {
        return cell;
    }
    size_t total = size + wide, at = 0;
    uint8_t *code = ff_doc_alloc(r->doc, 9 + total);
    if (!code) {
        return 0;
    }
    code[0] = FF_OP_BINUNICODE8;
    for (size_t i = 0; i < 8; i++) {
        code[1 + i] = (uint8_t)(total >> (8 * i));
    }
    for (size_t i = 0; i < size; i++) {
        if (data[i] < 0x80) {
            code[9 + at++] = data[i];
        } else {
            code[9 + at++] = (uint8_t)(0xc0 | data[i] >> 6);
            code[9 + at++] = (uint8_t)(0x80 | (data[i] & 0x3f));
        }
    }
    return ff_cell(FF_TAG_STR, code);
}

/* Push the str whose opcode is at `code`. */
static int push_str2(struct ff_reader *r, const uint8_t *code, const uint8_t *data,
                     size_t size)
{
    int utf8 = ff_utf8_check(data, size);
    bool text = r->options.py2_strings != FF_PY2_BYTES &&
                (utf8 == 2 || (utf8 == 1 && r->options.py2_strings == FF_PY2_UTF8));
    uint64_t raw = ff_cell(text ? FF_TAG_STR2 : FF_TAG_BYTES2, code);
    if (text || r->options.py2_strings != FF_PY2_LATIN1) {
        return ff_read_push(r, raw);
    }
    struct ff_decoded *decoded = ff_doc_alloc(r->doc, sizeof *decoded);
    uint64_t cell = decoded ? latin1_text(r, data, size) : 0;
    if (!cell) {
        return ff_read_full(r);
    }
    *decoded = (struct ff_decoded){raw, cell};
    return ff_read_push(r, ff_cell(FF_TAG_DECODED2, decoded));
}

int ff_op_binstring(struct ff_reader *r)
{
    return push_str2(r, r->op, r->arg, r->arg_bytes);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* One escape at p[0] == '\\'. How much was read, 0 = bad; *out < 0: it stays as it is. */
static size_t unescape(const uint8_t *p, size_t left, int *out)
{
    static const char names[] = "\\'\"abfnrtv";
    static const char meant[] = "\\'\"\a\b\f\n\r\t\v";
    *out = -1;
    if (left < 2) {
        return 0;
    }
    const char *known = p[1] ? strchr(names, p[1]) : NULL;
    if (known) {
        *out = meant[known - names];
        return 2;
    }
    if (p[1] == 'x') {
        int high = left > 3 ? hex_digit(p[2]) : -1, low = left > 3 ? hex_digit(p[3]) : -1;
        *out = high * 16 + low;
        return high < 0 || low < 0 ? 0 : 4;
    }
    if (p[1] < '0' || p[1] > '7') {
        return 2; /* an unknown escape keeps its backslash */
    }
    size_t n = 1;
    *out = 0;
    while (n < 4 && n < left && p[n] >= '0' && p[n] <= '7') {
        *out = *out * 8 + (p[n++] - '0');
    }
    *out &= 0xff;
    return n;
}

int ff_op_string_line(struct ff_reader *r)
{
    const uint8_t *p = r->arg;
    size_t size = r->arg_bytes;
    if (size < 2 || (p[0] != '\'' && p[0] != '"') || p[size - 1] != p[0]) {
        return ff_read_fail(r, FF_E_CORRUPT, "the string is not in quotes");
    }
    p++;
    size -= 2;
    uint8_t *code = ff_doc_alloc(r->doc, 5 + size);
    if (!code || size > UINT32_MAX) {
        return ff_read_full(r);
    }
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        int c = p[i];
        size_t n = p[i] == '\\' ? unescape(p + i, size - i, &c) : 1;
        if (n == 0) {
            return ff_read_fail(r, FF_E_CORRUPT, "a bad escape in the string");
        }
        if (c < 0) {
            code[5 + used++] = '\\';
            c = p[i + 1];
        }
        code[5 + used++] = (uint8_t)c;
        i += n;
    }
    code[0] = used <= UINT8_MAX ? FF_OP_SHORT_BINSTRING : FF_OP_BINSTRING;
    size_t head = used <= UINT8_MAX ? 2 : 5;
    memmove(code + head, code + 5, used);
    for (size_t i = 1; i < head; i++) {
        code[i] = (uint8_t)(used >> (8 * (i - 1)));
    }
    return push_str2(r, code, code + head, used);
}

/* ---- UNICODE: raw-unicode-escape ---- */

static size_t encode(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1;) {
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (uint8_t)(lead[n] | c);
    return n;
}

/* A \u or \U escape behind its backslash: the character, or -1. */
static int64_t wide_escape(const uint8_t *p, size_t left, size_t *taken)
{
    size_t digits = p[0] == 'u' ? 4 : 8;
    int64_t c = 0;
    if (left < 1 + digits) {
        return -1;
    }
    for (size_t i = 1; i <= digits; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        c = c * 16 + digit;
    }
    *taken = 1 + digits;
    return c > 0x10ffff ? -1 : c;
}

int ff_op_unicode_line(struct ff_reader *r)
{
    const uint8_t *p = r->arg;
    uint8_t *code = ff_doc_alloc(r->doc, 9 + 2 * r->arg_bytes);
    if (!code) {
        return ff_read_full(r);
    }
    size_t used = 0;
    for (size_t i = 0; i < r->arg_bytes;) {
        size_t left = r->arg_bytes - i;
        if (p[i] != '\\' || left < 2 || (p[i + 1] != 'u' && p[i + 1] != 'U')) {
            size_t pair = p[i] == '\\' && left > 1 && p[i + 1] == '\\' ? 2 : 1;
            for (size_t n = 0; n < pair; n++) {
                used += encode(p[i++], code + 9 + used);
            }
            continue;
        }
        size_t taken = 0;
        int64_t c = wide_escape(p + i + 1, left - 1, &taken);
        if (c < 0) {
            return ff_read_fail(r, FF_E_CORRUPT, "a bad escape in the text");
        }
        used += encode((uint32_t)c, code + 9 + used);
        i += 1 + taken;
    }
    code[0] = FF_OP_BINUNICODE8;
    for (size_t i = 0; i < 8; i++) {
        code[1 + i] = (uint8_t)(used >> (8 * i));
    }
    return ff_read_push(r, ff_cell(FF_TAG_STR, code));
}

/* ---- the memo ---- */

int ff_op_memoize(struct ff_reader *r)
{
    return ff_read_put(r, r->memo_count);
}

int ff_op_binput(struct ff_reader *r)
{
    return ff_read_put(r, r->arg[0]);
}

int ff_op_long_binput(struct ff_reader *r)
{
    return ff_read_put(r, ff_read_u64(r->arg, 4));
}

int ff_op_binget(struct ff_reader *r)
{
    return ff_read_get(r, r->arg[0]);
}

int ff_op_long_binget(struct ff_reader *r)
{
    return ff_read_get(r, ff_read_u64(r->arg, 4));
}

static int line_index(struct ff_reader *r, uint64_t *index)
{
    uint64_t cell;
    int failed = ff_read_int_text(r, r->arg, r->arg_bytes, 10, false, &cell);
    if (failed) {
        return failed;
    }
    if (ff_tag(cell) != FF_TAG_INT || ff_cell_int(cell) < 0) {
        return ff_read_fail(r, FF_E_CORRUPT, "a memo index out of range");
    }
    *index = (uint64_t)ff_cell_int(cell);
    return FF_OK;
}

int ff_op_put_line(struct ff_reader *r)
{
    uint64_t index = 0;
    int failed = line_index(r, &index);
    return failed ? failed : ff_read_put(r, index);
}

int ff_op_get_line(struct ff_reader *r)
{
    uint64_t index = 0;
    int failed = line_index(r, &index);
    return failed ? failed : ff_read_get(r, index);
}
