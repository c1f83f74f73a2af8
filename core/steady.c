/* SPDX-License-Identifier: Apache-2.0 */
/* steady.c: a call that nobody cancels. */
#include "core/steady.h"

#include "core/base/sys.h"

static int never(const struct ff_call *call)
{
    (void)call;
    return 0;
}

static int64_t steady_deadline(const struct ff_call *call)
{
    return ((const struct ff_steady *)(const void *)call)->until_ns;
}

void ff_steady_begin(const struct ff_sys *sys, int64_t for_ns, struct ff_steady *out)
{
    *out = (struct ff_steady){
        .pub = {.struct_size = FF_SIZE(ff_call, deadline_ns),
                .cancelled = never,
                .deadline_ns = steady_deadline},
        .until_ns = ff_sys_now_ns(sys, CLOCK_MONOTONIC) + for_ns,
    };
}
