/* SPDX-License-Identifier: Apache-2.0 */
/* uuid.h: names that nobody else has. */
#ifndef FF_BASE_UUID_H
#define FF_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>

#include "sys.h"

#define FF_UUID_LENGTH 36 /* without NUL */

/* A fresh uuid4 as lower-case text with NUL. 0 or -errno of getrandom. */
int ff_uuid4(const struct ff_sys *sys, char out[FF_UUID_LENGTH + 1]);
/* Whether these bytes are a uuid4 of RFC 4122 in the lower-case form, and nothing more.
 */
bool ff_is_uuid4(const char *text, size_t length_bytes);

/* prefix + 32 hex digits (128 random bits) + NUL. -ENAMETOOLONG when it does not fit. */
int ff_random_name(const struct ff_sys *sys, const char *prefix, char *out,
                   size_t out_bytes);

#endif
