/* SPDX-License-Identifier: Apache-2.0 */
/* The memory budget: buffers are aligned and used again, waits are fair and can be ended. */
#include "core/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

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

RUN_TESTS("budget", buffers_are_aligned_and_used_again, cache_is_bounded,
          request_beyond_all_memory_fails, borrower_waits_until_there_is_room,
          larger_than_the_budget_is_granted_alone, waiting_for_memory_ends_with_the_call,
          holder_of_a_buffer_does_not_wait_for_itself)
