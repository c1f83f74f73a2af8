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
/* How many such requests ("ANY") came since the last arm or off. */
int server_count(const char *method, const char *part);
/* Uploads in parts that were neither completed nor aborted. */
int server_uploads(void);
/* The port of the same server over TLS, right ("good") or wrong in one of the ways of
 * tests/servers/tls.py; the file of the certificates that sign those that are signed. */
unsigned server_tls_port(const char *kind);
void server_ca(char path[256]);
/* What came where the TLS is not right: requests, and bytes that begin no handshake. */
struct server_heard {
    int requests, not_tls;
};
struct server_heard server_heard(void);

#endif
