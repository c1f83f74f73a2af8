/* SPDX-License-Identifier: Apache-2.0 */
/* tree_order.c: an order of the items of sets that needs no identity. */
#include <errno.h>
#include <stdlib.h>

#include "core/base/digest.h"
#include "tree_own.h"

static uint64_t digest_of(const void *data, size_t size)
{
    uint8_t sha1[FF_SHA1_BYTES];
    uint64_t value = 0;
    (void)ff_digest_of(FF_DIGEST_SHA1, data, size, sha1);
    for (size_t i = 0; i < 8; i++) {
        value = value << 8 | sha1[i];
    }
    return value ? value : 1;
}

static int by_digest(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* An object by its class and the scalars that it was made of. */
static void describe_object(struct text *t, uint64_t cell)
{
    const struct ff_object_node *o = ff_cell_node(cell);
    const struct ff_seq *args = ff_cell_node(o->args);
    add(t, "object");
    for (size_t i = 0; i <= args->count; i++) {
        add(t, " ");
        if (!add_leaf(t, i ? args->cells[i - 1] : o->callable)) {
            add(t, "?");
        }
    }
}

/* The digest of what needs no other's; 0: of a tuple or frozenset that is not known yet. */
static uint64_t leaf_digest(struct text *t, struct ff_cellmap *digests, uint64_t cell)
{
    struct ff_buf text;
    struct text line = {&text, 0, t->doc};
    uint64_t *known = ff_cellmap_find(digests, cell);
    if (known || ff_tag(cell) == FF_TAG_TUPLE || ff_tag(cell) == FF_TAG_FROZENSET) {
        return known ? *known : 0;
    }
    ff_buf_init(&text, SIZE_MAX / 2);
    if (ff_tag(cell) == FF_TAG_OBJECT) {
        describe_object(&line, cell);
    } else if (!add_leaf(&line, cell)) {
        add(&line, "?");
    }
    t->failed = t->failed ? t->failed : line.failed;
    uint64_t digest = digest_of(text.data, text.length_bytes);
    ff_buf_free(&text);
    return digest;
}

/* Of a tuple or frozenset whose items' digests are known. */
static void keep_digest(struct text *t, struct ff_cellmap *digests, uint64_t cell)
{
    const struct ff_seq *seq = ff_cell_node(cell);
    uint64_t *items = calloc(seq->count + 1, sizeof *items);
    uint64_t *place = ff_cellmap_put(digests, cell);
    if (!items || !place) {
        t->failed = -ENOMEM;
        free(items);
        return;
    }
    for (size_t i = 0; i < seq->count; i++) {
        items[i + 1] = leaf_digest(t, digests, seq->cells[i]);
    }
    if (ff_tag(cell) == FF_TAG_FROZENSET) {
        qsort(items + 1, seq->count, sizeof *items, by_digest);
    }
    items[0] = ff_tag(cell) == FF_TAG_FROZENSET;
    *place = digest_of(items, (seq->count + 1) * sizeof *items);
    free(items);
}

uint64_t tree_digest(struct text *t, struct ff_cellmap *digests, uint64_t root)
{
    struct ff_vec waiting;
    ff_vec_init(&waiting, sizeof root, SIZE_MAX / 16);
    if (!leaf_digest(t, digests, root)) {
        t->failed = t->failed ? t->failed : ff_vec_append(&waiting, &root);
    }
    while (waiting.count && !t->failed) {
        uint64_t cell = *(uint64_t *)ff_vec_last(&waiting);
        const struct ff_seq *seq = ff_cell_node(cell);
        size_t before = waiting.count;
        for (size_t i = 0; i < seq->count && !t->failed; i++) {
            if (!leaf_digest(t, digests, seq->cells[i])) {
                t->failed = ff_vec_append(&waiting, &seq->cells[i]);
            }
        }
        if (waiting.count == before) {
            if (!leaf_digest(t, digests, cell)) {
                keep_digest(t, digests, cell);
            }
            ff_vec_pop(&waiting);
        }
    }
    ff_vec_free(&waiting);
    return leaf_digest(t, digests, root);
}
