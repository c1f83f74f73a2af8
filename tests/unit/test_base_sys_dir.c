/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/sys.h"
#include "run.h"

static const struct ff_sys *const sys = &ff_sys_posix;

enum {
    FILES = 2000, /* their records fill 64 KiB more than once */
    MAX_BYTES = 1 << 20
};

static char path[] = "/tmp/ff-test-dir-XXXXXX";
static int base;

static void make_files(int count)
{
    (void)snprintf(path, sizeof path, "/tmp/ff-test-dir-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    base = sys->openat(sys, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    ck_assert_int_ge(base, 0);
    for (int i = 0; i < count; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "a-name-of-forty-bytes-to-fill-much-%05d", i);
        int fd = sys->openat(sys, base, name, O_CREAT | O_WRONLY, 0600);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(sys->close(sys, fd), 0);
    }
}

static void remove_files(int count)
{
    for (int i = 0; i < count; i++) {
        char name[64];

        (void)snprintf(name, sizeof name, "a-name-of-forty-bytes-to-fill-much-%05d", i);
        ck_assert_int_eq(sys->unlinkat(sys, base, name, 0), 0);
    }
    ck_assert_int_eq(sys->close(sys, base), 0);
    ck_assert_int_eq(rmdir(path), 0);
}

/* Each file once and nothing else. */
static void assert_complete(const struct ff_dir_list *list, int count)
{
    static unsigned char seen[FILES];
    struct ff_dir_entry entry;
    size_t cursor = 0;

    memset(seen, 0, sizeof seen);
    while (ff_dir_next(list, &cursor, &entry)) {
        int number = atoi(strrchr(entry.name, '-') + 1);

        ck_assert(entry.type == DT_REG || entry.type == DT_UNKNOWN);
        ck_assert_uint_ne(entry.inode, 0);
        ck_assert_uint_eq(seen[number]++, 0);
    }
    for (int i = 0; i < count; i++) {
        ck_assert_uint_eq(seen[i], 1);
    }
}

/* A file system that gives few records at a time, as FUSE does, with EINTR in between. */
struct slow {
    struct ff_sys sys;
    unsigned *calls;
    size_t room_bytes;
};

static ssize_t slow_getdents64(const struct ff_sys *s, int fd, void *data,
                               size_t size_bytes)
{
    const struct slow *slow = (const void *)s;

    if ((*slow->calls)++ % 2 == 0) {
        return -EINTR;
    }
    return sys->getdents64(sys, fd, data,
                           size_bytes < slow->room_bytes ? size_bytes : slow->room_bytes);
}

START_TEST(list_dir_of_many_is_whole)
{
    struct ff_dir_list list;

    make_files(FILES);
    for (int twice = 0; twice < 2; twice++) {
        ck_assert_int_eq(ff_sys_list_dir(sys, base, MAX_BYTES, &list), 0);
        ck_assert(list.whole);
        ck_assert_uint_gt(list.used_bytes, 65536);
        assert_complete(&list, FILES);
        ff_dir_list_free(&list);
    }
    remove_files(FILES);
}
END_TEST

START_TEST(list_dir_in_many_calls_is_complete_but_not_whole)
{
    unsigned calls = 0;
    struct slow slow = {ff_sys_posix, &calls, 4096};
    struct ff_dir_list list;

    slow.sys.getdents64 = slow_getdents64;
    make_files(FILES);
    ck_assert_int_eq(ff_sys_list_dir(&slow.sys, base, MAX_BYTES, &list), 0);
    ck_assert(!list.whole);
    assert_complete(&list, FILES);
    ff_dir_list_free(&list);
    remove_files(FILES);
}
END_TEST

START_TEST(list_dir_of_nothing_is_empty)
{
    struct ff_dir_list list;
    struct ff_dir_entry entry;
    size_t cursor = 0;

    make_files(0);
    ck_assert_int_eq(ff_sys_list_dir(sys, base, MAX_BYTES, &list), 0);
    ck_assert(list.whole);
    ck_assert(!ff_dir_next(&list, &cursor, &entry));
    ff_dir_list_free(&list);
    remove_files(0);
}
END_TEST

START_TEST(list_dir_over_maximum_is_refused)
{
    struct ff_dir_list list;

    make_files(FILES);
    ck_assert_int_eq(ff_sys_list_dir(sys, base, 100000, &list), -E2BIG);
    ck_assert_ptr_null(list.records);
    ck_assert_int_eq(ff_sys_list_dir(sys, base, 10, &list), -E2BIG);
    ff_dir_list_free(&list);
    remove_files(FILES);
}
END_TEST

START_TEST(list_dir_of_what_is_none_fails)
{
    struct ff_dir_list list;
    char file[] = "/tmp/ff-test-file-XXXXXX";
    int fd = mkstemp(file);

    ck_assert_int_eq(ff_sys_list_dir(sys, -1, MAX_BYTES, &list), -EBADF);
    ck_assert_ptr_null(list.records);
    ck_assert_int_eq(ff_sys_list_dir(sys, fd, MAX_BYTES, &list), -ENOTDIR);
    ck_assert_ptr_null(list.records);
    ck_assert_int_eq(sys->close(sys, fd), 0);
    ck_assert_int_eq(unlink(file), 0);
}
END_TEST

/* Records as no kernel gives them: record_bytes, and whether the name ends. */
static unsigned short broken_bytes;
static bool broken_ends;

static ssize_t broken_getdents64(const struct ff_sys *s, int fd, void *data,
                                 size_t size_bytes)
{
    unsigned char record[24] = {0};

    (void)s;
    if (sys->getdents64(sys, fd, data, size_bytes) <= 0) {
        return 0;
    }
    memcpy(record + 16, &broken_bytes, 2);
    memset(record + 19, 'x', 5);
    record[23] = broken_ends ? 0 : 'x';
    memcpy(data, record, sizeof record);
    return sizeof record;
}

START_TEST(list_dir_of_broken_records_is_refused)
{
    static const struct {
        unsigned short bytes;
        bool ends;
        int code;
    } rows[] = {{24, true, 0},    {24, false, -EIO}, {0, true, -EIO},
                {16, true, -EIO}, {32, true, -EIO},  {23, true, -EIO}};
    struct ff_sys broken = ff_sys_posix;
    struct ff_dir_list list;

    broken.getdents64 = broken_getdents64;
    make_files(0);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        broken_bytes = rows[i].bytes;
        broken_ends = rows[i].ends;
        ck_assert_int_eq(ff_sys_list_dir(&broken, base, MAX_BYTES, &list), rows[i].code);
        ff_dir_list_free(&list);
    }
    remove_files(0);
}
END_TEST

RUN_TESTS("base_sys_dir", list_dir_of_many_is_whole,
          list_dir_in_many_calls_is_complete_but_not_whole, list_dir_of_nothing_is_empty,
          list_dir_over_maximum_is_refused, list_dir_of_what_is_none_fails,
          list_dir_of_broken_records_is_refused)
