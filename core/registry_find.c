/* SPDX-License-Identifier: Apache-2.0 */
/* registry_find.c: who serves a class, a name or a kind; and when nobody does, exactly why, and
 * what to do about it. */
#include "core/registry_own.h"

#include "core/base/name.h"

enum { NEAR_MAX = 512, LIST_BYTES = 256 };

/* How much a row says about a name: loaded before waiting before refused before disabled. */
static int standing(const struct ff_plugin *p)
{
    if (p->settled && strcmp(p->row.code, "loaded") == 0) {
        return 5;
    }
    if (!p->settled) {
        return 4;
    }
    if (strcmp(p->row.code, "disabled") == 0) {
        return 1;
    }
    if (strcmp(p->row.code, "suffix") == 0) {
        return 0;
    }
    return p->rank >= 0 ? 3 : 2;
}

/* Whether a row is about that name: its own, or that of its file when it has none. */
static int is_about(const struct ff_plugin *p, const char *kind, const char *name)
{
    if (p->row.name[0]) {
        return strcmp(p->row.name, name) == 0 &&
               (!kind || strcmp(p->row.kind, kind) == 0);
    }
    return p->file && strlen(p->file->name) > 3 &&
           ff_names_alike(p->file->name, strlen(p->file->name) - 3, name);
}

/* The row that says most about a name, or NULL. */
static struct ff_plugin *find(const struct ff_registry *r, const char *kind,
                              const char *name)
{
    struct ff_plugin *best = NULL;

    for (size_t i = 0; i < r->plugins.count; i++) {
        struct ff_plugin *p = ff_plugin_of(r, i);

        if (is_about(p, kind, name) && (!best || standing(p) > standing(best))) {
            best = p;
        }
    }
    return best;
}

static const char *find_near(const struct ff_registry *r, const char *kind,
                             const char *name)
{
    const char *choices[NEAR_MAX + 1];
    size_t n = 0;

    for (size_t i = 0; i < r->plugins.count && n < NEAR_MAX; i++) {
        const struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->row.name[0] && (!kind || strcmp(p->row.kind, kind) == 0)) {
            choices[n++] = p->row.name;
        }
    }
    choices[n] = NULL;
    return ff_nearest(name, choices);
}

int ff_registry_knows(struct ff_host *host, const char *name, const char **nearest)
{
    struct ff_registry *r = ff_registry_lock(host);
    const struct ff_plugin *p = find(r, NULL, name);
    int known = p && standing(p) > 0;

    *nearest = known ? NULL : find_near(r, NULL, name);
    ff_registry_unlock(r);
    return known;
}

const char *ff_registry_directory(const struct ff_host *host, size_t i)
{
    const struct ff_plugin_dir *d = ff_vec_at(&host->registry->dirs, i);

    return d ? d->path : NULL;
}

static int fail_missing(const struct ff_registry *r, const char *kind, const char *name,
                        struct ff_error *e)
{
    const char *near = find_near(r, kind, name);
    char where[LIST_BYTES] = "";
    size_t used = 0;

    for (size_t i = 0; i < r->dirs.count && used < sizeof where; i++) {
        const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, i);

        used += (size_t)snprintf(where + used, sizeof where - used, "%s%s", i ? ", " : "",
                                 d->path);
    }
    (void)ff_fail(e, FF_E_PLUGIN, name, "no plugin of this name is installed in %s",
                  where);
    if (near) {
        ff_error_fix(e, "did you mean \"%s\"? ff plugin list shows all", near);
    } else {
        ff_error_fix(e,
                     "get its file, then: ff plugin install FILE; ff plugin enable %.80s",
                     name);
    }
    return FF_E_PLUGIN;
}

/* The row of a plugin that is not loaded becomes the error. */
static int fail_row(const struct ff_plugin *p, const char *name, struct ff_error *e)
{
    if (strcmp(p->row.code, "disabled") == 0) {
        (void)ff_fail(e, FF_E_PLUGIN, name,
                      "this plugin is installed (%.200s) but not enabled", p->row.file);
    } else {
        (void)ff_fail(e, FF_E_PLUGIN, name, "the plugin %.160s was refused (%s): %.300s",
                      p->row.file, p->row.code, p->row.reason);
    }
    ff_error_fix(e, "%s", p->row.fix);
    return FF_E_PLUGIN;
}

static int is_loaded(const struct ff_plugin *p)
{
    return p->settled && strcmp(p->row.code, "loaded") == 0;
}

/* Locked. A plugin of that name, loaded. */
static int obtain(struct ff_registry *r, const char *kind, const char *name,
                  struct ff_plugin **out, struct ff_error *e)
{
    struct ff_plugin *p;
    int code = ff_registry_prepare(r, e);

    if (code) {
        return code;
    }
    if (!(p = find(r, kind, name)) || !standing(p)) {
        return fail_missing(r, kind, name, e);
    }
    code = ff_plugin_activate(r, p, e);
    if (!code && !is_loaded(p)) {
        code = fail_row(p, name, e);
    }
    *out = p;
    return code;
}

int ff_registry_serializer(struct ff_host *host, const char *name,
                           const struct ff_loaded_serializer **out, struct ff_error *e)
{
    struct ff_registry *r;
    struct ff_plugin *p = NULL;
    int code = ff_host_check(host, e);

    *out = NULL;
    if (code) {
        return code;
    }
    r = ff_registry_lock(host);
    code = obtain(r, "serializer", name, &p, e);
    if (!code) {
        *out = &p->loaded_serializer;
    }
    ff_registry_unlock(r);
    return code;
}

/* Every kind that is there to be used. */
static void list_kinds(const struct ff_registry *r, char text[LIST_BYTES])
{
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < r->plugins.count && used < LIST_BYTES; i++) {
        const struct ff_plugin *p = ff_plugin_of(r, i);

        if (strcmp(p->row.kind, "protocol") == 0 && standing(p) >= 4) {
            used += (size_t)snprintf(text + used, LIST_BYTES - used, "%s%s",
                                     used ? ", " : "", p->row.name);
        }
    }
}

static int fail_kind(const struct ff_registry *r, const char *kind, struct ff_error *e)
{
    const char *near = find_near(r, "protocol", kind);
    char kinds[LIST_BYTES];

    list_kinds(r, kinds);
    (void)ff_fail(e, FF_E_USAGE, "storage",
                  "no kind of storage is called \"%.100s\"; there are: %s", kind,
                  kinds[0] ? kinds : "none");
    if (near) {
        ff_error_fix(e, "did you mean \"%s\"?", near);
    } else {
        ff_error_fix(e,
                     "take one of these, or install the plugin: ff plugin install FILE");
    }
    return FF_E_USAGE;
}

int ff_registry_protocol(struct ff_host *host, const char *kind,
                         const struct ff_loaded_protocol **out, struct ff_error *e)
{
    struct ff_registry *r;
    struct ff_plugin *p = NULL;
    int code = ff_host_check(host, e);

    *out = NULL;
    if (code) {
        return code;
    }
    r = ff_registry_lock(host);
    if (!(code = ff_registry_prepare(r, e))) {
        p = find(r, "protocol", kind);
        code =
            p && standing(p) ? obtain(r, "protocol", kind, &p, e) : fail_kind(r, kind, e);
    }
    if (!code) {
        *out = &p->loaded_protocol;
    }
    ff_registry_unlock(r);
    return code;
}

/* What a choice among serializers has come to. */
struct choice {
    const char *class_name;
    const struct ff_loaded_serializer **out;
    size_t max, count;
    const struct ff_plugin *refused; /* one for the class that could not be loaded */
};

static int consider(struct ff_registry *r, struct ff_plugin *p, struct choice *c,
                    struct ff_error *e)
{
    int code = FF_OK;

    if (c->count < c->max && ff_has_word(p->row.classes, c->class_name, 0)) {
        code = ff_plugin_activate(r, p, e);
        if (!code && is_loaded(p)) {
            c->out[c->count++] = &p->loaded_serializer;
        } else if (!code && !c->refused) {
            c->refused = p;
        }
    }
    return code;
}

/* The serializer that the configuration names for a class, or NULL. FF_E_PLUGIN: it is not
 * there, or not for that class. */
static int choose_mapped(struct ff_registry *r, const char *class_name,
                         struct ff_plugin **out, struct ff_error *e)
{
    const struct ff_named_json *mapped =
        ff_named_find(&r->host->config->classes, class_name);
    char name[LIST_BYTES];
    int code;

    *out = NULL;
    if (!mapped) {
        return FF_OK;
    }
    /* kept as JSON: a text in quotes, without escapes */
    (void)snprintf(name, sizeof name, "%.*s", (int)strlen(mapped->json) - 2,
                   mapped->json + 1);
    code = obtain(r, "serializer", name, out, e);
    if (!code && !ff_has_word((*out)->row.classes, class_name, 0)) {
        code = ff_fail(e, FF_E_PLUGIN, name,
                       "plugins.classes names \"%s\" for %.200s, which it does not keep",
                       name, class_name);
        ff_error_fix(e, "take the line out of plugins.classes in the configuration");
    }
    return code;
}

static int choose_enabled(struct ff_registry *r, struct choice *c, struct ff_error *e)
{
    struct ff_plugin *first = NULL;
    int code = choose_mapped(r, c->class_name, &first, e);

    if (!code && first) {
        code = consider(r, first, c, e);
    }
    for (size_t i = 0; i < r->order.count && !code; i++) {
        struct ff_plugin *p = *(struct ff_plugin **)ff_vec_at(&r->order, i);

        code = p == first ? FF_OK : consider(r, p, c, e);
    }
    return code;
}

/* The last one named is asked first. */
static int choose_named(struct ff_registry *r, const char *const *names,
                        size_t name_count, struct choice *c, struct ff_error *e)
{
    int code = FF_OK;

    for (size_t i = name_count; i-- > 0 && !code;) {
        struct ff_plugin *p = NULL;

        code = obtain(r, "serializer", names[i], &p, e);
        code = code ? code : consider(r, p, c, e);
    }
    return code;
}

int ff_registry_for_class(struct ff_host *host, const char *class_name,
                          const char *const *names, size_t name_count,
                          const struct ff_loaded_serializer **out, size_t max,
                          struct ff_error *e)
{
    struct choice c = {.class_name = class_name, .out = out, .max = max};
    struct ff_registry *r;
    int code = ff_host_check(host, e);

    if (code) {
        return code;
    }
    r = ff_registry_lock(host);
    code = ff_registry_prepare(r, e);
    if (!code && class_name[0]) {
        code =
            names ? choose_named(r, names, name_count, &c, e) : choose_enabled(r, &c, e);
    }
    if (!code && !c.count && c.refused) {
        code = fail_row(c.refused, c.refused->row.name, e);
    }
    ff_registry_unlock(r);
    return code ? code : (int)c.count;
}

static void add_choice(struct ff_plugin_choice *out, size_t max, size_t *count,
                       const struct ff_plugin *p, const char *why)
{
    if (*count < max) {
        out[*count] = (struct ff_plugin_choice){&p->row, why};
    }
    ++*count;
}

size_t ff_plugin_choices(const struct ff_host *host, const char *class_name,
                         struct ff_plugin_choice *out, size_t max)
{
    struct ff_plugin *first = NULL;
    struct ff_registry *r;
    size_t count = 0;

    if (!ff_plugin_count(host) || !class_name) { /* afterwards every row is final */
        return 0;
    }
    r = ff_registry_lock(host);
    if (!choose_mapped(r, class_name, &first, NULL) && first) {
        add_choice(out, max, &count, first, "plugins.classes names it");
    }
    for (size_t i = 0; i < r->order.count; i++) {
        const struct ff_plugin *p = *(struct ff_plugin **)ff_vec_at(&r->order, i);

        if (p != first && is_loaded(p) && ff_has_word(p->row.classes, class_name, 0)) {
            add_choice(out, max, &count, p,
                       count ? "asked when those before it decline"
                             : "the last one that was enabled for the class");
        }
    }
    for (size_t i = 0; i < r->plugins.count; i++) {
        const struct ff_plugin *p = ff_plugin_of(r, i);

        if (!is_loaded(p) && strcmp(p->row.code, "duplicate") != 0 &&
            ff_has_word(p->row.classes, class_name, 0)) {
            add_choice(out, max, &count, p, "not loaded");
        }
    }
    ff_registry_unlock(r);
    return count;
}

void ff_registry_hint(struct ff_host *host, const char *class_name, struct ff_error *e)
{
    struct ff_registry *r;

    if (ff_host_check(host, NULL) || !class_name[0]) {
        return;
    }
    r = ff_registry_lock(host);
    for (size_t i = 0; i < r->plugins.count; i++) {
        const struct ff_plugin *p = ff_plugin_of(r, i);

        if (p->settled && !is_loaded(p) && ff_has_word(p->row.classes, class_name, 0)) {
            ff_error_fix(e, "\"%.60s\" is for this class, but %s: %.120s", p->row.name,
                         p->row.code, p->row.fix);
        }
    }
    ff_registry_unlock(r);
}

int ff_registry_wants_builtins(const struct ff_host *host)
{
    struct ff_registry *r;
    int wants = 0;

    if (!ff_host_check(host, NULL)) {
        r = ff_registry_lock(host);
        wants = !ff_registry_prepare(r, NULL) && r->wants_builtins;
        ff_registry_unlock(r);
    }
    return wants;
}

int ff_registry_require(struct ff_host *host, struct ff_error *e)
{
    struct ff_registry *r = ff_registry_lock(host);
    char *const *require = host->config->require;
    int code = FF_OK;

    for (size_t i = 0; require[i] && !code; i++) {
        struct ff_plugin *p = NULL;

        code = obtain(r, NULL, require[i], &p, e);
        if (code) {
            ff_error_at(e, "required plugin ");
        }
    }
    ff_registry_unlock(r);
    return code;
}
