/* SPDX-License-Identifier: Apache-2.0 */
/* fault_own.h: what the parts of the protocol "fault" share. */
#ifndef FF_TESTS_FAULT_OWN_H
#define FF_TESTS_FAULT_OWN_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/sys.h"
#include "fault.h"

struct fault_armed {
    struct ff_fault_rule rule;
    uint64_t calls; /* that it has seen */
};

struct fault_inst {
    const struct ff_host_services *host;
    const struct ff_sys *sys;
    const struct ff_opener *opener;
    const struct ff_protocol *to;
    void *inner;
    pthread_mutex_t lock; /* the rest */
    uint64_t count[FF_FAULT_OPS];
    uint64_t fired;
    struct fault_armed rules[FF_FAULT_MAX_RULES];
    size_t rule_count;
};

/* A bound protocol. A table of ours has struct_size 0 where the inner has none. */
struct fault_bound {
    struct fault_inst *inst;
    void *inner;
    const struct ff_objects *to_objects;
    const struct ff_files *to_files;
    const struct ff_commit *to_commit;
    struct ff_objects objects;
    struct ff_files files;
    struct ff_commit commit;
    struct ff_fault fault;
};

/* The bound protocol around one of its tables. */
#define FAULT_OF(table, member)                                                          \
    ((const struct fault_bound *)(const void *)((const char *)(table)-offsetof(          \
        struct fault_bound, member)))

/* What shall become of one call. */
struct fault_verdict {
    int code;      /* FF_OK = it goes through */
    bool lost;     /* it is done, and then fails with `code` */
    bool cancel;   /* nothing comes after it */
    uint64_t most; /* bytes of a GET; 0 = all */
};

/* Count a call, wait as the rules say, and decide. */
struct fault_verdict fault_decide(struct fault_inst *, int op);
/* The failure that the verdict wants. */
int fault_fail(struct ff_error *, const struct fault_verdict *, const char *place);

extern const struct ff_objects fault_objects;
extern const struct ff_files fault_files;
extern const struct ff_commit fault_commit;

#endif
