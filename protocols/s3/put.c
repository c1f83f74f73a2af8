/* SPDX-License-Identifier: Apache-2.0 */
/* put.c: PUT, with and without a condition.
 *
 * A conditional PUT is sent once. When its answer is lost, it may have landed, or may land
 * later: so each carries a number of its own, and the object is looked at. What has that
 * number is ours; what is still as the condition wants it may be put again, since at most one
 * of two that have the same condition lands; anything else cannot be known. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/digest.h"
#include "s3.h"

enum { LOOKS = 6, FIRST_PAUSE_MS = 50 };

#define LOOK_FOR_NS ((int64_t)180 * 1000000000) /* no put is begun later */

/* ---- keys with an emulated condition ---- */

static char **find_locked(struct ff_s3_root *root, const char *key)
{
    for (size_t i = 0; i < root->locked.count; i++) {
        char **one = ff_vec_at(&root->locked, i);

        if (!strcmp(*one, key)) {
            return one;
        }
    }
    return NULL;
}

int ff_s3_key_lock(struct ff_s3_root *root, const char *key, struct ff_error *e)
{
    char *copy = ff_strdup(key), **place;

    pthread_mutex_lock(&root->lock);
    while (copy && find_locked(root, key)) {
        (void)pthread_cond_wait(&root->unlocked, &root->lock);
    }
    place = copy ? ff_vec_push(&root->locked) : NULL;
    if (place) {
        *place = copy;
    }
    pthread_mutex_unlock(&root->lock);
    if (!place) {
        ff_free(copy);
        return ff_fail(e, FF_E_NO_MEMORY, key, "no memory to hold it");
    }
    return FF_OK;
}

void ff_s3_key_unlock(struct ff_s3_root *root, const char *key)
{
    char **place, **last;

    pthread_mutex_lock(&root->lock);
    place = find_locked(root, key);
    last = ff_vec_last(&root->locked);
    if (place) {
        ff_free(*place);
        *place = *last;
        ff_vec_pop(&root->locked);
    }
    pthread_cond_broadcast(&root->unlocked);
    pthread_mutex_unlock(&root->lock);
}

/* ---- conditions ---- */

int ff_s3_tag_of(struct ff_s3_root *root, const char *key, char tag[80],
                 char writer[FF_S3_WRITER_BYTES], const struct ff_call *call,
                 struct ff_error *e)
{
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_HEAD, key);
    struct ff_io io = {.struct_size = FF_SIZE(ff_io, is_folder)};
    struct ff_error own = FF_ERROR_INIT;
    int code = r ? ff_s3_perform(root, r, call, &own)
                 : ff_fail(&own, FF_E_NO_MEMORY, key, "no memory for a request");

    tag[0] = '\0';
    if (writer) {
        writer[0] = '\0';
    }
    if (!code) {
        code = ff_s3_describe(&io, r, &own);
        memcpy(tag, io.tag, sizeof io.tag);
        if (writer) {
            memcpy(writer, r->answer.writer, FF_S3_WRITER_BYTES);
        }
    }
    ff_s3_request_end(root, r);
    if (code == FF_E_NOT_FOUND) {
        return FF_OK;
    }
    if (code && e && !e->code) {
        *e = own;
    }
    return code;
}

/* RGW 16 compares with the ETag without its quotes. */
static int add_condition(struct ff_s3_root *root, struct ff_s3_request *r,
                         const char *if_match)
{
    char bare[80];
    size_t length = strlen(if_match);

    if (!*if_match) {
        return ff_s3_request_header(r, "if-none-match", "*");
    }
    if (root->facts.unquoted_tags && length > 2 && if_match[0] == '"') {
        (void)snprintf(bare, sizeof bare, "%.*s", (int)length - 2, if_match + 1);
        return ff_s3_request_header(r, "if-match", bare);
    }
    return ff_s3_request_header(r, "if-match", if_match);
}

static int changed(const char *key, struct ff_error *e)
{
    return ff_fail(e, FF_E_CONFLICT, key, "it is not as the condition wants it");
}

static void pause_a_little(const struct ff_s3_root *root, unsigned i)
{
    (void)root->sys->poll(root->sys, NULL, 0, FIRST_PAUSE_MS << i);
}

/* What became of a PUT whose answer was lost. FF_OK: it landed, `io` has the tag. FF_DECLINED:
 * it has not, and may be put again. */
static int find_out(struct ff_s3_root *root, const char *key, const char *if_match,
                    const char *ours, struct ff_io *io, const struct ff_call *call,
                    struct ff_error *e)
{
    char writer[FF_S3_WRITER_BYTES];
    int code = ff_s3_tag_of(root, key, io->tag, writer, call, e);

    if (code) {
        return code;
    }
    if (!strcmp(writer, ours)) {
        return FF_OK;
    }
    return strcmp(io->tag, if_match) ? FF_E_UNKNOWN_OUTCOME : FF_DECLINED;
}

static int unknown(const char *key, const struct ff_error *why, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_UNKNOWN_OUTCOME, key,
                  "the answer was lost, and it cannot be known whether it was put: %s",
                  why->message);
    if (e) {
        e->http_status = why->http_status;
    }
    return FF_E_UNKNOWN_OUTCOME;
}

int ff_s3_new_writer(const struct ff_s3_root *root, const char *key,
                     char out[FF_S3_WRITER_BYTES], struct ff_error *e)
{
    uint8_t random[16];

    if (ff_sys_random(root->sys, random, sizeof random)) {
        return ff_fail(e, FF_E_IO, key, "no random bytes");
    }
    ff_hex(random, sizeof random, out);
    return FF_OK;
}

/* Once more with the same body: the answer of before is forgotten. */
static void again(struct ff_s3_request *r)
{
    r->code = FF_OK;
    r->error = (struct ff_error)FF_ERROR_INIT;
    r->ambiguous = false;
    r->answer = (struct ff_s3_answer){0};
    r->error_code[0] = '\0';
    r->attempts = 0;
    ff_buf_clear(&r->text);
}

static int64_t now_ns(const struct ff_s3_root *root)
{
    return ff_sys_now_ns(root->sys, CLOCK_MONOTONIC);
}

/* `sent`: it was, and `r` has how that ended. */
static int put_once(struct ff_s3_root *root, struct ff_s3_request *r, bool sent,
                    const char *key, const char *if_match, const char *writer,
                    struct ff_io *io, const struct ff_call *call, struct ff_error *e)
{
    struct ff_error last = FF_ERROR_INIT, own;
    unsigned looks =
        root->options.max_attempts < LOOKS ? root->options.max_attempts : LOOKS;
    int64_t until_ns = now_ns(root) + LOOK_FOR_NS;
    bool lost = false;
    int code = FF_OK;

    for (unsigned i = 0; i < looks && (!i || now_ns(root) < until_ns); i++) {
        own = (struct ff_error)FF_ERROR_INIT;
        if (sent && i == 0) {
            code = r->code;
            own = r->error;
        } else {
            again(r);
            code = ff_s3_perform(root, r, call, &own);
        }
        if (!code) {
            return ff_s3_describe(io, r, e);
        }
        if (!lost && !r->ambiguous) {
            break; /* certain */
        }
        last = r->ambiguous ? own : last;
        lost = true;
        pause_a_little(root, i);
        code = find_out(root, key, if_match, writer, io, call, &own);
        if (code == FF_OK) {
            return FF_OK;
        }
        if (code != FF_DECLINED) {
            return unknown(key, &last, e);
        }
    }
    if (lost) {
        return unknown(key, &last, e);
    }
    /* RGW: If-Match on what is not there; others: 404 */
    if (code == FF_E_CONFLICT || (code == FF_E_NOT_FOUND && *if_match)) {
        return changed(key, e);
    }
    if (e && !e->code) {
        *e = own;
    }
    return code;
}

/* The server has no such condition: look, then put. Others may come between. */
static int look_and_put(struct ff_s3_root *root, struct ff_s3_request *r, const char *key,
                        const char *if_match, struct ff_io *io,
                        const struct ff_call *call, struct ff_error *e)
{
    char tag[80];
    int code = ff_s3_tag_of(root, key, tag, NULL, call, e);

    if (!code && strcmp(tag, if_match)) {
        code = changed(key, e);
    }
    if (code) {
        return code;
    }
    r->once = true;
    code = ff_s3_perform(root, r, call, e);
    return code ? code : ff_s3_describe(io, r, e);
}

int ff_s3_put_if(struct ff_s3_root *root, struct ff_s3_request *r, const char *key,
                 const char *if_match, struct ff_io *io, const struct ff_call *call,
                 struct ff_error *e)
{
    char writer[FF_S3_WRITER_BYTES];
    bool native, held;
    int code = ff_s3_probe(root, call, e);

    code = code ? code : ff_s3_new_writer(root, key, writer, e);
    if (code) {
        ff_s3_request_end(root, r);
        return code;
    }
    native = (*if_match ? root->facts.put_if_match : root->facts.put_if_absent) !=
             FF_S3_CANNOT;
    /* A removal in two steps, and what it may meet, are one after the other here. */
    held = !native || (*if_match && root->facts.remove_if_match == FF_S3_CANNOT);
    code = held ? ff_s3_key_lock(root, key, e) : FF_OK;
    if (!code && ff_s3_request_header(r, FF_S3_META_WRITER, writer)) {
        code = ff_fail(e, FF_E_NO_MEMORY, key, "no memory for a header");
    }
    if (!code && native) {
        r->once = true;
        code = add_condition(root, r, if_match)
                   ? ff_fail(e, FF_E_NO_MEMORY, key, "no memory for a header")
                   : put_once(root, r, false, key, if_match, writer, io, call, e);
    } else if (!code) {
        code = look_and_put(root, r, key, if_match, io, call, e);
    }
    if (held) {
        ff_s3_key_unlock(root, key);
    }
    ff_s3_request_end(root, r);
    return code;
}

/* ---- PUT ---- */

static void on_put(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    int code = r->code ? r->code : ff_s3_describe(item->io, r, &e);

    ff_s3_request_end(item->root, r);
    ff_s3_item_end(item, code, &e);
}

static void on_put_new(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = FF_ERROR_INIT;
    int code = put_once(item->root, r, true, item->key, "", item->state, item->io,
                        item->call, &e);

    ff_s3_request_end(item->root, r);
    ff_s3_item_end(item, code, &e);
}

/* Only if it is absent, and the server knows that condition: many are under way at once, as
 * without a condition. FF_DECLINED: it does not. */
static int send_new(struct ff_s3_item *item, struct ff_s3_request *r, struct ff_error *e)
{
    int code = ff_s3_probe(item->root, item->call, e);

    if (code || item->root->facts.put_if_absent == FF_S3_CANNOT) {
        return code ? code : FF_DECLINED;
    }
    item->state = ff_calloc(1, FF_S3_WRITER_BYTES);
    code = item->state ? ff_s3_new_writer(item->root, item->key, item->state, e)
                       : ff_fail(e, FF_E_NO_MEMORY, item->key, "no memory for a number");
    if (!code && (ff_s3_request_header(r, FF_S3_META_WRITER, item->state) ||
                  add_condition(item->root, r, ""))) {
        code = ff_fail(e, FF_E_NO_MEMORY, item->key, "no memory for a header");
    }
    if (!code) {
        r->once = true;
        item->step = on_put_new;
        ff_s3_item_send(item, r);
    }
    return code;
}

void ff_s3_put(struct ff_s3_item *item)
{
    struct ff_io *io = item->io;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_s3_request *r;
    int code;

    if (!io->if_match && io->size_bytes > FF_S3_MULTIPART_BYTES) {
        ff_s3_put_parts(item);
        return;
    }
    r = ff_s3_item_request(item, FF_S3_PUT);
    if (!r) {
        return;
    }
    code = io->size_bytes > FF_S3_MAX_PUT_BYTES
               ? ff_fail(&e, FF_E_LIMIT, item->key,
                         "an object that is put under a condition has at most 5 GiB")
               : ff_s3_body_source(item->root, r, io, 0, io->size_bytes, item->call, &e);
    if (!code && !io->if_match) {
        item->step = on_put;
        ff_s3_item_send(item, r);
        return;
    }
    if (!code && !*io->if_match) {
        code = send_new(item, r, &e);
        if (!code) {
            return; /* others may have ended the item */
        }
    }
    if (code && code != FF_DECLINED) {
        ff_s3_request_end(item->root, r);
    } else {
        code = ff_s3_put_if(item->root, r, item->key, io->if_match, io, item->call, &e);
    }
    ff_s3_item_end(item, code, &e);
}
