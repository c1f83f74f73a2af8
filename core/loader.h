/* SPDX-License-Identifier: Apache-2.0 */
/* loader.h: loading a shared object, once it has passed the gate. */
#ifndef FF_CORE_LOADER_H
#define FF_CORE_LOADER_H

#include <stddef.h>

/* A loaded file: the library's handle. It stays loaded until the process ends. */
struct ff_module;

/* Whether this program can load anything: not when it is linked statically. */
int ff_loader_works(void);
/* Load a file by its full path. NULL: `why` has the dynamic linker's own words. */
struct ff_module *ff_loader_open(const char *path, char *why, size_t why_bytes);
enum { FF_LOADER_KEY_BYTES = 65 };

/* A copy that was loaded under another name each time: the module of the same bytes, by their
 * SHA-256, or NULL. Without memory nothing is
 * remembered, and it is loaded again. */
struct ff_module *ff_loader_find(const char *key);
void ff_loader_remember(const char *key, struct ff_module *);

/* A function of a file, or NULL, in a child of fork(): no lock of ours is asked there, as nobody
 * may be left to open it. */
void *ff_loader_peek(const char *path, const char *name);

enum ff_symbol {
    FF_SYMBOL_NONE = 0,
    FF_SYMBOL_FOUND,
    FF_SYMBOL_FOREIGN, /* in another file, which this one links */
    FF_SYMBOL_DATA     /* no function */
};

/* A function by name, or NULL; *why: enum ff_symbol. */
void *ff_loader_symbol(struct ff_module *, const char *name, int *why);

#endif
