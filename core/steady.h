/* SPDX-License-Identifier: Apache-2.0 */
/* steady.h: a call that cannot be cancelled, with a deadline of its own: for what has to be
 * brought to an end when the caller's was cancelled. */
#ifndef FF_CORE_STEADY_H
#define FF_CORE_STEADY_H

#include <functionfuse/plugin.h>

struct ff_sys;

struct ff_steady {
    struct ff_call pub;
    int64_t until_ns; /* CLOCK_MONOTONIC */
};

void ff_steady_begin(const struct ff_sys *, int64_t for_ns, struct ff_steady *);

#endif
