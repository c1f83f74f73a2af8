/* SPDX-License-Identifier: Apache-2.0 */
/* view.h: what an address names: a value, or a selection of an array as an array. */
#ifndef FF_TOOLS_VIEW_H
#define FF_TOOLS_VIEW_H

#include "address.h"
#include "cli.h"

/* A selection of `inner` as an array: dropped axes are gone; nothing is read yet. `taken` (may
 * be NULL) is freed with it, also on failure; `options` for the serializer, or NULL. Freed with
 * ff_array_free. */
struct ff_array *ff_view_new(const struct ff_array *inner, struct ff_array *taken,
                             const struct ff_selection *, const char *options,
                             struct ff_error *);

struct ff_target {
    struct ff_address address;
    struct ff_doc *doc;
    struct ff_value value;         /* as it is in the document */
    const struct ff_array *whole;  /* the array that is there, or NULL */
    struct ff_array *view;         /* the selection of it; NULL without a slice */
    struct ff_selection selection; /* with `whole` */
};

/* Read the task of an address and find its path. With `open`, a value kept by a serializer is
 * opened to see whether it is an array; a slice opens it in any case. Freed with
 * ff_target_free, also after a failure. */
int ff_target_find(struct ff_cli *c, const char *address, int open, struct ff_target *,
                   struct ff_error *);
void ff_target_free(struct ff_target *);
/* Into the target's place: prefix what went wrong with "workflow/task#path". */
void ff_target_blame(const struct ff_target *, struct ff_error *);
/* How many chunks the selection reads, and of how many. 0 when it has no chunks. */
int ff_target_chunks(const struct ff_target *, uint64_t *touched, uint64_t *all,
                     struct ff_error *);

#endif
