/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: input files, and output files that appear whole or not at all. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES  (1u << 20)
#define BUFFER_BYTES ((size_t)1 << 16)

static int fail_errno(struct ff_error *e, int number, const char *path, const char *what)
{
    int code = number == ENOENT || number == ENOTDIR        ? FF_E_NOT_FOUND
               : number == EACCES || number == EPERM        ? FF_E_PERMISSION
               : number == ENOSPC || number == EDQUOT       ? FF_E_NO_SPACE
               : number == EISDIR || number == ENAMETOOLONG ? FF_E_USAGE
                                                            : FF_E_IO;
    if (e && !e->code) {
        e->os_errno = number;
    }
    return ff_fail(e, code, path, "cannot %s: %s", what, strerror(number));
}

/* ---- out ---- */

/* A name beside `path` that nothing has, and its descriptor. */
static int create_beside(struct ff_out *o, mode_t mode)
{
    const char *slash = strrchr(o->path, '/');
    int folder = slash ? (int)(slash - o->path) + 1 : 0, fd = -1;
    size_t size = strlen(o->path) + 40;
    o->temporary = malloc(size);
    for (unsigned i = 0; o->temporary && fd < 0 && i < 100; i++) {
        (void)snprintf(o->temporary, size, "%.*s.ff-%ld-%u.part", folder, o->path,
                       (long)getpid(), i);
        fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0 && errno != EEXIST) {
            break;
        }
    }
    return fd;
}

static int open_output(struct ff_out *o, const char *path)
{
    struct stat st;
    int fd, known = stat(path, &st) == 0;
    if (known && S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    if (known && !S_ISREG(st.st_mode)) {
        o->path = strdup(path);
        return open(path, O_WRONLY | O_CLOEXEC);
    }
    /* through a symbolic link, so that the link stays */
    o->path = known ? realpath(path, NULL) : strdup(path);
    fd = o->path ? create_beside(o, 0666) : -1;
    if (fd >= 0 && known) {
        (void)fchmod(fd, st.st_mode & 07777);
    }
    if (fd >= 0) {
        ff_signals_guard(o->temporary);
    }
    return fd;
}

static void out_free(struct ff_out *o)
{
    ff_signals_guard(NULL);
    free(o->buffer);
    free(o->temporary);
    free(o->path);
    memset(o, 0, sizeof *o);
    o->fd = -1;
}

int ff_out_open(struct ff_out *o, const char *path, struct ff_error *e)
{
    int number = ENOMEM;
    memset(o, 0, sizeof *o);
    o->fd = -1;
    if (e && e->code) {
        return e->code;
    }
    o->is_stdout = strcmp(path, "-") == 0;
    o->is_terminal = o->is_stdout && isatty(STDOUT_FILENO);
    o->buffer = malloc(BUFFER_BYTES);
    if (o->buffer) {
        o->fd = o->is_stdout ? STDOUT_FILENO : open_output(o, path);
        number = errno;
    }
    if (o->fd < 0) {
        out_free(o);
        return fail_errno(e, number, path, "write");
    }
    return FF_OK;
}

/* All of it, unless Ctrl-C was pressed: a reader that does not read must not hold ff up. */
static int write_out(struct ff_out *o, const char *data, size_t size_bytes)
{
    while (size_bytes) {
        ssize_t n = ff_signals_stopped() ? 0 : write(o->fd, data, size_bytes);
        if (ff_signals_stopped()) {
            return FF_E_CANCELLED;
        }
        if (n < 0 && errno != EINTR) {
            o->os_errno = errno;
            return FF_E_IO;
        }
        data += n > 0 ? n : 0;
        size_bytes -= n > 0 ? (size_t)n : 0;
    }
    return FF_OK;
}

static int drain(struct ff_out *o)
{
    int rc = write_out(o, o->buffer, o->buffered_bytes);
    o->buffered_bytes = 0;
    return rc;
}

int ff_out_write(void *out, const void *data, size_t size_bytes)
{
    struct ff_out *o = out;
    int rc = FF_OK;
    o->size_bytes += size_bytes;
    if (o->is_terminal) {
        ff_print_safe(stdout, data, size_bytes, 1);
        return ff_signals_stopped() ? FF_E_CANCELLED : FF_OK;
    }
    if (size_bytes > BUFFER_BYTES - o->buffered_bytes) {
        rc = drain(o);
    }
    if (!rc && size_bytes >= BUFFER_BYTES) {
        return write_out(o, data, size_bytes);
    }
    if (!rc && size_bytes) {
        memcpy(o->buffer + o->buffered_bytes, data, size_bytes);
        o->buffered_bytes += size_bytes;
    }
    return rc;
}

int ff_out_text(void *out, const char *text, size_t size_bytes)
{
    return ff_out_write(out, text, size_bytes);
}

/* Everything on the medium, then under its name. 0 or an errno. */
static int publish(struct ff_out *o)
{
    int number = o->temporary && fsync(o->fd) ? errno : 0;
    if (close(o->fd) && !number) {
        number = errno;
    }
    o->fd = -1;
    if (!number && o->temporary && rename(o->temporary, o->path)) {
        number = errno;
    }
    return number;
}

int ff_out_close(struct ff_out *o, int rc, struct ff_error *e)
{
    struct ff_error mine = FF_ERROR_INIT;
    if (o->fd < 0) {
        return rc;
    }
    rc = rc ? rc : drain(o);
    if (!rc && !o->is_stdout) {
        o->os_errno = publish(o);
    }
    if (o->fd >= 0 && !o->is_stdout) {
        (void)close(o->fd);
    }
    if ((rc || o->os_errno) && o->temporary) {
        (void)unlink(o->temporary);
    }
    if (o->os_errno) { /* the true cause, instead of "the callback failed" */
        rc = fail_errno(&mine, o->os_errno, o->is_stdout ? "standard output" : o->path,
                        "write");
        if (e) {
            *e = mine;
        }
    }
    out_free(o);
    return rc;
}

/* ---- in ---- */

static int open_input(const char *path, struct ff_error *e)
{
    int fd;
    if (strcmp(path, "-") == 0) {
        return dup(STDIN_FILENO);
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        (void)fail_errno(e, errno, path, "read");
    }
    return fd;
}

/* read() until the end, to `take`; an interrupted one goes on unless Ctrl-C was pressed. */
static int read_all(int fd, const char *path, int (*take)(void *, const char *, size_t),
                    void *ctx, struct ff_error *e)
{
    char *piece = malloc(PIECE_BYTES);
    int rc = piece ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    while (!rc) {
        ssize_t n = ff_signals_stopped() ? 0 : read(fd, piece, PIECE_BYTES);
        if (ff_signals_stopped()) {
            rc = ff_fail(e, FF_E_CANCELLED, path, "interrupted");
        } else if (n < 0 && errno != EINTR) {
            rc = fail_errno(e, errno, path, "read");
        } else if (n == 0) {
            break;
        } else if (n > 0 && take(ctx, piece, (size_t)n)) {
            rc = fail_errno(e, errno, path, "keep");
        }
    }
    free(piece);
    return rc;
}

static int take_memory(void *ctx, const char *data, size_t size_bytes)
{
    return fwrite(data, 1, size_bytes, ctx) != size_bytes;
}

int ff_in_read(const char *path, char **data, size_t *size_bytes, struct ff_error *e)
{
    FILE *memory;
    int fd, rc;
    *data = NULL;
    *size_bytes = 0;
    fd = open_input(path, e);
    if (fd < 0) {
        return e && e->code ? e->code : fail_errno(e, errno, path, "read");
    }
    memory = open_memstream(data, size_bytes);
    rc = memory ? read_all(fd, path, take_memory, memory, e)
                : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    if (memory && fclose(memory) && !rc) {
        rc = ff_fail(e, FF_E_NO_MEMORY, path, "too large for the memory there is");
    }
    (void)close(fd);
    if (rc) {
        free(*data);
        *data = NULL;
    }
    return rc;
}

static int take_descriptor(void *ctx, const char *data, size_t size_bytes)
{
    int fd = *(int *)ctx;
    while (size_bytes) {
        ssize_t n = write(fd, data, size_bytes);
        if (n < 0 && errno != EINTR) {
            return 1;
        }
        data += n > 0 ? n : 0;
        size_bytes -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int ff_in_seekable(const char *path, char *out, size_t size, int *fd, struct ff_error *e)
{
    struct stat st;
    int from, rc;
    *fd = -1;
    (void)snprintf(out, size, "%s", path);
    if (strcmp(path, "-") != 0 && (stat(path, &st) || !S_ISFIFO(st.st_mode))) {
        return FF_OK; /* whoever opens it says what is wrong with it */
    }
    from = open_input(path, e);
    if (from < 0) {
        return e && e->code ? e->code : fail_errno(e, errno, path, "read");
    }
    *fd = memfd_create("ff", MFD_CLOEXEC);
    rc = *fd < 0 ? fail_errno(e, errno, path, "keep")
                 : read_all(from, path, take_descriptor, fd, e);
    (void)close(from);
    if (rc && *fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
    (void)snprintf(out, size, "/proc/self/fd/%d", *fd);
    return rc;
}
