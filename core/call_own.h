/* SPDX-License-Identifier: Apache-2.0 */
/* call_own.h: calling create() of a plugin as call.c calls the rest. */
#ifndef FF_CORE_CALL_OWN_H
#define FF_CORE_CALL_OWN_H

#include <functionfuse/plugin.h>

typedef int ff_create(const struct ff_host_services *, struct ff_value options,
                      void **inst, struct ff_error *);

/* A failure has a code and a message, success has none; the place is `name` when the plugin
 * gave none. *inst is NULL after a failure. */
int ff_call_create(ff_create *create, const struct ff_host_services *,
                   struct ff_value options, const char *name, void **inst,
                   struct ff_error *);

#endif
