/* SPDX-License-Identifier: Apache-2.0 */
/* intents.c: what gc needs: who is saving, what was left behind, and a promise that the
 * tasks it sees are there to stay. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "file.h"

static struct ff_file_root *root_of(const struct ff_commit *self)
{
    return FF_FILE_BOUND(self, commit)->root;
}

struct finding {
    const struct ff_file_root *root;
    size_t skip; /* of a path: "<workflow>/" */
    int64_t now_ns;
    int (*each)(void *ctx, const struct ff_intent_info *);
    void *ctx;
    int result;
};

/* The state of one private file: enum ff_intent_state, 0 when it is gone, or -errno. */
static int state_of(const struct finding *f, const struct ff_file_entry *entry,
                    struct stat *st)
{
    const struct ff_sys *sys = f->root->sys;
    int rc = sys->fstatat(sys, entry->dir_fd, entry->name, st, AT_SYMLINK_NOFOLLOW), fd;

    if (rc < 0) {
        return rc == -ENOENT ? 0 : rc;
    }
    if (!S_ISREG(st->st_mode)) {
        return FF_INTENT_STALE;
    }
    fd = sys->openat(sys, entry->dir_fd, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
                     0);
    if (fd < 0) {
        return fd == -ENOENT ? 0 : fd;
    }
    rc = sys->fstat(sys, fd, st);
    rc = rc < 0 ? rc : ff_file_is_held(f->root, fd, st, f->now_ns);
    ff_file_close(f->root, fd);
    return rc < 0 ? rc : rc ? FF_INTENT_LIVE : FF_INTENT_STALE;
}

static int tell(struct finding *f, const struct ff_file_entry *entry, struct ff_error *e)
{
    char path[FF_FILE_PATH_BYTES];
    struct ff_intent_info info = {.struct_size = FF_SIZE(ff_intent_info, mtime_ns)};
    struct stat st;
    int state = state_of(f, entry, &st);

    if (ff_file_join(entry->folder, entry->name, path) < 0) {
        state = -ENAMETOOLONG;
    }
    if (state <= 0) {
        return state < 0
                   ? ff_file_fail(e, state, entry->name, "see whether its writer lives")
                   : 0;
    }
    info.state = state;
    info.name = path + f->skip;
    info.mtime_ns = ff_file_mtime_ns(&st);
    f->result = f->each(f->ctx, &info);
    return f->result ? FF_FILE_STOP : 0;
}

/* Private names in the workflow, and of puts in its big data, however deep. */
static int visit(void *ctx, const struct ff_file_entry *entry, struct ff_error *e)
{
    struct finding *f = ctx;
    bool top = f->skip == 0 || strlen(entry->folder) + 1 == f->skip;

    if (ff_file_is_private(entry->name)) {
        return tell(f, entry, e);
    }
    if (entry->type != DT_DIR || f->skip == 0) {
        return 0;
    }
    return !top || strcmp(entry->name, "bigdata") == 0 ? FF_FILE_DESCEND : 0;
}

int ff_file_intents(const struct ff_commit *self, const char *workflow,
                    int (*each)(void *, const struct ff_intent_info *), void *ctx,
                    int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_file_root *root = root_of(self);
    struct finding f = {.root = root, .each = each, .ctx = ctx};
    int code = *workflow ? ff_file_check_name(workflow, 0, e) : FF_OK, fd = -1;

    if (code == FF_OK && *workflow) {
        code = ff_file_workflow_open(root, workflow, &fd, e);
        f.skip = strlen(workflow) + 1;
    }
    if (code) {
        return code;
    }
    f.now_ns = ff_file_now_ns(root, fd < 0 ? root->fd : fd);
    ff_file_close(root, fd);
    if (now_ns) {
        *now_ns = f.now_ns;
    }
    code = ff_file_walk(root, workflow, visit, &f, call, e);
    return code == FF_FILE_STOP ? f.result : code;
}

/* ---- fence ---- */

static int conflict(const char *place, const char *why, struct ff_error *e)
{
    return ff_fail(e, FF_E_CONFLICT, place, "%s", why);
}

/* With the lock in our hands its writer cannot be alive; a new name for the file means that
 * it committed just now. */
static int unlink_held(const struct ff_file_root *root, int dir_fd, const char *name,
                       int fd, const char *place, struct ff_error *e)
{
    struct stat st;
    int rc = ff_file_lock(root, fd, F_RDLCK);

    if (rc == -EAGAIN) {
        return conflict(place, "its writer is alive", e);
    }
    if (rc < 0 && !ff_file_no_locks(rc)) {
        return ff_file_fail(e, rc, place, "lock it");
    }
    if (rc < 0) {
        rc = root->sys->fstat(root->sys, fd, &st);
        rc = rc < 0 ? rc : ff_file_is_held(root, fd, &st, ff_file_now_ns(root, dir_fd));
        if (rc == 1) {
            return conflict(place, "its writer was alive a short while ago", e);
        }
    }
    rc = rc < 0 ? rc : root->sys->fstat(root->sys, fd, &st);
    rc = rc < 0 ? rc : ff_file_name_has(root, dir_fd, name, ff_file_id_of(&st));
    if (rc == 0) {
        return conflict(place, "it has committed meanwhile", e);
    }
    rc = rc < 0 ? rc : root->sys->unlinkat(root->sys, dir_fd, name, 0);
    return rc < 0 && rc != -ENOENT ? ff_file_fail(e, rc, place, "delete it") : FF_OK;
}

static int fence_in(const struct ff_file_root *root, int dir_fd, const char *name,
                    const char *place, struct ff_error *e)
{
    const struct ff_sys *sys = root->sys;
    struct stat st;
    int rc = sys->fstatat(sys, dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), fd, code;

    if (rc == 0 && !S_ISREG(st.st_mode)) { /* a removed workflow's remains; no save's */
        rc = ff_file_delete(root, dir_fd, name);
        return rc < 0 ? ff_file_fail(e, rc, place, "delete all of it") : FF_OK;
    }
    fd = rc < 0 ? rc
                : sys->openat(sys, dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd == -ENOENT) {
        return conflict(place, "it is gone: committed, or given up", e);
    }
    if (fd < 0) {
        return ff_file_fail(e, fd, place, "open it");
    }
    code = unlink_held(root, dir_fd, name, fd, place, e);
    ff_file_close(root, fd);
    return code;
}

/* The path of a private name that intents() told. */
static int fence_path(const char *workflow, const char *name,
                      char path[FF_FILE_PATH_BYTES], struct ff_error *e)
{
    const char *base = name ? strrchr(name, '/') : NULL;
    char folder[FF_FILE_PATH_BYTES];
    int code = FF_OK;

    base = base ? base + 1 : name;
    if (!name || !ff_file_is_private(base) || ff_file_join(workflow, name, path) < 0) {
        return ff_fail(e, FF_E_USAGE, name, "this is no name of an intent");
    }
    if (base != name) {
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(base - name - 1), name);
        code = ff_file_check_path(folder, e);
    }
    return code;
}

int ff_file_fence(const struct ff_commit *self, const char *workflow, const char *name,
                  const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_bound *b = FF_FILE_BOUND(self, commit);
    char path[FF_FILE_PATH_BYTES];
    struct ff_file_dir dir;
    int code = *workflow ? ff_file_check_name(workflow, 0, e) : FF_OK, rc;

    code = code ? code : fence_path(workflow, name, path, e);
    code = code ? code : ff_file_stopped(b->root, call, path, e);
    if (code) {
        return code;
    }
    rc = ff_file_dir_open(b->root, path, &dir);
    if (rc == -ENOENT) {
        return conflict(path, "it is gone: committed, or given up", e);
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, path, "open its folder");
    }
    code = fence_in(b->root, dir.fd, dir.base, path, e);
    ff_file_dir_close(b->root, &dir);
    if (code == FF_OK) {
        ff_file_prune(b, path);
    }
    return code;
}

/* ---- settle ---- */

static int sync_task(void *ctx, const struct ff_file_entry *entry, struct ff_error *e)
{
    const struct ff_file_root *root = ctx;
    int fd, rc;

    if (entry->type != DT_REG) {
        return 0;
    }
    fd = root->sys->openat(root->sys, entry->dir_fd, entry->name,
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd == -ENOENT) {
        return 0;
    }
    rc = fd < 0 ? fd : ff_file_fsync(root, fd);
    ff_file_close(root, fd);
    return rc < 0 ? ff_file_fail(e, rc, entry->name, "make it durable") : 0;
}

/* A commit may be visible whose writer died, or failed, before it was durable. */
int ff_file_settle(const struct ff_commit *self, const char *workflow,
                   const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_root *root = root_of(self);
    int code = ff_file_check_name(workflow, 0, e), fd = -1, rc = 0;

    code = code ? code : ff_file_stopped(root, call, workflow, e);
    code = code ? code : ff_file_workflow_open(root, workflow, &fd, e);
    if (code) {
        return code;
    }
    if (root->sync) {
        rc = root->sys->syncfs(root->sys, fd);
    }
    if (rc == -ENOSYS || rc == -EOPNOTSUPP || rc == -EINVAL) {
        code = ff_file_walk(root, workflow, sync_task, root, call, e);
        rc = 0;
    }
    rc = rc < 0 || code ? rc : ff_file_fsync_dir(root, fd);
    ff_file_close(root, fd);
    return rc < 0 ? ff_file_fail(e, rc, workflow, "make the workflow durable") : code;
}
