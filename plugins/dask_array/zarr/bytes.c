/* SPDX-License-Identifier: Apache-2.0 */
/* bytes.c: the compressors of bytes, each by its own library, one whole chunk at a time. */
#include "zarr/zarr.h"

#include <bzlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

/* Foreign encoders may flush more often than ours: more than their libraries' bounds. */
static size_t roomy(size_t size_bytes)
{
    return size_bytes / 16 + 4096;
}

static int damaged(struct zarr_coding *c, const char *why)
{
    c->why = why;
    return FF_E_CORRUPT;
}

static int no_room(struct zarr_coding *c)
{
    c->why = "holds more than a chunk";
    return FF_E_LIMIT;
}

/* ---- zstd: one frame or several, with or without their sizes (RFC 8878) ---- */

size_t zarr_zstd_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return ZSTD_COMPRESSBOUND(size_bytes) + roomy(size_bytes);
}

int zarr_zstd_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    size_t n = ZSTD_decompress(c->dst, c->room_bytes, c->src, c->src_bytes);

    (void)s;
    if (!ZSTD_isError(n)) {
        c->dst_bytes = n;
        return FF_OK;
    }
    switch (ZSTD_getErrorCode(n)) {
    case ZSTD_error_dstSize_tooSmall:
        return no_room(c);
    case ZSTD_error_memory_allocation:
        return FF_E_NO_MEMORY;
    default:
        return damaged(c, "is no zstd frame");
    }
}

int zarr_zstd_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    size_t n = ZSTD_compress(c->dst, c->room_bytes, c->src, c->src_bytes, s->level);

    c->dst_bytes = n;
    return ZSTD_isError(n) ? FF_E_NO_MEMORY : FF_OK;
}

/* ---- lz4: u32 little-endian size, then a block (numcodecs lz4) ---- */

enum { LZ4_HEAD = 4 };

size_t zarr_lz4_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return size_bytes + size_bytes / 255 + 16 + LZ4_HEAD + roomy(size_bytes);
}

int zarr_lz4_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    uint32_t size;
    int n;

    (void)s;
    if (c->src_bytes < LZ4_HEAD || c->src_bytes > INT32_MAX) {
        return damaged(c, "is no lz4 block");
    }
    size = (uint32_t)c->src[0] | (uint32_t)c->src[1] << 8 | (uint32_t)c->src[2] << 16 |
           (uint32_t)c->src[3] << 24;
    if (size > c->room_bytes || size > INT32_MAX) {
        return no_room(c);
    }
    n = LZ4_decompress_safe((const char *)c->src + LZ4_HEAD, (char *)c->dst,
                            (int)(c->src_bytes - LZ4_HEAD), (int)size);
    if (n < 0 || (uint32_t)n != size) {
        return damaged(c, "is no lz4 block of its size");
    }
    c->dst_bytes = size;
    return FF_OK;
}

int zarr_lz4_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    int room = c->room_bytes > INT32_MAX ? INT32_MAX : (int)c->room_bytes;
    int n;

    if (c->src_bytes > LZ4_MAX_INPUT_SIZE) {
        c->why = "is too large for lz4";
        return FF_E_LIMIT;
    }
    for (int i = 0; i < LZ4_HEAD; i++) {
        c->dst[i] = (uint8_t)(c->src_bytes >> 8 * i);
    }
    n = LZ4_compress_fast((const char *)c->src, (char *)c->dst + LZ4_HEAD,
                          (int)c->src_bytes, room - LZ4_HEAD,
                          s->level > 0 ? s->level : 1);
    c->dst_bytes = (size_t)n + LZ4_HEAD;
    return n > 0 ? FF_OK : FF_E_NO_MEMORY;
}

/* ---- gzip, of one member or several (RFC 1952), and zlib (RFC 1950) ---- */

size_t zarr_deflate_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return size_bytes + size_bytes / 1000 + 64 + roomy(size_bytes);
}

static uInt part_of(size_t left)
{
    return left > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)left;
}

/* One stream: from c->src + *used to c->dst + dst_bytes. */
static int inflate_one(z_stream *z, struct zarr_coding *c, size_t *used)
{
    int rc = Z_OK;

    while (rc == Z_OK) {
        uInt in = part_of(c->src_bytes - *used);
        uInt out = part_of(c->room_bytes - c->dst_bytes);

        z->next_in = (z_const Bytef *)(uintptr_t)(c->src + *used);
        z->avail_in = in;
        z->next_out = c->dst + c->dst_bytes;
        z->avail_out = out;
        rc = inflate(z, Z_NO_FLUSH);
        *used += in - z->avail_in;
        c->dst_bytes += out - z->avail_out;
    }
    if (rc == Z_BUF_ERROR && c->dst_bytes == c->room_bytes && *used < c->src_bytes) {
        return no_room(c);
    }
    return rc == Z_STREAM_END  ? FF_OK
           : rc == Z_MEM_ERROR ? FF_E_NO_MEMORY
                               : damaged(c, "is no deflate stream, or is cut off");
}

int zarr_deflate_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    z_stream z;
    size_t used = 0;
    int rc;

    memset(&z, 0, sizeof z);
    c->dst_bytes = 0;
    if (inflateInit2(&z, s->kind == ZARR_GZIP ? 15 + 16 : 15) != Z_OK) {
        return FF_E_NO_MEMORY;
    }
    do {
        rc = inflate_one(&z, c, &used);
    } while (rc == FF_OK && s->kind == ZARR_GZIP && used < c->src_bytes &&
             inflateReset(&z) == Z_OK);
    (void)inflateEnd(&z);
    if (rc == FF_OK && used < c->src_bytes) {
        return damaged(c, "has something behind its end");
    }
    return rc;
}

int zarr_deflate_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    z_stream z;
    size_t used = 0;
    int rc;

    memset(&z, 0, sizeof z);
    c->dst_bytes = 0;
    if (deflateInit2(&z, s->level, Z_DEFLATED, s->kind == ZARR_GZIP ? 15 + 16 : 15, 8,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return FF_E_NO_MEMORY;
    }
    do {
        uInt in = part_of(c->src_bytes - used);
        uInt out = part_of(c->room_bytes - c->dst_bytes);

        z.next_in = (z_const Bytef *)(uintptr_t)(c->src + used);
        z.avail_in = in;
        z.next_out = c->dst + c->dst_bytes;
        z.avail_out = out;
        rc = deflate(&z, used + in == c->src_bytes ? Z_FINISH : Z_NO_FLUSH);
        used += in - z.avail_in;
        c->dst_bytes += out - z.avail_out;
    } while (rc == Z_OK);
    (void)deflateEnd(&z);
    return rc == Z_STREAM_END ? FF_OK : FF_E_NO_MEMORY;
}

/* ---- bz2 ---- */

size_t zarr_bz2_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return size_bytes + size_bytes / 100 + 600 + roomy(size_bytes);
}

int zarr_bz2_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    bz_stream z;
    int rc;

    (void)s;
    memset(&z, 0, sizeof z);
    c->dst_bytes = 0;
    if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK) {
        return FF_E_NO_MEMORY;
    }
    z.next_in = (char *)(uintptr_t)c->src;
    z.avail_in = part_of(c->src_bytes);
    do {
        uInt out = part_of(c->room_bytes - c->dst_bytes);

        z.next_out = (char *)c->dst + c->dst_bytes;
        z.avail_out = out;
        rc = BZ2_bzDecompress(&z);
        c->dst_bytes += out - z.avail_out;
        if (rc == BZ_OK && out == z.avail_out) {
            rc = c->dst_bytes == c->room_bytes ? BZ_OUTBUFF_FULL : BZ_UNEXPECTED_EOF;
        }
    } while (rc == BZ_OK);
    (void)BZ2_bzDecompressEnd(&z);
    if (rc == BZ_OUTBUFF_FULL) {
        return no_room(c);
    }
    return rc == BZ_STREAM_END && z.avail_in == 0 ? FF_OK
           : rc == BZ_MEM_ERROR                   ? FF_E_NO_MEMORY
                                : damaged(c, "is no bzip2 stream, or is cut off");
}

int zarr_bz2_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    unsigned n = part_of(c->room_bytes);

    if (c->src_bytes > UINT32_MAX / 2 ||
        BZ2_bzBuffToBuffCompress((char *)c->dst, &n, (char *)(uintptr_t)c->src,
                                 (unsigned)c->src_bytes, s->level, 0, 0) != BZ_OK) {
        c->why = "is too large for bz2";
        return FF_E_LIMIT;
    }
    c->dst_bytes = n;
    return FF_OK;
}

/* ---- lzma: the .xz container, and the older .lzma ---- */

enum { LZMA_MEMORY = 256 << 20 };

size_t zarr_lzma_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return lzma_stream_buffer_bound(size_bytes) + roomy(size_bytes);
}

int zarr_lzma_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    lzma_stream z = LZMA_STREAM_INIT;
    lzma_ret rc = lzma_auto_decoder(&z, LZMA_MEMORY, 0);

    (void)s;
    z.next_in = c->src;
    z.avail_in = c->src_bytes;
    z.next_out = c->dst;
    z.avail_out = c->room_bytes;
    rc = rc == LZMA_OK ? lzma_code(&z, LZMA_FINISH) : rc;
    c->dst_bytes = c->room_bytes - z.avail_out;
    if (rc == LZMA_OK && z.avail_in && !z.avail_out) {
        rc = LZMA_BUF_ERROR;
    }
    lzma_end(&z);
    if (rc == LZMA_BUF_ERROR && !z.avail_out) {
        return no_room(c);
    }
    return rc == LZMA_STREAM_END && z.avail_in == 0 ? FF_OK
           : rc == LZMA_MEM_ERROR                   ? FF_E_NO_MEMORY
           : rc == LZMA_MEMLIMIT_ERROR
               ? damaged(c, "needs more than 256 MiB to be unpacked")
               : damaged(c, "is no lzma stream, or is cut off");
}

int zarr_lzma_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    c->dst_bytes = 0;
    return lzma_easy_buffer_encode((uint32_t)s->level, LZMA_CHECK_CRC64, NULL, c->src,
                                   c->src_bytes, c->dst, &c->dst_bytes,
                                   c->room_bytes) == LZMA_OK
               ? FF_OK
               : FF_E_NO_MEMORY;
}
