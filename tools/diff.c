/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c: ff diff: where two tasks or files differ, by structure and value. */
#include "view.h"

#include <functionfuse/diff.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_BYTES 120

/* One of the two: a task, a part of one, or a file. */
struct side {
    struct ff_target target;
    struct ff_doc *doc; /* of a file, or of a selection */
    struct ff_value value;
};

struct diffing {
    struct ff_cli *cli;
    struct ff_json *j;
    struct ff_value list;
};

/* ---- what is compared ---- */

static int ends_with(const char *text, const char *end)
{
    size_t m = strlen(text), n = strlen(end);
    return m > n && strcmp(text + m - n, end) == 0;
}

static int load_json(struct side *s, const char *path, struct ff_error *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    char *text = NULL;
    size_t size = 0;
    int rc = folder ? ff_in_read(path, &text, &size, e)
                    : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    if (!rc) {
        s->doc = ff_doc_new(e);
        s->value = ff_from_json(s->doc, text, size, folder, e);
        if (e->code) {
            ff_error_at(e, e->place[0] ? ": " : "");
            ff_error_at(e, path);
        }
    }
    free(folder);
    free(text);
    return e->code;
}

static int load_npy(struct side *s, const char *path, struct ff_error *e)
{
    s->doc = ff_doc_new(e);
    s->value = ff_new_array_take(s->doc, ff_npy_open(path, FF_CHUNK_NONE, NULL, 0, e), e);
    return e->code;
}

static int load_pickle(struct side *s, const char *path, struct ff_error *e)
{
    struct ff_load_options o = {.struct_size = sizeof o,
                                .flags = ends_with(path, ".joblib") ? FF_LOAD_JOBLIB : 0};
    s->doc = ff_pickle_open(path, &o, NULL, e);
    s->value = ff_doc_root(s->doc);
    return e->code;
}

static int check_task(const char *text, struct ff_error *e)
{
    struct ff_address a;
    if (!ff_address_parse(&a, text, FF_ADDRESS_PATTERN, NULL) && !a.task) {
        (void)ff_fail(e, FF_E_USAGE, NULL,
                      "%s is a %s: two tasks are compared, parts of them, or files", text,
                      a.workflow ? "workflow" : "storage");
        ff_error_fix(e, "ff diff WORKFLOW/TASK WORKFLOW/TASK, one after the other");
    }
    ff_address_free(&a);
    return e->code;
}

static int load_address(struct ff_cli *c, struct side *s, const char *text,
                        struct ff_error *e)
{
    int rc = check_task(text, e);
    rc = rc ? rc : ff_target_find(c, text, 1, &s->target, e);
    s->value = s->target.value;
    if (!rc && s->target.view) {
        struct ff_array *view = s->target.view;
        s->target.view = NULL; /* taken */
        s->doc = ff_doc_new(e);
        s->value = ff_new_array_take(s->doc, view, e);
    }
    return rc ? rc : e->code;
}

static int load(struct ff_cli *c, struct side *s, const char *text, struct ff_error *e)
{
    return ends_with(text, ".json")  ? load_json(s, text, e)
           : ends_with(text, ".npy") ? load_npy(s, text, e)
           : ends_with(text, ".pkl") || ends_with(text, ".joblib")
               ? load_pickle(s, text, e)
               : load_address(c, s, text, e);
}

static void side_free(struct side *s)
{
    ff_target_free(&s->target);
    ff_doc_free(s->doc);
}

/* ---- what is said ---- */

static int to_stream(void *f, const char *text, size_t size_bytes)
{
    return fwrite(text, 1, size_bytes, f) == size_bytes ? FF_OK : FF_E_IO;
}

/* One line of what it is. */
static void describe(struct ff_value v, char *out, size_t size)
{
    FILE *f = fmemopen(out, size, "w");
    if (f) {
        (void)ff_show(v, SHOWN_BYTES, 1, to_stream, f, NULL);
        (void)fclose(f);
    }
    out[size - 1] = 0;
    out[strcspn(out, "\n")] = 0;
}

static void put_index(const struct ff_difference *d, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    for (int32_t i = 0; i < d->ndim && used < size; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%lld", i ? ", " : "",
                                 (long long)d->first[i]);
    }
}

static const char *kind_name(int kind)
{
    static const char *const names[] = {[FF_DIFF_ONLY_A] = "only in A",
                                        [FF_DIFF_ONLY_B] = "only in B",
                                        [FF_DIFF_TYPE] = "type",
                                        [FF_DIFF_VALUE] = "value",
                                        [FF_DIFF_ELEMENTS] = "elements"};
    return names[kind];
}

static int add_row(struct diffing *d, const struct ff_difference *x, const char *a,
                   const char *b)
{
    struct ff_value row = ff_json_add_dict(d->j, d->list);
    ff_json_text(d->j, row, "path", x->path);
    ff_json_text(d->j, row, "what", kind_name(x->kind));
    ff_json_text(d->j, row, "a", x->a.doc ? a : NULL);
    ff_json_text(d->j, row, "b", x->b.doc ? b : NULL);
    if (x->kind == FF_DIFF_ELEMENTS) {
        ff_json_int(d->j, row, "count", (int64_t)x->count);
        ff_json_add_ints(d->j, row, "first", x->first, x->ndim);
        (void)ff_set(d->j->doc, row, "largest",
                     isnan(x->largest) ? ff_new_none(d->j->doc)
                                       : ff_new_float(d->j->doc, x->largest, d->j->e),
                     d->j->e);
    }
    return d->j->e->code;
}

static void print_side(const struct ff_cli *c, enum ff_color color, const char *sign,
                       const char *text)
{
    ff_print_colored(c, color, sign);
    (void)fputc(' ', stdout);
    (void)ff_print_text((void *)(uintptr_t)c, text, strlen(text));
}

static int on_difference(void *ctx, const struct ff_difference *x)
{
    struct diffing *d = ctx;
    char a[2 * SHOWN_BYTES] = "", b[2 * SHOWN_BYTES] = "", index[256];
    if (x->a.doc) {
        describe(x->a, a, sizeof a);
    }
    if (x->b.doc) {
        describe(x->b, b, sizeof b);
    }
    if (d->cli->json) {
        return add_row(d, x, a, b);
    }
    ff_print_name(d->cli, x->path[0] ? x->path : "(root)");
    (void)fputs(": ", stdout);
    if (x->kind == FF_DIFF_ELEMENTS) {
        put_index(x, index, sizeof index);
        (void)printf("%llu element%s, the first at [%s]", (unsigned long long)x->count,
                     x->count == 1 ? " differs" : "s differ", index);
        if (!isnan(x->largest)) {
            (void)printf(", by at most %g", x->largest);
        }
    } else if (x->kind == FF_DIFF_ONLY_A) {
        print_side(d->cli, FF_RED, "only in A:", a);
    } else if (x->kind == FF_DIFF_ONLY_B) {
        print_side(d->cli, FF_GREEN, "only in B:", b);
    } else {
        (void)ff_print_text(d->cli, a, strlen(a));
        (void)fputs(" -> ", stdout);
        (void)ff_print_text(d->cli, b, strlen(b));
    }
    (void)fputc('\n', stdout);
    return FF_OK;
}

/* ---- the verb ---- */

static int compare(struct ff_cli *c, const struct side *a, const struct side *b,
                   uint64_t *count, struct ff_error *e)
{
    struct ff_diff_options options = {.struct_size = sizeof options, .call = &c->call};
    struct ff_json j;
    struct diffing d = {.cli = c, .j = &j};
    if (!c->json) {
        return ff_diff(a->value, b->value, &options, on_difference, &d, count, e);
    }
    ff_json_begin(&j, e);
    ff_json_text(&j, j.root, "a", c->args[0]);
    ff_json_text(&j, j.root, "b", c->args[1]);
    d.list = ff_json_list(&j, j.root, "differences");
    int rc = ff_diff(a->value, b->value, &options, on_difference, &d, count, e);
    ff_json_flag(&j, j.root, "equal", !rc && !*count);
    if (rc) {
        ff_doc_free(j.doc);
        return rc;
    }
    return ff_json_end(c, &j);
}

int ff_verb_diff(struct ff_cli *c, struct ff_error *e)
{
    struct side a = {.doc = NULL}, b = {.doc = NULL};
    uint64_t count = 0;
    int rc = load(c, &a, c->args[0], e);
    rc = rc ? rc : load(c, &b, c->args[1], e);
    rc = rc ? rc : compare(c, &a, &b, &count, e);
    side_free(&a);
    side_free(&b);
    return rc || !count ? rc
                        : ff_fail(e, FF_E_OTHER, NULL, "%llu difference%s",
                                  (unsigned long long)count, count == 1 ? "" : "s");
}
