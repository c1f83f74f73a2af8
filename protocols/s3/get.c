/* SPDX-License-Identifier: Apache-2.0 */
/* get.c: GET and HEAD. */
#include <string.h>

#include "s3.h"

int ff_s3_describe(struct ff_io *io, const struct ff_s3_request *r, struct ff_error *e)
{
    const struct ff_s3_answer *a = &r->answer;

    if (strlen(a->etag) >= sizeof io->tag) {
        return ff_fail(e, FF_E_UNSUPPORTED, r->key, "its ETag is longer than %zu bytes",
                       sizeof io->tag - 1);
    }
    memcpy(io->tag, a->etag, strlen(a->etag) + 1);
    io->mtime_ns = a->modified_ns;
    return FF_OK;
}

/* ---- HEAD ---- */

static int head_facts(struct ff_io *io, const struct ff_s3_request *r, struct ff_error *e)
{
    if (!r->answer.has_length) {
        return ff_fail(e, FF_E_NETWORK, r->key, "the answer does not say how long it is");
    }
    io->object_bytes = r->answer.length_bytes;
    return ff_s3_describe(io, r, e);
}

/* Also of a GET that found nothing to get: of an empty object, or past the end. */
static void on_head(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    struct ff_io *io = item->io;
    int code = r->code ? r->code : head_facts(io, r, &e);

    if (!code && io->op == FF_GET) {
        if (io->size_bytes && io->offset_bytes < io->object_bytes) {
            code = ff_fail(&e, FF_E_STALE, item->key,
                           "the object was replaced while it was read");
        } else {
            (void)io->buffer(io, 0);
            io->size_bytes = 0;
        }
    }
    ff_s3_request_end(item->root, r);
    ff_s3_item_end(item, code, &e);
}

void ff_s3_head(struct ff_s3_item *item)
{
    struct ff_s3_request *r = ff_s3_item_request(item, FF_S3_HEAD);

    if (r) {
        item->step = on_head;
        ff_s3_item_send(item, r);
    }
}

/* ---- GET ---- */

static void *buffer(struct ff_s3_request *r, uint64_t size_bytes)
{
    struct ff_io *io = ((struct ff_s3_item *)r->user)->io;

    return io->buffer(io, size_bytes);
}

static void on_get(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    struct ff_io *io = item->io;
    int code = r->code;

    if (code && r->answer.status == 416 && !r->has_dst) {
        ff_s3_request_end(item->root, r);
        ff_s3_head(item);
        return;
    }
    if (code && r->answer.status == 412) {
        e = (struct ff_error)FF_ERROR_INIT;
        code = ff_fail(&e, FF_E_STALE, item->key,
                       "the object was replaced while it was read");
    }
    if (!code) {
        io->object_bytes = r->total_bytes;
        io->size_bytes = r->got_bytes;
        code = ff_s3_describe(io, r, &e);
    }
    ff_s3_request_end(item->root, r);
    ff_s3_item_end(item, code, &e);
}

void ff_s3_get(struct ff_s3_item *item)
{
    const struct ff_io *io = item->io;
    struct ff_s3_request *r;

    if (!io->size_bytes) {
        ff_s3_head(item);
        return;
    }
    r = ff_s3_item_request(item, FF_S3_GET);
    if (!r) {
        return;
    }
    r->offset_bytes = io->offset_bytes;
    r->want_bytes = io->size_bytes;
    if (r->want_bytes != FF_ANY_SIZE && r->want_bytes > UINT64_MAX - r->offset_bytes) {
        r->want_bytes = FF_ANY_SIZE;
    }
    r->has_range = r->offset_bytes || r->want_bytes != FF_ANY_SIZE;
    r->buffer = buffer;
    item->step = on_get;
    ff_s3_item_send(item, r);
}
