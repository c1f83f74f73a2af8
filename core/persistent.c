/* SPDX-License-Identifier: Apache-2.0 */
/* persistent.c: objects that a serializer keeps: their ids, opening them once, and where
 * an opened one came from. */
#include <string.h>

#include "doc.h"

struct parts {
    uint64_t serializer, version, name;
    const struct ff_seq *inner;
};

/* (serializer, (version, name, extra ...)) */
static bool take_apart(uint64_t pid, struct parts *out)
{
    if (ff_tag(pid) != FF_TAG_TUPLE) {
        return false;
    }
    const struct ff_seq *outer = ff_cell_node(pid);
    if (outer->count != 2 || ff_tag(outer->cells[1]) != FF_TAG_TUPLE) {
        return false;
    }
    out->inner = ff_cell_node(outer->cells[1]);
    if (out->inner->count < 2) {
        return false;
    }
    out->serializer = outer->cells[0];
    out->version = out->inner->cells[0];
    out->name = out->inner->cells[1];
    return true;
}

static char *copy_text(char *at, uint64_t cell, const char **out)
{
    const char *text;
    size_t size;
    (void)ff_cell_text(cell, &text, &size);
    memcpy(at, text, size);
    at[size] = 0;
    *out = at;
    return at + size + 1;
}

static bool plain_text(uint64_t cell, size_t *total)
{
    const char *text;
    size_t size;
    if (!ff_cell_text(cell, &text, &size) || size > 65536 || memchr(text, 0, size)) {
        return false;
    }
    *total += size + 1;
    return true;
}

static const struct ff_persistent_text *text_of(struct ff_value v, const struct parts *p)
{
    struct ff_persistent_node *node = ff_cell_node(v.cell);
    const struct ff_persistent_text *known = atomic_load(&node->text);
    size_t total = 0;
    if (known) {
        return known;
    }
    if (!plain_text(p->serializer, &total) || !plain_text(p->version, &total) ||
        !plain_text(p->name, &total)) {
        return NULL;
    }
    struct ff_persistent_text *t = ff_doc_lazy_alloc(v.doc, sizeof *t + total);
    if (!t) {
        return NULL;
    }
    char *at = copy_text(t->bytes, p->serializer, &t->serializer);
    at = copy_text(at, p->version, &t->version);
    (void)copy_text(at, p->name, &t->name);
    return atomic_compare_exchange_strong(&node->text, &known, t) ? t : known;
}

/* What follows version and name, as a tuple; made when asked for. */
static struct ff_value extra_of(struct ff_value v, const struct ff_seq *inner)
{
    size_t count = inner->count - 2;
    if (count == 0) {
        return FF_NOTHING;
    }
    struct ff_seq *seq = ff_doc_lazy_alloc(v.doc, sizeof *seq);
    if (!seq) {
        return FF_NOTHING;
    }
    seq->count = count;
    seq->cells = inner->cells + 2;
    return ff_value_of(v.doc, ff_cell(FF_TAG_TUPLE, seq));
}

int ff_persistent(struct ff_value v, const char **serializer, const char **version,
                  const char **name, struct ff_value *extra, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (ff_tag(v.cell) != FF_TAG_PERSISTENT) {
        return ff_fail(e, FF_E_TYPE, NULL, "the value is of kind %s, not persistent",
                       ff_kind_name(ff_kind(v)));
    }
    const struct ff_persistent_node *node = ff_cell_node(v.cell);
    struct parts p;
    const struct ff_persistent_text *text =
        take_apart(node->pid, &p) ? text_of(v, &p) : NULL;
    if (!text) {
        return ff_fail(e, FF_E_CORRUPT, NULL,
                       "the persistent id is not (serializer, (version, name))");
    }
    if (serializer) {
        *serializer = text->serializer;
    }
    if (version) {
        *version = text->version;
    }
    if (name) {
        *name = text->name;
    }
    if (extra) {
        *extra = extra_of(v, p.inner);
    }
    return FF_OK;
}

struct ff_value ff_new_persistent(struct ff_doc *doc, const char *serializer,
                                  const char *version, const char *name,
                                  struct ff_error *e)
{
    struct ff_value inner[2] = {ff_new_str(doc, version, SIZE_MAX, e),
                                ff_new_str(doc, name, SIZE_MAX, e)};
    struct ff_value outer[2] = {ff_new_str(doc, serializer, SIZE_MAX, e), FF_NOTHING};
    outer[1] = ff_new_tuple(doc, inner, 2, e);
    struct ff_value pid = ff_new_tuple(doc, outer, 2, e);
    if (!pid.cell) {
        return FF_NOTHING;
    }
    struct ff_persistent_node *node = ff_doc_alloc(doc, sizeof *node);
    if (!node) {
        ff_doc_full(doc, e);
        return FF_NOTHING;
    }
    *node = (struct ff_persistent_node){.pid = pid.cell};
    atomic_init(&node->text, NULL);
    return ff_value_of(doc, ff_cell(FF_TAG_PERSISTENT, node));
}

/* ---- opening ---- */

/* Owns `made` from now on: it is this document's child. */
static int adopt(struct ff_doc *doc, struct ff_persistent_node *node, struct ff_value v,
                 struct ff_doc *made, struct ff_value object, struct ff_error *e)
{
    if (object.doc != made || !object.cell) {
        ff_doc_free(made);
        return ff_fail(e, FF_E_PLUGIN, NULL,
                       "the resolver gave no object of its document");
    }
    if (ff_vec_append(&doc->children, &made)) {
        ff_doc_free(made);
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to keep an opened object");
    }
    made->parent = doc;
    made->parent_cell = v.cell;
    made->parent_object = object.cell;
    node->object = object;
    node->open = true;
    return FF_OK;
}

/* The lock is held at entry and at exit, and free during the call. */
static int open_node(struct ff_doc *doc, struct ff_persistent_node *node,
                     struct ff_value v, const struct ff_call *call, struct ff_error *e)
{
    struct ff_doc *made = NULL;
    struct ff_value object = FF_NOTHING;
    node->opening = true;
    (void)pthread_mutex_unlock(&doc->lock);
    int failed = doc->resolver.resolve(doc->resolver.ctx, v, &made, &object, call, e);
    (void)pthread_mutex_lock(&doc->lock);
    if (!failed) {
        failed = adopt(doc, node, v, made, object, e);
    }
    node->opening = false;
    (void)pthread_cond_broadcast(&doc->opened);
    return failed;
}

struct ff_value ff_resolve(struct ff_value v, const struct ff_call *call,
                           struct ff_error *e)
{
    if (e && e->code) {
        return FF_NOTHING;
    }
    if (ff_tag(v.cell) != FF_TAG_PERSISTENT) {
        return v;
    }
    struct ff_persistent_node *node = ff_cell_node(v.cell);
    if (node->source.doc) {
        v = ff_value_of(node->source.doc, node->source.cell);
        node = ff_cell_node(v.cell);
    }
    struct ff_doc *doc = ff_doc_mutable(v.doc);
    if (!doc->has_resolver || !doc->resolver.resolve) {
        ff_fail(e, FF_E_PLUGIN, NULL,
                "the document has no serializers to open its objects");
        return FF_NOTHING;
    }
    int failed = FF_OK;
    (void)pthread_mutex_lock(&doc->lock);
    while (node->opening) {
        (void)pthread_cond_wait(&doc->opened, &doc->lock);
    }
    if (!node->open) {
        failed = open_node(doc, node, v, call, e);
    }
    struct ff_value object = failed ? FF_NOTHING : node->object;
    (void)pthread_mutex_unlock(&doc->lock);
    return object;
}

struct ff_value ff_doc_origin(struct ff_value object)
{
    struct ff_origin from = {NULL, 0};
    if (ff_tag(object.cell) == FF_TAG_ARRAY) {
        from = ((const struct ff_array_node *)ff_cell_node(object.cell))->origin;
    } else if (ff_tag(object.cell) == FF_TAG_NATIVE) {
        from = ((const struct ff_native_node *)ff_cell_node(object.cell))->origin;
    } else if (ff_tag(object.cell) == FF_TAG_PERSISTENT) {
        const struct ff_persistent_node *node = ff_cell_node(object.cell);
        from =
            node->source.doc ? node->source : (struct ff_origin){object.doc, object.cell};
    }
    if (!from.doc && object.doc && object.doc->parent && object.cell &&
        object.doc->parent_object == object.cell) {
        from = (struct ff_origin){object.doc->parent, object.doc->parent_cell};
    }
    return from.doc ? ff_value_of(from.doc, from.cell) : FF_NOTHING;
}
