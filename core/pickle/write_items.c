/* SPDX-License-Identifier: Apache-2.0 */
/* write_items.c: containers. Items go in batches of 1000. The rules of CPython's C pickler:
 * a list or dict of one item uses APPEND or SETITEM, a last batch of one does not; a dict or
 * set whose size is a multiple of 1000 ends with an empty batch; items of objects come from
 * an iterator, where a last one alone does use APPEND or SETITEM; protocol 0 has no batches. */
#include "write.h"

enum phase { AT_START, IN_BATCH, ALONE };

static uint8_t single_op(const struct ff_part_frame *f)
{
    return f->kind == FF_TAG_LIST ? FF_OP_APPEND : FF_OP_SETITEM;
}

static uint8_t batch_op(const struct ff_part_frame *f)
{
    return f->kind == FF_TAG_LIST   ? FF_OP_APPENDS
           : f->kind == FF_TAG_DICT ? FF_OP_SETITEMS
                                    : FF_OP_ADDITEMS;
}

/* What comes next at the border of a batch. FF_WRITTEN: nothing. */
static int begin_batch(struct ff_dumper *d, struct ff_part_frame *f, size_t cells)
{
    size_t stride = f->kind == FF_TAG_DICT ? 2 : 1;
    size_t left = (cells - f->at) / stride;
    bool listed = f->kind == FF_TAG_LIST || !f->exact || d->protocol == 0;
    if (left == 0 && (listed || cells == 0)) {
        return FF_WRITTEN;
    }
    bool alone = f->exact ? cells == stride && f->kind != FF_TAG_SET : left == 1;
    if (d->protocol == 0 || alone) {
        f->phase = ALONE;
        f->batch = 0;
        return FF_PUSHED;
    }
    f->phase = IN_BATCH;
    f->batch = 0;
    int failed = ff_write_op(d, FF_OP_MARK);
    return failed ? failed : FF_PUSHED;
}

static int in_batch(struct ff_dumper *d, struct ff_part_frame *f, const uint64_t *cells,
                    size_t count)
{
    size_t stride = f->kind == FF_TAG_DICT ? 2 : 1;
    bool scratch = f->scratch;
    size_t at = f->at, end = at - at % stride + (FF_BATCH_ITEMS - f->batch) * stride;
    size_t depth = d->depth;
    end = end > count ? count : end;
    while (at < end) {
        size_t plain = 0;
        int failed = ff_write_fast(d, cells + at, end - at, scratch, &plain);
        if (failed) {
            return failed;
        }
        d->stack[depth - 1].batch += (uint32_t)((at + plain) / stride - at / stride);
        at += plain;
        if (at == end) {
            d->stack[depth - 1].at = at;
            break;
        }
        uint64_t cell = cells[at++];
        d->stack[depth - 1].at = at;
        int result = ff_write_save(d, cell, scratch);
        if (result) {
            f = &d->stack[depth - 1];
            f->batch += at % stride == 0;
            return result;
        }
        d->stack[depth - 1].batch += at % stride == 0;
    }
    f = &d->stack[depth - 1];
    bool full = f->batch == FF_BATCH_ITEMS;
    f->phase = AT_START;
    int failed = ff_write_op(d, batch_op(f));
    return failed ? failed : full ? FF_PUSHED : FF_WRITTEN;
}

/* One entry without a batch; more follow in protocol 0 only. */
static int alone(struct ff_dumper *d, struct ff_part_frame *f, const uint64_t *cells)
{
    size_t stride = f->kind == FF_TAG_DICT ? 2 : 1;
    size_t depth = d->depth;
    while (f->batch < stride) {
        f->batch++;
        int result = ff_write_save(d, cells[f->at++], f->scratch);
        if (result) {
            return result;
        }
        f = &d->stack[depth - 1];
    }
    f->phase = AT_START;
    int failed = ff_write_op(d, single_op(f));
    return failed ? failed : d->protocol == 0 ? FF_PUSHED : FF_WRITTEN;
}

static int step_items(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_seq *seq = f->node;
    size_t count = seq->count * (f->kind == FF_TAG_DICT ? 2u : 1u);
    switch (f->phase) {
    case AT_START:
        return begin_batch(d, f, count);
    case IN_BATCH:
        return in_batch(d, f, seq->cells, count);
    default:
        return alone(d, f, seq->cells);
    }
}

static int push_items(struct ff_dumper *d, uint64_t cell, unsigned kind, bool exact,
                      bool scratch)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    if (seq->count == 0) {
        return FF_WRITTEN;
    }
    struct ff_part_frame *f = ff_write_push(d, cell, seq, scratch, step_items);
    if (!f) {
        return FF_E_NO_MEMORY;
    }
    f->kind = (uint8_t)kind;
    f->exact = exact;
    return FF_PUSHED;
}

int ff_write_items(struct ff_dumper *d, uint64_t container, bool scratch)
{
    return push_items(d, container, ff_tag(container), false, scratch);
}

int ff_write_list(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    int failed = d->protocol ? ff_write_op(d, FF_OP_EMPTY_LIST) : ff_write_text(d, "(l");
    failed = failed ? failed : ff_write_memoize(d, cell, scratch);
    return failed ? failed : push_items(d, cell, FF_TAG_LIST, d->protocol > 0, scratch);
}

int ff_write_dict(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    int failed = d->protocol ? ff_write_op(d, FF_OP_EMPTY_DICT) : ff_write_text(d, "(d");
    failed = failed ? failed : ff_write_memoize(d, cell, scratch);
    return failed ? failed : push_items(d, cell, FF_TAG_DICT, d->protocol > 0, scratch);
}

/* Before protocol 4: set([...]) and frozenset([...]). */
static int as_call(struct ff_dumper *d, uint64_t cell, const char *name)
{
    int failed = ff_write_begin(d, cell);
    if (failed) {
        return failed;
    }
    struct ff_doc *own = ff_write_own(d);
    struct ff_seq *list = own ? ff_doc_alloc(own, sizeof *list) : NULL;
    if (!list) {
        return ff_write_no_memory(d);
    }
    *list = *(const struct ff_seq *)ff_cell_node(cell);
    uint64_t items = ff_cell(FF_TAG_LIST, list);
    return ff_write_instead(d, cell,
                            ff_make_call(d, ff_make_global(d, "builtins", name),
                                         ff_make_tuple(d, &items, 1), 0));
}

int ff_write_set(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    if (d->protocol < 4) {
        return as_call(d, cell, "set");
    }
    int failed = ff_write_op(d, FF_OP_EMPTY_SET);
    failed = failed ? failed : ff_write_memoize(d, cell, scratch);
    return failed ? failed : push_items(d, cell, FF_TAG_SET, true, scratch);
}

int ff_write_fetch_instead(struct ff_dumper *d, size_t pops, uint8_t pop, uint64_t index)
{
    int failed = FF_OK;
    for (size_t i = 0; i < pops && !failed; i++) {
        failed = ff_write_op(d, pop);
    }
    return failed ? failed : ff_write_memo_get(d, index);
}

static int save_next(struct ff_dumper *d, struct ff_part_frame *f,
                     const struct ff_seq *seq)
{
    size_t depth = d->depth;
    while (f->at < seq->count) {
        size_t plain = 0;
        int failed =
            ff_write_fast(d, seq->cells + f->at, seq->count - f->at, f->scratch, &plain);
        f->at += plain;
        if (failed || f->at == seq->count) {
            return failed;
        }
        int result = ff_write_save(d, seq->cells[f->at++], f->scratch);
        if (result) {
            return result;
        }
        f = &d->stack[depth - 1];
    }
    return FF_WRITTEN;
}

static int push_parts(struct ff_dumper *d, uint64_t cell, bool scratch,
                      int (*step)(struct ff_dumper *, struct ff_part_frame *))
{
    struct ff_part_frame *f = ff_write_push(d, cell, ff_cell_node(cell), scratch, step);
    if (!f) {
        return FF_E_NO_MEMORY;
    }
    ff_write_open(d, f);
    return FF_PUSHED;
}

static int step_frozenset(struct ff_dumper *d, struct ff_part_frame *f)
{
    size_t depth = d->depth;
    int result = save_next(d, f, f->node);
    if (result) {
        return result;
    }
    f = &d->stack[depth - 1];
    uint64_t known = ff_write_memo_find(d, f->cell);
    ff_write_made(d, f);
    if (known) {
        return ff_write_fetch_instead(d, 1, FF_OP_POP_MARK, known - 1);
    }
    result = ff_write_op(d, FF_OP_FROZENSET);
    return result ? result : ff_write_memoize(d, f->cell, f->scratch);
}

int ff_write_frozenset(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    if (d->protocol < 4) {
        return as_call(d, cell, "frozenset");
    }
    int failed = ff_write_op(d, FF_OP_MARK);
    if (failed) {
        return failed;
    }
    return push_parts(d, cell, scratch, step_frozenset);
}

static int step_tuple(struct ff_dumper *d, struct ff_part_frame *f)
{
    static const uint8_t ops[] = {FF_OP_TUPLE, FF_OP_TUPLE1, FF_OP_TUPLE2, FF_OP_TUPLE3};
    const struct ff_seq *seq = f->node;
    size_t depth = d->depth;
    int result = save_next(d, f, seq);
    if (result) {
        return result;
    }
    f = &d->stack[depth - 1];
    bool marked = seq->count > 3 || d->protocol < 2;
    uint64_t known = ff_write_memo_find(d, f->cell);
    ff_write_made(d, f);
    if (known && marked && d->protocol) {
        return ff_write_fetch_instead(d, 1, FF_OP_POP_MARK, known - 1);
    }
    if (known) {
        return ff_write_fetch_instead(d, seq->count + marked, FF_OP_POP, known - 1);
    }
    result = ff_write_op(d, ops[marked ? 0 : seq->count]);
    return result ? result : ff_write_memoize(d, f->cell, f->scratch);
}

int ff_write_tuple(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    if (seq->count == 0) {
        return d->protocol ? ff_write_op(d, FF_OP_EMPTY_TUPLE) : ff_write_text(d, "(t");
    }
    if (seq->count > 3 || d->protocol < 2) {
        int failed = ff_write_op(d, FF_OP_MARK);
        if (failed) {
            return failed;
        }
    }
    return push_parts(d, cell, scratch, step_tuple);
}
