/* SPDX-License-Identifier: Apache-2.0 */
/* show.h: between the files that show values to people. */
#ifndef FF_CORE_SHOW_H
#define FF_CORE_SHOW_H

#include "core/doc.h"
#include "core/out.h"
#include "core/views.h"

#define FF_SHOW_TEXT_BYTES  200u /* longer strings are cut */
#define FF_SHOW_BYTES_BYTES 16u  /* of bytes, so many are shown */

/* What takes one line and has nothing below it; false: nothing was written. */
bool ff_show_leaf(struct ff_out *, struct ff_value);
/* Text without quotes, cut, what is unsafe as '?'. */
void ff_show_plain(struct ff_out *, const char *text);
/* "OrderedDict" of "collections.OrderedDict" */
const char *ff_show_short_name(const char *full);

#endif
