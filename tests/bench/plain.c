/* SPDX-License-Identifier: Apache-2.0 */
/* plain.c: the same bytes by pwrite and pread alone: what the system gives at most for one file. */
#include "bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

struct transfer {
    int fd, writes;
    char *data;
    size_t size_bytes, piece_bytes;
    atomic_size_t next_bytes;
    atomic_int failed;
};

static void *work(void *arg)
{
    struct transfer *t = arg;
    size_t at;
    while ((at = atomic_fetch_add(&t->next_bytes, t->piece_bytes)) < t->size_bytes) {
        ssize_t done = t->writes ? pwrite(t->fd, t->data + at, t->piece_bytes, (off_t)at)
                                 : pread(t->fd, t->data + at, t->piece_bytes, (off_t)at);
        if (done != (ssize_t)t->piece_bytes) {
            atomic_store(&t->failed, 1);
        }
    }
    return NULL;
}

static void transfer(struct transfer *t, const char *path)
{
    pthread_t thread[BENCH_THREADS - 1];
    for (size_t i = 0; i < BENCH_THREADS - 1; i++) {
        if (pthread_create(&thread[i], NULL, work, t)) {
            bench_die("no thread");
        }
    }
    (void)work(t);
    for (size_t i = 0; i < BENCH_THREADS - 1; i++) {
        (void)pthread_join(thread[i], NULL);
    }
    if (atomic_load(&t->failed)) {
        bench_die("%s: a short transfer", path);
    }
}

double bench_plain_write(const char *path, const char *data, size_t size_bytes,
                         size_t piece_bytes, int sync)
{
    double begin = bench_now_s();
    struct transfer t = {open(path, O_RDWR | O_CREAT | O_EXCL, 0644),
                         1,
                         (char *)(uintptr_t)data,
                         size_bytes,
                         piece_bytes,
                         0,
                         0};
    if (t.fd < 0 || posix_fallocate(t.fd, 0, (off_t)size_bytes)) {
        bench_die("%s: cannot make a file of %zu bytes", path, size_bytes);
    }
    transfer(&t, path);
    if ((sync && fsync(t.fd)) || close(t.fd)) {
        bench_die("%s: cannot finish it", path);
    }
    return bench_now_s() - begin;
}

double bench_plain_read(const char *path, char *data, size_t size_bytes,
                        size_t piece_bytes)
{
    double begin = bench_now_s();
    struct transfer t = {open(path, O_RDONLY), 0, data, size_bytes, piece_bytes, 0, 0};
    if (t.fd < 0) {
        bench_die("%s: cannot open it", path);
    }
    transfer(&t, path);
    (void)close(t.fd);
    return bench_now_s() - begin;
}
