/* SPDX-License-Identifier: Apache-2.0 */
/* views.c: which well-known class an object is of: one table, one check a class. The forms
 * are those that CPython 2.7 to 3.14 write (Objects/, Lib/ and Modules/: __reduce_ex__). */
#include "core/views.h"

#include <stdlib.h>
#include <string.h>

#include "core/doc.h"

/* ---- taking an object apart ---- */

static struct ff_value cell_value(struct ff_value of, uint64_t cell)
{
    return cell ? ff_value_of(of.doc, cell) : FF_NOTHING;
}

static const char *global_name(struct ff_value v)
{
    const struct ff_global_text *text =
        ff_tag(v.cell) == FF_TAG_GLOBAL ? ff_global_text(v.doc, v.cell) : NULL;
    return text ? text->full : NULL;
}

bool ff_form_is_global(struct ff_value v, const char *full)
{
    const char *name = global_name(v);
    return name && strcmp(name, full) == 0;
}

struct ff_value ff_form_arg(const struct ff_form *f, size_t i)
{
    struct ff_value item = FF_NOTHING;
    if (i < f->arg_count) {
        (void)ff_item(f->args, f->skip + i, NULL, &item, NULL);
    }
    return item;
}

/* Protocols 0 and 1 make instances by functions of copyreg. */
static bool unwrap_copyreg(struct ff_form *f)
{
    bool newobj = strcmp(f->name, "copyreg.__newobj__") == 0;
    if (!newobj && strcmp(f->name, "copyreg._reconstructor") != 0) {
        return true;
    }
    if (!newobj && ff_form_is_global(ff_form_arg(f, 1), "builtins.tuple")) {
        return true; /* a tuple with a name: its own entry of the table */
    }
    if (!newobj && (f->arg_count != 3 || ff_kind(ff_form_arg(f, 2)) != FF_NONE ||
                    !ff_form_is_global(ff_form_arg(f, 1), "builtins.object"))) {
        return false;
    }
    f->name = global_name(ff_form_arg(f, 0));
    f->skip = newobj ? 1 : 3;
    f->arg_count -= f->name ? f->skip : 0;
    f->instance = true;
    return f->name != NULL;
}

bool ff_form_of(struct ff_value v, struct ff_form *f)
{
    const struct ff_object_node *o;
    if (ff_tag(v.cell) != FF_TAG_OBJECT) {
        return false;
    }
    o = ff_cell_node(v.cell);
    *f = (struct ff_form){.self = v, .args = cell_value(v, o->args)};
    f->name = global_name(cell_value(v, o->callable));
    if (!f->name || ff_tag(o->args) != FF_TAG_TUPLE ||
        (o->how != FF_HOW_REDUCE && o->how != FF_HOW_NEWOBJ)) {
        return false;
    }
    if (o->more) {
        if (o->more->kwargs || o->more->setter || o->more->outer_args ||
            o->more->first_step) {
            return false;
        }
        f->list_items = cell_value(v, o->more->list_items);
        f->dict_items = cell_value(v, o->more->dict_items);
    }
    f->arg_count = ff_length(f->args);
    f->state = cell_value(v, o->state);
    f->instance = o->how == FF_HOW_NEWOBJ;
    return f->instance || unwrap_copyreg(f);
}

bool ff_form_is_call(const struct ff_form *f)
{
    return !f->instance && !f->state.doc && !f->list_items.doc && !f->dict_items.doc;
}

bool ff_form_int(struct ff_value v, int64_t min, int64_t max, int64_t *out)
{
    return ff_kind(v) == FF_INT && ff_int64(v, out, NULL) == FF_OK && *out >= min &&
           *out <= max;
}

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

/* ---- bytes as protocols 0 to 2 have them ---- */

static bool latin1_name(struct ff_value v)
{
    const char *text;
    size_t size;
    return ff_kind(v) == FF_STR && ff_str(v, &text, &size, NULL) == FF_OK &&
           ((size == 6 && memcmp(text, "latin1", 6) == 0) ||
            (size == 7 && memcmp(text, "latin-1", 7) == 0));
}

/* A str of Latin-1 as bytes: as ff_view_payload. */
static size_t latin1_payload(struct ff_value v, uint8_t *out, size_t size)
{
    const char *text;
    size_t length, count = 0;
    if (ff_kind(v) != FF_STR || ff_str(v, &text, &length, NULL)) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < length; count++) {
        unsigned byte = (uint8_t)text[i++];
        if (byte >= 0x80) { /* two bytes of UTF-8, up to U+00FF */
            if (byte > 0xc3 || i == length) {
                return SIZE_MAX;
            }
            byte = (byte & 3) << 6 | ((uint8_t)text[i++] & 0x3fu);
        }
        if (count < size) {
            out[count] = (uint8_t)byte;
        }
    }
    return count;
}

static bool is_encode(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 2 && latin1_name(ff_form_arg(f, 1)) &&
           latin1_payload(ff_form_arg(f, 0), NULL, 0) != SIZE_MAX;
}

static bool is_empty_bytes(const struct ff_form *f)
{
    return ff_form_is_call(f) && f->arg_count == 0;
}

/* Never bytearray(int): that is a size, and no bytes. */
static bool is_bytearray(const struct ff_form *f)
{
    if (!ff_form_is_call(f)) {
        return false;
    }
    if (f->arg_count == 2) {
        return latin1_name(ff_form_arg(f, 1)) &&
               latin1_payload(ff_form_arg(f, 0), NULL, 0) != SIZE_MAX;
    }
    return f->arg_count == 0 || (f->arg_count == 1 && kind_of_arg(f, 0) != FF_STR &&
                                 ff_view_payload(ff_form_arg(f, 0), NULL, 0) != SIZE_MAX);
}

size_t ff_view_payload(struct ff_value v, uint8_t *out, size_t size)
{
    const void *data;
    size_t length;
    struct ff_form f;
    int kind = ff_kind(v);
    if (kind == FF_BYTES || kind == FF_BYTEARRAY) {
        if (ff_bytes(v, &data, &length, NULL)) {
            return SIZE_MAX;
        }
        if (size) {
            memcpy(out, data, length < size ? length : size);
        }
        return length;
    }
    if (kind == FF_STR) {
        return latin1_payload(v, out, size);
    }
    if (!ff_form_of(v, &f)) {
        return SIZE_MAX;
    }
    if (strcmp(f.name, "_codecs.encode") == 0 && is_encode(&f)) {
        return latin1_payload(ff_form_arg(&f, 0), out, size);
    }
    return strcmp(f.name, "builtins.bytes") == 0 && is_empty_bytes(&f) ? 0 : SIZE_MAX;
}

int ff_view_bytes(struct ff_value v, struct ff_buf *out, bool *bytearray)
{
    struct ff_form f;
    size_t size;
    int rc;
    if (ff_view(v) != FF_VIEW_BYTES || !ff_form_of(v, &f)) {
        return 1;
    }
    *bytearray = strcmp(f.name, "builtins.bytearray") == 0;
    if (*bytearray) {
        if (f.arg_count == 0) {
            return 0;
        }
        v = ff_form_arg(&f, 0);
    }
    size = ff_view_payload(v, NULL, 0);
    rc = ff_buf_reserve(out, size);
    if (rc) {
        return rc;
    }
    (void)ff_view_payload(v, out->data + out->length_bytes, size);
    ff_buf_added(out, size);
    return 0;
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
static bool is_uuid(const struct ff_form *f)
{
    uint8_t scratch[8];
    const uint8_t *bytes;
    size_t size;
    struct ff_value number = ff_get(f->state, "int");
    if (!f->instance || f->arg_count || f->list_items.doc || f->dict_items.doc ||
        ff_kind(f->state) != FF_DICT || ff_kind(number) != FF_INT ||
        (ff_length(f->state) > 1 && !ff_get(f->state, "is_safe").doc) ||
        ff_length(f->state) > 2 || ff_int_bytes(number, scratch, &bytes, &size, NULL)) {
        return false;
    }
    for (size_t i = 16; i < size; i++) {
        if (bytes[i]) {
            return false;
        }
    }
    return size == 0 || size > 16 || !(bytes[size - 1] & 0x80);
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
static bool is_named_tuple(const struct ff_form *f)
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
    {"_codecs.encode", FF_VIEW_BYTES, is_encode},
    {"builtins.bytearray", FF_VIEW_BYTES, is_bytearray},
    {"builtins.bytes", FF_VIEW_BYTES, is_empty_bytes},
    {"builtins.complex", FF_VIEW_COMPLEX, is_complex},
    {"builtins.frozenset", FF_VIEW_SET, is_set},
    {"builtins.range", FF_VIEW_RANGE, is_range},
    {"builtins.set", FF_VIEW_SET, is_set},
    {"builtins.slice", FF_VIEW_SLICE, is_slice},
    {"collections.Counter", FF_VIEW_COUNTER, is_counter},
    {"collections.OrderedDict", FF_VIEW_ORDERED_DICT, is_ordered_dict},
    {"collections.defaultdict", FF_VIEW_DEFAULT_DICT, is_default_dict},
    {"collections.deque", FF_VIEW_DEQUE, is_deque},
    {"copyreg._reconstructor", FF_VIEW_NAMEDTUPLE, is_named_tuple},
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
    {"pathlib.PosixPath", FF_VIEW_PATH, is_path},
    {"pathlib.PurePosixPath", FF_VIEW_PATH, is_path},
    {"pathlib.PureWindowsPath", FF_VIEW_PATH, is_path},
    {"pathlib.WindowsPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.PosixPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.PurePosixPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.PureWindowsPath", FF_VIEW_PATH, is_path},
    {"pathlib._local.WindowsPath", FF_VIEW_PATH, is_path},
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

int ff_view(struct ff_value v)
{
    struct ff_form f;
    const struct row *row;
    if (ff_tag(v.cell) == FF_TAG_ARRAY) {
        return FF_VIEW_NDARRAY;
    }
    if (!ff_form_of(v, &f)) {
        return FF_VIEW_NONE;
    }
    row = bsearch(f.name, rows, sizeof rows / sizeof *rows, sizeof *rows, compare);
    if (row) {
        return row->fits(&f) ? row->view : FF_VIEW_NONE;
    }
    if (strncmp(f.name, "builtins.", 9) == 0 && is_exception_name(f.name + 9) &&
        is_exception(&f)) {
        return FF_VIEW_EXCEPTION;
    }
    return FF_VIEW_NONE;
}
