/* SPDX-License-Identifier: Apache-2.0 */
/* border.c: what the border of a plugin costs: an array of 64 KiB chunks through the array serializer
 * and the protocol "file", once loaded from their files, once compiled into this program and
 * registered with ff_register_static(). Both sides in turns, in an order that changes; what is
 * compared is the time of the processor, of all threads.
 *
 * bench_border [ROUNDS [loaded|linked]]; one side alone: for valgrind, which counts instructions.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { ROWS = 1024, CHUNK_ELEMENTS = 16384 }; /* 64 MiB of f4 */
enum side { LOADED, LINKED, SIDES };

/* Under names of this program's: see meson.build. */
const struct ff_protocol *linked_file_describe(void);
const struct ff_serializer *ff_serializer_describe(void);

struct place {
    struct ff_host *host;
    struct ff_storage *storage;
};

static float *data, *back;

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* "disable" takes the names away from the files of the other side. */
static struct place open_place(enum side side, const char *folder)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .threads = BENCH_THREADS,
                                .config_json = "{}",
                                .durability = FF_DURABILITY_NONE};
    struct place p = {ff_host_open(&o, &e), NULL};
    char json[BENCH_PATH_BYTES + 64];
    if (side == LINKED) {
        (void)ff_register_static(p.host, NULL, linked_file_describe, &e);
        (void)ff_register_static(p.host, ff_serializer_describe, NULL, &e);
    }
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s/%d\"}}", folder,
                   side);
    p.storage = ff_storage_factory(p.host, json, &e);
    (void)ff_new_workflow(p.storage, "bench", &e);
    bench_check(&e, "open");
    return p;
}

static void check_place(const struct place *p, enum side side)
{
    for (size_t i = 0; i < ff_plugin_count(p->host); i++) {
        const struct ff_plugin_row *r = ff_plugin_at(p->host, i);
        int is_linked = strstr(r->file, "bench_border") != NULL;
        if (strcmp(r->code, "loaded") == 0 && strcmp(r->name, "S3") != 0 &&
            is_linked != (side == LINKED)) {
            bench_die("%s is from %s", r->name, r->file);
        }
    }
}

static double save(const struct place *p)
{
    static const int64_t shape[2] = {ROWS, CHUNK_ELEMENTS},
                         chunk[2] = {1, CHUNK_ELEMENTS};
    struct ff_array_params params = {.struct_size = FF_SIZE(ff_array_params, options),
                                     .ndim = 2,
                                     .descr = "<f4",
                                     .shape = shape,
                                     .chunk = chunk,
                                     .data = data};
    struct ff_error e = FF_ERROR_INIT;
    double begin = cpu_s(), spent;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_array_take(d, ff_array_new(&params, &e), &e);
    (void)ff_save(p->storage, "bench", "x", v, NULL, &e);
    spent = cpu_s() - begin;
    ff_doc_free(d);
    bench_check(&e, "save");
    return spent;
}

static double read_back(const struct place *p)
{
    struct ff_error e = FF_ERROR_INIT;
    double begin = cpu_s(), spent;
    struct ff_doc *d = ff_read_task(p->storage, "bench", "x", NULL, &e);
    (void)ff_array_read(ff_array(ff_doc_root(d), &e), NULL, back, NULL, NULL, &e);
    spent = cpu_s() - begin;
    ff_doc_free(d);
    bench_check(&e, "read");
    if (memcmp(data, back, sizeof *data * ROWS * CHUNK_ELEMENTS) != 0) {
        bench_die("other elements came back");
    }
    return spent;
}

/* What disturbs a round only adds to its time, so the best of many rounds says most. */
static void report(const char *what, double *loaded_s, double *linked_s, double *ratio,
                   size_t n)
{
    double loaded = bench_median(loaded_s, n),
           linked = bench_median(linked_s, n); /* sort */
    double best = loaded_s[0] / linked_s[0] - 1;
    (void)printf(
        "| %s | %.2f / %.2f ms | %+.2f %% | %.2f / %.2f ms | %+.2f %% | < 1 %% | %s |\n",
        what, 1e3 * loaded_s[0], 1e3 * linked_s[0], 100 * best, 1e3 * loaded,
        1e3 * linked, 100 * (bench_median(ratio, n) - 1), best < 0.01 ? "yes" : "NO");
}

int main(int argc, char **argv)
{
    static double spent[2][SIDES][BENCH_ROUNDS_MAX], ratio[2][BENCH_ROUNDS_MAX];
    size_t n = bench_rounds(argc > 1 ? argv[1] : "41");
    struct place place[SIDES];
    char folder[BENCH_PATH_BYTES];
    (void)umask(022);
    bench_scratch(folder);
    data = (float *)(void *)bench_memory(sizeof *data * ROWS * CHUNK_ELEMENTS);
    back = (float *)(void *)bench_memory(sizeof *back * ROWS * CHUNK_ELEMENTS);
    for (size_t i = 0; i < (size_t)ROWS * CHUNK_ELEMENTS; i++) {
        data[i] = (float)i;
    }
    if (argc > 2) { /* one side alone, for a counter of instructions */
        int s = strcmp(argv[2], "linked") == 0 ? LINKED : LOADED;
        place[s] = open_place((enum side)s, folder);
        for (size_t i = 0; i < n; i++) {
            (void)save(&place[s]);
            (void)read_back(&place[s]);
        }
        check_place(&place[s], (enum side)s);
        ff_storage_close(place[s].storage);
        ff_host_close(place[s].host);
        bench_remove(folder);
        return 0;
    }
    for (int s = 0; s < SIDES; s++) {
        place[s] = open_place((enum side)s, folder);
        (void)save(&place[s]);
        (void)read_back(&place[s]);
        check_place(&place[s], (enum side)s);
    }
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < SIDES; k++) {
            int s = (int)(i + (size_t)k) % SIDES;
            spent[0][s][i] = save(&place[s]);
            spent[1][s][i] = read_back(&place[s]);
        }
        for (int w = 0; w < 2; w++) {
            ratio[w][i] = spent[w][LOADED][i] / spent[w][LINKED][i];
        }
    }
    (void)printf(
        "| 64 MiB in 64 KiB chunks: loaded / linked in | best of %zu | | middle | middle "
        "of the rounds' own | limit | met |\n|---|---:|---:|---:|---:|---:|---|\n",
        n);
    report("write", spent[0][LOADED], spent[0][LINKED], ratio[0], n);
    report("read", spent[1][LOADED], spent[1][LINKED], ratio[1], n);
    for (int s = 0; s < SIDES; s++) {
        ff_storage_close(place[s].storage);
        ff_host_close(place[s].host);
    }
    bench_remove(folder);
    return 0;
}
