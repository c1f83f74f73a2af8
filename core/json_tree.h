/* SPDX-License-Identifier: Apache-2.0 */
/* json_tree.h: JSON text, checked (RFC 8259, nothing beyond it), as a tree of places in it. */
#ifndef FF_CORE_JSON_TREE_H
#define FF_CORE_JSON_TREE_H

#include <functionfuse/functionfuse.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/vec.h"

#define FF_JSON_MAX_BYTES ((size_t)1 << 30)

/* What it is, is its first character: { [ " t f n, or a number. The first child follows its
 * parent; an object's children are name, value, name, value ... */
struct ff_json_node {
    uint32_t at, size; /* of the text; containers: 1 byte */
    uint32_t next;     /* the next child of the same parent, 0 = none */
    uint32_t count;    /* children */
    uint64_t cell;     /* the reader's: the value made for it */
};

struct ff_json_tree {
    const char *text;
    size_t size_bytes;
    struct ff_vec nodes;
};

/* FF_E_USAGE, the place "line 3, column 7". Then, also on failure, ff_json_tree_free. */
int ff_json_parse(struct ff_json_tree *, const char *text, size_t size_bytes,
                  struct ff_error *);
void ff_json_tree_free(struct ff_json_tree *);
/* Fail at a place of the text. */
int ff_json_fail_at(const struct ff_json_tree *, size_t at, int code, struct ff_error *,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

static inline struct ff_json_node *ff_json_node(const struct ff_json_tree *t, uint32_t n)
{
    return (struct ff_json_node *)t->nodes.items + n;
}
static inline char ff_json_type(const struct ff_json_tree *t, uint32_t n)
{
    char c = t->text[ff_json_node(t, n)->at];
    return c == '-' || (c >= '0' && c <= '9') ? '0' : c;
}
/* Child i; for walking take `next`. 0 = none. */
uint32_t ff_json_child(const struct ff_json_tree *, uint32_t n, uint32_t i);
/* The text of a string without its escapes, WTF-8: borrowed from the tree, or from `scratch`,
 * which is cleared before. NULL = no memory. */
const char *ff_json_string(const struct ff_json_tree *, uint32_t n,
                           struct ff_buf *scratch, size_t *size_bytes);
/* Whether a string is that text; no escapes. */
bool ff_json_is(const struct ff_json_tree *, uint32_t n, const char *text);
/* The value of a member, 0 = none. */
uint32_t ff_json_member(const struct ff_json_tree *, uint32_t object, const char *name);

#endif
