/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.c: one array that several processes fill (fill.h), by ff.draft.fill/1 of a serializer.
 * What is here: who may do what when, regions into chunks, and which chunks are whole.
 *
 * gc and a filling: each handle holds an intent, as a save does, so the workflow is spared while
 * one is open. What is saved is another name, made by the save under its own intent; it is no
 * candidate of a gc that did not see that intent (docs/format.md). So a gc that takes an old
 * filling away makes finish() fail, or came too late.
 */
#include "core/fill.h"

#include <pthread.h>

#include "core/array_own.h"
#include "core/base/alloc.h"
#include "core/base/checked.h"
#include "core/base/region.h"

#define MAX_CANDIDATES 16

struct ff_draft_filling {
    struct ff_bigdata *bigdata; /* holds the storage */
    struct ff_intent *intent;
    atomic_llong refreshed_ns;
    const struct ff_loaded_serializer *by;
    const struct ff_fill *fill;
    struct ff_filling *filling; /* NULL: begun here, or ended */
    struct ff_own_array *like;
    struct ff_fill_token token;
    uint64_t chunk_count;
    struct ff_buf receipt; /* empty: not ended */
    pthread_mutex_t lock;  /* for `done` */
    uint8_t *done;         /* a bit a chunk; NULL: begun here */
};

/* ---- who fills ---- */

static int choose(struct ff_draft_filling *f, const struct ff_array *like,
                  struct ff_error *e)
{
    const struct ff_loaded_serializer *by[MAX_CANDIDATES];
    struct ff_storage *st = f->bigdata->storage;
    const char *class_name = ff_array_class(like);
    int n =
        ff_registry_for_class(st->host, class_name, (const char *const *)st->serializers,
                              st->serializer_count, by, MAX_CANDIDATES, e);
    for (int i = 0; i < n && !f->fill; i++) {
        f->by = by[i];
        f->fill = ff_fill_of(by[i]);
    }
    if (n < 0 || f->fill) {
        return n < 0 ? n : FF_OK;
    }
    (void)ff_fail(e, FF_E_PLUGIN, NULL,
                  "no enabled serializer lets processes fill %.80s together", class_name);
    ff_error_fix(e, "see ff plugin list");
    return FF_E_PLUGIN;
}

/* ---- handles ---- */

/* The intent comes first: from then on gc spares the workflow. */
static struct ff_draft_filling *handle_new(struct ff_storage *st, const char *workflow,
                                           struct ff_error *e)
{
    const struct ff_call *call = ff_storage_call(st, NULL);
    struct ff_draft_filling *f = ff_calloc(1, sizeof *f);
    if (!f) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&f->lock, NULL);
    ff_buf_init(&f->receipt, FF_FILL_RECEIPT_BYTES);
    atomic_init(&f->refreshed_ns, ff_sys_now_ns(ff_host_sys(st->host), CLOCK_MONOTONIC));
    f->bigdata = ff_bigdata_open(st, workflow, call, e);
    if (!f->bigdata || st->commit->begin(st->commit, workflow, &f->intent, call, e)) {
        ff_draft_fill_close(f);
        return NULL;
    }
    return f;
}

void ff_draft_fill_close(struct ff_draft_filling *f)
{
    struct ff_storage *st = f && f->bigdata ? f->bigdata->storage : NULL;
    if (!f || (st && ff_storage_check(st, NULL))) {
        return; /* forked: the parent goes on with it */
    }
    if (f->filling) {
        f->fill->abort(f->by->inst, f->filling);
    }
    if (f->intent) {
        st->commit->abort(st->commit, f->intent);
    }
    ff_bigdata_unref(f->bigdata);
    if (f->like) {
        ff_array_free(&f->like->pub);
    }
    ff_buf_free(&f->receipt);
    ff_free(f->done);
    (void)pthread_mutex_destroy(&f->lock);
    ff_free(f);
}

static int describe(struct ff_draft_filling *f, const struct ff_array *like,
                    struct ff_error *e)
{
    struct ff_array_spec s = {like->descr, like->ndim,       like->shape, like->chunk,
                              like->edges, like->edge_count, NULL,        like->options};
    if (!like->chunk || like->ndim < 1) {
        return ff_fail(e, FF_E_USAGE, NULL, "an array that is filled has chunks");
    }
    f->like = ff_own_new(&s, e);
    return f->like ? FF_OK : e->code;
}

static int make(struct ff_draft_filling *f, struct ff_error *e)
{
    struct ff_bigdata *b = f->bigdata;
    const struct ff_call *call = ff_storage_call(b->storage, NULL);
    struct ff_fill_token *t = &f->token;
    int rc = ff_uuid4(ff_host_sys(b->storage->host), t->uuid);
    rc = rc ? ff_fail(e, FF_E_OTHER, NULL, "no random bytes") : FF_OK;
    (void)snprintf(t->serializer, sizeof t->serializer, "%s", f->by->desc->name);
    (void)snprintf(t->version, sizeof t->version, "%s", f->by->desc->version);
    (void)snprintf(t->workflow, sizeof t->workflow, "%s", b->workflow);
    rc = rc ? rc : ff_fill_token_print(t, e);
    rc = rc ? rc : f->fill->begin(f->by->inst, &f->like->pub, &b->pub, t->uuid, call, e);
    if (!rc && (rc = b->objects->sync(b->objects, call, e))) {
        struct ff_error own = FF_ERROR_INIT;
        (void)f->fill->remove(f->by->inst, t->uuid, &b->pub, call, &own);
    }
    return rc;
}

struct ff_draft_filling *ff_draft_fill_begin(struct ff_storage *st, const char *workflow,
                                             const struct ff_array *like,
                                             struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_draft_filling *f;
    e = e ? e : &local;
    if (e->code || ff_storage_check(st, e) || ff_check_workflow(workflow, e)) {
        return NULL;
    }
    if (!like) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no description of an array");
        return NULL;
    }
    f = handle_new(st, workflow, e);
    if (f && (describe(f, like, e) || choose(f, like, e) || make(f, e))) {
        ff_draft_fill_close(f);
        f = NULL;
    }
    (void)ff_at_task(e->code, workflow, "", e);
    return f;
}

const char *ff_draft_fill_token(const struct ff_draft_filling *f)
{
    return f ? f->token.text : NULL;
}

const struct ff_array *ff_draft_fill_array(const struct ff_draft_filling *f)
{
    return f ? &f->like->pub : NULL;
}

static int count_chunks(struct ff_draft_filling *f, struct ff_error *e)
{
    const struct ff_array *a = &f->like->pub;
    size_t bytes;
    f->chunk_count = 1;
    for (int i = 0; i < a->ndim; i++) {
        if (!ff_mul_u64(f->chunk_count, (uint64_t)((a->shape[i] - 1) / a->chunk[i] + 1),
                        &f->chunk_count)) {
            return ff_fail(e, FF_E_LIMIT, NULL, "too many chunks");
        }
    }
    f->done = ff_u64_to_size(f->chunk_count / 8 + 1, &bytes) ? ff_calloc(bytes, 1) : NULL;
    return f->done ? FF_OK : ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
}

static int attach(struct ff_draft_filling *f, struct ff_error *e)
{
    struct ff_bigdata *b = f->bigdata;
    struct ff_error own = FF_ERROR_INIT;
    const struct ff_array *like = NULL;
    int rc = ff_fill_by(b->storage, &f->token, &f->by, &f->fill, e);
    if (rc) {
        return rc;
    }
    rc = f->fill->attach(f->by->inst, f->token.uuid, &b->pub, &f->filling, &like,
                         ff_storage_call(b->storage, NULL), &own);
    if (rc == FF_E_CONFLICT) {
        rc = ff_fail(e, rc, NULL, "the array was finished, and may have been saved");
    }
    rc = ff_fill_missing(rc, &own, e);
    rc = rc ? rc : describe(f, like, e);
    return rc ? rc : count_chunks(f, e);
}

struct ff_draft_filling *ff_draft_fill_attach(struct ff_storage *st, const char *token,
                                              struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_draft_filling *f;
    struct ff_fill_token t;
    e = e ? e : &local;
    if (e->code || ff_storage_check(st, e) || ff_fill_token_check(token, &t, e)) {
        return NULL;
    }
    f = handle_new(st, t.workflow, e);
    if (f) {
        f->token = t;
        if (attach(f, e)) {
            ff_draft_fill_close(f);
            f = NULL;
        }
    }
    (void)ff_fill_at(e->code, &t, e);
    return f;
}

/* ---- writing ---- */

static int check_region(const struct ff_draft_filling *f, const int64_t *start,
                        const int64_t *count, struct ff_error *e)
{
    const struct ff_array *a = &f->like->pub;
    if (!start || !count ||
        !ff_region_check((size_t)a->ndim, a->shape, start, count, NULL)) {
        return ff_fail(e, FF_E_USAGE, NULL, "the region lies outside of the array");
    }
    for (int i = 0; i < a->ndim; i++) {
        int64_t end = start[i] + count[i];
        if (start[i] % a->chunk[i] || (end % a->chunk[i] && end != a->shape[i])) {
            return ff_fail(
                e, FF_E_USAGE, NULL,
                "elements %lld to %lld of axis %d are not whole chunks of %lld",
                (long long)start[i], (long long)end, i, (long long)a->chunk[i]);
        }
    }
    return FF_OK;
}

static void set_done(struct ff_draft_filling *f, uint64_t chunk, int on)
{
    uint8_t bit = (uint8_t)(1u << (chunk % 8));
    (void)pthread_mutex_lock(&f->lock);
    f->done[chunk / 8] =
        (uint8_t)(on ? f->done[chunk / 8] | bit : f->done[chunk / 8] & ~bit);
    (void)pthread_mutex_unlock(&f->lock);
}

/* One chunk, from a region's memory. */
static int put(struct ff_draft_filling *f, const struct ff_grid_iter *it,
               const char *data, const int64_t *strides, struct ff_error *e)
{
    const struct ff_array *a = &f->like->pub;
    size_t axes = (size_t)a->ndim;
    int64_t packed[FF_MAX_NDIM];
    uint64_t bytes;
    void *copy = NULL;
    int rc;
    for (size_t i = 0; i < axes; i++) {
        data += it->place[i] * strides[i];
    }
    if (!ff_strides_are_c(axes, it->count, a->itemsize_bytes, strides)) {
        if (!ff_strides_c(axes, it->count, a->itemsize_bytes, packed, &bytes) ||
            !(copy = ff_aligned_alloc((size_t)bytes))) {
            return ff_fail(e, FF_E_NO_MEMORY, NULL, "out of memory");
        }
        (void)ff_copy_strided(axes, it->count, (size_t)a->itemsize_bytes, copy, packed,
                              data, strides);
        data = copy;
    }
    rc = f->fill->put(f->by->inst, f->filling, it->at, data,
                      ff_storage_call(f->bigdata->storage, NULL), e);
    ff_aligned_free(copy);
    return rc;
}

static uint64_t number_of(const struct ff_array *a, const int64_t *index)
{
    uint64_t n = 0;
    for (int i = 0; i < a->ndim; i++) {
        n = n * (uint64_t)((a->shape[i] - 1) / a->chunk[i] + 1) + (uint64_t)index[i];
    }
    return n;
}

static int put_all(struct ff_draft_filling *f, const struct ff_region *r,
                   const void *data, const int64_t *strides, struct ff_error *e)
{
    struct ff_storage *st = f->bigdata->storage;
    struct ff_grid_iter it;
    int rc = FF_OK;
    for (ff_grid_begin(&it, f->like, r); !rc && ff_grid_next(&it);) {
        uint64_t chunk = number_of(&f->like->pub, it.at);
        if (ff_cancelled(ff_storage_call(st, NULL))) {
            return ff_fail(e, FF_E_CANCELLED, NULL, "cancelled");
        }
        ff_intent_touch(st, f->intent, &f->refreshed_ns);
        set_done(f, chunk, 0); /* written again: neither the old one nor the new yet */
        rc = put(f, &it, data, strides, e);
        if (!rc) {
            set_done(f, chunk, 1);
        }
    }
    return rc;
}

int ff_draft_fill_write(struct ff_draft_filling *f, const int64_t *start,
                        const int64_t *count, const void *data, const int64_t *strides,
                        struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_region r = {start, count, NULL};
    int64_t packed[FF_MAX_NDIM];
    int rc;
    e = e ? e : &local;
    if (!f || e->code) {
        return e->code ? e->code : ff_fail(e, FF_E_USAGE, NULL, "nothing to write into");
    }
    if (ff_storage_check(f->bigdata->storage, e)) {
        return e->code; /* forked: nothing of it is touched */
    }
    rc = f->filling ? check_region(f, start, count, e)
                    : ff_fail(e, FF_E_USAGE, NULL,
                              f->done ? "written to after its receipt was given"
                                      : "the handle of begin: attach to write");
    if (!rc && !strides) {
        (void)ff_strides_c((size_t)f->like->pub.ndim, count, f->like->pub.itemsize_bytes,
                           packed, NULL);
        strides = packed;
    }
    rc = rc ? rc : put_all(f, &r, data, strides, e);
    return ff_fill_at(rc, &f->token, e);
}

static int end(struct ff_draft_filling *f, struct ff_error *e)
{
    struct ff_filling *filling = f->filling;
    int rc;
    if (!filling) {
        return ff_fail(e, FF_E_USAGE, NULL, "nothing was written through this handle");
    }
    f->filling = NULL;
    rc =
        f->fill->end(f->by->inst, filling, ff_storage_call(f->bigdata->storage, NULL), e);
    rc = rc ? rc
            : ff_fill_receipt_print(&f->receipt, f->token.uuid, f->done, f->chunk_count,
                                    e);
    if (rc) {
        ff_buf_clear(&f->receipt);
    }
    return rc;
}

const char *ff_draft_fill_end(struct ff_draft_filling *f, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    e = e ? e : &local;
    if (!f && !e->code) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "nothing to end");
    }
    if (e->code || ff_storage_check(f->bigdata->storage, e)) {
        return NULL;
    }
    if (!f->receipt.length_bytes && ff_fill_at(end(f, e), &f->token, e)) {
        return NULL;
    }
    return ff_buf_text(&f->receipt);
}
