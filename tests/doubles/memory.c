/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: the protocol "memory": ff.objects/1 and ff.files/1 in this process, for
 * tests. It has no ff.commit/1, so that the one that core derives is what tests meet.
 * Options: {"name": "x"}; storages of the same name have the same content, as long as one
 * of them is open; without a name a storage is alone. */
#include "memory.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/name.h"

FF_PLUGIN_NOTE("protocol", "memory", "1.0.0", "memory protocol");

static int mem_where(const struct ff_locate *self, const char *name, char *text,
                     size_t size, struct ff_error *e)
{
    const struct mem_bound *b = MEM_OF(self, locate);
    char *full = mem_full_name(b, name, e);

    if (!full) {
        return e && e->code ? e->code : FF_E_USAGE;
    }
    (void)snprintf(text, size, "%s/%s", b->inst->store->identity, full);
    ff_free(full);
    return FF_OK;
}

struct mem_options {
    const char *name; /* borrowed from the options, "" when there is none */
    size_t name_bytes;
    int files; /* 0: objects alone, as on S3 */
};

static int read_option(const struct ff_values *values, struct ff_value key,
                       struct ff_value value, struct mem_options *out, struct ff_error *e)
{
    char text[32];
    int rc = ff_copy_str(values, key, text, sizeof text, e);

    if (rc) {
        return rc;
    }
    if (strcmp(text, "files") == 0) {
        return values->boolean(value, &out->files, e);
    }
    return strcmp(text, "name") == 0
               ? values->str(value, &out->name, &out->name_bytes, e)
               : ff_fail(e, FF_E_USAGE, "options",
                         "memory: unknown key \"%s\": only \"name\" and \"files\" are "
                         "known",
                         text);
}

static int read_options(const struct ff_host_services *host, struct ff_value options,
                        struct mem_options *out, struct ff_error *e)
{
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    struct ff_value key, value;

    *out = (struct mem_options){"", 0, 1};
    if (!options.doc) {
        return FF_OK;
    }
    if (!values || values->kind(options) != FF_DICT) {
        return ff_fail(e, FF_E_USAGE, "options", "memory: not a dict");
    }
    for (size_t i = 0; i < values->length(options); i++) {
        int rc = values->item(options, i, &key, &value, e);

        rc = rc ? rc : read_option(values, key, value, out, e);
        if (rc) {
            return rc;
        }
    }
    return FF_OK;
}

static int mem_create(const struct ff_host_services *host, struct ff_value options,
                      void **out, struct ff_error *e)
{
    const struct ff_sys *sys = host->query(host, FF_SYS_1);
    struct mem_inst *inst = NULL;
    struct mem_options o;
    char *copy;
    int rc = read_options(host, options, &o, e);

    if (rc) {
        return rc;
    }
    copy = ff_strndup(o.name, o.name_bytes);
    inst = copy ? ff_calloc(1, sizeof *inst) : NULL;
    if (inst) {
        inst->sys = sys ? sys : &ff_sys_posix;
        inst->store = mem_store_open(copy);
        inst->files = o.files;
    }
    ff_free(copy);
    if (!inst || !inst->store) {
        ff_free(inst);
        return ff_fail(e, FF_E_NO_MEMORY, "memory", "no memory for a storage");
    }
    *out = inst;
    return FF_OK;
}

static void mem_destroy(void *instance)
{
    struct mem_inst *inst = instance;

    mem_store_close(inst->store);
    ff_free(inst);
}

static int mem_bind(void *inst, const char *folder, void **out,
                    const struct ff_call *call, struct ff_error *e)
{
    struct mem_bound *b = ff_calloc(1, sizeof *b);
    int rc = mem_check_call(inst, call, e);

    if (!b) {
        return ff_fail(e, FF_E_NO_MEMORY, folder, "no memory to bind it");
    }
    b->inst = inst;
    b->objects = mem_objects;
    b->files = mem_files;
    b->locate =
        (struct ff_locate){.struct_size = FF_SIZE(ff_locate, where), .where = mem_where};
    b->folder = ff_calloc(1, strlen(folder) + 2);
    if (!rc && !b->folder) {
        rc = ff_fail(e, FF_E_NO_MEMORY, folder, "no memory to bind it");
    }
    if (!rc && *folder) {
        struct mem_bound root = {.folder = b->folder}; /* still "" */
        char *full = mem_full_name(&root, folder, e);

        rc = full ? FF_OK : FF_E_USAGE;
        (void)snprintf(b->folder, strlen(folder) + 2, "%s/", folder);
        ff_free(full);
    }
    if (rc) {
        ff_free(b->folder);
        ff_free(b);
        return rc;
    }
    *out = b;
    return FF_OK;
}

static void mem_unbind(void *bound)
{
    struct mem_bound *b = bound;

    ff_free(b->folder);
    ff_free(b);
}

static const void *mem_query(void *bound, const char *id)
{
    const struct mem_bound *b = bound;

    if (!strcmp(id, FF_OBJECTS_1)) {
        return &b->objects;
    }
    if (!strcmp(id, FF_FILES_1)) {
        return b->inst->files ? &b->files : NULL;
    }
    return strcmp(id, FF_LOCATE_1) ? NULL : &b->locate;
}

static const char *mem_identity(void *inst)
{
    return ((struct mem_inst *)inst)->store->identity;
}

static const char *const mem_needs[] = {FF_VALUES_1, NULL};

static const struct ff_protocol descriptor = {
    .struct_size = FF_SIZE(ff_protocol, options_schema),
    .abi = FF_ABI,
    .key = "memory protocol",
    .kind = "memory",
    .version = "1.0.0",
    .summary = "results in the memory of this process, for tests",
    .create = mem_create,
    .destroy = mem_destroy,
    .bind = mem_bind,
    .unbind = mem_unbind,
    .query = mem_query,
    .identity = mem_identity,
    .needs = mem_needs,
    .options_schema =
        "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
        "\"name\": {\"type\": \"string\", \"default\": \"\", \"description\": "
        "\"two of one name in a process are the same\"}, "
        "\"files\": {\"type\": \"boolean\", \"default\": true, \"description\": "
        "\"ff.files/1 beside ff.objects/1\"}}}",
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &descriptor;
}
