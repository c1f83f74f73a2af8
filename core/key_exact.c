/* SPDX-License-Identifier: Apache-2.0 */
/* key_exact.c: see key_exact.h. Big numbers are limbs of 32 bits, the lowest first. */
#include "core/key_exact.h"

#include <math.h>
#include <string.h>

/* Inverses modulo 2^64. */
#define FIVE_INVERSE       UINT64_C(14757395258967641293)
#define FIVE_TO_27         UINT64_C(7450580596923828125)
#define FIVE_TO_27_INVERSE UINT64_C(14782855951936763573)
#define DOUBLE_BITS        53
#define LOWEST_EXPONENT    (-1074)

/* ---- big numbers ---- */

void ff_big_trim(struct ff_big *b)
{
    while (b->count && b->limb[b->count - 1] == 0) {
        b->count--;
    }
}

static bool is_one(const struct ff_big *b)
{
    return b->count == 1 && b->limb[0] == 1;
}

void ff_big_set_one(struct ff_big *b)
{
    b->count = 1;
    b->limb[0] = 1;
}

bool ff_big_set_int(struct ff_big *b, const uint8_t *bytes, size_t size, bool *negative)
{
    unsigned carry = 1;
    *negative = size && (bytes[size - 1] & 0x80);
    if (size > 4 * (size_t)FF_BIG_LIMBS) {
        return false;
    }
    b->count = size / 4 + 1;
    memset(b->limb, 0, b->count * sizeof *b->limb);
    for (size_t i = 0; i < size; i++) {
        unsigned byte = *negative ? (uint8_t)~bytes[i] + carry : bytes[i];
        b->limb[i / 4] |= (uint32_t)(byte & 0xff) << (8 * (i % 4));
        carry = byte >> 8;
    }
    if (*negative && carry) { /* -2^(8 size) */
        b->limb[size / 4] |= (uint32_t)1 << (8 * (size % 4));
    }
    ff_big_trim(b);
    return true;
}

void ff_big_set_digits(struct ff_big *b, const char *digit, size_t count)
{
    b->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t factor = 10, group = (uint32_t)(digit[i] - '0');
        for (; factor < 1000000000 && i + 1 < count; factor *= 10) {
            group = 10 * group + (uint32_t)(digit[++i] - '0');
        }
        uint64_t carry = group;
        for (size_t j = 0; j < b->count; j++) {
            carry += (uint64_t)b->limb[j] * factor;
            b->limb[j] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry) {
            b->limb[b->count++] = (uint32_t)carry;
        }
    }
}

/* The number without its factors 2; how many they were. */
static int64_t strip_twos(struct ff_big *b)
{
    size_t limbs = 0;
    unsigned bits = 0;
    while (b->limb[limbs] == 0) {
        limbs++;
    }
    while (!(b->limb[limbs] >> bits & 1)) {
        bits++;
    }
    for (size_t i = limbs; i < b->count && (limbs || bits); i++) {
        uint64_t two = b->limb[i];
        two |= i + 1 < b->count ? (uint64_t)b->limb[i + 1] << 32 : 0;
        b->limb[i - limbs] = (uint32_t)(two >> bits);
    }
    b->count -= limbs;
    ff_big_trim(b);
    return (int64_t)(32 * limbs + bits);
}

/* False: there would be a remainder, and nothing was changed. From the lowest limb on, two at a
 * time, by the inverse of `by` modulo 2^64 (T. Jebelean, "An algorithm for exact division", 1993):
 * a big power of five is divided hundreds of times, and to multiply is many times as fast. */
static bool divide(struct ff_big *b, uint64_t by, uint64_t inverse)
{
    struct ff_big quotient;
    uint64_t borrow = 0;
    b->limb[b->count] = 0; /* the other half of the last one */
    for (size_t i = 0; i < b->count; i += 2) {
        uint64_t two = b->limb[i] | (uint64_t)b->limb[i + 1] << 32;
        uint64_t part = (two - borrow) * inverse;
        borrow = (uint64_t)((unsigned __int128)part * by >> 64) + (two < borrow);
        quotient.limb[i] = (uint32_t)part;
        quotient.limb[i + 1] = (uint32_t)(part >> 32);
    }
    if (borrow) {
        return false;
    }
    memcpy(b->limb, quotient.limb, b->count * sizeof *b->limb);
    ff_big_trim(b);
    return true;
}

static int64_t strip_fives(struct ff_big *b)
{
    int64_t count = 0;
    while (divide(b, FIVE_TO_27, FIVE_TO_27_INVERSE)) {
        count += 27;
    }
    while (divide(b, 5, FIVE_INVERSE)) {
        count++;
    }
    return count;
}

/* ---- the id of an exact number ---- */

/* top * 5^fives, when that fits. */
static bool multiply_out(const struct ff_exact *x, uint64_t *out)
{
    if (!is_one(&x->bottom) || x->top.count > 2 || x->fives < 0 || x->fives > 27) {
        return false;
    }
    *out = x->top.limb[0] | (x->top.count > 1 ? (uint64_t)x->top.limb[1] << 32 : 0);
    for (int64_t i = 0; i < x->fives; i++) {
        if (__builtin_mul_overflow(*out, 5u, out)) {
            return false;
        }
    }
    return true;
}

static int bits_of(uint64_t value)
{
    return value ? 64 - __builtin_clzll(value) : 0;
}

/* As the int or double that it is exactly; `odd` is. */
static bool plain_id(const struct ff_exact *x, uint64_t odd, struct ff_key_id *id)
{
    int bits = bits_of(odd);
    if (x->twos >= 0 && bits + x->twos <= 56) {
        int64_t whole = (int64_t)(odd << x->twos);
        whole = x->negative ? -whole : whole;
        if (whole >= FF_INLINE_INT_MIN && whole <= FF_INLINE_INT_MAX) {
            *id = ff_key_id_of_int(whole);
            return true;
        }
    }
    if (bits > DOUBLE_BITS || x->twos < LOWEST_EXPONENT || x->twos + bits > 1024) {
        return false;
    }
    double real = ldexp((double)odd, (int)x->twos);
    ff_key_of_float(NULL, x->negative ? -real : real, 0, id);
    return true;
}

int ff_exact_id(struct ff_keys *k, struct ff_exact *x, struct ff_key_id *id)
{
    uint64_t odd;
    size_t limbs = x->top.count + x->bottom.count;
    int64_t fives = x->fives;
    x->twos += strip_twos(&x->top) - strip_twos(&x->bottom);
    x->fives += strip_fives(&x->top) - strip_fives(&x->bottom);
    fives = fives < x->fives ? x->fives - fives : fives - x->fives;
    k->work_bytes += limbs * ((uint64_t)fives / 27 + 4);
    if (multiply_out(x, &odd) && plain_id(x, odd, id)) {
        return FF_KEY_ID;
    }
    const int64_t head[] = {x->negative, x->twos, x->fives, (int64_t)x->top.count};
    ff_buf_clear(&k->bytes);
    if (ff_buf_append(&k->bytes, head, sizeof head) ||
        ff_buf_append(&k->bytes, x->top.limb, x->top.count * sizeof *x->top.limb) ||
        ff_buf_append(&k->bytes, x->bottom.limb,
                      x->bottom.count * sizeof *x->bottom.limb)) {
        return FF_KEY_NO_MEMORY;
    }
    ff_key_hash(k, 'q', k->bytes.data, k->bytes.length_bytes, id);
    return FF_KEY_ID;
}
