/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c: a node is a line: its kind, how many children follow or its value, and "#n" for
 * what has an identity; met again it is "ref #n". Iterative: what is still to print is on a
 * stack. Items of sets have no order in Python: they are sorted by a digest of what they are.
 */
#include "tree_own.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"

/* What is still to print: a cell, or a word. */
struct todo {
    uint64_t cell;
    const char *word;
};

/* An object begun before, with these arguments. */
struct dropped {
    uint64_t cell, args;
};

struct printer {
    const struct ff_doc *doc;
    struct text text;
    struct ff_vec todo;
    struct ff_cellmap seen;    /* cell -> number */
    struct ff_cellmap digests; /* cell -> digest */
    struct ff_cellmap begun;   /* objects whose dropped beginnings are in `dropped` */
    struct ff_vec dropped;     /* struct dropped */
    uint64_t count;
};

static void push(struct printer *p, uint64_t cell, const char *word)
{
    struct todo item = {cell, word};
    struct text *t = &p->text;
    t->failed = t->failed ? t->failed : ff_vec_append(&p->todo, &item);
}

/* ---- the order of sets ---- */

struct sorted {
    uint64_t digest, cell;
    size_t at; /* items of one digest stay in their order */
};

static int by_digest_and_place(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    return x->digest != y->digest ? (x->digest < y->digest ? -1 : 1)
                                  : (x->at < y->at ? -1 : 1);
}

static void push_set(struct printer *p, const struct ff_seq *seq)
{
    struct sorted *items = calloc(seq->count + 1, sizeof *items);
    p->text.failed = items ? p->text.failed : -ENOMEM;
    for (size_t i = 0; i < seq->count && !p->text.failed; i++) {
        items[i] = (struct sorted){tree_digest(&p->text, &p->digests, seq->cells[i]),
                                   seq->cells[i], i};
    }
    if (items && !p->text.failed) {
        qsort(items, seq->count, sizeof *items, by_digest_and_place);
        for (size_t i = seq->count; i-- > 0;) {
            push(p, items[i].cell, NULL);
        }
    }
    free(items);
}

/* ---- containers and objects ---- */

static void push_cells(struct printer *p, const uint64_t *cells, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        push(p, cells[i], NULL);
    }
}

/* Items of a list or dict, each behind a word; pushed, so the last first. */
static void push_ops(struct printer *p, uint64_t container, const char *word)
{
    const struct ff_seq *seq = ff_cell_node(container);
    size_t stride = ff_tag(container) == FF_TAG_DICT ? 2 : 1;
    for (size_t i = container ? seq->count : 0; i-- > 0;) {
        push_cells(p, seq->cells + i * stride, stride);
        push(p, 0, word);
    }
}

static void push_steps(struct printer *p, const struct ff_step *first)
{
    static const char *const words[] = {[FF_STEP_APPEND] = "append",
                                        [FF_STEP_SETITEM] = "setitem",
                                        [FF_STEP_ADD] = "add",
                                        [FF_STEP_BUILD] = "build",
                                        [FF_STEP_CALL] = "setter"};
    struct ff_vec steps;
    ff_vec_init(&steps, sizeof first, SIZE_MAX / 16);
    for (const struct ff_step *s = first; s && !p->text.failed; s = s->next) {
        p->text.failed = ff_vec_append(&steps, &s);
    }
    while (steps.count) {
        const struct ff_step *s = *(const struct ff_step **)ff_vec_last(&steps);
        if (s->kind == FF_STEP_SETITEM || s->kind == FF_STEP_CALL) {
            push(p, s->b, NULL);
        }
        push(p, s->a, NULL);
        push(p, 0, words[s->kind]);
        ff_vec_pop(&steps);
    }
    ff_vec_free(&steps);
}

/* Python cannot tell a call by OBJ or INST from others: with arguments it is a call, without
 * it is __new__. */
static bool is_call(const struct ff_object_node *o)
{
    const struct ff_seq *args = ff_cell_node(o->args);
    return o->how == FF_HOW_REDUCE ||
           ((o->how == FF_HOW_INST || o->how == FF_HOW_OBJ) && args->count);
}

/* In the order: callable, arguments, keywords, what was done, end. */
static void push_object(struct printer *p, const struct ff_object_node *o)
{
    const struct ff_object_more *more = o->more;
    const struct ff_seq *args = ff_cell_node(o->args);
    push(p, 0, "end");
    if (more) {
        push_steps(p, more->first_step);
    }
    if (o->state) {
        push(p, o->state, NULL);
        if (more && more->setter) {
            push(p, more->setter, NULL);
        }
        push(p, 0, more && more->setter ? "setter" : "build");
    }
    if (more) {
        push_ops(p, more->dict_items, "setitem");
        push_ops(p, more->list_items, "append");
        push_ops(p, more->kwargs, "keyword");
    }
    push_cells(p, args->cells, args->count);
    push(p, 0, "args");
    push(p, o->callable, NULL);
}

static void print_numbered(struct printer *p, const char *kind, size_t count)
{
    addf(&p->text, "%s %zu #%llu\n", kind, count, (unsigned long long)p->count);
}

static void note_dropped(struct printer *p, uint64_t cell, uint64_t outer_args)
{
    const struct ff_seq *seq = ff_cell_node(outer_args);
    struct text *t = &p->text;
    if (ff_cellmap_find(&p->begun, cell)) {
        return;
    }
    t->failed = ff_cellmap_put(&p->begun, cell) ? t->failed : -ENOMEM;
    for (size_t i = 0; i < seq->count && !t->failed; i++) {
        const struct dropped one = {cell, seq->cells[i]};
        t->failed = ff_vec_append(&p->dropped, &one);
    }
}

static void print_object(struct printer *p, uint64_t cell)
{
    const struct ff_object_node *o = ff_cell_node(cell);
    struct text *t = &p->text;
    addf(t, "%s #%llu\n", is_call(o) ? "call" : "new", (unsigned long long)p->count);
    push_object(p, o);
    if (!t->doc && o->more && o->more->outer_args && !t->failed) {
        note_dropped(p, cell, o->more->outer_args);
    }
}

static void print_container(struct printer *p, uint64_t cell)
{
    static const char *const kinds[] = {[FF_TAG_LIST] = "list",
                                        [FF_TAG_TUPLE] = "tuple",
                                        [FF_TAG_DICT] = "dict",
                                        [FF_TAG_SET] = "set",
                                        [FF_TAG_FROZENSET] = "frozenset"};
    const struct ff_seq *seq = ff_cell_node(cell);
    unsigned tag = ff_tag(cell);
    if (tag == FF_TAG_OBJECT) {
        print_object(p, cell);
    } else if (tag >= FF_TAG_LIST && tag <= FF_TAG_FROZENSET) {
        print_numbered(p, kinds[tag], seq->count);
        if (tag == FF_TAG_SET || tag == FF_TAG_FROZENSET) {
            push_set(p, seq);
        } else {
            push_cells(p, seq->cells, seq->count * (tag == FF_TAG_DICT ? 2u : 1u));
        }
    } else {
        add(&p->text, "unknown\n");
    }
}

/* Prints "ref" and says true when it was met before. */
static bool met_before(struct printer *p, uint64_t cell)
{
    uint64_t *number = p->text.failed ? NULL : ff_cellmap_put(&p->seen, cell);
    if (!number) {
        p->text.failed = p->text.failed ? p->text.failed : -ENOMEM;
        return true;
    }
    if (*number) {
        addf(&p->text, "ref #%llu\n", (unsigned long long)*number);
        return true;
    }
    *number = ++p->count;
    return false;
}

/* Whether Python keeps the identity: it has one object for each text of up to one character. */
static bool has_identity(uint64_t cell)
{
    const uint8_t *data;
    const char *text;
    size_t size = 0;
    if (ff_cell_text(cell, &text, &size)) {
        return size > 1 && !(size == 2 && (text[0] & 0xfc) == 0xc0);
    }
    return ff_cell_bytes(cell, &data, &size) &&
           (size > 1 || ff_tag(cell) == FF_TAG_BYTEARRAY);
}

static void print_cell(struct printer *p, uint64_t cell)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    if (ff_tag(cell) == FF_TAG_TUPLE && seq->count == 0) {
        add(&p->text, "tuple 0\n");
    } else if (has_identity(cell)) {
        if (!met_before(p, cell)) {
            (void)add_leaf(&p->text, cell);
            addf(&p->text, " #%llu\n", (unsigned long long)p->count);
        }
    } else if (add_leaf(&p->text, cell)) {
        add(&p->text, "\n");
    } else if (ff_tag(cell) == FF_TAG_PERSISTENT) {
        add(&p->text, "persistent\n");
        push(p, ((const struct ff_persistent_node *)ff_cell_node(cell))->pid, NULL);
    } else if (!met_before(p, cell)) {
        print_container(p, cell);
    }
}

static void print_pushed(struct printer *p)
{
    while (p->todo.count && !p->text.failed) {
        struct todo next = *(struct todo *)ff_vec_last(&p->todo);
        ff_vec_pop(&p->todo);
        if (next.word) {
            addf(&p->text, "%s\n", next.word);
        } else {
            print_cell(p, next.cell);
        }
    }
}

/* ---- effects ---- */

static void restart(struct printer *p)
{
    ff_cellmap_free(&p->seen);
    ff_cellmap_init(&p->seen);
    p->count = 0;
}

static void print_effect(struct printer *p, const struct ff_effect *effect)
{
    if (effect->kind != FF_STEP_CALL) {
        const struct ff_step step = {NULL, effect->a, effect->b, effect->kind};
        push_steps(p, &step);
    }
    push(p, effect->target, NULL);
    print_pushed(p);
}

/* The same object begun before, with other arguments, and dropped. */
static void print_begun(struct printer *p, const struct dropped *begun)
{
    struct ff_object_node o = *(const struct ff_object_node *)ff_cell_node(begun->cell);
    const struct ff_object_more none = {0};
    struct ff_object_more more = none;
    more.kwargs = o.more->kwargs;
    o.args = begun->args;
    o.more = &more;
    o.state = 0;
    p->count = 1;
    addf(&p->text, "%s #1\n", is_call(&o) ? "call" : "new");
    push_object(p, &o);
    print_pushed(p);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The text of effect i, or of a dropped beginning, by itself; ff_free. */
static char *effect_text(struct printer *p, size_t i)
{
    const struct ff_vec *effects = &p->doc->effects;
    struct ff_buf *out = p->text.out, one;
    ff_buf_init(&one, out->max_bytes);
    p->text.out = &one;
    restart(p);
    if (i < effects->count) {
        print_effect(p, ff_vec_at(effects, i));
    } else {
        print_begun(p, ff_vec_at(&p->dropped, i - effects->count));
    }
    p->text.out = out;
    return (char *)ff_buf_steal(&one, NULL);
}

/* Sorted: when they happened is not told by Python. */
static void print_effects(struct printer *p)
{
    struct ff_vec texts;
    ff_vec_init(&texts, sizeof(char *), SIZE_MAX / 64);
    for (size_t i = 0; i < p->doc->effects.count + p->dropped.count; i++) {
        char *text = effect_text(p, i);
        if (!text || ff_vec_append(&texts, &text)) {
            p->text.failed = -ENOMEM;
            ff_free(text);
            break;
        }
    }
    if (texts.count) {
        qsort(texts.items, texts.count, sizeof(char *), by_text);
    }
    for (size_t i = 0; i < texts.count; i++) {
        char *text = *(char **)ff_vec_at(&texts, i);
        add(&p->text, "effect\n");
        add(&p->text, text);
        ff_free(text);
    }
    ff_vec_free(&texts);
}

int tree_print(const struct ff_doc *doc, bool raw, struct ff_buf *out)
{
    struct printer p = {.doc = doc, .text = {out, 0, raw ? NULL : doc}};
    ff_vec_init(&p.todo, sizeof(struct todo), SIZE_MAX / 64);
    ff_vec_init(&p.dropped, sizeof(struct dropped), SIZE_MAX / 64);
    ff_cellmap_init(&p.seen);
    ff_cellmap_init(&p.digests);
    ff_cellmap_init(&p.begun);
    push(&p, doc->root, NULL);
    print_pushed(&p);
    print_effects(&p);
    ff_vec_free(&p.todo);
    ff_vec_free(&p.dropped);
    ff_cellmap_free(&p.seen);
    ff_cellmap_free(&p.digests);
    ff_cellmap_free(&p.begun);
    return p.text.failed;
}
