/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c: see graph.h. It looks at parts as they lie, whatever they mean. */
#include "core/graph.h"

#include <string.h>

#include "core/doc.h"

#define NAME_MAX_BYTES 4096u /* as class_name.c has it */

bool ff_graph_counts(struct ff_value v)
{
    size_t size;
    switch (ff_tag(v.cell)) {
    case FF_TAG_BIGINT:
    case FF_TAG_STR:
    case FF_TAG_BYTES:
    case FF_TAG_STR2:
    case FF_TAG_BYTES2:
        (void)ff_code_payload(ff_cell_code(v.cell), &size);
        return size > FF_GRAPH_BIG_BYTES;
    case FF_TAG_TUPLE:
        return ff_length(v) > 0;
    case FF_TAG_DECODED2:
    case FF_TAG_BYTEARRAY:
    case FF_TAG_LIST:
    case FF_TAG_DICT:
    case FF_TAG_SET:
    case FF_TAG_FROZENSET:
    case FF_TAG_OBJECT:
    case FF_TAG_ARRAY:
    case FF_TAG_NATIVE:
    case FF_TAG_PERSISTENT:
    case FF_TAG_BUFFER:
        return true;
    default:
        return false;
    }
}

static int push(struct ff_vec *stack, uint64_t cell)
{
    return cell ? ff_vec_append(stack, &cell) : 0;
}

static int push_cells(struct ff_vec *stack, const uint64_t *cells, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++) {
        rc = push(stack, cells[i]);
    }
    return rc;
}

static int push_object(struct ff_vec *stack, const struct ff_object_node *o)
{
    uint64_t parts[] = {o->callable, o->args, o->state};
    int rc = push_cells(stack, parts, 3);
    if (o->more) {
        uint64_t others[] = {o->more->kwargs, o->more->list_items, o->more->dict_items,
                             o->more->setter, o->more->outer_args};
        rc = rc ? rc : push_cells(stack, others, 5);
        for (const struct ff_step *s = o->more->first_step; s && !rc; s = s->next) {
            rc = push(stack, s->a);
            rc = rc ? rc : push(stack, s->b);
        }
    }
    return rc;
}

static int push_children(struct ff_vec *stack, uint64_t cell)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    switch (ff_tag(cell)) {
    case FF_TAG_DICT:
        return push_cells(stack, seq->cells, 2 * seq->count);
    case FF_TAG_LIST:
    case FF_TAG_TUPLE:
    case FF_TAG_SET:
    case FF_TAG_FROZENSET:
        return push_cells(stack, seq->cells, seq->count);
    case FF_TAG_OBJECT:
        return push_object(stack, ff_cell_node(cell));
    case FF_TAG_PERSISTENT:
        return push(stack, ((const struct ff_persistent_node *)ff_cell_node(cell))->pid);
    default:
        return 0;
    }
}

/* Names of globals are made at first need. Made now, they cannot fail later, where a class that
 * has no name would pass for another one. Names that are too long never have a text. */
static bool has_name(struct ff_value v)
{
    const struct ff_global_node *g = ff_cell_node(v.cell);
    const char *text;
    size_t module_bytes = SIZE_MAX, name_bytes = SIZE_MAX;
    if (ff_global_text(v.doc, v.cell)) {
        return true;
    }
    return !ff_cell_text(g->module, &text, &module_bytes) ||
           module_bytes > NAME_MAX_BYTES || memchr(text, 0, module_bytes) ||
           !ff_cell_text(g->name, &text, &name_bytes) || name_bytes > NAME_MAX_BYTES ||
           memchr(text, 0, name_bytes);
}

static int push_effects(struct ff_vec *stack, const struct ff_doc *doc)
{
    int rc = 0;
    for (size_t i = 0; i < doc->effects.count && !rc; i++) {
        const struct ff_effect *effect = ff_vec_at(&doc->effects, i);
        uint64_t cells[] = {effect->target, effect->a, effect->b};
        rc = push_cells(stack, cells, 3);
    }
    return rc;
}

int ff_graph_scan(struct ff_value root, struct ff_cellmap *seen, struct ff_error *e)
{
    struct ff_vec stack;
    int rc;
    ff_cellmap_init(seen);
    ff_vec_init(&stack, sizeof(uint64_t), SIZE_MAX / sizeof(uint64_t));
    rc = push(&stack, root.cell);
    rc = rc ? rc : push_effects(&stack, root.doc);
    while (!rc && stack.count) {
        uint64_t cell = *(uint64_t *)ff_vec_last(&stack), *count;
        ff_vec_pop(&stack);
        if (ff_tag(cell) == FF_TAG_GLOBAL) {
            rc = has_name(ff_value_of(root.doc, cell)) ? 0 : -1;
        }
        if (!ff_graph_counts(ff_value_of(root.doc, cell))) {
            continue;
        }
        count = ff_cellmap_put(seen, cell);
        if (!count) {
            rc = -1;
        } else if (*count == 0) {
            *count = 1;
            rc = push_children(&stack, cell);
        } else {
            *count = 2;
        }
    }
    ff_vec_free(&stack);
    return rc ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory") : FF_OK;
}
