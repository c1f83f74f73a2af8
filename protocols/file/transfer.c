/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.c: writing, which RLIMIT_FSIZE may stop, making room, copying. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "core/base/alloc.h"
#include "file.h"

/* A write past RLIMIT_FSIZE ends in a signal that kills, beside EFBIG. Around a write the
 * signal is blocked in this thread, and the one that came is taken away. */
struct guard {
    bool on;
    sigset_t old;
};

static void only_xfsz(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGXFSZ);
}

static void guard_enter(const struct ff_file_root *root, struct guard *g)
{
    sigset_t xfsz, pending;

    g->on = false;
    if (!root->size_limited) {
        return;
    }
    only_xfsz(&xfsz);
    g->on = sigpending(&pending) == 0 && !sigismember(&pending, SIGXFSZ) &&
            pthread_sigmask(SIG_BLOCK, &xfsz, &g->old) == 0;
}

static void guard_leave(const struct guard *g)
{
    const struct timespec none = {0};
    sigset_t xfsz;

    if (g->on) {
        only_xfsz(&xfsz);
        (void)sigtimedwait(&xfsz, NULL, &none);
        (void)pthread_sigmask(SIG_SETMASK, &g->old, NULL);
    }
}

int ff_file_write(const struct ff_file_root *root, int fd, const void *data,
                  size_t size_bytes)
{
    struct guard g;
    int rc;

    guard_enter(root, &g);
    rc = ff_sys_write_all(root->sys, fd, data, size_bytes);
    guard_leave(&g);
    return rc;
}

int ff_file_pwrite(const struct ff_file_root *root, int fd, const void *data,
                   size_t size_bytes, uint64_t offset)
{
    struct guard g;
    int rc;

    if (offset > INT64_MAX) {
        return -EFBIG;
    }
    guard_enter(root, &g);
    rc = ff_sys_pwrite_all(root->sys, fd, data, size_bytes, (int64_t)offset);
    guard_leave(&g);
    return rc;
}

int ff_file_pwritev(const struct ff_file_root *root, int fd, struct iovec *parts,
                    size_t count, uint64_t offset)
{
    struct guard g;
    int rc;

    if (offset > INT64_MAX) {
        return -EFBIG;
    }
    guard_enter(root, &g);
    rc = ff_sys_pwritev_all(root->sys, fd, parts, count, (int64_t)offset);
    guard_leave(&g);
    return rc;
}

/* 0, -EOPNOTSUPP where it cannot be had, or what failed. */
static int reserve_space(const struct ff_file_root *root, int fd, int64_t size_bytes)
{
    int rc = -EINTR;

    /* Some file systems undo all of it when a signal comes: not for ever. */
    for (int i = 0; i < FF_FILE_TRIES && rc == -EINTR; i++) {
        rc = root->sys->fallocate(root->sys, fd, 0, 0, size_bytes);
    }
    return rc == -ENOSYS || rc == -EINVAL || rc == -EINTR ? -EOPNOTSUPP : rc;
}

int ff_file_resize(const struct ff_file_root *root, int fd, uint64_t size_bytes,
                   int reserve)
{
    struct guard g;
    int rc = 0;

    if (size_bytes > INT64_MAX) {
        return -EFBIG;
    }
    guard_enter(root, &g);
    if (reserve && size_bytes > 0) {
        rc = reserve_space(root, fd, (int64_t)size_bytes);
    }
    if (rc == 0 || rc == -EOPNOTSUPP) {
        do {
            rc = root->sys->ftruncate(root->sys, fd, (int64_t)size_bytes);
        } while (rc == -EINTR);
    }
    guard_leave(&g);
    return rc;
}

int ff_file_copy(const struct ff_file_root *root, int from_fd, int to_fd,
                 uint64_t size_bytes, const struct ff_call *call, struct ff_error *e)
{
    size_t piece =
        size_bytes < FF_FILE_PIECE_BYTES ? (size_t)size_bytes : FF_FILE_PIECE_BYTES;
    void *memory = ff_aligned_alloc(piece ? piece : 1);
    int code = memory ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to copy");

    for (uint64_t at = 0; code == FF_OK && at < size_bytes; at += piece) {
        int rc;

        piece = size_bytes - at < piece ? (size_t)(size_bytes - at) : piece;
        code = ff_file_stopped(root, call, NULL, e);
        if (code == FF_OK) {
            rc = ff_sys_pread_all(root->sys, from_fd, memory, piece, (int64_t)at);
            rc = rc < 0 ? rc : ff_file_pwrite(root, to_fd, memory, piece, at);
            code = rc < 0 ? ff_file_fail(e, rc, NULL, "copy") : FF_OK;
        }
    }
    ff_aligned_free(memory);
    return code;
}
