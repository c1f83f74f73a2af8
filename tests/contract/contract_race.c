/* SPDX-License-Identifier: Apache-2.0 */
/* contract_race.c: ff.commit/1 under many threads: each value that was committed is handed out
 * once, by the commit or the removal that displaced it, or is the task at the end. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "contract.h"
#include "tests/doubles/fault.h"

#define COMMIT  subject.commit
#define ROOT    subject.root_objects
#define THREADS 4

struct worker {
    pthread_t thread;
    int number, rounds, failures, code;
    int left; /* displaced without data: to gc, as another name may have the value */
    atomic_int *displaced; /* by value's number: how often it was handed out */
    atomic_int *committed;
    struct ff_error error;
};

static void note_failure(struct worker *w, int code, const struct ff_error *e)
{
    if (!w->failures++) {
        w->code = code;
        w->error = *e;
    }
}

static void hand_out(struct worker *w, struct ff_displaced *old)
{
    char text[32] = "";

    if (!old->data) {
        if (old->ctx) {
            w->left++;
            COMMIT->drop(COMMIT, old, 0);
        }
        return;
    }
    memcpy(text, old->data, old->size_bytes < 31 ? (size_t)old->size_bytes : 31);
    atomic_fetch_add(&w->displaced[atoi(text)], 1);
    COMMIT->drop(COMMIT, old, 1);
}

static int save_number(struct worker *w, const char *task, int value, int mode,
                       struct ff_error *e)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_intent *intent = NULL;
    char text[32];
    int rc = COMMIT->begin(COMMIT, "wf", &intent, NULL, e);

    if (rc) {
        return rc;
    }
    (void)snprintf(text, sizeof text, "%d", value);
    rc = COMMIT->write(COMMIT, intent, text, strlen(text), NULL, e);
    if (rc) {
        COMMIT->abort(COMMIT, intent);
        return rc;
    }
    rc = COMMIT->commit(COMMIT, intent, task, mode, &old, NULL, e);
    if (!rc) {
        atomic_fetch_add(&w->committed[value], 1);
        hand_out(w, &old);
    }
    return rc;
}

static void *replace(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < w->rounds; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = save_number(w, "t", w->number * w->rounds + i, FF_COMMIT_REPLACE, &e);

        if (rc) {
            note_failure(w, rc, &e);
        }
    }
    return NULL;
}

static void *displace(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < w->rounds; i++) {
        struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
        struct ff_error e = FF_ERROR_INIT;
        int rc = COMMIT->displace(COMMIT, "wf", "t", &old, NULL, &e);

        if (!rc) {
            hand_out(w, &old);
        } else if (rc != FF_E_NOT_FOUND) {
            note_failure(w, rc, &e);
        }
    }
    return NULL;
}

static void *rename_around(void *arg)
{
    static const char *const names[] = {"t", "u"};
    struct worker *w = arg;

    for (int i = 0; i < w->rounds; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = COMMIT->rename(COMMIT, "wf", names[i % 2], names[(i + 1) % 2], NULL, &e);

        if (rc && rc != FF_E_NOT_FOUND && rc != FF_E_CONFLICT) {
            note_failure(w, rc, &e);
        }
    }
    return NULL;
}

/* Steps in memory are so short that threads would hardly meet between them. */
static void slow_down(void)
{
    const struct ff_fault *fault = subject.protocol->query(subject.root, FF_FAULT_1);
    struct ff_fault_rule rule = {.struct_size = FF_SIZE(ff_fault_rule, delay_ms),
                                 .op = FF_FAULT_PUT,
                                 .delay_ms = 1};

    if (fault) {
        CLAUSE_OK(fault->set_rule(fault, &rule, e), "set_rule");
        rule.op = FF_FAULT_REMOVE;
        CLAUSE_OK(fault->set_rule(fault, &rule, e), "set_rule");
    }
}

static void run_workers(struct worker *workers, void *(*const *fns)(void *), int rounds)
{
    size_t values = (size_t)(THREADS * rounds);
    atomic_int *displaced = calloc(values, sizeof *displaced);
    atomic_int *committed = calloc(values, sizeof *committed);

    CASE_ASSERT(displaced && committed);
    slow_down();
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.number = i,
                                     .rounds = rounds,
                                     .displaced = displaced,
                                     .committed = committed,
                                     .error = FF_ERROR_INIT};
        CASE_ASSERT(pthread_create(&workers[i].thread, NULL, fns[i], &workers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    for (int i = 0; i < THREADS; i++) {
        CASE_MSG(!workers[i].failures, "%d failures, the first %d (%s: %s)",
                 workers[i].failures, workers[i].code, workers[i].error.place,
                 workers[i].error.message);
    }
}

/* Each committed value was handed out once, or is in one task now, or was left to gc (then it
 * cannot be seen which one); none of another. */
static void check_values(struct worker *w, const char *clause)
{
    static const char *const tasks[] = {"wf/t", "wf/u"};
    int total = THREADS * w->rounds, left = 0, missing = 0;

    for (int i = 0; i < THREADS; i++) {
        left += w[i].left;
    }
    for (size_t i = 0; i < 2; i++) {
        char text[32] = "";

        if (!get_range(ROOT, tasks[i], 0, text, 31, NULL, NULL, NULL, NULL)) {
            atomic_fetch_add(&w->displaced[atoi(text)], 1);
        }
    }
    for (int i = 0; i < total; i++) {
        CASE_MSG(w->displaced[i] <= w->committed[i],
                 "%s\n  value %d: committed %d times, handed out or there %d times",
                 clause, i, (int)w->committed[i], (int)w->displaced[i]);
        missing += w->committed[i] - w->displaced[i];
    }
    CASE_MSG(missing <= left, "%s\n  %d values are lost, %d were left to gc", clause,
             missing, left);
    free(w->displaced);
    free(w->committed);
}

static void replacers_hand_out_each_value_once(void)
{
    void *(*const fns[])(void *) = {replace, replace, replace, replace};
    struct worker workers[THREADS];

    if (!medium_is_atomic()) {
        case_skip("the server lets two conditional puts at once both succeed");
    }
    run_workers(workers, fns, 100);
    check_values(workers, "commit: what it displaced, each exactly once");
}

static void replacers_and_removers_hand_out_each_value_once(void)
{
    void *(*const fns[])(void *) = {replace, displace, replace, displace};
    struct worker workers[THREADS];

    if (!medium_is_atomic()) {
        case_skip("the server lets two conditional puts at once both succeed");
    }
    run_workers(workers, fns, 100);
    check_values(workers, "commit, displace: what was displaced, each exactly once");
}

static void renames_lose_and_double_nothing(void)
{
    void *(*const fns[])(void *) = {replace, rename_around, replace, rename_around};
    struct worker workers[THREADS];

    if (!medium_is_atomic()) {
        case_skip("the server lets two conditional puts at once both succeed");
    }
    run_workers(workers, fns, 50);
    check_values(workers, "rename: no value is lost, none is there twice");
}

static void *save_once(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < w->rounds; i++) {
        struct ff_error e = FF_ERROR_INIT;
        char task[32];
        int rc;

        (void)snprintf(task, sizeof task, "once%d", i);
        rc = save_number(w, task, i, FF_COMMIT_IF_ABSENT, &e);
        if (rc && rc != FF_E_CONFLICT) {
            note_failure(w, rc, &e);
        }
    }
    return NULL;
}

static void commit_if_absent_has_one_winner(void)
{
    void *(*const fns[])(void *) = {save_once, save_once, save_once, save_once};
    struct worker workers[THREADS];

    if (!medium_is_atomic()) {
        case_skip("the server lets two conditional puts at once both succeed");
    }
    run_workers(workers, fns, 50);
    for (int i = 0; i < 50; i++) {
        CLAUSE(workers[0].committed[i] == 1, "commit, if absent: one of many succeeds");
    }
    free(workers[0].displaced);
    free(workers[0].committed);
}

/* Saves go on while the workflow is removed and made again. */
static void *save_on(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < w->rounds; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = save_number(w, "t", w->number * w->rounds + i, FF_COMMIT_REPLACE, &e);

        if (rc && rc != FF_E_CONFLICT && rc != FF_E_NOT_FOUND) {
            note_failure(w, rc, &e);
        }
    }
    return NULL;
}

static void *remove_and_make(void *arg)
{
    struct worker *w = arg;

    for (int i = 0; i < w->rounds; i++) {
        struct ff_error e = FF_ERROR_INIT;
        int rc = COMMIT->remove_workflow(COMMIT, "wf", NULL, &e);

        if (rc && rc != FF_E_NOT_FOUND) {
            note_failure(w, rc, &e);
        }
        e = (struct ff_error)FF_ERROR_INIT;
        rc = COMMIT->make_workflow(COMMIT, "wf", NULL, &e);
        if (rc) {
            note_failure(w, rc, &e);
        }
    }
    return NULL;
}

static void saves_beside_a_removed_workflow_end_whole_or_in_conflict(void)
{
    void *(*const fns[])(void *) = {save_on, remove_and_make, save_on, save_on};
    struct worker workers[THREADS];
    int there = 0;

    if (!medium_is_atomic()) {
        case_skip("the server lets two conditional puts at once both succeed");
    }
    run_workers(workers, fns, 30);
    for (int i = 0; i < THREADS * 30; i++) {
        /* Also one that had failed: it was in the new workflow until it was taken back. */
        CLAUSE(workers[0].displaced[i] <= 1, "commit: what was displaced, at most once");
    }
    free(workers[0].displaced);
    free(workers[0].committed);
    CLAUSE_OK(COMMIT->remove_workflow(COMMIT, "wf", NULL, e), "remove_workflow");
    CLAUSE_OK(COMMIT->workflow_exists(COMMIT, "wf", &there, NULL, e), "workflow_exists");
    CLAUSE(!there && !exists(ROOT, "wf/t"), "remove_workflow: nothing comes back");
}

static const struct case_test tests[] = {
    CASE(replacers_hand_out_each_value_once),
    CASE(replacers_and_removers_hand_out_each_value_once),
    CASE(renames_lose_and_double_nothing),
    CASE(commit_if_absent_has_one_winner),
    CASE(saves_beside_a_removed_workflow_end_whole_or_in_conflict),
};

const struct case_suite race_suite = {
    .name = "ff.commit/1, races",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 120,
};
