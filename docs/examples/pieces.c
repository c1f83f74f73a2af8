/* SPDX-License-Identifier: Apache-2.0 */
/* pieces.c: the serializer "acme.pieces": numpy arrays as .npy images, in pieces of a size that the
 * options give. It can be cancelled between two pieces, tells how far it is, and says whether all of
 * them are there. */
#include <functionfuse/plugin.h>

enum { NAME_BYTES = 80 };

struct instance {
    const struct ff_values *values;
    const struct ff_npy *npy;
    uint64_t piece_bytes;
};

/* Which pieces there are: kept in the stream, beside the uuid. */
struct layout {
    uint64_t size_bytes, piece_bytes;
};

static const struct ff_objects *objects_of(const struct ff_protocols *p)
{
    return p->find(p, NULL, FF_OBJECTS_1);
}

static uint64_t piece_size(const struct layout *l, uint64_t i)
{
    uint64_t left = l->size_bytes - i * l->piece_bytes;

    return left < l->piece_bytes ? left : l->piece_bytes;
}

static void piece_name(char out[NAME_BYTES], const char *uuid, uint64_t i)
{
    (void)snprintf(out, NAME_BYTES, "%.40s/%llu", uuid, (unsigned long long)i);
}

/* ---- saving ---- */

/* An ff_read_at over one piece of the image. */
struct window {
    const struct instance *in;
    const struct ff_array *array;
    uint64_t begin;
};

static int window_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *call, struct ff_error *e)
{
    const struct window *w = ctx;

    return w->in->npy->read((void *)(uintptr_t)w->array, w->begin + offset, dst,
                            size_bytes, call, e);
}

static int put_pieces(const struct instance *in, const struct ff_array *array,
                      const struct layout *l, const struct ff_objects *objects,
                      const char *uuid, const struct ff_call *call, struct ff_error *e)
{
    int code = FF_OK;

    for (uint64_t i = 0; !code && i * l->piece_bytes < l->size_bytes; i++) {
        struct window w = {in, array, i * l->piece_bytes};
        char name[NAME_BYTES];

        if (ff_cancelled(call)) {
            return ff_fail(e, FF_E_CANCELLED, uuid, "cancelled");
        }
        piece_name(name, uuid, i);
        code = ff_put_bytes(objects, name, piece_size(l, i), window_read, &w, call, e);
        ff_progress(call, w.begin + piece_size(l, i), l->size_bytes);
    }
    return code;
}

static int pieces_pickle(void *inst, struct ff_value v, const struct ff_protocols *p,
                         struct ff_pid *pid, const struct ff_call *call,
                         struct ff_error *e)
{
    const struct instance *in = inst;
    const struct ff_array *a = in->values->array(v, e);
    struct layout l = {.piece_bytes = in->piece_bytes};
    struct ff_value extra[2];
    int code;

    if (!a || in->npy->size(a, &l.size_bytes, NULL)) { /* a dtype that .npy lacks */
        return a ? FF_DECLINED : FF_E_TYPE;
    }
    code = put_pieces(in, a, &l, objects_of(p), pid->name, call, e);
    if (code) {
        return code;
    }
    extra[0] = in->values->new_int(pid->doc, (int64_t)l.size_bytes, e);
    extra[1] = in->values->new_int(pid->doc, (int64_t)l.piece_bytes, e);
    pid->extra = in->values->new_tuple(pid->doc, extra, 2, e);
    return pid->extra.doc ? FF_OK : FF_E_NO_MEMORY;
}

/* ---- reading ---- */

/* What a stream says is never trusted. */
static int read_layout(const struct instance *in, const struct ff_pid *pid,
                       struct layout *l, struct ff_error *e)
{
    int64_t n[2] = {0, 0};
    struct ff_value key, item;

    for (size_t i = 0; i < 2; i++) {
        if (in->values->item(pid->extra, i, &key, &item, NULL) ||
            in->values->int64(item, &n[i], NULL) || n[i] < 1) {
            return ff_fail(e, FF_E_CORRUPT, pid->name, "no sizes of pieces in the task");
        }
    }
    *l = (struct layout){(uint64_t)n[0], (uint64_t)n[1]};
    return FF_OK;
}

struct stored {
    const struct ff_objects *objects;
    struct layout layout;
    char uuid[41];
};

/* An ff_read_at over all pieces. Any thread, also long after unpickle(). */
static int stored_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *call, struct ff_error *e)
{
    const struct stored *s = ctx;
    char *to = dst;

    if (offset > s->layout.size_bytes || size_bytes > s->layout.size_bytes - offset) {
        return ff_fail(e, FF_E_CORRUPT, s->uuid, "bytes behind the end are needed");
    }
    while (size_bytes) {
        uint64_t i = offset / s->layout.piece_bytes,
                 from = offset % s->layout.piece_bytes;
        uint64_t n = piece_size(&s->layout, i) - from;
        char name[NAME_BYTES];
        int code;

        n = n < size_bytes ? n : size_bytes;
        piece_name(name, s->uuid, i);
        code = ff_get_bytes(s->objects, name, from, to, n, NULL, call, e);
        if (code) {
            return code;
        }
        to += n;
        offset += n;
        size_bytes -= (size_t)n;
    }
    return FF_OK;
}

static int pieces_unpickle(void *inst, const struct ff_pid *pid,
                           const struct ff_protocols *p, struct ff_doc *out,
                           struct ff_value *v, const struct ff_call *call,
                           struct ff_error *e)
{
    const struct instance *in = inst;
    struct stored *s = calloc(1, sizeof *s);
    int code;

    if (!s) {
        return ff_fail(e, FF_E_NO_MEMORY, pid->name, "out of memory");
    }
    s->objects = objects_of(p);
    (void)snprintf(s->uuid, sizeof s->uuid, "%s", pid->name);
    code = read_layout(in, pid, &s->layout, e);
    if (code) {
        free(s);
        return code;
    }
    *v = in->npy->take(out, stored_read, s, free, s->layout.size_bytes, call, e);
    return v->doc ? FF_OK : e->code;
}

/* ---- ff.verify/1 ---- */

/* What the pieces themselves say: a verifier gets no extra. */
static int measure(const struct stored *s, struct layout *l, const struct ff_call *call,
                   struct ff_error *e)
{
    uint64_t size = 0;
    char name[NAME_BYTES];
    int code;

    *l = (struct layout){0, 0};
    for (uint64_t i = 0;; i++) {
        struct ff_error none = FF_ERROR_INIT;

        piece_name(name, s->uuid, i);
        code = ff_head(s->objects, name, &size, NULL, call, &none);
        if (code == FF_E_NOT_FOUND && i > 0) {
            return FF_OK;
        }
        if (code) {
            ff_error_copy(e, &none);
            return code;
        }
        l->piece_bytes = i ? l->piece_bytes : size;
        if (size == 0 || l->size_bytes != i * l->piece_bytes || size > l->piece_bytes) {
            return ff_fail(e, FF_E_CORRUPT, name, "a piece of another size");
        }
        l->size_bytes += size;
    }
}

static void keep(void *ctx)
{
    (void)ctx;
}

/* All pieces are there when the image has the size that its header says. A .npy image has no
 * sums that a deeper look could compare. */
static int pieces_verify(void *inst, const struct ff_pid *pid,
                         const struct ff_protocols *p, int deep,
                         const struct ff_call *call, struct ff_error *e)
{
    const struct instance *in = inst;
    struct stored s = {.objects = objects_of(p)};
    struct ff_doc *doc;
    int code;

    (void)deep;
    (void)snprintf(s.uuid, sizeof s.uuid, "%s", pid->name);
    code = measure(&s, &s.layout, call, e);
    if (code) {
        return code;
    }
    doc = in->values->doc_new(e);
    (void)in->npy->take(doc, stored_read, &s, keep, s.layout.size_bytes, call, e);
    in->values->doc_free(doc);
    return e->code;
}

static const void *pieces_query(void *inst, const char *id)
{
    static const struct ff_verifier verifier = {
        .struct_size = FF_SIZE(ff_verifier, verify), .verify = pieces_verify};

    (void)inst;
    return strcmp(id, FF_VERIFY_1) == 0 ? &verifier : NULL;
}

/* ---- the serializer ---- */

static const char options_schema[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {"
    "\"piece_bytes\": {\"type\": \"integer\", \"minimum\": 64, \"maximum\": 1073741824, "
    "\"default\": 1048576, \"description\": \"how large each object is\"}}}";

static int pieces_create(const struct ff_host_services *host, struct ff_value options,
                         void **inst, struct ff_error *e)
{
    struct instance *in = calloc(1, sizeof *in);
    int64_t piece_bytes = 1 << 20;
    int code = FF_OK;

    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    in->values = host->query(host, FF_VALUES_1);
    in->npy = host->query(host, FF_NPY_1);
    if (in->values->get(options, "piece_bytes").doc) { /* the schema says what it is */
        code =
            in->values->int64(in->values->get(options, "piece_bytes"), &piece_bytes, e);
    }
    in->piece_bytes = (uint64_t)piece_bytes;
    *inst = in;
    return code;
}

FF_PLUGIN_NOTE("serializer", "acme.pieces", "1.0.0", "numpy.ndarray");
static const struct ff_serializer pieces = {
    .struct_size = FF_SIZE(ff_serializer, options_schema),
    .abi = FF_ABI,
    .serializer_class = (const char *const[]){"numpy.ndarray", NULL},
    .name = "acme.pieces",
    .version = "1.0.0",
    .summary = "numpy arrays as .npy images in pieces",
    .needs = (const char *const[]){FF_OBJECTS_1, FF_VALUES_1, FF_NPY_1, NULL},
    .threads = FF_THREADS_FREE,
    .create = pieces_create,
    .destroy = free,
    .pickle = pieces_pickle,
    .unpickle = pieces_unpickle,
    .query = pieces_query,
    .options_schema = options_schema,
};
const struct ff_serializer *ff_serializer_describe(void)
{
    return &pieces;
}
