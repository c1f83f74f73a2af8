/* SPDX-License-Identifier: Apache-2.0 */
/* read_object.c: opcodes that name globals and would call them: here they become nodes that
 * say what was asked for, in stream order. */
#include <string.h>

#include "core/base/name.h"
#include "read.h"

/* ---- globals ---- */

static int push_global(struct ff_reader *r, uint64_t module, uint64_t name, bool line)
{
    if (!module || !name) {
        return ff_read_full(r);
    }
    struct ff_global_node *g = ff_read_new_node(r, sizeof *g);
    if (g) {
        g->module = module;
        g->name = name;
        g->line = line;
        g->old_names = r->protocol < 3;
    }
    return ff_read_push_node(r, FF_TAG_GLOBAL, g);
}

int ff_read_names(struct ff_reader *r, struct ff_names_read *out)
{
    out->module = r->arg;
    out->module_bytes = r->arg_bytes;
    const uint8_t *newline = memchr(r->at, '\n', (size_t)(r->limit - r->at));
    if (!newline) {
        return ff_read_fail(r, FF_E_CORRUPT, "the pickle is cut off");
    }
    out->name = r->at;
    out->name_bytes = (size_t)(newline - r->at);
    r->at = newline + 1;
    if (!out->module_bytes || !out->name_bytes ||
        !ff_utf8_valid((const char *)out->module, out->module_bytes) ||
        !ff_utf8_valid((const char *)out->name, out->name_bytes)) {
        return ff_read_fail(r, FF_E_CORRUPT, "module or name is empty or not UTF-8");
    }
    if (out->module[out->module_bytes - 1] == '\r' &&
        out->name[out->name_bytes - 1] == '\r') {
        return ff_read_fail(r, FF_E_CORRUPT,
                            "its lines end with CR LF: it was copied as text");
    }
    return FF_OK;
}

/* The two lines of GLOBAL and INST as a global on the stack. */
static int two_lines(struct ff_reader *r)
{
    struct ff_names_read names = {0};
    int failed = ff_read_names(r, &names);
    if (failed) {
        return failed;
    }
    return push_global(
        r, ff_doc_scalar(r->doc, FF_TAG_STR, names.module, names.module_bytes),
        ff_doc_scalar(r->doc, FF_TAG_STR, names.name, names.name_bytes), true);
}

int ff_op_global(struct ff_reader *r)
{
    return two_lines(r);
}

int ff_op_stack_global(struct ff_reader *r)
{
    const char *text;
    size_t size;
    int failed = ff_read_need(r, 2);
    if (failed) {
        return failed;
    }
    r->depth -= 2;
    uint64_t module = r->stack[r->depth], name = r->stack[r->depth + 1];
    if (!ff_cell_text(module, &text, &size) || !ff_cell_text(name, &text, &size)) {
        return ff_read_fail(r, FF_E_CORRUPT, "module and name must be str");
    }
    return push_global(r, module, name, false);
}

/* An extension code whose meaning the caller knows. */
static int push_registered(struct ff_reader *r, const struct ff_extension *x)
{
    struct ff_global_node *g = ff_read_new_node(r, sizeof *g);
    uint64_t module = ff_doc_scalar(r->doc, FF_TAG_STR, x->module, strlen(x->module));
    uint64_t name = ff_doc_scalar(r->doc, FF_TAG_STR, x->name, strlen(x->name));
    if (!g || !module || !name) {
        return ff_read_full(r);
    }
    *g = (struct ff_global_node){.module = module, .name = name, .extension = x->code};
    return ff_read_push(r, ff_cell(FF_TAG_GLOBAL, g));
}

static int push_extension(struct ff_reader *r, size_t size)
{
    int32_t code = (int32_t)(uint32_t)ff_read_u64(r->arg, size);
    if (code <= 0) {
        return ff_read_fail(r, FF_E_CORRUPT, "an extension code must be positive");
    }
    for (size_t i = 0; i < r->options.extension_count; i++) {
        if (r->options.extensions[i].code == code) {
            return push_registered(r, &r->options.extensions[i]);
        }
    }
    struct ff_extension_node *node = ff_read_new_node(r, sizeof *node);
    if (node) {
        node->code = code;
    }
    return ff_read_push_node(r, FF_TAG_EXTENSION, node);
}

int ff_op_ext1(struct ff_reader *r)
{
    return push_extension(r, 1);
}

int ff_op_ext2(struct ff_reader *r)
{
    return push_extension(r, 2);
}

int ff_op_ext4(struct ff_reader *r)
{
    return push_extension(r, 4);
}

/* ---- objects ---- */

static bool callable_at_all(uint64_t cell)
{
    return ff_tag(cell) >= FF_TAG_GLOBAL && ff_tag(cell) != FF_TAG_BUFFER;
}

static int push_object(struct ff_reader *r, int how, uint64_t callable, uint64_t args,
                       uint64_t kwargs)
{
    if (!callable_at_all(callable)) {
        return ff_read_fail(r, FF_E_CORRUPT, "a %s cannot be called",
                            ff_kind_name(ff_kind(ff_value_of(r->doc, callable))));
    }
    struct ff_object_node *o = ff_read_new_node(r, sizeof *o);
    if (!o) {
        return ff_read_full(r);
    }
    o->how = (uint8_t)how;
    o->callable = callable;
    o->args = args;
    o->unmemoized = true;
    if (kwargs) {
        o->more = ff_read_new_node(r, sizeof *o->more);
        if (!o->more) {
            return ff_read_full(r);
        }
        o->more->kwargs = kwargs;
    }
    return ff_read_push(r, ff_cell(FF_TAG_OBJECT, o));
}

static int is_tuple(struct ff_reader *r, uint64_t cell)
{
    if (ff_tag(cell) == FF_TAG_TUPLE) {
        return FF_OK;
    }
    return ff_read_fail(r, FF_E_CORRUPT, "the arguments must be a tuple");
}

static int call_with_tuple(struct ff_reader *r, int how)
{
    int failed = ff_read_need(r, 2);
    if (failed) {
        return failed;
    }
    r->depth -= 2;
    failed = is_tuple(r, r->stack[r->depth + 1]);
    return failed ? failed
                  : push_object(r, how, r->stack[r->depth], r->stack[r->depth + 1], 0);
}

int ff_op_reduce(struct ff_reader *r)
{
    return call_with_tuple(r, FF_HOW_REDUCE);
}

int ff_op_newobj(struct ff_reader *r)
{
    return call_with_tuple(r, FF_HOW_NEWOBJ);
}

int ff_op_newobj_ex(struct ff_reader *r)
{
    int failed = ff_read_need(r, 3);
    if (failed) {
        return failed;
    }
    r->depth -= 3;
    uint64_t kwargs = r->stack[r->depth + 2];
    failed = is_tuple(r, r->stack[r->depth + 1]);
    if (!failed && ff_tag(kwargs) != FF_TAG_DICT) {
        failed = ff_read_fail(r, FF_E_CORRUPT, "the keyword arguments must be a dict");
    }
    return failed ? failed
                  : push_object(r, FF_HOW_NEWOBJ_EX, r->stack[r->depth],
                                r->stack[r->depth + 1], kwargs);
}

/* Everything above `start` as a tuple that was never on the stack. */
static uint64_t args_from(struct ff_reader *r, size_t start)
{
    struct ff_seq *seq = ff_seq_new_tuple(r->doc, r->depth - start);
    if (!seq) {
        return 0;
    }
    if (seq->count) {
        memcpy(seq->cells, r->stack + start, seq->count * sizeof *r->stack);
    }
    return ff_cell(FF_TAG_TUPLE, seq);
}

int ff_op_inst(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    uint64_t args = failed ? 0 : args_from(r, start);
    if (failed || !args) {
        return failed ? failed : ff_read_full(r);
    }
    r->depth = start;
    failed = two_lines(r);
    if (failed) {
        return failed;
    }
    return push_object(r, FF_HOW_INST, r->stack[--r->depth], args, 0);
}

int ff_op_obj(struct ff_reader *r)
{
    size_t start;
    int failed = ff_read_pop_mark(r, &start);
    if (!failed && r->depth == start) {
        failed = ff_read_fail(r, FF_E_CORRUPT, "there is no class behind MARK");
    }
    uint64_t args = failed ? 0 : args_from(r, start + 1);
    if (failed || !args) {
        return failed ? failed : ff_read_full(r);
    }
    r->depth = start;
    return push_object(r, FF_HOW_OBJ, r->stack[start], args, 0);
}

/* ---- what happens to objects ---- */

struct ff_object_more *ff_read_object_more(struct ff_reader *r, struct ff_object_node *o)
{
    if (!o->more) {
        o->more = ff_read_new_node(r, sizeof *o->more);
    }
    return o->more;
}

static int add_step(struct ff_reader *r, struct ff_object_node *o, int kind, uint64_t a,
                    uint64_t b)
{
    struct ff_object_more *more = ff_read_object_more(r, o);
    struct ff_step *s = more ? ff_read_new_node(r, sizeof *s) : NULL;
    if (!s) {
        return ff_read_full(r);
    }
    *s = (struct ff_step){NULL, a, b, kind};
    if (more->last_step) {
        more->last_step->next = s;
    } else {
        more->first_step = s;
    }
    more->last_step = s;
    o->stage = FF_STAGE_STATE;
    return FF_OK;
}

static int add_steps(struct ff_reader *r, struct ff_object_node *o, int kind,
                     size_t stride, const uint64_t *cells, size_t count)
{
    int failed = FF_OK;
    for (size_t i = 0; i < count && !failed; i++) {
        const uint64_t *at = cells + i * stride;
        failed = add_step(r, o, kind, at[0], stride == 2 ? at[1] : 0);
    }
    return failed;
}

int ff_read_object_append(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                          size_t count)
{
    struct ff_object_node *o = ff_cell_node(target);
    if (o->stage > FF_STAGE_LIST) {
        return add_steps(r, o, FF_STEP_APPEND, 1, cells, count);
    }
    struct ff_object_more *more = ff_read_object_more(r, o);
    if (more && !more->list_items) {
        struct ff_seq *seq = ff_seq_new(r->doc);
        more->list_items = seq ? ff_cell(FF_TAG_LIST, seq) : 0;
    }
    if (!more || !more->list_items ||
        !ff_seq_append(r->doc, ff_cell_node(more->list_items), cells, count)) {
        return ff_read_full(r);
    }
    o->stage = FF_STAGE_LIST;
    return FF_OK;
}

/* A key that is there already, or could not be one of a dict, is kept as a step: what the
 * class does with it is not known. */
static int set_one(struct ff_reader *r, struct ff_object_node *o, const uint64_t *pair)
{
    struct ff_error own = FF_ERROR_INIT;
    if (o->stage <= FF_STAGE_DICT) {
        struct ff_value key = ff_value_of(r->doc, pair[0]);
        if (ff_seq_find(r->doc, o->more->dict_items, key, &own) == -1) {
            int failed = ff_seq_put(r->doc, o->more->dict_items, pair, 1, NULL, &own);
            return failed ? ff_read_fail(r, own.code, "%s", own.message) : FF_OK;
        }
    }
    if (own.code && own.code != FF_E_CORRUPT) {
        return ff_read_fail(r, own.code, "%s", own.message);
    }
    return add_step(r, o, FF_STEP_SETITEM, pair[0], pair[1]);
}

int ff_read_object_set(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                       size_t count)
{
    struct ff_object_node *o = ff_cell_node(target);
    if (o->stage <= FF_STAGE_DICT) {
        struct ff_object_more *more = ff_read_object_more(r, o);
        if (more && !more->dict_items) {
            struct ff_seq *seq = ff_seq_new(r->doc);
            more->dict_items = seq ? ff_cell(FF_TAG_DICT, seq) : 0;
        }
        if (!more || !more->dict_items) {
            return ff_read_full(r);
        }
        o->stage = FF_STAGE_DICT;
    }
    int failed = FF_OK;
    for (size_t i = 0; i < count && !failed; i++) {
        failed = set_one(r, o, cells + 2 * i);
    }
    return failed;
}

int ff_read_object_add(struct ff_reader *r, uint64_t target, const uint64_t *cells,
                       size_t count)
{
    return add_steps(r, ff_cell_node(target), FF_STEP_ADD, 1, cells, count);
}

int ff_read_effects(struct ff_reader *r, int kind, uint64_t target, const uint64_t *cells,
                    size_t count)
{
    size_t stride = kind == FF_STEP_SETITEM ? 2 : 1;
    int failed = FF_OK;
    if (ff_tag(target) == FF_TAG_BUFFER || ff_tag(target) == FF_TAG_PERSISTENT) {
        /* neither they nor what an id is made of can be written twice, as others can */
        failed = ff_read_note_shared(r, target);
    }
    for (size_t i = 0; i < count && !failed; i++) {
        struct ff_effect effect = {kind, target, cells[i * stride],
                                   stride == 2 ? cells[i * stride + 1] : 0,
                                   ff_read_place(r)};
        if (!ff_doc_charge(r->doc, 2 * sizeof effect) ||
            ff_vec_append(&r->doc->effects, &effect)) {
            failed = ff_read_full(r);
        }
    }
    return failed;
}

/* Python does nothing, and fails for most, when what is built is no object. */
static int build_plain(struct ff_reader *r, uint64_t target, uint64_t state)
{
    const struct ff_seq *pair = ff_cell_node(state);
    bool nothing = state == FF_TAG_NONE;
    if (ff_tag(state) == FF_TAG_TUPLE && pair->count == 2) {
        const struct ff_seq *slots = ff_cell_node(pair->cells[1]);
        nothing = pair->cells[0] == FF_TAG_NONE &&
                  ff_tag(pair->cells[1]) == FF_TAG_DICT && slots->count == 0;
    }
    return nothing ? FF_OK
                   : ff_read_fail(r, FF_E_CORRUPT, "a %s has no state",
                                  ff_kind_name(ff_kind(ff_value_of(r->doc, target))));
}

int ff_op_build(struct ff_reader *r)
{
    int failed = ff_read_need(r, 2);
    if (failed) {
        return failed;
    }
    uint64_t state = r->stack[--r->depth], target = r->stack[r->depth - 1];
    const struct ff_buffer_node *buffer = ff_cell_node(target);
    bool view = ff_tag(target) == FF_TAG_BUFFER && buffer->base;
    if (ff_tag(target) < FF_TAG_GLOBAL || view) {
        return build_plain(r, target, state);
    }
    if (ff_tag(target) != FF_TAG_OBJECT) {
        return ff_read_effects(r, FF_STEP_BUILD, target, &state, 1);
    }
    struct ff_object_node *o = ff_cell_node(target);
    if (o->stage == FF_STAGE_STATE) {
        return add_step(r, o, FF_STEP_BUILD, state, 0);
    }
    o->state = state;
    o->stage = FF_STAGE_STATE;
    return r->options.flags & FF_LOAD_JOBLIB ? ff_read_joblib(r, target) : FF_OK;
}

int ff_read_object_setter(struct ff_reader *r, uint64_t target, uint64_t setter,
                          uint64_t state)
{
    struct ff_object_node *o = ff_cell_node(target);
    struct ff_object_more *more = ff_read_object_more(r, o);
    int failed = ff_read_note_shared(r, target);
    failed =
        failed ? failed : ff_read_note_shared(r, state); /* the call may be kept too */
    if (failed || !more) {
        return failed ? failed : ff_read_full(r);
    }
    if (o->stage == FF_STAGE_STATE) {
        return add_step(r, o, FF_STEP_CALL, setter, state);
    }
    more->setter = setter;
    o->state = state;
    o->stage = FF_STAGE_STATE;
    return FF_OK;
}
