/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.c: small deterministic stories over a store, and how each step is run. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "torture.h"

#define W0 .w = 0
#define W1 .w = 1

const struct scenario scenarios[] = {
    {.name = "new",
     .no_root = true,
     .action = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}}},
    {.name = "save",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_SAVE, W0, .t = 1, .value = VALUE(2, 2)},
                {STEP_SAVE, W0, .t = 2, .value = VALUE(PLAIN_ONLY, 0)}}},
    {.name = "replace",
     .setup = {{STEP_WORKFLOW, W0},
               {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)},
               {STEP_SAVE, W0, .t = 1, .value = VALUE(2, 2)}},
     .action = {{STEP_SAVE, W0, .t = 0, .value = VALUE(3, 3)},
                {STEP_SAVE, W0, .t = 0, .value = VALUE(PLAIN_ONLY, 0)},
                {STEP_SAVE, W0, .t = 0, .value = VALUE(4, 4)}}},
    {.name = "read",
     .setup = {{STEP_WORKFLOW, W0},
               {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)},
               {STEP_SAVE, W0, .t = 1, .value = VALUE(2, 2)}},
     .action = {{STEP_READ, W0, .t = 0, .value = VALUE(1, 1)},
                {STEP_READ_LAZY, W0, .t = 1, .value = VALUE(2, 2)},
                {STEP_LIST, W0, .value = 2},
                {STEP_INFO, W0, .t = 0},
                {STEP_VERIFY, W0}}},
    {.name = "stale",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_READ_STALE, W0, .t = 0, .value = VALUE(2, 2)}}},
    {.name = "move",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_MOVE, W0, .t = 0, .to_w = 0, .to_t = 1}}},
    {.name = "move across",
     .setup = {{STEP_WORKFLOW, W0},
               {STEP_WORKFLOW, W1},
               {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_MOVE, W0, .t = 0, .to_w = 1, .to_t = 1}}},
    {.name = "edit",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_EDIT, W0, .t = 0, .to_t = 0, .value = VALUE(2, 1)},
                {STEP_EDIT, W0, .t = 0, .to_t = 1, .value = VALUE(3, 1)}}},
    {.name = "push",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_PUSH, W0, .t = 0, .value = VALUE(2, 2)}}},
    {.name = "if absent",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_SAVE_ABSENT, W0, .t = 0, .value = VALUE(2, 2),
                 .want = FF_E_CONFLICT},
                {STEP_SAVE_ABSENT, W0, .t = 1, .value = VALUE(3, 3)}}},
    {.name = "remove",
     .setup = {{STEP_WORKFLOW, W0},
               {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)},
               {STEP_SAVE, W0, .t = 1, .value = VALUE(2, 2)}},
     .action = {{STEP_REMOVE, W0, .t = 0},
                {STEP_SAVE, W0, .t = 0, .value = VALUE(3, 3)},
                {STEP_REMOVE_ALL, W0}}},
    {.name = "remove workflow",
     .setup = {{STEP_WORKFLOW, W0},
               {STEP_WORKFLOW, W1},
               {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)},
               {STEP_SAVE, W1, .t = 0, .value = VALUE(2, 2)}},
     .action = {{STEP_REMOVE_WORKFLOW, W0}}},
    {.name = "workflow again",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_REMOVE_WORKFLOW, W0},
                {STEP_WORKFLOW, W0},
                {STEP_SAVE, W0, .t = 0, .value = VALUE(2, 2)}}},
    {.name = "gc",
     .setup = {{STEP_WORKFLOW, W0},
               {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)},
               {STEP_SAVE, W0, .t = 1, .value = VALUE(2, 2)},
               {STEP_ORPHAN, W0},
               {STEP_LEFTOVER, W0}},
     .action = {{STEP_GC, W0}}},
    {.name = "gc after a kill",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_KILLED, W0, .t = 0, .value = VALUE(2, 2)}, {STEP_GC, W0}}},
    {.name = "made by others",
     .no_root = true,
     .action = {{STEP_OTHERS, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}}},
    {.name = "save after a kill",
     .setup = {{STEP_WORKFLOW, W0}, {STEP_SAVE, W0, .t = 0, .value = VALUE(1, 1)}},
     .action = {{STEP_KILLED, W0, .t = 0, .value = VALUE(2, 2)},
                {STEP_SAVE, W0, .t = 0, .value = VALUE(3, 3)}}},
};
const size_t scenario_count = sizeof scenarios / sizeof scenarios[0];

const char *workflow_name(int w)
{
    static const char *const name[WORKFLOWS] = {"w0", "w1"};

    return name[w];
}

const char *task_name(int t)
{
    static const char *const name[TASKS] = {"t0", "t1", "t2", "t3"};

    return name[t];
}

/* ---- steps ---- */

static int save(struct client *c, const struct step *s, uint32_t flags,
                struct ff_error *e)
{
    struct ff_save_options o = {.struct_size = FF_SIZE(ff_save_options, call),
                                .flags = flags};
    struct ff_doc *doc = value_new(s->value, e);
    int rc = ff_save(c->storage, workflow_name(s->w), task_name(s->t), ff_doc_root(doc),
                     &o, e);

    ff_doc_free(doc);
    return rc;
}

static struct ff_doc *read_task(struct client *c, int w, int t, bool pin,
                                struct ff_error *e)
{
    struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, call),
                                .flags = pin ? FF_READ_PIN : 0};

    return ff_read_task(c->storage, workflow_name(w), task_name(t), &o, e);
}

static int edit(struct client *c, const struct step *s, struct ff_error *e)
{
    struct ff_doc *was = read_task(c, s->w, s->t, false, e), *doc = NULL;
    int rc;

    if (was) {
        doc = value_edit(was, s->value, e);
    }
    rc = ff_save(c->storage, workflow_name(s->to_w), task_name(s->to_t), ff_doc_root(doc),
                 NULL, e);
    ff_doc_free(doc);
    ff_doc_free(was);
    return rc;
}

static int read_one(struct client *c, const struct step *s, bool pin, struct ff_error *e)
{
    struct ff_doc *doc = read_task(c, s->w, s->t, pin, e);
    int rc = doc ? FF_OK : e->code;

    if (doc && value_number(ff_doc_root(doc)) != s->value) {
        rc = ff_fail(e, WRONG, "read", "another value was saved");
    }
    rc = rc ? rc : value_read(ff_doc_root(doc), s->value, e);
    ff_doc_free(doc);
    return rc;
}

/* What was read before its task was replaced is right, or stale. */
static int read_stale(struct client *c, const struct step *s, struct ff_error *e)
{
    struct ff_doc *doc = read_task(c, s->w, s->t, false, e);
    int v = value_number(ff_doc_root(doc));
    int rc = doc ? save(c, s, 0, e) : e->code;

    if (rc == FF_OK) {
        rc = value_read(ff_doc_root(doc), v, e);
        if (rc == FF_E_STALE) {
            *e = (struct ff_error)FF_ERROR_INIT;
            rc = FF_OK;
        }
    }
    ff_doc_free(doc);
    return rc;
}

static int list(struct client *c, const struct step *s, struct ff_error *e)
{
    struct ff_names *names = ff_list_tasks(c->storage, workflow_name(s->w), NULL, e);
    struct ff_names *all = ff_list_workflows(c->storage, e);
    int there = ff_file_exists(c->storage, workflow_name(s->w), task_name(0), e);
    int rc = e->code;

    if (!rc && (names->count != (size_t)s->value || all->count != 1 || !there)) {
        rc = ff_fail(e, WRONG, "list", "%zu tasks, %zu workflows", names->count,
                     all->count);
    }
    ff_names_free(names);
    ff_names_free(all);
    return rc;
}

static int collect(struct client *c, struct ff_error *e)
{
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .really = 1};

    return ff_gc(c->storage, NULL, &o, NULL, NULL, e);
}

static int info(struct client *c, const struct step *s, struct ff_error *e)
{
    ff_doc_free(ff_task_info(c->storage, workflow_name(s->w), task_name(s->t), e));
    return e->code;
}

static int stray(const char *root, const struct step *s)
{
    static const char *const name[] = {"bigdata/0f0e0d0c-0b0a-4a0b-8c0d-0e0f00010203",
                                       ".ff-tmp-00112233445566778899aabbccddeeff"};
    char path[PATH_BYTES * 2];
    int fd;

    (void)snprintf(path, sizeof path, "%s/%s/%s", root, workflow_name(s->w),
                   name[s->kind == STEP_LEFTOVER]);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, "stray", 5) != 5 || close(fd)) {
        return FF_E_IO;
    }
    return FF_OK;
}

/* ---- a save that is killed behind its rename ---- */

struct killed {
    const char *root;
    const struct step *step;
    struct faultsys *outer;
};

static bool save_and_die(void *ctx)
{
    const struct killed *k = ctx;
    const struct fault_rule rule = {.kill_behind_rename = true};
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client c;

    faultsys_init(&f, &ff_sys_posix);
    f.log_fd = k->outer ? k->outer->log_fd : -1;
    f.actor = 1;
    if (client_open(&c, k->root, &f.table, &e)) {
        faultsys_arm(&f, &rule);
        (void)save(&c, k->step, 0, &e);
    }
    return false;
}

static int save_killed(const char *root, const struct step *s, struct faultsys *f,
                       struct ff_error *e)
{
    struct killed k = {root, s, f};
    enum child_end end = in_child(save_and_die, &k, 60);

    return end == CHILD_KILLED
               ? FF_OK
               : ff_fail(e, WRONG, "kill", "the save ended %s", child_end_name[end]);
}

/* Another program's folders, through the log when there is one. */
static int make_by_others(const char *root, const struct step *s, struct faultsys *f,
                          struct ff_error *e)
{
    const struct ff_sys *sys = f ? &f->table : &ff_sys_posix;
    char path[PATH_BYTES * 2];
    int rc = 0;

    for (int i = 0; i < 3 && (rc == 0 || rc == -EEXIST); i++) {
        (void)snprintf(path, sizeof path, "%s%s%s%s", root, i ? "/" : "",
                       i ? workflow_name(s->w) : "", i == 2 ? "/bigdata" : "");
        rc = sys->mkdirat(sys, AT_FDCWD, path, 0777);
    }
    if (rc == 0 || rc == -EEXIST) {
        return FF_OK;
    }
    (void)ff_fail(e, FF_E_IO, path, "mkdir failed: %d", rc);
    ff_error_fix(e, "none: another program failed");
    return FF_E_IO;
}

int step_run(struct client *c, const char *root, const struct step *s, struct faultsys *f,
             struct ff_error *e)
{
    switch (s->kind) {
    case STEP_WORKFLOW:
        return ff_new_workflow(c->storage, workflow_name(s->w), e);
    case STEP_SAVE:
        return save(c, s, 0, e);
    case STEP_SAVE_ABSENT:
        return save(c, s, FF_SAVE_IF_ABSENT, e);
    case STEP_PUSH:
        return value_push(c->storage, workflow_name(s->w), task_name(s->t), s->value, e);
    case STEP_EDIT:
        return edit(c, s, e);
    case STEP_READ:
    case STEP_READ_LAZY:
        return read_one(c, s, s->kind == STEP_READ, e);
    case STEP_READ_STALE:
        return read_stale(c, s, e);
    case STEP_LIST:
        return list(c, s, e);
    case STEP_MOVE:
        return ff_move_task(c->storage, workflow_name(s->w), task_name(s->t),
                            workflow_name(s->to_w), task_name(s->to_t), e);
    case STEP_REMOVE:
        return ff_remove_task(c->storage, workflow_name(s->w), task_name(s->t), e);
    case STEP_REMOVE_ALL:
        return ff_remove_tasks(c->storage, workflow_name(s->w), "*", NULL, e);
    case STEP_REMOVE_WORKFLOW:
        return ff_remove_workflow(c->storage, workflow_name(s->w), e);
    case STEP_GC:
        return collect(c, e);
    case STEP_VERIFY:
        return ff_verify(c->storage, workflow_name(s->w), NULL, 1, NULL, NULL, e);
    case STEP_INFO:
        return info(c, s, e);
    case STEP_ORPHAN:
    case STEP_LEFTOVER:
        return medium ? medium->stray(root, s) : stray(root, s);
    case STEP_OTHERS:
        return make_by_others(root, s, f, e);
    case STEP_KILLED:
        return save_killed(root, s, f, e);
    default:
        return FF_OK;
    }
}

bool setup_run(const char *root, const struct scenario *s, char *why)
{
    struct ff_error e = FF_ERROR_INIT;
    struct client c;
    int rc = FF_OK;

    if (s->no_root) {
        return true;
    }
    if (!client_open(&c, root, NULL, &e)) {
        return say(why, "set-up: %d %s: %s", e.code, e.place, e.message);
    }
    for (int i = 0; rc == FF_OK && i < STEPS && s->setup[i].kind; i++) {
        rc = step_run(&c, root, &s->setup[i], NULL, &e);
    }
    client_close(&c);
    return rc == FF_OK || say(why, "set-up: %d %s: %s", rc, e.place, e.message);
}

void action_run(struct client *c, const char *root, const struct scenario *s,
                struct faultsys *f, struct outcome *out)
{
    for (int i = 0; i < STEPS && s->action[i].kind; i++) {
        out->error = (struct ff_error)FF_ERROR_INIT;
        out->ended = false;
        out->steps = i + 1;
        faultsys_mark(f, i, false, 0);
        out->code = step_run(c, root, &s->action[i], f, &out->error);
        faultsys_mark(f, i, true, out->code);
        out->ended = true;
        if (out->code != s->action[i].want) {
            return;
        }
    }
}
