/* SPDX-License-Identifier: Apache-2.0 */
/* faults_hedge.c: a GET whose answer is late is asked a second time, on a connection of its own: at
 * most one in fifty, and whichever answers first is taken, once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faults.h"

enum { LATE_MS = 6000, SOON_MS = 4500, MANY = 20, SIZE = 3000 };

/* As patient as it is without options: a GET is late after 2 s. */
static void open_patient(void)
{
    static char json[512];

    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/@DIR@\", "
                   "\"s3fs\": {\"endpoint_url\": \"%s\", \"key\": \"ffkey\", \"secret\": "
                   "\"ffsecretffsecret\", \"config_kwargs\": {\"read_timeout\": 20, "
                   "\"retries\": {\"max_attempts\": 0}}}}}",
                   getenv("FF_S3_URL"));
    subject_is(json, &s3_plugin, 1);
    subject_open();
}

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void text_of(char text[SIZE + 1])
{
    for (size_t i = 0; i < SIZE; i++) {
        text[i] = (char)('a' + i * 7 % 26);
    }
    text[SIZE] = '\0';
}

static void put_object(void)
{
    char text[SIZE + 1];

    text_of(text);
    CLAUSE_OK(put_text(subject.objects, "object", text, NULL, NULL, e), "PUT");
}

/* How many milliseconds it took. */
static int64_t get_object(void)
{
    char text[SIZE + 1], data[SIZE];
    uint64_t came = 0, whole = 0;
    int64_t begun = now_ms();

    text_of(text);
    CLAUSE_OK(get_range(subject.objects, "object", 0, data, SIZE, &came, &whole, NULL, e),
              "GET");
    begun = now_ms() - begun;
    CASE_MSG(came == SIZE && whole == SIZE && !memcmp(data, text, SIZE),
             "%llu of %llu bytes, or others", (unsigned long long)came,
             (unsigned long long)whole);
    return begun;
}

static void get_that_is_late_is_asked_twice_and_taken_once(void)
{
    int64_t took_ms;

    put_object();
    server_arm("slow", "GET", 1, LATE_MS, "/object");
    took_ms = get_object();
    CASE_MSG(took_ms < SOON_MS, "it took %lld ms", (long long)took_ms);
    CASE_ASSERT(server_count("GET", "/object") == 2);
    CASE_ASSERT(server_off().fired == 1);
}

/* Both late: the first one is taken, whole. */
static void get_whose_second_is_late_too_is_taken_once(void)
{
    int64_t took_ms;

    put_object();
    server_arm("slow", "GET", 2, 3000, "/object");
    took_ms = get_object();
    CASE_MSG(took_ms >= 2900 && took_ms < SOON_MS, "it took %lld ms", (long long)took_ms);
    CASE_ASSERT(server_count("GET", "/object") == 2);
    (void)server_off();
}

/* Without the second one it would have been answered. */
static void second_that_is_refused_does_not_end_the_first(void)
{
    put_object();
    server_arm("slow_then_busy", "GET", ALWAYS, 3000, "/object");
    (void)get_object();
    CASE_ASSERT(server_count("GET", "/object") == 2);
    CASE_ASSERT(server_off().fired == 2);
}

static void what_is_no_get_of_bytes_is_not_asked_twice(void)
{
    put_object();
    server_arm("slow", "ANY", ALWAYS, 3000, "/object");
    CLAUSE_OK(put_text(subject.objects, "object", "x", NULL, NULL, e), "PUT");
    CLAUSE_OK(ff_head(subject.objects, "object", NULL, NULL, NULL, e), "HEAD");
    CLAUSE_OK(remove_if(subject.objects, "object", NULL, e), "REMOVE");
    CASE_ASSERT(server_count("PUT", "/object") == 1);
    CASE_ASSERT(server_count("HEAD", "/object") == 1);
    CASE_ASSERT(server_count("DELETE", "/object") == 1);
    (void)server_off();
}

/* ---- a server that is slow for everybody ---- */

struct many {
    struct ff_batch batch; /* first */
    struct ff_io ios[MANY];
    char data[MANY][SIZE];
    unsigned at;
    atomic_uint good;
};

static struct ff_io *next(struct ff_batch *batch)
{
    struct many *m = (struct many *)(void *)batch;

    return m->at < MANY ? &m->ios[m->at++] : NULL;
}

static void *buffer(struct ff_io *io, uint64_t size_bytes)
{
    return size_bytes <= SIZE ? io->user : NULL;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct many *m = (struct many *)(void *)batch;

    (void)e;
    if (!code && io->size_bytes == SIZE) {
        atomic_fetch_add(&m->good, 1);
    }
    return 0;
}

static void slow_server_is_not_asked_twice_for_each(void)
{
    static struct many m;
    int count;

    put_object();
    m.batch = (struct ff_batch){
        .struct_size = FF_SIZE(ff_batch, done), .ctx = &m, .next = next, .done = done};
    for (size_t i = 0; i < MANY; i++) {
        m.ios[i] = (struct ff_io){.struct_size = FF_SIZE(ff_io, is_folder),
                                  .op = FF_GET,
                                  .name = "object",
                                  .user = m.data[i],
                                  .size_bytes = SIZE,
                                  .buffer = buffer};
    }
    server_arm("slow", "GET", ALWAYS, 3000, "/object");
    CLAUSE_OK(subject.objects->run(subject.objects, &m.batch, NULL, e), "run");
    count = server_count("GET", "/object");
    (void)server_off();
    CASE_MSG(atomic_load(&m.good) == MANY, "%u of %d came", atomic_load(&m.good), MANY);
    CASE_MSG(count == MANY + 1, "%d requests for %d objects", count, MANY);
}

static const struct case_test tests[] = {
    CASE(get_that_is_late_is_asked_twice_and_taken_once),
    CASE(get_whose_second_is_late_too_is_taken_once),
    CASE(second_that_is_refused_does_not_end_the_first),
    CASE(what_is_no_get_of_bytes_is_not_asked_twice),
    CASE(slow_server_is_not_asked_twice_for_each),
};
const struct case_suite hedge_suite = {.name = "late answers",
                                       .before = open_patient,
                                       .after = subject_close,
                                       .tests = tests,
                                       .count = sizeof tests / sizeof *tests,
                                       .timeout_s = 60};
