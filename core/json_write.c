/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.c: a value as JSON, by docs/json.md. A first walk finds what occurs more than
 * once; the second writes. Both keep their own stacks. */
#include "core/json.h"

#include <string.h>

#include "core/graph.h"

int ff_json_fail(struct ff_json_writer *w, int code, const char *message)
{
    w->out.rc = w->out.rc ? w->out.rc : code;
    return ff_fail(w->error, code, NULL, "%s", message);
}

/* A text grows with its document. What is shared and long is written once, but each of many small
 * references to what is small takes more than in a pickle: at most so many times as much. */
#define LEAST_MAX_BYTES ((uint64_t)64 << 20)
enum { TIMES_INPUT = 64, TIMES_ARENA = 8 };

static uint64_t default_budget(const struct ff_doc *doc)
{
    return LEAST_MAX_BYTES + TIMES_INPUT * (uint64_t)doc->input_bytes +
           TIMES_ARENA * doc->used_bytes;
}

void ff_json_allow(struct ff_json_writer *w, const void *data, uint64_t size_bytes)
{
    uintptr_t at = (uintptr_t)data, input = (uintptr_t)w->doc->input;
    if (at < input || at - input >= w->doc->input_bytes) {
        w->max_bytes += 2 * size_bytes; /* base64 takes less */
    }
}

static bool is_within_budget(struct ff_json_writer *w)
{
    if (w->out.written_bytes > w->max_bytes && !w->out.rc) {
        w->out.rc = FF_E_LIMIT;
        (void)ff_fail(w->error, FF_E_LIMIT, NULL,
                      "more than %llu bytes of JSON: the pickle is made to unfold",
                      (unsigned long long)w->max_bytes);
    }
    return !w->out.rc;
}

bool ff_json_is_shared(const struct ff_json_writer *w, struct ff_value v)
{
    const uint64_t *seen = ff_cellmap_find(&w->seen, v.cell);
    return seen && (*seen & 3) > 1;
}

/* ---- beginning a container ---- */

#define PLAIN_KEY_BYTES 1024u /* longer ones may have to be references */

/* A dict that is a JSON object as it stands. */
static bool is_plain_dict(struct ff_value dict)
{
    for (size_t i = 0; i < ff_length(dict); i++) {
        struct ff_value key;
        const char *text;
        size_t size;
        (void)ff_item(dict, i, &key, NULL, NULL);
        if (ff_kind(key) != FF_STR || ff_str(key, &text, &size, NULL) ||
            size > PLAIN_KEY_BYTES || (size && text[0] == '$') ||
            ff_wtf8_has_pair(text, size)) {
            return false;
        }
    }
    return true;
}

static void begin(struct ff_json_writer *w, struct ff_json_frame *f, int form,
                  const char *open, const char *close)
{
    ff_out_text(&w->out, open);
    f->form = form;
    f->close = close;
}

static void begin_persistent(struct ff_json_writer *w, struct ff_value v,
                             struct ff_json_frame *f)
{
    const struct ff_persistent_node *p = ff_cell_node(v.cell);
    const char *part[3];
    struct ff_value extra;
    static const char *const label[] = {"\"serializer\":", ",\"version\":", ",\"name\":"};
    f->items = ff_value_of(v.doc, p->pid);
    if (ff_persistent(v, &part[0], &part[1], &part[2], &extra, NULL) || extra.doc) {
        f->next = SIZE_MAX; /* the id itself is the only item */
        begin(w, f, FF_JSON_ITEMS, "{\"$persistent\":{\"id\":", "}}");
        return;
    }
    ff_out_text(&w->out, "{\"$persistent\":{");
    for (size_t i = 0; i < 3; i++) {
        ff_out_text(&w->out, label[i]);
        (void)ff_out_quoted(&w->out, part[i], strlen(part[i]), SIZE_MAX);
    }
    f->items = FF_NOTHING;
    begin(w, f, FF_JSON_ITEMS, "", "}}");
}

static void begin_object(struct ff_json_writer *w, struct ff_value v,
                         struct ff_json_frame *f)
{
    static const char *const open[] = {
        [FF_HOW_REDUCE] = "{\"$object\":{",
        [FF_HOW_NEWOBJ] = "{\"$object\":{\"how\":\"newobj\",",
        [FF_HOW_NEWOBJ_EX] = "{\"$object\":{\"how\":\"newobj_ex\",",
        [FF_HOW_INST] = "{\"$object\":{\"how\":\"inst\",",
        [FF_HOW_OBJ] = "{\"$object\":{\"how\":\"obj\",",
    };
    const struct ff_object_node *o = ff_cell_node(v.cell);
    f->step = o->more ? o->more->first_step : NULL;
    begin(w, f, FF_JSON_PARTS, open[o->how], "}}");
}

static void begin_container(struct ff_json_writer *w, struct ff_value v,
                            struct ff_json_frame *f)
{
    f->items = v;
    switch (ff_kind(v)) {
    case FF_LIST:
        begin(w, f, FF_JSON_ITEMS, "[", "]");
        break;
    case FF_TUPLE:
        begin(w, f, FF_JSON_ITEMS, "{\"$tuple\":[", "]}");
        break;
    case FF_SET:
        begin(w, f, FF_JSON_ITEMS, "{\"$set\":[", "]}");
        break;
    case FF_FROZENSET:
        begin(w, f, FF_JSON_ITEMS, "{\"$frozenset\":[", "]}");
        break;
    case FF_DICT:
        if (is_plain_dict(v)) {
            begin(w, f, FF_JSON_MAP, "{", "}");
        } else {
            begin(w, f, FF_JSON_PAIRS, "{\"$dict\":[", "]}");
        }
        break;
    case FF_PERSISTENT:
        begin_persistent(w, v, f);
        break;
    case FF_OBJECT:
        begin_object(w, v, f);
        break;
    default:
        (void)ff_json_fail(w, FF_E_TYPE, "a value that is not there cannot be written");
        break;
    }
}

/* ---- going on with one ---- */

static const char *const part_label[] = {
    [FF_PART_CALLABLE] = "\"callable\":", [FF_PART_ARGS] = ",\"args\":",
    [FF_PART_KWARGS] = ",\"kwargs\":",    [FF_PART_LIST_ITEMS] = ",\"list\":",
    [FF_PART_DICT_ITEMS] = ",\"dict\":",  [FF_PART_STATE] = ",\"state\":",
    [FF_PART_SETTER] = ",\"setter\":"};

static bool next_item(struct ff_json_writer *w, struct ff_json_frame *f,
                      struct ff_value *child)
{
    if (f->next == SIZE_MAX) { /* one value, and no list */
        *child = f->items;
        f->items = FF_NOTHING;
        f->next = 0;
        return true;
    }
    if (f->next >= ff_length(f->items)) {
        return false;
    }
    if (f->next) {
        ff_out_put(&w->out, ",", 1);
    }
    (void)ff_item(f->items, f->next++, NULL, child, NULL);
    return true;
}

static bool next_of_map(struct ff_json_writer *w, struct ff_json_frame *f,
                        struct ff_value *child)
{
    struct ff_value key;
    const char *text;
    size_t size;
    if (f->next >= ff_length(f->items)) {
        return false;
    }
    if (f->next) {
        ff_out_put(&w->out, ",", 1);
    }
    (void)ff_item(f->items, f->next++, &key, child, NULL);
    (void)ff_str(key, &text, &size, NULL);
    (void)ff_out_quoted(&w->out, text, size, SIZE_MAX);
    ff_out_put(&w->out, ":", 1);
    return true;
}

static bool next_of_pairs(struct ff_json_writer *w, struct ff_json_frame *f,
                          struct ff_value *child)
{
    struct ff_value key, value;
    size_t at = f->next++;
    if (at % 2 == 0 && at) {
        ff_out_put(&w->out, "]", 1);
    }
    if (at / 2 >= ff_length(f->items)) {
        return false;
    }
    ff_out_text(&w->out, at % 2 ? "," : at ? ",[" : "[");
    (void)ff_item(f->items, at / 2, &key, &value, NULL);
    *child = at % 2 ? value : key;
    return true;
}

const char *const ff_json_step_names[FF_JSON_STEP_KINDS] = {[FF_STEP_APPEND] = "append",
                                                            [FF_STEP_SETITEM] = "set",
                                                            [FF_STEP_ADD] = "add",
                                                            [FF_STEP_BUILD] = "build",
                                                            [FF_STEP_CALL] = "call"};

static void open_step(struct ff_json_writer *w, int kind)
{
    ff_out_printf(&w->out, "[\"%s\",", ff_json_step_names[kind]);
}

/* `next` is 0 before the first member of a step, 1 before the second, 2 behind it. */
static bool next_step(struct ff_json_writer *w, struct ff_json_frame *f,
                      struct ff_value *child)
{
    const struct ff_step *s = f->step;
    bool two = s && (s->kind == FF_STEP_SETITEM || s->kind == FF_STEP_CALL);
    if (f->next == (two ? 2 : 1)) {
        f->step = s = s->next;
        f->next = 0;
        ff_out_text(&w->out, s ? "]," : "]");
    }
    if (!s) {
        return false;
    }
    if (f->next) {
        ff_out_put(&w->out, ",", 1);
    } else {
        open_step(w, s->kind);
    }
    *child = ff_value_of(f->items.doc, f->next++ ? s->b : s->a);
    return true;
}

/* The arguments are a tuple always: only a shared one has to say so. */
static bool open_args(struct ff_json_writer *w, struct ff_value *args)
{
    struct ff_json_frame inner = {.items = *args, .close = "]"};
    if (ff_json_is_shared(w, *args) || ff_kind(*args) != FF_TUPLE) {
        return false;
    }
    ff_out_put(&w->out, "[", 1);
    if (ff_vec_append(&w->stack, &inner)) {
        (void)ff_json_fail(w, FF_E_NO_MEMORY, "out of memory");
    }
    return true;
}

/* 1: `child` is next; 2: it has been begun; 0: no more. */
static int next_part(struct ff_json_writer *w, struct ff_json_frame *f,
                     struct ff_value *child)
{
    const struct ff_object_node *o = ff_cell_node(f->items.cell);
    while (++f->next <= FF_PART_SETTER) {
        *child = ff_part(f->items, (int)f->next);
        if (child->doc) {
            ff_out_text(&w->out, part_label[f->next]);
            return f->next == FF_PART_ARGS && open_args(w, child) ? 2 : 1;
        }
    }
    if (f->next == FF_PART_SETTER + 1 && o->more && o->more->outer_args) {
        *child = ff_value_of(f->items.doc, o->more->outer_args);
        ff_out_text(&w->out, ",\"outer_args\":");
        return 1;
    }
    f->next = FF_PART_SETTER + 1;
    if (!f->step) {
        return 0;
    }
    f->form = FF_JSON_STEPS;
    f->close = "]}}";
    f->next = 0;
    ff_out_text(&w->out, ",\"then\":[");
    return next_step(w, f, child);
}

static int next_child(struct ff_json_writer *w, struct ff_json_frame *f,
                      struct ff_value *child)
{
    switch (f->form) {
    case FF_JSON_ITEMS:
        return next_item(w, f, child);
    case FF_JSON_MAP:
        return next_of_map(w, f, child);
    case FF_JSON_PAIRS:
        return next_of_pairs(w, f, child);
    case FF_JSON_STEPS:
        return next_step(w, f, child);
    default:
        return next_part(w, f, child);
    }
}

/* ---- one value ---- */

/* True: it was written as a reference. */
static bool write_reference(struct ff_json_writer *w, struct ff_value v, bool *named)
{
    uint64_t *seen = ff_cellmap_find(&w->seen, v.cell);
    *named = false;
    if (!seen || (*seen & 3) < 2) {
        return false;
    }
    if (*seen >> 2) {
        ff_out_printf(&w->out, "{\"$ref\":%llu}", (unsigned long long)(*seen >> 2));
        return true;
    }
    *seen |= ++w->last_id << 2;
    *named = true;
    ff_out_printf(&w->out, "{\"$id\":%llu,\"$value\":", (unsigned long long)w->last_id);
    return false;
}

static void write_value(struct ff_json_writer *w, struct ff_value v)
{
    struct ff_json_frame f = {.items = v};
    bool begun = false;
    if (write_reference(w, v, &f.named)) {
        return;
    }
    if (ff_json_write_leaf(w, v) ||
        (ff_kind(v) == FF_OBJECT && ff_json_write_view(w, v, &f, &begun) && !begun)) {
        ff_out_text(&w->out, f.named ? "}" : "");
        return;
    }
    if (!begun) {
        begin_container(w, v, &f);
    }
    if (!w->out.rc && ff_vec_append(&w->stack, &f)) {
        (void)ff_json_fail(w, FF_E_NO_MEMORY, "out of memory");
    }
}

static void write_all(struct ff_json_writer *w, struct ff_value root)
{
    write_value(w, root);
    while (w->stack.count && is_within_budget(w)) {
        size_t at = w->stack.count - 1;
        struct ff_value child = FF_NOTHING;
        struct ff_json_frame f = *(struct ff_json_frame *)ff_vec_at(&w->stack, at);
        int got = next_child(w, &f, &child);
        *(struct ff_json_frame *)ff_vec_at(&w->stack, at) = f;
        if (got == 1) {
            write_value(w, child);
        } else if (got == 0) {
            ff_out_text(&w->out, f.close);
            ff_out_text(&w->out, f.named ? "}" : "");
            ff_vec_pop(&w->stack);
        }
    }
}

/* ---- what the document did beside its value ---- */

static void write_effect(struct ff_json_writer *w, const struct ff_doc *doc,
                         const struct ff_effect *effect)
{
    open_step(w, effect->kind);
    write_all(w, ff_value_of(doc, effect->target));
    if (effect->kind != FF_STEP_CALL) {
        ff_out_put(&w->out, ",", 1);
        write_all(w, ff_value_of(doc, effect->a));
    }
    if (effect->kind == FF_STEP_SETITEM) {
        ff_out_put(&w->out, ",", 1);
        write_all(w, ff_value_of(doc, effect->b));
    }
    ff_out_put(&w->out, "]", 1);
}

static void write_document(struct ff_json_writer *w, struct ff_value v)
{
    const struct ff_vec *effects = &v.doc->effects;
    if (effects->count == 0) {
        write_all(w, v);
        return;
    }
    ff_out_text(&w->out, "{\"$value\":");
    write_all(w, v);
    ff_out_text(&w->out, ",\"$effects\":[");
    for (size_t i = 0; i < effects->count && !w->out.rc; i++) {
        ff_out_text(&w->out, i ? "," : "");
        write_effect(w, v.doc, ff_vec_at(effects, i));
    }
    ff_out_text(&w->out, "]}");
}

int ff_to_json(struct ff_value v,
               int (*write)(void *ctx, const char *text, size_t size_bytes), void *ctx,
               struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_json_writer w = {.doc = v.doc, .error = e ? e : &local};
    int rc;
    if (e && e->code) {
        return e->code;
    }
    if (ff_kind(v) == FF_ABSENT) {
        return ff_fail(e, FF_E_TYPE, NULL, "a value that is not there cannot be written");
    }
    w.max_bytes = default_budget(v.doc);
    ff_out_init(&w.out, write, ctx);
    ff_vec_init(&w.stack, sizeof(struct ff_json_frame),
                SIZE_MAX / sizeof(struct ff_json_frame));
    rc = ff_graph_scan(v, &w.seen, w.error);
    if (!rc) {
        write_document(&w, v);
        rc = w.error->code ? w.error->code : ff_out_finish(&w.out, w.error);
    }
    ff_vec_free(&w.stack);
    ff_cellmap_free(&w.seen);
    return rc;
}
