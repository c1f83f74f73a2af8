/* SPDX-License-Identifier: Apache-2.0 */
/* index.h: what the readers of chunk indexes share. None of them trusts a byte: each block must
 * lie in the file, they may not be larger together than the file is, and each chunk comes once.
 */
#ifndef FF_HDF_INDEX_H
#define FF_HDF_INDEX_H

#include "hdf.h"

#include "core/base/vec.h"

struct hdf_table {
    const struct hdf_file *file;
    const struct hdf_dataset *set;
    const struct hdf_index_place *place;
    struct ff_vec entries;
    uint64_t left_bytes; /* of the file: blocks that would need more overlap each other */
    bool any_order;      /* they may come in another order than that of the grid */
    bool mixed;          /* and did */
    struct ff_error *error;
};

int hdf_table_damaged(const struct hdf_table *);
/* One chunk. FF_E_CORRUPT: not of the grid, not in the file, or not behind the one before. */
int hdf_table_add(struct hdf_table *, uint64_t chunk, uint64_t address,
                  uint64_t size_bytes, uint32_t skipped);
/* A block of the index: ff_free. */
int hdf_table_block(struct hdf_table *, uint64_t address, uint64_t size_bytes,
                    uint8_t **out);
/* The same, with its checksum behind it; with a signature (else NULL) and the version 0. */
int hdf_table_sealed(struct hdf_table *, uint64_t address, uint64_t size_bytes,
                     const char *signature, uint8_t **out);

/* index_arrays.c */
int hdf_index_fixed(struct hdf_table *);
int hdf_index_extensible(struct hdf_table *);
/* index_btree2.c */
int hdf_index_btree2(struct hdf_table *);

#endif
