/* SPDX-License-Identifier: Apache-2.0 */
/* file_store.h: a store in a fresh folder for the tests of the protocol "file", and a table of
 * system calls that counts, fails, shortens and intrudes. */
#ifndef FF_TEST_FILE_STORE_H
#define FF_TEST_FILE_STORE_H

#include <check.h>
#include <functionfuse/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/sys.h"

/* One for each member of struct ff_sys, in its order. */
enum sys_call {
    SYS_OPENAT,
    SYS_OPENAT2,
    SYS_CLOSE,
    SYS_READ,
    SYS_WRITE,
    SYS_PREAD,
    SYS_PWRITE,
    SYS_PREADV,
    SYS_PWRITEV,
    SYS_LSEEK,
    SYS_FSTAT,
    SYS_FSTATAT,
    SYS_FSTATFS,
    SYS_FSYNC,
    SYS_FDATASYNC,
    SYS_SYNCFS,
    SYS_RENAMEAT2,
    SYS_LINKAT,
    SYS_UNLINKAT,
    SYS_MKDIRAT,
    SYS_FTRUNCATE,
    SYS_FALLOCATE,
    SYS_GETDENTS64,
    SYS_LOCK,
    SYS_FUTIMENS,
    SYS_GETRANDOM,
    SYS_COUNT
};

struct faulty {
    struct ff_sys sys; /* first */
    int counts[SYS_COUNT];
    int total;
    int always[SYS_COUNT]; /* -errno of each such call, 0 = none */
    int one_kind;          /* the fault_at-th call of this kind fails; -1: of any kind */
    int fault_at;          /* from 1; 0 = none */
    int fault_rc;
    bool done_first;  /* the call is made, its answer is lost */
    size_t max_bytes; /* of one transfer; 0 = all */
    size_t dir_bytes; /* of one getdents64; 0 = all */
    bool no_flags;    /* renameat2 knows none */
    bool folds_case;  /* as vfat does: one entry for "a" and "A" */
    long fs_type;     /* what fstatfs says; 0 = the truth */
    void (*before)(void *ctx, enum sys_call); /* an intruder, or NULL */
    void *before_ctx;
    bool inside; /* the intruder's own calls are not counted */
};

/* As the kernel's own, no fault set. */
void faulty_init(struct faulty *f);

struct store {
    struct ff_host_services services; /* first */
    struct faulty faulty;
    const struct ff_protocol *protocol;
    void *inst, *root_bound, *bigdata_bound;
    const struct ff_objects *root, *objects;
    const struct ff_files *files;
    const struct ff_commit *commit;
    char folder[64];
    char last_log[512];
    int log_count;
};

void store_open(struct store *s, uint32_t host_flags); /* with the workflow "wf" */
void store_close(struct store *s);
/* Closes and opens it again, without faults. */
void store_reopen(struct store *s);
void faults_off(struct store *s);
/* create() with {key: value}; value NULL: a number. */
int store_create(struct store *s, const char *key, const char *value, void **inst,
                 struct ff_error *e);

int put_text(const struct ff_objects *objects, const char *name, const char *text,
             const char *if_match, char tag[80], struct ff_error *e);
int get_text(const struct ff_objects *objects, const char *name, char *out, size_t size,
             struct ff_error *e);
int copy_object(const struct ff_objects *objects, const char *from, const char *to,
                const char *if_match, struct ff_error *e);
int create_text(struct store *s, const char *name, const char *text, struct ff_error *e);
/* begin, write, commit, drop(destroy). */
int save_text(struct store *s, const char *task, const char *text, int mode,
              struct ff_error *e);
/* "" when there is none. */
void task_text(struct store *s, const char *task, char *out, size_t size);
/* How many private names the workflow, its big data, or ("") the root has. */
int count_private(struct store *s, const char *workflow);
/* gc's part: fences all that is stale; how many names are left. */
int sweep_private(struct store *s, const char *workflow);
int count_names(const struct store *s, const char *folder); /* all but . and .. */
int count_fds(void);
const char *store_path(const struct store *s, const char *name); /* static */

#define OK(call)                                                                         \
    do {                                                                                 \
        struct ff_error e_ = FF_ERROR_INIT, *e = &e_;                                    \
        int code_ = (call);                                                              \
        ck_assert_msg(code_ == FF_OK, "%s gave %d (%s: %s)", #call, code_, e_.place,     \
                      e_.message);                                                       \
    } while (0)
#define FAILS(call, expected)                                                            \
    do {                                                                                 \
        struct ff_error e_ = FF_ERROR_INIT, *e = &e_;                                    \
        ck_assert_int_eq((call), (expected));                                            \
        ck_assert_int_eq(e_.code, (expected));                                           \
        ck_assert_msg(e_.message[0] && e_.place[0], "no place or message");              \
    } while (0)

/* As run_tests, with a fixture around each test. */
int run_file_tests(const char *name, void (*before)(void), void (*after)(void),
                   const TTest *const *tests, size_t test_count);

#endif
