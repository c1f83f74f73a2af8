/* SPDX-License-Identifier: Apache-2.0 */
/* read_number.c: numbers as text, as protocol 0 has them. */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "read.h"

#define MAX_DIGITS 4300u /* as CPython: the conversion takes the square of it */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned digit_of(uint8_t c)
{
    unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                 : c >= 'a' && c <= 'z' ? (unsigned)(c - 'a' + 10)
                 : c >= 'A' && c <= 'Z' ? (unsigned)(c - 'A' + 10)
                                        : 99u;
    return d;
}

struct int_text {
    const uint8_t *digits;
    size_t size;
    unsigned base;
    bool negative;
};

static bool only_zeros(const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (p[i] != '0' && p[i] != '_') {
            return false;
        }
    }
    return true;
}

/* Strip blanks and sign, find the base. */
static bool split(const uint8_t *p, size_t size, int base, bool octal, struct int_text *t)
{
    while (size && is_space(*p)) {
        p++;
        size--;
    }
    while (size && is_space(p[size - 1])) {
        size--;
    }
    t->negative = size && *p == '-';
    if (size && (*p == '-' || *p == '+')) {
        p++;
        size--;
    }
    t->base = 10;
    if (base == 0 && size > 1 && p[0] == '0') {
        uint8_t c = p[1] | 0x20;
        unsigned prefixed = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
        if (prefixed) {
            t->base = prefixed;
            size_t skip = size > 2 && p[2] == '_' ? 3 : 2;
            p += skip;
            size -= skip;
        } else if (octal && !memchr(p, '_', size)) {
            t->base = 8;
        } else if (!only_zeros(p, size)) {
            return false;
        }
    }
    t->digits = p;
    t->size = size;
    return size > 0;
}

/* words = words * factor + add, little endian. */
static size_t multiply_add(uint32_t *words, size_t count, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < count; i++) {
        carry += (uint64_t)words[i] * factor;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        words[count++] = (uint32_t)carry;
    }
    return count;
}

/* -1: a character that is no digit; else how many words. */
static int64_t convert(const struct int_text *t, uint32_t *words)
{
    size_t count = 0;
    for (size_t i = 0; i < t->size; i++) {
        unsigned d = digit_of(t->digits[i]);
        if (t->digits[i] == '_' && i > 0 && i + 1 < t->size && t->digits[i - 1] != '_') {
            continue;
        }
        if (d >= t->base) {
            return -1;
        }
        count = multiply_add(words, count, t->base, d);
    }
    return (int64_t)count;
}

static uint64_t to_cell(struct ff_doc *doc, uint32_t *words, size_t count, bool negative)
{
    words[count] = 0;
    uint64_t carry = negative;
    for (size_t i = 0; i <= count && negative; i++) {
        carry += (uint32_t)~words[i];
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    size_t size = (count + 1) * sizeof *words;
    uint8_t *bytes = ff_malloc(size);
    if (!bytes) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
    }
    uint64_t cell = ff_doc_int_bytes(doc, bytes, size);
    ff_free(bytes);
    return cell;
}

int ff_read_int_text(struct ff_reader *r, const uint8_t *text, size_t size, int base,
                     bool octal, uint64_t *cell)
{
    struct int_text t;
    const uint8_t *nul = memchr(text, 0, size);
    size = nul ? (size_t)(nul - text) : size;
    if (!split(text, size, base, octal, &t)) {
        return ff_read_fail(r, FF_E_CORRUPT, "not an integer");
    }
    if (t.size > MAX_DIGITS && t.base == 10) {
        return ff_read_fail(r, FF_E_LIMIT, "an integer of over %u digits", MAX_DIGITS);
    }
    if (t.size > 4 * MAX_DIGITS) {
        return ff_read_fail(r, FF_E_LIMIT, "an integer of over %u digits",
                            4 * MAX_DIGITS);
    }
    uint32_t *words = ff_calloc(t.size / 6 + 3, sizeof *words);
    if (!words) {
        return ff_read_fail(r, FF_E_NO_MEMORY, "no memory");
    }
    int64_t count = convert(&t, words);
    *cell = count < 0 ? 0 : to_cell(r->doc, words, (size_t)count, t.negative);
    ff_free(words);
    if (count < 0) {
        return ff_read_fail(r, FF_E_CORRUPT, "not an integer");
    }
    return *cell ? FF_OK : ff_read_full(r);
}

/* Of two characters "00" and "01" (and "+1", " 1") are bools: that is how protocols 0 and 1
 * write them. A leading 0 is octal, as in C, and a NUL ends the text: alone it is 0. */
int ff_op_int_line(struct ff_reader *r)
{
    uint64_t cell = ff_cell_of_int(0);
    bool spaced = r->arg_bytes && is_space(r->arg[r->arg_bytes - 1]);
    bool none = r->arg_bytes && r->arg[0] == 0;
    int failed =
        none ? FF_OK : ff_read_int_text(r, r->arg, r->arg_bytes, 0, !spaced, &cell);
    if (failed) {
        return failed;
    }
    if (r->arg_bytes == 2 && !spaced &&
        (ff_cell_int(cell) == 0 || ff_cell_int(cell) == 1)) {
        cell = ff_cell_int(cell) ? FF_TAG_TRUE : FF_TAG_FALSE;
    }
    return ff_read_push(r, cell);
}

int ff_op_long_line(struct ff_reader *r)
{
    uint64_t cell;
    size_t size = r->arg_bytes;
    if (size && r->arg[size - 1] == 'L') {
        size--;
    }
    int failed = ff_read_int_text(r, r->arg, size, 0, false, &cell);
    return failed ? failed : ff_read_push(r, cell);
}

/* What Python's own parser takes: no blanks, no underscores, no hexadecimal, no overflow. */
static bool float_syntax(const char *p)
{
    p += *p == '-' || *p == '+';
    static const char *const words[] = {"nan", "inf", "infinity"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = 0;
        while (words[i][n] && (p[n] | 0x20) == words[i][n]) {
            n++;
        }
        if (!words[i][n] && !p[n]) {
            return true;
        }
    }
    size_t whole = strspn(p, "0123456789");
    p += whole;
    size_t part = 0;
    if (*p == '.') {
        part = strspn(++p, "0123456789");
        p += part;
    }
    if (whole + part && (*p == 'e' || *p == 'E')) {
        p++;
        p += *p == '-' || *p == '+';
        size_t digits = strspn(p, "0123456789");
        p += digits ? digits : 0;
        return digits && !*p;
    }
    return whole + part && !*p;
}

int ff_op_float_line(struct ff_reader *r)
{
    char *text = ff_strndup((const char *)r->arg, r->arg_bytes);
    /* glibc has the locale "C" ready: this allocates nothing and is not freed twice */
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!text || c == (locale_t)0) {
        ff_free(text);
        return ff_read_fail(r, FF_E_NO_MEMORY, "no memory");
    }
    bool good = float_syntax(text);
    double value = good ? strtod_l(text, NULL, c) : 0;
    bool overflow = isinf(value) && !strpbrk(text, "iI");
    freelocale(c);
    ff_free(text);
    if (!good || overflow) {
        return ff_read_fail(r, FF_E_CORRUPT, "not a float");
    }
    uint64_t cell = ff_doc_float(r->doc, value);
    return cell ? ff_read_push(r, cell) : ff_read_full(r);
}
