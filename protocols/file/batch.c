/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c: ff.objects/1: many items, on the host's threads. */
#include "file.h"

/* Several threads that take items until there are no more. */
struct crew {
    struct ff_file_bound *b;
    struct ff_batch *batch;
    const struct ff_call *call;
    pthread_mutex_t lock; /* guards what follows, and next() */
    struct ff_io *ahead[2];
    bool ended; /* next() gave NULL, or must not be called again */
    int code;   /* why, when not at the end */
    struct ff_error error;
};

/* Items that were taken ahead are done whatever happened: each gets its done(). */
static struct ff_io *crew_next(struct crew *c)
{
    struct ff_io *io = NULL;

    pthread_mutex_lock(&c->lock);
    if (c->ahead[0]) {
        io = c->ahead[0];
        c->ahead[0] = c->ahead[1];
        c->ahead[1] = NULL;
    } else if (!c->ended) {
        c->code = ff_file_stopped(c->b->root, c->call, c->b->folder, &c->error);
        io = c->code ? NULL : c->batch->next(c->batch);
        c->ended = !io;
    }
    pthread_mutex_unlock(&c->lock);
    return io;
}

static int crew_work(void *ctx, uint64_t i, struct ff_error *e)
{
    struct crew *c = ctx;
    struct ff_io *io;

    (void)i;
    (void)e;
    while ((io = crew_next(c))) {
        struct ff_error own = FF_ERROR_INIT;
        int code = ff_file_do_one(c->b, io, c->call, &own);

        if (c->batch->done(c->batch, io, code, code ? &own : NULL)) {
            pthread_mutex_lock(&c->lock);
            c->ended = true;
            pthread_mutex_unlock(&c->lock);
        }
    }
    return FF_OK;
}

/* How many threads there is use for: two items at least have to be there. */
static uint64_t crew_size(struct crew *c)
{
    const struct ff_file_root *root = c->b->root;
    uint64_t width = c->batch->width ? c->batch->width : root->host->threads;

    if (!root->pool || width < 2 || root->host->threads < 2) {
        return 1;
    }
    c->ahead[0] = crew_next(c);
    if (!c->ahead[0]) {
        return 1;
    }
    c->ahead[1] = c->batch->next(c->batch);
    c->ended = !c->ahead[1];
    return c->ended ? 1 : width < root->host->threads ? width : root->host->threads;
}

static int file_run(const struct ff_objects *self, struct ff_batch *batch,
                    const struct ff_call *call, struct ff_error *e)
{
    struct crew c = {.b = FF_FILE_BOUND(self, objects),
                     .batch = batch,
                     .call = call,
                     .error = FF_ERROR_INIT};
    const struct ff_file_root *root = c.b->root;
    struct ff_error ignored = FF_ERROR_INIT;
    uint64_t threads;

    if (pthread_mutex_init(&c.lock, NULL)) {
        return ff_fail(e, FF_E_NO_MEMORY, c.b->folder, "no memory for a lock");
    }
    threads = crew_size(&c);
    if (threads > 1) {
        (void)root->pool->for_each(root->host, threads, crew_work, &c, call, &ignored);
    }
    (void)crew_work(&c, 0, e); /* what the pool left: nothing, or all when it failed */
    (void)pthread_mutex_destroy(&c.lock);
    if (c.code) {
        ff_error_copy(e, &c.error);
    }
    return c.code;
}

const struct ff_objects ff_file_objects = {
    .struct_size = FF_SIZE(ff_objects, sync),
    .run = file_run,
    .list = ff_file_list,
    .sync = ff_file_sync,
};
