/* SPDX-License-Identifier: Apache-2.0 */
/* services.c: what plugins find with query(): each table is static, its functions find the host
 * behind the first argument. */
#include "core/host_own.h"

#include "core/array.h"
#include "core/call_own.h"
#include "core/process.h"
#include "core/schema.h"

static struct ff_value from_json(struct ff_doc *doc, const char *text, size_t size_bytes,
                                 struct ff_error *e)
{
    return ff_from_json(doc, text, size_bytes, NULL, e);
}

static const struct ff_values values = {
    .struct_size = FF_SIZE(ff_values, doc_free),
    .kind = ff_kind,
    .view = ff_view,
    .class_name = ff_class_name,
    .boolean = ff_boolean,
    .int64 = ff_int64,
    .real = ff_real,
    .str = ff_str,
    .bytes = ff_bytes,
    .length = ff_length,
    .item = ff_item,
    .get = ff_get,
    .part = ff_part,
    .array = ff_array,
    .native = ff_native,
    .new_none = ff_new_none,
    .new_bool = ff_new_bool,
    .new_int = ff_new_int,
    .new_float = ff_new_float,
    .new_str = ff_new_str,
    .new_bytes = ff_new_bytes,
    .new_list = ff_new_list,
    .new_tuple = ff_new_tuple,
    .new_dict = ff_new_dict,
    .append = ff_append,
    .set = ff_set,
    .new_array_take = ff_new_array_take,
    .new_native_take = ff_new_native_take,
    .from_json = from_json,
    .to_json = ff_to_json,
    .set_item = ff_set_item,
    .doc_new = ff_doc_new,
    .doc_free = ff_doc_free,
};

static void misbehaves(const struct ff_host_services *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void misbehaves(const struct ff_host_services *s, const char *fmt, ...)
{
    const struct ff_lease *lease = s->ctx;
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    ff_misbehaves(&lease->host->services, lease->plugin, "%s", what);
}

static int for_each(const struct ff_host_services *s, uint64_t count,
                    int (*work)(void *ctx, uint64_t i, struct ff_error *), void *ctx,
                    const struct ff_call *call, struct ff_error *e)
{
    const struct ff_host *host = ff_host_asked(s, "ff.pool/1, for_each()");
    int code = ff_host_check(host, e);

    return code ? code
                : ff_pool_for_each(host->pool, count, work, ctx,
                                   call ? call : ff_host_call(host), e);
}

static void *borrow(const struct ff_host_services *s, size_t size_bytes,
                    const struct ff_call *call, struct ff_error *e)
{
    const struct ff_host *host = ff_host_asked(s, "ff.pool/1, borrow()");

    if (size_bytes > PTRDIFF_MAX) {
        misbehaves(s,
                   "borrow() was asked for %zu bytes (ff.pool/1: size_bytes is a size)",
                   size_bytes);
    }
    return ff_host_check(host, e) ? NULL
                                  : ff_pool_borrow(host->pool, size_bytes,
                                                   call ? call : ff_host_call(host), e);
}

static void give_back(const struct ff_host_services *s, void *memory)
{
    if (!ff_pool_give_back(ff_host_asked(s, "ff.pool/1, give_back()")->pool, memory)) {
        misbehaves(s, "give_back() of memory that borrow() did not give, or that is back "
                      "already (ff.pool/1: what was borrowed is given back, once)");
    }
}

static const struct ff_pool pool = {.struct_size = FF_SIZE(ff_pool, give_back),
                                    .for_each = for_each,
                                    .borrow = borrow,
                                    .give_back = give_back};

static int enter(const struct ff_host_services *s, const char *group, struct ff_error *e)
{
    (void)ff_host_asked(s, "ff.lockgroup/1, enter()");
    return ff_process_enter(group, NULL, e);
}

static void leave(const struct ff_host_services *s, const char *group)
{
    if (!ff_process_leave(group)) {
        misbehaves(s,
                   "leave() of the lock group \"%.80s\", which this thread is not in "
                   "(ff.lockgroup/1: enter() comes before it)",
                   group);
    }
}

static const struct ff_lock_group lock_group = {
    .struct_size = FF_SIZE(ff_lock_group, leave), .enter = enter, .leave = leave};

static int run_once(const struct ff_host_services *s, const char *key,
                    int (*fn)(void *ctx), void *ctx)
{
    (void)ff_host_asked(s, "ff.once/1, run()");
    return ff_process_once(key, fn, ctx);
}

static const struct ff_once once = {.struct_size = FF_SIZE(ff_once, run),
                                    .run = run_once};

/* storage: {"kind": ..., "options": {...}}. */
static int open_protocol(const struct ff_host_services *s, struct ff_value storage,
                         const struct ff_protocol **desc, void **inst, struct ff_error *e)
{
    struct ff_host *host = ff_host_asked(s, "ff.open/1, open()");
    const struct ff_loaded_protocol *protocol;
    const char *text;
    size_t bytes;
    char kind[128];
    int code = ff_str(ff_get(storage, "kind"), &text, &bytes, e);

    if (code || bytes >= sizeof kind) {
        return code ? code
                    : ff_fail(e, FF_E_USAGE, NULL, "the kind of a storage is too long");
    }
    memcpy(kind, text, bytes);
    kind[bytes] = '\0';
    code = ff_registry_protocol(host, kind, &protocol, e);
    code = code ? code
                : ff_schema_check(ff_schema_of_protocol(protocol->desc),
                                  ff_get(storage, "options"), e);
    if (!code) {
        code =
            ff_protocol_create(host, protocol, ff_get(storage, "options"), inst, NULL, e);
        *desc = protocol->desc;
    }
    return code;
}

static void close_protocol(const struct ff_host_services *s,
                           const struct ff_protocol *desc, void *inst)
{
    struct ff_host *host = ff_host_asked(s, "ff.open/1, close()");

    desc->destroy(inst);
    ff_lease_end_of(host, desc, inst);
}

static const struct ff_opener opener = {.struct_size = FF_SIZE(ff_opener, close),
                                        .open = open_protocol,
                                        .close = close_protocol};

static const void *query(const struct ff_host_services *s, const char *id)
{
    const struct {
        const char *id;
        const void *table;
    } services[] = {
        {FF_VALUES_1, &values},
        {FF_POOL_1, &pool},
        {FF_LOCK_GROUP_1, &lock_group},
        {FF_ONCE_1, &once},
        {FF_NPY_1, &ff_npy_service},
        {FF_OPEN_1, &opener},
        {FF_SYS_1, ff_host_asked(s, "query()")->sys},
    };

    for (size_t i = 0; id && i < sizeof services / sizeof *services; i++) {
        if (strcmp(services[i].id, id) == 0) {
            return services[i].table;
        }
    }
    return NULL;
}

static void log_text(const struct ff_host_services *s, int level, const char *text)
{
    const struct ff_host *host = ff_host_asked(s, "log()");

    /* what is said of plugins is for the host to say */
    ff_host_log(host,
                level == FF_LOG_MISBEHAVES && s != &host->services ? FF_LOG_ERROR : level,
                "%s", text);
}

void ff_services_init(struct ff_host *host, uint32_t threads, uint32_t flags)
{
    host->own.host = host;
    host->own.plugin = "the program";
    host->services =
        (struct ff_host_services){.struct_size = FF_SIZE(ff_host_services, query),
                                  .flags = flags,
                                  .abi = FF_ABI,
                                  .threads = threads,
                                  .version = ff_version(),
                                  .ctx = &host->own,
                                  .log = log_text,
                                  .query = query};
}
