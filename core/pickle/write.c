/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: the machine that writes pickles: what comes next, the memo, persistent ids. */
#include "write.h"

#include <string.h>

#include "core/base/alloc.h"

int ff_write_no_memory(struct ff_dumper *d)
{
    return ff_fail(d->e, FF_E_NO_MEMORY, NULL, "no memory to write a pickle");
}

/* ---- the memo ---- */

static int put_opcode(struct ff_dumper *d, uint64_t index)
{
    char text[24];
    if (d->protocol >= 4) {
        return ff_write_op(d, FF_OP_MEMOIZE);
    }
    if (d->protocol == 0) {
        (void)snprintf(text, sizeof text, "p%llu\n", (unsigned long long)index);
        return ff_write_text(d, text);
    }
    uint8_t code[5] = {index < 256 ? FF_OP_BINPUT : FF_OP_LONG_BINPUT, (uint8_t)index,
                       (uint8_t)(index >> 8), (uint8_t)(index >> 16),
                       (uint8_t)(index >> 24)};
    return ff_write_bytes(d, code, index < 256 ? 2 : 5);
}

int ff_write_memoize(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    int result = ff_write_memo_put(d, cell, scratch);
    if (result) {
        return result < 0 ? result : FF_OK;
    }
    return put_opcode(d, d->memo_count - 1);
}

int ff_write_memo_get(struct ff_dumper *d, uint64_t index)
{
    char text[24];
    if (d->protocol == 0) {
        (void)snprintf(text, sizeof text, "g%llu\n", (unsigned long long)index);
        return ff_write_text(d, text);
    }
    uint8_t code[5] = {index < 256 ? FF_OP_BINGET : FF_OP_LONG_BINGET, (uint8_t)index,
                       (uint8_t)(index >> 8), (uint8_t)(index >> 16),
                       (uint8_t)(index >> 24)};
    return ff_write_bytes(d, code, index < 256 ? 2 : 5);
}

/* ---- the stack of half-written things ---- */

struct ff_part_frame *
ff_write_push(struct ff_dumper *d, uint64_t cell, const void *node, bool scratch,
              int (*step)(struct ff_dumper *, struct ff_part_frame *))
{
    if (d->depth == d->stack_room) {
        size_t room = d->stack_room ? 2 * d->stack_room : 32;
        struct ff_part_frame *stack = ff_realloc_array(d->stack, room, sizeof *stack);
        if (!stack) {
            (void)ff_write_no_memory(d);
            return NULL;
        }
        d->stack = stack;
        d->stack_room = room;
    }
    struct ff_part_frame *f = &d->stack[d->depth++];
    *f = (struct ff_part_frame){
        .step = step, .cell = cell, .node = node, .scratch = scratch};
    return f;
}

int ff_write_begin(struct ff_dumper *d, uint64_t cell)
{
    if (d->depth < FF_WRITE_DEEP) {
        return FF_OK;
    }
    uint64_t *begun = ff_cellmap_put(&d->begun, cell);
    if (!begun) {
        return ff_write_no_memory(d);
    }
    if (*begun == d->progress + 1) {
        return ff_fail(d->e, FF_E_UNSUPPORTED, NULL,
                       "an object is made of itself, which protocol %u cannot say",
                       d->protocol);
    }
    *begun = d->progress + 1;
    return FF_OK;
}

/* ---- persistent ids ---- */

/* Ask once for each object. FF_DECLINED, FF_OK and its id, or a failure. */
static int ask(struct ff_dumper *d, uint64_t cell, uint64_t *pid)
{
    uint64_t *known = ff_cellmap_find(&d->asked, cell);
    if (known) {
        *pid = *known;
        return *known == 1 ? FF_DECLINED : FF_OK;
    }
    struct ff_new_pid given;
    memset(&given, 0, sizeof given);
    struct ff_error own = FF_ERROR_INIT;
    int result = d->options->persistent(d->options->ctx, ff_value_of(d->doc, cell), d,
                                        &given, d->e ? d->e : &own);
    if (result != FF_OK && result != FF_DECLINED) {
        return result;
    }
    *pid = result == FF_OK ? ff_make_pid(d, &given) : 1;
    if (!*pid) {
        return ff_write_no_memory(d);
    }
    if (d->all_in_memo || result == FF_OK || ff_cellmap_find(&d->memo, cell)) {
        uint64_t *place = ff_cellmap_put(&d->asked, cell);
        if (!place) {
            return ff_write_no_memory(d);
        }
        *place = *pid;
    }
    return result;
}

static bool to_ask(const struct ff_dumper *d, uint64_t cell)
{
    switch (ff_tag(cell)) {
    case FF_TAG_NONE:
    case FF_TAG_TRUE:
    case FF_TAG_FALSE:
        return false;
    case FF_TAG_ARRAY:
    case FF_TAG_NATIVE:
    case FF_TAG_OBJECT:
    case FF_TAG_PERSISTENT:
        return true;
    default:
        return d->options->ask_builtins != 0;
    }
}

/* ---- one value ---- */

static int unsaved_native(struct ff_dumper *d, uint64_t cell)
{
    char place[256];
    const struct ff_native_node *n = ff_cell_node(cell);
    ff_dumper_path(d, place, sizeof place);
    return ff_fail(d->e, FF_E_UNSUPPORTED, place,
                   "no serializer keeps objects of class %s", n->box->class_name);
}

static int save_node(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    switch (ff_tag(cell)) {
    case FF_TAG_LIST:
        return ff_write_list(d, cell, scratch);
    case FF_TAG_DICT:
        return ff_write_dict(d, cell, scratch);
    case FF_TAG_SET:
        return ff_write_set(d, cell, scratch);
    case FF_TAG_FROZENSET:
        return ff_write_frozenset(d, cell, scratch);
    case FF_TAG_GLOBAL:
        return ff_write_global(d, cell, scratch);
    case FF_TAG_OBJECT:
        return ff_write_object(d, cell, ff_cell_node(cell), scratch);
    case FF_TAG_ARRAY:
        return ff_write_array(d, cell,
                              ((const struct ff_array_node *)ff_cell_node(cell))->array);
    case FF_TAG_ELEMENTS:
        return ff_write_elements(d, cell);
    case FF_TAG_LATIN1:
        return ff_write_latin1(d, cell);
    case FF_TAG_NATIVE:
        return unsaved_native(d, cell);
    default:
        return ff_fail(d->e, FF_E_USAGE, NULL, "an absent value cannot be written");
    }
}

/* What is not in the memo, or never gets there. */
static int save_fresh(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    switch (ff_tag(cell)) {
    case FF_TAG_STR:
        return ff_write_str(d, cell, scratch);
    case FF_TAG_BYTES:
    case FF_TAG_BYTEARRAY:
        return ff_write_binary(d, cell, scratch);
    case FF_TAG_STR2:
    case FF_TAG_BYTES2:
    case FF_TAG_DECODED2:
        return ff_write_str2(d, cell, scratch);
    case FF_TAG_TUPLE:
        return ff_write_tuple(d, cell, scratch);
    default:
        return save_node(d, cell, scratch);
    }
}

static int write_bool(struct ff_dumper *d, bool on)
{
    if (d->protocol >= 2) {
        return ff_write_op(d, on ? FF_OP_NEWTRUE : FF_OP_NEWFALSE);
    }
    return ff_write_text(d, on ? "I01\n" : "I00\n");
}

int ff_write_save_plain(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    switch (ff_tag(cell)) {
    case FF_TAG_NONE:
        return ff_write_op(d, FF_OP_NONE);
    case FF_TAG_FALSE:
    case FF_TAG_TRUE:
        return write_bool(d, ff_tag(cell) == FF_TAG_TRUE);
    case FF_TAG_INT:
        return ff_write_int(d, ff_cell_int(cell));
    case FF_TAG_BIGINT:
        return ff_write_bigint(d, cell);
    case FF_TAG_FLOAT:
        return ff_write_float(d, cell);
    case FF_TAG_PERSISTENT:
        return ff_write_pid(
            d, ((const struct ff_persistent_node *)ff_cell_node(cell))->pid, scratch);
    case FF_TAG_EXTENSION:
        return ff_write_extension(
            d, ((const struct ff_extension_node *)ff_cell_node(cell))->code);
    case FF_TAG_BUFFER:
        return ff_write_buffer(d, cell, scratch);
    default:
        break;
    }
    uint64_t known = ff_write_memo_find(d, cell);
    return known ? ff_write_memo_get(d, known - 1) : save_fresh(d, cell, scratch);
}

int ff_write_save(struct ff_dumper *d, uint64_t cell, bool scratch)
{
    size_t framed = d->used - d->frame_start;
    if (d->in_frame ? framed >= FF_FRAME_BYTES + FF_FRAME_HEADER
                    : d->used >= FF_FRAME_BYTES) {
        int failed = ff_write_close_frame(d);
        if (failed) {
            return failed;
        }
    }
    if (!scratch && d->options->persistent && to_ask(d, cell)) {
        uint64_t pid = 0;
        int result = ask(d, cell, &pid);
        if (result != FF_DECLINED) {
            return result == FF_OK ? ff_write_pid(d, pid, true) : result;
        }
    }
    return ff_write_save_plain(d, cell, scratch);
}

/* ---- the whole ---- */

int ff_write_run(struct ff_dumper *d)
{
    int result = FF_WRITTEN;
    while (result >= 0 && d->depth) {
        struct ff_part_frame *f = &d->stack[d->depth - 1];
        result = f->step(d, f);
        if (result == FF_WRITTEN) {
            d->depth--;
        }
    }
    return result;
}

static int start(struct ff_dumper *d)
{
    int failed = ff_write_memo_begin(d);
    d->plain = d->protocol >= 2 && !d->options->ask_builtins;
    if (!failed && d->protocol >= 2) {
        uint8_t proto[2] = {FF_OP_PROTO, (uint8_t)d->protocol};
        failed = ff_write_bytes(d, proto, 2);
        d->framing = d->protocol >= 4;
    }
    return failed;
}

static int finish(struct ff_dumper *d)
{
    int failed = ff_write_effects(d);
    failed = failed ? failed : ff_write_op(d, FF_OP_STOP);
    failed = failed ? failed : ff_write_close_frame(d);
    return failed ? failed : ff_write_flush(d);
}

static void dumper_free(struct ff_dumper *d)
{
    ff_free(d->out);
    ff_free(d->stack);
    ff_write_memo_end(d);
    ff_cellmap_free(&d->asked);
    ff_cellmap_free(&d->begun);
    ff_cellmap_free(&d->nested);
    ff_doc_free(d->own);
}

int ff_pickle_write(struct ff_value root, const struct ff_write_options *options,
                    struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_dumper d = {.options = options, .e = e ? e : &own, .doc = root.doc};
    if (!root.cell || !root.doc || options->protocol > 5) {
        return ff_fail(e, FF_E_USAGE, NULL, "%s",
                       root.cell ? "the protocol must be 0 to 5" : "the value is absent");
    }
    d.protocol = options->protocol;
    ff_cellmap_init(&d.memo);
    ff_cellmap_init(&d.asked);
    ff_vec_init(&d.areas, sizeof(struct ff_memo_area), SIZE_MAX / sizeof d.no_area);
    ff_cellmap_init(&d.begun);
    ff_cellmap_init(&d.nested);
    int result = start(&d);
    result = result ? result : ff_write_save(&d, root.cell, false);
    result = result < 0 ? result : ff_write_run(&d);
    result = result < 0 ? result : finish(&d);
    if (result < 0 && !d.e->place[0]) {
        ff_dumper_path(&d, d.e->place, sizeof d.e->place);
    }
    dumper_free(&d);
    return result < 0 ? result : FF_OK;
}

/* ---- the public form ---- */

struct plain_write {
    int (*write)(void *ctx, const void *data, size_t size_bytes);
    void *ctx;
};

static int forward(void *ctx, const void *data, size_t size_bytes, struct ff_error *e)
{
    const struct plain_write *p = ctx;
    int failed = p->write(p->ctx, data, size_bytes);
    return failed ? ff_fail(e, failed < 0 ? failed : FF_E_OTHER, NULL,
                            "the caller's write function failed")
                  : FF_OK;
}

/* Nobody keeps anything here. */
static int keep_nothing(void *ctx, struct ff_value v, const struct ff_dumper *d,
                        struct ff_new_pid *pid, struct ff_error *e)
{
    (void)ctx;
    (void)pid;
    if (ff_tag(v.cell) == FF_TAG_ARRAY &&
        ((const struct ff_array_node *)ff_cell_node(v.cell))->array->chunk) {
        char place[256];
        ff_dumper_path(d, place, sizeof place);
        return ff_fail(e, FF_E_UNSUPPORTED, place,
                       "a chunked array is kept by a serializer, not in a plain pickle");
    }
    return FF_DECLINED;
}

/* The caller's options, as far as he has them. */
static int known_options(const struct ff_dump_options *given, struct ff_dump_options *out,
                         struct ff_error *e)
{
    *out = (struct ff_dump_options){.protocol = FF_PROTOCOL_DEFAULT};
    if (!given) {
        return FF_OK;
    }
    if (given->struct_size < FF_SIZE(ff_dump_options, protocol) ||
        given->flags & ~FF_DUMP_COMPACT) {
        return ff_fail(e, FF_E_USAGE, NULL, "%s",
                       given->struct_size ? "unknown flags in the options of a dump"
                                          : "options of a dump without struct_size");
    }
    memcpy(out, given,
           given->struct_size < sizeof *out ? given->struct_size : sizeof *out);
    return FF_OK;
}

int ff_pickle_dump(struct ff_value v, const struct ff_dump_options *given,
                   int (*write)(void *ctx, const void *data, size_t size_bytes),
                   void *ctx, struct ff_error *e)
{
    struct ff_dump_options known;
    struct plain_write plain = {write, ctx};
    if (e && e->code) {
        return e->code;
    }
    if (!write) {
        return ff_fail(e, FF_E_USAGE, NULL, "no function to write with");
    }
    int failed = known_options(given, &known, e);
    if (failed) {
        return failed;
    }
    int was = v.doc ? ff_doc_protocol(v.doc) : -1;
    struct ff_write_options options = {.protocol = known.protocol != FF_PROTOCOL_DEFAULT
                                                       ? known.protocol
                                                   : was >= 0 ? (uint32_t)was
                                                              : 4,
                                       .compact = (known.flags & FF_DUMP_COMPACT) != 0,
                                       .persistent = keep_nothing,
                                       .write = forward,
                                       .write_ctx = &plain,
                                       .call = known.call,
                                       .buffer = known.buffer,
                                       .buffer_ctx = known.buffer_ctx};
    return ff_pickle_write(v, &options, e);
}
