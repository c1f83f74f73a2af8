/* SPDX-License-Identifier: Apache-2.0 */
/* elements.c: going through an array band by band, with the brackets or line ends between. */
#include "elements.h"

#include <stdlib.h>

#define BAND_BYTES (UINT64_C(8) << 20)

struct elements {
    const struct ff_array *array;
    enum ff_elements_form form;
    struct ff_element element;
    struct ff_out *out;
    int32_t ndim;                /* axes that are printed: up to one of length zero */
    int64_t at[FF_MAX_NDIM + 1]; /* the element that is next */
};

static int put(struct elements *s, char c)
{
    return ff_out_text(s->out, &c, 1);
}

/* Before an element: a bracket for each list that begins with it. */
static int print_open(struct elements *s)
{
    int rc = FF_OK;
    for (int32_t i = s->ndim; !rc && i-- > 0 && s->at[i] == 0;) {
        rc = put(s, '[');
    }
    return rc;
}

/* Behind an element: go on to the next, and close what ended. Text: a line a row, and an empty
 * one between planes. */
static int print_close(struct elements *s)
{
    int json = s->form == FF_ELEMENTS_JSON, rc = FF_OK;
    int32_t i = s->ndim, ended;
    while (i > 0 && ++s->at[i - 1] == s->array->shape[i - 1]) {
        s->at[--i] = 0;
    }
    ended = s->ndim - i;
    for (int32_t k = 0; !rc && json && k < ended; k++) {
        rc = put(s, ']');
    }
    if (rc || i == 0) {
        return rc ? rc : put(s, '\n');
    }
    if (json || ended == 0) {
        return put(s, json ? ',' : ' ');
    }
    rc = put(s, '\n');
    return !rc && ended > 1 ? put(s, '\n') : rc;
}

static int print_one(struct elements *s, const void *data, struct ff_error *e)
{
    int json = s->form == FF_ELEMENTS_JSON;
    int rc = json ? print_open(s) : FF_OK;
    if (!rc) {
        rc = data ? ff_element_print(&s->element, data, json, s->out, e)
                  : ff_out_text(s->out, "[]", json ? 2 : 0);
    }
    return rc ? rc : print_close(s);
}

/* `count` elements in C order. */
static int print_band(struct elements *s, const char *data, uint64_t count,
                      struct ff_error *e)
{
    uint64_t size = s->array->itemsize_bytes;
    int rc = FF_OK;
    if (s->form == FF_ELEMENTS_RAW) {
        return ff_out_write(s->out, data, (size_t)(count * size));
    }
    for (uint64_t i = 0; !rc && i < count; i++) {
        rc = print_one(s, data + i * size, e);
    }
    return rc;
}

/* How many of the first axis are read at once: about BAND_BYTES, in whole chunks. */
static int64_t band_rows(const struct ff_array *a, uint64_t row_bytes)
{
    int64_t chunk = a->chunk ? a->chunk[0] : 1;
    int64_t rows = (int64_t)(BAND_BYTES / (row_bytes ? row_bytes : 1));
    rows = rows > chunk ? rows / chunk * chunk : rows;
    rows = rows < 1 ? 1 : rows;
    return rows < a->shape[0] ? rows : a->shape[0];
}

static int write_bands(struct elements *s, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_array *a = s->array;
    int64_t start[FF_MAX_NDIM] = {0}, count[FF_MAX_NDIM] = {0}, rows = 1, all = 1;
    struct ff_region r = {start, count, NULL};
    uint64_t row = 1;
    char *band;
    int rc = FF_OK;
    for (int32_t i = 1; i < a->ndim; i++) {
        count[i] = a->shape[i];
        row *= (uint64_t)a->shape[i];
    }
    if (a->ndim) {
        all = a->shape[0];
        rows = band_rows(a, row * a->itemsize_bytes);
    }
    band = malloc((size_t)((uint64_t)rows * row * a->itemsize_bytes) + 1);
    if (!band) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    for (; !rc && start[0] < all; start[0] += rows) {
        count[0] = all - start[0] < rows ? all - start[0] : rows;
        rc = ff_array_read(a, &r, band, NULL, call, e);
        rc = rc ? rc : print_band(s, band, (uint64_t)count[0] * row, e);
        ff_progress(call, (uint64_t)(start[0] + count[0]) * row * a->itemsize_bytes,
                    (uint64_t)all * row * a->itemsize_bytes);
    }
    free(band);
    return rc;
}

/* An axis of length zero: empty lists as deep as numpy's tolist() gives. */
static int write_empty(struct elements *s, struct ff_error *e)
{
    uint64_t count = 1;
    int rc = FF_OK;
    for (int32_t i = 0; i < s->ndim; i++) {
        count *= (uint64_t)s->array->shape[i];
    }
    for (uint64_t i = 0; s->form == FF_ELEMENTS_JSON && !rc && i < count; i++) {
        rc = print_one(s, NULL, e);
    }
    return rc;
}

int ff_elements_write(const struct ff_array *a, enum ff_elements_form form,
                      struct ff_out *out, const struct ff_call *call, struct ff_error *e)
{
    struct elements s = {.array = a, .form = form, .out = out};
    int rc = e && e->code ? e->code : FF_OK;
    if (!rc && form != FF_ELEMENTS_RAW) {
        rc = ff_element_parse(a->descr, a->itemsize_bytes, &s.element, e);
    }
    while (!rc && s.ndim < a->ndim && a->shape[s.ndim] > 0) {
        s.ndim++;
    }
    if (rc) {
        return rc;
    }
    rc = s.ndim < a->ndim ? write_empty(&s, e) : write_bands(&s, call, e);
    if (rc == FF_E_CANCELLED) {
        (void)ff_fail(e, rc, NULL, "interrupted");
    } else if (rc && !out->os_errno) {
        (void)ff_fail(e, rc, NULL, "the elements could not be written");
    }
    return rc;
}
