/* SPDX-License-Identifier: Apache-2.0 */
/* vlen.c: items of their own lengths, which numpy keeps as objects and this library as U and S
 * of the longest: u32 count, then u32 size and bytes of each (numcodecs vlen-utf8, vlen-bytes).
 */
#include "zarr/zarr.h"

#include "core/base/alloc.h"
#include "core/base/name.h"

enum { WORD = 4, FIRST_BYTES = 4 << 10, MOST_BYTES = 1 << 30 };

static uint32_t u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
           (uint32_t)p[3] << 24;
}

static int damaged(const char *place, struct ff_error *e, const char *why)
{
    return ff_fail(e, FF_E_CORRUPT, place, "a damaged chunk: %s", why);
}

/* Characters, or bytes. Items that end with NUL would come back shorter. */
static int measure_one(enum zarr_vlen kind, const uint8_t *item, uint32_t size,
                       uint64_t *length, const char *place, struct ff_error *e)
{
    *length = size;
    if (size && item[size - 1] == 0) {
        return ff_fail(e, FF_E_UNSUPPORTED, place,
                       "an item of variable length ends with NUL: no S or U keeps it");
    }
    for (uint32_t i = 0; kind == ZARR_UTF8 && i < size;) {
        unsigned point;
        size_t n = ff_utf8_next((const char *)item + i, size - i, &point);

        if (n == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
            return damaged(place, e, "its text is not UTF-8");
        }
        *length -= n - 1;
        i += (uint32_t)n;
    }
    return FF_OK;
}

int zarr_vlen_measure(enum zarr_vlen kind, const uint8_t *data, size_t size_bytes,
                      uint64_t item_count, uint64_t *longest, const char *place,
                      struct ff_error *e)
{
    const uint8_t *at = data, *end = data + size_bytes;
    int rc = FF_OK;

    *longest = 0;
    if (size_bytes < WORD || u32(at) != item_count) {
        return damaged(place, e, "it holds another number of items");
    }
    at += WORD;
    for (uint64_t i = 0; rc == FF_OK && i < item_count; i++) {
        uint64_t length;
        uint32_t size = end - at < WORD ? UINT32_MAX : u32(at);

        if (end - at < WORD || (uint64_t)(end - at - WORD) < size) {
            return damaged(place, e, "an item is cut off");
        }
        rc = measure_one(kind, at + WORD, size, &length, place, e);
        *longest = length > *longest ? length : *longest;
        at += WORD + (size_t)size;
    }
    return rc;
}

/* UTF-32 in the machine's order. */
static void spread_text(const uint8_t *item, uint32_t size, uint8_t *dst)
{
    for (uint32_t i = 0; i < size; dst += sizeof(uint32_t)) {
        unsigned point;
        uint32_t word;

        i += (uint32_t)ff_utf8_next((const char *)item + i, size - i, &point);
        word = point;
        memcpy(dst, &word, sizeof word);
    }
}

void zarr_vlen_spread(enum zarr_vlen kind, const uint8_t *data, size_t size_bytes,
                      uint64_t item_count, uint64_t item_bytes, uint8_t *dst)
{
    const uint8_t *at = data + WORD;

    (void)size_bytes;
    memset(dst, 0, (size_t)(item_count * item_bytes));
    for (uint64_t i = 0; i < item_count; i++, dst += item_bytes) {
        uint32_t size = u32(at);

        if (kind == ZARR_UTF8) {
            spread_text(at + WORD, size, dst);
        } else {
            memcpy(dst, at + WORD, size);
        }
        at += WORD + (size_t)size;
    }
}

/* The result's size is not known: more room until it fits, or cannot be. */
static int decode_step(const struct zarr_codec *s, struct zarr_coding *work)
{
    const struct zarr_codec_row *row = zarr_codec_of(s->kind);
    uint64_t factor = row->factor, most = work->src_bytes + FIRST_BYTES;
    size_t room = FIRST_BYTES;
    int rc;

    most = most < MOST_BYTES / factor ? most * factor : MOST_BYTES;
    while (room < work->src_bytes) {
        room *= 2;
    }
    do {
        ff_free(work->dst);
        room *= 2;
        work->dst = ff_malloc(room);
        work->room_bytes = room;
        rc = work->dst ? row->decode(s, work) : FF_E_NO_MEMORY;
    } while (rc == FF_E_LIMIT && room < most);
    if (rc) {
        ff_free(work->dst);
        work->dst = NULL;
    }
    return rc;
}

static bool checksum_is_right(const struct zarr_codec *s, const uint8_t *data, size_t n)
{
    uint8_t sum[4];
    size_t skip = s->in_front ? sizeof sum : 0;

    if (n < sizeof sum) {
        return false;
    }
    zarr_checksum(s->kind, data + skip, n - sizeof sum, sum);
    return memcmp(sum, s->in_front ? data : data + n - sizeof sum, sizeof sum) == 0;
}

int zarr_vlen_decode(const struct zarr_chain *c, const uint8_t *data, size_t size_bytes,
                     uint8_t **out, size_t *out_bytes, const char *place,
                     struct ff_error *e)
{
    uint8_t *own = NULL;
    int rc = FF_OK;

    for (unsigned i = c->count; rc == FF_OK && i-- > 0;) {
        const struct zarr_codec *s = &c->step[i];
        struct zarr_coding work = {data, size_bytes, NULL, 0, 0, NULL};

        if (zarr_codec_of(s->kind)->checksum) {
            rc = checksum_is_right(s, data, size_bytes)
                     ? FF_OK
                     : damaged(place, e, "a checksum is wrong");
            data += s->in_front ? WORD : 0;
            size_bytes -= WORD;
            continue;
        }
        rc = decode_step(s, &work);
        ff_free(own);
        own = work.dst;
        data = own;
        size_bytes = work.dst_bytes;
        if (rc) {
            rc = rc == FF_E_NO_MEMORY
                     ? ff_fail(e, rc, place, "no memory for a chunk")
                     : damaged(place, e, work.why ? work.why : "it cannot be decoded");
        }
    }
    *out = rc ? NULL : ff_memdup(data, size_bytes);
    *out_bytes = size_bytes;
    ff_free(own);
    return rc || *out ? rc : ff_fail(e, FF_E_NO_MEMORY, place, "out of memory");
}
