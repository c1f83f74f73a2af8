/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.c: what is asked of a file before it is loaded. Constructors run inside dlopen, so all
 * of it comes before: suffix, regular file, owner and mode of the file and of every folder
 * above it (sudo's rule), then its ELF header.
 */
#include "core/gate.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/fileio.h"

enum { MAX_DEPTH = 256, NSS_BYTES = 16384, PATH_BYTES = 4096 };

void ff_verdict_set(struct ff_verdict *v, const char *code, const char *reason, ...)
{
    va_list ap;

    v->code = code;
    va_start(ap, reason);
    (void)vsnprintf(v->reason, sizeof v->reason, reason, ap);
    va_end(ap);
}

void ff_verdict_fix(struct ff_verdict *v, const char *fix, ...)
{
    va_list ap;

    va_start(ap, fix);
    (void)vsnprintf(v->fix, sizeof v->fix, fix, ap);
    va_end(ap);
}

static void add_owner(struct ff_trust *t, uid_t owner)
{
    if (t->owner_count < FF_TRUST_OWNERS) {
        t->owner[t->owner_count++] = owner;
    }
}

static void add_named_owner(struct ff_trust *t, const char *text)
{
    char *end, *memory;
    unsigned long number = strtoul(text, &end, 10);
    struct passwd entry, *found = NULL;

    if (*text >= '0' && *text <= '9' && !*end) {
        add_owner(t, (uid_t)number);
    } else if ((memory = ff_malloc(NSS_BYTES))) {
        if (!getpwnam_r(text, &entry, memory, NSS_BYTES, &found) && found) {
            add_owner(t, found->pw_uid);
        }
        ff_free(memory);
    }
}

/* The folders that hold the library, by going up. */
static void add_folders(struct ff_trust *t, const struct ff_sys *sys, const char *dir)
{
    int fd = ff_open_at(sys, AT_FDCWD, dir, O_PATH | O_DIRECTORY);
    struct stat st;

    while (fd >= 0 && !sys->fstat(sys, fd, &st) && t->folder_count < FF_TRUST_FOLDERS) {
        size_t n = t->folder_count;
        int up;

        if (n && t->folder[n - 1].dev == st.st_dev && t->folder[n - 1].ino == st.st_ino) {
            break; /* the root is its own parent */
        }
        t->folder[n].dev = st.st_dev;
        t->folder[n].ino = st.st_ino;
        t->folder_count++;
        up = ff_open_at(sys, fd, "..", O_PATH | O_DIRECTORY);
        (void)sys->close(sys, fd);
        fd = up;
    }
    if (fd >= 0) {
        (void)sys->close(sys, fd);
    }
}

/* Systems whose umask is 002 give each user a group of the same name; writable by that is
 * writable by us. Asked only when it matters: it may cost a question to a directory server. */
static int is_own_group(gid_t gid)
{
    char *memory = ff_malloc(2 * NSS_BYTES);
    struct passwd user, *me = NULL;
    struct group group, *mine = NULL;
    int own = memory && !getpwuid_r(geteuid(), &user, memory, NSS_BYTES, &me) && me &&
              me->pw_gid == gid &&
              !getgrgid_r(gid, &group, memory + NSS_BYTES, NSS_BYTES, &mine) && mine &&
              strcmp(mine->gr_name, me->pw_name) == 0 &&
              (!mine->gr_mem[0] ||
               (strcmp(mine->gr_mem[0], me->pw_name) == 0 && !mine->gr_mem[1]));

    ff_free(memory);
    return own;
}

void ff_trust_init(struct ff_trust *t, const struct ff_sys *sys, const char *library_dir,
                   const char *library, char *const *owners)
{
    struct stat st;

    memset(t, 0, sizeof *t);
    add_owner(t, 0);
    add_owner(t, geteuid());
    if (library && !sys->fstatat(sys, AT_FDCWD, library, &st, 0)) {
        add_owner(t, st.st_uid);
        t->writable = st.st_mode & 022;
        t->group = st.st_gid;
    }
    if (library_dir) {
        add_folders(t, sys, library_dir);
    }
    for (size_t i = 0; owners && owners[i]; i++) {
        add_named_owner(t, owners[i]);
    }
}

static int owner_trusted(const struct ff_trust *t, uid_t owner)
{
    for (size_t i = 0; i < t->owner_count; i++) {
        if (t->owner[i] == owner) {
            return 1;
        }
    }
    return 0;
}

/* Who else can write: 020, 002, both, or 0. */
static mode_t others_write(const struct ff_trust *t, const struct stat *st)
{
    mode_t bits = st->st_mode & 022;

    if (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX) {
        return 0; /* others cannot replace what is not theirs */
    }
    if (bits & 020 &&
        ((t->writable & 020 && st->st_gid == t->group) || is_own_group(st->st_gid))) {
        bits &= ~(mode_t)020;
    }
    return bits & ~(t->writable & 002);
}

void ff_trust_check(const struct ff_trust *t, const struct stat *st, const char *path,
                    struct ff_verdict *v)
{
    mode_t bits;

    if (!owner_trusted(t, st->st_uid)) {
        ff_verdict_set(v, "owner",
                       "%.300s belongs to user %lu: neither to root nor to us", path,
                       (unsigned long)st->st_uid);
        ff_verdict_fix(v, "chown root '%.180s', or add the user to \"owners\"", path);
    } else if ((bits = others_write(t, st))) {
        ff_verdict_set(v, "mode", "%.300s can be written by %s (mode %04o)", path,
                       bits & 002 ? "everybody" : "its group",
                       (unsigned)(st->st_mode & 07777));
        ff_verdict_fix(v, "chmod go-w '%.200s'", path);
    }
}

static int holds_library(const struct ff_trust *t, const struct stat *st)
{
    for (size_t i = 0; i < t->folder_count; i++) {
        if (t->folder[i].dev == st->st_dev && t->folder[i].ino == st->st_ino) {
            return 1;
        }
    }
    return 0;
}

/* `path` without its last part, when that is the same folder as `st`; else "path/..". */
static void name_parent(const struct ff_sys *sys, char path[PATH_BYTES],
                        const struct stat *st)
{
    char shorter[PATH_BYTES], *slash;
    struct stat other;
    size_t length = strlen(path);

    memcpy(shorter, path, length + 1);
    slash = strrchr(shorter, '/');
    if (slash) {
        slash[slash == shorter] = '\0';
        if (!sys->fstatat(sys, AT_FDCWD, shorter, &other, 0) &&
            other.st_ino == st->st_ino && other.st_dev == st->st_dev) {
            memcpy(path, shorter, strlen(shorter) + 1);
            return;
        }
    }
    if (length + 4 < PATH_BYTES) {
        memcpy(path + length, "/..", 4);
    }
}

static void unreadable(struct ff_verdict *v, const char *code, const char *path,
                       int number)
{
    ff_verdict_set(v, code, "%.300s cannot be read: %s", path, strerrordesc_np(-number));
    ff_verdict_fix(v, "look at '%.200s' and the folders above it: ls -ld", path);
}

void ff_trust_folder(const struct ff_trust *t, const struct ff_sys *sys, int dir_fd,
                     const char *path, struct ff_verdict *v)
{
    char at[PATH_BYTES];
    struct stat st, below = {0};
    int fd = ff_open_at(sys, dir_fd, ".", O_PATH | O_DIRECTORY);

    (void)snprintf(at, sizeof at, "%s", path);
    for (int depth = 0; !v->code && depth < MAX_DEPTH; depth++) {
        int code = fd < 0 ? fd : sys->fstat(sys, fd, &st);
        int up;

        if (code < 0) {
            unreadable(v, "directory", at, code);
            break;
        }
        if (holds_library(t, &st) ||
            (st.st_ino == below.st_ino && st.st_dev == below.st_dev)) {
            break;
        }
        if (depth) {
            name_parent(sys, at, &st);
        }
        ff_trust_check(t, &st, at, v);
        below = st;
        up = ff_open_at(sys, fd, "..", O_PATH | O_DIRECTORY);
        (void)sys->close(sys, fd);
        fd = up;
    }
    if (fd >= 0) {
        (void)sys->close(sys, fd);
    }
}

static int has_suffix(const char *name)
{
    size_t length = strlen(name);

    return name[0] != '.' && length > 3 && strcmp(name + length - 3, ".so") == 0;
}

static const char *type_text(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISLNK(mode)  ? "a symbolic link"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
                            : "a device";
}

/* Open a regular file without following links or waiting for a pipe. */
static int open_regular(const struct ff_sys *sys, int dir_fd, const char *path,
                        const char *name, struct stat *st, struct ff_verdict *v)
{
    int code = sys->fstatat(sys, dir_fd, name, st, AT_SYMLINK_NOFOLLOW);
    int fd = code;

    if (!code && S_ISREG(st->st_mode)) {
        fd = ff_open_at(sys, dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        code = fd < 0 ? fd : sys->fstat(sys, fd, st);
    }
    if (!code && !S_ISREG(st->st_mode)) {
        ff_verdict_set(v, "not-regular", "it is %s, not a file", type_text(st->st_mode));
        if (S_ISLNK(st->st_mode)) {
            ff_verdict_fix(v, "put the file itself there: ff plugin install '%.180s'",
                           path);
        } else {
            ff_verdict_fix(v, "remove it");
        }
    } else if (code < 0) {
        unreadable(v, code == -EACCES || code == -EPERM ? "mode" : "dlopen", path, code);
        ff_verdict_fix(v, code == -EACCES ? "chmod a+r '%.200s'" : "look at '%.200s'",
                       path);
    }
    if (v->code && fd >= 0) {
        (void)sys->close(sys, fd);
    }
    return v->code ? -1 : fd;
}

void ff_gate_check(const struct ff_trust *t, const struct ff_sys *sys, int dir_fd,
                   const char *dir, const char *name, struct ff_gate *g)
{
    struct ff_verdict *v = &g->verdict;
    uint8_t first[FF_GATE_BYTES];
    char path[PATH_BYTES];
    struct stat st;
    ssize_t got;
    int fd;

    memset(g, 0, offsetof(struct ff_gate, text));
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    if (!has_suffix(name)) {
        ff_verdict_set(v, "suffix", "its name does not end in \".so\"");
        ff_verdict_fix(v, "nothing, unless it is a plugin: then give it the suffix .so");
        return;
    }
    if ((fd = open_regular(sys, dir_fd, path, name, &st, v)) < 0) {
        return;
    }
    g->dev = st.st_dev;
    g->ino = st.st_ino;
    g->size_bytes = (uint64_t)st.st_size;
    g->changed = st.st_ctim;
    got = ff_read_start(sys, fd, first, sizeof first);
    if (got < 0) {
        unreadable(v, "dlopen", path, (int)got);
    } else {
        ff_elf_check(t, sys, fd, name, g->size_bytes, first, (size_t)got, g);
    }
    (void)sys->close(sys, fd);
    /* Also of a file that is not trusted the name is known, so that whoever misses the plugin
     * is told why. */
    ff_trust_check(t, &st, path, v);
}
