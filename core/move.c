/* SPDX-License-Identifier: Apache-2.0 */
/* move.c: a task gets another name, or goes when its value is elsewhere. Somebody may save it
 * while that is copied: so it is taken aside by a rename, and removed only if it still is what was
 * copied, and the copy is still there (two storages may be one, seen in two ways). */
#include "core/base/alloc.h"
#include "core/storage.h"

#define ASIDE_BYTES      256
#define ASIDE_TASK_BYTES 150u /* with what follows it is a name still */

struct ff_doc *ff_moving_read(struct ff_moving *m, struct ff_error *e)
{
    struct ff_task_bytes bytes;
    if (ff_storage_check(m->storage, e) || ff_check_names(m->workflow, m->task, e)) {
        return NULL;
    }
    if (ff_task_load(m->storage, m->workflow, m->task, FF_MAX_TASK_BYTES, FF_LOAD_WAIT,
                     &bytes, m->call, e)) {
        (void)ff_at_task(e->code, m->workflow, m->task, e);
        return NULL;
    }
    memcpy(m->digest, bytes.digest, sizeof m->digest);
    m->size_bytes = bytes.size_bytes;
    struct ff_doc *doc =
        ff_task_build(m->storage, m->workflow, m->task, &bytes, m->call, e);
    (void)ff_at_task(e->code, m->workflow, m->task, e);
    return doc;
}

/* 1, 0 or an error code. */
static int is_same(const struct ff_moving *m, const char *aside, struct ff_error *e)
{
    struct ff_task_bytes now = {.data = NULL};
    int rc = ff_task_load(m->storage, m->workflow, aside, FF_MAX_TASK_BYTES, 0, &now,
                          m->call, e);
    int same = !rc && now.size_bytes == m->size_bytes &&
               memcmp(now.digest, m->digest, sizeof now.digest) == 0;
    ff_free(now.data);
    return rc ? rc : same;
}

/* It stays, and `why` is what the caller is told. Also after a cancellation. */
static int give_back(const struct ff_moving *m, const char *aside,
                     const struct ff_error *why, struct ff_error *e)
{
    const struct ff_commit *commit = m->storage->commit;
    struct ff_error own = FF_ERROR_INIT;
    int rc = commit->rename(commit, m->workflow, aside, m->task, NULL, &own);
    if (rc && rc != FF_E_NOT_FOUND) {
        (void)ff_fail(e, FF_E_CONFLICT, NULL,
                      "it was copied; its value is at %s/%s now, and cannot get its name "
                      "back: %.200s",
                      m->workflow, aside, own.message);
        ff_error_fix(e, "look at both, and remove the one that is not wanted");
        return e->code;
    }
    ff_error_copy(e, why);
    return e->code;
}

static int judge(const struct ff_moving *m, const char *aside,
                 int (*is_there)(void *ctx, struct ff_error *), void *ctx,
                 struct ff_error *e)
{
    int rc = is_same(m, aside, e);
    if (rc == 0) {
        return ff_fail(e, FF_E_CONFLICT, NULL,
                       "it was copied, and replaced meanwhile: the new value stays");
    }
    rc = rc < 0 ? rc : is_there(ctx, e);
    if (rc == 0) {
        return ff_fail(e, FF_E_CONFLICT, NULL,
                       "its copy is gone: it stays (are both the same storage?)");
    }
    return rc < 0 ? rc : FF_OK;
}

/* "<task>.moving-<32 hex digits>", the task's name cut between two characters. */
static int name_aside(const struct ff_moving *m, char out[ASIDE_BYTES])
{
    char prefix[ASIDE_BYTES];
    size_t length = strlen(m->task);
    length = length < ASIDE_TASK_BYTES ? length : ASIDE_TASK_BYTES;
    while (length && (m->task[length] & 0xc0) == 0x80) {
        length--;
    }
    (void)snprintf(prefix, sizeof prefix, "%.*s.moving-", (int)length, m->task);
    return ff_random_name(ff_host_sys(m->storage->host), prefix, out, ASIDE_BYTES);
}

int ff_moving_remove(const struct ff_moving *m,
                     int (*is_there)(void *ctx, struct ff_error *), void *ctx,
                     struct ff_error *e)
{
    const struct ff_commit *commit = m->storage->commit;
    struct ff_error why = FF_ERROR_INIT;
    char aside[ASIDE_BYTES];
    int rc = name_aside(m, aside);
    if (rc) {
        return ff_fail(e, FF_E_OTHER, m->task, "no name to put it aside under");
    }
    rc = commit->rename(commit, m->workflow, m->task, aside, m->call, e);
    if (!rc && (judge(m, aside, is_there, ctx, &why) ||
                ff_remove_task(m->storage, m->workflow, aside, &why))) {
        rc = give_back(m, aside, &why, e);
    }
    return ff_at_task(rc, m->workflow, m->task, e);
}

/* ---- ff_move_task ---- */

static int move_across(struct ff_storage *storage, const char *workflow, const char *task,
                       const char *to_workflow, const char *to_task, struct ff_error *e)
{
    struct ff_save_options o = {.struct_size = FF_SIZE(ff_save_options, call),
                                .flags = FF_SAVE_IF_ABSENT};
    struct ff_doc *doc = ff_read_task(storage, workflow, task, NULL, e);
    int rc = ff_save(storage, to_workflow, to_task, ff_doc_root(doc), &o, e);
    ff_doc_free(doc);
    /* A crash before this leaves both; each owns its own big data. */
    return rc ? rc : ff_remove_task(storage, workflow, task, e);
}

int ff_move_task(struct ff_storage *storage, const char *workflow, const char *task,
                 const char *to_workflow, const char *to_task, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc;
    e = e ? e : &local;
    if (e->code || ff_storage_check(storage, e) || ff_check_names(workflow, task, e) ||
        ff_check_names(to_workflow, to_task, e)) {
        return e->code;
    }
    if (strcmp(workflow, to_workflow) != 0) {
        return move_across(storage, workflow, task, to_workflow, to_task, e);
    }
    rc = storage->commit->rename(storage->commit, workflow, task, to_task,
                                 ff_storage_call(storage, NULL), e);
    if (rc == FF_E_CONFLICT) {
        ff_error_fix(e, "choose another name, or remove what is there first");
    }
    return ff_at_task(rc, workflow, task, e);
}
