/* SPDX-License-Identifier: Apache-2.0 */
/* subject.c: the protocol that the contract suite is about; see contract.h. */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "contract.h"

struct subject subject;
static const char *json;
static const char *const *plugin_files;
static size_t plugin_file_count;

/* ---- the subject ---- */

void subject_is(const char *storage, const char *const *files, size_t count)
{
    json = storage;
    plugin_files = files;
    plugin_file_count = count;
}

static void fill_in(char *out, size_t size)
{
    const char *at = strstr(json, "@DIR@");

    if (at) {
        (void)snprintf(out, size, "%.*s%s%s", (int)(at - json), json, subject.folder,
                       at + strlen("@DIR@"));
    } else {
        (void)snprintf(out, size, "%s", json);
    }
}

static const void *need(void *bound, const char *id)
{
    const void *table = subject.protocol->query(bound, id);

    CASE_MSG(table != NULL, "every protocol has %s", id);
    return table;
}

/* A medium for reading alone says so, and then there is nothing that could be tried on it. */
static void need_writable(void)
{
    struct ff_error e = FF_ERROR_INIT;
    int code = subject.commit->make_workflow(subject.commit, "wf", NULL, &e);

    if (code == FF_E_UNSUPPORTED) {
        case_skip("it cannot be written to: %s", e.message);
    }
    CASE_MSG(!code, "ff.commit/1, make_workflow\n  it gave %d (%s: %s)", code, e.place,
             e.message);
}

void subject_open(void)
{
    char text[1024];

    memset(&subject, 0, sizeof subject);
    stub_host_init(&subject.host, plugin_files, plugin_file_count);
    (void)snprintf(subject.folder, sizeof subject.folder, "/tmp/ff-contract-XXXXXX");
    CASE_ASSERT(mkdtemp(subject.folder) != NULL);
    fill_in(text, sizeof text);
    CLAUSE_OK(stub_host_open(&subject.host, text, &subject.protocol, &subject.inst, e),
              "create");
    CLAUSE_OK(subject.protocol->bind(subject.inst, "", &subject.root, NULL, e),
              "bind: \"\" is the root");
    subject.root_objects = need(subject.root, FF_OBJECTS_1);
    subject.commit = subject.protocol->query(subject.root, FF_COMMIT_1);
    if (!subject.commit) {
        CLAUSE_OK(ff_commit_derive(subject.root_objects, &subject.host.services,
                                   &subject.host.sys, &subject.derived, e),
                  "derived");
        subject.commit = subject.derived;
    }
    need_writable();
    CLAUSE_OK(
        subject.protocol->bind(subject.inst, "wf/bigdata", &subject.bigdata, NULL, e),
        "bind: a folder below the root");
    subject.objects = need(subject.bigdata, FF_OBJECTS_1);
    subject.files = subject.protocol->query(subject.bigdata, FF_FILES_1);
}

static int remove_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void subject_close(void)
{
    ff_commit_derived_free(subject.derived);
    subject.protocol->unbind(subject.bigdata);
    subject.protocol->unbind(subject.root);
    subject.protocol->destroy(subject.inst);
    (void)nftw(subject.folder, remove_it, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- short ways ---- */

int read_bytes(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
               const struct ff_call *call, struct ff_error *e)
{
    const struct bytes *b = ctx;

    (void)call;
    if (offset > b->size_bytes || size_bytes > b->size_bytes - offset) {
        return ff_fail(e, FF_E_PLUGIN, NULL, "source: asked for bytes past the size");
    }
    if (size_bytes) {
        memcpy(dst, b->data + offset, size_bytes);
    }
    return FF_OK;
}

int put_text(const struct ff_objects *objects, const char *name, const char *text,
             const char *if_match, char *tag, struct ff_error *e)
{
    struct bytes bytes = {text, strlen(text)};
    struct ff_one_io one;
    int rc;

    memset(&one, 0, sizeof one);
    one.io.size_bytes = bytes.size_bytes;
    one.io.source = read_bytes;
    one.io.source_ctx = &bytes;
    one.io.if_match = if_match;
    rc = ff_one_run(objects, &one, FF_PUT, name, NULL, e);
    if (!rc && tag) {
        memcpy(tag, one.io.tag, sizeof one.io.tag);
    }
    return rc;
}

int get_range(const struct ff_objects *objects, const char *name, uint64_t offset,
              char *dst, uint64_t size, uint64_t *came, uint64_t *whole, char *tag,
              struct ff_error *e)
{
    struct ff_one_io one;
    int rc;

    memset(&one, 0, sizeof one);
    one.dst = dst;
    one.dst_bytes = size;
    one.io.offset_bytes = offset;
    one.io.size_bytes = size;
    rc = ff_one_run(objects, &one, FF_GET, name, NULL, e);
    if (!rc && came) {
        *came = one.io.size_bytes;
    }
    if (!rc && whole) {
        *whole = one.io.object_bytes;
    }
    if (!rc && tag) {
        memcpy(tag, one.io.tag, sizeof one.io.tag);
    }
    return rc;
}

bool is_text(const struct ff_objects *objects, const char *name, const char *text)
{
    char data[4096];
    uint64_t came = 0, whole = 0;

    return !get_range(objects, name, 0, data, sizeof data, &came, &whole, NULL, NULL) &&
           came == whole && came == strlen(text) && !memcmp(data, text, (size_t)came);
}

int remove_if(const struct ff_objects *objects, const char *name, const char *if_match,
              struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.io.if_match = if_match;
    return ff_one_run(objects, &one, FF_REMOVE, name, NULL, e);
}

int copy_if(const struct ff_objects *objects, const char *from, const char *to,
            const char *if_match, struct ff_error *e)
{
    struct ff_one_io one;

    memset(&one, 0, sizeof one);
    one.io.from = from;
    one.io.if_match = if_match;
    return ff_one_run(objects, &one, FF_COPY, to, NULL, e);
}

int exists(const struct ff_objects *objects, const char *name)
{
    int code = ff_head(objects, name, NULL, NULL, NULL, NULL);

    CLAUSE(code == FF_OK || code == FF_E_NOT_FOUND || code == FF_E_USAGE,
           "head: it is there, or not found");
    return code == FF_OK;
}

bool medium_is_atomic(void)
{
    const struct ff_s3 *s3 = subject.protocol->query(subject.root, FF_S3_1);
    struct ff_s3_facts facts = {.struct_size = FF_SIZE(ff_s3_facts, server)};

    if (!s3) {
        return true;
    }
    CLAUSE_OK(s3->facts(s3, 0, &facts, NULL, e), "ff.s3/1, facts");
    return facts.put_if_absent == FF_S3_CAN && facts.put_if_match == FF_S3_CAN;
}

static int is_cancelled(const struct ff_call *call)
{
    return atomic_load(&((struct cancel *)call->ctx)->flag);
}

void cancel_init(struct cancel *c)
{
    *c = (struct cancel){.call = {.struct_size = FF_SIZE(ff_call, cancelled),
                                  .ctx = c,
                                  .cancelled = is_cancelled}};
    atomic_init(&c->flag, 0);
}
