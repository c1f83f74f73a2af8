/* SPDX-License-Identifier: Apache-2.0 */
/* zarr.c: zarr on files, side by side in one run: this library, zarr-python, zarrs (its codec
 * pipeline for zarr-python) and TensorStore; the same elements, chunks and codecs, nobody syncs.
 * Sides take turns in every round, and begin in another order each time; what is read back is
 * compared. Prints a table in Markdown.
 * Without PYTHON the peers are left out.
 */
#include "bench.h"

#include <math.h>
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

/* ---- this library ---- */

static double ours_write(struct bench *b, const struct row *r)
{
    struct ff_error e = FF_ERROR_INIT;
    int64_t shape[2] = {rows_of(r), r->shape[1]};
    char options[160], shard[64] = "";
    if (r->shard[0]) {
        (void)snprintf(shard, sizeof shard, ", \"format\": 3, \"shard\": [%lld, %lld]",
                       (long long)r->shard[0], (long long)r->shard[1]);
    }
    (void)snprintf(options, sizeof options, "{\"zarr\": {\"compressor\": \"%s\"%s}}",
                   r->blosc ? "blosc-lz4" : "none", shard);
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunk = r->chunk,
                                .data = b->data[r->blosc],
                                .options = options};
    double begin = bench_now_s();
    struct ff_doc *doc = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(doc, ff_array_new(&p, &e), &e);
    (void)ff_save(b->store.storage, workflow_of(r), "field", v, NULL, &e);
    ff_doc_free(doc);
    bench_check(&e, "save");
    return bench_now_s() - begin;
}

static double ours_read(struct bench *b, const struct row *r)
{
    struct ff_error e = FF_ERROR_INIT;
    double begin = bench_now_s();
    struct ff_doc *doc =
        ff_read_task(b->store.storage, workflow_of(r), "field", NULL, &e);
    const struct ff_array *a = ff_array(ff_doc_root(doc), &e);
    (void)ff_array_read(a, NULL, b->dst, NULL, NULL, &e);
    ff_doc_free(doc);
    bench_check(&e, "read");
    return bench_now_s() - begin;
}

static void ours_remove(struct bench *b, const struct row *r)
{
    struct ff_error e = FF_ERROR_INIT;
    (void)ff_remove_task(b->store.storage, workflow_of(r), "field", &e);
    bench_check(&e, "remove");
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
    char path[BENCH_PATH_BYTES + 16];
    double *write_s = &b->spent_s[row][WRITE][side][round];
    double *read_s = &b->spent_s[row][READ][side][round];
    (void)snprintf(path, sizeof path, "%s/side%d", b->folder, (int)side);
    if (side != OURS) {
        *write_s = peers_do(b, side, "write", path, r);
        *read_s = peers_do(b, side, "read", path, r);
        bench_remove(path);
        return;
    }
    *write_s = ours_write(b, r);
    memset(b->dst, 0, bytes_of(r));
    *read_s = ours_read(b, r);
    if (memcmp(b->dst, b->data[r->blosc], bytes_of(r)) != 0) {
        bench_die("%s: read back other elements", r->name);
    }
    ours_remove(b, r);
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

/* Random bits; and a measurement of two decimals that changes slowly: blosc makes about half. */
static void fill_data(char *noise, char *smooth, size_t size_bytes)
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

static void keep_data(const char *path, const char *data, size_t size_bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size_bytes, f) != size_bytes || fclose(f)) {
        bench_die("%s: cannot be written", path);
    }
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
    fill_data(b->data[0], b->data[1], bytes_of(&rows[0]));
    for (int i = 0; i < 2 && b->peers.to; i++) {
        keep_data(b->data_path[i], b->data[i], bytes_of(&rows[0]));
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
        bench_peers_start(&b.peers, argv[3], argv[4]);
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
