/* SPDX-License-Identifier: Apache-2.0 */
/* reading.c: a task's bytes: get, digest, persistent ids, document; and how a persistent
 * object of it is opened at first use. */
#include "core/storage.h"

#include "core/array.h"
#include "core/base/alloc.h"
#include "core/base/digest.h"
#include "core/doc.h"

#define YOUNG_NS     (10 * 1000000000ll)
#define TORN_WAIT_NS (2 * 1000000000ll)
#define TORN_NAP_MS  50

#define PATH_STEPS_MAX 4096 /* values looked at to tell where one stands */

static int damaged(int code, struct ff_error *e)
{
    ff_error_fix(e, "save the task again or remove it; ff verify finds what else is bad");
    return code;
}

static int no_task(size_t size_bytes, struct ff_error *e)
{
    return damaged(
        size_bytes == 0
            ? ff_fail(
                  e, FF_E_CORRUPT, NULL,
                  "the task is empty: a Python save was interrupted, or is in progress")
            : ff_fail(e, FF_E_CORRUPT, NULL, "%zu bytes are no pickle and its digest",
                      size_bytes),
        e);
}

static int compare_digest(const uint8_t *stored, const uint8_t *digest,
                          struct ff_error *e)
{
    if (memcmp(digest, stored, FF_DIGEST_BYTES) != 0) {
        return damaged(
            ff_fail(e, FF_E_CORRUPT, NULL,
                    "the digest does not match: the task is damaged or cut short, or is "
                    "no task"),
            e);
    }
    return FF_OK;
}

int ff_no_digest(struct ff_error *e)
{
    char why[FF_DIGEST_WHY_BYTES];
    ff_digest_why(why);
    return ff_fail(e, FF_E_OTHER, NULL, "SHA-1 is not to be had: %s", why);
}

int ff_digest_check(const void *data, size_t size_bytes, struct ff_error *e)
{
    uint8_t digest[FF_DIGEST_BYTES];
    const uint8_t *bytes = data;
    if (size_bytes <= FF_DIGEST_BYTES) {
        return no_task(size_bytes, e);
    }
    if (ff_digest_of(FF_DIGEST_SHA1, bytes, size_bytes - FF_DIGEST_BYTES, digest)) {
        return ff_no_digest(e);
    }
    return compare_digest(bytes + size_bytes - FF_DIGEST_BYTES, digest, e);
}

static int check_taken(const struct ff_task_bytes *b, struct ff_error *e)
{
    return b->size_bytes <= FF_DIGEST_BYTES
               ? no_task(b->size_bytes, e)
               : compare_digest(b->data + b->pickle_bytes, b->digest, e);
}

static int check_end(size_t used, size_t pickle_bytes, struct ff_error *e)
{
    return used == pickle_bytes ? FF_OK
                                : damaged(ff_fail(e, FF_E_CORRUPT, NULL,
                                                  "%zu bytes stand behind the pickle",
                                                  pickle_bytes - used),
                                          e);
}

/* ---- the bytes ---- */

/* Whether less than this has gone by; not, when a clock failed (INT64_MIN). */
static int is_within(int64_t now_ns, int64_t then_ns, int64_t span_ns)
{
    int64_t gone_ns;
    return now_ns != INT64_MIN && !__builtin_sub_overflow(now_ns, then_ns, &gone_ns) &&
           gone_ns < span_ns;
}

/* Python truncates and then writes in place: what looks torn and is young may be whole in
 * a moment. */
static int worth_waiting(struct ff_storage *s, const struct ff_task_bytes *b,
                         int64_t since_ns, const struct ff_call *call)
{
    const struct ff_sys *sys = ff_host_sys(s->host);
    int young = is_within(ff_sys_now_ns(sys, CLOCK_REALTIME), b->mtime_ns, YOUNG_NS);
    int early = is_within(ff_sys_now_ns(sys, CLOCK_MONOTONIC), since_ns, TORN_WAIT_NS);
    if (!young || !early || ff_cancelled(call)) {
        return 0;
    }
    (void)sys->poll(sys, NULL, 0, TORN_NAP_MS);
    return 1;
}

int ff_task_load(struct ff_storage *s, const char *workflow, const char *task,
                 uint64_t max_bytes, unsigned flags, struct ff_task_bytes *out,
                 const struct ff_call *call, struct ff_error *e)
{
    int64_t since = ff_sys_now_ns(ff_host_sys(s->host), CLOCK_MONOTONIC);
    char name[2 * FF_PLACE_BYTES];
    (void)snprintf(name, sizeof name, "%s/%s", workflow, task);
    for (;;) {
        struct ff_error torn = FF_ERROR_INIT;
        int rc = ff_task_get(s, name, max_bytes, out, call, e);
        if (rc) {
            return rc;
        }
        rc = check_taken(out, &torn);
        if (!rc) {
            return FF_OK;
        }
        ff_free(out->data);
        out->data = NULL;
        if (!(flags & FF_LOAD_WAIT) || !worth_waiting(s, out, since, call)) {
            ff_error_copy(e, &torn);
            return rc;
        }
    }
}

/* ---- marks ---- */

static int add_mark(struct ff_vec *marks, const char *serializer, const char *version,
                    const char *uuid)
{
    size_t a = strlen(serializer) + 1, b = strlen(version) + 1, c = strlen(uuid) + 1;
    struct ff_mark mark;
    char *block = ff_malloc(a + b + c);
    if (!block) {
        return FF_E_NO_MEMORY;
    }
    mark.serializer = memcpy(block, serializer, a);
    mark.version = memcpy(block + a, version, b);
    mark.uuid = memcpy(block + a + b, uuid, c);
    if (ff_vec_append(marks, &mark)) {
        ff_free(block);
        return FF_E_NO_MEMORY;
    }
    return FF_OK;
}

/* An id of another form than ours may still name big data: each text in it is a mark. */
static int mark_each(void *ctx, const struct ff_scanned_pid *pid)
{
    int rc = FF_OK;
    if (pid->serializer[0]) {
        rc = add_mark(ctx, pid->serializer, pid->version, pid->name);
    }
    for (size_t i = 0; !rc && i < pid->string_count; i++) {
        if (!pid->serializer[0] || strcmp(pid->strings[i], pid->name) != 0) {
            rc = ff_is_uuid4(pid->strings[i], strlen(pid->strings[i]))
                     ? add_mark(ctx, "", "", pid->strings[i])
                     : FF_OK;
        }
    }
    return rc;
}

int ff_marks_read(const void *data, size_t size_bytes, struct ff_vec *marks,
                  struct ff_error *e)
{
    const struct ff_scan scan = {
        .struct_size = sizeof scan, .ctx = marks, .persistent = mark_each};
    size_t used = 0;
    int rc = ff_digest_check(data, size_bytes, e);
    rc = rc ? rc
            : ff_pickle_scan(data, size_bytes - FF_DIGEST_BYTES, NULL, &scan, &used, e);
    rc = rc ? rc : check_end(used, size_bytes - FF_DIGEST_BYTES, e);
    return rc ? ff_fail(e, rc, NULL, "its persistent ids cannot be read") : FF_OK;
}

int ff_marks_have(const struct ff_vec *marks, const char *uuid)
{
    for (size_t i = 0; i < marks->count; i++) {
        if (strcmp(((struct ff_mark *)ff_vec_at(marks, i))->uuid, uuid) == 0) {
            return 1;
        }
    }
    return 0;
}

void ff_marks_clear(struct ff_vec *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        ff_free(((struct ff_mark *)ff_vec_at(marks, i))->serializer);
    }
    ff_vec_free(marks);
}

/* ---- persistent objects, opened at first use ---- */

static void release_bigdata(void *ctx)
{
    ff_bigdata_unref(ctx);
}

static void release_origin(void *ctx)
{
    struct ff_lazy_origin *origin = ctx;
    ff_bigdata_unref(origin->bigdata);
    ff_free(origin);
}

static struct ff_lazy_origin *origin_new(struct ff_bigdata *b, const char *serializer,
                                         const struct ff_pid *pid)
{
    struct ff_lazy_origin *o = ff_calloc(1, sizeof *o);
    if (o) {
        o->bigdata = ff_bigdata_ref(b);
        (void)snprintf(o->serializer, sizeof o->serializer, "%s", serializer);
        (void)snprintf(o->version, sizeof o->version, "%s", pid->version);
        (void)snprintf(o->uuid, sizeof o->uuid, "%s", pid->name);
        o->plain = !pid->extra.doc || ff_length(pid->extra) == 0;
    }
    return o;
}

/* Arrays may outlive their document: each keeps what it reads through. The array that is
 * the whole object also remembers what it is, so that saving it back costs no copy. */
static int keep_arrays(struct ff_doc *doc, struct ff_value object, struct ff_bigdata *b,
                       const char *serializer, const struct ff_pid *pid,
                       struct ff_error *e)
{
    const struct ff_array *whole =
        ff_kind(object) == FF_ARRAY ? ff_array(object, e) : NULL;
    for (size_t i = 0; i < doc->arrays.count; i++) {
        struct ff_array *a = *(struct ff_array **)ff_vec_at(&doc->arrays, i);
        struct ff_lazy_origin *origin = origin_new(b, serializer, pid);
        if (!origin) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
        if (ff_array_keep(a, origin, release_origin, b->place) && a == whole &&
            origin->plain) {
            ff_array_set_origin(a, origin, origin->uuid);
        }
    }
    return FF_OK;
}

static int open_object(struct ff_bigdata *b, const struct ff_pid *pid,
                       const char *serializer, struct ff_doc *doc,
                       struct ff_value *object, const struct ff_call *call,
                       struct ff_error *e)
{
    const struct ff_loaded_serializer *s;
    int rc = ff_registry_serializer(b->storage->host, serializer, &s, e);
    if (rc) {
        return rc;
    }
    if (!ff_reads_version(s, pid->version)) {
        (void)ff_fail(e, FF_E_PLUGIN, serializer, "it does not read version %.40s",
                      pid->version);
        ff_error_fix(e, "install a newer %.100s", serializer);
        return FF_E_PLUGIN;
    }
    rc = ff_call_unpickle(s, pid, &b->pub, doc, object, call, e);
    if (rc == FF_E_NOT_FOUND && e) {
        e->code = rc = FF_E_STALE;
        ff_error_fix(
            e, "read the task again; if this stays, its big data is lost: ff verify");
    }
    return rc;
}

static int resolve_it(struct ff_bigdata *b, struct ff_value persistent,
                      struct ff_doc **doc, struct ff_value *object,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_pid pid = {.struct_size = FF_SIZE(ff_pid, extra)};
    const char *serializer;
    int rc = ff_storage_check(b->storage, e);
    rc = rc ? rc
            : ff_persistent(persistent, &serializer, &pid.version, &pid.name, &pid.extra,
                            e);
    if (rc) {
        return rc;
    }
    if (!ff_is_uuid4(pid.name, strlen(pid.name))) {
        return ff_fail(e, FF_E_UNSAFE, NULL,
                       "its big data is named \"%.80s\", which is not a uuid", pid.name);
    }
    *doc = ff_doc_new(e);
    if (!*doc) {
        return FF_E_NO_MEMORY;
    }
    rc = open_object(b, &pid, serializer, *doc, object, ff_storage_call(b->storage, call),
                     e);
    rc = rc ? rc : keep_arrays(*doc, *object, b, serializer, &pid, e);
    if (rc) {
        ff_doc_free(*doc);
        *doc = NULL;
    }
    return rc;
}

/* "#path" of an object; "" where it is far down a large value, or the value itself. */
static void path_of(struct ff_value wanted, char path[FF_PLACE_BYTES])
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_walk walk;
    struct ff_value v;
    path[0] = '\0';
    ff_walk_begin(&walk, ff_doc_root(wanted.doc));
    for (int i = 0; i < PATH_STEPS_MAX && ff_walk_next(&walk, &v, &own) == 1; i++) {
        if (ff_same(v, wanted)) {
            ff_walk_path(&walk, path + 1, FF_PLACE_BYTES - 1);
            path[0] = path[1] ? '#' : '\0';
            break;
        }
    }
    ff_walk_end(&walk);
}

static int resolve(void *ctx, struct ff_value persistent, struct ff_doc **doc,
                   struct ff_value *object, const struct ff_call *call,
                   struct ff_error *e)
{
    struct ff_bigdata *b = ctx;
    int rc = resolve_it(b, persistent, doc, object, call, e);
    if (rc && e) {
        char path[FF_PLACE_BYTES];
        path_of(persistent, path);
        (void)(rc == FF_E_CORRUPT || rc == FF_E_UNSAFE ? damaged(rc, e) : rc);
        ff_error_at(e, e->place[0] ? ": " : "");
        ff_error_at(e, path);
        ff_error_at(e, b->place);
    }
    return rc;
}

struct ff_doc *ff_task_build(struct ff_storage *s, const char *workflow, const char *task,
                             struct ff_task_bytes *taken, const struct ff_call *call,
                             struct ff_error *e)
{
    struct ff_resolver resolver = {resolve, release_bigdata, NULL};
    struct ff_bigdata *b = ff_bigdata_open(s, workflow, call, e);
    struct ff_doc *doc = NULL;
    size_t used = 0;
    int rc;
    if (!b) {
        ff_free(taken->data);
        return NULL;
    }
    resolver.ctx = b;
    (void)snprintf(b->place, sizeof b->place, "%.200s/%.200s", workflow, task);
    rc = ff_pickle_read(taken->data, taken->pickle_bytes, taken->data, ff_free, NULL,
                        &resolver, &doc, &used, e);
    if (rc) {
        (void)(rc == FF_E_CORRUPT ? damaged(rc, e) : rc);
        return NULL;
    }
    if (check_end(used, taken->pickle_bytes, e)) {
        ff_doc_free(doc);
        return NULL;
    }
    return doc;
}

struct ff_bigdata *ff_value_bigdata(struct ff_value persistent)
{
    const struct ff_doc *doc = persistent.doc;
    const struct ff_persistent_node *node;
    const struct ff_resolver *r;
    if (ff_kind(persistent) != FF_PERSISTENT) {
        return NULL;
    }
    node = ff_cell_node(persistent.cell);
    r = ff_doc_resolver(node->source.doc ? node->source.doc : doc);
    return r && r->resolve == resolve ? r->ctx : NULL;
}

int ff_doc_pin(struct ff_doc *doc, const struct ff_call *call, struct ff_error *e)
{
    struct ff_walk walk;
    struct ff_value v;
    int rc = FF_OK;
    ff_walk_begin(&walk, ff_doc_root(doc));
    while (!rc && (rc = ff_walk_next(&walk, &v, e)) == 1) {
        rc = FF_OK;
        if (ff_kind(v) == FF_PERSISTENT && !ff_resolve(v, call, e).doc) {
            rc = e ? e->code : FF_E_OTHER;
        }
    }
    ff_walk_end(&walk);
    return rc;
}
