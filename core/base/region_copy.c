/* SPDX-License-Identifier: Apache-2.0 */
/* region_copy.c: copying between any two strided layouts. The axes are first brought into
 * the destination's own order and merged; then a line is copied at a time, or, where
 * source and destination run along different axes, a tile that stays in the cache. */
#include <string.h>

#if defined __SSE2__
#include <emmintrin.h>
#endif

#include "checked.h"
#include "region.h"

enum {
    TILE_BYTES = 64,             /* a cache line along the source's fastest axis */
    TILE_LINES = 16,             /* and so many items along the destination's */
    FILL_BLOCK_BYTES = 16 << 10, /* what is repeated stays in the first cache */
    PAST_BYTES = 256,            /* a shorter run is not worth it */
};

struct axis {
    int64_t count, dst, src; /* strides in bytes */
};

struct plan {
    size_t ndim;
    size_t item_bytes;
    bool past; /* the destination is not to fill the caches */
    uint8_t *dst;
    const uint8_t *src;
    struct axis axes[FF_REGION_MAX_NDIM];
};

typedef void line_fn(uint8_t *dst, const uint8_t *src, const struct axis *a,
                     size_t item_bytes);

#define DEFINE_LINE(size)                                                                \
    static void line_##size(uint8_t *dst, const uint8_t *src, const struct axis *a,      \
                            size_t item_bytes)                                           \
    {                                                                                    \
        (void)item_bytes;                                                                \
        for (int64_t i = 0; i < a->count; i++) {                                         \
            memcpy(dst + i * a->dst, src + i * a->src, size);                            \
        }                                                                                \
    }
DEFINE_LINE(1)
DEFINE_LINE(2)
DEFINE_LINE(4)
DEFINE_LINE(8)
DEFINE_LINE(16)

static void line_any(uint8_t *dst, const uint8_t *src, const struct axis *a,
                     size_t item_bytes)
{
    for (int64_t i = 0; i < a->count; i++) {
        memcpy(dst + i * a->dst, src + i * a->src, item_bytes);
    }
}

#if defined __SSE2__
/* Stores past the caches: whole lines go to memory without being fetched first. */
static void copy_past(uint8_t *dst, const uint8_t *src, size_t size_bytes)
{
    size_t head_bytes = (size_t)(-(uintptr_t)dst & (TILE_BYTES - 1));

    head_bytes = head_bytes < size_bytes ? head_bytes : size_bytes;
    memcpy(dst, src, head_bytes);
    for (size_bytes -= head_bytes, dst += head_bytes, src += head_bytes;
         size_bytes >= TILE_BYTES;
         size_bytes -= TILE_BYTES, dst += TILE_BYTES, src += TILE_BYTES) {
        const __m128i *from = (const __m128i *)(const void *)src;
        __m128i *to = (__m128i *)(void *)dst;

        for (int i = 0; i < 4; i++) {
            _mm_stream_si128(to + i, _mm_loadu_si128(from + i));
        }
    }
    memcpy(dst, src, size_bytes);
}

/* Such stores are seen by other threads only behind this. */
static void past_end(void)
{
    _mm_sfence();
}
#else
static void copy_past(uint8_t *dst, const uint8_t *src, size_t size_bytes)
{
    memcpy(dst, src, size_bytes);
}

static void past_end(void)
{
}
#endif

static void line_past(uint8_t *dst, const uint8_t *src, const struct axis *a,
                      size_t item_bytes)
{
    for (int64_t i = 0; i < a->count; i++) {
        copy_past(dst + i * a->dst, src + i * a->src, item_bytes);
    }
}

/* One item again and again into packed memory. */
static void line_fill(uint8_t *dst, const uint8_t *src, const struct axis *a,
                      size_t item_bytes)
{
    size_t total_bytes = (size_t)a->count * item_bytes, done_bytes = item_bytes;

    memcpy(dst, src, item_bytes);
    while (done_bytes < total_bytes) {
        size_t block_bytes = done_bytes;

        if (block_bytes > FILL_BLOCK_BYTES && item_bytes <= FILL_BLOCK_BYTES) {
            block_bytes = FILL_BLOCK_BYTES / item_bytes * item_bytes;
        }
        if (block_bytes > total_bytes - done_bytes) {
            block_bytes = total_bytes - done_bytes;
        }
        memcpy(dst + done_bytes, dst, block_bytes);
        done_bytes += block_bytes;
    }
}

static line_fn *pick_line(const struct plan *p, const struct axis *a)
{
    if (a->src == 0 && a->dst == (int64_t)p->item_bytes) {
        return line_fill;
    }
    if (p->past && p->item_bytes >= PAST_BYTES) {
        return line_past;
    }
    switch (p->item_bytes) {
    case 1:
        return line_1;
    case 2:
        return line_2;
    case 4:
        return line_4;
    case 8:
        return line_8;
    case 16:
        return line_16;
    default:
        return line_any;
    }
}

/* Unsigned, for INT64_MIN has no positive counterpart. */
static uint64_t width(int64_t stride)
{
    return stride < 0 ? 0 - (uint64_t)stride : (uint64_t)stride;
}

/* Axes of one element go, negative destination strides are turned round. False when there
 * is nothing to copy. */
static bool plan_axes(struct plan *p, size_t ndim, const int64_t *count,
                      const int64_t *dst_strides, const int64_t *src_strides)
{
    for (size_t i = 0; i < ndim; i++) {
        struct axis a = {count[i], dst_strides[i], src_strides[i]};

        if (a.count <= 0) {
            return false;
        }
        if (a.count == 1) {
            continue;
        }
        if (a.dst < 0) {
            p->dst += (a.count - 1) * a.dst;
            p->src += (a.count - 1) * a.src;
            a.dst = -a.dst;
            a.src = -a.src;
        }
        p->axes[p->ndim++] = a;
    }
    return true;
}

/* Widest destination stride first. */
static void sort_axes(struct plan *p)
{
    for (size_t i = 1; i < p->ndim; i++) {
        struct axis a = p->axes[i];
        size_t j = i;

        for (; j > 0 && p->axes[j - 1].dst < a.dst; j--) {
            p->axes[j] = p->axes[j - 1];
        }
        p->axes[j] = a;
    }
}

static bool continues(const struct axis *outer, const struct axis *inner)
{
    int64_t dst, src;

    return ff_mul_i64(inner->dst, inner->count, &dst) &&
           ff_mul_i64(inner->src, inner->count, &src) && outer->dst == dst &&
           outer->src == src;
}

/* Axes that continue one another become one; what is packed on both sides becomes one
 * item. */
static void merge_axes(struct plan *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->ndim; i++) {
        struct axis a = p->axes[i];

        if (kept > 0 && continues(&p->axes[kept - 1], &a)) {
            a.count *= p->axes[kept - 1].count;
            kept--;
        }
        p->axes[kept++] = a;
    }
    p->ndim = kept;
    if (kept > 0 && p->axes[kept - 1].dst == (int64_t)p->item_bytes &&
        p->axes[kept - 1].src == (int64_t)p->item_bytes) {
        p->item_bytes *= (size_t)p->axes[kept - 1].count;
        p->ndim--;
    }
}

/* Where the source runs fastest along another axis than the destination (which is the
 * last), that axis is put last but one. */
static bool pick_tile_axis(struct plan *p)
{
    size_t last = p->ndim - 1, best = last;
    struct axis a;

    for (size_t i = 0; i < last; i++) {
        if (width(p->axes[i].src) < width(p->axes[best].src)) {
            best = i;
        }
    }
    if (best == last || p->axes[last].src == 0 || p->axes[best].src == 0) {
        return false;
    }
    a = p->axes[best];
    memmove(&p->axes[best], &p->axes[best + 1], (last - 1 - best) * sizeof a);
    p->axes[last - 1] = a;
    return true;
}

static void copy_tiles(const struct plan *p, uint8_t *dst, const uint8_t *src,
                       line_fn *line)
{
    const struct axis *slow = &p->axes[p->ndim - 2], *fast = &p->axes[p->ndim - 1];
    int64_t height =
        (int64_t)(p->item_bytes < TILE_BYTES ? TILE_BYTES / p->item_bytes : 1);

    for (int64_t i = 0; i < slow->count; i += height) {
        int64_t i_end = height < slow->count - i ? i + height : slow->count;

        for (int64_t j = 0; j < fast->count; j += TILE_LINES) {
            int64_t left = fast->count - j;
            struct axis part = {left < TILE_LINES ? left : TILE_LINES, fast->dst,
                                fast->src};

            for (int64_t k = i; k < i_end; k++) {
                line(dst + k * slow->dst + j * fast->dst,
                     src + k * slow->src + j * fast->src, &part, p->item_bytes);
            }
        }
    }
}

static void copy_lines(const struct plan *p, uint8_t *dst, const uint8_t *src,
                       line_fn *line)
{
    const struct axis *slow = &p->axes[p->ndim - 2], *fast = &p->axes[p->ndim - 1];

    for (int64_t i = 0; i < slow->count; i++) {
        line(dst + i * slow->dst, src + i * slow->src, fast, p->item_bytes);
    }
}

/* All planes of the last two axes. */
static void copy_planes(struct plan *p)
{
    int64_t at[FF_REGION_MAX_NDIM] = {0};
    bool tiled = pick_tile_axis(p), more = true;
    line_fn *line = pick_line(p, &p->axes[p->ndim - 1]);
    uint8_t *dst = p->dst;
    const uint8_t *src = p->src;

    while (more) {
        (tiled ? copy_tiles : copy_lines)(p, dst, src, line);
        more = false;
        for (size_t i = p->ndim - 2; i-- > 0 && !more;) {
            const struct axis *a = &p->axes[i];

            more = ++at[i] < a->count;
            at[i] = more ? at[i] : 0;
            dst += more ? a->dst : -(a->count - 1) * a->dst;
            src += more ? a->src : -(a->count - 1) * a->src;
        }
    }
}

static bool copy(struct plan *p, size_t ndim, const int64_t *count,
                 const int64_t *dst_strides, const int64_t *src_strides)
{
    struct axis one = {1, 0, 0};

    if (ndim > FF_REGION_MAX_NDIM) {
        return false;
    }
    if (p->item_bytes == 0 || !plan_axes(p, ndim, count, dst_strides, src_strides)) {
        return true;
    }
    sort_axes(p);
    merge_axes(p);
    if (p->ndim == 0) {
        (p->past ? line_past : line_any)(p->dst, p->src, &one, p->item_bytes);
    } else if (p->ndim == 1) {
        pick_line(p, &p->axes[0])(p->dst, p->src, &p->axes[0], p->item_bytes);
    } else {
        copy_planes(p);
    }
    return true;
}

bool ff_copy_strided(size_t ndim, const int64_t *count, size_t item_bytes, void *dst,
                     const int64_t *dst_strides, const void *src,
                     const int64_t *src_strides)
{
    struct plan p = {.item_bytes = item_bytes, .dst = dst, .src = src};

    return copy(&p, ndim, count, dst_strides, src_strides);
}

bool ff_copy_strided_past(size_t ndim, const int64_t *count, size_t item_bytes, void *dst,
                          const int64_t *dst_strides, const void *src,
                          const int64_t *src_strides)
{
    struct plan p = {.item_bytes = item_bytes, .past = true, .dst = dst, .src = src};
    bool ok = copy(&p, ndim, count, dst_strides, src_strides);

    past_end();
    return ok;
}
