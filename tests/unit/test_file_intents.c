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

int main(void)
{
    const TTest *const tests[] = {
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
    };

    return run_file_tests("file_intents", open_store, close_store, tests,
                          COUNT_OF(tests));
}
