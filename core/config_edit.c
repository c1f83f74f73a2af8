/* SPDX-License-Identifier: Apache-2.0 */
/* config_edit.c: one change of the configuration's text; everything else in it stays. */
#include <jansson.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/config.h"

/* object[name], made when missing. NULL: it is of another type, or no memory. */
static json_t *member(json_t *object, const char *name, json_t *(*make)(void))
{
    json_t *found = json_object_get(object, name);

    if (!found && !json_object_set_new(object, name, make())) {
        found = json_object_get(object, name);
    }
    return found;
}

static int edit_pin(json_t *root, const struct ff_config_change *c)
{
    json_t *pins = member(member(root, "plugins", json_object), "pins", json_object);

    if (!c->sha256) {
        (void)json_object_del(pins, c->name);
        return 0;
    }
    return json_object_set_new(pins, c->name, json_string(c->sha256));
}

/* Both lists are there and hold texts: the configuration was checked. */
static int edit_lists(json_t *root, const char *name, int on)
{
    json_t *plugins = member(root, "plugins", json_object);
    json_t *to = member(plugins, on ? "enable" : "disable", json_array), *text;
    json_t *from = json_object_get(plugins, on ? "disable" : "enable");
    int there = 0;
    size_t i;

    for (i = json_array_size(from); i-- > 0;) {
        if (strcmp(json_string_value(json_array_get(from, i)), name) == 0) {
            (void)json_array_remove(from, i);
        }
    }
    json_array_foreach(to, i, text)
    {
        there |= strcmp(json_string_value(text), name) == 0;
    }
    return there ? 0 : json_array_append_new(to, json_string(name));
}

static int edit_storage(json_t *root, const struct ff_config_change *c)
{
    return json_object_set_new(member(root, "storages", json_object), c->name,
                               json_loads(c->storage, 0, NULL));
}

static int edit(json_t *root, const struct ff_config_change *c)
{
    return c->storage ? edit_storage(root, c)
           : c->pins  ? edit_pin(root, c)
                      : edit_lists(root, c->name, c->on);
}

char *ff_config_edit(const char *file, const char *old, size_t old_bytes,
                     const struct ff_config_change *c, struct ff_error *e)
{
    struct ff_config *checked = ff_calloc(1, sizeof *checked);
    json_t *root = NULL;
    char *text = NULL;
    int code = checked ? FF_OK : FF_E_NO_MEMORY;

    if (!code && old) {
        code = ff_config_parse(checked, file, old, old_bytes, e);
    }
    if (!code) {
        root = old ? json_loadb(old, old_bytes, 0, NULL) : json_object();
        text = root && !edit(root, c) ? ff_config_print(root, JSON_INDENT(2)) : NULL;
        code = text ? FF_OK : FF_E_NO_MEMORY;
    }
    if (code == FF_E_NO_MEMORY) {
        (void)ff_fail(e, FF_E_NO_MEMORY, file, "no memory for the configuration");
    }
    json_decref(root);
    ff_config_free(checked);
    return text;
}
