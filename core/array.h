/* SPDX-License-Identifier: Apache-2.0 */
/* array.h: the host's own arrays: refcounted wrappers over what programs and plugins
 * make. */
#ifndef FF_CORE_ARRAY_H
#define FF_CORE_ARRAY_H

#include <functionfuse/functionfuse.h>

/* Wrap an array that a plugin gave: checks the description (ndim, shape, chunk grid,
 * descr and itemsize agree; FF_E_PLUGIN), serialises FF_ARRAY_SERIAL reads, checks each
 * region before the plugin sees it, and counts references. `owner` is released with
 * release(owner) after the array's own release(): what must outlive it. Takes both, also
 * on failure. The result is freed with ff_array_free. */
struct ff_array *ff_array_wrap_take(struct ff_array *taken, void *owner,
                                    void (*release)(void *), struct ff_error *);
/* Whether it is one of the host's (made by ff_array_new, wrap, slice, npy). */
int ff_array_is_ours(const struct ff_array *);
/* Let one of the host's arrays keep `owner` until its end, and its failed reads say
 * `place` (owner's, or NULL) first; after fork() the child's reads fail with FF_E_FORKED.
 * 0: it has an owner already, and `owner` was released. */
int ff_array_keep(struct ff_array *, void *owner, void (*release)(void *),
                  const char *place);
/* The array's elements lie in a document, which owns the array: every further reference to
 * the array is one to the document too. Without that, a document that its arrays keep alive
 * would never go. */
void ff_array_set_home(struct ff_array *, struct ff_doc *home);
/* A tag that its maker attached, to recognise an unchanged lazy array: (owner, name). */
void ff_array_set_origin(struct ff_array *, const void *owner, const char *name);
const char *ff_array_origin(const struct ff_array *, const void **owner);
/* "dask.array.core.Array" for chunked ones, else "numpy.ndarray". */
const char *ff_array_class(const struct ff_array *);

#define FF_AUTO_CHUNK_BYTES (UINT64_C(4) << 20) /* of FF_CHUNK_AUTO, about */
/* Chunks of about so many bytes: whole trailing axes while they fit. */
void ff_chunk_sized(int32_t ndim, const int64_t *shape, uint64_t itemsize_bytes,
                    uint64_t chunk_bytes, int64_t *chunk);

/* The .npy codec as a service for plugins. */
extern const struct ff_npy ff_npy_service;

#endif
