/* SPDX-License-Identifier: Apache-2.0 */
/* views_pandas.h: DataFrame and Series taken apart. */
#ifndef FF_CORE_VIEWS_PANDAS_H
#define FF_CORE_VIEWS_PANDAS_H

#include <functionfuse/view.h>
#include <stdbool.h>

struct ff_pandas {
    int view;                     /* FF_VIEW_SERIES, FF_VIEW_DATAFRAME */
    struct ff_value blocks, axes; /* lists or tuples; axes[0] of a frame: its columns */
};
bool ff_view_pandas(struct ff_value, struct ff_pandas *out);
/* The number of the column with that label, or -1. */
int64_t ff_pandas_find(const struct ff_pandas *, const char *name);
/* See ff_column_values. False: no block has it. */
bool ff_pandas_column(const struct ff_pandas *, int64_t column, struct ff_value *values,
                      int64_t *row);
/* The numpy array within an extension array that only gives it a name; else itself. */
struct ff_value ff_pandas_elements(struct ff_value);

#endif
