/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h: SipHash-1-3 (Aumasson and Bernstein) for hash tables: whoever does not know the
 * key cannot make keys that collide. */
#ifndef FF_BASE_HASH_H
#define FF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define FF_HASH_KEY_BYTES 16

uint64_t ff_siphash13(const uint8_t key[FF_HASH_KEY_BYTES], const void *data,
                      size_t size_bytes);

#endif
