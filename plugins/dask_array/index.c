/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: where the chunks are, read once into a table (Specification III.A.1 version 1
 * B-trees, VII.C the fixed array).
 */
#include "hdf.h"

#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/vec.h"

enum { LEVELS_MAX = 32, PAGES_MAX = 1 << 24 };

struct table {
    const struct hdf_file *file;
    const struct hdf_dataset *set;
    struct ff_vec entries;
    struct ff_error *error;
};

static int no_memory(const struct table *t)
{
    return ff_fail(t->error, FF_E_NO_MEMORY, t->file->name,
                   "no memory for the table of chunks");
}

static int damaged(const struct table *t)
{
    return hdf_damaged(t->file, t->error, "the index of its chunks");
}

/* One chunk; they come in the order of the grid. */
static int add(struct table *t, uint64_t chunk, uint64_t address, uint64_t size_bytes,
               uint32_t skipped)
{
    const struct hdf_entry *last = ff_vec_last(&t->entries);
    struct hdf_entry entry = {chunk, address, (uint32_t)size_bytes, skipped};

    if (chunk >= t->set->chunk_count || (last && last->chunk >= chunk) ||
        size_bytes > UINT32_MAX || !hdf_in_file(t->file, address, size_bytes) ||
        (t->set->filter_count == 0 && size_bytes != t->set->chunk_bytes)) {
        return damaged(t);
    }
    return ff_vec_append(&t->entries, &entry) ? no_memory(t) : FF_OK;
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

static int leaf_entry(struct table *t, struct hdf_cursor *c)
{
    uint64_t size_bytes = hdf_take(c, 4), first[FF_MAX_NDIM], chunk, address;
    uint32_t skipped = (uint32_t)hdf_take(c, 4);

    for (uint32_t i = 0; i < t->set->ndim; i++) {
        first[i] = hdf_take(c, 8);
    }
    (void)hdf_take(c, 8);
    address = hdf_take(c, 8);
    if (c->bad) {
        return damaged(t);
    }
    return place_of(t->set, first, &chunk) ? add(t, chunk, address, size_bytes, skipped)
                                           : damaged(t);
}

static int inner_entry(struct table *t, struct hdf_cursor *c, unsigned level,
                       struct ff_vec *todo)
{
    struct node child = {0, level};

    (void)hdf_take_bytes(c, 8 + 8 * ((uint64_t)t->set->ndim + 1));
    child.address = hdf_take(c, 8);
    if (c->bad) {
        return damaged(t);
    }
    return ff_vec_append(todo, &child) ? no_memory(t) : FF_OK;
}

/* The children are done before what was there: the last one is pushed first. */
static int tree_node(struct table *t, struct node at, struct ff_vec *todo)
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
        return damaged(t);
    }
    rc = hdf_read_new(t->file, at.address + sizeof head, used * pair_bytes, &body,
                      t->error);
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

/* Ends: each leaf has a chunk that was not there before, each inner node a child, and the
 * levels go down. */
static int read_tree(struct table *t, uint64_t root)
{
    struct ff_vec todo;
    struct node at = {root, LEVELS_MAX + 1};
    int rc = FF_OK;

    ff_vec_init(&todo, sizeof at, PAGES_MAX);
    do {
        rc = tree_node(t, at, &todo);
        if (rc == FF_OK && todo.count) {
            at = *(struct node *)ff_vec_last(&todo);
            ff_vec_pop(&todo);
        } else {
            break;
        }
    } while (!(rc = ff_cancelled(t->file->call) ? FF_E_CANCELLED : FF_OK));
    ff_vec_free(&todo);
    return rc == FF_E_CANCELLED ? ff_fail(t->error, rc, t->file->name, "cancelled") : rc;
}

static int read_single(struct table *t, const struct hdf_index_place *place)
{
    uint64_t size_bytes = place->single_bytes ? place->single_bytes : t->set->chunk_bytes;

    return place->address == HDF_UNDEFINED
               ? FF_OK
               : add(t, 0, place->address, size_bytes, place->single_skipped);
}

struct fixed {
    unsigned entry_bytes;
    unsigned page_bits;
    bool filtered;
    uint64_t count;   /* of entries */
    uint64_t address; /* of the data block */
};

static bool sum_is_right(const uint8_t *data, uint64_t size_bytes)
{
    struct hdf_cursor c = {data + size_bytes, data + size_bytes + 4, false};

    return hdf_lookup3(data, (size_t)size_bytes) == hdf_take(&c, 4);
}

static int read_fixed_head(struct table *t, uint64_t address, struct fixed *f)
{
    uint8_t head[28];
    struct hdf_cursor c = {head + 5, head + 24, false};
    int rc = hdf_read(t->file, address, head, sizeof head, t->error);

    if (rc) {
        return rc;
    }
    f->filtered = hdf_take(&c, 1) == 1;
    f->entry_bytes = (unsigned)hdf_take(&c, 1);
    f->page_bits = (unsigned)hdf_take(&c, 1);
    f->count = hdf_take(&c, 8);
    f->address = hdf_take(&c, 8);
    if (memcmp(head, "FAHD", 4) != 0 || !sum_is_right(head, 24) || f->page_bits > 24 ||
        (f->filtered ? f->entry_bytes < 13 || f->entry_bytes > 20
                     : f->entry_bytes != 8) ||
        f->filtered != (t->set->filter_count > 0) || f->count != t->set->chunk_count) {
        return damaged(t);
    }
    return FF_OK;
}

static int fixed_entries(struct table *t, const struct fixed *f, struct hdf_cursor c,
                         uint64_t first, uint64_t count)
{
    int rc = FF_OK;

    for (uint64_t i = 0; rc == FF_OK && i < count; i++) {
        uint64_t address = hdf_take(&c, 8), size_bytes = t->set->chunk_bytes;
        uint32_t skipped = 0;

        if (f->filtered) {
            size_bytes = hdf_take(&c, f->entry_bytes - 12);
            skipped = (uint32_t)hdf_take(&c, 4);
        }
        if (address != HDF_UNDEFINED) {
            rc = add(t, first + i, address, size_bytes, skipped);
        }
    }
    return rc;
}

static int fixed_page(struct table *t, const struct fixed *f, uint64_t address,
                      uint64_t first, uint64_t count)
{
    uint64_t page_bytes = count * f->entry_bytes;
    uint8_t *page;
    int rc = hdf_read_new(t->file, address, (size_t)page_bytes + 4, &page, t->error);

    if (rc == FF_OK && !sum_is_right(page, page_bytes)) {
        rc = damaged(t);
    }
    if (rc == FF_OK) {
        rc = fixed_entries(t, f, (struct hdf_cursor){page, page + page_bytes, false},
                           first, count);
    }
    ff_free(page);
    return rc;
}

/* Entries in one block, or in pages; a bit for each page says that it was written. */
static int read_fixed(struct table *t, uint64_t address)
{
    struct fixed f;
    uint64_t page_count, at, per_page, map_bytes;
    uint8_t *start = NULL;
    int rc = read_fixed_head(t, address, &f);

    if (rc || f.address == HDF_UNDEFINED) {
        return rc;
    }
    per_page = 1ull << f.page_bits;
    page_count = f.count > per_page ? (f.count - 1) / per_page + 1 : 0;
    map_bytes = page_count / 8 + (page_count % 8 != 0);
    at = 14 + (page_count ? map_bytes : f.count * f.entry_bytes);
    if (f.count > t->file->size_bytes / f.entry_bytes + per_page ||
        map_bytes > PAGES_MAX) {
        return damaged(t);
    }
    rc = hdf_read_new(t->file, f.address, (size_t)at + 4, &start, t->error);
    if (rc == FF_OK && (memcmp(start, "FADB", 4) != 0 || !sum_is_right(start, at))) {
        rc = damaged(t);
    }
    if (rc == FF_OK && page_count == 0) {
        rc = fixed_entries(t, &f, (struct hdf_cursor){start + 14, start + at, false}, 0,
                           f.count);
    }
    for (uint64_t i = 0; rc == FF_OK && i < page_count; i++) {
        uint64_t first = i * per_page;
        uint64_t count = f.count - first < per_page ? f.count - first : per_page;

        if (start[14 + i / 8] & (0x80u >> (i % 8))) {
            rc =
                fixed_page(t, &f, f.address + at + 4 + i * (per_page * f.entry_bytes + 4),
                           first, count);
        }
    }
    ff_free(start);
    return rc;
}

int hdf_index_read(struct hdf_inst *inst, const struct hdf_file *file,
                   const struct hdf_index_place *place, struct hdf_dataset *set,
                   struct ff_error *e)
{
    struct table t = {.file = file, .set = set, .error = e};
    int rc = FF_OK;

    if (place->kind != HDF_INDEX_SINGLE && place->address == HDF_UNDEFINED) {
        return FF_OK; /* no chunk was ever written */
    }
    if (place->kind == HDF_INDEX_EXTENSIBLE || place->kind == HDF_INDEX_BTREE2) {
        return hdf_index_ask(inst, file, set, e);
    }
    ff_vec_init(&t.entries, sizeof(struct hdf_entry),
                SIZE_MAX / sizeof(struct hdf_entry));
    rc = place->kind == HDF_INDEX_SINGLE  ? read_single(&t, place)
         : place->kind == HDF_INDEX_FIXED ? read_fixed(&t, place->address)
                                          : read_tree(&t, place->address);
    if (rc == FF_OK) {
        set->entries = ff_vec_steal(&t.entries, &set->entry_count);
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
