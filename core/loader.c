/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader.c: loading shared objects; the only file that knows libltdl.
 *
 * libltdl's stock loader binds lazily (a missing symbol then ends the process at its first
 * call) and its messages are "file not found" whatever happened. So it gets a loader of ours,
 * which loads with RTLD_NOW (missing symbols are found now), RTLD_LOCAL (plugins do not see
 * each other's symbols) and RTLD_NODELETE (libraries such as libhdf5 leave thread-specific
 * destructors behind: unmapping them crashes later) and keeps dlerror's text. Around each of
 * our calls the stock loader is taken out, and ours says no to everybody else's, so that a
 * program with libltdl of its own sees no difference. lt_dlexit is never called.
 *
 * State and lock are static because libltdl's are: one list of loaders and modules for the
 * process, and no lock of its own.
 */
#include "core/loader.h"

#include <dlfcn.h>
#include <link.h>
#include <ltdl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { WHY_BYTES = 512 };

static struct {
    pthread_mutex_t mutex;
    int ready;
    int asked;           /* the call is ours */
    int failed;          /* our loader, or our symbol check, said no */
    char why[WHY_BYTES]; /* what dlerror said */
} loader = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static lt_module module_open(lt_user_data data, const char *path, lt_dladvise advise)
{
    void *module = NULL;

    (void)data;
    (void)advise;
    if (loader.asked && !(module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE))) {
        const char *text = dlerror();

        loader.failed = 1;
        (void)snprintf(loader.why, sizeof loader.why, "%s",
                       text ? text : "no reason given");
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
    Dl_info info;

    (void)data;
    if (found &&
        (dlinfo(module, RTLD_DI_LINKMAP, &own) ||
         !dladdr1(found, &info, (void **)&holder, RTLD_DL_LINKMAP) || own != holder)) {
        loader.failed = 1;
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
        loader.ready = !lt_dlinit() && !lt_dlloader_add(&vtable);
    }
    return loader.ready;
}

struct ff_module *ff_loader_open(const char *path, char *why, size_t why_bytes)
{
    lt_dlhandle handle = NULL;
    lt_dlvtable *stock;

    (void)pthread_mutex_lock(&loader.mutex);
    loader.failed = 0;
    (void)snprintf(loader.why, sizeof loader.why,
                   "not a full path, or libltdl does not start");
    if (path[0] == '/' && get_ready()) {
        loader.asked = 1;
        stock = lt_dlloader_remove(
            "lt_dlopen"); /* NULL: the program has modules open in it */
        handle = lt_dlopen(path);
        if (stock) {
            (void)lt_dlloader_add(stock);
        }
        loader.asked = 0;
        if (handle && loader.failed) {
            (void)lt_dlclose(handle); /* the stock loader took what ours refused */
            handle = NULL;
        }
    }
    (void)snprintf(why, why_bytes, "%s", handle ? "" : loader.why);
    (void)pthread_mutex_unlock(&loader.mutex);
    return (struct ff_module *)handle;
}

void *ff_loader_symbol(struct ff_module *module, const char *name, int *foreign)
{
    void *found;

    (void)pthread_mutex_lock(&loader.mutex);
    loader.failed = 0;
    found = lt_dlsym((lt_dlhandle)module, name);
    *foreign = !found && loader.failed;
    (void)pthread_mutex_unlock(&loader.mutex);
    return found;
}
