/* SPDX-License-Identifier: Apache-2.0 */
/* out.c: text to a callback, escapes, base64. */
#include "core/out.h"

#include <string.h>

void ff_out_init(struct ff_out *o,
                 int (*write)(void *ctx, const char *text, size_t size_bytes), void *ctx)
{
    o->write = write;
    o->ctx = ctx;
    o->rc = write ? 0 : FF_E_USAGE;
    o->used = 0;
    o->written_bytes = 0;
}

static void send(struct ff_out *o, const char *text, size_t size_bytes)
{
    if (!o->rc && size_bytes) {
        o->rc = o->write(o->ctx, text, size_bytes);
    }
}

void ff_out_put(struct ff_out *o, const char *text, size_t size_bytes)
{
    o->written_bytes += size_bytes;
    if (size_bytes > sizeof o->buffer - o->used) {
        send(o, o->buffer, o->used);
        o->used = 0;
    }
    if (size_bytes > sizeof o->buffer) {
        send(o, text, size_bytes);
    } else if (size_bytes) {
        memcpy(o->buffer + o->used, text, size_bytes);
        o->used += size_bytes;
    }
}

void ff_out_text(struct ff_out *o, const char *text)
{
    ff_out_put(o, text, strlen(text));
}

void ff_out_printf(struct ff_out *o, const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    ff_out_text(o, text);
}

int ff_out_finish(struct ff_out *o, struct ff_error *e)
{
    send(o, o->buffer, o->used);
    o->used = 0;
    if (!o->write) {
        return ff_fail(e, FF_E_USAGE, NULL, "no function to write with");
    }
    if (o->rc) {
        return ff_fail(e, o->rc < 0 ? o->rc : FF_E_OTHER, NULL,
                       "the function that takes the text gave up (%d)", o->rc);
    }
    return FF_OK;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void base64_group(const uint8_t in[3], char out[4])
{
    out[0] = base64_digits[in[0] >> 2];
    out[1] = base64_digits[(in[0] & 3) << 4 | in[1] >> 4];
    out[2] = base64_digits[(in[1] & 15) << 2 | in[2] >> 6];
    out[3] = base64_digits[in[2] & 63];
}

void ff_out_base64(struct ff_out *o, struct ff_base64 *b, const void *data,
                   size_t size_bytes)
{
    const uint8_t *p = data;
    char text[4];
    for (size_t i = 0; i < size_bytes; i++) {
        b->rest[b->rest_count++] = p[i];
        if (b->rest_count == 3) {
            base64_group(b->rest, text);
            ff_out_put(o, text, 4);
            b->rest_count = 0;
        }
    }
}

void ff_out_base64_end(struct ff_out *o, struct ff_base64 *b)
{
    char text[4];
    if (b->rest_count == 0) {
        return;
    }
    memset(b->rest + b->rest_count, 0, 3 - b->rest_count);
    base64_group(b->rest, text);
    text[3] = '=';
    if (b->rest_count == 1) {
        text[2] = '=';
    }
    ff_out_put(o, text, 4);
    b->rest_count = 0;
}

static int base64_value(char c)
{
    const char *at = c ? strchr(base64_digits, c) : NULL;
    return at ? (int)(at - base64_digits) : -1;
}

size_t ff_base64_decode(const char *text, size_t length_bytes, uint8_t *out)
{
    size_t size = 0, pad = 0;
    uint32_t bits = 0;
    if (length_bytes % 4) {
        return SIZE_MAX;
    }
    while (length_bytes && pad < 2 && text[length_bytes - 1] == '=') {
        length_bytes--;
        pad++;
    }
    for (size_t i = 0; i < length_bytes; i++) {
        int value = base64_value(text[i]);
        if (value < 0) {
            return SIZE_MAX;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4) {
            out[size++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
    }
    return size;
}

size_t ff_wtf8_next(const char *text, size_t length_bytes, unsigned *code_point)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n > length_bytes) {
        *code_point = p[0];
        return 1;
    }
    *code_point = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        *code_point = *code_point << 6 | (p[i] & 0x3f);
    }
    return n;
}

size_t ff_wtf8_put(unsigned c, char out[4])
{
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6) {
        out[i] = (char)(0x80 | (c & 0x3f));
    }
    out[0] = (char)(lead[n] | c);
    return n;
}

bool ff_char_is_unsafe(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
           (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
           (c >= 0xd800 && c <= 0xdfff) || (c & 0xfffe) == 0xfffe ||
           (c >= 0xe0000 && c <= 0xe007f);
}

bool ff_wtf8_has_pair(const char *text, size_t length_bytes)
{
    const char *p = text, *end = text + length_bytes;
    while ((p = memchr(p, 0xed, (size_t)(end - p)))) {
        if (end - p >= 6 && (uint8_t)p[1] >= 0xa0 && (uint8_t)p[1] < 0xb0 &&
            (uint8_t)p[3] == 0xed && (uint8_t)p[4] >= 0xb0) {
            return true;
        }
        p++;
    }
    return false;
}

static void escape(struct ff_out *o, unsigned c)
{
    static const char plain[] = "\b\t\n\f\r\"\\", names[] = "btnfr\"\\";
    const char *at = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
    if (at) {
        char text[2] = {'\\', names[at - plain]};
        ff_out_put(o, text, 2);
    } else if (c < 0x10000) {
        ff_out_printf(o, "\\u%04x", c);
    } else {
        ff_out_printf(o, "\\u%04x\\u%04x", 0xd7c0 + (c >> 10), 0xdc00 + (c & 0x3ff));
    }
}

/* Most characters are: they need no second look. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

size_t ff_out_quoted(struct ff_out *o, const char *text, size_t length_bytes,
                     size_t max_bytes)
{
    size_t at = 0, done = 0;
    ff_out_put(o, "\"", 1);
    while (at < length_bytes) {
        unsigned c;
        while (at < length_bytes && at < max_bytes && is_plain(text[at])) {
            at++;
        }
        if (at == length_bytes) {
            break;
        }
        size_t n = ff_wtf8_next(text + at, length_bytes - at, &c);
        if (at + n > max_bytes) {
            break;
        }
        if (c == '"' || c == '\\' || ff_char_is_unsafe(c)) {
            ff_out_put(o, text + done, at - done);
            escape(o, c);
            done = at + n;
        }
        at += n;
    }
    ff_out_put(o, text + done, at - done);
    ff_out_put(o, "\"", 1);
    return at;
}
