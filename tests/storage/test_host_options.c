/* SPDX-License-Identifier: Apache-2.0 */
/* What a program tells a host: threads, memory, durability, callbacks; and what happens
 * after fork. Hosts in one process do not mix. */
#include <functionfuse/plugin.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

/* What the callbacks saw. */
struct seen {
    atomic_int logs, progresses, asked, calls;
    atomic_int cancel_from; /* progress at which the program gives up, 0 = never */
    atomic_llong last, total;
    atomic_int backwards;
    char text[512];
};

static void on_log(void *ctx, int level, const char *text)
{
    struct seen *s = ctx;
    if (level != FF_LOG_DEBUG && atomic_fetch_add(&s->logs, 1) == 0) {
        (void)snprintf(s->text, sizeof s->text, "%s", text);
    }
}

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct seen *s = ctx;
    if ((long long)done < atomic_exchange(&s->last, (long long)done)) {
        atomic_fetch_add(&s->backwards, 1);
    }
    atomic_store(&s->total, (long long)total);
    atomic_fetch_add(&s->progresses, 1);
}

static int on_cancelled(void *ctx)
{
    struct seen *s = ctx;
    int from = atomic_load(&s->cancel_from);
    atomic_fetch_add(&s->asked, 1);
    return from && atomic_load(&s->calls) >= from;
}

static struct ff_host *open_host(struct ff_host_options o, struct seen *seen)
{
    static const char *const path[] = {FF_TEST_DOUBLES, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host *host;
    o.struct_size = FF_SIZE(ff_host_options, draft_sys);
    o.plugin_path = path;
    o.config_json = o.config_json || o.config_path ? o.config_json : "{}";
    if (seen) {
        o.ctx = seen;
        o.log = on_log;
        o.progress = on_progress;
        o.cancelled = on_cancelled;
    }
    host = ff_host_open(&o, &e);
    ck_assert_msg(host != NULL, "%s: %s", e.place, e.message);
    return host;
}

/* The fixture with another host. */
static void fixture_host(struct fixture *f, enum where where, struct ff_host_options o,
                         struct seen *seen)
{
    fixture_open(f, where, NULL);
    ff_storage_close(f->storage);
    ff_host_close(f->host);
    if (!o.config_json) {
        o.config_json = "{\"plugins\": {\"enable\": [\"memory\", \"fault\"]}}";
    }
    f->host = open_host(o, seen);
    f->storage = fixture_again(f);
    CHECK_OK(ff_new_workflow(f->storage, "run", ee));
}

/* ---- an array that takes a while ---- */

struct slow {
    struct seen *seen;
    atomic_int at_once, most;
    int nap_ms;
};

static int fill_slowly(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                       const struct ff_call *call, struct ff_error *e)
{
    struct slow *s = ctx;
    int now = atomic_fetch_add(&s->at_once, 1) + 1, most = atomic_load(&s->most);
    struct timespec nap = {0, s->nap_ms * 1000000L};
    (void)start, (void)call, (void)e;
    while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now)) {
    }
    if (s->seen) {
        atomic_fetch_add(&s->seen->calls, 1);
    }
    (void)nanosleep(&nap, NULL);
    memset(dst, 0, (size_t)count[0] * 4);
    atomic_fetch_sub(&s->at_once, 1);
    return FF_OK;
}

static struct ff_doc *slow_doc(struct slow *s, int64_t chunk_count, int64_t chunk)
{
    int64_t shape = chunk_count * chunk;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 1,
                                .descr = "<f4",
                                .shape = &shape,
                                .chunk = &chunk,
                                .fill = fill_slowly,
                                .ctx = s};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    (void)ff_doc_set_root(d, ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    return d;
}

/* ---- threads, memory, durability ---- */

static int most_at_once(struct ff_host_options o)
{
    struct slow s = {.nap_ms = 10};
    struct ff_doc *d = slow_doc(&s, 24, 1 << 18);
    struct fixture f;
    fixture_host(&f, ON_FILE, o, NULL);
    CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
    fixture_close(&f);
    return s.most;
}

START_TEST(threads_are_as_many_as_the_program_says)
{
    ck_assert_int_eq(most_at_once((struct ff_host_options){.threads = 1}), 1);
    ck_assert_int_eq(
        most_at_once((struct ff_host_options){.config_json = "{\"threads\": 1}"}), 1);
    ck_assert_int_gt(most_at_once((struct ff_host_options){.threads = 6}), 2);
    ck_assert_int_le(most_at_once((struct ff_host_options){.threads = 6}), 6);
    ck_assert_int_gt(most_at_once((struct ff_host_options){
                         .threads = 6, .config_json = "{\"threads\": 1}"}),
                     2);
}
END_TEST

/* A budget of two chunks holds two chunks: more threads do not make it more. */
START_TEST(memory_bounds_what_is_held_at_once)
{
    int64_t chunk = 1 << 18; /* 1 MiB */
    struct slow s = {.nap_ms = 10};
    struct ff_doc *d = slow_doc(&s, 24, chunk);
    struct fixture f;
    fixture_host(&f, ON_FILE,
                 (struct ff_host_options){.threads = 8, .memory_bytes = 2 << 20}, NULL);
    CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee));
    ck_assert_int_le(s.most, 2);
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

START_TEST(values_saved_without_durability_read_the_same)
{
    for (int i = 0; i < 2; i++) {
        struct ff_host_options o = {.durability = i ? FF_DURABILITY_NONE : 0,
                                    .config_json =
                                        i ? NULL : "{\"durability\": \"none\"}"};
        struct fixture f;
        fixture_host(&f, ON_FILE, o, NULL);
        save_sample(&f, "a", 1);
        save_sample(&f, "a", 2);
        expect_sample_at(&f, "run", "a", 2);
        ck_assert_int_eq(count_orphans(&f, 0), 0);
        fixture_close(&f);
    }
}
END_TEST

/* ---- callbacks ---- */

static void progress_on(enum where where)
{
    struct seen seen = {0};
    struct slow s = {.seen = &seen};
    struct ff_doc *d = slow_doc(&s, 16, 1 << 16);
    struct fixture f;
    fixture_host(&f, where, (struct ff_host_options){.threads = 1}, &seen);
    CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee));
    ck_assert_int_ge(seen.progresses, 2);
    ck_assert_int_eq(seen.backwards, 0);
    ck_assert_int_ge((int)seen.last, 16 << 18);
    ck_assert_int_eq((int)seen.total, (int)seen.last);
    ck_assert_int_gt(seen.asked, 0);
    ff_doc_free(d);
    fixture_close(&f);
}

START_TEST(progress_goes_up_to_all_of_the_bytes)
{
    progress_on(ON_FILE);
    progress_on(ON_MEMORY);
}
END_TEST

static void cancel_on(enum where where)
{
    struct seen seen = {0};
    struct slow s = {.seen = &seen, .nap_ms = 5};
    struct ff_doc *d = slow_doc(&s, 400, 1 << 12);
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    fixture_host(&f, where, (struct ff_host_options){.threads = 2}, &seen);
    save_sample(&f, "a", 1);
    seen.cancel_from = atomic_load(&seen.calls) + 20;
    ck_assert_int_eq(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, &e),
                     FF_E_CANCELLED);
    ck_assert_msg(strstr(e.place, "run/a") && e.message[0], "%s: %s", e.place, e.message);
    ck_assert_int_lt(seen.calls, 100);              /* soon, not at the end */
    ck_assert_msg(seen.logs == 0, "%s", seen.text); /* what it left could be taken back */
    seen.cancel_from = 0;
    expect_sample_at(&f, "run", "a", 1);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    CHECK_OK(ff_verify(f.storage, NULL, NULL, 1, NULL, NULL, ee));
    ff_doc_free(d);
    fixture_close(&f);
}

START_TEST(save_that_is_cancelled_leaves_the_old_value_and_no_orphan)
{
    cancel_on(ON_FILE);
    cancel_on(ON_MEMORY);
    cancel_on(ON_FAULT_OVER_FILE);
}
END_TEST

START_TEST(log_gets_text_and_nothing_is_printed)
{
    struct seen seen = {0};
    int pipes[2], saved = dup(2), saved_out = dup(1);
    char printed[16];
    struct ff_host *host;
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_int_eq(dup2(pipes[1], 2), 2);
    ck_assert_int_eq(dup2(pipes[1], 1), 1);
    host = open_host(
        (struct ff_host_options){
            .config_json = "{\"plugins\": {\"enable\": [\"acme.wavv\", \"picky\"]}}"},
        &seen);
    ck_assert_uint_gt(ff_plugin_count(host), 0);
    ff_host_close(host);
    host = open_host(
        (struct ff_host_options){
            .config_json = "{\"plugins\": {\"enable\": [\"acme.wavv\", \"picky\"]}}"},
        NULL); /* no callback: silence */
    ck_assert_uint_gt(ff_plugin_count(host), 0);
    ff_host_close(host);
    (void)dup2(saved, 2), (void)dup2(saved_out, 1);
    (void)close(pipes[1]);
    ck_assert_int_eq((int)read(pipes[0], printed, sizeof printed), 0);
    (void)close(pipes[0]), (void)close(saved), (void)close(saved_out);
    ck_assert_int_gt(seen.logs, 0);
    ck_assert_msg(strstr(seen.text, "acme.wavv") != NULL, "%s", seen.text);
}
END_TEST

/* ---- two hosts ---- */

START_TEST(hosts_of_different_configurations_do_not_mix)
{
    struct seen one = {0}, two = {0};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *plain;
    struct ff_host *without;
    struct ff_doc *d;
    struct fixture f;
    fixture_host(&f, ON_MEMORY, (struct ff_host_options){.threads = 2}, &one);
    without = open_host(
        (struct ff_host_options){.threads = 3,
                                 .config_json =
                                     "{\"plugins\": {\"disable\": [\"HDFSerializer\"]}}"},
        &two);
    ck_assert_ptr_null(ff_storage_factory(without, f.json, &e));
    ck_assert_msg(e.code == FF_E_PLUGIN && e.fix[0], "%d: %s", e.code, e.message);
    e = (struct ff_error)FF_ERROR_INIT;
    f.where = ON_FILE;
    (void)snprintf(f.json, sizeof f.json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s/store\"}}",
                   f.folder);
    plain = ff_storage_factory(without, f.json, &e);
    ck_assert_msg(plain != NULL, "%s", e.message);
    ff_storage_close(f.storage);
    f.storage = fixture_again(&f);
    CHECK_OK(ff_new_workflow(plain, "run", ee));
    d = sample(1);
    CHECK_CODE(ff_save(plain, "run", "a", ff_doc_root(d), NULL, ee), FF_E_PLUGIN);
    CHECK_OK(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
    d = ff_read_task(plain, "run", "a", NULL, &e);
    ck_assert_ptr_null(ff_array(ff_get(ff_doc_root(d), "field"), &e));
    ck_assert_int_eq(e.code, FF_E_PLUGIN);
    ff_doc_free(d);
    ff_host_close(without); /* its storage goes on */
    CHECK_OK(ff_remove_task(plain, "run", "a", ee));
    ff_storage_close(plain);
    save_sample(&f, "b", 2);
    expect_sample_at(&f, "run", "b", 2);
    ck_assert_int_gt(one.asked, 0);
    fixture_close(&f);
}
END_TEST

/* ---- fork ---- */

struct inherited {
    struct fixture *f;
    struct ff_doc *doc;
    const struct ff_array *array;
    struct ff_saving *saving;
    struct ff_writer *writer;
    struct ff_doc *doc_of_writer;
};

#define IN_CHILD(call)                                                                   \
    do {                                                                                 \
        struct ff_error e_ = FF_ERROR_INIT, *ee = &e_;                                   \
        (void)(call);                                                                    \
        if (ee->code != FF_E_FORKED || !ee->message[0] || !ee->fix[0]) {                 \
            (void)fprintf(stderr, "%s: %d: %s (%s)\n", #call, ee->code, ee->message,     \
                          ee->fix);                                                      \
            return 1;                                                                    \
        }                                                                                \
    } while (0)

static int use_in_child(void *ctx)
{
    struct inherited *in = ctx;
    struct ff_storage *s = in->f->storage;
    struct ff_value root = ff_doc_root(in->doc);
    struct ff_error e = FF_ERROR_INIT;
    float out[60] = {0};
    int64_t start = 0, count = 4;
    struct ff_host *own;
    struct ff_storage *mine;
    IN_CHILD(ff_save(s, "run", "c", root, NULL, ee));
    IN_CHILD(ff_read_task(s, "run", "a", NULL, ee));
    IN_CHILD(ff_list_tasks(s, "run", NULL, ee));
    IN_CHILD(ff_list_workflows(s, ee));
    IN_CHILD(ff_file_exists(s, "run", "a", ee));
    IN_CHILD(ff_new_workflow(s, "other", ee));
    IN_CHILD(ff_move_task(s, "run", "a", "run", "b", ee));
    IN_CHILD(ff_copy_task(s, "run", "a", s, "run", "b", NULL, NULL, ee));
    IN_CHILD(ff_remove_task(s, "run", "a", ee));
    IN_CHILD(ff_remove_tasks(s, "run", "*", NULL, ee));
    IN_CHILD(ff_remove_workflow(s, "run", ee));
    IN_CHILD(ff_task_info(s, "run", "a", ee));
    IN_CHILD(ff_verify(s, NULL, NULL, 0, NULL, NULL, ee));
    IN_CHILD(ff_usage(s, NULL, NULL, NULL, NULL, ee));
    IN_CHILD(ff_gc(s, NULL, NULL, NULL, NULL, ee));
    IN_CHILD(ff_saving_begin(s, "run", "c", NULL, ee));
    IN_CHILD(ff_storage_factory(in->f->host, in->f->json, ee));
    IN_CHILD(ff_storage_open(in->f->host, in->f->folder, ee));
    IN_CHILD(ff_resolve(ff_get(root, "field"), NULL, ee));
    IN_CHILD(ff_array(ff_get(root, "field"), ee));
    IN_CHILD(ff_array_read(in->array, NULL, out, NULL, NULL, ee));
    IN_CHILD(ff_config_show(in->f->host, ee));
    IN_CHILD(ff_storage_add(in->f->host, "new", "./x", ee));
    IN_CHILD(ff_storage_probe(s, NULL, NULL, ee));
    IN_CHILD(ff_plugin_enable(in->f->host, "x", 1, ee));
    IN_CHILD(ff_writer_open(in->saving, in->array, ee));
    IN_CHILD(ff_writer_push(in->writer, &start, &count, out, NULL, ee));
    IN_CHILD(ff_writer_finish(in->writer, in->doc_of_writer, ee));
    IN_CHILD(ff_saving_commit(in->saving, ff_get(root, "n"), ee));
    ff_saving_abort(in->saving);
    own = new_host(NULL, &e); /* a host of its own works */
    mine = ff_storage_factory(own, in->f->json, &e);
    if (ff_save(mine, "run", "child", ff_get(root, "n"), NULL, &e)) {
        (void)fprintf(stderr, "%s: %s\n", e.place, e.message);
        return 2;
    }
    ff_storage_close(mine);
    ff_host_close(own);
    ff_storage_close(s);
    ff_host_close(in->f->host);
    return 0;
}

START_TEST(child_of_fork_is_told_and_the_parent_goes_on)
{
    struct ff_error e = FF_ERROR_INIT;
    int64_t start = 0, shape = 4;
    float data[4] = {1, 2, 3, 4};
    struct ff_array *like = ff_array_from_memory("<f4", 1, &shape, data, &e);
    struct ff_value pushed;
    struct inherited in;
    struct ff_doc *read;
    struct fixture f;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    in.f = &f;
    in.doc = ff_read_task(f.storage, "run", "a", NULL, &e);
    read = ff_read_task(f.storage, "run", "a", NULL, &e);
    in.array = ff_array(ff_get(ff_doc_root(read), "field"), &e);
    in.saving = ff_saving_begin(f.storage, "run", "begun", NULL, &e);
    in.writer = ff_writer_open(in.saving, like, &e);
    in.doc_of_writer = ff_doc_new(&e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    ck_assert_int_eq(in_child(use_in_child, &in, 30), 0);
    CHECK_OK(ff_writer_push(in.writer, &start, &shape, data, NULL, ee));
    pushed = ff_writer_finish(in.writer, in.doc_of_writer, &e);
    CHECK_OK(ff_saving_commit(in.saving, pushed, ee));
    ff_doc_free(in.doc_of_writer);
    ff_array_free(like);
    ck_assert_int_eq(ff_file_exists(f.storage, "run", "begun", &e), 1);
    ck_assert_int_eq(ff_file_exists(f.storage, "run", "child", &e), 1);
    ck_assert_int_eq(ff_file_exists(f.storage, "run", "c", &e), 0);
    expect_elements(in.array, 1);
    expect_sample(ff_doc_root(in.doc), 1);
    ff_doc_free(in.doc);
    ff_doc_free(read);
    expect_sample_at(&f, "run", "a", 1);
    save_sample(&f, "a", 2);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("host_options", threads_are_as_many_as_the_program_says,
          memory_bounds_what_is_held_at_once,
          values_saved_without_durability_read_the_same,
          progress_goes_up_to_all_of_the_bytes,
          save_that_is_cancelled_leaves_the_old_value_and_no_orphan,
          log_gets_text_and_nothing_is_printed,
          hosts_of_different_configurations_do_not_mix,
          child_of_fork_is_told_and_the_parent_goes_on)
