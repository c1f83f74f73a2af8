/* SPDX-License-Identifier: Apache-2.0 */
/* sys_child.c: see sys_child.h. That the work came to its end is said by a byte in a pipe: an exit
 * code of 0 could be anybody's. */
#include "sys_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void limit(int which, rlim_t most)
{
    struct rlimit now;

    if (getrlimit((__rlimit_resource_t)which, &now) == 0) {
        now.rlim_cur = most < now.rlim_max ? most : now.rlim_max;
        now.rlim_max = now.rlim_cur;
        (void)setrlimit((__rlimit_resource_t)which, &now);
    }
}

static _Noreturn void be_child(int (*work)(void *ctx), void *ctx, int deadline_ms, int fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    uint8_t result;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CPU, (rlim_t)deadline_ms / 1000 + 1);
    for (int i = 0; null >= 0 && i < 3; i++) {
        (void)dup2(null, i);
    }
    result = (uint8_t)work(ctx);
    (void)!write(fd, &result, 1); /* a pipe is no file to RLIMIT_FSIZE */
    _exit(0);
}

static int64_t now_ms(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Its byte: 1. The end of the pipe without one: 0. -1: the deadline has passed. */
static int wait_for_byte(int fd, int64_t until_ms, uint8_t *byte)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = until_ms - now_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        ssize_t got = ready > 0 ? read(fd, byte, 1) : -1;

        if (got >= 0) {
            return got == 1;
        }
        if (left <= 0 || (errno != EINTR && ready != 0)) {
            return -1;
        }
    }
}

static void bury(pid_t child, int came, uint8_t byte, struct ff_child_end *end)
{
    int status = 0;
    pid_t gone;

    if (came != 0) {
        (void)kill(-child, SIGKILL);
        (void)kill(child, SIGKILL);
    }
    do {
        gone = waitpid(child, &status, 0);
    } while (gone < 0 && errno == EINTR);
    (void)kill(-child, SIGKILL); /* what it started */
    if (came > 0) {
        *end = (struct ff_child_end){FF_CHILD_DONE, byte};
    } else if (came < 0) {
        end->outcome = FF_CHILD_LATE;
    } else if (gone == child && WIFSIGNALED(status)) {
        *end = (struct ff_child_end){FF_CHILD_DIED, WTERMSIG(status)};
    } else { /* or a handler of the program's was quicker to ask how it ended */
        *end = (struct ff_child_end){FF_CHILD_EXITED,
                                     gone == child ? WEXITSTATUS(status) : 0};
    }
}

void ff_sys_in_child(int (*work)(void *ctx), void *ctx, int deadline_ms,
                     struct ff_child_end *end)
{
    int64_t until_ms = now_ms() + deadline_ms;
    uint8_t byte = 0;
    int fds[2], came;
    pid_t child;

    *end = (struct ff_child_end){FF_CHILD_FAILED, 0};
    if (pipe2(fds, O_CLOEXEC)) {
        end->number = errno;
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
        came = wait_for_byte(fds[0], until_ms, &byte);
        bury(child, came, byte, end);
    }
    (void)close(fds[0]);
}
