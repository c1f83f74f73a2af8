/* SPDX-License-Identifier: Apache-2.0 */
/* json_read.c: values of JSON: plain ones, and the stack of work. */
#include "core/json_read.h"

#include <errno.h>
#include <string.h>

#include "core/number.h"

/* ---- helpers of all ---- */

int ff_json_wrong(struct ff_json_reader *r, uint32_t node, const char *what)
{
    return ff_json_fail_at(&r->tree, ff_json_node(&r->tree, node)->at, FF_E_USAGE,
                           r->error, "%s", what);
}

int ff_json_full(struct ff_json_reader *r, uint32_t node)
{
    (void)node;
    return ff_doc_full(r->doc, r->error);
}

int ff_json_set(struct ff_json_reader *r, uint32_t node, uint64_t cell)
{
    ff_json_node(&r->tree, node)->cell = cell;
    return cell ? FF_OK : ff_json_full(r, node);
}

int ff_json_later(struct ff_json_reader *r, int job, uint32_t node, uint64_t cell)
{
    struct ff_json_work w = {cell, node, job};
    return ff_vec_append(&r->work, &w)
               ? ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory")
               : FF_OK;
}

void ff_json_reverse(struct ff_json_reader *r, size_t from)
{
    struct ff_json_work *w = r->work.items;
    for (size_t a = from, b = r->work.count; a + 1 < b; a++) {
        struct ff_json_work swap = w[a];
        w[a] = w[--b];
        w[b] = swap;
    }
}

int ff_json_visit_children(struct ff_json_reader *r, uint32_t node, uint32_t first,
                           uint32_t step)
{
    size_t from = r->work.count;
    uint32_t i = 0;
    int rc = FF_OK;
    for (uint32_t n = ff_json_child(&r->tree, node, 0); n && !rc;
         n = ff_json_node(&r->tree, n)->next, i++) {
        if (i % step == first) {
            rc = ff_json_later(r, FF_JSON_VISIT, n, 0);
        }
    }
    ff_json_reverse(r, from);
    return rc;
}

int ff_json_visit_pairs(struct ff_json_reader *r, uint32_t node)
{
    size_t from = r->work.count;
    int rc = ff_json_want(r, node, '[', "a list of [key, value]");
    for (uint32_t n = rc ? 0 : ff_json_child(&r->tree, node, 0); n && !rc;
         n = ff_json_node(&r->tree, n)->next) {
        if (ff_json_type(&r->tree, n) != '[' || ff_json_node(&r->tree, n)->count != 2) {
            return ff_json_wrong(r, n, "not [key, value]");
        }
        rc = ff_json_later(r, FF_JSON_VISIT, n + 1, 0);
        rc = rc ? rc
                : ff_json_later(r, FF_JSON_VISIT, ff_json_node(&r->tree, n + 1)->next, 0);
    }
    ff_json_reverse(r, from);
    return rc;
}

int ff_json_want(struct ff_json_reader *r, uint32_t node, char type, const char *what)
{
    if (ff_json_type(&r->tree, node) != type) {
        return ff_json_fail_at(&r->tree, ff_json_node(&r->tree, node)->at, FF_E_USAGE,
                               r->error, "here should be %s", what);
    }
    return FF_OK;
}

int ff_json_check_members(struct ff_json_reader *r, uint32_t object,
                          const char *const *names)
{
    uint64_t seen = 0;
    for (uint32_t n = ff_json_child(&r->tree, object, 0); n;) {
        uint32_t value = ff_json_node(&r->tree, n)->next, i = 0;
        while (names[i] && !ff_json_is(&r->tree, n, names[i])) {
            i++;
        }
        if (!names[i]) {
            return ff_json_wrong(r, n, "a member that does not belong here");
        }
        if (seen & (uint64_t)1 << i) {
            return ff_json_wrong(r, n, "the same name twice");
        }
        seen |= (uint64_t)1 << i;
        n = ff_json_node(&r->tree, value)->next;
    }
    return FF_OK;
}

/* ---- scalars ---- */

int ff_json_text_cell(struct ff_json_reader *r, uint32_t node, uint64_t *cell)
{
    size_t size;
    const char *text = ff_json_string(&r->tree, node, &r->scratch, &size);
    if (!text) {
        return ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    *cell = ff_doc_built_scalar(r->doc, FF_TAG_STR, text, size);
    return *cell ? FF_OK : ff_json_full(r, node);
}

static bool is_real(const char *text, size_t size)
{
    return memchr(text, '.', size) || memchr(text, 'e', size) || memchr(text, 'E', size);
}

static int make_real(struct ff_json_reader *r, uint32_t node, const char *text,
                     size_t size)
{
    double value;
    int rc = ff_double_parse(text, size, &value);
    if (rc == -ERANGE) {
        return ff_json_wrong(r, node, "the number is beyond the largest double");
    }
    return rc ? ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory")
              : ff_json_set(r, node, ff_doc_float(r->doc, value));
}

int ff_json_number_cell(struct ff_json_reader *r, uint32_t node)
{
    const char *text = r->tree.text + ff_json_node(&r->tree, node)->at;
    size_t size = ff_json_node(&r->tree, node)->size;
    int rc;
    if (is_real(text, size)) {
        return make_real(r, node, text, size);
    }
    ff_buf_clear(&r->scratch);
    rc = ff_int_parse(text, size, &r->scratch);
    if (rc == -E2BIG) {
        return ff_json_fail_at(&r->tree, ff_json_node(&r->tree, node)->at, FF_E_LIMIT,
                               r->error,
                               "an integer of more than %d digits: write it as "
                               "{\"$int\": \"0x...\"}",
                               FF_INT_PARSE_MAX_DIGITS);
    }
    return rc ? ff_fail(r->error, FF_E_NO_MEMORY, NULL, "out of memory")
              : ff_json_set(
                    r, node,
                    ff_doc_int_bytes(r->doc, r->scratch.data, r->scratch.length_bytes));
}

int ff_json_number(struct ff_json_reader *r, uint32_t node, int64_t min, int64_t max,
                   int64_t *out)
{
    int rc = ff_json_want(r, node, '0', "an integer");
    rc = rc ? rc : ff_json_number_cell(r, node);
    if (!rc &&
        (ff_int64(ff_value_of(r->doc, ff_json_node(&r->tree, node)->cell), out, NULL) ||
         *out < min || *out > max)) {
        rc = ff_json_wrong(r, node, "an integer that is not possible here");
    }
    return rc;
}

/* ---- containers ---- */

static uint64_t new_seq(struct ff_json_reader *r, unsigned tag)
{
    struct ff_seq *seq = ff_seq_new(r->doc);
    return seq ? ff_cell(tag, seq) : 0;
}

static int visit_list(struct ff_json_reader *r, uint32_t node)
{
    int rc = ff_json_set(r, node, new_seq(r, FF_TAG_LIST));
    rc = rc ? rc
            : ff_json_later(r, FF_JSON_FILL_LIST, node,
                            ff_json_node(&r->tree, node)->cell);
    return rc ? rc : ff_json_visit_children(r, node, 0, 1);
}

static int visit_object(struct ff_json_reader *r, uint32_t node)
{
    for (uint32_t n = ff_json_child(&r->tree, node, 0); n;) {
        if (r->tree.text[ff_json_node(&r->tree, n)->at + 1] == '$') {
            return ff_json_read_tag(r, node);
        }
        n = ff_json_node(&r->tree, ff_json_node(&r->tree, n)->next)->next;
    }
    int rc = ff_json_set(r, node, new_seq(r, FF_TAG_DICT));
    rc =
        rc ? rc
           : ff_json_later(r, FF_JSON_FILL_MAP, node, ff_json_node(&r->tree, node)->cell);
    return rc ? rc : ff_json_visit_children(r, node, 1, 2);
}

int ff_json_visit(struct ff_json_reader *r, uint32_t node)
{
    uint64_t cell = 0;
    int rc;
    switch (ff_json_type(&r->tree, node)) {
    case '{':
        return visit_object(r, node);
    case '[':
        return visit_list(r, node);
    case '"':
        rc = ff_json_text_cell(r, node, &cell);
        return rc ? rc : ff_json_set(r, node, cell);
    case 't':
        return ff_json_set(r, node, FF_TAG_TRUE);
    case 'f':
        return ff_json_set(r, node, FF_TAG_FALSE);
    case 'n':
        return ff_json_set(r, node, FF_TAG_NONE);
    default:
        return ff_json_number_cell(r, node);
    }
}

static int read_all(struct ff_json_reader *r)
{
    int rc = ff_json_later(r, FF_JSON_VISIT, 0, 0);
    while (!rc && r->work.count) {
        struct ff_json_work w = *(struct ff_json_work *)ff_vec_last(&r->work);
        ff_vec_pop(&r->work);
        rc = w.job == FF_JSON_VISIT ? ff_json_visit(r, w.node) : ff_json_fill(r, &w);
    }
    return rc;
}

static int read_text(struct ff_json_reader *r, const char *text, size_t size_bytes,
                     struct ff_value *root)
{
    int rc;
    ff_vec_init(&r->work, sizeof(struct ff_json_work),
                SIZE_MAX / sizeof(struct ff_json_work));
    ff_cellmap_init(&r->ids);
    ff_buf_init(&r->scratch, SIZE_MAX / 2);
    rc = ff_json_parse(&r->tree, text, size_bytes, r->error);
    rc = rc ? rc : read_all(r);
    if (!rc) {
        *root = ff_value_of(r->doc, ff_json_node(&r->tree, 0)->cell);
    }
    ff_buf_free(&r->scratch);
    ff_cellmap_free(&r->ids);
    ff_vec_free(&r->work);
    ff_json_tree_free(&r->tree);
    return rc;
}

struct ff_value ff_from_json(struct ff_doc *doc, const char *text, size_t size_bytes,
                             const char *folder, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_json_reader r = {.doc = doc, .folder = folder, .error = e ? e : &local};
    struct ff_value root = FF_NOTHING;
    if (e && e->code) {
        return root;
    }
    if (!doc || (!text && size_bytes)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, doc ? "no text" : "no document to build in");
        return root;
    }
    if (size_bytes == SIZE_MAX) {
        size_bytes = strlen(text);
    }
    if (read_text(&r, text ? text : "", size_bytes, &root)) {
        return FF_NOTHING;
    }
    return root;
}
