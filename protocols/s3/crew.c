/* SPDX-License-Identifier: Apache-2.0 */
/* crew.c: a run(): threads of the host that take items, prepare their requests, and go on with
 * those whose answers have come. Bodies are read and hashed on these threads, bytes of answers
 * arrive on that of http.c. */
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

enum { POLL_MS = 50, MAX_WIDTH = 64 };

struct ff_s3_crew {
    struct ff_s3_bound *bound;
    struct ff_batch *batch;
    const struct ff_call *call;
    uint32_t width;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    struct ff_s3_request *ready, **ready_end; /* finished, to be gone on with */
    struct ff_s3_request *sent;               /* with the server */
    uint32_t weight;                          /* of the items under way */
    bool taking;                              /* somebody is in next() */
    bool ended;                               /* next() must not be called any more */
    int code;                                 /* cancelled, or late */
    struct ff_error error;
    /* removals that go together; those who are in next() only */
    struct ff_s3_item *group[FF_S3_BULK_COUNT];
};

/* ---- time ---- */

int ff_s3_stopped(const struct ff_s3_root *root, const struct ff_call *call,
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

static int64_t deadline_of(const struct ff_call *call)
{
    return FF_HAS(call, ff_call, deadline_ns) ? call->deadline_ns(call) : 0;
}

static int cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);

    rc = rc ? rc : pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc = rc ? rc : pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return rc;
}

/* A little, so that a cancellation is seen. */
static void wait_a_little(const struct ff_s3_root *root, pthread_cond_t *cond,
                          pthread_mutex_t *lock)
{
    struct timespec until = {0};

    (void)root->sys->clock_gettime(root->sys, CLOCK_MONOTONIC, &until);
    until.tv_nsec += POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_cond_timedwait(cond, lock, &until);
}

/* Whoever waits for requests sees to their credentials. */
static void see_to_credentials(struct ff_s3_root *root, const struct ff_call *call)
{
    if (ff_s3_http_wants_credentials(root->http)) {
        (void)ff_s3_credentials_refresh(root->credentials, true, call, NULL);
        ff_s3_http_has_credentials(root->http);
    } else if (ff_s3_credentials_expiring(root->credentials)) {
        (void)ff_s3_credentials_refresh(root->credentials, false, call, NULL);
    }
}

/* ---- one request, waited for ---- */

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool finished;
};

static void on_done(struct ff_s3_request *r)
{
    struct waiting *w = r->user;

    pthread_mutex_lock(&w->lock);
    w->finished = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

int ff_s3_perform(struct ff_s3_root *root, struct ff_s3_request *r,
                  const struct ff_call *call, struct ff_error *e)
{
    struct waiting w = {.finished = false};
    int code = ff_s3_credentials_refresh(root->credentials, false, call, e);

    code = code ? code : ff_s3_stopped(root, call, r->key, e);
    if (code) {
        return r->code = code;
    }
    if (pthread_mutex_init(&w.lock, NULL)) {
        return r->code = ff_fail(e, FF_E_NO_MEMORY, r->key, "no memory for a lock");
    }
    if (cond_init(&w.done)) {
        (void)pthread_mutex_destroy(&w.lock);
        return r->code = ff_fail(e, FF_E_NO_MEMORY, r->key, "no memory for a lock");
    }
    r->user = &w;
    r->finished = on_done;
    r->deadline_ns = deadline_of(call);
    ff_s3_http_submit(root->http, r);
    pthread_mutex_lock(&w.lock);
    while (!w.finished) {
        int stopped;

        wait_a_little(root, &w.done, &w.lock);
        pthread_mutex_unlock(&w.lock);
        stopped = ff_s3_stopped(root, call, r->key, NULL);
        if (stopped && !atomic_exchange(&r->cancel, stopped)) {
            ff_s3_http_cancel(root->http);
        }
        see_to_credentials(root, call);
        pthread_mutex_lock(&w.lock);
    }
    pthread_mutex_unlock(&w.lock);
    (void)pthread_cond_destroy(&w.done);
    (void)pthread_mutex_destroy(&w.lock);
    if (r->code && e && !e->code) {
        *e = r->error;
    }
    return r->code;
}

/* ---- items ---- */

static void on_finished(struct ff_s3_request *r)
{
    struct ff_s3_crew *crew = ((struct ff_s3_item *)r->user)->crew;

    pthread_mutex_lock(&crew->lock);
    *r->crew_link = r->crew_next;
    if (r->crew_next) {
        r->crew_next->crew_link = r->crew_link;
    }
    r->next = NULL;
    *crew->ready_end = r;
    crew->ready_end = &r->next;
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

int ff_s3_item_key(const struct ff_s3_item *item, const char *name, char **key,
                   struct ff_error *e)
{
    return ff_s3_key(item->crew->bound, name, key, e);
}

struct ff_s3_request *ff_s3_item_request(struct ff_s3_item *item,
                                         enum ff_s3_method method)
{
    struct ff_s3_request *r = ff_s3_request_new(method, item->key);
    struct ff_error e = FF_ERROR_INIT;

    if (!r) {
        (void)ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory for a request");
        ff_s3_item_end(item, e.code, &e);
    }
    return r;
}

void ff_s3_item_end(struct ff_s3_item *item, int code, const struct ff_error *e)
{
    struct ff_s3_crew *crew = item->crew;
    int stop = crew->batch->done(crew->batch, item->io, code, code ? e : NULL);

    pthread_mutex_lock(&crew->lock);
    crew->ended |= stop != 0;
    crew->weight -= item->weight;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    ff_free(item->key);
    ff_free(item->state);
    ff_free(item);
}

void ff_s3_item_send(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_s3_crew *crew = item->crew;
    struct ff_s3_http *http = item->root->http;
    bool cancelled;

    r->user = item;
    r->finished = on_finished;
    r->deadline_ns = deadline_of(crew->call);
    pthread_mutex_lock(&crew->lock);
    cancelled = crew->code != FF_OK;
    if (cancelled) {
        atomic_store(&r->cancel, crew->code);
    }
    r->crew_next = crew->sent;
    r->crew_link = &crew->sent;
    if (r->crew_next) {
        r->crew_next->crew_link = &r->crew_next;
    }
    crew->sent = r;
    pthread_mutex_unlock(&crew->lock);
    ff_s3_http_submit(http, r); /* from here on others may end the item */
    if (cancelled) {
        ff_s3_http_cancel(http);
    }
}

static struct ff_s3_item *item_new(struct ff_s3_crew *crew, struct ff_io *io)
{
    struct ff_s3_item *item = ff_calloc(1, sizeof *item);
    struct ff_error e = FF_ERROR_INIT;
    int stop;

    if (!item) {
        (void)ff_fail(&e, FF_E_NO_MEMORY, io->name, "no memory for an operation");
        stop = crew->batch->done(crew->batch, io, e.code, &e);
        pthread_mutex_lock(&crew->lock);
        crew->ended |= stop != 0;
        pthread_mutex_unlock(&crew->lock);
        return NULL;
    }
    item->crew = crew;
    item->root = crew->bound->root;
    item->call = crew->call;
    item->io = io;
    return item;
}

static void begin(struct ff_s3_item *item)
{
    struct ff_error e = FF_ERROR_INIT;

    switch (item->io->op) {
    case FF_GET:
        ff_s3_get(item);
        break;
    case FF_HEAD:
        ff_s3_head(item);
        break;
    case FF_PUT:
        ff_s3_put(item);
        break;
    case FF_COPY:
        ff_s3_copy(item);
        break;
    case FF_REMOVE:
        ff_s3_remove(item);
        break;
    default:
        (void)ff_fail(&e, FF_E_UNSUPPORTED, item->key, "unknown operation %d",
                      (int)item->io->op);
        ff_s3_item_end(item, e.code, &e);
    }
}

/* The item, with its key; a bad one has ended: NULL. */
static struct ff_s3_item *admit(struct ff_s3_crew *crew, struct ff_io *io)
{
    struct ff_s3_item *item = item_new(crew, io);
    struct ff_error e = FF_ERROR_INIT;
    int code = item ? ff_s3_key(crew->bound, io->name, &item->key, &e) : FF_OK;

    if (!item || !code) {
        return item;
    }
    ff_s3_item_end(item, code, &e);
    return NULL;
}

static bool is_bulk(const struct ff_s3_crew *crew, const struct ff_io *io)
{
    return io->op == FF_REMOVE && !io->if_match &&
           !atomic_load(&crew->bound->root->no_bulk);
}

/* ---- taking ---- */

/* Items are taken by one thread at a time: one, or removals that go together and what came
 * after them. Gives how many are in `group`. */
static size_t take(struct ff_s3_crew *crew, struct ff_io **other)
{
    uint32_t most = crew->batch->width && crew->batch->width < FF_S3_BULK_COUNT
                        ? crew->width - crew->weight
                        : FF_S3_BULK_COUNT;
    size_t n = 0, seen = 0;
    bool ended = false;

    *other = NULL;
    while (!ended && !*other && seen < most) {
        struct ff_io *io = crew->batch->next(crew->batch);
        struct ff_s3_item *item;

        ended = !io;
        seen++;
        if (io && !is_bulk(crew, io)) {
            *other = io;
        } else if (io && (item = admit(crew, io))) {
            crew->group[n++] = item;
        }
        pthread_mutex_lock(&crew->lock);
        ended |= crew->ended;
        pthread_mutex_unlock(&crew->lock);
    }
    pthread_mutex_lock(&crew->lock);
    crew->ended |= ended && !*other;
    for (size_t i = 0; i < n; i++) {
        crew->group[i]->weight = crew->batch->width || i == 0;
        crew->weight += crew->group[i]->weight;
    }
    crew->weight += *other != NULL;
    pthread_mutex_unlock(&crew->lock);
    return n;
}

/* Called with the lock, which it gives up meanwhile. */
static void take_and_begin(struct ff_s3_crew *crew)
{
    struct ff_io *other;
    struct ff_s3_item *group[FF_S3_BULK_COUNT];
    size_t n;

    crew->taking = true;
    pthread_mutex_unlock(&crew->lock);
    n = take(crew, &other);
    memcpy(group, crew->group, n * sizeof *group);
    pthread_mutex_lock(&crew->lock);
    crew->taking = false;
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    if (n) {
        ff_s3_remove_many(group, n);
    }
    if (other) {
        struct ff_s3_item *item = admit(crew, other);

        if (item) {
            item->weight = 1;
            begin(item);
        } else {
            pthread_mutex_lock(&crew->lock);
            crew->weight--;
            pthread_mutex_unlock(&crew->lock);
        }
    }
    pthread_mutex_lock(&crew->lock);
}

static bool has_room(const struct ff_s3_crew *crew)
{
    const struct ff_s3_root *root = crew->bound->root;

    return !crew->taking && !crew->ended && !crew->code && crew->weight < crew->width &&
           (!crew->weight || atomic_load(&root->body_bytes) < root->body_max_bytes);
}

static void stop_all(struct ff_s3_crew *crew, int code)
{
    for (struct ff_s3_request *r = crew->sent; r; r = r->crew_next) {
        atomic_store(&r->cancel, code);
    }
    ff_s3_http_cancel(crew->bound->root->http);
}

/* Called with the lock. */
static void check_stopped(struct ff_s3_crew *crew)
{
    const char *place = crew->bound->folder;
    struct ff_error e = FF_ERROR_INIT;
    int code;

    if (crew->code) {
        return;
    }
    pthread_mutex_unlock(&crew->lock);
    code = ff_s3_stopped(crew->bound->root, crew->call, place, &e);
    pthread_mutex_lock(&crew->lock);
    if (code && !crew->code) {
        crew->code = code;
        crew->error = e;
        stop_all(crew, code);
    }
}

static int work(void *ctx, uint64_t i, struct ff_error *e)
{
    struct ff_s3_crew *crew = ctx;
    struct ff_s3_request *r;

    (void)i;
    (void)e;
    pthread_mutex_lock(&crew->lock);
    for (;;) {
        check_stopped(crew);
        if ((r = crew->ready)) {
            struct ff_s3_item *item = r->user;

            crew->ready = r->next;
            crew->ready_end = crew->ready ? crew->ready_end : &crew->ready;
            pthread_mutex_unlock(&crew->lock);
            item->step(item, r);
            pthread_mutex_lock(&crew->lock);
        } else if (has_room(crew)) {
            take_and_begin(crew);
        } else if (!crew->weight && !crew->taking && (crew->ended || crew->code)) {
            break;
        } else {
            wait_a_little(crew->bound->root, &crew->changed, &crew->lock);
            pthread_mutex_unlock(&crew->lock);
            see_to_credentials(crew->bound->root, crew->call);
            pthread_mutex_lock(&crew->lock);
        }
    }
    pthread_mutex_unlock(&crew->lock);
    return FF_OK;
}

/* ---- run ---- */

/* A single item needs no other threads: whether there are two is seen when both are there. */
static int run_crew(struct ff_s3_crew *crew, struct ff_error *e)
{
    const struct ff_s3_root *root = crew->bound->root;
    uint64_t threads =
        root->host->threads < crew->width ? root->host->threads : crew->width;
    struct ff_error ignored = FF_ERROR_INIT;

    if (root->pool && threads > 1) {
        pthread_mutex_lock(&crew->lock);
        check_stopped(crew);
        if (has_room(crew)) {
            take_and_begin(crew);
        }
        while (!crew->ready && has_room(crew) && crew->weight < 2) {
            take_and_begin(crew);
        }
        threads = crew->ended ? 1 : threads;
        pthread_mutex_unlock(&crew->lock);
        if (threads > 1) {
            (void)root->pool->for_each(root->host, threads, work, crew, NULL, &ignored);
        }
    }
    return work(crew, 0, e);
}

int ff_s3_run(const struct ff_objects *self, struct ff_batch *batch,
              const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_bound *b = FF_S3_BOUND(self, objects);
    struct ff_s3_crew *crew;
    int code = ff_s3_stopped(b->root, call, b->folder, e);

    code = code ? code : ff_s3_credentials_refresh(b->root->credentials, false, call, e);
    if (code) {
        return code;
    }
    crew = ff_calloc(1, sizeof *crew);
    if (!crew || pthread_mutex_init(&crew->lock, NULL)) {
        ff_free(crew);
        return ff_fail(e, FF_E_NO_MEMORY, b->folder, "no memory for a batch");
    }
    if (cond_init(&crew->changed)) {
        (void)pthread_mutex_destroy(&crew->lock);
        ff_free(crew);
        return ff_fail(e, FF_E_NO_MEMORY, b->folder, "no memory for a batch");
    }
    crew->bound = b;
    crew->batch = batch;
    crew->call = call;
    crew->width = batch->width ? batch->width : MAX_WIDTH;
    crew->ready_end = &crew->ready;
    crew->error = (struct ff_error)FF_ERROR_INIT;
    (void)run_crew(crew, e);
    code = crew->code;
    if (code && e && !e->code) {
        *e = crew->error;
    }
    (void)pthread_cond_destroy(&crew->changed);
    (void)pthread_mutex_destroy(&crew->lock);
    ff_free(crew);
    return code;
}
