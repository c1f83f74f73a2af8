/* SPDX-License-Identifier: Apache-2.0 */
/* host_own.h: what a host is made of; for the files that make up the host only. */
#ifndef FF_CORE_HOST_OWN_H
#define FF_CORE_HOST_OWN_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "core/host.h"
#include "core/config.h"
#include "core/gate.h"
#include "core/pool.h"
#include "core/registry.h"

/* What one instance of a plugin was given, or (plugin "") the host itself. */
struct ff_lease {
    struct ff_host_services services; /* ctx = this lease */
    struct ff_host *host;
    struct ff_lease *older;
    const char *plugin;
    const void *desc, *inst;
    atomic_int ended;
};

struct ff_host {
    struct ff_host_services services; /* ctx = own */
    struct ff_lease own;
    pthread_mutex_t leases_mutex;
    struct ff_lease *leases; /* newest first */
    struct ff_call call;     /* ctx = this host */
    atomic_uint refs;
    pid_t pid; /* the process that opened it */
    const struct ff_sys *sys;
    void *ctx; /* the program's, for its three callbacks */
    void (*log)(void *ctx, int level, const char *text);
    void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
    int (*cancelled)(void *ctx);
    char **extra_path; /* ff_host_options.plugin_path, NULL-ended */
    char *library;     /* the file that this code is in, or NULL when not known */
    char *library_dir; /* its folder */
    int in_program;    /* it is the program itself: nothing was installed beside it */
    struct ff_trust trust;
    struct ff_config *config;
    struct ff_pool_own *pool;
    struct ff_registry *registry;
    uint64_t memory_bytes;
};

/* The host behind the table that plugins are given. */
static inline struct ff_host *ff_host_of(const struct ff_host_services *services)
{
    return ((const struct ff_lease *)services->ctx)->host;
}

/* Fills the host's tables: what plugins are given. */
void ff_services_init(struct ff_host *, uint32_t threads, uint32_t flags);

#endif
