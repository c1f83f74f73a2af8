/* SPDX-License-Identifier: Apache-2.0 */
/* s3.c: zarr on one S3 server, side by side in one run: this library, a bare parallel client, Python
 * Function Fuse, zarr-python on s3fs and on obstore, zarrs (its codec pipeline for zarr-python) on
 * obstore, and TensorStore; the same elements, chunks and codecs. Sides take turns in every round,
 * and begin in another order each time; what is read back is compared. Each peer is a process of
 * its own. Prints a row of a table in Markdown; the server is at $FF_S3_URL.
 */
#include "s3.h"

#include <stdlib.h>

enum side { OURS, BARE, FUSE, S3FS, OBSTORE, ZARRS, TENSORSTORE, SIDES };
enum what { WRITE, READ, WHATS };

static const char *const side_name[SIDES] = {
    "functionfuse",         "bare client", "Python Function Fuse", "zarr-python, s3fs",
    "zarr-python, obstore", "zarrs",       "TensorStore"};
static const char *const what_name[WHATS] = {"write", "read"};
static const char *const side_word[SIDES] = {NULL,      NULL,    "fuse",       "s3fs",
                                             "obstore", "zarrs", "tensorstore"};

/* All are f4. */
struct row {
    const char *name;
    int64_t shape[2], chunk[2];
    int blosc; /* lz4, level 5, byte shuffle; else raw */
};

static const struct row rows[] = {
    {"raw, 4 MiB chunks", {4096, 8192}, {1024, 1024}, 0},
    {"blosc-lz4, 4 MiB chunks", {4096, 8192}, {1024, 1024}, 1},
    {"raw, 64 KiB chunks", {1024, 8192}, {128, 128}, 0},
    {"blosc-lz4, 64 KiB chunks", {1024, 8192}, {128, 128}, 1},
    {"raw, 4 MiB chunks, each in one piece", {4096, 8192}, {128, 8192}, 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

struct bench {
    const char *url, *server;
    const struct row *row;
    char folder[BENCH_PATH_BYTES], data_path[BENCH_PATH_BYTES + 16];
    struct bench_store store;
    struct bench_peers peers[SIDES];
    char *data, *dst;
    size_t rounds;
    struct bench_cost cost[WHATS][SIDES][BENCH_ROUNDS_MAX];
};

static size_t chunk_bytes(const struct row *r)
{
    return (size_t)(r->chunk[0] * r->chunk[1]) * sizeof(float);
}

static size_t bytes_of(const struct row *r)
{
    size_t all = (size_t)(r->shape[0] * r->shape[1]) * sizeof(float);
    return bench_small() ? all / 4 : all;
}

/* Whether this side has that row: the bare client knows no codec, Python Function Fuse has no
 * choice of one. */
static int takes_part(const struct bench *b, enum side side)
{
    return side == OURS || (side == BARE ? !b->row->blosc : b->peers[side].to != NULL);
}

/* ---- one turn ---- */

static struct bench_array array_of(const struct row *r)
{
    return (struct bench_array){
        .workflow = "bench",
        .shape = {bench_small() ? r->shape[0] / 4 : r->shape[0], r->shape[1]},
        .chunk = {r->chunk[0], r->chunk[1]},
        .options = r->blosc ? "{\"zarr\": {\"compressor\": \"blosc-lz4\"}}"
                            : "{\"zarr\": {\"compressor\": \"none\"}}"};
}

static void peers_do(struct bench *b, enum side side, enum what what, size_t round)
{
    const struct row *r = b->row;
    struct bench_array a = array_of(r);
    bench_peers_cost(&b->peers[side], &b->cost[what][side][round],
                     "%s %zu %s %lld %lld %lld %lld %d", what_name[what], round,
                     b->data_path, (long long)a.shape[0], (long long)a.shape[1],
                     (long long)r->chunk[0], (long long)r->chunk[1], r->blosc);
}

static void ours_do(struct bench *b, enum side side, enum what what, size_t round)
{
    const struct row *r = b->row;
    struct bench_array a = array_of(r);
    struct bench_cost *cost = &b->cost[what][side][round];
    char *data = what == READ ? b->dst : b->data;
    memset(b->dst, 0, bytes_of(r));
    bench_cost_begin(cost);
    if (side == BARE) {
        (void)bench_bare(b->url, "test/bare", what == WRITE, data, chunk_bytes(r),
                         bytes_of(r) / chunk_bytes(r));
    } else if (what == WRITE) {
        (void)bench_array_save(&b->store, &a, data);
    } else {
        (void)bench_array_read(&b->store, &a, data);
    }
    bench_cost_end(cost);
    if (what == READ && memcmp(b->dst, b->data, bytes_of(r)) != 0) {
        bench_die("%s: %s: read back other elements", r->name, side_name[side]);
    }
}

/* Written, read, removed. */
static void turn(struct bench *b, enum side side, size_t round)
{
    struct bench_array a = array_of(b->row);
    for (int what = WRITE; what < WHATS; what++) {
        (side > BARE ? peers_do : ours_do)(b, side, (enum what)what, round);
    }
    if (side == OURS) {
        bench_array_remove(&b->store, &a);
    } else if (side != BARE) {
        (void)bench_peers_do(&b->peers[side], "remove %zu", round);
    }
}

static void run_row(struct bench *b)
{
    for (int side = OURS; side < SIDES; side++) { /* the first one warms up */
        if (takes_part(b, (enum side)side)) {
            turn(b, (enum side)side, 0);
        }
    }
    for (size_t round = 0; round < b->rounds; round++) {
        for (size_t i = 0; i < SIDES; i++) {
            enum side side = (enum side)((i + round) % SIDES);
            if (takes_part(b, side)) {
                turn(b, side, round);
            }
        }
    }
}

/* ---- the report ---- */

/* How many times as fast as that side: the middle of the rounds. */
static double ratio(const struct bench *b, enum what what, enum side side)
{
    double r[BENCH_ROUNDS_MAX];
    for (size_t i = 0; i < b->rounds; i++) {
        r[i] = b->cost[what][side][i].wall_s / b->cost[what][OURS][i].wall_s;
    }
    return bench_median(r, b->rounds);
}

/* What is aimed at. */
static double target(const struct bench *b, enum what what, enum side side)
{
    int small = chunk_bytes(b->row) < 1 << 20;
    if (side == BARE) {
        return strcmp(b->server, "memory") == 0 ? 0.9 : 0.95;
    }
    if (side == FUSE && small) {
        return 10;
    }
    return side == TENSORSTORE && small && what == READ && strcmp(b->server, "RGW") == 0
               ? 3
               : 1;
}

static void report_side(const struct bench *b, enum what what, enum side side)
{
    double wall_s[BENCH_ROUNDS_MAX], cpu_s[BENCH_ROUNDS_MAX], memory_mib = 0;
    for (size_t i = 0; i < b->rounds; i++) {
        const struct bench_cost *c = &b->cost[what][side][i];
        wall_s[i] = c->wall_s;
        cpu_s[i] = c->cpu_s;
        memory_mib = c->memory_mib > memory_mib ? c->memory_mib : memory_mib;
    }
    (void)printf(" %.0f (%.2f s, %.0f MiB) |",
                 (double)bytes_of(b->row) / 1e6 / bench_median(wall_s, b->rounds),
                 bench_median(cpu_s, b->rounds), memory_mib);
}

static void report(const struct bench *b, enum what what)
{
    (void)printf("| %s, %s | %s |", b->server, b->row->name, what_name[what]);
    for (int side = BARE; side < SIDES; side++) {
        if (!takes_part(b, (enum side)side)) {
            (void)printf(" – |");
            continue;
        }
        double r = ratio(b, what, (enum side)side);
        (void)printf(" %.2f x%s |", r,
                     r < target(b, what, (enum side)side) ? " (below)" : "");
    }
    for (int side = OURS; side < SIDES; side++) {
        if (takes_part(b, (enum side)side)) {
            report_side(b, what, (enum side)side);
        } else {
            (void)printf(" – |");
        }
    }
    (void)printf("\n");
}

static void report_head(void)
{
    (void)printf("| zarr on S3 | |");
    for (int i = BARE; i < SIDES; i++) {
        (void)printf(" of %s |", side_name[i]);
    }
    for (int i = OURS; i < SIDES; i++) {
        (void)printf(" %s |", side_name[i]);
    }
    (void)printf("\n|---|---|");
    for (int i = BARE; i < 2 * SIDES; i++) {
        (void)printf("---:|");
    }
    (void)printf("\n");
}

static void prepare(struct bench *b, char *python, char *fuse, char *script)
{
    char *other = bench_memory(bytes_of(b->row)), json[BENCH_PATH_BYTES];
    b->url = getenv("FF_S3_URL");
    if (!b->url) {
        bench_die("$FF_S3_URL is not set: tests/servers/with.sh");
    }
    bench_scratch(b->folder);
    (void)snprintf(b->data_path, sizeof b->data_path, "%s/data", b->folder);
    bench_s3_json(b->url, json, sizeof json);
    b->store = bench_store_of(json, FF_DURABILITY_FULL, 0);
    b->data = bench_memory(bytes_of(b->row));
    b->dst = bench_memory(bytes_of(b->row));
    bench_fill(b->row->blosc ? other : b->data, b->row->blosc ? b->data : other,
               bytes_of(b->row));
    bench_keep(b->data_path, b->data, bytes_of(b->row));
    for (int side = FUSE; python && side < SIDES; side++) {
        char *interpreter = side == FUSE ? fuse : python;
        if (interpreter && (side != FUSE || b->row->blosc)) {
            bench_peers_start(&b->peers[side], interpreter, script, side_word[side]);
        }
    }
}

/* bench_s3 SERVER ROUNDS ROW [PYTHON FUSE SCRIPT]: ROW is a number from 0; PYTHON has zarr-python 3
 * and the others, FUSE is one that can run Python Function Fuse, or "". */
int main(int argc, char **argv)
{
    static struct bench b;
    size_t row = argc > 3 ? strtoul(argv[3], NULL, 10) % ROWS : 0;
    if (argc != 4 && argc != 7) {
        bench_die("bench_s3 SERVER ROUNDS ROW [PYTHON FUSE SCRIPT]");
    }
    b.server = argv[1];
    b.rounds = bench_rounds(argv[2]);
    b.row = &rows[row];
    prepare(&b, argc == 7 ? argv[4] : NULL, argc == 7 && *argv[5] ? argv[5] : NULL,
            argc == 7 ? argv[6] : NULL);
    run_row(&b);
    if (row == 0) {
        report_head();
    }
    report(&b, WRITE);
    report(&b, READ);
    for (int side = FUSE; side < SIDES; side++) {
        bench_peers_end(&b.peers[side]);
    }
    bench_store_close(&b.store);
    bench_remove(b.folder);
    return 0;
}
