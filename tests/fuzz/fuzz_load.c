/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_load.c: any bytes are loaded; what loads is looked at in every way there is, and copied. */
#include <stdlib.h>

#include "fuzz.h"

enum { MOST_TEXT = 1 << 20 };

static int to_text(void *buf, const char *text, size_t size)
{
    return ff_buf_append(buf, text, size) ? FF_E_LIMIT : FF_OK;
}

/* A failure for want of room is none. */
static void look(struct ff_value root)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_buf text;
    ff_buf_init(&text, MOST_TEXT);
    must(ff_show(root, 4096, 0, to_text, &text, &e) == FF_OK, "it cannot be shown");
    ff_buf_clear(&text);
    (void)ff_to_json(root, to_text, &text, &e);
    ff_buf_free(&text);
    (void)ff_equal(root, root, 10000, NULL);
}

/* Typed access to a value and its first items, whatever it is. */
static void touch(struct ff_value v, int depth)
{
    struct ff_value key, item;
    (void)ff_view(v);
    (void)ff_class_name(v);
    (void)ff_array(v, NULL);
    (void)ff_persistent(v, NULL, NULL, NULL, NULL, NULL);
    (void)ff_global(v, NULL, NULL, NULL);
    for (size_t i = 0; depth && i < ff_length(v) && i < 4; i++) {
        if (ff_item(v, i, &key, &item, NULL) == FF_OK) {
            touch(key, depth - 1);
            touch(item, depth - 1);
            (void)ff_get_item(v, key);
        }
    }
    for (int part = FF_PART_CALLABLE; depth && part <= FF_PART_SETTER; part++) {
        touch(ff_part(v, part), depth - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *doc = fuzz_load(data, size, &e);
    if (doc) {
        look(ff_doc_root(doc));
        touch(ff_doc_root(doc), 3);
        struct ff_doc *copy = ff_doc_new(NULL);
        must(ff_import(copy, ff_doc_root(doc), NULL).doc != NULL, "it cannot be copied");
        ff_doc_free(copy);
    }
    ff_doc_free(doc);
    return 0;
}
