/* SPDX-License-Identifier: Apache-2.0 */
/* check_store.c: a folder, a host and a storage for one case. */
#include "check.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store store;

void store_copy(const char *from, const char *folder, const char *as)
{
    char path[PATH_MAX], bytes[65536];
    FILE *in = fopen(from, "rb"), *out;
    size_t n;

    (void)snprintf(path, sizeof path, "%s/%s", folder, as);
    out = fopen(path, "wb");
    CASE_MSG(in && out, "cannot copy %s to %s", from, path);
    while ((n = fread(bytes, 1, sizeof bytes, in)) > 0) {
        CASE_ASSERT(fwrite(bytes, 1, n, out) == n);
    }
    (void)fclose(in);
    CASE_ASSERT(fclose(out) == 0 && chmod(path, 0600) == 0);
}

const struct ff_plugin_row *store_row(struct ff_host *host, const char *name)
{
    const struct ff_plugin_row *other = NULL;

    for (size_t i = 0; i < ff_plugin_count(host); i++) {
        const struct ff_plugin_row *row = ff_plugin_at(host, i);

        if (strncmp(row->file, store.plugins, strlen(store.plugins)) == 0) {
            if (strcmp(row->name, name) == 0) {
                return row;
            }
            other = row;
        }
    }
    return other;
}

void store_open_host(void)
{
    const char *name = check.facts.name[check.serializer];
    const char *const path[] = {store.plugins, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options options = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                      .durability = FF_DURABILITY_NONE,
                                      .plugin_path = path};
    char json[PATH_MAX * 2];

    if (check.facts.is_protocol) {
        return; /* the contract suite has a host of its own */
    }
    (void)snprintf(
        json, sizeof json,
        "{\"plugins\": {\"enable\": [\"memory\", \"fault\", \"front\", \"%s\"], "
        "\"classes\": {\"%s\": \"%s\"}, \"options\": {\"%s\": %s}}}",
        name, check.facts.first_class[check.serializer], name, name, check.options);
    options.config_json = json;
    store.host = ff_host_open(&options, &e);
    CASE_MSG(store.host, "%s%s%s (%d)", SAYS(e.code, e));
    store.storage = ff_storage_factory(store.host, store.storage_json, &e);
    CASE_MSG(store.storage, "%s%s%s (%d)", SAYS(e.code, e));
    CASE_MSG(!ff_new_workflow(store.storage, "wf", &e), "%s%s%s (%d)", SAYS(e.code, e));
}

void store_close_host(void)
{
    ff_storage_close(store.storage);
    ff_host_close(store.host);
    store.storage = NULL;
    store.host = NULL;
    front_forget();
}

static void own_copy(const char *name)
{
    char from[PATH_MAX * 2];

    (void)snprintf(from, sizeof from, "%s/%s", check.own_dir, name);
    store_copy(from, store.plugins, name);
}

void store_open(void)
{
    const char *at = strstr(check.storage, "@DIR@");

    (void)snprintf(store.folder, sizeof store.folder, "%s/ff-check-XXXXXX",
                   getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    CASE_ASSERT(mkdtemp(store.folder) != NULL);
    (void)snprintf(store.plugins, sizeof store.plugins, "%s/plugins", store.folder);
    CASE_ASSERT(mkdir(store.plugins, 0700) == 0);
    if (check.facts.is_protocol) {
        return;
    }
    own_copy("front.so");
    own_copy("memory.so");
    own_copy("fault.so");
    (void)snprintf(store.storage_json, sizeof store.storage_json, "%.*s%s%s",
                   at ? (int)(at - check.storage) : (int)strlen(check.storage),
                   check.storage, at ? store.folder : "", at ? at + strlen("@DIR@") : "");
    store_open_host();
}

static int remove_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void store_close(void)
{
    store_close_host();
    (void)nftw(store.folder, remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

static int count_orphan(void *ctx, const struct ff_finding *f)
{
    *(int *)ctx += strcmp(f->what, "orphan") == 0;
    return 0;
}

int store_orphans(void)
{
    struct ff_gc_options options = {.struct_size = FF_SIZE(ff_gc_options, assume_lost)};
    struct ff_error e = FF_ERROR_INIT;
    int count = 0;

    (void)ff_gc(store.storage, "wf", &options, count_orphan, &count, &e);
    CASE_MSG(!e.code, "%s%s%s (%d)", SAYS(e.code, e));
    return count;
}
