/* SPDX-License-Identifier: Apache-2.0 */
/* list.c: ListObjectsV2, page by page; version 1 where a server knows no other. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/name.h"
#include "core/base/alloc.h"
#include "s3.h"

enum { TOKEN_BYTES = 4096, MAX_EMPTY_PAGES = 3 };

struct entry {
    char key[3 * FF_S3_KEY_BYTES + 1]; /* encoded at first */
    char tag[128];
    uint64_t size_bytes;
    int64_t modified_ns;
};

struct listing {
    int64_t newest_ns; /* of what was listed */
    struct ff_s3_bound *bound;
    const char *full; /* the prefix in the bucket */
    int one_level;
    int (*each)(void *, const struct ff_io *);
    void *ctx;
    int told; /* what each() returned */
    int code; /* the page is not as it must be */
    struct ff_error error;
    struct entry now;
    bool encoded, truncated, is_list;
    size_t page_count;
    char token[TOKEN_BYTES], marker[TOKEN_BYTES];
    char last[FF_S3_KEY_BYTES + 1]; /* the last key: version 1 goes on behind it */
};

static void bad(struct listing *l, const char *why)
{
    l->code =
        l->code ? l->code : ff_fail(&l->error, FF_E_CORRUPT, l->full, "the list %s", why);
}

/* ---- one entry ---- */

bool ff_s3_time(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    int64_t part = 0, unit = 100000000;

    if (!end) {
        return false;
    }
    if (*end == '.') {
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10) {
            part += unit * (*end - '0');
        }
    }
    *ns = (int64_t)timegm(&tm) * 1000000000 + part;
    return true;
}

static bool parse_size(const char *text, uint64_t *out)
{
    uint64_t n = 0;

    if (!*text) {
        return false;
    }
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n)) {
            return false;
        }
    }
    *out = n;
    return true;
}

/* Keys of others that are no names of ours: not told, and never acted on. */
static void pass_over(struct listing *l)
{
    struct ff_s3_root *root = l->bound->root;

    if (!atomic_exchange(&root->warned_names, true)) {
        ff_s3_log(root, FF_LOG_WARNING,
                  "S3: keys below \"%s\" that are no names are passed over", l->full);
    }
}

static void tell(struct listing *l, bool is_folder)
{
    size_t folder_bytes = strlen(l->bound->folder), full_bytes = strlen(l->full);
    struct entry *n = &l->now;
    struct ff_io io = {.struct_size = FF_SIZE(ff_io, is_folder)};
    size_t length = strlen(n->key);

    l->page_count++;
    if (length > FF_S3_KEY_BYTES) {
        bad(l, "has a key that is too long");
        return;
    }
    if (strncmp(n->key, l->full, full_bytes)) {
        bad(l, "has keys that were not asked for");
        return;
    }
    if (!is_folder) {
        memcpy(l->last, n->key, length + 1);
    }
    if (is_folder && length > full_bytes && n->key[length - 1] == '/') {
        n->key[length - 1] = '\0';
    } else if (!is_folder && length && n->key[length - 1] == '/') {
        return; /* an empty object that other tools call a folder */
    }
    if (!ff_is_object_name(n->key + folder_bytes)) {
        pass_over(l);
        return;
    }
    io.name = n->key + folder_bytes;
    io.object_bytes = n->size_bytes;
    io.mtime_ns = n->modified_ns;
    l->newest_ns = n->modified_ns > l->newest_ns ? n->modified_ns : l->newest_ns;
    io.is_folder = is_folder;
    if (strlen(n->tag) < sizeof io.tag) {
        memcpy(io.tag, n->tag, strlen(n->tag) + 1);
    }
    l->told = l->each(l->ctx, &io);
}

static void set_key(struct listing *l, const char *text)
{
    if (strlen(text) >= sizeof l->now.key) {
        bad(l, "has a key that is too long");
        return;
    }
    memcpy(l->now.key, text, strlen(text) + 1);
    if (l->encoded && !ff_s3_decode(l->now.key)) {
        bad(l, "has a key that is not encoded as it says");
    }
}

static void read_entry(struct listing *l, const char *name, char *text)
{
    struct entry *n = &l->now;

    if (!strcmp(name, "Key")) {
        set_key(l, text);
    } else if (!strcmp(name, "Size") && !parse_size(text, &n->size_bytes)) {
        bad(l, "has an object without a size");
    } else if (!strcmp(name, "LastModified") && !ff_s3_time(text, &n->modified_ns)) {
        bad(l, "has an object without a time");
    } else if (!strcmp(name, "ETag")) {
        (void)snprintf(n->tag, sizeof n->tag, "%s", text);
    }
}

/* ---- a page ---- */

/* EncodingType comes before or after the keys: the first pass is for it alone. */
static int read_facts(void *ctx, const char *path, char *text)
{
    struct listing *l = ctx;
    const char *name = strncmp(path, "ListBucketResult/", 17) ? "" : path + 17;

    if (!text) {
        l->is_list |= !strcmp(path, "ListBucketResult");
    } else if (!strcmp(name, "EncodingType")) {
        l->encoded = !strcmp(text, "url");
    } else if (!strcmp(name, "IsTruncated")) {
        l->truncated = !strcmp(text, "true");
    } else if (!strcmp(name, "NextContinuationToken")) {
        (void)snprintf(l->token, sizeof l->token, "%s", text);
        if (strlen(text) >= sizeof l->token) {
            bad(l, "has a token that is too long");
        }
    } else if (!strcmp(name, "NextMarker")) {
        (void)snprintf(l->marker, sizeof l->marker, "%s", text);
    }
    return l->code;
}

static int read_entries(void *ctx, const char *path, char *text)
{
    struct listing *l = ctx;
    const char *name = strncmp(path, "ListBucketResult/", 17) ? "" : path + 17;

    if (!strcmp(name, "Contents") || !strcmp(name, "CommonPrefixes")) {
        if (!text) {
            memset(&l->now, 0, sizeof l->now);
        } else {
            tell(l, name[1] == 'o' && name[2] == 'm');
        }
    } else if (text && !strncmp(name, "Contents/", 9)) {
        read_entry(l, name + 9, text);
    } else if (text && !strcmp(name, "CommonPrefixes/Prefix")) {
        set_key(l, text);
    }
    return l->told || l->code;
}

static int make_query(const struct listing *l, struct ff_s3_request *r, bool v1)
{
    int rc = 0;

    if (!v1 && *l->token) {
        rc = ff_s3_request_query(r, "continuation-token", l->token);
    }
    if (l->one_level) {
        rc = rc ? rc : ff_s3_request_query(r, "delimiter", "/");
    }
    rc = rc ? rc : ff_s3_request_query(r, "encoding-type", "url");
    if (!v1) {
        rc = rc ? rc : ff_s3_request_query(r, "list-type", "2");
    }
    if (v1 && *l->marker) {
        rc = rc ? rc : ff_s3_request_query(r, "marker", l->marker);
    }
    rc = rc ? rc : ff_s3_request_query(r, "max-keys", "1000");
    return rc ? rc : ff_s3_request_query(r, "prefix", l->full);
}

static int get_page(struct listing *l, struct ff_s3_request **out, bool v1,
                    const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_request *r = ff_s3_request_new(FF_S3_GET, "");

    if (!r || make_query(l, r, v1)) {
        ff_s3_request_free(r);
        return ff_fail(e, FF_E_NO_MEMORY, l->full, "no memory for a request");
    }
    r->is_xml = true;
    *out = r;
    return ff_s3_perform(l->bound->root, r, call, e);
}

/* Whether there is a next page; a server that never ends is an error. */
static bool next_page(struct listing *l, const char *old_token, const char *old_marker,
                      bool *v1)
{
    if (!l->truncated || l->told || l->code) {
        return false;
    }
    if (!*l->token && (*l->marker || *l->last)) { /* it has answered as version 1 does */
        *v1 = true;
        if (!*l->marker || !strcmp(l->marker, old_marker)) {
            (void)snprintf(l->marker, sizeof l->marker, "%s", l->last);
        } else if (l->encoded && !ff_s3_decode(l->marker)) {
            bad(l, "goes on at a key that is not encoded as it says");
        }
    }
    if (*v1 ? !*l->marker || !strcmp(l->marker, old_marker)
            : !*l->token || !strcmp(l->token, old_token)) {
        bad(l, "says that more follows, and not where");
    }
    return !l->code;
}

static int read_page(struct listing *l, struct ff_s3_request *r, bool *more, bool *v1,
                     struct ff_error *e)
{
    char old_token[TOKEN_BYTES], old_marker[TOKEN_BYTES];
    const char *text = (const char *)r->text.data;
    int code;

    memcpy(old_token, l->token, sizeof old_token);
    memcpy(old_marker, l->marker, sizeof old_marker);
    l->token[0] = '\0';
    l->encoded = l->truncated = l->is_list = false;
    l->page_count = 0;
    code = ff_s3_xml(text, r->text.length_bytes, read_facts, l, e);
    if (!code && !l->is_list && !l->code) {
        bad(l, "is no list");
    }
    if (!code && !l->code) {
        code = ff_s3_xml(text, r->text.length_bytes, read_entries, l, e);
    }
    *more = !code && next_page(l, old_token, old_marker, v1);
    return code;
}

static int list_all(struct listing *l, int64_t *now_ns, const struct ff_call *call,
                    struct ff_error *e)
{
    struct ff_s3_root *root = l->bound->root;
    bool more = true, v1 = atomic_load(&root->list_v1);
    unsigned empty = 0;
    int code = FF_OK;

    while (!code && more && !l->told && !l->code) {
        struct ff_s3_request *r = NULL;

        code = get_page(l, &r, v1, call, e);
        if (!code && now_ns && !*now_ns) {
            /* of whole seconds: the end of that one, so that nothing is from later */
            *now_ns = r->answer.date_ns ? r->answer.date_ns + 999999999
                                        : ff_sys_now_ns(root->sys, CLOCK_REALTIME);
        }
        code = code ? code : read_page(l, r, &more, &v1, e);
        ff_s3_request_end(root, r);
        empty = l->page_count ? 0 : empty + 1;
        if (more && empty > MAX_EMPTY_PAGES) {
            bad(l, "goes on without an end");
        }
    }
    /* versitygw's Date is up to a second behind its files */
    if (now_ns && *now_ns < l->newest_ns) {
        *now_ns = l->newest_ns;
    }
    if (v1) {
        atomic_store(&root->list_v1, true);
    }
    return code;
}

int ff_s3_list(const struct ff_objects *self, const char *prefix, int one_level,
               int (*each)(void *, const struct ff_io *), void *ctx, int64_t *now_ns,
               const struct ff_call *call, struct ff_error *e)
{
    struct ff_s3_bound *b = FF_S3_BOUND(self, objects);
    struct listing *l = ff_calloc(1, sizeof *l);
    char *full = ff_malloc(strlen(b->folder) + strlen(prefix) + 1);
    int code;

    if (!l || !full) {
        ff_free(l);
        ff_free(full);
        return ff_fail(e, FF_E_NO_MEMORY, prefix, "no memory for a list");
    }
    memcpy(full, b->folder, strlen(b->folder));
    memcpy(full + strlen(b->folder), prefix, strlen(prefix) + 1);
    l->bound = b;
    l->full = full;
    l->one_level = one_level;
    l->each = each;
    l->ctx = ctx;
    l->error = (struct ff_error)FF_ERROR_INIT;
    if (now_ns) {
        *now_ns = 0;
    }
    code = list_all(l, now_ns, call, e);
    if (!code && l->code) {
        code = l->code;
        if (e && !e->code) {
            *e = l->error;
        }
    }
    code = code ? code : l->told;
    ff_free(l);
    ff_free(full);
    return code;
}
