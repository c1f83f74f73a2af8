/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_load.c: a file of an enabled plugin is loaded, at first need: through the gate again
 * (it may have changed), through the loader, then descriptor, note, needs, create(). Whatever
 * fails becomes the row's code; only missing memory is a failure, and may be tried again.
 */
#include "core/registry_own.h"

#include "core/base/alloc.h"
#include "core/call_own.h"
#include "core/schema.h"

static int no_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to load a plugin");
}

static void check_again(const struct ff_registry *r, const struct ff_plugin_file *file,
                        struct ff_gate *g, struct ff_verdict *v)
{
    const struct ff_plugin_dir *d = ff_vec_at(&r->dirs, file->dir);
    const struct ff_sys *sys = r->host->sys;
    int fd = ff_open_at(sys, AT_FDCWD, d->path, O_PATH | O_DIRECTORY);

    if (fd < 0) {
        ff_verdict_set(v, "directory", "%.300s: %s", d->path, strerrordesc_np(-fd));
        ff_verdict_fix(v, "look at '%.200s' and the folders above it: ls -ld", d->path);
        return;
    }
    ff_gate_check(&r->host->trust, sys, fd, d->path, file->name, g);
    ff_trust_folder(&r->host->trust, sys, fd, d->path, &g->verdict);
    (void)sys->close(sys, fd);
    *v = g->verdict;
}

/* Nobody but who is trusted can swap the file between the checks and the loading; that it was
 * swapped is said. */
static void check_unchanged(const struct ff_registry *r,
                            const struct ff_plugin_file *file, const struct ff_gate *g,
                            struct ff_verdict *v)
{
    const struct ff_sys *sys = r->host->sys;
    struct stat st;
    int code = sys->fstatat(sys, AT_FDCWD, file->path, &st, AT_SYMLINK_NOFOLLOW);

    if (code || st.st_dev != g->dev || st.st_ino != g->ino ||
        (uint64_t)st.st_size != g->size_bytes || st.st_ctim.tv_sec != g->changed.tv_sec ||
        st.st_ctim.tv_nsec != g->changed.tv_nsec) {
        ff_verdict_set(v, "changed",
                       "the file was changed or replaced while it was loaded");
        ff_verdict_fix(v, "try again; replace plugins with ff plugin install");
    }
}

/* What dlerror said, and what to do about the two usual causes. */
static void explain_dlopen(struct ff_verdict *v, const char *path, const char *why)
{
    const char *missing = strstr(why, ": cannot open shared object file");
    const char *symbol = strstr(why, "undefined symbol: ");

    ff_verdict_set(v, "dlopen", "%s", why);
    if (missing && strncmp(why, path, strlen(path)) != 0) {
        ff_verdict_fix(v, "install the package that has %.*s", (int)(missing - why), why);
    } else if (symbol) {
        symbol += strlen("undefined symbol: ");
        ff_verdict_fix(v,
                       "install the version of its library that has %.*s, or rebuild it",
                       (int)strcspn(symbol, " ,"), symbol);
    } else {
        ff_verdict_fix(v, "ldd '%.180s' shows what it needs", path);
    }
}

static void explain_static(struct ff_verdict *v)
{
    ff_verdict_set(v, "dlopen",
                   "this program is linked statically, and can load nothing");
    ff_verdict_fix(v, "compile the plugin into the program: ff_register_static()");
}

static void explain_symbol(struct ff_verdict *v, const char *name, int why)
{
    if (why == FF_SYMBOL_FOREIGN) {
        ff_verdict_set(v, "foreign-symbol",
                       "%s is not in it, but in a file that it links", name);
        ff_verdict_fix(v,
                       "tell the plugin's author: export the function from the plugin");
    } else if (why == FF_SYMBOL_DATA) {
        ff_verdict_set(v, "no-symbol", "%s is data, not a function", name);
        ff_verdict_fix(v, "tell the plugin's author: include <functionfuse/plugin.h>");
    } else {
        ff_verdict_set(
            v, "no-symbol",
            "it exports neither ff_serializer_describe nor ff_protocol_describe");
        ff_verdict_fix(v, "remove it if it is no plugin; else export the function with "
                          "FF_EXPORT");
    }
}

/* Ask it for its descriptor. `kind`: what its note says, or "". */
static void describe(struct ff_module *module, const char *kind, struct ff_found *out,
                     struct ff_verdict *v)
{
    /* a function pointer in an object pointer's place: POSIX's dlsym */
    union {
        void *object;
        const struct ff_serializer *(*serializer)(void);
        const struct ff_protocol *(*protocol)(void);
    } symbol;
    const char *name = "ff_serializer_describe";
    int why_serializer = 0, why_protocol = 0;

    symbol.object = strcmp(kind, "protocol") == 0
                        ? NULL
                        : ff_loader_symbol(module, name, &why_serializer);
    if (symbol.object) {
        out->serializer = symbol.serializer();
        ff_serializer_check(out->serializer, v);
        return;
    }
    symbol.object = strcmp(kind, "serializer") == 0
                        ? NULL
                        : ff_loader_symbol(module, "ff_protocol_describe", &why_protocol);
    if (symbol.object) {
        out->protocol = symbol.protocol();
        ff_protocol_check(out->protocol, v);
        return;
    }
    explain_symbol(v, why_serializer ? name : "ff_protocol_describe",
                   why_serializer ? why_serializer : why_protocol);
}

static const char *kind_of_file(const struct ff_registry *r,
                                const struct ff_plugin_file *file)
{
    for (size_t i = 0; i < r->plugins.count; i++) {
        if (ff_plugin_of(r, i)->file == file) {
            return ff_plugin_of(r, i)->row.kind;
        }
    }
    return "";
}

/* The sealed copy that `fd` is, or what was loaded of the same bytes before. A new one stays
 * open: the linker knows what is loaded by this name. */
static struct ff_module *open_copy(const struct ff_sys *sys, int fd, const char *sha256,
                                   char *why, size_t why_bytes)
{
    struct ff_module *module = ff_loader_find(sha256);
    char path[32];
    int known = module != NULL;

    if (!known) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        module = ff_loader_open(path, why, why_bytes);
    }
    if (known || !module) {
        (void)sys->close(sys, fd);
    } else {
        ff_loader_remember(sha256, module);
    }
    return module;
}

/* The file, or the sealed copy of it that `fd` is and that is closed when it is refused. */
static void probe(const struct ff_registry *r, const struct ff_plugin_file *file, int fd,
                  struct ff_verdict *v)
{
    char path[32];

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ff_try_in_child(fd < 0 ? file->path : path, v);
    if (v->code && fd >= 0) {
        (void)r->host->sys->close(r->host->sys, fd);
    }
}

/* Through the gate, the pin and the loader. FF_E_NO_MEMORY. */
static int load(struct ff_registry *r, struct ff_plugin_file *file,
                struct ff_found *first, struct ff_verdict *v, struct ff_error *e)
{
    char why[sizeof v->reason], sha256[FF_PIN_DIGITS + 1];
    struct ff_module *module;
    struct ff_gate g;
    int fd = -1, code;

    check_again(r, file, &g, v);
    if (!v->code && !ff_loader_works()) {
        explain_static(v);
    }
    if (v->code || (code = ff_pin_open(r, file, &fd, sha256, v, e)) || v->code) {
        return v->code ? FF_OK : code;
    }
    file->pinned = fd >= 0;
    if (file->noteless && r->host->config->probe) {
        ff_host_log(r->host, FF_LOG_DEBUG, "plugin: %s: trying it in a child",
                    file->path);
        probe(r, file, fd, v);
        if (v->code) {
            return FF_OK;
        }
    }
    ff_host_log(r->host, FF_LOG_DEBUG, "plugin: %s: loading %s", file->path,
                fd < 0 ? "it" : "a sealed copy: it is pinned");
    module = fd < 0 ? ff_loader_open(file->path, why, sizeof why)
                    : open_copy(r->host->sys, fd, sha256, why, sizeof why);
    if (!module) {
        explain_dlopen(v, file->path, why);
        return FF_OK;
    }
    describe(module, kind_of_file(r, file), first, v);
    if (!file->pinned && !v->code) {
        check_unchanged(r, file, &g, v);
    }
    return FF_OK;
}

int ff_plugin_open_file(struct ff_registry *r, struct ff_plugin_file *file,
                        struct ff_error *e)
{
    struct ff_verdict v = {.code = NULL};
    struct ff_found first = {NULL, NULL};
    int code = FF_OK;

    if (file->opened) {
        return FF_OK;
    }
    if ((code = load(r, file, &first, &v, e))) {
        return code;
    }
    code = v.code ? FF_OK : ff_plugin_bind(r, file, &first, &v, e);
    if (!code && v.code) {
        code = ff_plugin_settle_file(r, file, &v, e);
    }
    file->opened = !code;
    return code;
}

/* The document of a plugin's options; absent when there are none. */
static int read_options(const struct ff_registry *r, const char *name,
                        struct ff_doc **doc, struct ff_value *options, struct ff_error *e)
{
    const struct ff_named_json *option = ff_named_find(&r->host->config->options, name);

    *doc = NULL;
    *options = (struct ff_value){NULL, 0};
    if (!option) {
        return FF_OK;
    }
    if (!(*doc = ff_doc_new(e))) {
        return FF_E_NO_MEMORY;
    }
    *options = ff_from_json(*doc, option->json, strlen(option->json), NULL, e);
    return options->doc ? FF_OK : e->code;
}

static int create(struct ff_registry *r, struct ff_plugin *p, struct ff_verdict *v)
{
    struct ff_loaded_serializer *loaded = &p->loaded_serializer;
    struct ff_error why = FF_ERROR_INIT;
    struct ff_value options;
    struct ff_doc *doc;
    int code = read_options(r, p->row.name, &doc, &options, &why);

    code = code ? code
                : ff_schema_check(ff_schema_of_serializer(p->serializer), options, &why);
    if (!code &&
        !(p->given = ff_lease_new(r->host, p->serializer->name, p->serializer, &why))) {
        code = FF_E_NO_MEMORY;
    }
    if (!code) {
        code = ff_call_create(p->serializer->create, p->given, options, p->row.name,
                              &loaded->inst, &why);
    }
    ff_doc_free(doc);
    if (!code && ff_vec_append(&r->created, &p)) {
        if (p->serializer->destroy) {
            p->serializer->destroy(loaded->inst);
        }
        code = FF_E_NO_MEMORY;
    }
    if (code) {
        ff_lease_end(p->given);
        p->given = NULL;
    }
    loaded->desc = p->serializer;
    loaded->host = r->host;
    if (code) {
        ff_verdict_set(v, code == FF_E_USAGE ? "options" : "create", "%s%s%s", why.place,
                       why.place[0] ? ": " : "", why.message);
        if (why.fix[0]) {
            ff_verdict_fix(v, "%s", why.fix);
        } else {
            ff_verdict_fix(v, "look at plugins.options[\"%.100s\"] in the configuration",
                           p->row.name);
        }
    }
    return code;
}

/* The options of a protocol are its storage's: those in the wrong place would have no effect. */
static void take_protocol(struct ff_registry *r, struct ff_plugin *p,
                          struct ff_verdict *v)
{
    if (ff_named_find(&r->host->config->options, p->row.name)) {
        ff_verdict_set(v, "options",
                       "the options of a protocol are not in plugins.options");
        ff_verdict_fix(v,
                       "put them into the storage: {\"kind\": \"%.60s\", \"options\": "
                       "{...}}",
                       p->row.name);
    }
    p->loaded_protocol.desc = p->protocol;
    p->loaded_protocol.host = r->host;
}

/* It has its instance already: only its row could not be settled, for want of memory. */
static int is_created(const struct ff_registry *r, const struct ff_plugin *p)
{
    for (size_t i = 0; i < r->created.count; i++) {
        if (*(struct ff_plugin **)ff_vec_at(&r->created, i) == p) {
            return 1;
        }
    }
    return 0;
}

int ff_plugin_activate(struct ff_registry *r, struct ff_plugin *p, struct ff_error *e)
{
    struct ff_verdict v = {.code = NULL};
    int code = p->settled ? FF_OK : ff_plugin_open_file(r, p->file, e);

    if (code || p->settled) {
        return code;
    }
    if (p->serializer) {
        ff_needs_check(r->host, p->serializer->needs, &v);
        if (!v.code && !is_created(r, p) && create(r, p, &v) == FF_E_NO_MEMORY) {
            return no_memory(e);
        }
    } else {
        ff_needs_check(
            r->host, FF_HAS(p->protocol, ff_protocol, needs) ? p->protocol->needs : NULL,
            &v);
        if (!v.code) {
            take_protocol(r, p, &v);
        }
    }
    if (!v.code && (code = ff_plugin_add_offers(p, e))) {
        return code;
    }
    if (v.code) {
        ff_host_log(r->host, FF_LOG_WARNING, "%s: %s: %s", p->file->path, v.code,
                    v.reason);
    } else {
        v.code = "loaded";
        p->row.options = ff_schema_text(p->serializer, p->protocol);
        ff_host_log(r->host, FF_LOG_DEBUG, "plugin: %s: \"%s\" is loaded", p->file->path,
                    p->row.name);
    }
    return ff_plugin_settle(p, &v, e);
}
