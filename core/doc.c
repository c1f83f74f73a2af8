/* SPDX-License-Identifier: Apache-2.0 */
/* doc.c: documents: references, memory, and what they own. */
#include "doc.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/sys.h"

#define FIRST_CHUNK_BYTES 4096u
#define LAST_CHUNK_BYTES  (4u << 20)

struct ff_chunk {
    struct ff_chunk *next;
    size_t size_bytes;
    uint64_t bytes[];
};

struct ff_lazy {
    struct ff_lazy *next;
    uint64_t bytes[];
};

struct ff_doc *ff_doc_mutable(const struct ff_doc *doc)
{
    return (struct ff_doc *)(uintptr_t)doc;
}

static void init_members(struct ff_doc *doc)
{
    atomic_init(&doc->refs, 1);
    atomic_init(&doc->lazies, NULL);
    doc->protocol = -1;
    doc->max_bytes = UINT64_MAX;
    doc->max_key_steps = UINT64_MAX;
    doc->next_chunk_bytes = FIRST_CHUNK_BYTES;
    ff_vec_init(&doc->blocks, sizeof(void *), SIZE_MAX / sizeof(void *));
    ff_vec_init(&doc->arrays, sizeof(struct ff_array *), SIZE_MAX / sizeof(void *));
    ff_vec_init(&doc->natives, sizeof(struct ff_native_box *), SIZE_MAX / sizeof(void *));
    ff_vec_init(&doc->effects, sizeof(struct ff_effect),
                SIZE_MAX / sizeof(struct ff_effect));
    ff_vec_init(&doc->children, sizeof(struct ff_doc *), SIZE_MAX / sizeof(void *));
    ff_vec_init(&doc->held, sizeof(struct ff_doc *), SIZE_MAX / sizeof(void *));
    ff_cellmap_init(&doc->kept);
    ff_cellmap_init(&doc->shared);
}

struct ff_doc *ff_doc_new(struct ff_error *e)
{
    if (e && e->code) {
        return NULL;
    }
    struct ff_doc *doc = ff_calloc(1, sizeof *doc);
    if (!doc) {
        ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a document");
        return NULL;
    }
    init_members(doc);
    int failed = ff_sys_random(&ff_sys_posix, doc->hash_key, sizeof doc->hash_key);
    if (failed) {
        ff_free(doc);
        ff_fail(e, FF_E_IO, NULL, "no random bytes for a hash key: %s",
                strerror(-failed));
        return NULL;
    }
    (void)pthread_mutex_init(&doc->lock, NULL); /* cannot fail with default attributes */
    (void)pthread_cond_init(&doc->opened, NULL);
    return doc;
}

struct ff_doc *ff_doc_ref(struct ff_doc *doc)
{
    if (doc) {
        atomic_fetch_add_explicit(&doc->refs, 1, memory_order_relaxed);
        if (doc->parent) {
            ff_doc_ref(ff_doc_mutable(doc->parent));
        }
    }
    return doc;
}

static void release_natives(struct ff_doc *doc)
{
    struct ff_native_box **box = doc->natives.items;
    for (size_t i = 0; i < doc->natives.count; i++) {
        if (atomic_fetch_sub(&box[i]->refs, 1) == 1) {
            if (box[i]->release) {
                box[i]->release(box[i]->thing);
            }
            ff_free(box[i]);
        }
    }
}

static void release_arrays(struct ff_doc *doc)
{
    for (size_t i = 0; i < doc->kept.slot_count; i++) {
        if (doc->kept.slot[i].key) {
            ff_array_free((struct ff_array *)(uintptr_t)doc->kept.slot[i].value);
        }
    }
    struct ff_array **array = doc->arrays.items;
    for (size_t i = 0; i < doc->arrays.count; i++) {
        ff_array_free(array[i]);
    }
}

static void release_memory(struct ff_doc *doc)
{
    void **block = doc->blocks.items;
    for (size_t i = 0; i < doc->blocks.count; i++) {
        ff_free(block[i]);
    }
    for (struct ff_chunk *c = doc->chunks, *next; c; c = next) {
        next = c->next;
        ff_free(c);
    }
    for (struct ff_lazy *l = atomic_load(&doc->lazies), *next; l; l = next) {
        next = l->next;
        ff_free(l);
    }
}

static void release_vecs(struct ff_doc *doc)
{
    ff_vec_free(&doc->blocks);
    ff_vec_free(&doc->arrays);
    ff_vec_free(&doc->natives);
    ff_vec_free(&doc->effects);
    ff_vec_free(&doc->children);
    ff_vec_free(&doc->held);
    ff_keys_free(doc->keys);
    ff_cellmap_free(&doc->kept);
    ff_cellmap_free(&doc->shared);
}

/* What the document owns, but not other documents. */
static void destroy(struct ff_doc *doc)
{
    release_arrays(doc);
    release_natives(doc);
    if (doc->has_resolver && doc->resolver.release) {
        doc->resolver.release(doc->resolver.ctx);
    }
    if (doc->input_release) {
        doc->input_release(doc->input_owner);
    }
    release_memory(doc);
    release_vecs(doc);
    (void)pthread_mutex_destroy(&doc->lock);
    (void)pthread_cond_destroy(&doc->opened);
    ff_free(doc);
}

/* One reference less, and one less of the documents above. When the last is gone the
 * document goes to the front of the list of the dying, linked through `parent`. */
static struct ff_doc *unref(struct ff_doc *doc, struct ff_doc *dying)
{
    while (doc) {
        struct ff_doc *parent = ff_doc_mutable(doc->parent);
        if (atomic_fetch_sub_explicit(&doc->refs, 1, memory_order_acq_rel) == 1) {
            doc->parent = dying;
            dying = doc;
        }
        doc = parent;
    }
    return dying;
}

/* The reference that a parent has to what was resolved for it. */
static struct ff_doc *unref_child(struct ff_doc *child, struct ff_doc *dying)
{
    if (atomic_fetch_sub_explicit(&child->refs, 1, memory_order_acq_rel) == 1) {
        child->parent = dying;
        dying = child;
    }
    return dying;
}

void ff_doc_free(struct ff_doc *doc)
{
    struct ff_doc *dying = unref(doc, NULL);
    while (dying) {
        struct ff_doc *dead = dying;
        dying = ff_doc_mutable(dead->parent);
        struct ff_doc **other = dead->children.items;
        for (size_t i = 0; i < dead->children.count; i++) {
            dying = unref_child(other[i], dying);
        }
        other = dead->held.items;
        for (size_t i = 0; i < dead->held.count; i++) {
            dying = unref(other[i], dying);
        }
        destroy(dead);
    }
}

/* ---- memory ---- */

static bool add_chunk(struct ff_doc *doc, size_t size_bytes)
{
    size_t want = doc->next_chunk_bytes;
    if (want < size_bytes) {
        want = size_bytes;
    }
    if (want > SIZE_MAX / 2) {
        return false;
    }
    struct ff_chunk *chunk = ff_malloc(sizeof *chunk + want);
    if (!chunk) {
        return false;
    }
    chunk->next = doc->chunks;
    chunk->size_bytes = want;
    doc->chunks = chunk;
    doc->free_at = (uint8_t *)chunk->bytes;
    doc->free_end = doc->free_at + want;
    if (doc->next_chunk_bytes < LAST_CHUNK_BYTES) {
        doc->next_chunk_bytes *= 2;
    }
    return true;
}

bool ff_doc_charge(struct ff_doc *doc, size_t size_bytes)
{
    if (doc->max_bytes - doc->used_bytes < size_bytes) {
        doc->used_bytes = doc->max_bytes + (doc->max_bytes < UINT64_MAX);
        return false;
    }
    doc->used_bytes += size_bytes;
    return true;
}

void ff_doc_discharge(struct ff_doc *doc, size_t size_bytes)
{
    if (doc->used_bytes <= doc->max_bytes) {
        doc->used_bytes -= size_bytes;
    }
}

void *ff_doc_alloc(struct ff_doc *doc, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t size = ((size_bytes ? size_bytes : 1u) + 7u) & ~(size_t)7u;
    if (doc->used_bytes > doc->max_bytes || !ff_doc_charge(doc, size)) {
        return NULL;
    }
    if ((size_t)(doc->free_end - doc->free_at) < size && !add_chunk(doc, size)) {
        return NULL;
    }
    void *memory = doc->free_at;
    doc->free_at += size;
    return memory;
}

int ff_doc_each_area(const struct ff_doc *doc,
                     int (*each)(void *ctx, const void *begin, size_t size_bytes,
                                 bool single),
                     void *ctx)
{
    struct ff_doc *own = ff_doc_mutable(doc);
    int result = 0;
    (void)pthread_mutex_lock(&own->lock); /* a search for a key may add to the arena */
    for (const struct ff_chunk *c = doc->chunks; c && !result; c = c->next) {
        result = each(ctx, c->bytes, c->size_bytes, c->size_bytes > LAST_CHUNK_BYTES);
    }
    (void)pthread_mutex_unlock(&own->lock);
    return result;
}

int ff_doc_full(const struct ff_doc *doc, struct ff_error *e)
{
    if (doc->used_bytes > doc->max_bytes) {
        return ff_fail(e, FF_E_LIMIT, NULL,
                       "the value needs more than %llu bytes of memory",
                       (unsigned long long)doc->max_bytes);
    }
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a value");
}

bool ff_doc_owns(const struct ff_doc *doc, const void *memory)
{
    uintptr_t at = (uintptr_t)memory;
    for (const struct ff_chunk *c = doc ? doc->chunks : NULL; c; c = c->next) {
        if (at - (uintptr_t)c->bytes < c->size_bytes) {
            return true;
        }
    }
    return false;
}

void *ff_doc_lazy_alloc(const struct ff_doc *doc, size_t size_bytes)
{
    struct ff_doc *own = ff_doc_mutable(doc);
    struct ff_lazy *lazy = ff_malloc(sizeof *lazy + size_bytes);
    if (!lazy) {
        return NULL;
    }
    lazy->next = atomic_load(&own->lazies);
    while (!atomic_compare_exchange_weak(&own->lazies, &lazy->next, lazy)) {
    }
    return lazy->bytes;
}

int ff_doc_hold(struct ff_doc *doc, const struct ff_doc *other)
{
    struct ff_doc **held = doc->held.items;
    if (other == doc || (doc->held.count && held[doc->held.count - 1] == other)) {
        return 0;
    }
    struct ff_doc *mine = ff_doc_mutable(other);
    int failed = ff_vec_append(&doc->held, &mine);
    if (!failed) {
        ff_doc_ref(mine);
    }
    return failed;
}

/* ---- arrays that are made from values ---- */

const struct ff_array *ff_doc_kept_array(const struct ff_doc *doc, uint64_t cell)
{
    struct ff_doc *own = ff_doc_mutable(doc);
    (void)pthread_mutex_lock(&own->lock);
    const uint64_t *found = ff_cellmap_find(&own->kept, cell);
    uint64_t array = found ? *found : 0;
    (void)pthread_mutex_unlock(&own->lock);
    return (const struct ff_array *)(uintptr_t)array;
}

const struct ff_array *ff_doc_keep_array(const struct ff_doc *doc, uint64_t cell,
                                         struct ff_array *taken)
{
    struct ff_doc *own = ff_doc_mutable(doc);
    (void)pthread_mutex_lock(&own->lock);
    uint64_t *place = ff_cellmap_put(&own->kept, cell);
    if (place && !*place) {
        *place = (uintptr_t)taken;
    }
    uint64_t array = place ? *place : 0;
    (void)pthread_mutex_unlock(&own->lock);
    if (array != (uintptr_t)taken) {
        ff_array_free(taken);
    }
    return (const struct ff_array *)(uintptr_t)array;
}

/* ---- what programs see ---- */

struct ff_value ff_doc_root(const struct ff_doc *doc)
{
    return doc && doc->root ? ff_value_of(doc, doc->root) : FF_NOTHING;
}

int ff_doc_set_root(struct ff_doc *doc, struct ff_value root, struct ff_error *e)
{
    if (e && e->code) {
        return e->code;
    }
    if (!doc || root.doc != doc || !root.cell) {
        return ff_fail(e, FF_E_USAGE, NULL, "the root must be a value of the document");
    }
    doc->root = root.cell;
    return FF_OK;
}

int ff_doc_protocol(const struct ff_doc *doc)
{
    return doc ? doc->protocol : -1;
}

const struct ff_resolver *ff_doc_resolver(const struct ff_doc *doc)
{
    return doc && doc->has_resolver ? &doc->resolver : NULL;
}
