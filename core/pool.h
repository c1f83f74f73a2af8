/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h: a host's threads and its memory budget (the service ff.pool/1). */
#ifndef FF_CORE_POOL_H
#define FF_CORE_POOL_H

#include <stdatomic.h>

#include <functionfuse/plugin.h>
#include "core/base/sys.h"

struct ff_pool_own;

/* Work that is under way, in its caller's memory; all of it is pool.c's. */
struct ff_pool_job {
    struct ff_pool_job *older, *newer;
    uint64_t count;
    atomic_uint_least64_t next; /* the first item that nobody has begun */
    atomic_int stopped;
    int (*work)(void *ctx, uint64_t i, struct ff_error *);
    void *ctx;
    const struct ff_call *call;
    uint32_t helpers; /* threads at it, without the caller; pool's mutex */
    int code;         /* of the first failure; pool's mutex */
    struct ff_error error;
};

/* threads >= 1: how many work on one for_each, the caller included. They start at the first
 * one that can use them. NULL: no memory. */
struct ff_pool_own *ff_pool_new(uint32_t threads, uint64_t budget_bytes,
                                struct ff_error *);
/* Stops and joins the threads. Every buffer must be back. NULL is allowed. */
void ff_pool_free(struct ff_pool_own *);

/* As struct ff_pool says. A thread that holds a buffer is not made to wait for another one:
 * it could wait for itself. */
int ff_pool_for_each(struct ff_pool_own *, uint64_t count,
                     int (*work)(void *ctx, uint64_t i, struct ff_error *), void *ctx,
                     const struct ff_call *, struct ff_error *);
/* The same in two steps: what threads are idle begin with it while the caller does something
 * else; finish() does the rest and waits for what they have begun, so it needs none of them.
 * Each begin() has its finish(), by the same thread; the job does not move in between. */
void ff_pool_begin(struct ff_pool_own *, struct ff_pool_job *, uint64_t count,
                   int (*work)(void *ctx, uint64_t i, struct ff_error *), void *ctx,
                   const struct ff_call *);
int ff_pool_finish(struct ff_pool_own *, struct ff_pool_job *, struct ff_error *);
void *ff_pool_borrow(struct ff_pool_own *, size_t size_bytes, const struct ff_call *,
                     struct ff_error *);
/* 0: it was not borrowed, and nothing was done. */
int ff_pool_give_back(struct ff_pool_own *, void *memory);

/* For tests and for the log. */
struct ff_pool_state {
    uint32_t started; /* threads, without callers */
    uint64_t held_bytes, cached_bytes;
    size_t waiting; /* borrowers */
};
void ff_pool_look(struct ff_pool_own *, struct ff_pool_state *);

/* The CPUs that this thread's affinity and the process's cgroup (v2 or v1) allow, >= 1. */
uint32_t ff_cpus_allowed(const struct ff_sys *);

#endif
