/* SPDX-License-Identifier: Apache-2.0 */
/* read.h: the reader's machine: a stack with fences, a memo, a frame; its parts are in
 * read*.c. */
#ifndef FF_CORE_READ_H
#define FF_CORE_READ_H

#include <string.h>

#include "core/doc.h"
#include "opcodes.h"

#define FF_STOPPED 1

/* A cell of the memo that is noted in the document's `shared`; pointers leave this bit free,
 * and integers are never marked. */
#define FF_MEMO_NOTED (UINT64_C(1) << 63)

/* Was on the stack, or in a container, when so many effects were known. */
struct ff_dropped {
    uint64_t cell;
    size_t place;
};

struct ff_reader {
    struct ff_doc *doc;
    const uint8_t *begin, *end;
    const uint8_t
        *at; /* behind the opcode while its function runs, then behind its argument */
    const uint8_t *limit; /* end of the frame, or of the input */
    const uint8_t *op;
    const uint8_t *arg; /* the data of FF_ARG_DATA*, the line */
    size_t arg_bytes;
    uint64_t *stack;
    size_t depth, room;
    size_t fence; /* what is below belongs to an outer MARK */
    size_t *marks;
    size_t mark_count, mark_room;
    uint64_t *memo; /* dense; 0 = empty; what is behind `memo_filled` is not set yet */
    size_t memo_filled, memo_room;
    struct ff_cellmap far_memo; /* indices beyond the dense part */
    size_t memo_count;
    struct ff_cellmap pids; /* id -> its PERSISTENT node */
    struct ff_vec dropped;  /* struct ff_dropped: is perhaps lost */
    size_t place;           /* of the effects that are found at the end */
    uint64_t searched;      /* steps of looking for what contains itself */
    int protocol;           /* of the last PROTO; else 0 */
    int newest;             /* the highest protocol of an opcode that was met */
    uint64_t buffers;
    struct ff_load_options options; /* all of them, whatever the caller's have */
    bool framed;                    /* inside a frame, which ends at `limit` */
    /* FF_LOAD_JOBLIB: reads a pickle inside, from r->at on, if others than the reader look on */
    int (*nested)(struct ff_reader *r);
    struct ff_error *e;
};

typedef int ff_read_function(struct ff_reader *r);

/* Fills the error: offset, opcode, text; returns `code`. */
int ff_read_fail(struct ff_reader *r, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* No memory, or over the budget. */
int ff_read_full(struct ff_reader *r);
int ff_read_run(struct ff_reader *r);
/* The next opcode at r->op, its argument in r->arg. */
int ff_read_fetch(struct ff_reader *r);
/* What each opcode does, by its byte. */
extern ff_read_function *const ff_read_functions[256];
/* The two lines of GLOBAL and INST, checked. */
struct ff_names_read {
    const uint8_t *module, *name;
    size_t module_bytes, name_bytes;
};
int ff_read_names(struct ff_reader *r, struct ff_names_read *out);
/* Fill everything, and the budgets of `doc`; ff_read_free also after a failure. */
int ff_read_init(struct ff_reader *r, struct ff_doc *doc, const void *data,
                 size_t size_bytes, const struct ff_load_options *, struct ff_error *);
void ff_read_free(struct ff_reader *r);
/* A file as a mapping, to be released with (*release)(*taken). */
int ff_map_file(const char *path, const void **data, size_t *size_bytes, void **taken,
                void (**release)(void *), struct ff_error *);
/* As many opcodes as are plain, from r->at on; maybe none. Not before a PROTO of 2 or
 * more: `newest` is not kept up (read_fast.c). */
void ff_read_fast(struct ff_reader *r);

/* Zeroed; NULL: no memory. */
static inline void *ff_read_new_node(struct ff_reader *r, size_t size_bytes)
{
    void *node = ff_doc_alloc(r->doc, size_bytes);
    return node ? memset(node, 0, size_bytes) : NULL;
}

/* A stack and a memo, so that none of their ends is NULL; of ff_read_init. */
int ff_read_prepare(struct ff_reader *r);
int ff_read_grow_stack(struct ff_reader *r, size_t extra);
static inline int ff_read_push(struct ff_reader *r, uint64_t cell)
{
    if (r->depth == r->room && ff_read_grow_stack(r, 1)) {
        return FF_E_LIMIT;
    }
    r->stack[r->depth++] = cell;
    return FF_OK;
}
/* Push a node that was just made. */
static inline int ff_read_push_node(struct ff_reader *r, unsigned tag, const void *node)
{
    return node ? ff_read_push(r, ff_cell(tag, node)) : ff_read_full(r);
}
/* Whether `count` items lie above the fence; else fails. */
int ff_read_need(struct ff_reader *r, size_t count);
/* Take the topmost MARK away: *start = where its items begin. */
int ff_read_pop_mark(struct ff_reader *r, size_t *start);
int ff_read_put(struct ff_reader *r, uint64_t index);
int ff_read_get(struct ff_reader *r, uint64_t index);
/* Note that a cell stands in more than one place. */
int ff_read_note_shared(struct ff_reader *r, uint64_t cell);
/* Items for an object: into its usual parts while the order is the usual one, else steps. */
int ff_read_object_append(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                          size_t count);
int ff_read_object_set(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                       size_t count);
int ff_read_object_add(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                       size_t count);
/* Things done to what is no object of this stream: kept in order on the document. */
int ff_read_effects(struct ff_reader *r, int kind, uint64_t target, const uint64_t *cells,
                    size_t count);
/* FF_LOAD_JOBLIB: what stands behind the BUILD of an object, if it is a wrapper of an array; the
 * array takes its place on the stack. */
int ff_read_joblib(struct ff_reader *r, uint64_t target);
int ff_read_nested_begin(struct ff_reader *inner, const struct ff_reader *r);
/* setter(target, state), its result dropped. */
int ff_read_object_setter(struct ff_reader *r, uint64_t target, uint64_t setter,
                          uint64_t state);
/* Its rarer parts; NULL: no memory. */
struct ff_object_more *ff_read_object_more(struct ff_reader *r, struct ff_object_node *o);
/* A call or an object whose result nobody keeps (read_dropped.c). */
int ff_read_dropped(struct ff_reader *r, uint64_t cell);
/* The same for what stood in a container, or nearly. */
int ff_read_replaced(struct ff_reader *r, const uint64_t *cells, size_t count);
/* How many effects come before one that is found now. */
static inline size_t ff_read_place(const struct ff_reader *r)
{
    size_t count = r->doc->effects.count;
    return r->place < count ? r->place : count;
}
/* At the end: calls that are no part of the value any more become its effects. */
int ff_read_keep_lost(struct ff_reader *r);

uint64_t ff_read_u64(const uint8_t *p, size_t size);

/* Integers as Python's int(text, base) takes them; base 0 or 10 (read_number.c). */
int ff_read_int_text(struct ff_reader *r, const uint8_t *text, size_t size, int base,
                     bool octal, uint64_t *cell);

#define FF_READ_DECLARE(name, byte, arg, protocol, function)                             \
    ff_read_function ff_op_##function;
FF_OPCODES(FF_READ_DECLARE)
#undef FF_READ_DECLARE

#endif
