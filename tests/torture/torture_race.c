/* SPDX-License-Identifier: Apache-2.0 */
/* torture_race: processes that get in each other's way, by chance and at every call. */
#include <dirent.h>
#include <signal.h>
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

/* ---- something happens while another process is stopped, at each of its calls ---- */

struct between {
    struct stage *stage;
    const struct step *steps; /* what the other process does */
    struct fault_rule rule;   /* of its calls */
    bool age;                 /* intents look as if nobody had touched them for an hour */
};

/* Back to an hour ago. */
static void age_intents(const char *root)
{
    const struct timespec times[2] = {{time(NULL) - 3600, 0}, {time(NULL) - 3600, 0}};
    char path[PATH_BYTES * 2];
    struct dirent *d;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%s/%s", root, workflow_name(0));
    dir = opendir(path);
    while (dir && (d = readdir(dir))) {
        if (strncmp(d->d_name, ".ff-tmp-", 8) == 0) {
            (void)utimensat(dirfd(dir), d->d_name, times, 0);
        }
    }
    if (dir) {
        (void)closedir(dir);
    }
}

static bool do_between(void *ctx)
{
    const struct between *b = ctx;
    struct ff_error e = FF_ERROR_INIT;
    struct faultsys f;
    struct client c;
    bool ok;

    if (b->age) {
        age_intents(b->stage->root);
    }
    faultsys_init(&f, &ff_sys_posix);
    faultsys_arm(&f, &b->rule);
    ok = client_open(&c, b->stage->root, &f.table, &e);
    for (int i = 0; ok && i < STEPS && b->steps[i].kind; i++) {
        int rc = step_run(&c, b->stage->root, &b->steps[i], NULL, &e);

        ok = rc == FF_OK || rc == FF_E_NOT_FOUND || rc == FF_E_CONFLICT;
        if (!ok) {
            (void)say(b->stage->result->why, "the other: %d %s: %s", rc, e.place,
                      e.message);
        }
        e = (struct ff_error)FF_ERROR_INIT;
    }
    client_close(&c);
    faultsys_free(&f);
    return ok;
}

struct interleaving {
    const char *name;
    struct scenario first;     /* is stopped */
    struct step second[STEPS]; /* runs meanwhile */
    bool every_call;           /* stopped before each call, not only mutating ones */
    bool no_locks, age;        /* intents are known by their age */
    bool hide_intents;         /* of the second: the bite */
    bool must_fail;            /* the first, when stopped before its commit */
    int codes[3];              /* how else the first may end */
    /* what the store may hold, as the steps of a scenario whose states all count */
    int allowed[WORKFLOWS][TASKS][3];
    bool may_lack[WORKFLOWS];
};

#define NONE                                                                             \
    {                                                                                    \
        NO_VALUE, NO_VALUE, NO_VALUE                                                     \
    }
#define NONES                                                                            \
    {                                                                                    \
        NONE, NONE, NONE, NONE                                                           \
    }

static const struct interleaving interleavings[] = {
    {.name = "gc while a save is stopped",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_GC}},
     .allowed = {{{VALUE(2, 2), VALUE(2, 2), VALUE(2, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "gc while a save is stopped for long, without locks",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_GC}},
     .no_locks = true,
     .age = true,
     .codes = {FF_E_CONFLICT, FF_E_CONFLICT, FF_E_CONFLICT},
     .allowed = {{{VALUE(1, 1), VALUE(2, 2), VALUE(2, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "gc that does not see intents",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_GC}},
     .hide_intents = true,
     .allowed = {{{VALUE(2, 2), VALUE(2, 2), VALUE(2, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "a workflow is removed during a save",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_REMOVE_WORKFLOW, .w = 0}},
     .must_fail = true,
     .codes = {FF_E_CONFLICT, FF_E_NOT_FOUND, FF_E_NOT_FOUND},
     .allowed = {NONES, NONES},
     .may_lack = {true, true}},
    {.name = "a workflow is removed and made again during a save",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_REMOVE_WORKFLOW, .w = 0}, {STEP_WORKFLOW, .w = 0}},
     .must_fail = true,
     .codes = {FF_E_CONFLICT, FF_E_NOT_FOUND, FF_E_NOT_FOUND},
     .allowed = {NONES, NONES},
     .may_lack = {false, true}},
    {.name = "a task is renamed while gc is stopped",
     .first = {.name = "gc",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)},
                         {STEP_ORPHAN, .w = 0}},
               .action = {{STEP_GC}}},
     .second = {{STEP_MOVE, .w = 0, .t = 0, .to_w = 0, .to_t = 1}},
     .every_call = true,
     .allowed = {{NONE, {VALUE(1, 1), VALUE(1, 1), VALUE(1, 1)}, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "tasks come, are replaced and go while gc is stopped",
     .first = {.name = "gc",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)},
                         {STEP_SAVE, .w = 0, .t = 1, .value = VALUE(2, 2)},
                         {STEP_ORPHAN, .w = 0}},
               .action = {{STEP_GC}}},
     .second = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(3, 3)},
                {STEP_REMOVE, .w = 0, .t = 1},
                {STEP_SAVE, .w = 0, .t = 2, .value = VALUE(4, 4)}},
     .every_call = true,
     .allowed = {{{VALUE(3, 3), VALUE(3, 3), VALUE(3, 3)},
                  NONE,
                  {VALUE(4, 4), VALUE(4, 4), VALUE(4, 4)},
                  NONE},
                 NONES},
     .may_lack = {false, true}},
    {.name = "a task is replaced while it is read",
     .first = {.name = "read",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_READ_LAZY, .w = 0, .t = 0, .value = VALUE(1, 1)}}},
     .second = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 2)}},
     .every_call = true,
     .codes = {FF_E_STALE, WRONG, WRONG}, /* WRONG: the new value was read */
     .allowed = {{{VALUE(1, 2), VALUE(1, 2), VALUE(1, 2)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "a task is replaced while another save of it is stopped",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(3, 3)}},
     .every_call = true,
     .allowed = {{{VALUE(2, 2), VALUE(3, 3), VALUE(3, 3)}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
    {.name = "a task is removed while a save of it is stopped",
     .first = {.name = "save",
               .setup = {{STEP_WORKFLOW, .w = 0},
                         {STEP_SAVE, .w = 0, .t = 0, .value = VALUE(1, 1)}},
               .action = {{STEP_SAVE, .w = 0, .t = 0, .value = VALUE(2, 2)}}},
     .second = {{STEP_REMOVE, .w = 0, .t = 0}},
     .every_call = true,
     .allowed = {{{VALUE(2, 2), NO_VALUE, NO_VALUE}, NONE, NONE, NONE}, NONES},
     .may_lack = {false, true}},
};

static void expect_of(const struct interleaving *in, struct expect *x)
{
    *x = (struct expect){.move = NULL};
    for (int w = 0; w < WORKFLOWS; w++) {
        x->may_lack[w] = in->may_lack[w];
        x->may_have[w] = !in->may_lack[w];
        for (int t = 0; t < TASKS; t++) {
            x->count[w][t] = 3;
            memcpy(x->allowed[w][t], in->allowed[w][t], sizeof in->allowed[w][t]);
        }
    }
}

struct looking {
    struct stage *stage;
    struct expect expect;
};

static bool look(void *ctx)
{
    const struct looking *l = ctx;

    return invariants_hold(l->stage->root, &l->expect, CHECK_SAVE, l->stage->result->why);
}

static bool may_end(const struct interleaving *in, const struct stage *g, uint64_t at,
                    uint64_t commit_at, char *why)
{
    int code = g->result->outcome.code;

    if (code == FF_OK) {
        return !in->must_fail || at > commit_at ||
               say(why, "success, but its workflow was gone before the commit");
    }
    for (int i = 0; i < 3; i++) {
        if (in->codes[i] == code) {
            return true;
        }
    }
    return say(why, "ended %d: %s: %s", code, g->result->outcome.error.place,
               g->result->outcome.error.message);
}

/* Which mutating call is the commit: the last rename. */
static uint64_t find_commit(struct stage *g)
{
    const struct fault_rule none = {0};
    uint64_t found = 0, mutating = 0;

    (void)stage_run(g, &none);
    for (size_t i = 0; i < g->result->call_count; i++) {
        int op = g->result->trace[i];

        mutating += fault_is_mutating(op);
        found = op == OP_RENAMEAT2 ? mutating : found;
    }
    return found;
}

static bool one_interleaving(struct stage *g, const struct interleaving *in, uint64_t at,
                             uint64_t commit_at, bool *stopped, char *why)
{
    const struct fault_rule rule = {.stop_at = at,
                                    .stop_any = in->every_call,
                                    .on_stop = stop_self,
                                    .no_locks = in->no_locks};
    struct between b = {
        .stage = g,
        .steps = in->second,
        .rule = {.no_locks = in->no_locks, .hide_intents = in->hide_intents},
        .age = in->age};
    struct looking l = {.stage = g};
    enum child_end other, end = stage_run_around(g, &rule, do_between, &b, &other);
    bool ok;

    *stopped = g->result->fired > 0;
    if (!*stopped) {
        return true;
    }
    ok = end == CHILD_OK || say(why, "it ended %s", child_end_name[end]);
    ok = (other == CHILD_OK || say(why, "the other ended %s", child_end_name[other])) &&
         ok;
    ok = may_end(in, g, at, commit_at, why) && ok;
    expect_of(in, &l.expect);
    ok = in_child(look, &l, 60) == CHILD_OK && ok;
    return ok || say(why, "%s", g->result->why);
}

static void interleave(const struct interleaving *in)
{
    static struct stage g;
    uint64_t commit_at = 0, wrong = 0, at = 0;
    bool opened = stage_open(&g, &in->first), stopped = opened;

    if (opened && in->must_fail) {
        commit_at = find_commit(&g);
    }
    while (stopped) {
        char why[TEXT_BYTES] = "";

        if (!one_interleaving(&g, in, ++at, commit_at, &stopped, why)) {
            if (!in->hide_intents) {
                tap_note("%s: at call %llu: %s", in->name, (unsigned long long)at, why);
            }
            wrong++;
        }
    }
    (void)tap_ok(opened && at > 3 && (wrong > 0) == in->hide_intents,
                 "%s: %llu calls, %llu wrong%s", in->name, (unsigned long long)at,
                 (unsigned long long)wrong, in->hide_intents ? ", as is to be" : "");
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
    for (size_t i = 0; i < sizeof interleavings / sizeof interleavings[0]; i++) {
        interleave(&interleavings[i]);
    }
    listings();
    readers();
    python_left();
    return tap_end();
}
