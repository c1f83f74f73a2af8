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
/* What a turn cost. */
struct bench_cost {
    double wall_s, cpu_s;
    double memory_mib; /* the most that was resident, beyond what was before */
};
/* Of this process, from begin to end. */
void bench_cost_begin(struct bench_cost *);
void bench_cost_end(struct bench_cost *);
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
/* `argument`, or NULL, is the script's. */
void bench_peers_start(struct bench_peers *, char *python, char *script,
                       const char *argument);
/* One line says what to do, one line comes back: the number in it; or three, struct bench_cost. */
double bench_peers_do(struct bench_peers *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void bench_peers_cost(struct bench_peers *, struct bench_cost *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void bench_peers_end(struct bench_peers *);

/* A host with this durability (enum ff_durability) and a file storage in `folder`, with the
 * workflow "bench"; memory_bytes 0 is the default. */
struct bench_store {
    struct ff_host *host;
    struct ff_storage *storage;
};
struct bench_store bench_store_open(const char *folder, int durability,
                                    uint64_t memory_bytes);
/* The same for the JSON of a storage. */
struct bench_store bench_store_of(const char *json, int durability,
                                  uint64_t memory_bytes);
void bench_store_close(struct bench_store *);

/* One task "field" with a 2-d array of f4, saved, read and removed: seconds. `options` are the
 * array's, or NULL. */
struct bench_array {
    const char *workflow;
    int64_t shape[2], chunk[2];
    const char *options;
};
double bench_array_save(const struct bench_store *, const struct bench_array *,
                        const void *data);
double bench_array_read(const struct bench_store *, const struct bench_array *,
                        void *dst);
void bench_array_remove(const struct bench_store *, const struct bench_array *);

/* Random bits; and a measurement of two decimals that changes slowly: blosc makes about half. */
void bench_fill(char *noise, char *smooth, size_t size_bytes);
void bench_keep(const char *path, const char *data, size_t size_bytes);

/* The bytes in pieces, on BENCH_THREADS threads, into a new file that is allocated before, or out
 * of it: seconds from open to close. */
double bench_plain_write(const char *path, const char *data, size_t size_bytes,
                         size_t piece_bytes, int sync);
double bench_plain_read(const char *path, char *data, size_t size_bytes,
                        size_t piece_bytes);

#endif
