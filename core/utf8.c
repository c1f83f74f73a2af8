/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.c: whether a text is UTF-8, as Python's "surrogatepass" takes it: 16 bytes at a time, each
 * compared with the three before it. */
#include <string.h>

#include "core/base/word.h"
#include "doc.h"

#define BLOCK       16u
#define SHORT_BYTES 64u

typedef uint8_t block __attribute__((vector_size(16)));

static size_t skip_ascii(const uint8_t *text, size_t at, size_t size_bytes)
{
    while (at + 8 <= size_bytes) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        if (word & 0x8080808080808080u) {
            break;
        }
        at += 8;
    }
    while (at < size_bytes && text[at] < 0x80) {
        at++;
    }
    return at;
}

/* Over characters of two bytes, which many scripts consist of: four at a time. */
static size_t skip_pairs(const uint8_t *text, size_t at, size_t size_bytes)
{
    for (; at + 8 <= size_bytes; at += 8) {
        uint64_t four = ff_load_le64(text + at);
        uint64_t long_enough =
            (four & UINT64_C(0x001e001e001e001e)) + /* c0, c1 are not */
            UINT64_C(0x00fe00fe00fe00fe);
        if ((four & UINT64_C(0xc0e0c0e0c0e0c0e0)) != UINT64_C(0x80c080c080c080c0) ||
            (long_enough & UINT64_C(0x0100010001000100)) !=
                UINT64_C(0x0100010001000100)) {
            return at;
        }
    }
    while (at + 2 <= size_bytes && text[at] >= 0xc2 && text[at] <= 0xdf &&
           (text[at + 1] & 0xc0) == 0x80) {
        at += 2;
    }
    return at;
}

static inline block load(const uint8_t *p)
{
    block b;
    memcpy(&b, p, sizeof b);
    return b;
}

/* Not zero where the bytes at p are wrong behind those before them (RFC 3629, section 4, with
 * surrogates). Vector comparisons give 0xff for true. */
static inline block wrong(const uint8_t *p)
{
    block b = load(p), one = load(p - 1), two = load(p - 2), three = load(p - 3);
    block needed = (block)(one >= 0xc0) | (block)(two >= 0xe0) | (block)(three >= 0xf0);
    block follows = (block)((b & 0xc0) == 0x80);
    block overlong = ((block)(one == 0xe0) & (block)(b < 0xa0)) |
                     ((block)(one == 0xf0) & (block)(b < 0x90)) |
                     (block)((b & 0xfe) == 0xc0);
    block beyond = ((block)(one == 0xf4) & (block)(b > 0x8f)) | (block)(b > 0xf4);
    return (needed ^ follows) | overlong | beyond;
}

static inline bool any(block b)
{
    uint64_t half[2];
    memcpy(half, &b, sizeof half);
    return (half[0] | half[1]) != 0;
}

/* A text of at most SHORT_BYTES between zeros, which are no part of a character. */
static block wrong_short(const uint8_t *text, size_t size_bytes)
{
    uint8_t room[BLOCK + SHORT_BYTES + BLOCK] = {0};
    block found = {0};
    memcpy(room + BLOCK, text, size_bytes);
    for (size_t at = 0; at <= size_bytes; at += BLOCK) {
        found |= wrong(room + BLOCK + at);
    }
    return found;
}

/* What stands before the first whole block and behind the last goes through wrong_short, cut where a
 * character begins. */
static bool is_utf8(const uint8_t *text, size_t size_bytes)
{
    if (size_bytes <= SHORT_BYTES) {
        return !any(wrong_short(text, size_bytes));
    }
    size_t at = 3; /* three bytes stand before it */
    block found = {0};
    for (; at + BLOCK <= size_bytes; at += BLOCK) {
        found |= wrong(text + at);
    }
    size_t first = 3, last = at - 3;
    while (first < 7 && (text[first] & 0xc0) == 0x80) {
        first++;
    }
    while (last > at - 7 && (text[last] & 0xc0) == 0x80) {
        last--;
    }
    return !any(found | wrong_short(text, first) |
                wrong_short(text + last, size_bytes - last));
}

int ff_utf8_check(const uint8_t *text, size_t size_bytes)
{
    size_t at = skip_ascii(text, 0, size_bytes);
    if (at == size_bytes) {
        return 2;
    }
    at = skip_pairs(text, at, size_bytes);
    return at == size_bytes || is_utf8(text + at, size_bytes - at);
}
