/* SPDX-License-Identifier: Apache-2.0 */
/* meta.c: reading HDF5 metadata: every address and size is checked against the file, every
 * walk has a bound (Specification IV.A.1: object headers).
 */
#include "hdf.h"

#include "core/base/alloc.h"
#include "core/base/checked.h"

enum { HEADER_BLOCKS_MAX = 256, HEADER_BYTES_MAX = 16 << 20, MESSAGE_CONTINUES = 0x10 };

uint64_t hdf_take(struct hdf_cursor *c, unsigned size_bytes)
{
    uint64_t value = 0;

    if (hdf_left(c) < size_bytes) {
        c->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < size_bytes; i++) {
        value |= (uint64_t)c->at[i] << (8 * i);
    }
    c->at += size_bytes;
    return value;
}

const uint8_t *hdf_take_bytes(struct hdf_cursor *c, uint64_t size_bytes)
{
    const uint8_t *bytes = c->at;

    if (hdf_left(c) < size_bytes) {
        c->bad = true;
    }
    if (c->bad) {
        return NULL;
    }
    c->at += size_bytes;
    return bytes;
}

int hdf_damaged(const struct hdf_file *f, struct ff_error *e, const char *what)
{
    return ff_fail(e, FF_E_CORRUPT, f->name, "damaged HDF5 file: %s", what);
}

bool hdf_in_file(const struct hdf_file *f, uint64_t address, uint64_t size_bytes)
{
    return address <= f->size_bytes && size_bytes <= f->size_bytes - address;
}

int hdf_read(const struct hdf_file *f, uint64_t address, void *dst, size_t size_bytes,
             struct ff_error *e)
{
    if (!hdf_in_file(f, address, size_bytes)) {
        return ff_fail(e, FF_E_CORRUPT, f->name,
                       "damaged HDF5 file: it names bytes %llu + %llu, and has %llu",
                       (unsigned long long)address, (unsigned long long)size_bytes,
                       (unsigned long long)f->size_bytes);
    }
    return f->files->read(f->files, f->file, address, dst, size_bytes, f->call, e);
}

int hdf_read_new(const struct hdf_file *f, uint64_t address, size_t size_bytes,
                 uint8_t **out, struct ff_error *e)
{
    int rc;

    *out = NULL;
    if (!hdf_in_file(f, address, size_bytes)) {
        return hdf_read(f, address, NULL, size_bytes, e); /* says what is wrong */
    }
    *out = ff_malloc(size_bytes);
    if (!*out) {
        return ff_fail(e, FF_E_NO_MEMORY, f->name, "no memory for %zu bytes", size_bytes);
    }
    rc = hdf_read(f, address, *out, size_bytes, e);
    if (rc) {
        ff_free(*out);
        *out = NULL;
    }
    return rc;
}

static uint32_t rotate(uint32_t x, unsigned bits)
{
    return x << bits | x >> (32 - bits);
}

static void lookup3_mix(uint32_t s[3])
{
    static const unsigned bits[6] = {4, 6, 8, 16, 19, 4};

    for (unsigned i = 0; i < 6; i++) {
        uint32_t *a = &s[i % 3], *b = &s[(i + 1) % 3], *c = &s[(i + 2) % 3];

        *a -= *c;
        *a ^= rotate(*c, bits[i]);
        *c += *b;
    }
}

static void lookup3_final(uint32_t s[3])
{
    static const unsigned bits[7] = {14, 11, 25, 16, 4, 14, 24};

    for (unsigned i = 0; i < 7; i++) {
        uint32_t *target = &s[(i + 2) % 3], *source = &s[(i + 1) % 3];

        *target ^= *source;
        *target -= rotate(*source, bits[i]);
    }
}

/* hashlittle() of lookup3.c, Bob Jenkins, May 2006, public domain, with initval 0. */
uint32_t hdf_lookup3(const uint8_t *data, size_t size_bytes)
{
    uint32_t s[3];

    s[0] = s[1] = s[2] = 0xdeadbeefu + (uint32_t)size_bytes;
    while (size_bytes > 12) {
        for (unsigned i = 0; i < 12; i++) {
            s[i / 4] += (uint32_t)data[i] << (8 * (i % 4));
        }
        lookup3_mix(s);
        data += 12;
        size_bytes -= 12;
    }
    if (size_bytes == 0) {
        return s[2];
    }
    for (unsigned i = 0; i < size_bytes; i++) {
        s[i / 4] += (uint32_t)data[i] << (8 * (i % 4));
    }
    lookup3_final(s);
    return s[2];
}

struct block {
    uint64_t address, size_bytes;
};

struct header {
    const struct hdf_file *file;
    hdf_on_message *on;
    void *ctx;
    unsigned version;
    unsigned order_bytes; /* version 2: of the creation order of each message */
    uint64_t left;        /* version 1: messages */
    uint64_t budget_bytes;
    struct block blocks[HEADER_BLOCKS_MAX];
    size_t block_count;
};

static int add_block(struct header *h, uint64_t address, uint64_t size_bytes,
                     struct ff_error *e)
{
    if (h->block_count == HEADER_BLOCKS_MAX || size_bytes > h->budget_bytes) {
        return hdf_damaged(h->file, e, "an object header without end");
    }
    h->budget_bytes -= size_bytes;
    h->blocks[h->block_count++] = (struct block){address, size_bytes};
    return FF_OK;
}

static int one_message(struct header *h, struct hdf_cursor *c, struct ff_error *e)
{
    unsigned type = (unsigned)hdf_take(c, h->version == 1 ? 2 : 1);
    uint64_t size_bytes = hdf_take(c, 2);
    unsigned flags = (unsigned)hdf_take(c, 1);
    struct hdf_cursor body = {NULL, NULL, false};
    uint64_t address;

    (void)hdf_take(c, h->version == 1 ? 3 : h->order_bytes);
    body.at = hdf_take_bytes(c, size_bytes);
    if (!body.at) {
        return hdf_damaged(h->file, e, "a message that is larger than its object header");
    }
    body.end = body.at + size_bytes;
    if (type != MESSAGE_CONTINUES) {
        return h->on(h->ctx, type, flags, body, e);
    }
    address = hdf_take(&body, 8);
    size_bytes = hdf_take(&body, 8);
    return body.bad ? hdf_damaged(h->file, e, "a short continuation message")
                    : add_block(h, address, size_bytes, e);
}

static int messages(struct header *h, struct hdf_cursor c, struct ff_error *e)
{
    size_t least = h->version == 1 ? 8 : 4 + h->order_bytes;
    int rc = FF_OK;

    while (rc == FF_OK && hdf_left(&c) >= least && (h->version != 1 || h->left > 0)) {
        h->left -= h->version == 1;
        rc = one_message(h, &c, e);
    }
    return rc;
}

static bool sum_is_right(const uint8_t *data, size_t size_bytes)
{
    struct hdf_cursor tail = {data + size_bytes - 4, data + size_bytes, false};

    return hdf_lookup3(data, size_bytes - 4) == hdf_take(&tail, 4);
}

/* A continuation block, or the first block of version 1. */
static int later_block(struct header *h, const struct block *b, bool first,
                       struct ff_error *e)
{
    uint8_t *data;
    struct hdf_cursor c;
    int rc = hdf_read_new(h->file, b->address, (size_t)b->size_bytes, &data, e);

    if (rc) {
        return rc;
    }
    c = (struct hdf_cursor){data, data + b->size_bytes, false};
    if (h->version == 2 && !first) {
        if (b->size_bytes < 8 || memcmp(data, "OCHK", 4) != 0 ||
            !sum_is_right(data, (size_t)b->size_bytes)) {
            rc = hdf_damaged(h->file, e, "the checksum of an object header is wrong");
        }
        c.at += rc ? 0 : 4;
        c.end -= rc ? 0 : 4;
    }
    rc = rc ? rc : messages(h, c, e);
    ff_free(data);
    return rc;
}

static int first_of_version_2(struct header *h, uint64_t address, const uint8_t *start,
                              size_t start_bytes, struct ff_error *e)
{
    struct hdf_cursor c = {start + 5, start + start_bytes, false};
    unsigned flags = (unsigned)hdf_take(&c, 1);
    uint64_t block_bytes, total;
    uint8_t *data;
    size_t prefix;
    int rc;

    h->version = 2;
    h->order_bytes = flags & 4 ? 2 : 0;
    (void)hdf_take_bytes(&c, (flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
    block_bytes = hdf_take(&c, 1u << (flags & 3));
    prefix = c.bad ? 0 : (size_t)(c.at - start);
    if (c.bad || block_bytes > HEADER_BYTES_MAX || start[4] != 2) {
        return hdf_damaged(h->file, e, "an object header of an unknown version");
    }
    total = prefix + block_bytes + 4;
    rc = hdf_read_new(h->file, address, (size_t)total, &data, e);
    if (rc == FF_OK && !sum_is_right(data, (size_t)total)) {
        rc = hdf_damaged(h->file, e, "the checksum of an object header is wrong");
    }
    if (rc == FF_OK) {
        rc = messages(
            h, (struct hdf_cursor){data + prefix, data + prefix + block_bytes, false}, e);
    }
    ff_free(data);
    return rc;
}

static int first_block(struct header *h, uint64_t address, struct ff_error *e)
{
    uint8_t start[34];
    struct hdf_cursor c = {start, start + 16, false};
    size_t start_bytes = sizeof start;
    uint64_t size_bytes;
    int rc;

    if (address < h->file->size_bytes && h->file->size_bytes - address < start_bytes) {
        start_bytes = (size_t)(h->file->size_bytes - address);
    }
    rc = start_bytes < 16 ? hdf_damaged(h->file, e, "an object header at the file's end")
                          : hdf_read(h->file, address, start, start_bytes, e);
    if (rc) {
        return rc;
    }
    if (memcmp(start, "OHDR", 4) == 0) {
        return first_of_version_2(h, address, start, start_bytes, e);
    }
    h->version = (unsigned)hdf_take(&c, 1);
    (void)hdf_take(&c, 1);
    h->left = hdf_take(&c, 2);
    (void)hdf_take(&c, 4);
    size_bytes = hdf_take(&c, 4);
    if (h->version != 1) {
        return hdf_damaged(h->file, e, "an object header of an unknown version");
    }
    return add_block(h, address + 16, size_bytes, e);
}

int hdf_header_each(const struct hdf_file *file, uint64_t address, hdf_on_message *on,
                    void *ctx, struct ff_error *e)
{
    struct header h = {
        .file = file, .on = on, .ctx = ctx, .budget_bytes = HEADER_BYTES_MAX};
    int rc = first_block(&h, address, e);

    for (size_t i = 0; rc == FF_OK && i < h.block_count; i++) {
        rc = later_block(&h, &h.blocks[i], h.version == 1 && i == 0, e);
    }
    return rc;
}
