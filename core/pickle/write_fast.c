/* SPDX-License-Identifier: Apache-2.0 */
/* write_fast.c: what most of a value consists of, in a loop with the output in a register: numbers,
 * short text, and short lists, tuples and dicts of them. It writes what the functions of write_*.c
 * would write. All that is not so plain, or would not fit, it leaves to them: the end of a frame,
 * persistent ids, long text, deep things.
 *
 * Room needs no check at each value: the loop ends ITEM_BYTES before the end of the buffer, or where
 * the frame would be closed, and no plain value is longer. */
#include "core/base/word.h"
#include "write.h"

#define FLAT_CELLS 12u /* in a short container */
#define LEAF_BYTES (5u + UINT8_MAX + 5u)
#define ITEM_BYTES (FLAT_CELLS * LEAF_BYTES + 16u)

struct fast {
    struct ff_dumper *d;
    uint8_t *to;
    uint8_t *end; /* a value that begins before it has room */
    bool newer;   /* protocol 4 and 5 */
    bool scratch; /* the memo is not asked in the way that it is here: numbers only */
    int failed;
};

/* ---- leaves ---- */

static inline void put_int(struct fast *f, int64_t value)
{
    uint8_t *to = f->to;
    if (value >= 0 && value <= UINT16_MAX) {
        bool one = value <= UINT8_MAX;
        to[0] = one ? FF_OP_BININT1 : FF_OP_BININT2;
        to[1] = (uint8_t)value;
        to[2] = (uint8_t)(value >> 8);
        f->to += one ? 2 : 3;
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        to[0] = FF_OP_BININT;
        ff_store_le32(to + 1, (uint32_t)value);
        f->to += 5;
    } else {
        unsigned bits = 64u - (unsigned)__builtin_clzll((uint64_t)(value ^ value >> 63));
        to[0] = FF_OP_LONG1;
        to[1] = (uint8_t)(bits / 8 + 1);
        ff_store_le64(to + 2, (uint64_t)value);
        f->to += 2 + bits / 8 + 1;
    }
}

/* As it stands, when nothing of it is redundant. */
static inline bool is_long1(const uint8_t *code)
{
    return code[0] == FF_OP_LONG1 && code[1] > 1 &&
           (int8_t)code[1 + code[1]] != (int8_t)code[code[1]] >> 7;
}

static inline void copy(struct fast *f, const uint8_t *from, size_t size)
{
    uint8_t *to = f->to;
    f->to += size;
    if (size < 8) {
        while (size--) {
            *to++ = *from++;
        }
        return;
    }
    uint64_t last;
    memcpy(&last, from + size - 8, 8);
    for (size_t i = 0; i + 8 < size; i += 8) {
        memcpy(to + i, from + i, 8);
    }
    memcpy(to + size - 8, &last, 8);
}

static inline void put_index(struct fast *f, uint8_t short_op, uint8_t long_op,
                             uint64_t index)
{
    f->to[0] = index < 256 ? short_op : long_op;
    ff_store_le32(f->to + 1, (uint32_t)index);
    f->to += index < 256 ? 2 : 5;
}

/* From the memo, when it is there. */
static inline bool get(struct fast *f, uint64_t cell)
{
    uint64_t number = ff_write_memo_find(f->d, cell);
    if (number) {
        put_index(f, FF_OP_BINGET, FF_OP_LONG_BINGET, number - 1);
    }
    return number != 0;
}

static inline bool memoize(struct fast *f, uint64_t cell)
{
    struct ff_dumper *d = f->d;
    if (!d->all_in_memo && d->memo.used == 0 && !d->options->compact) {
        d->memo_count++; /* nothing comes back */
    } else {
        int result = ff_write_memo_put(d, cell, false);
        if (result) {
            f->failed = result < 0 ? result : 0;
            return result > 0;
        }
    }
    if (f->newer) {
        *f->to++ = FF_OP_MEMOIZE;
    } else {
        put_index(f, FF_OP_BINPUT, FF_OP_LONG_BINPUT, d->memo_count - 1);
    }
    return true;
}

static inline const uint8_t *short_text(uint64_t cell, size_t *size)
{
    const uint8_t *code = ff_cell_code(cell);
    if (code[0] == FF_OP_SHORT_BINUNICODE) {
        *size = code[1];
        return code + 2;
    }
    *size = code[0] == FF_OP_BINUNICODE ? ff_load_le32(code + 1) : SIZE_MAX;
    return code + 5;
}

static inline bool put_new_text(struct fast *f, uint64_t cell)
{
    size_t size;
    const uint8_t *text = short_text(cell, &size);
    f->to[0] = f->newer ? FF_OP_SHORT_BINUNICODE : FF_OP_BINUNICODE;
    ff_store_le32(f->to + 1, (uint32_t)size);
    f->to += f->newer ? 2 : 5;
    copy(f, text, size);
    return memoize(f, cell);
}

static inline bool is_leaf(uint64_t cell)
{
    size_t size;
    switch (ff_tag(cell)) {
    case FF_TAG_NONE:
    case FF_TAG_FALSE:
    case FF_TAG_TRUE:
    case FF_TAG_INT:
    case FF_TAG_FLOAT:
        return true;
    case FF_TAG_BIGINT:
        return is_long1(ff_cell_code(cell));
    case FF_TAG_STR:
        (void)short_text(cell, &size);
        return size <= UINT8_MAX;
    default:
        return false;
    }
}

/* False: it failed, as everything that writes here. */
static inline bool put_leaf(struct fast *f, uint64_t cell)
{
    switch (ff_tag(cell)) {
    case FF_TAG_INT:
        put_int(f, ff_cell_int(cell));
        return true;
    case FF_TAG_FLOAT:
        memcpy(f->to, ff_cell_code(cell), 9);
        f->to += 9;
        return true;
    case FF_TAG_BIGINT:
        copy(f, ff_cell_code(cell), 2u + ff_cell_code(cell)[1]);
        return true;
    case FF_TAG_STR:
        return get(f, cell) || put_new_text(f, cell);
    case FF_TAG_NONE:
        *f->to++ = FF_OP_NONE;
        return true;
    default:
        *f->to++ = ff_tag(cell) == FF_TAG_TRUE ? FF_OP_NEWTRUE : FF_OP_NEWFALSE;
        return true;
    }
}

/* ---- short containers of leaves ---- */

static size_t cells_of(unsigned tag, const struct ff_seq *seq)
{
    size_t most = tag == FF_TAG_DICT ? FLAT_CELLS / 2 : FLAT_CELLS;
    return seq->count > most    ? SIZE_MAX
           : tag == FF_TAG_DICT ? 2 * seq->count
                                : seq->count;
}

static bool is_flat(uint64_t cell)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    size_t count = cells_of(ff_tag(cell), seq);
    for (size_t i = 0; count != SIZE_MAX && i < count; i++) {
        if (!is_leaf(seq->cells[i])) {
            return false;
        }
    }
    return count != SIZE_MAX;
}

static bool put_leaves(struct fast *f, const uint64_t *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!put_leaf(f, cells[i])) {
            return false;
        }
    }
    return true;
}

static bool put_tuple(struct fast *f, uint64_t cell, const struct ff_seq *seq)
{
    static const uint8_t ops[] = {0, FF_OP_TUPLE1, FF_OP_TUPLE2, FF_OP_TUPLE3};
    if (seq->count == 0) {
        *f->to++ = FF_OP_EMPTY_TUPLE;
        return true;
    }
    if (seq->count > 3) {
        *f->to++ = FF_OP_MARK;
    }
    if (!put_leaves(f, seq->cells, seq->count)) {
        return false;
    }
    *f->to++ = seq->count > 3 ? FF_OP_TUPLE : ops[seq->count];
    return memoize(f, cell);
}

/* list, dict */
static bool put_items(struct fast *f, uint64_t cell, const struct ff_seq *seq)
{
    bool dict = ff_tag(cell) == FF_TAG_DICT;
    *f->to++ = dict ? FF_OP_EMPTY_DICT : FF_OP_EMPTY_LIST;
    if (!memoize(f, cell) || seq->count == 0) {
        return seq->count == 0;
    }
    if (seq->count > 1) {
        *f->to++ = FF_OP_MARK;
    }
    if (!put_leaves(f, seq->cells, dict ? 2 * seq->count : seq->count)) {
        return false;
    }
    *f->to++ = seq->count > 1 ? (dict ? FF_OP_SETITEMS : FF_OP_APPENDS)
                              : (dict ? FF_OP_SETITEM : FF_OP_APPEND);
    return true;
}

static bool put_flat(struct fast *f, uint64_t cell)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    if (get(f, cell)) {
        return true;
    }
    return ff_tag(cell) == FF_TAG_TUPLE ? put_tuple(f, cell, seq)
                                        : put_items(f, cell, seq);
}

/* ---- the loop ---- */

static bool enter(struct fast *f, struct ff_dumper *d, bool scratch)
{
    size_t frame = d->framing ? d->frame_start + FF_FRAME_HEADER : 0;
    size_t end = d->room > ITEM_BYTES ? d->room - ITEM_BYTES : 0;
    if (end > frame + FF_FRAME_BYTES) {
        end = frame + FF_FRAME_BYTES;
    }
    *f = (struct fast){d, d->out + d->used, d->out + end, d->protocol >= 4, scratch, 0};
    return d->plain && d->framing == d->in_frame && d->used < end &&
           d->memo_count < UINT32_MAX / 2;
}

/* Numbers come in rows. */
static inline size_t put_ints(struct fast *f, const uint64_t *cells, size_t count)
{
    struct fast own = *f;
    size_t i = 0;
    for (; i < count && own.to < own.end && ff_tag(cells[i]) == FF_TAG_INT; i++) {
        put_int(&own, ff_cell_int(cells[i]));
    }
    f->to = own.to;
    return i;
}

static inline size_t put_floats(struct fast *f, const uint64_t *cells, size_t count)
{
    uint8_t *to = f->to;
    size_t i = 0;
    for (; i < count && to < f->end && ff_tag(cells[i]) == FF_TAG_FLOAT; i++) {
        memcpy(to, ff_cell_code(cells[i]), 9);
        to += 9;
    }
    f->to = to;
    return i;
}

static inline size_t put_longs(struct fast *f, const uint64_t *cells, size_t count)
{
    struct fast own = *f;
    size_t i = 0;
    for (; i < count && own.to < own.end && ff_tag(cells[i]) == FF_TAG_BIGINT; i++) {
        const uint8_t *code = ff_cell_code(cells[i]);
        if (!is_long1(code)) {
            break;
        }
        copy(&own, code, 2u + code[1]);
    }
    f->to = own.to;
    return i;
}

static inline size_t put_texts(struct fast *f, const uint64_t *cells, size_t count)
{
    size_t i = 0;
    while (i < count && f->to < f->end && ff_tag(cells[i]) == FF_TAG_STR &&
           (get(f, cells[i]) || (is_leaf(cells[i]) && put_new_text(f, cells[i])))) {
        i++;
    }
    return i;
}

/* How many values it wrote; 0: not here, or not with this little left of the frame. */
static inline size_t put(struct fast *f, const uint64_t *cells, size_t count)
{
    switch (ff_tag(*cells)) {
    case FF_TAG_INT:
        return put_ints(f, cells, count);
    case FF_TAG_FLOAT:
        return put_floats(f, cells, count);
    case FF_TAG_BIGINT:
        return put_longs(f, cells, count);
    case FF_TAG_STR:
        return f->scratch ? 0 : put_texts(f, cells, count);
    case FF_TAG_LIST:
    case FF_TAG_TUPLE:
    case FF_TAG_DICT:
        return !f->scratch && f->end - f->to > (ptrdiff_t)ITEM_BYTES && is_flat(*cells) &&
               put_flat(f, *cells);
    default:
        return is_leaf(*cells) && put_leaf(f, *cells);
    }
}

int ff_write_fast(struct ff_dumper *d, const uint64_t *cells, size_t count, bool scratch,
                  size_t *written)
{
    struct fast f;
    size_t at = 0;
    *written = 0;
    if (!enter(&f, d, scratch)) {
        return FF_OK;
    }
    for (size_t n = 1; n && at < count && f.to < f.end; at += n) {
        n = put(&f, cells + at, count - at);
    }
    d->used = (size_t)(f.to - d->out);
    *written = at;
    return f.failed;
}
