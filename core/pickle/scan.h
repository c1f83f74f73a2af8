/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h: the scanner: the reader's machine, with opcodes that build nothing in the place of those
 * that build. What an id may be made of (scalars, globals, tuples of these without floats) stays as it is on the
 * stack; of all else a cell FF_TAG_OPAQUE says what it would be. */
#ifndef FF_CORE_SCAN_H
#define FF_CORE_SCAN_H

#include "read.h"

#define FF_OPAQUE_NO_KEY 0x10000u /* not hashable */

static inline uint64_t ff_opaque(unsigned tag)
{
    bool no_key = tag == FF_TAG_LIST || tag == FF_TAG_DICT || tag == FF_TAG_SET ||
                  tag == FF_TAG_BYTEARRAY;
    return (uint64_t)(tag << 8 | (no_key ? FF_OPAQUE_NO_KEY : 0)) | FF_TAG_OPAQUE;
}
/* What a cell is, or would be. */
static inline unsigned ff_seen_tag(uint64_t cell)
{
    return ff_tag(cell) == FF_TAG_OPAQUE ? (unsigned)(cell >> 8 & 0xff) : ff_tag(cell);
}
static inline bool ff_no_key(uint64_t cell)
{
    return ff_tag(cell) == FF_TAG_OPAQUE && (cell & FF_OPAQUE_NO_KEY);
}

/* Whether it may be a part of an id. None has a float in it, records have. */
static inline bool ff_scan_keeps(uint64_t cell)
{
    return ff_tag(cell) != FF_TAG_OPAQUE && ff_tag(cell) != FF_TAG_FLOAT;
}

/* A global, by its names. Its cell is that of `node`, which comes first. */
struct ff_scan_global {
    struct ff_global_node node;
    struct ff_scan_global *next; /* of the same hash */
    const char *raw_module, *raw_name;
    uint64_t offset, pushed, called, made, changed;
};

struct ff_scanner {
    struct ff_reader r; /* first: the functions of opcodes get this */
    struct ff_scan tell;
    struct ff_cellmap by_hash; /* -> struct ff_scan_global * */
    struct ff_vec globals;     /* struct ff_scan_global *, in order of first sight */
    struct ff_vec cells;       /* uint64_t: parts of an id still to look at */
    struct ff_vec strings;     /* char *, ff_free */
    bool
        building; /* as a load does, FF_LOAD_JOBLIB: in pickles inside arrays' places, too */
    int stopped; /* what a callback said */
};

static inline struct ff_scanner *ff_scanner_of(struct ff_reader *r)
{
    return (struct ff_scanner *)(void *)r;
}
static inline struct ff_scan_global *ff_scan_global_of(uint64_t cell)
{
    return ff_cell_node(cell);
}

/* ---- what is told (scan.c); FF_STOPPED when a callback ends it ---- */

/* The cell of a global by its names. 0: no memory. */
uint64_t ff_scan_name(struct ff_reader *r, const struct ff_names_read *names, bool old,
                      bool line);
int ff_scan_call(struct ff_reader *r, uint64_t callable);
int ff_scan_pid(struct ff_reader *r, uint64_t pid);
int ff_scan_extension(struct ff_reader *r, int32_t code);
/* Something is done to a cell that is on the stack. */
static inline void ff_scan_change(uint64_t target)
{
    if (ff_tag(target) == FF_TAG_GLOBAL) {
        ff_scan_global_of(target)->changed++;
    }
}

/* ---- opcodes ---- */

int ff_scan_run(struct ff_scanner *s);
/* A pickle inside a file of joblib, with the same callbacks (scan_build.c). */
int ff_scan_nested(struct ff_reader *r);

/* Any opcode that was fetched (scan_ops.c). */
int ff_scan_step(struct ff_reader *r);
/* The same by the reader's own functions: what they build is looked at (scan_build.c). */
int ff_scan_step_building(struct ff_reader *r);
/* As many opcodes as are plain, from r->at on; maybe none (scan_fast.c). */
void ff_scan_fast(struct ff_reader *r);
/* Items above `start` as a tuple. 0: no memory. */
uint64_t ff_scan_tuple(struct ff_reader *r, const uint64_t *cells, size_t count);

#endif
