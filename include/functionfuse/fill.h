/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fill.h: one array that several processes fill, on one machine or many. For programs; the
 * rules about errors, ownership and threads are those of functionfuse.h.
 *
 * DRAFT: it may change, or go, with any version, as its names say. What it stores stays: an
 * array that was filled is stored as any other.
 *
 *   one process     begin   makes the array, and gives a token: one line of text
 *   every process   attach  with the token
 *                   write   regions of whole chunks
 *                   end     makes them durable, and gives a receipt: one line of text
 *   one process     finish  with the token and all receipts: the array as a value, which is
 *                           saved into a task, alone or in a larger value: the one commit
 *                   remove  ends the filling, after the save or in its place
 *
 * Token and receipts travel as the program likes: arguments, pipes, files. No process needs
 * another one to live: begin and finish may be programs of their own.
 *
 * Who dies, when it likes, leaves nothing to mend. What it had written counts if its receipt
 * was given; else another process writes that region again, whole. Two processes that write one
 * chunk write the same elements. Until the save the task is what it was; a save that died is
 * done again, from finish on, with the same token and receipts.
 *
 * ff_gc() spares a filling for as long as a handle of begin or attach is open in any process,
 * then for the grace after the last write; then what was written is lost, and attach and finish
 * say so (FF_E_NOT_FOUND). Keep the handle of begin open to be sure.
 *
 * Where the file system has no locks, a handle that nothing is written through counts as open for
 * ten minutes, and finish cannot see who is attached: there the program itself sees to it that
 * all writers have ended, or their late writes go into what was saved.
 */
#ifndef FUNCTIONFUSE_FILL_H
#define FUNCTIONFUSE_FILL_H

#include "functionfuse.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ff_draft_filling;

/* Make an array that `like` describes (dtype, shape, regular chunks; no elements) in a workflow,
 * durably. The handle is for the token and for gc alone: to write, attach. Freed with
 * ff_draft_fill_close. FF_E_NOT_FOUND: no such workflow. FF_E_UNSUPPORTED: arrays like this one,
 * or on this protocol, are not filled by several processes, and why; at present it has to be
 * HDF5 without compression, so a file store. FF_E_PLUGIN: no serializer can. */
FF_API struct ff_draft_filling *ff_draft_fill_begin(struct ff_storage *,
                                                    const char *workflow,
                                                    const struct ff_array *like,
                                                    struct ff_error *);
/* UTF-8 without line breaks, less than 1,024 bytes. Borrowed from the handle. */
FF_API const char *ff_draft_fill_token(const struct ff_draft_filling *);
/* In any process, on the storage that it was begun on. Freed with ff_draft_fill_close.
 * FF_E_USAGE: this is no token. FF_E_NOT_FOUND: nothing is being filled under it: not on this
 * storage, or it was removed. FF_E_CONFLICT: it was finished, and may have been saved. */
FF_API struct ff_draft_filling *
ff_draft_fill_attach(struct ff_storage *, const char *token, struct ff_error *);
/* What is being filled: dtype, shape, chunk; no read. Borrowed from the handle. */
FF_API const struct ff_array *ff_draft_fill_array(const struct ff_draft_filling *);
/* Elements start .. start+count, from memory with these strides in bytes (NULL: C order). On
 * each axis the region begins on a border of a chunk, and ends on one or at the end of the array
 * (FF_E_USAGE, nothing is written). Any thread, many at a time, each its own chunks. After a
 * failure the chunks of the region are in no receipt until they are written again. */
FF_API int ff_draft_fill_write(struct ff_draft_filling *, const int64_t *start,
                               const int64_t *count, const void *data,
                               const int64_t *strides, struct ff_error *);
/* All that was written through the handle is durable: the receipt, ASCII without blanks, as long
 * as its runs of chunks need. Nothing is written after it (FF_E_USAGE). Borrowed from the handle,
 * and the same when asked again; NULL: the error says why, and nothing is known of what was
 * written. FF_E_CONFLICT: the filling was removed meanwhile. */
FF_API const char *ff_draft_fill_end(struct ff_draft_filling *, struct ff_error *);
/* NULL is allowed. What was written without a receipt is to be written again. */
FF_API void ff_draft_fill_close(struct ff_draft_filling *);
/* The array's value, in `doc`, good for this saving only; the saving is of the workflow that the
 * array was begun in, and `doc` is one that is being built, not one that was read. (FF_E_USAGE:
 * another workflow.) Receipts are taken as they were given, also how many chunks they say there
 * are: they are the program's own, not an enemy's. It may be done again, for another saving, until
 * ff_draft_fill_remove. FF_E_USAGE: a receipt is none, or of another array; or chunks are in no
 * receipt, and how many: then nothing has changed. FF_E_CONFLICT: a process is attached, and
 * might write into what is saved: let it end, or end it. FF_E_NOT_FOUND: as attach. */
FF_API struct ff_value ff_draft_fill_finish(struct ff_saving *, struct ff_doc *doc,
                                            const char *token,
                                            const char *const *receipts, size_t count,
                                            struct ff_error *);
/* The filling goes; what was saved of it stays. Whoever is attached still is told at its end.
 * Idempotent. Who forgets it leaves work for gc. FF_E_USAGE: this is no token. */
FF_API int ff_draft_fill_remove(struct ff_storage *, const char *token,
                                struct ff_error *);

#ifdef __cplusplus
}
#endif
#endif
