/* SPDX-License-Identifier: Apache-2.0 */
/* plugin_admin.c: installing plugins, and editing the configuration. Files appear
 * under their names by rename, whole and durable, or not at all. */
#include "core/registry_own.h"

#include <errno.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "core/base/uuid.h"

enum { PLUGIN_MAX_BYTES = 1 << 30, TEMP_BYTES = 64, PATH_BYTES = 4096 };

/* The errno becomes the error, with what was tried. */
static int fail_sys(struct ff_error *e, int code, const char *path, const char *what)
{
    (void)ff_fail(e, ff_code_of_errno(code), path, "cannot %s: %s", what,
                  strerrordesc_np(-code));
    if (e) {
        e->os_errno = -code;
    }
    return ff_code_of_errno(code);
}

/* Open a folder, making it and what is above it (mode 0700). A descriptor or -errno. */
static int open_made(const struct ff_sys *sys, const char *path)
{
    char part[PATH_BYTES];
    size_t length = strlen(path);

    if (length >= sizeof part) {
        return -ENAMETOOLONG;
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] == '/' || i == length) {
            int code;

            memcpy(part, path, i);
            part[i] = '\0';
            code = sys->mkdirat(sys, AT_FDCWD, part, 0700);
            if (code && code != -EEXIST && i == length) {
                return code;
            }
        }
    }
    return ff_open_at(sys, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
}

/* Write `data` as dir/name by way of a temporary name. 0 or -errno. */
static int replace_file(const struct ff_sys *sys, int dir_fd, const char *name,
                        const void *data, size_t bytes, mode_t mode)
{
    char temp[TEMP_BYTES];
    int code = ff_random_name(sys, ".ff-", temp, sizeof temp);
    int fd = code ? code
                  : sys->openat(sys, dir_fd, temp,
                                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);

    if (fd < 0) {
        return fd;
    }
    code = ff_sys_write_all(sys, fd, data, bytes);
    code = code ? code : sys->fchmod(sys, fd, mode);
    code = code ? code : sys->fsync(sys, fd);
    (void)sys->close(sys, fd);
    code = code ? code : sys->renameat2(sys, dir_fd, temp, dir_fd, name, 0);
    if (code) {
        (void)sys->unlinkat(sys, dir_fd, temp, 0);
        return code;
    }
    return sys->fsync(sys, dir_fd);
}

/* Whether bytes hold a text: an exported name stands in the string table, between NULs. */
static int holds(const char *data, size_t bytes, const char *text)
{
    return memmem(data, bytes, text, strlen(text) + 1) != NULL;
}

/* The same questions as when it is loaded, but for owner and mode, which will be ours. */
static int check_plugin(const struct ff_host *host, const char *file, const char *data,
                        size_t bytes, struct ff_error *e)
{
    struct ff_gate *g = ff_calloc(1, sizeof *g);
    size_t first = bytes < FF_GATE_BYTES ? bytes : FF_GATE_BYTES;
    int fd = ff_open_at(host->sys, AT_FDCWD, file, O_RDONLY);
    int code = FF_OK;

    if (!g || fd < 0) {
        code = g ? fail_sys(e, fd, file, "read it") : FF_E_NO_MEMORY;
    } else {
        ff_elf_check(NULL, host->sys, fd,
                     strrchr(file, '/') ? strrchr(file, '/') + 1 : file, bytes,
                     (const uint8_t *)data, first, g);
        if (!g->verdict.code && !holds(data, bytes, "ff_serializer_describe") &&
            !holds(data, bytes, "ff_protocol_describe")) {
            ff_verdict_set(
                &g->verdict, "no-symbol",
                "it has neither ff_serializer_describe nor ff_protocol_describe");
        }
        if (g->verdict.code) {
            code = ff_fail(e, FF_E_PLUGIN, file, "not a plugin (%s): %.400s",
                           g->verdict.code, g->verdict.reason);
        }
    }
    if (fd >= 0) {
        (void)host->sys->close(host->sys, fd);
    }
    ff_free(g);
    return code;
}

static int put_plugin(const struct ff_host *host, const char *file, const char *data,
                      size_t bytes, char *installed, size_t size, struct ff_error *e)
{
    const char *name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    char *dir = ff_expand_home("~/.local/lib/functionfuse/plugins");
    int fd, code;

    if (!dir) {
        return ff_fail(e, FF_E_USAGE, NULL, "the home folder is not known");
    }
    fd = open_made(host->sys, dir);
    code = fd < 0 ? fd : replace_file(host->sys, fd, name, data, bytes, 0644);
    if (fd >= 0) {
        (void)host->sys->close(host->sys, fd);
    }
    if (code) {
        code = fail_sys(e, code, dir, "install a plugin there");
    } else if (installed) {
        (void)snprintf(installed, size, "%s/%s", dir, name);
    }
    ff_free(dir);
    return code;
}

int ff_plugin_install(struct ff_host *host, const char *file, char *installed,
                      size_t size, struct ff_error *e)
{
    size_t length, bytes = 0;
    const char *name;
    char *data;
    int code;

    if (e && e->code) {
        return e->code;
    }
    if ((code = ff_host_check(host, e))) {
        return code;
    }
    if (!file) {
        return ff_fail(e, FF_E_USAGE, NULL, "no file is named");
    }
    name = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    length = strlen(name);
    if (length < 4 || strcmp(name + length - 3, ".so") != 0 || name[0] == '.') {
        return ff_fail(e, FF_E_USAGE, file,
                       "the name of a plugin's file ends in \".so\"");
    }
    if (!(data = ff_read_file(host->sys, file, PLUGIN_MAX_BYTES, &bytes, e))) {
        return e ? e->code : FF_E_IO;
    }
    code = check_plugin(host, file, data, bytes, e);
    code = code ? code : put_plugin(host, file, data, bytes, installed, size, e);
    ff_free(data);
    return code;
}

/* A file that may be replaced by one of ours. */
static int check_target(const struct ff_host *host, const char *path, struct stat *st,
                        struct ff_error *e)
{
    int code = host->sys->fstatat(host->sys, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);

    if (code == -ENOENT || code == -ENOTDIR) {
        memset(st, 0, sizeof *st);
        return FF_OK;
    }
    if (code) {
        return fail_sys(e, code, path, "look at it");
    }
    if (!S_ISREG(st->st_mode)) {
        (void)ff_fail(
            e, FF_E_UNSUPPORTED, path,
            "the configuration is a link or a device: it would be replaced by a file");
        ff_error_fix(e, "edit it by hand, or give the file itself as configuration");
        return FF_E_UNSUPPORTED;
    }
    return FF_OK;
}

/* Nobody else may have edited it since `before`. */
static int write_config(const struct ff_host *host, const char *text,
                        const struct stat *before, struct ff_error *e)
{
    const char *path = host->config->path, *name = strrchr(path, '/');
    char *dir = name ? ff_strndup(path, name == path ? 1 : (size_t)(name - path))
                     : ff_strdup(".");
    struct stat now;
    int fd = dir ? open_made(host->sys, dir) : -ENOMEM;
    int code = fd < 0 ? fail_sys(e, fd, path, "make its folder")
                      : check_target(host, path, &now, e);

    if (!code && (now.st_ino != before->st_ino || now.st_size != before->st_size ||
                  now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
                  now.st_mtim.tv_nsec != before->st_mtim.tv_nsec)) {
        code = ff_fail(e, FF_E_CONFLICT, path,
                       "somebody else edited it meanwhile: try again");
    }
    if (!code) {
        mode_t mode = before->st_mode ? before->st_mode & 0777 : 0600;

        code =
            replace_file(host->sys, fd, name ? name + 1 : path, text, strlen(text), mode);
        code = code ? fail_sys(e, code, path, "write it") : FF_OK;
    }
    if (fd >= 0) {
        (void)host->sys->close(host->sys, fd);
    }
    ff_free(dir);
    return code;
}

static int edit_config(const struct ff_host *host, const struct ff_config_change *change,
                       struct ff_error *e)
{
    const char *path = host->config->path;
    char *old = NULL, *text;
    size_t bytes = 0;
    struct stat st;
    int code = check_target(host, path, &st, e);

    if (!code && st.st_mode) {
        old = ff_read_file(host->sys, path, FF_CONFIG_MAX_BYTES, &bytes, e);
        code = old ? FF_OK : e->code;
    }
    if (code) {
        return code;
    }
    text = ff_config_edit(path, old, bytes, change, e);
    code = text ? write_config(host, text, &st, e) : e->code;
    ff_free(text);
    ff_free(old);
    return code;
}

int ff_plugin_enable(struct ff_host *host, const char *name, int on, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    const char *near = NULL;
    int code;

    e = e ? e : &own;
    if (e->code) {
        return e->code;
    }
    if ((code = ff_host_check(host, e))) {
        return code;
    }
    if (!name || !name[0]) {
        return ff_fail(e, FF_E_USAGE, NULL, "no plugin is named");
    }
    if (!host->config->path[0]) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "this host has no configuration file to edit");
        ff_error_fix(e, "open it with the path of one");
        return FF_E_USAGE;
    }
    if (!ff_registry_knows(host, name, &near) &&
        (on || ff_list_find(host->config->enable, name) < 0)) {
        (void)ff_fail(e, FF_E_PLUGIN, name, "no plugin of this name is installed");
        ff_error_fix(e, near ? "did you mean \"%s\"?" : "%sff plugin list shows all",
                     near ? near : "");
        return FF_E_PLUGIN;
    }
    return edit_config(host, &(struct ff_config_change){.name = name, .on = on}, e);
}

/* Rows are as they stay once they were counted. */
static int is_in_program(const struct ff_host *host, size_t i)
{
    const struct ff_plugin_file *file = ff_plugin_of(host->registry, i)->file;

    return file && file->in_program;
}

/* The file that has the plugin: the one that is taken, else the first. */
static const char *file_of(const struct ff_host *host, const char *name)
{
    const char *first = NULL;

    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        const struct ff_plugin_row *row = ff_plugin_at(host, i);

        if (strcmp(row->name, name) == 0 && !is_in_program(host, i)) {
            if (strcmp(row->code, "loaded") == 0) {
                return row->file;
            }
            first = first ? first : row->file;
        }
    }
    return first;
}

int ff_plugin_pin(struct ff_host *host, const char *name, int on, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_config_change change = {.name = name, .pins = 1};
    char sha256[FF_PIN_DIGITS + 1] = "";
    const char *file;
    size_t bytes = 0;
    char *data;
    int code;

    e = e ? e : &own;
    if (e->code || (code = ff_host_check(host, e))) {
        return e->code;
    }
    if (!name || !name[0] || !host->config->path[0]) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       host->config->path[0]
                           ? "no plugin is named"
                           : "this host has no configuration file to edit");
    }
    if (!on) {
        return edit_config(host, &change, e);
    }
    if (!(file = file_of(host, name))) {
        (void)ff_fail(e, FF_E_PLUGIN, name, "no plugin of this name is installed");
        ff_error_fix(e, "ff plugin list shows all");
        return FF_E_PLUGIN;
    }
    if (!(data = ff_read_file(host->sys, file, PLUGIN_MAX_BYTES, &bytes, e))) {
        return e->code;
    }
    code = ff_pin_hash(data, bytes, sha256);
    ff_free(data);
    change.sha256 = sha256;
    return code ? ff_fail(e, FF_E_NO_MEMORY, file, "no memory for its SHA-256")
                : edit_config(host, &change, e);
}

/* Names that an address can have before its colon, and no folder or JSON. */
static int check_storage_name(const struct ff_host *host, const char *name,
                              struct ff_error *e)
{
    if (!name || !name[0] || name[0] == '.' || name[0] == '-' || strlen(name) > 200 ||
        strpbrk(name, ":/#[%{@\"\\ \t\r\n")) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "\"%.100s\" cannot be the name of a storage",
                      name ? name : "");
        ff_error_fix(e, "letters, digits, - and _ will do");
        return FF_E_USAGE;
    }
    if (ff_named_find(&host->config->storages, name)) {
        (void)ff_fail(e, FF_E_CONFLICT, name, "there is a storage of this name");
        ff_error_fix(e, "choose another, or edit %.150s", host->config->path);
        return FF_E_CONFLICT;
    }
    return FF_OK;
}

/* It can stand in a configuration, whose JSON is a narrower one, and it can be opened. */
static int check_storage(struct ff_host *host, const char *json, struct ff_error *e)
{
    struct ff_config *alone = ff_calloc(1, sizeof *alone);
    struct ff_buf text;

    ff_buf_init(&text, 4 * (size_t)FF_CONFIG_MAX_BYTES);
    if (!alone || ff_buf_printf(&text, "{\"storages\": {\"new\": %s}}", json)) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a storage");
    } else if (!ff_config_parse(alone, "storage", ff_buf_text(&text), text.length_bytes,
                                e)) {
        ff_storage_close(ff_storage_factory(host, json, e));
    }
    ff_buf_free(&text);
    ff_config_free(alone);
    return e->code;
}

int ff_storage_add(struct ff_host *host, const char *name, const char *json,
                   struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_config_change change = {.name = name};
    char *text;
    int code;

    e = e ? e : &own;
    if (e->code || (code = ff_host_check(host, e)) ||
        (code = check_storage_name(host, name, e))) {
        return e->code;
    }
    if (!json || !json[0] || !host->config->path[0]) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       json && json[0] ? "this host has no configuration file to edit"
                                       : "no storage is given");
    }
    text = ff_host_storage_json(host, json, e);
    change.storage = text;
    code = text ? check_storage(host, text, e) : e->code;
    code = code ? code : edit_config(host, &change, e);
    ff_free(text);
    return code;
}

const char *ff_config_path(const struct ff_host *host)
{
    return host ? host->config->path : "";
}
