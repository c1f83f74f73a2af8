/* SPDX-License-Identifier: Apache-2.0 */
/* hdf.h: what the files of this plugin share. A stored array is one HDF5 file with the data
 * set "dask_arrays". It is made by libhdf5 over ff.files, its elements go round the library;
 * it is read by our own bounded parser, so that damaged or hostile metadata meets no C library
 * that trusts it. "Specification" below: HDF5 File Format Specification Version 3.0.
 */
#ifndef FF_HDF_H
#define FF_HDF_H

#include <functionfuse/plugin.h>

#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/dtype.h"
#include "zarr/options.h"

#define HDF_DATASET      "dask_arrays"
#define HDF_EDGES_NAME   "ff_chunks"
#define HDF_DESCR_NAME   "ff_descr"
#define HDF_LOCK_GROUP   "libhdf5"
#define HDF_FILLING      "filling"  /* the folder of arrays that are being filled */
#define HDF_UNDEFINED    UINT64_MAX /* an address that is not there */
#define HDF_FILTERS_MAX  8
#define HDF_SCRATCH_KEPT 64

/* The identifiers of the registered filters. */
enum { HDF_DEFLATE = 1, HDF_SHUFFLE = 2, HDF_FLETCHER32 = 3 };

struct hdf_scratch {
    size_t size_bytes;
    unsigned char *data;
};

struct hdf_options {
    int level; /* 0 = no deflate */
    bool shuffle;
    bool chosen; /* compression was given: it holds for zarr too */
    struct zarr_options zarr;
};

struct hdf_inst {
    const struct ff_host_services *host;
    const struct ff_values *values;
    const struct ff_pool *pool;
    const struct ff_lock_group *locks;
    struct hdf_options options;
    _Atomic(struct hdf_scratch *) kept[HDF_SCRATCH_KEPT];
    _Atomic(size_t) kept_bytes;
};

/* Memory for one read, kept by the instance for the next one. Not from the host's budget: a
 * read may run inside somebody's work item that holds its one piece already. */
struct hdf_scratch *hdf_scratch_take(struct hdf_inst *, size_t size_bytes,
                                     struct ff_error *);
void hdf_scratch_give(struct hdf_inst *, struct hdf_scratch *);

/* ---- options.c ---- */

/* Overlays `out` with a dict; absent is no change. FF_E_USAGE names what is wrong. */
int hdf_options_read(const struct ff_values *, struct ff_value options,
                     struct hdf_options *out, struct ff_error *);
int hdf_options_parse(const struct ff_values *, const char *json, struct hdf_options *out,
                      struct ff_error *);

/* ---- meta.c: reading bytes that nobody vouches for ---- */

struct hdf_file {
    const struct ff_files *files;
    struct ff_file *file;
    const struct ff_call *call; /* of the call that runs now */
    uint64_t size_bytes;
    const char *name;
};

/* Little-endian numbers out of bytes; past the end: 0, and `bad` for ever. */
struct hdf_cursor {
    const uint8_t *at, *end;
    bool bad;
};

uint64_t hdf_take(struct hdf_cursor *, unsigned size_bytes);
/* The next bytes, or NULL. */
const uint8_t *hdf_take_bytes(struct hdf_cursor *, uint64_t size_bytes);
static inline size_t hdf_left(const struct hdf_cursor *c)
{
    return c->bad ? 0 : (size_t)(c->end - c->at);
}

/* FF_E_CORRUPT when the bytes do not lie in the file. */
int hdf_read(const struct hdf_file *, uint64_t address, void *dst, size_t size_bytes,
             struct ff_error *);
/* As hdf_read, into memory of its own: ff_free. */
int hdf_read_new(const struct hdf_file *, uint64_t address, size_t size_bytes,
                 uint8_t **out, struct ff_error *);
bool hdf_in_file(const struct hdf_file *, uint64_t address, uint64_t size_bytes);
int hdf_damaged(const struct hdf_file *, struct ff_error *, const char *what);
/* Bob Jenkins' lookup3, the checksum of metadata. */
uint32_t hdf_lookup3(const uint8_t *data, size_t size_bytes);

/* Visits each message of an object header; nonzero from `on` stops and is returned. */
typedef int hdf_on_message(void *ctx, unsigned type, unsigned flags,
                           struct hdf_cursor body, struct ff_error *);
int hdf_header_each(const struct hdf_file *, uint64_t address, hdf_on_message *,
                    void *ctx, struct ff_error *);

/* ---- group.c: the superblock and names in the root group ---- */

/* The address of the root group's object header. */
int hdf_superblock(const struct hdf_file *, uint64_t *root, struct ff_error *);
/* The object header that a hard link in the root leads to; FF_E_NOT_FOUND without an error
 * filled in; FF_E_UNSAFE for any other link. */
int hdf_find(const struct hdf_file *, uint64_t root, const char *name, uint64_t *address,
             struct ff_error *);

/* ---- types_raw.c, types_h5.c ---- */

/* A datatype message as a dtype. FF_E_UNSUPPORTED names what there is no dtype for. */
int hdf_dtype_decode(struct hdf_cursor *, const char *place, struct ff_dtype **out,
                     struct ff_error *);
/* Whether there is an HDF5 type for it. */
bool hdf_dtype_storable(const struct ff_dtype *);
/* libhdf5's type for it (its caller holds the lock and closes it); negative: failed. */
int64_t hdf_dtype_make(const struct ff_dtype *);
/* Whether U occurs in it. */
bool hdf_dtype_has_text(const struct ff_dtype *);

/* ---- dataset.c, index*.c: what is stored ---- */

struct hdf_filter {
    unsigned id;
    unsigned value; /* the first of its parameters */
};

struct hdf_entry {
    uint64_t chunk; /* its place in the grid, C order */
    uint64_t address;
    uint32_t size_bytes;
    uint32_t skipped; /* bit i: filter i was not applied */
};

enum hdf_layout {
    HDF_INLINE = 1, /* in the object header, read already */
    HDF_PLACED,     /* chunk i at base + i * chunk_bytes */
    HDF_TABLE       /* entries, in the order of `chunk` */
};

struct hdf_dataset {
    uint32_t ndim;
    bool chunked;
    int64_t shape[FF_MAX_NDIM];
    int64_t chunk[FF_MAX_NDIM]; /* of the stored grid; a slab when it is not chunked */
    int64_t grid[FF_MAX_NDIM];
    uint64_t chunk_count, chunk_bytes;
    uint64_t total_bytes; /* elements of the whole shape */
    struct ff_dtype *dtype;
    enum hdf_layout layout;
    uint64_t base;
    struct hdf_entry *entries;
    size_t entry_count;
    uint8_t *inline_data;
    uint8_t *fill; /* one element, or NULL: zero bytes */
    struct hdf_filter filters[HDF_FILTERS_MAX];
    unsigned filter_count;
    char *edges; /* the text of HDF_EDGES_NAME, or NULL */
};

/* How the layout message says that chunks are found. */
enum hdf_index {
    HDF_INDEX_NONE = 0,
    HDF_INDEX_SINGLE = 1,
    HDF_INDEX_IMPLICIT = 2,
    HDF_INDEX_FIXED = 3,
    HDF_INDEX_EXTENSIBLE = 4,
    HDF_INDEX_BTREE2 = 5,
    HDF_INDEX_BTREE1 = 100
};

struct hdf_index_place {
    enum hdf_index kind;
    uint64_t address;
    uint64_t single_bytes; /* SINGLE with filters */
    uint32_t single_skipped;
    uint64_t cells[FF_MAX_NDIM]; /* the grid that it may grow to; UINT64_MAX: no end */
};

int hdf_dataset_read(const struct hdf_file *, struct hdf_dataset *out, struct ff_error *);
void hdf_dataset_free(struct hdf_dataset *);
int hdf_index_read(const struct hdf_file *, const struct hdf_index_place *,
                   struct hdf_dataset *, struct ff_error *);
/* The chunk's entry, or false: it was never written. */
bool hdf_entry_of(const struct hdf_dataset *, uint64_t chunk, struct hdf_entry *out);

/* ---- filter.c ---- */

/* The size that a buffer for decoding or encoding needs. */
size_t hdf_filter_room(uint64_t chunk_bytes);
/* Undoes the filters: `data` holds entry->size_bytes; both buffers have hdf_filter_room() bytes
 * and are written over. *plain is one of them. */
int hdf_filter_decode(const struct hdf_dataset *, const struct hdf_entry *, uint8_t *data,
                      uint8_t *other, const uint8_t **plain, const char *place,
                      struct ff_error *);
/* Shuffle and deflate as the options say; both buffers have hdf_filter_room() bytes. *skipped
 * has the filters that did not help. */
int hdf_filter_encode(const struct hdf_options *, uint64_t item_bytes,
                      const uint8_t *plain, size_t size_bytes, uint8_t *a, uint8_t *b,
                      const uint8_t **out, size_t *out_bytes, uint32_t *skipped,
                      const char *place, struct ff_error *);
uint32_t hdf_fletcher32(const uint8_t *data, size_t size_bytes);

/* ---- edges.c: irregular chunks as text: [[3,2,[4,2]],[5]], [size, count] for a run ---- */

/* NULL in *text when the grid is regular. Owned: ff_free. */
int hdf_edges_print(const struct ff_array *, char **text, struct ff_error *);
/* False: not such a text, or it does not add up to the shape. One block, ff_free(*edges). */
bool hdf_edges_parse(const char *text, uint32_t ndim, const int64_t *shape,
                     int64_t *count, int64_t **edges);

/* ---- vfd.c: libhdf5 over ff.files ---- */

/* What the driver's callbacks use. `call` and `error` are set for each entry. libhdf5 cannot
 * close a file whose medium fails, and runs into freed memory at exit: so the driver never
 * fails. It keeps the first failure here, and pretends from then on; what is written is thrown
 * away by whoever sees `failed`. */
struct hdf_io {
    const struct ff_files *files;
    struct ff_file *file;
    const struct ff_call *call;
    struct ff_error *error;
    int failed;
    struct ff_error first; /* of writing: why */
    int64_t driver;        /* libhdf5's id of our driver; 0 = none */
    bool dead;             /* the medium is left alone */
    bool held; /* the library would not let go of the file: this memory must stay */
};

struct hdf_io *hdf_io_new(const struct ff_files *);
void hdf_io_free(struct hdf_io *); /* NULL is harmless */
bool hdf_io_close(struct hdf_io *, int64_t h5_file);
/* Where no file came of the access list. */
void hdf_io_drop_driver(struct hdf_io *);

struct hdf_quiet {          /* what the program has of libhdf5's for this thread */
    int64_t stack;          /* its errors */
    bool is_v1;             /* who prints them was set by H5Eset_auto1() */
    void (*function)(void); /* who prints them */
    void *data;
};

/* The lock group and an error stack that is empty and silent, around calls of the library. The
 * program's, which may use the same library, is as it was behind them. */
int hdf_enter(const struct hdf_inst *, struct hdf_quiet *, struct ff_error *);
void hdf_leave(const struct hdf_inst *, const struct hdf_quiet *);
/* After calls of the library: the medium's failure, else the library's own words as an error
 * with `code`, unless ok. */
int hdf_outcome(struct hdf_io *, bool ok, int code, const char *place, const char *what);
/* A file access list that leads to io, or negative. */
int64_t hdf_access_list(struct hdf_io *io);

/* ---- create.c, write.c: storing ---- */

struct hdf_plan {
    uint32_t ndim;
    bool chunked;       /* else scalar, or without elements */
    bool stream;        /* shape[0] grows */
    bool through_index; /* chunks go through the library: filters, or a stream */
    int64_t shape[FF_MAX_NDIM], chunk[FF_MAX_NDIM], grid[FF_MAX_NDIM];
    uint64_t item_bytes, chunk_bytes, chunk_count;
    struct ff_dtype *dtype;
    const char *descr;
    char *edges;
    struct hdf_options options;
};

/* Makes the file and its data set and leaves both open; the caller holds the lock. */
int hdf_create(struct hdf_io *, const struct hdf_plan *, const char *place, int64_t *file,
               int64_t *dataset);

struct hdf_writer {
    struct hdf_inst *inst;
    struct hdf_plan plan;
    const struct ff_files *files;
    struct ff_file *file;
    struct hdf_io *io;
    char place[80];
    int64_t h5_file, h5_dataset; /* through_index, else -1 */
    uint64_t base;               /* else: chunk i at base + i * chunk_bytes */
    int64_t extent;              /* of a stream; under the lock group */
    atomic_uint_fast64_t done_bytes, chunks_put;
};

/* Runs work(w, ctx) with the lock group held and the driver ready. */
int hdf_writer_library(struct hdf_writer *,
                       int (*work)(struct hdf_writer *, const void *ctx), const void *ctx,
                       const struct ff_call *, struct ff_error *);
/* FF_DECLINED: a dtype that has no HDF5 type, or an inline array. */
int hdf_writer_open(struct hdf_inst *, const struct ff_array *,
                    const struct ff_protocols *, const char *name, const struct ff_call *,
                    struct hdf_writer **, struct ff_error *);
/* A whole padded chunk; `spare` has 2 * hdf_filter_room() bytes where there are filters. */
int hdf_writer_chunk(struct hdf_writer *, const int64_t *index, const void *packed,
                     uint8_t *spare, const struct ff_call *, struct ff_error *);
/* Final and durable; takes the writer, also on failure. length: of a stream, else ignored. */
int hdf_writer_finish(struct hdf_writer *, int64_t length, const struct ff_call *,
                      struct ff_error *);
void hdf_writer_abort(struct hdf_writer *);
/* All elements of an array. */
int hdf_writer_fill(struct hdf_writer *, const struct ff_array *, const struct ff_call *,
                    struct ff_error *);

extern const struct ff_push hdf_push;
extern const struct ff_fill hdf_fill;

/* ---- open.c, read.c, check.c ---- */

/* Opens and parses; the array holds the file. */
int hdf_array_open(struct hdf_inst *, const struct ff_pid *, const struct ff_protocols *,
                   struct ff_array **, const struct ff_call *, struct ff_error *);

/* The same, or the zarr array of that name. */
int hdf_open_any(struct hdf_inst *, const struct ff_pid *, const struct ff_protocols *,
                 struct ff_array **, const struct ff_call *, struct ff_error *);

/* One opened array. */
struct hdf_array {
    struct ff_array array; /* first */
    struct hdf_inst *inst;
    struct hdf_file file;
    struct hdf_dataset set;
    char name[80];
    char *descr;
    int64_t chunk[FF_MAX_NDIM]; /* what is shown: the largest edges */
    int64_t *edge_block;
    const int64_t *edges[FF_MAX_NDIM];
    int64_t edge_count[FF_MAX_NDIM];
};

/* The file `name`, opened in a mode of ff.files/1. */
int hdf_file_open(struct hdf_inst *, const char *name, int mode,
                  const struct ff_protocols *, struct hdf_array **,
                  const struct ff_call *, struct ff_error *);
/* Its file is closed unless it is NULL. */
void hdf_array_free(struct hdf_array *);

/* The array's read(). */
int hdf_array_read(const struct ff_array *, const struct ff_region *, void *dst,
                   const int64_t *dst_strides, const struct ff_call *, struct ff_error *);
/* The bytes at `offset` of stored chunk `entry`, unfiltered ones. */
int hdf_raw_read(const struct hdf_array *, const struct hdf_entry *, uint64_t offset,
                 void *dst, size_t size_bytes, const struct ff_call *, struct ff_error *);
/* Reads and decodes a filtered chunk into one of the two halves of `scratch`. */
int hdf_chunk_decode(const struct hdf_array *, const struct hdf_entry *,
                     struct hdf_scratch *, const uint8_t **plain, const struct ff_call *,
                     struct ff_error *);

extern const struct ff_verifier hdf_verifier;
extern const struct ff_explain hdf_explain;

#endif
