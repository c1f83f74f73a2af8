/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_options.c: the options of a plugin for people, from its JSON Schema: a line each. */
#include "cli.h"

#include <stdlib.h>

struct text {
    char bytes[1024];
    size_t used;
};

static int add(void *ctx, const char *text, size_t size)
{
    struct text *t = ctx;
    size_t room = sizeof t->bytes - 1 - t->used;
    size = size < room ? size : room;
    memcpy(t->bytes + t->used, text, size);
    t->used += size;
    t->bytes[t->used] = 0;
    return 0;
}

static void add_text(struct text *t, const char *text)
{
    (void)add(t, text, strlen(text));
}

/* `before` and the value of a keyword, where the schema has it: a text as it is, else JSON. */
static void add_keyword(struct text *t, struct ff_value schema, const char *keyword,
                        const char *before)
{
    struct ff_value v = ff_get(schema, keyword);
    const char *text;
    size_t size;
    if (!v.doc) {
        return;
    }
    add_text(t, before);
    if (strcmp(keyword, "default") != 0 && !ff_str(v, &text, &size, NULL)) {
        (void)add(t, text, size);
    } else {
        (void)ff_to_json(v, add, t, NULL);
    }
}

static void print_options(const struct ff_cli *c, struct ff_value schema,
                          const char *above, int depth)
{
    struct ff_value properties = ff_get(schema, "properties");
    for (size_t i = 0; i < ff_length(properties); i++) {
        struct ff_value key, value;
        struct text t = {{0}, 0};
        char path[256];
        const char *name = "";
        size_t size = 0;
        (void)ff_item(properties, i, &key, &value, NULL);
        (void)ff_str(key, &name, &size, NULL);
        (void)snprintf(path, sizeof path, "%s%s%.*s", above, above[0] ? "." : "",
                       (int)size, name);
        add_text(&t, path);
        add_keyword(&t, value, "type", "  ");
        add_keyword(&t, value, "enum", "  one of ");
        add_keyword(&t, value, "minimum", "  from ");
        add_keyword(&t, value, "maximum", "  up to ");
        add_keyword(&t, value, "default", "  default ");
        add_keyword(&t, value, "description", "  ");
        (void)printf("%-9s ", "option");
        ff_print_name(c, t.bytes);
        (void)fputc('\n', stdout);
        if (depth) {
            print_options(c, value, path, depth - 1);
        }
    }
}

void ff_plugin_print_options(const struct ff_cli *c, const char *schema)
{
    struct ff_doc *doc = schema[0] ? ff_doc_new(NULL) : NULL;
    if (doc) {
        print_options(c, ff_from_json(doc, schema, strlen(schema), NULL, NULL), "", 2);
        ff_doc_free(doc);
    }
}
