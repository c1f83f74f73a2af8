/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.c: what a shared object says of itself before it runs: elf(5). Every number in it is
 * checked against the file's size; the linker's own loader trusts them and dies of SIGBUS.
 */
#include "core/elf_own.h"

#include "core/base/checked.h"

extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

#define ADDRESSES_MAX (UINT64_C(1) << 32) /* more than any plugin takes */

#if UINTPTR_MAX == UINT64_MAX
#define OWN_CLASS ELFCLASS64
#else
#define OWN_CLASS ELFCLASS32
#endif

int ff_elf_fetch(const struct ff_elf *f, uint64_t offset, void *dst, size_t size_bytes)
{
    if (offset <= f->first_bytes && size_bytes <= f->first_bytes - offset) {
        memcpy(dst, f->first + offset, size_bytes);
        return 0;
    }
    return ff_sys_pread_all(f->sys, f->fd, dst, size_bytes, (int64_t)offset);
}

static int within(uint64_t offset, uint64_t bytes, uint64_t size_bytes)
{
    uint64_t end;

    return ff_add_u64(offset, bytes, &end) && end <= size_bytes && end <= INT64_MAX;
}

static int check_header(const struct ff_elf *f, ElfW(Ehdr) * h, struct ff_verdict *v)
{
    const ElfW(Ehdr) *own = &__ehdr_start;

    if (f->first_bytes < sizeof *h || memcmp(f->first, ELFMAG, SELFMAG) != 0) {
        ff_verdict_set(v, "not-elf", "it is not a shared object: no ELF header");
        return 0;
    }
    memcpy(h, f->first, sizeof *h);
    if (h->e_ident[EI_CLASS] != OWN_CLASS ||
        h->e_ident[EI_DATA] != own->e_ident[EI_DATA] || h->e_machine != own->e_machine) {
        ff_verdict_set(
            v, "wrong-arch",
            "built for another kind of machine: ELF class %d, machine %d; this "
            "one has class %d, machine %d",
            h->e_ident[EI_CLASS], h->e_machine, OWN_CLASS, own->e_machine);
        ff_verdict_fix(v, "get or build the plugin for this machine");
        return 0;
    }
    if (h->e_type != ET_DYN) {
        ff_verdict_set(v, "not-elf", "ELF, but not a shared object (type %d)", h->e_type);
        return 0;
    }
    if (h->e_phentsize != sizeof(ElfW(Phdr)) || !h->e_phnum ||
        h->e_phnum > FF_ELF_SEGMENTS ||
        !within(h->e_phoff, (uint64_t)h->e_phnum * sizeof(ElfW(Phdr)), f->size_bytes)) {
        ff_verdict_set(v, "not-elf", "damaged: its program headers are not in the file");
        return 0;
    }
    return 1;
}

/* Cut "kind\nname\nversion\nclasses" and what may stand behind it into its parts, in place. */
static int split_note(char *text, struct ff_note *note)
{
    char *part[4], *at = text;

    for (int i = 0; i < 4; i++) {
        part[i] = at;
        at += strcspn(at, "\n");
        if (i < 3 && *at != '\n') {
            return 0;
        }
        if (*at) {
            *at++ = '\0';
        }
    }
    note->kind = part[0];
    note->name = part[1];
    note->version = part[2];
    note->classes = part[3];
    note->facts = at;
    return strcmp(note->kind, "serializer") == 0 || strcmp(note->kind, "protocol") == 0;
}

/* Our notes in the notes of a segment, which are in `notes`: name, text, each padded to 4. */
static void read_notes(const uint8_t *notes, size_t bytes, struct ff_gate *g,
                       size_t *used)
{
    size_t at = 0;

    while (bytes - at >= sizeof(ElfW(Nhdr)) && g->note_count < FF_NOTES_MAX) {
        ElfW(Nhdr) h;
        size_t name_bytes, text_bytes;
        char *text = g->text + *used;

        memcpy(&h, notes + at, sizeof h);
        at += sizeof h;
        name_bytes = ((size_t)h.n_namesz + 3) & ~(size_t)3;
        text_bytes = ((size_t)h.n_descsz + 3) & ~(size_t)3;
        if (name_bytes > bytes - at || text_bytes > bytes - at - name_bytes) {
            return;
        }
        if (h.n_type == FF_NOTE_TYPE && h.n_namesz == sizeof FF_NOTE_NAME &&
            memcmp(notes + at, FF_NOTE_NAME, sizeof FF_NOTE_NAME) == 0 &&
            text_bytes < sizeof g->text - *used) {
            memcpy(text, notes + at + name_bytes, h.n_descsz);
            text[h.n_descsz] = '\0';
            if (split_note(text, &g->note[g->note_count])) {
                g->note_count++;
                *used += h.n_descsz + 1;
            }
        }
        at += name_bytes + text_bytes;
    }
}

/* One segment: it lies in the file; its notes are read. */
static int check_segment(const struct ff_elf *f, const ElfW(Phdr) * p, struct ff_gate *g,
                         size_t *used)
{
    uint8_t notes[FF_GATE_BYTES];

    if ((p->p_type == PT_LOAD || p->p_type == PT_NOTE || p->p_type == PT_DYNAMIC) &&
        !within(p->p_offset, p->p_filesz, f->size_bytes)) {
        ff_verdict_set(&g->verdict, "not-elf",
                       "damaged: a part of it ends at byte %llu, the file at byte %llu",
                       (unsigned long long)p->p_offset + p->p_filesz,
                       (unsigned long long)f->size_bytes);
        return 0;
    }
    if (p->p_type == PT_NOTE && p->p_filesz <= sizeof notes &&
        !ff_elf_fetch(f, p->p_offset, notes, (size_t)p->p_filesz)) {
        read_notes(notes, (size_t)p->p_filesz, g, used);
    }
    return 1;
}

/* Segments are mapped in order, each at its own addresses: elf(5). The linker takes all of it
 * on trust. */
static void check_load(const ElfW(Phdr) * p, uint64_t *end, struct ff_verdict *v)
{
    uint64_t align = p->p_align ? p->p_align : 1, stop;

    if (p->p_filesz > p->p_memsz || align & (align - 1) ||
        (p->p_vaddr - p->p_offset) & (align - 1) || p->p_vaddr < *end ||
        !ff_add_u64(p->p_vaddr, p->p_memsz, &stop) || stop > ADDRESSES_MAX) {
        ff_verdict_set(v, "not-elf", "damaged: its segments overlap or are misplaced");
        return;
    }
    if ((p->p_flags & (PF_W | PF_X)) == (PF_W | PF_X)) {
        ff_verdict_set(v, "writable-code", "it has memory that is code and writable");
        ff_verdict_fix(v, "tell the plugin's author: build it without -z wxneeded or -N");
    }
    *end = stop;
}

/* What the segments say together. */
static void check_segments(const struct ff_elf *f, struct ff_verdict *v)
{
    int executable_stack = 1; /* what the system takes when nothing is said */
    uint64_t end = 0;

    for (size_t i = 0; i < f->segment_count && !v->code; i++) {
        const ElfW(Phdr) *p = &f->segment[i];

        if (p->p_type == PT_LOAD) {
            check_load(p, &end, v);
        } else if (p->p_type == PT_GNU_STACK) {
            executable_stack = (p->p_flags & PF_X) != 0;
        }
    }
    if (!v->code && !end) {
        ff_verdict_set(v, "not-elf", "damaged: nothing of it would be loaded");
    } else if (!v->code && executable_stack) {
        ff_verdict_set(v, "writable-code", "it wants an executable stack");
        ff_verdict_fix(v, "tell the plugin's author: link with -z noexecstack");
    }
}

static void check_file(struct ff_elf *f, struct ff_gate *g)
{
    ElfW(Ehdr) h;
    size_t used = 0;

    if (!check_header(f, &h, &g->verdict)) {
        return;
    }
    for (; f->segment_count < h.e_phnum; f->segment_count++) {
        ElfW(Phdr) *p = &f->segment[f->segment_count];

        if (ff_elf_fetch(f, h.e_phoff + f->segment_count * sizeof *p, p, sizeof *p)) {
            ff_verdict_set(&g->verdict, "not-elf", "its program headers cannot be read");
            return;
        }
        if (!check_segment(f, p, g, &used)) {
            return;
        }
    }
    check_segments(f, &g->verdict);
    if (!g->verdict.code) {
        ff_elf_dynamic(f, &g->verdict);
    }
}

void ff_elf_check(const struct ff_trust *trust, const struct ff_sys *sys, int fd,
                  const char *name, uint64_t size_bytes, const uint8_t *first,
                  size_t first_bytes, struct ff_gate *g)
{
    struct ff_elf f = {.sys = sys,
                       .trust = trust,
                       .fd = fd,
                       .name = name,
                       .size_bytes = size_bytes,
                       .first = first,
                       .first_bytes = first_bytes};

    check_file(&f, g);
    if (g->verdict.code && !g->verdict.fix[0]) {
        ff_verdict_fix(&g->verdict, "copy or build it again, or remove it");
    }
}
