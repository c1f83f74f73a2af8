/* SPDX-License-Identifier: Apache-2.0 */
/* sockets.c: which socket a try runs over. libcurl does not say while it runs; it says the
 * port, before the request goes out. On the loop's thread alone. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "try.h"

enum { MAX_SOCKETS = 4096 };

struct one {
    int fd, port; /* 0: not known yet */
};

void ff_s3_sockets_init(struct ff_s3_sockets *s, const struct ff_sys *sys)
{
    s->sys = sys;
    ff_vec_init(&s->all, sizeof(struct one), MAX_SOCKETS);
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct ff_s3_sockets *s = ctx;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    struct one *one = fd < 0 ? NULL : ff_vec_push(&s->all);

    (void)purpose;
    if (one) { /* else without what it is for: slower, no more */
        one->fd = fd;
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *ctx, curl_socket_t fd)
{
    struct ff_s3_sockets *s = ctx;

    for (size_t i = 0; i < s->all.count; i++) {
        struct one *one = ff_vec_at(&s->all, i);

        if (one->fd == fd) {
            *one = *(struct one *)ff_vec_last(&s->all);
            ff_vec_pop(&s->all);
            break;
        }
    }
    return s->sys->close(s->sys, fd) < 0;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t size = sizeof a;

    memset(&a, 0, sizeof a);
    if (getsockname(fd, &a.any, &size)) {
        return 0;
    }
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static int on_request(void *ctx, char *to, char *from, int to_port, int from_port)
{
    struct ff_s3_try *t = ctx;
    struct ff_s3_sockets *s = t->sockets;

    (void)to, (void)from, (void)to_port;
    t->fd = -1;
    for (size_t i = 0; i < s->all.count; i++) {
        struct one *one = ff_vec_at(&s->all, i);

        one->port = one->port ? one->port : port_of(one->fd);
        if (one->port == from_port) {
            t->fd = one->fd;
        }
    }
    return CURL_PREREQFUNC_OK;
}

void ff_s3_sockets_use(struct ff_s3_try *t)
{
    FF_S3_SET(t, CURLOPT_OPENSOCKETFUNCTION, on_open);
    FF_S3_SET(t, CURLOPT_OPENSOCKETDATA, t->sockets);
    FF_S3_SET(t, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    FF_S3_SET(t, CURLOPT_CLOSESOCKETDATA, t->sockets);
    FF_S3_SET(t, CURLOPT_PREREQFUNCTION, on_request);
    FF_S3_SET(t, CURLOPT_PREREQDATA, t);
}

void ff_s3_acknowledge(const struct ff_s3_try *t)
{
    int on = 1;

    if (t->fd >= 0) {
        (void)setsockopt(t->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    }
}
