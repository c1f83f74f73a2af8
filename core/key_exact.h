/* SPDX-License-Identifier: Apache-2.0 */
/* key_exact.h: the one form of a number,
 *     +-top / bottom * 2^twos * 5^fives,  top and bottom without factors 2 and 5
 * which a Decimal of any exponent has without being multiplied out. */
#ifndef FF_CORE_KEY_EXACT_H
#define FF_CORE_KEY_EXACT_H

#include "core/key_object.h"

#define FF_BIG_LIMBS  512u
#define FF_BIG_DIGITS 4300u /* fit; what Python's own int() reads at most */

struct ff_big {
    size_t count;
    uint32_t limb[FF_BIG_LIMBS + 2]; /* an even number: they are divided in pairs */
};

struct ff_exact {
    bool negative;
    int64_t twos, fives;
    struct ff_big top, bottom;
};

/* Two's complement, little endian; its absolute value. False: too big. */
bool ff_big_set_int(struct ff_big *b, const uint8_t *bytes, size_t size, bool *negative);
/* Digits only, at most FF_BIG_DIGITS. */
void ff_big_set_digits(struct ff_big *b, const char *digit, size_t count);
/* What that takes, in bytes that are hashed in the same time. */
static inline uint64_t ff_big_work(size_t digits)
{
    return (uint64_t)digits * digits / 256;
}
void ff_big_set_one(struct ff_big *b);
/* No zeros on top. */
void ff_big_trim(struct ff_big *b);

/* Of a number that is not 0; it is brought into the form. FF_KEY_ID or FF_KEY_NO_MEMORY. */
int ff_exact_id(struct ff_keys *k, struct ff_exact *x, struct ff_key_id *id);

#endif
