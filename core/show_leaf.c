/* SPDX-License-Identifier: Apache-2.0 */
/* show_leaf.c: what is shown on one line. */
#include "core/show.h"

#include <string.h>

#include "core/number.h"

void ff_show_plain(struct ff_out *o, const char *text)
{
    size_t length = strlen(text), at = 0;
    while (at < length) {
        unsigned c;
        size_t n = ff_wtf8_next(text + at, length - at, &c);
        if (at + n > FF_SHOW_TEXT_BYTES) {
            ff_out_text(o, "...");
            return;
        }
        ff_out_put(o, ff_char_is_unsafe(c) ? "?" : text + at,
                   ff_char_is_unsafe(c) ? 1 : n);
        at += n;
    }
}

const char *ff_show_short_name(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot ? dot + 1 : full;
}

static void put_text(struct ff_out *o, const char *text, size_t size)
{
    size_t taken = ff_out_quoted(o, text, size, FF_SHOW_TEXT_BYTES);
    if (taken < size) {
        ff_out_printf(o, "... %zu bytes", size);
    }
}

static void put_int(struct ff_out *o, struct ff_value v)
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    struct ff_buf text;
    (void)ff_int_bytes(v, scratch, &bytes, &size, NULL);
    if (size > 80) {
        ff_out_printf(o, "<int of %zu bytes>", size);
        return;
    }
    ff_buf_init(&text, SIZE_MAX / 2);
    o->rc = o->rc ? o->rc : ff_int_text(bytes, size, &text) ? FF_E_NO_MEMORY : 0;
    ff_out_put(o, (const char *)text.data, text.length_bytes);
    ff_buf_free(&text);
}

static void put_float(struct ff_out *o, double real)
{
    char text[FF_DOUBLE_TEXT_BYTES];
    ff_out_put(o, text, ff_double_text(real, text));
}

/* bytes 4: 00ff1b41 */
static void put_bytes(struct ff_out *o, const char *name, const uint8_t *data,
                      size_t size)
{
    size_t shown = size < FF_SHOW_BYTES_BYTES ? size : FF_SHOW_BYTES_BYTES;
    ff_out_printf(o, "%s %zu%s", name, size, size ? ": " : "");
    for (size_t i = 0; i < shown; i++) {
        ff_out_printf(o, "%02x", data[i]);
    }
    ff_out_text(o, shown < size ? "..." : "");
}

/* (12, 90, 180), and (3,) as Python has it */
static void put_axes(struct ff_out *o, const int64_t *axis, int32_t count)
{
    ff_out_put(o, "(", 1);
    for (int32_t i = 0; i < count; i++) {
        ff_out_printf(o, i ? ", %lld" : "%lld", (long long)axis[i]);
    }
    ff_out_text(o, count == 1 ? ",)" : ")");
}

static void put_array(struct ff_out *o, const struct ff_array *a)
{
    ff_out_text(o, a->chunk ? "array " : "ndarray ");
    ff_show_plain(o, a->descr);
    ff_out_put(o, " ", 1);
    put_axes(o, a->shape, a->ndim);
    if (a->chunk) {
        ff_out_text(o, a->edges ? " chunks up to " : " chunks ");
        put_axes(o, a->chunk, a->ndim);
    }
}

/* ---- numpy ---- */

/* A number of at most 8 bytes in the dtype's order. */
static uint64_t load_bits(const struct ff_dtype *d, const uint8_t *p)
{
    uint64_t bits = 0;
    for (uint64_t i = 0; i < d->item_bytes; i++) {
        bits = bits << 8 | p[d->byte_order == '>' ? i : d->item_bytes - 1 - i];
    }
    return bits;
}

static void put_scalar(struct ff_out *o, const struct ff_ndarray *a)
{
    uint8_t bytes[8] = {0};
    const struct ff_dtype *d = a->dtype;
    uint64_t bits;
    unsigned unused = 64 - 8 * (unsigned)d->item_bytes;
    if (d->item_bytes > 8 || d->structured || d->ndim || d->item_bytes == 0) {
        return;
    }
    ff_ndarray_bytes(a, bytes, sizeof bytes);
    bits = load_bits(d, bytes);
    if (d->kind == 'b') {
        ff_out_text(o, bits ? " True" : " False");
    } else if (d->kind == 'u') {
        ff_out_printf(o, " %llu", (unsigned long long)bits);
    } else if (d->kind == 'i') {
        ff_out_printf(o, " %lld", (long long)(int64_t)(bits << unused) >> unused);
    } else if (d->kind == 'f' && d->item_bytes >= 4) {
        double real;
        float small;
        uint32_t low = (uint32_t)bits;
        memcpy(&small, &low, sizeof small);
        memcpy(&real, &bits, sizeof real);
        ff_out_put(o, " ", 1);
        put_float(o, d->item_bytes == 4 ? (double)small : real);
    }
}

static bool show_numpy(struct ff_out *o, struct ff_value v)
{
    struct ff_ndarray a;
    struct ff_buf descr;
    int rc = ff_view_ndarray(v, &a);
    if (rc) {
        o->rc = o->rc || rc > 0 ? o->rc : FF_E_NO_MEMORY;
        return false;
    }
    ff_buf_init(&descr, FF_DTYPE_MAX_TEXT_BYTES);
    if (ff_dtype_print(a.dtype, FF_DTYPE_PLAIN, &descr)) {
        o->rc = o->rc ? o->rc : FF_E_NO_MEMORY;
    }
    ff_out_text(o, a.view == FF_VIEW_SCALAR  ? "scalar "
                   : a.view == FF_VIEW_ARRAY ? "array.array "
                                             : "ndarray ");
    ff_show_plain(o, ff_buf_text(&descr));
    if (a.view == FF_VIEW_SCALAR) {
        put_scalar(o, &a);
    } else {
        ff_out_put(o, " ", 1);
        put_axes(o, a.shape, a.ndim);
    }
    ff_buf_free(&descr);
    ff_ndarray_clear(&a);
    return true;
}

/* ---- objects with a text ---- */

/* The first bytes are enough: long ones are not decoded. */
static bool show_view_bytes(struct ff_out *o, struct ff_value v)
{
    uint8_t head[FF_SHOW_BYTES_BYTES];
    struct ff_form form;
    size_t size = 0;
    bool bytearray;
    if (!ff_form_of(v, &form)) {
        return false;
    }
    bytearray = strcmp(form.name, "builtins.bytearray") == 0;
    if (!bytearray || form.arg_count > 0) {
        size = ff_view_payload(bytearray ? ff_form_arg(&form, 0) : v, head, sizeof head);
    }
    put_bytes(o, bytearray ? "bytearray" : "bytes", head, size);
    return true;
}

static bool show_text(struct ff_out *o, struct ff_value v, int view)
{
    struct ff_form form;
    struct ff_buf text;
    int rc;
    ff_buf_init(&text, SIZE_MAX / 2);
    rc = ff_form_of(v, &form) ? ff_view_text(v, &text) : 1;
    if (!rc && view != FF_VIEW_RANGE && view != FF_VIEW_SLICE) {
        ff_out_text(o, ff_show_short_name(form.name));
        ff_out_put(o, " ", 1);
    }
    if (!rc) {
        ff_show_plain(o, ff_buf_text(&text));
    }
    ff_buf_free(&text);
    return rc == 0;
}

static bool show_view(struct ff_out *o, struct ff_value v)
{
    int view = ff_view(v);
    switch (view) {
    case FF_VIEW_NDARRAY:
    case FF_VIEW_SCALAR:
        return show_numpy(o, v);
    case FF_VIEW_BYTES:
        return show_view_bytes(o, v);
    case FF_VIEW_NONE:
        return false;
    default:
        return show_text(o, v, view);
    }
}

static void put_global(struct ff_out *o, struct ff_value v)
{
    const char *module = "?", *name = "?";
    (void)ff_global(v, &module, &name, NULL);
    ff_out_put(o, "<", 1);
    ff_show_plain(o, module);
    ff_out_put(o, ".", 1);
    ff_show_plain(o, name);
    ff_out_put(o, ">", 1);
}

static bool show_scalar(struct ff_out *o, struct ff_value v, int kind)
{
    const char *text;
    const void *data;
    size_t size;
    int truth;
    double real;
    switch (kind) {
    case FF_NONE:
        ff_out_text(o, "None");
        return true;
    case FF_BOOL:
        (void)ff_boolean(v, &truth, NULL);
        ff_out_text(o, truth ? "True" : "False");
        return true;
    case FF_INT:
        put_int(o, v);
        return true;
    case FF_FLOAT:
        (void)ff_real(v, &real, NULL);
        put_float(o, real);
        return true;
    case FF_STR:
        (void)ff_str(v, &text, &size, NULL);
        put_text(o, text, size);
        return true;
    case FF_BYTES:
    case FF_BYTEARRAY:
        (void)ff_bytes(v, &data, &size, NULL);
        put_bytes(o, ff_kind_name(kind), data, size);
        return true;
    default:
        return false;
    }
}

bool ff_show_leaf(struct ff_out *o, struct ff_value v)
{
    int kind = ff_kind(v);
    switch (kind) {
    case FF_GLOBAL:
        put_global(o, v);
        return true;
    case FF_ARRAY:
        put_array(o, ff_array(v, NULL));
        return true;
    case FF_NATIVE:
        ff_out_text(o, "native ");
        ff_show_plain(o, ff_class_name(v));
        return true;
    case FF_BUFFER:
        ff_out_text(o, "<buffer>");
        return true;
    case FF_EXTENSION:
        ff_out_text(o, "<extension>");
        return true;
    case FF_OBJECT:
        return show_view(o, v);
    default:
        return show_scalar(o, v, kind);
    }
}
