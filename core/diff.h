/* SPDX-License-Identifier: Apache-2.0 */
/* diff.h: between diff.c, diff_array.c and diff_path.c. */
#ifndef FF_CORE_DIFF_H
#define FF_CORE_DIFF_H

#include <functionfuse/diff.h>

#include "core/base/buf.h"

/* Compare elements; the arrays have the same dtype and shape. Fills count, ndim, first, largest. */
int ff_diff_elements(const struct ff_array *a, const struct ff_array *b,
                     const struct ff_call *, struct ff_difference *out,
                     struct ff_error *);

#define FF_DIFF_PATH_BYTES 4096u
/* Append the path of what a key leads to, unless the path is that long already. */
int ff_diff_key_path(struct ff_buf *path, struct ff_value key);

#endif
