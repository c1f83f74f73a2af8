/* SPDX-License-Identifier: Apache-2.0 */
/* memory_store.c: the stores of the protocol "memory": names sorted in one vector, bytes
 * that live as long as anybody holds them. */
#include <string.h>

#include "core/base/alloc.h"
#include "memory.h"

/* Tests close a storage and open it again, also from another host: what ties the two
 * together can only be the process, and the services that a host offers keep no pointers.
 * So this is the one mutable global: a locked list of stores, empty when the last
 * instance is gone. */
static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem_store *registry;
static uint64_t registry_count; /* stores ever made: a name for those that have none */

static struct mem_store *store_new(const char *name)
{
    struct mem_store *s = ff_calloc(1, sizeof *s);
    struct ff_buf identity;

    if (!s || pthread_mutex_init(&s->lock, NULL)) {
        ff_free(s);
        return NULL;
    }
    ff_buf_init(&identity, 4096);
    registry_count++;
    s->named = *name != 0;
    if (*name ? ff_buf_printf(&identity, "memory:%s", name)
              : ff_buf_printf(&identity, "memory:#%llu",
                              (unsigned long long)registry_count)) {
        ff_buf_free(&identity);
        pthread_mutex_destroy(&s->lock);
        ff_free(s);
        return NULL;
    }
    s->identity = (char *)ff_buf_steal(&identity, NULL);
    ff_vec_init(&s->entries, sizeof(struct mem_entry), SIZE_MAX / 64);
    return s;
}

struct mem_store *mem_store_open(const char *name)
{
    struct mem_store *s = NULL;

    pthread_mutex_lock(&registry_lock);
    if (*name) {
        for (s = registry; s && strcmp(s->identity + strlen("memory:"), name);
             s = s->next) {
        }
    }
    if (!s) {
        s = store_new(name);
        if (s) {
            s->next = registry;
            registry = s;
        }
    }
    if (s) {
        s->refs++;
    }
    pthread_mutex_unlock(&registry_lock);
    return s;
}

static void store_free(struct mem_store *s)
{
    while (s->entries.count) {
        mem_erase(s, s->entries.count - 1);
    }
    ff_vec_free(&s->entries);
    pthread_mutex_destroy(&s->lock);
    ff_free(s->identity);
    ff_free(s);
}

void mem_store_close(struct mem_store *s)
{
    struct mem_store **at;
    bool last;

    pthread_mutex_lock(&registry_lock);
    last = --s->refs == 0;
    for (at = &registry; last && *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    pthread_mutex_unlock(&registry_lock);
    if (last) {
        store_free(s);
    }
}

struct mem_blob *mem_blob_new(size_t size_bytes, int64_t now_ns)
{
    struct mem_blob *b = ff_calloc(1, sizeof *b);

    if (!b || pthread_rwlock_init(&b->lock, NULL)) {
        ff_free(b);
        return NULL;
    }
    atomic_init(&b->refs, 1);
    b->mtime_ns = now_ns;
    ff_buf_init(&b->bytes, SIZE_MAX);
    if (ff_buf_reserve(&b->bytes, size_bytes)) {
        mem_blob_unref(b);
        return NULL;
    }
    ff_buf_added(&b->bytes, size_bytes);
    return b;
}

struct mem_blob *mem_blob_ref(struct mem_blob *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void mem_blob_unref(struct mem_blob *b)
{
    if (b && atomic_fetch_sub(&b->refs, 1) == 1) {
        ff_buf_free(&b->bytes);
        pthread_rwlock_destroy(&b->lock);
        ff_free(b);
    }
}

int64_t mem_now_ns(const struct mem_inst *inst)
{
    return ff_sys_now_ns(inst->sys, CLOCK_REALTIME);
}

struct mem_entry *mem_at(const struct mem_store *s, size_t index)
{
    return ff_vec_at(&s->entries, index);
}

bool mem_find(const struct mem_store *s, const char *name, size_t *index)
{
    size_t low = 0, high = s->entries.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(mem_at(s, middle)->name, name);

        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *index = low;
    return false;
}

int mem_insert(struct mem_store *s, size_t index, char *name, struct mem_blob *blob)
{
    struct mem_entry *at;

    if (!ff_vec_push(&s->entries)) {
        return FF_E_NO_MEMORY;
    }
    at = mem_at(s, index);
    memmove(at + 1, at, (s->entries.count - 1 - index) * sizeof *at);
    *at = (struct mem_entry){.name = name, .blob = blob, .stamp = ++s->stamp};
    return FF_OK;
}

bool mem_is_shared(const struct mem_store *s, const struct mem_blob *blob)
{
    size_t names = 0;

    for (size_t i = 0; i < s->entries.count; i++) {
        names += mem_at(s, i)->blob == blob;
    }
    return names > 1;
}

void mem_erase(struct mem_store *s, size_t index)
{
    struct mem_entry *at = mem_at(s, index);

    ff_free(at->name);
    mem_blob_unref(at->blob);
    memmove(at, at + 1, (s->entries.count - 1 - index) * sizeof *at);
    ff_vec_pop(&s->entries);
}

static bool name_is_good(const char *name)
{
    const char *part = name;

    for (;;) {
        size_t length = strcspn(part, "/");

        if (length == 0 || (length == 1 && part[0] == '.') ||
            (length == 2 && part[0] == '.' && part[1] == '.')) {
            return false;
        }
        if (!part[length]) {
            return true;
        }
        part += length + 1;
    }
}

char *mem_full_name(const struct mem_bound *b, const char *name, struct ff_error *e)
{
    size_t folder_bytes = strlen(b->folder), name_bytes;
    char *full;

    if (!name || !name_is_good(name)) {
        ff_fail(e, FF_E_USAGE, name, "not a name of an object");
        return NULL;
    }
    name_bytes = strlen(name) + 1;
    full = ff_malloc(folder_bytes + name_bytes);
    if (!full) {
        ff_fail(e, FF_E_NO_MEMORY, name, "no memory for its name");
        return NULL;
    }
    memcpy(full, b->folder, folder_bytes);
    memcpy(full + folder_bytes, name, name_bytes);
    return full;
}

int mem_check_call(const struct mem_inst *inst, const struct ff_call *call,
                   struct ff_error *e)
{
    if (ff_cancelled(call)) {
        return ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
    }
    if (FF_HAS(call, ff_call, deadline_ns)) {
        int64_t deadline = call->deadline_ns(call);

        if (deadline < INT64_MAX &&
            ff_sys_now_ns(inst->sys, CLOCK_MONOTONIC) >= deadline) {
            return ff_fail(e, FF_E_DEADLINE, NULL, "the deadline passed");
        }
    }
    return FF_OK;
}
