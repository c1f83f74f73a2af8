/* SPDX-License-Identifier: Apache-2.0 */
/* bad_protocol.c: a protocol that reaches nothing; KIND and KEY say what it is called. */
#include <functionfuse/plugin.h>

#ifndef KIND
#define KIND "void"
#endif
#ifndef KEY
#define KEY "void protocol"
#endif
FF_PLUGIN_NOTE("protocol", KIND, "1.0", "void protocol");

static int create(const struct ff_host_services *host, struct ff_value options,
                  void **inst, struct ff_error *e)
{
    (void)host;
    (void)options;
    (void)e;
    *inst = NULL;
    return FF_OK;
}

static void destroy(void *inst)
{
    (void)inst;
}

static int bind(void *inst, const char *folder, void **bound, const struct ff_call *call,
                struct ff_error *e)
{
    (void)inst;
    (void)bound;
    (void)call;
    return ff_fail(e, FF_E_UNSUPPORTED, folder, "there is nothing here");
}

static void unbind(void *bound)
{
    (void)bound;
}

static const void *query(void *bound, const char *interface_id)
{
    (void)bound;
    (void)interface_id;
    return NULL;
}

static const char *identity(void *inst)
{
    (void)inst;
    return KIND;
}

static const struct ff_protocol protocol = {
    .struct_size = FF_SIZE(ff_protocol, needs),
    .abi = FF_ABI,
    .key = KEY,
    .kind = KIND,
    .version = "1.0",
    .summary = "a medium that is not there",
    .create = create,
    .destroy = destroy,
    .bind = bind,
    .unbind = unbind,
    .query = query,
    .identity = identity,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &protocol;
}
