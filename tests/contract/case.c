/* SPDX-License-Identifier: Apache-2.0 */
/* case.c: see case.h. */
#include "case.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 101, SKIPPED, MESSAGE_MAX = 2000 };

static struct {
    json_t *document, *cases; /* NULL: TAP */
    int count, failed, skipped;
    int message_fd; /* in a child: where its message goes */
    char *note; /* shared with the child: MESSAGE_MAX bytes, and one that is set when the
                       case has come to its end: a plugin may end the process, with 0 too */
} state = {.message_fd = -1};

/* ---- the child ---- */

static _Noreturn __attribute__((format(printf, 2, 0))) void
end_with(int code, const char *fmt, va_list ap)
{
    char text[MESSAGE_MAX];
    int size = vsnprintf(text, sizeof text, fmt, ap);
    ssize_t written;

    size = size < (int)sizeof text ? size : (int)sizeof text - 1;
    written = write(state.message_fd, text, size < 0 ? 0 : (size_t)size);
    (void)written; /* the exit code says it too */
    _exit(code);
}

void case_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    end_with(FAILED, fmt, ap);
}

void case_skip(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    end_with(SKIPPED, fmt, ap);
}

static _Noreturn void run_child(const struct case_suite *suite,
                                const struct case_test *test, int message_fd)
{
    state.message_fd = message_fd;
    (void)setpgid(0, 0);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO); /* what a plugin prints is no TAP */
    if (suite->before) {
        suite->before();
    }
    test->run();
    if (suite->after) {
        suite->after();
    }
    state.note[MESSAGE_MAX] = 1;
    exit(EXIT_SUCCESS); /* not _exit: sanitizers look for leaks now */
}

void case_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(state.note, MESSAGE_MAX, fmt, ap);
    va_end(ap);
}

/* ---- the parent ---- */

static long long now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the child ends, or the deadline: the child and all that it started are killed. */
static int wait_for(pid_t child, int message_fd, long long deadline_ms, char *text,
                    int *late)
{
    size_t size = 0;
    int status = 0;

    *late = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        struct pollfd fd = {.fd = message_fd, .events = POLLIN};
        ssize_t got = poll(&fd, 1, 2) == 1
                          ? read(message_fd, text + size, MESSAGE_MAX - 1 - size)
                          : 0;

        size += got > 0 ? (size_t)got : 0;
        if (!*late && now_ms() > deadline_ms) {
            *late = 1;
            (void)kill(-child, SIGKILL);
            (void)kill(child, SIGKILL);
        }
    }
    (void)fcntl(message_fd, F_SETFL, O_NONBLOCK);
    for (ssize_t got;
         (got = read(message_fd, text + size, MESSAGE_MAX - 1 - size)) > 0;) {
        size += (size_t)got;
    }
    text[size] = '\0';
    (void)kill(-child, SIGKILL); /* what it left behind */
    return status;
}

static void print_tap(const char *result, const char *suite, const char *name,
                      const char *text)
{
    const char *rest = strchr(text, '\n');
    int skipped = strcmp(result, "skip") == 0;

    (void)printf("%sok %d - %s: %s%s%s\n", strcmp(result, "fail") == 0 ? "not " : "",
                 state.count, suite, name, skipped ? " # SKIP " : "",
                 skipped ? text : "");
    for (const char *line = text; !skipped && *line; line = rest ? rest + 1 : "") {
        rest = strchr(line, '\n');
        (void)printf("# %.*s\n", rest ? (int)(rest - line) : (int)strlen(line), line);
    }
    (void)fflush(stdout);
}

static void report(const char *result, const char *suite, const char *name,
                   const char *text, long long took_ms)
{
    state.count++;
    state.failed += strcmp(result, "fail") == 0;
    state.skipped += strcmp(result, "skip") == 0;
    if (!state.cases) {
        print_tap(result, suite, name, text);
        return;
    }
    (void)json_array_append_new(state.cases,
                                json_pack("{s:s, s:s, s:s, s:s+, s:I}", "suite", suite,
                                          "case", name, "result", result, "message", text,
                                          "", "ms", (json_int_t)took_ms));
}

/* What the end of the child says, with its words. */
static const char *judge(int status, int late, unsigned timeout_s, char *text)
{
    size_t size = strlen(text);
    const char *blank;

    if (!size && (late || WIFSIGNALED(status))) {
        size = (size_t)snprintf(text, MESSAGE_MAX, "%s", state.note);
    }
    blank = size ? "\n" : "";
    if (late) {
        (void)snprintf(text + size, MESSAGE_MAX - size,
                       "%sdid not end within %u s: it was killed", blank, timeout_s);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(text + size, MESSAGE_MAX - size, "%sdied of signal %d (%s)", blank,
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else if (WEXITSTATUS(status) == SKIPPED) {
        return "skip";
    } else if (WEXITSTATUS(status) == EXIT_SUCCESS && state.note[MESSAGE_MAX]) {
        return "pass";
    } else if (WEXITSTATUS(status) == EXIT_SUCCESS) {
        (void)snprintf(text + size, MESSAGE_MAX - size,
                       "%sended the process: a callback never exits", blank);
    } else if (WEXITSTATUS(status) != FAILED) {
        (void)snprintf(text + size, MESSAGE_MAX - size, "%sended with exit code %d",
                       blank, WEXITSTATUS(status));
    }
    return "fail";
}

static void run_one(const struct case_suite *suite, const char *name,
                    const struct case_test *test)
{
    const char *given = getenv("FF_CHECK_SECONDS"); /* instead of each deadline */
    unsigned timeout_s =
        given && atoi(given) > 0 ? (unsigned)atoi(given) : suite->timeout_s;
    char text[MESSAGE_MAX + 100] = "";
    int fds[2], late, status;
    long long begin = now_ms();
    pid_t child;

    state.note[0] = state.note[MESSAGE_MAX] = '\0';
    if (pipe2(fds, O_CLOEXEC)) {
        report("fail", name, test->name, strerror(errno), 0);
        return;
    }
    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)close(fds[0]);
        run_child(suite, test, fds[1]);
    }
    (void)close(fds[1]);
    if (child < 0) {
        report("fail", name, test->name, strerror(errno), 0);
    } else {
        status = wait_for(child, fds[0], begin + timeout_s * 1000LL, text, &late);
        report(judge(status, late, timeout_s, text), name, test->name, text,
               now_ms() - begin);
    }
    (void)close(fds[0]);
}

void case_begin(const char *subject, int json)
{
    state.note = mmap(NULL, MESSAGE_MAX + 1, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (state.note == MAP_FAILED) {
        perror("mmap");
        exit(EXIT_FAILURE);
    }
    if (json) {
        state.cases = json_array();
        state.document =
            json_pack("{s:s+, s:O}", "subject", subject, "", "cases", state.cases);
    }
}

void case_run(const struct case_suite *suite, const char *label)
{
    char name[200];

    (void)snprintf(name, sizeof name, "%s%s%s", suite->name, label ? ", " : "",
                   label ? label : "");
    for (unsigned i = 0; i < suite->count; i++) {
        run_one(suite, name, &suite->tests[i]);
    }
}

int case_end(void)
{
    if (!state.document) {
        (void)printf("1..%d\n# %d passed, %d failed, %d skipped\n", state.count,
                     state.count - state.failed - state.skipped, state.failed,
                     state.skipped);
        return state.failed;
    }
    (void)json_object_set_new(state.document, "passed",
                              json_integer(state.count - state.failed - state.skipped));
    (void)json_object_set_new(state.document, "failed", json_integer(state.failed));
    (void)json_object_set_new(state.document, "skipped", json_integer(state.skipped));
    (void)json_dumpf(state.document, stdout, JSON_INDENT(2));
    (void)printf("\n");
    json_decref(state.cases);
    json_decref(state.document);
    return state.failed;
}
