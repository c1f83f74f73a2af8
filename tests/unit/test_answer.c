/* SPDX-License-Identifier: Apache-2.0 */
/* test_answer.c: what a plugin returns, and what it says in its error, become one answer. */
#include <functionfuse/functionfuse.h>

#include "core/call_own.h"
#include "run.h"

static const struct {
    int changes, may_decline; /* the function */
    int returned, said;
    int code;
} answers[] = {
    {0, 0, FF_OK, FF_OK, FF_OK},
    {1, 0, FF_OK, FF_OK, FF_OK},
    {0, 0, FF_E_IO, FF_E_IO, FF_E_IO},
    {1, 0, FF_E_IO, FF_E_IO, FF_E_IO},
    {0, 0, FF_E_IO, FF_OK, FF_E_IO},
    {1, 0, FF_E_IO, FF_OK, FF_E_IO},
    {0, 0, FF_E_IO, FF_E_USAGE, FF_E_IO},
    {1, 0, FF_E_IO, FF_E_USAGE, FF_E_IO},
    {0, 0, FF_OK, FF_E_IO, FF_E_IO},
    {1, 0, FF_OK, FF_E_IO, FF_E_UNKNOWN_OUTCOME},
    {0, 0, FF_OK, 5, FF_E_PLUGIN},
    {1, 0, FF_OK, 5, FF_E_UNKNOWN_OUTCOME},
    {0, 0, 5, FF_OK, FF_E_PLUGIN},
    {1, 0, 5, FF_OK, FF_E_UNKNOWN_OUTCOME},
    {1, 0, 5, FF_E_IO, FF_E_UNKNOWN_OUTCOME},
    {0, 0, FF_DECLINED, FF_OK, FF_E_PLUGIN},
    {1, 0, FF_DECLINED, FF_OK, FF_E_UNKNOWN_OUTCOME},
    {0, 1, FF_DECLINED, FF_OK, FF_DECLINED},
};

START_TEST(broken_answer_of_what_changes_something_is_unknown)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_answer a;
        ff_answer_ask(&a, NULL, "test", "call");
        a.changes = answers[i].changes;
        a.may_decline = answers[i].may_decline;
        a.error.code = answers[i].said;
        int code = ff_answer_settle(&a, answers[i].returned, &e);
        ck_assert_msg(code == answers[i].code, "row %zu: %d", i, code);
        ck_assert_msg(code == FF_DECLINED || (e.code == code && !e.message[0] == !code),
                      "row %zu: %d: %s", i, e.code, e.message);
    }
}
END_TEST

RUN_TESTS("answer", broken_answer_of_what_changes_something_is_unknown)
