/* SPDX-License-Identifier: Apache-2.0 */
/* json_read_effects.c: {"$value": ..., "$effects": [...]}: what a pickle called and dropped, or did
 * to things that are not of it. */
#include "core/json_read.h"

/* What a document can change without having made it. */
static bool is_thing(uint64_t cell)
{
    unsigned tag = ff_tag(cell);
    return tag == FF_TAG_GLOBAL || tag == FF_TAG_PERSISTENT || tag == FF_TAG_EXTENSION;
}

/* ["call", object], ["append", thing, item], ["set", thing, key, value], ... */
static int later_effect(struct ff_json_reader *r, uint32_t n)
{
    uint32_t count = ff_json_node(&r->tree, n)->count, want;
    int kind, rc = FF_OK;
    if (ff_json_type(&r->tree, n) != '[' || count == 0) {
        return ff_json_wrong(r, n, "no effect of a pickle");
    }
    kind = ff_json_step_kind(r, n + 1);
    want = kind == FF_STEP_CALL ? 2 : kind == FF_STEP_SETITEM ? 4 : 3;
    if (kind > FF_STEP_CALL || count != want) {
        return ff_json_wrong(r, n, "no effect of a pickle");
    }
    for (uint32_t i = 1; i < count && !rc; i++) {
        rc = ff_json_later(r, FF_JSON_VISIT, ff_json_child(&r->tree, n, i), 0);
    }
    return rc;
}

/* Last pushed, first done: the value, then what the effects are of, in the order of the text, in
 * which references look back. */
int ff_json_make_effects(struct ff_json_reader *r, uint32_t object, uint32_t effects)
{
    static const char *const names[] = {"$value", "$effects", NULL};
    uint32_t value = ff_json_member(&r->tree, object, "$value");
    int rc = ff_json_check_members(r, object, names);
    if (!rc && (object != 0 || !value)) {
        return ff_json_wrong(r, object,
                             value ? "$effects are of the whole text, not of a part"
                                   : "$effects without $value");
    }
    rc = rc ? rc : ff_json_want(r, effects, '[', "a list of effects");
    rc = rc ? rc : ff_json_later(r, FF_JSON_FILL_EFFECTS, effects, 0);
    size_t from = r->work.count;
    for (uint32_t n = rc ? 0 : ff_json_child(&r->tree, effects, 0); n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        rc = later_effect(r, n);
    }
    ff_json_reverse(r, from);
    rc = rc ? rc : ff_json_visit(r, value);
    return rc ? rc : ff_json_set(r, object, ff_json_node(&r->tree, value)->cell);
}

static uint64_t child_cell(const struct ff_json_reader *r, uint32_t n, uint32_t i)
{
    uint32_t child = ff_json_child(&r->tree, n, i);
    return child ? ff_json_node(&r->tree, child)->cell : 0;
}

static int fill_effects(struct ff_json_reader *r, uint32_t list)
{
    for (uint32_t n = ff_json_child(&r->tree, list, 0); n;
         n = ff_json_node(&r->tree, n)->next) {
        struct ff_effect effect = {ff_json_step_kind(r, n + 1), child_cell(r, n, 1),
                                   child_cell(r, n, 2), child_cell(r, n, 3),
                                   r->doc->effects.count};
        if (effect.kind != FF_STEP_CALL && !is_thing(effect.target)) {
            return ff_json_wrong(
                r, n,
                "only a class, a copyreg extension and what a serializer "
                "keeps are changed beside the value");
        }
        if (ff_vec_append(&r->doc->effects, &effect)) {
            return ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory");
        }
    }
    return FF_OK;
}

/* All or none: the document may be saved after a text that was refused. */
int ff_json_fill_effects(struct ff_json_reader *r, uint32_t list)
{
    size_t before = r->doc->effects.count;
    int rc = fill_effects(r, list);
    while (rc && r->doc->effects.count > before) {
        ff_vec_pop(&r->doc->effects);
    }
    return rc;
}
