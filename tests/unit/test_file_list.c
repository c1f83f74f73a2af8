/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_store.h"
#include "run.h"

static struct store s;

static void open_store(void)
{
    store_open(&s, 0);
}

static void close_store(void)
{
    store_close(&s);
}

/* ---- list ---- */

struct listed {
    char names[1200][40];
    int count, folders, stop_at;
};

static int note(void *ctx, const struct ff_io *io)
{
    struct listed *l = ctx;

    ck_assert_int_lt(l->count, 1200);
    (void)snprintf(l->names[l->count++], 40, "%s", io->name);
    l->folders += io->is_folder != 0;
    return l->count == l->stop_at ? 1 : 0;
}

static bool has(const struct listed *l, const char *name)
{
    int found = 0;

    for (int i = 0; i < l->count; i++) {
        found += strcmp(l->names[i], name) == 0;
    }
    ck_assert_int_le(found, 1);
    return found == 1;
}

static struct listed seen;

static void list(const struct ff_objects *objects, const char *prefix, int one_level)
{
    memset(&seen, 0, sizeof seen);
    OK(objects->list(objects, prefix, one_level, note, &seen, NULL, NULL, e));
}

static void make_zoo(void)
{
    OK(put_text(s.root, "wf/task", "a", NULL, NULL, e));
    OK(put_text(s.objects, ".zgroup", "{}", NULL, NULL, e));
    OK(put_text(s.objects, "u/0/0", "a", NULL, NULL, e));
    ck_assert_int_eq(symlink("task", store_path(&s, "wf/link")), 0);
    ck_assert_int_eq(symlink("/tmp", store_path(&s, "wf/bigdata/out")), 0);
    ck_assert_int_eq(mkfifo(store_path(&s, "wf/fifo"), 0600), 0);
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = {
            "wf/.hidden", "wf/.ff-tmp-1", "wf/bigdata/.nfs01", "wf/bigdata/u/.ff-put-1"};
        FILE *file = fopen(store_path(&s, names[i]), "w");

        ck_assert_ptr_nonnull(file);
        (void)fclose(file);
    }
}

START_TEST(list_shows_regular_files_and_no_private_name)
{
    make_zoo();
    list(s.root, "wf/", 1);
    ck_assert(has(&seen, "wf/task") && has(&seen, "wf/bigdata"));
    ck_assert_int_eq(seen.count, 2);
    ck_assert_int_eq(seen.folders, 1);
    list(s.root, "", 1);
    ck_assert(has(&seen, "wf"));
    ck_assert_int_eq(seen.count, 1);
    list(s.objects, "", 0);
    ck_assert(has(&seen, ".zgroup") && has(&seen, "u/0/0"));
    ck_assert_int_eq(seen.count, 2);
    list(s.objects, "u/0/", 0);
    ck_assert(has(&seen, "u/0/0"));
    ck_assert_int_eq(seen.count, 1);
    list(s.objects, "none/", 0);
    ck_assert_int_eq(seen.count, 0);
}
END_TEST

START_TEST(list_stops_when_told_and_says_so)
{
    struct ff_error e = FF_ERROR_INIT;

    make_zoo();
    for (int level = 0; level < 2; level++) {
        memset(&seen, 0, sizeof seen);
        seen.stop_at = 1;
        ck_assert_int_eq(s.root->list(s.root, "wf/", level, note, &seen, NULL, NULL, &e),
                         1);
        ck_assert_int_eq(seen.count, 1);
    }
}
END_TEST

START_TEST(list_prefix_that_is_no_folder_is_usage)
{
    FAILS(s.root->list(s.root, "w", 1, note, &seen, NULL, NULL, e), FF_E_USAGE);
    FAILS(s.root->list(s.root, "../", 1, note, &seen, NULL, NULL, e), FF_E_USAGE);
    FAILS(s.root->list(s.root, "/", 1, note, &seen, NULL, NULL, e), FF_E_USAGE);
}
END_TEST

START_TEST(list_through_a_symbolic_link_is_unsafe)
{
    make_zoo();
    FAILS(s.objects->list(s.objects, "out/", 1, note, &seen, NULL, NULL, e), FF_E_UNSAFE);
}
END_TEST

enum { TASKS = 200 };

/* Replaces each task, once, when a part of the folder has been read: on tmpfs the others are
 * then where the reader has been already. */
static void replace_all(void *ctx, enum sys_call call)
{
    int *calls = ctx;
    char fresh[128], name[40];

    if (call != SYS_GETDENTS64 || ++*calls != 4) {
        return;
    }
    for (int i = 0; i < TASKS; i++) {
        FILE *file;

        (void)snprintf(fresh, sizeof fresh, "%s/wf/.fresh", s.folder);
        file = fopen(fresh, "w");
        ck_assert_ptr_nonnull(file);
        (void)fclose(file);
        (void)snprintf(name, sizeof name, "wf/t%d", i);
        ck_assert_int_eq(rename(fresh, store_path(&s, name)), 0);
    }
}

START_TEST(list_in_pieces_reads_until_two_agree)
{
    int calls = 0;
    char name[40];

    for (int i = 0; i < TASKS; i++) {
        (void)snprintf(name, sizeof name, "wf/t%d", i);
        OK(put_text(s.root, name, "a", NULL, NULL, e));
    }
    s.faulty.dir_bytes = 1100;
    s.faulty.before = replace_all;
    s.faulty.before_ctx = &calls;
    list(s.root, "wf/", 1);
    ck_assert_int_gt(calls, 10);
    ck_assert_int_eq(seen.count, TASKS);
    for (int i = 0; i < TASKS; i++) {
        (void)snprintf(name, sizeof name, "wf/t%d", i);
        ck_assert_msg(has(&seen, name), "%s", name);
    }
}
END_TEST

START_TEST(list_failures_are_told)
{
    OK(put_text(s.root, "wf/task", "a", NULL, NULL, e));
    s.faulty.always[SYS_GETDENTS64] = -EIO;
    FAILS(s.root->list(s.root, "wf/", 1, note, &seen, NULL, NULL, e), FF_E_IO);
    faults_off(&s);
    s.faulty.always[SYS_FSTATAT] = -EIO;
    FAILS(s.root->list(s.root, "wf/", 1, note, &seen, NULL, NULL, e), FF_E_IO);
    faults_off(&s);
    s.faulty.always[SYS_OPENAT2] = -EACCES;
    FAILS(s.root->list(s.root, "wf/", 1, note, &seen, NULL, NULL, e), FF_E_PERMISSION);
}
END_TEST

START_TEST(list_clock_of_a_remote_file_system_is_that_of_its_files)
{
    int64_t now_ns = 0;

    OK(s.objects->list(s.objects, "", 1, note, &seen, &now_ns, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_UNLINKAT], 0);
    ck_assert(now_ns > 1500000000LL * 1000000000);
    OK(put_text(s.objects, "x", "a", NULL, NULL, e));
    faults_off(&s);
    s.faulty.fs_type = NFS_SUPER_MAGIC;
    now_ns = 0;
    OK(s.objects->list(s.objects, "", 1, note, &seen, &now_ns, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_UNLINKAT], 1);
    ck_assert(now_ns > 1500000000LL * 1000000000);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 1);
}
END_TEST

/* ---- sync ---- */

START_TEST(sync_flushes_each_file_and_each_folder_once)
{
    OK(put_text(s.objects, "a", "a", NULL, NULL, e));
    OK(put_text(s.objects, "b", "b", NULL, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_SYNCFS], 0);
    faults_off(&s);
    OK(s.objects->sync(s.objects, NULL, e));
    /* two files; bigdata; the workflow, as the way to it and as where it was made */
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 5);
    faults_off(&s);
    OK(s.objects->sync(s.objects, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 0);
    OK(put_text(s.objects, "c", "c", NULL, NULL, e));
    OK(s.objects->sync(s.objects, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 2);
}
END_TEST

START_TEST(sync_of_many_is_one_syncfs)
{
    char name[20];
    int fds = count_fds();

    for (int i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof name, "d/%d", i);
        OK(put_text(s.objects, name, "a", NULL, NULL, e));
    }
    ck_assert_int_le(count_fds(), fds + 258);
    faults_off(&s);
    OK(s.objects->sync(s.objects, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_SYNCFS], 1);
    ck_assert_int_le(count_fds(), fds + 1);
}
END_TEST

START_TEST(sync_that_failed_stays_failed)
{
    OK(put_text(s.objects, "a", "a", NULL, NULL, e));
    s.faulty.always[SYS_FSYNC] = -EIO;
    FAILS(s.objects->sync(s.objects, NULL, e), FF_E_IO);
    faults_off(&s);
    FAILS(s.objects->sync(s.objects, NULL, e), FF_E_IO);
}
END_TEST

START_TEST(sync_where_folders_cannot_be_synced_flushes_all)
{
    OK(ff_remove_object(s.objects, "none", NULL, e));
    OK(put_text(s.objects, "a", "a", NULL, NULL, e));
    OK(s.objects->sync(s.objects, NULL, e));
    OK(ff_remove_object(s.objects, "a", NULL, e));
    s.faulty.always[SYS_FSYNC] = -EINVAL;
    faults_off(&s);
    s.faulty.always[SYS_FSYNC] = -EINVAL;
    OK(s.objects->sync(s.objects, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_SYNCFS], 1);
}
END_TEST

START_TEST(sync_without_durability_does_nothing)
{
    store_close(&s);
    store_open(&s, FF_HOST_NO_SYNC);
    OK(put_text(s.objects, "a", "a", NULL, NULL, e));
    OK(create_text(&s, "f", "text", e));
    OK(s.objects->sync(s.objects, NULL, e));
    OK(save_text(&s, "t", "text", FF_COMMIT_REPLACE, e));
    OK(s.commit->settle(s.commit, "wf", NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC] + s.faulty.counts[SYS_SYNCFS], 0);
}
END_TEST

static int is_cancelled(const struct ff_call *call)
{
    (void)call;
    return 1;
}

START_TEST(run_cancelled_takes_no_item)
{
    const struct ff_call call = {.struct_size = FF_SIZE(ff_call, cancelled),
                                 .cancelled = is_cancelled};

    FAILS(ff_remove_object(s.objects, "x", &call, e), FF_E_CANCELLED);
    FAILS(s.objects->sync(s.objects, &call, e), FF_E_CANCELLED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        list_shows_regular_files_and_no_private_name,
        list_stops_when_told_and_says_so,
        list_prefix_that_is_no_folder_is_usage,
        list_through_a_symbolic_link_is_unsafe,
        list_in_pieces_reads_until_two_agree,
        list_failures_are_told,
        list_clock_of_a_remote_file_system_is_that_of_its_files,
        sync_flushes_each_file_and_each_folder_once,
        sync_of_many_is_one_syncfs,
        sync_that_failed_stays_failed,
        sync_where_folders_cannot_be_synced_flushes_all,
        sync_without_durability_does_nothing,
        run_cancelled_takes_no_item,
    };

    return run_file_tests("file_list", open_store, close_store, tests, COUNT_OF(tests));
}
