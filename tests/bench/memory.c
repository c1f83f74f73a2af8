/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: 8 GiB that no memory holds: computed by a callback, saved within a budget of 256 MiB,
 * and read back region by region within the same. $FF_BENCH_SMALL: 2 GiB. */
#include "bench.h"

#include <stdlib.h>
#include <sys/statvfs.h>

enum { COLUMNS = 16384, CHUNK_ROWS = 64, REGION_ROWS = 1024, LIMIT_MIB = 400 };

static const uint64_t budget_bytes = 256u << 20;

/* The element in row i, column k is i * COLUMNS + k, as an integer of 32 bits. */
static int fill(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                const struct ff_call *call, struct ff_error *e)
{
    uint32_t *to = dst;
    (void)ctx, (void)call, (void)e;
    for (int64_t i = 0; i < count[0]; i++) {
        uint32_t first = (uint32_t)((start[0] + i) * COLUMNS + start[1]);
        for (uint32_t k = 0; k < (uint32_t)count[1]; k++) {
            *to++ = first + k;
        }
    }
    return FF_OK;
}

static double save(const struct bench_store *s, int64_t rows)
{
    struct ff_error e = FF_ERROR_INIT;
    int64_t shape[2] = {rows, COLUMNS}, chunk[2] = {CHUNK_ROWS, COLUMNS};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<u4",
                                .shape = shape,
                                .chunk = chunk,
                                .fill = fill};
    double begin = bench_now_s();
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(doc, ff_array_new(&p, &e), &e);
    (void)ff_save(s->storage, "bench", "large", v, NULL, &e);
    ff_doc_free(doc);
    bench_check(&e, "save");
    return bench_now_s() - begin;
}

static double read_regions(const struct bench_store *s, int64_t rows)
{
    struct ff_error e = FF_ERROR_INIT;
    double begin = bench_now_s();
    struct ff_doc *doc = ff_read_task(s->storage, "bench", "large", NULL, &e);
    const struct ff_array *a = ff_array(ff_doc_root(doc), &e);
    size_t count = (size_t)REGION_ROWS * COLUMNS;
    uint32_t *region = malloc(count * sizeof *region);
    for (int64_t row = 0; row < rows; row += REGION_ROWS) {
        int64_t start[2] = {row, 0}, size[2] = {REGION_ROWS, COLUMNS};
        struct ff_region r = {start, size, NULL};
        (void)ff_array_read(a, &r, region, NULL, NULL, &e);
        bench_check(&e, "read");
        for (size_t i = 0; i < count; i++) {
            if (region[i] != (uint32_t)(row * COLUMNS) + (uint32_t)i) {
                bench_die("row %lld: read back other elements", (long long)row);
            }
        }
    }
    free(region);
    ff_doc_free(doc);
    return bench_now_s() - begin;
}

static void report(const char *what, uint64_t bytes, double spent_s)
{
    uint64_t peak = bench_peak_mib();
    (void)printf("| %s %llu GiB | %llu MiB | < %d MiB | %s | %.0f MB/s |\n", what,
                 (unsigned long long)(bytes >> 30), (unsigned long long)peak, LIMIT_MIB,
                 peak < LIMIT_MIB ? "yes" : "NO", (double)bytes / 1e6 / spent_s);
}

int main(void)
{
    int64_t rows = bench_small() ? 32768 : 131072;
    uint64_t bytes = (uint64_t)rows * COLUMNS * sizeof(uint32_t);
    char folder[BENCH_PATH_BYTES];
    struct bench_store s;
    struct statvfs fs;
    double spent_s;
    bench_scratch(folder);
    if (statvfs(folder, &fs) || (uint64_t)fs.f_bavail * fs.f_frsize < bytes + bytes / 8) {
        bench_remove(folder);
        bench_die("%s has no room for %llu bytes: set TMPDIR, or FF_BENCH_SMALL", folder,
                  (unsigned long long)bytes);
    }
    s = bench_store_open(folder, FF_DURABILITY_NONE, budget_bytes);
    (void)printf("| out of core, budget 256 MiB | peak resident | limit | met | speed |\n"
                 "|---|---:|---:|---|---:|\n");
    spent_s = save(&s, rows);
    report("save from a callback,", bytes, spent_s);
    spent_s = read_regions(&s, rows);
    report("read back in regions of 64 MiB, compared,", bytes, spent_s);
    bench_store_close(&s);
    bench_remove(folder);
    return 0;
}
