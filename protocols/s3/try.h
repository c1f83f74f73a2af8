/* SPDX-License-Identifier: Apache-2.0 */
/* try.h: one exchange with the server: libcurl's handle, what was sent, what came. */
#ifndef FF_PROTOCOL_S3_TRY_H
#define FF_PROTOCOL_S3_TRY_H

#include <curl/curl.h>

#include "s3.h"

/* The open sockets. */
struct ff_s3_sockets {
    const struct ff_sys *sys;
    struct ff_vec all;
};

struct ff_s3_try {
    struct ff_s3_root *root;
    struct ff_s3_sockets *sockets;
    int fd; /* -1: not known */
    struct ff_s3_request *request;
    CURL *curl;
    struct curl_slist *headers;
    struct ff_s3_answer answer;
    struct ff_buf text;  /* a document, or what says why not */
    uint64_t sent_bytes; /* of the body */
    uint64_t skip_bytes; /* of the answer's body: the server ignored the range */
    uint64_t got_before; /* bytes that an earlier try got */
    bool head_came;      /* to its empty line */
    bool quick;          /* this answer's delayed acknowledgement is off */
    bool satisfied;      /* more came than was wanted */
    bool failed;         /* request->code says why */
    bool hedge;
    int64_t begun_ns, first_ns; /* the head came */
    CURLcode refusal;           /* of the first option that libcurl does not take, */
    const char *refused;        /* and its name */
    char why[CURL_ERROR_SIZE];
};

/* Set an option of t->curl; after a refusal nothing more. */
#define FF_S3_SET(t, option, value)                                                      \
    do {                                                                                 \
        if (!(t)->refusal) {                                                             \
            (t)->refusal = curl_easy_setopt((t)->curl, option, value);                   \
            (t)->refused = #option;                                                      \
        }                                                                                \
    } while (0)

/* ---- sockets.c ---- */

void ff_s3_sockets_init(struct ff_s3_sockets *, const struct ff_sys *);
void ff_s3_sockets_use(struct ff_s3_try *);
/* What has come is acknowledged now, and not some time later. */
void ff_s3_acknowledge(const struct ff_s3_try *);

/* ---- try.c ---- */

/* `curl` is borrowed. `clock_ns`: how far the server's clock is ahead. FF_OK, or the request
 * has failed. `fresh`: on a connection of its own. */
int ff_s3_try_start(struct ff_s3_try *, struct ff_s3_root *, struct ff_s3_request *,
                    CURL *curl, int64_t clock_ns, bool fresh);
void ff_s3_try_free(struct ff_s3_try *);

#endif
