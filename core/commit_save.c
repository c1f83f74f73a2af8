/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit_save.c: a save of the derived ff.commit/1.
 *
 *   begin    the intent: "open <n>", touched by refresh
 *   write    into memory: a put needs the whole task
 *   commit   claim the intent ("committing"), so that gc cannot fence it any more; read what is
 *            there; put the task in its place if it is still there; see that neither the
 *            workflow nor the intent was taken away meanwhile; make it durable
 *
 * Once a put may have landed, the same bytes are never put against another tag: somebody may
 * have replaced them, and deleted their big data, meanwhile.
 */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/commit_own.h"

enum {
    MAX_TRIES = 1000, /* against others who replace the same task */
    LOOKS = 5,        /* to find out what became of a put */
    ID_BYTES = 48,
    TEXT_BYTES = 40
};

struct ff_intent {
    const struct ff_derived *d;
    char workflow[FF_DERIVED_NAME_BYTES];
    char name[FF_DERIVED_NAME_BYTES];
    struct ff_marker marker; /* as it was at begin */
    struct ff_buf bytes;
    pthread_mutex_t lock; /* the rest: refresh comes from any thread */
    char tag[FF_DERIVED_TAG_BYTES];
    uint64_t touches;
};

static void intent_free(struct ff_intent *intent)
{
    ff_buf_free(&intent->bytes);
    pthread_mutex_destroy(&intent->lock);
    ff_free(intent);
}

/* Whoever removes the workflow marks it, and then looks for intents: so either he has seen ours, or
 * we see his mark. */
static int begin_in(struct ff_intent *intent, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct ff_derived *d = intent->d;
    struct ff_marker now;
    int rc = ff_derived_need_workflow(d, intent->workflow, &intent->marker, call, e);

    rc = rc ? rc : ff_derived_swap(d, intent->name, "open 0\n", intent->tag, call, e);
    if (rc) {
        return rc;
    }
    rc = ff_derived_marker(d, intent->workflow, &now, call, e);
    if (!rc && strcmp(now.tag, intent->marker.tag)) {
        rc = ff_fail(e, FF_E_CONFLICT, intent->workflow,
                     "the workflow was removed meanwhile");
    }
    if (rc) {
        struct ff_steady steady;

        ff_derived_steady(d, FF_DERIVED_COMMIT_NS, &steady);
        (void)ff_derived_remove(d, intent->name, NULL, &steady.pub, NULL);
    }
    return rc;
}

int ff_derived_begin(const struct ff_commit *self, const char *workflow,
                     struct ff_intent **out, const struct ff_call *call,
                     struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    struct ff_intent *intent;
    char id[ID_BYTES];
    int rc = ff_derived_check(workflow, NULL, e);

    rc = rc ? rc : ff_derived_fresh(d, "intent-", id, sizeof id, e);
    if (rc) {
        return rc;
    }
    intent = ff_calloc(1, sizeof *intent);
    if (!intent || pthread_mutex_init(&intent->lock, NULL)) {
        ff_free(intent);
        return ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory for an intent");
    }
    intent->d = d;
    (void)snprintf(intent->workflow, sizeof intent->workflow, "%s", workflow);
    ff_derived_own_name(intent->name, workflow, id);
    ff_buf_init(&intent->bytes, FF_DERIVED_MAX_BYTES < SIZE_MAX
                                    ? (size_t)FF_DERIVED_MAX_BYTES
                                    : SIZE_MAX);
    rc = begin_in(intent, call, e);
    if (rc) {
        intent_free(intent);
        return rc;
    }
    *out = intent;
    return FF_OK;
}

int ff_derived_write(const struct ff_commit *self, struct ff_intent *intent,
                     const void *data, size_t size_bytes, const struct ff_call *call,
                     struct ff_error *e)
{
    int rc =
        ff_cancelled(call) ? -ECANCELED : ff_buf_append(&intent->bytes, data, size_bytes);

    (void)self;
    switch (rc) {
    case 0:
        return FF_OK;
    case -ECANCELED:
        return ff_fail(e, FF_E_CANCELLED, intent->workflow, "cancelled");
    case -E2BIG:
        return ff_fail(e, FF_E_LIMIT, intent->workflow,
                       "a task is at most %llu bytes on this medium",
                       (unsigned long long)FF_DERIVED_MAX_BYTES);
    default:
        return ff_fail(e, FF_E_NO_MEMORY, intent->workflow,
                       "no memory for a task of %zu bytes",
                       intent->bytes.length_bytes + size_bytes);
    }
}

/* Under the intent's lock. Only its save ever writes "open": where that stands with a tag that
 * we do not know, the answer to an earlier refresh was lost. */
static int swap_intent(struct ff_intent *intent, const char *text,
                       const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = intent->d;
    struct ff_error local = FF_ERROR_INIT;
    struct ff_stored now;
    int rc = ff_derived_swap(d, intent->name, text, intent->tag, call, &local);

    if (rc == FF_E_CONFLICT && !ff_derived_get(d, intent->name, &now, call, NULL)) {
        if (ff_stored_begins(&now, "open ")) {
            memcpy(intent->tag, now.tag, sizeof intent->tag);
            local = (struct ff_error)FF_ERROR_INIT;
            rc = ff_derived_swap(d, intent->name, text, intent->tag, call, &local);
        }
        ff_stored_free(&now);
    }
    if (rc == FF_E_CONFLICT) {
        return ff_fail(
            e, rc, intent->workflow,
            "this save was taken for dead, and fenced off by a collection or by "
            "the removal of the workflow");
    }
    return rc ? ff_derived_pass(e, &local, rc) : FF_OK;
}

int ff_derived_refresh(const struct ff_commit *self, struct ff_intent *intent,
                       struct ff_error *e)
{
    struct ff_steady call;
    char text[TEXT_BYTES];
    int rc;

    (void)self;
    ff_derived_steady(intent->d, FF_DERIVED_COMMIT_NS, &call);
    pthread_mutex_lock(&intent->lock);
    /* Counted, since the tag of a server is a digest: equal text would have an equal tag. */
    (void)snprintf(text, sizeof text, "open %llu\n",
                   (unsigned long long)++intent->touches);
    rc = swap_intent(intent, text, &call.pub, e);
    pthread_mutex_unlock(&intent->lock);
    return rc;
}

/* ---- commit ---- */

struct committing {
    const struct ff_derived *d;
    struct ff_intent *intent;
    struct ff_steady call; /* for what puts */
    struct ff_steady look; /* for what finds out afterwards */
    int64_t claimed_ns;    /* CLOCK_BOOTTIME */
    int mode;
    char task[FF_DERIVED_NAME_BYTES];
    const char *name;               /* the task's */
    struct ff_stored old;           /* what the task replaces */
    bool shared;                    /* that has, or may have, another name */
    char tag[FF_DERIVED_TAG_BYTES]; /* of the task, once it is there */
};

static int unknown(const struct committing *c, const char *why,
                   const struct ff_error *cause, struct ff_error *e)
{
    int rc = ff_fail(e, FF_E_UNKNOWN_OUTCOME, c->task,
                     "it cannot be known whether it was saved: %s%s%s", why,
                     cause->message[0] ? ": " : "", cause->message);

    ff_error_fix(e, "read the task; save it again if it is not what it should be");
    return rc;
}

/* The workflow is the one that it was at begin. */
static int check_marker(const struct committing *c, struct ff_error *e)
{
    char name[FF_DERIVED_NAME_BYTES], tag[1][FF_DERIVED_TAG_BYTES];
    const char *names[] = {name};
    int rc;

    ff_derived_own_name(name, c->intent->workflow, FF_DERIVED_MARKER);
    rc = ff_derived_tags(c->d, names, 1, tag, &c->call.pub, e);
    if (!rc && strcmp(tag[0], c->intent->marker.tag)) {
        rc = ff_fail(e, FF_E_CONFLICT, c->intent->workflow,
                     "the workflow was removed during the save");
    }
    return rc;
}

static int put_task(struct committing *c, struct ff_error *e)
{
    return ff_derived_put(c->d, c->task, c->intent->bytes.data,
                          c->intent->bytes.length_bytes, c->old.tag, c->tag, &c->call.pub,
                          e);
}

/* The put failed, with `failure`: what became of it? FF_OK: it landed. FF_E_CONFLICT and the
 * like: it has not, and will not. */
static int find_out(struct committing *c, const struct ff_error *failure,
                    struct ff_error *e)
{
    const struct ff_buf *ours = &c->intent->bytes;
    struct ff_error last = *failure;
    bool definite = ff_derived_is_definite(failure->code);

    ff_derived_steady(c->d, FF_DERIVED_COMMIT_NS, &c->look);
    for (unsigned i = 0; i < LOOKS; i++) {
        struct ff_error local = FF_ERROR_INIT;
        struct ff_stored now;
        bool equal, untouched;

        ff_derived_back_off(c->d, i);
        if (ff_derived_get(c->d, c->task, &now, &c->look.pub, &local)) {
            continue;
        }
        equal = ff_stored_is(&now, ours->data, ours->length_bytes);
        untouched = !strcmp(now.tag, c->old.tag);
        memcpy(c->tag, now.tag, sizeof c->tag);
        ff_stored_free(&now);
        if (equal && (!untouched || !definite)) {
            return FF_OK;
        }
        if (definite) {
            return ff_derived_pass(e, failure, failure->code);
        }
        if (!untouched) {
            return unknown(c, "the answer was lost, and the task was replaced", failure,
                           e);
        }
        /* Against the same tag it can be put again: at most one of the two lands. */
        if (!ff_derived_is_late(c->d, &c->call) && !put_task(c, &local)) {
            return FF_OK;
        }
        last = local;
    }
    return unknown(c, "no answer", &last, e);
}

/* One attempt to replace what is there. FF_E_CONFLICT with nothing in `e`: try again. */
static int attempt(struct committing *c, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc;

    ff_stored_free(&c->old);
    rc = ff_derived_get(c->d, c->task, &c->old, &c->call.pub, e);
    if (rc) {
        return rc;
    }
    if (c->old.there && c->mode == FF_COMMIT_IF_ABSENT) {
        return ff_fail(e, FF_E_CONFLICT, c->task, "the task is there already");
    }
    /* After reading: so what was read is of the same workflow. */
    rc = check_marker(c, e);
    if (rc) {
        return rc;
    }
    c->shared = c->old.there && ff_derived_is_shared(c->d, c->intent->workflow, c->name);
    if (ff_derived_is_late(c->d, &c->call)) {
        return ff_fail(e, FF_E_CONFLICT, c->task,
                       "the commit took too long: its intent may "
                       "have been taken for dead");
    }
    rc = put_task(c, &local);
    return rc && rc != FF_E_CONFLICT ? find_out(c, &local, e) : rc;
}

static int replace(struct committing *c, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc = FF_E_CONFLICT;

    for (unsigned i = 0; i < MAX_TRIES && rc == FF_E_CONFLICT && !local.code; i++) {
        if (i) {
            ff_derived_back_off(c->d, i < 4 ? 0 : i - 4);
        }
        rc = attempt(c, &local);
    }
    if (rc == FF_E_CONFLICT && !local.code) {
        local.flags = FF_ERR_RETRYABLE;
        (void)ff_fail(&local, rc, c->task, "others kept replacing it: %d tries",
                      MAX_TRIES);
    }
    return rc ? ff_derived_pass(e, &local, rc) : FF_OK;
}

/* Take the task back: the workflow is gone, or the big data may be. */
static int take_back(struct committing *c, bool restore, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc = restore && c->old.there
                 ? ff_derived_put(c->d, c->task, c->old.data, c->old.size_bytes, c->tag,
                                  NULL, &c->look.pub, &local)
                 : ff_derived_remove(c->d, c->task, c->tag, &c->look.pub, &local);

    if (rc && rc != FF_E_CONFLICT) {
        return unknown(c, "it was fenced off, and could not be taken back", &local, e);
    }
    (void)ff_derived_sync(c->d, &c->look.pub, NULL);
    return ff_fail(e, FF_E_CONFLICT, c->task,
                   restore
                       ? "this save was taken for dead, and fenced off by a collection"
                       : "the workflow was removed during the save");
}

struct seen {
    const char *name;
    struct ff_io io;
};

static int see(void *ctx, const struct ff_io *io)
{
    struct seen *s = ctx;

    if (strcmp(io->name, s->name) != 0) {
        return 0;
    }
    s->io = *io;
    s->io.name = s->name;
    return 1;
}

/* A collection fenced the intent off. Had the task landed by then, the collection saw it, and keeps
 * its big data and not that of the old one; else the other way round. This process may have been
 * stopped before the put, or behind it: so the medium's clock says for how long it has been there. */
static int landed_before_fence(struct committing *c, bool *before, struct ff_error *e)
{
    struct seen seen = {.name = c->task};
    int64_t now_ns = 0, there_ns;
    int64_t claimed_ns = ff_sys_now_ns(c->d->sys, CLOCK_BOOTTIME) - c->claimed_ns;
    int rc = c->d->objects->list(c->d->objects, c->task, 1, see, &seen, &now_ns,
                                 &c->look.pub, e);

    if (rc < 0) {
        return rc;
    }
    there_ns = now_ns - seen.io.mtime_ns;
    /* Somebody has replaced it: there is nothing to take back. */
    *before = !seen.io.name || strcmp(seen.io.tag, c->tag) != 0 ||
              claimed_ns - there_ns < FF_DERIVED_FRESH_NS;
    return FF_OK;
}

static int confirm_fenced(struct committing *c, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    bool before = false;

    if (landed_before_fence(c, &before, &local)) {
        return unknown(c, "it was fenced off, and cannot be seen", &local, e);
    }
    return before ? FF_OK : take_back(c, true, e);
}

/* The task is there. It counts only if nothing was taken away from under it meanwhile. */
static int confirm(struct committing *c, struct ff_error *e)
{
    char marker[FF_DERIVED_NAME_BYTES], tags[2][FF_DERIVED_TAG_BYTES];
    const char *names[] = {marker, c->intent->name};
    struct ff_error local = FF_ERROR_INIT;
    int rc = FF_E_OTHER;

    /* It may have been stopped for long since it was put. */
    ff_derived_steady(c->d, FF_DERIVED_COMMIT_NS, &c->look);
    ff_derived_own_name(marker, c->intent->workflow, FF_DERIVED_MARKER);
    for (unsigned i = 0; rc && i < LOOKS; i++) {
        if (i) {
            ff_derived_back_off(c->d, i);
        }
        local = (struct ff_error)FF_ERROR_INIT;
        rc = ff_derived_tags(c->d, names, 2, tags, &c->look.pub, &local);
    }
    if (rc) {
        return unknown(c, "it was put, but the workflow cannot be seen", &local, e);
    }
    if (strcmp(tags[0], c->intent->marker.tag)) {
        return take_back(c, false, e);
    }
    rc = strcmp(tags[1], c->intent->tag) ? confirm_fenced(c, e) : FF_OK;
    if (!rc && ff_derived_sync(c->d, &c->look.pub, &local)) {
        return unknown(c, "it was put, but could not be made durable", &local, e);
    }
    return rc;
}

int ff_derived_commit(const struct ff_commit *self, struct ff_intent *taken,
                      const char *task, int mode, struct ff_displaced *displaced,
                      const struct ff_call *call, struct ff_error *e)
{
    struct committing c = {.d = taken->d, .intent = taken, .mode = mode, .name = task};
    char workflow[FF_DERIVED_NAME_BYTES];
    int rc = ff_derived_check(taken->workflow, task, e);

    if (!rc && ff_cancelled(call)) {
        rc = ff_fail(e, FF_E_CANCELLED, task, "cancelled");
    }
    if (!rc) {
        ff_derived_steady(c.d, FF_DERIVED_COMMIT_NS, &c.call);
        c.claimed_ns = ff_sys_now_ns(c.d->sys, CLOCK_BOOTTIME);
        ff_derived_task_name(c.task, taken->workflow, task);
        pthread_mutex_lock(&taken->lock);
        rc = swap_intent(taken, "committing\n", &c.call.pub, e);
        pthread_mutex_unlock(&taken->lock);
        rc = rc ? rc : replace(&c, e);
        rc = rc ? rc : confirm(&c, e);
    }
    memcpy(workflow, taken->workflow, sizeof workflow);
    if (rc == FF_E_UNKNOWN_OUTCOME) {
        intent_free(taken); /* what is on the medium stays, for gc to see */
    } else {
        ff_derived_abort(self, taken);
    }
    if (rc) {
        ff_stored_free(&c.old);
        return rc;
    }
    c.shared = c.shared || ff_derived_is_late(c.d, &c.call);
    ff_derived_hand_over(c.d, workflow, task, &c.old, c.shared, displaced);
    return FF_OK;
}

/* Also the end of a commit. An intent that cannot be removed becomes stale, and gc takes it. */
void ff_derived_abort(const struct ff_commit *self, struct ff_intent *taken)
{
    struct ff_steady call;

    (void)self;
    ff_derived_steady(taken->d, FF_DERIVED_COMMIT_NS, &call);
    (void)ff_derived_remove(taken->d, taken->name, NULL, &call.pub, NULL);
    intent_free(taken);
}

void ff_derived_drop(const struct ff_commit *self, struct ff_displaced *displaced,
                     int destroy)
{
    (void)self;
    (void)destroy; /* a copy in memory: on the medium nothing is left of it */
    ff_free(displaced->ctx);
    displaced->data = NULL;
    displaced->size_bytes = 0;
    displaced->ctx = NULL;
}
