/* SPDX-License-Identifier: Apache-2.0 */
/* sign.c: Signature Version 4 for S3. The path is encoded once and never normalised, unlike
 * that of every other service.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/digest.h"
#include "options.h"

enum { BLOCK_BYTES = 64, CANONICAL_MAX_BYTES = 64 << 10 };

void ff_s3_amz_date(int64_t time_s, char out[17])
{
    struct tm tm = {0};
    time_t t = (time_t)time_s;

    (void)gmtime_r(&t, &tm);
    (void)snprintf(out, 17, "%04u%02u%02uT%02u%02u%02uZ",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                   (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

/* RFC 2104 with SHA-256. */
static int hmac(const uint8_t *key, size_t key_bytes, const void *data, size_t size_bytes,
                uint8_t out[FF_SHA256_BYTES])
{
    uint8_t inner[BLOCK_BYTES], outer[BLOCK_BYTES], block[BLOCK_BYTES] = {0};
    struct ff_digest d = {0};
    int rc = 0;

    if (key_bytes > BLOCK_BYTES) {
        rc = ff_digest_of(FF_DIGEST_SHA256, key, key_bytes, block);
    } else {
        memcpy(block, key, key_bytes);
    }
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        inner[i] = block[i] ^ 0x36;
        outer[i] = block[i] ^ 0x5c;
    }
    rc = rc ? rc : ff_digest_init(&d, FF_DIGEST_SHA256);
    rc = rc ? rc : ff_digest_update(&d, inner, sizeof inner);
    rc = rc ? rc : ff_digest_update(&d, data, size_bytes);
    rc = rc ? rc : ff_digest_final(&d, out);
    ff_digest_free(&d);
    rc = rc ? rc : ff_digest_init(&d, FF_DIGEST_SHA256);
    rc = rc ? rc : ff_digest_update(&d, outer, sizeof outer);
    rc = rc ? rc : ff_digest_update(&d, out, FF_SHA256_BYTES);
    rc = rc ? rc : ff_digest_final(&d, out);
    ff_digest_free(&d);
    explicit_bzero(block, sizeof block);
    explicit_bzero(inner, sizeof inner);
    explicit_bzero(outer, sizeof outer);
    return rc;
}

/* The secret, the day, the region, the service: one after the other. */
static int signing_key(const struct ff_s3_to_sign *s, const char date[17],
                       uint8_t key[FF_SHA256_BYTES])
{
    struct ff_buf first;
    int rc;

    ff_buf_init(&first, CANONICAL_MAX_BYTES);
    rc = ff_buf_append_text(&first, "AWS4");
    rc = rc ? rc : ff_buf_append_text(&first, s->secrets->secret);
    rc = rc ? rc : hmac(first.data, first.length_bytes, date, 8, key);
    if (first.data) {
        explicit_bzero(first.data, first.length_bytes);
    }
    ff_buf_free(&first);
    rc = rc ? rc : hmac(key, FF_SHA256_BYTES, s->region, strlen(s->region), key);
    rc = rc ? rc : hmac(key, FF_SHA256_BYTES, "s3", 2, key);
    return rc ? rc : hmac(key, FF_SHA256_BYTES, "aws4_request", 12, key);
}

static int by_name(const void *a, const void *b)
{
    /* the first member of both */
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Trimmed, each run of blanks one blank. */
static int append_value(struct ff_buf *out, const char *value)
{
    bool blank = false, begun = false;
    int rc = 0;

    for (const char *c = value; rc == 0 && *c; c++) {
        if (*c == ' ' || *c == '\t') {
            blank = begun;
            continue;
        }
        rc = blank ? ff_buf_append_byte(out, ' ') : 0;
        rc = rc ? rc : ff_buf_append_byte(out, (uint8_t)*c);
        blank = false;
        begun = true;
    }
    return rc;
}

static int append_names(const struct ff_s3_to_sign *s, struct ff_buf *out)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < s->header_count; i++) {
        rc = ff_buf_printf(out, "%s%s", i ? ";" : "", s->headers[i].name);
    }
    return rc;
}

static int canonical_request(const struct ff_s3_to_sign *s, struct ff_buf *out)
{
    int rc = ff_buf_printf(out, "%s\n%s\n%s\n", s->method, s->path, s->query);

    for (size_t i = 0; rc == 0 && i < s->header_count; i++) {
        rc = ff_buf_printf(out, "%s:", s->headers[i].name);
        rc = rc ? rc : append_value(out, s->headers[i].value);
        rc = rc ? rc : ff_buf_append_byte(out, '\n');
    }
    rc = rc ? rc : ff_buf_append_byte(out, '\n');
    rc = rc ? rc : append_names(s, out);
    return rc ? rc : ff_buf_printf(out, "\n%s", s->body_hash);
}

int ff_s3_sign(struct ff_s3_to_sign *s, struct ff_buf *out)
{
    uint8_t hash[FF_SHA256_BYTES], key[FF_SHA256_BYTES];
    char hex[2 * FF_SHA256_BYTES + 1], date[17], scope[160];
    struct ff_buf text;
    int rc;

    ff_s3_amz_date(s->time_s, date);
    (void)snprintf(scope, sizeof scope, "%.8s/%s/s3/aws4_request", date, s->region);
    qsort(s->headers, s->header_count, sizeof *s->headers, by_name);
    ff_buf_init(&text, CANONICAL_MAX_BYTES);
    rc = canonical_request(s, &text);
    rc = rc ? rc : ff_digest_of(FF_DIGEST_SHA256, text.data, text.length_bytes, hash);
    ff_buf_clear(&text);
    if (rc == 0) {
        ff_hex(hash, sizeof hash, hex);
        rc = ff_buf_printf(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hex);
    }
    rc = rc ? rc : signing_key(s, date, key);
    rc = rc ? rc : hmac(key, sizeof key, text.data, text.length_bytes, hash);
    explicit_bzero(key, sizeof key);
    rc = rc ? rc
            : ff_buf_printf(out, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=",
                            s->secrets->key, scope);
    rc = rc ? rc : append_names(s, out);
    if (rc == 0) {
        ff_hex(hash, sizeof hash, hex);
        rc = ff_buf_printf(out, ",Signature=%s", hex);
    }
    ff_buf_free(&text);
    return rc;
}
