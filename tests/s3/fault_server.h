/* SPDX-License-Identifier: Apache-2.0 */
/* fault_server.h: what tests/servers/fault.py is told, at $FF_S3_URL. Each fails the case when
 * the server does not answer. */
#ifndef FF_TESTS_FAULT_SERVER_H
#define FF_TESTS_FAULT_SERVER_H

#include <stddef.h>

enum { ALWAYS = 1000000 };

/* The next `times` requests with `method` ("ANY") whose target holds `part` meet the fault. */
void server_arm(const char *fault, const char *method, int times, int n,
                const char *part);
/* No fault any more. */
struct server_report {
    int fired, leaks, bad_signatures;
};
struct server_report server_off(void);
/* How many such requests came since the last arm or off. */
int server_count(const char *method, const char *part);
/* Uploads in parts that were neither completed nor aborted. */
int server_uploads(void);

#endif
