/* SPDX-License-Identifier: Apache-2.0 */
/* misdeed_serializer.c: keeps objects of the class "test.Thing"; the option "misdeed" names the
 * clause of plugin.h that it breaks. */
#include <functionfuse/plugin.h>

FF_PLUGIN_NOTE("serializer", "misdeeds", "1.0", "test.Thing");

struct instance {
    const struct ff_host_services *host;
    const struct ff_values *values;
    const struct ff_pool *pool;
    const struct ff_lock_group *groups;
    char misdeed[64];
};

static int is(const struct instance *in, const char *misdeed)
{
    return strcmp(in->misdeed, misdeed) == 0;
}

static int open_it(const struct ff_host_services *host, struct ff_value options,
                   void **inst, struct ff_error *e)
{
    const struct ff_values *values =
        (const struct ff_values *)host->query(host, FF_VALUES_1);
    struct instance *in = calloc(1, sizeof *in);

    if (!in) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    in->host = host;
    in->values = values;
    in->pool = (const struct ff_pool *)host->query(host, FF_POOL_1);
    in->groups = (const struct ff_lock_group *)host->query(host, FF_LOCK_GROUP_1);
    (void)ff_copy_str(values, values->get(options, "misdeed"), in->misdeed,
                      sizeof in->misdeed, NULL);
    if (is(in, "create frees options")) {
        values->doc_free((struct ff_doc *)(uintptr_t)options.doc);
    } else if (is(in, "create returns 3")) {
        free(in);
        return 3;
    } else if (is(in, "create logs as the host")) {
        host->log(host, FF_LOG_MISBEHAVES, "somebody else");
    }
    *inst = in;
    return FF_OK;
}

static void close_it(void *inst)
{
    free(inst);
}

static int source(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                  const struct ff_call *call, struct ff_error *e)
{
    (void)call, (void)e;
    memcpy(dst, (const char *)ctx + offset, size_bytes);
    return FF_OK;
}

/* With the host's services. */
static void misuse(const struct instance *in, const struct ff_call *call)
{
    void *memory;

    if (is(in, "gives back its own memory")) {
        memory = malloc(64);
        in->pool->give_back(in->host, memory);
        free(memory);
    } else if (is(in, "gives back twice")) {
        memory = in->pool->borrow(in->host, 64, call, NULL);
        in->pool->give_back(in->host, memory);
        in->pool->give_back(in->host, memory);
    } else if (is(in, "borrows a wild length")) {
        (void)in->pool->borrow(in->host, SIZE_MAX - 7, call, NULL);
    } else if (is(in, "stays in a lock group")) {
        (void)in->groups->enter(in->host, "libmisdeed", NULL);
    } else if (is(in, "leaves a lock group twice")) {
        (void)in->groups->enter(in->host, "libmisdeed", NULL);
        in->groups->leave(in->host, "libmisdeed");
        in->groups->leave(in->host, "libmisdeed");
    }
}

static int save(void *inst, struct ff_value v, const struct ff_protocols *p,
                struct ff_pid *pid, const struct ff_call *call, struct ff_error *e)
{
    const struct instance *in = inst;
    const struct ff_objects *objects =
        (const struct ff_objects *)p->find(p, NULL, FF_OBJECTS_1);
    char text[] = "thing";

    (void)v;
    misuse(in, call);
    if (is(in, "returns 17")) {
        return 17;
    } else if (is(in, "hides a failure")) {
        (void)ff_fail(e, FF_E_IO, NULL, "the disk is on fire");
        return FF_OK;
    } else if (is(in, "fails without a word")) {
        return FF_E_IO;
    } else if (is(in, "returns another code")) {
        (void)ff_fail(e, FF_E_IO, NULL, "the disk is on fire");
        return FF_E_USAGE;
    } else if (is(in, "texts without an end")) {
        e->code = FF_E_IO;
        memset(e->place, 'p', sizeof e->place);
        memset(e->message, 'm', sizeof e->message);
        memset(e->fix, 'f', sizeof e->fix);
        return FF_E_IO;
    } else if (is(in, "extra is no tuple")) {
        struct ff_doc *doc = (struct ff_doc *)(uintptr_t)v.doc;

        pid->extra = in->values->new_none(doc);
    }
    return ff_put_bytes(objects, pid->name, sizeof text, source, text, call, e);
}

/* A read function that is not to be called: the description is wrong. */
static int no_read(const struct ff_array *a, const struct ff_region *r, void *dst,
                   const int64_t *strides, const struct ff_call *call, struct ff_error *e)
{
    (void)a, (void)r, (void)dst, (void)strides, (void)call;
    return ff_fail(e, FF_E_OTHER, NULL, "it was read");
}

static void no_release(struct ff_array *a)
{
    free(a);
}

static struct ff_value wild_array(const struct instance *in, struct ff_doc *out,
                                  struct ff_error *e)
{
    static const int64_t shape[2] = {INT64_MAX, INT64_MAX};
    struct ff_array *a = calloc(1, sizeof *a);
    struct ff_value none = {NULL, 0};

    if (!a) {
        return none;
    }
    a->struct_size = FF_SIZE(ff_array, release);
    a->ndim = 2;
    a->shape = shape;
    a->descr = "<f8";
    a->itemsize_bytes = 8;
    a->read = no_read;
    a->release = no_release;
    return in->values->new_array_take(out, a, e);
}

static int load(void *inst, const struct ff_pid *pid, const struct ff_protocols *p,
                struct ff_doc *out, struct ff_value *object, const struct ff_call *call,
                struct ff_error *e)
{
    const struct instance *in = inst;

    (void)pid, (void)p, (void)call;
    misuse(in, call);
    if (is(in, "gives no object")) {
        return FF_OK;
    } else if (is(in, "gives an object of another document")) {
        static struct ff_doc *other;

        other = other ? other : in->values->doc_new(NULL);
        *object = in->values->new_none(other);
        return FF_OK;
    } else if (is(in, "a wild text")) {
        *object = in->values->new_str(out, "x", SIZE_MAX / 2, e);
        return object->doc ? FF_OK : e->code;
    } else if (is(in, "a wild array")) {
        *object = wild_array(in, out, e);
        return object->doc ? FF_OK : e->code;
    }
    *object = in->values->new_str(out, "thing", 5, e);
    if (is(in, "frees what it was lent")) {
        in->values->doc_free(out);
    }
    return object->doc ? FF_OK : FF_E_NO_MEMORY;
}

static const char *const classes[] = {"test.Thing", NULL};

static const struct ff_serializer misdeeds = {
    .struct_size = FF_SIZE(ff_serializer, next),
    .abi = FF_ABI,
    .serializer_class = classes,
    .name = "misdeeds",
    .version = "1.0",
    .summary = "breaks the clause that is asked for",
    .threads = FF_THREADS_FREE,
    .create = open_it,
    .destroy = close_it,
    .pickle = save,
    .unpickle = load,
};

const struct ff_serializer *ff_serializer_describe(void)
{
    return &misdeeds;
}
