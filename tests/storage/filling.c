/* SPDX-License-Identifier: Apache-2.0 */
/* filling.c: see filling.h. */
#include "filling.h"

#include <string.h>

const int64_t fill_shape[2] = {ROWS, COLUMNS}, fill_chunk[2] = {3, 4};

static struct ff_array *describe(void)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<i4",
                                .shape = fill_shape,
                                .chunk = fill_chunk};
    struct ff_array *a = ff_array_new(&p, &e);
    ck_assert_msg(a != NULL, "%s", e.message);
    return a;
}

struct ff_draft_filling *begin(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_array *like = describe();
    struct ff_draft_filling *b = ff_draft_fill_begin(f->storage, "run", like, &e);
    ck_assert_msg(b != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
    ff_array_free(like);
    return b;
}

struct ff_draft_filling *attach(struct fixture *f, const char *token)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_draft_filling *a = ff_draft_fill_attach(f->storage, token, &e);
    ck_assert_msg(a != NULL, "%s: %s: %s", where_names[f->where], e.place, e.message);
    return a;
}

int write_box(struct ff_draft_filling *a, int64_t row, int64_t column, int64_t rows,
              int64_t columns, int transposed, struct ff_error *e)
{
    int64_t start[2] = {row, column}, count[2] = {rows, columns};
    int64_t strides[2] = {4, 4 * rows};
    int32_t data[4 * ELEMENTS];
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < columns; j++) {
            data[transposed ? j * rows + i : i * columns + j] =
                (int32_t)((row + i) * COLUMNS + column + j);
        }
    }
    return ff_draft_fill_write(a, start, count, data, transposed ? strides : NULL, e);
}

const char *fill_all(struct ff_draft_filling *a)
{
    struct ff_error e = FF_ERROR_INIT;
    const char *receipt;
    CHECK_OK(write_box(a, 0, 0, ROWS, COLUMNS, 0, ee));
    receipt = ff_draft_fill_end(a, &e);
    ck_assert_msg(receipt != NULL, "%s: %s", e.place, e.message);
    return receipt;
}

int save(struct ff_storage *s, const char *token, const char *const *receipts,
         size_t count, struct ff_error *e)
{
    struct ff_saving *saving = ff_saving_begin(s, "run", "filled", NULL, e);
    struct ff_doc *d = ff_doc_new(e);
    struct ff_value v = ff_new_dict(d, e);
    (void)ff_set(d, v, "a", ff_draft_fill_finish(saving, d, token, receipts, count, e),
                 e);
    if (e->code) {
        ff_saving_abort(saving);
    } else {
        (void)ff_saving_commit(saving, v, e);
    }
    ff_doc_free(d);
    return e->code;
}

void expect_saved(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, "run", "filled", NULL, &e);
    const struct ff_array *a = ff_array(ff_get(ff_doc_root(d), "a"), &e);
    int32_t data[ELEMENTS];
    (void)ff_array_read(a, NULL, data, NULL, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s: %s", where_names[f->where], e.place,
                  e.message);
    ck_assert_int_eq(a->chunk[1], fill_chunk[1]);
    for (int i = 0; i < ELEMENTS; i++) {
        ck_assert_int_eq(data[i], i);
    }
    ff_doc_free(d);
    CHECK_OK(ff_verify(f->storage, NULL, NULL, 1, NULL, NULL, ee));
}

int attach_code(struct ff_storage *s, const char *token, struct ff_error *e)
{
    struct ff_draft_filling *a = ff_draft_fill_attach(s, token, e);
    ck_assert((a != NULL) == (e->code == FF_OK));
    ff_draft_fill_close(a);
    return e->code;
}

void uuid_of_task(struct fixture *f, const char *task, char uuid[37])
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *info = ff_task_info(f->storage, "run", task, &e);
    struct ff_value first = {NULL, 0};
    const char *text = "";
    size_t n = 0;
    (void)ff_item(ff_get(ff_doc_root(info), "persistent"), 0, NULL, &first, &e);
    (void)ff_str(ff_get(first, "name"), &text, &n, &e);
    ck_assert_msg(e.code == FF_OK && n == 36, "%s", e.message);
    (void)snprintf(uuid, 37, "%s", text);
    ff_doc_free(info);
}
