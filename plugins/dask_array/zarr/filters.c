/* SPDX-License-Identifier: Apache-2.0 */
/* filters.c: delta, shuffle and checksums (numcodecs), and the table of all codecs. */
#include "zarr/zarr.h"

#include <zlib.h>

/* ---- shuffle: byte k of each item, for each k ---- */

size_t zarr_shuffle_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return size_bytes;
}

/* `step` between the bytes of an item in dst, 1 in src; or the reverse. */
static int transpose(const struct zarr_codec *s, struct zarr_coding *c, bool forward)
{
    size_t item = s->item_bytes, count = c->src_bytes / item;

    if (c->src_bytes > c->room_bytes) {
        c->why = "holds more than a chunk";
        return FF_E_LIMIT;
    }
    if (c->src_bytes % item) { /* numcodecs refuses these */
        c->why = "does not hold whole items for shuffle";
        return FF_E_CORRUPT;
    }
    for (size_t k = 0; k < item; k++) {
        const uint8_t *from = forward ? c->src + k : c->src + k * count;
        uint8_t *to = forward ? c->dst + k * count : c->dst + k;

        for (size_t i = 0; i < count; i++) {
            to[forward ? i : i * item] = from[forward ? i * item : i];
        }
    }
    c->dst_bytes = c->src_bytes;
    return FF_OK;
}

int zarr_shuffle_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    return transpose(s, c, false);
}

int zarr_shuffle_encode(const struct zarr_codec *s, struct zarr_coding *c)
{
    return transpose(s, c, true);
}

/* ---- delta: the first number, then differences (numcodecs delta) ---- */

size_t zarr_delta_bound(const struct zarr_codec *s, size_t size_bytes)
{
    return size_bytes / s->from_bytes * s->to_bytes;
}

/* A number of up to 8 bytes: integers by their bits, so that sums wrap around; floats as they
 * are. */
struct number {
    uint64_t bits;
    double real;
};

static struct number load(const uint8_t *p, const char type[2], unsigned size_bytes)
{
    struct number n = {0, 0};
    uint8_t own[8];
    float f4;

    for (unsigned i = 0; i < size_bytes; i++) {
        own[i] = p[type[1] == '>' ? size_bytes - 1 - i : i];
        n.bits |= (uint64_t)own[i] << 8 * i;
    }
    if (type[0] == 'f' && size_bytes == 4) {
        memcpy(&f4, own, sizeof f4);
        n.real = (double)f4;
    } else if (type[0] == 'f') {
        memcpy(&n.real, own, sizeof n.real);
    } else if (type[0] == 'i' && size_bytes < 8 && n.bits >> (8 * size_bytes - 1)) {
        n.bits |= ~(uint64_t)0 << 8 * size_bytes;
    }
    return n;
}

static void store(uint8_t *p, const char type[2], unsigned size_bytes, struct number n)
{
    float f4 = (float)n.real;

    if (type[0] == 'f') {
        n.bits = 0;
        memcpy(&n.bits, size_bytes == 4 ? (void *)&f4 : (void *)&n.real, size_bytes);
    }
    for (unsigned i = 0; i < size_bytes; i++) {
        p[type[1] == '>' ? size_bytes - 1 - i : i] = (uint8_t)(n.bits >> 8 * i);
    }
}

/* numpy adds f4 as f4. */
static struct number sum(const struct zarr_codec *s, struct number a, struct number b)
{
    struct number n = {a.bits + b.bits, a.real + b.real};

    if (s->from_bytes == 4) {
        n.real = (double)(float)n.real;
    }
    return n;
}

int zarr_delta_decode(const struct zarr_codec *s, struct zarr_coding *c)
{
    size_t count = c->src_bytes / s->to_bytes;
    struct number at = {0, 0};

    if (c->src_bytes % s->to_bytes || count > c->room_bytes / s->from_bytes) {
        c->why = "does not hold whole numbers for delta";
        return FF_E_CORRUPT;
    }
    for (size_t i = 0; i < count; i++) {
        struct number step = load(c->src + i * s->to_bytes, s->to, s->to_bytes);

        if (s->to[0] != 'f' && s->from[0] == 'f') {
            step.real = s->to[0] == 'i' ? (double)(int64_t)step.bits : (double)step.bits;
        }
        at = i ? sum(s, at, step) : step;
        store(c->dst + i * s->from_bytes, s->from, s->from_bytes, at);
    }
    c->dst_bytes = count * s->from_bytes;
    return FF_OK;
}

/* ---- checksums ---- */

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    return (uint32_t)crc32_z(0, p, n);
}

void zarr_checksum(enum zarr_codec_kind kind, const void *data, size_t size_bytes,
                   uint8_t out[4])
{
    uint32_t sum = kind == ZARR_CRC32    ? crc32_of(data, size_bytes)
                   : kind == ZARR_CRC32C ? zarr_crc32c(data, size_bytes)
                                         : hdf_fletcher32(data, size_bytes);

    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(sum >> 8 * i);
    }
}

static size_t checksum_bound(const struct zarr_codec *s, size_t size_bytes)
{
    (void)s;
    return size_bytes + 4;
}

/* ---- all of them ---- */

/* `factor`: deflate 1032; blocks of zstd, lz4 and blosc that repeat one byte; bzip2's first
 * stage counts runs. */
static const struct zarr_codec_row rows[] = {
    {ZARR_BLOSC, "blosc", false, 1 << 16, zarr_blosc_bound, zarr_blosc_decode,
     zarr_blosc_encode},
    {ZARR_ZSTD, "zstd", false, 1 << 16, zarr_zstd_bound, zarr_zstd_decode,
     zarr_zstd_encode},
    {ZARR_LZ4, "lz4", false, 256, zarr_lz4_bound, zarr_lz4_decode, zarr_lz4_encode},
    {ZARR_GZIP, "gzip", false, 1100, zarr_deflate_bound, zarr_deflate_decode,
     zarr_deflate_encode},
    {ZARR_ZLIB, "zlib", false, 1100, zarr_deflate_bound, zarr_deflate_decode,
     zarr_deflate_encode},
    {ZARR_BZ2, "bz2", false, 1 << 21, zarr_bz2_bound, zarr_bz2_decode, zarr_bz2_encode},
    {ZARR_LZMA, "lzma", false, 1 << 14, zarr_lzma_bound, zarr_lzma_decode,
     zarr_lzma_encode},
    {ZARR_DELTA, "delta", false, 8, zarr_delta_bound, zarr_delta_decode, NULL},
    {ZARR_SHUFFLE, "shuffle", false, 1, zarr_shuffle_bound, zarr_shuffle_decode,
     zarr_shuffle_encode},
    {ZARR_CRC32, "crc32", true, 1, checksum_bound, NULL, NULL},
    {ZARR_CRC32C, "crc32c", true, 1, checksum_bound, NULL, NULL},
    {ZARR_FLETCHER32, "fletcher32", true, 1, checksum_bound, NULL, NULL},
};

const struct zarr_codec_row *zarr_codec_named(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct zarr_codec_row *zarr_codec_of(enum zarr_codec_kind kind)
{
    return &rows[kind - 1];
}
