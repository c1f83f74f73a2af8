/* SPDX-License-Identifier: Apache-2.0 */
/* usage.c: what takes how much room. One listing of the tasks and one of the big data say it,
 * and of a task its persistent ids which of the big data is its own. */
#include "core/storage.h"

#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/name.h"

/* A task, or all that a uuid owns. */
struct room {
    char *name; /* ff_free */
    uint64_t size_bytes, objects;
    size_t referred; /* 1 + the index of the last task that refers to it */
};

struct measuring {
    struct ff_storage *storage;
    const struct ff_call *call;
    const char *workflow, *pattern;
    int (*each)(void *ctx, const struct ff_usage *);
    void *ctx;
    size_t skip_bytes;                     /* of each listed name: the folder before it */
    struct ff_vec tasks, owners;           /* struct room, sorted by name */
    uint64_t bigdata_bytes, bigdata_count; /* all below bigdata, shared things too */
    int no_memory;
};

static int add_room(struct measuring *m, struct ff_vec *v, const char *name,
                    size_t length, uint64_t size_bytes)
{
    struct room r = {ff_strndup(name, length), size_bytes, 1, 0};
    if (!r.name || ff_vec_append(v, &r)) {
        ff_free(r.name);
        m->no_memory = 1;
        return 1;
    }
    return 0;
}

static int see_task(void *ctx, const struct ff_io *io)
{
    struct measuring *m = ctx;
    const char *name = io->name + m->skip_bytes;
    if (io->is_folder || name[0] == '.') {
        return 0;
    }
    return add_room(m, &m->tasks, name, strlen(name), io->object_bytes);
}

static int see_bigdata(void *ctx, const struct ff_io *io)
{
    struct measuring *m = ctx;
    size_t n = 0;
    const char *owner = ff_owner_of(io->name, &n);
    m->bigdata_bytes += io->object_bytes;
    m->bigdata_count++;
    return owner ? add_room(m, &m->owners, owner, n, io->object_bytes) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct room *)a)->name, ((const struct room *)b)->name);
}

/* One for each name. */
static void merge(struct ff_vec *v)
{
    struct room *all = v->items;
    size_t kept = 0;
    if (v->count) {
        qsort(all, v->count, sizeof *all, by_name);
    }
    for (size_t i = 0; i < v->count; i++) {
        if (kept && by_name(&all[kept - 1], &all[i]) == 0) {
            all[kept - 1].size_bytes += all[i].size_bytes;
            all[kept - 1].objects++;
            ff_free(all[i].name);
        } else {
            all[kept++] = all[i];
        }
    }
    v->count = kept;
}

static int list_tasks(struct measuring *m, struct ff_error *e)
{
    const struct ff_objects *objects = m->storage->objects;
    const struct ff_commit *commit = m->storage->commit;
    char prefix[FF_PLACE_BYTES];
    int there = 1, rc;
    (void)snprintf(prefix, sizeof prefix, "%s/", m->workflow);
    m->skip_bytes = strlen(prefix);
    rc = objects->list(objects, prefix, 1, see_task, m, NULL, m->call, e);
    if (rc >= 0 && !m->no_memory && !m->tasks.count) {
        rc = commit->workflow_exists(commit, m->workflow, &there, m->call, e);
    }
    merge(&m->tasks);
    return rc < 0  ? rc
           : there ? FF_OK
                   : ff_fail(e, FF_E_NOT_FOUND, m->workflow, "no such workflow");
}

static int list_all(struct measuring *m, struct ff_bigdata *b, struct ff_error *e)
{
    int rc = list_tasks(m, e);
    if (!rc && !m->no_memory) {
        rc = b->objects->list(b->objects, "", 0, see_bigdata, m, NULL, m->call, e);
    }
    if (m->no_memory) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    merge(&m->owners);
    return rc;
}

static int tell_workflow(struct measuring *m)
{
    struct ff_usage u = {.struct_size = FF_SIZE(ff_usage, objects),
                         .workflow = m->workflow,
                         .task = "",
                         .bigdata_bytes = m->bigdata_bytes,
                         .objects = m->tasks.count + m->bigdata_count,
                         .is_known = 1};
    for (size_t i = 0; i < m->tasks.count; i++) {
        u.task_bytes += ((struct room *)ff_vec_at(&m->tasks, i))->size_bytes;
    }
    return m->each(m->ctx, &u);
}

/* Each uuid once, however often the task has it. */
static void add_marks(struct measuring *m, const struct ff_vec *marks, size_t task,
                      struct ff_usage *u)
{
    for (size_t i = 0; m->owners.count && i < marks->count; i++) {
        struct room key = {.name = ((struct ff_mark *)ff_vec_at(marks, i))->uuid};
        struct room *owner =
            bsearch(&key, m->owners.items, m->owners.count, sizeof key, by_name);
        if (owner && owner->referred != task + 1) {
            owner->referred = task + 1;
            u->bigdata_bytes += owner->size_bytes;
            u->objects += owner->objects;
        }
    }
}

/* FF_DECLINED: it is not there any more. */
static int measure_task(struct measuring *m, size_t index, struct ff_usage *u,
                        struct ff_error *e)
{
    const struct room *task = ff_vec_at(&m->tasks, index);
    struct ff_task_bytes bytes = {.data = NULL};
    struct ff_error own = FF_ERROR_INIT;
    struct ff_vec marks;
    int rc;
    ff_vec_init(&marks, sizeof(struct ff_mark), FF_MAX_NAMES);
    rc = ff_task_load(m->storage, m->workflow, task->name, FF_MAX_TASK_BYTES, 0, &bytes,
                      m->call, &own);
    rc = rc ? rc : ff_marks_read(bytes.data, bytes.size_bytes, &marks, &own);
    ff_free(bytes.data);
    *u = (struct ff_usage){.struct_size = FF_SIZE(ff_usage, objects),
                           .workflow = m->workflow,
                           .task = task->name,
                           .task_bytes = task->size_bytes,
                           .objects = 1,
                           .is_known = rc == FF_OK};
    add_marks(m, &marks, index, u);
    ff_marks_clear(&marks);
    if (rc == FF_OK || rc == FF_E_CORRUPT) {
        return FF_OK;
    }
    if (rc != FF_E_NOT_FOUND) {
        ff_error_copy(e, &own);
        (void)ff_at_task(rc, m->workflow, task->name, e);
    }
    return rc == FF_E_NOT_FOUND ? FF_DECLINED : rc;
}

/* What no task refers to: known only when every task could be read. */
static int tell_rest(struct measuring *m, int all_known)
{
    struct ff_usage u = {.struct_size = FF_SIZE(ff_usage, objects),
                         .workflow = m->workflow,
                         .task = "",
                         .is_known = all_known};
    for (size_t i = 0; i < m->owners.count; i++) {
        const struct room *r = ff_vec_at(&m->owners, i);
        u.bigdata_bytes += r->referred ? 0 : r->size_bytes;
        u.objects += r->referred ? 0 : r->objects;
    }
    return u.objects ? m->each(m->ctx, &u) : 0;
}

static int tell_tasks(struct measuring *m, struct ff_error *e)
{
    int rc = FF_OK, stopped = 0, all_known = 1;
    for (size_t i = 0; !rc && !stopped && i < m->tasks.count; i++) {
        const struct room *task = ff_vec_at(&m->tasks, i);
        struct ff_usage u;
        if (m->pattern && !ff_glob_match(m->pattern, task->name)) {
            continue;
        }
        rc = measure_task(m, i, &u, e);
        all_known &= rc == FF_OK && u.is_known;
        stopped = rc == FF_OK && m->each(m->ctx, &u);
        rc = rc == FF_DECLINED ? FF_OK : rc;
    }
    if (!rc && !stopped && !m->pattern) {
        (void)tell_rest(m, all_known);
    }
    return rc;
}

static void rooms_free(struct ff_vec *v)
{
    for (size_t i = 0; i < v->count; i++) {
        ff_free(((struct room *)ff_vec_at(v, i))->name);
    }
    ff_vec_free(v);
}

/* *stopped: `each` wanted no more. */
static int measure(struct measuring *m, const char *workflow, int whole, int *stopped,
                   struct ff_error *e)
{
    struct ff_bigdata *b = ff_bigdata_open(m->storage, workflow, m->call, e);
    int rc = b ? FF_OK : e->code;
    m->workflow = workflow;
    m->bigdata_bytes = m->bigdata_count = 0;
    ff_vec_init(&m->tasks, sizeof(struct room), FF_MAX_NAMES);
    ff_vec_init(&m->owners, sizeof(struct room), FF_MAX_NAMES);
    rc = rc ? rc : list_all(m, b, e);
    if (!rc && whole) {
        *stopped = tell_workflow(m);
    } else if (!rc) {
        rc = tell_tasks(m, e);
    }
    rooms_free(&m->tasks);
    rooms_free(&m->owners);
    ff_bigdata_unref(b);
    return ff_at_task(rc, workflow, "", e);
}

/* A folder of the root may have a name that no workflow of ours has (Python makes them). */
static int is_foreign(const struct ff_storage *storage, const char *workflow)
{
    struct ff_error why = FF_ERROR_INIT;
    if (ff_check_workflow(workflow, &why)) {
        ff_host_log(storage->host, FF_LOG_WARNING, "%s: %s", why.place, why.message);
    }
    return why.code != FF_OK;
}

int ff_usage(struct ff_storage *storage, const char *workflow, const char *pattern,
             int (*each)(void *ctx, const struct ff_usage *), void *ctx,
             struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct measuring m = {
        .storage = storage, .pattern = pattern, .each = each, .ctx = ctx};
    struct ff_names *all;
    int rc = FF_OK, stopped = 0;
    e = e ? e : &local;
    if (e->code || ff_storage_check(storage, e) ||
        (workflow && ff_check_workflow(workflow, e))) {
        return e->code;
    }
    m.call = ff_storage_call(storage, NULL);
    if (workflow) {
        return measure(&m, workflow, 0, &stopped, e);
    }
    all = ff_list_workflows(storage, e);
    for (size_t i = 0; all && !rc && !stopped && i < all->count; i++) {
        if (is_foreign(storage, all->name[i])) {
            continue;
        }
        rc = measure(&m, all->name[i], 1, &stopped, e);
        if (rc == FF_E_NOT_FOUND) { /* removed meanwhile */
            ff_error_clear(e);
            rc = FF_OK;
        }
    }
    ff_names_free(all);
    return e->code;
}
