/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.c: scratch memory within a maximum. What comes back is kept for the next borrower
 * (fresh memory costs a page fault for every 4 KiB), up to a quarter of the budget.
 */
#include "core/budget.h"

#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/wait.h"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20, CACHE_SHARE = 4 };

struct ff_buffer {
    struct ff_buffer *next;
    void *block;     /* what was allocated */
    uint8_t *memory; /* in it, at a multiple of PAGE */
    size_t capacity_bytes;
    pthread_t holder;
};

struct ff_borrower {
    struct ff_borrower *next;
};

int ff_budget_init(struct ff_budget *b, uint64_t max_bytes)
{
    int code;

    memset(b, 0, sizeof *b);
    b->max_bytes = max_bytes;
    code = pthread_mutex_init(&b->mutex, NULL);
    if (!code && (code = ff_wait_init(&b->changed))) {
        (void)pthread_mutex_destroy(&b->mutex);
    }
    return code;
}

static void free_buffer(struct ff_buffer *buffer)
{
    if (buffer) {
        ff_aligned_free(buffer->block);
        ff_free(buffer);
    }
}

void ff_budget_free(struct ff_budget *b)
{
    while (b->cached) {
        struct ff_buffer *next = b->cached->next;

        free_buffer(b->cached);
        b->cached = next;
    }
    (void)pthread_cond_destroy(&b->changed);
    (void)pthread_mutex_destroy(&b->mutex);
}

/* Room for size_bytes in whole pages, huge ones where they fit. 0 on overflow. */
static size_t capacity_for(size_t size_bytes)
{
    size_t page = size_bytes >= HUGE_PAGE ? HUGE_PAGE : PAGE;
    size_t sum;

    return ff_add_size(size_bytes ? size_bytes : 1, page - 1, &sum) ? sum & ~(page - 1)
                                                                    : 0;
}

static struct ff_buffer *new_buffer(size_t capacity_bytes)
{
    struct ff_buffer *buffer = ff_calloc(1, sizeof *buffer);
    size_t slack = capacity_bytes >= HUGE_PAGE ? 0 : PAGE - 1;

    if (!buffer || !(buffer->block = ff_aligned_alloc(capacity_bytes + slack))) {
        ff_free(buffer);
        return NULL;
    }
    buffer->memory = (uint8_t *)buffer->block + (-(uintptr_t)buffer->block & (PAGE - 1));
    buffer->capacity_bytes = capacity_bytes;
    return buffer;
}

/* A cached buffer that is large enough and at most twice as large. */
static struct ff_buffer *take_cached(struct ff_budget *b, size_t capacity_bytes)
{
    struct ff_buffer **at = &b->cached, *buffer;

    while ((buffer = *at) && (buffer->capacity_bytes < capacity_bytes ||
                              buffer->capacity_bytes / 2 > capacity_bytes)) {
        at = &buffer->next;
    }
    if (buffer) {
        *at = buffer->next;
        b->cached_bytes -= buffer->capacity_bytes;
    }
    return buffer;
}

/* Free cached buffers until `extra` more bytes keep within `limit`. */
static void shrink_cache(struct ff_budget *b, uint64_t limit, uint64_t extra)
{
    while (b->cached && b->held_bytes + b->cached_bytes + extra > limit) {
        struct ff_buffer *buffer = b->cached;

        b->cached = buffer->next;
        b->cached_bytes -= buffer->capacity_bytes;
        free_buffer(buffer);
    }
}

static int holds_one(const struct ff_budget *b)
{
    const struct ff_buffer *buffer = b->held;

    while (buffer && !pthread_equal(buffer->holder, pthread_self())) {
        buffer = buffer->next;
    }
    return buffer != NULL;
}

static int fits(const struct ff_budget *b, size_t capacity_bytes)
{
    return !b->held_bytes || (capacity_bytes <= b->max_bytes &&
                              b->held_bytes <= b->max_bytes - capacity_bytes);
}

/* Wait until it is our turn and there is room. Mutex held. */
static int wait_for_room(struct ff_budget *b, size_t capacity_bytes,
                         const struct ff_call *call, struct ff_error *e)
{
    struct ff_borrower self = {NULL}, **at = &b->queue;
    int code = FF_OK;

    if ((!b->queue && fits(b, capacity_bytes)) || holds_one(b)) {
        return FF_OK;
    }
    while (*at) {
        at = &(*at)->next;
    }
    *at = &self;
    b->waiting++;
    while (!code && !(b->queue == &self && fits(b, capacity_bytes))) {
        ff_wait_a_little(&b->changed, &b->mutex);
        (void)pthread_mutex_unlock(&b->mutex); /* a callback of the program may be slow */
        code = ff_wait_over(call, e);
        (void)pthread_mutex_lock(&b->mutex);
    }
    for (at = &b->queue; *at != &self;) {
        at = &(*at)->next;
    }
    *at = self.next;
    b->waiting--;
    (void)pthread_cond_broadcast(&b->changed);
    return code;
}

/* A buffer that is counted as held. Mutex held. */
static struct ff_buffer *obtain(struct ff_budget *b, size_t capacity_bytes)
{
    struct ff_buffer *buffer = take_cached(b, capacity_bytes);

    if (!buffer) {
        shrink_cache(b, b->max_bytes, capacity_bytes);
        if (!(buffer = new_buffer(capacity_bytes))) {
            return NULL;
        }
    }
    buffer->holder = pthread_self();
    buffer->next = b->held;
    b->held = buffer;
    b->held_bytes += buffer->capacity_bytes;
    return buffer;
}

void *ff_budget_borrow(struct ff_budget *b, size_t size_bytes, const struct ff_call *call,
                       struct ff_error *e)
{
    size_t capacity_bytes = capacity_for(size_bytes);
    struct ff_buffer *buffer = NULL;
    int code = FF_OK;

    if (capacity_bytes) {
        (void)pthread_mutex_lock(&b->mutex);
        code = wait_for_room(b, capacity_bytes, call, e);
        buffer = code ? NULL : obtain(b, capacity_bytes);
        (void)pthread_mutex_unlock(&b->mutex);
    }
    if (!buffer && !code) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a buffer of %zu bytes",
                      size_bytes);
    }
    return buffer ? buffer->memory : NULL;
}

int ff_budget_give_back(struct ff_budget *b, void *memory)
{
    struct ff_buffer **at = &b->held, *buffer;

    (void)pthread_mutex_lock(&b->mutex);
    while ((buffer = *at) && buffer->memory != memory) {
        at = &buffer->next;
    }
    if (buffer) {
        *at = buffer->next;
        b->held_bytes -= buffer->capacity_bytes;
        buffer->next = b->cached;
        b->cached = buffer;
        b->cached_bytes += buffer->capacity_bytes;
        shrink_cache(b, b->held_bytes + b->max_bytes / CACHE_SHARE, 0);
        (void)pthread_cond_broadcast(&b->changed);
    }
    (void)pthread_mutex_unlock(&b->mutex);
    return buffer != NULL;
}
