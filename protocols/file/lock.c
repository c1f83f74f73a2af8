/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c: private files, and whether whoever made one still lives. A lock of the open file
 * description (OFD) says so, as it goes with its maker, however that ends. Where the file
 * system has no locks, a file that nobody touched for ten minutes is nobody's: long saves
 * touch theirs every minute. */
#include <errno.h>
#include <linux/magic.h>
#include <string.h>

#include "core/base/uuid.h"
#include "file.h"

static const int64_t untouched_ns = 600 * INT64_C(1000000000);

bool ff_file_no_locks(int rc)
{
    return rc == -ENOLCK || rc == -EOPNOTSUPP || rc == -ENOSYS || rc == -EINVAL;
}

/* length 0: to the end, wherever that will be. */
static int lock_bytes(const struct ff_file_root *root, int fd, short type, int64_t start,
                      int64_t length)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    int rc;

    do {
        rc = root->sys->lock(root->sys, fd, F_OFD_SETLK, &lock);
    } while (rc == -EINTR);
    return rc == -EACCES ? -EAGAIN : rc;
}

int ff_file_lock(const struct ff_file_root *root, int fd, short type)
{
    return lock_bytes(root, fd, type, 0, 0);
}

/* Each who is attached to a file has locked a byte of it, one of these, far behind any content;
 * who copies it holds all of them for reading meanwhile. */
static const int64_t attached_at = INT64_C(1) << 62;
enum { ATTACHED_MAX = 1 << 16 };

int ff_file_attach(const struct ff_file_root *root, int fd)
{
    uint16_t first = 0; /* by chance: many do not all try the same ones */
    struct stat st;
    int rc = -EAGAIN;

    (void)root->sys->getrandom(root->sys, &first, sizeof first, 0);
    for (int64_t i = 0; i < ATTACHED_MAX && rc == -EAGAIN; i++) {
        struct flock who = {.l_type = F_WRLCK,
                            .l_whence = SEEK_SET,
                            .l_start = attached_at + (first + i) % ATTACHED_MAX,
                            .l_len = 1};

        rc = lock_bytes(root, fd, F_WRLCK, who.l_start, who.l_len);
        if (rc == -EAGAIN && root->sys->lock(root->sys, fd, F_OFD_GETLK, &who) == 0 &&
            who.l_type == F_RDLCK) {
            return -EAGAIN;
        }
    }
    if (rc < 0 && !ff_file_no_locks(rc)) {
        return rc;
    }
    rc = root->sys->fstat(root->sys, fd, &st);
    return rc < 0 ? rc : st.st_nlink > 1 ? -EAGAIN : st.st_nlink ? 0 : -ENOENT;
}

int ff_file_keep_writers_out(const struct ff_file_root *root, int fd)
{
    int rc = lock_bytes(root, fd, F_RDLCK, attached_at, ATTACHED_MAX);

    return ff_file_no_locks(rc) ? 0 : rc;
}

int ff_file_is_held(const struct ff_file_root *root, int fd, const struct stat *st,
                    int64_t now_ns)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;

    do {
        rc = root->sys->lock(root->sys, fd, F_OFD_GETLK, &lock);
    } while (rc == -EINTR);
    if (ff_file_no_locks(rc)) {
        int64_t age_ns;

        return __builtin_sub_overflow(now_ns, ff_file_mtime_ns(st), &age_ns) ||
               age_ns < untouched_ns;
    }
    return rc < 0 ? rc : lock.l_type != F_UNLCK;
}

/* Locked, and still there: whoever collects garbage may have come between. */
static int hold(const struct ff_file_root *root, int fd)
{
    struct stat st;
    int rc = ff_file_lock(root, fd, F_WRLCK);

    if (rc < 0 && !ff_file_no_locks(rc)) {
        return rc;
    }
    rc = root->sys->fstat(root->sys, fd, &st);
    if (rc == 0 && st.st_nlink == 0) {
        return -EAGAIN;
    }
    return rc;
}

static int create_private(const struct ff_file_root *root, int dir_fd, const char *prefix,
                          char name[FF_FILE_NAME_BYTES])
{
    int rc = ff_random_name(root->sys, prefix, name, FF_FILE_NAME_BYTES);

    if (rc < 0) {
        return rc;
    }
    do {
        rc = root->sys->openat(root->sys, dir_fd, name,
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    } while (rc == -EINTR);
    return rc;
}

int ff_file_private_new(const struct ff_file_root *root, int dir_fd, const char *prefix,
                        char name[FF_FILE_NAME_BYTES], int *fd)
{
    int rc = -EAGAIN;

    for (int i = 0; i < FF_FILE_TRIES && (rc == -EAGAIN || rc == -EEXIST); i++) {
        *fd = create_private(root, dir_fd, prefix, name);
        rc = *fd < 0 ? *fd : hold(root, *fd);
        if (*fd >= 0 && rc < 0) {
            (void)root->sys->unlinkat(root->sys, dir_fd, name, 0);
            ff_file_close(root, *fd);
        }
    }
    if (rc < 0) {
        *fd = -1;
    }
    return rc;
}

/* Where another machine may give the times. */
static bool is_remote(const struct ff_file_root *root, int dir_fd)
{
    static const unsigned long remote[] = {
        NFS_SUPER_MAGIC,  SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
        FUSE_SUPER_MAGIC, V9FS_MAGIC,      CEPH_SUPER_MAGIC, AFS_SUPER_MAGIC};
    struct statfs fs;

    if (root->sys->fstatfs(root->sys, dir_fd, &fs) < 0) {
        return true;
    }
    for (size_t i = 0; i < sizeof remote / sizeof remote[0]; i++) {
        if ((unsigned long)fs.f_type == remote[i]) {
            return true;
        }
    }
    return false;
}

int64_t ff_file_now_ns(const struct ff_file_root *root, int dir_fd)
{
    int64_t now_ns = ff_sys_now_ns(root->sys, CLOCK_REALTIME);
    char name[FF_FILE_NAME_BYTES];
    struct stat st;
    int fd = is_remote(root, dir_fd) ? create_private(root, dir_fd, FF_FILE_PROBE, name)
                                     : -EROFS;

    if (fd >= 0) {
        if (root->sys->fstat(root->sys, fd, &st) == 0) {
            now_ns = ff_file_mtime_ns(&st);
        }
        (void)root->sys->unlinkat(root->sys, dir_fd, name, 0);
        ff_file_close(root, fd);
    }
    return now_ns;
}
