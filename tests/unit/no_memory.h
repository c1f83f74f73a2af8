/* SPDX-License-Identifier: Apache-2.0 */
/* no_memory.h: for one source of a program that is linked with `no_memory` (meson.build): malloc and
 * its kin of what is linked statically come here (--wrap) and fail when they are told to; those
 * of shared libraries go on as ever. */
#ifndef FF_TEST_NO_MEMORY_H
#define FF_TEST_NO_MEMORY_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size_bytes);
void *__real_calloc(size_t count, size_t item_bytes);
void *__real_realloc(void *old, size_t size_bytes);
int __real_posix_memalign(void **out, size_t alignment, size_t size_bytes);
void *__wrap_malloc(size_t size_bytes);
void *__wrap_calloc(size_t count, size_t item_bytes);
void *__wrap_realloc(void *old, size_t size_bytes);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size_bytes);

/* How many allocations still succeed before one fails; negative: all do, also after it. */
static long left = -1;
static bool from_then_on; /* the others behind it fail as well */
static unsigned failures;

static bool allocation_fails(void)
{
    if (left != 0) {
        left -= left > 0;
        return false;
    }
    failures++;
    left = from_then_on ? 0 : -1;
    return true;
}

void *__wrap_malloc(size_t size_bytes)
{
    return allocation_fails() ? NULL : __real_malloc(size_bytes);
}

void *__wrap_calloc(size_t count, size_t item_bytes)
{
    return allocation_fails() ? NULL : __real_calloc(count, item_bytes);
}

void *__wrap_realloc(void *old, size_t size_bytes)
{
    return allocation_fails() ? NULL : __real_realloc(old, size_bytes);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size_bytes)
{
    return allocation_fails() ? ENOMEM
                              : __real_posix_memalign(out, alignment, size_bytes);
}

#endif
