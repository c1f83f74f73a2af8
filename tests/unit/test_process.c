/* SPDX-License-Identifier: Apache-2.0 */
/* What is one per process: first runs, and locks by name. */
#include "core/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "run.h"

static void nap(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&t, NULL);
}

static atomic_int stop_now;

static int is_stopped(const struct ff_call *call)
{
    (void)call;
    return atomic_load(&stop_now);
}

static const struct ff_call stoppable = {.struct_size = FF_SIZE(ff_call, cancelled),
                                         .cancelled = is_stopped};
static atomic_int once_calls;

static int run_me(void *ctx)
{
    nap(30);
    (void)atomic_fetch_add(&once_calls, 1);
    return *(int *)ctx;
}

static void *ask_once(void *ctx)
{
    int other = 99, *result = ctx;

    *result = ff_process_once("test.key", run_me, *result ? result : &other);
    return NULL;
}

START_TEST(first_run_is_the_only_one_and_all_get_its_result)
{
    int results[4] = {7, 7, 7, 7}, value = 3;
    pthread_t threads[4];

    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, ask_once, &results[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(results[i], 7);
    }
    ck_assert_int_eq(atomic_load(&once_calls), 1);
    ck_assert_int_eq(ff_process_once("test.other", run_me, &value), 3);
    ck_assert_int_eq(ff_process_once("test.key", run_me, &value), 7);
}
END_TEST

static void *enter_group(void *ctx)
{
    (void)ff_process_enter("libtest", &stoppable, ctx);
    return NULL;
}

START_TEST(lock_group_is_recursive_and_waiting_for_it_can_be_ended)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_error other = FF_ERROR_INIT;
    pthread_t thread;

    ck_assert_int_eq(ff_process_enter("libtest", NULL, &e), FF_OK);
    ck_assert_int_eq(ff_process_enter("libtest", NULL, &e), FF_OK);
    ff_process_leave("libtest");
    atomic_store(&stop_now, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, enter_group, &other), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(other.code, FF_E_CANCELLED);
    ff_process_leave("libtest");
    ff_process_leave("never entered");
    ck_assert_int_eq(ff_process_enter("libtest", &stoppable, &e), FF_OK);
    ff_process_leave("libtest");
}
END_TEST

RUN_TESTS("process", first_run_is_the_only_one_and_all_get_its_result,
          lock_group_is_recursive_and_waiting_for_it_can_be_ended)
