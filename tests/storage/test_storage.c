/* SPDX-License-Identifier: Apache-2.0 */
/* What a storage does, on every protocol. */
#include <string.h>

#include "fixture.h"

static void save_and_read(struct fixture *f)
{
    CHECK_CODE(ff_read_task(f->storage, "run", "a", NULL, ee) ? 0 : ee->code,
               FF_E_NOT_FOUND);
    save_sample(f, "a", 1);
    expect_sample_at(f, "run", "a", 1);
    save_sample(f, "a", 2); /* replaces */
    expect_sample_at(f, "run", "a", 2);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(task_saved_and_replaced_reads_as_the_newest)
{
    on_each(save_and_read);
}
END_TEST

static void if_absent(struct fixture *f)
{
    struct ff_save_options o = {.struct_size = FF_SIZE(ff_save_options, call),
                                .flags = FF_SAVE_IF_ABSENT};
    struct ff_doc *d = sample(3);
    CHECK_OK(ff_save(f->storage, "run", "a", ff_doc_root(d), &o, ee));
    CHECK_CODE(ff_save(f->storage, "run", "a", ff_doc_root(d), &o, ee), FF_E_CONFLICT);
    ff_doc_free(d);
    expect_sample_at(f, "run", "a", 3);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(save_if_absent_conflicts_and_leaves_nothing)
{
    on_each(if_absent);
}
END_TEST

static void listing(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_names *n;
    save_sample(f, "b", 1);
    save_sample(f, "a2", 1);
    save_sample(f, "a1", 1);
    n = ff_list_tasks(f->storage, "run", NULL, &e);
    ck_assert_uint_eq(n->count, 3);
    ck_assert_str_eq(n->name[0], "a1");
    ck_assert_str_eq(n->name[2], "b");
    ff_names_free(n);
    n = ff_list_tasks(f->storage, "run", "a[0-1]", &e);
    ck_assert_uint_eq(n->count, 1);
    ff_names_free(n);
    n = ff_list_tasks(f->storage, "run", "none*", &e);
    ck_assert_uint_eq(n->count, 0);
    ff_names_free(n);
    CHECK_OK(ff_new_workflow(f->storage, "empty", ee));
    CHECK_OK(ff_new_workflow(f->storage, "empty", ee));
    n = ff_list_workflows(f->storage, &e);
    ck_assert_uint_eq(n->count, 2);
    ck_assert_str_eq(n->name[0], "empty");
    ff_names_free(n);
    n = ff_list_tasks(f->storage, "empty", NULL, &e);
    ck_assert_uint_eq(n->count, 0);
    ff_names_free(n);
    ck_assert_int_eq(e.code, FF_OK);
    ck_assert_ptr_null(ff_list_tasks(f->storage, "nowhere", NULL, &e));
    ck_assert_int_eq(e.code, FF_E_NOT_FOUND);
}

START_TEST(listing_is_sorted_and_matches_patterns)
{
    on_each(listing);
}
END_TEST

static void existing(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    ck_assert_int_eq(ff_file_exists(f->storage, "run", "a", &e), 0);
    save_sample(f, "a", 1);
    ck_assert_int_eq(ff_file_exists(f->storage, "run", "a", &e), 1);
    ck_assert_int_eq(ff_file_exists(f->storage, "nowhere", "a", &e), 0);
    ck_assert_int_eq(e.code, FF_OK);
    ck_assert_int_eq(ff_always_read(f->storage), 0);
    ff_set_always_read(f->storage, 1);
    ck_assert_int_eq(ff_always_read(f->storage), 1);
}

START_TEST(file_exists_says_so)
{
    on_each(existing);
}
END_TEST

static void removing(struct fixture *f)
{
    size_t removed = 99;
    save_sample(f, "a1", 1);
    save_sample(f, "a2", 2);
    save_sample(f, "b", 3);
    CHECK_OK(ff_remove_task(f->storage, "run", "a1", ee));
    CHECK_CODE(ff_remove_task(f->storage, "run", "a1", ee), FF_E_NOT_FOUND);
    CHECK_OK(ff_remove_tasks(f->storage, "run", "a*", &removed, ee));
    ck_assert_uint_eq(removed, 1);
    CHECK_OK(ff_remove_tasks(f->storage, "run", "a*", &removed, ee));
    ck_assert_uint_eq(removed, 0);
    ck_assert_int_eq(count_orphans(f, 0), 0);
    expect_sample_at(f, "run", "b", 3);
    CHECK_OK(ff_remove_workflow(f->storage, "run", ee));
    CHECK_CODE(ff_remove_workflow(f->storage, "run", ee), FF_E_NOT_FOUND);
    CHECK_CODE(ff_read_task(f->storage, "run", "b", NULL, ee) ? 0 : ee->code,
               FF_E_NOT_FOUND);
}

START_TEST(removal_takes_the_big_data_along)
{
    on_each(removing);
}
END_TEST

static void moving(struct fixture *f)
{
    CHECK_OK(ff_new_workflow(f->storage, "other", ee));
    save_sample(f, "a", 1);
    save_sample(f, "b", 2);
    CHECK_OK(ff_move_task(f->storage, "run", "a", "run", "c", ee));
    expect_sample_at(f, "run", "c", 1);
    CHECK_CODE(ff_move_task(f->storage, "run", "c", "run", "b", ee), FF_E_CONFLICT);
    CHECK_OK(ff_move_task(f->storage, "run", "c", "other", "a", ee));
    expect_sample_at(f, "other", "a", 1);
    CHECK_CODE(ff_move_task(f->storage, "run", "c", "other", "x", ee), FF_E_NOT_FOUND);
    CHECK_CODE(ff_move_task(f->storage, "run", "b", "other", "a", ee), FF_E_CONFLICT);
    CHECK_CODE(ff_move_task(f->storage, "run", "b", "nowhere", "a", ee), FF_E_NOT_FOUND);
    expect_sample_at(f, "run", "b", 2);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(move_takes_the_big_data_along_and_never_replaces)
{
    on_each(moving);
}
END_TEST

static void no_workflow(struct fixture *f)
{
    struct ff_doc *d = sample(1);
    CHECK_CODE(ff_save(f->storage, "nowhere", "a", ff_doc_root(d), NULL, ee),
               FF_E_NOT_FOUND);
    ff_doc_free(d);
}

START_TEST(save_without_its_workflow_fails_as_in_python)
{
    on_each(no_workflow);
}
END_TEST

static void shared_object(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = sample(7), *r;
    struct ff_value list = ff_new_list(d, &e), a, b;
    ck_assert_int_eq(ff_append(d, list, ff_get(ff_doc_root(d), "field"), &e), FF_OK);
    ck_assert_int_eq(ff_append(d, list, ff_get(ff_doc_root(d), "field"), &e), FF_OK);
    CHECK_OK(ff_save(f->storage, "run", "twice", list, NULL, ee));
    ff_doc_free(d);
    r = ff_read_task(f->storage, "run", "twice", NULL, &e);
    ck_assert_int_eq(ff_item(ff_doc_root(r), 0, NULL, &a, &e), FF_OK);
    ck_assert_int_eq(ff_item(ff_doc_root(r), 1, NULL, &b, &e), FF_OK);
    ck_assert_int_eq(ff_kind(a), FF_PERSISTENT);
    {
        const char *name_a, *name_b;
        ck_assert_int_eq(ff_persistent(a, NULL, NULL, &name_a, NULL, &e), FF_OK);
        ck_assert_int_eq(ff_persistent(b, NULL, NULL, &name_b, NULL, &e), FF_OK);
        ck_assert_str_eq(name_a, name_b); /* stored once */
    }
    expect_elements(ff_array(b, &e), 7);
    ff_doc_free(r);
    CHECK_OK(ff_remove_task(f->storage, "run", "twice", ee));
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(object_that_occurs_twice_is_stored_once)
{
    on_each(shared_object);
}
END_TEST

static int count_ok(void *ctx, const struct ff_finding *found)
{
    *(int *)ctx += strcmp(found->what, "ok") == 0;
    return 0;
}

static void verifying(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *info;
    struct ff_value array, p;
    const char *text;
    size_t n;
    int ok = 0;
    save_sample(f, "a", 1);
    save_sample(f, "b", 2);
    CHECK_OK(ff_verify(f->storage, NULL, NULL, 1, count_ok, &ok, ee));
    ck_assert_int_eq(ok, 2);
    info = ff_task_info(f->storage, "run", "a", &e);
    ck_assert_msg(info != NULL, "%s", e.message);
    ck_assert_int_eq(ff_item(ff_get(ff_doc_root(info), "persistent"), 0, NULL, &p, &e),
                     FF_OK);
    array = ff_get(p, "array");
    ck_assert_int_eq(ff_str(ff_get(array, "dtype"), &text, &n, &e), FF_OK);
    ck_assert_int_eq(n == 3 && memcmp(text, "<f4", 3) == 0, 1);
    ck_assert_uint_eq(ff_length(ff_get(array, "shape")), 2);
    ff_doc_free(info);
}

START_TEST(verify_and_info_tell_what_is_there)
{
    on_each(verifying);
}
END_TEST

struct used {
    int calls, known;
    uint64_t bigdata_bytes, task_bytes;
    char last[64];
};

static int add_used(void *ctx, const struct ff_usage *u)
{
    struct used *sum = ctx;
    sum->calls++;
    sum->known += u->is_known;
    sum->bigdata_bytes += u->bigdata_bytes;
    sum->task_bytes += u->task_bytes;
    (void)snprintf(sum->last, sizeof sum->last, "%s/%s", u->workflow, u->task);
    return 0;
}

static int add_used_and_stop(void *ctx, const struct ff_usage *u)
{
    return add_used(ctx, u) + 1;
}

static struct used use_of(struct fixture *f, const char *workflow, const char *pattern)
{
    struct used u = {.calls = 0};
    CHECK_OK(ff_usage(f->storage, workflow, pattern, add_used, &u, ee));
    return u;
}

static void measuring(struct fixture *f)
{
    struct used one, both, all, none = {.calls = 0};
    save_sample(f, "a", 1);
    save_sample(f, "b", 2);
    one = use_of(f, "run", "a");
    ck_assert_int_eq(one.calls, 1);
    ck_assert_str_eq(one.last, "run/a");
    ck_assert_uint_gt(one.bigdata_bytes, 240);
    ck_assert_uint_gt(one.task_bytes, 20);
    both = use_of(f, "run", NULL);
    ck_assert_int_eq(both.calls, 2); /* nothing that no task refers to */
    ck_assert_int_eq(both.known, 2);
    ck_assert_uint_eq(both.bigdata_bytes, 2 * one.bigdata_bytes);
    all = use_of(f, NULL, NULL);
    ck_assert_str_eq(all.last, "run/");
    ck_assert_int_eq(all.calls, 1);
    ck_assert_uint_ge(all.bigdata_bytes, both.bigdata_bytes); /* and shared things */
    CHECK_OK(ff_usage(f->storage, "run", NULL, add_used_and_stop, &none, ee));
    ck_assert_int_eq(none.calls, 1);
    CHECK_CODE(ff_usage(f->storage, "none", NULL, add_used, &none, ee), FF_E_NOT_FOUND);
}

START_TEST(usage_of_a_workflow_is_that_of_its_tasks)
{
    on_each(measuring);
}
END_TEST

struct told {
    int lines, conditions;
};

static int tell(void *ctx, const char *what, const char *is, const char *follows)
{
    struct told *t = ctx;
    ck_assert(what[0] && is[0] && follows);
    t->lines++;
    t->conditions += strcmp(what, "PUT only if absent") == 0;
    return 0;
}

static int tell_once(void *ctx, const char *what, const char *is, const char *follows)
{
    return tell(ctx, what, is, follows) + 1;
}

static void probing(struct fixture *f)
{
    struct told all = {0}, one = {0};
    struct ff_names *names;
    CHECK_OK(ff_storage_probe(f->storage, tell, &all, ee));
    ck_assert_int_ge(all.lines, 2);
    ck_assert_int_eq(all.conditions, f->where == ON_S3);
    CHECK_OK(ff_storage_probe(f->storage, tell_once, &one, ee));
    ck_assert_int_eq(one.lines, 1);
    CHECK_CODE(ff_storage_probe(NULL, tell, &all, ee), FF_E_USAGE);
    names = ff_list_workflows(f->storage, NULL);
    ck_assert_uint_eq(names->count, 1);
    ff_names_free(names);
}

START_TEST(probe_tells_what_the_medium_can_do_and_leaves_nothing)
{
    on_each(probing);
}
END_TEST

static void usage(struct fixture *f)
{
    struct ff_value absent = {NULL, 0};
    CHECK_CODE(ff_save(f->storage, "run", "a", absent, NULL, ee), FF_E_USAGE);
    CHECK_CODE(ff_save(NULL, "run", "a", absent, NULL, ee), FF_E_USAGE);
    CHECK_CODE(ff_read_task(NULL, "run", "a", NULL, ee) ? 0 : ee->code, FF_E_USAGE);
    CHECK_CODE(ff_list_workflows(NULL, ee) ? 0 : ee->code, FF_E_USAGE);
    ff_storage_close(NULL);
    ff_names_free(NULL);
    ff_doc_free(NULL);
    ff_saving_abort(NULL);
}

START_TEST(null_arguments_are_harmless)
{
    on_each(usage);
}
END_TEST

static int open_it(struct ff_value v, struct ff_error *e)
{
    return ff_array(ff_get(v, "field"), e) ? FF_OK : e->code;
}

static int forget(void *ctx, const char *text, size_t size)
{
    (void)ctx, (void)text, (void)size;
    return FF_OK;
}

static int show_it(struct ff_value v, struct ff_error *e)
{
    (void)open_it(v, e); /* what was never opened is shown by its name alone */
    return ff_show(v, 0, 0, forget, NULL, e);
}

static int read_it(struct ff_value v, struct ff_error *e)
{
    float elements[60];
    return ff_array_read(ff_array(ff_get(v, "field"), e), NULL, elements, NULL, NULL, e);
}

/* How many reads of files it takes: with as many, and each later one failing, it succeeds. */
static int reads_of(struct fixture *f, int (*act)(struct ff_value, struct ff_error *))
{
    for (int reads = 0; reads < 1000; reads++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_storage *s;
        struct ff_doc *d;
        char json[1024];
        (void)snprintf(json, sizeof json,
                       "{\"kind\": \"fault\", \"options\": {\"inner\": %s, \"rules\": "
                       "[{\"op\": \"read\", \"fail_at\": %d, \"from_then_on\": true}]}}",
                       f->json, reads + 1);
        s = ff_storage_factory(f->host, json, &e);
        d = ff_read_task(s, "run", "a", NULL, &e);
        ck_assert_msg(d != NULL, "%s: %s", e.place, e.message);
        (void)act(ff_doc_root(d), &e);
        ff_doc_free(d);
        ff_storage_close(s);
        if (e.code == FF_OK) {
            return reads;
        }
        ck_assert_int_eq(e.code, FF_E_IO);
    }
    ck_abort_msg("it never succeeds");
    return -1;
}

START_TEST(array_that_is_shown_is_opened_and_not_read)
{
    struct fixture f;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    ck_assert_int_gt(reads_of(&f, open_it), 0);
    ck_assert_int_eq(reads_of(&f, show_it), reads_of(&f, open_it));
    ck_assert_int_gt(reads_of(&f, read_it), reads_of(&f, show_it));
    fixture_close(&f);
}
END_TEST

RUN_TESTS("storage", array_that_is_shown_is_opened_and_not_read,
          task_saved_and_replaced_reads_as_the_newest,
          save_if_absent_conflicts_and_leaves_nothing,
          listing_is_sorted_and_matches_patterns, file_exists_says_so,
          removal_takes_the_big_data_along,
          move_takes_the_big_data_along_and_never_replaces,
          save_without_its_workflow_fails_as_in_python,
          object_that_occurs_twice_is_stored_once, verify_and_info_tell_what_is_there,
          usage_of_a_workflow_is_that_of_its_tasks,
          probe_tells_what_the_medium_can_do_and_leaves_nothing,
          null_arguments_are_harmless)
