/* SPDX-License-Identifier: Apache-2.0 */
/* workflow.c: workflows as a whole: folders of the root. */
#include <errno.h>
#include <string.h>

#include "core/base/uuid.h"
#include "file.h"

static struct ff_file_root *root_of(const struct ff_commit *self)
{
    return FF_FILE_BOUND(self, commit)->root;
}

/* A folder of this name may be there already, whoever made it. */
static int ensure_folder(struct ff_file_root *root, const char *workflow, bool *made,
                         struct ff_error *e)
{
    struct stat st;
    int rc = root->sys->mkdirat(root->sys, root->fd, workflow, 0777);

    *made = rc == 0;
    if (rc == -EEXIST) {
        rc = root->sys->fstatat(root->sys, root->fd, workflow, &st, AT_SYMLINK_NOFOLLOW);
        if (rc == 0 && S_ISREG(st.st_mode)) {
            return ff_fail(e, FF_E_CONFLICT, workflow, "a file has this name");
        }
        if (rc == 0 && !S_ISDIR(st.st_mode)) {
            return ff_file_refuse(st.st_mode, workflow, e);
        }
    }
    return rc < 0 ? ff_file_fail(e, rc, workflow, "make the workflow") : FF_OK;
}

int ff_file_make_workflow(const struct ff_commit *self, const char *workflow,
                          const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_root *root = root_of(self);
    bool made;
    int code = ff_file_check_name(workflow, 0, e), fd = -1, rc;

    code = code ? code : ff_file_stopped(root, call, workflow, e);
    code = code ? code : ensure_folder(root, workflow, &made, e);
    code = code ? code : ff_file_workflow_open(root, workflow, &fd, e);
    if (code) {
        return code;
    }
    rc = ff_file_anchor(root, fd, made);
    ff_file_close(root, fd);
    return rc < 0 ? ff_file_fail(e, rc, workflow, "make the workflow durable") : FF_OK;
}

int ff_file_workflow_exists(const struct ff_commit *self, const char *workflow,
                            int *exists, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_file_root *root = root_of(self);
    struct stat st;
    int code = ff_file_check_name(workflow, 0, e), rc;

    *exists = 0;
    code = code ? code : ff_file_stopped(root, call, workflow, e);
    if (code) {
        return code;
    }
    rc = root->sys->fstatat(root->sys, root->fd, workflow, &st, AT_SYMLINK_NOFOLLOW);
    if (rc == -ENOENT) {
        return FF_OK;
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, workflow, "look at the workflow");
    }
    if (S_ISLNK(st.st_mode)) {
        return ff_file_refuse(st.st_mode, workflow, e);
    }
    *exists = S_ISDIR(st.st_mode);
    return FF_OK;
}

/* ---- removing ---- */

static int check_folder(const struct ff_file_root *root, const char *workflow,
                        struct stat *st, struct ff_error *e)
{
    int rc = root->sys->fstatat(root->sys, root->fd, workflow, st, AT_SYMLINK_NOFOLLOW);

    if (rc == -ENOENT || (rc == 0 && S_ISREG(st->st_mode))) {
        return ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow");
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, workflow, "look at the workflow");
    }
    return S_ISDIR(st->st_mode)
               ? ff_file_check_case(root, root->fd, workflow, workflow, e)
               : ff_file_refuse(st->st_mode, workflow, e);
}

/* One rename: nobody sees half of it. */
static int move_away(const struct ff_file_root *root, const char *workflow,
                     char trash[FF_FILE_NAME_BYTES], struct ff_error *e)
{
    struct stat st;
    int code = check_folder(root, workflow, &st, e), rc;

    if (code) {
        return code;
    }
    rc = ff_random_name(root->sys, FF_FILE_TRASH, trash, FF_FILE_NAME_BYTES);
    if (rc < 0) {
        return ff_file_fail(e, rc, workflow, "name what is removed");
    }
    rc = ff_file_rename_new(root, root->fd, workflow, root->fd, trash);
    if (rc < 0 && ff_file_name_has(root, root->fd, trash, ff_file_id_of(&st)) == 1) {
        rc = 0; /* done, but the answer was lost */
    }
    if (rc == -ENOENT) {
        return ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow");
    }
    return rc < 0 ? ff_file_fail(e, rc, workflow, "remove the workflow") : FF_OK;
}

int ff_file_remove_workflow(const struct ff_commit *self, const char *workflow,
                            const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_root *root = root_of(self);
    char trash[FF_FILE_NAME_BYTES];
    int code = ff_file_check_name(workflow, 0, e), rc;

    code = code ? code : ff_file_stopped(root, call, workflow, e);
    code = code ? code : move_away(root, workflow, trash, e);
    if (code) {
        return code;
    }
    rc = ff_file_fsync_dir(root, root->fd);
    if (rc < 0) {
        if (e && !e->code) {
            e->os_errno = -rc;
        }
        return ff_fail(
            e, FF_E_UNKNOWN_OUTCOME, workflow,
            "the workflow was removed, but whether that survives a power cut is "
            "not known: %s",
            strerrordesc_np(-rc));
    }
    ff_file_anchor_forget(root); /* new folders may get the inodes of those that go */
    rc = ff_file_delete(root, root->fd, trash);
    if (rc < 0) {
        ff_file_warn(root,
                     "%s: not all of what was removed could be deleted: %s; gc will "
                     "try again",
                     workflow, strerrordesc_np(-rc));
    }
    return FF_OK;
}
