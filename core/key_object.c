/* SPDX-License-Identifier: Apache-2.0 */
/* key_object.c: containers by their parts, objects that Python compares by value by it, and
 * all others by identity. */
#include "core/key_object.h"

#include <string.h>

#include "core/views.h"

/* Objects that are equal when what they are called with is: also those whose arguments are
 * none that Python writes, and so no view. */
static const char *const by_arguments[] = {
    "_codecs.encode",
    "builtins.bytes",
    "builtins.complex",
    "builtins.range",
    "builtins.slice",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "ipaddress.IPv4Address",
    "ipaddress.IPv6Address",
    "pytz.FixedOffset",
    "pytz._UTC",
    "pytz._p",
};

/* bytes([1]), as Python 3.0 wrote it, is a key; its argument is none. */
static bool have_keys_only(const struct ff_seq *args)
{
    for (size_t i = 0; i < args->count; i++) {
        unsigned tag = ff_tag(args->cells[i]);
        if (tag == FF_TAG_BYTEARRAY || (tag >= FF_TAG_LIST && tag <= FF_TAG_FROZENSET)) {
            return false;
        }
    }
    return true;
}

static int by_its_arguments(const struct ff_form *f, struct ff_key_form *form)
{
    const struct ff_seq *args = ff_cell_node(f->args.cell);
    if (!have_keys_only(args)) {
        return FF_KEY_NO_FORM;
    }
    for (size_t i = 0; i < sizeof by_arguments / sizeof *by_arguments; i++) {
        if (ff_form_is_call(f) && strcmp(f->name, by_arguments[i]) == 0) {
            *form = (struct ff_key_form){
                .name = by_arguments[i], .cells = args->cells, .count = args->count};
            return FF_KEY_PARTS;
        }
    }
    return FF_KEY_NO_FORM;
}

/* ---- the views that have a value ---- */

/* A bytearray is no key, and in comparisons it equals bytes. */
static int key_of_bytes(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    bool is_bytearray;
    ff_buf_clear(&k->bytes);
    int rc = ff_view_bytes(v, &k->bytes, &is_bytearray);
    if (rc) {
        return rc < 0 ? FF_KEY_NO_MEMORY : FF_KEY_NO_FORM;
    }
    if (is_bytearray && !k->unhashable_too) {
        return FF_KEY_UNHASHABLE;
    }
    ff_key_hash(k, 'b', k->bytes.data, k->bytes.length_bytes, &form->id);
    return FF_KEY_ID;
}

static int key_of_set(const struct ff_keys *k, const struct ff_form *f,
                      struct ff_key_form *form)
{
    bool frozen = strcmp(f->name, "builtins.frozenset") == 0;
    struct ff_value items = ff_form_arg(f, 0);
    if (!frozen && !k->unhashable_too) {
        return FF_KEY_UNHASHABLE;
    }
    *form = (struct ff_key_form){.name = "", .unordered = true};
    if (items.doc) {
        const struct ff_seq *seq = ff_cell_node(items.cell);
        form->cells = seq->cells;
        form->count = seq->count;
    }
    return FF_KEY_PARTS;
}

static int key_of_uuid(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    uint8_t bytes[16];
    if (!ff_view_uuid(v, bytes)) {
        return FF_KEY_NO_FORM;
    }
    ff_key_hash(k, 'u', bytes, sizeof bytes, &form->id);
    return FF_KEY_ID;
}

/* "c:", or "c:a": in the directory where that drive is. Python 3.12 and older give the drive
 * as an argument of its own. */
static bool is_of_drive(const struct ff_form *f)
{
    const char *text;
    size_t size;
    return ff_str(ff_form_arg(f, 0), &text, &size, NULL) == FF_OK && size >= 2 &&
           text[1] == ':' && (size == 2 || (text[2] != '\\' && text[2] != '/'));
}

/* Paths of Windows have two separators and no case: of ASCII here. */
static void fold_windows(uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        text[i] = text[i] == '/' ? '\\' : text[i];
        text[i] = (uint8_t)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
    }
}

/* The parts from `at` on, each with the separator behind it, without those that are ".". There
 * is room for one byte more. The new size. */
static size_t tidy_parts(uint8_t *text, size_t size, size_t at, size_t kept,
                         uint8_t separator)
{
    for (size_t end; at < size; at = end + 1) {
        for (end = at; end < size && text[end] != separator; end++) {
        }
        if (end > at && !(end == at + 1 && text[at] == '.')) {
            memmove(text + kept, text + at, end - at);
            kept += end - at;
            text[kept++] = separator;
        }
    }
    return kept;
}

/* PosixPath("a") equals PurePosixPath("a"). */
static int key_of_path(struct ff_keys *k, struct ff_value v, const struct ff_form *f,
                       struct ff_key_form *form)
{
    bool windows = strstr(f->name, "Windows") != NULL;
    size_t root = 0, kept;
    ff_buf_clear(&k->bytes);
    int rc = ff_view_text(v, &k->bytes);
    rc = rc ? rc : ff_buf_reserve(&k->bytes, 1);
    if (rc) {
        return rc < 0 ? FF_KEY_NO_MEMORY : FF_KEY_NO_FORM;
    }
    uint8_t *text = k->bytes.data, separator = windows ? '\\' : '/';
    size_t size = k->bytes.length_bytes;
    if (windows) {
        fold_windows(text, size);
    }
    while (root < size && text[root] == separator) {
        root++;
    }
    kept = root == 2
               ? 2
               : root > 0; /* "//" is a root of its own, "///" is not (POSIX, 4.13) */
    if (windows && is_of_drive(f)) {
        root = kept = 2;
    }
    size = tidy_parts(text, size, root, kept, separator);
    ff_key_hash(k, windows ? 'w' : 'p', text, size, &form->id);
    return FF_KEY_ID;
}

/* PosixPath() is no view, for it has no text: it is ".". */
static bool is_bare_path(const struct ff_form *f)
{
    size_t size = strlen(f->name);
    return ff_form_is_call(f) && f->arg_count == 0 &&
           strncmp(f->name, "pathlib.", 8) == 0 &&
           strcmp(f->name + size - 4, "Path") == 0;
}

/* ZoneInfo gives one object for a name, unless it was told not to. */
static int key_of_zone(struct ff_value v, struct ff_key_form *form)
{
    const struct ff_object_node *o = ff_cell_node(v.cell);
    if (!ff_form_zone_key(v).doc) {
        return FF_KEY_NO_FORM;
    }
    const struct ff_seq *args = ff_cell_node(o->args);
    if (ff_tag(args->cells[1]) == FF_TAG_FALSE) {
        return FF_KEY_NO_FORM;
    }
    *form = (struct ff_key_form){
        .name = "zoneinfo.ZoneInfo", .cells = args->cells, .count = 1};
    return FF_KEY_PARTS;
}

static int key_of_view(struct ff_keys *k, struct ff_value v, const struct ff_form *f,
                       struct ff_key_form *form)
{
    switch (ff_view(v)) {
    case FF_VIEW_BYTES:
        return key_of_bytes(k, v, form);
    case FF_VIEW_SET:
        return key_of_set(k, f, form);
    case FF_VIEW_UUID:
        return key_of_uuid(k, v, form);
    case FF_VIEW_PATH:
        return key_of_path(k, v, f, form);
    case FF_VIEW_COMPLEX:
        return ff_key_of_complex(k, v, form);
    case FF_VIEW_DECIMAL:
        return ff_key_of_decimal(k, v, form);
    case FF_VIEW_FRACTION:
        return ff_key_of_fraction(k, v, form);
    case FF_VIEW_SCALAR:
        return ff_key_of_scalar(k, v, form);
    case FF_VIEW_RANGE:
        return ff_key_of_range(k, v, form);
    case FF_VIEW_DATE:
    case FF_VIEW_TIME:
    case FF_VIEW_DATETIME:
        return ff_key_of_datetime(k, v, form);
    case FF_VIEW_TIMEDELTA:
        return ff_key_of_timedelta(k, v, form);
    case FF_VIEW_TIMEZONE:
        return ff_key_of_timezone(k, v, form);
    default:
        return FF_KEY_NO_FORM;
    }
}

static int object_form(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    struct ff_form f;
    if (!ff_form_of(v, &f)) {
        return key_of_zone(v, form);
    }
    if (is_bare_path(&f)) {
        ff_key_hash(k, strstr(f.name, "Windows") ? 'w' : 'p', "", 0, &form->id);
        return FF_KEY_ID;
    }
    int kind = key_of_view(k, v, &f, form);
    return kind == FF_KEY_NO_FORM ? by_its_arguments(&f, form) : kind;
}

int ff_key_form(struct ff_keys *k, struct ff_value v, struct ff_key_form *form)
{
    const struct ff_seq *seq = ff_cell_node(v.cell);
    unsigned tag = ff_tag(v.cell);
    switch (tag) {
    case FF_TAG_TUPLE:
    case FF_TAG_FROZENSET:
    case FF_TAG_SET:
        *form = (struct ff_key_form){.name = "",
                                     .cells = seq->cells,
                                     .count = seq->count,
                                     .unordered = tag != FF_TAG_TUPLE};
        return FF_KEY_PARTS;
    case FF_TAG_OBJECT:
        return object_form(k, v, form);
    default:
        return FF_KEY_NO_FORM;
    }
}
