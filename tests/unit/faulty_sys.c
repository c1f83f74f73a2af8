/* SPDX-License-Identifier: Apache-2.0 */
/* faulty_sys.c: the table of system calls that counts, fails, shortens and intrudes. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "file_store.h"

static struct faulty *faulty_of(const struct ff_sys *s)
{
    return (struct faulty *)(uintptr_t)s;
}

/* Whether this call fails now: 0 or -errno. */
static int enter(struct faulty *f, enum sys_call call)
{
    bool hit;

    if (f->inside) {
        return 0;
    }
    f->counts[call]++;
    f->total++;
    if (f->before) {
        f->inside = true;
        f->before(f->before_ctx, call);
        f->inside = false;
    }
    hit = f->fault_at &&
          (f->one_kind < 0 ? f->total == f->fault_at
                           : f->one_kind == (int)call && f->counts[call] == f->fault_at);
    return hit ? f->fault_rc : f->always[call];
}

/* A call through the table: made unless it is to fail first. */
#define THROUGH(type, call, expression)                                                  \
    do {                                                                                 \
        struct faulty *f = faulty_of(s);                                                 \
        const struct ff_sys *k = &ff_sys_posix;                                          \
        (void)k;                                                                         \
        int rc = enter(f, call);                                                         \
        type made;                                                                       \
        if (rc && !f->done_first) {                                                      \
            return rc;                                                                   \
        }                                                                                \
        made = (expression);                                                             \
        return rc ? rc : made;                                                           \
    } while (0)

static size_t cut(const struct faulty *f, size_t size_bytes)
{
    return f->max_bytes && size_bytes > f->max_bytes ? f->max_bytes : size_bytes;
}

/* A descriptor whose number is lost must not stay open. */
static int lost(int rc, int fd)
{
    if (rc && fd >= 0) {
        (void)close(fd);
    }
    return rc ? rc : fd;
}

/* ---- a folder that does not tell case apart ---- */

/* ASCII letters, and those of Latin-1 in UTF-8 (0xc3 0x80 to 0xbe). */
static bool folds_to(const char *a, const char *b)
{
    size_t i = 0;

    for (; a[i] && b[i]; i++) {
        bool latin1 = i && a[i - 1] == '\xc3' && (a[i] | 0x20) == (b[i] | 0x20);

        if (!latin1 && strncasecmp(a + i, b + i, 1) != 0) {
            return false;
        }
    }
    return a[i] == b[i];
}

/* The name that the folder shows for this one, or the name itself. */
static const char *shown(const struct faulty *f, int dir_fd, const char *name,
                         char out[256])
{
    int fd = f->folds_case ? openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const char *found = name;

    for (struct dirent *d = dir ? readdir(dir) : NULL; d; d = readdir(dir)) {
        if (folds_to(d->d_name, name)) {
            found = strcpy(out, d->d_name);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
    return found;
}

#define SHOWN(dir_fd, name) shown(faulty_of(s), dir_fd, name, (char[256]){0})

static int w_openat(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                    mode_t mode)
{
    int rc = enter(faulty_of(s), SYS_OPENAT);

    if (rc && !faulty_of(s)->done_first) {
        return rc;
    }
    return lost(rc, ff_sys_posix.openat(s, dir_fd, SHOWN(dir_fd, path), flags, mode));
}

static int w_openat2(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                     mode_t mode, uint64_t resolve)
{
    int rc = enter(faulty_of(s), SYS_OPENAT2);

    if (rc && !faulty_of(s)->done_first) {
        return rc;
    }
    return lost(
        rc, ff_sys_posix.openat2(s, dir_fd, SHOWN(dir_fd, path), flags, mode, resolve));
}

/* Linux closes also when it says that it failed. */
static int w_close(const struct ff_sys *s, int fd)
{
    int rc = enter(faulty_of(s), SYS_CLOSE), made = ff_sys_posix.close(s, fd);

    return rc ? rc : made;
}

static ssize_t w_read(const struct ff_sys *s, int fd, void *data, size_t size)
{
    THROUGH(ssize_t, SYS_READ, k->read(k, fd, data, cut(f, size)));
}

static ssize_t w_write(const struct ff_sys *s, int fd, const void *data, size_t size)
{
    THROUGH(ssize_t, SYS_WRITE, k->write(k, fd, data, cut(f, size)));
}

static ssize_t w_pread(const struct ff_sys *s, int fd, void *data, size_t size,
                       int64_t at)
{
    THROUGH(ssize_t, SYS_PREAD, k->pread(k, fd, data, cut(f, size), at));
}

static ssize_t w_pwrite(const struct ff_sys *s, int fd, const void *data, size_t size,
                        int64_t at)
{
    THROUGH(ssize_t, SYS_PWRITE, k->pwrite(k, fd, data, cut(f, size), at));
}

static ssize_t w_preadv(const struct ff_sys *s, int fd, const struct iovec *parts,
                        int count, int64_t at)
{
    THROUGH(ssize_t, SYS_PREADV,
            f->max_bytes ? k->pread(k, fd, parts->iov_base, cut(f, parts->iov_len), at)
                         : k->preadv(k, fd, parts, count, at));
}

static ssize_t w_pwritev(const struct ff_sys *s, int fd, const struct iovec *parts,
                         int count, int64_t at)
{
    THROUGH(ssize_t, SYS_PWRITEV,
            f->max_bytes ? k->pwrite(k, fd, parts->iov_base, cut(f, parts->iov_len), at)
                         : k->pwritev(k, fd, parts, count, at));
}

static int64_t w_lseek(const struct ff_sys *s, int fd, int64_t offset, int whence)
{
    THROUGH(int64_t, SYS_LSEEK, k->lseek(k, fd, offset, whence));
}

static int w_fstat(const struct ff_sys *s, int fd, struct stat *out)
{
    THROUGH(int, SYS_FSTAT, k->fstat(k, fd, out));
}

static int w_fstatat(const struct ff_sys *s, int dir_fd, const char *path,
                     struct stat *out, int flags)
{
    THROUGH(int, SYS_FSTATAT, k->fstatat(k, dir_fd, SHOWN(dir_fd, path), out, flags));
}

static int w_fstatfs(const struct ff_sys *s, int fd, struct statfs *out)
{
    int rc = enter(faulty_of(s), SYS_FSTATFS);

    rc = rc ? rc : ff_sys_posix.fstatfs(s, fd, out);
    if (rc == 0 && faulty_of(s)->fs_type) {
        out->f_type = faulty_of(s)->fs_type;
    }
    return rc;
}

/* Whether it is called is what matters here: the disk is not waited for. */
static int w_fsync(const struct ff_sys *s, int fd)
{
    THROUGH(int, SYS_FSYNC, fcntl(fd, F_GETFD) < 0 ? -EBADF : 0);
}

static int w_fdatasync(const struct ff_sys *s, int fd)
{
    THROUGH(int, SYS_FDATASYNC, k->fdatasync(k, fd));
}

static int w_syncfs(const struct ff_sys *s, int fd)
{
    THROUGH(int, SYS_SYNCFS, fcntl(fd, F_GETFD) < 0 ? -EBADF : 0);
}

static int w_renameat2(const struct ff_sys *s, int from_fd, const char *from, int to_fd,
                       const char *to, unsigned flags)
{
    if (faulty_of(s)->no_flags && flags) {
        return -EINVAL;
    }
    THROUGH(
        int, SYS_RENAMEAT2,
        k->renameat2(k, from_fd, SHOWN(from_fd, from), to_fd, SHOWN(to_fd, to), flags));
}

static int w_linkat(const struct ff_sys *s, int from_fd, const char *from, int to_fd,
                    const char *to, int flags)
{
    THROUGH(int, SYS_LINKAT,
            k->linkat(k, from_fd, SHOWN(from_fd, from), to_fd, SHOWN(to_fd, to), flags));
}

static int w_unlinkat(const struct ff_sys *s, int dir_fd, const char *path, int flags)
{
    THROUGH(int, SYS_UNLINKAT, k->unlinkat(k, dir_fd, SHOWN(dir_fd, path), flags));
}

static int w_mkdirat(const struct ff_sys *s, int dir_fd, const char *path, mode_t mode)
{
    THROUGH(int, SYS_MKDIRAT, k->mkdirat(k, dir_fd, SHOWN(dir_fd, path), mode));
}

static int w_ftruncate(const struct ff_sys *s, int fd, int64_t size_bytes)
{
    THROUGH(int, SYS_FTRUNCATE, k->ftruncate(k, fd, size_bytes));
}

static int w_fallocate(const struct ff_sys *s, int fd, int mode, int64_t offset,
                       int64_t size)
{
    THROUGH(int, SYS_FALLOCATE, k->fallocate(k, fd, mode, offset, size));
}

static ssize_t w_getdents64(const struct ff_sys *s, int fd, void *data, size_t size)
{
    THROUGH(ssize_t, SYS_GETDENTS64,
            k->getdents64(k, fd, data,
                          f->dir_bytes && f->dir_bytes < size ? f->dir_bytes : size));
}

static int w_lock(const struct ff_sys *s, int fd, int command, struct flock *lock)
{
    THROUGH(int, SYS_LOCK, k->lock(k, fd, command, lock));
}

static int w_futimens(const struct ff_sys *s, int fd, const struct timespec times[2])
{
    THROUGH(int, SYS_FUTIMENS, k->futimens(k, fd, times));
}

static ssize_t w_getrandom(const struct ff_sys *s, void *data, size_t size,
                           unsigned flags)
{
    THROUGH(ssize_t, SYS_GETRANDOM, k->getrandom(k, data, size, flags));
}

void faulty_init(struct faulty *f)
{
    memset(f, 0, sizeof *f);
    f->sys = ff_sys_posix;
    f->sys.openat = w_openat;
    f->sys.openat2 = w_openat2;
    f->sys.close = w_close;
    f->sys.read = w_read;
    f->sys.write = w_write;
    f->sys.pread = w_pread;
    f->sys.pwrite = w_pwrite;
    f->sys.preadv = w_preadv;
    f->sys.pwritev = w_pwritev;
    f->sys.lseek = w_lseek;
    f->sys.fstat = w_fstat;
    f->sys.fstatat = w_fstatat;
    f->sys.fstatfs = w_fstatfs;
    f->sys.fsync = w_fsync;
    f->sys.fdatasync = w_fdatasync;
    f->sys.syncfs = w_syncfs;
    f->sys.renameat2 = w_renameat2;
    f->sys.linkat = w_linkat;
    f->sys.unlinkat = w_unlinkat;
    f->sys.mkdirat = w_mkdirat;
    f->sys.ftruncate = w_ftruncate;
    f->sys.fallocate = w_fallocate;
    f->sys.getdents64 = w_getdents64;
    f->sys.lock = w_lock;
    f->sys.futimens = w_futimens;
    f->sys.getrandom = w_getrandom;
    f->one_kind = -1;
}
