/* SPDX-License-Identifier: Apache-2.0 */
/* compat.h: what Python 2 called the modules and names of Python 3, as the standard
 * module _compat_pickle has them: protocols 0 to 2 are written with the old names. */
#ifndef FF_CORE_COMPAT_H
#define FF_CORE_COMPAT_H

#include <stdbool.h>

/* Each gives static text, or what was passed; false when nothing changes. */
bool ff_compat_to_3(const char *module, const char *name, const char **new_module,
                    const char **new_name);
bool ff_compat_to_2(const char *module, const char *name, const char **old_module,
                    const char **old_name);

#endif
