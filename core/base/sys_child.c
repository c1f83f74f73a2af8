/* SPDX-License-Identifier: Apache-2.0 */
/* sys_child.c: see sys_child.h. That the work came to its end is said by bytes in a pipe: an exit
 * code of 0 could be anybody's. That the child is gone is asked of the kernel: the pipe may be
 * closed before that, and be held open after it. */
#include "sys_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    STEP_MS = 5, /* between two looks whether it is gone */
    KILLED_MS =
        1000, /* for the end of what was killed; a dead file server may hold it longer */
    STATM_DATA = 5 /* columns before "data" (proc(5)) */
};

struct answer {
    uint8_t outcome, number; /* FF_CHILD_DONE or FF_CHILD_FAILED */
};

static int64_t now_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- in the child ---- */

static void limit(int which, rlim_t most)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)which, &now) == 0) {
        now.rlim_cur = most < now.rlim_cur ? most : now.rlim_cur;
        now.rlim_max = now.rlim_cur;
        (void)setrlimit((__rlimit_resource_t)which, &now);
    }
}

/* What RLIMIT_DATA counts, as the child has all that its program had. Without /proc 0. */
static rlim_t data_bytes(void)
{
    char text[256];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : -1;
    rlim_t pages = 0;
    int column = 0;

    for (ssize_t i = 0; i < got && column <= STATM_DATA; i++) {
        if (text[i] == ' ') {
            column++;
        } else if (column == STATM_DATA && text[i] >= '0' && text[i] <= '9') {
            pages = pages * 10 + (rlim_t)(text[i] - '0');
        }
    }
    (void)close(fd);
    return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void leave(int status, void *ctx)
{
    (void)ctx;
    _exit(status);
}

/* at_quick_exit() tells its functions no status. */
static void leave_quickly(void)
{
    _exit(0);
}

/* exit() is what the work may call; what the program has registered for its own end, and the bytes
 * in its streams, are not the child's. The last registered is called first. 0 or an errno. */
static int keep_from_the_program(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (null < 0) {
        return errno;
    }
    for (int i = 0; i < 3; i++) {
        if (dup2(null, i) < 0) {
            return errno;
        }
    }
    return on_exit(leave, NULL) || at_quick_exit(leave_quickly) ? ENOMEM : 0;
}

static _Noreturn void be_child(int (*work)(void *ctx), void *ctx, int deadline_ms, int fd)
{
    struct answer a = {FF_CHILD_FAILED, 0};

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CPU, (rlim_t)deadline_ms / 1000 + 1);
    limit(RLIMIT_DATA, data_bytes() + FF_CHILD_MEMORY_BYTES);
    a.number = (uint8_t)keep_from_the_program();
    if (a.number == 0) {
        a = (struct answer){FF_CHILD_DONE, (uint8_t)work(ctx)};
    }
    (void)!write(fd, &a, sizeof a); /* a pipe is no file to RLIMIT_FSIZE */
    _exit(0);
}

/* ---- in the parent ---- */

/* A pipe whose ends are none of 0, 1 and 2, which the child gives away. 0 or an errno. */
static int make_pipe(int fds[2])
{
    int low[2], code;

    if (pipe2(low, O_CLOEXEC)) {
        return errno;
    }
    fds[0] = fcntl(low[0], F_DUPFD_CLOEXEC, 3);
    fds[1] = fcntl(low[1], F_DUPFD_CLOEXEC, 3);
    code = fds[0] < 0 || fds[1] < 0 ? errno : 0;
    (void)close(low[0]);
    (void)close(low[1]);
    for (int i = 0; code && i < 2; i++) {
        (void)(fds[i] >= 0 && close(fds[i]));
    }
    return code;
}

/* Whether it has ended; it stays there to be reaped, so that its number is nobody else's. */
static bool has_ended(pid_t child, siginfo_t *how)
{
    *how = (siginfo_t){.si_pid = 0};
    return waitid(P_PID, (id_t)child, how, WEXITED | WNOHANG | WNOWAIT)
               ? errno == ECHILD /* a handler of the program's was quicker */
               : how->si_pid == child;
}

/* Until its answer, its end or the deadline: FF_CHILD_LATE. */
static void attend(pid_t child, int fd, int64_t until_ms, struct ff_child_end *end)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    struct answer a;
    siginfo_t how;

    for (;;) {
        bool ended =
            has_ended(child, &how); /* first: its answer may be the last it did */
        int64_t left = until_ms - now_ms();
        int step = ended || left <= 0 ? 0 : left < STEP_MS ? (int)left : STEP_MS;

        if (poll(&p, 1, step) > 0) {
            if (read(p.fd, &a, sizeof a) == (ssize_t)sizeof a) {
                *end = (struct ff_child_end){a.outcome, a.number};
                return;
            }
            p.fd = -1; /* closed; poll() passes over it */
        }
        if (ended) {
            end->outcome = how.si_pid == 0 || how.si_code == CLD_EXITED ? FF_CHILD_EXITED
                                                                        : FF_CHILD_DIED;
            end->number = how.si_pid == 0 ? 0 : how.si_status;
            return;
        }
        if (left <= 0) {
            end->outcome = FF_CHILD_LATE;
            return;
        }
    }
}

/* The child, and what it started. */
static void bury(pid_t child)
{
    int64_t until_ms = now_ms() + KILLED_MS;

    (void)kill(-child, SIGKILL);
    (void)kill(child, SIGKILL);
    while (waitpid(child, NULL, WNOHANG) == 0 && now_ms() < until_ms) {
        (void)poll(NULL, 0, 1);
    }
}

void ff_sys_in_child(int (*work)(void *ctx), void *ctx, int deadline_ms,
                     struct ff_child_end *end)
{
    int64_t until_ms = now_ms() + deadline_ms;
    int fds[2] = {-1, -1};
    pid_t child;

    *end = (struct ff_child_end){FF_CHILD_FAILED, make_pipe(fds)};
    if (end->number) {
        return;
    }
    child = fork();
    if (child == 0) {
        (void)close(fds[0]);
        be_child(work, ctx, deadline_ms, fds[1]);
    }
    end->number = child < 0 ? errno : 0;
    (void)close(fds[1]);
    if (child > 0) {
        attend(child, fds[0], until_ms, end);
        bury(child);
    }
    (void)close(fds[0]);
}
