/* SPDX-License-Identifier: Apache-2.0 */
/* protocol.c: wraps another protocol and, built once for each fault, breaks one clause of it. */
#include <functionfuse/plugin.h>

enum fault {
    NONE,
    PUT_IGNORES_IF_MATCH,
    DONE_COMES_TWICE,
    GET_IS_SHORT,
    TAG_NEVER_CHANGES,
    CANCEL_IS_IGNORED,
    LIST_LEAVES_ONE_OUT,
    LIST_FAILS_WITHOUT_A_FOLDER,
    OPEN_TAKES_OVER,
    READ_IS_ZERO_BEHIND_THE_END,
    RESIZE_DOES_NOTHING,
    CLOSE_KEEPS_WHAT_IS_CREATED,
    QUERY_GIVES_ANYTHING
};
#ifndef FAULT
#define FAULT NONE
#endif
#define IS(fault) (FAULT == (fault))

struct instance {
    const struct ff_host_services *host;
    const struct ff_opener *opener;
    const struct ff_protocol *to;
    void *inner;
};

struct bound {
    struct ff_objects objects;
    struct ff_files files;
    const struct instance *in;
    const struct ff_objects *to_objects;
    const struct ff_files *to_files;
    void *inner;
};
#define OF(table, member)                                                                \
    ((const struct bound *)(const void *)((const char *)(table)-offsetof(struct bound,   \
                                                                         member)))

/* ---- objects ---- */

struct wrapped {
    struct ff_batch batch; /* first */
    struct ff_batch *outer;
};

static struct ff_io *next(struct ff_batch *batch)
{
    struct ff_batch *outer = ((struct wrapped *)batch)->outer;
    struct ff_io *io = outer->next(outer);

    if (io && IS(PUT_IGNORES_IF_MATCH) && io->op == FF_PUT) {
        io->if_match = NULL;
    }
    if (io && IS(GET_IS_SHORT) && io->op == FF_GET && io->size_bytes > 3) {
        io->size_bytes = 3;
    }
    return io;
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct ff_batch *outer = ((struct wrapped *)batch)->outer;

    if (IS(TAG_NEVER_CHANGES)) {
        (void)snprintf(io->tag, sizeof io->tag, "tag");
    }
    if (IS(DONE_COMES_TWICE)) {
        (void)outer->done(outer, io, code, e);
    }
    return outer->done(outer, io, code, e);
}

static int run(const struct ff_objects *self, struct ff_batch *batch,
               const struct ff_call *call, struct ff_error *e)
{
    const struct ff_objects *to = OF(self, objects)->to_objects;
    struct wrapped w = {*batch, batch};

    w.batch.next = next;
    w.batch.done = done;
    return to->run(to, &w.batch, IS(CANCEL_IS_IGNORED) ? NULL : call, e);
}

struct listing {
    int (*each)(void *, const struct ff_io *);
    void *ctx;
    int count;
};

static int each_but_one(void *ctx, const struct ff_io *io)
{
    struct listing *l = ctx;

    return IS(LIST_LEAVES_ONE_OUT) && l->count++ == 0 ? 0 : l->each(l->ctx, io);
}

static int list(const struct ff_objects *self, const char *prefix, int one_level,
                int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                const struct ff_call *call, struct ff_error *e)
{
    const struct ff_objects *to = OF(self, objects)->to_objects;
    struct listing l = {each, ctx, 0};
    int code;

    code = to->list(to, prefix, one_level, each_but_one, &l, now_ns, call, e);
    return !code && !l.count && IS(LIST_FAILS_WITHOUT_A_FOLDER) && prefix[0]
               ? ff_fail(e, FF_E_NOT_FOUND, prefix, "no such folder")
               : code;
}

static int sync_all(const struct ff_objects *self, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct ff_objects *to = OF(self, objects)->to_objects;

    return to->sync(to, call, e);
}

/* ---- files: most of the inner's are used as they are, through its own table ---- */

#define TO const struct ff_files *to = OF(self, files)->to_files

static int open_file(const struct ff_files *self, const char *name, int mode,
                     struct ff_file **out, const struct ff_call *call, struct ff_error *e)
{
    TO;

    if (IS(OPEN_TAKES_OVER) && mode == FF_OPEN_CREATE &&
        !to->open(to, name, FF_OPEN_ATTACH, out, call, NULL)) {
        return FF_OK;
    }
    return to->open(to, name, mode, out, call, e);
}

static int read_file(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                     void *dst, size_t size, const struct ff_call *call,
                     struct ff_error *e)
{
    uint64_t whole = 0;
    TO;

    if (IS(READ_IS_ZERO_BEHIND_THE_END) && !to->size(to, f, &whole, NULL) &&
        offset + size > whole) {
        memset(dst, 0, size);
        return FF_OK;
    }
    return to->read(to, f, offset, dst, size, call, e);
}

static int read_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                      const struct ff_span *spans, size_t count,
                      const struct ff_call *call, struct ff_error *e)
{
    TO;
    return to->read_spans(to, f, offset, spans, count, call, e);
}

static int write_file(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                      const void *src, size_t size, const struct ff_call *call,
                      struct ff_error *e)
{
    TO;
    return to->write(to, f, offset, src, size, call, e);
}

static int write_spans(const struct ff_files *self, struct ff_file *f, uint64_t offset,
                       const struct ff_span *spans, size_t count,
                       const struct ff_call *call, struct ff_error *e)
{
    TO;
    return to->write_spans(to, f, offset, spans, count, call, e);
}

static int size_of(const struct ff_files *self, struct ff_file *f, uint64_t *size,
                   struct ff_error *e)
{
    TO;
    return to->size(to, f, size, e);
}

static int resize(const struct ff_files *self, struct ff_file *f, uint64_t size,
                  int reserve, struct ff_error *e)
{
    TO;
    return IS(RESIZE_DOES_NOTHING) ? FF_OK : to->resize(to, f, size, reserve, e);
}

static int finish(const struct ff_files *self, struct ff_file *f,
                  const struct ff_call *call, struct ff_error *e)
{
    TO;
    return to->finish(to, f, call, e);
}

static void close_file(const struct ff_files *self, struct ff_file *f)
{
    TO;

    if (IS(CLOSE_KEEPS_WHAT_IS_CREATED)) {
        (void)to->finish(to, f, NULL, NULL);
    } else {
        to->close(to, f);
    }
}

static int remove_file(const struct ff_files *self, const char *name,
                       const struct ff_call *call, struct ff_error *e)
{
    TO;
    return to->remove(to, name, call, e);
}

/* ---- the protocol ---- */

static int create(const struct ff_host_services *host, struct ff_value options,
                  void **inst, struct ff_error *e)
{
    const struct ff_values *values = host->query(host, FF_VALUES_1);
    struct instance *in = calloc(1, sizeof *in);
    int code;

    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    in->host = host;
    in->opener = host->query(host, FF_OPEN_1);
    code = in->opener->open(host, values->get(options, "inner"), &in->to, &in->inner, e);
    if (code) {
        free(in);
        return code;
    }
    *inst = in;
    return FF_OK;
}

static void destroy(void *inst)
{
    struct instance *in = inst;

    in->opener->close(in->host, in->to, in->inner);
    free(in);
}

static int bind_to(void *inst, const char *folder, void **out, const struct ff_call *call,
                   struct ff_error *e)
{
    struct instance *in = inst;
    struct bound *b = calloc(1, sizeof *b);
    int code = b ? in->to->bind(in->inner, folder, &b->inner, call, e)
                 : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");

    if (code) {
        free(b);
        return code;
    }
    b->in = in;
    b->to_objects = in->to->query(b->inner, FF_OBJECTS_1);
    b->to_files = in->to->query(b->inner, FF_FILES_1);
    b->objects = (struct ff_objects){FF_SIZE(ff_objects, sync), 0, run, list, sync_all};
    b->files = (struct ff_files){FF_SIZE(ff_files, remove),
                                 0,
                                 open_file,
                                 read_file,
                                 read_spans,
                                 write_file,
                                 write_spans,
                                 size_of,
                                 resize,
                                 finish,
                                 close_file,
                                 remove_file};
    *out = b;
    return FF_OK;
}

static void unbind(void *bound)
{
    struct bound *b = bound;

    b->in->to->unbind(b->inner);
    free(b);
}

static const void *query(void *bound, const char *id)
{
    struct bound *b = bound;

    return strcmp(id, FF_OBJECTS_1) == 0 ? (const void *)&b->objects
           : strcmp(id, FF_FILES_1) == 0 ? (b->to_files ? (const void *)&b->files : NULL)
           : IS(QUERY_GIVES_ANYTHING) && !strncmp(id, FF_OBJECTS_1, 10)
               ? (const void *)&b->objects
               : NULL;
}

static const char *identity(void *inst)
{
    const struct instance *in = inst;

    return in->to->identity(in->inner);
}

FF_PLUGIN_NOTE("protocol", "careless", "1.0", "careless");
static const struct ff_protocol descriptor = {
    .struct_size = FF_SIZE(ff_protocol, needs),
    .abi = FF_ABI,
    .key = "careless",
    .kind = "careless",
    .version = "1.0",
    .summary = "another protocol, carelessly",
    .create = create,
    .destroy = destroy,
    .bind = bind_to,
    .unbind = unbind,
    .query = query,
    .identity = identity,
    .needs = (const char *const[]){FF_VALUES_1, FF_OPEN_1, NULL},
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &descriptor;
}
