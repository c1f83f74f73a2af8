/* SPDX-License-Identifier: Apache-2.0 */
/* scan_ops.c: the opcodes that build something, for the scanner: they check what the reader checks
 * and leave a cell that says what would be there. */
#include "scan.h"

/* At most so many parts: no id has more. */
#define KEPT_ITEMS 64u

static int refuse(struct ff_reader *r, uint64_t cell, const char *what)
{
    struct ff_value v = ff_value_of(r->doc, ff_cell(ff_seen_tag(cell), NULL));
    return ff_read_fail(r, FF_E_CORRUPT, "a %s %s", ff_kind_name(ff_kind(v)), what);
}

/* ---- stack and memo ---- */

static int push(struct ff_reader *r, uint64_t cell)
{
    if (!cell) {
        return ff_read_full(r);
    }
    if (ff_tag(cell) == FF_TAG_GLOBAL) {
        ff_scan_global_of(cell)->pushed++;
    }
    return ff_read_push(r, cell);
}

static int pop(struct ff_reader *r)
{
    size_t start;
    if (r->depth == r->fence) {
        return r->mark_count ? ff_read_pop_mark(r, &start) : ff_read_need(r, 1);
    }
    r->depth--;
    return FF_OK;
}

static int pop_mark(struct ff_reader *r)
{
    size_t start = 0;
    int failed = ff_read_pop_mark(r, &start);
    r->depth = failed ? r->depth : start;
    return failed;
}

static int dup(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    return failed ? failed : push(r, r->stack[r->depth - 1]);
}

/* The reader's, and one more use of what it fetched. Sharing is nothing to a scan. */
static int get(struct ff_reader *r)
{
    int failed = ff_read_functions[*r->op](r);
    uint64_t top = failed ? 0 : r->stack[r->depth - 1];
    if (ff_tag(top) == FF_TAG_GLOBAL) {
        ff_scan_global_of(top)->pushed++;
    }
    return failed;
}

/* ---- containers ---- */

uint64_t ff_scan_tuple(struct ff_reader *r, const uint64_t *cells, size_t count)
{
    bool keep = count <= KEPT_ITEMS;
    uint64_t no_key = 0;
    for (size_t i = 0; i < count; i++) {
        keep = keep && ff_scan_keeps(cells[i]);
        no_key |= ff_no_key(cells[i]) ? FF_OPAQUE_NO_KEY : 0;
    }
    if (!keep) {
        return ff_opaque(FF_TAG_TUPLE) | no_key;
    }
    struct ff_seq *seq = ff_seq_new_tuple(r->doc, count);
    if (seq && count) {
        memcpy(seq->cells, cells, count * sizeof *cells);
    }
    return seq ? ff_cell(FF_TAG_TUPLE, seq) : 0;
}

static int tuple_from(struct ff_reader *r, size_t start)
{
    uint64_t cell = ff_scan_tuple(r, r->stack + start, r->depth - start);
    r->depth = start;
    return cell ? ff_read_push(r, cell) : ff_read_full(r);
}

static int tuple_top(struct ff_reader *r, size_t count)
{
    int failed = ff_read_need(r, count);
    return failed ? failed : tuple_from(r, r->depth - count);
}

static int tuple_marked(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    return failed ? failed : tuple_from(r, start);
}

static int keys(struct ff_reader *r, const uint64_t *cells, size_t count, size_t stride)
{
    for (size_t i = 0; i < count; i++) {
        if (ff_no_key(cells[i * stride])) {
            return refuse(r, cells[i * stride], "cannot be a key");
        }
    }
    return FF_OK;
}

/* LIST, DICT, FROZENSET */
static int made_of(struct ff_reader *r, unsigned tag)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (failed) {
        return failed;
    }
    size_t count = r->depth - start, stride = tag == FF_TAG_DICT ? 2 : 1;
    if (count % stride) {
        return ff_read_fail(r, FF_E_CORRUPT, "an odd number of items for a dict");
    }
    failed =
        tag == FF_TAG_LIST ? FF_OK : keys(r, r->stack + start, count / stride, stride);
    r->depth = start;
    return failed ? failed : ff_read_push(r, ff_opaque(tag));
}

static bool is_thing(unsigned tag)
{
    return tag == FF_TAG_GLOBAL || tag == FF_TAG_OBJECT || tag == FF_TAG_PERSISTENT ||
           tag == FF_TAG_BUFFER || tag == FF_TAG_EXTENSION;
}

static bool is_byte(uint64_t cell)
{
    return ff_tag(cell) == FF_TAG_INT && ff_cell_int(cell) >= 0 &&
           ff_cell_int(cell) <= 255;
}

static int all_bytes(struct ff_reader *r, const uint64_t *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_byte(cells[i])) {
            return ff_read_fail(r, FF_E_CORRUPT, "a byte must be in 0 .. 255");
        }
    }
    return FF_OK;
}

/* Indices are of a list or bytearray whose length nobody kept. */
static int by_index(struct ff_reader *r, const uint64_t *cells, size_t count, bool bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (ff_tag(cells[2 * i]) != FF_TAG_INT || (bytes && !is_byte(cells[2 * i + 1]))) {
            return ff_read_fail(r, FF_E_CORRUPT, "the index is not in the list");
        }
    }
    return FF_OK;
}

enum into { APPEND, SET, ADD };

static int put_into(struct ff_reader *r, enum into how, uint64_t target,
                    const uint64_t *cells, size_t count)
{
    unsigned tag = ff_seen_tag(target);
    ff_scan_change(target);
    if (is_thing(tag) || (how == APPEND && tag == FF_TAG_LIST)) {
        return FF_OK;
    }
    if (how == APPEND && tag == FF_TAG_BYTEARRAY) {
        return all_bytes(r, cells, count);
    }
    if (how == SET && (tag == FF_TAG_LIST || tag == FF_TAG_BYTEARRAY)) {
        return by_index(r, cells, count, tag == FF_TAG_BYTEARRAY);
    }
    if ((how == SET && tag == FF_TAG_DICT) || (how == ADD && tag == FF_TAG_SET)) {
        return keys(r, cells, count, how == SET ? 2 : 1);
    }
    return refuse(r, target, "does not take this");
}

/* `cells` items on the stack above their target. */
static int few(struct ff_reader *r, size_t cells, enum into how)
{
    int failed = ff_read_need(r, cells + 1);
    if (failed) {
        return failed;
    }
    r->depth -= cells;
    return put_into(r, how, r->stack[r->depth - 1], r->stack + r->depth, 1);
}

/* All above the MARK, by `stride`. */
static int many(struct ff_reader *r, size_t stride, enum into how)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (failed) {
        return failed;
    }
    size_t cells = r->depth - start;
    r->depth = start;
    failed = ff_read_need(r, 1);
    if (failed || cells == 0) {
        return failed;
    }
    if (cells % stride) {
        return ff_read_fail(r, FF_E_CORRUPT, "an odd number of items for a dict");
    }
    return put_into(r, how, r->stack[start - 1], r->stack + start, cells / stride);
}

/* ---- globals and calls ---- */

static int global(struct ff_reader *r)
{
    struct ff_names_read names;
    int failed = ff_read_names(r, &names);
    return failed ? failed : push(r, ff_scan_name(r, &names, r->protocol < 3, true));
}

static int stack_global(struct ff_reader *r)
{
    const char *module, *name;
    struct ff_names_read names;
    int failed = ff_read_need(r, 2);
    if (failed) {
        return failed;
    }
    r->depth -= 2;
    if (!ff_cell_text(r->stack[r->depth], &module, &names.module_bytes) ||
        !ff_cell_text(r->stack[r->depth + 1], &name, &names.name_bytes)) {
        return ff_read_fail(r, FF_E_CORRUPT, "module and name must be str");
    }
    names.module = (const uint8_t *)module;
    names.name = (const uint8_t *)name;
    return push(r, ff_scan_name(r, &names, r->protocol < 3, false));
}

static int extension(struct ff_reader *r, size_t size)
{
    int32_t code = (int32_t)(uint32_t)ff_read_u64(r->arg, size);
    if (code <= 0) {
        return ff_read_fail(r, FF_E_CORRUPT, "an extension code must be positive");
    }
    for (size_t i = 0; i < r->options.extension_count; i++) {
        const struct ff_extension *x = &r->options.extensions[i];
        if (x->code == code) {
            struct ff_names_read names = {(const uint8_t *)x->module,
                                          (const uint8_t *)x->name, strlen(x->module),
                                          strlen(x->name)};
            return push(r, ff_scan_name(r, &names, false, false));
        }
    }
    int failed = ff_scan_extension(r, code);
    return failed ? failed : ff_read_push(r, ff_opaque(FF_TAG_EXTENSION));
}

static int call(struct ff_reader *r, uint64_t callable)
{
    unsigned tag = ff_seen_tag(callable);
    if (tag < FF_TAG_GLOBAL || tag == FF_TAG_BUFFER) {
        return refuse(r, callable, "cannot be called");
    }
    int failed = ff_scan_call(r, callable);
    return failed ? failed : ff_read_push(r, ff_opaque(FF_TAG_OBJECT));
}

/* REDUCE, NEWOBJ; NEWOBJ_EX has keyword arguments too. */
static int call_top(struct ff_reader *r, size_t cells)
{
    int failed = ff_read_need(r, cells);
    if (failed) {
        return failed;
    }
    r->depth -= cells;
    const uint64_t *at = r->stack + r->depth;
    if (ff_seen_tag(at[1]) != FF_TAG_TUPLE) {
        return ff_read_fail(r, FF_E_CORRUPT, "the arguments must be a tuple");
    }
    if (cells == 3 && ff_seen_tag(at[2]) != FF_TAG_DICT) {
        return ff_read_fail(r, FF_E_CORRUPT, "the keyword arguments must be a dict");
    }
    return call(r, at[0]);
}

static int inst(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (failed) {
        return failed;
    }
    r->depth = start;
    failed = global(r);
    return failed ? failed : call(r, r->stack[--r->depth]);
}

static int obj(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (!failed && r->depth == start) {
        failed = ff_read_fail(r, FF_E_CORRUPT, "there is no class behind MARK");
    }
    if (failed) {
        return failed;
    }
    r->depth = start;
    return call(r, r->stack[start]);
}

/* What has no state may be given none: None, or (None, {}). Whether that dict is empty nobody
 * kept. */
static int build(struct ff_reader *r)
{
    int failed = ff_read_need(r, 2);
    if (failed) {
        return failed;
    }
    uint64_t state = r->stack[--r->depth], target = r->stack[r->depth - 1];
    ff_scan_change(target);
    if (ff_seen_tag(target) >= FF_TAG_GLOBAL || state == FF_TAG_NONE ||
        state == (ff_opaque(FF_TAG_TUPLE) | FF_OPAQUE_NO_KEY)) {
        return FF_OK;
    }
    return refuse(r, target, "has no state");
}

/* ---- what is elsewhere ---- */

static int persistent(struct ff_reader *r, uint64_t pid)
{
    int failed = ff_scan_pid(r, pid);
    return failed ? failed : ff_read_push(r, ff_opaque(FF_TAG_PERSISTENT));
}

/* The reader's own functions check the id, or that there is one. */
static int persid(struct ff_reader *r)
{
    if (ff_utf8_check(r->arg, r->arg_bytes) != 2) {
        return ff_read_fail(r, FF_E_CORRUPT,
                            "a persistent id of protocol 0 must be ASCII");
    }
    uint64_t pid = ff_doc_scalar(r->doc, FF_TAG_STR, r->arg, r->arg_bytes);
    return pid ? persistent(r, pid) : ff_read_full(r);
}

static int binpersid(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    return failed ? failed : persistent(r, r->stack[--r->depth]);
}

static int next_buffer(struct ff_reader *r)
{
    if (r->options.buffers && r->buffers >= r->options.buffer_count) {
        return ff_read_fail(r, FF_E_CORRUPT, "only %zu buffers were given",
                            r->options.buffer_count);
    }
    r->buffers++;
    return ff_read_push(r, ff_opaque(FF_TAG_BUFFER));
}

static int readonly_buffer(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    unsigned tag = failed ? 0 : ff_seen_tag(r->stack[r->depth - 1]);
    if (failed || tag == FF_TAG_BYTES || tag == FF_TAG_BYTES2 ||
        tag == FF_TAG_BYTEARRAY || tag == FF_TAG_BUFFER) {
        return failed;
    }
    return refuse(r, r->stack[r->depth - 1], "is not a buffer");
}

/* ---- dispatch ---- */

static int step_object(struct ff_reader *r)
{
    switch (*r->op) {
    case FF_OP_GLOBAL:
        return global(r);
    case FF_OP_STACK_GLOBAL:
        return stack_global(r);
    case FF_OP_EXT1:
        return extension(r, 1);
    case FF_OP_EXT2:
        return extension(r, 2);
    case FF_OP_EXT4:
        return extension(r, 4);
    case FF_OP_REDUCE:
    case FF_OP_NEWOBJ:
        return call_top(r, 2);
    case FF_OP_NEWOBJ_EX:
        return call_top(r, 3);
    case FF_OP_INST:
        return inst(r);
    case FF_OP_OBJ:
        return obj(r);
    case FF_OP_BUILD:
        return build(r);
    case FF_OP_PERSID:
        return persid(r);
    case FF_OP_BINPERSID:
        return binpersid(r);
    case FF_OP_NEXT_BUFFER:
        return next_buffer(r);
    case FF_OP_READONLY_BUFFER:
        return readonly_buffer(r);
    default: /* scalars, PUT, MARK, PROTO, FRAME, STOP */
        return ff_read_functions[*r->op](r);
    }
}

int ff_scan_step(struct ff_reader *r)
{
    switch (*r->op) {
    case FF_OP_POP:
        return pop(r);
    case FF_OP_POP_MARK:
        return pop_mark(r);
    case FF_OP_DUP:
        return dup(r);
    case FF_OP_GET:
    case FF_OP_BINGET:
    case FF_OP_LONG_BINGET:
        return get(r);
    case FF_OP_BYTEARRAY8:
        return ff_read_push(r, ff_opaque(FF_TAG_BYTEARRAY));
    case FF_OP_EMPTY_LIST:
        return ff_read_push(r, ff_opaque(FF_TAG_LIST));
    case FF_OP_EMPTY_DICT:
        return ff_read_push(r, ff_opaque(FF_TAG_DICT));
    case FF_OP_EMPTY_SET:
        return ff_read_push(r, ff_opaque(FF_TAG_SET));
    case FF_OP_EMPTY_TUPLE:
        return tuple_top(r, 0);
    case FF_OP_TUPLE1:
        return tuple_top(r, 1);
    case FF_OP_TUPLE2:
        return tuple_top(r, 2);
    case FF_OP_TUPLE3:
        return tuple_top(r, 3);
    case FF_OP_TUPLE:
        return tuple_marked(r);
    case FF_OP_LIST:
        return made_of(r, FF_TAG_LIST);
    case FF_OP_DICT:
        return made_of(r, FF_TAG_DICT);
    case FF_OP_FROZENSET:
        return made_of(r, FF_TAG_FROZENSET);
    case FF_OP_APPEND:
        return few(r, 1, APPEND);
    case FF_OP_SETITEM:
        return few(r, 2, SET);
    case FF_OP_APPENDS:
        return many(r, 1, APPEND);
    case FF_OP_SETITEMS:
        return many(r, 2, SET);
    case FF_OP_ADDITEMS:
        return many(r, 1, ADD);
    default:
        return step_object(r);
    }
}
