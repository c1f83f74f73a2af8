/* SPDX-License-Identifier: Apache-2.0 */
/* sys_io.c: whole transfers, opening beneath a directory, random bytes. */
#include "sys.h"

#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>

#include "checked.h"

enum direction { READ, WRITE };

/* What one transfer's result means for the loop: 1 go on, else how it ends. */
static int judge(ssize_t got, enum direction way)
{
    if (got == -EINTR || got > 0) {
        return 1;
    }
    if (got < 0) {
        return (int)got;
    }
    return way == READ ? -ENODATA : -EIO;
}

int ff_sys_read_all(const struct ff_sys *sys, int fd, void *data, size_t size_bytes)
{
    uint8_t *at = data;
    int rc = 1;

    while (size_bytes > 0 && rc == 1) {
        ssize_t got = sys->read(sys, fd, at, size_bytes);

        rc = judge(got, READ);
        at += got > 0 ? got : 0;
        size_bytes -= got > 0 ? (size_t)got : 0;
    }
    return rc == 1 ? 0 : rc;
}

int ff_sys_write_all(const struct ff_sys *sys, int fd, const void *data,
                     size_t size_bytes)
{
    const uint8_t *at = data;
    int rc = 1;

    while (size_bytes > 0 && rc == 1) {
        ssize_t got = sys->write(sys, fd, at, size_bytes);

        rc = judge(got, WRITE);
        at += got > 0 ? got : 0;
        size_bytes -= got > 0 ? (size_t)got : 0;
    }
    return rc == 1 ? 0 : rc;
}

static bool range_fits(int64_t offset, size_t size_bytes)
{
    int64_t end;

    return offset >= 0 && ff_u64_to_i64(size_bytes, &end) &&
           ff_add_i64(offset, end, &end);
}

int ff_sys_pread_all(const struct ff_sys *sys, int fd, void *data, size_t size_bytes,
                     int64_t offset)
{
    uint8_t *at = data;
    int rc = range_fits(offset, size_bytes) ? 1 : -EINVAL;

    while (size_bytes > 0 && rc == 1) {
        ssize_t got = sys->pread(sys, fd, at, size_bytes, offset);

        rc = judge(got, READ);
        if (got > 0) {
            at += got;
            offset += got;
            size_bytes -= (size_t)got;
        }
    }
    return rc == 1 ? 0 : rc;
}

int ff_sys_pwrite_all(const struct ff_sys *sys, int fd, const void *data,
                      size_t size_bytes, int64_t offset)
{
    const uint8_t *at = data;
    int rc = range_fits(offset, size_bytes) ? 1 : -EINVAL;

    while (size_bytes > 0 && rc == 1) {
        ssize_t got = sys->pwrite(sys, fd, at, size_bytes, offset);

        rc = judge(got, WRITE);
        if (got > 0) {
            at += got;
            offset += got;
            size_bytes -= (size_t)got;
        }
    }
    return rc == 1 ? 0 : rc;
}

/* Takes `done_bytes`, and parts that are or were empty, off the front. */
static void parts_advance(struct iovec **parts, size_t *part_count, size_t done_bytes)
{
    while (*part_count > 0 && done_bytes >= (*parts)->iov_len) {
        done_bytes -= (*parts)->iov_len;
        (*parts)++;
        (*part_count)--;
    }
    if (*part_count > 0) {
        (*parts)->iov_base = (uint8_t *)(*parts)->iov_base + done_bytes;
        (*parts)->iov_len -= done_bytes;
    }
}

static bool parts_fit(const struct iovec *parts, size_t part_count, int64_t offset)
{
    size_t size_bytes = 0;

    for (size_t i = 0; i < part_count; i++) {
        if (!ff_add_size(size_bytes, parts[i].iov_len, &size_bytes)) {
            return false;
        }
    }
    return range_fits(offset, size_bytes);
}

static int all_parts(const struct ff_sys *sys, enum direction way, int fd,
                     struct iovec *parts, size_t part_count, int64_t offset)
{
    int rc = parts_fit(parts, part_count, offset) ? 1 : -EINVAL;

    parts_advance(&parts, &part_count, 0);
    while (part_count > 0 && rc == 1) {
        int count = part_count < IOV_MAX ? (int)part_count : IOV_MAX;
        ssize_t got = way == READ ? sys->preadv(sys, fd, parts, count, offset)
                                  : sys->pwritev(sys, fd, parts, count, offset);

        rc = judge(got, way);
        if (got > 0) {
            parts_advance(&parts, &part_count, (size_t)got);
            offset += got;
        }
    }
    return rc == 1 ? 0 : rc;
}

int ff_sys_preadv_all(const struct ff_sys *sys, int fd, struct iovec *parts,
                      size_t part_count, int64_t offset)
{
    return all_parts(sys, READ, fd, parts, part_count, offset);
}

int ff_sys_pwritev_all(const struct ff_sys *sys, int fd, struct iovec *parts,
                       size_t part_count, int64_t offset)
{
    return all_parts(sys, WRITE, fd, parts, part_count, offset);
}

/* 0, or why the path cannot stay beneath its directory. */
static int path_check(const char *path)
{
    if (path[0] == '/') {
        return -EXDEV;
    }
    for (const char *part = path; *part; part += *part == '/') {
        size_t length = strcspn(part, "/");

        if (length == 2 && part[0] == '.' && part[1] == '.') {
            return -EXDEV;
        }
        part += length;
    }
    return *path ? 0 : -ENOENT;
}

static int open_retry(const struct ff_sys *sys, int dir_fd, const char *path, int flags,
                      mode_t mode)
{
    int fd;

    do {
        fd = sys->openat(sys, dir_fd, path, flags, mode);
    } while (fd == -EINTR);
    return fd;
}

static bool is_link(const struct ff_sys *sys, int dir_fd, const char *name)
{
    struct stat st;

    return sys->fstatat(sys, dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISLNK(st.st_mode);
}

/* One name, not through a link. For a link O_DIRECTORY gives ENOTDIR and O_PATH a
 * descriptor of the link itself, where openat2 says ELOOP. */
static int open_step(const struct ff_sys *sys, int dir_fd, const char *name, int flags,
                     mode_t mode)
{
    int fd = open_retry(sys, dir_fd, name, flags | O_NOFOLLOW, mode);
    struct stat st;

    if (fd == -ENOTDIR && is_link(sys, dir_fd, name)) {
        return -ELOOP;
    }
    if (fd >= 0 && (flags & O_PATH) && sys->fstat(sys, fd, &st) == 0 &&
        S_ISLNK(st.st_mode)) {
        (void)sys->close(sys, fd);
        return -ELOOP;
    }
    return fd;
}

/* The same promise as openat2's RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS: a name is opened
 * only from the descriptor of its directory, never through a link. */
static int open_walk(const struct ff_sys *sys, int dir_fd, const char *path, int flags,
                     mode_t mode)
{
    char name[NAME_MAX + 1];
    int at = dir_fd, next;

    for (;;) {
        size_t length = strcspn(path, "/");
        const char *rest = path + length + strspn(path + length, "/");

        if (length > NAME_MAX) {
            next = -ENAMETOOLONG;
        } else {
            memcpy(name, path, length);
            name[length] = '\0';
            next = *rest ? open_step(sys, at, name, O_PATH | O_DIRECTORY, 0)
                         : open_step(sys, at, name,
                                     flags | (path[length] ? O_DIRECTORY : 0), mode);
        }
        if (at != dir_fd) {
            (void)sys->close(sys, at);
        }
        if (next < 0 || !*rest) {
            return next;
        }
        at = next;
        path = rest;
    }
}

int ff_sys_open_beneath(const struct ff_sys *sys, int dir_fd, const char *path, int flags,
                        mode_t mode)
{
    int fd = path_check(path);

    if (fd < 0) {
        return fd;
    }
    do {
        fd = sys->openat2(sys, dir_fd, path, flags, mode,
                          RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
    } while (fd == -EINTR);
    /* Kernels before 5.6 say ENOSYS; seccomp filters that do not know the call say EPERM.
     */
    if (fd == -ENOSYS || fd == -EPERM) {
        fd = open_walk(sys, dir_fd, path, flags, mode);
    }
    return fd;
}

int ff_sys_random(const struct ff_sys *sys, void *out, size_t size_bytes)
{
    uint8_t *at = out;
    int rc = 1;

    while (size_bytes > 0 && rc == 1) {
        ssize_t got = sys->getrandom(sys, at, size_bytes, 0);

        rc = judge(got, WRITE);
        at += got > 0 ? got : 0;
        size_bytes -= got > 0 ? (size_t)got : 0;
    }
    return rc == 1 ? 0 : rc;
}

int64_t ff_sys_now_ns(const struct ff_sys *sys, clockid_t clock)
{
    struct timespec now;
    int64_t ns;

    if (sys->clock_gettime(sys, clock, &now) < 0 ||
        !ff_mul_i64(now.tv_sec, 1000000000, &ns) || !ff_add_i64(ns, now.tv_nsec, &ns)) {
        return INT64_MIN;
    }
    return ns;
}
