/* SPDX-License-Identifier: Apache-2.0 */
/* load.c: a pickle in memory becomes a document; and the scan, which keeps nothing. */
#include <string.h>

#include "core/base/alloc.h"
#include "read.h"

#define LEAST_BYTES    (UINT64_C(64) << 20)
#define BYTES_PER_BYTE 48u

static uint64_t budget(uint64_t asked, size_t input_bytes)
{
    uint64_t bytes = (uint64_t)input_bytes;
    if (asked) {
        return asked;
    }
    if (bytes > UINT64_MAX / BYTES_PER_BYTE) {
        return UINT64_MAX;
    }
    return bytes * BYTES_PER_BYTE < LEAST_BYTES ? LEAST_BYTES : bytes * BYTES_PER_BYTE;
}

static void reader_init(struct ff_reader *r, struct ff_doc *doc, const void *data,
                        size_t size_bytes, struct ff_error *e)
{
    *r = (struct ff_reader){.doc = doc, .begin = data, .e = e};
    r->end = r->begin + size_bytes;
    r->at = r->op = r->begin;
    r->limit = r->end;
    ff_cellmap_init(&r->far_memo);
    ff_cellmap_init(&r->pids);
}

static void reader_free(struct ff_reader *r)
{
    ff_free(r->stack);
    ff_free(r->marks);
    ff_free(r->memo);
    ff_cellmap_free(&r->far_memo);
    ff_cellmap_free(&r->pids);
}

/* What a stream without PROTO was written with: 0 or 1. */
static int protocol_of(const struct ff_reader *r)
{
    return r->protocol ? r->protocol : r->newest;
}

static int read_into(struct ff_doc *doc, const struct ff_load_options *options,
                     size_t *used, struct ff_error *e)
{
    struct ff_reader r;
    reader_init(&r, doc, doc->input, doc->input_bytes, e);
    r.lax_frames = options && options->lax_frames;
    r.py2_strings = options ? options->py2_strings : FF_PY2_ASCII;
    doc->max_bytes = budget(options ? options->max_bytes : 0, doc->input_bytes);
    int result = ff_read_run(&r);
    if (used) {
        *used = (size_t)(r.at - r.begin);
    }
    doc->protocol = protocol_of(&r);
    doc->knows_shared = true;
    doc->max_bytes = UINT64_MAX;
    reader_free(&r);
    return result == FF_STOPPED ? FF_OK : result;
}

int ff_pickle_read(const void *data, size_t size_bytes, void *taken,
                   void (*release)(void *), const struct ff_load_options *options,
                   struct ff_doc **doc, size_t *used, struct ff_error *e)
{
    struct ff_doc *made = ff_doc_new(e);
    *doc = NULL;
    if (!made) {
        if (release) {
            release(taken);
        }
        if (options && options->resolver && options->resolver->release) {
            options->resolver->release(options->resolver->ctx);
        }
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    made->input = data;
    made->input_bytes = size_bytes;
    made->input_owner = taken;
    made->input_release = release;
    if (options && options->resolver) {
        made->resolver = *options->resolver;
        made->has_resolver = true;
    }
    int failed = read_into(made, options, used, e);
    if (failed) {
        ff_doc_free(made);
        return failed;
    }
    *doc = made;
    return FF_OK;
}

struct ff_doc *ff_pickle_load(const void *data, size_t size_bytes, void *taken,
                              void (*release)(void *), size_t *used, struct ff_error *e)
{
    struct ff_doc *doc = NULL;
    bool copied = !taken;
    if (e && e->code) {
        if (taken && release) {
            release(taken);
        }
        return NULL;
    }
    if (!data && size_bytes) {
        ff_fail(e, FF_E_USAGE, NULL, "no data");
        return NULL;
    }
    if (copied) {
        taken = ff_memdup(data, size_bytes);
        if (!taken) {
            ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a copy of the pickle");
            return NULL;
        }
    }
    (void)ff_pickle_read(copied ? taken : data, size_bytes, taken,
                         copied ? ff_free : release, NULL, &doc, used, e);
    return doc;
}

/* ---- scan ---- */

#define MAX_STRINGS 256u

struct scanning {
    int (*each)(void *ctx, const struct ff_scanned_pid *);
    void *ctx;
    struct ff_vec cells;   /* uint64_t: parts of the id still to look at */
    struct ff_vec strings; /* const char *, ff_free */
    int result;            /* what `each` said */
};

static int keep_string(struct ff_reader *r, struct scanning *s, uint64_t cell)
{
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
static int collect(struct ff_reader *r, struct scanning *s, uint64_t pid)
{
    int failed = ff_vec_append(&s->cells, &pid) ? ff_read_full(r) : FF_OK;
    for (size_t i = 0; !failed && i < s->cells.count; i++) {
        uint64_t cell = *(uint64_t *)ff_vec_at(&s->cells, i);
        const struct ff_seq *seq = ff_cell_node(cell);
        if (ff_tag(cell) != FF_TAG_TUPLE) {
            failed = keep_string(r, s, cell);
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

static int report(struct ff_reader *r, uint64_t pid)
{
    struct scanning *s = r->found_ctx;
    struct ff_scanned_pid out;
    ff_vec_clear(&s->cells);
    int result = collect(r, s, pid);
    if (!result) {
        fill_names(r, pid, &out);
        out.strings = s->strings.items;
        out.string_count = s->strings.count;
        s->result = s->each(s->ctx, &out);
        result = s->result ? FF_STOPPED : FF_OK;
    }
    for (size_t i = 0; i < s->strings.count; i++) {
        ff_free(*(char **)ff_vec_at(&s->strings, i));
    }
    ff_vec_clear(&s->strings);
    return result;
}

int ff_pickle_scan(const void *data, size_t size_bytes,
                   int (*each)(void *ctx, const struct ff_scanned_pid *), void *ctx,
                   size_t *used, struct ff_error *e)
{
    struct scanning s = {.each = each, .ctx = ctx};
    struct ff_reader r;
    struct ff_doc *doc = ff_doc_new(e);
    if (!doc) {
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    ff_vec_init(&s.cells, sizeof(uint64_t), 2 * (size_t)MAX_STRINGS);
    ff_vec_init(&s.strings, sizeof(char *), 2 * (size_t)MAX_STRINGS);
    doc->max_bytes = budget(0, size_bytes);
    reader_init(&r, doc, data, size_bytes, e);
    r.scan = true;
    r.found_pid = report;
    r.found_ctx = &s;
    int result = ff_read_run(&r);
    if (used) {
        *used = (size_t)(r.at - r.begin);
    }
    reader_free(&r);
    ff_vec_free(&s.cells);
    ff_vec_free(&s.strings);
    ff_doc_free(doc);
    return s.result ? s.result : result == FF_STOPPED ? FF_OK : result;
}
