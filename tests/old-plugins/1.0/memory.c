/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c: named blobs, kept in memory while the storage is open: what `ff plugin new` made. */
#include <functionfuse/plugin.h>

#include <pthread.h>
#include <time.h>

enum { NAME_BYTES = 1024 };

struct blob { /* sorted by name */
    struct blob *next;
    char *bytes;
    uint64_t size_bytes, stamp; /* no two puts have the same stamp: it is the tag */
    int64_t mtime_ns;
    char name[NAME_BYTES]; /* from the root */
};

struct instance {
    pthread_mutex_t lock;
    struct blob *blobs;
    uint64_t stamp;
    char identity[64];
};

/* A view of one folder; the table is first, so that it leads back here. */
struct bound {
    struct ff_objects objects;
    struct instance *in;
    char folder[NAME_BYTES]; /* "" or "a/b/" */
};

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int may_go_on(const struct ff_call *call, struct ff_error *e)
{
    if (ff_cancelled(call)) {
        return ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
    }
    if (FF_HAS(call, ff_call, deadline_ns) &&
        call->deadline_ns(call) <= now_ns(CLOCK_MONOTONIC)) {
        return ff_fail(e, FF_E_DEADLINE, NULL, "the deadline passed");
    }
    return FF_OK;
}

/* ---- names: no empty part, no "." and "..", so none leads out of the folder ---- */

static int is_name(const char *name)
{
    for (const char *part = name;; part++) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') ||
            (n == 2 && part[0] == '.' && part[1] == '.')) {
            return 0;
        }
        part += n;
        if (!*part) {
            return 1;
        }
    }
}

static int full_name(const struct bound *b, const char *name, char *out,
                     struct ff_error *e)
{
    size_t folder = strlen(b->folder);
    if (!name || !is_name(name) || folder + strlen(name) >= NAME_BYTES) {
        return ff_fail(e, FF_E_USAGE, name, "not a name, or too long");
    }
    memcpy(out, b->folder, folder);
    memcpy(out + folder, name, strlen(name) + 1);
    return FF_OK;
}

/* ---- blobs. The lock is held ---- */

/* Where the blob is, or would be. */
static struct blob **find(struct instance *in, const char *name)
{
    struct blob **at = &in->blobs;
    while (*at && strcmp((*at)->name, name) < 0) {
        at = &(*at)->next;
    }
    return at;
}

static struct blob *there(struct blob **at, const char *name)
{
    return *at && strcmp((*at)->name, name) == 0 ? *at : NULL;
}

static void describe(const struct blob *b, struct ff_io *io)
{
    io->object_bytes = b->size_bytes;
    io->mtime_ns = b->mtime_ns;
    (void)snprintf(io->tag, sizeof io->tag, "%llu", (unsigned long long)b->stamp);
}

static int check_condition(const struct blob *b, const struct ff_io *io,
                           struct ff_error *e)
{
    struct ff_io now;
    int holds = !io->if_match || (!b && !*io->if_match);
    if (b && io->if_match) {
        describe(b, &now);
        holds = strcmp(now.tag, io->if_match) == 0;
    }
    return holds ? FF_OK
                 : ff_fail(e, FF_E_CONFLICT, io->name,
                           "it is not as the condition wants it");
}

/* Takes `bytes`. */
static int put(struct instance *in, const char *name, char *bytes, struct ff_io *io,
               uint64_t size_bytes, struct ff_error *e)
{
    struct blob **at = find(in, name), *b = there(at, name);
    int code = check_condition(b, io, e);
    if (!code && !b) {
        b = calloc(1, sizeof *b);
        if (b) {
            (void)snprintf(b->name, sizeof b->name, "%s", name);
            b->next = *at;
            *at = b;
        } else {
            code = ff_fail(e, FF_E_NO_MEMORY, io->name, "out of memory");
        }
    }
    if (code) {
        free(bytes);
        return code;
    }
    free(b->bytes);
    b->bytes = bytes;
    b->size_bytes = size_bytes;
    b->stamp = ++in->stamp;
    b->mtime_ns = now_ns(CLOCK_REALTIME);
    describe(b, io);
    return FF_OK;
}

static int get(const struct blob *b, struct ff_io *io, struct ff_error *e)
{
    uint64_t begin = io->offset_bytes < b->size_bytes ? io->offset_bytes : b->size_bytes;
    uint64_t left = b->size_bytes - begin;
    uint64_t size = io->size_bytes < left ? io->size_bytes : left;
    void *dst = io->buffer(io, size);
    if (!dst && size) {
        return ff_fail(e, FF_E_NO_MEMORY, io->name, "no buffer");
    }
    if (size) {
        memcpy(dst, b->bytes + begin, (size_t)size);
    }
    io->size_bytes = size;
    return FF_OK;
}

static void remove_blob(struct blob **at)
{
    struct blob *b = *at;
    *at = b->next;
    free(b->bytes);
    free(b);
}

/* ---- ff.objects/1 ---- */

/* The source is called with no lock held. */
static int run_put(const struct bound *b, const char *name, struct ff_io *io,
                   const struct ff_call *call, struct ff_error *e)
{
    uint64_t size = io->size_bytes;
    char *bytes = size < SIZE_MAX ? malloc((size_t)size + 1) : NULL;
    int code = bytes ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, io->name, "out of memory");
    if (!code && size) {
        code = io->source(io->source_ctx, 0, bytes, (size_t)size, call, e);
    }
    if (code) {
        free(bytes);
        return code;
    }
    (void)pthread_mutex_lock(&b->in->lock);
    code = put(b->in, name, bytes, io, size, e);
    (void)pthread_mutex_unlock(&b->in->lock);
    return code;
}

static int run_copy(const struct bound *b, const char *name, struct ff_io *io,
                    struct ff_error *e)
{
    char from[NAME_BYTES], *bytes = NULL;
    struct blob *source;
    int code = full_name(b, io->from, from, e);
    if (code) {
        return code;
    }
    (void)pthread_mutex_lock(&b->in->lock);
    source = there(find(b->in, from), from);
    bytes = source ? malloc((size_t)source->size_bytes + 1) : NULL;
    if (bytes) {
        memcpy(bytes, source->bytes, (size_t)source->size_bytes);
        code = put(b->in, name, bytes, io, source->size_bytes, e);
    } else {
        code = source ? ff_fail(e, FF_E_NO_MEMORY, io->name, "out of memory")
                      : ff_fail(e, FF_E_NOT_FOUND, io->from, "no such object");
    }
    (void)pthread_mutex_unlock(&b->in->lock);
    return code;
}

/* GET, HEAD, REMOVE. */
static int run_at(const struct bound *b, const char *name, struct ff_io *io,
                  struct ff_error *e)
{
    struct blob **at, *blob;
    int code = FF_OK;
    (void)pthread_mutex_lock(&b->in->lock);
    at = find(b->in, name);
    blob = there(at, name);
    if (io->op == FF_REMOVE) {
        code = check_condition(blob, io, e);
        if (!code && blob) {
            remove_blob(at);
        }
    } else if (!blob) {
        code = ff_fail(e, FF_E_NOT_FOUND, io->name, "no such object");
    } else {
        describe(blob, io);
        code = io->op == FF_GET ? get(blob, io, e) : FF_OK;
    }
    (void)pthread_mutex_unlock(&b->in->lock);
    return code;
}

static int run_one(const struct bound *b, struct ff_io *io, const struct ff_call *call,
                   struct ff_error *e)
{
    char name[NAME_BYTES];
    int code = may_go_on(call, e);
    code = code ? code : full_name(b, io->name, name, e);
    if (code) {
        return code;
    }
    switch (io->op) {
    case FF_PUT:
        return run_put(b, name, io, call, e);
    case FF_COPY:
        return run_copy(b, name, io, e);
    case FF_GET:
    case FF_HEAD:
    case FF_REMOVE:
        return run_at(b, name, io, e);
    default:
        return ff_fail(e, FF_E_UNSUPPORTED, io->name, "unknown operation %d",
                       (int)io->op);
    }
}

static int run(const struct ff_objects *self, struct ff_batch *batch,
               const struct ff_call *call, struct ff_error *e)
{
    const struct bound *b = (const struct bound *)(const void *)self;
    struct ff_io *io;
    int code = FF_OK, stop = 0;
    while (!stop && (code = may_go_on(call, e)) == FF_OK && (io = batch->next(batch))) {
        struct ff_error own = FF_ERROR_INIT;
        int one = run_one(b, io, call, &own);
        stop = batch->done(batch, io, one, one ? &own : NULL);
    }
    return stop ? FF_OK : code;
}

static int list(const struct ff_objects *self, const char *prefix, int one_level,
                int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now,
                const struct ff_call *call, struct ff_error *e)
{
    const struct bound *b = (const struct bound *)(const void *)self;
    size_t folder = strlen(b->folder), prefix_bytes = strlen(prefix);
    char last[NAME_BYTES] = ""; /* folder: names of one are neighbours */
    int code = may_go_on(call, e);
    if (code) {
        return code;
    }
    (void)pthread_mutex_lock(&b->in->lock);
    if (now) {
        *now = now_ns(CLOCK_REALTIME);
    }
    for (const struct blob *at = b->in->blobs; at && !code; at = at->next) {
        struct ff_io io = {.struct_size = FF_SIZE(ff_io, is_folder)};
        const char *name = at->name + folder, *slash;
        char part[NAME_BYTES];
        if (strncmp(at->name, b->folder, folder) || strncmp(name, prefix, prefix_bytes)) {
            continue;
        }
        slash = one_level ? strchr(name + prefix_bytes, '/') : NULL;
        (void)snprintf(part, sizeof part, "%.*s",
                       slash ? (int)(slash - name) : (int)strlen(name), name);
        if (slash && strcmp(part, last) == 0) {
            continue;
        }
        if (slash) {
            (void)snprintf(last, sizeof last, "%s", part);
        } else {
            describe(at, &io);
        }
        io.name = part;
        io.is_folder = slash != NULL;
        code = each(ctx, &io);
    }
    (void)pthread_mutex_unlock(&b->in->lock);
    return code;
}

/* Memory is as durable as it gets. */
static int sync_all(const struct ff_objects *self, const struct ff_call *call,
                    struct ff_error *e)
{
    (void)self;
    return may_go_on(call, e);
}

/* ---- the protocol ---- */

static int create(const struct ff_host_services *host, struct ff_value options,
                  void **inst, struct ff_error *e)
{
    struct instance *in = calloc(1, sizeof *in);
    (void)host;
    (void)options;
    if (!in || pthread_mutex_init(&in->lock, NULL)) {
        free(in);
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    (void)snprintf(in->identity, sizeof in->identity, "old.memory:%p", (void *)in);
    *inst = in;
    return FF_OK;
}

static void destroy(void *inst)
{
    struct instance *in = inst;
    while (in->blobs) {
        remove_blob(&in->blobs);
    }
    (void)pthread_mutex_destroy(&in->lock);
    free(in);
}

static int bind_folder(void *inst, const char *folder, void **out,
                       const struct ff_call *call, struct ff_error *e)
{
    struct bound *b;
    int code = may_go_on(call, e);
    if (!code && *folder && (!is_name(folder) || strlen(folder) > NAME_BYTES / 2)) {
        code = ff_fail(e, FF_E_USAGE, folder, "not a folder, or too long");
    }
    b = code ? NULL : calloc(1, sizeof *b);
    if (!b) {
        return code ? code : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    b->objects = (struct ff_objects){.struct_size = FF_SIZE(ff_objects, sync),
                                     .run = run,
                                     .list = list,
                                     .sync = sync_all};
    b->in = inst;
    (void)snprintf(b->folder, sizeof b->folder, "%s%s", folder, *folder ? "/" : "");
    *out = b;
    return FF_OK;
}

static void unbind(void *bound)
{
    free(bound);
}

static const void *query(void *bound, const char *id)
{
    struct bound *b = bound;
    return strcmp(id, FF_OBJECTS_1) == 0 ? &b->objects : NULL;
}

static const char *identity(void *inst)
{
    return ((struct instance *)inst)->identity;
}

FF_PLUGIN_NOTE("protocol", "old.memory", "0.1.0", "old.memory");
static const struct ff_protocol descriptor = {
    .struct_size = FF_SIZE(ff_protocol, needs),
    .abi = FF_ABI,
    .key = "old.memory",
    .kind = "old.memory",
    .version = "0.1.0",
    .summary = "named blobs in memory",
    .create = create,
    .destroy = destroy,
    .bind = bind_folder,
    .unbind = unbind,
    .query = query,
    .identity = identity,
};

const struct ff_protocol *ff_protocol_describe(void)
{
    return &descriptor;
}
