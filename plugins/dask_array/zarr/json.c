/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: metadata as others write it. Python's json has NaN and Infinity as words, and users'
 * attributes may begin with '$', which the library's JSON gives a meaning: both are made
 * harmless before the text is read.
 */
#include "zarr/zarr.h"

#include <inttypes.h>

#include "core/base/buf.h"

int zarr_damaged(const struct zarr_reader *r, const char *what)
{
    return ff_fail(r->error, FF_E_CORRUPT, r->place, "damaged metadata: %s", what);
}

/* ---- text ---- */

/* A word of Python's json at `at`, or 0. */
static size_t word_at(const char *at, size_t left)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};

    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);

        if (left >= n && memcmp(at, words[i], n) == 0) {
            return n;
        }
    }
    return 0;
}

/* The end of a string that begins at text[i]: behind its closing quote. */
static size_t string_end(const char *text, size_t size_bytes, size_t i)
{
    for (i++; i < size_bytes && text[i] != '"'; i++) {
        i += text[i] == '\\';
    }
    return i < size_bytes ? i + 1 : size_bytes;
}

static int tame(const char *text, size_t size_bytes, struct ff_buf *out)
{
    int rc = 0;

    for (size_t i = 0, n; rc == 0 && i < size_bytes; i += n) {
        n = text[i] == '"' ? string_end(text, size_bytes, i) - i
                           : word_at(text + i, size_bytes - i);
        if (n == 0) {
            n = 1;
            rc = ff_buf_append_byte(out, (uint8_t)text[i]);
        } else if (text[i] != '"') {
            rc = ff_buf_printf(out, "\"%.*s\"", (int)n, text + i);
        } else {
            rc = ff_buf_append_text(out, n > 2 && text[i + 1] == '$' ? "\" " : "\"");
            rc = rc ? rc : ff_buf_append(out, text + i + 1, n - 1);
        }
    }
    return rc;
}

int zarr_json_parse(const struct zarr_reader *r, const char *text, size_t size_bytes,
                    struct ff_doc **doc, struct ff_value *root)
{
    const struct ff_values *v = r->values;
    struct ff_error own = FF_ERROR_INIT;
    struct ff_buf clean;
    int rc;

    ff_buf_init(&clean, 2 * (size_t)ZARR_TEXT_MAX);
    rc = tame(text, size_bytes, &clean);
    *doc = rc ? NULL : v->doc_new(r->error);
    if (!*doc) {
        ff_buf_free(&clean);
        return ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory");
    }
    *root = v->from_json(*doc, ff_buf_text(&clean), clean.length_bytes, &own);
    ff_buf_free(&clean);
    if (v->kind(*root) == FF_DICT) {
        return FF_OK;
    }
    v->doc_free(*doc);
    *doc = NULL;
    if (own.code == FF_E_NO_MEMORY) {
        return ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory");
    }
    return ff_fail(r->error, FF_E_CORRUPT, r->place, "damaged metadata: %.300s",
                   own.code ? own.message : "not a JSON object");
}

static int append(void *ctx, const char *text, size_t size_bytes)
{
    return ff_buf_append(ctx, text, size_bytes) ? FF_E_NO_MEMORY : FF_OK;
}

int zarr_json_print(const struct zarr_reader *r, struct ff_value value,
                    struct ff_buf *out)
{
    struct ff_error own = FF_ERROR_INIT;

    return r->values->to_json(value, append, out, &own)
               ? ff_fail(r->error, FF_E_NO_MEMORY, r->place, "out of memory")
               : FF_OK;
}

/* ---- values ---- */

struct ff_value zarr_get(const struct zarr_reader *r, struct ff_value dict,
                         const char *key)
{
    struct ff_value none = {NULL, 0};

    return r->values->kind(dict) == FF_DICT ? r->values->get(dict, key) : none;
}

bool zarr_absent(const struct zarr_reader *r, struct ff_value value)
{
    return r->values->kind(value) == FF_ABSENT;
}

bool zarr_null(const struct zarr_reader *r, struct ff_value value)
{
    int kind = r->values->kind(value);

    return kind == FF_ABSENT || kind == FF_NONE;
}

int zarr_text(const struct zarr_reader *r, struct ff_value value, const char *what,
              char *out, size_t size)
{
    struct ff_error own = FF_ERROR_INIT;

    return ff_copy_str(r->values, value, out, size, &own) ? zarr_damaged(r, what) : FF_OK;
}

int zarr_int(const struct zarr_reader *r, struct ff_value value, const char *what,
             int64_t min, int64_t max, int64_t *out)
{
    struct ff_error own = FF_ERROR_INIT;

    *out = min;
    if (r->values->kind(value) != FF_INT || r->values->int64(value, out, &own)) {
        return zarr_damaged(r, what);
    }
    return *out >= min && *out <= max
               ? FF_OK
               : ff_fail(r->error, FF_E_CORRUPT, r->place,
                         "damaged metadata: %s: %" PRId64, what, *out);
}

int zarr_int_or(const struct zarr_reader *r, struct ff_value dict, const char *key,
                int64_t min, int64_t max, int64_t otherwise, int64_t *out)
{
    struct ff_value value = zarr_get(r, dict, key);

    *out = otherwise;
    return zarr_null(r, value) ? FF_OK : zarr_int(r, value, key, min, max, out);
}

int zarr_shape(const struct zarr_reader *r, struct ff_value value, const char *what,
               int64_t *out, uint32_t *ndim)
{
    size_t count = r->values->length(value);
    int rc = r->values->kind(value) == FF_LIST ? FF_OK : zarr_damaged(r, what);

    if (rc == FF_OK && count > FF_MAX_NDIM) {
        rc = ff_fail(r->error, FF_E_UNSUPPORTED, r->place, "%s of %zu axes: at most %d",
                     what, count, FF_MAX_NDIM);
    }
    for (size_t i = 0; rc == FF_OK && i < count; i++) {
        struct ff_value key, item;

        rc = r->values->item(value, i, &key, &item, r->error);
        rc = rc ? rc : zarr_int(r, item, what, 0, INT64_MAX, &out[i]);
    }
    *ndim = rc ? 0 : (uint32_t)count;
    return rc;
}

int zarr_extension(const struct zarr_reader *r, struct ff_value value, const char *what,
                   char *name, size_t size, struct ff_value *configuration)
{
    bool named = r->values->kind(value) == FF_DICT;

    *configuration = zarr_get(r, value, "configuration");
    return zarr_text(r, named ? zarr_get(r, value, "name") : value, what, name, size);
}
