/* SPDX-License-Identifier: Apache-2.0 */
/* memory.h: what the parts of the protocol "memory" share: named stores of bytes. */
#ifndef FF_TESTS_MEMORY_H
#define FF_TESTS_MEMORY_H

#include <functionfuse/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/sys.h"
#include "core/base/vec.h"

/* Bytes under any number of names, and of open files. A put never changes one, it makes
 * another: whoever holds a blob keeps what it read. */
struct mem_blob {
    pthread_rwlock_t lock; /* the members below it */
    struct ff_buf bytes;
    uint64_t version; /* counts what files wrote into it */
    int64_t mtime_ns;
    unsigned attached; /* files that write into it; under the store's lock */
    atomic_uint refs;
};

struct mem_entry {
    char *name; /* from the root */
    struct mem_blob *blob;
    uint64_t stamp; /* no two puts of a store have the same */
};

struct mem_store {
    struct mem_store *next; /* of the registry; with refs under its lock */
    unsigned refs;
    bool named;
    char *identity; /* "memory:NAME" */
    pthread_mutex_t lock;
    struct ff_vec entries; /* struct mem_entry, sorted by name */
    uint64_t stamp;
};

struct mem_inst {
    const struct ff_sys *sys;
    struct mem_store *store;
    int files; /* 0: ff.files/1 is not offered */
};

struct mem_bound {
    struct ff_objects objects;
    struct ff_files files;
    struct ff_locate locate;
    const struct mem_inst *inst;
    char *folder; /* "" or "a/b/" */
};

/* The bound protocol around one of its tables. */
#define MEM_OF(table, member)                                                            \
    ((const struct mem_bound *)(const void *)((const char *)(table)-offsetof(            \
        struct mem_bound, member)))

/* The store of that name ("" = one of its own); NULL = no memory. */
struct mem_store *mem_store_open(const char *name);
void mem_store_close(struct mem_store *);

struct mem_blob *mem_blob_new(size_t size_bytes, int64_t now_ns);
struct mem_blob *mem_blob_ref(struct mem_blob *);
void mem_blob_unref(struct mem_blob *);
int64_t mem_now_ns(const struct mem_inst *);

/* Under the store's lock. The index is where the name is, or would be. */
bool mem_find(const struct mem_store *, const char *name, size_t *index);
struct mem_entry *mem_at(const struct mem_store *, size_t index);
/* Takes `name` and `blob` when it succeeds: 0, or FF_E_NO_MEMORY. */
int mem_insert(struct mem_store *, size_t index, char *name, struct mem_blob *);
void mem_erase(struct mem_store *, size_t index);
/* Whether it has two names. */
bool mem_is_shared(const struct mem_store *, const struct mem_blob *);

/* Owned, ff_free. NULL: the error says why (not a name, no memory). */
char *mem_full_name(const struct mem_bound *, const char *name, struct ff_error *);
/* FF_OK, or the call was cancelled or is past its deadline. */
int mem_check_call(const struct mem_inst *, const struct ff_call *, struct ff_error *);

extern const struct ff_objects mem_objects;
extern const struct ff_files mem_files;

#endif
