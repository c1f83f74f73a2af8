/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c: deletes a folder with all that is in it, however deep, with two open folders: what
 * lies deeper is first moved up. No link is followed. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "core/base/uuid.h"
#include "file.h"

/* What NFS keeps of an open file that was removed; it goes when the file is closed. */
static bool is_kept(const char *name)
{
    return strncmp(name, ".nfs", 4) == 0;
}

static int open_dir(const struct ff_file_root *root, int dir_fd, const char *name)
{
    int fd;

    do {
        fd = root->sys->openat(root->sys, dir_fd, name,
                               O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    } while (fd == -EINTR);
    return fd;
}

static bool is_full(int rc)
{
    return rc == -ENOTEMPTY || rc == -EEXIST;
}

/* 1 when something went (or moved), 0 when it was gone, or -errno. */
static int delete_or_lift(const struct ff_file_root *root, int dir_fd, int type,
                          const char *name, int top_fd)
{
    char lifted[FF_FILE_NAME_BYTES];
    int rc;

    if (is_kept(name)) {
        return -EBUSY;
    }
    if (type != DT_DIR) {
        rc = root->sys->unlinkat(root->sys, dir_fd, name, 0);
    } else {
        rc = root->sys->unlinkat(root->sys, dir_fd, name, AT_REMOVEDIR);
        if (is_full(rc) && dir_fd != top_fd) {
            rc = ff_random_name(root->sys, FF_FILE_TRASH, lifted, sizeof lifted);
            rc = rc < 0 ? rc : ff_file_rename_new(root, dir_fd, name, top_fd, lifted);
        }
    }
    return rc == -ENOENT ? 0 : rc < 0 ? rc : 1;
}

/* Deletes what is in `dir_fd`, or lifts it to `top_fd` (the same: leaves full folders). How
 * many went; *failed is the first failure. */
static size_t clear_dir(const struct ff_file_root *root, int dir_fd, int top_fd,
                        int *failed)
{
    struct ff_file_names names;
    size_t gone = 0;
    int rc = ff_file_names_read(root, dir_fd, &names);

    for (size_t i = 0; rc == 0 && i < names.entries.count; i++) {
        const struct ff_dir_entry *d = ff_vec_at(&names.entries, i);
        int type = ff_file_type(root, dir_fd, d);
        int done = type < 0 ? (type == -ENOENT ? 0 : type)
                            : delete_or_lift(root, dir_fd, type, d->name, top_fd);

        gone += done == 1;
        if (done < 0 && *failed == 0 && !(dir_fd == top_fd && is_full(done))) {
            *failed = done;
        }
    }
    ff_file_names_free(&names);
    if (rc < 0 && *failed == 0) {
        *failed = rc;
    }
    return gone;
}

/* Empties one folder of `top_fd` and removes it. How many went. */
static size_t sink_folder(const struct ff_file_root *root, int top_fd, const char *name,
                          int *failed)
{
    int fd = open_dir(root, top_fd, name), rc;
    size_t gone;

    if (fd < 0) {
        *failed = *failed || fd == -ENOENT ? *failed : fd;
        return 0;
    }
    gone = clear_dir(root, fd, top_fd, failed);
    ff_file_close(root, fd);
    rc = root->sys->unlinkat(root->sys, top_fd, name, AT_REMOVEDIR);
    return gone + (rc == 0);
}

/* One pass over the folders in `top_fd`, after its files have gone. */
static size_t sink_folders(const struct ff_file_root *root, int top_fd, size_t *left,
                           int *failed)
{
    struct ff_file_names names;
    size_t gone = 0;
    int rc = ff_file_names_read(root, top_fd, &names);

    for (size_t i = 0; rc == 0 && i < names.entries.count; i++) {
        const struct ff_dir_entry *d = ff_vec_at(&names.entries, i);

        if (ff_file_type(root, top_fd, d) == DT_DIR) {
            gone += sink_folder(root, top_fd, d->name, failed);
        }
    }
    *left = names.entries.count;
    if (rc < 0) {
        *failed = *failed ? *failed : rc;
    }
    ff_file_names_free(&names);
    return gone;
}

/* Goes on for as long as something goes: another process may still be adding. */
static int empty(const struct ff_file_root *root, int top_fd)
{
    size_t gone, left;
    int failed;

    do {
        failed = 0;
        left = 0;
        gone = clear_dir(root, top_fd, top_fd, &failed);
        gone += sink_folders(root, top_fd, &left, &failed);
    } while (gone > 0 && left > 0);
    return left == 0 && failed == 0 ? 0 : failed < 0 ? failed : -ENOTEMPTY;
}

int ff_file_delete(const struct ff_file_root *root, int dir_fd, const char *name)
{
    int rc = root->sys->unlinkat(root->sys, dir_fd, name, 0), fd;

    if (rc != -EISDIR && rc != -EPERM) {
        return rc == -ENOENT ? 0 : rc;
    }
    fd = open_dir(root, dir_fd, name);
    if (fd < 0) {
        return fd == -ENOENT ? 0 : rc == -EPERM ? rc : fd;
    }
    rc = empty(root, fd);
    ff_file_close(root, fd);
    if (rc == 0) {
        rc = root->sys->unlinkat(root->sys, dir_fd, name, AT_REMOVEDIR);
    }
    return rc == -ENOENT ? 0 : rc;
}
