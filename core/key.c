/* SPDX-License-Identifier: Apache-2.0 */
/* key.c: Python's equality of keys. Every hashable value has a word, and equal values
 * have equal words: small integers are their own word, all else is looked up by content
 * in a table (hash consing), children first. So a key costs what it is long, however it
 * is nested, and nothing here recurs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/buf.h"
#include "core/base/hash.h"
#include "core/key_object.h"
#include "doc.h"

/* A part that is met again inside itself counts as this word. */
#define BEING_MADE 1u

struct entry {
    uint64_t hash;
    size_t size_bytes;
    uint8_t bytes[];
};

struct ff_keys {
    struct entry **slot;
    size_t slot_count, used;
    struct ff_cellmap words; /* cells whose word is known, or being made */
    struct ff_buf bytes;
    struct ff_vec stack; /* uint64_t cells */
};

static struct ff_keys *keys_of(struct ff_doc *doc)
{
    if (!doc->keys) {
        struct ff_keys *k = ff_calloc(1, sizeof *k);
        if (k) {
            ff_cellmap_init(&k->words);
            ff_buf_init(&k->bytes, SIZE_MAX / 2);
            ff_vec_init(&k->stack, sizeof(uint64_t), SIZE_MAX / 16);
        }
        doc->keys = k;
    }
    return doc->keys;
}

void ff_keys_free(struct ff_keys *k)
{
    if (k) {
        ff_free(k->slot);
        ff_cellmap_free(&k->words);
        ff_buf_free(&k->bytes);
        ff_vec_free(&k->stack);
        ff_free(k);
    }
}

static int grow_table(struct ff_doc *doc, struct ff_keys *k)
{
    size_t count = k->slot_count ? 2 * k->slot_count : 64;
    struct entry **slot = ff_calloc(count, sizeof *slot);
    if (!slot || !ff_doc_charge(doc, count / 2 * sizeof *slot)) {
        ff_free(slot);
        return -1;
    }
    for (size_t i = 0; i < k->slot_count; i++) {
        struct entry *entry = k->slot[i];
        for (size_t at = entry ? entry->hash & (count - 1) : 0; entry;
             at = (at + 1) & (count - 1)) {
            if (!slot[at]) {
                slot[at] = entry;
                break;
            }
        }
    }
    ff_free(k->slot);
    k->slot = slot;
    k->slot_count = count;
    return 0;
}

/* The word of some canonical bytes. 0 = no memory. */
static uint64_t intern(struct ff_doc *doc, const void *bytes, size_t size_bytes)
{
    struct ff_keys *k = doc->keys;
    if (k->used * 2 >= k->slot_count && grow_table(doc, k)) {
        return 0;
    }
    uint64_t hash = ff_siphash13(doc->hash_key, bytes, size_bytes);
    size_t at = hash & (k->slot_count - 1);
    for (; k->slot[at]; at = (at + 1) & (k->slot_count - 1)) {
        struct entry *entry = k->slot[at];
        if (entry->hash == hash && entry->size_bytes == size_bytes &&
            memcmp(entry->bytes, bytes, size_bytes) == 0) {
            return ff_cell(FF_TAG_WORD, entry);
        }
    }
    struct entry *made = ff_doc_alloc(doc, sizeof *made + size_bytes);
    if (!made) {
        return 0;
    }
    made->hash = hash;
    made->size_bytes = size_bytes;
    memcpy(made->bytes, bytes, size_bytes);
    k->slot[at] = made;
    k->used++;
    return ff_cell(FF_TAG_WORD, made);
}

uint64_t ff_key_word_tagged(struct ff_doc *doc, uint8_t tag, const void *data,
                            size_t size_bytes)
{
    struct ff_buf *b = &doc->keys->bytes;
    ff_buf_clear(b);
    if (ff_buf_append_byte(b, tag) || ff_buf_append(b, data, size_bytes)) {
        return 0;
    }
    return intern(doc, b->data, b->length_bytes);
}

/* A float equals the integer that it is; NaN equals itself only. */
uint64_t ff_key_word_float(struct ff_doc *doc, double value, uint64_t identity)
{
    if (isnan(value)) {
        return ff_key_word_tagged(doc, 'I', &identity, sizeof identity);
    }
    if (value >= (double)FF_INLINE_INT_MIN && value <= (double)FF_INLINE_INT_MAX &&
        (double)(int64_t)value == value && (int64_t)value <= FF_INLINE_INT_MAX) {
        return ff_cell_of_int((int64_t)value);
    }
    return ff_key_word_tagged(doc, 'F', &value, sizeof value);
}

/* Whether an integer beyond the inline ones is exactly a double. */
static bool exact_double(const uint8_t *bytes, size_t size, double *out)
{
    if (size > 129) {
        return false;
    }
    bool negative = (bytes[size - 1] & 0x80) != 0;
    double value = 0;
    unsigned carry = negative;
    size_t lowest = SIZE_MAX, highest = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned byte = (negative ? (uint8_t)~bytes[i] : bytes[i]) + carry;
        carry = byte >> 8;
        byte &= 0xff;
        for (size_t bit = 0; bit < 8; bit++) {
            if (byte >> bit & 1) {
                lowest = lowest == SIZE_MAX ? 8 * i + bit : lowest;
                highest = 8 * i + bit;
            }
        }
        value += ldexp((double)byte, (int)(8 * i));
    }
    if (carry) { /* -2^(8 size) */
        value += ldexp(1.0, (int)(8 * size));
        highest = 8 * size;
        lowest = lowest == SIZE_MAX ? highest : lowest;
    }
    *out = negative ? -value : value;
    return lowest != SIZE_MAX && highest < 1024 && highest - lowest < 53;
}

uint64_t ff_key_word_big(struct ff_doc *doc, const uint8_t *bytes, size_t size)
{
    while (size > 1 && (bytes[size - 1] == 0 || bytes[size - 1] == 0xff) &&
           (bytes[size - 1] & 0x80) == (bytes[size - 2] & 0x80)) {
        size--;
    }
    double exact;
    if (size && exact_double(bytes, size, &exact)) {
        return ff_key_word_float(doc, exact, 0);
    }
    return ff_key_word_tagged(doc, 'L', bytes, size);
}

static uint64_t word_of_global(struct ff_doc *doc, uint64_t cell)
{
    const struct ff_global_node *g = ff_cell_node(cell);
    struct ff_buf *b = &doc->keys->bytes;
    const char *module, *name;
    size_t module_size, name_size;
    if (!ff_cell_text(g->module, &module, &module_size) ||
        !ff_cell_text(g->name, &name, &name_size)) {
        return ff_key_word_tagged(doc, 'I', &cell, sizeof cell);
    }
    ff_buf_clear(b);
    if (ff_buf_append_byte(b, 'g') ||
        ff_buf_append(b, &module_size, sizeof module_size) ||
        ff_buf_append(b, module, module_size) || ff_buf_append(b, name, name_size)) {
        return 0;
    }
    return intern(doc, b->data, b->length_bytes);
}

/* The word of what has no children. */
static uint64_t word_of_leaf(struct ff_doc *doc, uint64_t cell)
{
    const char *text;
    const uint8_t *bytes;
    size_t size;
    switch (ff_tag(cell)) {
    case FF_TAG_FALSE:
        return ff_cell_of_int(0);
    case FF_TAG_TRUE:
        return ff_cell_of_int(1);
    case FF_TAG_NONE:
    case FF_TAG_INT:
        return cell;
    case FF_TAG_FLOAT:
        return ff_key_word_float(doc, ff_cell_float(cell), cell);
    case FF_TAG_BIGINT:
        bytes = ff_code_payload(ff_cell_code(cell), &size);
        return ff_key_word_big(doc, bytes, size);
    case FF_TAG_GLOBAL:
        return word_of_global(doc, cell);
    default:
        break;
    }
    if (ff_cell_text(cell, &text, &size)) {
        return ff_key_word_tagged(doc, 's', text, size);
    }
    if (ff_cell_bytes(cell, &bytes, &size)) {
        return ff_key_word_tagged(doc, 'b', bytes, size);
    }
    return ff_key_word_tagged(doc, 'I', &cell, sizeof cell);
}

/* ---- composites ---- */

static int by_word(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* All children have words: the word of the whole. */
static uint64_t join(struct ff_doc *doc, uint64_t cell, const struct ff_key_form *form)
{
    struct ff_keys *k = doc->keys;
    size_t count = form->count;
    uint64_t *words = ff_malloc((count + 1) * sizeof *words);
    if (!words) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = *ff_cellmap_find(&k->words, form->cells[i]);
    }
    if (form->unordered) {
        qsort(words, count, sizeof *words, by_word);
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            if (i == 0 || words[i] != words[i - 1]) {
                words[kept++] = words[i];
            }
        }
        count = kept;
    }
    uint64_t word = form->finish ? form->finish(doc, cell, form) : FF_KEY_BY_PARTS;
    struct ff_buf *b = &k->bytes;
    if (word != FF_KEY_BY_PARTS) {
        ff_free(words);
        return word;
    }
    word = 0;
    ff_buf_clear(b);
    if (!ff_buf_append_byte(b, form->unordered ? 'f' : 't') &&
        !ff_buf_append_text(b, form->name) && !ff_buf_append_byte(b, 0) &&
        !ff_buf_append(b, words, count * sizeof *words)) {
        word = intern(doc, b->data, b->length_bytes);
    }
    ff_free(words);
    return word;
}

static bool hashable(unsigned tag)
{
    return tag != FF_TAG_LIST && tag != FF_TAG_DICT && tag != FF_TAG_SET &&
           tag != FF_TAG_BYTEARRAY;
}

/* Push the children that have no word yet. How many, or -1. */
static int64_t push_children(struct ff_keys *k, const struct ff_key_form *form)
{
    int64_t pushed = 0;
    for (size_t i = 0; i < form->count; i++) {
        if (!ff_cellmap_find(&k->words, form->cells[i])) {
            if (ff_vec_append(&k->stack, &form->cells[i])) {
                return -1;
            }
            pushed++;
        }
    }
    return pushed;
}

/* One turn for the cell on top of the stack: 1 = its word is made, 0 = children first. */
static int turn(struct ff_doc *doc, uint64_t cell, uint64_t *word, struct ff_error *e)
{
    struct ff_keys *k = doc->keys;
    struct ff_key_form form;
    const uint64_t *known = ff_cellmap_find(&k->words, cell);
    if (known && *known != BEING_MADE) {
        *word = *known;
        return 1;
    }
    if (++doc->key_steps > doc->max_key_steps) {
        return ff_fail(e, FF_E_LIMIT, NULL, "more than %llu steps to tell keys apart",
                       (unsigned long long)doc->max_key_steps);
    }
    if (!hashable(ff_tag(cell))) {
        return ff_fail(e, FF_E_CORRUPT, NULL, "a %s cannot be a key",
                       ff_kind_name(ff_kind(ff_value_of(doc, cell))));
    }
    if (!ff_key_form(doc, cell, &form)) {
        *word = word_of_leaf(doc, cell);
    } else {
        uint64_t *place = ff_cellmap_put(&k->words, cell);
        if (!place) {
            return ff_doc_full(doc, e);
        }
        *place = BEING_MADE;
        int64_t pushed = push_children(k, &form);
        if (pushed > 0) {
            return 0;
        }
        *word = pushed < 0 ? 0 : join(doc, cell, &form);
    }
    return *word ? 1 : ff_doc_full(doc, e);
}

static uint64_t run(struct ff_doc *doc, uint64_t cell, struct ff_error *e)
{
    struct ff_keys *k = doc->keys;
    ff_vec_clear(&k->stack);
    uint64_t word = 0;
    if (ff_vec_append(&k->stack, &cell)) {
        ff_doc_full(doc, e);
        return 0;
    }
    while (k->stack.count) {
        uint64_t top = *(uint64_t *)ff_vec_last(&k->stack);
        int done = turn(doc, top, &word, e);
        if (done < 0) {
            ff_cellmap_free(&k->words);
            return 0;
        }
        if (done) {
            ff_vec_pop(&k->stack);
            uint64_t *place = ff_cellmap_put(&k->words, top);
            if (!place || !ff_doc_charge(doc, 2 * sizeof(struct ff_cellmap_slot))) {
                ff_doc_full(doc, e);
                return 0;
            }
            *place = word;
        }
    }
    return word;
}

uint64_t ff_key_word(struct ff_doc *doc, uint64_t cell, bool foreign, struct ff_error *e)
{
    if (ff_tag(cell) == FF_TAG_INT) {
        return cell;
    }
    struct ff_keys *k = keys_of(doc);
    if (!k) {
        ff_doc_full(doc, e);
        return 0;
    }
    const uint64_t *known = ff_cellmap_find(&k->words, cell);
    if (known) {
        return *known;
    }
    uint64_t word = run(doc, cell, e);
    if (foreign) { /* its cells may be of memory that goes before this document */
        ff_cellmap_free(&k->words);
    }
    return word;
}
