/* SPDX-License-Identifier: Apache-2.0 */
/* mallocshim.h: what a program asks of mallocshim.so, which it finds with dlsym(): it works
 * when it was preloaded. */
#ifndef FF_TORTURE_MALLOCSHIM_H
#define FF_TORTURE_MALLOCSHIM_H

#include <stdbool.h>
#include <stdint.h>

/* Whose allocations are counted and fail, by the object that the call comes from. libhdf5
 * stands alone: 1.10.8 does not survive all of its own failures. Seen with this program (stack
 * traces of cores): a file id cannot be registered, and the library calls exit() out of
 * H5Fcreate(), H5Screate_simple() and H5Dcreate2(); what it registered with atexit() then
 * crashes in H5_term_library(), H5F__close_cb() or frees twice. */
enum ff_shim_whose { FF_SHIM_OURS, FF_SHIM_ANY_BUT_HDF5, FF_SHIM_HDF5, FF_SHIM_KINDS };

/* Counts from 1; fail_at 0 = never. */
typedef void ff_shim_arm_fn(uint64_t fail_at, bool sticky, enum ff_shim_whose);
/* How many there were, and how many of them failed. */
typedef void ff_shim_disarm_fn(uint64_t *count, uint64_t *fired);
/* How many that our objects allocated since arm() are not freed. */
typedef uint64_t ff_shim_live_fn(void);

#endif
