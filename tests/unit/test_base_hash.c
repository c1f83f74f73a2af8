/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/hash.h"

#include "run.h"

/* CPython 3.11's hash(bytes(range(n))): the same function, with the keys that
 * PYTHONHASHSEED 0 and 42 give. */
static const uint8_t keys[2][FF_HASH_KEY_BYTES] = {{0},
                                                   {0xaf, 0x90, 0xcd, 0x68, 0xd3, 0x4f,
                                                    0x50, 0xdc, 0xc1, 0xe9, 0x99, 0xfe,
                                                    0x9f, 0xbb, 0x20, 0xb9}};
static const struct {
    size_t size;
    uint64_t hash[2];
} rows[] = {
    {1, {0x68a914128e01e473, 0xce880c366bcf3489}},
    {7, {0x2f098ab0c751325a, 0xce280fabc397fbda}},
    {8, {0xead411e67ebe2eea, 0x60866c3c108c6afb}},
    {9, {0x75927f9d95124362, 0x68814005f7469e03}},
    {15, {0xf30eb725bb91c9ea, 0x94ace24d68c18cf8}},
    {16, {0x8972188433a5c5b7, 0x339176f3ac59ce05}},
    {63, {0x385d3e39e5f37359, 0x6e24d6f0d014c37}},
};

START_TEST(siphash_is_as_in_cpython)
{
    uint8_t data[64];

    for (unsigned i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
    }
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_uint_eq(ff_siphash13(keys[0], data, rows[i].size), rows[i].hash[0]);
        ck_assert_uint_eq(ff_siphash13(keys[1], data, rows[i].size), rows[i].hash[1]);
    }
}
END_TEST

START_TEST(siphash_of_nothing_depends_on_key)
{
    ck_assert(ff_siphash13(keys[0], NULL, 0) != ff_siphash13(keys[1], NULL, 0));
}
END_TEST

RUN_TESTS("base_hash", siphash_is_as_in_cpython, siphash_of_nothing_depends_on_key)
