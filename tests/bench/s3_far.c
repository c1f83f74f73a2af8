/* SPDX-License-Identifier: Apache-2.0 */
/* s3_far.c: what a far server costs. Large chunks are to come as fast as the same bytes to a bare
 * client that has many requests under way, by the same way; small ones are to be bound by how many
 * are under way. What is read is written by way of a proxy without delay.
 *
 * bench_s3_far SERVER ROUNDS NEAR_URL FAR_URL
 */
#include "s3.h"

enum { SMALL_CHUNKS = 10000, PINGS = 21 };

static const struct bench_array large = {.workflow = "bench",
                                         .shape = {4096, 16384},
                                         .chunk = {1024, 1024},
                                         .options =
                                             "{\"zarr\": {\"compressor\": \"none\"}}"};
static const struct bench_array small = {.workflow = "small",
                                         .shape = {3200, 3200},
                                         .chunk = {32, 32},
                                         .options =
                                             "{\"zarr\": {\"compressor\": \"none\"}}"};

static struct bench_store open_at(const char *url)
{
    struct ff_error e = FF_ERROR_INIT;
    char json[BENCH_PATH_BYTES];
    struct bench_store s;
    bench_s3_json(url, json, sizeof json);
    s = bench_store_of(json, FF_DURABILITY_FULL, 0);
    (void)ff_new_workflow(s.storage, "small", &e);
    bench_check(&e, "small");
    return s;
}

static size_t bytes_of(const struct bench_array *a)
{
    return (size_t)(a->shape[0] * a->shape[1]) * sizeof(float);
}

static double read_all(const struct bench_store *s, const struct bench_array *a,
                       const char *data, char *dst)
{
    double spent_s;
    memset(dst, 0, bytes_of(a));
    spent_s = bench_array_read(s, a, dst);
    if (memcmp(data, dst, bytes_of(a)) != 0) {
        bench_die("read back other elements");
    }
    return spent_s;
}

/* Of one small object, over a connection that is there. */
static double round_trip_s(const char *url, char *data)
{
    double s[PINGS];
    (void)bench_bare(url, "test/ping", 1, data, 1024, 1);
    for (size_t i = 0; i < PINGS; i++) {
        s[i] = bench_bare(url, "test/ping", 0, data, 1024, 1);
    }
    return bench_median(s, PINGS);
}

int main(int argc, char **argv)
{
    double bare_s[BENCH_ROUNDS_MAX], large_s[BENCH_ROUNDS_MAX];
    double small_s[BENCH_ROUNDS_MAX], share[BENCH_ROUNDS_MAX], trip_s, trips, most;
    size_t piece = (size_t)(large.chunk[0] * large.chunk[1]) * sizeof(float);
    size_t rounds;
    struct bench_store at[2];
    char *data, *other, *dst, ping[1024];

    if (argc != 5) {
        bench_die("bench_s3_far SERVER ROUNDS NEAR_URL FAR_URL");
    }
    rounds = bench_rounds(argv[2]);
    data = bench_memory(bytes_of(&large));
    other = bench_memory(bytes_of(&large));
    dst = bench_memory(bytes_of(&large));
    bench_fill(data, other, bytes_of(&large));
    trip_s = round_trip_s(argv[4], ping);
    at[0] = open_at(argv[3]);
    at[1] = open_at(argv[4]);
    (void)bench_array_save(&at[0], &large, data);
    (void)bench_array_save(&at[0], &small, data);
    (void)bench_bare(argv[3], "test/bare", 1, data, piece, bytes_of(&large) / piece);
    (void)read_all(&at[1], &large, data, dst); /* warms up */
    for (size_t i = 0; i < rounds; i++) {
        bare_s[i] =
            bench_bare(argv[4], "test/bare", 0, dst, piece, bytes_of(&large) / piece);
        large_s[i] = read_all(&at[1], &large, data, dst);
        small_s[i] = read_all(&at[1], &small, data, dst);
        share[i] = bare_s[i] / large_s[i];
    }
    trips = bench_median(small_s, rounds) / trip_s;
    most = 1.3 * SMALL_CHUNKS / BENCH_S3_IN_FLIGHT;
    (void)printf(
        "| %s, a round trip of %.1f ms | %.0f MB/s, the bare client %.0f: %.2f x%s |"
        " %.2f s, %.0f round trips of at most %.0f%s |\n",
        argv[1], trip_s * 1e3,
        (double)bytes_of(&large) / 1e6 / bench_median(large_s, rounds),
        (double)bytes_of(&large) / 1e6 / bench_median(bare_s, rounds),
        bench_median(share, rounds), bench_median(share, rounds) < 0.8 ? " (below)" : "",
        bench_median(small_s, rounds), trips, most, trips > most ? " (below)" : "");
    bench_array_remove(&at[0], &large);
    bench_array_remove(&at[0], &small);
    bench_store_close(&at[0]);
    bench_store_close(&at[1]);
    return 0;
}
