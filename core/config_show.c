/* SPDX-License-Identifier: Apache-2.0 */
/* config_show.c: the configuration in force, as a document without secrets. */
#include "core/registry_own.h"

#include "core/base/alloc.h"

/* "key": ["a", "b"] */
static int put_list(struct ff_buf *out, const char *key, char *const *list)
{
    int code = ff_buf_printf(out, "\"%s\": [", key);

    for (size_t i = 0; list[i] && !code; i++) {
        code = i ? ff_buf_append_text(out, ", ") : 0;
        code = code ? code : ff_config_quote(out, list[i]);
    }
    return code ? code : ff_buf_append_text(out, "], ");
}

/* "key": {"a": {...}}, without secrets */
static int put_named(struct ff_buf *out, const char *key,
                     const struct ff_named_list *list)
{
    int code = ff_buf_printf(out, "\"%s\": {", key);

    for (size_t i = 0; i < list->count && !code; i++) {
        code = i ? ff_buf_append_text(out, ", ") : 0;
        code = code ? code : ff_config_quote(out, list->items[i].name);
        code = code ? code : ff_buf_printf(out, ": %s", list->items[i].redacted);
    }
    return code ? code : ff_buf_append_text(out, "}");
}

static int put_path(struct ff_buf *out, const struct ff_host *host)
{
    const char *dir;
    int code = ff_buf_append_text(out, "\"path\": [");

    for (size_t i = 0; !code && (dir = ff_registry_directory(host, i)); i++) {
        code = i ? ff_buf_append_text(out, ", ") : 0;
        code = code ? code : ff_config_quote(out, dir);
    }
    return code ? code : ff_buf_append_text(out, "], ");
}

static int put_config(struct ff_buf *out, const struct ff_host *host)
{
    const struct ff_config *c = host->config;
    int none = (host->services.flags & FF_HOST_NO_SYNC) != 0;
    int code = ff_buf_append_text(out, "{\"origin\": ");

    code = code ? code : ff_config_quote(out, c->origin);
    code = code ? code : ff_buf_append_text(out, ", \"plugins\": {");
    code = code ? code : put_path(out, host);
    code = code ? code : put_list(out, "enable", c->enable);
    code = code ? code : put_list(out, "disable", c->disable);
    code = code ? code : put_list(out, "require", c->require);
    code = code ? code : put_list(out, "owners", c->owners);
    code =
        code ? code : ff_buf_printf(out, "\"probe\": %s, ", c->probe ? "true" : "false");
    code = code ? code : put_named(out, "pins", &c->pins);
    code = code ? code : ff_buf_append_text(out, ", ");
    code = code ? code : put_named(out, "classes", &c->classes);
    code = code ? code : ff_buf_append_text(out, ", ");
    code = code ? code : put_named(out, "options", &c->options);
    code = code ? code : ff_buf_append_text(out, "}, ");
    code = code ? code : put_named(out, "storages", &c->storages);
    code = code ? code : ff_buf_append_text(out, ", \"default\": ");
    code = code                 ? code
           : c->default_storage ? ff_config_quote(out, c->default_storage)
                                : ff_buf_append_text(out, "null");
    return code ? code
                : ff_buf_printf(
                      out,
                      ", \"threads\": %u, \"memory\": %llu, \"durability\": \"%s\", "
                      "\"arrays\": {\"chunks\": %llu, \"inline\": %s}}",
                      host->services.threads, (unsigned long long)host->memory_bytes,
                      none ? "none" : "full",
                      (unsigned long long)ff_host_chunk_bytes(host),
                      c->inlines ? "true" : "false");
}

struct ff_doc *ff_config_show(const struct ff_host *host, struct ff_error *e)
{
    struct ff_buf text;
    struct ff_doc *doc = NULL;
    struct ff_value root = {NULL, 0};

    if ((e && e->code) || ff_host_check(host, e)) {
        return NULL;
    }
    ff_buf_init(&text, 4 * (size_t)FF_CONFIG_MAX_BYTES);
    if (put_config(&text, host)) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to show the configuration");
    } else if ((doc = ff_doc_new(e))) {
        root = ff_from_json(doc, ff_buf_text(&text), text.length_bytes, NULL, e);
        if (!root.doc || ff_doc_set_root(doc, root, e)) {
            ff_doc_free(doc);
            doc = NULL;
        }
    }
    ff_buf_free(&text);
    return doc;
}
