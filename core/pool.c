/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c: a host's threads. A for_each is a job on a list; its caller works on it, and so do
 * idle threads, on the newest job first. Nobody waits but for items that others have begun,
 * so a for_each inside an item always ends. A job that was begun is on the list as well, while
 * its caller does something else.
 */
#include "core/host_own.h"

#include <pthread.h>
#include <signal.h>

#include "core/base/alloc.h"
#include "core/budget.h"
#include "core/wait.h"

struct ff_pool_own {
    pthread_mutex_t mutex;
    pthread_cond_t work;   /* a job came, or the end */
    pthread_cond_t helped; /* a helper left a job */
    struct ff_pool_job *newest;
    struct ff_budget budget;
    uint32_t threads, started, idle;
    int ending;
    pthread_t thread[]; /* threads - 1 */
};

struct ff_pool_own *ff_pool_new(uint32_t threads, uint64_t budget_bytes,
                                struct ff_error *e)
{
    struct ff_pool_own *p = ff_calloc(1, sizeof *p + sizeof(pthread_t) * threads);

    if (!p || ff_budget_init(&p->budget, budget_bytes)) {
        ff_free(p);
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for the thread pool");
        return NULL;
    }
    (void)pthread_mutex_init(&p->mutex, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->helped, NULL);
    p->threads = threads;
    return p;
}

void ff_pool_free(struct ff_pool_own *p)
{
    if (!p) {
        return;
    }
    (void)pthread_mutex_lock(&p->mutex);
    p->ending = 1;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->mutex);
    for (uint32_t i = 0; i < p->started; i++) {
        (void)pthread_join(p->thread[i], NULL);
    }
    ff_budget_free(&p->budget);
    (void)pthread_cond_destroy(&p->helped);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->mutex);
    ff_free(p);
}

static void job_failed(struct ff_pool_own *p, struct ff_pool_job *job, int code,
                       const struct ff_error *error)
{
    (void)pthread_mutex_lock(&p->mutex);
    if (!job->code) {
        job->code = code;
        ff_error_copy(&job->error, error);
    }
    (void)pthread_mutex_unlock(&p->mutex);
    atomic_store(&job->stopped, 1);
}

/* Work on a job until no item is left to begin. */
static void help(struct ff_pool_own *p, struct ff_pool_job *job)
{
    while (!atomic_load(&job->stopped)) {
        struct ff_error error = FF_ERROR_INIT;
        uint64_t i = atomic_fetch_add(&job->next, 1);
        int code;

        if (i >= job->count) {
            break;
        }
        code = ff_wait_over(job->call, &error);
        code = code ? code : job->work(job->ctx, i, &error);
        if (code) {
            job_failed(p, job, code, &error);
        }
    }
}

/* The newest job with something left to begin. Mutex held. */
static struct ff_pool_job *find_job(const struct ff_pool_own *p)
{
    struct ff_pool_job *job = p->newest;

    while (job && (atomic_load(&job->stopped) || atomic_load(&job->next) >= job->count)) {
        job = job->older;
    }
    return job;
}

static void *run_thread(void *arg)
{
    struct ff_pool_own *p = arg;

    (void)pthread_mutex_lock(&p->mutex);
    while (!p->ending) {
        struct ff_pool_job *job = find_job(p);

        if (!job) {
            p->idle++;
            (void)pthread_cond_wait(&p->work, &p->mutex);
            p->idle--;
            continue;
        }
        job->helpers++;
        (void)pthread_mutex_unlock(&p->mutex);
        help(p, job);
        (void)pthread_mutex_lock(&p->mutex);
        if (!--job->helpers) {
            (void)pthread_cond_broadcast(&p->helped);
        }
    }
    (void)pthread_mutex_unlock(&p->mutex);
    return NULL;
}

/* As many threads as there can be; fewer are no failure: the caller works too. Mutex held.
 * Signals are for the program's own threads: new ones inherit the mask that blocks them. */
static void start_threads(struct ff_pool_own *p, uint64_t useful)
{
    sigset_t all, before;

    if (p->started + 1 >= p->threads || useful <= p->started) {
        return;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (p->started + 1 < p->threads && p->started < useful &&
           !pthread_create(&p->thread[p->started], NULL, run_thread, p)) {
        p->started++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* helpers: how many threads there is use for, without the caller. */
static void add_job(struct ff_pool_own *p, struct ff_pool_job *job, uint64_t helpers)
{
    (void)pthread_mutex_lock(&p->mutex);
    start_threads(p, helpers);
    job->older = p->newest;
    if (p->newest) {
        p->newest->newer = job;
    }
    p->newest = job;
    for (uint64_t i = 0; i < helpers && i < p->idle; i++) {
        (void)pthread_cond_signal(&p->work);
    }
    (void)pthread_mutex_unlock(&p->mutex);
}

/* No new helpers come; those who are at it finish their item. */
static void end_job(struct ff_pool_own *p, struct ff_pool_job *job)
{
    (void)pthread_mutex_lock(&p->mutex);
    *(job->newer ? &job->newer->older : &p->newest) = job->older;
    if (job->older) {
        job->older->newer = job->newer;
    }
    while (job->helpers) {
        (void)pthread_cond_wait(&p->helped, &p->mutex);
    }
    (void)pthread_mutex_unlock(&p->mutex);
}

/* Of a job that no other thread knows, or knows any more. */
static int outcome(struct ff_pool_job *job, struct ff_error *e)
{
    if (job->code && !job->error.code) {
        (void)ff_fail(&job->error, job->code, NULL,
                      "a work item failed without saying why");
    }
    if (job->code) {
        ff_error_copy(e, &job->error);
    }
    return job->code;
}

int ff_pool_for_each(struct ff_pool_own *p, uint64_t count,
                     int (*work)(void *ctx, uint64_t i, struct ff_error *), void *ctx,
                     const struct ff_call *call, struct ff_error *e)
{
    struct ff_pool_job job = {.count = count, .work = work, .ctx = ctx, .call = call};

    if (count > 1 && p->threads > 1) {
        add_job(p, &job, count - 1);
        help(p, &job);
        end_job(p, &job);
    } else {
        help(p, &job);
    }
    return outcome(&job, e);
}

void ff_pool_begin(struct ff_pool_own *p, struct ff_pool_job *job, uint64_t count,
                   int (*work)(void *ctx, uint64_t i, struct ff_error *), void *ctx,
                   const struct ff_call *call)
{
    *job = (struct ff_pool_job){.count = count, .work = work, .ctx = ctx, .call = call};
    if (p->threads > 1) {
        add_job(p, job, count);
    }
}

int ff_pool_finish(struct ff_pool_own *p, struct ff_pool_job *job, struct ff_error *e)
{
    help(p, job);
    if (p->threads > 1) {
        end_job(p, job);
    }
    return outcome(job, e);
}

void *ff_pool_borrow(struct ff_pool_own *p, size_t size_bytes, const struct ff_call *call,
                     struct ff_error *e)
{
    return ff_budget_borrow(&p->budget, size_bytes, call, e);
}

int ff_pool_give_back(struct ff_pool_own *p, void *memory)
{
    return !memory || ff_budget_give_back(&p->budget, memory);
}

void ff_pool_look(struct ff_pool_own *p, struct ff_pool_state *out)
{
    (void)pthread_mutex_lock(&p->mutex);
    out->started = p->started;
    (void)pthread_mutex_unlock(&p->mutex);
    (void)pthread_mutex_lock(&p->budget.mutex);
    out->held_bytes = p->budget.held_bytes;
    out->cached_bytes = p->budget.cached_bytes;
    out->waiting = p->budget.waiting;
    (void)pthread_mutex_unlock(&p->budget.mutex);
}
