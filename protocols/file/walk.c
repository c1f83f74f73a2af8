/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c: listings. A folder is read in one call of the kernel; where that cannot be had,
 * again until two readings agree. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "file.h"

enum { LIST_MAX_BYTES = 1 << 30, ENTRIES_MAX = 1 << 25, FOLDERS_MAX = 1 << 22 };

static int by_name(const void *a, const void *b)
{
    const struct ff_dir_entry *p = a, *q = b;

    return strcmp(p->name, q->name);
}

/* Sorts the entries from `start` on, each name once. */
static void sort_from(struct ff_vec *entries, size_t start)
{
    struct ff_dir_entry *all = entries->items;
    size_t kept = start;

    if (entries->count == start) {
        return;
    }
    qsort(all + start, entries->count - start, sizeof *all, by_name);
    for (size_t i = start + 1; i < entries->count; i++) {
        if (strcmp(all[kept].name, all[i].name) != 0) {
            all[++kept] = all[i];
        }
    }
    entries->count = kept + 1;
}

static bool same_names(const struct ff_vec *entries, size_t before, size_t start)
{
    const struct ff_dir_entry *all = entries->items;
    size_t count = entries->count - start;

    if (start - before != count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[before + i].name, all[start + i].name) != 0) {
            return false;
        }
    }
    return true;
}

static int read_once(const struct ff_file_root *root, int dir_fd,
                     struct ff_file_names *out)
{
    struct ff_dir_list *list = &out->lists[out->list_count];
    int rc = ff_sys_list_dir(root->sys, dir_fd, LIST_MAX_BYTES, list);
    struct ff_dir_entry entry;
    size_t cursor = 0;

    if (rc < 0) {
        return rc;
    }
    out->list_count++;
    while (rc == 0 && ff_dir_next(list, &cursor, &entry)) {
        rc = ff_vec_append(&out->entries, &entry);
    }
    return rc;
}

int ff_file_names_read(const struct ff_file_root *root, int dir_fd,
                       struct ff_file_names *out)
{
    size_t before = 0, start = 0;
    int rc;

    *out = (struct ff_file_names){0};
    ff_vec_init(&out->entries, sizeof(struct ff_dir_entry), ENTRIES_MAX);
    rc = read_once(root, dir_fd, out);
    if (rc < 0 || out->lists[0].whole) {
        return rc;
    }
    sort_from(&out->entries, 0);
    while (rc == 0 && out->list_count < FF_FILE_TRIES) {
        before = start;
        start = out->entries.count;
        rc = read_once(root, dir_fd, out);
        sort_from(&out->entries, start);
        if (rc == 0 && same_names(&out->entries, before, start)) {
            break;
        }
    }
    /* also when none agreed: what was in any of them */
    sort_from(&out->entries, 0);
    return rc;
}

void ff_file_names_free(struct ff_file_names *names)
{
    for (size_t i = 0; i < names->list_count; i++) {
        ff_dir_list_free(&names->lists[i]);
    }
    ff_vec_free(&names->entries);
}

int ff_file_type(const struct ff_file_root *root, int dir_fd,
                 const struct ff_dir_entry *entry)
{
    struct stat st;
    int rc;

    if (entry->type != DT_UNKNOWN) {
        return entry->type;
    }
    rc = root->sys->fstatat(root->sys, dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW);
    return rc < 0 ? rc : (int)IFTODT(st.st_mode);
}

/* ---- walk ---- */

struct walk {
    const struct ff_file_root *root;
    int (*visit)(void *ctx, const struct ff_file_entry *, struct ff_error *);
    void *ctx;
    struct ff_vec folders; /* char *: still to be read */
};

static int push_folder(struct walk *w, const char *folder, const char *name,
                       struct ff_error *e)
{
    size_t folder_bytes = strlen(folder), name_bytes = strlen(name);
    size_t path_bytes = folder_bytes + name_bytes + 2;
    char *path;

    if (path_bytes > FF_FILE_PATH_BYTES) {
        return ff_fail(e, FF_E_LIMIT, folder,
                       "folders in it make a path longer than %d bytes",
                       FF_FILE_PATH_BYTES - 1);
    }
    path = ff_malloc(path_bytes);
    if (path) {
        (void)snprintf(path, path_bytes, "%s%s%s", folder, *folder && *name ? "/" : "",
                       name);
    }
    if (!path || ff_vec_append(&w->folders, &path) < 0) {
        ff_free(path);
        return ff_fail(e, FF_E_NO_MEMORY, folder, "no memory to list it");
    }
    return FF_OK;
}

static int visit_names(struct walk *w, const char *folder, int dir_fd,
                       const struct ff_file_names *names, struct ff_error *e)
{
    int code = FF_OK;

    for (size_t i = 0; code == FF_OK && i < names->entries.count; i++) {
        const struct ff_dir_entry *d = ff_vec_at(&names->entries, i);
        int type = ff_file_type(w->root, dir_fd, d);
        struct ff_file_entry entry = {dir_fd, folder, d->name, type};

        if (type == -ENOENT) { /* gone by now; what it was, the visitor finds out */
            entry.type = DT_REG;
            type = DT_REG;
        }
        code = type < 0 ? ff_file_fail(e, type, d->name, "look at it")
                        : w->visit(w->ctx, &entry, e);
        if (code == FF_FILE_DESCEND) {
            code = push_folder(w, folder, d->name, e);
        }
    }
    return code;
}

static int visit_folder(struct walk *w, const char *folder, struct ff_error *e)
{
    struct ff_file_names names;
    int code, rc, fd;

    fd = ff_sys_open_beneath(w->root->sys, w->root->fd, *folder ? folder : ".",
                             O_RDONLY | O_DIRECTORY, 0);
    if (fd == -ENOENT || fd == -ENOTDIR) {
        return FF_OK;
    }
    if (fd < 0) {
        return ff_file_fail(e, fd, folder, "open the folder");
    }
    rc = ff_file_names_read(w->root, fd, &names);
    code = rc < 0 ? ff_file_fail(e, rc, folder, "list the folder")
                  : visit_names(w, folder, fd, &names, e);
    ff_file_names_free(&names);
    ff_file_close(w->root, fd);
    return code;
}

int ff_file_walk(const struct ff_file_root *root, const char *folder,
                 int (*visit)(void *ctx, const struct ff_file_entry *, struct ff_error *),
                 void *ctx, const struct ff_call *call, struct ff_error *e)
{
    struct walk w = {root, visit, ctx, {0}};
    int code;

    ff_vec_init(&w.folders, sizeof(char *), FOLDERS_MAX);
    code = push_folder(&w, folder, "", e);
    while (code == FF_OK && w.folders.count > 0) {
        char *path = *(char **)ff_vec_last(&w.folders);

        ff_vec_pop(&w.folders);
        code = ff_file_stopped(root, call, path, e);
        code = code ? code : visit_folder(&w, path, e);
        ff_free(path);
    }
    while (w.folders.count > 0) {
        ff_free(*(char **)ff_vec_last(&w.folders));
        ff_vec_pop(&w.folders);
    }
    ff_vec_free(&w.folders);
    return code;
}

/* ---- ff.objects/1: list ---- */

void ff_file_tag(const struct stat *st, char tag[80])
{
    (void)snprintf(tag, 80, "%llx-%llx-%llx", (unsigned long long)st->st_ino,
                   (unsigned long long)ff_file_mtime_ns(st),
                   (unsigned long long)st->st_size);
}

struct listing {
    const struct ff_file_bound *b;
    int one_level;
    int (*each)(void *ctx, const struct ff_io *);
    void *ctx;
    int result; /* of the last each() */
};

/* Private names; what NFS keeps of open files that were removed; and where tasks lie, all
 * that begins with a dot, as Python's glob has it. */
static bool is_hidden(const struct listing *l, const struct ff_file_entry *entry)
{
    if (entry->name[0] != '.') {
        return false;
    }
    return ff_file_is_private(entry->name) || strncmp(entry->name, ".nfs", 4) == 0 ||
           (!*l->b->folder && !strchr(entry->folder, '/'));
}

static int tell(struct listing *l, const struct ff_file_entry *entry,
                const struct stat *st, struct ff_error *e)
{
    char path[FF_FILE_PATH_BYTES];
    size_t skip = *l->b->folder ? strlen(l->b->folder) + 1 : 0;
    struct ff_io io = {.struct_size = FF_SIZE(ff_io, is_folder), .is_folder = !st};

    if (ff_file_join(entry->folder, entry->name, path) < 0) {
        return ff_file_fail(e, -ENAMETOOLONG, entry->folder, "list what is in it");
    }
    io.name = path + skip;
    if (st) {
        io.object_bytes = (uint64_t)st->st_size;
        io.mtime_ns = ff_file_mtime_ns(st);
        ff_file_tag(st, io.tag);
    }
    l->result = l->each(l->ctx, &io);
    return l->result ? FF_FILE_STOP : 0;
}

static int list_entry(void *ctx, const struct ff_file_entry *entry, struct ff_error *e)
{
    struct listing *l = ctx;
    const struct ff_sys *sys = l->b->root->sys;
    struct stat st;
    int rc;

    if (is_hidden(l, entry)) {
        return 0;
    }
    if (entry->type == DT_DIR) {
        return l->one_level ? tell(l, entry, NULL, e) : FF_FILE_DESCEND;
    }
    if (entry->type != DT_REG) {
        return 0;
    }
    rc = sys->fstatat(sys, entry->dir_fd, entry->name, &st, AT_SYMLINK_NOFOLLOW);
    if (rc ==
        -ENOENT) { /* it was there when the folder was read: gc must learn that it has
                          * been removed or renamed since, and look again */
        memset(&st, 0, sizeof st);
        rc = 0;
    } else if (rc == 0 && !S_ISREG(st.st_mode)) {
        return 0;
    }
    return rc < 0 ? ff_file_fail(e, rc, entry->name, "look at it")
                  : tell(l, entry, &st, e);
}

/* Taken before the listing: what it shows is never younger than it seems. */
static int64_t clock_of(const struct ff_file_root *root, const char *folder)
{
    int fd = ff_sys_open_beneath(root->sys, root->fd, *folder ? folder : ".",
                                 O_RDONLY | O_DIRECTORY, 0);
    int64_t now_ns =
        fd < 0 ? ff_sys_now_ns(root->sys, CLOCK_REALTIME) : ff_file_now_ns(root, fd);

    ff_file_close(root, fd);
    return now_ns;
}

int ff_file_list(const struct ff_objects *self, const char *prefix, int one_level,
                 int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                 const struct ff_call *call, struct ff_error *e)
{
    const struct ff_file_bound *b = FF_FILE_BOUND(self, objects);
    struct listing l = {b, one_level, each, ctx, 0};
    char path[FF_FILE_PATH_BYTES], name[FF_FILE_PATH_BYTES];
    size_t length = strlen(prefix);
    int code;

    (void)snprintf(path, sizeof path, "%s", b->folder);
    if (length > 0) {
        if (prefix[length - 1] != '/' || length >= sizeof name) {
            return ff_fail(e, FF_E_USAGE, prefix,
                           "the prefix of a list is \"\" or ends with '/'");
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)length - 1, prefix);
        code = ff_file_path(b, name, path, e);
        if (code) {
            return code;
        }
    }
    if (now_ns) {
        *now_ns = clock_of(b->root, path);
    }
    code = ff_file_walk(b->root, path, list_entry, &l, call, e);
    return code == FF_FILE_STOP ? l.result : code;
}
