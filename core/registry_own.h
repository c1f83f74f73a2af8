/* SPDX-License-Identifier: Apache-2.0 */
/* registry_own.h: what the registry is made of; for its own files only. */
#ifndef FF_CORE_REGISTRY_OWN_H
#define FF_CORE_REGISTRY_OWN_H

#include <pthread.h>

#include "core/base/vec.h"
#include "core/host_own.h"
#include "core/loader.h"

/* Where a directory of plugins was named; the order in which they are searched. */
enum ff_dir_origin { FF_DIR_OPTION, FF_DIR_CONFIG, FF_DIR_USER, FF_DIR_OWN };

struct ff_plugin_dir {
    char *path;
    enum ff_dir_origin origin;
    dev_t dev;
    ino_t ino;
};

/* One file. */
struct ff_plugin_file {
    char *path;
    const char *name; /* in path */
    size_t dir;       /* index */
    dev_t dev;
    ino_t ino;
    int noteless;
    int in_program; /* it is no file of a folder, but the n-th that the program registered */
    int pinned;     /* what is loaded is a copy of the bytes that a pin names */
    int opened;     /* its descriptors have been asked for */
};

enum ff_plugin_text {
    FF_TEXT_NAME,
    FF_TEXT_KIND,
    FF_TEXT_VERSION,
    FF_TEXT_SUMMARY,
    FF_TEXT_REASON,
    FF_TEXT_FIX,
    FF_TEXT_CLASSES,
    FF_TEXT_FACTS,
    FF_TEXT_FILE, /* only of rows without a file, such as a directory's */
    FF_TEXT_COUNT
};

/* One plugin, or a file or directory that gave none: a row. */
struct ff_plugin {
    struct ff_plugin_row row; /* points to `text`, or to what is static */
    char *text[FF_TEXT_COUNT];
    struct ff_plugin_file *file;   /* NULL for a directory */
    int rank;                      /* < 0: not enabled; a greater one is asked first */
    int settled;                   /* row.code is final */
    const struct ff_plugin *rival; /* has the name too */
    const struct ff_serializer *serializer; /* one of the two, once its file is open */
    const struct ff_protocol *protocol;
    const struct ff_host_services *given;          /* to the serializer's instance */
    struct ff_loaded_serializer loaded_serializer; /* once row.code is "loaded" */
    struct ff_loaded_protocol loaded_protocol;
};

struct ff_registry {
    pthread_mutex_t mutex; /* recursive: create() may open another protocol */
    struct ff_host *host;
    struct ff_vec dirs;    /* struct ff_plugin_dir */
    struct ff_vec files;   /* struct ff_plugin_file * */
    struct ff_vec plugins; /* struct ff_plugin * */
    struct ff_vec order;   /* struct ff_plugin *: enabled serializers, best first */
    struct ff_vec created; /* struct ff_plugin *: with an instance, oldest first */
    int prepared;          /* files without a note are open, duplicates are known */
    int complete;          /* every row is final and sorted */
    int wants_builtins;
};

/* ---- registry.c ---- */

static inline struct ff_plugin *ff_plugin_of(const struct ff_registry *r, size_t i)
{
    return *(struct ff_plugin **)ff_vec_at(&r->plugins, i);
}

/* A copy of the text becomes the row's. FF_E_NO_MEMORY. */
int ff_plugin_set(struct ff_plugin *, enum ff_plugin_text, const char *text,
                  struct ff_error *);
/* A new row, of a file or (file NULL) of a path. NULL: no memory. */
struct ff_plugin *ff_plugin_new(struct ff_registry *, struct ff_plugin_file *,
                                const char *path, struct ff_error *);
/* The row is final. FF_OK, or FF_E_NO_MEMORY. */
int ff_plugin_settle(struct ff_plugin *, const struct ff_verdict *, struct ff_error *);
/* How a plugin of that name in that file ranks; < 0 = not enabled. `alike`: '.', '_' and '-' are
 * the same (names of files cannot have them all). */
int ff_plugin_rank(const struct ff_registry *, const char *name,
                   const struct ff_plugin_file *, int alike);
/* Whether two names are the same but for '.', '_' and '-'; only `bytes` of a count. */
int ff_names_alike(const char *a, size_t bytes, const char *b);

/* Whether a text of words with blanks between has the word, or one that begins so. */
int ff_has_word(const char *words, const char *word, int as_prefix);
struct ff_registry *ff_registry_lock(const struct ff_host *);
void ff_registry_unlock(struct ff_registry *);
/* Locked: who is enabled and whose the names are is known afterwards. FF_E_NO_MEMORY. */
int ff_registry_prepare(struct ff_registry *, struct ff_error *);

/* ---- registry_scan.c ---- */

/* Find the directories and look at every file in them. */
int ff_registry_scan(struct ff_registry *, struct ff_error *);

/* ---- facts.c ---- */

/* The row's facts from its descriptor, or `v` says that its note says something else.
 * FF_E_NO_MEMORY. */
int ff_plugin_bind_facts(struct ff_plugin *, struct ff_verdict *v, struct ff_error *);
/* ... with what its instance offers. FF_E_NO_MEMORY. */
int ff_plugin_add_offers(struct ff_plugin *, struct ff_error *);

/* ---- registry_bind.c ---- */

/* What a file gave: one of the two. */
struct ff_found {
    const struct ff_serializer *serializer;
    const struct ff_protocol *protocol;
};

/* Descriptors that passed the first check become rows of the file, or `v` says what is wrong.
 * FF_E_NO_MEMORY. */
int ff_plugin_bind(struct ff_registry *, struct ff_plugin_file *, const struct ff_found *,
                   struct ff_verdict *v, struct ff_error *);
/* Every row of the file that is not final yet. FF_E_NO_MEMORY. */
int ff_plugin_settle_file(struct ff_registry *, const struct ff_plugin_file *,
                          const struct ff_verdict *, struct ff_error *);

/* ---- registry_load.c ---- */

/* Open a file and bind its descriptors to its rows, or settle them. FF_E_NO_MEMORY. */
int ff_plugin_open_file(struct ff_registry *, struct ff_plugin_file *, struct ff_error *);
/* Take an enabled plugin into use: its row is final afterwards. FF_E_NO_MEMORY. */
int ff_plugin_activate(struct ff_registry *, struct ff_plugin *, struct ff_error *);

/* ---- trial.c ---- */

/* Load the file, and ask it what it is, in a child process: `v` says when that ends badly. */
void ff_try_in_child(const char *path, struct ff_verdict *v);

/* ---- pin.c ---- */

/* A pinned file: *fd is a sealed copy of the bytes that were pinned, or `v` says why not. *fd < 0
 * without a verdict: it is not pinned. FF_E_NO_MEMORY. */
int ff_pin_open(struct ff_registry *, const struct ff_plugin_file *, int *fd,
                char sha256[FF_PIN_DIGITS + 1], struct ff_verdict *, struct ff_error *);
int ff_pin_is_there(const struct ff_registry *, const struct ff_plugin *);
/* The SHA-256 in hex. 0, -ENOMEM or -EIO. */
int ff_pin_hash(const void *data, size_t bytes, char out[FF_PIN_DIGITS + 1]);

/* ---- descriptor.c: whether descriptors are what they have to be ---- */

void ff_serializer_check(const struct ff_serializer *, struct ff_verdict *);
void ff_protocol_check(const struct ff_protocol *, struct ff_verdict *);
/* The class names of a serializer, blank between; 0 or as ff_buf_append. */
int ff_serializer_classes(const struct ff_serializer *, struct ff_buf *);
/* Interfaces and services that nobody has. */
void ff_needs_check(const struct ff_host *, const char *const *needs,
                    struct ff_verdict *);

#endif
