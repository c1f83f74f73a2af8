/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit_rename.c: the derived ff.commit/1: a task gets another name.
 *
 *   record   "renaming", the task's tag, both names; durable
 *   alone    no other record has the task's name
 *   read     the value, while it still has that tag
 *   put      it under the new name, if nothing is there; durable
 *   remove   the old name, if it still has that tag; else the new one is taken back; durable
 *
 * After the put both names have the value, and refer to the same big data; so they do for long
 * when the process dies there, until gc completes it. The record stands as long as that may
 * be, and was written before: so whoever displaces one of the names sees it, and leaves what
 * the value refers to to gc. He looks before, since gc drops a dead record once the names
 * differ, and afterwards, since a rename may have begun; a record that came in between is too
 * young for gc for as long as a commit may take. "Alone" keeps a third name from it.
 */
#include <string.h>

#include "core/base/alloc.h"
#include "core/commit_own.h"

#define PREFIX "rename-"
#define STATE  "renaming "

enum {
    ID_BYTES = 48,
    MAX_RECORDS = 1 << 16,
    PARTS = 3,
    TEXT_BYTES = FF_DERIVED_TAG_BYTES + 2 * FF_DERIVED_NAME_BYTES
};

/* ---- records ---- */

struct record {
    char text[TEXT_BYTES];
    char *tag, *task, *to; /* in it */
};

/* False: it is none, or of no use. */
static bool parse(const struct ff_stored *stored, const char *workflow, struct record *r)
{
    char *part[PARTS], *rest = r->text;

    if (!ff_stored_begins(stored, STATE) || stored->size_bytes >= sizeof r->text) {
        return false;
    }
    memcpy(r->text, stored->data, stored->size_bytes);
    r->text[stored->size_bytes] = '\0';
    for (size_t i = 0; i < PARTS; i++) {
        part[i] = strsep(&rest, "\n");
        if (!rest) {
            return false;
        }
    }
    r->tag = part[0] + strlen(STATE);
    r->task = part[1];
    r->to = part[2];
    return !ff_derived_check(workflow, r->task, NULL) &&
           !ff_derived_check(workflow, r->to, NULL);
}

struct listed {
    char name[FF_DERIVED_NAME_BYTES];
};

struct records {
    struct ff_vec all; /* struct listed */
    bool no_memory;
};

static int keep(void *ctx, const struct ff_io *io)
{
    struct records *r = ctx;
    struct listed *one = ff_vec_push(&r->all);

    if (!one || strlen(io->name) >= sizeof one->name) {
        r->no_memory = true;
        return 1;
    }
    (void)snprintf(one->name, sizeof one->name, "%s", io->name);
    return 0;
}

/* Whether a record other than `own` (NULL: any) has the task's name, in either role. */
static int is_named(const struct ff_derived *d, const char *workflow, const char *task,
                    const char *own, bool *named, const struct ff_call *call,
                    struct ff_error *e)
{
    struct records r = {.no_memory = false};
    char prefix[FF_DERIVED_NAME_BYTES];
    int rc;

    ff_derived_own_name(prefix, workflow, PREFIX);
    ff_vec_init(&r.all, sizeof(struct listed), MAX_RECORDS);
    rc = d->objects->list(d->objects, prefix, 1, keep, &r, NULL, call, e);
    if (r.no_memory) {
        rc = ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory for a list");
    }
    *named = false;
    for (size_t i = 0; !rc && !*named && i < r.all.count; i++) {
        const struct listed *one = ff_vec_at(&r.all, i);
        struct ff_stored stored;
        struct record record;

        if (own && !strcmp(one->name, own)) {
            continue;
        }
        rc = ff_derived_get(d, one->name, &stored, call, e);
        *named = !rc && parse(&stored, workflow, &record) &&
                 (!strcmp(record.task, task) || !strcmp(record.to, task));
        ff_stored_free(&stored);
    }
    ff_vec_free(&r.all);
    return rc;
}

bool ff_derived_is_shared(const struct ff_derived *d, const char *workflow,
                          const char *task)
{
    struct ff_steady call;
    bool named = false;

    ff_derived_steady(d, FF_DERIVED_COMMIT_NS, &call);
    return is_named(d, workflow, task, NULL, &named, &call.pub, NULL) || named;
}

void ff_derived_hand_over(const struct ff_derived *d, const char *workflow,
                          const char *task, struct ff_stored *old, bool shared,
                          struct ff_displaced *displaced)
{
    shared = shared || (old->there && ff_derived_is_shared(d, workflow, task));
    displaced->data = shared ? NULL : old->data;
    displaced->size_bytes = shared ? 0 : old->size_bytes;
    displaced->ctx = old->data;
}

/* ---- rename ---- */

struct renaming {
    const struct ff_derived *d;
    const char *workflow, *task;
    char from[FF_DERIVED_NAME_BYTES], to[FF_DERIVED_NAME_BYTES];
    char record[FF_DERIVED_NAME_BYTES];
    char from_tag[FF_DERIVED_TAG_BYTES], to_tag[FF_DERIVED_TAG_BYTES];
    struct ff_marker marker;
    struct ff_steady call;
    bool both; /* both names may have the value: the record stays */
};

static int write_record(struct renaming *r, const char *to, struct ff_error *e)
{
    char text[TEXT_BYTES], id[ID_BYTES], tag[FF_DERIVED_TAG_BYTES] = "";
    int rc = ff_derived_fresh(r->d, PREFIX, id, sizeof id, e);

    ff_derived_own_name(r->record, r->workflow, id);
    (void)snprintf(text, sizeof text, STATE "%s\n%s\n%s\n", r->from_tag, r->task, to);
    return rc ? rc : ff_derived_swap(r->d, r->record, text, tag, &r->call.pub, e);
}

static int check_alone(struct renaming *r, struct ff_error *e)
{
    bool named = false;
    int rc = is_named(r->d, r->workflow, r->task, r->record, &named, &r->call.pub, e);

    if (!rc && named) {
        rc = ff_fail(e, FF_E_CONFLICT, r->from,
                     "it is being renamed, or an earlier rename of it did not end");
        ff_error_fix(e, "try again; if nobody renames it, after a collection (gc)");
    }
    return rc;
}

/* FF_E_CONFLICT: `to` was there. After any failure but *unknown* it is not ours. */
static int put_copy(struct renaming *r, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_stored value;
    int rc = ff_derived_get(r->d, r->from, &value, &r->call.pub, e);

    if (!rc && !value.there) {
        rc = ff_fail(e, FF_E_NOT_FOUND, r->from, "no such task");
    } else if (!rc && strcmp(value.tag, r->from_tag)) {
        rc = ff_fail(e, FF_E_CONFLICT, r->from, "the task was replaced meanwhile");
    }
    if (rc) {
        ff_stored_free(&value);
        return rc;
    }
    rc = ff_derived_put(r->d, r->to, value.data, value.size_bytes, "", r->to_tag,
                        &r->call.pub, &local);
    ff_stored_free(&value);
    if (rc == FF_E_CONFLICT) {
        return ff_fail(e, rc, r->to, "the task is there already");
    }
    r->both = !rc || !ff_derived_is_definite(rc);
    if (rc && r->both) {
        return ff_derived_unknown(r->to, "renamed to", &local, e);
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

/* Until then a power cut may take it back, and leave what was done after it. */
static int make_durable(struct renaming *r, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc = ff_derived_sync(r->d, &r->call.pub, &local);

    return rc ? ff_derived_unknown(r->to, "renamed to durably", &local, e) : FF_OK;
}

static int move(struct renaming *r, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc = put_copy(r, e), back;

    rc = rc ? rc : make_durable(r, e);
    if (rc) {
        return rc;
    }
    rc = check_workflow(r, &local);
    rc = rc ? rc
            : ff_derived_remove_tagged(r->d, r->from, r->from_tag, &r->call.pub, &local);
    r->both = rc == FF_E_UNKNOWN_OUTCOME;
    if (!rc || r->both) {
        return rc ? ff_derived_pass(e, &local, rc) : FF_OK;
    }
    back = ff_derived_remove_tagged(r->d, r->to, r->to_tag, &r->call.pub, NULL);
    r->both = back && back != FF_E_CONFLICT;
    return r->both ? ff_derived_unknown(r->to, "renamed to", &local, e)
                   : ff_derived_pass(e, &local, rc);
}

/* Everything that may be refused before anything is written. */
static int check(struct renaming *r, const struct ff_call *call, struct ff_error *e)
{
    const char *names[] = {r->from, r->to};
    char tags[2][FF_DERIVED_TAG_BYTES];
    int rc = ff_derived_need_workflow(r->d, r->workflow, &r->marker, call, e);

    rc = rc ? rc : ff_derived_tags(r->d, names, 2, tags, call, e);
    if (rc) {
        return rc;
    }
    if (!tags[0][0]) {
        return ff_fail(e, FF_E_NOT_FOUND, r->from, "no such task");
    }
    if (tags[1][0]) {
        return ff_fail(e, FF_E_CONFLICT, r->to, "the task is there already");
    }
    memcpy(r->from_tag, tags[0], sizeof r->from_tag);
    return ff_cancelled(call) ? ff_fail(e, FF_E_CANCELLED, r->from, "cancelled") : FF_OK;
}

int ff_derived_rename(const struct ff_commit *self, const char *workflow,
                      const char *task, const char *to, const struct ff_call *call,
                      struct ff_error *e)
{
    struct renaming r = {.d = ff_derived_of(self), .workflow = workflow, .task = task};
    int rc = ff_derived_check(workflow, task, e), synced = FF_OK;

    rc = rc ? rc : ff_derived_check(workflow, to, e);
    if (rc) {
        return rc;
    }
    ff_derived_task_name(r.from, workflow, task);
    ff_derived_task_name(r.to, workflow, to);
    rc = check(&r, call, e);
    if (rc) {
        return rc;
    }
    ff_derived_steady(r.d, FF_DERIVED_COMMIT_NS, &r.call);
    rc = write_record(&r, to, e);
    if (rc) {
        return rc;
    }
    rc = ff_derived_sync(r.d, &r.call.pub, e);
    rc = rc ? rc : check_alone(&r, e);
    if (!rc) {
        rc = move(&r, e);
        /* What may come back under both names needs its record. */
        synced = make_durable(&r, rc ? NULL : e);
    }
    if (!r.both && !synced) {
        (void)ff_derived_remove(r.d, r.record, NULL, &r.call.pub, NULL);
    }
    return rc ? rc : synced;
}

/* ---- what gc completes ---- */

static int mtime_ns(const struct ff_derived *d, const char *name, int64_t *out,
                    const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;
    int rc;

    memset(&one, 0, sizeof one);
    rc = ff_one_run(d->objects, &one, FF_HEAD, name, call, e);
    *out = one.io.mtime_ns;
    return rc;
}

/* Still what it was when the record was written. A server's tag is a digest, so an equal value
 * that was saved since has the same one: it is younger than the record, and stays. */
static int is_same(const struct ff_derived *d, const char *from,
                   const struct ff_stored *old, const char *tag, const char *record,
                   bool *same, const struct ff_call *call, struct ff_error *e)
{
    int64_t task_ns = 0, record_ns = 0;
    int rc;

    *same = old->there && !strcmp(old->tag, tag);
    if (!*same) {
        return FF_OK;
    }
    rc = mtime_ns(d, from, &task_ns, call, e);
    rc = rc ? rc : mtime_ns(d, record, &record_ns, call, e);
    *same = !rc && task_ns <= record_ns;
    return rc;
}

/* Both still have the value: the old name goes. The bytes decide, since another task may have
 * come to the new name before the put. */
static int finish_move(const struct ff_derived *d, const char *from, const char *to,
                       const char *from_tag, const char *record,
                       const struct ff_call *call, struct ff_error *e)
{
    struct ff_stored old = {0}, new = {0};
    bool same = false;
    int rc = ff_derived_get(d, from, &old, call, e);

    rc = rc ? rc : ff_derived_get(d, to, &new, call, e);
    rc = rc ? rc : is_same(d, from, &old, from_tag, record, &same, call, e);
    if (!rc && same && ff_stored_is(&new, old.data, old.size_bytes)) {
        rc = ff_derived_remove_tagged(d, from, from_tag, call, e);
        rc = rc ? rc : ff_derived_sync(d, call, e);
    }
    ff_stored_free(&old);
    ff_stored_free(&new);
    return rc;
}

int ff_derived_finish_rename(const struct ff_derived *d, const char *workflow,
                             const char *name, const struct ff_stored *stored,
                             const struct ff_call *call, struct ff_error *e)
{
    char from[FF_DERIVED_NAME_BYTES], to[FF_DERIVED_NAME_BYTES];
    struct record r;

    if (!parse(stored, workflow, &r)) {
        return FF_OK;
    }
    ff_derived_task_name(from, workflow, r.task);
    ff_derived_task_name(to, workflow, r.to);
    return finish_move(d, from, to, r.tag, name, call, e);
}
