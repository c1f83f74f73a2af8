/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
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

static void remove_task(void)
{
    ck_assert_int_eq(unlink(store_path(&s, "wf/t")), 0);
}

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

int main(void)
{
    const TTest *const tests[] = {
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
    };

    return run_file_tests("file_durable", open_store, close_store, tests,
                          COUNT_OF(tests));
}
