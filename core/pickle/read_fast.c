/* SPDX-License-Identifier: Apache-2.0 */
/* read_fast.c: the opcodes that most of a pickle consists of, in a loop with everything in
 * registers. It never fails and reports nothing: what is not the ordinary case, it leaves as it
 * stands to the functions of read_*.c, which do each opcode the complete way. So each branch here
 * checks first, and then does what the opcode's own function does.
 *
 * Arguments need no check of their own: the loop ends SLACK bytes before the end of the frame. */
#include "core/base/word.h"
#include "read.h"

#define SLACK 16

struct fast {
    struct ff_doc *doc;
    const uint8_t *at;
    const uint8_t *safe;              /* before it, SLACK bytes can be read */
    uint64_t *top, *full;             /* the stack: its end, and the end of its room */
    const uint64_t *floor;            /* its fence */
    uint64_t *memo, *next, *memo_end; /* dense, and written in order so far */
};

static inline bool room(const struct fast *f)
{
    return f->at < f->safe && f->top < f->full;
}

static void enter(struct fast *f, const struct ff_reader *r)
{
    bool in_order = r->memo_count == r->memo_filled && r->far_memo.used == 0;
    f->doc = r->doc;
    f->at = r->at;
    f->safe = r->limit - r->at > SLACK ? r->limit - SLACK : r->at;
    f->top = r->stack + r->depth;
    f->full = r->stack + r->room;
    f->floor = r->stack + r->fence;
    f->memo = r->memo;
    f->next = in_order ? r->memo + r->memo_count : r->memo;
    f->memo_end = in_order ? r->memo + r->memo_room : r->memo;
}

static void leave(const struct fast *f, struct ff_reader *r)
{
    r->at = f->at;
    r->depth = (size_t)(f->top - r->stack);
    if (f->next > f->memo) {
        r->memo_count = r->memo_filled = (size_t)(f->next - f->memo);
    }
}

/* ---- numbers ---- */

/* BININT1: four at a time while it goes on. */
static inline void read_bytes(struct fast *f)
{
    const uint64_t codes = UINT64_C(0x004b004b004b004b);
    while (f->full - f->top >= 4 && f->at < f->safe) {
        uint64_t four = ff_load_le64(f->at);
        if ((four & UINT64_C(0x00ff00ff00ff00ff)) != codes) {
            break;
        }
        for (int i = 0; i < 4; i++) {
            f->top[i] = (four >> (16 * i) & 0xff00) | FF_TAG_INT;
        }
        f->top += 4;
        f->at += 8;
    }
    for (; room(f) && *f->at == FF_OP_BININT1; f->at += 2) {
        *f->top++ = ff_cell_of_int(f->at[1]);
    }
}

static inline void read_shorts(struct fast *f)
{
    for (; room(f) && *f->at == FF_OP_BININT2; f->at += 3) {
        *f->top++ = (uint64_t)(ff_load_le32(f->at) & 0xffff00) | FF_TAG_INT;
    }
}

static inline void read_ints(struct fast *f)
{
    for (; room(f) && *f->at == FF_OP_BININT; f->at += 5) {
        *f->top++ = ff_cell_of_int((int32_t)ff_load_le32(f->at + 1));
    }
}

static inline void read_floats(struct fast *f)
{
    for (; room(f) && *f->at == FF_OP_BINFLOAT; f->at += 9) {
        *f->top++ = ff_cell(FF_TAG_FLOAT, f->at);
    }
}

/* LONG1. Up to 8 bytes are sign-extended; more are a BIGINT unless their end is redundant. */
static inline bool read_long(struct fast *f)
{
    size_t size = f->at[1];
    const uint8_t *p = f->at + 2;
    if (size == 0 || size > 8) {
        if (size == 0 || (size_t)(f->safe - f->at) < size ||
            (int8_t)p[size - 1] >> 7 == (int8_t)p[size - 1]) {
            return false;
        }
        *f->top++ = ff_cell(FF_TAG_BIGINT, f->at);
    } else {
        int64_t value = (int64_t)(ff_load_le64(p) << (64 - 8 * size)) >> (64 - 8 * size);
        bool fits = value >= FF_INLINE_INT_MIN && value <= FF_INLINE_INT_MAX;
        *f->top++ = fits ? ff_cell_of_int(value) : ff_cell(FF_TAG_BIGINT, f->at);
    }
    f->at += 2 + size;
    return true;
}

/* ---- the memo ---- */

/* Put the top where the memo goes on. An object or a buffer also notes that it was put. */
static inline bool put(struct fast *f)
{
    if (f->next == f->memo_end || f->top == f->floor ||
        ff_tag(f->top[-1]) >= FF_TAG_OBJECT) {
        return false;
    }
    *f->next++ = f->top[-1];
    return true;
}

static inline bool put_at(struct fast *f, uint32_t index, size_t size)
{
    bool done = index == (size_t)(f->next - f->memo) && put(f);
    f->at += done ? size : 0;
    return done;
}

/* What was pushed just now is put more often than not. */
static inline void memoize_pushed(struct fast *f)
{
    if (*f->at == FF_OP_MEMOIZE && f->next < f->memo_end) {
        *f->next++ = f->top[-1];
        f->at++;
    }
}

/* What was fetched before: the first time it is noted as shared. */
static inline bool get(struct fast *f, uint32_t index, size_t size)
{
    uint64_t cell = index < (size_t)(f->next - f->memo) ? f->memo[index] : 0;
    if (ff_tag(cell) > FF_TAG_INT) {
        if (!(cell & FF_MEMO_NOTED)) {
            return false;
        }
        cell &= ~FF_MEMO_NOTED;
    }
    if (!cell) {
        return false;
    }
    *f->top++ = cell;
    f->at += size;
    return true;
}

/* ---- text and bytes ---- */

/* SLACK bytes behind the text can be read. */
static inline bool is_ascii(const uint8_t *p, size_t size)
{
    uint64_t bits = 0;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        bits |= ff_load_le64(p + i);
    }
    bits |= ff_load_le64(p + i) & ((UINT64_C(1) << (8 * (size - i))) - 1);
    return !(bits & UINT64_C(0x8080808080808080));
}

static inline bool read_data(struct fast *f, unsigned tag, size_t header, size_t size)
{
    const uint8_t *p = f->at + header;
    if (p > f->safe || (size_t)(f->safe - p) < size) {
        return false;
    }
    if (tag == FF_TAG_STR && !is_ascii(p, size) && !ff_utf8_check(p, size)) {
        return false;
    }
    *f->top++ = ff_cell(tag, f->at);
    f->at = p + size;
    memoize_pushed(f);
    return true;
}

/* ---- containers ---- */

static inline bool new_seq(struct fast *f, unsigned tag)
{
    struct ff_seq *seq = ff_doc_take(f->doc, sizeof *seq);
    if (!seq) {
        return false;
    }
    *seq = (struct ff_seq){0, NULL};
    *f->top++ = ff_cell(tag, seq);
    f->at++;
    memoize_pushed(f);
    return true;
}

static inline bool new_tuple(struct fast *f, size_t count)
{
    struct ff_seq *seq;
    if ((size_t)(f->top - f->floor) < count ||
        !(seq = ff_doc_take(f->doc, sizeof *seq + count * sizeof(uint64_t)))) {
        return false;
    }
    seq->count = count;
    seq->cells = (uint64_t *)(seq + 1);
    f->top -= count;
    for (size_t i = 0; i < count; i++) {
        seq->cells[i] = f->top[i];
    }
    *f->top++ = ff_cell(FF_TAG_TUPLE, seq);
    f->at++;
    memoize_pushed(f);
    return true;
}

static inline bool push(struct fast *f, uint64_t cell)
{
    *f->top++ = cell;
    f->at++;
    return true;
}

static inline bool mark(struct fast *f, struct ff_reader *r)
{
    if (r->mark_count == r->mark_room) {
        return false;
    }
    r->marks[r->mark_count++] = r->fence;
    r->fence = (size_t)(f->top - r->stack);
    f->floor = f->top;
    f->at++;
    return true;
}

/* Records: an empty dict that gets the keys of the one before, which are known to differ. */
static inline bool set_items(struct fast *f, struct ff_reader *r)
{
    const struct ff_doc *doc = f->doc;
    size_t cells = (size_t)(f->top - f->floor);
    if (r->mark_count == 0 || cells == 0 || cells != 2 * doc->shape_count ||
        r->fence == r->marks[r->mark_count - 1] || ff_tag(f->floor[-1]) != FF_TAG_DICT) {
        return false;
    }
    for (size_t i = 0; i < cells; i += 2) {
        if (f->floor[i] != doc->shape[i]) {
            return false;
        }
    }
    struct ff_seq *seq = ff_cell_node(f->floor[-1]);
    if (!ff_seq_fill(f->doc, seq, f->floor, cells)) {
        return false;
    }
    seq->count = cells / 2;
    f->top -= cells;
    r->fence = r->marks[--r->mark_count];
    f->floor = r->stack + r->fence;
    f->at++;
    return true;
}

/* ---- the loop ---- */

/* One opcode, or a run of the same one; false: not here. */
static inline bool step(struct fast *f, struct ff_reader *r)
{
    switch (*f->at) {
    case FF_OP_BININT1:
        read_bytes(f);
        return true;
    case FF_OP_BININT2:
        read_shorts(f);
        return true;
    case FF_OP_BININT:
        read_ints(f);
        return true;
    case FF_OP_BINFLOAT:
        read_floats(f);
        return true;
    case FF_OP_LONG1:
        return read_long(f);
    case FF_OP_NONE:
        return push(f, FF_TAG_NONE);
    case FF_OP_NEWTRUE:
        return push(f, FF_TAG_TRUE);
    case FF_OP_NEWFALSE:
        return push(f, FF_TAG_FALSE);
    case FF_OP_SHORT_BINUNICODE:
        return read_data(f, FF_TAG_STR, 2, f->at[1]);
    case FF_OP_BINUNICODE:
        return read_data(f, FF_TAG_STR, 5, ff_load_le32(f->at + 1));
    case FF_OP_SHORT_BINBYTES:
        return read_data(f, FF_TAG_BYTES, 2, f->at[1]);
    case FF_OP_BINBYTES:
        return read_data(f, FF_TAG_BYTES, 5, ff_load_le32(f->at + 1));
    case FF_OP_MEMOIZE:
        return put_at(f, (uint32_t)(f->next - f->memo), 1);
    case FF_OP_BINPUT:
        return put_at(f, f->at[1], 2);
    case FF_OP_LONG_BINPUT:
        return put_at(f, ff_load_le32(f->at + 1), 5);
    case FF_OP_BINGET:
        return get(f, f->at[1], 2);
    case FF_OP_LONG_BINGET:
        return get(f, ff_load_le32(f->at + 1), 5);
    case FF_OP_EMPTY_LIST:
        return new_seq(f, FF_TAG_LIST);
    case FF_OP_EMPTY_DICT:
        return new_seq(f, FF_TAG_DICT);
    case FF_OP_TUPLE1:
        return new_tuple(f, 1);
    case FF_OP_TUPLE2:
        return new_tuple(f, 2);
    case FF_OP_TUPLE3:
        return new_tuple(f, 3);
    case FF_OP_MARK:
        return mark(f, r);
    case FF_OP_SETITEMS:
        return set_items(f, r);
    default:
        return false;
    }
}

void ff_read_fast(struct ff_reader *r)
{
    struct fast f;
    enter(&f, r);
    while (room(&f) && step(&f, r)) {
    }
    leave(&f, r);
}
