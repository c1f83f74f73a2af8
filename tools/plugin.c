/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c: ff plugin: list, info, install, enable, disable, which, check, new. */
#include "cli.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { COLUMNS = 4 };

static const char *cell(const struct ff_plugin_row *r, int column)
{
    const char *const cells[COLUMNS] = {r->name, r->kind, r->code, r->version};
    return cells[column][0] ? cells[column] : "-";
}

static enum ff_color color_of(const struct ff_plugin_row *r)
{
    return strcmp(r->code, "loaded") == 0     ? FF_GREEN
           : strcmp(r->code, "disabled") == 0 ? FF_YELLOW
                                              : FF_RED;
}

static void print_row(const struct ff_cli *c, const struct ff_plugin_row *r,
                      const int *widths)
{
    for (int i = 0; i < COLUMNS; i++) {
        const char *text = cell(r, i);
        if (i == 2) {
            ff_print_colored(c, color_of(r), text);
        } else {
            ff_print_name(c, text);
        }
        (void)printf("%*s  ", widths[i] - ff_print_width(text), "");
    }
    ff_print_name(c, r->file);
    (void)fputc('\n', stdout);
    if (r->reason[0]) {
        (void)fputs("    ", stdout);
        ff_print_name(c, r->reason);
        (void)fputc('\n', stdout);
    }
    if (r->fix[0]) {
        (void)fputs("    fix: ", stdout);
        ff_print_name(c, r->fix);
        (void)fputc('\n', stdout);
    }
}

static void print_table(const struct ff_cli *c, const struct ff_host *host)
{
    static const char *const heads[COLUMNS] = {"NAME", "KIND", "STATE", "VERSION"};
    int widths[COLUMNS];
    size_t count = ff_plugin_count(host);
    for (int k = 0; k < COLUMNS; k++) {
        widths[k] = ff_print_width(heads[k]);
        for (size_t i = 0; i < count; i++) {
            int w = ff_print_width(cell(ff_plugin_at(host, i), k));
            widths[k] = w > widths[k] ? w : widths[k];
        }
    }
    for (int k = 0; count && k < COLUMNS; k++) {
        (void)printf("%-*s  ", widths[k], heads[k]);
    }
    if (count) {
        (void)puts("FILE");
    }
    for (size_t i = 0; i < count; i++) {
        print_row(c, ff_plugin_at(host, i), widths);
    }
}

static void add_words(struct ff_json *j, struct ff_value row, const char *key,
                      const char *words)
{
    struct ff_value list = ff_json_list(j, row, key);
    while (*words) {
        size_t n = strcspn(words, " ");
        char word[256];
        (void)snprintf(word, sizeof word, "%.*s", (int)n, words);
        if (n) {
            ff_json_add_text(j, list, word);
        }
        words += n + (words[n] == ' ');
    }
}

/* A line of facts: "KEY WORD WORD". */
struct fact {
    char key[32], words[1024];
};

/* A note says what it likes. */
static int is_known(const char *key)
{
    static const char *const keys[] = {"needs", "threads", "lock_group", "reads",
                                       "offers"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcmp(keys[i], key) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The next line; NULL behind the last one. */
static const char *next_fact(const char *at, struct fact *f)
{
    size_t key = strcspn(at, " \n"), line = strcspn(at, "\n");
    const char *words = at + key + (at[key] == ' ');
    if (!*at) {
        return NULL;
    }
    (void)snprintf(f->key, sizeof f->key, "%.*s", (int)key, at);
    (void)snprintf(f->words, sizeof f->words, "%.*s", (int)(at + line - words), words);
    return at + line + (at[line] == '\n');
}

static void add_facts(struct ff_json *j, struct ff_value row, const char *facts)
{
    struct ff_value dict = ff_json_dict(j, row, "facts");
    struct fact f;
    while ((facts = next_fact(facts, &f))) {
        if (is_known(f.key)) {
            add_words(j, dict, f.key, f.words);
        }
    }
}

static struct ff_value add_row(struct ff_json *j, struct ff_value list,
                               const struct ff_plugin_row *r)
{
    struct ff_value v = ff_json_add_dict(j, list);
    ff_json_text(j, v, "file", r->file);
    ff_json_text(j, v, "name", r->name);
    ff_json_text(j, v, "kind", r->kind);
    ff_json_text(j, v, "version", r->version);
    ff_json_text(j, v, "summary", r->summary);
    ff_json_text(j, v, "code", r->code);
    ff_json_text(j, v, "reason", r->reason);
    ff_json_text(j, v, "fix", r->fix);
    add_words(j, v, "classes", r->classes);
    ff_json_text(j, v, "options_schema", r->options);
    add_facts(j, v, r->facts);
    return v;
}

static int list(struct ff_cli *c, struct ff_error *e)
{
    struct ff_host *host = ff_cli_host(c, e);
    struct ff_json j;
    struct ff_value rows;
    if (!host) {
        return e->code;
    }
    if (!c->json) {
        print_table(c, host);
        if (ff_plugin_count(host) == 0) {
            ff_print_warning(c, "there is no plugin; ff config show has the directories");
        }
        return FF_OK;
    }
    ff_json_begin(&j, e);
    rows = ff_json_list(&j, j.root, "plugins");
    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        (void)add_row(&j, rows, ff_plugin_at(host, i));
    }
    return ff_json_end(c, &j);
}

/* ---- info ---- */

static int is_same_file(const char *path, const struct stat *st)
{
    struct stat other;
    return stat(path, &other) == 0 && other.st_dev == st->st_dev &&
           other.st_ino == st->st_ino;
}

void ff_plugin_print_fact(const struct ff_cli *c, const char *label, const char *text)
{
    if (text[0]) {
        (void)printf("%-9s ", label);
        ff_print_name(c, text);
        (void)fputc('\n', stdout);
    }
}

static void print_facts_of(const struct ff_cli *c, const char *facts)
{
    struct fact f;
    while ((facts = next_fact(facts, &f))) {
        if (is_known(f.key)) {
            ff_plugin_print_fact(c, f.key, f.words);
        }
    }
}

static void print_facts(const struct ff_cli *c, const struct ff_plugin_row *r)
{
    ff_plugin_print_fact(c, "file", r->file);
    ff_plugin_print_fact(c, "name", r->name);
    ff_plugin_print_fact(c, "kind", r->kind);
    ff_plugin_print_fact(c, "version", r->version);
    ff_plugin_print_fact(c, "summary", r->summary);
    ff_plugin_print_fact(c, "classes", r->classes);
    print_facts_of(c, r->facts);
    ff_plugin_print_fact(c, "state", r->code);
    ff_plugin_print_fact(c, "reason", r->reason);
    ff_plugin_print_fact(c, "fix", r->fix);
    ff_plugin_print_options(c, r->options);
}

/* The rows of that file; how many. */
static size_t print_file(struct ff_cli *c, const struct ff_host *host,
                         const struct stat *st, struct ff_error *e)
{
    size_t found = 0;
    struct ff_json j;
    struct ff_value rows = {NULL, 0};
    if (c->json) {
        ff_json_begin(&j, e);
        rows = ff_json_list(&j, j.root, "plugins");
    }
    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        const struct ff_plugin_row *r = ff_plugin_at(host, i);
        if (!is_same_file(r->file, st)) {
            continue;
        }
        found++;
        if (c->json) {
            ff_plugin_tell_links(c, r, &j, add_row(&j, rows, r));
        } else {
            print_facts(c, r);
            ff_plugin_tell_links(c, r, NULL, rows);
        }
    }
    if (c->json && found) {
        (void)ff_json_end(c, &j);
    } else if (c->json) {
        ff_doc_free(j.doc);
    }
    return found;
}

/* A file that is in no plugin directory: a host that has its folder as one, and enables
 * nothing, so that nothing of it runs. */
static int info_elsewhere(struct ff_cli *c, const char *file, const struct stat *st,
                          struct ff_error *e)
{
    static const char nothing[] =
        "{\"plugins\": {\"disable\": [\"file\", \"s3\", \"HDFSerializer\", \"npy\"]}}";
    char *path = realpath(file, NULL), *slash = path ? strrchr(path, '/') : NULL;
    const char *folders[2] = {NULL, NULL};
    struct ff_host *host;
    int rc = path ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, file, "its path is not known");
    if (slash) {
        *(slash == path ? slash + 1 : slash) = 0;
        folders[0] = path;
        host = ff_cli_open_host(c, NULL, nothing, folders, e);
        if (host && !print_file(c, host, st, e)) {
            rc = ff_fail(e, FF_E_PLUGIN, file,
                         "not a plugin: its name does not end in .so");
        }
        ff_host_close(host);
    }
    free(path);
    return rc ? rc : e->code;
}

/* By name, or by file. */
static const struct ff_plugin_row *find_row(const struct ff_host *host, const char *what,
                                            int by_file)
{
    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        const struct ff_plugin_row *r = ff_plugin_at(host, i);
        if (strcmp(by_file ? r->file : r->name, what) == 0) {
            return r;
        }
    }
    return NULL;
}

static int info(struct ff_cli *c, struct ff_error *e)
{
    const char *file = c->args[1];
    struct ff_host *host = ff_cli_host(c, e);
    struct stat st;
    if (!host) {
        return e->code;
    }
    if (stat(file, &st)) {
        const struct ff_plugin_row *named = find_row(host, file, 0);
        (void)ff_fail(e, FF_E_NOT_FOUND, file, "there is no such file");
        ff_error_fix(e,
                     named ? "ff plugin info %.400s" : "ff plugin list has the files%s",
                     named ? named->file : "");
        return e->code;
    }
    return print_file(c, host, &st, e) ? e->code : info_elsewhere(c, file, &st, e);
}

/* ---- changes ---- */

static int install(struct ff_cli *c, struct ff_error *e)
{
    char path[PATH_MAX] = "";
    const struct ff_plugin_row *row = NULL;
    struct ff_host *host = ff_cli_host(c, e), *after;
    struct ff_error ignored = FF_ERROR_INIT;
    struct ff_json j;
    if (c->dry_run) {
        return info(c, e);
    }
    if (ff_plugin_install(host, c->args[1], path, sizeof path, e)) {
        return e->code;
    }
    after = ff_cli_open_host(c, NULL, NULL, NULL, &ignored);
    row = find_row(after, path, 1);
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "installed", path);
        ff_json_text(&j, j.root, "name", row ? row->name : "");
        (void)ff_json_end(c, &j);
    } else {
        ff_print_name(c, path);
        (void)fputc('\n', stdout);
    }
    if (row && strcmp(row->code, "loaded") != 0) {
        ff_print_warning(c, "%s; fix: %s", row->reason, row->fix);
    }
    ff_host_close(after);
    return e->code;
}

static int enable(struct ff_cli *c, int on, struct ff_error *e)
{
    const char *name = c->args[1];
    struct ff_host *host = ff_cli_host(c, e), *after;
    struct ff_error ignored = FF_ERROR_INIT;
    const struct ff_plugin_row *row;
    if (!host || (!c->dry_run && ff_plugin_enable(host, name, on, e))) {
        return e->code;
    }
    if (c->dry_run) {
        ff_print_warning(c, "would %s %s in %s", on ? "enable" : "disable", name,
                         ff_config_path(host));
        return FF_OK;
    }
    ff_print_note(c, "%s %s in %s", on ? "enabled" : "disabled", name,
                  ff_config_path(host));
    after = ff_cli_open_host(c, NULL, NULL, NULL, &ignored);
    row = find_row(after, name, 0);
    if (row && on && strcmp(row->code, "loaded") != 0) {
        ff_print_warning(c, "%s: %s; fix: %s", row->file, row->reason, row->fix);
    }
    ff_host_close(after);
    return FF_OK;
}

static int pin(struct ff_cli *c, int on, struct ff_error *e)
{
    const char *name = c->args[1];
    struct ff_host *host = ff_cli_host(c, e);
    if (!host || (!c->dry_run && ff_plugin_pin(host, name, on, e))) {
        return e->code;
    }
    if (c->dry_run) {
        ff_print_warning(c, "would %s %s in %s", on ? "pin" : "unpin", name,
                         ff_config_path(host));
    } else {
        ff_print_note(c, "%s %s in %s", on ? "pinned" : "unpinned", name,
                      ff_config_path(host));
    }
    return FF_OK;
}

/* ---- which ---- */

enum { CHOICES_MAX = 64 };

static void print_choice(const struct ff_cli *c, const struct ff_plugin_choice *choice)
{
    const struct ff_plugin_row *r = choice->row;
    int loaded = strcmp(r->code, "loaded") == 0;
    ff_print_name(c, r->name);
    (void)printf("  %s", choice->why);
    if (!loaded) {
        (void)printf(" (%s): ", r->code);
        ff_print_name(c, r->fix);
    }
    (void)fputc('\n', stdout);
}

static int which(struct ff_cli *c, struct ff_error *e)
{
    struct ff_plugin_choice choices[CHOICES_MAX];
    struct ff_host *host = ff_cli_host(c, e);
    const char *class_name = c->args[1];
    size_t count = host ? ff_plugin_choices(host, class_name, choices, CHOICES_MAX) : 0;
    const struct ff_plugin_row *first = count ? choices[0].row : NULL;
    int found = first && strcmp(first->code, "loaded") == 0;
    struct ff_json j;
    struct ff_value rows = {NULL, 0};
    if (!host) {
        return e->code;
    }
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "class", class_name);
        rows = ff_json_list(&j, j.root, "plugins");
    }
    for (size_t i = 0; i < count && i < CHOICES_MAX; i++) {
        if (c->json) {
            ff_json_text(&j, add_row(&j, rows, choices[i].row), "why", choices[i].why);
        } else if (found) {
            print_choice(c, &choices[i]);
        }
    }
    if (c->json) {
        (void)ff_json_end(c, &j);
    }
    if (!found) {
        (void)ff_fail(e, FF_E_PLUGIN, NULL, "no loaded serializer keeps %.200s",
                      class_name);
        if (first) {
            ff_error_fix(e, "%.120s would: %.120s", first->name, first->fix);
        }
    }
    return e->code;
}

/* ---- the verb ---- */

int ff_verb_plugin(struct ff_cli *c, struct ff_error *e)
{
    static const char *const names[] = {"list",  "info", "install", "enable", "disable",
                                        "which", "pin",  "unpin",   "check",  "new"};
    enum { COUNT = sizeof names / sizeof *names };
    const char *near;
    int i = 0;
    while (i < COUNT && strcmp(c->args[0], names[i]) != 0) {
        i++;
    }
    if (i == COUNT) {
        near = ff_cli_nearest(c->args[0], names, COUNT);
        (void)ff_fail(e, FF_E_USAGE, NULL, "there is no ff plugin %.100s", c->args[0]);
        ff_error_fix(e, near ? "did you mean ff plugin %s?" : "ff help %s",
                     near ? near : "plugin");
        return FF_E_USAGE;
    }
    if (c->arg_count != (i == 0 ? 1 : 2)) {
        (void)ff_fail(e, FF_E_USAGE, NULL,
                      i == 0 ? "ff plugin %s takes no argument"
                             : "ff plugin %s needs one argument",
                      names[i]);
        ff_error_fix(e, "ff help plugin");
        return FF_E_USAGE;
    }
    switch (i) {
    case 0:
        return list(c, e);
    case 1:
        return info(c, e);
    case 2:
        return install(c, e);
    case 5:
        return which(c, e);
    case 6:
    case 7:
        return pin(c, i == 6, e);
    case 8:
        return ff_plugin_check(c, c->args[1], e);
    case 9:
        return ff_plugin_new(c, e);
    default:
        return enable(c, i == 3, e);
    }
}
