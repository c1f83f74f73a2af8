/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c: the head of an answer, and whether it is one to what was asked. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3.h"

static bool read_u64(const char **at, uint64_t *out)
{
    uint64_t n = 0;
    const char *c = *at;

    while (*c >= '0' && *c <= '9') {
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n)) {
            return false;
        }
        c++;
    }
    if (c == *at) {
        return false;
    }
    *at = c;
    *out = n;
    return true;
}

static void read_status(struct ff_s3_answer *a, const char *line)
{
    const char *at = line + strcspn(line, " ");
    uint64_t status;

    *a = (struct ff_s3_answer){0};
    at += strspn(at, " ");
    a->status = read_u64(&at, &status) && status < 1000 ? (int)status : 0;
}

/* "bytes 0-99/1234" */
static void read_range(struct ff_s3_answer *a, const char *value)
{
    uint64_t first, last, total;

    a->has_range = false;
    if (strncasecmp(value, "bytes ", 6)) {
        return;
    }
    value += 6;
    if (!read_u64(&value, &first) || *value++ != '-' || !read_u64(&value, &last) ||
        *value++ != '/' || !read_u64(&value, &total) || *value || last < first ||
        last >= total) {
        return;
    }
    a->has_range = true;
    a->range_begin = first;
    a->range_end = last + 1;
    a->range_total = total;
}

static void read_length(struct ff_s3_answer *a, const char *value)
{
    uint64_t length;
    bool good = read_u64(&value, &length) && !*value;

    /* two that differ are none */
    if (good && a->has_length && a->length_bytes != length) {
        a->status = 0;
    }
    a->has_length = good;
    a->length_bytes = good ? length : 0;
}

static void read_date(int64_t *out, const char *value)
{
    time_t t = curl_getdate(value, NULL);

    *out = t > 0 ? (int64_t)t * 1000000000 : 0;
}

static void copy_text(char *out, size_t size, const char *value)
{
    size_t n = strlen(value);

    n = n < size ? n : size - 1;
    memcpy(out, value, n);
    out[n] = '\0';
}

static void read_field(struct ff_s3_answer *a, const char *name, const char *value)
{
    const char *at = value;
    uint64_t n;

    if (!strcasecmp(name, "content-length")) {
        read_length(a, value);
    } else if (!strcasecmp(name, "content-range")) {
        read_range(a, value);
    } else if (!strcasecmp(name, "etag")) {
        copy_text(a->etag, sizeof a->etag, value);
    } else if (!strcasecmp(name, "last-modified")) {
        read_date(&a->modified_ns, value);
    } else if (!strcasecmp(name, "date")) {
        read_date(&a->date_ns, value);
    } else if (!strcasecmp(name, "x-amz-request-id")) {
        copy_text(a->request_id, sizeof a->request_id, value);
    } else if (!strcasecmp(name, "x-amz-bucket-region")) {
        copy_text(a->region, sizeof a->region, value);
    } else if (!strcasecmp(name, "server")) {
        copy_text(a->server, sizeof a->server, value);
    } else if (!strcasecmp(name, FF_S3_META_WRITER)) {
        copy_text(a->writer, sizeof a->writer, value);
    } else if (!strcasecmp(name, "retry-after") && read_u64(&at, &n)) {
        a->retry_after_s = n < 3600 ? (int64_t)n : 3600;
    }
}

void ff_s3_answer_line(struct ff_s3_answer *a, const char *line, size_t length)
{
    char text[2048], *colon, *value, *end;

    if (length >= sizeof text || memchr(line, 0, length)) {
        return; /* none that we need is so long */
    }
    memcpy(text, line, length);
    text[length] = '\0';
    if (!strncmp(text, "HTTP/", 5)) {
        read_status(a, text);
        return;
    }
    colon = strchr(text, ':');
    if (!colon) {
        return;
    }
    *colon = '\0';
    value = colon + 1 + strspn(colon + 1, " \t");
    end = value + strlen(value);
    while (end > value && strchr(" \t\r\n", end[-1])) {
        *--end = '\0';
    }
    read_field(a, text, value);
}

/* ---- a GET ---- */

bool ff_s3_is_strong(const char *etag)
{
    return *etag && strncmp(etag, "W/", 2) != 0;
}

static int wrong(struct ff_s3_request *r, const char *why)
{
    ff_s3_request_fail(r, FF_E_NETWORK, "%s", why);
    r->error.flags |= FF_ERR_RETRYABLE;
    return r->code;
}

/* How many bytes will come, all tries together; and the memory for them. */
static int get_begin(struct ff_s3_request *r, const struct ff_s3_answer *a,
                     uint64_t total)
{
    uint64_t begin = r->offset_bytes < total ? r->offset_bytes : total;
    uint64_t left = total - begin, want = r->want_bytes < left ? r->want_bytes : left;

    if (a->status == 206 && a->range_end - a->range_begin != want) {
        return wrong(r, "the answer has another range than was asked for");
    }
    r->total_bytes = total;
    r->want_bytes = want;
    r->dst = r->buffer(r, want);
    r->has_dst = true;
    if (!r->dst && want) {
        ff_s3_request_fail(r, FF_E_NO_MEMORY, "no buffer for %llu bytes",
                           (unsigned long long)want);
        return r->code;
    }
    return 0;
}

int ff_s3_get_head(struct ff_s3_request *r, const struct ff_s3_answer *a, uint64_t *skip)
{
    bool part = a->status == 206;
    uint64_t total = part ? a->range_total : a->length_bytes;

    if (!*a->etag) {
        return wrong(r, FF_S3_NO_ETAG);
    }
    if (part ? !a->has_range : !a->has_length) {
        return wrong(r, "the answer does not say how long it is");
    }
    if (part && (a->range_begin != r->offset_bytes + r->got_bytes ||
                 (a->has_length && a->length_bytes != a->range_end - a->range_begin))) {
        return wrong(r, "the answer has another range than was asked for");
    }
    *skip = part ? 0 : r->offset_bytes + r->got_bytes;
    if (!r->has_dst) {
        return get_begin(r, a, total);
    }
    if (total != r->total_bytes || strcmp(a->etag, r->answer.etag) ||
        (part && a->range_end != r->offset_bytes + r->want_bytes)) {
        ff_s3_request_fail(r, FF_E_STALE, "the object was replaced while it was read");
        return r->code;
    }
    return 0;
}
