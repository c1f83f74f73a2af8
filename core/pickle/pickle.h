/* SPDX-License-Identifier: Apache-2.0 */
/* pickle.h: the default serializer, as the rest of core sees it: load, dump. It
 * knows neither storages nor plugins: persistent ids come and go through callbacks. */
#ifndef FF_CORE_PICKLE_H
#define FF_CORE_PICKLE_H

#include <functionfuse/pickle.h>

/* Opens persistent objects of a document at first use. Owned by the document: release()
 * is called when the last reference to the document, and to what was resolved, is gone.
 */
struct ff_resolver {
    /* `persistent` is of kind FF_PERSISTENT. Gives a document of its own, owned by the
     * caller, and the object in it. Any thread; the document calls it at most once at a
     * time for one object, and keeps what it gave. */
    int (*resolve)(void *ctx, struct ff_value persistent, struct ff_doc **doc,
                   struct ff_value *object, const struct ff_call *, struct ff_error *);
    void (*release)(void *ctx);
    void *ctx;
};

/* Build a document from a pickle. `data` is kept (strings and bytes point into it) and
 * released with release(taken) when the document goes, also on failure. *used: offset
 * behind STOP. `resolver` is copied; NULL = persistent ids stay closed. FF_E_CORRUPT,
 * FF_E_LIMIT, FF_E_NO_MEMORY, with offset and opcode in the message. */
int ff_pickle_read(const void *data, size_t size_bytes, void *taken,
                   void (*release)(void *), const struct ff_load_options *,
                   const struct ff_resolver *resolver, struct ff_doc **doc, size_t *used,
                   struct ff_error *);

struct ff_dumper; /* the writer at work */

/* What stands in the stream for an object: (serializer, (version, name, extra ...)). */
struct ff_new_pid {
    char serializer[128];
    char version[64];
    char name[128];
    struct ff_value extra; /* a tuple of plain values, or absent */
};

struct ff_write_options {
    uint32_t protocol; /* 0 to 5 */
    int compact;       /* memo only where shared; else as CPython's C pickler does */
    /* Asked once for each object (identity) of kind ARRAY with a chunk grid, NATIVE,
     * OBJECT, PERSISTENT, inline arrays and numpy views, and, when ask_builtins is set,
     * of every other kind but None, True, False, before it is written. FF_OK: *pid is
     * written in its place; FF_DECLINED: written as it is (an ARRAY as an inline numpy
     * array; a NATIVE fails with FF_E_UNSUPPORTED, a PERSISTENT is written as it was).
     * NULL = always declined. */
    int (*persistent)(void *ctx, struct ff_value, const struct ff_dumper *,
                      struct ff_new_pid *, struct ff_error *);
    int ask_builtins;
    void *ctx;
    /* Bytes in order; pieces of any size. */
    int (*write)(void *write_ctx, const void *data, size_t size_bytes, struct ff_error *);
    void *write_ctx;
    const struct ff_call *call; /* for reading inline arrays */
    /* Takes a buffer out of band; NULL: those that have bytes are written in band. */
    int (*buffer)(void *buffer_ctx, const struct ff_pickle_buffer *);
    void *buffer_ctx;
};

/* Iterative: depth is bounded by memory only. On failure the error's place is the path of
 * the object ("#traces[3]"). */
int ff_pickle_write(struct ff_value root, const struct ff_write_options *,
                    struct ff_error *);
/* The path of the object that is being written, for error messages: "#traces[3]". */
void ff_dumper_path(const struct ff_dumper *, char *text, size_t size);

/* ---- for core: documents made by others ---- */

/* The document's resolver (NULL = none), to tell what storage an object came from. */
const struct ff_resolver *ff_doc_resolver(const struct ff_doc *);
/* The persistent id that a resolved object, or its array, came from; absent = none. An
 * array that is unchanged and lazy is so recognised when it is saved back. */
struct ff_value ff_doc_origin(struct ff_value object);
/* Add a node of kind FF_PERSISTENT to a document that is being built (ff_writer_finish).
 */
struct ff_value ff_new_persistent(struct ff_doc *, const char *serializer,
                                  const char *version, const char *name,
                                  struct ff_error *);

#endif
