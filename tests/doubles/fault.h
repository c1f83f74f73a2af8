/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h: how a test steers the protocol "fault" while it runs. The table comes from
 * query() of what is bound; of stacked ones, the outermost. */
#ifndef FF_TESTS_FAULT_H
#define FF_TESTS_FAULT_H

#include <functionfuse/plugin.h>

#define FF_FAULT_1 "ff.draft.fault/1"

/* One call, or one item of a batch. The names in JSON are these in lower case. */
enum ff_fault_op {
    FF_FAULT_ANY = 0,
    FF_FAULT_GET,
    FF_FAULT_PUT,
    FF_FAULT_HEAD,
    FF_FAULT_REMOVE, /* of objects and of files */
    FF_FAULT_COPY,
    FF_FAULT_LIST,
    FF_FAULT_SYNC,
    FF_FAULT_OPEN,
    FF_FAULT_READ,
    FF_FAULT_WRITE,
    FF_FAULT_SIZE,
    FF_FAULT_RESIZE,
    FF_FAULT_FINISH,
    FF_FAULT_MAKE, /* the rest: of ff.commit/1 */
    FF_FAULT_EXISTS,
    FF_FAULT_REMOVE_WORKFLOW,
    FF_FAULT_BEGIN,
    FF_FAULT_APPEND,
    FF_FAULT_REFRESH,
    FF_FAULT_COMMIT,
    FF_FAULT_DISPLACE,
    FF_FAULT_RENAME,
    FF_FAULT_INTENTS,
    FF_FAULT_FENCE,
    FF_FAULT_SETTLE,
    FF_FAULT_OPS
};

/* The k-th call is counted from 1, over the calls of `op`, from when the rule was set. */
struct ff_fault_rule {
    uint32_t struct_size;
    int32_t op;         /* enum ff_fault_op */
    uint64_t fail_at;   /* k; 0 = never */
    uint64_t cancel_at; /* k: from this call on all are cancelled, runs of batches too */
    uint64_t short_bytes; /* the most that a GET brings; 0 = all */
    int32_t code;         /* what fails with it; 0 = FF_E_IO */
    int32_t from_then_on; /* also every call after the k-th */
    int32_t lost_answer;  /* what fails is done all the same */
    uint32_t delay_ms;    /* before each call */
};

#define FF_FAULT_MAX_RULES 16

struct ff_fault {
    uint32_t struct_size, flags;
    /* Calls of this kind so far; FF_FAULT_ANY: all. */
    uint64_t (*count)(const struct ff_fault *, int op);
    /* How many calls failed because of a rule. */
    uint64_t (*fired)(const struct ff_fault *);
    /* One more rule; NULL: forget all. FF_E_LIMIT: there are too many. */
    int (*set_rule)(const struct ff_fault *, const struct ff_fault_rule *,
                    struct ff_error *);
};

#endif
