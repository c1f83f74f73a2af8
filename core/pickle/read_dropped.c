/* SPDX-License-Identifier: Apache-2.0 */
/* read_dropped.c: what a stream makes and throws away. A call is kept even so: it may change
 * something, as cloudpickle's setters do. */
#include "read_walk.h"

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

static bool same_scalar(uint64_t a, uint64_t b)
{
    size_t a_size, b_size;
    if (ff_tag(a) < FF_TAG_BIGINT || ff_tag(a) > FF_TAG_BYTES2) {
        return false;
    }
    const uint8_t *a_data = ff_code_payload(ff_cell_code(a), &a_size);
    const uint8_t *b_data = ff_code_payload(ff_cell_code(b), &b_size);
    return a_size == b_size && memcmp(a_data, b_data, a_size) == 0;
}

/* What cannot be in the memo is read anew each time. */
static bool same_callable(struct ff_reader *r, uint64_t a, uint64_t b)
{
    while (a != b && ff_tag(a) == FF_TAG_PERSISTENT && ff_tag(b) == FF_TAG_PERSISTENT &&
           ff_read_search(r, 1)) {
        a = ((const struct ff_persistent_node *)ff_cell_node(a))->pid;
        b = ((const struct ff_persistent_node *)ff_cell_node(b))->pid;
    }
    if (a == b || ff_tag(a) != ff_tag(b)) {
        return a == b;
    }
    if (ff_tag(a) == FF_TAG_EXTENSION) {
        return ((const struct ff_extension_node *)ff_cell_node(a))->code ==
               ((const struct ff_extension_node *)ff_cell_node(b))->code;
    }
    return same_scalar(a, b);
}

/* Arguments that one function gave for one object, twice; the object itself is none. */
static bool alike(struct ff_reader *r, uint64_t args, uint64_t kept_args, uint64_t kept)
{
    const struct ff_seq *a = ff_cell_node(args), *b = ff_cell_node(kept_args);
    bool same = a->count == b->count && ff_read_search(r, a->count);
    for (size_t i = 0; i < a->count && same; i++) {
        same = ff_tag(a->cells[i]) == ff_tag(b->cells[i]) && a->cells[i] != kept;
    }
    return same;
}

/* An object whose reduction contains itself is begun twice, or more often, and fetched from the
 * memo: what it was begun with before is needed to write the same bytes. */
static bool begun_twice(struct ff_reader *r, uint64_t cell, struct ff_object_node **kept,
                        int *failed)
{
    const struct ff_object_node *o = ff_cell_node(cell);
    uint64_t next = next_fetched(r);
    if (ff_tag(next) != FF_TAG_OBJECT || o->more || o->state) {
        return false;
    }
    *kept = ff_cell_node(next);
    return *kept != o && (*kept)->how == o->how &&
           same_callable(r, (*kept)->callable, o->callable) &&
           alike(r, o->args, (*kept)->args, next) &&
           ff_read_walk_contains(r, cell, next, failed);
}

static int keep_outer_args(struct ff_reader *r, struct ff_object_node *kept,
                           const struct ff_object_node *o)
{
    struct ff_object_more *more = ff_read_object_more(r, kept);
    if (more && !more->outer_args) {
        struct ff_seq *seq = ff_seq_new(r->doc);
        more->outer_args = seq ? ff_cell(FF_TAG_LIST, seq) : 0;
    }
    return more && more->outer_args &&
                   ff_seq_append(r->doc, ff_cell_node(more->outer_args), &o->args, 1)
               ? FF_OK
               : ff_read_full(r);
}

/* ---- dropped ---- */

/* What older protocols write as a call, and what has no state. */
static bool is_plain_value(const struct ff_reader *r, uint64_t cell)
{
    static const char *const makers[] = {"builtins.set",       "builtins.frozenset",
                                         "builtins.bytearray", "builtins.bytes",
                                         "builtins.getattr",   "_codecs.encode"};
    const struct ff_object_node *o = ff_cell_node(cell);
    bool plain = false;
    for (size_t i = 0; i < sizeof makers / sizeof *makers && !plain; i++) {
        plain = ff_global_is(r->doc, o->callable, makers[i]);
    }
    return plain;
}

/* setter(object, state): a part of the object, so that it keeps its place among what is done
 * to it. INST and OBJ with arguments are calls too (Lib/pickle.py, _instantiate); NEWOBJ of
 * protocols 0 and 1 only looks like one. */
bool ff_read_is_setter(const struct ff_reader *r, const struct ff_object_node *o)
{
    const struct ff_seq *args = ff_cell_node(o->args);
    bool call = o->how == FF_HOW_REDUCE || o->how == FF_HOW_INST || o->how == FF_HOW_OBJ;
    return call && !o->state && !o->more && args->count == 2 &&
           ff_tag(args->cells[0]) == FF_TAG_OBJECT &&
           !is_plain_value(r, args->cells[0]) &&
           !ff_global_is(r->doc, o->callable, "copyreg.__newobj__");
}

int ff_read_keep_effect(struct ff_reader *r, uint64_t cell)
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

int ff_read_keep_call(struct ff_reader *r, uint64_t cell)
{
    const struct ff_object_node *o = ff_cell_node(cell);
    if (!ff_read_is_setter(r, o)) {
        return ff_read_keep_effect(r, cell);
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
    if (!ff_read_may_hold_calls(cell)) {
        return FF_OK;
    }
    if (ff_tag(cell) != FF_TAG_OBJECT || !o->unmemoized) {
        return keep_for_later(r, cell);
    }
    if (begun_twice(r, cell, &kept, &failed)) {
        return keep_outer_args(r, kept, o);
    }
    return failed ? failed : ff_read_keep_call(r, cell);
}

/* In a container an object that is not in the memo was nowhere else. */
int ff_read_replaced(struct ff_reader *r, const uint64_t *cells, size_t count)
{
    int failed = FF_OK;
    for (size_t i = 0; i < count && !failed; i++) {
        const struct ff_object_node *o = ff_cell_node(cells[i]);
        if (ff_read_may_hold_calls(cells[i])) {
            failed = ff_tag(cells[i]) == FF_TAG_OBJECT && o->unmemoized
                         ? ff_read_keep_call(r, cells[i])
                         : keep_for_later(r, cells[i]);
        }
    }
    return failed;
}
