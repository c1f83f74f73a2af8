/* SPDX-License-Identifier: Apache-2.0 */
/* acme_wave.h: what a program and its plugin share: a record of samples, the program's own or
 * one read back. Its class name is ACME_WAVE_CLASS. Nothing of Function Fuse but the error.
 */
#ifndef ACME_WAVE_H
#define ACME_WAVE_H

#include <functionfuse/error.h>

#define ACME_WAVE_CLASS "acme.Wave"

struct acme_wave {
    double rate_hz;
    uint64_t sample_count;
    char label[48];
    /* Samples first .. first + count - 1. FF_OK, or a failure. Any thread. */
    int (*read)(const struct acme_wave *, uint64_t first, uint64_t count, float *dst,
                struct ff_error *);
    void *ctx;
};

#endif
