/* SPDX-License-Identifier: Apache-2.0 */
/* diff.h: between diff.c and diff_*.c. */
#ifndef FF_CORE_DIFF_H
#define FF_CORE_DIFF_H

#include <functionfuse/diff.h>

#include "core/base/buf.h"
#include "core/doc.h"

/* Bytes of a leaf that are compared for one step. */
#define FF_DIFF_STEP_BYTES 1024u

struct ff_diff_pair {
    struct ff_value a, b;
};

/* A pair whose children are being compared. */
struct ff_diff_half {
    struct ff_diff_pair pair;
    size_t next;       /* child of A, then, behind them, of B; of objects: the part */
    size_t path_bytes; /* of its own path */
    size_t looked;     /* so many keys of B were looked at for one that is alike */
};

struct ff_differ {
    struct ff_vec stack;     /* struct ff_diff_half */
    struct ff_vec met;       /* struct ff_diff_pair */
    struct ff_cellmap index; /* hash -> place in `met` + 1 */
    struct ff_buf path;
    uint64_t steps, max_steps, count;
    unsigned inside; /* so many keys that are compared around this one */
    const struct ff_call *call;
    int (*each)(void *ctx, const struct ff_difference *);
    void *ctx;
    struct ff_error *e;
};

int ff_diff_no_memory(struct ff_differ *d);
/* FF_E_LIMIT when there were too many. */
int ff_diff_charge(struct ff_differ *d, uint64_t steps);
/* 1: met before; 0: new, and noted; < 0 failed. */
int ff_diff_met(struct ff_differ *d, struct ff_diff_pair pair);
/* Of a str, bytes or bytearray; else 0. */
size_t ff_diff_leaf_bytes(int kind, struct ff_value v);
/* Compare. 0; what `each` said; or a failure. ff_diff_end in any case. */
int ff_diff_run(struct ff_differ *d, struct ff_diff_pair root);
void ff_diff_end(struct ff_differ *d);

/* The key of a dict, or item of a set; *value: what it leads to, or the item. */
struct ff_value ff_diff_key_at(struct ff_value keyed, size_t i, struct ff_value *value);
/* Where B has a key of A, or one that is alike and has the same turn; *at = -1: nowhere. `looked` is
 * where the turn is. To be asked for all keys of A, in order, then for all of B. */
int ff_diff_find_in_b(struct ff_differ *d, struct ff_diff_pair both, size_t *looked,
                      struct ff_value key, int64_t *at);
/* Whether A has a key of B: *at >= 0. */
int ff_diff_find_in_a(struct ff_differ *d, struct ff_diff_pair both, struct ff_value key,
                      int64_t *at);

/* Compare elements; the arrays have the same dtype and shape. Fills count, ndim, first, largest. */
int ff_diff_elements(const struct ff_array *a, const struct ff_array *b,
                     const struct ff_call *, struct ff_difference *out,
                     struct ff_error *);

#define FF_DIFF_PATH_BYTES 4096u
/* Append the path of what a key leads to, unless the path is that long already. */
int ff_diff_key_path(struct ff_buf *path, struct ff_value key);

#endif
