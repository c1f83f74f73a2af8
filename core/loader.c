/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.c: loading shared objects; the only file that knows libltdl.
 *
 * libltdl's stock loader binds lazily (a missing symbol ends the process at its first call) and
 * says "file not found" whatever happened. Ours loads with RTLD_NOW (missing symbols are found
 * now), RTLD_LOCAL (plugins do not see each other) and RTLD_NODELETE (unmapping a library such
 * as libhdf5 crashes later, in its thread-specific destructors), and keeps dlerror's text.
 * Around each call the stock loader is taken out, and ours says no to everybody else, so a
 * program with libltdl of its own sees no difference. lt_dlexit is never called.
 * State and lock are static because libltdl's state is, without a lock of its own.
 */
#include "core/loader.h"

#include <dlfcn.h>
#include <link.h>
#include <ltdl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"

struct copy {
    struct copy *next;
    struct ff_module *module;
    char key[FF_LOADER_KEY_BYTES];
};

static struct {
    struct copy *copies; /* never freed, as what they name is never unloaded */
    pthread_mutex_t mutex;
    int ready;
    lt_dlinterface_id id; /* handles that are ours have data under it */
    int asked;            /* the call is ours */
    int opened;           /* our loader loaded it */
    int foreign;          /* the symbol is in another file */
    int data;             /* the symbol is no function */
    char why[512];        /* what dlerror said */
} loader = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static lt_module module_open(lt_user_data data, const char *path, lt_dladvise advise)
{
    void *module;

    (void)data;
    (void)advise;
    if (!loader.asked) {
        return NULL;
    }
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    loader.opened = module != NULL;
    if (!module) {
        const char *text = dlerror();
        (void)snprintf(loader.why, sizeof loader.why, "%s", text ? text : "no reason");
    }
    return module;
}

static int module_close(lt_user_data data, lt_module module)
{
    (void)data;
    return dlclose(module);
}

/* Only in the file itself: dlsym looks into what it links, too. And only under its own name:
 * libltdl asks for "file_LTX_name" first. */
static void *find_sym(lt_user_data data, lt_module module, const char *name)
{
    struct link_map *own = NULL, *holder = NULL;
    void *found = strstr(name, "_LTX_") ? NULL : dlsym(module, name);
    ElfW(Sym) *symbol = NULL;
    Dl_info info;

    (void)data;
    if (found &&
        (dlinfo(module, RTLD_DI_LINKMAP, &own) ||
         !dladdr1(found, &info, (void **)&holder, RTLD_DL_LINKMAP) || own != holder)) {
        loader.foreign = 1;
        found = NULL;
    } else if (found && dladdr1(found, &info, (void **)&symbol, RTLD_DL_SYMENT) &&
               symbol && (symbol->st_info & 0xf) == STT_OBJECT) {
        loader.data = 1;
        found = NULL;
    }
    return found;
}

static const lt_dlvtable vtable = {.name = "functionfuse",
                                   .module_open = module_open,
                                   .module_close = module_close,
                                   .find_sym = find_sym,
                                   .priority = LT_DLLOADER_PREPEND};

/* Mutex held. */
static int get_ready(void)
{
    if (!loader.ready) {
        loader.ready = !lt_dlinit() && !lt_dlloader_add(&vtable) &&
                       (loader.id = lt_dlinterface_register("functionfuse", NULL));
    }
    return loader.ready;
}

/* libltdl gives the handle of whoever opened the path before: it has to be ours, or fresh. */
static int is_ours(lt_dlhandle handle)
{
    if (!loader.opened && !lt_dlcaller_get_data(loader.id, handle)) {
        (void)snprintf(loader.why, sizeof loader.why,
                       "the program itself has opened this file by libltdl");
        return 0;
    }
    (void)lt_dlcaller_set_data(loader.id, handle, &loader);
    return 1;
}

/* Mutex held. The stock loader comes back behind ours. While the program has modules open in
 * it, it cannot be taken out: then whatever it would take after us must not get that far. */
static lt_dlhandle open_alone(const char *path)
{
    lt_dlvtable *stock = lt_dlloader_remove("lt_dlopen");
    int loads = stock || module_open(NULL, path, NULL);
    lt_dlhandle handle;

    loader.opened = 0;
    handle = loads ? lt_dlopen(path) : NULL;
    if (stock) {
        stock->priority = LT_DLLOADER_APPEND;
        (void)lt_dlloader_add(stock);
    }
    return handle;
}

static int find_interpreter(struct dl_phdr_info *program, size_t size, void *found)
{
    (void)size;
    for (size_t i = 0; i < program->dlpi_phnum; i++) {
        *(int *)found |= program->dlpi_phdr[i].p_type == PT_INTERP;
    }
    return 1; /* the program comes first: dl_iterate_phdr(3) */
}

/* glibc's dlopen gives what a static program loads a libc of its own; libhdf5 crashes in that. */
int ff_loader_works(void)
{
    int found = 0;

    (void)dl_iterate_phdr(find_interpreter, &found);
    return found;
}

struct ff_module *ff_loader_open(const char *path, char *why, size_t why_bytes)
{
    lt_dlhandle handle = NULL;

    (void)pthread_mutex_lock(&loader.mutex);
    (void)snprintf(loader.why, sizeof loader.why, "not a full path, or libltdl fails");
    if (path[0] == '/' && get_ready()) {
        loader.asked = 1;
        handle = open_alone(path);
        loader.asked = 0;
        if (handle && !is_ours(handle)) {
            (void)lt_dlclose(handle);
            handle = NULL;
        }
    }
    (void)snprintf(why, why_bytes, "%s", handle ? "" : loader.why);
    (void)pthread_mutex_unlock(&loader.mutex);
    return (struct ff_module *)handle;
}

void *ff_loader_symbol(struct ff_module *module, const char *name, int *why)
{
    void *found;

    (void)pthread_mutex_lock(&loader.mutex);
    loader.foreign = loader.data = 0;
    found = lt_dlsym((lt_dlhandle)module, name);
    *why = found            ? FF_SYMBOL_FOUND
           : loader.foreign ? FF_SYMBOL_FOREIGN
           : loader.data    ? FF_SYMBOL_DATA
                            : FF_SYMBOL_NONE;
    (void)pthread_mutex_unlock(&loader.mutex);
    return found;
}

void *ff_loader_peek(const char *path, const char *name)
{
    void *module = path[0] == '/' ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

    return module ? dlsym(module, name) : NULL;
}

/* Mutex held. */
static struct copy *find_copy(const char *key)
{
    struct copy *c = loader.copies;

    while (c && strcmp(c->key, key) != 0) {
        c = c->next;
    }
    return c;
}

struct ff_module *ff_loader_find(const char *key)
{
    const struct copy *found;

    (void)pthread_mutex_lock(&loader.mutex);
    found = find_copy(key);
    (void)pthread_mutex_unlock(&loader.mutex);
    return found ? found->module : NULL;
}

void ff_loader_remember(const char *key, struct ff_module *module)
{
    struct copy *c;

    (void)pthread_mutex_lock(&loader.mutex);
    if (!find_copy(key) && (c = ff_calloc(1, sizeof *c))) {
        (void)snprintf(c->key, sizeof c->key, "%s", key);
        c->module = module;
        c->next = loader.copies;
        loader.copies = c;
    }
    (void)pthread_mutex_unlock(&loader.mutex);
}
