/* SPDX-License-Identifier: Apache-2.0 */
/* objects.c: ff.objects/1: one item. */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>

#include "core/base/alloc.h"
#include "file.h"

/* ---- looking and reading ---- */

/* The object's facts into the item; a folder is none. */
static int describe(struct ff_io *io, const struct stat *st, const char *path,
                    struct ff_error *e)
{
    if (S_ISDIR(st->st_mode)) {
        return ff_fail(e, FF_E_NOT_FOUND, path, "it is a folder");
    }
    io->object_bytes = (uint64_t)st->st_size;
    io->mtime_ns = ff_file_mtime_ns(st);
    ff_file_tag(st, io->tag);
    return ff_file_refuse(st->st_mode, path, e);
}

static int read_into(const struct ff_file_root *root, struct ff_io *io, int fd,
                     const char *path, struct ff_error *e)
{
    uint64_t end = io->object_bytes;
    uint64_t left = io->offset_bytes < end ? end - io->offset_bytes : 0;
    uint64_t wanted = io->size_bytes < left ? io->size_bytes : left;
    void *dst = wanted <= SIZE_MAX ? io->buffer(io, wanted) : NULL;
    int rc = 0;

    if (!dst && wanted > 0) {
        return ff_fail(e, FF_E_NO_MEMORY, path, "no buffer for %llu bytes",
                       (unsigned long long)wanted);
    }
    io->size_bytes = wanted;
    if (wanted > 0) {
        rc = ff_sys_pread_all(root->sys, fd, dst, (size_t)wanted,
                              (int64_t)io->offset_bytes);
    }
    if (rc == -ENODATA) {
        return ff_fail(e, FF_E_CORRUPT, path, "was made shorter while it was read");
    }
    return rc < 0 ? ff_file_fail(e, rc, path, "read") : FF_OK;
}

/* GET and HEAD */
static int look(const struct ff_file_bound *b, struct ff_io *io, const char *path,
                struct ff_error *e)
{
    const struct ff_file_root *root = b->root;
    struct stat st;
    int flags = io->op == FF_GET ? O_RDONLY | O_NONBLOCK : O_PATH;
    int fd = ff_sys_open_beneath(root->sys, root->fd, path, flags, 0), rc, code;

    if (fd == -ENXIO) { /* a socket, a device without a driver */
        return ff_file_refuse(S_IFSOCK, path, e);
    }
    if (fd < 0) {
        return ff_file_fail(e, fd, path, "open it");
    }
    rc = root->sys->fstat(root->sys, fd, &st);
    code = rc < 0 ? ff_file_fail(e, rc, path, "look at it") : describe(io, &st, path, e);
    if (code == FF_OK && io->op == FF_GET) {
        code = read_into(root, io, fd, path, e);
    }
    ff_file_close(root, fd);
    return code;
}

/* ---- conditions ---- */

static int changed(const char *path, struct ff_error *e)
{
    return ff_fail(e, FF_E_CONFLICT, path, "it is not as the condition wants it");
}

/* Holds the object that has the tag, so that of several who put on a condition one wins.
 * Those without one do not ask: between this look and the rename they may come in. */
static int hold_tag(const struct ff_file_root *root, const struct ff_file_dir *dir,
                    const char *tag, const char *path, int *held_fd, struct ff_error *e)
{
    char now[80];
    struct stat st;
    int fd, rc;

    do {
        fd = root->sys->openat(root->sys, dir->fd, dir->base,
                               O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    } while (fd == -EINTR);
    *held_fd = fd < 0 ? -1 : fd;
    if (fd == -ENOENT || fd == -EISDIR) {
        return changed(path, e);
    }
    if (fd < 0) {
        return ff_file_fail(e, fd, path, "open it");
    }
    rc = ff_file_lock(root, fd, F_WRLCK);
    if (rc == -EAGAIN) {
        return changed(path, e);
    }
    rc = rc < 0 && !ff_file_no_locks(rc) ? rc : root->sys->fstat(root->sys, fd, &st);
    if (rc < 0) {
        return ff_file_fail(e, rc, path, "lock it");
    }
    ff_file_tag(&st, now);
    rc = ff_file_name_has(root, dir->fd, dir->base, ff_file_id_of(&st));
    return rc == 1 && strcmp(now, tag) == 0 ? FF_OK : changed(path, e);
}

/* No such rename: a second name is as exclusive. */
static int link_new(const struct ff_file_root *root, const struct ff_file_dir *dir,
                    const char *temp)
{
    int rc = root->sys->linkat(root->sys, dir->fd, temp, dir->fd, dir->base, 0);

    if (rc == 0) {
        (void)root->sys->unlinkat(root->sys, dir->fd, temp, 0);
    }
    return ff_file_no_links(rc) ? -EOPNOTSUPP : rc;
}

static int rename_onto(const struct ff_file_root *root, const struct ff_file_dir *dir,
                       const char *temp, bool fresh)
{
    int rc = root->sys->renameat2(root->sys, dir->fd, temp, dir->fd, dir->base,
                                  fresh ? RENAME_NOREPLACE : 0);

    return fresh && ff_file_no_flags(rc) ? link_new(root, dir, temp) : rc;
}

/* The temporary becomes the object. */
static int publish(struct ff_file_bound *b, const struct ff_io *io,
                   const struct ff_file_dir *dir, const char *temp, const char *path,
                   struct ff_error *e)
{
    const struct ff_file_root *root = b->root;
    bool fresh = io->if_match && !*io->if_match;
    int held_fd = -1, rc, code = FF_OK;

    if (io->if_match && *io->if_match) {
        code = hold_tag(root, dir, io->if_match, path, &held_fd, e);
    }
    if (code == FF_OK) {
        rc = rename_onto(root, dir, temp, fresh);
        if (rc == -EEXIST && fresh) {
            code = changed(path, e);
        } else if (rc == -EISDIR || rc == -EEXIST || rc == -ENOTEMPTY) {
            code = ff_fail(e, FF_E_CONFLICT, path, "a folder has this name");
        } else if (rc == -ENOENT) {
            code = ff_fail(e, FF_E_CONFLICT, path,
                           "it was taken away while it was being written");
        } else if (rc < 0) {
            code = ff_file_fail(e, rc, path, "give it its name");
        }
    }
    ff_file_close(root, held_fd);
    if (code == FF_OK) {
        ff_file_pend_name(b, path);
    }
    return code;
}

/* ---- writing ---- */

/* What a put or a copy is being made of. */
struct making {
    struct ff_file_dir dir;
    char temp[FF_FILE_NAME_BYTES];
    int fd;
    bool named; /* made under its own name: nobody looks for it yet */
};

static int create_named(const struct ff_file_root *root, struct making *m)
{
    int fd;

    do {
        fd = root->sys->openat(root->sys, m->dir.fd, m->dir.base,
                               O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    } while (fd == -EINTR);
    m->fd = fd < 0 ? -1 : fd;
    return fd < 0 ? fd : 0;
}

/* A private file beside the object to be; its folders are made. A removal may prune them
 * meanwhile: again. */
static int make_temp(struct ff_file_bound *b, const char *path, struct making *m)
{
    int rc = -ENOENT;

    for (int i = 0; i < FF_FILE_PRUNED && rc == -ENOENT; i++) {
        rc = ff_file_dir_open(b->root, path, &m->dir);
        if (rc == -ENOENT) {
            int made = ff_file_make_folders(b, path);

            rc = made < 0 ? made : rc;
            continue;
        }
        if (rc == 0) {
            rc = m->named ? create_named(b->root, m)
                          : ff_file_private_new(b->root, m->dir.fd, FF_FILE_PUT, m->temp,
                                                &m->fd);
        }
        if (rc < 0) {
            ff_file_dir_close(b->root, &m->dir);
        }
    }
    return rc;
}

static int fill(const struct ff_file_root *root, struct ff_io *io, int fd,
                const char *path, const struct ff_call *call, struct ff_error *e)
{
    uint64_t size = io->size_bytes;
    size_t piece = size < FF_FILE_PIECE_BYTES ? (size_t)size : FF_FILE_PIECE_BYTES;
    void *memory = piece ? ff_aligned_alloc(piece) : NULL;
    int code = FF_OK;

    if (piece && !memory) {
        return ff_fail(e, FF_E_NO_MEMORY, path, "no memory to write it");
    }
    for (uint64_t at = 0; code == FF_OK && at < size; at += piece) {
        piece = size - at < piece ? (size_t)(size - at) : piece;
        code = ff_file_stopped(root, call, path, e);
        code = code ? code : io->source(io->source_ctx, at, memory, piece, call, e);
        if (code == FF_OK) {
            int rc = ff_file_pwrite(root, fd, memory, piece, at);

            code = rc < 0 ? ff_file_fail(e, rc, path, "write") : FF_OK;
        }
    }
    ff_aligned_free(memory);
    return code;
}

/* From a temporary with its content to the object; the descriptor is taken. */
static int finish_making(struct ff_file_bound *b, struct ff_io *io, struct making *m,
                         const char *path, int code, struct ff_error *e)
{
    const struct ff_file_root *root = b->root;
    struct stat st;
    int rc = code ? 0 : root->sys->fstat(root->sys, m->fd, &st);

    if (code == FF_OK && rc == 0) {
        /* The lock goes with the descriptor: both stay until the name is there. */
        code = m->named ? FF_OK : publish(b, io, &m->dir, m->temp, path, e);
    }
    if (code == FF_OK && rc == 0 && m->named) {
        ff_file_pend_name(b, path);
    }
    if (code == FF_OK && rc == 0) {
        if (!m->named) { /* it may be held open until sync() */
            (void)ff_file_lock(root, m->fd, F_UNLCK);
        }
        rc = ff_file_pend_file(b, m->fd);
        m->fd = -1;
    }
    if (rc < 0) {
        code = ff_file_fail(e, rc, path, "finish it");
    }
    if (code == FF_OK) {
        (void)describe(io, &st, path, e);
    } else {
        (void)root->sys->unlinkat(root->sys, m->dir.fd, m->named ? m->dir.base : m->temp,
                                  0);
    }
    ff_file_close(root, m->fd);
    return code;
}

static int put(struct ff_file_bound *b, struct ff_io *io, const char *path,
               const struct ff_call *call, struct ff_error *e)
{
    struct making m = {.fd = -1, .dir = {-1, false, NULL}};
    int rc, code;

    m.named = io->if_match && !*io->if_match && FF_HAS(io, ff_io, flags) &&
              (io->flags & FF_IO_UNSEEN);
    rc = make_temp(b, path, &m);
    if (rc == -EEXIST || (rc == -EISDIR && m.named)) {
        return changed(path, e);
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, path, "create it");
    }
    rc = ff_file_pend_begin(b);
    code = rc < 0 ? ff_file_fail(e, rc, path, "create it")
                  : fill(b->root, io, m.fd, path, call, e);
    code = finish_making(b, io, &m, path, code, e);
    ff_file_dir_close(b->root, &m.dir);
    if (code) {
        ff_file_prune(b, path);
    }
    return code;
}

/* ---- copying ---- */

/* What is written into it later would change the copy. */
static int keep_writers_out(const struct ff_file_root *root, int fd, const char *from,
                            struct ff_error *e)
{
    int rc = ff_file_keep_writers_out(root, fd);

    if (rc == -EAGAIN) {
        ff_fail(e, FF_E_CONFLICT, from, "somebody is attached to it, and may write");
        ff_error_fix(e, "let whoever writes into it end, or end it");
        return FF_E_CONFLICT;
    }
    return rc < 0 ? ff_file_fail(e, rc, from, "lock it") : FF_OK;
}

/* Opens the source: a regular file, into which nobody writes. */
static int open_source(const struct ff_file_root *root, const char *from, struct stat *st,
                       int *fd, struct ff_error *e)
{
    int rc = ff_sys_open_beneath(root->sys, root->fd, from, O_RDONLY | O_NONBLOCK, 0),
        code;

    *fd = rc < 0 ? -1 : rc;
    if (rc == -ENXIO) {
        return ff_file_refuse(S_IFSOCK, from, e);
    }
    rc = rc < 0 ? rc : root->sys->fstat(root->sys, *fd, st);
    if (rc < 0) {
        return ff_file_fail(e, rc, from, "open it");
    }
    code = S_ISDIR(st->st_mode) ? ff_fail(e, FF_E_NOT_FOUND, from, "it is a folder")
                                : ff_file_refuse(st->st_mode, from, e);
    return code ? code : keep_writers_out(root, *fd, from, e);
}

/* A second name, in place of the temporary: 0 when it is that file, 1 when the system gives
 * no link here, or -errno. */
static int link_source(const struct ff_file_root *root, const char *from,
                       struct ff_file_id id, struct making *m)
{
    struct ff_file_dir dir;
    int rc = ff_file_dir_open(root, from, &dir), same;

    if (rc < 0) {
        return rc;
    }
    (void)root->sys->unlinkat(root->sys, m->dir.fd, m->temp, 0);
    rc = root->sys->linkat(root->sys, dir.fd, dir.base, m->dir.fd, m->temp, 0);
    ff_file_dir_close(root, &dir);
    if (rc < 0) {
        return ff_file_no_links(rc) ? 1 : rc;
    }
    same = ff_file_name_has(root, m->dir.fd, m->temp, id);
    return same == 1 ? 0 : same < 0 ? same : -ESTALE;
}

/* After a link the temporary is the source: the descriptor too. */
static int copy_into(struct ff_file_bound *b, const char *from, struct making *m,
                     const struct ff_call *call, struct ff_error *e)
{
    const struct ff_file_root *root = b->root;
    struct stat st;
    int from_fd, code = open_source(root, from, &st, &from_fd, e), rc = 0;

    if (code == FF_OK) {
        rc = link_source(root, from, ff_file_id_of(&st), m);
    }
    if (code == FF_OK && rc == 0) {
        ff_file_close(root, m->fd);
        m->fd = from_fd;
        return FF_OK;
    }
    if (code == FF_OK && rc == 1) {
        ff_file_close(root, m->fd);
        rc = ff_file_private_new(root, m->dir.fd, FF_FILE_PUT, m->temp, &m->fd);
        code = rc < 0 ? FF_OK
                      : ff_file_copy(root, from_fd, m->fd, (uint64_t)st.st_size, call, e);
    }
    ff_file_close(root, from_fd);
    return rc < 0 ? ff_file_fail(e, rc, from, "copy it") : code;
}

static int copy(struct ff_file_bound *b, struct ff_io *io, const char *path,
                const struct ff_call *call, struct ff_error *e)
{
    struct making m = {.fd = -1, .dir = {-1, false, NULL}};
    char from[FF_FILE_PATH_BYTES];
    int code = ff_file_path(b, io->from, from, e), rc;

    if (code) {
        return code;
    }
    rc = make_temp(b, path, &m);
    if (rc < 0) {
        return ff_file_fail(e, rc, path, "create it");
    }
    rc = ff_file_pend_begin(b);
    code =
        rc < 0 ? ff_file_fail(e, rc, path, "create it") : copy_into(b, from, &m, call, e);
    code = finish_making(b, io, &m, path, code, e);
    /* a rename from one name of a file to another of the same leaves both */
    (void)b->root->sys->unlinkat(b->root->sys, m.dir.fd, m.temp, 0);
    ff_file_dir_close(b->root, &m.dir);
    if (code) {
        ff_file_prune(b, path);
    }
    return code;
}

/* ---- removing ---- */

static int remove_in(struct ff_file_bound *b, const struct ff_io *io,
                     const struct ff_file_dir *dir, const char *path, struct ff_error *e)
{
    const struct ff_file_root *root = b->root;
    struct stat st;
    int held_fd = -1, rc, code = FF_OK;

    if (io->if_match && *io->if_match) {
        code = hold_tag(root, dir, io->if_match, path, &held_fd, e);
    } else if (io->if_match) {
        rc = root->sys->fstatat(root->sys, dir->fd, dir->base, &st, AT_SYMLINK_NOFOLLOW);
        code = rc == 0 ? changed(path, e) : FF_OK;
    }
    if (code == FF_OK) {
        rc = root->sys->unlinkat(root->sys, dir->fd, dir->base, 0);
        if (rc < 0 && rc != -ENOENT && rc != -EISDIR) {
            code = ff_file_fail(e, rc, path, "remove it");
        }
    }
    ff_file_close(root, held_fd);
    return code;
}

static int remove_one(struct ff_file_bound *b, const struct ff_io *io, const char *path,
                      struct ff_error *e)
{
    bool wants = io->if_match && *io->if_match;
    struct ff_file_dir dir;
    int rc = ff_file_dir_open(b->root, path, &dir), code;

    if (rc == -ENOENT || rc == -ENOTDIR) {
        return wants ? changed(path, e) : FF_OK;
    }
    if (rc < 0) {
        return ff_file_fail(e, rc, path, "open its folder");
    }
    code = remove_in(b, io, &dir, path, e);
    ff_file_dir_close(b->root, &dir);
    if (code == FF_OK) {
        ff_file_pend_name(b, path);
        ff_file_prune(b, path);
    }
    return code;
}

/* ---- all of them ---- */

int ff_file_do_one(struct ff_file_bound *b, struct ff_io *io, const struct ff_call *call,
                   struct ff_error *e)
{
    char path[FF_FILE_PATH_BYTES];
    int code = ff_file_stopped(b->root, call, io->name, e);

    code = code ? code : ff_file_path(b, io->name, path, e);
    if (code) {
        return code;
    }
    switch (io->op) {
    case FF_GET:
    case FF_HEAD:
        return look(b, io, path, e);
    case FF_PUT:
        return put(b, io, path, call, e);
    case FF_COPY:
        return copy(b, io, path, call, e);
    case FF_REMOVE:
        return remove_one(b, io, path, e);
    default:
        return ff_fail(e, FF_E_UNSUPPORTED, path, "unknown operation %d", (int)io->op);
    }
}
