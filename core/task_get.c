/* SPDX-License-Identifier: Apache-2.0 */
/* task_get.c: the bytes of a task, and the digest of what came. A large task comes in pieces:
 * a thread that has brought one digests what is there in order, while others bring the next. No
 * thread waits for another. */
#include "core/storage.h"

#include <pthread.h>

#include "core/base/alloc.h"
#include "core/base/digest.h"

#define FIRST_BYTES (1u << 20) /* a task of no more comes at once */
#define PIECE_BYTES (4u << 20) /* stays in a cache between its arrival and its digest */

/* ---- at once ---- */

struct getting {
    struct ff_one_io one; /* first */
    uint64_t max_bytes;
    uint8_t *data;
    int too_large;
};

static void *room_for(struct ff_io *io, uint64_t size_bytes)
{
    struct getting *g = io->user;
    g->too_large = size_bytes > g->max_bytes || size_bytes > SIZE_MAX - 1;
    g->data = g->too_large ? NULL : ff_malloc_large((size_t)size_bytes + 1);
    return g->data;
}

static struct ff_io *get_next(struct ff_batch *batch)
{
    struct getting *g = batch->ctx;
    return g->one.taken++ ? NULL : &g->one.io;
}

static int too_large(uint64_t max_bytes, struct ff_error *e)
{
    return ff_fail(e, FF_E_LIMIT, NULL, "the task is larger than max_bytes, %llu",
                   (unsigned long long)max_bytes);
}

static int pass(int rc, const struct ff_error *own, struct ff_error *e)
{
    if (e && !e->code) {
        ff_error_copy(e, own);
        e->place[0] = '\0'; /* the story says where */
    }
    return rc;
}

/* The first size_bytes of it, or all. */
static int get_first(struct ff_storage *s, const char *name, uint64_t size_bytes,
                     struct getting *g, const struct ff_call *call, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    int rc;
    g->one.error = &own;
    g->one.batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                     .ctx = g,
                                     .next = get_next,
                                     .done = ff_one_done};
    g->one.io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                               .op = FF_GET,
                               .name = name,
                               .user = g,
                               .size_bytes = size_bytes,
                               .buffer = room_for};
    rc = s->objects->run(s->objects, &g->one.batch, call, &own);
    rc = rc ? rc : g->one.code;
    if (rc) {
        ff_free(g->data);
        g->data = NULL;
        return g->too_large ? too_large(g->max_bytes, e) : pass(rc, &own, e);
    }
    return FF_OK;
}

static int digest_all(struct ff_task_bytes *out, struct ff_error *e)
{
    if (ff_digest_of(FF_DIGEST_SHA1, out->data, out->pickle_bytes, out->digest)) {
        ff_free(out->data);
        out->data = NULL;
        return ff_no_digest(e);
    }
    return FF_OK;
}

static void give(const struct getting *g, uint8_t *data, size_t size_bytes,
                 struct ff_task_bytes *out)
{
    out->data = data;
    out->size_bytes = size_bytes;
    out->pickle_bytes = size_bytes > FF_DIGEST_BYTES ? size_bytes - FF_DIGEST_BYTES : 0;
    out->mtime_ns = g->one.io.mtime_ns;
}

/* ---- in pieces ---- */

struct piece {
    struct ff_io io; /* first */
    struct pieces *all;
    size_t size_bytes; /* as many as must come */
    int is_there;      /* pieces.lock */
};

struct pieces {
    const struct ff_io *first;
    const char *name;
    uint8_t *data;
    size_t size_bytes, pickle_bytes;
    struct piece *piece;
    size_t count, begun;
    pthread_mutex_t lock; /* what follows */
    size_t digested;      /* pieces; with the digest, of the one who is digesting */
    int digesting, digest_failed;
    int changed; /* not the task any more that the first piece is of */
    int code;
    struct ff_error error;
    struct ff_digest digest;
};

static void *piece_room(struct ff_io *io, uint64_t size_bytes)
{
    const struct piece *p = io->user;
    return size_bytes == p->size_bytes ? p->all->data + io->offset_bytes : NULL;
}

static struct ff_io *piece_next(struct ff_batch *batch)
{
    struct pieces *a = batch->ctx;
    struct piece *p;
    size_t offset = FIRST_BYTES + a->begun * (size_t)PIECE_BYTES;
    if (a->begun == a->count) {
        return NULL;
    }
    p = &a->piece[a->begun++];
    p->all = a;
    p->size_bytes =
        a->size_bytes - offset < PIECE_BYTES ? a->size_bytes - offset : PIECE_BYTES;
    p->io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                           .op = FF_GET,
                           .name = a->name,
                           .user = p,
                           .offset_bytes = offset,
                           .size_bytes = p->size_bytes,
                           .buffer = piece_room};
    return &p->io;
}

/* Bytes of the pickle, which ends before the last ones. */
static int digest_some(struct pieces *a, size_t offset, size_t size_bytes)
{
    size_t left = offset < a->pickle_bytes ? a->pickle_bytes - offset : 0;
    return ff_digest_update(&a->digest, a->data + offset,
                            size_bytes < left ? size_bytes : left);
}

/* What is there and next, unless somebody is at it, who then goes on. Locked. */
static void digest_ready(struct pieces *a)
{
    if (a->digesting) {
        return;
    }
    a->digesting = 1;
    while (a->digested < a->count && a->piece[a->digested].is_there &&
           !a->digest_failed && !a->code && !a->changed) {
        const struct piece *p = &a->piece[a->digested++];
        int failed;
        (void)pthread_mutex_unlock(&a->lock);
        failed = digest_some(a, (size_t)p->io.offset_bytes, p->size_bytes);
        (void)pthread_mutex_lock(&a->lock);
        a->digest_failed |= failed != 0;
    }
    a->digesting = 0;
}

static int is_of_first(const struct piece *p)
{
    const struct ff_io *first = p->all->first;
    return p->io.object_bytes == first->object_bytes &&
           p->io.size_bytes == p->size_bytes && strcmp(p->io.tag, first->tag) == 0;
}

static int piece_done(struct ff_batch *batch, struct ff_io *io, int code,
                      const struct ff_error *error)
{
    struct pieces *a = batch->ctx;
    struct piece *p = io->user;
    int stop;
    (void)pthread_mutex_lock(&a->lock);
    if (code == FF_E_NOT_FOUND || code == FF_E_NO_MEMORY || (!code && !is_of_first(p))) {
        a->changed = 1; /* no memory is what there is no room for */
    } else if (code && !a->code) {
        a->code = code;
        ff_error_copy(&a->error, error);
    } else if (!code) {
        p->is_there = 1;
        digest_ready(a);
    }
    stop = a->code || a->changed || a->digest_failed;
    (void)pthread_mutex_unlock(&a->lock);
    return stop;
}

/* FF_DECLINED: it has changed meanwhile. */
static int run_pieces(struct ff_storage *s, struct pieces *a, uint8_t *digest,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_batch batch = {.struct_size = FF_SIZE(ff_batch, done),
                             .ctx = a,
                             .next = piece_next,
                             .done = piece_done};
    struct ff_error own = FF_ERROR_INIT;
    int rc = s->objects->run(s->objects, &batch, call, &own);
    if (rc || a->code) {
        return pass(rc ? rc : a->code, rc ? &own : &a->error, e);
    }
    if (a->changed || (a->digested < a->count && !a->digest_failed)) {
        return FF_DECLINED;
    }
    return a->digest_failed || ff_digest_final(&a->digest, digest) ? ff_no_digest(e)
                                                                   : FF_OK;
}

static int begin_pieces(struct pieces *a, const struct getting *g, struct ff_error *e)
{
    a->count = (a->size_bytes - FIRST_BYTES + PIECE_BYTES - 1) / PIECE_BYTES;
    a->pickle_bytes = a->size_bytes - FF_DIGEST_BYTES;
    a->data = ff_malloc_large(a->size_bytes + 1);
    a->piece = ff_calloc(a->count, sizeof *a->piece);
    if (!a->data || !a->piece) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    memcpy(a->data, g->data, FIRST_BYTES);
    return ff_digest_init(&a->digest, FF_DIGEST_SHA1) || digest_some(a, 0, FIRST_BYTES)
               ? ff_no_digest(e)
               : FF_OK;
}

/* The rest behind the first piece. */
static int get_pieces(struct ff_storage *s, const char *name, const struct getting *g,
                      struct ff_task_bytes *out, const struct ff_call *call,
                      struct ff_error *e)
{
    struct pieces a = {.first = &g->one.io,
                       .name = name,
                       .size_bytes = (size_t)g->one.io.object_bytes,
                       .error = FF_ERROR_INIT};
    int rc = pthread_mutex_init(&a.lock, NULL)
                 ? ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a lock")
                 : FF_OK;
    if (rc) {
        return rc;
    }
    rc = begin_pieces(&a, g, e);
    rc = rc ? rc : run_pieces(s, &a, out->digest, call, e);
    if (rc) {
        ff_free(a.data);
    } else {
        give(g, a.data, a.size_bytes, out);
    }
    ff_digest_free(&a.digest);
    ff_free(a.piece);
    (void)pthread_mutex_destroy(&a.lock);
    return rc;
}

int ff_task_get(struct ff_storage *s, const char *name, uint64_t max_bytes,
                struct ff_task_bytes *out, const struct ff_call *call, struct ff_error *e)
{
    struct getting g = {.max_bytes = max_bytes};
    uint64_t most = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1;
    int rc = get_first(s, name, FIRST_BYTES, &g, call, e);
    if (!rc && g.one.io.object_bytes > most) {
        rc = too_large(max_bytes, e);
    } else if (!rc && g.one.io.object_bytes > g.one.io.size_bytes) {
        rc = g.one.io.size_bytes == FIRST_BYTES ? get_pieces(s, name, &g, out, call, e)
                                                : FF_DECLINED;
        if (rc != FF_DECLINED) {
            ff_free(g.data);
            return rc;
        }
        ff_free(g.data); /* replaced meanwhile: at once it is of one piece */
        g = (struct getting){.max_bytes = max_bytes};
        rc = get_first(s, name, FF_ANY_SIZE, &g, call, e);
    }
    if (rc) {
        ff_free(g.data);
        return rc;
    }
    give(&g, g.data, (size_t)g.one.io.size_bytes, out);
    return digest_all(out, e);
}
