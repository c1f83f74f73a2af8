/* SPDX-License-Identifier: Apache-2.0 */
/* sys.h: the table of all system calls that our code makes, so that a test can count,
 * delay, shorten and fail each one. It reaches our own plugins as the interface FF_SYS_1.
 *
 * Every call takes the table itself first: a wrapper embeds `struct ff_sys` and adds its
 * own state. Every call returns >= 0 or -errno, never errno itself. Signals (EINTR) and
 * short transfers are seen as the kernel gives them; the functions below the table hide
 * both. Any thread. */
#ifndef FF_BASE_SYS_H
#define FF_BASE_SYS_H

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>

#define FF_SYS_1 "ff.draft.sys/1"

/* openat and openat2 add O_CLOEXEC. `resolve` has the RESOLVE_* bits of openat2(2). */
struct ff_sys {
    uint32_t struct_size, flags;
    int (*openat)(const struct ff_sys *, int dir_fd, const char *path, int flags,
                  mode_t mode);
    int (*openat2)(const struct ff_sys *, int dir_fd, const char *path, int flags,
                   mode_t mode, uint64_t resolve);
    int (*close)(const struct ff_sys *, int fd);
    ssize_t (*read)(const struct ff_sys *, int fd, void *data, size_t size_bytes);
    ssize_t (*write)(const struct ff_sys *, int fd, const void *data, size_t size_bytes);
    ssize_t (*pread)(const struct ff_sys *, int fd, void *data, size_t size_bytes,
                     int64_t offset);
    ssize_t (*pwrite)(const struct ff_sys *, int fd, const void *data, size_t size_bytes,
                      int64_t offset);
    ssize_t (*preadv)(const struct ff_sys *, int fd, const struct iovec *parts,
                      int part_count, int64_t offset);
    ssize_t (*pwritev)(const struct ff_sys *, int fd, const struct iovec *parts,
                       int part_count, int64_t offset);
    int64_t (*lseek)(const struct ff_sys *, int fd, int64_t offset, int whence);
    int (*fstat)(const struct ff_sys *, int fd, struct stat *out);
    int (*fstatat)(const struct ff_sys *, int dir_fd, const char *path, struct stat *out,
                   int flags);
    int (*fstatfs)(const struct ff_sys *, int fd, struct statfs *out);
    int (*fsync)(const struct ff_sys *, int fd);
    int (*fdatasync)(const struct ff_sys *, int fd);
    int (*syncfs)(const struct ff_sys *, int fd);
    int (*renameat2)(const struct ff_sys *, int old_dir_fd, const char *old_path,
                     int new_dir_fd, const char *new_path, unsigned flags);
    int (*linkat)(const struct ff_sys *, int old_dir_fd, const char *old_path,
                  int new_dir_fd, const char *new_path, int flags);
    int (*unlinkat)(const struct ff_sys *, int dir_fd, const char *path, int flags);
    int (*mkdirat)(const struct ff_sys *, int dir_fd, const char *path, mode_t mode);
    int (*ftruncate)(const struct ff_sys *, int fd, int64_t size_bytes);
    int (*fallocate)(const struct ff_sys *, int fd, int mode, int64_t offset,
                     int64_t size_bytes);
    /* Raw records (struct linux_dirent64) of one call. */
    ssize_t (*getdents64)(const struct ff_sys *, int fd, void *data, size_t size_bytes);
    /* command: F_OFD_SETLK, F_OFD_GETLK (fcntl(2)); lock->l_pid must be 0. */
    int (*lock)(const struct ff_sys *, int fd, int command, struct flock *lock);
    int (*futimens)(const struct ff_sys *, int fd, const struct timespec times[2]);
    int (*fchmod)(const struct ff_sys *, int fd, mode_t mode);
    ssize_t (*getrandom)(const struct ff_sys *, void *data, size_t size_bytes,
                         unsigned flags);
    int (*clock_gettime)(const struct ff_sys *, clockid_t clock, struct timespec *out);
    int (*poll)(const struct ff_sys *, struct pollfd *fds, size_t fd_count,
                int timeout_ms);
    int (*eventfd)(const struct ff_sys *, unsigned initial,
                   int flags); /* adds EFD_CLOEXEC */
    /* The whole of a file, for reading only; `size_bytes` > 0. */
    int (*map)(const struct ff_sys *, int fd, size_t size_bytes, const void **out);
    int (*unmap)(const struct ff_sys *, const void *data, size_t size_bytes);
    /* An anonymous file with these bytes, which nobody can change: memfd_create(2), sealed. */
    int (*sealed)(const struct ff_sys *, const void *data, size_t size_bytes);
};

/* The kernel's own calls: what the product uses. */
extern const struct ff_sys ff_sys_posix;

/* All of it or a failure: 0 or -errno. EINTR and short transfers are retried. A read that
 * meets the end of the file gives -ENODATA, a write that makes no progress -EIO. The _v
 * forms use up `parts`: afterwards its members are not what they were. */
int ff_sys_read_all(const struct ff_sys *sys, int fd, void *data, size_t size_bytes);
int ff_sys_write_all(const struct ff_sys *sys, int fd, const void *data,
                     size_t size_bytes);
int ff_sys_pread_all(const struct ff_sys *sys, int fd, void *data, size_t size_bytes,
                     int64_t offset);
int ff_sys_pwrite_all(const struct ff_sys *sys, int fd, const void *data,
                      size_t size_bytes, int64_t offset);
int ff_sys_preadv_all(const struct ff_sys *sys, int fd, struct iovec *parts,
                      size_t part_count, int64_t offset);
int ff_sys_pwritev_all(const struct ff_sys *sys, int fd, struct iovec *parts,
                       size_t part_count, int64_t offset);

/* Opens a path that stays below dir_fd and follows no symbolic link, with openat2 or,
 * where the kernel has none, component by component. A descriptor or -errno: -EXDEV for
 * an absolute path or one with "..", -ELOOP for a symbolic link. */
int ff_sys_open_beneath(const struct ff_sys *sys, int dir_fd, const char *path, int flags,
                        mode_t mode);

int ff_sys_random(const struct ff_sys *sys, void *out,
                  size_t size_bytes); /* 0 or -errno */
/* The clock in nanoseconds, INT64_MIN when it fails. */
int64_t ff_sys_now_ns(const struct ff_sys *sys, clockid_t clock);

/* A directory's entries, without "." and "..". */
struct ff_dir_list {
    void *records;
    size_t used_bytes;
    /* All came from one call of the kernel: no entry that was there throughout is
     * missing, also when others were replaced meanwhile. False on file systems that never
     * fill a buffer (FUSE, some NFS): there, list until two listings agree. */
    bool whole;
};

struct ff_dir_entry {
    const char *name; /* borrowed from the list */
    uint64_t inode;
    unsigned char type; /* DT_*; DT_UNKNOWN: ask fstatat */
};

/* Reads the directory from its start. 0, -errno, or -E2BIG when the records take more
 * than max_bytes. Moves the descriptor's position: one thread at a time for one
 * descriptor. */
int ff_sys_list_dir(const struct ff_sys *sys, int dir_fd, size_t max_bytes,
                    struct ff_dir_list *out);
/* The next entry; begin with *cursor = 0. False at the end. */
bool ff_dir_next(const struct ff_dir_list *list, size_t *cursor,
                 struct ff_dir_entry *out);
void ff_dir_list_free(struct ff_dir_list *list);

#endif
