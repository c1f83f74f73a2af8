/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, trees and arrays of values when each allocation in turn fails, once and from then
 * on: no memory is said, or the result is whole. */
#include "view_help.h"

#include "no_memory.h"
#include "run.h"

static char text[1 << 20];
static size_t used;

static int keep(void *ctx, const char *data, size_t size_bytes)
{
    (void)ctx;
    if (size_bytes > sizeof text - used) {
        return FF_E_NO_SPACE;
    }
    memcpy(text + used, data, size_bytes);
    used += size_bytes;
    return 0;
}

struct job {
    struct ff_doc *doc;
    const char *json;
};

static int write_json(const struct job *j, struct ff_error *e)
{
    int rc = ff_to_json(ff_doc_root(j->doc), keep, NULL, e);
    left = -1; /* the test's own are not to fail */
    if (rc == FF_OK) {
        ck_assert_uint_eq(used, strlen(j->json));
        ck_assert_mem_eq(text, j->json, used);
    }
    return rc;
}

static int read_json(const struct job *j, struct ff_error *e)
{
    long saved = left;
    struct ff_doc *doc;
    left = -1;
    doc = ff_doc_new(e);
    left = saved;
    int rc = ff_from_json(doc, j->json, strlen(j->json), NULL, e).doc ? FF_OK : e->code;
    left = -1;
    ff_doc_free(doc);
    return rc;
}

static int show(const struct job *j, struct ff_error *e)
{
    return ff_show(ff_doc_root(j->doc), 0, 0, keep, NULL, e);
}

static int (*const jobs[])(const struct job *, struct ff_error *) = {write_json,
                                                                     read_json, show};
static const char *const tasks[] = {"numpy",      "ids",     "dates",
                                    "containers", "numbers", "shared"};

static void fail_each(int (*run)(const struct job *, struct ff_error *),
                      const struct job *j)
{
    for (long k = 0; k < 2000; k++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc;
        used = 0;
        failures = 0;
        left = k;
        rc = run(j, &e);
        left = -1;
        ck_assert_int_eq(rc, e.code);
        ck_assert_msg(rc == FF_OK || rc == FF_E_NO_MEMORY, "%d: %s", rc, e.message);
        if (failures == 0) {
            ck_assert_int_eq(rc, FF_OK);
            return;
        }
        ck_assert_msg(rc != FF_OK || !from_then_on || run == show,
                      "allocation %ld was not needed", k);
    }
    ck_abort_msg("more allocations than there can be");
}

START_TEST(memory_that_is_missing_is_said)
{
    struct job j = {help_golden("file-numpy1", tasks[_i / 6]), NULL};
    char *json = help_json(ff_doc_root(j.doc));
    j.json = json;
    from_then_on = _i % 2 == 0;
    fail_each(jobs[_i % 6 / 2], &j);
    free(json);
    ff_doc_free(j.doc);
}
END_TEST

START_TEST(array_without_memory_is_said)
{
    for (long k = 0; k < 100; k++) {
        struct ff_doc *doc = help_golden("file-numpy1", "numpy");
        struct ff_error e = FF_ERROR_INIT;
        const struct ff_array *a;
        failures = 0;
        from_then_on = !_i;
        left = k;
        a = ff_array(ff_get(ff_doc_root(doc), "big"), &e);
        left = -1;
        ck_assert_int_eq(a == NULL, e.code != 0);
        ff_doc_free(doc);
        if (failures == 0) {
            ck_assert_ptr_nonnull(a);
            return;
        }
    }
    ck_abort_msg("more allocations than there can be");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("view_memory");
    TCase *tcase = tcase_create("view_memory");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, memory_that_is_missing_is_said, 0,
                        6 * (int)COUNT_OF(tasks));
    tcase_add_loop_test(tcase, array_without_memory_is_said, 0, 2);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
