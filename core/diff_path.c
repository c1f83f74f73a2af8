/* SPDX-License-Identifier: Apache-2.0 */
/* diff_path.c: the path of what a key leads to. */
#include <stdbool.h>

#include "core/diff.h"

static bool is_word(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool letter = (text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z';
        if (!letter && text[i] != '_' && (i == 0 || text[i] < '0' || text[i] > '9')) {
            return false;
        }
    }
    return size > 0;
}

static int quote(struct ff_buf *path, const char *text, size_t size)
{
    int rc = ff_buf_append_text(path, "['");
    for (size_t i = 0; i < size && i < 200 && !rc; i++) {
        if (text[i] == '\'' || text[i] == '\\') {
            rc = ff_buf_append_byte(path, '\\');
        }
        rc = rc ? rc : ff_buf_append_byte(path, (uint8_t)text[i]);
    }
    return rc ? rc : ff_buf_append_text(path, "']");
}

static int write_path(void *ctx, const char *text, size_t size_bytes)
{
    return ff_buf_append(ctx, text, size_bytes);
}

int ff_diff_key_path(struct ff_buf *path, struct ff_value key)
{
    const char *text;
    size_t size;
    if (path->length_bytes >= FF_DIFF_PATH_BYTES) {
        return FF_OK; /* nobody is told more of it */
    }
    if (ff_kind(key) == FF_STR && !ff_str(key, &text, &size, NULL)) {
        if (size > FF_DIFF_PATH_BYTES || !is_word(text, size)) {
            return quote(path, text, size);
        }
        return ff_buf_append_byte(path, '.') || ff_buf_append(path, text, size);
    }
    size_t begin = path->length_bytes + 1;
    int rc = ff_buf_append_byte(path, '[');
    rc = rc ? rc : ff_show(key, 256, 2, write_path, path, NULL);
    while (path->length_bytes > begin && path->data[path->length_bytes - 1] == '\n') {
        path->length_bytes--;
    }
    for (size_t i = begin; i < path->length_bytes; i++) {
        path->data[i] = path->data[i] == '\n' ? ' ' : path->data[i];
    }
    return rc ? rc : ff_buf_append_byte(path, ']');
}
