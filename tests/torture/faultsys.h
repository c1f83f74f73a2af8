/* SPDX-License-Identifier: Apache-2.0 */
/* faultsys.h: a table of system calls that counts, fails, shortens, stops and records the
 * calls of another one. A host gets it through ff_host_options.draft_sys; our plugins get
 * it from the host. Any thread. */
#ifndef FF_TORTURE_FAULTSYS_H
#define FF_TORTURE_FAULTSYS_H

#include <pthread.h>

#include "core/base/sys.h"

/* In the order of struct ff_sys. */
enum fault_op {
    OP_OPENAT,
    OP_OPENAT2,
    OP_CLOSE,
    OP_READ,
    OP_WRITE,
    OP_PREAD,
    OP_PWRITE,
    OP_PREADV,
    OP_PWRITEV,
    OP_LSEEK,
    OP_FSTAT,
    OP_FSTATAT,
    OP_FSTATFS,
    OP_FSYNC,
    OP_FDATASYNC,
    OP_SYNCFS,
    OP_RENAMEAT2,
    OP_LINKAT,
    OP_UNLINKAT,
    OP_MKDIRAT,
    OP_FTRUNCATE,
    OP_FALLOCATE,
    OP_GETDENTS64,
    OP_LOCK,
    OP_FUTIMENS,
    OP_FCHMOD,
    OP_GETRANDOM,
    OP_CLOCK_GETTIME,
    OP_POLL,
    OP_EVENTFD,
    OP_COUNT,
    OP_CREATE = OP_COUNT, /* openat and openat2 with O_CREAT: their errors are more */
    OP_MARK,              /* of the log: a step of the scenario began or ended */
    OP_KINDS
};

extern const char *const fault_op_name[OP_KINDS];

#define FAULT_SHORT 0 /* instead of an errno: a short transfer */

/* All indices count from 1; 0 = never. */
struct fault_rule {
    uint64_t fail_at; /* this call, of all */
    int err;          /* fails with this errno, or FAULT_SHORT */
    bool sticky;      /* and so does every later one that can */
    uint64_t stop_at; /* before this mutating call: on_stop */
    bool stop_any;    /* stop_at counts all calls, not only mutating ones */
    void (*on_stop)(void *ctx, int fd);
    void *stop_ctx;
    uint64_t drop_sync; /* this fsync, fdatasync or syncfs does nothing */
    bool drop_all;      /* all syncs do nothing */
    bool drop_twin;     /* and so does the next one of the same thing before a rename */
    uint64_t late_sync; /* this one happens after the next rename */
    bool kill_behind_rename;             /* SIGKILL */
    bool plain_rename;                   /* flags of renames are dropped */
    bool hide_intents;                   /* listings do not show what saves have begun */
    bool no_openat2, no_locks, no_flags; /* what some systems have not */
};

struct faultsys {
    struct ff_sys table; /* first */
    const struct ff_sys *inner;
    pthread_mutex_t lock; /* a mutating call and its record are one */
    bool armed;           /* else calls go through, recorded but not counted */
    struct fault_rule rule;
    uint64_t calls, mutating, syncs, fired;
    uint8_t *trace; /* the kinds of calls 1 .. trace_max, or NULL */
    size_t trace_max;
    int log_fd;    /* where mutating calls are recorded, or -1 */
    int32_t actor; /* which process, in the log */
    int late_fd;   /* what late_sync holds back, or -1 */
    bool log_failed;
    char dropped[256]; /* what drop_sync or late_sync met */
};

bool fault_is_mutating(int op);
void faultsys_init(struct faultsys *, const struct ff_sys *inner);
void faultsys_free(struct faultsys *);
/* Counts begin at 0. */
void faultsys_arm(struct faultsys *, const struct fault_rule *);
void faultsys_disarm(struct faultsys *);
/* Records that a step began (ended false) or ended with `code`. */
void faultsys_mark(struct faultsys *, int step, bool ended, int code);

/* One record of the log. Behind it: path, other path, data. Only calls that succeeded are
 * recorded, and syncs that failed. OP_LOCK: `result` is a second descriptor of `fd`. A
 * truncation and a reservation have their end in `offset`; OP_MARK: step in `fd`, ended in
 * `flags`. Of a sync, `flags` is whether it was counted. */
struct fault_record {
    uint32_t op; /* enum fault_op */
    int32_t actor, fd, other_fd, flags, result;
    int64_t offset;
    uint32_t path_bytes, other_bytes; /* with NUL; 0 = none */
    uint64_t data_bytes;
};

#endif
