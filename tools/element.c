/* SPDX-License-Identifier: Apache-2.0 */
/* element.c: one element of an array as text. dtypes are named as in a .npy header. */
#include "elements.h"

#include <math.h>
#include <stdlib.h>

int ff_element_parse(const char *descr, uint64_t size_bytes, struct ff_element *el,
                     struct ff_error *e)
{
    const uint16_t probe = 1;
    int little = *(const unsigned char *)&probe == 1;
    const char *sizes;
    el->kind = descr[0] && descr[0] != '[' ? descr[1] : 'V';
    el->swap = descr[0] == (little ? '>' : '<');
    el->size_bytes = size_bytes;
    switch (el->kind) {
    case 'b':
        sizes = "\1";
        break;
    case 'i':
    case 'u':
        sizes = "\1\2\4\10";
        break;
    case 'f':
        sizes = "\2\4\10";
        break;
    case 'c':
        sizes = "\10\20";
        break;
    case 'M':
    case 'm':
        sizes = "\10";
        break;
    case 'S':
    case 'U':
        return FF_OK;
    default:
        sizes = "";
    }
    if (size_bytes && size_bytes <= 16 && strchr(sizes, (int)size_bytes)) {
        return FF_OK;
    }
    (void)ff_fail(e, FF_E_UNSUPPORTED, NULL, "elements of dtype %.100s cannot be text",
                  descr);
    ff_error_fix(e, "--as npy or --as raw");
    return FF_E_UNSUPPORTED;
}

/* A number of 1, 2, 4 or 8 bytes, in the machine's order. */
static uint64_t load(const struct ff_element *el, const unsigned char *p, size_t size)
{
    uint64_t n = 0;
    const uint16_t probe = 1;
    int little = *(const unsigned char *)&probe == 1;
    for (size_t i = 0; i < size; i++) {
        size_t at = little != el->swap ? size - 1 - i : i;
        n = n << 8 | p[at];
    }
    return n;
}

static double half(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double part = (double)(bits & 1023);
    double n = exponent == 0    ? ldexp(part, -24)
               : exponent == 31 ? ((bits & 1023) ? (double)NAN : (double)INFINITY)
                                : ldexp(part + 1024, exponent - 25);
    return bits >> 15 ? -n : n;
}

static double real(const struct ff_element *el, const unsigned char *p, size_t size)
{
    uint64_t bits = load(el, p, size);
    uint32_t low = (uint32_t)bits;
    float single;
    double n;
    if (size == 2) {
        return half(bits);
    }
    if (size == 4) {
        memcpy(&single, &low, sizeof single);
        return (double)single;
    }
    memcpy(&n, &bits, sizeof n);
    return n;
}

/* The shortest decimal that reads back as the same float of that size. */
static void shortest(double n, size_t size, char out[40])
{
    static const int most[] = {0, 0, 5, 0, 9, 0, 0, 0, 17};
    int digits = size == 8 ? 15 : size == 4 ? 6 : 3;
    do {
        (void)snprintf(out, 40, "%.*g", digits, n);
        if (size == 8 ? strtod(out, NULL) == n
                      : size == 4 && strtof(out, NULL) == (float)n) {
            break;
        }
    } while (++digits <= most[size]);
    if (!out[strcspn(out, ".en")]) { /* a float stays one */
        (void)strcat(out, ".0");
    }
}

/* NaN and infinities have no JSON: as the library writes them. */
static int print_special(double n, struct ff_out *o, struct ff_error *e)
{
    struct ff_doc *doc = ff_doc_new(e);
    int rc = ff_to_json(ff_new_float(doc, n, e), ff_out_text, o, e);
    ff_doc_free(doc);
    return rc;
}

static int print_real(const struct ff_element *el, const unsigned char *p, size_t size,
                      int json, struct ff_out *o, struct ff_error *e)
{
    double n = real(el, p, size);
    char text[40];
    if (isfinite(n)) {
        shortest(n, size, text);
    } else if (json) {
        return print_special(n, o, e);
    } else {
        (void)snprintf(text, sizeof text, "%s",
                       isnan(n) ? "nan"
                       : n < 0  ? "-inf"
                                : "inf");
    }
    return ff_out_text(o, text, strlen(text));
}

/* JSON: [real, imaginary]. Text: as numpy's savetxt writes and loadtxt reads, 1.0+2.0j */
static int print_complex(const struct ff_element *el, const unsigned char *p, int json,
                         struct ff_out *o, struct ff_error *e)
{
    size_t size = el->size_bytes / 2;
    int rc = json ? ff_out_text(o, "[", 1) : FF_OK;
    rc = rc ? rc : print_real(el, p, size, json, o, e);
    if (!rc && json) {
        rc = ff_out_text(o, ",", 1);
    } else if (!rc && !signbit(real(el, p + size, size))) {
        rc = ff_out_text(o, "+", 1);
    }
    rc = rc ? rc : print_real(el, p + size, size, json, o, e);
    return rc ? rc : ff_out_text(o, json ? "]" : "j", 1);
}

static int print_integer(const struct ff_element *el, const unsigned char *p, int json,
                         struct ff_out *o)
{
    uint64_t n = load(el, p, el->size_bytes);
    unsigned unused = 64 - 8 * (unsigned)el->size_bytes;
    int64_t sign_extended = (int64_t)(n << unused) >> unused;
    char text[32];
    if (el->kind == 'b') {
        (void)snprintf(text, sizeof text, "%s",
                       json ? n ? "true" : "false"
                       : n  ? "1"
                            : "0");
    } else if (el->kind == 'u') {
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    } else if (el->kind != 'i' && sign_extended == INT64_MIN) {
        (void)snprintf(text, sizeof text, "%s", json ? "null" : "NaT");
    } else {
        (void)snprintf(text, sizeof text, "%lld", (long long)sign_extended);
    }
    return ff_out_text(o, text, strlen(text));
}

static size_t utf8(uint32_t point, char out[4])
{
    size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n; i-- > 1; point >>= 6) {
        out[i] = (char)(0x80 | (point & 0x3f));
    }
    out[0] = (char)(first[n] | point);
    return n;
}

static int print_point(uint32_t point, int json, struct ff_out *o)
{
    char text[16];
    if (json && (point < 0x20 || point == '"' || point == '\\' ||
                 (point >= 0x7f && point < 0xa0) || (point >> 11) == 0x1b)) {
        (void)snprintf(text, sizeof text, "\\u%04x", (unsigned)point);
        return ff_out_text(o, text, 6);
    }
    return ff_out_text(o, text, utf8(point > 0x10ffff ? 0xfffd : point, text));
}

/* S: bytes taken as Latin-1; U: code points of four bytes. NULs at the end are padding. */
static int print_string(const struct ff_element *el, const unsigned char *p, int json,
                        struct ff_out *o)
{
    size_t width = el->kind == 'U' ? 4 : 1, count = el->size_bytes / width;
    int rc = json ? ff_out_text(o, "\"", 1) : FF_OK;
    while (count && load(el, p + (count - 1) * width, width) == 0) {
        count--;
    }
    for (size_t i = 0; !rc && i < count; i++) {
        rc = print_point((uint32_t)load(el, p + i * width, width), json, o);
    }
    return !rc && json ? ff_out_text(o, "\"", 1) : rc;
}

int ff_element_print(const struct ff_element *el, const void *data, int json,
                     struct ff_out *o, struct ff_error *e)
{
    switch (el->kind) {
    case 'f':
        return print_real(el, data, el->size_bytes, json, o, e);
    case 'c':
        return print_complex(el, data, json, o, e);
    case 'S':
    case 'U':
        return print_string(el, data, json, o);
    default:
        return print_integer(el, data, json, o);
    }
}
