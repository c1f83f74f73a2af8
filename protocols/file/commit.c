/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c: a save from its beginning to its end. The intent is the task's own temporary
 * file, locked for as long as its writer lives; to rename it is the commit. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "file.h"

struct ff_intent {
    const struct ff_file_root *root;
    int workflow_fd, fd;
    struct ff_file_id id;
    uint64_t written_bytes;
    char *workflow;
    char name[FF_FILE_NAME_BYTES];
};

static struct ff_file_bound *bound_of(const struct ff_commit *self)
{
    return FF_FILE_BOUND(self, commit);
}

/* ---- what all of ff.commit/1 needs ---- */

int ff_file_check_name(const char *name, int is_task, struct ff_error *e)
{
    const char *fault = ff_name_check(name, is_task ? FF_NAME_TASK : FF_NAME_WORKFLOW);

    return fault ? ff_fail(e, FF_E_USAGE, name, "the name of the %s %s",
                           is_task ? "task" : "workflow", fault)
                 : FF_OK;
}

void ff_file_place(const char *workflow, const char *task,
                   char place[FF_FILE_PLACE_BYTES])
{
    (void)snprintf(place, FF_FILE_PLACE_BYTES, "%s/%s", workflow, task);
}

int ff_file_workflow_open(const struct ff_file_root *root, const char *workflow, int *fd,
                          struct ff_error *e)
{
    int code;

    *fd = ff_sys_open_beneath(root->sys, root->fd, workflow, O_RDONLY | O_DIRECTORY, 0);
    if (*fd == -ENOENT) {
        return ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow");
    }
    if (*fd == -ENOTDIR) {
        return ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow: it is no folder");
    }
    if (*fd < 0) {
        return ff_file_fail(e, *fd, workflow, "open the workflow");
    }
    code = ff_file_check_case(root, root->fd, workflow, workflow, e);
    if (code) {
        ff_file_close(root, *fd);
        *fd = -1;
    }
    return code;
}

int ff_file_still_there(const struct ff_file_root *root, const char *workflow, int dir_fd,
                        struct ff_error *e)
{
    struct stat st;
    int rc = root->sys->fstat(root->sys, dir_fd, &st);

    if (rc == 0) {
        rc = ff_file_name_has(root, root->fd, workflow, ff_file_id_of(&st));
    }
    if (rc < 0) {
        (void)ff_file_fail(e, rc, workflow, "see whether the workflow is still there");
        if (e) {
            e->code = FF_E_UNKNOWN_OUTCOME;
        }
        return FF_E_UNKNOWN_OUTCOME;
    }
    return rc == 1 ? FF_OK
                   : ff_fail(e, FF_E_CONFLICT, workflow,
                             "the workflow was removed or moved meanwhile");
}

/* ---- begin, write, give up ---- */

static void intent_free(struct ff_intent *in)
{
    ff_file_close(in->root, in->fd);
    ff_file_close(in->root, in->workflow_fd);
    ff_free(in->workflow);
    ff_free(in);
}

static struct ff_intent *intent_new(const struct ff_file_root *root, const char *workflow)
{
    struct ff_intent *in = ff_calloc(1, sizeof *in);

    if (in) {
        *in = (struct ff_intent){.root = root, .workflow_fd = -1, .fd = -1};
        in->workflow = ff_strdup(workflow);
        if (!in->workflow) {
            intent_free(in);
            in = NULL;
        }
    }
    return in;
}

/* Takes the file's name away, when it is still the intent's. */
static void discard(const struct ff_intent *in)
{
    if (ff_file_name_has(in->root, in->workflow_fd, in->name, in->id) == 1) {
        (void)in->root->sys->unlinkat(in->root->sys, in->workflow_fd, in->name, 0);
    }
}

static int make_intent(struct ff_file_root *root, struct ff_intent *in,
                       struct ff_error *e)
{
    struct stat st;
    int rc = ff_file_anchor(root, in->workflow_fd, false);

    if (rc < 0) {
        return ff_file_fail(e, rc, in->workflow, "make the workflow durable");
    }
    rc = ff_file_private_new(root, in->workflow_fd, FF_FILE_INTENT, in->name, &in->fd);
    if (rc == -ENOENT) {
        return ff_fail(e, FF_E_NOT_FOUND, in->workflow, "the workflow was just removed");
    }
    if (rc == 0) {
        rc = root->sys->fstat(root->sys, in->fd, &st);
        if (rc < 0) {
            (void)root->sys->unlinkat(root->sys, in->workflow_fd, in->name, 0);
        }
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, in->workflow, "begin to save in the workflow");
    }
    in->id = ff_file_id_of(&st);
    return FF_OK;
}

static int file_begin(const struct ff_commit *self, const char *workflow,
                      struct ff_intent **out, const struct ff_call *call,
                      struct ff_error *e)
{
    struct ff_file_root *root = bound_of(self)->root;
    struct ff_intent *in;
    int code = ff_file_check_name(workflow, 0, e);

    *out = NULL;
    code = code ? code : ff_file_stopped(root, call, workflow, e);
    if (code) {
        return code;
    }
    in = intent_new(root, workflow);
    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory to begin a save");
    }
    code = ff_file_workflow_open(root, workflow, &in->workflow_fd, e);
    code = code ? code : make_intent(root, in, e);
    if (code) {
        intent_free(in);
        return code;
    }
    *out = in;
    return FF_OK;
}

static int file_write(const struct ff_commit *self, struct ff_intent *in,
                      const void *data, size_t size_bytes, const struct ff_call *call,
                      struct ff_error *e)
{
    int code = ff_file_stopped(in->root, call, in->workflow, e), rc;

    (void)self;
    if (code) {
        return code;
    }
    rc = ff_file_write(in->root, in->fd, data, size_bytes);
    if (rc < 0) {
        return ff_file_fail(e, rc, in->workflow, "write the task");
    }
    in->written_bytes += size_bytes;
    return FF_OK;
}

static int file_refresh(const struct ff_commit *self, struct ff_intent *in,
                        struct ff_error *e)
{
    int rc = in->root->sys->futimens(in->root->sys, in->fd, NULL);

    (void)self;
    return rc < 0 ? ff_file_fail(e, rc, in->workflow, "touch the save's file") : FF_OK;
}

static void file_abort(const struct ff_commit *self, struct ff_intent *in)
{
    (void)self;
    if (in) {
        discard(in);
        intent_free(in);
    }
}

/* ---- commit ---- */

/* All bytes are there, and stay. */
static int seal(const struct ff_intent *in, const char *place, struct ff_error *e)
{
    struct stat st;
    int rc = ff_file_fsync(in->root, in->fd);

    rc = rc < 0 ? rc : in->root->sys->fstat(in->root->sys, in->fd, &st);
    if (rc < 0) {
        return ff_file_fail(e, rc, place, "make the task durable");
    }
    return (uint64_t)st.st_size == in->written_bytes
               ? FF_OK
               : ff_fail(e, FF_E_IO, place, "the file system keeps %lld bytes of %llu",
                         (long long)st.st_size, (unsigned long long)in->written_bytes);
}

/* After the rename. What cannot be known now must be called so: nothing old is deleted. */
static int settle(const struct ff_intent *in, const char *place, struct ff_error *e)
{
    int rc = ff_file_fsync_dir(in->root, in->workflow_fd);

    if (rc < 0) {
        if (e && !e->code) {
            e->os_errno = -rc;
        }
        return ff_fail(e, FF_E_UNKNOWN_OUTCOME, place,
                       "the task was saved, but whether it survives a power cut is not "
                       "known: cannot make its folder durable: %s",
                       strerrordesc_np(-rc));
    }
    return ff_file_still_there(in->root, in->workflow, in->workflow_fd, e);
}

static int place_task(struct ff_intent *in, const char *task, int mode,
                      struct ff_file_old *old, const char *place, struct ff_error *e)
{
    struct ff_file_move move = {.root = in->root,
                                .dir_fd = in->workflow_fd,
                                .intent = in->name,
                                .task = task,
                                .place = place,
                                .id = in->id,
                                .mode = mode,
                                .old = old};
    int code = seal(in, place, e);

    code = code ? code : ff_file_move_in(&move, e);
    if (code && code != FF_E_UNKNOWN_OUTCOME) {
        discard(in);
    }
    return code ? code : settle(in, place, e);
}

static int file_commit(const struct ff_commit *self, struct ff_intent *in,
                       const char *task, int mode, struct ff_displaced *out,
                       const struct ff_call *call, struct ff_error *e)
{
    char place[FF_FILE_PLACE_BYTES];
    struct ff_file_old *old = ff_file_old_new(in->root);
    int code = ff_file_check_name(task, 1, e);

    out->data = NULL;
    out->size_bytes = 0;
    out->ctx = NULL;
    ff_file_place(in->workflow, task ? task : "", place);
    code = code ? code : ff_file_stopped(in->root, call, place, e);
    if (code == FF_OK && !old) {
        code = ff_fail(e, FF_E_NO_MEMORY, place, "no memory to commit");
    }
    if (code) {
        file_abort(self, in);
        ff_file_old_free(old);
        return code;
    }
    old->workflow_fd = in->workflow_fd;
    code = place_task(in, task, mode, old, place, e);
    in->workflow_fd = -1; /* now the displaced value's */
    if (code == FF_OK && (*old->name || old->fd >= 0)) {
        ff_file_old_give(old, place, out);
    } else {
        ff_file_old_free(old);
    }
    intent_free(in);
    return code;
}

const struct ff_commit ff_file_commit = {
    .struct_size = FF_SIZE(ff_commit, settle),
    .make_workflow = ff_file_make_workflow,
    .workflow_exists = ff_file_workflow_exists,
    .remove_workflow = ff_file_remove_workflow,
    .begin = file_begin,
    .write = file_write,
    .refresh = file_refresh,
    .commit = file_commit,
    .abort = file_abort,
    .displace = ff_file_displace,
    .drop = ff_file_drop,
    .rename = ff_file_rename,
    .intents = ff_file_intents,
    .fence = ff_file_fence,
    .settle = ff_file_settle,
};
