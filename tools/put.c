/* SPDX-License-Identifier: Apache-2.0 */
/* put.c: ff put: a .npy, .json or .pkl file, or standard input, as a task. */
#include "view.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum format { AS_NONE, AS_NPY, AS_JSON, AS_PKL };

/* What the options say about an array. */
struct layout {
    uint32_t chunking; /* 0: as `chunk` says */
    int is_chosen;     /* it was said: the configuration has no part in it */
    int32_t ndim;
    int64_t chunk[FF_MAX_NDIM];
    char options[128]; /* for the serializer; "" = none */
};

static int choose_format(const struct ff_cli *c, const char *file, enum format *out,
                         struct ff_error *e)
{
    const char *as = ff_cli_value(c, FF_OPT_AS), *dot = strrchr(file, '.');
    const char *name = as ? as : dot ? dot + 1 : "";
    *out = strcasecmp(name, "npy") == 0      ? AS_NPY
           : strcasecmp(name, "json") == 0   ? AS_JSON
           : strcasecmp(name, "pkl") == 0    ? AS_PKL
           : strcasecmp(name, "pickle") == 0 ? AS_PKL
                                             : AS_NONE;
    if (*out) {
        return FF_OK;
    }
    if (as) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "there is no format %.100s", as);
    } else {
        (void)ff_fail(e, FF_E_USAGE, NULL, "what %.200s is cannot be told from its name",
                      file);
    }
    ff_error_fix(e, "--as npy, json or pkl");
    return FF_E_USAGE;
}

/* "1024,1024" or "auto" */
static int parse_chunks(const char *text, struct layout *l, struct ff_error *e)
{
    const char *at = text;
    if (strcmp(text, "auto") == 0) {
        l->chunking = FF_CHUNK_AUTO;
        return FF_OK;
    }
    l->chunking = 0;
    for (l->ndim = 0; l->ndim < FF_MAX_NDIM; at++) {
        const char *end = at + strcspn(at, ",");
        if (!ff_cli_parse_int(at, end, 1, &l->chunk[l->ndim])) {
            break;
        }
        l->ndim++;
        if (!*end) {
            return FF_OK;
        }
        at = end;
    }
    (void)ff_fail(e, FF_E_USAGE, NULL,
                  "--chunks %.100s: a length of 1 and more for each axis", text);
    ff_error_fix(e, "as 1024,1024, or auto");
    return FF_E_USAGE;
}

/* "deflate:4" as {"compression": "deflate", "level": 4} */
static int parse_compression(const char *text, struct layout *l, struct ff_error *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *end = text + strspn(text, letters);
    int64_t level = 0;
    int bad = end == text || end - text > 40 || (*end && *end != ':') ||
              (*end && !ff_cli_parse_int(end + 1, end + strlen(end), 0, &level));
    if (bad) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "--compression %.100s: not NAME or NAME:LEVEL",
                      text);
        ff_error_fix(e, "as deflate:4, or none");
        return FF_E_USAGE;
    }
    if (*end) {
        (void)snprintf(l->options, sizeof l->options,
                       "{\"compression\": \"%.*s\", \"level\": %lld}", (int)(end - text),
                       text, (long long)level);
    } else {
        (void)snprintf(l->options, sizeof l->options, "{\"compression\": \"%s\"}", text);
    }
    return FF_OK;
}

static int choose_layout(const struct ff_cli *c, enum format format, struct layout *l,
                         struct ff_error *e)
{
    const char *chunks = ff_cli_value(c, FF_OPT_CHUNKS);
    const char *compression = ff_cli_value(c, FF_OPT_COMPRESSION);
    int is_inline = ff_cli_has(c, FF_OPT_INLINE), rc = FF_OK;
    l->chunking = is_inline ? FF_CHUNK_NONE : FF_CHUNK_AUTO;
    if (format != AS_NPY && (chunks || compression || is_inline)) {
        (void)ff_fail(e, FF_E_USAGE, NULL,
                      "--chunks, --inline and --compression are for .npy files");
        ff_error_fix(e, "in JSON: {\"$npy\": \"file.npy\", \"chunks\": [...]}");
        return FF_E_USAGE;
    }
    if (is_inline && (chunks || compression)) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "--inline goes with neither --chunks nor --compression");
    }
    if (chunks) {
        l->is_chosen = 1;
        rc = parse_chunks(chunks, l, e);
    }
    return !rc && compression ? parse_compression(compression, l, e) : rc;
}

/* ---- reading what is to be saved; the document's root is the value ---- */

/* `l` lives as long as the document. */
static int load_npy(const char *path, const struct layout *l, struct ff_doc *doc,
                    struct ff_error *e)
{
    struct ff_selection all;
    struct ff_array *a = ff_npy_open(path, l->chunking, l->chunk, l->ndim, e);
    if (a && l->is_chosen && l->chunking) {
        struct ff_array *automatic = a;
        a = ff_npy_open(path, 0, automatic->chunk, automatic->ndim, e);
        ff_array_free(automatic);
    }
    if (a && l->options[0]) {
        ff_selection_all(&all, a->ndim, a->shape);
        a = ff_view_new(a, a, &all, l->options, e);
    }
    if (a) {
        (void)ff_doc_set_root(doc, ff_new_array_take(doc, a, e), e);
    }
    return e->code;
}

static int load_json(const char *path, const char *text, size_t size, struct ff_doc *doc,
                     struct ff_error *e)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    int standard_input = strcmp(path, "-") == 0;
    if (!standard_input) {
        folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
        if (!folder) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
    }
    (void)ff_doc_set_root(doc, ff_from_json(doc, text, size, folder, e), e);
    free(folder);
    if (e->code == FF_E_USAGE) {
        ff_error_fix(
            e, "python3 -m json.tool finds a slip; ff get --as json shows the form");
    }
    if (e->code == FF_E_USAGE && !standard_input) { /* the place is a line and a column */
        ff_error_at(e, e->place[0] ? ": " : "");
        ff_error_at(e, path);
    }
    return e->code;
}

/* An input, and all that the document needs while it lives. */
struct input {
    struct ff_doc *doc;
    char *text;
    int fd;
};

/* Nothing of a pickle runs here; a Python that reads the task imports what it names. */
static void warn_of(struct ff_cli *c, const char *path, const char *text, size_t size)
{
    struct ff_load_options o = {.struct_size = sizeof o};
    struct ff_error own = FF_ERROR_INIT;
    struct ff_policy *policy = ff_policy_new(0, &own);
    if (ff_pickle_judge(text, size, &o, policy, NULL, &own) == FF_E_UNSAFE) {
        ff_print_warning(c, "%s: %s: Python runs it when it reads the task%s%s", path,
                         own.message, strcmp(path, "-") != 0 ? "; see ff inspect " : "",
                         strcmp(path, "-") != 0 ? path : "");
    }
    ff_policy_free(policy);
}

static int load(struct ff_cli *c, struct input *in, const char *path, enum format format,
                const struct layout *l, struct ff_error *e)
{
    char seekable[PATH_MAX];
    size_t size = 0;
    int rc;
    if (format == AS_NPY) {
        rc = ff_in_seekable(path, seekable, sizeof seekable, &in->fd, e);
        in->doc = ff_doc_new(e);
        return rc ? rc : load_npy(seekable, l, in->doc, e);
    }
    rc = ff_in_read(path, &in->text, &size, e);
    if (rc) {
        return rc;
    }
    if (format == AS_PKL) {
        warn_of(c, path, in->text, size);
        in->doc = ff_pickle_load(in->text, size, in->text, free, NULL, NULL, e);
        in->text = NULL;
        return e->code;
    }
    in->doc = ff_doc_new(e);
    return load_json(path, in->text, size, in->doc, e);
}

static void input_free(struct input *in)
{
    ff_doc_free(in->doc);
    free(in->text);
    if (in->fd >= 0) {
        (void)close(in->fd);
    }
}

/* ---- the verb ---- */

static int print_done(struct ff_cli *c, const struct ff_address *a, struct ff_error *e)
{
    char name[512];
    struct ff_json j;
    if (c->json) {
        ff_json_begin(&j, e);
        ff_json_text(&j, j.root, "workflow", a->workflow);
        ff_json_text(&j, j.root, "task", a->task);
        ff_json_flag(&j, j.root, "saved", !c->dry_run);
        return ff_json_end(c, &j);
    }
    ff_print_note(c, "%s %s", c->dry_run ? "would save" : "saved",
                  ff_address_print(a->workflow, a->task, name, sizeof name));
    return FF_OK;
}

static int save(struct ff_cli *c, const struct ff_address *a, struct ff_doc *doc,
                struct ff_error *e)
{
    struct ff_storage *s = ff_cli_storage_new(c, a->storage, e);
    struct ff_save_options o = {FF_SIZE(ff_save_options, call),
                                ff_cli_has(c, FF_OPT_IF_ABSENT) ? FF_SAVE_IF_ABSENT : 0,
                                0, 0, &c->call};
    int rc;
    if (c->dry_run) {
        if (s && o.flags && ff_file_exists(s, a->workflow, a->task, e)) {
            return ff_address_taken(a->workflow, a->task, e);
        }
        if (e->code == FF_E_NOT_FOUND) { /* the workflow, which would be made */
            *e = (struct ff_error)FF_ERROR_INIT;
        }
        return e->code;
    }
    rc = ff_new_workflow(s, a->workflow, e);
    return rc ? rc : ff_save(s, a->workflow, a->task, ff_doc_root(doc), &o, e);
}

int ff_verb_put(struct ff_cli *c, struct ff_error *e)
{
    const char *file = c->args[1];
    struct ff_address a;
    struct layout layout = {.ndim = 0};
    struct input in = {NULL, NULL, -1};
    enum format format = AS_NONE;
    int rc = ff_address_parse(&a, c->args[0], FF_ADDRESS_TASK, e);
    rc = rc ? rc : choose_format(c, file, &format, e);
    rc = rc ? rc : choose_layout(c, format, &layout, e);
    rc = rc ? rc : load(c, &in, file, format, &layout, e);
    rc = rc ? rc : save(c, &a, in.doc, e);
    rc = rc ? rc : print_done(c, &a, e);
    input_free(&in);
    ff_address_free(&a);
    return rc;
}
