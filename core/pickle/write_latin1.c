/* SPDX-License-Identifier: Apache-2.0 */
/* write_latin1.c: bytes as the text whose characters have their numbers, which is how protocols
 * before 3 say them. It is UTF-8 in the stream, made piece by piece: as a whole it may be twice as
 * long as the bytes. */
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/word.h"
#include "write.h"

#define PIECE_BYTES ((size_t)128 << 10) /* of the bytes */
#define HIGH_BITS   UINT64_C(0x8080808080808080)

static size_t count_high(const uint8_t *data, size_t size)
{
    size_t count = 0, i = 0;
    for (; size - i >= 8; i += 8) {
        count += (size_t)__builtin_popcountll(ff_load_le64(data + i) & HIGH_BITS);
    }
    for (; i < size; i++) {
        count += data[i] >> 7;
    }
    return count;
}

/* Without a branch on the byte, which is as good as random. */
static uint8_t *one_as_utf8(unsigned byte, uint8_t *to)
{
    unsigned high = byte >> 7;
    unsigned two = 0x80c0u | byte >> 6 | (byte & 0x3fu) << 8;
    unsigned both = byte ^ ((byte ^ two) & (0u - high));
    to[0] = (uint8_t)both;
    to[1] = (uint8_t)(both >> 8);
    return to + 1 + high;
}

/* Into room for twice the size and one more byte; the length. */
static size_t as_utf8(const uint8_t *data, size_t size, uint8_t *text)
{
    uint8_t *to = text;
    size_t i = 0;
    for (; size - i >= 8; i += 8) {
        uint64_t word = ff_load_le64(data + i);
        if (word & HIGH_BITS) {
            for (int shift = 0; shift < 64; shift += 8) {
                to = one_as_utf8(word >> shift & 0xff, to);
            }
        } else {
            memcpy(to, data + i, 8);
            to += 8;
        }
    }
    for (; i < size; i++) {
        to = one_as_utf8(data[i], to);
    }
    return (size_t)(to - text);
}

static int write_pieces(struct ff_dumper *d, const struct ff_latin1_node *node,
                        int (*write)(struct ff_dumper *, const void *, size_t))
{
    size_t room = node->size_bytes < PIECE_BYTES ? node->size_bytes : PIECE_BYTES;
    uint8_t *text = ff_malloc(2 * room + 1);
    int failed = text ? FF_OK : ff_write_no_memory(d);
    for (size_t at = 0; at < node->size_bytes && !failed; at += room) {
        size_t left = node->size_bytes - at;
        failed =
            write(d, text, as_utf8(node->data + at, left < room ? left : room, text));
    }
    ff_free(text);
    return failed;
}

static int write_line(struct ff_dumper *d, const struct ff_latin1_node *node)
{
    int failed = ff_write_op(d, FF_OP_UNICODE);
    failed = failed ? failed : write_pieces(d, node, ff_write_escaped);
    return failed ? failed : ff_write_op(d, '\n');
}

static int write_text(struct ff_dumper *d, const struct ff_latin1_node *node)
{
    uint8_t header[5];
    size_t size = node->size_bytes + count_high(node->data, node->size_bytes);
    if (size < node->size_bytes || size > UINT32_MAX) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "bytes of over 4 GiB as text need protocol 4, not %u",
                       d->protocol);
    }
    header[0] = FF_OP_BINUNICODE;
    ff_write_store(header + 1, size, 4);
    if (size < FF_FRAME_BYTES) {
        int failed = ff_write_bytes(d, header, sizeof header);
        return failed ? failed : write_pieces(d, node, ff_write_bytes);
    }
    bool was_framing;
    int failed = ff_write_big_begin(d, header, sizeof header, &was_framing);
    failed = failed ? failed : write_pieces(d, node, ff_write_big_piece);
    d->framing = was_framing;
    return failed;
}

int ff_write_latin1(struct ff_dumper *d, uint64_t cell)
{
    const struct ff_latin1_node *node = ff_cell_node(cell);
    int failed = d->protocol ? write_text(d, node) : write_line(d, node);
    return failed ? failed : ff_write_memoize(d, cell, true);
}
