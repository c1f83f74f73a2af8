/* SPDX-License-Identifier: Apache-2.0 */
/* doc.h: how a document holds its values. A value is a cell of 8 bytes: a tag, and an
 * inline integer or a pointer. Scalars point to their own pickle opcode, in the input or
 * in the document's arena, so strings and bytes are never copied and are written back by
 * copying. Containers and objects are nodes in the arena. Identity is equality of cells.
 */
#ifndef FF_CORE_DOC_H
#define FF_CORE_DOC_H

#include <functionfuse/functionfuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/vec.h"
#include "core/cellmap.h"
#include "core/pickle/pickle.h"

enum ff_tag {
    FF_TAG_ABSENT = 0,
    FF_TAG_NONE,
    FF_TAG_FALSE,
    FF_TAG_TRUE,
    FF_TAG_INT,    /* 56 bits, signed, inline */
    FF_TAG_BIGINT, /* LONG1, LONG4 */
    FF_TAG_FLOAT,  /* BINFLOAT */
    FF_TAG_STR,    /* SHORT_BINUNICODE, BINUNICODE, BINUNICODE8 */
    FF_TAG_BYTES,  /* SHORT_BINBYTES, BINBYTES, BINBYTES8 */
    FF_TAG_STR2,   /* Python 2's str, all ASCII: SHORT_BINSTRING, BINSTRING */
    FF_TAG_BYTES2, /* Python 2's str, not ASCII */
    /* from here on pointers to nodes */
    FF_TAG_DECODED2,  /* struct ff_decoded: Python 2's str that was decoded */
    FF_TAG_BYTEARRAY, /* struct ff_blob */
    FF_TAG_LIST,      /* struct ff_seq */
    FF_TAG_TUPLE,
    FF_TAG_DICT,
    FF_TAG_SET,
    FF_TAG_FROZENSET,
    FF_TAG_GLOBAL, /* struct ff_global_node, and so on */
    FF_TAG_OBJECT,
    FF_TAG_ARRAY,
    FF_TAG_NATIVE,
    FF_TAG_PERSISTENT,
    FF_TAG_BUFFER,
    FF_TAG_EXTENSION,
    FF_TAG_ELEMENTS, /* the writer's: an array's elements as bytes */
    FF_TAG_LATIN1,   /* the writer's: bytes as Latin-1 text */
    FF_TAG_OPAQUE,   /* the scanner's: see scan.h */
    FF_TAG_WORD,     /* the writer's: a number of its own */
    FF_TAG_COUNT
};

#define FF_INLINE_INT_MAX (((int64_t)1 << 55) - 1)
#define FF_INLINE_INT_MIN (-((int64_t)1 << 55))

static inline unsigned ff_tag(uint64_t cell)
{
    return (unsigned)(cell & 0xff);
}
static inline void *ff_cell_node(uint64_t cell)
{
    return (void *)(uintptr_t)(cell >> 8);
}
static inline const uint8_t *ff_cell_code(uint64_t cell)
{
    return (const uint8_t *)(uintptr_t)(cell >> 8);
}
static inline int64_t ff_cell_int(uint64_t cell)
{
    return (int64_t)cell >> 8;
}
static inline uint64_t ff_cell(unsigned tag, const void *at)
{
    return ((uint64_t)(uintptr_t)at << 8) | tag;
}
static inline uint64_t ff_cell_of_int(int64_t value)
{
    return ((uint64_t)value << 8) | FF_TAG_INT;
}
static inline struct ff_value ff_value_of(const struct ff_doc *doc, uint64_t cell)
{
    struct ff_value v = {doc, cell};
    return v;
}
#define FF_NOTHING ((struct ff_value){NULL, 0})

/* A hash table over the keys of a dict, or the items of a set: entry number + 1, or 0. A
 * container of more than FF_SMALL_DICT entries without one has keys that are all int or
 * all str, in strictly ascending order. */
struct ff_index {
    size_t mask;
    size_t block; /* its number in the document's blocks */
    uint32_t slot[];
};

/* What stands before the cells of everything that can grow. */
struct ff_body {
    size_t capacity; /* cells */
    size_t block;    /* 0: in the arena; else 1 + its number in the document's blocks */
    union {
        struct ff_index *index;
        struct ff_body *next; /* while it is spare */
    };
    uint64_t cells[];
};

/* list, tuple, set, frozenset: `count` cells. dict: `count` entries of two cells. A
 * tuple's cells follow the node, all others are in a body. */
struct ff_seq {
    size_t count;
    uint64_t *cells;
};

struct ff_blob {
    const uint8_t *data;
    size_t size_bytes;
    bool readonly;         /* a memoryview of it that cannot be written to */
    size_t capacity_bytes; /* of `data`, where it may be written to; else 0 */
};

struct ff_decoded {
    uint64_t raw;  /* STR2 or BYTES2 */
    uint64_t text; /* STR */
};

struct ff_global_node {
    uint64_t module; /* STR, as it stands in the stream */
    uint64_t name;
    const struct ff_global_text *_Atomic text;
    bool old_names; /* spelled in a protocol below 3: Python 2's names */
    bool line;      /* by GLOBAL, not by STACK_GLOBAL */
    bool unmemoized;
    int32_t extension; /* its code, when it was named by one; else 0 */
};

/* NUL-ended names, as Python 3 has them; made at first need. */
struct ff_global_text {
    const char *module;
    const char *name;
    char full[]; /* "module.name" */
};

enum ff_how { FF_HOW_REDUCE, FF_HOW_NEWOBJ, FF_HOW_NEWOBJ_EX, FF_HOW_INST, FF_HOW_OBJ };

enum ff_step_kind {
    FF_STEP_APPEND,  /* a */
    FF_STEP_SETITEM, /* a = key, b = value */
    FF_STEP_ADD,     /* a */
    FF_STEP_BUILD,   /* a = state */
    FF_STEP_CALL     /* a = setter, b = state */
};

/* What happened to an object after its parts were complete, in stream order. */
struct ff_step {
    struct ff_step *next;
    uint64_t a, b;
    int kind;
};

/* The same, for what is not an object of the stream; CALL: the object `target`, dropped, or a
 * container of calls that hold it. */
struct ff_effect {
    int kind;
    uint64_t target, a, b;
    size_t place; /* how many were known when it happened */
};

struct ff_object_more {
    uint64_t kwargs;     /* DICT */
    uint64_t list_items; /* LIST */
    uint64_t dict_items; /* DICT, without looking at its keys */
    uint64_t setter;
    uint64_t
        outer_args; /* LIST of the arguments of the same object begun before, and dropped */
    struct ff_step *first_step, *last_step;
};

struct ff_object_node {
    uint64_t callable;
    uint64_t args; /* TUPLE */
    uint64_t state;
    struct ff_object_more *more; /* or NULL */
    uint8_t how;
    uint8_t stage;   /* enum ff_object_stage: what may still come in the usual order */
    bool unmemoized; /* as it was read: never put into the memo */
};

enum ff_object_stage { FF_STAGE_NEW, FF_STAGE_LIST, FF_STAGE_DICT, FF_STAGE_STATE };

/* What a resolved object came from. */
struct ff_origin {
    const struct ff_doc *doc;
    uint64_t cell; /* PERSISTENT */
};

struct ff_array_node {
    struct ff_array *array; /* the document's */
    struct ff_origin origin;
};

struct ff_native_box {
    atomic_uint refs;
    void *thing;
    void (*release)(void *);
    char class_name[];
};

struct ff_native_node {
    struct ff_native_box *box; /* the document's */
    struct ff_origin origin;
};

struct ff_persistent_text {
    const char *serializer, *version, *name;
    char bytes[];
};

struct ff_persistent_node {
    uint64_t pid;            /* any value */
    struct ff_origin source; /* imported: the one that is resolved */
    const struct ff_persistent_text *_Atomic text;
    /* the rest under the document's lock */
    bool opening, open;
    struct ff_value object; /* in a document that this document owns */
};

struct ff_buffer_node {
    uint64_t number;
    uint64_t base;       /* BUFFER: what this is a read-only view of, or 0 */
    bool given, frozen;  /* the reader had its bytes; they are not to be written */
    const uint8_t *data; /* the caller's; outlives the document */
    size_t size_bytes;
};

struct ff_extension_node {
    int32_t code;
};

/* The writer's: see FF_TAG_LATIN1. The bytes outlive it. */
struct ff_latin1_node {
    const uint8_t *data;
    size_t size_bytes;
};

/* The writer's: see FF_TAG_ELEMENTS. */
struct ff_elements_node {
    const struct ff_array *array;
    uint64_t size_bytes;
};

struct ff_keys;

#define FF_SPARE_BODIES 7 /* of 4, 8 ... 256 cells */

struct ff_doc {
    atomic_uint refs;
    uint64_t root;
    int protocol;
    /* the input: strings point into it */
    const uint8_t *input;
    size_t input_bytes;
    void *input_owner;
    void (*input_release)(void *);
    /* the arena */
    struct ff_chunk *chunks;
    uint8_t *free_at, *free_end;
    size_t next_chunk_bytes;
    struct ff_vec blocks; /* void *: big bodies */
    struct ff_body
        *spare[FF_SPARE_BODIES]; /* of the arena, left by what grew; by `next` */
    uint64_t used_bytes, max_bytes;
    uint64_t key_steps, max_key_steps;
    struct ff_vec arrays;     /* struct ff_array * */
    struct ff_vec natives;    /* struct ff_native_box * */
    struct ff_vec effects;    /* struct ff_effect: done to things outside, in order */
    struct ff_cellmap shared; /* read: the cells that occur more than once */
    bool notes_shared; /* it is being read, or was: what came again is in `shared` */
    bool knows_shared; /* it was read, and `shared` is whole */
    uint8_t hash_key[16];
    struct ff_keys *keys;  /* ids of keys; made at first need */
    uint64_t *singles;     /* see ff_doc_built_scalar; made at first need */
    const uint64_t *shape; /* entries of a small dict whose keys are known to differ */
    size_t shape_count;
    struct ff_resolver resolver;
    bool has_resolver;
    /* a document that a resolver gave: what asked for it, which outlives it */
    const struct ff_doc *parent;
    uint64_t parent_cell;
    uint64_t parent_object;
    /* from here on also of documents that are done, under the lock */
    struct ff_lazy *_Atomic lazies;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    struct ff_vec children; /* struct ff_doc *: resolved */
    struct ff_vec held;     /* struct ff_doc *: where imported things came from */
    struct ff_cellmap kept; /* cell -> struct ff_array * */
};

/* ---- import.c ---- */

/* ff_import without what the other document called and dropped. */
struct ff_value ff_import_value(struct ff_doc *doc, struct ff_value, struct ff_error *);

/* ---- documents (doc.c) ---- */

/* Members that are filled lazily: the document is const to all others. */
struct ff_doc *ff_doc_mutable(const struct ff_doc *doc);
/* 8-aligned memory of the document. NULL: out of memory, or over max_bytes; ff_doc_full
 * says which, as an error. */
void *ff_doc_alloc(struct ff_doc *doc, size_t size_bytes);
int ff_doc_full(const struct ff_doc *doc, struct ff_error *e);
/* The same where it takes a few instructions: a multiple of 8 bytes, from what is at hand. NULL:
 * ff_doc_alloc may still have it. */
static inline void *ff_doc_take(struct ff_doc *doc, size_t size_bytes)
{
    if ((size_t)(doc->free_end - doc->free_at) < size_bytes ||
        doc->used_bytes + size_bytes > doc->max_bytes) {
        return NULL;
    }
    void *memory = doc->free_at;
    doc->free_at += size_bytes;
    doc->used_bytes += size_bytes;
    return memory;
}
/* Each piece of the arena, where all that ff_doc_alloc gave lies; single: one object fills it.
 * Nonzero stops and is returned. */
int ff_doc_each_area(const struct ff_doc *doc,
                     int (*each)(void *ctx, const void *begin, size_t size_bytes,
                                 bool single),
                     void *ctx);
/* Whether memory came from ff_doc_alloc of this document, which may be NULL. */
bool ff_doc_owns(const struct ff_doc *doc, const void *memory);
/* Count bytes held beside the arena against the budget. False = over it. */
bool ff_doc_charge(struct ff_doc *doc, size_t size_bytes);
void ff_doc_discharge(struct ff_doc *doc, size_t size_bytes);
/* Memory that lives as long as the document; any thread. */
void *ff_doc_lazy_alloc(const struct ff_doc *doc, size_t size_bytes);
/* Keep a document alive as long as `doc`. 0 or -ENOMEM. */
int ff_doc_hold(struct ff_doc *doc, const struct ff_doc *other);

/* The array that was derived from a cell and kept, or NULL. Any thread. */
const struct ff_array *ff_doc_kept_array(const struct ff_doc *doc, uint64_t cell);
/* Keep an array that was derived from a cell: the document owns it from now on. When
 * another thread was first, `taken` is freed and that one's is given. NULL = no memory,
 * `taken` freed. Any thread. */
const struct ff_array *ff_doc_keep_array(const struct ff_doc *doc, uint64_t cell,
                                         struct ff_array *taken);

/* ---- sequences (doc_seq.c) ---- */

struct ff_seq *ff_seq_new(struct ff_doc *doc);
/* A tuple with room for its items, count set. */
struct ff_seq *ff_seq_new_tuple(struct ff_doc *doc, size_t count);
/* NULL as ff_doc_alloc. Room for `extra` cells behind `used` ones. */
uint64_t *ff_seq_reserve(struct ff_doc *doc, struct ff_seq *seq, size_t used,
                         size_t extra);
bool ff_seq_append(struct ff_doc *doc, struct ff_seq *seq, const uint64_t *cells,
                   size_t count);
/* The first cells of a list, dict or set, a few, where it takes a few instructions; its count is the
 * caller's. False: nothing was done. */
static inline bool ff_seq_fill(struct ff_doc *doc, struct ff_seq *seq,
                               const uint64_t *cells, size_t count)
{
    struct ff_body *body =
        seq->cells ? NULL : ff_doc_take(doc, sizeof *body + count * sizeof *cells);
    if (!body) {
        return false;
    }
    body->capacity = count;
    body->block = 0;
    body->index = NULL;
    for (size_t i = 0; i < count; i++) {
        body->cells[i] = cells[i];
    }
    seq->cells = body->cells;
    return true;
}
static inline struct ff_body *ff_seq_body(const struct ff_seq *seq)
{
    return (struct ff_body *)((uintptr_t)seq->cells - offsetof(struct ff_body, cells));
}

/* ---- scalars (doc_scalar.c) ---- */

/* The payload of BIGINT, STR, BYTES, STR2, BYTES2. */
const uint8_t *ff_code_payload(const uint8_t *code, size_t *size_bytes);
/* Put an encoded scalar into the arena; 0 as ff_doc_alloc. */
uint64_t ff_doc_scalar(struct ff_doc *doc, unsigned tag, const void *data,
                       size_t size_bytes);
/* The same, for the caller to fill `room`. */
uint64_t ff_doc_scalar_room(struct ff_doc *doc, unsigned tag, size_t size_bytes,
                            uint8_t **room);
/* STR or BYTES as CPython would build it: text of one character below 256, and what is empty, are
 * one object, however often they are made (get_latin1_char in Objects/unicodeobject.c). */
uint64_t ff_doc_built_scalar(struct ff_doc *doc, unsigned tag, const void *data,
                             size_t size_bytes);
uint64_t ff_doc_int(struct ff_doc *doc, int64_t value);
/* Two's complement, little endian, any size; the shortest form is kept. */
uint64_t ff_doc_int_bytes(struct ff_doc *doc, const uint8_t *bytes, size_t size_bytes);
uint64_t ff_doc_float(struct ff_doc *doc, double value);
double ff_cell_float(uint64_t cell);
/* STR, STR2, DECODED2. */
bool ff_cell_text(uint64_t cell, const char **text, size_t *size_bytes);
/* Whether it is that text. */
bool ff_cell_is(uint64_t cell, const char *text);
/* BYTES, BYTES2, BYTEARRAY, and a BUFFER that was given. */
bool ff_cell_bytes(uint64_t cell, const uint8_t **data, size_t *size_bytes);
/* utf8.c. 0: not valid UTF-8 (surrogates are allowed, as Python's "surrogatepass" has them);
 * 1: valid; 2: all ASCII. */
int ff_utf8_check(const uint8_t *text, size_t size_bytes);

/* ---- globals (class_name.c) ---- */

/* Names as Python 3 has them, NUL-ended; NULL: too long, with NUL inside, no memory. */
const struct ff_global_text *ff_global_text(const struct ff_doc *doc, uint64_t cell);
/* That NULL would mean no memory. */
bool ff_global_has_text(uint64_t cell);
/* Whether a cell is a GLOBAL of that "module.name". */
bool ff_global_is(const struct ff_doc *doc, uint64_t cell, const char *full);

/* ---- keys (key.c, index.c) ---- */

/* At most this many items are looked through one by one. */
#define FF_SMALL_DICT 8

/* Equal keys of one document have equal ids, and unequal ones unequal. That of an int which
 * fits into a cell is {its cell, 0}. */
struct ff_key_id {
    uint64_t low, high;
};
static inline bool ff_key_id_equal(const struct ff_key_id *a, const struct ff_key_id *b)
{
    return a->low == b->low && a->high == b->high;
}
/* A failure: not hashable (FF_E_CORRUPT), over a budget, or out of memory. `doc` gives the hash
 * keys; the key may be of another document. Not for two threads at once on one `doc`. */
int ff_key_id(struct ff_doc *doc, struct ff_value key, struct ff_key_id *id,
              struct ff_error *e);
/* The same for comparing: a bytearray has the id of the bytes, a set that of the frozenset. Only
 * for values of other documents. */
int ff_key_id_of_any(struct ff_doc *doc, struct ff_value value, struct ff_key_id *id,
                     struct ff_error *e);
void ff_keys_free(struct ff_keys *keys);

/* The entry of a dict, or the item of a set, or -1. Any thread. */
int64_t ff_seq_find(const struct ff_doc *doc, uint64_t container, struct ff_value key,
                    struct ff_error *e);
int64_t ff_seq_find_text(const struct ff_doc *doc, uint64_t container, const char *text,
                         size_t size_bytes);
/* Make the index that entries which were put in as they are may need. */
int ff_seq_index(struct ff_doc *doc, uint64_t container, struct ff_error *e);
/* dict[key] = value for `count` pairs; or, for a set, add(key) for `count` keys. Python's
 * rules: the first key stays, the last value. For documents that are being built. Nodes that
 * are not in it then, values that were replaced and keys that it has, are appended to `lost`
 * (uint64_t), if it is not NULL; FF_LOST_BYTES are charged for each. */
#define FF_LOST_BYTES (2 * sizeof(uint64_t))
int ff_seq_put(struct ff_doc *doc, uint64_t container, const uint64_t *cells,
               size_t count, struct ff_vec *lost, struct ff_error *e);

#endif
