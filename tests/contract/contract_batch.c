/* SPDX-License-Identifier: Apache-2.0 */
/* contract_batch.c: ff.objects/1, many operations in one run. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"

#define OBJECTS    subject.objects
#define ITEM_COUNT 300

/* Every third item gets what is there, every third one what is not, the others are put. */
struct many {
    struct ff_batch batch;
    struct ff_io ios[ITEM_COUNT];
    char names[ITEM_COUNT][16];
    char data[ITEM_COUNT][4];
    int codes[ITEM_COUNT];
    atomic_int done_calls[ITEM_COUNT];
    atomic_int inside_next, overlaps, total_done;
    size_t issued;
    int stop_after;   /* done() returns nonzero from this call on; 0 = never */
    int cancel_after; /* done() cancels at this call; 0 = never */
    struct cancel cancel;
};

static struct bytes text = {"xyz", 3};

static void *item_buffer(struct ff_io *io, uint64_t size)
{
    return size <= 4 ? io->user : NULL;
}

static void make_item(struct many *m, size_t i)
{
    struct ff_io *io = &m->ios[i];

    io->struct_size = FF_SIZE(ff_io, is_folder);
    io->op = i % 3 == 2 ? FF_PUT : FF_GET;
    io->name = i % 3 == 0 ? "there" : i % 3 == 1 ? "absent" : m->names[i];
    (void)snprintf(m->names[i], sizeof m->names[i], "d/n%zu", i);
    io->user = m->data[i];
    io->buffer = item_buffer;
    io->size_bytes = 3;
    io->source = read_bytes;
    io->source_ctx = &text;
}

static struct ff_io *next(struct ff_batch *batch)
{
    struct many *m = batch->ctx;
    struct ff_io *io = NULL;

    atomic_fetch_add(&m->overlaps, atomic_fetch_add(&m->inside_next, 1) != 0);
    if (m->issued < ITEM_COUNT) {
        make_item(m, m->issued);
        io = &m->ios[m->issued++];
    }
    atomic_fetch_sub(&m->inside_next, 1);
    return io;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct many *m = batch->ctx;
    size_t i = (size_t)(io - m->ios);
    int calls = atomic_fetch_add(&m->total_done, 1) + 1;

    atomic_fetch_add(&m->done_calls[i], 1);
    m->codes[i] = code && (!e || e->code != code) ? 12345 : code;
    if (calls == m->cancel_after) {
        atomic_store(&m->cancel.flag, 1);
    }
    return m->stop_after && calls >= m->stop_after;
}

static struct many *many_new(void)
{
    struct many *m = calloc(1, sizeof *m);

    CASE_ASSERT(m != NULL);
    m->batch = (struct ff_batch){
        .struct_size = FF_SIZE(ff_batch, done), .ctx = m, .next = next, .done = done};
    cancel_init(&m->cancel);
    CLAUSE_OK(put_text(OBJECTS, "there", "abc", NULL, NULL, e), "PUT");
    return m;
}

static void each_done_once(const struct many *m)
{
    CLAUSE(m->overlaps == 0, "run: next is never called by two threads at once");
    for (size_t i = 0; i < ITEM_COUNT; i++) {
        CASE_MSG(m->done_calls[i] == (i < m->issued),
                 "run: exactly one done for each item issued: item %zu of %zu had %d", i,
                 m->issued, (int)m->done_calls[i]);
        CASE_MSG(m->codes[i] != 12345, "done: a failure comes with its error");
    }
}

static void run_ends_each_item_with_its_own_code(void)
{
    static const uint32_t widths[] = {0, 1, 8};

    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        struct many *m = many_new();

        m->batch.width = widths[w];
        CLAUSE_OK(OBJECTS->run(OBJECTS, &m->batch, NULL, e),
                  "run: an item's failure is its own");
        CLAUSE(m->issued == ITEM_COUNT, "run: until next gives NULL");
        each_done_once(m);
        for (size_t i = 0; i < ITEM_COUNT; i++) {
            CASE_MSG(m->codes[i] == (i % 3 == 1 ? FF_E_NOT_FOUND : FF_OK),
                     "run: each item has its own code: item %zu has %d", i, m->codes[i]);
            CLAUSE(i % 3 || !memcmp(m->data[i], "abc", 3), "GET: the bytes");
        }
        CLAUSE(is_text(OBJECTS, "d/n299", "xyz"), "PUT: in a batch");
        free(m);
    }
}

static void run_when_cancelled_ends_each_item_once(void)
{
    static const int moments[] = {1, 50, 150};

    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        struct many *m = many_new();

        m->cancel_after = moments[i];
        CLAUSE_CODE(OBJECTS->run(OBJECTS, &m->batch, &m->cancel.call, e), FF_E_CANCELLED,
                    "run: cancelled");
        each_done_once(m);
        CLAUSE(m->issued < ITEM_COUNT, "run: a cancellation stops the rest");
        free(m);
    }
}

static void run_cancelled_before_it_begins_does_nothing(void)
{
    struct many *m = many_new();

    atomic_store(&m->cancel.flag, 1);
    CLAUSE_CODE(OBJECTS->run(OBJECTS, &m->batch, &m->cancel.call, e), FF_E_CANCELLED,
                "run: cancelled");
    each_done_once(m);
    CLAUSE(!exists(OBJECTS, "d/n2"), "run: cancelled before it began");
    free(m);
}

static void run_when_done_says_stop_stops_the_rest(void)
{
    struct many *m = many_new();

    m->stop_after = 10;
    m->batch.width = 4;
    (void)OBJECTS->run(OBJECTS, &m->batch, NULL,
                       NULL); /* the caller knows why it stopped */
    each_done_once(m);
    CLAUSE(m->issued < 10 + 4 + 1, "run: a nonzero return of done stops the rest");
    free(m);
}

/* ---- a source is positional ---- */

#define LARGE_BYTES 5000000u

static int pattern(void *ctx, uint64_t offset, void *dst, size_t size,
                   const struct ff_call *call, struct ff_error *e)
{
    (void)ctx;
    (void)call;
    if (offset + size > LARGE_BYTES) {
        return ff_fail(e, FF_E_PLUGIN, NULL, "source: asked for bytes past the size");
    }
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)dst)[i] = (unsigned char)((offset + i) * 31 >> 3);
    }
    return FF_OK;
}

static void put_of_many_bytes_arrives_whole(void)
{
    unsigned char *data = malloc(LARGE_BYTES);
    size_t wrong = 0;

    CASE_ASSERT(data != NULL);
    CLAUSE_OK(ff_put_bytes(OBJECTS, "large", LARGE_BYTES, pattern, NULL, NULL, e), "PUT");
    CLAUSE_OK(ff_get_bytes(OBJECTS, "large", 0, data, LARGE_BYTES, NULL, NULL, e), "GET");
    for (size_t i = 0; i < LARGE_BYTES; i++) {
        wrong += data[i] != (unsigned char)(i * 31 >> 3);
    }
    CLAUSE(wrong == 0, "PUT: the bytes of the source, each at its place");
    free(data);
}

/* ---- many threads ---- */

#define WRITERS 4
#define ROUNDS  100

struct writer {
    int number, failures, won, torn;
    pthread_t thread;
};

/* Whether all bytes are the same one, and none is missing. */
static bool is_whole(const char *data, uint64_t came, uint64_t whole)
{
    for (uint64_t i = 1; i < came; i++) {
        if (data[i] != data[0]) {
            return false;
        }
    }
    return came == whole && came >= 1000;
}

static void *replace_and_read(void *arg)
{
    struct writer *w = arg;
    char out[2001], in[2001], name[32];
    uint64_t came, whole;

    for (int i = 0; i < ROUNDS; i++) {
        size_t length = 1000 + (size_t)(w->number * 100);

        memset(out, 'a' + w->number, length);
        out[length] = '\0';
        w->failures += put_text(OBJECTS, "shared", out, NULL, NULL, NULL) != 0;
        w->failures += get_range(OBJECTS, "shared", 0, in, sizeof in, &came, &whole, NULL,
                                 NULL) != 0;
        w->torn += !is_whole(in, came, whole);
        (void)snprintf(name, sizeof name, "once/%d", i);
        w->won += put_text(OBJECTS, name, "x", "", NULL, NULL) == FF_OK;
    }
    return NULL;
}

static void many_threads_see_whole_objects_and_one_winner(void)
{
    struct writer writers[WRITERS] = {0};
    int won = 0;

    for (int i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        CASE_ASSERT(
            pthread_create(&writers[i].thread, NULL, replace_and_read, &writers[i]) == 0);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        CLAUSE(writers[i].failures == 0, "PUT, GET: any thread, many at a time");
        CLAUSE(writers[i].torn == 0,
               "PUT: atomic: a reader sees the old or the new object");
        won += writers[i].won;
    }
    CLAUSE(!medium_is_atomic() || won == ROUNDS,
           "if_match \"\": of many at once exactly one succeeds");
}

static const struct case_test tests[] = {
    CASE(run_ends_each_item_with_its_own_code),
    CASE(run_when_cancelled_ends_each_item_once),
    CASE(run_cancelled_before_it_begins_does_nothing),
    CASE(run_when_done_says_stop_stops_the_rest),
    CASE(put_of_many_bytes_arrives_whole),
    CASE(many_threads_see_whole_objects_and_one_winner),
};

const struct case_suite batch_suite = {
    .name = "ff.objects/1, batches",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 60,
};
