/* SPDX-License-Identifier: Apache-2.0 */
/* log.c: messages to the program's callback. Without one there is silence: the library never
 * prints. */
#include "core/host_own.h"

enum { LOG_LINE_BYTES = 2048 };

void ff_host_log(const struct ff_host *host, int level, const char *fmt, ...)
{
    char text[LOG_LINE_BYTES];
    va_list ap;

    if (!host || !host->log) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    host->log(host->ctx, level, text);
}
