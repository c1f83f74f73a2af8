/* SPDX-License-Identifier: Apache-2.0 */
/* layout.h: how a host saves arrays whose chunks nobody chose: "arrays" of the configuration. */
#ifndef FF_CORE_LAYOUT_H
#define FF_CORE_LAYOUT_H

#include "core/storage.h"

typedef int ff_keep(struct ff_saving *, struct ff_value, struct ff_new_pid *,
                    struct ff_error *);

/* What keep() makes of the value; of such an array, as it is to be saved. FF_E_NO_MEMORY, and
 * what keep() fails with. */
int ff_layout_keep(ff_keep *keep, struct ff_saving *, struct ff_value,
                   struct ff_new_pid *, struct ff_error *);

#endif
