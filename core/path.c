/* SPDX-License-Identifier: Apache-2.0 */
/* path.c: "field", "a.b[3]", "['k']": from a value to one inside it. */
#include <string.h>

#include "core/base/buf.h"
#include "core/base/name.h"
#include "core/out.h"
#include "core/views.h"

/* One part of a path. */
struct part {
    size_t from, to; /* where it stands in the text */
    char kind;       /* '.' a name, '[' a number, '\'' a key in quotes */
    bool negative;
    uint64_t number;
};

struct walk {
    const char *path;
    size_t at;
    struct ff_buf text; /* a name or a key */
    struct ff_error *error;
};

static int wrong(struct walk *w, const char *what)
{
    return ff_fail(w->error, FF_E_USAGE, NULL, "the path %.200s, column %zu: %s", w->path,
                   w->at + 1, what);
}

static int no_memory(struct walk *w)
{
    return ff_fail(w->error, FF_E_NO_MEMORY, NULL, "out of memory");
}

/* ---- the language ---- */

static int parse_name(struct walk *w)
{
    size_t length = strcspn(w->path + w->at, ".[]");
    if (length == 0) {
        return wrong(w, "here should be a name");
    }
    if (!ff_utf8_valid(w->path + w->at, length)) {
        return wrong(w, "not UTF-8");
    }
    if (ff_buf_append(&w->text, w->path + w->at, length)) {
        return no_memory(w);
    }
    w->at += length;
    return FF_OK;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Behind a backslash: \\ \' \" \n \r \t \xHH \uHHHH, as Python's repr has them. */
static int parse_escape(struct walk *w)
{
    static const char names[] = "\\'\"nrt", plain[] = "\\'\"\n\r\t";
    char c = w->path[w->at], out[4];
    const char *at = c ? strchr(names, c) : NULL;
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    unsigned code = at ? (uint8_t)plain[at - names] : 0;
    if (!at && !digits) {
        return wrong(w, "no such escape");
    }
    w->at++;
    for (; digits; digits--, w->at++) {
        if (hex(w->path[w->at]) < 0) {
            return wrong(w, "here should be a hex digit");
        }
        code = code << 4 | (unsigned)hex(w->path[w->at]);
    }
    return ff_buf_append(&w->text, out, ff_wtf8_put(code, out)) ? no_memory(w) : FF_OK;
}

static int parse_key(struct walk *w)
{
    char quote = w->path[w->at++];
    size_t from = w->at;
    while (w->path[w->at] != quote) {
        if (!w->path[w->at]) {
            return wrong(w, "the quote is not closed");
        }
        if (w->path[w->at] == '\\') {
            w->at++;
            if (parse_escape(w)) {
                return w->error->code;
            }
        } else if (ff_buf_append_byte(&w->text, (uint8_t)w->path[w->at++])) {
            return no_memory(w);
        }
    }
    if (!ff_utf8_valid(w->path + from, w->at - from)) {
        return wrong(w, "not UTF-8");
    }
    w->at++;
    return FF_OK;
}

static int parse_number(struct walk *w, struct part *p)
{
    p->negative = w->path[w->at] == '-';
    w->at += p->negative;
    if (hex(w->path[w->at]) < 0 || hex(w->path[w->at]) > 9) {
        return wrong(w, "here should be a number, or a key in quotes");
    }
    for (p->number = 0; w->path[w->at] >= '0' && w->path[w->at] <= '9'; w->at++) {
        if (p->number > INT64_MAX / 10 - 1) {
            return wrong(w, "the number is too large");
        }
        p->number = 10 * p->number + (uint64_t)(w->path[w->at] - '0');
    }
    return FF_OK;
}

static int parse_bracket(struct walk *w, struct part *p)
{
    char c = w->path[++w->at];
    int rc;
    p->kind = c == '\'' || c == '"' ? '\'' : '[';
    rc = p->kind == '\'' ? parse_key(w) : parse_number(w, p);
    if (!rc && w->path[w->at] != ']') {
        return wrong(w, "here should be a ']'");
    }
    w->at += !rc;
    return rc;
}

static int parse_part(struct walk *w, struct part *p)
{
    bool first = w->at == 0;
    int rc;
    ff_buf_clear(&w->text);
    *p = (struct part){.from = w->at, .kind = '.'};
    if (w->path[w->at] == '[') {
        rc = parse_bracket(w, p);
    } else if (!first && w->path[w->at] != '.') {
        return wrong(w, "here should be a '.' or a '['");
    } else {
        w->at += w->path[w->at] == '.';
        rc = parse_name(w);
    }
    p->to = w->at;
    return rc;
}

/* ---- one step ---- */

static struct ff_value find_key(struct ff_value dict, const struct walk *w)
{
    size_t length = w->text.length_bytes;
    /* as text with NUL it may be looked up directly; a key with a NUL needs a search */
    if (!memchr(w->text.data ? w->text.data : (const uint8_t *)"", 0, length)) {
        return ff_get(dict,
                      (const char *)(w->text.data ? w->text.data : (const uint8_t *)""));
    }
    for (size_t i = 0; i < ff_length(dict) && ff_kind(dict) == FF_DICT; i++) {
        struct ff_value key, value;
        const char *text;
        size_t size;
        (void)ff_item(dict, i, &key, &value, NULL);
        if (ff_kind(key) == FF_STR && ff_str(key, &text, &size, NULL) == FF_OK &&
            size == length && memcmp(text, w->text.data, length) == 0) {
            return value;
        }
    }
    return (struct ff_value){NULL, 0};
}

/* What an object of the kind of a dict, list, deque ... holds. */
static struct ff_value items_of(struct ff_value v, int part)
{
    struct ff_value items = ff_part(v, part);
    struct ff_value viewed = {NULL, 0};
    if (!items.doc && ff_view_items(v, &viewed)) {
        return viewed;
    }
    return items;
}

/* Arguments that classes give names to. */
static struct ff_value find_argument(struct ff_value v, const char *name)
{
    static const struct {
        const char *callable, *name;
        size_t place;
    } known[] = {
        {"pandas.core.internals.managers.BlockManager", "blocks", 0},
        {"pandas.core.internals.managers.BlockManager", "axes", 1},
        {"pandas.core.internals.managers.SingleBlockManager", "blocks", 0},
        {"pandas.core.internals.managers.SingleBlockManager", "axes", 1},
        {"pandas._libs.internals._unpickle_block", "values", 0},
        {"builtins.slice", "start", 0},
        {"builtins.slice", "stop", 1},
        {"builtins.slice", "step", 2},
        {"builtins.range", "start", 0},
        {"builtins.range", "stop", 1},
        {"builtins.range", "step", 2},
        {"builtins.complex", "real", 0},
        {"builtins.complex", "imag", 1},
    };
    struct ff_value found = {NULL, 0}, callable = ff_part(v, FF_PART_CALLABLE);
    for (size_t i = 0; i < sizeof known / sizeof *known && !found.doc; i++) {
        if (strcmp(name, known[i].name) == 0 &&
            ff_form_is_global(callable, known[i].callable)) {
            (void)ff_item(ff_part(v, FF_PART_ARGS), known[i].place, NULL, &found, NULL);
        }
    }
    return found;
}

/* pandas: blocks and axes of a manager that has them in the last part of its state, and the
 * members of an index, which are an argument. */
static struct ff_value find_pandas(struct ff_value v, const char *name)
{
    struct ff_value state = ff_part(v, FF_PART_STATE), last = {NULL, 0};
    if (ff_kind(state) == FF_TUPLE && ff_length(state) == 4) {
        (void)ff_item(state, 3, NULL, &last, NULL);
        return ff_get(ff_get(last, "0.14.1"), name);
    }
    if (ff_view(v) == FF_VIEW_INDEX) {
        (void)ff_item(ff_part(v, FF_PART_ARGS), 1, NULL, &last, NULL);
    }
    return ff_get(last, name);
}

/* The parts of an object by their names, when no attribute has it. */
static struct ff_value find_part(struct ff_value v, const char *name)
{
    static const struct {
        const char *name;
        int part;
    } parts[] = {{"args", FF_PART_ARGS},        {"kwargs", FF_PART_KWARGS},
                 {"items", FF_PART_LIST_ITEMS}, {"dict", FF_PART_DICT_ITEMS},
                 {"state", FF_PART_STATE},      {"setter", FF_PART_SETTER},
                 {"callable", FF_PART_CALLABLE}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(name, parts[i].name) == 0) {
            return ff_part(v, parts[i].part);
        }
    }
    return (struct ff_value){NULL, 0};
}

/* The state is the dict of the attributes, or a pair of it and the dict of the slots. */
static struct ff_value find_attribute(struct ff_value v, const struct walk *w)
{
    struct ff_value state = ff_part(v, FF_PART_STATE), found = find_key(state, w);
    for (size_t i = 0;
         i < 2 && !found.doc && ff_kind(state) == FF_TUPLE && ff_length(state) == 2;
         i++) {
        struct ff_value half;
        (void)ff_item(state, i, NULL, &half, NULL);
        found = find_key(half, w);
    }
    if (!found.doc) {
        found = find_argument(v, (const char *)w->text.data);
    }
    if (!found.doc && strncmp(ff_class_name(v), "pandas", 6) == 0) {
        found = find_pandas(v, (const char *)w->text.data);
    }
    return found.doc ? found : find_part(v, (const char *)w->text.data);
}

static struct ff_value find_number(struct ff_value v, const struct part *p)
{
    struct ff_value found = {NULL, 0}, items = v;
    uint64_t count;
    if (ff_kind(v) == FF_OBJECT) {
        items = items_of(v, FF_PART_LIST_ITEMS);
        items = items.doc ? items : ff_part(v, FF_PART_DICT_ITEMS);
    }
    if (ff_kind(items) == FF_DICT) {
        for (size_t i = 0; i < ff_length(items) && !found.doc; i++) {
            struct ff_value key, value;
            int64_t number;
            (void)ff_item(items, i, &key, &value, NULL);
            if (ff_kind(key) == FF_INT && ff_int64(key, &number, NULL) == FF_OK &&
                number == (p->negative ? -(int64_t)p->number : (int64_t)p->number)) {
                found = value;
            }
        }
        return found;
    }
    count = ff_length(items);
    if (p->number <= count && (!p->negative || p->number > 0)) {
        (void)ff_item(items, (size_t)(p->negative ? count - p->number : p->number), NULL,
                      &found, NULL);
    }
    return found;
}

static struct ff_value find(struct ff_value v, const struct part *p, struct walk *w)
{
    struct ff_value found = {NULL, 0};
    if (p->kind == '[') {
        return find_number(v, p);
    }
    (void)ff_buf_text(&w->text);
    found = find_key(ff_kind(v) == FF_OBJECT ? items_of(v, FF_PART_DICT_ITEMS) : v, w);
    if (!found.doc && p->kind == '.' && ff_kind(v) == FF_OBJECT) {
        found = find_attribute(v, w);
    }
    return found;
}

/* ---- all of it ---- */

static int not_found(struct walk *w, const struct part *p, struct ff_value at)
{
    size_t before = p->from < 200 ? p->from : 200, size = p->to - p->from;
    return ff_fail(w->error, FF_E_NOT_FOUND, NULL,
                   "%.*s%s%.*s is not there: %.*s%s is a %s%s%s", (int)before, w->path,
                   p->from > before ? "..." : "", (int)(size < 100 ? size : 100),
                   w->path + p->from, (int)before, w->path, p->from ? "" : "the value",
                   ff_kind_name(ff_kind(at)), ff_kind(at) == FF_OBJECT ? " of " : "",
                   ff_kind(at) == FF_OBJECT ? ff_class_name(at) : "");
}

static int follow(struct walk *w, struct ff_value *v)
{
    struct part p;
    while (w->path[w->at]) {
        struct ff_value next;
        int rc = parse_part(w, &p);
        if (!rc && ff_kind(*v) == FF_PERSISTENT) {
            *v = ff_resolve(*v, NULL, w->error);
            rc = w->error->code;
        }
        if (rc) {
            return rc;
        }
        next = find(*v, &p, w);
        if (!next.doc) {
            return not_found(w, &p, *v);
        }
        *v = next;
    }
    return FF_OK;
}

struct ff_value ff_path(struct ff_value v, const char *path, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct walk w = {.path = path, .error = e ? e : &local};
    struct ff_value nothing = {NULL, 0};
    int rc;
    if (w.error->code) {
        return nothing;
    }
    if (!path || ff_kind(v) == FF_ABSENT) {
        (void)ff_fail(e, path ? FF_E_TYPE : FF_E_USAGE, NULL,
                      path ? "no value" : "no path");
        return nothing;
    }
    ff_buf_init(&w.text, 1 << 20);
    rc = follow(&w, &v);
    ff_buf_free(&w.text);
    return rc ? nothing : v;
}
