/* SPDX-License-Identifier: Apache-2.0 */
/* check_alloc.c: malloc and its kin, and operator new, for the whole process, so that those that
 * the plugin's own code asks for can be counted and failed, and what it forgets is seen. They are
 * glibc's; where a sanitizer, or another libc, has its own, this part says so and stands aside. */
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <stdatomic.h>

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define STAND_ASIDE
#endif
#endif
#else
#define STAND_ASIDE
#endif

struct code {
    uintptr_t begin, end;
};

static struct code plugin_code, cxx_code; /* the second: of the plugin's C++ library */
static void *(*cxx_new)(size_t);          /* its operator new */
static atomic_ulong count, fail_at;
static atomic_llong live;

#ifndef STAND_ASIDE
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

#define OURS    __attribute__((visibility("default"), noinline))
#define REFUSED refuse((uintptr_t)__builtin_return_address(0))

static _Thread_local bool fail_next; /* malloc() of the operator new that is refused */

static bool is_in(const struct code *c, uintptr_t address)
{
    return address >= c->begin && address < c->end;
}

static bool is_its_turn(void)
{
    unsigned long k, at;

    k = atomic_fetch_add(&count, 1) + 1;
    at = atomic_load(&fail_at);
    if (at && k >= at) {
        errno = ENOMEM;
        return true;
    }
    return false;
}

static bool refuse(uintptr_t caller)
{
    if (fail_next) {
        fail_next = false;
        errno = ENOMEM;
        return true;
    }
    return is_in(&plugin_code, caller) && is_its_turn();
}

/* operator new(size_t) of every C++ library: new[] and the nothrow ones of libstdc++ call it, and
 * so do its containers for the plugin. What is refused, the real one answers with bad_alloc, or as
 * the plugin's new_handler will have it, when its malloc() fails. */
OURS void *operator_new(size_t size) __asm__("_Znwm");

void *operator_new(size_t size)
{
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);

    if ((is_in(&plugin_code, caller) || is_in(&cxx_code, caller)) && is_its_turn()) {
        fail_next = true;
    }
    /* before describe() only constructors of the file call it */
    return cxx_new ? cxx_new(size) : malloc(size ? size : 1);
}

static void *keep(void *memory)
{
    if (memory) {
        atomic_fetch_add(&live, (long long)malloc_usable_size(memory));
    }
    return memory;
}

OURS void *malloc(size_t size)
{
    return REFUSED ? NULL : keep(__libc_malloc(size));
}

OURS void *calloc(size_t n, size_t size)
{
    return REFUSED ? NULL : keep(__libc_calloc(n, size));
}

OURS void *realloc(void *old, size_t size)
{
    long long before = old ? (long long)malloc_usable_size(old) : 0;
    void *memory;

    if (REFUSED) {
        return NULL;
    }
    memory = __libc_realloc(old, size);
    if (memory || !size) {
        atomic_fetch_sub(&live, before);
    }
    return keep(memory);
}

OURS void *aligned_alloc(size_t alignment, size_t size)
{
    return REFUSED ? NULL : keep(__libc_memalign(alignment, size));
}

OURS void *memalign(size_t alignment, size_t size)
{
    return REFUSED ? NULL : keep(__libc_memalign(alignment, size));
}

OURS int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = REFUSED ? NULL : keep(__libc_memalign(alignment, size));

    if (!memory) {
        return ENOMEM;
    }
    *out = memory;
    return 0;
}

OURS void free(void *memory)
{
    if (memory) {
        atomic_fetch_sub(&live, (long long)malloc_usable_size(memory));
        __libc_free(memory);
    }
}

const char *alloc_why_not(void)
{
    return NULL;
}
#else
const char *alloc_why_not(void)
{
    return "a sanitizer, or another C library, has the allocator";
}
#endif

struct search {
    uintptr_t address;
    struct code *found;
};

static int find_segment(struct dl_phdr_info *info, size_t size, void *ctx)
{
    const struct search *search = ctx;
    uintptr_t at = search->address;

    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t begin = (uintptr_t)(info->dlpi_addr + p->p_vaddr);

        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && at >= begin &&
            at < begin + p->p_memsz) {
            *search->found = (struct code){begin, begin + (uintptr_t)p->p_memsz};
            return 1;
        }
    }
    return 0;
}

void alloc_watch(const void *code)
{
    struct search plugin = {(uintptr_t)code, &plugin_code};
    void *file = dlopen(check.file, RTLD_NOW | RTLD_NOLOAD);
    union {
        void *symbol;
        void *(*function)(size_t);
    } u = {.symbol = file ? dlsym(file, "_Znwm") : NULL};

    (void)dl_iterate_phdr(find_segment, &plugin);
    if (u.symbol) {
        struct search cxx = {(uintptr_t)u.symbol, &cxx_code};

        cxx_new = u.function;
        (void)dl_iterate_phdr(find_segment, &cxx);
    }
}

unsigned long alloc_fail_at(unsigned long k)
{
    atomic_store(&fail_at, k);
    return atomic_exchange(&count, 0);
}

long long alloc_live_bytes(void)
{
    return atomic_load(&live);
}
