/* SPDX-License-Identifier: Apache-2.0 */
/* views.c: which well-known class an object is of: one table, one check a class. The forms
 * are those that CPython 2.7 to 3.14 write (Objects/, Lib/ and Modules/: __reduce_ex__). */
#include "core/views.h"

#include <stdlib.h>
#include <string.h>

#include "core/doc.h"

static int kind_of_arg(const struct ff_form *f, size_t i)
{
    return ff_kind(ff_form_arg(f, i));
}

static bool arg_is_text(const struct ff_form *f, size_t i, const char **text,
                        size_t *size)
{
    struct ff_value v = ff_form_arg(f, i);
    return ff_kind(v) == FF_STR && ff_str(v, text, size, NULL) == FF_OK;
}

/* ---- numbers ---- */

static bool is_complex(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 2 && kind_of_arg(f, 0) == FF_FLOAT &&
           kind_of_arg(f, 1) == FF_FLOAT;
}

bool ff_view_complex(struct ff_value v, double *real, double *imaginary)
{
    struct ff_form f;
    return ff_view(v) == FF_VIEW_COMPLEX && ff_form_of(v, &f) &&
           ff_real(ff_form_arg(&f, 0), real, NULL) == FF_OK &&
           ff_real(ff_form_arg(&f, 1), imaginary, NULL) == FF_OK;
}

static bool is_zero(struct ff_value v)
{
    int64_t n;
    return ff_form_int(v, 0, 0, &n);
}

static bool is_range(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 3 && kind_of_arg(f, 0) == FF_INT &&
           kind_of_arg(f, 1) == FF_INT && kind_of_arg(f, 2) == FF_INT &&
           !is_zero(ff_form_arg(f, 2));
}

static bool is_slice(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 3;
}

static size_t skip_digits(const char *text, size_t at, size_t size)
{
    while (at < size && text[at] >= '0' && text[at] <= '9') {
        at++;
    }
    return at;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* What Decimal.__str__ gives: digits with a point and an exponent, Infinity, NaN, sNaN. */
static bool is_decimal_text(const char *text, size_t size)
{
    size_t at = size && (text[0] == '-' || text[0] == '+') ? 1 : 0, digits, from;
    if (is_word(text + at, size - at, "Infinity") ||
        is_word(text + at, size - at, "Inf")) {
        return true;
    }
    if (at < size && text[at] == 's') {
        at++;
    }
    if (size - at >= 3 && memcmp(text + at, "NaN", 3) == 0) {
        return skip_digits(text, at + 3, size) == size;
    }
    from = at;
    at = skip_digits(text, at, size);
    digits = at - from;
    if (at < size && text[at] == '.') {
        from = at + 1;
        at = skip_digits(text, from, size);
        digits += at - from;
    }
    if (digits == 0 || at == size) {
        return digits > 0;
    }
    if (text[at] != 'E' && text[at] != 'e') {
        return false;
    }
    at++;
    at += at < size && (text[at] == '-' || text[at] == '+') ? 1 : 0;
    return at < size && skip_digits(text, at, size) == size;
}

static bool is_decimal(const struct ff_form *f)
{
    const char *text;
    size_t size;
    return ff_form_is_call(f) && f->arg_count == 1 && arg_is_text(f, 0, &text, &size) &&
           is_decimal_text(text, size);
}

static bool is_fraction(const struct ff_form *f)
{
    const char *text;
    size_t size, at;
    uint8_t scratch[8];
    const uint8_t *bytes;
    if (!ff_form_is_call(f)) {
        return false;
    }
    if (f->arg_count == 2) {
        struct ff_value below = ff_form_arg(f, 1);
        return kind_of_arg(f, 0) == FF_INT && kind_of_arg(f, 1) == FF_INT &&
               !is_zero(below) &&
               ff_int_bytes(below, scratch, &bytes, &size, NULL) == FF_OK && size &&
               !(bytes[size - 1] & 0x80);
    }
    if (f->arg_count != 1 || !arg_is_text(f, 0, &text, &size)) {
        return false;
    }
    at = size && text[0] == '-' ? 1 : 0;
    if (skip_digits(text, at, size) == at) {
        return false;
    }
    at = skip_digits(text, at, size);
    return at == size || (text[at] == '/' && at + 1 < size && text[at + 1] != '0' &&
                          skip_digits(text, at + 1, size) == size);
}

/* The state is {"int": 128 bits} and, for uuid1, "is_safe". */
static bool parse_uuid(const struct ff_form *f, uint8_t out[16])
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    struct ff_value number = ff_get(f->state, "int");
    if (!f->instance || f->arg_count || f->list_items.doc || f->dict_items.doc ||
        ff_kind(f->state) != FF_DICT || ff_kind(number) != FF_INT ||
        (ff_length(f->state) > 1 && !ff_get(f->state, "is_safe").doc) ||
        ff_length(f->state) > 2 || ff_int_bytes(number, scratch, &bytes, &size, NULL) ||
        (size && (bytes[size - 1] & 0x80))) {
        return false;
    }
    memset(out, 0, 16);
    for (size_t i = 0; i < size; i++) {
        if (i >= 16 && bytes[i]) {
            return false;
        }
        if (i < 16) {
            out[15 - i] = bytes[i];
        }
    }
    return true;
}

static bool is_uuid(const struct ff_form *f)
{
    uint8_t bytes[16];
    return parse_uuid(f, bytes);
}

bool ff_view_uuid(struct ff_value v, uint8_t out[16])
{
    struct ff_form f;
    return ff_view(v) == FF_VIEW_UUID && ff_form_of(v, &f) && parse_uuid(&f, out);
}

/* ---- containers ---- */

static bool is_set(const struct ff_form *f)
{
    return ff_form_is_call(f) &&
           (f->arg_count == 0 || (f->arg_count == 1 && kind_of_arg(f, 0) == FF_LIST));
}

/* Python 2 gave the pairs as an argument. They are not looked at here: a view is to cost no
 * more than its object. */
static bool is_ordered_dict(const struct ff_form *f)
{
    return !f->instance && !f->list_items.doc &&
           (f->arg_count == 0 ||
            (f->arg_count == 1 && !f->dict_items.doc && kind_of_arg(f, 0) == FF_LIST));
}

static bool is_default_dict(const struct ff_form *f)
{
    return !f->instance && f->arg_count <= 1 && !f->list_items.doc;
}

static bool is_counter(const struct ff_form *f)
{
    return !f->instance && !f->list_items.doc && !f->dict_items.doc &&
           (f->arg_count == 0 || (f->arg_count == 1 && kind_of_arg(f, 0) == FF_DICT));
}

/* Python 2 gave the items as an argument: at most one of both has any. */
static bool is_deque(const struct ff_form *f)
{
    int kind = kind_of_arg(f, 0);
    int64_t maxlen;
    return !f->instance && !f->dict_items.doc && f->arg_count <= 2 &&
           (f->arg_count == 0 || kind == FF_TUPLE || kind == FF_LIST) &&
           (!f->list_items.doc || ff_length(ff_form_arg(f, 0)) == 0) &&
           (f->arg_count < 2 || kind_of_arg(f, 1) == FF_NONE ||
            ff_form_int(ff_form_arg(f, 1), 0, INT64_MAX, &maxlen));
}

bool ff_view_items(struct ff_value v, struct ff_value *items)
{
    struct ff_form f;
    int view = ff_view(v);
    if (!ff_form_of(v, &f)) {
        return false;
    }
    switch (view) {
    case FF_VIEW_SET:
    case FF_VIEW_COUNTER:
        *items = ff_form_arg(&f, 0);
        return true;
    case FF_VIEW_DEFAULT_DICT:
        *items = f.dict_items;
        return true;
    case FF_VIEW_ORDERED_DICT:
        *items = f.arg_count ? ff_form_arg(&f, 0) : f.dict_items;
        return true;
    case FF_VIEW_DEQUE:
        *items = f.list_items.doc ? f.list_items : ff_form_arg(&f, 0);
        return true;
    default:
        return false;
    }
}

/* ---- others ---- */

static bool is_path(const struct ff_form *f)
{
    for (size_t i = 0; i < f->arg_count; i++) {
        if (kind_of_arg(f, i) != FF_STR) {
            return false;
        }
    }
    return ff_form_is_call(f) && f->arg_count > 0;
}

/* A tuple of protocols 0 and 1 that is of a class of its own. */
static bool is_reconstructed_tuple(const struct ff_form *f)
{
    return f->arg_count == 3 && kind_of_arg(f, 0) == FF_GLOBAL &&
           ff_form_is_global(ff_form_arg(f, 1), "builtins.tuple") &&
           kind_of_arg(f, 2) == FF_TUPLE;
}

static bool is_enum(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 1 &&
           (kind_of_arg(f, 0) == FF_INT || kind_of_arg(f, 0) == FF_STR);
}

static bool is_exception(const struct ff_form *f)
{
    return !f->instance && !f->list_items.doc && !f->dict_items.doc &&
           (!f->state.doc || ff_kind(f->state) == FF_DICT ||
            ff_kind(f->state) == FF_NONE);
}

struct row {
    const char *name;
    int view;
    bool (*fits)(const struct ff_form *);
};

/* Sorted by name, bytewise. */
static const struct row rows[] = {
    {"_codecs.encode", FF_VIEW_BYTES, ff_form_is_encode},
    {"array._array_reconstructor", FF_VIEW_ARRAY, ff_form_is_array},
    {"array.array", FF_VIEW_ARRAY, ff_form_is_array},
    {"builtins.bytearray", FF_VIEW_BYTES, ff_form_is_bytearray},
    {"builtins.bytes", FF_VIEW_BYTES, ff_form_is_empty},
    {"builtins.complex", FF_VIEW_COMPLEX, is_complex},
    {"builtins.frozenset", FF_VIEW_SET, is_set},
    {"builtins.range", FF_VIEW_RANGE, is_range},
    {"builtins.set", FF_VIEW_SET, is_set},
    {"builtins.slice", FF_VIEW_SLICE, is_slice},
    {"collections.Counter", FF_VIEW_COUNTER, is_counter},
    {"collections.OrderedDict", FF_VIEW_ORDERED_DICT, is_ordered_dict},
    {"collections.defaultdict", FF_VIEW_DEFAULT_DICT, is_default_dict},
    {"collections.deque", FF_VIEW_DEQUE, is_deque},
    {"copyreg._reconstructor", FF_VIEW_NAMEDTUPLE, is_reconstructed_tuple},
    {"datetime.date", FF_VIEW_DATE, ff_form_is_date},
    {"datetime.datetime", FF_VIEW_DATETIME, ff_form_is_datetime},
    {"datetime.time", FF_VIEW_TIME, ff_form_is_time},
    {"datetime.timedelta", FF_VIEW_TIMEDELTA, ff_form_is_timedelta},
    {"datetime.timezone", FF_VIEW_TIMEZONE, ff_form_is_timezone},
    {"decimal.Decimal", FF_VIEW_DECIMAL, is_decimal},
    {"fractions.Fraction", FF_VIEW_FRACTION, is_fraction},
    {"http.HTTPStatus", FF_VIEW_ENUM, is_enum},
    {"numpy._core._multiarray_umath._reconstruct", FF_VIEW_NDARRAY, ff_form_is_ndarray},
    {"numpy._core._multiarray_umath.scalar", FF_VIEW_SCALAR, ff_form_is_scalar},
    {"numpy._core.multiarray._reconstruct", FF_VIEW_NDARRAY, ff_form_is_ndarray},
    {"numpy._core.multiarray.scalar", FF_VIEW_SCALAR, ff_form_is_scalar},
    {"numpy._core.numeric._frombuffer", FF_VIEW_NDARRAY, ff_form_is_ndarray},
    {"numpy.core._multiarray_umath._reconstruct", FF_VIEW_NDARRAY, ff_form_is_ndarray},
    {"numpy.core._multiarray_umath.scalar", FF_VIEW_SCALAR, ff_form_is_scalar},
    {"numpy.core.multiarray._reconstruct", FF_VIEW_NDARRAY, ff_form_is_ndarray},
    {"numpy.core.multiarray.scalar", FF_VIEW_SCALAR, ff_form_is_scalar},
    {"numpy.core.numeric._frombuffer", FF_VIEW_NDARRAY, ff_form_is_ndarray},
    {"numpy.dtype", FF_VIEW_DTYPE, ff_form_is_dtype},
    {"pandas.DataFrame", FF_VIEW_DATAFRAME, ff_form_is_frame},
    {"pandas.Series", FF_VIEW_SERIES, ff_form_is_series},
    {"pandas.core.frame.DataFrame", FF_VIEW_DATAFRAME, ff_form_is_frame},
    {"pandas.core.indexes.base._new_Index", FF_VIEW_INDEX, ff_form_is_index},
    {"pandas.core.indexes.datetimes._new_DatetimeIndex", FF_VIEW_INDEX, ff_form_is_index},
    {"pandas.core.series.Series", FF_VIEW_SERIES, ff_form_is_series},
    {"pathlib.PosixPath", FF_VIEW_PATH, is_path},
    {"pathlib.PurePosixPath", FF_VIEW_PATH, is_path},
    {"pathlib.PureWindowsPath", FF_VIEW_PATH, is_path},
    {"pathlib.WindowsPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.PosixPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.PurePosixPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.PureWindowsPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.WindowsPath", FF_VIEW_PATH, is_path},
    {"pytz.FixedOffset", FF_VIEW_ZONE, ff_form_is_zone},
    {"pytz._UTC", FF_VIEW_ZONE, ff_form_is_zone},
    {"pytz._p", FF_VIEW_ZONE, ff_form_is_zone},
    {"re.RegexFlag", FF_VIEW_ENUM, is_enum},
    {"signal.Signals", FF_VIEW_ENUM, is_enum},
    {"socket.AddressFamily", FF_VIEW_ENUM, is_enum},
    {"socket.SocketKind", FF_VIEW_ENUM, is_enum},
    {"uuid.SafeUUID", FF_VIEW_ENUM, is_enum},
    {"uuid.UUID", FF_VIEW_UUID, is_uuid},
};

/* The classes of builtins that are exceptions and do not end in Error, Warning or Group. */
static bool is_exception_name(const char *name)
{
    static const char *const others[] = {
        "BaseException", "Exception",          "GeneratorExit", "KeyboardInterrupt",
        "StopIteration", "StopAsyncIteration", "SystemExit"};
    static const char *const ends[] = {"Error", "Warning", "ExceptionGroup"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(name, others[i]) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t end = strlen(ends[i]);
        if (length >= end && strcmp(name + length - end, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int compare(const void *name, const void *row)
{
    return strcmp(name, ((const struct row *)row)->name);
}

/* ---- classes that only their own code knows ---- */

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* "module.Class": classes have capitals; functions and what a library hides have none. */
static bool looks_like_class(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot && is_capital(dot[1]);
}

/* getattr(class, "NAME"): a class within a class would not be written all in capitals. */
static bool is_named_member(const struct ff_form *f)
{
    const char *name, *module, *class_name;
    size_t size;
    bool capitals = arg_is_text(f, 1, &name, &size) && size > 1 && is_capital(*name);
    for (size_t i = 0; i < size && capitals; i++) {
        capitals =
            is_capital(name[i]) || name[i] == '_' || (name[i] >= '0' && name[i] <= '9');
    }
    return capitals && ff_form_is_call(f) && f->arg_count == 2 &&
           ff_global(ff_form_arg(f, 0), &module, &class_name, NULL) == FF_OK &&
           is_capital(*class_name);
}

/* What cloudpickle makes is code, and never looked into. */
static int view_of_stranger(const struct ff_form *f)
{
    if (strncmp(f->name, "cloudpickle.", 12) == 0) {
        return FF_VIEW_NONE;
    }
    if (strcmp(f->name, "builtins.getattr") == 0) {
        return is_named_member(f) ? FF_VIEW_ENUM : FF_VIEW_NONE;
    }
    if (!looks_like_class(f->name) || strncmp(f->name, "builtins.", 9) == 0 ||
        strncmp(f->name, "ipaddress.", 10) == 0) {
        return FF_VIEW_NONE;
    }
    if (f->instance) {
        return f->arg_count && !f->state.doc && !f->list_items.doc && !f->dict_items.doc
                   ? FF_VIEW_NAMEDTUPLE
                   : FF_VIEW_NONE;
    }
    return is_enum(f) ? FF_VIEW_ENUM : FF_VIEW_NONE;
}

int ff_view(struct ff_value v)
{
    struct ff_form f;
    const struct row *row;
    if (ff_tag(v.cell) == FF_TAG_ARRAY) {
        return FF_VIEW_NDARRAY;
    }
    if (!ff_form_of(v, &f)) {
        return ff_form_zone_key(v).doc ? FF_VIEW_ZONE : FF_VIEW_NONE;
    }
    row = bsearch(f.name, rows, sizeof rows / sizeof *rows, sizeof *rows, compare);
    if (row && row->fits(&f)) {
        return row->view;
    }
    if (row) {
        return row->view == FF_VIEW_NDARRAY && ff_form_is_objects(&f)
                   ? FF_VIEW_OBJECT_ARRAY
                   : FF_VIEW_NONE;
    }
    if (strncmp(f.name, "builtins.", 9) == 0 && is_exception_name(f.name + 9) &&
        is_exception(&f)) {
        return FF_VIEW_EXCEPTION;
    }
    return view_of_stranger(&f);
}
