/* SPDX-License-Identifier: Apache-2.0 */
/* watch_commit.c: ff.commit/1 of a protocol, watched. */
#include <functionfuse/functionfuse.h>

#include "core/call_own.h"
#include "core/watch.h"

static const struct ff_watch *watch_of(const struct ff_commit *commit)
{
    return (const struct ff_watch *)(const void *)((const char *)commit -
                                                   offsetof(struct ff_watch, commit));
}

/* The function of the protocol, or an answer that there is none. */
#define ASK(function)                                                                    \
    const struct ff_watch *w = watch_of(self);                                           \
    const struct ff_commit *c = w->inner_commit;                                         \
    struct ff_answer a;                                                                  \
    ff_answer_ask(&a, w->services, w->plugin, #function);                                \
    if (!FF_HAS(c, ff_commit, function)) {                                               \
        return ff_fail(e, FF_E_UNSUPPORTED, NULL,                                        \
                       "the protocol %.60s has no " #function "() in ff.commit/1",       \
                       w->plugin);                                                       \
    }
/* The same of one whose work is kept: after a broken answer nothing may be deleted. */
#define ASK_CHANGE(function) ASK(function) a.changes = 1;
#define ANSWER(call)         return ff_answer_settle(&a, (call), e)

static int make_workflow(const struct ff_commit *self, const char *workflow,
                         const struct ff_call *call, struct ff_error *e)
{
    ASK(make_workflow)
    ANSWER(c->make_workflow(c, workflow, call, &a.error));
}

static int workflow_exists(const struct ff_commit *self, const char *workflow,
                           int *exists, const struct ff_call *call, struct ff_error *e)
{
    ASK(workflow_exists)
    ANSWER(c->workflow_exists(c, workflow, exists, call, &a.error));
}

static int remove_workflow(const struct ff_commit *self, const char *workflow,
                           const struct ff_call *call, struct ff_error *e)
{
    ASK_CHANGE(remove_workflow)
    ANSWER(c->remove_workflow(c, workflow, call, &a.error));
}

static int begin(const struct ff_commit *self, const char *workflow,
                 struct ff_intent **intent, const struct ff_call *call,
                 struct ff_error *e)
{
    int code;
    ASK(begin)
    *intent = NULL;
    code = ff_answer_settle(&a, c->begin(c, workflow, intent, call, &a.error), e);
    if (code) {
        *intent = NULL;
    }
    return code || *intent ? code : ff_answer_broken(&a, e, "gave no intent");
}

static int write_bytes(const struct ff_commit *self, struct ff_intent *intent,
                       const void *data, size_t size_bytes, const struct ff_call *call,
                       struct ff_error *e)
{
    ASK(write)
    ANSWER(c->write(c, intent, data, size_bytes, call, &a.error));
}

static int refresh(const struct ff_commit *self, struct ff_intent *intent,
                   struct ff_error *e)
{
    ASK(refresh)
    ANSWER(c->refresh(c, intent, &a.error));
}

/* What was displaced is read: it must be as long as it can be. */
static void check_displaced(const struct ff_answer *a, struct ff_displaced *d)
{
    if (d->data && d->size_bytes > PTRDIFF_MAX) {
        ff_misbehaves(a->services, a->plugin,
                      "%s() displaced a value of %llu bytes (ff.commit/1, ff_displaced: "
                      "size_bytes)",
                      a->function, (unsigned long long)d->size_bytes);
        d->data = NULL;
        d->size_bytes = 0;
    }
}

static int commit(const struct ff_commit *self, struct ff_intent *taken, const char *task,
                  int mode, struct ff_displaced *displaced, const struct ff_call *call,
                  struct ff_error *e)
{
    int code;
    ASK_CHANGE(commit)
    code = c->commit(c, taken, task, mode, displaced, call, &a.error);
    check_displaced(&a, displaced);
    ANSWER(code);
}

static void abort_intent(const struct ff_commit *self, struct ff_intent *taken)
{
    const struct ff_commit *c = watch_of(self)->inner_commit;

    if (FF_HAS(c, ff_commit, abort)) {
        c->abort(c, taken);
    }
}

static int displace(const struct ff_commit *self, const char *workflow, const char *task,
                    struct ff_displaced *displaced, const struct ff_call *call,
                    struct ff_error *e)
{
    int code;
    ASK_CHANGE(displace)
    code = c->displace(c, workflow, task, displaced, call, &a.error);
    check_displaced(&a, displaced);
    ANSWER(code);
}

static void drop(const struct ff_commit *self, struct ff_displaced *displaced,
                 int destroy)
{
    const struct ff_commit *c = watch_of(self)->inner_commit;

    if (FF_HAS(c, ff_commit, drop)) {
        c->drop(c, displaced, destroy);
    }
}

static int rename_task(const struct ff_commit *self, const char *workflow,
                       const char *task, const char *to, const struct ff_call *call,
                       struct ff_error *e)
{
    ASK_CHANGE(rename)
    ANSWER(c->rename(c, workflow, task, to, call, &a.error));
}

static int intents(const struct ff_commit *self, const char *workflow,
                   int (*each)(void *ctx, const struct ff_intent_info *), void *ctx,
                   int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    int code;
    ASK(intents)
    code = c->intents(c, workflow, each, ctx, now_ns, call, &a.error);
    if (code > 0) {
        return code; /* what `each` returned */
    }
    ANSWER(code);
}

static int fence(const struct ff_commit *self, const char *workflow, const char *name,
                 const struct ff_call *call, struct ff_error *e)
{
    ASK(fence)
    ANSWER(c->fence(c, workflow, name, call, &a.error));
}

static int settle(const struct ff_commit *self, const char *workflow,
                  const struct ff_call *call, struct ff_error *e)
{
    ASK(settle)
    ANSWER(c->settle(c, workflow, call, &a.error));
}

void ff_watch_init_commit(struct ff_watch *w)
{
    w->commit = (struct ff_commit){.struct_size = FF_SIZE(ff_commit, settle),
                                   .flags = w->inner_commit->flags,
                                   .make_workflow = make_workflow,
                                   .workflow_exists = workflow_exists,
                                   .remove_workflow = remove_workflow,
                                   .begin = begin,
                                   .write = write_bytes,
                                   .refresh = refresh,
                                   .commit = commit,
                                   .abort = abort_intent,
                                   .displace = displace,
                                   .drop = drop,
                                   .rename = rename_task,
                                   .intents = intents,
                                   .fence = fence,
                                   .settle = settle};
}
