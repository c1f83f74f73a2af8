/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pickle.h: pickles that are in no store: reading, writing, and looking into them. For
 * programs; the rules about errors, ownership and threads are those of functionfuse.h.
 * Nothing here ever imports a module or calls anything that a pickle names.
 */
#ifndef FUNCTIONFUSE_PICKLE_H
#define FUNCTIONFUSE_PICKLE_H

#include "functionfuse.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- load ---- */

/* How Python 2's str is read: `encoding` of Python's pickle.load. What does not decode is
 * kept as bytes, where Python fails. */
enum ff_py2_strings {
    FF_PY2_ASCII = 0,
    FF_PY2_LATIN1,
    FF_PY2_UTF8,
    FF_PY2_BYTES /* bytes, also what is ASCII */
};

/* What an opcode NEXT_BUFFER stands for (PEP 574). */
struct ff_pickle_buffer {
    const void *data;
    size_t size_bytes;
    uint32_t readonly; /* 1: as bytes, 0: as a bytearray */
    uint32_t reserved; /* 0 */
};

/* A code of Python's copyreg.add_extension. */
struct ff_extension {
    int32_t code; /* 1 .. 2^31-1 */
    uint32_t reserved;
    const char *module, *name;
};

#define FF_LOAD_LAX_FRAMES                                                               \
    1u /* frames that are cut or nested, as C unpicklers before 3.13.15 take them */
#define FF_LOAD_JOBLIB                                                                   \
    2u /* a file of joblib: raw elements follow its NumpyArrayWrapper objects */

/* How to read a pickle. All zero but struct_size is the default. Borrowed for the call,
 * but the memory of `buffers`, which must outlive the document. */
struct ff_load_options {
    uint32_t struct_size, flags; /* FF_LOAD_* */
    uint64_t max_bytes; /* memory beside the input; 0 = max(64 MiB, 48 x its size) */
    uint64_t max_steps; /* parts of dict keys and set items looked at; 0 = 1 million + 8 x
                           its size */
    uint32_t py2_strings; /* enum ff_py2_strings */
    uint32_t reserved;    /* 0 */
    /* In the order of NEXT_BUFFER: each becomes an FF_BUFFER that ff_bytes reads. NULL:
     * they stay without bytes. Too few: FF_E_CORRUPT, as in Python. */
    const struct ff_pickle_buffer *buffers;
    size_t buffer_count;
    /* A code that is listed becomes an FF_GLOBAL, another one stays an FF_EXTENSION. */
    const struct ff_extension *extensions;
    size_t extension_count;
};

/* A pickle that the caller has in memory: copied, or (taken != NULL) kept and released
 * with release(taken), also on failure. Bytes behind its end are ignored; *used (may be
 * NULL): where it ended. `options` may be NULL. FF_E_USAGE: options without a size or
 * with unknown flags. FF_E_CORRUPT, FF_E_LIMIT: the message has the offset and the
 * opcode. Freed with ff_doc_free. */
FF_API struct ff_doc *ff_pickle_load(const void *data, size_t size_bytes, void *taken,
                                     void (*release)(void *),
                                     const struct ff_load_options *options, size_t *used,
                                     struct ff_error *);
/* The same for a file that nobody changes while the document lives: it is mapped, strings
 * and bytes point into it. (Reading a mapped file that was cut short raises SIGBUS: read the
 * files of others with ff_pickle_load, tasks with ff_read_task.) FF_E_NOT_FOUND,
 * FF_E_PERMISSION, FF_E_IO: opening it; FF_E_USAGE also: no regular file; others as
 * ff_pickle_load. */
FF_API struct ff_doc *ff_pickle_open(const char *path,
                                     const struct ff_load_options *options, size_t *used,
                                     struct ff_error *);

/* ---- dump ---- */

#define FF_DUMP_COMPACT                                                                  \
    1u /* memo only where something is shared; else as CPython's C pickler does */

struct ff_dump_options {
    uint32_t struct_size, flags; /* FF_DUMP_* */
    uint32_t protocol;           /* 0 to 5, or FF_PROTOCOL_DEFAULT */
    uint32_t reserved;           /* 0 */
    /* For each FF_BUFFER that has bytes, in the order of NEXT_BUFFER: nonzero stops. NULL:
     * they are written into the pickle, as bytes or bytearray. */
    int (*buffer)(void *ctx, const struct ff_pickle_buffer *);
    void *buffer_ctx;
    const struct ff_call *call; /* for reading arrays; or NULL */
};

/* As a pickle, in order, in pieces. `options` NULL: with the protocol that it was read with,
 * else 4. FF_E_USAGE: options without a size, an unknown flag or protocol, an absent value.
 * FF_E_LIMIT: 2^32 shared objects. FF_E_UNSUPPORTED: it holds natives or chunked arrays
 * (place: "#path"). A nonzero result of a callback ends it, and is returned when it is
 * negative, else FF_E_OTHER. */
FF_API int ff_pickle_dump(struct ff_value, const struct ff_dump_options *options,
                          int (*write)(void *ctx, const void *data, size_t size_bytes),
                          void *ctx, struct ff_error *);

/* ---- scan ---- */

/* How a global is used. Python imports its module in each case, which runs that. */
#define FF_USE_REFERENCE 1u /* as a value: an argument, an item, state, or dropped */
#define FF_USE_CLASS     2u /* an instance of it is made: NEWOBJ, NEWOBJ_EX, INST, OBJ */
#define FF_USE_CALL      4u /* it is called: REDUCE */
#define FF_USE_CHANGE    8u /* something is set in it: BUILD, APPEND, SETITEM ... */

/* A module's name in a pickle. "" for both, when one of them has NUL inside or is over
 * 64 KiB: what Python cannot import, and no policy allows. */
struct ff_scanned_global {
    const char *module, *name;         /* as Python 3 looks it up */
    const char *raw_module, *raw_name; /* as it stands there: "__builtin__" */
    uint64_t offset;                   /* of its first opcode */
    uint64_t count;                    /* how often it comes to the stack */
    uint32_t uses;                     /* FF_USE_* */
    uint32_t reserved;
};

/* Something that Python would call, also when its result is dropped. */
struct ff_scanned_call {
    uint64_t offset;
    const char *op; /* "REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ" */
    /* What is called: "global", of that module and name; else both are "": "object" (the
     * result of another call), "persistent", "extension". */
    const char *kind;
    const char *module, *name;
};

/* One persistent id. */
struct ff_scanned_pid {
    uint64_t offset;
    struct ff_value id;     /* good for the callback; absent: not only of plain values */
    const char *serializer; /* "" = not of our form */
    const char *version;
    const char *name;
    const char *const *strings; /* every string in the id, in order */
    size_t string_count;
};

enum ff_op_argument {
    FF_OP_ARGUMENT_NONE = 0,
    FF_OP_ARGUMENT_NUMBER, /* little endian; of BINFLOAT: big endian */
    FF_OP_ARGUMENT_LINE,   /* without its newline */
    FF_OP_ARGUMENT_LINES,  /* two: `data` and `more` */
    FF_OP_ARGUMENT_DATA    /* without its length */
};

struct ff_scanned_op {
    uint64_t offset;
    const char *name;
    uint8_t code, protocol; /* the protocol that has it first */
    uint8_t argument;       /* enum ff_op_argument */
    uint8_t reserved[5];
    const void *data;
    size_t size_bytes;
    const void *more;
    size_t more_bytes;
};

/* What to tell; members may be NULL. All that is passed is good for the callback only. A
 * callback that returns nonzero ends the scan, which returns that. */
struct ff_scan {
    uint32_t struct_size, flags; /* 0 */
    void *ctx;
    /* Each global once, in order of first sight, when the scan has ended: also when it
     * failed, since Python has done by then what stands before the failure. Not when a
     * callback ended it. */
    int (*global)(void *ctx, const struct ff_scanned_global *);
    int (*call)(void *ctx, const struct ff_scanned_call *);
    int (*persistent)(void *ctx, const struct ff_scanned_pid *);
    /* A code that is not in options->extensions. */
    int (*extension)(void *ctx, uint64_t offset, int32_t code);
    int (*op)(void *ctx, const struct ff_scanned_op *);
};

/* Walk a pickle with the reader's own rules and build nothing: what loads, scans; what
 * does not load does not scan, but for what only values tell (an index that is not in its
 * list, an unhashable object of a class, budgets). `options` and *used as in
 * ff_pickle_load. FF_OK, a callback's result, or as ff_pickle_load;
 * FF_E_USAGE also: no data, or a struct ff_scan without struct_size or with flags. */
FF_API int ff_pickle_scan(const void *data, size_t size_bytes,
                          const struct ff_load_options *options, const struct ff_scan *,
                          size_t *used, struct ff_error *);

/* ---- policy ---- */

/* Which globals a pickle may name. Only what is listed is allowed: a list of what is
 * forbidden can never be whole. Not for two threads at once while it changes. */
struct ff_policy;

#define FF_POLICY_EMPTY 1u /* without the built-in list */

/* The built-in list holds constructors that run nothing of their arguments: of builtins,
 * collections, datetime, decimal, fractions, pathlib, uuid, numpy, joblib's arrays, tensors
 * of torch. FF_E_USAGE: unknown flags. Freed with ff_policy_free. */
FF_API struct ff_policy *ff_policy_new(uint32_t flags, struct ff_error *);
/* NULL is allowed. Not while a judgement uses it. */
FF_API void ff_policy_free(struct ff_policy *);
/* "module.name"; "module:Outer.Inner" for a name with dots; "module.*": every name of that
 * module without dots. FF_E_USAGE: another form. FF_E_LIMIT: too many rules. */
FF_API int ff_policy_allow(struct ff_policy *, const char *what, struct ff_error *);
/* {"allow": ["module.name", ...]}: ff_policy_allow of each, also of those before a wrong one.
 * FF_E_USAGE: another form (line and column), or another key. FF_E_LIMIT: too many rules. */
FF_API int ff_policy_read(struct ff_policy *, const char *json, size_t size_bytes,
                          struct ff_error *);
/* Whether it is listed: 1, 0; 0 without a policy. `module` as Python 3 has it. */
FF_API int ff_policy_allows(const struct ff_policy *, const char *module,
                            const char *name);
/* Whether Python may load it, as far as a policy can say: every global is allowed, none
 * is changed, nothing is called but globals, and every extension code is known. FF_OK;
 * FF_E_UNSAFE: the message names the first that is not; FF_E_CORRUPT and others: not a
 * whole pickle. Memory and time are not judged: bytearray(10**10) is allowed. */
FF_API int ff_pickle_judge(const void *data, size_t size_bytes,
                           const struct ff_load_options *options,
                           const struct ff_policy *, size_t *used, struct ff_error *);

/* ---- files that hold pickles ---- */

/* A file with pickles in it: as they are, compressed with gzip or zlib (as joblib does),
 * or members *.pkl of a zip archive (as torch.save does). */
struct ff_pickle_file;

/* One stretch of pickles, one after another. Borrowed from the file. */
struct ff_pickle_part {
    const char *member; /* of the archive; "" = the file is no archive */
    const void *data;
    size_t size_bytes;
};

/* The file is mapped: nobody may change it meanwhile. What is compressed is decompressed
 * into memory, up to max_bytes in all (0 = 1 GiB), then FF_E_LIMIT. FF_E_UNSUPPORTED:
 * compressed with something else, which the message names. FF_E_CORRUPT: damaged, an
 * archive without a *.pkl, one whose members overlap or have other sizes than it says, or
 * bytes behind the end of what is compressed (of gzip: but zeros and more members).
 * FF_E_NOT_FOUND, FF_E_PERMISSION, FF_E_IO. */
FF_API struct ff_pickle_file *ff_pickle_file_open(const char *path, uint64_t max_bytes,
                                                  struct ff_error *);
/* Its parts go with it. NULL is allowed. */
FF_API void ff_pickle_file_close(struct ff_pickle_file *);
/* "plain", "gzip", "zlib", "zip": static. */
FF_API const char *ff_pickle_file_form(const struct ff_pickle_file *);
/* NULL when i is out of range. Any thread. */
FF_API const struct ff_pickle_part *ff_pickle_file_part(const struct ff_pickle_file *,
                                                        size_t i);
/* Whether exactly the SHA-1 of the `used` bytes follows them, as in a task: 1, 0. */
FF_API int ff_pickle_has_digest(const void *data, size_t used, size_t size_bytes);

#ifdef __cplusplus
}
#endif
#endif
