/* SPDX-License-Identifier: Apache-2.0 */
/* request.c: one exchange. HTTP/1.1, no redirects, no name and password of anybody, a limit of
 * silence instead of one for the whole. What a range means: RFC 9110, section 14. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/alloc.h"
#include "http.h"

enum { SLOWEST_BYTES_S = 16, CONNECT_S = 30, OLDEST_CONNECTION_S = 15 };

struct ff_http_request *ff_http_request_new(char *url)
{
    struct ff_http_request *r = url ? ff_calloc(1, sizeof *r) : NULL;

    if (!r) {
        ff_free(url);
        return NULL;
    }
    r->url = url;
    r->error = (struct ff_error)FF_ERROR_INIT;
    r->want_bytes = FF_ANY_SIZE;
    ff_buf_init(&r->text, FF_HTTP_PAGE_MAX_BYTES);
    return r;
}

void ff_http_request_free(struct ff_http_request *r)
{
    if (r) {
        curl_slist_free_all(r->headers);
        ff_buf_free(&r->text);
        ff_free(r->url);
        ff_free(r);
    }
}

int ff_http_request_fail(struct ff_http_request *r, int code, const char *fmt, ...)
{
    char text[sizeof r->error.message];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ff_error_clear(&r->error);
    return r->code = ff_fail(&r->error, code, r->url, "%s", text);
}

/* ---- what the head of an answer says ---- */

int ff_http_status(const struct ff_http_request *r)
{
    long status = 0;

    (void)curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

/* Borrowed until the next request of the handle; NULL: not there. */
static const char *header(const struct ff_http_request *r, const char *name)
{
    struct curl_header *h;

    return curl_easy_header(r->curl, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK
               ? h->value
               : NULL;
}

static int64_t date_ns(const char *text)
{
    time_t seconds = text ? curl_getdate(text, NULL) : -1;

    return seconds < 0 ? 0 : (int64_t)seconds * 1000000000;
}

static bool length_of(const struct ff_http_request *r, uint64_t *bytes)
{
    curl_off_t length = -1;

    (void)curl_easy_getinfo(r->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    *bytes = length < 0 ? 0 : (uint64_t)length;
    return length >= 0;
}

static bool number(const char **text, uint64_t *out)
{
    char *end;

    if (**text < '0' || **text > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* "bytes 0-99/1000", or "bytes *" and "/1000" behind it with `unsatisfied`. */
static bool content_range(const struct ff_http_request *r, bool unsatisfied,
                          uint64_t *begin, uint64_t *end, uint64_t *total)
{
    const char *text = header(r, "Content-Range");

    if (!text || strncmp(text, "bytes ", 6) != 0) {
        return false;
    }
    text += 6;
    if (unsatisfied) {
        return strncmp(text, "*/", 2) == 0 && (text += 2, number(&text, total));
    }
    return number(&text, begin) && *text++ == '-' && number(&text, end) &&
           *text++ == '/' && number(&text, total) && *begin <= *end && *end < *total;
}

/* An object that changes has another one: what the server says, else when and how large. */
static void keep_facts(struct ff_http_request *r)
{
    const char *etag = header(r, "ETag");

    r->modified_ns = date_ns(header(r, "Last-Modified"));
    r->date_ns = date_ns(header(r, "Date"));
    if (etag && *etag && strlen(etag) < sizeof r->answer_tag) {
        (void)snprintf(r->answer_tag, sizeof r->answer_tag, "%s", etag);
    } else {
        (void)snprintf(r->answer_tag, sizeof r->answer_tag, "%lld-%llu",
                       (long long)(r->modified_ns / 1000000000),
                       (unsigned long long)r->total_bytes);
    }
}

/* ---- bytes ---- */

static int make_room(struct ff_http_request *r, uint64_t size_bytes)
{
    if (r->tag && strcmp(r->tag, r->answer_tag) != 0) {
        return ff_http_request_fail(r, FF_E_STALE, "it was replaced meanwhile");
    }
    if (r->has_room && size_bytes != r->take_bytes) {
        return ff_http_request_fail(r, FF_E_STALE, "it was replaced while it was read");
    }
    r->take_bytes = size_bytes;
    if (!r->has_room && r->room(r, size_bytes)) {
        return ff_http_request_fail(r, FF_E_NO_MEMORY, "no memory for %llu bytes",
                                    (unsigned long long)size_bytes);
    }
    r->has_room = true;
    return FF_OK;
}

/* What of the object comes, when all of it does. */
static int whole_object(struct ff_http_request *r)
{
    uint64_t left;

    if (!length_of(r, &r->total_bytes)) {
        return ff_http_request_fail(r, FF_E_UNSUPPORTED,
                                    "the server does not say how many bytes there are");
    }
    keep_facts(r);
    r->skip_bytes = r->offset_bytes < r->total_bytes ? r->offset_bytes : r->total_bytes;
    left = r->total_bytes - r->skip_bytes;
    left = r->want_bytes < left ? r->want_bytes : left;
    if (left && r->skip_bytes > FF_HTTP_SKIP_MAX_BYTES) {
        (void)ff_http_request_fail(r, FF_E_UNSUPPORTED,
                                   "the server knows no ranges: the %llu bytes before "
                                   "would have to be read, too",
                                   (unsigned long long)r->skip_bytes);
        ff_error_fix(&r->error, "publish it with a server that answers a Range with 206, "
                                "as nginx and Apache do");
        return r->code;
    }
    return make_room(r, left);
}

static int part_of_object(struct ff_http_request *r)
{
    uint64_t begin, end, last = r->offset_bytes + r->want_bytes - 1;

    r->skip_bytes = 0;
    if (!content_range(r, false, &begin, &end, &r->total_bytes) ||
        begin != r->offset_bytes) {
        return ff_http_request_fail(r, FF_E_NETWORK,
                                    "another range came than was asked for");
    }
    if (r->want_bytes == FF_ANY_SIZE || last >= r->total_bytes) {
        last = r->total_bytes - 1;
    }
    if (end != last) {
        return ff_http_request_fail(r, FF_E_NETWORK, "a shorter range came");
    }
    keep_facts(r);
    return make_room(r, end - begin + 1);
}

/* Nothing lies there: what is asked for begins at the end, or behind it. */
static int behind_the_end(struct ff_http_request *r)
{
    if (!content_range(r, true, NULL, NULL, &r->total_bytes) ||
        r->offset_bytes < r->total_bytes) {
        return ff_http_request_fail(r, FF_E_NETWORK, "a range was refused that is there");
    }
    keep_facts(r);
    return make_room(r, 0);
}

int ff_http_take_head(struct ff_http_request *r)
{
    int status = ff_http_status(r);

    r->has_head = true;
    if (status == 200 && (r->head || r->page)) {
        if (!length_of(r, &r->total_bytes) && r->head) {
            return ff_http_request_fail(r, FF_E_UNSUPPORTED,
                                        "the server does not say how large it is");
        }
        keep_facts(r);
        return FF_OK;
    }
    if (r->head || r->page) {
        return FF_OK;
    }
    return status == 200   ? whole_object(r)
           : status == 206 ? part_of_object(r)
           : status == 416 ? behind_the_end(r)
                           : FF_OK;
}

static void spread(struct ff_http_request *r, const char *data, size_t size)
{
    while (size) {
        const struct ff_span *span = &r->spans[r->span];
        size_t room = span->size_bytes - r->span_at, n = room < size ? room : size;

        memcpy((char *)span->data + r->span_at, data, n);
        r->got_bytes += n;
        r->span_at += n;
        data += n;
        size -= n;
        if (r->span_at == span->size_bytes) {
            r->span++;
            r->span_at = 0;
        }
    }
}

static size_t take_bytes(struct ff_http_request *r, const char *data, size_t size)
{
    size_t skip = r->skip_bytes < size ? (size_t)r->skip_bytes : size;
    uint64_t room = r->take_bytes - r->got_bytes;
    size_t take = size - skip < room ? size - skip : (size_t)room;

    r->skip_bytes -= skip;
    spread(r, data + skip, take);
    r->enough = skip + take < size; /* of a whole object more than what was asked for */
    return r->enough ? 0 : size;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct ff_http_request *r = ctx;
    size_t length = size * count;
    int status = ff_http_status(r), rc;

    if (!r->has_head && ff_http_take_head(r)) {
        return 0;
    }
    if (!r->page && (status == 200 || status == 206)) {
        return take_bytes(r, data, length);
    }
    if (status != 200) {
        r->drained_bytes += length;
        return r->drained_bytes > FF_HTTP_DRAIN_MAX_BYTES ? 0 : length;
    }
    rc = ff_buf_append(&r->text, data, length);
    if (rc) {
        (void)ff_http_request_fail(r, rc == -ENOMEM ? FF_E_NO_MEMORY : FF_E_LIMIT,
                                   "the page has more than %d bytes",
                                   FF_HTTP_PAGE_MAX_BYTES);
        return 0;
    }
    return length;
}

/* ---- asking ---- */

#define SET(r, option, value)                                                            \
    do {                                                                                 \
        CURLcode rc_ = curl_easy_setopt((r)->curl, option, value);                       \
        refused = refused ? refused : rc_;                                               \
    } while (0)

static int range_header(struct ff_http_request *r)
{
    unsigned long long begin = r->offset_bytes, end = begin + r->want_bytes - 1;
    char text[64] = "";

    curl_slist_free_all(r->headers);
    r->headers = NULL;
    if (r->head || r->page || (!r->offset_bytes && r->want_bytes == FF_ANY_SIZE)) {
        return 0;
    }
    if (r->want_bytes == FF_ANY_SIZE || r->want_bytes > UINT64_MAX - r->offset_bytes) {
        (void)snprintf(text, sizeof text, "Range: bytes=%llu-", begin);
    } else {
        (void)snprintf(text, sizeof text, "Range: bytes=%llu-%llu", begin, end);
    }
    r->headers = curl_slist_append(NULL, text);
    return r->headers ? 0 : -ENOMEM;
}

static CURLcode set_transfer(const struct ff_http_root *root, struct ff_http_request *r)
{
    const struct ff_http_options *o = &root->options;
    CURLcode refused = CURLE_OK;

    SET(r, CURLOPT_URL, r->url);
    SET(r, CURLOPT_PATH_AS_IS, 1L);
    SET(r, CURLOPT_HTTPHEADER, r->headers);
    SET(r, CURLOPT_NOBODY, r->head ? 1L : 0L);
    SET(r, CURLOPT_PRIVATE, r);
    SET(r, CURLOPT_ERRORBUFFER, r->why);
    SET(r, CURLOPT_USERAGENT, "functionfuse");
    SET(r, CURLOPT_PROTOCOLS_STR, o->https ? "https" : "http");
    SET(r, CURLOPT_FOLLOWLOCATION, 0L);
    SET(r, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(r, CURLOPT_NOSIGNAL, 1L);
    SET(r, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(r, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(r, CURLOPT_CONNECTTIMEOUT,
        o->timeout_s < CONNECT_S ? o->timeout_s : (long)CONNECT_S);
    SET(r, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST_BYTES_S);
    SET(r, CURLOPT_LOW_SPEED_TIME, o->timeout_s);
    SET(r, CURLOPT_MAXAGE_CONN, (long)OLDEST_CONNECTION_S);
    SET(r, CURLOPT_TCP_NODELAY, 1L);
    SET(r, CURLOPT_WRITEFUNCTION, on_body);
    SET(r, CURLOPT_WRITEDATA, r);
    if (o->no_proxy) {
        SET(r, CURLOPT_PROXY, "");
    }
    if (o->https) {
        SET(r, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    }
    if (o->ca_bundle) {
        SET(r, CURLOPT_CAINFO, o->ca_bundle);
    }
    return refused;
}

int ff_http_request_start(const struct ff_http_root *root, struct ff_http_request *r,
                          CURL *curl)
{
    CURLcode refused;

    r->curl = curl;
    r->code = FF_OK;
    ff_error_clear(&r->error);
    r->has_head = r->enough = false;
    r->got_bytes = r->drained_bytes = 0;
    r->span = r->span_at = 0;
    r->attempts++;
    *r->why = '\0';
    ff_buf_clear(&r->text);
    curl_easy_reset(curl);
    if (range_header(r)) {
        return ff_http_request_fail(r, FF_E_NO_MEMORY, "no memory for a request");
    }
    refused = set_transfer(root, r);
    if (refused) {
        (void)ff_http_request_fail(
            r, refused == CURLE_OUT_OF_MEMORY ? FF_E_NO_MEMORY : FF_E_UNSUPPORTED,
            "libcurl %s refuses an option: %s",
            curl_version_info(CURLVERSION_NOW)->version, curl_easy_strerror(refused));
    }
    return r->code;
}
