/* SPDX-License-Identifier: Apache-2.0 */
/* number.c: floats as the shortest text that reads back. */
#include "core/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"

/* d1.d2d3... x 10^exponent */
struct digits {
    char digit[20];
    int count;
    int exponent;
};

/* Never fails and allocates nothing: for the C locale the library has a constant. */
static locale_t c_locale(void)
{
    return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The radix character of the locale, of whatever length, is skipped. */
static void round_to(double value, int count, struct digits *d)
{
    char text[64];
    const char *p = text;
    (void)snprintf(text, sizeof text, "%.*e", count - 1, value);
    d->count = 0;
    for (; *p && *p != 'e' && d->count < count; p++) {
        if (*p >= '0' && *p <= '9') {
            d->digit[d->count++] = *p;
        }
    }
    p = strchr(p, 'e');
    d->exponent = p ? (int)strtol(p + 1, NULL, 10) : 0;
}

static bool reads_back(const struct digits *d, double value)
{
    char text[40];
    double back;
    (void)snprintf(text, sizeof text, "%.*se%d", d->count, d->digit,
                   d->exponent - (d->count - 1));
    back = strtod_l(text, NULL, c_locale());
    return memcmp(&back, &value, sizeof back) == 0;
}

/* The next larger number of as many digits; false when a digit is to be added. */
static bool step_up(struct digits *d)
{
    for (int i = d->count - 1; i >= 0; i--) {
        if (d->digit[i] != '9') {
            d->digit[i]++;
            return true;
        }
        d->digit[i] = '0';
    }
    return false;
}

/* Up to 15 digits always survive the way into a normal double and back, so a shorter text is
 * those 15 without the zeros. Below a power of two doubles lie twice as close as above it:
 * there the nearest text may miss, and its upper neighbour hit. */
static void shortest(double value, struct digits *d)
{
    int from = value < 0x1p-1022 ? 1 : 15, exponent;
    bool power = frexp(value, &exponent) == 0.5;
    for (int count = from; count < 17; count++) {
        round_to(value, count, d);
        if (reads_back(d, value) || (power && step_up(d) && reads_back(d, value))) {
            break;
        }
        round_to(value, count + 1, d);
    }
    while (d->count > 1 && d->digit[d->count - 1] == '0') {
        d->count--;
    }
}

static size_t write_plain(const struct digits *d, char *out)
{
    char *p = out;
    int point = d->exponent + 1; /* digits before the point */
    if (point <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-point);
        p += -point;
    }
    for (int i = 0; i < d->count || i < point; i++) {
        if (i == point && point > 0) {
            *p++ = '.';
        }
        *p++ = i < d->count ? d->digit[i] : '0';
    }
    if (d->count <= point) {
        *p++ = '.';
        *p++ = '0';
    }
    *p = '\0';
    return (size_t)(p - out);
}

size_t ff_double_text(double value, char text[FF_DOUBLE_TEXT_BYTES])
{
    struct digits d;
    char *p = text;
    if (isnan(value)) {
        memcpy(text, "nan", 4);
        return 3;
    }
    /* an integer of at most 15 digits is its own shortest text */
    if (value != 0 && fabs(value) < 1e15 && value == (double)(int64_t)value) {
        return (size_t)snprintf(text, FF_DOUBLE_TEXT_BYTES, "%lld.0", (long long)value);
    }
    if (signbit(value)) {
        *p++ = '-';
        value = -value;
    }
    if (isinf(value) || value == 0) {
        memcpy(p, value == 0 ? "0.0" : "inf", 4);
        return (size_t)(p - text) + 3;
    }
    shortest(value, &d);
    if (d.exponent >= -4 && d.exponent < 16) {
        return (size_t)(p - text) + write_plain(&d, p);
    }
    *p++ = d.digit[0];
    if (d.count > 1) {
        *p++ = '.';
        memcpy(p, d.digit + 1, (size_t)d.count - 1);
        p += d.count - 1;
    }
    p += snprintf(p, 8, "e%c%02d", d.exponent < 0 ? '-' : '+', abs(d.exponent));
    return (size_t)(p - text);
}

int ff_double_parse(const char *text, size_t length_bytes, double *out)
{
    char small[64], *copy = small;
    if (length_bytes >= sizeof small) {
        copy = ff_malloc(length_bytes + 1);
        if (!copy) {
            return -ENOMEM;
        }
    }
    memcpy(copy, text, length_bytes);
    copy[length_bytes] = '\0';
    *out = strtod_l(copy, NULL, c_locale());
    if (copy != small) {
        ff_free(copy);
    }
    return isinf(*out) ? -ERANGE : 0;
}
