/* SPDX-License-Identifier: Apache-2.0 */
/* out.h: text on its way to a program's callback, in pieces; and how strings are escaped for
 * JSON and for terminals. */
#ifndef FF_CORE_OUT_H
#define FF_CORE_OUT_H

#include <functionfuse/functionfuse.h>
#include <stdbool.h>

/* A failure sticks: later calls do nothing. */
struct ff_out {
    int (*write)(void *ctx, const char *text, size_t size_bytes);
    void *ctx;
    int rc; /* 0, or what the callback returned */
    size_t used;
    uint64_t written_bytes; /* all that was put, flushed or not */
    char buffer[4096];
};

void ff_out_init(struct ff_out *,
                 int (*write)(void *ctx, const char *text, size_t size_bytes), void *ctx);
void ff_out_put(struct ff_out *, const char *text, size_t size_bytes);
void ff_out_text(struct ff_out *, const char *text);
void ff_out_printf(struct ff_out *, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* at most 255 bytes */
/* The end: FF_OK, or the failure of the callback as an error. */
int ff_out_finish(struct ff_out *, struct ff_error *);

/* RFC 4648 with padding. `rest` carries up to 2 bytes between pieces; start with all zero. */
struct ff_base64 {
    uint8_t rest[3];
    size_t rest_count;
};
void ff_out_base64(struct ff_out *, struct ff_base64 *, const void *data,
                   size_t size_bytes);
void ff_out_base64_end(struct ff_out *, struct ff_base64 *);
/* Decoded size, or SIZE_MAX when it is not base64. `out` has 3 bytes for each 4 of text. */
size_t ff_base64_decode(const char *text, size_t length_bytes, uint8_t *out);

/* The next code point of UTF-8 with lone surrogates (WTF-8), which has been checked. */
size_t ff_wtf8_next(const char *text, size_t length_bytes, unsigned *code_point);
size_t ff_wtf8_put(unsigned code_point, char out[4]);
/* Characters that a terminal obeys or that reorder text: controls, line and paragraph
 * separators, marks of direction, and what is no character. */
bool ff_char_is_unsafe(unsigned code_point);
/* A high surrogate before a low one, each on its own: JSON's escapes would join them. */
bool ff_wtf8_has_pair(const char *text, size_t length_bytes);
/* In double quotes, escaped as JSON wants it; what is unsafe or a surrogate as \uXXXX. At
 * most max_bytes of the text, whole characters; returns how many bytes were taken. */
size_t ff_out_quoted(struct ff_out *, const char *text, size_t length_bytes,
                     size_t max_bytes);

#endif
