/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that several processes fill: what each may do when. Who is killed:
 * tests/torture/torture_fill.c. */
#include <stdlib.h>
#include <string.h>

#include "filling.h"

static void story(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *other = f->where == ON_S3 ? NULL : fixture_again(f);
    struct ff_draft_filling *b, *one, *two;
    const char *receipts[2];
    char token[1024];
    if (f->where == ON_S3) {
        return; /* test of what is not offered */
    }
    save_sample(f, "filled", 1); /* replaced */
    b = begin(f);
    (void)snprintf(token, sizeof token, "%s", ff_draft_fill_token(b));
    one = attach(f, token);
    two = ff_draft_fill_attach(other, token, &e);
    ck_assert_msg(two != NULL, "%s: %s", e.place, e.message);
    ck_assert_int_eq(ff_draft_fill_array(two)->shape[0], ROWS);
    ck_assert_int_eq(ff_draft_fill_array(two)->chunk[1], fill_chunk[1]);
    CHECK_OK(write_box(one, 0, 0, 3, COLUMNS, 0, ee));
    CHECK_OK(write_box(one, 6, 4, 1, 6, 1, ee));
    CHECK_OK(write_box(two, 3, 0, 3, 8, 1, ee));
    CHECK_OK(write_box(two, 3, 8, 4, 2, 0, ee));
    CHECK_OK(write_box(two, 6, 0, 1, 4, 0, ee));
    CHECK_OK(write_box(two, 6, 0, 1, 4, 1, ee)); /* again: the same elements */
    receipts[0] = ff_draft_fill_end(one, &e);
    receipts[1] = ff_draft_fill_end(two, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    ck_assert_ptr_nonnull(strstr(receipts[0], "/9/0-2,7-8."));
    ck_assert_ptr_nonnull(strstr(receipts[1], "/9/3-6,8."));
    CHECK_OK(save(f->storage, token, receipts, 2, ee));
    expect_saved(f);
    CHECK_OK(save(other, token, receipts, 2, ee)); /* done again, as after a crash */
    CHECK_OK(ff_draft_fill_remove(f->storage, token, ee));
    CHECK_OK(ff_draft_fill_remove(f->storage, token, ee));
    ff_draft_fill_close(one);
    ff_draft_fill_close(two);
    ff_draft_fill_close(b);
    expect_saved(f);
    ck_assert_int_eq(count_orphans(f, 0), 0);
    ff_storage_close(other);
}

START_TEST(regions_of_several_handles_become_one_task)
{
    on_each(story);
}
END_TEST

START_TEST(handle_is_for_writing_between_attach_and_end_alone)
{
    struct fixture f;
    struct ff_draft_filling *b, *a;
    struct ff_error e = FF_ERROR_INIT;
    const char *receipt;
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    CHECK_CODE(write_box(b, 0, 0, 3, 4, 0, ee), FF_E_USAGE);
    ck_assert_ptr_null(ff_draft_fill_end(b, &e));
    ck_assert_int_eq(e.code, FF_E_USAGE);
    a = attach(&f, ff_draft_fill_token(b));
    receipt = fill_all(a);
    CHECK_CODE(write_box(a, 0, 0, 3, 4, 0, ee), FF_E_USAGE);
    ck_assert_ptr_eq(ff_draft_fill_end(a, NULL), receipt);
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    ff_draft_fill_close(NULL);
    CHECK_CODE(ff_draft_fill_write(NULL, fill_shape, fill_shape, NULL, NULL, ee),
               FF_E_USAGE);
    ck_assert_ptr_null(ff_draft_fill_end(NULL, NULL));
    ck_assert_ptr_null(ff_draft_fill_token(NULL));
    ck_assert_ptr_null(ff_draft_fill_array(NULL));
    fixture_close(&f);
}
END_TEST

START_TEST(finish_with_missing_chunks_is_refused_and_can_be_mended)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_draft_filling *b, *one, *two;
    const char *token, *receipts[2];
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    token = ff_draft_fill_token(b);
    one = attach(&f, token);
    CHECK_OK(write_box(one, 0, 0, 3, COLUMNS, 0, ee));
    CHECK_OK(write_box(one, 6, 4, 1, 6, 0, ee));
    receipts[0] = ff_draft_fill_end(one, &e);
    (void)save(f.storage, token, receipts, 1, &e);
    ck_assert_int_eq(e.code, FF_E_USAGE);
    ck_assert_ptr_nonnull(strstr(e.message, "4 of 9 chunks"));
    ck_assert_ptr_nonnull(strstr(e.message, "chunk 3"));
    ck_assert_int_eq(ff_file_exists(f.storage, "run", "filled", NULL), 0);
    two = attach(&f, token);
    CHECK_OK(write_box(two, 3, 0, 3, COLUMNS, 0, ee));
    CHECK_OK(write_box(two, 6, 0, 1, 4, 0, ee));
    receipts[1] = ff_draft_fill_end(two, NULL);
    CHECK_OK(save(f.storage, token, receipts, 2, ee));
    ff_draft_fill_close(one);
    ff_draft_fill_close(two);
    ff_draft_fill_close(b);
    expect_saved(&f);
    fixture_close(&f);
}
END_TEST

/* Whoever could still write into what is saved. */
static void attached(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_draft_filling *b, *a, *late;
    struct ff_saving *saving;
    struct ff_doc *d = ff_doc_new(&e);
    const char *receipt;
    char token[1024];
    if (f->where == ON_FILE_OF_OLD_SYSTEM) { /* no locks: nobody knows */
        ff_doc_free(d);
        return;
    }
    b = begin(f);
    (void)snprintf(token, sizeof token, "%s", ff_draft_fill_token(b));
    a = attach(f, token);
    receipt = fill_all(a);
    late = attach(f, token);
    CHECK_CODE(save(f->storage, token, &receipt, 1, ee), FF_E_CONFLICT);
    ff_draft_fill_close(late);
    saving = ff_saving_begin(f->storage, "run", "other", NULL, &e);
    (void)ff_draft_fill_finish(saving, d, token, &receipt, 1, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    CHECK_CODE(attach_code(f->storage, token, ee), FF_E_CONFLICT);
    ff_saving_abort(saving); /* it is nobody's again */
    ff_doc_free(d);
    CHECK_OK(attach_code(f->storage, token, ee));
    CHECK_OK(save(f->storage, token, &receipt, 1, ee));
    CHECK_CODE(attach_code(f->storage, token, ee), FF_E_CONFLICT);
    CHECK_OK(ff_draft_fill_remove(f->storage, token, ee));
    CHECK_CODE(attach_code(f->storage, token, ee), FF_E_NOT_FOUND);
    CHECK_CODE(save(f->storage, token, &receipt, 1, ee), FF_E_NOT_FOUND);
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    expect_saved(f);
    ck_assert_int_eq(count_orphans(f, 0), 0);
}

START_TEST(finish_and_attach_keep_each_other_out)
{
    if (!getenv("FF_S3_URL")) {
        on_each(attached);
    }
}
END_TEST

START_TEST(removed_filling_is_told_at_the_end)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_draft_filling *b, *a;
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    a = attach(&f, ff_draft_fill_token(b));
    CHECK_OK(write_box(a, 0, 0, ROWS, COLUMNS, 0, ee));
    CHECK_OK(ff_draft_fill_remove(f.storage, ff_draft_fill_token(b), ee));
    ck_assert_ptr_null(ff_draft_fill_end(a, &e));
    ck_assert_int_eq(e.code, FF_E_CONFLICT);
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(saving_of_another_workflow_is_refused)
{
    struct ff_error e = FF_ERROR_INIT;
    struct fixture f;
    struct ff_draft_filling *b, *a;
    struct ff_saving *saving;
    struct ff_doc *d = ff_doc_new(&e);
    const char *receipt;
    fixture_open(&f, ON_FILE, NULL);
    CHECK_OK(ff_new_workflow(f.storage, "other", ee));
    b = begin(&f);
    a = attach(&f, ff_draft_fill_token(b));
    receipt = fill_all(a);
    saving = ff_saving_begin(f.storage, "other", "x", NULL, &e);
    (void)ff_draft_fill_finish(saving, d, ff_draft_fill_token(b), &receipt, 1, &e);
    ck_assert_int_eq(e.code, FF_E_USAGE);
    ff_saving_abort(saving);
    ff_doc_free(d);
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    fixture_close(&f);
}
END_TEST

START_TEST(gc_spares_what_is_being_filled_until_no_handle_is_open)
{
    struct fixture f;
    struct ff_draft_filling *b, *a;
    char token[1024];
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    (void)snprintf(token, sizeof token, "%s", ff_draft_fill_token(b));
    (void)count_orphans(&f, 1);
    a = attach(&f, token);
    ff_draft_fill_close(b);
    (void)count_orphans(&f, 1);
    (void)fill_all(a);
    (void)count_orphans(&f, 1);
    CHECK_OK(attach_code(f.storage, token, ee));
    ff_draft_fill_close(a);
    ck_assert_int_eq(count_orphans(&f, 1), 1);
    CHECK_CODE(attach_code(f.storage, token, ee), FF_E_NOT_FOUND);
    ck_assert_int_eq(count_orphans(&f, 0), 0);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("fill", regions_of_several_handles_become_one_task,
          handle_is_for_writing_between_attach_and_end_alone,
          finish_with_missing_chunks_is_refused_and_can_be_mended,
          finish_and_attach_keep_each_other_out, removed_filling_is_told_at_the_end,
          saving_of_another_workflow_is_refused,
          gc_spares_what_is_being_filled_until_no_handle_is_open)
