/* SPDX-License-Identifier: Apache-2.0 */
/* contract_commit.c: ff.commit/1, a protocol's own or the derived one. */
#include <string.h>

#include "contract.h"

#define COMMIT subject.commit
#define ROOT   subject.root_objects

static struct ff_intent *begin(void)
{
    struct ff_intent *intent = NULL;

    CLAUSE_OK(COMMIT->begin(COMMIT, "wf", &intent, NULL, e), "begin");
    return intent;
}

/* Write the text in two pieces, and commit. */
static int commit_text(struct ff_intent *intent, const char *task, const char *text,
                       int mode, struct ff_displaced *old, struct ff_error *e)
{
    size_t half = strlen(text) / 2;
    int rc = COMMIT->write(COMMIT, intent, text, half, NULL, e);

    *old = (struct ff_displaced){.struct_size = FF_SIZE(ff_displaced, ctx)};
    rc = rc ? rc
            : COMMIT->write(COMMIT, intent, text + half, strlen(text) - half, NULL, e);
    if (rc) {
        COMMIT->abort(COMMIT, intent);
        return rc;
    }
    return COMMIT->commit(COMMIT, intent, task, mode, old, NULL, e);
}

static void save_ok(const char *task, const char *text)
{
    struct ff_displaced old;

    CLAUSE_OK(commit_text(begin(), task, text, FF_COMMIT_REPLACE, &old, e), "commit");
    if (old.data) {
        COMMIT->drop(COMMIT, &old, 1);
    }
}

static bool displaced_is(const struct ff_displaced *d, const char *text)
{
    return d->data && d->size_bytes == strlen(text) &&
           !memcmp(d->data, text, (size_t)d->size_bytes);
}

struct infos {
    size_t count, live;
    char last[300];
};

static int note_info(void *ctx, const struct ff_intent_info *info)
{
    struct infos *i = ctx;

    i->count++;
    i->live += info->state == FF_INTENT_LIVE;
    (void)snprintf(i->last, sizeof i->last, "%s", info->name);
    return 0;
}

static struct infos look(const char *workflow)
{
    struct infos i = {0};
    int64_t now = 0;

    CLAUSE_OK(COMMIT->intents(COMMIT, workflow, note_info, &i, &now, NULL, e), "intents");
    CLAUSE(now > 0, "intents: *now_ns, the medium's clock");
    return i;
}

static int workflow_is_there(const char *workflow)
{
    int there = 99;

    CLAUSE_OK(COMMIT->workflow_exists(COMMIT, workflow, &there, NULL, e),
              "workflow_exists");
    return there;
}

/* ---- workflows ---- */

static void make_workflow_is_idempotent(void)
{
    CLAUSE(!workflow_is_there("other"), "workflow_exists: not made yet");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "other", NULL, e), "make_workflow");
    CLAUSE(workflow_is_there("other") == 1, "make_workflow");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "other", NULL, e),
              "make_workflow: idempotent");
    save_ok("t", "value");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow: idempotent");
    CLAUSE(is_text(ROOT, "wf/t", "value"), "make_workflow: what is there stays");
}

/* The host checks the names of programs; a protocol must not leave its folder. */
static void names_that_are_none_are_refused(void)
{
    static const char *const names[] = {"", "a/b", "..", ".", "../wf"};
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct ff_error e = FF_ERROR_INIT, other = FF_ERROR_INIT, third = FF_ERROR_INIT;

        CLAUSE(commit_text(begin(), names[i], "v", FF_COMMIT_REPLACE, &old, &e) < 0,
               "commit: not a name of a task");
        CLAUSE(COMMIT->displace(COMMIT, "wf", names[i], &old, NULL, &other) < 0,
               "displace: not a name of a task");
        CLAUSE(COMMIT->make_workflow(COMMIT, names[i], NULL, &third) < 0,
               "make_workflow: not a name of a workflow");
        CLAUSE(e.code < 0 && other.code < 0 && third.code < 0,
               "a failure fills the error");
    }
}

static void begin_without_a_workflow_fails(void)
{
    struct ff_intent *intent = NULL;

    CLAUSE_CODE(COMMIT->begin(COMMIT, "none", &intent, NULL, e), FF_E_NOT_FOUND,
                "begin: no such workflow");
    CLAUSE(!workflow_is_there("none"), "begin: does not make a workflow");
}

static void remove_workflow_removes_all_of_it(void)
{
    struct ff_intent *intent = NULL;

    save_ok("t", "value");
    CLAUSE_OK(put_text(subject.objects, "d/a", "big", NULL, NULL, e), "PUT");
    CLAUSE_OK(COMMIT->remove_workflow(COMMIT, "wf", NULL, e), "remove_workflow");
    CLAUSE(!workflow_is_there("wf"), "remove_workflow: gone");
    CLAUSE(!exists(ROOT, "wf/t") && !exists(ROOT, "wf/bigdata/d/a"),
           "remove_workflow: deleted with all it holds");
    CLAUSE_CODE(COMMIT->remove_workflow(COMMIT, "wf", NULL, e), FF_E_NOT_FOUND,
                "remove_workflow: no such workflow");
    CLAUSE_CODE(COMMIT->begin(COMMIT, "wf", &intent, NULL, e), FF_E_NOT_FOUND,
                "begin: no such workflow");
    CLAUSE(look("").count == 0, "intents \"\": nothing is left of it");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow: again");
    save_ok("t", "another");
    CLAUSE(is_text(ROOT, "wf/t", "another"), "make_workflow: again");
}

/* ---- commit ---- */

static void commit_shows_the_task_and_gives_what_it_replaced(void)
{
    struct ff_displaced old;
    struct ff_intent *intent = begin();

    CLAUSE(!exists(ROOT, "wf/t"), "begin: no task yet");
    CLAUSE_OK(commit_text(intent, "t", "one", FF_COMMIT_REPLACE, &old, e), "commit");
    CLAUSE(!old.data, "commit: nothing was displaced");
    CLAUSE(is_text(ROOT, "wf/t", "one"), "commit: the intent becomes the task");
    CLAUSE_OK(commit_text(begin(), "t", "second", FF_COMMIT_REPLACE, &old, e), "commit");
    CLAUSE(displaced_is(&old, "one"), "commit: what was there is displaced");
    CLAUSE(is_text(ROOT, "wf/t", "second"), "commit: replaces");
    COMMIT->drop(COMMIT, &old, 1);
    CLAUSE_OK(commit_text(begin(), "t", "", FF_COMMIT_REPLACE, &old, e), "commit: empty");
    CLAUSE(displaced_is(&old, "second"), "commit: what was there is displaced");
    COMMIT->drop(COMMIT, &old, 1);
    CLAUSE_OK(commit_text(begin(), "t", "x", FF_COMMIT_REPLACE, &old, e), "commit");
    CLAUSE(displaced_is(&old, ""), "commit: an empty task is displaced too");
    COMMIT->drop(COMMIT, &old, 0);
    CLAUSE(is_text(ROOT, "wf/t", "x"), "drop: leaves the task alone");
    CLAUSE(look("wf").live == 0, "commit: the intent is gone");
}

static void commit_if_absent_conflicts_with_a_task(void)
{
    struct ff_displaced old;

    CLAUSE_OK(commit_text(begin(), "t", "one", FF_COMMIT_IF_ABSENT, &old, e),
              "commit, if absent: it is");
    CLAUSE(!old.data, "commit, if absent: nothing was displaced");
    CLAUSE_CODE(commit_text(begin(), "t", "two", FF_COMMIT_IF_ABSENT, &old, e),
                FF_E_CONFLICT, "commit, if absent: it is there");
    CLAUSE(!old.data, "commit: a failure displaces nothing");
    CLAUSE(is_text(ROOT, "wf/t", "one"),
           "commit: a conflict leaves the old value intact");
    CLAUSE(look("wf").count == 0, "commit: takes the intent, also on failure");
}

static void abort_leaves_nothing(void)
{
    struct ff_intent *intent = begin();

    CLAUSE_OK(COMMIT->write(COMMIT, intent, "text", 4, NULL, e), "write");
    CLAUSE(look("wf").count == 1, "begin: gc sees it");
    COMMIT->abort(COMMIT, intent);
    CLAUSE(look("wf").count == 0, "abort: nothing stays");
}

static void commit_when_cancelled_changes_nothing(void)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    struct cancel cancel;

    save_ok("t", "one");
    cancel_init(&cancel);
    atomic_store(&cancel.flag, 1);
    CLAUSE_CODE(
        COMMIT->commit(COMMIT, begin(), "t", FF_COMMIT_REPLACE, &old, &cancel.call, e),
        FF_E_CANCELLED, "commit: cancelled before it began");
    CLAUSE(is_text(ROOT, "wf/t", "one"), "commit: cancelled, the old value is intact");
    CLAUSE(look("wf").count == 0, "commit: takes the intent, also on failure");
}

static void commit_after_the_workflow_was_removed_conflicts(void)
{
    struct ff_displaced old;
    struct ff_intent *intent = begin(), *second;

    CLAUSE_OK(COMMIT->remove_workflow(COMMIT, "wf", NULL, e), "remove_workflow");
    CLAUSE_CODE(commit_text(intent, "t", "v", FF_COMMIT_REPLACE, &old, e), FF_E_CONFLICT,
                "commit: the workflow was removed");
    CLAUSE(!workflow_is_there("wf"), "commit: a conflict does not bring it back");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow");
    second = begin();
    CLAUSE_OK(COMMIT->remove_workflow(COMMIT, "wf", NULL, e), "remove_workflow");
    CLAUSE_OK(COMMIT->make_workflow(COMMIT, "wf", NULL, e), "make_workflow");
    save_ok("t", "of the new one");
    CLAUSE_CODE(commit_text(second, "t", "v", FF_COMMIT_REPLACE, &old, e), FF_E_CONFLICT,
                "commit: the workflow was removed, and made again");
    CLAUSE(is_text(ROOT, "wf/t", "of the new one"),
           "commit: the new one's task is intact");
}

/* ---- displace, rename ---- */

static void displace_removes_and_gives_the_value(void)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};

    CLAUSE_CODE(COMMIT->displace(COMMIT, "wf", "t", &old, NULL, e), FF_E_NOT_FOUND,
                "displace: absent");
    save_ok("t", "value");
    CLAUSE_OK(COMMIT->displace(COMMIT, "wf", "t", &old, NULL, e), "displace");
    CLAUSE(displaced_is(&old, "value"), "displace: what it was");
    CLAUSE(!exists(ROOT, "wf/t"), "displace: removes the task");
    COMMIT->drop(COMMIT, &old, 1);
    CLAUSE(look("wf").count == 0, "drop: for good");
    CLAUSE_CODE(COMMIT->displace(COMMIT, "wf", "t", &old, NULL, e), FF_E_NOT_FOUND,
                "displace: absent");
}

static void rename_replaces_nothing(void)
{
    save_ok("a", "one");
    save_ok("b", "two");
    CLAUSE_CODE(COMMIT->rename(COMMIT, "wf", "a", "b", NULL, e), FF_E_CONFLICT,
                "rename: it is there");
    CLAUSE(is_text(ROOT, "wf/a", "one") && is_text(ROOT, "wf/b", "two"),
           "rename: a conflict changes nothing");
    CLAUSE_OK(COMMIT->rename(COMMIT, "wf", "a", "c", NULL, e), "rename");
    CLAUSE(!exists(ROOT, "wf/a") && is_text(ROOT, "wf/c", "one"), "rename");
    CLAUSE_CODE(COMMIT->rename(COMMIT, "wf", "a", "d", NULL, e), FF_E_NOT_FOUND,
                "rename: no such task");
    CLAUSE(look("wf").count == 0, "rename: leaves nothing behind");
}

/* ---- intents ---- */

static void intent_is_live_and_a_fence_holds(void)
{
    struct ff_displaced old;
    struct ff_intent *intent = begin();
    struct infos i = look("wf");
    struct ff_error e = FF_ERROR_INIT;
    int rc;

    CLAUSE(i.count == 1 && i.live == 1, "intents: a save that has begun is live");
    CLAUSE(COMMIT->refresh(COMMIT, intent, &e) == FF_OK, "refresh");
    i = look("wf");
    CLAUSE(i.count == 1 && i.live == 1, "refresh: still one, and live");
    rc = COMMIT->fence(COMMIT, "wf", i.last, NULL, &e);
    CLAUSE(rc == FF_E_CONFLICT || rc == FF_OK, "fence: a live intent");
    e = (struct ff_error)FF_ERROR_INIT;
    CLAUSE(commit_text(intent, "t", "v", FF_COMMIT_REPLACE, &old, &e) ==
               (rc ? FF_OK : FF_E_CONFLICT),
           "fence: after FF_OK it cannot commit, else it can");
    CLAUSE(exists(ROOT, "wf/t") == (rc != FF_OK), "fence: after FF_OK it cannot commit");
}

static void stale_intent_is_fenced_and_cannot_commit(void)
{
    struct ff_displaced old;
    struct ff_intent *fenced, *fresh;
    struct infos i;

    save_ok("t", "old");
    fenced = begin();
    i = look("wf");
    atomic_store(&subject.host.clock_shift_ns, (long long)3600 * 1000000000);
    if (look("wf").live) { /* held by a lock: no time makes it stale */
        COMMIT->abort(COMMIT, fenced);
        return;
    }
    CLAUSE(look("wf").count == 1, "intents: a stale one is listed");
    fresh = begin();
    CLAUSE(look("wf").live == 1, "intents: a new one is live");
    CLAUSE_OK(COMMIT->fence(COMMIT, "wf", i.last, NULL, e), "fence");
    CLAUSE(look("wf").count == 1, "fence: it is gone");
    CLAUSE_CODE(COMMIT->refresh(COMMIT, fenced, e), FF_E_CONFLICT,
                "refresh: after a fence");
    CLAUSE_CODE(commit_text(fenced, "t", "v", FF_COMMIT_REPLACE, &old, e), FF_E_CONFLICT,
                "fence: it cannot commit");
    CLAUSE(is_text(ROOT, "wf/t", "old"), "fence: the old value is intact");
    CLAUSE_OK(commit_text(fresh, "t", "new", FF_COMMIT_REPLACE, &old, e),
              "fence: the others can commit");
    COMMIT->drop(COMMIT, &old, 1);
    CLAUSE_CODE(COMMIT->fence(COMMIT, "wf", i.last, NULL, e), FF_E_CONFLICT,
                "fence: no such intent: it may have committed");
}

static void settle_succeeds(void)
{
    save_ok("t", "value");
    CLAUSE_OK(COMMIT->settle(COMMIT, "wf", NULL, e), "settle");
}

static const struct case_test tests[] = {
    CASE(make_workflow_is_idempotent),
    CASE(names_that_are_none_are_refused),
    CASE(begin_without_a_workflow_fails),
    CASE(remove_workflow_removes_all_of_it),
    CASE(commit_shows_the_task_and_gives_what_it_replaced),
    CASE(commit_if_absent_conflicts_with_a_task),
    CASE(abort_leaves_nothing),
    CASE(commit_when_cancelled_changes_nothing),
    CASE(commit_after_the_workflow_was_removed_conflicts),
    CASE(displace_removes_and_gives_the_value),
    CASE(rename_replaces_nothing),
    CASE(intent_is_live_and_a_fence_holds),
    CASE(stale_intent_is_fenced_and_cannot_commit),
    CASE(settle_succeeds),
};

const struct case_suite commit_suite = {
    .name = "ff.commit/1",
    .before = subject_open,
    .after = subject_close,
    .tests = tests,
    .count = sizeof tests / sizeof *tests,
    .timeout_s = 60,
};
