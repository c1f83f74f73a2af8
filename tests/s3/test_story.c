/* SPDX-License-Identifier: Apache-2.0 */
/* test_story.c: the library on the server of faults: what a reader sees of an array that is being
 * removed, consolidated metadata under races, requests that land late, credentials that expire.
 * Needs it: ../servers/with.sh fault THIS. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../storage/fixture.h"
#include "core/base/sys.h"
#include "fault_ask.h"

enum { TEXT_BYTES = 1 << 16, UUID = 36, ELEMENTS = 60 };

static struct fixture f;
static struct ff_storage *hasty; /* the same, and asks once */
static char text[TEXT_BYTES];

#define TELL(...) ck_assert(fault_ask(text, sizeof text, __VA_ARGS__))

static void open_all(void)
{
    struct ff_error e = FF_ERROR_INIT;
    char json[700];

    fixture_open(&f, ON_S3, NULL);
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/%s\", \"s3fs\": "
                   "{\"endpoint_url\": \"%s\", \"key\": \"ffkey\", \"secret\": "
                   "\"ffsecretffsecret\", \"config_kwargs\": {\"retries\": "
                   "{\"max_attempts\": 0}}}}}",
                   f.folder, getenv("FF_S3_URL"));
    hasty = ff_storage_factory(f.host, json, &e);
    ck_assert_msg(hasty != NULL, "%s: %s", e.place, e.message);
}

static void close_all(void)
{
    TELL("!off");
    ff_storage_close(hasty);
    fixture_close(&f);
}

/* The prefix of the storage in the bucket, and of its arrays. */
#define PREFIX (f.folder + 1)
#define ARRAYS "run/bigdata/dask_arrays"

static void only_uuid(char uuid[UUID + 1])
{
    char *at = NULL, *save = NULL;

    TELL("!keys %s/" ARRAYS "/", PREFIX);
    for (char *word = strtok_r(text, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        at = word[0] == '.' ? at : word;
    }
    ck_assert(at && strlen(at) > UUID);
    (void)snprintf(uuid, UUID + 1, "%.*s", UUID, at);
}

static void nap(int ms)
{
    (void)ff_sys_posix.poll(&ff_sys_posix, NULL, 0, ms);
}

/* ---- H8: arrays that go ---- */

/* As Python writes them: nothing says that all chunks were written. */
static void save_of_others(char uuid[UUID + 1])
{
    save_sample(&f, "a", 1);
    only_uuid(uuid);
    TELL("!put %s/" ARRAYS "/%s/.zattrs 7b7d", PREFIX, uuid);
}

/* The elements, or stale; never others. */
static int read_lazily(struct ff_doc *d)
{
    struct ff_error e = FF_ERROR_INIT;
    float out[ELEMENTS] = {0};
    const struct ff_array *a = ff_array(ff_get(ff_doc_root(d), "field"), &e);
    int rc = a ? ff_array_read(a, NULL, out, NULL, NULL, &e) : e.code;

    for (int i = 0; !rc && i < ELEMENTS; i++) {
        ck_assert_msg(out[i] == (float)(1 + i), "element %d is %g", i, (double)out[i]);
    }
    ck_assert_msg(rc == FF_OK || rc == FF_E_STALE, "%d: %s", rc, e.message);
    return rc;
}

START_TEST(reader_of_an_array_whose_removal_broke_off_sees_all_of_it_or_stale)
{
    static const char *const faults[] = {"gone_before", "gone_after"};
    int stale = 0, right = 0;

    for (int n = 1, more = 1; more; n++) {
        struct ff_error e = FF_ERROR_INIT, own = FF_ERROR_INIT;
        char uuid[UUID + 1];
        struct ff_doc *d;

        save_of_others(uuid);
        d = ff_read_task(f.storage, "run", "a", NULL, &e);
        ck_assert_ptr_nonnull(d);
        ck_assert_ptr_nonnull(ff_array(ff_get(ff_doc_root(d), "field"), &e));
        TELL("!arm %s ANY 1000000 %d", faults[_i], n);
        (void)ff_remove_task(hasty, "run", "a", &own);
        TELL("!count ANY ");
        more = atoi(text) >= n;
        TELL("!off");
        if (read_lazily(d)) {
            stale++;
        } else {
            right++;
        }
        ff_doc_free(d);
        TELL("!clock 7200");
        (void)count_orphans(&f, 1);
        ck_assert_int_lt(n, 100);
    }
    ck_assert_msg(stale > 1 && right > 1, "%d stale, %d right", stale, right);
}
END_TEST

START_TEST(chunk_that_goes_with_its_array_is_stale)
{
    struct ff_error e = FF_ERROR_INIT;
    char uuid[UUID + 1];
    struct ff_doc *d;

    save_of_others(uuid);
    d = ff_read_task(f.storage, "run", "a", NULL, &e);
    ck_assert_ptr_nonnull(ff_array(ff_get(ff_doc_root(d), "field"), &e));
    TELL("!arm array_removed GET 1 0 %s/1.0", uuid);
    ck_assert_int_eq(read_lazily(d), FF_E_STALE);
    ff_doc_free(d);
}
END_TEST

START_TEST(chunk_that_others_did_not_write_is_the_fill_value)
{
    struct ff_error e = FF_ERROR_INIT;
    float out[ELEMENTS] = {0};
    char uuid[UUID + 1];
    struct ff_doc *d;

    save_of_others(uuid);
    TELL("!delete %s/" ARRAYS "/%s/1.0", PREFIX, uuid);
    d = ff_read_task(f.storage, "run", "a", NULL, &e);
    CHECK_OK(ff_array_read(ff_array(ff_get(ff_doc_root(d), "field"), ee), NULL, out, NULL,
                           NULL, ee));
    for (int i = 0; i < ELEMENTS; i++) {
        ck_assert(out[i] == (i / 20 == 1 ? 0 : (float)(1 + i)));
    }
    ff_doc_free(d);
}
END_TEST

/* ---- H15: consolidated metadata ---- */

static int occurrences(const char *in, const char *what)
{
    int n = 0;

    for (const char *at = in; (at = strstr(at, what)); at++) {
        n++;
    }
    return n;
}

static void hex_of(const char *from, char *to)
{
    for (; *from; from++, to += 2) {
        (void)snprintf(to, 3, "%02x", (unsigned char)*from);
    }
}

static void consolidate(void)
{
    static const char empty[] = "{\"metadata\": {}, \"zarr_consolidated_format\": 1}";
    char hex[2 * sizeof empty];

    hex_of(empty, hex);
    TELL("!put %s/" ARRAYS "/.zmetadata %s", PREFIX, hex);
}

/* It has exactly the arrays that are there. */
static void expect_consolidated(int arrays)
{
    static char document[TEXT_BYTES / 2];
    size_t n = 0;
    char *save = NULL;

    TELL("!get %s/" ARRAYS "/.zmetadata", PREFIX);
    for (const char *at = text; at[0] && at[1]; at += 2) {
        const char pair[] = {at[0], at[1], 0};

        document[n++] = (char)strtol(pair, NULL, 16);
    }
    document[n] = 0;
    ck_assert_int_eq(occurrences(document, "/.zarray\""), arrays);
    TELL("!keys %s/" ARRAYS "/", PREFIX);
    for (char *word = strtok_r(text, " ", &save); word;
         word = strtok_r(NULL, " ", &save)) {
        if (strlen(word) == UUID + strlen("/.zarray") && strstr(word, "/.zarray")) {
            ck_assert_int_eq(occurrences(document, word), 1);
            arrays--;
        }
    }
    ck_assert_int_eq(arrays, 0);
}

enum { SAVERS = 4, SAVES = 5 };

static void *save_some(void *arg)
{
    struct ff_storage *s = fixture_again(&f);

    for (int i = 0; i < SAVES; i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *d = sample(i);
        char task[20];

        (void)snprintf(task, sizeof task, "t%d.%d", *(int *)arg, i % 3);
        (void)ff_save(s, "run", task, ff_doc_root(d), NULL, &e);
        ck_assert_msg(!e.code, "%s: %s", e.place, e.message);
        ff_doc_free(d);
    }
    ff_storage_close(s);
    return NULL;
}

START_TEST(consolidated_metadata_stays_true_while_many_save)
{
    pthread_t threads[SAVERS];
    int numbers[SAVERS];

    save_sample(&f, "first", 1);
    TELL("!get %s/" ARRAYS "/.zmetadata", PREFIX);
    ck_assert_str_eq(text, "none"); /* never made */
    CHECK_OK(ff_remove_task(f.storage, "run", "first", ee));
    consolidate();
    for (int i = 0; i < SAVERS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, save_some, &numbers[i]), 0);
    }
    for (int i = 0; i < SAVERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    expect_consolidated(3 * SAVERS);
    CHECK_OK(ff_remove_tasks(f.storage, "run", "t0.*", NULL, ee));
    expect_consolidated(3 * (SAVERS - 1));
}
END_TEST

START_TEST(consolidated_metadata_whose_answer_was_lost_has_the_array_once)
{
    static const char *const faults[] = {"reset_landed", "failed_after_landing",
                                         "reset_before", "status_503"};

    save_sample(&f, "a", 1);
    CHECK_OK(ff_remove_task(f.storage, "run", "a", ee));
    consolidate();
    for (int i = 0; i < 4; i++) {
        TELL("!arm %s PUT 1 0 .zmetadata", faults[i]);
        save_sample(&f, "a", i);
        TELL("!off");
        ck_assert_int_eq(text[0], '1');
        expect_consolidated(1);
    }
}
END_TEST

/* ---- H16: late requests, and whose clock counts ---- */

static int collect(int64_t grace_s)
{
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .grace_ns = grace_s * 1000000000,
                              .really = 1};
    struct ff_error e = FF_ERROR_INIT;
    int rc = ff_gc(f.storage, "run", &o, NULL, NULL, &e);

    ck_assert_msg(!rc, "%s: %s", e.place, e.message);
    TELL("!keys %s/" ARRAYS "/", PREFIX);
    return occurrences(text, "0f0e0d0c-0b0a-4a0b-8c0d-0e0f00010203");
}

#define ORPHAN ARRAYS "/0f0e0d0c-0b0a-4a0b-8c0d-0e0f00010203/"

START_TEST(age_is_that_of_the_youngest_object_by_the_clock_of_the_server)
{
    save_sample(&f, "a", 1);
    TELL("!put %s/" ORPHAN "0.0 00", PREFIX);
    ck_assert_int_eq(collect(3600), 1);
    TELL("!clock 7200"); /* of the server alone */
    TELL("!put %s/" ORPHAN "0.1 00", PREFIX);
    ck_assert_int_eq(collect(3600), 2);
    TELL("!clock 3500");
    ck_assert_int_eq(collect(3600), 2);
    TELL("!clock 200");
    ck_assert_int_eq(collect(3600), 0);
    expect_sample_at(&f, "run", "a", 1);
}
END_TEST

static int save_hastily(int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = sample(salt);
    int rc = ff_save(hasty, "run", "a", ff_doc_root(d), NULL, &e);

    ff_doc_free(d);
    return rc;
}

/* What fails is nothing but late: the next save stands, and gc finds the rest. */
START_TEST(save_whose_request_lands_late_harms_nobody)
{
    static const char *const parts[] = {".zarray", "0.0", "1.0", "run/a", "intent-"};
    int rc;

    save_sample(&f, "a", 1);
    TELL("!arm late PUT 1 400 %s", parts[_i]);
    rc = save_hastily(2);
    TELL("!off");
    ck_assert_int_eq(text[0], '1');
    save_sample(&f, "a", 3);
    nap(600);
    expect_sample_at(&f, "run", "a", 3);
    TELL("!clock 7200");
    (void)count_orphans(&f, 1);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    expect_sample_at(&f, "run", "a", 3);
    TELL("!keys %s/run/bigdata/.ff/", PREFIX);
    ck_assert_msg(!strstr(text, "intent"), "%d, then %s", rc, text);
}
END_TEST

START_TEST(removal_that_lands_late_spares_what_was_saved_since)
{
    struct ff_error e = FF_ERROR_INIT;

    save_sample(&f, "a", 1);
    TELL("!arm late DELETE 1 400 run/a");
    (void)ff_remove_task(hasty, "run", "a", &e);
    TELL("!off");
    ck_assert_int_eq(text[0], '1');
    save_sample(&f, "a", 3);
    nap(600);
    expect_sample_at(&f, "run", "a", 3);
}
END_TEST

/* ---- credentials that expire ---- */

static struct ff_sys sys;
static atomic_int passed_s;

static int later(const struct ff_sys *self, clockid_t clock, struct timespec *out)
{
    int rc = ff_sys_posix.clock_gettime(&ff_sys_posix, clock, out);

    (void)self;
    out->tv_sec += atomic_load(&passed_s);
    return rc;
}

static void pass(int seconds)
{
    TELL("!clock %d", seconds);
    atomic_fetch_add(&passed_s, seconds);
}

static void expect_save(struct ff_storage *s, int code)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = sample(1);
    int rc = ff_save(s, "run", "a", ff_doc_root(d), NULL, &e);

    ck_assert_msg(rc == code, "after %d s %d: %s: %s", atomic_load(&passed_s), rc,
                  e.place, e.message);
    ff_doc_free(d);
}

static int asked(void)
{
    TELL("!asked");
    return atoi(text);
}

START_TEST(credentials_are_asked_for_again_before_they_expire)
{
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .config_path = "",
                                .draft_sys = &sys};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *s;
    struct ff_host *host;
    char json[400], url[100];

    sys = ff_sys_posix;
    sys.clock_gettime = later;
    TELL("!credentials 600");
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u/-credentials", fault_port());
    ck_assert_int_eq(setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1), 0);
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/%s\", "
                   "\"instance_metadata\": true, \"s3fs\": {\"endpoint_url\": \"%s\"}}}",
                   f.folder, getenv("FF_S3_URL"));
    host = ff_host_open(&o, &e);
    s = ff_storage_factory(host, json, &e);
    ck_assert_msg(s != NULL, "%s: %s", e.place, e.message);
    expect_save(s, FF_OK);
    ck_assert_int_eq(asked(), 1);
    pass(200); /* more than five minutes are left */
    expect_save(s, FF_OK);
    ck_assert_int_eq(asked(), 1);
    pass(200); /* less */
    expect_save(s, FF_OK);
    ck_assert_int_eq(asked(), 2);
    TELL("!credentials 0"); /* it fails: those that still live serve */
    pass(400);
    expect_save(s, FF_OK);
    ck_assert_int_eq(asked(), 3);
    pass(300);
    expect_save(s, FF_E_PERMISSION);
    ff_storage_close(s);
    ff_host_close(host);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        chunk_that_goes_with_its_array_is_stale,
        chunk_that_others_did_not_write_is_the_fill_value,
        consolidated_metadata_stays_true_while_many_save,
        consolidated_metadata_whose_answer_was_lost_has_the_array_once,
        age_is_that_of_the_youngest_object_by_the_clock_of_the_server,
        removal_that_lands_late_spares_what_was_saved_since,
        credentials_are_asked_for_again_before_they_expire,
    };
    Suite *suite = suite_create("s3_story");
    TCase *c = tcase_create("s3_story");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, open_all, close_all);
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        tcase_add_test(c, tests[i]);
    }
    tcase_add_loop_test(
        c, reader_of_an_array_whose_removal_broke_off_sees_all_of_it_or_stale, 0, 2);
    tcase_add_loop_test(c, save_whose_request_lands_late_harms_nobody, 0, 5);
    suite_add_tcase(suite, c);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
