/* SPDX-License-Identifier: Apache-2.0 */
/* http.c: the thread that owns libcurl. Each lock here is a leaf; callbacks of requests are
 * called without one. */
#include <signal.h>
#include <string.h>

#include "core/base/alloc.h"
#include "http_own.h"

enum { POLL_MS = 1000 };

static int64_t now_ns(const struct ff_s3_http *h)
{
    return ff_sys_now_ns(h->root->sys, CLOCK_MONOTONIC);
}

static void finish(struct ff_s3_request *r)
{
    r->error.http_status = r->answer.status;
    r->finished(r);
}

/* ---- the thread ---- */

static int wait_ms(const struct ff_s3_http *h, int64_t due_ns)
{
    int64_t left = due_ns == INT64_MAX ? POLL_MS * FF_S3_MS_NS : due_ns - now_ns(h);
    int64_t most = (h->under_way ? FF_S3_HEDGE_LOOK_NS / FF_S3_MS_NS : POLL_MS);

    left = left < 0 ? 0 : left / FF_S3_MS_NS + 1;
    return (int)(left < most ? left : most);
}

static void *loop(void *arg)
{
    struct ff_s3_http *h = arg;

    while (!atomic_load(&h->stop)) {
        int running;
        int64_t due;

        ff_s3_take_submitted(h);
        if (atomic_exchange(&h->cancelled, false)) {
            ff_s3_cancel(h, false);
        }
        (void)ff_s3_begin(h);
        (void)curl_multi_perform(h->multi, &running);
        ff_s3_collect(h);
        ff_s3_hedge(h);
        due = ff_s3_begin(h); /* there may be room again */
        if (curl_multi_poll(h->multi, NULL, 0, wait_ms(h, due), NULL) != CURLM_OK) {
            (void)h->root->sys->poll(h->root->sys, NULL, 0, 10);
        }
    }
    ff_s3_take_submitted(h);
    ff_s3_cancel(h, true);
    return NULL;
}

/* The first request starts it; signals are for the program's own threads. */
static int start(struct ff_s3_http *h)
{
    sigset_t all, old;
    int rc;

    (void)sigfillset(&all);
    rc = pthread_sigmask(SIG_SETMASK, &all, &old);
    if (rc == 0) {
        rc = pthread_create(&h->thread, NULL, loop, h);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    h->started = rc == 0;
    return rc;
}

void ff_s3_http_submit(struct ff_s3_http *h, struct ff_s3_request *r)
{
    int rc = 0;

    pthread_mutex_lock(&h->lock);
    if (!h->started) {
        rc = start(h);
    }
    if (rc == 0) {
        r->next = NULL;
        *h->last = r;
        h->last = &r->next;
    }
    pthread_mutex_unlock(&h->lock);
    if (rc) {
        ff_s3_request_fail(r, FF_E_NO_MEMORY, "no thread for requests: %s", strerror(rc));
        finish(r);
        return;
    }
    ff_s3_http_wake(h);
}

void ff_s3_http_wake(struct ff_s3_http *h)
{
    (void)curl_multi_wakeup(h->multi);
}

void ff_s3_http_cancel(struct ff_s3_http *h)
{
    atomic_store(&h->cancelled, true);
    ff_s3_http_wake(h);
}

bool ff_s3_http_wants_credentials(const struct ff_s3_http *h)
{
    return atomic_load(&h->wants_credentials);
}

void ff_s3_http_has_credentials(struct ff_s3_http *h)
{
    atomic_store(&h->wants_credentials, false);
    ff_s3_http_wake(h);
}

static int init_curl(void *ctx)
{
    (void)ctx;
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? FF_OK : FF_E_NO_MEMORY;
}

int ff_s3_http_new(struct ff_s3_root *root, struct ff_s3_http **out, struct ff_error *e)
{
    const struct ff_once *once = root->host->query(root->host, FF_ONCE_1);
    struct ff_s3_http *h = ff_calloc(1, sizeof *h);
    int code = once ? once->run(root->host, "libcurl", init_curl, NULL) : init_curl(NULL);

    if (!h || code || pthread_mutex_init(&h->lock, NULL)) {
        ff_free(h);
        return ff_fail(e, FF_E_NO_MEMORY, "S3", "no memory for libcurl");
    }
    h->multi = curl_multi_init();
    if (!h->multi) {
        (void)pthread_mutex_destroy(&h->lock);
        ff_free(h);
        return ff_fail(e, FF_E_NO_MEMORY, "S3", "no memory for libcurl");
    }
    h->root = root;
    h->last = &h->first;
    h->waiting_end = &h->waiting;
    h->limit = root->options.connections < FF_S3_FIRST_LIMIT ? root->options.connections
                                                             : FF_S3_FIRST_LIMIT;
    h->tokens = FF_S3_RETRY_TOKENS;
    ff_s3_sockets_init(&h->sockets, root->sys);
    h->slow_ns = FF_S3_HEDGE_NS;
    (void)ff_sys_random(root->sys, &h->random, sizeof h->random);
    h->random |= 1;
    (void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS,
                            (long)root->options.connections);
    *out = h;
    return FF_OK;
}

void ff_s3_http_free(struct ff_s3_http *h)
{
    if (!h) {
        return;
    }
    atomic_store(&h->stop, true);
    ff_s3_http_wake(h);
    if (h->started) {
        (void)pthread_join(h->thread, NULL);
    }
    while (h->idle_count) {
        curl_easy_cleanup(h->idle[--h->idle_count]);
    }
    (void)curl_multi_cleanup(h->multi);
    ff_vec_free(&h->sockets.all);
    (void)pthread_mutex_destroy(&h->lock);
    ff_free(h);
}
