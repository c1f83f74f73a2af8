/* SPDX-License-Identifier: Apache-2.0 */
/* parts.h: chunks of which only parts have come, for core/writer.c. The caller locks. */
#ifndef FF_CORE_PARTS_H
#define FF_CORE_PARTS_H

#include <functionfuse/functionfuse.h>

#define FF_PARTS_BUCKETS 1024

struct ff_partial {
    struct ff_partial *next;
    uint64_t number; /* of the chunk, C order */
    int64_t index[FF_MAX_NDIM], count[FF_MAX_NDIM];
    int ndim;
    uint64_t elements, filled, size_bytes;
    uint8_t *there; /* a bit an element */
    uint8_t *data;  /* C order, zero where nothing has come */
};

struct ff_parts {
    struct ff_partial *bucket[FF_PARTS_BUCKETS];
    uint64_t held_bytes, max_bytes;
};

/* NULL = nothing of that chunk has come. */
struct ff_partial *ff_parts_find(const struct ff_parts *, uint64_t number);
/* Room for a chunk; in the table. FF_E_LIMIT; FF_E_NO_MEMORY. */
struct ff_partial *ff_parts_add(struct ff_parts *, uint64_t number, int ndim,
                                const int64_t *index, const int64_t *count,
                                uint64_t itemsize_bytes, struct ff_error *);
/* Out of the table; the caller's, ff_partial_free. */
void ff_parts_take(struct ff_parts *, struct ff_partial *);
void ff_partial_free(struct ff_partial *);
void ff_parts_clear(struct ff_parts *);
/* Mark the elements of a box, counted from the chunk's corner. 0 = one was there already. */
int ff_partial_mark(struct ff_partial *, const int64_t *first, const int64_t *count);

#endif
