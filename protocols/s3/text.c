/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: encodings, secrets in memory, small files, the environment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "options.h"

void ff_s3_secret_free(char *secret)
{
    if (secret) {
        explicit_bzero(secret, strlen(secret));
    }
    ff_free(secret);
}

/* In a process that gained privileges when it was started the environment says nothing. */
char *ff_s3_env(const char *name)
{
    const char *value = secure_getenv(name);

    return value && *value ? ff_strdup(value) : NULL;
}

char *ff_s3_home_path(const char *below)
{
    const char *home = secure_getenv("HOME");
    struct ff_buf path;
    char *out = NULL;

    ff_buf_init(&path, 4096);
    if (home && *home == '/' && !ff_buf_append_text(&path, home) &&
        !ff_buf_append_text(&path, below)) {
        out = (char *)ff_buf_steal(&path, NULL);
    }
    ff_buf_free(&path);
    return out;
}

int ff_s3_read_file(const struct ff_sys *sys, const char *path, size_t max_bytes,
                    struct ff_buf *out)
{
    int fd = sys->openat(sys, AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0), rc;
    struct stat st;

    if (fd < 0) {
        return fd;
    }
    ff_buf_init(out, max_bytes);
    rc = sys->fstat(sys, fd, &st);
    if (rc == 0 && !S_ISREG(st.st_mode)) {
        rc = -EINVAL;
    }
    if (rc == 0 && (uint64_t)st.st_size > max_bytes) {
        rc = -E2BIG;
    }
    rc = rc ? rc : ff_buf_reserve(out, (size_t)st.st_size);
    rc = rc ? rc : ff_sys_read_all(sys, fd, out->data, (size_t)st.st_size);
    if (rc == 0) {
        ff_buf_added(out, (size_t)st.st_size);
    } else {
        ff_buf_free(out);
    }
    (void)sys->close(sys, fd);
    return rc;
}

/* ---- encodings ---- */

static bool is_plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

int ff_s3_encode(struct ff_buf *out, const char *text, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    int rc = 0;

    for (const char *c = text; rc == 0 && *c; c++) {
        uint8_t byte = (uint8_t)*c;
        uint8_t triple[3] = {'%', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 15]};

        rc = is_plain(*c) || (keep_slash && *c == '/') ? ff_buf_append_byte(out, byte)
                                                       : ff_buf_append(out, triple, 3);
    }
    return rc;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool ff_s3_decode(char *text)
{
    char *to = text;

    for (const char *c = text; *c; c++) {
        if (*c != '%') {
            *to++ = *c == '+' ? ' ' : *c;
            continue;
        }
        if (digit(c[1]) < 0 || digit(c[2]) < 0 || (c[1] == '0' && c[2] == '0')) {
            return false;
        }
        *to++ = (char)(digit(c[1]) << 4 | digit(c[2]));
        c += 2;
    }
    *to = '\0';
    return true;
}

int ff_s3_base64(const uint8_t *data, size_t size_bytes, struct ff_buf *out)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < size_bytes; i += 3) {
        size_t left = size_bytes - i;
        unsigned three = (unsigned)data[i] << 16 |
                         (left > 1 ? (unsigned)data[i + 1] << 8 : 0) |
                         (left > 2 ? data[i + 2] : 0);
        char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                        left > 1 ? digits[three >> 6 & 63] : '=',
                        left > 2 ? digits[three & 63] : '='};

        rc = ff_buf_append(out, four, sizeof four);
    }
    return rc;
}
