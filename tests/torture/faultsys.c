/* SPDX-License-Identifier: Apache-2.0 */
/* faultsys.c: counts calls, says which fail, and keeps the log of what changed the file
 * system. */
#include "faultsys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errnos.h"
#include "faultsys_own.h"

const char *const fault_op_name[OP_KINDS] = {
    [OP_OPENAT] = "openat",
    [OP_OPENAT2] = "openat2",
    [OP_CLOSE] = "close",
    [OP_READ] = "read",
    [OP_WRITE] = "write",
    [OP_PREAD] = "pread",
    [OP_PWRITE] = "pwrite",
    [OP_PREADV] = "preadv",
    [OP_PWRITEV] = "pwritev",
    [OP_LSEEK] = "lseek",
    [OP_FSTAT] = "fstat",
    [OP_FSTATAT] = "fstatat",
    [OP_FSTATFS] = "fstatfs",
    [OP_FSYNC] = "fsync",
    [OP_FDATASYNC] = "fdatasync",
    [OP_SYNCFS] = "syncfs",
    [OP_RENAMEAT2] = "renameat2",
    [OP_LINKAT] = "linkat",
    [OP_UNLINKAT] = "unlinkat",
    [OP_MKDIRAT] = "mkdirat",
    [OP_FTRUNCATE] = "ftruncate",
    [OP_FALLOCATE] = "fallocate",
    [OP_GETDENTS64] = "getdents64",
    [OP_LOCK] = "fcntl",
    [OP_FUTIMENS] = "futimens",
    [OP_FCHMOD] = "fchmod",
    [OP_GETRANDOM] = "getrandom",
    [OP_CLOCK_GETTIME] = "clock_gettime",
    [OP_POLL] = "poll",
    [OP_EVENTFD] = "eventfd",
    [OP_CREATE] = "create",
    [OP_MARK] = "mark",
};

static bool is_sync(int op)
{
    return op == OP_FSYNC || op == OP_FDATASYNC || op == OP_SYNCFS;
}

bool fault_is_mutating(int op)
{
    switch (op) {
    case OP_CREATE:
    case OP_WRITE:
    case OP_PWRITE:
    case OP_PWRITEV:
    case OP_RENAMEAT2:
    case OP_LINKAT:
    case OP_UNLINKAT:
    case OP_MKDIRAT:
    case OP_FTRUNCATE:
    case OP_FALLOCATE:
    case OP_FUTIMENS:
        return true;
    default:
        return is_sync(op);
    }
}

/* ---- the log ---- */

static void append(struct faultsys *f, struct fault_record *r, const char *path,
                   const char *other, const void *data)
{
    struct iovec parts[4];

    if (f->log_fd < 0) {
        return;
    }
    r->actor = f->actor;
    r->path_bytes = path ? (uint32_t)strlen(path) + 1 : 0;
    r->other_bytes = other ? (uint32_t)strlen(other) + 1 : 0;
    parts[0] = (struct iovec){r, sizeof *r};
    parts[1] = (struct iovec){(void *)(uintptr_t)path, r->path_bytes};
    parts[2] = (struct iovec){(void *)(uintptr_t)other, r->other_bytes};
    parts[3] = (struct iovec){(void *)(uintptr_t)data, data ? r->data_bytes : 0};
    if (writev(f->log_fd, parts, 4) !=
        (ssize_t)(sizeof *r + r->path_bytes + r->other_bytes + parts[3].iov_len)) {
        f->log_failed = true;
    }
}

void fault_record(struct faultsys *f, int op, int fd, const char *path, int other_fd,
                  const char *other, int flags, int result)
{
    struct fault_record r = {.op = (uint32_t)op,
                             .fd = fd,
                             .other_fd = other_fd,
                             .flags = flags,
                             .result = result};

    append(f, &r, path, other, NULL);
}

void fault_record_data(struct faultsys *f, int op, int fd, int64_t offset,
                       const void *data, size_t size_bytes)
{
    struct fault_record r = {
        .op = (uint32_t)op, .fd = fd, .offset = offset, .data_bytes = size_bytes};

    append(f, &r, NULL, NULL, data);
}

void faultsys_mark(struct faultsys *f, int step, bool ended, int code)
{
    pthread_mutex_lock(&f->lock);
    fault_record(f, OP_MARK, step, NULL, -1, NULL, ended, code);
    pthread_mutex_unlock(&f->lock);
}

/* ---- entering and leaving a call ---- */

static bool fails(const struct faultsys *f, int op, uint64_t number)
{
    const struct fault_rule *r = &f->rule;

    if (!r->fail_at || number < r->fail_at) {
        return false;
    }
    if (number == r->fail_at) {
        return true;
    }
    return r->sticky && (r->err == FAULT_SHORT || errno_is_of(op, r->err));
}

static void stop_here(struct faultsys *f, int fd)
{
    void (*on_stop)(void *, int) = f->rule.on_stop;

    f->rule.stop_at = 0;
    f->fired++;
    on_stop(f->rule.stop_ctx, fd);
}

static void path_of(int fd, char path[256])
{
    char link[64];
    ssize_t n;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    n = readlink(link, path, 255);
    path[n > 0 ? n : 0] = '\0';
}

static void count_sync(struct faultsys *f, struct fault_turn *t, int fd)
{
    char path[256];

    f->syncs++;
    path_of(fd, path);
    if (f->syncs == f->rule.drop_sync || f->syncs == f->rule.late_sync) {
        t->drop = true;
        memcpy(f->dropped, path, sizeof path);
    } else if (f->rule.drop_all) {
        t->drop = true;
    } else if (f->rule.drop_twin && strcmp(path, f->dropped) == 0) {
        t->drop = true;
    }
    if (f->syncs == f->rule.late_sync) {
        f->late_fd = dup(fd);
        fault_record(f, OP_LOCK, fd, NULL, -1, NULL, 0, f->late_fd);
    }
    f->fired += t->drop;
}

static void count_mutating(struct faultsys *f, struct fault_turn *t, int op, int fd)
{
    f->mutating++;
    if (f->rule.stop_at && !f->rule.stop_any && f->mutating == f->rule.stop_at) {
        stop_here(f, fd);
    }
    if (is_sync(op)) {
        count_sync(f, t, fd);
    }
}

static bool is_logged(const struct faultsys *f, int op)
{
    return f->log_fd >= 0 && (fault_is_mutating(op) || op == OP_OPENAT ||
                              op == OP_OPENAT2 || op == OP_CLOSE);
}

static void count(struct faultsys *f, struct fault_turn *t, int op, int fd)
{
    uint64_t number = ++f->calls;

    if (f->trace && number <= f->trace_max) {
        f->trace[number - 1] = (uint8_t)op;
    }
    if (f->rule.stop_any && number == f->rule.stop_at) {
        stop_here(f, fd);
    }
    if (fault_is_mutating(op)) {
        count_mutating(f, t, op, fd);
    }
    if (fails(f, op, number)) {
        f->fired++;
        t->shorten = f->rule.err == FAULT_SHORT;
        t->fail = -f->rule.err;
    }
}

struct fault_turn fault_enter(struct faultsys *f, int op, int fd)
{
    struct fault_turn t = {.locked = is_logged(f, op)};

    pthread_mutex_lock(&f->lock);
    if (f->armed) {
        count(f, &t, op, fd);
    }
    if (!t.locked) {
        pthread_mutex_unlock(&f->lock);
    }
    return t;
}

void fault_leave(struct faultsys *f, const struct fault_turn *t)
{
    if (t->locked) {
        pthread_mutex_unlock(&f->lock);
    }
}

size_t fault_shorter(const struct fault_turn *t, size_t size_bytes)
{
    return t->shorten && size_bytes > 1 ? size_bytes / 2 : size_bytes;
}

/* ---- the table ---- */

void faultsys_init(struct faultsys *f, const struct ff_sys *inner)
{
    memset(f, 0, sizeof *f);
    f->table = fault_table;
    f->table.struct_size = inner->struct_size;
    f->inner = inner;
    f->log_fd = -1;
    f->late_fd = -1;
    (void)pthread_mutex_init(&f->lock, NULL);
}

void faultsys_free(struct faultsys *f)
{
    (void)pthread_mutex_destroy(&f->lock);
    free(f->trace);
    f->trace = NULL;
}

void faultsys_arm(struct faultsys *f, const struct fault_rule *rule)
{
    pthread_mutex_lock(&f->lock);
    f->rule = rule ? *rule : (struct fault_rule){0};
    f->calls = f->mutating = f->syncs = f->fired = 0;
    f->armed = true;
    pthread_mutex_unlock(&f->lock);
}

void faultsys_disarm(struct faultsys *f)
{
    pthread_mutex_lock(&f->lock);
    f->armed = false;
    f->rule = (struct fault_rule){0};
    pthread_mutex_unlock(&f->lock);
}
