/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: the protocol "file": results in a folder of the file system, as the Python
 * package stores them. Options: {"path": "storage"}. */
#include "file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/base/alloc.h"
#include "core/base/name.h"

FF_PLUGIN_NOTE("protocol", "file", "0.1.0",
               FF_FILE_PROTOCOL "\n"
                                "needs " FF_VALUES_1 "\n"
                                "offers " FF_OBJECTS_1 " " FF_FILES_1 " " FF_LOCATE_1
                                " " FF_COMMIT_1);

enum { HELD_MAX = 256, ANCHORED_MAX = 4096 };

static const char *const option_names[] = {"path", NULL};

/* ---- options ---- */

static const char path_is[] = "say where the storage is: {\"path\": \"storage\"}";

/* A text of the options comes with its size, and may have no NUL. */
static int copy_text(const struct ff_values *values, struct ff_value v, char *out,
                     size_t size, struct ff_error *e)
{
    const char *text;
    size_t size_bytes;
    int code =
        values->kind(v) == FF_STR
            ? values->str(v, &text, &size_bytes, e)
            : ff_fail(e, FF_E_USAGE, "options", "file: the option \"path\" is no text");

    if (code == FF_OK &&
        (size_bytes == 0 || size_bytes >= size || memchr(text, 0, size_bytes))) {
        code = ff_fail(e, FF_E_USAGE, "options", "file: a text in the options is %s",
                       size_bytes == 0      ? "empty"
                       : size_bytes >= size ? "too long"
                                            : "no path: it holds a NUL");
    }
    if (code) {
        ff_error_fix(e, "%s", path_is);
        return code;
    }
    memcpy(out, text, size_bytes);
    out[size_bytes] = '\0';
    return FF_OK;
}

static int read_option(const struct ff_values *values, struct ff_value key,
                       struct ff_value value, char path[FF_FILE_PATH_BYTES],
                       struct ff_error *e)
{
    char name[100];
    const char *nearest;
    int code = copy_text(values, key, name, sizeof name, e);

    if (code) {
        return code;
    }
    if (strcmp(name, "path") == 0) {
        return copy_text(values, value, path, FF_FILE_PATH_BYTES, e);
    }
    nearest = ff_nearest(name, option_names);
    (void)ff_fail(e, FF_E_USAGE, "options", "file: unknown option \"%s\"", name);
    ff_error_fix(e, nearest ? "did you mean \"%s\"?" : "the only option is \"%s\"",
                 nearest ? nearest : option_names[0]);
    return FF_E_USAGE;
}

static int read_options(const struct ff_host_services *host, struct ff_value options,
                        char path[FF_FILE_PATH_BYTES], struct ff_error *e)
{
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    int code = FF_OK;

    path[0] = '\0';
    if (!values) {
        return ff_fail(e, FF_E_PLUGIN, "file", "the host has no " FF_VALUES_1);
    }
    if (options.doc && values->kind(options) != FF_DICT) {
        return ff_fail(e, FF_E_USAGE, "options", "file: the options are no dictionary");
    }
    for (size_t i = 0; options.doc && code == FF_OK && i < values->length(options); i++) {
        struct ff_value key, value;

        code = values->item(options, i, &key, &value, e);
        code = code ? code : read_option(values, key, value, path, e);
    }
    if (code == FF_OK && !*path) {
        code = ff_fail(e, FF_E_USAGE, "options", "file: the option \"path\" is missing");
        ff_error_fix(e, "%s", path_is);
    }
    return code;
}

/* ---- the root ---- */

static int open_plain(const struct ff_file_root *root, const char *path)
{
    int fd;

    do {
        fd = root->sys->openat(root->sys, AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    } while (fd == -EINTR);
    return fd;
}

/* The folder that holds the path's last part. */
static int sync_parent(const struct ff_file_root *root, const char *path)
{
    char parent[FF_FILE_PATH_BYTES];
    char *slash;
    int fd, rc;

    (void)snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (!slash) {
        (void)snprintf(parent, sizeof parent, ".");
    } else {
        slash[slash == parent] = '\0';
    }
    fd = open_plain(root, parent);
    rc = fd < 0 ? fd : ff_file_fsync_dir(root, fd);
    ff_file_close(root, fd);
    return rc == -EACCES ? 0 : rc; /* not ours to read: made by no one that we can ask */
}

/* As Python's os.makedirs: the path may go through links, it is the user's own. */
static int make_root(const struct ff_file_root *root, const char *path)
{
    char part[FF_FILE_PATH_BYTES];
    size_t length = strlen(path);
    int rc = length < sizeof part ? 0 : -ENAMETOOLONG;

    for (size_t i = 1; rc == 0 && i <= length; i++) {
        if ((path[i] && path[i] != '/') || path[i - 1] == '/') {
            continue;
        }
        (void)snprintf(part, sizeof part, "%.*s", (int)i, path);
        rc = root->sys->mkdirat(root->sys, AT_FDCWD, part, 0777);
        if (rc == 0 && root->sync) {
            rc = sync_parent(root, part);
        }
        /* there, or above what this process may write to */
        if (rc == -EEXIST || (path[i] && (rc == -EACCES || rc == -EROFS))) {
            rc = 0;
        }
    }
    return rc;
}

static int open_root(struct ff_file_root *root, const char *path, struct ff_error *e)
{
    char real[PATH_MAX];
    struct stat st;
    int rc = open_plain(root, path);

    if (rc == -ENOENT) {
        rc = make_root(root, path);
        rc = rc < 0 ? rc : open_plain(root, path);
    }
    root->fd = rc < 0 ? -1 : rc;
    rc = rc < 0 ? rc : root->sys->fstat(root->sys, root->fd, &st);
    if (rc == -ENOTDIR || rc == -EEXIST) {
        (void)ff_fail(e, FF_E_USAGE, path, "the storage's path is no folder");
        ff_error_fix(e, "name the folder that has the workflows, or a new one");
        return FF_E_USAGE;
    }
    if (rc < 0) {
        int code = ff_file_fail(e, rc, path, "open the storage's folder");

        if (rc == -ENOENT) {
            ff_error_fix(e, "see what there is of the folders above it: ls -ld");
        }
        return code;
    }
    (void)snprintf(root->identity, sizeof root->identity, "file:%llx:%llx",
                   (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    root->path = ff_strdup(realpath(path, real) ? real : path);
    return root->path ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, path, "no memory to open it");
}

static void read_limits(struct ff_file_root *root)
{
    struct rlimit limit;

    root->size_limited =
        getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
    root->held_max = HELD_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < HELD_MAX) {
        root->held_max = (size_t)limit.rlim_cur / 4;
    }
}

static void file_destroy(void *inst)
{
    struct ff_file_root *root = inst;

    ff_file_close(root, root->fd);
    ff_vec_free(&root->anchored);
    (void)pthread_mutex_destroy(&root->lock);
    ff_free(root->path);
    ff_free(root);
}

static struct ff_file_root *root_new(const struct ff_host_services *host)
{
    const struct ff_sys *sys = host->query(host, FF_SYS_1);
    struct ff_file_root *root = ff_calloc(1, sizeof *root);

    if (!root || pthread_mutex_init(&root->lock, NULL)) {
        ff_free(root);
        return NULL;
    }
    root->host = host;
    root->sys = sys ? sys : &ff_sys_posix;
    root->pool = host->query(host, FF_POOL_1);
    root->fd = -1;
    root->sync = !(host->flags & FF_HOST_NO_SYNC);
    ff_vec_init(&root->anchored, sizeof(struct ff_file_id), ANCHORED_MAX);
    read_limits(root);
    return root;
}

static int file_create(const struct ff_host_services *host, struct ff_value options,
                       void **out, struct ff_error *e)
{
    struct ff_file_root *root;
    char path[FF_FILE_PATH_BYTES];
    int code = read_options(host, options, path, e);

    *out = NULL;
    if (code) {
        return code;
    }
    root = root_new(host);
    if (!root) {
        return ff_fail(e, FF_E_NO_MEMORY, path, "no memory to open the storage");
    }
    code = open_root(root, path, e);
    if (code) {
        file_destroy(root);
        return code;
    }
    *out = root;
    return FF_OK;
}

/* ---- a view of one folder ---- */

static int where(const struct ff_locate *self, const char *name, char *text, size_t size,
                 struct ff_error *e)
{
    const struct ff_file_bound *b = FF_FILE_BOUND(self, locate);
    char path[FF_FILE_PATH_BYTES];
    int code = FF_OK;

    if (name && *name) {
        code = ff_file_path(b, name, path, e);
    } else {
        (void)snprintf(path, sizeof path, "%s", b->folder);
    }
    if (code == FF_OK) {
        (void)snprintf(text, size, "%s%s%s", b->root->path, *path ? "/" : "", path);
    }
    return code;
}

static void file_unbind(void *bound)
{
    struct ff_file_bound *b = bound;

    ff_file_pending_free(b);
    ff_free(b->folder);
    ff_free(b);
}

/* Whether the workflow is there now: then it is not made again after a removal. */
static void see(struct ff_file_bound *b)
{
    const struct ff_sys *sys = b->root->sys;
    char first[NAME_MAX + 1];
    struct stat st;
    size_t length = strcspn(b->folder, "/");

    if (length == 0 || length >= sizeof first) {
        return;
    }
    (void)snprintf(first, sizeof first, "%.*s", (int)length, b->folder);
    atomic_store(&b->seen,
                 sys->fstatat(sys, b->root->fd, first, &st, AT_SYMLINK_NOFOLLOW) == 0);
}

static int bind_new(struct ff_file_root *root, const char *folder,
                    struct ff_file_bound **out, struct ff_error *e)
{
    struct ff_file_bound *b = ff_calloc(1, sizeof *b);
    size_t length = strlen(folder);
    char *copy;

    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    copy = ff_strndup(folder, length);
    if (!b || !copy || ff_file_pending_init(&b->pending, root->held_max) < 0) {
        ff_free(copy);
        ff_free(b);
        return ff_fail(e, FF_E_NO_MEMORY, folder, "no memory to bind it");
    }
    b->root = root;
    b->folder = copy;
    atomic_init(&b->seen, false);
    *out = b;
    return FF_OK;
}

static int file_bind(void *inst, const char *folder, void **out,
                     const struct ff_call *call, struct ff_error *e)
{
    struct ff_file_bound *b = NULL;
    int code = ff_file_stopped(inst, call, folder, e);

    *out = NULL;
    code = code ? code : bind_new(inst, folder, &b, e);
    if (code) {
        return code;
    }
    if (*b->folder && (code = ff_file_check_path(b->folder, e))) {
        file_unbind(b);
        return code;
    }
    b->objects = ff_file_objects;
    b->files = ff_file_files;
    b->commit = ff_file_commit;
    b->locate =
        (struct ff_locate){.struct_size = FF_SIZE(ff_locate, where), .where = where};
    see(b);
    *out = b;
    return FF_OK;
}

static const void *file_query(void *bound, const char *interface_id)
{
    const struct ff_file_bound *b = bound;

    if (strcmp(interface_id, FF_OBJECTS_1) == 0) {
        return &b->objects;
    }
    if (strcmp(interface_id, FF_FILES_1) == 0) {
        return &b->files;
    }
    if (strcmp(interface_id, FF_LOCATE_1) == 0) {
        return &b->locate;
    }
    return strcmp(interface_id, FF_COMMIT_1) == 0 && !*b->folder ? &b->commit : NULL;
}

static const char *file_identity(void *inst)
{
    return ((struct ff_file_root *)inst)->identity;
}

/* What is missing or unknown is read_options()'s to say: it names the nearest. */
static const char file_schema[] =
    "{\"type\": \"object\", \"properties\": {\"path\": {\"type\": \"string\", "
    "\"description\": \"the folder of the storage; needed\"}}}";

static const char *const file_needs[] = {FF_VALUES_1, NULL};

static const struct ff_protocol file_protocol = {
    .struct_size = FF_SIZE(ff_protocol, options_schema),
    .abi = FF_ABI,
    .key = FF_FILE_PROTOCOL,
    .kind = "file",
    .version = "0.1.0",
    .summary = "results in a folder of the file system",
    .create = file_create,
    .destroy = file_destroy,
    .bind = file_bind,
    .unbind = file_unbind,
    .query = file_query,
    .identity = file_identity,
    .needs = file_needs,
    .options_schema = file_schema,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &file_protocol;
}
