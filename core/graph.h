/* SPDX-License-Identifier: Apache-2.0 */
/* graph.h: which values of a graph occur more than once. */
#ifndef FF_CORE_GRAPH_H
#define FF_CORE_GRAPH_H

#include <functionfuse/functionfuse.h>
#include <stdbool.h>

#include "core/cellmap.h"

#define FF_GRAPH_BIG_BYTES 64u /* longer texts, bytes and integers are counted too */

/* Whether a value is one that can be referred to: a container, an object, anything that can
 * change or is long. */
bool ff_graph_counts(struct ff_value);
/* Walk everything below `root`, and what its document did beside it, once, in linear time: each value that counts is in `seen` with
 * 1, or 2 when it was met more often. `seen` is initialised here; ff_cellmap_free, also on
 * failure. */
int ff_graph_scan(struct ff_value root, struct ff_cellmap *seen, struct ff_error *);

#endif
