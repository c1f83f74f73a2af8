/* SPDX-License-Identifier: Apache-2.0 */
/* build.c: making values, in a document that is being built. */
#include <string.h>

#include "core/array.h"
#include "core/base/alloc.h"
#include "doc.h"

static bool ready(const struct ff_doc *doc, struct ff_error *e)
{
    if (e && e->code) {
        return false;
    }
    if (!doc) {
        ff_fail(e, FF_E_USAGE, NULL, "no document to build in");
        return false;
    }
    if (doc->knows_shared) {
        ff_fail(e, FF_E_USAGE, NULL,
                "a document that was read does not change: ff_import it");
        return false;
    }
    return true;
}

/* A value for a cell, or absent and the reason. */
static struct ff_value made(struct ff_doc *doc, uint64_t cell, struct ff_error *e)
{
    if (!cell) {
        ff_doc_full(doc, e);
        return FF_NOTHING;
    }
    return ff_value_of(doc, cell);
}

static int check_item(const struct ff_doc *doc, struct ff_value item, struct ff_error *e)
{
    if (!item.cell || item.doc != doc) {
        return ff_fail(e, FF_E_USAGE, NULL, "the item is %s",
                       item.cell ? "of another document: use ff_import" : "absent");
    }
    return FF_OK;
}

struct ff_value ff_new_none(struct ff_doc *doc)
{
    return doc ? ff_value_of(doc, FF_TAG_NONE) : FF_NOTHING;
}

struct ff_value ff_new_bool(struct ff_doc *doc, int on)
{
    return doc ? ff_value_of(doc, on ? FF_TAG_TRUE : FF_TAG_FALSE) : FF_NOTHING;
}

struct ff_value ff_new_int(struct ff_doc *doc, int64_t value, struct ff_error *e)
{
    return ready(doc, e) ? made(doc, ff_doc_int(doc, value), e) : FF_NOTHING;
}

struct ff_value ff_new_int_bytes(struct ff_doc *doc, const uint8_t *bytes,
                                 size_t size_bytes, struct ff_error *e)
{
    if (!ready(doc, e)) {
        return FF_NOTHING;
    }
    if (size_bytes > INT32_MAX || (!bytes && size_bytes)) {
        ff_fail(e, FF_E_USAGE, NULL, "an integer has at most 2147483647 bytes");
        return FF_NOTHING;
    }
    return made(doc, ff_doc_int_bytes(doc, bytes, size_bytes), e);
}

struct ff_value ff_new_float(struct ff_doc *doc, double value, struct ff_error *e)
{
    return ready(doc, e) ? made(doc, ff_doc_float(doc, value), e) : FF_NOTHING;
}

/* What no memory can have is not looked at. */
static bool is_a_size(size_t size_bytes, struct ff_error *e)
{
    bool is = (uint64_t)size_bytes >> 47 == 0;
    if (!is) {
        ff_fail(e, FF_E_LIMIT, NULL, "%zu bytes are more than there can be", size_bytes);
    }
    return is;
}

struct ff_value ff_new_str(struct ff_doc *doc, const char *text, size_t size_bytes,
                           struct ff_error *e)
{
    if (!ready(doc, e)) {
        return FF_NOTHING;
    }
    if (!text && size_bytes) {
        ff_fail(e, FF_E_USAGE, NULL, "no text");
        return FF_NOTHING;
    }
    size_t size = size_bytes == SIZE_MAX ? strlen(text) : size_bytes;
    if (!is_a_size(size, e)) {
        return FF_NOTHING;
    }
    if (!ff_utf8_check((const uint8_t *)text, size)) {
        ff_fail(e, FF_E_USAGE, NULL, "the text is not UTF-8");
        return FF_NOTHING;
    }
    return made(doc, ff_doc_built_scalar(doc, FF_TAG_STR, text, size), e);
}

struct ff_value ff_new_bytes(struct ff_doc *doc, const void *data, size_t size_bytes,
                             struct ff_error *e)
{
    if (!ready(doc, e)) {
        return FF_NOTHING;
    }
    if (!data && size_bytes) {
        ff_fail(e, FF_E_USAGE, NULL, "no data");
        return FF_NOTHING;
    }
    return made(doc, ff_doc_built_scalar(doc, FF_TAG_BYTES, data, size_bytes), e);
}

static struct ff_value new_seq(struct ff_doc *doc, unsigned tag, struct ff_error *e)
{
    if (!ready(doc, e)) {
        return FF_NOTHING;
    }
    struct ff_seq *seq = ff_seq_new(doc);
    return made(doc, seq ? ff_cell(tag, seq) : 0, e);
}

struct ff_value ff_new_list(struct ff_doc *doc, struct ff_error *e)
{
    return new_seq(doc, FF_TAG_LIST, e);
}

struct ff_value ff_new_dict(struct ff_doc *doc, struct ff_error *e)
{
    return new_seq(doc, FF_TAG_DICT, e);
}

struct ff_value ff_new_set(struct ff_doc *doc, struct ff_error *e)
{
    return new_seq(doc, FF_TAG_SET, e);
}

struct ff_value ff_new_tuple(struct ff_doc *doc, const struct ff_value *items,
                             size_t count, struct ff_error *e)
{
    if (!ready(doc, e)) {
        return FF_NOTHING;
    }
    if (!items && count) {
        ff_fail(e, FF_E_USAGE, NULL, "no items");
        return FF_NOTHING;
    }
    for (size_t i = 0; i < count; i++) {
        if (check_item(doc, items[i], e)) {
            return FF_NOTHING;
        }
    }
    struct ff_seq *seq = ff_seq_new_tuple(doc, count);
    for (size_t i = 0; seq && i < count; i++) {
        seq->cells[i] = items[i].cell;
    }
    return made(doc, seq ? ff_cell(FF_TAG_TUPLE, seq) : 0, e);
}

struct ff_value ff_new_global(struct ff_doc *doc, const char *module, const char *name,
                              struct ff_error *e)
{
    struct ff_value m = ff_new_str(doc, module, SIZE_MAX, e);
    struct ff_value n = ff_new_str(doc, name, SIZE_MAX, e);
    if (!m.cell || !n.cell) {
        return FF_NOTHING;
    }
    struct ff_global_node *g = ff_doc_alloc(doc, sizeof *g);
    if (g) {
        *g = (struct ff_global_node){.module = m.cell, .name = n.cell};
        atomic_init(&g->text, NULL);
    }
    return made(doc, g ? ff_cell(FF_TAG_GLOBAL, g) : 0, e);
}

struct ff_value ff_new_object(struct ff_doc *doc, struct ff_value callable,
                              struct ff_value args, struct ff_value state,
                              struct ff_error *e)
{
    if (!ready(doc, e) || check_item(doc, callable, e) || check_item(doc, args, e) ||
        (state.cell && check_item(doc, state, e))) {
        return FF_NOTHING;
    }
    if (ff_tag(args.cell) != FF_TAG_TUPLE) {
        ff_fail(e, FF_E_TYPE, NULL, "the arguments are of kind %s, not tuple",
                ff_kind_name(ff_kind(args)));
        return FF_NOTHING;
    }
    struct ff_object_node *o = ff_doc_alloc(doc, sizeof *o);
    if (o) {
        *o = (struct ff_object_node){.callable = callable.cell,
                                     .args = args.cell,
                                     .state = state.cell,
                                     .how = FF_HOW_REDUCE,
                                     .stage = state.cell ? FF_STAGE_STATE : FF_STAGE_NEW};
    }
    return made(doc, o ? ff_cell(FF_TAG_OBJECT, o) : 0, e);
}

static int check_container(const struct ff_doc *doc, struct ff_value v,
                           struct ff_value item, struct ff_error *e)
{
    if (!ready(doc, e)) {
        return e && e->code ? e->code : FF_E_USAGE;
    }
    int failed = check_item(doc, v, e);
    return failed ? failed : check_item(doc, item, e);
}

/* A key that cannot be one is the caller's mistake here, not damage. */
static int put(struct ff_doc *doc, uint64_t container, const uint64_t *cells,
               struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    int failed = ff_seq_put(doc, container, cells, 1, NULL, &own);
    if (failed == FF_E_CORRUPT) {
        failed = FF_E_TYPE;
    }
    return failed ? ff_fail(e, failed, own.place, "%s", own.message) : FF_OK;
}

int ff_append(struct ff_doc *doc, struct ff_value list, struct ff_value item,
              struct ff_error *e)
{
    int failed = check_container(doc, list, item, e);
    if (failed) {
        return failed;
    }
    if (ff_tag(list.cell) == FF_TAG_SET) {
        return put(doc, list.cell, &item.cell, e);
    }
    if (ff_tag(list.cell) != FF_TAG_LIST) {
        return ff_fail(e, FF_E_TYPE, NULL, "a %s cannot be appended to",
                       ff_kind_name(ff_kind(list)));
    }
    if (!ff_seq_append(doc, ff_cell_node(list.cell), &item.cell, 1)) {
        return ff_doc_full(doc, e);
    }
    return FF_OK;
}

int ff_set_item(struct ff_doc *doc, struct ff_value dict, struct ff_value key,
                struct ff_value value, struct ff_error *e)
{
    int failed = check_container(doc, dict, key, e);
    if (!failed) {
        failed = check_item(doc, value, e);
    }
    if (failed) {
        return failed;
    }
    if (ff_tag(dict.cell) != FF_TAG_DICT) {
        return ff_fail(e, FF_E_TYPE, NULL, "a %s has no keys",
                       ff_kind_name(ff_kind(dict)));
    }
    uint64_t pair[2] = {key.cell, value.cell};
    return put(doc, dict.cell, pair, e);
}

int ff_set(struct ff_doc *doc, struct ff_value dict, const char *key,
           struct ff_value value, struct ff_error *e)
{
    int failed = check_container(doc, dict, value, e);
    if (failed) {
        return failed;
    }
    struct ff_value k = ff_new_str(doc, key, SIZE_MAX, e);
    return k.cell ? ff_set_item(doc, dict, k, value, e) : FF_E_USAGE;
}

struct ff_value ff_new_array_take(struct ff_doc *doc, struct ff_array *taken,
                                  struct ff_error *e)
{
    if (!ready(doc, e) || !taken) {
        ff_array_free(taken);
        ff_fail(e, FF_E_USAGE, NULL, "no array");
        return FF_NOTHING;
    }
    struct ff_array *mine = taken;
    if (!ff_array_is_ours(taken) && !(mine = ff_array_wrap_take(taken, NULL, NULL, e))) {
        return FF_NOTHING;
    }
    struct ff_array_node *node = ff_doc_alloc(doc, sizeof *node);
    if (!node || ff_vec_append(&doc->arrays, &mine)) {
        ff_array_free(mine);
        return made(doc, 0, e);
    }
    *node = (struct ff_array_node){.array = mine};
    return ff_value_of(doc, ff_cell(FF_TAG_ARRAY, node));
}

static struct ff_native_box *new_box(const char *class_name, void *thing,
                                     void (*release)(void *))
{
    size_t size = strlen(class_name) + 1;
    struct ff_native_box *box = ff_malloc(sizeof *box + size);
    if (box) {
        atomic_init(&box->refs, 1);
        box->thing = thing;
        box->release = release;
        memcpy(box->class_name, class_name, size);
    }
    return box;
}

struct ff_value ff_new_native_take(struct ff_doc *doc, const char *class_name,
                                   void *taken, void (*release)(void *),
                                   struct ff_error *e)
{
    struct ff_native_node *node = NULL;
    struct ff_native_box *box = NULL;
    if (ready(doc, e) && !class_name) {
        ff_fail(e, FF_E_USAGE, NULL, "a native needs the name of its class");
    } else if (ready(doc, e)) {
        node = ff_doc_alloc(doc, sizeof *node);
        box = node ? new_box(class_name, taken, release) : NULL;
        if (box && !ff_vec_append(&doc->natives, &box)) {
            *node = (struct ff_native_node){.box = box};
            return ff_value_of(doc, ff_cell(FF_TAG_NATIVE, node));
        }
        ff_free(box);
        ff_doc_full(doc, e);
    }
    if (release) {
        release(taken);
    }
    return FF_NOTHING;
}
