/* SPDX-License-Identifier: Apache-2.0 */
/* elf_own.h: a shared object that is being looked at; for elf.c and elf_dynamic.c only. */
#ifndef FF_CORE_ELF_OWN_H
#define FF_CORE_ELF_OWN_H

#include <elf.h>
#include <link.h>

#include "core/gate.h"

enum { FF_ELF_SEGMENTS = 64 };

struct ff_elf {
    const struct ff_sys *sys;
    const struct ff_trust *trust; /* or NULL: folders are not asked */
    int fd;
    const char *name; /* the file's */
    uint64_t size_bytes;
    const uint8_t *first; /* its first bytes */
    size_t first_bytes;
    ElfW(Phdr) segment[FF_ELF_SEGMENTS];
    size_t segment_count;
};

/* Bytes of the file. 0 or -errno. */
int ff_elf_fetch(const struct ff_elf *, uint64_t offset, void *dst, size_t size_bytes);
/* The dynamic section: what would be done to the process by loading it. */
void ff_elf_dynamic(const struct ff_elf *, struct ff_verdict *);

#endif
