/* SPDX-License-Identifier: Apache-2.0 */
/* view.c: finding what an address names, and a selection of an array as an array. */
#include "view.h"

#include <stdlib.h>

/* ---- a selection as an array ---- */

struct view {
    struct ff_array pub; /* first: a pointer to one is a pointer to the other */
    const struct ff_array *inner;
    struct ff_array *taken;
    struct ff_selection selection;
    int64_t shape[FF_MAX_NDIM], chunk[FF_MAX_NDIM];
};

static int view_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                     const int64_t *strides, const struct ff_call *call,
                     struct ff_error *e)
{
    const struct view *v = a->ctx;
    const struct ff_selection *s = &v->selection;
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM], step[FF_MAX_NDIM], to[FF_MAX_NDIM];
    struct ff_region inner = {start, count, step};
    for (int32_t i = 0, kept = 0; i < s->ndim; i++) {
        int64_t by = 1;
        start[i] = s->start[i];
        count[i] = 1;
        step[i] = 1;
        to[i] = (int64_t)a->itemsize_bytes;
        if (s->dropped[i]) {
            continue;
        }
        by = r->step ? r->step[kept] : 1;
        start[i] += r->start[kept] * s->step[i];
        count[i] = r->count[kept];
        step[i] = count[i] > 1 ? by * s->step[i] : 1;
        to[i] = strides[kept];
        kept++;
    }
    return ff_array_read(v->inner, &inner, dst, to, call, e);
}

static void view_release(struct ff_array *a)
{
    struct view *v = a->ctx;
    ff_array_free(v->taken);
    free(v);
}

struct ff_array *ff_view_new(const struct ff_array *inner, struct ff_array *taken,
                             const struct ff_selection *s, const char *options,
                             struct ff_error *e)
{
    struct view *v = inner && !(e && e->code) ? calloc(1, sizeof *v) : NULL;
    if (!v) {
        ff_array_free(taken);
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    v->inner = inner;
    v->taken = taken;
    v->selection = *s;
    v->pub = (struct ff_array){
        .struct_size = FF_SIZE(ff_array, query),
        .flags = inner->flags & FF_ARRAY_AUTO,
        .itemsize_bytes = inner->itemsize_bytes,
        .descr = inner->descr,
        .shape = v->shape,
        .chunk = inner->chunk ? v->chunk : NULL,
        .options = options,
        .ctx = v,
        .read = view_read,
        .release = view_release,
    };
    for (int32_t i = 0; i < s->ndim; i++) {
        if (!s->dropped[i]) {
            int64_t chunk = inner->chunk ? (inner->chunk[i] - 1) / s->step[i] + 1 : 1;
            v->shape[v->pub.ndim] = s->count[i];
            v->chunk[v->pub.ndim++] = chunk;
        }
    }
    return &v->pub;
}

/* ---- what an address names ---- */

/* The array at `value`; NULL without a failure when it is something else. */
static const struct ff_array *array_at(struct ff_value value, const struct ff_call *call,
                                       struct ff_error *e)
{
    struct ff_value v = ff_resolve(value, call, e);
    int view = ff_view(v);
    if (ff_kind(v) != FF_ARRAY && view != FF_VIEW_NDARRAY && view != FF_VIEW_SCALAR) {
        return NULL;
    }
    return ff_array(v, e);
}

static int take_slice(struct ff_target *t, const char *text, struct ff_error *e)
{
    int rc = ff_selection_parse(&t->selection, text, strlen(text) - 1, t->whole->ndim,
                                t->whole->shape, e);
    if (!rc) {
        t->view = ff_view_new(t->whole, NULL, &t->selection, NULL, e);
        rc = t->view ? FF_OK : FF_E_NO_MEMORY;
    }
    return rc;
}

/* A slice whose ']' was forgotten reads as a path: say what was meant. */
static int check_closed(const char *path, struct ff_error *e)
{
    const char *open = strrchr(path, '[');
    if (!open || strpbrk(open, "]'\"") || !strpbrk(open, ":,.")) {
        return FF_DECLINED;
    }
    (void)ff_fail(e, FF_E_USAGE, NULL, "not a slice: %.200s: no ']' at column %zu", open,
                  strlen(open) + 1);
    ff_error_fix(e, "as numpy: [0, 10:20, ::2, ..., -1]");
    return FF_E_USAGE;
}

/* "a.b[1:3]" where a.b is an array; FF_DECLINED when the bracket is part of the path. */
static int find_slice(struct ff_cli *c, struct ff_target *t, const char *path,
                      struct ff_error *e)
{
    int cut = ff_selection_split(path);
    char *before;
    if (cut < 0) {
        return check_closed(path, e);
    }
    before = strndup(path, (size_t)cut);
    if (!before) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    t->value = cut ? ff_path(ff_doc_root(t->doc), before, e) : ff_doc_root(t->doc);
    free(before);
    t->whole = array_at(t->value, &c->call, e);
    if (e->code) {
        return e->code;
    }
    if (t->whole) {
        return take_slice(t, path + cut + 1, e);
    }
    if (strpbrk(path + cut, ":,.")) {
        (void)ff_fail(e, FF_E_USAGE, NULL,
                      "only arrays can be sliced, this is of kind %s",
                      ff_kind_name(ff_kind(t->value)));
        return FF_E_USAGE;
    }
    return FF_DECLINED;
}

static int find_value(struct ff_cli *c, struct ff_target *t, int open, struct ff_error *e)
{
    const char *path = t->address.path;
    int rc = path ? find_slice(c, t, path, e) : FF_DECLINED;
    if (rc != FF_DECLINED) {
        return rc;
    }
    t->value =
        path && *path ? ff_path(ff_doc_root(t->doc), path, e) : ff_doc_root(t->doc);
    if (open && !e->code) {
        t->whole = array_at(t->value, &c->call, e);
    }
    if (t->whole) {
        ff_selection_all(&t->selection, t->whole->ndim, t->whole->shape);
    }
    return e->code;
}

void ff_target_blame(const struct ff_target *t, struct ff_error *e)
{
    char at[256];
    size_t n;
    if (!e->code || e->place[0] || !t->address.workflow) {
        return;
    }
    (void)ff_address_print(t->address.workflow, t->address.task, at, sizeof at);
    n = strlen(at);
    if (t->address.path) {
        (void)snprintf(at + n, sizeof at - n, "#%s", t->address.path);
    }
    ff_error_at(e, at);
}

/* What the medium says of a file that is not there names no task. */
static void say_missing(struct ff_storage *storage, const struct ff_target *t,
                        struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    if (e->code == FF_E_NOT_FOUND && storage &&
        !ff_file_exists(storage, t->address.workflow, t->address.task, &own) &&
        (!own.code || own.code == FF_E_NOT_FOUND)) {
        (void)snprintf(e->message, sizeof e->message, "no such task");
    }
}

int ff_target_find(struct ff_cli *c, const char *address, int open, struct ff_target *t,
                   struct ff_error *e)
{
    struct ff_read_options options = {FF_SIZE(ff_read_options, call), 0, 0, &c->call};
    struct ff_storage *storage;
    memset(t, 0, sizeof *t);
    if (ff_address_parse(&t->address, address, FF_ADDRESS_INSIDE, e)) {
        return e->code;
    }
    storage = ff_cli_storage(c, t->address.storage, e);
    t->doc = ff_read_task(storage, t->address.workflow, t->address.task, &options, e);
    say_missing(storage, t, e);
    if (!e->code) {
        (void)find_value(c, t, open, e);
    }
    ff_target_blame(t, e);
    return e->code;
}

void ff_target_free(struct ff_target *t)
{
    ff_array_free(t->view);
    ff_doc_free(t->doc);
    ff_address_free(&t->address);
}

int ff_target_chunks(const struct ff_target *t, uint64_t *touched, uint64_t *all,
                     struct ff_error *e)
{
    struct ff_region r = {t->selection.start, t->selection.count, t->selection.step};
    return t->whole && t->whole->chunk && t->whole->ndim > 0 &&
           ff_array_chunks_touched(t->whole, &r, touched, all, e) == FF_OK;
}
