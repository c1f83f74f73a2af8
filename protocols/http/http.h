/* SPDX-License-Identifier: Apache-2.0 */
/* http.h: the inside of the protocol "http": a store that somebody published, read by ranges.
 *
 * Two layers. request.c is one exchange: what is asked, and what comes; judge.c says what follows
 * from its end. run.c carries out many of them at once on the thread that asks, with connections that are kept for the next.
 * Above stand objects.c, files.c, list.c and index.c (pages that say what a folder holds), and
 * refuse.c: nothing is ever written.
 *
 * Functions that return int give an ff_code when their last argument is a struct ff_error,
 * else 0 or -errno. */
#ifndef FF_PROTOCOL_HTTP_H
#define FF_PROTOCOL_HTTP_H

#include <curl/curl.h>
#include <functionfuse/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/sys.h"
#include "core/base/vec.h"

enum {
    FF_HTTP_NAME_BYTES = 1024,
    FF_HTTP_URL_BYTES = 8192,
    FF_HTTP_LANES = 8,                 /* sets of connections that are kept */
    FF_HTTP_WIDTH_MAX = 64,            /* requests of one run at a time */
    FF_HTTP_PAGE_MAX_BYTES = 16 << 20, /* of a folder's page */
    FF_HTTP_NAMES_MAX = 1 << 22,
    FF_HTTP_BEGIN_BYTES = 64 << 10, /* of a file: what is read when it is opened */
    FF_HTTP_DRAIN_MAX_BYTES =
        64 << 10, /* of an answer that is none: the connection is kept */
    FF_HTTP_SKIP_MAX_BYTES = 64
                             << 20 /* read and thrown away where a server has no ranges */
};

struct ff_http_lane; /* run.c's */

struct ff_http_options {
    char *url;       /* with '/' at its end, normalised by libcurl */
    char *ca_bundle; /* or NULL */
    long timeout_s;
    unsigned connections;
    bool https, no_proxy;
};

/* An instance: one folder of one server. */
struct ff_http_root {
    const struct ff_host_services *host;
    const struct ff_sys *sys;
    const struct ff_values *values;
    struct ff_http_options options;
    char *identity;
    atomic_bool lists;    /* the server has given a list of a folder */
    pthread_mutex_t lock; /* guards the rest */
    struct ff_http_lane *idle[FF_HTTP_LANES];
    size_t idle_count;
};

/* A view of one folder. */
struct ff_http_bound {
    struct ff_objects objects;
    struct ff_files files;
    struct ff_commit commit;
    struct ff_locate locate;
    struct ff_http_root *root;
    char *folder; /* "" or with '/' at its end */
};

/* The bound that a table belongs to. Its maker made it writable. */
#define FF_HTTP_BOUND(table, member)                                                     \
    ((struct ff_http_bound *)((uintptr_t)(table)-offsetof(struct ff_http_bound, member)))

/* ---- options.c ---- */

int ff_http_options_read(struct ff_http_root *, struct ff_value options,
                         struct ff_error *);
void ff_http_options_free(struct ff_http_options *);
extern const char ff_http_options_schema[];

/* ---- names.c ---- */

/* Append a name as it stands in a URL: what RFC 3986 does not call unreserved as %XX, but '/'. */
int ff_http_encode(struct ff_buf *, const char *name);
/* The URL of a name of the folder, or ("") of the folder; the caller's (ff_free). FF_E_USAGE: not
 * a name. */
int ff_http_url(const struct ff_http_bound *, const char *name, char **url,
                struct ff_error *);

/* ---- request.c ---- */

struct ff_http_request {
    /* what is asked; the maker's until it has finished */
    char *url;
    bool head, page;                   /* HEAD; GET of a page, into `text` */
    uint64_t offset_bytes, want_bytes; /* want: FF_ANY_SIZE = to the end */
    const char *tag;                   /* another is FF_E_STALE; or NULL */
    /* Called once, when the head of a good answer came: where `size_bytes` go. Fills spans that
     * live as long as the request, or fails with FF_E_NO_MEMORY. */
    int (*room)(struct ff_http_request *, uint64_t size_bytes);
    const struct ff_span *spans;
    size_t span_count;
    void *user;

    /* results */
    int code;
    struct ff_error error;
    uint64_t got_bytes, total_bytes;
    int64_t modified_ns, date_ns; /* 0: not said */
    char answer_tag[80];
    struct ff_buf text;

    /* the run's */
    struct ff_http_request *next;
    CURL *curl;
    struct curl_slist *headers;
    bool has_head, has_room, enough;
    size_t span, span_at; /* where the next byte goes */
    uint64_t take_bytes, skip_bytes, drained_bytes;
    unsigned attempts;
    int64_t at_ns; /* when to try again */
    char why[CURL_ERROR_SIZE];
};

/* Takes `url`, also on failure: NULL, no memory. */
struct ff_http_request *ff_http_request_new(char *url);
void ff_http_request_free(struct ff_http_request *);
int ff_http_request_fail(struct ff_http_request *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Make a handle carry it out: FF_OK, or the request has failed. */
int ff_http_request_start(const struct ff_http_root *, struct ff_http_request *, CURL *);
/* The status of the answer, 0: none came. */
int ff_http_status(const struct ff_http_request *);
/* The head of the answer is there: FF_OK, or the request has failed. */
int ff_http_take_head(struct ff_http_request *);

/* ---- judge.c ---- */

/* The exchange is over: whether it is worth another one, else `code` says how it went. */
bool ff_http_request_judge(struct ff_http_request *, CURLcode);

/* ---- run.c ---- */

/* Requests to carry out. next() gives NULL at the end; done() gets each one once, with what came of
 * it; nonzero: no more are begun. Both on the thread that runs. */
struct ff_http_queue {
    void *ctx;
    unsigned width; /* 0 = as many as there are connections */
    struct ff_http_request *(*next)(void *ctx);
    int (*done)(void *ctx, struct ff_http_request *);
};

int ff_http_run(struct ff_http_root *, const struct ff_http_queue *,
                const struct ff_call *, struct ff_error *);
/* One, to its end; its failure is also the result. */
int ff_http_perform(struct ff_http_root *, struct ff_http_request *,
                    const struct ff_call *, struct ff_error *);
/* Cancelled, or past the deadline. */
int ff_http_stopped(const struct ff_http_root *, const struct ff_call *,
                    const char *place, struct ff_error *);
void ff_http_lanes_free(struct ff_http_root *);

/* ---- objects.c, list.c, files.c, refuse.c: the tables ---- */

int ff_http_objects_run(const struct ff_objects *, struct ff_batch *,
                        const struct ff_call *, struct ff_error *);
int ff_http_list(const struct ff_objects *, const char *prefix, int one_level,
                 int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                 const struct ff_call *, struct ff_error *);
/* Whether the folder, "" or with '/' at its end, is there: it has a page. */
int ff_http_folder_exists(const struct ff_http_bound *, const char *folder, bool *exists,
                          const struct ff_call *, struct ff_error *);
void ff_http_files_init(struct ff_files *);
void ff_http_commit_init(struct ff_commit *);
/* "read only": FF_E_UNSUPPORTED. */
int ff_http_refuse(const struct ff_http_root *, const char *name, struct ff_error *);

/* ---- index.c ---- */

/* What the page of a folder names in it: names, with '/' behind those of folders (char *,
 * ff_free), each once. `path`: the folder's own, decoded, "/a/b/". -EINVAL: it is no such page. */
int ff_http_index_read(struct ff_buf *page, const char *path, struct ff_vec *names);

#endif
