/* SPDX-License-Identifier: Apache-2.0 */
/* commit.c: the derived ff.commit/1: its table, workflows and their markers, and what gc asks.
 * See commit.h for what lies on the medium. */
#include "core/commit.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/commit_own.h"

enum {
    MAX_TRIES = 100, /* against others who make and remove the same workflow */
    ID_BYTES = 48,
    MAX_WORKFLOWS = 1 << 24
};

/* ---- workflows ---- */

int ff_derived_marker(const struct ff_derived *d, const char *workflow,
                      struct ff_marker *out, const struct ff_call *call,
                      struct ff_error *e)
{
    char name[FF_DERIVED_NAME_BYTES];
    struct ff_stored b;
    int rc;

    ff_derived_own_name(name, workflow, FF_DERIVED_MARKER);
    rc = ff_derived_get(d, name, &b, call, e);
    if (rc) {
        return rc;
    }
    out->state = !b.there                          ? FF_MARKER_NONE
                 : ff_stored_begins(&b, "removed") ? FF_MARKER_REMOVED
                                                   : FF_MARKER_LIVE;
    memcpy(out->tag, b.tag, sizeof out->tag);
    ff_stored_free(&b);
    return FF_OK;
}

int ff_derived_mark(const struct ff_derived *d, const char *workflow, const char *word,
                    struct ff_marker *marker, const struct ff_call *call,
                    struct ff_error *e)
{
    char name[FF_DERIVED_NAME_BYTES], text[ID_BYTES];
    int rc = ff_derived_fresh(d, word, text, sizeof text, e);

    ff_derived_own_name(name, workflow, FF_DERIVED_MARKER);
    return rc ? rc : ff_derived_swap(d, name, text, marker->tag, call, e);
}

struct anything {
    const char *own; /* our records begin with it */
    bool found;
};

static int see(void *ctx, const struct ff_io *io)
{
    struct anything *a = ctx;

    a->found = strncmp(io->name, a->own, strlen(a->own)) != 0;
    return a->found;
}

int ff_derived_anything(const struct ff_derived *d, const char *workflow, bool *anything,
                        const struct ff_call *call, struct ff_error *e)
{
    char prefix[FF_DERIVED_NAME_BYTES], own[FF_DERIVED_NAME_BYTES];
    struct anything a = {.own = own};
    int rc;

    ff_derived_task_name(prefix, workflow, "");
    ff_derived_own_name(own, workflow, "");
    rc = d->objects->list(d->objects, prefix, 0, see, &a, NULL, call, e);
    *anything = a.found;
    return a.found ? FF_OK : rc;
}

static int not_found(const char *workflow, struct ff_error *e)
{
    return ff_fail(e, FF_E_NOT_FOUND, workflow, "no such workflow");
}

int ff_derived_need_workflow(const struct ff_derived *d, const char *workflow,
                             struct ff_marker *out, const struct ff_call *call,
                             struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    bool anything = false;
    int rc = ff_derived_marker(d, workflow, out, call, e);

    if (rc || out->state == FF_MARKER_LIVE) {
        return rc;
    }
    if (out->state == FF_MARKER_NONE) {
        rc = ff_derived_anything(d, workflow, &anything, call, e);
    }
    if (rc || !anything) {
        return rc ? rc : not_found(workflow, e);
    }
    rc = ff_derived_mark(d, workflow, "workflow ", out, call, &local);
    if (rc == FF_E_CONFLICT) { /* somebody else was faster: to mark it, or to remove it */
        rc = ff_derived_marker(d, workflow, out, call, e);
        return rc || out->state == FF_MARKER_LIVE ? rc : not_found(workflow, e);
    }
    return rc ? ff_derived_pass(e, &local, rc) : FF_OK;
}

static int make_workflow(const struct ff_commit *self, const char *workflow,
                         const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    int rc = ff_derived_check(workflow, NULL, e);

    for (unsigned i = 0; !rc && i < MAX_TRIES; i++) {
        struct ff_error local = FF_ERROR_INIT;
        struct ff_marker marker;

        rc = ff_derived_marker(d, workflow, &marker, call, e);
        if (!rc && marker.state == FF_MARKER_REMOVED) {
            rc = ff_derived_remove_remains(d, workflow, NULL, call, e);
        }
        if (rc || marker.state == FF_MARKER_LIVE) {
            return rc ? rc : ff_derived_sync(d, call, e);
        }
        rc = ff_derived_mark(d, workflow, "workflow ", &marker, call, &local);
        if (rc != FF_E_CONFLICT) {
            return rc ? ff_derived_pass(e, &local, rc) : ff_derived_sync(d, call, e);
        }
        rc = FF_OK;
        ff_derived_back_off(d, i);
    }
    return rc ? rc
              : ff_fail(e, FF_E_CONFLICT, workflow, "others keep making and removing it");
}

static int workflow_exists(const struct ff_commit *self, const char *workflow,
                           int *exists, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    struct ff_marker marker;
    bool anything = false;
    int rc = ff_derived_check(workflow, NULL, e);

    rc = rc ? rc : ff_derived_marker(d, workflow, &marker, call, e);
    if (!rc && marker.state == FF_MARKER_NONE) {
        rc = ff_derived_anything(d, workflow, &anything, call, e);
    }
    if (!rc) {
        *exists = anything || marker.state == FF_MARKER_LIVE;
    }
    return rc;
}

/* ---- what gc asks ---- */

int ff_derived_state(int64_t mtime_ns, int64_t now_ns)
{
    bool live = !mtime_ns || now_ns < mtime_ns || now_ns - mtime_ns < FF_DERIVED_FRESH_NS;

    return live ? FF_INTENT_LIVE : FF_INTENT_STALE;
}

struct record {
    struct ff_intent_info info;
    char name[FF_DERIVED_NAME_BYTES];
    char tag[FF_DERIVED_TAG_BYTES];
};

struct records {
    struct ff_vec all; /* struct record */
    size_t skip_bytes; /* of each name */
    bool folders, no_memory;
};

static int keep_record(void *ctx, const struct ff_io *io)
{
    struct records *r = ctx;
    const char *name = io->name + r->skip_bytes;
    struct record *one;

    if ((io->is_folder != 0) != r->folders ||
        (!r->folders && !strcmp(name, FF_DERIVED_MARKER))) {
        return 0;
    }
    one = ff_vec_push(&r->all);
    if (!one) {
        r->no_memory = true;
        return 1;
    }
    one->info = (struct ff_intent_info){.struct_size = FF_SIZE(ff_intent_info, mtime_ns),
                                        .state = FF_INTENT_STALE,
                                        .mtime_ns = io->mtime_ns};
    (void)snprintf(one->name, sizeof one->name, "%s", name);
    memcpy(one->tag, io->tag, sizeof one->tag);
    return 0;
}

/* The records of a workflow, or ("") the folders of the root, with the medium's time. */
static int list_records(const struct ff_derived *d, const char *workflow,
                        struct records *r, int64_t *now_ns, const struct ff_call *call,
                        struct ff_error *e)
{
    char prefix[FF_DERIVED_NAME_BYTES] = "";
    int rc;

    if (*workflow) {
        ff_derived_own_name(prefix, workflow, "");
    }
    *r = (struct records){.skip_bytes = strlen(prefix), .folders = !*workflow};
    ff_vec_init(&r->all, sizeof(struct record), MAX_WORKFLOWS);
    rc = d->objects->list(d->objects, prefix, 1, keep_record, r, now_ns, call, e);
    if (r->no_memory) {
        rc = ff_fail(e, FF_E_NO_MEMORY, workflow, "no memory for a list");
    }
    if (rc) {
        ff_vec_free(&r->all);
    }
    return rc;
}

/* Whether the folder is what a removed workflow left: its marker says so, or nothing but records of
 * saves that came too late. */
static int is_remains(const struct ff_derived *d, const char *workflow, bool *yes,
                      const struct ff_call *call, struct ff_error *e)
{
    struct ff_marker marker;
    bool anything = true;
    int rc;

    *yes = false;
    if (ff_derived_check(workflow, NULL, NULL)) {
        return FF_OK; /* not a workflow at all */
    }
    rc = ff_derived_marker(d, workflow, &marker, call, e);
    if (!rc && marker.state == FF_MARKER_NONE) {
        rc = ff_derived_anything(d, workflow, &anything, call, e);
    }
    *yes = !rc && (marker.state == FF_MARKER_REMOVED || !anything);
    return rc;
}

static int intents(const struct ff_commit *self, const char *workflow,
                   int (*each)(void *, const struct ff_intent_info *), void *ctx,
                   int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    struct records r;
    int64_t now = 0;
    int rc = *workflow ? ff_derived_check(workflow, NULL, e) : FF_OK;

    rc = rc ? rc : list_records(d, workflow, &r, &now, call, e);
    if (rc) {
        return rc;
    }
    for (size_t i = 0; !rc && i < r.all.count; i++) {
        struct record *one = ff_vec_at(&r.all, i);
        bool told = true;

        one->info.name = one->name;
        if (*workflow) {
            one->info.state = ff_derived_state(one->info.mtime_ns, now);
        } else {
            rc = is_remains(d, one->name, &told, call, e);
        }
        rc = rc || !told ? rc : each(ctx, &one->info);
    }
    if (now_ns) {
        *now_ns = now;
    }
    ff_vec_free(&r.all);
    return rc;
}

/* Without a marker: each once nobody can be alive who wrote it. */
static int fence_records(const struct ff_derived *d, const char *workflow,
                         const struct ff_call *call, struct ff_error *e)
{
    struct records r;
    int64_t now = 0;
    int rc = list_records(d, workflow, &r, &now, call, e);

    if (rc) {
        return rc;
    }
    for (size_t i = 0; !rc && i < r.all.count; i++) {
        const struct record *one = ff_vec_at(&r.all, i);
        char name[FF_DERIVED_NAME_BYTES];

        ff_derived_own_name(name, workflow, one->name);
        rc = ff_derived_state(one->info.mtime_ns, now) == FF_INTENT_LIVE
                 ? ff_fail(e, FF_E_CONFLICT, name, "it is live")
                 : ff_derived_remove(d, name, one->tag, call, e);
    }
    ff_vec_free(&r.all);
    return rc;
}

static int fence_remains(const struct ff_derived *d, const char *workflow,
                         const struct ff_call *call, struct ff_error *e)
{
    struct ff_marker marker;
    int rc = ff_derived_check(workflow, NULL, e);

    rc = rc ? rc : ff_derived_marker(d, workflow, &marker, call, e);
    if (!rc && marker.state == FF_MARKER_LIVE) {
        rc = ff_fail(e, FF_E_CONFLICT, workflow, "the workflow was made again");
    }
    if (!rc && marker.state == FF_MARKER_NONE) {
        return fence_records(d, workflow, call, e);
    }
    if (rc) {
        return rc;
    }
    return ff_derived_finish_removal(d, workflow, &marker, call, e);
}

/* A record that nobody has touched for long. */
static int fence_stale(const struct ff_derived *d, const char *workflow, struct record *r,
                       const struct ff_call *call, struct ff_error *e)
{
    char name[FF_DERIVED_NAME_BYTES];
    struct ff_stored b;
    int rc;

    ff_derived_own_name(name, workflow, r->name);
    rc = ff_derived_get(d, name, &b, call, e);
    if (!rc && strcmp(b.tag, r->tag)) {
        rc = ff_fail(e, FF_E_CONFLICT, name, "it has become live, or was committed");
    }
    if (!rc && ff_stored_begins(&b, "renaming ")) {
        rc = ff_derived_finish_rename(d, workflow, name, &b, call, e);
    } else if (!rc && !ff_stored_begins(&b, "fenced")) {
        rc = ff_derived_swap(d, name, "fenced\n", r->tag, call, e);
    }
    ff_stored_free(&b);
    return rc ? rc : ff_derived_remove(d, name, NULL, call, e);
}

static int fence(const struct ff_commit *self, const char *workflow, const char *name,
                 const struct ff_call *call, struct ff_error *e)
{
    const struct ff_derived *d = ff_derived_of(self);
    struct records r;
    int64_t now = 0;
    int rc;

    if (!*workflow) {
        return fence_remains(d, name, call, e);
    }
    rc = ff_derived_check(workflow, NULL, e);
    rc = rc ? rc : list_records(d, workflow, &r, &now, call, e);
    if (rc) {
        return rc;
    }
    rc = FF_E_CONFLICT; /* not there any more, or live again */
    for (size_t i = 0; i < r.all.count; i++) {
        struct record *one = ff_vec_at(&r.all, i);

        if (!strcmp(one->name, name)) {
            rc = ff_derived_state(one->info.mtime_ns, now) == FF_INTENT_STALE
                     ? fence_stale(d, workflow, one, call, e)
                     : rc;
            break;
        }
    }
    ff_vec_free(&r.all);
    return rc == FF_E_CONFLICT
               ? ff_fail(e, rc, name, "it is live, or was committed meanwhile")
               : rc;
}

static int settle(const struct ff_commit *self, const char *workflow,
                  const struct ff_call *call, struct ff_error *e)
{
    int rc = ff_derived_check(workflow, NULL, e);

    return rc ? rc : ff_derived_sync(ff_derived_of(self), call, e);
}

/* ---- the table ---- */

int ff_commit_derive(const struct ff_objects *root_objects,
                     const struct ff_host_services *host, const struct ff_sys *sys,
                     struct ff_commit **out, struct ff_error *e)
{
    struct ff_derived *d;

    if (!FF_HAS(root_objects, ff_objects, run) ||
        !FF_HAS(root_objects, ff_objects, list) ||
        !FF_HAS(root_objects, ff_objects, sync)) {
        return ff_fail(e, FF_E_PLUGIN, FF_OBJECTS_1,
                       "the protocol does not offer all of it");
    }
    d = ff_calloc(1, sizeof *d);
    if (!d) {
        return ff_fail(e, FF_E_NO_MEMORY, FF_COMMIT_1, "no memory for its table");
    }
    d->objects = root_objects;
    d->host = host;
    d->sys = sys;
    d->pub = (struct ff_commit){
        .struct_size = FF_SIZE(ff_commit, settle),
        .make_workflow = make_workflow,
        .workflow_exists = workflow_exists,
        .remove_workflow = ff_derived_remove_workflow,
        .begin = ff_derived_begin,
        .write = ff_derived_write,
        .refresh = ff_derived_refresh,
        .commit = ff_derived_commit,
        .abort = ff_derived_abort,
        .displace = ff_derived_displace,
        .drop = ff_derived_drop,
        .rename = ff_derived_rename,
        .intents = intents,
        .fence = fence,
        .settle = settle,
    };
    *out = &d->pub;
    return FF_OK;
}

void ff_commit_derived_free(struct ff_commit *commit)
{
    ff_free(commit);
}
