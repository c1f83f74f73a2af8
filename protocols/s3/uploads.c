/* SPDX-License-Identifier: Apache-2.0 */
/* uploads.c: multipart uploads that nobody completed: they cost money, and no list of objects
 * shows them. ListMultipartUploads, page by page, and AbortMultipartUpload. And keys of probes. */
#include <string.h>

#include "core/base/name.h"
#include "core/base/alloc.h"
#include "s3.h"

enum { MARKER_BYTES = 4096, MAX_PAGES = 100000, MAX_PROBES = 10000 };

/* A probe takes seconds: one that is this old has ended. */
#define PROBE_NS ((int64_t)600 * 1000000000)

#define ROOT "ListMultipartUploadsResult"

struct uploads {
    struct ff_s3_bound *bound;
    int (*each)(void *ctx, const struct ff_leftover *);
    void *ctx;
    int told, code;
    struct ff_error error;
    char key[3 * FF_S3_KEY_BYTES +
             1]; /* of the one that is being read; encoded at first */
    char id[MARKER_BYTES];
    int64_t begun_ns;
    bool encoded, truncated, is_list;
    char key_marker[MARKER_BYTES], id_marker[MARKER_BYTES];
};

static void bad(struct uploads *u, const char *why)
{
    u->code = u->code ? u->code
                      : ff_fail(&u->error, FF_E_CORRUPT, u->bound->folder,
                                "the list of uploads %s", why);
}

static void copy(struct uploads *u, char *to, size_t size, const char *text)
{
    if (strlen(text) >= size) {
        bad(u, "has a text that is too long");
        return;
    }
    memcpy(to, text, strlen(text) + 1);
}

static int read_facts(void *ctx, const char *path, char *text)
{
    struct uploads *u = ctx;
    const char *name = strncmp(path, ROOT "/", sizeof ROOT) ? "" : path + sizeof ROOT;

    if (!text) {
        u->is_list |= !strcmp(path, ROOT);
    } else if (!strcmp(name, "EncodingType")) {
        u->encoded = !strcmp(text, "url");
    } else if (!strcmp(name, "IsTruncated")) {
        u->truncated = !strcmp(text, "true");
    } else if (!strcmp(name, "NextKeyMarker")) {
        copy(u, u->key_marker, sizeof u->key_marker, text);
    } else if (!strcmp(name, "NextUploadIdMarker")) {
        copy(u, u->id_marker, sizeof u->id_marker, text);
    }
    return u->code;
}

/* Only what lies below the folder: a server may ignore the prefix. */
static void tell(struct uploads *u)
{
    size_t folder_bytes = strlen(u->bound->folder);
    struct ff_leftover found = {
        .struct_size = FF_SIZE(ff_leftover, id), .begun_ns = u->begun_ns, .id = u->id};

    if (u->encoded && !ff_s3_decode(u->key)) {
        bad(u, "has a key that is not encoded as it says");
        return;
    }
    if (!strncmp(u->key, u->bound->folder, folder_bytes) && *u->id &&
        ff_is_object_name(u->key + folder_bytes)) {
        found.name = u->key + folder_bytes;
        u->told = u->each(u->ctx, &found);
    }
}

static int read_uploads(void *ctx, const char *path, char *text)
{
    struct uploads *u = ctx;
    const char *name = strncmp(path, ROOT "/", sizeof ROOT) ? "" : path + sizeof ROOT;

    if (!strcmp(name, "Upload") && !text) {
        u->key[0] = u->id[0] = '\0';
        u->begun_ns = 0;
    } else if (!strcmp(name, "Upload")) {
        tell(u);
    } else if (text && !strcmp(name, "Upload/Key")) {
        copy(u, u->key, sizeof u->key, text);
    } else if (text && !strcmp(name, "Upload/UploadId")) {
        copy(u, u->id, sizeof u->id, text);
    } else if (text && !strcmp(name, "Upload/Initiated") &&
               !ff_s3_time(text, &u->begun_ns)) {
        bad(u, "has one without a time");
    }
    return u->told || u->code;
}

static int make_query(const struct uploads *u, struct ff_s3_request *r)
{
    int rc = ff_s3_request_query(r, "encoding-type", "url");

    if (*u->key_marker) {
        rc = rc ? rc : ff_s3_request_query(r, "key-marker", u->key_marker);
    }
    rc = rc ? rc : ff_s3_request_query(r, "max-uploads", "1000");
    rc = rc ? rc : ff_s3_request_query(r, "prefix", u->bound->folder);
    if (*u->key_marker && *u->id_marker) {
        rc = rc ? rc : ff_s3_request_query(r, "upload-id-marker", u->id_marker);
    }
    return rc ? rc : ff_s3_request_query(r, "uploads", "");
}

static int get_page(struct uploads *u, struct ff_s3_request **out,
                    const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_GET, "");

    if (!r || make_query(u, r)) {
        ff_s3_request_free(r);
        return ff_fail(e, FF_E_NO_MEMORY, u->bound->folder, "no memory for a request");
    }
    r->is_xml = true;
    *out = r;
    return ff_s3_perform(u->bound->root, r, call, e);
}

static int read_page(struct uploads *u, const struct ff_s3_request *r, bool *more,
                     struct ff_error *e)
{
    const char *text = (const char *)r->text.data;
    char key[MARKER_BYTES], id[MARKER_BYTES];
    int code;

    memcpy(key, u->key_marker, sizeof key);
    memcpy(id, u->id_marker, sizeof id);
    u->encoded = u->truncated = u->is_list = false;
    u->key_marker[0] = u->id_marker[0] = '\0';
    code = ff_s3_xml(text, r->text.length_bytes, read_facts, u, e);
    if (!code && !u->is_list) {
        bad(u, "is none");
    }
    if (!code && !u->code) {
        code = ff_s3_xml(text, r->text.length_bytes, read_uploads, u, e);
    }
    *more = !code && !u->code && !u->told && u->truncated;
    if (*more && u->encoded && !ff_s3_decode(u->key_marker)) {
        bad(u, "goes on at a key that is not encoded as it says");
    }
    if (*more &&
        (!*u->key_marker || (!strcmp(key, u->key_marker) && !strcmp(id, u->id_marker)))) {
        bad(u, "says that more follows, and not where");
    }
    return code;
}

static int list_all(struct uploads *u, int64_t *now_ns, const struct ff_call *call,
                    struct ff_error *e)
{
    struct ff_s3_root *root = u->bound->root;
    bool more = true;
    int code = FF_OK;

    for (int page = 0; !code && !u->code && more && page < MAX_PAGES; page++) {
        struct ff_s3_request *r = NULL;

        code = get_page(u, &r, call, e);
        if (!code && now_ns && !page) {
            *now_ns = r->answer.date_ns ? r->answer.date_ns
                                        : ff_sys_now_ns(root->sys, CLOCK_REALTIME);
        }
        code = code ? code : read_page(u, r, &more, e);
        ff_s3_request_end(root, r);
    }
    return code;
}

/* ---- probes whose process died ---- */

struct old {
    char name[sizeof FF_S3_PROBE + 40];
    int64_t mtime_ns;
};

static int keep_probe(void *ctx, const struct ff_io *io)
{
    struct old *one =
        io->is_folder || strlen(io->name) >= sizeof one->name ? NULL : ff_vec_push(ctx);

    if (one) {
        (void)snprintf(one->name, sizeof one->name, "%s", io->name);
        one->mtime_ns = io->mtime_ns;
    }
    return 0; /* what there is no room for the next gc finds */
}

static int tell_probes(struct ff_s3_bound *b,
                       int (*each)(void *ctx, const struct ff_leftover *), void *ctx,
                       const struct ff_call *call, struct ff_error *e)
{
    struct ff_vec all; /* struct old */
    int64_t now_ns = 0;
    int code;

    ff_vec_init(&all, sizeof(struct old), MAX_PROBES);
    code = ff_s3_list(&b->objects, FF_S3_PROBE, 1, keep_probe, &all, &now_ns, call, e);
    for (size_t i = 0; !code && i < all.count; i++) {
        const struct old *one = ff_vec_at(&all, i);
        struct ff_leftover found = {.struct_size = FF_SIZE(ff_leftover, id),
                                    .begun_ns = one->mtime_ns,
                                    .name = one->name,
                                    .id = ""};

        code = now_ns - one->mtime_ns < PROBE_NS ? FF_OK : each(ctx, &found);
    }
    ff_vec_free(&all);
    return code;
}

int ff_s3_uploads(const struct ff_leftovers *self,
                  int (*each)(void *ctx, const struct ff_leftover *), void *ctx,
                  int64_t *now_ns, const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_bound *b = FF_S3_BOUND(self, leftovers);
    struct uploads *u = ff_calloc(1, sizeof *u);
    int code;

    if (!u) {
        return ff_fail(e, FF_E_NO_MEMORY, b->folder, "no memory for a list");
    }
    u->bound = b;
    u->each = each;
    u->ctx = ctx;
    code = list_all(u, now_ns, call, e);
    if (!code && u->code) {
        code = u->code;
        ff_error_copy(e, &u->error);
    }
    code = code ? code : u->told;
    ff_free(u);
    if (!code && !strcmp(b->folder, b->root->options.prefix)) {
        code = tell_probes(b, each, ctx, call, e);
    }
    return code;
}

int ff_s3_abort(const struct ff_leftovers *self, const char *name, const char *id,
                const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_bound *b = FF_S3_BOUND(self, leftovers);
    struct ff_s3_request *r = NULL;
    struct ff_error own = FF_ERROR_INIT;
    char *key = NULL;
    int code = *id || !strncmp(name, FF_S3_PROBE, strlen(FF_S3_PROBE))
                   ? ff_s3_key(b, name, &key, e)
                   : ff_fail(e, FF_E_USAGE, name, "not what was left");

    r = code ? NULL : ff_s3_request_new(FF_S3_DELETE, key);
    ff_free(key);
    if (!code && (!r || (*id && ff_s3_request_query(r, "uploadId", id)))) {
        ff_s3_request_free(r);
        return ff_fail(e, FF_E_NO_MEMORY, name, "no memory for a request");
    }
    if (code) {
        return code;
    }
    code = ff_s3_perform(b->root, r, call, &own);
    ff_s3_request_end(b->root, r);
    if (code == FF_E_NOT_FOUND) { /* somebody else was faster, or it was completed */
        return FF_OK;
    }
    if (code) {
        ff_error_copy(e, &own);
    }
    return code;
}
