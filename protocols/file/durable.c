/* SPDX-License-Identifier: Apache-2.0 */
/* durable.c: what an fsync has to reach. A file's bytes are not enough: also the name in
 * its folder, the folder's name in the one above, up to the root and the root's own name,
 * whoever made them: another process may have, and not synced. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "file.h"

enum { FOLDERS_MAX = 256, ANCHORED_MAX = 4096 };

int ff_file_fsync(const struct ff_file_root *root, int fd)
{
    int rc = root->sync ? -EINTR : 0;

    /* Interrupted, nothing was reported; any other failure must not be tried again: the
     * kernel takes the pages for clean afterwards. */
    while (rc == -EINTR) {
        rc = root->sys->fsync(root->sys, fd);
    }
    return rc;
}

static int flush_all(const struct ff_file_root *root, int fd)
{
    int rc = root->sync ? -EINTR : 0;

    while (rc == -EINTR) {
        rc = root->sys->syncfs(root->sys, fd);
    }
    return rc;
}

int ff_file_fsync_dir(const struct ff_file_root *root, int fd)
{
    int rc = ff_file_fsync(root, fd);

    return rc == -EINVAL || rc == -EOPNOTSUPP ? flush_all(root, fd) : rc;
}

/* Under the lock. */
static int anchor_root(struct ff_file_root *root)
{
    int rc, fd;

    if (root->parent_synced || !root->sync) {
        return 0;
    }
    do {
        fd = root->sys->openat(root->sys, root->fd, "..", O_RDONLY | O_DIRECTORY, 0);
    } while (fd == -EINTR);
    if (fd == -EACCES || fd == -EPERM) {
        rc = flush_all(root, root->fd);
    } else {
        rc = fd < 0 ? fd : ff_file_fsync_dir(root, fd);
        ff_file_close(root, fd);
    }
    root->parent_synced = rc == 0;
    return rc;
}

static bool is_anchored(const struct ff_file_root *root, struct ff_file_id id)
{
    const struct ff_file_id *ids = root->anchored.items;

    for (size_t i = root->anchored.count; i > 0; i--) {
        if (ids[i - 1].ino == id.ino && ids[i - 1].dev == id.dev) {
            return true;
        }
    }
    return false;
}

/* Not to remember one costs an fsync later, no more. */
static void remember(struct ff_file_root *root, struct ff_file_id id)
{
    if (ff_vec_append(&root->anchored, &id) == -E2BIG) {
        ff_vec_clear(&root->anchored);
    }
}

/* Under the lock: the name of the open folder, in its parent. */
static int anchor_in(struct ff_file_root *root, int parent_fd, int dir_fd, bool *fresh)
{
    struct stat st;
    int rc = root->sys->fstat(root->sys, dir_fd, &st);

    *fresh = rc == 0 && !is_anchored(root, ff_file_id_of(&st));
    if (*fresh) {
        rc = ff_file_fsync_dir(root, parent_fd);
        if (rc == 0) {
            remember(root, ff_file_id_of(&st));
        }
    }
    return rc;
}

int ff_file_anchor(struct ff_file_root *root, int dir_fd, bool made)
{
    bool fresh = false;
    int rc;

    if (!root->sync) {
        return 0;
    }
    pthread_mutex_lock(&root->lock);
    rc = anchor_root(root);
    rc = rc < 0 ? rc : anchor_in(root, root->fd, dir_fd, &fresh);
    if (rc == 0 && made && !fresh) { /* a new folder may have an old one's inode */
        rc = ff_file_fsync_dir(root, root->fd);
    }
    if (rc == 0 && fresh) {
        rc = ff_file_fsync_dir(root, dir_fd);
    }
    pthread_mutex_unlock(&root->lock);
    return rc;
}

void ff_file_anchor_forget(struct ff_file_root *root)
{
    pthread_mutex_lock(&root->lock);
    ff_vec_clear(&root->anchored);
    pthread_mutex_unlock(&root->lock);
}

/* Opens the path's next part and anchors it. The old descriptor is closed. */
static int step_down(struct ff_file_root *root, int at, const char *part, size_t length)
{
    char name[FF_FILE_PATH_BYTES];
    bool fresh;
    int fd, rc;

    (void)snprintf(name, sizeof name, "%.*s", (int)length, part);
    fd = ff_sys_open_beneath(root->sys, at, name, O_RDONLY | O_DIRECTORY, 0);
    if (fd >= 0) {
        pthread_mutex_lock(&root->lock);
        rc = anchor_in(root, at, fd, &fresh);
        pthread_mutex_unlock(&root->lock);
        if (rc < 0) {
            ff_file_close(root, fd);
            fd = rc;
        }
    }
    if (at != root->fd) {
        ff_file_close(root, at);
    }
    return fd;
}

int ff_file_sync_path(struct ff_file_root *root, const char *path)
{
    int at = root->fd, rc;

    pthread_mutex_lock(&root->lock);
    rc = anchor_root(root);
    pthread_mutex_unlock(&root->lock);
    while (rc == 0 && *path && at >= 0) {
        size_t length = strcspn(path, "/");

        at = step_down(root, at, path, length);
        path += length + (path[length] == '/');
    }
    if (rc == 0) {
        rc = at < 0 ? at : ff_file_fsync_dir(root, at);
    }
    if (at != root->fd) {
        ff_file_close(root, at);
    }
    return rc == -ENOENT ? 0 : rc; /* removed since: nothing is left to keep */
}

/* ---- what waits for sync() ---- */

int ff_file_pending_init(struct ff_file_pending *p, size_t held_max)
{
    int rc = pthread_mutex_init(&p->lock, NULL);

    if (rc == 0) {
        rc = pthread_mutex_init(&p->syncing, NULL);
        if (rc) {
            (void)pthread_mutex_destroy(&p->lock);
        }
    }
    ff_vec_init(&p->held, sizeof(int), held_max);
    ff_vec_init(&p->folders, sizeof(char *), FOLDERS_MAX);
    p->watch_fd = -1;
    return -rc;
}

static void let_go(const struct ff_file_root *root, struct ff_vec *held,
                   struct ff_vec *folders)
{
    for (size_t i = 0; i < held->count; i++) {
        ff_file_close(root, *(int *)ff_vec_at(held, i));
    }
    for (size_t i = 0; i < folders->count; i++) {
        ff_free(*(char **)ff_vec_at(folders, i));
    }
    ff_vec_free(held);
    ff_vec_free(folders);
}

void ff_file_pending_free(struct ff_file_bound *b)
{
    struct ff_file_pending *p = &b->pending;

    let_go(b->root, &p->held, &p->folders);
    ff_file_close(b->root, p->watch_fd);
    (void)pthread_mutex_destroy(&p->syncing);
    (void)pthread_mutex_destroy(&p->lock);
}

/* A failure to write back is told once to each descriptor that was open when it happened:
 * this one sees those of all files that sync() no longer has open. */
int ff_file_pend_begin(struct ff_file_bound *b)
{
    struct ff_file_pending *p = &b->pending;
    int rc = 0;

    if (!b->root->sync) {
        return 0;
    }
    pthread_mutex_lock(&p->lock);
    if (p->watch_fd < 0) {
        rc = ff_sys_open_beneath(b->root->sys, b->root->fd, *b->folder ? b->folder : ".",
                                 O_RDONLY | O_DIRECTORY, 0);
        p->watch_fd = rc < 0 ? -1 : rc;
    }
    pthread_mutex_unlock(&p->lock);
    return rc < 0 ? rc : 0;
}

int ff_file_pend_file(struct ff_file_bound *b, int fd)
{
    struct ff_file_pending *p = &b->pending;
    bool held = false;
    int rc;

    pthread_mutex_lock(&p->lock);
    if (b->root->sync && !p->many) {
        held = ff_vec_append(&p->held, &fd) == 0;
        p->many = !held;
    }
    pthread_mutex_unlock(&p->lock);
    rc = held ? 0 : b->root->sys->close(b->root->sys, fd);
    return rc == -EINTR ? 0 : rc; /* Linux closes all the same */
}

static bool is_known(const struct ff_vec *folders, const char *path, size_t length)
{
    for (size_t i = folders->count; i > 0; i--) {
        const char *known = *(char **)ff_vec_at(folders, i - 1);

        if (strlen(known) == length && memcmp(known, path, length) == 0) {
            return true;
        }
    }
    return false;
}

void ff_file_pend_name(struct ff_file_bound *b, const char *path)
{
    struct ff_file_pending *p = &b->pending;
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 0;

    pthread_mutex_lock(&p->lock);
    if (b->root->sync && !p->many && !is_known(&p->folders, path, length)) {
        char *copy = ff_strndup(path, length);

        if (!copy || ff_vec_append(&p->folders, &copy) < 0) {
            ff_free(copy);
            p->many = true;
        }
    }
    pthread_mutex_unlock(&p->lock);
}

struct taken {
    struct ff_vec held, folders;
    bool many;
    int watch_fd;
};

static int sync_taken(struct ff_file_bound *b, const struct taken *t)
{
    struct ff_file_root *root = b->root;
    int rc = 0;

    if (t->many) {
        rc = flush_all(root, t->watch_fd >= 0 ? t->watch_fd : root->fd);
        rc = rc < 0 ? rc : ff_file_sync_path(root, b->folder);
    }
    for (size_t i = 0; rc == 0 && i < t->held.count; i++) {
        rc = ff_file_fsync(root, *(int *)ff_vec_at(&t->held, i));
    }
    for (size_t i = 0; rc == 0 && i < t->folders.count; i++) {
        rc = ff_file_sync_path(root, *(char **)ff_vec_at(&t->folders, i));
    }
    return rc;
}

/* A second sync() waits for the first: what that took must be durable for it too. */
static int sync_pending(struct ff_file_bound *b)
{
    struct ff_file_pending *p = &b->pending;
    struct taken t;
    int rc;

    pthread_mutex_lock(&p->syncing);
    pthread_mutex_lock(&p->lock);
    t = (struct taken){p->held, p->folders, p->many, p->watch_fd};
    rc = p->failed;
    ff_vec_init(&p->held, sizeof(int), t.held.max_count);
    ff_vec_init(&p->folders, sizeof(char *), FOLDERS_MAX);
    p->many = false;
    pthread_mutex_unlock(&p->lock);
    rc = rc < 0 ? rc : sync_taken(b, &t);
    let_go(b->root, &t.held, &t.folders);
    pthread_mutex_lock(&p->lock);
    p->failed = rc;
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_unlock(&p->syncing);
    return rc;
}

int ff_file_sync(const struct ff_objects *self, const struct ff_call *call,
                 struct ff_error *e)
{
    struct ff_file_bound *b = FF_FILE_BOUND(self, objects);
    int code = ff_file_stopped(b->root, call, b->folder, e);
    int rc = code || !b->root->sync ? 0 : sync_pending(b);

    return rc < 0 ? ff_file_fail(e, rc, b->folder, "make it durable") : code;
}
