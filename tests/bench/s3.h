/* SPDX-License-Identifier: Apache-2.0 */
/* s3.h: what the benchmarks on S3 share: a storage of ours; a bare parallel client on libcurl. */
#ifndef FF_TESTS_BENCH_S3_H
#define FF_TESTS_BENCH_S3_H

#include "bench.h"

#define BENCH_S3_KEY    "ffkey"
#define BENCH_S3_SECRET "ffsecretffsecret"

enum { BENCH_S3_IN_FLIGHT = 64 };

/* A storage of ours on the server at this URL. */
void bench_s3_json(const char *url, char *json, size_t size);

/* Objects PREFIX/0 to PREFIX/<count - 1>, each of piece_bytes, from `data` or into it, with
 * BENCH_S3_IN_FLIGHT requests at once over connections that are kept; each is signed, each body
 * hashed, as our own client does. PREFIX begins with the bucket. Ends the process when one
 * fails. Gives the seconds. */
double bench_bare(const char *url, const char *prefix, int writes, char *data,
                  size_t piece_bytes, size_t count);

#endif
