/* SPDX-License-Identifier: Apache-2.0 */
/* commit_io.c: single steps on the medium for the derived ff.commit/1. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "core/base/uuid.h"
#include "core/commit_own.h"

enum {
    LOOKS = 4,            /* how often to read what may have been written */
    LONGEST_WAIT_MS = 100 /* between two tries */
};

void ff_stored_free(struct ff_stored *b)
{
    ff_free(b->data);
    *b = (struct ff_stored){0};
}

bool ff_stored_is(const struct ff_stored *b, const void *data, size_t size_bytes)
{
    return b->there && b->size_bytes == size_bytes &&
           (!size_bytes || !memcmp(b->data, data, size_bytes));
}

bool ff_stored_begins(const struct ff_stored *b, const char *text)
{
    size_t length = strlen(text);

    return b->there && b->size_bytes >= length && !memcmp(b->data, text, length);
}

int ff_derived_pass(struct ff_error *to, const struct ff_error *from, int code)
{
    ff_error_copy(to, from);
    return code;
}

bool ff_derived_is_definite(int code)
{
    switch (code) {
    case FF_E_OTHER:
    case FF_E_NETWORK:
    case FF_E_CANCELLED:
    case FF_E_DEADLINE:
    case FF_E_UNKNOWN_OUTCOME:
        return false;
    default:
        return true;
    }
}

/* ---- time ---- */

void ff_derived_back_off(const struct ff_derived *d, unsigned attempt)
{
    unsigned most = attempt < 7 ? 1u << attempt : LONGEST_WAIT_MS;
    uint8_t random = 0;

    (void)ff_sys_random(d->sys, &random, sizeof random);
    (void)d->sys->poll(d->sys, NULL, 0, (int)(most * (random + 1u) / 256u));
}

void ff_derived_steady(const struct ff_derived *d, int64_t for_ns, struct ff_steady *out)
{
    ff_steady_begin(d->sys, for_ns, out);
}

bool ff_derived_is_late(const struct ff_derived *d, const struct ff_steady *call)
{
    int64_t now_ns = ff_sys_now_ns(d->sys, CLOCK_MONOTONIC);

    return now_ns == INT64_MIN || now_ns >= call->until_ns;
}

/* ---- names ---- */

void ff_derived_task_name(char out[FF_DERIVED_NAME_BYTES], const char *workflow,
                          const char *task)
{
    (void)snprintf(out, FF_DERIVED_NAME_BYTES, "%s/%s", workflow, task);
}

void ff_derived_own_name(char out[FF_DERIVED_NAME_BYTES], const char *workflow,
                         const char *name)
{
    (void)snprintf(out, FF_DERIVED_NAME_BYTES, "%s/" FF_DERIVED_FOLDER "%s", workflow,
                   name);
}

int ff_derived_check(const char *workflow, const char *task, struct ff_error *e)
{
    const char *why = ff_name_check(workflow, FF_NAME_WORKFLOW);
    const char *name = workflow;

    if (!why && task) {
        why = ff_name_check(task, FF_NAME_TASK);
        name = task;
    }
    return why ? ff_fail(e, FF_E_USAGE, name, "the name %s", why) : FF_OK;
}

int ff_derived_fresh(const struct ff_derived *d, const char *prefix, char *out,
                     size_t size, struct ff_error *e)
{
    int rc = ff_random_name(d->sys, prefix, out, size);

    if (rc && e && !e->code) {
        e->os_errno = -rc;
    }
    return rc ? ff_fail(e, FF_E_IO, "getrandom", "no random bytes: %s", strerror(-rc))
              : FF_OK;
}

/* ---- single objects ---- */

struct getting {
    struct ff_one_io one; /* first */
    struct ff_stored *out;
};

static void *get_buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct getting *g = io->user;

    if (g->out->data || size_bytes > FF_DERIVED_MAX_BYTES || size_bytes > SIZE_MAX) {
        return NULL;
    }
    g->out->data = ff_malloc((size_t)size_bytes);
    return g->out->data;
}

static int run_get(const struct ff_derived *d, struct getting *g, const char *name,
                   const struct ff_call *call, struct ff_error *e)
{
    int rc;

    g->one.batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                     .ctx = &g->one,
                                     .next = ff_one_next,
                                     .done = ff_one_done};
    g->one.io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                               .op = FF_GET,
                               .name = name,
                               .user = g,
                               .size_bytes = FF_ANY_SIZE,
                               .buffer = get_buffer};
    g->one.error = e;
    rc = d->objects->run(d->objects, &g->one.batch, call, e);
    return rc ? rc : g->one.code;
}

int ff_derived_get(const struct ff_derived *d, const char *name, struct ff_stored *out,
                   const struct ff_call *call, struct ff_error *e)
{
    struct getting g = {.out = out};
    struct ff_error local = FF_ERROR_INIT;
    int rc;

    *out = (struct ff_stored){0};
    rc = run_get(d, &g, name, call, &local);
    if (rc == FF_E_NOT_FOUND) {
        ff_stored_free(out);
        return FF_OK;
    }
    if (!rc && g.one.io.size_bytes != g.one.io.object_bytes) {
        rc = ff_fail(&local, FF_E_NETWORK, name, "%llu of %llu bytes came",
                     (unsigned long long)g.one.io.size_bytes,
                     (unsigned long long)g.one.io.object_bytes);
    }
    if (!rc && (!g.one.io.tag[0] || !out->data)) {
        rc = ff_fail(&local, FF_E_PLUGIN, name, "the protocol gave no %s",
                     out->data ? "tag" : "bytes");
    }
    if (rc) {
        ff_stored_free(out);
        return ff_derived_pass(e, &local, rc);
    }
    out->there = true;
    out->size_bytes = (size_t)g.one.io.size_bytes;
    memcpy(out->tag, g.one.io.tag, sizeof out->tag);
    return FF_OK;
}

struct bytes {
    const uint8_t *data;
    size_t size_bytes;
};

static int read_bytes(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                      const struct ff_call *call, struct ff_error *e)
{
    const struct bytes *b = ctx;

    (void)call;
    if (offset > b->size_bytes || size_bytes > b->size_bytes - offset) {
        return ff_fail(e, FF_E_PLUGIN, NULL, "the protocol reads past the end");
    }
    if (size_bytes) {
        memcpy(dst, b->data + offset, size_bytes);
    }
    return FF_OK;
}

int ff_derived_put(const struct ff_derived *d, const char *name, const void *data,
                   size_t size_bytes, const char *if_match,
                   char tag[FF_DERIVED_TAG_BYTES], const struct ff_call *call,
                   struct ff_error *e)
{
    struct bytes bytes = {data, size_bytes};
    struct ff_one_io one;
    int rc;

    memset(&one, 0, sizeof one);
    one.io.size_bytes = size_bytes;
    one.io.source = read_bytes;
    one.io.source_ctx = &bytes;
    one.io.if_match = if_match;
    rc = ff_one_run(d->objects, &one, FF_PUT, name, call, e);
    if (!rc && tag) {
        memcpy(tag, one.io.tag, FF_DERIVED_TAG_BYTES);
    }
    return rc;
}

int ff_derived_remove(const struct ff_derived *d, const char *name, const char *if_match,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.io.if_match = if_match;
    return ff_one_run(d->objects, &one, FF_REMOVE, name, call, e);
}

int ff_derived_sync(const struct ff_derived *d, const struct ff_call *call,
                    struct ff_error *e)
{
    return d->host->flags & FF_HOST_NO_SYNC ? FF_OK
                                            : d->objects->sync(d->objects, call, e);
}

/* ---- several tags ---- */

struct heads {
    struct ff_batch batch;
    struct ff_io ios[2];
    int codes[2];
    struct ff_error errors[2];
    size_t given, count;
};

static struct ff_io *next_head(struct ff_batch *batch)
{
    struct heads *h = batch->ctx;

    return h->given < h->count ? &h->ios[h->given++] : NULL;
}

static int head_done(struct ff_batch *batch, struct ff_io *io, int code,
                     const struct ff_error *e)
{
    struct heads *h = batch->ctx;
    size_t i = (size_t)(io - h->ios);

    h->codes[i] = code;
    if (code) {
        ff_error_copy(&h->errors[i], e);
    }
    return 0;
}

int ff_derived_tags(const struct ff_derived *d, const char *const *names, size_t count,
                    char (*tags)[FF_DERIVED_TAG_BYTES], const struct ff_call *call,
                    struct ff_error *e)
{
    struct heads h = {.batch = {.struct_size = FF_SIZE(ff_batch, done),
                                .next = next_head,
                                .done = head_done},
                      .count = count};
    int rc;

    h.batch.ctx = &h;
    for (size_t i = 0; i < count; i++) {
        h.ios[i] = (struct ff_io){
            .struct_size = FF_SIZE(ff_io, is_folder), .op = FF_HEAD, .name = names[i]};
        h.codes[i] = FF_E_OTHER;
    }
    rc = d->objects->run(d->objects, &h.batch, call, e);
    for (size_t i = 0; !rc && i < count; i++) {
        bool absent = h.codes[i] == FF_E_NOT_FOUND;

        if (h.codes[i] && !absent) {
            rc = ff_derived_pass(e, &h.errors[i], h.codes[i]);
        }
        memcpy(tags[i], absent ? "" : h.ios[i].tag, absent ? 1 : FF_DERIVED_TAG_BYTES);
    }
    return rc;
}

/* ---- compare and swap ---- */

int ff_derived_swap(const struct ff_derived *d, const char *name, const char *text,
                    char tag[FF_DERIVED_TAG_BYTES], const struct ff_call *call,
                    struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    char expected[FF_DERIVED_TAG_BYTES];
    struct ff_stored now;
    int rc = FF_OK;

    memcpy(expected, tag, sizeof expected);
    for (unsigned i = 0; i < LOOKS; i++) {
        local = (struct ff_error)FF_ERROR_INIT;
        rc = ff_derived_put(d, name, text, strlen(text), expected, tag, call, &local);
        if (!rc) {
            return FF_OK;
        }
        /* Also a conflict may be with ourselves: with a put of which the answer was lost.
         */
        if (ff_derived_get(d, name, &now, call, NULL)) {
            return ff_derived_pass(e, &local, rc);
        }
        if (ff_stored_is(&now, text, strlen(text))) {
            memcpy(tag, now.tag, FF_DERIVED_TAG_BYTES);
            ff_stored_free(&now);
            return FF_OK;
        }
        if (strcmp(now.tag, expected)) {
            ff_stored_free(&now);
            return ff_fail(e, FF_E_CONFLICT, name, "somebody else has changed it");
        }
        ff_stored_free(&now);
        if (ff_derived_is_definite(rc) && rc != FF_E_CONFLICT) {
            break;
        }
        ff_derived_back_off(d, i);
    }
    return ff_derived_pass(e, &local, rc);
}
