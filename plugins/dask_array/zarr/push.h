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

/* ---- gather.c: pushed chunks of an irregular grid ---- */

struct zarr_gather;

/* A whole stored chunk: plain elements in C order, padded with zeros. */
typedef int zarr_put_plain(void *ctx, const int64_t *index, const void *plain,
                           const struct ff_call *, struct ff_error *);

/* `like` has edges; the writer stays. */
int zarr_gather_new(const struct zarr_writer *, const struct ff_array *like,
                    struct zarr_gather **, struct ff_error *);
/* Any thread. Each stored chunk that has all its elements now is put. */
int zarr_gather_add(struct zarr_gather *, const int64_t *index, const void *data,
                    zarr_put_plain *, void *ctx, const struct ff_call *,
                    struct ff_error *);
void zarr_gather_free(struct zarr_gather *);

#endif
