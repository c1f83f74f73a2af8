/* SPDX-License-Identifier: Apache-2.0 */
/* A host as a whole: options, services, calls, addresses of storages, installing, fork. */
#include "core/host.h"

#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/array.h"
#include "core/base/alloc.h"
#include "host_help.h"
#include "run.h"

START_TEST(codes_have_names_and_the_library_a_version)
{
    ck_assert_str_eq(ff_code_name(FF_OK), "ok");
    ck_assert_str_eq(ff_code_name(FF_DECLINED), "declined");
    ck_assert_str_eq(ff_code_name(FF_E_FORKED), "forked");
    ck_assert_str_eq(ff_code_name(-1000), "other failure");
    ck_assert_str_eq(ff_code_name(1000), "other failure");
    for (int code = FF_E_FORKED; code <= 0; code++) {
        ck_assert_ptr_nonnull(ff_code_name(code));
    }
    ck_assert_str_eq(ff_version(), "0.1.0");
}
END_TEST

START_TEST(host_without_options_opens)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    host = ff_host_open(NULL, &e);
    ck_assert_msg(host != NULL, "%s", e.message);
    ck_assert_uint_ge(ff_host_services(host)->threads, 1);
    ck_assert_uint_eq(ff_host_memory_bytes(host), UINT64_C(256) << 20);
    ck_assert_uint_eq(ff_host_services(host)->flags, 0);
    ck_assert_ptr_eq(ff_host_sys(host), &ff_sys_posix);
    ff_host_close(host);
    ff_host_close(NULL);
    stage_close(&stage);
}
END_TEST

START_TEST(error_that_is_set_stops_the_opening)
{
    struct ff_error e = FF_ERROR_INIT;

    e.code = FF_E_IO;
    ck_assert_ptr_null(ff_host_open(NULL, &e));
    ck_assert_int_eq(e.code, FF_E_IO);
}
END_TEST

START_TEST(options_win_over_the_configuration)
{
    static const char config[] =
        "{\"threads\": 3, \"memory\": \"1MiB\", \"durability\": \"none\"}";
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    host = stage_host(&stage, config);
    ck_assert_uint_eq(ff_host_services(host)->threads, 3);
    ck_assert_uint_eq(ff_host_memory_bytes(host), 1 << 20);
    ck_assert_uint_eq(ff_host_services(host)->flags, FF_HOST_NO_SYNC);
    ff_host_close(host);
    stage.options.threads = 2;
    stage.options.memory_bytes = 12345;
    host = stage_host(&stage, config);
    ck_assert_uint_eq(ff_host_services(host)->threads, 2);
    ck_assert_uint_eq(ff_host_memory_bytes(host), 12345);
    ff_host_close(host);
    stage.options.durability = FF_DURABILITY_NONE;
    host = stage_host(&stage, "{}");
    ck_assert_uint_eq(ff_host_services(host)->flags, FF_HOST_NO_SYNC);
    ff_host_close(host);
    /* an old program knows fewer options */
    stage.options.struct_size = FF_SIZE(ff_host_options, config_json);
    host = stage_host(&stage, "{}");
    ck_assert_uint_eq(ff_host_services(host)->flags, 0);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(configuration_that_others_can_write_is_refused)
{
    struct ff_error e = FF_ERROR_INIT;
    struct stage stage;

    stage_open(&stage);
    stage_write(&stage, "c.json", "{}");
    ck_assert_int_eq(chmod(stage_path(&stage, "c.json"), 0666), 0);
    stage.options.config_path = stage_path(&stage, "c.json");
    ck_assert_ptr_null(ff_host_open(&stage.options, &e));
    ck_assert_int_eq(e.code, FF_E_UNSAFE);
    ck_assert_ptr_nonnull(strstr(e.fix, "chmod go-w"));
    stage_close(&stage);
}
END_TEST

static void keep_log(void *ctx, int level, const char *text)
{
    char *all = ctx;

    (void)snprintf(all + strlen(all), 4096 - strlen(all), "%d %s\n", level, text);
}

START_TEST(unknown_name_in_enable_is_logged)
{
    static char log[4096];
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage.options.ctx = log;
    stage.options.log = keep_log;
    host = stage_host(&stage, "{\"plugins\": {\"enable\": [\"test.god\"]}}");
    ck_assert_uint_gt(ff_plugin_count(host), 0);
    ck_assert_ptr_nonnull(strstr(log, "2 plugins.enable names \"test.god\""));
    ck_assert_ptr_nonnull(strstr(log, "did you mean \"test.good\"?"));
    ff_host_services(host)->log(ff_host_services(host), FF_LOG_INFO, "100%s");
    ck_assert_ptr_nonnull(strstr(log, "3 100%s"));
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static int double_it(void *ctx, uint64_t i, struct ff_error *e)
{
    (void)e;
    ((int *)ctx)[i] *= 2;
    return FF_OK;
}

START_TEST(services_are_found_by_their_ids)
{
    static const char *const ids[] = {FF_VALUES_1, FF_POOL_1, FF_LOCK_GROUP_1, FF_ONCE_1,
                                      FF_NPY_1,    FF_OPEN_1, FF_SYS_1};
    const struct ff_host_services *s;
    const struct ff_lock_group *group;
    const struct ff_pool *pool;
    struct ff_error e = FF_ERROR_INIT;
    int numbers[100];
    struct stage stage;
    struct ff_host *host;
    void *memory;

    stage_open(&stage);
    host = stage_host(&stage, "{}");
    s = ff_host_services(host);
    ck_assert_uint_eq(s->abi, FF_ABI);
    ck_assert_uint_eq(s->struct_size, FF_SIZE(ff_host_services, query));
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        const uint32_t *table = s->query(s, ids[i]);

        ck_assert_ptr_nonnull(table);
        ck_assert_uint_ge(*table, 16);
    }
    ck_assert_ptr_null(s->query(s, "ff.pool/2"));
    ck_assert_ptr_null(s->query(s, NULL));
    pool = s->query(s, FF_POOL_1);
    for (int i = 0; i < 100; i++) {
        numbers[i] = i;
    }
    ck_assert_int_eq(pool->for_each(s, 100, double_it, numbers, NULL, &e), FF_OK);
    ck_assert_int_eq(numbers[99], 198);
    memory = pool->borrow(s, 100, NULL, &e);
    ck_assert_ptr_nonnull(memory);
    pool->give_back(s, memory);
    group = s->query(s, FF_LOCK_GROUP_1);
    ck_assert_int_eq(group->enter(s, "libx", &e), FF_OK);
    group->leave(s, "libx");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static int always(void *ctx)
{
    (void)ctx;
    return 1;
}

START_TEST(callbacks_of_the_program_cancel)
{
    const struct ff_host_services *s;
    const struct ff_pool *pool;
    struct ff_error e = FF_ERROR_INIT;
    int numbers[4] = {0};
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage.options.cancelled = always;
    host = stage_host(&stage, "{}");
    s = ff_host_services(host);
    pool = s->query(s, FF_POOL_1);
    ck_assert_int_eq(ff_cancelled(ff_host_call(host)), 1);
    ck_assert_int_eq(pool->for_each(s, 4, double_it, numbers, NULL, &e), FF_E_CANCELLED);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(hosts_live_side_by_side)
{
    const struct ff_loaded_serializer *s = NULL;
    struct ff_host *a, *b;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    a = stage_host(&stage,
                   "{\"plugins\": {\"enable\": [\"test.good\"]}, \"threads\": 2}");
    b = stage_host(&stage, "{\"threads\": 5}");
    ck_assert_int_eq(ff_registry_serializer(a, "test.good", &s, &stage.error), FF_OK);
    ck_assert_int_eq(ff_registry_serializer(b, "test.good", &s, &stage.error),
                     FF_E_PLUGIN);
    ck_assert_uint_eq(ff_host_services(a)->threads, 2);
    ck_assert_uint_eq(ff_host_services(b)->threads, 5);
    ck_assert_ptr_eq(ff_host_ref(a), a);
    ff_host_close(a);
    ff_host_close(b);
    ck_assert_int_eq(ff_host_check(a, NULL), FF_OK); /* one reference is left */
    ff_host_unref(a);
    stage_close(&stage);
}
END_TEST

static int in_child(struct ff_host *host)
{
    const struct ff_host_services *s = ff_host_services(host);
    const struct ff_pool *pool = s->query(s, FF_POOL_1);
    const struct ff_loaded_serializer *found;
    struct ff_error e = FF_ERROR_INIT;
    int numbers[4] = {0};
    int good = ff_host_check(host, &e) == FF_E_FORKED;

    e = (struct ff_error)FF_ERROR_INIT;
    good &= pool->for_each(s, 4, double_it, numbers, NULL, &e) == FF_E_FORKED;
    e = (struct ff_error)FF_ERROR_INIT;
    good &= !pool->borrow(s, 4, NULL, &e) && e.code == FF_E_FORKED;
    good &= ff_plugin_count(host) == 0;
    good &= ff_registry_serializer(host, "x", &found, NULL) == FF_E_FORKED;
    good &= ff_plugin_enable(host, "x", 1, NULL) == FF_E_FORKED;
    ff_host_close(host);
    return good ? 0 : 1;
}

START_TEST(child_of_fork_is_refused_and_the_parent_unharmed)
{
    struct ff_host *host;
    struct stage stage;
    int status = -1, numbers[4] = {1, 1, 1, 1};
    const struct ff_host_services *s;
    const struct ff_pool *pool;
    pid_t child;

    stage_open(&stage);
    host = stage_host(&stage, "{\"threads\": 3}");
    s = ff_host_services(host);
    pool = s->query(s, FF_POOL_1);
    ck_assert_int_eq(pool->for_each(s, 4, double_it, numbers, NULL, NULL), FF_OK);
    child = fork();
    if (!child) {
        _exit(in_child(host));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(pool->for_each(s, 4, double_it, numbers, NULL, NULL), FF_OK);
    ck_assert_int_eq(numbers[3], 4);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static void check_json(struct ff_host *host, const char *which, const char *expected)
{
    struct ff_error e = FF_ERROR_INIT;
    char *json = ff_host_storage_json(host, which, &e);

    ck_assert_msg(json != NULL, "%s", e.message);
    ck_assert_str_eq(json, expected);
    ff_free(json);
}

START_TEST(storage_is_a_name_a_folder_json_or_a_file)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host;
    struct stage stage;
    char at[128];

    stage_open(&stage);
    ck_assert_int_eq(chdir(stage.home), 0);
    host = stage_host(&stage, "{\"storages\": {\"lab\": {\"kind\": \"S3\"}, "
                              "\"desk\": {\"kind\": \"file\"}}}");
    check_json(host, "lab", "{\"kind\":\"S3\"}");
    check_json(host, "./lab", "{\"kind\": \"file\", \"options\": {\"path\": \"./lab\"}}");
    check_json(host, "a \"b\"",
               "{\"kind\": \"file\", \"options\": {\"path\": \"a \\\"b\\\"\"}}");
    check_json(host, "{\"kind\": 1}", "{\"kind\": 1}");
    stage_write(&stage, "s.json", "{\"kind\": 2}");
    (void)snprintf(at, sizeof at, "@%s", stage_path(&stage, "s.json"));
    check_json(host, at, "{\"kind\": 2}");
    ck_assert_ptr_null(ff_host_storage_json(host, "@/none", &e));
    ck_assert_int_eq(e.code, FF_E_NOT_FOUND);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_host_storage_json(host, "dexk", &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(e.fix, "did you mean \"desk\"?"));
    ck_assert_int_eq(mkdir("dexk", 0755), 0);
    check_json(host, "dexk", "{\"kind\": \"file\", \"options\": {\"path\": \"dexk\"}}");
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_host_storage_json(host, NULL, &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "lab, desk"));
    ck_assert_int_eq(setenv("FF_STORAGE", "lab", 1), 0);
    check_json(host, NULL, "{\"kind\":\"S3\"}");
    ff_host_close(host);
    ck_assert_int_eq(unsetenv("FF_STORAGE"), 0);
    host = stage_host(&stage, "{\"default\": \"./here\"}");
    check_json(host, NULL, "{\"kind\": \"file\", \"options\": {\"path\": \"./here\"}}");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("host", codes_have_names_and_the_library_a_version, host_without_options_opens,
          error_that_is_set_stops_the_opening, options_win_over_the_configuration,
          configuration_that_others_can_write_is_refused,
          unknown_name_in_enable_is_logged, services_are_found_by_their_ids,
          callbacks_of_the_program_cancel, hosts_live_side_by_side,
          child_of_fork_is_refused_and_the_parent_unharmed,
          storage_is_a_name_a_folder_json_or_a_file)
