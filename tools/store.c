/* SPDX-License-Identifier: Apache-2.0 */
/* store.c: ff store: list, add and test storages. */
#include "cli.h"

#include <stdlib.h>
#include <unistd.h>

#define NAME_COLUMNS 16
#define FACT_COLUMNS 22

static void pad(const char *text, int columns)
{
    (void)printf("%*s",
                 columns > ff_print_width(text) ? columns - ff_print_width(text) : 1, "");
}

/* ---- list ---- */

struct entry {
    char *name, *kind, *path, *url; /* "" = it has none */
};

/* A str as text of one's own (free); "" for what is none. */
static char *text_of(struct ff_value v)
{
    const char *text = "";
    size_t size = 0;
    if (ff_str(v, &text, &size, NULL)) {
        size = 0;
    }
    return strndup(size ? text : "", size);
}

static int read_entry(struct ff_value storages, size_t i, struct entry *out,
                      struct ff_error *e)
{
    struct ff_value name, storage;
    if (ff_item(storages, i, &name, &storage, e)) {
        return e->code;
    }
    out->name = text_of(name);
    out->kind = text_of(ff_get(storage, "kind"));
    out->path = text_of(ff_get(ff_get(storage, "options"), "path"));
    out->url = text_of(ff_get(ff_get(storage, "options"), "url"));
    return out->name && out->kind && out->path && out->url
               ? FF_OK
               : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
}

static void entry_free(struct entry *entry)
{
    free(entry->name);
    free(entry->kind);
    free(entry->path);
    free(entry->url);
}

static void print_entry(struct ff_cli *c, const struct entry *s, int is_default)
{
    ff_print_name(c, s->name);
    (void)fputs(is_default ? "*" : " ", stdout);
    pad(s->name, NAME_COLUMNS);
    ff_print_name(c, s->kind);
    pad(s->kind, 6);
    ff_print_name(c, s->path[0] ? s->path : s->url);
    (void)fputc('\n', stdout);
}

static void list_entry(struct ff_cli *c, struct ff_json *j, struct ff_value list,
                       const struct entry *s, int is_default)
{
    struct ff_value row;
    if (!c->json) {
        print_entry(c, s, is_default);
        return;
    }
    row = ff_json_add_dict(j, list);
    ff_json_text(j, row, "name", s->name);
    ff_json_text(j, row, "kind", s->kind);
    ff_json_text(j, row, "path", s->path[0] ? s->path : NULL);
    ff_json_text(j, row, "url", s->url[0] ? s->url : NULL);
    ff_json_flag(j, row, "default", is_default);
}

static int list(struct ff_cli *c, struct ff_error *e)
{
    struct ff_doc *config = ff_config_show(ff_cli_host(c, e), e);
    struct ff_value storages = ff_get(ff_doc_root(config), "storages"), rows = {NULL, 0};
    char *chosen = text_of(ff_get(ff_doc_root(config), "default"));
    struct ff_json j = {.doc = NULL};
    int rc = e->code;
    if (!rc && c->json) {
        ff_json_begin(&j, e);
        rows = ff_json_list(&j, j.root, "storages");
    }
    for (size_t i = 0; !rc && i < ff_length(storages); i++) {
        struct entry s = {NULL, NULL, NULL, NULL};
        rc = read_entry(storages, i, &s, e);
        if (!rc) {
            list_entry(c, &j, rows, &s, chosen && strcmp(chosen, s.name) == 0);
        }
        entry_free(&s);
    }
    if (j.doc) {
        int printed = ff_json_end(c, &j);
        rc = rc ? rc : printed;
    }
    free(chosen);
    ff_doc_free(config);
    return rc;
}

/* ---- add ---- */

/* What the library takes (free): JSON, @FILE, or a folder from / on. */
static char *storage_text(const char *word, struct ff_error *e)
{
    char *text = NULL, *here;
    size_t size = 0;
    if (strcmp(word, "-") == 0) {
        (void)ff_in_read("-", &text, &size, e);
        return e->code ? NULL : text;
    }
    if (word[0] == '{' || word[0] == '@' || word[0] == '/') {
        text = strdup(word);
    } else if ((here = getcwd(NULL, 0))) {
        text = asprintf(&text, "%s/%s", here,
                        strncmp(word, "./", 2) == 0 ? word + 2 : word) < 0
                   ? NULL
                   : text;
        free(here);
    }
    if (!text) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    return text;
}

static int add(struct ff_cli *c, struct ff_error *e)
{
    struct ff_host *host = ff_cli_host(c, e);
    char *text = host ? storage_text(c->args[2], e) : NULL;
    struct ff_json j;
    if (text && !c->dry_run) {
        (void)ff_storage_add(host, c->args[1], text, e);
    }
    free(text);
    if (e->code) {
        return e->code;
    }
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "added", c->args[1]);
        ff_json_text(&j, j.root, "path", ff_config_path(host));
        ff_json_flag(&j, j.root, "dry_run", c->dry_run);
        return ff_json_end(c, &j);
    }
    ff_print_note(c, "%s %s to %s", c->dry_run ? "would add" : "added", c->args[1],
                  ff_config_path(host));
    return FF_OK;
}

/* ---- test ---- */

struct table {
    struct ff_cli *cli;
    struct ff_json json;
    struct ff_value list;
};

static int see_fact(void *table, const char *what, const char *is, const char *follows)
{
    struct table *t = table;
    if (t->cli->json) {
        struct ff_value row = ff_json_add_dict(&t->json, t->list);
        ff_json_text(&t->json, row, "what", what);
        ff_json_text(&t->json, row, "is", is);
        ff_json_text(&t->json, row, "follows", follows);
        return 0;
    }
    ff_print_name(t->cli, what);
    pad(what, FACT_COLUMNS);
    if (*follows) {
        ff_print_colored(t->cli, FF_YELLOW, is);
        (void)printf(": %s\n", follows);
    } else {
        ff_print_name(t->cli, is);
        (void)fputc('\n', stdout);
    }
    return ferror(stdout) || ff_signals_stopped();
}

static int test(struct ff_cli *c, struct ff_error *e)
{
    struct table t = {.cli = c};
    struct ff_storage *s = ff_cli_storage(c, c->arg_count > 1 ? c->args[1] : NULL, e);
    int rc = e->code;
    if (!rc && c->json) {
        ff_json_begin(&t.json, e);
        t.list = ff_json_list(&t.json, t.json.root, "facts");
    }
    rc = rc ? rc : ff_storage_probe(s, see_fact, &t, e);
    if (t.json.doc) {
        rc = rc ? (ff_doc_free(t.json.doc), rc) : ff_json_end(c, &t.json);
    }
    return rc;
}

int ff_verb_store(struct ff_cli *c, struct ff_error *e)
{
    static const char *const names[] = {"list", "add", "test"};
    static const int fewest[] = {1, 3, 1}, most[] = {1, 3, 2};
    static int (*const runs[])(struct ff_cli *, struct ff_error *) = {list, add, test};
    const char *near;
    for (int i = 0; i < 3; i++) {
        if (strcmp(c->args[0], names[i]) == 0) {
            if (c->arg_count < fewest[i] || c->arg_count > most[i]) {
                (void)ff_fail(e, FF_E_USAGE, NULL, "ff store %s does not take %d words",
                              names[i], c->arg_count - 1);
                ff_error_fix(e, "ff help store");
                return FF_E_USAGE;
            }
            return runs[i](c, e);
        }
    }
    near = ff_cli_nearest(c->args[0], names, 3);
    (void)ff_fail(e, FF_E_USAGE, NULL, "there is no ff store %.100s", c->args[0]);
    ff_error_fix(e, near ? "did you mean ff store %s?" : "ff help %s",
                 near ? near : "store");
    return FF_E_USAGE;
}
