/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that several processes fill, on a medium that fails on the way. */
#include <string.h>

#include "filling.h"

static struct ff_storage *failing(struct fixture *f, const char *op, int k)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *s;
    char json[640];
    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"fault\", \"options\": {\"inner\": %s, \"rules\": "
                   "[{\"op\": \"%s\", \"fail_at\": %d, \"code\": \"no-space\"}]}}",
                   f->json, op, k);
    s = ff_storage_factory(f->host, json, &e);
    ck_assert_msg(s != NULL, "%s", e.message);
    return s;
}

START_TEST(chunk_whose_write_failed_is_in_no_receipt)
{
    /* the k-th write fails: of 9 chunks, then of three of them again */
    static const char *const wanted[] = {
        "/9/.",    "/9/0.",   "/9/0-1.", "/9/0-2.", "/9/0-3.",   "/9/0-4.",
        "/9/0-5.", "/9/0-6.", "/9/0-7.", "/9/1-8.", "/9/0,2-8.", "/9/0-1,3-8."};
    struct ff_error e = FF_ERROR_INIT, late = FF_ERROR_INIT;
    struct fixture f;
    struct ff_draft_filling *b, *a;
    struct ff_storage *s;
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    for (size_t k = 0; k < COUNT_OF(wanted); k++) {
        const char *receipt;
        s = failing(&f, "write", (int)k + 1);
        a = ff_draft_fill_attach(s, ff_draft_fill_token(b), &late);
        e = (struct ff_error)FF_ERROR_INIT;
        (void)write_box(a, 0, 0, ROWS, COLUMNS, 0, &e);
        (void)write_box(a, 0, 0, 3, COLUMNS, 0, &e);
        ck_assert_int_eq(e.code, FF_E_NO_SPACE);
        receipt = ff_draft_fill_end(a, &late);
        ck_assert_msg(late.code == FF_OK, "%s: %s", late.place, late.message);
        ck_assert_msg(strstr(receipt, wanted[k]) != NULL, "%s, not %s", receipt,
                      wanted[k]);
        ff_draft_fill_close(a);
        ff_storage_close(s);
    }
    ff_draft_fill_close(b);
    fixture_close(&f);
}
END_TEST

/* From begin to remove; the first failure ends it. */
static int fill_and_save(struct ff_storage *s, struct ff_error *e)
{
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = fill_shape,
                                .chunk = fill_chunk};
    struct ff_array *like = ff_array_new(&p, e);
    struct ff_draft_filling *b = ff_draft_fill_begin(s, "run", like, e), *a = NULL;
    const char *receipt = NULL;
    if (b) {
        a = ff_draft_fill_attach(s, ff_draft_fill_token(b), e);
        (void)(a ? write_box(a, 0, 0, ROWS, COLUMNS, 0, e) : 0);
        receipt = ff_draft_fill_end(a, e);
        (void)(receipt ? save(s, ff_draft_fill_token(b), &receipt, 1, e) : 0);
        (void)ff_draft_fill_remove(s, ff_draft_fill_token(b), e);
    }
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    ff_array_free(like);
    return e->code;
}

/* The task is there and whole, or it is not; gc finds what is left. */
static void each_call_fails(enum where where)
{
    struct fixture f;
    int code = FF_E_NO_SPACE, k, failures = 0;
    fixture_open(&f, where, NULL);
    for (k = 1; code || k < 20; k++) {
        struct ff_error e = FF_ERROR_INIT;
        struct ff_storage *s = failing(&f, "any", k);
        code = fill_and_save(s, &e);
        failures += code != FF_OK;
        ff_storage_close(s);
        if (ff_file_exists(f.storage, "run", "filled", NULL)) {
            expect_saved(&f);
            CHECK_OK(ff_remove_task(f.storage, "run", "filled", ee));
        } else {
            ck_assert_msg(code != FF_OK, "call %d failed, and nobody says so", k);
        }
        (void)count_orphans(&f, 1);
        ck_assert_int_eq(count_orphans(&f, 0), 0);
        ck_assert_int_lt(k, 500);
    }
    ck_assert_int_gt(failures, 20);
    fixture_close(&f);
}

START_TEST(failure_of_any_call_is_told_and_leaves_nothing_that_gc_does_not_find)
{
    each_call_fails(ON_FILE);
    each_call_fails(ON_MEMORY);
}
END_TEST

RUN_TESTS("fill_faults", chunk_whose_write_failed_is_in_no_receipt,
          failure_of_any_call_is_told_and_leaves_nothing_that_gc_does_not_find)
