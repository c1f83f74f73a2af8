/* SPDX-License-Identifier: Apache-2.0 */
/* A program that has its plugins in it: they take the way of those from a folder. */
#include "core/host.h"

#include <limits.h>
#include <stdlib.h>

#include "host_help.h"
#include "run.h"

/* What the files of the plugins export, under names of this program's. */
const struct ff_protocol *file_describe(void);
const struct ff_serializer *npy_describe(void);
const struct ff_serializer *good_describe(void);
const struct ff_serializer *second_describe(void);
const struct ff_serializer *needs_describe(void);
const struct ff_serializer *create_describe(void);
const struct ff_serializer *abi_describe(void);

typedef const struct ff_serializer *describe(void);

static void add(struct ff_host *host, describe *serializer)
{
    struct ff_error e = FF_ERROR_INIT;

    ck_assert_msg(!ff_register_static(host, serializer, NULL, &e), "%s", e.message);
}

/* The row of a name, of this program. */
static const struct ff_plugin_row *row(const struct ff_host *host, const char *name)
{
    const struct ff_plugin_row *r;
    char program[PATH_MAX];

    ck_assert_ptr_nonnull(realpath("/proc/self/exe", program));
    for (size_t i = 0; (r = ff_plugin_at(host, i)); i++) {
        if (strcmp(r->name, name) == 0 && strcmp(r->file, program) == 0) {
            return r;
        }
    }
    ck_abort_msg("no row for %s", name);
    return NULL;
}

static void check_row(const struct ff_host *host, const char *name, const char *code,
                      const char *reason)
{
    const struct ff_plugin_row *r = row(host, name);

    ck_assert_str_eq(r->code, code);
    ck_assert_msg(strstr(r->reason, reason), "%s: %s", name, r->reason);
    ck_assert_msg(!r->fix[0] == !strcmp(code, "loaded"), "%s: \"%s\"", name, r->fix);
}

/* Both kinds of array, in a list: chunked ones go to the HDF5 serializer, others to npy. */
static struct ff_doc *arrays(const float *elements)
{
    static const int64_t shape[2] = {4, 3}, chunk[2] = {2, 3};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value list = ff_new_list(d, &e);
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .data = elements};

    for (int i = 0; i < 2; i++) {
        p.chunk = i ? chunk : NULL;
        (void)ff_append(d, list, ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
    }
    (void)ff_doc_set_root(d, list, &e);
    ck_assert_msg(!e.code, "%s", e.message);
    return d;
}

static void expect_arrays(const struct ff_doc *d, const float *elements)
{
    struct ff_error e = FF_ERROR_INIT;

    for (size_t i = 0; i < 2; i++) {
        struct ff_value v = {NULL, 0};
        float read[12] = {0};

        (void)ff_item(ff_doc_root(d), i, NULL, &v, &e);
        (void)ff_array_read(ff_array(v, &e), NULL, read, NULL, NULL, &e);
        ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
        ck_assert_mem_eq(read, elements, sizeof read);
    }
}

/* No folder has a plugin here. */
START_TEST(program_with_plugins_in_it_saves_and_reads)
{
    static const float elements[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct ff_storage *s;
    struct ff_doc *d = arrays(elements), *back;
    struct ff_host *host;
    struct stage stage;
    char json[256];

    stage_open(&stage);
    stage.path[0] = NULL;
    host = stage_host(&stage, "{}");
    ck_assert_int_eq(ff_register_static(host, NULL, file_describe, &stage.error), FF_OK);
    add(host, npy_describe);
    add(host, ff_serializer_describe);
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s/store\"}}",
                   stage.home);
    s = ff_storage_factory(host, json, &stage.error);
    (void)ff_new_workflow(s, "run", &stage.error);
    (void)ff_save(s, "run", "task", ff_doc_root(d), NULL, &stage.error);
    back = ff_read_task(s, "run", "task", NULL, &stage.error);
    ck_assert_msg(back != NULL, "%s: %s", stage.error.place, stage.error.message);
    expect_arrays(back, elements);
    ck_assert_uint_eq(ff_plugin_count(host), 3);
    check_row(host, "file", "loaded", "");
    check_row(host, "npy", "loaded", "");
    check_row(host, "HDFSerializer", "loaded", "");
    ff_doc_free(back);
    ff_doc_free(d);
    ff_storage_close(s);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(plugins_in_the_program_are_refused_as_others_are)
{
    const struct ff_loaded_serializer *loaded;
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    host = stage_host(&stage, "{\"plugins\": {\"disable\": [\"test.second\"], "
                              "\"options\": {\"test.good\": {\"no\": 1}}, "
                              "\"pins\": {\"npy\": \"0000000000000000000000000000000000"
                              "000000000000000000000000000000\"}}}");
    add(host, good_describe);
    add(host, second_describe);
    add(host, needs_describe);
    add(host, create_describe);
    add(host, npy_describe);
    ck_assert_int_eq(ff_register_static(host, abi_describe, NULL, &stage.error),
                     FF_E_PLUGIN);
    ck_assert_ptr_nonnull(strstr(stage.error.message, "abi-major"));
    ck_assert_ptr_nonnull(strstr(stage.error.fix, "install a newer functionfuse"));
    check_row(host, "test.good", "options", "the option \"no\" is wrong");
    check_row(host, "test.second", "disabled", "not enabled");
    check_row(host, "test.needs", "needs", "ff.nothing/9|ff.nowhere/2");
    check_row(host, "test.create", "create", "the device is on fire");
    check_row(host, "npy", "pin", "a part of the program");
    check_row(host, "", "abi-major", "built for plugin ABI 7");
    stage.error = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_registry_serializer(host, "test.needs", &loaded, &stage.error),
                     FF_E_PLUGIN);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static void check_first(const char *config, const char *first)
{
    struct ff_plugin_choice choice[2];
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    host = stage_host(&stage, config);
    add(host, good_describe);
    add(host, second_describe);
    ck_assert_uint_eq(ff_plugin_choices(host, "test.Good", choice, 2), 2);
    ck_assert_str_eq(choice[0].row->name, first);
    ck_assert_str_eq(choice[1].row->code, "loaded");
    ff_host_close(host);
    stage_close(&stage);
}

START_TEST(last_one_registered_is_asked_first_unless_the_configuration_names_one)
{
    check_first("{}", "test.second");
    check_first("{\"plugins\": {\"enable\": [\"test.good\"]}}", "test.good");
    check_first("{\"plugins\": {\"enable\": [\"test.good\", \"test.second\"]}}",
                "test.second");
}
END_TEST

/* A file of the same name: it loses; unless it is in use already. */
static void check_names(const char *config, const char *file_code, const char *own_code)
{
    struct ff_host *host;
    struct stage stage;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    host = stage_host(&stage, config);
    add(host, good_describe);
    ck_assert_str_eq(row_of(host, "a.so", "test.good")->code, file_code);
    check_row(host, "test.good", own_code, own_code[0] == 'd' ? "found earlier" : "");
    ff_host_close(host);
    stage_close(&stage);
}

START_TEST(name_is_taken_from_a_file_that_is_not_in_use)
{
    check_names("{\"plugins\": {\"enable\": [\"test.good\"]}}", "duplicate", "loaded");
    check_names("{\"plugins\": {\"enable\": [\"test.good\"], "
                "\"require\": [\"test.good\"]}}",
                "loaded", "duplicate");
    check_names("{}", "disabled", "loaded");
}
END_TEST

START_TEST(registering_has_its_time_and_its_form)
{
    struct ff_host *host, *other;
    struct stage stage;

    stage_open(&stage);
    host = stage_host(&stage, "{}");
    other = stage_host(&stage, "{}");
    ck_assert_int_eq(ff_register_static(host, NULL, NULL, NULL), FF_E_USAGE);
    ck_assert_int_eq(ff_register_static(host, good_describe, file_describe, NULL),
                     FF_E_USAGE);
    ck_assert_int_eq(ff_register_static(NULL, good_describe, NULL, NULL), FF_E_USAGE);
    add(host, good_describe);
    ck_assert_uint_eq(ff_plugin_count(host), 1);
    ck_assert_uint_eq(ff_plugin_count(other), 0); /* what one host has is its own */
    ck_assert_int_eq(ff_register_static(host, second_describe, NULL, &stage.error),
                     FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(stage.error.message, "counted"));
    ck_assert_int_eq(ff_register_static(other, NULL, NULL, &stage.error), FF_E_USAGE);
    ff_host_close(host);
    ff_host_close(other);
    stage_close(&stage);
}
END_TEST

RUN_TESTS("static", program_with_plugins_in_it_saves_and_reads,
          plugins_in_the_program_are_refused_as_others_are,
          last_one_registered_is_asked_first_unless_the_configuration_names_one,
          name_is_taken_from_a_file_that_is_not_in_use,
          registering_has_its_time_and_its_form)
