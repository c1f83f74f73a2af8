/* SPDX-License-Identifier: Apache-2.0 */
/* s3.h: the inside of the protocol "S3": a prefix of a bucket as the medium.
 *
 * Three layers. http.h: one thread owns libcurl and carries requests out, each tried again as
 * it may be. This header: a storage, its views, and operations on objects, which are chains of
 * requests and run on the threads of whoever called run(). options.h: where the bucket is, and
 * the credentials for it.
 *
 * Functions that return int give an ff_code when their last argument is a struct ff_error,
 * else 0 or -errno. */
#ifndef FF_PROTOCOL_S3_H
#define FF_PROTOCOL_S3_H

#include <functionfuse/plugin.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "core/base/vec.h"
#include "http.h"
#include "options.h"

enum {
    FF_S3_KEY_BYTES = 1024,           /* the longest key of S3 */
    FF_S3_BULK_COUNT = 1000,          /* keys of one DeleteObjects */
    FF_S3_PART_BYTES = 16 << 20,      /* of a multipart upload */
    FF_S3_MULTIPART_BYTES = 32 << 20, /* objects that are larger go up in parts */
    FF_S3_BUFFERED_BYTES = 16 << 20, /* bodies up to here are read before they are sent */
    FF_S3_PARTS_IN_FLIGHT = 4
};

#define FF_S3_MAX_PUT_BYTES ((uint64_t)5 << 30) /* of one request */

/* An instance: one prefix of one bucket. */
struct ff_s3_root {
    const struct ff_host_services *host;
    const struct ff_sys *sys;
    const struct ff_values *values;
    const struct ff_pool *pool; /* or NULL */
    struct ff_s3_options options;
    struct ff_s3_credentials *credentials;
    struct ff_s3_http *http;
    char *identity;
    atomic_ullong body_bytes; /* held by bodies that are being sent */
    uint64_t body_max_bytes;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t unlocked;
    struct ff_vec locked; /* char *: keys with an emulated condition */
    bool probed;
    struct ff_s3_facts facts;
    pthread_mutex_t probing;
    atomic_bool warned_names;
    atomic_bool no_bulk; /* the server has no DeleteObjects */
    atomic_bool list_v1; /* nor ListObjectsV2 */
};

/* A view of one folder. */
struct ff_s3_bound {
    struct ff_objects objects;
    struct ff_locate locate;
    struct ff_s3 s3;
    struct ff_probe probe;
    struct ff_leftovers leftovers;
    struct ff_s3_root *root;
    char *folder; /* in the bucket; "" or with '/' at its end */
};

/* The bound that a table belongs to. Its maker made it writable. */
#define FF_S3_BOUND(table, member)                                                       \
    ((struct ff_s3_bound *)((uintptr_t)(table)-offsetof(struct ff_s3_bound, member)))

void ff_s3_log(const struct ff_s3_root *, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- names.c ---- */

/* The key of a name of this folder, the name checked. FF_E_USAGE, FF_E_NO_MEMORY. */
int ff_s3_key(const struct ff_s3_bound *, const char *name, char **key,
              struct ff_error *);

/* ---- crew.c: a run() and its items ---- */

struct ff_s3_crew;

/* One operation. It lives from begin to ff_s3_item_end(). */
struct ff_s3_item {
    struct ff_s3_crew *crew;
    struct ff_s3_root *root;
    const struct ff_call *call;
    struct ff_io *io;
    char *key;
    /* A request of this item has finished, and is released afterwards. */
    void (*step)(struct ff_s3_item *, struct ff_s3_request *);
    void *state;     /* the operation's; ff_free */
    uint32_t weight; /* of the batch's width */
};

/* The key of another name of the item's folder. */
int ff_s3_item_key(const struct ff_s3_item *, const char *name, char **key,
                   struct ff_error *);
/* A request of an item, for its key: NULL: no memory, and the item has ended. */
struct ff_s3_request *ff_s3_item_request(struct ff_s3_item *, enum ff_s3_method);
/* Hand the request (taken) to the server; step() follows, on some thread of the run. */
void ff_s3_item_send(struct ff_s3_item *, struct ff_s3_request *taken);
/* The operation is over: done() is called, and the item released. */
void ff_s3_item_end(struct ff_s3_item *, int code, const struct ff_error *);
int ff_s3_run(const struct ff_objects *, struct ff_batch *, const struct ff_call *,
              struct ff_error *);
/* Carry out a request and wait for it: cancelled and timed as `call` says. */
int ff_s3_perform(struct ff_s3_root *, struct ff_s3_request *, const struct ff_call *,
                  struct ff_error *);
/* Cancelled, or past the deadline. */
int ff_s3_stopped(const struct ff_s3_root *, const struct ff_call *, const char *place,
                  struct ff_error *);

/* ---- get.c, put.c, multipart.c, copy.c, remove.c: begin an operation ---- */

void ff_s3_get(struct ff_s3_item *);
void ff_s3_head(struct ff_s3_item *);
void ff_s3_put(struct ff_s3_item *);
void ff_s3_copy(struct ff_s3_item *);
void ff_s3_remove(struct ff_s3_item *);
void ff_s3_put_parts(struct ff_s3_item *);
/* Takes the items; each gets its end. */
void ff_s3_remove_many(struct ff_s3_item **, size_t count);

/* Facts of an answer into the item's io. FF_E_UNSUPPORTED: an ETag that is too long. */
int ff_s3_describe(struct ff_io *, const struct ff_s3_request *, struct ff_error *);

/* ---- body.c ---- */

/* What a request sends: a part of what the io's source has, read now, or while it is sent
 * when it is large. Counted in root->body_bytes until ff_s3_body_end(). */
int ff_s3_body_source(struct ff_s3_root *, struct ff_s3_request *, const struct ff_io *,
                      uint64_t offset, uint64_t size_bytes, const struct ff_call *,
                      struct ff_error *);
/* Bytes that live as long as the request. */
int ff_s3_body_set(struct ff_s3_root *, struct ff_s3_request *, const void *data,
                   size_t size_bytes, struct ff_error *);
/* Releases a request with its body. */
void ff_s3_request_end(struct ff_s3_root *, struct ff_s3_request *);

/* The value of FF_S3_META_WRITER for one put. */
int ff_s3_new_writer(const struct ff_s3_root *, const char *key,
                     char out[FF_S3_WRITER_BYTES], struct ff_error *);
/* A put of `r` (taken) under a condition, to its certain end, or to
 * FF_E_UNKNOWN_OUTCOME. On FF_OK the answer's facts are in *io. */
int ff_s3_put_if(struct ff_s3_root *, struct ff_s3_request *taken, const char *key,
                 const char *if_match, struct ff_io *, const struct ff_call *,
                 struct ff_error *);
/* The object's tag, "" when it is not there. `writer` may be NULL. */
int ff_s3_tag_of(struct ff_s3_root *, const char *key, char tag[80],
                 char writer[FF_S3_WRITER_BYTES], const struct ff_call *,
                 struct ff_error *);
/* Hold a key while a condition on it is emulated. */
int ff_s3_key_lock(struct ff_s3_root *, const char *key, struct ff_error *);
void ff_s3_key_unlock(struct ff_s3_root *, const char *key);

/* ---- list.c, probe.c, facts.c, uploads.c ---- */

int ff_s3_list(const struct ff_objects *, const char *prefix, int one_level,
               int (*each)(void *, const struct ff_io *), void *ctx, int64_t *now_ns,
               const struct ff_call *, struct ff_error *);
/* "2026-11-28T09:00:00.5Z", since 1970. */
bool ff_s3_time(const char *text, int64_t *ns);
/* What the server can do; found out once, by writing to and removing a key of its own. */
/* On a key that begins with this, in the root. */
#define FF_S3_PROBE ".ff-probe-"
int ff_s3_probe(struct ff_s3_root *, const struct ff_call *, struct ff_error *);
/* The same, with several writers at once. */
int ff_s3_probe_race(struct ff_s3_root *, const struct ff_call *, struct ff_error *);

/* What is known, as ff.s3/1 and ff.probe/1 have it. */
int ff_s3_facts(const struct ff_s3 *, int probe, struct ff_s3_facts *,
                const struct ff_call *, struct ff_error *);
int ff_s3_tell(const struct ff_probe *,
               int (*each)(void *ctx, const char *what, const char *is,
                           const char *follows),
               void *ctx, const struct ff_call *, struct ff_error *);

/* Unfinished multipart uploads below the folder, and in the root old keys of probes whose process
 * died, as ff.leftovers/1 has them. */
int ff_s3_uploads(const struct ff_leftovers *,
                  int (*each)(void *ctx, const struct ff_leftover *), void *ctx,
                  int64_t *now_ns, const struct ff_call *, struct ff_error *);
int ff_s3_abort(const struct ff_leftovers *, const char *name, const char *id,
                const struct ff_call *, struct ff_error *);

#endif
