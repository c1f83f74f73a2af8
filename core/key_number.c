/* SPDX-License-Identifier: Apache-2.0 */
/* key_number.c: complex, Fraction and Decimal as keys: they equal the int or float that
 * has the same value. UUIDs, which are objects with a state. */
#include <math.h>
#include <string.h>

#include "key_object.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

/* numerator / denominator, denominator > 0. */
static uint64_t word_of_ratio(struct ff_doc *doc, int64_t numerator, int64_t denominator)
{
    int64_t common = gcd(numerator, denominator);
    int64_t ratio[2] = {numerator / common, denominator / common};
    if (ratio[1] == 1) {
        uint8_t bytes[8];
        memcpy(bytes, ratio, 8);
        return ratio[0] >= FF_INLINE_INT_MIN && ratio[0] <= FF_INLINE_INT_MAX
                   ? ff_cell_of_int(ratio[0])
                   : ff_key_word_big(doc, bytes, 8);
    }
    int64_t widest = (int64_t)1 << 53;
    if ((ratio[1] & (ratio[1] - 1)) == 0 && ratio[0] < widest && ratio[0] > -widest) {
        return ff_key_word_float(doc, (double)ratio[0] / (double)ratio[1], 0);
    }
    return ff_key_word_tagged(doc, 'q', ratio, sizeof ratio);
}

static uint64_t finish_complex(struct ff_doc *doc, uint64_t cell,
                               const struct ff_key_form *form)
{
    double part[2];
    (void)cell;
    for (size_t i = 0; i < 2; i++) {
        if (ff_real(ff_value_of(doc, form->cells[i]), &part[i], NULL)) {
            return FF_KEY_BY_PARTS;
        }
    }
    return part[1] == 0 ? ff_key_word_float(doc, part[0], form->cells[0])
                        : FF_KEY_BY_PARTS;
}

static uint64_t finish_fraction(struct ff_doc *doc, uint64_t cell,
                                const struct ff_key_form *form)
{
    int64_t n, d;
    (void)cell;
    if (ff_int64(ff_value_of(doc, form->cells[0]), &n, NULL) ||
        ff_int64(ff_value_of(doc, form->cells[1]), &d, NULL) || d <= 0 ||
        n == INT64_MIN) {
        return FF_KEY_BY_PARTS;
    }
    return word_of_ratio(doc, n, d);
}

struct decimal {
    int64_t digits;
    int64_t exponent;
};

/* Up to 18 digits and a small exponent; else false. */
static bool parse_decimal(const char *text, size_t size, struct decimal *out)
{
    size_t at = size && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    bool negative = size && text[0] == '-', point = false;
    int64_t exponent = 0, written = 0, sign = 1;
    out->digits = 0;
    for (; at < size && (text[at] == '.' || (text[at] >= '0' && text[at] <= '9')); at++) {
        if (text[at] == '.') {
            point = true;
        } else if (out->digits >= 100000000000000000) {
            return false;
        } else {
            out->digits = 10 * out->digits + (text[at] - '0');
            exponent -= point;
        }
    }
    if (at < size && (text[at] == 'E' || text[at] == 'e')) {
        sign = at + 1 < size && text[at + 1] == '-' ? -1 : 1;
        at += at + 1 < size && (text[at + 1] == '-' || text[at + 1] == '+') ? 2 : 1;
        for (; at < size && text[at] >= '0' && text[at] <= '9' && written < 10000; at++) {
            written = 10 * written + (text[at] - '0');
        }
    }
    out->exponent = exponent + sign * written;
    out->digits = negative ? -out->digits : out->digits;
    return at == size && size > 0;
}

static uint64_t finish_decimal(struct ff_doc *doc, uint64_t cell,
                               const struct ff_key_form *form)
{
    const char *text;
    size_t size;
    struct decimal d;
    (void)cell;
    if (!ff_cell_text(form->cells[0], &text, &size) || !parse_decimal(text, size, &d)) {
        return FF_KEY_BY_PARTS;
    }
    if (d.digits == 0) {
        return ff_cell_of_int(0);
    }
    while (d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    int64_t power = 1;
    for (int64_t i = d.exponent; i != 0 && power < 1000000000000000000;
         i += i < 0 ? 1 : -1) {
        power *= 10;
        d.exponent += d.exponent < 0 ? 1 : -1;
        if (d.exponent == 0 && i < 0) {
            return word_of_ratio(doc, d.digits, power);
        }
    }
    int64_t whole;
    if (d.exponent == 0 && !__builtin_mul_overflow(d.digits, power, &whole)) {
        return word_of_ratio(doc, whole, 1);
    }
    return FF_KEY_BY_PARTS;
}

bool ff_key_number_form(const struct ff_object_node *o, const char *full,
                        struct ff_key_form *form)
{
    static const struct {
        const char *full;
        size_t count;
        uint64_t (*finish)(struct ff_doc *, uint64_t, const struct ff_key_form *);
    } numbers[] = {{"builtins.complex", 2, finish_complex},
                   {"fractions.Fraction", 2, finish_fraction},
                   {"decimal.Decimal", 1, finish_decimal}};
    const struct ff_seq *args = ff_cell_node(o->args);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(full, numbers[i].full) == 0 && args->count == numbers[i].count) {
            *form = (struct ff_key_form){full, args->cells, args->count, false,
                                         numbers[i].finish};
            return true;
        }
    }
    return false;
}

bool ff_key_uuid_form(const struct ff_object_node *o, const char *full,
                      struct ff_key_form *form)
{
    if (strcmp(full, "uuid.UUID") != 0 || ff_tag(o->state) != FF_TAG_DICT) {
        return false;
    }
    const struct ff_seq *state = ff_cell_node(o->state);
    if (state->count == 0 || !ff_cell_is(state->cells[0], "int") ||
        (ff_tag(state->cells[1]) != FF_TAG_INT &&
         ff_tag(state->cells[1]) != FF_TAG_BIGINT)) {
        return false;
    }
    *form = (struct ff_key_form){"uuid.UUID", state->cells + 1, 1, false, NULL};
    return true;
}
