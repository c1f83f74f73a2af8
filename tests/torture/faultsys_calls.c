/* SPDX-License-Identifier: Apache-2.0 */
/* faultsys_calls.c: one function a system call: fault_enter() counts it and says whether it
 * fails, the inner table does it, fault_record() keeps what changed the file system. */
#include <dirent.h>
#include <errno.h>
#include <linux/fs.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "faultsys_own.h"

/* ---- opening and closing ---- */

static int open_op(int op, int flags)
{
    return flags & O_CREAT ? OP_CREATE : op;
}

static int f_openat(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                    mode_t mode)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, open_op(OP_OPENAT, flags), dir_fd);
    int rc = t.fail ? t.fail : f->inner->openat(f->inner, dir_fd, path, flags, mode);

    if (rc >= 0) {
        fault_record(f, open_op(OP_OPENAT, flags), dir_fd, path, -1, NULL, flags, rc);
    }
    fault_leave(f, &t);
    return rc;
}

static int f_openat2(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                     mode_t mode, uint64_t resolve)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, open_op(OP_OPENAT2, flags), dir_fd);
    int rc = t.fail ? t.fail
             : f->rule.no_openat2
                 ? -ENOSYS
                 : f->inner->openat2(f->inner, dir_fd, path, flags, mode, resolve);

    if (rc >= 0) {
        fault_record(f, open_op(OP_OPENAT2, flags), dir_fd, path, -1, NULL, flags, rc);
    }
    fault_leave(f, &t);
    return rc;
}

/* Linux closes also when it reports a failure. */
static int f_close(const struct ff_sys *s, int fd)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_CLOSE, fd);
    int rc = f->inner->close(f->inner, fd);

    fault_record(f, OP_CLOSE, fd, NULL, -1, NULL, 0, 0);
    fault_leave(f, &t);
    return t.fail ? t.fail : rc;
}

/* ---- reading and writing ---- */

static ssize_t f_read(const struct ff_sys *s, int fd, void *data, size_t size_bytes)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_READ, fd);

    return t.fail ? t.fail
                  : f->inner->read(f->inner, fd, data, fault_shorter(&t, size_bytes));
}

static ssize_t f_write(const struct ff_sys *s, int fd, const void *data,
                       size_t size_bytes)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_WRITE, fd);
    int64_t at = t.locked ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t rc = t.fail
                     ? t.fail
                     : f->inner->write(f->inner, fd, data, fault_shorter(&t, size_bytes));

    if (rc > 0) {
        fault_record_data(f, OP_PWRITE, fd, at, data, (size_t)rc);
    }
    fault_leave(f, &t);
    return rc;
}

static ssize_t f_pread(const struct ff_sys *s, int fd, void *data, size_t size_bytes,
                       int64_t offset)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_PREAD, fd);

    return t.fail ? t.fail
                  : f->inner->pread(f->inner, fd, data, fault_shorter(&t, size_bytes),
                                    offset);
}

static ssize_t f_pwrite(const struct ff_sys *s, int fd, const void *data,
                        size_t size_bytes, int64_t offset)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_PWRITE, fd);
    ssize_t rc = t.fail ? t.fail
                        : f->inner->pwrite(f->inner, fd, data,
                                           fault_shorter(&t, size_bytes), offset);

    if (rc > 0) {
        fault_record_data(f, OP_PWRITE, fd, offset, data, (size_t)rc);
    }
    fault_leave(f, &t);
    return rc;
}

static ssize_t f_preadv(const struct ff_sys *s, int fd, const struct iovec *parts,
                        int part_count, int64_t offset)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_PREADV, fd);

    if (t.shorten && part_count > 0) {
        return f->inner->pread(f->inner, fd, parts[0].iov_base,
                               fault_shorter(&t, parts[0].iov_len), offset);
    }
    return t.fail ? t.fail : f->inner->preadv(f->inner, fd, parts, part_count, offset);
}

static void record_parts(struct faultsys *f, int fd, const struct iovec *parts,
                         int64_t offset, ssize_t done)
{
    for (int i = 0; done > 0; i++) {
        size_t n = parts[i].iov_len < (size_t)done ? parts[i].iov_len : (size_t)done;

        fault_record_data(f, OP_PWRITE, fd, offset, parts[i].iov_base, n);
        offset += (int64_t)n;
        done -= (ssize_t)n;
    }
}

static ssize_t f_pwritev(const struct ff_sys *s, int fd, const struct iovec *parts,
                         int part_count, int64_t offset)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_PWRITEV, fd);
    ssize_t rc = t.fail;

    if (!rc && t.shorten && part_count > 0) {
        rc = f->inner->pwrite(f->inner, fd, parts[0].iov_base,
                              fault_shorter(&t, parts[0].iov_len), offset);
    } else if (!rc) {
        rc = f->inner->pwritev(f->inner, fd, parts, part_count, offset);
    }
    record_parts(f, fd, parts, offset, rc);
    fault_leave(f, &t);
    return rc;
}

static int64_t f_lseek(const struct ff_sys *s, int fd, int64_t offset, int whence)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_LSEEK, fd);

    return t.fail ? t.fail : f->inner->lseek(f->inner, fd, offset, whence);
}

/* ---- looking ---- */

static int f_fstat(const struct ff_sys *s, int fd, struct stat *out)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FSTAT, fd);

    return t.fail ? t.fail : f->inner->fstat(f->inner, fd, out);
}

static int f_fstatat(const struct ff_sys *s, int dir_fd, const char *path,
                     struct stat *out, int flags)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FSTATAT, dir_fd);

    return t.fail ? t.fail : f->inner->fstatat(f->inner, dir_fd, path, out, flags);
}

static int f_fstatfs(const struct ff_sys *s, int fd, struct statfs *out)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FSTATFS, fd);

    return t.fail ? t.fail : f->inner->fstatfs(f->inner, fd, out);
}

/* Takes the records of intents out of what the kernel gave. */
static ssize_t without_intents(char *data, ssize_t size)
{
    ssize_t kept = 0;

    for (ssize_t at = 0; at < size;) {
        struct dirent64 *d = (struct dirent64 *)(void *)(data + at);
        ssize_t length = d->d_reclen;

        if (strncmp(d->d_name, ".ff-tmp-", 8) != 0) {
            memmove(data + kept, d, (size_t)length);
            kept += length;
        }
        at += length;
    }
    return kept;
}

static ssize_t f_getdents64(const struct ff_sys *s, int fd, void *data, size_t size_bytes)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_GETDENTS64, fd);
    ssize_t rc = t.fail ? t.fail : f->inner->getdents64(f->inner, fd, data, size_bytes);

    return f->rule.hide_intents && rc > 0 ? without_intents(data, rc) : rc;
}

/* ---- syncing ---- */

static int sync_call(const struct ff_sys *s, int fd, int op,
                     int (*call)(const struct ff_sys *, int))
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, op, fd);
    int rc = t.fail ? t.fail : t.drop ? 0 : call(f->inner, fd);

    if (!t.drop && rc != -EINTR) {
        fault_record(f, op, fd, NULL, -1, NULL, f->armed, rc);
    }
    fault_leave(f, &t);
    return rc;
}

static int f_fsync(const struct ff_sys *s, int fd)
{
    return sync_call(s, fd, OP_FSYNC, fault_of(s)->inner->fsync);
}

static int f_fdatasync(const struct ff_sys *s, int fd)
{
    return sync_call(s, fd, OP_FDATASYNC, fault_of(s)->inner->fdatasync);
}

static int f_syncfs(const struct ff_sys *s, int fd)
{
    return sync_call(s, fd, OP_SYNCFS, fault_of(s)->inner->syncfs);
}

/* ---- names ---- */

static void sync_late(struct faultsys *f)
{
    if (f->late_fd >= 0) {
        fault_record(f, OP_FSYNC, f->late_fd, NULL, -1, NULL, 0, fsync(f->late_fd));
        (void)close(f->late_fd);
        f->late_fd = -1;
    }
}

static int f_renameat2(const struct ff_sys *s, int old_fd, const char *old_path,
                       int new_fd, const char *new_path, unsigned flags)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_RENAMEAT2, old_fd);
    int rc = t.fail;

    if (f->rule.no_flags && flags) {
        rc = rc ? rc : -EINVAL;
    }
    if (f->rule.plain_rename && flags == RENAME_EXCHANGE) {
        flags = 0;
    }
    rc = rc ? rc
            : f->inner->renameat2(f->inner, old_fd, old_path, new_fd, new_path, flags);
    if (rc == 0) {
        fault_record(f, OP_RENAMEAT2, old_fd, old_path, new_fd, new_path, (int)flags, 0);
        sync_late(f);
        f->rule.drop_twin &= !*f->dropped;
        if (f->armed && f->rule.kill_behind_rename) {
            (void)kill(getpid(), SIGKILL);
        }
    }
    fault_leave(f, &t);
    return rc;
}

static int f_linkat(const struct ff_sys *s, int old_fd, const char *old_path, int new_fd,
                    const char *new_path, int flags)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_LINKAT, old_fd);
    int rc = t.fail
                 ? t.fail
                 : f->inner->linkat(f->inner, old_fd, old_path, new_fd, new_path, flags);

    if (rc == 0) {
        fault_record(f, OP_LINKAT, old_fd, old_path, new_fd, new_path, flags, 0);
    }
    fault_leave(f, &t);
    return rc;
}

static int f_unlinkat(const struct ff_sys *s, int dir_fd, const char *path, int flags)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_UNLINKAT, dir_fd);
    int rc = t.fail ? t.fail : f->inner->unlinkat(f->inner, dir_fd, path, flags);

    if (rc == 0) {
        fault_record(f, OP_UNLINKAT, dir_fd, path, -1, NULL, flags, 0);
    }
    fault_leave(f, &t);
    return rc;
}

static int f_mkdirat(const struct ff_sys *s, int dir_fd, const char *path, mode_t mode)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_MKDIRAT, dir_fd);
    int rc = t.fail ? t.fail : f->inner->mkdirat(f->inner, dir_fd, path, mode);

    if (rc == 0) {
        fault_record(f, OP_MKDIRAT, dir_fd, path, -1, NULL, 0, 0);
    }
    fault_leave(f, &t);
    return rc;
}

/* ---- sizes and the rest ---- */

static int f_ftruncate(const struct ff_sys *s, int fd, int64_t size_bytes)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FTRUNCATE, fd);
    int rc = t.fail ? t.fail : f->inner->ftruncate(f->inner, fd, size_bytes);

    if (rc == 0) {
        fault_record_data(f, OP_FTRUNCATE, fd, size_bytes, NULL, 0);
    }
    fault_leave(f, &t);
    return rc;
}

static int f_fallocate(const struct ff_sys *s, int fd, int mode, int64_t offset,
                       int64_t size_bytes)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FALLOCATE, fd);
    int rc =
        t.fail ? t.fail : f->inner->fallocate(f->inner, fd, mode, offset, size_bytes);

    if (rc == 0) {
        fault_record_data(f, OP_FALLOCATE, fd, offset + size_bytes, NULL, 0);
    }
    fault_leave(f, &t);
    return rc;
}

static int f_lock(const struct ff_sys *s, int fd, int command, struct flock *lock)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_LOCK, fd);

    if (f->rule.no_locks) {
        return -ENOLCK;
    }
    return t.fail ? t.fail : f->inner->lock(f->inner, fd, command, lock);
}

static int f_futimens(const struct ff_sys *s, int fd, const struct timespec times[2])
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FUTIMENS, fd);
    int rc = t.fail ? t.fail : f->inner->futimens(f->inner, fd, times);

    fault_leave(f, &t);
    return rc;
}

static int f_fchmod(const struct ff_sys *s, int fd, mode_t mode)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_FCHMOD, fd);

    return t.fail ? t.fail : f->inner->fchmod(f->inner, fd, mode);
}

static ssize_t f_getrandom(const struct ff_sys *s, void *data, size_t size_bytes,
                           unsigned flags)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_GETRANDOM, -1);

    return t.fail ? t.fail
                  : f->inner->getrandom(f->inner, data, fault_shorter(&t, size_bytes),
                                        flags);
}

static int f_clock_gettime(const struct ff_sys *s, clockid_t clock, struct timespec *out)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_CLOCK_GETTIME, -1);

    return t.fail ? t.fail : f->inner->clock_gettime(f->inner, clock, out);
}

static int f_poll(const struct ff_sys *s, struct pollfd *fds, size_t fd_count,
                  int timeout_ms)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_POLL, -1);

    return t.fail ? t.fail : f->inner->poll(f->inner, fds, fd_count, timeout_ms);
}

static int f_eventfd(const struct ff_sys *s, unsigned initial, int flags)
{
    struct faultsys *f = fault_of(s);
    struct fault_turn t = fault_enter(f, OP_EVENTFD, -1);

    return t.fail ? t.fail : f->inner->eventfd(f->inner, initial, flags);
}

/* Only files of the caller's are mapped, never what a store holds: no turn for these. */
static int f_map(const struct ff_sys *s, int fd, size_t size_bytes, const void **out)
{
    struct faultsys *f = fault_of(s);

    return f->inner->map(f->inner, fd, size_bytes, out);
}

static int f_unmap(const struct ff_sys *s, const void *data, size_t size_bytes)
{
    struct faultsys *f = fault_of(s);

    return f->inner->unmap(f->inner, data, size_bytes);
}

const struct ff_sys fault_table = {
    .openat = f_openat,
    .openat2 = f_openat2,
    .close = f_close,
    .read = f_read,
    .write = f_write,
    .pread = f_pread,
    .pwrite = f_pwrite,
    .preadv = f_preadv,
    .pwritev = f_pwritev,
    .lseek = f_lseek,
    .fstat = f_fstat,
    .fstatat = f_fstatat,
    .fstatfs = f_fstatfs,
    .fsync = f_fsync,
    .fdatasync = f_fdatasync,
    .syncfs = f_syncfs,
    .renameat2 = f_renameat2,
    .linkat = f_linkat,
    .unlinkat = f_unlinkat,
    .mkdirat = f_mkdirat,
    .ftruncate = f_ftruncate,
    .fallocate = f_fallocate,
    .getdents64 = f_getdents64,
    .lock = f_lock,
    .futimens = f_futimens,
    .fchmod = f_fchmod,
    .getrandom = f_getrandom,
    .clock_gettime = f_clock_gettime,
    .poll = f_poll,
    .eventfd = f_eventfd,
    .map = f_map,
    .unmap = f_unmap,
};
