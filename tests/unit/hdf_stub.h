/* SPDX-License-Identifier: Apache-2.0 */
/* hdf_stub.h: a host just large enough for the tests of plugins/dask_array: values that hold
 * one array or a flat dict, threads without a budget, files in a folder that can fail.
 */
#ifndef FF_TESTS_HDF_STUB_H
#define FF_TESTS_HDF_STUB_H

#include <functionfuse/plugin.h>

struct stub {
    struct ff_host_services host;
    struct ff_protocols protocols;
    const struct ff_serializer *serializer;
    void *inst;
    char folder[256];
    const struct ff_array *given; /* what the value of stub_object() is */
    struct ff_array *got;         /* what unpickle made */
};

/* Makes an instance over a folder (NULL: a new one). `options`: flat JSON, or NULL. Fails the
 * running test when it cannot. */
void stub_open(struct stub *, const char *folder, const char *options);
void stub_close(struct stub *); /* a folder that it made goes, with what is in it */

int stub_pickle(struct stub *, const struct ff_array *, const char *name,
                const struct ff_call *, struct ff_error *);
/* The array; release it. NULL: failed. */
struct ff_array *stub_unpickle(struct stub *, const char *name, struct ff_error *);

/* From now on the n-th call of ff.files (from 1) fails with `code`; 0 = none does. */
void stub_fail_at(long n, int code);
long stub_calls(void);      /* since stub_fail_at */
long stub_open_files(void); /* not closed yet */
uint64_t stub_read_bytes(void);
int stub_has_group(void); /* whether this thread is in the lock group of libhdf5 */

/* Files of the folder as bytes. */
unsigned char *stub_load(const struct stub *, const char *name, size_t *size_bytes);
void stub_store(const struct stub *, const char *name, const void *data,
                size_t size_bytes);
int stub_exists(const struct stub *, const char *name);

/* An array in memory with bytes that differ from place to place. */
struct stub_array {
    struct ff_array array;
    int64_t shape[FF_MAX_NDIM], chunk[FF_MAX_NDIM], strides[FF_MAX_NDIM];
    unsigned char *data;
    uint64_t total_bytes;
};
void stub_array_make(struct stub_array *, const char *descr, uint64_t item_bytes,
                     int ndim, const int64_t *shape, const int64_t *chunk);
void stub_array_free(struct stub_array *);
/* The whole of it, packed in C order; free(). NULL: failed. */
unsigned char *stub_read_all(const struct ff_array *, uint64_t *total_bytes,
                             struct ff_error *);

#endif
