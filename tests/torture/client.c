/* SPDX-License-Identifier: Apache-2.0 */
/* client.c: a host with the plugins of the build, and a storage. */
#include "torture.h"

bool client_switch(struct client *c, const char *root, struct ff_error *e)
{
    char json[PATH_BYTES + 64];

    (void)snprintf(json, sizeof json,
                   "{\"kind\": \"file\", \"options\": {\"path\": \"%s\"}}", root);
    ff_storage_close(c->storage);
    c->storage = ff_storage_factory(c->host, *root == '{' ? root : json, e);
    return c->storage != NULL;
}

bool client_begin(struct client *c, const struct ff_sys *sys, struct ff_error *e)
{
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .threads = 1,
                                .config_path = "",
                                .draft_sys = sys};

    if (!sys && medium) {
        o.draft_sys = medium->sys;
    }
    c->storage = NULL;
    c->host = ff_host_open(&o, e);
    return c->host != NULL;
}

bool client_open(struct client *c, const char *root, const struct ff_sys *sys,
                 struct ff_error *e)
{
    bool ok = client_begin(c, sys, e) && client_switch(c, root, e);

    if (!ok) {
        client_close(c);
    }
    return ok;
}

void client_close(struct client *c)
{
    ff_storage_close(c->storage);
    ff_host_close(c->host);
    *c = (struct client){NULL, NULL};
}
