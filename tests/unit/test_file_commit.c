/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- durability ---- */

static char order[64];

static void note_order(void *ctx, enum sys_call call)
{
    char letter = call == SYS_FSYNC       ? 'f'
                  : call == SYS_RENAMEAT2 ? 'r'
                  : call == SYS_UNLINKAT  ? 'u'
                  : call == SYS_WRITE     ? 'w'
                                          : 0;
    size_t length = strlen(order);

    (void)ctx;
    if (letter && length + 1 < sizeof order) {
        order[length] = letter;
        order[length + 1] = '\0';
    }
}

START_TEST(commit_syncs_before_and_after_the_rename)
{
    struct ff_displaced old = displaced();

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    s.faulty.before = note_order;
    order[0] = '\0';
    OK(save_text(&s, "t", "new", FF_COMMIT_REPLACE, e));
    ck_assert_str_eq(order, "wfrrfu");
    order[0] = '\0';
    OK(c->displace(c, "wf", "t", &old, NULL, e));
    c->drop(c, &old, 1);
    ck_assert_str_eq(order, "rfu");
}
END_TEST

START_TEST(begin_makes_a_workflow_of_others_durable_once)
{
    struct ff_intent *intent;

    ck_assert_int_eq(mkdir(store_path(&s, "other"), 0755), 0);
    store_reopen(&s);
    c = s.commit;
    OK(c->begin(c, "other", &intent, NULL, e));
    c->abort(c, intent);
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 3); /* the root's parent, the root, it */
    OK(c->begin(c, "other", &intent, NULL, e));
    c->abort(c, intent);
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 3);
    OK(c->make_workflow(c, "other", NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 3);
    OK(c->make_workflow(c, "third", NULL, e));
    ck_assert_int_ge(s.faulty.counts[SYS_FSYNC], 4);
}
END_TEST

START_TEST(begin_under_a_parent_that_is_closed_flushes_all)
{
    struct ff_intent *intent;

    store_reopen(&s);
    c = s.commit;
    faults_off(&s);
    s.faulty.always[SYS_OPENAT2] = -ENOSYS; /* so that openat counts the workflow too */
    s.faulty.one_kind = SYS_OPENAT;
    s.faulty.fault_at = 2;
    s.faulty.fault_rc = -EACCES;
    OK(c->begin(c, "wf", &intent, NULL, e));
    c->abort(c, intent);
    ck_assert_int_eq(s.faulty.counts[SYS_SYNCFS], 1);
}
END_TEST

START_TEST(commit_whose_bytes_are_not_durable_keeps_the_old_value)
{
    static const struct {
        int rc, code;
    } cases[] = {{-EIO, FF_E_IO}, {-ENOSPC, FF_E_NO_SPACE}};

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        s.faulty.always[SYS_FSYNC] = cases[i].rc;
        FAILS(save_text(&s, "t", "new", FF_COMMIT_REPLACE, e), cases[i].code);
        faults_off(&s);
        assert_task("t", "old");
        ck_assert_int_eq(count_private(&s, "wf"), 0);
    }
}
END_TEST

START_TEST(commit_whose_folder_is_not_durable_is_unknown_and_deletes_nothing)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent;

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    intent = begun("new");
    faults_off(&s);
    s.faulty.one_kind = SYS_FSYNC;
    s.faulty.fault_at = 2;
    s.faulty.fault_rc = -EIO;
    FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
          FF_E_UNKNOWN_OUTCOME);
    ck_assert_ptr_null(old.data);
    faults_off(&s);
    assert_task("t", "new");
    ck_assert_int_eq(count_private(&s, "wf"), 1); /* the old value */
    ck_assert_int_eq(sweep_private(&s, "wf"), 0);
    assert_task("t", "new");
    s.faulty.always[SYS_FSYNC] = -EIO;
    FAILS(c->displace(c, "wf", "t", &old, NULL, e), FF_E_UNKNOWN_OUTCOME);
    FAILS(c->settle(c, "wf", NULL, e), FF_E_IO);
    faults_off(&s);
    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    s.faulty.always[SYS_FSYNC] = -EIO;
    FAILS(c->rename(c, "wf", "t", "u", NULL, e), FF_E_UNKNOWN_OUTCOME);
    FAILS(c->remove_workflow(c, "wf", NULL, e), FF_E_UNKNOWN_OUTCOME);
    faults_off(&s);
    ck_assert_int_eq(count_private(&s, ""), 1); /* nothing of it was deleted */
    ck_assert_int_eq(sweep_private(&s, ""), 0);
}
END_TEST

START_TEST(commit_whose_answer_is_lost_is_done)
{
    static const int answers[] = {-ENOENT, -EIO, -EINTR, -ETIMEDOUT};

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        for (int round = 1; round <= 2; round++) { /* NOREPLACE of a new task, EXCHANGE */
            struct ff_displaced old = displaced();
            struct ff_intent *intent = begun("new");

            faults_off(&s);
            s.faulty.one_kind = SYS_RENAMEAT2;
            s.faulty.fault_at = round;
            s.faulty.fault_rc = answers[i];
            s.faulty.done_first = true;
            OK(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e));
            faults_off(&s);
            ck_assert(round == 1 || old.data);
            assert_task("t", "new");
            c->drop(c, &old, 1);
            ck_assert_int_eq(count_private(&s, "wf"), 0);
        }
        remove_task();
    }
}
END_TEST

START_TEST(removals_whose_answer_is_lost_are_done)
{
    struct ff_displaced old = displaced();

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    s.faulty.always[SYS_RENAMEAT2] = -ENOENT;
    s.faulty.done_first = true;
    OK(c->rename(c, "wf", "t", "u", NULL, e));
    OK(c->displace(c, "wf", "u", &old, NULL, e));
    ck_assert_mem_eq(old.data, "old", 3);
    c->drop(c, &old, 1);
    OK(c->remove_workflow(c, "wf", NULL, e));
    faults_off(&s);
    ck_assert_int_eq(count_names(&s, ""), 0);
}
END_TEST

START_TEST(commit_that_cannot_look_is_unknown)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent = begun("new");

    faults_off(&s);
    s.faulty.always[SYS_RENAMEAT2] = -EIO;
    s.faulty.always[SYS_FSTATAT] = -EIO;
    FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
          FF_E_UNKNOWN_OUTCOME);
}
END_TEST

START_TEST(commit_that_lost_bytes_is_refused)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent = begun("new");

    /* somebody cuts the file: its name is the workflow's only one */
    ck_assert_int_eq(chdir(store_path(&s, "wf")), 0);
    ck_assert_int_eq(system("for f in .ff-tmp-*; do : > \"$f\"; done"), 0);
    ck_assert_int_eq(chdir("/"), 0);
    FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e), FF_E_IO);
    assert_task("t", "");
    ck_assert_int_eq(count_names(&s, "wf"), 0);
}
END_TEST

START_TEST(displaced_that_cannot_be_read_is_a_warning)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent;

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    intent = begun("new");
    s.faulty.always[SYS_PREAD] = -EIO;
    OK(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e));
    ck_assert_ptr_null(old.data);
    ck_assert_int_eq(s.log_count, 1);
    ck_assert_ptr_nonnull(strstr(s.last_log, "wf/t"));
    c->drop(c, &old, 1);
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}
END_TEST

/* ---- intents and fences ---- */

static struct ff_intent_info last_info;
static char last_name[300];

static int note_info(void *ctx, const struct ff_intent_info *info)
{
    int *count = ctx;

    last_info = *info;
    (void)snprintf(last_name, sizeof last_name, "%s", info->name);
    (*count)++;
    return 0;
}

static int state_of_only_intent(void)
{
    int count = 0;

    OK(c->intents(c, "wf", note_info, &count, NULL, NULL, e));
    ck_assert_int_eq(count, 1);
    return last_info.state;
}

static void age_intent(int seconds)
{
    struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
    char path[400];

    (void)snprintf(path, sizeof path, "%s/wf/%s", s.folder, last_name);
    (void)clock_gettime(CLOCK_REALTIME, &times[1]);
    times[1].tv_sec -= seconds;
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(intent_is_live_while_its_writer_is_however_old)
{
    struct ff_intent *intent = begun("new");

    ck_assert_int_eq(state_of_only_intent(), FF_INTENT_LIVE);
    age_intent(100000);
    ck_assert_int_eq(state_of_only_intent(), FF_INTENT_LIVE);
    FAILS(c->fence(c, "wf", last_name, NULL, e), FF_E_CONFLICT);
    c->abort(c, intent);
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}
END_TEST

START_TEST(intent_without_locks_is_live_while_it_is_touched)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent;

    s.faulty.always[SYS_LOCK] = -ENOLCK;
    intent = begun("new");
    ck_assert_int_eq(state_of_only_intent(), FF_INTENT_LIVE);
    FAILS(c->fence(c, "wf", last_name, NULL, e), FF_E_CONFLICT);
    age_intent(601);
    ck_assert_int_eq(state_of_only_intent(), FF_INTENT_STALE);
    OK(c->refresh(c, intent, e));
    ck_assert_int_eq(state_of_only_intent(), FF_INTENT_LIVE);
    age_intent(601);
    OK(c->fence(c, "wf", last_name, NULL, e));
    FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e), FF_E_CONFLICT);
}
END_TEST

START_TEST(fenced_intent_cannot_commit_and_the_old_value_stays)
{
    for (int flags = 0; flags < 2; flags++) {
        struct ff_displaced old = displaced();
        struct ff_intent *intent;

        OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
        intent = begun("new");
        (void)state_of_only_intent();
        ck_assert_int_eq(chdir(store_path(&s, "wf")), 0);
        ck_assert_int_eq(unlink(last_name), 0);
        ck_assert_int_eq(chdir("/"), 0);
        s.faulty.no_flags = flags;
        FAILS(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e), FF_E_CONFLICT);
        faults_off(&s);
        assert_task("t", "old");
        ck_assert_int_eq(count_private(&s, "wf"), 0);
    }
}
END_TEST

START_TEST(fence_after_the_commit_is_conflict)
{
    struct ff_displaced old = displaced();
    struct ff_intent *intent = begun("new");

    (void)state_of_only_intent();
    OK(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e));
    FAILS(c->fence(c, "wf", last_name, NULL, e), FF_E_CONFLICT);
    FAILS(c->fence(c, "wf", "t", NULL, e), FF_E_USAGE);
    FAILS(c->fence(c, "wf", "../.ff-x", NULL, e), FF_E_USAGE);
    FAILS(c->fence(c, "wf", "a/../.ff-x", NULL, e), FF_E_USAGE);
    assert_task("t", "new");
}
END_TEST

START_TEST(begin_while_a_fence_holds_the_new_file_makes_another)
{
    struct ff_intent *intent = NULL;

    s.faulty.one_kind = SYS_LOCK; /* a fence holds the file that was just made */
    s.faulty.fault_at = 1;
    s.faulty.fault_rc = -EAGAIN;
    OK(c->begin(c, "wf", &intent, NULL, e));
    ck_assert_int_eq(count_private(&s, "wf"), 1);
    c->abort(c, intent);
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}
END_TEST

static void unlink_private(void)
{
    ck_assert_int_eq(chdir(store_path(&s, "wf")), 0);
    ck_assert_int_eq(system("rm .ff-tmp-*"), 0);
    ck_assert_int_eq(chdir("/"), 0);
}

START_TEST(begin_whose_new_file_is_fenced_at_once_makes_another)
{
    struct intruder in = {SYS_LOCK, 1, unlink_private};
    struct ff_displaced old = displaced();
    struct ff_intent *intent = NULL;

    let_in(&in);
    OK(c->begin(c, "wf", &intent, NULL, e));
    faults_off(&s);
    OK(c->commit(c, intent, "t", FF_COMMIT_REPLACE, &old, NULL, e));
}
END_TEST

static void put_another_in_its_place(void)
{
    ck_assert_int_eq(unlink(store_path(&s, "wf/.ff-tmp-dead")), 0);
    make_file("wf/.ff-tmp-other");
    make_file("wf/.ff-tmp-dead");
}

START_TEST(fence_of_a_name_that_got_another_file_is_conflict)
{
    struct intruder in = {SYS_LOCK, 1, put_another_in_its_place};

    make_file("wf/.ff-tmp-dead");
    let_in(&in);
    FAILS(c->fence(c, "wf", ".ff-tmp-dead", NULL, e), FF_E_CONFLICT);
    faults_off(&s);
    ck_assert_int_eq(access(store_path(&s, "wf/.ff-tmp-dead"), F_OK), 0);
}
END_TEST

START_TEST(intents_show_puts_that_died_in_big_data)
{
    OK(put_text(s.objects, "g/u/0", "a", NULL, NULL, e));
    make_file("wf/bigdata/g/u/.ff-put-1");
    ck_assert_int_eq(state_of_only_intent(), FF_INTENT_STALE);
    ck_assert_str_eq(last_name, "bigdata/g/u/.ff-put-1");
    OK(ff_remove_object(s.objects, "g/u/0", NULL, e));
    OK(c->fence(c, "wf", last_name, NULL, e));
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 0);
}
END_TEST

START_TEST(intents_that_cannot_be_judged_are_told)
{
    struct ff_intent *intent = begun("new");
    int count = 0;

    s.faulty.always[SYS_LOCK] = -EIO;
    FAILS(c->intents(c, "wf", note_info, &count, NULL, NULL, e), FF_E_IO);
    faults_off(&s);
    FAILS(c->intents(c, "none", note_info, &count, NULL, NULL, e), FF_E_NOT_FOUND);
    c->abort(c, intent);
}
END_TEST

START_TEST(settle_without_syncfs_syncs_each_task)
{
    OK(save_text(&s, "t", "a", FF_COMMIT_REPLACE, e));
    OK(save_text(&s, "u", "b", FF_COMMIT_REPLACE, e));
    faults_off(&s);
    OK(c->settle(c, "wf", NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_SYNCFS], 1);
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 1);
    faults_off(&s);
    s.faulty.always[SYS_SYNCFS] = -ENOSYS;
    OK(c->settle(c, "wf", NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 3);
    s.faulty.always[SYS_SYNCFS] = -EIO;
    FAILS(c->settle(c, "wf", NULL, e), FF_E_IO);
}
END_TEST

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
        commit_syncs_before_and_after_the_rename,
        begin_makes_a_workflow_of_others_durable_once,
        begin_under_a_parent_that_is_closed_flushes_all,
        commit_whose_bytes_are_not_durable_keeps_the_old_value,
        commit_whose_folder_is_not_durable_is_unknown_and_deletes_nothing,
        commit_whose_answer_is_lost_is_done,
        removals_whose_answer_is_lost_are_done,
        commit_that_cannot_look_is_unknown,
        commit_that_lost_bytes_is_refused,
        displaced_that_cannot_be_read_is_a_warning,
        intent_is_live_while_its_writer_is_however_old,
        intent_without_locks_is_live_while_it_is_touched,
        fenced_intent_cannot_commit_and_the_old_value_stays,
        fence_after_the_commit_is_conflict,
        begin_while_a_fence_holds_the_new_file_makes_another,
        begin_whose_new_file_is_fenced_at_once_makes_another,
        fence_of_a_name_that_got_another_file_is_conflict,
        intents_show_puts_that_died_in_big_data,
        intents_that_cannot_be_judged_are_told,
        settle_without_syncfs_syncs_each_task,
        rename_never_replaces,
        workflow_that_is_something_else_is_refused,
        remove_workflow_however_deep_follows_no_link,
        remove_workflow_that_cannot_delete_leaves_it_to_gc,
        remove_workflow_leaves_what_nfs_keeps,
    };

    return run_file_tests("file_commit", open_store, close_store, tests, COUNT_OF(tests));
}
