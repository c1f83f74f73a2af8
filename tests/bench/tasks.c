/* SPDX-License-Identifier: Apache-2.0 */
/* tasks.c: a value of 200 MB as a task, saved and read back, each in a process of its own: how much
 * memory it needs at most, and how near the speed comes to SHA-1 by OpenSSL, which every task needs.
 * No fsync, page cache warm. $FF_BENCH_SMALL: 20 MB.
 */
#include "bench.h"

#include <functionfuse/pickle.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 5 };

struct value {
    const char *name;
    char *data;
    struct ff_doc *doc;
};

static size_t payload_bytes(void)
{
    return bench_small() ? 20000000 : 200000000;
}

static void keep(void *taken)
{
    (void)taken;
}

/* The pickle of a bytes object, around its payload: PROTO 4, BINBYTES, MEMOIZE, STOP. */
static struct value bytes_value(void)
{
    struct ff_error e = FF_ERROR_INIT;
    size_t size = payload_bytes();
    struct value v = {"bytes", malloc(size + 9), NULL};
    unsigned char head[7] = {0x80, 4, 'B'};
    for (int i = 0; i < 4; i++) {
        head[3 + i] = (unsigned char)(size >> (8 * i));
    }
    memcpy(v.data, head, sizeof head);
    memset(v.data + sizeof head, 1, size);
    memcpy(v.data + sizeof head + size, "\x94.", 2);
    v.doc = ff_pickle_load(v.data, size + 9, v.data, keep, NULL, NULL, &e);
    bench_check(&e, "load");
    return v;
}

static struct value array_value(void)
{
    struct ff_error e = FF_ERROR_INIT;
    size_t size = payload_bytes();
    struct value v = {"ndarray, inline", malloc(size), ff_doc_new(&e)};
    int64_t shape = (int64_t)(size / sizeof(double));
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = 1,
                                .descr = "<f8",
                                .shape = &shape,
                                .data = v.data};
    memset(v.data, 1, size);
    (void)ff_doc_set_root(v.doc, ff_new_array_take(v.doc, ff_array_new(&p, &e), &e), &e);
    bench_check(&e, "build");
    return v;
}

static double sha1_s(size_t size_bytes)
{
    char *data = malloc(size_bytes);
    unsigned char digest[EVP_MAX_MD_SIZE];
    double begin;
    memset(data, 1, size_bytes);
    begin = bench_now_s();
    (void)EVP_Digest(data, size_bytes, digest, NULL, EVP_sha1(), NULL);
    begin = bench_now_s() - begin;
    free(data);
    return begin;
}

/* A task of its own each time: what a save replaces is read, to remove what that owned. */
static double save_once(const struct bench_store *s, const struct value *v, int round)
{
    struct ff_error e = FF_ERROR_INIT;
    char task[32];
    double begin = bench_now_s();
    (void)snprintf(task, sizeof task, "value%d", round);
    (void)ff_save(s->storage, "bench", task, ff_doc_root(v->doc), NULL, &e);
    begin = bench_now_s() - begin;
    if (round) {
        (void)ff_remove_task(s->storage, "bench", task, &e);
    }
    bench_check(&e, "save");
    return begin;
}

static double read_once(const struct bench_store *s)
{
    struct ff_error e = FF_ERROR_INIT;
    double begin = bench_now_s();
    struct ff_doc *doc = ff_read_task(s->storage, "bench", "value0", NULL, &e);
    ff_doc_free(doc);
    bench_check(&e, "read");
    return bench_now_s() - begin;
}

static void report(const char *what, const char *name, double spent_s, uint64_t peak_mib,
                   uint64_t base_mib)
{
    double size = (double)payload_bytes();
    double times = (double)(peak_mib - base_mib) * 1048576 / size;
    (void)printf("| %s, %s | %.2f x%s | %.0f MB/s | %.2f |\n", what, name, times,
                 times > 1.1 ? " **above**" : "", size / 1e6 / spent_s,
                 sha1_s(payload_bytes()) / spent_s);
    (void)fflush(stdout);
}

static void save_all(const struct bench_store *s, struct value (*make)(void))
{
    uint64_t base = bench_peak_mib();
    struct value v = make();
    double spent_s[ROUNDS];
    uint64_t peak;
    (void)save_once(s, &v, 0);
    peak = bench_peak_mib();
    for (int i = 0; i < ROUNDS; i++) {
        spent_s[i] = save_once(s, &v, i + 1);
    }
    report("save", v.name, bench_median(spent_s, ROUNDS), peak, base);
    ff_doc_free(v.doc);
    free(v.data);
}

static void read_all(const struct bench_store *s, const char *name)
{
    uint64_t base = bench_peak_mib(), peak;
    double spent_s[ROUNDS];
    (void)read_once(s);
    peak = bench_peak_mib();
    for (int i = 0; i < ROUNDS; i++) {
        spent_s[i] = read_once(s);
    }
    report("read", name, bench_median(spent_s, ROUNDS), peak, base);
}

static void in_a_process(const char *scratch, int array, int reads)
{
    char folder[BENCH_PATH_BYTES + 16];
    pid_t child = fork();
    int status;
    if (child < 0) {
        bench_die("cannot start a process");
    }
    if (child == 0) {
        (void)snprintf(folder, sizeof folder, "%s/store%d", scratch, array);
        struct bench_store s = bench_store_open(folder, FF_DURABILITY_NONE, 0);
        if (reads) {
            read_all(&s, array ? "ndarray, inline" : "bytes");
        } else {
            save_all(&s, array ? array_value : bytes_value);
        }
        bench_store_close(&s);
        exit(0);
    }
    if (waitpid(child, &status, 0) < 0 || status) {
        bench_die("a process failed");
    }
}

int main(void)
{
    char folder[BENCH_PATH_BYTES];
    bench_scratch(folder);
    (void)printf(
        "| a value of %zu MB as a task | peak memory / payload | speed | of SHA-1's "
        "speed |\n|---|---:|---:|---:|\n",
        payload_bytes() / 1000000);
    (void)fflush(stdout);
    for (int i = 0; i < 4; i++) {
        in_a_process(folder, i / 2, i % 2);
    }
    bench_remove(folder);
    return 0;
}
