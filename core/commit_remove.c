/* SPDX-License-Identifier: Apache-2.0 */
/* commit_remove.c: the derived ff.commit/1: a task is displaced, or renamed. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/commit_own.h"

enum {
    MAX_TRIES = 1000, /* against others who replace the same task */
    LOOKS = 5,        /* to find out what became of a request */
    ID_BYTES = 48
};

static int unknown(const char *name, const char *what, const struct ff_error *cause,
                   struct ff_error *e)
{
    int rc =
        ff_fail(e, FF_E_UNKNOWN_OUTCOME, name, "it cannot be known whether it was %s: %s",
                what, cause->message[0] ? cause->message : "no answer");

    ff_error_fix(e, "look whether it is there, and try again");
    return rc;
}

static int removal_unknown(const char *name, const struct ff_error *cause,
                           struct ff_error *e)
{
    return unknown(name, "removed", cause, e);
}

/* Remove exactly what has this tag. FF_E_CONFLICT: certainly not done, it is another one now.
 * Where the answer was lost and it is gone, somebody else may have it, or have renamed it:
 * that is unknown. */
static int remove_tagged(const struct ff_derived *d, const char *name, const char *tag,
                         const struct ff_call *call, struct ff_error *e)
{
    struct ff_error first = FF_ERROR_INIT;
    int rc = ff_derived_remove(d, name, tag, call, &first);

    for (unsigned i = 0; rc && rc != FF_E_CONFLICT && i < LOOKS; i++) {
        struct ff_error local = FF_ERROR_INIT;
        struct ff_stored now;
        bool untouched;

        if (ff_derived_is_definite(rc)) {
            return i ? removal_unknown(name, &first, e) : ff_derived_pass(e, &first, rc);
        }
        ff_derived_back_off(d, i);
        if (ff_derived_get(d, name, &now, call, &local)) {
            continue;
        }
        untouched = !strcmp(now.tag, tag);
        ff_stored_free(&now);
        if (!untouched) {
            return removal_unknown(name, &first, e);
        }
        local = (struct ff_error)FF_ERROR_INIT;
        rc = ff_derived_remove(d, name, tag, call, &local);
        if (rc == FF_E_CONFLICT) { /* with our own, or with somebody else */
            return removal_unknown(name, &first, e);
        }
    }
    if (rc == FF_E_CONFLICT) {
        return ff_derived_pass(e, &first, rc);
    }
    return rc ? removal_unknown(name, &first, e) : FF_OK;
}

/* ---- displace ---- */

static int displace_once(const struct ff_derived *d, const char *name,
                         struct ff_stored *old, const struct ff_call *call,
                         struct ff_error *e)
{
    struct ff_steady steady;
    int rc = ff_cancelled(call) ? ff_fail(e, FF_E_CANCELLED, name, "cancelled")
                                : ff_derived_get(d, name, old, call, e);

    if (rc) {
        return rc;
    }
    if (!old->there) {
        return ff_fail(e, FF_E_NOT_FOUND, name, "no such task");
    }
    ff_derived_steady(d, FF_DERIVED_COMMIT_NS, &steady);
    rc = remove_tagged(d, name, old->tag, &steady.pub, e);
    if (!rc) {
        struct ff_error local = FF_ERROR_INIT;

        rc = ff_derived_sync(d, &steady.pub, &local);
        rc = rc ? removal_unknown(name, &local, e) : FF_OK;
    }
    return rc;
}

int ff_derived_displace(const struct ff_commit *self, const char *workflow,
                        const char *task, struct ff_displaced *displaced,
                        const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    struct ff_error local = FF_ERROR_INIT;
    struct ff_stored old = {0};
    char name[FF_DERIVED_NAME_BYTES];
    int rc = ff_derived_check(workflow, task, e);

    if (rc) {
        return rc;
    }
    ff_derived_task_name(name, workflow, task);
    rc = FF_E_CONFLICT;
    for (unsigned i = 0; i < MAX_TRIES && rc == FF_E_CONFLICT; i++) {
        if (i) {
            ff_derived_back_off(d, i < 4 ? 0 : i - 4);
        }
        ff_stored_free(&old);
        local = (struct ff_error)FF_ERROR_INIT;
        rc = displace_once(d, name, &old, call, &local);
    }
    if (rc) {
        local.flags |= rc == FF_E_CONFLICT ? FF_ERR_RETRYABLE : 0;
        ff_stored_free(&old);
        return ff_derived_pass(e, &local, rc);
    }
    displaced->data = old.data;
    displaced->size_bytes = old.size_bytes;
    displaced->ctx = old.data;
    return FF_OK;
}

/* ---- rename ----
 * Two steps, a copy and a removal; between them both names have the value, and a record says
 * so: should the process die there, gc completes it (ff_derived_finish_rename). */

struct renaming {
    const struct ff_derived *d;
    const char *workflow;
    char from[FF_DERIVED_NAME_BYTES], to[FF_DERIVED_NAME_BYTES];
    char record[FF_DERIVED_NAME_BYTES];
    char from_tag[FF_DERIVED_TAG_BYTES], to_tag[FF_DERIVED_TAG_BYTES];
    struct ff_marker marker;
    struct ff_steady call;
};

static int write_record(struct renaming *r, const char *task, const char *to,
                        struct ff_error *e)
{
    char text[FF_DERIVED_TAG_BYTES + 2 * FF_DERIVED_NAME_BYTES];
    char id[ID_BYTES], tag[FF_DERIVED_TAG_BYTES] = "";
    int rc = ff_derived_fresh(r->d, "rename-", id, sizeof id, e);

    ff_derived_own_name(r->record, r->workflow, id);
    (void)snprintf(text, sizeof text, "renaming %s\n%s\n%s\n", r->from_tag, task, to);
    return rc ? rc : ff_derived_swap(r->d, r->record, text, tag, &r->call.pub, e);
}

/* FF_E_CONFLICT: `to` was there. After any failure but *unknown* it is not ours. */
static int copy(struct renaming *r, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc = ff_derived_copy(r->d, r->from, r->to, r->to_tag, &r->call.pub, &local);

    if (rc == FF_E_CONFLICT) {
        return ff_fail(e, rc, r->to, "the task is there already");
    }
    if (rc && !ff_derived_is_definite(rc)) {
        return unknown(r->to, "renamed to", &local, e); /* gc finds the record */
    }
    return rc ? ff_derived_pass(e, &local, rc) : FF_OK;
}

/* The workflow is still the same one, or the copy is taken back. */
static int check_workflow(struct renaming *r, struct ff_error *e)
{
    char name[FF_DERIVED_NAME_BYTES], tag[1][FF_DERIVED_TAG_BYTES];
    const char *names[] = {name};
    int rc;

    ff_derived_own_name(name, r->workflow, FF_DERIVED_MARKER);
    rc = ff_derived_tags(r->d, names, 1, tag, &r->call.pub, e);
    if (!rc && strcmp(tag[0], r->marker.tag)) {
        rc = ff_fail(e, FF_E_CONFLICT, r->workflow, "the workflow was removed meanwhile");
    }
    return rc;
}

static int move(struct renaming *r, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc = copy(r, e);

    if (rc) {
        return rc;
    }
    rc = check_workflow(r, &local);
    rc = rc ? rc : remove_tagged(r->d, r->from, r->from_tag, &r->call.pub, &local);
    if (!rc || rc == FF_E_UNKNOWN_OUTCOME) {
        return rc ? ff_derived_pass(e, &local, rc) : FF_OK;
    }
    /* Whoever replaced the task has its old value, and deletes what it names. */
    if (remove_tagged(r->d, r->to, r->to_tag, &r->call.pub, NULL) ==
        FF_E_UNKNOWN_OUTCOME) {
        return unknown(r->to, "renamed to", &local, e);
    }
    return ff_derived_pass(e, &local, rc);
}

int ff_derived_rename(const struct ff_commit *self, const char *workflow,
                      const char *task, const char *to, const struct ff_call *call,
                      struct ff_error *e)
{
    struct renaming r = {.d = ff_derived_of(self), .workflow = workflow};
    const char *names[] = {r.from, r.to};
    char tags[2][FF_DERIVED_TAG_BYTES];
    int rc = ff_derived_check(workflow, task, e);

    rc = rc ? rc : ff_derived_check(workflow, to, e);
    rc = rc ? rc : ff_derived_need_workflow(r.d, workflow, &r.marker, call, e);
    if (rc) {
        return rc;
    }
    ff_derived_task_name(r.from, workflow, task);
    ff_derived_task_name(r.to, workflow, to);
    rc = ff_derived_tags(r.d, names, 2, tags, call, e);
    if (!rc && !tags[0][0]) {
        rc = ff_fail(e, FF_E_NOT_FOUND, r.from, "no such task");
    }
    if (!rc && tags[1][0]) {
        rc = ff_fail(e, FF_E_CONFLICT, r.to, "the task is there already");
    }
    if (!rc && ff_cancelled(call)) {
        rc = ff_fail(e, FF_E_CANCELLED, r.from, "cancelled");
    }
    if (rc) {
        return rc;
    }
    memcpy(r.from_tag, tags[0], sizeof r.from_tag);
    ff_derived_steady(r.d, FF_DERIVED_COMMIT_NS, &r.call);
    rc = write_record(&r, task, to, e);
    if (rc) {
        return rc;
    }
    rc = move(&r, e);
    if (rc != FF_E_UNKNOWN_OUTCOME) {
        (void)ff_derived_remove(r.d, r.record, NULL, &r.call.pub, NULL);
    }
    if (!rc) {
        struct ff_error local = FF_ERROR_INIT;

        rc = ff_derived_sync(r.d, &r.call.pub, &local);
        rc = rc ? unknown(r.to, "renamed to durably", &local, e) : FF_OK;
    }
    return rc;
}

/* Both still have the value: the old name goes. The bytes decide, since another task may have
 * come to the new name before the copy. */
static int finish_move(const struct ff_derived *d, const char *from, const char *to,
                       const char *from_tag, const struct ff_call *call,
                       struct ff_error *e)
{
    struct ff_stored old = {0}, new = {0};
    int rc = ff_derived_get(d, from, &old, call, e);

    rc = rc ? rc : ff_derived_get(d, to, &new, call, e);
    if (!rc && old.there && !strcmp(old.tag, from_tag) &&
        ff_stored_is(&new, old.data, old.size_bytes)) {
        rc = remove_tagged(d, from, from_tag, call, e);
        rc = rc ? rc : ff_derived_sync(d, call, e);
    }
    ff_stored_free(&old);
    ff_stored_free(&new);
    return rc;
}

int ff_derived_finish_rename(const struct ff_derived *d, const char *workflow,
                             const struct ff_stored *record, const struct ff_call *call,
                             struct ff_error *e)
{
    char *text = ff_strndup((const char *)record->data, record->size_bytes), *rest = text;
    char from[FF_DERIVED_NAME_BYTES], to[FF_DERIVED_NAME_BYTES];
    char *part[3] = {NULL, NULL, NULL};
    int rc = FF_OK;

    if (!text) {
        return ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory for a record");
    }
    for (size_t i = 0; i < 3 && rest; i++) {
        part[i] = strsep(&rest, "\n");
    }
    if (rest && part[0] && !ff_derived_check(workflow, part[1], NULL) &&
        !ff_derived_check(workflow, part[2], NULL)) {
        ff_derived_task_name(from, workflow, part[1]);
        ff_derived_task_name(to, workflow, part[2]);
        rc = finish_move(d, from, to, part[0] + strlen("renaming "), call, e);
    }
    ff_free(text);
    return rc;
}
