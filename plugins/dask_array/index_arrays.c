/* SPDX-License-Identifier: Apache-2.0 */
/* index_arrays.c: fixed and extensible arrays of chunks (Specification VII.C and VII.D; the
 * sizes of the blocks: H5EA__hdr_init() and H5EA__lookup_elmt() of libhdf5 1.10). An element
 * stands for the cell of its number, in C order over the grid that the data set may grow to;
 * in an extensible array the axis without an end is the slowest.
 */
#include "index.h"

#include "core/base/alloc.h"
#include "core/base/checked.h"

enum {
    FILTERED_EXTRA_BYTES = 12, /* beside the size: address and filter mask */
    BLOCK_HEAD_BYTES = 14,     /* signature, version, client, address of the header */
    PAGE_BITS_MAX = 24,
    ELEMENT_BITS_MAX = 56
};

struct array {
    struct hdf_table *table;
    bool filtered;
    unsigned entry_bytes;
    uint64_t page_count; /* elements of a page */
    uint64_t address;    /* of its first block */
    uint32_t slowest;    /* axis */
    /* of fixed arrays */
    uint64_t count; /* elements */
    /* of extensible ones */
    uint64_t first_count; /* elements of the index block */
    uint64_t least_count; /* of a data block */
    unsigned super_bits; /* log2 of the data blocks that a secondary block has at least */
    unsigned groups; /* of data blocks: the index block's, then the secondary blocks' */
    unsigned offset_bytes;
};

static bool head_is_sound(struct array *a, unsigned client)
{
    a->filtered = client == 1;
    return a->filtered == (a->table->set->filter_count > 0) &&
           (a->filtered ? a->entry_bytes > FILTERED_EXTRA_BYTES &&
                              a->entry_bytes <= FILTERED_EXTRA_BYTES + 8
                        : a->entry_bytes == 8);
}

static int add_cell(const struct array *a, uint64_t cell, uint64_t address,
                    uint64_t size_bytes, uint32_t skipped)
{
    const struct hdf_dataset *d = a->table->set;
    uint64_t at[FF_MAX_NDIM], chunk = 0;

    for (uint32_t i = d->ndim; i-- > 0;) {
        if (i != a->slowest) {
            at[i] = cell % a->table->place->cells[i];
            cell /= a->table->place->cells[i];
        }
    }
    at[a->slowest] = cell;
    for (uint32_t i = 0; i < d->ndim; i++) {
        if (at[i] >= (uint64_t)d->grid[i]) {
            return hdf_table_damaged(a->table);
        }
        chunk = chunk * (uint64_t)d->grid[i] + at[i];
    }
    return hdf_table_add(a->table, chunk, address, size_bytes, skipped);
}

/* `first` is the number of the first of them. */
static int elements(const struct array *a, struct hdf_cursor c, uint64_t first,
                    uint64_t count)
{
    int rc = FF_OK;

    for (uint64_t i = 0; rc == FF_OK && i < count; i++) {
        uint64_t address = hdf_take(&c, 8), size_bytes = a->table->set->chunk_bytes;
        uint32_t skipped = 0;

        if (a->filtered) {
            size_bytes = hdf_take(&c, a->entry_bytes - FILTERED_EXTRA_BYTES);
            skipped = (uint32_t)hdf_take(&c, 4);
        }
        if (c.bad) {
            return hdf_table_damaged(a->table);
        }
        if (address != HDF_UNDEFINED) {
            rc = add_cell(a, first + i, address, size_bytes, skipped);
        }
    }
    return rc;
}

static int page(const struct array *a, uint64_t address, uint64_t first, uint64_t count)
{
    uint64_t size_bytes = count * a->entry_bytes;
    uint8_t *data;
    int rc = hdf_table_sealed(a->table, address, size_bytes, NULL, &data);

    if (rc == FF_OK) {
        rc = elements(a, (struct hdf_cursor){data, data + size_bytes, false}, first,
                      count);
    }
    ff_free(data);
    return rc;
}

static bool bit(const uint8_t *map, uint64_t i)
{
    return map[i / 8] & (0x80u >> (i % 8));
}

/* ---- fixed ---- */

/* Overflow: no index has that many cells. */
static bool cell_count(const struct hdf_table *t, uint64_t *count)
{
    *count = 1;
    for (uint32_t i = 0; i < t->set->ndim; i++) {
        if (!ff_mul_u64(*count, t->place->cells[i], count)) {
            return false;
        }
    }
    return true;
}

static int fixed_head(struct array *a)
{
    uint64_t cells;
    uint8_t *head;
    struct hdf_cursor c;
    unsigned client, page_bits;
    bool ok;
    int rc = hdf_table_sealed(a->table, a->table->place->address, 24, "FAHD", &head);

    if (rc) {
        return rc;
    }
    c = (struct hdf_cursor){head + 5, head + 24, false};
    client = (unsigned)hdf_take(&c, 1);
    a->entry_bytes = (unsigned)hdf_take(&c, 1);
    page_bits = (unsigned)hdf_take(&c, 1);
    a->count = hdf_take(&c, 8);
    a->address = hdf_take(&c, 8);
    ff_free(head);
    ok = page_bits <= PAGE_BITS_MAX && head_is_sound(a, client) &&
         cell_count(a->table, &cells) && a->count == cells;
    a->page_count = ok ? 1ull << page_bits : 1;
    return ok ? FF_OK : hdf_table_damaged(a->table);
}

static int fixed_pages(const struct array *a, const uint8_t *map, uint64_t address)
{
    uint64_t page_bytes = a->page_count * a->entry_bytes + 4;
    int rc = FF_OK;

    for (uint64_t i = 0; rc == FF_OK && i * a->page_count < a->count; i++) {
        uint64_t first = i * a->page_count, left = a->count - first;

        if (bit(map, i)) {
            rc = page(a, address + i * page_bytes, first,
                      left < a->page_count ? left : a->page_count);
        }
    }
    return rc;
}

/* Entries in one block, or in pages; a bit for each page says that it was written. */
int hdf_index_fixed(struct hdf_table *t)
{
    struct array a = {.table = t};
    uint64_t body_bytes, pages;
    uint8_t *block;
    int rc = fixed_head(&a);

    if (rc || a.address == HDF_UNDEFINED) {
        return rc;
    }
    pages = a.count > a.page_count ? (a.count - 1) / a.page_count + 1 : 0;
    if (pages ? !ff_add_u64(pages, 7, &body_bytes)
              : !ff_mul_u64(a.count, a.entry_bytes, &body_bytes)) {
        return hdf_table_damaged(t);
    }
    body_bytes = pages ? body_bytes / 8 : body_bytes;
    if (body_bytes >= t->left_bytes) {
        return hdf_table_damaged(t);
    }
    rc = hdf_table_sealed(t, a.address, BLOCK_HEAD_BYTES + body_bytes, "FADB", &block);
    if (rc == FF_OK) {
        uint8_t *body = block + BLOCK_HEAD_BYTES;

        rc = pages ? fixed_pages(&a, body, a.address + BLOCK_HEAD_BYTES + body_bytes + 4)
                   : elements(&a, (struct hdf_cursor){body, body + body_bytes, false}, 0,
                              a.count);
    }
    ff_free(block);
    return rc;
}

/* ---- extensible ---- */

static bool log2_of(uint64_t value, unsigned *bits)
{
    *bits = 0;
    while (value >> *bits > 1) {
        (*bits)++;
    }
    return value == 1ull << *bits;
}

/* The one axis without an end. */
static bool find_slowest(struct array *a)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < a->table->set->ndim; i++) {
        bool endless = a->table->place->cells[i] == UINT64_MAX;

        a->slowest = endless ? i : a->slowest;
        found += endless;
    }
    return found == 1;
}

static int extensible_head(struct array *a)
{
    uint8_t *head;
    struct hdf_cursor c;
    unsigned client, element_bits, least_bits, page_bits;
    uint64_t supers;
    bool ok;
    int rc = hdf_table_sealed(a->table, a->table->place->address, 68, "EAHD", &head);

    if (rc) {
        return rc;
    }
    c = (struct hdf_cursor){head + 5, head + 68, false};
    client = (unsigned)hdf_take(&c, 1);
    a->entry_bytes = (unsigned)hdf_take(&c, 1);
    element_bits = (unsigned)hdf_take(&c, 1);
    a->first_count = hdf_take(&c, 1);
    a->least_count = hdf_take(&c, 1);
    supers = hdf_take(&c, 1);
    page_bits = (unsigned)hdf_take(&c, 1);
    (void)hdf_take_bytes(&c, 6 * 8); /* statistics */
    a->address = hdf_take(&c, 8);
    ff_free(head);
    ok = page_bits <= PAGE_BITS_MAX && element_bits <= ELEMENT_BITS_MAX &&
         head_is_sound(a, client) && find_slowest(a) && log2_of(supers, &a->super_bits) &&
         log2_of(a->least_count, &least_bits) && least_bits <= element_bits &&
         2 * a->super_bits <= 1 + element_bits - least_bits &&
         a->least_count << a->super_bits <= 1ull << page_bits;
    if (!ok) {
        return hdf_table_damaged(a->table);
    }
    a->groups = 1 + element_bits - least_bits;
    a->page_count = 1ull << page_bits;
    a->offset_bytes = (element_bits + 7) / 8;
    return FF_OK;
}

/* Group g: 2^(g / 2) data blocks of least_count * 2^((g + 1) / 2) elements; all groups before it
 * have least_count * (2^g - 1). */
struct group {
    uint64_t blocks, count, first;
};

static struct group group_of(const struct array *a, unsigned g)
{
    return (struct group){1ull << g / 2, a->least_count << (g + 1) / 2,
                          a->first_count + a->least_count * ((1ull << g) - 1)};
}

/* `map`: of its pages, which of them were written; NULL where it has none. */
static int data_block(const struct array *a, uint64_t address, const uint8_t *map,
                      uint64_t map_first, uint64_t first, uint64_t count)
{
    uint64_t head_bytes = BLOCK_HEAD_BYTES + a->offset_bytes;
    uint64_t body_bytes = map ? 0 : count * a->entry_bytes;
    uint64_t page_bytes = a->page_count * a->entry_bytes + 4;
    uint8_t *block;
    int rc = hdf_table_sealed(a->table, address, head_bytes + body_bytes, "EADB", &block);

    if (rc == FF_OK && !map) {
        rc = elements(a,
                      (struct hdf_cursor){block + head_bytes,
                                          block + head_bytes + body_bytes, false},
                      first, count);
    }
    for (uint64_t i = 0; rc == FF_OK && map && i < count / a->page_count; i++) {
        if (bit(map, map_first + i)) {
            rc = page(a, address + head_bytes + 4 + i * page_bytes,
                      first + i * a->page_count, a->page_count);
        }
    }
    ff_free(block);
    return rc;
}

/* A secondary block: bits for the pages of its data blocks, then their addresses. */
static int secondary_block(const struct array *a, uint64_t address, unsigned g)
{
    struct group group = group_of(a, g);
    uint64_t pages = group.count > a->page_count ? group.count / a->page_count : 0;
    uint64_t map_bytes = group.blocks * ((pages + 7) / 8);
    uint64_t head_bytes = BLOCK_HEAD_BYTES + a->offset_bytes;
    uint64_t size_bytes = head_bytes + map_bytes + 8 * group.blocks;
    uint8_t *block;
    struct hdf_cursor c;
    int rc = hdf_table_sealed(a->table, address, size_bytes, "EASB", &block);

    if (rc) {
        return rc;
    }
    c = (struct hdf_cursor){block + head_bytes + map_bytes, block + size_bytes, false};
    for (uint64_t i = 0; rc == FF_OK && i < group.blocks; i++) {
        uint64_t at = hdf_take(&c, 8);

        if (at != HDF_UNDEFINED) {
            rc = data_block(a, at, pages ? block + head_bytes : NULL, i * pages,
                            group.first + i * group.count, group.count);
        }
    }
    ff_free(block);
    return rc;
}

/* Elements, the addresses of the data blocks of the first groups, and of a secondary block for
 * each other group. */
static int index_block(const struct array *a, struct hdf_cursor c)
{
    int rc = elements(a, c, 0, a->first_count);

    (void)hdf_take_bytes(&c, a->first_count * a->entry_bytes);
    for (unsigned g = 0; rc == FF_OK && g < a->groups; g++) {
        struct group group = group_of(a, g);
        bool direct = g < 2 * a->super_bits;

        for (uint64_t i = 0; rc == FF_OK && i < (direct ? group.blocks : 1); i++) {
            uint64_t at = hdf_take(&c, 8);

            if (at != HDF_UNDEFINED) {
                rc = direct ? data_block(a, at, NULL, 0, group.first + i * group.count,
                                         group.count)
                            : secondary_block(a, at, g);
            }
        }
    }
    return rc;
}

int hdf_index_extensible(struct hdf_table *t)
{
    struct array a = {.table = t};
    uint64_t size_bytes;
    uint8_t *block;
    int rc = extensible_head(&a);

    t->any_order = true;
    if (rc || a.address == HDF_UNDEFINED) {
        return rc;
    }
    size_bytes = BLOCK_HEAD_BYTES + a.first_count * a.entry_bytes +
                 8 * (2 * ((1ull << a.super_bits) - 1)) +
                 8 * (uint64_t)(a.groups - 2 * a.super_bits);
    rc = hdf_table_sealed(t, a.address, size_bytes, "EAIB", &block);
    if (rc == FF_OK) {
        rc = index_block(
            &a, (struct hdf_cursor){block + BLOCK_HEAD_BYTES, block + size_bytes, false});
    }
    ff_free(block);
    return rc;
}
