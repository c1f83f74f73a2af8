/* SPDX-License-Identifier: Apache-2.0 */
/* run.h: what every unit test's main does. */
#ifndef FF_TEST_RUN_H
#define FF_TEST_RUN_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

static inline int run_tests(const char *name, const TTest *const *tests,
                            size_t test_count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 60);
    for (size_t i = 0; i < test_count; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* main of a test: RUN_TESTS("module", case_1, case_2) */
#define RUN_TESTS(name, ...)                                                             \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *const tests[] = {__VA_ARGS__};                                      \
        return run_tests(name, tests, sizeof tests / sizeof tests[0]);                   \
    }

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

#endif
