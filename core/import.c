/* SPDX-License-Identifier: Apache-2.0 */
/* import.c: copying values from one document to another, with their identity and cycles.
 * Two passes over a list of work: a node is made when it is first met, and filled later,
 * so that nothing recurs. */
#include <string.h>

#include "doc.h"

struct importing {
    struct ff_doc *to;
    const struct ff_doc *from;
    struct ff_cellmap done; /* old cell -> new cell */
    struct ff_vec work;     /* uint64_t: old cells whose nodes are to be filled */
};

static uint64_t copy(struct importing *im, uint64_t cell);

/* ---- making nodes ---- */

static uint64_t copy_scalar(struct importing *im, uint64_t cell)
{
    size_t size;
    const uint8_t *payload;
    if (ff_tag(cell) == FF_TAG_FLOAT) {
        return ff_doc_float(im->to, ff_cell_float(cell));
    }
    payload = ff_code_payload(ff_cell_code(cell), &size);
    return ff_doc_scalar(im->to, ff_tag(cell), payload, size);
}

static uint64_t copy_blob(struct importing *im, uint64_t cell)
{
    const struct ff_blob *old = ff_cell_node(cell);
    uint8_t *data = ff_doc_alloc(im->to, old->size_bytes);
    struct ff_blob *blob = ff_doc_alloc(im->to, sizeof *blob);
    if (!data || !blob) {
        return 0;
    }
    if (old->size_bytes) {
        memcpy(data, old->data, old->size_bytes);
    }
    *blob = (struct ff_blob){data, old->size_bytes, old->readonly, 0};
    return ff_cell(FF_TAG_BYTEARRAY, blob);
}

static struct ff_origin origin_of(struct importing *im, uint64_t cell)
{
    struct ff_value from = ff_doc_origin(ff_value_of(im->from, cell));
    return (struct ff_origin){from.doc, from.cell};
}

static bool hold_origin(struct importing *im, struct ff_origin origin)
{
    return !origin.doc || ff_doc_hold(im->to, origin.doc) == 0;
}

static uint64_t copy_array(struct importing *im, uint64_t cell)
{
    const struct ff_array_node *old = ff_cell_node(cell);
    struct ff_origin origin = origin_of(im, cell);
    struct ff_array_node *node = ff_doc_alloc(im->to, sizeof *node);
    struct ff_array *array = node ? ff_array_ref(old->array) : NULL;
    if (!array || !hold_origin(im, origin) || ff_vec_append(&im->to->arrays, &array)) {
        ff_array_free(array);
        return 0;
    }
    *node = (struct ff_array_node){array, origin};
    return ff_cell(FF_TAG_ARRAY, node);
}

static uint64_t copy_native(struct importing *im, uint64_t cell)
{
    const struct ff_native_node *old = ff_cell_node(cell);
    struct ff_origin origin = origin_of(im, cell);
    struct ff_native_node *node = ff_doc_alloc(im->to, sizeof *node);
    struct ff_native_box *box = old->box;
    if (!node || !hold_origin(im, origin) || ff_vec_append(&im->to->natives, &box)) {
        return 0;
    }
    atomic_fetch_add(&box->refs, 1);
    *node = (struct ff_native_node){box, origin};
    return ff_cell(FF_TAG_NATIVE, node);
}

static void *empty_node(struct importing *im, size_t size_bytes)
{
    void *node = ff_doc_alloc(im->to, size_bytes);
    return node ? memset(node, 0, size_bytes) : NULL;
}

static size_t node_size(unsigned tag)
{
    switch (tag) {
    case FF_TAG_DECODED2:
        return sizeof(struct ff_decoded);
    case FF_TAG_GLOBAL:
        return sizeof(struct ff_global_node);
    case FF_TAG_OBJECT:
        return sizeof(struct ff_object_node);
    case FF_TAG_PERSISTENT:
        return sizeof(struct ff_persistent_node);
    case FF_TAG_BUFFER:
        return sizeof(struct ff_buffer_node);
    case FF_TAG_EXTENSION:
        return sizeof(struct ff_extension_node);
    default:
        return sizeof(struct ff_seq);
    }
}

static uint64_t make(struct importing *im, uint64_t cell)
{
    unsigned tag = ff_tag(cell);
    void *node;
    switch (tag) {
    case FF_TAG_BIGINT:
    case FF_TAG_FLOAT:
    case FF_TAG_STR:
    case FF_TAG_BYTES:
    case FF_TAG_STR2:
    case FF_TAG_BYTES2:
        return copy_scalar(im, cell);
    case FF_TAG_BYTEARRAY:
        return copy_blob(im, cell);
    case FF_TAG_ARRAY:
        return copy_array(im, cell);
    case FF_TAG_NATIVE:
        return copy_native(im, cell);
    case FF_TAG_TUPLE:
        node =
            ff_seq_new_tuple(im->to, ((const struct ff_seq *)ff_cell_node(cell))->count);
        break;
    default:
        node = empty_node(im, node_size(tag));
        break;
    }
    return node && !ff_vec_append(&im->work, &cell) ? ff_cell(tag, node) : 0;
}

/* ---- filling them ---- */

/* The copy of a part: made now when it is new. 0 for none; sets im->failed by NULL place.
 */
static uint64_t copy(struct importing *im, uint64_t cell)
{
    if (ff_tag(cell) <= FF_TAG_INT) {
        return cell;
    }
    uint64_t *place = ff_cellmap_put(&im->done, cell);
    if (!place) {
        return 0;
    }
    if (!*place) {
        uint64_t fresh = make(im, cell);
        *ff_cellmap_find(&im->done, cell) = fresh;
        return fresh;
    }
    return *place;
}

/* A part that may be absent. */
static bool copy_part(struct importing *im, uint64_t from, uint64_t *to)
{
    *to = copy(im, from);
    return *to || !from;
}

static bool fill_seq(struct importing *im, unsigned tag, const struct ff_seq *old,
                     struct ff_seq *seq)
{
    size_t cells = old->count * (tag == FF_TAG_DICT ? 2u : 1u);
    uint64_t *to = seq->cells;
    if (tag != FF_TAG_TUPLE && cells) {
        to = ff_seq_reserve(im->to, seq, 0, cells);
    }
    if (!to && cells) {
        return false;
    }
    for (size_t i = 0; i < cells; i++) {
        to[i] = copy(im, old->cells[i]);
        if (!to[i]) {
            return false;
        }
    }
    seq->count = old->count;
    return true;
}

static bool fill_steps(struct importing *im, const struct ff_object_more *old,
                       struct ff_object_more *more)
{
    for (const struct ff_step *s = old->first_step; s; s = s->next) {
        struct ff_step *step = empty_node(im, sizeof *step);
        if (!step || !copy_part(im, s->a, &step->a) || !copy_part(im, s->b, &step->b)) {
            return false;
        }
        step->kind = s->kind;
        if (more->last_step) {
            more->last_step->next = step;
        } else {
            more->first_step = step;
        }
        more->last_step = step;
    }
    return true;
}

static bool fill_object(struct importing *im, const struct ff_object_node *old,
                        struct ff_object_node *o)
{
    o->how = old->how;
    o->stage = old->stage;
    o->unmemoized = old->unmemoized;
    if (!copy_part(im, old->callable, &o->callable) ||
        !copy_part(im, old->args, &o->args) || !copy_part(im, old->state, &o->state)) {
        return false;
    }
    if (!old->more) {
        return true;
    }
    struct ff_object_more *more = o->more = empty_node(im, sizeof *more);
    return more && copy_part(im, old->more->kwargs, &more->kwargs) &&
           copy_part(im, old->more->list_items, &more->list_items) &&
           copy_part(im, old->more->dict_items, &more->dict_items) &&
           copy_part(im, old->more->setter, &more->setter) &&
           copy_part(im, old->more->outer_args, &more->outer_args) &&
           fill_steps(im, old->more, more);
}

static bool fill_persistent(struct importing *im, uint64_t cell,
                            struct ff_persistent_node *node)
{
    const struct ff_persistent_node *old = ff_cell_node(cell);
    node->source = origin_of(im, cell);
    return hold_origin(im, node->source) && copy_part(im, old->pid, &node->pid);
}

static bool fill_global(struct importing *im, const struct ff_global_node *old,
                        struct ff_global_node *g)
{
    g->old_names = old->old_names;
    g->line = old->line;
    g->unmemoized = old->unmemoized;
    g->extension = old->extension;
    return copy_part(im, old->module, &g->module) && copy_part(im, old->name, &g->name);
}

static bool fill(struct importing *im, uint64_t cell, void *node)
{
    const struct ff_decoded *decoded = ff_cell_node(cell);
    switch (ff_tag(cell)) {
    case FF_TAG_DECODED2:
        return copy_part(im, decoded->raw, &((struct ff_decoded *)node)->raw) &&
               copy_part(im, decoded->text, &((struct ff_decoded *)node)->text);
    case FF_TAG_GLOBAL:
        return fill_global(im, ff_cell_node(cell), node);
    case FF_TAG_OBJECT:
        return fill_object(im, ff_cell_node(cell), node);
    case FF_TAG_PERSISTENT:
        return fill_persistent(im, cell, node);
    case FF_TAG_BUFFER:
        memcpy(node, ff_cell_node(cell), sizeof(struct ff_buffer_node));
        return copy_part(im, ((const struct ff_buffer_node *)ff_cell_node(cell))->base,
                         &((struct ff_buffer_node *)node)->base);
    case FF_TAG_EXTENSION:
        memcpy(node, ff_cell_node(cell), sizeof(struct ff_extension_node));
        return true;
    default:
        return fill_seq(im, ff_tag(cell), ff_cell_node(cell), node);
    }
}

/* ---- dicts and sets need their keys to be whole ---- */

static bool rebuild_keys(struct importing *im, struct ff_error *e)
{
    for (size_t i = 0; i < im->done.slot_count; i++) {
        uint64_t cell = im->done.slot[i].value;
        struct ff_seq *seq = ff_cell_node(cell);
        unsigned tag = ff_tag(cell);
        if (im->done.slot[i].key &&
            (tag == FF_TAG_DICT || tag == FF_TAG_SET || tag == FF_TAG_FROZENSET) &&
            seq->count > FF_SMALL_DICT && ff_seq_index(im->to, cell, e)) {
            return false;
        }
    }
    return true;
}

/* What the document did is done by all that is taken out of it. */
static bool copy_effects(struct importing *im)
{
    for (size_t i = 0; i < im->from->effects.count; i++) {
        const struct ff_effect *old = ff_vec_at(&im->from->effects, i);
        struct ff_effect effect = {.kind = old->kind, .place = im->to->effects.count};
        if (!copy_part(im, old->target, &effect.target) ||
            !copy_part(im, old->a, &effect.a) || !copy_part(im, old->b, &effect.b) ||
            ff_vec_append(&im->to->effects, &effect)) {
            return false;
        }
    }
    return true;
}

static struct ff_value import(struct ff_doc *doc, struct ff_value v, bool with_effects,
                              struct ff_error *e)
{
    size_t effects = doc ? doc->effects.count : 0;
    if (e && e->code) {
        return FF_NOTHING;
    }
    if (!doc || !v.cell || !v.doc) {
        ff_fail(e, FF_E_USAGE, NULL, "%s", doc ? "the value is absent" : "no document");
        return FF_NOTHING;
    }
    if (v.doc == doc) {
        return v;
    }
    struct importing im = {.to = doc, .from = v.doc};
    ff_cellmap_init(&im.done);
    ff_vec_init(&im.work, sizeof(uint64_t), SIZE_MAX / 16);
    uint64_t fresh = copy(&im, v.cell);
    bool good = fresh != 0 && (!with_effects || copy_effects(&im));
    while (good && im.work.count) {
        uint64_t cell = *(uint64_t *)ff_vec_last(&im.work);
        ff_vec_pop(&im.work);
        good = fill(&im, cell, ff_cell_node(*ff_cellmap_find(&im.done, cell)));
    }
    if (!good) {
        ff_doc_full(doc, e);
    }
    good = good && rebuild_keys(&im, e);
    ff_cellmap_free(&im.done);
    ff_vec_free(&im.work);
    while (!good && doc->effects.count > effects) { /* half made */
        ff_vec_pop(&doc->effects);
    }
    return good ? ff_value_of(doc, fresh) : FF_NOTHING;
}

struct ff_value ff_import(struct ff_doc *doc, struct ff_value v, struct ff_error *e)
{
    return import(doc, v, true, e);
}

struct ff_value ff_import_value(struct ff_doc *doc, struct ff_value v, struct ff_error *e)
{
    return import(doc, v, false, e);
}
