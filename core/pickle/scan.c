/* SPDX-License-Identifier: Apache-2.0 */
/* scan.c: a pickle is walked, and nothing kept. */
#include <string.h>

#include "core/base/alloc.h"
#include "read.h"

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
    (void)ff_read_init(&r, doc, data, size_bytes, NULL, e);
    r.scan = true;
    r.found_pid = report;
    r.found_ctx = &s;
    int result = ff_read_run(&r);
    if (used) {
        *used = (size_t)(r.at - r.begin);
    }
    ff_read_free(&r);
    ff_vec_free(&s.cells);
    ff_vec_free(&s.strings);
    ff_doc_free(doc);
    return s.result ? s.result : result == FF_STOPPED ? FF_OK : result;
}
