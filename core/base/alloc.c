/* SPDX-License-Identifier: Apache-2.0 */
/* alloc.c: the only calls of the C library's allocator in the project. */
#include "alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "checked.h"

enum { LINE_BYTES = 64, HUGE_PAGE_BYTES = 2 << 20 };

void *ff_malloc(size_t size_bytes)
{
    return malloc(size_bytes ? size_bytes : 1);
}

void *ff_malloc_large(size_t size_bytes)
{
    uint8_t *memory = ff_malloc(size_bytes);
    size_t skip = -(uintptr_t)memory & (HUGE_PAGE_BYTES - 1);

    if (memory && size_bytes >= skip + HUGE_PAGE_BYTES) {
        (void)madvise(memory + skip, (size_bytes - skip) & ~(size_t)(HUGE_PAGE_BYTES - 1),
                      MADV_HUGEPAGE);
    }
    return memory;
}

void *ff_calloc(size_t count, size_t item_bytes)
{
    return count && item_bytes ? calloc(count, item_bytes) : calloc(1, 1);
}

void *ff_realloc_array(void *old, size_t count, size_t item_bytes)
{
    size_t size_bytes;

    if (!ff_mul_size(count, item_bytes, &size_bytes)) {
        return NULL;
    }
    /* realloc(p, 0) may free p */
    return realloc(old, size_bytes ? size_bytes : 1);
}

void *ff_memdup(const void *data, size_t size_bytes)
{
    void *copy = ff_malloc(size_bytes);

    if (copy && size_bytes) {
        memcpy(copy, data, size_bytes);
    }
    return copy;
}

char *ff_strdup(const char *text)
{
    return ff_memdup(text, strlen(text) + 1);
}

char *ff_strndup(const char *text, size_t max_bytes)
{
    size_t length = strnlen(text, max_bytes);
    char *copy = length < SIZE_MAX ? ff_malloc(length + 1) : NULL;

    if (copy) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

void ff_free(void *memory)
{
    free(memory);
}

void *ff_aligned_alloc(size_t size_bytes)
{
    size_t align = size_bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : LINE_BYTES;
    void *memory = NULL;

    if (posix_memalign(&memory, align, size_bytes ? size_bytes : 1)) {
        return NULL;
    }
    if (align == HUGE_PAGE_BYTES) {
        /* Whole huge pages only: a shorter tail belongs to others too. A kernel without
         * huge pages says no, which is as good. */
        (void)madvise(memory, size_bytes & ~(size_t)(HUGE_PAGE_BYTES - 1), MADV_HUGEPAGE);
    }
    return memory;
}

void ff_aligned_free(void *memory)
{
    free(memory);
}
