/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: does each task stand as it was saved, and is its big data there and whole? */
#include "core/storage.h"

#include "core/base/alloc.h"

struct verifying {
    struct ff_storage *storage;
    const struct ff_call *call;
    struct ff_bigdata *bigdata;
    const char *workflow, *task;
    int deep, faults, stopped;
    int (*each)(void *ctx, const struct ff_finding *);
    void *ctx;
};

static int is_fault(const char *what)
{
    return strcmp(what, "ok") != 0 && strcmp(what, "unknown-serializer") != 0 &&
           strcmp(what, "foreign") != 0;
}

static void report(struct verifying *v, const char *name, const char *what,
                   const char *reason)
{
    struct ff_finding f = {v->workflow, v->task, name, what, reason, 0, 0, 0, 0};
    v->faults += is_fault(what);
    v->stopped = v->stopped || (v->each && v->each(v->ctx, &f));
}

/* Without its serializer only its presence can be checked. */
static int is_there(struct verifying *v, const char *uuid, struct ff_error *e)
{
    struct ff_vec names;
    int rc;
    ff_vec_init(&names, sizeof(char *), FF_MAX_NAMES);
    rc = ff_owned_names(v->bigdata, uuid, &names, v->call, e);
    if (!rc && !names.count) {
        rc = ff_fail(e, FF_E_NOT_FOUND, NULL, "its big data is not there");
    }
    ff_names_clear(&names);
    return rc;
}

static int ask_verifier(struct verifying *v, const struct ff_loaded_serializer *s,
                        const struct ff_mark *m, struct ff_error *e)
{
    struct ff_pid pid = {
        .struct_size = FF_SIZE(ff_pid, extra), .version = m->version, .name = m->uuid};
    const struct ff_verifier *by = ff_call_query(s, FF_VERIFY_1);
    return by ? by->verify(s->inst, &pid, &v->bigdata->pub, v->deep, v->call, e) : FF_OK;
}

static int is_missing(int code)
{
    return code == FF_E_NOT_FOUND || code == FF_E_STALE;
}

static int verify_mark(struct verifying *v, const struct ff_mark *m, struct ff_error *e)
{
    const struct ff_loaded_serializer *s = NULL;
    struct ff_error own = FF_ERROR_INIT, unknown = FF_ERROR_INIT;
    int known =
        ff_registry_serializer(v->storage->host, m->serializer, &s, &unknown) == FF_OK;
    int rc = is_there(v, m->uuid, &own);
    if (!rc && known && ff_reads_version(s, m->version)) {
        rc = ask_verifier(v, s, m, &own);
    } else if (!rc) {
        report(v, m->uuid, "unknown-serializer",
               known ? "its version is not one that the serializer reads"
                     : unknown.message);
        return FF_OK;
    }
    if (rc == FF_E_CANCELLED || rc == FF_E_NO_MEMORY) {
        ff_error_copy(e, &own);
        return rc;
    }
    if (rc) {
        report(v, m->uuid, is_missing(rc) ? "missing" : "corrupt", own.message);
    }
    return FF_OK;
}

static int verify_marks(struct verifying *v, const struct ff_task_bytes *bytes,
                        struct ff_error *e)
{
    struct ff_error own = FF_ERROR_INIT;
    struct ff_vec marks;
    int rc;
    ff_vec_init(&marks, sizeof(struct ff_mark), FF_MAX_NAMES);
    rc = ff_marks_read(bytes->data, bytes->size_bytes, &marks, &own);
    if (rc) {
        report(v, "", "corrupt", own.message);
        rc = FF_OK;
    }
    for (size_t i = 0; !rc && i < marks.count && !v->stopped; i++) {
        rc = verify_mark(v, ff_vec_at(&marks, i), e);
    }
    ff_marks_clear(&marks);
    return rc;
}

static int verify_task(struct verifying *v, struct ff_error *e)
{
    struct ff_task_bytes bytes = {.data = NULL};
    struct ff_error own = FF_ERROR_INIT;
    int before = v->faults;
    int rc = ff_task_load(v->storage, v->workflow, v->task, FF_MAX_TASK_BYTES,
                          FF_LOAD_WAIT, &bytes, v->call, &own);
    if (rc == FF_E_NOT_FOUND) { /* removed meanwhile */
        return FF_OK;
    }
    if (rc == FF_E_CANCELLED || rc == FF_E_NO_MEMORY) {
        ff_error_copy(e, &own);
        return rc;
    }
    if (rc) {
        report(v, "", "corrupt", own.message);
        return FF_OK;
    }
    rc = verify_marks(v, &bytes, e);
    ff_free(bytes.data);
    if (!rc && v->faults == before) {
        report(v, "", "ok", "");
    }
    return rc;
}

static int verify_workflow(struct verifying *v, const char *pattern, struct ff_error *e)
{
    struct ff_names *tasks = ff_list_tasks(v->storage, v->workflow, pattern, e);
    int rc = tasks ? FF_OK : e->code;
    v->bigdata = rc ? NULL : ff_bigdata_open(v->storage, v->workflow, v->call, e);
    rc = rc || v->bigdata ? rc : e->code;
    for (size_t i = 0; !rc && i < tasks->count && !v->stopped; i++) {
        v->task = tasks->name[i];
        rc = verify_task(v, e);
    }
    ff_bigdata_unref(v->bigdata);
    ff_names_free(tasks);
    return ff_at_task(rc, v->workflow, "", e);
}

/* A folder of the root may have a name that no workflow of ours has (Python makes them). */
static int verify_listed(struct verifying *v, const char *pattern, struct ff_error *e)
{
    struct ff_error why = FF_ERROR_INIT;
    if (ff_check_workflow(v->workflow, &why) == FF_OK) {
        return verify_workflow(v, pattern, e);
    }
    v->task = "";
    report(v, "", "foreign", why.message);
    return FF_OK;
}

int ff_verify(struct ff_storage *storage, const char *workflow, const char *pattern,
              int deep, int (*each)(void *ctx, const struct ff_finding *), void *ctx,
              struct ff_error *e)
{
    struct ff_error local = FF_ERROR_INIT;
    struct verifying v = {.storage = storage, .deep = deep, .each = each, .ctx = ctx};
    struct ff_names one = {1, &workflow}, *workflows = &one;
    int rc = FF_OK;
    e = e ? e : &local;
    if (e->code || ff_storage_check(storage, e) ||
        (workflow && ff_check_workflow(workflow, e))) {
        return e->code;
    }
    v.call = ff_storage_call(storage, NULL);
    if (!workflow && !(workflows = ff_list_workflows(storage, e))) {
        return e->code;
    }
    for (size_t i = 0; !rc && i < workflows->count && !v.stopped; i++) {
        v.workflow = workflows->name[i];
        rc = workflow ? verify_workflow(&v, pattern, e) : verify_listed(&v, pattern, e);
    }
    if (workflows != &one) {
        ff_names_free(workflows);
    }
    if (!rc && v.faults) {
        rc = ff_fail(e, FF_E_CORRUPT, workflow ? workflow : storage->protocol->desc->kind,
                     "%d fault%s found", v.faults, v.faults == 1 ? "" : "s");
        ff_error_fix(e, "save those tasks again, or remove them");
    }
    return rc;
}
