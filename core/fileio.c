/* SPDX-License-Identifier: Apache-2.0 */
/* fileio.c: opening and reading small files through the table of system calls. */
#include "core/fileio.h"

#include <errno.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"

enum { PIECE_BYTES = 4096 };

int ff_open_at(const struct ff_sys *sys, int dir_fd, const char *path, int flags)
{
    int fd;

    do {
        fd = sys->openat(sys, dir_fd, path, flags, 0);
    } while (fd == -EINTR);
    return fd;
}

ssize_t ff_read_start(const struct ff_sys *sys, int fd, void *data, size_t size_bytes)
{
    size_t done = 0;

    while (done < size_bytes) {
        ssize_t got =
            sys->pread(sys, fd, (char *)data + done, size_bytes - done, (int64_t)done);

        if (got > 0) {
            done += (size_t)got;
        } else if (got != -EINTR) {
            return got ? got : (ssize_t)done;
        }
    }
    return (ssize_t)done;
}

int ff_code_of_errno(int negative_errno)
{
    switch (-negative_errno) {
    case ENOENT:
    case ENOTDIR:
        return FF_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return FF_E_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return FF_E_NO_SPACE;
    case ENOMEM:
        return FF_E_NO_MEMORY;
    case EEXIST:
        return FF_E_EXISTS;
    case E2BIG:
        return FF_E_LIMIT;
    default:
        return FF_E_IO;
    }
}

/* Read to the end; 0 or -errno. */
static int read_whole(const struct ff_sys *sys, int fd, struct ff_buf *text)
{
    for (;;) {
        ssize_t got;
        int code = ff_buf_reserve(text, PIECE_BYTES);

        if (code) {
            return code;
        }
        got = sys->read(sys, fd, text->data + text->length_bytes, PIECE_BYTES);
        if (got > 0) {
            ff_buf_added(text, (size_t)got);
        } else if (got != -EINTR) {
            return (int)got;
        }
    }
}

char *ff_read_file(const struct ff_sys *sys, const char *path, size_t max_bytes,
                   size_t *bytes, struct ff_error *e)
{
    struct ff_buf text;
    char *out = NULL;
    int fd = ff_open_at(sys, AT_FDCWD, path, O_RDONLY | O_NOCTTY);
    int code = fd < 0 ? fd : 0;

    ff_buf_init(&text, max_bytes);
    if (!code) {
        code = read_whole(sys, fd, &text);
        (void)sys->close(sys, fd);
    }
    code = code ? code : ff_buf_reserve(&text, 1); /* an empty file is text too */
    if (!code) {
        out = (char *)ff_buf_steal(&text, bytes);
        code = out ? 0 : -ENOMEM;
    }
    ff_buf_free(&text);
    if (code) {
        (void)ff_fail(e, ff_code_of_errno(code), path, "cannot read it: %s",
                      strerrordesc_np(-code));
    }
    return out;
}
