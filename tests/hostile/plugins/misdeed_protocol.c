/* SPDX-License-Identifier: Apache-2.0 */
/* misdeed_protocol.c: stands before another protocol ("inner"); the option "misdeed" names the
 * clause of plugin.h that it breaks. */
#include <functionfuse/plugin.h>

FF_PLUGIN_NOTE("protocol", "misdeed", "1.0", "");

struct instance {
    const struct ff_host_services *host;
    const struct ff_opener *opener;
    const struct ff_protocol *inner;
    void *inner_inst;
    char misdeed[64];
};

struct bound {
    struct ff_objects objects; /* first */
    struct ff_commit commit;
    const struct instance *in;
    void *inner_bound;
    const struct ff_objects *inner;
};

static int is(const struct instance *in, const char *misdeed)
{
    return strcmp(in->misdeed, misdeed) == 0;
}

/* ---- batches ---- */

struct wrapped {
    struct ff_batch batch; /* first */
    struct ff_batch *real;
    const struct bound *b;
    struct ff_io *taken;
};

static struct ff_io *next(struct ff_batch *batch)
{
    struct wrapped *w = (struct wrapped *)(void *)batch;
    struct ff_io *io = w->real->next(w->real);

    if (io && io->op == FF_GET && is(w->b->in, "asks for a buffer twice")) {
        (void)io->buffer(io, 1);
    } else if (io && io->op == FF_PUT && is(w->b->in, "writes short and claims all")) {
        io->size_bytes /= 2;
    }
    return io;
}

static void lie(const struct bound *b, struct ff_io *io)
{
    if (io->op == FF_GET && is(b->in, "says that more came")) {
        io->size_bytes += 4096;
        io->object_bytes += 4096;
    } else if (io->op == FF_GET && is(b->in, "brings what is behind the end")) {
        io->object_bytes = 1;
    } else if (io->op == FF_GET && is(b->in, "a task without an end")) {
        io->object_bytes = UINT64_C(1) << 62;
    } else if (is(b->in, "a tag without an end")) {
        memset(io->tag, 't', sizeof io->tag);
    }
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *e)
{
    struct wrapped *w = (struct wrapped *)(void *)batch;
    const struct instance *in = w->b->in;

    if (!code) {
        lie(w->b, io);
    }
    if (io->op == FF_GET && is(in, "an item returns 5")) {
        return w->real->done(w->real, io, 5, NULL);
    }
    if (io->op == FF_GET && is(in, "an item fails without a word")) {
        return w->real->done(w->real, io, FF_E_IO, NULL);
    }
    if (io->op == FF_GET && is(in, "forgets an item")) {
        return 0;
    }
    if (io->op == FF_GET && is(in, "ends an item twice")) {
        (void)w->real->done(w->real, io, code, e);
    }
    return w->real->done(w->real, io, code, e);
}

static int run(const struct ff_objects *self, struct ff_batch *batch,
               const struct ff_call *call, struct ff_error *e)
{
    const struct bound *b = (const struct bound *)(const void *)self;
    struct wrapped w;

    memset(&w, 0, sizeof w);
    w.batch.struct_size = FF_SIZE(ff_batch, done);
    w.batch.next = next;
    w.batch.done = done;
    w.real = batch;
    w.b = b;
    if (is(b->in, "does nothing")) {
        (void)batch->next(batch);
        return FF_OK;
    }
    return b->inner->run(b->inner, &w.batch, call, e);
}

static int list(const struct ff_objects *self, const char *prefix, int one_level,
                int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                const struct ff_call *call, struct ff_error *e)
{
    const struct bound *b = (const struct bound *)(const void *)self;
    struct ff_io io;
    char name[32];

    memset(&io, 0, sizeof io);
    io.struct_size = FF_SIZE(ff_io, flags);
    if (is(b->in, "lists for ever")) {
        for (uint64_t i = 0;; i++) {
            int stop;

            (void)snprintf(name, sizeof name, "n%llu", (unsigned long long)i);
            io.name = name;
            if ((stop = each(ctx, &io))) {
                return stop;
            }
        }
    }
    if (is(b->in, "lists no name")) {
        (void)each(ctx, &io);
    }
    return b->inner->list(b->inner, prefix, one_level, each, ctx, now_ns, call, e);
}

static int sync_it(const struct ff_objects *self, const struct ff_call *call,
                   struct ff_error *e)
{
    const struct bound *b = (const struct bound *)(const void *)self;

    if (is(b->in, "sync hides a failure")) {
        (void)ff_fail(e, FF_E_IO, NULL, "the disk is on fire");
        return FF_OK;
    }
    return is(b->in, "sync returns 9") ? 9 : b->inner->sync(b->inner, call, e);
}

/* ---- a commit of its own ---- */

static int exists(const struct ff_commit *self, const char *workflow, int *yes,
                  const struct ff_call *call, struct ff_error *e)
{
    (void)self, (void)workflow, (void)call, (void)e;
    *yes = 1;
    return FF_OK;
}

static int begin(const struct ff_commit *self, const char *workflow,
                 struct ff_intent **out, const struct ff_call *call, struct ff_error *e)
{
    (void)self, (void)workflow, (void)out, (void)call, (void)e;
    return FF_OK;
}

static int displace(const struct ff_commit *self, const char *workflow, const char *task,
                    struct ff_displaced *d, const struct ff_call *call,
                    struct ff_error *e)
{
    (void)self, (void)workflow, (void)task, (void)call, (void)e;
    d->data = "x";
    d->size_bytes = UINT64_MAX / 2 + 9;
    return FF_OK;
}

static void drop(const struct ff_commit *self, struct ff_displaced *d, int destroy)
{
    (void)self, (void)d, (void)destroy;
}

/* ---- the descriptor ---- */

static int open_it(const struct ff_host_services *host, struct ff_value options,
                   void **inst, struct ff_error *e)
{
    static const struct ff_host_services *left; /* "calls after close" */
    const struct ff_values *values =
        (const struct ff_values *)host->query(host, FF_VALUES_1);
    struct instance *in = calloc(1, sizeof *in);
    int code;

    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    in->host = host;
    in->opener = (const struct ff_opener *)host->query(host, FF_OPEN_1);
    (void)ff_copy_str(values, values->get(options, "misdeed"), in->misdeed,
                      sizeof in->misdeed, NULL);
    if (is(in, "calls after close") && left) {
        left->log(left, FF_LOG_INFO, "I am still here");
    }
    left = host;
    code = in->opener->open(host, values->get(options, "inner"), &in->inner,
                            &in->inner_inst, e);
    if (code) {
        free(in);
        return code;
    }
    *inst = in;
    return FF_OK;
}

static void close_it(void *inst)
{
    struct instance *in = inst;

    in->opener->close(in->host, in->inner, in->inner_inst);
    free(in);
}

static int bind_it(void *inst, const char *folder, void **out, const struct ff_call *call,
                   struct ff_error *e)
{
    const struct instance *in = inst;
    struct bound *b = calloc(1, sizeof *b);
    int code = b ? in->inner->bind(in->inner_inst, folder, &b->inner_bound, call, e)
                 : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");

    if (code) {
        free(b);
        return code;
    }
    b->in = in;
    b->inner = (const struct ff_objects *)in->inner->query(b->inner_bound, FF_OBJECTS_1);
    b->objects.struct_size = FF_SIZE(ff_objects, sync);
    b->objects.run = run;
    b->objects.list = list;
    b->objects.sync = sync_it;
    b->commit.struct_size = FF_SIZE(ff_commit, settle);
    b->commit.workflow_exists = exists;
    b->commit.begin = begin;
    b->commit.displace = displace;
    b->commit.drop = drop;
    *out = b;
    if (is(in, "bind returns 2")) {
        in->inner->unbind(b->inner_bound);
        free(b);
        return 2;
    }
    return FF_OK;
}

static void unbind_it(void *bound)
{
    struct bound *b = bound;

    b->in->inner->unbind(b->inner_bound);
    free(b);
}

static const void *query(void *bound, const char *id)
{
    const struct bound *b = bound;

    if (strcmp(id, FF_OBJECTS_1) == 0) {
        return is(b->in, "has no objects") ? NULL : &b->objects;
    }
    return strcmp(id, FF_COMMIT_1) == 0 && strncmp(b->in->misdeed, "commit", 6) == 0
               ? &b->commit
               : NULL;
}

static const char *identity(void *inst)
{
    const struct instance *in = inst;

    return in->inner->identity(in->inner_inst);
}

static const char *key_of(void *inst)
{
    const struct instance *in = inst;

    return in->inner->key;
}

static const struct ff_protocol misdeed = {
    .struct_size = FF_SIZE(ff_protocol, needs),
    .abi = FF_ABI,
    .kind = "misdeed",
    .version = "1.0",
    .summary = "breaks the clause that is asked for",
    .create = open_it,
    .destroy = close_it,
    .bind = bind_it,
    .unbind = unbind_it,
    .query = query,
    .identity = identity,
    .key_of = key_of,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &misdeed;
}
