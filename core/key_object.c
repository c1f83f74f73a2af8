/* SPDX-License-Identifier: Apache-2.0 */
/* key_object.c: objects that Python compares by value, and all others by identity. */
#include "key_object.h"

#include <string.h>

/* Classes whose instances are equal when what they are called with is. Dates of different
 * zones are not told to be the same instant here. */
static const char *const by_arguments[] = {
    "datetime.date",         "datetime.time",         "datetime.datetime",
    "datetime.timedelta",    "datetime.timezone",     "pathlib.PosixPath",
    "pathlib.PurePosixPath", "pathlib.WindowsPath",   "pathlib.PureWindowsPath",
    "builtins.range",        "builtins.slice",        "_codecs.encode",
    "ipaddress.IPv4Address", "ipaddress.IPv6Address", "builtins.bytes",
};

static bool reduced_form(const struct ff_object_node *o, const char *full,
                         struct ff_key_form *form)
{
    const struct ff_seq *args = ff_cell_node(o->args);
    if (strcmp(full, "builtins.frozenset") == 0 && args->count == 1 &&
        ff_tag(args->cells[0]) == FF_TAG_LIST) {
        const struct ff_seq *items = ff_cell_node(args->cells[0]);
        *form = (struct ff_key_form){"", items->cells, items->count, true, NULL};
        return true;
    }
    for (size_t i = 0; i < sizeof by_arguments / sizeof *by_arguments; i++) {
        if (strcmp(full, by_arguments[i]) == 0) {
            *form = (struct ff_key_form){by_arguments[i], args->cells, args->count, false,
                                         NULL};
            return true;
        }
    }
    return ff_key_number_form(o, full, form);
}

static bool object_form(struct ff_doc *doc, const struct ff_object_node *o,
                        struct ff_key_form *form)
{
    if (ff_tag(o->callable) != FF_TAG_GLOBAL || o->more ||
        ff_tag(o->args) != FF_TAG_TUPLE) {
        return false;
    }
    const struct ff_global_text *text = ff_global_text(doc, o->callable);
    if (!text || o->how != FF_HOW_REDUCE || o->state) {
        return text && ff_key_uuid_form(o, text->full, form);
    }
    return reduced_form(o, text->full, form);
}

bool ff_key_form(struct ff_doc *doc, uint64_t cell, struct ff_key_form *form)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    switch (ff_tag(cell)) {
    case FF_TAG_TUPLE:
        *form = (struct ff_key_form){"", seq->cells, seq->count, false, NULL};
        return true;
    case FF_TAG_FROZENSET:
        *form = (struct ff_key_form){"", seq->cells, seq->count, true, NULL};
        return true;
    case FF_TAG_OBJECT:
        return object_form(doc, ff_cell_node(cell), form);
    default:
        return false;
    }
}
