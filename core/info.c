/* SPDX-License-Identifier: Apache-2.0 */
/* info.c: what is known of a task without reading an element: its bytes, its protocol,
 * and for each persistent object where it lies and how others open it. */
#include "core/storage.h"

#include "core/base/alloc.h"
#include "core/base/buf.h"

#define MAX_TEXT (1u << 20)

struct informing {
    struct ff_storage *storage;
    const struct ff_call *call;
    struct ff_bigdata *bigdata;
    struct ff_doc *out;
};

static struct ff_value text(struct ff_doc *d, const char *s, struct ff_error *e)
{
    return ff_new_str(d, s, SIZE_MAX, e);
}

static void where(struct informing *in, const char *name, char *out, size_t size)
{
    const struct ff_locate *l = in->storage->locate;
    struct ff_error own = FF_ERROR_INIT;
    if (!l || l->where(l, name, out, size, &own)) {
        (void)snprintf(out, size, "%s", name);
    }
}

static uint64_t owned_bytes(struct informing *in, const char *uuid, char *first,
                            size_t size)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_vec names;
    uint64_t sum = 0, one = 0;
    ff_vec_init(&names, sizeof(char *), FF_MAX_NAMES);
    (void)ff_owned_names(in->bigdata, uuid, &names, in->call, &own);
    (void)snprintf(first, size, "%s",
                   names.count ? *(char **)ff_vec_at(&names, 0) : uuid);
    for (size_t i = 0; i < names.count; i++) {
        if (!ff_head(in->bigdata->objects, *(char **)ff_vec_at(&names, i), &one, NULL,
                     in->call, &own)) {
            sum += one;
        }
    }
    ff_names_clear(&names);
    return sum;
}

static struct ff_value axes(struct ff_doc *d, int32_t n, const int64_t *axis,
                            struct ff_error *e)
{
    struct ff_value list = ff_new_list(d, e);
    for (int32_t i = 0; axis && i < n; i++) {
        (void)ff_append(d, list, ff_new_int(d, axis[i], e), e);
    }
    return list;
}

static struct ff_value array_info(struct ff_doc *d, const struct ff_array *a,
                                  struct ff_error *e)
{
    struct ff_value v = ff_new_dict(d, e), edges;
    (void)ff_set(d, v, "dtype", text(d, a->descr, e), e);
    (void)ff_set(d, v, "shape", axes(d, a->ndim, a->shape, e), e);
    (void)ff_set(d, v, "chunk", axes(d, a->ndim, a->chunk, e), e);
    if (a->edges) {
        edges = ff_new_list(d, e);
        for (int32_t i = 0; i < a->ndim; i++) {
            (void)ff_append(d, edges, axes(d, (int32_t)a->edge_count[i], a->edges[i], e),
                            e);
        }
        (void)ff_set(d, v, "chunks", edges, e);
    }
    return v;
}

static int gather(void *ctx, const char *data, size_t size)
{
    return ff_buf_append(ctx, data, size);
}

/* The serializer's lines, or "". */
static void explain(struct informing *in, struct ff_value p, struct ff_buf *lines)
{
    const struct ff_loaded_serializer *s;
    const struct ff_explain *by;
    const char *serializer;
    struct ff_error own = FF_ERROR_INIT;
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra)};
    if (ff_persistent(p, &serializer, &pid.version, &pid.name, &pid.extra, &own) ||
        ff_registry_serializer(in->storage->host, serializer, &s, &own)) {
        return;
    }
    by = ff_call_query(s, FF_EXPLAIN_1);
    if (by &&
        by->explain(s->inst, &pid, &in->bigdata->pub, gather, lines, in->call, &own)) {
        ff_buf_clear(lines);
    }
}

static struct ff_value one_info(struct informing *in, struct ff_value p, const char *path,
                                struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_doc *d = in->out;
    const char *serializer = "", *version = "", *uuid = "";
    char place[2 * FF_PLACE_BYTES], first[FF_PLACE_BYTES], whole[3 * FF_PLACE_BYTES];
    struct ff_value v = ff_new_dict(d, e), none = ff_new_none(d);
    const struct ff_array *a = NULL;
    struct ff_buf lines;
    uint64_t bytes;
    ff_buf_init(&lines, MAX_TEXT);
    (void)ff_persistent(p, &serializer, &version, &uuid, NULL, &own);
    bytes = owned_bytes(in, uuid, first, sizeof first);
    (void)snprintf(place, sizeof place, "%s/" FF_BIGDATA "/%s", in->bigdata->workflow,
                   first);
    where(in, place, whole, sizeof whole);
    own = (struct ff_error)FF_ERROR_INIT;
    if (ff_resolve(p, in->call, &own).doc) {
        struct ff_error not_an_array = FF_ERROR_INIT;
        a = ff_array(p, &not_an_array);
        explain(in, p, &lines);
    }
    (void)ff_set(d, v, "path", text(d, path, e), e);
    (void)ff_set(d, v, "serializer", text(d, serializer, e), e);
    (void)ff_set(d, v, "version", text(d, version, e), e);
    (void)ff_set(d, v, "name", text(d, uuid, e), e);
    (void)ff_set(d, v, "where", text(d, whole, e), e);
    (void)ff_set(d, v, "bytes", ff_new_int(d, (int64_t)bytes, e), e);
    (void)ff_set(d, v, "state", text(d, own.code ? own.message : "ok", e), e);
    (void)ff_set(d, v, "fix", text(d, own.fix, e), e);
    (void)ff_set(d, v, "array", a ? array_info(d, a, e) : none, e);
    (void)ff_set(d, v, "open_with", text(d, ff_buf_text(&lines), e), e);
    ff_buf_free(&lines);
    return v;
}

static struct ff_value all_persistent(struct informing *in, struct ff_value root,
                                      struct ff_error *e)
{
    struct ff_value list = ff_new_list(in->out, e), v;
    struct ff_walk walk;
    ff_walk_begin(&walk, root);
    while (!e->code && ff_walk_next(&walk, &v, e) == 1) {
        if (ff_kind(v) == FF_PERSISTENT) {
            char path[FF_PLACE_BYTES];
            ff_walk_path(&walk, path, sizeof path);
            (void)ff_append(in->out, list, one_info(in, v, path, e), e);
        }
    }
    ff_walk_end(&walk);
    return list;
}

static int task_info(struct informing *in, const char *workflow, const char *task,
                     struct ff_error *e)
{
    struct ff_task_bytes bytes;
    struct ff_doc *d = in->out, *doc;
    struct ff_value v = ff_new_dict(d, e);
    char name[2 * FF_PLACE_BYTES], place[3 * FF_PLACE_BYTES];
    int64_t mtime_ns = 0;
    uint64_t size = 0;
    (void)snprintf(name, sizeof name, "%s/%s", workflow, task);
    if (ff_head(in->storage->objects, name, &size, &mtime_ns, in->call, e) ||
        ff_task_load(in->storage, workflow, task, FF_MAX_TASK_BYTES, FF_LOAD_WAIT, &bytes,
                     in->call, e)) {
        return e->code;
    }
    doc = ff_task_build(in->storage, workflow, task, &bytes, in->call, e);
    if (!doc) {
        return e->code;
    }
    where(in, name, place, sizeof place);
    (void)ff_set(d, v, "workflow", text(d, workflow, e), e);
    (void)ff_set(d, v, "task", text(d, task, e), e);
    (void)ff_set(d, v, "where", text(d, place, e), e);
    (void)ff_set(d, v, "bytes", ff_new_int(d, (int64_t)size, e), e);
    (void)ff_set(d, v, "modified_ns", ff_new_int(d, mtime_ns, e), e);
    (void)ff_set(d, v, "protocol", ff_new_int(d, ff_doc_protocol(doc), e), e);
    (void)ff_set(d, v, "digest", text(d, "ok", e), e);
    (void)ff_set(d, v, "persistent", all_persistent(in, ff_doc_root(doc), e), e);
    (void)ff_doc_set_root(d, v, e);
    ff_doc_free(doc);
    return e->code;
}

struct ff_doc *ff_task_info(struct ff_storage *storage, const char *workflow,
                            const char *task, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct informing in = {.storage = storage};
    e = e ? e : &local;
    if (e->code || ff_storage_check(storage, e) || ff_check_names(workflow, task, e)) {
        return NULL;
    }
    in.call = ff_storage_call(storage, NULL);
    in.bigdata = ff_bigdata_open(storage, workflow, in.call, e);
    in.out = in.bigdata ? ff_doc_new(e) : NULL;
    if (in.out && task_info(&in, workflow, task, e)) {
        ff_doc_free(in.out);
        in.out = NULL;
    }
    ff_bigdata_unref(in.bigdata);
    (void)ff_at_task(e->code, workflow, task, e);
    return in.out;
}
