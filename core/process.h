/* SPDX-License-Identifier: Apache-2.0 */
/* process.h: what is one per process and not per host: locks and first runs by name. */
#ifndef FF_CORE_PROCESS_H
#define FF_CORE_PROCESS_H

#include <functionfuse/plugin.h>

/* Enter the recursive lock of this name; `call` may be NULL. FF_E_CANCELLED, FF_E_DEADLINE:
 * somebody else held it until then; FF_E_NO_MEMORY. */
int ff_process_enter(const char *name, const struct ff_call *call, struct ff_error *);
/* 0: this thread is not in it, and nothing was done. */
int ff_process_leave(const char *name);

enum { FF_GROUP_BYTES = 256 };
#define FF_GROUP_OWN "plugin " /* how names of the host's own groups begin */

/* How often this thread is in groups that are not the host's own; name (may be NULL): one. */
int ff_process_held(char name[FF_GROUP_BYTES]);
/* Run fn(ctx) for the first caller with this key; all get what it returned. */
int ff_process_once(const char *key, int (*fn)(void *ctx), void *ctx);

#endif
