/* SPDX-License-Identifier: Apache-2.0 */
/* bench.h: what the benchmarks share: the clock, medians, scratch folders, failing, and the plain
 * system calls that the library is compared with. */
#ifndef FF_TESTS_BENCH_H
#define FF_TESTS_BENCH_H

#include <functionfuse/functionfuse.h>
#include <sys/types.h>

enum { BENCH_PATH_BYTES = 512, BENCH_ROUNDS_MAX = 99, BENCH_THREADS = 2 };

double bench_now_s(void);
/* The middle one; sorts. */
double bench_median(double *values, size_t count);
/* Says why on stderr and ends the process with 1. */
_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends the process when the error is set. */
void bench_check(const struct ff_error *, const char *what);
/* A new folder below $TMPDIR or /tmp. */
void bench_scratch(char path[BENCH_PATH_BYTES]);
void bench_remove(const char *path);
/* The largest resident size of this process so far. */
uint64_t bench_peak_mib(void);
/* Memory that is there already: on huge pages where the system gives them, written once. */
char *bench_memory(size_t size_bytes);
/* $FF_BENCH_SMALL is set: a smaller run, to see whether it works. */
int bench_small(void);
/* 1 to BENCH_ROUNDS_MAX from the command line. */
size_t bench_rounds(const char *text);

/* A Python program on two pipes, which names itself in its first line; NULL: there is none. */
struct bench_peers {
    FILE *to, *from;
    pid_t process;
};
void bench_peers_start(struct bench_peers *, char *python, char *script);
/* One line says what to do, one line comes back: the number in it. */
double bench_peers_do(struct bench_peers *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bench_peers_end(struct bench_peers *);

/* A host with this durability (enum ff_durability) and a file storage in `folder`, with the
 * workflow "bench"; memory_bytes 0 is the default. */
struct bench_store {
    struct ff_host *host;
    struct ff_storage *storage;
};
struct bench_store bench_store_open(const char *folder, int durability,
                                    uint64_t memory_bytes);
void bench_store_close(struct bench_store *);

/* The bytes in pieces, on BENCH_THREADS threads, into a new file that is allocated before, or out
 * of it: seconds from open to close. */
double bench_plain_write(const char *path, const char *data, size_t size_bytes,
                         size_t piece_bytes, int sync);
double bench_plain_read(const char *path, char *data, size_t size_bytes,
                        size_t piece_bytes);

#endif
