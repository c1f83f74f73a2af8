/* SPDX-License-Identifier: Apache-2.0 */
/* npy.h: the header of a .npy file, for core/npy.c. */
#ifndef FF_CORE_NPY_H
#define FF_CORE_NPY_H

#include <functionfuse/plugin.h>

#include "core/base/buf.h"

#define FF_NPY_MAX_HEADER_BYTES (128u << 10)

struct ff_npy_header {
    char *descr; /* owned */
    int32_t ndim, fortran;
    int64_t shape[FF_MAX_NDIM];
    uint64_t item_bytes, header_bytes; /* header: where the elements begin */
};

/* The header for this array in C order. FF_E_UNSUPPORTED. */
int ff_npy_header_print(const struct ff_array *, struct ff_buf *, struct ff_error *);
/* Read and check; the elements end within size_bytes. FF_E_CORRUPT; FF_E_UNSUPPORTED
 * (Python objects). On success freed with ff_npy_header_free; on failure there is nothing
 * to free. */
int ff_npy_header_read(ff_read_at *, void *ctx, uint64_t size_bytes,
                       struct ff_npy_header *, const struct ff_call *, struct ff_error *);
void ff_npy_header_free(struct ff_npy_header *);

#endif
