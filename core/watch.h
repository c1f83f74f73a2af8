/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h: the tables of a protocol as core itself calls them: what comes back is bounded and
 * makes sense, whatever the protocol does; what it does wrong is said with the clause. Plugins
 * get each other's tables as they are.
 */
#ifndef FF_CORE_WATCH_H
#define FF_CORE_WATCH_H

#include <functionfuse/plugin.h>

struct ff_watch {
    struct ff_objects objects; /* first */
    struct ff_commit commit;
    const struct ff_objects *inner;
    const struct ff_commit *inner_commit; /* or NULL */
    const struct ff_host_services *services;
    const char *plugin;
};

/* All are borrowed until the watch is gone. */
void ff_watch_init(struct ff_watch *, const struct ff_host_services *, const char *plugin,
                   const struct ff_objects *, const struct ff_commit *);
/* watch_commit.c */
void ff_watch_init_commit(struct ff_watch *);

#endif
