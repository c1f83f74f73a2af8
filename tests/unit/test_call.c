/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of plugins that keep no promise, and of those that may not run at once. */
#include "core/host.h"

#include <pthread.h>
#include <unistd.h>

#include "host_help.h"
#include "run.h"

static int answer, answer_code, answer_text;

static int odd_pickle(void *inst, struct ff_value object, const struct ff_protocols *p,
                      struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    (void)inst;
    (void)object;
    (void)p;
    (void)pid;
    (void)call;
    if (answer_code) {
        (void)ff_fail(e, answer_code, NULL, "%s", answer_text ? "because" : "");
    }
    return answer;
}

static int odd_unpickle(void *inst, const struct ff_pid *pid,
                        const struct ff_protocols *p, struct ff_doc *out,
                        struct ff_value *object, const struct ff_call *call,
                        struct ff_error *e)
{
    (void)inst;
    (void)pid;
    (void)p;
    (void)call;
    (void)e;
    (void)out;
    *object = (struct ff_value){answer ? (const struct ff_doc *)inst : NULL, 1};
    return FF_OK;
}

static const char *const versions[] = {"1", "2", NULL};

static struct ff_serializer odd = {.struct_size = FF_SIZE(ff_serializer, unpickle),
                                   .abi = FF_ABI,
                                   .name = "odd",
                                   .version = "3",
                                   .threads = FF_THREADS_ONE,
                                   .pickle = odd_pickle,
                                   .unpickle = odd_unpickle};

static const struct {
    int returned, code, text, expected;
    const char *message;
} answers[] = {
    {FF_OK, 0, 0, FF_OK, ""},
    {FF_DECLINED, 0, 0, FF_DECLINED, ""},
    {FF_DECLINED, FF_E_IO, 1, FF_DECLINED, ""},
    {FF_E_IO, FF_E_IO, 1, FF_E_IO, "because"},
    {FF_E_IO, 0, 0, FF_E_IO, "pickle() failed (input/output) without saying why"},
    {FF_E_IO, FF_E_STALE, 1, FF_E_IO, "because"},
    {FF_OK, FF_E_IO, 1, FF_E_IO, "because"},
    {FF_E_IO, FF_E_IO, 0, FF_E_IO, "without saying why"},
    {17, 0, 0, FF_E_PLUGIN, "pickle() returned 17"},
    {17, FF_E_IO, 1, FF_E_PLUGIN, "pickle() returned 17"},
    {-1000, 0, 0, -1000, "other failure"},
};

START_TEST(answers_of_plugins_are_made_sense_of)
{
    struct stage stage;
    struct ff_loaded_serializer s = {.desc = &odd};
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra)};
    struct ff_host *host;
    struct ff_value nothing = {NULL, 0};

    stage_open(&stage);
    host = stage_host(&stage, "{}");
    s.host = host;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct ff_error e = FF_ERROR_INIT;

        answer = answers[i].returned;
        answer_code = answers[i].code;
        answer_text = answers[i].text;
        ck_assert_int_eq(ff_call_pickle(&s, nothing, NULL, &pid, NULL, &e),
                         answers[i].expected);
        ck_assert_int_eq(e.code, answers[i].expected > 0 ? 0 : answers[i].expected);
        ck_assert_msg(strstr(e.message, answers[i].message), "%zu: %s", i, e.message);
        ck_assert_str_eq(e.place, e.code ? "odd" : "");
        ck_assert_int_eq(ff_call_pickle(&s, nothing, NULL, &pid, NULL, NULL),
                         answers[i].expected);
    }
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

START_TEST(success_without_an_object_is_a_breach)
{
    struct stage stage;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_loaded_serializer s = {.desc = &odd};
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra)};
    struct ff_doc *doc = ff_doc_new(NULL), *other = ff_doc_new(NULL);
    struct ff_value object;
    struct ff_host *host;

    stage_open(&stage);
    host = stage_host(&stage, "{}");
    s.host = host;
    s.inst = other;
    answer = 0;
    ck_assert_int_eq(ff_call_unpickle(&s, &pid, NULL, doc, &object, NULL, &e),
                     FF_E_PLUGIN);
    ck_assert_ptr_nonnull(strstr(e.message, "gave no object"));
    e = (struct ff_error)FF_ERROR_INIT;
    answer = 1;
    ck_assert_int_eq(ff_call_unpickle(&s, &pid, NULL, doc, &object, NULL, &e),
                     FF_E_PLUGIN);
    ck_assert_ptr_nonnull(strstr(e.message, "another document"));
    e = (struct ff_error)FF_ERROR_INIT;
    ck_assert_int_eq(ff_call_remove(&s, &pid, NULL, NULL, &e), FF_DECLINED);
    ck_assert_ptr_null(ff_call_query(&s, FF_PUSH_1));
    ck_assert_int_eq(ff_reads_version(&s, "3"), 1);
    ck_assert_int_eq(ff_reads_version(&s, "1"), 0);
    odd.reads = versions;
    ck_assert_int_eq(ff_reads_version(&s, "2"), 1);
    ck_assert_int_eq(ff_reads_version(&s, "3"), 0);
    odd.reads = NULL;
    ff_doc_free(doc);
    ff_doc_free(other);
    ff_host_close(host);
    stage_close(&stage);
}
END_TEST

static int inside, most_inside;

static int slow_pickle(void *inst, struct ff_value object, const struct ff_protocols *p,
                       struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    int now = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);

    (void)inst;
    (void)object;
    (void)p;
    (void)pid;
    (void)call;
    (void)e;
    if (now > __atomic_load_n(&most_inside, __ATOMIC_SEQ_CST)) {
        __atomic_store_n(&most_inside, now, __ATOMIC_SEQ_CST);
    }
    (void)usleep(10000);
    (void)__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
    return FF_DECLINED;
}

static void *call_slow(void *ctx)
{
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra)};
    struct ff_value nothing = {NULL, 0};

    for (int i = 0; i < 5; i++) {
        (void)ff_call_pickle(ctx, nothing, NULL, &pid, NULL, NULL);
    }
    return NULL;
}

/* How many calls ran at once, of two instances with two threads each. */
static int most_at_once(uint32_t threads)
{
    struct ff_serializer slow = odd;
    struct ff_loaded_serializer s[2];
    struct ff_host *host;
    struct stage stage;
    pthread_t thread[4];

    slow.threads = threads;
    slow.pickle = slow_pickle;
    stage_open(&stage);
    host = stage_host(&stage, "{}");
    s[0] = s[1] = (struct ff_loaded_serializer){.desc = &slow, .host = host};
    most_inside = 0;
    for (size_t i = 0; i < COUNT_OF(thread); i++) {
        ck_assert_int_eq(pthread_create(&thread[i], NULL, call_slow, &s[i % 2]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(thread); i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
    }
    ff_host_close(host);
    stage_close(&stage);
    return most_inside;
}

START_TEST(thread_class_of_a_serializer_is_honoured)
{
    ck_assert_int_eq(most_at_once(FF_THREADS_ONE), 1);
    ck_assert_int_eq(most_at_once(FF_THREADS_PER_INSTANCE), 2);
    ck_assert_int_gt(most_at_once(FF_THREADS_FREE), 2);
}
END_TEST

RUN_TESTS("call", answers_of_plugins_are_made_sense_of,
          success_without_an_object_is_a_breach, thread_class_of_a_serializer_is_honoured)
