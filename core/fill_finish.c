/* SPDX-License-Identifier: Apache-2.0 */
/* fill_finish.c: an array that several processes have filled becomes a save's, or goes. */
#include "core/fill.h"

int ff_fill_at(int rc, const struct ff_fill_token *t, struct ff_error *e)
{
    if (rc) {
        ff_error_at(e, e->place[0] ? ": " : "");
        ff_error_at(e, t->workflow);
    }
    return rc;
}

const struct ff_fill *ff_fill_of(const struct ff_loaded_serializer *by)
{
    const struct ff_fill *fill = ff_call_query(by, FF_FILL_1);
    return FF_HAS(fill, ff_fill, remove) ? fill : NULL;
}

int ff_fill_by(struct ff_storage *st, const struct ff_fill_token *t,
               const struct ff_loaded_serializer **by, const struct ff_fill **fill,
               struct ff_error *e)
{
    int rc = ff_registry_serializer(st->host, t->serializer, by, e);
    *fill = rc ? NULL : ff_fill_of(*by);
    if (!rc && (!*fill || !ff_reads_version(*by, t->version))) {
        rc = ff_fail(e, FF_E_PLUGIN, t->serializer,
                     "it does not fill arrays together, or not those of version %.40s",
                     t->version);
    }
    return rc;
}

int ff_fill_token_check(const char *text, struct ff_fill_token *t, struct ff_error *e)
{
    int rc = ff_fill_token_parse(text, t, e);
    return rc ? rc : ff_check_workflow(t->workflow, e);
}

int ff_fill_missing(int rc, const struct ff_error *own, struct ff_error *e)
{
    if (rc == FF_E_NOT_FOUND) {
        rc =
            ff_fail(e, rc, NULL,
                    "no such array is being filled here: it was removed, or it was begun "
                    "on another storage");
        ff_error_fix(e, "begin again; all of it is to be written anew");
    } else if (rc) {
        ff_error_copy(e, own);
    }
    return rc;
}

static int check_receipts(const struct ff_fill_token *t, const char *const *receipts,
                          size_t count, struct ff_error *e)
{
    struct ff_fill_cover cover;
    int rc = FF_OK;
    ff_fill_cover_init(&cover);
    for (size_t i = 0; !rc && i < count; i++) {
        rc = ff_fill_cover_add(&cover, t->uuid, receipts[i], i, e);
    }
    rc = rc ? rc : ff_fill_cover_check(&cover, e);
    ff_fill_cover_free(&cover);
    return rc;
}

static int check_finish(const struct ff_saving *s, const struct ff_fill_token *t,
                        const char *const *receipts, size_t count, struct ff_error *e)
{
    if (!receipts || !count) {
        return ff_fail(e, FF_E_USAGE, NULL, "no receipts");
    }
    if (strcmp(s->workflow, t->workflow) != 0) {
        return ff_fail(e, FF_E_USAGE, NULL,
                       "the array is filled in workflow %.100s, and saved in %.100s",
                       t->workflow, s->workflow);
    }
    return check_receipts(t, receipts, count, e);
}

/* The save owns a name of its own for it: its intent is older than that name. */
static int adopt(struct ff_saving *s, const struct ff_fill_token *t,
                 char uuid[FF_UUID_LENGTH + 1], struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_pid pid = {
        .struct_size = FF_SIZE(ff_pid, extra), .version = t->version, .name = uuid};
    const struct ff_loaded_serializer *by;
    const struct ff_fill *fill;
    int rc = ff_fill_by(s->storage, t, &by, &fill, e);
    if (!rc && ff_uuid4(ff_host_sys(s->storage->host), uuid)) {
        rc = ff_fail(e, FF_E_OTHER, NULL, "no random bytes");
    }
    rc = rc ? rc : ff_saving_owns(s, t->serializer, t->version, uuid, e);
    if (rc) {
        return rc;
    }
    rc = fill->finish(by->inst, t->uuid, &s->bigdata->pub, &pid, &s->call, &own);
    if (rc) {
        ff_saving_take_back(s);
    }
    return ff_fill_missing(rc, &own, e);
}

struct ff_value ff_draft_fill_finish(struct ff_saving *s, struct ff_doc *doc,
                                     const char *token, const char *const *receipts,
                                     size_t count, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct ff_value nothing = {NULL, 0};
    char uuid[FF_UUID_LENGTH + 1];
    struct ff_fill_token t;
    e = e ? e : &local;
    if (!e->code && (!s || !doc)) {
        (void)ff_fail(e, FF_E_USAGE, NULL, "no save, or no document");
    }
    if (e->code || ff_storage_check(s->storage, e) || ff_fill_token_check(token, &t, e)) {
        return nothing;
    }
    if (check_finish(s, &t, receipts, count, e) || adopt(s, &t, uuid, e)) {
        (void)ff_at_task(e->code, s->workflow, s->task, e);
        return nothing;
    }
    return ff_new_persistent(doc, t.serializer, t.version, uuid, e);
}

int ff_draft_fill_remove(struct ff_storage *st, const char *token, struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    const struct ff_loaded_serializer *by;
    const struct ff_fill *fill;
    struct ff_bigdata *b;
    struct ff_fill_token t;
    const struct ff_call *call;
    int rc;
    e = e ? e : &local;
    if (e->code || ff_storage_check(st, e) || ff_fill_token_check(token, &t, e)) {
        return e->code;
    }
    call = ff_storage_call(st, NULL);
    b = ff_bigdata_open(st, t.workflow, call, e);
    rc = b ? ff_fill_by(st, &t, &by, &fill, e) : e->code;
    rc = rc ? rc : fill->remove(by->inst, t.uuid, &b->pub, call, e);
    ff_bigdata_unref(b);
    return ff_fill_at(rc, &t, e);
}
