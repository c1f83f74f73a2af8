/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are none: each function that takes one tells the rule that it breaks, shows the
 * name without what would command a terminal, and touches nothing. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"

#define TEN     "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct bad_name {
    const char *name, *cause;
    const char *shown; /* in the place */
} names[] = {
    {"", "is empty", "run/"},
    {NULL, "is empty", "run/"},
    {".", "begins with a dot", "run/."},
    {"..", "begins with a dot", "run/.."},
    {".hidden", "begins with a dot", "run/.hidden"},
    {"../a", "begins with a dot", "run/../a"},
    {"/", "holds a '/'", "run//"},
    {"/etc/passwd", "holds a '/'", "run//etc/passwd"},
    {"a/b", "holds a '/'", "run/a/b"},
    {"a/../../b", "holds a '/'", "run/a/../../b"},
    {"a\nb", "control", "run/a\\x0ab"},
    {"a\x1b[31mred", "control", "run/a\\x1b[31mred"},
    {"a\x7f", "control", "run/a\\x7f"},
    {"a\xc2\x9b", "control", "run/a\\xc2\\x9b"}, /* one that is a CSI by itself */
    {"a\xff", "UTF-8", "run/a\\xff"},
    {"a\xed\xa0\x80", "UTF-8", "run/a\\xed"},
    {HUNDRED HUNDRED "x", "longer than 200 bytes", "run/0123456789"},
    {"bigdata", "big data", "run/bigdata"},
};

/* Each function that takes the name of a task, then each that takes one of a workflow. */
static struct ff_doc *doc;

static void save(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_save(s, "run", name, ff_doc_root(doc), NULL, e);
}
static void begin(struct ff_storage *s, const char *name, struct ff_error *e)
{
    ck_assert_ptr_null(ff_saving_begin(s, "run", name, NULL, e));
}
static void read_it(struct ff_storage *s, const char *name, struct ff_error *e)
{
    ck_assert_ptr_null(ff_read_task(s, "run", name, NULL, e));
}
static void exists(struct ff_storage *s, const char *name, struct ff_error *e)
{
    ck_assert_int_le(ff_file_exists(s, "run", name, e), 0);
}
static void move_from(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_move_task(s, "run", name, "run", "b", e);
}
static void move_to(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_move_task(s, "run", "a", "run", name, e);
}
static void remove_it(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_remove_task(s, "run", name, e);
}
static void info(struct ff_storage *s, const char *name, struct ff_error *e)
{
    ck_assert_ptr_null(ff_task_info(s, "run", name, e));
}

static void new_workflow(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_new_workflow(s, name, e);
}
static void list_tasks(struct ff_storage *s, const char *name, struct ff_error *e)
{
    ck_assert_ptr_null(ff_list_tasks(s, name, NULL, e));
}
static void save_below(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_save(s, name, "a", ff_doc_root(doc), NULL, e);
}
static void read_below(struct ff_storage *s, const char *name, struct ff_error *e)
{
    ck_assert_ptr_null(ff_read_task(s, name, "a", NULL, e));
}
static void move_below(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_move_task(s, "run", "a", name, "a", e);
}
static void remove_below(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_remove_tasks(s, name, "*", NULL, e);
}
static void remove_workflow(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_remove_workflow(s, name, e);
}

static void verify_below(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_verify(s, name, NULL, 1, NULL, NULL, e);
}
static void collect_below(struct ff_storage *s, const char *name, struct ff_error *e)
{
    (void)ff_gc(s, name, NULL, NULL, NULL, e);
}

static const struct taker {
    const char *what;
    void (*call)(struct ff_storage *, const char *name, struct ff_error *);
    int workflow;
    int all; /* NULL is every workflow */
} takers[] = {
    {"save", save, 0, 0},
    {"begin a saving", begin, 0, 0},
    {"read", read_it, 0, 0},
    {"file exists", exists, 0, 0},
    {"move from", move_from, 0, 0},
    {"move to", move_to, 0, 0},
    {"remove", remove_it, 0, 0},
    {"info", info, 0, 0},
    {"new workflow", new_workflow, 1, 0},
    {"list tasks", list_tasks, 1, 0},
    {"save below", save_below, 1, 0},
    {"read below", read_below, 1, 0},
    {"move below", move_below, 1, 0},
    {"remove below", remove_below, 1, 0},
    {"remove workflow", remove_workflow, 1, 0},
    {"verify", verify_below, 1, 1},
    {"gc", collect_below, 1, 1},
};

static void one_name(struct fixture *f, const struct taker *t, const struct bad_name *n)
{
    struct ff_error e = FF_ERROR_INIT;
    struct said said = {FF_E_USAGE, n->shown + (t->workflow ? strlen("run/") : 0),
                        n->cause, 1};
    char what[320];

    (void)snprintf(what, sizeof what, "%s: %s: \"%s\"", where_names[f->where], t->what,
                   n->name ? n->name : "NULL");
    if (t->all && !n->name) {
        return;
    }
    t->call(f->storage, n->name, &e);
    expect_said(what, &e, &said);
    ck_assert_msg(strstr(e.message, t->workflow ? "workflow name" : "task name"),
                  "%s: %s", what, e.message);
    for (const char *c = e.place; *c; c++) {
        ck_assert_msg((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f, "%s: %s",
                      what, e.place);
    }
}

static void bad_names(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_names *there;

    doc = sample(1);
    save_sample(f, "a", 1);
    for (size_t i = 0; i < COUNT_OF(takers) * COUNT_OF(names); i++) {
        one_name(f, &takers[i % COUNT_OF(takers)], &names[i / COUNT_OF(takers)]);
    }
    expect_sample_at(f, "run", "a", 1);
    there = ff_list_tasks(f->storage, "run", NULL, &e);
    ck_assert_msg(there && there->count == 1, "%s", e.message);
    ff_names_free(there);
    there = ff_list_workflows(f->storage, &e);
    ck_assert_msg(there && there->count == 1, "%s", e.message);
    ff_names_free(there);
    ck_assert_int_eq(count_orphans(f, 0), 0);
    ff_doc_free(doc);
}

START_TEST(name_that_is_none_is_told_by_each_function_and_touches_nothing)
{
    on_each(bad_names);
}
END_TEST

/* The longest there is, and those that only look odd. */
static void odd_names(struct fixture *f)
{
    static const char *const good[] = {
        HUNDRED HUNDRED, "a b:c#d[e]%", "a..b", "a.", "gr\xc3\xb6\xc3\x9f",
        "Bigdata",       "bigdata2",    "*",    "-r"};

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        save_sample(f, good[i], (int)i);
        expect_sample_at(f, "run", good[i], (int)i);
        CHECK_OK(ff_remove_task(f->storage, "run", good[i], ee));
    }
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(name_that_only_looks_odd_is_taken)
{
    on_each(odd_names);
}
END_TEST

/* ---- what Python makes, and none of our names can be ---- */

static const char *const foreign[] = {"bigdata", "c\x01x", "n\xff", HUNDRED HUNDRED "x"};

static void make_foreign_folder(struct fixture *f, const char *name)
{
    char path[256], below[512];
    path_in(f, "store", path);
    (void)snprintf(below, sizeof below, "%s/%s", path, name);
    ck_assert_int_eq(mkdir(below, 0777), 0);
    (void)snprintf(below, sizeof below, "%s/%s/bigdata", path, name);
    ck_assert_int_eq(mkdir(below, 0777), 0);
    (void)snprintf(below, sizeof below, "%s/%s/bigdata/" UUID, path, name);
    write_file(below, "sings", 5);
    make_old(below);
}

struct found {
    int foreign, ok, orphans, usages;
};

static int see_finding(void *ctx, const struct ff_finding *one)
{
    struct found *found = ctx;
    if (strcmp(one->workflow, "run") && one->workflow[0]) {
        ck_assert_msg(strcmp(one->what, "foreign") == 0 && !one->task[0] &&
                          strstr(one->reason, "not a workflow name"),
                      "%s: %s: %s", one->workflow, one->what, one->reason);
        found->foreign++;
    }
    found->ok += strcmp(one->what, "ok") == 0;
    found->orphans += strcmp(one->what, "orphan") == 0 && one->removed;
    return 0;
}

static int see_usage(void *ctx, const struct ff_usage *one)
{
    ck_assert_str_eq(one->workflow, "run");
    ((struct found *)ctx)->usages++;
    return 0;
}

START_TEST(folder_of_no_workflow_name_is_told_and_passed_over)
{
    struct ff_gc_options now = {.struct_size = FF_SIZE(ff_gc_options, really),
                                .really = 1};
    struct fixture f;
    struct found verified = {0}, swept = {0}, used = {0};
    char orphan[256], canary[512];
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        make_foreign_folder(&f, foreign[i]);
    }
    path_in(&f, "store/run/bigdata/" UUID, orphan);
    write_file(orphan, "x", 1);
    CHECK_OK(ff_verify(f.storage, NULL, NULL, 1, see_finding, &verified, ee));
    ck_assert_int_eq(verified.ok, 1);
    ck_assert_int_eq(verified.foreign, COUNT_OF(foreign));
    CHECK_OK(ff_usage(f.storage, NULL, NULL, see_usage, &used, ee));
    ck_assert_int_eq(used.usages, 1);
    CHECK_OK(ff_gc(f.storage, NULL, &now, see_finding, &swept, ee));
    ck_assert_int_eq(swept.orphans, 1);
    ck_assert_int_eq(swept.foreign, COUNT_OF(foreign));
    ck_assert_int_ne(access(orphan, F_OK), 0);
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        path_in(&f, "store", orphan);
        (void)snprintf(canary, sizeof canary, "%s/%s/bigdata/" UUID, orphan, foreign[i]);
        ck_assert_msg(access(canary, F_OK) == 0, "%s", canary);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(tasks_of_no_name_stay_and_the_others_are_removed)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_names *left;
    size_t removed = 0, n;
    char path[256], whole[256], *data;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    save_sample(&f, "zlast", 2);
    path_in(&f, "store/run/a", whole);
    data = read_file(whole, &n);
    path_in(&f, "store/run/c\x01x", path);
    write_file(path, data, n);
    path_in(&f, "store/run/n\xff", path);
    write_file(path, data, n);
    free(data);
    CHECK_OK(ff_verify(f.storage, NULL, NULL, 0, NULL, NULL, ee));
    ck_assert_int_eq(ff_remove_tasks(f.storage, "run", "*", &removed, &e), FF_E_USAGE);
    ck_assert_str_eq(e.place, "run/c\\x01x");
    ck_assert(e.fix[0]);
    ck_assert_uint_eq(removed, 2);
    e = (struct ff_error)FF_ERROR_INIT;
    left = ff_list_tasks(f.storage, "run", NULL, &e);
    ck_assert_msg(left && left->count == 2, "%s", e.message);
    ck_assert_str_eq(left->name[0], "c\x01x");
    ff_names_free(left);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("bad_names", name_that_is_none_is_told_by_each_function_and_touches_nothing,
          name_that_only_looks_odd_is_taken,
          folder_of_no_workflow_name_is_told_and_passed_over,
          tasks_of_no_name_stay_and_the_others_are_removed)
