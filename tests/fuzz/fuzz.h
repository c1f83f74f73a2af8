/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.h: what the targets share. Each is one file with LLVMFuzzerTestOneInput: linked with
 * -fsanitize=fuzzer it is a libFuzzer target, linked with replay.c a program that runs files. */
#ifndef FF_TEST_FUZZ_H
#define FF_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/pickle/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says `what` and aborts when a property does not hold. */
void must(int holds, const char *what);
/* A document, or NULL. The last byte chooses frames and Python 2's strings. */
struct ff_doc *fuzz_load(const uint8_t *data, size_t size, struct ff_error *e);
/* A sink of limited size for what prints. */
int fuzz_write(void *buf, const void *data, size_t size, struct ff_error *e);

#endif
