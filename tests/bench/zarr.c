/* SPDX-License-Identifier: Apache-2.0 */
/* zarr.c: zarr on files, side by side in one run: this library, zarr-python, zarrs (its codec
 * pipeline for zarr-python) and TensorStore; the same elements, chunks and codecs, nobody syncs.
 * Sides take turns in every round, and begin in another order each time; what is read back is
 * compared. Prints a table in Markdown.
 * Without PYTHON the peers are left out.
 */
#include "bench.h"

#include <stdlib.h>

enum side { OURS, ZARR, ZARRS, TENSORSTORE, SIDES };
enum what { WRITE, READ, WHATS };

static const char *const side_name[SIDES] = {"functionfuse", "zarr-python", "zarrs",
                                             "TensorStore"};
static const char *const what_name[WHATS] = {"write", "read"};

/* All are f4. */
struct row {
    const char *name;
    int64_t shape[2], chunk[2], shard[2];
    int blosc; /* lz4, level 5, byte shuffle; else raw */
};

static const struct row rows[] = {
    {"raw, 4 MiB chunks (1024, 1024)", {8192, 16384}, {1024, 1024}, {0, 0}, 0},
    {"blosc-lz4, 4 MiB chunks (1024, 1024)", {8192, 16384}, {1024, 1024}, {0, 0}, 1},
    {"raw, 64 KiB chunks (128, 128)", {4096, 16384}, {128, 128}, {0, 0}, 0},
    {"blosc-lz4, 64 KiB chunks (128, 128)", {4096, 16384}, {128, 128}, {0, 0}, 1},
    {"blosc-lz4, 64 KiB chunks in shards (1024, 1024)",
     {8192, 16384},
     {128, 128},
     {1024, 1024},
     1},
};
enum { ROWS = sizeof rows / sizeof *rows };

struct bench {
    char folder[BENCH_PATH_BYTES], data_path[2][BENCH_PATH_BYTES + 16];
    struct bench_store store;
    struct bench_peers peers;
    char *data[2], *dst; /* noise, and what can be compressed */
    size_t rounds;
    double spent_s[ROWS][WHATS][SIDES][BENCH_ROUNDS_MAX];
};

static int64_t rows_of(const struct row *r)
{
    return bench_small() ? r->shape[0] / 4 : r->shape[0];
}

static size_t bytes_of(const struct row *r)
{
    return (size_t)(rows_of(r) * r->shape[1]) * sizeof(float);
}

static const char *workflow_of(const struct row *r)
{
    return r->shard[0] ? "bench3" : "bench"; /* a group has one format */
}

static struct bench_array array_of(const struct row *r, char options[160])
{
    char shard[64] = "";
    if (r->shard[0]) {
        (void)snprintf(shard, sizeof shard, ", \"format\": 3, \"shard\": [%lld, %lld]",
                       (long long)r->shard[0], (long long)r->shard[1]);
    }
    (void)snprintf(options, 160, "{\"zarr\": {\"compressor\": \"%s\"%s}}",
                   r->blosc ? "blosc-lz4" : "none", shard);
    return (struct bench_array){.workflow = workflow_of(r),
                                .shape = {rows_of(r), r->shape[1]},
                                .chunk = {r->chunk[0], r->chunk[1]},
                                .options = options};
}

/* ---- one turn ---- */

static double peers_do(struct bench *b, enum side side, const char *what,
                       const char *path, const struct row *r)
{
    static const char *const who[SIDES] = {"", "zarr", "zarrs", "tensorstore"};
    return bench_peers_do(&b->peers, "%s %s %s %s %lld %lld %lld %lld %lld %lld %d",
                          who[side], what, path, b->data_path[r->blosc],
                          (long long)rows_of(r), (long long)r->shape[1],
                          (long long)r->chunk[0], (long long)r->chunk[1],
                          (long long)r->shard[0], (long long)r->shard[1], r->blosc);
}

/* Written, read, removed: nothing is overwritten, nothing is left in the page cache. */
static void turn(struct bench *b, size_t row, enum side side, size_t round)
{
    const struct row *r = &rows[row];
    char path[BENCH_PATH_BYTES + 16], options[160];
    struct bench_array array = array_of(r, options);
    double *write_s = &b->spent_s[row][WRITE][side][round];
    double *read_s = &b->spent_s[row][READ][side][round];
    (void)snprintf(path, sizeof path, "%s/side%d", b->folder, (int)side);
    if (side != OURS) {
        *write_s = peers_do(b, side, "write", path, r);
        *read_s = peers_do(b, side, "read", path, r);
        bench_remove(path);
        return;
    }
    *write_s = bench_array_save(&b->store, &array, b->data[r->blosc]);
    memset(b->dst, 0, bytes_of(r));
    *read_s = bench_array_read(&b->store, &array, b->dst);
    if (memcmp(b->dst, b->data[r->blosc], bytes_of(r)) != 0) {
        bench_die("%s: read back other elements", r->name);
    }
    bench_array_remove(&b->store, &array);
}

static enum side sides_of(const struct bench *b)
{
    return b->peers.to ? SIDES : ZARR;
}

static void run_row(struct bench *b, size_t row)
{
    size_t sides = sides_of(b);
    turn(b, row, OURS, 0); /* the first one warms up */
    for (size_t round = 0; round < b->rounds; round++) {
        for (size_t i = 0; i < sides; i++) {
            turn(b, row, (enum side)((i + round) % sides), round);
        }
    }
}

/* ---- the report ---- */

/* How many times as fast as that side: the middle of the rounds. */
static double ratio(const struct bench *b, size_t row, enum what what, enum side side)
{
    double r[BENCH_ROUNDS_MAX];
    for (size_t i = 0; i < b->rounds; i++) {
        r[i] = b->spent_s[row][what][side][i] / b->spent_s[row][what][OURS][i];
    }
    return bench_median(r, b->rounds);
}

static double speed(const struct bench *b, size_t row, enum what what, enum side side)
{
    double s[BENCH_ROUNDS_MAX];
    memcpy(s, b->spent_s[row][what][side], sizeof s);
    return (double)bytes_of(&rows[row]) / 1e6 / bench_median(s, b->rounds);
}

static void report_head(const struct bench *b)
{
    size_t sides = sides_of(b);
    (void)printf("| zarr on files | |");
    for (size_t i = ZARR; i < sides; i++) {
        (void)printf(" of %s |", side_name[i]);
    }
    for (size_t i = 0; i < sides; i++) {
        (void)printf(" %s |", side_name[i]);
    }
    (void)printf("\n|---|---|%.*s\n", (int)(2 * sides - 1) * 5,
                 "---:|---:|---:|---:|---:|---:|---:|");
}

static void report(const struct bench *b, size_t row, enum what what)
{
    size_t sides = sides_of(b);
    (void)printf("| %s | %s |", rows[row].name, what_name[what]);
    for (size_t i = ZARR; i < sides; i++) {
        (void)printf(" %.2f x |", ratio(b, row, what, (enum side)i));
    }
    for (size_t i = 0; i < sides; i++) {
        (void)printf(" %.0f |", speed(b, row, what, (enum side)i));
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

static void prepare(struct bench *b)
{
    struct ff_error e = FF_ERROR_INIT;
    char folder[BENCH_PATH_BYTES + 16];
    bench_scratch(b->folder);
    (void)snprintf(folder, sizeof folder, "%s/store", b->folder);
    b->store = bench_store_open(folder, FF_DURABILITY_NONE, 0);
    (void)ff_new_workflow(b->store.storage, "bench3", &e);
    bench_check(&e, "bench3");
    for (int i = 0; i < 2; i++) {
        b->data[i] = bench_memory(bytes_of(&rows[0]));
        (void)snprintf(b->data_path[i], sizeof b->data_path[i], "%s/data%d", b->folder,
                       i);
    }
    b->dst = bench_memory(bytes_of(&rows[0]));
    bench_fill(b->data[0], b->data[1], bytes_of(&rows[0]));
    for (int i = 0; i < 2 && b->peers.to; i++) {
        bench_keep(b->data_path[i], b->data[i], bytes_of(&rows[0]));
    }
}

/* bench_zarr [ROUNDS [ROW [PYTHON SCRIPT]]]: ROW is a number from 0, or all. */
int main(int argc, char **argv)
{
    static struct bench b;
    size_t first = 0, end = ROWS;

    b.rounds = bench_rounds(argc > 1 ? argv[1] : "5");
    if (argc > 2 && strcmp(argv[2], "all") != 0) {
        first = strtoul(argv[2], NULL, 10) % ROWS;
        end = first + 1;
    }
    if (argc == 5) {
        bench_peers_start(&b.peers, argv[3], argv[4], NULL);
    }
    prepare(&b);
    if (first == 0) {
        (void)printf(
            "MB/s of elements, the middle of %zu rounds; \"of X\": how many times as "
            "fast as X, the middle of the rounds' own ratios.\n\n",
            b.rounds);
        report_head(&b);
    }
    for (size_t row = first; row < end; row++) {
        run_row(&b, row);
        report(&b, row, WRITE);
        report(&b, row, READ);
    }
    bench_peers_end(&b.peers);
    bench_store_close(&b.store);
    bench_remove(b.folder);
    return 0;
}
