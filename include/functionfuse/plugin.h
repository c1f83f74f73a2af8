/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plugin.h: for those who write plugins. A plugin is one shared object that exports one
 * function, and links nothing of ours:
 *
 *   a serializer  ff_serializer_describe()   how objects of a class are stored
 *   a protocol    ff_protocol_describe()     how a medium is reached
 *
 * Rules
 * - describe() is pure: it returns static data, starts nothing, reads nothing. Everything
 * else happens in create(), which makes an instance; keep all state there. Two storages
 * with different options live side by side.
 * - Every struct begins with struct_size: FF_SIZE(type, its last member), never sizeof.
 * Members are only appended. Read a member of somebody else's struct through FF_HAS().
 * Nobody copies or shrinks a table.
 * - An interface is a table named "name/revision". For the interfaces of a protocol the
 * first argument of each function is the table itself, so one can wrap another.
 * - No memory crosses the border to be freed on the other side: what is given is borrowed
 * for the call, unless the name ends in _take; things that live longer have a release
 * function.
 * - Callbacks never exit, abort, print, or change signals, locale, environment or
 * directory; they never throw or longjmp across the border.
 * - Integers have fixed widths; text is UTF-8 with NUL at its end unless a size comes
 * with it.
 * - A function returns FF_OK, or the code that it filled the error with (error.h). Any may
 * fail with FF_E_NO_MEMORY, what takes a struct ff_call with FF_E_CANCELLED or FF_E_DEADLINE;
 * what else it gives stands with it. Of other codes the host only takes that it failed.
 *
 * Two tiers
 * - Stable: all that stands here, as part of ABI 1. It is only added to: a plugin that was
 * built once runs on every later host of this ABI (docs/abi.md has the promise).
 * - Draft: an interface or service with "draft" in its id. It may change or go with any
 * version: query for it each time, do without it, and do not put it into `needs`.
 */
#ifndef FUNCTIONFUSE_PLUGIN_H
#define FUNCTIONFUSE_PLUGIN_H

#include "value.h"

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define FF_EXPORT __attribute__((visibility("default")))
#else
#define FF_EXPORT
#endif

#define FF_ABI 1u /* a new one comes with a new symbol name */
#define FF_ABI_MINOR                                                                     \
    0u /* grows when something is added; for people, hosts do not compare it */

/* The keys of the protocols dictionary, as Python has them. */
#define FF_FILE_PROTOCOL "file_protocol"
#define FF_S3_PROTOCOL   "s3 protocol"

/* ---- the host ---- */

enum ff_log_level {
    FF_LOG_MISBEHAVES =
        0, /* a plugin broke a clause of this header: which plugin, what it did,
                              and the clause, for its author. The host's own: a plugin that
                              logs so is quoted as an error */
    FF_LOG_ERROR,
    FF_LOG_WARNING,
    FF_LOG_INFO,
    FF_LOG_DEBUG
};

#define FF_HOST_NO_SYNC 1u /* durability "none": skip fsync and its kin */

/* What create() is given: this instance's own, until its destroy() has returned. Any thread. */
struct ff_host_services {
    uint32_t struct_size, flags; /* FF_HOST_* */
    uint32_t abi;                /* the host's FF_ABI */
    uint32_t threads;            /* how many the pool has, >= 1 */
    const char *version;         /* the library's, "0.1.0" */
    void *ctx;                   /* the host's */
    /* For the program's log callback; borrowed for the call. */
    void (*log)(const struct ff_host_services *, int level, const char *text);
    /* A service by its id, or NULL: FF_VALUES_1, FF_POOL_1, FF_LOCK_GROUP_1, FF_ONCE_1,
     * FF_NPY_1, FF_OPEN_1. What create() finds, it may keep. */
    const void *(*query)(const struct ff_host_services *, const char *service_id);
};

/* Threads of the host, and its memory budget. */
#define FF_POOL_1 "ff.pool/1"
struct ff_pool {
    uint32_t struct_size, flags;
    /* Run work(ctx, i) for i = 0 .. count-1, in any order, on several threads and on this
     * one; returns when all are done. The first failure stops those that have not begun and
     * is returned, with its error. May be called from inside work(). A call of NULL is the
     * host's. FF_E_CANCELLED, FF_E_DEADLINE: before an item began. FF_E_FORKED. */
    int (*for_each)(const struct ff_host_services *, uint64_t count,
                    int (*work)(void *ctx, uint64_t i, struct ff_error *), void *ctx,
                    const struct ff_call *, struct ff_error *);
    /* Scratch memory, aligned to 4096 bytes, within the host's budget: waits while others
     * hold too much; a request larger than the whole budget is granted alone. Hold at most
     * one for each work item, and never wait for other items while holding it. NULL:
     * FF_E_NO_MEMORY, FF_E_CANCELLED, FF_E_DEADLINE or FF_E_FORKED. */
    void *(*borrow)(const struct ff_host_services *, size_t size_bytes,
                    const struct ff_call *, struct ff_error *);
    /* Once, from any thread. NULL is allowed. */
    void (*give_back)(const struct ff_host_services *, void *memory);
};

/* Process-wide locks by name, for libraries that are one per process ("libhdf5").
 * Recursive. Held only around calls of that library: never across a call to the host or
 * to ff.objects. A callback of the library (a file driver) may call ff.files. */
#define FF_LOCK_GROUP_1 "ff.lockgroup/1"
struct ff_lock_group {
    uint32_t struct_size, flags;
    /* Waits as long as another thread is in it. FF_E_NO_MEMORY; FF_E_LIMIT: entered too
     * often by this thread. */
    int (*enter)(const struct ff_host_services *, const char *group, struct ff_error *);
    /* Once for each enter(), by the same thread. */
    void (*leave)(const struct ff_host_services *, const char *group);
};

/* What a library wants once in a process. */
#define FF_ONCE_1 "ff.once/1"
struct ff_once {
    uint32_t struct_size, flags;
    /* Run fn(ctx) once in this process for each key; others wait, and later callers get the
     * first result. FF_E_NO_MEMORY: fn did not run, also of a key of over 255 bytes. */
    int (*run)(const struct ff_host_services *, const char *key, int (*fn)(void *ctx),
               void *ctx);
};

/* Positional bytes, whole or failed. Any thread, many at a time. FF_E_CORRUPT: they end
 * before; else what its medium gives. */
typedef int ff_read_at(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                       const struct ff_call *, struct ff_error *);

/* The .npy codec. */
#define FF_NPY_1 "ff.npy/1"
struct ff_npy {
    uint32_t struct_size, flags;
    /* The size of the array's .npy image. FF_E_UNSUPPORTED: a dtype that .npy lacks.
     * FF_E_USAGE: over 2^63 bytes. */
    int (*size)(const struct ff_array *, uint64_t *size_bytes, struct ff_error *);
    /* An ff_read_at over that image; ctx = the (const struct ff_array *). FF_E_USAGE: past
     * its end; others as the array's read(). */
    ff_read_at *read;
    /* An array over `read`, which is an image of size_bytes. `moved` is released with
     * release(moved), also on failure. FF_E_CORRUPT: no image, or one that says it is
     * longer; FF_E_UNSUPPORTED: a dtype of objects; and those of `read`. */
    struct ff_value (*take)(struct ff_doc *out, ff_read_at *read, void *moved,
                            void (*release)(void *), uint64_t size_bytes,
                            const struct ff_call *, struct ff_error *);
};

/* ---- ff.objects/1: named blobs. Every protocol has it ----
 *
 * Names are relative to the folder that the protocol was bound to; '/' separates levels;
 * no empty part, no "." or "..". Each function: any thread, many at a time.
 *
 * Errors of each function of a protocol, beside what it says: FF_E_USAGE: a name that is none;
 * FF_E_PERMISSION; FF_E_IO; FF_E_NO_SPACE; FF_E_NETWORK: no answer, or a broken one;
 * FF_E_UNSAFE: a link or a device has the name; FF_E_LIMIT: no descriptors; FF_E_UNSUPPORTED:
 * what this medium cannot do. FF_E_NOT_FOUND only where there certainly is no such thing: the
 * host acts upon it. */
#define FF_OBJECTS_1 "ff.objects/1"

/* With the codes that done() gets beside those above; FF_E_CONFLICT: see if_match. */
enum ff_io_op {
    FF_GET = 1, /* bytes offset .. offset + size_bytes, clamped to the object's end.
                   FF_E_NOT_FOUND; FF_E_STALE: it was replaced meanwhile */
    FF_PUT,     /* the whole object, atomic; visible when done. FF_E_CONFLICT */
    FF_HEAD,    /* size, time, tag. FF_E_NOT_FOUND */
    FF_REMOVE,  /* idempotent: absent is FF_OK. FF_E_CONFLICT */
    FF_COPY     /* `name` becomes a copy of `from`, on the medium; files: a hard link.
                   FF_E_NOT_FOUND: no `from`. FF_E_CONFLICT also while somebody is attached to
                   `from` (FF_OPEN_ATTACH), unless the copy shares no bytes with it */
};

#define FF_ANY_SIZE UINT64_MAX /* GET: to the end */

/* A PUT with if_match "" that nobody looks for before the next sync(), as chunks of an array
 * that no task names yet: it may be there before it is whole. After a failure it is not there.
 * A protocol may leave this out of account. */
#define FF_IO_UNSEEN 1

/* One operation. The maker's memory until its done(). */
struct ff_io {
    uint32_t struct_size;
    int32_t op;       /* enum ff_io_op */
    const char *name; /* borrowed until done() */
    const char *from; /* COPY: the source */
    void *user;       /* the maker's */
    uint64_t offset_bytes;
    uint64_t size_bytes; /* GET: how many wanted, FF_ANY_SIZE; on done: how many came.
                            PUT: the object's size */
    /* GET: called once before bytes come, with how many will; returns where they go, or
     * NULL: the item fails with FF_E_NO_MEMORY. Any thread; must not wait for other items:
     * their bytes may come on the same thread. */
    void *(*buffer)(struct ff_io *, uint64_t size_bytes);
    ff_read_at *source; /* PUT: positional, so that retries and parts need no rewind; any
                           thread; called with no lock held. Its failure is the item's */
    void *source_ctx;
    /* PUT, COPY, REMOVE: NULL = always; "" = only if absent (PUT, COPY); else only if the
     * tag is this one, so never when the object is absent. Otherwise FF_E_CONFLICT, and that
     * is certain: where an answer was lost, FF_E_NETWORK or FF_E_UNKNOWN_OUTCOME. */
    const char *if_match;
    /* results */
    uint64_t object_bytes; /* GET, HEAD, list: the object's whole size */
    int64_t mtime_ns;      /* HEAD, list: since 1970, the medium's clock */
    char tag[80];          /* GET, HEAD, PUT, list: the same until the object changes */
    int32_t is_folder; /* list, one level: a name that others begin with, without '/' */
    int32_t flags;     /* FF_IO_* */
};

/* Many operations. next() is never called by two threads at once, and gives NULL at the end.
 * done() is called exactly once for each item that next() gave, also after a cancellation
 * (FF_E_CANCELLED), from any thread, and by several at once. When it returns nonzero no more
 * items are begun, and run() returns FF_OK. An item's failure is its own: run() still returns
 * FF_OK; it fails when it could not go on, and with FF_E_CANCELLED when the call was
 * cancelled. */
struct ff_batch {
    uint32_t struct_size;
    uint32_t width; /* the most in flight; 0 = the protocol's choice */
    void *ctx;      /* the caller's */
    struct ff_io *(*next)(struct ff_batch *);
    /* code: FF_OK, or as the operation says; the error is borrowed, NULL with FF_OK. */
    int (*done)(struct ff_batch *, struct ff_io *, int code, const struct ff_error *);
};

struct ff_objects {
    uint32_t struct_size, flags;
    /* Every item of the batch, on threads of the protocol's and on this one; returns when
     * all are done(). FF_E_CANCELLED, FF_E_DEADLINE; other codes only when it cannot go on. */
    int (*run)(const struct ff_objects *, struct ff_batch *, const struct ff_call *,
               struct ff_error *);
    /* Everything that begins with `prefix` ("" or "a/b/"), in no order, each name once.
     * What is there throughout is listed, replaced or not. Only regular objects.
     * one_level: names below the prefix up to the next '/', those with more behind it as
     * is_folder. `each` gets the name relative to the bound folder; it must not call the
     * protocol; nonzero stops, and is returned. *now_ns (may be NULL): the medium's
     * clock. A folder that is not there lists nothing: FF_OK. Where the medium's list says
     * names alone, sizes and times are 0 and tags "": gc spares what has no time. A medium that has no lists says so:
     * FF_E_UNSUPPORTED. */
    int (*list)(const struct ff_objects *, const char *prefix, int one_level,
                int (*each)(void *ctx, const struct ff_io *), void *ctx, int64_t *now_ns,
                const struct ff_call *, struct ff_error *);
    /* Every PUT, COPY, finish and REMOVE before it is durable, folders included. After a
     * failure (FF_E_IO) that is not known of any of them. */
    int (*sync)(const struct ff_objects *, const struct ff_call *, struct ff_error *);
};

/* ---- ff.files/1: random access. Optional; HDF5 needs it ----
 *
 * A name is visible at once and means nothing until a task refers to it. Each function:
 * any thread, many at a time, on one file too. Errors beside those of ff.objects/1 stand with
 * each: FF_E_STALE: of a medium that forgets open files (NFS). */
#define FF_FILES_1 "ff.files/1"
enum ff_open_mode {
    FF_OPEN_READ = 1,
    FF_OPEN_CREATE, /* read and write; FF_E_EXISTS when the name is taken */
    FF_OPEN_ATTACH  /* read and write what another process created; FF_E_CONFLICT when a
                       copy of it (FF_COPY) shares its bytes */
};

struct ff_file; /* the protocol's */

struct ff_span {
    void *data;
    size_t size_bytes;
};

struct ff_files {
    uint32_t struct_size, flags;
    /* Ended by finish() or close(). FF_E_NOT_FOUND: READ and ATTACH of what is not there;
     * FF_E_EXISTS: CREATE of what is; FF_E_USAGE: another mode. */
    int (*open)(const struct ff_files *, const char *name, int mode, struct ff_file **,
                const struct ff_call *, struct ff_error *);
    /* Whole or failed; past the end: FF_E_CORRUPT. */
    int (*read)(const struct ff_files *, struct ff_file *, uint64_t offset_bytes,
                void *dst, size_t size_bytes, const struct ff_call *, struct ff_error *);
    /* One run of bytes of the file to several pieces of memory, in their order.
     * FF_E_CORRUPT: as read(). */
    int (*read_spans)(const struct ff_files *, struct ff_file *, uint64_t offset_bytes,
                      const struct ff_span *, size_t count, const struct ff_call *,
                      struct ff_error *);
    /* Whole or failed; past the end the file grows, a gap is zero. FF_E_NO_SPACE. */
    int (*write)(const struct ff_files *, struct ff_file *, uint64_t offset_bytes,
                 const void *src, size_t size_bytes, const struct ff_call *,
                 struct ff_error *);
    /* The same from several pieces of memory. FF_E_NO_SPACE. */
    int (*write_spans)(const struct ff_files *, struct ff_file *, uint64_t offset_bytes,
                       const struct ff_span *, size_t count, const struct ff_call *,
                       struct ff_error *);
    /* How long it is now. FF_E_IO. */
    int (*size)(const struct ff_files *, struct ff_file *, uint64_t *size_bytes,
                struct ff_error *);
    /* New bytes are zero. `reserve` != 0: allocate them now, so that writing is fast and
     * cannot run out of space; where the medium cannot, as if 0. FF_E_NO_SPACE: also of more
     * than a file can have. */
    int (*resize)(const struct ff_files *, struct ff_file *, uint64_t size_bytes,
                  int reserve, struct ff_error *);
    /* The content is final; durable unless FF_HOST_NO_SYNC; closes, also on failure (then a
     * created file is gone). Attached: what was written is durable, the file stays.
     * FF_E_CONFLICT: somebody removed it while it was written. */
    int (*finish)(const struct ff_files *, struct ff_file *, const struct ff_call *,
                  struct ff_error *);
    /* A reader: closes. A creator: discards the file. */
    void (*close)(const struct ff_files *, struct ff_file *);
    /* Idempotent: absent is FF_OK. Open readers keep what they have. FF_E_PERMISSION. */
    int (*remove)(const struct ff_files *, const char *name, const struct ff_call *,
                  struct ff_error *);
};

/* ---- ff.locate/1: where a name really lies, for people. Optional ---- */
#define FF_LOCATE_1 "ff.locate/1"
struct ff_locate {
    uint32_t struct_size, flags;
    /* "/data/store/run7/bigdata/0f…" or "s3://bucket/run7/…", cut at `size`; name "": the
     * folder itself. The medium is not asked. FF_E_USAGE: a name that is none. */
    int (*where)(const struct ff_locate *, const char *name, char *text, size_t size,
                 struct ff_error *);
};

/* ---- ff.probe/1: what this medium can do, for people. Optional ---- */
#define FF_PROBE_1 "ff.probe/1"
struct ff_probe {
    uint32_t struct_size, flags;
    /* Find out what the medium can do, by trying it on private names below the root that are
     * removed again, and tell each thing: what it is called, how it is ("yes", "not atomic",
     * ...), and what follows from that, "" = nothing. Borrowed for the callback; nonzero
     * stops and is returned. What the medium cannot do is no failure; what stops the trying
     * is: FF_E_PERMISSION, FF_E_NO_SPACE, FF_E_NETWORK ... */
    int (*probe)(const struct ff_probe *,
                 int (*each)(void *ctx, const char *what, const char *is,
                             const char *follows),
                 void *ctx, const struct ff_call *, struct ff_error *);
};

/* ---- ff.leftovers/1: what the medium holds and no list shows. Optional ---- */
#define FF_LEFTOVERS_1 "ff.leftovers/1"

/* An upload that was begun and not ended. Borrowed for the callback. */
struct ff_leftover {
    uint32_t struct_size, flags;
    const char *name; /* relative to the bound folder */
    const char *id;   /* the protocol's, for remove() */
    int64_t begun_ns; /* the medium's clock */
};

struct ff_leftovers {
    uint32_t struct_size, flags;
    /* *now_ns (may be NULL): the medium's clock. `each` must not call the protocol; nonzero
     * stops, and is returned. FF_E_UNSUPPORTED: this medium cannot tell. */
    int (*list)(const struct ff_leftovers *,
                int (*each)(void *ctx, const struct ff_leftover *), void *ctx,
                int64_t *now_ns, const struct ff_call *, struct ff_error *);
    /* End it and free what it holds. Idempotent: one that is gone is FF_OK. FF_E_PERMISSION. */
    int (*remove)(const struct ff_leftovers *, const char *name, const char *id,
                  const struct ff_call *, struct ff_error *);
};

/* ---- ff.s3/1: what a client of S3 knows of its server. Optional ---- */
#define FF_S3_1 "ff.s3/1"

enum ff_s3_can {
    FF_S3_NOT_KNOWN = 0,
    FF_S3_CAN,
    FF_S3_CANNOT,    /* refused, or silently ignored: done in two steps instead */
    FF_S3_NOT_ATOMIC /* does it, but two at once may both succeed */
};

/* Text is borrowed from the protocol. */
struct ff_s3_facts {
    uint32_t struct_size, flags;
    const char *endpoint, *bucket, *prefix, *region;
    int32_t put_if_absent;   /* enum ff_s3_can, here and below: If-None-Match: * */
    int32_t put_if_match;    /* If-Match */
    int32_t unquoted_tags;   /* 1: If-Match wants the ETag without its quotes */
    int32_t remove_if_match; /* If-Match of a DELETE */
    int32_t bulk_remove;     /* DeleteObjects */
    char server[36];         /* how it calls itself */
};

struct ff_s3 {
    uint32_t struct_size, flags;
    /* What is known; `probe` != 0: find out the rest first, by writing to a private key
     * below the root and removing it. Reads and writes of struct_size bytes. With probe:
     * FF_E_NETWORK, FF_E_PERMISSION and others of ff.objects/1; without it nothing is asked. */
    int (*facts)(const struct ff_s3 *, int probe, struct ff_s3_facts *,
                 const struct ff_call *, struct ff_error *);
};

/* ---- ff.commit/1: how a task comes, goes and is replaced. Optional ----
 *
 * Asked of a protocol that is bound to the storage's root; `workflow` and `task` are
 * names without '/'. Where a protocol has none, the host derives it from conditional
 * puts. The steps and what they must survive are in docs/format.md. Each function: any
 * thread, many at a time; an intent's are one thread's, but refresh(). Errors beside those of
 * ff.objects/1 stand with each; FF_E_UNKNOWN_OUTCOME: it may be done, or not survive a power
 * cut: then nobody deletes anything. */
#define FF_COMMIT_1 "ff.commit/1"

struct ff_intent; /* the protocol's: a save that has begun */

/* The value that a commit or a removal put aside. `data` lives until drop(). */
struct ff_displaced {
    uint32_t struct_size, flags;
    const void *data; /* NULL = nothing was displaced; or, with ctx, it cannot be read, or
                         another task may have the same value: what it names is left to gc */
    uint64_t size_bytes;
    void *ctx; /* the protocol's; drop() whenever data or ctx is not NULL */
};

enum ff_commit_mode {
    FF_COMMIT_REPLACE = 0,
    FF_COMMIT_IF_ABSENT /* FF_E_CONFLICT when the task is there */
};

enum ff_intent_state {
    FF_INTENT_LIVE = 1, /* its writer holds it, or has touched it lately */
    FF_INTENT_STALE     /* nobody holds it */
};

struct ff_intent_info {
    uint32_t struct_size;
    int32_t state;    /* enum ff_intent_state */
    const char *name; /* for fence(); may hold '/' */
    int64_t mtime_ns; /* the medium's clock */
};

struct ff_commit {
    uint32_t struct_size, flags;
    /* Idempotent, durable. FF_E_CONFLICT: an object has the name, or others keep removing
     * it. */
    int (*make_workflow)(const struct ff_commit *, const char *workflow,
                         const struct ff_call *, struct ff_error *);
    /* *exists: 1, 0. A file of that name is none: 0. FF_E_UNSAFE: a link is. */
    int (*workflow_exists)(const struct ff_commit *, const char *workflow, int *exists,
                           const struct ff_call *, struct ff_error *);
    /* Gone at once for everybody, then deleted with all it holds; what of that fails is left
     * to intents("") and fence(""). FF_E_NOT_FOUND: no such workflow. FF_E_UNKNOWN_OUTCOME. */
    int (*remove_workflow)(const struct ff_commit *, const char *workflow,
                           const struct ff_call *, struct ff_error *);
    /* Begin a save: from now on gc sees it. FF_E_NOT_FOUND: no such workflow. */
    int (*begin)(const struct ff_commit *, const char *workflow, struct ff_intent **,
                 const struct ff_call *, struct ff_error *);
    /* Append to the task's bytes. One thread. FF_E_NO_SPACE; FF_E_LIMIT: a task that is too
     * large for the medium. */
    int (*write)(const struct ff_commit *, struct ff_intent *, const void *data,
                 size_t size_bytes, const struct ff_call *, struct ff_error *);
    /* "I am still here": the host calls it about once a minute during a long save. Any
     * thread. FF_E_CONFLICT: it was fenced, where that is seen by now; commit() tells for
     * sure. */
    int (*refresh)(const struct ff_commit *, struct ff_intent *, struct ff_error *);
    /* The intent becomes the task, durably; what was there is displaced. Takes the
     * intent, also on failure. FF_E_CONFLICT: the intent was fenced, the workflow was
     * removed, or IF_ABSENT and it is there; the old value is intact.
     * FF_E_UNKNOWN_OUTCOME: cannot be known; delete nothing. */
    int (*commit)(const struct ff_commit *, struct ff_intent *taken, const char *task,
                  int mode, struct ff_displaced *, const struct ff_call *,
                  struct ff_error *);
    /* Give up before commit: nothing was there, nothing stays. */
    void (*abort)(const struct ff_commit *, struct ff_intent *taken);
    /* Remove the task, durably, and give what it was. FF_E_NOT_FOUND: no such task, or
     * workflow. FF_E_CONFLICT: others keep replacing it; FF_E_UNSAFE: it is no regular file:
     * both leave it. FF_E_UNKNOWN_OUTCOME. */
    int (*displace)(const struct ff_commit *, const char *workflow, const char *task,
                    struct ff_displaced *, const struct ff_call *, struct ff_error *);
    /* Done with what was displaced: delete it for good (destroy != 0), or leave it to gc.
     */
    void (*drop)(const struct ff_commit *, struct ff_displaced *, int destroy);
    /* Rename within a workflow, durably. FF_E_NOT_FOUND: no such task; FF_E_CONFLICT: `to`
     * is there, or the task was replaced meanwhile; FF_E_UNSUPPORTED: not without the risk
     * to replace another; FF_E_UNKNOWN_OUTCOME: both may be there. */
    int (*rename)(const struct ff_commit *, const char *workflow, const char *task,
                  const char *to, const struct ff_call *, struct ff_error *);
    /* Every intent of the workflow, and what saves and removals left behind; workflow "":
     * what removed workflows left. *now_ns (may be NULL): the medium's clock. `each` must
     * not call the protocol; nonzero stops, and is returned. FF_E_NOT_FOUND: no such
     * workflow, where that is seen. */
    int (*intents)(const struct ff_commit *, const char *workflow,
                   int (*each)(void *ctx, const struct ff_intent_info *), void *ctx,
                   int64_t *now_ns, const struct ff_call *, struct ff_error *);
    /* This intent shall never commit: after FF_OK it cannot. FF_E_CONFLICT: it has become
     * live, or has committed meanwhile, or is gone. Workflow "": delete the remains.
     * FF_E_USAGE: a name that intents() does not give. */
    int (*fence)(const struct ff_commit *, const char *workflow, const char *name,
                 const struct ff_call *, struct ff_error *);
    /* All tasks that are visible now stay after a power cut. gc calls it before it sweeps,
     * and does not after a failure (FF_E_IO, FF_E_NOT_FOUND ...). */
    int (*settle)(const struct ff_commit *, const char *workflow, const struct ff_call *,
                  struct ff_error *);
};

/* ---- the protocols dictionary ---- */

/* Bound to <workflow>/bigdata. Valid until everything that unpickle() gave is released.
 */
struct ff_protocols {
    uint32_t struct_size, flags;
    void *ctx;
    /* The table of `interface_id`, of the protocol with that key (NULL = of any), or
     * NULL. */
    const void *(*find)(const struct ff_protocols *, const char *key,
                        const char *interface_id);
};

/* ---- a serializer ---- */

/* What stands in the pickle stream instead of the object: (serializer's name, (version,
 * name, extra ...)). */
struct ff_pid {
    uint32_t struct_size, flags;
    const char
        *version;     /* pickle: the serializer's own. unpickle: what the stream says */
    const char *name; /* a uuid4 that the host made; the first part below bigdata/ of each
                         name that pickle() writes */
    struct ff_value extra; /* pickle: may be set to a tuple of plain values, at most 64
                              KiB in the stream. unpickle: what was there. Else absent */
    struct ff_doc *doc;    /* pickle: what to build `extra` in; the host's. Else NULL */
};

enum ff_threads {
    FF_THREADS_ONE = 0,      /* one call at a time over all instances */
    FF_THREADS_PER_INSTANCE, /* one call at a time on an instance */
    FF_THREADS_FREE          /* any number at a time */
};

#define FF_PUSH_1    "ff.push/1"
#define FF_VERIFY_1  "ff.verify/1"
#define FF_EXPLAIN_1 "ff.explain/1"
#define FF_FILL_1    "ff.draft.fill/1" /* draft: see above */

struct ff_pushing; /* the serializer's */

/* An array whose chunks arrive one by one. From a serializer's query(). */
struct ff_push {
    uint32_t struct_size, flags;
    /* `like` describes the array (no read); borrowed for the call. shape[0] = -1: the length
     * comes with finish(). Ended by finish() or abort(). FF_E_UNSUPPORTED: a dtype that is
     * not kept, or a medium without what it needs; FF_E_USAGE: options of the array that are
     * wrong; FF_E_LIMIT: too many chunks, or too large ones. */
    int (*begin)(void *inst, const struct ff_array *like, const struct ff_protocols *,
                 struct ff_pid *, struct ff_pushing **, const struct ff_call *,
                 struct ff_error *);
    /* One chunk by its index on each axis: C order, clipped to the shape; with an unknown
     * length always whole on axis 0. Each chunk once. Any thread, many at a time.
     * FF_E_USAGE: outside of the shape; those of ff.objects/1 or ff.files/1. */
    int (*put)(void *inst, struct ff_pushing *, const int64_t *index, const void *data,
               const struct ff_call *, struct ff_error *);
    /* shape0: the length of axis 0. Takes `pushing`, also on failure; durable as pickle()
     * is. FF_E_USAGE: chunks are missing; those of the medium. */
    int (*finish)(void *inst, struct ff_pushing *taken, int64_t shape0,
                  const struct ff_call *, struct ff_error *);
    /* Nothing is to be kept; the host removes what is below pid->name. */
    void (*abort)(void *inst, struct ff_pushing *taken);
};

struct ff_filling; /* the serializer's */

/* DRAFT. An array that several processes fill, each a part of its chunks. From a serializer's
 * query(); programs use it through fill.h, which says who may die when. `name` is a uuid4 that
 * the host made. What begin() makes lies below a part of that name, and never at a name that a
 * pid may have: so what is being filled is never taken for what a task refers to. */
struct ff_fill {
    uint32_t struct_size, flags;
    /* Make room for the array that `like` describes (no read, regular chunks), durably; nothing
     * stays open. FF_E_UNSUPPORTED: not such an array, or not on this protocol, and why. */
    int (*begin)(void *inst, const struct ff_array *like, const struct ff_protocols *,
                 const char *name, const struct ff_call *, struct ff_error *);
    /* In any process, in several at a time. *like describes the array, and is the filling's.
     * FF_E_NOT_FOUND: nothing of that name is being filled. FF_E_CONFLICT: it is finished. */
    int (*attach)(void *inst, const char *name, const struct ff_protocols *,
                  struct ff_filling **, const struct ff_array **like,
                  const struct ff_call *, struct ff_error *);
    /* One chunk, as put() of ff.push/1; but it may come again, here or in another process:
     * the last one counts. FF_E_USAGE: outside of the shape; those of the medium. */
    int (*put)(void *inst, struct ff_filling *, const int64_t *index, const void *data,
               const struct ff_call *, struct ff_error *);
    /* Takes `filling`, also on failure. After FF_OK all that it put is durable, as after
     * pickle(). FF_E_CONFLICT: it was removed meanwhile. */
    int (*end)(void *inst, struct ff_filling *taken, const struct ff_call *,
               struct ff_error *);
    /* Give up: what it put is there or not. */
    void (*abort)(void *inst, struct ff_filling *taken);
    /* Every chunk has been put, and ended: now the array is below pid->name, too, as
     * pickle() would have stored it. What was begun stays, for another finish() under
     * another pid, until remove(). FF_E_CONFLICT: somebody is attached. FF_E_NOT_FOUND: as
     * attach(). */
    int (*finish)(void *inst, const char *name, const struct ff_protocols *,
                  struct ff_pid *, const struct ff_call *, struct ff_error *);
    /* Take away what begin() made; a pid that finish() gave keeps the array. Idempotent:
     * what is gone is FF_OK. FF_E_PERMISSION and others of the medium. */
    int (*remove)(void *inst, const char *name, const struct ff_protocols *,
                  const struct ff_call *, struct ff_error *);
};

/* Does what is stored look whole? From a serializer's query(). */
struct ff_verifier {
    uint32_t struct_size, flags;
    /* deep: read every element. FF_E_CORRUPT, FF_E_NOT_FOUND: the fault, which its message
     * says. */
    int (*verify)(void *inst, const struct ff_pid *, const struct ff_protocols *,
                  int deep, const struct ff_call *, struct ff_error *);
};

/* Lines for people: how other tools open this. From a serializer's query(). */
struct ff_explain {
    uint32_t struct_size, flags;
    /* Through `write`, which has text without NUL; nonzero from it ends it, and is returned.
     * A failure (FF_E_NO_MEMORY, of the medium) only leaves the lines out. */
    int (*explain)(void *inst, const struct ff_pid *, const struct ff_protocols *,
                   int (*write)(void *ctx, const char *text, size_t size_bytes),
                   void *ctx, const struct ff_call *, struct ff_error *);
};

struct ff_serializer {
    uint32_t struct_size, abi; /* FF_SIZE(ff_serializer, the last member set), FF_ABI */
    const char *const
        *serializer_class; /* Python class names, matched exactly, NULL-ended:
                              {"dask.array.core.Array", NULL} */
    const char *name;      /* the tag in the stream, and the name in the configuration */
    const char *version;   /* what pickle() writes */
    const char *summary;   /* one line for people */
    const char *const
        *reads; /* versions that unpickle() takes, NULL-ended; NULL = `version` */
    /* interfaces and services, NULL-ended; "a|b" = either; "functionfuse/1.4" = this version of
     * the library or a later one, best the first: who has an older one is told which */
    const char *const *needs;
    const char *lock_group; /* "libhdf5", or NULL; for information */
    uint32_t threads;       /* enum ff_threads, for the five calls below */
    uint32_t flags;         /* 0 */
    /* An instance, for one set of options; ended by destroy(). options: a dict, or absent;
     * borrowed for the call. FF_E_USAGE: an option is wrong. FF_E_PLUGIN: a service or
     * library is missing. What fails has made nothing. */
    int (*create)(const struct ff_host_services *, struct ff_value options, void **inst,
                  struct ff_error *);
    void (*destroy)(void *inst); /* NULL: nothing to do */
    /* Store `object`. Everything is written below pid->name. FF_DECLINED: not this one (too
     * small, a dtype that is not kept), and nothing was written. After a failure the host
     * removes what was. FF_E_UNSUPPORTED: nobody could keep it; FF_E_LIMIT; those of what
     * the object reads (an array's read()) and of the medium. */
    int (*pickle)(void *inst, struct ff_value object, const struct ff_protocols *,
                  struct ff_pid *, const struct ff_call *, struct ff_error *);
    /* The object back, built in `out`. It may be lazy: `inst` and the protocols live until
     * it is released. FF_E_STALE, FF_E_NOT_FOUND: the big data is gone, which programs see
     * as FF_E_STALE. FF_E_CORRUPT: damaged; FF_E_UNSUPPORTED: whole, but not of a form that
     * is read; FF_E_UNSAFE: it names files elsewhere. */
    int (*unpickle)(void *inst, const struct ff_pid *, const struct ff_protocols *,
                    struct ff_doc *out, struct ff_value *object, const struct ff_call *,
                    struct ff_error *);
    /* What else there is than pid->name and all below it, which the host removes in any
     * case. NULL or FF_DECLINED: nothing. Idempotent: what is not there is FF_OK. A failure
     * (FF_E_IO ...) is logged, and gc does not try again. */
    int (*remove)(void *inst, const struct ff_pid *, const struct ff_protocols *,
                  const struct ff_call *, struct ff_error *);
    /* NULL, or: optional powers by id (FF_PUSH_1, FF_VERIFY_1, FF_EXPLAIN_1; the draft
     * FF_FILL_1). */
    const void *(*query)(void *inst, const char *interface_id);
    const struct ff_serializer *next; /* another serializer of this file, or NULL */
    const char *options_schema; /* what create() takes: see "options" below; or NULL */
};

/* ---- a protocol ---- */

struct ff_protocol {
    uint32_t struct_size, abi; /* FF_SIZE(ff_protocol, the last member set), FF_ABI */
    const char *key;  /* in the dictionary: "file_protocol". NULL: what key_of() says */
    const char *kind; /* in storage_factory's JSON: "file"; and the name in the
                         configuration (lower case or not: compared exactly) */
    const char *version, *summary;
    uint32_t flags, reserved; /* 0 */
    /* options: the dict "options" of the storage, or absent; borrowed for the call. Opens
     * the medium; makes what must exist. FF_E_USAGE: an option is wrong, or the root is
     * none; FF_E_PERMISSION, FF_E_NETWORK and others of ff.objects/1. */
    int (*create)(const struct ff_host_services *, struct ff_value options, void **inst,
                  struct ff_error *);
    void (*destroy)(void *inst); /* after every unbind() */
    /* A view of one folder below the root ("" = the root), names relative to it; it need not
     * be there. Ended by unbind(). FF_E_USAGE: a folder that can be none. */
    int (*bind)(void *inst, const char *folder, void **bound, const struct ff_call *,
                struct ff_error *);
    /* After everything of its tables has ended. */
    void (*unbind)(void *bound);
    /* The table of an interface, valid until unbind(), or NULL. */
    const void *(*query)(void *bound, const char *interface_id);
    /* Which medium and root this is; equal text = the same place. Borrowed from inst. */
    const char *(*identity)(void *inst);
    const char *(*key_of)(
        void *inst);            /* used when key is NULL: a decorator's is its inner's */
    const char *const *needs;   /* as a serializer's, without interfaces; or NULL */
    const char *options_schema; /* what create() takes: see "options" below; or NULL */
};

/* ---- options ----
 *
 * options_schema is JSON Schema (draft 2020-12), of which the host knows this part: `type` (one
 * name), `properties` (at most 63), `required`, `additionalProperties` (true or false), `enum`,
 * `minimum`, `maximum`; and, for people only, `default` and `description`. An integer has no
 * point. Another keyword, or one of another form, makes the descriptor a bad one. The host holds
 * the options against it before each create(), also against none as {}; what does not fit is
 * FF_E_USAGE with the place, what is expected and the nearest name, and create() is not called.
 * `ff plugin info` prints it once the plugin is loaded.
 *
 *   {"type": "object", "additionalProperties": false, "properties": {
 *     "level": {"type": "integer", "minimum": 1, "maximum": 9, "default": 4,
 *               "description": "how hard it tries"}}} */

/* A service for decorators: open the protocol that a storage's JSON names. */
#define FF_OPEN_1 "ff.open/1"
struct ff_opener {
    uint32_t struct_size, flags;
    /* storage: {"kind", "options"}; the descriptor is borrowed, *inst the caller's until
     * close(), who binds and unbinds it. FF_E_TYPE: no "kind"; FF_E_USAGE: no protocol of
     * this kind, or the options; FF_E_PLUGIN: it is not loaded; and those of its create(). */
    int (*open)(const struct ff_host_services *, struct ff_value storage,
                const struct ff_protocol **, void **inst, struct ff_error *);
    /* After everything that was bound is unbound. */
    void (*close)(const struct ff_host_services *, const struct ff_protocol *,
                  void *inst);
};

/* What a plugin is, readable without running it: an ELF note. One line beside describe(),
 * and it must say the same. `classes`: blank between, or for a protocol its key; behind it may
 * stand more, each line "\nKEY WORDS", those that the descriptor has, in this order:
 *
 *   "numpy.ndarray\nneeds ff.objects/1 ff.values/1\nthreads free\nlock_group libhdf5"
 *   "\nreads 1.0 1.1\noffers ff.push/1"
 *
 * threads of a serializer: one, per_instance, free; offers: what query() gives. The host
 * finds a plugin with a note without loading it, and loads it at first need; one without
 * is loaded to see what it is, once its file's stem is enabled. */
#define FF_NOTE_NAME "FuncFuse"
#define FF_NOTE_TYPE 1u
#if defined __ELF__
#define FF_PLUGIN_NOTE(kind, name, version, classes)                                     \
    __attribute__((section(".note.functionfuse"), used,                                  \
                   aligned(4))) static const struct {                                    \
        uint32_t name_bytes, text_bytes, type;                                           \
        char owner[12];                                                                  \
        char text[(sizeof(kind "\n" name "\n" version "\n" classes) + 3) / 4 * 4];       \
    } ff_plugin_note = {9, (uint32_t)sizeof(kind "\n" name "\n" version "\n" classes),   \
                        FF_NOTE_TYPE, FF_NOTE_NAME,                                      \
                        kind "\n" name "\n" version "\n" classes}
#else
#define FF_PLUGIN_NOTE(kind, name, version, classes) extern int ff_plugin_note
#endif

/* The one function that a plugin exports. Static data; any thread, any number of times. */
FF_EXPORT const struct ff_serializer *ff_serializer_describe(void);
FF_EXPORT const struct ff_protocol *ff_protocol_describe(void);

/* ---- helpers ---- */

/* A str as text that ends with NUL. FF_E_TYPE; FF_E_USAGE: it does not fit, or holds a NUL. */
static inline int ff_copy_str(const struct ff_values *values, struct ff_value v,
                              char *out, size_t size, struct ff_error *e)
{
    const char *text;
    size_t n;
    int code = values->str(v, &text, &n, e);
    if (code) {
        return code;
    }
    if (n >= size || memchr(text, 0, n)) {
        return ff_fail(e, FF_E_USAGE, NULL, "a text of %zu bytes: %s", n,
                       n >= size ? "too long" : "it holds a NUL");
    }
    memcpy(out, text, n);
    out[n] = '\0';
    return FF_OK;
}

/* One object at a time. */

struct ff_one_io {
    struct ff_batch batch;
    struct ff_io io;
    void *dst;
    uint64_t dst_bytes;
    struct ff_error *error;
    int taken, code;
};

static inline struct ff_io *ff_one_next(struct ff_batch *batch)
{
    struct ff_one_io *one = (struct ff_one_io *)batch->ctx;
    return one->taken++ ? NULL : &one->io;
}

static inline int ff_one_done(struct ff_batch *batch, struct ff_io *io, int code,
                              const struct ff_error *e)
{
    struct ff_one_io *one = (struct ff_one_io *)batch->ctx;
    (void)io;
    one->code = code;
    if (code && e) {
        ff_error_copy(one->error, e);
    }
    return 0;
}

static inline void *ff_one_buffer(struct ff_io *io, uint64_t size_bytes)
{
    struct ff_one_io *one = (struct ff_one_io *)io->user;
    return size_bytes <= one->dst_bytes ? one->dst : NULL;
}

/* Run `one` alone: filled beforehand with memset 0 and what the operation needs. The code of
 * run(), else of the item; of a GET whose `dst` is too small FF_E_NO_MEMORY. */
static inline int ff_one_run(const struct ff_objects *objects, struct ff_one_io *one,
                             int op, const char *name, const struct ff_call *call,
                             struct ff_error *e)
{
    int code;
    one->batch.struct_size = FF_SIZE(ff_batch, done);
    one->batch.ctx = one;
    one->batch.next = ff_one_next;
    one->batch.done = ff_one_done;
    one->io.struct_size = FF_SIZE(ff_io, flags);
    one->io.op = op;
    one->io.name = name;
    one->io.user = one;
    one->io.buffer = ff_one_buffer;
    one->error = e;
    code = objects->run(objects, &one->batch, call, e);
    return code ? code : one->code;
}

/* Exactly size_bytes from `offset`; fewer: FF_E_CORRUPT. object_bytes may be NULL.
 * FF_E_NOT_FOUND. */
static inline int ff_get_bytes(const struct ff_objects *objects, const char *name,
                               uint64_t offset, void *dst, uint64_t size_bytes,
                               uint64_t *object_bytes, const struct ff_call *call,
                               struct ff_error *e)
{
    struct ff_one_io one;
    int code;
    memset(&one, 0, sizeof one);
    one.dst = dst;
    one.dst_bytes = size_bytes;
    one.io.offset_bytes = offset;
    one.io.size_bytes = size_bytes;
    code = ff_one_run(objects, &one, FF_GET, name, call, e);
    if (!code && one.io.size_bytes != size_bytes) {
        code =
            ff_fail(e, FF_E_CORRUPT, name, "ends after %llu bytes: %llu more are needed",
                    (unsigned long long)one.io.object_bytes,
                    (unsigned long long)(size_bytes - one.io.size_bytes));
    }
    if (!code && object_bytes) {
        *object_bytes = one.io.object_bytes;
    }
    return code;
}

/* A new object, from `source`, which is called till this returns; FF_E_CONFLICT when the
 * name is taken. */
static inline int ff_put_bytes(const struct ff_objects *objects, const char *name,
                               uint64_t size_bytes, ff_read_at *source, void *source_ctx,
                               const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;
    memset(&one, 0, sizeof one);
    one.io.size_bytes = size_bytes;
    one.io.source = source;
    one.io.source_ctx = source_ctx;
    one.io.if_match = "";
    return ff_one_run(objects, &one, FF_PUT, name, call, e);
}

/* Size and time; either may be NULL. FF_E_NOT_FOUND. */
static inline int ff_head(const struct ff_objects *objects, const char *name,
                          uint64_t *object_bytes, int64_t *mtime_ns,
                          const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;
    int code;
    memset(&one, 0, sizeof one);
    code = ff_one_run(objects, &one, FF_HEAD, name, call, e);
    if (!code && object_bytes) {
        *object_bytes = one.io.object_bytes;
    }
    if (!code && mtime_ns) {
        *mtime_ns = one.io.mtime_ns;
    }
    return code;
}

/* FF_OK too when it is not there; failures (FF_E_PERMISSION ...) as of FF_REMOVE. */
static inline int ff_remove_object(const struct ff_objects *objects, const char *name,
                                   const struct ff_call *call, struct ff_error *e)
{
    struct ff_one_io one;
    memset(&one, 0, sizeof one);
    return ff_one_run(objects, &one, FF_REMOVE, name, call, e);
}

/* One object as something to read from: ff_object_read() is an ff_read_at with it as ctx. */
struct ff_object {
    const struct ff_objects *objects;
    char name[256];
};

/* Past the end: FF_E_CORRUPT; others as of FF_GET. */
static inline int ff_object_read(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
                                 const struct ff_call *call, struct ff_error *e)
{
    const struct ff_object *o = (const struct ff_object *)ctx;
    return ff_get_bytes(o->objects, o->name, offset, dst, size_bytes, NULL, call, e);
}

/* A new one, released with free(), and how large the object is. A name is cut at 255 bytes.
 * FF_E_NOT_FOUND. */
static inline int ff_object_open(const struct ff_objects *objects, const char *name,
                                 struct ff_object **out, uint64_t *size_bytes,
                                 const struct ff_call *call, struct ff_error *e)
{
    struct ff_object *o = (struct ff_object *)malloc(sizeof *o);
    int code;
    *size_bytes = 0;
    code = o ? ff_head(objects, name, size_bytes, NULL, call, e)
             : ff_fail(e, FF_E_NO_MEMORY, name, "out of memory");
    if (code) {
        free(o);
        return code;
    }
    o->objects = objects;
    (void)snprintf(o->name, sizeof o->name, "%s", name);
    *out = o;
    return FF_OK;
}

#ifdef __cplusplus
}
#endif
#endif
