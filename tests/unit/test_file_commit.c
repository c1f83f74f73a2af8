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

static struct ff_intent *begun(const char *text)
{
    struct ff_intent *intent = NULL;

    OK(c->begin(c, "wf", &intent, NULL, e));
    OK(c->write(c, intent, text, strlen(text), NULL, e));
    return intent;
}

static struct ff_displaced displaced(void)
{
    return (struct ff_displaced){.struct_size = FF_SIZE(ff_displaced, ctx)};
}

/* Saves "new" over "old" and sees that "old" comes back, and that nothing is left. */
static void replace_and_check(void)
{
    struct ff_displaced old = displaced();

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    OK(c->commit(c, begun("new"), "t", FF_COMMIT_REPLACE, &old, NULL, e));
    ck_assert_uint_eq(old.size_bytes, 3);
    ck_assert_mem_eq(old.data, "old", 3);
    assert_task("t", "new");
    c->drop(c, &old, 1);
    ck_assert_ptr_null(old.data);
    c->drop(c, &old, 1);
    ck_assert_int_eq(count_private(&s, "wf"), 0);
    FAILS(save_text(&s, "t", "third", FF_COMMIT_IF_ABSENT, e), FF_E_CONFLICT);
    assert_task("t", "new");
    OK(save_text(&s, "fresh", "third", FF_COMMIT_IF_ABSENT, e));
    assert_task("fresh", "third");
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}

/* ---- the ways to rename ---- */

START_TEST(commit_replaces_and_gives_the_old_value)
{
    replace_and_check();
}
END_TEST

START_TEST(commit_without_rename_flags_does_the_same)
{
    s.faulty.no_flags = true;
    replace_and_check();
    ck_assert_int_gt(s.faulty.counts[SYS_LINKAT], 0);
}
END_TEST

START_TEST(commit_without_flags_and_links_still_replaces)
{
    struct ff_displaced old = displaced();

    s.faulty.no_flags = true;
    s.faulty.always[SYS_LINKAT] = -EPERM;
    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    OK(c->commit(c, begun("new"), "t", FF_COMMIT_REPLACE, &old, NULL, e));
    ck_assert_mem_eq(old.data, "old", 3);
    c->drop(c, &old, 1);
    FAILS(save_text(&s, "u", "third", FF_COMMIT_IF_ABSENT, e), FF_E_UNSUPPORTED);
    FAILS(save_text(&s, "t", "third", FF_COMMIT_IF_ABSENT, e), FF_E_CONFLICT);
    assert_task("t", "new");
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}
END_TEST

START_TEST(commit_over_an_empty_task_gives_empty_bytes)
{
    struct ff_displaced old = displaced();
    make_file("wf/t");
    OK(c->commit(c, begun("new"), "t", FF_COMMIT_REPLACE, &old, NULL, e));
    ck_assert_ptr_nonnull(old.data);
    ck_assert_uint_eq(old.size_bytes, 0);
    c->drop(c, &old, 0);
    ck_assert_int_eq(count_private(&s, "wf"), 1);
    ck_assert_int_eq(sweep_private(&s, "wf"), 0);
}
END_TEST

START_TEST(commit_with_the_mode_of_the_umask)
{
    struct stat st;

    (void)umask(027);
    OK(save_text(&s, "t", "text", FF_COMMIT_REPLACE, e));
    (void)umask(022);
    ck_assert_int_eq(stat(store_path(&s, "wf/t"), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(commit_over_what_is_no_task_is_refused)
{
    ck_assert_int_eq(mkdir(store_path(&s, "wf/dir"), 0755), 0);
    ck_assert_int_eq(symlink("/etc/passwd", store_path(&s, "wf/link")), 0);
    ck_assert_int_eq(mkfifo(store_path(&s, "wf/fifo"), 0600), 0);
    for (int flags = 0; flags < 2; flags++) {
        struct ff_displaced old = displaced();

        s.faulty.no_flags = flags;
        FAILS(save_text(&s, "dir", "x", FF_COMMIT_REPLACE, e), FF_E_CONFLICT);
        FAILS(save_text(&s, "link", "x", FF_COMMIT_REPLACE, e), FF_E_UNSAFE);
        FAILS(save_text(&s, "fifo", "x", FF_COMMIT_REPLACE, e), FF_E_UNSAFE);
        FAILS(c->displace(c, "wf", "link", &old, NULL, e), FF_E_UNSAFE);
        FAILS(c->displace(c, "wf", "dir", &old, NULL, e), FF_E_CONFLICT);
        FAILS(c->rename(c, "wf", "link", "other", NULL, e), FF_E_UNSAFE);
    }
    ck_assert_int_eq(count_private(&s, "wf"), 0);
    ck_assert_int_eq(count_names(&s, "wf"), 3);
}
END_TEST

/* ---- an intruder between two calls ---- */

struct intruder {
    enum sys_call at;
    int nth; /* the nth such call */
    void (*act)(void);
};

static void intrude(void *ctx, enum sys_call call)
{
    struct intruder *in = ctx;

    if (call == in->at && --in->nth == 0) {
        in->act();
    }
}

static void let_in(struct intruder *in)
{
    faults_off(&s);
    s.faulty.before = intrude;
    s.faulty.before_ctx = in;
}

static void remove_task(void)
{
    ck_assert_int_eq(unlink(store_path(&s, "wf/t")), 0);
}

static void folder_for_task(void)
{
    remove_task();
    ck_assert_int_eq(mkdir(store_path(&s, "wf/t"), 0755), 0);
}

static void link_for_task(void)
{
    remove_task();
    ck_assert_int_eq(symlink("/etc/passwd", store_path(&s, "wf/t")), 0);
}

static void move_workflow(void)
{
    char to[200];

    (void)snprintf(to, sizeof to, "%s/moved", s.folder);
    ck_assert_int_eq(rename(store_path(&s, "wf"), to), 0);
}

START_TEST(commit_when_the_task_goes_before_the_exchange_tries_again)
{
    struct intruder in = {SYS_RENAMEAT2, 2, remove_task};
    struct ff_displaced old = displaced();
    struct ff_intent *intent;

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    intent = begun("new");
    let_in(&in);
    OK(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e));
    ck_assert_ptr_null(old.data);
    assert_task("t", "new");
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}
END_TEST

START_TEST(commit_when_no_task_comes_into_the_exchange_undoes_it)
{
    static const struct {
        void (*act)(void);
        int code;
    } cases[] = {{folder_for_task, FF_E_CONFLICT}, {link_for_task, FF_E_UNSAFE}};

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct intruder in = {SYS_RENAMEAT2, 2, cases[i].act};
        struct ff_displaced old = displaced();
        struct ff_intent *intent;
        struct stat st;

        OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
        intent = begun("new");
        let_in(&in);
        FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e), cases[i].code);
        faults_off(&s);
        ck_assert_int_eq(lstat(store_path(&s, "wf/t"), &st), 0);
        ck_assert(!S_ISREG(st.st_mode));
        ck_assert_int_eq(count_private(&s, "wf"), 0);
        ck_assert_int_eq(remove(store_path(&s, "wf/t")), 0);
    }
}
END_TEST

START_TEST(commit_into_a_workflow_that_moved_is_conflict)
{
    struct intruder in = {SYS_FSYNC, 2,
                          move_workflow}; /* of the folder, after the rename */
    struct ff_displaced old = displaced();
    struct ff_intent *intent = begun("new");

    let_in(&in);
    FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e), FF_E_CONFLICT);
    faults_off(&s);
    intent = NULL;
    FAILS(c->begin(c, "wf", &intent, NULL, e), FF_E_NOT_FOUND);
}
END_TEST

START_TEST(commit_into_a_removed_workflow_is_conflict)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent = begun("new");

    OK(c->remove_workflow(c, "wf", NULL, e));
    OK(c->make_workflow(c, "wf", NULL, e));
    FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e), FF_E_CONFLICT);
    ck_assert_int_eq(count_names(&s, "wf"), 0);
}
END_TEST

START_TEST(displace_when_a_folder_comes_between_gives_it_back)
{
    struct intruder in = {SYS_RENAMEAT2, 1, folder_for_task};
    struct ff_displaced old = displaced();
    struct stat st;

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    let_in(&in);
    FAILS(c->displace(c, "wf", "t", &old, NULL, e), FF_E_CONFLICT);
    faults_off(&s);
    ck_assert_int_eq(stat(store_path(&s, "wf/t"), &st), 0);
    ck_assert(S_ISDIR(st.st_mode));
    ck_assert_int_eq(count_names(&s, "wf"), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        commit_replaces_and_gives_the_old_value,
        commit_without_rename_flags_does_the_same,
        commit_without_flags_and_links_still_replaces,
        commit_over_an_empty_task_gives_empty_bytes,
        commit_with_the_mode_of_the_umask,
        commit_over_what_is_no_task_is_refused,
        commit_when_the_task_goes_before_the_exchange_tries_again,
        commit_when_no_task_comes_into_the_exchange_undoes_it,
        commit_into_a_workflow_that_moved_is_conflict,
        commit_into_a_removed_workflow_is_conflict,
        displace_when_a_folder_comes_between_gives_it_back,
    };

    return run_file_tests("file_commit", open_store, close_store, tests, COUNT_OF(tests));
}
