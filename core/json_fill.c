/* SPDX-License-Identifier: Apache-2.0 */
/* json_fill.c: what goes into the containers and objects that were made of JSON. */
#include "core/json_read.h"

#include <string.h>

#include "core/base/hash.h"
#include "core/json.h"

/* Names come again and again: the same str serves all, as in CPython's json. */
static int name_cell(struct ff_json_reader *r, uint32_t node, uint64_t *cell)
{
    size_t size, mine_size;
    const char *text = ff_json_string(&r->tree, node, &r->scratch, &size), *mine;
    uint64_t *place;
    if (!text) {
        return ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    place = &r->names[ff_siphash13(r->doc->hash_key, text, size) % FF_JSON_NAMES];
    if (*place && ff_cell_text(*place, &mine, &mine_size) && mine_size == size &&
        memcmp(mine, text, size) == 0) {
        *cell = *place;
        return FF_OK;
    }
    *cell = *place = ff_doc_built_scalar(r->doc, FF_TAG_STR, text, size);
    return *cell ? FF_OK : ff_json_full(r, node);
}

/* dict[key] = value, or set.add(key); twice the same is a mistake. */
static int put(struct ff_json_reader *r, uint32_t node, uint64_t container,
               const uint64_t *cells, bool twice_is_wrong)
{
    const struct ff_seq *seq = ff_cell_node(container);
    size_t before = seq->count;
    struct ff_error e = FF_ERROR_INIT;
    if (ff_seq_put(r->doc, container, cells, 1, NULL, &e)) {
        return ff_json_fail_at(&r->tree, ff_json_node(&r->tree, node)->at,
                               e.code == FF_E_CORRUPT || e.code == FF_E_TYPE ? FF_E_USAGE
                                                                             : e.code,
                               r->error, "%s", e.message);
    }
    return twice_is_wrong && seq->count == before
               ? ff_json_wrong(r, node, "the same name twice")
               : FF_OK;
}

static int fill_list(struct ff_json_reader *r, const struct ff_json_work *w)
{
    int rc = FF_OK;
    for (uint32_t n = ff_json_child(&r->tree, w->node, 0); n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        uint64_t cell = ff_json_node(&r->tree, n)->cell;
        if (ff_tag(w->cell) != FF_TAG_LIST) {
            rc = put(r, n, w->cell, &cell, false);
        } else if (!ff_seq_append(r->doc, ff_cell_node(w->cell), &cell, 1)) {
            rc = ff_json_full(r, n);
        }
    }
    return rc;
}

static void fill_tuple(struct ff_json_reader *r, const struct ff_json_work *w)
{
    struct ff_seq *tuple = ff_cell_node(w->cell);
    size_t i = 0;
    for (uint32_t n = ff_json_child(&r->tree, w->node, 0); n;
         n = ff_json_node(&r->tree, n)->next) {
        tuple->cells[i++] = ff_json_node(&r->tree, n)->cell;
    }
}

static int fill_pairs(struct ff_json_reader *r, const struct ff_json_work *w)
{
    int rc = FF_OK;
    for (uint32_t n = ff_json_child(&r->tree, w->node, 0); n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        const struct ff_json_node *key = ff_json_node(&r->tree, n + 1);
        uint64_t cells[2] = {key->cell, ff_json_node(&r->tree, key->next)->cell};
        rc = put(r, n, w->cell, cells, true);
    }
    return rc;
}

static int fill_map(struct ff_json_reader *r, const struct ff_json_work *w)
{
    int rc = FF_OK;
    for (uint32_t n = ff_json_child(&r->tree, w->node, 0); n && !rc;) {
        const struct ff_json_node *value =
            ff_json_node(&r->tree, ff_json_node(&r->tree, n)->next);
        uint64_t cells[2] = {0, value->cell};
        rc = name_cell(r, n, &cells[0]);
        rc = rc ? rc : put(r, n, w->cell, cells, true);
        n = value->next;
    }
    return rc;
}

static uint64_t member_cell(const struct ff_json_reader *r, uint32_t object,
                            const char *name)
{
    uint32_t n = ff_json_member(&r->tree, object, name);
    return n ? ff_json_node(&r->tree, n)->cell : 0;
}

static int want_tag(struct ff_json_reader *r, uint32_t object, const char *name,
                    uint64_t cell, unsigned tag, const char *what)
{
    return !cell || ff_tag(cell) == tag
               ? FF_OK
               : ff_json_wrong(r, ff_json_member(&r->tree, object, name), what);
}

static int want_outer_args(struct ff_json_reader *r, uint32_t object, uint64_t outer)
{
    static const char wrong[] = "the outer arguments are no list of tuples";
    const struct ff_seq *seq = ff_cell_node(outer);
    int rc = want_tag(r, object, "outer_args", outer, FF_TAG_LIST, wrong);
    for (size_t i = 0; !rc && outer && i < seq->count; i++) {
        rc = want_tag(r, object, "outer_args", seq->cells[i], FF_TAG_TUPLE, wrong);
    }
    return rc;
}

static int fill_call(struct ff_json_reader *r, const struct ff_json_work *w)
{
    struct ff_object_node *o = ff_cell_node(w->cell);
    uint64_t args = member_cell(r, w->node, "args");
    uint64_t kwargs = member_cell(r, w->node, "kwargs");
    int rc =
        want_tag(r, w->node, "args", args, FF_TAG_TUPLE, "the arguments are no tuple");
    rc = rc ? rc
            : want_tag(r, w->node, "kwargs", kwargs, FF_TAG_DICT,
                       "the keyword arguments are no dict");
    if (!rc) {
        o->callable = member_cell(r, w->node, "callable");
        o->args = args;
    }
    if (!rc && o->more) {
        o->more->kwargs = kwargs;
    }
    return rc;
}

int ff_json_step_kind(const struct ff_json_reader *r, uint32_t name)
{
    int kind = 0;
    while (kind < FF_JSON_STEP_KINDS &&
           !ff_json_is(&r->tree, name, ff_json_step_names[kind])) {
        kind++;
    }
    return kind;
}

static int add_step(struct ff_json_reader *r, struct ff_object_more *more, uint32_t node)
{
    struct ff_step *step = ff_doc_alloc(r->doc, sizeof *step);
    int kind = ff_json_step_kind(r, node + 1);
    if (!step) {
        return ff_json_full(r, node);
    }
    if (kind > FF_STEP_CALL ||
        ff_json_node(&r->tree, node)->count !=
            (kind == FF_STEP_SETITEM || kind == FF_STEP_CALL ? 3 : 2)) {
        return ff_json_wrong(r, node, "no step of an object");
    }
    uint32_t a = ff_json_child(&r->tree, node, 1), b = ff_json_child(&r->tree, node, 2);
    *step = (struct ff_step){.kind = kind,
                             .a = ff_json_node(&r->tree, a)->cell,
                             .b = b ? ff_json_node(&r->tree, b)->cell : 0};
    if (more->last_step) {
        more->last_step->next = step;
    } else {
        more->first_step = step;
    }
    more->last_step = step;
    return FF_OK;
}

static int fill_rest(struct ff_json_reader *r, const struct ff_json_work *w)
{
    struct ff_object_node *o = ff_cell_node(w->cell);
    uint64_t list = member_cell(r, w->node, "list"),
             dict = member_cell(r, w->node, "dict");
    uint64_t outer = member_cell(r, w->node, "outer_args");
    uint32_t then = ff_json_member(&r->tree, w->node, "then");
    int rc = want_tag(r, w->node, "list", list, FF_TAG_LIST, "the items are no list");
    rc = rc ? rc
            : want_tag(r, w->node, "dict", dict, FF_TAG_DICT, "the items are no dict");
    rc = rc ? rc : want_outer_args(r, w->node, outer);
    o->state = member_cell(r, w->node, "state");
    o->stage = o->state ? FF_STAGE_STATE
               : dict   ? FF_STAGE_DICT
               : list   ? FF_STAGE_LIST
                        : 0;
    if (!rc && o->more) {
        o->more->list_items = list;
        o->more->dict_items = dict;
        o->more->setter = member_cell(r, w->node, "setter");
        o->more->outer_args = outer;
    }
    for (uint32_t n = then ? ff_json_child(&r->tree, then, 0) : 0; n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        rc = add_step(r, o->more, n);
    }
    return rc;
}

int ff_json_fill(struct ff_json_reader *r, const struct ff_json_work *w)
{
    struct ff_object_node *o = ff_cell_node(w->cell);
    switch (w->job) {
    case FF_JSON_FILL_LIST:
        return fill_list(r, w);
    case FF_JSON_FILL_TUPLE:
        fill_tuple(r, w);
        return FF_OK;
    case FF_JSON_FILL_PAIRS:
        return fill_pairs(r, w);
    case FF_JSON_FILL_MAP:
        return fill_map(r, w);
    case FF_JSON_FILL_CALL:
        return fill_call(r, w);
    case FF_JSON_FILL_REST:
        return fill_rest(r, w);
    case FF_JSON_FILL_FACTORY:
        ((struct ff_seq *)ff_cell_node(o->args))->cells[0] =
            ff_json_node(&r->tree, w->node)->cell;
        return FF_OK;
    case FF_JSON_FILL_EFFECTS:
        return ff_json_fill_effects(r, w->node);
    default:
        ((struct ff_persistent_node *)ff_cell_node(w->cell))->pid =
            ff_json_node(&r->tree, w->node)->cell;
        return FF_OK;
    }
}
