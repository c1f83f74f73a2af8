/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c: HDFSerializer, which keeps dask arrays as HDF5 files or zarr: what it is, its
 * instances.
 */
#include "hdf.h"

#include <hdf5.h>

#include "core/base/alloc.h"
#include "zarr/store.h"

enum { KEPT_BYTES_MAX = 80 << 20 }; /* what a read has under way on a far medium */

static void scratch_free(struct hdf_scratch *s)
{
    if (s) {
        ff_aligned_free(s->data);
        ff_free(s);
    }
}

/* One that is kept and large enough; those that are too small stay. */
static struct hdf_scratch *take_kept(struct hdf_inst *inst, size_t size_bytes)
{
    for (size_t i = 0; i < HDF_SCRATCH_KEPT; i++) {
        struct hdf_scratch *s = atomic_load(&inst->kept[i]) == NULL
                                    ? NULL
                                    : atomic_exchange(&inst->kept[i], NULL);

        if (s) {
            atomic_fetch_sub(&inst->kept_bytes, s->size_bytes);
        }
        if (s && s->size_bytes >= size_bytes) {
            return s;
        }
        if (s) {
            hdf_scratch_give(inst, s);
        }
    }
    return NULL;
}

struct hdf_scratch *hdf_scratch_take(struct hdf_inst *inst, size_t size_bytes,
                                     struct ff_error *e)
{
    struct hdf_scratch *s = take_kept(inst, size_bytes);

    if (s) {
        return s;
    }
    s = ff_malloc(sizeof *s);
    if (s) {
        s->size_bytes = size_bytes;
        s->data = ff_aligned_alloc(size_bytes);
    }
    if (!s || !s->data) {
        ff_free(s);
        ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for %zu bytes", size_bytes);
        return NULL;
    }
    return s;
}

void hdf_scratch_give(struct hdf_inst *inst, struct hdf_scratch *s)
{
    if (atomic_fetch_add(&inst->kept_bytes, s->size_bytes) + s->size_bytes <=
        KEPT_BYTES_MAX) {
        for (size_t i = 0; i < HDF_SCRATCH_KEPT; i++) {
            struct hdf_scratch *none = NULL;

            if (atomic_compare_exchange_strong(&inst->kept[i], &none, s)) {
                return;
            }
        }
    }
    atomic_fetch_sub(&inst->kept_bytes, s->size_bytes);
    scratch_free(s);
}

/* The library ends the process when a program was built for another one: this comes before all
 * that could. It empties the error stack, which may be the program's. */
static int check_library(const struct hdf_inst *inst, struct ff_error *e)
{
    unsigned major = 0, minor = 0, release = 0;
    hid_t stack;

    if (inst->locks->enter(inst->host, HDF_LOCK_GROUP, e)) {
        return e && e->code ? e->code : FF_E_OTHER;
    }
    stack = H5Eget_current_stack();
    (void)H5get_libversion(&major, &minor, &release);
    if (stack > 0) {
        (void)H5Eset_current_stack(stack); /* closes it */
    }
    inst->locks->leave(inst->host, HDF_LOCK_GROUP);
    if (major == H5_VERS_MAJOR && minor == H5_VERS_MINOR && release == H5_VERS_RELEASE) {
        return FF_OK;
    }
    ff_fail(e, FF_E_PLUGIN, "HDFSerializer",
            "built for libhdf5 %d.%d.%d, this process has %u.%u.%u", H5_VERS_MAJOR,
            H5_VERS_MINOR, H5_VERS_RELEASE, major, minor, release);
    ff_error_fix(e, "build it again with the libhdf5 of this system");
    return FF_E_PLUGIN;
}

static void hdf_destroy(void *ctx)
{
    struct hdf_inst *inst = ctx;

    for (size_t i = 0; i < HDF_SCRATCH_KEPT; i++) {
        scratch_free(atomic_exchange(&inst->kept[i], NULL));
    }
    ff_free(inst);
}

static int hdf_create_instance(const struct ff_host_services *host,
                               struct ff_value options, void **out, struct ff_error *e)
{
    struct hdf_inst *inst = ff_calloc(1, sizeof *inst);
    int rc;

    if (!inst) {
        return ff_fail(e, FF_E_NO_MEMORY, "HDFSerializer", "out of memory");
    }
    inst->host = host;
    zarr_options_default(&inst->options.zarr);
    inst->values = host->query(host, FF_VALUES_1);
    inst->pool = host->query(host, FF_POOL_1);
    inst->locks = host->query(host, FF_LOCK_GROUP_1);
    rc = inst->values && inst->pool && inst->locks
             ? check_library(inst, e)
             : ff_fail(e, FF_E_PLUGIN, "HDFSerializer", "the host lacks a service");
    rc = rc ? rc : hdf_options_read(inst->values, options, &inst->options, e);
    if (rc) {
        hdf_destroy(inst);
        return rc;
    }
    *out = inst;
    return FF_OK;
}

static int hdf_pickle(void *ctx, struct ff_value object,
                      const struct ff_protocols *protocols, struct ff_pid *pid,
                      const struct ff_call *call, struct ff_error *e)
{
    struct hdf_inst *inst = ctx;
    const struct ff_array *a = inst->values->array(object, e);
    struct hdf_writer *w;
    int rc;

    if (!a) {
        return e && e->code ? e->code : FF_E_TYPE;
    }
    if (zarr_is_chosen(inst, a, protocols)) {
        return zarr_pickle(inst, a, protocols, pid->name, call, e);
    }
    rc = hdf_writer_open(inst, a, protocols, pid->name, call, &w, e);
    if (rc) {
        return rc;
    }
    rc = hdf_writer_fill(w, a, call, e);
    if (rc) {
        hdf_writer_abort(w);
        return rc;
    }
    return hdf_writer_finish(w, -1, call, e);
}

bool zarr_is_chosen(const struct hdf_inst *inst, const struct ff_array *a,
                    const struct ff_protocols *protocols)
{
    struct hdf_options o = inst->options;

    return !protocols->find(protocols, NULL, FF_FILES_1) || o.zarr.on ||
           (hdf_options_parse(inst->values, a->options, &o, NULL) == FF_OK && o.zarr.on);
}

/* What stands in the store is read, whatever would be written. When it is neither, the file
 * says more of why than the objects. */
int hdf_open_any(struct hdf_inst *inst, const struct ff_pid *pid,
                 const struct ff_protocols *protocols, struct ff_array **out,
                 const struct ff_call *call, struct ff_error *e)
{
    struct ff_error file = FF_ERROR_INIT, objects = FF_ERROR_INIT;
    bool files = protocols->find(protocols, NULL, FF_FILES_1) != NULL;
    int rc =
        files ? hdf_array_open(inst, pid, protocols, out, call, &file) : FF_E_NOT_FOUND;

    if (rc != FF_E_NOT_FOUND || !protocols->find(protocols, NULL, FF_OBJECTS_1)) {
        ff_error_copy(e, &file);
        return rc;
    }
    rc = zarr_array_open(inst, pid, protocols, out, call, &objects);
    ff_error_copy(e, files && rc == FF_E_NOT_FOUND ? &file : &objects);
    return rc;
}

static int hdf_unpickle(void *ctx, const struct ff_pid *pid,
                        const struct ff_protocols *protocols, struct ff_doc *out,
                        struct ff_value *object, const struct ff_call *call,
                        struct ff_error *e)
{
    struct hdf_inst *inst = ctx;
    struct ff_array *a;
    int rc = hdf_open_any(inst, pid, protocols, &a, call, e);

    if (rc) {
        return rc;
    }
    *object = inst->values->new_array_take(out, a, e);
    if (inst->values->kind(*object) == FF_ABSENT) {
        return e && e->code ? e->code : FF_E_NO_MEMORY;
    }
    return FF_OK;
}

static const void *hdf_query(void *inst, const char *id)
{
    (void)inst;
    return strcmp(id, FF_PUSH_1) == 0      ? (const void *)&hdf_push
           : strcmp(id, FF_VERIFY_1) == 0  ? (const void *)&hdf_verifier
           : strcmp(id, FF_EXPLAIN_1) == 0 ? (const void *)&hdf_explain
           : strcmp(id, FF_FILL_1) == 0    ? (const void *)&hdf_fill
                                           : NULL;
}

static const char *const classes[] = {"dask.array.core.Array", NULL};
static const char *const needs[] = {FF_OBJECTS_1, FF_VALUES_1, FF_POOL_1, FF_LOCK_GROUP_1,
                                    NULL};

FF_PLUGIN_NOTE("serializer", "HDFSerializer", "0.0.0",
               "dask.array.core.Array\n"
               "needs " FF_OBJECTS_1 " " FF_VALUES_1 " " FF_POOL_1 " " FF_LOCK_GROUP_1
               "\n"
               "threads free\n"
               "lock_group " HDF_LOCK_GROUP "\n"
               "offers " FF_PUSH_1 " " FF_VERIFY_1 " " FF_EXPLAIN_1 " " FF_FILL_1);

/* Of `zarr` the rest is options.c's to say: a shard is a size, or a shape. */
static const char options_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"compression\": {\"type\": \"string\", \"enum\": [\"none\", \"deflate\"], "
    "\"default\": \"none\", \"description\": \"of chunks\"}, "
    "\"level\": {\"type\": \"integer\", \"minimum\": 1, \"maximum\": 9, \"default\": 4, "
    "\"description\": \"of deflate\"}, "
    "\"shuffle\": {\"type\": \"boolean\", \"default\": true, "
    "\"description\": \"bytes before deflate\"}, "
    "\"zarr\": {\"type\": \"object\", \"additionalProperties\": false, "
    "\"description\": \"where arrays are zarr\", \"properties\": {"
    "\"format\": {\"type\": \"integer\", \"enum\": [2, 3], \"default\": 2}, "
    "\"compressor\": {\"type\": \"string\", \"enum\": [\"none\", \"blosc-lz4\", "
    "\"blosc-lz4hc\", \"blosc-zstd\", \"blosc-zlib\", \"blosc-blosclz\", \"zstd\", "
    "\"lz4\", \"gzip\", \"zlib\", \"bz2\", \"lzma\"]}, "
    "\"level\": {\"type\": \"integer\", \"description\": \"of the compressor\"}, "
    "\"shuffle\": {\"type\": \"string\", \"enum\": [\"none\", \"byte\", \"bit\"]}, "
    "\"shard\": {\"description\": \"of format 3: bytes, or a shape\"}}}}}";

static const struct ff_serializer serializer = {
    .struct_size = FF_SIZE(ff_serializer, options_schema),
    .abi = FF_ABI,
    .serializer_class = classes,
    .name = "HDFSerializer",
    .version = "0.0.0",
    .summary = "dask arrays as HDF5 files or zarr",
    .needs = needs,
    .lock_group = HDF_LOCK_GROUP,
    .threads = FF_THREADS_FREE,
    .create = hdf_create_instance,
    .destroy = hdf_destroy,
    .pickle = hdf_pickle,
    .unpickle = hdf_unpickle,
    .remove = zarr_remove,
    .query = hdf_query,
    .options_schema = options_schema,
};

const struct ff_serializer *ff_serializer_describe(void)
{
    return &serializer;
}
