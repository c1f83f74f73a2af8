/* SPDX-License-Identifier: Apache-2.0 */
/* trial.c: a plugin without a note is loaded to see what it is, and so its code runs. Where the
 * configuration asks for it ("probe"), that happens in a child first: what ends the process, or
 * never ends, is a row and not the end of the host. */
#include "core/registry_own.h"

#include "core/base/sys_child.h"

enum { DEADLINE_MS = 2000, DIFFERENT = 1 };

static int describe_serializer(const char *path)
{
    union {
        void *object;
        const struct ff_serializer *(*describe)(void);
    } f = {.object = ff_loader_peek(path, "ff_serializer_describe")};
    struct ff_verdict v = {.code = NULL};
    const struct ff_serializer *first = f.object ? f.describe() : NULL;

    ff_serializer_check(first, &v);
    return f.object && first != f.describe() ? DIFFERENT : 0;
}

static int describe_protocol(const char *path)
{
    union {
        void *object;
        const struct ff_protocol *(*describe)(void);
    } f = {.object = ff_loader_peek(path, "ff_protocol_describe")};
    struct ff_verdict v = {.code = NULL};
    const struct ff_protocol *first = f.object ? f.describe() : NULL;

    ff_protocol_check(first, &v);
    return f.object && first != f.describe() ? DIFFERENT : 0;
}

/* What is wrong otherwise the host finds too, and says. */
static int load_and_describe(void *ctx)
{
    const char *path = ctx;

    return describe_serializer(path) || describe_protocol(path) ? DIFFERENT : 0;
}

static void explain(const struct ff_child_end *end, struct ff_verdict *v)
{
    const char *what;

    switch (end->outcome) {
    case FF_CHILD_DONE:
        ff_verdict_set(v, "probe",
                       "its describe function gives something else each time");
        break;
    case FF_CHILD_EXITED:
        ff_verdict_set(v, "probe",
                       "in a child, its code ended the process: exit code %d%s",
                       end->number, end->number ? "" : ", or quick_exit()");
        break;
    case FF_CHILD_DIED:
        what = sigdescr_np(end->number);
        ff_verdict_set(v, "probe", "in a child, its code died of signal %d (%s)",
                       end->number, what ? what : "a real-time signal");
        break;
    case FF_CHILD_LATE:
        ff_verdict_set(v, "probe", "in a child, it had not loaded after %d s",
                       DEADLINE_MS / 1000);
        break;
    default:
        ff_verdict_set(v, "probe", "no child could be made to try it: %s",
                       strerrordesc_np(end->number));
    }
    ff_verdict_fix(v,
                   end->outcome == FF_CHILD_FAILED
                       ? "try again, or take \"probe\" out of the configuration"
                       : "tell the plugin's author: loading and describe() do nothing");
}

void ff_try_in_child(const char *path, struct ff_verdict *v)
{
    struct ff_child_end end;

    ff_sys_in_child(load_and_describe, (void *)(uintptr_t)path, DEADLINE_MS, &end);
    if (end.outcome != FF_CHILD_DONE || end.number != 0) {
        explain(&end, v);
    }
}
