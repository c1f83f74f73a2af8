/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are none: each function that takes one tells the rule that it breaks, shows the
 * name without what would command a terminal, and touches nothing. */
#include <string.h>

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

RUN_TESTS("bad_names", name_that_is_none_is_told_by_each_function_and_touches_nothing,
          name_that_only_looks_odd_is_taken)
