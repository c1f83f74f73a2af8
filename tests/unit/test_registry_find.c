/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves a class, a name, a kind; and what is said when nobody does. */
#include <string.h>

#include "core/host.h"

#include "core/registry_own.h"
#include "host_help.h"
#include "run.h"

#define ENABLED                                                                          \
    "{\"plugins\": {\"enable\": [\"test.good\", \"test.plain\", \"test.first\", "        \
    "\"void\"]}}"

START_TEST(file_without_a_note_is_found_by_its_stem)
{
    const struct ff_loaded_serializer *s = NULL;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "plain", "test-plain.so");
    stage_copy(&stage, "chain", "test_first.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(ff_registry_serializer(host, "test.plain", &s, &stage.error), FF_OK);
    ck_assert_int_eq(ff_registry_serializer(host, "test.first", &s, &stage.error), FF_OK);
    ck_assert_int_eq(ff_registry_serializer(host, "test.second", &s, &stage.error),
                     FF_E_PLUGIN);
    ck_assert_str_eq(row_of(host, "test_first.so", "test.second")->code, "disabled");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(classes_find_the_last_enabled_first)
{
    const struct ff_loaded_serializer *found[4];
    const char *names[] = {"test.plain", "test.good"};
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "plain", "test_plain.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Good", NULL, 0, found, 4, &stage.error), 2);
    ck_assert_str_eq(found[0]->desc->name, "test.plain");
    ck_assert_str_eq(found[1]->desc->name, "test.good");
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Good", names, 2, found, 4, &stage.error), 2);
    ck_assert_str_eq(found[0]->desc->name, "test.good");
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Good", names, 1, found, 4, &stage.error), 1);
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Goo", NULL, 0, found, 4, &stage.error), 0);
    ck_assert_int_eq(ff_registry_wants_builtins(host), 0);
    names[0] = "nobody";
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Good", names, 2, found, 4, &stage.error),
        FF_E_PLUGIN);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(class_whose_only_serializer_is_refused_fails)
{
    const struct ff_loaded_serializer *found[4];
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "create", "a.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Good", NULL, 0, found, 4, &stage.error),
        FF_E_PLUGIN);
    ck_assert_ptr_nonnull(strstr(stage.error.message, "on fire"));
    ff_host_close(host);

    host = stage_host(&stage, "{}");
    ck_assert_int_eq(
        ff_registry_for_class(host, "test.Good", NULL, 0, found, 4, &stage.error), 0);
    ff_registry_hint(host, "test.Good", &stage.error);
    ck_assert_ptr_nonnull(strstr(stage.error.fix, "ff plugin enable test.good"));
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(serializer_of_a_builtin_is_known_without_loading)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "builtin", "a.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(ff_registry_wants_builtins(host), 1);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(unknown_kind_lists_kinds_and_the_nearest)
{
    const struct ff_loaded_protocol *p = NULL;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "void", "void.so");
    host = stage_host(&stage, ENABLED);
    ck_assert_int_eq(ff_registry_protocol(host, "void", &p, &stage.error), FF_OK);
    ck_assert_str_eq(p->desc->key, "void protocol");
    ck_assert_int_eq(ff_registry_protocol(host, "viod", &p, &stage.error), FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(stage.error.message, "there are: void"));
    ck_assert_str_eq(stage.error.fix, "did you mean \"void\"?");
    ff_host_close(host);
    host = stage_host(&stage, "{}");
    ck_assert_int_eq(ff_registry_protocol(host, "void", &p, &stage.error), FF_E_PLUGIN);
    ck_assert_str_eq(stage.error.fix, "ff plugin enable void");
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(required_plugin_that_is_refused_stops_the_host)
{
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "create", "a.so");
    stage.options.config_json = "{\"plugins\": {\"enable\": [\"test.good\"], "
                                "\"require\": [\"test.good\"]}}";
    ck_assert_ptr_null(ff_host_open(&stage.options, &stage.error));
    ck_assert_int_eq(stage.error.code, FF_E_PLUGIN);
    ck_assert_str_eq(stage.error.place, "required plugin test.good");
    stage.error = (struct ff_error)FF_ERROR_INIT;
    stage.options.config_json = "{\"plugins\": {\"require\": [\"test.gold\"]}}";
    ck_assert_ptr_null(ff_host_open(&stage.options, &stage.error));
    ck_assert_int_eq(stage.error.code, FF_E_PLUGIN);
    ck_assert_ptr_nonnull(strstr(stage.error.fix, "test.good"));
    stage_close(&stage);
}
END_TEST

/* A descriptor is read up to its size, and as far as this version knows it. */
START_TEST(row_of_a_plugin_of_another_version_is_loaded)
{
    static const char *const built[] = {"older", "later"};

    for (size_t i = 0; i < COUNT_OF(built); i++) {
        const struct ff_loaded_serializer *s = NULL;
        struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra)};
        struct ff_host *host;
        struct stage stage;

        stage_open(&stage);
        stage_copy(&stage, built[i], "a.so");
        host = stage_host(&stage, "{\"plugins\": {\"enable\": [\"test.good\"]}}");
        ck_assert_int_eq(ff_registry_serializer(host, "test.good", &s, &stage.error),
                         FF_OK);
        ck_assert_str_eq(row_of(host, "a.so", "test.good")->code, "loaded");
        ck_assert_int_eq(ff_call_remove(s, &pid, NULL, NULL, &stage.error), FF_DECLINED);
        ck_assert_ptr_null(ff_call_query(s, FF_VERIFY_1));
        ff_host_close(host);
        stage_close(&stage);
    }
}
END_TEST

/* This version, with something added to its first `parts` numbers, between two texts. */
static const struct {
    const char *before;
    unsigned parts, add[3];
    const char *behind;
    int met;
} versions[] = {
    {"functionfuse/", 3, {0, 0, 0}, "", 1},
    {"functionfuse/", 2, {0, 0, 0}, "", 1},
    {"functionfuse/", 1, {0, 0, 0}, "", 1},
    {"functionfuse/", 3, {0, 0, 1}, "", 0},
    {"functionfuse/", 3, {0, 1, 0}, "", 0},
    {"functionfuse/", 2, {0, 10, 0}, "", 0},
    {"functionfuse/", 1, {1, 0, 0}, "", 0},
    {"functionfuse/", 1, {1, 0, 0}, "|ff.values/1", 1},
    {"ff.none/1|functionfuse/", 1, {0, 0, 0}, "", 1},
    {"functionfuse/", 3, {0, 0, 0}, ".1", 0},
    {"functionfuse/", 1, {0, 0, 0}, ".", 0},
    {"functionfuse/000000", 1, {0, 0, 0}, "", 0},
    {"functionfuse/", 0, {0, 0, 0}, "", 0},
    {"functionfuse/", 0, {0, 0, 0}, "new", 0},
};

static void print_need(char *out, size_t size, size_t row)
{
    unsigned have[3] = {0};
    size_t used = (size_t)snprintf(out, size, "%s", versions[row].before);

    ck_assert_int_eq(sscanf(ff_version(), "%u.%u.%u", &have[0], &have[1], &have[2]), 3);
    for (unsigned i = 0; i < versions[row].parts; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%u", i ? "." : "",
                                 have[i] + versions[row].add[i]);
    }
    (void)snprintf(out + used, size - used, "%s", versions[row].behind);
}

START_TEST(version_that_is_needed_is_compared_by_its_numbers)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    host = stage_host(&stage, "{}");
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct ff_verdict v = {.code = NULL};
        char need[100];
        const char *needs[] = {need, NULL};

        print_need(need, sizeof need, i);
        ff_needs_check(host, needs, &v);
        ck_assert_msg((v.code == NULL) == versions[i].met, "%s: %s", need, v.reason);
    }
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static int no_create(const struct ff_host_services *host, struct ff_value options,
                     void **inst, struct ff_error *e)
{
    (void)host;
    (void)options;
    (void)inst;
    return ff_fail(e, FF_E_OTHER, NULL, "not called");
}

static int no_pickle(void *inst, struct ff_value object, const struct ff_protocols *p,
                     struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    (void)inst;
    (void)object;
    (void)p;
    (void)pid;
    (void)call;
    return ff_fail(e, FF_E_OTHER, NULL, "not called");
}

static int no_unpickle(void *inst, const struct ff_pid *pid, const struct ff_protocols *p,
                       struct ff_doc *out, struct ff_value *object,
                       const struct ff_call *call, struct ff_error *e)
{
    (void)inst;
    (void)pid;
    (void)p;
    (void)out;
    (void)object;
    (void)call;
    return ff_fail(e, FF_E_OTHER, NULL, "not called");
}

static struct ff_serializer nothing_much(void)
{
    static const char *const classes[] = {"m.C", NULL};
    return (struct ff_serializer){.struct_size = FF_SIZE(ff_serializer, options_schema),
                                  .abi = FF_ABI,
                                  .serializer_class = classes,
                                  .name = "nothing",
                                  .version = "1",
                                  .create = no_create,
                                  .pickle = no_pickle,
                                  .unpickle = no_unpickle};
}

/* What a descriptor tells is shown in lines: what is no text of one is refused, and is a row. */
START_TEST(descriptor_that_cannot_be_told_is_refused)
{
    static char endless[70001];
    static const struct {
        const char *lock_group, *needs, *code;
    } cases[] = {
        {"libx", "ff.objects/1", NULL},       {endless, NULL, "bad-size"},
        {"a\nthreads one", NULL, "bad-size"}, {"\xff", NULL, "bad-size"},
        {NULL, endless, "bad-size"},          {NULL, "ff.files/1\noffers x", "bad-size"},
    };
    memset(endless, 'x', sizeof endless - 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *needs[] = {cases[i].needs, NULL};
        struct ff_serializer s = nothing_much();
        struct ff_verdict v = {0};
        s.lock_group = cases[i].lock_group;
        s.needs = needs;
        ff_serializer_check(&s, &v);
        ck_assert_msg(cases[i].code ? v.code && strcmp(v.code, cases[i].code) == 0
                                    : !v.code,
                      "%zu: %s", i, v.code ? v.code : "taken");
    }
}
END_TEST

RUN_TESTS("registry_find", file_without_a_note_is_found_by_its_stem,
          classes_find_the_last_enabled_first,
          class_whose_only_serializer_is_refused_fails,
          serializer_of_a_builtin_is_known_without_loading,
          unknown_kind_lists_kinds_and_the_nearest,
          required_plugin_that_is_refused_stops_the_host,
          row_of_a_plugin_of_another_version_is_loaded,
          version_that_is_needed_is_compared_by_its_numbers,
          descriptor_that_cannot_be_told_is_refused)
