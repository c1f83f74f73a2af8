/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_store.h"
#include "run.h"

static struct store s;

/* ---- create ---- */

START_TEST(create_bad_options_are_usage)
{
    static const struct {
        const char *key, *value, *says, *fix;
    } cases[] = {
        {NULL, NULL, "missing", NULL},
        {"path", "", "empty", NULL},
        {"path", NULL, "no text", NULL},
        {"paht", "x", "paht", "path"},
        {"compression", "x", "compression", "path"},
    };

    store_open(&s, 0);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ff_error e = FF_ERROR_INIT;
        void *inst = &s;

        ck_assert_int_eq(store_create(&s, cases[i].key, cases[i].value, &inst, &e),
                         FF_E_USAGE);
        ck_assert_ptr_null(inst);
        ck_assert_msg(strstr(e.message, cases[i].says), "%s", e.message);
        ck_assert_msg(!cases[i].fix || strstr(e.fix, cases[i].fix), "%s", e.fix);
    }
    store_close(&s);
}
END_TEST

START_TEST(create_path_of_many_parts_is_made)
{
    struct ff_error e = FF_ERROR_INIT;
    char path[200];
    struct stat st;
    void *inst;

    store_open(&s, 0);
    (void)snprintf(path, sizeof path, "%s/a//b/c/", s.folder);
    (void)umask(027);
    ck_assert_int_eq(store_create(&s, "path", path, &inst, &e), FF_OK);
    s.protocol->destroy(inst);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0750);
    store_close(&s);
}
END_TEST

START_TEST(create_relative_path_is_below_the_current_folder)
{
    struct ff_error e = FF_ERROR_INIT;
    void *inst;

    store_open(&s, 0);
    ck_assert_int_eq(chdir(s.folder), 0);
    ck_assert_int_eq(store_create(&s, "path", "rel/store", &inst, &e), FF_OK);
    s.protocol->destroy(inst);
    ck_assert_int_eq(access(store_path(&s, "rel/store"), F_OK), 0);
    ck_assert_int_eq(chdir("/"), 0);
    store_close(&s);
}
END_TEST

START_TEST(create_made_folders_are_synced)
{
    struct ff_error e = FF_ERROR_INIT;
    char path[200];
    void *inst;

    store_open(&s, 0);
    (void)snprintf(path, sizeof path, "%s/a/b", s.folder);
    faults_off(&s);
    ck_assert_int_eq(store_create(&s, "path", path, &inst, &e), FF_OK);
    ck_assert_int_eq(s.faulty.counts[SYS_FSYNC], 2);
    s.protocol->destroy(inst);
    store_close(&s);
}
END_TEST

START_TEST(create_on_a_file_is_usage)
{
    struct ff_error e = FF_ERROR_INIT;
    char path[200];
    FILE *file;
    void *inst;

    store_open(&s, 0);
    (void)snprintf(path, sizeof path, "%s/plain", s.folder);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    ck_assert_int_eq(store_create(&s, "path", path, &inst, &e), FF_E_USAGE);
    e = (struct ff_error)FF_ERROR_INIT;
    (void)snprintf(path, sizeof path, "%s/plain/below", s.folder);
    ck_assert_int_eq(store_create(&s, "path", path, &inst, &e), FF_E_USAGE);
    store_close(&s);
}
END_TEST

START_TEST(identity_same_root_by_another_way_is_equal)
{
    struct ff_error e = FF_ERROR_INIT;
    char link[200], text[300];
    void *inst, *bound;
    const struct ff_locate *locate;

    store_open(&s, 0);
    (void)snprintf(link, sizeof link, "%s/../ff-link-%d", s.folder, (int)getpid());
    ck_assert_int_eq(symlink(s.folder, link), 0);
    ck_assert_int_eq(store_create(&s, "path", link, &inst, &e), FF_OK);
    ck_assert_str_eq(s.protocol->identity(inst), s.protocol->identity(s.inst));
    ck_assert_int_eq(s.protocol->bind(inst, "wf/bigdata", &bound, NULL, &e), FF_OK);
    locate = s.protocol->query(bound, FF_LOCATE_1);
    ck_assert_int_eq(locate->where(locate, "x", text, sizeof text, &e), FF_OK);
    ck_assert_str_eq(text, store_path(&s, "wf/bigdata/x"));
    s.protocol->unbind(bound);
    s.protocol->destroy(inst);
    ck_assert_int_eq(unlink(link), 0);
    store_close(&s);
}
END_TEST

/* ---- bind ---- */

START_TEST(bind_names_that_lead_out_are_usage)
{
    static const char *const names[] = {"..", "a/../b", "/etc", "a//b", "./a", ".ff-x"};

    store_open(&s, 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct ff_error e = FF_ERROR_INIT;
        void *bound;

        ck_assert_int_eq(s.protocol->bind(s.inst, names[i], &bound, NULL, &e),
                         FF_E_USAGE);
    }
    store_close(&s);
}
END_TEST

START_TEST(query_commit_is_for_the_root_only)
{
    store_open(&s, 0);
    ck_assert_ptr_nonnull(s.protocol->query(s.root_bound, FF_COMMIT_1));
    ck_assert_ptr_null(s.protocol->query(s.bigdata_bound, FF_COMMIT_1));
    ck_assert_ptr_null(s.protocol->query(s.root_bound, "ff.commit/2"));
    store_close(&s);
}
END_TEST

RUN_TESTS("file_store", create_bad_options_are_usage, create_path_of_many_parts_is_made,
          create_relative_path_is_below_the_current_folder,
          create_made_folders_are_synced, create_on_a_file_is_usage,
          identity_same_root_by_another_way_is_equal, bind_names_that_lead_out_are_usage,
          query_commit_is_for_the_root_only)
