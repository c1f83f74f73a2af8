/* SPDX-License-Identifier: Apache-2.0 */
/* Names that differ by case only, in a folder that does not tell case apart: by a table of system
 * calls always, on a real file system where one can be mounted. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_store.h"
#include "run.h"

#define SMALL_E "\xc3\xa9" /* é; neither has an ASCII letter */
#define BIG_E   "\xc3\x89"

static struct store s;
static const struct ff_commit *c;

static void open_store(void)
{
    store_open(&s, 0);
    s.faulty.folds_case = true;
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

static void assert_told(const struct ff_error *e, int code, const char *shown)
{
    ck_assert_int_eq(code, FF_E_CONFLICT);
    ck_assert_ptr_nonnull(strstr(e->message, "upper from lower case"));
    ck_assert_ptr_nonnull(strstr(e->message, shown));
    ck_assert_ptr_nonnull(strstr(e->fix, "tells case apart"));
}

static void no_other_case_is_taken(void)
{
    struct ff_error save = FF_ERROR_INIT, displace = FF_ERROR_INIT;
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};

    OK(save_text(&s, "Foo", "kept", FF_COMMIT_REPLACE, e));
    assert_told(&save, save_text(&s, "foo", "other", FF_COMMIT_REPLACE, &save), "Foo");
    FAILS(save_text(&s, "fOO", "other", FF_COMMIT_IF_ABSENT, e), FF_E_CONFLICT);
    assert_told(&displace, c->displace(c, "wf", "foo", &old, NULL, &displace), "Foo");
    FAILS(c->rename(c, "wf", "foo", "bar", NULL, e), FF_E_CONFLICT);
    OK(save_text(&s, "bar", "bar", FF_COMMIT_REPLACE, e));
    FAILS(c->rename(c, "wf", "bar", "FOO", NULL, e), FF_E_CONFLICT);
    OK(save_text(&s, SMALL_E, "letter", FF_COMMIT_REPLACE, e));
    FAILS(save_text(&s, BIG_E, "other", FF_COMMIT_REPLACE, e), FF_E_CONFLICT);
    FAILS(c->displace(c, "wf", BIG_E, &old, NULL, e), FF_E_CONFLICT);
    FAILS(c->rename(c, "wf", BIG_E, "baz", NULL, e), FF_E_CONFLICT);
    OK(save_text(&s, SMALL_E, "Letter", FF_COMMIT_REPLACE, e));
    assert_task(SMALL_E, "Letter");
    assert_task("Foo", "kept");
    assert_task("bar", "bar");
    OK(save_text(&s, "Foo", "new", FF_COMMIT_REPLACE, e));
    assert_task("Foo", "new");
    ck_assert_int_eq(sweep_private(&s, "wf"), 0);
}

START_TEST(task_equal_but_for_case_is_a_conflict)
{
    no_other_case_is_taken();
}
END_TEST

START_TEST(task_equal_but_for_case_without_rename_flags_is_a_conflict)
{
    s.faulty.no_flags = true;
    no_other_case_is_taken();
}
END_TEST

/* The folder of big data in other letters: it is no task, before it is there and afterwards. */
static void no_twin_of_big_data_is_taken(void)
{
    static const char *const twins[] = {"Bigdata", "BIGDATA", "bigDatA"};
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};

    OK(save_text(&s, "t", "kept", FF_COMMIT_REPLACE, e));
    for (int there = 0; there < 2; there++) {
        for (size_t i = 0; i < COUNT_OF(twins); i++) {
            struct ff_error save = FF_ERROR_INIT;

            assert_told(&save, save_text(&s, twins[i], "other", there, &save), "bigdata");
            FAILS(c->rename(c, "wf", "t", twins[i], NULL, e), FF_E_CONFLICT);
            ck_assert_int_ne(c->displace(c, "wf", twins[i], &old, NULL, NULL), FF_OK);
        }
        OK(put_text(s.objects, "x", "big", NULL, NULL, e));
        assert_task("t", "kept");
        ck_assert_int_eq(sweep_private(&s, "wf"), 0);
    }
    ck_assert_int_eq(count_names(&s, "wf"), 2);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 1);
}

START_TEST(rename_to_bigdata_but_for_case_in_a_workflow_without_is_a_conflict)
{
    OK(save_text(&s, "t", "kept", FF_COMMIT_REPLACE, e));
    FAILS(c->rename(c, "wf", "t", "Bigdata", NULL, e), FF_E_CONFLICT);
    assert_task("t", "kept");
}
END_TEST

START_TEST(task_that_is_bigdata_but_for_case_is_a_conflict)
{
    no_twin_of_big_data_is_taken();
}
END_TEST

START_TEST(task_that_is_bigdata_but_for_case_without_rename_flags_is_a_conflict)
{
    s.faulty.no_flags = true;
    no_twin_of_big_data_is_taken();
}
END_TEST

START_TEST(workflow_equal_but_for_case_is_a_conflict)
{
    struct ff_error error = FF_ERROR_INIT;
    struct ff_intent *intent = NULL;
    int exists = 1;

    assert_told(&error, c->make_workflow(c, "WF", NULL, &error), "wf");
    FAILS(c->begin(c, "Wf", &intent, NULL, e), FF_E_CONFLICT);
    FAILS(c->remove_workflow(c, "wF", NULL, e), FF_E_CONFLICT);
    OK(c->workflow_exists(c, "wf", &exists, NULL, e));
    ck_assert_int_eq(exists, 1);
    OK(c->make_workflow(c, "wf", NULL, e));
}
END_TEST

/* One folder may hold both elsewhere: nothing is refused there. */
START_TEST(task_equal_but_for_case_where_case_is_told_apart_is_another)
{
    s.faulty.folds_case = false;
    for (int i = 0; i < 2; i++) {
        OK(save_text(&s, "Foo", "upper", FF_COMMIT_REPLACE, e));
        OK(save_text(&s, "foo", "lower", FF_COMMIT_REPLACE, e));
        OK(save_text(&s, SMALL_E, "letter", FF_COMMIT_REPLACE, e));
        OK(save_text(&s, BIG_E, "Letter", FF_COMMIT_REPLACE, e));
    }
    assert_task("Foo", "upper");
    assert_task("foo", "lower");
    assert_task(SMALL_E, "letter");
    assert_task(BIG_E, "Letter");
    OK(c->make_workflow(c, "WF", NULL, e));
}
END_TEST

/* Where it cannot be seen, nothing is replaced. */
START_TEST(look_for_case_that_fails_leaves_the_task)
{
    OK(save_text(&s, "Foo", "kept", FF_COMMIT_REPLACE, e));
    s.faulty.always[SYS_GETDENTS64] = -EIO;
    FAILS(save_text(&s, "Foo", "other", FF_COMMIT_REPLACE, e), FF_E_IO);
    faults_off(&s);
    assert_task("Foo", "kept");
}
END_TEST

START_TEST(any_look_that_fails_leaves_the_task)
{
    int rc = FF_OK, n = 0;

    OK(save_text(&s, "Foo", "kept", FF_COMMIT_REPLACE, e));
    while (rc != FF_E_CONFLICT && n < 50) {
        s.faulty.folds_case = true;
        s.faulty.one_kind = SYS_FSTATAT;
        s.faulty.counts[SYS_FSTATAT] = 0;
        s.faulty.fault_at = ++n;
        s.faulty.fault_rc = -EIO;
        rc = save_text(&s, "foo", "other", FF_COMMIT_REPLACE, NULL);
        faults_off(&s);
        ck_assert_msg(rc != FF_OK, "look %d", n);
        assert_task("Foo", "kept");
    }
    ck_assert_int_eq(rc, FF_E_CONFLICT);
    ck_assert_int_gt(n, 2);
}
END_TEST

/* Else each would cost as much as there are tasks. */
START_TEST(task_without_ascii_letters_costs_no_listing_where_case_is_told_apart)
{
    s.faulty.folds_case = false;
    OK(save_text(&s, SMALL_E, "old", FF_COMMIT_REPLACE, e));
    s.faulty.always[SYS_GETDENTS64] = -EIO;
    OK(save_text(&s, SMALL_E, "new", FF_COMMIT_REPLACE, e));
    OK(c->rename(c, "wf", SMALL_E, BIG_E, NULL, e));
    faults_off(&s);
    assert_task(BIG_E, "new");
    ck_assert_int_eq(sweep_private(&s, "wf"), 0);
}
END_TEST

/* ---- a real one ---- */

/* An image that is mounted over the store's folder; NULL, or why it is not. */
static const char *mount_folding(char image[128])
{
    char command[1024];

    (void)snprintf(image, 128, "%s.img", s.folder);
    (void)snprintf(command, sizeof command,
                   "exec 2>/dev/null; truncate -s 16M '%s' && "
                   "PATH=$PATH:/sbin:/usr/sbin && "
                   "mkfs.ext4 -q -O casefold -E encoding=utf8 '%s' && "
                   "mount -o loop '%s' '%s' || exit 1; chattr +F '%s' && exit 0; "
                   "rmdir '%s/lost+found'; chattr +F '%s' && exit 0; umount '%s'; exit 1",
                   image, image, image, s.folder, s.folder, s.folder, s.folder, s.folder);
    return system(command) == 0 ? NULL
                                : "mkfs.ext4 -O casefold, or mount, is not to be had";
}

START_TEST(task_equal_but_for_case_on_ext4_with_casefold_is_a_conflict)
{
    const char *why;
    char image[128], command[256];

    if (geteuid() != 0) {
        (void)puts("skipped: to mount takes root");
        return;
    }
    s.faulty.folds_case = false;
    ck_assert_int_eq(rmdir(store_path(&s, "wf")), 0);
    why = mount_folding(image);
    if (why) {
        (void)printf("skipped: %s\n", why);
    } else {
        store_reopen(&s);
        c = s.commit;
        OK(c->make_workflow(c, "wf", NULL, e));
        no_other_case_is_taken();
        OK(save_text(&s, SMALL_E, "letter", FF_COMMIT_REPLACE, e));
        FAILS(save_text(&s, BIG_E, "Letter", FF_COMMIT_REPLACE, e), FF_E_CONFLICT);
        FAILS(c->make_workflow(c, "WF", NULL, e), FF_E_CONFLICT);
        (void)snprintf(command, sizeof command, "umount -l '%s'", s.folder);
        ck_assert_int_eq(system(command), 0);
    }
    (void)unlink(image);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        task_equal_but_for_case_is_a_conflict,
        task_equal_but_for_case_without_rename_flags_is_a_conflict,
        rename_to_bigdata_but_for_case_in_a_workflow_without_is_a_conflict,
        task_that_is_bigdata_but_for_case_is_a_conflict,
        task_that_is_bigdata_but_for_case_without_rename_flags_is_a_conflict,
        workflow_equal_but_for_case_is_a_conflict,
        task_equal_but_for_case_where_case_is_told_apart_is_another,
        look_for_case_that_fails_leaves_the_task,
        any_look_that_fails_leaves_the_task,
        task_without_ascii_letters_costs_no_listing_where_case_is_told_apart,
        task_equal_but_for_case_on_ext4_with_casefold_is_a_conflict,
    };

    return run_file_tests("file_fold", open_store, close_store, tests,
                          sizeof tests / sizeof *tests);
}
