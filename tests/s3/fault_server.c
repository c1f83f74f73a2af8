/* SPDX-License-Identifier: Apache-2.0 */
/* fault_server.c: see fault_server.h. */
#include "fault_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../contract/case.h"

/* "127.0.0.1:PORT" behind http://, a line there, a line back. */
static void ask(const char *line, char *answer, size_t size)
{
    const char *url = getenv("FF_S3_URL"), *port = url ? strrchr(url, ':') : NULL;
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t got = 0;
    ssize_t n;

    CASE_MSG(port != NULL, "$FF_S3_URL is not set: see tests/servers/with.sh");
    to.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    CASE_ASSERT(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to));
    CASE_ASSERT(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
    while (got + 1 < size && !memchr(answer, '\n', got) &&
           (n = read(fd, answer + got, size - got - 1)) > 0) {
        got += (size_t)n;
    }
    answer[got] = '\0';
    CASE_ASSERT(got > 0 && answer[got - 1] == '\n');
    (void)close(fd);
}

void server_arm(const char *fault, const char *method, int times, int n, const char *part)
{
    char line[256], answer[64];

    (void)snprintf(line, sizeof line, "!arm %s %s %d %d %s\n", fault, method, times, n,
                   part);
    ask(line, answer, sizeof answer);
    CASE_MSG(!strcmp(answer, "ok\n"), "%s: %s", fault, answer);
}

struct server_report server_off(void)
{
    struct server_report r;
    char answer[64];

    ask("!off\n", answer, sizeof answer);
    CASE_ASSERT(sscanf(answer, "%d %d %d", &r.fired, &r.leaks, &r.bad_signatures) == 3);
    return r;
}

int server_count(const char *method, const char *part)
{
    char line[256], answer[64];

    (void)snprintf(line, sizeof line, "!count %s %s\n", method, part);
    ask(line, answer, sizeof answer);
    return atoi(answer);
}

int server_uploads(void)
{
    char answer[64];

    ask("!uploads\n", answer, sizeof answer);
    return atoi(answer);
}
