/* SPDX-License-Identifier: Apache-2.0 */
/* One host and one storage in many threads at once: each with its tasks, and all with one. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"

enum { THREADS = 6, ROUNDS = 12 };

struct worker {
    struct fixture *f;
    int number;
    char wrong[320]; /* Check's own assertions are for one thread */
};

static int told(struct worker *w, const char *what, const struct ff_error *e)
{
    (void)snprintf(w->wrong, sizeof w->wrong, "%s: %d at %.100s: %.180s", what, e->code,
                   e->place, e->message);
    return 0;
}

static int has_elements(const struct ff_array *a, int64_t salt, struct ff_error *e)
{
    float out[60];
    (void)ff_array_read(a, NULL, out, NULL, NULL, e);
    for (int i = 0; !e->code && i < 60; i++) {
        if (out[i] != (float)(salt + i)) {
            (void)ff_fail(e, FF_E_OTHER, NULL, "element %d is %g", i, (double)out[i]);
        }
    }
    return !e->code;
}

/* The value's salt, when every element has it; else -1. */
static int salt_of(struct ff_value v, struct ff_error *e)
{
    const struct ff_array *a = ff_array(ff_get(v, "field"), e);
    int64_t salt = -1;
    (void)ff_int64(ff_get(v, "n"), &salt, e);
    return has_elements(a, salt, e) ? (int)salt : -1;
}

static int save(const struct worker *w, const char *task, int salt, struct ff_error *e)
{
    struct ff_doc *d = sample(salt);
    (void)ff_save(w->f->storage, "run", task, ff_doc_root(d), NULL, e);
    ff_doc_free(d);
    return !e->code;
}

/* Saved, read, listed, moved, removed: nobody else has these names. */
static int own(struct worker *w, int round, struct ff_error *e)
{
    struct ff_storage *s = w->f->storage;
    char task[32], moved[32];
    int salt = 1000 * w->number + round, found;
    struct ff_names *names;
    struct ff_doc *d;
    (void)snprintf(task, sizeof task, "own%d", w->number);
    (void)snprintf(moved, sizeof moved, "moved%d", w->number);
    if (!save(w, task, salt, e) || ff_move_task(s, "run", task, "run", moved, e)) {
        return told(w, "save and move", e);
    }
    d = ff_read_task(s, "run", moved, NULL, e);
    found = d ? salt_of(ff_doc_root(d), e) : -1;
    ff_doc_free(d);
    names = ff_list_tasks(s, "run", moved, e);
    if (found != salt || !names || names->count != 1 ||
        ff_file_exists(s, "run", task, e)) {
        return told(w, "read and list", e);
    }
    ff_names_free(names);
    ff_doc_free(ff_task_info(s, "run", moved, e));
    return !ff_remove_task(s, "run", moved, e) || told(w, "remove", e);
}

/* Replaced by all: what is read is whole, or stale. */
static int shared(struct worker *w, int round, struct ff_error *e)
{
    struct ff_doc *d;
    if (!save(w, "shared", 1000 * w->number + round, e)) {
        return told(w, "save the shared one", e);
    }
    d = ff_read_task(w->f->storage, "run", "shared", NULL, e);
    (void)salt_of(ff_doc_root(d), e);
    ff_doc_free(d);
    if (e->code && e->code != FF_E_STALE) {
        return told(w, "read the shared one", e);
    }
    *e = (struct ff_error)FF_ERROR_INIT;
    return 1;
}

/* Read once; its array is opened by whoever comes first. */
static struct ff_doc *common;

static void *work(void *ctx)
{
    struct worker *w = ctx;
    struct ff_error e = FF_ERROR_INIT;
    for (int i = 0; i < ROUNDS && own(w, i, &e) && shared(w, i, &e); i++) {
        if (salt_of(ff_doc_root(common), &e) != 77) {
            (void)told(w, "read the common one", &e);
            break;
        }
    }
    return NULL;
}

static void at_once(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct worker workers[THREADS];
    pthread_t threads[THREADS];
    save_sample(f, "common", 77);
    common = ff_read_task(f->storage, "run", "common", NULL, &e);
    ck_assert_msg(common != NULL, "%s", e.message);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){f, i + 1, ""};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_msg(!workers[i].wrong[0], "%s: thread %d: %s", where_names[f->where], i,
                      workers[i].wrong);
    }
    ff_doc_free(common);
    CHECK_OK(ff_verify(f->storage, NULL, NULL, 1, NULL, NULL, ee));
    if (f->where == ON_FILE_OF_OLD_SYSTEM) {
        (void)count_orphans(f, 1); /* without an exchange, two replacers may leave some */
    }
    ck_assert_msg(count_orphans(f, 0) == 0, "%s", where_names[f->where]);
    CHECK_OK(ff_verify(f->storage, NULL, NULL, 1, NULL, NULL, ee));
}

START_TEST(storage_is_used_by_many_threads_at_once)
{
    on_each(at_once);
}
END_TEST

RUN_TESTS("threads", storage_is_used_by_many_threads_at_once)
