/* SPDX-License-Identifier: Apache-2.0 */
/* replay.h: a log of faultsys as a file system sees it: files with their writes, folders with
 * their changes of names, and what of it has been made durable so far. */
#ifndef FF_TORTURE_REPLAY_H
#define FF_TORTURE_REPLAY_H

#include "torture.h"

#define FD_MAX    1024
#define ACTOR_MAX 2
#define NODE_MAX  512
#define META_MAX  2048
#define UPDATES   2

struct replay_write {
    int64_t offset;      /* or the new size */
    const uint8_t *data; /* NULL: a change of size */
    size_t size_bytes;
    bool grows_only; /* a reservation */
    bool lost;       /* an fsync that failed: the kernel takes its pages for clean */
};

struct replay_entry {
    const char *name;
    struct replay_node *node;
};

struct replay_names {
    struct replay_entry *items;
    size_t count, room;
};

struct replay_node {
    bool is_folder;
    struct replay_node *parent;
    struct replay_names first; /* folder: what was there when the log began */
    struct replay_names now;   /* folder: as the processes see it */
    uint8_t *base;             /* file: what was there when the log began */
    size_t base_bytes;
    struct replay_write *writes;
    size_t write_count, write_room;
    size_t synced; /* writes before this one are durable, but for lost ones */
};

/* One atomic change of names. */
struct replay_meta {
    struct {
        struct replay_node *folder, *node; /* node NULL: the name is gone */
        const char *name;
    } update[UPDATES];
    int count;
    bool durable;
    char text[120]; /* for people */
};

struct replay {
    uint8_t *log;
    size_t log_bytes, at;
    const char *world; /* the folder's path when the log was made */
    struct replay_node *top;
    struct replay_node *node[NODE_MAX];
    size_t node_count;
    struct replay_meta meta[META_MAX];
    size_t meta_count;
    char **names; /* every name that nodes and steps point to */
    size_t name_count;
    struct replay_node *fd[ACTOR_MAX][FD_MAX];
    bool faulty; /* a table is too small, or the log is broken */
    /* of the last record */
    struct fault_record last;
    bool changed; /* it changed what a power cut may leave */
    bool idle;    /* a sync that made nothing durable but names of our own */
};

bool replay_begin(struct replay *, const char *world, const char *before, int log_fd);
/* False at the end. */
bool replay_next(struct replay *);
void replay_end(struct replay *);

struct replay_node *replay_find(const struct replay_names *, const char *name);
void replay_set(struct replay *, struct replay_names *, const char *name,
                struct replay_node *);

#endif
