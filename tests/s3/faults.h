/* SPDX-License-Identifier: Apache-2.0 */
/* faults.h: operations on one object of the server of faults, and what is true after each. */
#ifndef FF_TESTS_S3_FAULTS_H
#define FF_TESTS_S3_FAULTS_H

#include "../contract/contract.h"
#include "fault_server.h"

enum operation { GET, RANGE, HEAD, PUT, PUT_IF, PUT_NEW, REMOVE, REMOVE_IF, LIST };

/* One meeting with a fault. */
struct row {
    const char *fault;
    enum operation operation;
    int times; /* requests that meet it */
    int code;  /* what the operation must say */
    int n;     /* the fault's own */
};

/* Run the operation on a fresh object while the fault is armed. What came is checked: the code,
 * bytes that were asked for and no others, the object as it was before, or after, or, where the
 * outcome is not known, as one of both; the time; the memory; that no other host heard of it and
 * the fault did happen. */
void meet(const struct row *);

extern const char *s3_plugin; /* its file */

extern const struct case_suite refusals_suite, broken_suite, lists_suite, cuts_suite,
    parts_suite, commits_suite, ignoring_suite, waiting_suite, tls_suite, hedge_suite;

#endif
