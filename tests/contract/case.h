/* SPDX-License-Identifier: Apache-2.0 */
/* case.h: a program of test cases that needs nothing installed: each case in a child of its own
 * with a deadline; TAP as they end, or one JSON document. */
#ifndef FF_TESTS_CASE_H
#define FF_TESTS_CASE_H

struct case_test {
    const char *name;
    void (*run)(void);
};
#define CASE(function)                                                                   \
    {                                                                                    \
#function, function                                                              \
    }

struct case_suite {
    const char *name;
    void (*before)(void), (*after)(void); /* in the child, around each case; or NULL */
    const struct case_test *tests;
    unsigned count, timeout_s;
};

/* Print TAP, or with `json` a document about `subject` at the end. */
void case_begin(const char *subject, int json);
/* `label` (may be NULL) stands behind the suite's name. */
void case_run(const struct case_suite *, const char *label);
/* The rest of the output; how many failed. */
int case_end(void);

/* End this case. Any thread of the child. */
_Noreturn void case_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void case_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What stands in the report if the child dies now; replaces the last note. */
void case_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define CASE_MSG(condition, ...)                                                         \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            case_fail(__VA_ARGS__);                                                      \
        }                                                                                \
    } while (0)
#define CASE_ASSERT(condition)                                                           \
    CASE_MSG(condition, "%s:%d: does not hold: %s", __FILE__, __LINE__, #condition)

#endif
