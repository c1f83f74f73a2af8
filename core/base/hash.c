/* SPDX-License-Identifier: Apache-2.0 */
/* hash.c: SipHash with 1 round a word and 3 at the end. */
#include "hash.h"

#include <string.h>

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t load_le64(const uint8_t *bytes)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < 8; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static inline void sip_round(struct state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void add_word(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    s->v0 ^= word;
}

uint64_t ff_siphash13(const uint8_t key[FF_HASH_KEY_BYTES], const void *data,
                      size_t size_bytes)
{
    uint64_t k0 = load_le64(key), k1 = load_le64(key + 8);
    struct state s = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
                      k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    const uint8_t *bytes = data;
    uint8_t tail[8] = {0};
    size_t left = size_bytes;

    for (; left >= 8; bytes += 8, left -= 8) {
        add_word(&s, load_le64(bytes));
    }
    if (left) {
        memcpy(tail, bytes, left);
    }
    tail[7] = (uint8_t)size_bytes;
    add_word(&s, load_le64(tail));
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; i++) {
        sip_round(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
