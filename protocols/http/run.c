/* SPDX-License-Identifier: Apache-2.0 */
/* run.c: many requests at once on the thread that asks. Connections are kept in lanes: a run takes
 * an idle one and gives it back. */
#include <string.h>

#include "core/base/alloc.h"
#include "http.h"

enum { POLL_MS = 50, LANE_HANDLES = FF_HTTP_WIDTH_MAX };

struct ff_http_lane {
    CURLM *multi;
    CURL *idle[LANE_HANDLES];
    size_t idle_count;
};

struct running {
    struct ff_http_root *root;
    const struct ff_http_queue *queue;
    const struct ff_call *call;
    struct ff_http_lane *lane;
    struct ff_http_request *waiting; /* for another try */
    struct ff_http_request *with_server[LANE_HANDLES];
    unsigned width, server_count, waiting_count;
    bool ended;
};

int ff_http_stopped(const struct ff_http_root *root, const struct ff_call *call,
                    const char *place, struct ff_error *e)
{
    if (ff_cancelled(call)) {
        return ff_fail(e, FF_E_CANCELLED, place, "cancelled");
    }
    if (FF_HAS(call, ff_call, deadline_ns) &&
        ff_sys_now_ns(root->sys, CLOCK_MONOTONIC) >= call->deadline_ns(call)) {
        return ff_fail(e, FF_E_DEADLINE, place, "the deadline passed");
    }
    return FF_OK;
}

/* ---- lanes ---- */

static void lane_free(struct ff_http_lane *lane)
{
    if (lane) {
        while (lane->idle_count) {
            curl_easy_cleanup(lane->idle[--lane->idle_count]);
        }
        (void)curl_multi_cleanup(lane->multi);
        ff_free(lane);
    }
}

static struct ff_http_lane *lane_take(struct ff_http_root *root)
{
    struct ff_http_lane *lane = NULL;

    pthread_mutex_lock(&root->lock);
    if (root->idle_count) {
        lane = root->idle[--root->idle_count];
    }
    pthread_mutex_unlock(&root->lock);
    if (lane) {
        return lane;
    }
    lane = ff_calloc(1, sizeof *lane);
    if (lane && !(lane->multi = curl_multi_init())) {
        ff_free(lane);
        lane = NULL;
    }
    return lane;
}

static void lane_give(struct ff_http_root *root, struct ff_http_lane *lane)
{
    bool kept;

    pthread_mutex_lock(&root->lock);
    kept = root->idle_count < FF_HTTP_LANES;
    if (kept) {
        root->idle[root->idle_count++] = lane;
    }
    pthread_mutex_unlock(&root->lock);
    if (!kept) {
        lane_free(lane);
    }
}

void ff_http_lanes_free(struct ff_http_root *root)
{
    while (root->idle_count) {
        lane_free(root->idle[--root->idle_count]);
    }
}

/* ---- one request of a run ---- */

static void tell(struct running *run, struct ff_http_request *r)
{
    run->ended |= run->queue->done(run->queue->ctx, r) != 0;
}

static void give_handle(struct ff_http_lane *lane, CURL *curl)
{
    if (lane->idle_count < LANE_HANDLES) {
        lane->idle[lane->idle_count++] = curl;
    } else {
        curl_easy_cleanup(curl);
    }
}

static void start(struct running *run, struct ff_http_request *r)
{
    struct ff_http_lane *lane = run->lane;
    CURL *curl = lane->idle_count ? lane->idle[--lane->idle_count] : curl_easy_init();

    if (!curl) {
        (void)ff_http_request_fail(r, FF_E_NO_MEMORY, "no memory for a request");
    } else if (!ff_http_request_start(run->root, r, curl) &&
               curl_multi_add_handle(lane->multi, curl) != CURLM_OK) {
        (void)ff_http_request_fail(r, FF_E_NO_MEMORY, "no memory for a request");
    }
    if (r->code) {
        if (curl) {
            give_handle(lane, curl);
        }
        r->curl = NULL;
        tell(run, r);
        return;
    }
    run->with_server[run->server_count++] = r;
}

static void leave_server(struct running *run, struct ff_http_request *r)
{
    for (unsigned i = 0; i < run->server_count; i++) {
        if (run->with_server[i] == r) {
            run->with_server[i] = run->with_server[--run->server_count];
            break;
        }
    }
    (void)curl_multi_remove_handle(run->lane->multi, r->curl);
    give_handle(run->lane, r->curl);
}

static void on_ended(struct running *run, struct ff_http_request *r, CURLcode rc)
{
    bool again = ff_http_request_judge(r, rc);

    leave_server(run, r);
    r->curl = NULL;
    if (!again) {
        tell(run, r);
        return;
    }
    r->at_ns += ff_sys_now_ns(run->root->sys, CLOCK_MONOTONIC);
    r->next = run->waiting;
    run->waiting = r;
    run->waiting_count++;
}

static void collect(struct running *run)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(run->lane->multi, &left))) {
        char *r = NULL;
        CURLcode rc = message->data.result;

        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &r) == CURLE_OK) {
            on_ended(run, (struct ff_http_request *)(void *)r, rc);
        }
    }
}

/* ---- the run ---- */

static void start_due(struct running *run)
{
    int64_t now = ff_sys_now_ns(run->root->sys, CLOCK_MONOTONIC);

    for (struct ff_http_request **at = &run->waiting, *r; (r = *at);) {
        if (r->at_ns > now) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        run->waiting_count--;
        start(run, r);
    }
}

static void start_new(struct running *run)
{
    while (!run->ended && run->server_count + run->waiting_count < run->width) {
        struct ff_http_request *r = run->queue->next(run->queue->ctx);

        if (!r) {
            run->ended = true;
        } else {
            start(run, r);
        }
    }
}

static void stop_all(struct running *run, int code, const struct ff_error *e)
{
    while (run->server_count || run->waiting) {
        struct ff_http_request *r = run->waiting;

        if (r) {
            run->waiting = r->next;
        } else {
            r = run->with_server[run->server_count - 1];
            leave_server(run, r);
            r->curl = NULL;
        }
        (void)ff_http_request_fail(r, code, "%s", e->message);
        tell(run, r);
    }
}

static int drive(struct running *run, struct ff_error *e)
{
    struct ff_error why = FF_ERROR_INIT;
    int code, still;

    for (;;) {
        code = ff_http_stopped(run->root, run->call, run->root->options.url, &why);
        if (code) {
            stop_all(run, code, &why);
            ff_error_copy(e, &why);
            return code;
        }
        start_due(run);
        start_new(run);
        if (!run->server_count && !run->waiting) {
            return FF_OK;
        }
        (void)curl_multi_perform(run->lane->multi, &still);
        collect(run);
        if (run->server_count + run->waiting_count < run->width && !run->ended) {
            continue;
        }
        if ((run->server_count || run->waiting) &&
            curl_multi_poll(run->lane->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK) {
            (void)run->root->sys->poll(run->root->sys, NULL, 0, POLL_MS);
        }
    }
}

int ff_http_run(struct ff_http_root *root, const struct ff_http_queue *queue,
                const struct ff_call *call, struct ff_error *e)
{
    unsigned most = root->options.connections;
    struct running run = {.root = root, .queue = queue, .call = call};
    int code = ff_http_stopped(root, call, root->options.url, e);

    if (code) {
        return code;
    }
    run.lane = lane_take(root);
    if (!run.lane) {
        return ff_fail(e, FF_E_NO_MEMORY, root->options.url, "no memory for libcurl");
    }
    run.width = queue->width && queue->width < most ? queue->width : most;
    code = drive(&run, e);
    lane_give(root, run.lane);
    return code;
}

/* ---- one ---- */

struct one {
    struct ff_http_request *request;
    bool taken;
};

static struct ff_http_request *next_one(void *ctx)
{
    struct one *one = ctx;
    struct ff_http_request *r = one->taken ? NULL : one->request;

    one->taken = true;
    return r;
}

static int done_one(void *ctx, struct ff_http_request *r)
{
    (void)ctx;
    (void)r;
    return 0;
}

int ff_http_perform(struct ff_http_root *root, struct ff_http_request *r,
                    const struct ff_call *call, struct ff_error *e)
{
    struct one one = {r, false};
    struct ff_http_queue queue = {&one, 1, next_one, done_one};
    int code = ff_http_run(root, &queue, call, e);

    if (code) {
        return code;
    }
    ff_error_copy(e, &r->error);
    return r->code;
}
