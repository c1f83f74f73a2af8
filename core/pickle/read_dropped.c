/* SPDX-License-Identifier: Apache-2.0 */
/* read_dropped.c: what a stream makes and throws away. A call is kept even so: it may change
 * something, as cloudpickle's setters do. */
#include <string.h>

#include "core/base/alloc.h"
#include "read.h"

#define SEARCH_STEPS (UINT64_C(1) << 20)

/* ---- walking ---- */

/* Each container and object once. */
struct walk {
    struct ff_reader *r;
    struct ff_cellmap seen;
    struct ff_vec waiting; /* uint64_t */
    uint64_t charged;
    int failed;
};

static void walk_begin(struct walk *w, struct ff_reader *r)
{
    *w = (struct walk){.r = r};
    ff_cellmap_init(&w->seen);
    ff_vec_init(&w->waiting, sizeof(uint64_t), SIZE_MAX / 16);
}

static int walk_end(struct walk *w)
{
    ff_cellmap_free(&w->seen);
    ff_vec_free(&w->waiting);
    ff_doc_discharge(w->r->doc, (size_t)w->charged);
    return w->failed;
}

static bool may_hold_calls(uint64_t cell)
{
    unsigned tag = ff_tag(cell);
    return tag == FF_TAG_OBJECT || tag == FF_TAG_PERSISTENT ||
           (tag >= FF_TAG_LIST && tag <= FF_TAG_FROZENSET &&
            ((const struct ff_seq *)ff_cell_node(cell))->count);
}

static void wait_for(struct walk *w, uint64_t cell)
{
    const size_t cost = 2 * sizeof(struct ff_cellmap_slot) + 2 * sizeof cell;
    uint64_t *place;
    if (w->failed || !may_hold_calls(cell)) {
        return;
    }
    if (ff_cellmap_find(&w->seen, cell)) {
        return;
    }
    bool charged = ff_doc_charge(w->r->doc, cost);
    w->charged += charged ? cost : 0;
    place = charged ? ff_cellmap_put(&w->seen, cell) : NULL;
    if (!place || ff_vec_append(&w->waiting, &cell)) {
        w->failed = ff_read_full(w->r);
        return;
    }
    *place = 1;
}

static void wait_for_more(struct walk *w, const struct ff_object_more *more)
{
    wait_for(w, more->kwargs);
    wait_for(w, more->list_items);
    wait_for(w, more->dict_items);
    wait_for(w, more->setter);
    wait_for(w, more->outer_args);
    for (const struct ff_step *s = more->first_step; s; s = s->next) {
        wait_for(w, s->a);
        wait_for(w, s->b);
    }
}

static void wait_for_parts(struct walk *w, uint64_t cell)
{
    if (ff_tag(cell) == FF_TAG_PERSISTENT) {
        wait_for(w, ((const struct ff_persistent_node *)ff_cell_node(cell))->pid);
    } else if (ff_tag(cell) == FF_TAG_OBJECT) {
        const struct ff_object_node *o = ff_cell_node(cell);
        wait_for(w, o->callable);
        wait_for(w, o->args);
        wait_for(w, o->state);
        if (o->more) {
            wait_for_more(w, o->more);
        }
    } else {
        const struct ff_seq *seq = ff_cell_node(cell);
        size_t cells = seq->count * (ff_tag(cell) == FF_TAG_DICT ? 2u : 1u);
        for (size_t i = 0; i < cells; i++) {
            wait_for(w, seq->cells[i]);
        }
    }
}

static uint64_t next_waiting(struct walk *w)
{
    uint64_t cell = *(uint64_t *)ff_vec_last(&w->waiting);
    ff_vec_pop(&w->waiting);
    return cell;
}

/* Everything below what waits is seen. */
static void walk_all(struct walk *w)
{
    while (w->waiting.count && !w->failed) {
        wait_for_parts(w, next_waiting(w));
    }
}

/* ---- begun twice ---- */

/* The memo's entry that the next opcode fetches, or 0. */
static uint64_t next_fetched(const struct ff_reader *r)
{
    uint64_t index = UINT64_MAX;
    size_t left = (size_t)(r->limit - r->at);
    if (left > 1 && r->at[0] == FF_OP_BINGET) {
        index = r->at[1];
    } else if (left > 4 && r->at[0] == FF_OP_LONG_BINGET) {
        index = ff_read_u64(r->at + 1, 4);
    } else if (left > 1 && r->at[0] == FF_OP_GET) {
        index = 0;
        for (size_t i = 1; i < left && r->at[i] != '\n' && index < 1u << 30; i++) {
            index = index * 10 + (uint64_t)(r->at[i] - '0');
        }
    }
    return index < r->memo_filled ? r->memo[index] & ~FF_MEMO_NOTED : 0;
}

/* Whether `part` is somewhere below `whole`; not searched for ever: false then. */
static bool contains(struct ff_reader *r, uint64_t whole, uint64_t part, int *failed)
{
    struct walk w;
    walk_begin(&w, r);
    wait_for(&w, whole);
    bool found = false;
    while (w.waiting.count && !found && !w.failed && r->searched < SEARCH_STEPS) {
        size_t before = w.waiting.count;
        wait_for_parts(&w, next_waiting(&w));
        r->searched += 1 + w.waiting.count - (before - 1);
        found = ff_cellmap_find(&w.seen, part) != NULL;
    }
    *failed = walk_end(&w);
    return found;
}

/* An object whose reduction contains itself is begun twice and fetched from the memo: what it
 * was begun with the first time is needed to write the same bytes. */
static bool begun_twice(struct ff_reader *r, const struct ff_object_node *o,
                        struct ff_object_node **kept, int *failed)
{
    uint64_t next = next_fetched(r);
    if (ff_tag(next) != FF_TAG_OBJECT || o->more || o->state) {
        return false;
    }
    *kept = ff_cell_node(next);
    return *kept != o && (*kept)->how == o->how && (*kept)->callable == o->callable &&
           !((*kept)->more && (*kept)->more->outer_args) &&
           contains(r, o->args, next, failed);
}

static int keep_first_args(struct ff_reader *r, struct ff_object_node *kept,
                           const struct ff_object_node *o)
{
    struct ff_object_more *more = ff_read_object_more(r, kept);
    if (!more) {
        return ff_read_full(r);
    }
    more->outer_args = o->args;
    return FF_OK;
}

/* ---- dropped ---- */

/* setter(object, state): a part of the object, so that it keeps its place among what is done
 * to it. INST and OBJ with arguments are calls too (Lib/pickle.py, _instantiate); NEWOBJ of
 * protocols 0 and 1 only looks like one. */
static bool is_setter(const struct ff_reader *r, const struct ff_object_node *o)
{
    const struct ff_seq *args = ff_cell_node(o->args);
    bool call = o->how == FF_HOW_REDUCE || o->how == FF_HOW_INST || o->how == FF_HOW_OBJ;
    return call && !o->state && !o->more && args->count == 2 &&
           ff_tag(args->cells[0]) == FF_TAG_OBJECT &&
           !ff_global_is(r->doc, o->callable, "copyreg.__newobj__");
}

static int keep_effect(struct ff_reader *r, uint64_t cell)
{
    uint64_t none = 0;
    return ff_read_effects(r, FF_STEP_CALL, cell, &none, 1);
}

/* Only at the end it is known whether it is still a part of the value. */
static int keep_for_later(struct ff_reader *r, uint64_t cell)
{
    struct ff_dropped dropped = {cell, ff_read_place(r)};
    if (!ff_doc_charge(r->doc, 2 * sizeof dropped) ||
        ff_vec_append(&r->dropped, &dropped)) {
        return ff_read_full(r);
    }
    return FF_OK;
}

static int keep_call(struct ff_reader *r, uint64_t cell)
{
    const struct ff_object_node *o = ff_cell_node(cell);
    if (!is_setter(r, o)) {
        return keep_effect(r, cell);
    }
    const struct ff_seq *args = ff_cell_node(o->args);
    int failed = ff_read_object_setter(r, args->cells[0], o->callable, args->cells[1]);
    return failed ? failed : keep_for_later(r, args->cells[0]);
}

int ff_read_dropped(struct ff_reader *r, uint64_t cell)
{
    const struct ff_object_node *o = ff_cell_node(cell);
    struct ff_object_node *kept;
    int failed = FF_OK;
    if (!may_hold_calls(cell)) {
        return FF_OK;
    }
    if (ff_tag(cell) != FF_TAG_OBJECT || !o->unmemoized) {
        return keep_for_later(r, cell);
    }
    if (begun_twice(r, o, &kept, &failed)) {
        return keep_first_args(r, kept, o);
    }
    return failed ? failed : keep_call(r, cell);
}

/* In a container an object that is not in the memo was nowhere else. */
int ff_read_replaced(struct ff_reader *r, const uint64_t *cells, size_t count)
{
    int failed = FF_OK;
    for (size_t i = 0; i < count && !failed; i++) {
        const struct ff_object_node *o = ff_cell_node(cells[i]);
        if (may_hold_calls(cells[i])) {
            failed = ff_tag(cells[i]) == FF_TAG_OBJECT && o->unmemoized
                         ? keep_call(r, cells[i])
                         : keep_for_later(r, cells[i]);
        }
    }
    return failed;
}

/* Everything below `call` is seen; what waits besides goes on waiting. */
static void walk_call(struct walk *w, uint64_t call)
{
    struct ff_vec outside = w->waiting;
    ff_vec_init(&w->waiting, sizeof(uint64_t), SIZE_MAX / 16);
    wait_for_parts(w, call);
    walk_all(w);
    ff_vec_free(&w->waiting);
    w->waiting = outside;
}

static bool hold_each_other(struct walk *w, uint64_t call, uint64_t whole)
{
    return call != whole && contains(w->r, call, whole, &w->failed) && !w->failed &&
           contains(w->r, whole, call, &w->failed);
}

/* A call that nothing has seen, in `near`, which is `cell` or in it. One that holds one of them
 * is kept as a part of it: by itself it could only be written begun twice. */
static void keep_found(struct walk *w, uint64_t cell, uint64_t near, uint64_t call)
{
    uint64_t whole = call;
    if (hold_each_other(w, call, cell)) {
        whole = cell;
    } else if (!w->failed && hold_each_other(w, call, near)) {
        whole = near;
    }
    if (!w->failed && whole != call) {
        w->failed = ff_read_note_shared(w->r, whole);
    }
    if (w->failed) {
        return;
    }
    w->failed = whole == call ? keep_call(w->r, call) : keep_effect(w->r, whole);
    if (whole == cell && whole != call) {
        wait_for_parts(w, call);
        walk_all(w);
    } else if (whole != call || !is_setter(w->r, ff_cell_node(call))) {
        walk_call(w, call); /* the object of a setter is looked at later */
    }
}

/* Calls below `cell` that nothing has seen, the outermost ones. */
static void find_lost(struct walk *seen, uint64_t cell)
{
    struct walk here = {.r = seen->r, .seen = seen->seen};
    ff_vec_init(&here.waiting, sizeof(uint64_t), SIZE_MAX / 16);
    wait_for(&here, cell);
    uint64_t near = cell;
    while (here.waiting.count && !here.failed) {
        uint64_t next = next_waiting(&here);
        if (ff_tag(next) == FF_TAG_OBJECT) {
            keep_found(&here, cell, near, next);
        } else {
            near = next;
            wait_for_parts(&here, next);
        }
    }
    ff_vec_free(&here.waiting);
    seen->seen = here.seen;
    seen->charged += here.charged;
    seen->failed = here.failed;
}

/* From `begin` on. */
static void reverse(struct ff_vec *effects, size_t begin)
{
    struct ff_effect *effect = effects->items;
    for (size_t low = begin, high = effects->count; low + 1 < high; low++) {
        struct ff_effect other = effect[low];
        effect[low] = effect[--high];
        effect[high] = other;
    }
}

/* Sees the root and the first `effects` effects. */
static void walk_value(struct walk *w, struct ff_reader *r, size_t effects)
{
    walk_begin(w, r);
    wait_for(w, r->doc->root);
    for (size_t i = 0; i < effects; i++) {
        const struct ff_effect *effect = ff_vec_at(&r->doc->effects, i);
        wait_for(w, effect->target);
        wait_for(w, effect->a);
        wait_for(w, effect->b);
    }
    walk_all(w);
}

/* From `begin` on: a call that is a part of one behind it is made there. */
static int forget_parts_of_later(struct ff_reader *r, size_t begin)
{
    struct ff_vec *effects = &r->doc->effects;
    struct ff_effect *effect = effects->items;
    size_t kept = effects->count;
    struct walk w;
    walk_begin(&w, r);
    for (size_t i = effects->count; i-- > begin && !w.failed;) {
        if (!ff_cellmap_find(&w.seen, effect[i].target)) {
            wait_for(&w, effect[i].target);
            walk_all(&w);
            effect[--kept] = effect[i];
        }
    }
    size_t left = effects->count - kept;
    memmove(effect + begin, effect + kept, left * sizeof *effect);
    while (effects->count > begin + left) {
        ff_vec_pop(effects);
    }
    return walk_end(&w);
}

/* From `begin` on: a call that is a part of one before it was found too early. */
static int forget_parts(struct ff_reader *r, size_t begin)
{
    struct ff_vec *effects = &r->doc->effects;
    struct ff_effect *effect = effects->items;
    size_t kept = begin;
    struct walk w;
    if (effects->count - begin < 2) {
        return FF_OK;
    }
    walk_value(&w, r, begin);
    for (size_t i = begin; i < effects->count && !w.failed; i++) {
        if (!ff_cellmap_find(&w.seen, effect[i].target)) {
            wait_for(&w, effect[i].target);
            walk_all(&w);
            effect[kept++] = effect[i];
        }
    }
    while (effects->count > kept) {
        ff_vec_pop(effects);
    }
    int failed = walk_end(&w);
    return failed ? failed : forget_parts_of_later(r, begin);
}

/* The effects from `begin` on were found at the end: to where they happened. */
static int merge(struct ff_reader *r, size_t begin)
{
    struct ff_vec *effects = &r->doc->effects;
    struct ff_effect *effect = effects->items;
    size_t at = effects->count, left = at - begin;
    if (left == 0 || effect[begin].place >= begin) {
        return FF_OK;
    }
    struct ff_effect *found = ff_malloc(left * sizeof *found);
    if (!found) {
        return ff_read_full(r);
    }
    memcpy(found, effect + begin, left * sizeof *found);
    while (left) {
        bool before = begin && effect[begin - 1].place >= found[left - 1].place;
        effect[--at] = before ? effect[--begin] : found[--left];
    }
    ff_free(found);
    return FF_OK;
}

int ff_read_keep_lost(struct ff_reader *r)
{
    struct walk w;
    size_t effects = r->doc->effects.count;
    if (r->dropped.count == 0 && r->depth == 1) {
        return FF_OK;
    }
    walk_value(&w, r, effects);
    for (size_t i = r->depth - 1; i-- > 0 && !w.failed;) {
        find_lost(&w, r->stack[i]);
    }
    while (r->dropped.count && !w.failed) { /* the last first: it may hold others */
        struct ff_dropped dropped = *(struct ff_dropped *)ff_vec_last(&r->dropped);
        ff_vec_pop(&r->dropped);
        r->place = dropped.place;
        find_lost(&w, dropped.cell);
    }
    reverse(&r->doc->effects, effects);
    int failed = walk_end(&w);
    failed = failed ? failed : forget_parts(r, effects);
    return failed ? failed : merge(r, effects);
}
