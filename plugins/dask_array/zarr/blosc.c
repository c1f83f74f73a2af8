/* SPDX-License-Identifier: Apache-2.0 */
/* blosc.c: chunks of c-blosc 1. Its header is 16 bytes: version of the format, version of the
 * inner codec, flags, size of an item, then little-endian sizes of the plain bytes, of a
 * block and of the whole (c-blosc README_CHUNK_FORMAT.rst). The library trusts some of it:
 * everything is checked before it is called.
 */
#include "zarr/zarr.h"

#include <blosc.h>

enum { FORMAT_MAX = 2, MEMCPYED = 2, SNAPPY = 2, INNER_MAX = 4, BLOSC_HEAD = 16 };

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

size_t zarr_blosc_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return size_bytes + BLOSC_MAX_OVERHEAD;
}

static int damaged(struct zarr_coding *c, const char *why)
{
    c->why = why;
    return FF_E_CORRUPT;
}

/* The table of where blocks begin, which must be behind itself and in the chunk. */
static bool blocks_lie_inside(const struct zarr_coding *c, uint32_t size, uint32_t block)
{
    uint64_t count = ((uint64_t)size + block - 1) / block;
    uint64_t table_end = BLOSC_HEAD + 4 * count;

    if (table_end > c->src_bytes) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint32_t at = u32(c->src + BLOSC_HEAD + 4 * i);

        if (at < table_end || at + (uint64_t)4 > c->src_bytes) {
            return false;
        }
    }
    return true;
}

static int check(struct zarr_coding *c, uint32_t *size)
{
    const uint8_t *p = c->src;
    uint32_t block;

    if (c->src_bytes < BLOSC_HEAD || p[0] == 0 || p[0] > FORMAT_MAX) {
        return damaged(c, "is no blosc chunk");
    }
    *size = u32(p + 4);
    block = u32(p + 8);
    if (u32(p + 12) != c->src_bytes || p[3] == 0 || *size > BLOSC_MAX_BUFFERSIZE) {
        return damaged(c, "is a damaged blosc chunk");
    }
    if (*size > c->room_bytes) {
        c->why = "holds more than a chunk";
        return FF_E_LIMIT;
    }
    if (p[2] & MEMCPYED) {
        return *size + (uint64_t)BLOSC_HEAD == c->src_bytes
                   ? FF_OK
                   : damaged(c, "is a damaged blosc chunk");
    }
    if (p[2] >> 5 == SNAPPY || p[2] >> 5 > INNER_MAX) {
        return damaged(c, "needs blosc's snappy, or a codec of the future");
    }
    if (*size && (block == 0 || block > *size || !blocks_lie_inside(c, *size, block))) {
        return damaged(c, "is a damaged blosc chunk");
    }
    return FF_OK;
}

int zarr_blosc_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    uint32_t size = 0;
    size_t checked;
    int rc = check(c, &size), n;

    (void)s;
    c->dst_bytes = size;
    if (rc || size == 0) {
        return rc;
    }
    if (c->src[2] & MEMCPYED) {
        memcpy(c->dst, c->src + BLOSC_HEAD, size);
        return FF_OK;
    }
    if (blosc_cbuffer_validate(c->src, c->src_bytes, &checked) || checked != size) {
        return damaged(c, "is a damaged blosc chunk");
    }
    n = blosc_decompress_ctx(c->src, c->dst, size, 1);
    return n >= 0 && (uint32_t)n == size ? FF_OK : damaged(c, "is a damaged blosc chunk");
}

int zarr_blosc_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    int n;

    if (c->src_bytes > BLOSC_MAX_BUFFERSIZE) {
        c->why = "is larger than 2 GiB: too large for blosc";
        return FF_E_LIMIT;
    }
    n = blosc_compress_ctx(s->level, s->shuffle, s->item_bytes, c->src_bytes, c->src,
                           c->dst, c->room_bytes, s->compressor, 0, 1);
    c->dst_bytes = (size_t)n;
    c->why = "this libblosc lacks the codec";
    return n > 0 ? FF_OK : FF_E_UNSUPPORTED;
}
