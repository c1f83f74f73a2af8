/* SPDX-License-Identifier: Apache-2.0 */
/* torture.h: what the torture programs share: TAP, seeded choices, scratch folders, work in
 * a child process, a client of the library, scenarios and the invariants. */
#ifndef FF_TORTURE_H
#define FF_TORTURE_H

#include <functionfuse/functionfuse.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "faultsys.h"

/* ---- tap.c ---- */

#define TEXT_BYTES 2048

bool tap_ok(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tap_skip(const char *what, const char *reason);
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int tap_end(void); /* prints the plan; the exit code */

uint64_t torture_seed(void); /* FF_SEED, else the clock; printed once */
bool torture_long(void);     /* FF_LONG */
double now_s(void);
/* Seconds that a sampled loop may take; without end with FF_LONG. */
double torture_until(double seconds);

struct rng {
    uint64_t state;
};
uint64_t rng_next(struct rng *);
size_t rng_below(struct rng *, size_t n); /* n > 0 */
void rng_shuffle(struct rng *, uint32_t *items, size_t count);

/* Appends to a text of TEXT_BYTES; returns false, for `return say(...)`. */
bool say(char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- scratch.c: folders and children ---- */

#define PATH_BYTES 512

/* A fresh folder, in memory where there is such: /dev/shm, else $TMPDIR or /tmp. */
bool scratch_make(char path[PATH_BYTES], const char *what);
void scratch_remove(const char *path);
/* What is in it, the folder itself stays. */
void scratch_clear(const char *path);
bool scratch_copy(const char *from, const char *to); /* `to` is made */
int scratch_log(void);                               /* a file without a name, or -1 */
int open_fds(void);

/* Zeroed memory that children share. */
void *shared_memory(size_t size_bytes);
enum child_end { CHILD_OK, CHILD_BAD, CHILD_KILLED, CHILD_CRASHED, CHILD_HUNG };
extern const char *const child_end_name[];
/* `work` in a child; its result is whether all is well. A sanitizer's leak report is BAD. */
enum child_end in_child(bool (*work)(void *ctx), void *ctx, unsigned timeout_s);
pid_t child_start(bool (*work)(void *ctx), void *ctx);
enum child_end child_wait(pid_t, unsigned timeout_s);

/* ---- client.c: a host and a storage; a root is a folder, or a storage as JSON ---- */

struct client {
    struct ff_host *host;
    struct ff_storage *storage;
};

/* sys NULL = the system's. */
bool client_open(struct client *, const char *root, const struct ff_sys *sys,
                 struct ff_error *);
/* A host alone; client_switch() opens the storage. */
bool client_begin(struct client *, const struct ff_sys *sys, struct ff_error *);
/* Another storage in place of the one it has, of the same host. */
bool client_switch(struct client *, const char *root, struct ff_error *);
void client_close(struct client *);

/* ---- values.c ----
 * Value v: {"n": v, "text", "list", "a": array, "b": array, "t": (...)}: its plain parts
 * are v / 100, its arrays v % 100. v / 100 >= PLAIN_ONLY has no arrays. */
#define VALUE(plain, arrays) ((plain)*100 + (arrays))
#define PLAIN_ONLY           50
#define NO_VALUE             (-1)
#define WRONG                1000 /* a code: what was read is not what was saved */
#define VALUE_ARRAYS(v)      ((v) / 100 >= PLAIN_ONLY ? 0 : 2)

struct ff_doc *value_new(int v, struct ff_error *);
/* The same arrays, lazily, under other plain parts. */
struct ff_doc *value_edit(struct ff_doc *read, int v, struct ff_error *);
/* Which value this says it is, or NO_VALUE. */
int value_number(struct ff_value root);
/* Every element is that of value v. */
bool value_is(struct ff_value root, int v, char *why);
/* By pushed regions. */
int value_push(struct ff_storage *, const char *workflow, const char *task, int v,
               struct ff_error *);
/* Reads the arrays: FF_OK, their failure, or WRONG: an element is not that of value v. */
int value_read(struct ff_value root, int v, struct ff_error *);

/* ---- scenario.c ---- */

enum { WORKFLOWS = 2, TASKS = 4, STEPS = 8 };

enum step_kind {
    STEP_END,
    STEP_WORKFLOW, /* new_workflow(w) */
    STEP_SAVE,
    STEP_SAVE_ABSENT,
    STEP_PUSH,
    STEP_EDIT, /* w/t again as to_w/to_t: same arrays, plain parts of `value` */
    STEP_READ, /* pinned */
    STEP_READ_LAZY,
    STEP_READ_STALE, /* read; save another in its place; then the arrays */
    STEP_LIST,
    STEP_MOVE,
    STEP_REMOVE,
    STEP_REMOVE_ALL,
    STEP_REMOVE_WORKFLOW,
    STEP_GC,
    STEP_VERIFY,
    STEP_INFO,
    STEP_ORPHAN,   /* of set-ups: big data that nobody names */
    STEP_LEFTOVER, /* of set-ups: an intent whose process is gone */
    STEP_OTHERS,   /* root, workflow and bigdata are made, and not synced */
    STEP_KILLED    /* a replacing save that is killed behind its rename, in a child */
};

struct step {
    enum step_kind kind;
    int w, t, value, to_w, to_t;
    int want; /* the code without faults */
};

struct scenario {
    const char *name;
    bool no_root; /* the storage's folder is not there yet */
    struct step setup[STEPS], action[STEPS];
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

enum { ALLOWED = 6 };

/* What the store may hold: for each name every value that it may have. */
struct expect {
    bool may_lack[WORKFLOWS], may_have[WORKFLOWS];
    int allowed[WORKFLOWS][TASKS][ALLOWED];
    int count[WORKFLOWS][TASKS];
    const struct step *move; /* on its way: one name or both, never none; or NULL */
};

const char *workflow_name(int w);
const char *task_name(int t);

struct outcome {
    int steps;  /* begun */
    int code;   /* of the last one */
    bool ended; /* the last one */
    struct ff_error error;
};

/* sys: for STEP_KILLED. */
int step_run(struct client *, const char *root, const struct step *, struct faultsys *,
             struct ff_error *);
bool setup_run(const char *root, const struct scenario *, char *why);
/* Runs until a step does not end as wanted. */
void action_run(struct client *, const char *root, const struct scenario *,
                struct faultsys *, struct outcome *);
/* After `ended` steps of the action, with one more begun or not; code: of that one, when it
 * ended with a failure (0: it has not ended). */
void expect_after(const struct scenario *, int ended, bool begun, int code,
                  struct expect *);
void expect_outcome(const struct scenario *, const struct outcome *, struct expect *);
/* The last step ended as the rules of errors want it. */
bool outcome_check(const struct scenario *, const struct outcome *, char *why);
/* That a failure says where, and what to do. */
bool outcome_is_told(const struct scenario *, const struct outcome *, char *why);

/* ---- invariants.c ---- */

#define CHECK_SAVE 1u /* also that a save works */
#define CHECK_HELD 2u /* other processes hold intents: no gc */
#define CHECK_RUN  4u /* not the store, only how the run ended */
#define CHECK_TOLD 8u /* also that a failure says where, and what to do */

/* A store that nobody works on, in a fresh host: I1 to I7. False and why. Changes it: gc. */
bool invariants_hold(const char *root, const struct expect *, unsigned flags, char *why);
/* With a host of the caller's. */
bool invariants_of(struct client *, const char *root, const struct expect *,
                   unsigned flags, char *why);
/* Counts what is in all bigdata folders, and private names. */
void store_count(const char *root, size_t *bigdata, size_t *private_names);

/* How that, and what set-ups lay there, is done where a root is no folder. */
struct medium {
    void (*count)(const char *root, size_t *bigdata, size_t *private_names);
    int (*stray)(const char *root, const struct step *);
    const struct ff_sys *sys; /* of clients that are given none */
};
extern const struct medium *medium; /* NULL: files */

/* ---- power.c: what a power cut may leave ---- */

struct power_limits {
    double until_s;     /* now_s() */
    size_t each_cut;    /* states of one cut; more than that are chosen by chance */
    bool only_end;      /* cuts at the end of the log only */
    bool stop_at_first; /* violation */
    uint64_t seed;
};

struct power_result {
    size_t cuts, states, distinct, violations;
    bool complete; /* every state of the model was tried, none by chance */
    bool ended;    /* else it crashed, or has been stopped */
    char why[TEXT_BYTES];
};

/* The log of a scenario's action. `world` is the folder that held the root "store" while it
 * was made, `before` a copy of it as it was when the log began. */
void power_check(const struct scenario *, const char *world, const char *before,
                 int log_fd, const struct power_limits *, struct power_result *);

enum { SYNCS_MAX = 64 };
/* For each counted sync of the log: whether it made more durable than names of our own. How many
 * there are. */
size_t power_syncs(const char *world, const char *before, int log_fd,
                   bool works[SYNCS_MAX]);
void power_show(const char *world, const char *before, int log_fd);

#endif
