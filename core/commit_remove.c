/* SPDX-License-Identifier: Apache-2.0 */
/* commit_remove.c: the derived ff.commit/1: a task is displaced. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/commit_own.h"

enum {
    MAX_TRIES = 1000, /* against others who replace the same task */
    LOOKS = 5         /* to find out what became of a request */
};

int ff_derived_unknown(const char *name, const char *what, const struct ff_error *cause,
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
    return ff_derived_unknown(name, "removed", cause, e);
}

int ff_derived_remove_tagged(const struct ff_derived *d, const char *name,
                             const char *tag, const struct ff_call *call,
                             struct ff_error *e)
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

struct displacing {
    const struct ff_derived *d;
    const char *workflow, *task;
    char name[FF_DERIVED_NAME_BYTES];
    struct ff_stored old;
    struct ff_steady steady;
    bool shared; /* it has, or may have, another name */
};

static int displace_once(struct displacing *p, const struct ff_call *call,
                         struct ff_error *e)
{
    int rc = ff_cancelled(call) ? ff_fail(e, FF_E_CANCELLED, p->name, "cancelled")
                                : ff_derived_get(p->d, p->name, &p->old, call, e);

    if (rc) {
        return rc;
    }
    if (!p->old.there) {
        return ff_fail(e, FF_E_NOT_FOUND, p->name, "no such task");
    }
    ff_derived_steady(p->d, FF_DERIVED_COMMIT_NS, &p->steady);
    p->shared = ff_derived_is_shared(p->d, p->workflow, p->task);
    rc = ff_derived_remove_tagged(p->d, p->name, p->old.tag, &p->steady.pub, e);
    if (!rc) {
        struct ff_error local = FF_ERROR_INIT;

        rc = ff_derived_sync(p->d, &p->steady.pub, &local);
        rc = rc ? removal_unknown(p->name, &local, e) : FF_OK;
    }
    return rc;
}

int ff_derived_displace(const struct ff_commit *self, const char *workflow,
                        const char *task, struct ff_displaced *displaced,
                        const struct ff_call *call, struct ff_error *e)
{
    struct displacing p = {.d = ff_derived_of(self), .workflow = workflow, .task = task};
    struct ff_error local = FF_ERROR_INIT;
    int rc = ff_derived_check(workflow, task, e);

    if (rc) {
        return rc;
    }
    ff_derived_task_name(p.name, workflow, task);
    rc = FF_E_CONFLICT;
    for (unsigned i = 0; i < MAX_TRIES && rc == FF_E_CONFLICT; i++) {
        if (i) {
            ff_derived_back_off(p.d, i < 4 ? 0 : i - 4);
        }
        ff_stored_free(&p.old);
        local = (struct ff_error)FF_ERROR_INIT;
        rc = displace_once(&p, call, &local);
    }
    if (rc) {
        local.flags |= rc == FF_E_CONFLICT ? FF_ERR_RETRYABLE : 0;
        ff_stored_free(&p.old);
        return ff_derived_pass(e, &local, rc);
    }
    p.shared = p.shared || ff_derived_is_late(p.d, &p.steady);
    ff_derived_hand_over(p.d, workflow, task, &p.old, p.shared, displaced);
    return FF_OK;
}
