/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the block gives what RFC 3629 says, character by character, with surrogates: for texts of
 * every length that begins or ends anywhere in a block, right ones and ones with a wrong byte. */
#include "core/doc.h"

#include <string.h>

#include "run.h"

/* The length of the character at p, or 0. */
static size_t one(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0x80                    ? 1
               : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
               : p[0] >= 0xe0 && p[0] <= 0xef ? 3
               : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                              : 0;
    if (n == 0 || n > left) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (p[i] < 0x80 || p[i] > 0xbf) {
            return 0;
        }
    }
    return (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
                   (p[0] == 0xf4 && p[1] > 0x8f)
               ? 0
               : n;
}

static int plain_check(const uint8_t *text, size_t size)
{
    int found = 2;
    for (size_t at = 0, n; at < size; at += n) {
        found = text[at] < 0x80 ? found : 1;
        n = one(text + at, size - at);
        if (n == 0) {
            return 0;
        }
    }
    return found;
}

static uint32_t next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static const char *const characters[] = {"a",
                                         "\xd0\xb0",
                                         "\xc2\x80",
                                         "\xe0\xa0\x80",
                                         "\xed\xa0\x80",
                                         "\xef\xbf\xbf",
                                         "\xf0\x90\x80\x80",
                                         "\xf4\x8f\xbf\xbf",
                                         "\xdf\xbf",
                                         "b"};
static const uint8_t bytes[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                0xc1, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff};

/* Exactly as long, so that AddressSanitizer sees a read beyond it. */
static void compare(const uint8_t *text, size_t size)
{
    uint8_t *exact = malloc(size + 1);
    memcpy(exact + 1, text, size);
    ck_assert_int_eq(ff_utf8_check(exact + 1, size), plain_check(text, size));
    free(exact);
}

START_TEST(text_of_any_length_is_checked_as_one_character_after_the_other)
{
    uint64_t state = 1;
    uint8_t text[260];
    for (int round = 0; round < 100000; round++) {
        size_t wanted = next(&state) % 200, size = 0, kinds = 1 + next(&state) % 10;
        while (size < wanted) {
            const char *c = characters[next(&state) % kinds];
            memcpy(text + size, c, strlen(c));
            size += strlen(c);
        }
        compare(text, size);
        if (size) {
            text[next(&state) % size] = bytes[next(&state) % sizeof bytes];
            compare(text, size);
            compare(text, size - next(&state) % size % 4);
        }
    }
}
END_TEST

RUN_TESTS("utf8", text_of_any_length_is_checked_as_one_character_after_the_other)
