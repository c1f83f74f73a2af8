/* SPDX-License-Identifier: Apache-2.0 */
/* json_write_view.c: objects of well-known classes, where a tag says all of them. */
#include "core/json.h"

#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/graph.h"
#include "core/number.h"

static void no_memory(struct ff_json_writer *w)
{
    (void)ff_json_fail(w, FF_E_NO_MEMORY, "out of memory");
}

/* No memory is no reason to write something else. */
static bool failed(struct ff_json_writer *w, int rc)
{
    if (rc < 0) {
        no_memory(w);
    }
    return rc < 0;
}

static bool put_payload(struct ff_json_writer *w, const struct ff_ndarray *a)
{
    uint8_t *copy;
    if (a->bytes) {
        ff_json_allow(w, a->bytes, (uint64_t)a->size_bytes);
        ff_json_put_base64(w, a->bytes, (size_t)a->size_bytes);
        return true;
    }
    copy = ff_malloc((size_t)a->size_bytes);
    if (!copy) {
        no_memory(w);
        return false;
    }
    ff_ndarray_bytes(a, copy, (size_t)a->size_bytes);
    ff_json_put_base64(w, copy, (size_t)a->size_bytes);
    ff_free(copy);
    return true;
}

static void put_ndarray(struct ff_json_writer *w, const struct ff_ndarray *a,
                        const char *descr)
{
    if (a->view == FF_VIEW_SCALAR) {
        ff_out_text(&w->out, "{\"$scalar\":{\"dtype\":");
        ff_json_put_quoted(w, descr);
    } else {
        ff_json_put_description(w, "$ndarray", descr, a->shape, a->ndim);
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
    int rc = ff_view_ndarray(v, &a);
    if (rc) {
        return failed(w, rc);
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
    ff_json_put_base64(w, bytes.data, bytes.length_bytes);
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
    ff_json_put_double(w, re);
    ff_out_put(&w->out, ",", 1);
    ff_json_put_double(w, im);
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
    int rc = ff_view_dtype(v, &d, &plain);
    if (rc) {
        return failed(w, rc);
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
    if (strncmp(form->name, "numpy.", 6) == 0) {
        return strcmp(form->name, "numpy.dtype") == 0 ? write_dtype(w, v)
                                                      : write_ndarray(w, v);
    }
    switch (ff_view(v)) {
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

/* Of a few small scalars only: an array's shape, the digits of a Decimal. */
static bool is_small_tuple(struct ff_value tuple)
{
    size_t count = ff_length(tuple);
    bool small = count <= 16;
    for (size_t i = 0; i < count && small; i++) {
        struct ff_value item;
        (void)ff_item(tuple, i, NULL, &item, NULL);
        small = ff_kind(item) != FF_OBJECT && !ff_graph_counts(item);
    }
    return small;
}

/* What changes, or is long: a view that hid one would write it again for each that has it,
 * and forget that they share it. */
static bool must_show(struct ff_json_writer *w, struct ff_value v)
{
    switch (ff_kind(v)) {
    case FF_ABSENT:
        return false;
    case FF_TUPLE:
        return ff_json_is_shared(w, v) && !is_small_tuple(v);
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
