/* SPDX-License-Identifier: Apache-2.0 */
/* class_name.c: the class that Python's type() would name, as far as a stream says it. */
#include <string.h>

#include "core/array.h"
#include "core/pickle/compat.h"
#include "doc.h"

#define MAX_NAME_BYTES 4096u

static struct ff_global_text *build_text(const struct ff_doc *doc, const char *module,
                                         size_t module_size, const char *name,
                                         size_t name_size)
{
    size_t full = module_size + 1 + name_size + 1;
    struct ff_global_text *t =
        ff_doc_lazy_alloc(doc, sizeof *t + full + module_size + name_size + 2);
    if (!t) {
        return NULL;
    }
    memcpy(t->full, module, module_size);
    t->full[module_size] = '.';
    memcpy(t->full + module_size + 1, name, name_size);
    t->full[full - 1] = 0;
    char *m = t->full + full;
    memcpy(m, module, module_size);
    m[module_size] = 0;
    t->module = m;
    t->name = memcpy(m + module_size + 1, t->full + module_size + 1, name_size + 1);
    return t;
}

static bool names_of(const struct ff_global_node *g, const char **module,
                     size_t *module_bytes, const char **name, size_t *name_bytes)
{
    return ff_cell_text(g->module, module, module_bytes) &&
           ff_cell_text(g->name, name, name_bytes) && *module_bytes <= MAX_NAME_BYTES &&
           *name_bytes <= MAX_NAME_BYTES && !memchr(*module, 0, *module_bytes) &&
           !memchr(*name, 0, *name_bytes);
}

bool ff_global_has_text(uint64_t cell)
{
    const char *module, *name;
    size_t module_bytes, name_bytes;
    return names_of(ff_cell_node(cell), &module, &module_bytes, &name, &name_bytes);
}

const struct ff_global_text *ff_global_text(const struct ff_doc *doc, uint64_t cell)
{
    struct ff_global_node *g = ff_cell_node(cell);
    const struct ff_global_text *text = atomic_load(&g->text);
    if (text) {
        return text;
    }
    const char *module, *name;
    size_t module_size, name_size;
    if (!names_of(g, &module, &module_size, &name, &name_size)) {
        return NULL;
    }
    struct ff_global_text *made = build_text(doc, module, module_size, name, name_size);
    const char *new_module, *new_name;
    if (made && g->old_names &&
        ff_compat_to_3(made->module, made->name, &new_module, &new_name)) {
        made =
            build_text(doc, new_module, strlen(new_module), new_name, strlen(new_name));
    }
    if (made && !atomic_compare_exchange_strong(&g->text, &text, made)) {
        return text;
    }
    return made;
}

bool ff_global_is(const struct ff_doc *doc, uint64_t cell, const char *full)
{
    if (ff_tag(cell) != FF_TAG_GLOBAL) {
        return false;
    }
    const struct ff_global_text *text = ff_global_text(doc, cell);
    return text && strcmp(text->full, full) == 0;
}

int ff_global(struct ff_value v, const char **module, const char **name,
              struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (ff_tag(v.cell) != FF_TAG_GLOBAL) {
        return ff_fail(e, FF_E_TYPE, NULL, "the value is of kind %s, not global",
                       ff_kind_name(ff_kind(v)));
    }
    const struct ff_global_text *text = ff_global_text(v.doc, v.cell);
    if (!text) {
        return ff_fail(e, FF_E_LIMIT, NULL,
                       "the name is over %u bytes, or has a NUL, or there is no memory",
                       MAX_NAME_BYTES);
    }
    if (module) {
        *module = text->module;
    }
    if (name) {
        *name = text->name;
    }
    return FF_OK;
}

/* Functions whose first argument is the class of what they make. */
static const char *const makers[] = {
    "copyreg._reconstructor",
    "copyreg.__newobj__",
    "copyreg.__newobj_ex__",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core._multiarray_umath._reconstruct",
    "numpy._core._multiarray_umath._reconstruct",
    "numpy.ma.core._mareconstruct",
    "array._array_reconstructor",
    "pandas.core.indexes.base._new_Index",
    "pandas.core.indexes.datetimes._new_DatetimeIndex",
};

static const char *const known[][2] = {
    {"numpy.core.numeric._frombuffer", "numpy.ndarray"},
    {"numpy._core.numeric._frombuffer", "numpy.ndarray"},
    {"_codecs.encode", "builtins.bytes"},
    {"re._compile", "re.Pattern"},
    {"numpy.dtype", "numpy.dtype"},
    {"datetime.datetime", "datetime.datetime"},
    {"datetime.date", "datetime.date"},
    {"datetime.time", "datetime.time"},
    {"datetime.timedelta", "datetime.timedelta"},
    {"datetime.timezone", "datetime.timezone"},
    {"collections.deque", "collections.deque"},
    {"collections.defaultdict", "collections.defaultdict"},
    {"array.array", "array.array"},
    {"functools.partial", "functools.partial"},
    {"operator.itemgetter", "operator.itemgetter"},
    {"operator.attrgetter", "operator.attrgetter"},
    {"time.struct_time", "time.struct_time"},
};

static const char *const builtin_functions[] = {
    "getattr", "eval", "exec", "iter", "reversed", "open", "map", "print", "__import__"};

static bool one_of(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* What a call of this global gives: a class by convention (capital letter, or a builtin
 * type), a known function, or nothing. */
static const char *class_of_call(const struct ff_global_text *text)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(text->full, known[i][0]) == 0) {
            return known[i][1];
        }
    }
    if (strcmp(text->module, "builtins") == 0) {
        size_t count = sizeof builtin_functions / sizeof *builtin_functions;
        return one_of(text->name, builtin_functions, count) ? "" : text->full;
    }
    const char *last = strrchr(text->name, '.');
    last = last ? last + 1 : text->name;
    last += strspn(last, "_");
    return *last >= 'A' && *last <= 'Z' ? text->full : "";
}

static const char *class_of_global(const struct ff_doc *doc, uint64_t cell)
{
    const struct ff_global_text *text =
        ff_tag(cell) == FF_TAG_GLOBAL ? ff_global_text(doc, cell) : NULL;
    return text ? text->full : "";
}

static const char *class_of_object(struct ff_value v)
{
    const struct ff_object_node *o = ff_cell_node(v.cell);
    const struct ff_global_text *text =
        ff_tag(o->callable) == FF_TAG_GLOBAL ? ff_global_text(v.doc, o->callable) : NULL;
    if (!text) {
        return "";
    }
    if (o->how != FF_HOW_REDUCE) {
        return text->full;
    }
    if (!one_of(text->full, makers, sizeof makers / sizeof *makers)) {
        return class_of_call(text);
    }
    const struct ff_seq *args = ff_cell_node(o->args);
    return args->count ? class_of_global(v.doc, args->cells[0]) : "";
}

static const char *const class_of_kind[] = {
    [FF_NONE] = "builtins.NoneType",
    [FF_BOOL] = "builtins.bool",
    [FF_INT] = "builtins.int",
    [FF_FLOAT] = "builtins.float",
    [FF_STR] = "builtins.str",
    [FF_BYTES] = "builtins.bytes",
    [FF_BYTEARRAY] = "builtins.bytearray",
    [FF_LIST] = "builtins.list",
    [FF_TUPLE] = "builtins.tuple",
    [FF_DICT] = "builtins.dict",
    [FF_SET] = "builtins.set",
    [FF_FROZENSET] = "builtins.frozenset",
};

const char *ff_class_name(struct ff_value v)
{
    int kind = ff_kind(v);
    switch (kind) {
    case FF_OBJECT:
        return class_of_object(v);
    case FF_ARRAY:
        return ff_array_class(
            ((const struct ff_array_node *)ff_cell_node(v.cell))->array);
    case FF_NATIVE:
        return ((const struct ff_native_node *)ff_cell_node(v.cell))->box->class_name;
    default:
        break;
    }
    if (kind < 0 || (size_t)kind >= sizeof class_of_kind / sizeof *class_of_kind) {
        return "";
    }
    return class_of_kind[kind] ? class_of_kind[kind] : "";
}
