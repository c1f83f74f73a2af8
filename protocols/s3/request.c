/* SPDX-License-Identifier: Apache-2.0 */
/* request.c: what is asked of the server, before it is sent. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

enum { QUERY_MAX_BYTES = 8 << 10 };

struct ff_s3_request *ff_s3_request_new(enum ff_s3_method method, const char *key)
{
    struct ff_s3_request *r = ff_calloc(1, sizeof *r);

    if (!r || !(r->key = ff_strdup(key))) {
        ff_free(r);
        return NULL;
    }
    r->method = method;
    r->error = (struct ff_error)FF_ERROR_INIT;
    r->want_bytes = FF_ANY_SIZE;
    ff_buf_init(&r->query, QUERY_MAX_BYTES);
    ff_buf_init(&r->text, FF_S3_ANSWER_MAX_BYTES);
    atomic_init(&r->cancel, 0);
    return r;
}

void ff_s3_request_free(struct ff_s3_request *r)
{
    if (!r) {
        return;
    }
    for (size_t i = 0; i < r->header_count; i++) {
        ff_free(r->headers[i].value);
    }
    ff_aligned_free(r->body_owned);
    ff_buf_free(&r->query);
    ff_buf_free(&r->text);
    ff_free(r->key);
    ff_free(r);
}

int ff_s3_request_header(struct ff_s3_request *r, const char *name, const char *value)
{
    if (strpbrk(value, "\r\n") || r->header_count == FF_S3_HEADERS) {
        return -EINVAL;
    }
    r->headers[r->header_count].value = ff_strdup(value);
    if (!r->headers[r->header_count].value) {
        return -ENOMEM;
    }
    r->headers[r->header_count++].name = name;
    return 0;
}

int ff_s3_request_query(struct ff_s3_request *r, const char *name, const char *value)
{
    int rc = r->query.length_bytes ? ff_buf_append_byte(&r->query, '&') : 0;

    rc = rc ? rc : ff_s3_encode(&r->query, name, false);
    rc = rc ? rc : ff_buf_append_byte(&r->query, '=');
    return rc ? rc : ff_s3_encode(&r->query, value, false);
}

void ff_s3_request_fail(struct ff_s3_request *r, int code, const char *fmt, ...)
{
    char text[sizeof r->error.message];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->error = (struct ff_error)FF_ERROR_INIT;
    r->code = ff_fail(&r->error, code, r->key, "%s", text);
    r->error.http_status = r->answer.status;
}
