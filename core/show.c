/* SPDX-License-Identifier: Apache-2.0 */
/* show.c: a value as a tree for people: one line an item, no elements of arrays, nothing that
 * a terminal would obey. Iterative, and never longer than it may be. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/doc.h"
#include "core/graph.h"
#include "core/show.h"

#define DEFAULT_BYTES (64u << 10)
#define DEFAULT_DEPTH 32u
#define INLINE_ITEMS  16u
#define INLINE_BYTES  72u
static const char cut_note[] = "...\n";

enum form { FORM_ITEMS, FORM_MAP, FORM_PARTS };

struct frame {
    struct ff_value items;
    size_t next;
    enum form form;
    char close;
};

struct show {
    struct ff_out out;
    struct ff_out line; /* into `text` */
    struct ff_buf text;
    size_t max_bytes;
    unsigned max_depth;
    struct ff_vec stack;
    struct ff_value root;
    struct ff_cellmap scanned; /* documents that do not know what they share */
    bool is_scanned, full;
    struct ff_cellmap ids;
    uint64_t last_id;
    struct ff_error *error;
};

static int to_buf(void *ctx, const char *text, size_t size_bytes)
{
    return ff_buf_append(ctx, text, size_bytes) ? FF_E_NO_MEMORY : 0;
}

/* ---- lines ---- */

/* A line that does not fit ends everything; the note always does. */
static void end_line(struct show *s)
{
    size_t room = s->max_bytes - (sizeof cut_note - 1);
    ff_out_put(&s->line, "\n", 1);
    if (ff_out_finish(&s->line, s->error)) {
        s->full = true;
    } else if (s->out.written_bytes + s->text.length_bytes > room) {
        ff_out_text(&s->out, cut_note);
        s->full = true;
    } else {
        ff_out_put(&s->out, (const char *)s->text.data, s->text.length_bytes);
    }
    ff_buf_clear(&s->text);
}

static void indent(struct show *s, size_t depth)
{
    for (size_t i = 0; i < depth && s->line.written_bytes <= s->max_bytes; i++) {
        ff_out_put(&s->line, "  ", 2);
    }
}

/* ---- what occurs more than once ---- */

static bool is_shared(struct show *s, struct ff_value v)
{
    const uint64_t *count;
    if (!ff_graph_counts(v)) {
        return false;
    }
    if (v.doc->knows_shared) {
        return ff_cellmap_find(&v.doc->shared, v.cell) != NULL;
    }
    if (!s->is_scanned) {
        s->is_scanned = true;
        if (ff_graph_scan(s->root, &s->scanned, s->error)) {
            s->full = true;
            return false;
        }
    }
    count = ff_cellmap_find(&s->scanned, v.cell);
    return count && *count > 1;
}

/* True: it was shown before, and a reference stands for it. */
static bool show_reference(struct show *s, struct ff_value v)
{
    uint64_t *id;
    if (!is_shared(s, v)) {
        return false;
    }
    id = ff_cellmap_put(&s->ids, v.cell);
    if (!id) {
        (void)ff_fail(s->error, FF_E_NO_MEMORY, NULL, "out of memory");
        s->full = true;
        return true;
    }
    if (*id) {
        ff_out_printf(&s->line, "<ref #%llu>", (unsigned long long)*id);
        return true;
    }
    *id = ++s->last_id;
    ff_out_printf(&s->line, "#%llu ", (unsigned long long)*id);
    return false;
}

/* ---- containers ---- */

static bool is_leaf(struct ff_value v)
{
    int kind = ff_kind(v);
    return kind == FF_NONE || kind == FF_BOOL || kind == FF_INT || kind == FF_FLOAT ||
           kind == FF_STR || kind == FF_BYTES;
}

static bool has_only_leaves(struct ff_value items)
{
    size_t count = ff_length(items);
    for (size_t i = 0; i < count && count <= INLINE_ITEMS; i++) {
        struct ff_value key = FF_NOTHING, value;
        (void)ff_item(items, i, &key, &value, NULL);
        if (!is_leaf(value) || (key.doc && !is_leaf(key))) {
            return false;
        }
    }
    return count <= INLINE_ITEMS;
}

static void put_inline(struct ff_out *out, struct ff_value items)
{
    for (size_t i = 0; i < ff_length(items); i++) {
        struct ff_value key = FF_NOTHING, value;
        (void)ff_item(items, i, &key, &value, NULL);
        ff_out_text(out, i ? ", " : "");
        if (key.doc) {
            (void)ff_show_leaf(out, key);
            ff_out_put(out, ": ", 2);
        }
        (void)ff_show_leaf(out, value);
    }
    if (ff_kind(items) == FF_TUPLE && ff_length(items) == 1) {
        ff_out_put(out, ",", 1);
    }
}

/* A few short things stand on the line itself. */
static bool show_inline(struct show *s, struct ff_value items, char open, char close)
{
    struct ff_buf text;
    struct ff_out out;
    bool fits;
    if (!has_only_leaves(items)) {
        return false;
    }
    ff_buf_init(&text, SIZE_MAX / 2);
    ff_out_init(&out, to_buf, &text);
    put_inline(&out, items);
    fits = ff_out_finish(&out, s->error) == FF_OK && text.length_bytes <= INLINE_BYTES;
    if (fits) {
        ff_out_put(&s->line, &open, 1);
        ff_out_put(&s->line, (const char *)text.data, text.length_bytes);
        ff_out_put(&s->line, &close, 1);
    }
    ff_buf_free(&text);
    return fits;
}

static void open_frame(struct show *s, struct ff_value items, enum form form, char open,
                       char close)
{
    struct frame f = {.items = items, .form = form, .close = close};
    if (s->stack.count >= s->max_depth) {
        ff_out_printf(&s->line, "%c...%c", open, close);
        return;
    }
    ff_out_put(&s->line, &open, 1);
    if (ff_vec_append(&s->stack, &f)) {
        (void)ff_fail(s->error, FF_E_NO_MEMORY, NULL, "out of memory");
        s->full = true;
    }
}

static void show_items(struct show *s, struct ff_value items, char open, char close)
{
    if (ff_kind(items) != FF_LIST && ff_kind(items) != FF_TUPLE &&
        ff_kind(items) != FF_DICT && ff_kind(items) != FF_SET &&
        ff_kind(items) != FF_FROZENSET) {
        ff_out_printf(&s->line, "%c%c", open, close);
    } else if (!show_inline(s, items, open, close)) {
        open_frame(s, items, ff_kind(items) == FF_DICT ? FORM_MAP : FORM_ITEMS, open,
                   close);
    }
}

/* ---- objects ---- */

static void put_class(struct show *s, struct ff_value v)
{
    const char *name = ff_class_name(v);
    struct ff_value callable = ff_part(v, FF_PART_CALLABLE);
    if (*name) {
        ff_show_plain(&s->line, name);
    } else if (ff_kind(callable) == FF_GLOBAL) {
        (void)ff_show_leaf(&s->line, callable);
    } else {
        ff_out_text(&s->line, "object");
    }
    ff_out_put(&s->line, " ", 1);
}

static void show_object(struct show *s, struct ff_value v)
{
    struct ff_form form;
    struct ff_value items = FF_NOTHING, extra = FF_NOTHING;
    int view = ff_view(v);
    if (!ff_form_of(v, &form) || form.state.doc || !ff_view_items(v, &items)) {
        put_class(s, v);
        open_frame(s, v, FORM_PARTS, '{', '}');
        return;
    }
    ff_out_text(&s->line, ff_show_short_name(form.name));
    ff_out_put(&s->line, " ", 1);
    if (view == FF_VIEW_DEQUE || view == FF_VIEW_DEFAULT_DICT) {
        extra = ff_form_arg(&form, view == FF_VIEW_DEQUE ? 1 : 0);
    }
    if (extra.doc && ff_kind(extra) != FF_NONE && ff_show_leaf(&s->line, extra)) {
        ff_out_put(&s->line, " ", 1);
    }
    show_items(s, items, view == FF_VIEW_DEQUE ? '[' : '{',
               view == FF_VIEW_DEQUE ? ']' : '}');
}

/* ---- what a serializer keeps ---- */

static void show_persistent(struct show *s, struct ff_value v);

/* What can change is named when it is shared; of the rest, what takes more than a line. */
static void show_value(struct show *s, struct ff_value v)
{
    int kind = ff_kind(v);
    bool mutable = kind == FF_LIST || kind == FF_DICT || kind == FF_SET ||
                   kind == FF_BYTEARRAY || kind == FF_ARRAY || kind == FF_NATIVE;
    if (mutable && show_reference(s, v)) {
        return;
    }
    if (ff_show_leaf(&s->line, v) || (kind == FF_TUPLE && show_inline(s, v, '(', ')')) ||
        (!mutable && show_reference(s, v))) {
        return;
    }
    switch (kind) {
    case FF_TUPLE:
        show_items(s, v, '(', ')');
        break;
    case FF_LIST:
        show_items(s, v, '[', ']');
        break;
    case FF_DICT:
        show_items(s, v, '{', '}');
        break;
    case FF_SET:
    case FF_FROZENSET:
        ff_out_text(&s->line, kind == FF_SET ? "set " : "frozenset ");
        show_items(s, v, '{', '}');
        break;
    case FF_OBJECT:
        show_object(s, v);
        break;
    case FF_PERSISTENT:
        show_persistent(s, v);
        break;
    default:
        ff_out_text(&s->line, "<absent>");
        break;
    }
}

static void put_pid(struct show *s, struct ff_value v)
{
    const char *serializer = "?", *version = "", *name = "";
    struct ff_value extra;
    (void)ff_persistent(v, &serializer, &version, &name, &extra, NULL);
    ff_show_plain(&s->line, serializer);
    ff_out_put(&s->line, " ", 1);
    ff_show_plain(&s->line, version);
    ff_out_put(&s->line, " ", 1);
    ff_show_plain(&s->line, name);
}

/* Opening one reads what it is, and none of its elements. */
static void show_persistent(struct show *s, struct ff_value v)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_value object = FF_NOTHING;
    if (ff_doc_resolver(v.doc)) {
        object = ff_resolve(v, NULL, &e);
    }
    if (object.doc && ff_kind(object) != FF_PERSISTENT) {
        if (!ff_show_leaf(&s->line, object)) {
            put_pid(s, v);
            ff_out_printf(&s->line, " %s", ff_kind_name(ff_kind(object)));
        }
        return;
    }
    ff_out_put(&s->line, "<", 1);
    put_pid(s, v);
    if (e.code) {
        ff_out_put(&s->line, ": ", 2);
        ff_show_plain(&s->line, e.message);
    }
    ff_out_put(&s->line, ">", 1);
}

/* ---- the walk ---- */

static const char *const part_label[] = {
    [FF_PART_CALLABLE] = "callable: ", [FF_PART_ARGS] = "args: ",
    [FF_PART_KWARGS] = "kwargs: ",     [FF_PART_LIST_ITEMS] = "items: ",
    [FF_PART_DICT_ITEMS] = "dict: ",   [FF_PART_STATE] = "state: ",
    [FF_PART_SETTER] = "setter: "};

/* The next part that says something: not the class, when the line above has it. */
static bool next_part(struct show *s, struct frame *f, size_t depth,
                      struct ff_value *child)
{
    while (++f->next <= FF_PART_SETTER) {
        *child = ff_part(f->items, (int)f->next);
        if (child->doc && (f->next != FF_PART_CALLABLE || ff_kind(*child) != FF_GLOBAL) &&
            (f->next != FF_PART_ARGS || ff_length(*child) > 0)) {
            indent(s, depth);
            ff_out_text(&s->line, part_label[f->next]);
            return true;
        }
    }
    return false;
}

static bool next_child(struct show *s, struct frame *f, size_t depth,
                       struct ff_value *child)
{
    struct ff_value key;
    if (f->form == FORM_PARTS) {
        return next_part(s, f, depth, child);
    }
    if (f->next >= ff_length(f->items)) {
        return false;
    }
    (void)ff_item(f->items, f->next++, &key, child, NULL);
    indent(s, depth);
    if (f->form == FORM_MAP) {
        if (!ff_show_leaf(&s->line, key) &&
            !(ff_kind(key) == FF_TUPLE && show_inline(s, key, '(', ')'))) {
            ff_out_printf(&s->line, "<%s>", ff_kind_name(ff_kind(key)));
        }
        ff_out_put(&s->line, ": ", 2);
    }
    return true;
}

static void walk(struct show *s, struct ff_value root)
{
    show_value(s, root);
    end_line(s);
    while (s->stack.count && !s->full && !s->out.rc) {
        size_t depth = s->stack.count;
        struct frame *top = ff_vec_last(&s->stack), f = *top;
        struct ff_value child;
        bool more = next_child(s, &f, depth, &child);
        *top = f;
        if (more) {
            show_value(s, child);
        } else {
            indent(s, depth - 1);
            ff_out_put(&s->line, &f.close, 1);
            ff_vec_pop(&s->stack);
        }
        end_line(s);
    }
}

/* ---- what the document did beside its value ---- */

static const char *const effect_label[] = {[FF_STEP_APPEND] = "appended to: ",
                                           [FF_STEP_SETITEM] = "set in: ",
                                           [FF_STEP_ADD] = "added to: ",
                                           [FF_STEP_BUILD] = "built: ",
                                           [FF_STEP_CALL] = "called, dropped: "};

static void walk_labelled(struct show *s, const char *label, struct ff_value v)
{
    if (v.cell && !s->full && !s->out.rc) {
        ff_out_text(&s->line, label);
        walk(s, v);
    }
}

static void show_effects(struct show *s, const struct ff_doc *doc)
{
    for (size_t i = 0; i < doc->effects.count && !s->full; i++) {
        const struct ff_effect *effect = ff_vec_at(&doc->effects, i);
        bool pair = effect->kind == FF_STEP_SETITEM;
        walk_labelled(s, effect_label[effect->kind], ff_value_of(doc, effect->target));
        walk_labelled(s, pair ? "  key: " : "  value: ", ff_value_of(doc, effect->a));
        walk_labelled(s, "  value: ", ff_value_of(doc, effect->b));
    }
}

int ff_show(struct ff_value v, size_t max_bytes, unsigned max_depth,
            int (*write)(void *ctx, const char *text, size_t size_bytes), void *ctx,
            struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct show *s;
    int rc;
    if (e && e->code) {
        return e->code;
    }
    if (ff_kind(v) == FF_ABSENT) {
        return ff_fail(e, FF_E_TYPE, NULL, "a value that is not there cannot be shown");
    }
    s = ff_calloc(1, sizeof *s);
    if (!s) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    s->root = v;
    s->error = e ? e : &local;
    s->max_bytes = max_bytes ? max_bytes : DEFAULT_BYTES;
    s->max_bytes = s->max_bytes < sizeof cut_note ? sizeof cut_note : s->max_bytes;
    s->max_depth = max_depth ? max_depth : DEFAULT_DEPTH;
    ff_buf_init(&s->text, SIZE_MAX / 2);
    ff_out_init(&s->out, write, ctx);
    ff_out_init(&s->line, to_buf, &s->text);
    ff_vec_init(&s->stack, sizeof(struct frame), UINT32_MAX);
    ff_cellmap_init(&s->ids);
    walk(s, v);
    show_effects(s, v.doc);
    rc = s->error->code ? s->error->code : ff_out_finish(&s->out, s->error);
    ff_cellmap_free(&s->ids);
    if (s->is_scanned) {
        ff_cellmap_free(&s->scanned);
    }
    ff_vec_free(&s->stack);
    ff_buf_free(&s->text);
    ff_free(s);
    return rc;
}
