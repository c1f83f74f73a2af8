/* SPDX-License-Identifier: Apache-2.0 */
/* doc_seq.c: cells in a row that grow: small ones in the arena, big ones in blocks. */
#include <string.h>

#include "core/base/alloc.h"
#include "doc.h"

#define BLOCK_CELLS 512u /* from here on a block of its own, which realloc can move */
#define SPARE_CELLS 4u   /* the least of a body */

struct ff_seq *ff_seq_new(struct ff_doc *doc)
{
    struct ff_seq *seq = ff_doc_alloc(doc, sizeof *seq);
    if (seq) {
        seq->count = 0;
        seq->cells = NULL;
    }
    return seq;
}

struct ff_seq *ff_seq_new_tuple(struct ff_doc *doc, size_t count)
{
    if (count > SIZE_MAX / 16) {
        return NULL;
    }
    struct ff_seq *seq = ff_doc_alloc(doc, sizeof *seq + count * sizeof(uint64_t));
    if (seq) {
        seq->count = count;
        seq->cells = (uint64_t *)(seq + 1);
    }
    return seq;
}

/* Where spare bodies of that size are kept; NULL: nowhere. What is built item by item grows through
 * all of the small sizes: without that its arena would hold twice what it needs. */
static struct ff_body **spare(struct ff_doc *doc, size_t capacity)
{
    bool kept = capacity >= SPARE_CELLS && capacity < BLOCK_CELLS &&
                (capacity & (capacity - 1)) == 0;
    return kept ? &doc->spare[__builtin_ctzll(capacity / SPARE_CELLS)] : NULL;
}

static struct ff_body *take_body(struct ff_doc *doc, size_t capacity)
{
    struct ff_body **first = spare(doc, capacity), *body = first ? *first : NULL;
    if (body) {
        *first = body->next;
        return body;
    }
    return ff_doc_alloc(doc, sizeof *body + capacity * sizeof(uint64_t));
}

static void leave_body(struct ff_doc *doc, struct ff_body *old)
{
    struct ff_body **first = spare(doc, old->capacity);
    if (doc->shape == old->cells) {
        doc->shape = NULL;
        doc->shape_count = 0;
    }
    if (first) {
        old->next = *first;
        *first = old;
    }
}

static struct ff_body *new_small(struct ff_doc *doc, const struct ff_seq *seq,
                                 size_t used, size_t capacity)
{
    struct ff_body *body = take_body(doc, capacity);
    if (!body) {
        return NULL;
    }
    body->capacity = capacity;
    body->block = 0;
    body->index = seq->cells ? ff_seq_body(seq)->index : NULL;
    if (used) {
        memcpy(body->cells, seq->cells, used * sizeof(uint64_t));
    }
    return body;
}

static struct ff_body *first_block(struct ff_doc *doc, const struct ff_seq *seq,
                                   size_t used, size_t capacity)
{
    void **place = ff_vec_push(&doc->blocks);
    if (!place) {
        return NULL;
    }
    struct ff_body *body = ff_malloc(sizeof *body + capacity * sizeof(uint64_t));
    if (!body) {
        ff_vec_pop(&doc->blocks);
        return NULL;
    }
    *place = body;
    body->capacity = capacity;
    body->block = doc->blocks.count;
    body->index = seq->cells ? ff_seq_body(seq)->index : NULL;
    if (used) {
        memcpy(body->cells, seq->cells, used * sizeof(uint64_t));
    }
    return body;
}

static struct ff_body *grow_block(struct ff_doc *doc, struct ff_body *old,
                                  size_t capacity)
{
    size_t place = old->block - 1;
    size_t words = sizeof *old / sizeof(uint64_t) + capacity;
    struct ff_body *body = ff_realloc_array(old, words, sizeof(uint64_t));
    if (body) {
        void **blocks = doc->blocks.items;
        blocks[place] = body;
        body->capacity = capacity;
    }
    return body;
}

static struct ff_body *new_body(struct ff_doc *doc, const struct ff_seq *seq, size_t used,
                                size_t capacity)
{
    if (capacity < BLOCK_CELLS) {
        return new_small(doc, seq, used, capacity);
    }
    struct ff_body *old = seq->cells ? ff_seq_body(seq) : NULL;
    size_t had = old && old->block ? old->capacity : 0;
    if (doc->used_bytes > doc->max_bytes ||
        !ff_doc_charge(doc, (capacity - had) * sizeof(uint64_t))) {
        return NULL;
    }
    if (old && old->block) {
        return grow_block(doc, old, capacity);
    }
    return first_block(doc, seq, used, capacity);
}

uint64_t *ff_seq_reserve(struct ff_doc *doc, struct ff_seq *seq, size_t used,
                         size_t extra)
{
    size_t capacity = seq->cells ? ff_seq_body(seq)->capacity : 0;
    if (capacity - used >= extra) {
        return seq->cells + used;
    }
    if (extra > SIZE_MAX / 64 || used > SIZE_MAX / 64) {
        return NULL;
    }
    size_t want = used + extra;
    if (want < 2 * capacity) {
        want = 2 * capacity;
    }
    if (want < SPARE_CELLS) {
        want = SPARE_CELLS;
    }
    struct ff_body *old = seq->cells ? ff_seq_body(seq) : NULL;
    bool leaves = old && !old->block;
    struct ff_body *body = new_body(doc, seq, used, want);
    if (!body) {
        return NULL;
    }
    if (leaves) {
        leave_body(doc, old);
    }
    seq->cells = body->cells;
    return seq->cells + used;
}

bool ff_seq_append(struct ff_doc *doc, struct ff_seq *seq, const uint64_t *cells,
                   size_t count)
{
    uint64_t *at = ff_seq_reserve(doc, seq, seq->count, count);
    if (!at) {
        return false;
    }
    memcpy(at, cells, count * sizeof *cells);
    seq->count += count;
    return true;
}
