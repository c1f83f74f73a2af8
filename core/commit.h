/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commit.h: ff.commit/1 for protocols that have none, out of the conditional puts of
 * ff.objects/1. Any medium with tags gets it: a server of objects, the memory of a test.
 *
 * On the medium, below <workflow>/bigdata/.ff/, where no other writer looks:
 *   workflow         "workflow <128 bit>": it exists; "removed <128 bit>": it does not
 * any more, and what is left of it is being deleted intent-<128 bit> a save: "open <n>",
 * then "committing", or "fenced" by gc rename-<128 bit> a rename between its two steps:
 * "renaming", the tag, both names A workflow that others made has no marker: it exists
 * when anything lies in it, and gets one with its first save of ours.
 */
#ifndef FF_CORE_COMMIT_H
#define FF_CORE_COMMIT_H

#include <functionfuse/plugin.h>

#include "core/base/sys.h"

/* `root_objects` is bound to the storage's root; it, the host and the table of system
 * calls must outlive *out. Its functions may be called from any thread. */
int ff_commit_derive(const struct ff_objects *root_objects,
                     const struct ff_host_services *, const struct ff_sys *,
                     struct ff_commit **out, struct ff_error *);
/* NULL is harmless. */
void ff_commit_derived_free(struct ff_commit *);

#endif
