/* SPDX-License-Identifier: Apache-2.0 */
/* s3_delay.c: s3_delay PORT MS: a way to a port of loopback that takes as long as a far one: every
 * byte arrives half of MS later, in either direction; what is under way at once is bounded by
 * memory alone. One thread. Prints the URL of a free port. 0 ms is what the way itself costs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 << 10, PIECES_MAX = 64, CONNECTIONS = 256 };

struct piece {
    struct piece *next;
    int64_t due_ns;
    size_t size_bytes, sent_bytes;
    char data[PIECE_BYTES];
};

/* One direction of a connection. */
struct way {
    int from, to;
    struct piece *first, **last;
    unsigned count;
    int ended; /* nothing more comes */
};

struct connection {
    struct way way[2];
    int open;
};

static struct connection all[CONNECTIONS];
static struct piece *spare;
static int64_t half_ns;
static int port;

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct piece *take(void)
{
    struct piece *p = spare;

    if (p) {
        spare = p->next;
    } else if (!(p = malloc(sizeof *p))) {
        die("s3_delay");
    }
    return p;
}

static void give(struct piece *p)
{
    p->next = spare;
    spare = p;
}

/* ---- one direction ---- */

static void fill(struct way *w)
{
    struct piece *p = take();
    ssize_t n = recv(w->from, p->data, PIECE_BYTES, MSG_DONTWAIT);

    if (n <= 0) {
        w->ended = n == 0 || errno != EAGAIN;
        give(p);
        return;
    }
    p->next = NULL;
    p->due_ns = now_ns() + half_ns;
    p->size_bytes = (size_t)n;
    p->sent_bytes = 0;
    *w->last = p;
    w->last = &p->next;
    w->count++;
}

static void drain(struct way *w)
{
    struct piece *p;
    int64_t now = now_ns();

    while ((p = w->first) && p->due_ns <= now) {
        ssize_t n = send(w->to, p->data + p->sent_bytes, p->size_bytes - p->sent_bytes,
                         MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN) {
            w->ended = 1;
        }
        p->sent_bytes += n > 0 ? (size_t)n : 0;
        if (n >= 0 && p->sent_bytes < p->size_bytes) {
            continue;
        }
        if (n < 0) {
            return;
        }
        w->first = p->next;
        w->last = w->first ? w->last : &w->first;
        w->count--;
        give(p);
    }
    if (!w->first && w->ended == 1) {
        (void)shutdown(w->to, SHUT_WR);
        w->ended = 2;
    }
}

static void finish(struct connection *c)
{
    for (int i = 0; i < 2; i++) {
        for (struct piece *p = c->way[i].first, *next; p; p = next) {
            next = p->next;
            give(p);
        }
        (void)close(c->way[i].from);
    }
    memset(c, 0, sizeof *c);
}

/* ---- all ---- */

static int reach(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at)) {
        die("s3_delay: the server");
    }
    return fd;
}

static void welcome(int client)
{
    struct connection *c = all;
    int on = 1, server = reach();

    while (c < all + CONNECTIONS && c->open) {
        c++;
    }
    if (c == all + CONNECTIONS) {
        die("s3_delay: too many connections");
    }
    (void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    c->open = 1;
    c->way[0] = (struct way){.from = client, .to = server};
    c->way[1] = (struct way){.from = server, .to = client};
    for (int i = 0; i < 2; i++) {
        c->way[i].last = &c->way[i].first;
    }
}

/* What a direction waits for; gives how long at most. */
static int64_t watch(const struct way *w, struct pollfd *from, struct pollfd *to,
                     int64_t now)
{
    int64_t left = INT64_MAX;

    *from = (struct pollfd){.fd = w->ended || w->count >= PIECES_MAX ? -1 : w->from,
                            .events = POLLIN};
    *to = (struct pollfd){.fd = -1, .events = POLLOUT};
    if (w->first && w->first->due_ns <= now) {
        to->fd = w->to;
    } else if (w->first) {
        left = w->first->due_ns - now;
    }
    return left;
}

static void turn(int listener)
{
    static struct pollfd fds[4 * CONNECTIONS + 1];
    int64_t now = now_ns(), left = 1000000000, due;
    struct timespec most;

    for (size_t i = 0; i < 2 * CONNECTIONS; i++) {
        struct pollfd *at = fds + 2 * i;
        const struct connection *c = &all[i / 2];

        at[0].fd = at[1].fd = -1;
        due = c->open ? watch(&c->way[i % 2], at, at + 1, now) : INT64_MAX;
        left = due < left ? due : left;
    }
    fds[4 * CONNECTIONS] = (struct pollfd){.fd = listener, .events = POLLIN};
    most = (struct timespec){left / 1000000000, left % 1000000000};
    (void)ppoll(fds, 4 * CONNECTIONS + 1, &most, NULL);
    for (size_t i = 0; i < 2 * CONNECTIONS; i++) {
        struct connection *c = &all[i / 2];

        if (c->open && fds[2 * i].revents) {
            fill(&c->way[i % 2]);
        }
        if (c->open) {
            drain(&c->way[i % 2]);
        }
        if (c->open && c->way[0].ended && c->way[1].ended) {
            finish(c);
        }
    }
    if (fds[4 * CONNECTIONS].revents) {
        welcome(accept(listener, NULL, NULL));
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 3 || fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) ||
        listen(fd, CONNECTIONS) || getsockname(fd, (struct sockaddr *)&at, &size)) {
        die("s3_delay PORT MS");
    }
    port = atoi(argv[1]);
    half_ns = (int64_t)(strtod(argv[2], NULL) * 1e6 / 2);
    (void)printf("http://127.0.0.1:%d\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    for (;;) {
        turn(fd);
    }
}
