/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: work is done once, failures stop it, nesting ends. */
#include "core/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "core/wait.h"
#include "run.h"

enum { MIB = 1 << 20 };

static struct ff_pool_own *new_pool(uint32_t threads, uint64_t budget_bytes)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pool_own *p = ff_pool_new(threads, budget_bytes, &e);

    ck_assert_ptr_nonnull(p);
    return p;
}

static void nap(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};

    (void)nanosleep(&t, NULL);
}

struct tally {
    struct ff_pool_own *pool;
    atomic_int done[1000];
    atomic_int all, inside, most_inside;
    int fail_at, code;
    int message;
};

static int count_one(void *ctx, uint64_t i, struct ff_error *e)
{
    struct tally *t = ctx;

    (void)atomic_fetch_add(&t->done[i], 1);
    (void)atomic_fetch_add(&t->all, 1);
    if (t->code && (int)i == t->fail_at) {
        return t->message ? ff_fail(e, t->code, "item", "it is broken") : t->code;
    }
    return FF_OK;
}

START_TEST(each_item_is_done_once)
{
    static const uint32_t threads[] = {1, 2, 4, 16};

    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        struct ff_pool_own *p = new_pool(threads[i], MIB);
        struct ff_error e = FF_ERROR_INIT;
        struct tally t = {.all = 0};

        for (int round = 1; round <= 20; round++) {
            ck_assert_int_eq(ff_pool_for_each(p, 1000, count_one, &t, NULL, &e), FF_OK);
            for (int k = 0; k < 1000; k++) {
                ck_assert_int_eq(atomic_load(&t.done[k]), round);
            }
        }
        ff_pool_free(p);
    }
}
END_TEST

START_TEST(threads_start_when_they_are_needed)
{
    struct ff_pool_own *p = new_pool(4, MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pool_state state;
    struct tally t = {.all = 0};

    ck_assert_int_eq(ff_pool_for_each(p, 0, count_one, &t, NULL, &e), FF_OK);
    ck_assert_int_eq(ff_pool_for_each(p, 1, count_one, &t, NULL, &e), FF_OK);
    ff_pool_look(p, &state);
    ck_assert_uint_eq(state.started, 0);
    ck_assert_int_eq(ff_pool_for_each(p, 2, count_one, &t, NULL, &e), FF_OK);
    ff_pool_look(p, &state);
    ck_assert_uint_eq(state.started, 1);
    ck_assert_int_eq(ff_pool_for_each(p, 100, count_one, &t, NULL, &e), FF_OK);
    ff_pool_look(p, &state);
    ck_assert_uint_eq(state.started, 3);
    ff_pool_free(p);
}
END_TEST

static int nap_inside(void *ctx, uint64_t i, struct ff_error *e)
{
    struct tally *t = ctx;
    int inside = atomic_fetch_add(&t->inside, 1) + 1;
    int most = atomic_load(&t->most_inside);

    (void)i;
    (void)e;
    while (inside > most &&
           !atomic_compare_exchange_weak(&t->most_inside, &most, inside)) {
    }
    nap(20);
    (void)atomic_fetch_sub(&t->inside, 1);
    return FF_OK;
}

START_TEST(as_many_work_at_once_as_the_pool_has)
{
    struct ff_pool_own *p = new_pool(3, MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {.all = 0};

    ck_assert_int_eq(ff_pool_for_each(p, 30, nap_inside, &t, NULL, &e), FF_OK);
    ck_assert_int_eq(atomic_load(&t.most_inside), 3);
    ff_pool_free(p);
}
END_TEST

static int whole_inner(void *ctx, uint64_t i, struct ff_error *e)
{
    struct tally *t = ctx;

    (void)i;
    return ff_pool_for_each(t->pool, 100, count_one, t, NULL, e);
}

static int nested_twice(void *ctx, uint64_t i, struct ff_error *e)
{
    struct tally *t = ctx;

    (void)i;
    return ff_pool_for_each(t->pool, 5, whole_inner, t, NULL, e);
}

START_TEST(items_may_have_items_of_their_own)
{
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {.pool = new_pool(4, MIB)};

    ck_assert_int_eq(ff_pool_for_each(t.pool, 10, nested_twice, &t, NULL, &e), FF_OK);
    ck_assert_int_eq(atomic_load(&t.all), 5000);
    ff_pool_free(t.pool);
}
END_TEST

static void *run_fifty(void *ctx)
{
    struct tally *t = ctx;
    struct ff_error e = FF_ERROR_INIT;

    for (int i = 0; i < 50; i++) {
        if (ff_pool_for_each(t->pool, 100, count_one, t, NULL, &e)) {
            break;
        }
    }
    return NULL;
}

START_TEST(many_callers_share_the_threads)
{
    struct tally t = {.pool = new_pool(3, MIB)};
    pthread_t callers[6];

    for (size_t i = 0; i < COUNT_OF(callers); i++) {
        ck_assert_int_eq(pthread_create(&callers[i], NULL, run_fifty, &t), 0);
    }
    for (size_t i = 0; i < COUNT_OF(callers); i++) {
        ck_assert_int_eq(pthread_join(callers[i], NULL), 0);
    }
    ck_assert_int_eq(atomic_load(&t.all), 6 * 50 * 100);
    ff_pool_free(t.pool);
}
END_TEST

START_TEST(failure_stops_the_rest_and_is_returned)
{
    struct ff_pool_own *p = new_pool(2, MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {.fail_at = 5, .code = FF_E_IO, .message = 1};

    ck_assert_int_eq(ff_pool_for_each(p, 1000, count_one, &t, NULL, &e), FF_E_IO);
    ck_assert_int_eq(e.code, FF_E_IO);
    ck_assert_str_eq(e.message, "it is broken");
    ck_assert_str_eq(e.place, "item");
    ck_assert_int_lt(atomic_load(&t.all), 1000);
    t.message = 0;
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_pool_for_each(p, 10, count_one, &t, NULL, &e), FF_E_IO);
    ck_assert_ptr_nonnull(strstr(e.message, "without saying why"));
    ck_assert_int_eq(ff_pool_for_each(p, 10, count_one, &t, NULL, NULL), FF_E_IO);
    ff_pool_free(p);
}
END_TEST

START_TEST(what_was_begun_is_done_when_it_is_finished)
{
    static const uint32_t threads[] = {1, 2, 4};

    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        struct ff_pool_own *p = new_pool(threads[i], MIB);
        struct ff_error e = FF_ERROR_INIT;
        struct tally t = {.pool = p}, own = {.pool = p};
        struct ff_pool_job job;

        for (int round = 1; round <= 100; round++) {
            ff_pool_begin(p, &job, 2, count_one, &t, NULL);
            ck_assert_int_eq(ff_pool_for_each(p, 10, count_one, &own, NULL, &e), FF_OK);
            ck_assert_int_eq(ff_pool_finish(p, &job, &e), FF_OK);
            ck_assert_int_eq(atomic_load(&t.done[0]), round);
            ck_assert_int_eq(atomic_load(&t.done[1]), round);
            ck_assert_int_eq(atomic_load(&own.all), 10 * round);
        }
        ff_pool_free(p);
    }
}
END_TEST

START_TEST(what_was_begun_goes_on_without_its_caller)
{
    struct ff_pool_own *p = new_pool(2, MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {.pool = p};
    struct ff_pool_job job;

    ff_pool_begin(p, &job, 2, count_one, &t, NULL);
    for (int i = 0; i < 1000 && atomic_load(&t.all) < 2; i++) {
        nap(10);
    }
    ck_assert_int_eq(atomic_load(&t.all), 2);
    ck_assert_int_eq(ff_pool_finish(p, &job, &e), FF_OK);
    ff_pool_free(p);
}
END_TEST

START_TEST(failure_of_what_was_begun_is_told_when_it_is_finished)
{
    for (uint32_t threads = 1; threads <= 2; threads++) {
        struct ff_pool_own *p = new_pool(threads, MIB);
        struct ff_error e = FF_ERROR_INIT;
        struct tally t = {.fail_at = 0, .code = FF_E_IO, .message = 1};
        struct ff_pool_job job;

        ff_pool_begin(p, &job, 1, count_one, &t, NULL);
        ck_assert_int_eq(ff_pool_finish(p, &job, &e), FF_E_IO);
        ck_assert_str_eq(e.message, "it is broken");
        ff_pool_free(p);
    }
}
END_TEST

static atomic_int stop_now;

static int is_stopped(const struct ff_call *call)
{
    (void)call;
    return atomic_load(&stop_now);
}

static int64_t long_ago(const struct ff_call *call)
{
    (void)call;
    return 1;
}

static const struct ff_call stoppable = {.struct_size = FF_SIZE(ff_call, cancelled),
                                         .cancelled = is_stopped};
static const struct ff_call too_late = {.struct_size = FF_SIZE(ff_call, deadline_ns),
                                        .deadline_ns = long_ago};

static int stop_at_ten(void *ctx, uint64_t i, struct ff_error *e)
{
    if (i == 10) {
        atomic_store(&stop_now, 1);
    }
    return count_one(ctx, i, e);
}

START_TEST(cancellation_ends_a_for_each)
{
    struct ff_pool_own *p = new_pool(2, MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {.all = 0};

    atomic_store(&stop_now, 0);
    ck_assert_int_eq(ff_pool_for_each(p, 1000, stop_at_ten, &t, &stoppable, &e),
                     FF_E_CANCELLED);
    ck_assert_int_lt(atomic_load(&t.all), 1000);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_pool_for_each(p, 10, count_one, &t, &too_late, &e),
                     FF_E_DEADLINE);
    ff_pool_free(p);
}
END_TEST

static pthread_t the_caller;

static int look_at_mask(void *ctx, uint64_t i, struct ff_error *e)
{
    struct tally *t = ctx;
    sigset_t mask;

    (void)i;
    (void)e;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!pthread_equal(pthread_self(), the_caller)) {
        (void)atomic_fetch_add(&t->inside, 1);
        (void)atomic_fetch_add(&t->all, sigismember(&mask, SIGINT));
    }
    nap(5);
    return FF_OK;
}

START_TEST(threads_take_no_signals_and_callers_keep_theirs)
{
    struct ff_pool_own *p = new_pool(3, MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct tally t = {.all = 0};
    sigset_t after;

    the_caller = pthread_self();
    ck_assert_int_eq(ff_pool_for_each(p, 30, look_at_mask, &t, NULL, &e), FF_OK);
    ck_assert_int_gt(atomic_load(&t.inside), 0);
    ck_assert_int_eq(atomic_load(&t.all), atomic_load(&t.inside));
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &after), 0);
    ck_assert_int_eq(sigismember(&after, SIGINT), 0);
    ff_pool_free(p);
}
END_TEST

RUN_TESTS("pool", each_item_is_done_once, threads_start_when_they_are_needed,
          as_many_work_at_once_as_the_pool_has, items_may_have_items_of_their_own,
          many_callers_share_the_threads, failure_stops_the_rest_and_is_returned,
          what_was_begun_is_done_when_it_is_finished,
          what_was_begun_goes_on_without_its_caller,
          failure_of_what_was_begun_is_told_when_it_is_finished,
          cancellation_ends_a_for_each, threads_take_no_signals_and_callers_keep_theirs)
