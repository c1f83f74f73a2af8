/* SPDX-License-Identifier: Apache-2.0 */
/* write.h: the writer's machine: a stack of what is half written, a memo, an output with
 * frames. Byte for byte what CPython's C pickler does; its rules are told where they are
 * followed, in write*.c. */
#ifndef FF_CORE_WRITE_H
#define FF_CORE_WRITE_H

#include "core/doc.h"
#include "opcodes.h"

#define FF_BATCH_ITEMS 1000u
#define FF_FRAME_BYTES                                                                   \
    65536u /* a frame is closed behind this, bigger data goes outside */
#define FF_FRAME_HEADER  9u
#define FF_FRAME_LEAST   4u
#define FF_WRITE_DEEP    1000u               /* so deep something may be endless */
#define FF_ELEMENT_BYTES ((uint64_t)4 << 20) /* read at once from an array */

/* What a function of the machine says. */
enum ff_write_result {
    FF_WRITTEN = 0, /* done */
    FF_PUSHED = 1   /* a part is on the stack: come back when it is written */
                    /* < 0: failed */
};

/* Something half written. */
struct ff_part_frame {
    int (*step)(struct ff_dumper *d, struct ff_part_frame *f);
    uint64_t cell;    /* its identity in the memo */
    const void *node; /* what it is written as */
    size_t at;        /* how far it is; the part being written is the one before */
    uint32_t batch;
    uint8_t phase;
    uint8_t kind; /* enum ff_tag of the items */
    bool exact;   /* a list or dict itself, not the items of an object */
    bool scratch; /* of the writer's own document */
    bool opens;   /* counts in `open` of the writer */
};

/* A piece of the document's arena, and beside it a number for each place where an object may
 * begin: its index in the memo + 1, or 0. */
struct ff_memo_area {
    uintptr_t begin;
    size_t size_bytes;
    uint32_t *number;
};

struct ff_dumper {
    const struct ff_write_options *options;
    struct ff_error *e;
    const struct ff_doc *doc;
    struct ff_doc *own; /* for what the writer makes: ids, numpy's forms */
    struct ff_value texts, globals, dtypes; /* of `own`: what was made, by name */
    uint32_t protocol;
    /* output */
    uint8_t *out;
    size_t used, room;
    size_t frame_start;
    bool framing, in_frame;
    /* identity */
    struct ff_cellmap memo;   /* cell -> index + 1; 0: shared, not written yet */
    struct ff_cellmap asked;  /* cell -> its new id, or 1: declined */
    struct ff_cellmap nested; /* object with outer arguments -> how often it was begun */
    struct ff_cellmap begun;  /* deep: object -> progress + 1 when it was begun */
    uint64_t progress;        /* values of the document that were put into the memo */
    uint64_t memo_count;
    uint64_t buffers; /* how many were taken */
    uint64_t open; /* of what may be begun again inside itself, begun and not made yet */
    bool all_in_memo;    /* it is not known which cells are shared */
    struct ff_vec areas; /* struct ff_memo_area, by address */
    struct ff_memo_area *area, *other, no_area; /* those of the last objects */
    bool plain;                                 /* ff_write_fast may be used */
    struct ff_part_frame *stack;
    size_t depth, stack_room;
};

/* Room for `count` bytes at the end, in a frame where there are frames; NULL: no memory, the
 * error is filled. Then ff_write_done. */
uint8_t *ff_write_room(struct ff_dumper *d, size_t count);
static inline void ff_write_done(struct ff_dumper *d, size_t count)
{
    d->used += count;
}
/* To be called when what can contain itself before it is in the memo is begun: fails when it
 * is begun again and again. */
int ff_write_begin(struct ff_dumper *d, uint64_t cell);
int ff_write_op(struct ff_dumper *d, uint8_t op);
int ff_write_bytes(struct ff_dumper *d, const void *data, size_t size_bytes);
int ff_write_text(struct ff_dumper *d, const char *text);
/* A header and its payload, outside of frames when it is big. */
int ff_write_payload(struct ff_dumper *d, const uint8_t *header, size_t header_bytes,
                     const void *data, size_t size_bytes);
/* The same in steps: begin, any number of pieces, end. */
int ff_write_big_begin(struct ff_dumper *d, const uint8_t *header, size_t header_bytes,
                       bool *was_framing);
int ff_write_big_piece(struct ff_dumper *d, const void *data, size_t size_bytes);
int ff_write_close_frame(struct ff_dumper *d);
int ff_write_flush(struct ff_dumper *d);
int ff_write_no_memory(struct ff_dumper *d);

/* write_memo.c */
int ff_write_memo_begin(struct ff_dumper *d);
void ff_write_memo_end(struct ff_dumper *d);
/* Give it the next number. FF_PUSHED: it needs none, as nothing comes back to it. */
int ff_write_memo_put(struct ff_dumper *d, uint64_t cell, bool scratch);
uint32_t *ff_write_memo_look(struct ff_dumper *d, uintptr_t at);
/* Its place beside the arena, or NULL. */
static inline uint32_t *ff_write_memo_number(struct ff_dumper *d, uint64_t cell)
{
    uintptr_t at = (uintptr_t)(cell >> 8);
    if (at % sizeof(uint64_t)) {
        return NULL;
    }
    if (at - d->area->begin < d->area->size_bytes) {
        return &d->area->number[(at - d->area->begin) / sizeof(uint64_t)];
    }
    if (at - d->other->begin < d->other->size_bytes) {
        return &d->other->number[(at - d->other->begin) / sizeof(uint64_t)];
    }
    return d->areas.count ? ff_write_memo_look(d, at) : NULL;
}
/* Its index + 1, or 0. */
static inline uint64_t ff_write_memo_find(struct ff_dumper *d, uint64_t cell)
{
    const uint32_t *number = ff_write_memo_number(d, cell);
    if (number || d->memo.used == 0) {
        return number ? *number : 0;
    }
    const uint64_t *place = ff_cellmap_find(&d->memo, cell);
    return place ? *place : 0;
}
/* Put into the memo, with the opcode. */
int ff_write_memoize(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_memo_get(struct ff_dumper *d, uint64_t index);

/* Until nothing is half written. */
int ff_write_run(struct ff_dumper *d);
/* Write a value, or begin to. */
int ff_write_save(struct ff_dumper *d, uint64_t cell, bool scratch);
/* The same, without asking whether somebody keeps it. */
int ff_write_save_plain(struct ff_dumper *d, uint64_t cell, bool scratch);
struct ff_part_frame *
ff_write_push(struct ff_dumper *d, uint64_t cell, const void *node, bool scratch,
              int (*step)(struct ff_dumper *, struct ff_part_frame *));

/* Something that is put into the memo when its parts are written is begun. If it stands in more
 * than one place it may be a part of itself; then its parts are written twice, and objects and
 * globals among them must be in the memo, shared or not, to be made once. */
static inline void ff_write_open(struct ff_dumper *d, struct ff_part_frame *f)
{
    f->opens = !d->all_in_memo && d->memo.used && ff_cellmap_find(&d->memo, f->cell);
    d->open += f->opens;
}
static inline void ff_write_made(struct ff_dumper *d, struct ff_part_frame *f)
{
    d->open -= f->opens;
    f->opens = false;
}

/* As many of a row as are plain, maybe none (write_fast.c). */
int ff_write_fast(struct ff_dumper *d, const uint64_t *cells, size_t count, bool scratch,
                  size_t *written);

/* write_scalar.c; -1: no such length */
int ff_write_int(struct ff_dumper *d, int64_t value);
/* Little-endian. */
void ff_write_store(uint8_t *to, uint64_t value, size_t count);
/* Protocol 0: UTF-8 as Latin-1 with \u escapes. */
int ff_write_escaped(struct ff_dumper *d, const void *text, size_t size_bytes);
int ff_write_bigint(struct ff_dumper *d, uint64_t cell);
int ff_write_float(struct ff_dumper *d, uint64_t cell);
int ff_write_str(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_str2(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_binary(struct ff_dumper *d, uint64_t cell, bool scratch);
size_t ff_write_bytes_header(uint32_t protocol, uint64_t size_bytes, uint8_t header[9]);

/* write_latin1.c */
int ff_write_latin1(struct ff_dumper *d, uint64_t cell);

/* write_items.c */
int ff_write_list(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_dict(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_set(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_frozenset(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_tuple(struct ff_dumper *d, uint64_t cell, bool scratch);
/* What contains itself is in the memo by now: what was begun is dropped for it. */
int ff_write_fetch_instead(struct ff_dumper *d, size_t pops, uint8_t pop, uint64_t index);
/* The items of an object, as from an iterator. FF_WRITTEN when there are none. */
int ff_write_items(struct ff_dumper *d, uint64_t container, bool scratch);

/* write_object.c */
int ff_write_global(struct ff_dumper *d, uint64_t cell, bool scratch);
/* `node` in the place of `cell`. */
int ff_write_object(struct ff_dumper *d, uint64_t cell, const struct ff_object_node *node,
                    bool scratch);
int ff_write_pid(struct ff_dumper *d, uint64_t pid, bool scratch);
int ff_write_extension(struct ff_dumper *d, int32_t code);
int ff_write_buffer(struct ff_dumper *d, uint64_t cell, bool scratch);
int ff_write_effects(struct ff_dumper *d);

/* write_make.c: values of the writer's own document */
struct ff_doc *ff_write_own(struct ff_dumper *d);
uint64_t ff_make_text(struct ff_dumper *d, const char *text);
uint64_t ff_make_global(struct ff_dumper *d, const char *module, const char *name);
uint64_t ff_make_tuple(struct ff_dumper *d, const uint64_t *cells, size_t count);
/* callable(*args), then state; 0 = none */
uint64_t ff_make_call(struct ff_dumper *d, uint64_t callable, uint64_t args,
                      uint64_t state);
uint64_t ff_make_pid(struct ff_dumper *d, const struct ff_new_pid *pid);
/* Write `call` in the place of `cell`; 0 fails. */
int ff_write_instead(struct ff_dumper *d, uint64_t cell, uint64_t call);

/* write_numpy.c */
int ff_write_array(struct ff_dumper *d, uint64_t cell, const struct ff_array *array);
int ff_write_elements(struct ff_dumper *d, uint64_t cell);

#endif
