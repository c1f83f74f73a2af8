/* SPDX-License-Identifier: Apache-2.0 */
/* spawn.c: credential_process: a program that prints credentials. It is named in the user's
 * own configuration, and run without a shell.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "options.h"

extern char **environ;

enum { MAX_WORDS = 64, POLL_MS = 50 };

/* Words in place, as a shell would split them: '…', "…" and \ keep blanks. */
static int split(char *text, char *words[MAX_WORDS + 1])
{
    char *to = text, quote = 0;
    bool inside = false;
    int n = 0;

    for (char *c = text; *c; c++) {
        bool blank = *c == ' ' || *c == '\t';

        if (!quote && blank) {
            if (inside) {
                *to++ = '\0';
            }
            inside = false;
            continue;
        }
        if (!inside) {
            if (n == MAX_WORDS) {
                return -E2BIG;
            }
            words[n++] = to;
            inside = true;
        }
        if ((*c == '"' || *c == '\'') && (!quote || quote == *c)) {
            quote = quote ? 0 : *c;
        } else {
            c += *c == '\\' && c[1] && quote != '\'';
            *to++ = *c;
        }
    }
    *to = '\0';
    words[n] = NULL;
    return quote || n == 0 ? -EINVAL : 0;
}

static int start(char **words, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);

    if (rc) {
        return -rc;
    }
    rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
    rc = rc ? rc : posix_spawnp(pid, words[0], &actions, NULL, words, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

/* All that it prints, until it closes its end. */
static int drain(const struct ff_sys *sys, int fd, int64_t until_ns,
                 const struct ff_call *call, struct ff_buf *out)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int rc = sys->poll(sys, &p, 1, POLL_MS);
        ssize_t n;

        if (ff_cancelled(call)) {
            return -ECANCELED;
        }
        if (ff_sys_now_ns(sys, CLOCK_MONOTONIC) >= until_ns) {
            return -ETIMEDOUT;
        }
        if (rc == 0 || rc == -EINTR) {
            continue;
        }
        rc = rc < 0 ? rc : ff_buf_reserve(out, 4096);
        if (rc) {
            return rc;
        }
        n = sys->read(sys, fd, out->data + out->length_bytes, 4096);
        if (n == -EINTR) {
            continue;
        }
        if (n <= 0) {
            return (int)n;
        }
        ff_buf_added(out, (size_t)n);
    }
}

static int reap(pid_t pid, int rc)
{
    int status = 0;

    if (rc) {
        (void)kill(pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return rc ? rc : WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ECHILD;
}

static const char *why(int rc)
{
    return rc == -ECHILD      ? "it failed"
           : rc == -E2BIG     ? "it prints too much, or has too many words"
           : rc == -EINVAL    ? "a quote in it does not end"
           : rc == -ETIMEDOUT ? "it took too long"
                              : strerror(-rc);
}

int ff_s3_spawn(const struct ff_sys *sys, const char *command, int64_t until_ns,
                const struct ff_call *call, struct ff_buf *out, struct ff_error *e)
{
    char *words[MAX_WORDS + 1], *copy = ff_strdup(command);
    int fds[2] = {-1, -1}, rc = copy ? split(copy, words) : -ENOMEM;
    pid_t pid;

    if (rc == 0 && pipe2(fds, O_CLOEXEC)) {
        rc = -errno;
    }
    rc = rc ? rc : start(words, fds[1], &pid);
    if (fds[1] >= 0) {
        (void)sys->close(sys, fds[1]);
    }
    if (rc == 0) {
        rc = reap(pid, drain(sys, fds[0], until_ns, call, out));
    }
    if (fds[0] >= 0) {
        (void)sys->close(sys, fds[0]);
    }
    ff_free(copy);
    if (rc == -ECANCELED) {
        return ff_fail(e, FF_E_CANCELLED, "credential_process", "cancelled");
    }
    return rc ? ff_fail(e, FF_E_PERMISSION, "credential_process",
                        "no credentials from the program: %s", why(rc))
              : FF_OK;
}
