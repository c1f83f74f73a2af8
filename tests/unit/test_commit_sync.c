/* SPDX-License-Identifier: Apache-2.0 */
/* The derived ff.commit/1 on a medium that keeps nothing before it is synced: behind each change a
 * power cut may leave any of the changes since the last sync, and what the other ones made. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/commit.h"
#include "run.h"

enum { OBJECTS = 16, CHANGES = 8, NAME_BYTES = 120, DATA_BYTES = 300 };

struct object {
    char name[NAME_BYTES], data[DATA_BYTES];
    size_t size_bytes; /* 0: there is none */
    int serial;
};

struct content {
    struct object objects[OBJECTS];
};

static struct content now, synced; /* as it is seen; as it is after a power cut at once */
static struct object changes[CHANGES]; /* since the last sync */
static size_t change_count;
static int serial, cuts, wrong;
static char why[300];

/* ---- the medium ---- */

static struct object *find(struct content *c, const char *name)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (c->objects[i].size_bytes && !strcmp(c->objects[i].name, name)) {
            return &c->objects[i];
        }
    }
    return NULL;
}

static void apply(struct content *c, const struct object *change)
{
    struct object *at = find(c, change->name);

    for (size_t i = 0; !at && i < OBJECTS; i++) {
        at = c->objects[i].size_bytes ? NULL : &c->objects[i];
    }
    ck_assert_ptr_nonnull(at);
    *at = *change;
}

static void (*look)(struct content *);

static void cut_the_power(void)
{
    for (unsigned kept = 0; kept < 1u << change_count; kept++) {
        struct content left = synced;

        for (size_t i = 0; i < change_count; i++) {
            if (kept & 1u << i) {
                apply(&left, &changes[i]);
            }
        }
        cuts++;
        look(&left);
    }
}

static void change(const struct object *object)
{
    ck_assert_uint_lt(change_count, CHANGES);
    changes[change_count++] = *object;
    apply(&now, object);
    cut_the_power();
}

static int do_get(struct ff_io *io, const struct object *o)
{
    if (!o) {
        return FF_E_NOT_FOUND;
    }
    io->object_bytes = o->size_bytes;
    io->mtime_ns = o->serial;
    (void)snprintf(io->tag, sizeof io->tag, "%d", o->serial);
    if (io->op == FF_GET) {
        void *to;

        io->size_bytes = o->size_bytes;
        to = io->buffer(io, o->size_bytes);
        ck_assert_ptr_nonnull(to);
        memcpy(to, o->data, o->size_bytes);
    }
    return FF_OK;
}

static int do_change(struct ff_io *io, const struct object *old)
{
    struct object new = {.size_bytes = 0};
    char tag[20] = "";

    tag[0] = '\0';
    if (old) {
        (void)snprintf(tag, sizeof tag, "%d", old->serial);
    }
    if (io->if_match && strcmp(io->if_match, tag) != 0) {
        return FF_E_CONFLICT;
    }
    (void)snprintf(new.name, sizeof new.name, "%s", io->name);
    if (io->op == FF_PUT) {
        ck_assert_uint_le(io->size_bytes, DATA_BYTES);
        new.size_bytes = (size_t)io->size_bytes;
        new.serial = ++serial;
        ck_assert_int_eq(
            io->source(io->source_ctx, 0, new.data, new.size_bytes, NULL, NULL), FF_OK);
        (void)snprintf(io->tag, sizeof io->tag, "%d", new.serial);
    }
    if (io->op == FF_PUT || old) {
        change(&new);
    }
    return FF_OK;
}

static int run(const struct ff_objects *self, struct ff_batch *batch,
               const struct ff_call *call, struct ff_error *e)
{
    struct ff_io *io;

    (void)self, (void)call, (void)e;
    while ((io = batch->next(batch))) {
        const struct object *old = find(&now, io->name);
        struct ff_error own = FF_ERROR_INIT;
        int code =
            io->op == FF_GET || io->op == FF_HEAD ? do_get(io, old) : do_change(io, old);

        code = code ? ff_fail(&own, code, io->name, "as the medium has it") : FF_OK;
        (void)batch->done(batch, io, code, code ? &own : NULL);
    }
    return FF_OK;
}

static int list(const struct ff_objects *self, const char *prefix, int one_level,
                int (*each)(void *, const struct ff_io *), void *ctx, int64_t *now_ns,
                const struct ff_call *call, struct ff_error *e)
{
    (void)self, (void)one_level, (void)call, (void)e;
    for (size_t i = 0; i < OBJECTS; i++) {
        const struct object *o = &now.objects[i];
        struct ff_io io = {.struct_size = FF_SIZE(ff_io, flags),
                           .name = o->name,
                           .object_bytes = o->size_bytes,
                           .mtime_ns = o->serial};

        (void)snprintf(io.tag, sizeof io.tag, "%d", o->serial);
        if (o->size_bytes && !strncmp(o->name, prefix, strlen(prefix)) &&
            each(ctx, &io)) {
            return 1;
        }
    }
    if (now_ns) {
        *now_ns = serial;
    }
    return FF_OK;
}

static int sync_all(const struct ff_objects *self, const struct ff_call *call,
                    struct ff_error *e)
{
    (void)self, (void)call, (void)e;
    synced = now;
    change_count = 0;
    return FF_OK;
}

static const struct ff_objects medium = {
    .struct_size = FF_SIZE(ff_objects, sync), .run = run, .list = list, .sync = sync_all};

/* ---- rename ---- */

#define VALUE "what its big data is named in"

static bool has_value(struct content *c, const char *name)
{
    const struct object *o = find(c, name);

    return o && o->size_bytes == strlen(VALUE) && !memcmp(o->data, VALUE, o->size_bytes);
}

static bool has_record(const struct content *c)
{
    for (size_t i = 0; i < OBJECTS; i++) {
        if (c->objects[i].size_bytes &&
            !strncmp(c->objects[i].name, "wf/bigdata/.ff/rename-", 22)) {
            return true;
        }
    }
    return false;
}

/* Under one name; under both only while a record says so: else the removal of one would take the
 * other's big data. */
static void look_at_rename(struct content *c)
{
    bool from = has_value(c, "wf/from"), to = has_value(c, "wf/to");

    if (!from && !to) {
        wrong++;
        (void)snprintf(why, sizeof why, "it is under neither name");
    } else if (from && to && !has_record(c)) {
        wrong++;
        (void)snprintf(why, sizeof why, "it is under both names, and nothing says so");
    }
}

static void put_there(const char *name, const char *text)
{
    struct object o = {.size_bytes = strlen(text), .serial = ++serial};

    (void)snprintf(o.name, sizeof o.name, "%s", name);
    memcpy(o.data, text, o.size_bytes);
    apply(&now, &o);
    synced = now;
}

START_TEST(rename_in_a_power_cut_is_under_one_name_or_recorded)
{
    const struct ff_host_services host = {.struct_size = sizeof host};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_commit *commit = NULL;

    put_there("wf/bigdata/.ff/workflow", "workflow 0");
    put_there("wf/from", VALUE);
    look = look_at_rename;
    ck_assert_int_eq(ff_commit_derive(&medium, &host, &ff_sys_posix, &commit, &e), FF_OK);
    ck_assert_msg(!commit->rename(commit, "wf", "from", "to", NULL, &e), "%s", e.message);
    cut_the_power();
    ck_assert_msg(!wrong, "%d of %d cuts: %s", wrong, cuts, why);
    ck_assert_int_gt(cuts, 8);
    ck_assert(has_value(&synced, "wf/to") && !has_value(&synced, "wf/from"));
    ck_assert(has_value(&now, "wf/to") && !has_record(&now));
    ff_commit_derived_free(commit);
}
END_TEST

RUN_TESTS("commit_sync", rename_in_a_power_cut_is_under_one_name_or_recorded)
