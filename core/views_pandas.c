/* SPDX-License-Identifier: Apache-2.0 */
/* views_pandas.c: DataFrame, Series and Index. Forms: __reduce__ and __getstate__ of pandas
 * 1.1 to 3.0: generic.py and internals/managers.py of pandas/core, indexes/base.py
 * (_new_Index), _libs/internals.pyx (_unpickle_block), _libs/arrays.pyx (NDArrayBacked). */
#include <string.h>

#include "core/doc.h"
#include "core/views.h"
#include "core/views_pandas.h"

static struct ff_value item(struct ff_value v, size_t i)
{
    struct ff_value found = FF_NOTHING;
    (void)ff_item(v, i, NULL, &found, NULL);
    return found;
}

static bool is_sequence(struct ff_value v)
{
    return ff_kind(v) == FF_LIST || ff_kind(v) == FF_TUPLE;
}

/* ---- an extension array that is a numpy array with a name ---- */

static bool has_elements(struct ff_value v)
{
    int view = ff_view(v);
    return view == FF_VIEW_NDARRAY || view == FF_VIEW_OBJECT_ARRAY;
}

/* __pyx_unpickle_NDArrayBacked(class, checksum, None) and the state (dtype, array, ...), in
 * either order. Of a Categorical the array holds codes, which are not its values. */
struct ff_value ff_pandas_elements(struct ff_value v)
{
    static const char *const classes[] = {
        "DatetimeArray", "TimedeltaArray",      "StringArray",
        "PandasArray",   "NumpyExtensionArray", "ArrowStringArrayNumpySemantics"};
    struct ff_form f;
    const char *module, *name;
    bool known = false;
    if (has_elements(v) || !ff_form_of(v, &f) ||
        strcmp(f.name, "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked") != 0 ||
        ff_global(ff_form_arg(&f, 0), &module, &name, NULL)) {
        return v;
    }
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        known = known || strcmp(name, classes[i]) == 0;
    }
    for (size_t i = 0;
         i < 2 && known && strncmp(module, "pandas.", 7) == 0 && is_sequence(f.state);
         i++) {
        if (has_elements(item(f.state, i))) {
            return item(f.state, i);
        }
    }
    return v;
}

static uint64_t element_count(struct ff_value v)
{
    int32_t ndim = 0;
    int64_t shape[FF_MAX_NDIM];
    struct ff_value items;
    struct ff_ndarray a;
    uint64_t count = 0;
    if (ff_view_objects(v, &ndim, shape, &items)) {
        return ndim == 1 ? (uint64_t)shape[0] : UINT64_MAX;
    }
    if (ff_tag(v.cell) == FF_TAG_ARRAY) {
        const struct ff_array *array = ff_array(v, NULL);
        return array->ndim == 1 ? (uint64_t)array->shape[0] : UINT64_MAX;
    }
    if (ff_view_ndarray(v, &a)) {
        return UINT64_MAX;
    }
    count = a.ndim == 1 ? (uint64_t)a.shape[0] : UINT64_MAX;
    ff_ndarray_clear(&a);
    return count;
}

/* ---- labels ---- */

static bool range_index(struct ff_value state, struct ff_labels *out)
{
    int64_t stop;
    const int64_t far = INT64_MAX / 4;
    if (!ff_form_int(ff_get(state, "start"), -far, far, &out->start) ||
        !ff_form_int(ff_get(state, "stop"), -far, far, &stop) ||
        !ff_form_int(ff_get(state, "step"), -far, far, &out->step) || out->step == 0) {
        return false;
    }
    int64_t way = out->step > 0 ? stop - out->start : out->start - stop;
    int64_t step = out->step > 0 ? out->step : -out->step;
    out->length = way > 0 ? (uint64_t)((way + step - 1) / step) : 0;
    return true;
}

/* _new_Index(class, {"data": ..., "name": ...}) or {"start", "stop", "step", "name"} */
static bool parse_index(const struct ff_form *f, struct ff_labels *out)
{
    struct ff_value state = ff_form_arg(f, 1), data = ff_get(state, "data");
    const char *module, *name;
    memset(out, 0, sizeof *out);
    if (!ff_form_is_call(f) || f->arg_count != 2 || ff_kind(state) != FF_DICT ||
        ff_global(ff_form_arg(f, 0), &module, &name, NULL) ||
        strncmp(module, "pandas", 6) != 0) {
        return false;
    }
    out->name = ff_get(state, "name");
    if (!data.doc) {
        return strcmp(name, "RangeIndex") == 0 && range_index(state, out);
    }
    out->labels = ff_pandas_elements(data);
    out->length = has_elements(out->labels) ? element_count(out->labels) : UINT64_MAX;
    return out->length != UINT64_MAX;
}

bool ff_form_is_index(const struct ff_form *f)
{
    struct ff_labels index;
    return parse_index(f, &index);
}

bool ff_view_index(struct ff_value v, struct ff_labels *out)
{
    struct ff_form f;
    return ff_view(v) == FF_VIEW_INDEX && ff_form_of(v, &f) && parse_index(&f, out);
}

/* ---- managers of blocks ---- */

/* The state ([axes], [values], [items], {"0.14.1": {"axes": [..], "blocks": [{"values",
 * "mgr_locs"}, ..]}}), or BlockManager((blocks), [axes]). */
static bool parse_manager(struct ff_value v, struct ff_pandas *p)
{
    struct ff_form f;
    struct ff_value all;
    if (!ff_form_of(v, &f) ||
        (strcmp(f.name, "pandas.core.internals.managers.BlockManager") != 0 &&
         strcmp(f.name, "pandas.core.internals.managers.SingleBlockManager") != 0)) {
        return false;
    }
    if (f.arg_count >= 2 && !f.state.doc) {
        p->blocks = ff_form_arg(&f, 0);
        p->axes = ff_form_arg(&f, 1);
    } else {
        all = ff_get(item(f.state, ff_length(f.state) - 1), "0.14.1");
        p->blocks = ff_get(all, "blocks");
        p->axes = ff_get(all, "axes");
    }
    return is_sequence(p->blocks) && is_sequence(p->axes);
}

static bool parse_pandas(const struct ff_form *f, size_t axes, struct ff_pandas *p)
{
    struct ff_value manager;
    if (!f->instance || f->arg_count || f->list_items.doc || f->dict_items.doc ||
        ff_kind(f->state) != FF_DICT) {
        return false;
    }
    manager = ff_get(f->state, "_mgr");
    manager = manager.doc ? manager : ff_get(f->state, "_data");
    return parse_manager(manager, p) && ff_length(p->axes) == axes;
}

bool ff_form_is_series(const struct ff_form *f)
{
    struct ff_pandas p;
    return parse_pandas(f, 1, &p) && ff_length(p.blocks) == 1;
}

bool ff_form_is_frame(const struct ff_form *f)
{
    struct ff_pandas p;
    return parse_pandas(f, 2, &p);
}

bool ff_view_pandas(struct ff_value v, struct ff_pandas *out)
{
    struct ff_form f;
    out->view = ff_view(v);
    return (out->view == FF_VIEW_SERIES || out->view == FF_VIEW_DATAFRAME) &&
           ff_form_of(v, &f) &&
           parse_pandas(&f, out->view == FF_VIEW_SERIES ? 1 : 2, out);
}

/* ---- where a column is ---- */

/* _unpickle_block(values, placement, ndim), or {"values": .., "mgr_locs": ..} */
static bool parse_block(struct ff_value block, struct ff_value *values,
                        struct ff_value *place)
{
    struct ff_form f;
    if (ff_kind(block) == FF_DICT) {
        *values = ff_get(block, "values");
        *place = ff_get(block, "mgr_locs");
    } else if (ff_form_of(block, &f) &&
               strcmp(f.name, "pandas._libs.internals._unpickle_block") == 0) {
        *values = ff_form_arg(&f, 0);
        *place = ff_form_arg(&f, 1);
    } else {
        return false;
    }
    if (ff_form_of(*place, &f) &&
        strcmp(f.name, "pandas._libs.internals.BlockPlacement") == 0) {
        *place = ff_form_arg(&f, 0);
    }
    return values->doc && place->doc;
}

/* Row of `column` in the block, or -1. */
static int64_t row_in_slice(struct ff_value place, int64_t column)
{
    int64_t start, stop, step;
    struct ff_form f;
    if (ff_view(place) != FF_VIEW_SLICE || !ff_form_of(place, &f) ||
        !ff_form_int(ff_form_arg(&f, 0), 0, INT32_MAX, &start) ||
        !ff_form_int(ff_form_arg(&f, 1), -1, INT32_MAX, &stop) ||
        !ff_form_int(ff_form_arg(&f, 2), INT32_MIN, INT32_MAX, &step) || step == 0) {
        return -1;
    }
    bool inside =
        step > 0 ? column >= start && column < stop : column <= start && column > stop;
    return inside && (column - start) % step == 0 ? (column - start) / step : -1;
}

static int64_t row_in_array(struct ff_value place, int64_t column)
{
    const struct ff_array *a = ff_array(place, NULL);
    if (!a || a->ndim != 1 || strcmp(a->descr, "<i8") != 0) {
        return -1;
    }
    for (int64_t i = 0; i < a->shape[0]; i++) {
        int64_t start[] = {i}, count[] = {1}, found = -1;
        struct ff_region one = {start, count, NULL};
        if (ff_array_read(a, &one, &found, NULL, NULL, NULL) == FF_OK &&
            found == column) {
            return i;
        }
    }
    return -1;
}

static int value_axes(struct ff_value v)
{
    int32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    struct ff_value items;
    const struct ff_array *a;
    if (ff_view_objects(v, &ndim, shape, &items)) {
        return ndim;
    }
    a = ff_array(v, NULL);
    return a ? a->ndim : 1;
}

bool ff_pandas_column(const struct ff_pandas *p, int64_t column, struct ff_value *values,
                      int64_t *row)
{
    for (size_t i = 0; i < ff_length(p->blocks); i++) {
        struct ff_value place;
        if (!parse_block(item(p->blocks, i), values, &place)) {
            continue;
        }
        *row = p->view == FF_VIEW_SERIES         ? 0
               : ff_view(place) == FF_VIEW_SLICE ? row_in_slice(place, column)
                                                 : row_in_array(place, column);
        if (*row >= 0) {
            *values = ff_pandas_elements(*values);
            *row = value_axes(*values) == 2 ? *row : -1;
            return true;
        }
    }
    return false;
}

/* Its number, or -1: labels that are str. */
int64_t ff_pandas_find(const struct ff_pandas *p, const char *name)
{
    struct ff_labels index;
    int32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    struct ff_value items;
    if (!ff_view_index(item(p->axes, 0), &index) ||
        !ff_view_objects(index.labels, &ndim, shape, &items)) {
        return -1;
    }
    for (size_t i = 0; i < ff_length(items); i++) {
        const char *text;
        size_t size;
        struct ff_value label = item(items, i);
        if (ff_kind(label) == FF_STR && ff_str(label, &text, &size, NULL) == FF_OK &&
            size == strlen(name) && memcmp(text, name, size) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}
