/* SPDX-License-Identifier: Apache-2.0 */
/* store.h: arrays in a store: what is opened, and what is being written. */
#ifndef FF_ZARR_STORE_H
#define FF_ZARR_STORE_H

#include "core/base/buf.h"
#include "core/base/region.h"
#include "zarr/zarr.h"

/* ---- object.c: small objects, whole ---- */

struct zarr_doc {
    char name[ZARR_NAME_BYTES];
    struct ff_buf text;
    char tag[80];
    int code; /* FF_OK, FF_E_NOT_FOUND */
};

void zarr_doc_init(struct zarr_doc *, const char *array, const char *name);
/* Gets all in one batch. Fails when one does for another reason than that it is absent. */
int zarr_docs_get(const struct ff_objects *, struct zarr_doc *, size_t count,
                  const struct ff_call *, struct ff_error *);
void zarr_docs_free(struct zarr_doc *, size_t count);
/* if_match as in struct ff_io. */
int zarr_put_text(const struct ff_objects *, const char *name, const char *text,
                  size_t size_bytes, const char *if_match, const struct ff_call *,
                  struct ff_error *);

/* ---- open.c, read.c, pull.c, shard.c: an opened array ---- */

struct zarr_array {
    struct ff_array array; /* first */
    struct hdf_inst *inst;
    const struct ff_objects *objects;
    bool local; /* the medium has files too: an object costs little, so one at a time */
    struct zarr_meta meta;
    char name[ZARR_NAME_BYTES]; /* "dask_arrays/<uuid>" */
    char document[ZARR_NAME_BYTES], tag[80];
    char *descr;
    int64_t chunk[FF_MAX_NDIM];
    int64_t *edge_block;
    const int64_t *edges[FF_MAX_NDIM];
    int64_t edge_count[FF_MAX_NDIM];
};

/* FF_E_NOT_FOUND, with the error filled in: there is no such array. */
int zarr_array_open(struct hdf_inst *, const struct ff_pid *, const struct ff_protocols *,
                    struct ff_array **, const struct ff_call *, struct ff_error *);

/* One read() of a region. */
struct zarr_job {
    const struct zarr_array *a;
    const struct ff_region *region;
    char *dst;
    const int64_t *dst_strides;
    const struct ff_call *call;
    int64_t first[FF_MAX_NDIM], count[FF_MAX_NDIM]; /* the touched objects of the grid */
    uint64_t object_count, per_group;
    int64_t strides[FF_MAX_NDIM]; /* in a stored chunk */
    bool past;                    /* the caches: see ff_copy_strided_past() */
    bool check;                   /* decode only: nothing is copied out */
    _Atomic(uint64_t) missing;    /* 1 + the number of an object that is not there */
};

/* Bytes of one object on their way into the caller's memory. */
struct zarr_pull {
    struct ff_io io; /* first */
    const struct zarr_job *job;
    struct ff_chunk_part part; /* of a chunk; of a shard when `shard` */
    char name[ZARR_KEY_BYTES];
    bool shard, ranged;
    bool in_place;
    struct hdf_scratch *scratch;
    uint8_t *data, *spare;
    int code;
    struct ff_error error;
};

void zarr_pull_whole(struct zarr_pull *, const struct zarr_job *,
                     const struct ff_chunk_part *, bool shard);
/* Its bytes came, or did not: decoded on this thread, its code says how that went. */
void zarr_pull_end(struct zarr_pull *, int code, const struct ff_error *);
/* Gets and decodes them all. FF_E_NOT_FOUND in one's code stays there. */
int zarr_pulls_run(const struct zarr_job *, struct zarr_pull *, uint64_t count,
                   struct ff_error *);
/* The stored bytes of a chunk into the caller's memory. */
int zarr_chunk_out(const struct zarr_job *, const struct ff_chunk_part *,
                   const char *place, const uint8_t *data, size_t size_bytes,
                   uint8_t *spare, struct ff_error *);
int zarr_fill_out(const struct zarr_job *, const struct ff_chunk_part *,
                  struct ff_error *);
/* What decoding one chunk needs. */
size_t zarr_chunk_spare(const struct zarr_array *);
char *zarr_part_dst(const struct zarr_job *, const struct ff_chunk_part *);
bool zarr_part_fits(const struct zarr_job *, const struct ff_chunk_part *);

/* A whole shard that was got, and one of which few chunks are wanted. */
int zarr_shard_out(const struct zarr_job *, const struct ff_chunk_part *,
                   const char *place, const uint8_t *data, size_t size_bytes,
                   struct ff_error *);
bool zarr_shard_is_sparse(const struct zarr_job *, const struct ff_chunk_part *);
/* FF_E_NOT_FOUND without an error: there is no such object. */
int zarr_shard_pick(const struct zarr_job *, const struct ff_chunk_part *,
                    struct ff_error *);
/* Of a shard's index, in C order of its chunks: where one begins and how long it is. */
struct zarr_entry {
    uint64_t offset, size_bytes;
};
#define ZARR_EMPTY UINT64_MAX
/* The index as stored into `out` (shards.count entries), each within the shard's bytes. */
int zarr_index_read(const struct zarr_meta *, const uint8_t *stored, uint64_t shard_bytes,
                    struct zarr_entry *out, const char *place, struct ff_error *);
/* The reverse: shards.index_bytes to `out`. */
void zarr_index_print(const struct zarr_meta *, const struct zarr_entry *, uint8_t *out);

int zarr_array_read(const struct ff_array *, const struct ff_region *, void *dst,
                    const int64_t *dst_strides, const struct ff_call *,
                    struct ff_error *);
/* The dtype of items of their own lengths: every chunk is looked through. */
int zarr_vlen_open(struct zarr_array *, const struct ff_call *, struct ff_error *);
/* Every chunk, decoded. `deep` 0: only whether it is there. */
int zarr_array_check(const struct zarr_array *, int deep, const struct ff_call *,
                     struct ff_error *);

/* ---- plan.c, write.c, group.c, print.c: an array that is being written ---- */

struct zarr_writer {
    struct hdf_inst *inst;
    const struct ff_objects *objects;
    bool local;
    unsigned formats; /* bit 2, bit 3, or both */
    bool stream;      /* shape[0] comes last */
    struct zarr_meta meta;
    int64_t grid[FF_MAX_NDIM]; /* of objects */
    uint64_t object_count;
    char name[ZARR_NAME_BYTES];
    char *edges;
    atomic_uint_fast64_t done_bytes, chunks_put;
};

/* FF_DECLINED: a dtype that has no zarr type, or an inline array. */
int zarr_writer_open(struct hdf_inst *, const struct ff_array *,
                     const struct ff_protocols *, const char *uuid,
                     const struct ff_call *, struct zarr_writer **, struct ff_error *);
int zarr_writer_fill(struct zarr_writer *, const struct ff_array *,
                     const struct ff_call *, struct ff_error *);
/* An object on its way into the store. */
struct zarr_put {
    struct ff_io io; /* first */
    char name[ZARR_KEY_BYTES];
};
/* source NULL: ctx is the bytes. Both stay until zarr_puts_run() is back. */
void zarr_put_init(struct zarr_put *, const struct zarr_writer *, const int64_t *index,
                   ff_read_at *source, const void *ctx, size_t size_bytes);
int zarr_puts_run(const struct zarr_writer *, struct zarr_put *, uint64_t count,
                  const struct ff_call *, struct ff_error *);
/* An object's bytes under its key. */
int zarr_writer_put(const struct zarr_writer *, const int64_t *index, const void *data,
                    size_t size_bytes, const struct ff_call *, struct ff_error *);
/* The metadata, last; takes the writer, also on failure. */
int zarr_writer_finish(struct zarr_writer *, int64_t length, const struct ff_call *,
                       struct ff_error *);
void zarr_writer_free(struct zarr_writer *);

/* ---- copy.c: stored chunks that are moved as they are ---- */

/* The array in another store, when it stands there as the writer would write it: the same grid
 * and codecs. NULL: its elements are read. */
const struct zarr_array *zarr_kin(const struct zarr_writer *, const struct ff_array *);
/* struct ff_array's query of a stored array. */
const void *zarr_array_query(const struct ff_array *, const char *interface_id);
/* An object on its way here. */
struct zarr_moving {
    struct ff_io io; /* first; size_bytes is what came */
    char name[ZARR_KEY_BYTES];
    uint8_t *data; /* with room for most_bytes */
    size_t most_bytes;
    int code; /* FF_OK, FF_E_NOT_FOUND */
};
void zarr_moving_init(struct zarr_moving *, const struct zarr_array *kin,
                      const int64_t *index, uint8_t *data, size_t most_bytes);
/* Fails when one does for another reason than that it is absent. */
int zarr_moving_get(const struct zarr_array *kin, struct zarr_moving *, uint64_t count,
                    const struct ff_call *, struct ff_error *);

/* Where chunks of an array lie, as boxes of elements. */
struct zarr_box {
    int64_t start[FF_MAX_NDIM], count[FF_MAX_NDIM];
    bool clipped, outside;
};
void zarr_box_at(const struct zarr_meta *, const int64_t *index, struct zarr_box *);
/* Elements of a chunk, packed in C order, padded with zeros. */
int zarr_box_read(const struct zarr_meta *, const struct ff_array *,
                  const struct zarr_box *, uint8_t *dst, const struct ff_call *,
                  struct ff_error *);

/* A raw chunk that is read out of the array's memory while it is put. */
struct zarr_rows {
    const struct zarr_meta *m;
    const struct ff_array *a;
    struct zarr_box box;
    uint32_t axes;      /* from here on, elements are one run in memory */
    uint64_t run_bytes; /* of it */
};
/* False: this chunk has to be gathered. */
bool zarr_rows_fit(struct zarr_rows *, const struct zarr_meta *, const struct ff_array *,
                   const int64_t *index);
/* An ff_read_at with struct zarr_rows as ctx. */
int zarr_rows_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                   const struct ff_call *, struct ff_error *);

/* The group's formats, as bits; made when it is not there. */
int zarr_group_ready(struct hdf_inst *, const struct ff_objects *, int format,
                     unsigned *formats, const struct ff_call *, struct ff_error *);
/* Consolidated metadata of the group: with the array, or without it. */
int zarr_group_add(const struct zarr_writer *, const char *array2,
                   const char *attributes2, const char *array3, const struct ff_call *,
                   struct ff_error *);
int zarr_group_drop(const struct ff_objects *, const char *uuid, const struct ff_call *,
                    struct ff_error *);

/* Texts of the documents. */
int zarr_print2(const struct zarr_writer *, struct ff_buf *out);
int zarr_print_attributes(const struct zarr_writer *, struct ff_buf *out);
int zarr_print3(const struct zarr_writer *, struct ff_buf *out);

/* ---- what plugin.c, push.c and check.c of HDF5 hand over ---- */

/* Whether arrays are written as zarr to this medium. */
bool zarr_is_chosen(const struct hdf_inst *, const struct ff_array *,
                    const struct ff_protocols *);
int zarr_pickle(struct hdf_inst *, const struct ff_array *, const struct ff_protocols *,
                const char *uuid, const struct ff_call *, struct ff_error *);
int zarr_remove(void *inst, const struct ff_pid *, const struct ff_protocols *,
                const struct ff_call *, struct ff_error *);

#endif
