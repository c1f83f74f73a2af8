/* SPDX-License-Identifier: Apache-2.0 */
/* Lazy objects through their lives, and serializers that do not do as asked. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../doubles/picky.h"
#include "fixture.h"

static struct ff_doc *read_doc(struct fixture *f, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", task, NULL, &e);
    ck_assert_msg(d != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
    return d;
}

/* A copy of the task's value with one more key. */
static struct ff_doc *edited(struct fixture *f, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = read_doc(f, task), *n = ff_doc_new(&e);
    struct ff_value v = ff_import(n, ff_doc_root(d), &e);
    (void)ff_set(n, v, "note", ff_new_str(n, "edited", SIZE_MAX, &e), &e);
    (void)ff_doc_set_root(n, v, &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    ff_doc_free(d); /* the new one keeps what it needs */
    return n;
}

static void edit(struct fixture *f)
{
    struct ff_doc *d;
    struct ff_error e = FF_ERROR_INIT;
    save_sample(f, "a", 5);
    d = edited(f, "a");
    CHECK_OK(ff_save(f->storage, "run", "b", ff_doc_root(d), NULL, ee));
    CHECK_OK(ff_save(f->storage, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
    expect_sample_at(f, "run", "a", 5);
    expect_sample_at(f, "run", "b", 5);
    CHECK_OK(ff_remove_task(f->storage, "run", "a", ee));
    expect_sample_at(f, "run", "b", 5); /* it has big data of its own */
    d = read_doc(f, "b");
    ck_assert_int_eq(ff_kind(ff_get(ff_doc_root(d), "note")), FF_STR);
    ck_assert_int_eq(e.code, FF_OK);
    ff_doc_free(d);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(value_read_edited_and_saved_back_keeps_its_array)
{
    on_each(edit);
}
END_TEST

/* A move whose process dies between its two steps, where there are two: from the first removal
 * on nothing is done any more. */
static void die_in_move(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *dying;
    char json[1024];
    (void)snprintf(
        json, sizeof json,
        "{\"kind\": \"fault\", \"options\": {\"inner\": %s, \"rules\": [{\"op\": "
        "\"remove\", \"fail_at\": 1, \"from_then_on\": true}]}}",
        f->json);
    dying = ff_storage_factory(f->host, json, &e);
    ck_assert_msg(dying != NULL, "%s: %s", e.place, e.message);
    (void)ff_move_task(dying, "run", "a", "run", "b", &e);
    ff_storage_close(dying);
}

static void remove_it(struct fixture *f, const char *task)
{
    CHECK_OK(ff_remove_task(f->storage, "run", task, ee));
}

static void replace_it(struct fixture *f, const char *task)
{
    save_sample(f, task, 2);
    expect_sample_at(f, "run", task, 2);
}

/* Where it may be moved at all, it takes along what the other name needs. */
static void move_on(struct fixture *f, const char *task)
{
    struct ff_error e = FF_ERROR_INIT;
    int rc = ff_move_task(f->storage, "run", task, "run", "c", &e);
    ck_assert_msg(rc == FF_OK || rc == FF_E_CONFLICT, "%d: %s", rc, e.message);
    CHECK_OK(ff_remove_task(f->storage, "run", rc ? task : "c", ee));
}

static void dead_move_and(void (*act)(struct fixture *, const char *), const char *task,
                          const char *other, enum where where)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    fixture_open(&f, where, NULL);
    save_sample(&f, "a", 1);
    die_in_move(&f);
    if (ff_file_exists(f.storage, "run", task, &e)) {
        int both = ff_file_exists(f.storage, "run", other, &e);
        ck_assert_int_eq(both, where == ON_MEMORY || where == ON_FAULT_OVER_MEMORY ||
                                   where == ON_S3);
        act(&f, task);
        if (both) {
            expect_sample_at(&f, "run", other, 1);
        }
    }
    fixture_close(&f);
}

static void dead_move(struct fixture *f)
{
    void (*const acts[])(struct fixture *, const char *) = {remove_it, replace_it,
                                                            move_on};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        dead_move_and(acts[i], "a", "b", f->where);
        dead_move_and(acts[i], "b", "a", f->where);
    }
}

START_TEST(move_that_died_halfway_leaves_no_name_without_its_data)
{
    on_each(dead_move);
}
END_TEST

/* Opened before its task went: the right bytes, or stale; never others. */
static void expect_right_or_stale(const struct ff_array *a, int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    float out[60];
    int rc = ff_array_read(a, NULL, out, NULL, NULL, &e);
    if (rc == FF_OK) {
        expect_elements(a, salt);
    } else {
        ck_assert_msg(rc == FF_E_STALE, "%d: %s", rc, e.message);
    }
}

static void held(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *open, *unopened;
    const struct ff_array *a;
    save_sample(f, "a", 1);
    open = read_doc(f, "a");
    unopened = read_doc(f, "a");
    a = ff_array(ff_get(ff_doc_root(open), "field"), &e);
    ck_assert_ptr_nonnull(a);
    save_sample(f, "a", 2);
    expect_right_or_stale(a, 1);
    ck_assert_ptr_null(ff_array(ff_get(ff_doc_root(unopened), "field"), &e));
    ck_assert_int_eq(e.code, FF_E_STALE);
    CHECK_CODE(ff_save(f->storage, "run", "b", ff_doc_root(unopened), NULL, ee),
               FF_E_STALE);
    expect_sample_at(f, "run", "a", 2);
    ff_doc_free(open);
    ff_doc_free(unopened);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(lazy_array_of_a_replaced_task_is_right_or_stale)
{
    on_each(held);
}
END_TEST

static void gone(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d;
    const struct ff_array *a;
    save_sample(f, "a", 1);
    d = read_doc(f, "a");
    a = ff_array(ff_get(ff_doc_root(d), "field"), &e);
    CHECK_OK(ff_move_task(f->storage, "run", "a", "run", "b", ee));
    expect_right_or_stale(a, 1);
    CHECK_OK(ff_remove_task(f->storage, "run", "b", ee));
    expect_right_or_stale(a, 1);
    ff_doc_free(d);
}

START_TEST(lazy_array_of_a_moved_or_removed_task_is_right_or_stale)
{
    on_each(gone);
}
END_TEST

static void *free_array(void *array)
{
    expect_elements(array, 1);
    ff_array_free(array);
    return NULL;
}

static void outlives(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d;
    struct ff_array *a;
    pthread_t t;
    save_sample(f, "a", 1);
    d = read_doc(f, "a");
    a = ff_array_ref(ff_array(ff_get(ff_doc_root(d), "field"), &e));
    ck_assert_ptr_nonnull(a);
    ff_doc_free(d);
    ff_storage_close(f->storage);
    f->storage = NULL;
    ff_host_close(f->host);
    f->host = NULL;
    ck_assert_int_eq(pthread_create(&t, NULL, free_array, a), 0);
    (void)pthread_join(t, NULL);
}

START_TEST(lazy_array_outlives_document_storage_and_host)
{
    on_each(outlives);
}
END_TEST

static void same_group(struct fixture *f)
{
    static const int64_t start[2] = {1, 0}, count[2] = {4, 10};
    struct ff_region r = {start, count, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d, *n = ff_doc_new(&e), *back;
    struct ff_array *part;
    float out[40];
    save_sample(f, "a", 1);
    d = read_doc(f, "a");
    part = ff_array_slice(ff_array(ff_get(ff_doc_root(d), "field"), &e), &r, &e);
    (void)ff_doc_set_root(n, ff_new_array_take(n, part, &e), &e);
    CHECK_OK(ff_save(f->storage, "run", "part", ff_doc_root(n), NULL, ee));
    ff_doc_free(n);
    ff_doc_free(d);
    back = read_doc(f, "part");
    (void)ff_array_read(ff_array(ff_doc_root(back), &e), NULL, out, NULL, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    ck_assert(out[0] == 11.0f && out[39] == 50.0f);
    ff_doc_free(back);
}

START_TEST(array_whose_source_is_a_stored_array_is_saved)
{
    on_each(same_group);
}
END_TEST

static void whole_again(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d, *n = ff_doc_new(&e);
    struct ff_array *whole;
    save_sample(f, "a", 1);
    d = read_doc(f, "a");
    whole = ff_array_ref(ff_array(ff_get(ff_doc_root(d), "field"), &e));
    ff_doc_free(d);
    {
        struct ff_value v = ff_new_dict(n, &e);
        (void)ff_set(n, v, "field", ff_new_array_take(n, whole, &e), &e);
        (void)ff_set(n, v, "n", ff_new_int(n, 1, &e), &e);
        CHECK_OK(ff_save(f->storage, "run", "b", v, NULL, ee));
    }
    ff_doc_free(n);
    CHECK_OK(ff_remove_task(f->storage, "run", "a", ee));
    expect_sample_at(f, "run", "b", 1);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(array_taken_out_of_a_document_is_saved_in_another)
{
    on_each(whole_again);
}
END_TEST

/* ---- serializers that do not do as asked ---- */

static struct ff_value thing(struct ff_doc *d, int number, int outcome, int leave,
                             struct ff_error *e)
{
    struct test_thing *t = malloc(sizeof *t);
    ck_assert_ptr_nonnull(t);
    *t = (struct test_thing){number, outcome, leave};
    return ff_new_native_take(d, "test.Thing", t, free, e);
}

/* Five things, the third of which has this outcome. */
static struct ff_doc *things(int outcome, int leave)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_dict(d, &e), list = ff_new_list(d, &e);
    for (int i = 0; i < 5; i++) {
        (void)ff_append(d, list, thing(d, i, i == 2 ? outcome : FF_OK, leave, &e), &e);
    }
    (void)ff_set(d, v, "traces", list, &e);
    (void)ff_doc_set_root(d, v, &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    return d;
}

static void fails(struct fixture *f)
{
    static const int outcomes[] = {FF_E_IO, FF_E_CANCELLED, FF_E_NO_SPACE, FF_DECLINED};
    save_sample(f, "a", 1);
    for (size_t i = 0; i < COUNT_OF(outcomes); i++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_doc *d = things(outcomes[i], outcomes[i] < 0);
        int expected = outcomes[i] == FF_DECLINED ? FF_E_UNSUPPORTED : outcomes[i];
        int rc = ff_save(f->storage, "run", "a", ff_doc_root(d), NULL, &e);
        ck_assert_msg(rc == expected, "%s: %d: %s", where_names[f->where], rc, e.message);
        ck_assert_str_eq(e.place, "run/a#traces[2]");
        ff_doc_free(d);
        expect_sample_at(f, "run", "a", 1);
        ck_assert_int_eq(count_orphans(f, 0), 0);
    }
}

START_TEST(pickle_that_fails_at_one_of_many_leaves_the_old_value_and_nothing_else)
{
    on_each(fails);
}
END_TEST

static void natives(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = things(FF_OK, 0);
    struct ff_value list, v;
    CHECK_OK(ff_save(f->storage, "run", "a", ff_doc_root(d), NULL, ee));
    ff_doc_free(d);
    d = read_doc(f, "a");
    list = ff_get(ff_doc_root(d), "traces");
    for (size_t i = 0; i < 5; i++) {
        const struct test_thing *t;
        ck_assert_int_eq(ff_item(list, i, NULL, &v, &e), FF_OK);
        t = ff_native(ff_resolve(v, NULL, &e), "test.Thing");
        ck_assert_ptr_nonnull(t);
        ck_assert_int_eq(t->number, (int)i);
    }
    ff_doc_free(d);
    CHECK_OK(ff_remove_task(f->storage, "run", "a", ee));
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(native_objects_are_kept_and_come_back)
{
    on_each(natives);
}
END_TEST

START_TEST(native_object_without_serializer_is_refused_by_class_and_place)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_doc *d = things(FF_OK, 0);
    fixture_open(&f, ON_FILE, "{}");
    ck_assert_int_eq(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, &e),
                     FF_E_UNSUPPORTED);
    ck_assert_str_eq(e.place, "run/a#traces[0]");
    ck_assert_ptr_nonnull(strstr(e.message, "test.Thing"));
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

static int unknown(void *ctx, const struct ff_finding *found)
{
    *(int *)ctx += strcmp(found->what, "unknown-serializer") == 0;
    return 0;
}

START_TEST(task_is_listed_verified_rewritten_and_removed_without_its_serializer)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .config_json =
                                    "{\"plugins\": {\"disable\": [\"HDFSerializer\"]}}"};
    struct fixture f;
    struct ff_host *with, *without = ff_host_open(&o, &e);
    struct ff_doc *d;
    int n = 0;
    fixture_open(&f, ON_FILE, NULL);
    save_sample(&f, "a", 1);
    ff_storage_close(f.storage);
    with = f.host;
    f.host = without;
    f.storage = fixture_again(&f);
    d = read_doc(&f, "a");
    ck_assert_ptr_null(ff_array(ff_get(ff_doc_root(d), "field"), &e));
    ck_assert_int_eq(e.code, FF_E_PLUGIN);
    ck_assert_str_eq(e.place, "run/a#field: HDFSerializer");
    ck_assert_ptr_nonnull(strstr(e.fix, "ff plugin enable HDFSerializer"));
    CHECK_OK(ff_verify(f.storage, NULL, NULL, 0, unknown, &n, ee));
    ck_assert_int_eq(n, 1);
    CHECK_OK(ff_save(f.storage, "run", "b", ff_doc_root(d), NULL, ee)); /* written back */
    ff_doc_free(d);
    ck_assert_int_eq(count_orphans(&f, 1), 0);
    CHECK_OK(ff_remove_task(f.storage, "run", "a", ee));
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    ff_storage_close(f.storage);
    f.host = with;
    f.storage = fixture_again(&f);
    expect_sample_at(&f, "run", "b", 1);
    ff_host_close(without);
    fixture_close(&f);
}
END_TEST

START_TEST(chunked_array_without_its_serializer_is_refused_on_save)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_doc *d = sample(1);
    fixture_open(&f, ON_FILE, "{\"plugins\": {\"disable\": [\"HDFSerializer\"]}}");
    ck_assert_int_eq(ff_save(f.storage, "run", "a", ff_doc_root(d), NULL, &e),
                     FF_E_PLUGIN);
    ck_assert_str_eq(e.place, "run/a#field");
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("lazy", value_read_edited_and_saved_back_keeps_its_array,
          move_that_died_halfway_leaves_no_name_without_its_data,
          lazy_array_of_a_replaced_task_is_right_or_stale,
          lazy_array_of_a_moved_or_removed_task_is_right_or_stale,
          lazy_array_outlives_document_storage_and_host,
          array_whose_source_is_a_stored_array_is_saved,
          array_taken_out_of_a_document_is_saved_in_another,
          pickle_that_fails_at_one_of_many_leaves_the_old_value_and_nothing_else,
          native_objects_are_kept_and_come_back,
          native_object_without_serializer_is_refused_by_class_and_place,
          task_is_listed_verified_rewritten_and_removed_without_its_serializer,
          chunked_array_without_its_serializer_is_refused_on_save)
