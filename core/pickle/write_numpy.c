/* SPDX-License-Identifier: Apache-2.0 */
/* write_numpy.c: arrays inside a pickle, in the form that numpy itself writes:
 * _reconstruct(ndarray, (0,), b"b") with the state (1, shape, dtype, is_fortran, bytes). The
 * module is spelled numpy.core.multiarray: numpy 1 has only that, and numpy 2 keeps it for
 * exactly such pickles, without a warning. Elements are read and written in pieces. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/dtype.h"
#include "core/base/region.h"
#include "write.h"

/* ---- dtypes ---- */

static uint64_t make_dtype(struct ff_dumper *d, const struct ff_dtype *t);

static uint64_t int_tuple(struct ff_dumper *d, const int64_t *numbers, size_t count)
{
    uint64_t cells[FF_MAX_NDIM];
    for (size_t i = 0; i < count; i++) {
        cells[i] = ff_cell_of_int(numbers[i]);
    }
    return ff_make_tuple(d, cells, count);
}

/* (names, fields) of a struct: fields by name to (dtype, offset[, title]). */
static bool make_fields(struct ff_dumper *d, const struct ff_dtype *t, uint64_t *names,
                        uint64_t *fields)
{
    struct ff_value dict = ff_new_dict(d->own, d->e);
    struct ff_seq *seq = ff_seq_new_tuple(d->own, t->field_count);
    for (size_t i = 0; seq && i < t->field_count; i++) {
        const struct ff_dtype_field *f = &t->fields[i];
        uint64_t parts[3] = {make_dtype(d, f->type),
                             ff_cell_of_int((int64_t)f->offset_bytes),
                             f->title ? ff_make_text(d, f->title) : 0};
        seq->cells[i] = ff_make_text(d, f->name);
        struct ff_value entry =
            ff_value_of(d->own, ff_make_tuple(d, parts, f->title ? 3 : 2));
        if (!seq->cells[i] || !entry.cell ||
            ff_set_item(d->own, dict, ff_value_of(d->own, seq->cells[i]), entry, d->e)) {
            return false;
        }
    }
    *names = seq ? ff_cell(FF_TAG_TUPLE, seq) : 0;
    *fields = dict.cell;
    return *names && *fields;
}

/* Version 4 of the state: ({}, (unit, number, 1, 1)). */
static uint64_t make_metadata(struct ff_dumper *d, const struct ff_dtype *t)
{
    const char *unit = t->unit[0] ? t->unit : "generic";
    uint64_t when[4] = {ff_doc_scalar(d->own, FF_TAG_BYTES, unit, strlen(unit)),
                        ff_cell_of_int(t->unit_multiplier), ff_cell_of_int(1),
                        ff_cell_of_int(1)};
    uint64_t pair[2] = {ff_new_dict(d->own, d->e).cell, ff_make_tuple(d, when, 4)};
    return ff_make_tuple(d, pair, 2);
}

/* numpy.dtype(code, False, True) with a state. */
static uint64_t dtype_call(struct ff_dumper *d, const char *code, uint64_t state)
{
    uint64_t args[3] = {ff_make_text(d, code), FF_TAG_FALSE, FF_TAG_TRUE};
    return ff_make_call(d, ff_make_global(d, "numpy", "dtype"), ff_make_tuple(d, args, 3),
                        state);
}

static uint64_t make_struct(struct ff_dumper *d, const struct ff_dtype *t)
{
    char code[32];
    uint64_t names, fields;
    if (!make_fields(d, t, &names, &fields)) {
        return 0;
    }
    (void)snprintf(code, sizeof code, "V%llu", (unsigned long long)t->element_bytes);
    uint64_t state[8] = {ff_cell_of_int(3),
                         ff_make_text(d, "|"),
                         FF_TAG_NONE,
                         names,
                         fields,
                         ff_cell_of_int((int64_t)t->element_bytes),
                         ff_cell_of_int(1),
                         ff_cell_of_int(16)};
    return dtype_call(d, code, ff_make_tuple(d, state, 8));
}

static uint64_t make_simple(struct ff_dumper *d, const struct ff_dtype *t)
{
    char code[32], order[2] = {t->byte_order, 0};
    bool sized = strchr("SUV", t->kind) != NULL, dated = strchr("mM", t->kind) != NULL;
    uint64_t count = t->kind == 'U' ? t->element_bytes / 4 : t->element_bytes;
    int64_t align = t->kind == 'U' ? 4 : 1;
    (void)snprintf(code, sizeof code, "%c%llu", t->kind, (unsigned long long)count);
    uint64_t state[9] = {ff_cell_of_int(dated ? 4 : 3),
                         ff_make_text(d, order),
                         FF_TAG_NONE,
                         FF_TAG_NONE,
                         FF_TAG_NONE,
                         ff_cell_of_int(sized ? (int64_t)t->element_bytes : -1),
                         ff_cell_of_int(sized ? align : -1),
                         ff_cell_of_int(t->kind == 'U' ? 8 : 0),
                         dated ? make_metadata(d, t) : 0};
    return dtype_call(d, code, ff_make_tuple(d, state, dated ? 9 : 8));
}

/* What numpy stores as the alignment. */
static int64_t alignment(const struct ff_dtype *t)
{
    switch (t->structured ? 'V' : t->kind) {
    case 'S':
    case 'V':
        return 1;
    case 'U':
        return 4;
    case 'c':
        return (int64_t)(t->element_bytes / 2);
    default:
        return (int64_t)t->element_bytes;
    }
}

/* A subarray: V with (base, shape) in its state. */
static uint64_t make_subarray(struct ff_dumper *d, const struct ff_dtype *t)
{
    struct ff_dtype base = *t;
    char code[32];
    base.ndim = 0;
    base.shape = NULL;
    base.item_bytes = base.element_bytes;
    uint64_t pair[2] = {make_dtype(d, &base), int_tuple(d, t->shape, t->ndim)};
    (void)snprintf(code, sizeof code, "V%llu", (unsigned long long)t->item_bytes);
    uint64_t state[8] = {ff_cell_of_int(3),
                         ff_make_text(d, "|"),
                         ff_make_tuple(d, pair, 2),
                         FF_TAG_NONE,
                         FF_TAG_NONE,
                         ff_cell_of_int((int64_t)t->item_bytes),
                         ff_cell_of_int(alignment(t)),
                         ff_cell_of_int(0)};
    return dtype_call(d, code, ff_make_tuple(d, state, 8));
}

/* Recurs at most FF_DTYPE_MAX_DEPTH deep: the parser bounds it. */
static uint64_t make_dtype(struct ff_dumper *d, const struct ff_dtype *t)
{
    if (t->ndim) {
        return make_subarray(d, t);
    }
    return t->structured ? make_struct(d, t) : make_simple(d, t);
}

/* The same object for the same description, as numpy has one object for each builtin type. */
static uint64_t dtype_of(struct ff_dumper *d, const char *descr)
{
    struct ff_dtype *t = NULL;
    const char *why = "";
    struct ff_value known = ff_get(d->dtypes, descr);
    if (known.cell) {
        return known.cell;
    }
    int failed = ff_dtype_parse(descr, strlen(descr), &t, &why);
    if (failed) {
        ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                "an array of dtype %.80s cannot be written: %s", descr, why);
        return 0;
    }
    struct ff_value made = ff_value_of(d->own, make_dtype(d, t));
    ff_dtype_free(t);
    return made.cell && !ff_set(d->own, d->dtypes, descr, made, d->e) ? made.cell : 0;
}

/* ---- the array ---- */

static int no_array(struct ff_dumper *d)
{
    return d->e->code ? d->e->code : ff_write_no_memory(d);
}

static int read_all(struct ff_dumper *d, const struct ff_array *a, size_t size,
                    uint64_t *cell)
{
    uint8_t *room;
    *cell = ff_doc_scalar_room(d->own, FF_TAG_BYTES, size, &room);
    return *cell ? ff_array_read(a, NULL, room, NULL, d->options->call, d->e)
                 : ff_write_no_memory(d);
}

/* What stands for the elements: their bytes at once before protocol 3, which cannot stream. */
static int elements_cell(struct ff_dumper *d, const struct ff_array *a, uint64_t size,
                         uint64_t *cell)
{
    size_t whole;
    if (d->protocol < 3) {
        if (!ff_u64_to_size(size, &whole)) {
            return ff_write_no_memory(d);
        }
        return read_all(d, a, whole, cell);
    }
    struct ff_elements_node *node = ff_doc_alloc(d->own, sizeof *node);
    if (!node) {
        return ff_write_no_memory(d);
    }
    *node = (struct ff_elements_node){a, size};
    *cell = ff_cell(FF_TAG_ELEMENTS, node);
    return FF_OK;
}

int ff_write_array(struct ff_dumper *d, uint64_t cell, const struct ff_array *a)
{
    uint64_t size, data = 0;
    if (!ff_write_own(d) || a->ndim > FF_MAX_NDIM ||
        !ff_product((size_t)a->ndim, a->shape, a->itemsize_bytes, &size)) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "an array whose length is not known cannot stand in a pickle");
    }
    int failed = elements_cell(d, a, size, &data);
    if (failed) {
        return failed;
    }
    uint64_t zero = ff_cell_of_int(0);
    uint64_t args[3] = {ff_make_global(d, "numpy", "ndarray"), ff_make_tuple(d, &zero, 1),
                        ff_doc_scalar(d->own, FF_TAG_BYTES, "b", 1)};
    uint64_t state[5] = {ff_cell_of_int(1), int_tuple(d, a->shape, (size_t)a->ndim),
                         dtype_of(d, a->descr), FF_TAG_FALSE, data};
    uint64_t call =
        ff_make_call(d, ff_make_global(d, "numpy.core.multiarray", "_reconstruct"),
                     ff_make_tuple(d, args, 3), ff_make_tuple(d, state, 5));
    const struct ff_object_node *o = ff_cell_node(call);
    return call && o->state ? ff_write_object(d, cell, o, true) : no_array(d);
}

/* ---- elements ---- */

/* Elements in C order, in pieces of about FF_ELEMENT_BYTES: whole rows of one axis. */
struct pieces {
    const struct ff_array *array;
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    int axis;     /* the pieces are cut along this one */
    int64_t rows; /* so many at once */
    uint64_t row_bytes;
};

static void cut(struct pieces *p, const struct ff_array *a)
{
    *p = (struct pieces){.array = a, .row_bytes = a->itemsize_bytes};
    int axis = a->ndim - 1;
    while (axis > 0 && p->row_bytes * (uint64_t)a->shape[axis] <= FF_ELEMENT_BYTES) {
        p->row_bytes *= (uint64_t)a->shape[axis--];
    }
    p->axis = axis;
    p->rows = p->row_bytes ? (int64_t)(FF_ELEMENT_BYTES / p->row_bytes) : 1;
    p->rows = p->rows < 1 ? 1 : p->rows;
    for (int i = 0; i < a->ndim; i++) {
        p->count[i] = i < axis ? 1 : a->shape[i];
    }
}

/* Move to the next piece; false at the end. */
static bool advance(struct pieces *p)
{
    int axis = p->axis;
    p->start[axis] += p->rows;
    while (p->start[axis] >= p->array->shape[axis]) {
        p->start[axis] = 0;
        if (axis-- == 0) {
            return false;
        }
        p->start[axis]++;
    }
    return true;
}

static int write_pieces(struct ff_dumper *d, const struct ff_array *a,
                        int (*write)(struct ff_dumper *, const void *, size_t))
{
    struct pieces p;
    if (a->ndim == 0) {
        uint8_t *one = ff_malloc((size_t)a->itemsize_bytes);
        int failed = one ? ff_array_read(a, NULL, one, NULL, d->options->call, d->e)
                         : ff_write_no_memory(d);
        failed = failed ? failed : write(d, one, (size_t)a->itemsize_bytes);
        ff_free(one);
        return failed;
    }
    cut(&p, a);
    uint8_t *buffer = ff_malloc((size_t)((uint64_t)p.rows * p.row_bytes));
    int failed = buffer ? FF_OK : ff_write_no_memory(d);
    bool more = true;
    while (!failed && more) {
        int64_t left = a->shape[p.axis] - p.start[p.axis];
        p.count[p.axis] = left < p.rows ? left : p.rows;
        struct ff_region region = {p.start, p.count, NULL};
        failed = ff_array_read(a, &region, buffer, NULL, d->options->call, d->e);
        size_t size = (size_t)((uint64_t)p.count[p.axis] * p.row_bytes);
        failed = failed ? failed : write(d, buffer, size);
        more = advance(&p);
    }
    ff_free(buffer);
    return failed;
}

static int write_inside(struct ff_dumper *d, const void *data, size_t size)
{
    return ff_write_bytes(d, data, size);
}

int ff_write_elements(struct ff_dumper *d, uint64_t cell)
{
    const struct ff_elements_node *node = ff_cell_node(cell);
    uint8_t header[9];
    size_t n = ff_write_bytes_header(d->protocol, node->size_bytes, header);
    int failed;
    if (n == 0) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "an array over 4 GiB needs protocol 4, not %u", d->protocol);
    }
    if (node->size_bytes < FF_FRAME_BYTES) {
        failed = ff_write_bytes(d, header, n);
        if (!failed && node->size_bytes) {
            failed = write_pieces(d, node->array, write_inside);
        }
    } else {
        bool was_framing;
        failed = ff_write_big_begin(d, header, n, &was_framing);
        failed = failed ? failed : write_pieces(d, node->array, ff_write_big_piece);
        d->framing = was_framing;
    }
    return failed ? failed : ff_write_memoize(d, cell, true);
}
