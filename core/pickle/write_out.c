/* SPDX-License-Identifier: Apache-2.0 */
/* write_out.c: the writer's output. A frame opens with its first byte and closes before the
 * first value behind 64 KiB; payloads of 64 KiB and more stand outside of frames; a frame of
 * fewer than 4 bytes is none. So does CPython's Modules/_pickle.c. */
#include <string.h>

#include "core/base/alloc.h"
#include "write.h"

static int grow(struct ff_dumper *d, size_t count)
{
    size_t room = d->room ? d->room : 16384;
    while (room - d->used < count) {
        if (room > SIZE_MAX / 4) {
            return ff_write_no_memory(d);
        }
        room *= 2;
    }
    uint8_t *out = ff_realloc_array(d->out, room, 1);
    if (!out) {
        return ff_write_no_memory(d);
    }
    d->out = out;
    d->room = room;
    return FF_OK;
}

uint8_t *ff_write_room(struct ff_dumper *d, size_t count)
{
    bool opens = d->framing && !d->in_frame;
    size_t need = count + (opens ? FF_FRAME_HEADER : 0);
    if (d->room - d->used < need && grow(d, need)) {
        return NULL;
    }
    if (opens) {
        d->frame_start = d->used;
        d->used += FF_FRAME_HEADER;
        d->in_frame = true;
    }
    return d->out + d->used;
}

int ff_write_op(struct ff_dumper *d, uint8_t op)
{
    uint8_t *to = ff_write_room(d, 1);
    if (!to) {
        return FF_E_NO_MEMORY;
    }
    *to = op;
    d->used++;
    return FF_OK;
}

int ff_write_bytes(struct ff_dumper *d, const void *data, size_t size_bytes)
{
    uint8_t *to = ff_write_room(d, size_bytes);
    if (!to) {
        return FF_E_NO_MEMORY;
    }
    if (size_bytes) {
        memcpy(to, data, size_bytes);
    }
    d->used += size_bytes;
    return FF_OK;
}

int ff_write_text(struct ff_dumper *d, const char *text)
{
    return ff_write_bytes(d, text, strlen(text));
}

int ff_write_flush(struct ff_dumper *d)
{
    int failed = FF_OK;
    if (d->used) {
        failed = d->options->write(d->options->write_ctx, d->out, d->used, d->e);
    }
    d->used = 0;
    d->frame_start = 0;
    return failed;
}

int ff_write_close_frame(struct ff_dumper *d)
{
    if (d->in_frame) {
        size_t size = d->used - d->frame_start - FF_FRAME_HEADER;
        uint8_t *header = d->out + d->frame_start;
        if (size >= FF_FRAME_LEAST) {
            header[0] = FF_OP_FRAME;
            for (size_t i = 0; i < 8; i++) {
                header[1 + i] = (uint8_t)((uint64_t)size >> (8 * i));
            }
        } else {
            memmove(header, header + FF_FRAME_HEADER, size);
            d->used -= FF_FRAME_HEADER;
        }
        d->in_frame = false;
    }
    return d->used >= FF_FRAME_BYTES ? ff_write_flush(d) : FF_OK;
}

int ff_write_big_begin(struct ff_dumper *d, const uint8_t *header, size_t header_bytes,
                       bool *was_framing)
{
    int failed = ff_write_close_frame(d);
    *was_framing = d->framing;
    d->framing = false;
    failed = failed ? failed : ff_write_bytes(d, header, header_bytes);
    return failed ? failed : ff_write_flush(d);
}

int ff_write_big_piece(struct ff_dumper *d, const void *data, size_t size_bytes)
{
    return d->options->write(d->options->write_ctx, data, size_bytes, d->e);
}

int ff_write_payload(struct ff_dumper *d, const uint8_t *header, size_t header_bytes,
                     const void *data, size_t size_bytes)
{
    if (size_bytes < FF_FRAME_BYTES) {
        uint8_t *to = ff_write_room(d, header_bytes + size_bytes);
        if (!to) {
            return FF_E_NO_MEMORY;
        }
        memcpy(to, header, header_bytes);
        if (size_bytes) {
            memcpy(to + header_bytes, data, size_bytes);
        }
        d->used += header_bytes + size_bytes;
        return FF_OK;
    }
    bool was_framing;
    int failed = ff_write_big_begin(d, header, header_bytes, &was_framing);
    failed = failed ? failed : ff_write_big_piece(d, data, size_bytes);
    d->framing = was_framing;
    return failed;
}
