/* SPDX-License-Identifier: Apache-2.0 */
/* multipart.c: large objects go up in equal parts, several at a time, and become visible as
 * one. What fails is aborted: parts that nobody completes cost money and are never listed. */
#include <string.h>

#include "core/base/alloc.h"
#include "s3.h"

enum { MAX_PARTS = 10000, DOCUMENT_MAX_BYTES = 2 << 20 };

struct part {
    char etag[128];
};

struct upload {
    uint64_t part_bytes;
    size_t count, begun;
    unsigned in_flight;
    unsigned hands; /* threads that are in go_on(): the last one finishes */
    int code;
    struct ff_error error;
    char *id;
    char writer[FF_S3_WRITER_BYTES];
    bool gone;            /* when it was to be completed the server did not know it */
    pthread_mutex_t lock; /* guards all of it: parts end on several threads */
    struct part parts[];
};

static void upload_end(struct ff_s3_item *item, int code, const struct ff_error *e)
{
    struct upload *u = item->state;

    if (u) {
        ff_free(u->id);
        (void)pthread_mutex_destroy(&u->lock);
    }
    ff_s3_item_end(item, code, e);
}

/* ---- giving up ---- */

static void on_aborted(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct upload *u = item->state;
    struct ff_error e = u->error;

    if (r->code && r->code != FF_E_NOT_FOUND) {
        ff_s3_log(item->root, FF_LOG_WARNING,
                  "S3: parts of %s that nobody needs could not be removed", item->key);
    }
    ff_s3_request_end(item->root, r);
    upload_end(item, u->code, &e);
}

static void abort_upload(struct ff_s3_item *item)
{
    struct upload *u = item->state;
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_DELETE, item->key);
    struct ff_error e = u->error;

    if (!r || ff_s3_request_query(r, "uploadId", u->id)) {
        ff_s3_request_end(item->root, r);
        upload_end(item, u->code, &e);
        return;
    }
    item->step = on_aborted;
    ff_s3_item_send(item, r);
}

static void fail(struct upload *u, int code, const struct ff_error *e)
{
    if (!u->code) {
        u->code = code;
        u->error = *e;
    }
}

/* ---- completing ---- */

static void on_seen(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    const struct upload *u = item->state;
    int code = r->code ? r->code : ff_s3_describe(item->io, r, &e);

    if (u->gone &&
        (code == FF_E_NOT_FOUND || (!code && strcmp(r->answer.writer, u->writer) != 0))) {
        e = (struct ff_error)FF_ERROR_INIT;
        code = ff_fail(&e, FF_E_NETWORK, item->key,
                       "its upload is gone, and what is there did not go up with it");
    }
    if (!code &&
        (!r->answer.has_length || r->answer.length_bytes != item->io->size_bytes)) {
        code = ff_fail(&e, FF_E_CORRUPT, item->key,
                       "it went up in parts, and is not as long as they were");
    }
    ff_s3_request_end(item->root, r);
    upload_end(item, code, &e);
}

/* Its length is looked at, since a lost part would be seen by nobody. An upload that is not known
 * any more was completed, and the answer lost: libcurl, too, asks again by itself, when a
 * connection that it kept turns out to be dead. Or somebody removed it: the writer tells. */
static void on_completed(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct upload *u = item->state;

    u->gone = r->code == FF_E_NOT_FOUND;
    if (r->code && !u->gone) {
        fail(u, r->code, &r->error);
        ff_s3_request_end(item->root, r);
        abort_upload(item);
        return;
    }
    ff_s3_request_end(item->root, r);
    r = ff_s3_request_new(FF_S3_HEAD, item->key);
    if (!r) {
        struct ff_error e = FF_ERROR_INIT;

        upload_end(item, ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory"), &e);
        return;
    }
    item->step = on_seen;
    ff_s3_item_send(item, r);
}

static int write_parts(const struct upload *u, struct ff_buf *out)
{
    int rc = ff_buf_append_text(out, "<CompleteMultipartUpload>");

    for (size_t i = 0; rc == 0 && i < u->count; i++) {
        rc =
            ff_buf_printf(out, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>",
                          i + 1, u->parts[i].etag);
    }
    return rc ? rc : ff_buf_append_text(out, "</CompleteMultipartUpload>");
}

static void complete(struct ff_s3_item *item)
{
    struct upload *u = item->state;
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_POST, item->key);
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf document;
    int rc;

    ff_buf_init(&document, DOCUMENT_MAX_BYTES);
    rc = r ? write_parts(u, &document) : -1;
    rc = rc ? rc : ff_s3_request_query(r, "uploadId", u->id);
    if (rc == 0 && (r->body_owned = ff_aligned_alloc(document.length_bytes))) {
        memcpy(r->body_owned, document.data, document.length_bytes);
        atomic_fetch_add(&item->root->body_bytes, document.length_bytes);
        rc = ff_s3_body_set(item->root, r, r->body_owned, document.length_bytes, &e);
    }
    ff_buf_free(&document);
    if (rc || !r->body_owned) {
        (void)ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory for a request");
        fail(u, e.code, &e);
        ff_s3_request_end(item->root, r);
        abort_upload(item);
        return;
    }
    r->is_xml = true;
    r->patient = true;
    item->step = on_completed;
    ff_s3_item_send(item, r);
}

/* ---- parts ---- */

static int send_part(struct ff_s3_item *item, size_t i, struct ff_error *e)
{
    struct upload *u = item->state;
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_PUT, item->key);
    uint64_t at = i * u->part_bytes, left = item->io->size_bytes - at;
    char number[24];
    int code;

    (void)snprintf(number, sizeof number, "%zu", i + 1);
    if (!r || ff_s3_request_query(r, "partNumber", number) ||
        ff_s3_request_query(r, "uploadId", u->id)) {
        ff_s3_request_end(item->root, r);
        return ff_fail(e, FF_E_NO_MEMORY, item->key, "no memory for a request");
    }
    r->part = i;
    code = ff_s3_body_source(item->root, r, item->io, at,
                             left < u->part_bytes ? left : u->part_bytes, item->call, e);
    if (code) {
        ff_s3_request_end(item->root, r);
        return code;
    }
    ff_s3_item_send(item, r);
    return FF_OK;
}

/* As many as may be under way; then, when all have ended, what follows. */
static void go_on(struct ff_s3_item *item)
{
    struct upload *u = item->state;
    bool last;

    pthread_mutex_lock(&u->lock);
    for (;;) {
        struct ff_error e = FF_ERROR_INIT;
        size_t i;
        int code;

        if (u->code || u->begun == u->count || u->in_flight >= FF_S3_PARTS_IN_FLIGHT) {
            break;
        }
        i = u->begun++;
        u->in_flight++;
        pthread_mutex_unlock(&u->lock);
        code = send_part(item, i, &e);
        pthread_mutex_lock(&u->lock);
        if (code) {
            fail(u, code, &e);
            u->in_flight--;
            break;
        }
    }
    last = !--u->hands && !u->in_flight && (u->code || u->begun == u->count);
    pthread_mutex_unlock(&u->lock);
    if (last && u->code) {
        abort_upload(item);
    } else if (last) {
        complete(item);
    }
}

static void on_part(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct upload *u = item->state;

    pthread_mutex_lock(&u->lock);
    if (r->code) {
        fail(u, r->code, &r->error);
    } else if (strpbrk(r->answer.etag, "<>&") || !*r->answer.etag) {
        struct ff_error e = FF_ERROR_INIT;

        fail(u, ff_fail(&e, FF_E_NETWORK, item->key, "a part has no ETag"), &e);
    } else {
        memcpy(u->parts[r->part].etag, r->answer.etag, sizeof r->answer.etag);
    }
    u->in_flight--;
    u->hands++; /* go_on() takes it away */
    pthread_mutex_unlock(&u->lock);
    ff_s3_request_end(item->root, r);
    go_on(item);
}

/* ---- beginning ---- */

static int read_id(void *ctx, const char *path, char *text)
{
    char **id = ctx;

    if (text && !*id && !strcmp(path, "InitiateMultipartUploadResult/UploadId")) {
        *id = ff_strdup(text);
    }
    return 0;
}

static void on_begun(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct upload *u = item->state;
    struct ff_error e = r->error;
    int code = r->code;

    if (!code) {
        code = ff_s3_xml((const char *)r->text.data, r->text.length_bytes, read_id,
                         &u->id, &e);
    }
    if (!code && (!u->id || !*u->id)) {
        code = ff_fail(&e, FF_E_NETWORK, item->key, "the answer names no upload");
    }
    ff_s3_request_end(item->root, r);
    if (code) {
        upload_end(item, code, &e);
        return;
    }
    item->step = on_part;
    u->hands = 1;
    go_on(item);
}

static struct upload *upload_new(uint64_t size_bytes)
{
    uint64_t part = FF_S3_PART_BYTES;
    struct upload *u;
    size_t count;

    /* equal parts, as some servers want them */
    while (size_bytes / part >= MAX_PARTS) {
        part *= 2;
    }
    count = (size_t)(size_bytes / part) + (size_bytes % part != 0);
    u = ff_calloc(1, sizeof *u + count * sizeof(struct part));
    if (u && pthread_mutex_init(&u->lock, NULL)) {
        ff_free(u);
        return NULL;
    }
    if (u) {
        u->part_bytes = part;
        u->count = count;
        u->error = (struct ff_error)FF_ERROR_INIT;
    }
    return u;
}

static int upload_name(struct ff_s3_item *item, struct ff_s3_request *r,
                       struct ff_error *e)
{
    struct upload *u = item->state;
    int code = ff_s3_new_writer(item->root, item->key, u->writer, e);

    return code || ff_s3_request_header(r, FF_S3_META_WRITER, u->writer) ||
           ff_s3_request_query(r, "uploads", "");
}

void ff_s3_put_parts(struct ff_s3_item *item)
{
    struct ff_s3_request *r = NULL;
    struct ff_error e = FF_ERROR_INIT;

    if (item->io->size_bytes / FF_S3_MAX_PUT_BYTES >= MAX_PARTS) {
        (void)ff_fail(&e, FF_E_LIMIT, item->key, "it is too long for an object");
        ff_s3_item_end(item, e.code, &e);
        return;
    }
    item->state = upload_new(item->io->size_bytes);
    if (item->state) {
        r = ff_s3_request_new(FF_S3_POST, item->key);
    }
    if (!r || upload_name(item, r, &e)) {
        (void)ff_fail(&e, FF_E_NO_MEMORY, item->key, "no memory for an upload");
        ff_s3_request_end(item->root, r);
        upload_end(item, e.code, &e);
        return;
    }
    r->is_xml = true;
    item->step = on_begun;
    ff_s3_item_send(item, r);
}
