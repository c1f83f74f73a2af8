/* SPDX-License-Identifier: Apache-2.0 */
/* crc32c.c: the CRC-32C of RFC 3720 appendix B.4 (Castagnoli, reflected). The processor's
 * instruction takes three cycles, so three runs are under way at a time; a register that is
 * put in front of another run is multiplied by the power of x that the run is long.
 */
#include "zarr/zarr.h"

#define POLYNOMIAL 0x82f63b78u
/* x to the power of 8 * RUN_BYTES, modulo the polynomial */
#define RUN_POWER 0x35d73a62u

enum { RUN_BYTES = 4096 };

#if defined __x86_64__
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = 1u << 31; bit; bit >>= 1) {
        product ^= a & bit ? b : 0;
        b = b & 1 ? b >> 1 ^ POLYNOMIAL : b >> 1;
    }
    return product;
}

static uint64_t word(const uint8_t *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return w;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(const uint8_t *p,
                                                                 size_t n)
{
    uint64_t a = 0xffffffffu;

    for (; n >= (size_t)3 * RUN_BYTES; n -= (size_t)3 * RUN_BYTES) {
        uint64_t b = 0, c = 0;

        for (size_t i = 0; i < RUN_BYTES; i += 8, p += 8) {
            a = __builtin_ia32_crc32di(a, word(p));
            b = __builtin_ia32_crc32di(b, word(p + RUN_BYTES));
            c = __builtin_ia32_crc32di(c, word(p + (size_t)2 * RUN_BYTES));
        }
        a = multiply(RUN_POWER, (uint32_t)a) ^ b;
        a = multiply(RUN_POWER, (uint32_t)a) ^ c;
        p += (size_t)2 * RUN_BYTES;
    }
    for (; n >= 8; n -= 8, p += 8) {
        a = __builtin_ia32_crc32di(a, word(p));
    }
    for (; n; n--) {
        a = __builtin_ia32_crc32qi((uint32_t)a, *p++);
    }
    return ~(uint32_t)a;
}
#endif

static uint32_t by_table(const uint8_t *p, size_t n)
{
    uint32_t table[256], crc = 0xffffffffu;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++) {
            table[i] = table[i] & 1 ? table[i] >> 1 ^ POLYNOMIAL : table[i] >> 1;
        }
    }
    while (n--) {
        crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
    }
    return ~crc;
}

uint32_t zarr_crc32c(const void *data, size_t size_bytes)
{
#if defined __x86_64__
    if (__builtin_cpu_supports("sse4.2")) {
        return by_instruction(data, size_bytes);
    }
#endif
    return by_table(data, size_bytes);
}
