/* SPDX-License-Identifier: Apache-2.0 */
/* stub_host.h: the least host that a protocol can run on: values over jansson, system calls with
 * a clock that can be set forward, a pool, and the opener for decorators. It knows nothing of
 * the library, so that what fails here fails by the header. */
#ifndef FF_TESTS_STUB_HOST_H
#define FF_TESTS_STUB_HOST_H

#include <functionfuse/plugin.h>
#include <stdatomic.h>

#include "core/base/sys.h"

#define STUB_MAX_PLUGINS 8

struct stub_host {
    struct ff_host_services services; /* first */
    struct ff_sys sys;                /* the system's, but for the clock */
    atomic_llong clock_shift_ns;      /* of CLOCK_REALTIME and CLOCK_BOOTTIME */
    const struct ff_protocol *plugins[STUB_MAX_PLUGINS];
    size_t plugin_count;
};

/* Load each file; fails the test when one is not a protocol. Clears `host`. */
void stub_host_init(struct stub_host *host, const char *const *files, size_t count);

/* Open what a storage's JSON names. */
int stub_host_open(struct stub_host *host, const char *json,
                   const struct ff_protocol **out, void **inst, struct ff_error *e);

#endif
