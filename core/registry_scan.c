/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_scan.c: the directories of plugins and the files in them. A file is not loaded to be
 * listed: its header and its note say enough. So a thousand files cost milliseconds.
 */
#include "core/registry_own.h"

#include <errno.h>
#include <limits.h>

#include "core/base/alloc.h"

enum { LIST_MAX_BYTES = 64 << 20, DIRS_MAX = 256 };

static int no_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for the list of plugins");
}

static int settle(struct ff_plugin *p, struct ff_error *e, const char *code,
                  const char *reason, const char *fix)
{
    struct ff_verdict v = {.code = NULL};

    ff_verdict_set(&v, code, "%s", reason);
    ff_verdict_fix(&v, "%s", fix);
    return p ? ff_plugin_settle(p, &v, e) : FF_E_NO_MEMORY;
}

/* A row for a directory that cannot be used. */
static int bad_directory(struct ff_registry *r, const char *path, const char *reason,
                         const char *fix, struct ff_error *e)
{
    return settle(ff_plugin_new(r, NULL, path, e), e, "directory", reason, fix);
}

static struct ff_plugin_file *new_file(struct ff_registry *r, size_t dir,
                                       const char *name, const struct ff_gate *g)
{
    const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, dir);
    struct ff_plugin_file *file = ff_calloc(1, sizeof *file);
    struct ff_plugin_file **slot = file ? ff_vec_push(&r->files) : NULL;
    struct ff_buf path;

    ff_buf_init(&path, SIZE_MAX);
    if (!slot || ff_buf_printf(&path, "%s/%s", d->path, name)) {
        if (slot) {
            ff_vec_pop(&r->files);
        }
        ff_buf_free(&path);
        ff_free(file);
        return NULL;
    }
    file->path = (char *)ff_buf_steal(&path, NULL);
    file->name = strrchr(file->path, '/') + 1;
    file->dir = dir;
    file->dev = g->dev;
    file->ino = g->ino;
    *slot = file;
    return file;
}

/* The file that is this one under another name, or NULL. */
static const struct ff_plugin_file *same_file(const struct ff_registry *r,
                                              const struct ff_plugin_file *file)
{
    for (size_t i = 0; i < r->files.count; i++) {
        const struct ff_plugin_file *other =
            *(struct ff_plugin_file **)ff_vec_at(&r->files, i);

        if (other != file && file->ino && other->ino == file->ino &&
            other->dev == file->dev) {
            return other;
        }
    }
    return NULL;
}

static int set_from_note(struct ff_plugin *p, const struct ff_note *note,
                         struct ff_error *e)
{
    int code = ff_plugin_set(p, FF_TEXT_NAME, note->name, e);

    code = code ? code : ff_plugin_set(p, FF_TEXT_KIND, note->kind, e);
    code = code ? code : ff_plugin_set(p, FF_TEXT_VERSION, note->version, e);
    if (!code && strcmp(note->kind, "serializer") == 0) {
        code = ff_plugin_set(p, FF_TEXT_CLASSES, note->classes, e);
    }
    return code ? code : ff_plugin_set(p, FF_TEXT_FACTS, note->facts, e);
}

static int settle_disabled(struct ff_plugin *p, const char *name, struct ff_error *e)
{
    struct ff_verdict v = {.code = NULL};

    ff_verdict_set(&v, "disabled", "it is not enabled in the configuration");
    ff_verdict_fix(&v, "ff plugin enable %.200s", name);
    return ff_plugin_settle(p, &v, e);
}

/* A row with what the note says, or of a file without one. */
static int add_plugin(struct ff_registry *r, struct ff_plugin_file *file,
                      const struct ff_gate *g, const struct ff_note *note,
                      const struct ff_plugin_file *same, struct ff_error *e)
{
    struct ff_plugin *p = ff_plugin_new(r, file, NULL, e);
    char stem[NAME_MAX + 1];
    int code = p ? FF_OK : FF_E_NO_MEMORY;

    (void)snprintf(stem, sizeof stem, "%.*s", (int)strlen(file->name) - 3, file->name);
    if (!code && note) {
        code = set_from_note(p, note, e);
    }
    if (code) {
        return code;
    }
    p->rank = ff_plugin_rank(r, note ? note->name : stem, file, !note);
    ff_host_log(r->host, FF_LOG_DEBUG, "plugin: %s: %s \"%s\", %s%s%s", file->path,
                note ? note->kind : "no note:", note ? note->name : stem,
                g->verdict.code ? g->verdict.code
                : p->rank < 0   ? "not enabled"
                                : "enabled",
                g->verdict.code ? ": " : "", g->verdict.reason);
    if (g->verdict.code) {
        return ff_plugin_settle(p, &g->verdict, e);
    }
    if (same) {
        struct ff_verdict v = {.code = NULL};

        ff_verdict_set(&v, "duplicate", "it is the same file as %.400s", same->path);
        ff_verdict_fix(&v, "remove one of the two names");
        return ff_plugin_settle(p, &v, e);
    }
    return p->rank < 0 ? settle_disabled(p, note ? note->name : stem, e) : FF_OK;
}

static int add_file(struct ff_registry *r, size_t dir, int fd, const char *name,
                    const struct ff_verdict *folder, struct ff_error *e)
{
    const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, dir);
    const struct ff_host *host = r->host;
    struct ff_plugin_file *file;
    const struct ff_plugin_file *same;
    struct ff_gate g;
    int code = FF_OK;

    ff_gate_check(&host->trust, host->sys, fd, d->path, name, &g);
    if (!g.verdict.code && folder->code) {
        g.verdict = *folder;
    }
    if (!(file = new_file(r, dir, name, &g))) {
        return no_memory(e);
    }
    same = same_file(r, file);
    file->noteless = !g.note_count;
    if (!g.note_count) {
        return add_plugin(r, file, &g, NULL, same, e);
    }
    for (size_t i = 0; i < g.note_count && !code; i++) {
        code = add_plugin(r, file, &g, &g.note[i], same, e);
    }
    return code;
}

static int scan_open(struct ff_registry *r, size_t dir, int fd, struct ff_error *e)
{
    const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, dir);
    const struct ff_host *host = r->host;
    struct ff_verdict folder = {.code = NULL};
    struct ff_dir_list list = {.records = NULL};
    struct ff_dir_entry entry;
    size_t cursor = 0;
    int code = ff_sys_list_dir(host->sys, fd, LIST_MAX_BYTES, &list);

    if (code == -ENOMEM) {
        return no_memory(e);
    }
    if (code) {
        return bad_directory(r, d->path, strerrordesc_np(-code), "look at this folder",
                             e);
    }
    ff_trust_folder(&host->trust, host->sys, fd, d->path, &folder);
    ff_host_log(host, FF_LOG_DEBUG, "plugin: looking in %s%s%s", d->path,
                folder.code ? ": " : "", folder.code ? folder.reason : "");
    while (!code && ff_dir_next(&list, &cursor, &entry)) {
        code = add_file(r, dir, fd, entry.name, &folder, e);
    }
    ff_dir_list_free(&list);
    return code;
}

/* The same directory named twice counts once. */
static int seen(const struct ff_registry *r, size_t dir, const struct stat *st)
{
    for (size_t i = 0; i < dir; i++) {
        const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, i);

        if (d->dev == st->st_dev && d->ino == st->st_ino) {
            return 1;
        }
    }
    return 0;
}

static int scan_dir(struct ff_registry *r, size_t dir, struct ff_error *e)
{
    struct ff_plugin_dir *d = ff_vec_at(&r->dirs, dir);
    const struct ff_sys *sys = r->host->sys;
    struct stat st;
    int fd, code;

    if (d->path[0] != '/') {
        return bad_directory(r, d->path, "it is not an absolute path", "write it from /",
                             e);
    }
    fd = ff_open_at(sys, AT_FDCWD, d->path, O_RDONLY | O_DIRECTORY);
    code = fd < 0 ? fd : sys->fstat(sys, fd, &st);
    if (code == -ENOENT &&
        (d->origin == FF_DIR_USER || (d->origin == FF_DIR_OWN && r->host->in_program))) {
        return FF_OK; /* most people have none */
    }
    if (code == -ENOMEM) {
        code = no_memory(e);
    } else if (code < 0) {
        code = bad_directory(r, d->path, strerrordesc_np(-code),
                             d->origin == FF_DIR_OWN
                                 ? "reinstall functionfuse: this is where its plugins are"
                                 : "make this folder, or take it out of the plugin path",
                             e);
    } else if (!seen(r, dir, &st)) {
        d->dev = st.st_dev;
        d->ino = st.st_ino;
        code = scan_open(r, dir, fd, e);
    }
    if (fd >= 0) {
        (void)sys->close(sys, fd);
    }
    return code;
}

/* Takes `path`, also on failure. */
static int add_dir(struct ff_registry *r, char *path, enum ff_dir_origin origin,
                   struct ff_error *e)
{
    struct ff_plugin_dir *d = path ? ff_vec_push(&r->dirs) : NULL;

    if (!d) {
        ff_free(path);
        return no_memory(e);
    }
    d->path = path;
    d->origin = origin;
    return FF_OK;
}

static int add_dirs(struct ff_registry *r, char *const *paths, enum ff_dir_origin origin,
                    struct ff_error *e)
{
    int code = FF_OK;

    for (size_t i = 0; paths && paths[i] && !code; i++) {
        code = add_dir(r, ff_strdup(paths[i]), origin, e);
    }
    return code;
}

int ff_registry_scan(struct ff_registry *r, struct ff_error *e)
{
    const struct ff_host *host = r->host;
    char *user = ff_expand_home("~/.local/lib/functionfuse/plugins");
    int code = add_dirs(r, host->extra_path, FF_DIR_OPTION, e);

    code = code ? code : add_dirs(r, host->config->plugin_path, FF_DIR_CONFIG, e);
    if (!code && user) {
        code = add_dir(r, user, FF_DIR_USER, e);
        user = NULL;
    }
    if (!code && host->library_dir) {
        struct ff_buf own;

        ff_buf_init(&own, SIZE_MAX);
        code = ff_buf_printf(&own, "%s/functionfuse/plugins", host->library_dir)
                   ? no_memory(e)
                   : add_dir(r, (char *)ff_buf_steal(&own, NULL), FF_DIR_OWN, e);
        ff_buf_free(&own);
    }
    ff_free(user);
    for (size_t i = 0; i < r->dirs.count && !code; i++) {
        code = scan_dir(r, i, e);
    }
    return code;
}
