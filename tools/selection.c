/* SPDX-License-Identifier: Apache-2.0 */
/* selection.c: numpy's basic indexing: integers, slices with steps of 1 and more, "...". */
#include "address.h"

#include <stdlib.h>

#include "cli.h"

void ff_selection_all(struct ff_selection *s, int32_t ndim, const int64_t *shape)
{
    memset(s, 0, sizeof *s);
    s->ndim = ndim;
    for (int32_t i = 0; i < ndim; i++) {
        s->count[i] = shape[i];
        s->step[i] = 1;
    }
}

static int bad(const char *text, size_t size, const char *why, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_USAGE, NULL, "not a slice: [%.*s]: %s", (int)size, text, why);
    ff_error_fix(e, "as numpy: [0, 10:20, ::2, ..., -1]");
    return FF_E_USAGE;
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && *at == ' ') {
        at++;
    }
    return at;
}

/* One item: up to three numbers with ':' between. */
struct item {
    int colons;
    int has[3];
    int64_t number[3];
};

static int parse_item(const char *at, const char *end, struct item *out)
{
    memset(out, 0, sizeof *out);
    for (;;) {
        const char *stop, *last;
        at = skip_blanks(at, end);
        for (stop = at; stop < end && *stop != ':'; stop++) {
        }
        for (last = stop; last > at && last[-1] == ' '; last--) {
        }
        if (last > at) {
            if (!ff_cli_parse_int(at, last, -INT64_MAX, &out->number[out->colons])) {
                return 0;
            }
            out->has[out->colons] = 1;
        }
        if (stop == end) {
            return out->colons > 0 || out->has[0];
        }
        if (++out->colons > 2) {
            return 0;
        }
        at = stop + 1;
    }
}

/* A bound as Python clips it. */
static int64_t clip(int64_t bound, int64_t length)
{
    bound = bound < 0 ? bound + length : bound;
    return bound < 0 ? 0 : bound > length ? length : bound;
}

static int apply_index(struct ff_selection *s, int32_t axis, int64_t index,
                       int64_t length, struct ff_error *e)
{
    if (index < -length || index >= length) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "index %lld is outside of axis %d of length %lld",
                       (long long)index, (int)axis, (long long)length);
    }
    s->start[axis] = index < 0 ? index + length : index;
    s->count[axis] = 1;
    s->dropped[axis] = 1;
    return FF_OK;
}

static int apply(struct ff_selection *s, int32_t axis, const struct item *item,
                 int64_t length, struct ff_error *e)
{
    int64_t first, last, step = item->has[2] ? item->number[2] : 1;
    if (item->colons == 0) {
        return apply_index(s, axis, item->number[0], length, e);
    }
    if (step < 1) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "axis %d: a step of %lld; 1 and more are possible", (int)axis,
                       (long long)step);
    }
    first = item->has[0] ? clip(item->number[0], length) : 0;
    last = item->has[1] ? clip(item->number[1], length) : length;
    s->count[axis] = last > first ? (last - first - 1) / step + 1 : 0;
    s->start[axis] = s->count[axis] ? first : 0;
    s->step[axis] = s->count[axis] > 1 ? step : 1;
    return FF_OK;
}

static int is_dots(const char *at, const char *end)
{
    at = skip_blanks(at, end);
    return end - at >= 3 && memcmp(at, "...", 3) == 0 && skip_blanks(at + 3, end) == end;
}

int ff_selection_parse(struct ff_selection *s, const char *text, size_t size,
                       int32_t ndim, const int64_t *shape, struct ff_error *e)
{
    const char *at = text, *end = text + size, *stop;
    int32_t items = 1, axis = 0, dots = 0;
    for (const char *p = text; p < end; p++) {
        items += *p == ',';
    }
    ff_selection_all(s, ndim, shape);
    for (int rc;; at = stop + 1) {
        struct item item;
        for (stop = at; stop < end && *stop != ','; stop++) {
        }
        if (is_dots(at, stop)) {
            if (dots++ || items > ndim + 1) {
                return bad(text, size, dots > 1 ? "'...' twice" : "too many axes", e);
            }
            axis += ndim - items + 1;
        } else if (!parse_item(at, stop, &item)) {
            return bad(text, size, "an integer, a slice, or '...' is wanted", e);
        } else if (axis >= ndim) {
            return bad(text, size, "the array has fewer axes", e);
        } else if ((rc = apply(s, axis, &item, shape[axis], e))) {
            return rc;
        } else {
            axis++;
        }
        if (stop == end) {
            return FF_OK;
        }
    }
}

int ff_selection_split(const char *path)
{
    size_t n = strlen(path);
    size_t at = n;
    if (n < 2 || path[n - 1] != ']') {
        return -1;
    }
    while (at > 0 && path[at - 1] != '[') {
        at--;
    }
    if (at == 0 || strpbrk(path + at, "'\"")) {
        return -1; /* a key in quotes */
    }
    return (int)(at - 1);
}

int ff_selection_slice_at(const char *text)
{
    int at = ff_selection_split(text);
    const char *inside = at < 0 ? NULL : text + at + 1;
    if (!inside || strspn(inside, "0123456789:,.- ]") != strlen(inside)) {
        return -1;
    }
    for (const char *p = inside; *p; p++) { /* a sign stands before its digits alone */
        if (*p == '-' && p > inside && !strchr(":, ", p[-1])) {
            return -1;
        }
    }
    return *inside == ']' ? -1 : at;
}
