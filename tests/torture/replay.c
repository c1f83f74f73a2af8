/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c: follows the log call by call. */
#include "replay.h"

#include <dirent.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <unistd.h>

/* Memory of this program; without it there is no test. */
static void *need(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

/* ---- names and nodes ---- */

struct replay_node *replay_find(const struct replay_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].name, name) == 0) {
            return names->items[i].node;
        }
    }
    return NULL;
}

void replay_set(struct replay *r, struct replay_names *names, const char *name,
                struct replay_node *node)
{
    size_t i = 0;

    (void)r;
    while (i < names->count && strcmp(names->items[i].name, name) != 0) {
        i++;
    }
    if (!node) {
        if (i < names->count) {
            names->items[i] = names->items[--names->count];
        }
        return;
    }
    if (i == names->count) {
        if (names->count == names->room) {
            names->room = names->room ? names->room * 2 : 8;
            names->items =
                need(realloc(names->items, names->room * sizeof *names->items));
        }
        names->count++;
    }
    names->items[i] = (struct replay_entry){name, node};
}

static struct replay_node *node_new(struct replay *r, struct replay_node *parent,
                                    bool is_folder)
{
    struct replay_node *n = need(calloc(1, sizeof *n));

    n->parent = parent;
    n->is_folder = is_folder;
    if (r->node_count == NODE_MAX) {
        r->faulty = true;
        r->node_count--;
    }
    r->node[r->node_count++] = n;
    return n;
}

static void read_base(struct replay_node *n, const char *path)
{
    FILE *in = need(fopen(path, "rbe"));
    long size;

    (void)fseek(in, 0, SEEK_END);
    size = ftell(in);
    rewind(in);
    n->base_bytes = size > 0 ? (size_t)size : 0;
    n->base = need(malloc(n->base_bytes + 1));
    if (fread(n->base, 1, n->base_bytes, in) != n->base_bytes) {
        abort();
    }
    (void)fclose(in);
}

static const char *keep_name(struct replay *r, const char *name)
{
    r->names = need(realloc(r->names, (r->name_count + 1) * sizeof *r->names));
    r->names[r->name_count] = need(strdup(name));
    return r->names[r->name_count++];
}

static void load_folder(struct replay *r, struct replay_node *folder, const char *path)
{
    DIR *dir = need(opendir(path));
    struct dirent *d;

    while ((d = readdir(dir))) {
        char child[PATH_BYTES * 2];
        struct stat st;
        struct replay_node *n;
        const char *name;

        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) {
            continue;
        }
        (void)snprintf(child, sizeof child, "%s/%s", path, d->d_name);
        if (lstat(child, &st)) {
            abort();
        }
        n = node_new(r, folder, S_ISDIR(st.st_mode));
        name = keep_name(r, d->d_name);
        replay_set(r, &folder->first, name, n);
        replay_set(r, &folder->now, name, n);
        if (n->is_folder) {
            load_folder(r, n, child);
        } else {
            read_base(n, child);
        }
    }
    (void)closedir(dir);
}

/* ---- paths ---- */

static struct replay_node *node_of_fd(struct replay *r, int fd)
{
    int actor = r->last.actor;

    if (fd < 0 || fd >= FD_MAX || actor < 0 || actor >= ACTOR_MAX) {
        return NULL;
    }
    return r->fd[actor][fd];
}

/* Where a path begins: a descriptor, or below the world. NULL: outside. */
static struct replay_node *start_of(struct replay *r, int fd, const char **path)
{
    size_t n = strlen(r->world);

    if (**path != '/') {
        return node_of_fd(r, fd);
    }
    if (strncmp(*path, r->world, n) != 0 || ((*path)[n] && (*path)[n] != '/')) {
        return NULL;
    }
    *path += n;
    return r->top;
}

/* The folder that the last part lies in; `last` (NAME_MAX + 1) is that part, "" for the
 * folder itself. NULL: outside. */
static struct replay_node *folder_of(struct replay *r, int fd, const char *path,
                                     char *last)
{
    struct replay_node *at = start_of(r, fd, &path);

    *last = '\0';
    while (at && *path) {
        size_t n = strcspn(path, "/");
        char part[NAME_MAX + 1];

        (void)snprintf(part, sizeof part, "%.*s", (int)n, path);
        path += n + (path[n] == '/');
        if (*last) {
            at = replay_find(&at->now, last);
            *last = '\0';
        }
        if (strcmp(part, "..") == 0) {
            at = at ? at->parent : NULL;
        } else if (*part && strcmp(part, ".") != 0) {
            memcpy(last, part, sizeof part);
        }
    }
    return at && at->is_folder ? at : NULL;
}

static struct replay_node *find(struct replay *r, int fd, const char *path)
{
    char last[NAME_MAX + 1];
    struct replay_node *folder = folder_of(r, fd, path, last);

    return folder && *last ? replay_find(&folder->now, last) : folder;
}

/* ---- changes of names ---- */

static struct replay_meta *meta_new(struct replay *r, const char *text)
{
    static struct replay_meta spare;
    struct replay_meta *m = &spare;

    if (r->meta_count == META_MAX) {
        r->faulty = true;
    } else {
        m = &r->meta[r->meta_count++];
    }
    *m = (struct replay_meta){.count = 0};
    (void)snprintf(m->text, sizeof m->text, "%s", text);
    r->changed = true;
    return m;
}

static void meta_add(struct replay *r, struct replay_meta *m, struct replay_node *folder,
                     const char *name, struct replay_node *node)
{
    const char *copy = keep_name(r, name);

    m->update[m->count].folder = folder;
    m->update[m->count].name = copy;
    m->update[m->count].node = node;
    m->count++;
    replay_set(r, &folder->now, copy, node);
    if (node && node->is_folder) {
        node->parent = folder;
    }
}

static void describe(const struct replay *r, const char *path, const char *other,
                     char text[120])
{
    (void)snprintf(text, 120, "%s %s%s%s", fault_op_name[r->last.op], path,
                   *other ? " -> " : "", other);
}

static struct replay_node *create(struct replay *r, const char *path, bool is_folder)
{
    char last[NAME_MAX + 1], text[120];
    struct replay_node *folder = folder_of(r, r->last.fd, path, last), *n;

    if (!folder || !*last) {
        return NULL;
    }
    n = node_new(r, folder, is_folder);
    describe(r, path, "", text);
    meta_add(r, meta_new(r, text), folder, last, n);
    return n;
}

static void rename_or_link(struct replay *r, const char *path, const char *other)
{
    char from[NAME_MAX + 1], to[NAME_MAX + 1], text[120];
    struct replay_node *a = folder_of(r, r->last.fd, path, from);
    struct replay_node *b = folder_of(r, r->last.other_fd, other, to);
    struct replay_node *moved = a ? replay_find(&a->now, from) : NULL;
    struct replay_node *there = b ? replay_find(&b->now, to) : NULL;
    struct replay_meta *m;

    if (!moved || !b || moved == there) {
        return; /* outside; or two names of one file, which both stay */
    }
    describe(r, path, other, text);
    m = meta_new(r, text);
    meta_add(r, m, b, to, moved);
    if (r->last.op == OP_RENAMEAT2) {
        meta_add(r, m, a, from, r->last.flags & RENAME_EXCHANGE ? there : NULL);
    }
}

static void unlink_name(struct replay *r, const char *path)
{
    char last[NAME_MAX + 1], text[120];
    struct replay_node *folder = folder_of(r, r->last.fd, path, last);

    if (folder && *last) {
        describe(r, path, "", text);
        meta_add(r, meta_new(r, text), folder, last, NULL);
    }
}

static void open_node(struct replay *r, const char *path)
{
    struct replay_node *n = find(r, r->last.fd, path);

    if (!n && r->last.op == OP_CREATE) {
        n = create(r, path, false);
    }
    if (r->last.result >= FD_MAX || r->last.actor >= ACTOR_MAX) {
        r->faulty = true;
    } else {
        r->fd[r->last.actor][r->last.result] = n;
    }
}

/* ---- data and syncs ---- */

static void add_write(struct replay *r, const uint8_t *data)
{
    struct replay_node *n = node_of_fd(r, r->last.fd);

    if (!n || n->is_folder) {
        return;
    }
    if (n->write_count == n->write_room) {
        n->write_room = n->write_room ? n->write_room * 2 : 16;
        n->writes = need(realloc(n->writes, n->write_room * sizeof *n->writes));
    }
    n->writes[n->write_count++] =
        (struct replay_write){.offset = r->last.offset,
                              .data = r->last.op == OP_PWRITE ? data : NULL,
                              .size_bytes = (size_t)r->last.data_bytes,
                              .grows_only = r->last.op == OP_FALLOCATE};
    r->changed = true;
}

static void sync_file(struct replay *r, struct replay_node *n, bool failed)
{
    r->idle &= n->synced == n->write_count;
    for (size_t i = n->synced; failed && i < n->write_count; i++) {
        n->writes[i].lost = true;
    }
    n->synced = n->write_count;
}

/* Private names mean nothing to anybody. */
static bool is_private(const struct replay_meta *m)
{
    bool all = true;

    for (int u = 0; u < m->count; u++) {
        all &= strncmp(m->update[u].name, ".ff-", 4) == 0;
    }
    return all;
}

/* Names become durable with their folder. Of a change in two folders, with either: file
 * systems journal it as one. */
static void sync_folder(struct replay *r, const struct replay_node *folder)
{
    for (size_t i = 0; i < r->meta_count; i++) {
        struct replay_meta *m = &r->meta[i];

        for (int u = 0; u < m->count; u++) {
            if (m->update[u].folder == folder && !m->durable) {
                m->durable = true;
                r->idle &= is_private(m);
            }
        }
    }
}

static void sync_all(struct replay *r)
{
    for (size_t i = 0; i < r->node_count; i++) {
        sync_file(r, r->node[i], false);
    }
    for (size_t i = 0; i < r->meta_count; i++) {
        r->idle &= r->meta[i].durable || is_private(&r->meta[i]);
        r->meta[i].durable = true;
    }
}

static void sync_one(struct replay *r)
{
    struct replay_node *n = node_of_fd(r, r->last.fd);
    bool failed = r->last.result < 0;

    r->idle = true;
    if (!n) {
        return;
    }
    if (r->last.op == OP_SYNCFS) {
        if (!failed) {
            sync_all(r);
        }
    } else if (!n->is_folder) {
        sync_file(r, n, failed);
    } else if (!failed) {
        sync_folder(r, n);
    }
    r->changed = true;
}

/* ---- the log ---- */

static void follow(struct replay *r, const char *path, const char *other,
                   const uint8_t *data)
{
    switch (r->last.op) {
    case OP_OPENAT:
    case OP_OPENAT2:
    case OP_CREATE:
        open_node(r, path);
        break;
    case OP_LOCK: /* a second descriptor */
        r->fd[r->last.actor][r->last.result] = node_of_fd(r, r->last.fd);
        break;
    case OP_CLOSE:
        if (r->last.fd >= 0) {
            r->fd[r->last.actor][r->last.fd] = NULL;
        }
        break;
    case OP_PWRITE:
    case OP_FTRUNCATE:
    case OP_FALLOCATE:
        add_write(r, data);
        break;
    case OP_FSYNC:
    case OP_FDATASYNC:
    case OP_SYNCFS:
        sync_one(r);
        break;
    case OP_RENAMEAT2:
    case OP_LINKAT:
        rename_or_link(r, path, other);
        break;
    case OP_UNLINKAT:
        unlink_name(r, path);
        break;
    case OP_MKDIRAT:
        (void)create(r, path, true);
        break;
    case OP_MARK:
        r->changed = true; /* what is owed */
        break;
    default:
        break;
    }
}

bool replay_next(struct replay *r)
{
    const char *path, *other;
    const uint8_t *data;
    size_t left = r->log_bytes - r->at;

    if (left < sizeof r->last) {
        r->faulty |= left != 0;
        return false;
    }
    memcpy(&r->last, r->log + r->at, sizeof r->last);
    path = (const char *)r->log + r->at + sizeof r->last;
    other = path + r->last.path_bytes;
    data = (const uint8_t *)other + r->last.other_bytes;
    r->at = (size_t)(data - r->log) + (size_t)r->last.data_bytes;
    if (r->at > r->log_bytes || r->last.fd >= FD_MAX || r->last.actor < 0 ||
        r->last.actor >= ACTOR_MAX) {
        r->faulty = true;
        return false;
    }
    r->changed = false;
    follow(r, r->last.path_bytes ? path : "", r->last.other_bytes ? other : "", data);
    return true;
}

bool replay_begin(struct replay *r, const char *world, const char *before, int log_fd)
{
    off_t size = lseek(log_fd, 0, SEEK_END);

    memset(r, 0, sizeof *r);
    r->world = world;
    r->log_bytes = size > 0 ? (size_t)size : 0;
    r->log = need(malloc(r->log_bytes + 1));
    if (pread(log_fd, r->log, r->log_bytes, 0) != (ssize_t)r->log_bytes) {
        return false;
    }
    r->top = node_new(r, NULL, true);
    load_folder(r, r->top, before);
    return !r->faulty;
}

void replay_end(struct replay *r)
{
    for (size_t i = 0; i < r->name_count; i++) {
        free(r->names[i]);
    }
    free(r->names);
    for (size_t i = 0; i < r->node_count; i++) {
        free(r->node[i]->base);
        free(r->node[i]->writes);
        free(r->node[i]->first.items);
        free(r->node[i]->now.items);
        free(r->node[i]);
    }
    free(r->log);
}
