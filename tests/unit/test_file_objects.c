/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
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

/* ---- put ---- */

START_TEST(put_new_has_the_mode_of_the_umask_and_leaves_no_temporary)
{
    struct stat st;

    (void)umask(037);
    OK(put_text(s.objects, "d/e/x", "text", NULL, NULL, e));
    ck_assert_int_eq(stat(store_path(&s, "wf/bigdata/d/e/x"), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
    ck_assert_int_eq(stat(store_path(&s, "wf/bigdata/d"), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0740);
    ck_assert_int_eq(count_names(&s, "wf/bigdata/d/e"), 1);
    (void)umask(022);
}
END_TEST

START_TEST(put_where_a_folder_is_gives_conflict_and_leaves_nothing)
{
    OK(put_text(s.objects, "d/x", "text", NULL, NULL, e));
    FAILS(put_text(s.objects, "d", "text", NULL, NULL, e), FF_E_CONFLICT);
    FAILS(put_text(s.objects, "d", "text", "", NULL, e), FF_E_CONFLICT);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 1);
}
END_TEST

START_TEST(put_through_a_symbolic_link_is_unsafe)
{
    OK(put_text(s.objects, "x", "text", NULL, NULL, e));
    ck_assert_int_eq(symlink("/tmp", store_path(&s, "wf/bigdata/out")), 0);
    FAILS(put_text(s.objects, "out/x", "text", NULL, NULL, e), FF_E_UNSAFE);
    s.faulty.always[SYS_OPENAT2] = -ENOSYS;
    FAILS(put_text(s.objects, "out/x", "text", NULL, NULL, e), FF_E_UNSAFE);
    FAILS(copy_object(s.objects, "out/x", "y", NULL, e), FF_E_UNSAFE);
}
END_TEST

START_TEST(put_over_a_symbolic_link_replaces_the_link)
{
    char text[16];

    OK(put_text(s.objects, "x", "text", NULL, NULL, e));
    ck_assert_int_eq(symlink("x", store_path(&s, "wf/bigdata/link")), 0);
    OK(put_text(s.objects, "link", "other", NULL, NULL, e));
    OK(get_text(s.objects, "x", text, sizeof text, e));
    ck_assert_str_eq(text, "text");
}
END_TEST

START_TEST(put_if_absent_without_rename_flags_holds)
{
    char text[16];

    s.faulty.no_flags = true;
    OK(put_text(s.objects, "x", "one", "", NULL, e));
    FAILS(put_text(s.objects, "x", "two", "", NULL, e), FF_E_CONFLICT);
    OK(get_text(s.objects, "x", text, sizeof text, e));
    ck_assert_str_eq(text, "one");
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 1);
    s.faulty.always[SYS_LINKAT] = -EPERM;
    FAILS(put_text(s.objects, "y", "two", "", NULL, e), FF_E_IO);
}
END_TEST

START_TEST(put_with_a_tag_needs_that_tag)
{
    char first[80], second[80];

    OK(put_text(s.objects, "x", "one", NULL, first, e));
    OK(put_text(s.objects, "x", "two!", first, second, e));
    ck_assert_str_ne(first, second);
    FAILS(put_text(s.objects, "x", "three", first, NULL, e), FF_E_CONFLICT);
    FAILS(put_text(s.objects, "none", "three", first, NULL, e), FF_E_CONFLICT);
    s.faulty.always[SYS_LOCK] = -ENOLCK;
    OK(put_text(s.objects, "x", "three", second, NULL, e));
}
END_TEST

static char meant[80];
static int other_code;

static void put_too(void *ctx, enum sys_call call)
{
    (void)ctx;
    if (call == SYS_RENAMEAT2) {
        other_code = put_text(s.objects, "x", "other", meant, NULL, NULL);
    }
}

START_TEST(put_with_a_tag_that_another_holds_gives_conflict)
{
    char text[16];

    OK(put_text(s.objects, "x", "one", NULL, meant, e));
    s.faulty.before = put_too;
    OK(put_text(s.objects, "x", "two", meant, NULL, e));
    ck_assert_int_eq(other_code, FF_E_CONFLICT);
    OK(get_text(s.objects, "x", text, sizeof text, e));
    ck_assert_str_eq(text, "two");
}
END_TEST

START_TEST(put_to_a_workflow_that_was_removed_does_not_bring_it_back)
{
    OK(put_text(s.objects, "x", "one", NULL, NULL, e));
    OK(s.commit->remove_workflow(s.commit, "wf", NULL, e));
    FAILS(put_text(s.objects, "x", "one", NULL, NULL, e), FF_E_NOT_FOUND);
    FAILS(create_text(&s, "y", "one", e), FF_E_NOT_FOUND);
    ck_assert_int_ne(access(store_path(&s, "wf"), F_OK), 0);
}
END_TEST

START_TEST(put_failures_have_their_codes)
{
    static const struct {
        int rc, code;
    } cases[] = {{-ENOSPC, FF_E_NO_SPACE},  {-EDQUOT, FF_E_NO_SPACE},
                 {-EFBIG, FF_E_NO_SPACE},   {-EACCES, FF_E_PERMISSION},
                 {-EROFS, FF_E_PERMISSION}, {-EIO, FF_E_IO}};

    OK(put_text(s.objects, "d/keep", "one", NULL, NULL, e));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        s.faulty.always[SYS_PWRITE] = cases[i].rc;
        FAILS(put_text(s.objects, "d/x", "one", NULL, NULL, e), cases[i].code);
        s.faulty.always[SYS_PWRITE] = 0;
        s.faulty.always[SYS_OPENAT] = cases[i].rc;
        FAILS(put_text(s.objects, "d/x", "one", NULL, NULL, e), cases[i].code);
        s.faulty.always[SYS_OPENAT] = 0;
    }
    ck_assert_int_eq(count_names(&s, "wf/bigdata/d"), 1);
}
END_TEST

START_TEST(put_that_is_fenced_gives_conflict)
{
    struct ff_error e = FF_ERROR_INIT;

    s.faulty.one_kind = SYS_RENAMEAT2;
    s.faulty.fault_at = 1;
    s.faulty.fault_rc = -ENOENT;
    ck_assert_int_eq(put_text(s.objects, "x", "one", NULL, NULL, &e), FF_E_CONFLICT);
}
END_TEST

/* ---- get and head ---- */

START_TEST(get_what_is_no_file_is_refused)
{
    char text[16];

    OK(put_text(s.objects, "d/x", "text", NULL, NULL, e));
    ck_assert_int_eq(mkfifo(store_path(&s, "wf/fifo"), 0600), 0);
    ck_assert_int_eq(symlink("bigdata/d/x", store_path(&s, "wf/link")), 0);
    FAILS(get_text(s.root, "wf/bigdata", text, sizeof text, e), FF_E_NOT_FOUND);
    FAILS(get_text(s.root, "wf/none", text, sizeof text, e), FF_E_NOT_FOUND);
    FAILS(get_text(s.root, "wf/bigdata/d/x/y", text, sizeof text, e), FF_E_NOT_FOUND);
    FAILS(get_text(s.root, "wf/fifo", text, sizeof text, e), FF_E_UNSAFE);
    FAILS(get_text(s.root, "wf/link", text, sizeof text, e), FF_E_UNSAFE);
    FAILS(ff_head(s.root, "wf/fifo", NULL, NULL, NULL, e), FF_E_UNSAFE);
    FAILS(ff_head(s.root, "wf/link", NULL, NULL, NULL, e), FF_E_UNSAFE);
    s.faulty.always[SYS_OPENAT2] = -ENOSYS;
    FAILS(get_text(s.root, "wf/link", text, sizeof text, e), FF_E_UNSAFE);
    OK(get_text(s.root, "wf/bigdata/d/x", text, sizeof text, e));
}
END_TEST

START_TEST(get_names_that_are_none_are_usage)
{
    static const char *const names[] = {
        "", "/etc/passwd", "a//b", "../wf/x", "a/..", "a/", ".", ".ff-tmp-1", "d/.ff-x"};
    char text[16];

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ff_error e = FF_ERROR_INIT;

        ck_assert_int_eq(get_text(s.objects, names[i], text, sizeof text, &e),
                         FF_E_USAGE);
        e = (struct ff_error)FF_ERROR_INIT;
        ck_assert_int_eq(put_text(s.objects, names[i], "x", NULL, NULL, &e), FF_E_USAGE);
    }
}
END_TEST

START_TEST(get_and_put_with_short_transfers_are_whole)
{
    char text[64];

    s.faulty.max_bytes = 3;
    OK(put_text(s.objects, "x", "0123456789abcdef", NULL, NULL, e));
    OK(get_text(s.objects, "x", text, sizeof text, e));
    ck_assert_str_eq(text, "0123456789abcdef");
}
END_TEST

/* ---- copy ---- */

START_TEST(copy_is_a_hard_link)
{
    struct stat a, b;

    OK(put_text(s.objects, "x", "text", NULL, NULL, e));
    OK(copy_object(s.objects, "x", "d/y", "", e));
    ck_assert_int_eq(stat(store_path(&s, "wf/bigdata/x"), &a), 0);
    ck_assert_int_eq(stat(store_path(&s, "wf/bigdata/d/y"), &b), 0);
    ck_assert_int_eq((long)a.st_ino, (long)b.st_ino);
    FAILS(copy_object(s.objects, "x", "d/y", "", e), FF_E_CONFLICT);
    OK(copy_object(s.objects, "x", "d/y", NULL, e)); /* onto itself */
    ck_assert_int_eq(count_names(&s, "wf/bigdata/d"), 1);
    FAILS(copy_object(s.objects, "none", "z", NULL, e), FF_E_NOT_FOUND);
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 2);
}
END_TEST

START_TEST(copy_without_links_copies_the_bytes)
{
    static const int reasons[] = {-EXDEV, -EPERM, -EMLINK, -EOPNOTSUPP};
    struct stat st;
    char text[16];

    OK(put_text(s.objects, "x", "text", NULL, NULL, e));
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        s.faulty.always[SYS_LINKAT] = reasons[i];
        OK(copy_object(s.objects, "x", "y", NULL, e));
        OK(get_text(s.objects, "y", text, sizeof text, e));
        ck_assert_str_eq(text, "text");
        ck_assert_int_eq(stat(store_path(&s, "wf/bigdata/y"), &st), 0);
        ck_assert_int_eq((int)st.st_nlink, 1);
    }
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 2);
}
END_TEST

/* ---- remove ---- */

START_TEST(remove_takes_empty_folders_but_not_the_workflow)
{
    OK(put_text(s.objects, "u/0/0", "a", NULL, NULL, e));
    OK(put_text(s.objects, "u/0/1", "b", NULL, NULL, e));
    OK(ff_remove_object(s.objects, "u/0/0", NULL, e));
    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/u/0/1"), F_OK), 0);
    OK(ff_remove_object(s.objects, "u/0/1", NULL, e));
    OK(ff_remove_object(s.objects, "u/0/1", NULL, e));
    ck_assert_int_eq(count_names(&s, "wf/bigdata"), 0);
    OK(put_text(s.root, "wf/task", "a", NULL, NULL, e));
    OK(ff_remove_object(s.root, "wf/task", NULL, e));
    ck_assert_int_eq(access(store_path(&s, "wf"), F_OK), 0);
}
END_TEST

START_TEST(remove_of_a_folder_does_nothing)
{
    OK(put_text(s.objects, "u/x", "a", NULL, NULL, e));
    OK(ff_remove_object(s.objects, "u", NULL, e));
    ck_assert_int_eq(access(store_path(&s, "wf/bigdata/u/x"), F_OK), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        put_new_has_the_mode_of_the_umask_and_leaves_no_temporary,
        put_where_a_folder_is_gives_conflict_and_leaves_nothing,
        put_through_a_symbolic_link_is_unsafe,
        put_over_a_symbolic_link_replaces_the_link,
        put_if_absent_without_rename_flags_holds,
        put_with_a_tag_needs_that_tag,
        put_with_a_tag_that_another_holds_gives_conflict,
        put_to_a_workflow_that_was_removed_does_not_bring_it_back,
        put_failures_have_their_codes,
        put_that_is_fenced_gives_conflict,
        get_what_is_no_file_is_refused,
        get_names_that_are_none_are_usage,
        get_and_put_with_short_transfers_are_whole,
        copy_is_a_hard_link,
        copy_without_links_copies_the_bytes,
        remove_takes_empty_folders_but_not_the_workflow,
        remove_of_a_folder_does_nothing,
    };

    return run_file_tests("file_objects", open_store, close_store, tests,
                          COUNT_OF(tests));
}
