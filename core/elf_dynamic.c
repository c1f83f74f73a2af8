/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf_dynamic.c: what a shared object asks of the dynamic linker: elf(5), ld.so(8). Refused are
 * relocations of code, folders that others can fill, and the name of somebody else's library,
 * which whoever needs that library later would be given instead.
 */
#include "core/elf_own.h"

#include "core/fileio.h"

#include <limits.h>

enum { DYNAMIC_MAX = 1024, TEXT_BYTES = PATH_MAX };

struct dynamic {
    uint64_t strings, string_bytes; /* address and size of the table of strings */
    uint64_t soname, run_path;      /* offsets in it */
    int has_soname, has_run_path, text_relocations, no_open, program;
};

/* Where in the file an address is. */
static int offset_of(const struct ff_elf *f, uint64_t address, uint64_t *offset)
{
    for (size_t i = 0; i < f->segment_count; i++) {
        const ElfW(Phdr) *p = &f->segment[i];

        if (p->p_type == PT_LOAD && address >= p->p_vaddr &&
            address - p->p_vaddr < p->p_filesz) {
            *offset = p->p_offset + (address - p->p_vaddr);
            return 1;
        }
    }
    return 0;
}

static void take_entry(struct dynamic *d, const ElfW(Dyn) * entry)
{
    uint64_t value = entry->d_un.d_val;

    switch (entry->d_tag) {
    case DT_STRTAB:
        d->strings = value;
        break;
    case DT_STRSZ:
        d->string_bytes = value;
        break;
    case DT_SONAME:
        d->soname = value;
        d->has_soname = 1;
        break;
    case DT_RPATH:
    case DT_RUNPATH:
        d->run_path = value;
        d->has_run_path = 1;
        break;
    case DT_TEXTREL:
        d->text_relocations = 1;
        break;
    case DT_FLAGS:
        d->text_relocations |= (value & DF_TEXTREL) != 0;
        break;
    case DT_FLAGS_1:
        d->no_open = (value & DF_1_NOOPEN) != 0;
        d->program = (value & DF_1_PIE) != 0;
        break;
    default:
        break;
    }
}

/* Whether the section could be read to its end. */
static int read_section(const struct ff_elf *f, const ElfW(Phdr) * p, struct dynamic *d)
{
    for (size_t i = 0; i < DYNAMIC_MAX && i < p->p_filesz / sizeof(ElfW(Dyn)); i++) {
        ElfW(Dyn) entry;

        if (ff_elf_fetch(f, p->p_offset + i * sizeof entry, &entry, sizeof entry)) {
            return 0;
        }
        if (entry.d_tag == DT_NULL) {
            return 1;
        }
        take_entry(d, &entry);
    }
    return 0;
}

/* A string of the table; cut at TEXT_BYTES. */
static int read_string(const struct ff_elf *f, const struct dynamic *d, uint64_t at,
                       char text[TEXT_BYTES])
{
    uint64_t offset;
    size_t bytes;

    if (at >= d->string_bytes || !offset_of(f, d->strings, &offset)) {
        return 0;
    }
    bytes = d->string_bytes - at < TEXT_BYTES ? (size_t)(d->string_bytes - at)
                                              : (size_t)TEXT_BYTES;
    if (offset + at > f->size_bytes || bytes > f->size_bytes - offset - at ||
        ff_elf_fetch(f, offset + at, text, bytes)) {
        return 0;
    }
    return memchr(text, 0, bytes) != NULL;
}

/* One folder of a run path: absolute, there, and as well kept as a folder of plugins. */
static void check_folder(const struct ff_elf *f, const char *folder, struct ff_verdict *v)
{
    int fd;

    if (folder[0] != '/' || strchr(folder, '$')) {
        ff_verdict_set(v, "run-path",
                       "it looks for libraries in \"%.200s\", which is no fixed folder",
                       folder);
    } else if (f->trust) {
        fd = ff_open_at(f->sys, AT_FDCWD, folder, O_PATH | O_DIRECTORY);
        if (fd < 0) {
            ff_verdict_set(v, "run-path", "it looks for libraries in %.300s: %s", folder,
                           strerrordesc_np(-fd));
        } else {
            struct ff_verdict why = {.code = NULL};

            ff_trust_folder(f->trust, f->sys, fd, folder, &why);
            (void)f->sys->close(f->sys, fd);
            if (why.code) {
                ff_verdict_set(v, "run-path", "it looks for libraries where %.400s",
                               why.reason);
            }
        }
    }
    if (v->code && !v->fix[0]) {
        ff_verdict_fix(v, "tell the plugin's author: link without -rpath; or patchelf "
                          "--remove-rpath");
    }
}

static void check_run_path(const struct ff_elf *f, char *folders, struct ff_verdict *v)
{
    while (folders && !v->code) {
        char *next = strchr(folders, ':');

        if (next) {
            *next++ = '\0';
        }
        check_folder(f, folders, v);
        folders = next;
    }
}

/* The name under which others could be given this file: its own, or no library's. With a '/'
 * it would be taken for another file; glibc compares it with paths. */
static void check_soname(const struct ff_elf *f, const char *soname, struct ff_verdict *v)
{
    if (strcmp(soname, f->name) != 0 &&
        (strchr(soname, '/') || strncmp(soname, "lib", 3) == 0 ||
         strncmp(soname, "ld-", 3) == 0)) {
        ff_verdict_set(v, "soname",
                       "it claims to be the library \"%.200s\": whoever needs that one "
                       "would get this",
                       soname);
        ff_verdict_fix(v, "tell the plugin's author: link without -soname");
    }
}

static void check_flags(const struct dynamic *d, struct ff_verdict *v)
{
    if (d->program) {
        ff_verdict_set(v, "not-elf", "it is a program, not a shared object");
    } else if (d->no_open) {
        ff_verdict_set(v, "not-elf", "it is marked as not to be loaded (-z nodlopen)");
    } else if (d->text_relocations) {
        ff_verdict_set(v, "writable-code",
                       "loading it would make its code writable (text relocations)");
        ff_verdict_fix(v, "tell the plugin's author: compile with -fPIC");
    }
}

void ff_elf_dynamic(const struct ff_elf *f, struct ff_verdict *v)
{
    struct dynamic d = {.strings = 0};
    char text[TEXT_BYTES];
    size_t i = 0;

    while (i < f->segment_count && f->segment[i].p_type != PT_DYNAMIC) {
        i++;
    }
    if (i == f->segment_count || !read_section(f, &f->segment[i], &d)) {
        ff_verdict_set(v, "not-elf", "damaged: it has no whole dynamic section");
        return;
    }
    check_flags(&d, v);
    if (!v->code && d.has_soname) {
        if (read_string(f, &d, d.soname, text)) {
            check_soname(f, text, v);
        } else {
            ff_verdict_set(v, "not-elf", "damaged: its SONAME cannot be read");
        }
    }
    if (!v->code && d.has_run_path) {
        if (read_string(f, &d, d.run_path, text)) {
            check_run_path(f, text, v);
        } else {
            ff_verdict_set(v, "not-elf", "damaged: its run path cannot be read");
        }
    }
}
