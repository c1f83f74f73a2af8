/* SPDX-License-Identifier: Apache-2.0 */
/* test_gc_pages.c: gc while tasks are renamed between two pages of a listing, as S3 gives them, and
 * on a medium whose lists say no times. The protocol "paged" is one of this program: it passes
 * everything to another one, but tells what is in the workflow in two pages. */
#include <functionfuse/plugin.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/vec.h"
#include "fixture.h"

/* ---- the protocol ---- */

struct paged {
    const struct ff_host_services *host;
    const struct ff_opener *opener;
    const struct ff_protocol *to;
    void *inner;
};

struct bound {
    struct ff_objects objects; /* first */
    const struct ff_objects *to;
    struct paged *inst;
    void *inner;
};

/* What happens between the pages of each listing of "run/", until there is none. */
static void (*const *between)(void);

static const struct bound *bound_of(const struct ff_objects *objects)
{
    return (const struct bound *)(const void *)objects;
}

static int create(const struct ff_host_services *host, struct ff_value options,
                  void **inst, struct ff_error *e)
{
    struct paged *p = calloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    p->host = host;
    p->opener = host->query(host, FF_OPEN_1);
    *inst = p;
    return p->opener->open(host, options, &p->to, &p->inner, e);
}

static void destroy(void *inst)
{
    struct paged *p = inst;
    p->opener->close(p->host, p->to, p->inner);
    free(p);
}

static int run(const struct ff_objects *self, struct ff_batch *batch,
               const struct ff_call *call, struct ff_error *e)
{
    const struct bound *b = bound_of(self);
    return b->to->run(b->to, batch, call, e);
}

static int sync_all(const struct ff_objects *self, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct bound *b = bound_of(self);
    return b->to->sync(b->to, call, e);
}

struct page {
    int (*each)(void *, const struct ff_io *);
    void *ctx;
    int second;
};

/* The names before "m" are the first page. */
static int tell(void *ctx, const struct ff_io *io)
{
    const struct page *p = ctx;
    return (io->name[strlen("run/")] >= 'm') == p->second ? p->each(p->ctx, io) : 0;
}

/* Lists say no times, and with `tasks_hidden` no task either: all big data is an orphan. */
static bool timeless, tasks_hidden;

static int tell_timeless(void *ctx, const struct ff_io *io)
{
    const struct page *p = ctx;
    struct ff_io copy = *io;
    copy.mtime_ns = 0;
    return p->second && !io->is_folder ? 0 : p->each(p->ctx, &copy);
}

static int list(const struct ff_objects *self, const char *prefix, int one_level,
                int (*each)(void *, const struct ff_io *), void *ctx, int64_t *now_ns,
                const struct ff_call *call, struct ff_error *e)
{
    const struct bound *b = bound_of(self);
    struct page page = {each, ctx, 0};
    int rc;
    if (timeless) {
        page.second = tasks_hidden && strcmp(prefix, "run/") == 0;
        return b->to->list(b->to, prefix, one_level, tell_timeless, &page, now_ns, call,
                           e);
    }
    if (strcmp(prefix, "run/") != 0 || !between || !*between) {
        return b->to->list(b->to, prefix, one_level, each, ctx, now_ns, call, e);
    }
    rc = b->to->list(b->to, prefix, one_level, tell, &page, now_ns, call, e);
    (*between++)();
    page.second = 1;
    return rc ? rc : b->to->list(b->to, prefix, one_level, tell, &page, NULL, call, e);
}

static int bind(void *inst, const char *folder, void **out, const struct ff_call *call,
                struct ff_error *e)
{
    struct bound *b = calloc(1, sizeof *b);
    ck_assert_ptr_nonnull(b);
    b->inst = inst;
    b->objects = (struct ff_objects){.struct_size = FF_SIZE(ff_objects, sync),
                                     .run = run,
                                     .list = list,
                                     .sync = sync_all};
    *out = b;
    return b->inst->to->bind(b->inst->inner, folder, &b->inner, call, e);
}

static void unbind(void *bound)
{
    struct bound *b = bound;
    b->inst->to->unbind(b->inner);
    free(b);
}

static const void *query(void *bound, const char *id)
{
    struct bound *b = bound;
    if (strcmp(id, FF_OBJECTS_1) != 0) {
        return b->inst->to->query(b->inner, id);
    }
    b->to = b->inst->to->query(b->inner, id);
    return &b->objects;
}

static const char *identity(void *inst)
{
    const struct paged *p = inst;
    return p->to->identity(p->inner);
}

static const struct ff_protocol *describe(void)
{
    static const struct ff_protocol paged = {
        .struct_size = FF_SIZE(ff_protocol, needs),
        .abi = FF_ABI,
        .kind = "paged",
        .version = "1.0.0",
        .key = "paged",
        .summary = "another protocol, its lists in pages",
        .create = create,
        .destroy = destroy,
        .bind = bind,
        .unbind = unbind,
        .query = query,
        .identity = identity,
    };
    return &paged;
}

/* ---- the tests ---- */

static struct fixture f;         /* what renames */
static struct ff_host *gc_host;  /* what collects, in pages */
static struct ff_storage *paged; /* of the same content */

static void open_both(void)
{
    static const char *const path[] = {FF_TEST_DOUBLES, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, plugin_path),
                                .plugin_path = path};
    char json[1024];
    fixture_open(&f, ON_MEMORY, NULL);
    o.config_json = f.config;
    gc_host = ff_host_open(&o, &e);
    ck_assert_msg(gc_host != NULL, "%s: %s", e.place, e.message);
    CHECK_OK(ff_register_static(gc_host, NULL, describe, ee));
    (void)snprintf(json, sizeof json, "{\"kind\": \"paged\", \"options\": %s}", f.json);
    paged = ff_storage_factory(gc_host, json, &e);
    ck_assert_msg(paged != NULL, "%s: %s", e.place, e.message);
}

static void close_both(void)
{
    ff_storage_close(paged);
    ff_host_close(gc_host);
    fixture_close(&f);
    between = NULL;
    timeless = tasks_hidden = false;
}

static void rename_to(const char *task, const char *to)
{
    CHECK_OK(ff_move_task(f.storage, "run", task, "run", to, ee));
}

static void z_to_a(void)
{
    rename_to("z", "a");
}

static void y_to_b(void)
{
    rename_to("y", "b");
}

static void b_goes(void)
{
    CHECK_OK(ff_remove_task(f.storage, "run", "b", ee));
}

static void nothing(void)
{
}

static int orphans, spared;

static int see(void *ctx, const struct ff_finding *found)
{
    (void)ctx;
    orphans += !strcmp(found->what, "orphan");
    spared += !strcmp(found->what, "spared");
    return 0;
}

static void collect(void (*const *meanwhile)(void))
{
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .really = 1};
    orphans = spared = 0;
    between = meanwhile;
    CHECK_OK(ff_gc(paged, "run", &o, see, NULL, ee));
    ck_assert_msg(!between || !*between, "gc listed less often than was expected");
}

START_TEST(task_renamed_from_the_second_page_to_the_first_keeps_its_data)
{
    void (*const once[])(void) = {z_to_a, NULL};
    save_sample(&f, "z", 1);
    save_sample(&f, "c", 2);
    collect(once);
    ck_assert_int_eq(orphans, 0);
    expect_sample_at(&f, "run", "a", 1);
}
END_TEST

/* The second listing finds "a"; what is renamed under it is found by a third. */
START_TEST(tasks_renamed_in_each_listing_keep_their_data)
{
    void (*const twice[])(void) = {z_to_a, y_to_b, NULL};
    save_sample(&f, "y", 1);
    save_sample(&f, "z", 2);
    collect(twice);
    ck_assert_int_eq(orphans, 0);
    expect_sample_at(&f, "run", "b", 1);
    expect_sample_at(&f, "run", "a", 2);
}
END_TEST

START_TEST(quiet_workflow_is_listed_twice_and_its_orphans_go)
{
    void (*const again[])(void) = {nothing, nothing, NULL};
    save_sample(&f, "z", 1);
    save_sample(&f, "b", 2);
    CHECK_OK(ff_new_workflow(f.storage, "other", ee));
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    collect(again);
    ck_assert_int_eq(orphans + spared, 0);
    expect_sample_at(&f, "run", "z", 1);
    expect_sample_at(&f, "run", "b", 2);
}
END_TEST

START_TEST(removed_task_is_no_reason_to_spare_the_others)
{
    void (*const once[])(void) = {b_goes, NULL};
    save_sample(&f, "z", 1);
    save_sample(&f, "b", 2);
    collect(once);
    ck_assert_int_eq(spared, 0);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    expect_sample_at(&f, "run", "z", 1);
}
END_TEST

START_TEST(save_on_a_medium_without_times_is_not_taken_for_dead)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_saving *saving = ff_saving_begin(f.storage, "run", "z", NULL, &e);
    struct ff_doc *d = sample(1);
    ck_assert_msg(saving != NULL, "%s: %s", e.place, e.message);
    timeless = true;
    collect(NULL);
    ck_assert_int_eq(spared, 1);
    CHECK_OK(ff_saving_commit(saving, ff_doc_root(d), ee));
    ff_doc_free(d);
    expect_sample_at(&f, "run", "z", 1);
}
END_TEST

/* Python's only protection is that what it writes is young. */
START_TEST(big_data_on_a_medium_without_times_is_young)
{
    save_sample(&f, "z", 1);
    timeless = tasks_hidden = true;
    collect(NULL);
    ck_assert_int_eq(orphans, 1);
    ck_assert_int_eq(spared, 1);
    timeless = tasks_hidden = false;
    expect_sample_at(&f, "run", "z", 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        task_renamed_from_the_second_page_to_the_first_keeps_its_data,
        tasks_renamed_in_each_listing_keep_their_data,
        quiet_workflow_is_listed_twice_and_its_orphans_go,
        removed_task_is_no_reason_to_spare_the_others,
        save_on_a_medium_without_times_is_not_taken_for_dead,
        big_data_on_a_medium_without_times_is_young,
    };
    Suite *suite = suite_create("gc_pages");
    TCase *tcase = tcase_create("gc_pages");
    SRunner *runner = srunner_create(suite);
    int failed;
    tcase_add_checked_fixture(tcase, open_both, close_both);
    for (size_t i = 0; i < COUNT_OF(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
