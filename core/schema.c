/* SPDX-License-Identifier: Apache-2.0 */
/* schema.c: a small part of JSON Schema (draft 2020-12), enough for options. Both walks keep
 * what is still to be looked at in a list, so no nesting is too deep. */
#include "core/schema.h"

#include <functionfuse/functionfuse.h>

#include "core/base/name.h"
#include "core/base/vec.h"

enum { TEXT_BYTES = 200, NODES_MAX = 4096, NAMES_MAX = 64, NAME_BYTES = 64 };

/* One place: what stands there, and the schema for it. */
struct node {
    struct ff_value schema, value;
    char path[TEXT_BYTES];
};

static int push(struct ff_vec *todo, const char *above, const char *name,
                struct ff_value schema, struct ff_value value, struct ff_error *e)
{
    struct node *n = ff_vec_push(todo);

    if (!n) {
        return ff_fail(e, FF_E_NO_MEMORY, above, "no memory for its options");
    }
    n->schema = schema;
    n->value = value;
    (void)snprintf(n->path, sizeof n->path, "%s%s%s", above, name[0] ? "." : "", name);
    return FF_OK;
}

/* A str as text, cut. */
static const char *text_of(struct ff_value v, char *out, size_t size)
{
    const char *text = "";
    size_t bytes = 0;

    (void)ff_str(v, &text, &bytes, NULL);
    (void)snprintf(out, size, "%.*s", (int)(bytes < size ? bytes : size - 1), text);
    return out;
}

/* ---- types ---- */

static const struct {
    const char *name, *article;
} types[] = {
    {"object", "an object"},   {"array", "an array"},  {"string", "a string"},
    {"integer", "an integer"}, {"number", "a number"}, {"boolean", "true or false"},
    {"null", "null"},
};
enum { TYPES = sizeof types / sizeof *types };

static int type_index(struct ff_value schema)
{
    char name[NAME_BYTES];
    int i = 0;

    (void)text_of(ff_get(schema, "type"), name, sizeof name);
    while (i < TYPES && strcmp(types[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int is_of_type(struct ff_value value, int type)
{
    int kind = ff_kind(value);

    switch (type) {
    case 0:
        return kind == FF_DICT;
    case 1:
        return kind == FF_LIST;
    case 2:
        return kind == FF_STR;
    case 3:
        return kind == FF_INT;
    case 4:
        return kind == FF_INT || kind == FF_FLOAT;
    case 5:
        return kind == FF_BOOL;
    case 6:
        return kind == FF_NONE;
    default:
        return 1; /* the schema names none */
    }
}

/* ---- the schema itself ---- */

static int is_number(struct ff_value v)
{
    return is_of_type(v, 4);
}

static int bad_schema(const struct node *n, const char *keyword, const char *why,
                      struct ff_error *e)
{
    return ff_fail(e, FF_E_PLUGIN, n->path, "options_schema: \"%.60s\" %s", keyword, why);
}

static int verify_properties(const struct node *n, struct ff_value properties,
                             struct ff_vec *todo, struct ff_error *e)
{
    int rc = ff_kind(properties) == FF_DICT && ff_length(properties) < NAMES_MAX
                 ? FF_OK
                 : bad_schema(n, "properties", "is no object of at most 63", e);
    char path[TEXT_BYTES];

    (void)snprintf(path, sizeof path, "%s", n->path); /* the list may move */
    for (size_t i = 0; !rc && i < ff_length(properties); i++) {
        struct ff_value key, value;
        char name[NAME_BYTES];

        rc = ff_item(properties, i, &key, &value, e);
        rc = rc ? rc
                : push(todo, path, text_of(key, name, sizeof name), value,
                       (struct ff_value){NULL, 0}, e);
    }
    return rc;
}

static int verify_required(const struct node *n, struct ff_value list, struct ff_error *e)
{
    int rc =
        ff_kind(list) == FF_LIST ? FF_OK : bad_schema(n, "required", "is no array", e);

    for (size_t i = 0; !rc && i < ff_length(list); i++) {
        struct ff_value name;

        rc = ff_item(list, i, NULL, &name, e);
        if (!rc && ff_kind(name) != FF_STR) {
            rc = bad_schema(n, "required", "has what is no string", e);
        }
    }
    return rc;
}

static int verify_keyword(const struct node *n, const char *keyword,
                          struct ff_value value, struct ff_vec *todo, struct ff_error *e)
{
    static const char *const known[] = {"type",    "properties",  "required",
                                        "enum",    "minimum",     "maximum",
                                        "default", "description", "additionalProperties",
                                        NULL};
    int k = 0;

    while (known[k] && strcmp(known[k], keyword) != 0) {
        k++;
    }
    switch (k) {
    case 0:
        return type_index(n->schema) < TYPES ? FF_OK
                                             : bad_schema(n, keyword, "is none", e);
    case 1:
        return verify_properties(n, value, todo, e);
    case 2:
        return verify_required(n, value, e);
    case 3:
        return ff_kind(value) == FF_LIST && ff_length(value)
                   ? FF_OK
                   : bad_schema(n, keyword, "is no array with something in it", e);
    case 4:
    case 5:
        return is_number(value) ? FF_OK : bad_schema(n, keyword, "is no number", e);
    case 6:
        return FF_OK;
    case 7:
        return ff_kind(value) == FF_STR ? FF_OK
                                        : bad_schema(n, keyword, "is no string", e);
    case 8:
        return ff_kind(value) == FF_BOOL
                   ? FF_OK
                   : bad_schema(n, keyword, "is not true or false", e);
    default:
        return bad_schema(n, keyword, "is not a keyword that is known here", e);
    }
}

static int verify_node(const struct node *n, struct ff_vec *todo, struct ff_error *e)
{
    int rc = ff_kind(n->schema) == FF_DICT
                 ? FF_OK
                 : ff_fail(e, FF_E_PLUGIN, n->path, "options_schema: no JSON object");

    for (size_t i = 0; !rc && i < ff_length(n->schema); i++) {
        struct ff_value key, value;
        char keyword[NAME_BYTES];

        rc = ff_item(n->schema, i, &key, &value, e);
        rc =
            rc ? rc
               : verify_keyword(n, text_of(key, keyword, sizeof keyword), value, todo, e);
    }
    return rc;
}

/* ---- options ---- */

struct cut {
    char *text;
    size_t size, used;
};

static int write_cut(void *ctx, const char *text, size_t bytes)
{
    struct cut *c = ctx;
    size_t room = c->size - 1 - c->used;

    bytes = bytes < room ? bytes : room;
    memcpy(c->text + c->used, text, bytes);
    c->used += bytes;
    c->text[c->used] = '\0';
    return 0;
}

static const char *json_of(struct ff_value v, char *out, size_t size)
{
    struct cut c = {out, size, 0};

    out[0] = '\0';
    (void)ff_to_json(v, write_cut, &c, NULL);
    return out;
}

/* "an integer from 1 to 9", "\"none\", \"deflate\"" */
static const char *expected(struct ff_value schema, char *out, size_t size)
{
    struct ff_value list = ff_get(schema, "enum"), least = ff_get(schema, "minimum"),
                    most = ff_get(schema, "maximum"), item;
    int type = type_index(schema);
    char text[NAME_BYTES];
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; list.doc && i < ff_length(list) && used < size; i++) {
        (void)ff_item(list, i, NULL, &item, NULL);
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "",
                                 json_of(item, text, sizeof text));
    }
    if (list.doc) {
        return out;
    }
    used = (size_t)snprintf(out, size, "%s",
                            type < TYPES ? types[type].article : "something else");
    if (least.doc && used < size) {
        used += (size_t)snprintf(out + used, size - used, " from %s",
                                 json_of(least, text, sizeof text));
    }
    if (most.doc && used < size) {
        (void)snprintf(out + used, size - used, "%s%s", least.doc ? " to " : " up to ",
                       json_of(most, text, sizeof text));
    }
    return out;
}

static int is_one_of(struct ff_value list, struct ff_value value, struct ff_error *e)
{
    struct ff_value item;

    for (size_t i = 0; i < ff_length(list); i++) {
        if (ff_item(list, i, NULL, &item, e) == FF_OK &&
            ff_kind(item) == ff_kind(value) && ff_equal(item, value, 0, e)) {
            return 1;
        }
    }
    return 0;
}

static int is_in_range(struct ff_value schema, struct ff_value value)
{
    double x = 0, least = 0, most = 0;

    if (!is_number(value) ||
        (!ff_get(schema, "minimum").doc && !ff_get(schema, "maximum").doc)) {
        return 1;
    }
    if (ff_real(value, &x, NULL)) {
        return 0; /* an int that is larger than any limit */
    }
    return (ff_real(ff_get(schema, "minimum"), &least, NULL) || x >= least) &&
           (ff_real(ff_get(schema, "maximum"), &most, NULL) || x <= most);
}

/* The names of an object's keys in `names`, NULL at the end. */
struct names {
    char text[NAMES_MAX][NAME_BYTES];
    const char *all[NAMES_MAX + 1];
};

static const char *nearest(struct ff_value properties, const char *name,
                           struct names *names)
{
    size_t count = ff_length(properties);

    for (size_t i = 0; i < count && i < NAMES_MAX; i++) {
        struct ff_value key;

        (void)ff_item(properties, i, &key, NULL, NULL);
        names->all[i] = text_of(key, names->text[i], NAME_BYTES);
    }
    names->all[count < NAMES_MAX ? count : NAMES_MAX] = NULL;
    return ff_nearest(name, names->all);
}

static int unknown_key(const struct node *n, const char *name, struct ff_error *e)
{
    struct names names;
    const char *near = nearest(ff_get(n->schema, "properties"), name, &names);
    char list[TEXT_BYTES] = "";
    size_t used = 0;

    (void)ff_fail(e, FF_E_USAGE, n->path, "there is no option \"%.60s\"", name);
    for (size_t i = 0; names.all[i] && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "",
                                 names.all[i]);
    }
    if (near) {
        ff_error_fix(e, "\"%s\" may be meant", near);
    } else {
        ff_error_fix(e, list[0] ? "there are: %s" : "there are none", list);
    }
    return FF_E_USAGE;
}

static int check_object(const struct node *n, struct ff_vec *todo, struct ff_error *e)
{
    struct ff_value properties = ff_get(n->schema, "properties"),
                    required = ff_get(n->schema, "required"), key, value, schema;
    struct node here = *n; /* the list may move */
    int others = 1, rc = FF_OK;
    char name[NAME_BYTES];

    (void)ff_boolean(ff_get(n->schema, "additionalProperties"), &others, NULL);
    for (size_t i = 0; !rc && i < ff_length(required); i++) {
        rc = ff_item(required, i, NULL, &key, e);
        if (!rc && !ff_get_item(here.value, key).doc) {
            rc = ff_fail(e, FF_E_USAGE, here.path, "the option \"%s\" is missing",
                         text_of(key, name, sizeof name));
        }
    }
    for (size_t i = 0; !rc && i < ff_length(here.value); i++) {
        rc = ff_item(here.value, i, &key, &value, e);
        (void)text_of(key, name, sizeof name);
        schema = rc ? key : ff_get_item(properties, key);
        if (!rc && schema.doc) {
            rc = push(todo, here.path, name, schema, value, e);
        } else if (!rc && !others) {
            rc = unknown_key(&here, name, e);
        }
    }
    return rc;
}

/* The value itself is shown only where it is one of few, or a number: it might be secret. */
static int check_node(const struct node *n, struct ff_vec *todo, struct ff_error *e)
{
    struct ff_value list = ff_get(n->schema, "enum");
    char want[TEXT_BYTES], text[NAME_BYTES];

    if (!is_of_type(n->value, type_index(n->schema))) {
        (void)ff_fail(e, FF_E_USAGE, n->path, "is of kind %s; expected: %s",
                      ff_kind_name(ff_kind(n->value)),
                      expected(n->schema, want, sizeof want));
        ff_error_fix(e, "write it as what is expected; its documentation has an example");
        return FF_E_USAGE;
    }
    if ((list.doc && !is_one_of(list, n->value, e)) ||
        !is_in_range(n->schema, n->value)) {
        return e->code ? e->code
                       : ff_fail(e, FF_E_USAGE, n->path, "is %s; expected: %s",
                                 json_of(n->value, text, sizeof text),
                                 expected(n->schema, want, sizeof want));
    }
    return ff_kind(n->value) == FF_DICT ? check_object(n, todo, e) : FF_OK;
}

/* ---- both walks ---- */

typedef int look(const struct node *, struct ff_vec *todo, struct ff_error *);

static int walk(const char *text, struct ff_value options, look *at, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_doc *doc = ff_doc_new(&own);
    struct ff_value schema = ff_from_json(doc, text, strlen(text), NULL, &own);
    struct ff_vec todo;
    struct node n;
    int rc = own.code;

    ff_vec_init(&todo, sizeof(struct node), NODES_MAX);
    if (!rc && !options.doc) {
        options = ff_new_dict(doc, &own);
    }
    rc = rc ? rc : push(&todo, "options", "", schema, options, &own);
    while (!rc && todo.count) {
        n = *(struct node *)ff_vec_last(&todo);
        ff_vec_pop(&todo);
        rc = at(&n, &todo, &own);
    }
    ff_vec_free(&todo);
    ff_doc_free(doc);
    ff_error_copy(e, &own);
    return rc;
}

int ff_schema_verify(const char *text, struct ff_error *e)
{
    int rc = text ? walk(text, (struct ff_value){NULL, 0}, verify_node, e) : FF_OK;

    return rc && rc != FF_E_NO_MEMORY ? FF_E_PLUGIN : rc;
}

int ff_schema_check(const char *text, struct ff_value options, struct ff_error *e)
{
    return text ? walk(text, options, check_node, e) : FF_OK;
}
