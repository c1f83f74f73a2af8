/* SPDX-License-Identifier: Apache-2.0 */
/* host.h: one host = configuration + loaded plugins + services, as the rest of core sees
 * it. */
#ifndef FF_CORE_HOST_H
#define FF_CORE_HOST_H

#include <functionfuse/functionfuse.h>
#include <functionfuse/plugin.h>
#include "core/base/sys.h"

/* References: ff_host_open gives one; each storage holds one. */
struct ff_host *ff_host_ref(struct ff_host *);
void ff_host_unref(struct ff_host *);

/* FF_OK, or FF_E_FORKED in a child process, FF_E_USAGE for NULL. */
int ff_host_check(const struct ff_host *, struct ff_error *);
/* What plugins are given; `flags` has FF_HOST_NO_SYNC. */
const struct ff_host_services *ff_host_services(const struct ff_host *);
const struct ff_sys *ff_host_sys(const struct ff_host *);
/* Its threads, for work of core's own. */
struct ff_pool_own *ff_host_pool(const struct ff_host *);
/* The memory budget for array work. */
uint64_t ff_host_memory_bytes(const struct ff_host *);
/* How it saves arrays with FF_ARRAY_AUTO: in chunks of about so many bytes, or inline. */
uint64_t ff_host_chunk_bytes(const struct ff_host *);
int ff_host_inlines(const struct ff_host *);
/* The host's cancelled and progress callbacks as a call; used where a caller gave none.
 */
const struct ff_call *ff_host_call(const struct ff_host *);
void ff_host_log(const struct ff_host *, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The storage JSON for `which` (see ff_storage_open), owned, ff_free. */
char *ff_host_storage_json(struct ff_host *, const char *which, struct ff_error *);

/* ---- registry: who serves what. Plugins are loaded at first need ---- */

struct ff_loaded_serializer {
    const struct ff_serializer *desc; /* the plugin's; read with FF_HAS */
    void *inst;
    const struct ff_host *host;
};

struct ff_loaded_protocol {
    const struct ff_protocol *desc;
    const struct ff_host *host;
};

/* Serializers for a class, best first: the last enabled (or the last of `names`) first,
 * as in Python. names NULL = every enabled one. Returns how many, at most max; < 0: an
 * error code. */
int ff_registry_for_class(struct ff_host *, const char *class_name,
                          const char *const *names, size_t name_count,
                          const struct ff_loaded_serializer **out, size_t max,
                          struct ff_error *);
/* Where no serializer is for a class: adds to the error what to do, when one is installed that
 * is disabled or was refused. */
void ff_registry_hint(struct ff_host *, const char *class_name, struct ff_error *);
/* Whether any enabled serializer is for a class of Python's builtins ("builtins.dict").
 */
int ff_registry_wants_builtins(const struct ff_host *);
/* By name. FF_E_PLUGIN: not there, disabled, refused or failed: the message says exactly
 * which, the fix how to get it. */
int ff_registry_serializer(struct ff_host *, const char *name,
                           const struct ff_loaded_serializer **out, struct ff_error *);
/* By kind. FF_E_USAGE: unknown kind: lists those there are and the nearest. */
int ff_registry_protocol(struct ff_host *, const char *kind,
                         const struct ff_loaded_protocol **out, struct ff_error *);

/* ---- call: a plugin called with both sides of the contract checked ----
 * They honour the descriptor's thread class, see that a failure has a code and a message,
 * that success has none, and prefix the place with the plugin's name where the plugin
 * gave none. */

int ff_call_pickle(const struct ff_loaded_serializer *, struct ff_value,
                   const struct ff_protocols *, struct ff_pid *, const struct ff_call *,
                   struct ff_error *);
int ff_call_unpickle(const struct ff_loaded_serializer *, const struct ff_pid *,
                     const struct ff_protocols *, struct ff_doc *, struct ff_value *,
                     const struct ff_call *, struct ff_error *);
/* FF_DECLINED: the plugin leaves it to the host. */
int ff_call_remove(const struct ff_loaded_serializer *, const struct ff_pid *,
                   const struct ff_protocols *, const struct ff_call *,
                   struct ff_error *);
const void *ff_call_query(const struct ff_loaded_serializer *, const char *interface_id);
/* Whether unpickle() takes this version. */
int ff_reads_version(const struct ff_loaded_serializer *, const char *version);

#endif
