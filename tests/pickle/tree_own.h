/* SPDX-License-Identifier: Apache-2.0 */
/* tree_own.h: between the files of tree*.c. */
#ifndef FF_TEST_TREE_OWN_H
#define FF_TEST_TREE_OWN_H

#include "tree.h"

/* Where text goes; the first failure stays. */
struct text {
    struct ff_buf *out;
    int failed;
    const struct ff_doc *doc; /* NULL: as it is in the stream */
};

void add(struct text *t, const char *text);
void addf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What has no children, as a line without its end. False: it has. */
bool add_leaf(struct text *t, uint64_t cell);
/* A number for the order of sets: of what a key is, through tuples and frozensets, not of its
 * identity. */
uint64_t tree_digest(struct text *t, struct ff_cellmap *digests, uint64_t cell);

#endif
