/* SPDX-License-Identifier: Apache-2.0 */
/* invariants.c: I1 to I7 of docs/format.md over a store that nobody works on. */
#include <dirent.h>
#include <stdlib.h>

#include "torture.h"

/* Which values the tasks have. */
struct held {
    bool workflow[WORKFLOWS];
    int task[WORKFLOWS][TASKS];
};

static int index_of(const char *name, char first, int count)
{
    int i = name[0] == first && name[1] && !name[2] ? name[1] - '0' : -1;

    return i < count ? i : -1;
}

static bool is_allowed(const struct expect *x, int w, int t, int value)
{
    for (int i = 0; i < x->count[w][t]; i++) {
        if (x->allowed[w][t][i] == value) {
            return true;
        }
    }
    return false;
}

/* I1 and I3: the whole of it reads. */
static bool read_whole(struct client *c, int w, int t, int *value, char *why)
{
    struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, call),
                                .flags = FF_READ_PIN};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_read_task(c->storage, workflow_name(w), task_name(t), &o, &e);
    bool ok;

    if (!doc) {
        return say(why, "I1: %s/%s: %d %s: %s", workflow_name(w), task_name(t), e.code,
                   e.place, e.message);
    }
    *value = value_number(ff_doc_root(doc));
    ok = value_is(ff_doc_root(doc), *value, why) ||
         say(why, "I1, I3: %s/%s is not whole", workflow_name(w), task_name(t));
    ff_doc_free(doc);
    return ok;
}

static bool read_tasks(struct client *c, int w, struct held *held, char *why)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_names *names = ff_list_tasks(c->storage, workflow_name(w), NULL, &e);
    bool ok = names || say(why, "list of %s: %d %s: %s", workflow_name(w), e.code,
                           e.place, e.message);

    for (size_t i = 0; ok && i < names->count; i++) {
        int t = index_of(names->name[i], 't', TASKS);

        ok = t >= 0 || say(why, "I4: a listing shows %s", names->name[i]);
        ok = ok && read_whole(c, w, t, &held->task[w][t], why);
    }
    ff_names_free(names);
    return ok;
}

static bool read_store(struct client *c, struct held *held, char *why)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_names *names = ff_list_workflows(c->storage, &e);
    bool ok = names || say(why, "list: %d %s: %s", e.code, e.place, e.message);

    memset(held, 0, sizeof *held);
    for (int i = 0; i < WORKFLOWS * TASKS; i++) {
        held->task[i / TASKS][i % TASKS] = NO_VALUE;
    }
    for (size_t i = 0; ok && i < names->count; i++) {
        int w = index_of(names->name[i], 'w', WORKFLOWS);

        ok = w >= 0 || say(why, "I4: a listing shows %s", names->name[i]);
        if (ok) {
            held->workflow[w] = true;
            ok = read_tasks(c, w, held, why);
        }
    }
    ff_names_free(names);
    return ok;
}

/* I2 and I7 */
static bool is_expected(const struct expect *x, const struct held *held, char *why)
{
    for (int w = 0; w < WORKFLOWS; w++) {
        if (held->workflow[w] ? !x->may_have[w] : !x->may_lack[w]) {
            return say(why, "I2, I7: workflow %s is %s", workflow_name(w),
                       held->workflow[w] ? "there" : "gone");
        }
        for (int t = 0; t < TASKS; t++) {
            if (!is_allowed(x, w, t, held->task[w][t])) {
                return say(why, "I2, I7: %s/%s has value %d, not %d%s", workflow_name(w),
                           task_name(t), held->task[w][t], x->allowed[w][t][0],
                           x->count[w][t] > 1 ? " or another allowed one" : "");
            }
        }
    }
    if (x->move && held->task[x->move->w][x->move->t] == NO_VALUE &&
        held->task[x->move->to_w][x->move->to_t] == NO_VALUE) {
        return say(why, "I2: what was moved is under neither name");
    }
    return true;
}

/* ---- what lies on the disk ---- */

static void count_entries(const char *folder, size_t *plain, size_t *private_names)
{
    DIR *dir = opendir(folder);
    struct dirent *d;

    while (dir && (d = readdir(dir))) {
        if (strncmp(d->d_name, ".ff-", 4) == 0) {
            ++*private_names;
        } else if (d->d_name[0] != '.') {
            ++*plain;
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

const struct medium *medium;

void store_count(const char *root, size_t *bigdata, size_t *private_names)
{
    char path[PATH_BYTES * 2];
    size_t others = 0;

    if (medium) {
        medium->count(root, bigdata, private_names);
        return;
    }
    *bigdata = *private_names = 0;
    count_entries(root, &others, private_names);
    for (int w = 0; w < WORKFLOWS; w++) {
        (void)snprintf(path, sizeof path, "%s/%s", root, workflow_name(w));
        count_entries(path, &others, private_names);
        (void)snprintf(path, sizeof path, "%s/%s/bigdata", root, workflow_name(w));
        count_entries(path, bigdata, private_names);
    }
}

static int remember(void *ctx, const struct ff_finding *f)
{
    char *text = ctx;

    return say(text, "%s %s/%s%s %s", f->what, f->workflow, f->task, f->name, f->reason);
}

static int collect(struct client *c, char *found, struct ff_error *e)
{
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .really = 1};

    return ff_gc(c->storage, NULL, &o, remember, found, e);
}

/* A rename that died between its two steps is completed: docs/format.md, 6. */
static void complete_move(const struct step *move, const struct held *before,
                          const struct held *after, struct held *wanted)
{
    *wanted = *before;
    if (move && move->w == move->to_w && after->task[move->w][move->t] == NO_VALUE &&
        before->task[move->w][move->t] == before->task[move->to_w][move->to_t]) {
        wanted->task[move->w][move->t] = NO_VALUE;
    }
}

/* I5 */
static bool collects(struct client *c, const char *root, const struct expect *x,
                     const struct held *before, char *why)
{
    char found[TEXT_BYTES] = "", again[TEXT_BYTES] = "";
    struct ff_error e = FF_ERROR_INIT;
    struct held after, same;
    size_t bigdata, private_names, wanted = 0;

    if (collect(c, found, &e) || collect(c, again, &e)) {
        return say(why, "I5: gc: %d %s: %s", e.code, e.place, e.message);
    }
    if (!read_store(c, &after, why)) {
        return false;
    }
    complete_move(x->move, before, &after, &same);
    if (memcmp(&after, &same, sizeof after) != 0) {
        return say(why, "I5: gc changed a task");
    }
    for (int i = 0; i < WORKFLOWS * TASKS; i++) {
        int v = after.task[i / TASKS][i % TASKS];

        wanted += v == NO_VALUE ? 0 : VALUE_ARRAYS(v);
    }
    store_count(root, &bigdata, &private_names);
    if (bigdata != wanted || private_names) {
        return say(why,
                   "I5: after gc %zu of big data for %zu arrays, %zu private names (%s)",
                   bigdata, wanted, private_names, found);
    }
    return !*again || say(why, "I5: a second gc found: %s", again);
}

/* I6 */
static bool still_works(struct client *c, char *why)
{
    const struct step steps[] = {
        {STEP_WORKFLOW, .w = 1},
        {STEP_SAVE, .w = 1, .t = 3, .value = VALUE(9, 9)},
        {STEP_SAVE, .w = 1, .t = 3, .value = VALUE(PLAIN_ONLY, 0)},
        {STEP_READ, .w = 1, .t = 3, .value = VALUE(PLAIN_ONLY, 0)},
        {STEP_REMOVE, .w = 1, .t = 3}};
    struct ff_error e = FF_ERROR_INIT;
    int rc = FF_OK;

    for (size_t i = 0; rc == FF_OK && i < sizeof steps / sizeof steps[0]; i++) {
        rc = step_run(c, NULL, &steps[i], NULL, &e);
    }
    return rc == FF_OK ||
           say(why, "I6: a save afterwards: %d %s: %s", rc, e.place, e.message);
}

bool invariants_of(struct client *c, const char *root, const struct expect *x,
                   unsigned flags, char *why)
{
    struct held held;

    return read_store(c, &held, why) && is_expected(x, &held, why) &&
           (flags & CHECK_HELD || collects(c, root, x, &held, why)) &&
           (!(flags & CHECK_SAVE) || still_works(c, why));
}

bool invariants_hold(const char *root, const struct expect *x, unsigned flags, char *why)
{
    struct ff_error e = FF_ERROR_INIT;
    struct client c;
    bool ok;

    if (!client_open(&c, root, NULL, &e)) {
        return say(why, "I6: open: %d %s: %s", e.code, e.place, e.message);
    }
    ok = invariants_of(&c, root, x, flags, why);
    client_close(&c);
    return ok;
}
