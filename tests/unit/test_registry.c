/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the plugin list, each from a file that is really so. */
#include "core/host.h"

#include <elf.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/sys.h"
#include "host_help.h"
#include "run.h"

#define ENABLED                                                                          \
    "{\"plugins\": {\"enable\": [\"test.good\", \"test.plain\", \"test.first\", "        \
    "\"void\"]}}"

static void check_row(const struct ff_host *host, const char *file, const char *code,
                      const char *reason)
{
    const struct ff_plugin_row *row = row_of(host, file, NULL);

    ck_assert_str_eq(row->code, code);
    ck_assert_msg(strstr(row->reason, reason), "%s: \"%s\" has no \"%s\"", file,
                  row->reason, reason);
    ck_assert_msg(row->fix[0], "%s: no fix", file);
}

/* One file alone, enabled: its row, and the error of who asks for it. */
static void one_file(const char *built, const char *code, const char *reason)
{
    const struct ff_loaded_serializer *s;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, built, "test_good.so");
    host = stage_host(&stage, ENABLED);
    check_row(host, "test_good.so", code, reason);
    ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error),
                     FF_E_PLUGIN);
    ck_assert_msg(strstr(stage.error.message, reason), "%s", stage.error.message);
    ck_assert_str_eq(stage.error.fix, row_of(host, "test_good.so", NULL)->fix);
    ff_host_close(host);
    stage_close(&stage);
}

START_TEST(row_of_a_good_plugin_is_loaded)
{
    const struct ff_loaded_serializer *s = NULL;
    const struct ff_plugin_row *row;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error), FF_OK);
    ck_assert_str_eq(s->desc->name, "test.good");
    ck_assert_ptr_nonnull(s->inst);
    row = row_of(host, "a.so", "test.good");
    ck_assert_str_eq(row->code, "loaded");
    ck_assert_str_eq(row->kind, "serializer");
    ck_assert_str_eq(row->version, "1.0");
    ck_assert_str_eq(row->summary, "made to be refused");
    ck_assert_str_eq(row->classes, "test.Good");
    ck_assert_str_eq(row->reason, "");
    ck_assert_str_eq(row->fix, "");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static const struct {
    const char *built, *code, *reason;
} faults[] = {
    {"no_symbol", "no-symbol", "ff_serializer_describe"},
    {"foreign", "foreign-symbol", "ff_serializer_describe"},
    {"data", "no-symbol", "is data, not a function"},
    {"unaligned", "bad-size", "not on the address"},
    {"nothing", "bad-size", "gave nothing"},
    {"size_0", "bad-size", "0 bytes"},
    {"size_1", "bad-size", "1 bytes"},
    {"size_4", "bad-size", "4 bytes"},
    {"size_huge", "bad-size", "70000 bytes"},
    {"size_short", "bad-size", "begins with"},
    {"abi", "abi-major", "built for plugin ABI 7"},
    {"no_class", "bad-size", "serializer_class"},
    {"no_create", "bad-size", "create"},
    {"threads", "bad-size", "threads"},
    {"needs", "needs", "ff.nothing/9|ff.nowhere/2"},
    {"needs_version", "needs", "it needs functionfuse 99.1, and this is "},
    {"create", "create", "the device is on fire"},
    {"missing", "dlopen", "undefined symbol: missing_function"},
    {"note_name", "note-differs", "test.other"},
    {"note_version", "note-differs", "1.1"},
    {"note_class", "note-differs", "test.Other"},
};

START_TEST(row_of_a_bad_plugin_has_its_code)
{
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        one_file(faults[i].built, faults[i].code, faults[i].reason);
    }
}
END_TEST

START_TEST(row_of_a_nameless_plugin_is_bad_size)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "no_name", "test_good.so");
    host = stage_host(&stage, ENABLED);
    check_row(host, "test_good.so", "bad-size", "a name");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(need_of_somebody_elses_interface_is_no_fault)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "needs_other", "a.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_str_eq(row_of(host, "a.so", NULL)->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(row_of_a_plugin_that_is_not_enabled_is_disabled)
{
    const struct ff_loaded_serializer *s;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "plain", "test_plain.so");
    host = stage_host(&stage, "{\"plugins\": {\"enable\": [\"test.good\", \"x\"], "
                              "\"disable\": [\"test.good\"]}}");
    check_row(host, "a.so", "disabled", "not enabled");
    ck_assert_str_eq(row_of(host, "a.so", NULL)->fix, "ff plugin enable test.good");
    ck_assert_str_eq(row_of(host, "test_plain.so", NULL)->fix,
                     "ff plugin enable test_plain");
    ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error),
                     FF_E_PLUGIN);
    ck_assert_str_eq(stage.error.fix, "ff plugin enable test.good");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(rows_of_what_is_no_plugin_file)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_write(&stage, "README", "hello");
    stage_write(&stage, "a.la", "dlname='a.so'");
    stage_copy(&stage, "good", "good.so.1");
    stage_copy(&stage, "good", ".hidden.so");
    stage_write(&stage, "text.so", "int main;\n");
    stage_write(&stage, "empty.so", "");
    ck_assert_int_eq(mkdir(stage_path(&stage, "folder.so"), 0755), 0);
    ck_assert_int_eq(mkfifo(stage_path(&stage, "pipe.so"), 0644), 0);
    stage_copy(&stage, "good", "real.so");
    ck_assert_int_eq(symlink("real.so", stage_path(&stage, "link.so")), 0);
    host = stage_host(&stage, ENABLED);
    check_row(host, "README", "suffix", ".so");
    check_row(host, "a.la", "suffix", ".so");
    check_row(host, "good.so.1", "suffix", ".so");
    check_row(host, ".hidden.so", "suffix", ".so");
    check_row(host, "text.so", "not-elf", "no ELF header");
    check_row(host, "empty.so", "not-elf", "no ELF header");
    check_row(host, "folder.so", "not-regular", "a folder");
    check_row(host, "pipe.so", "not-regular", "a pipe");
    check_row(host, "link.so", "not-regular", "a symbolic link");
    ck_assert_str_eq(row_of(host, "real.so", NULL)->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(rows_of_damaged_and_foreign_elf_files)
{
    const unsigned char machine[2] = {0x08, 0x00}, type[2] = {ET_EXEC, 0}, class = 1;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "mips.so");
    patch_file(stage_path(&stage, "mips.so"), offsetof(Elf64_Ehdr, e_machine), machine,
               2);
    stage_copy(&stage, "good", "class.so");
    patch_file(stage_path(&stage, "class.so"), EI_CLASS, &class, 1);
    stage_copy(&stage, "good", "program.so");
    patch_file(stage_path(&stage, "program.so"), offsetof(Elf64_Ehdr, e_type), type, 2);
    stage_copy(&stage, "good", "short.so");
    ck_assert_int_eq(truncate(stage_path(&stage, "short.so"), 3000), 0);
    stage_copy(&stage, "good", "stub.so");
    ck_assert_int_eq(truncate(stage_path(&stage, "stub.so"), 70), 0);
    host = stage_host(&stage, ENABLED);
    check_row(host, "mips.so", "wrong-arch", "machine 8");
    check_row(host, "class.so", "wrong-arch", "class 1");
    check_row(host, "program.so", "not-elf", "type 2");
    check_row(host, "short.so", "not-elf", "the file at byte 3000");
    check_row(host, "stub.so", "not-elf", "program headers");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(row_of_a_plugin_without_its_library_names_it)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "foreign", "test_good.so");
    patch_text(stage_path(&stage, "test_good.so"), "libholder.so", "libmolder.so");
    host = stage_host(&stage, ENABLED);
    check_row(host, "test_good.so", "dlopen",
              "libmolder.so: cannot open shared object file");
    ck_assert_ptr_nonnull(
        strstr(row_of(host, "test_good.so", NULL)->fix, "libmolder.so"));
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(rows_of_what_others_can_write)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "open.so");
    ck_assert_int_eq(chmod(stage_path(&stage, "open.so"), 0646), 0);
    host = stage_host(&stage, ENABLED);
    check_row(host, "open.so", "mode", "everybody");
    ck_assert_ptr_nonnull(strstr(row_of(host, "open.so", NULL)->fix, "chmod go-w"));
    ck_assert_str_eq(row_of(host, "open.so", NULL)->name, "test.good");
    ff_host_close(host);

    ck_assert_int_eq(chmod(stage_path(&stage, "open.so"), 0644), 0);
    ck_assert_int_eq(chmod(stage.dir, 0777), 0);
    host = stage_host(&stage, ENABLED);
    check_row(host, "open.so", "mode", stage.dir);
    ff_host_close(host);

    ck_assert_int_eq(chmod(stage.dir, 01777), 0); /* as /tmp: others cannot replace it */
    host = stage_host(&stage, ENABLED);
    ck_assert_str_eq(row_of(host, "open.so", NULL)->code, "loaded");
    ff_host_close(host);

    ck_assert_int_eq(chmod(stage.home, 0777), 0);
    ck_assert_int_eq(chmod(stage.dir, 0755), 0);
    host = stage_host(&stage, ENABLED);
    check_row(host, "open.so", "mode", stage.home);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

/* A table whose files belong to somebody else. */
static int foreign_fstat(const struct ff_sys *sys, int fd, struct stat *st)
{
    int code = ff_sys_posix.fstat(sys, fd, st);

    if (!code && S_ISREG(st->st_mode)) {
        st->st_uid = 54321;
    }
    return code;
}

START_TEST(row_of_somebody_elses_file_is_owner)
{
    struct ff_sys sys = ff_sys_posix;
    struct ff_host *host;
    struct stage stage;

    sys.fstat = foreign_fstat;
    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage.options.draft_sys = &sys;
    host = stage_host(&stage, ENABLED);
    check_row(host, "a.so", "owner", "user 54321");
    ff_host_close(host);
    host = stage_host(&stage, "{\"plugins\": {\"enable\": [\"test.good\"], "
                              "\"owners\": [\"54321\"]}}");
    ck_assert_str_eq(row_of(host, "a.so", NULL)->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(rows_of_directories_that_cannot_be_read)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage.path[1] = stage_path(&stage, "missing");
    host = stage_host(&stage, "{\"plugins\": {\"path\": [\"/dev/null\"]}}");
    check_row(host, "missing", "directory", "No such file");
    check_row(host, "null", "directory", "Not a directory");
    ff_host_close(host);
    stage.path[1] = "relative/path";
    host = stage_host(&stage, "{}");
    check_row(host, "path", "directory", "absolute");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(two_of_one_name_in_one_directory_are_both_refused)
{
    const struct ff_loaded_serializer *s;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "good", "b.so");
    host = stage_host(&stage, ENABLED);
    check_row(host, "a.so", "duplicate", "b.so");
    check_row(host, "b.so", "duplicate", "a.so");
    ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error),
                     FF_E_PLUGIN);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(two_of_one_name_in_two_directories_the_first_counts)
{
    struct ff_host *host;
    struct stage stage;
    char config[256];

    stage_open(&stage);
    ck_assert_int_eq(mkdir(stage_path(&stage, "later"), 0755), 0);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "good", "later/b.so");
    (void)snprintf(config, sizeof config,
                   "{\"plugins\": {\"enable\": [\"test.good\"], \"path\": [\"%s\"]}}",
                   stage_path(&stage, "later"));
    host = stage_host(&stage, config);
    ck_assert_str_eq(row_of(host, "a.so", NULL)->code, "loaded");
    check_row(host, "b.so", "duplicate", "plugins/a.so");
    ff_host_close(host);

    /* one that others can write does not take the name */
    ck_assert_int_eq(chmod(stage_path(&stage, "a.so"), 0666), 0);
    host = stage_host(&stage, config);
    ck_assert_str_eq(row_of(host, "b.so", NULL)->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(one_file_under_two_names_is_loaded_once)
{
    struct ff_host *host;
    struct stage stage;
    int loaded = 0, duplicate = 0;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    ck_assert_int_eq(link(stage_path(&stage, "a.so"), stage_path(&stage, "b.so")), 0);
    host = stage_host(&stage, ENABLED);
    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        loaded += strcmp(ff_plugin_at(host, i)->code, "loaded") == 0;
        duplicate += strcmp(ff_plugin_at(host, i)->code, "duplicate") == 0;
    }
    ck_assert_int_eq(loaded, 1);
    ck_assert_int_eq(duplicate, 1);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(wrong_options_are_named)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "void", "void.so");
    host =
        stage_host(&stage, "{\"plugins\": {\"enable\": [\"test.good\", \"void\"], "
                           "\"options\": {\"test.good\": {\"no\": 1}, \"void\": {}}}}");
    check_row(host, "a.so", "options", "the option \"no\" is wrong");
    check_row(host, "void.so", "options", "plugins.options");
    ff_host_close(host);
    host = stage_host(&stage, "{\"plugins\": {\"enable\": [\"test.good\"], "
                              "\"options\": {\"test.good\": {\"yes\": 1}}}}");
    ck_assert_str_eq(row_of(host, "a.so", NULL)->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(file_that_changed_since_the_scan_is_checked_again)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(chmod(stage_path(&stage, "a.so"), 0666), 0);
    check_row(host, "a.so", "mode", "everybody");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(rows_are_sorted_by_file)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_write(&stage, "c.txt", "");
    stage_write(&stage, "a.txt", "");
    stage_write(&stage, "b.txt", "");
    host = stage_host(&stage, "{}");
    for (size_t i = 1; i < ff_plugin_count(host); i++) {
        ck_assert_int_lt(
            strcmp(ff_plugin_at(host, i - 1)->file, ff_plugin_at(host, i)->file), 0);
    }
    ck_assert_ptr_null(ff_plugin_at(host, ff_plugin_count(host)));
    ck_assert_uint_eq(ff_plugin_count(NULL), 0);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

/* Printed, not asserted: a timed test fails for reasons of the machine. */
START_TEST(thousand_files_are_scanned)
{
    struct timespec begin, end;
    struct ff_host *host;
    struct stage stage;
    char name[32];

    stage_open(&stage);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "p%04d.so", i);
        stage_copy(&stage, "good", name);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    host = stage_host(&stage, "{}");
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    ck_assert_uint_ge(ff_plugin_count(host), 1000);
    (void)printf("# a host with 1000 plugin files opens in %.1f ms\n",
                 (double)(end.tv_sec - begin.tv_sec) * 1e3 +
                     (double)(end.tv_nsec - begin.tv_nsec) / 1e6);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("registry", row_of_a_good_plugin_is_loaded, row_of_a_bad_plugin_has_its_code,
          row_of_a_nameless_plugin_is_bad_size,
          need_of_somebody_elses_interface_is_no_fault,
          row_of_a_plugin_that_is_not_enabled_is_disabled, rows_of_what_is_no_plugin_file,
          rows_of_damaged_and_foreign_elf_files,
          row_of_a_plugin_without_its_library_names_it, rows_of_what_others_can_write,
          row_of_somebody_elses_file_is_owner, rows_of_directories_that_cannot_be_read,
          two_of_one_name_in_one_directory_are_both_refused,
          two_of_one_name_in_two_directories_the_first_counts,
          one_file_under_two_names_is_loaded_once, wrong_options_are_named,
          file_that_changed_since_the_scan_is_checked_again, rows_are_sorted_by_file,
          thousand_files_are_scanned)
