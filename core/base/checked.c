/* SPDX-License-Identifier: Apache-2.0 */
/* checked.c: the one piece of checked arithmetic that is a loop. */
#include "checked.h"

bool ff_product(size_t ndim, const int64_t *shape, uint64_t item_bytes, uint64_t *out)
{
    uint64_t product = item_bytes;
    bool empty = false;

    for (size_t i = 0; i < ndim; i++) {
        if (shape[i] < 0) {
            return false;
        }
        empty = empty || shape[i] == 0;
    }
    for (size_t i = 0; i < ndim && !empty; i++) {
        if (!ff_mul_u64(product, (uint64_t)shape[i], &product)) {
            return false;
        }
    }
    *out = empty ? 0 : product;
    return true;
}
