/* SPDX-License-Identifier: Apache-2.0 */
/* zarr.h: arrays as zarr, over ff.objects: formats 2 and 3, with shards. A stored array is
 * "dask_arrays/<uuid>/...", in the group "dask_arrays".
 *
 * "Format 2": zarr-specs docs/v2/v2.0.rst. "Format 3": docs/v3/core/index.rst and
 * docs/v3/codecs/. "numcodecs": what that package writes where no specification says it.
 */
#ifndef FF_ZARR_H
#define FF_ZARR_H

#include "hdf.h"

#define ZARR_GROUP      "dask_arrays"
#define ZARR_STEPS_MAX  8
#define ZARR_NAME_BYTES 128 /* "dask_arrays/<uuid>" and a document's name */
#define ZARR_KEY_BYTES  832 /* the longest name of a chunk: 32 axes of 20 digits */
#define ZARR_TEXT_MAX   (16u << 20)

/* The attributes that we add to an array. */
#define ZARR_EDGES    "ff_chunks"
#define ZARR_COMPLETE "ff_complete"

/* ---- codecs: codec.c and the files beside it ---- */

/* What a codec's function returns besides FF_OK. *why is static text. */
struct zarr_coding {
    const uint8_t *src;
    size_t src_bytes;
    uint8_t *dst;
    size_t room_bytes; /* of dst */
    size_t dst_bytes;  /* the result's */
    const char *why;
};

struct zarr_codec_row {
    enum zarr_codec_kind kind;
    const char *name; /* numcodecs' id, and the name in format 3 */
    bool checksum;    /* adds 4 bytes, and leaves the others as they are */
    uint64_t factor;  /* more than this many bytes never come of one */
    size_t (*bound)(const struct zarr_codec *,
                    size_t size_bytes); /* of what is encoded */
    /* FF_OK, FF_E_CORRUPT, FF_E_LIMIT (there is no room), FF_E_NO_MEMORY */
    int (*decode)(const struct zarr_codec *, struct zarr_coding *);
    int (*encode)(const struct zarr_codec *,
                  struct zarr_coding *); /* NULL: never written */
};

/* NULL: there is none. */
const struct zarr_codec_row *zarr_codec_named(const char *name);
const struct zarr_codec_row *zarr_codec_of(enum zarr_codec_kind);

int zarr_blosc_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_blosc_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_blosc_bound(const struct zarr_codec *, size_t);
int zarr_zstd_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_zstd_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_zstd_bound(const struct zarr_codec *, size_t);
int zarr_lz4_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_lz4_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_lz4_bound(const struct zarr_codec *, size_t);
int zarr_deflate_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_deflate_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_deflate_bound(const struct zarr_codec *, size_t);
int zarr_bz2_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_bz2_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_bz2_bound(const struct zarr_codec *, size_t);
int zarr_lzma_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_lzma_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_lzma_bound(const struct zarr_codec *, size_t);
int zarr_delta_decode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_delta_bound(const struct zarr_codec *, size_t);
int zarr_shuffle_decode(const struct zarr_codec *, struct zarr_coding *);
int zarr_shuffle_encode(const struct zarr_codec *, struct zarr_coding *);
size_t zarr_shuffle_bound(const struct zarr_codec *, size_t);
/* Of the checksum alone: the 4 bytes that stand beside `data`. */
void zarr_checksum(enum zarr_codec_kind, const void *data, size_t size_bytes,
                   uint8_t out[4]);
uint32_t zarr_crc32c(const void *data, size_t size_bytes);

/* ---- chain.c: all steps of a chunk ---- */

enum zarr_vlen { ZARR_FIXED = 0, ZARR_UTF8, ZARR_BYTES };

struct zarr_chain {
    struct zarr_codec step[ZARR_STEPS_MAX]; /* in the order of encoding */
    unsigned count;
    enum zarr_vlen vlen;                   /* items of their own lengths: before step 0 */
    size_t most_bytes[ZARR_STEPS_MAX + 1]; /* before step i; the last: what is stored */
    unsigned fixed;                        /* up to here most_bytes is exact */
};

/* FF_E_LIMIT: a chunk of this size cannot be. */
int zarr_chain_plan(struct zarr_chain *, uint64_t plain_bytes, const char *place,
                    struct ff_error *);
/* FF_E_CORRUPT when so few, or so many, bytes cannot be a chunk: before memory is taken. */
int zarr_chain_plausible(const struct zarr_chain *, uint64_t stored_bytes,
                         const char *place, struct ff_error *);
/* What each of two spare buffers needs for one chunk, to decode or to encode; 0 = none. */
size_t zarr_chain_spare(const struct zarr_chain *);
/* Undoes all steps. *plain is in `data`, in `spare`, or is `dst` (which may be NULL) with the
 * chunk's size. `spare` has twice zarr_chain_spare(). */
int zarr_chain_decode(const struct zarr_chain *, const uint8_t *data, size_t size_bytes,
                      uint8_t *spare, uint8_t *dst, const uint8_t **plain,
                      const char *place, struct ff_error *);
/* All steps; *out lies in `plain` (no steps) or in `spare`. */
int zarr_chain_encode(const struct zarr_chain *, const uint8_t *plain, uint8_t *spare,
                      const uint8_t **out, size_t *out_bytes, const char *place,
                      struct ff_error *);

/* ---- vlen.c: u32 count, then u32 size and bytes of each item (numcodecs vlen) ---- */

/* The longest item: in bytes, or of text in characters. */
int zarr_vlen_measure(enum zarr_vlen, const uint8_t *data, size_t size_bytes,
                      uint64_t item_count, uint64_t *longest, const char *place,
                      struct ff_error *);
/* To items of item_bytes, padded with zeros; the data was measured. */
void zarr_vlen_spread(enum zarr_vlen, const uint8_t *data, size_t size_bytes,
                      uint64_t item_count, uint64_t item_bytes, uint8_t *dst);
/* Undoes the steps of a chunk whose size nobody knows: *out is ff_free'd. */
int zarr_vlen_decode(const struct zarr_chain *, const uint8_t *data, size_t size_bytes,
                     uint8_t **out, size_t *out_bytes, const char *place,
                     struct ff_error *);

/* ---- json.c: metadata as others write it ---- */

/* What the functions below need to know; `place` is the document's name. */
struct zarr_reader {
    const struct ff_values *values;
    const char *place;
    struct ff_error *error;
};

/* A document of its own: values->doc_free. FF_E_CORRUPT: not JSON, or no object. */
int zarr_json_parse(const struct zarr_reader *, const char *text, size_t size_bytes,
                    struct ff_doc **, struct ff_value *root);
int zarr_damaged(const struct zarr_reader *, const char *what);
struct ff_value zarr_get(const struct zarr_reader *, struct ff_value dict,
                         const char *key);
bool zarr_absent(const struct zarr_reader *, struct ff_value);
bool zarr_null(const struct zarr_reader *, struct ff_value); /* absent, or None */
/* A text, as words with NUL; FF_E_CORRUPT with `what` otherwise. */
int zarr_text(const struct zarr_reader *, struct ff_value, const char *what, char *out,
              size_t size);
int zarr_int(const struct zarr_reader *, struct ff_value, const char *what, int64_t min,
             int64_t max, int64_t *out);
/* A member that may be missing. */
int zarr_int_or(const struct zarr_reader *, struct ff_value dict, const char *key,
                int64_t min, int64_t max, int64_t otherwise, int64_t *out);
int zarr_shape(const struct zarr_reader *, struct ff_value, const char *what,
               int64_t *out, uint32_t *ndim);
/* {"name": ..., "configuration": {...}}, or the name alone. */
int zarr_extension(const struct zarr_reader *, struct ff_value, const char *what,
                   char *name, size_t size, struct ff_value *configuration);
/* The value as JSON text again: appended. */
int zarr_json_print(const struct zarr_reader *, struct ff_value, struct ff_buf *out);

/* ---- meta2.c, meta3.c, types3.c, fill.c, steps.c: what is stored ---- */

struct zarr_shards {
    bool at_start; /* where the index is */
    bool big_endian;
    bool crc32c;
    uint64_t count;     /* inner chunks in a shard */
    size_t index_bytes; /* as stored */
    int64_t grid[FF_MAX_NDIM];
    struct zarr_chain outer; /* steps around the whole shard */
};

struct zarr_meta {
    int format;
    uint32_t ndim;
    int64_t shape[FF_MAX_NDIM];
    int64_t object[FF_MAX_NDIM]; /* what one object holds: a chunk, or a shard of them */
    int64_t chunk[FF_MAX_NDIM];
    uint32_t order[FF_MAX_NDIM]; /* the axes of a stored chunk, slowest first */
    uint64_t chunk_bytes, chunk_items;
    struct ff_dtype *dtype;
    struct zarr_chain chain; /* of a chunk */
    bool sharded;
    struct zarr_shards shards;
    uint8_t *fill; /* one element, or NULL: zero bytes */
    char separator;
    bool prefixed; /* names of chunks begin with "c" */
    char *edges;   /* the text of ZARR_EDGES, or NULL */
    bool complete; /* every chunk was written: a missing one is damage */
};

/* The text of .zarray, of .zattrs (NULL: there is none), of zarr.json. `out` is to be freed
 * also after a failure. FF_E_CORRUPT: it is not what it says; FF_E_UNSUPPORTED: names what
 * there is not here. */
int zarr_meta2(const struct zarr_reader *, const struct ff_buf *array,
               const struct ff_buf *attributes, struct zarr_meta *out);
int zarr_meta3(const struct zarr_reader *, const struct ff_buf *array,
               struct zarr_meta *out);
void zarr_meta_free(struct zarr_meta *);
/* What both formats share: sizes, the chain, the grid. */
int zarr_meta_finish(const struct zarr_reader *, struct zarr_meta *);
int zarr_meta_attributes(const struct zarr_reader *, struct ff_value attributes,
                         struct zarr_meta *);

/* A step by its name and its parameters, into the chain; `item_bytes` of the elements. */
int zarr_step_read(const struct zarr_reader *, const char *name, struct ff_value config,
                   uint64_t item_bytes, struct zarr_chain *);

/* Format 3's data types. */
int zarr_type3_read(const struct zarr_reader *, struct ff_value, struct zarr_meta *out);
/* -EOPNOTSUPP: there is none. */
int zarr_type3_print(const struct ff_dtype *, struct ff_buf *out);
/* bytes with endian: big */
void zarr_type_big_endian(struct ff_dtype *);

/* One element into out->fill. */
int zarr_fill_read(const struct zarr_reader *, struct ff_value, struct zarr_meta *out);
int zarr_fill_print(const struct ff_dtype *, int format, struct ff_buf *out);

/* ---- key.c ---- */

void zarr_key(const struct zarr_meta *, const char *array, const int64_t *index,
              char out[ZARR_KEY_BYTES]);

/* ---- options.c ---- */

void zarr_options_default(struct zarr_options *);
/* Overlays `out` with the dict "zarr". */
int zarr_options_read(const struct ff_values *, struct ff_value, struct zarr_options *out,
                      struct ff_error *);

#endif
