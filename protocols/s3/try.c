/* SPDX-License-Identifier: Apache-2.0 */
/* try.c: a request as libcurl sends it: signed now, HTTP/1.1, the path as it was signed, no
 * Expect, no redirects, a stall time-out instead of one for the whole. */
#include "try.h"

#include <errno.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/digest.h"

enum {
    MAX_HEADERS = 32,
    HEADER_MAX_BYTES = 16 << 10,
    BUFFER_BYTES = 512 << 10, /* libcurl's, for what comes */
    SLOWEST_BYTES_S = 16,
    PATIENT_S = 600, /* Complete and Copy may take minutes, with blanks meanwhile */
    OLDEST_CONNECTION_S = 15
};

static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};

/* ---- what comes ---- */

static bool is_bytes(const struct ff_s3_try *t)
{
    return t->request->method == FF_S3_GET && !t->request->is_xml &&
           (t->answer.status == 200 || t->answer.status == 206);
}

/* The first good head of two decides whose bytes are taken. */
static bool head_is_good(struct ff_s3_try *t)
{
    struct ff_s3_request *r = t->request;

    if (!is_bytes(t)) {
        return true;
    }
    if (r->winner && r->winner != t) {
        return false;
    }
    if (ff_s3_get_head(r, &t->answer, &t->skip_bytes)) {
        t->failed = true;
        return false;
    }
    r->winner = t;
    r->answer = t->answer; /* its tag, for what is left should this try break off */
    return true;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct ff_s3_try *t = ctx;
    size_t length = size * count;

    if (!t->quick) {
        /* Ceph's RGW sends head and body in two writes, and the second one waits for the
         * acknowledgement of the first: 44 ms instead of 1. Sending puts the socket back into
         * delayed acknowledgements, so it is asked for with each answer. */
        ff_s3_acknowledge(t);
        t->quick = true;
    }
    ff_s3_answer_line(&t->answer, line, length);
    if (length <= 2 && (*line == '\r' || *line == '\n') && t->answer.status >= 200) {
        t->head_came = true;
        t->first_ns = ff_sys_now_ns(t->root->sys, CLOCK_MONOTONIC);
        return head_is_good(t) ? length : 0;
    }
    return length;
}

static size_t take_bytes(struct ff_s3_try *t, const char *data, size_t size)
{
    struct ff_s3_request *r = t->request;
    size_t skip = t->skip_bytes < size ? (size_t)t->skip_bytes : size;
    uint64_t room = r->want_bytes - r->got_bytes;
    size_t take = size - skip < room ? size - skip : (size_t)room;

    t->skip_bytes -= skip;
    if (take) {
        memcpy(r->dst + r->got_bytes, data + skip, take);
        r->got_bytes += take;
    }
    if (skip + take < size) {
        t->satisfied = true; /* of a whole object more than the part of it */
        return 0;
    }
    return size;
}

static int keep_text(struct ff_s3_try *t, const char *data, size_t size)
{
    int rc = ff_buf_append(&t->text, data, size);

    if (rc) {
        t->failed = true;
        ff_s3_request_fail(t->request, rc == -ENOMEM ? FF_E_NO_MEMORY : FF_E_LIMIT,
                           "the answer is longer than %d bytes", FF_S3_ANSWER_MAX_BYTES);
    }
    return rc;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct ff_s3_try *t = ctx;
    size_t length = size * count;
    bool good = t->answer.status >= 200 && t->answer.status < 300;

    if (is_bytes(t)) {
        return t->request->winner == t ? take_bytes(t, data, length) : 0;
    }
    if (!good && t->text.length_bytes + length > FF_S3_ERROR_MAX_BYTES) {
        return length; /* enough is known */
    }
    return keep_text(t, data, length) ? 0 : length;
}

/* ---- what goes ---- */

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct ff_s3_try *t = ctx;
    struct ff_s3_request *r = t->request;
    uint64_t left = r->body_bytes - t->sent_bytes;
    size_t n = size * count < left ? size * count : (size_t)left;

    if (!n) {
        return 0;
    }
    if (r->body) {
        memcpy(out, r->body + t->sent_bytes, n);
    } else {
        struct ff_error e = FF_ERROR_INIT;
        int code = r->source(r->source_ctx, r->source_offset + t->sent_bytes, out, n,
                             r->call, &e);

        if (code) {
            r->code = code;
            r->error = e;
            t->failed = true;
            return CURL_READFUNC_ABORT;
        }
    }
    t->sent_bytes += n;
    return n;
}

static int on_seek(void *ctx, curl_off_t offset, int origin)
{
    struct ff_s3_try *t = ctx;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->request->body_bytes) {
        return CURL_SEEKFUNC_FAIL;
    }
    t->sent_bytes = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- headers ---- */

struct sending {
    struct ff_s3_to_sign sign;
    struct ff_buf url, path, authorization;
    struct ff_s3_secrets secrets;
    char host[FF_S3_HOST_BYTES], region[64];
    char date[17], range[64];
    const char *part; /* that is being made: what an error names */
};

static const char nothing_hash[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static int add(struct sending *s, const char *name, const char *value)
{
    if (s->sign.header_count == MAX_HEADERS) {
        return -E2BIG;
    }
    s->sign.headers[s->sign.header_count].name = name;
    s->sign.headers[s->sign.header_count++].value = value;
    return 0;
}

static int add_range(struct sending *s, const struct ff_s3_request *r)
{
    uint64_t from = r->offset_bytes + r->got_bytes;
    int rc = 0;

    if (r->method != FF_S3_GET || r->is_xml || (!r->has_range && !r->got_bytes)) {
        return 0;
    }
    if (r->want_bytes == FF_ANY_SIZE) {
        (void)snprintf(s->range, sizeof s->range, "bytes=%llu-",
                       (unsigned long long)from);
    } else {
        (void)snprintf(s->range, sizeof s->range, "bytes=%llu-%llu",
                       (unsigned long long)from,
                       (unsigned long long)(r->offset_bytes + r->want_bytes - 1));
    }
    rc = add(s, "range", s->range);
    /* what is left of the same object */
    return rc || !r->got_bytes ? rc : add(s, "if-match", r->answer.etag);
}

static int add_extra(struct sending *s, const struct ff_s3_root *root,
                     const struct ff_s3_request *r)
{
    const struct ff_s3_options *o = &root->options;
    bool reads = r->method == FF_S3_GET || r->method == FF_S3_HEAD;
    bool makes = (r->method == FF_S3_PUT || (r->method == FF_S3_POST && !r->body_bytes));
    int rc = o->requester_pays ? add(s, "x-amz-request-payer", "requester") : 0;

    for (size_t i = 0; rc == 0 && i < o->extra_count; i++) {
        if (*r->key && (makes || (reads && o->extra[i].on_read))) {
            rc = add(s, o->extra[i].header, o->extra[i].value);
        }
    }
    return rc;
}

static int add_all(struct sending *s, const struct ff_s3_root *root,
                   const struct ff_s3_request *r)
{
    int rc = add(s, "host", s->host);

    rc = rc ? rc : add(s, "x-amz-date", s->date);
    rc = rc ? rc : add(s, "x-amz-content-sha256", s->sign.body_hash);
    if (s->secrets.token) {
        rc = rc ? rc : add(s, "x-amz-security-token", s->secrets.token);
    }
    rc = rc ? rc : add_range(s, r);
    rc = rc ? rc : add_extra(s, root, r);
    for (size_t i = 0; rc == 0 && i < r->header_count; i++) {
        rc = add(s, r->headers[i].name, r->headers[i].value);
    }
    return rc;
}

static int list_add(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = curl_slist_append(*list, text);

    *list = longer ? longer : *list;
    return longer ? 0 : -ENOMEM;
}

static int list_headers(struct ff_s3_try *t, struct sending *s)
{
    struct ff_buf line;
    int rc = list_add(&t->headers, "Expect:");

    s->part = "headers";
    rc = rc ? rc : list_add(&t->headers, "Accept:");
    ff_buf_init(&line, HEADER_MAX_BYTES);
    for (size_t i = 0; rc == 0 && i < s->sign.header_count; i++) {
        ff_buf_clear(&line);
        rc = ff_buf_printf(&line, "%s: %s", s->sign.headers[i].name,
                           s->sign.headers[i].value);
        rc = rc ? rc : list_add(&t->headers, ff_buf_text(&line));
    }
    if (rc == 0 && s->authorization.length_bytes) {
        ff_buf_clear(&line);
        rc = ff_buf_printf(&line, "authorization: %.*s",
                           (int)s->authorization.length_bytes,
                           (const char *)s->authorization.data);
        rc = rc ? rc : list_add(&t->headers, ff_buf_text(&line));
    }
    if (line.data) {
        explicit_bzero(line.data, line.length_bytes);
    }
    ff_buf_free(&line);
    return rc;
}

/* Where it goes: the root's lock guards what may be learned meanwhile. */
static int locate(struct sending *s, struct ff_s3_root *root,
                  const struct ff_s3_request *r)
{
    const struct ff_s3_options *o = &root->options;
    int rc;

    pthread_mutex_lock(&root->lock);
    (void)snprintf(s->host, sizeof s->host, "%s", o->host);
    (void)snprintf(s->region, sizeof s->region, "%s", o->region);
    rc = ff_buf_append_text(&s->path, o->base_path);
    pthread_mutex_unlock(&root->lock);
    if (*r->key || !s->path.length_bytes) {
        rc = rc ? rc : ff_buf_append_byte(&s->path, '/');
    }
    rc = rc ? rc : ff_s3_encode(&s->path, r->key, true);
    return rc ? rc
              : ff_buf_printf(&s->url, "%s://%s%s%s%.*s", o->https ? "https" : "http",
                              s->host, ff_buf_text(&s->path),
                              r->query.length_bytes ? "?" : "",
                              (int)r->query.length_bytes,
                              r->query.data ? (const char *)r->query.data : "");
}

static int sign(struct sending *s, struct ff_s3_root *root, struct ff_s3_request *r,
                int64_t clock_ns)
{
    bool anonymous;
    int rc = ff_s3_credentials_get(root->credentials, &s->secrets, &anonymous);
    int64_t now_ns = ff_sys_now_ns(root->sys, CLOCK_REALTIME) + clock_ns;

    s->part = "signature";
    s->sign.method = methods[r->method];
    s->sign.query = ff_buf_text(&r->query);
    s->sign.path = ff_buf_text(&s->path);
    s->sign.body_hash = *r->body_hash ? r->body_hash : nothing_hash;
    s->sign.region = s->region;
    s->sign.secrets = &s->secrets;
    s->sign.time_s = now_ns / 1000000000;
    ff_s3_amz_date(s->sign.time_s, s->date);
    rc = rc ? rc : add_all(s, root, r);
    return rc || anonymous ? rc : ff_s3_sign(&s->sign, &s->authorization);
}

/* ---- the handle ---- */

static void set_transfer(struct ff_s3_try *t, const char *url, bool fresh)
{
    const struct ff_s3_options *o = &t->root->options;
    const struct ff_s3_request *r = t->request;

    FF_S3_SET(t, CURLOPT_URL, url);
    FF_S3_SET(t, CURLOPT_PATH_AS_IS, 1L);
    FF_S3_SET(t, CURLOPT_HTTPHEADER, t->headers);
    FF_S3_SET(t, CURLOPT_PRIVATE, t);
    FF_S3_SET(t, CURLOPT_ERRORBUFFER, t->why);
    FF_S3_SET(t, CURLOPT_PROTOCOLS_STR, o->https ? "https" : "http");
    FF_S3_SET(t, CURLOPT_FOLLOWLOCATION, 0L);
    FF_S3_SET(t, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    FF_S3_SET(t, CURLOPT_NOSIGNAL, 1L);
    FF_S3_SET(t, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    FF_S3_SET(t, CURLOPT_HTTP09_ALLOWED, 0L);
    if (o->no_proxy) {
        FF_S3_SET(t, CURLOPT_PROXY, "");
    }
    FF_S3_SET(t, CURLOPT_CONNECTTIMEOUT, o->connect_timeout_s);
    FF_S3_SET(t, CURLOPT_LOW_SPEED_LIMIT, r->patient ? 1L : (long)SLOWEST_BYTES_S);
    FF_S3_SET(t, CURLOPT_LOW_SPEED_TIME,
              r->patient && o->read_timeout_s >= 60 ? (long)PATIENT_S
                                                    : o->read_timeout_s);
    FF_S3_SET(t, CURLOPT_MAXAGE_CONN, (long)OLDEST_CONNECTION_S);
    FF_S3_SET(t, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    FF_S3_SET(t, CURLOPT_TCP_NODELAY, 1L);
    FF_S3_SET(t, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    FF_S3_SET(t, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_BYTES);
    FF_S3_SET(t, CURLOPT_HEADERFUNCTION, on_header);
    FF_S3_SET(t, CURLOPT_HEADERDATA, t);
    FF_S3_SET(t, CURLOPT_WRITEFUNCTION, on_body);
    FF_S3_SET(t, CURLOPT_WRITEDATA, t);
}

static void set_tls(struct ff_s3_try *t)
{
    const struct ff_s3_options *o = &t->root->options;

    if (!o->https) {
        return;
    }
    FF_S3_SET(t, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    FF_S3_SET(t, CURLOPT_SSL_VERIFYPEER, o->verify ? 1L : 0L);
    FF_S3_SET(t, CURLOPT_SSL_VERIFYHOST, o->verify ? 2L : 0L);
    if (o->ca_bundle) {
        FF_S3_SET(t, CURLOPT_CAINFO, o->ca_bundle);
    }
}

static void set_method(struct ff_s3_try *t)
{
    const struct ff_s3_request *r = t->request;

    switch (r->method) {
    case FF_S3_GET:
        FF_S3_SET(t, CURLOPT_HTTPGET, 1L);
        return;
    case FF_S3_HEAD:
        FF_S3_SET(t, CURLOPT_NOBODY, 1L);
        return;
    case FF_S3_DELETE:
        FF_S3_SET(t, CURLOPT_CUSTOMREQUEST, "DELETE");
        return;
    default:
        break;
    }
    FF_S3_SET(t, CURLOPT_UPLOAD, 1L);
    FF_S3_SET(t, CURLOPT_CUSTOMREQUEST, methods[r->method]);
    FF_S3_SET(t, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_bytes);
    FF_S3_SET(t, CURLOPT_READFUNCTION, on_read);
    FF_S3_SET(t, CURLOPT_READDATA, t);
    if (!r->once) {
        /* Without it libcurl cannot send a body again by itself, when a connection that it
         * kept turns out to be dead. */
        FF_S3_SET(t, CURLOPT_SEEKFUNCTION, on_seek);
        FF_S3_SET(t, CURLOPT_SEEKDATA, t);
    }
}

/* Says what is missing: there is nothing that a user could do about "it failed". */
static void not_made(struct ff_s3_try *t, int rc, const char *part)
{
    char why[FF_DIGEST_WHY_BYTES];

    if (rc == -EIO) { /* of all parts the hashes alone */
        ff_digest_why(why);
        ff_s3_request_fail(t->request, FF_E_IO, "cannot make the request's %s: %s", part,
                           why);
    } else if (rc) {
        ff_s3_request_fail(t->request, rc == -ENOMEM ? FF_E_NO_MEMORY : FF_E_LIMIT,
                           "cannot make the request's %s: %s", part, strerror(-rc));
    } else {
        ff_s3_request_fail(
            t->request,
            t->refusal == CURLE_OUT_OF_MEMORY ? FF_E_NO_MEMORY : FF_E_UNSUPPORTED,
            "libcurl %s refuses %s: %s", curl_version_info(CURLVERSION_NOW)->version,
            t->refused, curl_easy_strerror(t->refusal));
        t->request->error.lib_code = (int)t->refusal;
    }
}

int ff_s3_try_start(struct ff_s3_try *t, struct ff_s3_root *root, struct ff_s3_request *r,
                    CURL *curl, int64_t clock_ns, bool fresh)
{
    struct sending s = {.sign = {.header_count = 0}};
    int rc;

    t->root = root;
    t->request = r;
    t->curl = curl;
    t->fd = -1;
    t->got_before = r->got_bytes;
    t->begun_ns = ff_sys_now_ns(root->sys, CLOCK_MONOTONIC);
    ff_buf_init(&t->text, FF_S3_ANSWER_MAX_BYTES);
    ff_buf_init(&s.url, HEADER_MAX_BYTES);
    ff_buf_init(&s.path, HEADER_MAX_BYTES);
    ff_buf_init(&s.authorization, HEADER_MAX_BYTES);
    if (!ff_s3_is_strong(r->answer.etag)) {
        r->got_bytes = 0; /* nothing says that the rest would be of the same object */
    }
    curl_easy_reset(curl);
    s.part = "address";
    rc = locate(&s, root, r);
    rc = rc ? rc : sign(&s, root, r, clock_ns);
    rc = rc ? rc : list_headers(t, &s);
    /* what has no body to send again may be replayed: on a new connection it is not */
    fresh |= r->once && !r->body_bytes;
    if (rc == 0) {
        set_transfer(t, ff_buf_text(&s.url), fresh);
        set_tls(t);
        set_method(t);
        ff_s3_sockets_use(t);
    }
    if (rc || t->refusal) {
        not_made(t, rc, s.part);
    }
    ff_s3_secrets_free(&s.secrets);
    ff_buf_free(&s.url);
    ff_buf_free(&s.path);
    ff_buf_free(&s.authorization);
    return rc || t->refusal ? r->code : FF_OK;
}

void ff_s3_try_free(struct ff_s3_try *t)
{
    if (!t) {
        return;
    }
    for (struct curl_slist *h = t->headers; h; h = h->next) {
        explicit_bzero(h->data, strlen(h->data));
    }
    curl_slist_free_all(t->headers);
    ff_buf_free(&t->text);
    ff_free(t);
}
