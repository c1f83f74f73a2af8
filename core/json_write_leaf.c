/* SPDX-License-Identifier: Apache-2.0 */
/* json_write_leaf.c: what JSON takes in one piece: scalars, bytes, arrays. */
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

void ff_json_put_quoted(struct ff_json_writer *w, const char *text)
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
    int64_t small;
    int rc;
    if (ff_int64(v, &small, NULL) == FF_OK) {
        ff_out_printf(&w->out, "%lld", (long long)small);
        return;
    }
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
void ff_json_put_double(struct ff_json_writer *w, double value)
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

void ff_json_put_base64(struct ff_json_writer *w, const void *data, size_t size_bytes)
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
        ff_json_put_base64(w, text, size);
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
    ff_json_put_base64(w, data, size);
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
        ff_json_put_quoted(w, module);
        ff_out_put(&w->out, ",", 1);
        ff_json_put_quoted(w, name);
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
void ff_json_put_description(struct ff_json_writer *w, const char *tag, const char *descr,
                             const int64_t *shape, int32_t ndim)
{
    ff_out_printf(&w->out, "{\"%s\":{\"dtype\":", tag);
    ff_json_put_quoted(w, descr);
    put_axes(w, ",\"shape\":[", shape, ndim);
}

static void write_kept_array(struct ff_json_writer *w, const struct ff_array *a)
{
    ff_json_put_description(w, "$array", a->descr, a->shape, a->ndim);
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
    ff_json_put_base64(w, data, (size_t)size_bytes);
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
    ff_json_allow(w, a->data, size_bytes);
    ff_json_put_description(w, "$ndarray", a->descr, a->shape, a->ndim);
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
        ff_json_put_double(w, real);
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
        ff_json_put_quoted(w, ff_class_name(v));
        ff_out_put(&w->out, "}", 1);
        return true;
    case FF_BUFFER:
        ff_out_printf(
            &w->out, "{\"$buffer\":[%llu,%s]}",
            (unsigned long long)((const struct ff_buffer_node *)ff_cell_node(v.cell))
                ->number,
            ((const struct ff_buffer_node *)ff_cell_node(v.cell))->base ? "true"
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
