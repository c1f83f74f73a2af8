/* SPDX-License-Identifier: Apache-2.0 */
/* probe.c: what a storage's medium can do: a private object is written, read and removed, and
 * the protocol tells what it knows. */
#include "core/storage.h"

#include "core/base/uuid.h"

#define TRIAL "ff"

struct probing {
    struct ff_storage *storage;
    const struct ff_call *call;
    int (*each)(void *ctx, const char *what, const char *is, const char *follows);
    void *ctx;
};

static int read_trial(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                      const struct ff_call *call, struct ff_error *e)
{
    (void)ctx;
    (void)call;
    (void)e;
    memcpy(dst, &TRIAL[offset], size_bytes);
    return FF_OK;
}

static int64_t now_ns(const struct probing *p)
{
    return ff_sys_now_ns(ff_host_sys(p->storage->host), CLOCK_MONOTONIC);
}

/* Without a condition: S3 would first try what its server makes of conditions. */
static int put_trial(const struct probing *p, const char *name, struct ff_error *e)
{
    struct ff_one_io one;
    memset(&one, 0, sizeof one);
    one.io.size_bytes = sizeof TRIAL;
    one.io.source = read_trial;
    return ff_one_run(p->storage->objects, &one, FF_PUT, name, p->call, e);
}

/* How long each step took, to `out`. */
static int try_object(const struct probing *p, const char *name, char *out, size_t size,
                      struct ff_error *e)
{
    const struct ff_objects *objects = p->storage->objects;
    struct ff_error own = FF_ERROR_INIT;
    char got[sizeof TRIAL] = "";
    int64_t at[4] = {now_ns(p)};
    int rc = put_trial(p, name, e), gone;
    at[1] = now_ns(p);
    rc = rc ? rc : ff_get_bytes(objects, name, 0, got, sizeof got, NULL, p->call, e);
    at[2] = now_ns(p);
    gone = ff_remove_object(objects, name, p->call, rc ? &own : e);
    at[3] = now_ns(p);
    (void)snprintf(out, size, "%.1f ms, %.1f ms, %.1f ms", (double)(at[1] - at[0]) / 1e6,
                   (double)(at[2] - at[1]) / 1e6, (double)(at[3] - at[2]) / 1e6);
    if (!rc && memcmp(got, TRIAL, sizeof got) != 0) {
        return ff_fail(e, FF_E_CORRUPT, name, "what comes back is not what was written");
    }
    return rc ? rc : gone;
}

static int tell_root(struct probing *p)
{
    const struct ff_locate *l = p->storage->locate;
    const struct ff_protocol *desc = p->storage->protocol->desc;
    struct ff_error own = FF_ERROR_INIT;
    char where[FF_PLACE_BYTES];
    int stopped = p->each(p->ctx, "kind", desc->kind, "");
    if (!stopped && l && l->where(l, "", where, sizeof where, &own) == FF_OK) {
        stopped = p->each(p->ctx, "where", where, "");
    }
    return stopped;
}

int ff_storage_probe(struct ff_storage *storage,
                     int (*each)(void *ctx, const char *what, const char *is,
                                 const char *follows),
                     void *ctx, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct probing p = {.storage = storage, .each = each, .ctx = ctx};
    const struct ff_probe *own;
    char name[64], took[96];
    int rc;
    e = e ? e : &local;
    if (e->code || ff_storage_check(storage, e)) {
        return e->code;
    }
    p.call = ff_storage_call(storage, NULL);
    if (tell_root(&p)) {
        return FF_OK;
    }
    if (ff_random_name(ff_host_sys(storage->host), ".probe-", name, sizeof name)) {
        return ff_fail(e, FF_E_IO, NULL, "no random bytes are to be had");
    }
    rc = try_object(&p, name, took, sizeof took, e);
    if (rc || each(ctx, "write, read, remove", took, "")) {
        return rc;
    }
    own = storage->protocol->desc->query(storage->root, FF_PROBE_1);
    rc = own ? own->probe(own, each, ctx, p.call, e) : FF_OK;
    return rc < 0 ? rc : FF_OK;
}
