/* SPDX-License-Identifier: Apache-2.0 */
/* faults_weak.c: a server that ignores conditions, and one that says when to come again. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "faults.h"

static void open_ignoring(void)
{
    server_arm("ignore_conditions", "ANY", 0, 0, "");
    subject_open();
}

static void close_ignoring(void)
{
    (void)server_off();
    subject_close();
}

static void server_that_ignores_conditions_is_found_out(void)
{
    const struct ff_s3 *s3 = subject.protocol->query(subject.root, FF_S3_1);
    struct ff_s3_facts f = {.struct_size = FF_SIZE(ff_s3_facts, server)};

    CLAUSE_OK(s3->facts(s3, 1, &f, NULL, e), "facts");
    CASE_ASSERT(f.put_if_absent == FF_S3_CANNOT && f.put_if_match == FF_S3_CANNOT &&
                f.remove_if_match == FF_S3_CANNOT);
}

/* Done in two steps: a look, and then the put. */
static void conditions_that_the_server_ignores_hold_all_the_same(void)
{
    char tag[80] = "", newer[80] = "";

    CLAUSE_OK(put_text(subject.objects, "a", "one", "", tag, e), "PUT: absent");
    CLAUSE_CODE(put_text(subject.objects, "a", "two", "", NULL, e), FF_E_CONFLICT,
                "PUT: there");
    CLAUSE_OK(put_text(subject.objects, "a", "two", tag, newer, e), "PUT: the tag");
    CLAUSE_CODE(put_text(subject.objects, "a", "three", tag, NULL, e), FF_E_CONFLICT,
                "PUT: an older tag");
    CLAUSE_CODE(remove_if(subject.objects, "a", tag, e), FF_E_CONFLICT,
                "REMOVE: an older tag");
    CASE_ASSERT(is_text(subject.objects, "a", "two"));
    CLAUSE_OK(remove_if(subject.objects, "a", newer, e), "REMOVE: the tag");
    CASE_ASSERT(!exists(subject.objects, "a"));
}

static const struct case_test ignoring[] = {
    CASE(server_that_ignores_conditions_is_found_out),
    CASE(conditions_that_the_server_ignores_hold_all_the_same),
};
const struct case_suite ignoring_suite = {.name = "ignored conditions",
                                          .before = open_ignoring,
                                          .after = close_ignoring,
                                          .tests = ignoring,
                                          .count = sizeof ignoring / sizeof *ignoring,
                                          .timeout_s = 60};

static int64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t in_a_second(const struct ff_call *call)
{
    return *(const int64_t *)call->ctx;
}

static void years_that_a_server_asks_for_end_at_the_deadline(void)
{
    int64_t begun = now_ns(), deadline = begun + 1000000000;
    const struct ff_call call = {.struct_size = FF_SIZE(ff_call, deadline_ns),
                                 .ctx = &deadline,
                                 .deadline_ns = in_a_second};

    CLAUSE_OK(put_text(subject.objects, "a", "one", NULL, NULL, e), "PUT");
    server_arm("retry_in_years", "HEAD", 1, 0, "/a");
    CLAUSE_CODE(ff_head(subject.objects, "a", NULL, NULL, &call, e), FF_E_DEADLINE,
                "HEAD: Retry-After: 1000000000");
    CASE_ASSERT(server_off().fired == 1);
    CASE_MSG(now_ns() - begun < 3000000000, "it took %.1f s",
             (double)(now_ns() - begun) * 1e-9);
}

/* ---- many at once ---- */

enum { TOGETHER = 16 };

struct puts {
    struct ff_batch batch; /* first */
    struct ff_io ios[TOGETHER];
    char names[TOGETHER][16];
    size_t given;
    atomic_size_t good;
};

static int read_letter(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *call, struct ff_error *e)
{
    (void)ctx, (void)offset, (void)call, (void)e;
    memset(dst, 'x', size_bytes);
    return FF_OK;
}

static struct ff_io *next_put(struct ff_batch *batch)
{
    struct puts *p = (struct puts *)(void *)batch;
    size_t i = p->given++;

    if (i >= TOGETHER) {
        return NULL;
    }
    (void)snprintf(p->names[i], sizeof p->names[i], "together%zu", i);
    p->ios[i] = (struct ff_io){.struct_size = FF_SIZE(ff_io, flags),
                               .op = FF_PUT,
                               .name = p->names[i],
                               .size_bytes = 10,
                               .source = read_letter,
                               .if_match = ""};
    return &p->ios[i];
}

static int done_put(struct ff_batch *batch, struct ff_io *io, int code,
                    const struct ff_error *e)
{
    (void)io, (void)e;
    ((struct puts *)(void *)batch)->good += code == FF_OK;
    return 0;
}

static void new_objects_are_put_many_at_a_time(void)
{
    struct puts p = {.batch = {.struct_size = FF_SIZE(ff_batch, done),
                               .next = next_put,
                               .done = done_put}};

    CLAUSE_OK(put_text(subject.objects, "a", "one", "", NULL, e), "PUT: it is probed");
    server_arm("together", "PUT", TOGETHER, TOGETHER, "/together");
    CLAUSE_OK(subject.objects->run(subject.objects, &p.batch, NULL, e), "run");
    CASE_ASSERT(server_off().fired == TOGETHER);
    CASE_MSG(p.good == TOGETHER, "%zu of %d", (size_t)p.good, TOGETHER);
    CLAUSE_CODE(put_text(subject.objects, "together3", "two", "", NULL, e), FF_E_CONFLICT,
                "PUT: there");
}

static const struct case_test waiting[] = {
    CASE(new_objects_are_put_many_at_a_time),
    CASE(years_that_a_server_asks_for_end_at_the_deadline),
};
const struct case_suite waiting_suite = {.name = "waiting",
                                         .before = subject_open,
                                         .after = subject_close,
                                         .tests = waiting,
                                         .count = sizeof waiting / sizeof *waiting,
                                         .timeout_s = 60};
