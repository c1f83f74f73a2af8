/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit_sweep.c: the derived ff.commit/1: a workflow goes. Its marker says "removed": from
 * then on it does not exist, and no save can begin or end in it. Then all that lies in it is
 * deleted, and at last the marker. A save that claimed its intent before may still put its
 * task: it takes it back when it sees the marker. Any other one may still put big data. So while
 * an intent shows that one may be alive, the marker stays, for gc.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/uuid.h"
#include "core/commit_own.h"

enum {
    MAX_TRIES = 1000,
    MAX_PASSES = 100, /* about 5 s, while others still write */
    MAX_NAMES = 1 << 28,
    BATCH_COUNT = 1000
};

struct victim {
    char *name;
    int64_t mtime_ns;
    unsigned group; /* smaller ones go first */
    bool record;    /* an intent, or a rename */
    bool unique;    /* below a uuid: the name never comes again */
    char tag[FF_DERIVED_TAG_BYTES];
};

struct sweep {
    struct ff_batch batch;
    const struct ff_derived *d;
    struct ff_vec victims;
    size_t at, end; /* those of one batch */
    struct ff_io ios[BATCH_COUNT];
    pthread_mutex_t lock; /* error: done comes from any thread */
    struct ff_error error;
    char own[FF_DERIVED_NAME_BYTES]; /* our records begin with it */
    int64_t marker_ns;               /* when it was marked as removed */
    bool busy;                       /* others still commit into the workflow */
    bool alive;                      /* others may still write into it */
    bool marked_lately;
    bool no_memory;
};

/* What says what an array is goes before its chunks, so that a reader who misses one finds
 * that out: nearer to the root first, and in one folder names with a dot first. */
static unsigned group_of(const char *name)
{
    const char *last = strrchr(name, '/');
    unsigned depth = 0;

    for (const char *c = name; *c; c++) {
        depth += *c == '/';
    }
    return 2 * depth + (last && last[1] != '.');
}

static bool has_uuid(const char *name)
{
    while (name) {
        size_t length = strcspn(name, "/");

        if (ff_is_uuid4(name, length)) {
            return true;
        }
        name = name[length] ? name + length + 1 : NULL;
    }
    return false;
}

static int collect(void *ctx, const struct ff_io *io)
{
    struct sweep *s = ctx;
    size_t own_bytes = strlen(s->own);
    bool own = !strncmp(io->name, s->own, own_bytes);
    struct victim *v;

    if (own && !strcmp(io->name + own_bytes, FF_DERIVED_MARKER)) {
        s->marker_ns = io->mtime_ns;
        return 0;
    }
    v = ff_vec_push(&s->victims);
    if (!v || !(v->name = ff_strdup(io->name))) {
        s->no_memory = true;
        return 1;
    }
    v->mtime_ns = io->mtime_ns;
    v->record = own;
    v->unique = !own && has_uuid(io->name); /* an open intent may become committing */
    v->group = group_of(io->name);
    memcpy(v->tag, io->tag, sizeof v->tag);
    return 0;
}

static void forget(struct sweep *s)
{
    for (size_t i = 0; i < s->victims.count; i++) {
        ff_free(((struct victim *)ff_vec_at(&s->victims, i))->name);
    }
    ff_vec_clear(&s->victims);
}

static int by_group(const void *a, const void *b)
{
    const struct victim *x = a, *y = b;

    return x->group != y->group ? (x->group < y->group ? -1 : 1)
                                : strcmp(x->name, y->name);
}

/* Whether this record is of somebody who may still put a task. */
static int is_busy(const struct sweep *s, const struct victim *v, int64_t now_ns,
                   bool *busy, const struct ff_call *call, struct ff_error *e)
{
    struct ff_stored b;
    int rc;

    *busy = false;
    if (!v->record || ff_derived_state(v->mtime_ns, now_ns) == FF_INTENT_STALE) {
        return FF_OK;
    }
    rc = ff_derived_get(s->d, v->name, &b, call, e);
    if (!rc) {
        *busy = ff_stored_begins(&b, "committing") || ff_stored_begins(&b, "renaming");
        ff_stored_free(&b);
    }
    return rc;
}

/* Everything that shall go, in order; what is busy is spared. */
static int look(struct sweep *s, const char *workflow, const struct ff_call *call,
                struct ff_error *e)
{
    char prefix[FF_DERIVED_NAME_BYTES];
    int64_t now_ns = 0;
    size_t kept = 0;
    int rc;

    ff_derived_task_name(prefix, workflow, "");
    s->busy = false;
    rc = s->d->objects->list(s->d->objects, prefix, 0, collect, s, &now_ns, call, e);
    if (s->no_memory) {
        rc = ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory for a list");
    }
    for (size_t i = 0; !rc && i < s->victims.count; i++) {
        struct victim *v = ff_vec_at(&s->victims, i), *to = ff_vec_at(&s->victims, kept);
        bool busy;

        rc = is_busy(s, v, now_ns, &busy, call, e);
        s->busy |= busy;
        s->alive |= v->record && ff_derived_state(v->mtime_ns, now_ns) == FF_INTENT_LIVE;
        if (!busy && to != v) { /* swapped: what is spared is freed with the rest */
            struct victim spared = *to;

            *to = *v;
            *v = spared;
        }
        kept += !busy;
    }
    s->marked_lately = ff_derived_state(s->marker_ns, now_ns) == FF_INTENT_LIVE;
    while (!rc && s->victims.count > kept) {
        ff_free(((struct victim *)ff_vec_last(&s->victims))->name);
        ff_vec_pop(&s->victims);
    }
    if (!rc && kept) {
        qsort(s->victims.items, kept, sizeof(struct victim), by_group);
    }
    return rc;
}

/* ---- deleting ---- */

static struct ff_io *next(struct ff_batch *batch)
{
    struct sweep *s = batch->ctx;
    const struct victim *v;
    struct ff_io *io;

    if (s->at == s->end) {
        return NULL;
    }
    io = &s->ios[s->at % BATCH_COUNT];
    v = ff_vec_at(&s->victims, s->at++);
    /* A name that may come again goes only as it was seen: the workflow may have been removed
     * by somebody else meanwhile, and made again. */
    *io = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                         .op = FF_REMOVE,
                         .name = v->name,
                         .if_match = v->unique || !v->tag[0] ? NULL : v->tag};
    return io;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct sweep *s = batch->ctx;

    if (code && code != FF_E_CONFLICT) {
        pthread_mutex_lock(&s->lock);
        if (e) {
            (void)ff_derived_pass(&s->error, e, code);
        }
        (void)ff_fail(&s->error, code, io->name, "cannot be removed");
        pthread_mutex_unlock(&s->lock);
    }
    return 0; /* the others go all the same */
}

static int delete_all(struct sweep *s, const struct ff_call *call, struct ff_error *e)
{
    int rc = FF_OK;

    s->at = 0;
    while (!rc && s->at < s->victims.count) {
        const struct victim *first = ff_vec_at(&s->victims, s->at), *v = first;

        s->end = s->at;
        do {
            s->end++;
            v = ff_vec_at(&s->victims, s->end);
        } while (v && v->group == first->group && s->end - s->at < BATCH_COUNT);
        s->batch = (struct ff_batch){
            .struct_size = FF_SIZE(ff_batch, done), .ctx = s, .next = next, .done = done};
        rc = s->d->objects->run(s->d->objects, &s->batch, call, e);
    }
    return rc ? rc
              : (s->error.code ? ff_derived_pass(e, &s->error, s->error.code) : FF_OK);
}

static int remove_marker(const struct ff_derived *d, const char *workflow,
                         const struct ff_marker *marker, const struct ff_call *call,
                         struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    char name[FF_DERIVED_NAME_BYTES];
    int rc;

    ff_derived_own_name(name, workflow, FF_DERIVED_MARKER);
    rc = ff_derived_remove(d, name, marker->tag, call, &local);
    if (rc && rc != FF_E_CONFLICT) { /* a conflict: somebody else has finished it */
        return ff_derived_pass(e, &local, rc);
    }
    return ff_derived_sync(d, call, e);
}

static int still_writing(const char *workflow, struct ff_error *e)
{
    int rc = ff_fail(e, FF_E_CONFLICT, workflow,
                     "it was removed, but somebody may still be writing into it");

    ff_error_fix(e, "try again in %d minutes", (int)(FF_DERIVED_FRESH_NS / 60000000000));
    return rc;
}

static int remove_remains(struct sweep *s, const char *workflow,
                          const struct ff_call *call, struct ff_error *e)
{
    bool more = true;
    int rc = FF_OK;

    for (unsigned i = 0; !rc && more && i < MAX_PASSES; i++) {
        if (i > 1) {
            ff_derived_back_off(s->d, i);
        }
        forget(s);
        rc = look(s, workflow, call, e);
        more = s->victims.count || s->busy;
        rc = rc ? rc : delete_all(s, call, e);
    }
    forget(s);
    ff_vec_free(&s->victims);
    return rc || !more ? rc : still_writing(workflow, e);
}

static int sweep(const struct ff_derived *d, const char *workflow, bool *alive,
                 bool *marked_lately, const struct ff_call *call, struct ff_error *e)
{
    struct sweep *s = ff_calloc(1, sizeof *s);
    int rc;

    if (!s || pthread_mutex_init(&s->lock, NULL)) {
        ff_free(s);
        return ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory to remove it");
    }
    s->d = d;
    s->error = (struct ff_error)FF_ERROR_INIT;
    ff_vec_init(&s->victims, sizeof(struct victim), MAX_NAMES);
    ff_derived_own_name(s->own, workflow, "");
    rc = remove_remains(s, workflow, call, e);
    *alive = s->alive;
    *marked_lately = s->marked_lately;
    pthread_mutex_destroy(&s->lock);
    ff_free(s);
    return rc;
}

int ff_derived_remove_remains(const struct ff_derived *d, const char *workflow,
                              bool *alone, const struct ff_call *call, struct ff_error *e)
{
    bool alive = false, marked_lately;
    int rc = sweep(d, workflow, &alive, &marked_lately, call, e);

    if (alone) {
        *alone = !alive;
    }
    return rc;
}

int ff_derived_finish_removal(const struct ff_derived *d, const char *workflow,
                              const struct ff_marker *marker, const struct ff_call *call,
                              struct ff_error *e)
{
    bool alive, marked_lately = true;
    int rc = sweep(d, workflow, &alive, &marked_lately, call, e);

    if (!rc && marked_lately) {
        rc = still_writing(workflow, e);
    }
    return rc ? rc : remove_marker(d, workflow, marker, call, e);
}

/* ---- remove_workflow ---- */

/* Until the marker is ours. */
static int mark_removed(const struct ff_derived *d, const char *workflow,
                        struct ff_marker *marker, const struct ff_call *call,
                        struct ff_error *e)
{
    bool anything = true;
    int rc = ff_derived_marker(d, workflow, marker, call, e);

    if (!rc && marker->state == FF_MARKER_NONE) {
        rc = ff_derived_anything(d, workflow, &anything, call, e);
    }
    if (!rc && (marker->state == FF_MARKER_REMOVED || !anything)) {
        rc = ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow");
    }
    return rc ? rc : ff_derived_mark(d, workflow, "removed ", marker, call, e);
}

int ff_derived_remove_workflow(const struct ff_commit *self, const char *workflow,
                               const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    struct ff_error local = FF_ERROR_INIT;
    struct ff_marker marker;
    bool alone = false;
    int rc = ff_derived_check(workflow, NULL, &local);

    rc = rc ? rc : FF_E_CONFLICT;
    for (unsigned i = 0; rc == FF_E_CONFLICT && i < MAX_TRIES; i++) {
        local = (struct ff_error)FF_ERROR_INIT;
        rc = mark_removed(d, workflow, &marker, call, &local);
    }
    rc = rc ? rc : ff_derived_sync(d, call, &local);
    if (rc) {
        return ff_derived_pass(e, &local, rc);
    }
    rc = ff_derived_remove_remains(d, workflow, &alone, call, &local);
    rc = rc || !alone ? rc : remove_marker(d, workflow, &marker, call, &local);
    /* What a save in progress kept is for gc: the workflow is gone all the same. */
    return rc && rc != FF_E_CONFLICT ? ff_derived_pass(e, &local, rc) : FF_OK;
}
