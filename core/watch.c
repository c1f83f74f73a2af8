/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c: ff.objects/1 of a protocol, watched: each item of a batch is a copy of the caller's,
 * so that what the protocol writes is looked at before the caller sees it. */
#include "core/watch.h"

#include <stdatomic.h>

#include "core/base/alloc.h"
#include "core/call_own.h"

#define LISTED_MAX 16777216u /* names of one list */

struct item {
    struct ff_io io; /* first: what the protocol gets */
    struct ff_io *real;
    struct run *run;
    struct item *older;
    uint64_t room_bytes;
    atomic_int asked, ended;
};

struct run {
    struct ff_batch batch; /* first */
    struct ff_batch *real;
    const struct ff_watch *watch;
    struct item *items;
    int no_memory;
};

static const struct ff_watch *watch_of(const struct ff_objects *objects)
{
    return (const struct ff_watch *)(const void *)objects;
}

#define MISBEHAVES(watch, ...)                                                           \
    ff_misbehaves((watch)->services, (watch)->plugin, __VA_ARGS__)

static int breach(const struct item *it, struct ff_error *e, const char *what,
                  const char *clause)
{
    MISBEHAVES(it->run->watch, "%s of \"%.100s\" (ff.objects/1: %s)", what, it->io.name,
               clause);
    return ff_fail(e, FF_E_PLUGIN, it->io.name,
                   "the protocol %.60s breaks its contract: %s", it->run->watch->plugin,
                   what);
}

static void *give_buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct item *it = (struct item *)(void *)io;
    void *buffer;

    if (atomic_load(&it->ended)) {
        (void)breach(it, NULL, "buffer() was called after done()",
                     "buffer: called once before bytes come");
        return NULL;
    }
    if (atomic_exchange(&it->asked, 1)) {
        (void)breach(it, NULL, "buffer() was called twice for a GET",
                     "buffer: called once");
        return NULL;
    }
    buffer = it->real->buffer(it->real, size_bytes);
    it->room_bytes = buffer ? size_bytes : 0;
    return buffer;
}

static struct ff_io *next(struct ff_batch *batch)
{
    struct run *run = (struct run *)(void *)batch;
    struct ff_io *real = run->no_memory ? NULL : run->real->next(run->real);
    struct item *it = real ? ff_calloc(1, sizeof *it) : NULL;

    if (!real) {
        return NULL;
    }
    if (!it) {
        struct ff_error e = FF_ERROR_INIT;

        run->no_memory = 1;
        (void)ff_fail(&e, FF_E_NO_MEMORY, real->name, "out of memory");
        (void)run->real->done(run->real, real, e.code, &e);
        return NULL;
    }
    memcpy(&it->io, real,
           real->struct_size < sizeof it->io ? real->struct_size : sizeof it->io);
    it->io.buffer = real->buffer ? give_buffer : NULL;
    it->real = real;
    it->run = run;
    it->older = run->items;
    run->items = it;
    return &it->io;
}

/* What a GET claims to have brought. */
static int check_came(const struct item *it, struct ff_error *e)
{
    const struct ff_io *io = &it->io;

    if (io->size_bytes > it->room_bytes) {
        return breach(it, e, "a GET says that more bytes came than there was room for",
                      "size_bytes: on done, how many came");
    }
    if (io->size_bytes && (io->offset_bytes > io->object_bytes ||
                           io->size_bytes > io->object_bytes - io->offset_bytes)) {
        return breach(it, e, "a GET brought bytes from behind the object's end",
                      "object_bytes: GET, HEAD: the object's whole size");
    }
    return FF_OK;
}

static void copy_back(struct item *it)
{
    struct ff_io *real = it->real;

    it->io.tag[sizeof it->io.tag - 1] = '\0';
    real->size_bytes = it->io.size_bytes;
    real->object_bytes = it->io.object_bytes;
    real->mtime_ns = it->io.mtime_ns;
    memcpy(real->tag, it->io.tag, sizeof real->tag);
}

static int changes(const struct item *it)
{
    return it->io.op != FF_GET && it->io.op != FF_HEAD;
}

static int end_item(struct item *it, int code, const struct ff_error *error)
{
    const struct ff_watch *w = it->run->watch;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_answer a;

    ff_answer_ask(&a, w->services, w->plugin, "done");
    a.changes = changes(it);
    if (code) {
        ff_error_copy(&a.error, error);
    }
    code = ff_answer_settle(&a, code, &e);
    if (!code && it->io.tag[sizeof it->io.tag - 1]) {
        code = breach(it, &e, "the tag has no end", "tag");
    }
    if (!code && it->io.op == FF_GET) {
        code = check_came(it, &e);
    }
    copy_back(it);
    it->io.name = it->io.from = ""; /* the maker may free them in done() */
    return it->run->real->done(it->run->real, it->real, code, code ? &e : NULL);
}

static int done(struct ff_batch *batch, struct ff_io *io, int code,
                const struct ff_error *error)
{
    struct item *it = (struct item *)(void *)io;

    (void)batch;
    if (atomic_exchange(&it->ended, 1)) {
        (void)breach(it, NULL, "done() was called twice",
                     "done() is called exactly once for each item");
        return 0;
    }
    return end_item(it, code, error);
}

/* Those that the protocol forgot. */
static void end_others(struct run *run, int code)
{
    for (struct item *it = run->items, *older; it; it = older) {
        older = it->older;
        if (!atomic_exchange(&it->ended, 1)) {
            struct ff_error e = FF_ERROR_INIT;

            (void)breach(it, &e, "run() returned without done()",
                         "done() is called exactly once for each item");
            it->io.size_bytes = it->io.object_bytes = 0;
            e.code = code ? code : changes(it) ? FF_E_UNKNOWN_OUTCOME : e.code;
            (void)end_item(it, e.code, &e);
        }
        ff_free(it);
    }
}

static int run_objects(const struct ff_objects *self, struct ff_batch *batch,
                       const struct ff_call *call, struct ff_error *e)
{
    const struct ff_watch *w = watch_of(self);
    struct run run = {.batch = {.struct_size = FF_SIZE(ff_batch, done),
                                .width = batch->width,
                                .next = next,
                                .done = done},
                      .real = batch,
                      .watch = w};
    struct ff_answer a;
    int code;

    ff_answer_ask(&a, w->services, w->plugin, "run");
    code = w->inner->run(w->inner, &run.batch, call, &a.error);
    code = ff_answer_settle(&a, code, e);
    end_others(&run, code);
    return code            ? code
           : run.no_memory ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory")
                           : FF_OK;
}

struct listing {
    const struct ff_watch *watch;
    int (*each)(void *ctx, const struct ff_io *);
    void *ctx;
    uint64_t count;
    int is_endless, stopped; /* what `each` returned */
};

static int each_name(void *ctx, const struct ff_io *io)
{
    struct listing *l = ctx;

    if (l->is_endless || l->stopped) {
        return l->is_endless ? FF_E_LIMIT : l->stopped;
    }
    if (++l->count > LISTED_MAX) {
        l->is_endless = 1;
        return FF_E_LIMIT;
    }
    if (!io->name || !io->name[0]) {
        MISBEHAVES(l->watch, "list() gave an object without a name (ff.objects/1: each "
                             "gets the name)");
        return 0;
    }
    l->stopped = l->each(l->ctx, io);
    return l->stopped;
}

static int list_objects(const struct ff_objects *self, const char *prefix, int one_level,
                        int (*each)(void *ctx, const struct ff_io *), void *ctx,
                        int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_watch *w = watch_of(self);
    struct listing l = {.watch = w, .each = each, .ctx = ctx};
    struct ff_answer a;
    int code;

    ff_answer_ask(&a, w->services, w->plugin, "list");
    code = w->inner->list(w->inner, prefix, one_level, each_name, &l, now_ns, call,
                          &a.error);
    if (l.is_endless) {
        return ff_fail(e, FF_E_LIMIT, prefix,
                       "the protocol %.60s lists more than %u names", w->plugin,
                       LISTED_MAX);
    }
    if (l.stopped && code == l.stopped) {
        return code; /* the caller's own */
    }
    return ff_answer_settle(&a, code, e);
}

static int sync_objects(const struct ff_objects *self, const struct ff_call *call,
                        struct ff_error *e)
{
    const struct ff_watch *w = watch_of(self);
    struct ff_answer a;

    ff_answer_ask(&a, w->services, w->plugin, "sync");
    return ff_answer_settle(&a, w->inner->sync(w->inner, call, &a.error), e);
}

void ff_watch_init(struct ff_watch *w, const struct ff_host_services *services,
                   const char *plugin, const struct ff_objects *objects,
                   const struct ff_commit *commit)
{
    memset(w, 0, sizeof *w);
    w->objects = (struct ff_objects){.struct_size = FF_SIZE(ff_objects, sync),
                                     .flags = objects->flags,
                                     .run = run_objects,
                                     .list = list_objects,
                                     .sync = sync_objects};
    w->inner = objects;
    w->inner_commit = commit;
    w->services = services;
    w->plugin = plugin;
    if (commit) {
        ff_watch_init_commit(w);
    }
}
