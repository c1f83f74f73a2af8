/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/sys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif

#include "core/base/alloc.h"
#include "run.h"

static const struct ff_sys *const sys = &ff_sys_posix;

/* A table that gives at most `max_bytes` at a time, and EINTR before each. */
struct choppy {
    struct ff_sys sys;
    const struct ff_sys *inner;
    size_t max_bytes;
    unsigned *calls;
};

static bool interrupted(const struct choppy *c)
{
    return (*c->calls)++ % 2 == 0;
}

static size_t chopped(const struct choppy *c, size_t size_bytes)
{
    return size_bytes < c->max_bytes ? size_bytes : c->max_bytes;
}

static ssize_t choppy_read(const struct ff_sys *s, int fd, void *data, size_t size_bytes)
{
    const struct choppy *c = (const void *)s;

    return interrupted(c) ? -EINTR
                          : c->inner->read(c->inner, fd, data, chopped(c, size_bytes));
}

static ssize_t choppy_write(const struct ff_sys *s, int fd, const void *data,
                            size_t size_bytes)
{
    const struct choppy *c = (const void *)s;

    return interrupted(c) ? -EINTR
                          : c->inner->write(c->inner, fd, data, chopped(c, size_bytes));
}

static ssize_t choppy_pread(const struct ff_sys *s, int fd, void *data, size_t size_bytes,
                            int64_t offset)
{
    const struct choppy *c = (const void *)s;

    return interrupted(c)
               ? -EINTR
               : c->inner->pread(c->inner, fd, data, chopped(c, size_bytes), offset);
}

static ssize_t choppy_pwrite(const struct ff_sys *s, int fd, const void *data,
                             size_t size_bytes, int64_t offset)
{
    const struct choppy *c = (const void *)s;

    return interrupted(c)
               ? -EINTR
               : c->inner->pwrite(c->inner, fd, data, chopped(c, size_bytes), offset);
}

static ssize_t choppy_preadv(const struct ff_sys *s, int fd, const struct iovec *parts,
                             int part_count, int64_t offset)
{
    const struct choppy *c = (const void *)s;

    ck_assert_int_ge(part_count, 1);
    return choppy_pread(s, fd, parts->iov_base, chopped(c, parts->iov_len), offset);
}

static ssize_t choppy_pwritev(const struct ff_sys *s, int fd, const struct iovec *parts,
                              int part_count, int64_t offset)
{
    const struct choppy *c = (const void *)s;

    ck_assert_int_ge(part_count, 1);
    return choppy_pwrite(s, fd, parts->iov_base, chopped(c, parts->iov_len), offset);
}

static ssize_t choppy_getrandom(const struct ff_sys *s, void *data, size_t size_bytes,
                                unsigned flags)
{
    const struct choppy *c = (const void *)s;

    return interrupted(c)
               ? -EINTR
               : c->inner->getrandom(c->inner, data, chopped(c, size_bytes), flags);
}

static struct choppy make_choppy(size_t max_bytes, unsigned *calls)
{
    struct choppy c = {ff_sys_posix, &ff_sys_posix, max_bytes, calls};

    *calls = 0;
    c.sys.read = choppy_read;
    c.sys.write = choppy_write;
    c.sys.pread = choppy_pread;
    c.sys.pwrite = choppy_pwrite;
    c.sys.preadv = choppy_preadv;
    c.sys.pwritev = choppy_pwritev;
    c.sys.getrandom = choppy_getrandom;
    return c;
}

static int temporary_file(void)
{
    FILE *f = tmpfile();
    int fd = dup(fileno(f));

    ck_assert_int_ge(fd, 0);
    (void)fclose(f);
    return fd;
}

START_TEST(table_has_every_call)
{
    const unsigned char *first = (const unsigned char *)&sys->openat;
    const unsigned char *end = (const unsigned char *)sys + sys->struct_size;

    ck_assert_uint_eq(sys->struct_size, sizeof *sys);
    for (; first < end; first += sizeof(void *)) {
        void *call;

        memcpy(&call, first, sizeof call);
        ck_assert_ptr_nonnull(call);
    }
}
END_TEST

START_TEST(calls_give_minus_errno)
{
    struct stat st;
    struct statfs fs;
    struct flock lock = {.l_type = F_RDLCK};
    struct iovec part = {&st, 1};
    char byte = 0;

    ck_assert_int_eq(sys->openat(sys, -1, "x", O_RDONLY, 0), -EBADF);
    ck_assert_int_eq(sys->close(sys, -1), -EBADF);
    ck_assert_int_eq(sys->read(sys, -1, &byte, 1), -EBADF);
    ck_assert_int_eq(sys->write(sys, -1, &byte, 1), -EBADF);
    ck_assert_int_eq(sys->pread(sys, -1, &byte, 1, 0), -EBADF);
    ck_assert_int_eq(sys->pwrite(sys, -1, &byte, 1, 0), -EBADF);
    ck_assert_int_eq(sys->preadv(sys, -1, &part, 1, 0), -EBADF);
    ck_assert_int_eq(sys->pwritev(sys, -1, &part, 1, 0), -EBADF);
    ck_assert_int_eq(sys->lseek(sys, -1, 0, SEEK_SET), -EBADF);
    ck_assert_int_eq(sys->fstat(sys, -1, &st), -EBADF);
    ck_assert_int_eq(sys->fstatat(sys, -1, "x", &st, 0), -EBADF);
    ck_assert_int_eq(sys->fstatfs(sys, -1, &fs), -EBADF);
    ck_assert_int_eq(sys->fsync(sys, -1), -EBADF);
    ck_assert_int_eq(sys->fdatasync(sys, -1), -EBADF);
    ck_assert_int_eq(sys->syncfs(sys, -1), -EBADF);
    ck_assert_int_eq(sys->renameat2(sys, -1, "x", -1, "y", 0), -EBADF);
    ck_assert_int_eq(sys->linkat(sys, -1, "x", -1, "y", 0), -EBADF);
    ck_assert_int_eq(sys->unlinkat(sys, -1, "x", 0), -EBADF);
    ck_assert_int_eq(sys->mkdirat(sys, -1, "x", 0700), -EBADF);
    ck_assert_int_eq(sys->ftruncate(sys, -1, 0), -EBADF);
    ck_assert_int_eq(sys->fallocate(sys, -1, 0, 0, 1), -EBADF);
    ck_assert_int_eq(sys->getdents64(sys, -1, &byte, 1), -EBADF);
    ck_assert_int_eq(sys->lock(sys, -1, F_OFD_SETLK, &lock), -EBADF);
    ck_assert_int_eq(sys->futimens(sys, -1, NULL), -EBADF);
    ck_assert_int_eq(sys->fchmod(sys, -1, 0600), -EBADF);
    ck_assert_int_eq(sys->getrandom(sys, &byte, 1, ~0u), -EINVAL);
    ck_assert_int_eq(sys->clock_gettime(sys, 12345, &st.st_atim), -EINVAL);
    if (!RUNNING_ON_VALGRIND) { /* it would look at each of the 2^64 - 1 */
        ck_assert_int_eq(sys->poll(sys, NULL, SIZE_MAX, 0), -EINVAL);
    }
    ck_assert_int_eq(sys->eventfd(sys, 0, ~0), -EINVAL);
}
END_TEST

START_TEST(transfers_whole_through_short_and_interrupted_calls)
{
    unsigned calls;
    struct choppy c = make_choppy(7, &calls);
    int fd = temporary_file();
    char data[100], back[100];

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)i;
    }
    ck_assert_int_eq(ff_sys_write_all(&c.sys, fd, data, 50), 0);
    ck_assert_int_eq(ff_sys_pwrite_all(&c.sys, fd, data + 50, 50, 50), 0);
    ck_assert_int_eq(ff_sys_pread_all(&c.sys, fd, back, 100, 0), 0);
    ck_assert_mem_eq(data, back, 100);
    memset(back, 0, sizeof back);
    ck_assert_int_eq(sys->lseek(sys, fd, 0, SEEK_SET), 0);
    ck_assert_int_eq(ff_sys_read_all(&c.sys, fd, back, 100), 0);
    ck_assert_mem_eq(data, back, 100);
    memset(back, 0, sizeof back);
    ck_assert_int_eq(ff_sys_random(&c.sys, back, 64), 0);
    ck_assert_uint_gt(calls, 2 * 100 / 7);
    ck_assert(memcmp(back + 32, data, 32) != 0);
    ck_assert_int_eq(sys->close(sys, fd), 0);
}
END_TEST

enum {
    PARTS = 3000 /* more than IOV_MAX */
};

static void fill_parts(struct iovec *parts, char *data)
{
    size_t at = 0;

    for (size_t i = 0; i < PARTS; i++) {
        size_t size = i % 5 == 0 ? 0 : i % 5;

        parts[i] = (struct iovec){data + at, size};
        at += size;
    }
}

static void vector_round_trip(const struct ff_sys *table)
{
    static char data[PARTS * 2], back[PARTS * 2];
    static struct iovec parts[PARTS];
    int fd = temporary_file();

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (char)(i * 31);
    }
    memset(back, 0, sizeof back);
    fill_parts(parts, data);
    ck_assert_int_eq(ff_sys_pwritev_all(table, fd, parts, PARTS, 5), 0);
    fill_parts(parts, back);
    ck_assert_int_eq(ff_sys_preadv_all(table, fd, parts, PARTS, 5), 0);
    ck_assert_mem_eq(data, back, sizeof data);
    fill_parts(parts, back);
    ck_assert_int_eq(ff_sys_preadv_all(table, fd, parts, PARTS, 6), -ENODATA);
    ck_assert_int_eq(ff_sys_preadv_all(table, fd, NULL, 0, 0), 0);
    ck_assert_int_eq(sys->close(sys, fd), 0);
}

START_TEST(vectors_of_any_length_are_transferred)
{
    unsigned calls;
    struct choppy c = make_choppy(3, &calls);

    vector_round_trip(sys);
    vector_round_trip(&c.sys);
    ck_assert_uint_gt(calls, PARTS);
}
END_TEST

static ssize_t write_nothing(const struct ff_sys *s, int fd, const void *data,
                             size_t size_bytes, int64_t offset)
{
    (void)s;
    (void)fd;
    (void)data;
    (void)size_bytes;
    (void)offset;
    return 0;
}

START_TEST(transfers_that_cannot_be_whole_fail)
{
    struct ff_sys stuck = ff_sys_posix;
    int fd = temporary_file();
    struct iovec parts[2] = {{(void *)1, SIZE_MAX}, {(void *)1, 1}};
    char data[10] = {0};

    stuck.pwrite = write_nothing;
    ck_assert_int_eq(ff_sys_pwrite_all(&stuck, fd, data, 10, 0), -EIO);
    ck_assert_int_eq(ff_sys_pwrite_all(sys, fd, data, 10, 0), 0);
    ck_assert_int_eq(ff_sys_pread_all(sys, fd, data, 10, 1), -ENODATA);
    ck_assert_int_eq(ff_sys_read_all(sys, fd, data, 10), 0);
    ck_assert_int_eq(ff_sys_read_all(sys, fd, data, 1), -ENODATA);
    ck_assert_int_eq(ff_sys_pread_all(sys, -1, data, 1, 0), -EBADF);
    ck_assert_int_eq(ff_sys_pread_all(sys, fd, data, 1, -1), -EINVAL);
    ck_assert_int_eq(ff_sys_pwrite_all(sys, fd, data, 2, INT64_MAX - 1), -EINVAL);
    ck_assert_int_eq(ff_sys_preadv_all(sys, fd, parts, 2, 0), -EINVAL);
    ck_assert_int_eq(ff_sys_pread_all(sys, fd, NULL, 0, 100), 0);
    ck_assert_int_eq(sys->close(sys, fd), 0);
}
END_TEST

/* base/{dir/{file}, link -> dir, file_link -> dir/file, up -> ..} */
static int make_tree(char path[])
{
    int base, dir, fd;

    ck_assert_ptr_nonnull(mkdtemp(path));
    base = sys->openat(sys, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    ck_assert_int_ge(base, 0);
    ck_assert_int_eq(sys->mkdirat(sys, base, "dir", 0700), 0);
    dir = sys->openat(sys, base, "dir", O_RDONLY | O_DIRECTORY, 0);
    fd = sys->openat(sys, dir, "file", O_CREAT | O_WRONLY | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(symlinkat("dir", base, "link"), 0);
    ck_assert_int_eq(symlinkat("dir/file", base, "file_link"), 0);
    ck_assert_int_eq(symlinkat("..", base, "up"), 0);
    ck_assert_int_eq(sys->close(sys, fd), 0);
    ck_assert_int_eq(sys->close(sys, dir), 0);
    return base;
}

static void remove_tree(int base, const char *path)
{
    static const char *const names[] = {"dir/file", "dir/new", "link", "file_link", "up"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)sys->unlinkat(sys, base, names[i], 0);
    }
    ck_assert_int_eq(sys->unlinkat(sys, base, "dir", AT_REMOVEDIR), 0);
    ck_assert_int_eq(sys->close(sys, base), 0);
    ck_assert_int_eq(rmdir(path), 0);
}

static int no_openat2(const struct ff_sys *s, int dir_fd, const char *path, int flags,
                      mode_t mode, uint64_t resolve)
{
    (void)s;
    (void)dir_fd;
    (void)path;
    (void)flags;
    (void)mode;
    (void)resolve;
    return -ENOSYS;
}

#define LONG_NAME                                                                        \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901" \
    "0123456789"

static const struct {
    const char *path;
    int flags, code; /* 0: opens */
} beneath_rows[] = {
    {"dir/file", O_RDONLY, 0},
    {"dir//file", O_RDONLY, 0},
    {"./dir/./file", O_RDONLY, 0},
    {"dir", O_RDONLY | O_DIRECTORY, 0},
    {"dir/", O_RDONLY, 0},
    {"dir", O_PATH, 0},
    {".", O_RDONLY, 0},
    {"dir/new", O_WRONLY | O_CREAT | O_EXCL, 0},
    {"dir/new", O_WRONLY | O_CREAT | O_EXCL, -EEXIST},
    {"dir/none", O_RDONLY, -ENOENT},
    {"none/file", O_RDONLY, -ENOENT},
    {"dir/file/x", O_RDONLY, -ENOTDIR},
    {"dir/file/", O_RDONLY, -ENOTDIR},
    {"link/file", O_RDONLY, -ELOOP},
    {"link/", O_RDONLY, -ELOOP},
    {"link", O_RDONLY | O_DIRECTORY, -ELOOP},
    {"file_link", O_RDONLY, -ELOOP},
    {"file_link", O_PATH, -ELOOP},
    {"up", O_RDONLY, -ELOOP},
    {"up/etc", O_RDONLY, -ELOOP},
    {"/etc/passwd", O_RDONLY, -EXDEV},
    {"..", O_RDONLY, -EXDEV},
    {"dir/../dir/file", O_RDONLY, -EXDEV},
    {"dir/..", O_RDONLY, -EXDEV},
    {"", O_RDONLY, -ENOENT},
    {LONG_NAME, O_RDONLY, -ENAMETOOLONG},
    {"dir/" LONG_NAME "/x", O_RDONLY, -ENAMETOOLONG},
};

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void check_beneath(const struct ff_sys *table)
{
    char path[] = "/tmp/ff-test-sys-XXXXXX";
    int base = make_tree(path);
    unsigned before = open_descriptors();

    for (size_t i = 0; i < COUNT_OF(beneath_rows); i++) {
        int fd = ff_sys_open_beneath(table, base, beneath_rows[i].path,
                                     beneath_rows[i].flags, 0600);

        ck_assert_msg(beneath_rows[i].code ? fd == beneath_rows[i].code : fd >= 0,
                      "%s gave %d", beneath_rows[i].path, fd);
        if (fd >= 0) {
            ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
            ck_assert_int_eq(sys->close(sys, fd), 0);
        }
        ck_assert_uint_eq(open_descriptors(), before);
    }
    remove_tree(base, path);
}

START_TEST(open_beneath_stays_beneath)
{
    check_beneath(sys);
}
END_TEST

START_TEST(open_beneath_without_openat2_stays_beneath)
{
    struct ff_sys old = ff_sys_posix;

    old.openat2 = no_openat2;
    check_beneath(&old);
}
END_TEST

START_TEST(lock_of_another_descriptor_is_seen)
{
    char path[] = "/tmp/ff-test-lock-XXXXXX";
    int a = mkstemp(path), b = sys->openat(sys, AT_FDCWD, path, O_RDWR, 0);
    struct flock want = {.l_type = F_WRLCK}, ask = {.l_type = F_WRLCK};

    ck_assert_int_eq(sys->lock(sys, a, F_OFD_SETLK, &want), 0);
    ck_assert_int_eq(sys->lock(sys, b, F_OFD_SETLK, &want), -EAGAIN);
    ck_assert_int_eq(sys->lock(sys, b, F_OFD_GETLK, &ask), 0);
    ck_assert_int_eq(ask.l_type, F_WRLCK);
    ck_assert_int_eq(sys->close(sys, a), 0);
    ck_assert_int_eq(sys->lock(sys, b, F_OFD_SETLK, &want), 0);
    ck_assert_int_eq(sys->close(sys, b), 0);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(eventfd_wakes_poll)
{
    int fd = sys->eventfd(sys, 0, EFD_NONBLOCK);
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    uint64_t one = 1;

    ck_assert_int_eq(sys->poll(sys, &wait, 1, 0), 0);
    ck_assert_int_eq(ff_sys_write_all(sys, fd, &one, sizeof one), 0);
    ck_assert_int_eq(sys->poll(sys, &wait, 1, 0), 1);
    ck_assert_int_eq(sys->close(sys, fd), 0);
}
END_TEST

START_TEST(clock_goes_on_or_says_so)
{
    int64_t before = ff_sys_now_ns(sys, CLOCK_MONOTONIC);

    ck_assert_int_gt(before, 0);
    ck_assert_int_ge(ff_sys_now_ns(sys, CLOCK_MONOTONIC), before);
    ck_assert(ff_sys_now_ns(sys, 12345) == INT64_MIN);
}
END_TEST

RUN_TESTS("base_sys", table_has_every_call, calls_give_minus_errno,
          transfers_whole_through_short_and_interrupted_calls,
          vectors_of_any_length_are_transferred, transfers_that_cannot_be_whole_fail,
          open_beneath_stays_beneath, open_beneath_without_openat2_stays_beneath,
          lock_of_another_descriptor_is_seen, eventfd_wakes_poll,
          clock_goes_on_or_says_so)
