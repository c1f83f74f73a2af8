/* SPDX-License-Identifier: Apache-2.0 */
/* Each system call of each operation fails once, with each of several reasons, before it is
 * made and after, and so does each allocation: what is there must be the old or the new
 * state, what came back must say so, and nothing may be left open or lying about. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_store.h"
#include "no_memory.h"
#include "run.h"

static struct store s;

/* What a scenario gives when it saw something wrong: Check's own assertions allocate. */
enum { WRONG = 99 };

struct scenario {
    const char *name;
    int (*run)(struct ff_error *);
    /* After the run, without faults: does the store show that it was done, not done? */
    bool (*done)(void);
    bool (*not_done)(void);
    bool
        absence_is_fine; /* a name that seems to be gone, truly or not, is what is wanted */
};

struct variant {
    int rc;
    bool done_first, no_flags, no_locks, walk, memory;
};
static const struct variant *variant;

/* ---- what is done ---- */

static bool is(const char *task, const char *text)
{
    char now[64];

    task_text(&s, task, now, sizeof now);
    return strcmp(now, text) == 0;
}

static bool object_is(const char *name, const char *text)
{
    char now[64];

    return get_text(s.objects, name, now, sizeof now, NULL) == FF_OK &&
           strcmp(now, text) == 0;
}

static bool absent(const char *name)
{
    return access(store_path(&s, name), F_OK) != 0;
}

static int save_new(struct ff_error *e)
{
    return save_text(&s, "fresh", "new", FF_COMMIT_IF_ABSENT, e);
}
static bool save_new_done(void)
{
    return is("fresh", "new");
}
static bool save_new_not_done(void)
{
    return absent("wf/fresh");
}

static int replace(struct ff_error *e)
{
    return save_text(&s, "t", "new", FF_COMMIT_REPLACE, e);
}
static bool replace_done(void)
{
    return is("t", "new");
}
static bool replace_not_done(void)
{
    return is("t", "old");
}

static int displace(struct ff_error *e)
{
    struct ff_displaced old = {.struct_size = FF_SIZE(ff_displaced, ctx)};
    int code = s.commit->displace(s.commit, "wf", "t", &old, NULL, e);

    s.commit->drop(s.commit, &old, 1);
    return code;
}
static bool displace_done(void)
{
    return absent("wf/t");
}

static int rename_task(struct ff_error *e)
{
    return s.commit->rename(s.commit, "wf", "t", "u", NULL, e);
}
static bool rename_done(void)
{
    return absent("wf/t") && is("u", "old");
}
static bool rename_not_done(void)
{
    return is("t", "old") && absent("wf/u");
}

static int remove_workflow(struct ff_error *e)
{
    return s.commit->remove_workflow(s.commit, "wf", NULL, e);
}
static bool remove_workflow_done(void)
{
    return absent("wf");
}

static int make_workflow(struct ff_error *e)
{
    return s.commit->make_workflow(s.commit, "other", NULL, e);
}
static bool make_workflow_done(void)
{
    return !absent("other");
}
static bool anything(void)
{
    return true;
}

static int put(struct ff_error *e)
{
    int code = put_text(s.objects, "d/x", "new", NULL, NULL, e);

    return code ? code : s.objects->sync(s.objects, NULL, e);
}
static bool put_done(void)
{
    return object_is("d/x", "new");
}
static bool put_not_done(void)
{
    return absent("wf/bigdata/d/x") || put_done(); /* sync may have failed */
}

static int put_if(struct ff_error *e)
{
    char tag[80];
    struct ff_one_io one;
    int code;

    memset(&one, 0, sizeof one);
    code = ff_one_run(s.objects, &one, FF_HEAD, "x", NULL, e);
    memcpy(tag, one.io.tag, sizeof tag);
    return code ? code : put_text(s.objects, "x", "new", tag, NULL, e);
}
static bool put_if_done(void)
{
    return object_is("x", "new");
}
static bool put_if_not_done(void)
{
    return object_is("x", "big") || put_if_done();
}

static int copy(struct ff_error *e)
{
    return copy_object(s.objects, "x", "y", "", e);
}
static bool copy_done(void)
{
    return object_is("y", "big") && object_is("x", "big");
}
static bool copy_not_done(void)
{
    return object_is("x", "big") && (absent("wf/bigdata/y") || copy_done());
}

static int remove_object(struct ff_error *e)
{
    return ff_remove_object(s.objects, "x", NULL, e);
}
static bool remove_object_done(void)
{
    return absent("wf/bigdata/x");
}

static int get(struct ff_error *e)
{
    char text[16];
    int code = get_text(s.objects, "x", text, sizeof text, e);

    return code || strcmp(text, "big") == 0 ? code : WRONG;
}

static int create(struct ff_error *e)
{
    int code = create_text(&s, "u", "new", e);

    return code ? code : s.objects->sync(s.objects, NULL, e);
}
static bool create_done(void)
{
    return object_is("u", "new");
}
static bool create_not_done(void)
{
    /* when the answer to the open was lost: an empty file that nothing refers to */
    return absent("wf/bigdata/u") || object_is("u", "") || create_done();
}

static int count_one(void *ctx, const struct ff_io *io)
{
    (void)io;
    ++*(int *)ctx;
    return 0;
}

static int list(struct ff_error *e)
{
    int count = 0, code;
    int64_t now_ns;

    code = s.root->list(s.root, "wf/", 0, count_one, &count, &now_ns, NULL, e);
    return code || count == 2 || variant->rc == -ENOENT ? code : WRONG;
}

/* EINVAL of a lock says that there are none; those that come later then seem not held. */
static int note_nothing(void *ctx, const struct ff_intent_info *info)
{
    return info->state == *(int *)ctx || strcmp(info->name, ".ff-tmp-dead") == 0 ||
                   variant->rc == -EINVAL
               ? 0
               : WRONG;
}

static int look_and_settle(struct ff_error *e)
{
    struct ff_intent *intent = NULL;
    int state = FF_INTENT_LIVE, code = s.commit->begin(s.commit, "wf", &intent, NULL, e);

    if (code) {
        return code;
    }
    code = s.commit->intents(s.commit, "wf", note_nothing, &state, NULL, NULL, e);
    code = code ? code : s.commit->refresh(s.commit, intent, e);
    code = code ? code : s.commit->settle(s.commit, "wf", NULL, e);
    s.commit->abort(s.commit, intent);
    return code;
}

static int fence(struct ff_error *e)
{
    return s.commit->fence(s.commit, "wf", ".ff-tmp-dead", NULL, e);
}
static bool fence_done(void)
{
    return absent("wf/.ff-tmp-dead");
}

static int open_storage(struct ff_error *e)
{
    char path[200];
    void *inst;
    int code;

    (void)snprintf(path, sizeof path, "%s/a/b", s.folder);
    code = store_create(&s, "path", path, &inst, e);
    if (code == FF_OK) {
        s.protocol->destroy(inst);
    }
    return code;
}
static bool open_storage_done(void)
{
    return !absent("a/b");
}

static const struct scenario scenarios[] = {
    {"save new", save_new, save_new_done, save_new_not_done, false},
    {"replace", replace, replace_done, replace_not_done, false},
    {"displace", displace, displace_done, replace_not_done, false},
    {"rename", rename_task, rename_done, rename_not_done, true},
    {"remove workflow", remove_workflow, remove_workflow_done, replace_not_done, false},
    {"make workflow", make_workflow, make_workflow_done, anything, false},
    {"put", put, put_done, put_not_done, false},
    {"put if", put_if, put_if_done, put_if_not_done, false},
    {"copy", copy, copy_done, copy_not_done, false},
    {"remove", remove_object, remove_object_done, anything, true},
    {"get", get, anything, anything, false},
    {"create", create, create_done, create_not_done, false},
    {"list", list, anything, anything, false},
    {"look and settle", look_and_settle, anything, anything, false},
    {"fence", fence, fence_done, anything, true},
    {"open", open_storage, open_storage_done, anything, false},
};

/* ---- the loop ---- */

static const struct variant variants[] = {
    {-EIO, false, false, false, false, false},
    {-EIO, true, false, false, false, false},
    {-ENOSPC, false, false, false, false, false},
    {-ENOENT, false, false, false, false, false},
    {-ENOENT, true, false, false, false, false},
    {-EACCES, false, false, false, false, false},
    {-EINTR, false, false, false, false, false},
    {-EINVAL, false, false, false, false, false},
    {-EIO, false, true, false, false, false},
    {-EIO, true, true, false, false, false},
    {-ENOENT, true, true, false, false, false},
    {-EIO, false, false, true, false, false},
    {-EIO, false, false, false, true, false},
    {-EMFILE, false, false, false, true, false},
    {-ENOMEM, false, false, false, false, true},
    {-ENOMEM, false, true, false, false, true},
};

static void prepare(const struct variant *v)
{
    FILE *file;

    OK(save_text(&s, "t", "old", FF_COMMIT_REPLACE, e));
    OK(put_text(s.objects, "x", "big", NULL, NULL, e));
    OK(s.objects->sync(s.objects, NULL, e));
    file = fopen(store_path(&s, "wf/.ff-tmp-dead"), "w");
    ck_assert_ptr_nonnull(file);
    (void)fclose(file);
    store_reopen(&s);
    s.faulty.no_flags = v->no_flags;
    s.faulty.always[SYS_LOCK] = v->no_locks ? -ENOLCK : 0;
    s.faulty.always[SYS_OPENAT2] = v->walk ? -ENOSYS : 0;
}

static void check_after(const struct scenario *sc, const struct variant *v, int at,
                        int code, const struct ff_error *e)
{
    int calls = s.faulty.total;
    bool done, not_done;

    faults_off(&s);
    done = sc->done();
    not_done = sc->not_done();
    ck_assert_msg(code == FF_OK ? done || (sc->absence_is_fine && v->rc == -ENOENT)
                  : code == FF_E_UNKNOWN_OUTCOME || code == FF_E_CONFLICT
                      ? done || not_done || sc->run == rename_task /* by links: or both */
                      : not_done,
                  "%s, call %d of %d fails (%d%s%s): gave %d (%s), done %d, not done %d",
                  sc->name, at, calls, v->rc, v->done_first ? " after" : "",
                  v->no_flags ? " no flags" : "", code, e->message, done, not_done);
    ck_assert_msg(code == e->code && (code == FF_OK || e->message[0]),
                  "%s, call %d: gave %d, the error says %d %s", sc->name, at, code,
                  e->code, e->message);
}

/* Nobody is at work: gc's part must leave no private name. */
static void check_clean(const struct scenario *sc, const struct variant *v, int at)
{
    int found = sweep_private(&s, "") + (absent("wf") ? 0 : sweep_private(&s, "wf"));

    /* without locks what a failure found looks young; the next gc takes it */
    ck_assert_msg(found == 0, "%s, call %d (%d): %d private names are left", sc->name, at,
                  v->rc, found);
}

/* false when there is no such call. */
static bool one_fault(const struct scenario *sc, const struct variant *v, int at)
{
    struct ff_error e = FF_ERROR_INIT;
    int fds, code;
    bool hit;

    store_open(&s, 0);
    prepare(v);
    fds = count_fds();
    s.faulty.total = 0;
    s.faulty.fault_at = v->memory ? 0 : at;
    s.faulty.fault_rc = v->rc;
    s.faulty.done_first = v->done_first;
    left = v->memory ? at - 1 : -1;
    code = sc->run(&e);
    hit = v->memory ? left < 0 : at <= s.faulty.total;
    left = -1;
    check_after(sc, v, at, code, &e);
    check_clean(sc, v, at);
    store_reopen(&s); /* what waits for a sync() is let go */
    ck_assert_msg(count_fds() <= fds, "%s, call %d: descriptors are left", sc->name, at);
    store_close(&s);
    return hit;
}

START_TEST(each_call_that_fails_leaves_old_or_new)
{
    const struct variant *v = &variants[_i];

    variant = v;
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        int at = 1;

        while (one_fault(&scenarios[i], v, at)) {
            at++;
        }
        ck_assert_int_gt(at, v->memory ? 0 : 3);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_faults");
    TCase *tcase = tcase_create("file_faults");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, each_call_that_fails_leaves_old_or_new, 0,
                        (int)COUNT_OF(variants));
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
