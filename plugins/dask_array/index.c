/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: where the chunks are, read once into a table (Specification III.A.1: version 1
 * B-trees).
 */
#include "index.h"

#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"

enum { LEVELS_MAX = 32, NODES_MAX = 1 << 24 };

static int no_memory(const struct hdf_table *t)
{
    return ff_fail(t->error, FF_E_NO_MEMORY, t->file->name,
                   "no memory for the table of chunks");
}

int hdf_table_damaged(const struct hdf_table *t)
{
    return hdf_damaged(t->file, t->error, "the index of its chunks");
}

int hdf_table_add(struct hdf_table *t, uint64_t chunk, uint64_t address,
                  uint64_t size_bytes, uint32_t skipped)
{
    const struct hdf_entry *last = ff_vec_last(&t->entries);
    struct hdf_entry entry = {chunk, address, (uint32_t)size_bytes, skipped};
    bool in_order = !last || last->chunk < chunk;

    if (chunk >= t->set->chunk_count || (!in_order && !t->any_order) ||
        size_bytes > UINT32_MAX || !hdf_in_file(t->file, address, size_bytes) ||
        (t->set->filter_count == 0 && size_bytes != t->set->chunk_bytes)) {
        return hdf_table_damaged(t);
    }
    t->mixed = t->mixed || !in_order;
    return ff_vec_append(&t->entries, &entry) ? no_memory(t) : FF_OK;
}

int hdf_table_block(struct hdf_table *t, uint64_t address, uint64_t size_bytes,
                    uint8_t **out)
{
    *out = NULL;
    if (size_bytes > t->left_bytes) {
        return hdf_table_damaged(t);
    }
    if (ff_cancelled(t->file->call)) {
        return ff_fail(t->error, FF_E_CANCELLED, t->file->name, "cancelled");
    }
    t->left_bytes -= size_bytes;
    return hdf_read_new(t->file, address, (size_t)size_bytes, out, t->error);
}

int hdf_table_sealed(struct hdf_table *t, uint64_t address, uint64_t size_bytes,
                     const char *signature, uint8_t **out)
{
    struct hdf_cursor sum;
    int rc = size_bytes < t->left_bytes ? hdf_table_block(t, address, size_bytes + 4, out)
                                        : hdf_table_damaged(t);

    if (rc) {
        return rc;
    }
    sum = (struct hdf_cursor){*out + size_bytes, *out + size_bytes + 4, false};
    if (hdf_lookup3(*out, (size_t)size_bytes) != hdf_take(&sum, 4) ||
        (signature && (size_bytes < 6 || memcmp(*out, signature, 4) != 0 || (*out)[4]))) {
        ff_free(*out);
        *out = NULL;
        return hdf_table_damaged(t);
    }
    return FF_OK;
}

/* The place in the grid of a chunk whose first element this is. */
static bool place_of(const struct hdf_dataset *d, const uint64_t *first, uint64_t *chunk)
{
    uint64_t place = 0;

    for (uint32_t i = 0; i < d->ndim; i++) {
        if (first[i] % (uint64_t)d->chunk[i] || first[i] >= (uint64_t)d->shape[i]) {
            return false;
        }
        place = place * (uint64_t)d->grid[i] + first[i] / (uint64_t)d->chunk[i];
    }
    *chunk = place;
    return true;
}

struct node {
    uint64_t address;
    unsigned level; /* of the node above */
};

static int leaf_entry(struct hdf_table *t, struct hdf_cursor *c)
{
    uint64_t size_bytes = hdf_take(c, 4), first[FF_MAX_NDIM], chunk, address;
    uint32_t skipped = (uint32_t)hdf_take(c, 4);

    for (uint32_t i = 0; i < t->set->ndim; i++) {
        first[i] = hdf_take(c, 8);
    }
    (void)hdf_take(c, 8);
    address = hdf_take(c, 8);
    if (c->bad) {
        return hdf_table_damaged(t);
    }
    return place_of(t->set, first, &chunk)
               ? hdf_table_add(t, chunk, address, size_bytes, skipped)
               : hdf_table_damaged(t);
}

static int inner_entry(struct hdf_table *t, struct hdf_cursor *c, unsigned level,
                       struct ff_vec *todo)
{
    struct node child = {0, level};

    (void)hdf_take_bytes(c, 8 + 8 * ((uint64_t)t->set->ndim + 1));
    child.address = hdf_take(c, 8);
    if (c->bad) {
        return hdf_table_damaged(t);
    }
    return ff_vec_append(todo, &child) ? no_memory(t) : FF_OK;
}

/* The children are done before what was there: the last one is pushed first. The levels go
 * down, and each leaf must have a chunk that comes behind all before: so it ends. */
static int tree_node(struct hdf_table *t, struct node at, struct ff_vec *todo)
{
    size_t pair_bytes = 8 + 8 * ((size_t)t->set->ndim + 1) + 8;
    size_t begun = todo->count;
    uint8_t head[24], *body = NULL;
    struct hdf_cursor c;
    unsigned used;
    int rc = hdf_read(t->file, at.address, head, sizeof head, t->error);

    if (rc) {
        return rc;
    }
    used = (unsigned)(head[6] | head[7] << 8);
    if (memcmp(head, "TREE", 4) != 0 || head[4] != 1 || head[5] >= at.level ||
        (at.level <= LEVELS_MAX && head[5] + 1u != at.level) || head[5] >= LEVELS_MAX ||
        (used == 0 && at.level <= LEVELS_MAX)) {
        return hdf_table_damaged(t);
    }
    rc = hdf_table_block(t, at.address + sizeof head, used * pair_bytes, &body);
    c = (struct hdf_cursor){body, body ? body + used * pair_bytes : NULL, false};
    for (unsigned i = 0; rc == FF_OK && i < used; i++) {
        rc = head[5] ? inner_entry(t, &c, head[5], todo) : leaf_entry(t, &c);
    }
    ff_free(body);
    for (size_t i = begun, j = todo->count; i + 1 < j; i++, j--) {
        struct node *a = ff_vec_at(todo, i), *b = ff_vec_at(todo, j - 1), kept = *a;

        *a = *b;
        *b = kept;
    }
    return rc;
}

static int read_tree(struct hdf_table *t, uint64_t root)
{
    struct ff_vec todo;
    struct node at = {root, LEVELS_MAX + 1};
    int rc = FF_OK;

    ff_vec_init(&todo, sizeof at, NODES_MAX);
    for (bool more = true; rc == FF_OK && more;) {
        rc = tree_node(t, at, &todo);
        more = todo.count > 0;
        if (more) {
            at = *(struct node *)ff_vec_last(&todo);
            ff_vec_pop(&todo);
        }
    }
    ff_vec_free(&todo);
    return rc;
}

static int read_single(struct hdf_table *t, const struct hdf_index_place *place)
{
    uint64_t size_bytes = place->single_bytes ? place->single_bytes : t->set->chunk_bytes;

    return place->address == HDF_UNDEFINED || t->set->chunk_count == 0
               ? FF_OK
               : hdf_table_add(t, 0, place->address, size_bytes, place->single_skipped);
}

/* Unfiltered chunks one behind the other, also those that the data set may grow to. */
static int read_implicit(struct hdf_table *t, uint64_t base)
{
    const struct hdf_dataset *d = t->set;
    int rc = FF_OK;

    for (uint64_t chunk = 0; rc == FF_OK && chunk < d->chunk_count; chunk++) {
        uint64_t rest = chunk, cell = 0, cells = 1, offset;

        for (uint32_t i = d->ndim; i-- > 0; rest /= (uint64_t)d->grid[i]) {
            cell += rest % (uint64_t)d->grid[i] * cells;
            cells *= t->place->cells[i];
        }
        rc =
            ff_mul_u64(cell, d->chunk_bytes, &offset) && ff_add_u64(base, offset, &offset)
                ? hdf_table_add(t, chunk, offset, d->chunk_bytes, 0)
                : hdf_table_damaged(t);
    }
    return rc;
}

static int read_any(struct hdf_table *t)
{
    switch (t->place->kind) {
    case HDF_INDEX_SINGLE:
        return read_single(t, t->place);
    case HDF_INDEX_IMPLICIT:
        return read_implicit(t, t->place->address);
    case HDF_INDEX_FIXED:
        return hdf_index_fixed(t);
    case HDF_INDEX_EXTENSIBLE:
        return hdf_index_extensible(t);
    case HDF_INDEX_BTREE2:
        return hdf_index_btree2(t);
    default:
        return read_tree(t, t->place->address);
    }
}

static int by_chunk(const void *a, const void *b)
{
    uint64_t x = ((const struct hdf_entry *)a)->chunk;
    uint64_t y = ((const struct hdf_entry *)b)->chunk;

    return x < y ? -1 : x > y;
}

int hdf_index_read(const struct hdf_file *file, const struct hdf_index_place *place,
                   struct hdf_dataset *set, struct ff_error *e)
{
    struct hdf_table t = {.file = file,
                          .set = set,
                          .place = place,
                          .left_bytes = file->size_bytes,
                          .error = e};
    int rc;

    if (place->kind != HDF_INDEX_SINGLE && place->address == HDF_UNDEFINED) {
        return FF_OK; /* no chunk was ever written */
    }
    ff_vec_init(&t.entries, sizeof(struct hdf_entry),
                SIZE_MAX / sizeof(struct hdf_entry));
    rc = read_any(&t);
    if (rc == FF_OK) {
        set->entries = ff_vec_steal(&t.entries, &set->entry_count);
    }
    if (rc == FF_OK && t.mixed) {
        qsort(set->entries, set->entry_count, sizeof *set->entries, by_chunk);
    }
    ff_vec_free(&t.entries);
    return rc;
}

static int compare(const void *key, const void *item)
{
    uint64_t a = *(const uint64_t *)key, b = ((const struct hdf_entry *)item)->chunk;

    return a < b ? -1 : a > b;
}

bool hdf_entry_of(const struct hdf_dataset *d, uint64_t chunk, struct hdf_entry *out)
{
    const struct hdf_entry *found = NULL;

    if (d->layout == HDF_PLACED) {
        *out = (struct hdf_entry){chunk, d->base + chunk * d->chunk_bytes,
                                  (uint32_t)d->chunk_bytes, 0};
        return d->base != HDF_UNDEFINED;
    }
    if (chunk < d->entry_count && d->entries[chunk].chunk == chunk) {
        found = &d->entries[chunk];
    } else if (d->entry_count) {
        found = bsearch(&chunk, d->entries, d->entry_count, sizeof *found, compare);
    }
    if (found) {
        *out = *found;
    }
    return found != NULL;
}
