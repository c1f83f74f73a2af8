/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c: what the benchmarks share. */
#include "bench.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

double bench_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void bench_die(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vfprintf(stderr, format, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
    exit(1);
}

void bench_check(const struct ff_error *e, const char *what)
{
    if (e->code) {
        bench_die("%s: %s: %s (%s)", what, e->place, e->message, e->fix);
    }
}

void bench_scratch(char path[BENCH_PATH_BYTES])
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(path, BENCH_PATH_BYTES, "%s/ff-bench-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(path)) {
        bench_die("%s: cannot make a folder", path);
    }
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

void bench_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

uint64_t bench_peak_mib(void)
{
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    return (uint64_t)use.ru_maxrss / 1024;
}

char *bench_memory(size_t size_bytes)
{
    char *data = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        bench_die("no %zu bytes of memory", size_bytes);
    }
    (void)madvise(data, size_bytes, MADV_HUGEPAGE);
    memset(data, 1, size_bytes);
    return data;
}

int bench_small(void)
{
    return getenv("FF_BENCH_SMALL") != NULL;
}

size_t bench_rounds(const char *text)
{
    unsigned long n = strtoul(text, NULL, 10);
    if (n < 1 || n > BENCH_ROUNDS_MAX) {
        bench_die("rounds: 1 to %d", BENCH_ROUNDS_MAX);
    }
    return n;
}

struct bench_store bench_store_open(const char *folder, int durability,
                                    uint64_t memory_bytes)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .threads = BENCH_THREADS,
                                .memory_bytes = memory_bytes,
                                .config_json = "{}",
                                .durability = durability};
    struct bench_store s;
    char json[BENCH_PATH_BYTES + 64];
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s\"}}", folder);
    s.host = ff_host_open(&o, &e);
    s.storage = ff_storage_factory(s.host, json, &e);
    (void)ff_new_workflow(s.storage, "bench", &e);
    bench_check(&e, folder);
    return s;
}

void bench_store_close(struct bench_store *s)
{
    ff_storage_close(s->storage);
    ff_host_close(s->host);
}
