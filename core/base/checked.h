/* SPDX-License-Identifier: Apache-2.0 */
/* checked.h: arithmetic on sizes. Each returns true and sets *out, or false on overflow
 * (then *out must not be used). */
#ifndef FF_BASE_CHECKED_H
#define FF_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool ff_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool ff_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool ff_add_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool ff_sub_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_sub_overflow(a, b, out);
}

static inline bool ff_mul_i64(int64_t a, int64_t b, int64_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool ff_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline bool ff_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool ff_u64_to_size(uint64_t a, size_t *out)
{
    return !__builtin_add_overflow(a, 0u, out);
}

static inline bool ff_u64_to_i64(uint64_t a, int64_t *out)
{
    return !__builtin_add_overflow(a, 0u, out);
}

/* False also when `a` is negative. */
static inline bool ff_i64_to_u64(int64_t a, uint64_t *out)
{
    return !__builtin_add_overflow(a, 0, out);
}

/* Elements of a shape times `item_bytes` (1 to count elements). An axis of 0 gives 0,
 * whatever the others are. False when the product does not fit, or an axis is negative.
 */
bool ff_product(size_t ndim, const int64_t *shape, uint64_t item_bytes, uint64_t *out);

#endif
