/* SPDX-License-Identifier: Apache-2.0 */
/* saving.c: the middle of a save: the pickle stream into the intent, and on its way each
 * object of a serializer's class to that serializer. */
#include "core/storage.h"

#include "core/array.h"
#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/digest.h"
#include "core/host.h"
#include "core/layout.h"
#include "core/pool.h"

#define PIECE_BYTES    (1u << 20)
#define PARALLEL_BYTES (512u << 10) /* from here on a second thread is worth waking */
#define DIRECT_BYTES   (8u << 20)   /* a piece of more is not gathered */
#define MAX_CANDIDATES 16
#define CLEANUP_NS     (60 * 1000000000ll) /* of a failed save, all in all */

/* ---- the call that everything below runs under ---- */

static struct ff_saving *saving_of(const struct ff_call *c)
{
    return (struct ff_saving *)(uintptr_t)c;
}

/* Whoever works polls this at least each 100 ms: the place for the intent's heartbeat. */
static int cancelled(const struct ff_call *c)
{
    struct ff_saving *s = saving_of(c);
    ff_intent_touch(s->storage, s->intent, &s->refreshed_ns);
    return ff_cancelled(s->outer);
}

static void progress(const struct ff_call *c, uint64_t done, uint64_t total)
{
    ff_progress(saving_of(c)->outer, done, total);
}

static int cancel_fd(const struct ff_call *c)
{
    const struct ff_call *outer = saving_of(c)->outer;
    return FF_HAS(outer, ff_call, cancel_fd) ? outer->cancel_fd(outer) : -1;
}

static int64_t deadline_ns(const struct ff_call *c)
{
    const struct ff_call *outer = saving_of(c)->outer;
    return FF_HAS(outer, ff_call, deadline_ns) ? outer->deadline_ns(outer) : INT64_MAX;
}

struct ff_saving *ff_saving_new(struct ff_storage *storage,
                                const struct ff_save_options *o, struct ff_error *e)
{
    struct ff_saving *s = ff_calloc(1, sizeof *s);
    if (!s) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    s->call = (struct ff_call){.struct_size = FF_SIZE(ff_call, deadline_ns),
                               .cancelled = cancelled,
                               .progress = progress,
                               .cancel_fd = cancel_fd,
                               .deadline_ns = deadline_ns};
    s->flags = FF_HAS(o, ff_save_options, flags) ? o->flags : 0;
    s->protocol = s->flags & FF_SAVE_PROTOCOL ? o->protocol : FF_PROTOCOL_DEFAULT;
    s->outer =
        ff_storage_call(storage, FF_HAS(o, ff_save_options, call) ? o->call : NULL);
    s->storage = storage;
    atomic_fetch_add(&storage->refs, 1);
    atomic_init(&s->refreshed_ns,
                ff_sys_now_ns(ff_host_sys(storage->host), CLOCK_MONOTONIC));
    ff_vec_init(&s->stored, sizeof(struct ff_mark), FF_MAX_NAMES);
    ff_vec_init(&s->writers, sizeof(struct ff_writer *), FF_MAX_NAMES);
    return s;
}

void ff_saving_abort(struct ff_saving *s)
{
    if (!s || ff_storage_check(s->storage, NULL)) {
        return; /* forked: the parent goes on with it */
    }
    s->cleanup.until_ns = 0; /* the time for it begins now */
    while (s->writers.count) {
        ff_writer_abort(*(struct ff_writer **)ff_vec_last(&s->writers));
    }
    if (s->bigdata) {
        while (s->stored.count) { /* nobody refers to it, and nobody will */
            ff_saving_take_back(s);
        }
        ff_bigdata_unref(s->bigdata);
    }
    if (s->intent) {
        s->storage->commit->abort(s->storage->commit, s->intent);
    }
    ff_doc_free(s->extras);
    ff_marks_clear(&s->stored);
    ff_vec_free(&s->writers);
    ff_storage_unref(s->storage);
    ff_free(s);
}

/* ---- what this save has stored ---- */

int ff_saving_owns(struct ff_saving *s, const char *serializer, const char *version,
                   const char *uuid, struct ff_error *e)
{
    struct ff_mark *m = ff_vec_push(&s->stored);
    size_t a = strlen(serializer) + 1, b = strlen(version) + 1, c = strlen(uuid) + 1;
    char *block = m ? ff_malloc(a + b + c) : NULL;
    if (!block) {
        if (m) {
            ff_vec_pop(&s->stored);
        }
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    m->serializer = memcpy(block, serializer, a);
    m->version = memcpy(block + a, version, b);
    m->uuid = memcpy(block + a + b, uuid, c);
    return FF_OK;
}

void ff_saving_disown(struct ff_saving *s)
{
    ff_free(((struct ff_mark *)ff_vec_last(&s->stored))->serializer);
    ff_vec_pop(&s->stored);
}

void ff_saving_take_back(struct ff_saving *s)
{
    struct ff_mark *m = ff_vec_last(&s->stored);
    struct ff_error own = FF_ERROR_INIT;
    /* not cancellable: what is left would be work for gc */
    if (!s->cleanup.until_ns) {
        ff_steady_begin(ff_host_sys(s->storage->host), CLEANUP_NS, &s->cleanup);
    }
    if (ff_owned_remove(s->bigdata, m->serializer, m->version, m->uuid, &s->cleanup.pub,
                        &own)) {
        ff_host_log(s->storage->host, FF_LOG_WARNING, "%s: %s stays: %s", s->place,
                    m->uuid, own.message);
    }
    ff_saving_disown(s);
}

static int fill_pid(struct ff_new_pid *pid, const char *serializer, const char *version,
                    const char *uuid, struct ff_value extra)
{
    (void)snprintf(pid->serializer, sizeof pid->serializer, "%s", serializer);
    (void)snprintf(pid->version, sizeof pid->version, "%s", version);
    (void)snprintf(pid->name, sizeof pid->name, "%s", uuid);
    pid->extra = extra;
    return FF_OK;
}

static int fresh_uuid(struct ff_saving *s, char uuid[FF_UUID_LENGTH + 1],
                      struct ff_error *e)
{
    int rc = ff_uuid4(ff_host_sys(s->storage->host), uuid);
    return rc ? ff_fail(e, FF_E_IO, NULL, "no random bytes: %s", strerror(-rc)) : FF_OK;
}

/* ---- an object that is kept already ---- */

static int copy_kept(struct ff_saving *s, struct ff_bigdata *from, const char *serializer,
                     const char *version, const char *uuid, struct ff_value extra,
                     struct ff_new_pid *pid, struct ff_error *e)
{
    char fresh[FF_UUID_LENGTH + 1];
    int rc = fresh_uuid(s, fresh, e), same;
    rc = rc ? rc : ff_saving_owns(s, serializer, version, fresh, e);
    if (rc) {
        return rc;
    }
    same = ff_storage_same(from->storage, s->storage);
    s->copied |= same;
    rc = (same ? ff_owned_copy : ff_owned_transfer)(from, uuid, s->bigdata, fresh,
                                                    &s->call, e);
    if (rc == FF_DECLINED) {
        ff_saving_disown(s);
    } else if (rc) {
        ff_saving_take_back(s);
    }
    return rc ? rc : fill_pid(pid, serializer, version, fresh, extra);
}

static int from_persistent(struct ff_saving *s, struct ff_value v, struct ff_new_pid *pid,
                           struct ff_error *e)
{
    struct ff_bigdata *from = ff_value_bigdata(v);
    const char *serializer, *version, *uuid;
    struct ff_value extra;
    int rc = ff_persistent(v, &serializer, &version, &uuid, &extra, e);
    if (rc) {
        ff_error_fix(e, "save or remove the task it is of; ff verify finds what is bad");
        return rc;
    }
    if (from && !ff_is_uuid4(uuid, strlen(uuid))) {
        (void)ff_fail(e, FF_E_UNSAFE, from->place,
                      "its big data is named \"%.80s\", which is not a uuid", uuid);
        ff_error_fix(e, "save or remove that task; ff verify finds what else is bad");
        return FF_E_UNSAFE;
    }
    if (from) {
        return copy_kept(s, from, serializer, version, uuid, extra, pid, e);
    }
    if (ff_marks_have(&s->stored, uuid)) { /* a writer's, pushed by this save */
        return fill_pid(pid, serializer, version, uuid, extra);
    }
    return ff_fail(e, FF_E_USAGE, NULL,
                   "big data %.60s belongs to no storage that is open", uuid);
}

/* An array that was read whole and is given back as it is, through another document. */
static int from_array(struct ff_saving *s, struct ff_value v, struct ff_new_pid *pid,
                      struct ff_error *e)
{
    const struct ff_lazy_origin *origin;
    const void *owner;
    const struct ff_array *a = ff_array(v, e);
    struct ff_value none = {NULL, 0};
    if (!a || !ff_array_origin(a, &owner)) {
        return FF_DECLINED;
    }
    origin = owner;
    return copy_kept(s, origin->bigdata, origin->serializer, origin->version,
                     origin->uuid, none, pid, e);
}

/* ---- an object that a serializer is to keep ---- */

static int keep_by(struct ff_saving *s, const struct ff_loaded_serializer *by,
                   struct ff_value v, struct ff_new_pid *pid, struct ff_error *e)
{
    char uuid[FF_UUID_LENGTH + 1];
    struct ff_pid given = {
        .struct_size = FF_SIZE(ff_pid, doc), .version = by->desc->version, .name = uuid};
    int rc = fresh_uuid(s, uuid, e);
    ff_doc_free(s->extras);
    s->extras = given.doc = ff_doc_new(e);
    rc = rc || given.doc ? rc : FF_E_NO_MEMORY;
    rc = rc ? rc : ff_saving_owns(s, by->desc->name, by->desc->version, uuid, e);
    if (rc) {
        return rc;
    }
    rc = ff_call_pickle(by, v, &s->bigdata->pub, &given, &s->call, e);
    if (rc == FF_DECLINED) { /* and so has written nothing */
        ff_saving_disown(s);
    } else if (rc) {
        ff_saving_take_back(s);
    }
    return rc ? rc : fill_pid(pid, by->desc->name, by->desc->version, uuid, given.extra);
}

static int nobody_keeps(struct ff_saving *s, struct ff_value v, const char *class_name,
                        struct ff_error *e)
{
    int chunked = ff_kind(v) == FF_ARRAY && ff_array(v, NULL) && ff_array(v, NULL)->chunk;
    if (ff_kind(v) != FF_NATIVE && !chunked) {
        return FF_DECLINED; /* the default pickle keeps it */
    }
    (void)ff_fail(e, chunked ? FF_E_PLUGIN : FF_E_UNSUPPORTED, NULL,
                  "no enabled serializer keeps objects of class %.120s", class_name);
    ff_registry_hint(s->storage->host, class_name, e);
    ff_error_fix(e, "see ff plugin list; enable one with ff plugin enable NAME%s",
                 chunked ? ", or save the array inline" : "");
    return e ? e->code : FF_E_UNSUPPORTED;
}

static int keep_by_class(struct ff_saving *s, struct ff_value v, struct ff_new_pid *pid,
                         struct ff_error *e)
{
    const struct ff_loaded_serializer *by[MAX_CANDIDATES];
    const char *class_name = ff_class_name(v);
    struct ff_storage *st = s->storage;
    int rc = FF_DECLINED;
    int n = class_name[0]
                ? ff_registry_for_class(st->host, class_name,
                                        (const char *const *)st->serializers,
                                        st->serializer_count, by, MAX_CANDIDATES, e)
                : 0;
    for (int i = 0; i < n && rc == FF_DECLINED; i++) {
        rc = keep_by(s, by[i], v, pid, e);
    }
    if (n < 0) {
        return n;
    }
    return n == 0 || (rc == FF_DECLINED && ff_kind(v) == FF_NATIVE)
               ? nobody_keeps(s, v, class_name, e)
               : rc;
}

static int keep_value(struct ff_saving *s, struct ff_value v, struct ff_new_pid *pid,
                      struct ff_error *e)
{
    struct ff_value origin = ff_kind(v) == FF_PERSISTENT ? v : ff_doc_origin(v);
    int rc = FF_DECLINED;
    if (origin.doc) {
        rc = from_persistent(s, origin, pid, e);
    } else if (ff_kind(v) == FF_ARRAY) {
        rc = from_array(s, v, pid, e);
    }
    if (rc != FF_DECLINED) {
        return rc;
    }
    if (ff_kind(v) != FF_PERSISTENT) {
        return ff_layout_keep(keep_by_class, s, v, pid, e);
    }
    v = ff_resolve(v, &s->call, e); /* of another storage: stored here anew */
    rc = v.doc ? keep_by_class(s, v, pid, e) : e->code;
    return rc == FF_DECLINED
               ? ff_fail(e, FF_E_PLUGIN, NULL,
                         "no enabled serializer keeps this %.80s here", ff_class_name(v))
               : rc;
}

/* For each object of the value, once: see core/pickle/pickle.h. */
static int persistent(void *ctx, struct ff_value v, const struct ff_dumper *dumper,
                      struct ff_new_pid *pid, struct ff_error *e)
{
    int rc = keep_value(ctx, v, pid, e);
    if (rc < 0 && e) {
        char path[sizeof e->place];
        ff_dumper_path(dumper, path, sizeof path);
        e->place[0] = rc == FF_E_UNSAFE ? e->place[0] : '\0'; /* that names the source */
        ff_error_at(e, e->place[0] && path[0] ? ": " : "");
        ff_error_at(e, path);
    }
    return rc;
}

/* ---- the stream ---- */

struct piece {
    struct stream *stream;
    const void *data;
    size_t size_bytes;
};

struct stream {
    struct ff_saving *saving;
    struct ff_buf buf;  /* small pieces are gathered */
    struct ff_buf full; /* the former ones, on their way while `buf` fills */
    struct piece going;
    struct ff_pool_job job; /* of what is on its way: it has going.stream */
    struct ff_digest digest;
};

static struct ff_pool_own *pool_of(const struct stream *t)
{
    return ff_host_pool(t->saving->storage->host);
}

/* 0: into the digest, 1: into the intent. */
static int write_half(void *ctx, uint64_t which, struct ff_error *e)
{
    const struct piece *p = ctx;
    struct ff_saving *s = p->stream->saving;
    const struct ff_commit *commit = s->storage->commit;
    if (which == 1) {
        return commit->write(commit, s->intent, p->data, p->size_bytes, &s->call, e);
    }
    return ff_digest_update(&p->stream->digest, p->data, p->size_bytes)
               ? ff_fail(e, FF_E_OTHER, NULL, "SHA-1 failed")
               : FF_OK;
}

/* What is on its way arrives, or has failed. */
static int arrive(struct stream *t, struct ff_error *e)
{
    int rc = t->going.stream ? ff_pool_finish(pool_of(t), &t->job, e) : FF_OK;
    t->going.stream = NULL;
    return rc;
}

/* Both halves only read the bytes: they go to the medium, by this thread, and through the
 * digest at the same time. */
static int into_intent(struct stream *t, const void *data, size_t size,
                       struct ff_error *e)
{
    struct piece p = {t, data, size};
    struct ff_error later = FF_ERROR_INIT;
    int rc = arrive(t, e), rest;
    if (rc) {
        return rc;
    }
    if (size >= PARALLEL_BYTES) {
        ff_pool_begin(pool_of(t), &t->job, 1, write_half, &p, NULL);
        rc = write_half(&p, 1, e);
        rest = ff_pool_finish(pool_of(t), &t->job, rc ? &later : e);
        return rc ? rc : rest;
    }
    rc = write_half(&p, 0, e);
    return rc ? rc : write_half(&p, 1, e);
}

/* What was gathered goes on its way; nobody waits for it. */
static int send_gathered(struct stream *t, struct ff_error *e)
{
    struct ff_buf emptied = t->full;
    int rc = arrive(t, e);
    if (rc) {
        return rc;
    }
    ff_buf_clear(&emptied);
    t->full = t->buf;
    t->buf = emptied;
    t->going = (struct piece){t, t->full.data, t->full.length_bytes};
    ff_pool_begin(pool_of(t), &t->job, 2, write_half, &t->going, NULL);
    return FF_OK;
}

static int flush(struct stream *t, struct ff_error *e)
{
    if (t->buf.length_bytes >= PARALLEL_BYTES) {
        return send_gathered(t, e);
    }
    int rc =
        t->buf.length_bytes ? into_intent(t, t->buf.data, t->buf.length_bytes, e) : 0;
    ff_buf_clear(&t->buf);
    return rc;
}

static int write_piece(void *ctx, const void *data, size_t size, struct ff_error *e)
{
    struct stream *t = ctx;
    const uint8_t *from = data;
    int rc = size > DIRECT_BYTES ? flush(t, e) : FF_OK;
    if (rc || size > DIRECT_BYTES) {
        return rc ? rc : into_intent(t, data, size, e);
    }
    while (!rc && size) {
        size_t room = PIECE_BYTES - t->buf.length_bytes, n = size < room ? size : room;
        if (ff_buf_append(&t->buf, from, n)) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
        from += n;
        size -= n;
        rc = n == room ? flush(t, e) : FF_OK;
    }
    return rc;
}

static int write_digest(struct stream *t, struct ff_error *e)
{
    const struct ff_commit *commit = t->saving->storage->commit;
    uint8_t digest[FF_DIGEST_BYTES];
    if (ff_digest_final(&t->digest, digest)) {
        return ff_fail(e, FF_E_OTHER, NULL, "SHA-1 failed");
    }
    return commit->write(commit, t->saving->intent, digest, sizeof digest,
                         &t->saving->call, e);
}

static uint32_t protocol_of(const struct ff_saving *s, struct ff_value v)
{
    int was = ff_doc_protocol(v.doc);
    if (s->protocol != FF_PROTOCOL_DEFAULT) {
        return s->protocol;
    }
    return was >= 0 ? (uint32_t)was : 4;
}

static int write_all(struct stream *t, struct ff_value value,
                     const struct ff_write_options *o, struct ff_error *e)
{
    struct ff_error later = FF_ERROR_INIT;
    int rc = ff_pickle_write(value, o, e), rest;
    rc = rc ? rc : flush(t, e);
    rest = arrive(t, rc ? &later : e);
    rc = rc ? rc : rest;
    return rc ? rc : write_digest(t, e);
}

int ff_saving_write(struct ff_saving *s, struct ff_value value, struct ff_error *e)
{
    struct stream t = {.saving = s};
    struct ff_write_options o = {.protocol = protocol_of(s, value),
                                 .persistent = persistent,
                                 .ask_builtins =
                                     ff_registry_wants_builtins(s->storage->host),
                                 .ctx = s,
                                 .write = write_piece,
                                 .write_ctx = &t,
                                 .call = &s->call};
    int rc;
    if (s->writers.count) {
        return ff_fail(e, FF_E_USAGE, NULL, "%zu writers are not finished",
                       s->writers.count);
    }
    if (ff_digest_init(&t.digest, FF_DIGEST_SHA1)) {
        return ff_no_digest(e);
    }
    ff_buf_init(&t.buf, PIECE_BYTES);
    ff_buf_init(&t.full, PIECE_BYTES);
    rc = write_all(&t, value, &o, e);
    ff_buf_free(&t.full);
    ff_buf_free(&t.buf);
    ff_digest_free(&t.digest);
    return rc;
}
