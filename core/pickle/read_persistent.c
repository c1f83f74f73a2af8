/* SPDX-License-Identifier: Apache-2.0 */
/* read_persistent.c: opcodes whose objects are elsewhere: persistent ids, each a node once, and
 * out-of-band buffers. */
#include "core/base/hash.h"
#include "read.h"

/* A global that is named twice is one object, as the writer has it: its names are its key. */
static uint64_t key_of_id(struct ff_reader *r, uint64_t pid)
{
    const struct ff_global_text *text =
        ff_tag(pid) == FF_TAG_GLOBAL ? ff_global_text(r->doc, pid) : NULL;
    if (!text) {
        return pid;
    }
    uint64_t hash =
        ff_siphash13(r->doc->hash_key, text->module, strlen(text->module)) * 31 +
        ff_siphash13(r->doc->hash_key, text->name, strlen(text->name));
    return hash << 8 | FF_TAG_WORD;
}

static bool same_id(struct ff_reader *r, uint64_t known, uint64_t pid)
{
    uint64_t other = ((const struct ff_persistent_node *)ff_cell_node(known))->pid;
    if (other == pid || ff_tag(pid) != FF_TAG_GLOBAL) {
        return other == pid;
    }
    const struct ff_global_text *a = ff_global_text(r->doc, other),
                                *b = ff_global_text(r->doc, pid);
    return a && b && strcmp(a->module, b->module) == 0 && strcmp(a->name, b->name) == 0;
}

static int push_persistent(struct ff_reader *r, uint64_t pid)
{
    uint64_t *known =
        ff_tag(pid) > FF_TAG_INT ? ff_cellmap_put(&r->pids, key_of_id(r, pid)) : NULL;
    if (known && *known && same_id(r, *known, pid)) {
        return ff_read_push(r, *known);
    }
    struct ff_persistent_node *node = ff_read_new_node(r, sizeof *node);
    if (!node) {
        return ff_read_full(r);
    }
    node->pid = pid;
    if (known) {
        *known = ff_cell(FF_TAG_PERSISTENT, node);
    }
    return ff_read_push(r, ff_cell(FF_TAG_PERSISTENT, node));
}

int ff_op_persid(struct ff_reader *r)
{
    if (ff_utf8_check(r->arg, r->arg_bytes) != 2) {
        return ff_read_fail(r, FF_E_CORRUPT,
                            "a persistent id of protocol 0 must be ASCII");
    }
    uint64_t pid = ff_doc_scalar(r->doc, FF_TAG_STR, r->arg, r->arg_bytes);
    return pid ? push_persistent(r, pid) : ff_read_full(r);
}

int ff_op_binpersid(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    return failed ? failed : push_persistent(r, r->stack[--r->depth]);
}

static int push_buffer(struct ff_reader *r, const struct ff_buffer_node *made)
{
    struct ff_buffer_node *node = ff_read_new_node(r, sizeof *node);
    if (node) {
        *node = *made;
    }
    return ff_read_push_node(r, FF_TAG_BUFFER, node);
}

int ff_op_next_buffer(struct ff_reader *r)
{
    struct ff_buffer_node made = {.number = r->buffers++};
    if (r->options.buffers) {
        if (made.number >= r->options.buffer_count) {
            return ff_read_fail(r, FF_E_CORRUPT, "only %zu buffers were given",
                                r->options.buffer_count);
        }
        const struct ff_pickle_buffer *given = &r->options.buffers[made.number];
        made.given = true;
        made.frozen = given->readonly != 0;
        made.data = given->data;
        made.size_bytes = given->size_bytes;
    }
    return push_buffer(r, &made);
}

/* A memoryview of a bytearray, which is another object with the same bytes. */
static int readonly_bytearray(struct ff_reader *r, const struct ff_blob *blob)
{
    if (blob->readonly) {
        return FF_OK;
    }
    struct ff_blob *view = ff_read_new_node(r, sizeof *view);
    if (view) {
        *view = (struct ff_blob){blob->data, blob->size_bytes, true, 0};
        r->depth--;
    }
    return ff_read_push_node(r, FF_TAG_BYTEARRAY, view);
}

int ff_op_readonly_buffer(struct ff_reader *r)
{
    int failed = ff_read_need(r, 1);
    if (failed) {
        return failed;
    }
    struct ff_buffer_node made;
    uint64_t top = r->stack[r->depth - 1];
    switch (ff_tag(top)) {
    case FF_TAG_BYTES:
    case FF_TAG_BYTES2:
        return FF_OK;
    case FF_TAG_BYTEARRAY:
        return readonly_bytearray(r, ff_cell_node(top));
    case FF_TAG_BUFFER:
        made = *(const struct ff_buffer_node *)ff_cell_node(top);
        if (made.base) {
            return FF_OK;
        }
        made.base = top;
        r->depth--;
        return push_buffer(r, &made);
    default:
        return ff_read_fail(r, FF_E_CORRUPT, "a %s is not a buffer",
                            ff_kind_name(ff_kind(ff_value_of(r->doc, top))));
    }
}
