/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.c: a document made anew by the builders, from one that was read: what is one object there
 * is one here. Of plain values. */
#include "rebuild.h"

#include "core/cellmap.h"

/* A container that is made, and is filled when all around it is: it may contain itself. */
struct unfilled {
    struct ff_value from, to;
};

struct builder {
    struct ff_doc *doc;
    struct ff_cellmap made; /* cell -> cell */
    struct ff_vec unfilled;
    struct ff_error *e;
};

static struct ff_value build(struct builder *b, struct ff_value from);

static struct ff_value build_tuple(struct builder *b, struct ff_value from)
{
    size_t count = ff_length(from);
    struct ff_value *items = calloc(count + 1, sizeof *items);
    for (size_t i = 0; items && i < count; i++) {
        struct ff_value key, value;
        (void)ff_item(from, i, &key, &value, b->e);
        items[i] = build(b, value);
    }
    struct ff_value made = ff_new_tuple(b->doc, items, count, b->e);
    free(items);
    return made;
}

static void fill(struct builder *b, struct ff_value from, struct ff_value to)
{
    int kind = ff_kind(from);
    for (size_t i = 0; i < ff_length(from) && !b->e->code; i++) {
        struct ff_value key, value;
        (void)ff_item(from, i, &key, &value, b->e);
        if (kind == FF_DICT) {
            key = build(b, key);
            (void)ff_set_item(b->doc, to, key, build(b, value), b->e);
        } else {
            (void)ff_append(b->doc, to, build(b, value), b->e);
        }
    }
}

static bool is_container(struct ff_value v)
{
    int kind = ff_kind(v);
    return kind == FF_LIST || kind == FF_DICT || kind == FF_SET;
}

/* Of a container that is filled: empty. */
static struct ff_value build_new(struct builder *b, struct ff_value from)
{
    uint8_t scratch[8];
    const void *data;
    const uint8_t *bytes;
    const char *text;
    size_t size;
    double real;
    int on;
    switch (ff_kind(from)) {
    case FF_NONE:
        return ff_new_none(b->doc);
    case FF_BOOL:
        (void)ff_boolean(from, &on, b->e);
        return ff_new_bool(b->doc, on);
    case FF_INT:
        (void)ff_int_bytes(from, scratch, &bytes, &size, b->e);
        return ff_new_int_bytes(b->doc, bytes, size, b->e);
    case FF_FLOAT:
        (void)ff_real(from, &real, b->e);
        return ff_new_float(b->doc, real, b->e);
    case FF_STR:
        (void)ff_str(from, &text, &size, b->e);
        return ff_new_str(b->doc, text, size, b->e);
    case FF_BYTES:
        (void)ff_bytes(from, &data, &size, b->e);
        return ff_new_bytes(b->doc, data, size, b->e);
    case FF_LIST:
        return ff_new_list(b->doc, b->e);
    case FF_DICT:
        return ff_new_dict(b->doc, b->e);
    case FF_SET:
        return ff_new_set(b->doc, b->e);
    default:
        return build_tuple(b, from);
    }
}

/* What CPython has once, whoever makes it, is made each time. */
static bool is_single(struct ff_value v)
{
    const char *text = "";
    const void *data;
    size_t size = 1;
    if (ff_kind(v) == FF_STR) {
        (void)ff_str(v, &text, &size, NULL);
        return size < 2 || (size == 2 && ((uint8_t)text[0] & 0xfe) == 0xc2);
    }
    return ff_kind(v) == FF_BYTES && ff_bytes(v, &data, &size, NULL) == FF_OK &&
           size == 0;
}

static struct ff_value build(struct builder *b, struct ff_value from)
{
    const uint64_t *known = ff_cellmap_find(&b->made, from.cell);
    if (known && !is_single(from)) {
        return ff_value_of(b->doc, *known);
    }
    struct ff_value made = build_new(b, from);
    uint64_t *place = ff_cellmap_put(&b->made, from.cell);
    if (place) {
        *place = made.cell;
    }
    struct unfilled u = {from, made};
    if (is_container(from) && ff_vec_append(&b->unfilled, &u)) {
        (void)ff_fail(b->e, FF_E_NO_MEMORY, NULL, "no memory");
    }
    return made;
}

struct ff_doc *rebuild(const struct ff_doc *from, struct ff_error *e)
{
    struct builder b = {.doc = ff_doc_new(e), .e = e};
    ff_cellmap_init(&b.made);
    ff_vec_init(&b.unfilled, sizeof(struct unfilled), SIZE_MAX / 64);
    (void)ff_doc_set_root(b.doc, build(&b, ff_doc_root(from)), e);
    while (b.unfilled.count) {
        struct unfilled u = *(struct unfilled *)ff_vec_last(&b.unfilled);
        ff_vec_pop(&b.unfilled);
        fill(&b, u.from, u.to);
    }
    ff_vec_free(&b.unfilled);
    ff_cellmap_free(&b.made);
    return b.doc;
}
