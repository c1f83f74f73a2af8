/* SPDX-License-Identifier: Apache-2.0 */
/* test_hdf_parallel.c: chunks are compressed and decompressed on several threads at once, and none
 * of them has the lock group of libhdf5. */
#include "hdf_stub.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#include "run.h"

enum { WAIT_S = 20, THREADS = 2 }; /* as many as the stub has */

/* Where all threads meet: nobody goes on before the last is there. Those that one lock lets in
 * one by one would never meet. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t all_there;
    int here, met, lonely, with_group;
} meeting = {.lock = PTHREAD_MUTEX_INITIALIZER, .all_there = PTHREAD_COND_INITIALIZER};

static void meet(void)
{
    struct timespec end;

    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += WAIT_S;
    pthread_mutex_lock(&meeting.lock);
    meeting.with_group += stub_has_group();
    meeting.here++;
    if (meeting.here == THREADS) {
        meeting.met++;
        pthread_cond_broadcast(&meeting.all_there);
    }
    while (meeting.here < THREADS && !meeting.lonely) {
        meeting.lonely =
            pthread_cond_timedwait(&meeting.all_there, &meeting.lock, &end) != 0;
    }
    pthread_mutex_unlock(&meeting.lock);
}

/* The linker puts these before zlib's; where libraries refer to zlib too it wants them visible. */
#define VISIBLE __attribute__((visibility("default")))
int __real_deflate(z_streamp z, int flush);
VISIBLE int __wrap_deflate(z_streamp z, int flush);
int __real_inflate(z_streamp z, int flush);
VISIBLE int __wrap_inflate(z_streamp z, int flush);

int __wrap_deflate(z_streamp z, int flush)
{
    meet();
    return __real_deflate(z, flush);
}

int __wrap_inflate(z_streamp z, int flush)
{
    meet();
    return __real_inflate(z, flush);
}

static void expect_they_met(const char *doing)
{
    ck_assert_msg(meeting.met == 1 && !meeting.lonely, "%s: one waited for the other",
                  doing);
    ck_assert_msg(meeting.with_group == 0, "%s: with the lock group", doing);
    meeting.here = meeting.met = 0;
}

START_TEST(filters_of_two_chunks_overlap_outside_the_lock_group)
{
    struct stub s;
    struct stub_array a;
    struct ff_array *got;
    struct ff_error e = FF_ERROR_INIT;
    uint64_t total_bytes;
    unsigned char *data;

    stub_open(&s, NULL, "{\"compression\": \"deflate\"}");
    stub_array_make(&a, "<i4", 4, 2, (int64_t[]){1024, 512}, (int64_t[]){512, 512});
    ck_assert_int_eq(stub_pickle(&s, &a.array, "a", NULL, &e), FF_OK);
    expect_they_met("deflate");
    got = stub_unpickle(&s, "a", &e);
    ck_assert_ptr_nonnull(got);
    data = stub_read_all(got, &total_bytes, &e);
    ck_assert_ptr_nonnull(data);
    expect_they_met("inflate");
    ck_assert_mem_eq(data, a.data, a.total_bytes);
    free(data);
    got->release(got);
    stub_array_free(&a);
    stub_close(&s);
}
END_TEST

RUN_TESTS("hdf_parallel", filters_of_two_chunks_overlap_outside_the_lock_group)
