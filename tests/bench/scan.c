/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: scanning pickles beside loading them, and beside the scanners of Python, in turns, in one
 * run. Each is asked for the globals of one pickle. Prints a table in Markdown.
 *
 * bench_scan ROUNDS PYTHON SCAN_PEERS.PY */
#include "bench.h"

#include <functionfuse/pickle.h>
#include <stdlib.h>
#include <string.h>

enum { OWN_TURNS = 5 };
enum side { SCAN, LOAD, SIDES };

static const struct {
    const char *name, *text;
} rows[] = {{"mixed", "records of str, int, float, bytes, tuples, lists"},
            {"ints", "1e6 ints"},
            {"floats", "1e6 floats"},
            {"str", "1e6 distinct short str"},
            {"dicts", "1e5 small dicts"},
            {"tuples", "1e5 (int, float, str)"},
            {"objects", "1e5 objects of a class"},
            {"bytes", "1e4 bytes of 4 KiB"}};
static const char *const peers[] = {"genops", "picklescan", "fickling"};
enum { ROWS = sizeof rows / sizeof *rows, PEERS = sizeof peers / sizeof *peers };

static int count(void *ctx, const struct ff_scanned_global *g)
{
    *(uint64_t *)ctx += g->count;
    return 0;
}

static double scan_s(const char *data, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    uint64_t globals = 0;
    const struct ff_scan scan = {
        .struct_size = sizeof scan, .ctx = &globals, .global = count};
    double begin = bench_now_s();
    (void)ff_pickle_scan(data, size, NULL, &scan, NULL, &e);
    double spent = bench_now_s() - begin;
    bench_check(&e, "scan");
    return spent;
}

static void nothing(void *data)
{
    (void)data;
}

static double load_s(char *data, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    double begin = bench_now_s();
    struct ff_doc *doc = ff_pickle_load(data, size, data, nothing, NULL, NULL, &e);
    ff_doc_free(doc);
    double spent = bench_now_s() - begin;
    bench_check(&e, "load");
    return spent;
}

static char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data = NULL;
    if (f && !fseek(f, 0, SEEK_END)) {
        long end = ftell(f);
        rewind(f);
        *size = (size_t)end;
        data = malloc(*size);
    }
    if (!data || fread(data, 1, *size, f) != *size) {
        bench_die("cannot read %s", path);
    }
    (void)fclose(f);
    return data;
}

/* MB/s of each peer; one round, they take seconds. Below 0: it is not there. */
static void print_row(size_t row, size_t rounds, struct bench_peers *p, const char *path)
{
    double own[SIDES][BENCH_ROUNDS_MAX * OWN_TURNS], megabytes;
    size_t size = 0, n = 0;
    (void)bench_peers_do(p, "make %s %s", rows[row].name, path);
    char *data = read_file(path, &size);
    megabytes = (double)size / 1e6;
    for (; n < rounds * OWN_TURNS; n++) {
        own[SCAN][n] = scan_s(data, size);
        own[LOAD][n] = load_s(data, size);
    }
    double scan = bench_median(own[SCAN], n), load = bench_median(own[LOAD], n);
    (void)printf("| %s, %.1f MB | %.0f | %.0f | %.1f x |", rows[row].text, megabytes,
                 megabytes / scan, megabytes / load, load / scan);
    for (size_t i = 0; i < PEERS; i++) {
        double spent = bench_peers_do(p, "%s %s", peers[i], path);
        if (spent < 0) {
            (void)printf(" – |");
        } else {
            (void)printf(" %.2f |", megabytes / spent);
        }
    }
    (void)printf("\n");
    (void)fflush(stdout);
    free(data);
}

int main(int argc, char **argv)
{
    struct bench_peers p;
    char folder[BENCH_PATH_BYTES], path[BENCH_PATH_BYTES + 16];
    if (argc != 4) {
        bench_die("usage: bench_scan ROUNDS PYTHON SCAN_PEERS.PY");
    }
    bench_scratch(folder);
    (void)snprintf(path, sizeof path, "%s/x.pkl", folder);
    bench_peers_start(&p, argv[2], argv[3], NULL);
    (void)printf("| MB/s | scan | load | scan / load | pickletools.genops | picklescan | "
                 "fickling |\n|---|---:|---:|---:|---:|---:|---:|\n");
    for (size_t i = 0; i < ROWS; i++) {
        print_row(i, bench_rounds(argv[1]), &p, path);
    }
    bench_peers_end(&p);
    bench_remove(folder);
    return 0;
}
