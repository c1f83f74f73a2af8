/* SPDX-License-Identifier: Apache-2.0 */
/* displace.c: what a commit or a removal put aside; removing and renaming tasks. */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/uuid.h"
#include "file.h"

/* A task of more is not read: what it names is then left to gc. */
static const int64_t displaced_max_bytes = INT64_C(4) << 30;

struct ff_file_old *ff_file_old_new(const struct ff_file_root *root)
{
    struct ff_file_old *old = ff_calloc(1, sizeof *old);

    if (old) {
        *old = (struct ff_file_old){.root = root, .workflow_fd = -1, .fd = -1};
    }
    return old;
}

void ff_file_old_free(struct ff_file_old *old)
{
    if (old) {
        ff_file_close(old->root, old->fd);
        ff_file_close(old->root, old->workflow_fd);
        ff_free(old->data);
        ff_free(old);
    }
}

/* Its bytes: 0 or -errno. */
static int read_old(struct ff_file_old *old, uint64_t *size_bytes)
{
    const struct ff_sys *sys = old->root->sys;
    struct stat st;
    int rc;

    if (old->fd < 0) {
        rc = sys->openat(sys, old->workflow_fd, old->name,
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
        if (rc < 0) {
            return rc;
        }
        old->fd = rc;
    }
    rc = sys->fstat(sys, old->fd, &st);
    if (rc < 0) {
        return rc;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > displaced_max_bytes) {
        return -EFBIG;
    }
    old->data = ff_malloc((size_t)st.st_size);
    if (!old->data) {
        return -ENOMEM;
    }
    *size_bytes = (uint64_t)st.st_size;
    return ff_sys_pread_all(sys, old->fd, old->data, (size_t)st.st_size, 0);
}

void ff_file_old_give(struct ff_file_old *old, const char *place,
                      struct ff_displaced *out)
{
    uint64_t size_bytes = 0;
    int rc = read_old(old, &size_bytes);

    if (rc < 0) {
        ff_file_warn(old->root,
                     "%s: cannot read the value that was displaced: %s; gc will "
                     "take what it named",
                     place, strerrordesc_np(-rc));
        ff_free(old->data);
        old->data = NULL;
        size_bytes = 0;
    }
    out->data = old->data;
    out->size_bytes = size_bytes;
    out->ctx = old;
}

void ff_file_drop(const struct ff_commit *self, struct ff_displaced *displaced,
                  int destroy)
{
    struct ff_file_old *old = displaced ? displaced->ctx : NULL;

    (void)self;
    if (!old) {
        return;
    }
    if (destroy && *old->name) {
        const struct ff_sys *sys = old->root->sys;
        int rc = sys->unlinkat(sys, old->workflow_fd, old->name, 0);

        if (rc < 0 && rc != -ENOENT) {
            ff_file_warn(old->root, "cannot delete %s: %s; gc will", old->name,
                         strerrordesc_np(-rc));
        }
    }
    ff_file_old_free(old);
    displaced->data = NULL;
    displaced->size_bytes = 0;
    displaced->ctx = NULL;
}

/* ---- removing ---- */

/* Looks at a task: FF_OK, FF_E_NOT_FOUND, or why it is none. */
static int look_at(const struct ff_file_root *root, int dir_fd, const char *task,
                   const char *place, struct stat *st, struct ff_error *e)
{
    int rc = root->sys->fstatat(root->sys, dir_fd, task, st, AT_SYMLINK_NOFOLLOW);

    if (rc == -ENOENT) {
        return ff_fail(e, FF_E_NOT_FOUND, place, "no such task");
    }
    return rc < 0 ? ff_file_fail(e, rc, place, "look at the task")
                  : ff_file_refuse(st->st_mode, place, e);
}

/* And that it is this one, not one whose name differs by case. */
static int look_for(const struct ff_file_root *root, int dir_fd, const char *task,
                    const char *place, struct stat *st, struct ff_error *e)
{
    int code = look_at(root, dir_fd, task, place, st, e);

    return code ? code : ff_file_check_case(root, dir_fd, task, place, e);
}

/* After the rename: durable, or not to be known. */
static int removed_for_good(const struct ff_file_root *root, int dir_fd,
                            const char *place, const char *what, struct ff_error *e)
{
    int rc = ff_file_fsync_dir(root, dir_fd);

    if (rc == 0) {
        return FF_OK;
    }
    if (e && !e->code) {
        e->os_errno = -rc;
    }
    return ff_fail(
        e, FF_E_UNKNOWN_OUTCOME, place,
        "it was %s, but whether that survives a power cut is not known: cannot "
        "make its folder durable: %s",
        what, strerrordesc_np(-rc));
}

/* Something else took the task's place between the look and the rename: back. */
static int give_back(const struct ff_file_old *old, const char *task, const char *place,
                     struct ff_error *e)
{
    struct ff_error why = FF_ERROR_INIT;
    struct stat st;
    int code = look_at(old->root, old->workflow_fd, old->name, place, &st, &why);

    if (code != FF_E_CONFLICT && code != FF_E_UNSAFE) {
        return FF_OK;
    }
    if (ff_file_rename_new(old->root, old->workflow_fd, old->name, old->workflow_fd,
                           task) < 0) {
        return ff_fail(e, FF_E_UNKNOWN_OUTCOME, place,
                       "what has its name seems to be no task, and could not be given "
                       "back: it is now %s",
                       old->name);
    }
    ff_error_copy(e, &why);
    return code;
}

static int move_away(struct ff_file_old *old, const char *task, const char *place,
                     struct ff_error *e)
{
    const struct ff_file_root *root = old->root;
    struct stat st;
    int code = look_for(root, old->workflow_fd, task, place, &st, e), rc;

    if (code) {
        return code;
    }
    rc = ff_random_name(root->sys, FF_FILE_TRASH, old->name, sizeof old->name);
    rc = rc < 0 ? rc
                : ff_file_rename_new(root, old->workflow_fd, task, old->workflow_fd,
                                     old->name);
    /* NFS may do it, lose the answer, and say ENOENT when asked again */
    if (rc < 0 &&
        ff_file_name_has(root, old->workflow_fd, old->name, ff_file_id_of(&st)) == 1) {
        rc = 0;
    }
    if (rc == -ENOENT) {
        return ff_fail(e, FF_E_NOT_FOUND, place, "no such task");
    }
    return rc < 0 ? ff_file_fail(e, rc, place, "remove the task")
                  : give_back(old, task, place, e);
}

int ff_file_displace(const struct ff_commit *self, const char *workflow, const char *task,
                     struct ff_displaced *out, const struct ff_call *call,
                     struct ff_error *e)
{
    const struct ff_file_root *root = FF_FILE_BOUND(self, commit)->root;
    char place[FF_FILE_PLACE_BYTES];
    struct ff_file_old *old;
    int code = ff_file_check_name(workflow, 0, e);

    out->data = NULL;
    out->size_bytes = 0;
    out->ctx = NULL;
    code = code ? code : ff_file_check_name(task, 1, e);
    code = code ? code : ff_file_stopped(root, call, workflow, e);
    if (code) {
        return code;
    }
    ff_file_place(workflow, task, place);
    old = ff_file_old_new(root);
    if (!old) {
        return ff_fail(e, FF_E_NO_MEMORY, place, "no memory to remove it");
    }
    code = ff_file_workflow_open(root, workflow, &old->workflow_fd, e);
    code = code ? code : move_away(old, task, place, e);
    code = code ? code : removed_for_good(root, old->workflow_fd, place, "removed", e);
    if (code) {
        ff_file_old_free(old);
    } else {
        ff_file_old_give(old, place, out);
    }
    return code;
}

/* ---- renaming ---- */

struct renaming {
    const struct ff_file_root *root;
    int dir_fd;
    const char *task, *to, *place;
    struct ff_file_id id;
};

static int tell_rename(const struct renaming *r, int rc, struct ff_error *e)
{
    if (rc == -EEXIST) {
        return ff_fail(e, FF_E_CONFLICT, r->place,
                       "cannot rename it to %.200s: that is there", r->to);
    }
    if (rc == -ENOENT) {
        return ff_fail(e, FF_E_NOT_FOUND, r->place, "no such task");
    }
    return rc < 0 ? ff_file_fail(e, rc, r->place, "rename the task") : FF_OK;
}

/* The second name is there: the first one goes, when it still is this file's. Else the
 * second one does, if it is certain that the first one stays. */
static int leave_first_name(const struct renaming *r, struct ff_error *e)
{
    const struct ff_sys *sys = r->root->sys;
    int same = ff_file_name_has(r->root, r->dir_fd, r->task, r->id), rc = 0;

    if (same == 1) {
        rc = sys->unlinkat(sys, r->dir_fd, r->task, 0);
    }
    if (rc < 0 || same < 0) {
        rc = rc < 0 ? rc : same;
        same = ff_file_name_has(r->root, r->dir_fd, r->task, r->id);
    }
    if (same < 0) {
        return ff_fail(
            e, FF_E_UNKNOWN_OUTCOME, r->place,
            "whether it was renamed to %.200s is not known: both may be there: %s", r->to,
            strerrordesc_np(-rc));
    }
    if (rc < 0 && same == 1) {
        (void)sys->unlinkat(sys, r->dir_fd, r->to, 0);
        return tell_rename(r, rc, e);
    }
    return FF_OK;
}

static int rename_by_link(const struct renaming *r, struct ff_error *e)
{
    const struct ff_sys *sys = r->root->sys;
    int rc = sys->linkat(sys, r->dir_fd, r->task, r->dir_fd, r->to, 0);

    if (ff_file_no_links(rc)) {
        return ff_fail(
            e, FF_E_UNSUPPORTED, r->place,
            "this file system cannot rename a task without the risk to replace "
            "another");
    }
    if (rc < 0 && strcmp(r->task, r->to) != 0 &&
        ff_file_name_has(r->root, r->dir_fd, r->to, r->id) == 1) {
        rc = 0; /* its first answer was lost */
    }
    return rc < 0 ? tell_rename(r, rc, e) : leave_first_name(r, e);
}

static int rename_in(const struct ff_file_root *root, int dir_fd, const char *task,
                     const char *to, const char *place, struct ff_error *e)
{
    struct stat st = {0};
    int code = look_for(root, dir_fd, task, place, &st, e), rc;
    struct renaming r = {root, dir_fd, task, to, place, ff_file_id_of(&st)};

    if (code) {
        return code;
    }
    rc = root->sys->renameat2(root->sys, dir_fd, task, dir_fd, to, RENAME_NOREPLACE);
    if (ff_file_no_flags(rc)) {
        return rename_by_link(&r, e);
    }
    if (rc < 0 && rc != -EEXIST && ff_file_name_has(root, dir_fd, to, r.id) == 1) {
        rc = 0;
    }
    return tell_rename(&r, rc, e);
}

int ff_file_rename(const struct ff_commit *self, const char *workflow, const char *task,
                   const char *to, const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_root *root = FF_FILE_BOUND(self, commit)->root;
    char place[FF_FILE_PLACE_BYTES];
    int code = ff_file_check_name(workflow, 0, e), dir_fd = -1, rc;

    code = code ? code : ff_file_check_name(task, 1, e);
    code = code ? code : ff_file_check_name(to, 1, e);
    code = code ? code : ff_file_stopped(root, call, workflow, e);
    code = code ? code : ff_file_workflow_open(root, workflow, &dir_fd, e);
    if (code) {
        return code;
    }
    ff_file_place(workflow, task, place);
    rc = ff_file_anchor(root, dir_fd, false);
    code = rc < 0 ? ff_file_fail(e, rc, workflow, "make the workflow durable")
                  : ff_file_spare_bigdata(root, dir_fd, to, place, e);
    code = code ? code : rename_in(root, dir_fd, task, to, place, e);
    code = code ? code : removed_for_good(root, dir_fd, place, "renamed", e);
    code = code ? code : ff_file_still_there(root, workflow, dir_fd, e);
    ff_file_close(root, dir_fd);
    return code;
}
