/* SPDX-License-Identifier: Apache-2.0 */
/* views_form.c: objects taken apart into what makes them and with what; bytes as
 * protocols 0 to 2 spell them. */
#include "core/views.h"

#include <string.h>

#include "core/doc.h"

/* ---- taking an object apart ---- */

static struct ff_value cell_value(struct ff_value of, uint64_t cell)
{
    return cell ? ff_value_of(of.doc, cell) : FF_NOTHING;
}

static const char *global_name(struct ff_value v)
{
    const struct ff_global_text *text =
        ff_tag(v.cell) == FF_TAG_GLOBAL ? ff_global_text(v.doc, v.cell) : NULL;
    return text ? text->full : NULL;
}

bool ff_form_is_global(struct ff_value v, const char *full)
{
    const char *name = global_name(v);
    return name && strcmp(name, full) == 0;
}

struct ff_value ff_form_arg(const struct ff_form *f, size_t i)
{
    struct ff_value item = FF_NOTHING;
    if (i < f->arg_count) {
        (void)ff_item(f->args, f->skip + i, NULL, &item, NULL);
    }
    return item;
}

/* Protocols 0 and 1 make instances by functions of copyreg. */
static bool unwrap_copyreg(struct ff_form *f)
{
    bool newobj = strcmp(f->name, "copyreg.__newobj__") == 0;
    if (!newobj && strcmp(f->name, "copyreg._reconstructor") != 0) {
        return true;
    }
    if (!newobj && ff_form_is_global(ff_form_arg(f, 1), "builtins.tuple")) {
        return true; /* a tuple with a name: its own entry of the table */
    }
    if (!newobj && (f->arg_count != 3 || ff_kind(ff_form_arg(f, 2)) != FF_NONE ||
                    !ff_form_is_global(ff_form_arg(f, 1), "builtins.object"))) {
        return false;
    }
    f->name = global_name(ff_form_arg(f, 0));
    f->skip = newobj ? 1 : 3;
    f->arg_count -= f->name ? f->skip : 0;
    f->instance = true;
    return f->name != NULL;
}

bool ff_form_of(struct ff_value v, struct ff_form *f)
{
    const struct ff_object_node *o;
    if (ff_tag(v.cell) != FF_TAG_OBJECT) {
        return false;
    }
    o = ff_cell_node(v.cell);
    *f = (struct ff_form){.self = v, .args = cell_value(v, o->args)};
    f->name = global_name(cell_value(v, o->callable));
    if (!f->name || ff_tag(o->args) != FF_TAG_TUPLE ||
        (o->how != FF_HOW_REDUCE && o->how != FF_HOW_NEWOBJ)) {
        return false;
    }
    if (o->more) {
        if (o->more->kwargs || o->more->setter || o->more->outer_args ||
            o->more->first_step) {
            return false;
        }
        f->list_items = cell_value(v, o->more->list_items);
        f->dict_items = cell_value(v, o->more->dict_items);
    }
    f->arg_count = ff_length(f->args);
    f->state = cell_value(v, o->state);
    f->instance = o->how == FF_HOW_NEWOBJ;
    return f->instance || unwrap_copyreg(f);
}

bool ff_form_is_call(const struct ff_form *f)
{
    return !f->instance && !f->state.doc && !f->list_items.doc && !f->dict_items.doc;
}

bool ff_form_int(struct ff_value v, int64_t min, int64_t max, int64_t *out)
{
    return ff_kind(v) == FF_INT && ff_int64(v, out, NULL) == FF_OK && *out >= min &&
           *out <= max;
}

/* ---- bytes as protocols 0 to 2 have them ---- */

static bool latin1_name(struct ff_value v)
{
    const char *text;
    size_t size;
    return ff_kind(v) == FF_STR && ff_str(v, &text, &size, NULL) == FF_OK &&
           ((size == 6 && memcmp(text, "latin1", 6) == 0) ||
            (size == 7 && memcmp(text, "latin-1", 7) == 0));
}

/* Where the ASCII that begins at `at` ends. Long texts are common, and looked at more than
 * once: a word at a time. */
static size_t skip_ascii(const char *text, size_t at, size_t length)
{
    while (length - at >= 8) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        if (word & 0x8080808080808080u) {
            break;
        }
        at += 8;
    }
    while (at < length && (uint8_t)text[at] < 0x80) {
        at++;
    }
    return at;
}

/* A str of Latin-1 as bytes: as ff_view_payload. */
static size_t latin1_payload(struct ff_value v, uint8_t *out, size_t size)
{
    const char *text;
    size_t length, count = 0;
    if (ff_kind(v) != FF_STR || ff_str(v, &text, &length, NULL)) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < length;) {
        size_t from = i;
        i = skip_ascii(text, i, length);
        if (count < size && i > from) {
            memcpy(out + count, text + from,
                   i - from < size - count ? i - from : size - count);
        }
        count += i - from;
        if (i == length) {
            break;
        }
        unsigned byte = (uint8_t)text[i++]; /* two bytes of UTF-8, up to U+00FF */
        if (byte > 0xc3 || i == length) {
            return SIZE_MAX;
        }
        if (count < size) {
            out[count] = (uint8_t)((byte & 3) << 6 | ((uint8_t)text[i] & 0x3fu));
        }
        i++;
        count++;
    }
    return count;
}

bool ff_form_is_encode(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 2 && latin1_name(ff_form_arg(f, 1)) &&
           latin1_payload(ff_form_arg(f, 0), NULL, 0) != SIZE_MAX;
}

bool ff_form_is_empty(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 0;
}

/* Never bytearray(int): that is a size, and no bytes. */
bool ff_form_is_bytearray(const struct ff_form *f)
{
    if (!ff_form_is_call(f)) {
        return false;
    }
    if (f->arg_count == 2) {
        return latin1_name(ff_form_arg(f, 1)) &&
               latin1_payload(ff_form_arg(f, 0), NULL, 0) != SIZE_MAX;
    }
    return f->arg_count == 0 ||
           (f->arg_count == 1 && ff_kind(ff_form_arg(f, 0)) != FF_STR &&
            ff_view_payload(ff_form_arg(f, 0), NULL, 0) != SIZE_MAX);
}

size_t ff_view_payload(struct ff_value v, uint8_t *out, size_t size)
{
    const void *data;
    size_t length;
    struct ff_form f;
    int kind = ff_kind(v);
    if (kind == FF_BYTES || kind == FF_BYTEARRAY || kind == FF_BUFFER) {
        if (ff_bytes(v, &data, &length, NULL)) {
            return SIZE_MAX;
        }
        if (size) {
            memcpy(out, data, length < size ? length : size);
        }
        return length;
    }
    if (kind == FF_STR) {
        return latin1_payload(v, out, size);
    }
    if (!ff_form_of(v, &f)) {
        return SIZE_MAX;
    }
    if (strcmp(f.name, "_codecs.encode") == 0 && ff_form_is_encode(&f)) {
        return latin1_payload(ff_form_arg(&f, 0), out, size);
    }
    return strcmp(f.name, "builtins.bytes") == 0 && ff_form_is_empty(&f) ? 0 : SIZE_MAX;
}

int ff_view_bytes(struct ff_value v, struct ff_buf *out, bool *bytearray)
{
    struct ff_form f;
    size_t size;
    int rc;
    if (ff_view(v) != FF_VIEW_BYTES || !ff_form_of(v, &f)) {
        return 1;
    }
    *bytearray = strcmp(f.name, "builtins.bytearray") == 0;
    if (*bytearray) {
        if (f.arg_count == 0) {
            return 0;
        }
        v = ff_form_arg(&f, 0);
    }
    size = ff_view_payload(v, NULL, 0);
    rc = ff_buf_reserve(out, size);
    if (rc || size == 0) {
        return rc;
    }
    (void)ff_view_payload(v, out->data + out->length_bytes, size);
    ff_buf_added(out, size);
    return 0;
}
