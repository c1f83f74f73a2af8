/* SPDX-License-Identifier: Apache-2.0 */
/* npy.c: numpy arrays as .npy objects, on every protocol. The instance is the host. */
#include <functionfuse/plugin.h>

static int npy_save(void *inst, struct ff_value v, const struct ff_protocols *p,
                    struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_host_services *host = inst;
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    const struct ff_npy *npy = host->query(host, FF_NPY_1);
    const struct ff_array *a = values->array(v, e);
    uint64_t size;
    if (!a || npy->size(a, &size, NULL)) { /* a dtype that .npy lacks */
        return a ? FF_DECLINED : FF_E_TYPE;
    }
    return ff_put_bytes(p->find(p, NULL, FF_OBJECTS_1), pid->name, size, npy->read,
                        (void *)(uintptr_t)a, call, e);
}

static int npy_load(void *inst, const struct ff_pid *pid, const struct ff_protocols *p,
                    struct ff_doc *out, struct ff_value *v, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct ff_host_services *host = inst;
    const struct ff_npy *npy = host->query(host, FF_NPY_1);
    struct ff_object *o;
    uint64_t n;
    int code = ff_object_open(p->find(p, NULL, FF_OBJECTS_1), pid->name, &o, &n, call, e);
    if (!code) {
        *v = npy->take(out, ff_object_read, o, free, n, call, e);
        code = v->doc ? FF_OK : e->code;
    }
    return code;
}

static int npy_open(const struct ff_host_services *host, struct ff_value options,
                    void **inst, struct ff_error *e)
{
    return (void)options, (void)e, *inst = (void *)(uintptr_t)host, FF_OK;
}

FF_PLUGIN_NOTE("serializer", "npy", "1.0.0", "numpy.ndarray");
static const struct ff_serializer npy = {
    .struct_size = FF_SIZE(ff_serializer, options_schema),
    .abi = FF_ABI,
    .serializer_class = (const char *const[]){"numpy.ndarray", NULL},
    .name = "npy",
    .version = "1.0.0",
    .summary = "numpy arrays as .npy objects",
    .needs = (const char *const[]){FF_OBJECTS_1, FF_VALUES_1, FF_NPY_1, NULL},
    .threads = FF_THREADS_FREE,
    .create = npy_open,
    .pickle = npy_save,
    .unpickle = npy_load,
    .options_schema = "{\"type\": \"object\", \"additionalProperties\": false}",
};
const struct ff_serializer *ff_serializer_describe(void)
{
    return &npy;
}
