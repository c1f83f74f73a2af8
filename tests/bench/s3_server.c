/* SPDX-License-Identifier: Apache-2.0 */
/* s3_server.c: an S3 server that is not the bottleneck: objects in memory, a thread for each
 * connection, a head and its body in one piece, no signature is checked. It knows what this
 * library asks for: objects with conditions, lists in one page, removal of many; a Range is
 * ignored, as HTTP allows. Prints its URL on a free port of loopback. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAD_BYTES = 32 << 10,
    KEY_BYTES = 1100,
    TAG_BYTES = 40,
    BUCKETS = 1 << 16,
    BODY_MAX_BYTES = 1 << 30
};

/* Bytes that several answers may still be sending. */
struct body {
    size_t size_bytes;
    int users;
    char data[];
};

struct object {
    struct object *next;
    struct body *body;
    char key[KEY_BYTES], tag[TAG_BYTES];
};

struct request {
    char method[8], key[KEY_BYTES], query[2048];
    char if_match[TAG_BYTES];
    int if_none_match;
    size_t length;
};

struct connection {
    int fd;
    size_t have; /* in `head`, behind what was answered */
    char head[HEAD_BYTES + 1];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the next two */
static struct object *table[BUCKETS];
static uint64_t serial;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void *must(void *p)
{
    if (!p) {
        die("s3_server");
    }
    return p;
}

/* ---- objects: with the lock ---- */

static struct object **find(const char *key)
{
    uint32_t hash = 2166136261u;
    struct object **at;

    for (const char *c = key; *c; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619u;
    }
    at = &table[hash % BUCKETS];
    while (*at && strcmp((*at)->key, key) != 0) {
        at = &(*at)->next;
    }
    return at;
}

static void let_go(struct body *b)
{
    if (b && --b->users == 0) {
        free(b);
    }
}

static void forget(const char *key)
{
    struct object **at = find(key), *o = *at;

    if (o) {
        *at = o->next;
        let_go(o->body);
        free(o);
    }
}

static const struct object *keep(const struct request *r, struct body *b)
{
    struct object **at = find(r->key), *o = *at;

    if (!o) {
        o = *at = must(calloc(1, sizeof *o));
        memcpy(o->key, r->key, sizeof o->key);
    }
    let_go(o->body);
    o->body = b;
    b->users++;
    (void)snprintf(o->tag, sizeof o->tag, "\"%016llx\"", (unsigned long long)++serial);
    return o;
}

/* ---- answers ---- */

static int send_all(int fd, struct iovec *part, int count)
{
    while (count) {
        ssize_t n = writev(fd, part, count);

        if (n <= 0) {
            return -1;
        }
        while (count && (size_t)n >= part->iov_len) {
            n -= (ssize_t)part->iov_len;
            part++;
            count--;
        }
        if (count) {
            part->iov_base = (char *)part->iov_base + n;
            part->iov_len -= (size_t)n;
        }
    }
    return 0;
}

static int answer(const struct connection *c, const struct request *r, int status,
                  const char *more, const char *body, size_t size_bytes)
{
    char head[1024], date[64];
    time_t now = time(NULL);
    struct tm tm;
    struct iovec part[2] = {{head, 0}, {(char *)(uintptr_t)body, size_bytes}};
    int is_head = strcmp(r->method, "HEAD") == 0;

    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    part[0].iov_len = (size_t)snprintf(
        head, sizeof head,
        "HTTP/1.1 %d X\r\nDate: %s\r\nLast-Modified: %s\r\nServer: memory\r\n"
        "x-amz-request-id: 1\r\n%sContent-Length: %zu\r\n\r\n",
        status, date, date, more, size_bytes);
    return send_all(c->fd, part, is_head || !size_bytes ? 1 : 2);
}

static int fail(const struct connection *c, const struct request *r, int status,
                const char *code)
{
    char text[128];
    int n = snprintf(text, sizeof text, "<Error><Code>%s</Code></Error>", code);

    return answer(c, r, status, "", text, (size_t)n);
}

/* ---- operations ---- */

static int put(const struct connection *c, const struct request *r, struct body *body)
{
    char more[TAG_BYTES + 16];
    const struct object *old;
    int status = 200;

    pthread_mutex_lock(&lock);
    old = *find(r->key);
    if ((r->if_none_match && old) ||
        (*r->if_match && old && strcmp(old->tag, r->if_match) != 0)) {
        status = 412;
    } else if (*r->if_match && !old) {
        status = 404;
    } else {
        (void)snprintf(more, sizeof more, "ETag: %s\r\n", keep(r, body)->tag);
    }
    pthread_mutex_unlock(&lock);
    return status == 200
               ? answer(c, r, 200, more, NULL, 0)
               : fail(c, r, status, status == 412 ? "PreconditionFailed" : "NoSuchKey");
}

static int get(const struct connection *c, const struct request *r)
{
    struct object found = {.body = NULL};
    char more[TAG_BYTES + 16];
    const struct object *o;
    int rc;

    pthread_mutex_lock(&lock);
    if ((o = *find(r->key))) {
        found = *o;
        found.body->users++;
    }
    pthread_mutex_unlock(&lock);
    if (!found.body) {
        return fail(c, r, 404, "NoSuchKey");
    }
    (void)snprintf(more, sizeof more, "ETag: %s\r\n", found.tag);
    rc = *r->if_match && strcmp(r->if_match, found.tag) != 0
             ? fail(c, r, 412, "PreconditionFailed")
             : answer(c, r, 200, more, found.body->data, found.body->size_bytes);
    pthread_mutex_lock(&lock);
    let_go(found.body);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int remove_many(const struct connection *c, const struct request *r, char *text)
{
    static const char done[] = "<DeleteResult></DeleteResult>";
    char *key = text, *end;

    pthread_mutex_lock(&lock);
    while ((key = strstr(key, "<Key>")) && (end = strstr(key, "</Key>"))) {
        *end = '\0';
        forget(key + 5);
        key = end + 1;
    }
    pthread_mutex_unlock(&lock);
    return answer(c, r, 200, "", done, sizeof done - 1);
}

/* ---- lists ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names below the prefix, each once; folders end in '/'. */
static size_t collect(const char *prefix, int one_level, char ***names)
{
    size_t length = strlen(prefix), count = 0, kept = 0;

    *names = NULL;
    for (size_t i = 0; i < BUCKETS; i++) {
        for (const struct object *o = table[i]; o; o = o->next) {
            const char *slash =
                strchr(o->key + (strlen(o->key) < length ? 0 : length), '/');

            if (strncmp(o->key, prefix, length) != 0) {
                continue;
            }
            *names = must(realloc(*names, (count + 1) * sizeof **names));
            (*names)[count++] = must(strndup(
                o->key, one_level && slash ? (size_t)(slash - o->key) + 1 : KEY_BYTES));
        }
    }
    if (count) {
        qsort(*names, count, sizeof **names, by_name);
    }
    for (size_t i = 0; i < count; i++) {
        if (kept && strcmp((*names)[kept - 1], (*names)[i]) == 0) {
            free((*names)[i]);
        } else {
            (*names)[kept++] = (*names)[i];
        }
    }
    return kept;
}

static void print_name(FILE *out, const char *name)
{
    const struct object *o = *find(name);

    if (o) {
        (void)fprintf(out,
                      "<Contents><Key>%s</Key><LastModified>2000-01-01T00:00:00.000Z"
                      "</LastModified><ETag>%s</ETag><Size>%zu</Size></Contents>",
                      name, o->tag, o->body->size_bytes);
    } else {
        (void)fprintf(out, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", name);
    }
}

static void unescape(char *text)
{
    char *out = text;

    for (unsigned byte; *text; text++) {
        if (*text == '%' && sscanf(text + 1, "%2x", &byte) == 1) {
            *out++ = (char)byte;
            text += 2;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static int list(const struct connection *c, const struct request *r)
{
    const char *at = strstr(r->query, "prefix=");
    char prefix[KEY_BYTES] = "", **names, *text;
    size_t size, count;
    FILE *out = must(open_memstream(&text, &size));
    int rc;

    if (at) {
        (void)snprintf(prefix, sizeof prefix, "%.*s", (int)strcspn(at + 7, "&"), at + 7);
        unescape(prefix);
    }
    (void)fprintf(out, "<ListBucketResult><EncodingType>url</EncodingType>"
                       "<IsTruncated>false</IsTruncated>");
    pthread_mutex_lock(&lock);
    count = collect(prefix, strstr(r->query, "delimiter=") != NULL, &names);
    for (size_t i = 0; i < count; i++) {
        print_name(out, names[i]);
        free(names[i]);
    }
    pthread_mutex_unlock(&lock);
    free(names);
    (void)fprintf(out, "</ListBucketResult>");
    (void)fclose(out);
    rc = answer(c, r, 200, "", text, size);
    free(text);
    return rc;
}

static int serve(const struct connection *c, const struct request *r, struct body *body)
{
    if (!*r->key) {
        return strcmp(r->method, "POST") == 0 ? remove_many(c, r, body->data)
                                              : list(c, r);
    }
    if (strcmp(r->method, "PUT") == 0) {
        return put(c, r, body);
    }
    if (strcmp(r->method, "DELETE") == 0) {
        pthread_mutex_lock(&lock);
        forget(r->key);
        pthread_mutex_unlock(&lock);
        return answer(c, r, 200, "", NULL, 0);
    }
    return get(c, r);
}

/* ---- requests ---- */

static const char *header(const char *line, const char *name)
{
    size_t n = strlen(name);

    return strncasecmp(line, name, n) == 0 && line[n] == ':'
               ? line + n + 1 + (line[n + 1] == ' ')
               : NULL;
}

static void parse_line(struct request *r, const char *line)
{
    const char *v;

    if ((v = header(line, "content-length"))) {
        r->length = strtoull(v, NULL, 10);
    } else if (header(line, "if-none-match")) {
        r->if_none_match = 1;
    } else if ((v = header(line, "if-match"))) {
        (void)snprintf(r->if_match, sizeof r->if_match, "%.*s", (int)strcspn(v, "\r"), v);
    }
}

/* METHOD /BUCKET/KEY?QUERY HTTP/1.1, then the headers. 0, or nonsense. */
static int parse(struct request *r, const char *head)
{
    char target[3072], *query, *key;

    memset(r, 0, sizeof *r);
    if (sscanf(head, "%7s %3071s", r->method, target) != 2) {
        return -1;
    }
    query = strchr(target, '?');
    if (query) {
        *query++ = '\0';
        (void)snprintf(r->query, sizeof r->query, "%s", query);
    }
    key = strchr(target + 1, '/');
    (void)snprintf(r->key, sizeof r->key, "%s", key ? key + 1 : "");
    unescape(r->key);
    for (const char *line = strchr(head, '\n'); line; line = strchr(line + 1, '\n')) {
        parse_line(r, line + 1);
    }
    return r->length > BODY_MAX_BYTES ? -1 : 0;
}

/* Its head as text, with what came behind it moved to the front. */
static char *next_head(struct connection *c, char head[HEAD_BYTES + 1])
{
    char *end;
    ssize_t n;

    while (c->head[c->have] = '\0', !(end = strstr(c->head, "\r\n\r\n"))) {
        n = c->have < HEAD_BYTES ? recv(c->fd, c->head + c->have, HEAD_BYTES - c->have, 0)
                                 : 0;
        if (n <= 0) {
            return NULL;
        }
        c->have += (size_t)n;
    }
    end += 4;
    memcpy(head, c->head, (size_t)(end - c->head));
    head[end - c->head] = '\0';
    c->have -= (size_t)(end - c->head);
    memmove(c->head, end, c->have);
    return head;
}

static struct body *read_body(struct connection *c, size_t size_bytes)
{
    struct body *b = must(malloc(sizeof *b + size_bytes + 1));
    size_t got = size_bytes < c->have ? size_bytes : c->have;

    b->size_bytes = size_bytes;
    b->users = 1;
    b->data[size_bytes] = '\0';
    memcpy(b->data, c->head, got);
    c->have -= got;
    memmove(c->head, c->head + got, c->have);
    while (got < size_bytes) {
        ssize_t n = recv(c->fd, b->data + got, size_bytes - got, MSG_WAITALL);

        if (n <= 0) {
            free(b);
            return NULL;
        }
        got += (size_t)n;
    }
    return b;
}

static void *converse(void *arg)
{
    struct connection *c = arg;
    struct request r;
    char head[HEAD_BYTES + 1];
    int rc = 0;

    while (rc == 0 && next_head(c, head) && parse(&r, head) == 0) {
        struct body *body = read_body(c, r.length);

        if (!body) {
            break;
        }
        rc = serve(c, &r, body);
        pthread_mutex_lock(&lock);
        let_go(body);
        pthread_mutex_unlock(&lock);
    }
    (void)close(c->fd);
    free(c);
    return NULL;
}

static void welcome(int fd)
{
    struct connection *c = must(calloc(1, sizeof *c));
    pthread_t thread;
    int on = 1;

    c->fd = fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (pthread_create(&thread, NULL, converse, c)) {
        die("s3_server");
    }
    (void)pthread_detach(thread);
}

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client;

    (void)signal(SIGPIPE, SIG_IGN);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 256) ||
        getsockname(fd, (struct sockaddr *)&at, &size)) {
        die("s3_server");
    }
    (void)printf("http://127.0.0.1:%d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    while ((client = accept(fd, NULL, NULL)) >= 0) {
        welcome(client);
    }
    return 1;
}
