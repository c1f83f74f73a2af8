/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: how arrays are to be stored as zarr. */
#ifndef FF_ZARR_OPTIONS_H
#define FF_ZARR_OPTIONS_H

#include <functionfuse/plugin.h>

#include <stdbool.h>

enum zarr_codec_kind {
    ZARR_BLOSC = 1,
    ZARR_ZSTD,
    ZARR_LZ4,
    ZARR_GZIP,
    ZARR_ZLIB,
    ZARR_BZ2,
    ZARR_LZMA,
    ZARR_DELTA,
    ZARR_SHUFFLE,
    ZARR_CRC32,
    ZARR_CRC32C,
    ZARR_FLETCHER32
};

/* One step between elements and stored bytes. */
struct zarr_codec {
    enum zarr_codec_kind kind;
    int level;
    int shuffle;         /* blosc: 0 none, 1 bytes, 2 bits */
    unsigned item_bytes; /* blosc, shuffle */
    char compressor[12]; /* blosc's own: "lz4" */
    bool in_front;       /* a checksum that stands before the data */
    char from[2], to[2]; /* delta: kind and byte order of plain and stored numbers */
    unsigned from_bytes, to_bytes;
};

struct zarr_options {
    bool on;                   /* on media that have files too */
    int format;                /* of a new group */
    struct zarr_codec step[2]; /* what chunks are encoded with */
    unsigned step_count;
    int64_t shard_bytes; /* 0 = no shards */
    int64_t shard[FF_MAX_NDIM];
    uint32_t shard_ndim; /* 0 = of shard_bytes */
};

#endif
