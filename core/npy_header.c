/* SPDX-License-Identifier: Apache-2.0 */
/* npy_header.c: the dictionary at the start of a .npy file: a Python literal such as
 * {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }, padded with blanks to a
 * multiple of 64 bytes. numpy/lib/format.py is the reference. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/dtype.h"
#include "core/npy.h"

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};

static int print_dict(const struct ff_array *a, struct ff_buf *b)
{
    int simple = a->descr[0] != '[' && a->descr[0] != '(';
    int rc = ff_buf_printf(b, "{'descr': %s%s%s, 'fortran_order': False, 'shape': (",
                           simple ? "'" : "", a->descr, simple ? "'" : "");
    for (int i = 0; i < a->ndim; i++) {
        const char *after = a->ndim == 1 ? "," : i + 1 < a->ndim ? ", " : "";
        rc = rc ? rc : ff_buf_printf(b, "%lld%s", (long long)a->shape[i], after);
    }
    return rc ? rc : ff_buf_append_text(b, "), }");
}

int ff_npy_header_print(const struct ff_array *a, struct ff_buf *out, struct ff_error *e)
{
    struct ff_buf dict;
    uint8_t head[12];
    size_t fixed, pad, length;
    int rc;
    ff_buf_init(&dict, FF_NPY_MAX_HEADER_BYTES - 128);
    rc = print_dict(a, &dict);
    fixed = dict.length_bytes + 10 + 64 < 65536 ? 10 : 12;
    pad = 63 - (fixed + dict.length_bytes) % 64; /* with the newline: a multiple of 64 */
    length = dict.length_bytes + pad + 1;
    memcpy(head, magic, sizeof magic);
    head[6] = fixed == 10 ? 1 : 2;
    head[7] = 0;
    for (size_t i = 8; i < fixed; i++) {
        head[i] = (uint8_t)(length >> (8 * (i - 8)));
    }
    rc = rc ? rc : ff_buf_append(out, head, fixed);
    rc = rc ? rc : ff_buf_append(out, dict.data, dict.length_bytes);
    while (!rc && pad--) {
        rc = ff_buf_append_byte(out, ' ');
    }
    rc = rc ? rc : ff_buf_append_byte(out, '\n');
    ff_buf_free(&dict);
    if (rc == -E2BIG) {
        return ff_fail(e, FF_E_UNSUPPORTED, NULL, "the dtype's description is too long");
    }
    return rc ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory") : FF_OK;
}

/* ---- reading ---- */

struct text {
    const char *at, *end;
};

static void blanks(struct text *t)
{
    while (t->at < t->end && isspace((unsigned char)*t->at)) {
        t->at++;
    }
}

static int take(struct text *t, const char *word)
{
    size_t n = strlen(word);
    blanks(t);
    if ((size_t)(t->end - t->at) < n || memcmp(t->at, word, n) != 0) {
        return 0;
    }
    t->at += n;
    return 1;
}

/* A literal up to the ',' or '}' behind it: brackets are matched, quotes respected. */
static struct text literal(struct text *t)
{
    struct text found;
    int depth = 0;
    char quote = 0;
    blanks(t);
    found.at = t->at;
    for (; t->at < t->end; t->at++) {
        char c = *t->at;
        if (quote) {
            quote = c == quote ? 0 : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '(' || c == '[') {
            depth++;
        } else if (c == ')' || c == ']') {
            depth--;
        } else if (depth == 0 && (c == ',' || c == '}')) {
            break;
        }
    }
    found.end = t->at;
    while (found.end > found.at && isspace((unsigned char)found.end[-1])) {
        found.end--;
    }
    return found;
}

static int read_shape(struct text t, struct ff_npy_header *h)
{
    if (!take(&t, "(")) {
        return 0;
    }
    while (!take(&t, ")")) {
        char *end;
        long long n;
        blanks(&t);
        if (h->ndim == FF_MAX_NDIM || t.at >= t.end || !isdigit((unsigned char)*t.at)) {
            return 0;
        }
        errno = 0;
        n = strtoll(t.at, &end, 10); /* the buffer ends with NUL */
        if (errno) {
            return 0;
        }
        h->shape[h->ndim++] = n;
        t.at = end;
        (void)take(&t, "L"); /* Python 2 */
        if (!take(&t, ",")) {
            return take(&t, ")") && t.at == t.end;
        }
    }
    return t.at == t.end;
}

static int unusable(int rc, struct text t, const char *why, struct ff_error *e)
{
    int length = t.end - t.at < 60 ? (int)(t.end - t.at) : 60;
    int code = rc == -EOPNOTSUPP ? FF_E_UNSUPPORTED : FF_E_CORRUPT;
    (void)ff_fail(e, code, NULL, "a dtype that cannot be used: %.*s: %s", length, t.at,
                  why ? why : "");
    ff_error_fix(e, "save it with a dtype of numbers, texts or times, or as a pickle");
    return code;
}

static int read_descr(struct text t, struct ff_npy_header *h, struct ff_error *e)
{
    struct ff_dtype *d = NULL;
    struct ff_buf b;
    const char *why = NULL;
    int rc = ff_dtype_parse(t.at, (size_t)(t.end - t.at), &d, &why);
    ff_buf_init(&b, FF_DTYPE_MAX_TEXT_BYTES);
    if (!rc) {
        h->item_bytes = d->item_bytes;
        rc = ff_dtype_print(d, FF_DTYPE_PLAIN, &b);
    }
    if (!rc) {
        h->descr = ff_strdup(ff_buf_text(&b));
        rc = h->descr ? 0 : -ENOMEM;
    }
    ff_buf_free(&b);
    ff_dtype_free(d);
    if (rc == -ENOMEM) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    return rc ? unusable(rc, t, why, e) : FF_OK;
}

static int read_dict(struct text t, struct ff_npy_header *h, struct ff_error *e)
{
    int shape = 0, order = 0, rc = FF_OK;
    if (!take(&t, "{")) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "no dictionary in the .npy header");
    }
    while (!rc && !take(&t, "}")) {
        struct text key = literal(&t), value;
        struct text name = key;
        const char *colon = memchr(key.at, ':', (size_t)(key.end - key.at));
        if (!colon) {
            return ff_fail(e, FF_E_CORRUPT, NULL, "the .npy header cannot be read");
        }
        value = (struct text){colon + 1, key.end};
        blanks(&value);
        if (take(&name, "'descr'") || take(&name, "\"descr\"")) {
            rc = h->descr ? FF_E_CORRUPT : read_descr(value, h, e);
        } else if (take(&name, "'shape'") || take(&name, "\"shape\"")) {
            rc = !shape++ && read_shape(value, h) ? FF_OK : FF_E_CORRUPT;
        } else if (take(&name, "'fortran_order'") || take(&name, "\"fortran_order\"")) {
            h->fortran = take(&value, "True");
            order = h->fortran || take(&value, "False");
        }
        (void)take(&t, ",");
    }
    if (rc || !h->descr || !shape || !order) {
        rc = rc ? rc : FF_E_CORRUPT;
        return ff_fail(e, rc, NULL,
                       "the .npy header lacks descr, fortran_order or shape");
    }
    return FF_OK;
}

static int read_text(ff_read_at *read, void *ctx, const uint8_t *head,
                     struct ff_npy_header *h, const struct ff_call *call,
                     struct ff_error *e)
{
    size_t fixed = head[6] == 1 ? 10 : 12, length = 0;
    struct text t;
    char *text;
    int rc;
    for (size_t i = fixed; i-- > 8;) {
        length = length << 8 | head[i];
    }
    if (length > FF_NPY_MAX_HEADER_BYTES) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "a .npy header of %zu bytes", length);
    }
    text = ff_malloc(length + 1);
    if (!text) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    text[length] = '\0';
    rc = read(ctx, fixed, text, length, call, e);
    h->header_bytes = fixed + length;
    t = (struct text){text, text + length};
    rc = rc ? rc : read_dict(t, h, e);
    ff_free(text);
    return rc;
}

int ff_npy_header_read(ff_read_at *read, void *ctx, uint64_t size_bytes,
                       struct ff_npy_header *h, const struct ff_call *call,
                       struct ff_error *e)
{
    uint8_t head[12];
    uint64_t bytes;
    int rc;
    memset(h, 0, sizeof *h);
    if (size_bytes < sizeof head) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "not a .npy file: %llu bytes",
                       (unsigned long long)size_bytes);
    }
    if ((rc = read(ctx, 0, head, sizeof head, call, e))) {
        return rc;
    }
    if (memcmp(head, magic, sizeof magic) != 0 || head[6] < 1 || head[6] > 3) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "not a .npy file of version 1 to 3");
    }
    rc = read_text(read, ctx, head, h, call, e);
    if (!rc && (!ff_product((size_t)h->ndim, h->shape, h->item_bytes, &bytes) ||
                h->header_bytes > size_bytes || bytes > size_bytes - h->header_bytes)) {
        rc = ff_fail(e, FF_E_CORRUPT, NULL, "the .npy file ends before its last element");
    }
    if (rc) {
        ff_npy_header_free(h);
    }
    return rc;
}

void ff_npy_header_free(struct ff_npy_header *h)
{
    ff_free(h->descr);
    h->descr = NULL;
}
