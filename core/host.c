/* SPDX-License-Identifier: Apache-2.0 */
/* host.c: one host = configuration + plugins + threads. Nothing of it is global: a process may
 * have several, with other plugins and options each. */
#include "core/host_own.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/array.h"
#include "core/base/alloc.h"
#include "core/base/name.h"
#include "core/call_own.h"

enum { CHOICES_MAX = 256, LIST_BYTES = 256, STORAGE_MAX_BYTES = 1 << 20 };
#define DEFAULT_MEMORY_BYTES (UINT64_C(256) << 20)

static int no_memory(struct ff_error *e)
{
    return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a host");
}

static int call_cancelled(const struct ff_call *call)
{
    const struct ff_host *host = call->ctx;

    return host->cancelled ? host->cancelled(host->ctx) : 0;
}

static void call_progress(const struct ff_call *call, uint64_t done, uint64_t total)
{
    const struct ff_host *host = call->ctx;

    if (host->progress) {
        host->progress(host->ctx, done, total);
    }
}

static char **copy_list(const char *const *list, struct ff_error *e)
{
    size_t count = 0;
    char **copy;

    while (list[count]) {
        count++;
    }
    if (!(copy = ff_calloc(count + 1, sizeof *copy))) {
        (void)no_memory(e);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!(copy[i] = ff_strdup(list[i]))) {
            ff_list_free(copy);
            (void)no_memory(e);
            return NULL;
        }
    }
    return copy;
}

/* Callbacks, and what else is used after the opening. */
static int take_options(struct ff_host *host, const struct ff_host_options *o,
                        struct ff_error *e)
{
    host->ctx = FF_HAS(o, ff_host_options, ctx) ? o->ctx : NULL;
    host->log = FF_HAS(o, ff_host_options, log) ? o->log : NULL;
    host->progress = FF_HAS(o, ff_host_options, progress) ? o->progress : NULL;
    host->cancelled = FF_HAS(o, ff_host_options, cancelled) ? o->cancelled : NULL;
    host->sys = FF_HAS(o, ff_host_options, draft_sys) ? o->draft_sys : &ff_sys_posix;
    host->call = (struct ff_call){.struct_size = FF_SIZE(ff_call, progress),
                                  .ctx = host,
                                  .cancelled = call_cancelled,
                                  .progress = call_progress};
    if (FF_HAS(o, ff_host_options, plugin_path) &&
        !(host->extra_path = copy_list(o->plugin_path, e))) {
        return FF_E_NO_MEMORY;
    }
    return FF_OK;
}

/* The file that this code is in: its folder has the plugins that were installed with it. The
 * name may be relative, as on a command line: it is resolved before anybody changes the
 * directory. */
static int find_library(struct ff_host *host, struct ff_error *e)
{
    char full[PATH_MAX];
    struct link_map *map = NULL;
    const char *path;
    Dl_info info;

    if (!dladdr1((const void *)&ff_sys_posix, &info, (void **)&map, RTLD_DL_LINKMAP) ||
        !info.dli_fname) {
        return FF_OK;
    }
    host->in_program = map && !map->l_name[0];
    path = realpath(info.dli_fname, full);
    if (!path || !strrchr(path, '/')) {
        return FF_OK;
    }
    host->library = ff_strdup(path);
    host->library_dir = ff_strndup(path, (size_t)(strrchr(path, '/') - path));
    return host->library && host->library_dir ? FF_OK : no_memory(e);
}

static int make_parts(struct ff_host *host, const struct ff_host_options *o,
                      struct ff_error *e)
{
    const struct ff_config *config = host->config;
    uint32_t threads = o && o->threads ? o->threads : config->threads;
    uint64_t memory =
        FF_HAS(o, ff_host_options, memory_bytes) ? o->memory_bytes : config->memory_bytes;
    int none = FF_HAS(o, ff_host_options, durability)
                   ? o->durability == FF_DURABILITY_NONE
                   : config->durability == FF_DURABILITY_NONE;

    threads = threads ? threads : ff_cpus_allowed(host->sys);
    host->memory_bytes = memory ? memory : DEFAULT_MEMORY_BYTES;
    ff_trust_init(&host->trust, host->sys, host->library_dir, host->library,
                  config->owners);
    ff_services_init(host, threads, none ? FF_HOST_NO_SYNC : 0);
    host->pool = ff_pool_new(threads, host->memory_bytes, e);
    host->registry = host->pool ? ff_registry_new(host, e) : NULL;
    return host->registry ? ff_registry_require(host, e) : FF_E_NO_MEMORY;
}

/* A configuration says which native code is loaded: it has to be as well kept as that. */
static int check_config_file(const struct ff_host *host, struct ff_error *e)
{
    const char *path = host->config->path;
    struct ff_verdict v = {.code = NULL};
    struct ff_trust trust;
    struct stat st;

    if (!host->config->was_read ||
        host->sys->fstatat(host->sys, AT_FDCWD, path, &st, 0) || !S_ISREG(st.st_mode)) {
        return FF_OK;
    }
    ff_trust_init(&trust, host->sys, host->library_dir, host->library, NULL);
    ff_trust_check(&trust, &st, path, &v);
    if (!v.code) {
        return FF_OK;
    }
    (void)ff_fail(e, FF_E_UNSAFE, path,
                  "the configuration could be somebody else's: %.400s", v.reason);
    ff_error_fix(e, "%s", v.fix);
    return FF_E_UNSAFE;
}

static void free_host(struct ff_host *host)
{
    if (host) {
        ff_registry_free(host->registry);
        ff_leases_free(host);
        ff_pool_free(host->pool);
        ff_config_free(host->config);
        ff_list_free(host->extra_path);
        ff_free(host->library);
        ff_free(host->library_dir);
        (void)pthread_mutex_destroy(&host->leases_mutex);
        ff_free(host);
    }
}

struct ff_host *ff_host_open(const struct ff_host_options *o, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_host *host;
    int code;

    if (e && e->code) {
        return NULL;
    }
    e = e ? e : &own;
    if (!(host = ff_calloc(1, sizeof *host))) {
        (void)no_memory(e);
        return NULL;
    }
    atomic_init(&host->refs, 1);
    host->pid = getpid();
    (void)pthread_mutex_init(&host->leases_mutex,
                             NULL); /* cannot fail: default attributes */
    code = take_options(host, o, e);
    code = code ? code : find_library(host, e);
    code = code ? code
                : ff_config_load(
                      host->sys,
                      FF_HAS(o, ff_host_options, config_path) ? o->config_path : NULL,
                      FF_HAS(o, ff_host_options, config_json) ? o->config_json : NULL,
                      &host->config, e);
    code = code ? code : check_config_file(host, e);
    code = code ? code : make_parts(host, o, e);
    if (code) {
        free_host(host);
        return NULL;
    }
    return host;
}

struct ff_host *ff_host_ref(struct ff_host *host)
{
    (void)atomic_fetch_add(&host->refs, 1);
    return host;
}

/* In a child process there is nothing to free: its threads are not there, and a lock may have
 * been held by one of them. */
void ff_host_unref(struct ff_host *host)
{
    if (host && host->pid == getpid() && atomic_fetch_sub(&host->refs, 1) == 1) {
        free_host(host);
    }
}

void ff_host_close(struct ff_host *host)
{
    ff_host_unref(host);
}

int ff_host_check(const struct ff_host *host, struct ff_error *e)
{
    if (!host) {
        return ff_fail(e, FF_E_USAGE, NULL, "there is no host");
    }
    if (host->pid != getpid()) {
        (void)ff_fail(e, FF_E_FORKED, NULL,
                      "the host was opened by process %ld, before fork()",
                      (long)host->pid);
        ff_error_fix(e, "open a host in the child process");
        return FF_E_FORKED;
    }
    return FF_OK;
}

const struct ff_host_services *ff_host_services(const struct ff_host *host)
{
    return &host->services;
}

struct ff_pool_own *ff_host_pool(const struct ff_host *host)
{
    return host->pool;
}

const struct ff_sys *ff_host_sys(const struct ff_host *host)
{
    return host->sys;
}

uint64_t ff_host_memory_bytes(const struct ff_host *host)
{
    return host->memory_bytes;
}

uint64_t ff_host_chunk_bytes(const struct ff_host *host)
{
    return host->config->chunk_bytes ? host->config->chunk_bytes : FF_AUTO_CHUNK_BYTES;
}

int ff_host_inlines(const struct ff_host *host)
{
    return host->config->inlines;
}

const struct ff_call *ff_host_call(const struct ff_host *host)
{
    return &host->call;
}

/* The names of the storages in the configuration. */
static void storage_names(const struct ff_config *config,
                          const char *names[CHOICES_MAX + 1], char list[LIST_BYTES])
{
    size_t n = 0, used = 0;

    list[0] = '\0';
    for (; n < config->storages.count && n < CHOICES_MAX; n++) {
        names[n] = config->storages.items[n].name;
        if (used < LIST_BYTES) {
            used += (size_t)snprintf(list + used, LIST_BYTES - used, "%s%s",
                                     n ? ", " : "", names[n]);
        }
    }
    names[n] = NULL;
}

static char *fail_no_storage(const struct ff_config *config, struct ff_error *e)
{
    const char *names[CHOICES_MAX + 1];
    char list[LIST_BYTES];

    storage_names(config, names, list);
    (void)ff_fail(
        e, FF_E_USAGE, NULL,
        "no storage is named, and there is no \"default\" in the configuration; "
        "its storages are: %s",
        list[0] ? list : "none");
    ff_error_fix(e, "name one, or a folder, or set FF_STORAGE");
    return NULL;
}

/* A folder; but a word that is almost the name of a storage and is no folder is a slip. */
static char *folder_json(const struct ff_host *host, const char *which,
                         struct ff_error *e)
{
    const char *names[CHOICES_MAX + 1], *near;
    char list[LIST_BYTES], *json;
    struct ff_buf text;
    struct stat st;

    storage_names(host->config, names, list);
    near = strchr(which, '/') ? NULL : ff_nearest(which, names);
    if (near && host->sys->fstatat(host->sys, AT_FDCWD, which, &st, 0)) {
        (void)ff_fail(
            e, FF_E_USAGE, NULL,
            "\"%.100s\" is neither a storage of the configuration (%s) nor a folder",
            which, list);
        ff_error_fix(e, "did you mean \"%s\"? A new folder is written \"./%.80s\"", near,
                     which);
        return NULL;
    }
    ff_buf_init(&text, STORAGE_MAX_BYTES);
    if (ff_buf_append_text(&text, "{\"kind\": \"" FF_FOLDER_KIND
                                  "\", \"options\": {\"path\": ") ||
        ff_config_quote(&text, which) || ff_buf_append_text(&text, "}}")) {
        (void)no_memory(e);
    }
    json = e->code ? NULL : (char *)ff_buf_steal(&text, NULL);
    ff_buf_free(&text);
    return json;
}

char *ff_host_storage_json(struct ff_host *host, const char *which, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    const struct ff_named_json *storage;
    char *json;

    e = e ? e : &own;
    if (e->code || ff_host_check(host, e)) {
        return NULL;
    }
    which = which ? which : secure_getenv("FF_STORAGE");
    which = which && which[0] ? which : host->config->default_storage;
    if (!which) {
        return fail_no_storage(host->config, e);
    }
    if (which[0] == '@') {
        return ff_read_file(host->sys, which + 1, STORAGE_MAX_BYTES, NULL, e);
    }
    storage = ff_named_find(&host->config->storages, which);
    if (!storage && which[0] != '{') {
        return folder_json(host, which, e);
    }
    json = ff_strdup(storage ? storage->json : which);
    if (!json) {
        (void)no_memory(e);
    }
    return json;
}
