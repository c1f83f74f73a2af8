/* SPDX-License-Identifier: Apache-2.0 */
/* fault_objects.c: ff.objects/1 of the protocol "fault". */
#include "core/base/vec.h"
#include "fault_own.h"

/* Between the caller's batch and the inner protocol. */
struct wrapped {
    struct ff_batch batch; /* first: what the inner sees */
    struct ff_batch *outer;
    struct fault_inst *inst;
    bool stop, cancelled;
    pthread_mutex_t lock; /* stop, cancelled, lost */
    struct ff_vec lost;   /* struct lost: done, but the answer shall not arrive */
};

struct lost {
    struct ff_io *io;
    struct fault_verdict verdict;
};

static int op_of(const struct ff_io *io)
{
    static const int ops[] = {FF_FAULT_ANY,  FF_FAULT_GET,    FF_FAULT_PUT,
                              FF_FAULT_HEAD, FF_FAULT_REMOVE, FF_FAULT_COPY};

    return io->op >= FF_GET && io->op <= FF_COPY ? ops[io->op] : FF_FAULT_ANY;
}

/* Whether the caller wants no more. */
static bool finish_item(struct wrapped *w, struct ff_io *io,
                        const struct fault_verdict *v)
{
    struct ff_error own = FF_ERROR_INIT;
    int stop;

    (void)fault_fail(&own, v, io->name);
    stop = w->outer->done(w->outer, io, v->code, &own);
    pthread_mutex_lock(&w->lock);
    w->stop |= stop != 0;
    w->cancelled |= v->cancel;
    pthread_mutex_unlock(&w->lock);
    return stop != 0;
}

static bool remember_lost(struct wrapped *w, struct ff_io *io,
                          const struct fault_verdict *v)
{
    struct lost lost = {io, *v};
    int rc;

    pthread_mutex_lock(&w->lock);
    rc = ff_vec_append(&w->lost, &lost);
    pthread_mutex_unlock(&w->lock);
    return rc == 0;
}

/* Items that fail at once end here: their done() comes between two calls of the caller's
 * next(), as a protocol that works one by one would do it. */
static struct ff_io *next(struct ff_batch *batch)
{
    struct wrapped *w = batch->ctx;
    struct ff_io *io;

    for (;;) {
        struct fault_verdict v;
        bool stop;

        pthread_mutex_lock(&w->lock);
        stop = w->stop || w->cancelled;
        pthread_mutex_unlock(&w->lock);
        io = stop ? NULL : w->outer->next(w->outer);
        if (!io) {
            return NULL;
        }
        v = fault_decide(w->inst, op_of(io));
        if (io->op == FF_GET && v.most && v.most < io->size_bytes) {
            io->size_bytes = v.most;
        }
        if (!v.code || (v.lost && remember_lost(w, io, &v))) {
            return io;
        }
        (void)finish_item(w, io, &v);
    }
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct wrapped *w = batch->ctx;
    struct fault_verdict v = {0};

    pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->lost.count; i++) {
        struct lost *lost = ff_vec_at(&w->lost, i);

        if (lost->io == io) {
            v = lost->verdict;
            *lost = *(struct lost *)ff_vec_last(&w->lost);
            ff_vec_pop(&w->lost);
            break;
        }
    }
    pthread_mutex_unlock(&w->lock);
    if (v.code && !code) {
        io->tag[0] = '\0';
        return finish_item(w, io, &v);
    }
    return w->outer->done(w->outer, io, code, e);
}

static int run(const struct ff_objects *self, struct ff_batch *outer,
               const struct ff_call *call, struct ff_error *e)
{
    const struct fault_bound *b = FAULT_OF(self, objects);
    struct wrapped w = {.batch = {.struct_size = FF_SIZE(ff_batch, done),
                                  .width = outer->width,
                                  .next = next,
                                  .done = done},
                        .outer = outer,
                        .inst = b->inst};
    int rc;

    w.batch.ctx = &w;
    if (pthread_mutex_init(&w.lock, NULL)) {
        return ff_fail(e, FF_E_NO_MEMORY, "fault", "no memory for a lock");
    }
    ff_vec_init(&w.lost, sizeof(struct lost), SIZE_MAX / 64);
    rc = b->to_objects->run(b->to_objects, &w.batch, call, e);
    if (!rc && w.cancelled) {
        rc = ff_fail(e, FF_E_CANCELLED, NULL, "a cancellation that a test asked for");
    }
    ff_vec_free(&w.lost);
    pthread_mutex_destroy(&w.lock);
    return rc;
}

static int list(const struct ff_objects *self, const char *prefix, int one_level,
                int (*each)(void *, const struct ff_io *), void *ctx, int64_t *now_ns,
                const struct ff_call *call, struct ff_error *e)
{
    const struct fault_bound *b = FAULT_OF(self, objects);
    struct fault_verdict v = fault_decide(b->inst, FF_FAULT_LIST);

    return v.code ? fault_fail(e, &v, prefix)
                  : b->to_objects->list(b->to_objects, prefix, one_level, each, ctx,
                                        now_ns, call, e);
}

static int sync_all(const struct ff_objects *self, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct fault_bound *b = FAULT_OF(self, objects);
    struct fault_verdict v = fault_decide(b->inst, FF_FAULT_SYNC);
    int rc = v.code && !v.lost ? FF_OK : b->to_objects->sync(b->to_objects, call, e);

    return !rc && v.code ? fault_fail(e, &v, NULL) : rc;
}

const struct ff_objects fault_objects = {
    .struct_size = FF_SIZE(ff_objects, sync),
    .run = run,
    .list = list,
    .sync = sync_all,
};
