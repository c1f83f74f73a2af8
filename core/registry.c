/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c: the plugins of a host: who is enabled, which of two of one name counts, and who
 * serves a class, a name or a kind. One lock guards it all, so a plugin is loaded by one thread
 * at a time; what has been loaded never changes.
 */
#include "core/registry_own.h"

#include <stdlib.h>

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "core/call_own.h"
#include "core/wait.h"

enum { PLUGINS_MAX = 1 << 20, CONFIGURED = 1 << 21 };

static int no_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for the list of plugins");
}

int ff_plugin_set(struct ff_plugin *p, enum ff_plugin_text which, const char *text,
                  struct ff_error *e)
{
    const char **fields[FF_TEXT_COUNT] = {
        &p->row.name, &p->row.kind,    &p->row.version, &p->row.summary, &p->row.reason,
        &p->row.fix,  &p->row.classes, &p->row.facts,   &p->row.file};
    char *copy = ff_strdup(text);

    if (!copy) {
        return no_memory(e);
    }
    ff_free(p->text[which]);
    p->text[which] = copy;
    *fields[which] = copy;
    return FF_OK;
}

static void free_plugin(struct ff_plugin *p)
{
    for (int i = 0; i < FF_TEXT_COUNT; i++) {
        ff_free(p->text[i]);
    }
    ff_free(p);
}

struct ff_plugin *ff_plugin_new(struct ff_registry *r, struct ff_plugin_file *file,
                                const char *path, struct ff_error *e)
{
    static const struct ff_plugin_row empty = {"", "", "", "", "", "",
                                               "", "", "", "", ""};
    struct ff_plugin *p = ff_calloc(1, sizeof *p);

    if (p) {
        p->row = empty;
        p->file = file;
        p->rank = -1;
        p->row.file = file ? file->path : "";
    }
    if (!p || (path && ff_plugin_set(p, FF_TEXT_FILE, path, NULL)) ||
        ff_vec_append(&r->plugins, &p)) {
        if (p) {
            free_plugin(p);
        }
        (void)no_memory(e);
        return NULL;
    }
    return p;
}

int ff_plugin_settle(struct ff_plugin *p, const struct ff_verdict *v, struct ff_error *e)
{
    int code = ff_plugin_set(p, FF_TEXT_REASON, v->reason, e);

    code = code ? code : ff_plugin_set(p, FF_TEXT_FIX, v->fix, e);
    if (!code) {
        p->row.code = v->code;
        p->settled = 1;
    }
    return code;
}

static char alike(char c)
{
    return c == '.' || c == '-' ? '_' : c;
}

int ff_names_alike(const char *a, size_t bytes, const char *b)
{
    size_t i = 0;

    while (i < bytes && b[i] && alike(a[i]) == alike(b[i])) {
        i++;
    }
    return i == bytes && !b[i];
}

/* The last position of the name in a list of the configuration, or -1. */
static int find_in(char *const *list, const char *name, int may_be_alike)
{
    int found = -1;

    for (int i = 0; list[i]; i++) {
        if (strcmp(list[i], name) == 0 ||
            (may_be_alike && ff_names_alike(list[i], strlen(list[i]), name))) {
            found = i;
        }
    }
    return found;
}

/* Names that are enabled without a word in the configuration: our own plugins, where they were
 * installed with the library. The build says which, blank between. */
static int is_default(const char *name, int may_be_alike)
{
    for (const char *at = FF_DEFAULT_PLUGINS; *at;) {
        size_t bytes = strcspn(at, " ");

        if ((strlen(name) == bytes && strncmp(name, at, bytes) == 0) ||
            (may_be_alike && ff_names_alike(at, bytes, name))) {
            return 1;
        }
        at += bytes + (at[bytes] == ' ');
    }
    return 0;
}

/* What the configuration names comes before what the program brings, and that before our own. */
int ff_plugin_rank(const struct ff_registry *r, const char *name,
                   const struct ff_plugin_file *file, int may_be_alike)
{
    const struct ff_config *config = r->host->config;
    const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, file->dir);
    int position = find_in(config->enable, name, may_be_alike);

    if (find_in(config->disable, name, may_be_alike) >= 0) {
        return -1;
    }
    if (position >= 0) {
        return CONFIGURED + position;
    }
    if (file->in_program) {
        return file->in_program;
    }
    return d->origin == FF_DIR_OWN && is_default(name, may_be_alike) ? 0 : -1;
}

struct ff_registry *ff_registry_new(struct ff_host *host, struct ff_error *e)
{
    struct ff_registry *r = ff_calloc(1, sizeof *r);

    if (!r || ff_wait_recursive(&r->mutex)) {
        ff_free(r);
        (void)no_memory(e);
        return NULL;
    }
    r->host = host;
    ff_vec_init(&r->dirs, sizeof(struct ff_plugin_dir), PLUGINS_MAX);
    ff_vec_init(&r->files, sizeof(struct ff_plugin_file *), PLUGINS_MAX);
    ff_vec_init(&r->plugins, sizeof(struct ff_plugin *), PLUGINS_MAX);
    ff_vec_init(&r->order, sizeof(struct ff_plugin *), PLUGINS_MAX);
    ff_vec_init(&r->created, sizeof(struct ff_plugin *), PLUGINS_MAX);
    if (ff_registry_scan(r, e)) {
        ff_registry_free(r);
        return NULL;
    }
    return r;
}

void ff_registry_free(struct ff_registry *r)
{
    if (!r) {
        return;
    }
    for (size_t i = r->created.count; i-- > 0;) {
        struct ff_plugin *p = *(struct ff_plugin **)ff_vec_at(&r->created, i);

        if (p->serializer->destroy) {
            p->serializer->destroy(p->loaded_serializer.inst);
        }
        ff_lease_end(p->given);
    }
    for (size_t i = 0; i < r->plugins.count; i++) {
        free_plugin(ff_plugin_of(r, i));
    }
    for (size_t i = 0; i < r->files.count; i++) {
        struct ff_plugin_file *file = *(struct ff_plugin_file **)ff_vec_at(&r->files, i);

        ff_free(file->path);
        ff_free(file);
    }
    for (size_t i = 0; i < r->dirs.count; i++) {
        ff_free(((struct ff_plugin_dir *)ff_vec_at(&r->dirs, i))->path);
    }
    ff_vec_free(&r->created);
    ff_vec_free(&r->order);
    ff_vec_free(&r->plugins);
    ff_vec_free(&r->files);
    ff_vec_free(&r->dirs);
    (void)pthread_mutex_destroy(&r->mutex);
    ff_free(r);
}

/* The program's own plugins are found before those of any folder. */
static size_t place_of(const struct ff_plugin *p)
{
    return p->file->in_program ? 0 : 1 + p->file->dir;
}

static int is_in_use(const struct ff_plugin *p)
{
    return p->settled && strcmp(p->row.code, "loaded") == 0;
}

/* Who takes the name from `p`: one of an earlier directory, or of the same one; or one that is in
 * use already. */
static const struct ff_plugin *find_rival(const struct ff_registry *r,
                                          const struct ff_plugin *p)
{
    for (size_t i = 0; i < r->plugins.count; i++) {
        const struct ff_plugin *q = ff_plugin_of(r, i);

        if (q != p && q->rank >= 0 &&
            (q->settled ? is_in_use(q) : place_of(q) <= place_of(p)) &&
            strcmp(q->row.name, p->row.name) == 0 &&
            strcmp(q->row.kind, p->row.kind) == 0) {
            return q;
        }
    }
    return NULL;
}

static int settle_duplicate(struct ff_plugin *p, struct ff_error *e)
{
    struct ff_verdict v = {.code = NULL};

    if (is_in_use(p->rival) || place_of(p->rival) < place_of(p)) {
        ff_verdict_set(&v, "duplicate", "\"%.100s\" is taken by %.300s, found earlier",
                       p->row.name, p->rival->file->path);
    } else {
        ff_verdict_set(&v, "duplicate", "%.300s has the name \"%.100s\" too",
                       p->rival->file->path, p->row.name);
    }
    ff_verdict_fix(&v, "remove one of them");
    return ff_plugin_settle(p, &v, e);
}

/* First all rivals are found, then they are refused: two in one directory refuse each other. */
static int resolve_duplicates(struct ff_registry *r, struct ff_error *e)
{
    int code = FF_OK;

    for (size_t i = 0; i < r->plugins.count; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        p->rival = p->rank >= 0 && !p->settled ? find_rival(r, p) : NULL;
    }
    for (size_t i = 0; i < r->plugins.count && !code; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        code = p->rival ? settle_duplicate(p, e) : FF_OK;
    }
    return code;
}

static int compare_rank(const void *a, const void *b)
{
    const struct ff_plugin *p = *(struct ff_plugin *const *)a;
    const struct ff_plugin *q = *(struct ff_plugin *const *)b;

    return p->rank != q->rank ? (p->rank < q->rank) - (p->rank > q->rank)
                              : strcmp(p->row.name, q->row.name);
}

int ff_has_word(const char *words, const char *word, int as_prefix)
{
    size_t length = strlen(word);

    while (*words) {
        size_t bytes = strcspn(words, " ");

        if ((as_prefix ? bytes > length : bytes == length) &&
            strncmp(words, word, length) == 0) {
            return 1;
        }
        words += bytes + (words[bytes] == ' ');
    }
    return 0;
}

static int make_order(struct ff_registry *r, struct ff_error *e)
{
    ff_vec_clear(&r->order);
    for (size_t i = 0; i < r->plugins.count; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->rank < 0 || strcmp(p->row.kind, "serializer") != 0 ||
            (p->settled && strcmp(p->row.code, "duplicate") == 0)) {
            continue;
        }
        if (ff_vec_append(&r->order, &p)) {
            return no_memory(e);
        }
        r->wants_builtins |= ff_has_word(p->row.classes, "builtins.", 1);
    }
    if (r->order.count) {
        qsort(r->order.items, r->order.count, sizeof(struct ff_plugin *), compare_rank);
    }
    return FF_OK;
}

/* Names in the configuration that no file has: nobody would notice a slip otherwise. */
static void warn_unknown(const struct ff_registry *r, char *const *names, const char *key)
{
    for (size_t i = 0; names[i]; i++) {
        const char *near = NULL;

        if (!ff_registry_knows(r->host, names[i], &near)) {
            ff_host_log(r->host, FF_LOG_WARNING,
                        "plugins.%s names \"%s\", which is not installed%s%s%s", key,
                        names[i], near ? "; did you mean \"" : "", near ? near : "",
                        near ? "\"?" : "");
        }
    }
}

/* Before anybody is asked for: enabled files without a note are loaded to see what they are,
 * then duplicates are known. */
int ff_registry_prepare(struct ff_registry *r, struct ff_error *e)
{
    int code = FF_OK;

    if (r->prepared) {
        return FF_OK;
    }
    for (size_t i = 0; i < r->plugins.count && !code; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->rank >= 0 && !p->settled && p->file->noteless) {
            code = ff_plugin_open_file(r, p->file, e);
        }
    }
    code = code ? code : resolve_duplicates(r, e);
    code = code ? code : make_order(r, e);
    r->prepared = !code;
    if (!code) {
        warn_unknown(r, r->host->config->enable, "enable");
    }
    return code;
}

static int compare_rows(const void *a, const void *b)
{
    const struct ff_plugin_row *p = &(*(struct ff_plugin *const *)a)->row;
    const struct ff_plugin_row *q = &(*(struct ff_plugin *const *)b)->row;
    int files = strcmp(p->file, q->file);

    return files ? files : strcmp(p->name, q->name);
}

/* Every row is true. Mutex held. */
static void complete(struct ff_registry *r)
{
    struct ff_error why = FF_ERROR_INIT;
    int code = r->complete ? FF_OK : ff_registry_prepare(r, &why);

    if (r->complete) {
        return;
    }
    for (size_t i = 0; i < r->plugins.count; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->rank >= 0 && !p->settled && (code = ff_plugin_activate(r, p, &why))) {
            p->row.code = "create";
            p->row.reason = "no memory to load it";
            p->settled = 1;
        }
    }
    if (r->plugins.count) {
        qsort(r->plugins.items, r->plugins.count, sizeof(struct ff_plugin *),
              compare_rows);
    }
    r->complete = 1;
}

struct ff_registry *ff_registry_lock(const struct ff_host *host)
{
    (void)pthread_mutex_lock(&host->registry->mutex);
    return host->registry;
}

void ff_registry_unlock(struct ff_registry *r)
{
    (void)pthread_mutex_unlock(&r->mutex);
}

size_t ff_plugin_count(const struct ff_host *host)
{
    struct ff_registry *r;
    size_t count;

    if (ff_host_check(host, NULL)) {
        return 0;
    }
    r = ff_registry_lock(host);
    complete(r);
    count = r->plugins.count;
    ff_registry_unlock(r);
    return count;
}

const struct ff_plugin_row *ff_plugin_at(const struct ff_host *host, size_t i)
{
    return i < ff_plugin_count(host) ? &ff_plugin_of(host->registry, i)->row : NULL;
}
