/* SPDX-License-Identifier: Apache-2.0 */
/* json.c: what --json prints, built as a document of the library. */
#include "cli.h"

#include <stdlib.h>

#define JSON_VERSION 1

void ff_json_begin(struct ff_json *j, struct ff_error *e)
{
    j->e = e;
    j->doc = ff_doc_new(e);
    j->root = ff_new_dict(j->doc, e);
    ff_json_int(j, j->root, "version", JSON_VERSION);
}

/* A str; what is not UTF-8 escaped. */
static struct ff_value new_text(struct ff_json *j, const char *text)
{
    struct ff_error failed = FF_ERROR_INIT;
    struct ff_value v;
    char *escaped = NULL;
    size_t size = 0;
    FILE *f;
    if (!text) {
        return ff_new_none(j->doc);
    }
    v = ff_new_str(j->doc, text, SIZE_MAX, &failed);
    if (failed.code != FF_E_USAGE) {
        return failed.code ? ff_new_str(j->doc, text, SIZE_MAX, j->e) : v;
    }
    f = open_memstream(&escaped, &size);
    if (f) {
        ff_print_safe(f, text, strlen(text), 1);
        (void)fclose(f);
    }
    v = ff_new_str(j->doc, escaped ? escaped : "", SIZE_MAX, j->e);
    free(escaped);
    return v;
}

void ff_json_text(struct ff_json *j, struct ff_value dict, const char *key,
                  const char *text)
{
    (void)ff_set(j->doc, dict, key, new_text(j, text), j->e);
}

void ff_json_int(struct ff_json *j, struct ff_value dict, const char *key, int64_t number)
{
    (void)ff_set(j->doc, dict, key, ff_new_int(j->doc, number, j->e), j->e);
}

void ff_json_flag(struct ff_json *j, struct ff_value dict, const char *key, int on)
{
    (void)ff_set(j->doc, dict, key, ff_new_bool(j->doc, on), j->e);
}

void ff_json_copy(struct ff_json *j, struct ff_value dict, const char *key,
                  struct ff_value v)
{
    (void)ff_set(j->doc, dict, key, ff_import(j->doc, v, j->e), j->e);
}

struct ff_value ff_json_list(struct ff_json *j, struct ff_value dict, const char *key)
{
    struct ff_value list = ff_new_list(j->doc, j->e);
    (void)ff_set(j->doc, dict, key, list, j->e);
    return list;
}

struct ff_value ff_json_dict(struct ff_json *j, struct ff_value dict, const char *key)
{
    struct ff_value made = ff_new_dict(j->doc, j->e);
    (void)ff_set(j->doc, dict, key, made, j->e);
    return made;
}

struct ff_value ff_json_add_dict(struct ff_json *j, struct ff_value list)
{
    struct ff_value made = ff_new_dict(j->doc, j->e);
    (void)ff_append(j->doc, list, made, j->e);
    return made;
}

void ff_json_add_text(struct ff_json *j, struct ff_value list, const char *text)
{
    (void)ff_append(j->doc, list, new_text(j, text), j->e);
}

void ff_json_add_ints(struct ff_json *j, struct ff_value dict, const char *key,
                      const int64_t *numbers, int32_t count)
{
    struct ff_value list = ff_json_list(j, dict, key);
    for (int32_t i = 0; i < count; i++) {
        (void)ff_append(j->doc, list, ff_new_int(j->doc, numbers[i], j->e), j->e);
    }
}

int ff_json_end(struct ff_cli *c, struct ff_json *j)
{
    int rc = ff_to_json(j->root, ff_print_text, c, j->e);
    (void)fputc('\n', stdout);
    ff_doc_free(j->doc);
    return rc;
}
