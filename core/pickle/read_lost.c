/* SPDX-License-Identifier: Apache-2.0 */
/* read_lost.c: at the end of a stream: the calls in what was thrown away, or left behind. */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "read_walk.h"

/* What is looked through at the end. */
struct search {
    struct ff_read_walk seen;
    struct ff_read_walk told; /* what is below containers that are kept whole */
    struct ff_vec way; /* uint64_t: the containers on the way, the outer ones first */
    struct ff_cellmap walked; /* their numbers, from 1 */
    struct ff_vec setters;    /* struct ff_dropped: calls that may be told by a whole */
};

/* Everything below `call` is seen; what waits besides goes on waiting. */
static void walk_call(struct ff_read_walk *w, uint64_t call)
{
    struct ff_vec outside = w->waiting;
    ff_vec_init(&w->waiting, sizeof(uint64_t), SIZE_MAX / 16);
    ff_read_walk_parts(w, call);
    ff_read_walk_all(w);
    ff_vec_free(&w->waiting);
    w->waiting = outside;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The containers on the way that are below the call: their numbers, in order. */
static int find_walked_below(struct search *s, struct ff_reader *r, uint64_t call,
                             struct ff_vec *numbers)
{
    struct ff_read_walk w;
    ff_read_walk_begin(&w, r);
    ff_read_walk_parts(&w, call);
    while (w.waiting.count && !w.failed && ff_read_walk_may_go_on(&w)) {
        uint64_t cell = ff_read_walk_next(&w);
        const uint64_t *number = ff_cellmap_find(&s->walked, cell);
        if (number && ff_vec_append(numbers, number)) {
            w.failed = ff_read_full(r);
        }
        ff_read_walk_parts(&w, cell);
    }
    if (numbers->count) {
        qsort(numbers->items, numbers->count, sizeof(uint64_t), by_number);
    }
    return ff_read_walk_end(&w);
}

/* The outermost of the containers on the way that holds the call and is held by it; else the
 * call itself. */
static uint64_t whole_of(struct search *s, struct ff_read_walk *here, uint64_t call)
{
    struct ff_vec numbers;
    uint64_t whole = call;
    ff_vec_init(&numbers, sizeof(uint64_t), SIZE_MAX / 16);
    here->failed = find_walked_below(s, here->r, call, &numbers);
    for (size_t i = 0; i < numbers.count && whole == call && !here->failed; i++) {
        uint64_t number = *(uint64_t *)ff_vec_at(&numbers, i);
        uint64_t cell = *(uint64_t *)ff_vec_at(&s->way, (size_t)number - 1);
        if (ff_read_walk_contains(here->r, cell, call, &here->failed)) {
            whole = cell;
        }
    }
    ff_vec_free(&numbers);
    return whole;
}

/* A container of calls that hold it is kept as a whole: one of them by itself could only be
 * written begun twice. */
static void keep_whole(struct search *s, struct ff_read_walk *here, uint64_t whole)
{
    here->failed = ff_read_note_shared(here->r, whole);
    here->failed = here->failed ? here->failed : ff_read_keep_effect(here->r, whole);
    ff_read_walk_to(&s->told, whole);
    ff_read_walk_all(&s->told);
    here->failed = here->failed ? here->failed : s->told.failed;
}

/* A call that nothing has seen. */
static void keep_found(struct search *s, struct ff_read_walk *here, uint64_t call)
{
    struct ff_dropped setter = {call, ff_read_place(here->r)};
    if (ff_cellmap_find(&s->told.seen, call)) {
        return;
    }
    uint64_t whole = whole_of(s, here, call);
    if (here->failed) {
        return;
    }
    if (whole != call) {
        keep_whole(s, here, whole);
    } else if (ff_read_is_setter(here->r, ff_cell_node(call))) {
        here->failed =
            ff_vec_append(&s->setters, &setter) ? ff_read_full(here->r) : FF_OK;
        return; /* its object is looked at later */
    } else {
        here->failed = ff_read_keep_effect(here->r, call);
    }
    if (!here->failed) {
        walk_call(here, call);
    }
}

static void forget_way(struct search *s)
{
    ff_vec_clear(&s->way);
    ff_cellmap_free(&s->walked);
    ff_cellmap_init(&s->walked);
}

static void note_walked(struct search *s, struct ff_read_walk *here, uint64_t container)
{
    uint64_t *number = ff_cellmap_put(&s->walked, container);
    if (!number || ff_vec_append(&s->way, &container)) {
        here->failed = ff_read_full(here->r);
        return;
    }
    *number = s->way.count;
}

/* Calls below `cell` that nothing has seen, the outermost ones. */
static void find_lost(struct search *s, uint64_t cell)
{
    struct ff_read_walk here = {.r = s->seen.r, .seen = s->seen.seen};
    ff_vec_init(&here.waiting, sizeof(uint64_t), SIZE_MAX / 16);
    forget_way(s);
    ff_read_walk_to(&here, cell);
    while (here.waiting.count && !here.failed) {
        uint64_t next = ff_read_walk_next(&here);
        if (ff_tag(next) == FF_TAG_OBJECT) {
            keep_found(s, &here, next);
        } else {
            note_walked(s, &here, next);
            ff_read_walk_parts(&here, next);
        }
    }
    ff_vec_free(&here.waiting);
    s->seen.seen = here.seen;
    s->seen.charged += here.charged;
    s->seen.failed = here.failed;
}

/* A setter that no whole has told is a part of its object, which is looked at next. */
static void keep_setters(struct search *s)
{
    struct ff_reader *r = s->seen.r;
    for (size_t i = 0; i < s->setters.count && !s->seen.failed; i++) {
        const struct ff_dropped *setter = ff_vec_at(&s->setters, i);
        if (!ff_cellmap_find(&s->told.seen, setter->cell)) {
            r->place = setter->place;
            s->seen.failed = ff_read_keep_call(r, setter->cell);
        }
    }
    ff_vec_clear(&s->setters);
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
static void walk_value(struct ff_read_walk *w, struct ff_reader *r, size_t effects)
{
    ff_read_walk_begin(w, r);
    ff_read_walk_to(w, r->doc->root);
    for (size_t i = 0; i < effects; i++) {
        const struct ff_effect *effect = ff_vec_at(&r->doc->effects, i);
        ff_read_walk_to(w, effect->target);
        ff_read_walk_to(w, effect->a);
        ff_read_walk_to(w, effect->b);
    }
    ff_read_walk_all(w);
}

/* From `begin` on: a call that is a part of one behind it is made there. */
static int forget_parts_of_later(struct ff_reader *r, size_t begin)
{
    struct ff_vec *effects = &r->doc->effects;
    struct ff_effect *effect = effects->items;
    size_t kept = effects->count;
    struct ff_read_walk w;
    ff_read_walk_begin(&w, r);
    for (size_t i = effects->count; i-- > begin && !w.failed;) {
        if (!ff_cellmap_find(&w.seen, effect[i].target)) {
            ff_read_walk_to(&w, effect[i].target);
            ff_read_walk_all(&w);
            effect[--kept] = effect[i];
        }
    }
    size_t left = effects->count - kept;
    memmove(effect + begin, effect + kept, left * sizeof *effect);
    while (effects->count > begin + left) {
        ff_vec_pop(effects);
    }
    return ff_read_walk_end(&w);
}

/* From `begin` on: a call that is a part of one before it was found too early. */
static int forget_parts(struct ff_reader *r, size_t begin)
{
    struct ff_vec *effects = &r->doc->effects;
    struct ff_effect *effect = effects->items;
    size_t kept = begin;
    struct ff_read_walk w;
    if (effects->count - begin < 2) {
        return FF_OK;
    }
    walk_value(&w, r, begin);
    for (size_t i = begin; i < effects->count && !w.failed; i++) {
        if (!ff_cellmap_find(&w.seen, effect[i].target)) {
            ff_read_walk_to(&w, effect[i].target);
            ff_read_walk_all(&w);
            effect[kept++] = effect[i];
        }
    }
    while (effects->count > kept) {
        ff_vec_pop(effects);
    }
    int failed = ff_read_walk_end(&w);
    return failed ? failed : forget_parts_of_later(r, begin);
}

/* One of the effects that were found, and which one it was. */
struct found {
    struct ff_effect effect;
    size_t order;
};

static int by_place(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->effect.place != y->effect.place
               ? (x->effect.place > y->effect.place) - (x->effect.place < y->effect.place)
               : (x->order > y->order) - (x->order < y->order);
}

/* The effects from `begin` on were found at the end: to where they happened. */
static int merge(struct ff_reader *r, size_t begin)
{
    struct ff_effect *effect = r->doc->effects.items;
    size_t at = r->doc->effects.count, left = at - begin;
    struct found *found = left ? ff_calloc(left, sizeof *found) : NULL;
    if (!found) {
        return left ? ff_read_full(r) : FF_OK;
    }
    for (size_t i = 0; i < left; i++) {
        found[i] = (struct found){effect[begin + i], i};
    }
    qsort(found, left, sizeof *found, by_place);
    while (left) {
        bool before = begin && effect[begin - 1].place >= found[left - 1].effect.place;
        effect[--at] = before ? effect[--begin] : found[--left].effect;
    }
    ff_free(found);
    return FF_OK;
}

static void search_begin(struct search *s, struct ff_reader *r)
{
    walk_value(&s->seen, r, r->doc->effects.count);
    ff_read_walk_begin(&s->told, r);
    ff_vec_init(&s->way, sizeof(uint64_t), SIZE_MAX / 16);
    ff_cellmap_init(&s->walked);
    ff_vec_init(&s->setters, sizeof(struct ff_dropped), SIZE_MAX / 32);
}

static int search_end(struct search *s)
{
    forget_way(s);
    ff_vec_free(&s->way);
    ff_vec_free(&s->setters);
    int failed = ff_read_walk_end(&s->told);
    int other = ff_read_walk_end(&s->seen);
    return failed ? failed : other;
}

/* The last first: it may hold others. */
static void find_in_dropped(struct search *s)
{
    struct ff_reader *r = s->seen.r;
    while (r->dropped.count && !s->seen.failed) {
        struct ff_dropped dropped = *(struct ff_dropped *)ff_vec_last(&r->dropped);
        ff_vec_pop(&r->dropped);
        r->place = dropped.place;
        find_lost(s, dropped.cell);
    }
}

int ff_read_keep_lost(struct ff_reader *r)
{
    struct search s;
    size_t effects = r->doc->effects.count;
    if (r->dropped.count == 0 && r->depth == 1) {
        return FF_OK;
    }
    search_begin(&s, r);
    r->place = effects;
    for (size_t i = r->depth - 1; i-- > 0 && !s.seen.failed;) {
        find_lost(&s, r->stack[i]);
    }
    find_in_dropped(&s);
    while (s.setters.count && !s.seen.failed) {
        keep_setters(&s);
        find_in_dropped(&s);
    }
    reverse(&r->doc->effects, effects);
    int failed = search_end(&s);
    failed = failed ? failed : forget_parts(r, effects);
    return failed ? failed : merge(r, effects);
}
