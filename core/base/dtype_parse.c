/* SPDX-License-Identifier: Apache-2.0 */
/* dtype_parse.c: text to tree. Recursion is bounded by FF_DTYPE_MAX_DEPTH. */
#include "dtype.h"

#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "checked.h"
#include "name.h"

struct parser {
    const char *at, *end;
    const char *why;
    unsigned depth;
};

static int fail(struct parser *p, int code, const char *why)
{
    p->why = p->why ? p->why : why;
    return code;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && strchr(" \t\r\n", *p->at) && *p->at) {
        p->at++;
    }
}

/* The next character that is no space; NUL at the end. */
static char peek(struct parser *p)
{
    skip_space(p);
    return p->at < p->end ? *p->at : '\0';
}

static bool accept(struct parser *p, char c)
{
    if (peek(p) != c || !c) {
        return false;
    }
    p->at++;
    return true;
}

/* Opens '(' or '[' and says which character closes it; NUL when there is none. */
static char open_bracket(struct parser *p)
{
    return (char)(accept(p, '(') ? ')' : accept(p, '[') ? ']' : '\0');
}

/* After an item of a list: a comma, the end, or both. True when the list goes on. */
static int list_next(struct parser *p, char close, bool *more)
{
    bool comma = accept(p, ',');

    *more = !accept(p, close);
    return *more && !comma ? fail(p, -EINVAL, "a comma or a closing bracket is missing")
                           : 0;
}

static int read_number(struct parser *p, uint64_t *out)
{
    uint64_t number = 0;

    if (p->at >= p->end || !is_digit(*p->at)) {
        return fail(p, -EINVAL, "a number is missing");
    }
    for (; p->at < p->end && is_digit(*p->at); p->at++) {
        number = number * 10 + (uint64_t)(*p->at - '0');
        if (number > FF_DTYPE_MAX_ITEM_BYTES) {
            return fail(p, -EOVERFLOW, "a number is too large");
        }
    }
    *out = number;
    return 0;
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found =
        c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return found ? (int)(found - digits) : -1;
}

static int read_hex(struct parser *p, unsigned digit_count, unsigned *out)
{
    *out = 0;
    for (; digit_count > 0; digit_count--, p->at++) {
        int value = p->at < p->end ? hex_value(*p->at) : -1;

        if (value < 0) {
            return fail(p, -EINVAL, "a bad escape in a string");
        }
        *out = *out << 4 | (unsigned)value;
    }
    return 0;
}

/* JSON writes what is above U+FFFF as two surrogates. */
static int join_surrogates(struct parser *p, unsigned *point)
{
    unsigned low;

    if (*point < 0xd800 || *point > 0xdbff || p->end - p->at < 2 || p->at[0] != '\\' ||
        p->at[1] != 'u') {
        return 0;
    }
    p->at += 2;
    if (read_hex(p, 4, &low)) {
        return -EINVAL;
    }
    if (low < 0xdc00 || low > 0xdfff) {
        return fail(p, -EINVAL, "a lone surrogate in a string");
    }
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return 0;
}

/* After the backslash: the escapes of Python's repr and of JSON. */
static int read_escape(struct parser *p, unsigned *point)
{
    static const char names[] = "\\'\"/nrtbf", values[] = "\\'\"/\n\r\t\b\f";
    char c = (char)(p->at < p->end ? *p->at++ : '\0');
    const char *found = c ? strchr(names, c) : NULL;
    int rc;

    if (found) {
        *point = (unsigned char)values[found - names];
        return 0;
    }
    if (c == 'x' || c == 'U') {
        return read_hex(p, c == 'x' ? 2 : 8, point);
    }
    if (c != 'u') {
        return fail(p, -EINVAL, "a bad escape in a string");
    }
    rc = read_hex(p, 4, point);
    return rc ? rc : join_surrogates(p, point);
}

static int append_point(struct parser *p, struct ff_buf *out, unsigned point)
{
    uint8_t bytes[4];
    size_t count = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        return fail(p, -EINVAL, "a string holds what is no character");
    }
    for (size_t i = count - 1; i > 0; i--, point >>= 6) {
        bytes[i] = (uint8_t)(0x80 | (point & 0x3f));
    }
    bytes[0] = (uint8_t)(lead[count] | point);
    return ff_buf_append(out, bytes, count);
}

/* A quoted string into `out`, which was initialised by the caller. */
static int read_string(struct parser *p, struct ff_buf *out)
{
    char quote = peek(p);
    int rc = 0;

    if (quote != '\'' && quote != '"') {
        return fail(p, -EINVAL, "a string is missing");
    }
    p->at++;
    while (rc == 0 && p->at < p->end && *p->at != quote) {
        unsigned point;

        if (*p->at == '\\') {
            p->at++;
            rc = read_escape(p, &point);
        } else {
            p->at += ff_utf8_next(p->at, (size_t)(p->end - p->at), &point);
        }
        rc = rc ? rc : append_point(p, out, point);
    }
    if (rc == 0 && p->at >= p->end) {
        return fail(p, -EINVAL, "a string has no end");
    }
    p->at++;
    return rc;
}

/* "[10us]" behind M8 and m8 */
static int read_unit(struct parser *p, struct ff_dtype *d)
{
    char unit[8] = {0};
    uint64_t multiplier = 1;
    size_t length = 0;

    if (p->at >= p->end || *p->at != '[') {
        return 0;
    }
    p->at++;
    if (p->at < p->end && is_digit(*p->at) && read_number(p, &multiplier)) {
        return -EINVAL;
    }
    while (p->at < p->end && *p->at != ']' && length < sizeof unit - 1) {
        unit[length++] = *p->at++;
    }
    if (p->at >= p->end || *p->at != ']') {
        return fail(p, -EINVAL, "a time unit has no ']'");
    }
    p->at++;
    if (strcmp(unit, "generic") == 0 && multiplier == 1) {
        unit[0] = '\0';
    } else if (length == 0) {
        return fail(p, -EINVAL, "a time unit is empty");
    }
    return ff_dtype_set_unit(d, unit, (uint32_t)multiplier)
               ? fail(p, -EINVAL, "not a time unit of numpy")
               : 0;
}

/* All of p: order, kind, size, unit. */
static int read_simple(struct parser *p, struct ff_dtype **out)
{
    char order = '=', kind;
    uint64_t size;
    int rc;

    if (p->at < p->end && *p->at && strchr("<>=|", *p->at)) {
        order = *p->at++;
    }
    kind = (char)(p->at < p->end ? *p->at++ : '\0');
    if (kind == 'O') {
        return fail(p, -EOPNOTSUPP, "elements that are Python objects");
    }
    rc = read_number(p, &size);
    if (rc == 0) {
        kind = (char)(kind == 'a' ? 'S' : kind);
        rc = ff_dtype_new(kind, order, kind == 'U' ? 4 * size : size, out);
    }
    if (rc == -EINVAL || rc == -EOVERFLOW) {
        return fail(p, rc,
                    rc == -EINVAL ? "not a type of numpy" : "an element is too large");
    }
    if (rc == 0 && (kind == 'M' || kind == 'm')) {
        rc = read_unit(p, *out);
    }
    if (rc == 0 && p->at != p->end) {
        rc = fail(p, -EINVAL, "something stands behind a type");
    }
    return rc;
}

static int read_quoted_type(struct parser *p, struct ff_dtype **out)
{
    struct ff_buf text;
    struct parser inner = {0};
    int rc;

    ff_buf_init(&text, FF_DTYPE_MAX_TEXT_BYTES);
    rc = read_string(p, &text);
    if (rc == 0) {
        inner.at = ff_buf_text(&text);
        inner.end = inner.at + text.length_bytes;
        rc = read_simple(&inner, out);
    }
    ff_buf_free(&text);
    return rc && inner.why ? fail(p, rc, inner.why) : rc;
}

static int read_axis(struct parser *p, int64_t *shape, size_t *ndim)
{
    uint64_t axis;
    int rc;

    if (*ndim == FF_DTYPE_MAX_NDIM) {
        return fail(p, -E2BIG, "more than 32 axes");
    }
    skip_space(p);
    rc = read_number(p, &axis);
    if (rc == 0) {
        (void)accept(p, 'L'); /* Python 2 wrote long integers so */
        shape[(*ndim)++] = (int64_t)axis;
    }
    return rc;
}

/* (2, 3) or [2, 3] or 2 */
static int read_shape(struct parser *p, struct ff_dtype *d)
{
    int64_t shape[FF_DTYPE_MAX_NDIM];
    size_t ndim = 0;
    char close = open_bracket(p);
    bool more = close && !accept(p, close);
    int rc = close ? 0 : read_axis(p, shape, &ndim);

    while (more && rc == 0) {
        rc = read_axis(p, shape, &ndim);
        rc = rc ? rc : list_next(p, close, &more);
    }
    rc = rc ? rc : ff_dtype_set_shape(d, ndim, shape);
    if (rc == -E2BIG || rc == -EOVERFLOW) {
        return fail(p, rc,
                    rc == -E2BIG ? "more than 32 axes" : "an element is too large");
    }
    return rc;
}

static int read_type(struct parser *p, struct ff_dtype **out);

/* A pair of a type and a shape, after its opening bracket. */
static int read_subarray(struct parser *p, char close, struct ff_dtype **out)
{
    bool more;
    int rc = read_type(p, out);

    if (rc == 0 && !accept(p, ',')) {
        rc = fail(p, -EINVAL, "a shape is missing");
    }
    rc = rc ? rc : read_shape(p, *out);
    rc = rc ? rc : list_next(p, close, &more);
    return rc == 0 && more ? fail(p, -EINVAL, "something stands behind a shape") : rc;
}

struct field {
    struct ff_buf name, title;
    bool titled;
    struct ff_dtype *type;
};

/* 'name' or ('title', 'name') */
static int read_name(struct parser *p, struct field *f)
{
    char close = open_bracket(p);
    bool more = false;
    int rc;

    f->titled = close != '\0';
    if (!f->titled) {
        return read_string(p, &f->name);
    }
    rc = read_string(p, &f->title);
    rc = rc ? rc : list_next(p, close, &more);
    if (rc == 0 && !more) {
        return fail(p, -EINVAL, "a title without a name");
    }
    rc = rc ? rc : read_string(p, &f->name);
    rc = rc ? rc : list_next(p, close, &more);
    return rc == 0 && more ? fail(p, -EINVAL, "something stands behind a name") : rc;
}

/* (name, type) or (name, type, shape) */
static int read_field(struct parser *p, struct field *f)
{
    char close = open_bracket(p);
    bool more = false;
    int rc = close ? read_name(p, f) : fail(p, -EINVAL, "a field is missing");

    if (rc == 0 && !accept(p, ',')) {
        rc = fail(p, -EINVAL, "a field without a type");
    }
    rc = rc ? rc : read_type(p, &f->type);
    rc = rc ? rc : list_next(p, close, &more);
    if (more && rc == 0) {
        rc = read_shape(p, f->type);
        rc = rc ? rc : list_next(p, close, &more);
    }
    return rc == 0 && more ? fail(p, -EINVAL, "something stands behind a field") : rc;
}

/* numpy's descr_to_dtype: without a name, raw bytes and subarrays only fill up space. */
static bool is_padding(const struct field *f)
{
    return f->name.length_bytes == 0 && !f->titled &&
           (f->type->ndim > 0 || (f->type->kind == 'V' && !f->type->structured));
}

static int add_field(struct parser *p, struct ff_dtype *d, struct field *f,
                     uint64_t *offset)
{
    uint64_t start = *offset;
    struct ff_dtype *type = f->type;
    int rc;

    *offset += type->item_bytes;
    if (*offset > FF_DTYPE_MAX_ITEM_BYTES) {
        return fail(p, -EOVERFLOW, "an element is too large");
    }
    if (is_padding(f)) {
        return 0;
    }
    f->type = NULL; /* taken */
    rc = ff_dtype_add_field(d, ff_buf_text(&f->name),
                            f->titled ? ff_buf_text(&f->title) : NULL, start, type);
    if (rc == -EINVAL) {
        return fail(p, rc, "two fields with one name or title");
    }
    return rc == -E2BIG ? fail(p, rc, "structs too deep, or too many fields") : rc;
}

static int read_one_field(struct parser *p, struct ff_dtype *d, uint64_t *offset)
{
    struct field f = {0};
    int rc;

    ff_buf_init(&f.name, FF_DTYPE_MAX_TEXT_BYTES);
    ff_buf_init(&f.title, FF_DTYPE_MAX_TEXT_BYTES);
    rc = read_field(p, &f);
    rc = rc ? rc : add_field(p, d, &f, offset);
    ff_buf_free(&f.name);
    ff_buf_free(&f.title);
    ff_dtype_free(f.type);
    return rc;
}

/* Fields up to the closing bracket. While it is built the struct is as large as can be.
 */
static int read_struct(struct parser *p, struct ff_dtype **out)
{
    uint64_t offset = 0;
    bool more = !accept(p, ']');
    int rc = ff_dtype_new_struct(FF_DTYPE_MAX_ITEM_BYTES, out);

    while (more && rc == 0) {
        rc = read_one_field(p, *out, &offset);
        rc = rc ? rc : list_next(p, ']', &more);
    }
    if (rc == 0) {
        (*out)->element_bytes = (*out)->item_bytes = offset;
    }
    return rc;
}

static bool at_quote(struct parser *p)
{
    char c = peek(p);

    return c == '\'' || c == '"';
}

/* On failure *out may hold a part, which the caller frees. */
static int read_type(struct parser *p, struct ff_dtype **out)
{
    char close;
    int rc;

    if (at_quote(p)) {
        return read_quoted_type(p, out);
    }
    if (p->depth == FF_DTYPE_MAX_DEPTH) {
        return fail(p, -E2BIG, "nested too deep");
    }
    p->depth++;
    close = open_bracket(p);
    if (!close) {
        rc = fail(p, -EINVAL, "a type is missing");
    } else if (close == ')' || at_quote(p)) { /* JSON has one bracket for both */
        rc = read_subarray(p, close, out);
    } else {
        rc = read_struct(p, out);
    }
    p->depth--;
    return rc;
}

int ff_dtype_parse(const char *text, size_t length_bytes, struct ff_dtype **out,
                   const char **why)
{
    struct parser p = {.at = text, .end = text + length_bytes};
    struct ff_dtype *d = NULL;
    int rc;

    if (length_bytes > FF_DTYPE_MAX_TEXT_BYTES) {
        rc = fail(&p, -E2BIG, "longer than 64 KiB");
    } else if (peek(&p) && strchr("'\"[(", peek(&p))) {
        rc = read_type(&p, &d);
        if (rc == 0 && (skip_space(&p), p.at != p.end)) {
            rc = fail(&p, -EINVAL, "something stands behind the type");
        }
    } else {
        rc = read_simple(&p, &d);
    }
    if (rc < 0) {
        ff_dtype_free(d);
        d = NULL;
    }
    *out = d;
    if (why) {
        *why = rc == 0 ? NULL : p.why ? p.why : "no memory";
    }
    return rc;
}
