/* SPDX-License-Identifier: Apache-2.0 */
/* picky: a serializer that keeps, declines or fails as each thing says; it needs nothing but
 * ff.objects/1. */
#include <functionfuse/plugin.h>

#include "core/base/alloc.h"
#include "picky.h"

FF_PLUGIN_NOTE("serializer", "picky", "1.0.0", "test.Thing");

static int source(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                  const struct ff_call *call, struct ff_error *e)
{
    (void)call, (void)e;
    memcpy(dst, (const char *)ctx + offset, size_bytes);
    return FF_OK;
}

static int picky_pickle(void *inst, struct ff_value v, const struct ff_protocols *ps,
                        struct ff_pid *pid, const struct ff_call *call,
                        struct ff_error *e)
{
    const struct ff_values *values = inst;
    const struct test_thing *thing = values->native(v, "test.Thing");
    const struct ff_objects *objects = ps->find(ps, NULL, FF_OBJECTS_1);
    struct test_thing copy = *thing;
    int rc = FF_OK;
    if (thing->outcome == FF_OK || thing->leave) {
        rc = ff_put_bytes(objects, pid->name, sizeof copy, source, &copy, call, e);
    }
    if (!rc && thing->outcome < 0) {
        return ff_fail(e, thing->outcome, NULL, "thing %d would not be kept",
                       thing->number);
    }
    return rc ? rc : thing->outcome;
}

static int picky_unpickle(void *inst, const struct ff_pid *pid,
                          const struct ff_protocols *ps, struct ff_doc *out,
                          struct ff_value *object, const struct ff_call *call,
                          struct ff_error *e)
{
    const struct ff_values *values = inst;
    const struct ff_objects *objects = ps->find(ps, NULL, FF_OBJECTS_1);
    struct test_thing *thing = ff_calloc(1, sizeof *thing);
    int rc =
        thing ? ff_get_bytes(objects, pid->name, 0, thing, sizeof *thing, NULL, call, e)
              : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    if (rc) {
        ff_free(thing);
        return rc;
    }
    *object = values->new_native_take(out, "test.Thing", thing, ff_free, e);
    return object->doc ? FF_OK : FF_E_NO_MEMORY;
}

static int picky_create(const struct ff_host_services *host, struct ff_value options,
                        void **inst, struct ff_error *e)
{
    (void)options;
    *inst = (void *)(uintptr_t)host->query(host, FF_VALUES_1);
    return *inst ? FF_OK : ff_fail(e, FF_E_PLUGIN, "picky", "no " FF_VALUES_1);
}

static void picky_destroy(void *inst)
{
    (void)inst;
}

static const char *const classes[] = {"test.Thing", NULL};
static const char *const needs[] = {FF_OBJECTS_1, FF_VALUES_1, NULL};
static const struct ff_serializer picky = {
    .struct_size = FF_SIZE(ff_serializer, next),
    .abi = FF_ABI,
    .serializer_class = classes,
    .name = "picky",
    .version = "1.0.0",
    .summary = "does what each thing says",
    .needs = needs,
    .threads = FF_THREADS_FREE,
    .create = picky_create,
    .destroy = picky_destroy,
    .pickle = picky_pickle,
    .unpickle = picky_unpickle,
};

const struct ff_serializer *ff_serializer_describe(void)
{
    return &picky;
}
