/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.c: what create() is given belongs to one instance: so who asks the host for something is
 * known by name, and who goes on asking after destroy() is told. What has ended stays readable
 * for a while: a late call comes from a thread that was left running.
 */
#include "core/host_own.h"

#include "core/base/alloc.h"
#include "core/call_own.h"

enum { ENDED_MAX = 64 };

static struct ff_lease *lease_of(const struct ff_host_services *services)
{
    return services->ctx;
}

const struct ff_host_services *ff_lease_new(struct ff_host *host, const char *plugin,
                                            const void *desc, struct ff_error *e)
{
    struct ff_lease *l = ff_calloc(1, sizeof *l);

    if (!l) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for an instance of %.100s",
                      plugin);
        return NULL;
    }
    l->services = host->services;
    l->services.ctx = l;
    l->host = host;
    l->plugin = plugin;
    l->desc = desc;
    atomic_init(&l->ended, 0);
    (void)pthread_mutex_lock(&host->leases_mutex);
    l->older = host->leases;
    host->leases = l;
    (void)pthread_mutex_unlock(&host->leases_mutex);
    return &l->services;
}

/* The oldest ended ones go. Mutex held. */
static void forget_old(struct ff_host *host)
{
    struct ff_lease **at = &host->leases, *l;
    int kept = 0;

    while ((l = *at)) {
        if (atomic_load(&l->ended) && ++kept > ENDED_MAX) {
            *at = l->older;
            ff_free(l);
        } else {
            at = &l->older;
        }
    }
}

void ff_lease_end(const struct ff_host_services *services)
{
    struct ff_host *host;

    if (!services) {
        return;
    }
    host = lease_of(services)->host;
    (void)pthread_mutex_lock(&host->leases_mutex);
    atomic_store(&lease_of(services)->ended, 1);
    forget_old(host);
    (void)pthread_mutex_unlock(&host->leases_mutex);
}

void ff_lease_end_of(struct ff_host *host, const void *desc, const void *inst)
{
    struct ff_lease *l;

    (void)pthread_mutex_lock(&host->leases_mutex);
    for (l = host->leases;
         l && (l->desc != desc || l->inst != inst || atomic_load(&l->ended));) {
        l = l->older;
    }
    (void)pthread_mutex_unlock(&host->leases_mutex);
    ff_lease_end(l ? &l->services : NULL);
}

void ff_lease_is_of(const struct ff_host_services *services, const void *inst)
{
    lease_of(services)->inst = inst;
}

void ff_leases_free(struct ff_host *host)
{
    while (host->leases) {
        struct ff_lease *older = host->leases->older;

        ff_free(host->leases);
        host->leases = older;
    }
}

struct ff_host *ff_host_asked(const struct ff_host_services *services,
                              const char *function)
{
    const struct ff_lease *l = lease_of(services);

    if (atomic_load(&l->ended)) {
        ff_misbehaves(
            &l->host->services, l->plugin,
            "%s was called after destroy() had returned (plugin.h: what create() "
            "is given is the instance's own until then)",
            function);
    }
    return l->host;
}
