/* SPDX-License-Identifier: Apache-2.0 */
/* config.c: ff config: show, path, check. */
#include "cli.h"

#include <stdlib.h>

#define INDENT 2

/* JSON for people: a line a member. `text` is what the library wrote: well formed. */
struct pretty {
    struct ff_cli *cli;
    int depth, quoted, escaped, fresh; /* fresh: nothing since a bracket was opened */
};

static void new_line(const struct pretty *p)
{
    (void)printf("\n%*s", p->depth * INDENT, "");
}

static void print_sign(struct pretty *p, char c)
{
    if (p->fresh && c != '}' && c != ']' && c != ' ' && c != '\n') {
        new_line(p);
        p->fresh = 0;
    }
    switch (c) {
    case '{':
    case '[':
        (void)fputc(c, stdout);
        p->depth++;
        p->fresh = 1;
        break;
    case '}':
    case ']':
        p->depth--;
        if (!p->fresh) {
            new_line(p);
        }
        p->fresh = 0;
        (void)fputc(c, stdout);
        break;
    case ',':
        (void)fputc(c, stdout);
        new_line(p);
        break;
    case ':':
        (void)fputs(": ", stdout);
        break;
    case ' ':
    case '\n':
        break;
    default:
        (void)fputc(c, stdout);
        p->quoted = c == '"';
    }
}

/* Print the rest of a string at once, so that no character is torn; its size. */
static size_t print_string(struct pretty *p, const char *text, size_t size_bytes)
{
    size_t i = 0;
    for (; i < size_bytes && p->quoted; i++) {
        p->quoted = p->escaped || text[i] != '"';
        p->escaped = !p->escaped && text[i] == '\\';
    }
    (void)ff_print_text(p->cli, text, i);
    return i;
}

static int print_pretty(void *ctx, const char *text, size_t size_bytes)
{
    struct pretty *p = ctx;
    while (size_bytes) {
        size_t n = 1;
        if (p->quoted) {
            n = print_string(p, text, size_bytes);
        } else {
            print_sign(p, *text);
        }
        text += n;
        size_bytes -= n;
    }
    return ferror(stdout) ? FF_E_IO : FF_OK;
}

static int show(struct ff_cli *c, struct ff_error *e)
{
    struct ff_doc *doc = ff_config_show(ff_cli_host(c, e), e);
    struct pretty p = {.cli = c};
    struct ff_json j;
    int rc;
    if (c->json && !e->code) {
        ff_json_begin(&j, e);
        ff_json_copy(&j, j.root, "config", ff_doc_root(doc));
        rc = ff_json_end(c, &j);
    } else {
        rc = ff_to_json(ff_doc_root(doc), print_pretty, &p, e);
        (void)fputs(rc ? "" : "\n", stdout);
    }
    ff_doc_free(doc);
    return rc;
}

static int path(struct ff_cli *c, struct ff_error *e)
{
    struct ff_host *host = ff_cli_host(c, e);
    struct ff_json j;
    if (!host) {
        return e->code;
    }
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "path", ff_config_path(host));
        return ff_json_end(c, &j);
    }
    ff_print_name(c, ff_config_path(host));
    (void)fputc('\n', stdout);
    return FF_OK;
}

/* Enabled plugins that could not be loaded are no fault of the file: they are told. */
static void warn_plugins(struct ff_cli *c, const struct ff_host *host)
{
    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        const struct ff_plugin_row *r = ff_plugin_at(host, i);
        if (strcmp(r->code, "loaded") != 0 && strcmp(r->code, "disabled") != 0) {
            ff_print_warning(c, "%s: %s", r->file, r->reason);
        }
    }
}

static int check(struct ff_cli *c, struct ff_error *e)
{
    const char *file = c->arg_count > 1 ? c->args[1] : NULL;
    struct ff_host *host = ff_cli_open_host(c, file, NULL, NULL, e);
    struct ff_json j;
    if (!host) {
        return e->code;
    }
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "path", ff_config_path(host));
        ff_json_flag(&j, j.root, "ok", 1);
        (void)ff_json_end(c, &j);
    } else {
        ff_print_name(c, ff_config_path(host));
        (void)puts(": ok");
    }
    warn_plugins(c, host);
    ff_host_close(host);
    return e->code;
}

int ff_verb_config(struct ff_cli *c, struct ff_error *e)
{
    static const char *const names[] = {"show", "path", "check"};
    static int (*const runs[])(struct ff_cli *, struct ff_error *) = {show, path, check};
    const char *near;
    for (int i = 0; i < 3; i++) {
        if (strcmp(c->args[0], names[i]) == 0) {
            if (c->arg_count > 1 && i < 2) {
                return ff_fail(e, FF_E_USAGE, NULL, "ff config %s takes no argument",
                               names[i]);
            }
            return runs[i](c, e);
        }
    }
    near = ff_cli_nearest(c->args[0], names, 3);
    (void)ff_fail(e, FF_E_USAGE, NULL, "there is no ff config %.100s", c->args[0]);
    ff_error_fix(e, near ? "did you mean ff config %s?" : "ff help %s",
                 near ? near : "config");
    return FF_E_USAGE;
}
