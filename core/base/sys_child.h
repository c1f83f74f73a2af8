/* SPDX-License-Identifier: Apache-2.0 */
/* sys_child.h: something that may end the process is done in a child, with limits. */
#ifndef FF_BASE_SYS_CHILD_H
#define FF_BASE_SYS_CHILD_H

#include <stddef.h>

enum ff_child_outcome {
    FF_CHILD_DONE, /* `work` returned: number = what */
    FF_CHILD_EXITED, /* the process ended in the middle: number = its exit code; 0 also after
                      * quick_exit(), and where the program reaped the child itself */
    FF_CHILD_DIED,  /* number = the signal */
    FF_CHILD_LATE,  /* it was killed at the deadline */
    FF_CHILD_FAILED /* there was none: number = errno */
};

struct ff_child_end {
    enum ff_child_outcome outcome;
    int number;
};

/* Memory that the child may take (RLIMIT_DATA) above what the program has. */
#define FF_CHILD_MEMORY_BYTES ((size_t)1 << 30)

/* Run work(ctx), 0 to 255, in a child of fork(): `deadline_ms` of time, as much of the processor,
 * FF_CHILD_MEMORY_BYTES, no core file, no bytes into files, nothing of what it prints. What the
 * program registered with atexit(), on_exit() and at_quick_exit() is not called in it, nor are
 * its streams flushed. Returns once the child, and what it started in its process group, is gone:
 * at the latest a second after the deadline, when what was killed does not end. For what is
 * small: the child has one thread, and nothing of what it changes comes back. */
void ff_sys_in_child(int (*work)(void *ctx), void *ctx, int deadline_ms,
                     struct ff_child_end *);

#endif
