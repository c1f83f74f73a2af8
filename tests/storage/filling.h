/* SPDX-License-Identifier: Apache-2.0 */
/* filling.h: an array that several processes fill, for the tests of that: 7 x 10 elements of i4,
 * element = its index in C order, in chunks of 3 x 4. */
#ifndef FF_TEST_FILLING_H
#define FF_TEST_FILLING_H

#include <functionfuse/fill.h>

#include "fixture.h"

enum { ROWS = 7, COLUMNS = 10, ELEMENTS = ROWS * COLUMNS };

extern const int64_t fill_shape[2], fill_chunk[2];

/* In workflow "run"; everything is checked. */
struct ff_draft_filling *begin(struct fixture *);
struct ff_draft_filling *attach(struct fixture *, const char *token);
/* Whether it can be; nothing stays open. */
int attach_code(struct ff_storage *, const char *token, struct ff_error *);
/* transposed: from memory in Fortran order. */
int write_box(struct ff_draft_filling *, int64_t row, int64_t column, int64_t rows,
              int64_t columns, int transposed, struct ff_error *);
/* Everything, as one process would; the receipt is the handle's. */
const char *fill_all(struct ff_draft_filling *);
/* As {"a": array} to run/filled. */
int save(struct ff_storage *, const char *token, const char *const *receipts,
         size_t count, struct ff_error *);
void expect_saved(struct fixture *);
/* Of the one thing that a task in "run" refers to. */
void uuid_of_task(struct fixture *, const char *task, char uuid[37]);

#endif
