/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation and each system call of a host fails in turn: an error or a row that says so,
 * no crash, no leak, no descriptor left. The linker sends malloc and its kin here (--wrap). */
#include "core/host.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "host_help.h"
#include "no_memory.h"
#include "run.h"

static const char config[] =
    "{\"plugins\": {\"enable\": [\"test.plain\", \"test.good\"],"
    " \"options\": {\"test.good\": {\"a\": 1}}},"
    " \"storages\": {\"lab\": {\"kind\": \"void\", \"options\": {\"secret\": \"x\"}}},"
    " \"default\": \"lab\"}";

/* Open a host, use it, close it. FF_OK or the first failure. */
static int scenario(const struct stage *stage, struct ff_error *e)
{
    const struct ff_loaded_serializer *found[4], *s;
    struct ff_host *host;
    char *json = NULL;
    int code;

    *e = (struct ff_error)FF_ERROR_INIT;
    host = ff_host_open(&stage->options, e);

    if (host) {
        code = ff_registry_serializer(host, "test.good", &s, e);
        if (!code) {
            code = ff_registry_for_class(host, "test.Good", NULL, 0, found, 4, e);
            code = code < 0 ? code : FF_OK;
        }
        json = code ? NULL : ff_host_storage_json(host, NULL, e);
        ff_doc_free(code ? NULL : ff_config_show(host, e));
        (void)ff_plugin_count(host);
        ff_free(json);
        ff_host_close(host);
    }
    return e->code;
}

static void prepare(struct stage *stage)
{
    stage_open(stage);
    stage_copy(stage, "good", "a.so");
    stage_copy(stage, "plain", "test_plain.so");
    stage_copy(stage, "abi", "b.so");
    stage_write(stage, "README", "");
    stage->options.config_json = config;
    stage->options.threads = 2;
}

START_TEST(each_allocation_that_fails_is_an_error)
{
    struct ff_error e;
    struct stage stage;
    int happened;

    prepare(&stage);
    (void)unlink(stage_path(&stage, "b.so")); /* it would take the name of a.so */
    for (int all = 0; all < 2; all++) {
        long n = 0;

        from_then_on = all;

        do {
            int code;

            left = n++;
            failures = 0;
            code = scenario(&stage, &e);
            happened = failures > 0;
            left = -1;
            ck_assert_msg(code == FF_OK || code == FF_E_NO_MEMORY, "%ld: %d %s %s", n,
                          code, e.place, e.message);
            ck_assert_msg(happened || code == FF_OK, "%ld: %d", n, code);
        } while (happened);
        ck_assert_int_gt(n, 50);
    }
    stage_close(&stage);
}
END_TEST

START_TEST(plugin_that_lacked_memory_is_loaded_later)
{
    const struct ff_loaded_serializer *s = NULL;
    struct ff_host *host;
    struct stage stage;
    int code = FF_E_NO_MEMORY;
    long n = 0;

    prepare(&stage);
    (void)unlink(stage_path(&stage, "b.so"));
    host = stage_host(&stage, config);
    while (code == FF_E_NO_MEMORY && n < 1000) {
        struct ff_error e = FF_ERROR_INIT;

        from_then_on = false;
        left = n++;
        code = ff_registry_serializer(host, "test.good", &s, &e);
        left = -1;
    }
    ck_assert_int_eq(code, FF_OK);
    ck_assert_int_gt(n, 5);
    ck_assert_str_eq(row_of(host, "a.so", NULL)->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

/* ---- system calls ---- */

static long calls_left;
static int call_errno;

static int call_fails(void)
{
    return calls_left >= 0 && calls_left-- == 0;
}

static int fail_openat(const struct ff_sys *sys, int fd, const char *path, int flags,
                       mode_t mode)
{
    return call_fails() ? -call_errno : ff_sys_posix.openat(sys, fd, path, flags, mode);
}

static int fail_fstat(const struct ff_sys *sys, int fd, struct stat *out)
{
    return call_fails() ? -call_errno : ff_sys_posix.fstat(sys, fd, out);
}

static int fail_fstatat(const struct ff_sys *sys, int fd, const char *path,
                        struct stat *out, int flags)
{
    return call_fails() ? -call_errno : ff_sys_posix.fstatat(sys, fd, path, out, flags);
}

static ssize_t fail_pread(const struct ff_sys *sys, int fd, void *data, size_t size_bytes,
                          int64_t offset)
{
    return call_fails() ? -call_errno
                        : ff_sys_posix.pread(sys, fd, data, size_bytes / 2 + 1, offset);
}

static ssize_t fail_read(const struct ff_sys *sys, int fd, void *data, size_t size_bytes)
{
    return call_fails() ? -call_errno
                        : ff_sys_posix.read(sys, fd, data, size_bytes / 2 + 1);
}

static ssize_t fail_getdents64(const struct ff_sys *sys, int fd, void *data,
                               size_t size_bytes)
{
    return call_fails() ? -call_errno
                        : ff_sys_posix.getdents64(sys, fd, data, size_bytes);
}

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(dir)) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

START_TEST(each_system_call_that_fails_leaves_nothing_open)
{
    static const int errnos[] = {EIO, EACCES, ENOENT, ENOMEM, EMFILE, EINTR, ELOOP};
    struct ff_sys sys = ff_sys_posix;
    struct ff_error e;
    struct stage stage;
    int before;

    sys.openat = fail_openat;
    sys.fstat = fail_fstat;
    sys.fstatat = fail_fstatat;
    sys.pread = fail_pread;
    sys.read = fail_read;
    sys.getdents64 = fail_getdents64;
    prepare(&stage);
    (void)unlink(stage_path(&stage, "b.so"));
    stage_write(&stage, "c.json", config);
    stage.options.config_json = NULL;
    stage.options.config_path = stage_path(&stage, "c.json");
    stage.options.draft_sys = &sys;
    calls_left = -1;
    ck_assert_int_eq(scenario(&stage, &e), FF_OK);
    before = open_descriptors();
    for (size_t i = 0; i < COUNT_OF(errnos); i++) {
        long n = 0;

        call_errno = errnos[i];
        do {
            calls_left = n++;
            (void)scenario(&stage, &e);
        } while (calls_left < 0 && n < 1000);
        ck_assert_int_gt(n, 20);
        ck_assert_int_lt(n, 1000);
    }
    ck_assert_int_eq(open_descriptors(), before);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("host_faults", each_allocation_that_fails_is_an_error,
          plugin_that_lacked_memory_is_loaded_later,
          each_system_call_that_fails_leaves_nothing_open)
