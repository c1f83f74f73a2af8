/* SPDX-License-Identifier: Apache-2.0 */
/* storage.h: what the files of the story share: core/storage.c tells it, open.c,
 * bigdata.c, saving.c, writer.c, task_get.c, reading.c, gc.c, verify.c and info.c do its
 * steps. */
#ifndef FF_CORE_STORAGE_H
#define FF_CORE_STORAGE_H

#include <stdatomic.h>

#include "core/watch.h"
#include "core/base/uuid.h"
#include "core/base/vec.h"
#include "core/host.h"
#include "core/pickle/pickle.h"
#include "core/steady.h"

#define FF_DIGEST_BYTES   20 /* SHA-1 behind each pickle: damage, not attackers */
#define FF_PLACE_BYTES    512
#define FF_MAX_NAMES      16777216
#define FF_MAX_TASK_BYTES (16ull << 30)
#define FF_BIGDATA        "bigdata"

struct ff_storage {
    atomic_uint refs; /* the program's, and each ff_bigdata's */
    struct ff_host *host;
    const struct ff_loaded_protocol *protocol;
    void *inst, *root; /* the protocol's instance, and its binding to the root */
    const struct ff_host_services *given; /* to the instance */
    struct ff_watch watch;
    const struct ff_objects *objects; /* watched, as is `commit` unless it is derived */
    const struct ff_commit *commit;
    struct ff_commit *derived;      /* `commit` when the protocol has none of its own */
    const struct ff_locate *locate; /* or NULL */
    char **serializers;             /* registered by name; NULL = every enabled one */
    size_t serializer_count;
    atomic_int always_read;
};

/* FF_OK, or why this storage cannot be used now. */
int ff_storage_check(const struct ff_storage *, struct ff_error *);
void ff_storage_unref(struct ff_storage *);
/* Whether both are the same place. */
int ff_storage_same(const struct ff_storage *, const struct ff_storage *);
/* Its protocol's key in the dictionary. */
const char *ff_storage_key(const struct ff_storage *);
/* FF_E_USAGE. */
int ff_check_workflow(const char *workflow, struct ff_error *);
int ff_check_names(const char *workflow, const char *task, struct ff_error *);
/* "I am still here", once a minute: to be called often. `intent` may be NULL. */
void ff_intent_touch(const struct ff_storage *, struct ff_intent *intent,
                     atomic_llong *refreshed_ns);
/* The caller's call, or the host's. */
const struct ff_call *ff_storage_call(const struct ff_storage *, const struct ff_call *);

/* ---- bigdata.c: the protocols dictionary of one workflow, and who owns what in it ----
 */

struct ff_bigdata {
    struct ff_protocols pub; /* first: what serializers are given */
    atomic_uint refs;
    struct ff_storage *storage;
    void *bound;
    struct ff_watch watch;
    const struct ff_objects *objects; /* watched */
    char workflow[FF_PLACE_BYTES];
    char place
        [FF_PLACE_BYTES]; /* workflow/task, when it is that of a task that was read */
};

struct ff_bigdata *ff_bigdata_open(struct ff_storage *, const char *workflow,
                                   const struct ff_call *, struct ff_error *);
struct ff_bigdata *ff_bigdata_ref(struct ff_bigdata *);
void ff_bigdata_unref(struct ff_bigdata *);
/* The uuid4 that owns this name: its first part that is one; NULL = shared. */
const char *ff_owner_of(const char *name, size_t *length);
/* Every object that `uuid` owns, by name; `each` must not call the protocol. */
int ff_owned_names(struct ff_bigdata *, const char *uuid, struct ff_vec *names,
                   const struct ff_call *, struct ff_error *);
void ff_names_clear(struct ff_vec *names); /* char * items */
/* Remove all that a uuid owns: through its serializer when it is there and has a way of
 * its own, and then by ownership. Idempotent. */
int ff_owned_remove(struct ff_bigdata *, const char *serializer, const char *version,
                    const char *uuid, const struct ff_call *, struct ff_error *);
/* Everything of `uuid` in `from` again as `fresh` in `to`, on the medium (same storage).
 * FF_E_STALE: it is gone. */
int ff_owned_copy(struct ff_bigdata *from, const char *uuid, struct ff_bigdata *to,
                  const char *fresh, const struct ff_call *, struct ff_error *);

/* ---- transfer.c ---- */

/* The same between storages whose protocols have the same key, byte for byte: what is encoded
 * stays so. FF_DECLINED, and nothing was written: another key, or what is shared beside it is
 * not the same there. */
int ff_owned_transfer(struct ff_bigdata *from, const char *uuid, struct ff_bigdata *to,
                      const char *fresh, const struct ff_call *, struct ff_error *);

/* ---- gc_uploads.c: what no list shows, and nobody has ended ---- */

struct ff_upload {
    char *name, *id; /* one block, ff_free(name) */
    int64_t begun_ns;
};
struct ff_uploads {
    struct ff_vec found; /* struct ff_upload */
    int64_t now_ns;      /* the medium's clock */
    const struct ff_leftovers *from;
};
/* Those of big data (bound to a bigdata folder), or those that the protocol left for itself
 * (bound to the root). Cleared also after a failure. None where the medium cannot tell. */
int ff_uploads_find(const struct ff_storage *, void *bound, struct ff_uploads *,
                    const struct ff_call *, struct ff_error *);
int ff_upload_end(const struct ff_uploads *, const struct ff_upload *,
                  const struct ff_call *, struct ff_error *);
void ff_uploads_clear(struct ff_uploads *);

/* ---- task_get.c, reading.c: the bytes of a task, its persistent ids ---- */

struct ff_task_bytes {
    uint8_t *data; /* ff_free */
    size_t size_bytes;
    size_t pickle_bytes; /* without the digest */
    int64_t mtime_ns;
    uint8_t digest[FF_DIGEST_BYTES]; /* of what came; none for a pickle of 0 bytes */
};

#define FF_LOAD_WAIT 1u /* a torn read: a Python save may be in progress; try for 2 s */

/* Get a task, of one moment, and digest it on the way. FF_E_NOT_FOUND; FF_E_LIMIT. */
int ff_task_get(struct ff_storage *, const char *name, uint64_t max_bytes,
                struct ff_task_bytes *, const struct ff_call *, struct ff_error *);
/* Get a task and check its digest. FF_E_NOT_FOUND; FF_E_CORRUPT. */
int ff_task_load(struct ff_storage *, const char *workflow, const char *task,
                 uint64_t max_bytes, unsigned flags, struct ff_task_bytes *,
                 const struct ff_call *, struct ff_error *);
/* FF_OK, or FF_E_CORRUPT: the digest behind the pickle is not its own. */
int ff_digest_check(const void *data, size_t size_bytes, struct ff_error *);
/* A digest could not be made: FF_E_OTHER, and why. */
int ff_no_digest(struct ff_error *);

/* A persistent id of a task, copied. */
struct ff_mark {
    char *serializer, *version, *uuid; /* one block, ff_free(serializer) */
};
/* Every id of a task's bytes (pickle + digest): struct ff_mark items. strings: also every
 * other uuid4 in an id, for ids of unknown form. FF_E_CORRUPT. */
int ff_marks_read(const void *data, size_t size_bytes, struct ff_vec *marks,
                  struct ff_error *);
int ff_marks_have(const struct ff_vec *marks, const char *uuid);
void ff_marks_clear(struct ff_vec *);

/* A failure gets the task's place, where it has none. */
int ff_at_task(int code, const char *workflow, const char *task, struct ff_error *);

/* ---- move.c: a task that goes when it is elsewhere ---- */

struct ff_moving {
    struct ff_storage *storage;
    const char *workflow, *task;
    const struct ff_call *call;
    uint8_t digest[FF_DIGEST_BYTES]; /* of what was read */
    size_t size_bytes;
};

/* Read it, and note which value it was. */
struct ff_doc *ff_moving_read(struct ff_moving *, struct ff_error *);
/* Remove exactly that value, once `is_there` says that it is elsewhere: 1, 0 or an error code; it
 * is asked while the task has another name. FF_E_CONFLICT: it was replaced meanwhile, or is not
 * there; it stays, or is at the name that the error says. */
int ff_moving_remove(const struct ff_moving *,
                     int (*is_there)(void *ctx, struct ff_error *), void *ctx,
                     struct ff_error *);

/* Build a document from bytes (taken), with persistent ids that open in this workflow. */
struct ff_doc *ff_task_build(struct ff_storage *, const char *workflow, const char *task,
                             struct ff_task_bytes *taken, const struct ff_call *,
                             struct ff_error *);
/* Open every persistent object of a document now. */
int ff_doc_pin(struct ff_doc *, const struct ff_call *, struct ff_error *);
/* What an array that was read is: kept alive by the array. */
struct ff_lazy_origin {
    struct ff_bigdata *bigdata;
    int plain; /* its id has nothing but version and uuid */
    char serializer[128], version[64], uuid[FF_UUID_LENGTH + 1];
};

/* Every value of a graph once, containers before what is in them; with its path. */
struct ff_walk {
    struct ff_vec stack;
    struct ff_vec seen;
};
void ff_walk_begin(struct ff_walk *, struct ff_value root);
/* 1 and the value; 0 at the end; < 0: an error code. */
int ff_walk_next(struct ff_walk *, struct ff_value *, struct ff_error *);
/* Of the value that ff_walk_next gave: "field[3]", cut where it is too long. */
void ff_walk_path(const struct ff_walk *, char *out, size_t size);
void ff_walk_end(struct ff_walk *);

/* Where a persistent value, or a resolved object, came from; NULL = not from a storage.
 * Borrowed from the value's document. */
struct ff_bigdata *ff_value_bigdata(struct ff_value persistent);

/* ---- saving.c ---- */

struct ff_saving {
    struct ff_call call; /* first: the caller's, and the intent's heartbeat */
    const struct ff_call *outer;
    atomic_llong refreshed_ns;
    struct ff_storage *storage; /* a reference */
    struct ff_bigdata *bigdata;
    struct ff_intent *intent;
    struct ff_vec stored;  /* struct ff_mark: what this save has written */
    struct ff_vec writers; /* struct ff_writer *: open */
    struct ff_doc
        *extras; /* what the last serializer keeps in the stream, until it is written */
    struct ff_steady cleanup; /* until_ns 0: nothing was taken back yet */
    int copied;               /* through the storage's own objects */
    uint32_t flags, protocol;
    struct ff_error *error; /* during commit: of the write callback */
    char workflow[FF_PLACE_BYTES], task[FF_PLACE_BYTES], place[FF_PLACE_BYTES];
};

struct ff_saving *ff_saving_new(struct ff_storage *, const struct ff_save_options *,
                                struct ff_error *);
/* Remember, before it is written, that this save owns `uuid`. */
int ff_saving_owns(struct ff_saving *, const char *serializer, const char *version,
                   const char *uuid, struct ff_error *);
/* The newest uuid was not used. */
void ff_saving_disown(struct ff_saving *);
/* Take back what was stored under the newest uuid. */
void ff_saving_take_back(struct ff_saving *);
/* Write the pickle of `value` and its digest into the intent; big data goes to the
 * serializers on the way. */
int ff_saving_write(struct ff_saving *, struct ff_value, struct ff_error *);
void ff_writer_abort(struct ff_writer *);

#endif
