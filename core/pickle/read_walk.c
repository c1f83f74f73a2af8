/* SPDX-License-Identifier: Apache-2.0 */
/* read_walk.c: what is below a value that was read. */
#include "read_walk.h"

#define SEARCH_STEPS (UINT64_C(1) << 20)

void ff_read_walk_begin(struct ff_read_walk *w, struct ff_reader *r)
{
    *w = (struct ff_read_walk){.r = r};
    ff_cellmap_init(&w->seen);
    ff_vec_init(&w->waiting, sizeof(uint64_t), SIZE_MAX / 16);
}

int ff_read_walk_end(struct ff_read_walk *w)
{
    ff_cellmap_free(&w->seen);
    ff_vec_free(&w->waiting);
    ff_doc_discharge(w->r->doc, (size_t)w->charged);
    return w->failed;
}

bool ff_read_may_hold_calls(uint64_t cell)
{
    unsigned tag = ff_tag(cell);
    return tag == FF_TAG_OBJECT || tag == FF_TAG_PERSISTENT ||
           (tag >= FF_TAG_LIST && tag <= FF_TAG_FROZENSET &&
            ((const struct ff_seq *)ff_cell_node(cell))->count);
}

void ff_read_walk_to(struct ff_read_walk *w, uint64_t cell)
{
    const size_t cost = 2 * sizeof(struct ff_cellmap_slot) + 2 * sizeof cell;
    uint64_t *place;
    if (w->failed || !ff_read_may_hold_calls(cell)) {
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

static void to_more(struct ff_read_walk *w, const struct ff_object_more *more)
{
    ff_read_walk_to(w, more->kwargs);
    ff_read_walk_to(w, more->list_items);
    ff_read_walk_to(w, more->dict_items);
    ff_read_walk_to(w, more->setter);
    ff_read_walk_to(w, more->outer_args);
    for (const struct ff_step *s = more->first_step; s; s = s->next) {
        ff_read_walk_to(w, s->a);
        ff_read_walk_to(w, s->b);
    }
}

void ff_read_walk_parts(struct ff_read_walk *w, uint64_t cell)
{
    if (ff_tag(cell) == FF_TAG_PERSISTENT) {
        ff_read_walk_to(w, ((const struct ff_persistent_node *)ff_cell_node(cell))->pid);
    } else if (ff_tag(cell) == FF_TAG_OBJECT) {
        const struct ff_object_node *o = ff_cell_node(cell);
        ff_read_walk_to(w, o->callable);
        ff_read_walk_to(w, o->args);
        ff_read_walk_to(w, o->state);
        if (o->more) {
            to_more(w, o->more);
        }
    } else {
        const struct ff_seq *seq = ff_cell_node(cell);
        size_t cells = seq->count * (ff_tag(cell) == FF_TAG_DICT ? 2u : 1u);
        for (size_t i = 0; i < cells; i++) {
            ff_read_walk_to(w, seq->cells[i]);
        }
    }
}

uint64_t ff_read_walk_next(struct ff_read_walk *w)
{
    uint64_t cell = *(uint64_t *)ff_vec_last(&w->waiting);
    ff_vec_pop(&w->waiting);
    return cell;
}

/* Everything below what waits is seen. */
void ff_read_walk_all(struct ff_read_walk *w)
{
    while (w->waiting.count && !w->failed) {
        ff_read_walk_parts(w, ff_read_walk_next(w));
    }
}

bool ff_read_search(struct ff_reader *r, size_t steps)
{
    r->searched += steps;
    return r->searched < SEARCH_STEPS;
}

/* Counts what waits: each cell does so once. */
bool ff_read_walk_may_go_on(struct ff_read_walk *w)
{
    size_t steps = 1 + w->seen.used - w->counted;
    w->counted = w->seen.used;
    return ff_read_search(w->r, steps);
}

/* Whether `part` is somewhere below `whole`; not searched for ever: false then. */
bool ff_read_walk_contains(struct ff_reader *r, uint64_t whole, uint64_t part,
                           int *failed)
{
    struct ff_read_walk w;
    ff_read_walk_begin(&w, r);
    ff_read_walk_to(&w, whole);
    bool found = false;
    while (w.waiting.count && !found && !w.failed && ff_read_walk_may_go_on(&w)) {
        ff_read_walk_parts(&w, ff_read_walk_next(&w));
        found = ff_cellmap_find(&w.seen, part) != NULL;
    }
    *failed = ff_read_walk_end(&w);
    return found;
}
