/* SPDX-License-Identifier: Apache-2.0 */
/* sys.c: the table over the kernel's own calls. Each function is one call and nothing
 * else. */
#include "sys.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a call of the C library returned, as the table has it. */
static ssize_t result(ssize_t rc)
{
    return rc < 0 ? -errno : rc;
}

static int small(int rc)
{
    return rc < 0 ? -errno : rc;
}

static int sys_openat(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                      mode_t mode)
{
    (void)s;
    return small(openat(dir_fd, path, flags | O_CLOEXEC, mode));
}

static int sys_openat2(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                       mode_t mode, uint64_t resolve)
{
    /* Unlike openat, it refuses a mode without O_CREAT. */
    bool creates = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .mode = creates ? mode : 0,
                           .resolve = resolve};

    (void)s;
    return small((int)syscall(SYS_openat2, dir_fd, path, &how, sizeof how));
}

static int sys_close(const struct ff_sys *s, int fd)
{
    (void)s;
    return small(close(fd));
}

static ssize_t sys_read(const struct ff_sys *s, int fd, void *data, size_t size_bytes)
{
    (void)s;
    return result(read(fd, data, size_bytes));
}

static ssize_t sys_write(const struct ff_sys *s, int fd, const void *data,
                         size_t size_bytes)
{
    (void)s;
    return result(write(fd, data, size_bytes));
}

static ssize_t sys_pread(const struct ff_sys *s, int fd, void *data, size_t size_bytes,
                         int64_t offset)
{
    (void)s;
    return result(pread(fd, data, size_bytes, offset));
}

static ssize_t sys_pwrite(const struct ff_sys *s, int fd, const void *data,
                          size_t size_bytes, int64_t offset)
{
    (void)s;
    return result(pwrite(fd, data, size_bytes, offset));
}

static ssize_t sys_preadv(const struct ff_sys *s, int fd, const struct iovec *parts,
                          int part_count, int64_t offset)
{
    (void)s;
    return result(preadv(fd, parts, part_count, offset));
}

static ssize_t sys_pwritev(const struct ff_sys *s, int fd, const struct iovec *parts,
                           int part_count, int64_t offset)
{
    (void)s;
    return result(pwritev(fd, parts, part_count, offset));
}

static int64_t sys_lseek(const struct ff_sys *s, int fd, int64_t offset, int whence)
{
    (void)s;
    return result(lseek(fd, offset, whence));
}

static int sys_fstat(const struct ff_sys *s, int fd, struct stat *out)
{
    (void)s;
    return small(fstat(fd, out));
}

static int sys_fstatat(const struct ff_sys *s, int dir_fd, const char *path,
                       struct stat *out, int flags)
{
    (void)s;
    return small(fstatat(dir_fd, path, out, flags));
}

static int sys_fstatfs(const struct ff_sys *s, int fd, struct statfs *out)
{
    (void)s;
    return small(fstatfs(fd, out));
}

static int sys_fsync(const struct ff_sys *s, int fd)
{
    (void)s;
    return small(fsync(fd));
}

static int sys_fdatasync(const struct ff_sys *s, int fd)
{
    (void)s;
    return small(fdatasync(fd));
}

static int sys_syncfs(const struct ff_sys *s, int fd)
{
    (void)s;
    return small(syncfs(fd));
}

static int sys_renameat2(const struct ff_sys *s, int old_dir_fd, const char *old_path,
                         int new_dir_fd, const char *new_path, unsigned flags)
{
    (void)s;
    return small(renameat2(old_dir_fd, old_path, new_dir_fd, new_path, flags));
}

static int sys_linkat(const struct ff_sys *s, int old_dir_fd, const char *old_path,
                      int new_dir_fd, const char *new_path, int flags)
{
    (void)s;
    return small(linkat(old_dir_fd, old_path, new_dir_fd, new_path, flags));
}

static int sys_unlinkat(const struct ff_sys *s, int dir_fd, const char *path, int flags)
{
    (void)s;
    return small(unlinkat(dir_fd, path, flags));
}

static int sys_mkdirat(const struct ff_sys *s, int dir_fd, const char *path, mode_t mode)
{
    (void)s;
    return small(mkdirat(dir_fd, path, mode));
}

static int sys_ftruncate(const struct ff_sys *s, int fd, int64_t size_bytes)
{
    (void)s;
    return small(ftruncate(fd, size_bytes));
}

static int sys_fallocate(const struct ff_sys *s, int fd, int mode, int64_t offset,
                         int64_t size_bytes)
{
    (void)s;
    return small(fallocate(fd, mode, offset, size_bytes));
}

static ssize_t sys_getdents64(const struct ff_sys *s, int fd, void *data,
                              size_t size_bytes)
{
    (void)s;
    return result(syscall(SYS_getdents64, fd, data, size_bytes));
}

static int sys_lock(const struct ff_sys *s, int fd, int command, struct flock *lock)
{
    (void)s;
    return small(fcntl(fd, command, lock));
}

static int sys_futimens(const struct ff_sys *s, int fd, const struct timespec times[2])
{
    (void)s;
    return small(futimens(fd, times));
}

static int sys_fchmod(const struct ff_sys *s, int fd, mode_t mode)
{
    (void)s;
    return small(fchmod(fd, mode));
}

static ssize_t sys_getrandom(const struct ff_sys *s, void *data, size_t size_bytes,
                             unsigned flags)
{
    (void)s;
    return result(getrandom(data, size_bytes, flags));
}

static int sys_clock_gettime(const struct ff_sys *s, clockid_t clock,
                             struct timespec *out)
{
    (void)s;
    return small(clock_gettime(clock, out));
}

static int sys_poll(const struct ff_sys *s, struct pollfd *fds, size_t fd_count,
                    int timeout_ms)
{
    (void)s;
    return small(poll(fds, fd_count, timeout_ms));
}

static int sys_eventfd(const struct ff_sys *s, unsigned initial, int flags)
{
    (void)s;
    return small(eventfd(initial, flags | EFD_CLOEXEC));
}

static int sys_map(const struct ff_sys *s, int fd, size_t size_bytes, const void **out)
{
    void *data = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    (void)s;
    *out = data == MAP_FAILED ? NULL : data;
    return data == MAP_FAILED ? -errno : 0;
}

static int sys_unmap(const struct ff_sys *s, const void *data, size_t size_bytes)
{
    (void)s;
    return small(munmap((void *)(uintptr_t)data, size_bytes));
}

static int sys_sealed(const struct ff_sys *s, const void *data, size_t size_bytes)
{
    int fd = memfd_create("functionfuse", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int code = fd < 0 ? -errno : ff_sys_write_all(s, fd, data, size_bytes);

    if (!code && fcntl(fd, F_ADD_SEALS,
                       F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
        code = -errno;
    }
    if (code && fd >= 0) {
        (void)close(fd);
    }
    return code ? code : fd;
}

const struct ff_sys ff_sys_posix = {
    .struct_size = offsetof(struct ff_sys, sealed) + sizeof ff_sys_posix.sealed,
    .openat = sys_openat,
    .openat2 = sys_openat2,
    .close = sys_close,
    .read = sys_read,
    .write = sys_write,
    .pread = sys_pread,
    .pwrite = sys_pwrite,
    .preadv = sys_preadv,
    .pwritev = sys_pwritev,
    .lseek = sys_lseek,
    .fstat = sys_fstat,
    .fstatat = sys_fstatat,
    .fstatfs = sys_fstatfs,
    .fsync = sys_fsync,
    .fdatasync = sys_fdatasync,
    .syncfs = sys_syncfs,
    .renameat2 = sys_renameat2,
    .linkat = sys_linkat,
    .unlinkat = sys_unlinkat,
    .mkdirat = sys_mkdirat,
    .ftruncate = sys_ftruncate,
    .fallocate = sys_fallocate,
    .getdents64 = sys_getdents64,
    .lock = sys_lock,
    .futimens = sys_futimens,
    .fchmod = sys_fchmod,
    .getrandom = sys_getrandom,
    .clock_gettime = sys_clock_gettime,
    .poll = sys_poll,
    .eventfd = sys_eventfd,
    .map = sys_map,
    .unmap = sys_unmap,
    .sealed = sys_sealed,
};
