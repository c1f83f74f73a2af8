/* SPDX-License-Identifier: Apache-2.0 */
/* key.c: Python's equality of keys. Every hashable value has an id, and equal values have
 * equal ids: that of a small integer is itself, that of a double beyond them its bits, all
 * others are two SipHashes of what decides, under keys that nobody knows outside, so that
 * unequal values have unequal ids but for a chance of about 2^-127 a pair. Containers are
 * hashed over the ids of their parts, on a stack: nothing here recurs, and a level costs
 * 16 bytes while it is looked at. Remembered are the keys themselves and what occurs more
 * than once, so shared parts do not multiply. */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/hash.h"
#include "core/key_object.h"

/* A part that is met again inside itself is not a number in `ids`, but this. */
#define BEING_MADE UINT64_MAX
/* So many ids of parts become one. */
#define FOLD 8u
/* Stacks beyond this are given back after use. */
#define KEPT_ITEMS 4096u
/* What has no parts and is longer is remembered too. */
#define LONG_BYTES 64u
/* So much is hashed in the time of a step. */
#define STEP_BYTES 64u

struct frame {
    uint64_t cell;
    uint64_t next; /* its part that is looked at next */
};

/* A key on its way: where its cells are, and where what is known of them is kept. */
struct making {
    struct ff_doc *doc;
    struct ff_keys *k;
    const struct ff_doc *of;
    struct ff_error *e;
};

static struct ff_keys *keys_of(struct ff_doc *doc)
{
    static const char second[] = "second hash key of a document";
    if (doc->keys) {
        return doc->keys;
    }
    struct ff_keys *k = ff_calloc(1, sizeof *k);
    if (!k) {
        return NULL;
    }
    memcpy(k->hash_key[0], doc->hash_key, sizeof k->hash_key[0]);
    for (size_t i = 0; i < 2; i++) {
        uint64_t half = ff_siphash13(doc->hash_key, second + i, sizeof second - i);
        memcpy(k->hash_key[1] + 8 * i, &half, sizeof half);
    }
    ff_cellmap_init(&k->known);
    ff_buf_init(&k->bytes, SIZE_MAX / 2);
    ff_vec_init(&k->ids, sizeof(struct ff_key_id), SIZE_MAX / 16);
    ff_vec_init(&k->frames, sizeof(struct frame), SIZE_MAX / 16);
    ff_vec_init(&k->values, sizeof(struct ff_key_id), SIZE_MAX / 16);
    doc->keys = k;
    return k;
}

void ff_keys_free(struct ff_keys *k)
{
    if (k) {
        ff_cellmap_free(&k->known);
        ff_buf_free(&k->bytes);
        ff_vec_free(&k->ids);
        ff_vec_free(&k->frames);
        ff_vec_free(&k->values);
        ff_free(k);
    }
}

/* ---- ids of what has no parts ---- */

void ff_key_hash(struct ff_keys *k, uint8_t tag, const void *data, size_t size_bytes,
                 struct ff_key_id *id)
{
    uint8_t key[2][16];
    memcpy(key, k->hash_key, sizeof key);
    key[0][0] ^= tag;
    key[1][0] ^= tag;
    id->low = ff_siphash13(key[0], data, size_bytes);
    id->high = ff_siphash13(key[1], data, size_bytes) | 1u; /* no int, and no double */
    k->work_bytes += size_bytes;
}

struct ff_key_id ff_key_id_of_int(int64_t value)
{
    return (struct ff_key_id){ff_cell_of_int(value), 0};
}

void ff_key_itself(struct ff_keys *k, uint64_t cell, struct ff_key_id *id)
{
    ff_key_hash(k, 'I', &cell, sizeof cell, id);
}

static int id_of_global(struct ff_keys *k, uint64_t cell, struct ff_key_id *id)
{
    const struct ff_global_node *g = ff_cell_node(cell);
    const char *module, *name;
    size_t module_size, name_size;
    if (!ff_cell_text(g->module, &module, &module_size) ||
        !ff_cell_text(g->name, &name, &name_size)) {
        ff_key_itself(k, cell, id);
        return FF_KEY_ID;
    }
    ff_buf_clear(&k->bytes);
    if (ff_buf_append(&k->bytes, &module_size, sizeof module_size) ||
        ff_buf_append(&k->bytes, module, module_size) ||
        ff_buf_append(&k->bytes, name, name_size)) {
        return FF_KEY_NO_MEMORY;
    }
    ff_key_hash(k, 'g', k->bytes.data, k->bytes.length_bytes, id);
    return FF_KEY_ID;
}

static int id_of_leaf(struct ff_keys *k, uint64_t cell, struct ff_key_id *id)
{
    const char *text;
    const uint8_t *bytes;
    size_t size;
    switch (ff_tag(cell)) {
    case FF_TAG_FALSE:
    case FF_TAG_TRUE:
        *id = ff_key_id_of_int(ff_tag(cell) == FF_TAG_TRUE);
        return FF_KEY_ID;
    case FF_TAG_NONE:
    case FF_TAG_INT:
        *id = (struct ff_key_id){cell, 0};
        return FF_KEY_ID;
    case FF_TAG_FLOAT:
        ff_key_of_float(k, ff_cell_float(cell), cell, id);
        return FF_KEY_ID;
    case FF_TAG_BIGINT:
        bytes = ff_code_payload(ff_cell_code(cell), &size);
        return ff_key_of_int_bytes(k, bytes, size, id);
    case FF_TAG_GLOBAL:
        return id_of_global(k, cell, id);
    default:
        break;
    }
    if (ff_cell_text(cell, &text, &size)) {
        ff_key_hash(k, 's', text, size, id);
    } else if (ff_cell_bytes(cell, &bytes, &size)) {
        ff_key_hash(k, 'b', bytes, size, id);
    } else {
        ff_key_itself(k, cell, id);
    }
    return FF_KEY_ID;
}

/* Its id is made sooner than found. */
static bool is_cheap(unsigned tag)
{
    return tag == FF_TAG_NONE || tag == FF_TAG_FALSE || tag == FF_TAG_TRUE ||
           tag == FF_TAG_FLOAT;
}

/* Its id is found sooner than made. */
static bool is_long(uint64_t cell)
{
    const char *text;
    const uint8_t *bytes;
    size_t size = 0;
    if (ff_tag(cell) == FF_TAG_BIGINT) {
        (void)ff_code_payload(ff_cell_code(cell), &size);
    } else if (!ff_cell_text(cell, &text, &size)) {
        (void)ff_cell_bytes(cell, &bytes, &size);
    }
    return size > LONG_BYTES;
}

/* ---- what is known ---- */

static void forget(struct ff_keys *k)
{
    ff_cellmap_free(&k->known);
    ff_vec_clear(&k->ids);
}

static bool find_known(struct ff_keys *k, uint64_t cell, struct ff_key_id *id)
{
    const uint64_t *place = ff_cellmap_find(&k->known, cell);
    if (!place) {
        return false;
    }
    if (*place == BEING_MADE) {
        ff_key_hash(k, 'o', "", 0, id);
    } else {
        *id = ((const struct ff_key_id *)k->ids.items)[*place - 1];
    }
    return true;
}

static int remember(struct making *m, uint64_t cell, const struct ff_key_id *id)
{
    uint64_t *place = ff_cellmap_put(&m->k->known, cell);
    if (!place || ff_vec_append(&m->k->ids, id) ||
        !ff_doc_charge(m->doc, 2 * sizeof(struct ff_cellmap_slot) + sizeof *id)) {
        return ff_doc_full(m->doc, m->e);
    }
    *place = m->k->ids.count;
    return FF_OK;
}

/* Whether it may be met again: of what was built that is not known. */
static bool may_come_again(const struct making *m, uint64_t cell)
{
    return !m->of->notes_shared || ff_cellmap_find(&m->of->shared, cell);
}

/* ---- containers ---- */

static int charge_stacks(struct making *m)
{
    size_t now = m->k->frames.count * sizeof(struct frame) +
                 m->k->values.count * sizeof(struct ff_key_id);
    if (now > m->k->charged_bytes) {
        if (!ff_doc_charge(m->doc, now - m->k->charged_bytes)) {
            return ff_doc_full(m->doc, m->e);
        }
        m->k->charged_bytes = now;
    }
    return FF_OK;
}

static void release_stacks(struct making *m)
{
    struct ff_keys *k = m->k;
    ff_doc_discharge(m->doc, k->charged_bytes);
    k->charged_bytes = 0;
    if (k->frames.capacity_count > KEPT_ITEMS || k->values.capacity_count > KEPT_ITEMS) {
        ff_vec_free(&k->frames);
        ff_vec_free(&k->values);
    }
    ff_vec_clear(&k->frames);
    ff_vec_clear(&k->values);
}

static struct ff_key_id *last_values(struct ff_keys *k, size_t count)
{
    return (struct ff_key_id *)k->values.items + (k->values.count - count);
}

/* How many ids are on the stack for `count` parts that were looked at in order. */
static size_t folded(size_t count)
{
    return count < FOLD ? count : 1 + (count - FOLD) % (FOLD - 1);
}

static int push_value(struct making *m, const struct ff_key_form *form, size_t number,
                      const struct ff_key_id *id)
{
    struct ff_keys *k = m->k;
    if (ff_vec_append(&k->values, id)) {
        return ff_doc_full(m->doc, m->e);
    }
    if (!form->unordered && folded(number) + 1 == FOLD) {
        struct ff_key_id *first = last_values(k, FOLD), all;
        ff_key_hash(k, 'h', first, FOLD * sizeof *first, &all);
        k->values.count -= FOLD - 1;
        *first = all;
    }
    return k->values.count % KEPT_ITEMS ? FF_OK : charge_stacks(m);
}

static int by_id(const void *a, const void *b)
{
    const struct ff_key_id *x = a, *y = b;
    if (x->low != y->low) {
        return x->low > y->low ? 1 : -1;
    }
    return (x->high > y->high) - (x->high < y->high);
}

static size_t sort_and_drop_twins(struct ff_key_id *id, size_t count)
{
    size_t kept = 0;
    qsort(id, count, sizeof *id, by_id);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || by_id(&id[i], &id[kept - 1]) != 0) {
            id[kept++] = id[i];
        }
    }
    return kept;
}

/* All parts have ids: the id of the whole, and theirs are gone from the stack. */
static int join(struct making *m, const struct ff_key_form *form, struct ff_key_id *id)
{
    struct ff_keys *k = m->k;
    size_t count = form->unordered ? form->count : folded(form->count);
    struct ff_key_id *value = count ? last_values(k, count) : id;
    size_t size = sizeof *value * count;
    if (form->unordered) {
        size = sizeof *value * (count ? sort_and_drop_twins(value, count) : 0);
        ff_key_hash(k, 'f', value, size, id);
    } else if (!*form->name) {
        ff_key_hash(k, 't', value, size, id);
    } else {
        ff_buf_clear(&k->bytes);
        if (ff_buf_append_text(&k->bytes, form->name) ||
            ff_buf_append_byte(&k->bytes, 0) ||
            ff_buf_append(&k->bytes, form->data, sizeof form->data) ||
            ff_buf_append(&k->bytes, value, size)) {
            return ff_doc_full(m->doc, m->e);
        }
        ff_key_hash(k, 'c', k->bytes.data, k->bytes.length_bytes, id);
    }
    k->values.count -= count;
    return FF_OK;
}

static bool is_hashable(const struct ff_keys *k, unsigned tag)
{
    return tag != FF_TAG_LIST && tag != FF_TAG_DICT &&
           (k->unhashable_too || (tag != FF_TAG_SET && tag != FF_TAG_BYTEARRAY));
}

/* Count a step, and as many as what was hashed is long. */
static int count_steps(struct making *m)
{
    m->doc->key_steps += 1 + m->k->work_bytes / STEP_BYTES;
    m->k->work_bytes %= STEP_BYTES;
    if (m->doc->key_steps > m->doc->max_key_steps) {
        return ff_fail(m->e, FF_E_LIMIT, NULL, "more than %llu steps to tell keys apart",
                       (unsigned long long)m->doc->max_key_steps);
    }
    return FF_OK;
}

static int look_at_leaf(struct making *m, uint64_t cell, bool keep, struct ff_key_id *id)
{
    int kind = id_of_leaf(m->k, cell, id);
    if (kind == FF_KEY_ID && keep && may_come_again(m, cell)) {
        return remember(m, cell, id) ? m->e->code : FF_KEY_ID;
    }
    return kind < 0 ? ff_doc_full(m->doc, m->e) : kind;
}

/* FF_KEY_ID or FF_KEY_PARTS; else a failure, below 0. */
static int look(struct making *m, uint64_t cell, struct ff_key_form *form)
{
    unsigned tag = ff_tag(cell);
    int kind = FF_KEY_NO_FORM;
    bool keep = tag >= FF_TAG_LIST || is_long(cell);
    if (keep && find_known(m->k, cell, &form->id)) {
        return FF_KEY_ID;
    }
    if (count_steps(m)) {
        return m->e->code;
    }
    if (!is_hashable(m->k, tag)) {
        kind = FF_KEY_UNHASHABLE;
    } else if (tag >= FF_TAG_LIST) {
        kind = ff_key_form(m->k, ff_value_of(m->of, cell), form);
    }
    if (kind == FF_KEY_UNHASHABLE) {
        return ff_fail(m->e, FF_E_CORRUPT, NULL, "a %s cannot be a key",
                       ff_kind_name(ff_kind(ff_value_of(m->of, cell))));
    }
    if (kind == FF_KEY_NO_FORM) {
        return look_at_leaf(m, cell, keep, &form->id);
    }
    return kind < 0 ? ff_doc_full(m->doc, m->e) : kind;
}

static int enter(struct making *m, uint64_t cell)
{
    struct frame f = {cell, 0};
    if (ff_vec_append(&m->k->frames, &f)) {
        return ff_doc_full(m->doc, m->e);
    }
    if (may_come_again(m, cell)) {
        uint64_t *place = ff_cellmap_put(&m->k->known, cell);
        if (!place) {
            return ff_doc_full(m->doc, m->e);
        }
        *place = BEING_MADE;
    }
    return m->k->frames.count % KEPT_ITEMS ? FF_OK : charge_stacks(m);
}

/* Look at the parts of the innermost container until one has parts itself: that one is the
 * innermost then, `form` its form, and FF_KEY_PARTS is given. FF_KEY_ID: there are no more. Or
 * a failure. */
static int go_on(struct making *m, struct ff_key_form *form)
{
    struct ff_key_form part;
    struct frame *f = ff_vec_last(&m->k->frames);
    for (size_t i = f->next; i < form->count; i++) {
        uint64_t cell = form->cells[i];
        int kind = look(m, cell, &part);
        if (kind == FF_KEY_PARTS) {
            f->next = i;
            *form = part;
            kind = enter(m, cell);
            return kind ? kind : FF_KEY_PARTS;
        }
        kind = kind < 0 ? kind : push_value(m, form, i, &part.id);
        if (kind) {
            return kind;
        }
    }
    return FF_KEY_ID;
}

/* The innermost container has its id: it is a part of the one around it. */
static int leave(struct making *m, const struct ff_key_id *id, struct ff_key_form *form)
{
    struct ff_keys *k = m->k;
    struct frame *f = ff_vec_last(&k->frames);
    int failed = k->frames.count == 1 || may_come_again(m, f->cell)
                     ? remember(m, f->cell, id)
                     : FF_OK;
    ff_vec_pop(&k->frames);
    f = ff_vec_last(&k->frames);
    if (failed || !f) {
        return failed;
    }
    if (ff_key_form(k, ff_value_of(m->of, f->cell), form) != FF_KEY_PARTS) {
        return ff_doc_full(m->doc, m->e);
    }
    return push_value(m, form, f->next++, id);
}

static int make_of_parts(struct making *m, uint64_t cell, struct ff_key_form *form,
                         struct ff_key_id *id)
{
    int result = enter(m, cell);
    while (!result && m->k->frames.count) {
        result = go_on(m, form);
        if (result == FF_KEY_ID) {
            result = join(m, form, id);
            result = result ? result : leave(m, id, form);
        } else if (result == FF_KEY_PARTS) {
            result = FF_OK;
        }
    }
    release_stacks(m);
    return result;
}

static int make(struct making *m, uint64_t cell, struct ff_key_id *id)
{
    struct ff_key_form form;
    int kind = look(m, cell, &form);
    if (kind == FF_KEY_PARTS) {
        kind = make_of_parts(m, cell, &form, id);
        if (kind) {
            forget(m->k); /* what was being made would count as known */
        }
        return kind;
    }
    *id = form.id;
    bool known = ff_cellmap_find(&m->k->known, cell);
    return kind < 0 ? kind : known ? FF_OK : remember(m, cell, id);
}

int ff_key_id(struct ff_doc *doc, struct ff_value key, struct ff_key_id *id,
              struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    if (ff_tag(key.cell) == FF_TAG_INT) {
        *id = (struct ff_key_id){key.cell, 0};
        return FF_OK;
    }
    struct making m = {doc, keys_of(doc), key.doc, e ? e : &own};
    if (!m.k) {
        return ff_doc_full(doc, e);
    }
    if (is_cheap(ff_tag(key.cell))) {
        (void)id_of_leaf(m.k, key.cell, id); /* it has no need of memory */
        return FF_OK;
    }
    if (find_known(m.k, key.cell, id)) {
        return FF_OK;
    }
    int failed = make(&m, key.cell, id);
    if (key.doc != doc) { /* its cells may be of memory that goes before this document */
        forget(m.k);
    }
    return failed;
}

int ff_key_id_of_any(struct ff_doc *doc, struct ff_value value, struct ff_key_id *id,
                     struct ff_error *e)
{
    struct ff_keys *k = keys_of(doc);
    if (!k) {
        return ff_doc_full(doc, e);
    }
    k->unhashable_too = true;
    int failed = ff_key_id(doc, value, id, e);
    k->unhashable_too = false;
    return failed;
}
