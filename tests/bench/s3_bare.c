/* SPDX-License-Identifier: Apache-2.0 */
/* s3_bare.c: see s3.h. One thread, libcurl's multi interface, no retries, no limits, no format. */
#include "s3.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <time.h>

#include "core/base/digest.h"
#include "protocols/s3/options.h"

enum { CURL_BYTES = 512 << 10, SOCKETS = 1024 };

struct transfer {
    CURL *curl;
    struct curl_slist *headers;
    char *data; /* of this object */
    size_t size_bytes, done_bytes;
};

struct bare {
    CURLM *multi;
    const char *url, *prefix;
    int writes;
    char *data;
    size_t piece_bytes, count, begun, ended;
    struct transfer transfers[BENCH_S3_IN_FLIGHT];
};

static int sockets[SOCKETS], socket_count;

/* ---- what libcurl calls ---- */

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);

    (void)ctx, (void)purpose;
    sockets[socket_count++ % SOCKETS] = fd;
    return fd;
}

/* As our own client: Ceph's RGW sends head and body in two writes. */
static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    int on = 1, known = socket_count < SOCKETS ? socket_count : SOCKETS;

    (void)ctx;
    for (int i = 0; i < known && strncmp(line, "HTTP/", 5) == 0; i++) {
        (void)setsockopt(sockets[i], IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    }
    return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;

    if (size * count > t->size_bytes - t->done_bytes) {
        return 0;
    }
    memcpy(t->data + t->done_bytes, bytes, size * count);
    t->done_bytes += size * count;
    return size * count;
}

static size_t on_nothing(char *bytes, size_t size, size_t count, void *ctx)
{
    (void)bytes, (void)ctx;
    return size * count;
}

static size_t on_read(char *out, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    size_t left = t->size_bytes - t->done_bytes;
    size_t n = size * count < left ? size * count : left;

    memcpy(out, t->data + t->done_bytes, n);
    t->done_bytes += n;
    return n;
}

/* ---- a request ---- */

static void add_header(struct transfer *t, struct ff_s3_to_sign *s, const char *name,
                       const char *value)
{
    char line[512];

    (void)snprintf(line, sizeof line, "%s: %s", name, value);
    t->headers = curl_slist_append(t->headers, line);
    s->headers[s->header_count].name = name;
    s->headers[s->header_count++].value = value;
}

static void sign(const struct bare *b, struct transfer *t, const char *path)
{
    static char key[] = BENCH_S3_KEY, secret[] = BENCH_S3_SECRET;
    struct ff_s3_secrets secrets = {.key = key, .secret = secret};
    char date[17], hash[2 * FF_SHA256_BYTES + 1], line[1024];
    uint8_t digest[FF_SHA256_BYTES];
    struct ff_buf authorization;
    struct ff_s3_to_sign s = {.method = b->writes ? "PUT" : "GET",
                              .path = path,
                              .query = "",
                              .body_hash = hash,
                              .region = "us-east-1",
                              .secrets = &secrets,
                              .time_s = (int64_t)time(NULL)};

    ff_s3_amz_date(s.time_s, date);
    (void)ff_digest_of(FF_DIGEST_SHA256, t->data, b->writes ? t->size_bytes : 0, digest);
    ff_hex(digest, sizeof digest, hash);
    t->headers = curl_slist_append(NULL, "Expect:");
    add_header(t, &s, "host", strstr(b->url, "//") + 2);
    add_header(t, &s, "x-amz-content-sha256", hash);
    add_header(t, &s, "x-amz-date", date);
    ff_buf_init(&authorization, sizeof line);
    if (ff_s3_sign(&s, &authorization)) {
        bench_die("no signature");
    }
    (void)snprintf(line, sizeof line, "authorization: %.*s",
                   (int)authorization.length_bytes, (const char *)authorization.data);
    t->headers = curl_slist_append(t->headers, line);
    ff_buf_free(&authorization);
}

static void begin(struct bare *b, struct transfer *t)
{
    char path[256], url[512];
    CURL *c = t->curl;

    t->data = b->data + b->begun * b->piece_bytes;
    t->size_bytes = b->piece_bytes;
    t->done_bytes = 0;
    (void)snprintf(path, sizeof path, "/%s/%zu", b->prefix, b->begun++);
    (void)snprintf(url, sizeof url, "%s%s", b->url, path);
    sign(b, t, path);
    curl_easy_reset(c);
    (void)curl_easy_setopt(c, CURLOPT_URL, url);
    (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    (void)curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    (void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    (void)curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
    (void)curl_easy_setopt(c, CURLOPT_BUFFERSIZE, (long)CURL_BYTES);
    (void)curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, (long)CURL_BYTES);
    (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open);
    (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, b->writes ? on_nothing : on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (b->writes) {
        (void)curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->size_bytes);
        (void)curl_easy_setopt(c, CURLOPT_READFUNCTION, on_read);
        (void)curl_easy_setopt(c, CURLOPT_READDATA, t);
    }
    (void)curl_multi_add_handle(b->multi, c);
}

static void end(struct bare *b, const CURLMsg *message)
{
    struct transfer *t;

    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
    if (message->data.result != CURLE_OK || t->done_bytes != t->size_bytes) {
        bench_die("the bare client: %s", curl_easy_strerror(message->data.result));
    }
    (void)curl_multi_remove_handle(b->multi, t->curl);
    curl_slist_free_all(t->headers);
    b->ended++;
    if (b->begun < b->count) {
        begin(b, t);
    }
}

void bench_s3_json(const char *url, char *json, size_t size)
{
    (void)snprintf(json, size,
                   "{\"kind\": \"S3\", \"options\": {\"path\": \"/test/ours\", \"s3fs\": "
                   "{\"endpoint_url\": \"%s\", \"key\": \"" BENCH_S3_KEY
                   "\", \"secret\": \"" BENCH_S3_SECRET "\"}}}",
                   url);
}

double bench_bare(const char *url, const char *prefix, int writes, char *data,
                  size_t piece_bytes, size_t count)
{
    static CURLM *multi; /* its connections are kept */
    static CURL *easy[BENCH_S3_IN_FLIGHT];
    struct bare b = {.url = url,
                     .prefix = prefix,
                     .writes = writes,
                     .data = data,
                     .piece_bytes = piece_bytes,
                     .count = count};
    double start_s = bench_now_s();
    CURLMsg *message;
    int running;

    b.multi = multi = multi ? multi : curl_multi_init();
    (void)curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)BENCH_S3_IN_FLIGHT);
    for (size_t i = 0; i < BENCH_S3_IN_FLIGHT && b.begun < count; i++) {
        b.transfers[i].curl = easy[i] = easy[i] ? easy[i] : curl_easy_init();
        begin(&b, &b.transfers[i]);
    }
    while (b.ended < count) {
        (void)curl_multi_perform(multi, &running);
        while ((message = curl_multi_info_read(multi, &running))) {
            end(&b, message);
        }
        (void)curl_multi_poll(multi, NULL, 0, b.ended < count ? 1000 : 0, NULL);
    }
    return bench_now_s() - start_s;
}
