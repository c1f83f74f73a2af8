/* SPDX-License-Identifier: Apache-2.0 */
/* show.c: ff show: a value as a tree. No element of an array is read. */
#include "view.h"

#include <stdlib.h>

/* The value to show: for a slice, a value that holds the selection; *doc is its owner. */
static struct ff_value shown(struct ff_target *t, struct ff_doc **doc, struct ff_error *e)
{
    struct ff_array *view = t->view;
    if (!view) {
        return t->value;
    }
    *doc = ff_doc_new(e);
    t->view = NULL; /* taken by the document */
    return ff_new_array_take(*doc, view, e);
}

static int write_stream(void *f, const char *text, size_t size_bytes)
{
    return fwrite(text, 1, size_bytes, f) == size_bytes ? FF_OK : FF_E_IO;
}

static int print_json(struct ff_cli *c, const struct ff_target *t, struct ff_value v,
                      struct ff_error *e)
{
    struct ff_json j;
    char *tree = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&tree, &size);
    int rc = f ? ff_show(v, 0, 0, write_stream, f, e) : FF_E_NO_MEMORY;
    if (f && fclose(f) && !rc) {
        rc = FF_E_NO_MEMORY;
    }
    if (!rc) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "workflow", t->address.workflow);
        ff_json_text(&j, j.root, "task", t->address.task);
        ff_json_text(&j, j.root, "path", t->address.path ? t->address.path : "");
        ff_json_text(&j, j.root, "kind", ff_kind_name(ff_kind(v)));
        ff_json_text(&j, j.root, "class", ff_class_name(v));
        ff_json_int(&j, j.root, "length", (int64_t)ff_length(v));
        ff_json_text(&j, j.root, "tree", tree);
        rc = ff_json_end(c, &j);
    }
    free(tree);
    return rc;
}

/* Trees end with a line end, whatever ff_show wrote last. */
struct lines {
    struct ff_cli *cli;
    char last;
};

static int print_lines(void *ctx, const char *text, size_t size_bytes)
{
    struct lines *l = ctx;
    l->last = size_bytes ? text[size_bytes - 1] : l->last;
    return ff_print_text(l->cli, text, size_bytes);
}

int ff_verb_show(struct ff_cli *c, struct ff_error *e)
{
    struct ff_target t;
    struct ff_doc *doc = NULL;
    struct lines lines = {c, '\n'};
    int rc = ff_target_find(c, c->args[0], 0, &t, e);
    if (!rc) {
        struct ff_value v = shown(&t, &doc, e);
        rc = c->json ? print_json(c, &t, v, e) : ff_show(v, 0, 0, print_lines, &lines, e);
        ff_target_blame(&t, e);
    }
    if (lines.last != '\n') {
        (void)fputc('\n', stdout);
    }
    ff_doc_free(doc);
    ff_target_free(&t);
    return rc;
}
