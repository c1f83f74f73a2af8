/* SPDX-License-Identifier: Apache-2.0 */
/* http_own.h: what the two parts of the loop share: http.c is the thread, http_run.c what it
 * does with requests. */
#ifndef FF_PROTOCOL_S3_HTTP_OWN_H
#define FF_PROTOCOL_S3_HTTP_OWN_H

#include "try.h"

enum {
    FF_S3_IDLE_HANDLES = 64,
    FF_S3_LATENCIES = 128,
    FF_S3_FIRST_LIMIT = 32, /* requests under way at the beginning */
    FF_S3_RETRY_TOKENS = 500
};

#define FF_S3_MS_NS         ((int64_t)1000000)
#define FF_S3_HEDGE_NS      (2000 * FF_S3_MS_NS) /* a GET is slow: the soonest */
#define FF_S3_HEDGE_LOOK_NS (250 * FF_S3_MS_NS)

struct ff_s3_http {
    struct ff_s3_root *root;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock;                /* guards the next two */
    struct ff_s3_request *first, **last; /* submitted */
    bool started;
    atomic_bool stop, cancelled, wants_credentials;
    _Atomic int64_t clock_ns; /* how far the server's is ahead */

    /* the thread's own */
    struct ff_s3_request *waiting; /* in the order of submission */
    struct ff_s3_request **waiting_end;
    struct ff_s3_request *running;
    unsigned under_way;
    double limit;
    int64_t cut_ns, wanted_ns, looked_ns;
    double tokens;
    struct ff_s3_sockets sockets;
    CURL *idle[FF_S3_IDLE_HANDLES];
    size_t idle_count;
    int64_t latencies[FF_S3_LATENCIES], slow_ns; /* of first bytes; when a GET is slow */
    uint64_t latency_count, get_count, hedge_count;
    uint64_t random;
};

/* On the thread alone. */

/* Requests that were submitted join those that wait. */
void ff_s3_take_submitted(struct ff_s3_http *);
/* Gives when the next one is due, INT64_MAX: nothing waits for a time. */
int64_t ff_s3_begin(struct ff_s3_http *);
/* Go on with those whose exchange has ended. */
void ff_s3_collect(struct ff_s3_http *);
/* A GET that is unusually slow gets a second try beside it: at most one in fifty. */
void ff_s3_hedge(struct ff_s3_http *);
/* Those whose `cancel` is set, or all, end. */
void ff_s3_cancel(struct ff_s3_http *, bool all);

#endif
