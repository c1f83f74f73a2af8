/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h: bytes that grow, up to a maximum that is given at the start. */
#ifndef FF_BASE_BUF_H
#define FF_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

/* `data` and `length_bytes` may be read by anyone; bytes may be written into what
 * ff_buf_reserve gave, and then counted by ff_buf_added. */
struct ff_buf {
    uint8_t *data;
    size_t length_bytes;
    size_t capacity_bytes;
    size_t max_bytes;
};

/* All that return int: 0, -ENOMEM, or -E2BIG when max_bytes would be passed; on failure
 * the contents stay as they were. */
void ff_buf_init(struct ff_buf *b, size_t max_bytes);
int ff_buf_reserve(struct ff_buf *b, size_t extra_bytes); /* room after length_bytes */
void ff_buf_added(struct ff_buf *b, size_t written_bytes);
int ff_buf_append(struct ff_buf *b, const void *data, size_t size_bytes);
int ff_buf_append_byte(struct ff_buf *b, uint8_t byte);
int ff_buf_append_text(struct ff_buf *b, const char *text);
int ff_buf_printf(struct ff_buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The contents as text that ends with NUL; never NULL; valid until the next change. */
const char *ff_buf_text(struct ff_buf *b);
/* Gives the bytes to the caller (ff_free), NUL behind them, and leaves `b` empty with the
 * same maximum. NULL when nothing was ever stored. `length_bytes` may be NULL. */
uint8_t *ff_buf_steal(struct ff_buf *b, size_t *length_bytes);
void ff_buf_clear(struct ff_buf *b); /* length 0, memory kept */
void ff_buf_free(struct ff_buf *b);  /* as after ff_buf_init */

#endif
