/* SPDX-License-Identifier: Apache-2.0 */
/* filter.c: deflate, shuffle and fletcher32 as HDF5's filters have them, without libhdf5 and
 * its lock.
 */
#include "hdf.h"

#include <zlib.h>

#include "core/base/alloc.h"

enum { CHECKSUM_BYTES = 4, SUM_RUN = 360 };

size_t hdf_filter_room(uint64_t chunk_bytes)
{
    return compressBound((uLong)chunk_bytes) + HDF_FILTERS_MAX * CHECKSUM_BYTES;
}

static void *zlib_alloc(void *ctx, unsigned count, unsigned item_bytes)
{
    (void)ctx;
    return ff_realloc_array(NULL, count, item_bytes);
}

static void zlib_free(void *ctx, void *memory)
{
    (void)ctx;
    ff_free(memory);
}

static int zlib_fail(struct ff_error *e, int rc, const char *place, const char *what)
{
    int code = rc == Z_MEM_ERROR ? FF_E_NO_MEMORY : FF_E_CORRUPT;

    return ff_fail(e, code, place, "%s: zlib says: %s", what, zError(rc));
}

/* At most `room` bytes of one zlib stream. */
static int inflate_all(const uint8_t *src, size_t src_bytes, uint8_t *dst, size_t room,
                       size_t *dst_bytes, const char *place, struct ff_error *e)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    int rc = inflateInit(&z);

    if (rc == Z_OK) {
        z.next_in = (z_const Bytef *)(uintptr_t)src;
        z.avail_in = (uInt)src_bytes;
        z.next_out = dst;
        z.avail_out = (uInt)room;
        rc = inflate(&z, Z_FINISH);
        *dst_bytes = room - z.avail_out;
        (void)inflateEnd(&z);
    }
    return rc == Z_STREAM_END
               ? FF_OK
               : zlib_fail(e, rc == Z_OK ? Z_BUF_ERROR : rc, place, "a damaged chunk");
}

static int deflate_all(int level, const uint8_t *src, size_t src_bytes, uint8_t *dst,
                       size_t room, size_t *dst_bytes, const char *place,
                       struct ff_error *e)
{
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    int rc = deflateInit(&z, level);

    if (rc == Z_OK) {
        z.next_in = (z_const Bytef *)(uintptr_t)src;
        z.avail_in = (uInt)src_bytes;
        z.next_out = dst;
        z.avail_out = (uInt)room;
        rc = deflate(&z, Z_FINISH);
        *dst_bytes = room - z.avail_out;
        (void)deflateEnd(&z);
    }
    return rc == Z_STREAM_END ? FF_OK : zlib_fail(e, rc, place, "cannot compress");
}

/* Byte j of item i to place j * count + i; what is left over stays at the end. */
static void shuffle(const uint8_t *src, uint8_t *dst, size_t size_bytes,
                    size_t item_bytes)
{
    size_t count = size_bytes / item_bytes;

    for (size_t j = 0; j < item_bytes; j++) {
        for (size_t i = 0; i < count; i++) {
            dst[j * count + i] = src[i * item_bytes + j];
        }
    }
    memcpy(dst + count * item_bytes, src + count * item_bytes, size_bytes % item_bytes);
}

static void unshuffle_4(const uint8_t *restrict s, uint8_t *restrict dst, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        dst[4 * i] = s[i];
        dst[4 * i + 1] = s[count + i];
        dst[4 * i + 2] = s[2 * count + i];
        dst[4 * i + 3] = s[3 * count + i];
    }
}

static void unshuffle(const uint8_t *src, uint8_t *dst, size_t size_bytes,
                      size_t item_bytes)
{
    enum { BLOCK = 256 }; /* items: what is written stays in the first cache */
    size_t count = size_bytes / item_bytes;

    if (item_bytes == 4) {
        unshuffle_4(src, dst, count);
    }
    for (size_t b = 0; item_bytes != 4 && b < count; b += BLOCK) {
        size_t end = count - b < BLOCK ? count : b + BLOCK;

        for (size_t j = 0; j < item_bytes; j++) {
            for (size_t i = b; i < end; i++) {
                dst[i * item_bytes + j] = src[j * count + i];
            }
        }
    }
    memcpy(dst + count * item_bytes, src + count * item_bytes, size_bytes % item_bytes);
}

static uint32_t fold(uint32_t sum)
{
    return (sum & 0xffff) + (sum >> 16);
}

/* H5_checksum_fletcher32 of libhdf5: big-endian words of 16 bits, sums modulo 65535. */
uint32_t hdf_fletcher32(const uint8_t *data, size_t size_bytes)
{
    uint32_t a = 0, b = 0;
    size_t words = size_bytes / 2;

    while (words) {
        size_t run = words < SUM_RUN ? words : SUM_RUN;

        words -= run;
        for (; run; run--, data += 2) {
            a += (uint32_t)(data[0] << 8 | data[1]);
            b += a;
        }
        a = fold(a);
        b = fold(b);
    }
    if (size_bytes % 2) {
        a += (uint32_t)(data[0] << 8);
        b += a;
        a = fold(a);
        b = fold(b);
    }
    return fold(b) << 16 | fold(a);
}

static int check_sum(const uint8_t *data, size_t *size_bytes, const char *place,
                     struct ff_error *e)
{
    size_t n = *size_bytes;
    struct hdf_cursor c;

    if (n < CHECKSUM_BYTES) {
        return ff_fail(e, FF_E_CORRUPT, place, "a damaged chunk: no checksum");
    }
    *size_bytes = n - CHECKSUM_BYTES;
    c = (struct hdf_cursor){data + *size_bytes, data + n, false};
    return hdf_take(&c, 4) == hdf_fletcher32(data, *size_bytes)
               ? FF_OK
               : ff_fail(e, FF_E_CORRUPT, place,
                         "a damaged chunk: its fletcher32 checksum is wrong");
}

int hdf_filter_decode(const struct hdf_dataset *d, const struct hdf_entry *entry,
                      uint8_t *data, uint8_t *other, const uint8_t **plain,
                      const char *place, struct ff_error *e)
{
    size_t n = entry->size_bytes, room = hdf_filter_room(d->chunk_bytes);
    int rc = FF_OK;

    for (unsigned i = d->filter_count; rc == FF_OK && i-- > 0;) {
        const struct hdf_filter *f = &d->filters[i];
        uint8_t *in = data;

        if (entry->skipped & (1u << i)) {
            continue;
        }
        if (f->id == HDF_FLETCHER32) {
            rc = check_sum(data, &n, place, e);
            continue;
        }
        if (f->id == HDF_DEFLATE) {
            rc = inflate_all(data, n, other, room, &n, place, e);
        } else if (f->value > 1) {
            unshuffle(data, other, n, f->value);
        } else {
            continue;
        }
        data = other;
        other = in;
    }
    if (rc == FF_OK && n != d->chunk_bytes) {
        rc = ff_fail(e, FF_E_CORRUPT, place, "a damaged chunk: %zu bytes, not %llu", n,
                     (unsigned long long)d->chunk_bytes);
    }
    *plain = data;
    return rc;
}

int hdf_filter_encode(const struct hdf_options *o, uint64_t item_bytes,
                      const uint8_t *plain, size_t size_bytes, uint8_t *a, uint8_t *b,
                      const uint8_t **out, size_t *out_bytes, uint32_t *skipped,
                      const char *place, struct ff_error *e)
{
    unsigned deflate_bit = o->shuffle ? 2 : 1;
    int rc = FF_OK;

    *skipped = 0;
    *out = plain;
    *out_bytes = size_bytes;
    if (o->shuffle && item_bytes > 1) {
        shuffle(plain, a, size_bytes, (size_t)item_bytes);
        *out = a;
    }
    if (o->level) {
        rc = deflate_all(o->level, *out, size_bytes, b, hdf_filter_room(size_bytes),
                         out_bytes, place, e);
        if (rc == FF_OK && *out_bytes >= size_bytes) {
            *out_bytes = size_bytes; /* not worth it: shuffled only */
            *skipped = deflate_bit;
        } else {
            *out = b;
        }
    }
    return rc;
}
