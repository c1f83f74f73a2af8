/* SPDX-License-Identifier: Apache-2.0 */
/* diff.h: between diff.c and diff_array.c. */
#ifndef FF_CORE_DIFF_H
#define FF_CORE_DIFF_H

#include <functionfuse/diff.h>

/* Compare elements; the arrays have the same dtype and shape. Fills count, ndim, first, largest. */
int ff_diff_elements(const struct ff_array *a, const struct ff_array *b,
                     const struct ff_call *, struct ff_difference *out,
                     struct ff_error *);

#endif
