/* SPDX-License-Identifier: Apache-2.0 */
/* write_memo.c: which number an object has in the memo. A document that was read knows which of its
 * cells occur more than once, and only they are kept, in a hash table. In one that was built each
 * may occur again: what lies in its arena has its number at the same place in a table beside the
 * arena, without hashing. */
#include <stdlib.h>

#include "core/base/alloc.h"
#include "write.h"

#define GRAIN_BYTES 8u /* an object of the arena begins at a multiple of it */

static int add_area(void *ctx, const void *begin, size_t size_bytes, bool single)
{
    struct ff_dumper *d = ctx;
    struct ff_memo_area area = {(uintptr_t)begin, single ? GRAIN_BYTES : size_bytes,
                                NULL};
    area.number = ff_calloc(area.size_bytes / GRAIN_BYTES, sizeof *area.number);
    if (!area.number || ff_vec_append(&d->areas, &area)) {
        ff_free(area.number);
        return ff_write_no_memory(d);
    }
    return FF_OK;
}

static int by_address(const void *a, const void *b)
{
    const struct ff_memo_area *x = a, *y = b;
    return (x->begin > y->begin) - (x->begin < y->begin);
}

int ff_write_memo_begin(struct ff_dumper *d)
{
    const struct ff_cellmap *shared = &d->doc->shared;
    d->all_in_memo = !d->doc->knows_shared;
    for (size_t i = 0; i < shared->slot_count; i++) {
        if (shared->slot[i].key && !ff_cellmap_put(&d->memo, shared->slot[i].key)) {
            return ff_write_no_memory(d);
        }
    }
    d->area = d->other = &d->no_area;
    int failed = d->all_in_memo ? ff_doc_each_area(d->doc, add_area, d) : FF_OK;
    if (d->areas.count) {
        qsort(d->areas.items, d->areas.count, sizeof(struct ff_memo_area), by_address);
    }
    return failed;
}

void ff_write_memo_end(struct ff_dumper *d)
{
    struct ff_memo_area *area = d->areas.items;
    for (size_t i = 0; i < d->areas.count; i++) {
        ff_free(area[i].number);
    }
    ff_vec_free(&d->areas);
    ff_cellmap_free(&d->memo);
}

uint32_t *ff_write_memo_look(struct ff_dumper *d, uintptr_t at)
{
    struct ff_memo_area *area = d->areas.items;
    size_t low = 0, high = d->areas.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (at < area[middle].begin) {
            high = middle;
        } else if (at - area[middle].begin >= area[middle].size_bytes) {
            low = middle + 1;
        } else {
            d->other = d->area;
            d->area = &area[middle];
            return &d->area->number[(at - d->area->begin) / GRAIN_BYTES];
        }
    }
    return NULL;
}

int ff_write_memo_put(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    uint32_t *number = ff_write_memo_number(d, cell);
    d->progress +=
        !scratch || d->depth < FF_WRITE_DEEP || !ff_doc_owns(d->own, ff_cell_node(cell));
    if (d->memo_count >= UINT32_MAX) {
        return ff_fail(d->e, FF_E_LIMIT, NULL, "2^32 objects in the memo");
    }
    if (number) {
        *number = (uint32_t)++d->memo_count;
        return FF_WRITTEN;
    }
    bool part =
        d->open && (ff_tag(cell) == FF_TAG_OBJECT || ff_tag(cell) == FF_TAG_GLOBAL);
    bool keep = d->all_in_memo || scratch || part;
    uint64_t *place =
        keep ? ff_cellmap_put(&d->memo, cell) : ff_cellmap_find(&d->memo, cell);
    if (!place && keep) {
        return ff_write_no_memory(d);
    }
    if (!place && d->options->compact) {
        return FF_PUSHED;
    }
    d->memo_count++;
    if (place) {
        *place = d->memo_count;
    }
    return FF_WRITTEN;
}
