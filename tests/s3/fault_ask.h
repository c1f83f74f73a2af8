/* SPDX-License-Identifier: Apache-2.0 */
/* fault_ask.h: a line to tests/servers/fault.py, at $FF_S3_URL; control.py has the commands. */
#ifndef FF_TESTS_FAULT_ASK_H
#define FF_TESTS_FAULT_ASK_H

#include <stdbool.h>
#include <stddef.h>

/* "!command words" there, what it says back here, without the end of its line. False: it does not
 * answer, or with more than fits. */
bool fault_ask(char *answer, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The port in $FF_S3_URL; 0: it is not set. */
unsigned fault_port(void);

#endif
