/* SPDX-License-Identifier: Apache-2.0 */
/* scan_build.c: a scan of a file of joblib. What its arrays are, only their state says: so here the
 * reader builds, but for the elements, and the scanner looks on. */
#include "scan.h"

/* The scanner's own cell for a global that the reader made. */
static uint64_t named(struct ff_reader *r, uint64_t cell)
{
    const struct ff_global_node *g = ff_cell_node(cell);
    struct ff_names_read names = {NULL, NULL, 0, 0};
    const char *module, *name;
    if (!ff_cell_text(g->module, &module, &names.module_bytes) ||
        !ff_cell_text(g->name, &name, &names.name_bytes)) {
        return 0;
    }
    names.module = (const uint8_t *)module;
    names.name = (const uint8_t *)name;
    return ff_scan_name(r, &names, g->old_names, g->line);
}

/* One more time on the stack. */
static int pushed(struct ff_reader *r, uint64_t cell)
{
    uint64_t known = ff_tag(cell) == FF_TAG_GLOBAL ? named(r, cell) : 0;
    if (ff_tag(cell) == FF_TAG_GLOBAL && !known) {
        return ff_read_full(r);
    }
    if (known) {
        ff_scan_global_of(known)->pushed++;
    }
    return FF_OK;
}

static uint64_t from_top(const struct ff_reader *r, size_t back)
{
    return r->depth - r->fence >= back ? r->stack[r->depth - back] : 0;
}

/* What the opcode is going to call, or to change, or the id that it takes; 0 = nothing. */
static uint64_t operand(const struct ff_reader *r)
{
    switch (*r->op) {
    case FF_OP_REDUCE:
    case FF_OP_NEWOBJ:
    case FF_OP_BUILD:
    case FF_OP_APPEND:
        return from_top(r, 2);
    case FF_OP_NEWOBJ_EX:
    case FF_OP_SETITEM:
        return from_top(r, 3);
    case FF_OP_BINPERSID:
        return from_top(r, 1);
    case FF_OP_OBJ:
        return r->mark_count && r->depth > r->fence ? r->stack[r->fence] : 0;
    case FF_OP_APPENDS:
    case FF_OP_SETITEMS:
    case FF_OP_ADDITEMS:
        return r->mark_count && r->fence ? r->stack[r->fence - 1] : 0;
    default:
        return 0;
    }
}

static int change(struct ff_reader *r, uint64_t target)
{
    uint64_t known = ff_tag(target) == FF_TAG_GLOBAL ? named(r, target) : 0;
    if (known) {
        ff_scan_change(known);
    }
    return FF_OK;
}

static int call(struct ff_reader *r, uint64_t callable)
{
    if (ff_tag(callable) != FF_TAG_GLOBAL) {
        return ff_scan_call(r, callable);
    }
    uint64_t known = named(r, callable);
    return known ? ff_scan_call(r, known) : ff_read_full(r);
}

/* The object that INST made: its class came and was called at once. */
static int inst(struct ff_reader *r)
{
    const struct ff_object_node *o = ff_cell_node(r->stack[r->depth - 1]);
    int failed = pushed(r, o->callable);
    return failed ? failed : call(r, o->callable);
}

static int look(struct ff_reader *r, uint64_t what)
{
    uint64_t top = r->depth ? r->stack[r->depth - 1] : 0;
    switch (*r->op) {
    case FF_OP_REDUCE:
    case FF_OP_NEWOBJ:
    case FF_OP_NEWOBJ_EX:
    case FF_OP_OBJ:
        return call(r, what);
    case FF_OP_BUILD:
    case FF_OP_APPEND:
    case FF_OP_APPENDS:
    case FF_OP_SETITEM:
    case FF_OP_SETITEMS:
    case FF_OP_ADDITEMS:
        return change(r, what);
    case FF_OP_BINPERSID:
        return ff_scan_pid(r, what);
    case FF_OP_PERSID:
        return ff_scan_pid(r,
                           ((const struct ff_persistent_node *)ff_cell_node(top))->pid);
    case FF_OP_INST:
        return inst(r);
    case FF_OP_EXT1:
    case FF_OP_EXT2:
    case FF_OP_EXT4:
        if (ff_tag(top) == FF_TAG_EXTENSION) {
            return ff_scan_extension(
                r, ((const struct ff_extension_node *)ff_cell_node(top))->code);
        }
        return pushed(r, top);
    case FF_OP_GLOBAL:
    case FF_OP_STACK_GLOBAL:
    case FF_OP_DUP:
    case FF_OP_GET:
    case FF_OP_BINGET:
    case FF_OP_LONG_BINGET:
        return pushed(r, top);
    default:
        return FF_OK;
    }
}

int ff_scan_step_building(struct ff_reader *r)
{
    uint64_t what = operand(r);
    int failed = ff_read_functions[*r->op](r);
    return failed ? failed : look(r, what);
}

int ff_scan_nested(struct ff_reader *r)
{
    struct ff_scanner *s = ff_scanner_of(r);
    struct ff_reader outer = *r, inner;
    uint64_t top = 0;
    int result = ff_read_nested_begin(&inner, &outer);
    if (!result) {
        *r = inner;
        result = ff_scan_run(s);
        inner = *r;
        *r = outer;
        r->at = inner.at;
        r->op = inner.op; /* for the offset of a failure */
        top = inner.depth ? inner.stack[inner.depth - 1] : 0;
    }
    ff_read_free(&inner);
    if (result != FF_STOPPED || s->stopped) {
        return result;
    }
    r->op = outer.op;
    r->stack[r->depth - 1] = top; /* in the place of the array */
    return FF_OK;
}
