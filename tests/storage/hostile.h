/* SPDX-License-Identifier: Apache-2.0 */
/* hostile.h: putting things into a store that no save would put there, and looking at how
 * the library tells of them. */
#ifndef FF_TEST_HOSTILE_H
#define FF_TEST_HOSTILE_H

#include <sys/types.h>

#include "fixture.h"

/* Of big data that a test makes up. */
#define UUID "0e4c9f3a-5c0f-4d0e-9a51-0f4a7d2c1b3e"

/* What an error is to say; NULL = not looked at. */
struct said {
    int code;
    const char *place; /* is in the place */
    const char *cause; /* is in the message */
    int fix;           /* there is one */
};

/* `what` names the case when it fails. */
void expect_said(const char *what, const struct ff_error *, const struct said *);

/* Exactly this place, and a fix; the error is cleared. */
void expect_told(const char *what, struct ff_error *, int code, const char *place);

/* A path below the fixture's folder, such as "store/run/a". */
void path_in(const struct fixture *, const char *name, char out[256]);
void write_file(const char *path, const void *data, size_t size_bytes);
/* Freed with free. */
char *read_file(const char *path, size_t *size_bytes);
/* Old enough that no reader waits for a save in place to end. */
void make_old(const char *path);
/* A task of these bytes and their digest, old. */
void write_task(const struct fixture *, const char *task, const void *pickle,
                size_t size_bytes);
/* A pickle of one persistent id (serializer, (version, name)); its size. */
size_t pickle_pid(char out[512], const char *serializer, const char *version,
                  const char *name);
/* The file of the only big data of run/task. */
void bigdata_path(struct fixture *, const char *task, char out[256]);

/* In a child: its status; -1 when it was killed, as by SIGALRM after `seconds`. */
int in_child(int (*child)(void *ctx), void *ctx, unsigned seconds);
/* A host of its own, for children: hosts do not live across fork. */
struct ff_host *new_host(const char *config, struct ff_error *);

/* In a child: what is wrong is printed, and its status is 1. */
#define EXPECT(condition, e)                                                             \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            (void)fprintf(stderr, "line %d: %s: %d at %s: %s (%s)\n", __LINE__,          \
                          #condition, (e)->code, (e)->place, (e)->message, (e)->fix);    \
            return 1;                                                                    \
        }                                                                                \
    } while (0)

#endif
