/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.h: the only way to the C library's allocator, so that a test can make each one
 * fail. NULL means no memory (or a size that overflows); nothing here reports or exits.
 */
#ifndef FF_BASE_ALLOC_H
#define FF_BASE_ALLOC_H

#include <stddef.h>

/* Owned by the caller, released with ff_free. A size of 0 gives a pointer that is not
 * NULL. */
void *ff_malloc(size_t size_bytes);
/* The same; the kernel is asked for huge pages for those that it covers: filling fresh memory costs
 * more in page faults than in copying. */
void *ff_malloc_large(size_t size_bytes);
void *ff_calloc(size_t count, size_t item_bytes);
/* `old` may be NULL; on failure it is left as it was, and still the caller's. */
void *ff_realloc_array(void *old, size_t count, size_t item_bytes);
void *ff_memdup(const void *data, size_t size_bytes);
char *ff_strdup(const char *text);
/* At most `max_bytes` of text, NUL added. */
char *ff_strndup(const char *text, size_t max_bytes);
void ff_free(void *memory); /* NULL is harmless */

/* For elements: begins at a multiple of 64 bytes; from 2 MiB on at a multiple of 2 MiB,
 * and the kernel is asked for huge pages. Contents are not set. Released with
 * ff_aligned_free. */
void *ff_aligned_alloc(size_t size_bytes);
void ff_aligned_free(void *memory);

#endif
