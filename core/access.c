/* SPDX-License-Identifier: Apache-2.0 */
/* access.c: the public accessors of the typed views: a view that is not there is an error. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/doc.h"
#include "core/views.h"
#include "core/views_pandas.h"

static const char *const view_names[] = {
    [FF_VIEW_NONE] = "object",
    [FF_VIEW_NDARRAY] = "numpy array",
    [FF_VIEW_SCALAR] = "numpy scalar",
    [FF_VIEW_DTYPE] = "numpy dtype",
    [FF_VIEW_COMPLEX] = "complex",
    [FF_VIEW_BYTES] = "bytes",
    [FF_VIEW_SET] = "set",
    [FF_VIEW_DATE] = "date",
    [FF_VIEW_TIME] = "time",
    [FF_VIEW_DATETIME] = "datetime",
    [FF_VIEW_TIMEDELTA] = "timedelta",
    [FF_VIEW_TIMEZONE] = "timezone",
    [FF_VIEW_DECIMAL] = "Decimal",
    [FF_VIEW_FRACTION] = "Fraction",
    [FF_VIEW_UUID] = "UUID",
    [FF_VIEW_RANGE] = "range",
    [FF_VIEW_SLICE] = "slice",
    [FF_VIEW_ORDERED_DICT] = "OrderedDict",
    [FF_VIEW_DEFAULT_DICT] = "defaultdict",
    [FF_VIEW_DEQUE] = "deque",
    [FF_VIEW_COUNTER] = "Counter",
    [FF_VIEW_PATH] = "path",
    [FF_VIEW_NAMEDTUPLE] = "namedtuple",
    [FF_VIEW_ENUM] = "enum member",
    [FF_VIEW_EXCEPTION] = "exception",
    [FF_VIEW_ARRAY] = "array.array",
    [FF_VIEW_OBJECT_ARRAY] = "numpy array of objects",
    [FF_VIEW_ZONE] = "time zone",
    [FF_VIEW_INDEX] = "pandas Index",
    [FF_VIEW_SERIES] = "pandas Series",
    [FF_VIEW_DATAFRAME] = "pandas DataFrame",
};

/* What it is instead. */
static int other(struct ff_value v, const char *wanted, struct ff_error *e)
{
    int view = ff_view(v);
    return ff_fail(e, FF_E_TYPE, NULL, "a %s is meant, not a %s%s%.200s", wanted,
                   view ? view_names[view] : ff_kind_name(ff_kind(v)),
                   ff_kind(v) == FF_OBJECT && !view ? " of " : "",
                   ff_kind(v) == FF_OBJECT && !view ? ff_class_name(v) : "");
}

static bool failed(const struct ff_error *e)
{
    return e && e->code;
}

static int answer(bool there, struct ff_value v, const char *wanted, struct ff_error *e)
{
    return failed(e) ? e->code : there ? FF_OK : other(v, wanted, e);
}

int ff_object_array(struct ff_value v, int32_t *ndim, int64_t *shape,
                    struct ff_value *items, struct ff_error *e)
{
    return answer(!failed(e) && ff_view_objects(v, ndim, shape, items), v,
                  "numpy array of objects", e);
}

int ff_complex(struct ff_value v, double *real, double *imaginary, struct ff_error *e)
{
    return answer(!failed(e) && ff_view_complex(v, real, imaginary), v, "complex", e);
}

int ff_copy_bytes(struct ff_value v, void *out, size_t size, size_t *size_bytes,
                  struct ff_error *e)
{
    struct ff_form f;
    struct ff_value bytes = v;
    size_t length = 0;
    if (failed(e)) {
        return e->code;
    }
    if (ff_kind(v) != FF_BYTES && ff_kind(v) != FF_BYTEARRAY &&
        ff_view(v) != FF_VIEW_BYTES) {
        return other(v, "bytes or bytearray", e);
    }
    if (ff_form_of(v, &f) && strcmp(f.name, "builtins.bytearray") == 0) {
        bytes = ff_form_arg(&f, 0); /* absent: bytearray() */
    }
    if (bytes.doc) {
        length = ff_view_payload(bytes, out, size);
    }
    if (size_bytes) {
        *size_bytes = length;
    }
    return FF_OK;
}

int ff_items(struct ff_value v, struct ff_value *items, struct ff_value *extra,
             struct ff_error *e)
{
    struct ff_form f;
    if (failed(e)) {
        return e->code;
    }
    *items = FF_NOTHING;
    if (extra) {
        *extra = FF_NOTHING;
    }
    if (!ff_view_items(v, items) || !ff_form_of(v, &f)) {
        return other(v, "set, deque or a dict of collections", e);
    }
    if (extra && ff_view(v) == FF_VIEW_DEFAULT_DICT) {
        *extra = ff_form_arg(&f, 0);
    } else if (extra && ff_view(v) == FF_VIEW_DEQUE) {
        *extra = ff_form_arg(&f, 1);
    }
    return FF_OK;
}

int ff_datetime(struct ff_value v, struct ff_datetime *out, struct ff_error *e)
{
    return answer(!failed(e) && ff_view_datetime(v, out), v, "date, time or datetime", e);
}

int ff_timedelta(struct ff_value v, struct ff_timedelta *out, struct ff_error *e)
{
    return answer(!failed(e) && ff_view_timedelta(v, out), v, "timedelta", e);
}

int ff_zone(struct ff_value v, struct ff_zone *out, struct ff_error *e)
{
    return answer(!failed(e) && ff_view_zone(v, out), v, "time zone", e);
}

int ff_decimal(struct ff_value v, const char **text, size_t *size_bytes,
               struct ff_error *e)
{
    struct ff_form f;
    return answer(!failed(e) && ff_view(v) == FF_VIEW_DECIMAL && ff_form_of(v, &f) &&
                      ff_str(ff_form_arg(&f, 0), text, size_bytes, NULL) == FF_OK,
                  v, "Decimal", e);
}

/* Digits up to `end`, which a sign may come before. */
static bool parse_int64(const char *text, const char *end, int64_t *out)
{
    bool negative = text < end && *text == '-';
    *out = 0;
    for (text += negative; text < end; text++) {
        if (__builtin_mul_overflow(*out, 10, out) ||
            __builtin_sub_overflow(*out, *text - '0', out)) {
            return false;
        }
    }
    return negative || !__builtin_sub_overflow(0, *out, out);
}

static bool parse_fraction(const struct ff_form *f, int64_t *numerator,
                           int64_t *denominator)
{
    const char *text, *slash;
    size_t size;
    if (f->arg_count == 2) {
        return ff_int64(ff_form_arg(f, 0), numerator, NULL) == FF_OK &&
               ff_int64(ff_form_arg(f, 1), denominator, NULL) == FF_OK;
    }
    (void)ff_str(ff_form_arg(f, 0), &text, &size, NULL);
    slash = memchr(text, '/', size);
    *denominator = 1;
    return parse_int64(text, slash ? slash : text + size, numerator) &&
           (!slash || parse_int64(slash + 1, text + size, denominator));
}

int ff_fraction(struct ff_value v, int64_t *numerator, int64_t *denominator,
                struct ff_error *e)
{
    struct ff_form f;
    if (failed(e)) {
        return e->code;
    }
    if (ff_view(v) != FF_VIEW_FRACTION || !ff_form_of(v, &f)) {
        return other(v, "Fraction", e);
    }
    return parse_fraction(&f, numerator, denominator)
               ? FF_OK
               : ff_fail(e, FF_E_TYPE, NULL, "the Fraction does not fit into 64 bits");
}

int ff_uuid(struct ff_value v, uint8_t out[16], struct ff_error *e)
{
    return answer(!failed(e) && ff_view_uuid(v, out), v, "UUID", e);
}

int ff_bounds(struct ff_value v, struct ff_value *start, struct ff_value *stop,
              struct ff_value *step, struct ff_error *e)
{
    struct ff_form f;
    if (failed(e)) {
        return e->code;
    }
    if ((ff_view(v) != FF_VIEW_RANGE && ff_view(v) != FF_VIEW_SLICE) ||
        !ff_form_of(v, &f)) {
        return other(v, "range or slice", e);
    }
    *start = ff_form_arg(&f, 0);
    *stop = ff_form_arg(&f, 1);
    *step = ff_form_arg(&f, 2);
    return FF_OK;
}

int ff_text(struct ff_value v, char *out, size_t size, size_t *size_bytes,
            struct ff_error *e)
{
    struct ff_buf text;
    int rc;
    if (failed(e)) {
        return e->code;
    }
    ff_buf_init(&text, SIZE_MAX / 2);
    rc = ff_view_text(v, &text);
    if (rc == 0 && size) {
        size_t taken = text.length_bytes < size ? text.length_bytes : size - 1;
        if (taken) {
            memcpy(out, text.data, taken);
        }
        out[taken] = 0;
    }
    if (rc == 0 && size_bytes) {
        *size_bytes = text.length_bytes;
    }
    ff_buf_free(&text);
    return rc == 0  ? FF_OK
           : rc < 0 ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory")
                    : other(v, "value with a text", e);
}

/* The class of an enum's member, and its value or name. */
static struct ff_value member_of(const struct ff_form *f, struct ff_value *content)
{
    bool named = strcmp(f->name, "builtins.getattr") == 0;
    *content = ff_form_arg(f, named ? 1 : 0);
    return named ? ff_form_arg(f, 0) : ff_part(f->self, FF_PART_CALLABLE);
}

int ff_made_of(struct ff_value v, struct ff_value *class_of, struct ff_value *content,
               struct ff_error *e)
{
    struct ff_form f;
    int view = ff_view(v);
    if (failed(e)) {
        return e->code;
    }
    if (!ff_form_of(v, &f) || (view != FF_VIEW_NAMEDTUPLE && view != FF_VIEW_ENUM &&
                               view != FF_VIEW_EXCEPTION)) {
        return other(v, "namedtuple, enum member or exception", e);
    }
    if (view == FF_VIEW_ENUM) {
        *class_of = member_of(&f, content);
    } else if (strcmp(f.name, "copyreg._reconstructor") == 0) {
        *class_of = ff_form_arg(&f, 0);
        *content = ff_form_arg(&f, 2);
    } else {
        *class_of = ff_part(v, FF_PART_CALLABLE);
        *content = f.args;
    }
    return FF_OK;
}

/* ---- pandas ---- */

int ff_labels(struct ff_value v, struct ff_labels *out, struct ff_error *e)
{
    return answer(!failed(e) && ff_view_index(v, out), v, "pandas Index", e);
}

int ff_axis(struct ff_value v, int axis, struct ff_value *index, struct ff_error *e)
{
    struct ff_pandas p;
    size_t axes;
    if (failed(e)) {
        return e->code;
    }
    if (!ff_view_pandas(v, &p)) {
        return other(v, "pandas DataFrame or Series", e);
    }
    axes = ff_length(p.axes);
    if (axis < 0 || (size_t)axis >= axes) {
        return ff_fail(e, FF_E_USAGE, NULL, "there is no axis %d", axis);
    }
    return ff_item(p.axes, axes - 1 - (size_t)axis, NULL, index, e);
}

int ff_column_values(struct ff_value v, const char *name, struct ff_value *values,
                     int64_t *row, struct ff_error *e)
{
    struct ff_pandas p;
    int64_t column = 0;
    if (failed(e)) {
        return e->code;
    }
    if (!ff_view_pandas(v, &p)) {
        return other(v, "pandas DataFrame or Series", e);
    }
    if ((p.view == FF_VIEW_DATAFRAME) != (name != NULL)) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "a DataFrame's column has a name, a Series none");
    }
    column = name ? ff_pandas_find(&p, name) : 0;
    if (column < 0) {
        return ff_fail(e, FF_E_NOT_FOUND, NULL, "there is no column %.200s", name);
    }
    return ff_pandas_column(&p, column, values, row)
               ? FF_OK
               : ff_fail(e, FF_E_TYPE, NULL, "the blocks of the %s are not understood",
                         view_names[p.view]);
}

static void release_doc(void *doc)
{
    ff_doc_free(doc);
}

/* Row `row` of the array, or (-1) all of it. Its memory is the document's where its bytes
 * stand there as they are, else a copy. */
static struct ff_array *array_of_row(struct ff_value values, const struct ff_ndarray *a,
                                     int64_t row, struct ff_error *e)
{
    const struct ff_array *whole = ff_view_array(values, e);
    int32_t first = row < 0 ? 0 : 1;
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .chunking = FF_CHUNK_NONE,
                                .ndim = a->ndim - first,
                                .shape = a->shape + first,
                                .strides = a->strides + first};
    int64_t offset = row < 0 ? 0 : row * a->strides[0];
    if (!whole) {
        return NULL;
    }
    if (row >= 0 && row >= a->shape[0]) {
        (void)ff_fail(e, FF_E_TYPE, NULL, "the column is not in its block");
        return NULL;
    }
    p.descr = whole->descr;
    if (a->bytes) {
        p.data = a->bytes + offset;
        p.ctx = ff_doc_ref(ff_doc_mutable(values.doc));
        p.release = release_doc;
        return ff_array_new(&p, e);
    }
    uint8_t *copy = ff_malloc((size_t)a->size_bytes + 1);
    if (!copy) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    ff_ndarray_bytes(a, copy, (size_t)a->size_bytes);
    p.data = copy + offset;
    p.ctx = copy;
    p.release = ff_free;
    return ff_array_new(&p, e);
}

struct ff_array *ff_column(struct ff_value v, const char *name, struct ff_error *e)
{
    struct ff_value values;
    struct ff_ndarray a;
    struct ff_array *made = NULL;
    int64_t row;
    int rc;
    if (ff_column_values(v, name, &values, &row, e)) {
        return NULL;
    }
    if (ff_tag(values.cell) == FF_TAG_ARRAY && row < 0) {
        return ff_array_ref(ff_array(values, e));
    }
    rc = ff_view_ndarray(values, &a);
    if (rc) {
        (void)ff_fail(e, rc < 0 ? FF_E_NO_MEMORY : FF_E_TYPE, NULL,
                      rc < 0 ? "out of memory" : "the column is a %s, not an array",
                      ff_view(values) ? view_names[ff_view(values)]
                                      : ff_class_name(values));
        return NULL;
    }
    made = array_of_row(values, &a, row, e);
    ff_ndarray_clear(&a);
    return made;
}
