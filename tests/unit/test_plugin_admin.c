/* SPDX-License-Identifier: Apache-2.0 */
/* Installing plugins, enabling them, showing the configuration. */
#include "core/host.h"

#include <sys/stat.h>
#include <unistd.h>

#include "host_help.h"
#include "run.h"

static char *slurp(const char *path)
{
    char *text = calloc(1, 4096);
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(f);
    (void)!fread(text, 1, 4095, f);
    (void)fclose(f);
    return text;
}

START_TEST(installed_and_enabled_plugin_is_loaded)
{
    char installed[256] = "", config[256], file[512];
    struct ff_host *host;
    struct stage stage;
    struct stat st;
    char *text;

    stage_open(&stage);
    stage.options.plugin_path = NULL;
    host = stage_host(&stage, NULL);
    (void)snprintf(config, sizeof config, "%s/.config/functionfuse/config.json",
                   stage.home);
    ck_assert_str_eq(ff_config_path(host), config);
    (void)snprintf(file, sizeof file, "%s/good.so", BAD_DIR);
    ck_assert_int_eq(
        ff_plugin_install(host, file, installed, sizeof installed, &stage.error), FF_OK);
    ck_assert_ptr_nonnull(strstr(installed, "/.local/lib/functionfuse/plugins/good.so"));
    ck_assert_int_eq(stat(installed, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0644);
    ck_assert_int_eq(
        ff_plugin_install(host, file, installed, sizeof installed, &stage.error), FF_OK);
    ff_host_close(host);

    host = stage_host(&stage, NULL);
    ck_assert_str_eq(row_of(host, "good.so", NULL)->code, "disabled");
    ck_assert_int_eq(ff_plugin_enable(host, "test.good", 1, &stage.error), FF_OK);
    ff_host_close(host);
    ck_assert_int_eq(stat(config, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);

    host = stage_host(&stage, NULL);
    ck_assert_str_eq(row_of(host, "good.so", NULL)->code, "loaded");
    ck_assert_int_eq(chmod(config, 0640), 0);
    ck_assert_int_eq(ff_plugin_enable(host, "test.good", 0, &stage.error), FF_OK);
    ff_host_close(host);
    ck_assert_int_eq(stat(config, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
    text = slurp(config);
    ck_assert_ptr_nonnull(strstr(text, "\"disable\": [\n      \"test.good\"\n    ]"));
    free(text);
    host = stage_host(&stage, NULL);
    ck_assert_str_eq(row_of(host, "good.so", NULL)->code, "disabled");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(what_is_no_plugin_is_not_installed)
{
    char file[512];
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    host = stage_host(&stage, NULL);
    stage_write(&stage, "text.so", "hello");
    ck_assert_int_eq(
        ff_plugin_install(host, stage_path(&stage, "text.so"), NULL, 0, &stage.error),
        FF_E_PLUGIN);
    stage.error = (struct ff_error)FF_ERROR_INIT;
    (void)snprintf(file, sizeof file, "%s/no_symbol.so", BAD_DIR);
    ck_assert_int_eq(ff_plugin_install(host, file, NULL, 0, &stage.error), FF_E_PLUGIN);
    ck_assert_ptr_nonnull(strstr(stage.error.message, "no-symbol"));
    stage.error = (struct ff_error)FF_ERROR_INIT;
    stage_write(&stage, "text.txt", "hello");
    ck_assert_int_eq(
        ff_plugin_install(host, stage_path(&stage, "text.txt"), NULL, 0, &stage.error),
        FF_E_USAGE);
    stage.error = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_plugin_install(host, "/none/x.so", NULL, 0, &stage.error),
                     FF_E_NOT_FOUND);
    ck_assert_int_eq(ff_plugin_install(host, NULL, NULL, 0, NULL), FF_E_USAGE);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(enabling_what_is_not_there_names_the_nearest)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    host = stage_host(&stage, NULL);
    ck_assert_int_eq(ff_plugin_enable(host, "test.godo", 1, &stage.error), FF_E_PLUGIN);
    ck_assert_str_eq(stage.error.fix, "did you mean \"test.good\"?");
    stage.error = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_plugin_enable(host, "", 1, &stage.error), FF_E_USAGE);
    ff_host_close(host);
    host = stage_host(&stage, "{}");
    ck_assert_int_eq(ff_plugin_enable(host, "test.good", 1, &stage.error), FF_E_USAGE);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(configuration_that_is_a_link_is_not_replaced)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_write(&stage, "real.json", "{}");
    ck_assert_int_eq(symlink("real.json", stage_path(&stage, "link.json")), 0);
    stage.options.config_path = stage_path(&stage, "link.json");
    host = stage_host(&stage, NULL);
    ck_assert_int_eq(ff_plugin_enable(host, "test.good", 1, &stage.error),
                     FF_E_UNSUPPORTED);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static int no_rename(const struct ff_sys *sys, int old_fd, const char *old, int new_fd,
                     const char *new, unsigned flags)
{
    (void)sys;
    (void)old_fd;
    (void)old;
    (void)new_fd;
    (void)new;
    (void)flags;
    return -28; /* ENOSPC */
}

START_TEST(edit_that_fails_leaves_the_old_file_and_no_other)
{
    struct ff_sys sys = ff_sys_posix;
    struct ff_host *host;
    struct stage stage;
    char *text;

    sys.renameat2 = no_rename;
    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_write(&stage, "c.json", "{\"threads\": 2}");
    stage.options.config_path = stage_path(&stage, "c.json");
    stage.options.draft_sys = &sys;
    host = stage_host(&stage, NULL);
    ck_assert_int_eq(ff_plugin_enable(host, "test.good", 1, &stage.error), FF_E_NO_SPACE);
    ck_assert_int_eq(stage.error.os_errno, 28);
    text = slurp(stage_path(&stage, "c.json"));
    ck_assert_str_eq(text, "{\"threads\": 2}");
    free(text);
    ck_assert_int_eq(rmdir(stage.dir), -1);
    ck_assert_int_eq(unlink(stage_path(&stage, "c.json")), 0);
    ck_assert_int_eq(unlink(stage_path(&stage, "a.so")), 0);
    ck_assert_int_eq(rmdir(stage.dir), 0); /* nothing else is in it */
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(configuration_is_shown_without_secrets)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_value storages, s3fs;
    struct ff_host *host;
    struct stage stage;
    struct ff_doc *doc;
    const char *text;
    size_t size;

    stage_open(&stage);
    host =
        stage_host(&stage, "{\"storages\": {\"lab\": {\"s3fs\": {\"secret\": \"SK\"}}},"
                           " \"default\": \"lab\", \"threads\": 2}");
    doc = ff_config_show(host, &e);
    ck_assert_msg(doc != NULL, "%s", e.message);
    storages = ff_get(ff_doc_root(doc), "storages");
    s3fs = ff_get(ff_get(storages, "lab"), "s3fs");
    ck_assert_int_eq(ff_str(ff_get(s3fs, "secret"), &text, &size, &e), FF_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert_int_eq(memcmp(text, "***", 3), 0);
    ck_assert_int_eq(ff_str(ff_get(ff_doc_root(doc), "origin"), &text, &size, &e), FF_OK);
    ck_assert_int_eq(memcmp(text, "options", 7), 0);
    ck_assert_uint_ge(ff_length(ff_get(ff_get(ff_doc_root(doc), "plugins"), "path")), 1);
    ff_doc_free(doc);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("plugin_admin", installed_and_enabled_plugin_is_loaded,
          what_is_no_plugin_is_not_installed,
          enabling_what_is_not_there_names_the_nearest,
          configuration_that_is_a_link_is_not_replaced,
          edit_that_fails_leaves_the_old_file_and_no_other,
          configuration_is_shown_without_secrets)
