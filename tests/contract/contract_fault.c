/* SPDX-License-Identifier: Apache-2.0 */
/* contract_fault.c: the decorator "fault", and what the derived ff.commit/1 makes of failures at
 * each of its steps. Subjects that are not behind the decorator pass; so do those with an
 * ff.commit/1 of their own, where the steps are theirs. */
#include <string.h>

#include "contract.h"
#include "tests/doubles/fault.h"

#define COMMIT subject.commit
#define ROOT   subject.root_objects

static const struct ff_fault *fault_table(void)
{
    return subject.protocol->query(subject.root, FF_FAULT_1);
}

#define NEED_FAULT                                                                       \
    const struct ff_fault *fault = fault_table();                                        \
    if (!fault) {                                                                        \
        case_skip("it is not behind the protocol \"fault\"");                            \
    }

static void set(const struct ff_fault *fault, struct ff_fault_rule rule)
{
    rule.struct_size = FF_SIZE(ff_fault_rule, delay_ms);
    CLAUSE_OK(fault->set_rule(fault, &rule, e), "set_rule");
}

static void forget(const struct ff_fault *fault)
{
    CLAUSE_OK(fault->set_rule(fault, NULL, e), "set_rule: NULL");
}

/* ---- the decorator ---- */

static void fault_counts_and_fails_the_call_it_was_told(void)
{
    uint64_t before;
    NEED_FAULT

    before = fault->count(fault, FF_FAULT_PUT);
    set(fault,
        (struct ff_fault_rule){.op = FF_FAULT_PUT, .fail_at = 2, .code = FF_E_NO_SPACE});
    CLAUSE_OK(put_text(ROOT, "wf/a", "1", NULL, NULL, e), "fail_at 2: the first");
    CLAUSE_CODE(put_text(ROOT, "wf/b", "1", NULL, NULL, e), FF_E_NO_SPACE, "fail_at 2");
    CLAUSE_OK(put_text(ROOT, "wf/c", "1", NULL, NULL, e), "fail_at 2: the third");
    CLAUSE(!exists(ROOT, "wf/b"), "fail_at: not done");
    CLAUSE(fault->count(fault, FF_FAULT_PUT) == before + 3, "count");
    CLAUSE(fault->fired(fault) == 1, "fired");
    forget(fault);
    set(fault,
        (struct ff_fault_rule){
            .op = FF_FAULT_PUT, .fail_at = 2, .from_then_on = 1, .lost_answer = 1});
    CLAUSE_OK(put_text(ROOT, "wf/d", "1", NULL, NULL, e), "from_then_on: the first");
    CLAUSE_CODE(put_text(ROOT, "wf/e", "1", NULL, NULL, e), FF_E_IO, "from_then_on");
    CLAUSE_CODE(put_text(ROOT, "wf/f", "1", NULL, NULL, e), FF_E_IO, "from_then_on");
    CLAUSE(exists(ROOT, "wf/e"), "lost_answer: done all the same");
    forget(fault);
}

static void fault_shortens_gets_and_cancels_batches(void)
{
    char data[8];
    uint64_t came = 0, whole = 0;
    NEED_FAULT

    CLAUSE_OK(put_text(ROOT, "wf/a", "12345", NULL, NULL, e), "PUT");
    set(fault, (struct ff_fault_rule){.op = FF_FAULT_GET, .short_bytes = 2});
    CLAUSE_OK(get_range(ROOT, "wf/a", 0, data, 5, &came, &whole, NULL, e),
              "GET, shortened");
    CLAUSE(came == 2 && whole == 5, "short_bytes");
    forget(fault);
    set(fault, (struct ff_fault_rule){.op = FF_FAULT_GET, .cancel_at = 2});
    CLAUSE_OK(get_range(ROOT, "wf/a", 0, data, 5, NULL, NULL, NULL, e),
              "cancel_at 2: first");
    for (int i = 0; i < 2; i++) {
        CLAUSE_CODE(get_range(ROOT, "wf/a", 0, data, 5, NULL, NULL, NULL, e),
                    FF_E_CANCELLED, "cancel_at: run is cancelled");
    }
    forget(fault);
}

/* ---- a derived commit, step by step ---- */

static void after_save(int rc)
{
    bool old = is_text(ROOT, "wf/t", "old"), new = is_text(ROOT, "wf/t", "new value");

    CLAUSE(old || new, "I1: the whole old or the whole new value");
    CLAUSE(rc != FF_OK || new, "I2: what was saved is there");
    CLAUSE(rc == FF_OK || rc == FF_E_UNKNOWN_OUTCOME || old,
           "commit: after a failure the old value is intact");
    fence_all("wf");
    CLAUSE(is_text(ROOT, "wf/t", old ? "old" : "new value"), "fence: changes no task");
}

static int do_save(struct ff_error *e)
{
    return save("t", "new value", e);
}

static int do_displace(struct ff_error *e)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    int rc = COMMIT->displace(COMMIT, "wf", "t", &old, NULL, e);

    if (!rc) {
        /* Where it cannot be seen whether another name has it: no data, left to gc. */
        CLAUSE(old.data ? old.size_bytes == 3 && !memcmp(old.data, "old", 3)
                        : old.ctx != NULL,
               "displace: what it was");
        COMMIT->drop(COMMIT, &old, 1);
    }
    return rc;
}

static void after_displace(int rc)
{
    bool there = is_text(ROOT, "wf/t", "old");

    CLAUSE(there || !exists(ROOT, "wf/t"), "I1: whole, or gone");
    CLAUSE(rc != FF_OK || !there, "I7: a removal that returned OK stays");
    CLAUSE(rc == FF_OK || rc == FF_E_UNKNOWN_OUTCOME || there,
           "displace: after a failure the task is intact");
}

static int do_rename(struct ff_error *e)
{
    return COMMIT->rename(COMMIT, "wf", "t", "to", NULL, e);
}

static void after_rename(int rc)
{
    bool from = is_text(ROOT, "wf/t", "old"), to = is_text(ROOT, "wf/to", "old");

    CLAUSE(from || to, "rename: nothing is lost");
    CLAUSE(rc != FF_OK || (to && !from), "rename: OK is done");
    CLAUSE(rc == FF_OK || rc == FF_E_UNKNOWN_OUTCOME || from,
           "rename: after a failure the old name is there");
    if (!pass_an_hour()) {
        return;
    }
    fence_all("wf");
    from = is_text(ROOT, "wf/t", "old");
    to = is_text(ROOT, "wf/to", "old");
    CLAUSE(from != to, "rename: after a collection one name is there");
}

static int do_remove_workflow(struct ff_error *e)
{
    return COMMIT->remove_workflow(COMMIT, "wf", NULL, e);
}

static void after_remove_workflow(int rc)
{
    int there = 99;

    CLAUSE_OK(COMMIT->workflow_exists(COMMIT, "wf", &there, NULL, e), "workflow_exists");
    CLAUSE(rc != FF_OK || !there, "I7: a removal that returned OK stays");
    CLAUSE(!there || is_text(ROOT, "wf/t", "old"),
           "remove_workflow: all of it, or nothing");
    if (pass_an_hour()) {
        fence_all("");
        CLAUSE(there || !exists(ROOT, "wf/t"), "fence \"\": deletes what is left");
    }
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow: again");
}

/* How calls fail: definitely; without an answer, not done; without an answer, but done. */
static const struct ff_fault_rule manners[] = {
    {.code = FF_E_IO},
    {.code = FF_E_IO, .from_then_on = 1},
    {.code = FF_E_NETWORK},
    {.code = FF_E_NETWORK, .from_then_on = 1},
    {.code = FF_E_NETWORK, .lost_answer = 1},
    {.code = FF_E_NETWORK, .lost_answer = 1, .from_then_on = 1},
};

static void fail_everywhere(int (*action)(struct ff_error *), void (*check)(int))
{
    size_t fired_count = 0;
    NEED_FAULT

    for (size_t i = 0; subject.derived && i < sizeof manners / sizeof *manners; i++) {
        uint64_t before = 0;
        int rc;

        for (uint64_t k = 1; k == 1 || fault->fired(fault) > before; k++) {
            struct ff_fault_rule rule = manners[i];
            struct ff_error e = FF_ERROR_INIT;

            forget(fault);
            (void)remove_if(ROOT, "wf/to", NULL, NULL);
            CLAUSE(save("t", "old", &e) == FF_OK,
                   "commit: works again after each failure");
            before = fault->fired(fault);
            rule.fail_at = k;
            set(fault, rule);
            e = (struct ff_error)FF_ERROR_INIT;
            rc = action(&e);
            forget(fault);
            CLAUSE(rc == (int)e.code, "the error says what the return value says");
            check(rc);
            fired_count += fault->fired(fault) > before;
            CASE_ASSERT(k < 200);
        }
    }
    CLAUSE(!subject.derived || fired_count > 12, "the faults were met");
}

static void save_that_fails_at_any_call_keeps_the_old_or_the_new_value(void)
{
    fail_everywhere(do_save, after_save);
}

static void removal_that_fails_at_any_call_is_done_or_not(void)
{
    fail_everywhere(do_displace, after_displace);
}

static void rename_that_fails_at_any_call_loses_nothing(void)
{
    fail_everywhere(do_rename, after_rename);
}

static void workflow_removal_that_fails_at_any_call_can_be_finished(void)
{
    fail_everywhere(do_remove_workflow, after_remove_workflow);
}

/* ---- single lost answers ---- */

static void save_whose_answers_are_lost_is_found_out(void)
{
    NEED_FAULT

    /* the put of the intent, its claim, the task */
    for (uint64_t k = 1; subject.derived && k <= 3; k++) {
        CLAUSE_OK(save("t", "old", e), "commit");
        set(fault, (struct ff_fault_rule){.op = FF_FAULT_PUT,
                                          .fail_at = k,
                                          .code = FF_E_NETWORK,
                                          .lost_answer = 1});
        CLAUSE_OK(save("t", "new value", e),
                  "commit: a lost answer is found out by reading");
        CLAUSE(is_text(ROOT, "wf/t", "new value"), "commit: done");
        forget(fault);
    }
}

static void removal_whose_answer_is_lost_is_unknown(void)
{
    NEED_FAULT

    if (!subject.derived) {
        case_skip("the protocol has an ff.commit/1 of its own");
    }
    CLAUSE_OK(save("t", "old", e), "commit");
    set(fault,
        (struct ff_fault_rule){
            .op = FF_FAULT_REMOVE, .fail_at = 1, .code = FF_E_NETWORK, .lost_answer = 1});
    CLAUSE_CODE(do_displace(e), FF_E_UNKNOWN_OUTCOME,
                "displace: gone, but by whom: somebody may have renamed it");
    forget(fault);
}

static void each_change_is_made_durable_before_it_is_reported(void)
{
    static const struct {
        int (*action)(struct ff_error *);
        const char *clause;
    } cases[] = {{do_save, "commit: durably"},
                 {do_rename, "rename: durably"},
                 {do_save, "commit: durably"},
                 {do_displace, "displace: durably"},
                 {do_remove_workflow, "remove_workflow: durably"}};
    NEED_FAULT

    for (size_t i = 0; subject.derived && i < sizeof cases / sizeof *cases; i++) {
        uint64_t before = fault->count(fault, FF_FAULT_SYNC);

        if (cases[i].action == do_displace) {
            CLAUSE_OK(save("t", "old", e), "commit");
            before = fault->count(fault, FF_FAULT_SYNC);
        }
        CLAUSE_OK(cases[i].action(e), cases[i].clause);
        CLAUSE(fault->count(fault, FF_FAULT_SYNC) > before, cases[i].clause);
    }
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow");
}

/* "t" has a value, and its rename to "to" dies before the old name is removed. */
static void die_in_rename(const struct ff_fault *fault)
{
    CLAUSE_OK(save("t", "old", e), "commit");
    set(fault,
        (struct ff_fault_rule){
            .op = FF_FAULT_REMOVE, .fail_at = 1, .code = FF_E_IO, .from_then_on = 1});
    CLAUSE(do_rename(NULL) != FF_OK, "rename: it died");
    forget(fault);
}

/* The names of a dead rename: whoever displaces one gets no data, so nothing of it is deleted. */
static void displace_after_dead_rename(const char *task, const char *other,
                                       const struct ff_fault *fault)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};

    (void)remove_if(ROOT, "wf/to", NULL, NULL);
    die_in_rename(fault);
    CLAUSE(is_text(ROOT, "wf/t", "old") && is_text(ROOT, "wf/to", "old"),
           "both are there");
    CLAUSE_CODE(COMMIT->rename(COMMIT, "wf", task, "third", NULL, e), FF_E_CONFLICT,
                "rename: no third name for it");
    CLAUSE_OK(COMMIT->displace(COMMIT, "wf", task, &old, NULL, e), "displace");
    CLAUSE(!old.data, "displace: the other name still has the value");
    COMMIT->drop(COMMIT, &old, 0);
    CLAUSE(is_text(ROOT, "wf/t", "old") != is_text(ROOT, "wf/to", "old"), "one is there");
    fence_all("wf");
    CLAUSE(is_text(ROOT, "wf/t", "old") || is_text(ROOT, "wf/to", "old"),
           "fence: left the other name");
    CLAUSE_OK(COMMIT->displace(COMMIT, "wf", other, &old, NULL, e), "displace");
    CLAUSE(!pass_an_hour() || old.data, "displace: alone again after a collection");
    COMMIT->drop(COMMIT, &old, 1);
}

static void value_that_a_dead_rename_left_twice_is_given_away_by_none(void)
{
    NEED_FAULT

    if (subject.derived) {
        displace_after_dead_rename("t", "to", fault);
        if (pass_an_hour()) { /* else the first one's record stands */
            displace_after_dead_rename("to", "t", fault);
        }
    }
}

static void task_saved_again_after_a_dead_rename_survives_a_collection(void)
{
    NEED_FAULT

    if (!subject.derived) {
        return;
    }
    die_in_rename(fault);
    (void)pass_an_hour();
    CLAUSE_OK(save("t", "old", e), "commit: an equal value");
    fence_all("wf");
    CLAUSE(is_text(ROOT, "wf/t", "old"), "I2: what was saved is there");
}

/* Whether a rename shares the value cannot be seen: so for all we know it does. */
static void value_is_kept_where_renames_cannot_be_listed(void)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    NEED_FAULT

    if (!subject.derived) {
        return;
    }
    CLAUSE_OK(save("t", "old", e), "commit");
    set(fault,
        (struct ff_fault_rule){
            .op = FF_FAULT_LIST, .fail_at = 1, .code = FF_E_IO, .from_then_on = 1});
    CLAUSE_OK(COMMIT->displace(COMMIT, "wf", "t", &old, NULL, e), "displace");
    CLAUSE(fault->fired(fault) > 0, "the fault happened");
    forget(fault);
    CLAUSE(!old.data, "displace: nothing is deleted");
    COMMIT->drop(COMMIT, &old, 0);
}

/* Its record, the new name, the removal of the old one: each before the next. */
static void rename_that_cannot_be_made_durable_is_unknown(void)
{
    NEED_FAULT

    for (unsigned at = 1; subject.derived && at <= 3; at++) {
        int code = at == 1 ? FF_E_IO : FF_E_UNKNOWN_OUTCOME;

        if (at == 3 && !pass_an_hour()) {
            return; /* the record of the one before stands */
        }
        fence_all("wf");
        (void)remove_if(ROOT, "wf/to", NULL, NULL);
        CLAUSE_OK(save("t", "old", e), "commit");
        set(fault,
            (struct ff_fault_rule){
                .op = FF_FAULT_SYNC, .fail_at = at, .code = FF_E_IO, .from_then_on = 1});
        CLAUSE_CODE(do_rename(e), code, "rename: durably, or unknown");
        forget(fault);
        CLAUSE(is_text(ROOT, "wf/t", "old") || is_text(ROOT, "wf/to", "old"),
               "rename: it is under one name at least");
        CLAUSE(at > 1 || !exists(ROOT, "wf/to"), "rename: certain: nothing was done");
    }
}

static void rename_that_gc_completes_is_made_durable(void)
{
    uint64_t before;
    NEED_FAULT

    if (!subject.derived) {
        return;
    }
    (void)remove_if(ROOT, "wf/to", NULL, NULL);
    die_in_rename(fault);
    before = fault->count(fault, FF_FAULT_SYNC);
    fence_all("wf");
    CLAUSE(exists(ROOT, "wf/t") || fault->count(fault, FF_FAULT_SYNC) > before,
           "fence: a rename is completed durably");
}

static const struct case_test tests[] = {
    CASE(fault_counts_and_fails_the_call_it_was_told),
    CASE(fault_shortens_gets_and_cancels_batches),
    CASE(save_that_fails_at_any_call_keeps_the_old_or_the_new_value),
    CASE(removal_that_fails_at_any_call_is_done_or_not),
    CASE(rename_that_fails_at_any_call_loses_nothing),
    CASE(workflow_removal_that_fails_at_any_call_can_be_finished),
    CASE(save_whose_answers_are_lost_is_found_out),
    CASE(removal_whose_answer_is_lost_is_unknown),
    CASE(each_change_is_made_durable_before_it_is_reported),
    CASE(value_that_a_dead_rename_left_twice_is_given_away_by_none),
    CASE(task_saved_again_after_a_dead_rename_survives_a_collection),
    CASE(value_is_kept_where_renames_cannot_be_listed),
    CASE(rename_that_cannot_be_made_durable_is_unknown),
    CASE(rename_that_gc_completes_is_made_durable),
};

const struct case_suite fault_suite = {
    .name = "faults",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 120,
};
