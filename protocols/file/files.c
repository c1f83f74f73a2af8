/* SPDX-License-Identifier: Apache-2.0 */
/* files.c: ff.files/1: random access. A file is made at its own name at once; it means
 * nothing until a task refers to it. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/base/alloc.h"
#include "file.h"

enum { PARTS = 256 }; /* spans of one call, kept on the stack */

struct ff_file {
    int fd;
    bool created, attached;
    struct ff_file_id id;
    char *path;
};

static struct ff_file_bound *bound_of(const struct ff_files *self)
{
    return FF_FILE_BOUND(self, files);
}

/* A descriptor or -errno; a FIFO in the way is not waited for. */
static int open_path(struct ff_file_bound *b, const char *path, int mode)
{
    int flags = mode == FF_OPEN_READ     ? O_RDONLY | O_NONBLOCK
                : mode == FF_OPEN_ATTACH ? O_RDWR | O_NONBLOCK
                                         : O_RDWR | O_CREAT | O_EXCL;
    int fd = ff_sys_open_beneath(b->root->sys, b->root->fd, path, flags, 0666);

    for (int i = 0; i < FF_FILE_PRUNED && fd == -ENOENT && mode == FF_OPEN_CREATE; i++) {
        int rc = ff_file_make_folders(b, path);

        if (rc < 0 && rc != -ENOENT) {
            return rc;
        }
        fd = ff_sys_open_beneath(b->root->sys, b->root->fd, path, flags, 0666);
    }
    return fd;
}

/* Nobody but us removes what we create; but a folder may be deleted or moved under us, and a
 * task must not name big data that went with it. What we are attached to may be given up. */
static int check_name(struct ff_file_bound *b, const struct ff_file *f,
                      struct ff_error *e)
{
    struct ff_file_dir dir;
    int rc = ff_file_dir_open(b->root, f->path, &dir);

    if (rc == 0) {
        rc = ff_file_name_has(b->root, dir.fd, dir.base, f->id);
        ff_file_dir_close(b->root, &dir);
    }
    if (rc == 0 || rc == -ENOENT) {
        return ff_fail(e, FF_E_CONFLICT, f->path, "it was removed while it was written");
    }
    return rc < 0 ? ff_file_fail(e, rc, f->path, "look at what was written") : FF_OK;
}

/* Into what has a copy that shares its bytes nobody writes. */
static int attach(const struct ff_file_root *root, int fd, const char *path,
                  struct ff_error *e)
{
    int rc = ff_file_attach(root, fd);

    if (rc == -EAGAIN) {
        return ff_fail(e, FF_E_CONFLICT, path,
                       "it was copied: what is written into it would change the copy");
    }
    return rc < 0 ? ff_file_fail(e, rc, path, "open it") : FF_OK;
}

/* Takes the file's name away, when it is still this file's. */
static void discard(struct ff_file_bound *b, const struct ff_file *f)
{
    struct ff_file_dir dir;

    if (ff_file_dir_open(b->root, f->path, &dir) == 0) {
        if (ff_file_name_has(b->root, dir.fd, dir.base, f->id) == 1) {
            (void)b->root->sys->unlinkat(b->root->sys, dir.fd, dir.base, 0);
        }
        ff_file_dir_close(b->root, &dir);
        ff_file_prune(b, f->path);
    }
}

static void file_free(struct ff_file *f)
{
    ff_free(f->path);
    ff_free(f);
}

/* A forked child may share the description, and what it has locked. */
static void detach(struct ff_file_bound *b, const struct ff_file *f)
{
    if (f->attached) {
        (void)ff_file_lock(b->root, f->fd, F_UNLCK);
    }
}

static void close_file(struct ff_file_bound *b, struct ff_file *f)
{
    detach(b, f);
    ff_file_close(b->root, f->fd);
    if (f->created) {
        discard(b, f);
    }
    file_free(f);
}

/* Takes the descriptor. */
static int file_new(struct ff_file_bound *b, const char *path, int mode, int fd,
                    struct ff_file **out, struct ff_error *e)
{
    struct ff_file *f = ff_calloc(1, sizeof *f);
    struct stat st;
    int rc = b->root->sys->fstat(b->root->sys, fd, &st), code = FF_OK;

    if (rc < 0) {
        code = ff_file_fail(e, rc, path, "look at it");
    } else if (S_ISDIR(st.st_mode)) {
        code = ff_fail(e, FF_E_NOT_FOUND, path, "it is a folder");
    } else {
        code = ff_file_refuse(st.st_mode, path, e);
    }
    if (code == FF_OK && mode == FF_OPEN_ATTACH) {
        code = attach(b->root, fd, path, e);
    }
    if (code == FF_OK && (!f || !(f->path = ff_strdup(path)))) {
        code = ff_fail(e, FF_E_NO_MEMORY, path, "no memory to open it");
    }
    if (code) {
        ff_file_close(b->root, fd);
        ff_free(f);
        return code;
    }
    f->fd = fd;
    f->created = mode == FF_OPEN_CREATE;
    f->attached = mode == FF_OPEN_ATTACH;
    f->id = ff_file_id_of(&st);
    if (f->attached && check_name(b, f, e)) { /* it was saved, and its name removed */
        close_file(b, f);
        return e ? e->code : FF_E_CONFLICT;
    }
    *out = f;
    return FF_OK;
}

static void discard_name(struct ff_file_bound *b, const char *path)
{
    struct ff_file_dir dir;

    if (ff_file_dir_open(b->root, path, &dir) == 0) {
        (void)b->root->sys->unlinkat(b->root->sys, dir.fd, dir.base, 0);
        ff_file_dir_close(b->root, &dir);
    }
}

static int file_open(const struct ff_files *self, const char *name, int mode,
                     struct ff_file **out, const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_bound *b = bound_of(self);
    char path[FF_FILE_PATH_BYTES];
    int code = ff_file_path(b, name, path, e), fd;

    *out = NULL;
    code = code ? code : ff_file_stopped(b->root, call, path, e);
    if (code) {
        return code;
    }
    if (mode < FF_OPEN_READ || mode > FF_OPEN_ATTACH) {
        return ff_fail(e, FF_E_USAGE, path, "unknown open mode %d", mode);
    }
    fd = open_path(b, path, mode);
    if (fd == -EEXIST) {
        return ff_fail(e, FF_E_EXISTS, path, "the name is taken");
    }
    if (fd == -EISDIR) {
        return ff_fail(e, FF_E_NOT_FOUND, path, "it is a folder");
    }
    if (fd == -ENXIO) { /* a FIFO that nobody reads, a socket */
        return ff_file_refuse(S_IFIFO, path, e);
    }
    if (fd < 0) {
        return ff_file_fail(e, fd, path,
                            mode == FF_OPEN_CREATE ? "create it" : "open it");
    }
    code = file_new(b, path, mode, fd, out, e);
    if (code && mode == FF_OPEN_CREATE) {
        discard_name(b, path);
    }
    return code;
}

static int moved(const struct ff_files *self, const struct ff_file *f, int rc,
                 const char *what, struct ff_error *e)
{
    (void)self;
    if (rc == -ENODATA) {
        return ff_fail(e, FF_E_CORRUPT, f->path, "ends before the bytes that are wanted");
    }
    return rc < 0 ? ff_file_fail(e, rc, f->path, what) : FF_OK;
}

static int file_read(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                     void *dst, size_t size_bytes, const struct ff_call *call,
                     struct ff_error *e)
{
    const struct ff_file_root *root = bound_of(self)->root;
    int code = ff_file_stopped(root, call, f->path, e), rc;

    if (code) {
        return code;
    }
    rc = offset > INT64_MAX
             ? -ENODATA
             : ff_sys_pread_all(root->sys, f->fd, dst, size_bytes, (int64_t)offset);
    return moved(self, f, rc, "read", e);
}

static int file_write(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                      const void *src, size_t size_bytes, const struct ff_call *call,
                      struct ff_error *e)
{
    const struct ff_file_root *root = bound_of(self)->root;
    int code = ff_file_stopped(root, call, f->path, e);

    return code ? code
                : moved(self, f, ff_file_pwrite(root, f->fd, src, size_bytes, offset),
                        "write", e);
}

/* Spans in groups that fit on the stack; the kernel takes IOV_MAX at a time anyway. */
static int transfer_spans(const struct ff_files *self, struct ff_file *f, bool writes,
                          uint64_t offset, const struct ff_span *spans, size_t count,
                          const struct ff_call *call, struct ff_error *e)
{
    const struct ff_file_root *root = bound_of(self)->root;
    int code = ff_file_stopped(root, call, f->path, e), rc = 0;
    struct iovec parts[PARTS];

    while (code == FF_OK && rc == 0 && count > 0) {
        size_t taken = count < PARTS ? count : PARTS;
        uint64_t size_bytes = 0;

        for (size_t i = 0; i < taken; i++) {
            parts[i] = (struct iovec){spans[i].data, spans[i].size_bytes};
            size_bytes += spans[i].size_bytes;
        }
        if (offset > INT64_MAX) {
            rc = writes ? -EFBIG : -ENODATA;
        } else if (writes) {
            rc = ff_file_pwritev(root, f->fd, parts, taken, offset);
        } else {
            rc = ff_sys_preadv_all(root->sys, f->fd, parts, taken, (int64_t)offset);
        }
        offset += size_bytes;
        spans += taken;
        count -= taken;
    }
    return code ? code : moved(self, f, rc, writes ? "write" : "read", e);
}

static int file_read_spans(const struct ff_files *self, struct ff_file *f,
                           uint64_t offset, const struct ff_span *spans, size_t count,
                           const struct ff_call *call, struct ff_error *e)
{
    return transfer_spans(self, f, false, offset, spans, count, call, e);
}

static int file_write_spans(const struct ff_files *self, struct ff_file *f,
                            uint64_t offset, const struct ff_span *spans, size_t count,
                            const struct ff_call *call, struct ff_error *e)
{
    return transfer_spans(self, f, true, offset, spans, count, call, e);
}

static int file_size(const struct ff_files *self, struct ff_file *f, uint64_t *size_bytes,
                     struct ff_error *e)
{
    const struct ff_sys *sys = bound_of(self)->root->sys;
    struct stat st;
    int rc = sys->fstat(sys, f->fd, &st);

    *size_bytes = rc < 0 ? 0 : (uint64_t)st.st_size;
    return moved(self, f, rc, "look at it", e);
}

static int file_resize(const struct ff_files *self, struct ff_file *f,
                       uint64_t size_bytes, int reserve, struct ff_error *e)
{
    int rc = ff_file_resize(bound_of(self)->root, f->fd, size_bytes, reserve);

    return moved(self, f, rc, "change its size", e);
}

static int file_finish(const struct ff_files *self, struct ff_file *f,
                       const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_bound *b = bound_of(self);
    int code = ff_file_stopped(b->root, call, f->path, e), rc = 0, closed;

    if (code == FF_OK) {
        rc = ff_file_fsync(b->root, f->fd);
    }
    detach(b, f);
    closed = b->root->sys->close(b->root->sys, f->fd);
    if (rc == 0 && closed < 0 && closed != -EINTR) { /* NFS may tell it here */
        rc = closed;
    }
    if (rc < 0) {
        code = ff_file_fail(e, rc, f->path, "make it durable");
    }
    if (code == FF_OK) {
        code = check_name(b, f, e);
    }
    if (code && f->created) {
        discard(b, f);
    }
    ff_file_pend_name(b, f->path);
    file_free(f);
    return code;
}

static void file_close(const struct ff_files *self, struct ff_file *f)
{
    struct ff_file_bound *b = bound_of(self);

    if (f) {
        close_file(b, f);
    }
}

static int file_remove(const struct ff_files *self, const char *name,
                       const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    return ff_one_run(&bound_of(self)->objects, &one, FF_REMOVE, name, call, e);
}

const struct ff_files ff_file_files = {
    .struct_size = FF_SIZE(ff_files, remove),
    .open = file_open,
    .read = file_read,
    .read_spans = file_read_spans,
    .write = file_write,
    .write_spans = file_write_spans,
    .size = file_size,
    .resize = file_resize,
    .finish = file_finish,
    .close = file_close,
    .remove = file_remove,
};
