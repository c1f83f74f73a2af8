/* SPDX-License-Identifier: Apache-2.0 */
/* sys_child.h: something that may end the process is done in a child, with limits. */
#ifndef FF_BASE_SYS_CHILD_H
#define FF_BASE_SYS_CHILD_H

enum ff_child_outcome {
    FF_CHILD_DONE,   /* `work` returned: number = what */
    FF_CHILD_EXITED, /* the process ended in the middle: number = its exit code */
    FF_CHILD_DIED,   /* number = the signal */
    FF_CHILD_LATE,   /* it was killed at the deadline */
    FF_CHILD_FAILED  /* there was none: number = errno */
};

struct ff_child_end {
    enum ff_child_outcome outcome;
    int number;
};

/* Run work(ctx), 0 to 255, in a child of fork(): `deadline_ms` of time, as much of the processor,
 * no core file, no bytes into files, nothing of what it prints. Returns once the child, and what
 * it started in its process group, is gone. For what is small: the child has one thread, and
 * nothing of what it changes comes back. */
void ff_sys_in_child(int (*work)(void *ctx), void *ctx, int deadline_ms,
                     struct ff_child_end *);

#endif
