/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.h: between the files that make values of JSON (docs/json.md). Every value is made
 * at once, containers empty; what goes into them is work for later, on one stack: so depth is
 * bounded by memory only, and references may lead to what is still being filled. */
#ifndef FF_CORE_JSON_READ_H
#define FF_CORE_JSON_READ_H

#include "core/doc.h"
#include "core/json_tree.h"

enum { FF_JSON_NAMES = 256 };

struct ff_json_reader {
    struct ff_json_tree tree;
    struct ff_doc *doc;
    const char *folder;
    struct ff_vec work;    /* struct ff_json_work */
    struct ff_cellmap ids; /* "$id" -> cell */
    struct ff_buf scratch; /* strings without escapes, decoded bytes */
    struct ff_error *error;
    uint64_t names[FF_JSON_NAMES]; /* str cells of names met lately: the same one again */
};

enum ff_json_job {
    FF_JSON_VISIT,     /* make the value of `node` */
    FF_JSON_FILL_LIST, /* the children of `node` into `cell`: list, set, frozenset */
    FF_JSON_FILL_TUPLE,
    FF_JSON_FILL_PAIRS,   /* [[k, v], ...] into a dict */
    FF_JSON_FILL_MAP,     /* the members into a dict */
    FF_JSON_FILL_CALL,    /* $object: callable, args, kwargs, outer_args */
    FF_JSON_FILL_REST,    /* $object: all else */
    FF_JSON_FILL_PID,     /* $persistent */
    FF_JSON_FILL_FACTORY, /* $defaultdict */
    FF_JSON_FILL_EFFECTS  /* $effects */
};

struct ff_json_work {
    uint64_t cell;
    uint32_t node;
    int job;
};

/* All that return int: FF_OK, or a failure that has been reported. */
int ff_json_wrong(struct ff_json_reader *, uint32_t node, const char *what);
int ff_json_full(struct ff_json_reader *, uint32_t node);
int ff_json_later(struct ff_json_reader *, int job, uint32_t node, uint64_t cell);
/* What is pushed last is done first: turns round the work from number `from` on. */
void ff_json_reverse(struct ff_json_reader *, size_t from);
/* All children, in order, before any work that was put off earlier. `step`: 2 and `first`: 1
 * for an object's values. */
int ff_json_visit_children(struct ff_json_reader *, uint32_t node, uint32_t first,
                           uint32_t step);
int ff_json_visit_pairs(struct ff_json_reader *, uint32_t node);
/* Makes the value of a node now. */
int ff_json_visit(struct ff_json_reader *, uint32_t node);

/* Any other work than a visit. */
int ff_json_fill(struct ff_json_reader *, const struct ff_json_work *);

/* A member list is as expected: only these names (NULL-ended), each at most once. */
int ff_json_check_members(struct ff_json_reader *, uint32_t object,
                          const char *const *names);
int ff_json_want(struct ff_json_reader *, uint32_t node, char type, const char *what);
int ff_json_number(struct ff_json_reader *, uint32_t node, int64_t min, int64_t max,
                   int64_t *out);
/* The decoded bytes of a base64 string, in `scratch`. */
int ff_json_base64(struct ff_json_reader *, uint32_t node);

/* An object {"$tag": ..., ...}: *known: whether it was one. */
int ff_json_read_tag(struct ff_json_reader *, uint32_t object);
/* Makes the value of the object, whose tag has that value. */
typedef int (*ff_json_maker)(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_tuple(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_set(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_frozenset(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_dict(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_ordered_dict(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_default_dict(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_counter(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_deque(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_range(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_slice(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_object(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_persistent(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_extension(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_bytes(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_bytearray(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_str(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_int(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_float(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_complex(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_date(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_time(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_datetime(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_timezone(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_timedelta(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_decimal(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_fraction(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_path(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_uuid(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_dtype(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_scalar(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_ndarray(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_npy(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_make_global(struct ff_json_reader *, uint32_t object, uint32_t value);

int ff_json_make_effects(struct ff_json_reader *, uint32_t object, uint32_t value);
int ff_json_fill_effects(struct ff_json_reader *, uint32_t list);
/* enum ff_step_kind that a text names, or one behind the last. */
int ff_json_step_kind(const struct ff_json_reader *, uint32_t name);

/* The text of a string, NUL behind it, in `scratch`. */
int ff_json_read_text(struct ff_json_reader *, uint32_t value, const char **text,
                      size_t *size_bytes);
/* Set the node's value, a call, after a look whether it means what it should. */
int ff_json_set_checked(struct ff_json_reader *, uint32_t object, uint32_t value,
                        uint64_t cell, int view, const char *what);

/* Cells; 0 = reported. */
uint64_t ff_json_global(struct ff_json_reader *, uint32_t node, const char *module,
                        const char *name);
uint64_t ff_json_tuple(struct ff_json_reader *, uint32_t node, const uint64_t *cells,
                       size_t count);
/* module.name(*cells) */
uint64_t ff_json_call(struct ff_json_reader *, uint32_t node, const char *module,
                      const char *name, const uint64_t *cells, size_t count);
int ff_json_text_cell(struct ff_json_reader *, uint32_t node, uint64_t *cell);
int ff_json_number_cell(struct ff_json_reader *, uint32_t node);
/* Set the node's value; a cell of 0: out of memory. */
int ff_json_set(struct ff_json_reader *, uint32_t node, uint64_t cell);

#endif
