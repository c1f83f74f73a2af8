/* SPDX-License-Identifier: Apache-2.0 */
/* group.c: from the superblock to an object in the root group (Specification II.A, III.A.1,
 * III.B, III.D, IV.A.2).
 */
#include "hdf.h"

#include "core/base/alloc.h"

enum {
    GROUP_NODES_MAX = 4096,
    GROUP_STEPS_MAX = 100000,
    HEAP_BYTES_MAX = 1 << 20,
    MESSAGE_LINK_INFO = 0x02,
    MESSAGE_LINK = 0x06,
    MESSAGE_SYMBOLS = 0x11
};

static int version_0_or_1(struct hdf_cursor *c, unsigned version, uint64_t *base,
                          uint64_t *end, uint64_t *root)
{
    unsigned offset_bytes, length_bytes;
    uint64_t driver;

    (void)hdf_take(c, 4);
    offset_bytes = (unsigned)hdf_take(c, 1);
    length_bytes = (unsigned)hdf_take(c, 1);
    (void)hdf_take(c, 1);
    (void)hdf_take_bytes(c, version == 0 ? 8 : 12);
    *base = hdf_take(c, 8);
    (void)hdf_take(c, 8);
    *end = hdf_take(c, 8);
    driver = hdf_take(c, 8);
    (void)hdf_take(c, 8);
    *root = hdf_take(c, 8);
    return offset_bytes == 8 && length_bytes == 8 && driver == HDF_UNDEFINED;
}

static int version_2_or_3(struct hdf_cursor *c, const uint8_t *all, uint64_t *base,
                          uint64_t *end, uint64_t *root)
{
    unsigned offset_bytes = (unsigned)hdf_take(c, 1);
    unsigned length_bytes = (unsigned)hdf_take(c, 1);

    (void)hdf_take(c, 1);
    *base = hdf_take(c, 8);
    (void)hdf_take(c, 8);
    *end = hdf_take(c, 8);
    *root = hdf_take(c, 8);
    return offset_bytes == 8 && length_bytes == 8 &&
           hdf_take(c, 4) == hdf_lookup3(all, 44);
}

int hdf_superblock(const struct hdf_file *f, uint64_t *root, struct ff_error *e)
{
    uint8_t all[100] = {0};
    size_t there = f->size_bytes < sizeof all ? (size_t)f->size_bytes : sizeof all;
    struct hdf_cursor c = {all + 9, all + there, false};
    uint64_t base = 0, end = 0;
    int ok, rc = hdf_read(f, 0, all, there, e);

    if (rc) {
        return rc;
    }
    if (there < 48 || memcmp(all, "\211HDF\r\n\032\n", 8) != 0) {
        return ff_fail(e, FF_E_CORRUPT, f->name, "not an HDF5 file");
    }
    if (all[8] > 3) {
        return ff_fail(e, FF_E_UNSUPPORTED, f->name, "HDF5 superblock version %d",
                       all[8]);
    }
    ok = all[8] < 2 ? version_0_or_1(&c, all[8], &base, &end, root)
                    : version_2_or_3(&c, all, &base, &end, root);
    if (!ok || c.bad || base != 0) {
        return hdf_damaged(f, e, "the superblock");
    }
    if (end > f->size_bytes) {
        return ff_fail(e, FF_E_CORRUPT, f->name,
                       "cut short: the file should have %llu bytes, and has %llu",
                       (unsigned long long)end, (unsigned long long)f->size_bytes);
    }
    return FF_OK;
}

struct wanted {
    const struct hdf_file *file;
    const char *name;
    uint64_t address;    /* found */
    uint64_t tree, heap; /* old groups */
    bool dense;          /* links are kept elsewhere */
    unsigned steps;      /* names and nodes looked at */
};

static int not_hard(const struct wanted *w, struct ff_error *e)
{
    return ff_fail(e, FF_E_UNSAFE, w->file->name,
                   "'%s' is not in the file itself: it is a soft or external link",
                   w->name);
}

static int on_link(struct wanted *w, struct hdf_cursor c, struct ff_error *e)
{
    unsigned version = (unsigned)hdf_take(&c, 1), flags = (unsigned)hdf_take(&c, 1);
    unsigned type = flags & 8 ? (unsigned)hdf_take(&c, 1) : 0;
    uint64_t length;
    const uint8_t *name;

    (void)hdf_take(&c, flags & 4 ? 8 : 0);
    (void)hdf_take(&c, flags & 0x10 ? 1 : 0);
    length = hdf_take(&c, 1u << (flags & 3));
    name = hdf_take_bytes(&c, length);
    if (!name || version != 1) {
        return hdf_damaged(w->file, e, "a link");
    }
    if (length != strlen(w->name) || memcmp(name, w->name, length) != 0) {
        return FF_OK;
    }
    if (type != 0) {
        return not_hard(w, e);
    }
    w->address = hdf_take(&c, 8);
    return c.bad ? hdf_damaged(w->file, e, "a link") : FF_OK;
}

static int on_root_message(void *ctx, unsigned type, unsigned flags, struct hdf_cursor c,
                           struct ff_error *e)
{
    struct wanted *w = ctx;

    (void)flags;
    if (type == MESSAGE_SYMBOLS) {
        w->tree = hdf_take(&c, 8);
        w->heap = hdf_take(&c, 8);
    } else if (type == MESSAGE_LINK) {
        return on_link(w, c, e);
    } else if (type == MESSAGE_LINK_INFO) {
        unsigned kept;

        (void)hdf_take(&c, 1);
        kept = (unsigned)hdf_take(&c, 1);
        (void)hdf_take(&c, kept & 1 ? 8 : 0);
        w->dense = hdf_take(&c, 8) != HDF_UNDEFINED;
    }
    return c.bad ? hdf_damaged(w->file, e, "the root group") : FF_OK;
}

/* The names of an old group. */
struct heap {
    uint8_t *data;
    size_t size_bytes;
};

static int heap_read(const struct hdf_file *f, uint64_t address, struct heap *heap,
                     struct ff_error *e)
{
    uint8_t head[32];
    struct hdf_cursor c = {head + 8, head + sizeof head, false};
    uint64_t size_bytes;
    int rc = hdf_read(f, address, head, sizeof head, e);

    if (rc) {
        return rc;
    }
    size_bytes = hdf_take(&c, 8);
    (void)hdf_take(&c, 8);
    if (memcmp(head, "HEAP", 4) != 0 || size_bytes > HEAP_BYTES_MAX) {
        return hdf_damaged(f, e, "the names of the root group");
    }
    heap->size_bytes = (size_t)size_bytes;
    return hdf_read_new(f, hdf_take(&c, 8), heap->size_bytes, &heap->data, e);
}

static bool name_is(const struct heap *heap, uint64_t offset, const char *name)
{
    size_t length = strlen(name) + 1;

    return offset <= heap->size_bytes && length <= heap->size_bytes - offset &&
           memcmp(heap->data + offset, name, length) == 0;
}

static int symbols(struct wanted *w, const struct heap *heap, uint64_t address,
                   struct ff_error *e)
{
    uint8_t head[8], entry[40];
    int rc = hdf_read(w->file, address, head, sizeof head, e);
    unsigned count = rc ? 0 : (unsigned)(head[6] | head[7] << 8);

    if (rc == FF_OK && memcmp(head, "SNOD", 4) != 0) {
        rc = hdf_damaged(w->file, e, "a symbol table node");
    }
    for (unsigned i = 0; rc == FF_OK && i < count && w->steps < GROUP_STEPS_MAX; i++) {
        struct hdf_cursor c = {entry, entry + sizeof entry, false};

        w->steps++;
        rc = hdf_read(w->file, address + 8 + i * sizeof entry, entry, sizeof entry, e);
        if (rc == FF_OK && name_is(heap, hdf_take(&c, 8), w->name)) {
            w->address = hdf_take(&c, 8);
            return hdf_take(&c, 4) == 2 ? not_hard(w, e) : FF_OK;
        }
    }
    return rc;
}

struct todo {
    uint64_t address;
    unsigned level; /* of the node above it */
};

/* One node: its children are added to what is to be done, or its names are looked at. */
static int group_node(struct wanted *w, const struct heap *heap, struct todo at,
                      struct todo *todo, size_t *count, struct ff_error *e)
{
    uint8_t head[24], child[8];
    int rc = hdf_read(w->file, at.address, head, sizeof head, e);
    unsigned used = rc ? 0 : (unsigned)(head[6] | head[7] << 8);

    if (rc == FF_OK &&
        (memcmp(head, "TREE", 4) != 0 || head[4] != 0 || head[5] >= at.level)) {
        rc = hdf_damaged(w->file, e, "the index of the root group");
    }
    for (unsigned i = 0; rc == FF_OK && i < used && w->address == HDF_UNDEFINED &&
                         w->steps < GROUP_STEPS_MAX;
         i++) {
        struct hdf_cursor c = {child, child + sizeof child, false};

        w->steps++;
        rc = hdf_read(w->file, at.address + 32 + 16ull * i, child, sizeof child, e);
        if (rc == FF_OK && head[5] == 0) {
            rc = symbols(w, heap, hdf_take(&c, 8), e);
        } else if (rc == FF_OK && *count < GROUP_NODES_MAX &&
                   w->steps < GROUP_STEPS_MAX) {
            todo[(*count)++] = (struct todo){hdf_take(&c, 8), head[5]};
        } else if (rc == FF_OK) {
            rc = hdf_damaged(w->file, e, "a root group without end");
        }
    }
    return rc;
}

static int old_group(struct wanted *w, struct ff_error *e)
{
    struct heap heap = {NULL, 0};
    struct todo *todo = ff_calloc(GROUP_NODES_MAX, sizeof *todo);
    size_t count = 1;
    int rc = todo ? heap_read(w->file, w->heap, &heap, e)
                  : ff_fail(e, FF_E_NO_MEMORY, w->file->name, "out of memory");

    if (rc == FF_OK) {
        todo[0] = (struct todo){w->tree, 256};
    }
    for (size_t i = 0; rc == FF_OK && i < count && w->address == HDF_UNDEFINED; i++) {
        rc = group_node(w, &heap, todo[i], todo, &count, e);
    }
    ff_free(todo);
    ff_free(heap.data);
    return rc;
}

int hdf_find(const struct hdf_file *f, uint64_t root, const char *name, uint64_t *address,
             struct ff_error *e)
{
    struct wanted w = {f, name, HDF_UNDEFINED, HDF_UNDEFINED, HDF_UNDEFINED, false, 0};
    int rc = hdf_header_each(f, root, on_root_message, &w, e);

    if (rc == FF_OK && w.address == HDF_UNDEFINED && w.tree != HDF_UNDEFINED) {
        rc = old_group(&w, e);
    }
    if (rc == FF_OK && w.address == HDF_UNDEFINED && w.dense) {
        rc = ff_fail(e, FF_E_UNSUPPORTED, f->name, "a root group with very many names");
    }
    *address = w.address;
    return rc == FF_OK && w.address == HDF_UNDEFINED ? FF_E_NOT_FOUND : rc;
}
