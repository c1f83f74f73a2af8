/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/sys_child.h"
#include "run.h"

enum {
    SOON_MS = 300, /* a deadline that is met */
    LONG_MS = 20000,
    BLOCK_BYTES = 64 << 20
};

static int seen[2]; /* a pipe into which goes what a child must not do */

static double now_s(void)
{
    struct timespec t;

    ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct ff_child_end run_within(int (*work)(void *), void *ctx, int deadline_ms,
                                      double most_s)
{
    struct ff_child_end end;
    double start_s = now_s();

    ff_sys_in_child(work, ctx, deadline_ms, &end);
    ck_assert_double_le(now_s() - start_s, most_s);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD); /* reaped */
    return end;
}

static void assert_end(struct ff_child_end end, enum ff_child_outcome outcome, int number)
{
    ck_assert_int_eq(end.outcome, outcome);
    ck_assert_int_eq(end.number, number);
}

static int give(void *ctx)
{
    return *(const int *)ctx;
}

static int write_much(void *ctx)
{
    (void)ctx;
    return puts("not seen") == EOF || fflush(stdout) == EOF;
}

START_TEST(work_that_returns_gives_its_number)
{
    int number = 77;

    assert_end(run_within(give, &number, LONG_MS, 10), FF_CHILD_DONE, 77);
    assert_end(run_within(write_much, NULL, LONG_MS, 10), FF_CHILD_DONE, 0);
}
END_TEST

/* ---- the deadline ---- */

static int wait_for_ever(void *ctx)
{
    (void)ctx;
    while (pause() < 0) {
    }
    return 0;
}

static int close_and_wait(void *ctx)
{
    closefrom(3);
    return wait_for_ever(ctx);
}

static int become_another(void *ctx)
{
    (void)ctx;
    (void)execl("/bin/sleep", "sleep", "30", (char *)NULL);
    return 1;
}

START_TEST(child_that_never_ends_is_killed_at_the_deadline)
{
    int (*const works[])(void *) = {wait_for_ever, close_and_wait, become_another};

    for (size_t i = 0; i < COUNT_OF(works); i++) {
        struct ff_child_end end = run_within(works[i], NULL, SOON_MS, 10);

        ck_assert_msg(end.outcome == FF_CHILD_LATE, "row %zu: outcome %d", i,
                      end.outcome);
    }
}
END_TEST

static int close_and_leave(void *ctx)
{
    closefrom(3);
    (void)poll(NULL, 0, SOON_MS);
    _exit(*(const int *)ctx);
}

/* `seen` is open in the one that stays until that one ends. */
static int leave_another(void *ctx)
{
    if (fork() == 0) {
        (void)close(seen[0]);
        return wait_for_ever(NULL);
    }
    _exit(*(const int *)ctx);
}

START_TEST(child_that_ends_later_than_its_pipe_gives_its_code)
{
    int code = 5;

    assert_end(run_within(close_and_leave, &code, LONG_MS, 10), FF_CHILD_EXITED, 5);
}
END_TEST

START_TEST(child_that_leaves_another_behind_ends_both)
{
    struct pollfd p = {.events = POLLIN};
    int code = 4;

    ck_assert_int_eq(pipe(seen), 0);
    assert_end(run_within(leave_another, &code, LONG_MS, 10), FF_CHILD_EXITED, 4);
    ck_assert_int_eq(close(seen[1]), 0);
    p.fd = seen[0];
    ck_assert_int_eq(poll(&p, 1, LONG_MS), 1);
    ck_assert_int_eq(p.revents & POLLHUP, POLLHUP);
    ck_assert_int_eq(close(seen[0]), 0);
}
END_TEST

/* ---- its end is not the program's ---- */

static void tell(void)
{
    (void)!write(seen[1], "x", 1);
}

static int call_exit(void *ctx)
{
    exit(*(const int *)ctx);
}

static int call_quick_exit(void *ctx)
{
    quick_exit(*(const int *)ctx);
}

START_TEST(child_that_exits_runs_no_handler_and_flushes_no_stream_of_the_program)
{
    FILE *stream;
    char byte;
    int code = 3;

    ck_assert_int_eq(pipe2(seen, O_NONBLOCK), 0);
    stream = fdopen(dup(seen[1]), "w");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(fputc('y', stream), 'y');
    ck_assert_int_eq(atexit(tell), 0);
    ck_assert_int_eq(at_quick_exit(tell), 0);
    assert_end(run_within(call_exit, &code, LONG_MS, 10), FF_CHILD_EXITED, 3);
    ck_assert_int_eq(read(seen[0], &byte, 1), -1);
    assert_end(run_within(call_quick_exit, &code, LONG_MS, 10), FF_CHILD_EXITED, 0);
    ck_assert_int_eq(read(seen[0], &byte, 1), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_int_eq(read(seen[0], &byte, 1), 1); /* the test would have seen it */
    ck_assert_int_eq(byte, 'y');
}
END_TEST

static int raise_signal(void *ctx)
{
    return raise(*(const int *)ctx);
}

START_TEST(child_that_dies_gives_the_signal)
{
    int signals[] = {SIGKILL, SIGUSR2, SIGRTMIN + 3};

    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        assert_end(run_within(raise_signal, &signals[i], LONG_MS, 10), FF_CHILD_DIED,
                   signals[i]);
    }
}
END_TEST

/* ---- what the program is like ---- */

START_TEST(program_without_its_first_descriptors_has_children_too)
{
    struct ff_child_end ends[4];
    int kept[3], number = 9;

    for (int i = 0; i < 3; i++) {
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
        ck_assert_int_ge(kept[i], 10);
    }
    for (int open_count = 0; open_count < 4; open_count++) {
        for (int i = 0; i < 3; i++) {
            (void)(i < open_count ? dup2(kept[i], i) : close(i));
        }
        ff_sys_in_child(give, &number, LONG_MS, &ends[open_count]);
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        assert_end(ends[i], FF_CHILD_DONE, 9);
    }
}
END_TEST

START_TEST(program_that_ignores_the_end_of_children_gets_the_answer)
{
    int number = 6;

    ck_assert_ptr_ne((void *)(uintptr_t)signal(SIGCHLD, SIG_IGN),
                     (void *)(uintptr_t)SIG_ERR);
    assert_end(run_within(give, &number, LONG_MS, 10), FF_CHILD_DONE, 6);
}
END_TEST

START_TEST(program_without_a_free_descriptor_is_told)
{
    struct ff_child_end end;
    int number = 1, taken[1024];
    size_t count = 0;
    struct rlimit few = {.rlim_cur = COUNT_OF(taken), .rlim_max = COUNT_OF(taken)};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    while (count < COUNT_OF(taken) && (taken[count] = dup(0)) >= 0) {
        count++;
    }
    ff_sys_in_child(give, &number, LONG_MS, &end);
    while (count > 0) {
        (void)close(taken[--count]);
    }
    assert_end(end, FF_CHILD_FAILED, EMFILE);
}
END_TEST

/* ---- memory ---- */

/* How many blocks there are. */
static int take_memory(void *ctx)
{
    int count = 0;

    (void)ctx;
    while (count < 200 &&
           mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
        count++;
    }
    return count;
}

START_TEST(child_has_a_limit_of_memory_above_what_the_program_has)
{
    const size_t much_bytes = (size_t)2 * FF_CHILD_MEMORY_BYTES;
    const int most = (int)(FF_CHILD_MEMORY_BYTES / BLOCK_BYTES);
    void *much = mmap(NULL, much_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct ff_child_end end;

    ck_assert_ptr_ne(much, MAP_FAILED);
    end = run_within(take_memory, NULL, LONG_MS, 20);
    ck_assert_int_eq(end.outcome, FF_CHILD_DONE);
    ck_assert_int_le(end.number, most);
    ck_assert_int_ge(end.number, most - 1);
    ck_assert_int_eq(munmap(much, much_bytes), 0);
}
END_TEST

RUN_TESTS("base/sys_child", work_that_returns_gives_its_number,
          child_that_never_ends_is_killed_at_the_deadline,
          child_that_ends_later_than_its_pipe_gives_its_code,
          child_that_leaves_another_behind_ends_both,
          child_that_exits_runs_no_handler_and_flushes_no_stream_of_the_program,
          child_that_dies_gives_the_signal,
          program_without_its_first_descriptors_has_children_too,
          program_that_ignores_the_end_of_children_gets_the_answer,
          program_without_a_free_descriptor_is_told,
          child_has_a_limit_of_memory_above_what_the_program_has)
