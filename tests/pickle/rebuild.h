/* SPDX-License-Identifier: Apache-2.0 */
/* rebuild.h: see rebuild.c. */
#ifndef FF_TEST_REBUILD_H
#define FF_TEST_REBUILD_H

#include <stdlib.h>

#include "core/doc.h"

/* Owned by the caller, also after a failure. */
struct ff_doc *rebuild(const struct ff_doc *from, struct ff_error *e);

#endif
