/* SPDX-License-Identifier: Apache-2.0 */
/* info.c: ff info: what is known of a task: its bytes, its big data, how others open it. */
#include "view.h"

#include <stdlib.h>

#define LABEL_COLUMNS 11

static void print_label(const struct ff_cli *c, int indent, const char *label, int alone)
{
    int left = LABEL_COLUMNS - ff_print_width(label);
    (void)printf("%*s", indent, "");
    ff_print_name(c, label);
    (void)printf(alone ? "\n" : "%*s ", left > 0 ? left : 0, "");
}

/* Each line by itself: lines of code are a block below their label. */
static void print_str(struct ff_cli *c, int indent, const char *text, size_t size)
{
    const char *end = text + size;
    while (size && end[-1] == '\n') {
        end--;
        size--;
    }
    while (text < end) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        stop = stop ? stop : end;
        (void)printf("%*s", indent, "");
        (void)ff_print_text(c, text, (size_t)(stop - text));
        (void)fputc('\n', stdout);
        text = stop + 1;
    }
}

static void print_number(const char *key, int64_t number)
{
    char text[64];
    time_t seconds = (time_t)(number / 1000000000);
    struct tm tm;
    if (strcmp(key, "bytes") == 0) {
        (void)printf("%s", ff_print_size((uint64_t)number, text));
        (void)printf(number >= 1000 ? " (%lld bytes)\n" : "\n", (long long)number);
    } else if (strcmp(key, "modified_ns") == 0 && localtime_r(&seconds, &tm) &&
               strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %z", &tm)) {
        (void)printf("%s\n", text);
    } else {
        (void)printf("%lld\n", (long long)number);
    }
}

static int is_axes(struct ff_value v)
{
    struct ff_value first;
    struct ff_error e = FF_ERROR_INIT;
    return ff_kind(v) == FF_LIST &&
           (ff_length(v) == 0 ||
            (!ff_item(v, 0, NULL, &first, &e) && ff_kind(first) == FF_INT));
}

/* (12, 90, 180), as Python prints a shape */
static void print_axes(struct ff_value v, struct ff_error *e)
{
    size_t n = ff_length(v);
    (void)fputc('(', stdout);
    for (size_t i = 0; i < n; i++) {
        struct ff_value item;
        int64_t number = 0;
        (void)ff_item(v, i, NULL, &item, e);
        (void)ff_int64(item, &number, e);
        (void)printf("%s%lld", i ? ", " : "", (long long)number);
    }
    (void)puts(n == 1 ? ",)" : ")");
}

static const char *label_of(const char *key)
{
    static const char *const labels[][2] = {{"modified_ns", "changed"},
                                            {"open_with", "open with"}};
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (strcmp(labels[i][0], key) == 0) {
            return labels[i][1];
        }
    }
    return key;
}

static void print_dict(struct ff_cli *c, struct ff_value dict, int indent,
                       struct ff_error *e);

/* One member. Depth is that of the document that the library gives: three. */
static void print_member(struct ff_cli *c, const char *key, struct ff_value v, int indent,
                         struct ff_error *e)
{
    const char *text = "";
    size_t size = 0;
    int64_t number = 0;
    int kind = ff_kind(v), block;
    if (kind == FF_STR) {
        (void)ff_str(v, &text, &size, e);
    }
    if (kind == FF_NONE || (kind == FF_STR && size == 0 && strcmp(key, "path") != 0)) {
        return; /* not known, or does not apply */
    }
    block = kind == FF_DICT || (kind == FF_STR && size && memchr(text, '\n', size));
    print_label(c, indent, label_of(key), block);
    if (kind == FF_STR) {
        print_str(c, block ? indent + 2 : 0, size ? text : "(the whole value)",
                  size ? size : 17);
    } else if (kind == FF_INT) {
        (void)ff_int64(v, &number, e);
        print_number(key, number);
    } else if (is_axes(v)) {
        print_axes(v, e);
    } else if (kind == FF_DICT) {
        print_dict(c, v, indent + 2, e);
    } else {
        (void)puts(ff_kind_name(kind));
    }
}

/* What the heading says already, and the version of --json. */
static int is_heading(const char *key, struct ff_value v)
{
    return strcmp(key, "workflow") == 0 || strcmp(key, "task") == 0 ||
           (strcmp(key, "version") == 0 && ff_kind(v) == FF_INT);
}

static void print_dict(struct ff_cli *c, struct ff_value dict, int indent,
                       struct ff_error *e)
{
    for (size_t i = 0; i < ff_length(dict) && !e->code; i++) {
        struct ff_value key, v, item;
        const char *text = "";
        char name[64];
        size_t size = 0, count;
        (void)ff_item(dict, i, &key, &v, e);
        (void)ff_str(key, &text, &size, e);
        (void)snprintf(name, sizeof name, "%.*s", (int)(size < 63 ? size : 63), text);
        count = ff_kind(v) == FF_LIST && !is_axes(v) ? ff_length(v) : 0;
        for (size_t k = 0; k < count && !ff_item(v, k, NULL, &item, e); k++) {
            (void)fputc('\n', stdout);
            print_dict(c, item, indent, e);
        }
        if (count == 0 && !is_heading(name, v)) {
            print_member(c, name, v, indent, e);
        }
    }
}

/* ---- what a path names ---- */

/* What is at the path, and what a slice would read. */
static void add_value(struct ff_json *j, const struct ff_target *t)
{
    const struct ff_array *a = t->view ? t->view : t->whole;
    struct ff_value value = ff_json_dict(j, j->root, "value"), array, read;
    uint64_t touched = 0, all = 0;
    ff_json_text(j, value, "path", t->address.path);
    ff_json_text(j, value, "kind", ff_kind_name(ff_kind(t->value)));
    ff_json_text(j, value, "class", ff_class_name(t->value));
    if (!a) {
        ff_json_int(j, value, "length", (int64_t)ff_length(t->value));
        return;
    }
    array = ff_json_dict(j, value, "array");
    ff_json_text(j, array, "dtype", a->descr);
    ff_json_add_ints(j, array, "shape", a->shape, a->ndim);
    if (t->view && ff_target_chunks(t, &touched, &all, j->e)) {
        read = ff_json_dict(j, value, "read");
        ff_json_int(j, read, "chunks", (int64_t)touched);
        ff_json_int(j, read, "of", (int64_t)all);
    }
}

/* The library's document, then what the path adds. */
static int describe(struct ff_cli *c, const struct ff_address *a, const char *address,
                    struct ff_json *j, struct ff_error *e)
{
    struct ff_target t = {.doc = NULL};
    struct ff_doc *info =
        ff_task_info(ff_cli_storage(c, a->storage, e), a->workflow, a->task, e);
    struct ff_value root = ff_doc_root(info);
    int found = a->path && !e->code;
    ff_json_begin(j, e);
    for (size_t i = 0; i < ff_length(root) && !e->code; i++) {
        struct ff_value key, v;
        (void)ff_item(root, i, &key, &v, e);
        (void)ff_set_item(j->doc, j->root, ff_import(j->doc, key, e),
                          ff_import(j->doc, v, e), e);
    }
    if (found && !ff_target_find(c, address, 1, &t, e)) {
        add_value(j, &t);
        ff_target_blame(&t, e);
    }
    ff_target_free(&t);
    ff_doc_free(info);
    return e->code;
}

static void print_human(struct ff_cli *c, const struct ff_address *a,
                        struct ff_value root, struct ff_error *e)
{
    char name[512];
    ff_print_name(c, ff_address_print(a->workflow, a->task, name, sizeof name));
    (void)fputc('\n', stdout);
    print_dict(c, root, 2, e);
}

int ff_verb_info(struct ff_cli *c, struct ff_error *e)
{
    struct ff_address a;
    struct ff_json j = {.doc = NULL};
    int rc = ff_address_parse(&a, c->args[0], FF_ADDRESS_INSIDE, e);
    if (!rc) {
        rc = describe(c, &a, c->args[0], &j, e);
    }
    if (!rc && c->json) {
        rc = ff_json_end(c, &j);
    } else {
        if (!rc) {
            print_human(c, &a, j.root, e);
        }
        ff_doc_free(j.doc);
    }
    ff_address_free(&a);
    return rc ? rc : e->code;
}
