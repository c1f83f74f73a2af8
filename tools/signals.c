/* SPDX-License-Identifier: Apache-2.0 */
/* signals.c: the first Ctrl-C asks running calls to end, the second ends the process. */
#include "cli.h"

#include <limits.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t stopped, guarded;
static char guarded_path[PATH_MAX];

static void on_signal(int number)
{
    (void)number;
    if (stopped) {
        if (guarded) {
            (void)unlink(guarded_path);
        }
        _exit(130);
    }
    stopped = 1;
}

void ff_signals_install(void)
{
    struct sigaction ask = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    (void)sigemptyset(&ask.sa_mask);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        /* what nohup or a shell's background job ignores stays ignored */
        if (sigaction(ends[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)sigaction(ends[i], &ask, NULL);
        }
    }
    /* a broken pipe is seen as EPIPE, so that what is being saved is not cut off */
    (void)sigaction(SIGPIPE, &ignore, NULL);
}

int ff_signals_stopped(void)
{
    return stopped;
}

void ff_signals_guard(const char *path)
{
    guarded = 0;
    if (path && strlen(path) < sizeof guarded_path) {
        memcpy(guarded_path, path, strlen(path) + 1);
        guarded = 1;
    }
}
