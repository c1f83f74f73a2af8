/* SPDX-License-Identifier: Apache-2.0 */
/* budget.h: scratch memory within a maximum, used again and again. */
#ifndef FF_CORE_BUDGET_H
#define FF_CORE_BUDGET_H

#include <pthread.h>

#include <functionfuse/array.h>

struct ff_buffer;
struct ff_borrower;

struct ff_budget {
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a buffer came back, or a borrower left the queue */
    uint64_t max_bytes;
    uint64_t held_bytes, cached_bytes;
    struct ff_buffer *held, *cached;
    struct ff_borrower *queue; /* first come, first served */
    size_t waiting;
};

/* 0 or an errno. */
int ff_budget_init(struct ff_budget *, uint64_t max_bytes);
void ff_budget_free(struct ff_budget *);
/* As borrow() and give_back() of struct ff_pool. */
void *ff_budget_borrow(struct ff_budget *, size_t size_bytes, const struct ff_call *,
                       struct ff_error *);
/* 0: it was not borrowed, and nothing was done. */
int ff_budget_give_back(struct ff_budget *, void *memory);

#endif
