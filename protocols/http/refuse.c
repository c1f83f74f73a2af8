/* SPDX-License-Identifier: Apache-2.0 */
/* refuse.c: ff.commit/1 of a medium that nobody writes to: each change is refused before anything
 * is sent, and there are no saves under way. */
#include <string.h>

#include "http.h"

int ff_http_refuse(const struct ff_http_root *root, const char *name, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_UNSUPPORTED, name,
                  "http is read only: nothing is written to %.300s", root->options.url);
    ff_error_fix(
        e, "write with the protocol that the store is published from, as file or S3");
    return FF_E_UNSUPPORTED;
}

static struct ff_http_bound *bound_of(const struct ff_commit *self)
{
    return FF_HTTP_BOUND(self, commit);
}

/* The host knows the place. */
static int refuse(const struct ff_commit *self, struct ff_error *e)
{
    return ff_http_refuse(bound_of(self)->root, NULL, e);
}

static int make_workflow(const struct ff_commit *self, const char *workflow,
                         const struct ff_call *call, struct ff_error *e)
{
    (void)workflow, (void)call;
    return refuse(self, e);
}

static int workflow_exists(const struct ff_commit *self, const char *workflow,
                           int *exists, const struct ff_call *call, struct ff_error *e)
{
    char folder[FF_HTTP_NAME_BYTES];
    bool there = false;
    int code;

    (void)snprintf(folder, sizeof folder, "%.*s/", FF_HTTP_NAME_BYTES - 2, workflow);
    code = ff_http_folder_exists(bound_of(self), folder, &there, call, e);
    *exists = there;
    return code;
}

static int begin(const struct ff_commit *self, const char *workflow,
                 struct ff_intent **out, const struct ff_call *call, struct ff_error *e)
{
    (void)workflow, (void)call;
    *out = NULL;
    return refuse(self, e);
}

/* begin() never gave an intent, so these two are not called. */
static int write_more(const struct ff_commit *self, struct ff_intent *intent,
                      const void *data, size_t size_bytes, const struct ff_call *call,
                      struct ff_error *e)
{
    (void)intent, (void)data, (void)size_bytes, (void)call;
    return refuse(self, e);
}

static int refresh(const struct ff_commit *self, struct ff_intent *intent,
                   struct ff_error *e)
{
    (void)intent;
    return refuse(self, e);
}

static int commit(const struct ff_commit *self, struct ff_intent *taken, const char *task,
                  int mode, struct ff_displaced *old, const struct ff_call *call,
                  struct ff_error *e)
{
    (void)taken, (void)task, (void)mode, (void)old, (void)call;
    return refuse(self, e);
}

static void abort_intent(const struct ff_commit *self, struct ff_intent *taken)
{
    (void)self;
    (void)taken;
}

static int displace(const struct ff_commit *self, const char *workflow, const char *task,
                    struct ff_displaced *old, const struct ff_call *call,
                    struct ff_error *e)
{
    (void)workflow, (void)task, (void)old, (void)call;
    return refuse(self, e);
}

static void drop(const struct ff_commit *self, struct ff_displaced *old, int destroy)
{
    (void)self, (void)old, (void)destroy;
}

static int rename_task(const struct ff_commit *self, const char *workflow,
                       const char *task, const char *to, const struct ff_call *call,
                       struct ff_error *e)
{
    (void)workflow, (void)task, (void)to, (void)call;
    return refuse(self, e);
}

static int intents(const struct ff_commit *self, const char *workflow,
                   int (*each)(void *ctx, const struct ff_intent_info *), void *ctx,
                   int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    (void)workflow, (void)each, (void)ctx, (void)call, (void)e;
    if (now_ns) {
        *now_ns = ff_sys_now_ns(bound_of(self)->root->sys, CLOCK_REALTIME);
    }
    return FF_OK;
}

static int fence(const struct ff_commit *self, const char *workflow, const char *name,
                 const struct ff_call *call, struct ff_error *e)
{
    (void)workflow, (void)name, (void)call;
    return refuse(self, e);
}

static int settle(const struct ff_commit *self, const char *workflow,
                  const struct ff_call *call, struct ff_error *e)
{
    (void)self, (void)workflow, (void)call, (void)e;
    return FF_OK;
}

void ff_http_commit_init(struct ff_commit *out)
{
    *out = (struct ff_commit){.struct_size = FF_SIZE(ff_commit, settle),
                              .make_workflow = make_workflow,
                              .workflow_exists = workflow_exists,
                              .remove_workflow = make_workflow,
                              .begin = begin,
                              .write = write_more,
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
