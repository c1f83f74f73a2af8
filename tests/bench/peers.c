/* SPDX-License-Identifier: Apache-2.0 */
/* peers.c: a Python program that does what it is told, a line at a time. */
#include "bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_script(const int to[2], const int from[2], char *const *argv)
{
    if (dup2(to[0], 0) < 0 || dup2(from[1], 1) < 0) {
        _exit(1);
    }
    (void)close(to[1]);
    (void)close(from[0]);
    (void)execv(argv[0], argv);
    perror(argv[0]);
    _exit(1);
}

static void answer(struct bench_peers *p, char *line, int size)
{
    if (!fgets(line, size, p->from)) {
        bench_die("the peers ended");
    }
    line[strcspn(line, "\n")] = '\0';
}

void bench_peers_start(struct bench_peers *p, char *python, char *script,
                       const char *argument)
{
    char *argv[] = {python, script, (char *)(uintptr_t)argument, NULL}, line[256];
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC) || (p->process = fork()) < 0) {
        bench_die("cannot start the peers");
    }
    if (p->process == 0) {
        run_script(to, from, argv);
    }
    (void)close(to[0]);
    (void)close(from[1]);
    p->to = fdopen(to[1], "w");
    p->from = fdopen(from[0], "r");
    answer(p, line, sizeof line);
    (void)printf("Peers: %s.\n\n", line);
}

static void ask(struct bench_peers *p, char *line, int size, const char *format,
                va_list ap) __attribute__((format(printf, 4, 0)));

static void ask(struct bench_peers *p, char *line, int size, const char *format,
                va_list ap)
{
    (void)vfprintf(p->to, format, ap);
    (void)fputc('\n', p->to);
    (void)fflush(p->to);
    answer(p, line, size);
}

double bench_peers_do(struct bench_peers *p, const char *format, ...)
{
    char line[256];
    va_list ap;
    va_start(ap, format);
    ask(p, line, sizeof line, format, ap);
    va_end(ap);
    return strtod(line, NULL);
}

void bench_peers_cost(struct bench_peers *p, struct bench_cost *cost, const char *format,
                      ...)
{
    char line[256];
    va_list ap;
    va_start(ap, format);
    ask(p, line, sizeof line, format, ap);
    va_end(ap);
    if (sscanf(line, "%lf %lf %lf", &cost->wall_s, &cost->cpu_s, &cost->memory_mib) !=
        3) {
        bench_die("the peers said: %s", line);
    }
}

void bench_peers_end(struct bench_peers *p)
{
    if (p->to) {
        (void)fclose(p->to);
        (void)fclose(p->from);
        (void)waitpid(p->process, NULL, 0);
    }
}
