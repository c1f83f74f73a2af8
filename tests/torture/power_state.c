/* SPDX-License-Identifier: Apache-2.0 */
/* power_state.c: one state that a power cut may leave, as a flat tree and as files. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "power_own.h"

enum { TREE_BYTES = 1 << 22, DEPTH_MAX = 8 };

bool power_state_init(struct power_state *s, struct replay *r)
{
    memset(s, 0, sizeof *s);
    s->replay = r;
    s->tree = malloc(TREE_BYTES);
    return s->tree != NULL;
}

/* ---- the bytes of a file ---- */

struct content {
    uint8_t *data;
    size_t size_bytes, room;
};

static void grow(struct content *c, size_t size_bytes)
{
    if (size_bytes > c->room) {
        c->room = size_bytes * 2;
        c->data = realloc(c->data, c->room);
        if (!c->data) {
            abort();
        }
    }
    if (size_bytes > c->size_bytes) {
        memset(c->data + c->size_bytes, 0, size_bytes - c->size_bytes);
        c->size_bytes = size_bytes;
    }
}

static void put_bytes(struct content *c, const struct replay_write *w, size_t from,
                      size_t to)
{
    size_t at = (size_t)w->offset;

    grow(c, at + to);
    memcpy(c->data + at + from, w->data + from, to - from);
}

static void put_size(struct content *c, const struct replay_write *w)
{
    size_t end = (size_t)w->offset;

    if (end < c->size_bytes && !w->grows_only) {
        c->size_bytes = end;
    }
    if (end > c->size_bytes) {
        grow(c, end);
    }
}

/* Some of the blocks of a write, by chance. */
static void put_torn(struct content *c, const struct replay_write *w, struct rng *r)
{
    size_t block = rng_below(r, 2) ? 4096 : 512, at = 0;

    while (at < w->size_bytes) {
        size_t end = ((size_t)w->offset + at) / block * block + block - (size_t)w->offset;

        end = end < w->size_bytes ? end : w->size_bytes;
        if (rng_below(r, 2)) {
            put_bytes(c, w, at, end);
        }
        at = end;
    }
}

static void put_write(struct content *c, const struct replay_write *w, enum mode mode,
                      struct rng *r)
{
    if (mode == ABSENT) {
        return;
    }
    if (!w->data) {
        if (mode != TORN || rng_below(r, 2)) {
            put_size(c, w);
        }
    } else if (mode == PRESENT) {
        put_bytes(c, w, 0, w->size_bytes);
    } else if (mode == ZERO) {
        grow(c, (size_t)w->offset + w->size_bytes);
    } else {
        put_torn(c, w, r);
    }
}

static bool is_durable(const struct replay_node *n, size_t i)
{
    return i < n->synced && !n->writes[i].lost;
}

bool power_is_unsynced(const struct replay_node *n)
{
    for (size_t i = 0; i < n->write_count; i++) {
        if (!is_durable(n, i)) {
            return true;
        }
    }
    return false;
}

static void content_of(const struct power_state *s, const struct replay_node *n,
                       enum mode mode, struct content *c)
{
    struct rng r = {s->torn_seed};
    size_t kept = 0;

    c->size_bytes = 0;
    grow(c, n->base_bytes + 1);
    c->size_bytes = n->base_bytes;
    if (n->base_bytes) {
        memcpy(c->data, n->base, n->base_bytes);
    }
    for (size_t i = 0; i < n->write_count; i++) {
        put_write(c, &n->writes[i], is_durable(n, i) ? PRESENT : mode, &r);
        kept = is_durable(n, i) ? c->size_bytes : kept;
    }
    if (mode == TORN && power_is_unsynced(n) && c->size_bytes > kept &&
        rng_below(&r, 2)) {
        c->size_bytes = kept + rng_below(&r, c->size_bytes - kept);
    }
}

/* ---- a state as a flat tree ---- */

static size_t node_index(const struct replay *r, const struct replay_node *n)
{
    size_t i = 0;

    while (i < r->node_count && r->node[i] != n) {
        i++;
    }
    return i;
}

static void copy_names(struct replay_names *to, const struct replay_names *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        replay_set(NULL, to, from->items[i].name, from->items[i].node);
    }
}

static void build_names(struct power_state *s)
{
    struct replay *r = s->replay;
    size_t next = 0;

    for (size_t i = 0; i < r->node_count; i++) {
        copy_names(&s->names[i], &r->node[i]->first);
    }
    for (size_t i = 0; i < r->meta_count; i++) {
        const struct replay_meta *meta = &r->meta[i];
        bool there = meta->durable;

        if (!there && next < s->pending_count) {
            there = s->chosen[next++];
        }
        for (int u = 0; there && u < meta->count; u++) {
            replay_set(NULL, &s->names[node_index(r, meta->update[u].folder)],
                       meta->update[u].name, meta->update[u].node);
        }
    }
}

static void emit(struct power_state *s, const void *data, size_t size_bytes)
{
    if (s->tree_bytes + size_bytes > TREE_BYTES) {
        abort();
    }
    memcpy(s->tree + s->tree_bytes, data, size_bytes);
    s->tree_bytes += size_bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct replay_entry *)a)->name,
                  ((const struct replay_entry *)b)->name);
}

static void emit_folder(struct power_state *s, const struct replay_node *folder,
                        unsigned depth, struct content *c)
{
    struct replay_names *names = &s->names[node_index(s->replay, folder)];

    if (names->count) {
        qsort(names->items, names->count, sizeof *names->items, by_name);
    }
    for (size_t i = 0; depth < DEPTH_MAX && i < names->count; i++) {
        const struct replay_node *n = names->items[i].node;
        size_t size = 0;

        emit(s, n->is_folder ? "D" : "F", 1);
        emit(s, names->items[i].name, strlen(names->items[i].name) + 1);
        if (n->is_folder) {
            emit_folder(s, n, depth + 1, c);
        } else {
            content_of(s, n, s->mode[node_index(s->replay, n)], c);
            size = c->size_bytes;
            emit(s, &size, sizeof size);
            emit(s, c->data, size);
        }
    }
    emit(s, "E", 1);
}

void power_flatten(struct power_state *s)
{
    static struct content c;

    s->tree_bytes = 0;
    build_names(s);
    emit_folder(s, s->replay->top, 0, &c);
}

/* Writes the flat tree out; returns where the folder's records end. */
static const uint8_t *write_folder(const uint8_t *at, const char *path)
{
    while (*at != 'E') {
        bool is_folder = *at == 'D';
        const char *name = (const char *)at + 1;
        char child[PATH_BYTES * 2];
        size_t size;
        int fd;

        at += strlen(name) + 2;
        (void)snprintf(child, sizeof child, "%s/%s", path, name);
        if (is_folder) {
            (void)mkdir(child, 0777);
            at = write_folder(at, child);
            continue;
        }
        memcpy(&size, at, sizeof size);
        fd = open(child, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 || write(fd, at + sizeof size, size) != (ssize_t)size || close(fd)) {
            abort();
        }
        at += sizeof size + size;
    }
    return at + 1;
}

void power_write(const struct power_state *s, const char *folder)
{
    (void)write_folder(s->tree, folder);
}
