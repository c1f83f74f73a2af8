/* SPDX-License-Identifier: Apache-2.0 */
/* file.h: the inside of the protocol "file": a folder of the file system as the medium.
 *
 * Everything is reached from the root's descriptor, beneath it and through no symbolic
 * link. Names that begin with ".ff-" are this protocol's own: nobody else sees them.
 * Functions that return int give an ff_code when their last argument is a struct ff_error,
 * else 0 or -errno. */
#ifndef FF_PROTOCOL_FILE_H
#define FF_PROTOCOL_FILE_H

#include <functionfuse/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/sys.h"
#include "core/base/vec.h"

#define FF_FILE_PRIVATE ".ff-"     /* all names of this kind */
#define FF_FILE_PUT     ".ff-put-" /* an object that is being put; locked */
#define FF_FILE_INTENT  ".ff-tmp-" /* a task that is being saved; locked */
#define FF_FILE_OLD     ".ff-old-" /* what a commit displaces, where nothing can exchange */
#define FF_FILE_TRASH   ".ff-trash-" /* what was removed */
#define FF_FILE_PROBE                                                                    \
    ".ff-now-" /* made to see the medium's clock, or if it folds names */

enum {
    FF_FILE_NAME_BYTES = 64,   /* a private name with NUL */
    FF_FILE_PATH_BYTES = 4096, /* PATH_MAX */
    FF_FILE_PIECE_BYTES = 512 << 10,
    FF_FILE_TRIES = 16,
    FF_FILE_PRUNED = 200 /* how often a removal may take a new folder away */
};

/* Which file it is, whatever its name. */
struct ff_file_id {
    dev_t dev;
    ino_t ino;
};

/* An instance: one root. */
struct ff_file_root {
    const struct ff_host_services *host;
    const struct ff_sys *sys;
    const struct ff_pool *pool; /* or NULL */
    int fd;                     /* the root, for reading */
    bool sync;                  /* false: durability "none" */
    bool size_limited;          /* RLIMIT_FSIZE is set */
    size_t held_max;            /* how many written files wait open for sync() */
    char *path;                 /* absolute; for people */
    char identity[64];
    pthread_mutex_t lock;   /* guards what follows */
    struct ff_vec anchored; /* struct ff_file_id: folders whose names are durable */
    bool parent_synced;     /* the root's own name is */
};

/* What sync() has to make durable. */
struct ff_file_pending {
    pthread_mutex_t lock;    /* guards the rest, but syncing */
    pthread_mutex_t syncing; /* held during a sync(): a second one waits for the first */
    struct ff_vec held;      /* int: written files, open */
    struct ff_vec folders;   /* char *: those with new or lost names, from the root */
    int watch_fd; /* opened before the first file was written: sees its errors */
    bool many;    /* too many to name: one syncfs */
    int failed;   /* -errno of a sync() that failed: stays */
};

/* A view of one folder. */
struct ff_file_bound {
    struct ff_objects objects;
    struct ff_files files;
    struct ff_locate locate;
    struct ff_commit commit;
    struct ff_file_root *root;
    char *folder;     /* from the root, no '/' at its end; "" = the root */
    atomic_bool seen; /* the folder's first part exists: it is not made again */
    struct ff_file_pending pending;
};

/* The bound that a table belongs to. Its maker made it writable. */
#define FF_FILE_BOUND(table, member)                                                     \
    ((struct ff_file_bound *)((uintptr_t)(table)-offsetof(struct ff_file_bound, member)))

extern const struct ff_objects ff_file_objects;
extern const struct ff_files ff_file_files;
extern const struct ff_commit ff_file_commit;

/* ---- path.c: names, folders, errors ---- */

/* Fills the error for -errno; "cannot <what>: why". */
int ff_file_fail(struct ff_error *e, int rc, const char *place, const char *what);
/* Cancelled, or past the deadline. */
int ff_file_stopped(const struct ff_file_root *root, const struct ff_call *call,
                    const char *place, struct ff_error *e);
void ff_file_warn(const struct ff_file_root *root, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool ff_file_is_private(const char *name);
/* Folder and name as one path from the root, the name checked. */
int ff_file_path(const struct ff_file_bound *b, const char *name,
                 char path[FF_FILE_PATH_BYTES], struct ff_error *e);
/* "folder/name", or the name alone. */
int ff_file_join(const char *folder, const char *name, char path[FF_FILE_PATH_BYTES]);
int ff_file_check_path(const char *name, struct ff_error *e);

/* The folder that a path's last part lies in. */
struct ff_file_dir {
    int fd;           /* O_PATH */
    bool own;         /* close it */
    const char *base; /* the last part, within the path */
};
int ff_file_dir_open(const struct ff_file_root *root, const char *path,
                     struct ff_file_dir *out);
void ff_file_dir_close(const struct ff_file_root *root, struct ff_file_dir *dir);
/* Makes the folders that lead to the path's last part. */
int ff_file_make_folders(struct ff_file_bound *b, const char *path);
/* After a name is gone: so are the empty folders that led to it. */
void ff_file_prune(struct ff_file_bound *b, const char *path);

void ff_file_close(const struct ff_file_root *root, int fd); /* < 0 is harmless */
struct ff_file_id ff_file_id_of(const struct stat *st);
bool ff_file_is(const struct stat *st, struct ff_file_id id);
/* Whether the name has this inode: 1, 0 (another, or none) or -errno. */
int ff_file_name_has(const struct ff_file_root *root, int dir_fd, const char *name,
                     struct ff_file_id id);
int64_t ff_file_mtime_ns(const struct stat *st);
/* Why this is not a regular file: FF_OK, FF_E_CONFLICT, FF_E_UNSAFE. */
int ff_file_refuse(mode_t mode, const char *place, struct ff_error *e);
/* renameat2; `flags` may be dropped where the file system has none and `name` is random. */
int ff_file_rename_new(const struct ff_file_root *root, int from_fd, const char *from,
                       int to_fd, const char *to);
bool ff_file_no_flags(int rc); /* a renameat2 that does not know its flags */
bool ff_file_no_links(int rc); /* a linkat that cannot be had here */

/* ---- fold.c: folders that do not tell case apart ---- */

/* What is there under this name has this very name; FF_E_CONFLICT: one that differs by case. FF_OK
 * also when nothing is there. */
int ff_file_check_case(const struct ff_file_root *root, int dir_fd, const char *name,
                       const char *place, struct ff_error *e);
/* A task like "Bigdata" must not take the place of the folder of big data: that is made first,
 * and is then told apart, or FF_E_CONFLICT. */
int ff_file_spare_bigdata(const struct ff_file_root *root, int dir_fd, const char *task,
                          const char *place, struct ff_error *e);

/* ---- lock.c: private files and who holds them ---- */

/* A fresh private file, locked where the file system has locks. */
int ff_file_private_new(const struct ff_file_root *root, int dir_fd, const char *prefix,
                        char name[FF_FILE_NAME_BYTES], int *fd);
/* Lock an open file: 0, -EAGAIN when somebody holds it, or as the kernel says. */
int ff_file_lock(const struct ff_file_root *root, int fd, short type);
bool ff_file_no_locks(int rc);
/* From now on, until it is closed, somebody writes into this file, which was there. -EAGAIN: it
 * has another name, which would see what is written, or gets one now; -ENOENT: it has none. */
int ff_file_attach(const struct ff_file_root *root, int fd);
/* Until it is closed nobody attaches. -EAGAIN: somebody has. Where there are no locks: 0. */
int ff_file_keep_writers_out(const struct ff_file_root *root, int fd);
/* Whether its maker lives: 1, 0, or -errno. now_ns: the medium's clock. */
int ff_file_is_held(const struct ff_file_root *root, int fd, const struct stat *st,
                    int64_t now_ns);
/* The clock that gives this folder's files their times. */
int64_t ff_file_now_ns(const struct ff_file_root *root, int dir_fd);

/* ---- objects.c: one item of a batch ---- */

int ff_file_do_one(struct ff_file_bound *b, struct ff_io *io, const struct ff_call *call,
                   struct ff_error *e);

/* ---- transfer.c: bytes ---- */

int ff_file_write(const struct ff_file_root *root, int fd, const void *data,
                  size_t size_bytes);
int ff_file_pwrite(const struct ff_file_root *root, int fd, const void *data,
                   size_t size_bytes, uint64_t offset);
int ff_file_pwritev(const struct ff_file_root *root, int fd, struct iovec *parts,
                    size_t count, uint64_t offset);
/* fallocate in place of ftruncate where `reserve` and it exists. */
int ff_file_resize(const struct ff_file_root *root, int fd, uint64_t size_bytes,
                   int reserve);
/* All bytes of one open file to another. */
int ff_file_copy(const struct ff_file_root *root, int from_fd, int to_fd,
                 uint64_t size_bytes, const struct ff_call *call, struct ff_error *e);

/* ---- durable.c: fsync and its kin ---- */

int ff_file_fsync(const struct ff_file_root *root, int fd);
/* For a folder; syncfs where folders cannot be synced. */
int ff_file_fsync_dir(const struct ff_file_root *root, int fd);
/* The folder's names, and once for each inode the names that lead to it. */
int ff_file_sync_path(struct ff_file_root *root, const char *path);
/* Once for each inode: this folder of the root, and the root. */
int ff_file_anchor(struct ff_file_root *root, int dir_fd, bool made);
void ff_file_anchor_forget(struct ff_file_root *root);

int ff_file_pending_init(struct ff_file_pending *p, size_t held_max);
void ff_file_pending_free(struct ff_file_bound *b);
/* Before the first byte is written. */
int ff_file_pend_begin(struct ff_file_bound *b);
/* Takes the descriptor, also on failure. */
int ff_file_pend_file(struct ff_file_bound *b, int fd);
/* The folder of this path has changed. */
void ff_file_pend_name(struct ff_file_bound *b, const char *path);
int ff_file_sync(const struct ff_objects *self, const struct ff_call *call,
                 struct ff_error *e);

/* ---- walk.c: listings ---- */

struct ff_file_entry {
    int dir_fd;
    const char *folder; /* from the root; "" = the root */
    const char *name;
    int type; /* DT_*, never DT_UNKNOWN */
};

/* The names of one open folder: all that were there throughout. */
struct ff_file_names {
    struct ff_vec entries; /* struct ff_dir_entry */
    struct ff_dir_list lists[FF_FILE_TRIES];
    size_t list_count;
};
int ff_file_names_read(const struct ff_file_root *root, int dir_fd,
                       struct ff_file_names *out);
void ff_file_names_free(struct ff_file_names *names);
/* DT_*, or -errno. */
int ff_file_type(const struct ff_file_root *root, int dir_fd,
                 const struct ff_dir_entry *entry);

#define FF_FILE_DESCEND 1
#define FF_FILE_STOP    2
/* Visits what is in the folder; FF_FILE_DESCEND goes into an entry, 0 goes on, FF_FILE_STOP
 * or an error stops and is returned. A folder that is not there: FF_OK. */
int ff_file_walk(const struct ff_file_root *root, const char *folder,
                 int (*visit)(void *ctx, const struct ff_file_entry *, struct ff_error *),
                 void *ctx, const struct ff_call *call, struct ff_error *e);
int ff_file_list(const struct ff_objects *self, const char *prefix, int one_level,
                 int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                 const struct ff_call *call, struct ff_error *e);
void ff_file_tag(const struct stat *st, char tag[80]);

/* ---- tree.c: a folder with all that is in it ---- */

/* Deletes dir_fd's `name`, whatever it is; follows no link. What is gone already is fine. */
int ff_file_delete(const struct ff_file_root *root, int dir_fd, const char *name);

/* ---- commit.c, displace.c, intents.c, workflow.c: ff.commit/1 ---- */

/* What was put aside. */
struct ff_file_old {
    const struct ff_file_root *root;
    int workflow_fd;
    int fd;                        /* its content, or -1 */
    char name[FF_FILE_NAME_BYTES]; /* in the workflow; "" = it has none */
    void *data;
};
struct ff_file_old *ff_file_old_new(const struct ff_file_root *root);
void ff_file_old_free(struct ff_file_old *old);
/* Reads it and gives it to *out, which then owns it. */
void ff_file_old_give(struct ff_file_old *old, const char *place,
                      struct ff_displaced *out);

/* How the intent takes the task's name. */
struct ff_file_move {
    const struct ff_file_root *root;
    int dir_fd;         /* the workflow */
    const char *intent; /* names in it */
    const char *task;
    const char *place; /* for people */
    struct ff_file_id id;
    int mode; /* enum ff_commit_mode */
    struct ff_file_old *old;
};
int ff_file_move_in(struct ff_file_move *m, struct ff_error *e);
/* The workflow's folder for reading. */
int ff_file_workflow_open(const struct ff_file_root *root, const char *workflow, int *fd,
                          struct ff_error *e);
int ff_file_check_name(const char *name, int is_task, struct ff_error *e);
#define FF_FILE_PLACE_BYTES 520
void ff_file_place(const char *workflow, const char *task,
                   char place[FF_FILE_PLACE_BYTES]);
/* The workflow's name still has this folder: FF_OK, FF_E_CONFLICT, FF_E_UNKNOWN_OUTCOME. */
int ff_file_still_there(const struct ff_file_root *root, const char *workflow, int dir_fd,
                        struct ff_error *e);

int ff_file_make_workflow(const struct ff_commit *, const char *, const struct ff_call *,
                          struct ff_error *);
int ff_file_workflow_exists(const struct ff_commit *, const char *, int *,
                            const struct ff_call *, struct ff_error *);
int ff_file_remove_workflow(const struct ff_commit *, const char *,
                            const struct ff_call *, struct ff_error *);
int ff_file_displace(const struct ff_commit *, const char *, const char *,
                     struct ff_displaced *, const struct ff_call *, struct ff_error *);
void ff_file_drop(const struct ff_commit *, struct ff_displaced *, int destroy);
int ff_file_rename(const struct ff_commit *, const char *, const char *, const char *,
                   const struct ff_call *, struct ff_error *);
int ff_file_intents(const struct ff_commit *, const char *,
                    int (*each)(void *, const struct ff_intent_info *), void *, int64_t *,
                    const struct ff_call *, struct ff_error *);
int ff_file_fence(const struct ff_commit *, const char *, const char *,
                  const struct ff_call *, struct ff_error *);
int ff_file_settle(const struct ff_commit *, const char *, const struct ff_call *,
                   struct ff_error *);

#endif
