/* SPDX-License-Identifier: Apache-2.0 */
/* copy.c: a task into another place, of this storage or of another. What crosses from one
 * storage to another is read back and compared. */
#include <functionfuse/diff.h>

#include "core/storage.h"

#define STALE_TRIES 8

struct copying {
    struct ff_storage *from, *to;
    const char *workflow, *task, *to_workflow, *to_task;
    const struct ff_call *call;
    uint32_t flags;
    int how;
    struct ff_moving source;
};

static int stop_at_first(void *ctx, const struct ff_difference *d)
{
    (void)snprintf(ctx, FF_PLACE_BYTES, "%s", d->path);
    return 1;
}

/* 1: they are the same; 0: not, and where; < 0: an error code. */
static int compare(const struct copying *c, struct ff_value a, struct ff_value b,
                   char where[FF_PLACE_BYTES], struct ff_error *e)
{
    struct ff_diff_options o = {.struct_size = FF_SIZE(ff_diff_options, call),
                                .max_steps = UINT64_MAX,
                                .call = c->call};
    int rc = ff_diff(a, b, &o, stop_at_first, where, NULL, e);
    return rc < 0 ? rc : rc == 0;
}

static struct ff_doc *read_end(const struct copying *c, struct ff_storage *s,
                               const char *workflow, const char *task, struct ff_error *e)
{
    struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, call),
                                .call = c->call};
    return ff_read_task(s, workflow, task, &o, e);
}

/* Something is there. FF_DECLINED: it is to be replaced. */
static int meet(struct copying *c, struct ff_value value, struct ff_error *e)
{
    char where[FF_PLACE_BYTES] = "";
    struct ff_error own = FF_ERROR_INIT;
    struct ff_doc *there = read_end(c, c->to, c->to_workflow, c->to_task, &own);
    int same = there ? compare(c, value, ff_doc_root(there), where, &own) : own.code;
    ff_doc_free(there);
    if (same == 1 && !(c->flags & FF_COPY_MOVE)) { /* as people see it: 0.0 is -0.0 */
        c->how = FF_COPY_THERE;
        return FF_OK;
    }
    if (same == FF_E_CANCELLED || same == FF_E_NETWORK) {
        ff_error_copy(e, &own);
        return same;
    }
    if (c->flags & FF_COPY_REPLACE) {
        return FF_DECLINED;
    }
    (void)ff_fail(e, FF_E_CONFLICT, NULL,
                  same == 1   ? "an equal value is there"
                  : same == 0 ? "another value is there"
                              : "something is there that cannot be compared: %.150s",
                  own.message);
    ff_error_fix(e, "choose another name, or have it replaced (ff: --replace)");
    return FF_E_CONFLICT;
}

static int check(const struct copying *c, struct ff_value value, struct ff_error *e)
{
    char where[FF_PLACE_BYTES] = "";
    struct ff_doc *there = read_end(c, c->to, c->to_workflow, c->to_task, e);
    int same = there ? compare(c, value, ff_doc_root(there), where, e) : e->code;
    ff_doc_free(there);
    return same == 1  ? FF_OK
           : same < 0 ? same
                      : ff_fail(e, FF_E_CORRUPT, NULL, "the copy is not the same%s%.200s",
                                where[0] ? " at " : "", where);
}

static int write_copy(struct copying *c, struct ff_value value, struct ff_error *e)
{
    struct ff_save_options o = {.struct_size = FF_SIZE(ff_save_options, call),
                                .flags =
                                    c->flags & FF_COPY_REPLACE ? 0 : FF_SAVE_IF_ABSENT,
                                .call = c->call};
    int rc = ff_new_workflow(c->to, c->to_workflow, e);
    rc = rc ? rc : ff_save(c->to, c->to_workflow, c->to_task, value, &o, e);
    if (rc || ff_storage_same(c->from, c->to)) {
        c->how = FF_COPY_ON_MEDIUM;
        return rc;
    }
    c->how = strcmp(ff_storage_key(c->from), ff_storage_key(c->to)) == 0 ? FF_COPY_BYTES
                                                                         : FF_COPY_ANEW;
    return check(c, value, e);
}

static int is_there(void *ctx, struct ff_error *e)
{
    const struct copying *c = ctx;
    int there = ff_file_exists(c->to, c->to_workflow, c->to_task, e);
    return e->code ? e->code : there;
}

static int copy_once(struct copying *c, struct ff_error *e)
{
    struct ff_doc *doc = ff_moving_read(&c->source, e);
    int rc = doc ? FF_DECLINED : e->code;
    if (doc && ff_file_exists(c->to, c->to_workflow, c->to_task, e)) {
        rc = meet(c, ff_doc_root(doc), e);
    }
    if (rc == FF_DECLINED) {
        rc = e->code ? e->code : write_copy(c, ff_doc_root(doc), e);
    }
    ff_doc_free(doc);
    return rc || !(c->flags & FF_COPY_MOVE)
               ? rc
               : ff_moving_remove(&c->source, is_there, c, e);
}

static int check_places(const struct copying *c, struct ff_error *e)
{
    int rc = ff_storage_check(c->from, e);
    rc = rc ? rc : ff_storage_check(c->to, e);
    rc = rc ? rc : ff_check_names(c->workflow, c->task, e);
    rc = rc ? rc : ff_check_names(c->to_workflow, c->to_task, e);
    if (!rc && ff_storage_same(c->from, c->to) &&
        strcmp(c->workflow, c->to_workflow) == 0 && strcmp(c->task, c->to_task) == 0) {
        return ff_fail(e, FF_E_USAGE, NULL, "a task cannot be copied onto itself");
    }
    return rc;
}

int ff_copy_task(struct ff_storage *from, const char *workflow, const char *task,
                 struct ff_storage *to, const char *to_workflow, const char *to_task,
                 const struct ff_copy_options *o, int *how, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct copying c = {.from = from,
                        .to = to,
                        .workflow = workflow,
                        .task = task,
                        .to_workflow = to_workflow,
                        .to_task = to_task};
    char place[FF_PLACE_BYTES];
    int rc;
    e = e ? e : &local;
    if (e->code || check_places(&c, e)) {
        return e->code;
    }
    c.flags = FF_HAS(o, ff_copy_options, flags) ? o->flags : 0;
    c.call = ff_storage_call(to, FF_HAS(o, ff_copy_options, call) ? o->call : NULL);
    c.source = (struct ff_moving){from, workflow, task, c.call, {0}, 0};
    for (int i = 0; (rc = copy_once(&c, e)) == FF_E_STALE && i < STALE_TRIES; i++) {
        ff_error_clear(e); /* replaced while it was read: read again */
    }
    if (rc && !e->place[0]) {
        (void)snprintf(place, sizeof place, "%.200s/%.200s", to_workflow, to_task);
        ff_error_at(e, place);
    }
    if (!rc && how) {
        *how = c.how;
    }
    return rc;
}
