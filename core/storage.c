/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage.c: the story. How a value is saved, read, listed, moved and removed; each
 * function here is one sentence of it, in order. What the steps must survive is in
 * docs/format.md.
 */
#include "core/storage.h"

#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/name.h"

static int in_error(const struct ff_error *e)
{
    return e && e->code;
}

static void set_place(struct ff_saving *s, const char *workflow, const char *task)
{
    (void)snprintf(s->workflow, sizeof s->workflow, "%s", workflow);
    (void)snprintf(s->task, sizeof s->task, "%s", task);
    (void)snprintf(s->place, sizeof s->place, "%s/%s", workflow, task);
}

/* For who says none. */
static void add_fix(int code, struct ff_error *e)
{
    if (code == FF_E_NOT_FOUND) {
        ff_error_fix(e, "see what there is (ff ls)");
    } else if (code == FF_E_CONFLICT || code == FF_E_EXISTS) {
        ff_error_fix(e, "see what is there now (ff ls), then try again");
    } else if (code == FF_E_UNKNOWN_OUTCOME) {
        ff_error_fix(e, "see whether it happened (ff ls), then try again");
    } else if (code == FF_E_IO) {
        ff_error_fix(e, "see to the medium (dmesg; a server's log), then try again");
    } else if (code == FF_E_NO_MEMORY) {
        ff_error_fix(e, "free some memory, then try again");
    } else if (code == FF_E_STALE) {
        ff_error_fix(e, "it was replaced or removed meanwhile: read it again");
    }
}

/* Whether it is this place, or one in it. */
static int is_in(const char *place, const char *outer)
{
    size_t n = strlen(outer);
    return strncmp(place, outer, n) == 0 && (!place[n] || strchr("/#:", place[n]));
}

/* A failure without a place, or with the workflow's, gets this one; one inside of the value
 * ("#path") or in a plugin is completed. */
int ff_at_task(int code, const char *workflow, const char *task, struct ff_error *e)
{
    char place[FF_PLACE_BYTES];
    (void)snprintf(place, sizeof place, "%.200s%s%.200s", workflow, task[0] ? "/" : "",
                   task);
    add_fix(code, e);
    if (!code || !e || is_in(e->place, place)) {
        return code;
    }
    if (strcmp(e->place, workflow) == 0) {
        e->place[0] = '\0';
    }
    ff_error_at(e, e->place[0] && e->place[0] != '#' ? ": " : "");
    ff_error_at(e, place);
    return code;
}

/* ---- save ---- */

static int begin(struct ff_saving *s, struct ff_error *e)
{
    const struct ff_commit *commit = s->storage->commit;
    int rc = commit->begin(commit, s->workflow, &s->intent, &s->call, e);
    if (rc) {
        return rc;
    }
    s->bigdata = ff_bigdata_open(s->storage, s->workflow, &s->call, e);
    return s->bigdata ? FF_OK : e ? e->code : FF_E_OTHER;
}

struct ff_saving *ff_saving_begin(struct ff_storage *storage, const char *workflow,
                                  const char *task, const struct ff_save_options *options,
                                  struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_saving *s;
    e = e ? e : &local;
    if (in_error(e) || ff_storage_check(storage, e) ||
        ff_check_names(workflow, task, e)) {
        return NULL;
    }
    s = ff_saving_new(storage, options, e);
    if (!s) {
        return NULL;
    }
    set_place(s, workflow, task);
    if (begin(s, e)) {
        (void)ff_at_task(e->code, workflow, task, e);
        ff_saving_abort(s);
        return NULL;
    }
    return s;
}

/* What a commit or a removal displaced, and no value names any more. A failure here
 * leaves work for gc and is no failure of the save. */
static void remove_displaced(struct ff_storage *storage, struct ff_bigdata *bigdata,
                             struct ff_displaced *old, const struct ff_vec *kept)
{
    struct ff_vec marks;
    struct ff_error local = FF_ERROR_INIT;
    int whole;
    ff_vec_init(&marks, sizeof(struct ff_mark), FF_MAX_NAMES);
    /* Python writes in place: into an inode that we have just displaced, perhaps. What
     * cannot be parsed is left to gc. */
    whole = ff_marks_read(old->data, (size_t)old->size_bytes, &marks, &local) == FF_OK;
    for (size_t i = 0; whole && i < marks.count; i++) {
        struct ff_mark *m = ff_vec_at(&marks, i);
        struct ff_error own = FF_ERROR_INIT;
        if (ff_is_uuid4(m->uuid, strlen(m->uuid)) &&
            !(kept && ff_marks_have(kept, m->uuid)) &&
            ff_owned_remove(bigdata, m->serializer, m->version, m->uuid, NULL, &own)) {
            whole = 0;
            ff_host_log(storage->host, FF_LOG_WARNING, "%s/" FF_BIGDATA "/%s stays: %s",
                        bigdata->workflow, m->uuid, own.message);
        }
    }
    storage->commit->drop(storage->commit, old, whole);
    ff_marks_clear(&marks);
}

static int commit(struct ff_saving *s, struct ff_error *e)
{
    const struct ff_commit *commit = s->storage->commit;
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_intent *intent = s->intent;
    int mode = s->flags & FF_SAVE_IF_ABSENT ? FF_COMMIT_IF_ABSENT : FF_COMMIT_REPLACE;
    int rc;
    s->intent = NULL;
    rc = commit->commit(commit, intent, s->task, mode, &old, &s->call, e);
    if (rc == FF_E_CONFLICT && mode == FF_COMMIT_IF_ABSENT) {
        ff_error_fix(e, "choose another name, or replace what is there");
    }
    if (rc == FF_E_UNKNOWN_OUTCOME) {
        ff_marks_clear(&s->stored); /* it may have happened: nothing is deleted */
    }
    if (rc) {
        return rc;
    }
    if (old.data || old.ctx) { /* without data: it could not be read */
        remove_displaced(s->storage, s->bigdata, &old, &s->stored);
    }
    ff_marks_clear(&s->stored); /* the task owns it now */
    return FF_OK;
}

int ff_saving_commit(struct ff_saving *s, struct ff_value value, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc;
    e = e ? e : &local;
    if (!s) {
        return in_error(e) ? e->code : ff_fail(e, FF_E_USAGE, NULL, "no save has begun");
    }
    rc = in_error(e) ? e->code : ff_storage_check(s->storage, e);
    rc = rc ? rc : ff_saving_write(s, value, e);
    if (!rc && s->stored.count) {
        rc = s->bigdata->objects->sync(s->bigdata->objects, &s->call, e);
    }
    if (!rc && s->copied) {
        rc = s->storage->objects->sync(s->storage->objects, &s->call, e);
    }
    rc = rc ? rc : commit(s, e);
    rc = ff_at_task(rc, s->workflow, s->task, e);
    ff_saving_abort(s); /* what is left of it */
    return rc;
}

int ff_save(struct ff_storage *storage, const char *workflow, const char *task,
            struct ff_value value, const struct ff_save_options *options,
            struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_saving *s;
    e = e ? e : &local;
    if (!in_error(e) && !value.doc) {
        return ff_fail(e, FF_E_USAGE, NULL, "there is no value to save");
    }
    s = ff_saving_begin(storage, workflow, task, options, e);
    return s ? ff_saving_commit(s, value, e) : e->code;
}

/* ---- read ---- */

struct ff_doc *ff_read_task(struct ff_storage *storage, const char *workflow,
                            const char *task, const struct ff_read_options *o,
                            struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_task_bytes bytes;
    struct ff_doc *doc = NULL;
    uint64_t most = FF_HAS(o, ff_read_options, max_bytes) ? o->max_bytes : 0;
    int pin = FF_HAS(o, ff_read_options, flags) && (o->flags & FF_READ_PIN);
    const struct ff_call *call = FF_HAS(o, ff_read_options, call) ? o->call : NULL;
    int tries = pin ? 8 : 1;
    e = e ? e : &local;
    if (in_error(e) || ff_storage_check(storage, e) ||
        ff_check_names(workflow, task, e)) {
        return NULL;
    }
    call = ff_storage_call(storage, call);
    do { /* pinned: what was replaced between reading and opening is read again */
        ff_error_clear(e);
        if (!ff_task_load(storage, workflow, task, most ? most : FF_MAX_TASK_BYTES,
                          FF_LOAD_WAIT, &bytes, call, e)) {
            doc = ff_task_build(storage, workflow, task, &bytes, call, e);
        }
        if (doc && pin && ff_doc_pin(doc, call, e)) {
            ff_doc_free(doc);
            doc = NULL;
        }
    } while (!doc && e->code == FF_E_STALE && --tries > 0);
    (void)ff_at_task(e->code, workflow, task, e);
    return doc;
}

/* ---- list ---- */

struct listing {
    struct ff_vec names; /* char * */
    size_t skip_bytes;   /* of each name: the folder before it */
    const char *pattern;
    int folders, no_memory;
};

static int list_one(void *ctx, const struct ff_io *io)
{
    struct listing *l = ctx;
    const char *name = io->name + l->skip_bytes;
    char *copy;
    if (io->is_folder != l->folders || name[0] == '.' ||
        (l->pattern && !ff_glob_match(l->pattern, name))) {
        return 0;
    }
    copy = ff_strdup(name);
    if (!copy || ff_vec_append(&l->names, &copy)) {
        ff_free(copy);
        l->no_memory = 1;
        return 1;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct ff_names *names_of(struct listing *l, struct ff_error *e)
{
    struct ff_names *names = ff_calloc(1, sizeof *names);
    if (!names) {
        ff_names_clear(&l->names);
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    if (l->names.count) {
        qsort(l->names.items, l->names.count, sizeof(char *), by_name);
    }
    names->name = ff_vec_steal(&l->names, &names->count);
    return names;
}

static struct ff_names *list(struct ff_storage *storage, const char *prefix,
                             const char *pattern, int folders, struct ff_error *e)
{
    const struct ff_objects *objects = storage->objects;
    struct listing l = {
        .skip_bytes = strlen(prefix), .pattern = pattern, .folders = folders};
    int rc;
    ff_vec_init(&l.names, sizeof(char *), FF_MAX_NAMES);
    rc = objects->list(objects, prefix, 1, list_one, &l, NULL,
                       ff_storage_call(storage, NULL), e);
    if (rc || l.no_memory) {
        ff_names_clear(&l.names);
        (void)ff_fail(e, rc < 0 ? rc : FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    return names_of(&l, e);
}

void ff_names_free(struct ff_names *names)
{
    if (names) {
        for (size_t i = 0; i < names->count; i++) {
            ff_free((void *)(uintptr_t)names->name[i]);
        }
        ff_free((void *)(uintptr_t)names->name);
        ff_free(names);
    }
}

/* Where the commit is derived, a folder may still be there after its workflow was removed. */
static void drop_removed(struct ff_storage *storage, struct ff_names *names)
{
    const char **all = (const char **)(uintptr_t)names->name;
    size_t kept = 0;
    for (size_t i = 0; i < names->count; i++) {
        struct ff_error own = FF_ERROR_INIT;
        int there = 1;
        (void)storage->commit->workflow_exists(storage->commit, all[i], &there,
                                               ff_storage_call(storage, NULL), &own);
        if (there) {
            all[kept++] = all[i];
        } else {
            ff_free((void *)(uintptr_t)all[i]);
        }
    }
    names->count = kept;
}

struct ff_names *ff_list_workflows(struct ff_storage *storage, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_names *names;
    if (in_error(e) || ff_storage_check(storage, e)) {
        return NULL;
    }
    e = e ? e : &local;
    names = list(storage, "", NULL, 1, e);
    (void)ff_at_task(e->code, storage->protocol->desc->kind, "", e);
    if (names && storage->derived) {
        drop_removed(storage, names);
    }
    return names;
}

static int need_workflow(struct ff_storage *storage, const char *workflow,
                         struct ff_error *e)
{
    int there = 0;
    int rc = storage->commit->workflow_exists(storage->commit, workflow, &there,
                                              ff_storage_call(storage, NULL), e);
    if (!rc && !there) {
        rc = ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow");
    }
    return rc;
}

struct ff_names *ff_list_tasks(struct ff_storage *storage, const char *workflow,
                               const char *pattern, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    char prefix[FF_PLACE_BYTES];
    struct ff_names *names;
    if (in_error(e) || ff_storage_check(storage, e) || ff_check_workflow(workflow, e)) {
        return NULL;
    }
    (void)snprintf(prefix, sizeof prefix, "%s/", workflow);
    e = e ? e : &local;
    names = list(storage, prefix, pattern, 0, e);
    if (names && !names->count && need_workflow(storage, workflow, e)) {
        ff_names_free(names);
        names = NULL;
    }
    (void)ff_at_task(e->code, workflow, "", e);
    return names;
}

int ff_file_exists(struct ff_storage *storage, const char *workflow, const char *task,
                   struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    char name[FF_PLACE_BYTES];
    int rc;
    if (in_error(e) || ff_storage_check(storage, e) ||
        ff_check_names(workflow, task, e)) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%s/%s", workflow, task);
    rc =
        ff_head(storage->objects, name, NULL, NULL, ff_storage_call(storage, NULL), &own);
    if (rc && rc != FF_E_NOT_FOUND) {
        (void)ff_at_task(rc, workflow, task, &own);
        ff_error_copy(e, &own);
    }
    return rc == FF_OK;
}

/* ---- workflows ---- */

int ff_new_workflow(struct ff_storage *storage, const char *workflow, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    e = e ? e : &local;
    if (in_error(e) || ff_storage_check(storage, e) || ff_check_workflow(workflow, e)) {
        return e->code;
    }
    return ff_at_task(storage->commit->make_workflow(storage->commit, workflow,
                                                     ff_storage_call(storage, NULL), e),
                      workflow, "", e);
}

int ff_remove_workflow(struct ff_storage *storage, const char *workflow,
                       struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    e = e ? e : &local;
    if (in_error(e) || ff_storage_check(storage, e) || ff_check_workflow(workflow, e)) {
        return e->code;
    }
    return ff_at_task(storage->commit->remove_workflow(storage->commit, workflow,
                                                       ff_storage_call(storage, NULL), e),
                      workflow, "", e);
}

/* ---- remove ---- */

static int remove_one(struct ff_storage *storage, const char *workflow, const char *task,
                      struct ff_error *e)
{
    const struct ff_call *call = ff_storage_call(storage, NULL);
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_bigdata *bigdata = ff_bigdata_open(storage, workflow, call, e);
    int rc;
    if (!bigdata) {
        return e->code;
    }
    /* The task goes first, durably: a crash from here on leaves big data without a task,
     * which gc finds, and never a task without its big data. */
    rc = storage->commit->displace(storage->commit, workflow, task, &old, call, e);
    if (!rc) {
        remove_displaced(storage, bigdata, &old, NULL);
    }
    ff_bigdata_unref(bigdata);
    return ff_at_task(rc, workflow, task, e);
}

int ff_remove_task(struct ff_storage *storage, const char *workflow, const char *task,
                   struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    e = e ? e : &local;
    if (in_error(e) || ff_storage_check(storage, e) ||
        ff_check_names(workflow, task, e)) {
        return e->code;
    }
    return remove_one(storage, workflow, task, e);
}

/* Whether a listed task has a name that none of ours has (Python makes them); `first` is the
 * first of such failures. */
static int is_no_name(const char *workflow, const char *task, struct ff_error *first)
{
    struct ff_error own = FF_ERROR_INIT;
    int rc = ff_check_names(workflow, task, &own);
    ff_error_copy(first, &own);
    return rc != FF_OK;
}

int ff_remove_tasks(struct ff_storage *storage, const char *workflow, const char *pattern,
                    size_t *removed, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_error odd = FF_ERROR_INIT;
    struct ff_names *names;
    size_t gone = 0;
    int rc;
    e = e ? e : &local;
    names = ff_list_tasks(storage, workflow, pattern, e);
    rc = names ? FF_OK : e->code;
    for (size_t i = 0; !rc && i < names->count; i++) {
        if (is_no_name(workflow, names->name[i], &odd)) {
            continue;
        }
        rc = remove_one(storage, workflow, names->name[i], e);
        if (rc == FF_E_NOT_FOUND) { /* somebody else was faster */
            ff_error_clear(e);
            rc = FF_OK;
        } else if (!rc) {
            gone++;
        }
    }
    if (removed) {
        *removed = gone;
    }
    ff_names_free(names);
    if (!rc && odd.code) {
        ff_error_copy(e, &odd);
    }
    return e->code;
}
