/* SPDX-License-Identifier: Apache-2.0 */
/* http.h: requests to one S3 endpoint. One thread runs libcurl's multi interface; anybody may
 * submit. A request is signed at each try, and tried again as long as that can help and cannot
 * harm: docs/format.md says which failures are tried again. */
#ifndef FF_PROTOCOL_S3_HTTP_H
#define FF_PROTOCOL_S3_HTTP_H

#include <functionfuse/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/sys.h"

enum {
    FF_S3_HEADERS = 8,       /* of one request, besides those that each has */
    FF_S3_WRITER_BYTES = 33, /* who put an object: 128 random bits in hex, NUL */
    FF_S3_HASH_BYTES = 65,   /* SHA-256 in hex, NUL */
    FF_S3_ERROR_MAX_BYTES = 64 << 10,
    FF_S3_ANSWER_MAX_BYTES = 16 << 20
};

/* Each object has one: without it somebody else has answered, a proxy say. */
#define FF_S3_NO_ETAG     "the answer has no ETag: it is not that of an S3 server"
#define FF_S3_META_WRITER "x-amz-meta-ff-writer"

enum ff_s3_method { FF_S3_GET, FF_S3_HEAD, FF_S3_PUT, FF_S3_POST, FF_S3_DELETE };

struct ff_s3_header {
    const char *name; /* static, lower case */
    char *value;
};

/* What the head of an answer says. */
struct ff_s3_answer {
    int status;
    bool has_length, has_range;
    uint64_t length_bytes;
    uint64_t range_begin, range_end, range_total; /* Content-Range, the end exclusive */
    char etag[128];
    char writer[FF_S3_WRITER_BYTES];
    char region[64];
    char request_id[80];
    char server[32];
    int64_t modified_ns, date_ns; /* 0: not said */
    int64_t retry_after_s;
};

struct ff_s3_request {
    /* what is asked; the maker's until submit */
    enum ff_s3_method method;
    char *key;           /* "" = the bucket itself; owned */
    struct ff_buf query; /* encoded, sorted, each name with '=' */
    struct ff_s3_header headers[FF_S3_HEADERS];
    size_t header_count;
    bool once;    /* an answer that is lost is FF_E_UNKNOWN_OUTCOME, never tried again */
    bool patient; /* the server may take long, and say 200 before it fails */
    bool is_xml;  /* a good answer is a document, which may say <Error> */
    const uint8_t *body;
    uint64_t body_bytes;
    uint8_t *body_owned; /* ff_aligned_free, or NULL */
    ff_read_at *source;  /* instead of body */
    void *source_ctx;
    uint64_t source_offset;
    char body_hash[FF_S3_HASH_BYTES]; /* "" = of nothing */
    /* GET: where bytes go. `want` may be FF_ANY_SIZE. */
    uint64_t offset_bytes, want_bytes;
    bool has_range;
    /* Called once, on the loop's thread, when the head of a good answer came: gives memory
     * for so many bytes. NULL with size_bytes > 0: no memory. */
    void *(*buffer)(struct ff_s3_request *, uint64_t size_bytes);
    const struct ff_call *call; /* for the source alone */
    void *user;
    size_t part; /* the maker's */
    /* Called once, on the loop's thread. The request is the maker's again. */
    void (*finished)(struct ff_s3_request *);
    int64_t deadline_ns; /* CLOCK_MONOTONIC: no try is begun later; 0: none */
    atomic_int
        cancel; /* set to FF_E_CANCELLED or FF_E_DEADLINE, then ff_s3_http_cancel() */

    /* results */
    int code;
    struct ff_error error;
    bool ambiguous; /* it may have been carried out, or may be later */
    struct ff_s3_answer answer;
    struct ff_buf text;   /* a document, or what says why not */
    char error_code[64];  /* "NoSuchKey" */
    uint64_t got_bytes;   /* GET: how many came */
    uint64_t total_bytes; /* GET: the object's size */

    /* the crew's */
    struct ff_s3_request *crew_next, **crew_link;
    /* the loop's, and then the crew's */
    struct ff_s3_request *next, **link;
    struct ff_s3_try *tries[2]; /* the second one is a hedge */
    struct ff_s3_try *winner;   /* whose bytes are taken */
    uint8_t *dst;
    bool has_dst;
    unsigned attempts;
    bool clock_tried, region_tried, credentials_tried, body_tried;
    int64_t begun_ns, at_ns; /* submitted; when to try again */
};

struct ff_s3_http;
struct ff_s3_root;

/* The request's memory, zeroed, for a key of the bucket; NULL: no memory. */
struct ff_s3_request *ff_s3_request_new(enum ff_s3_method, const char *key);
void ff_s3_request_free(struct ff_s3_request *);
/* 0 or -ENOMEM. The value is copied. Not for CR, LF: -EINVAL. */
int ff_s3_request_header(struct ff_s3_request *, const char *name, const char *value);
/* In the order of the encoded names. */
int ff_s3_request_query(struct ff_s3_request *, const char *name, const char *value);

int ff_s3_http_new(struct ff_s3_root *, struct ff_s3_http **, struct ff_error *);
/* Every request must have finished. */
void ff_s3_http_free(struct ff_s3_http *);
/* Always followed by finished(). */
void ff_s3_http_submit(struct ff_s3_http *, struct ff_s3_request *);
void ff_s3_http_wake(struct ff_s3_http *);
/* After setting `cancel` of requests. */
void ff_s3_http_cancel(struct ff_s3_http *);
/* Whether the credentials were refused or are about to expire: whoever waits for a request
 * gets new ones (ff_s3_credentials_refresh). */
bool ff_s3_http_wants_credentials(const struct ff_s3_http *);
/* Somebody has asked for new ones, with or without success. */
void ff_s3_http_has_credentials(struct ff_s3_http *);

/* ---- the loop's own parts ---- */

struct ff_s3_try; /* one exchange with the server */

enum ff_s3_verdict {
    FF_S3_DONE,       /* request->code says how */
    FF_S3_AGAIN,      /* after a while */
    FF_S3_AGAIN_SLOW, /* and with fewer at once: the server is busy */
    FF_S3_AGAIN_NOW   /* with what was learned */
};

/* judge.c: what follows from how a try ended. curl_code: a CURLcode. `sent`: whether anything
 * of the request went out. */
enum ff_s3_verdict ff_s3_judge(struct ff_s3_root *, struct ff_s3_request *, int curl_code,
                               bool sent, const char *why);
/* A failure that is not the server's. */
void ff_s3_request_fail(struct ff_s3_request *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* answer.c: one line of a head; and what to do when it is whole: 0, or the request fails. */
void ff_s3_answer_line(struct ff_s3_answer *, const char *line, size_t length);
/* Whether bytes with this ETag are the same bytes: If-Match holds for no other. */
bool ff_s3_is_strong(const char *etag);
int ff_s3_get_head(struct ff_s3_request *, const struct ff_s3_answer *, uint64_t *skip);

#endif
