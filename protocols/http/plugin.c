/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c: the protocol "http": a store that somebody published, for reading. */
#include <string.h>

#include "core/base/name.h"
#include "core/base/alloc.h"
#include "http.h"

FF_PLUGIN_NOTE("protocol", "http", "0.1.0",
               "http protocol\n"
               "needs " FF_VALUES_1 "\n"
               "offers " FF_OBJECTS_1 " " FF_FILES_1 " " FF_COMMIT_1 " " FF_LOCATE_1);

/* ---- an instance ---- */

static void http_destroy(void *inst)
{
    struct ff_http_root *root = inst;

    ff_http_lanes_free(root);
    ff_http_options_free(&root->options);
    (void)pthread_mutex_destroy(&root->lock);
    ff_free(root->identity);
    ff_free(root);
}

static int init_curl(void *ctx)
{
    (void)ctx;
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? FF_OK : FF_E_NO_MEMORY;
}

/* Once in a process, and "libcurl" is the key of all plugins that do. */
static int open_curl(const struct ff_host_services *host, struct ff_error *e)
{
    const struct ff_once *once = host->query(host, FF_ONCE_1);
    int code = once ? once->run(host, "libcurl", init_curl, NULL) : init_curl(NULL);

    return code ? ff_fail(e, code, "http", "libcurl cannot be started") : FF_OK;
}

static int identify(struct ff_http_root *root, struct ff_error *e)
{
    struct ff_buf text;
    int rc;

    ff_buf_init(&text, FF_HTTP_URL_BYTES);
    rc = ff_buf_printf(&text, "http:%s", root->options.url);
    rc = rc ? rc : ff_buf_append_byte(&text, 0);
    root->identity = rc ? NULL : (char *)ff_buf_steal(&text, NULL);
    ff_buf_free(&text);
    return root->identity ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, "http", "out of memory");
}

static int http_create(const struct ff_host_services *host, struct ff_value options,
                       void **out, struct ff_error *e)
{
    const struct ff_sys *sys = host->query(host, FF_SYS_1);
    struct ff_http_root *root;
    int code = open_curl(host, e);

    *out = NULL;
    if (code) {
        return code;
    }
    root = ff_calloc(1, sizeof *root);
    if (!root || pthread_mutex_init(&root->lock, NULL)) {
        ff_free(root);
        return ff_fail(e, FF_E_NO_MEMORY, "http", "out of memory");
    }
    root->host = host;
    root->sys = sys ? sys : &ff_sys_posix;
    root->values = host->query(host, FF_VALUES_1);
    code = ff_http_options_read(root, options, e);
    code = code ? code : identify(root, e);
    if (code) {
        http_destroy(root);
        return code;
    }
    if (!root->options.https && !root->options.no_proxy) {
        char text[512];

        (void)snprintf(text, sizeof text,
                       "%.300s is not encrypted: whoever is between can change the data",
                       root->options.url);
        host->log(host, FF_LOG_WARNING, text);
    }
    *out = root;
    return FF_OK;
}

/* ---- a view of one folder ---- */

/* Nothing was written. */
static int http_sync(const struct ff_objects *self, const struct ff_call *call,
                     struct ff_error *e)
{
    const struct ff_http_bound *b = FF_HTTP_BOUND(self, objects);

    return ff_http_stopped(b->root, call, b->root->options.url, e);
}

static int where(const struct ff_locate *self, const char *name, char *text, size_t size,
                 struct ff_error *e)
{
    char *url;
    int code = ff_http_url(FF_HTTP_BOUND(self, locate), name ? name : "", &url, e);

    if (!code) {
        (void)snprintf(text, size, "%s", url);
    }
    ff_free(url);
    return code;
}

static void http_unbind(void *bound)
{
    struct ff_http_bound *b = bound;

    ff_free(b->folder);
    ff_free(b);
}

static int http_bind(void *inst, const char *folder, void **out,
                     const struct ff_call *call, struct ff_error *e)
{
    struct ff_http_bound *b;
    size_t length = strlen(folder);

    (void)call;
    *out = NULL;
    while (length > 0 && folder[length - 1] == '/') {
        length--;
    }
    if (length > FF_HTTP_NAME_BYTES / 2) {
        return ff_fail(e, FF_E_USAGE, folder, "http: the name is too long");
    }
    b = ff_calloc(1, sizeof *b);
    if (b) {
        b->folder = ff_calloc(length + 2, 1);
    }
    if (!b || !b->folder) {
        ff_free(b);
        return ff_fail(e, FF_E_NO_MEMORY, folder, "out of memory");
    }
    memcpy(b->folder, folder, length);
    if (length && !ff_is_object_name(b->folder)) {
        http_unbind(b);
        return ff_fail(e, FF_E_USAGE, folder, "http: not a name of a folder");
    }
    b->folder[length] = length ? '/' : '\0';
    b->root = inst;
    b->objects = (struct ff_objects){.struct_size = FF_SIZE(ff_objects, sync),
                                     .run = ff_http_objects_run,
                                     .list = ff_http_list,
                                     .sync = http_sync};
    b->locate =
        (struct ff_locate){.struct_size = FF_SIZE(ff_locate, where), .where = where};
    ff_http_files_init(&b->files);
    ff_http_commit_init(&b->commit);
    *out = b;
    return FF_OK;
}

static const void *http_query(void *bound, const char *interface_id)
{
    const struct ff_http_bound *b = bound;

    return strcmp(interface_id, FF_OBJECTS_1) == 0  ? (const void *)&b->objects
           : strcmp(interface_id, FF_FILES_1) == 0  ? (const void *)&b->files
           : strcmp(interface_id, FF_COMMIT_1) == 0 ? (const void *)&b->commit
           : strcmp(interface_id, FF_LOCATE_1) == 0 ? (const void *)&b->locate
                                                    : NULL;
}

static const char *http_identity(void *inst)
{
    return ((struct ff_http_root *)inst)->identity;
}

static const char *const needs[] = {FF_VALUES_1, NULL};

static const struct ff_protocol protocol = {
    .struct_size = FF_SIZE(ff_protocol, options_schema),
    .abi = FF_ABI,
    .key = "http protocol",
    .kind = "http",
    .version = "0.1.0",
    .summary = "a published store, for reading",
    .create = http_create,
    .destroy = http_destroy,
    .bind = http_bind,
    .unbind = http_unbind,
    .query = http_query,
    .identity = http_identity,
    .needs = needs,
    .options_schema = ff_http_options_schema,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &protocol;
}
