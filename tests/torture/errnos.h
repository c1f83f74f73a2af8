/* SPDX-License-Identifier: Apache-2.0 */
/* errnos.h: the errors that each system call may give, from section 2 of the Linux man
 * pages (man-pages 6.03). Left out is what only a broken program sees (EBADF, EFAULT, and
 * EINVAL where it means a bad argument). ENOSYS and EINVAL stand where an old kernel or a
 * file system without the feature gives them. */
#ifndef FF_TORTURE_ERRNOS_H
#define FF_TORTURE_ERRNOS_H

#include <errno.h>
#include <stdbool.h>

#include "faultsys.h"

#define ERRNOS_MAX 24

static const int errnos[OP_KINDS][ERRNOS_MAX] = {
    [OP_OPENAT] = {EACCES, EINTR, EIO, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR,
                   ENXIO, EPERM, EROFS, ETXTBSY, EOVERFLOW, EBUSY, ENODEV, ENAMETOOLONG,
                   ESTALE},
    [OP_OPENAT2] = {EACCES, EINTR, EIO, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, ENOTDIR,
                    ENXIO, EPERM, EROFS, EXDEV, EAGAIN, ENOSYS, E2BIG, ENAMETOOLONG,
                    ESTALE},
    [OP_CREATE] = {EACCES, EDQUOT, EEXIST, EINTR, EIO, ELOOP, EMFILE, ENFILE, ENOENT,
                   ENOMEM, ENOSPC, ENOTDIR, EPERM, EROFS, EISDIR, EOVERFLOW, ENAMETOOLONG,
                   EXDEV},
    [OP_CLOSE] = {EINTR, EIO, ENOSPC, EDQUOT},
    [OP_READ] = {EINTR, EIO, EISDIR, EAGAIN},
    [OP_PREAD] = {EINTR, EIO, EISDIR, EAGAIN, EOVERFLOW},
    [OP_PREADV] = {EINTR, EIO, EISDIR, EAGAIN, EOVERFLOW},
    [OP_WRITE] = {EINTR, EIO, ENOSPC, EDQUOT, EFBIG, EPERM, EAGAIN},
    [OP_PWRITE] = {EINTR, EIO, ENOSPC, EDQUOT, EFBIG, EPERM, EAGAIN, EOVERFLOW},
    [OP_PWRITEV] = {EINTR, EIO, ENOSPC, EDQUOT, EFBIG, EPERM, EAGAIN, EOVERFLOW},
    [OP_LSEEK] = {ENXIO, EOVERFLOW},
    [OP_FSTAT] = {ENOMEM, EOVERFLOW, EIO},
    [OP_FSTATAT] = {EACCES, ELOOP, ENOENT, ENOMEM, ENOTDIR, EOVERFLOW, EIO, ENAMETOOLONG},
    [OP_FSTATFS] = {EINTR, EIO, ENOMEM, ENOSYS, EOVERFLOW},
    [OP_FSYNC] = {EINTR, EIO, ENOSPC, EDQUOT, EROFS, EINVAL},
    [OP_FDATASYNC] = {EINTR, EIO, ENOSPC, EDQUOT, EROFS, EINVAL},
    [OP_SYNCFS] = {EIO, ENOSPC, EDQUOT},
    [OP_RENAMEAT2] = {EACCES, EBUSY, EDQUOT, EEXIST, EINVAL, EIO, EISDIR, ELOOP, EMLINK,
                      ENOENT, ENOMEM, ENOSPC, ENOTDIR, ENOTEMPTY, EPERM, EROFS, EXDEV,
                      ENOSYS, ENAMETOOLONG},
    [OP_LINKAT] = {EACCES, EDQUOT, EEXIST, EIO, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC,
                   ENOTDIR, EPERM, EROFS, EXDEV, EOPNOTSUPP, ENAMETOOLONG},
    [OP_UNLINKAT] = {EACCES, EBUSY, EIO, EISDIR, ELOOP, ENOENT, ENOMEM, ENOTDIR,
                     ENOTEMPTY, EPERM, EROFS, ENAMETOOLONG},
    [OP_MKDIRAT] = {EACCES, EDQUOT, EEXIST, EIO, ELOOP, EMLINK, ENOENT, ENOMEM, ENOSPC,
                    ENOTDIR, EPERM, EROFS, ENAMETOOLONG},
    [OP_FTRUNCATE] = {EFBIG, EINTR, EIO, EPERM, EINVAL, ENOSPC, ETXTBSY},
    [OP_FALLOCATE] = {EFBIG, EINTR, EIO, ENODEV, ENOSPC, ENOSYS, EOPNOTSUPP, EPERM,
                      ETXTBSY, EINVAL},
    [OP_GETDENTS64] = {EINVAL, ENOENT, ENOTDIR, EIO},
    [OP_LOCK] = {EACCES, EAGAIN, EINTR, ENOLCK, EINVAL, EIO},
    [OP_FUTIMENS] = {EACCES, EPERM, EROFS, EIO},
    [OP_FCHMOD] = {EIO, EPERM, EROFS},
    [OP_GETRANDOM] = {EINTR, EAGAIN, ENOSYS},
    [OP_CLOCK_GETTIME] = {EPERM, ENODEV},
    [OP_POLL] = {EINTR, ENOMEM},
    [OP_EVENTFD] = {EMFILE, ENFILE, ENODEV, ENOMEM},
};

/* What says "try again", "another way" or "it is there" is not given for ever: no kernel
 * does, and whoever believes it must go on asking. */
static inline bool errno_is_passing(int err)
{
    return err == EINTR || err == EAGAIN || err == EEXIST;
}

/* Says of a name that is there that it is not: a kernel that does so has no file system to
 * keep promises about. What the library makes of it may be wrong, but must end well. */
static inline bool errno_is_lie(int op, int err)
{
    bool names = op == OP_OPENAT || op == OP_OPENAT2 || op == OP_FSTATAT ||
                 op == OP_RENAMEAT2 || op == OP_LINKAT || op == OP_UNLINKAT;

    return names && (err == ENOENT || err == ENOTDIR);
}

static inline bool errno_is_of(int op, int err)
{
    for (int i = 0; i < ERRNOS_MAX && errnos[op][i]; i++) {
        if (errnos[op][i] == err) {
            return true;
        }
    }
    return false;
}

#endif
