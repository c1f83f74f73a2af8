/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

static struct ff_file *opened(const char *name, int mode)
{
    struct ff_file *file = NULL;

    OK(s.files->open(s.files, name, mode, &file, NULL, e));
    return file;
}

START_TEST(create_is_exclusive_at_its_own_name)
{
    struct ff_file *file = opened("u", FF_OPEN_CREATE), *other = NULL;

    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/u"), F_OK), 0);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 1);
    FAILS(s.files->open(s.files, "u", FF_OPEN_CREATE, &other, NULL, e), FF_E_EXISTS);
    ck_assert_ptr_null(other);
    OK(s.files->finish(s.files, file, NULL, e));
    FAILS(s.files->open(s.files, "u", FF_OPEN_CREATE, &other, NULL, e), FF_E_EXISTS);
    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/u"), F_OK), 0);
}
END_TEST

START_TEST(close_of_a_creator_takes_its_own_file_only)
{
    struct ff_file *file = opened("d/u", FF_OPEN_CREATE);

    s.files->close(s.files, file);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 0);
    file = opened("u", FF_OPEN_CREATE);
    OK(s.files->remove(s.files, "u", NULL, e));
    OK(create_text(&s, "u", "another", e));
    s.files->close(s.files, file);
    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/u"), F_OK), 0);
    s.files->close(s.files, NULL);
}
END_TEST

START_TEST(finish_that_fails_takes_the_file_away)
{
    struct ff_file *file = opened("u", FF_OPEN_CREATE);

    s.faulty.always[SYS_FSYNC] = -EIO;
    FAILS(s.files->finish(s.files, file, NULL, e), FF_E_IO);
    faults_off(&s);
    file = opened("u", FF_OPEN_CREATE);
    s.faulty.always[SYS_CLOSE] = -ENOSPC;
    FAILS(s.files->finish(s.files, file, NULL, e), FF_E_NO_SPACE);
    faults_off(&s);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 0);
}
END_TEST

START_TEST(finish_syncs_the_file_and_sync_its_folder)
{
    struct ff_file *file;

    OK(create_text(&s, "first", "text", e));
    OK(s.objects->sync(s.objects, NULL, e));
    file = opened("u", FF_OPEN_CREATE);
    faults_off(&s);
    OK(s.files->finish(s.files, file, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 1);
    OK(s.objects->sync(s.objects, NULL, e));
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 2);
}
END_TEST

START_TEST(spans_of_any_number_and_short_transfers_are_whole)
{
    static char data[3000], back[3000];
    struct ff_span spans[1000], mirror[1000];
    struct ff_file *file = opened("u", FF_OPEN_CREATE);

    for (size_t i = 0; i < COUNT_OF(spans); i++) {
        data[3 * i] = (char)i;
        data[3 * i + 2] = (char)(i >> 8);
        spans[i] = (struct ff_span){data + 3 * i, 3};
        mirror[i] = (struct ff_span){back + 3 * i, 3};
    }
    for (size_t max_bytes = 0; max_bytes < 3; max_bytes += 2) {
        memset(back, 0, sizeof back);
        s.faulty.max_bytes = max_bytes;
        OK(s.files->write_spans(s.files, file, 5, spans, COUNT_OF(spans), NULL, e));
        OK(s.files->read_spans(s.files, file, 5, mirror, COUNT_OF(mirror), NULL, e));
        ck_assert_mem_eq(data, back, sizeof data);
    }
    FAILS(s.files->read_spans(s.files, file, 6, mirror, COUNT_OF(mirror), NULL, e),
          FF_E_CORRUPT);
    FAILS(s.files->read(s.files, file, UINT64_MAX - 1, back, 1, NULL, e), FF_E_CORRUPT);
    FAILS(s.files->write(s.files, file, UINT64_MAX - 1, back, 1, NULL, e), FF_E_NO_SPACE);
    FAILS(s.files->write_spans(s.files, file, UINT64_MAX - 1, spans, 1, NULL, e),
          FF_E_NO_SPACE);
    s.files->close(s.files, file);
}
END_TEST

START_TEST(resize_reserves_where_it_can)
{
    struct ff_file *file = opened("u", FF_OPEN_CREATE);
    struct stat st;
    uint64_t size;

    OK(s.files->resize(s.files, file, 1 << 20, 1, e));
    ck_assert_int_eq(stat(store_path(&s, "wf/bigdata/u"), &st), 0);
    ck_assert_int_ge(st.st_blocks * 512, 1 << 20);
    OK(s.files->resize(s.files, file, 10, 1, e));
    OK(s.files->size(s.files, file, &size, e));
    ck_assert_uint_eq(size, 10);
    s.faulty.always[SYS_FALLOCATE] = -EOPNOTSUPP;
    OK(s.files->resize(s.files, file, 1 << 20, 1, e));
    OK(s.files->size(s.files, file, &size, e));
    ck_assert_uint_eq(size, 1 << 20);
    s.faulty.always[SYS_FALLOCATE] = -EINTR; /* a profiler's timer, for ever */
    OK(s.files->resize(s.files, file, 2 << 20, 1, e));
    s.faulty.always[SYS_FALLOCATE] = -ENOSPC;
    FAILS(s.files->resize(s.files, file, 3 << 20, 1, e), FF_E_NO_SPACE);
    FAILS(s.files->resize(s.files, file, UINT64_MAX, 0, e), FF_E_NO_SPACE);
    s.files->close(s.files, file);
}
END_TEST

START_TEST(open_what_is_no_file_is_refused)
{
    struct ff_file *file;

    OK(create_text(&s, "d/u", "text", e));
    ck_assert_int_eq(symlink("d/u", store_path(&s, "wf/bigdata/link")), 0);
    ck_assert_int_eq(symlink("d", store_path(&s, "wf/bigdata/dir")), 0);
    ck_assert_int_eq(mkfifo(store_path(&s, "wf/bigdata/fifo"), 0600), 0);
    for (int walk = 0; walk < 2; walk++) {
        static const int modes[] = {FF_OPEN_READ, FF_OPEN_ATTACH};

        s.faulty.always[SYS_OPENAT2] = walk ? -ENOSYS : 0;
        for (size_t i = 0; i < COUNT_OF(modes); i++) {
            FAILS(s.files->open(s.files, "link", modes[i], &file, NULL, e), FF_E_UNSAFE);
            FAILS(s.files->open(s.files, "dir/u", modes[i], &file, NULL, e), FF_E_UNSAFE);
            FAILS(s.files->open(s.files, "fifo", modes[i], &file, NULL, e), FF_E_UNSAFE);
            FAILS(s.files->open(s.files, "d", modes[i], &file, NULL, e), FF_E_NOT_FOUND);
            FAILS(s.files->open(s.files, "none", modes[i], &file, NULL, e),
                  FF_E_NOT_FOUND);
        }
        FAILS(s.files->open(s.files, "dir/v", FF_OPEN_CREATE, &file, NULL, e),
              FF_E_UNSAFE);
        FAILS(s.files->open(s.files, "../task", FF_OPEN_CREATE, &file, NULL, e),
              FF_E_USAGE);
        OK(s.files->open(s.files, "d/u", FF_OPEN_READ, &file, NULL, e));
        s.files->close(s.files, file);
    }
    FAILS(s.files->open(s.files, "d/u", 9, &file, NULL, e), FF_E_USAGE);
    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/d/u"), F_OK), 0);
}
END_TEST

START_TEST(attach_writes_into_what_another_creates)
{
    struct ff_file *creator = opened("u", FF_OPEN_CREATE), *other;
    char back[5] = "";

    OK(s.files->resize(s.files, creator, 4, 0, e));
    other = opened("u", FF_OPEN_ATTACH);
    OK(s.files->write(s.files, other, 0, "abcd", 4, NULL, e));
    OK(s.files->read(s.files, creator, 0, back, 4, NULL, e));
    ck_assert_str_eq(back, "abcd");
    s.files->close(s.files, other);
    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/u"), F_OK), 0);
    OK(s.files->finish(s.files, creator, NULL, e));
}
END_TEST

START_TEST(attached_file_is_not_copied_nor_a_copied_one_attached)
{
    struct ff_file *file[3], *none = NULL;

    OK(create_text(&s, "u", "text", e));
    for (size_t i = 0; i < COUNT_OF(file); i++) {
        file[i] = opened("u", FF_OPEN_ATTACH);
    }
    for (size_t i = 0; i < COUNT_OF(file); i++) {
        FAILS(copy_object(s.objects, "u", "v", "", e), FF_E_CONFLICT);
        s.files->close(s.files, file[i]);
    }
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 1);
    OK(copy_object(s.objects, "u", "v", "", e));
    FAILS(s.files->open(s.files, "u", FF_OPEN_ATTACH, &none, NULL, e), FF_E_CONFLICT);
    FAILS(s.files->open(s.files, "v", FF_OPEN_ATTACH, &none, NULL, e), FF_E_CONFLICT);
    OK(s.objects->sync(s.objects, NULL, e));
    FAILS(s.files->open(s.files, "v", FF_OPEN_ATTACH, &none, NULL, e), FF_E_CONFLICT);
    OK(copy_object(s.objects, "u", "w", "", e));
    OK(s.objects->sync(s.objects, NULL, e));
    OK(s.files->remove(s.files, "u", NULL, e));
    OK(s.files->remove(s.files, "w", NULL, e));
    s.files->close(s.files, opened("v", FF_OPEN_ATTACH)); /* its only name */
}
END_TEST

START_TEST(attached_file_without_locks_is_told_apart_by_its_names)
{
    struct ff_file *file, *none = NULL;

    OK(create_text(&s, "u", "text", e));
    s.faulty.always[SYS_LOCK] = -ENOLCK;
    file = opened("u", FF_OPEN_ATTACH);
    OK(copy_object(s.objects, "u", "v", "", e));
    s.files->close(s.files, file);
    FAILS(s.files->open(s.files, "u", FF_OPEN_ATTACH, &none, NULL, e), FF_E_CONFLICT);
    s.faulty.always[SYS_LOCK] = -EIO;
    OK(s.files->remove(s.files, "v", NULL, e));
    FAILS(s.files->open(s.files, "u", FF_OPEN_ATTACH, &none, NULL, e), FF_E_IO);
    FAILS(copy_object(s.objects, "u", "v", "", e), FF_E_IO);
}
END_TEST

START_TEST(attached_file_that_was_removed_says_so_at_its_end)
{
    struct ff_file *file;

    OK(create_text(&s, "u", "text", e));
    file = opened("u", FF_OPEN_ATTACH);
    OK(s.files->remove(s.files, "u", NULL, e));
    FAILS(s.files->finish(s.files, file, NULL, e), FF_E_CONFLICT);
    OK(create_text(&s, "u", "text", e));
    file = opened("u", FF_OPEN_ATTACH);
    OK(s.files->finish(s.files, file, NULL, e));
}
END_TEST

START_TEST(reader_keeps_what_was_removed)
{
    struct ff_file *file;
    char back[5] = "";

    OK(create_text(&s, "u", "text", e));
    file = opened("u", FF_OPEN_READ);
    OK(s.files->remove(s.files, "u", NULL, e));
    OK(s.files->remove(s.files, "u", NULL, e));
    OK(s.files->read(s.files, file, 0, back, 4, NULL, e));
    ck_assert_str_eq(back, "text");
    s.files->close(s.files, file);
}
END_TEST

static int write_past_limit(void)
{
    struct rlimit limit = {4096, 4096};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_file *file;
    sigset_t mask;

    if (setrlimit(RLIMIT_FSIZE, &limit)) {
        return 1;
    }
    store_reopen(&s);
    if (s.files->open(s.files, "u", FF_OPEN_CREATE, &file, NULL, &e) ||
        s.files->write(s.files, file, 8192, "x", 1, NULL, &e) != FF_E_NO_SPACE) {
        return 2;
    }
    e = (struct ff_error)FF_ERROR_INIT;
    if (s.files->resize(s.files, file, 8192, 0, &e) != FF_E_NO_SPACE) {
        return 3;
    }
    s.files->close(s.files, file);
    (void)sigpending(&mask);
    if (sigismember(&mask, SIGXFSZ)) {
        return 4;
    }
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, SIGXFSZ) ? 5 : 0;
}

START_TEST(write_past_the_size_limit_is_no_space_and_does_not_kill)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        _exit(write_past_limit());
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        create_is_exclusive_at_its_own_name,
        close_of_a_creator_takes_its_own_file_only,
        finish_that_fails_takes_the_file_away,
        finish_syncs_the_file_and_sync_its_folder,
        spans_of_any_number_and_short_transfers_are_whole,
        resize_reserves_where_it_can,
        open_what_is_no_file_is_refused,
        attach_writes_into_what_another_creates,
        attached_file_is_not_copied_nor_a_copied_one_attached,
        attached_file_without_locks_is_told_apart_by_its_names,
        attached_file_that_was_removed_says_so_at_its_end,
        reader_keeps_what_was_removed,
        write_past_the_size_limit_is_no_space_and_does_not_kill,
    };

    return run_file_tests("file_files", open_store, close_store, tests, COUNT_OF(tests));
}
