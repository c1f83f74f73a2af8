/* SPDX-License-Identifier: Apache-2.0 */
/* contract_meddle.c: the derived ff.commit/1 while somebody acts between two of its steps. A
 * protocol with an ff.commit/1 of its own passes. */
#include <string.h>

#include "contract.h"

#define COMMIT subject.commit
#define ROOT   subject.root_objects

int save(const char *task, const char *text, struct ff_error *e)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_intent *intent = NULL;
    int rc = COMMIT->begin(COMMIT, "wf", &intent, NULL, e);

    if (rc) {
        return rc;
    }
    rc = COMMIT->write(COMMIT, intent, text, strlen(text), NULL, e);
    if (rc) {
        COMMIT->abort(COMMIT, intent);
        return rc;
    }
    rc = COMMIT->commit(COMMIT, intent, task, FF_COMMIT_REPLACE, &old, NULL, e);
    if (!rc && (old.data || old.ctx)) {
        COMMIT->drop(COMMIT, &old, 1);
    }
    return rc;
}

int keep_name(void *ctx, const struct ff_intent_info *info)
{
    struct names *n = ctx;

    if (n->count < 16) {
        (void)snprintf(n->name[n->count++], sizeof n->name[0], "%s", info->name);
    }
    return 0;
}

static int nothing(void *ctx, const struct ff_io *io)
{
    (void)ctx;
    (void)io;
    return 1;
}

static int64_t medium_now_ns(void)
{
    int64_t now_ns = 0;

    (void)ROOT->list(ROOT, "wf/", 1, nothing, NULL, &now_ns, NULL, NULL);
    return now_ns;
}

bool pass_an_hour(void)
{
    const long long hour_ns = (long long)3600 * 1000000000;
    int64_t before_ns = medium_now_ns();

    atomic_fetch_add(&subject.host.clock_shift_ns, hour_ns);
    if (medium_now_ns() - before_ns >= hour_ns) {
        return true;
    }
    atomic_fetch_sub(&subject.host.clock_shift_ns, hour_ns);
    return false;
}

void fence_all(const char *workflow)
{
    struct names n = {.count = 0};

    if (!pass_an_hour()) {
        return;
    }
    CLAUSE_OK(COMMIT->intents(COMMIT, workflow, keep_name, &n, NULL, NULL, e), "intents");
    for (size_t i = 0; i < n.count; i++) {
        CLAUSE_OK(COMMIT->fence(COMMIT, workflow, n.name[i], NULL, e),
                  "fence: a stale one");
    }
    n.count = 0;
    CLAUSE_OK(COMMIT->intents(COMMIT, workflow, keep_name, &n, NULL, NULL, e), "intents");
    CLAUSE(n.count == 0, "fence: nothing is left");
}

struct meddler {
    struct ff_objects objects; /* first */
    struct ff_batch *outer;
    int op; /* of enum ff_io_op, on a name with this in it: then `act` */
    const char *what;
    bool before; /* act before the operation, not after it */
    int (*act)(struct meddler *);
    struct ff_intent *intent;
    int acts, puts_of_task;
    bool seen;
};

static struct ff_io *see_next(struct ff_batch *batch)
{
    struct meddler *m = batch->ctx;
    struct ff_io *io = m->outer->next(m->outer);

    m->puts_of_task += io && io->op == FF_PUT && !strcmp(io->name, "wf/t");
    if (io && io->op == m->op && strstr(io->name, m->what) && !m->seen) {
        m->seen = true;
        m->acts++;
        if (m->before) {
            CASE_ASSERT(m->act(m) == 0);
        }
    }
    return io;
}

static int see_done(struct ff_batch *batch, struct ff_io *io, int code,
                    const struct ff_error *e)
{
    struct meddler *m = batch->ctx;

    return m->outer->done(m->outer, io, code, e);
}

/* Let it happen, and act once beside it. */
static int meddle(const struct ff_objects *self, struct ff_batch *outer,
                  const struct ff_call *call, struct ff_error *e)
{
    struct meddler *m = (struct meddler *)(uintptr_t)self;
    struct ff_batch batch = {.struct_size = FF_SIZE(ff_batch, done),
                             .width = 1,
                             .ctx = m,
                             .next = see_next,
                             .done = see_done};
    int rc;

    m->outer = outer;
    rc = ROOT->run(ROOT, &batch, call, e);
    if (m->seen && !m->before && m->acts == 1) {
        m->acts++;
        rc = m->act(m);
        rc = rc ? ff_fail(e, rc, "wf/t", "what the test acted") : FF_OK;
    }
    return rc;
}

static int pass_list(const struct ff_objects *self, const char *prefix, int one_level,
                     int (*each)(void *, const struct ff_io *), void *ctx,
                     int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    (void)self;
    return ROOT->list(ROOT, prefix, one_level, each, ctx, now_ns, call, e);
}

static int pass_sync(const struct ff_objects *self, const struct ff_call *call,
                     struct ff_error *e)
{
    (void)self;
    return ROOT->sync(ROOT, call, e);
}

/* A derived commit that is meddled with. */
static struct ff_commit *derive_meddled(struct meddler *m)
{
    struct ff_commit *commit = NULL;

    m->objects = (struct ff_objects){.struct_size = FF_SIZE(ff_objects, sync),
                                     .run = meddle,
                                     .list = pass_list,
                                     .sync = pass_sync};
    CLAUSE_OK(ff_commit_derive(&m->objects, &subject.host.services, &subject.host.sys,
                               &commit, e),
              "derive");
    return commit;
}

/* The same with a save in it that has begun. */
static struct ff_commit *begin_meddled(struct meddler *m)
{
    struct ff_commit *commit = derive_meddled(m);

    CLAUSE(save("t", "old", NULL) == FF_OK, "commit");
    CLAUSE_OK(commit->begin(commit, "wf", &m->intent, NULL, e), "begin");
    CLAUSE_OK(commit->write(commit, m->intent, "ours", 4, NULL, e), "write");
    return commit;
}

static void commit_meddled(struct meddler *m, int expected, const char *clause)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_commit *commit = begin_meddled(m);

    CLAUSE_CODE(commit->commit(commit, m->intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
                expected, clause);
    CLAUSE(m->acts > 0, "the test acted");
    CLAUSE(!old.data, "commit: a failure displaces nothing: nothing is deleted");
    ff_commit_derived_free(commit);
}

static int replace_and_lose(struct meddler *m)
{
    (void)m;
    CLAUSE(save("t", "of another", NULL) == FF_OK, "commit, by another");
    return FF_E_NETWORK;
}

static void lost_answer_and_a_replacement_is_unknown_and_never_put_again(void)
{
    struct meddler m = {.op = FF_PUT, .what = "wf/t", .act = replace_and_lose};

    if (!subject.derived) {
        case_skip("the protocol has an ff.commit/1 of its own");
    }
    commit_meddled(&m, FF_E_UNKNOWN_OUTCOME, "commit: it cannot be known");
    CLAUSE(m.puts_of_task == 1, "commit: never put again against another tag");
    CLAUSE(is_text(ROOT, "wf/t", "of another"), "commit: the other's value stays");
}

static int replace_it(struct meddler *m)
{
    (void)m;
    CLAUSE(save("t", "of another", NULL) == FF_OK, "commit, by another");
    return FF_OK;
}

static void task_replaced_just_before_the_put_is_what_is_displaced(void)
{
    struct meddler m = {.op = FF_PUT, .what = "wf/t", .before = true, .act = replace_it};
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_commit *commit;

    if (!subject.derived) {
        case_skip("the protocol has an ff.commit/1 of its own");
    }
    commit = begin_meddled(&m);
    CLAUSE_OK(commit->commit(commit, m.intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
              "commit: tries again on a clean conflict");
    CLAUSE(m.puts_of_task == 2, "commit: only in the place of what it has read");
    CLAUSE(old.size_bytes == strlen("of another") &&
               !memcmp(old.data, "of another", strlen("of another")),
           "commit: what it displaced is what it replaced");
    commit->drop(commit, &old, 1);
    ff_commit_derived_free(commit);
}

static int fence_it(struct meddler *m)
{
    (void)m;
    fence_all("wf");
    return FF_OK;
}

static void writer_that_was_paused_past_its_fence_takes_the_task_back(void)
{
    struct meddler m = {.op = FF_PUT, .what = "wf/t", .before = true, .act = fence_it};

    if (!subject.derived || !pass_an_hour()) {
        case_skip("the protocol has an ff.commit/1, or a clock, of its own");
    }
    commit_meddled(&m, FF_E_CONFLICT, "commit: fenced just before its put");
    CLAUSE(is_text(ROOT, "wf/t", "old"), "commit: the old value is back");
}

static void writer_that_was_paused_behind_its_put_has_saved(void)
{
    struct meddler m = {.op = FF_PUT, .what = "wf/t", .act = fence_it};
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_commit *commit;

    if (!subject.derived || !pass_an_hour()) {
        case_skip("the protocol has an ff.commit/1, or a clock, of its own");
    }
    commit = begin_meddled(&m);
    CLAUSE_OK(commit->commit(commit, m.intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
              "commit: fenced just behind its put, which gc saw");
    CLAUSE(m.acts > 0, "the test acted");
    CLAUSE(is_text(ROOT, "wf/t", "ours"), "commit: not taken back");
    commit->drop(commit, &old, 1);
    ff_commit_derived_free(commit);
}

static int remove_it(struct meddler *m)
{
    int there = 1;

    (void)m;
    CLAUSE_OK(COMMIT->remove_workflow(COMMIT, "wf", NULL, e), "remove_workflow");
    CLAUSE_OK(COMMIT->workflow_exists(COMMIT, "wf", &there, NULL, e), "workflow_exists");
    CLAUSE(!there, "remove_workflow: gone, also while a save is being committed");
    return FF_OK;
}

static void workflow_removed_just_before_the_put_is_a_conflict(void)
{
    struct meddler m = {.op = FF_PUT, .what = "wf/t", .before = true, .act = remove_it};

    if (!subject.derived) {
        case_skip("the protocol has an ff.commit/1 of its own");
    }
    commit_meddled(&m, FF_E_CONFLICT,
                   "commit: the workflow was removed just before its put");
    CLAUSE(!exists(ROOT, "wf/t"), "commit: nothing comes back");
    fence_all("");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow");
}

static void fenced_save_does_not_even_put(void)
{
    struct meddler m = {.op = -1, .what = ""};
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_commit *commit;

    if (!subject.derived || !pass_an_hour()) {
        case_skip("the protocol has an ff.commit/1, or a clock, of its own");
    }
    commit = begin_meddled(&m);
    fence_all("wf");
    CLAUSE_CODE(commit->commit(commit, m.intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
                FF_E_CONFLICT, "commit: fenced");
    CLAUSE(m.puts_of_task == 0, "commit: fenced, no reader ever sees it");
    ff_commit_derived_free(commit);
}

static int refresh_it(struct meddler *m)
{
    CLAUSE_OK(COMMIT->refresh(COMMIT, m->intent, e), "refresh");
    return FF_OK;
}

static void fence_of_an_intent_that_is_or_becomes_live_is_a_conflict(void)
{
    struct meddler m = {.op = -1, .what = "/intent-", .act = refresh_it};
    struct names n = {.count = 0};
    struct ff_commit *commit;

    if (!subject.derived || !pass_an_hour()) {
        case_skip("the protocol has an ff.commit/1, or a clock, of its own");
    }
    commit = begin_meddled(&m);
    CLAUSE_OK(commit->intents(commit, "wf", keep_name, &n, NULL, NULL, e), "intents");
    CASE_ASSERT(n.count == 1);
    CLAUSE_CODE(commit->fence(commit, "wf", n.name[0], NULL, e), FF_E_CONFLICT,
                "fence: it is live");
    CLAUSE(pass_an_hour(), "list: *now_ns, the medium's clock");
    m.op = FF_GET; /* between fence's look and its swap */
    CLAUSE_CODE(commit->fence(commit, "wf", n.name[0], NULL, e), FF_E_CONFLICT,
                "fence: it has become live");
    CLAUSE(m.acts > 0, "the test acted");
    CLAUSE_OK(commit->refresh(commit, m.intent, e), "fence: a conflict leaves it alone");
    commit->abort(commit, m.intent);
    ff_commit_derived_free(commit);
}

/* ---- renames ---- */

/* "t" and "to" as a rename left them that died after its put, an hour ago. */
static void leave_dead_rename(void)
{
    char tag[80], text[160], byte;
    uint64_t came = 0;

    CLAUSE(save("t", "old", NULL) == FF_OK, "commit");
    CLAUSE_OK(get_range(ROOT, "wf/t", 0, &byte, 1, &came, NULL, tag, e), "get");
    (void)snprintf(text, sizeof text, "renaming %s\nt\nto\n", tag);
    CLAUSE_OK(put_text(ROOT, "wf/bigdata/.ff/rename-0123", text, NULL, NULL, e), "put");
    CLAUSE_OK(put_text(ROOT, "wf/to", "old", NULL, NULL, e), "put");
}

/* What gc does to a dead rename. */
static int fence_rename(struct meddler *m)
{
    struct names n = {.count = 0};
    int fenced = 0;

    (void)m;
    CLAUSE_OK(COMMIT->intents(COMMIT, "wf", keep_name, &n, NULL, NULL, e), "intents");
    for (size_t i = 0; i < n.count; i++) {
        if (strstr(n.name[i], "rename-")) {
            CLAUSE_OK(COMMIT->fence(COMMIT, "wf", n.name[i], NULL, e), "fence");
            fenced++;
        }
    }
    CLAUSE(fenced == 1, "intents: shows a dead rename");
    return FF_OK;
}

static void rename_that_gc_ends_after_the_removal_still_shares_its_value(void)
{
    static const char *const names[] = {"t", "to"};

    for (size_t i = 0; i < 2; i++) {
        struct meddler m = {.op = FF_REMOVE, .what = "wf/t", .act = fence_rename};
        struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
        struct ff_commit *commit;

        if (!subject.derived || !pass_an_hour()) {
            case_skip("the protocol has an ff.commit/1, or a clock, of its own");
        }
        commit = derive_meddled(&m);
        leave_dead_rename();
        CLAUSE(pass_an_hour(), "list: *now_ns, the medium's clock");
        CLAUSE_OK(commit->displace(commit, "wf", names[i], &old, NULL, e), "displace");
        CLAUSE(m.acts > 0, "the test acted");
        CLAUSE(!old.data, "displace: the other name still has the value");
        commit->drop(commit, &old, 0);
        CLAUSE(exists(ROOT, i ? "wf/t" : "wf/to"), "fence: left the other name");
        ff_commit_derived_free(commit);
        (void)remove_if(ROOT, "wf/to", NULL, NULL);
    }
}

static void rename_that_gc_ends_after_the_put_still_shares_its_value(void)
{
    struct meddler m = {.op = FF_PUT, .what = "wf/t", .act = fence_rename};
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct ff_commit *commit;

    if (!subject.derived || !pass_an_hour()) {
        case_skip("the protocol has an ff.commit/1, or a clock, of its own");
    }
    leave_dead_rename();
    CLAUSE(pass_an_hour(), "list: *now_ns, the medium's clock");
    commit = derive_meddled(&m);
    CLAUSE_OK(commit->begin(commit, "wf", &m.intent, NULL, e), "begin");
    CLAUSE_OK(commit->write(commit, m.intent, "ours", 4, NULL, e), "write");
    CLAUSE_OK(commit->commit(commit, m.intent, "t", FF_COMMIT_REPLACE, &old, NULL, e),
              "commit");
    CLAUSE(m.acts > 0, "the test acted");
    CLAUSE(!old.data, "commit: the other name still has the value");
    CLAUSE(is_text(ROOT, "wf/to", "old"), "fence: left the other name");
    commit->drop(commit, &old, 0);
    ff_commit_derived_free(commit);
}

static int make_it_again(struct meddler *m)
{
    remove_it(m);
    fence_all("");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow");
    return FF_OK;
}

/* What remove_workflow does first. */
static int mark_removed(struct meddler *m)
{
    (void)m;
    CLAUSE_OK(put_text(ROOT, "wf/bigdata/.ff/workflow", "removed 0123", NULL, NULL, e),
              "put");
    return FF_OK;
}

static void rename_is_refused_where_somebody_comes_between(void)
{
    static const struct {
        const char *what;
        int (*act)(struct meddler *);
        const char *old, *clause;
    } cases[] = {
        {"/rename-", replace_it, "of another", "rename: the task was replaced"},
        {"wf/to", make_it_again, NULL, "rename: the workflow is another one"},
        {"wf/to", mark_removed, "old", "rename: the workflow is being removed"},
    };

    if (!subject.derived || !pass_an_hour()) {
        case_skip("the protocol has an ff.commit/1, or a clock, of its own");
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct meddler m = {.op = FF_PUT, .what = cases[i].what, .act = cases[i].act};
        struct ff_commit *commit = derive_meddled(&m);

        CLAUSE(save("t", "old", NULL) == FF_OK, "commit");
        CLAUSE_CODE(commit->rename(commit, "wf", "t", "to", NULL, e), FF_E_CONFLICT,
                    cases[i].clause);
        CLAUSE(m.acts > 0, "the test acted");
        CLAUSE(!exists(ROOT, "wf/to"), cases[i].clause);
        CLAUSE(cases[i].old ? is_text(ROOT, "wf/t", cases[i].old) : !exists(ROOT, "wf/t"),
               cases[i].clause);
        ff_commit_derived_free(commit);
    }
}

static const struct case_test tests[] = {
    CASE(lost_answer_and_a_replacement_is_unknown_and_never_put_again),
    CASE(task_replaced_just_before_the_put_is_what_is_displaced),
    CASE(writer_that_was_paused_past_its_fence_takes_the_task_back),
    CASE(writer_that_was_paused_behind_its_put_has_saved),
    CASE(workflow_removed_just_before_the_put_is_a_conflict),
    CASE(fenced_save_does_not_even_put),
    CASE(fence_of_an_intent_that_is_or_becomes_live_is_a_conflict),
    CASE(rename_that_gc_ends_after_the_removal_still_shares_its_value),
    CASE(rename_that_gc_ends_after_the_put_still_shares_its_value),
    CASE(rename_is_refused_where_somebody_comes_between),
};

const struct case_suite meddle_suite = {
    .name = "between two steps",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 120,
};
