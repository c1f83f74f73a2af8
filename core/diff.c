/* SPDX-License-Identifier: Apache-2.0 */
/* diff.c: where two values differ. A stack of pairs that are half compared, the path of the one on
 * top, and a table of pairs that were met: nothing recurs, cycles end. */
#include "core/diff.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/doc.h"
#include "core/views.h"

#define DEFAULT_STEPS 100000000u

int ff_diff_no_memory(struct ff_differ *d)
{
    return ff_fail(d->e, FF_E_NO_MEMORY, NULL, "no memory to compare values");
}

int ff_diff_charge(struct ff_differ *d, uint64_t steps)
{
    d->steps += steps;
    if (d->steps > d->max_steps) {
        return ff_fail(d->e, FF_E_LIMIT, NULL, "more than %llu values to compare",
                       (unsigned long long)d->max_steps);
    }
    return FF_OK;
}

/* ---- telling ---- */

static int tell(struct ff_differ *d, struct ff_difference *out)
{
    char path[FF_DIFF_PATH_BYTES + 1];
    size_t n = d->path.length_bytes < FF_DIFF_PATH_BYTES ? d->path.length_bytes
                                                         : FF_DIFF_PATH_BYTES;
    if (n) {
        memcpy(path, d->path.data, n);
    }
    path[n] = 0;
    out->path = path[0] == '.' ? path + 1 : path;
    d->count++;
    return d->each ? d->each(d->ctx, out) : FF_OK;
}

static int differs(struct ff_differ *d, int kind, struct ff_value a, struct ff_value b)
{
    struct ff_difference out = {.kind = kind, .a = a, .b = b};
    return tell(d, &out);
}

/* ---- pairs that were met ---- */

int ff_diff_met(struct ff_differ *d, struct ff_diff_pair pair)
{
    uint64_t key =
        (pair.a.cell * 0x9e3779b97f4a7c15u) ^ (pair.b.cell * 0x94d049bb133111ebu);
    for (key |= 1;; key += 2) {
        uint64_t *slot = ff_cellmap_put(&d->index, key);
        if (!slot) {
            return ff_diff_no_memory(d);
        }
        if (!*slot) {
            *slot = d->met.count + 1;
            return ff_vec_append(&d->met, &pair) ? ff_diff_no_memory(d) : 0;
        }
        const struct ff_diff_pair *known = ff_vec_at(&d->met, (size_t)*slot - 1);
        if (known->a.cell == pair.a.cell && known->b.cell == pair.b.cell &&
            known->a.doc == pair.a.doc && known->b.doc == pair.b.doc) {
            return 1;
        }
    }
}

/* ---- paths ---- */

static int index_path(struct ff_differ *d, size_t i)
{
    return d->path.length_bytes >= FF_DIFF_PATH_BYTES
               ? FF_OK
               : ff_buf_printf(&d->path, "[%zu]", i);
}

static void cut_path(struct ff_differ *d, size_t size)
{
    d->path.length_bytes = size;
}

/* ---- one pair ---- */

static bool is_leaf(int kind)
{
    return kind == FF_BOOL || kind == FF_INT || kind == FF_FLOAT || kind == FF_STR ||
           kind == FF_BYTES || kind == FF_BYTEARRAY;
}

static bool same_bytes(struct ff_value a, struct ff_value b)
{
    const void *x, *y;
    size_t m, n;
    return !ff_bytes(a, &x, &m, NULL) && !ff_bytes(b, &y, &n, NULL) && m == n &&
           (m == 0 || memcmp(x, y, m) == 0);
}

size_t ff_diff_leaf_bytes(int kind, struct ff_value v)
{
    const char *text;
    const void *bytes;
    size_t size = 0;
    if (kind == FF_STR) {
        (void)ff_str(v, &text, &size, NULL);
    } else if (kind == FF_BYTES || kind == FF_BYTEARRAY) {
        (void)ff_bytes(v, &bytes, &size, NULL);
    }
    return size;
}

/* 1, 0, or < 0. */
static int same_leaf(struct ff_differ *d, int kind, struct ff_value a, struct ff_value b)
{
    double x, y;
    size_t m = ff_diff_leaf_bytes(kind, a), n = ff_diff_leaf_bytes(kind, b);
    if (m == n && ff_diff_charge(d, m / FF_DIFF_STEP_BYTES)) {
        return d->e->code;
    }
    if (kind == FF_BYTES || kind == FF_BYTEARRAY) {
        return same_bytes(a, b);
    }
    if (kind == FF_FLOAT && !ff_real(a, &x, NULL) && !ff_real(b, &y, NULL)) {
        return x == y || (x != x && y != y);
    }
    int same = ff_equal(a, b, 0, d->e);
    return d->e->code ? d->e->code : same;
}

static int diff_arrays(struct ff_differ *d, struct ff_diff_pair p,
                       const struct ff_array *a, const struct ff_array *b)
{
    struct ff_difference out = {.kind = FF_DIFF_ELEMENTS, .a = p.a, .b = p.b};
    if (strcmp(a->descr, b->descr) != 0 || a->ndim != b->ndim ||
        (a->ndim &&
         memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof *a->shape) != 0)) {
        return differs(d, FF_DIFF_TYPE, p.a, p.b);
    }
    int rc = ff_diff_elements(a, b, d->call, &out, d->e);
    return rc || !out.count ? rc : tell(d, &out);
}

static const struct ff_array *as_array(struct ff_value v)
{
    int kind = ff_kind(v);
    return kind == FF_ARRAY || kind == FF_OBJECT ? ff_array(v, NULL) : NULL;
}

/* 1: both are of a class whose text says all, and it was compared. */
static int diff_texts(struct ff_differ *d, struct ff_diff_pair p, int *done)
{
    struct ff_buf x, y;
    int view = ff_view(p.a), rc = FF_OK;
    ff_buf_init(&x, 1 << 20);
    ff_buf_init(&y, 1 << 20);
    *done =
        view && view == ff_view(p.b) && !ff_view_text(p.a, &x) && !ff_view_text(p.b, &y);
    if (*done && (x.length_bytes != y.length_bytes ||
                  memcmp(x.data, y.data, x.length_bytes) != 0)) {
        rc = differs(d, FF_DIFF_VALUE, p.a, p.b);
    }
    ff_buf_free(&x);
    ff_buf_free(&y);
    return rc;
}

static int push(struct ff_differ *d, struct ff_diff_pair p)
{
    struct ff_diff_half h = {p, 0, d->path.length_bytes, 0};
    int known = ff_diff_met(d, p);
    if (known) {
        return known < 0 ? known : FF_OK;
    }
    return ff_vec_append(&d->stack, &h) ? ff_diff_no_memory(d) : FF_OK;
}

static int diff_objects(struct ff_differ *d, struct ff_diff_pair p)
{
    int done = 0;
    const struct ff_array *a = as_array(p.a), *b = a ? as_array(p.b) : NULL;
    if (a && b) {
        return diff_arrays(d, p, a, b);
    }
    if (strcmp(ff_class_name(p.a), ff_class_name(p.b)) != 0 ||
        ff_view(p.a) != ff_view(p.b)) {
        return differs(d, FF_DIFF_TYPE, p.a, p.b);
    }
    int rc = diff_texts(d, p, &done);
    return rc || done ? rc : push(d, p);
}

/* What has no parts and no order. */
static int diff_others(struct ff_differ *d, int kind, struct ff_diff_pair p)
{
    bool same = ff_same(p.a, p.b);
    if (kind == FF_GLOBAL || kind == FF_EXTENSION) {
        int equal = ff_equal(p.a, p.b, 0, d->e);
        if (d->e->code) {
            return d->e->code;
        }
        same = equal ||
               (kind == FF_EXTENSION &&
                ((const struct ff_extension_node *)ff_cell_node(p.a.cell))->code ==
                    ((const struct ff_extension_node *)ff_cell_node(p.b.cell))->code);
    } else if (kind == FF_BUFFER) {
        same = same || same_bytes(p.a, p.b);
    }
    return same ? FF_OK : differs(d, FF_DIFF_VALUE, p.a, p.b);
}

static int open_both(struct ff_differ *d, struct ff_diff_pair *p)
{
    if (ff_kind(p->a) == FF_PERSISTENT) {
        p->a = ff_resolve(p->a, d->call, d->e);
    }
    if (ff_kind(p->b) == FF_PERSISTENT) {
        p->b = ff_resolve(p->b, d->call, d->e);
    }
    return d->e->code;
}

static int compare(struct ff_differ *d, struct ff_diff_pair p)
{
    if (ff_diff_charge(d, 1)) {
        return d->e->code;
    }
    if (ff_cancelled(d->call)) {
        return ff_fail(d->e, FF_E_CANCELLED, NULL, "cancelled");
    }
    if (ff_same(p.a, p.b)) {
        return FF_OK;
    }
    int rc = open_both(d, &p), kind = ff_kind(p.a), other = ff_kind(p.b);
    if (rc) {
        return rc;
    }
    bool arrays = (kind == FF_ARRAY || kind == FF_OBJECT) &&
                  (other == FF_ARRAY || other == FF_OBJECT);
    if (arrays) {
        return diff_objects(d, p);
    }
    if (kind != other) {
        return differs(d, FF_DIFF_TYPE, p.a, p.b);
    }
    if (is_leaf(kind)) {
        int same = same_leaf(d, kind, p.a, p.b);
        return same < 0 ? same : same ? FF_OK : differs(d, FF_DIFF_VALUE, p.a, p.b);
    }
    switch (kind) {
    case FF_NONE:
        return FF_OK;
    case FF_LIST:
    case FF_TUPLE:
    case FF_DICT:
    case FF_SET:
    case FF_FROZENSET:
        return push(d, p);
    default:
        return diff_others(d, kind, p);
    }
}

/* ---- children; 1 = there are no more ---- */

static int next_item(struct ff_differ *d, struct ff_diff_half h)
{
    struct ff_diff_pair child = {FF_NOTHING, FF_NOTHING};
    size_t m = ff_length(h.pair.a), n = ff_length(h.pair.b);
    if (h.next >= m && h.next >= n) {
        return 1;
    }
    if (index_path(d, h.next)) {
        return ff_diff_no_memory(d);
    }
    if ((h.next >= m || h.next >= n) && ff_diff_charge(d, 1)) {
        return d->e->code;
    }
    if (h.next < m) {
        (void)ff_item(h.pair.a, h.next, NULL, &child.a, NULL);
    }
    if (h.next < n) {
        (void)ff_item(h.pair.b, h.next, NULL, &child.b, NULL);
    }
    return h.next >= m   ? differs(d, FF_DIFF_ONLY_B, child.a, child.b)
           : h.next >= n ? differs(d, FF_DIFF_ONLY_A, child.a, child.b)
                         : compare(d, child);
}

/* Items of A are looked up in B; then those of B that are not in A. */
static int next_key(struct ff_differ *d, struct ff_diff_half h, size_t *looked)
{
    bool is_dict = ff_kind(h.pair.a) == FF_DICT;
    size_t m = ff_length(h.pair.a), n = ff_length(h.pair.b);
    bool of_a = h.next < m;
    struct ff_value from = of_a ? h.pair.a : h.pair.b, to = of_a ? h.pair.b : h.pair.a;
    struct ff_value key = FF_NOTHING, value = FF_NOTHING;
    if (h.next >= m + n) {
        return 1;
    }
    key = ff_diff_key_at(from, of_a ? h.next : h.next - m, &value);
    int64_t at;
    int rc = of_a ? ff_diff_find_in_b(d, h.pair, looked, key, &at)
                  : ff_diff_find_in_a(d, h.pair, key, &at);
    if (rc) {
        return rc;
    }
    if (at >= 0 && (!of_a || !is_dict)) {
        return FF_OK;
    }
    if (ff_diff_key_path(&d->path, key)) {
        return ff_diff_no_memory(d);
    }
    if (at < 0) {
        return of_a ? differs(d, FF_DIFF_ONLY_A, value, FF_NOTHING)
                    : differs(d, FF_DIFF_ONLY_B, FF_NOTHING, value);
    }
    struct ff_diff_pair child = {value, FF_NOTHING};
    (void)ff_item(to, (size_t)at, NULL, &child.b, NULL);
    return compare(d, child);
}

static int next_part(struct ff_differ *d, struct ff_diff_half h)
{
    static const struct {
        int part;
        const char *path;
    } parts[] = {{FF_PART_CALLABLE, ".<callable>"}, {FF_PART_ARGS, ".<args>"},
                 {FF_PART_KWARGS, ".<kwargs>"},     {FF_PART_LIST_ITEMS, ""},
                 {FF_PART_DICT_ITEMS, ""},          {FF_PART_STATE, ""},
                 {FF_PART_SETTER, ".<setter>"}};
    if (h.next >= sizeof parts / sizeof *parts) {
        return 1;
    }
    struct ff_diff_pair child = {ff_part(h.pair.a, parts[h.next].part),
                                 ff_part(h.pair.b, parts[h.next].part)};
    if (ff_buf_append_text(&d->path, parts[h.next].path)) {
        return ff_diff_no_memory(d);
    }
    if (!child.a.cell || !child.b.cell) {
        return !child.a.cell && !child.b.cell ? FF_OK
               : child.a.cell ? differs(d, FF_DIFF_ONLY_A, child.a, child.b)
                              : differs(d, FF_DIFF_ONLY_B, child.a, child.b);
    }
    return compare(d, child);
}

static int turn(struct ff_differ *d)
{
    struct ff_diff_half *top = ff_vec_last(&d->stack), h = *top;
    int kind = ff_kind(h.pair.a);
    top->next++;
    cut_path(d, h.path_bytes);
    int rc = kind == FF_OBJECT                     ? next_part(d, h)
             : kind == FF_LIST || kind == FF_TUPLE ? next_item(d, h)
                                                   : next_key(d, h, &top->looked);
    return rc;
}

/* ---- from the outside ---- */

static int run(struct ff_differ *d, struct ff_diff_pair root)
{
    int rc = compare(d, root);
    while (!rc && d->stack.count) {
        size_t depth = d->stack.count;
        uint64_t told = d->count;
        rc = turn(d);
        if (rc == 1 && d->count == told && d->stack.count == depth) {
            ff_vec_pop(&d->stack);
            rc = FF_OK;
        }
    }
    return rc;
}

int ff_diff_run(struct ff_differ *d, struct ff_diff_pair root)
{
    ff_vec_init(&d->stack, sizeof(struct ff_diff_half), SIZE_MAX / 64);
    ff_vec_init(&d->met, sizeof(struct ff_diff_pair), SIZE_MAX / 64);
    ff_cellmap_init(&d->index);
    ff_buf_init(&d->path, SIZE_MAX / 2);
    return run(d, root);
}

/* ---- what the documents did beside their values ---- */

static int diff_effect(struct ff_differ *d, const struct ff_doc *a,
                       const struct ff_doc *b, size_t i)
{
    static const struct ff_effect none = {0, 0, 0, 0, 0};
    const struct ff_effect *x = i < a->effects.count ? ff_vec_at(&a->effects, i) : &none;
    const struct ff_effect *y = i < b->effects.count ? ff_vec_at(&b->effects, i) : &none;
    struct ff_diff_pair pairs[] = {{ff_value_of(a, x->target), ff_value_of(b, y->target)},
                                   {ff_value_of(a, x->a), ff_value_of(b, y->a)},
                                   {ff_value_of(a, x->b), ff_value_of(b, y->b)}};
    int rc = FF_OK;
    if (x == &none || y == &none) {
        return x == &none ? differs(d, FF_DIFF_ONLY_B, FF_NOTHING, pairs[0].b)
                          : differs(d, FF_DIFF_ONLY_A, pairs[0].a, FF_NOTHING);
    }
    if (x->kind != y->kind) {
        return differs(d, FF_DIFF_TYPE, pairs[0].a, pairs[0].b);
    }
    for (size_t k = 0; k < 3 && !rc && pairs[k].a.cell; k++) {
        rc = run(d, pairs[k]);
    }
    return rc;
}

static int diff_effects(struct ff_differ *d, const struct ff_doc *a,
                        const struct ff_doc *b)
{
    size_t m = a->effects.count, n = b->effects.count;
    int rc = FF_OK;
    for (size_t i = 0; a != b && i < (m > n ? m : n) && !rc; i++) {
        cut_path(d, 0);
        rc = ff_diff_charge(d, 1);
        rc = rc                                              ? rc
             : ff_buf_printf(&d->path, ".<effects>[%zu]", i) ? ff_diff_no_memory(d)
                                                             : diff_effect(d, a, b, i);
    }
    return rc;
}

void ff_diff_end(struct ff_differ *d)
{
    ff_vec_free(&d->stack);
    ff_vec_free(&d->met);
    ff_cellmap_free(&d->index);
    ff_buf_free(&d->path);
}

static void put_place(struct ff_differ *d)
{
    if (!d->e->place[0] && d->path.length_bytes) {
        ff_error_at(d->e, ff_buf_text(&d->path));
        ff_error_at(d->e, "#");
    }
}

int ff_diff(struct ff_value a, struct ff_value b, const struct ff_diff_options *options,
            int (*each)(void *ctx, const struct ff_difference *), void *ctx,
            uint64_t *count, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_differ d = {
        .each = each, .ctx = ctx, .e = e ? e : &own, .max_steps = DEFAULT_STEPS};
    if (d.e->code) {
        return d.e->code;
    }
    if (!a.cell || !b.cell) {
        return ff_fail(e, FF_E_USAGE, NULL, "a value is absent");
    }
    if (options) {
        if (options->struct_size < FF_SIZE(ff_diff_options, flags) || options->flags) {
            return ff_fail(e, FF_E_USAGE, NULL, "options without struct_size, or flags");
        }
        d.max_steps = FF_HAS(options, ff_diff_options, max_steps) ? options->max_steps
                                                                  : DEFAULT_STEPS;
        d.call = FF_HAS(options, ff_diff_options, call) ? options->call : NULL;
    }
    int rc = ff_diff_run(&d, (struct ff_diff_pair){a, b});
    rc = rc ? rc : diff_effects(&d, a.doc, b.doc);
    if (d.e->code) {
        put_place(&d);
    }
    if (count) {
        *count = d.count;
    }
    ff_diff_end(&d);
    return rc;
}
