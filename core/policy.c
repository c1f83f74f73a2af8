/* SPDX-License-Identifier: Apache-2.0 */
/* policy.c: which globals a pickle may name, and whether one keeps to it. */
#include <functionfuse/pickle.h>
#include <stdbool.h>

#include "core/base/alloc.h"
#include "core/base/vec.h"

#define MAX_RULES 100000u

struct rule {
    char *module; /* owned, with `name` behind it */
    const char *name;
};

struct ff_policy {
    uint32_t flags;
    struct ff_vec rules; /* struct rule */
};

/* "module:name name ...": what runs nothing that it is given, and changes nothing outside. The
 * lists of torch are those that its own weights_only loads. */
static const char *const builtin[] = {
    "builtins:bool bytearray bytes complex dict float frozenset int list object range "
    "set slice "
    "str tuple Ellipsis NotImplemented ArithmeticError AssertionError AttributeError "
    "BaseException "
    "EOFError Exception ImportError IndexError KeyError KeyboardInterrupt LookupError "
    "MemoryError "
    "NameError NotImplementedError OSError OverflowError RuntimeError StopIteration "
    "SyntaxError "
    "SystemError TimeoutError TypeError UnicodeError ValueError ZeroDivisionError",
    "_codecs:encode",
    "copyreg:_reconstructor",
    "collections:Counter OrderedDict defaultdict deque",
    "array:array _array_reconstructor",
    "datetime:date datetime time timedelta timezone",
    "decimal:Decimal",
    "fractions:Fraction",
    "uuid:UUID SafeUUID",
    "pathlib:Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "pathlib._local:Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "numpy:dtype ndarray bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 "
    "float32 "
    "float64 longdouble complex64 complex128 bytes_ str_ void object_ datetime64 "
    "timedelta64 "
    "matrix record recarray",
    "numpy.core.multiarray:_reconstruct scalar",
    "numpy._core.multiarray:_reconstruct scalar",
    "numpy.core._multiarray_umath:_reconstruct scalar",
    "numpy.core.numeric:_frombuffer",
    "numpy._core.numeric:_frombuffer",
    "numpy._core._internal:_convert_to_stringdtype_kwargs",
    "numpy.ma.core:_mareconstruct MaskedArray",
    "joblib.numpy_pickle:NumpyArrayWrapper",
    "torch._utils:_rebuild_parameter _rebuild_tensor _rebuild_tensor_v2",
    "torch:Size BFloat16Storage BoolStorage ByteStorage CharStorage DoubleStorage "
    "FloatStorage "
    "HalfStorage IntStorage LongStorage ShortStorage bfloat16 bool device double float "
    "float16 "
    "float32 float64 half int int16 int32 int64 int8 long uint8",
};

static bool in_list(const char *list, const char *module, const char *name)
{
    size_t size = strlen(module), length = strlen(name);
    if (strncmp(list, module, size) != 0 || list[size] != ':' || !length ||
        strchr(name, ' ')) {
        return false;
    }
    for (const char *at = list + size + 1; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, name, length) == 0 && (!at[length] || at[length] == ' ')) {
            return true;
        }
    }
    return false;
}

int ff_policy_allows(const struct ff_policy *p, const char *module, const char *name)
{
    if (!p || !module || !name || !*module || !*name) {
        return 0;
    }
    for (size_t i = 0;
         !(p->flags & FF_POLICY_EMPTY) && i < sizeof builtin / sizeof *builtin; i++) {
        if (in_list(builtin[i], module, name)) {
            return 1;
        }
    }
    for (size_t i = 0; i < p->rules.count; i++) {
        const struct rule *rule = ff_vec_at(&p->rules, i);
        bool any = strcmp(rule->name, "*") == 0 && !strchr(name, '.');
        if (strcmp(rule->module, module) == 0 && (any || strcmp(rule->name, name) == 0)) {
            return 1;
        }
    }
    return 0;
}

struct ff_policy *ff_policy_new(uint32_t flags, struct ff_error *e)
{
    struct ff_policy *p;
    if (e && e->code) {
        return NULL;
    }
    if (flags & ~FF_POLICY_EMPTY) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "unknown flags for a policy");
        return NULL;
    }
    p = ff_calloc(1, sizeof *p);
    if (!p) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    p->flags = flags;
    ff_vec_init(&p->rules, sizeof(struct rule), MAX_RULES);
    return p;
}

void ff_policy_free(struct ff_policy *p)
{
    if (p) {
        for (size_t i = 0; i < p->rules.count; i++) {
            ff_free(((struct rule *)ff_vec_at(&p->rules, i))->module);
        }
        ff_vec_free(&p->rules);
        ff_free(p);
    }
}

static int allow(struct ff_policy *p, const char *what, size_t size, struct ff_error *e)
{
    char *copy = ff_strndup(what, size);
    if (!copy) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    char *split = strchr(copy, ':');
    split = split ? split : strrchr(copy, '.');
    if (strlen(copy) != size || !split || split == copy || !split[1]) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "not a global: %.100s", copy);
        ff_error_fix(e, "write module.name, module:Outer.Inner, or module.*");
        ff_free(copy);
        return FF_E_USAGE;
    }
    *split = 0;
    struct rule rule = {copy, split + 1};
    if (ff_vec_append(&p->rules, &rule)) {
        ff_free(copy);
        return p->rules.count < MAX_RULES
                   ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory")
                   : ff_fail(e, FF_E_LIMIT, NULL, "a policy of over %u rules", MAX_RULES);
    }
    return FF_OK;
}

int ff_policy_allow(struct ff_policy *p, const char *what, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    return p && what ? allow(p, what, strlen(what), e)
                     : ff_fail(e, FF_E_USAGE, NULL, "no policy, or nothing to allow");
}

static int allow_list(struct ff_policy *p, struct ff_value list, struct ff_error *e)
{
    int rc = ff_kind(list) == FF_LIST
                 ? FF_OK
                 : ff_fail(e, FF_E_USAGE, NULL, "\"allow\" is not a list");
    for (size_t i = 0; !rc && i < ff_length(list); i++) {
        struct ff_value item = {NULL, 0};
        const char *text = NULL;
        size_t size = 0;
        rc = ff_item(list, i, NULL, &item, e);
        if (!rc && ff_str(item, &text, &size, NULL)) {
            rc = ff_fail(e, FF_E_USAGE, NULL, "\"allow\" holds what is no string");
        }
        rc = rc ? rc : allow(p, text, size, e);
    }
    return rc;
}

int ff_policy_read(struct ff_policy *p, const char *json, size_t size_bytes,
                   struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (!p || !json) {
        return ff_fail(e, FF_E_USAGE, NULL, "no policy");
    }
    struct ff_doc *doc = ff_doc_new(e);
    struct ff_value root = ff_from_json(doc, json, size_bytes, NULL, e);
    int rc = e && e->code ? e->code : FF_OK;
    if (!rc && (ff_kind(root) != FF_DICT || ff_length(root) != 1 ||
                ff_kind(ff_get(root, "allow")) == FF_ABSENT)) {
        rc = ff_fail(e, FF_E_USAGE, NULL,
                     "a policy is {\"allow\": [\"module.name\", ...]}");
    }
    rc = rc ? rc : allow_list(p, ff_get(root, "allow"), e);
    ff_doc_free(doc);
    return rc;
}

/* ---- the verdict ---- */

struct judging {
    const struct ff_policy *policy;
    struct ff_error unsafe;
};

static int judge_global(void *ctx, const struct ff_scanned_global *g)
{
    struct judging *j = ctx;
    if (!ff_policy_allows(j->policy, g->module, g->name)) {
        (void)ff_fail(&j->unsafe, FF_E_UNSAFE, NULL,
                      "it names %.200s.%.200s, at offset %llu", g->raw_module,
                      g->raw_name, (unsigned long long)g->offset);
    } else if (g->uses & FF_USE_CHANGE) {
        (void)ff_fail(&j->unsafe, FF_E_UNSAFE, NULL, "it changes %.200s.%.200s",
                      g->module, g->name);
    }
    return 0;
}

static int judge_call(void *ctx, const struct ff_scanned_call *c)
{
    struct judging *j = ctx;
    if (strcmp(c->kind, "global") != 0) {
        (void)ff_fail(&j->unsafe, FF_E_UNSAFE, NULL,
                      "%s calls what is no global, at offset %llu", c->op,
                      (unsigned long long)c->offset);
    }
    return 0;
}

static int judge_extension(void *ctx, uint64_t offset, int32_t code)
{
    struct judging *j = ctx;
    (void)ff_fail(&j->unsafe, FF_E_UNSAFE, NULL,
                  "it names the unknown extension %d, at offset %llu", code,
                  (unsigned long long)offset);
    return 0;
}

int ff_pickle_judge(const void *data, size_t size_bytes,
                    const struct ff_load_options *options, const struct ff_policy *policy,
                    size_t *used, struct ff_error *e)
{
    struct judging j = {policy, FF_ERROR_INIT};
    const struct ff_scan scan = {.struct_size = sizeof scan,
                                 .ctx = &j,
                                 .global = judge_global,
                                 .call = judge_call,
                                 .extension = judge_extension};
    struct ff_error own = FF_ERROR_INIT;
    if (e && e->code) {
        return e->code;
    }
    int rc = ff_pickle_scan(data, size_bytes, options, &scan, used, &own);
    if (j.unsafe.code) {
        return ff_fail(e, FF_E_UNSAFE, NULL, "%s", j.unsafe.message);
    }
    return rc ? ff_fail(e, rc, own.place, "%s", own.message) : FF_OK;
}
