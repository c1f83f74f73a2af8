/* SPDX-License-Identifier: Apache-2.0 */
/* arrays.c: writing and reading large arrays, side by side in one run: plain system calls, this
 * library, h5py, dask on h5py. Sides take turns in every round, and begin in another order each
 * time; what is read back is compared. Prints a table in Markdown.
 *
 * bench_arrays [ROUNDS [PYTHON PEERS.PY]]; without PYTHON the peers are left out.
 */
#include "bench.h"

#include <stdlib.h>
#include <unistd.h>

enum side { PLAIN, OURS, H5PY, DASK, SIDES };
enum what { WRITE, WRITE_SYNC, READ, WHATS };

static const char *const side_name[SIDES] = {"plain", "functionfuse", "h5py",
                                             "dask + h5py"};
static const char *const what_name[WHATS] = {"write", "write, fsync", "read"};

/* All are f4. */
struct row {
    const char *name;
    int64_t shape[2], chunk[2];
    const char *options; /* of deflate: h5py's gzip alone stands beside it; NULL: raw */
};

static const struct row rows[] = {
    {"512 MiB, 4 MiB chunks (64, 16384)", {8192, 16384}, {64, 16384}, NULL},
    {"512 MiB, 4 MiB chunks (1024, 1024)", {8192, 16384}, {1024, 1024}, NULL},
    {"256 MiB, 64 KiB chunks (1, 16384)", {4096, 16384}, {1, 16384}, NULL},
    {"256 MiB, 64 KiB chunks (128, 128)", {4096, 16384}, {128, 128}, NULL},
    {"64 MiB, shuffle and deflate 4, 4 MiB chunks (64, 16384)",
     {1024, 16384},
     {64, 16384},
     "{\"compression\": \"deflate\", \"level\": 4}"},
};
enum { ROWS = sizeof rows / sizeof *rows };

struct bench {
    char folder[BENCH_PATH_BYTES];
    struct bench_store store[2]; /* enum ff_durability */
    struct bench_peers peers;
    char *data, *smooth, *dst; /* noise; what deflate makes less of */
    size_t rounds;
    double spent_s[ROWS][WHATS][SIDES][BENCH_ROUNDS_MAX];
};

static int64_t rows_of(const struct row *r)
{
    return bench_small() ? r->shape[0] / 8 : r->shape[0];
}

static size_t bytes_of(const struct row *r)
{
    return (size_t)(rows_of(r) * r->shape[1]) * sizeof(float);
}

static char *data_of(const struct bench *b, const struct row *r)
{
    return r->options ? b->smooth : b->data;
}

static int takes_part(size_t row, size_t side)
{
    return !rows[row].options || side == OURS || side == H5PY;
}

/* ---- the peers ---- */

static double peers_do(struct bench_peers *p, const char *who, const char *what,
                       const char *path, const struct row *r, int sync)
{
    return bench_peers_do(p, "%s %s %s %lld %lld %lld %lld %d %d", who, what, path,
                          (long long)rows_of(r), (long long)r->shape[1],
                          (long long)r->chunk[0], (long long)r->chunk[1], sync,
                          r->options != NULL);
}

/* ---- this library ---- */

static struct bench_array array_of(const struct row *r)
{
    return (struct bench_array){.workflow = "bench",
                                .shape = {rows_of(r), r->shape[1]},
                                .chunk = {r->chunk[0], r->chunk[1]},
                                .options = r->options};
}

/* ---- one turn ---- */

static double do_write(struct bench *b, const struct row *r, enum side side, int sync,
                       const char *path)
{
    struct bench_array array = array_of(r);
    switch (side) {
    case PLAIN:
        return bench_plain_write(path, b->data, bytes_of(r),
                                 (size_t)(r->chunk[0] * r->chunk[1]) * sizeof(float),
                                 sync);
    case OURS:
        return bench_array_save(&b->store[!sync], &array, data_of(b, r));
    default:
        return peers_do(&b->peers, side == H5PY ? "h5py" : "dask", "write", path, r,
                        sync);
    }
}

static double do_read(struct bench *b, const struct row *r, enum side side, int sync,
                      const char *path)
{
    struct bench_array array = array_of(r);
    double spent;
    if (side > OURS) {
        return peers_do(&b->peers, side == H5PY ? "h5py" : "dask", "read", path, r, 0);
    }
    memset(b->dst, 0, bytes_of(r));
    spent = side == OURS
                ? bench_array_read(&b->store[!sync], &array, b->dst)
                : bench_plain_read(path, b->dst, bytes_of(r),
                                   (size_t)(r->chunk[0] * r->chunk[1]) * sizeof(float));
    if (memcmp(b->dst, data_of(b, r), bytes_of(r)) != 0) {
        bench_die("%s: %s: read back other elements", r->name, side_name[side]);
    }
    return spent;
}

/* Written, read, removed: nothing is overwritten, nothing is left in the page cache. */
static void turn(struct bench *b, size_t row, enum side side, int sync, size_t round)
{
    const struct row *r = &rows[row];
    char path[BENCH_PATH_BYTES + 16];
    double write_s, read_s;
    (void)snprintf(path, sizeof path, "%s/side%d", b->folder, (int)side);
    write_s = do_write(b, r, side, sync, path);
    b->spent_s[row][sync ? WRITE_SYNC : WRITE][side][round] = write_s;
    read_s = do_read(b, r, side, sync, path);
    if (!sync) {
        b->spent_s[row][READ][side][round] = read_s;
    }
    if (side == OURS) {
        struct bench_array array = array_of(r);
        bench_array_remove(&b->store[!sync], &array);
    } else if (unlink(path)) {
        bench_die("%s: cannot remove it", path);
    }
}

static enum side sides_of(const struct bench *b)
{
    return b->peers.to ? SIDES : H5PY;
}

static void run_row(struct bench *b, size_t row, int sync)
{
    size_t sides = sides_of(b);
    turn(b, row, OURS, sync, 0); /* the first one warms up */
    for (size_t round = 0; round < b->rounds; round++) {
        for (size_t i = 0; i < sides; i++) {
            size_t side = (i + round) % sides;
            if (takes_part(row, side)) {
                turn(b, row, (enum side)side, sync, round);
            }
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
    (void)printf("| array | |");
    for (size_t i = 0; i < sides; i++) {
        if (i != OURS) {
            (void)printf(" of %s |", side_name[i]);
        }
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
    for (size_t i = 0; i < sides; i++) {
        if (i != OURS && takes_part(row, i)) {
            (void)printf(" %.2f x |", ratio(b, row, what, (enum side)i));
        } else if (i != OURS) {
            (void)printf(" |");
        }
    }
    for (size_t i = 0; i < sides; i++) {
        if (takes_part(row, i)) {
            (void)printf(" %.0f |", speed(b, row, what, (enum side)i));
        } else {
            (void)printf(" |");
        }
    }
    (void)printf("\n");
    (void)fflush(stdout);
}

static void fill_data(char *data, size_t size_bytes)
{
    uint64_t state = 88172645463325252u;
    for (size_t at = 0; at < size_bytes; at += sizeof state) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(data + at, &state, sizeof state);
    }
}

/* 12 bits of chance in each element, as peers.py has it. */
static void fill_smooth(char *data, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes / sizeof(float); i++) {
        float element = (float)(((uint32_t)i * 2654435761u) >> 20);
        memcpy(data + i * sizeof element, &element, sizeof element);
    }
}

static void prepare(struct bench *b)
{
    char folder[2][BENCH_PATH_BYTES + 16];
    bench_scratch(b->folder);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(folder[i], sizeof folder[i], "%s/store%d", b->folder, i);
        b->store[i] = bench_store_open(folder[i], i, 0);
    }
    b->data = bench_memory(bytes_of(&rows[0]));
    b->dst = bench_memory(bytes_of(&rows[0]));
    fill_data(b->data, bytes_of(&rows[0]));
    b->smooth = bench_memory(bytes_of(&rows[ROWS - 1]));
    fill_smooth(b->smooth, bytes_of(&rows[ROWS - 1]));
}

/* bench_arrays [ROUNDS [ROW [PYTHON SCRIPT]]]: ROW is a number from 0, or all. */
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
        run_row(&b, row, 0);
        report(&b, row, WRITE);
        report(&b, row, READ);
        run_row(&b, row, 1);
        report(&b, row, WRITE_SYNC);
    }
    bench_peers_end(&b.peers);
    bench_store_close(&b.store[0]);
    bench_store_close(&b.store[1]);
    bench_remove(b.folder);
    return 0;
}
