/* SPDX-License-Identifier: Apache-2.0 */
/* read_build.c: opcodes that make containers and put items into them. */
#include <string.h>

#include "read.h"

#define READONLY "what is read-only does not take this"

static int push_seq(struct ff_reader *r, unsigned tag)
{
    return ff_read_push_node(r, tag, ff_seq_new(r->doc));
}

int ff_op_empty_list(struct ff_reader *r)
{
    return push_seq(r, FF_TAG_LIST);
}

int ff_op_empty_dict(struct ff_reader *r)
{
    return push_seq(r, FF_TAG_DICT);
}

int ff_op_empty_set(struct ff_reader *r)
{
    return push_seq(r, FF_TAG_SET);
}

/* ---- tuples ---- */

static int tuple_of(struct ff_reader *r, size_t start)
{
    size_t count = r->depth - start;
    struct ff_seq *seq = ff_seq_new_tuple(r->doc, count);
    if (!seq) {
        return ff_read_full(r);
    }
    if (count) {
        memcpy(seq->cells, r->stack + start, count * sizeof *r->stack);
    }
    r->depth = start;
    return ff_read_push(r, ff_cell(FF_TAG_TUPLE, seq));
}

static int top_tuple(struct ff_reader *r, size_t count)
{
    int failed = ff_read_need(r, count);
    return failed ? failed : tuple_of(r, r->depth - count);
}

int ff_op_empty_tuple(struct ff_reader *r)
{
    return tuple_of(r, r->depth);
}

int ff_op_tuple1(struct ff_reader *r)
{
    return top_tuple(r, 1);
}

int ff_op_tuple2(struct ff_reader *r)
{
    return top_tuple(r, 2);
}

int ff_op_tuple3(struct ff_reader *r)
{
    return top_tuple(r, 3);
}

int ff_op_tuple(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    return failed ? failed : tuple_of(r, start);
}

/* ---- items from a MARK ---- */

/* An error of the containers, with its place in the stream. */
static int put(struct ff_reader *r, uint64_t container, const uint64_t *cells,
               size_t count)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_vec lost;
    ff_vec_init(&lost, sizeof(uint64_t), SIZE_MAX / 16);
    int failed = ff_seq_put(r->doc, container, cells, count, &lost, &own);
    failed = failed ? ff_read_fail(r, own.code, "%s", own.message)
                    : ff_read_replaced(r, lost.items, lost.count);
    ff_doc_discharge(r->doc, lost.count * FF_LOST_BYTES);
    ff_vec_free(&lost);
    return failed;
}

int ff_op_list(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (failed) {
        return failed;
    }
    struct ff_seq *seq = ff_seq_new(r->doc);
    size_t count = r->depth - start;
    r->depth = start;
    if (!seq || (count && !ff_seq_append(r->doc, seq, r->stack + start, count))) {
        return ff_read_full(r);
    }
    return ff_read_push(r, ff_cell(FF_TAG_LIST, seq));
}

static int keyed_of(struct ff_reader *r, unsigned tag)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (failed) {
        return failed;
    }
    size_t cells = r->depth - start;
    if (tag == FF_TAG_DICT && cells % 2) {
        return ff_read_fail(r, FF_E_CORRUPT, "an odd number of items for a dict");
    }
    r->depth = start;
    struct ff_seq *seq = ff_seq_new(r->doc);
    if (!seq) {
        return ff_read_full(r);
    }
    uint64_t cell = ff_cell(tag, seq);
    failed = put(r, cell, r->stack + start, tag == FF_TAG_DICT ? cells / 2 : cells);
    return failed ? failed : ff_read_push(r, cell);
}

int ff_op_dict(struct ff_reader *r)
{
    return keyed_of(r, FF_TAG_DICT);
}

int ff_op_frozenset(struct ff_reader *r)
{
    return keyed_of(r, FF_TAG_FROZENSET);
}

/* ---- items into what is there ---- */

static int not_into(struct ff_reader *r, uint64_t target)
{
    return ff_read_fail(r, FF_E_CORRUPT, "a %s does not take this",
                        ff_kind_name(ff_kind(ff_value_of(r->doc, target))));
}

/* What may take anything. A memoryview takes nothing. */
static bool is_thing(uint64_t cell)
{
    switch (ff_tag(cell)) {
    case FF_TAG_GLOBAL:
    case FF_TAG_PERSISTENT:
    case FF_TAG_EXTENSION:
        return true;
    case FF_TAG_BUFFER:
        return !((const struct ff_buffer_node *)ff_cell_node(cell))->base;
    default:
        return false;
    }
}

/* Room for so many bytes that may be written to, with what is there. */
static bool reserve_blob(struct ff_reader *r, struct ff_blob *blob, size_t size_bytes)
{
    if (size_bytes <= blob->capacity_bytes) {
        return true;
    }
    size_t room = blob->capacity_bytes ? 2 * size_bytes : size_bytes;
    uint8_t *data = ff_doc_alloc(r->doc, room);
    if (!data) {
        return false;
    }
    if (blob->size_bytes) {
        memcpy(data, blob->data, blob->size_bytes);
    }
    blob->data = data;
    blob->capacity_bytes = room;
    return true;
}

static uint8_t *bytes_of(struct ff_blob *blob)
{
    return (uint8_t *)(uintptr_t)blob->data;
}

static int extend_blob(struct ff_reader *r, struct ff_blob *blob, const uint64_t *cells,
                       size_t count)
{
    if (blob->readonly) {
        return ff_read_fail(r, FF_E_CORRUPT, READONLY);
    }
    if (!reserve_blob(r, blob, blob->size_bytes + count)) {
        return ff_read_full(r);
    }
    uint8_t *end = bytes_of(blob) + blob->size_bytes;
    for (size_t i = 0; i < count; i++) {
        if (ff_tag(cells[i]) != FF_TAG_INT || ff_cell_int(cells[i]) < 0 ||
            ff_cell_int(cells[i]) > 255) {
            return ff_read_fail(r, FF_E_CORRUPT, "a byte must be in 0 .. 255");
        }
        end[i] = (uint8_t)ff_cell_int(cells[i]);
    }
    blob->size_bytes += count;
    return FF_OK;
}

static int append_to(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                     size_t count)
{
    switch (ff_tag(target)) {
    case FF_TAG_LIST:
        return ff_seq_append(r->doc, ff_cell_node(target), cells, count)
                   ? FF_OK
                   : ff_read_full(r);
    case FF_TAG_BYTEARRAY:
        return extend_blob(r, ff_cell_node(target), cells, count);
    case FF_TAG_OBJECT:
        return ff_read_object_append(r, target, cells, count);
    default:
        return is_thing(target) ? ff_read_effects(r, FF_STEP_APPEND, target, cells, count)
                                : not_into(r, target);
    }
}

static int set_by_index(struct ff_reader *r, uint64_t target, const uint64_t *pair)
{
    struct ff_seq *seq = ff_cell_node(target);
    int64_t at = ff_tag(pair[0]) == FF_TAG_INT ? ff_cell_int(pair[0]) : INT64_MIN;
    at = at < 0 && at != INT64_MIN ? at + (int64_t)seq->count : at;
    if (at < 0 || at >= (int64_t)seq->count) {
        return ff_read_fail(r, FF_E_CORRUPT, "the index is not in the list");
    }
    uint64_t replaced = seq->cells[at];
    seq->cells[at] = pair[1];
    return ff_read_replaced(r, &replaced, 1);
}

static int set_byte(struct ff_reader *r, uint64_t target, const uint64_t *pair)
{
    struct ff_blob *blob = ff_cell_node(target);
    if (blob->readonly) {
        return ff_read_fail(r, FF_E_CORRUPT, READONLY);
    }
    bool ints = ff_tag(pair[0]) == FF_TAG_INT && ff_tag(pair[1]) == FF_TAG_INT;
    int64_t size = (int64_t)blob->size_bytes, at = ints ? ff_cell_int(pair[0]) : size;
    at = at < 0 ? at + size : at;
    if (at < 0 || at >= size || ff_cell_int(pair[1]) < 0 || ff_cell_int(pair[1]) > 255) {
        return ff_read_fail(r, FF_E_CORRUPT, "no such byte");
    }
    if (!reserve_blob(r, blob, blob->size_bytes)) {
        return ff_read_full(r);
    }
    bytes_of(blob)[at] = (uint8_t)ff_cell_int(pair[1]);
    return FF_OK;
}

static int set_in(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                  size_t count)
{
    int failed = FF_OK;
    switch (ff_tag(target)) {
    case FF_TAG_DICT:
        return put(r, target, cells, count);
    case FF_TAG_OBJECT:
        return ff_read_object_set(r, target, cells, count);
    case FF_TAG_LIST:
        for (size_t i = 0; i < count && !failed; i++) {
            failed = set_by_index(r, target, cells + 2 * i);
        }
        return failed;
    case FF_TAG_BYTEARRAY:
        for (size_t i = 0; i < count && !failed; i++) {
            failed = set_byte(r, target, cells + 2 * i);
        }
        return failed;
    default:
        return is_thing(target)
                   ? ff_read_effects(r, FF_STEP_SETITEM, target, cells, count)
                   : not_into(r, target);
    }
}

static int add_to(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                  size_t count)
{
    switch (ff_tag(target)) {
    case FF_TAG_SET:
        return put(r, target, cells, count);
    case FF_TAG_OBJECT:
        return ff_read_object_add(r, target, cells, count);
    default:
        return is_thing(target) ? ff_read_effects(r, FF_STEP_ADD, target, cells, count)
                                : not_into(r, target);
    }
}

typedef int into(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                 size_t count);

/* `cells` items on the stack above their target. */
static int few(struct ff_reader *r, size_t cells, into *function)
{
    int failed = ff_read_need(r, cells + 1);
    if (failed) {
        return failed;
    }
    r->depth -= cells;
    uint64_t target = r->stack[r->depth - 1];
    return function(r, target, r->stack + r->depth, 1);
}

/* All above the MARK, by `stride`. */
static int many(struct ff_reader *r, size_t stride, into *function)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (failed) {
        return failed;
    }
    size_t cells = r->depth - start;
    r->depth = start;
    failed = ff_read_need(r, 1);
    if (failed || cells == 0) {
        return failed;
    }
    if (cells % stride) {
        return ff_read_fail(r, FF_E_CORRUPT, "an odd number of items for a dict");
    }
    return function(r, r->stack[start - 1], r->stack + start, cells / stride);
}

int ff_op_append(struct ff_reader *r)
{
    return few(r, 1, append_to);
}

int ff_op_appends(struct ff_reader *r)
{
    return many(r, 1, append_to);
}

int ff_op_setitem(struct ff_reader *r)
{
    return few(r, 2, set_in);
}

int ff_op_setitems(struct ff_reader *r)
{
    return many(r, 2, set_in);
}

int ff_op_additems(struct ff_reader *r)
{
    return many(r, 1, add_to);
}
