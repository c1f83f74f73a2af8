/* SPDX-License-Identifier: Apache-2.0 */
/* mallocshim.h: what a program asks of mallocshim.so, which it finds with dlsym(): it works
 * when it was preloaded. */
#ifndef FF_TORTURE_MALLOCSHIM_H
#define FF_TORTURE_MALLOCSHIM_H

#include <stdbool.h>
#include <stdint.h>

/* Counts from 1; fail_at 0 = never. `ours`: only what our own objects allocate. */
typedef void ff_shim_arm_fn(uint64_t fail_at, bool sticky, bool ours);
/* How many there were, and how many of them failed. */
typedef void ff_shim_disarm_fn(uint64_t *count, uint64_t *fired);
/* How many that our objects allocated since arm() are not freed. */
typedef uint64_t ff_shim_live_fn(void);

#endif
