/* SPDX-License-Identifier: Apache-2.0 */
/* scan_fast.c: the opcodes that most of a pickle consists of, in a loop, as read_fast.c has them for
 * the reader. It never fails: what is not the ordinary case, it leaves to scan_ops.c. The loop ends
 * SLACK bytes before the end of the frame, so arguments need no check of their own. */
#include "core/base/word.h"
#include "scan.h"

#define SLACK 16

struct fast {
    struct ff_reader *r;
    const uint8_t *at, *safe;
    uint64_t *top, *full;
    const uint64_t *floor;
    uint64_t *memo, *next, *memo_end; /* written in order so far */
};

static inline bool room(const struct fast *f)
{
    return f->at < f->safe && f->top < f->full;
}

static inline bool push(struct fast *f, uint64_t cell, size_t size)
{
    *f->top++ = cell;
    f->at += size;
    return true;
}

/* A run of one opcode of `size` bytes. The value of a number matters to a bytearray only. */
static inline bool numbers(struct fast *f, uint8_t op, size_t size)
{
    for (; room(f) && *f->at == op; f->at += size) {
        *f->top++ = op == FF_OP_BINFLOAT  ? ff_cell(FF_TAG_FLOAT, f->at)
                    : op == FF_OP_BININT1 ? ff_cell_of_int(f->at[1])
                    : op == FF_OP_BININT2
                        ? ff_cell_of_int((int64_t)(ff_load_le32(f->at) >> 8 & 0xffff))
                        : ff_cell_of_int((int32_t)ff_load_le32(f->at + 1));
    }
    return true;
}

static inline void memoize_pushed(struct fast *f)
{
    if (*f->at == FF_OP_MEMOIZE && f->next < f->memo_end) {
        *f->next++ = f->top[-1];
        f->at++;
    }
}

static inline bool put(struct fast *f, uint32_t index, size_t size)
{
    if (index != (size_t)(f->next - f->memo) || f->next == f->memo_end ||
        f->top == f->floor) {
        return false;
    }
    *f->next++ = f->top[-1];
    f->at += size;
    return true;
}

static inline bool get(struct fast *f, uint32_t index, size_t size)
{
    uint64_t cell = index < (size_t)(f->next - f->memo) ? f->memo[index] : 0;
    if (!cell) {
        return false;
    }
    cell = ff_tag(cell) > FF_TAG_INT ? cell & ~FF_MEMO_NOTED : cell;
    if (ff_tag(cell) == FF_TAG_GLOBAL) {
        ff_scan_global_of(cell)->pushed++;
    }
    return push(f, cell, size);
}

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

static inline bool data(struct fast *f, unsigned tag, size_t header, uint64_t size)
{
    const uint8_t *p = f->at + header;
    if (p > f->safe || (uint64_t)(f->safe - p) < size ||
        (tag == FF_TAG_STR && !is_ascii(p, (size_t)size) &&
         !ff_utf8_check(p, (size_t)size))) {
        return false;
    }
    (void)push(f, ff_cell(tag, f->at), header + (size_t)size);
    memoize_pushed(f);
    return true;
}

/* LONG1 of more than an inline integer; its last byte is no mere sign. */
static inline bool big(struct fast *f, size_t size)
{
    return size > 7 && (size_t)(f->safe - f->at) > size && f->at[1 + size] != 0 &&
           f->at[1 + size] != 0xff && data(f, FF_TAG_BIGINT, 2, size);
}

static inline bool opaque(struct fast *f, unsigned tag)
{
    (void)push(f, ff_opaque(tag), 1);
    memoize_pushed(f);
    return true;
}

/* As ff_scan_tuple. */
static inline bool tuple(struct fast *f, size_t count)
{
    uint64_t no_key = 0;
    bool keep = true;
    if ((size_t)(f->top - f->floor) < count) {
        return false;
    }
    const uint64_t *items = f->top - count;
    for (size_t i = 0; i < count; i++) {
        keep = keep && ff_scan_keeps(items[i]);
        no_key |= ff_no_key(items[i]) ? FF_OPAQUE_NO_KEY : 0;
    }
    uint64_t cell = ff_opaque(FF_TAG_TUPLE) | no_key;
    if (keep) {
        struct ff_seq *seq =
            ff_doc_take(f->r->doc, sizeof *seq + count * sizeof(uint64_t));
        if (!seq) {
            return false;
        }
        *seq = (struct ff_seq){count, (uint64_t *)(seq + 1)};
        for (size_t i = 0; i < count; i++) {
            seq->cells[i] = items[i];
        }
        cell = ff_cell(FF_TAG_TUPLE, seq);
    }
    f->top -= count;
    (void)push(f, cell, 1);
    memoize_pushed(f);
    return true;
}

/* REDUCE or NEWOBJ of a global, where nobody wants to hear of it. */
static inline bool call(struct fast *f, bool made)
{
    if (f->top - f->floor < 2 || ff_scanner_of(f->r)->tell.call ||
        ff_tag(f->top[-2]) != FF_TAG_GLOBAL || ff_seen_tag(f->top[-1]) != FF_TAG_TUPLE) {
        return false;
    }
    struct ff_scan_global *g = ff_scan_global_of(f->top[-2]);
    *(made ? &g->made : &g->called) += 1;
    f->top -= 2;
    return opaque(f, FF_TAG_OBJECT);
}

static inline bool mark(struct fast *f)
{
    struct ff_reader *r = f->r;
    if (r->mark_count == r->mark_room) {
        return false;
    }
    r->marks[r->mark_count++] = r->fence;
    r->fence = (size_t)(f->top - r->stack);
    f->floor = f->top;
    f->at++;
    return true;
}

/* APPENDS to a list, SETITEMS of a dict with keys that can be keys. */
static inline bool items(struct fast *f, uint64_t target)
{
    struct ff_reader *r = f->r;
    uint64_t *start = r->stack + r->fence;
    bool pairs = target != ff_opaque(FF_TAG_LIST);
    if (!r->mark_count || start == r->stack || start[-1] != target ||
        r->marks[r->mark_count - 1] >= r->fence || (pairs && (f->top - start) % 2)) {
        return false;
    }
    for (uint64_t *p = start; pairs && p < f->top; p += 2) {
        if (ff_no_key(*p)) {
            return false;
        }
    }
    r->fence = r->marks[--r->mark_count];
    f->top = start;
    f->floor = r->stack + r->fence;
    f->at++;
    return true;
}

static inline bool step(struct fast *f)
{
    switch (*f->at) {
    case FF_OP_BININT1:
        return numbers(f, FF_OP_BININT1, 2);
    case FF_OP_BININT2:
        return numbers(f, FF_OP_BININT2, 3);
    case FF_OP_BININT:
        return numbers(f, FF_OP_BININT, 5);
    case FF_OP_BINFLOAT:
        return numbers(f, FF_OP_BINFLOAT, 9);
    case FF_OP_NONE:
        return push(f, FF_TAG_NONE, 1);
    case FF_OP_NEWTRUE:
        return push(f, FF_TAG_TRUE, 1);
    case FF_OP_NEWFALSE:
        return push(f, FF_TAG_FALSE, 1);
    case FF_OP_SHORT_BINUNICODE:
        return data(f, FF_TAG_STR, 2, f->at[1]);
    case FF_OP_BINUNICODE:
        return data(f, FF_TAG_STR, 5, ff_load_le32(f->at + 1));
    case FF_OP_SHORT_BINBYTES:
        return data(f, FF_TAG_BYTES, 2, f->at[1]);
    case FF_OP_BINBYTES:
        return data(f, FF_TAG_BYTES, 5, ff_load_le32(f->at + 1));
    case FF_OP_LONG1:
        return big(f, f->at[1]);
    case FF_OP_MEMOIZE:
        return put(f, (uint32_t)(f->next - f->memo), 1);
    case FF_OP_BINPUT:
        return put(f, f->at[1], 2);
    case FF_OP_LONG_BINPUT:
        return put(f, ff_load_le32(f->at + 1), 5);
    case FF_OP_BINGET:
        return get(f, f->at[1], 2);
    case FF_OP_LONG_BINGET:
        return get(f, ff_load_le32(f->at + 1), 5);
    case FF_OP_EMPTY_LIST:
        return opaque(f, FF_TAG_LIST);
    case FF_OP_EMPTY_DICT:
        return opaque(f, FF_TAG_DICT);
    case FF_OP_TUPLE1:
        return tuple(f, 1);
    case FF_OP_TUPLE2:
        return tuple(f, 2);
    case FF_OP_TUPLE3:
        return tuple(f, 3);
    case FF_OP_REDUCE:
        return call(f, false);
    case FF_OP_NEWOBJ:
        return call(f, true);
    case FF_OP_MARK:
        return mark(f);
    case FF_OP_APPENDS:
        return items(f, ff_opaque(FF_TAG_LIST));
    case FF_OP_SETITEMS:
        return items(f, ff_opaque(FF_TAG_DICT));
    default:
        return false;
    }
}

void ff_scan_fast(struct ff_reader *r)
{
    bool in_order = r->memo_count == r->memo_filled && r->far_memo.used == 0;
    struct fast f = {.r = r,
                     .at = r->at,
                     .safe = r->limit - r->at > SLACK ? r->limit - SLACK : r->at,
                     .top = r->stack + r->depth,
                     .full = r->stack + r->room,
                     .floor = r->stack + r->fence,
                     .memo = r->memo};
    f.next = in_order ? r->memo + r->memo_count : r->memo;
    f.memo_end = in_order ? r->memo + r->memo_room : r->memo;
    while (room(&f) && step(&f)) {
    }
    r->at = f.at;
    r->depth = (size_t)(f.top - r->stack);
    if (f.next > f.memo) {
        r->memo_count = r->memo_filled = (size_t)(f.next - f.memo);
    }
}
