/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: COPY: by the server itself; under a condition, which no server keeps for a copy,
 * through this process. */
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

/* CopyObjectResult */
static int read_etag(void *ctx, const char *path, char *text)
{
    struct ff_io *io = ctx;

    if (text && !strcmp(path, "CopyObjectResult/ETag") && strlen(text) < sizeof io->tag) {
        memcpy(io->tag, text, strlen(text) + 1);
    }
    return 0;
}

static void on_copied(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    int code = r->code;

    if (!code) {
        item->io->tag[0] = '\0';
        code = ff_s3_xml((const char *)r->text.data, r->text.length_bytes, read_etag,
                         item->io, &e);
        if (!code && !item->io->tag[0]) {
            code = ff_fail(&e, FF_E_NETWORK, item->key, "the answer has no ETag");
        }
    }
    ff_s3_request_end(item->root, r);
    ff_s3_item_end(item, code, &e);
}

static int begin_copy(struct ff_s3_item *item, struct ff_s3_request *r, const char *from)
{
    struct ff_buf source;
    int rc;

    ff_buf_init(&source, 8 << 10);
    rc = ff_buf_append_byte(&source, '/');
    rc = rc ? rc : ff_s3_encode(&source, item->root->options.bucket, false);
    rc = rc ? rc : ff_buf_append_byte(&source, '/');
    rc = rc ? rc : ff_s3_encode(&source, from, true);
    rc = rc ? rc : ff_s3_request_header(r, "x-amz-copy-source", ff_buf_text(&source));
    ff_buf_free(&source);
    return rc;
}

/* ---- under a condition: the bytes come, and are put ---- */

static void *source_buffer(struct ff_s3_request *r, uint64_t size_bytes)
{
    if (size_bytes <= FF_S3_MAX_PUT_BYTES) {
        r->body_owned = ff_aligned_alloc(size_bytes ? (size_t)size_bytes : 1);
    }
    return r->body_owned;
}

static void on_source(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    int code = r->code;

    if (!code) {
        struct ff_s3_request *put = ff_s3_request_new(FF_S3_PUT, item->key);

        code =
            put ? ff_s3_body_set(item->root, put, r->body_owned, (size_t)r->got_bytes, &e)
                : ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory for a request");
        if (code) {
            ff_s3_request_end(item->root, put);
        } else {
            code = ff_s3_put_if(item->root, put, item->key, item->io->if_match, item->io,
                                item->call, &e);
        }
    }
    ff_s3_request_free(r);
    ff_s3_item_end(item, code, &e);
}

static void through_here(struct ff_s3_item *item, const char *from)
{
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_GET, from);
    struct ff_error e = FF_ERROR_INIT;

    if (!r) {
        (void)ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory for a request");
        ff_s3_item_end(item, e.code, &e);
        return;
    }
    r->buffer = source_buffer;
    item->step = on_source;
    ff_s3_item_send(item, r);
}

void ff_s3_copy(struct ff_s3_item *item)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_s3_request *r;
    char *from;
    int code = ff_s3_item_key(item, item->io->from, &from, &e);

    if (code) {
        ff_s3_item_end(item, code, &e);
        return;
    }
    if (item->io->if_match) {
        through_here(item, from);
        ff_free(from);
        return;
    }
    r = ff_s3_item_request(item, FF_S3_PUT);
    if (r && begin_copy(item, r, from)) {
        ff_s3_request_end(item->root, r);
        (void)ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory for a request");
        ff_s3_item_end(item, e.code, &e);
    } else if (r) {
        r->is_xml = true;
        r->patient = true;
        item->step = on_copied;
        ff_s3_item_send(item, r);
    }
    ff_free(from);
}
