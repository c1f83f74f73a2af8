/* SPDX-License-Identifier: Apache-2.0 */
/* fault_commit.c: ff.commit/1 of the protocol "fault". */
#include "fault_own.h"

/* As in fault_files.c. */
#define BEGIN(op)                                                                        \
    const struct fault_bound *b = FAULT_OF(self, commit);                                \
    const struct ff_commit *to = b->to_commit;                                           \
    struct fault_verdict v = fault_decide(b->inst, op);                                  \
    int rc = FF_OK

static bool goes_through(const struct fault_verdict *v)
{
    return !v->code || v->lost;
}

static int end(int rc, const struct fault_verdict *v, const char *place,
               struct ff_error *e)
{
    return !rc && v->code ? fault_fail(e, v, place) : rc;
}

static int make_workflow(const struct ff_commit *self, const char *workflow,
                         const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_MAKE);
    if (goes_through(&v)) {
        rc = to->make_workflow(to, workflow, call, e);
    }
    return end(rc, &v, workflow, e);
}

static int workflow_exists(const struct ff_commit *self, const char *workflow,
                           int *exists, const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_EXISTS);
    if (goes_through(&v)) {
        rc = to->workflow_exists(to, workflow, exists, call, e);
    }
    return end(rc, &v, workflow, e);
}

static int remove_workflow(const struct ff_commit *self, const char *workflow,
                           const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_REMOVE_WORKFLOW);
    if (goes_through(&v)) {
        rc = to->remove_workflow(to, workflow, call, e);
    }
    return end(rc, &v, workflow, e);
}

static int begin(const struct ff_commit *self, const char *workflow,
                 struct ff_intent **out, const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_BEGIN);
    if (goes_through(&v)) {
        rc = to->begin(to, workflow, out, call, e);
        if (!rc && v.code) {
            to->abort(to, *out); /* nobody will have the handle */
        }
    }
    return end(rc, &v, workflow, e);
}

static int append(const struct ff_commit *self, struct ff_intent *intent,
                  const void *data, size_t size_bytes, const struct ff_call *call,
                  struct ff_error *e)
{
    BEGIN(FF_FAULT_APPEND);
    if (goes_through(&v)) {
        rc = to->write(to, intent, data, size_bytes, call, e);
    }
    return end(rc, &v, NULL, e);
}

static int refresh(const struct ff_commit *self, struct ff_intent *intent,
                   struct ff_error *e)
{
    BEGIN(FF_FAULT_REFRESH);
    if (goes_through(&v)) {
        rc = to->refresh(to, intent, e);
    }
    return end(rc, &v, NULL, e);
}

static int commit(const struct ff_commit *self, struct ff_intent *taken, const char *task,
                  int mode, struct ff_displaced *displaced, const struct ff_call *call,
                  struct ff_error *e)
{
    BEGIN(FF_FAULT_COMMIT);
    if (goes_through(&v)) {
        rc = to->commit(to, taken, task, mode, displaced, call, e);
        if (!rc && v.code && displaced->data) {
            to->drop(to, displaced, 0);
        }
    } else {
        to->abort(to, taken);
    }
    return end(rc, &v, task, e);
}

static void abort_intent(const struct ff_commit *self, struct ff_intent *taken)
{
    const struct ff_commit *to = FAULT_OF(self, commit)->to_commit;

    to->abort(to, taken);
}

static int displace(const struct ff_commit *self, const char *workflow, const char *task,
                    struct ff_displaced *displaced, const struct ff_call *call,
                    struct ff_error *e)
{
    BEGIN(FF_FAULT_DISPLACE);
    if (goes_through(&v)) {
        rc = to->displace(to, workflow, task, displaced, call, e);
        if (!rc && v.code) {
            to->drop(to, displaced, 0);
        }
    }
    return end(rc, &v, task, e);
}

static void drop(const struct ff_commit *self, struct ff_displaced *displaced,
                 int destroy)
{
    const struct ff_commit *to = FAULT_OF(self, commit)->to_commit;

    to->drop(to, displaced, destroy);
}

static int rename_task(const struct ff_commit *self, const char *workflow,
                       const char *task, const char *name, const struct ff_call *call,
                       struct ff_error *e)
{
    BEGIN(FF_FAULT_RENAME);
    if (goes_through(&v)) {
        rc = to->rename(to, workflow, task, name, call, e);
    }
    return end(rc, &v, task, e);
}

static int intents(const struct ff_commit *self, const char *workflow,
                   int (*each)(void *, const struct ff_intent_info *), void *ctx,
                   int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_INTENTS);
    if (goes_through(&v)) {
        rc = to->intents(to, workflow, each, ctx, now_ns, call, e);
    }
    return end(rc, &v, workflow, e);
}

static int fence(const struct ff_commit *self, const char *workflow, const char *name,
                 const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_FENCE);
    if (goes_through(&v)) {
        rc = to->fence(to, workflow, name, call, e);
    }
    return end(rc, &v, name, e);
}

static int settle(const struct ff_commit *self, const char *workflow,
                  const struct ff_call *call, struct ff_error *e)
{
    BEGIN(FF_FAULT_SETTLE);
    if (goes_through(&v)) {
        rc = to->settle(to, workflow, call, e);
    }
    return end(rc, &v, workflow, e);
}

const struct ff_commit fault_commit = {
    .struct_size = FF_SIZE(ff_commit, settle),
    .make_workflow = make_workflow,
    .workflow_exists = workflow_exists,
    .remove_workflow = remove_workflow,
    .begin = begin,
    .write = append,
    .refresh = refresh,
    .commit = commit,
    .abort = abort_intent,
    .displace = displace,
    .drop = drop,
    .rename = rename_task,
    .intents = intents,
    .fence = fence,
    .settle = settle,
};
