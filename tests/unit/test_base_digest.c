/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/digest.h"

#include <string.h>

#include "run.h"

/* FIPS 180-4's own examples, and the empty text */
static const struct {
    enum ff_digest_kind kind;
    const char *text, *hex;
} rows[] = {
    {FF_DIGEST_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    {FF_DIGEST_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {FF_DIGEST_SHA1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {FF_DIGEST_SHA256, "",
     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {FF_DIGEST_SHA256, "abc",
     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
};

START_TEST(digest_at_once_is_known)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t out[FF_DIGEST_MAX_BYTES];
        char hex[2 * FF_DIGEST_MAX_BYTES + 1];

        ck_assert_int_eq(
            ff_digest_of(rows[i].kind, rows[i].text, strlen(rows[i].text), out), 0);
        ff_hex(out, strlen(rows[i].hex) / 2, hex);
        ck_assert_str_eq(hex, rows[i].hex);
    }
}
END_TEST

START_TEST(digest_in_pieces_is_known)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct ff_digest d;
        uint8_t out[FF_DIGEST_MAX_BYTES];
        char hex[2 * FF_DIGEST_MAX_BYTES + 1];

        ck_assert_int_eq(ff_digest_init(&d, rows[i].kind), 0);
        for (const char *at = rows[i].text; *at; at++) {
            ck_assert_int_eq(ff_digest_update(&d, at, 1), 0);
        }
        ck_assert_int_eq(ff_digest_final(&d, out), 0);
        ff_hex(out, d.size_bytes, hex);
        ck_assert_str_eq(hex, rows[i].hex);
        ff_digest_free(&d);
        ff_digest_free(&d);
    }
}
END_TEST

RUN_TESTS("base_digest", digest_at_once_is_known, digest_in_pieces_is_known)
