/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that do the same at the same time. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
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

/* Runs `work` in `count` processes; each is told its number; how many failed. */
static int in_processes(int count, int (*work)(int))
{
    pid_t children[8];
    int failed = 0;

    for (int i = 0; i < count; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            store_reopen(&s);
            _exit(work(i));
        }
        ck_assert_int_gt(children[i], 0);
    }
    for (int i = 0; i < count; i++) {
        int status = -1;

        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        if (status) {
            fprintf(stderr, "process %d ended with %x\n", i, (unsigned)status);
        }
        failed += status != 0;
    }
    return failed;
}

/* ---- replacing ---- */

enum { SAVES = 1000 };

/* Each value is displaced once: what came back is written down, to be counted. */
static int replace(int who)
{
    FILE *log;
    char path[300], text[32];

    (void)snprintf(path, sizeof path, "%s/log%d", s.folder, who);
    log = fopen(path, "w");
    for (int i = 0; log && i < SAVES; i++) {
        struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
        struct ff_intent *intent = NULL;
        int length = snprintf(text, sizeof text, "value %d %d\n", who, i);

        if (s.commit->begin(s.commit, "wf", &intent, NULL, NULL) ||
            s.commit->write(s.commit, intent, text, (size_t)length, NULL, NULL) ||
            s.commit->commit(s.commit, intent, "t", FF_COMMIT_REPLACE, &old, NULL,
                             NULL)) {
            return 2;
        }
        if (old.data && fwrite(old.data, old.size_bytes, 1, log) != 1) {
            return 3;
        }
        s.commit->drop(s.commit, &old, 1);
    }
    return !log || fclose(log) ? 4 : 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

START_TEST(two_replacers_displace_each_value_once_and_leave_nothing)
{
    static char lines[2 * SAVES + 1][32];
    int count = 0;
    char name[16];

    ck_assert_int_eq(in_processes(2, replace), 0);
    ck_assert_int_eq(count_private(&s, "wf"), 0);
    ck_assert_int_eq(count_names(&s, "wf"), 1);
    for (int who = 0; who < 2; who++) {
        FILE *log;

        (void)snprintf(name, sizeof name, "log%d", who);
        log = fopen(store_path(&s, name), "r");
        ck_assert_ptr_nonnull(log);
        while (count <= 2 * SAVES && fgets(lines[count], 32, log)) {
            count++;
        }
        (void)fclose(log);
    }
    task_text(&s, "t", lines[count++], 32);
    ck_assert_int_eq(count, 2 * SAVES);
    qsort(lines, (size_t)count, sizeof lines[0], by_text);
    for (int i = 1; i < count; i++) {
        ck_assert_str_ne(lines[i - 1], lines[i]);
    }
}
END_TEST

/* ---- replacing beside gc, removals and listings ---- */

static int save_on(int who)
{
    for (int i = 0; i < 300; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int code = save_text(&s, who ? "a" : "b", "text", FF_COMMIT_REPLACE, &e);

        if (code) {
            fprintf(stderr, "save: %d %s\n", code, e.message);
            return 1;
        }
    }
    return 0;
}

static int remove_on(int who)
{
    (void)who;
    for (int i = 0; i < 300; i++) {
        struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
        int code = s.commit->displace(s.commit, "wf", "a", &old, NULL, NULL);

        if (code && code != FF_E_NOT_FOUND) {
            return 2;
        }
        s.commit->drop(s.commit, &old, 1);
    }
    return 0;
}

struct found {
    char names[32][300];
    int count;
};

static int note_stale(void *ctx, const struct ff_intent_info *info)
{
    struct found *f = ctx;

    if (info->state == FF_INTENT_STALE && f->count < 32) {
        (void)snprintf(f->names[f->count++], 300, "%s", info->name);
    }
    return 0;
}

static int fence_on(int who)
{
    (void)who;
    for (int i = 0; i < 300; i++) {
        struct found f = {.count = 0};

        if (s.commit->intents(s.commit, "wf", note_stale, &f, NULL, NULL, NULL)) {
            return 3;
        }
        for (int k = 0; k < f.count; k++) {
            int code = s.commit->fence(s.commit, "wf", f.names[k], NULL, NULL);

            if (code && code != FF_E_CONFLICT) {
                return 4;
            }
        }
    }
    return 0;
}

static int find_keep(void *ctx, const struct ff_io *io)
{
    int *found = ctx;

    *found += strcmp(io->name, "wf/b") == 0;
    return strstr(io->name, ".ff-") ? 9 : 0;
}

static int list_on(int who)
{
    (void)who;
    for (int i = 0; i < 300; i++) {
        int found = 0;

        if (s.root->list(s.root, "wf/", 1, find_keep, &found, NULL, NULL, NULL) ||
            found != 1) {
            return 5;
        }
    }
    return 0;
}

static int all_at_once(int who)
{
    return who < 2    ? save_on(who)
           : who == 2 ? remove_on(who)
           : who == 3 ? fence_on(who)
                      : list_on(who);
}

START_TEST(fences_never_break_a_live_save_and_lists_miss_nothing)
{
    OK(save_text(&s, "b", "text", FF_COMMIT_REPLACE, e));
    ck_assert_int_eq(in_processes(5, all_at_once), 0);
    ck_assert_int_eq(count_private(&s, "wf"), 0);
}
END_TEST

/* ---- folders that come and go ---- */

static int put_and_remove(int who)
{
    char name[32];

    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "g/h/%d", who);
        if (put_text(s.objects, name, "text", NULL, NULL, NULL) ||
            ff_remove_object(s.objects, name, NULL, NULL)) {
            return 1;
        }
        (void)snprintf(name, sizeof name, "g/f%d", who);
        if (create_text(&s, name, "text", NULL) ||
            s.files->remove(s.files, name, NULL, NULL)) {
            return 2;
        }
    }
    return 0;
}

START_TEST(puts_beside_removals_that_prune_their_folders_succeed)
{
    ck_assert_int_eq(in_processes(3, put_and_remove), 0);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 0);
}
END_TEST

/* ---- conditions ---- */

static int add_one(int who)
{
    char text[32], tag[80];

    (void)who;
    for (int done = 0; done < 200;) {
        struct ff_one_io one;
        int code;

        memset(&one, 0, sizeof one);
        memset(text, 0, sizeof text);
        one.dst = text;
        one.dst_bytes = sizeof text - 1;
        one.io.size_bytes = FF_ANY_SIZE;
        if (ff_one_run(s.objects, &one, FF_GET, "n", NULL, NULL)) {
            return 1;
        }
        memcpy(tag, one.io.tag, sizeof tag);
        (void)snprintf(text, sizeof text, "%ld", strtol(text, NULL, 10) + 1);
        code = put_text(s.objects, "n", text, tag, NULL, NULL);
        if (code && code != FF_E_CONFLICT) {
            return 2;
        }
        done += code == FF_OK;
    }
    return 0;
}

START_TEST(puts_on_a_tag_lose_no_update)
{
    char text[16];

    OK(put_text(s.objects, "n", "0", NULL, NULL, e));
    ck_assert_int_eq(in_processes(3, add_one), 0);
    OK(get_text(s.objects, "n", text, sizeof text, e));
    ck_assert_str_eq(text, "600");
}
END_TEST

/* ---- a writer that dies ---- */

START_TEST(killed_writer_is_stale_at_once_and_can_be_fenced)
{
    int ready[2], status;
    char byte;
    pid_t child;

    ck_assert_int_eq(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        struct ff_intent *intent;

        store_reopen(&s);
        if (s.commit->begin(s.commit, "wf", &intent, NULL, NULL) ||
            write(ready[1], "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    ck_assert_int_eq((int)read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(sweep_private(&s, "wf"), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(sweep_private(&s, "wf"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        two_replacers_displace_each_value_once_and_leave_nothing,
        fences_never_break_a_live_save_and_lists_miss_nothing,
        puts_beside_removals_that_prune_their_folders_succeed,
        puts_on_a_tag_lose_no_update,
        killed_writer_is_stale_at_once_and_can_be_fenced,
    };

    return run_file_tests("file_race", open_store, close_store, tests, COUNT_OF(tests));
}
