/* SPDX-License-Identifier: Apache-2.0 */
/* write_persistent.c: what is elsewhere: persistent ids, extension codes, out-of-band buffers. */
#include <string.h>

#include "write.h"

static int step_pid(struct ff_dumper *d, struct ff_part_frame *f)
{
    if (f->at == 0) {
        f->at = 1;
        int result = ff_write_save_plain(d, f->cell, f->scratch);
        if (result) {
            return result;
        }
    }
    return ff_write_op(d, FF_OP_BINPERSID);
}

/* A line is ASCII (2); what is not goes as BINPERSID, which every protocol may have. */
int ff_write_pid(struct ff_dumper *d, uint64_t pid, bool scratch)
{
    const char *text;
    size_t size;
    if (d->protocol == 0 && ff_cell_text(pid, &text, &size) &&
        !memchr(text, '\n', size) && ff_utf8_check((const uint8_t *)text, size) == 2) {
        int failed = ff_write_op(d, FF_OP_PERSID);
        failed = failed ? failed : ff_write_bytes(d, text, size);
        return failed ? failed : ff_write_op(d, '\n');
    }
    return ff_write_push(d, pid, NULL, scratch, step_pid) ? FF_PUSHED : FF_E_NO_MEMORY;
}

int ff_write_extension(struct ff_dumper *d, int32_t code)
{
    uint8_t out[5] = {code <= 0xff     ? FF_OP_EXT1
                      : code <= 0xffff ? FF_OP_EXT2
                                       : FF_OP_EXT4,
                      (uint8_t)code, (uint8_t)(code >> 8), (uint8_t)(code >> 16),
                      (uint8_t)(code >> 24)};
    return ff_write_bytes(d, out, code <= 0xff ? 2 : code <= 0xffff ? 3 : 5);
}

/* The memo's key of a buffer that was passed over. */
static uint64_t passed_buffer(uint64_t number)
{
    return (number + 1) << 8 | FF_TAG_WORD;
}

/* Buffers without bytes come in their order, whatever the order in which the value has them:
 * those that are passed over wait in the memo. */
static int pass_buffers(struct ff_dumper *d, uint64_t number)
{
    int failed = FF_OK;
    while (!failed && d->buffers < number) {
        failed = ff_write_op(d, FF_OP_NEXT_BUFFER);
        failed = failed ? failed : ff_write_memoize(d, passed_buffer(d->buffers++), true);
        failed = failed ? failed : ff_write_op(d, FF_OP_POP);
    }
    d->buffers = number + 1;
    return failed;
}

static int give_buffer(struct ff_dumper *d, const struct ff_buffer_node *b)
{
    const struct ff_pickle_buffer out = {b->data, b->size_bytes, b->base || b->frozen, 0};
    int stop = d->options->buffer(d->options->buffer_ctx, &out);
    return stop ? ff_fail(d->e, stop < 0 ? stop : FF_E_OTHER, NULL,
                          "the caller's function for buffers failed")
                : FF_OK;
}

/* CPython leaves out of the memo what it has no second time. */
static int memoize_shared(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    return scratch || d->all_in_memo || ff_cellmap_find(&d->memo, cell)
               ? ff_write_memoize(d, cell, true)
               : FF_OK;
}

static int next_buffer(struct ff_dumper *d, uint64_t base, const struct ff_buffer_node *b,
                       bool scratch)
{
    uint64_t known = ff_write_memo_find(d, base);
    known = known ? known : ff_write_memo_find(d, passed_buffer(b->number));
    if (known) {
        return ff_write_memo_get(d, known - 1);
    }
    int failed = b->given ? give_buffer(d, b) : pass_buffers(d, b->number);
    failed = failed ? failed : ff_write_op(d, FF_OP_NEXT_BUFFER);
    return failed ? failed : memoize_shared(d, base, scratch);
}

/* Out of band; or, where nobody takes its bytes, in the stream. */
int ff_write_buffer(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    const struct ff_buffer_node *b = ff_cell_node(cell);
    uint64_t known = ff_write_memo_find(d, cell);
    if (known) {
        return ff_write_memo_get(d, known - 1);
    }
    if (b->given && (!d->options->buffer || d->protocol < 5)) {
        return ff_write_binary(d, cell, scratch);
    }
    int failed = next_buffer(d, b->base ? b->base : cell, b, scratch);
    if (failed || !b->base) {
        return failed;
    }
    failed = ff_write_op(d, FF_OP_READONLY_BUFFER);
    return failed ? failed : memoize_shared(d, cell, scratch);
}
