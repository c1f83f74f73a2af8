/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h: what the parts of `ff plugin check` share. The program links the library and calls
 * the plugin in three ways: bare (check_describe.c), a protocol on the least host of
 * stub_host.h (contract_*.c), and a serializer on the real one (check_serializer.c,
 * check_faults.c), where the plugin "front" stands for it and lets check_front.c stand between.
 */
#ifndef FF_TESTS_CHECK_H
#define FF_TESTS_CHECK_H

#include <functionfuse/functionfuse.h>
#include <functionfuse/plugin.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "case.h"
#include "tests/doubles/fault.h"

/* What the first child found out, so that this process runs nothing of the plugin. */
struct check_facts {
    bool is_protocol;
    int count;         /* serializers in the file */
    char name[8][128]; /* of a protocol: its kind */
    char first_class[8][256];
    bool needs_files[8]; /* ff.files/1, without an alternative */
};

struct check {
    char file[PATH_MAX];    /* absolute */
    char own_dir[PATH_MAX]; /* where "front", "memory" and "fault" are */
    const char *options;    /* JSON, "{}" when not given */
    const char *values[16]; /* files of --value */
    int value_count;
    const char *with[8]; /* files of --with: more plugins */
    int with_count;
    struct check_facts facts;
    int serializer;      /* which one of the file the suites are about */
    const char *storage; /* JSON; "@DIR@" in it becomes the folder of the case */
};
extern struct check check;

/* ---- check_state.c: what a library must leave as it was ---- */

struct state;
struct state *state_now(void);
/* STATE_SETTINGS: not descriptors and threads, which a library that is loaded may keep. */
enum { STATE_ALL, STATE_SETTINGS };
/* The first that is not as it was, named; or NULL. Frees both. */
const char *state_difference(struct state *before, struct state *after, int kinds);
/* What grows when something leaks. */
int state_fds(void);
int state_threads(void);

/* ---- check_alloc.c: allocations by the plugin's own code ---- */

/* Why it cannot look (a sanitizer has the allocator), or NULL. */
const char *alloc_why_not(void);
/* Whose: the file that holds this address. */
void alloc_watch(const void *code);
/* From now on: fail the k-th (from 1; 0 = none), and all after it. Returns how many there were
 * since the last call. */
unsigned long alloc_fail_at(unsigned long k);
/* Bytes that the whole process holds. */
long long alloc_live_bytes(void);

/* ---- check_front.c: between the host and the serializer ---- */

enum { FRONT_LARGER = 1, FRONT_SMALLER_CALL = 2 };

struct front {
    const struct ff_serializer *real;
    void *inst;
    _Atomic(const struct ff_fault *) fault; /* of the last call's protocol, or NULL */
    /* What the test asks for */
    unsigned flags;
    struct ff_fault_rule
        rule; /* set while the plugin is called; op 0 and no rule: none */
    bool has_rule;
    unsigned long alloc_fail_at;   /* while the plugin is called; 0 = none */
    unsigned long create_fails_at; /* the same, in create() */
    /* What came of it */
    atomic_int pickles, unpickles, declined, create_code;
    atomic_ullong fired;      /* calls of the protocol that failed */
    atomic_ulong alloc_count; /* allocations within calls */
};
extern struct front front;

/* Set or forget the rule for what is called outside of pickle() and unpickle(): reads. */
void front_arm(void);
void front_disarm(void);
/* The host is closed: what the plugin was given may go. */
void front_forget(void);

/* ---- check_store.c: a storage on a host with the plugin, for one case ---- */

struct store {
    char folder[PATH_MAX / 2];
    char plugins[PATH_MAX];
    char storage_json[PATH_MAX];
    struct ff_host *host;
    struct ff_storage *storage;
};
extern struct store store;

/* A folder with "front" in it, a host, the storage check.storage, and its workflow "wf". */
void store_open(void);
void store_open_host(void);
void store_close_host(void);
void store_close(void);
/* The host's row of that name, or else of any file, in store.plugins; or NULL. */
const struct ff_plugin_row *store_row(struct ff_host *, const char *name);
void store_copy(const char *from, const char *folder, const char *as);
/* ff_gc without removal: how many names below bigdata no task refers to. */
int store_orphans(void);

/* ---- check_values.c: the corpus ---- */

int values_count(void);
/* Number i, in `doc`. `text`: what it is. */
struct ff_value values_make(struct ff_doc *doc, int i, char *text, size_t size);
/* NULL, or how they differ: bit by bit where they are arrays. The error: what failed. */
const char *values_differ(struct ff_value a, struct ff_value b, struct ff_error *);

/* One value through the store: FF_OK, or the failure. */
int values_save(int i, const char *task, const struct ff_call *, struct ff_error *);
int values_read_back(int i, const char *task, const struct ff_call *, const char **differ,
                     struct ff_error *);

extern const struct case_suite file_suite, describe_suite, serializer_suite,
    fault_calls_suite, stored_suite;

/* Pseudo random numbers: a stream of $FF_SEED. */
void check_seed(uint64_t stream);
uint64_t check_random(void);

#define SAYS(code, e) (e).place, (e).place[0] ? ": " : "", (e).message, (code)

#endif
