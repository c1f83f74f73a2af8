/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h: what is asked of a file before it is loaded: loading it runs its code. */
#ifndef FF_CORE_GATE_H
#define FF_CORE_GATE_H

#include <functionfuse/plugin.h>
#include "core/base/sys.h"

enum {
    FF_TRUST_FOLDERS = 64,
    FF_TRUST_OWNERS = 16,
    FF_NOTES_MAX = 8,
    FF_GATE_BYTES = 4096
};

/* Whose files may be loaded. Whoever can write to this library, or to a folder above it, owns
 * the process already: what is as protected as that is protected enough. */
struct ff_trust {
    uid_t owner
        [FF_TRUST_OWNERS]; /* root, us, the library's owner, who the configuration says */
    size_t owner_count;
    mode_t writable; /* bits of 022 that the library's own file has */
    gid_t group;     /* with 020 in `writable`: of this group */
    struct {
        dev_t dev;
        ino_t ino;
    } folder[FF_TRUST_FOLDERS]; /* that hold the library, up to the root */
    size_t folder_count;
};

/* Why a file or folder is not taken. */
struct ff_verdict {
    const char *code; /* of struct ff_plugin_row, static; NULL = taken */
    char reason[512];
    char fix[256];
};

/* One note of a plugin: texts in struct ff_gate. */
struct ff_note {
    const char *kind, *name, *version, *classes;
    const char *facts; /* further lines; "" = none */
};

/* What is known of a file that was not loaded. */
struct ff_gate {
    struct ff_verdict verdict;
    dev_t dev;
    ino_t ino;
    uint64_t size_bytes;
    struct timespec changed; /* ctime */
    struct ff_note note[FF_NOTES_MAX];
    size_t note_count;
    char text[FF_GATE_BYTES]; /* of the notes */
};

void ff_verdict_set(struct ff_verdict *, const char *code, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));
void ff_verdict_fix(struct ff_verdict *, const char *fix, ...)
    __attribute__((format(printf, 2, 3)));

/* `library_dir`: where the library lies, or NULL; `library`: its path. `owners`: from the
 * configuration, NULL-ended, user names or numbers. */
void ff_trust_init(struct ff_trust *, const struct ff_sys *, const char *library_dir,
                   const char *library, char *const *owners);
/* Whether one file or folder is trusted by its owner and mode. */
void ff_trust_check(const struct ff_trust *, const struct stat *, const char *path,
                    struct ff_verdict *);
/* A folder and those above it. */
void ff_trust_folder(const struct ff_trust *, const struct ff_sys *, int dir_fd,
                     const char *path, struct ff_verdict *);

/* A file of an open folder: its kind, owner and mode, its ELF header and notes. Opens it with
 * O_NOFOLLOW and never blocks. */
void ff_gate_check(const struct ff_trust *, const struct ff_sys *, int dir_fd,
                   const char *dir, const char *name, struct ff_gate *);
/* elf.c: the ELF header, the segments, the notes, what it asks of the linker. `name`: the
 * file's; `first`: its first bytes; `trust` NULL: the folders of its run path are not asked. */
void ff_elf_check(const struct ff_trust *, const struct ff_sys *, int fd,
                  const char *name, uint64_t size_bytes, const uint8_t *first,
                  size_t first_bytes, struct ff_gate *g);

#endif
