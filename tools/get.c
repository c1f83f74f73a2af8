/* SPDX-License-Identifier: Apache-2.0 */
/* get.c: ff get: a value, or a selection of an array, as a file or on standard output. */
#include "elements.h"
#include "view.h"

#include <stdlib.h>
#include <strings.h>

enum format { AS_NONE, AS_NPY, AS_JSON, AS_PKL, AS_RAW, AS_TEXT };

static const char *const format_names[] = {"", "npy", "json", "pkl", "raw", "text"};
enum { FORMAT_COUNT = sizeof format_names / sizeof *format_names };

static int format_of_name(const char *name, enum format *out, struct ff_error *e)
{
    for (int i = 1; i < FORMAT_COUNT; i++) {
        if (strcmp(name, format_names[i]) == 0) {
            *out = (enum format)i;
            return FF_OK;
        }
    }
    (void)ff_fail(e, FF_E_USAGE, NULL, "there is no format %.100s", name);
    ff_error_fix(e, "npy, json, pkl, raw or text");
    return FF_E_USAGE;
}

static enum format format_of_suffix(const char *file)
{
    static const struct {
        const char *suffix;
        enum format format;
    } known[] = {{".npy", AS_NPY},    {".json", AS_JSON}, {".pkl", AS_PKL},
                 {".pickle", AS_PKL}, {".raw", AS_RAW},   {".bin", AS_RAW},
                 {".txt", AS_TEXT}};
    const char *dot = strrchr(file, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(dot, known[i].suffix) == 0) {
            return known[i].format;
        }
    }
    return AS_NONE;
}

static int choose_format(const struct ff_cli *c, const char *file, enum format *out,
                         struct ff_error *e)
{
    const char *as = ff_cli_value(c, FF_OPT_AS);
    if (as) {
        return format_of_name(as, out, e);
    }
    *out = strcmp(file, "-") == 0 ? AS_JSON : format_of_suffix(file);
    if (*out == AS_NONE) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "the suffix of %.200s is not that of a format",
                      file);
        ff_error_fix(e, "--as npy, json, pkl, raw or text");
        return FF_E_USAGE;
    }
    return FF_OK;
}

/* Bytes would garble a terminal, and two documents would be mixed on standard output. */
static int check_output(const struct ff_cli *c, const char *file, enum format format,
                        struct ff_error *e)
{
    if (strcmp(file, "-") != 0) {
        return FF_OK;
    }
    if (c->json) {
        return ff_fail(e, FF_E_USAGE, NULL, "--json reports on a file: give one with -o");
    }
    if (c->out_terminal && format != AS_JSON && format != AS_TEXT) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "%s is not for a terminal",
                      format_names[format]);
        ff_error_fix(e, "-o FILE, or a pipe");
        return FF_E_USAGE;
    }
    return FF_OK;
}

/* ---- arrays ---- */

/* A pickle holds an array whole: read it into memory and give that to the document. */
static int dump_array(const struct ff_array *a, struct ff_out *out,
                      const struct ff_call *call, struct ff_error *e)
{
    uint64_t bytes = a->itemsize_bytes;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = a->ndim,
                                .descr = a->descr,
                                .shape = a->shape,
                                .release = free};
    struct ff_doc *doc = NULL;
    struct ff_value v;
    void *data;
    int rc;
    for (int32_t i = 0; i < a->ndim; i++) {
        bytes *= (uint64_t)a->shape[i]; /* the array was checked: no more than 2^63 */
    }
    data = malloc(bytes ? (size_t)bytes : 1);
    if (!data) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL,
                       "a pickle of %llu bytes does not fit in memory",
                       (unsigned long long)bytes);
    }
    rc = ff_array_read(a, NULL, data, NULL, call, e);
    if (rc) {
        free(data);
        return rc;
    }
    p.data = data;
    p.ctx = data;
    doc = ff_doc_new(e);
    v = ff_new_array_take(doc, ff_array_new(&p, e), e);
    rc = ff_pickle_dump(v, NULL, ff_out_write, out, e);
    ff_doc_free(doc);
    return rc;
}

static int write_array(struct ff_cli *c, const struct ff_array *a, enum format format,
                       struct ff_out *out, struct ff_error *e)
{
    switch (format) {
    case AS_NPY:
        return ff_npy_write(a, ff_out_write, out, &c->call, e);
    case AS_PKL:
        return dump_array(a, out, &c->call, e);
    case AS_JSON:
        return ff_elements_write(a, FF_ELEMENTS_JSON, out, &c->call, e);
    case AS_RAW:
        return ff_elements_write(a, FF_ELEMENTS_RAW, out, &c->call, e);
    default:
        return ff_elements_write(a, FF_ELEMENTS_TEXT, out, &c->call, e);
    }
}

/* ---- values ---- */

/* A str or bytes as itself; *known = 0 when it is something else. */
static int write_own_bytes(struct ff_value v, struct ff_out *out, int *known,
                           struct ff_error *e)
{
    const char *text;
    const void *data;
    size_t size;
    int kind = ff_kind(v);
    *known = 1;
    if (kind == FF_STR) {
        return ff_str(v, &text, &size, e) ? e->code : ff_out_text(out, text, size);
    }
    if (kind == FF_BYTES || kind == FF_BYTEARRAY || ff_view(v) == FF_VIEW_BYTES) {
        return ff_bytes(v, &data, &size, e) ? e->code : ff_out_write(out, data, size);
    }
    *known = 0;
    return FF_OK;
}

static int write_value(struct ff_value v, enum format format, struct ff_out *out,
                       struct ff_error *e)
{
    int known, rc;
    switch (format) {
    case AS_JSON:
        rc = ff_to_json(v, ff_out_text, out, e);
        return rc ? rc : ff_out_text(out, "\n", 1);
    case AS_PKL:
        return ff_pickle_dump(v, NULL, ff_out_write, out, e);
    case AS_TEXT:
    case AS_RAW:
        rc = write_own_bytes(v, out, &known, e);
        if (known || rc) {
            return rc || format == AS_RAW ? rc : ff_out_text(out, "\n", 1);
        }
        break;
    default:
        break;
    }
    if (format == AS_TEXT) {
        rc = ff_show(v, SIZE_MAX, 0, ff_out_text, out, e);
        return rc ? rc : ff_out_text(out, "\n", 1);
    }
    (void)ff_fail(e, FF_E_TYPE, NULL, "%s is for arrays%s, this is of kind %s",
                  format_names[format], format == AS_RAW ? ", str and bytes" : "",
                  ff_kind_name(ff_kind(v)));
    ff_error_fix(e, "--as json, pkl or text, or name an array inside with #PATH");
    return FF_E_TYPE;
}

/* ---- the verb ---- */

struct report {
    const char *file;
    enum format format;
    const struct ff_array *array; /* or NULL */
    uint64_t size_bytes, touched, all;
};

static void note_done(struct ff_cli *c, const struct report *r)
{
    char text[1024] = "", size_text[32];
    size_t n = 0;
    if (r->array) {
        n = (size_t)snprintf(text, 128, "%.100s (", r->array->descr);
        for (int32_t i = 0; i < r->array->ndim; i++) {
            n += (size_t)snprintf(text + n, 32, "%s%lld", i ? ", " : "",
                                  (long long)r->array->shape[i]);
        }
        (void)snprintf(text + n, 8, "%s), ", r->array->ndim == 1 ? "," : "");
    }
    if (strcmp(r->file, "-") != 0) {
        ff_print_note(c, "wrote %s: %s%s", r->file, text,
                      ff_print_size(r->size_bytes, size_text));
    }
    if (r->all) {
        ff_print_note(c, "read %llu of %llu chunks", (unsigned long long)r->touched,
                      (unsigned long long)r->all);
    }
}

static int print_json(struct ff_cli *c, const struct report *r, struct ff_error *e)
{
    struct ff_json j;
    ff_json_begin(&j, e);
    ff_json_text(&j, j.root, "file", r->file);
    ff_json_text(&j, j.root, "format", format_names[r->format]);
    ff_json_int(&j, j.root, "bytes", (int64_t)r->size_bytes);
    if (r->array) {
        ff_json_text(&j, j.root, "dtype", r->array->descr);
        ff_json_add_ints(&j, j.root, "shape", r->array->shape, r->array->ndim);
    }
    if (r->all) {
        ff_json_int(&j, j.root, "chunks_read", (int64_t)r->touched);
        ff_json_int(&j, j.root, "chunks", (int64_t)r->all);
    }
    return ff_json_end(c, &j);
}

/* An array or scalar of the pickle itself has a class, an order and a form that its elements alone
 * do not tell: only a selection, and what a serializer keeps, is made anew. */
static int stays_as_it_is(const struct ff_target *t, enum format format)
{
    return (format == AS_PKL || format == AS_JSON) && !t->view &&
           ff_kind(t->value) != FF_PERSISTENT;
}

static int write_target(struct ff_cli *c, struct ff_target *t, const char *file,
                        enum format format, struct ff_error *e)
{
    struct report r = {file, format, t->view ? t->view : t->whole, 0, 0, 0};
    struct ff_out out;
    int rc = ff_out_open(&out, file, e);
    if (rc) {
        return rc;
    }
    rc = r.array && !stays_as_it_is(t, format) ? write_array(c, r.array, format, &out, e)
                                               : write_value(t->value, format, &out, e);
    if (rc) {
        ff_target_blame(t, e);
    }
    r.size_bytes = out.size_bytes;
    rc = ff_out_close(&out, rc, e);
    if (rc) {
        return rc;
    }
    (void)ff_target_chunks(t, &r.touched, &r.all, e);
    if (c->json) {
        return print_json(c, &r, e);
    }
    note_done(c, &r);
    return e->code;
}

int ff_verb_get(struct ff_cli *c, struct ff_error *e)
{
    const char *file = ff_cli_value(c, FF_OPT_OUTPUT);
    enum format format = AS_NONE;
    struct ff_target t = {.doc = NULL};
    int rc;
    file = file ? file : "-";
    rc = choose_format(c, file, &format, e);
    rc = rc ? rc : check_output(c, file, format, e);
    rc = rc ? rc : ff_target_find(c, c->args[0], 1, &t, e);
    rc = rc ? rc : write_target(c, &t, file, format, e);
    ff_target_free(&t);
    return rc;
}
