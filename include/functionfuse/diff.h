/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff.h: where two values differ. For programs; the rules about errors, ownership and
 * threads are those of functionfuse.h.
 */
#ifndef FUNCTIONFUSE_DIFF_H
#define FUNCTIONFUSE_DIFF_H

#include "functionfuse.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ff_difference_kind {
    FF_DIFF_ONLY_A = 1, /* an item, key or part that is only in A */
    FF_DIFF_ONLY_B,
    FF_DIFF_TYPE,    /* another kind, class, dtype or shape */
    FF_DIFF_VALUE,   /* the same type, another value */
    FF_DIFF_ELEMENTS /* arrays of the same dtype and shape */
};

/* One place where the values differ. Good for the callback; the values are those that were
 * passed, or inside them. */
struct ff_difference {
    const char *path; /* "meta.units", "a[3]", "" = the whole; as ff_path takes it where
                             keys are str and indices, cut at 4 KiB */
    int32_t kind;     /* enum ff_difference_kind */
    int32_t reserved;
    struct ff_value a, b; /* absent where there is none */
    /* FF_DIFF_ELEMENTS */
    uint64_t count; /* how many elements differ */
    int32_t ndim;   /* of the arrays */
    int32_t reserved_2;
    int64_t first[FF_MAX_NDIM]; /* the index of the first, in C order */
    double largest;             /* the largest |a - b|; NaN: not numbers, or one is NaN */
};

struct ff_diff_options {
    uint32_t struct_size, flags; /* 0 */
    uint64_t max_steps; /* pairs and keys looked at, and KiB of text; 0 = 100 million */
    const struct ff_call *call; /* for opening and reading; or NULL */
};

/* Compare two values by structure and value, and what their documents did beside them (a call
 * that a pickle makes and drops: path "<effects>[0]"), and call `each` for each difference, in A's
 * order; nonzero stops and is returned. Lists and tuples are compared by index, dicts by
 * key (Python's equality; their order does not count), sets by membership; keys and items
 * that equal only themselves, as NaN and objects of most classes, are the same when
 * nothing differs in them, the first with the first and so on. Objects are compared by
 * class and parts, arrays element by element in pieces (NaN equals NaN); an int differs
 * from a float or a bool. What a serializer keeps is opened. A pair that was compared is
 * not compared again, so shared parts and cycles end; whether parts are shared is not
 * compared. `options` may be NULL. *count (may be NULL): how many. FF_E_LIMIT: max_steps;
 * FF_E_PLUGIN and others: what cannot be opened or read, with its path as the place. */
FF_API int ff_diff(struct ff_value a, struct ff_value b, const struct ff_diff_options *,
                   int (*each)(void *ctx, const struct ff_difference *), void *ctx,
                   uint64_t *count, struct ff_error *);

#ifdef __cplusplus
}
#endif
#endif
