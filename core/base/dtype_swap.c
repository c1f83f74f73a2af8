/* SPDX-License-Identifier: Apache-2.0 */
/* dtype_swap.c: reversing the bytes of elements in a buffer. */
#include "dtype.h"

#include <string.h>

static void swap_2(uint8_t *at, size_t word_count)
{
    for (size_t i = 0; i < word_count; i++) {
        uint16_t word;

        memcpy(&word, at + 2 * i, 2);
        word = __builtin_bswap16(word);
        memcpy(at + 2 * i, &word, 2);
    }
}

static void swap_4(uint8_t *at, size_t word_count)
{
    for (size_t i = 0; i < word_count; i++) {
        uint32_t word;

        memcpy(&word, at + 4 * i, 4);
        word = __builtin_bswap32(word);
        memcpy(at + 4 * i, &word, 4);
    }
}

static void swap_8(uint8_t *at, size_t word_count)
{
    for (size_t i = 0; i < word_count; i++) {
        uint64_t word;

        memcpy(&word, at + 8 * i, 8);
        word = __builtin_bswap64(word);
        memcpy(at + 8 * i, &word, 8);
    }
}

static void swap_16(uint8_t *at, size_t word_count)
{
    for (size_t i = 0; i < word_count; i++) {
        uint64_t halves[2], low;

        memcpy(halves, at + 16 * i, 16);
        low = __builtin_bswap64(halves[0]);
        halves[0] = __builtin_bswap64(halves[1]);
        halves[1] = low;
        memcpy(at + 16 * i, halves, 16);
    }
}

void ff_swap_words(void *data, size_t word_bytes, size_t word_count)
{
    switch (word_bytes) {
    case 2:
        swap_2(data, word_count);
        break;
    case 4:
        swap_4(data, word_count);
        break;
    case 8:
        swap_8(data, word_count);
        break;
    case 16:
        swap_16(data, word_count);
        break;
    default:
        break;
    }
}

static size_t word_size(const struct ff_dtype *d)
{
    if (d->kind == 'U') {
        return 4;
    }
    return d->kind == 'c' ? d->element_bytes / 2 : d->element_bytes;
}

static void swap_simple(const struct ff_dtype *d, uint8_t *at, size_t item_count,
                        size_t stride_bytes)
{
    size_t word_bytes = word_size(d);
    size_t words = d->item_bytes / word_bytes;

    if (stride_bytes == d->item_bytes) {
        ff_swap_words(at, word_bytes, words * item_count);
        return;
    }
    for (size_t i = 0; i < item_count; i++) {
        ff_swap_words(at + i * stride_bytes, word_bytes, words);
    }
}

/* Field by field rather than item by item: the tree is walked once. */
static void swap_type(const struct ff_dtype *d, uint8_t *at, size_t item_count,
                      size_t stride_bytes)
{
    if (d->item_bytes == 0 || ff_dtype_is_native(d)) {
        return;
    }
    if (!d->structured) {
        swap_simple(d, at, item_count, stride_bytes);
        return;
    }
    if (stride_bytes == d->item_bytes) { /* a packed subarray is only more items */
        item_count *= d->item_bytes / d->element_bytes;
        stride_bytes = d->element_bytes;
    }
    for (size_t base = 0; base < d->item_bytes && base < stride_bytes;
         base += d->element_bytes) {
        for (size_t i = 0; i < d->field_count; i++) {
            const struct ff_dtype_field *f = &d->fields[i];

            swap_type(f->type, at + base + f->offset_bytes, item_count, stride_bytes);
        }
    }
}

void ff_dtype_swap(const struct ff_dtype *d, void *data, size_t item_count)
{
    swap_type(d, data, item_count, d->item_bytes);
}
