/* SPDX-License-Identifier: Apache-2.0 */
/* read.c: the machine that reads pickles: dispatch, arguments, frames, the stack, the memo.
 * It is data in, data out: nothing is imported, called or looked up outside the stream. */
#include "read.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/alloc.h"

ff_read_function *const ff_read_functions[256] = {
#define ROW(name, byte, arg, protocol, function) [byte] = ff_op_##function,
    FF_OPCODES(ROW)
#undef ROW
};

int ff_read_fail(struct ff_reader *r, int code, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *name = r->op < r->end ? ff_opcodes[*r->op].name : "end";
    return ff_fail(r->e, code, NULL, "pickle, offset %zu, %s: %s",
                   (size_t)(r->op - r->begin), name ? name : "not an opcode", text);
}

int ff_read_full(struct ff_reader *r)
{
    struct ff_error own = FF_ERROR_INIT;
    int code = ff_doc_full(r->doc, &own);
    return ff_read_fail(r, code, "%s", own.message);
}

uint64_t ff_read_u64(const uint8_t *p, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) {
        value = value << 8 | p[i];
    }
    return value;
}

/* ---- the stack ---- */

int ff_read_grow_stack(struct ff_reader *r, size_t extra)
{
    size_t room = r->room ? r->room : 64;
    while (room - r->depth < extra) {
        if (room > SIZE_MAX / 32) {
            return ff_read_full(r);
        }
        room *= 2;
    }
    if (!ff_doc_charge(r->doc, (room - r->room) * sizeof *r->stack)) {
        return ff_read_full(r);
    }
    uint64_t *stack = ff_realloc_array(r->stack, room, sizeof *stack);
    if (!stack) {
        return ff_read_full(r);
    }
    r->stack = stack;
    r->room = room;
    return FF_OK;
}

int ff_read_need(struct ff_reader *r, size_t count)
{
    if (r->depth - r->fence >= count) {
        return FF_OK;
    }
    return ff_read_fail(r, FF_E_CORRUPT, "%s",
                        r->mark_count ? "unexpected MARK on the stack"
                                      : "stack underflow");
}

int ff_op_mark(struct ff_reader *r)
{
    if (r->mark_count == r->mark_room) {
        size_t room = r->mark_room ? 2 * r->mark_room : 16;
        if (room > SIZE_MAX / 32 ||
            !ff_doc_charge(r->doc, (room - r->mark_room) * sizeof *r->marks)) {
            return ff_read_full(r);
        }
        size_t *marks = ff_realloc_array(r->marks, room, sizeof *marks);
        if (!marks) {
            return ff_read_full(r);
        }
        r->marks = marks;
        r->mark_room = room;
    }
    r->marks[r->mark_count++] = r->fence;
    r->fence = r->depth;
    return FF_OK;
}

int ff_read_pop_mark(struct ff_reader *r, size_t *start)
{
    if (r->mark_count == 0) {
        return ff_read_fail(r, FF_E_CORRUPT, "could not find MARK");
    }
    *start = r->fence;
    r->fence = r->marks[--r->mark_count];
    return FF_OK;
}

int ff_op_pop(struct ff_reader *r)
{
    size_t start;
    if (r->depth == r->fence) {
        return r->mark_count ? ff_read_pop_mark(r, &start) : ff_read_need(r, 1);
    }
    return ff_read_dropped(r, r->stack[--r->depth]);
}

int ff_op_pop_mark(struct ff_reader *r)
{
    size_t start = 0;
    int failed = ff_read_pop_mark(r, &start);
    while (!failed && r->depth > start) {
        failed = ff_read_dropped(r, r->stack[--r->depth]);
    }
    return failed;
}

int ff_op_dup(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    if (failed) {
        return failed;
    }
    uint64_t top = r->stack[r->depth - 1];
    failed = ff_read_note_shared(r, top);
    return failed ? failed : ff_read_push(r, top);
}

int ff_op_stop(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    if (!failed) {
        r->doc->root = r->stack[r->depth - 1];
        failed = ff_read_keep_lost(r);
    }
    return failed ? failed : FF_STOPPED;
}

/* ---- the memo ---- */

static int grow_memo(struct ff_reader *r, size_t index)
{
    size_t room = r->memo_room ? r->memo_room : 64;
    while (room <= index) {
        room *= 2;
    }
    if (!ff_doc_charge(r->doc, (room - r->memo_room) * sizeof *r->memo)) {
        return ff_read_full(r);
    }
    uint64_t *memo = ff_realloc_array(r->memo, room, sizeof *memo);
    if (!memo) {
        return ff_read_full(r);
    }
    r->memo = memo;
    r->memo_room = room;
    return FF_OK;
}

int ff_read_prepare(struct ff_reader *r)
{
    int failed = ff_read_grow_stack(r, 1);
    return failed ? failed : grow_memo(r, 0);
}

static uint64_t *dense_slot(struct ff_reader *r, size_t index)
{
    for (; r->memo_filled <= index; r->memo_filled++) {
        r->memo[r->memo_filled] = 0;
    }
    return &r->memo[index];
}

/* In the table of far ones. The table is made for addresses, and who writes a stream chooses its
 * indices: they are spread by numbers that nobody knows outside. One to one, and never 0, as no
 * index has the highest bit. */
static uint64_t far_key(const struct ff_reader *r, uint64_t index)
{
    uint64_t key[2];
    memcpy(key, r->doc->hash_key, sizeof key);
    return (index ^ (key[0] | (uint64_t)1 << 63)) * (key[1] | 1u);
}

/* The slot for writing. Dense while the index is not far beyond what is there. */
static uint64_t *memo_slot(struct ff_reader *r, uint64_t index)
{
    if (index < r->memo_room) {
        return dense_slot(r, (size_t)index);
    }
    if (index <= 2 * (uint64_t)r->memo_count + 1024) {
        return grow_memo(r, (size_t)index) ? NULL : dense_slot(r, (size_t)index);
    }
    uint64_t *slot = NULL;
    if (ff_doc_charge(r->doc, 2 * sizeof(struct ff_cellmap_slot))) {
        slot = ff_cellmap_put(&r->far_memo, far_key(r, index));
    }
    if (!slot) {
        (void)ff_read_full(r);
    }
    return slot;
}

int ff_read_put(struct ff_reader *r, uint64_t index)
{
    int failed = ff_read_need(r, 1);
    if (failed) {
        return failed;
    }
    uint64_t *slot = memo_slot(r, index);
    if (!slot) {
        return r->e->code;
    }
    uint64_t top = r->stack[r->depth - 1];
    /* A dense slot may be that of an index that was far when it was put. */
    r->memo_count += *slot == 0 && (index >= r->memo_filled || r->far_memo.used == 0 ||
                                    !ff_cellmap_find(&r->far_memo, far_key(r, index)));
    *slot = top;
    if (ff_tag(top) == FF_TAG_OBJECT) {
        ((struct ff_object_node *)ff_cell_node(top))->unmemoized = false;
    }
    /* no pickler puts a buffer there: it is written as it was read */
    return ff_tag(top) == FF_TAG_BUFFER ? ff_read_note_shared(r, top) : FF_OK;
}

int ff_read_get(struct ff_reader *r, uint64_t index)
{
    uint64_t *slot = index < r->memo_filled ? &r->memo[index] : NULL;
    if (!slot || !*slot) {
        slot = ff_cellmap_find(&r->far_memo, far_key(r, index));
    }
    if (!slot || !*slot) {
        return ff_read_fail(r, FF_E_CORRUPT, "nothing is in the memo at %llu",
                            (unsigned long long)index);
    }
    uint64_t cell = *slot;
    if (ff_tag(cell) > FF_TAG_INT) {
        if (!(cell & FF_MEMO_NOTED)) {
            *slot = cell | FF_MEMO_NOTED;
            int failed = ff_read_note_shared(r, cell);
            if (failed) {
                return failed;
            }
        }
        cell &= ~FF_MEMO_NOTED;
    }
    return ff_read_push(r, cell);
}

int ff_read_note_shared(struct ff_reader *r, uint64_t cell)
{
    while (ff_tag(cell) > FF_TAG_INT && !ff_cellmap_find(&r->doc->shared, cell)) {
        if (ff_tag(cell) == FF_TAG_OBJECT) {
            ((struct ff_object_node *)ff_cell_node(cell))->unmemoized = false;
        }
        if (!ff_doc_charge(r->doc, 2 * sizeof(struct ff_cellmap_slot)) ||
            !ff_cellmap_put(&r->doc->shared, cell)) {
            return ff_read_full(r);
        }
        if (ff_tag(cell) != FF_TAG_PERSISTENT) {
            break; /* an id is written each time, its parts are not */
        }
        cell = ((const struct ff_persistent_node *)ff_cell_node(cell))->pid;
    }
    return FF_OK;
}

/* ---- arguments and frames ---- */

static int short_argument(struct ff_reader *r)
{
    if (r->limit < r->end) {
        return ff_read_fail(r, FF_E_CORRUPT, "the argument crosses the end of a frame");
    }
    return ff_read_fail(r, FF_E_CORRUPT, "the pickle is cut off");
}

static int take_data(struct ff_reader *r, size_t length_size)
{
    if ((size_t)(r->limit - r->at) < length_size) {
        return short_argument(r);
    }
    uint64_t size = ff_read_u64(r->at, length_size);
    r->at += length_size;
    if (*r->op == FF_OP_LONG4 && size > INT32_MAX) {
        return ff_read_fail(r, FF_E_CORRUPT, "negative length");
    }
    if (size > (uint64_t)(r->limit - r->at)) {
        return short_argument(r);
    }
    r->arg = r->at;
    r->arg_bytes = (size_t)size;
    r->at += size;
    return FF_OK;
}

/* The first line; the second one of two follows at r->at. */
static int take_line(struct ff_reader *r)
{
    const uint8_t *newline = memchr(r->at, '\n', (size_t)(r->limit - r->at));
    if (!newline) {
        return short_argument(r);
    }
    r->arg = r->at;
    r->arg_bytes = (size_t)(newline - r->at);
    r->at = newline + 1;
    return FF_OK;
}

static int take_argument(struct ff_reader *r, uint8_t kind)
{
    static const uint8_t size_of[] = {
        [FF_ARG_1] = 1, [FF_ARG_2] = 2, [FF_ARG_4] = 4, [FF_ARG_8] = 8};
    switch (kind) {
    case FF_ARG_NONE:
        return FF_OK;
    case FF_ARG_DATA1:
        return take_data(r, 1);
    case FF_ARG_DATA4:
        return take_data(r, 4);
    case FF_ARG_DATA8:
        return take_data(r, 8);
    case FF_ARG_LINE:
    case FF_ARG_LINES:
        return take_line(r);
    default:
        if ((size_t)(r->limit - r->at) < size_of[kind]) {
            return short_argument(r);
        }
        r->arg = r->at;
        r->at += size_of[kind];
        return FF_OK;
    }
}

int ff_op_frame(struct ff_reader *r)
{
    uint64_t size = ff_read_u64(r->arg, 8);
    if (size > (uint64_t)(r->end - r->at)) {
        return ff_read_fail(r, FF_E_CORRUPT, "the frame is longer than the pickle");
    }
    if (!(r->options.flags & FF_LOAD_LAX_FRAMES)) {
        if (r->framed) {
            return ff_read_fail(r, FF_E_CORRUPT, "a frame begins inside a frame");
        }
        r->limit = r->at + size;
        r->framed = true;
    }
    return FF_OK;
}

int ff_op_proto(struct ff_reader *r)
{
    if (*r->arg > 5) {
        return ff_read_fail(r, FF_E_CORRUPT, "unsupported protocol %u",
                            (unsigned)*r->arg);
    }
    r->protocol = *r->arg;
    return FF_OK;
}

int ff_read_fetch(struct ff_reader *r)
{
    r->op = r->at;
    while (r->at == r->limit) {
        if (r->limit == r->end) {
            return ff_read_fail(r, FF_E_CORRUPT, "%s",
                                r->begin == r->end ? "it is empty" : "no STOP");
        }
        r->limit = r->end;
        r->framed = false;
    }
    const struct ff_opcode *op = &ff_opcodes[*r->at++];
    if (!op->name) {
        return ff_read_fail(r, FF_E_CORRUPT, "byte 0x%02x is not an opcode",
                            (unsigned)*r->op);
    }
    if (op->protocol > r->newest && *r->op != FF_OP_TUPLE2) {
        r->newest = op->protocol; /* CPython writes TUPLE2 for setters in all protocols */
    }
    return take_argument(r, op->arg);
}

/* Any opcode, the slow and complete way. */
static int step(struct ff_reader *r)
{
    int failed = ff_read_fetch(r);
    return failed ? failed : ff_read_functions[*r->op](r);
}

int ff_read_run(struct ff_reader *r)
{
    int result = FF_OK;
    while (result == FF_OK) {
        if (r->protocol >= 2) {
            ff_read_fast(r);
        }
        result = step(r);
    }
    return result;
}
