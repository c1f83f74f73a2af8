/* SPDX-License-Identifier: Apache-2.0 */
/* commit_own.h: what the parts of the derived ff.commit/1 share: commit.c has the table,
 * the workflows and gc's calls, commit_save.c saves, commit_remove.c removes,
 * commit_rename.c renames, commit_io.c reaches the medium. */
#ifndef FF_CORE_COMMIT_OWN_H
#define FF_CORE_COMMIT_OWN_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/vec.h"
#include "core/commit.h"
#include "core/steady.h"

#define FF_DERIVED_FOLDER     "bigdata/.ff/"
#define FF_DERIVED_NAME_BYTES 640 /* two checked names, the folder, and "rename-<id>" */
#define FF_DERIVED_TAG_BYTES  80
#define FF_DERIVED_MAX_BYTES  ((uint64_t)16 << 30) /* of a task */

/* No put of a commit is sent later than this: gc may take its intent for dead. */
#define FF_DERIVED_COMMIT_NS ((int64_t)5 * 60 * 1000000000)
/* An intent that nobody has touched for this long is stale: more than FF_DERIVED_COMMIT_NS, and
 * what a request may be late by. S3 takes a signature for 15 minutes. */
#define FF_DERIVED_FRESH_NS ((int64_t)30 * 60 * 1000000000)

struct ff_derived {
    struct ff_commit pub; /* first */
    const struct ff_objects *objects;
    const struct ff_host_services *host;
    const struct ff_sys *sys;
};

static inline const struct ff_derived *ff_derived_of(const struct ff_commit *pub)
{
    return (const struct ff_derived *)(const void *)pub;
}

/* ---- commit_io.c ---- */

/* A whole object. Not there: tag "", no data. */
struct ff_stored {
    uint8_t *data; /* owned; not NULL when there, also when empty */
    size_t size_bytes;
    bool there;
    char tag[FF_DERIVED_TAG_BYTES];
};

void ff_stored_free(struct ff_stored *);
bool ff_stored_is(const struct ff_stored *, const void *data, size_t size_bytes);
bool ff_stored_begins(const struct ff_stored *, const char *text);

/* Not there is FF_OK. `out` need not be initialized, and is empty after a failure. */
int ff_derived_get(const struct ff_derived *, const char *name, struct ff_stored *out,
                   const struct ff_call *, struct ff_error *);
/* if_match as in struct ff_io; tag (may be NULL): the new one. */
int ff_derived_put(const struct ff_derived *, const char *name, const void *data,
                   size_t size_bytes, const char *if_match,
                   char tag[FF_DERIVED_TAG_BYTES], const struct ff_call *,
                   struct ff_error *);
int ff_derived_remove(const struct ff_derived *, const char *name, const char *if_match,
                      const struct ff_call *, struct ff_error *);
/* The tags of `count` (1 or 2) objects at once; "" = not there. */
int ff_derived_tags(const struct ff_derived *, const char *const *names, size_t count,
                    char (*tags)[FF_DERIVED_TAG_BYTES], const struct ff_call *,
                    struct ff_error *);
/* Put text that nobody else writes, in place of what has `tag` ("" = nothing); then `tag`
 * is the new one. A lost answer is found out by reading: FF_E_CONFLICT is certain. */
int ff_derived_swap(const struct ff_derived *, const char *name, const char *text,
                    char tag[FF_DERIVED_TAG_BYTES], const struct ff_call *,
                    struct ff_error *);
int ff_derived_sync(const struct ff_derived *, const struct ff_call *, struct ff_error *);
/* Whether this failure says that nothing was done, and that nothing will be. Else a
 * request may have been carried out, or may be later. */
bool ff_derived_is_definite(int code);
/* Wait a little before try number `attempt`, longer each time, not as long as others. */
void ff_derived_back_off(const struct ff_derived *, unsigned attempt);
/* Hand `from` to the caller, when there is an error to hand. */
int ff_derived_pass(struct ff_error *to, const struct ff_error *from, int code);

void ff_derived_steady(const struct ff_derived *, int64_t for_ns, struct ff_steady *);
bool ff_derived_is_late(const struct ff_derived *, const struct ff_steady *);

/* "<workflow>/<task>", "<workflow>/bigdata/.ff/<name>"; the names have been checked. */
void ff_derived_task_name(char out[FF_DERIVED_NAME_BYTES], const char *workflow,
                          const char *task);
void ff_derived_own_name(char out[FF_DERIVED_NAME_BYTES], const char *workflow,
                         const char *name);
/* FF_E_USAGE. task may be NULL. */
int ff_derived_check(const char *workflow, const char *task, struct ff_error *);
/* prefix + 128 random bits. */
int ff_derived_fresh(const struct ff_derived *, const char *prefix, char *out,
                     size_t size, struct ff_error *);

/* ---- commit.c ---- */

#define FF_DERIVED_MARKER "workflow"

enum ff_marker_state { FF_MARKER_NONE, FF_MARKER_LIVE, FF_MARKER_REMOVED };

struct ff_marker {
    enum ff_marker_state state;
    char tag[FF_DERIVED_TAG_BYTES];
};

int ff_derived_marker(const struct ff_derived *, const char *workflow, struct ff_marker *,
                      const struct ff_call *, struct ff_error *);
/* Swap the marker for "<word> <128 bit>"; out->tag is the old and then the new one. */
int ff_derived_mark(const struct ff_derived *, const char *workflow, const char *word,
                    struct ff_marker *, const struct ff_call *, struct ff_error *);
/* The marker of a workflow that exists; it gets one when others made it. FF_E_NOT_FOUND.
 */
int ff_derived_need_workflow(const struct ff_derived *, const char *workflow,
                             struct ff_marker *, const struct ff_call *,
                             struct ff_error *);
/* Whether anything but our own records lies in the workflow. */
int ff_derived_anything(const struct ff_derived *, const char *workflow, bool *anything,
                        const struct ff_call *, struct ff_error *);
/* What the state of an intent, or of another record, is. Without a time (0) it is live. */
int ff_derived_state(int64_t mtime_ns, int64_t now_ns);

/* ---- commit_save.c, commit_remove.c, commit_rename.c, commit_sweep.c ---- */

int ff_derived_begin(const struct ff_commit *, const char *workflow, struct ff_intent **,
                     const struct ff_call *, struct ff_error *);
int ff_derived_write(const struct ff_commit *, struct ff_intent *, const void *data,
                     size_t size_bytes, const struct ff_call *, struct ff_error *);
int ff_derived_refresh(const struct ff_commit *, struct ff_intent *, struct ff_error *);
int ff_derived_commit(const struct ff_commit *, struct ff_intent *taken, const char *task,
                      int mode, struct ff_displaced *, const struct ff_call *,
                      struct ff_error *);
void ff_derived_abort(const struct ff_commit *, struct ff_intent *taken);
int ff_derived_displace(const struct ff_commit *, const char *workflow, const char *task,
                        struct ff_displaced *, const struct ff_call *, struct ff_error *);
void ff_derived_drop(const struct ff_commit *, struct ff_displaced *, int destroy);
/* Remove exactly what has this tag. FF_E_CONFLICT: certainly not done, it is another one
 * now. Where the answer was lost and it is gone, somebody else may have it, or have renamed
 * it: that is FF_E_UNKNOWN_OUTCOME. */
int ff_derived_remove_tagged(const struct ff_derived *, const char *name, const char *tag,
                             const struct ff_call *, struct ff_error *);
/* FF_E_UNKNOWN_OUTCOME: "it cannot be known whether it was <what>: <cause>". */
int ff_derived_unknown(const char *name, const char *what, const struct ff_error *cause,
                       struct ff_error *);
/* Whether a rename may leave, or have left, the task's value under another name as well. To be
 * asked before it is displaced, and within FF_DERIVED_COMMIT_NS of ff_derived_hand_over. */
bool ff_derived_is_shared(const struct ff_derived *, const char *workflow,
                          const char *task);
/* Give what was displaced; takes `old`. Without its data where it is `shared`, or is by now:
 * what that names is then left to gc. */
void ff_derived_hand_over(const struct ff_derived *, const char *workflow,
                          const char *task, struct ff_stored *old, bool shared,
                          struct ff_displaced *);
int ff_derived_rename(const struct ff_commit *, const char *workflow, const char *task,
                      const char *to, const struct ff_call *, struct ff_error *);
int ff_derived_remove_workflow(const struct ff_commit *, const char *workflow,
                               const struct ff_call *, struct ff_error *);
/* Delete what a removed workflow left, all but its marker. *alone (may be NULL): none of its
 * writers can be alive. FF_E_CONFLICT: a save is still being committed. */
int ff_derived_remove_remains(const struct ff_derived *, const char *workflow,
                              bool *alone, const struct ff_call *, struct ff_error *);
/* And the marker, once nobody can be alive who may still write: gc. FF_E_CONFLICT: somebody. */
int ff_derived_finish_removal(const struct ff_derived *, const char *workflow,
                              const struct ff_marker *, const struct ff_call *,
                              struct ff_error *);
/* Complete a rename whose process is gone; the record, of this name, stays. */
int ff_derived_finish_rename(const struct ff_derived *, const char *workflow,
                             const char *name, const struct ff_stored *record,
                             const struct ff_call *, struct ff_error *);

#endif
