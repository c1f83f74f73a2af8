/* SPDX-License-Identifier: Apache-2.0 */
/* contract.h: what the parts of the protocol contract suite share: one subject at a time, and
 * short ways to its functions. The suite is that of `ff plugin check`, too. */
#ifndef FF_TESTS_CONTRACT_H
#define FF_TESTS_CONTRACT_H

#include "case.h"
#include "core/commit.h"
#include "stub_host.h"

/* A clause of plugin.h that does not hold: "ff.objects/1, PUT: atomic". */
#define CLAUSE(condition, clause)                                                        \
    CASE_MSG(condition, "%s\n  does not hold: %s", clause, #condition)
#define CLAUSE_CODE(call, expected, clause)                                              \
    do {                                                                                 \
        struct ff_error e_ = FF_ERROR_INIT, *e = &e_;                                    \
        int code_ = (call);                                                              \
        CASE_MSG(code_ == (expected), "%s\n  %s gave %d (%s: %s)", clause, #call, code_, \
                 e_.place, e_.message);                                                  \
    } while (0)
#define CLAUSE_OK(call, clause) CLAUSE_CODE(call, FF_OK, clause)

struct subject {
    struct stub_host host;
    const struct ff_protocol *protocol;
    void *inst, *root, *bigdata; /* bound to "" and to "wf/bigdata" */
    const struct ff_objects *root_objects, *objects;
    const struct ff_files *files;   /* or NULL */
    const struct ff_commit *commit; /* the protocol's own, or: */
    struct ff_commit *derived;
    char folder[64]; /* what "@DIR@" in the JSON became */
};

extern struct subject subject;
/* What the next ones are: a storage's JSON, as storage_factory takes it; "@DIR@" in it becomes
 * an empty folder of each test. `files`: the plugins, with those that a decorator wraps. */
void subject_is(const char *json, const char *const *files, size_t count);
/* Open a fresh one with an empty workflow "wf"; close it, and remove its folder. */
void subject_open(void);
void subject_close(void);

struct bytes {
    const char *data;
    size_t size_bytes;
};
int read_bytes(void *ctx, uint64_t offset, void *dst, size_t size_bytes,
               const struct ff_call *, struct ff_error *);

/* Text as an object. tag (may be NULL): the new one. */
int put_text(const struct ff_objects *, const char *name, const char *text,
             const char *if_match, char *tag, struct ff_error *);
/* At most `size` bytes from `offset`; came and whole may be NULL. */
int get_range(const struct ff_objects *, const char *name, uint64_t offset, char *dst,
              uint64_t size, uint64_t *came, uint64_t *whole, char *tag,
              struct ff_error *);
/* Whether the object is exactly this text. */
bool is_text(const struct ff_objects *, const char *name, const char *text);
int remove_if(const struct ff_objects *, const char *name, const char *if_match,
              struct ff_error *);
int copy_if(const struct ff_objects *, const char *from, const char *to,
            const char *if_match, struct ff_error *);
int exists(const struct ff_objects *, const char *name);

/* Save text as a task of "wf"; what it displaced is dropped. */
int save(const char *task, const char *text, struct ff_error *);

/* False: a server that lets two conditional puts at once both succeed, and says so in
 * ff.s3/1. Races are for the others. */
bool medium_is_atomic(void);

struct names {
    char name[16][300];
    size_t count;
};
/* For intents(); ctx: struct names. */
int keep_name(void *ctx, const struct ff_intent_info *);
/* An hour goes by on the medium. False: a server has a clock that nobody here can turn, and
 * what needs that passes. */
bool pass_an_hour(void);
/* What gc does, an hour later, with the clock of the medium: fences all that is stale. */
void fence_all(const char *workflow);

/* A call that is cancelled once `*flag` is set. */
struct cancel {
    struct ff_call call;
    atomic_int flag;
};
void cancel_init(struct cancel *);

extern const struct case_suite objects_suite;
extern const struct case_suite batch_suite;
extern const struct case_suite border_suite;
extern const struct case_suite files_suite;
extern const struct case_suite commit_suite;
extern const struct case_suite race_suite;
extern const struct case_suite fault_suite;
extern const struct case_suite meddle_suite;

#endif
