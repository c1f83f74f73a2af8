/* SPDX-License-Identifier: Apache-2.0 */
/* config_data.c: a configuration in memory: loading it, its lists, its units. */
#include "core/config.h"

#include "core/base/alloc.h"
#include "core/base/checked.h"

uint64_t ff_config_bytes(const char *text)
{
    static const struct {
        const char *unit;
        uint64_t bytes;
    } units[] = {{"", 1},
                 {"B", 1},
                 {"KiB", UINT64_C(1) << 10},
                 {"MiB", UINT64_C(1) << 20},
                 {"GiB", UINT64_C(1) << 30},
                 {"TiB", UINT64_C(1) << 40},
                 {"KB", 1000},
                 {"MB", 1000000},
                 {"GB", 1000000000},
                 {"TB", UINT64_C(1000000000000)}};
    uint64_t n = 0, out;

    for (; *text >= '0' && *text <= '9'; text++) {
        if (!ff_mul_u64(n, 10, &n) || !ff_add_u64(n, (uint64_t)(*text - '0'), &n)) {
            return 0;
        }
    }
    text += *text == ' ';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcasecmp(text, units[i].unit) == 0) {
            return ff_mul_u64(n, units[i].bytes, &out) ? out : 0;
        }
    }
    return 0;
}

int ff_config_quote(struct ff_buf *out, const char *text)
{
    int code = ff_buf_append_byte(out, '"');

    for (; *text && !code; text++) {
        if (*text == '"' || *text == '\\') {
            code = ff_buf_printf(out, "\\%c", *text);
        } else if ((unsigned char)*text < 0x20) {
            code = ff_buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        } else {
            code = ff_buf_append_byte(out, (uint8_t)*text);
        }
    }
    return code ? code : ff_buf_append_byte(out, '"');
}

static int no_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for the configuration");
}

static int fill_lists(struct ff_config *c)
{
    char ***lists[] = {&c->plugin_path, &c->enable, &c->disable, &c->require, &c->owners};

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (!(*lists[i] = ff_calloc(1, sizeof(char *)))) {
            return FF_E_NO_MEMORY;
        }
    }
    return FF_OK;
}

static int read_located(const struct ff_sys *sys, struct ff_config *c, int must_exist,
                        struct ff_error *e)
{
    struct ff_error why = FF_ERROR_INIT;
    size_t bytes = 0;
    char *text;
    int code;

    if (!c->path[0]) {
        return FF_OK;
    }
    text = ff_read_file(sys, c->path, FF_CONFIG_MAX_BYTES, &bytes, &why);
    if (text) {
        c->was_read = 1;
        code = ff_config_parse(c, c->path, text, bytes, e);
        ff_free(text);
    } else if (why.code == FF_E_NOT_FOUND && !must_exist) {
        code = FF_OK;
    } else {
        code = why.code == FF_E_NOT_FOUND ? FF_E_USAGE : why.code;
        (void)ff_fail(e, code, why.place, "%s", why.message);
    }
    return code;
}

int ff_config_load(const struct ff_sys *sys, const char *path, const char *json,
                   struct ff_config **out, struct ff_error *e)
{
    struct ff_config *c = ff_calloc(1, sizeof *c);
    int must_exist = 0, code;

    *out = c;
    if (!c || fill_lists(c)) {
        return no_memory(e);
    }
    c->durability = -1;
    c->path = json ? ff_strdup("") : ff_config_locate(sys, path, &must_exist);
    if (!c->path) {
        return no_memory(e);
    }
    code = json ? ff_config_parse(c, "the configuration", json, strlen(json), e)
                : read_located(sys, c, must_exist, e);
    c->origin = ff_strdup(json ? "options" : c->was_read ? c->path : "defaults");
    return code || c->origin ? code : no_memory(e);
}

void ff_list_free(char **list)
{
    for (size_t i = 0; list && list[i]; i++) {
        ff_free(list[i]);
    }
    ff_free(list);
}

static void free_named(struct ff_named_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        ff_free(list->items[i].name);
        ff_free(list->items[i].json);
        ff_free(list->items[i].redacted);
    }
    ff_free(list->items);
}

void ff_config_free(struct ff_config *c)
{
    if (c) {
        ff_free(c->path);
        ff_free(c->origin);
        ff_free(c->default_storage);
        ff_list_free(c->plugin_path);
        ff_list_free(c->enable);
        ff_list_free(c->disable);
        ff_list_free(c->require);
        ff_list_free(c->owners);
        free_named(&c->options);
        free_named(&c->classes);
        free_named(&c->pins);
        free_named(&c->storages);
        ff_free(c);
    }
}

const struct ff_named_json *ff_named_find(const struct ff_named_list *list,
                                          const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

int ff_list_find(char *const *list, const char *text)
{
    for (int i = 0; list && list[i]; i++) {
        if (strcmp(list[i], text) == 0) {
            return i;
        }
    }
    return -1;
}
