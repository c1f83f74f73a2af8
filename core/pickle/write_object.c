/* SPDX-License-Identifier: Apache-2.0 */
/* write_object.c: globals, objects with their parts in order, persistent ids. */
#include <string.h>

#include "compat.h"
#include "core/base/alloc.h"
#include "core/base/name.h"
#include "write.h"

/* ---- globals ---- */

static int step_stack_global(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_global_node *g = f->node;
    uint64_t part[2] = {g->module, g->name};
    size_t depth = d->depth;
    while (f->at < 2) {
        int result = ff_write_save(d, part[f->at++], f->scratch);
        if (result) {
            return result;
        }
        f = &d->stack[depth - 1];
    }
    int failed = ff_write_op(d, FF_OP_STACK_GLOBAL);
    return failed ? failed : ff_write_memoize(d, f->cell, f->scratch);
}

static int write_lines(struct ff_dumper *d, uint8_t op, const char *module,
                       size_t module_size, const char *name, size_t name_size)
{
    if (memchr(module, '\n', module_size) || memchr(name, '\n', name_size)) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "a name with a line break needs protocol 4, not %u", d->protocol);
    }
    if (!ff_utf8_valid(module, module_size) || !ff_utf8_valid(name, name_size)) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "a name with a surrogate needs protocol 4, not %u", d->protocol);
    }
    int failed = ff_write_op(d, op);
    failed = failed ? failed : ff_write_bytes(d, module, module_size);
    failed = failed ? failed : ff_write_op(d, '\n');
    failed = failed ? failed : ff_write_bytes(d, name, name_size);
    return failed ? failed : ff_write_op(d, '\n');
}

/* As two lines; with the names that the protocol wants. */
static int global_lines(struct ff_dumper *d, uint8_t op, uint64_t cell)
{
    const struct ff_global_node *g = ff_cell_node(cell);
    const char *module, *name;
    size_t module_size, name_size;
    bool old = d->protocol < 3;
    const struct ff_global_text *text =
        g->old_names == old ? NULL : ff_global_text(d->doc, cell);
    if (text) {
        module = text->module;
        name = text->name;
        if (old) {
            (void)ff_compat_to_2(text->module, text->name, &module, &name);
        }
        module_size = strlen(module);
        name_size = strlen(name);
    } else {
        (void)ff_cell_text(g->module, &module, &module_size);
        (void)ff_cell_text(g->name, &name, &name_size);
    }
    return write_lines(d, op, module, module_size, name, name_size);
}

/* Before protocol 4 a nested name is getattr(outer, "Inner"). */
static int nested_global(struct ff_dumper *d, uint64_t cell, const char *dot)
{
    const struct ff_global_text *text = ff_global_text(d->doc, cell);
    char *outer = ff_strndup(text->name, (size_t)(dot - text->name));
    uint64_t args[2] = {outer ? ff_make_global(d, text->module, outer) : 0,
                        ff_make_text(d, dot + 1)};
    ff_free(outer);
    uint64_t call = args[0] && args[1]
                        ? ff_make_call(d, ff_make_global(d, "builtins", "getattr"),
                                       ff_make_tuple(d, args, 2), 0)
                        : 0;
    return ff_write_instead(d, cell, call);
}

int ff_write_global(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    const struct ff_global_node *g = ff_cell_node(cell);
    if (g->extension && d->protocol >= 2) {
        return ff_write_extension(d, g->extension);
    }
    if (d->protocol >= 4) {
        const struct ff_global_text *text =
            g->old_names ? ff_global_text(d->doc, cell) : NULL;
        if (text) {
            cell = ff_make_global(d, text->module, text->name);
            if (!cell) {
                return ff_write_no_memory(d);
            }
            uint64_t known = ff_write_memo_find(d, cell);
            if (known) {
                return ff_write_memo_get(d, known - 1);
            }
            scratch = true;
        }
        return ff_write_push(d, cell, ff_cell_node(cell), scratch, step_stack_global)
                   ? FF_PUSHED
                   : FF_E_NO_MEMORY;
    }
    if (!g->line && !g->old_names) {
        const struct ff_global_text *text = ff_global_text(d->doc, cell);
        const char *dot = text ? strrchr(text->name, '.') : NULL;
        if (dot) {
            return nested_global(d, cell, dot);
        }
    }
    int failed = global_lines(d, FF_OP_GLOBAL, cell);
    return failed ? failed : ff_write_memoize(d, cell, scratch);
}

/* ---- objects ---- */

enum object_phase {
    P_CALLABLE,
    P_ARGS,
    P_KWARGS,
    P_MADE,
    P_LIST,
    P_DICT,
    P_STATE,
    P_BUILT,
    P_SETTER,
    P_SETTER_OBJECT,
    P_SETTER_STATE,
    P_SETTER_CALL,
    P_STEPS,
    P_STEP_A,
    P_STEP_B,
    P_STEP_DONE
};

/* INST: MARK args i lines; OBJ: MARK class args o. */
static int step_old_instance(struct ff_dumper *d, struct ff_part_frame *f);

static uint8_t making_op(const struct ff_object_node *o)
{
    return o->how == FF_HOW_NEWOBJ      ? FF_OP_NEWOBJ
           : o->how == FF_HOW_NEWOBJ_EX ? FF_OP_NEWOBJ_EX
                                        : FF_OP_REDUCE;
}

/* Callable and arguments are on the stack. One that contains itself is in the memo by now. */
static int made(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    int failed = ff_write_op(d, making_op(o));
    ff_write_made(d, f);
    if (failed || (o->unmemoized && !d->open)) {
        f->phase = P_LIST;
        return failed ? failed : FF_PUSHED;
    }
    uint64_t known = ff_write_memo_find(d, f->cell);
    if (known) {
        failed = ff_write_op(d, FF_OP_POP);
        return failed ? failed : ff_write_memo_get(d, known - 1);
    }
    f->phase = P_LIST;
    failed = ff_write_memoize(d, f->cell, f->scratch);
    return failed ? failed : FF_PUSHED;
}

/* An object that is begun again inside itself has arguments of their own for each time but the
 * last, the innermost first. */
static int number_beginning(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    uint64_t *times;
    ff_write_open(d, f);
    if (!o->more || !o->more->outer_args) {
        return FF_PUSHED;
    }
    times = ff_cellmap_put(&d->nested, f->cell);
    if (!times) {
        return ff_write_no_memory(d);
    }
    f->batch = (uint32_t)(*times < UINT32_MAX ? (*times)++ : UINT32_MAX);
    return FF_PUSHED;
}

static uint64_t args_of(const struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    const struct ff_seq *outer = ff_cell_node(o->more ? o->more->outer_args : 0);
    return outer && f->batch < outer->count ? outer->cells[outer->count - 1 - f->batch]
                                            : o->args;
}

static int save_part(struct ff_dumper *d, struct ff_part_frame *f, uint64_t cell,
                     int next)
{
    f->phase = (uint8_t)next;
    int result = cell ? ff_write_save(d, cell, f->scratch) : FF_WRITTEN;
    return result < 0 ? result : FF_PUSHED;
}

static int save_items(struct ff_dumper *d, struct ff_part_frame *f, uint64_t cell,
                      int next)
{
    f->phase = (uint8_t)next;
    int result = cell ? ff_write_items(d, cell, f->scratch) : FF_WRITTEN;
    return result < 0 ? result : FF_PUSHED;
}

/* setter(object, state) as CPython writes it: its result is dropped. */
static int call_done(struct ff_dumper *d, struct ff_part_frame *f, int next)
{
    static const uint8_t with_tuple2[] = {FF_OP_TUPLE2, FF_OP_REDUCE, FF_OP_POP};
    f->phase = (uint8_t)next;
    int failed = ff_write_bytes(d, with_tuple2, sizeof with_tuple2);
    return failed ? failed : FF_PUSHED;
}

static int op_then(struct ff_dumper *d, struct ff_part_frame *f, uint8_t op, int next)
{
    f->phase = (uint8_t)next;
    int failed = ff_write_op(d, op);
    return failed ? failed : FF_PUSHED;
}

static const struct ff_step *step_at(const struct ff_object_node *o, size_t at)
{
    const struct ff_step *s = o->more ? o->more->first_step : NULL;
    while (s && at--) {
        s = s->next;
    }
    return s;
}

/* What happened out of the usual order, one by one. */
static int step_of_steps(struct ff_dumper *d, struct ff_part_frame *f)
{
    static const uint8_t ops[] = {[FF_STEP_APPEND] = FF_OP_APPEND,
                                  [FF_STEP_SETITEM] = FF_OP_SETITEM,
                                  [FF_STEP_ADD] = FF_OP_ADDITEMS,
                                  [FF_STEP_BUILD] = FF_OP_BUILD};
    const struct ff_step *s = f->node;
    if (!s) {
        return FF_WRITTEN;
    }
    switch (f->phase) {
    case P_STEPS:
        f->phase = P_STEP_A;
        return s->kind == FF_STEP_ADD ? op_then(d, f, FF_OP_MARK, P_STEP_A) : FF_PUSHED;
    case P_STEP_A:
        return save_part(d, f, s->a,
                         s->kind == FF_STEP_CALL ? P_SETTER_OBJECT : P_STEP_B);
    case P_SETTER_OBJECT:
        return save_part(d, f, f->cell, P_STEP_B);
    case P_STEP_B:
        return save_part(d, f, s->b, P_STEP_DONE);
    default:
        f->node = s->next;
        return s->kind == FF_STEP_CALL ? call_done(d, f, P_STEPS)
                                       : op_then(d, f, ops[s->kind], P_STEPS);
    }
}

static int push_steps(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    const struct ff_step *s = step_at(o, 0);
    uint64_t cell = f->cell;
    bool scratch = f->scratch;
    d->depth--; /* the object itself is done: its steps take its place */
    f = ff_write_push(d, cell, s, scratch, step_of_steps);
    if (!f) {
        return FF_E_NO_MEMORY;
    }
    f->phase = P_STEPS;
    return FF_PUSHED;
}

static int step_state(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    uint64_t setter = o->more ? o->more->setter : 0;
    switch (f->phase) {
    case P_STATE:
        return setter ? save_part(d, f, setter, P_SETTER_OBJECT)
                      : save_part(d, f, o->state, P_BUILT);
    case P_BUILT:
        f->phase = P_STEPS;
        return o->state ? op_then(d, f, FF_OP_BUILD, P_STEPS) : FF_PUSHED;
    case P_SETTER_OBJECT:
        return save_part(d, f, f->cell, P_SETTER_STATE);
    case P_SETTER_STATE:
        return save_part(d, f, o->state, P_SETTER_CALL);
    case P_SETTER_CALL:
        return call_done(d, f, P_STEPS);
    default:
        return push_steps(d, f);
    }
}

static int step_object(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    switch (f->phase) {
    case P_CALLABLE:
        return save_part(d, f, o->callable, P_ARGS);
    case P_ARGS:
        return save_part(d, f, args_of(f), P_KWARGS);
    case P_KWARGS:
        return save_part(d, f, o->how == FF_HOW_NEWOBJ_EX ? o->more->kwargs : 0, P_MADE);
    case P_MADE:
        return made(d, f);
    case P_LIST:
        return save_items(d, f, o->more ? o->more->list_items : 0, P_DICT);
    case P_DICT:
        return save_items(d, f, o->more ? o->more->dict_items : 0, P_STATE);
    default:
        return step_state(d, f);
    }
}

static int step_old_instance(struct ff_dumper *d, struct ff_part_frame *f)
{
    const struct ff_object_node *o = f->node;
    const struct ff_seq *args = ff_cell_node(o->args);
    size_t depth = d->depth;
    if (f->phase != P_CALLABLE) {
        return step_object(d, f);
    }
    if (f->at == 0) {
        f->at = 1;
        int failed = ff_write_op(d, FF_OP_MARK);
        int result = failed || o->how == FF_HOW_INST
                         ? failed
                         : ff_write_save(d, o->callable, f->scratch);
        if (result) {
            return result;
        }
        f = &d->stack[depth - 1];
    }
    while (f->at <= args->count) {
        int result = ff_write_save(d, args->cells[f->at++ - 1], f->scratch);
        if (result) {
            return result;
        }
        f = &d->stack[depth - 1];
    }
    ff_write_made(d, f);
    uint64_t known = ff_write_memo_find(d, f->cell);
    if (known) {
        size_t above = args->count + (o->how == FF_HOW_OBJ);
        return ff_write_fetch_instead(d, d->protocol ? 1 : above + 1,
                                      d->protocol ? FF_OP_POP_MARK : FF_OP_POP,
                                      known - 1);
    }
    int failed = o->how == FF_HOW_INST ? global_lines(d, FF_OP_INST, o->callable)
                                       : ff_write_op(d, FF_OP_OBJ);
    f->phase = P_LIST;
    if (!failed && (!o->unmemoized || d->open)) {
        failed = ff_write_memoize(d, f->cell, f->scratch);
    }
    return failed ? failed : FF_PUSHED;
}

/* NEWOBJ before protocol 2, NEWOBJ_EX before 4: a call of what copyreg has for it. In protocols 2
 * and 3 CPython writes functools.partial(cls.__new__, ...)() for the latter, with the name of the
 * class that __new__ is of: it may be any base, and no pickle says which (Lib/pickle.py,
 * save_reduce). Python loads both. */
static int old_newobj(struct ff_dumper *d, uint64_t cell, const struct ff_object_node *o)
{
    struct ff_doc *own = ff_write_own(d);
    const struct ff_seq *args = ff_cell_node(o->args);
    struct ff_object_node *call = own ? ff_doc_alloc(own, sizeof *call) : NULL;
    bool ex = o->how == FF_HOW_NEWOBJ_EX;
    struct ff_seq *all = call ? ff_seq_new_tuple(own, ex ? 3 : 1 + args->count) : NULL;
    if (!all) {
        return ff_write_no_memory(d);
    }
    all->cells[0] = o->callable;
    if (ex) {
        all->cells[1] = o->args;
        all->cells[2] = o->more->kwargs;
    } else if (args->count) {
        memcpy(all->cells + 1, args->cells, args->count * sizeof(uint64_t));
    }
    *call = *o;
    call->how = FF_HOW_REDUCE;
    call->more = o->more ? ff_doc_alloc(own, sizeof *call->more) : NULL;
    if (o->more && !call->more) {
        return ff_write_no_memory(d);
    }
    if (call->more) {
        *call->more = *o->more;
        call->more->outer_args = 0; /* in the form of the other opcode */
    }
    call->callable = ff_make_global(d, "copyreg", ex ? "__newobj_ex__" : "__newobj__");
    call->args = ff_cell(FF_TAG_TUPLE, all);
    return call->callable ? ff_write_object(d, cell, call, true) : ff_write_no_memory(d);
}

int ff_write_object(struct ff_dumper *d, uint64_t cell, const struct ff_object_node *node,
                    bool scratch)
{
    if ((node->how == FF_HOW_NEWOBJ && d->protocol < 2) ||
        (node->how == FF_HOW_NEWOBJ_EX && d->protocol < 4)) {
        return old_newobj(d, cell, node);
    }
    bool old = node->how == FF_HOW_INST || node->how == FF_HOW_OBJ;
    int failed = ff_write_begin(d, cell);
    if (failed) {
        return failed;
    }
    struct ff_part_frame *f =
        ff_write_push(d, cell, node, scratch, old ? step_old_instance : step_object);
    return f ? number_beginning(d, f) : FF_E_NO_MEMORY;
}

/* ---- effects ---- */

/* Things done to what is no object of the value: behind it, and dropped from the stack. */
static int write_one_effect(struct ff_dumper *d, const struct ff_effect *effect)
{
    struct ff_step step = {NULL, effect->a, effect->b, effect->kind};
    int result = ff_write_save(d, effect->target, false);
    if (result >= 0) {
        result = ff_write_run(d);
    }
    if (result >= 0 && effect->kind != FF_STEP_CALL) {
        struct ff_part_frame *f =
            ff_write_push(d, effect->target, &step, false, step_of_steps);
        if (!f) {
            return FF_E_NO_MEMORY;
        }
        f->phase = P_STEPS;
        result = ff_write_run(d);
    }
    return result < 0 ? result : ff_write_op(d, FF_OP_POP);
}

/* A call that is dropped before an object is fetched that is a part of it would be taken for the
 * same object begun before: something else comes in between. */
static int write_gap(struct ff_dumper *d, const struct ff_effect *effect)
{
    static const uint8_t gap[] = {FF_OP_NONE, FF_OP_POP};
    const struct ff_object_node *o = ff_cell_node(effect->target);
    bool call = effect->kind == FF_STEP_CALL && ff_tag(effect->target) == FF_TAG_OBJECT;
    return call && o->unmemoized ? ff_write_bytes(d, gap, sizeof gap) : FF_OK;
}

int ff_write_effects(struct ff_dumper *d)
{
    const struct ff_effect *effect = d->doc->effects.items;
    int result = FF_OK;
    for (size_t i = 0; i < d->doc->effects.count && result >= 0; i++) {
        result = i ? write_gap(d, &effect[i - 1]) : FF_OK;
        result = result ? result : write_one_effect(d, &effect[i]);
    }
    return result;
}
