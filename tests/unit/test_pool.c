/* SPDX-License-Identifier: Apache-2.0 */
/* Threads and the memory budget: work is done once, failures stop it, waits can be ended. */
#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "core/process.h"
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

START_TEST(buffers_are_aligned_and_used_again)
{
    static const size_t sizes[] = {0,      1,       4096,        4097,
                                   100000, 2 * MIB, 2 * MIB + 1, 5 * MIB};
    struct ff_pool_own *p = new_pool(1, 64 * MIB);
    struct ff_error e = FF_ERROR_INIT;

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        unsigned char *a = ff_pool_borrow(p, sizes[i], NULL, &e), *b;
        size_t align = sizes[i] >= 2 * MIB ? 2 * MIB : 4096;

        ck_assert_ptr_nonnull(a);
        ck_assert_uint_eq((uintptr_t)a % align, 0);
        memset(a, 1, sizes[i]);
        ff_pool_give_back(p, a);
        b = ff_pool_borrow(p, sizes[i], NULL, &e);
        ck_assert_ptr_eq(a, b);
        ff_pool_give_back(p, b);
    }
    ff_pool_give_back(p, NULL);
    ff_pool_free(p);
}
END_TEST

START_TEST(cache_is_bounded)
{
    struct ff_pool_own *p = new_pool(1, 64 * MIB);
    struct ff_error e = FF_ERROR_INIT;
    struct ff_pool_state state;
    void *held[10];

    for (size_t i = 0; i < COUNT_OF(held); i++) {
        held[i] = ff_pool_borrow(p, 6 * MIB, NULL, &e);
        ck_assert_ptr_nonnull(held[i]);
    }
    ff_pool_look(p, &state);
    ck_assert_uint_eq(state.held_bytes, 60 * MIB);
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        ff_pool_give_back(p, held[i]);
    }
    ff_pool_look(p, &state);
    ck_assert_uint_eq(state.held_bytes, 0);
    ck_assert_uint_le(state.cached_bytes, 16 * MIB);
    ff_pool_free(p);
}
END_TEST

START_TEST(request_beyond_all_memory_fails)
{
    struct ff_pool_own *p = new_pool(1, MIB);
    struct ff_error e = FF_ERROR_INIT;

    ck_assert_ptr_null(ff_pool_borrow(p, SIZE_MAX, NULL, &e));
    ck_assert_int_eq(e.code, FF_E_NO_MEMORY);
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_ptr_null(ff_pool_borrow(p, SIZE_MAX / 4, NULL, &e));
    ck_assert_int_eq(e.code, FF_E_NO_MEMORY);
    ff_pool_free(p);
}
END_TEST

/* Another thread that wants memory. */
struct asker {
    struct ff_pool_own *pool;
    size_t size_bytes;
    const struct ff_call *call;
    struct ff_error error;
    void *got;
};

static void *borrow_it(void *ctx)
{
    struct asker *a = ctx;

    a->got = ff_pool_borrow(a->pool, a->size_bytes, a->call, &a->error);
    ff_pool_give_back(a->pool, a->got);
    return NULL;
}

static void await_waiting(struct ff_pool_own *p, size_t count)
{
    struct ff_pool_state state = {.waiting = 0};

    for (int i = 0; i < 1000 && state.waiting != count; i++) {
        nap(5);
        ff_pool_look(p, &state);
    }
    ck_assert_uint_eq(state.waiting, count);
}

START_TEST(borrower_waits_until_there_is_room)
{
    struct ff_pool_own *p = new_pool(1, 8 * MIB);
    struct asker big = {p, 8 * MIB, NULL, FF_ERROR_INIT, NULL}, small = big;
    struct ff_error e = FF_ERROR_INIT;
    void *held = ff_pool_borrow(p, 6 * MIB, NULL, &e);
    pthread_t first, second;

    small.size_bytes = MIB;
    ck_assert_int_eq(pthread_create(&first, NULL, borrow_it, &big), 0);
    await_waiting(p, 1);
    ck_assert_int_eq(pthread_create(&second, NULL, borrow_it, &small), 0);
    await_waiting(p, 2); /* the small one would fit, but it came later */
    ff_pool_give_back(p, held);
    ck_assert_int_eq(pthread_join(first, NULL), 0);
    ck_assert_int_eq(pthread_join(second, NULL), 0);
    ck_assert_ptr_nonnull(big.got);
    ck_assert_ptr_nonnull(small.got);
    ff_pool_free(p);
}
END_TEST

START_TEST(larger_than_the_budget_is_granted_alone)
{
    struct ff_pool_own *p = new_pool(1, MIB);
    struct asker a = {p, 4 * MIB, NULL, FF_ERROR_INIT, NULL};
    struct ff_error e = FF_ERROR_INIT;
    void *held = ff_pool_borrow(p, 4096, NULL, &e);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, borrow_it, &a), 0);
    await_waiting(p, 1);
    ff_pool_give_back(p, held);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_ptr_nonnull(a.got);
    ff_pool_free(p);
}
END_TEST

START_TEST(waiting_for_memory_ends_with_the_call)
{
    struct ff_pool_own *p = new_pool(1, MIB);
    struct asker a = {p, MIB, &stoppable, FF_ERROR_INIT, NULL}, late = a;
    struct ff_error e = FF_ERROR_INIT;
    void *held = ff_pool_borrow(p, MIB, NULL, &e);
    pthread_t thread;

    atomic_store(&stop_now, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, borrow_it, &a), 0);
    await_waiting(p, 1);
    atomic_store(&stop_now, 1);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_ptr_null(a.got);
    ck_assert_int_eq(a.error.code, FF_E_CANCELLED);
    late.call = &too_late;
    ck_assert_int_eq(pthread_create(&thread, NULL, borrow_it, &late), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(late.error.code, FF_E_DEADLINE);
    ff_pool_give_back(p, held);
    ff_pool_free(p);
}
END_TEST

static int borrow_two_deep(void *ctx, uint64_t i, struct ff_error *e)
{
    struct ff_pool_own *p = ctx;
    void *outer = ff_pool_borrow(p, MIB / 2, NULL, e), *inner;

    (void)i;
    nap(2);
    inner = outer ? ff_pool_borrow(p, MIB / 2, NULL, e) : NULL;
    nap(1);
    ff_pool_give_back(p, inner);
    ff_pool_give_back(p, outer);
    return inner ? FF_OK : e->code;
}

START_TEST(holder_of_a_buffer_does_not_wait_for_itself)
{
    struct ff_pool_own *p = new_pool(4, MIB);
    struct ff_error e = FF_ERROR_INIT;

    ck_assert_int_eq(ff_pool_for_each(p, 40, borrow_two_deep, p, NULL, &e), FF_OK);
    ff_pool_free(p);
}
END_TEST

START_TEST(cpus_are_those_of_the_affinity)
{
    cpu_set_t before, one;
    int first = 0;

    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    ck_assert_uint_ge(ff_cpus_allowed(&ff_sys_posix), 1);
    ck_assert_uint_le(ff_cpus_allowed(&ff_sys_posix), (unsigned)CPU_COUNT(&before));
    while (!CPU_ISSET(first, &before)) {
        first++;
    }
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(ff_cpus_allowed(&ff_sys_posix), 1);
}
END_TEST

/* A table that shows other files of /proc and /sys: name, then text. */
static const char *const *fake_files;

static int fake_openat(const struct ff_sys *sys, int dir_fd, const char *path, int flags,
                       mode_t mode)
{
    char temp[] = "/tmp/ff-cpus-XXXXXX";

    for (size_t i = 0; fake_files[i]; i += 2) {
        if (strcmp(fake_files[i], path) == 0) {
            int fd = mkstemp(temp);

            ck_assert_int_ge(fd, 0);
            ck_assert_int_ge(write(fd, fake_files[i + 1], strlen(fake_files[i + 1])), 0);
            ck_assert_int_eq(unlink(temp), 0);
            return fd;
        }
    }
    (void)sys;
    (void)dir_fd;
    (void)flags;
    (void)mode;
    return -2; /* ENOENT */
}

START_TEST(cpus_are_those_of_the_cgroup)
{
    static const char *const cases[][9] = {
        /* version 2: the least of a group and those above it, rounded up */
        {"/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max", "50000 100000\n",
         "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n"},
        {"/proc/self/cgroup", "0::/\n", "/sys/fs/cgroup/cpu.max", "100000 100000\n"},
        /* version 1, where the path is the machine's and not there */
        {"/proc/self/cgroup", "5:memory:/docker/x\n4:cpuacct,cpu:/docker/x\n",
         "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "10000\n",
         "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
    };
    static const char *const unlimited[][9] = {
        {"/proc/self/cgroup", "0::/a\n", "/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
        {"/proc/self/cgroup", "4:cpuset:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us",
         "1\n"},
        {"/proc/self/cgroup", "4:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
         "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
        {"/proc/self/cgroup", "rubbish\n\n:::\n1:cpu\n"},
        {NULL},
    };
    struct ff_sys sys = ff_sys_posix;
    cpu_set_t set;

    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    sys.openat = fake_openat;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fake_files = cases[i];
        ck_assert_uint_eq(ff_cpus_allowed(&sys), 1);
    }
    for (size_t i = 0; i < COUNT_OF(unlimited); i++) {
        fake_files = unlimited[i];
        ck_assert_uint_eq(ff_cpus_allowed(&sys), (unsigned)CPU_COUNT(&set));
    }
}
END_TEST

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
    struct asker *a = ctx;

    a->size_bytes = (size_t)-ff_process_enter("libtest", a->call, &a->error);
    return NULL;
}

START_TEST(lock_group_is_recursive_and_waiting_for_it_can_be_ended)
{
    struct ff_error e = FF_ERROR_INIT;
    struct asker a = {NULL, 0, &stoppable, FF_ERROR_INIT, NULL};
    pthread_t thread;

    ck_assert_int_eq(ff_process_enter("libtest", NULL, &e), FF_OK);
    ck_assert_int_eq(ff_process_enter("libtest", NULL, &e), FF_OK);
    ff_process_leave("libtest");
    atomic_store(&stop_now, 1);
    ck_assert_int_eq(pthread_create(&thread, NULL, enter_group, &a), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(a.error.code, FF_E_CANCELLED);
    ff_process_leave("libtest");
    ff_process_leave("never entered");
    ck_assert_int_eq(ff_process_enter("libtest", &stoppable, &e), FF_OK);
    ff_process_leave("libtest");
}
END_TEST

RUN_TESTS("pool", each_item_is_done_once, threads_start_when_they_are_needed,
          as_many_work_at_once_as_the_pool_has, items_may_have_items_of_their_own,
          many_callers_share_the_threads, failure_stops_the_rest_and_is_returned,
          cancellation_ends_a_for_each, threads_take_no_signals_and_callers_keep_theirs,
          buffers_are_aligned_and_used_again, cache_is_bounded,
          request_beyond_all_memory_fails, borrower_waits_until_there_is_room,
          larger_than_the_budget_is_granted_alone, waiting_for_memory_ends_with_the_call,
          holder_of_a_buffer_does_not_wait_for_itself, cpus_are_those_of_the_affinity,
          cpus_are_those_of_the_cgroup, first_run_is_the_only_one_and_all_get_its_result,
          lock_group_is_recursive_and_waiting_for_it_can_be_ended)
