/* SPDX-License-Identifier: Apache-2.0 */
/* objects.c: ff.objects/1: GET and HEAD; all else is refused. */
#include <string.h>

#include "core/base/alloc.h"
#include "http.h"

struct op {
    struct ff_io *io;
    struct ff_span span;
};

struct batch {
    struct ff_http_bound *bound;
    struct ff_batch *batch;
    bool ended;
};

static void tell(struct batch *b, struct ff_io *io, int code, const struct ff_error *e)
{
    b->ended |= b->batch->done(b->batch, io, code, code ? e : NULL) != 0;
}

static int room(struct ff_http_request *r, uint64_t size_bytes)
{
    struct op *op = r->user;
    struct ff_io *io = op->io;
    void *dst = io->buffer ? io->buffer(io, size_bytes) : NULL;

    if (!dst && size_bytes) {
        return FF_E_NO_MEMORY;
    }
    op->span = (struct ff_span){dst, (size_t)size_bytes};
    r->spans = &op->span;
    r->span_count = 1;
    return FF_OK;
}

static struct ff_http_request *request_of(struct batch *b, struct ff_io *io,
                                          struct ff_error *e)
{
    struct ff_http_request *r;
    struct op *op;
    char *url;

    if (io->op != FF_GET && io->op != FF_HEAD) {
        (void)(io->op < FF_GET || io->op > FF_COPY
                   ? ff_fail(e, FF_E_UNSUPPORTED, io->name, "unknown operation %d",
                             (int)io->op)
                   : ff_http_refuse(b->bound->root, io->name, e));
        return NULL;
    }
    if (!io->name || !*io->name) {
        (void)ff_fail(e, FF_E_USAGE, "", "http: no name");
        return NULL;
    }
    if (ff_http_url(b->bound, io->name, &url, e)) {
        return NULL;
    }
    op = ff_calloc(1, sizeof *op);
    r = ff_http_request_new(url);
    if (!r || !op) {
        ff_free(op);
        ff_http_request_free(r);
        (void)ff_fail(e, FF_E_NO_MEMORY, io->name, "no memory for a request");
        return NULL;
    }
    op->io = io;
    r->user = op;
    r->room = room;
    r->head = io->op == FF_HEAD || io->size_bytes == 0;
    r->offset_bytes = io->offset_bytes;
    r->want_bytes = io->size_bytes;
    return r;
}

static struct ff_http_request *next(void *ctx)
{
    struct batch *b = ctx;
    struct ff_io *io;

    while (!b->ended && (io = b->batch->next(b->batch))) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_http_request *r = request_of(b, io, &e);

        if (r) {
            return r;
        }
        tell(b, io, e.code, &e);
    }
    return NULL;
}

static int done(void *ctx, struct ff_http_request *r)
{
    struct batch *b = ctx;
    struct op *op = r->user;
    struct ff_io *io = op->io;

    if (!r->code) {
        io->object_bytes = r->total_bytes;
        io->mtime_ns = r->modified_ns;
        memcpy(io->tag, r->answer_tag, sizeof io->tag);
    }
    if (!r->code && io->op == FF_GET) {
        if (r->head && io->buffer) {
            (void)io->buffer(io, 0);
        }
        io->size_bytes = r->got_bytes;
    }
    tell(b, io, r->code, &r->error);
    ff_free(op);
    ff_http_request_free(r);
    return b->ended;
}

int ff_http_objects_run(const struct ff_objects *self, struct ff_batch *batch,
                        const struct ff_call *call, struct ff_error *e)
{
    struct batch b = {.bound = FF_HTTP_BOUND(self, objects), .batch = batch};
    struct ff_http_queue queue = {&b, batch->width, next, done};

    return ff_http_run(b.bound->root, &queue, call, e);
}
