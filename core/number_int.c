/* SPDX-License-Identifier: Apache-2.0 */
/* number_int.c: integers of any size as decimal and as hex digits. */
#include "core/number.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"

#define BILLION 1000000000u

static bool is_negative(const uint8_t *bytes, size_t size_bytes)
{
    return size_bytes > 0 && (bytes[size_bytes - 1] & 0x80);
}

/* The bytes of the absolute value; `carry` starts as 1. */
static uint8_t magnitude_byte(uint8_t byte, bool negative, unsigned *carry)
{
    unsigned value = negative ? (uint8_t)~byte + *carry : byte;
    *carry = value >> 8;
    return (uint8_t)value;
}

static void load_magnitude(const uint8_t *bytes, size_t size_bytes, uint32_t *words,
                           size_t word_count)
{
    bool negative = is_negative(bytes, size_bytes);
    unsigned carry = 1;
    memset(words, 0, word_count * sizeof *words);
    for (size_t i = 0; i < size_bytes; i++) {
        words[i / 4] |= (uint32_t)magnitude_byte(bytes[i], negative, &carry)
                        << (8 * (i % 4));
    }
    if (negative && carry) { /* -2^(8n): its absolute value needs one bit more */
        words[size_bytes / 4] |= (uint32_t)1 << (8 * (size_bytes % 4));
    }
}

static uint32_t divide(uint32_t *words, size_t *word_count)
{
    uint64_t rest = 0;
    for (size_t i = *word_count; i-- > 0;) {
        rest = rest << 32 | words[i];
        words[i] = (uint32_t)(rest / BILLION);
        rest %= BILLION;
    }
    while (*word_count && words[*word_count - 1] == 0) {
        --*word_count;
    }
    return (uint32_t)rest;
}

static int append_groups(const uint32_t *groups, size_t group_count, struct ff_buf *out)
{
    int rc = ff_buf_printf(out, "%u", group_count ? groups[group_count - 1] : 0);
    for (size_t i = group_count ? group_count - 1 : 0; i-- > 0 && !rc;) {
        rc = ff_buf_printf(out, "%09u", groups[i]);
    }
    return rc;
}

int ff_int_text(const uint8_t *bytes, size_t size_bytes, struct ff_buf *out)
{
    size_t word_count = size_bytes / 4 + 1, group_count = 0;
    /* 9 digits are less than 30 bits, and at least 29 */
    size_t group_max = word_count + word_count / 8 + 2;
    uint32_t *words = ff_realloc_array(NULL, word_count + group_max, sizeof *words);
    uint32_t *groups;
    int rc = 0;
    if (!words) {
        return -ENOMEM;
    }
    groups = words + word_count;
    load_magnitude(bytes, size_bytes, words, word_count);
    while (word_count && words[word_count - 1] == 0) {
        word_count--;
    }
    while (word_count) {
        groups[group_count++] = divide(words, &word_count);
    }
    if (is_negative(bytes, size_bytes)) {
        rc = ff_buf_append_byte(out, '-');
    }
    rc = rc ? rc : append_groups(groups, group_count, out);
    ff_free(words);
    return rc;
}

int ff_int_hex(const uint8_t *bytes, size_t size_bytes, struct ff_buf *out)
{
    static const char hex[] = "0123456789abcdef";
    bool negative = is_negative(bytes, size_bytes);
    unsigned carry = 1;
    size_t digits = 2 * size_bytes, start;
    int rc = ff_buf_append_text(out, negative ? "-0x" : "0x");
    rc = rc ? rc : ff_buf_reserve(out, digits + 2);
    if (rc) {
        return rc;
    }
    uint8_t *to = out->data + out->length_bytes;
    for (size_t i = 0; i < size_bytes; i++) {
        uint8_t byte = magnitude_byte(bytes[i], negative, &carry);
        to[digits - 1 - 2 * i] = (uint8_t)hex[byte & 15];
        to[digits - 2 - 2 * i] = (uint8_t)hex[byte >> 4];
    }
    for (start = 0; start + 1 < digits && to[start] == '0';) {
        start++;
    }
    if (digits == 0) {
        to[digits++] = '0';
    }
    memmove(to, to + start, digits - start);
    ff_buf_added(out, digits - start);
    return 0;
}

/* The absolute value in `words` as two's complement with a sign bit. */
static int append_signed(const uint32_t *words, size_t word_count, bool negative,
                         struct ff_buf *out)
{
    size_t size_bytes = 4 * word_count + 1;
    unsigned carry = 1;
    int rc = ff_buf_reserve(out, size_bytes);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; i < size_bytes; i++) {
        uint32_t word = i / 4 < word_count ? words[i / 4] : 0;
        uint8_t byte = (uint8_t)(word >> (8 * (i % 4)));
        out->data[out->length_bytes + i] = magnitude_byte(byte, negative, &carry);
    }
    ff_buf_added(out, size_bytes);
    return 0;
}

static void multiply_add(uint32_t *words, size_t *word_count, uint32_t factor,
                         uint32_t add)
{
    uint64_t carry = add;
    for (size_t i = 0; i < *word_count; i++) {
        carry += (uint64_t)words[i] * factor;
        words[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) {
        words[(*word_count)++] = (uint32_t)carry;
    }
}

static bool all_digits(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return count > 0;
}

int ff_int_parse(const char *text, size_t length_bytes, struct ff_buf *out)
{
    bool negative = length_bytes > 0 && text[0] == '-';
    const char *digit = text + negative;
    size_t left = length_bytes - negative, word_count = 0;
    uint32_t *words;
    int rc;
    if (!all_digits(digit, left)) {
        return -EINVAL;
    }
    if (left > FF_INT_PARSE_MAX_DIGITS) {
        return -E2BIG;
    }
    words = ff_realloc_array(NULL, left / 9 + 2, sizeof *words);
    if (!words) {
        return -ENOMEM;
    }
    while (left) {
        uint32_t factor = 1, group = 0;
        size_t take = left % 9 ? left % 9 : 9;
        for (size_t i = 0; i < take; i++, factor *= 10) {
            group = 10 * group + (uint32_t)(*digit++ - '0');
        }
        multiply_add(words, &word_count, factor, group);
        left -= take;
    }
    rc = append_signed(words, word_count, negative, out);
    ff_free(words);
    return rc;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int ff_int_parse_hex(const char *text, size_t length_bytes, struct ff_buf *out)
{
    bool negative = length_bytes > 0 && text[0] == '-';
    size_t count = length_bytes - negative, word_count;
    uint32_t *words;
    int rc = 0;
    text += negative;
    if (count < 3 || text[0] != '0' || text[1] != 'x') {
        return -EINVAL;
    }
    word_count = (count - 2 + 7) / 8;
    words = ff_calloc(word_count, sizeof *words);
    if (!words) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count - 2 && !rc; i++) {
        int value = hex_digit(text[count - 1 - i]);
        rc = value < 0 ? -EINVAL : 0;
        words[i / 8] |= (uint32_t)(value & 15) << (4 * (i % 8));
    }
    rc = rc ? rc : append_signed(words, word_count, negative, out);
    ff_free(words);
    return rc;
}
