/* SPDX-License-Identifier: Apache-2.0 */
/* remove.c: DELETE: many at once, one, and one under a condition. */
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/digest.h"
#include "s3.h"

enum { DOCUMENT_MAX_BYTES = 8 << 20 };

/* ---- one ---- */

static void on_removed(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_error e = r->error;
    int code = r->code == FF_E_NOT_FOUND ? FF_OK : r->code;

    ff_s3_request_end(item->root, r);
    ff_s3_item_end(item, code, &e);
}

/* Whether the answer was lost and the object is still there: then once more. */
static int remove_once(struct ff_s3_root *root, struct ff_s3_request *r, const char *key,
                       struct ff_error *e)
{
    int code = r->code;

    if (r->ambiguous) {
        return ff_fail(e, FF_E_UNKNOWN_OUTCOME, key,
                       "the answer was lost, and it cannot be known whether it was "
                       "removed: %s",
                       r->error.message);
    }
    (void)root;
    if (code == FF_E_CONFLICT || code == FF_E_NOT_FOUND) {
        return ff_fail(e, FF_E_CONFLICT, key, "it is not as the condition wants it");
    }
    if (code && e && !e->code) {
        *e = r->error;
    }
    return code;
}

/* AWS and others answer 204 for what is not there, whatever the condition: so it is looked at
 * first, also where the server knows the condition. */
static int remove_if(struct ff_s3_item *item, struct ff_error *e)
{
    struct ff_s3_root *root = item->root;
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_DELETE, item->key);
    const char *if_match = item->io->if_match;
    bool native = root->facts.remove_if_match != FF_S3_CANNOT;
    char tag[80];
    int code = r ? ff_s3_tag_of(root, item->key, tag, NULL, item->call, e)
                 : ff_fail(e, FF_E_NO_MEMORY, item->key, "no memory for a request");

    if (!code && strcmp(tag, if_match)) {
        code =
            ff_fail(e, FF_E_CONFLICT, item->key, "it is not as the condition wants it");
    }
    if (!code && native && ff_s3_request_header(r, "if-match", if_match)) {
        code = ff_fail(e, FF_E_NO_MEMORY, item->key, "no memory for a header");
    }
    if (!code) {
        r->once = true;
        (void)ff_s3_perform(root, r, item->call, NULL);
        code = remove_once(root, r, item->key, e);
    }
    ff_s3_request_end(root, r);
    return code;
}

static void remove_on_condition(struct ff_s3_item *item)
{
    struct ff_error e = FF_ERROR_INIT;
    char tag[80];
    int code;

    if (!*item->io->if_match) { /* only when absent: there is nothing to do */
        code = ff_s3_tag_of(item->root, item->key, tag, NULL, item->call, &e);
        if (!code && *tag) {
            code = ff_fail(&e, FF_E_CONFLICT, item->key,
                           "it is not as the condition wants it");
        }
        ff_s3_item_end(item, code, &e);
        return;
    }
    code = ff_s3_probe(item->root, item->call, &e);
    code = code ? code : ff_s3_key_lock(item->root, item->key, &e);
    if (!code) {
        code = remove_if(item, &e);
        ff_s3_key_unlock(item->root, item->key);
    }
    ff_s3_item_end(item, code, &e);
}

void ff_s3_remove(struct ff_s3_item *item)
{
    struct ff_s3_request *r;

    if (item->io->if_match) {
        remove_on_condition(item);
        return;
    }
    r = ff_s3_item_request(item, FF_S3_DELETE);
    if (r) {
        item->step = on_removed;
        ff_s3_item_send(item, r);
    }
}

/* ---- many ---- */

/* What one request removes; the first item carries it. */
struct group {
    size_t count;
    struct ff_s3_item *items[FF_S3_BULK_COUNT]; /* sorted by key */
    int codes[FF_S3_BULK_COUNT];
    char why[FF_S3_BULK_COUNT][64];
    char key[FF_S3_KEY_BYTES + 1], code[64]; /* of the <Error> that is being read */
    bool answered;
};

static int by_key(const void *a, const void *b)
{
    const struct ff_s3_item *const *x = a, *const *y = b;

    return strcmp((*x)->key, (*y)->key);
}

static int append_escaped(struct ff_buf *out, const char *key)
{
    int rc = 0;

    for (const char *c = key; rc == 0 && *c; c++) {
        rc = *c == '&'   ? ff_buf_append_text(out, "&amp;")
             : *c == '<' ? ff_buf_append_text(out, "&lt;")
             : *c == '>' ? ff_buf_append_text(out, "&gt;")
                         : ff_buf_append_byte(out, (uint8_t)*c);
    }
    return rc;
}

static int write_document(const struct group *g, struct ff_buf *out)
{
    int rc =
        ff_buf_append_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Delete "
                                "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                                "<Quiet>true</Quiet>");

    for (size_t i = 0; rc == 0 && i < g->count; i++) {
        rc = ff_buf_append_text(out, "<Object><Key>");
        rc = rc ? rc : append_escaped(out, g->items[i]->key);
        rc = rc ? rc : ff_buf_append_text(out, "</Key></Object>");
    }
    return rc ? rc : ff_buf_append_text(out, "</Delete>");
}

/* Swift and others want MD5, Amazon a newer one: both. */
static int add_digests(struct ff_s3_request *r, const struct ff_buf *document)
{
    static const struct {
        enum ff_digest_kind kind;
        const char *header;
    } digests[] = {{FF_DIGEST_MD5, "content-md5"},
                   {FF_DIGEST_SHA256, "x-amz-checksum-sha256"}};
    uint8_t digest[FF_DIGEST_MAX_BYTES];
    int rc = ff_s3_request_header(r, "content-type", "application/xml");

    for (size_t i = 0; rc == 0 && i < 2; i++) {
        struct ff_buf text;

        ff_buf_init(&text, 100);
        rc =
            ff_digest_of(digests[i].kind, document->data, document->length_bytes, digest);
        rc = rc ? rc
                : ff_s3_base64(digest,
                               digests[i].kind == FF_DIGEST_MD5 ? FF_MD5_BYTES
                                                                : FF_SHA256_BYTES,
                               &text);
        rc = rc ? rc : ff_s3_request_header(r, digests[i].header, ff_buf_text(&text));
        ff_buf_free(&text);
    }
    return rc;
}

static size_t find_key(const struct group *g, const char *key)
{
    size_t low = 0, high = g->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(g->items[middle]->key, key);

        if (order == 0) {
            return middle;
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return g->count;
}

static int code_of(const char *code)
{
    return !strcmp(code, "AccessDenied") ? FF_E_PERMISSION : FF_E_NETWORK;
}

static int read_errors(void *ctx, const char *path, char *text)
{
    struct group *g = ctx;
    size_t i;

    if (!text) {
        g->answered |= !strcmp(path, "DeleteResult");
        return 0;
    }
    if (!strcmp(path, "DeleteResult/Error/Key")) {
        (void)snprintf(g->key, sizeof g->key, "%s", text);
    } else if (!strcmp(path, "DeleteResult/Error/Code")) {
        (void)snprintf(g->code, sizeof g->code, "%s", text);
    } else if (!strcmp(path, "DeleteResult/Error")) {
        i = find_key(g, g->key);
        if (i < g->count && strcmp(g->code, "NoSuchKey")) {
            g->codes[i] = code_of(g->code);
            (void)snprintf(g->why[i], sizeof g->why[i], "%s", g->code);
        }
        g->key[0] = g->code[0] = '\0';
    }
    return 0;
}

/* Each by itself. */
static void one_by_one(struct ff_s3_item *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ff_s3_remove(items[i]);
    }
}

/* The server has no DeleteObjects, or does not take ours. */
static bool is_refused(const struct ff_s3_request *r)
{
    return r->code == FF_E_UNSUPPORTED || (r->code && r->answer.status == 400) ||
           (r->code == FF_E_NOT_FOUND);
}

static void end_each(struct group *g, const struct ff_s3_request *r)
{
    for (size_t i = 0; i < g->count; i++) {
        struct ff_error e = r->error;
        int code = r->code;

        if (!code && g->codes[i]) {
            code = ff_fail(&e, g->codes[i], g->items[i]->key,
                           "the server does not remove it: %s", g->why[i]);
        }
        ff_s3_item_end(g->items[i], code, &e);
    }
}

static void on_many(struct ff_s3_item *item, struct ff_s3_request *r)
{
    struct ff_s3_root *root = item->root;
    struct group *g = item->state;

    item->state = NULL;
    if (!r->code) {
        struct ff_error e = FF_ERROR_INIT;
        int code = ff_s3_xml((const char *)r->text.data, r->text.length_bytes,
                             read_errors, g, &e);

        if (code || !g->answered) {
            r->error = (struct ff_error)FF_ERROR_INIT;
            r->code = ff_fail(&r->error, FF_E_NETWORK, item->key,
                              "the answer to many removals cannot be read");
        }
    }
    if (is_refused(r)) {
        ff_s3_log(root, FF_LOG_INFO, "S3: %s has no DeleteObjects: each key by itself",
                  root->options.host);
        atomic_store(&root->no_bulk, true);
        one_by_one(g->items, g->count);
    } else {
        end_each(g, r);
    }
    ff_free(g);
    ff_s3_request_end(root, r);
}

static struct ff_s3_request *bulk_request(struct ff_s3_root *root, const struct group *g,
                                          struct ff_error *e)
{
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_POST, "");
    struct ff_buf document;
    int rc;

    ff_buf_init(&document, DOCUMENT_MAX_BYTES);
    rc = r ? write_document(g, &document) : -1;
    rc = rc ? rc : ff_s3_request_query(r, "delete", "");
    rc = rc ? rc : add_digests(r, &document);
    if (rc == 0) {
        size_t length = 0;

        r->body_owned = ff_aligned_alloc(document.length_bytes);
        if (r->body_owned) {
            length = document.length_bytes;
            memcpy(r->body_owned, document.data, length);
            atomic_fetch_add(&root->body_bytes, length);
        }
        rc = r->body_owned ? ff_s3_body_set(root, r, r->body_owned, length, e) : -1;
    }
    ff_buf_free(&document);
    if (rc) {
        (void)ff_fail(e, FF_E_NO_MEMORY, NULL, "no memory for a request");
        ff_s3_request_end(root, r);
        return NULL;
    }
    r->is_xml = true;
    return r;
}

void ff_s3_remove_many(struct ff_s3_item **items, size_t count)
{
    struct ff_s3_root *root = items[0]->root;
    struct group *g = count > 1 ? ff_calloc(1, sizeof *g) : NULL;
    struct ff_error e = FF_ERROR_INIT;
    struct ff_s3_request *r = NULL;

    if (g) {
        g->count = count;
        memcpy(g->items, items, count * sizeof *items);
        qsort(g->items, count, sizeof *g->items, by_key);
        r = bulk_request(root, g, &e);
    }
    if (!r) {
        one_by_one(items, count);
        ff_free(g);
        return;
    }
    items[0]->state = g;
    items[0]->step = on_many;
    ff_s3_item_send(items[0], r);
}
