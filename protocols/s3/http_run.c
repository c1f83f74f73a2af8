/* SPDX-License-Identifier: Apache-2.0 */
/* http_run.c: requests on the loop's thread. They wait in a queue until there is room and their
 * time has come; how many are under way follows what the server bears. */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "http_own.h"

enum { RETRY_COST = 5 };

#define BACKOFF_NS     (100 * FF_S3_MS_NS)
#define LONGEST_NS     (20000 * FF_S3_MS_NS)
#define RETRY_FOR_NS   (180000 * FF_S3_MS_NS) /* no try is begun later */
#define CUT_NS         (500 * FF_S3_MS_NS)    /* between two cuts of the limit */
#define CREDENTIALS_NS (60000 * FF_S3_MS_NS)  /* how long requests wait for new ones */

static int64_t now_ns(const struct ff_s3_http *h)
{
    return ff_sys_now_ns(h->root->sys, CLOCK_MONOTONIC);
}

static uint64_t next_random(struct ff_s3_http *h)
{
    /* xorshift64: spreads retries, no more */
    h->random ^= h->random << 13;
    h->random ^= h->random >> 7;
    h->random ^= h->random << 17;
    return h->random;
}

/* ---- lists ---- */

static void queue(struct ff_s3_http *h, struct ff_s3_request *r)
{
    r->next = NULL;
    *h->waiting_end = r;
    h->waiting_end = &r->next;
}

static void unqueue(struct ff_s3_http *h, struct ff_s3_request **at)
{
    struct ff_s3_request *r = *at;

    *at = r->next;
    if (h->waiting_end == &r->next) {
        h->waiting_end = at;
    }
    r->next = NULL;
}

static void run(struct ff_s3_http *h, struct ff_s3_request *r)
{
    r->next = h->running;
    r->link = &h->running;
    if (r->next) {
        r->next->link = &r->next;
    }
    h->running = r;
    h->under_way++;
}

static void stop_running(struct ff_s3_http *h, struct ff_s3_request *r)
{
    *r->link = r->next;
    if (r->next) {
        r->next->link = r->link;
    }
    r->next = NULL;
    r->link = NULL;
    h->under_way--;
}

/* ---- tries ---- */

static CURL *take_handle(struct ff_s3_http *h)
{
    return h->idle_count ? h->idle[--h->idle_count] : curl_easy_init();
}

static void give_handle(struct ff_s3_http *h, CURL *curl)
{
    if (curl && h->idle_count < FF_S3_IDLE_HANDLES) {
        h->idle[h->idle_count++] = curl;
    } else {
        curl_easy_cleanup(curl);
    }
}

static void end_try(struct ff_s3_http *h, struct ff_s3_try *t)
{
    struct ff_s3_request *r = t->request;

    (void)curl_multi_remove_handle(h->multi, t->curl);
    for (size_t i = 0; i < 2; i++) {
        r->tries[i] = r->tries[i] == t ? NULL : r->tries[i];
    }
    if (r->winner == t) {
        r->winner = NULL;
    }
    give_handle(h, t->curl);
    ff_s3_try_free(t);
}

/* One more exchange for the request: FF_OK, or it has failed. */
static int begin_try(struct ff_s3_http *h, struct ff_s3_request *r, size_t slot,
                     bool fresh)
{
    struct ff_s3_try *t = ff_calloc(1, sizeof *t);
    CURL *curl = t ? take_handle(h) : NULL;
    int code;

    if (!curl) {
        ff_free(t);
        ff_s3_request_fail(r, FF_E_NO_MEMORY, "no memory for a request");
        return r->code;
    }
    t->sockets = &h->sockets;
    code = ff_s3_try_start(t, h->root, r, curl, atomic_load(&h->clock_ns), fresh);
    if (!code && curl_multi_add_handle(h->multi, curl) != CURLM_OK) {
        ff_s3_request_fail(r, FF_E_NO_MEMORY, "no memory for a request");
        code = r->code;
    }
    if (code) {
        give_handle(h, curl);
        ff_s3_try_free(t);
        return code;
    }
    t->hedge = slot == 1;
    r->tries[slot] = t;
    return FF_OK;
}

static void finish(struct ff_s3_request *r)
{
    r->error.http_status = r->answer.status;
    r->finished(r);
}

/* ---- how fast, how often ---- */

static void note_success(struct ff_s3_http *h)
{
    double most = h->root->options.connections;

    h->limit += 1 / h->limit;
    h->limit = h->limit > most ? most : h->limit;
    h->tokens = h->tokens + 1 > FF_S3_RETRY_TOKENS ? FF_S3_RETRY_TOKENS : h->tokens + 1;
}

static void note_busy(struct ff_s3_http *h)
{
    int64_t now = now_ns(h);

    if (now - h->cut_ns >= CUT_NS) {
        h->limit = h->limit / 2 < 1 ? 1 : h->limit / 2;
        h->cut_ns = now;
    }
}

static int by_size(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* From time to time: which first byte is unusually late. */
static void note_latency(struct ff_s3_http *h, const struct ff_s3_try *t)
{
    int64_t sorted[FF_S3_LATENCIES], late;

    if (t->request->method != FF_S3_GET || t->hedge || !t->first_ns) {
        return;
    }
    h->latencies[h->latency_count++ % FF_S3_LATENCIES] = t->first_ns - t->begun_ns;
    if (h->latency_count % FF_S3_LATENCIES == 0) {
        memcpy(sorted, h->latencies, sizeof sorted);
        qsort(sorted, FF_S3_LATENCIES, sizeof *sorted, by_size);
        late = 4 * sorted[FF_S3_LATENCIES * 95 / 100];
        h->slow_ns = late > FF_S3_HEDGE_NS ? late : FF_S3_HEDGE_NS;
    }
}

static void back_off(struct ff_s3_http *h, struct ff_s3_request *r)
{
    unsigned power = r->attempts < 9 ? r->attempts : 9;
    int64_t most = BACKOFF_NS << (power ? power - 1 : 0);
    int64_t asked = r->answer.retry_after_s * 1000 * FF_S3_MS_NS;

    most = most > LONGEST_NS ? LONGEST_NS : most;
    asked = asked > LONGEST_NS ? LONGEST_NS : asked;
    r->at_ns = now_ns(h) + asked + (int64_t)(next_random(h) % (uint64_t)most);
}

/* Whether there is leave for one more try; takes it. */
static bool may_retry(struct ff_s3_http *h, const struct ff_s3_request *r)
{
    if (r->attempts >= h->root->options.max_attempts || h->tokens < RETRY_COST ||
        now_ns(h) - r->begun_ns >= RETRY_FOR_NS) {
        return false;
    }
    h->tokens -= RETRY_COST;
    return true;
}

/* ---- how a try ends ---- */

static void learn(struct ff_s3_http *h, const struct ff_s3_request *r)
{
    int64_t here_ns = ff_sys_now_ns(h->root->sys, CLOCK_REALTIME);

    if (r->clock_tried && r->answer.date_ns) {
        atomic_store(&h->clock_ns, r->answer.date_ns - here_ns);
    }
    if (r->credentials_tried) {
        h->wanted_ns = now_ns(h);
        atomic_store(&h->wants_credentials, true);
    }
}

static void settle(struct ff_s3_http *h, struct ff_s3_request *r,
                   enum ff_s3_verdict verdict)
{
    bool once_more = verdict == FF_S3_AGAIN_NOW;

    stop_running(h, r);
    if (verdict == FF_S3_AGAIN_SLOW) {
        note_busy(h);
    }
    if (verdict == FF_S3_DONE && r->code == FF_OK) {
        note_success(h);
    }
    if (verdict == FF_S3_DONE || (!once_more && !may_retry(h, r))) {
        finish(r);
        return;
    }
    r->at_ns = 0;
    if (once_more) {
        learn(h, r);
    } else {
        back_off(h, r);
    }
    r->code = FF_OK;
    queue(h, r);
}

static bool was_sent(const struct ff_s3_try *t)
{
    long bytes = 0;

    return curl_easy_getinfo(t->curl, CURLINFO_REQUEST_SIZE, &bytes) != CURLE_OK ||
           bytes > 0;
}

/* It says nothing about the object: the other one may. */
static bool is_of_no_use(const struct ff_s3_try *t, CURLcode curl_code)
{
    return curl_code != CURLE_OK || t->answer.status == 429 || t->answer.status >= 500;
}

static void on_ended(struct ff_s3_http *h, struct ff_s3_try *t, CURLcode curl_code)
{
    struct ff_s3_request *r = t->request;
    struct ff_s3_try *other = r->tries[0] == t ? r->tries[1] : r->tries[0];
    enum ff_s3_verdict verdict = FF_S3_DONE;
    bool sent = was_sent(t), failed = t->failed;
    char why[CURL_ERROR_SIZE];

    note_latency(h, t);
    if (other && (r->winner == other || (r->winner != t && is_of_no_use(t, curl_code)))) {
        end_try(h, t); /* the other one goes on */
        return;
    }
    if (other) {
        end_try(h, other);
    }
    (void)snprintf(why, sizeof why, "%s",
                   *t->why ? t->why : curl_easy_strerror(curl_code));
    if (t->satisfied && r->got_bytes == r->want_bytes) {
        curl_code = CURLE_OK;
    } else if (curl_code == CURLE_OK && !t->head_came) {
        /* libcurl takes a connection that ends in the middle of a head for its end */
        curl_code = CURLE_GOT_NOTHING;
        (void)snprintf(why, sizeof why, "the answer ends in its head");
    }
    if (!(r->got_bytes && t->answer.status >= 300)) {
        r->answer = t->answer;
    } else { /* the tag is still needed */
        r->answer.status = t->answer.status;
    }
    ff_buf_free(&r->text);
    r->text = t->text;
    ff_buf_init(&t->text, FF_S3_ANSWER_MAX_BYTES);
    end_try(h, t);
    if (!failed) {
        verdict = ff_s3_judge(h->root, r, (int)curl_code, sent, why);
    } else if (r->code == FF_E_NETWORK) {
        verdict = FF_S3_AGAIN; /* another answer than was asked for */
    } else if (r->once && sent) {
        r->ambiguous = true; /* its body broke off: the server keeps nothing */
    }
    settle(h, r, verdict);
}

void ff_s3_collect(struct ff_s3_http *h)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(h->multi, &left))) {
        struct ff_s3_try *t = NULL;
        CURLcode curl_code = message->data.result;

        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t) ==
                CURLE_OK &&
            t) {
            on_ended(h, t, curl_code);
        }
    }
}

/* ---- giving up ---- */

static void give_up(struct ff_s3_http *h, struct ff_s3_request *r, int code)
{
    bool under_way = r->tries[0] || r->tries[1];

    for (size_t i = 0; i < 2; i++) {
        if (r->tries[i]) {
            end_try(h, r->tries[i]);
        }
    }
    if (under_way) {
        r->ambiguous = r->once;
    }
    ff_s3_request_fail(r, code, "%s",
                       code == FF_E_DEADLINE ? "the deadline passed" : "cancelled");
    finish(r);
}

/* ---- beginning ---- */

void ff_s3_take_submitted(struct ff_s3_http *h)
{
    struct ff_s3_request *r, *next;

    pthread_mutex_lock(&h->lock);
    r = h->first;
    h->first = NULL;
    h->last = &h->first;
    pthread_mutex_unlock(&h->lock);
    for (; r; r = next) {
        next = r->next;
        r->begun_ns = now_ns(h);
        queue(h, r);
    }
}

static bool holds_back(struct ff_s3_http *h, int64_t now)
{
    if (atomic_load(&h->wants_credentials) && now - h->wanted_ns >= CREDENTIALS_NS) {
        atomic_store(&h->wants_credentials, false);
    }
    return atomic_load(&h->wants_credentials);
}

int64_t ff_s3_begin(struct ff_s3_http *h)
{
    struct ff_s3_request **at = &h->waiting, *r;
    int64_t now = now_ns(h), due = INT64_MAX;

    if (holds_back(h, now)) {
        return now + 100 * FF_S3_MS_NS;
    }
    while ((r = *at) && h->under_way < (unsigned)h->limit) {
        bool fresh = r->attempts > 0 && !strcmp(r->error_code, "RequestTimeout");

        if (r->at_ns > now) {
            due = r->at_ns < due ? r->at_ns : due;
            at = &r->next;
            continue;
        }
        unqueue(h, at);
        if (r->deadline_ns && now >= r->deadline_ns) {
            give_up(h, r, FF_E_DEADLINE);
            continue;
        }
        r->attempts++;
        h->get_count += r->method == FF_S3_GET;
        if (begin_try(h, r, 0, fresh)) {
            finish(r);
        } else {
            run(h, r);
        }
    }
    return due;
}

void ff_s3_hedge(struct ff_s3_http *h)
{
    int64_t now = now_ns(h);

    if (now - h->looked_ns < FF_S3_HEDGE_LOOK_NS) {
        return;
    }
    h->looked_ns = now;
    for (struct ff_s3_request *r = h->running; r; r = r->next) {
        const struct ff_s3_try *t = r->tries[0];

        if (r->method != FF_S3_GET || r->is_xml || !t || r->tries[1] || t->first_ns ||
            now - t->begun_ns < h->slow_ns || h->hedge_count * 50 > h->get_count) {
            continue;
        }
        h->hedge_count++;
        if (begin_try(h, r, 1, true)) {
            r->code = FF_OK; /* the first one goes on */
        }
    }
}

void ff_s3_cancel(struct ff_s3_http *h, bool all)
{
    struct ff_s3_request **at = &h->waiting, *r, *next;

    while ((r = *at)) {
        int code = all ? FF_E_CANCELLED : atomic_load(&r->cancel);

        if (code) {
            unqueue(h, at);
            give_up(h, r, code);
        } else {
            at = &r->next;
        }
    }
    for (r = h->running; r; r = next) {
        int code = all ? FF_E_CANCELLED : atomic_load(&r->cancel);

        next = r->next;
        if (code) {
            stop_running(h, r);
            give_up(h, r, code);
        }
    }
}
