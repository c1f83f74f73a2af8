/* SPDX-License-Identifier: Apache-2.0 */
/* equal.c: Python's equality of two graphs. Pairs that are being compared count as equal, so
 * cycles end; a pair is compared once, so shared parts do not multiply; nothing recurs. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/views.h"
#include "doc.h"

#define DEFAULT_STEPS 100000000u
#define PIECE_BYTES   ((uint64_t)4 << 20)

struct pair {
    struct ff_value a, b;
};

struct comparing {
    struct ff_vec todo; /* struct pair */
    struct ff_doc *ids; /* its hash keys make ids */
    struct pair *seen;  /* open addressing */
    size_t seen_count, seen_room;
    uint64_t steps, max_steps;
    struct ff_error *e;
};

/* ---- pairs that were met ---- */

static size_t slot_of(const struct comparing *c, struct ff_value a, struct ff_value b)
{
    uint64_t h = (a.cell * 0x9e3779b97f4a7c15u) ^ (b.cell + 0x7f4a7c15u);
    h = (h ^ h >> 31) * 0x94d049bb133111ebu;
    size_t at = (size_t)(h ^ h >> 29) & (c->seen_room - 1);
    while (c->seen[at].a.cell &&
           (c->seen[at].a.cell != a.cell || c->seen[at].b.cell != b.cell)) {
        at = (at + 1) & (c->seen_room - 1);
    }
    return at;
}

static int grow_seen(struct comparing *c)
{
    struct comparing bigger = *c;
    bigger.seen_room = c->seen_room ? 2 * c->seen_room : 64;
    bigger.seen = ff_calloc(bigger.seen_room, sizeof *bigger.seen);
    if (!bigger.seen) {
        return ff_fail(c->e, FF_E_NO_MEMORY, NULL, "no memory to compare values");
    }
    for (size_t i = 0; i < c->seen_room; i++) {
        if (c->seen[i].a.cell) {
            bigger.seen[slot_of(&bigger, c->seen[i].a, c->seen[i].b)] = c->seen[i];
        }
    }
    ff_free(c->seen);
    *c = bigger;
    return FF_OK;
}

/* 1: met before; 0: new, and noted; < 0 failed. */
static int met(struct comparing *c, struct ff_value a, struct ff_value b)
{
    if (2 * c->seen_count >= c->seen_room) {
        int failed = grow_seen(c);
        if (failed) {
            return failed;
        }
    }
    size_t at = slot_of(c, a, b);
    if (c->seen[at].a.cell) {
        return 1;
    }
    c->seen[at] = (struct pair){a, b};
    c->seen_count++;
    return 0;
}

static int later(struct comparing *c, struct ff_value a, struct ff_value b)
{
    struct pair p = {a, b};
    if (ff_vec_append(&c->todo, &p)) {
        return ff_fail(c->e, FF_E_NO_MEMORY, NULL, "no memory to compare values");
    }
    return 1;
}

/* ---- leaves ---- */

static int same_id(struct comparing *c, struct ff_value a, struct ff_value b)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_key_id x, y;
    int failed = ff_key_id_of_any(c->ids, a, &x, &own);
    failed = failed ? failed : ff_key_id_of_any(c->ids, b, &y, &own);
    if (failed && failed != FF_E_CORRUPT) {
        return ff_fail(c->e, own.code, NULL, "%s", own.message);
    }
    return !failed && ff_key_id_equal(&x, &y);
}

static int equal_leaves(struct comparing *c, struct ff_value a, struct ff_value b)
{
    const char *x, *y;
    const uint8_t *p, *q;
    size_t n, m;
    if (ff_tag(a.cell) == FF_TAG_FLOAT && ff_tag(b.cell) == FF_TAG_FLOAT) {
        double left = ff_cell_float(a.cell), right = ff_cell_float(b.cell);
        return left >= right && left <= right;
    }
    if (ff_cell_text(a.cell, &x, &n) && ff_cell_text(b.cell, &y, &m)) {
        return n == m && memcmp(x, y, n) == 0;
    }
    if (ff_cell_bytes(a.cell, &p, &n) && ff_cell_bytes(b.cell, &q, &m)) {
        return n == m && (n == 0 || memcmp(p, q, n) == 0);
    }
    return same_id(c, a, b);
}

/* ---- arrays ---- */

static bool same_description(const struct ff_array *a, const struct ff_array *b)
{
    return a->ndim == b->ndim && strcmp(a->descr, b->descr) == 0 &&
           (a->ndim == 0 ||
            memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) == 0);
}

/* Rows of the first axis, in pieces. */
static int equal_rows(struct comparing *c, const struct ff_array *a,
                      const struct ff_array *b, uint64_t row_bytes, uint8_t *x,
                      uint8_t *y, int64_t rows)
{
    int64_t start[FF_MAX_NDIM] = {0}, count[FF_MAX_NDIM];
    for (int i = 0; i < a->ndim; i++) {
        count[i] = a->shape[i];
    }
    for (; start[0] < a->shape[0]; start[0] += rows) {
        int64_t left = a->shape[0] - start[0];
        count[0] = left < rows ? left : rows;
        struct ff_region region = {start, count, NULL};
        int failed = ff_array_read(a, &region, x, NULL, NULL, c->e);
        failed = failed ? failed : ff_array_read(b, &region, y, NULL, NULL, c->e);
        if (failed) {
            return failed;
        }
        if (memcmp(x, y, (size_t)((uint64_t)count[0] * row_bytes)) != 0) {
            return 0;
        }
    }
    return 1;
}

static int equal_arrays(struct comparing *c, const struct ff_array *a,
                        const struct ff_array *b)
{
    if (!same_description(a, b)) {
        return 0;
    }
    uint64_t row = a->itemsize_bytes;
    for (int i = 1; i < a->ndim; i++) {
        row *= (uint64_t)a->shape[i];
    }
    if (row == 0 || (a->ndim && a->shape[0] == 0)) {
        return 1;
    }
    int64_t rows = a->ndim && row < PIECE_BYTES ? (int64_t)(PIECE_BYTES / row) : 1;
    if (a->ndim && rows > a->shape[0]) {
        rows = a->shape[0];
    }
    size_t size = (size_t)((uint64_t)rows * row);
    uint8_t *x = ff_malloc(size), *y = ff_malloc(size);
    int result;
    if (!x || !y) {
        result = ff_fail(c->e, FF_E_NO_MEMORY, NULL, "no memory to compare arrays");
    } else if (a->ndim == 0) {
        result = ff_array_read(a, NULL, x, NULL, NULL, c->e);
        result = result ? result : ff_array_read(b, NULL, y, NULL, NULL, c->e);
        result = result ? result : memcmp(x, y, size) == 0;
    } else {
        result = equal_rows(c, a, b, row, x, y, rows);
    }
    ff_free(x);
    ff_free(y);
    return result;
}

static const struct ff_array *as_array(struct ff_value v)
{
    if (ff_tag(v.cell) == FF_TAG_ARRAY) {
        return ((const struct ff_array_node *)ff_cell_node(v.cell))->array;
    }
    return ff_tag(v.cell) == FF_TAG_OBJECT ? ff_view_array(v, NULL) : NULL;
}

/* ---- containers ---- */

static int equal_items(struct comparing *c, struct ff_value a, struct ff_value b)
{
    const struct ff_seq *x = ff_cell_node(a.cell), *y = ff_cell_node(b.cell);
    int result = x->count == y->count;
    for (size_t i = 0; i < x->count && result == 1; i++) {
        result =
            later(c, ff_value_of(a.doc, x->cells[i]), ff_value_of(b.doc, y->cells[i]));
    }
    return result;
}

/* The entry of an equal key; -1: none; -2: a failure. */
static int64_t find_key(struct comparing *c, struct ff_value in, struct ff_value key)
{
    struct ff_error own = FF_ERROR_INIT;
    int64_t at = ff_seq_find(in.doc, in.cell, key, &own);
    if (own.code && own.code != FF_E_CORRUPT) {
        (void)ff_fail(c->e, own.code, NULL, "%s", own.message);
        return -2;
    }
    return at < 0 ? -1 : at;
}

static int equal_dicts(struct comparing *c, struct ff_value a, struct ff_value b)
{
    const struct ff_seq *x = ff_cell_node(a.cell), *y = ff_cell_node(b.cell);
    int result = x->count == y->count;
    c->steps += x->count;
    for (size_t i = 0; i < x->count && result == 1; i++) {
        int64_t at = find_key(c, b, ff_value_of(a.doc, x->cells[2 * i]));
        result = at == -2 ? c->e->code
                 : at < 0 ? 0
                          : later(c, ff_value_of(a.doc, x->cells[2 * i + 1]),
                                  ff_value_of(b.doc, y->cells[2 * (size_t)at + 1]));
    }
    return result;
}

static int equal_sets(struct comparing *c, struct ff_value a, struct ff_value b)
{
    const struct ff_seq *x = ff_cell_node(a.cell), *y = ff_cell_node(b.cell);
    c->steps += x->count;
    for (size_t i = 0; i < x->count; i++) {
        int64_t at = find_key(c, b, ff_value_of(a.doc, x->cells[i]));
        if (at < 0) {
            return at == -2 ? c->e->code : 0;
        }
    }
    return x->count == y->count;
}

/* numpy compares dtypes by what they describe; 2 = they are none, or not understood. */
static int equal_dtypes(struct comparing *c, struct ff_value a, struct ff_value b)
{
    struct ff_dtype *x = NULL, *y = NULL;
    int result = 2, rc = ff_view_dtype(a, &x, NULL);
    rc = rc ? rc : ff_view_dtype(b, &y, NULL);
    if (rc < 0) {
        result = ff_fail(c->e, FF_E_NO_MEMORY, NULL, "no memory to compare dtypes");
    } else if (rc == 0) {
        result = ff_dtype_equal(x, y);
    }
    ff_dtype_free(x);
    ff_dtype_free(y);
    return result;
}

static int equal_objects(struct comparing *c, struct ff_value a, struct ff_value b)
{
    int result = same_id(c, a, b);
    const struct ff_array *x = as_array(a), *y = as_array(b);
    if (result) {
        return result;
    }
    if (ff_view(a) == FF_VIEW_DECIMAL && ff_view(b) == FF_VIEW_DECIMAL) {
        return 0; /* NaN is not NaN, though its text is the same */
    }
    if (x && y) {
        return equal_arrays(c, x, y);
    }
    result = equal_dtypes(c, a, b);
    if (result != 2) {
        return result;
    }
    result = 1;
    for (int part = FF_PART_CALLABLE; part <= FF_PART_SETTER && result == 1; part++) {
        struct ff_value p = ff_part(a, part), q = ff_part(b, part);
        result = !p.cell == !q.cell;
        if (p.cell && result) {
            result = later(c, p, q);
        }
    }
    return result;
}

static bool is_set(unsigned tag)
{
    return tag == FF_TAG_SET || tag == FF_TAG_FROZENSET;
}

static int compare_nodes(struct comparing *c, struct ff_value a, struct ff_value b)
{
    unsigned x = ff_tag(a.cell), y = ff_tag(b.cell);
    const struct ff_array *p = as_array(a), *q = as_array(b);
    if (is_set(x) && is_set(y)) {
        return equal_sets(c, a, b);
    }
    if (x != y) {
        return p && q ? equal_arrays(c, p, q) : same_id(c, a, b);
    }
    switch (x) {
    case FF_TAG_LIST:
    case FF_TAG_TUPLE:
        return equal_items(c, a, b);
    case FF_TAG_DICT:
        return equal_dicts(c, a, b);
    case FF_TAG_OBJECT:
        return equal_objects(c, a, b);
    case FF_TAG_ARRAY:
        return equal_arrays(c, p, q);
    default:
        return equal_leaves(c, a, b);
    }
}

static struct ff_value opened(struct comparing *c, struct ff_value v)
{
    return ff_tag(v.cell) == FF_TAG_PERSISTENT ? ff_resolve(v, NULL, c->e) : v;
}

/* 1, 0, or a failure. */
static int compare(struct comparing *c, struct ff_value a, struct ff_value b)
{
    if (++c->steps > c->max_steps) {
        return ff_fail(c->e, FF_E_LIMIT, NULL, "the comparison takes over %llu steps",
                       (unsigned long long)c->max_steps);
    }
    if (a.cell == b.cell && (a.doc == b.doc || ff_tag(a.cell) <= FF_TAG_INT)) {
        return 1;
    }
    a = opened(c, a);
    b = opened(c, b);
    if (!a.cell || !b.cell) {
        return c->e->code ? c->e->code : 0;
    }
    if (ff_tag(a.cell) < FF_TAG_LIST || ff_tag(b.cell) < FF_TAG_LIST) {
        return equal_leaves(c, a, b);
    }
    int known = met(c, a, b);
    return known ? known : compare_nodes(c, a, b);
}

int ff_equal(struct ff_value a, struct ff_value b, uint64_t max_steps, struct ff_error *e)
{
    if (e && e->code) {
        return 0;
    }
    struct ff_error own = FF_ERROR_INIT;
    struct comparing c = {.max_steps = max_steps ? max_steps : DEFAULT_STEPS,
                          .e = e ? e : &own};
    ff_vec_init(&c.todo, sizeof(struct pair), SIZE_MAX / sizeof(struct pair));
    c.ids = ff_doc_new(c.e);
    int result = c.ids ? later(&c, a, b) : 0;
    while (result == 1 && c.todo.count) {
        struct pair p = *(struct pair *)ff_vec_last(&c.todo);
        ff_vec_pop(&c.todo);
        result = compare(&c, p.a, p.b);
    }
    ff_vec_free(&c.todo);
    ff_free(c.seen);
    ff_doc_free(c.ids);
    return result == 1;
}
