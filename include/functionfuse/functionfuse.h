/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functionfuse.h: for programs that save and read results.
 *
 *   host      configuration and loaded plugins; a process may have several
 *   storage   where results live: ff_storage_factory()
 *   document  a value that was read, or one that is being built
 *   array     n-dimensional elements, in memory, computed, or in a store
 *
 * Errors: every call that can fail takes a `struct ff_error *` (NULL allowed). It is sticky:
 *   when it holds a failure, the call does nothing and fails the same way. NULL handles and
 *   absent values are harmless: the call fails, or frees nothing. What any of them may give is
 *   not said again: FF_E_USAGE (an argument is missing, an options struct or a name is none),
 *   FF_E_NO_MEMORY, and of what belongs to a host FF_E_FORKED.
 *
 * Ownership: `_new`, `_open`, reads and lists give what the caller owns, and frees with the
 *   function named there; `_take` owns its argument also on failure; everything else that is
 *   passed is borrowed for the call; everything else that comes back is borrowed from its
 *   document, host or array.
 *
 * Threads: hosts, storages, arrays and documents that were read may be used from any thread at
 *   once. A document that is being built belongs to one thread. Destroying a thing while another
 *   thread uses it is an error. After fork() the child's calls fail with FF_E_FORKED.
 *
 * Names of workflows and tasks: 1 to 200 bytes of UTF-8, no '/', no control character, no
 *   leading dot, not "bigdata". Others: FF_E_USAGE.
 */
#ifndef FUNCTIONFUSE_FUNCTIONFUSE_H
#define FUNCTIONFUSE_FUNCTIONFUSE_H

#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define FF_API __attribute__((visibility("default")))
#else
#define FF_API
#endif

/* "0.1.0": of the library that runs, which may be newer than this header. Static; any
 * thread. */
FF_API const char *ff_version(void);
/* "not found", "corrupt", ... for an enum ff_code; of another one that of FF_E_OTHER.
 * Static. */
FF_API const char *ff_code_name(int code);

/* ---- host ---- */

enum ff_durability {
    FF_DURABILITY_FULL = 0, /* what returned FF_OK survives a power cut */
    FF_DURABILITY_NONE      /* no fsync: survives the process, not the machine */
};

/* All zero but struct_size is the default. Everything is borrowed for ff_host_open; the
 * callbacks and `ctx` are used until ff_host_close. */
struct ff_host_options {
    uint32_t struct_size;
    uint32_t threads; /* 0: what "threads" in the configuration says, else the CPUs that
                         affinity and cgroup allow */
    /* Budget of what arrays are saved and pushed with; 0: configuration, else 256 MiB. A read
     * has scratch of its own beside it, as it may run inside a save: on each thread 1 MiB,
     * or twice a chunk where chunks are compressed. */
    uint64_t memory_bytes;
    const char *config_path;        /* a JSON file; NULL: $FF_CONFIG,
                                $XDG_CONFIG_HOME/functionfuse/config.json,
                                /etc/functionfuse/config.json, else none; "" = none */
    const char *config_json;        /* the configuration itself, instead of any file */
    const char *const *plugin_path; /* directories, NULL-ended, searched first; or NULL */
    int32_t durability; /* enum ff_durability; FULL: what the configuration says, else
                           full */
    uint32_t flags;     /* 0 */
    void *ctx;          /* for the three callbacks below; any thread, many at a time */
    void (*log)(void *ctx, int level, const char *text); /* enum ff_log_level of plugin.h;
                                                            NULL = silence */
    void (*progress)(void *ctx, uint64_t done_bytes, uint64_t total_bytes);
    int (*cancelled)(void *ctx); /* nonzero: running calls end with FF_E_CANCELLED */
    const void *draft_sys; /* tests: a table of system calls (core/base/sys.h); NULL = the
                              system's. Not part of the stable interface */
};

struct ff_host;

/* Read the configuration and scan the plugin directories. A bad plugin is a row of
 * ff_plugin_at(), not a failure, unless the configuration says "require". `options` may be
 * NULL. FF_E_USAGE: the configuration (file, line, column), also a named one that is not
 * there. FF_E_UNSAFE: somebody else may write to its file. FF_E_PLUGIN: one that is required
 * was not loaded. FF_E_PERMISSION, FF_E_IO, FF_E_LIMIT: the file cannot be read, or is too
 * large. Freed with ff_host_close. */
FF_API struct ff_host *ff_host_open(const struct ff_host_options *, struct ff_error *);
/* Storages and arrays of the host stay usable: the last of them frees it. NULL is
 * allowed. */
FF_API void ff_host_close(struct ff_host *);

struct ff_serializer; /* plugin.h */
struct ff_protocol;

/* A plugin that is compiled into the program: the function that its file would export, under a
 * name of the program's own (-Dff_serializer_describe=acme_wave_describe for its file); the other
 * one is NULL. It takes the same way as one from a folder, but for what is asked of a file: its
 * descriptor is checked now, its needs and options when it is used; it has a row. It is enabled
 * unless the configuration says "disable", is asked before our own and behind those that
 * "enable" names, the last one registered first, and takes its name from a file that is not in
 * use yet. To be called before the plugins are counted (FF_E_USAGE); "require" is looked at
 * earlier, in ff_host_open. FF_E_PLUGIN: the descriptor is refused, as its row says too. */
FF_API int ff_register_static(struct ff_host *,
                              const struct ff_serializer *(*serializer)(void),
                              const struct ff_protocol *(*protocol)(void),
                              struct ff_error *);

/* One file of a plugin directory, or one plugin in it. */
struct ff_plugin_row {
    const char *file;    /* full path; of a plugin that is compiled in, the program's */
    const char *name;    /* "HDFSerializer"; "" = not known */
    const char *kind;    /* "serializer", "protocol", "" = not known */
    const char *version; /* the plugin's, or "" */
    const char *summary; /* the plugin's, or "" */
    const char *code;    /* "loaded", "disabled", "suffix", "not-regular", "not-elf",
                            "wrong-arch", "writable-code", "run-path", "soname",
                            "owner", "mode", "pin", "probe", "changed", "dlopen", "no-symbol",
                            "foreign-symbol", "bad-size", "abi-major", "duplicate", "needs",
                            "note-differs", "options", "create", "directory" */
    const char *reason;  /* the true cause; "" when loaded */
    const char *fix;     /* what to do; "" when loaded */
    const char *classes; /* serializer: its classes, blank between */
    const char
        *options; /* the JSON Schema of its options (plugin.h); "" = it has none, or is
                            not loaded yet */
    /* What else is known of it, a line each, with blanks between words:
     * "needs ff.objects/1 ff.values/1\nthreads free\noffers ff.push/1"; as its note says
     * (FF_PLUGIN_NOTE), once loaded as its descriptor does; "" = nothing. */
    const char *facts;
};
/* How many rows there are. The first count looks at every plugin and registers no more; 0
 * without a host. Any thread. */
FF_API size_t ff_plugin_count(const struct ff_host *);
/* Borrowed from the host; NULL when i is out of range. Sorted by file, then name. */
FF_API const struct ff_plugin_row *ff_plugin_at(const struct ff_host *, size_t i);

/* One of the serializers for a class, and why it stands where it does (static text). */
struct ff_plugin_choice {
    const struct ff_plugin_row *row;
    const char *why;
};
/* The serializers for objects of a class in the order in which they are asked, then those that
 * are not loaded, without duplicates: at most `max` of them; returns how many there are. */
FF_API size_t ff_plugin_choices(const struct ff_host *, const char *class_name,
                                struct ff_plugin_choice *out, size_t max);

/* Copy a plugin file into the user's plugin directory (made, mode 0700, when missing) by way
 * of a temporary name; one of that name is replaced. installed (may be NULL): where it went,
 * cut at `size`. FF_E_PLUGIN: not a plugin. FF_E_USAGE: its name does not end in ".so", or
 * there is no home folder. FF_E_NOT_FOUND, FF_E_PERMISSION, FF_E_NO_SPACE, FF_E_LIMIT (a
 * file too large), FF_E_IO. */
FF_API int ff_plugin_install(struct ff_host *, const char *file, char *installed,
                             size_t size, struct ff_error *);
/* Edit the configuration file (config_path of the host; made when missing) by replacing it
 * as a whole: `name` into "enable" and out of "disable", or the reverse. Hosts that are open
 * keep theirs. FF_E_PLUGIN: no such plugin. And as the two edits below: FF_E_USAGE: the host
 * has no file, or its JSON is wrong (place, line, column); FF_E_CONFLICT: somebody else
 * edited it meanwhile; FF_E_UNSUPPORTED: it is a link or a device; FF_E_PERMISSION,
 * FF_E_NO_SPACE, FF_E_IO. */
FF_API int ff_plugin_enable(struct ff_host *, const char *name, int on,
                            struct ff_error *);
/* Edit the configuration file likewise: from now on only the file that the plugin is in now
 * is loaded under this name, by its SHA-256; on = 0: any file again. FF_E_PLUGIN: no such
 * plugin, or only in the program; others as ff_plugin_enable. */
FF_API int ff_plugin_pin(struct ff_host *, const char *name, int on, struct ff_error *);

/* The configuration in force as a document: {"origin", "plugins", "storages", "default",
 * "threads", "memory" (bytes), "durability"}; secrets of storages are left out.
 * FF_E_NO_MEMORY. Owned: ff_doc_free. */
FF_API struct ff_doc *ff_config_show(const struct ff_host *, struct ff_error *);
/* The file that is read, or would be written: borrowed from the host. "" = there is none. */
FF_API const char *ff_config_path(const struct ff_host *);

/* ---- storage ----
 *
 * Errors of all that reaches the medium, beside what each says: FF_E_PERMISSION, FF_E_IO,
 * FF_E_NO_SPACE; FF_E_NETWORK: a server does not answer; FF_E_UNSAFE: a link or a device has the
 * name; FF_E_LIMIT: no descriptors are left; FF_E_UNSUPPORTED: this medium cannot do it;
 * FF_E_PLUGIN: the protocol broke its contract; FF_E_CANCELLED: the host's callback, or that of
 * the call, said so; FF_E_DEADLINE: that of the call passed. FF_E_USAGE: a name is none. */

struct ff_storage;

/* Open a storage from its JSON, as the Python package takes it:
 *   {"kind": "file", "options": {"path": "storage"}}
 * FF_E_USAGE: not that form, or an unknown kind (the message lists those there are).
 * FF_E_PLUGIN: the protocol is there but could not be loaded. Freed with
 * ff_storage_close. */
FF_API struct ff_storage *ff_storage_factory(struct ff_host *, const char *json,
                                             struct ff_error *);
/* The same by a name of "storages" in the configuration, a folder ("./lab"), inline JSON, or
 * "@file"; NULL: $FF_STORAGE, else "default" of the configuration. FF_E_USAGE also: nothing
 * is named, or a word that is almost such a name. FF_E_NOT_FOUND: no such "@file". */
FF_API struct ff_storage *ff_storage_open(struct ff_host *, const char *which,
                                          struct ff_error *);
/* Edit the configuration file (made when missing, readable for its owner alone): from now on
 * `name` is this storage: JSON, or the path of a folder. It is opened once, to see that it
 * can be: so FF_E_PLUGIN and those of the medium. FF_E_USAGE: a name that no address can
 * have, or JSON that is no storage; FF_E_CONFLICT: the name is taken; others as
 * ff_plugin_enable. */
FF_API int ff_storage_add(struct ff_host *, const char *name, const char *json,
                          struct ff_error *);
/* Find out what the medium can do: a private object is written, read and removed, and the
 * protocol tells what it knows, after trying it. `each` gets what a thing is called, how it
 * is ("yes", "not atomic"), and what follows from that ("" = nothing), borrowed for the
 * callback; nonzero stops, which is FF_OK. FF_E_CORRUPT: what was read is not what was
 * written. */
FF_API int ff_storage_probe(struct ff_storage *,
                            int (*each)(void *ctx, const char *what, const char *is,
                                        const char *follows),
                            void *ctx, struct ff_error *);
/* Lazy values that were read stay usable. NULL is allowed. */
FF_API void ff_storage_close(struct ff_storage *);

/* Use only these serializers, in this order of preference (the last one first, as in
 * Python), instead of every enabled one; count 0: every enabled one again. Names are copied.
 * Not while another thread uses the storage. FF_E_PLUGIN: no such, or not loaded, and why:
 * then those before stay. */
FF_API int ff_register_persistent_serializers(struct ff_storage *,
                                              const char *const *names, size_t count,
                                              struct ff_error *);

/* The property always_read of Python's storages: whoever runs a workflow goes on with what
 * it reads back of a task (lazy arrays), not with what it saved. The library runs none and
 * only keeps it, 0 at first and without a storage. Any thread. */
FF_API int ff_always_read(const struct ff_storage *);
/* Nonzero: on. It is not stored: each ff_storage has its own. */
FF_API void ff_set_always_read(struct ff_storage *, int on);

/* Names, sorted bytewise. Freed with ff_names_free. One thread, or any while nobody frees. */
struct ff_names {
    size_t count;
    const char *const *name;
};
/* With its texts. NULL is allowed. */
FF_API void ff_names_free(struct ff_names *);

/* Make a workflow, durably; FF_OK too when it is there. FF_E_CONFLICT: a file has its name,
 * or others keep removing it. */
FF_API int ff_new_workflow(struct ff_storage *, const char *workflow, struct ff_error *);
/* Every folder of the root whose name has no leading dot, whoever made it: one that has no
 * form of a name is listed too. None is an empty list. FF_E_NO_MEMORY: also over 2^24 names.
 * Owned. */
FF_API struct ff_names *ff_list_workflows(struct ff_storage *, struct ff_error *);
/* Tasks that match a glob pattern (* ? [a-z] [!a]; NULL = all); their content is not looked
 * at. FF_E_NOT_FOUND: no such workflow. Owned. */
FF_API struct ff_names *ff_list_tasks(struct ff_storage *, const char *workflow,
                                      const char *pattern, struct ff_error *);
/* Whether a task is there: 1, 0 (also without its workflow); or 0 with an error, none of its
 * own but FF_E_USAGE: a name that is none. */
FF_API int ff_file_exists(struct ff_storage *, const char *workflow, const char *task,
                          struct ff_error *);

#define FF_SAVE_IF_ABSENT 1u /* FF_E_CONFLICT when the task is there */
#define FF_SAVE_PROTOCOL  2u /* use `protocol` */

#define FF_PROTOCOL_DEFAULT                                                              \
    UINT32_MAX /* 4 for what was built; what was read keeps its own */

struct ff_save_options {
    uint32_t struct_size, flags; /* FF_SAVE_* */
    uint32_t protocol;           /* with FF_SAVE_PROTOCOL: pickle protocol 0 to 5; else
                                    FF_PROTOCOL_DEFAULT */
    uint32_t reserved;
    const struct ff_call *call; /* cancellation and progress of this call, or NULL */
};

/* Save a value as a task; replaces what was there. FF_E_NOT_FOUND: no such workflow (as
 * in Python, ff_new_workflow comes first). All of it, or nothing: a reader sees the old
 * value or the new one. FF_E_UNSUPPORTED: an object inside has no serializer (place:
 * workflow/task#path). FF_E_CONFLICT, FF_E_UNKNOWN_OUTCOME, FF_E_NO_SPACE, FF_E_IO,
 * FF_E_STALE (a lazy part of the value was replaced meanwhile). `options` may be NULL. */
FF_API int ff_save(struct ff_storage *, const char *workflow, const char *task,
                   struct ff_value, const struct ff_save_options *options,
                   struct ff_error *);

#define FF_READ_PIN                                                                      \
    1u /* open every persistent object now, so that none can become stale */

struct ff_read_options {
    uint32_t struct_size, flags; /* FF_READ_* */
    uint64_t max_bytes;          /* a larger task fails with FF_E_LIMIT; 0 = 16 GiB */
    const struct ff_call *call;
};

/* Read a task: its digest is checked, then its value is built; nothing in it runs.
 * Objects of serializers are opened at first use. FF_E_NOT_FOUND; FF_E_CORRUPT. Owned:
 * ff_doc_free. */
FF_API struct ff_doc *ff_read_task(struct ff_storage *, const char *workflow,
                                   const char *task, const struct ff_read_options *,
                                   struct ff_error *);

/* With its big data, to the same storage. Within a workflow it is renamed; else it is
 * copied, then removed: a crash between leaves both. FF_E_NOT_FOUND: no such task, or no
 * such workflow; FF_E_CONFLICT: `to` is there, or the task was replaced meanwhile;
 * FF_E_UNKNOWN_OUTCOME: it may have been done; between workflows also as ff_read_task and
 * ff_save. */
FF_API int ff_move_task(struct ff_storage *, const char *workflow, const char *task,
                        const char *to_workflow, const char *to_task, struct ff_error *);
#define FF_COPY_REPLACE 1u /* what is there, and is not the same */
#define FF_COPY_MOVE    2u /* then remove it, if it still is what was copied */

struct ff_copy_options {
    uint32_t struct_size, flags; /* FF_COPY_* */
    const struct ff_call *call;  /* cancellation and progress, or NULL */
};

enum ff_copy_how {
    FF_COPY_THERE = 1, /* the same value was there: nothing was done */
    FF_COPY_ON_MEDIUM, /* within one storage, by the medium: hard links, copies by a server */
    FF_COPY_BYTES,     /* its big data as it is stored, byte for byte, where it fits */
    FF_COPY_ANEW       /* opened and stored in the format of the other storage */
};

/* A task into another place, of this storage or another of the same process; the workflow is
 * made when it is missing. A task that is there and has the same value is left: so what was
 * interrupted goes on when it is done again. What came from another storage is read back and
 * compared: FF_E_CORRUPT when it differs. FF_E_CONFLICT: another value is there.
 * FF_COPY_MOVE: an equal value that is there is FF_E_CONFLICT too (0.0 is equal to -0.0, and
 * something would be lost), and so is a task that was replaced while it was copied: its new
 * value stays. FF_E_USAGE: both are the same place. Others as ff_read_task, ff_save and
 * ff_remove_task. `options` and *how (enum ff_copy_how) may be NULL. */
FF_API int ff_copy_task(struct ff_storage *, const char *workflow, const char *task,
                        struct ff_storage *to, const char *to_workflow,
                        const char *to_task, const struct ff_copy_options *options,
                        int *how, struct ff_error *);
/* With its big data, also when the serializer is missing; what of it cannot be deleted is
 * left to ff_gc. FF_E_NOT_FOUND: no such task, or workflow. FF_E_CONFLICT: others keep
 * replacing it. FF_E_UNKNOWN_OUTCOME: it may be gone, or come back after a power cut. */
FF_API int ff_remove_task(struct ff_storage *, const char *workflow, const char *task,
                          struct ff_error *);
/* All that match (as in ff_list_tasks); *removed (may be NULL): how many, also after a
 * failure, which ends it. What has no form of a name (Python makes such) stays, and is
 * FF_E_USAGE when all others are gone. None is no failure. FF_E_NOT_FOUND: no such workflow; others as
 * ff_remove_task. */
FF_API int ff_remove_tasks(struct ff_storage *, const char *workflow, const char *pattern,
                           size_t *removed, struct ff_error *);
/* With all its tasks and big data: gone at once for everybody, then deleted; what is left of
 * that, ff_gc deletes. Saves that have begun there end with FF_E_CONFLICT. FF_E_NOT_FOUND:
 * no such workflow. FF_E_CONFLICT: it was made again meanwhile. FF_E_UNKNOWN_OUTCOME: it may
 * be gone, or come back after a power cut. */
FF_API int ff_remove_workflow(struct ff_storage *, const char *workflow,
                              struct ff_error *);

/* What is known of a task without building its value, as a document:
 * {"workflow", "task", "where", "bytes", "modified_ns", "protocol", "digest": "ok",
 *  "persistent": [{"path", "serializer", "version", "name", "where", "bytes",
 *                  "state", "fix", "array": {"dtype", "shape", "chunk"} or null,
 *                  "open_with": "..."}]}. Each object is opened; one that cannot be is no failure:
 * its "state" says why, else "ok". "open_with": lines of Python. FF_E_NOT_FOUND: no such task, or
 * workflow. FF_E_CORRUPT: the digest, or the pickle. Owned: ff_doc_free. */
FF_API struct ff_doc *ff_task_info(struct ff_storage *, const char *workflow,
                                   const char *task, struct ff_error *);

/* One finding of verify or gc; borrowed for the callback. */
struct ff_finding {
    const char *workflow;
    const char *task;   /* or "" */
    const char *name;   /* of the big data or the leftover, or "" */
    const char *what;   /* "ok", "corrupt", "missing", "unknown-serializer", "foreign" (a
                           folder whose name no workflow can have: not looked into); gc:
                           "orphan", "upload" (begun, never ended), "intent", "spared",
                           "unparsable", "foreign" */
    const char *reason; /* for people, or "" */
    uint64_t size_bytes;
    int64_t age_ns; /* gc, by the medium's clock */
    int removed;    /* gc: it is gone now */
    int reserved;
};

/* Check tasks: digest, form, big data there and whole; deep: read every element. workflow
 * NULL = all; pattern NULL = all. `each` (may be NULL) gets every task and every fault;
 * nonzero stops. FF_E_CORRUPT: a fault was found, also a task or its big data that cannot be
 * read now. FF_E_NOT_FOUND: no such workflow. */
FF_API int ff_verify(struct ff_storage *, const char *workflow, const char *pattern,
                     int deep, int (*each)(void *ctx, const struct ff_finding *),
                     void *ctx, struct ff_error *);

struct ff_gc_options {
    uint32_t struct_size, flags;
    int64_t grace_ns; /* younger things are spared; < 0 = 24 h */
    int really;       /* 0: only report */
    int reserved;
    const char *const *assume_lost; /* "workflow/task" of unparsable tasks to go ahead in
                                       spite of, NULL-ended; or NULL */
};

/* Find, and remove, what no task refers to. workflow NULL = all. A workflow with a task that
 * cannot be parsed, or with a young unreferenced entry, is spared: FF_OK. `options` may be
 * NULL: only report. Nonzero from `each` stops: FF_OK. FF_E_NOT_FOUND: no such workflow. */
FF_API int ff_gc(struct ff_storage *, const char *workflow, const struct ff_gc_options *,
                 int (*each)(void *ctx, const struct ff_finding *), void *ctx,
                 struct ff_error *);

/* What a task takes on the medium; borrowed for the callback. Read it through FF_HAS. */
struct ff_usage {
    uint32_t struct_size;
    int32_t is_known; /* 0: a task that cannot be read may be what refers to big data */
    const char *workflow;
    const char *task;    /* "": see ff_usage() */
    uint64_t task_bytes; /* the pickle and its digest */
    uint64_t
        bigdata_bytes; /* what it refers to; what two tasks refer to counts for both */
    uint64_t objects;  /* in how many files, or objects */
};

/* Say what takes how much room, from listings: nothing of the big data is opened. workflow NULL:
 * a call for each workflow, task "", with all that is in it. Else one for each task that matches
 * (pattern NULL = all), and with pattern NULL a last one, task "", for big data that no task
 * refers to, if there is any. A folder whose name no workflow can have is passed over, with a
 * warning to the log. Nonzero from `each` stops. FF_E_NOT_FOUND: no such workflow. */
FF_API int ff_usage(struct ff_storage *, const char *workflow, const char *pattern,
                    int (*each)(void *ctx, const struct ff_usage *), void *ctx,
                    struct ff_error *);

/* ---- save piece by piece ---- */

struct ff_saving;
struct ff_writer;

/* A save whose arrays are pushed instead of pulled: begin, open writers, push, finish each,
 * put the values that come back into the value, commit. Ended by commit or abort; it holds
 * the storage. FF_E_NOT_FOUND: no such workflow; FF_SAVE_IF_ABSENT is looked at by the
 * commit. */
FF_API struct ff_saving *ff_saving_begin(struct ff_storage *, const char *workflow,
                                         const char *task, const struct ff_save_options *,
                                         struct ff_error *);
/* `like` describes the array: dtype, shape (shape[0] = -1: a stream), chunks; no elements;
 * copied. Ended by finish, or with `saving`. One thread opens and finishes. FF_E_USAGE: no
 * chunks, or a stream with irregular ones. FF_E_PLUGIN: no enabled serializer has ff.push/1.
 * FF_E_UNSUPPORTED: a dtype that it does not keep. */
FF_API struct ff_writer *ff_writer_open(struct ff_saving *, const struct ff_array *like,
                                        struct ff_error *);
/* Elements start .. start+count, from memory with these strides in bytes. Any thread, any
 * order; each element once (FF_E_USAGE). Whole chunks go straight through; parts of chunks
 * are held until the chunk is whole, within the memory budget (FF_E_LIMIT). A stream is
 * pushed in order of axis 0 by one thread: start[0] = what was pushed so far. `strides`
 * NULL: C order. FF_E_USAGE also: outside of the shape. After a failure the writer only
 * fails, with the same code. */
FF_API int ff_writer_push(struct ff_writer *, const int64_t *start, const int64_t *count,
                          const void *data, const int64_t *strides, struct ff_error *);
/* The array's value, in `doc`, good for this saving only. Takes the writer, also on failure.
 * FF_E_USAGE: elements are missing (in how many chunks). A push that failed: its code. */
FF_API struct ff_value ff_writer_finish(struct ff_writer *, struct ff_doc *doc,
                                        struct ff_error *);
/* Store `value` as the task. Takes `saving`, also on failure: then what it stored is removed
 * again, but for FF_E_UNKNOWN_OUTCOME. FF_E_USAGE: a writer is not finished. Others as
 * ff_save. */
FF_API int ff_saving_commit(struct ff_saving *, struct ff_value, struct ff_error *);
/* Nothing of it stays; open writers end with it. NULL is allowed. */
FF_API void ff_saving_abort(struct ff_saving *);

/* ---- documents and values ---- */

/* An empty document to build in. FF_E_NO_MEMORY; FF_E_IO: no random bytes, which keep dicts
 * from being attacked. Freed with ff_doc_free. */
FF_API struct ff_doc *ff_doc_new(struct ff_error *);
/* The last reference frees it. NULL is allowed. */
FF_API void ff_doc_free(struct ff_doc *);
/* One more owner, for another thread: each frees it. Gives its argument. */
FF_API struct ff_doc *ff_doc_ref(struct ff_doc *);
/* The value that was read, or set; absent when there is none. */
FF_API struct ff_value ff_doc_root(const struct ff_doc *);
/* What ff_doc_root gives from now on. FF_E_USAGE: absent, or of another document
 * (ff_import). */
FF_API int ff_doc_set_root(struct ff_doc *, struct ff_value, struct ff_error *);
/* The pickle protocol that it was read with, or -1. */
FF_API int ff_doc_protocol(const struct ff_doc *);
/* A copy of a value of any document, in `doc`, with its shared references and cycles; arrays
 * and lazy objects are shared, not copied; with what the pickle of that document called and
 * dropped, once for each import. How a document that was read is edited.
 * FF_E_USAGE: the value is absent. */
FF_API struct ff_value ff_import(struct ff_doc *doc, struct ff_value, struct ff_error *);

/* enum ff_kind; FF_ABSENT of an absent value. */
FF_API int ff_kind(struct ff_value);
/* "None", "int", "dict", ...: for messages; "unknown" for another number. Static. */
FF_API const char *ff_kind_name(int kind);
/* enum ff_view: decided by the parts of an object, so a damaged one has none. */
FF_API int ff_view(struct ff_value);
/* "builtins.dict", "dask.array.core.Array", "acme.Wave"; "" = not known. Borrowed from
 * the document. */
FF_API const char *ff_class_name(struct ff_value);
/* Whether both handles name the same object. */
FF_API int ff_same(struct ff_value, struct ff_value);

/* Typed access. Errors of all down to ff_bytes: FF_E_TYPE: another kind, also absent, or it
 * does not fit. A failure leaves what `out` points to undefined. */

/* *out: 1 for True, 0 for False. FF_E_TYPE: also of an int. */
FF_API int ff_boolean(struct ff_value, int *out, struct ff_error *);
/* FF_E_TYPE: also outside of -2^63 .. 2^63-1, and of a bool; ff_uint64: of 0 .. 2^64-1. */
FF_API int ff_int64(struct ff_value, int64_t *out, struct ff_error *);
FF_API int ff_uint64(struct ff_value, uint64_t *out, struct ff_error *);
/* An integer of any size, two's complement, little endian. Borrowed from the document, or
 * from `scratch` of 8 bytes. FF_E_TYPE: no int; a bool is none. */
FF_API int ff_int_bytes(struct ff_value, uint8_t scratch[8], const uint8_t **bytes,
                        size_t *size_bytes, struct ff_error *);
/* A float, or an integer of 64 bits that a double holds exactly; another one: FF_E_TYPE. */
FF_API int ff_real(struct ff_value, double *out, struct ff_error *);
/* UTF-8 without NUL at its end; lone surrogates as three bytes (WTF-8). Borrowed from the
 * document. FF_E_TYPE: no str. */
FF_API int ff_str(struct ff_value, const char **text, size_t *size_bytes,
                  struct ff_error *);
/* FF_BYTES, FF_BYTEARRAY, and an FF_BUFFER that has bytes; else FF_E_TYPE. Borrowed from the
 * document. For FF_VIEW_BYTES see ff_copy_bytes. */
FF_API int ff_bytes(struct ff_value, const void **data, size_t *size_bytes,
                    struct ff_error *);
/* How many items; 0 for what has none. */
FF_API size_t ff_length(struct ff_value);
/* Item i in stream order, O(1). dict: key and value; others: key absent. Either may be NULL.
 * FF_E_NOT_FOUND: i is ff_length() or more, as of all that has no items. */
FF_API int ff_item(struct ff_value, size_t i, struct ff_value *key,
                   struct ff_value *value, struct ff_error *);
/* dict: the value of a str key; absent when there is none. */
FF_API struct ff_value ff_get(struct ff_value, const char *key);
/* dict: the value of any key, by Python's equality: numbers of all types (int, float, complex,
 * Decimal, Fraction, numpy's scalars) by their exact value, NaN by identity; bytes, dates,
 * UUIDs, paths, ranges, frozensets by value, however they are spelled in the stream; aware times
 * as instants. Where Python would need what the stream does not hold, keys differ and none is
 * lost: an object of another class equals only itself, times in a zone that has only a name
 * those in that zone, a number of over 4,300 digits those of its own type. */
FF_API struct ff_value ff_get_item(struct ff_value, struct ff_value key);
/* "['df']._mgr.blocks[0]", "field", "a.b[3]": str keys with or without quotes, indices,
 * attributes of objects. What a serializer keeps is opened on the way: errors of ff_resolve.
 * FF_E_NOT_FOUND names the part that is not there; FF_E_USAGE: not a path (column);
 * FF_E_TYPE: the value is absent. "" = the value itself. */
FF_API struct ff_value ff_path(struct ff_value, const char *path, struct ff_error *);

/* FF_GLOBAL: module and name, UTF-8 with NUL, as Python 3 looks them up; borrowed from the
 * document. FF_E_TYPE: another kind. FF_E_LIMIT: a name with NUL inside or over 4 KiB, or no
 * memory. */
FF_API int ff_global(struct ff_value, const char **module, const char **name,
                     struct ff_error *);
/* FF_OBJECT: enum ff_part; absent when it has none. */
FF_API struct ff_value ff_part(struct ff_value, int part);
/* FF_PERSISTENT: what stands in the stream (docs/format.md); borrowed from the document;
 * `extra` a tuple or absent. Outputs may be NULL. FF_E_TYPE: another kind. FF_E_CORRUPT: an
 * id that is not (serializer, (version, name, extra ...)). */
FF_API int ff_persistent(struct ff_value, const char **serializer, const char **version,
                         const char **name, struct ff_value *extra, struct ff_error *);
/* FF_PERSISTENT: what its serializer gives, opened at most once; another kind: itself.
 * Borrowed from the document. Any thread: others wait while one opens; a failure is tried
 * again by the next call. FF_E_PLUGIN: the serializer is missing (and how to get it), or
 * does not read this version, or the document is of no storage; FF_E_STALE: its big data is
 * gone; FF_E_CORRUPT: it is damaged, or its id is; FF_E_UNSAFE: its name is no uuid; and
 * those of the medium. */
FF_API struct ff_value ff_resolve(struct ff_value, const struct ff_call *,
                                  struct ff_error *);
/* FF_ARRAY, FF_PERSISTENT that is an array, or FF_VIEW_NDARRAY, FF_VIEW_SCALAR (no axes) or
 * FF_VIEW_ARRAY in the stream. Borrowed from the document: ff_array_ref keeps it beyond.
 * FF_E_TYPE: no array, or one in a form that is not known; FF_PERSISTENT also: errors of
 * ff_resolve. */
FF_API const struct ff_array *ff_array(struct ff_value, struct ff_error *);
/* FF_NATIVE of that class, also in an FF_PERSISTENT, which is opened; NULL: another one, or
 * it cannot be opened (ff_resolve says why). Borrowed from the document. */
FF_API void *ff_native(struct ff_value, const char *class_name);
/* Python's equality of two graphs, of their parts as ff_get_item has it; max_steps 0 = 100
 * million, then FF_E_LIMIT. Arrays: by dtype, shape and elements, which are read (FF_E_IO,
 * FF_E_STALE ...); what a serializer keeps is opened: errors of ff_resolve. 1, 0; or 0 with
 * an error. */
FF_API int ff_equal(struct ff_value, struct ff_value, uint64_t max_steps,
                    struct ff_error *);

/* Builders. Absent on failure; a value of them is not in its document's root until it is put
 * there. All arguments are copied. Errors of all down to ff_new_native_take: FF_E_USAGE: no
 * document, or one that was read; an item that is absent or of another document (ff_import);
 * a pointer that is NULL. FF_E_NO_MEMORY. */

/* Absent only without a document, as ff_new_bool. */
FF_API struct ff_value ff_new_none(struct ff_doc *);
/* Nonzero: True. */
FF_API struct ff_value ff_new_bool(struct ff_doc *, int);
/* A Python int; ff_new_int_bytes makes larger ones. */
FF_API struct ff_value ff_new_int(struct ff_doc *, int64_t, struct ff_error *);
/* Two's complement, little endian, of any length; none is 0. FF_E_USAGE also: over 2^31 - 1
 * bytes. */
FF_API struct ff_value ff_new_int_bytes(struct ff_doc *, const uint8_t *,
                                        size_t size_bytes, struct ff_error *);
/* A Python float. */
FF_API struct ff_value ff_new_float(struct ff_doc *, double, struct ff_error *);
/* size_bytes SIZE_MAX: up to the NUL. FF_E_USAGE also: not UTF-8. FF_E_LIMIT: over 2^47
 * bytes. */
FF_API struct ff_value ff_new_str(struct ff_doc *, const char *, size_t size_bytes,
                                  struct ff_error *);
/* A Python bytes; `data` may be NULL with size 0. */
FF_API struct ff_value ff_new_bytes(struct ff_doc *, const void *, size_t size_bytes,
                                    struct ff_error *);
/* Empty: ff_append fills it. */
FF_API struct ff_value ff_new_list(struct ff_doc *, struct ff_error *);
/* Of these items; `items` may be NULL with count 0. */
FF_API struct ff_value ff_new_tuple(struct ff_doc *, const struct ff_value *items,
                                    size_t count, struct ff_error *);
/* Empty: ff_set and ff_set_item fill it. Keeps the order of its keys. */
FF_API struct ff_value ff_new_dict(struct ff_doc *, struct ff_error *);
/* Empty: ff_append fills it. */
FF_API struct ff_value ff_new_set(struct ff_doc *, struct ff_error *);
/* A class or function by its name, as pickle writes it: "numpy", "dtype". FF_E_USAGE also:
 * not UTF-8. Whether it exists, only Python knows. */
FF_API struct ff_value ff_new_global(struct ff_doc *, const char *module,
                                     const char *name, struct ff_error *);
/* callable(*args) with a state, as __reduce__ gives them: an object of a class of
 * somebody's. `state` may be absent. FF_E_TYPE: `args` is no tuple. */
FF_API struct ff_value ff_new_object(struct ff_doc *, struct ff_value callable,
                                     struct ff_value args, struct ff_value state,
                                     struct ff_error *);
/* At the end of a list, or into a set, where an equal item stays as it is. FF_E_TYPE:
 * another kind, or an item of a set that has no hash. */
FF_API int ff_append(struct ff_doc *, struct ff_value list, struct ff_value,
                     struct ff_error *);
/* dict[key] = value with a str key (UTF-8 up to the NUL); a key that is there keeps its
 * place. FF_E_TYPE: no dict. */
FF_API int ff_set(struct ff_doc *, struct ff_value dict, const char *key, struct ff_value,
                  struct ff_error *);
/* The same with any key (equality: ff_get_item). FF_E_TYPE: no dict, or a key that has no
 * hash. */
FF_API int ff_set_item(struct ff_doc *, struct ff_value dict, struct ff_value key,
                       struct ff_value, struct ff_error *);
/* Stored by a serializer for "dask.array.core.Array" when the array has `chunk`, else inside
 * the pickle as a "numpy.ndarray". Takes the array, also on failure. FF_E_PLUGIN: one that
 * this library has not made, and that contradicts itself. */
FF_API struct ff_value ff_new_array_take(struct ff_doc *, struct ff_array *taken,
                                         struct ff_error *);
/* A thing of the program's own: kept by the serializer of its class. Takes it, also on
 * failure: release(taken), when it is not NULL, is called once, by the last document that
 * has it. */
FF_API struct ff_value ff_new_native_take(struct ff_doc *, const char *class_name,
                                          void *taken, void (*release)(void *),
                                          struct ff_error *);

/* ---- arrays ---- */

/* Chunks of about 4 MiB. A host whose configuration has other "arrays" saves the array in
 * chunks of that size, or inline. */
#define FF_CHUNK_AUTO 1u
#define FF_CHUNK_NONE 2u /* inline: a numpy array in the pickle */

/* How to make an array. Everything is copied at the call but `data`. */
struct ff_array_params {
    uint32_t struct_size;
    uint32_t chunking; /* 0: `chunk` or `edges`, else FF_CHUNK_AUTO */
    int32_t ndim;
    uint32_t flags;    /* FF_ARRAY_SERIAL for a callback */
    const char *descr; /* "<f4" */
    const int64_t *shape;
    const int64_t *chunk;        /* or NULL */
    const int64_t *const *edges; /* with edge_count: irregular chunks; or NULL */
    const int64_t *edge_count;
    const void *data;       /* from memory: borrowed until release; or NULL */
    const int64_t *strides; /* bytes; NULL = C order */
    /* from a callback: fill one chunk, start .. start+count, dst in C order. Any thread
     * unless FF_ARRAY_SERIAL. Return FF_OK or a failure. */
    int (*fill)(void *ctx, const int64_t *start, const int64_t *count, void *dst,
                const struct ff_call *, struct ff_error *);
    void *ctx;
    void (*release)(void *ctx); /* called once when the array is gone, also on failure */
    const char *options;        /* for the serializer, JSON; or NULL */
};

/* An array from memory, from a callback, or (neither) a description only. `release` is
 * called on failure too. FF_E_USAGE: not a dtype, lengths or chunks that contradict each
 * other, over FF_MAX_NDIM axes or 2^63 bytes, a stream with elements, a callback without
 * chunks. Freed with ff_array_free, or given away with a `_take`. */
FF_API struct ff_array *ff_array_new(const struct ff_array_params *, struct ff_error *);
/* Shorthand: C order, automatic chunks; `data` is borrowed until the array is freed.
 * FF_E_USAGE as ff_array_new. */
FF_API struct ff_array *ff_array_from_memory(const char *descr, int32_t ndim,
                                             const int64_t *shape, const void *data,
                                             struct ff_error *);
/* One more owner of an array that this library gave, beyond its document; NULL for one that
 * a program or a plugin filled itself. Owned: ff_array_free. */
FF_API struct ff_array *ff_array_ref(const struct ff_array *);
/* The last reference frees it, and calls its release(). Any thread. NULL is allowed. */
FF_API void ff_array_free(struct ff_array *);
/* Read a region into memory; strides in bytes, NULL = C order of the region. region NULL =
 * all. Whole or failed; then `dst` is undefined. FF_E_USAGE: outside of the shape, or no
 * elements to read. FF_E_STALE: its task was replaced or removed. FF_E_CORRUPT,
 * FF_E_UNSUPPORTED: what is stored. FF_E_CANCELLED, FF_E_DEADLINE: the call's, or the
 * host's. Others of the medium, and what the callback returned (FF_E_OTHER: a positive one). */
FF_API int ff_array_read(const struct ff_array *, const struct ff_region *region,
                         void *dst, const int64_t *strides, const struct ff_call *,
                         struct ff_error *);
/* How many chunks a region touches (NULL = all), and of how many; 1 of 1 without chunks.
 * FF_E_USAGE: outside of the shape, a stream, or an array that this library has not made. */
FF_API int ff_array_chunks_touched(const struct ff_array *, const struct ff_region *,
                                   uint64_t *touched, uint64_t *all, struct ff_error *);
/* A part of an array as an array: lazy; holds `whole`. Its chunks, if `whole` has any, are
 * automatic. FF_E_USAGE: outside of the shape, no elements to read, or an array that this
 * library has not made. Freed with ff_array_free. */
FF_API struct ff_array *ff_array_slice(const struct ff_array *whole,
                                       const struct ff_region *, struct ff_error *);

/* ---- files of other formats ---- */

/* A .npy file as an array of that chunking (ff_array_params.chunking; chunk may be NULL).
 * The file is read when the array is, and closed when it is freed. FF_E_NOT_FOUND,
 * FF_E_PERMISSION, FF_E_IO: opening it. FF_E_USAGE: no regular file, or chunks that do not
 * fit its axes. FF_E_CORRUPT: not a .npy file, or cut short. FF_E_UNSUPPORTED: a dtype of
 * objects. Format: numpy.lib.format. Freed with ff_array_free. */
FF_API struct ff_array *ff_npy_open(const char *path, uint32_t chunking,
                                    const int64_t *chunk, int32_t chunk_ndim,
                                    struct ff_error *);
/* Write an array as .npy through a callback: in order, in pieces; nonzero from it: FF_E_IO.
 * FF_E_UNSUPPORTED: a dtype that .npy lacks. Others as ff_array_read. */
FF_API int ff_npy_write(const struct ff_array *,
                        int (*write)(void *ctx, const void *data, size_t size_bytes),
                        void *ctx, const struct ff_call *, struct ff_error *);
/* JSON. What JSON lacks has tags: see docs/json.md. {"$npy": "file.npy", "chunks": [..]}
 * opens a file beside `folder` (NULL: refused). size_bytes SIZE_MAX: up to the NUL.
 * FF_E_USAGE: the text (line and column), or no such tag; FF_E_LIMIT: over 1 GiB, or an
 * integer of very many digits; FF_E_UNSUPPORTED: a tag that only describes; and those of
 * ff_npy_open. */
FF_API struct ff_value ff_from_json(struct ff_doc *, const char *text, size_t size_bytes,
                                    const char *folder, struct ff_error *);
/* A value as JSON, in order, in pieces. What a serializer keeps, arrays in chunks and
 * natives are only described (docs/json.md), and not read or opened. FF_E_TYPE: the value is
 * absent. FF_E_LIMIT: more text than docs/json.md allows for such a document. What `write` returns ends it: a negative one is returned, else FF_E_OTHER. */
FF_API int ff_to_json(struct ff_value,
                      int (*write)(void *ctx, const char *text, size_t size_bytes),
                      void *ctx, struct ff_error *);
/* A tree for people: dtypes and shapes of arrays but no elements; a shared object once, then
 * "<ref #n>"; behind it what the document called and dropped. At most max_bytes (0 = 64 KiB) and max_depth (0 = 32). FF_E_TYPE: the value is
 * absent. What `write` returns ends it, as in ff_to_json. */
FF_API int ff_show(struct ff_value, size_t max_bytes, unsigned max_depth,
                   int (*write)(void *ctx, const char *text, size_t size_bytes),
                   void *ctx, struct ff_error *);

#ifdef __cplusplus
}
#endif
#endif
