/* SPDX-License-Identifier: Apache-2.0 */
/* word.h: little-endian words in memory, at any address, in one instruction. */
#ifndef FF_BASE_WORD_H
#define FF_BASE_WORD_H

#include <stdint.h>
#include <string.h>

static inline uint64_t ff_le64(uint64_t word)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

static inline uint32_t ff_le32(uint32_t word)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap32(word);
}

static inline uint64_t ff_load_le64(const void *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return ff_le64(word);
}

static inline uint32_t ff_load_le32(const void *p)
{
    uint32_t word;
    memcpy(&word, p, sizeof word);
    return ff_le32(word);
}

static inline void ff_store_le64(void *p, uint64_t word)
{
    word = ff_le64(word);
    memcpy(p, &word, sizeof word);
}

static inline void ff_store_le32(void *p, uint32_t word)
{
    word = ff_le32(word);
    memcpy(p, &word, sizeof word);
}

#endif
