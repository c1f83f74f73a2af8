/* SPDX-License-Identifier: Apache-2.0 */
/* torture_race: processes that get in each other's way by chance. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

enum { WRITERS = 4, MANY_TASKS = 3000 };

static size_t rounds(size_t sampled, size_t all)
{
    return torture_long() ? all : sampled;
}

static const struct scenario empty_store = {
    .name = "race", .setup = {{STEP_WORKFLOW, .w = 0}, {STEP_WORKFLOW, .w = 1}}};

/* ---- many replacers of one task ---- */

struct replacers {
    const char *root;
    size_t saves;      /* of each */
    int number;        /* of this one */
    bool plain_rename; /* an old value is lost instead of exchanged */
};

static bool replace_often(void *ctx)
{
    const struct replacers *r = ctx;
    const struct fault_rule rule = {.plain_rename = r->plain_rename};
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client c;

    faultsys_init(&f, &ff_sys_posix);
    faultsys_arm(&f, &rule);
    if (client_open(&c, r->root, &f.table, &e)) {
        for (size_t i = 0; !e.code && i < r->saves; i++) {
            const struct step s = {STEP_SAVE, .w = 0, .t = 0,
                                   .value = VALUE((int)(i % 40) + 1, r->number + 1)};

            (void)step_run(&c, r->root, &s, NULL, &e);
        }
        client_close(&c);
    }
    faultsys_free(&f);
    if (e.code) {
        tap_note("a replacer: %d %s: %s", e.code, e.place, e.message);
    }
    return !e.code;
}

/* All of them at once; whether all ended well. */
static bool run_replacers(struct stage *g, size_t saves, bool plain_rename)
{
    struct replacers r[WRITERS];
    pid_t pid[WRITERS];
    bool ok = true;

    for (int i = 0; i < WRITERS; i++) {
        r[i] = (struct replacers){g->root, saves / WRITERS, i, plain_rename};
        pid[i] = child_start(replace_often, &r[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        ok = child_wait(pid[i], 3600) == CHILD_OK && ok;
    }
    return ok;
}

static void replacers(bool bite)
{
    static struct stage g;
    size_t saves = bite ? 400 : rounds(2000, 16000), bigdata = 0, private_names = 0;
    bool ok = stage_open(&g, &empty_store) && scratch_copy(g.before, g.world);

    ok = ok && run_replacers(&g, saves, bite);
    store_count(g.root, &bigdata, &private_names);
    if (bite) {
        (void)tap_ok(ok && bigdata > 2,
                     "with a rename instead of an exchange %zu saves leave %zu orphans",
                     saves, bigdata - 2);
    } else {
        (void)tap_ok(
            ok && bigdata == 2 && private_names == 0,
            "%zu saves of %d processes leave %zu of big data for 2 arrays and %zu "
            "private names",
            saves, WRITERS, bigdata, private_names);
    }
    stage_close(&g);
}

/* ---- listings ---- */

struct watch {
    const char *root;
    volatile bool *stop; /* shared */
    size_t done;
};

static bool save_many(void *ctx)
{
    const struct watch *w = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = value_new(VALUE(PLAIN_ONLY, 0), &e);
    struct client c;

    if (client_open(&c, w->root, NULL, &e)) {
        do {
            for (int i = 0; !e.code && i < MANY_TASKS && !(w->stop && *w->stop); i++) {
                char name[16];

                (void)snprintf(name, sizeof name, "task%04d", i);
                (void)ff_save(c.storage, "w0", name, ff_doc_root(doc), NULL, &e);
            }
        } while (!e.code && w->stop && !*w->stop);
        client_close(&c);
    }
    ff_doc_free(doc);
    return !e.code;
}

static bool list_often(void *ctx)
{
    struct watch *w = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct client c;
    bool ok = client_open(&c, w->root, NULL, &e);

    for (size_t i = 0; ok && i < w->done; i++) {
        struct ff_names *names = ff_list_tasks(c.storage, "w0", NULL, &e);

        ok = names && names->count == MANY_TASKS;
        if (!ok) {
            tap_note("listing %zu: %zu tasks: %s", i, names ? names->count : 0,
                     e.message);
        }
        ff_names_free(names);
    }
    client_close(&c);
    return ok;
}

static void listings(void)
{
    static struct stage g;
    bool *stop = shared_memory(sizeof *stop);
    struct watch fill = {.root = g.root}, replace = {.root = g.root, .stop = stop};
    struct watch list = {.root = g.root, .done = rounds(300, 5000)};
    bool ok = stage_open(&g, &empty_store) && scratch_copy(g.before, g.world) && stop &&
              in_child(save_many, &fill, 600) == CHILD_OK;
    pid_t pid;

    if (ok) {
        pid = child_start(save_many, &replace);
        ok = in_child(list_often, &list, 600) == CHILD_OK;
        *stop = true;
        ok = child_wait(pid, 60) == CHILD_OK && ok;
    }
    (void)tap_ok(ok, "%zu listings of %d tasks under replacement miss none", list.done,
                 MANY_TASKS);
    stage_close(&g);
}

/* ---- lazy readers ---- */

static bool read_often(void *ctx)
{
    struct watch *w = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct client c;
    size_t stale = 0;
    bool ok = client_open(&c, w->root, NULL, &e);

    for (size_t i = 0; ok && i < w->done; i++) {
        struct ff_read_options o = {.struct_size = FF_SIZE(ff_read_options, call),
                                    .flags = i % 4 == 0 ? FF_READ_PIN : 0};
        struct ff_doc *doc = ff_read_task(c.storage, "w0", "t0", &o, &e);
        int v = value_number(ff_doc_root(doc));
        int rc = doc ? value_read(ff_doc_root(doc), v, &e) : e.code;

        ff_doc_free(doc);
        ok = rc == FF_OK || (rc == FF_E_STALE && (i % 4 || !doc));
        if (!ok) {
            tap_note("read %zu: %d %s: %s", i, rc, e.place, e.message);
        }
        stale += rc == FF_E_STALE;
        e = (struct ff_error)FF_ERROR_INIT;
    }
    client_close(&c);
    tap_note("%zu reads, %zu of them stale", w->done, stale);
    return ok;
}

static void readers(void)
{
    static struct stage g;
    struct replacers first = {.root = g.root, .saves = 1};
    struct replacers others = {.root = g.root, .saves = rounds(600, 20000), .number = 1};
    struct watch read = {.root = g.root, .done = rounds(1200, 20000)};
    bool ok = stage_open(&g, &empty_store) && scratch_copy(g.before, g.world) &&
              in_child(replace_often, &first, 60) == CHILD_OK;
    pid_t pid;

    if (ok) {
        pid = child_start(replace_often, &others);
        ok = in_child(read_often, &read, 1200) == CHILD_OK;
        ok = child_wait(pid, 1200) == CHILD_OK && ok;
    }
    (void)tap_ok(ok, "%zu lazy and pinned reads during %zu saves are right, or stale",
                 read.done, others.saves);
    stage_close(&g);
}

/* ---- a task that Python left ---- */

static bool put_empty_task(const char *root)
{
    char path[PATH_BYTES * 2];
    int fd;

    (void)snprintf(path, sizeof path, "%s/w0/t1", root);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd >= 0 && close(fd) == 0;
}

static bool collect_around_it(void *ctx)
{
    struct stage *g = ctx;
    static const char *const lost[] = {"w0/t1", NULL};
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .really = 1};
    struct ff_error e = FF_ERROR_INIT;
    const struct step reads[] = {{STEP_READ, .w = 0, .t = 0, .value = VALUE(1, 1)},
                                 {STEP_READ, .w = 1, .t = 0, .value = VALUE(2, 2)}};
    struct client c;
    size_t before, after, rest, private_names;
    bool ok = client_open(&c, g->root, NULL, &e);

    store_count(g->root, &before, &private_names);
    ok = ok && !ff_gc(c.storage, NULL, &o, NULL, NULL, &e);
    store_count(g->root, &after, &private_names);
    o.assume_lost = lost;
    ok = ok && !ff_gc(c.storage, NULL, &o, NULL, NULL, &e);
    store_count(g->root, &rest, &private_names);
    ok = ok && !step_run(&c, g->root, &reads[0], NULL, &e) &&
         !step_run(&c, g->root, &reads[1], NULL, &e);
    client_close(&c);
    return (ok && before == 6 && after == 5 && rest == 4) ||
           say(g->result->why, "%zu, %zu, %zu of big data: %s", before, after, rest,
               e.message);
}

static void python_left(void)
{
    static const struct scenario s = {
        .name = "empty task",
        .setup = {{STEP_WORKFLOW, .w = 0},
                  {STEP_WORKFLOW, .w = 1},
                  {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)},
                  {STEP_SAVE, .w = 1, .t = 0, .value = VALUE(2, 2)},
                  {STEP_ORPHAN, .w = 0},
                  {STEP_ORPHAN, .w = 1}}};
    static struct stage g;
    bool ok = stage_open(&g, &s) && scratch_copy(g.before, g.world) &&
              put_empty_task(g.root) && in_child(collect_around_it, &g, 60) == CHILD_OK;

    (void)tap_ok(
        ok, "an empty task spares its workflow, no other, until it is assumed lost %s",
        g.result->why);
    stage_close(&g);
}

int main(void)
{
    replacers(false);
    replacers(true);
    listings();
    readers();
    python_left();
    return tap_end();
}
