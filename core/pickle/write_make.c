/* SPDX-License-Identifier: Apache-2.0 */
/* write_make.c: what the writer adds to the value: names, calls, persistent ids. Texts and
 * globals of the same name are the same object, as Python's interned strings are. */
#include <string.h>

#include "write.h"

struct ff_doc *ff_write_own(struct ff_dumper *d)
{
    if (!d->own) {
        d->own = ff_doc_new(d->e);
        d->texts = ff_new_dict(d->own, d->e);
        d->globals = ff_new_dict(d->own, d->e);
        d->dtypes = ff_new_dict(d->own, d->e);
    }
    return d->own;
}

uint64_t ff_make_text(struct ff_dumper *d, const char *text)
{
    struct ff_doc *own = ff_write_own(d);
    struct ff_value known = ff_get(d->texts, text);
    if (known.cell) {
        return known.cell;
    }
    struct ff_value made = ff_new_str(own, text, SIZE_MAX, d->e);
    return ff_set_item(own, d->texts, made, made, d->e) ? 0 : made.cell;
}

/* By the pair of both: a.b + c is another global than a + b.c. */
uint64_t ff_make_global(struct ff_dumper *d, const char *module, const char *name)
{
    uint64_t names[2] = {ff_make_text(d, module), ff_make_text(d, name)};
    struct ff_doc *own = ff_write_own(d);
    struct ff_value pair = ff_value_of(own, ff_make_tuple(d, names, 2));
    struct ff_value known = pair.cell ? ff_get_item(d->globals, pair) : pair;
    if (known.cell || !pair.cell) {
        return known.cell;
    }
    struct ff_global_node *g = ff_doc_alloc(own, sizeof *g);
    if (!g) {
        return 0;
    }
    *g = (struct ff_global_node){.module = names[0], .name = names[1]};
    atomic_init(&g->text, NULL);
    struct ff_value made = ff_value_of(own, ff_cell(FF_TAG_GLOBAL, g));
    return ff_set_item(own, d->globals, pair, made, d->e) ? 0 : made.cell;
}

uint64_t ff_make_tuple(struct ff_dumper *d, const uint64_t *cells, size_t count)
{
    struct ff_doc *own = ff_write_own(d);
    struct ff_seq *seq = own ? ff_seq_new_tuple(own, count) : NULL;
    for (size_t i = 0; seq && i < count; i++) {
        seq->cells[i] = cells[i];
        if (!cells[i]) {
            return 0;
        }
    }
    return seq ? ff_cell(FF_TAG_TUPLE, seq) : 0;
}

uint64_t ff_make_call(struct ff_dumper *d, uint64_t callable, uint64_t args,
                      uint64_t state)
{
    struct ff_doc *own = ff_write_own(d);
    struct ff_object_node *o =
        own && callable && args ? ff_doc_alloc(own, sizeof *o) : NULL;
    if (!o) {
        return 0;
    }
    *o = (struct ff_object_node){
        .callable = callable, .args = args, .state = state, .how = FF_HOW_REDUCE};
    return ff_cell(FF_TAG_OBJECT, o);
}

/* (serializer, (version, name, extra ...)). Name and version of a serializer are constants
 * of its class in Python, so they are shared between ids; the file's name is fresh. */
uint64_t ff_make_pid(struct ff_dumper *d, const struct ff_new_pid *pid)
{
    struct ff_doc *own = ff_write_own(d);
    uint64_t outer[2] = {ff_make_text(d, pid->serializer), 0};
    struct ff_value extra = pid->extra;
    if (extra.cell && extra.doc != own) {
        extra = ff_import_value(own, extra, d->e);
    }
    size_t more = ff_length(extra);
    if (!own || more > 65536 / 2 ||
        (pid->extra.cell && ff_tag(extra.cell) != FF_TAG_TUPLE)) {
        return 0;
    }
    uint64_t version = ff_make_text(d, pid->version);
    uint64_t name = ff_doc_scalar(own, FF_TAG_STR, pid->name, strlen(pid->name));
    struct ff_seq *inner = version && name ? ff_seq_new_tuple(own, 2 + more) : NULL;
    if (!inner) {
        return 0;
    }
    inner->cells[0] = version;
    inner->cells[1] = name;
    if (more) {
        memcpy(inner->cells + 2, ((const struct ff_seq *)ff_cell_node(extra.cell))->cells,
               more * sizeof(uint64_t));
    }
    outer[1] = ff_cell(FF_TAG_TUPLE, inner);
    return ff_make_tuple(d, outer, 2);
}

int ff_write_instead(struct ff_dumper *d, uint64_t cell, uint64_t call)
{
    return call ? ff_write_object(d, cell, ff_cell_node(call), true)
                : ff_write_no_memory(d);
}
