/* SPDX-License-Identifier: Apache-2.0 */
/* bench.c: what the benchmarks share. */
#include "bench.h"

#include <ftw.h>
#include <math.h>
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

/* "VmHWM" or "VmRSS" of /proc/self/status, in MiB. */
static double resident_mib(const char *name)
{
    char line[256];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kib = strtoul(line + strlen(name) + 1, NULL, 10);
        }
    }
    if (f) {
        (void)fclose(f);
    }
    return (double)kib / 1024;
}

static double cpu_s(void)
{
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

void bench_cost_begin(struct bench_cost *c)
{
    FILE *f = fopen("/proc/self/clear_refs", "w"); /* 5: the peak is what is there now */
    if (!f || fputs("5", f) < 0 || fclose(f)) {
        bench_die("/proc/self/clear_refs cannot be written");
    }
    c->memory_mib = resident_mib("VmRSS:");
    c->cpu_s = cpu_s();
    c->wall_s = bench_now_s();
}

void bench_cost_end(struct bench_cost *c)
{
    c->wall_s = bench_now_s() - c->wall_s;
    c->cpu_s = cpu_s() - c->cpu_s;
    c->memory_mib = resident_mib("VmHWM:") - c->memory_mib;
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
    char json[BENCH_PATH_BYTES + 64];
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s\"}}", folder);
    return bench_store_of(json, durability, memory_bytes);
}

struct bench_store bench_store_of(const char *json, int durability, uint64_t memory_bytes)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .threads = BENCH_THREADS,
                                .memory_bytes = memory_bytes,
                                .config_json = "{}",
                                .durability = durability};
    struct bench_store s;
    s.host = ff_host_open(&o, &e);
    s.storage = ff_storage_factory(s.host, json, &e);
    (void)ff_new_workflow(s.storage, "bench", &e);
    bench_check(&e, json);
    return s;
}

void bench_store_close(struct bench_store *s)
{
    ff_storage_close(s->storage);
    ff_host_close(s->host);
}

/* ---- one array ---- */

double bench_array_save(const struct bench_store *s, const struct bench_array *a,
                        const void *data)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = a->shape,
                                .chunk = a->chunk,
                                .data = data,
                                .options = a->options};
    double begin = bench_now_s();
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(doc, ff_array_new(&p, &e), &e);
    (void)ff_save(s->storage, a->workflow, "field", v, NULL, &e);
    ff_doc_free(doc);
    bench_check(&e, "save");
    return bench_now_s() - begin;
}

double bench_array_read(const struct bench_store *s, const struct bench_array *a,
                        void *dst)
{
    struct ff_error e = FF_ERROR_INIT;
    double begin = bench_now_s();
    struct ff_doc *doc = ff_read_task(s->storage, a->workflow, "field", NULL, &e);
    (void)ff_array_read(ff_array(ff_doc_root(doc), &e), NULL, dst, NULL, NULL, &e);
    ff_doc_free(doc);
    bench_check(&e, "read");
    return bench_now_s() - begin;
}

void bench_array_remove(const struct bench_store *s, const struct bench_array *a)
{
    struct ff_error e = FF_ERROR_INIT;
    (void)ff_remove_task(s->storage, a->workflow, "field", &e);
    bench_check(&e, "remove");
}

void bench_fill(char *noise, char *smooth, size_t size_bytes)
{
    uint64_t state = 88172645463325252u;
    for (size_t at = 0; at < size_bytes; at += sizeof state) {
        float pair[2];
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(noise + at, &state, sizeof state);
        for (size_t i = 0; i < 2; i++) {
            double x = sin((double)(at / 4 + i) / 1e5) * 20 +
                       (double)(state >> 32 * i & 0xffff) / 65536;
            pair[i] = (float)(floor(x * 100) / 100);
        }
        memcpy(smooth + at, pair, sizeof pair);
    }
}

void bench_keep(const char *path, const char *data, size_t size_bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size_bytes, f) != size_bytes || fclose(f)) {
        bench_die("%s: cannot be written", path);
    }
}
