/* SPDX-License-Identifier: Apache-2.0 */
/* json_write_leaf.c: what JSON takes in one piece: scalars, bytes, arrays, dates. */
#include "core/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/region.h"
#include "core/number.h"

static void no_memory(struct ff_json_writer *w)
{
    (void)ff_json_fail(w, FF_E_NO_MEMORY, "out of memory");
}

static void put_quoted(struct ff_json_writer *w, const char *text)
{
    (void)ff_out_quoted(&w->out, text, strlen(text), SIZE_MAX);
}

/* ---- scalars ---- */

static void write_int(struct ff_json_writer *w, struct ff_value v)
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    struct ff_buf text;
    int rc;
    (void)ff_int_bytes(v, scratch, &bytes, &size, NULL);
    bool big = size > FF_INT_TEXT_MAX_BYTES;
    ff_buf_init(&text, SIZE_MAX / 2);
    rc = big ? ff_int_hex(bytes, size, &text) : ff_int_text(bytes, size, &text);
    if (rc) {
        no_memory(w);
    }
    ff_out_text(&w->out, big ? "{\"$int\":\"" : "");
    ff_out_put(&w->out, (const char *)text.data, text.length_bytes);
    ff_out_text(&w->out, big ? "\"}" : "");
    ff_buf_free(&text);
}

/* NaNs of other bits than Python's are spelled by their bits. */
static void put_double(struct ff_json_writer *w, double value)
{
    char text[FF_DOUBLE_TEXT_BYTES];
    uint64_t bits;
    size_t size = ff_double_text(value, text);
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value) && bits != 0x7ff8000000000000u) {
        ff_out_printf(&w->out, "{\"$float\":\"0x%016llx\"}", (unsigned long long)bits);
    } else if (!isfinite(value)) {
        ff_out_printf(&w->out, "{\"$float\":\"%s\"}", text);
    } else {
        ff_out_put(&w->out, text, size);
    }
}

static void put_base64(struct ff_json_writer *w, const void *data, size_t size_bytes)
{
    struct ff_base64 state = {{0}, 0};
    ff_out_base64(&w->out, &state, data, size_bytes);
    ff_out_base64_end(&w->out, &state);
}

static void write_str(struct ff_json_writer *w, struct ff_value v)
{
    const char *text;
    size_t size;
    (void)ff_str(v, &text, &size, NULL);
    if (ff_wtf8_has_pair(text, size)) {
        ff_out_text(&w->out, "{\"$str\":\"");
        put_base64(w, text, size);
        ff_out_text(&w->out, "\"}");
        return;
    }
    (void)ff_out_quoted(&w->out, text, size, SIZE_MAX);
}

static void write_bytes(struct ff_json_writer *w, struct ff_value v)
{
    const void *data = NULL;
    size_t size = 0;
    (void)ff_bytes(v, &data, &size, NULL);
    ff_out_text(&w->out,
                ff_kind(v) == FF_BYTES ? "{\"$bytes\":\"" : "{\"$bytearray\":\"");
    put_base64(w, data, size);
    ff_out_text(&w->out, "\"}");
}

static void put_cell_text(struct ff_json_writer *w, struct ff_value v, uint64_t cell)
{
    write_str(w, ff_value_of(v.doc, cell));
}

static void write_global(struct ff_json_writer *w, struct ff_value v)
{
    const char *module, *name;
    ff_out_text(&w->out, "{\"$global\":[");
    if (ff_global(v, &module, &name, NULL) == FF_OK) {
        put_quoted(w, module);
        ff_out_put(&w->out, ",", 1);
        put_quoted(w, name);
    } else { /* too long, or with NUL: as it stands in the stream */
        const struct ff_global_node *g = ff_cell_node(v.cell);
        put_cell_text(w, v, g->module);
        ff_out_put(&w->out, ",", 1);
        put_cell_text(w, v, g->name);
    }
    ff_out_text(&w->out, "]}");
}

/* ---- arrays ---- */

static void put_axes(struct ff_json_writer *w, const char *label, const int64_t *axis,
                     int64_t count)
{
    ff_out_text(&w->out, label);
    for (int64_t i = 0; i < count; i++) {
        ff_out_printf(&w->out, i ? ",%lld" : "%lld", (long long)axis[i]);
    }
    ff_out_put(&w->out, "]", 1);
}

/* Members that every description of an array begins with. */
static void put_description(struct ff_json_writer *w, const char *tag, const char *descr,
                            const int64_t *shape, int32_t ndim)
{
    ff_out_printf(&w->out, "{\"%s\":{\"dtype\":", tag);
    put_quoted(w, descr);
    put_axes(w, ",\"shape\":[", shape, ndim);
}

static void write_kept_array(struct ff_json_writer *w, const struct ff_array *a)
{
    put_description(w, "$array", a->descr, a->shape, a->ndim);
    if (a->edges) {
        ff_out_text(&w->out, ",\"chunks\":[");
        for (int32_t i = 0; i < a->ndim; i++) {
            put_axes(w, i ? ",[" : "[", a->edges[i], a->edge_count[i]);
        }
        ff_out_put(&w->out, "]", 1);
    } else if (a->chunk) {
        put_axes(w, ",\"chunks\":[", a->chunk, a->ndim);
    }
    ff_out_text(&w->out, "}}");
}

static void put_elements(struct ff_json_writer *w, const struct ff_array *a,
                         const int64_t *strides, uint64_t size_bytes)
{
    void *copy = NULL;
    const void *data = a->data;
    if (!data || memcmp(strides, a->strides, sizeof *strides * (size_t)a->ndim) != 0) {
        data = copy = ff_malloc((size_t)size_bytes);
        if (!copy) {
            no_memory(w);
            return;
        }
        if (ff_array_read(a, NULL, copy, strides, NULL, w->error)) {
            w->out.rc = w->out.rc ? w->out.rc : w->error->code;
            size_bytes = 0;
        }
    }
    put_base64(w, data, (size_t)size_bytes);
    ff_free(copy);
}

static void write_array(struct ff_json_writer *w, struct ff_value v)
{
    const struct ff_array *a = ff_array(v, NULL);
    int64_t strides[FF_MAX_NDIM], packed[FF_MAX_NDIM];
    size_t ndim = (size_t)a->ndim;
    uint64_t size_bytes;
    if (a->chunk || !a->read ||
        !ff_strides_c(ndim, a->shape, a->itemsize_bytes, strides, &size_bytes)) {
        write_kept_array(w, a);
        return;
    }
    put_description(w, "$ndarray", a->descr, a->shape, a->ndim);
    if (ndim > 1 && a->data && memcmp(a->strides, strides, ndim * sizeof *strides) != 0 &&
        ff_strides_f(ndim, a->shape, a->itemsize_bytes, packed, NULL) &&
        memcmp(a->strides, packed, ndim * sizeof *packed) == 0) {
        memcpy(strides, packed, sizeof strides);
        ff_out_text(&w->out, ",\"order\":\"F\"");
    }
    ff_out_text(&w->out, ",\"data\":\"");
    put_elements(w, a, strides, size_bytes);
    ff_out_text(&w->out, "\"}}");
}

/* ---- views ---- */

static bool put_payload(struct ff_json_writer *w, const struct ff_ndarray *a)
{
    uint8_t *copy;
    if (a->bytes) {
        put_base64(w, a->bytes, (size_t)a->size_bytes);
        return true;
    }
    copy = ff_malloc((size_t)a->size_bytes);
    if (!copy) {
        no_memory(w);
        return false;
    }
    (void)ff_view_payload(a->data, copy, (size_t)a->size_bytes);
    put_base64(w, copy, (size_t)a->size_bytes);
    ff_free(copy);
    return true;
}

static void put_ndarray(struct ff_json_writer *w, const struct ff_ndarray *a,
                        const char *descr)
{
    if (a->view == FF_VIEW_SCALAR) {
        ff_out_text(&w->out, "{\"$scalar\":{\"dtype\":");
        put_quoted(w, descr);
    } else {
        put_description(w, "$ndarray", descr, a->shape, a->ndim);
    }
    ff_out_text(&w->out, a->fortran ? ",\"order\":\"F\",\"data\":\"" : ",\"data\":\"");
    (void)put_payload(w, a);
    ff_out_text(&w->out, "\"}}");
}

static bool write_ndarray(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_ndarray a;
    struct ff_buf descr;
    bool ok;
    if (ff_view_ndarray(v, &a)) {
        return false;
    }
    ok = a.plain && (a.view == FF_VIEW_NDARRAY || !a.dtype->structured) && !a.dtype->ndim;
    if (ok) {
        ff_buf_init(&descr, FF_DTYPE_MAX_TEXT_BYTES);
        if (ff_dtype_print(a.dtype, FF_DTYPE_PLAIN, &descr)) {
            no_memory(w);
        } else {
            put_ndarray(w, &a, ff_buf_text(&descr));
        }
        ff_buf_free(&descr);
    }
    ff_ndarray_clear(&a);
    return ok;
}

static bool write_view_bytes(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_buf bytes;
    bool bytearray;
    int rc;
    ff_buf_init(&bytes, SIZE_MAX / 2);
    rc = ff_view_bytes(v, &bytes, &bytearray);
    if (rc) {
        no_memory(w);
    }
    ff_out_text(&w->out, bytearray ? "{\"$bytearray\":\"" : "{\"$bytes\":\"");
    put_base64(w, bytes.data, bytes.length_bytes);
    ff_out_text(&w->out, "\"}");
    ff_buf_free(&bytes);
    return true;
}

/* {"$tag": "text"} */
static bool write_text(struct ff_json_writer *w, struct ff_value v, const char *tag)
{
    struct ff_buf text;
    int rc;
    ff_buf_init(&text, SIZE_MAX / 2);
    rc = ff_view_text(v, &text);
    if (rc < 0) {
        no_memory(w);
    } else if (rc == 0) {
        ff_out_printf(&w->out, "{\"%s\":", tag);
        (void)ff_out_quoted(&w->out, (const char *)text.data, text.length_bytes,
                            SIZE_MAX);
        ff_out_put(&w->out, "}", 1);
    }
    ff_buf_free(&text);
    return rc <= 0;
}

static bool write_datetime(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_datetime d;
    struct ff_timedelta offset;
    struct ff_value name = FF_NOTHING;
    if (!ff_view_datetime(v, &d) || d.fold ||
        (d.zone.doc && (!ff_view_timezone(d.zone, &offset, &name) || name.doc))) {
        return false;
    }
    return write_text(w, v,
                      d.view == FF_VIEW_DATE   ? "$date"
                      : d.view == FF_VIEW_TIME ? "$time"
                                               : "$datetime");
}

static bool write_timezone(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_timedelta offset;
    struct ff_value name;
    return ff_view_timezone(v, &offset, &name) && !name.doc &&
           write_text(w, v, "$timezone");
}

static bool write_timedelta(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_timedelta d;
    (void)ff_view_timedelta(v, &d);
    ff_out_printf(&w->out, "{\"$timedelta\":[%lld,%lld,%lld]}", (long long)d.days,
                  (long long)d.seconds, (long long)d.microseconds);
    return true;
}

static bool write_complex(struct ff_json_writer *w, struct ff_value v)
{
    double re = 0, im = 0;
    (void)ff_view_complex(v, &re, &im);
    ff_out_text(&w->out, "{\"$complex\":[");
    put_double(w, re);
    ff_out_put(&w->out, ",", 1);
    put_double(w, im);
    ff_out_text(&w->out, "]}");
    return true;
}

static bool is_small_int(struct ff_value v)
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    return ff_kind(v) != FF_INT ||
           (ff_int_bytes(v, scratch, &bytes, &size, NULL) == FF_OK &&
            size <= FF_INT_TEXT_MAX_BYTES);
}

/* Simple types only: the others are spelled as objects. */
static bool write_dtype(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_dtype *d;
    bool plain, ok;
    if (ff_view_dtype(v, &d, &plain)) {
        return false;
    }
    ok = plain && !d->structured && !d->ndim;
    ff_dtype_free(d);
    return ok && write_text(w, v, "$dtype");
}

static bool begin_list(struct ff_json_writer *w, struct ff_json_frame *f,
                       struct ff_value items, const char *open, bool *begun)
{
    ff_out_text(&w->out, open);
    f->items = items;
    f->form = ff_kind(items) == FF_DICT ? FF_JSON_PAIRS : FF_JSON_ITEMS;
    f->close = "]}";
    *begun = true;
    return true;
}

static bool begin_default_dict(struct ff_json_writer *w, const struct ff_form *form,
                               struct ff_json_frame *f, bool *begun)
{
    struct ff_value factory = ff_form_arg(form, 0);
    if (factory.doc && ff_kind(factory) != FF_GLOBAL && ff_kind(factory) != FF_NONE) {
        return false;
    }
    ff_out_text(&w->out, "{\"$defaultdict\":{\"factory\":");
    if (!factory.doc || !ff_json_write_leaf(w, factory)) {
        ff_out_text(&w->out, "null");
    }
    (void)begin_list(w, f, form->dict_items, ",\"items\":[", begun);
    f->close = "]}}";
    return true;
}

static bool begin_deque(struct ff_json_writer *w, struct ff_value v,
                        const struct ff_form *form, struct ff_json_frame *f, bool *begun)
{
    struct ff_value items = FF_NOTHING, maxlen = ff_form_arg(form, 1);
    (void)ff_view_items(v, &items);
    ff_out_text(&w->out, "{\"$deque\":{\"maxlen\":");
    if (!maxlen.doc || !ff_json_write_leaf(w, maxlen)) {
        ff_out_text(&w->out, "null");
    }
    (void)begin_list(w, f, items, ",\"items\":[", begun);
    f->close = "]}}";
    return true;
}

static bool write_view(struct ff_json_writer *w, struct ff_value v,
                       const struct ff_form *form, struct ff_json_frame *f, bool *begun)
{
    struct ff_value first = ff_form_arg(form, 0);
    switch (ff_view(v)) {
    case FF_VIEW_NDARRAY:
    case FF_VIEW_SCALAR:
        return write_ndarray(w, v);
    case FF_VIEW_DTYPE:
        return write_dtype(w, v);
    case FF_VIEW_COMPLEX:
        return write_complex(w, v);
    case FF_VIEW_BYTES:
        return write_view_bytes(w, v);
    case FF_VIEW_SET:
        return begin_list(w, f, first,
                          strcmp(form->name, "builtins.set") ? "{\"$frozenset\":["
                                                             : "{\"$set\":[",
                          begun);
    case FF_VIEW_DATE:
    case FF_VIEW_TIME:
    case FF_VIEW_DATETIME:
        return write_datetime(w, v);
    case FF_VIEW_TIMEDELTA:
        return write_timedelta(w, v);
    case FF_VIEW_TIMEZONE:
        return write_timezone(w, v);
    case FF_VIEW_DECIMAL:
        return write_text(w, v, "$decimal");
    case FF_VIEW_FRACTION:
        return is_small_int(first) && is_small_int(ff_form_arg(form, 1)) &&
               write_text(w, v, "$fraction");
    case FF_VIEW_UUID:
        return ff_length(form->state) == 1 && write_text(w, v, "$uuid");
    case FF_VIEW_PATH:
        return strstr(form->name, ".PosixPath") && write_text(w, v, "$path");
    case FF_VIEW_RANGE:
        return begin_list(w, f, form->args, "{\"$range\":[", begun);
    case FF_VIEW_SLICE:
        return begin_list(w, f, form->args, "{\"$slice\":[", begun);
    case FF_VIEW_COUNTER:
        return !form->state.doc && begin_list(w, f, first, "{\"$counter\":[", begun);
    case FF_VIEW_ORDERED_DICT:
        return !form->state.doc && form->arg_count == 0 &&
               begin_list(w, f, form->dict_items, "{\"$ordered_dict\":[", begun);
    case FF_VIEW_DEFAULT_DICT:
        return !form->state.doc && begin_default_dict(w, form, f, begun);
    case FF_VIEW_DEQUE:
        return !form->state.doc && begin_deque(w, v, form, f, begun);
    default:
        return false;
    }
}

/* What changes, or is long: a view that hid one would write it again for each that has it,
 * and forget that they share it. */
static bool must_show(struct ff_json_writer *w, struct ff_value v)
{
    switch (ff_kind(v)) {
    case FF_ABSENT:
        return false;
    case FF_TUPLE:
        return ff_length(v) > 16 && ff_json_is_shared(w, v);
    case FF_OBJECT:
        return ff_form_is_global(ff_part(v, FF_PART_CALLABLE), "_codecs.encode") &&
               ff_json_is_shared(w, v);
    default:
        return ff_json_is_shared(w, v);
    }
}

static bool hides_shared(struct ff_json_writer *w, const struct ff_form *form)
{
    for (size_t i = 0; i < form->arg_count; i++) {
        if (must_show(w, ff_form_arg(form, i))) {
            return true;
        }
    }
    for (size_t i = 0; i < ff_length(form->state) && ff_kind(form->state) == FF_TUPLE;
         i++) {
        struct ff_value item;
        (void)ff_item(form->state, i, NULL, &item, NULL);
        if (must_show(w, item)) {
            return true;
        }
    }
    return must_show(w, form->state) || must_show(w, form->args) ||
           must_show(w, form->list_items) || must_show(w, form->dict_items);
}

bool ff_json_write_view(struct ff_json_writer *w, struct ff_value v,
                        struct ff_json_frame *f, bool *begun)
{
    struct ff_form form;
    return ff_form_of(v, &form) && !hides_shared(w, &form) &&
           write_view(w, v, &form, f, begun);
}

bool ff_json_write_leaf(struct ff_json_writer *w, struct ff_value v)
{
    double real;
    int truth = 0;
    switch (ff_kind(v)) {
    case FF_NONE:
        ff_out_text(&w->out, "null");
        return true;
    case FF_BOOL:
        (void)ff_boolean(v, &truth, NULL);
        ff_out_text(&w->out, truth ? "true" : "false");
        return true;
    case FF_INT:
        write_int(w, v);
        return true;
    case FF_FLOAT:
        (void)ff_real(v, &real, NULL);
        put_double(w, real);
        return true;
    case FF_STR:
        write_str(w, v);
        return true;
    case FF_BYTES:
    case FF_BYTEARRAY:
        write_bytes(w, v);
        return true;
    case FF_GLOBAL:
        write_global(w, v);
        return true;
    case FF_ARRAY:
        write_array(w, v);
        return true;
    case FF_NATIVE:
        ff_out_text(&w->out, "{\"$native\":");
        put_quoted(w, ff_class_name(v));
        ff_out_put(&w->out, "}", 1);
        return true;
    case FF_BUFFER:
        ff_out_printf(
            &w->out, "{\"$buffer\":[%llu,%s]}",
            (unsigned long long)((const struct ff_buffer_node *)ff_cell_node(v.cell))
                ->number,
            ((const struct ff_buffer_node *)ff_cell_node(v.cell))->readonly ? "true"
                                                                            : "false");
        return true;
    case FF_EXTENSION:
        ff_out_printf(&w->out, "{\"$extension\":%d}",
                      ((const struct ff_extension_node *)ff_cell_node(v.cell))->code);
        return true;
    default:
        return false;
    }
}
