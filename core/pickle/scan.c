/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: a pickle is walked, nothing is kept, and what it names and would call is told. */
#include "scan.h"

#include "core/base/alloc.h"
#include "core/base/hash.h"

#define MAX_STRINGS 256u

/* What a callback said: go on, or stop. */
static int told(struct ff_scanner *s, int said)
{
    s->stopped = said;
    return said ? FF_STOPPED : FF_OK;
}

static uint64_t offset_of(const struct ff_reader *r)
{
    return (uint64_t)(r->op - r->begin);
}

/* ---- globals ---- */

static const char *copy_name(struct ff_reader *r, const uint8_t *text, size_t size)
{
    char *copy = ff_doc_alloc(r->doc, size + 1);
    if (copy) {
        memcpy(copy, text, size);
        copy[size] = 0;
    }
    return copy;
}

static bool same_names(const struct ff_scan_global *g, const struct ff_names_read *names,
                       bool old)
{
    const char *module, *name;
    size_t module_bytes = 0, name_bytes = 0;
    return g->node.old_names == old &&
           ff_cell_text(g->node.module, &module, &module_bytes) &&
           ff_cell_text(g->node.name, &name, &name_bytes) &&
           module_bytes == names->module_bytes && name_bytes == names->name_bytes &&
           memcmp(module, names->module, module_bytes) == 0 &&
           memcmp(name, names->name, name_bytes) == 0;
}

static struct ff_scan_global *new_global(struct ff_reader *r,
                                         const struct ff_names_read *names)
{
    struct ff_scanner *s = ff_scanner_of(r);
    struct ff_scan_global *g = ff_read_new_node(r, sizeof *g);
    if (!g) {
        return NULL;
    }
    g->node.module =
        ff_doc_scalar(r->doc, FF_TAG_STR, names->module, names->module_bytes);
    g->node.name = ff_doc_scalar(r->doc, FF_TAG_STR, names->name, names->name_bytes);
    g->raw_module = copy_name(r, names->module, names->module_bytes);
    g->raw_name = copy_name(r, names->name, names->name_bytes);
    g->offset = offset_of(r);
    return g->node.module && g->node.name && g->raw_module && g->raw_name &&
                   !ff_vec_append(&s->globals, &g)
               ? g
               : NULL;
}

uint64_t ff_scan_name(struct ff_reader *r, const struct ff_names_read *names, bool old,
                      bool line)
{
    struct ff_scanner *s = ff_scanner_of(r);
    uint64_t hash =
        ff_siphash13(r->doc->hash_key, names->module, names->module_bytes) * 31 +
        ff_siphash13(r->doc->hash_key, names->name, names->name_bytes);
    uint64_t *slot = ff_cellmap_put(&s->by_hash, hash ? hash : 1);
    if (!slot) {
        return 0;
    }
    struct ff_scan_global *first = (struct ff_scan_global *)(uintptr_t)*slot, *g = first;
    while (g && !same_names(g, names, old)) {
        g = g->next;
    }
    if (!g) {
        g = new_global(r, names);
        if (!g) {
            return 0;
        }
        g->node.old_names = old;
        g->node.line = line;
        g->next = first;
        *slot = (uintptr_t)g;
        /* what it is called by is asked when nothing can fail any more */
        uint64_t cell = ff_cell(FF_TAG_GLOBAL, g);
        if (ff_global_has_text(cell) && !ff_global_text(r->doc, cell)) {
            return 0;
        }
    }
    return ff_cell(FF_TAG_GLOBAL, g);
}

static int tell_global(struct ff_scanner *s, struct ff_scan_global *g)
{
    const struct ff_global_text *text =
        ff_global_text(s->r.doc, ff_cell(FF_TAG_GLOBAL, g));
    uint64_t used = g->called + g->made;
    struct ff_scanned_global out = {
        text ? text->module : "",
        text ? text->name : "",
        g->raw_module,
        g->raw_name,
        g->offset,
        g->pushed,
        (g->pushed > used ? FF_USE_REFERENCE : 0) | (g->called ? FF_USE_CALL : 0) |
            (g->made ? FF_USE_CLASS : 0) | (g->changed ? FF_USE_CHANGE : 0),
        0};
    return s->tell.global(s->tell.ctx, &out);
}

static int tell_globals(struct ff_scanner *s)
{
    int said = 0;
    for (size_t i = 0; s->tell.global && i < s->globals.count && !said; i++) {
        said = tell_global(s, *(struct ff_scan_global **)ff_vec_at(&s->globals, i));
    }
    return said;
}

/* ---- calls, extension codes ---- */

int ff_scan_call(struct ff_reader *r, uint64_t callable)
{
    struct ff_scanner *s = ff_scanner_of(r);
    struct ff_scanned_call out = {offset_of(r), ff_opcodes[*r->op].name, "object", "",
                                  ""};
    bool global = ff_tag(callable) == FF_TAG_GLOBAL;
    if (global) {
        struct ff_scan_global *g = ff_scan_global_of(callable);
        *(*r->op == FF_OP_REDUCE ? &g->called : &g->made) += 1;
    }
    if (!s->tell.call) {
        return FF_OK;
    }
    if (global) {
        const struct ff_global_text *text = ff_global_text(r->doc, callable);
        out.kind = "global";
        out.module = text ? text->module : "";
        out.name = text ? text->name : "";
    } else if (ff_seen_tag(callable) == FF_TAG_PERSISTENT) {
        out.kind = "persistent";
    } else if (ff_seen_tag(callable) == FF_TAG_EXTENSION) {
        out.kind = "extension";
    }
    return told(s, s->tell.call(s->tell.ctx, &out));
}

int ff_scan_extension(struct ff_reader *r, int32_t code)
{
    struct ff_scanner *s = ff_scanner_of(r);
    return s->tell.extension ? told(s, s->tell.extension(s->tell.ctx, offset_of(r), code))
                             : FF_OK;
}

/* ---- persistent ids ---- */

static int keep_string(struct ff_reader *r, uint64_t cell)
{
    struct ff_scanner *s = ff_scanner_of(r);
    const char *text;
    size_t size;
    if (!ff_cell_text(cell, &text, &size) &&
        !ff_cell_bytes(cell, (const uint8_t **)&text, &size)) {
        return FF_OK;
    }
    char *copy = ff_strndup(text, size);
    if (!copy || ff_vec_append(&s->strings, &copy)) {
        ff_free(copy);
        return ff_read_full(r);
    }
    return FF_OK;
}

/* All strings of an id, in order. */
static int collect(struct ff_reader *r, uint64_t pid)
{
    struct ff_scanner *s = ff_scanner_of(r);
    int failed = ff_vec_append(&s->cells, &pid) ? ff_read_full(r) : FF_OK;
    for (size_t i = 0; !failed && i < s->cells.count; i++) {
        uint64_t cell = *(uint64_t *)ff_vec_at(&s->cells, i);
        const struct ff_seq *seq = ff_cell_node(cell);
        if (ff_tag(cell) != FF_TAG_TUPLE) {
            failed = ff_tag(cell) == FF_TAG_OPAQUE ? FF_OK : keep_string(r, cell);
            continue;
        }
        if (s->cells.count + seq->count > MAX_STRINGS) {
            return ff_read_fail(r, FF_E_LIMIT, "a persistent id of over %u parts",
                                MAX_STRINGS);
        }
        for (size_t k = 0; k < seq->count && !failed; k++) {
            failed = ff_vec_append(&s->cells, &seq->cells[k]) ? ff_read_full(r) : FF_OK;
        }
    }
    return failed;
}

/* The id as a value of the document, taken apart by the function that all others use. */
static void fill_names(struct ff_reader *r, uint64_t pid, struct ff_scanned_pid *out)
{
    struct ff_persistent_node *node = ff_doc_alloc(r->doc, sizeof *node);
    out->serializer = out->version = out->name = "";
    if (node) {
        *node = (struct ff_persistent_node){.pid = pid};
        (void)ff_persistent(ff_value_of(r->doc, ff_cell(FF_TAG_PERSISTENT, node)),
                            &out->serializer, &out->version, &out->name, NULL, NULL);
    }
}

static void drop_strings(struct ff_scanner *s)
{
    for (size_t i = 0; i < s->strings.count; i++) {
        ff_free(*(char **)ff_vec_at(&s->strings, i));
    }
    ff_vec_clear(&s->strings);
    ff_vec_clear(&s->cells);
}

int ff_scan_pid(struct ff_reader *r, uint64_t pid)
{
    struct ff_scanner *s = ff_scanner_of(r);
    struct ff_scanned_pid out = {.offset = offset_of(r)};
    if (!s->tell.persistent) {
        return FF_OK;
    }
    int result = collect(r, pid);
    if (!result) {
        fill_names(r, pid, &out);
        out.id = ff_tag(pid) == FF_TAG_OPAQUE ? FF_NOTHING : ff_value_of(r->doc, pid);
        out.strings = s->strings.items;
        out.string_count = s->strings.count;
        result = told(s, s->tell.persistent(s->tell.ctx, &out));
    }
    drop_strings(s);
    return result;
}

/* ---- each opcode ---- */

static const uint8_t argument_of[] = {
    [FF_ARG_NONE] = FF_OP_ARGUMENT_NONE,   [FF_ARG_1] = FF_OP_ARGUMENT_NUMBER,
    [FF_ARG_2] = FF_OP_ARGUMENT_NUMBER,    [FF_ARG_4] = FF_OP_ARGUMENT_NUMBER,
    [FF_ARG_8] = FF_OP_ARGUMENT_NUMBER,    [FF_ARG_LINE] = FF_OP_ARGUMENT_LINE,
    [FF_ARG_LINES] = FF_OP_ARGUMENT_LINES, [FF_ARG_DATA1] = FF_OP_ARGUMENT_DATA,
    [FF_ARG_DATA4] = FF_OP_ARGUMENT_DATA,  [FF_ARG_DATA8] = FF_OP_ARGUMENT_DATA};

static int tell_op(struct ff_scanner *s)
{
    const struct ff_reader *r = &s->r;
    const struct ff_opcode *op = &ff_opcodes[*r->op];
    struct ff_scanned_op out = {.offset = offset_of(r),
                                .name = op->name,
                                .code = *r->op,
                                .protocol = op->protocol,
                                .argument = argument_of[op->arg]};
    if (out.argument == FF_OP_ARGUMENT_NUMBER) {
        out.data = r->op + 1;
        out.size_bytes = (size_t)(r->at - r->op) - 1;
    } else if (out.argument) {
        out.data = r->arg;
        out.size_bytes = r->arg_bytes;
    }
    if (out.argument == FF_OP_ARGUMENT_LINES) {
        const uint8_t *end = memchr(r->at, '\n', (size_t)(r->limit - r->at));
        out.more = r->at;
        out.more_bytes = (size_t)((end ? end : r->limit) - r->at);
    }
    return told(s, s->tell.op(s->tell.ctx, &out));
}

int ff_scan_run(struct ff_scanner *s)
{
    bool build = s->building;
    int result = FF_OK;
    while (!result) {
        if (!s->tell.op && !build) {
            ff_scan_fast(&s->r);
        }
        result = ff_read_fetch(&s->r);
        if (!result && s->tell.op) {
            result = tell_op(s);
        }
        if (!result) {
            result = build ? ff_scan_step_building(&s->r) : ff_scan_step(&s->r);
        }
    }
    return result;
}

/* ---- from the outside ---- */

static int scanner_init(struct ff_scanner *s, struct ff_doc *doc, const void *data,
                        size_t size_bytes, const struct ff_load_options *options,
                        const struct ff_scan *tell, struct ff_error *e)
{
    *s = (struct ff_scanner){.stopped = 0};
    ff_cellmap_init(&s->by_hash);
    ff_vec_init(&s->globals, sizeof(void *), SIZE_MAX / 16);
    ff_vec_init(&s->cells, sizeof(uint64_t), 2 * (size_t)MAX_STRINGS);
    ff_vec_init(&s->strings, sizeof(char *), 2 * (size_t)MAX_STRINGS);
    int failed = ff_read_init(&s->r, doc, data, size_bytes, options, e);
    s->r.nested = ff_scan_nested;
    s->building = (s->r.options.flags & FF_LOAD_JOBLIB) != 0;
    if (tell) {
        if (tell->struct_size < FF_SIZE(ff_scan, ctx) || tell->flags) {
            return ff_fail(e, FF_E_USAGE, NULL, "a scan without struct_size, or flags");
        }
        memcpy(&s->tell, tell,
               tell->struct_size < sizeof *tell ? tell->struct_size : sizeof *tell);
    }
    return failed;
}

static void scanner_free(struct ff_scanner *s)
{
    drop_strings(s);
    ff_read_free(&s->r);
    ff_cellmap_free(&s->by_hash);
    ff_vec_free(&s->globals);
    ff_vec_free(&s->cells);
    ff_vec_free(&s->strings);
}

int ff_pickle_scan(const void *data, size_t size_bytes,
                   const struct ff_load_options *options, const struct ff_scan *tell,
                   size_t *used, struct ff_error *e)
{
    struct ff_scanner s;
    if (e && e->code) {
        return e->code;
    }
    struct ff_doc *doc = ff_doc_new(e);
    if (!doc) {
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    int result = scanner_init(&s, doc, data, size_bytes, options, tell, e);
    if (!result) {
        result = ff_scan_run(&s);
        if (!s.stopped) {
            int said = tell_globals(&s);
            s.stopped = result == FF_STOPPED ? said : 0;
        }
    }
    if (used) {
        *used = (size_t)(s.r.at - s.r.begin);
    }
    scanner_free(&s);
    ff_doc_free(doc);
    return s.stopped ? s.stopped : result == FF_STOPPED ? FF_OK : result;
}
