/* SPDX-License-Identifier: Apache-2.0 */
/* Arrays that several processes fill: what each may do when. Who is killed:
 * tests/torture/torture_fill.c. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

struct part {
    struct ff_draft_filling *a;
    int64_t row;
    int code;
};

static void *write_part(void *ctx)
{
    struct part *p = ctx;
    struct ff_error e = FF_ERROR_INIT;
    for (int i = 0; i < 50; i++) {
        p->code = write_box(p->a, p->row, 0, p->row == 6 ? 1 : 3, COLUMNS, 0, &e);
    }
    return NULL;
}

START_TEST(threads_write_through_one_handle)
{
    struct fixture f;
    struct ff_draft_filling *b;
    struct part parts[3];
    pthread_t threads[3];
    const char *receipt;
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    parts[0].a = attach(&f, ff_draft_fill_token(b));
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        parts[i] = (struct part){parts[0].a, 3 * (int64_t)i, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_part, &parts[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        (void)pthread_join(threads[i], NULL);
        ck_assert_int_eq(parts[i].code, FF_OK);
    }
    receipt = ff_draft_fill_end(parts[0].a, NULL);
    CHECK_OK(save(f.storage, ff_draft_fill_token(b), &receipt, 1, ee));
    ff_draft_fill_close(parts[0].a);
    ff_draft_fill_close(b);
    expect_saved(&f);
    fixture_close(&f);
}
END_TEST

static size_t read_bigdata(struct fixture *f, const char *task, char *out, size_t size)
{
    char uuid[37], path[256];
    FILE *file;
    size_t n;
    uuid_of_task(f, task, uuid);
    (void)snprintf(path, sizeof path, "%s/store/run/bigdata/%s", f->folder, uuid);
    file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    n = fread(out, 1, size, file);
    (void)fclose(file);
    return n;
}

/* Between them is the root group's header, which has times. */
enum { SUPERBLOCK_END = 48, GROUP_END = 195 };

/* What others read of an array that one process saved, they read of this one. */
START_TEST(filled_array_is_stored_as_a_saved_one_byte_for_byte)
{
    static char filled[65536], saved[65536];
    int32_t data[ELEMENTS];
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = fill_shape,
                                .chunk = fill_chunk,
                                .data = data};
    struct ff_doc *d = ff_doc_new(&e);
    struct fixture f;
    struct ff_draft_filling *b, *a;
    const char *receipt;
    size_t n;
    for (int i = 0; i < ELEMENTS; i++) {
        data[i] = i;
    }
    fixture_open(&f, ON_FILE, NULL);
    CHECK_OK(ff_save(f.storage, "run", "saved",
                     ff_new_array_take(d, ff_array_new(&p, &e), &e), NULL, ee));
    b = begin(&f);
    a = attach(&f, ff_draft_fill_token(b));
    receipt = fill_all(a);
    CHECK_OK(save(f.storage, ff_draft_fill_token(b), &receipt, 1, ee));
    n = read_bigdata(&f, "saved", saved, sizeof saved);
    ck_assert_uint_eq(read_bigdata(&f, "filled", filled, sizeof filled), n);
    ck_assert(n > GROUP_END && n < sizeof saved);
    ck_assert_mem_eq(saved, filled, SUPERBLOCK_END);
    ck_assert_mem_eq(saved + GROUP_END, filled + GROUP_END, n - GROUP_END);
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    ff_doc_free(d);
    fixture_close(&f);
}
END_TEST

START_TEST(child_of_a_fork_leaves_its_parents_handle_alone)
{
    struct fixture f;
    struct ff_draft_filling *b, *a;
    const char *receipt;
    int status = -1;
    pid_t pid;
    fixture_open(&f, ON_FILE, NULL);
    b = begin(&f);
    a = attach(&f, ff_draft_fill_token(b));
    pid = fork();
    if (pid == 0) {
        struct ff_error e = FF_ERROR_INIT, late = FF_ERROR_INIT;
        int code = write_box(a, 0, 0, 3, COLUMNS, 0, &e);
        const char *none = ff_draft_fill_end(a, &late);
        ff_draft_fill_close(a);
        _exit(code == FF_E_FORKED && !none && late.code == FF_E_FORKED ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    receipt = fill_all(a);
    CHECK_OK(save(f.storage, ff_draft_fill_token(b), &receipt, 1, ee));
    ff_draft_fill_close(a);
    ff_draft_fill_close(b);
    expect_saved(&f);
    fixture_close(&f);
}
END_TEST

RUN_TESTS("fill", regions_of_several_handles_become_one_task,
          threads_write_through_one_handle,
          filled_array_is_stored_as_a_saved_one_byte_for_byte,
          child_of_a_fork_leaves_its_parents_handle_alone,
          handle_is_for_writing_between_attach_and_end_alone,
          finish_with_missing_chunks_is_refused_and_can_be_mended,
          finish_and_attach_keep_each_other_out, removed_filling_is_told_at_the_end,
          saving_of_another_workflow_is_refused,
          gc_spares_what_is_being_filled_until_no_handle_is_open)
