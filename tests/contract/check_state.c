/* SPDX-License-Identifier: Apache-2.0 */
/* check_state.c: the state of a process that belongs to the program and not to a library. */
#include "check.h"

#include <dirent.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

enum { PARTS = 8, FIRST_SETTING = 2, PART_BYTES = 16384, SIGNALS = 65 };

static const char *const part_names[PARTS] = {
    "open file descriptors", "threads",         "the environment", "the locale",
    "signal handlers",       "the signal mask", "the directory",   "umask or limits"};

struct state {
    char part[PARTS][PART_BYTES];
};

/* Entries of a folder of /proc, without the descriptor that reads it. */
static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;

    while (dir && readdir(dir)) {
        count++;
    }
    if (dir) {
        (void)closedir(dir);
    }
    return count;
}

int state_fds(void)
{
    return count_entries("/proc/self/fd") - 3;
}

/* A thread that has been joined may be seen for a moment. */
int state_threads(void)
{
    int count = count_entries("/proc/self/task") - 2;

    for (int i = 0; i < 100 && count > 1; i++) {
        (void)usleep(1000);
        count = count_entries("/proc/self/task") - 2;
    }
    return count;
}

static void describe_environment(char *out)
{
    size_t size = 0;

    for (char **at = environ; *at && size < PART_BYTES - 1; at++) {
        int n = snprintf(out + size, PART_BYTES - size, "%s\n", *at);

        size += n > 0 ? (size_t)n : 0;
    }
}

static void describe_signals(char *handlers, char *mask)
{
    size_t size = 0;
    sigset_t blocked;

    (void)sigprocmask(SIG_SETMASK, NULL, &blocked);
    for (int i = 1; i < SIGNALS; i++) {
        struct sigaction action;

        if (sigaction(i, NULL, &action) == 0) {
            int n =
                snprintf(handlers + size, PART_BYTES - size, "%d %p %x\n", i,
                         (void *)(uintptr_t)action.sa_handler, (unsigned)action.sa_flags);

            size += n > 0 ? (size_t)n : 0;
        }
        mask[i - 1] = sigismember(&blocked, i) == 1 ? '1' : '0';
    }
}

static void describe_limits(char *out)
{
    mode_t mask = umask(0);
    size_t size = (size_t)snprintf(out, PART_BYTES, "%o", (unsigned)mask);

    (void)umask(mask);
    for (int i = 0; i < (int)RLIMIT_NLIMITS; i++) {
        struct rlimit limit = {0};

        (void)getrlimit((__rlimit_resource_t)i, &limit);
        size += (size_t)snprintf(out + size, PART_BYTES - size, " %llu",
                                 (unsigned long long)limit.rlim_cur);
    }
}

struct state *state_now(void)
{
    struct state *s = calloc(1, sizeof *s);
    const char *locale = setlocale(LC_ALL, NULL);

    CASE_ASSERT(s != NULL);
    (void)snprintf(s->part[0], PART_BYTES, "%d", state_fds());
    (void)snprintf(s->part[1], PART_BYTES, "%d", state_threads());
    describe_environment(s->part[2]);
    (void)snprintf(s->part[3], PART_BYTES, "%s", locale ? locale : "");
    describe_signals(s->part[4], s->part[5]);
    CASE_ASSERT(getcwd(s->part[6], PART_BYTES) != NULL);
    describe_limits(s->part[7]);
    return s;
}

const char *state_difference(struct state *before, struct state *after, int kinds)
{
    const char *found = NULL;

    for (int i = kinds == STATE_SETTINGS ? FIRST_SETTING : 0; i < PARTS && !found; i++) {
        found = strcmp(before->part[i], after->part[i]) != 0 ? part_names[i] : NULL;
    }
    free(before);
    free(after);
    return found;
}
