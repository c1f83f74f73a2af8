/* SPDX-License-Identifier: Apache-2.0 */
/* read.c: regions of a stored array into the caller's memory: the objects that a region
 * touches, a few of them in one work item.
 */
#include "zarr/store.h"

#include "core/base/alloc.h"

enum {
    PARALLEL_BYTES = 256 << 10, /* smaller reads stay on this thread */
    LOCAL_GROUP_BYTES = 1 << 20,
    REMOTE_GROUP_BYTES = 32 << 20, /* in flight at once, for each thread */
    GROUP_MAX = 32,
    STREAM_BYTES = 64 << 20, /* of chunks under way */
    STREAM_MAX = 64,
    PAST_BYTES = 8 << 20 /* a region this large does not fit the caches */
};

static void note_missing(const struct zarr_job *j, uint64_t object)
{
    /* Any of them will do. */
    atomic_store(&((struct zarr_job *)(uintptr_t)j)->missing, object + 1);
}

/* The part of the region in an object, by the object's number in the touched grid. */
static bool part_of(const struct zarr_job *j, uint64_t object, struct ff_chunk_part *part)
{
    const struct zarr_meta *m = &j->a->meta;

    for (uint32_t i = m->ndim; i-- > 0;) {
        part->chunk[i] = j->first[i] + (int64_t)(object % (uint64_t)j->count[i]);
        object /= (uint64_t)j->count[i];
    }
    return ff_chunk_intersect(m->ndim, m->object, j->region->start, j->region->count,
                              j->region->step, part);
}

/* Those that were not there. */
static int fill_absent(const struct zarr_job *j, const struct zarr_pull *pulls,
                       const uint64_t *numbers, uint64_t count, struct ff_error *e)
{
    int rc = FF_OK;

    for (uint64_t i = 0; rc == FF_OK && i < count; i++) {
        if (pulls[i].code == FF_E_NOT_FOUND) {
            note_missing(j, numbers[i]);
            rc = zarr_fill_out(j, &pulls[i].part, e);
        }
    }
    return rc;
}

static int pick(const struct zarr_job *j, const struct ff_chunk_part *part,
                uint64_t number, struct ff_error *e)
{
    int rc = zarr_shard_pick(j, part, e);

    if (rc == FF_E_NOT_FOUND) {
        note_missing(j, number);
        rc = zarr_fill_out(j, part, e);
    }
    return rc;
}

static int read_group(void *ctx, uint64_t group, struct ff_error *e)
{
    const struct zarr_job *j = ctx;
    bool sharded = j->a->meta.sharded;
    uint64_t begin = group * j->per_group, end = begin + j->per_group, count = 0;
    uint64_t numbers[GROUP_MAX];
    struct zarr_pull *pulls;
    int rc = FF_OK;

    end = end < j->object_count ? end : j->object_count;
    if (ff_cancelled(j->call)) {
        return ff_fail(e, FF_E_CANCELLED, j->a->name, "cancelled");
    }
    pulls = ff_realloc_array(NULL, (size_t)(end - begin), sizeof *pulls);
    if (!pulls) {
        return ff_fail(e, FF_E_NO_MEMORY, j->a->name, "out of memory");
    }
    for (uint64_t i = begin; rc == FF_OK && i < end; i++) {
        struct ff_chunk_part part;

        if (!part_of(j, i, &part)) {
            continue;
        }
        if (sharded && zarr_shard_is_sparse(j, &part)) {
            rc = pick(j, &part, i, e);
        } else {
            numbers[count] = i;
            zarr_pull_whole(&pulls[count++], j, &part, sharded);
        }
    }
    rc = rc || count == 0 ? rc : zarr_pulls_run(j, pulls, count, e);
    rc = rc ? rc : fill_absent(j, pulls, numbers, count, e);
    ff_free(pulls);
    return rc;
}

/* ---- chunks of a far medium: one batch of all, each decoded when it is there ---- */

struct stream {
    struct ff_batch batch; /* first */
    struct zarr_job *job;
    uint64_t next_object;
    int code;
    struct ff_error error; /* of the first that failed */
    atomic_flag failed;
};

/* One on its way. */
struct coming {
    struct zarr_pull pull; /* first */
    uint64_t number;
};

static int stream_failed(struct stream *s, int code, const char *name,
                         const struct ff_error *e)
{
    if (!atomic_flag_test_and_set(&s->failed)) {
        s->code = code;
        if (e) {
            s->error = *e;
        }
        (void)ff_fail(&s->error, code, name, "cannot be read");
    }
    return 1;
}

static struct ff_io *stream_next(struct ff_batch *batch)
{
    struct stream *s = (struct stream *)(void *)batch;

    while (s->next_object < s->job->object_count) {
        uint64_t number = s->next_object++;
        struct ff_chunk_part part;
        struct coming *c;

        if (!part_of(s->job, number, &part)) {
            continue;
        }
        c = ff_malloc(sizeof *c);
        if (!c) {
            (void)stream_failed(s, FF_E_NO_MEMORY, s->job->a->name, NULL);
            return NULL;
        }
        zarr_pull_whole(&c->pull, s->job, &part, false);
        c->number = number;
        return &c->pull.io;
    }
    return NULL;
}

static int stream_done(struct ff_batch *batch, struct ff_io *io, int code,
                       const struct ff_error *e)
{
    struct stream *s = (struct stream *)(void *)batch;
    struct coming *c = (struct coming *)(void *)io;
    struct zarr_pull *p = &c->pull;
    int stop = 0;

    zarr_pull_end(p, code, e);
    if (p->code == FF_E_NOT_FOUND) {
        note_missing(s->job, c->number);
        p->error = (struct ff_error)FF_ERROR_INIT;
        p->code = zarr_fill_out(s->job, &p->part, &p->error);
    }
    if (p->code) {
        stop = stream_failed(s, p->code, p->name, &p->error);
    }
    ff_free(c);
    return stop;
}

static int read_stream(struct zarr_job *j, struct ff_error *e)
{
    const struct ff_objects *objects = j->a->objects;
    uint64_t width = STREAM_BYTES / j->a->meta.chunk_bytes;
    struct stream s = {.job = j, .error = FF_ERROR_INIT, .failed = ATOMIC_FLAG_INIT};
    int rc;

    s.batch = (struct ff_batch){.struct_size = FF_SIZE(ff_batch, done),
                                .width = width < 2            ? 2
                                         : width < STREAM_MAX ? (uint32_t)width
                                                              : 0,
                                .next = stream_next,
                                .done = stream_done};
    rc = objects->run(objects, &s.batch, j->call, e);
    if (rc == FF_OK && s.code) {
        rc = s.code;
        if (e && !e->code) {
            *e = s.error;
        }
    }
    return rc;
}

/* A chunk that is missing is fill only as long as the array itself is there: its metadata is
 * removed first. */
static int check_missing(const struct zarr_job *j, struct ff_error *e)
{
    const struct zarr_array *a = j->a;
    uint64_t missing = atomic_load(&j->missing);
    struct ff_error own = FF_ERROR_INIT;
    struct ff_one_io one;
    struct ff_chunk_part part;
    char key[ZARR_KEY_BYTES];
    int rc;

    if (!missing) {
        return FF_OK;
    }
    memset(&one, 0, sizeof one);
    rc = ff_one_run(a->objects, &one, FF_HEAD, a->document, j->call, &own);
    if (rc == FF_E_NOT_FOUND || (rc == FF_OK && strcmp(one.io.tag, a->tag) != 0)) {
        return ff_fail(e, FF_E_STALE, a->name, "was replaced or removed: read again");
    }
    if (rc) {
        if (e && !e->code) {
            *e = own;
        }
        return rc;
    }
    if (!a->meta.complete) {
        return FF_OK;
    }
    (void)part_of(j, missing - 1, &part);
    zarr_key(&a->meta, a->name, part.chunk, key);
    return ff_fail(e, FF_E_CORRUPT, key, "a chunk is missing: all were written");
}

/* The objects between the first and the last that the region touches. False: none. */
static bool plan_job(struct zarr_job *j, uint64_t *total_bytes)
{
    const struct zarr_meta *m = &j->a->meta;
    int64_t at = (int64_t)m->dtype->item_bytes;

    j->object_count = 1;
    *total_bytes = m->dtype->item_bytes;
    for (uint32_t i = 0; i < m->ndim; i++) {
        int64_t step = j->region->step ? j->region->step[i] : 1;
        int64_t last = j->region->start[i] + (j->region->count[i] - 1) * step;

        if (j->region->count[i] == 0) {
            return false;
        }
        j->first[i] = j->region->start[i] / m->object[i];
        j->count[i] = last / m->object[i] - j->first[i] + 1;
        j->object_count *= (uint64_t)j->count[i];
        *total_bytes *= (uint64_t)j->region->count[i];
    }
    for (uint32_t i = m->ndim; i-- > 0;) {
        j->strides[m->order[i]] = at;
        at *= m->chunk[m->order[i]];
    }
    return true;
}

static uint64_t group_size(const struct zarr_job *j)
{
    const struct zarr_meta *m = &j->a->meta;
    uint64_t object_bytes = m->chunk_bytes * (m->sharded ? m->shards.count : 1);
    uint64_t wanted = j->a->local ? LOCAL_GROUP_BYTES : REMOTE_GROUP_BYTES;
    uint64_t n = object_bytes < wanted ? wanted / object_bytes : 1;

    return n < GROUP_MAX ? n : GROUP_MAX;
}

static int run_job(struct zarr_job *j, struct ff_error *e)
{
    const struct zarr_array *a = j->a;
    uint64_t total_bytes, groups;
    int rc = FF_OK;

    if (!plan_job(j, &total_bytes)) {
        return FF_OK;
    }
    j->per_group = group_size(j);
    groups = (j->object_count - 1) / j->per_group + 1;
    j->past = total_bytes >= PAST_BYTES;
    if (!a->local && !a->meta.sharded && j->object_count > 1) {
        rc = read_stream(j, e);
    } else if (groups > 1 && total_bytes >= PARALLEL_BYTES) {
        rc = a->inst->pool->for_each(a->inst->host, groups, read_group, j, j->call, e);
    } else {
        for (uint64_t i = 0; rc == FF_OK && i < groups; i++) {
            rc = read_group(j, i, e);
        }
    }
    return rc ? rc : check_missing(j, e);
}

int zarr_array_read(const struct ff_array *array, const struct ff_region *region,
                    void *dst, const int64_t *dst_strides, const struct ff_call *call,
                    struct ff_error *e)
{
    const struct zarr_array *a = (const struct zarr_array *)array;
    struct zarr_job j = {
        .a = a, .region = region, .dst = dst, .dst_strides = dst_strides, .call = call};

    if (!ff_region_check(a->meta.ndim, a->meta.shape, region->start, region->count,
                         region->step)) {
        return ff_fail(e, FF_E_USAGE, a->name, "a region outside of the shape");
    }
    return run_job(&j, e);
}

int zarr_array_check(const struct zarr_array *a, int deep, const struct ff_call *call,
                     struct ff_error *e)
{
    int64_t none[FF_MAX_NDIM] = {0};
    struct ff_region all = {none, a->meta.shape, NULL};
    struct zarr_job j = {
        .a = a, .region = &all, .dst_strides = none, .call = call, .check = true};

    return deep ? run_job(&j, e) : FF_OK;
}
