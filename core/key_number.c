/* SPDX-License-Identifier: Apache-2.0 */
/* key_number.c: numbers as keys. int, float, complex, Decimal, Fraction and numpy's scalars
 * are equal when their exact values are. Beyond FF_BIG_LIMBS limbs, or FF_BIG_DIGITS in text,
 * an int equals ints only, a Decimal Decimals, a Fraction one with the same arguments.
 * Fractions beyond 64 bits are taken as reduced, as Python writes them. */
#include <math.h>
#include <string.h>

#include "core/key_exact.h"
#include "core/views.h"

/* ---- int, float, complex ---- */

/* A float equals the integer that it is; NaN equals itself only. Without `k` no NaN. */
void ff_key_of_float(struct ff_keys *k, double value, uint64_t cell, struct ff_key_id *id)
{
    if (isnan(value)) {
        ff_key_itself(k, cell, id);
    } else if (value >= (double)FF_INLINE_INT_MIN && value < -(double)FF_INLINE_INT_MIN &&
               (double)(int64_t)value == value) {
        *id = ff_key_id_of_int((int64_t)value);
    } else {
        memcpy(&id->low, &value, sizeof value);
        id->high = 2;
    }
}

static size_t shortest(const uint8_t *bytes, size_t size)
{
    while (size > 1 && (bytes[size - 1] == 0 || bytes[size - 1] == 0xff) &&
           (bytes[size - 1] & 0x80) == (bytes[size - 2] & 0x80)) {
        size--;
    }
    return size;
}

int ff_key_of_int_bytes(struct ff_keys *k, const uint8_t *bytes, size_t size_bytes,
                        struct ff_key_id *id)
{
    struct ff_exact x;
    size_bytes = shortest(bytes, size_bytes);
    if (!ff_big_set_int(&x.top, bytes, size_bytes, &x.negative)) {
        ff_key_hash(k, 'L', bytes, size_bytes, id);
        return FF_KEY_ID;
    }
    if (x.top.count == 0) {
        *id = ff_key_id_of_int(0);
        return FF_KEY_ID;
    }
    ff_big_set_one(&x.bottom);
    x.twos = x.fives = 0;
    return ff_exact_id(k, &x, id);
}

static void id_of_complex(struct ff_keys *k, const double part[2], uint64_t cell,
                          struct ff_key_id *out)
{
    struct ff_key_id id[2];
    ff_key_of_float(k, part[0], cell, &id[0]);
    ff_key_of_float(k, part[1], cell, &id[1]);
    *out = id[0];
    if (part[1] != 0) {
        ff_key_hash(k, 'j', id, sizeof id, out);
    }
}

int ff_key_of_complex(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    double part[2];
    if (!ff_view_complex(v, &part[0], &part[1])) {
        return FF_KEY_NO_FORM;
    }
    id_of_complex(k, part, v.cell, &form->id);
    return FF_KEY_ID;
}

/* ---- numpy's scalars ---- */

/* IEEE 754 binary16. */
static double of_half(unsigned bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023);
    double value = exponent == 0    ? ldexp(fraction, -24)
                   : exponent == 31 ? (fraction > 0 ? NAN : HUGE_VAL)
                                    : ldexp(fraction + 1024, exponent - 25);
    return bits >> 15 ? -value : value;
}

static double of_bits(uint64_t bits, size_t size)
{
    double real;
    float single;
    uint32_t half = (uint32_t)bits;
    if (size == 2) {
        return of_half(half);
    }
    if (size == 4) {
        memcpy(&single, &half, sizeof single);
        return (double)single;
    }
    memcpy(&real, &bits, sizeof real);
    return real;
}

/* The elements' bytes in little endian, as a number; `size` is 1, 2, 4 or 8. */
static uint64_t bits_at(const uint8_t *bytes, size_t size, bool big_endian)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits |= (uint64_t)bytes[big_endian ? size - 1 - i : i] << (8 * i);
    }
    return bits;
}

static int id_of_scalar(struct ff_keys *k, uint64_t cell, const struct ff_ndarray *a,
                        struct ff_key_id *id)
{
    uint8_t bytes[16] = {0};
    char kind = a->dtype->kind;
    bool is_complex = kind == 'c';
    size_t size = (size_t)a->size_bytes >> is_complex;
    if (!strchr("biufc", kind) || a->dtype->ndim || size == 0 || size > 8) {
        return FF_KEY_NO_FORM;
    }
    ff_ndarray_bytes(a, bytes, sizeof bytes);
    uint64_t bits = bits_at(bytes, size, a->dtype->byte_order == '>');
    if (is_complex || kind == 'f') {
        double part[2] = {of_bits(bits, size), 0};
        if (is_complex) {
            part[1] =
                of_bits(bits_at(bytes + size, size, a->dtype->byte_order == '>'), size);
        }
        id_of_complex(k, part, cell, id);
        return FF_KEY_ID;
    }
    uint8_t whole[9] = {0};
    bool negative = kind == 'i' && bits >> (8 * size - 1);
    bits |= negative && size < 8 ? UINT64_MAX << (8 * size) : 0;
    memset(whole, negative ? 0xff : 0, sizeof whole);
    for (size_t i = 0; i < 8; i++) {
        whole[i] = (uint8_t)(bits >> (8 * i));
    }
    return ff_key_of_int_bytes(k, whole, sizeof whole, id);
}

/* numpy.int64(1) equals 1. long double, dates and text are not numbers here. */
int ff_key_of_scalar(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_ndarray a;
    int rc = ff_view_ndarray(v, &a);
    if (rc) {
        return rc < 0 ? FF_KEY_NO_MEMORY : FF_KEY_NO_FORM;
    }
    rc = id_of_scalar(k, v.cell, &a, &form->id);
    ff_ndarray_clear(&a);
    return rc;
}

/* ---- Decimal ---- */

struct decimal {
    bool negative;
    int64_t exponent;
    const char *digit; /* without zeros at either end */
    size_t count;
};

/* "E+12" behind the digits, or nothing. False: more than any Decimal has. */
static bool parse_exponent(const char *text, size_t size, int64_t *out)
{
    int64_t value = 0;
    size_t at = size > 1 && (text[1] == '-' || text[1] == '+') ? 2 : 1;
    for (; at < size; at++) {
        if (value > INT64_MAX / 100) {
            return false;
        }
        value = 10 * value + (text[at] - '0');
    }
    *out = size > 1 && text[1] == '-' ? -value : value;
    return true;
}

/* A text that ff_view found to be one of a finite Decimal; the digits are put into `room`. 0,
 * 1 for an exponent that no Decimal has, or as ff_buf_append. */
static int parse_decimal(const char *text, size_t size, struct ff_buf *room,
                         struct decimal *d)
{
    size_t at = text[0] == '-' || text[0] == '+';
    int64_t behind = 0;
    bool point = false;
    int rc = 0;
    d->negative = text[0] == '-';
    ff_buf_clear(room);
    for (; at < size && text[at] != 'E' && text[at] != 'e' && !rc; at++) {
        if (text[at] == '.') {
            point = true;
        } else {
            behind += point;
            rc = ff_buf_append_byte(room, (uint8_t)text[at]);
        }
    }
    if (rc || !parse_exponent(text + at, size - at, &d->exponent)) {
        return rc ? rc : 1;
    }
    d->exponent -= behind;
    d->digit = (const char *)room->data;
    d->count = room->length_bytes;
    for (; d->count && *d->digit == '0'; d->count--) {
        d->digit++;
    }
    for (; d->count && d->digit[d->count - 1] == '0'; d->count--) {
        d->exponent++;
    }
    return 0;
}

/* Of more digits than an int is made of: the digits are as exact. */
static int id_of_digits(struct ff_keys *k, const struct decimal *d, struct ff_key_id *id)
{
    struct ff_key_id part[2];
    const int64_t head[] = {d->negative, d->exponent};
    ff_key_hash(k, 'D', head, sizeof head, &part[0]);
    ff_key_hash(k, 'D', d->digit, d->count, &part[1]);
    ff_key_hash(k, 'D', part, sizeof part, id);
    return FF_KEY_ID;
}

static int id_of_decimal(struct ff_keys *k, const char *text, size_t size,
                         struct ff_key_id *id)
{
    struct decimal d;
    struct ff_exact x;
    int rc = parse_decimal(text, size, &k->bytes, &d);
    if (rc) {
        return rc < 0 ? FF_KEY_NO_MEMORY : FF_KEY_NO_FORM;
    }
    if (d.count == 0) {
        *id = ff_key_id_of_int(0);
        return FF_KEY_ID;
    }
    if (d.count > FF_BIG_DIGITS) {
        return id_of_digits(k, &d, id);
    }
    k->work_bytes += ff_big_work(d.count);
    x.negative = d.negative;
    x.twos = x.fives = d.exponent;
    ff_big_set_digits(&x.top, d.digit, d.count);
    ff_big_set_one(&x.bottom);
    return ff_exact_id(k, &x, id);
}

int ff_key_of_decimal(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_form f;
    const char *text;
    size_t size;
    if (!ff_form_of(v, &f) || ff_str(ff_form_arg(&f, 0), &text, &size, NULL)) {
        return FF_KEY_NO_FORM;
    }
    size_t sign = text[0] == '-' || text[0] == '+';
    if (text[sign] == 'I') { /* Infinity */
        ff_key_of_float(k, text[0] == '-' ? -HUGE_VAL : HUGE_VAL, 0, &form->id);
        return FF_KEY_ID;
    }
    if (text[sign] == 'N' || text[sign] == 's') {
        ff_key_itself(k, v.cell, &form->id);
        return FF_KEY_ID;
    }
    return id_of_decimal(k, text, size, &form->id);
}

/* ---- Fraction ---- */

/* False: too big. */
static bool set_of_int_value(struct ff_big *b, struct ff_value v, bool *negative)
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    return ff_int_bytes(v, scratch, &bytes, &size, NULL) == FF_OK &&
           ff_big_set_int(b, bytes, shortest(bytes, size), negative);
}

/* "-1/3" or "2", as ff_view found it. */
static bool set_of_text(struct ff_exact *x, const char *text, size_t size)
{
    const char *slash = memchr(text, '/', size);
    size_t sign = text[0] == '-', top = slash ? (size_t)(slash - text) : size;
    size_t below = slash ? size - top - 1 : 0;
    x->negative = sign;
    if (top - sign > FF_BIG_DIGITS || below > FF_BIG_DIGITS) {
        return false;
    }
    ff_big_set_digits(&x->top, text + sign, top - sign);
    ff_big_set_one(&x->bottom);
    if (slash) {
        ff_big_set_digits(&x->bottom, slash + 1, below);
    }
    return true;
}

static uint64_t small(const struct ff_big *b)
{
    return b->limb[0] | (b->count > 1 ? (uint64_t)b->limb[1] << 32 : 0);
}

static void set_small(struct ff_big *b, uint64_t value)
{
    b->limb[0] = (uint32_t)value;
    b->limb[1] = (uint32_t)(value >> 32);
    b->count = 2;
    ff_big_trim(b);
}

/* What no Fraction of Python's is, and a few bytes by hand can be. */
static void reduce_small(struct ff_exact *x)
{
    if (x->top.count > 2 || x->bottom.count > 2) {
        return;
    }
    uint64_t a = small(&x->top), b = small(&x->bottom);
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    set_small(&x->top, small(&x->top) / a);
    set_small(&x->bottom, small(&x->bottom) / a);
}

int ff_key_of_fraction(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_form f;
    struct ff_exact x;
    const char *text;
    size_t size;
    bool below, fits;
    if (!ff_form_of(v, &f)) {
        return FF_KEY_NO_FORM;
    }
    if (f.arg_count == 2) {
        fits = set_of_int_value(&x.top, ff_form_arg(&f, 0), &x.negative) &&
               set_of_int_value(&x.bottom, ff_form_arg(&f, 1), &below);
    } else {
        fits = ff_str(ff_form_arg(&f, 0), &text, &size, NULL) == FF_OK &&
               set_of_text(&x, text, size);
        k->work_bytes += fits ? ff_big_work(size) : 0;
    }
    if (!fits || x.bottom.count == 0) {
        return FF_KEY_NO_FORM;
    }
    if (x.top.count == 0) {
        form->id = ff_key_id_of_int(0);
        return FF_KEY_ID;
    }
    x.twos = x.fives = 0;
    reduce_small(&x);
    return ff_exact_id(k, &x, &form->id);
}

/* ---- range ---- */

/* Two ranges are equal when they hold the same numbers: their length, the first number when
 * there is one, the step when there are two. Beyond 64 bits: by their arguments. */
int ff_key_of_range(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_form f;
    int64_t start, stop, step;
    if (!ff_form_of(v, &f) || ff_int64(ff_form_arg(&f, 0), &start, NULL) ||
        ff_int64(ff_form_arg(&f, 1), &stop, NULL) ||
        ff_int64(ff_form_arg(&f, 2), &step, NULL)) {
        return FF_KEY_NO_FORM;
    }
    uint64_t stride = step < 0 ? -(uint64_t)step : (uint64_t)step;
    uint64_t span =
        step < 0 ? (uint64_t)start - (uint64_t)stop : (uint64_t)stop - (uint64_t)start;
    bool any = step < 0 ? start > stop : start < stop;
    uint64_t content[3] = {any ? (span - 1) / stride + 1 : 0, 0, 0};
    if (content[0]) {
        content[1] = (uint64_t)start;
    }
    if (content[0] > 1) {
        content[2] = (uint64_t)step;
    }
    ff_key_hash(k, 'r', content, sizeof content, &form->id);
    return FF_KEY_ID;
}
