/* SPDX-License-Identifier: Apache-2.0 */
/* The loader by itself: true reasons, own symbols only, nothing changed for others. */
#include "core/loader.h"

#include <dlfcn.h>
#include <ltdl.h>
#include <pthread.h>

#include "functionfuse/plugin.h"
#include "host_help.h"
#include "run.h"

START_TEST(good_file_gives_its_function)
{
    char why[256];
    int why_not = 0;
    struct ff_module *m = ff_loader_open(BAD_DIR "/good.so", why, sizeof why);

    ck_assert_msg(m != NULL, "%s", why);
    ck_assert_str_eq(why, "");
    ck_assert_ptr_nonnull(ff_loader_symbol(m, "ff_serializer_describe", &why_not));
    ck_assert_int_eq(why_not, FF_SYMBOL_FOUND);
    ck_assert_ptr_null(ff_loader_symbol(m, "ff_protocol_describe", &why_not));
    ck_assert_int_eq(why_not, FF_SYMBOL_NONE);
    ck_assert_ptr_eq(ff_loader_open(BAD_DIR "/good.so", why, sizeof why), m);
}
END_TEST

START_TEST(function_of_a_linked_library_is_foreign)
{
    char why[256];
    int why_not = 0;
    struct ff_module *m = ff_loader_open(BAD_DIR "/foreign.so", why, sizeof why);

    ck_assert_msg(m != NULL, "%s", why);
    ck_assert_ptr_null(ff_loader_symbol(m, "ff_serializer_describe", &why_not));
    ck_assert_int_eq(why_not, FF_SYMBOL_FOREIGN);
}
END_TEST

START_TEST(missing_symbol_is_found_at_once_and_named)
{
    char why[256];

    ck_assert_ptr_null(ff_loader_open(BAD_DIR "/missing.so", why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "undefined symbol: missing_function"));
}
END_TEST

START_TEST(text_file_and_missing_file_have_their_own_reasons)
{
    struct stage stage;
    char why[256];

    stage_open(&stage);
    stage_write(&stage, "text.so", "hello");
    ck_assert_ptr_null(ff_loader_open(stage_path(&stage, "text.so"), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "file too short"));
    ck_assert_ptr_null(ff_loader_open(stage_path(&stage, "none.so"), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "No such file"));
    stage_close(&stage);
}
END_TEST

START_TEST(path_that_is_not_full_is_refused)
{
    char why[256];

    ck_assert_ptr_null(ff_loader_open("libm.so.6", why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "not a full path"));
}
END_TEST

START_TEST(libtool_archive_beside_the_file_is_not_obeyed)
{
    struct stage stage;
    char why[256];
    int why_not;
    struct ff_module *m;

    stage_open(&stage);
    stage_copy(&stage, "good", "a.so");
    stage_copy(&stage, "no_symbol", "b.so");
    stage_write(&stage, "a.la", "dlname='b.so'\nlibrary_names='b.so'\ninstalled=no\n");
    m = ff_loader_open(stage_path(&stage, "a.so"), why, sizeof why);
    ck_assert_ptr_nonnull(ff_loader_symbol(m, "ff_serializer_describe", &why_not));
    stage_close(&stage);
}
END_TEST

START_TEST(plugins_do_not_see_each_other)
{
    char why[256];

    ck_assert_ptr_nonnull(ff_loader_open(BAD_DIR "/good.so", why, sizeof why));
    ck_assert_ptr_null(dlsym(RTLD_DEFAULT, "ff_serializer_describe"));
}
END_TEST

/* A program that has libltdl of its own keeps its loader, lazy as it is. */
START_TEST(others_use_of_libltdl_is_as_before)
{
    struct stage stage;
    lt_dlhandle handle;
    char why[256], copy[256];

    stage_open(&stage);
    ck_assert_ptr_nonnull(ff_loader_open(BAD_DIR "/good.so", why, sizeof why));
    ck_assert_int_eq(lt_dlinit(), 0);
    ck_assert_ptr_nonnull(lt_dlloader_find("lt_dlopen"));
    handle = lt_dlopen(BAD_DIR "/missing.so");
    ck_assert_ptr_nonnull(handle); /* bound lazily */
    /* and with the stock loader in use, ours still says the truth */
    ck_assert_ptr_null(ff_loader_open(BAD_DIR "/missing.so", why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "the program itself has opened"));
    ck_assert_ptr_nonnull(strcpy(copy, stage_path(&stage, "copy.so")));
    stage_copy(&stage, "missing", "copy.so");
    ck_assert_ptr_null(ff_loader_open(copy, why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "undefined symbol"));
    stage_close(&stage);
    (void)lt_dlclose(handle);
}
END_TEST

static void *open_many(void *arg)
{
    static const char *const names[] = {"good", "plain", "missing", "chain", "no_symbol"};
    char path[512], why[256];

    for (int i = 0; i < 200; i++) {
        (void)snprintf(path, sizeof path, "%s/%s.so", BAD_DIR, names[i % 5]);
        if (!ff_loader_open(path, why, sizeof why) != (i % 5 == 2)) {
            return arg;
        }
    }
    return NULL;
}

START_TEST(eight_threads_may_load_at_once)
{
    pthread_t threads[8];
    void *wrong;

    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_many, &threads), 0);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
}
END_TEST

RUN_TESTS("loader", good_file_gives_its_function, function_of_a_linked_library_is_foreign,
          missing_symbol_is_found_at_once_and_named,
          text_file_and_missing_file_have_their_own_reasons,
          path_that_is_not_full_is_refused, libtool_archive_beside_the_file_is_not_obeyed,
          plugins_do_not_see_each_other, eight_threads_may_load_at_once,
          others_use_of_libltdl_is_as_before)
