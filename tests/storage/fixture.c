/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <functionfuse/plugin.h>

#include <ftw.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const where_names[WHERE_COUNT + 1] = {
    "file", "memory", "fault over file", "fault over memory", "file of an old system",
    "S3"};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* Our own plugins keep the contract whatever the tests do. */
static void note_misdeed(void *ctx, int level, const char *text)
{
    struct fixture *f = ctx;
    if (level == FF_LOG_MISBEHAVES) {
        (void)snprintf(f->misdeed, sizeof f->misdeed, "%s", text);
    }
}

static void make_json(struct fixture *f)
{
    char inner[256];
    if (f->where == ON_S3) {
        (void)snprintf(
            inner, sizeof inner,
            "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/%s\", \"s3fs\": "
            "{\"endpoint_url\": \"%s\", \"key\": \"ffkey\", \"secret\": "
            "\"ffsecretffsecret\"}}}",
            f->folder, getenv("FF_S3_URL"));
    } else if (f->where == ON_FILE || f->where == ON_FAULT_OVER_FILE ||
               f->where == ON_FILE_OF_OLD_SYSTEM) {
        (void)snprintf(inner, sizeof inner,
                       "{\"kind\": \"file\", \"options\": {\"path\": \"%s/store\"}}",
                       f->folder);
    } else {
        (void)snprintf(inner, sizeof inner,
                       "{\"kind\": \"memory\", \"options\": {\"name\": \"%s\"}}",
                       f->folder);
    }
    if (f->where == ON_FAULT_OVER_FILE || f->where == ON_FAULT_OVER_MEMORY) {
        (void)snprintf(f->json, sizeof f->json,
                       "{\"kind\": \"fault\", \"options\": {\"inner\": %s}}", inner);
    } else {
        (void)snprintf(f->json, sizeof f->json, "%s", inner);
    }
}

struct ff_storage *fixture_again(struct fixture *f)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_storage *s = ff_storage_factory(f->host, f->json, &e);
    ck_assert_msg(s != NULL, "%s: %s: %s (%s)", where_names[f->where], e.place, e.message,
                  e.fix);
    return s;
}

void fixture_open(struct fixture *f, enum where where, const char *config)
{
    static const char *const path[] = {FF_TEST_DOUBLES, NULL};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_host_options o = {.struct_size = FF_SIZE(ff_host_options, draft_sys),
                                .plugin_path = path,
                                .ctx = f,
                                .log = note_misdeed};
    const char *tmp = getenv("TMPDIR");
    memset(f, 0, sizeof *f);
    f->where = where;
    (void)snprintf(f->folder, sizeof f->folder, "%.40s/ff_storageXXXXXX",
                   tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    (void)snprintf(f->config, sizeof f->config, "%s",
                   config ? config
                          : "{\"plugins\": {\"enable\": "
                            "[\"memory\", \"fault\", \"acme.wave\", \"picky\"]}}");
    o.config_json = f->config;
    o.draft_sys = where == ON_FILE_OF_OLD_SYSTEM ? old_system() : NULL;
    f->host = ff_host_open(&o, &e);
    ck_assert_msg(f->host != NULL, "%s: %s (%s)", e.place, e.message, e.fix);
    make_json(f);
    f->storage = fixture_again(f);
    ck_assert_int_eq(ff_new_workflow(f->storage, "run", &e), FF_OK);
}

void fixture_close(struct fixture *f)
{
    ff_storage_close(f->storage);
    ff_host_close(f->host);
    (void)nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    ck_assert_msg(!f->misdeed[0], "a plugin misbehaves: %s", f->misdeed);
}

void on_each(void (*test)(struct fixture *))
{
    bool on_server = getenv("FF_S3_URL") != NULL;
    for (int i = on_server ? ON_S3 : 0; i < WHERE_COUNT + on_server; i++) {
        struct fixture f;
        fixture_open(&f, (enum where)i, NULL);
        test(&f);
        fixture_close(&f);
    }
}

static int fill(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                const struct ff_call *call, struct ff_error *e)
{
    float *out = dst;
    (void)call, (void)e;
    for (int64_t i = start[0]; i < start[0] + count[0]; i++) {
        for (int64_t j = start[1]; j < start[1] + count[1]; j++) {
            *out++ = (float)((intptr_t)ctx + i * 10 + j);
        }
    }
    return FF_OK;
}

struct ff_doc *sample(int salt)
{
    static const int64_t shape[2] = {6, 10}, chunk[2] = {2, 10};
    struct ff_array_params p = {.struct_size = FF_SIZE(ff_array_params, options),
                                .ndim = 2,
                                .descr = "<f4",
                                .shape = shape,
                                .chunk = chunk,
                                .fill = fill,
                                .ctx = (void *)(intptr_t)salt};
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_doc_new(&e);
    struct ff_value v = ff_new_dict(d, &e);
    (void)ff_set(d, v, "field", ff_new_array_take(d, ff_array_new(&p, &e), &e), &e);
    (void)ff_set(d, v, "n", ff_new_int(d, salt, &e), &e);
    (void)ff_doc_set_root(d, v, &e);
    ck_assert_msg(e.code == FF_OK, "%s", e.message);
    return d;
}

void save_sample(struct fixture *f, const char *task, int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = sample(salt);
    (void)ff_save(f->storage, "run", task, ff_doc_root(d), NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s: %s (%s)", where_names[f->where], e.place,
                  e.message, e.fix);
    ff_doc_free(d);
}

void expect_elements(const struct ff_array *a, int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    float out[60];
    ck_assert_ptr_nonnull(a);
    (void)ff_array_read(a, NULL, out, NULL, NULL, &e);
    ck_assert_msg(e.code == FF_OK, "%s: %s", e.place, e.message);
    for (int i = 0; i < 60; i++) {
        if (out[i] != (float)(salt + i)) {
            ck_abort_msg("element %d is %g, not %d", i, (double)out[i], salt + i);
        }
    }
}

void expect_sample(struct ff_value v, int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    const struct ff_array *a = ff_array(ff_get(v, "field"), &e);
    int64_t n = -1;
    ck_assert_msg(a != NULL, "%s: %s (%s)", e.place, e.message, e.fix);
    expect_elements(a, salt);
    ck_assert_int_eq(ff_int64(ff_get(v, "n"), &n, &e), FF_OK);
    ck_assert_int_eq(n, salt);
}

void expect_sample_at(struct fixture *f, const char *workflow, const char *task, int salt)
{
    struct ff_error e = FF_ERROR_INIT;
    struct ff_doc *d = ff_read_task(f->storage, workflow, task, NULL, &e);
    ck_assert_msg(d != NULL, "%s: %s: %s (%s)", where_names[f->where], e.place, e.message,
                  e.fix);
    expect_sample(ff_doc_root(d), salt);
    ff_doc_free(d);
}

static int count_one(void *ctx, const struct ff_finding *found)
{
    *(int *)ctx += strcmp(found->what, "orphan") == 0;
    return 0;
}

int count_orphans(struct fixture *f, int really)
{
    struct ff_gc_options o = {.struct_size = FF_SIZE(ff_gc_options, assume_lost),
                              .really = really};
    int n = 0;
    CHECK_OK(ff_gc(f->storage, NULL, &o, count_one, &n, ee));
    return n;
}
