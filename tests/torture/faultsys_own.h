/* SPDX-License-Identifier: Apache-2.0 */
/* faultsys_own.h: what faultsys.c (counting, failing, the log) and faultsys_calls.c (one
 * function a system call) share. */
#ifndef FF_TORTURE_FAULTSYS_OWN_H
#define FF_TORTURE_FAULTSYS_OWN_H

#include "faultsys.h"

struct fault_turn {
    bool locked; /* recorded calls, until fault_leave() */
    bool drop;   /* a sync that is not done */
    bool shorten;
    int fail; /* -errno */
};

static inline struct faultsys *fault_of(const struct ff_sys *s)
{
    return (struct faultsys *)(uintptr_t)s;
}

struct fault_turn fault_enter(struct faultsys *, int op, int fd);
void fault_leave(struct faultsys *, const struct fault_turn *);
size_t fault_shorter(const struct fault_turn *, size_t size_bytes);
void fault_record(struct faultsys *, int op, int fd, const char *path, int other_fd,
                  const char *other, int flags, int result);
void fault_record_data(struct faultsys *, int op, int fd, int64_t offset,
                       const void *data, size_t size_bytes);

extern const struct ff_sys fault_table;

#endif
