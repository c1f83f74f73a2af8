/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of tasks from one storage to another, each protocol on either side. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "fixture.h"

static struct ff_storage *folder(struct fixture *f, const char *name)
{
    char json[256];
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *s;
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s/%s\"}}", f->folder,
                   name);
    s = ff_storage_factory(f->host, json, &e);
    ck_assert_msg(s != NULL, "%s", e.message);
    return s;
}

static void drop(struct ff_storage *s)
{
    struct ff_names *all = ff_list_workflows(s, NULL);
    for (size_t i = 0; i < all->count; i++) {
        CHECK_OK(ff_remove_workflow(s, all->name[i], ee));
    }
    ff_names_free(all);
    ff_storage_close(s);
}

static int copy_to(struct ff_storage *from, const char *task, struct ff_storage *to,
                   const char *to_task, uint32_t flags, struct ff_error *e)
{
    struct ff_copy_options o = {.struct_size = FF_SIZE(ff_copy_options, call),
                                .flags = flags};
    int how = 0;
    int rc = ff_copy_task(from, "run", task, to, "run", to_task, &o, &how, e);
    return rc ? rc : how;
}

static void expect_how(struct ff_storage *from, const char *task, struct ff_storage *to,
                       const char *to_task, int wanted)
{
    struct ff_error e = FF_ERROR_INIT;
    int how = copy_to(from, task, to, to_task, 0, &e);
    ck_assert_msg(how == wanted, "%d: %s: %s", how, e.place, e.message);
}

static int is_files(const struct fixture *f)
{
    return f->where == ON_FILE || f->where == ON_FAULT_OVER_FILE ||
           f->where == ON_FILE_OF_OLD_SYSTEM;
}

static void there_and_back(struct fixture *f)
{
    struct ff_storage *other = folder(f, "other");
    int how = is_files(f) ? FF_COPY_BYTES : FF_COPY_ANEW;
    save_sample(f, "a", 3);
    expect_how(f->storage, "a", other, "b", how);
    expect_how(f->storage, "a", other, "b", FF_COPY_THERE);
    CHECK_OK(ff_remove_task(f->storage, "run", "a", ee));
    expect_how(other, "b", f->storage, "c", how);
    expect_sample_at(f, "run", "c", 3);
    expect_how(f->storage, "c", f->storage, "d", FF_COPY_ON_MEDIUM);
    CHECK_OK(ff_remove_task(f->storage, "run", "c", ee));
    expect_sample_at(f, "run", "d", 3);
    ck_assert_int_eq(count_orphans(f, 0), 0);
    drop(other);
}

START_TEST(copy_to_another_storage_and_back_is_the_same)
{
    on_each(there_and_back);
}
END_TEST

static void meet_another(struct fixture *f)
{
    struct ff_storage *other = folder(f, "other");
    struct ff_error e = FF_ERROR_INIT;
    save_sample(f, "a", 3);
    save_sample(f, "b", 4);
    expect_how(f->storage, "a", other, "x", is_files(f) ? FF_COPY_BYTES : FF_COPY_ANEW);
    CHECK_CODE(copy_to(other, "x", f->storage, "b", 0, ee), FF_E_CONFLICT);
    expect_sample_at(f, "run", "b", 4);
    ck_assert_int_ge(copy_to(other, "x", f->storage, "b", FF_COPY_REPLACE, &e), FF_OK);
    expect_sample_at(f, "run", "b", 3);
    CHECK_CODE(copy_to(f->storage, "a", f->storage, "a", 0, ee), FF_E_USAGE);
    CHECK_CODE(copy_to(f->storage, "none", other, "x", 0, ee), FF_E_NOT_FOUND);
    CHECK_CODE(copy_to(NULL, "a", other, "x", 0, ee), FF_E_USAGE);
    CHECK_CODE(copy_to(f->storage, "a", other, "../x", 0, ee), FF_E_USAGE);
    ck_assert_int_eq(count_orphans(f, 0), 0);
    drop(other);
}

START_TEST(another_value_there_is_a_conflict_unless_it_is_replaced)
{
    on_each(meet_another);
}
END_TEST

/* Each write of the copy fails once: nothing of it is left, and done again it is whole. */
static void fail_each_write(struct fixture *f)
{
    static const char rule[] = "{\"kind\": \"fault\", \"options\": {\"op\": \"%s\", "
                               "\"fail_at\": %d, \"code\": \"no-space\", \"inner\": %s}}";
    static const char *const ops[] = {"put", "write", "append", "commit", "sync"};
    struct ff_storage *other = folder(f, "other");
    char json[1024];
    int failed = 0;
    if (f->where != ON_FILE && f->where != ON_MEMORY) {
        drop(other);
        return;
    }
    save_sample(f, "a", 3);
    expect_how(f->storage, "a", other, "x",
               f->where == ON_FILE ? FF_COPY_BYTES : FF_COPY_ANEW);
    for (size_t op = 0; op < sizeof ops / sizeof *ops; op++) {
        for (int at = 1; at < 6; at++) {
            struct ff_error e = FF_ERROR_INIT;
            struct ff_storage *bad;
            (void)snprintf(json, sizeof json, rule, ops[op], at, f->json);
            bad = ff_storage_factory(f->host, json, &e);
            ck_assert_msg(bad != NULL, "%s", e.message);
            if (copy_to(other, "x", bad, "b", 0, &e) < 0) {
                failed++;
                int unknown = e.code == FF_E_UNKNOWN_OUTCOME;
                ck_assert(unknown || e.code == FF_E_NO_SPACE);
                ck_assert(unknown || !ff_file_exists(f->storage, "run", "b", NULL));
                ck_assert(unknown || count_orphans(f, 1) == 0);
                ck_assert_int_ge(copy_to(other, "x", f->storage, "b", 0, NULL), FF_OK);
            }
            expect_sample_at(f, "run", "b", 3);
            CHECK_OK(ff_remove_task(f->storage, "run", "b", ee));
            ff_storage_close(bad);
        }
    }
    ck_assert_int_ge(failed, 2);
    drop(other);
}

START_TEST(copy_that_fails_leaves_nothing_and_goes_on_when_done_again)
{
    on_each(fail_each_write);
}
END_TEST

/* ---- moves ---- */

static int move_to(struct ff_storage *from, struct ff_storage *to, const char *to_task,
                   uint32_t flags, const struct ff_call *call, struct ff_error *e)
{
    struct ff_copy_options o = {.struct_size = FF_SIZE(ff_copy_options, call),
                                .flags = FF_COPY_MOVE | flags,
                                .call = call};
    return ff_copy_task(from, "run", "a", to, "run", to_task, &o, NULL, e);
}

static void move_there(struct fixture *f)
{
    struct ff_storage *other = folder(f, "other");
    save_sample(f, "a", 3);
    CHECK_OK(move_to(f->storage, other, "b", 0, NULL, ee));
    ck_assert(!ff_file_exists(f->storage, "run", "a", NULL));
    ck_assert_int_eq(count_orphans(f, 0), 0);
    ck_assert_int_ge(copy_to(other, "b", f->storage, "c", 0, NULL), FF_OK);
    expect_sample_at(f, "run", "c", 3);
    CHECK_CODE(move_to(f->storage, other, "b", 0, NULL, ee), FF_E_NOT_FOUND);
    drop(other);
}

START_TEST(task_that_is_moved_is_there_and_no_longer_here)
{
    on_each(move_there);
}
END_TEST

/* The longest that there are: each cut of it in the middle of a character is no name. */
static void move_long_names(struct fixture *f)
{
    struct ff_storage *other = folder(f, "other");
    for (size_t begin = 0; begin < 3; begin++) {
        struct ff_copy_options o = {.struct_size = FF_SIZE(ff_copy_options, call),
                                    .flags = FF_COPY_MOVE};
        char task[201] = "";
        memcpy(task, "ab", begin);
        for (size_t n = begin; n + 3 <= 200; n += 3) {
            memcpy(task + n, "\xe3\x83\x87", 3);
        }
        save_sample(f, task, 3);
        CHECK_OK(ff_copy_task(f->storage, "run", task, other, "run", task, &o, NULL, ee));
        ck_assert(!ff_file_exists(f->storage, "run", task, NULL));
        ck_assert(ff_file_exists(other, "run", task, NULL));
    }
    drop(other);
}

START_TEST(task_of_a_long_name_is_moved)
{
    on_each(move_long_names);
}
END_TEST

/* 0.0 and -0.0 are equal, and not the same. */
static void move_onto_equal(struct fixture *f)
{
    struct ff_storage *other = folder(f, "other");
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e), *back;
    CHECK_OK(ff_new_workflow(other, "run", ee));
    CHECK_OK(ff_save(f->storage, "run", "a", ff_new_float(doc, -0.0, &e), NULL, ee));
    CHECK_OK(ff_save(other, "run", "a", ff_new_float(doc, 0.0, &e), NULL, ee));
    CHECK_CODE(move_to(f->storage, other, "a", 0, NULL, ee), FF_E_CONFLICT);
    ck_assert(ff_file_exists(f->storage, "run", "a", NULL));
    CHECK_OK(move_to(f->storage, other, "a", FF_COPY_REPLACE, NULL, ee));
    ck_assert(!ff_file_exists(f->storage, "run", "a", NULL));
    back = ff_read_task(other, "run", "a", NULL, &e);
    double value = 1;
    CHECK_OK(ff_real(ff_doc_root(back), &value, ee));
    ck_assert(value == 0 && signbit(value));
    ff_doc_free(back);
    ff_doc_free(doc);
    drop(other);
}

START_TEST(move_onto_an_equal_value_is_a_conflict)
{
    on_each(move_onto_equal);
}
END_TEST

/* The same place through another protocol, so that nothing says that it is the same. */
static void refuse_itself(struct fixture *f, struct ff_storage *alias, uint32_t flags)
{
    struct ff_error e = FF_ERROR_INIT;
    int rc = move_to(f->storage, alias, "a", flags, NULL, &e);
    /* Stale: replaced by itself, the value that is compared is the old one. */
    ck_assert_msg(rc == FF_E_CONFLICT || rc == FF_E_USAGE || rc == FF_E_STALE, "%d: %s",
                  rc, e.message);
    ck_assert(ff_file_exists(f->storage, "run", "a", NULL));
}

static void move_onto_itself(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&e);
    char json[1024];
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"fault\", \"options\": {\"inner\": %s}}", f->json);
    struct ff_storage *alias = ff_storage_factory(f->host, json, &e);
    ck_assert_msg(alias != NULL, "%s", e.message);
    CHECK_OK(ff_save(f->storage, "run", "a", ff_new_int(doc, 7, &e), NULL, ee));
    ff_doc_free(doc);
    refuse_itself(f, alias, 0);
    refuse_itself(f, alias, FF_COPY_REPLACE);
    ck_assert(ff_file_exists(f->storage, "run", "a", NULL));
    save_sample(f, "a", 3);
    refuse_itself(f, alias, FF_COPY_REPLACE);
    expect_sample_at(f, "run", "a", 3);
    CHECK_OK(move_to(f->storage, alias, "b", 0, NULL, ee));
    expect_sample_at(f, "run", "b", 3);
    struct ff_names *names = ff_list_tasks(f->storage, "run", NULL, &e);
    ck_assert(names && names->count == 1);
    ff_names_free(names);
    ff_storage_close(alias);
}

START_TEST(move_between_two_views_of_one_storage_loses_nothing)
{
    on_each(move_onto_itself);
}
END_TEST

struct meanwhile {
    struct fixture *f;
    struct ff_storage *other;
    atomic_int done;
};

/* Asked all the time; once the copy is there, somebody saves another value. */
static int save_meanwhile(const struct ff_call *call)
{
    struct meanwhile *m = call->ctx;
    if (!m->done && ff_file_exists(m->other, "run", "b", NULL) &&
        !atomic_exchange(&m->done, 1)) {
        save_sample(m->f, "a", 9);
    }
    return 0;
}

static void move_what_is_replaced(struct fixture *f)
{
    struct meanwhile m = {.f = f, .other = folder(f, "other")};
    struct ff_call call = {.struct_size = FF_SIZE(ff_call, cancelled),
                           .ctx = &m,
                           .cancelled = save_meanwhile};
    save_sample(f, "a", 3);
    CHECK_CODE(move_to(f->storage, m.other, "b", 0, &call, ee), FF_E_CONFLICT);
    ck_assert(m.done);
    expect_sample_at(f, "run", "a", 9);
    ck_assert_int_eq(count_orphans(f, 0), 0);
    drop(m.other);
}

START_TEST(task_that_is_saved_while_it_is_moved_keeps_its_new_value)
{
    on_each(move_what_is_replaced);
}
END_TEST

RUN_TESTS("between", copy_to_another_storage_and_back_is_the_same,
          another_value_there_is_a_conflict_unless_it_is_replaced,
          copy_that_fails_leaves_nothing_and_goes_on_when_done_again,
          task_that_is_moved_is_there_and_no_longer_here, task_of_a_long_name_is_moved,
          move_onto_an_equal_value_is_a_conflict,
          move_between_two_views_of_one_storage_loses_nothing,
          task_that_is_saved_while_it_is_moved_keeps_its_new_value)
