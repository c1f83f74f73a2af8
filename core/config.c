/* SPDX-License-Identifier: Apache-2.0 */
/* config.c: what the configuration says, by one table of keys; with config_edit.c the only
 * file that knows the JSON library. */
#include "core/config.h"

#include <errno.h>
#include <jansson.h>

#include "core/base/alloc.h"
#include "core/base/name.h"

enum {
    POINTER_BYTES = 192,
    KEYS_MAX = 16,
    THREADS_MAX = 4096,
    NAME_MAX_BYTES = 200,
    SECRETS_DEPTH = 64,
    CHUNK_MAX_BYTES = 1 << 30
};

/* Where a reading is. */
struct reading {
    struct ff_config *config;
    const char *file;
    char pointer[POINTER_BYTES]; /* RFC 6901 */
    struct ff_error *error;
};

struct key {
    const char *name;
    int (*take)(struct reading *, json_t *, const struct key *);
    size_t at; /* the member of struct ff_config */
    const char *(*check)(const char *text);
};

#define MEMBER(r, key, type) ((type *)((char *)(r)->config + (key)->at))

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
        [JSON_STRING] = "a string",  [JSON_INTEGER] = "an integer",
        [JSON_REAL] = "a fraction",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null"};

    return names[json_typeof(value)];
}

static int wrong(struct reading *r, const char *why)
{
    (void)ff_fail(r->error, FF_E_USAGE, r->file, "%s: %s",
                  r->pointer[0] ? r->pointer : "the whole", why);
    return FF_E_USAGE;
}

static int wrong_type(struct reading *r, const char *expected, const json_t *value)
{
    char why[96];

    (void)snprintf(why, sizeof why, "%s is expected, not %s", expected, type_name(value));
    return wrong(r, why);
}

static int no_memory(struct reading *r)
{
    return ff_fail(r->error, FF_E_NO_MEMORY, r->file, "no memory for the configuration");
}

/* Go down into a member; gives where to come back to. */
static size_t enter(struct reading *r, const char *name)
{
    size_t before = strlen(r->pointer), at = before;

    if (at + 1 < sizeof r->pointer) {
        r->pointer[at++] = '/';
    }
    for (; *name && at + 2 < sizeof r->pointer; name++) {
        if (*name == '~' || *name == '/') {
            r->pointer[at++] = '~';
            r->pointer[at++] = *name == '~' ? '0' : '1';
        } else {
            r->pointer[at++] = *name;
        }
    }
    r->pointer[at < sizeof r->pointer ? at : sizeof r->pointer - 1] = '\0';
    return before;
}

static int unknown_key(struct reading *r, const char *name, const struct key *keys)
{
    const char *choices[KEYS_MAX + 1] = {NULL}, *near;

    for (size_t i = 0; keys[i].name; i++) {
        choices[i] = keys[i].name;
    }
    near = ff_nearest(name, choices);
    (void)wrong(r, "there is no such key");
    if (near) {
        ff_error_fix(r->error, "did you mean \"%s\"?", near);
    }
    return FF_E_USAGE;
}

static int take_keys(struct reading *r, json_t *object, const struct key *keys)
{
    const char *name;
    json_t *value;

    if (!json_is_object(object)) {
        return wrong_type(r, "an object", object);
    }
    json_object_foreach(object, name, value)
    {
        const struct key *key = keys;
        size_t before = enter(r, name);
        int code;

        while (key->name && strcmp(key->name, name) != 0) {
            key++;
        }
        code = key->name ? key->take(r, value, key) : unknown_key(r, name, keys);
        if (code) {
            return code;
        }
        r->pointer[before] = '\0';
    }
    return FF_OK;
}

/* A folder has to be absolute once "~" is known: nothing may depend on where we stand. */
static const char *path_wrong(const char *text)
{
    return text[0] == '/' || strcmp(text, "~") == 0 || strncmp(text, "~/", 2) == 0
               ? NULL
               : "an absolute path is expected, or one that begins with \"~/\"";
}

static const char *name_wrong(const char *text)
{
    return text[0] && strlen(text) <= NAME_MAX_BYTES
               ? NULL
               : "a name of 1 to 200 bytes is expected";
}

static int take_text(struct reading *r, const json_t *value,
                     const char *(*check)(const char *), char **out)
{
    const char *text = json_string_value(value);
    const char *why;

    if (!text) {
        return wrong_type(r, "a string", value);
    }
    if ((why = check(text))) {
        return wrong(r, why);
    }
    *out = check == path_wrong ? ff_expand_home(text) : ff_strdup(text);
    if (!*out && check == path_wrong && text[0] == '~') {
        return wrong(r, "the home folder is not known");
    }
    return *out ? FF_OK : no_memory(r);
}

static int take_list(struct reading *r, json_t *array, const struct key *key)
{
    size_t count = json_array_size(array);
    char **list, ***out = MEMBER(r, key, char **);

    if (!json_is_array(array)) {
        return wrong_type(r, "an array of strings", array);
    }
    if (!(list = ff_calloc(count + 1, sizeof *list))) {
        return no_memory(r);
    }
    ff_list_free(*out);
    *out = list;
    for (size_t i = 0; i < count; i++) {
        char digits[24];
        size_t before;
        int code;

        (void)snprintf(digits, sizeof digits, "%zu", i);
        before = enter(r, digits);
        code = take_text(r, json_array_get(array, i), key->check, &list[i]);
        if (code) {
            return code;
        }
        r->pointer[before] = '\0';
    }
    return FF_OK;
}

static int append_json(const char *text, size_t size_bytes, void *buf)
{
    return ff_buf_append(buf, text, size_bytes) ? -1 : 0;
}

char *ff_config_print(const json_t *value, size_t flags)
{
    struct ff_buf text;
    char *out = NULL;

    ff_buf_init(&text, FF_CONFIG_MAX_BYTES);
    if (!json_dump_callback(value, append_json, &text,
                            flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17))) {
        out = (char *)ff_buf_steal(&text, NULL);
    }
    ff_buf_free(&text);
    return out;
}

static int is_secret(const char *key)
{
    static const char *const words[] = {"key",      "secret",     "token",
                                        "password", "passphrase", "credential"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasestr(key, words[i])) {
            return 1;
        }
    }
    return 0;
}

/* "https://name:password@host/": where the '@' is; NULL: it has none. */
static const char *end_of_password(const json_t *value)
{
    const char *text = json_string_value(value);
    const char *name = text ? strstr(text, "://") : NULL;
    const char *end = name ? name + 3 + strcspn(name + 3, "@/?#") : NULL;

    return end && *end == '@' ? end : NULL;
}

static json_t *without_password(const json_t *value)
{
    const char *text = json_string_value(value);

    return json_sprintf("%.*s://***%s", (int)(strstr(text, "://") - text), text,
                        end_of_password(value));
}

/* Overwrite what may be a secret. Deeper than anybody writes it, all is. */
static int redact(json_t *value, int depth)
{
    const char *key;
    json_t *member;
    void *next;
    size_t i;
    int failed = 0;

    json_object_foreach_safe(value, next, key, member)
    {
        if (depth >= SECRETS_DEPTH || (is_secret(key) && !json_is_object(member))) {
            failed |= json_object_set_new(value, key, json_string("***"));
        } else if (end_of_password(member)) {
            failed |= json_object_set_new(value, key, without_password(member));
        } else {
            failed |= redact(member, depth + 1);
        }
    }
    json_array_foreach(value, i, member)
    {
        failed |= depth >= SECRETS_DEPTH
                      ? json_array_set_new(value, i, json_string("***"))
                      : redact(member, depth + 1);
    }
    return failed;
}

static const char *plain_name_wrong(const char *text)
{
    return strpbrk(text, "\"\\") ? "a name without quotes and backslashes is expected"
                                 : name_wrong(text);
}

static const char *pin_wrong(const char *text)
{
    return strlen(text) == FF_PIN_DIGITS &&
                   strspn(text, "0123456789abcdef") == FF_PIN_DIGITS
               ? NULL
               : "a SHA-256 is expected: 64 hexadecimal digits, a to f small";
}

/* An object of objects, or of texts when there is a check: each member is kept as JSON. */
static int take_named(struct reading *r, json_t *object, const struct key *key)
{
    struct ff_named_list *list = MEMBER(r, key, struct ff_named_list);
    const char *name;
    json_t *value;

    if (!json_is_object(object)) {
        return wrong_type(r, "an object", object);
    }
    if (!(list->items = ff_calloc(json_object_size(object) + 1, sizeof *list->items))) {
        return no_memory(r);
    }
    json_object_foreach(object, name, value)
    {
        struct ff_named_json *item = &list->items[list->count];
        size_t before = enter(r, name);

        const char *why = key->check && json_is_string(value)
                              ? key->check(json_string_value(value))
                              : NULL;

        if (key->check ? !json_is_string(value) : !json_is_object(value)) {
            return wrong_type(r, key->check ? "a string" : "an object", value);
        }
        if (why) {
            return wrong(r, why);
        }
        list->count++;
        item->name = ff_strdup(name);
        item->json = ff_config_print(value, JSON_COMPACT);
        if (redact(value, 0) || !item->name || !item->json ||
            !(item->redacted = ff_config_print(value, JSON_COMPACT))) {
            return no_memory(r);
        }
        r->pointer[before] = '\0';
    }
    return FF_OK;
}

static int take_bool(struct reading *r, json_t *value, const struct key *key)
{
    if (!json_is_boolean(value)) {
        return wrong_type(r, "true or false", value);
    }
    *MEMBER(r, key, int) = json_is_true(value);
    return FF_OK;
}

static int take_plugins(struct reading *r, json_t *value, const struct key *key)
{
    static const struct key keys[] = {
        {"path", take_list, offsetof(struct ff_config, plugin_path), path_wrong},
        {"enable", take_list, offsetof(struct ff_config, enable), name_wrong},
        {"disable", take_list, offsetof(struct ff_config, disable), name_wrong},
        {"require", take_list, offsetof(struct ff_config, require), name_wrong},
        {"owners", take_list, offsetof(struct ff_config, owners), name_wrong},
        {"probe", take_bool, offsetof(struct ff_config, probe), NULL},
        {"pins", take_named, offsetof(struct ff_config, pins), pin_wrong},
        {"classes", take_named, offsetof(struct ff_config, classes), plain_name_wrong},
        {"options", take_named, offsetof(struct ff_config, options), NULL},
        {NULL, NULL, 0, NULL}};

    (void)key;
    return take_keys(r, value, keys);
}

static int take_default(struct reading *r, json_t *value, const struct key *key)
{
    return take_text(r, value, key->check, MEMBER(r, key, char *));
}

static int take_threads(struct reading *r, json_t *value, const struct key *key)
{
    json_int_t n = json_integer_value(value);

    if (!json_is_integer(value)) {
        return wrong_type(r, "an integer", value);
    }
    if (n < 1 || n > THREADS_MAX) {
        return wrong(r, "1 to 4096 are expected");
    }
    *MEMBER(r, key, uint32_t) = (uint32_t)n;
    return FF_OK;
}

/* 0: it is none. */
static uint64_t size_of(const json_t *value)
{
    if (json_is_string(value)) {
        return ff_config_bytes(json_string_value(value));
    }
    return json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

static int take_memory(struct reading *r, json_t *value, const struct key *key)
{
    uint64_t bytes = size_of(value);

    if (!json_is_string(value) && !json_is_integer(value)) {
        return wrong_type(r, "a number of bytes, or a string such as \"256MiB\",", value);
    }
    *MEMBER(r, key, uint64_t) = bytes;
    return bytes ? FF_OK : wrong(r, "more than 0 bytes are expected, such as \"256MiB\"");
}

/* "auto", or how many bytes. */
static int take_chunks(struct reading *r, json_t *value, const struct key *key)
{
    uint64_t *bytes = MEMBER(r, key, uint64_t);

    if (json_is_string(value) && strcmp(json_string_value(value), "auto") == 0) {
        *bytes = 0;
        return FF_OK;
    }
    if (!json_is_string(value) && !json_is_integer(value)) {
        return wrong_type(r, "\"auto\", a size such as \"16MiB\", or a number of bytes",
                          value);
    }
    *bytes = size_of(value);
    return *bytes && *bytes <= CHUNK_MAX_BYTES
               ? FF_OK
               : wrong(r, "\"auto\", or 1 byte to 1 GiB are expected");
}

static int take_arrays(struct reading *r, json_t *value, const struct key *key)
{
    static const struct key keys[] = {
        {"chunks", take_chunks, offsetof(struct ff_config, chunk_bytes), NULL},
        {"inline", take_bool, offsetof(struct ff_config, inlines), NULL},
        {NULL, NULL, 0, NULL}};

    (void)key;
    return take_keys(r, value, keys);
}

static int take_durability(struct reading *r, json_t *value, const struct key *key)
{
    const char *text = json_string_value(value);

    if (!text) {
        return wrong_type(r, "a string", value);
    }
    if (strcmp(text, "full") == 0) {
        *MEMBER(r, key, int) = FF_DURABILITY_FULL;
    } else if (strcmp(text, "none") == 0) {
        *MEMBER(r, key, int) = FF_DURABILITY_NONE;
    } else {
        return wrong(r, "\"full\" or \"none\" is expected");
    }
    return FF_OK;
}

/* "default" names one of "storages", or is a folder and then has a '/'. */
static int check_default(struct reading *r)
{
    const struct ff_config *c = r->config;

    if (!c->default_storage || strchr(c->default_storage, '/') ||
        ff_named_find(&c->storages, c->default_storage)) {
        return FF_OK;
    }
    (void)enter(r, "default");
    (void)wrong(r, "there is no such member of \"storages\"");
    ff_error_fix(r->error, "add it to \"storages\", or write \"./%s\" for a folder",
                 c->default_storage);
    return FF_E_USAGE;
}

int ff_config_parse(struct ff_config *config, const char *file, const char *text,
                    size_t bytes, struct ff_error *e)
{
    struct reading reading = {.config = config, .file = file, .error = e};
    struct reading *r = &reading;
    static const struct key keys[] = {
        {"plugins", take_plugins, 0, NULL},
        {"default", take_default, offsetof(struct ff_config, default_storage),
         name_wrong},
        {"storages", take_named, offsetof(struct ff_config, storages), NULL},
        {"threads", take_threads, offsetof(struct ff_config, threads), NULL},
        {"memory", take_memory, offsetof(struct ff_config, memory_bytes), NULL},
        {"durability", take_durability, offsetof(struct ff_config, durability), NULL},
        {"arrays", take_arrays, 0, NULL},
        {NULL, NULL, 0, NULL}};
    json_error_t where;
    json_t *root =
        json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &where);
    int code;

    code = root ? take_keys(r, root, keys)
                : ff_fail(r->error, FF_E_USAGE, r->file, "line %d, column %d: %s",
                          where.line, where.column, where.text);
    json_decref(root);
    code = code ? code : check_default(r);
    if (code == FF_E_USAGE) {
        ff_error_fix(r->error, "see the section on the configuration of ff(1)");
    }
    return code;
}
