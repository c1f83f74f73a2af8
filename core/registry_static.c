/* SPDX-License-Identifier: Apache-2.0 */
/* registry_static.c: plugins that are compiled into the program. Nothing is loaded, so neither
 * gate nor loader is asked; from the descriptor on they are as all others. */
#include "core/registry_own.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>

#include "core/base/alloc.h"

enum { STATIC_MAX = 1 << 16 };

/* A function pointer where dladdr wants an object's: POSIX's dlsym has them alike. */
union function {
    const struct ff_serializer *(*serializer)(void);
    const struct ff_protocol *(*protocol)(void);
    const void *address;
};

/* The program, or the library, that has the function; owned. */
static char *path_of(union function f)
{
    char full[PATH_MAX];
    const char *path = NULL;
    Dl_info info;

    if (dladdr(f.address, &info) && info.dli_fname) {
        path = realpath(info.dli_fname, full);
        path = path ? path : info.dli_fname;
    }
    return ff_strdup(path ? path : "");
}

static int count_static(const struct ff_registry *r)
{
    int count = 0;

    for (size_t i = 0; i < r->files.count; i++) {
        count += (*(struct ff_plugin_file **)ff_vec_at(&r->files, i))->in_program != 0;
    }
    return count;
}

static struct ff_plugin_file *new_file(struct ff_registry *r, union function f)
{
    struct ff_plugin_file *file = ff_calloc(1, sizeof *file);

    if (!file || !(file->path = path_of(f)) || ff_vec_append(&r->files, &file)) {
        ff_free(file ? file->path : NULL);
        ff_free(file);
        return NULL;
    }
    file->name = file->path + strlen(file->path); /* no name could enable it */
    file->noteless = file->opened = 1;
    file->in_program = count_static(r) + 1;
    return file;
}

/* As of a file that has just been loaded. */
static int add(struct ff_registry *r, struct ff_plugin_file *file,
               const struct ff_found *found, struct ff_verdict *v, struct ff_error *e)
{
    int code = ff_plugin_new(r, file, NULL, e) ? FF_OK : FF_E_NO_MEMORY;

    if (code) {
        return code;
    }
    if (!v->code) {
        code = ff_plugin_bind(r, file, found, v, e);
    }
    return !code && v->code ? ff_plugin_settle_file(r, file, v, e) : code;
}

static int register_locked(struct ff_registry *r, union function f, int is_protocol,
                           struct ff_error *e)
{
    struct ff_found found = {NULL, NULL};
    struct ff_verdict v = {.code = NULL};
    struct ff_plugin_file *file;
    int code;

    if (r->complete || count_static(r) >= STATIC_MAX) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       r->complete ? "the host's plugins have been counted: register "
                                     "before"
                                   : "too many plugins");
    }
    if (!(file = new_file(r, f))) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory to register a plugin");
    }
    if (is_protocol) {
        found.protocol = f.protocol();
        ff_protocol_check(found.protocol, &v);
    } else {
        found.serializer = f.serializer();
        ff_serializer_check(found.serializer, &v);
    }
    if ((code = add(r, file, &found, &v, e))) {
        return code;
    }
    r->prepared = 0; /* names and order are to be looked at again */
    if (v.code) {
        code = ff_fail(e, FF_E_PLUGIN, file->path, "the plugin was refused (%s): %.400s",
                       v.code, v.reason);
        ff_error_fix(e, "%s", v.fix);
    }
    return code;
}

int ff_register_static(struct ff_host *host,
                       const struct ff_serializer *(*serializer)(void),
                       const struct ff_protocol *(*protocol)(void), struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    union function f = {.serializer = serializer};
    struct ff_registry *r;

    e = e ? e : &own;
    if (e->code || ff_host_check(host, e)) {
        return e->code;
    }
    if (!serializer == !protocol) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "a plugin is described by one function: a serializer's or a "
                       "protocol's");
    }
    if (protocol) {
        f.protocol = protocol;
    }
    r = ff_registry_lock(host);
    (void)register_locked(r, f, protocol != NULL, e);
    ff_registry_unlock(r);
    return e->code;
}
