/* SPDX-License-Identifier: Apache-2.0 */
/* push.h: ff.push/1 for arrays that become zarr; as struct ff_push says. */
#ifndef FF_ZARR_PUSH_H
#define FF_ZARR_PUSH_H

#include "zarr/store.h"

struct zarr_pushing;

int zarr_push_begin(struct hdf_inst *, const struct ff_array *like,
                    const struct ff_protocols *, const char *uuid, struct zarr_pushing **,
                    const struct ff_call *, struct ff_error *);
int zarr_push_put(struct zarr_pushing *, const int64_t *index, const void *data,
                  const struct ff_call *, struct ff_error *);
int zarr_push_finish(struct zarr_pushing *taken, int64_t shape0, const struct ff_call *,
                     struct ff_error *);
void zarr_push_abort(struct zarr_pushing *taken);

#endif
