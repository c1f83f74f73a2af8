/* SPDX-License-Identifier: Apache-2.0 */
/* index.c: finding keys in dicts and items in sets, and putting them in. Few are compared
 * one by one, many that ascend are searched by halves, all others have a hash index. */
#include "core/base/alloc.h"
#include "core/base/hash.h"
#include "core/views.h"
#include "doc.h"

#include <string.h>

#define SHORT_BYTES 128u /* longer texts are compared by their ids */

/* A key to look for. Short text and bytes by content, all else by id. */
struct probe {
    uint64_t cell;
    bool content, text;
    bool failed;         /* what it is compared with has no id: no memory */
    struct ff_key_id id; /* not by content */
    const void *data;
    size_t size_bytes;
    uint8_t decoded[SHORT_BYTES]; /* bytes as protocols 0 to 2 spell them */
};

static bool decoded_content(struct ff_value v, struct probe *p)
{
    struct ff_form f;
    bool fits = ff_form_of(v, &f) &&
                (strcmp(f.name, "_codecs.encode") == 0   ? ff_form_is_encode(&f)
                 : strcmp(f.name, "builtins.bytes") == 0 ? ff_form_is_empty(&f)
                                                         : false);
    if (!fits) {
        return false;
    }
    const char *text;
    size_t size;
    if (ff_str(ff_form_arg(&f, 0), &text, &size, NULL) == FF_OK &&
        size > 2 * SHORT_BYTES) {
        return false; /* a byte is one or two of UTF-8 */
    }
    p->data = p->decoded;
    p->size_bytes = ff_view_payload(v, p->decoded, sizeof p->decoded);
    return p->size_bytes <= SHORT_BYTES;
}

static bool by_content(struct ff_value v, struct probe *p)
{
    const char *text;
    const uint8_t *bytes;
    p->cell = v.cell;
    p->text = ff_cell_text(v.cell, &text, &p->size_bytes);
    if (p->text) {
        p->data = text;
        return p->size_bytes <= SHORT_BYTES;
    }
    if (ff_tag(v.cell) != FF_TAG_BYTEARRAY &&
        ff_cell_bytes(v.cell, &bytes, &p->size_bytes)) {
        p->data = bytes;
        return p->size_bytes <= SHORT_BYTES;
    }
    return ff_tag(v.cell) == FF_TAG_OBJECT && decoded_content(v, p);
}

static int make_probe(struct ff_doc *doc, struct ff_value key, struct probe *p,
                      struct ff_error *e)
{
    p->failed = false;
    if (ff_tag(key.cell) == FF_TAG_INT) {
        p->cell = key.cell;
        p->content = p->text = false;
        p->id = (struct ff_key_id){key.cell, 0};
        return FF_OK;
    }
    p->content = by_content(key, p);
    return p->content ? FF_OK : ff_key_id(doc, key, &p->id, e);
}

static bool matches(struct ff_doc *doc, struct probe *p, uint64_t cell)
{
    struct probe other;
    struct ff_value key = ff_value_of(doc, cell);
    if (cell == p->cell) {
        return true;
    }
    if (!p->content && ff_tag(cell) == FF_TAG_INT) {
        return p->id.low == cell && p->id.high == 0;
    }
    bool content = by_content(key, &other);
    if (p->content) {
        return content && other.text == p->text && other.size_bytes == p->size_bytes &&
               memcmp(other.data, p->data, p->size_bytes) == 0;
    }
    if (content) {
        return false;
    }
    bool known = ff_key_id(doc, key, &other.id, NULL) == FF_OK;
    p->failed = p->failed || !known;
    return known && ff_key_id_equal(&other.id, &p->id);
}

static uint64_t hash_of(const struct ff_doc *doc, const struct probe *p)
{
    if (p->content) {
        return ff_siphash13(doc->hash_key, p->data, p->size_bytes) + p->text;
    }
    uint64_t key[2];
    memcpy(key, doc->hash_key, sizeof key);
    uint64_t h = (p->id.low ^ key[0]) * (key[1] | 1u);
    h = (h ^ h >> 32) * 0x94d049bb133111ebu;
    return h ^ h >> 29;
}

/* ---- ascending keys ---- */

/* Order of two keys of one plain type: < 0, 0, > 0; *comparable tells whether they are.
 */
static int order(uint64_t a, uint64_t b, bool *comparable)
{
    unsigned tag = ff_tag(a);
    *comparable = tag == ff_tag(b) && (tag == FF_TAG_INT || tag == FF_TAG_STR);
    if (!*comparable) {
        return 0;
    }
    if (tag == FF_TAG_INT) {
        return (ff_cell_int(a) > ff_cell_int(b)) - (ff_cell_int(a) < ff_cell_int(b));
    }
    size_t x, y;
    const uint8_t *left = ff_code_payload(ff_cell_code(a), &x);
    const uint8_t *right = ff_code_payload(ff_cell_code(b), &y);
    if (x != y || x > SHORT_BYTES) {
        *comparable = x <= SHORT_BYTES && y <= SHORT_BYTES;
        return x < y ? -1 : 1;
    }
    return memcmp(left, right, x);
}

static bool ascending(const uint64_t *cells, size_t count, size_t stride)
{
    bool comparable;
    for (size_t i = 1; i < count; i++) {
        if (order(cells[(i - 1) * stride], cells[i * stride], &comparable) >= 0 ||
            !comparable) {
            return false;
        }
    }
    return count != 1 || (order(cells[0], cells[0], &comparable) == 0 && comparable);
}

/* Order of an int or a short text and a probe for such a one. */
static int order_of_probe(uint64_t there, const struct probe *p)
{
    if (!p->content) {
        int64_t a = ff_cell_int(there), b = ff_cell_int(p->id.low);
        return (a > b) - (a < b);
    }
    size_t size;
    const uint8_t *text = ff_code_payload(ff_cell_code(there), &size);
    return size != p->size_bytes ? (size < p->size_bytes ? -1 : 1)
                                 : memcmp(text, p->data, size);
}

/* All keys are ints, or all are short text: what is neither is not there. */
static int64_t by_halves(const struct ff_seq *seq, size_t stride, const struct probe *p)
{
    size_t low = 0, high = seq->count;
    bool is_int = !p->content && p->id.high == 0 && ff_tag(p->id.low) == FF_TAG_INT;
    bool is_text = p->content && p->text;
    if (ff_tag(seq->cells[0]) == FF_TAG_INT ? !is_int : !is_text) {
        return -1;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int c = order_of_probe(seq->cells[middle * stride], p);
        if (c == 0) {
            return (int64_t)middle;
        }
        low = c < 0 ? middle + 1 : low;
        high = c < 0 ? high : middle;
    }
    return -1;
}

/* ---- the index ---- */

/* -1: not there, or p->failed. */
static int64_t find(struct ff_doc *doc, const struct ff_seq *seq, size_t stride,
                    struct probe *p)
{
    if (seq->count <= FF_SMALL_DICT) {
        for (size_t i = 0; i < seq->count; i++) {
            if (matches(doc, p, seq->cells[i * stride])) {
                return (int64_t)i;
            }
        }
        return -1;
    }
    const struct ff_index *index = ff_seq_body(seq)->index;
    if (!index) {
        return by_halves(seq, stride, p);
    }
    for (size_t at = hash_of(doc, p) & index->mask; index->slot[at];
         at = (at + 1) & index->mask) {
        if (matches(doc, p, seq->cells[(index->slot[at] - 1) * stride])) {
            return (int64_t)index->slot[at] - 1;
        }
    }
    return -1;
}

static void enter(struct ff_doc *doc, struct ff_index *index, const struct probe *p,
                  size_t entry)
{
    size_t at = hash_of(doc, p) & index->mask;
    while (index->slot[at]) {
        at = (at + 1) & index->mask;
    }
    index->slot[at] = (uint32_t)(entry + 1);
}

/* A new index of twice the size that the entries need, in place of the old one. */
static int build_index(struct ff_doc *doc, struct ff_seq *seq, size_t stride,
                       struct ff_error *e)
{
    struct ff_body *body = ff_seq_body(seq);
    size_t slots = 32;
    while (slots < 3 * seq->count) {
        slots *= 2;
    }
    size_t size = sizeof(struct ff_index) + slots * sizeof(uint32_t);
    size_t block = body->index ? body->index->block : doc->blocks.count;
    if (seq->count >= UINT32_MAX - 1 || !ff_doc_charge(doc, size) ||
        (!body->index && !ff_vec_push(&doc->blocks))) {
        return ff_doc_full(doc, e);
    }
    struct ff_index *index = ff_calloc(1, size);
    if (!index) {
        if (!body->index) {
            ff_vec_pop(&doc->blocks);
        }
        return ff_doc_full(doc, e);
    }
    if (body->index) {
        ff_doc_discharge(doc, sizeof *index + (body->index->mask + 1) * sizeof(uint32_t));
        ff_free(body->index);
    }
    index->mask = slots - 1;
    index->block = block;
    body->index = index;
    *(void **)ff_vec_at(&doc->blocks, block) = index;
    for (size_t i = 0; i < seq->count; i++) {
        struct probe p;
        int failed = make_probe(doc, ff_value_of(doc, seq->cells[i * stride]), &p, e);
        if (failed) {
            return failed;
        }
        enter(doc, index, &p, i);
    }
    return FF_OK;
}

int ff_seq_index(struct ff_doc *doc, uint64_t container, struct ff_error *e)
{
    struct ff_seq *seq = ff_cell_node(container);
    size_t stride = ff_tag(container) == FF_TAG_DICT ? 2 : 1;
    if (seq->count <= FF_SMALL_DICT || ascending(seq->cells, seq->count, stride)) {
        return FF_OK;
    }
    return build_index(doc, seq, stride, e);
}

static bool lose(struct ff_doc *doc, struct ff_vec *lost, uint64_t cell)
{
    return !lost || ff_tag(cell) < FF_TAG_LIST ||
           (ff_doc_charge(doc, FF_LOST_BYTES) && ff_vec_append(lost, &cell) == 0);
}

/* The entry `at` has an equal key. */
static bool replace(struct ff_doc *doc, uint64_t *at, size_t stride,
                    const uint64_t *cells, struct ff_vec *lost)
{
    bool done = cells[0] == at[0] || lose(doc, lost, cells[0]);
    if (stride == 2 && done && cells[1] != at[1]) {
        done = lose(doc, lost, at[1]);
        at[1] = cells[1];
    }
    return done;
}

static int put_one(struct ff_doc *doc, struct ff_seq *seq, size_t stride,
                   const uint64_t *cells, struct ff_vec *lost, struct ff_error *e)
{
    struct probe p;
    int failed = make_probe(doc, ff_value_of(doc, cells[0]), &p, e);
    if (failed) {
        return failed;
    }
    int64_t at = find(doc, seq, stride, &p);
    if (at >= 0) {
        return replace(doc, seq->cells + (size_t)at * stride, stride, cells, lost)
                   ? FF_OK
                   : ff_doc_full(doc, e);
    }
    uint64_t *room =
        p.failed ? NULL : ff_seq_reserve(doc, seq, seq->count * stride, stride);
    if (!room) {
        return ff_doc_full(doc, e);
    }
    memcpy(room, cells, stride * sizeof *cells);
    seq->count++;
    if (seq->count <= FF_SMALL_DICT) {
        return FF_OK;
    }
    struct ff_index *index = ff_seq_body(seq)->index;
    if (!index || 3 * seq->count > 2 * (index->mask + 1)) {
        return build_index(doc, seq, stride, e);
    }
    enter(doc, index, &p, seq->count - 1);
    return FF_OK;
}

/* Whether all keys, old and new, are plain and ascend. */
static bool still_ascending(const struct ff_seq *seq, size_t stride,
                            const uint64_t *cells, size_t count)
{
    bool comparable;
    if (seq->count == 0) {
        return ascending(cells, count, stride);
    }
    if (ff_seq_body(seq)->index ||
        order(seq->cells[(seq->count - 1) * stride], cells[0], &comparable) >= 0 ||
        !comparable) {
        return false;
    }
    return ascending(cells, count, stride) &&
           (seq->count > FF_SMALL_DICT || ascending(seq->cells, seq->count, stride));
}

static bool same_shape(const struct ff_doc *doc, const uint64_t *cells, size_t count)
{
    if (count != doc->shape_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (cells[2 * i] != doc->shape[2 * i]) {
            return false;
        }
    }
    return true;
}

int ff_seq_put(struct ff_doc *doc, uint64_t container, const uint64_t *cells,
               size_t count, struct ff_vec *lost, struct ff_error *e)
{
    struct ff_seq *seq = ff_cell_node(container);
    size_t stride = ff_tag(container) == FF_TAG_DICT ? 2 : 1;
    bool empty = stride == 2 && seq->count == 0 && count > 0 && count <= FF_SMALL_DICT;
    if (count && ((empty && same_shape(doc, cells, count)) ||
                  still_ascending(seq, stride, cells, count))) {
        uint64_t *room = ff_seq_reserve(doc, seq, seq->count * stride, count * stride);
        if (!room) {
            return ff_doc_full(doc, e);
        }
        memcpy(room, cells, count * stride * sizeof *cells);
        seq->count += count;
    } else {
        for (size_t i = 0; i < count; i++) {
            int failed = put_one(doc, seq, stride, cells + i * stride, lost, e);
            if (failed) {
                return failed;
            }
        }
    }
    if (empty && seq->count == count) {
        doc->shape = seq->cells;
        doc->shape_count = count;
    }
    return FF_OK;
}

int64_t ff_seq_find(const struct ff_doc *doc, uint64_t container, struct ff_value key,
                    struct ff_error *e)
{
    const struct ff_seq *seq = ff_cell_node(container);
    size_t stride = ff_tag(container) == FF_TAG_DICT ? 2 : 1;
    struct ff_doc *own = ff_doc_mutable(doc);
    struct probe p;
    (void)pthread_mutex_lock(&own->lock);
    int64_t at = -2;
    if (!make_probe(own, key, &p, e)) {
        at = find(own, seq, stride, &p);
        if (p.failed) {
            (void)ff_doc_full(doc, e);
            at = -2;
        }
    }
    (void)pthread_mutex_unlock(&own->lock);
    return at;
}

int64_t ff_seq_find_text(const struct ff_doc *doc, uint64_t container, const char *text,
                         size_t size_bytes)
{
    const struct ff_seq *seq = ff_cell_node(container);
    size_t stride = ff_tag(container) == FF_TAG_DICT ? 2 : 1;
    if (size_bytes > UINT8_MAX || size_bytes > SHORT_BYTES) {
        for (size_t i = 0; i < seq->count; i++) {
            const char *other;
            size_t other_bytes;
            if (ff_cell_text(seq->cells[i * stride], &other, &other_bytes) &&
                other_bytes == size_bytes && memcmp(other, text, size_bytes) == 0) {
                return (int64_t)i;
            }
        }
        return -1;
    }
    uint8_t code[2 + SHORT_BYTES] = {0x8c, (uint8_t)size_bytes};
    memcpy(code + 2, text, size_bytes);
    struct probe p;
    (void)make_probe(ff_doc_mutable(doc), ff_value_of(doc, ff_cell(FF_TAG_STR, code)), &p,
                     NULL); /* by content: it cannot fail */
    return find(ff_doc_mutable(doc), seq, stride, &p);
}
