/* SPDX-License-Identifier: Apache-2.0 */
/* old_system.c: what an old kernel, or a file system such as some of FUSE, does not have. */
#include "fixture.h"

#include "core/base/sys.h"

#include <errno.h>

static int no_openat2(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                      mode_t mode, uint64_t resolve)
{
    (void)s, (void)dir_fd, (void)path, (void)flags, (void)mode, (void)resolve;
    return -ENOSYS;
}

static int no_lock(const struct ff_sys *s, int fd, int command, struct flock *lock)
{
    (void)s, (void)fd, (void)command, (void)lock;
    return -ENOLCK;
}

static int no_flags(const struct ff_sys *s, int old_dir_fd, const char *old_path,
                    int new_dir_fd, const char *new_path, unsigned flags)
{
    return flags
               ? -EINVAL
               : ff_sys_posix.renameat2(s, old_dir_fd, old_path, new_dir_fd, new_path, 0);
}

static int no_fallocate(const struct ff_sys *s, int fd, int mode, int64_t offset,
                        int64_t size_bytes)
{
    (void)s, (void)fd, (void)mode, (void)offset, (void)size_bytes;
    return -EOPNOTSUPP;
}

const void *old_system(void)
{
    static struct ff_sys old;
    old = ff_sys_posix;
    old.openat2 = no_openat2;
    old.lock = no_lock;
    old.renameat2 = no_flags;
    old.fallocate = no_fallocate;
    return &old;
}
