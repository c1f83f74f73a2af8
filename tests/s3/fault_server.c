/* SPDX-License-Identifier: Apache-2.0 */
/* fault_server.c: see fault_server.h. */
#include "fault_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../contract/case.h"
#include "fault_ask.h"

#define ASK(answer, ...)                                                                 \
    CASE_MSG(fault_ask(answer, sizeof(answer), __VA_ARGS__),                             \
             "the server of faults does not answer: see tests/servers/with.sh")

void server_arm(const char *fault, const char *method, int times, int n, const char *part)
{
    char answer[64];

    ASK(answer, "!arm %s %s %d %d %s", fault, method, times, n, part);
    CASE_MSG(!strcmp(answer, "ok"), "%s: %s", fault, answer);
}

struct server_report server_off(void)
{
    struct server_report r;
    char answer[64];

    ASK(answer, "!off");
    CASE_ASSERT(sscanf(answer, "%d %d %d", &r.fired, &r.leaks, &r.bad_signatures) == 3);
    return r;
}

int server_count(const char *method, const char *part)
{
    char answer[64];

    ASK(answer, "!count %s %s", method, part);
    return atoi(answer);
}

int server_uploads(void)
{
    char answer[64];

    ASK(answer, "!uploads");
    return atoi(answer);
}

unsigned server_tls_port(const char *kind)
{
    char answer[64];

    ASK(answer, "!tls %s", kind);
    return (unsigned)strtoul(answer, NULL, 10);
}

void server_ca(char path[256])
{
    char answer[256];

    ASK(answer, "!ca");
    memcpy(path, answer, sizeof answer);
}

struct server_heard server_heard(void)
{
    struct server_heard h;
    char answer[64];

    ASK(answer, "!heard");
    CASE_ASSERT(sscanf(answer, "%d %d", &h.requests, &h.not_tls) == 2);
    return h;
}
