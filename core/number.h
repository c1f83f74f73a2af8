/* SPDX-License-Identifier: Apache-2.0 */
/* number.h: numbers as text and back, whatever the locale: floats exactly as Python's repr,
 * integers of any size. */
#ifndef FF_CORE_NUMBER_H
#define FF_CORE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

#define FF_DOUBLE_TEXT_BYTES 32

/* The shortest text that reads back as the same double, as CPython's repr has it: "1.0",
 * "1e+16", "-0.0", "nan", "inf". Returns its length. */
size_t ff_double_text(double value, char text[FF_DOUBLE_TEXT_BYTES]);
/* Decimal text (JSON's grammar, checked by the caller), correctly rounded. 0, -ERANGE when it
 * is beyond the largest double, -ENOMEM. */
int ff_double_parse(const char *text, size_t length_bytes, double *out);

/* Above these, time that grows with the square of the length would show. */
#define FF_INT_TEXT_MAX_BYTES   1786 /* about 4,300 digits */
#define FF_INT_PARSE_MAX_DIGITS 100000

/* Two's complement, little endian, as decimal digits. Time grows with the square of the size.
 * 0, or as ff_buf_append. */
int ff_int_text(const uint8_t *bytes, size_t size_bytes, struct ff_buf *out);
/* "-0x1f": as hex; linear time. */
int ff_int_hex(const uint8_t *bytes, size_t size_bytes, struct ff_buf *out);
/* Digits with an optional '-' to two's complement, little endian. 0, -EINVAL, -E2BIG for more
 * than FF_INT_PARSE_MAX_DIGITS, or as ff_buf_append. */
int ff_int_parse(const char *text, size_t length_bytes, struct ff_buf *out);
int ff_int_parse_hex(const char *text, size_t length_bytes, struct ff_buf *out);

#endif
