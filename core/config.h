/* SPDX-License-Identifier: Apache-2.0 */
/* config.h: the configuration of a host: where it is, what it says, how it is edited. */
#ifndef FF_CORE_CONFIG_H
#define FF_CORE_CONFIG_H

#include <stdint.h>
#include <sys/types.h>

#include <functionfuse/functionfuse.h>
#include "core/base/buf.h"
#include "core/base/sys.h"
#include "core/fileio.h"

#define FF_CONFIG_MAX_BYTES (16u << 20)

/* A member of a JSON object whose form is somebody else's business. */
struct ff_named_json {
    char *name;
    char *json;     /* compact */
    char *redacted; /* the same with secrets as "***" */
};

struct ff_named_list {
    struct ff_named_json *items;
    size_t count;
};

enum { FF_PIN_DIGITS = 64 }; /* of a SHA-256 */

struct ff_config {
    char *path;   /* the file that was read, or would be written; "" = none */
    char *origin; /* for people: the file, "options" or "defaults" */
    int was_read; /* `path` was there */
    /* lists end with NULL; never NULL themselves after ff_config_load */
    char **plugin_path;
    char **enable;
    char **disable;
    char **require;
    char **owners;                /* user names and numbers */
    int probe;                    /* files without a note are tried in a child first */
    struct ff_named_list pins;    /* by plugin: a text of FF_PIN_DIGITS */
    struct ff_named_list options; /* by plugin */
    struct ff_named_list classes; /* by class: the name of a serializer, in quotes */
    struct ff_named_list storages;
    char *default_storage; /* or NULL */
    uint32_t threads;      /* 0 = not said */
    uint64_t memory_bytes; /* 0 = not said */
    int durability;        /* enum ff_durability, -1 = not said */
    uint64_t chunk_bytes;  /* of automatic chunks; 0 = not said */
    int inlines;           /* arrays with automatic chunks are saved without any */
};

/* ---- config.c: JSON ---- */

/* Take a configuration's text into `config`, which is all zero but its lists. FF_E_USAGE with
 * line and column, or a JSON pointer; the place is `file`. */
int ff_config_parse(struct ff_config *, const char *file, const char *text, size_t bytes,
                    struct ff_error *);
/* One change of a configuration. */
struct ff_config_change {
    const char *name;
    int on;              /* from plugins.disable to plugins.enable, or the reverse */
    int pins;            /* it is the pin of `name` that changes */
    const char *sha256;  /* NULL = taken away */
    const char *storage; /* `name` of "storages" becomes this JSON */
};

/* JSON as text, with flags of jansson. Owned; NULL: no memory. */
struct json_t;
char *ff_config_print(const struct json_t *, size_t flags);

/* ---- config_edit.c ---- */

/* The text of a configuration with the change; old NULL = a new one. Owned. */
char *ff_config_edit(const char *file, const char *old, size_t old_bytes,
                     const struct ff_config_change *, struct ff_error *);

/* ---- config_data.c ---- */

/* Find, read and check the configuration; path and json as in struct ff_host_options. *out is
 * to be freed also on failure. */
int ff_config_load(const struct ff_sys *, const char *path, const char *json,
                   struct ff_config **out, struct ff_error *);
void ff_config_free(struct ff_config *); /* NULL is allowed */
/* NULL = not there. */
const struct ff_named_json *ff_named_find(const struct ff_named_list *, const char *name);
/* Lists of texts that end with NULL; NULL counts as empty. */
void ff_list_free(char **list);
int ff_list_find(char *const *list, const char *text); /* the position, or -1 */
/* "256MiB", "64 KB", "1073741824"; 0 = not such a text. */
uint64_t ff_config_bytes(const char *text);
/* `text` as JSON, quotes included, appended. As ff_buf_append. */
int ff_config_quote(struct ff_buf *, const char *text);

/* ---- config_file.c: the file itself ---- */

/* The user's home, owned: $HOME unless the process is privileged, else the password file's.
 * NULL = none. */
char *ff_home(void);
/* "~/x" with the home, others as they are; owned. NULL: no memory, or no home. */
char *ff_expand_home(const char *path);
/* Where the configuration is. *must_exist: it was named, so it has to be there. Owned; "" =
 * nowhere. NULL: no memory. */
char *ff_config_locate(const struct ff_sys *, const char *path, int *must_exist);

#endif
