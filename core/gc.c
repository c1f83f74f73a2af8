/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gc.c: what no task refers to. The order is the proof (docs/format.md): candidates, then
 * intents, then tasks and their marks, then sync, then sweep. A save that is not
 * committed and owns a candidate shows its intent: its workflow is spared, or it can no
 * longer commit. A save that is committed shows its task.
 */
#include "core/storage.h"

#include <stdlib.h>

#include "core/base/alloc.h"

#define DEFAULT_GRACE_NS (24ll * 3600 * 1000000000)
#define MAX_LISTINGS     8

struct candidate {
    char uuid[FF_UUID_LENGTH + 1];
    int marked;       /* a task refers to it */
    int64_t mtime_ns; /* of its youngest object */
    uint64_t size_bytes;
};

/* An intent that nobody holds. */
struct left {
    char *name;
    int64_t mtime_ns;
};

struct collector {
    struct ff_storage *storage;
    const struct ff_call *call;
    const struct ff_gc_options *options;
    int64_t grace_ns, now_ns, intents_now_ns; /* the clocks of the two listings */
    int really;
    int (*each)(void *ctx, const struct ff_finding *);
    void *ctx;
    /* of the workflow in hand */
    const char *workflow;
    struct ff_vec candidates; /* struct candidate, sorted by uuid */
    struct ff_uploads uploads;
    struct ff_vec intents;   /* struct left: to be fenced */
    struct ff_names *listed; /* the tasks that have been read; NULL: none */
    int spared, no_memory;
    int vanished; /* a task was listed, and then was not there */
    int gained;   /* candidates that this listing was the first to mark */
    char why[256];
};

static int report(struct collector *c, const char *task, const char *name,
                  const char *what, const char *reason, uint64_t size, int64_t age_ns,
                  int removed)
{
    struct ff_finding f = {c->workflow, task,   name,    what, reason,
                           size,        age_ns, removed, 0};
    return c->each ? c->each(c->ctx, &f) : 0;
}

static void spare(struct collector *c, const char *why)
{
    if (!c->spared) {
        (void)snprintf(c->why, sizeof c->why, "%s", why);
    }
    c->spared = 1;
}

/* A clock that failed (INT64_MIN), or a medium that gives no time (0), makes everything younger
 * than any grace. */
static int64_t age_ns(int64_t now_ns, int64_t mtime_ns)
{
    int64_t age;
    if (mtime_ns == 0) {
        return INT64_MIN;
    }
    if (__builtin_sub_overflow(now_ns, mtime_ns, &age)) {
        return now_ns > mtime_ns ? INT64_MAX : INT64_MIN;
    }
    return age;
}

/* ---- C: candidates ---- */

static int add_candidate(void *ctx, const struct ff_io *io)
{
    struct collector *c = ctx;
    struct candidate *found;
    size_t n = 0;
    const char *owner = ff_owner_of(io->name, &n);
    if (!owner) {
        return 0; /* shared, or a protocol's own: nobody's to sweep */
    }
    found = ff_vec_push(&c->candidates);
    if (!found) {
        c->no_memory = 1;
        return 1;
    }
    *found = (struct candidate){.marked = 0};
    memcpy(found->uuid, owner, n);
    found->mtime_ns = io->mtime_ns;
    found->size_bytes = io->object_bytes;
    return 0;
}

static int by_uuid(const void *a, const void *b)
{
    return strcmp(((const struct candidate *)a)->uuid,
                  ((const struct candidate *)b)->uuid);
}

/* What has no time may be the youngest. */
static int64_t younger(int64_t a_ns, int64_t b_ns)
{
    return !a_ns || !b_ns ? 0 : a_ns > b_ns ? a_ns : b_ns;
}

static void merge(struct ff_vec *v)
{
    struct candidate *all = v->items;
    size_t kept = 0;
    if (v->count) {
        qsort(all, v->count, sizeof *all, by_uuid);
    }
    for (size_t i = 0; i < v->count; i++) {
        struct candidate *last = kept ? &all[kept - 1] : NULL;
        if (last && by_uuid(last, &all[i]) == 0) {
            last->size_bytes += all[i].size_bytes;
            last->mtime_ns = younger(last->mtime_ns, all[i].mtime_ns);
        } else {
            all[kept++] = all[i];
        }
    }
    v->count = kept;
}

static int find_candidates(struct collector *c, struct ff_bigdata *b, struct ff_error *e)
{
    int rc =
        b->objects->list(b->objects, "", 0, add_candidate, c, &c->now_ns, c->call, e);
    if (c->no_memory) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    merge(&c->candidates);
    return rc;
}

/* ---- I: intents ---- */

static int add_intent(void *ctx, const struct ff_intent_info *info)
{
    struct collector *c = ctx;
    struct left left = {NULL, info->mtime_ns};
    if (info->state == FF_INTENT_LIVE) {
        spare(c, "a save is in progress");
        return 0;
    }
    left.name = ff_strdup(info->name);
    if (!left.name || ff_vec_append(&c->intents, &left)) {
        ff_free(left.name);
        c->no_memory = 1;
        return 1;
    }
    return 0;
}

static int fence_one(struct collector *c, const char *workflow, const char *name,
                     struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    int rc = FF_OK, gone = 0;
    if (c->really && !c->spared) {
        rc = c->storage->commit->fence(c->storage->commit, workflow, name, c->call, &own);
        gone = rc == FF_OK;
    }
    if (rc == FF_E_CONFLICT) {
        spare(c, "a save has come back to life, or has just committed");
        rc = FF_OK;
    } else if (rc) {
        ff_error_copy(e, &own);
    }
    if (!rc && report(c, "", name, "intent",
                      "left by a save or a removal that did not end", 0, 0, gone)) {
        return FF_DECLINED;
    }
    return rc;
}

/* Remains of removed workflows have no age. */
static bool is_young(const struct collector *c, const struct left *left)
{
    return *c->workflow && age_ns(c->intents_now_ns, left->mtime_ns) < c->grace_ns;
}

static int fence_intents(struct collector *c, const char *workflow, struct ff_error *e)
{
    int rc;
    rc = c->storage->commit->intents(c->storage->commit, workflow, add_intent, c,
                                     &c->intents_now_ns, c->call, e);
    if (c->no_memory) {
        rc = ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    for (size_t i = 0; i < c->intents.count; i++) {
        if (is_young(c, ff_vec_at(&c->intents, i))) {
            spare(c, "a save ended, or was stopped, not long ago");
        }
    }
    for (size_t i = 0; !rc && i < c->intents.count; i++) {
        const struct left *left = ff_vec_at(&c->intents, i);
        rc = is_young(c, left) ? FF_OK : fence_one(c, workflow, left->name, e);
    }
    return rc;
}

/* ---- T: tasks and their marks ---- */

static int assumed_lost(const struct collector *c, const char *task)
{
    char name[2 * FF_PLACE_BYTES];
    const char *const *lost =
        FF_HAS(c->options, ff_gc_options, assume_lost) ? c->options->assume_lost : NULL;
    (void)snprintf(name, sizeof name, "%s/%s", c->workflow, task);
    for (; lost && *lost; lost++) {
        if (strcmp(*lost, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void mark_candidates(struct collector *c, const struct ff_vec *marks)
{
    for (size_t i = 0; i < marks->count && c->candidates.count; i++) {
        const struct ff_mark *mark = ff_vec_at(marks, i);
        struct candidate key = {.marked = 0}, *found;
        (void)snprintf(key.uuid, sizeof key.uuid, "%s", mark->uuid);
        found =
            bsearch(&key, c->candidates.items, c->candidates.count, sizeof key, by_uuid);
        if (found && !found->marked) {
            found->marked = 1;
            c->gained++;
        }
    }
}

static int read_marks(struct collector *c, const char *task, struct ff_error *e)
{
    struct ff_task_bytes bytes = {.data = NULL};
    struct ff_vec marks;
    int rc = ff_task_load(c->storage, c->workflow, task, FF_MAX_TASK_BYTES, 0, &bytes,
                          c->call, e);
    ff_vec_init(&marks, sizeof(struct ff_mark), FF_MAX_NAMES);
    rc = rc ? rc : ff_marks_read(bytes.data, bytes.size_bytes, &marks, e);
    mark_candidates(c, &marks);
    ff_marks_clear(&marks);
    ff_free(bytes.data);
    return rc;
}

static int mark_task(struct collector *c, const char *task, int tell, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    int rc = read_marks(c, task, &own);
    if (rc == FF_OK || rc == FF_E_NOT_FOUND) {
        c->vanished |= rc != FF_OK;
        return FF_OK;
    }
    if (rc == FF_E_CANCELLED || rc == FF_E_NO_MEMORY) {
        ff_error_copy(e, &own);
        return rc;
    }
    if (!assumed_lost(c, task)) {
        spare(c, "a task cannot be read, so what it refers to is not known");
    }
    return tell && report(c, task, "", "unparsable", own.message, 0, 0, 0) ? FF_DECLINED
                                                                           : FF_OK;
}

static int by_name(const void *key, const void *item)
{
    return strcmp(key, *(char *const *)item);
}

static int is_known(const struct collector *c, const char *task)
{
    return c->listed && c->listed->count &&
           bsearch(task, c->listed->name, c->listed->count, sizeof *c->listed->name,
                   by_name);
}

static int mark_listed(struct collector *c, int tell, struct ff_error *e)
{
    struct ff_names *tasks = ff_list_tasks(c->storage, c->workflow, NULL, e);
    int rc = tasks ? FF_OK : e->code;
    int all = c->vanished;
    c->vanished = c->gained = 0;
    for (size_t i = 0; !rc && i < tasks->count; i++) {
        if (all || !is_known(c, tasks->name[i])) {
            rc = mark_task(c, tasks->name[i], tell, e);
        }
    }
    ff_names_free(c->listed);
    c->listed = tasks;
    return rc;
}

/* A task that is gone by now may have been renamed; and a listing in several pieces (S3 has
 * 1,000 names a page, NFS its own) may have neither name of a task that is renamed meanwhile.
 * So list again, until a listing finds nothing that is of use. */
static int mark_tasks(struct collector *c, struct ff_error *e)
{
    int rc = mark_listed(c, 1, e);
    int again = 1;
    for (int i = 0; !rc && again && i < MAX_LISTINGS; i++) {
        rc = mark_listed(c, 0, e);
        again = c->vanished || c->gained;
    }
    if (again) {
        spare(c, "tasks are being moved or removed");
    }
    return rc;
}

/* ---- sweep ---- */

static void drop_marked(struct collector *c)
{
    struct candidate *all = c->candidates.items;
    size_t kept = 0;
    for (size_t i = 0; i < c->candidates.count; i++) {
        if (!all[i].marked) {
            all[kept++] = all[i];
            if (age_ns(c->now_ns, all[i].mtime_ns) < c->grace_ns) {
                spare(
                    c,
                    "something that no task refers to is younger than the grace: a save "
                    "by Python may be in progress");
            }
        }
    }
    c->candidates.count = kept;
}

static int sweep(struct collector *c, struct ff_bigdata *b, struct ff_error *e)
{
    int rc = FF_OK;
    for (size_t i = 0; !rc && i < c->candidates.count; i++) {
        struct candidate *cand = ff_vec_at(&c->candidates, i);
        int remove = c->really && !c->spared;
        if (remove) {
            rc = ff_owned_remove(b, "", "", cand->uuid, c->call, e);
        }
        if (!rc &&
            report(c, "", cand->uuid, "orphan", c->spared ? c->why : "", cand->size_bytes,
                   cand->mtime_ns ? age_ns(c->now_ns, cand->mtime_ns) : 0, remove)) {
            rc = FF_DECLINED;
        }
    }
    return rc;
}

/* They were found with the candidates, before the intents: a save that can still commit and
 * has begun one of them has shown its intent. */
static int end_uploads(struct collector *c, struct ff_error *e)
{
    int rc = FF_OK, remove = c->really && !c->spared;
    for (size_t i = 0; !rc && i < c->uploads.found.count; i++) {
        const struct ff_upload *u = ff_vec_at(&c->uploads.found, i);
        int64_t age = age_ns(c->uploads.now_ns, u->begun_ns);
        if (age < c->grace_ns) {
            continue;
        }
        rc = remove ? ff_upload_end(&c->uploads, u, c->call, e) : FF_OK;
        if (!rc && report(c, "", u->name, "upload",
                          c->spared ? c->why : "begun and never ended", 0, age, remove)) {
            rc = FF_DECLINED;
        }
    }
    return rc;
}

static void clear(struct collector *c)
{
    for (size_t i = 0; i < c->intents.count; i++) {
        ff_free(((struct left *)ff_vec_at(&c->intents, i))->name);
    }
    ff_vec_free(&c->intents);
    ff_names_free(c->listed);
    c->listed = NULL;
    ff_vec_free(&c->candidates);
    ff_uploads_clear(&c->uploads);
    c->spared = c->no_memory = c->vanished = 0;
}

static int collect(struct collector *c, const char *workflow, struct ff_error *e)
{
    struct ff_bigdata *b = ff_bigdata_open(c->storage, workflow, c->call, e);
    int rc = b ? FF_OK : e->code;
    c->workflow = workflow;
    rc = rc ? rc : find_candidates(c, b, e);
    rc = rc ? rc : ff_uploads_find(c->storage, b->bound, &c->uploads, c->call, e);
    rc = rc ? rc : fence_intents(c, workflow, e);
    rc = rc ? rc : mark_tasks(c, e);
    if (!rc && c->really && !c->spared) {
        rc = c->storage->commit->settle(c->storage->commit, workflow, c->call, e);
    }
    if (!rc) {
        drop_marked(c);
        rc = sweep(c, b, e);
        rc = rc ? rc : end_uploads(c, e);
    }
    if (!rc && c->spared && report(c, "", "", "spared", c->why, 0, 0, 0)) {
        rc = FF_DECLINED;
    }
    ff_bigdata_unref(b);
    return rc < 0 ? ff_at_task(rc, workflow, "", e) : rc;
}

/* A folder of the root may have a name that no workflow of ours has (Python makes them): it
 * is told and left as it is. */
static int collect_listed(struct collector *c, const char *workflow, struct ff_error *e)
{
    struct ff_error why = FF_ERROR_INIT;
    if (ff_check_workflow(workflow, &why) == FF_OK) {
        return collect(c, workflow, e);
    }
    c->workflow = workflow;
    return report(c, "", "", "foreign", why.message, 0, 0, 0) ? FF_DECLINED : FF_OK;
}

static int collect_all(struct collector *c, struct ff_error *e)
{
    struct ff_names *workflows = ff_list_workflows(c->storage, e);
    int rc = workflows ? FF_OK : e->code;
    for (size_t i = 0; !rc && i < workflows->count; i++) {
        rc = collect_listed(c, workflows->name[i], e);
        clear(c);
    }
    c->workflow = "";
    if (!rc) { /* what removed workflows left: nobody can refer to it */
        rc = fence_intents(c, "", e);
        if (rc < 0 && !e->place[0]) {
            (void)ff_at_task(rc, c->storage->protocol->desc->kind, "", e);
        }
        rc = rc ? rc
                : ff_uploads_find(c->storage, c->storage->root, &c->uploads, c->call, e);
        rc = rc ? rc : end_uploads(c, e);
        clear(c);
    }
    ff_names_free(workflows);
    return rc;
}

int ff_gc(struct ff_storage *storage, const char *workflow, const struct ff_gc_options *o,
          int (*each)(void *ctx, const struct ff_finding *), void *ctx,
          struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct collector c = {.storage = storage, .options = o, .each = each, .ctx = ctx};
    int rc;
    e = e ? e : &local;
    if (e->code || ff_storage_check(storage, e) ||
        (workflow && ff_check_workflow(workflow, e))) {
        return e->code;
    }
    c.call = ff_storage_call(storage, NULL);
    c.grace_ns = o && o->grace_ns >= 0 ? o->grace_ns : DEFAULT_GRACE_NS;
    c.really = FF_HAS(o, ff_gc_options, really) ? o->really : 0;
    ff_vec_init(&c.candidates, sizeof(struct candidate), FF_MAX_NAMES);
    ff_vec_init(&c.intents, sizeof(struct left), FF_MAX_NAMES);
    rc = workflow ? collect(&c, workflow, e) : collect_all(&c, e);
    clear(&c);
    return rc == FF_DECLINED ? FF_OK : rc; /* the caller stopped it */
}
