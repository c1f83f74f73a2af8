/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h: a document as canonical text, one node a line, in the words of oracle.py: equal
 * texts mean equal types, values, sharing, order, calls and what was done to objects. */
#ifndef FF_TEST_TREE_H
#define FF_TEST_TREE_H

#include "core/base/buf.h"
#include "core/doc.h"

/* The root, then the effects (what was called or changed and is no part of the value), each
 * by itself, sorted. raw: as it is in the stream: with Python 2's names, and with
 * the first beginnings of objects that contain themselves, which are dropped again.
 * 0, or what ff_buf_append says: -ENOMEM, or -E2BIG when `out` is full. */
int tree_print(const struct ff_doc *doc, bool raw, struct ff_buf *out);

#endif
