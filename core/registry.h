/* SPDX-License-Identifier: Apache-2.0 */
/* registry.h: the plugins of a host: files found, who is enabled, what was loaded. */
#ifndef FF_CORE_REGISTRY_H
#define FF_CORE_REGISTRY_H

#include <functionfuse/functionfuse.h>

struct ff_registry;

/* Scan the host's plugin directories: headers and notes only, nothing is loaded. NULL: no
 * memory. */
struct ff_registry *ff_registry_new(struct ff_host *, struct ff_error *);
/* Destroys the instances. NULL is allowed. */
void ff_registry_free(struct ff_registry *);
/* Load what the configuration requires. FF_E_PLUGIN: which, and why not. */
int ff_registry_require(struct ff_host *, struct ff_error *);
/* Whether some file has a plugin of this name; the nearest name there is otherwise, or NULL. */
int ff_registry_knows(struct ff_host *, const char *name, const char **nearest);
/* The directories that are searched, in order; NULL behind the last. */
const char *ff_registry_directory(const struct ff_host *, size_t i);

#endif
