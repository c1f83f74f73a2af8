/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: names, the folders they lie in, and how a failure of the system is told. */
#include <errno.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <string.h>

#include "file.h"

static int code_of(int rc)
{
    switch (-rc) {
    case ENOENT:
    case ENOTDIR:
        return FF_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return FF_E_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return FF_E_NO_SPACE;
    case ELOOP:
    case EXDEV:
        return FF_E_UNSAFE;
    case ENOMEM:
        return FF_E_NO_MEMORY;
    case ENAMETOOLONG:
        return FF_E_USAGE;
    case EMFILE:
    case ENFILE:
        return FF_E_LIMIT;
    case ESTALE:
        return FF_E_STALE;
    default:
        return FF_E_IO;
    }
}

static const char *fix_of(int rc)
{
    switch (-rc) {
    case EACCES:
    case EPERM:
        return "see who owns it and the folders above it, and their modes: ls -ld";
    case EROFS:
        return "the file system is mounted read-only: use another, or remount it";
    case ENOSPC:
        return "free some space or inodes there (df, df -i), then try again";
    case EDQUOT:
        return "free some of your quota there, then try again";
    case EFBIG:
        return "raise the limit of file sizes: ulimit -f";
    case ELOOP:
    case EXDEV:
        return "put the file or folder itself there, or remove the link";
    case EMFILE:
    case ENFILE:
        return "allow more open files: ulimit -n";
    case EIO:
        return "the disk, or the way to it, fails: see the kernel's log (dmesg)";
    case ENOENT:
    case ENOTDIR:
        return ""; /* the host says how to see what there is */
    case ENAMETOOLONG:
        return "use a shorter name, or a folder nearer to the root";
    case ENOMEM:
        return "free some memory, then try again";
    default:
        return "see whether that folder can be used at all (ls -ld, dmesg), then try "
               "again";
    }
}

int ff_file_fail(struct ff_error *e, int rc, const char *place, const char *what)
{
    const char *why = strerrordesc_np(-rc);
    bool first = e && !e->code;

    if (rc == -ELOOP || rc == -EXDEV) {
        why = "a symbolic link, or a way out of the storage's folder";
    }
    (void)ff_fail(e, code_of(rc), place, "cannot %s: %s", what,
                  why ? why : "unknown failure");
    if (first) {
        e->os_errno = -rc;
        ff_error_fix(e, "%s", fix_of(rc));
    }
    return code_of(rc);
}

int ff_file_stopped(const struct ff_file_root *root, const struct ff_call *call,
                    const char *place, struct ff_error *e)
{
    if (ff_cancelled(call)) {
        return ff_fail(e, FF_E_CANCELLED, place, "cancelled");
    }
    if (FF_HAS(call, ff_call, deadline_ns)) {
        int64_t deadline_ns = call->deadline_ns(call);

        if (deadline_ns != INT64_MAX &&
            ff_sys_now_ns(root->sys, CLOCK_MONOTONIC) >= deadline_ns) {
            return ff_fail(e, FF_E_DEADLINE, place, "the deadline has passed");
        }
    }
    return FF_OK;
}

void ff_file_warn(const struct ff_file_root *root, const char *fmt, ...)
{
    char text[700];
    va_list ap;

    if (FF_HAS(root->host, ff_host_services, log)) {
        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        root->host->log(root->host, FF_LOG_WARNING, text);
    }
}

bool ff_file_is_private(const char *name)
{
    return strncmp(name, FF_FILE_PRIVATE, strlen(FF_FILE_PRIVATE)) == 0;
}

static const char *part_fault(const char *part, size_t length)
{
    if (length == 0) {
        return "has an empty part";
    }
    if (part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.'))) {
        return "has a part that is \".\" or \"..\"";
    }
    return ff_file_is_private(part)
               ? "begins with \".ff-\", which is kept for this storage"
               : NULL;
}

int ff_file_check_path(const char *name, struct ff_error *e)
{
    const char *fault = name ? NULL : "is missing";

    for (const char *part = name; part && !fault;) {
        size_t length = strcspn(part, "/");

        fault = part_fault(part, length);
        part = part[length] ? part + length + 1 : NULL;
    }
    return fault ? ff_fail(e, FF_E_USAGE, name && *name ? name : "\"\"", "the name %s",
                           fault)
                 : FF_OK;
}

int ff_file_join(const char *folder, const char *name, char path[FF_FILE_PATH_BYTES])
{
    int length =
        snprintf(path, FF_FILE_PATH_BYTES, "%s%s%s", folder, *folder ? "/" : "", name);

    return length < 0 || length >= FF_FILE_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int ff_file_path(const struct ff_file_bound *b, const char *name,
                 char path[FF_FILE_PATH_BYTES], struct ff_error *e)
{
    int code = ff_file_check_path(name, e);

    if (code) {
        return code;
    }
    return ff_file_join(b->folder, name, path) == 0
               ? FF_OK
               : ff_fail(e, FF_E_USAGE, name, "the name is longer than %d bytes",
                         FF_FILE_PATH_BYTES - 1);
}

int ff_file_dir_open(const struct ff_file_root *root, const char *path,
                     struct ff_file_dir *out)
{
    const char *slash = strrchr(path, '/');
    char folder[FF_FILE_PATH_BYTES];
    int fd;

    *out = (struct ff_file_dir){root->fd, false, slash ? slash + 1 : path};
    if (!slash) {
        return 0;
    }
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    fd = ff_sys_open_beneath(root->sys, root->fd, folder, O_PATH | O_DIRECTORY, 0);
    if (fd < 0) {
        *out = (struct ff_file_dir){-1, false, NULL};
        return fd;
    }
    out->fd = fd;
    out->own = true;
    return 0;
}

void ff_file_dir_close(const struct ff_file_root *root, struct ff_file_dir *dir)
{
    if (dir->own) {
        ff_file_close(root, dir->fd);
    }
    *dir = (struct ff_file_dir){-1, false, NULL};
}

/* One folder of the way. The first one of a bound folder is its workflow: when that was
 * there and is not any more it was removed, and must not come back half. */
static int make_folder(struct ff_file_bound *b, const char *path, bool first)
{
    struct ff_file_dir dir;
    int rc;

    if (first && *b->folder && atomic_load(&b->seen)) {
        return 0;
    }
    rc = ff_file_dir_open(b->root, path, &dir);
    if (rc < 0) {
        return rc;
    }
    rc = b->root->sys->mkdirat(b->root->sys, dir.fd, dir.base, 0777);
    ff_file_dir_close(b->root, &dir);
    if (rc == 0) {
        ff_file_pend_name(b, path);
    }
    if (rc == 0 || rc == -EEXIST) {
        atomic_store(&b->seen, true);
        return 0;
    }
    return rc;
}

int ff_file_make_folders(struct ff_file_bound *b, const char *path)
{
    char folder[FF_FILE_PATH_BYTES];
    int rc = 0;

    for (const char *slash = strchr(path, '/'); slash && rc == 0;
         slash = strchr(slash + 1, '/')) {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        rc = make_folder(b, folder, !strchr(folder, '/'));
    }
    return rc;
}

/* How many bytes at a path's front are never pruned: the bound folder; bound to the root,
 * the workflow and the folder in it. */
static size_t kept_bytes(const struct ff_file_bound *b, const char *path)
{
    const char *slash;

    if (*b->folder) {
        return strlen(b->folder);
    }
    slash = strchr(path, '/');
    slash = slash ? strchr(slash + 1, '/') : NULL;
    return slash ? (size_t)(slash - path) : strlen(path);
}

void ff_file_prune(struct ff_file_bound *b, const char *path)
{
    const struct ff_sys *sys = b->root->sys;
    char folder[FF_FILE_PATH_BYTES];
    size_t kept = kept_bytes(b, path);
    int rc = 0;

    (void)snprintf(folder, sizeof folder, "%s", path);
    while (rc == 0) {
        char *slash = strrchr(folder, '/');
        struct ff_file_dir dir;

        if (!slash || (size_t)(slash - folder) <= kept) {
            return;
        }
        *slash = '\0';
        rc = ff_file_dir_open(b->root, folder, &dir);
        if (rc == 0) {
            rc = sys->unlinkat(sys, dir.fd, dir.base, AT_REMOVEDIR);
            ff_file_dir_close(b->root, &dir);
        }
        if (rc == 0) {
            ff_file_pend_name(b, folder);
        }
    }
}

void ff_file_close(const struct ff_file_root *root, int fd)
{
    if (fd >= 0) {
        (void)root->sys->close(root->sys, fd);
    }
}

struct ff_file_id ff_file_id_of(const struct stat *st)
{
    return (struct ff_file_id){st->st_dev, st->st_ino};
}

bool ff_file_is(const struct stat *st, struct ff_file_id id)
{
    return st->st_dev == id.dev && st->st_ino == id.ino;
}

int ff_file_name_has(const struct ff_file_root *root, int dir_fd, const char *name,
                     struct ff_file_id id)
{
    struct stat st;
    int rc = root->sys->fstatat(root->sys, dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);

    if (rc == -ENOENT) {
        return 0;
    }
    return rc < 0 ? rc : ff_file_is(&st, id);
}

int64_t ff_file_mtime_ns(const struct stat *st)
{
    int64_t ns;

    if (__builtin_mul_overflow((int64_t)st->st_mtim.tv_sec, 1000000000, &ns) ||
        __builtin_add_overflow(ns, (int64_t)st->st_mtim.tv_nsec, &ns)) {
        return st->st_mtim.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    }
    return ns;
}

int ff_file_refuse(mode_t mode, const char *place, struct ff_error *e)
{
    if (S_ISREG(mode)) {
        return FF_OK;
    }
    int code = S_ISDIR(mode) ? FF_E_CONFLICT : FF_E_UNSAFE;

    (void)ff_fail(e, code, place, "%s has this name",
                  S_ISDIR(mode)   ? "a folder"
                  : S_ISLNK(mode) ? "a symbolic link"
                                  : "something that is no regular file");
    ff_error_fix(e, "remove it, or move it out of the store");
    return code;
}

/* EINVAL is what the kernel says for a file system without flags, ENOSYS an old one. */
bool ff_file_no_flags(int rc)
{
    return rc == -EINVAL || rc == -ENOSYS;
}

bool ff_file_no_links(int rc)
{
    return rc == -EPERM || rc == -EOPNOTSUPP || rc == -EMLINK || rc == -ENOSYS ||
           rc == -EXDEV;
}

int ff_file_rename_new(const struct ff_file_root *root, int from_fd, const char *from,
                       int to_fd, const char *to)
{
    const struct ff_sys *sys = root->sys;
    int rc = sys->renameat2(sys, from_fd, from, to_fd, to, RENAME_NOREPLACE);

    return ff_file_no_flags(rc) ? sys->renameat2(sys, from_fd, from, to_fd, to, 0) : rc;
}
