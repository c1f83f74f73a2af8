/* SPDX-License-Identifier: Apache-2.0 */
/* open.c: a storage comes and goes: from its JSON to a protocol that is bound to the
 * root. */
#include "core/storage.h"

#include "core/base/alloc.h"
#include "core/base/name.h"
#include "core/call_own.h"
#include "core/commit.h"
#include "core/out.h"
#include "core/schema.h"

#define HEARTBEAT_NS (60 * 1000000000ll)

int ff_storage_check(const struct ff_storage *s, struct ff_error *e)
{
    if (!s) {
        return ff_fail(e, FF_E_USAGE, NULL, "no storage");
    }
    return ff_host_check(s->host, e);
}

int ff_storage_same(const struct ff_storage *a, const struct ff_storage *b)
{
    const struct ff_protocol *p = a->protocol->desc, *q = b->protocol->desc;
    if (a == b) {
        return 1;
    }
    return p == q && FF_HAS(p, ff_protocol, identity) &&
           strcmp(p->identity(a->inst), q->identity(b->inst)) == 0;
}

enum { SHOWN_BYTES = 224 };

/* For a place: what is no text, or commands a terminal, as \xNN; cut when too long. */
static void show_name(char out[SHOWN_BYTES], const char *name)
{
    size_t length = name ? strlen(name) : 0, at = 0, step;
    for (size_t i = 0; i < length && at + 4 * 4 < SHOWN_BYTES; i += step) {
        unsigned point;
        step = ff_utf8_next(name + i, length - i, &point);
        for (size_t k = 0; k < step; k++) {
            int odd = ff_char_is_unsafe(point) || (point >= 0xd800 && point < 0xe000);
            at += (size_t)snprintf(out + at, SHOWN_BYTES - at, odd ? "\\x%02x" : "%c",
                                   (unsigned char)name[i + k]);
        }
    }
    out[at] = '\0';
}

/* `workflow`: of a task, NULL for a workflow's own name. */
static int check_name(const char *workflow, const char *name, struct ff_error *e)
{
    const char *why = ff_name_check(name, workflow ? FF_NAME_TASK : FF_NAME_WORKFLOW);
    char shown[SHOWN_BYTES];
    if (!why) {
        return FF_OK;
    }
    show_name(shown, name);
    (void)ff_fail(e, FF_E_USAGE, shown, "not a %s name: it %s",
                  workflow ? "task" : "workflow", why);
    ff_error_at(e, workflow ? "/" : "");
    ff_error_at(e, workflow);
    ff_error_fix(e,
                 "a name has 1 to %d bytes of UTF-8, no '/', no control character and no "
                 "leading dot, and is not \"bigdata\"",
                 FF_NAME_MAX_BYTES);
    return FF_E_USAGE;
}

int ff_check_workflow(const char *workflow, struct ff_error *e)
{
    return check_name(NULL, workflow, e);
}

int ff_check_names(const char *workflow, const char *task, struct ff_error *e)
{
    int rc = ff_check_workflow(workflow, e);
    return rc ? rc : check_name(workflow, task, e);
}

const struct ff_call *ff_storage_call(const struct ff_storage *s,
                                      const struct ff_call *call)
{
    return call ? call : ff_host_call(s->host);
}

/* A clock that fails gives INT64_MIN. */
static int is_due(int64_t now_ns, int64_t last_ns)
{
    int64_t gone_ns;
    return now_ns != INT64_MIN &&
           (__builtin_sub_overflow(now_ns, last_ns, &gone_ns) || gone_ns > HEARTBEAT_NS);
}

void ff_intent_touch(const struct ff_storage *s, struct ff_intent *intent,
                     atomic_llong *refreshed_ns)
{
    int64_t now = ff_sys_now_ns(ff_host_sys(s->host), CLOCK_MONOTONIC);
    long long last = atomic_load(refreshed_ns);
    if (intent && is_due(now, last) &&
        atomic_compare_exchange_strong(refreshed_ns, &last, now)) {
        struct ff_error own = FF_ERROR_INIT;
        (void)s->commit->refresh(s->commit, intent, &own);
    }
}

/* ---- the JSON ---- */

#define STORAGE_IS                                                                       \
    "a storage is {\"kind\": \"file\", \"options\": {\"path\": \"folder\"}}"

static int text_of(struct ff_value v, char *out, size_t size, struct ff_error *e)
{
    const char *text;
    size_t n;
    int rc = ff_str(v, &text, &n, e);
    if (!rc && n >= size) {
        rc = ff_fail(e, FF_E_USAGE, NULL, "a text of %zu bytes is too long", n);
    }
    if (!rc) {
        memcpy(out, text, n);
        out[n] = '\0';
    }
    return rc;
}

static int check_keys(struct ff_value json, struct ff_error *e)
{
    static const char *const keys[] = {"kind", "options", NULL};
    for (size_t i = 0; i < ff_length(json); i++) {
        struct ff_value key;
        char name[64] = "";
        const char *near;
        if (ff_item(json, i, &key, NULL, e) || text_of(key, name, sizeof name, e)) {
            return FF_E_USAGE;
        }
        if (strcmp(name, keys[0]) != 0 && strcmp(name, keys[1]) != 0) {
            near = ff_nearest(name, keys);
            return ff_fail(e, FF_E_USAGE, "storage", "unknown key \"%s\"%s%s%s", name,
                           near ? "; did you mean \"" : "", near ? near : "",
                           near ? "\"?" : "");
        }
    }
    return FF_OK;
}

static int read_kind(struct ff_value json, char *kind, size_t size, struct ff_error *e)
{
    if (ff_kind(json) != FF_DICT) {
        (void)ff_fail(e, FF_E_USAGE, "storage", "not a JSON object");
    } else if (!ff_get(json, "kind").doc || ff_kind(ff_get(json, "kind")) != FF_STR) {
        (void)ff_fail(e, FF_E_USAGE, "storage",
                      "the key \"kind\" is missing, or not a text");
    } else if (ff_get(json, "options").doc &&
               ff_kind(ff_get(json, "options")) != FF_DICT) {
        (void)ff_fail(e, FF_E_USAGE, "storage", "\"options\" is not a JSON object");
    } else if (!check_keys(json, e)) {
        return text_of(ff_get(json, "kind"), kind, size, e);
    }
    ff_error_fix(e, STORAGE_IS);
    return FF_E_USAGE;
}

/* ---- opening ---- */

static int bind_root(struct ff_storage *s, struct ff_error *e)
{
    const struct ff_protocol *p = s->protocol->desc;
    const struct ff_objects *objects;
    const struct ff_commit *commit;
    int rc = ff_protocol_bind(s->host, s->protocol, s->inst, "", &s->root,
                              ff_host_call(s->host), e);
    if (rc) {
        return rc;
    }
    objects = p->query(s->root, FF_OBJECTS_1);
    s->locate = p->query(s->root, FF_LOCATE_1);
    commit = p->query(s->root, FF_COMMIT_1);
    if (!FF_HAS(objects, ff_objects, run) || !FF_HAS(objects, ff_objects, list) ||
        !FF_HAS(objects, ff_objects, sync)) {
        return ff_fail(e, FF_E_PLUGIN, p->kind, "the protocol has no " FF_OBJECTS_1);
    }
    ff_watch_init(&s->watch, ff_host_services(s->host), p->kind, objects, commit);
    s->objects = &s->watch.objects;
    s->commit = &s->watch.commit;
    if (!commit) {
        rc = ff_commit_derive(s->objects, ff_host_services(s->host), ff_host_sys(s->host),
                              &s->derived, e);
        s->commit = s->derived;
    }
    return rc;
}

static int open_storage(struct ff_storage *s, struct ff_value json, struct ff_error *e)
{
    char kind[64];
    int rc = read_kind(json, kind, sizeof kind, e);
    rc = rc ? rc : ff_registry_protocol(s->host, kind, &s->protocol, e);
    rc = rc ? rc
            : ff_schema_check(ff_schema_of_protocol(s->protocol->desc),
                              ff_get(json, "options"), e);
    rc = rc ? rc
            : ff_protocol_create(s->host, s->protocol, ff_get(json, "options"), &s->inst,
                                 &s->given, e);
    return rc ? rc : bind_root(s, e);
}

struct ff_storage *ff_storage_factory(struct ff_host *host, const char *json,
                                      struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_storage *s;
    struct ff_doc *doc;
    struct ff_value root;
    e = e ? e : &local;
    if (e->code || ff_host_check(host, e)) {
        return NULL;
    }
    if (!json) {
        (void)ff_fail(e, FF_E_USAGE, "storage", "no JSON");
        return NULL;
    }
    s = ff_calloc(1, sizeof *s);
    if (!s) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    atomic_init(&s->refs, 1);
    atomic_init(&s->always_read, 0);
    s->host = ff_host_ref(host);
    doc = ff_doc_new(e);
    root = ff_from_json(doc, json, strlen(json), NULL, e);
    if (e->code == FF_E_USAGE) {
        ff_error_fix(e, STORAGE_IS);
    }
    if (e->code || open_storage(s, root, e)) {
        ff_storage_unref(s);
        s = NULL;
    }
    ff_doc_free(doc);
    return s;
}

struct ff_storage *ff_storage_open(struct ff_host *host, const char *which,
                                   struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_storage *s;
    char *json;
    e = e ? e : &local;
    if (e->code || ff_host_check(host, e)) {
        return NULL;
    }
    json = ff_host_storage_json(host, which, e);
    s = json ? ff_storage_factory(host, json, e) : NULL;
    ff_free(json);
    return s;
}

static void forget_serializers(struct ff_storage *s)
{
    for (size_t i = 0; i < s->serializer_count; i++) {
        ff_free(s->serializers[i]);
    }
    ff_free(s->serializers);
    s->serializers = NULL;
    s->serializer_count = 0;
}

void ff_storage_unref(struct ff_storage *s)
{
    /* Forked, as in ff_host_unref: there is nothing to free. */
    if (!s || ff_host_check(s->host, NULL) || atomic_fetch_sub(&s->refs, 1) != 1) {
        return;
    }
    ff_commit_derived_free(s->derived);
    if (s->root) {
        s->protocol->desc->unbind(s->root);
    }
    if (s->inst) {
        s->protocol->desc->destroy(s->inst);
    }
    ff_lease_end(s->given);
    forget_serializers(s);
    ff_host_unref(s->host);
    ff_free(s);
}

void ff_storage_close(struct ff_storage *s)
{
    ff_storage_unref(s);
}

/* ---- its serializers ---- */

static int copy_names(struct ff_storage *s, const char *const *names, size_t count,
                      struct ff_error *e)
{
    s->serializers = ff_calloc(count ? count : 1, sizeof *s->serializers);
    if (!s->serializers) {
        return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
    }
    for (; s->serializer_count < count; s->serializer_count++) {
        char *copy = ff_strdup(names[s->serializer_count]);
        if (!copy) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
        s->serializers[s->serializer_count] = copy;
    }
    return FF_OK;
}

int ff_register_persistent_serializers(struct ff_storage *s, const char *const *names,
                                       size_t count, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    int rc;
    e = e ? e : &local;
    if (e->code || ff_storage_check(s, e)) {
        return e->code;
    }
    if (count && !names) {
        return ff_fail(e, FF_E_USAGE, NULL, "no names");
    }
    for (size_t i = 0; i < count; i++) {
        const struct ff_loaded_serializer *found;
        if ((rc = ff_registry_serializer(s->host, names[i], &found, e))) {
            return rc;
        }
    }
    forget_serializers(s);
    rc = copy_names(s, names, count, e);
    if (rc) {
        forget_serializers(s);
    }
    return rc;
}

int ff_always_read(const struct ff_storage *s)
{
    return s ? atomic_load(&s->always_read) : 0;
}

void ff_set_always_read(struct ff_storage *s, int on)
{
    if (s) {
        atomic_store(&s->always_read, on != 0);
    }
}
