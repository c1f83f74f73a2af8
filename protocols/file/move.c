/* SPDX-License-Identifier: Apache-2.0 */
/* move.c: how the intent takes the task's name, and what was there is put aside. Two ways:
 * with the flags of renameat2, or with links where a file system has no such flags. */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>

#include "core/base/uuid.h"
#include "file.h"

enum { ROUNDS = 1000 };

/* One try: it may end, or the task came or went meanwhile and the next one will do. */
enum { AGAIN = 1 };

static int conflict_fenced(const struct ff_file_move *m, struct ff_error *e)
{
    return ff_fail(
        e, FF_E_CONFLICT, m->place,
        "this save was taken for dead and fenced off, or its workflow removed; "
        "the old value is intact");
}

static int conflict_there(const struct ff_file_move *m, struct ff_error *e)
{
    return ff_fail(e, FF_E_CONFLICT, m->place, "the task is there already");
}

/* The call failed. Did it do nothing, or was only its answer lost, as NFS does? FF_OK: the
 * task is ours. AGAIN: the intent still is where it was, and ENOENT was about the task. */
static int judge(const struct ff_file_move *m, int rc, struct ff_error *e)
{
    int task = ff_file_name_has(m->root, m->dir_fd, m->task, m->id);
    int intent = ff_file_name_has(m->root, m->dir_fd, m->intent, m->id);

    if (task == 1) {
        return FF_OK;
    }
    if (task < 0 || intent < 0) {
        if (e && !e->code) {
            e->os_errno = -rc;
        }
        return ff_fail(
            e, FF_E_UNKNOWN_OUTCOME, m->place,
            "whether the task was saved is not known: the rename failed (%s), and "
            "so did the look at what it did",
            strerrordesc_np(-rc));
    }
    if (intent == 0) {
        return conflict_fenced(m, e);
    }
    return rc == -ENOENT ? AGAIN
                         : ff_file_fail(e, rc, m->place, "give the task its name");
}

/* What is to be displaced: FF_OK, AGAIN when it is gone, or why it may not be. */
static int check_old(const struct ff_file_move *m, const char *name, struct ff_error *e)
{
    struct stat st;
    int rc =
        m->root->sys->fstatat(m->root->sys, m->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW);

    if (rc == -ENOENT) {
        return AGAIN;
    }
    return rc < 0 ? ff_file_fail(e, rc, m->place, "look at the old value")
                  : ff_file_refuse(st.st_mode, m->place, e);
}

static int check_task(const struct ff_file_move *m, struct ff_error *e)
{
    int code = check_old(m, m->task, e);

    return code ? code : ff_file_check_case(m->root, m->dir_fd, m->task, m->place, e);
}

static int plain_rename(const struct ff_file_move *m)
{
    return m->root->sys->renameat2(m->root->sys, m->dir_fd, m->intent, m->dir_fd, m->task,
                                   0);
}

/* ---- without flags ---- */

/* Nothing is there: a link is as exclusive as the rename that cannot be had. */
static int link_in(const struct ff_file_move *m, struct ff_error *e)
{
    const struct ff_sys *sys = m->root->sys;
    int rc = sys->linkat(sys, m->dir_fd, m->intent, m->dir_fd, m->task, 0), code;

    if (ff_file_no_links(rc)) {
        if (m->mode == FF_COMMIT_IF_ABSENT) {
            return ff_fail(e, FF_E_UNSUPPORTED, m->place,
                           "this file system cannot save a task only if it is absent");
        }
        rc = plain_rename(m);
        return rc < 0 ? judge(m, rc, e) : FF_OK;
    }
    code = rc < 0 && rc != -EEXIST ? judge(m, rc, e) : FF_OK;
    if (rc == -EEXIST && ff_file_name_has(m->root, m->dir_fd, m->task, m->id) != 1) {
        return m->mode == FF_COMMIT_IF_ABSENT ? conflict_there(m, e) : AGAIN;
    }
    if (code == FF_OK) {
        (void)sys->unlinkat(sys, m->dir_fd, m->intent, 0);
    }
    return code;
}

/* A second name for the old value, or, where files have one only, a descriptor. */
static int keep_old(const struct ff_file_move *m)
{
    const struct ff_sys *sys = m->root->sys;
    int rc = ff_random_name(sys, FF_FILE_OLD, m->old->name, sizeof m->old->name);

    if (rc == 0) {
        rc = sys->linkat(sys, m->dir_fd, m->task, m->dir_fd, m->old->name, 0);
    }
    if (rc < 0) {
        m->old->name[0] = '\0';
    }
    if (ff_file_no_links(rc)) {
        rc = sys->openat(sys, m->dir_fd, m->task, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
        m->old->fd = rc < 0 ? -1 : rc;
    }
    return rc < 0 ? rc : 0;
}

static void forget_old(const struct ff_file_move *m)
{
    if (*m->old->name) {
        (void)m->root->sys->unlinkat(m->root->sys, m->dir_fd, m->old->name, 0);
    }
    m->old->name[0] = '\0';
    ff_file_close(m->root, m->old->fd);
    m->old->fd = -1;
}

static int replace_plainly(const struct ff_file_move *m, struct ff_error *e)
{
    int rc = keep_old(m), code;

    if (rc == -ENOENT) {
        return AGAIN;
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, m->place, "keep the old value");
    }
    rc = plain_rename(m);
    code = rc < 0 ? judge(m, rc, e) : FF_OK;
    if (code && code != FF_E_UNKNOWN_OUTCOME) {
        forget_old(m);
    }
    return code;
}

static int without_flags(const struct ff_file_move *m, struct ff_error *e)
{
    int code = check_task(m, e);

    if (code == AGAIN) {
        return link_in(m, e);
    }
    if (code) {
        return code;
    }
    return m->mode == FF_COMMIT_IF_ABSENT ? conflict_there(m, e) : replace_plainly(m, e);
}

/* ---- with flags ---- */

/* What came into the intent's name is no task: back. */
static int undo(const struct ff_file_move *m, struct ff_error *why, struct ff_error *e)
{
    const struct ff_sys *sys = m->root->sys;
    int rc =
        sys->renameat2(sys, m->dir_fd, m->intent, m->dir_fd, m->task, RENAME_EXCHANGE);

    if (rc < 0) {
        return ff_fail(e, FF_E_UNKNOWN_OUTCOME, m->place,
                       "the task was saved over what is no task, which is now %s",
                       m->intent);
    }
    ff_error_copy(e, why);
    return why->code;
}

static int exchange(const struct ff_file_move *m, struct ff_error *e)
{
    const struct ff_sys *sys = m->root->sys;
    struct ff_error why = FF_ERROR_INIT;
    int code = check_task(m, e), rc;

    if (code) {
        return code;
    }
    rc = sys->renameat2(sys, m->dir_fd, m->intent, m->dir_fd, m->task, RENAME_EXCHANGE);
    if (ff_file_no_flags(rc)) {
        return replace_plainly(m, e);
    }
    code = rc < 0 ? judge(m, rc, e) : FF_OK;
    if (code) {
        return code;
    }
    (void)snprintf(m->old->name, sizeof m->old->name, "%s", m->intent);
    code = check_old(m, m->intent, &why);
    if (code == FF_E_CONFLICT || code == FF_E_UNSAFE) {
        m->old->name[0] = '\0';
        return undo(m, &why, e);
    }
    return FF_OK; /* gone, or not to be seen: then what it named is left to gc */
}

static int one_round(const struct ff_file_move *m, struct ff_error *e)
{
    const struct ff_sys *sys = m->root->sys;
    int rc =
        sys->renameat2(sys, m->dir_fd, m->intent, m->dir_fd, m->task, RENAME_NOREPLACE);

    if (rc == 0) {
        return FF_OK;
    }
    if (ff_file_no_flags(rc)) {
        return without_flags(m, e);
    }
    if (rc != -EEXIST) {
        int code = judge(m, rc, e);

        return code == AGAIN ? ff_file_fail(e, rc, m->place, "give the task its name")
                             : code;
    }
    return m->mode == FF_COMMIT_IF_ABSENT ? conflict_there(m, e) : exchange(m, e);
}

int ff_file_move_in(struct ff_file_move *m, struct ff_error *e)
{
    int code = ff_file_spare_bigdata(m->root, m->dir_fd, m->task, m->place, e);

    code = code ? code : AGAIN;
    for (int i = 0; i < ROUNDS && code == AGAIN; i++) {
        code = one_round(m, e);
    }
    return code == AGAIN ? ff_fail(e, FF_E_CONFLICT, m->place,
                                   "others save and remove the task all the time")
                         : code;
}
