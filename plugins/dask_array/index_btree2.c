/* SPDX-License-Identifier: Apache-2.0 */
/* index_btree2.c: version 2 B-trees of chunks (Specification III.A.2, record types 10 and 11;
 * the widths of the counts: H5B2__hdr_init() of libhdf5 1.10).
 */
#include "index.h"

#include "core/base/alloc.h"

enum {
    TYPE_PLAIN = 10,
    TYPE_FILTERED = 11,
    NODE_HEAD_BYTES = 6, /* signature, version, type */
    NODE_BYTES_MAX = 1 << 20,
    DEPTH_MAX = 16
};

/* A node that is being walked: child 0, record 0, child 1 and so on to the last child. */
struct node {
    uint8_t *data;
    unsigned depth;
    uint64_t records, next; /* next: record next / 2, or the child before it */
};

struct tree {
    struct hdf_table *table;
    unsigned record_bytes, size_bytes; /* size_bytes: the width of a chunk's size, or 0 */
    unsigned depth, type;
    uint32_t node_bytes;
    unsigned count_bytes; /* the width of a child's own count of records */
    /* the width of the count of all records below a node of that depth; 0 for a leaf */
    unsigned total_bytes[DEPTH_MAX + 1];
    uint64_t root, root_records;
    struct node path[DEPTH_MAX + 1];
    unsigned path_count;
};

/* H5VM_limit_enc_size() */
static unsigned width_of(uint64_t most)
{
    unsigned bytes = 1;

    while (bytes < 8 && most >> (8 * bytes)) {
        bytes++;
    }
    return bytes;
}

static unsigned pointer_bytes(const struct tree *t, unsigned depth)
{
    return 8 + t->count_bytes + t->total_bytes[depth - 1];
}

/* False: a node has no room for a record. */
static bool measure(struct tree *t)
{
    uint64_t room = t->node_bytes - NODE_HEAD_BYTES - 4;
    uint64_t records = room / t->record_bytes, total = records;

    t->count_bytes = width_of(records);
    t->total_bytes[0] = 0;
    for (unsigned i = 1; records && i <= t->depth; i++) {
        unsigned pointer = pointer_bytes(t, i);

        records = room > pointer ? (room - pointer) / (t->record_bytes + pointer) : 0;
        if (__builtin_mul_overflow(records + 1, total, &total) ||
            __builtin_add_overflow(total, records, &total)) {
            return false;
        }
        t->total_bytes[i] = width_of(total);
    }
    return records > 0;
}

static int head(struct tree *t)
{
    const struct hdf_dataset *d = t->table->set;
    unsigned plain_bytes = 8 + 8 * d->ndim;
    uint8_t *data;
    struct hdf_cursor c;
    bool ok;
    int rc = hdf_table_sealed(t->table, t->table->place->address, 34, "BTHD", &data);

    if (rc) {
        return rc;
    }
    c = (struct hdf_cursor){data + 5, data + 34, false};
    t->type = (unsigned)hdf_take(&c, 1);
    t->node_bytes = (uint32_t)hdf_take(&c, 4);
    t->record_bytes = (unsigned)hdf_take(&c, 2);
    t->depth = (unsigned)hdf_take(&c, 2);
    (void)hdf_take(&c, 2); /* when nodes are split and merged */
    t->root = hdf_take(&c, 8);
    t->root_records = hdf_take(&c, 2);
    ff_free(data);
    ok = t->type == (d->filter_count ? TYPE_FILTERED : TYPE_PLAIN) &&
         t->node_bytes <= NODE_BYTES_MAX && t->node_bytes > NODE_HEAD_BYTES + 4 &&
         t->depth <= DEPTH_MAX &&
         (d->filter_count ? t->record_bytes > plain_bytes + 4 &&
                                t->record_bytes <= plain_bytes + 4 + 8
                          : t->record_bytes == plain_bytes) &&
         measure(t);
    t->size_bytes = d->filter_count && ok ? t->record_bytes - plain_bytes - 4 : 0;
    return ok ? FF_OK : hdf_table_damaged(t->table);
}

static int enter(struct tree *t, uint64_t address, uint64_t records, unsigned depth)
{
    struct node *n = &t->path[t->path_count];
    uint64_t size_bytes = NODE_HEAD_BYTES + records * t->record_bytes +
                          (depth ? (records + 1) * pointer_bytes(t, depth) : 0);
    int rc;

    if (records == 0 || records > t->node_bytes || size_bytes + 4 > t->node_bytes) {
        return hdf_table_damaged(t->table);
    }
    *n = (struct node){NULL, depth, records, 0};
    rc = hdf_table_sealed(t->table, address, size_bytes, depth ? "BTIN" : "BTLF",
                          &n->data);
    if (rc == FF_OK) {
        t->path_count++;
    }
    return rc ? rc : n->data[5] != t->type ? hdf_table_damaged(t->table) : FF_OK;
}

static int enter_child(struct tree *t, const struct node *n, uint64_t i)
{
    unsigned width = pointer_bytes(t, n->depth);
    const uint8_t *at =
        n->data + NODE_HEAD_BYTES + n->records * t->record_bytes + i * width;
    struct hdf_cursor c = {at, at + width, false};
    uint64_t address = hdf_take(&c, 8), records = hdf_take(&c, t->count_bytes);

    return enter(t, address, records, n->depth - 1);
}

static int record(struct tree *t, const struct node *n, uint64_t i)
{
    const struct hdf_dataset *d = t->table->set;
    const uint8_t *at = n->data + NODE_HEAD_BYTES + i * t->record_bytes;
    struct hdf_cursor c = {at, at + t->record_bytes, false};
    uint64_t address = hdf_take(&c, 8), size_bytes = d->chunk_bytes, chunk = 0;
    uint32_t skipped = 0;

    if (d->filter_count) {
        size_bytes = hdf_take(&c, t->size_bytes);
        skipped = (uint32_t)hdf_take(&c, 4);
    }
    for (uint32_t k = 0; k < d->ndim; k++) {
        uint64_t cell = hdf_take(&c, 8);

        if (cell >= (uint64_t)d->grid[k]) {
            return hdf_table_damaged(t->table);
        }
        chunk = chunk * (uint64_t)d->grid[k] + cell;
    }
    return hdf_table_add(t->table, chunk, address, size_bytes, skipped);
}

static int step(struct tree *t)
{
    struct node *n = &t->path[t->path_count - 1];
    uint64_t i = n->next++;

    if (n->depth == 0 && i < n->records) {
        return record(t, n, i);
    }
    if (n->depth && i <= 2 * n->records) {
        return i % 2 ? record(t, n, i / 2) : enter_child(t, n, i / 2);
    }
    ff_free(n->data);
    t->path_count--;
    return FF_OK;
}

/* The depths go down, and each record must come behind all before: so it ends. */
int hdf_index_btree2(struct hdf_table *table)
{
    struct tree t = {.table = table};
    int rc = head(&t);

    if (rc || t.root == HDF_UNDEFINED) {
        return rc;
    }
    rc = enter(&t, t.root, t.root_records, t.depth);
    while (rc == FF_OK && t.path_count) {
        rc = step(&t);
    }
    while (t.path_count) {
        ff_free(t.path[--t.path_count].data);
    }
    return rc;
}
