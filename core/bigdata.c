/* SPDX-License-Identifier: Apache-2.0 */
/* bigdata.c: the protocols dictionary that serializers get, and who owns what below
 * <workflow>/bigdata: the first part of a name that is a uuid4 owns everything under it.
 * So removing, copying and collecting need no plugin. */
#include "core/storage.h"

#include "core/base/alloc.h"
#include "core/call_own.h"
#include "core/base/uuid.h"

const char *ff_storage_key(const struct ff_storage *s)
{
    const struct ff_protocol *p = s->protocol->desc;
    return p->key ? p->key : FF_HAS(p, ff_protocol, key_of) ? p->key_of(s->inst) : "";
}

static const void *find(const struct ff_protocols *ps, const char *key,
                        const char *interface_id)
{
    const struct ff_bigdata *b = ps->ctx;
    if (key && strcmp(key, ff_storage_key(b->storage)) != 0) {
        return NULL;
    }
    return b->storage->protocol->desc->query(b->bound, interface_id);
}

struct ff_bigdata *ff_bigdata_open(struct ff_storage *storage, const char *workflow,
                                   const struct ff_call *call, struct ff_error *e)
{
    const struct ff_protocol *p = storage->protocol->desc;
    struct ff_bigdata *b = ff_calloc(1, sizeof *b);
    const struct ff_objects *objects;
    char folder[FF_PLACE_BYTES];
    if (!b) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    (void)snprintf(folder, sizeof folder, "%s/" FF_BIGDATA, workflow);
    (void)snprintf(b->workflow, sizeof b->workflow, "%s", workflow);
    if (ff_protocol_bind(storage->host, storage->protocol, storage->inst, folder,
                         &b->bound, call, e)) {
        ff_free(b);
        return NULL;
    }
    b->pub.struct_size = FF_SIZE(ff_protocols, find);
    b->pub.ctx = b;
    b->pub.find = find;
    objects = p->query(b->bound, FF_OBJECTS_1);
    if (!FF_HAS(objects, ff_objects, run) || !FF_HAS(objects, ff_objects, list) ||
        !FF_HAS(objects, ff_objects, sync)) {
        p->unbind(b->bound);
        ff_free(b);
        (void)ff_fail(e, FF_E_PLUGIN, p->kind, "the protocol has no " FF_OBJECTS_1);
        return NULL;
    }
    ff_watch_init(&b->watch, ff_host_services(storage->host), p->kind, objects, NULL);
    b->objects = &b->watch.objects;
    b->storage = storage;
    atomic_fetch_add(&storage->refs, 1);
    atomic_init(&b->refs, 1);
    return b;
}

struct ff_bigdata *ff_bigdata_ref(struct ff_bigdata *b)
{
    atomic_fetch_add(&b->refs, 1);
    return b;
}

void ff_bigdata_unref(struct ff_bigdata *b)
{
    if (b && !ff_storage_check(b->storage, NULL) && atomic_fetch_sub(&b->refs, 1) == 1) {
        b->storage->protocol->desc->unbind(b->bound);
        ff_storage_unref(b->storage);
        ff_free(b);
    }
}

/* ---- ownership ---- */

const char *ff_owner_of(const char *name, size_t *length)
{
    while (*name) {
        *length = strcspn(name, "/");
        if (ff_is_uuid4(name, *length)) {
            return name;
        }
        name += *length;
        name += *name == '/';
    }
    return NULL;
}

void ff_names_clear(struct ff_vec *names)
{
    for (size_t i = 0; i < names->count; i++) {
        ff_free(*(char **)ff_vec_at(names, i));
    }
    ff_vec_free(names);
}

struct collecting {
    struct ff_vec *names;
    const char *uuid; /* NULL: folders that belong to nobody */
    int no_memory;
};

static int collect(void *ctx, const struct ff_io *io)
{
    struct collecting *c = ctx;
    size_t n = 0;
    const char *owner = ff_owner_of(io->name, &n);
    char *copy;
    int wanted = c->uuid ? owner && strlen(c->uuid) == n && memcmp(owner, c->uuid, n) == 0
                         : io->is_folder && !owner;
    if (!wanted) {
        return 0;
    }
    copy = ff_strdup(io->name);
    if (!copy || ff_vec_append(c->names, &copy)) {
        ff_free(copy);
        c->no_memory = 1;
        return 1;
    }
    return 0;
}

static int list_into(struct ff_bigdata *b, const char *prefix, int one_level,
                     struct collecting *c, const struct ff_call *call, struct ff_error *e)
{
    int rc = b->objects->list(b->objects, prefix, one_level, collect, c, NULL, call, e);
    return c->no_memory ? ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory") : rc;
}

/* <uuid> and <uuid>/...: what every serializer but zarr's group has. */
static int names_at_top(struct ff_bigdata *b, const char *uuid, struct ff_vec *names,
                        const struct ff_call *call, struct ff_error *e)
{
    struct collecting c = {names, uuid, 0};
    struct ff_io io = {.name = uuid};
    struct ff_error own = FF_ERROR_INIT;
    char prefix[FF_UUID_LENGTH + 2];
    int rc = ff_head(b->objects, uuid, NULL, NULL, call, &own);
    if (rc == FF_OK) {
        (void)collect(&c, &io);
    } else if (rc != FF_E_NOT_FOUND) {
        ff_error_copy(e, &own);
        return rc;
    }
    (void)snprintf(prefix, sizeof prefix, "%.36s/", uuid);
    return list_into(b, prefix, 0, &c, call, e);
}

/* <group>/<uuid>/... directly; then, deeper, all of every folder that belongs to nobody. */
static int names_in_groups(struct ff_bigdata *b, const char *uuid, struct ff_vec *names,
                           const struct ff_call *call, struct ff_error *e)
{
    struct ff_vec groups;
    struct collecting of_nobody = {&groups, NULL, 0}, owned = {names, uuid, 0};
    int rc;
    ff_vec_init(&groups, sizeof(char *), FF_MAX_NAMES);
    rc = list_into(b, "", 1, &of_nobody, call, e);
    for (size_t i = 0; !rc && i < groups.count; i++) {
        char prefix[FF_PLACE_BYTES];
        (void)snprintf(prefix, sizeof prefix, "%s/%s/", *(char **)ff_vec_at(&groups, i),
                       uuid);
        rc = list_into(b, prefix, 0, &owned, call, e);
    }
    for (size_t i = 0; !rc && !names->count && i < groups.count; i++) {
        char prefix[FF_PLACE_BYTES];
        (void)snprintf(prefix, sizeof prefix, "%s/", *(char **)ff_vec_at(&groups, i));
        rc = list_into(b, prefix, 0, &owned, call, e);
    }
    ff_names_clear(&groups);
    return rc;
}

int ff_owned_names(struct ff_bigdata *b, const char *uuid, struct ff_vec *names,
                   const struct ff_call *call, struct ff_error *e)
{
    int rc;
    if (!ff_is_uuid4(uuid, strlen(uuid))) {
        return ff_fail(e, FF_E_UNSAFE, NULL,
                       "big data is named by a uuid, not by \"%.80s\"", uuid);
    }
    rc = names_at_top(b, uuid, names, call, e);
    if (!rc && !names->count) {
        rc = names_in_groups(b, uuid, names, call, e);
    }
    return rc;
}

/* ---- remove ---- */

static int remove_names(struct ff_bigdata *b, struct ff_vec *names,
                        const struct ff_call *call, struct ff_error *e)
{
    int rc = FF_OK;
    for (size_t i = 0; !rc && i < names->count; i++) {
        rc = ff_remove_object(b->objects, *(char **)ff_vec_at(names, i), call, e);
    }
    return rc;
}

/* A serializer may know more than ownership tells; that it fails, or is not there, does
 * not keep what it owns from going. */
static void ask_serializer(struct ff_bigdata *b, const char *serializer,
                           const char *version, const char *uuid,
                           const struct ff_call *call)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_pid pid = {
        .struct_size = FF_SIZE(ff_pid, extra), .version = version, .name = uuid};
    const struct ff_loaded_serializer *s;
    if (serializer[0] &&
        ff_registry_serializer(b->storage->host, serializer, &s, &own) == 0 &&
        ff_call_remove(s, &pid, &b->pub, call, &own) < 0) {
        ff_host_log(b->storage->host, FF_LOG_WARNING, "%s: remove %s: %s", serializer,
                    uuid, own.message);
    }
}

int ff_owned_remove(struct ff_bigdata *b, const char *serializer, const char *version,
                    const char *uuid, const struct ff_call *call, struct ff_error *e)
{
    struct ff_vec names;
    int rc;
    if (!ff_is_uuid4(uuid, strlen(uuid))) {
        return ff_fail(e, FF_E_UNSAFE, NULL,
                       "big data is named by a uuid, not by \"%.80s\"", uuid);
    }
    ask_serializer(b, serializer, version, uuid, call);
    ff_vec_init(&names, sizeof(char *), FF_MAX_NAMES);
    rc = ff_owned_names(b, uuid, &names, call, e);
    rc = rc ? rc : remove_names(b, &names, call, e);
    ff_names_clear(&names);
    return rc;
}

/* ---- copy ---- */

static int copy_one(struct ff_bigdata *from, const char *name, struct ff_bigdata *to,
                    const char *fresh, const struct ff_call *call, struct ff_error *e)
{
    char source[2 * FF_PLACE_BYTES], target[2 * FF_PLACE_BYTES];
    struct ff_one_io one;
    size_t n = 0;
    const char *owner = ff_owner_of(name, &n);
    (void)snprintf(source, sizeof source, "%s/" FF_BIGDATA "/%s", from->workflow, name);
    if (!owner || (size_t)snprintf(target, sizeof target, "%s/" FF_BIGDATA "/%.*s%s%s",
                                   to->workflow, (int)(owner - name), name, fresh,
                                   owner + n) >= sizeof target) {
        return ff_fail(e, FF_E_LIMIT, NULL, "a name below " FF_BIGDATA " is too long");
    }
    memset(&one, 0, sizeof one);
    one.io.from = source;
    one.io.if_match = "";
    return ff_one_run(to->storage->objects, &one, FF_COPY, target, call, e);
}

int ff_owned_copy(struct ff_bigdata *from, const char *uuid, struct ff_bigdata *to,
                  const char *fresh, const struct ff_call *call, struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_vec names;
    int rc;
    ff_vec_init(&names, sizeof(char *), FF_MAX_NAMES);
    rc = ff_owned_names(from, uuid, &names, call, &own);
    if (!rc && !names.count) {
        rc = FF_E_NOT_FOUND;
    }
    for (size_t i = 0; !rc && i < names.count; i++) {
        rc = copy_one(from, *(char **)ff_vec_at(&names, i), to, fresh, call, &own);
    }
    ff_names_clear(&names);
    if (rc == FF_E_NOT_FOUND) {
        return ff_fail(e, FF_E_STALE, NULL,
                       "its big data %s was replaced or removed meanwhile: read again",
                       uuid);
    }
    if (rc) {
        ff_error_copy(e, &own);
    }
    return rc;
}
