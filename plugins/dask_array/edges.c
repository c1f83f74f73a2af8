/* SPDX-License-Identifier: Apache-2.0 */
/* edges.c: the chunks of an irregular grid as text, as zarr's rectilinear grid has them:
 * [[3,2,[4,2]],[5]] is 3, 2, 4, 4 on the first axis and 5 on the second.
 */
#include "hdf.h"

#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/checked.h"

enum { TEXT_MAX = 16 << 20, EDGES_MAX = 1 << 24 };

static bool axis_is_regular(const struct ff_array *a, int axis)
{
    const int64_t *edges = a->edges[axis];
    int64_t count = a->edge_count[axis];

    for (int64_t i = 0; i + 1 < count; i++) {
        if (edges[i] != a->chunk[axis]) {
            return false;
        }
    }
    return true;
}

static int print_axis(const int64_t *edges, int64_t count, struct ff_buf *text)
{
    int rc = ff_buf_append_byte(text, '[');

    for (int64_t i = 0, run; rc == 0 && i < count; i += run) {
        run = 1;
        while (i + run < count && edges[i + run] == edges[i]) {
            run++;
        }
        rc = ff_buf_printf(text, run > 1 ? "%s[%lld,%lld]" : "%s%lld", i ? "," : "",
                           (long long)edges[i], (long long)run);
    }
    return rc ? rc : ff_buf_append_byte(text, ']');
}

int hdf_edges_print(const struct ff_array *a, char **text, struct ff_error *e)
{
    struct ff_buf buf;
    bool regular = true;
    int rc;

    *text = NULL;
    for (int i = 0; a->edges && i < a->ndim; i++) {
        regular = regular && axis_is_regular(a, i);
    }
    if (regular) {
        return FF_OK;
    }
    ff_buf_init(&buf, TEXT_MAX);
    rc = ff_buf_append_byte(&buf, '[');
    for (int i = 0; rc == 0 && i < a->ndim; i++) {
        rc = i ? ff_buf_append_byte(&buf, ',') : 0;
        rc = rc ? rc : print_axis(a->edges[i], a->edge_count[i], &buf);
    }
    rc = rc ? rc : ff_buf_append(&buf, "]", 2);
    if (rc == 0) {
        *text = (char *)ff_buf_steal(&buf, NULL);
    }
    ff_buf_free(&buf);
    return rc ? ff_fail(e, FF_E_LIMIT, NULL,
                        "more than %d bytes of irregular chunk sizes", TEXT_MAX)
              : FF_OK;
}

/* What comes next; moves on when it is `c`. */
static bool accept(const char **text, char c)
{
    bool there = **text == c;

    *text += there;
    return there;
}

static bool number(const char **text, int64_t *out)
{
    int64_t value = 0;
    const char *start = *text;

    while (**text >= '0' && **text <= '9') {
        if (!ff_mul_i64(value, 10, &value) || !ff_add_i64(value, **text - '0', &value)) {
            return false;
        }
        *text += 1;
    }
    *out = value;
    return *text != start;
}

static bool one_run(const char **text, int64_t *edge, int64_t *run)
{
    *run = 1;
    if (!accept(text, '[')) {
        return number(text, edge);
    }
    return number(text, edge) && accept(text, ',') && number(text, run) &&
           accept(text, ']');
}

/* Into `edges` when it is not NULL. */
static bool parse_axis(const char **text, int64_t length, int64_t *count, int64_t *edges)
{
    int64_t sum = 0, edge, run;

    *count = 0;
    if (!accept(text, '[')) {
        return false;
    }
    if (accept(text, ']')) {
        return length == 0;
    }
    do {
        if (!one_run(text, &edge, &run) || run > EDGES_MAX - *count) {
            return false;
        }
        for (int64_t i = 0; i < run; i++) {
            if (!ff_add_i64(sum, edge, &sum)) {
                return false;
            }
            if (edges) {
                edges[*count] = edge;
            }
            *count += 1;
        }
    } while (accept(text, ','));
    return accept(text, ']') && sum == length;
}

static bool parse_all(const char *text, uint32_t ndim, const int64_t *shape,
                      int64_t *count, int64_t *edges)
{
    bool ok = accept(&text, '[');

    for (uint32_t i = 0; ok && i < ndim; i++) {
        ok = (i == 0 || accept(&text, ',')) &&
             parse_axis(&text, shape[i], &count[i], edges);
        edges = edges ? edges + count[i] : NULL;
    }
    return ok && accept(&text, ']') && *text == '\0';
}

bool hdf_edges_parse(const char *text, uint32_t ndim, const int64_t *shape,
                     int64_t *count, int64_t **edges)
{
    uint64_t total = 0;

    *edges = NULL;
    if (!parse_all(text, ndim, shape, count, NULL)) {
        return false;
    }
    for (uint32_t i = 0; i < ndim; i++) {
        total += (uint64_t)count[i];
    }
    *edges = ff_realloc_array(NULL, (size_t)total, sizeof **edges);
    return *edges && parse_all(text, ndim, shape, count, *edges);
}
