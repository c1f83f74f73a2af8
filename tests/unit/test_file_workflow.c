/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_store.h"
#include "run.h"

static struct store s;
static const struct ff_commit *c;

static void open_store(void)
{
    store_open(&s, 0);
    c = s.commit;
}

static void close_store(void)
{
    store_close(&s);
}

static void assert_task(const char *task, const char *text)
{
    char now[64];

    task_text(&s, task, now, sizeof now);
    ck_assert_str_eq(now, text);
}

static void make_file(const char *name)
{
    FILE *file = fopen(store_path(&s, name), "w");

    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
}

/* ---- rename, workflows ---- */

START_TEST(rename_never_replaces)
{
    for (int flags = 0; flags < 2; flags++) {
        OK(save_text(&s, "t", "a", FF_COMMIT_REPLACE, e));
        OK(save_text(&s, "u", "b", FF_COMMIT_REPLACE, e));
        s.faulty.no_flags = flags;
        FAILS(c->rename(c, "wf", "t", "u", NULL, e), FF_E_CONFLICT);
        FAILS(c->rename(c, "wf", "t", "t", NULL, e), FF_E_CONFLICT);
        FAILS(c->rename(c, "wf", "none", "v", NULL, e), FF_E_NOT_FOUND);
        FAILS(c->rename(c, "wf", "t", "bigdata", NULL, e), FF_E_USAGE);
        OK(c->rename(c, "wf", "t", "v", NULL, e));
        assert_task("u", "b");
        assert_task("v", "a");
        assert_task("t", "");
        faults_off(&s);
        ck_assert_int_eq(unlink(store_path(&s, "wf/v")), 0);
    }
}
END_TEST

START_TEST(workflow_that_is_something_else_is_refused)
{
    int exists = 1;
    make_file("file");
    ck_assert_int_eq(symlink("wf", store_path(&s, "link")), 0);
    FAILS(c->make_workflow(c, "file", NULL, e), FF_E_CONFLICT);
    FAILS(c->make_workflow(c, "link", NULL, e), FF_E_UNSAFE);
    OK(c->workflow_exists(c, "file", &exists, NULL, e));
    ck_assert_int_eq(exists, 0);
    FAILS(c->workflow_exists(c, "link", &exists, NULL, e), FF_E_UNSAFE);
    FAILS(c->remove_workflow(c, "link", NULL, e), FF_E_UNSAFE);
    FAILS(c->remove_workflow(c, "file", NULL, e), FF_E_NOT_FOUND);
    ck_assert_int_eq(access(store_path(&s, "link"), F_OK), 0);
    ck_assert_int_eq(access(store_path(&s, "file"), F_OK), 0);
}
END_TEST

/* A nest of folders, each with a file and a link out, `depth` deep. */
static void make_nest(int depth)
{
    ck_assert_int_eq(chdir(store_path(&s, "wf")), 0);
    for (int i = 0; i < depth; i++) {
        FILE *file = fopen("file", "w");

        ck_assert_ptr_nonnull(file);
        (void)fclose(file);
        ck_assert_int_eq(symlink(s.folder, "out"), 0);
        ck_assert_int_eq(mkdir("empty", 0755), 0);
        ck_assert_int_eq(mkdir("d", 0755), 0);
        ck_assert_int_eq(chdir("d"), 0);
    }
    ck_assert_int_eq(chdir("/"), 0);
}

START_TEST(remove_workflow_however_deep_follows_no_link)
{
    int fds;

    OK(c->make_workflow(c, "other", NULL, e));
    make_nest(1500);
    fds = count_fds();
    OK(c->remove_workflow(c, "wf", NULL, e));
    ck_assert_int_eq(count_fds(), fds);
    ck_assert_int_eq(s.log_count, 0);
    ck_assert_int_eq(count_names(&s, ""), 1);
    ck_assert_int_eq(access(store_path(&s, "other"), F_OK), 0);
}
END_TEST

START_TEST(remove_workflow_that_cannot_delete_leaves_it_to_gc)
{
    OK(save_text(&s, "t", "a", FF_COMMIT_REPLACE, e));
    make_nest(3);
    s.faulty.always[SYS_UNLINKAT] = -EIO;
    OK(c->remove_workflow(c, "wf", NULL, e));
    ck_assert_int_eq(s.log_count, 1);
    faults_off(&s);
    ck_assert_int_ne(access(store_path(&s, "wf"), F_OK), 0);
    ck_assert_int_eq(count_private(&s, ""), 1);
    ck_assert_int_eq(sweep_private(&s, ""), 0);
    ck_assert_int_eq(count_names(&s, ""), 0);
}
END_TEST

START_TEST(remove_workflow_leaves_what_nfs_keeps)
{
    make_file("wf/.nfs0001");
    OK(c->remove_workflow(c, "wf", NULL, e));
    ck_assert_int_eq(s.log_count, 1);
    ck_assert_int_eq(count_private(&s, ""), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rename_never_replaces,
        workflow_that_is_something_else_is_refused,
        remove_workflow_however_deep_follows_no_link,
        remove_workflow_that_cannot_delete_leaves_it_to_gc,
        remove_workflow_leaves_what_nfs_keeps,
    };

    return run_file_tests("file_workflow", open_store, close_store, tests,
                          COUNT_OF(tests));
}
