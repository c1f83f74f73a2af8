/* SPDX-License-Identifier: Apache-2.0 */
/* list.c: lists of names, out of the pages that a server makes of folders. A server without them
 * is told so: an empty list would say that nothing is there. */
#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "http.h"

struct listing {
    struct ff_http_bound *bound;
    const char *prefix;
    int one_level;
    int (*each)(void *ctx, const struct ff_io *);
    void *ctx;
    const struct ff_call *call;
    struct ff_vec folders; /* char *: to be looked into, "" or with '/' at their end */
    int64_t now_ns;
};

static void free_names(struct ff_vec *names)
{
    while (names->count) {
        ff_free(*(char **)ff_vec_last(names));
        ff_vec_pop(names);
    }
    ff_vec_free(names);
}

/* ---- one page ---- */

static int no_list(const char *url, int status, struct ff_error *e)
{
    (void)ff_fail(e, FF_E_UNSUPPORTED, url,
                  status ? "the server gives no list of this folder (%d)"
                         : "what the server gives is no list of this folder",
                  status);
    if (e) {
        e->http_status = status;
    }
    ff_error_fix(
        e, "name the task, which needs no list; or turn lists on: \"autoindex on\" in "
           "nginx, \"Options +Indexes\" in Apache");
    return FF_E_UNSUPPORTED;
}

static char *decoded_path(const char *url)
{
    CURLU *parts = curl_url();
    char *path = NULL, *out = NULL;

    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK) {
        out = ff_strdup(path);
    }
    curl_free(path);
    curl_url_cleanup(parts);
    return out;
}

static int read_page(struct ff_http_request *r, const char *url, struct ff_vec *names,
                     struct ff_error *e)
{
    char *path = decoded_path(url);
    int rc = path ? ff_http_index_read(&r->text, path, names) : -ENOMEM;

    ff_free(path);
    return rc == 0         ? FF_OK
           : rc == -EINVAL ? no_list(url, 0, e)
                           : ff_fail(e, rc == -E2BIG ? FF_E_LIMIT : FF_E_NO_MEMORY, url,
                                     "no memory for a list, or too many names");
}

/* What is in the folder of this URL. FF_E_NOT_FOUND: the server answered so. */
static int get_page(struct ff_http_root *root, char *url, struct ff_vec *names,
                    int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    struct ff_http_request *r = ff_http_request_new(url);
    struct ff_error own = FF_ERROR_INIT;
    int code;

    if (!r) {
        return ff_fail(e, FF_E_NO_MEMORY, root->options.url, "no memory for a request");
    }
    r->page = true;
    code = ff_http_perform(root, r, call, &own);
    if (code == FF_E_PERMISSION && own.http_status == 403) {
        code = no_list(r->url, 403, e);
    } else if (code) {
        ff_error_copy(e, &own);
    } else {
        code = read_page(r, r->url, names, e);
        atomic_store(&root->lists, atomic_load(&root->lists) || !code);
        *now_ns = r->date_ns;
    }
    ff_http_request_free(r);
    return code;
}

/* Where nothing is found, either the folder is not there, or there are no lists: the root's own
 * tells which. */
static int is_missing(struct ff_http_root *root, const char *url,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_vec names;
    struct ff_error own = FF_ERROR_INIT;
    int64_t now_ns;
    char *copy;
    int code;

    if (atomic_load(&root->lists)) {
        return FF_OK;
    }
    if (strcmp(url, root->options.url) == 0) {
        return no_list(url, 404, e);
    }
    copy = ff_strdup(root->options.url);
    ff_vec_init(&names, sizeof(char *), FF_HTTP_NAMES_MAX);
    code = get_page(root, copy, &names, &now_ns, call, &own);
    free_names(&names);
    if (code == FF_E_NOT_FOUND || code == FF_E_UNSUPPORTED) {
        return no_list(url, 404, e);
    }
    ff_error_copy(e, &own);
    return code;
}

/* The names in a folder of the bound one; *there: whether it is there at all. */
static int folder_names(struct ff_http_bound *b, const char *folder, bool *there,
                        struct ff_vec *names, int64_t *now_ns, const struct ff_call *call,
                        struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    char name[FF_HTTP_NAME_BYTES + 1], *url, *copy;
    size_t n = strlen(folder);
    int code;

    *there = true;
    if (n > FF_HTTP_NAME_BYTES) {
        return ff_fail(e, FF_E_LIMIT, folder, "http: the name is too long");
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)(n ? n - 1 : 0), folder);
    code = ff_http_url(b, name, &url, e);
    if (code) {
        return code;
    }
    n = strlen(url);
    copy = ff_malloc(n + 2);
    if (!copy) {
        ff_free(url);
        return ff_fail(e, FF_E_NO_MEMORY, folder, "out of memory");
    }
    memcpy(copy, url, n + 1);
    if (copy[n - 1] != '/') {
        memcpy(copy + n, "/", 2);
    }
    ff_free(url);
    url = ff_strdup(copy);
    code = get_page(b->root, copy, names, now_ns, call, &own);
    if (code == FF_E_NOT_FOUND && url) {
        *there = false;
        ff_error_clear(&own);
        code = is_missing(b->root, url, call, &own);
    }
    ff_free(url);
    ff_error_copy(e, &own);
    return code;
}

int ff_http_folder_exists(const struct ff_http_bound *b, const char *folder, bool *exists,
                          const struct ff_call *call, struct ff_error *e)
{
    struct ff_vec names;
    int64_t now_ns;
    int code;

    ff_vec_init(&names, sizeof(char *), FF_HTTP_NAMES_MAX);
    code = folder_names((struct ff_http_bound *)(uintptr_t)b, folder, exists, &names,
                        &now_ns, call, e);
    free_names(&names);
    return code;
}

/* ---- the list ---- */

static int push_folder(struct listing *l, const char *folder, struct ff_error *e)
{
    char *copy = ff_strdup(folder);

    if (!copy || ff_vec_append(&l->folders, &copy)) {
        ff_free(copy);
        return ff_fail(e, FF_E_NO_MEMORY, folder, "no memory for a list");
    }
    return FF_OK;
}

/* One name of a page: told, or to be looked into. */
static int take_name(struct listing *l, const char *folder, const char *name,
                     struct ff_error *e)
{
    struct ff_io io = {.struct_size = FF_SIZE(ff_io, flags)};
    char full[FF_HTTP_NAME_BYTES + 1];
    size_t n = strlen(folder) + strlen(name), prefix = strlen(l->prefix);
    bool is_folder = name[strlen(name) - 1] == '/';

    if (n > FF_HTTP_NAME_BYTES) {
        return FF_OK; /* no name of ours */
    }
    (void)snprintf(full, sizeof full, "%s%s", folder, name);
    if (is_folder && !l->one_level) {
        return strncmp(full, l->prefix, prefix < n ? prefix : n) == 0
                   ? push_folder(l, full, e)
                   : FF_OK;
    }
    if (strncmp(full, l->prefix, prefix) != 0) {
        return FF_OK;
    }
    full[is_folder ? n - 1 : n] = '\0';
    io.name = full;
    io.is_folder = is_folder;
    return l->each(l->ctx, &io);
}

static int take_folder(struct listing *l, const char *folder, struct ff_error *e)
{
    struct ff_vec names;
    bool there;
    int code;

    ff_vec_init(&names, sizeof(char *), FF_HTTP_NAMES_MAX);
    code = folder_names(l->bound, folder, &there, &names, &l->now_ns, l->call, e);
    for (size_t i = 0; !code && i < names.count; i++) {
        code = take_name(l, folder, *(char **)ff_vec_at(&names, i), e);
    }
    free_names(&names);
    return code;
}

int ff_http_list(const struct ff_objects *self, const char *prefix, int one_level,
                 int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                 const struct ff_call *call, struct ff_error *e)
{
    struct listing l = {.bound = FF_HTTP_BOUND(self, objects),
                        .prefix = prefix,
                        .one_level = one_level,
                        .each = each,
                        .ctx = ctx,
                        .call = call};
    char first[FF_HTTP_NAME_BYTES + 1];
    const char *slash = strrchr(prefix, '/');
    int code;

    if (strlen(prefix) > FF_HTTP_NAME_BYTES) {
        return ff_fail(e, FF_E_USAGE, prefix, "http: the name is too long");
    }
    (void)snprintf(first, sizeof first, "%.*s", slash ? (int)(slash - prefix + 1) : 0,
                   prefix);
    ff_vec_init(&l.folders, sizeof(char *), FF_HTTP_NAMES_MAX);
    code = push_folder(&l, first, e);
    while (!code && l.folders.count) {
        char *folder = *(char **)ff_vec_last(&l.folders);

        ff_vec_pop(&l.folders);
        code = take_folder(&l, folder, e);
        ff_free(folder);
    }
    free_names(&l.folders);
    if (now_ns) {
        *now_ns = l.now_ns ? l.now_ns : ff_sys_now_ns(l.bound->root->sys, CLOCK_REALTIME);
    }
    return code;
}
