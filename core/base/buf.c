/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c: bytes that grow. One byte more than the capacity is allocated, so that the text
 * can always be ended. */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "checked.h"

enum { FIRST_BYTES = 64 };

void ff_buf_init(struct ff_buf *b, size_t max_bytes)
{
    *b = (struct ff_buf){.max_bytes = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1};
}

int ff_buf_reserve(struct ff_buf *b, size_t extra_bytes)
{
    size_t need, capacity;
    uint8_t *data;

    if (extra_bytes <= b->capacity_bytes - b->length_bytes) {
        return 0;
    }
    if (!ff_add_size(b->length_bytes, extra_bytes, &need) || need > b->max_bytes) {
        return -E2BIG;
    }
    capacity = b->capacity_bytes < FIRST_BYTES / 2 ? FIRST_BYTES / 2 : b->capacity_bytes;
    capacity = capacity > b->max_bytes / 2 ? b->max_bytes : capacity * 2;
    capacity = capacity < need ? need : capacity;
    data = ff_realloc_array(b->data, capacity + 1, 1);
    if (!data) {
        return -ENOMEM;
    }
    b->data = data;
    b->capacity_bytes = capacity;
    return 0;
}

void ff_buf_added(struct ff_buf *b, size_t written_bytes)
{
    b->length_bytes += written_bytes;
}

int ff_buf_append(struct ff_buf *b, const void *data, size_t size_bytes)
{
    int rc = ff_buf_reserve(b, size_bytes);

    if (rc == 0 && size_bytes) {
        memcpy(b->data + b->length_bytes, data, size_bytes);
        b->length_bytes += size_bytes;
    }
    return rc;
}

int ff_buf_append_byte(struct ff_buf *b, uint8_t byte)
{
    int rc = ff_buf_reserve(b, 1);

    if (rc == 0) {
        b->data[b->length_bytes++] = byte;
    }
    return rc;
}

int ff_buf_append_text(struct ff_buf *b, const char *text)
{
    return ff_buf_append(b, text, strlen(text));
}

int ff_buf_printf(struct ff_buf *b, const char *format, ...)
{
    va_list args, again;
    int length, rc;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    rc = length < 0 ? -E2BIG : ff_buf_reserve(b, (size_t)length);
    if (rc == 0 && length > 0) {
        /* its NUL lies in the spare byte */
        (void)vsnprintf((char *)b->data + b->length_bytes, (size_t)length + 1, format,
                        again);
        b->length_bytes += (size_t)length;
    }
    va_end(again);
    return rc;
}

const char *ff_buf_text(struct ff_buf *b)
{
    if (!b->data) {
        return "";
    }
    b->data[b->length_bytes] = '\0';
    return (const char *)b->data;
}

uint8_t *ff_buf_steal(struct ff_buf *b, size_t *length_bytes)
{
    uint8_t *data = b->data;

    if (data) {
        data[b->length_bytes] = '\0';
    }
    if (length_bytes) {
        *length_bytes = b->length_bytes;
    }
    ff_buf_init(b, b->max_bytes);
    return data;
}

void ff_buf_clear(struct ff_buf *b)
{
    b->length_bytes = 0;
}

void ff_buf_free(struct ff_buf *b)
{
    ff_free(b->data);
    ff_buf_init(b, b->max_bytes);
}
